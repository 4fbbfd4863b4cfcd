"""What is proved of the memory model can fail: outside its scope, and of wrong versions of the law."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from tests.proofs.breaking import refuted

from mmproofs.obligations import by_id
from mmspec.physical.memory_model import core, page_flags
from mmspec.physical.memory_model.architectures import ARCHITECTURES
from mmspec.physical.memory_model.layout import frames_between, page_after
from mmspec.physical.memory_model.ops import AnyPfn
from mmspec.physical.memory_model.state import root_of


def test_beyond_half_the_address_space_a_frame_does_not_come_back() -> None:
    """The scope of the proof is needed: without it there is a counterexample, on which the law itself fails."""
    wide = {"pfn": AnyPfn}
    refuted("MEMORY-MODEL-THERE-AND-BACK-X86-64", {"memmap.layout.struct_page": 64}, given=(), types=wide)
    layout, frame = ARCHITECTURES["x86_64"], 1 << 57
    assert frames_between(layout, page_after(layout, layout.base, frame), layout.base) != frame


def no_flags_kept(*arguments: Any) -> int:
    """Stand for ``section_flags``: a section never has any."""
    return 0


def two_bits(*arguments: Any) -> int:
    """Stand for a field's width: two bits."""
    return 2


def first_bit(*arguments: Any) -> int:
    """Stand for ``subsection_mask``: whatever the part, its section's first sub-section."""
    return 1


def added_in(flags: Any, place: Any, width: Any, value: Any) -> Any:
    """Stand for ``set_field``: what was there stays."""
    return flags | (value << place)


def among_flags(*arguments: Any) -> int:
    """Stand for where a field begins: among the page's own flags."""
    return 3


def without_root(memmap: Any, section: Any, bits: Any, word: Any) -> Any:
    """Stand for ``with_devices``: the table that the section is in is taken away."""
    return attrs.evolve(memmap, roots=memmap.roots.set(root_of(memmap.layout, section), False))


WRONG: dict[str, tuple[Any, str, Callable[..., Any], dict[str, int]]] = {
    "MEMORY-MODEL-ADD-FLAGS": (core, "section_flags", no_flags_kept, {}),
    "MEMORY-MODEL-FLAGS-APART": (page_flags, "nodes_place", among_flags, {"layout.long_bits": 64}),
    "MEMORY-MODEL-FLAGS-NODE": (page_flags, "set_field", added_in, {"layout.long_bits": 64}),
    "MEMORY-MODEL-FLAGS-OTHERS": (page_flags, "zones_place", among_flags, {"layout.long_bits": 64}),
    "MEMORY-MODEL-FLAGS-READ-BACK": (page_flags, "set_field", added_in, {"layout.long_bits": 64}),
    "MEMORY-MODEL-FLAGS-ZONE": (page_flags, "zones_width", two_bits, {"layout.long_bits": 64}),
    "MEMORY-MODEL-FLAGS-ZONE-ID": (page_flags, "nodes_width", two_bits, {"layout.long_bits": 64}),
    "MEMORY-MODEL-MAP-DEVICE-BITS": (core, "subsection_mask", first_bit, {}),
    "MEMORY-MODEL-MAP-DEVICE-ROOTED": (core, "with_devices", without_root, {}),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_law_is_not_proved(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One function replaced, and the theorem about it fails."""
    module, function, wrong, case = WRONG[name]
    monkeypatch.setattr(module, function, wrong)
    refuted(name, case or by_id()[name].cases[-1])


def test_a_remove_that_forgets_to_look_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where any part may be removed, bits appear instead of going away."""
    monkeypatch.setattr(core, "lacks_part", lambda memmap, pfn, pages: False)
    refuted("MEMORY-MODEL-REMOVE-VALID", by_id()["MEMORY-MODEL-REMOVE-VALID"].cases[-1])
