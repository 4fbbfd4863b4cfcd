"""The state of the memory map: what is known about each section, and what never changes."""

from __future__ import annotations

import attrs

from mmspec.physical.memory_model.layout import flags_of
from mmspec.physical.memory_model.ops import Bitmap, Encoded, Layout, Node, Root, Section, SectionFlags
from mmspec.pmap import PMap


@attrs.frozen
class MemMap:
    """The sections (mm/sparse.c:mem_section, v6.12); nothing but the layout under FLATMEM."""

    layout: Layout
    sections: PMap[Section, Encoded]  # section_mem_map; absent: 0
    added: PMap[Section, Bitmap]  # usage->subsection_map, with VMEMMAP; absent: 0
    devices: PMap[Section, Bitmap]  # the sub-sections that a device's driver has; absent: 0
    roots: PMap[Root, bool]  # the roots that there are; never given back
    usages: PMap[Section, bool]  # the sections whose usage is from boot; never given back
    nodes: PMap[Section, Node]  # section_to_node_table; absent: 0


@attrs.frozen
class NoPolicy:
    """Linux's policy state: nothing is left to choose."""


def section_word(memmap: MemMap, section: Section) -> Encoded:
    """Return a section's ``section_mem_map``."""
    return memmap.sections.get(section, 0)


def section_flags(memmap: MemMap, section: Section) -> SectionFlags:
    """Return a section's flags: none of one that is absent."""
    return flags_of(memmap.layout, memmap.sections.get(section, 0))


def root_of(layout: Layout, section: Section) -> Root:
    """Return the root that holds a section (include/linux/mmzone.h:SECTION_NR_TO_ROOT, v6.12)."""
    return section // ((1 << layout.page_shift) // layout.mem_section)
