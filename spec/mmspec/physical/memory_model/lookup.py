"""From a frame to its ``struct page`` and back; which frames have one, and which of these are online."""

from __future__ import annotations

from mmspec.clause import rule
from mmspec.physical.memory_model import clauses as c
from mmspec.physical.memory_model.layout import (
    decoded,
    frames_between,
    has_bit,
    is_flat,
    is_vmemmap,
    page_after,
    section_of,
    sections_of,
    subsection_index,
    vmemmap_of,
)
from mmspec.physical.memory_model.ops import EARLY, HAS_MEM_MAP, ONLINE, TAINT, Address, AnyPfn, Section
from mmspec.physical.memory_model.state import MemMap, section_flags, section_word


def page_of(memmap: MemMap, pfn: AnyPfn) -> Address:
    """Return the address of a valid frame's ``struct page`` (include/asm-generic/memory_model.h:pfn_to_page, v6.12)."""
    layout = memmap.layout
    if is_flat(layout):
        rule(c.FLAT)
        return page_after(layout, layout.base, pfn - layout.first_pfn)
    if is_vmemmap(layout):
        rule(c.VMEMMAP)
        return page_after(layout, vmemmap_of(layout), pfn)
    rule(c.CLASSIC)
    return page_after(layout, decoded(layout, section_word(memmap, section_of(layout, pfn))), pfn)


def pfn_of(memmap: MemMap, page: Address, section: Section) -> AnyPfn:
    """Return the frame of a page whose flags name ``section`` (include/asm-generic/memory_model.h:page_to_pfn, v6.12).

    Only the classic models look at the section.
    """
    layout = memmap.layout
    if is_flat(layout):
        return frames_between(layout, page, layout.base) + layout.first_pfn
    if is_vmemmap(layout):
        return frames_between(layout, page, vmemmap_of(layout))
    return frames_between(layout, page, decoded(layout, section_word(memmap, section)))


def is_valid(memmap: MemMap, pfn: AnyPfn) -> bool:
    """Tell whether a frame has a ``struct page`` (include/linux/mmzone.h:pfn_valid, v6.12).

    That the bits above the physical address space are clear, which Linux asks first, is asked with the number of the section.
    """
    layout = memmap.layout
    if is_flat(layout):
        rule(c.VALID_FLAT)
        return (layout.first_pfn <= pfn) & (pfn < layout.first_pfn + layout.max_mapnr)
    section = section_of(layout, pfn)
    if section >= sections_of(layout):
        rule(c.VALID_RANGE)
        return False
    flags = section_flags(memmap, section)
    if flags & HAS_MEM_MAP == 0:
        rule(c.VALID_MAP)
        return False
    if flags & EARLY != 0:
        rule(c.VALID_EARLY)
        return True
    if not is_vmemmap(layout):
        rule(c.VALID_WHOLE)
        return True
    rule(c.VALID_BIT)
    return has_bit(memmap.added.get(section, 0), subsection_index(layout, pfn))


def is_online(memmap: MemMap, pfn: AnyPfn) -> bool:
    """Tell whether a frame has a ``struct page`` that is online (mm/memory_hotplug.c:pfn_to_online_page, v6.12)."""
    layout = memmap.layout
    if not layout.hotplug:
        rule(c.ONLINE_VALID)
        return is_valid(memmap, pfn)
    section, index = section_of(layout, pfn), subsection_index(layout, pfn)
    if section >= sections_of(layout) or section_flags(memmap, section) & ONLINE == 0:
        rule(c.ONLINE_SECTION)
        return False
    if is_vmemmap(layout) and not has_bit(memmap.added.get(section, 0), index):
        rule(c.ONLINE_BIT)
        return False
    if section_flags(memmap, section) & TAINT == 0:
        rule(c.ONLINE_PLAIN)
        return True
    rule(c.ONLINE_DEVICE)
    return not has_bit(memmap.devices.get(section, 0), index)
