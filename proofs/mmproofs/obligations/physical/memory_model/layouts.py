"""What is given of a layout, and how a proof is made one about an architecture's constants."""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.physical.memory_model.architectures import ARCHITECTURES
from mmspec.physical.memory_model.layout import address_mask, is_layout, map_fits
from mmspec.physical.memory_model.ops import AnyPfn, Layout, Section
from mmspec.physical.memory_model.state import MemMap

ANY = ("base", "first_pfn", "max_mapnr", "struct_page")
"""The parts of a layout that stay unknown: where the map lies, and of what it begins; and the size, which ``SIZES`` lists."""

SIZES = {32: (32, 36, 40, 48), 64: (56, 64, 80)}
"""What ``sizeof(struct page)`` may be, by BITS_PER_LONG: it varies with the configuration (include/linux/mm_types.h, v6.12)."""

NAMES = {name: name.upper().replace("_", "-").replace(" ", "-") for name in ARCHITECTURES}
"""The architectures' names as they stand in ids."""

SPARSE = {name: layout for name, layout in ARCHITECTURES.items() if layout.model}


def constants(layout: Layout, head: str, *, sizes: bool = False) -> dict[str, Any]:
    """Return an architecture's constants as the parts of a record called ``head``."""
    free = ANY if not sizes else ANY[:-1]
    return {f"{head}.{field.name}": getattr(layout, field.name) for field in attrs.fields(Layout) if field.name not in free}


def legal(layout: Layout) -> bool:
    """The layout is one that ``check_layout`` lets through the door."""
    return is_layout(layout) and map_fits(layout)


def legal_map(memmap: MemMap) -> bool:
    """The layout is one that ``check_layout`` lets through the door."""
    return legal(memmap.layout)


def physical(memmap: MemMap, pfn: AnyPfn) -> bool:
    """The frame is one of the physical address space."""
    return pfn < 1 << (memmap.layout.max_physmem_bits - memmap.layout.page_shift)


def from_first(memmap: MemMap, pfn: AnyPfn) -> bool:
    """A flat map has no page before its first."""
    return (memmap.layout.model != 0) | (memmap.layout.first_pfn <= pfn)


def physical_section(layout: Layout, section: Section) -> bool:
    """The section is one of the physical address space."""
    return section < 1 << (layout.max_physmem_bits - layout.section_size_bits)


def inside_words(layout: Layout) -> bool:
    """The base is an address."""
    return layout.base <= address_mask(layout)
