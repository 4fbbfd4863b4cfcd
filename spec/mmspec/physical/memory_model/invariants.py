"""What is true of every memory map, said of one arbitrary frame or section."""

from __future__ import annotations

from collections.abc import Iterator

from mmspec.component import Invariant
from mmspec.physical.memory_model import clauses as c
from mmspec.physical.memory_model.layout import (
    PAGEBLOCK_BITS,
    bitmap_bits,
    first_frame,
    flags_of,
    has_bit,
    has_roots,
    in_section,
    is_flat,
    is_vmemmap,
    page_after,
    pageblock_bit,
    pages_per_section,
    section_of,
    sections_of,
    subsection_index,
    subsections_of,
    vmemmap_of,
)
from mmspec.physical.memory_model.lookup import is_online, is_valid, page_of, pfn_of
from mmspec.physical.memory_model.ops import EARLY, HAS_MEM_MAP, ONLINE, PRESENT, TAINT, AnyPfn, Section
from mmspec.physical.memory_model.state import MemMap, NoPolicy, root_of, section_flags, section_word
from mmspec.words import Pfn


def there_and_back(memmap: MemMap, policy: NoPolicy, frame: AnyPfn) -> bool:
    """The frame of the page of a frame that is valid is that frame."""
    if not is_valid(memmap, frame):
        return True
    return pfn_of(memmap, page_of(memmap, frame), section_of(memmap.layout, frame)) == frame


def contiguous(memmap: MemMap, policy: NoPolicy, frame: AnyPfn) -> bool:
    """Inside a section the page of the next frame is the next page."""
    layout = memmap.layout
    last = in_section(layout, frame) == pages_per_section(layout) - 1
    return last or page_of(memmap, frame + 1) == page_after(layout, page_of(memmap, frame), 1)


def flags_ordered(memmap: MemMap, policy: NoPolicy, section: Section) -> bool:
    """A section that is online, early or tainted has a memory map, and it has one if and only if it is present."""
    flags = section_flags(memmap, section)
    mapped = flags & HAS_MEM_MAP != 0
    return (mapped == (flags & PRESENT != 0)) & (mapped | (flags & (ONLINE | EARLY | TAINT) == 0))


def online_valid(memmap: MemMap, policy: NoPolicy, frame: AnyPfn) -> bool:
    """A page that is online is valid and is no device's."""
    if not is_online(memmap, frame):
        return True
    layout = memmap.layout
    section, index = section_of(layout, frame), subsection_index(layout, frame)
    device = layout.zone_device and has_bit(memmap.devices.get(section, 0), index) and tainted(memmap, section)
    return is_valid(memmap, frame) and not device


def tainted(memmap: MemMap, section: Section) -> bool:
    """Tell whether a section is tainted."""
    return section_flags(memmap, section) & TAINT != 0


def pageblock_inside(memmap: MemMap, policy: NoPolicy, frame: AnyPfn) -> bool:
    """A frame's pageblock lies in the frame's section, and its bits in the section's bitmap."""
    layout = memmap.layout
    head = frame >> layout.pageblock_order << layout.pageblock_order
    last = head + (1 << layout.pageblock_order) - 1
    one = (section_of(layout, head) == section_of(layout, frame)) & (section_of(layout, last) == section_of(layout, frame))
    return one and pageblock_bit(layout, frame) + PAGEBLOCK_BITS <= bitmap_bits(layout)


def mapped_if_added(memmap: MemMap, policy: NoPolicy, section: Section) -> bool:
    """A section has a memory map if and only if a sub-section of it is set, and none is set beyond its last."""
    if not is_vmemmap(memmap.layout):
        return True
    bits = memmap.added.get(section, 0)
    mapped = section_flags(memmap, section) & HAS_MEM_MAP != 0
    return (mapped == (bits != 0)) & (bits >> subsections_of(memmap.layout) == 0)


def rooted(memmap: MemMap, policy: NoPolicy, section: Section) -> bool:
    """Every section that is present has a root."""
    if not has_roots(memmap.layout):
        return True
    return (section_flags(memmap, section) & PRESENT == 0) | memmap.roots.get(root_of(memmap.layout, section), False)


def map_encoded(memmap: MemMap, policy: NoPolicy, section: Section) -> bool:
    """Under VMEMMAP an encoded memory map is vmemmap; a section that is not present is 0."""
    word, flags = section_word(memmap, section), section_flags(memmap, section)
    if flags & PRESENT == 0:
        return word == 0
    return not is_vmemmap(memmap.layout) or word - flags == vmemmap_of(memmap.layout)


# --- where they are asked ------------------------------------------------------------------------------------------------


def sections_near(memmap: MemMap, policy: NoPolicy) -> Iterator[Section]:
    """Yield the sections of which anything is known, and their neighbours."""
    for section, _ in memmap.sections.items():
        yield from (section, section + 1)
        if section:
            yield section - 1


def frames_near(memmap: MemMap, policy: NoPolicy) -> Iterator[Pfn]:
    """Yield frames at the edges of the sections of which anything is known and of their sub-sections, and at the map's ends."""
    layout = memmap.layout
    last = 1 << (layout.max_physmem_bits - layout.page_shift)
    yield from (0, last - 1, last)
    if is_flat(layout):
        yield from (max(layout.first_pfn - 1, 0), layout.first_pfn, layout.first_pfn + layout.max_mapnr)
        return
    for section, _ in memmap.sections.items():
        first, size = first_frame(layout, section), pages_per_section(layout)
        grain = size // subsections_of(layout)
        yield from (first, first + 1, first + grain - 1, first + grain, first + size - 1)


def mapped_sections(memmap: MemMap, policy: NoPolicy) -> Iterator[Pfn]:
    """Yield frames of the sections that have a memory map."""
    for section, word in memmap.sections.items():
        if flags_of(memmap.layout, word) & HAS_MEM_MAP and section < sections_of(memmap.layout):
            first = first_frame(memmap.layout, section)
            yield from (first, first + 1, first + pages_per_section(memmap.layout) - 1)


INVARIANTS = (
    Invariant(c.MM_1, there_and_back, frames_near),
    Invariant(c.MM_2, contiguous, mapped_sections),
    Invariant(c.MM_3, flags_ordered, sections_near),
    Invariant(c.MM_4, online_valid, frames_near),
    Invariant(c.MM_5, pageblock_inside, mapped_sections),
    Invariant(c.MM_9, mapped_if_added, sections_near),
    Invariant(c.ROOTS, rooted, sections_near),
    Invariant(c.MAPS, map_encoded, sections_near),
)
