"""A memory map to play with: the law's state, asked request by request as Linux answers."""

from __future__ import annotations

from typing import Any

from mmspec.physical.memory_model import MEMORY_MODEL
from mmspec.physical.memory_model.architectures import ARCHITECTURES
from mmspec.physical.memory_model.layout import pages_per_section
from mmspec.physical.memory_model.ops import Config, Layout, ShowSection
from mmspec.physical.memory_model.state import NoPolicy

OPERATIONS = {operation.request: operation for operation in MEMORY_MODEL.operations}
X86, CLASSIC, FLAT = (ARCHITECTURES[name] for name in ("x86_64", "x86_64 without VMEMMAP", "arm"))
SECTION = 0x8000
"""Pages of a section of x86-64."""
PART = 0x200
"""Pages of its sub-sections."""


class Model:
    """The memory map after boot, and after each request that was asked."""

    def __init__(self, layout: Layout, *memory: tuple[int, int, int], unbacked: int | None = None) -> None:
        self.layout, self.size = layout, pages_per_section(layout)
        self.state = MEMORY_MODEL.initial(Config(layout, memory, unbacked))

    def ask(self, request: Any) -> Any:
        """Return the answer, which the law must allow, and go on from it."""
        operation = OPERATIONS[type(request)]
        answer, _ = operation.choose(self.state, NoPolicy(), request)
        assert operation.allowed(self.state, request, answer) is None
        self.state = operation.apply(self.state, request, answer)
        assert broken(self.state) == []
        return answer

    def flags(self, section: int) -> int:
        """Return a section's flags."""
        flags: int = self.ask(ShowSection(section)).flags
        return flags

    def map_at(self, section: int) -> int:
        """Return where a section's memory map is."""
        mem_map: int = self.ask(ShowSection(section)).mem_map
        return mem_map

    def parts(self, section: int) -> int:
        """Return the bits of the sub-sections that were added."""
        bits: int = self.ask(ShowSection(section)).subsections
        return bits


def broken(state: Any) -> list[tuple[str, int]]:
    """Return the invariants that do not hold, each with where."""
    return [
        (i.clause.id, key)
        for i in MEMORY_MODEL.invariants
        for key in i.keys(state, NoPolicy())
        if not i.holds(state, NoPolicy(), key)
    ]
