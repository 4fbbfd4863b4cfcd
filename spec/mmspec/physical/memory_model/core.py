"""What becomes of the sections: adding and removing parts of them, marking them online, giving parts to devices.

Every operation has the same rhythm: ``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the memory map after
an allowed result, ``X_choose`` Linux's answer. Nothing is left to choose: every request has one answer.
"""

from __future__ import annotations

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.physical.memory_model import clauses as c
from mmspec.physical.memory_model.layout import (
    SUBSECTION_SHIFT,
    address_mask,
    encoded,
    flags_of,
    has_roots,
    in_section,
    is_classic,
    is_vmemmap,
    mem_map_of,
    pages_per_section,
    section_map_size,
    section_of,
    sections_of,
    subsection_mask,
    vmemmap_of,
)
from mmspec.physical.memory_model.ops import (
    DONE,
    EARLY,
    EEXIST,
    EINVAL,
    ENOMEM,
    HAS_MEM_MAP,
    MEMMAP,
    ONLINE,
    PRESENT,
    ROOT,
    TAINT,
    USAGE,
    Add,
    Address,
    Bitmap,
    Done,
    Encoded,
    Error,
    Layout,
    MapDevice,
    Offline,
    Online,
    Remove,
    Section,
    UnmapDevice,
)  # fmt: skip
from mmspec.physical.memory_model.state import MemMap, NoPolicy, root_of, section_flags, section_word
from mmspec.pmap import somewhere
from mmspec.words import Count, Pfn

Answer = tuple[Done | Error, NoPolicy]

# --- parts of sections -------------------------------------------------------------------------------------------------


def is_part(layout: Layout, pfn: Pfn, pages: Count) -> bool:
    """Tell whether frames are a part of one section, in the grain of hotplug (mm/memory_hotplug.c:check_pfn_span, v6.12)."""
    grain = 1 << (SUBSECTION_SHIFT - layout.page_shift) if is_vmemmap(layout) else pages_per_section(layout)
    whole = ((pfn | pages) & (grain - 1) == 0) & (pages > 0)
    inside = (in_section(layout, pfn) + pages <= pages_per_section(layout)) & (section_of(layout, pfn) < sections_of(layout))
    return layout.hotplug & whole & inside


def with_section(memmap: MemMap, section: Section, word: Encoded, bits: Bitmap) -> MemMap:
    """Return a memory map with one section's word and sub-sections changed."""
    return MemMap(
        memmap.layout,
        memmap.sections.set(section, word),
        memmap.added.set(section, bits),
        memmap.devices,
        memmap.roots,
        memmap.usages,
        memmap.nodes,
    )


# --- add -----------------------------------------------------------------------------------------------------------------


def overlaps(section: Section, word: Encoded, layout: Layout, mem_map: Address) -> bool:
    """Tell whether a section's memory map and one at ``mem_map`` share an address."""
    size = section_map_size(layout)
    theirs = mem_map_of(layout, word, section)
    return (flags_of(layout, word) & HAS_MEM_MAP != 0) & (theirs < mem_map + size) & (mem_map < theirs + size)


def map_refused(memmap: MemMap, op: Add) -> bool:
    """Tell whether a request needs a memory map of its own and gives one that no allocator would."""
    layout = memmap.layout
    if not is_classic(layout):
        return False
    placed = (op.mem_map & ((1 << layout.page_shift) - 1) == 0) & (op.mem_map > 0)
    end = op.mem_map + section_map_size(layout)
    return not placed or end > address_mask(layout) or somewhere(memmap.sections, overlaps, layout, op.mem_map)


def lacks_root(memmap: MemMap, section: Section) -> bool:
    """Tell whether a section's root is still to be allocated."""
    return has_roots(memmap.layout) and not memmap.roots.get(root_of(memmap.layout, section), False)


def lacks_usage(memmap: MemMap, section: Section) -> bool:
    """Tell whether a section's usage is still to be allocated: it has one from boot, or while it has a memory map."""
    if section_flags(memmap, section) & HAS_MEM_MAP != 0:
        return False
    rule(c.REMOVE_USAGE)
    return not memmap.usages.get(section, False)


def reuses_map(memmap: MemMap, op: Add) -> bool:
    """Tell whether a part is added to a section whose memory map is from boot (mm/sparse-vmemmap.c:section_activate, v6.12)."""
    early = section_flags(memmap, section_of(memmap.layout, op.pfn)) & EARLY != 0
    return early and op.pages < pages_per_section(memmap.layout)


def needs(memmap: MemMap, op: Add) -> bool:
    """Tell whether a request needs the allocation that fails."""
    section = section_of(memmap.layout, op.pfn)
    if op.fails == ROOT:
        return lacks_root(memmap, section)
    if op.fails == USAGE:
        return lacks_usage(memmap, section)
    return op.fails == MEMMAP and not reuses_map(memmap, op)


def is_there(memmap: MemMap, pfn: Pfn, pages: Count) -> bool:
    """Tell whether any sub-section of a part was added."""
    bits = memmap.added.get(section_of(memmap.layout, pfn), 0)
    return is_vmemmap(memmap.layout) and subsection_mask(memmap.layout, pfn, pages) & bits != 0


def add_allowed(memmap: MemMap, op: Add, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to an add breaks."""
    if not is_part(memmap.layout, op.pfn, op.pages):
        rule(c.ADD_ARGS)
        return None if refused(result, "EINVAL") else c.ADD_ARGS
    if map_refused(memmap, op):
        rule(c.ADD_MEM_MAP)
        return None if refused(result, "EINVAL") else c.ADD_MEM_MAP
    if is_there(memmap, op.pfn, op.pages):
        rule(c.ADD_TWICE)
        return None if refused(result, "EEXIST") else c.ADD_TWICE
    if needs(memmap, op):
        clause = c.ADD_ROOT if op.fails == ROOT else c.ADD_USAGE if op.fails == USAGE else c.ADD_NO_MAP
        rule(clause)
        return None if refused(result, "ENOMEM") else clause
    if reuses_map(memmap, op):
        rule(c.ADD_REUSE)
        return c.ADD_REUSE if result.failed else None
    rule(c.ADD_DONE)
    return c.ADD_DONE if result.failed else None


def add_choose(memmap: MemMap, policy: NoPolicy, op: Add) -> Answer:
    """Answer an add as Linux does."""
    if not is_part(memmap.layout, op.pfn, op.pages) or map_refused(memmap, op):
        return EINVAL, policy
    if is_there(memmap, op.pfn, op.pages):
        return EEXIST, policy
    return (ENOMEM if needs(memmap, op) else DONE), policy


def add_apply(memmap: MemMap, op: Add, result: Done | Error) -> MemMap:
    """Add the part; of an add that failed for want of memory keep what was done before."""
    if result.failed:
        return starve(memmap, op) if refused(result, "ENOMEM") else memmap
    return activate(with_root(memmap, section_of(memmap.layout, op.pfn)), op)


def with_root(memmap: MemMap, section: Section) -> MemMap:
    """Allocate a section's root if it has none (mm/sparse.c:sparse_index_init, v6.12)."""
    if not lacks_root(memmap, section):
        return memmap
    rule(c.ADD_ROOT)
    roots = memmap.roots.set(root_of(memmap.layout, section), True)
    return MemMap(memmap.layout, memmap.sections, memmap.added, memmap.devices, roots, memmap.usages, memmap.nodes)


def starve(memmap: MemMap, op: Add) -> MemMap:
    """Leave an add at the allocation that fails (mm/sparse.c:section_activate, v6.12).

    Undoing it is ``section_deactivate``, which without VMEMMAP takes any sub-sections for none: a section that was there is lost.
    """
    if op.fails == ROOT:
        return memmap
    section = section_of(memmap.layout, op.pfn)
    rooted = with_root(memmap, section)
    if op.fails == USAGE or is_vmemmap(memmap.layout):
        return rooted
    rule(c.ADD_LOST)
    return with_section(rooted, section, 0, 0)


def activate(memmap: MemMap, op: Add) -> MemMap:
    """Set the part's bits and give its section flags and memory map (mm/sparse-vmemmap.c:sparse_add_section, v6.12)."""
    layout, section = memmap.layout, section_of(memmap.layout, op.pfn)
    flags = section_flags(memmap, section)
    rule(c.ADD_FLAGS)
    rule(c.ENCODE)
    if not is_vmemmap(layout):
        rule(c.ADD_AGAIN)
        mem_map = encoded(layout, op.mem_map, section)
        return with_section(memmap, section, mem_map | flags | PRESENT | HAS_MEM_MAP, 0)
    rule(c.ADD_BITS)
    bits = memmap.added.get(section, 0) | subsection_mask(layout, op.pfn, op.pages)
    return with_section(memmap, section, vmemmap_of(layout) | flags | PRESENT | HAS_MEM_MAP, bits)


# --- remove --------------------------------------------------------------------------------------------------------------


def lacks_part(memmap: MemMap, pfn: Pfn, pages: Count) -> bool:
    """Tell whether any sub-section of a part is not there."""
    bits = memmap.added.get(section_of(memmap.layout, pfn), 0)
    mask = subsection_mask(memmap.layout, pfn, pages)
    return is_vmemmap(memmap.layout) and mask & bits != mask


def remove_allowed(memmap: MemMap, op: Remove, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a remove breaks: what Linux warns of and ignores is answered EINVAL."""
    if not is_part(memmap.layout, op.pfn, op.pages):
        rule(c.REMOVE_ARGS)
        return None if refused(result, "EINVAL") else c.REMOVE_ARGS
    if section_flags(memmap, section_of(memmap.layout, op.pfn)) & HAS_MEM_MAP == 0:
        rule(c.REMOVE_INVALID)
        return None if refused(result, "EINVAL") else c.REMOVE_INVALID
    if lacks_part(memmap, op.pfn, op.pages):
        rule(c.REMOVE_TWICE)
        return None if refused(result, "EINVAL") else c.REMOVE_TWICE
    rule(c.REMOVE_DONE)
    return c.REMOVE_DONE if result.failed else None


def remove_choose(memmap: MemMap, policy: NoPolicy, op: Remove) -> Answer:
    """Answer a remove as Linux does."""
    if not is_part(memmap.layout, op.pfn, op.pages):
        return EINVAL, policy
    absent = section_flags(memmap, section_of(memmap.layout, op.pfn)) & HAS_MEM_MAP == 0
    return (EINVAL if absent or lacks_part(memmap, op.pfn, op.pages) else DONE), policy


def remove_apply(memmap: MemMap, op: Remove, result: Done | Error) -> MemMap:
    """Remove the part (mm/sparse-vmemmap.c:section_deactivate, v6.12)."""
    if result.failed:
        return memmap
    layout, section = memmap.layout, section_of(memmap.layout, op.pfn)
    left = memmap.added.get(section, 0) ^ subsection_mask(layout, op.pfn, op.pages)
    if is_vmemmap(layout) and left != 0:
        rule(c.REMOVE_PART)
        return with_section(memmap, section, section_word(memmap, section), left)
    rule(c.REMOVE_LAST)
    return with_section(memmap, section, 0, 0)


# --- online, offline -------------------------------------------------------------------------------------------------


def can_mark(memmap: MemMap, pfn: Pfn) -> bool:
    """Tell whether the section that holds a frame can be marked: it has a memory map."""
    section = section_of(memmap.layout, pfn)
    known = memmap.layout.hotplug & (section < sections_of(memmap.layout))
    return known and section_flags(memmap, section) & HAS_MEM_MAP != 0


def online_allowed(memmap: MemMap, op: Online, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to an online breaks."""
    if not can_mark(memmap, op.pfn):
        rule(c.MARK_INVALID)
        return None if refused(result, "EINVAL") else c.MARK_INVALID
    rule(c.MARK_ONLINE)
    return c.MARK_ONLINE if result.failed else None


def offline_allowed(memmap: MemMap, op: Offline, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to an offline breaks."""
    if not can_mark(memmap, op.pfn):
        rule(c.MARK_INVALID)
        return None if refused(result, "EINVAL") else c.MARK_INVALID
    rule(c.MARK_OFFLINE)
    return c.MARK_OFFLINE if result.failed else None


def mark_choose(memmap: MemMap, policy: NoPolicy, op: Online | Offline) -> Answer:
    """Answer an online or an offline as Linux does."""
    return (DONE if can_mark(memmap, op.pfn) else EINVAL), policy


def online_apply(memmap: MemMap, op: Online, result: Done | Error) -> MemMap:
    """Mark the section online."""
    if result.failed:
        return memmap
    section = section_of(memmap.layout, op.pfn)
    return with_section(memmap, section, section_word(memmap, section) | ONLINE, memmap.added.get(section, 0))


def offline_apply(memmap: MemMap, op: Offline, result: Done | Error) -> MemMap:
    """Mark the section offline."""
    if result.failed:
        return memmap
    section = section_of(memmap.layout, op.pfn)
    return with_section(memmap, section, section_word(memmap, section) & ~ONLINE, memmap.added.get(section, 0))


# --- devices ---------------------------------------------------------------------------------------------------------


def map_device_allowed(memmap: MemMap, op: MapDevice, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a device's mapping breaks."""
    if not can_map(memmap, op):
        rule(c.DEVICE_ARGS)
        return None if refused(result, "EINVAL") else c.DEVICE_ARGS
    return c.DEVICE_MAP if result.failed else None


def unmap_device_allowed(memmap: MemMap, op: UnmapDevice, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to the end of a device's mapping breaks: its section may be gone already."""
    if not can_unmap(memmap, op):
        rule(c.DEVICE_ARGS)
        return None if refused(result, "EINVAL") else c.DEVICE_ARGS
    return c.DEVICE_UNMAP if result.failed else None


def can_map(memmap: MemMap, op: MapDevice) -> bool:
    """Tell whether a part can be given to a device: it is one, of a section that has a memory map."""
    part = memmap.layout.zone_device & is_part(memmap.layout, op.pfn, op.pages)
    return part and section_flags(memmap, section_of(memmap.layout, op.pfn)) & HAS_MEM_MAP != 0


def can_unmap(memmap: MemMap, op: UnmapDevice) -> bool:
    """Tell whether a part can be taken from a device."""
    return memmap.layout.zone_device & is_part(memmap.layout, op.pfn, op.pages)


def map_device_choose(memmap: MemMap, policy: NoPolicy, op: MapDevice) -> Answer:
    """Answer a device's mapping as Linux does."""
    return (DONE if can_map(memmap, op) else EINVAL), policy


def unmap_device_choose(memmap: MemMap, policy: NoPolicy, op: UnmapDevice) -> Answer:
    """Answer the end of a device's mapping as Linux does."""
    return (DONE if can_unmap(memmap, op) else EINVAL), policy


def with_devices(memmap: MemMap, section: Section, bits: Bitmap, word: Encoded) -> MemMap:
    """Return a memory map with one section's word and devices changed."""
    return MemMap(
        memmap.layout,
        memmap.sections.set(section, word),
        memmap.added,
        memmap.devices.set(section, bits),
        memmap.roots,
        memmap.usages,
        memmap.nodes,
    )


def map_device_apply(memmap: MemMap, op: MapDevice, result: Done | Error) -> MemMap:
    """Give the part to the device."""
    if result.failed:
        return memmap
    layout, section = memmap.layout, section_of(memmap.layout, op.pfn)
    rule(c.DEVICE_MAP)
    bits = memmap.devices.get(section, 0) | subsection_mask(layout, op.pfn, op.pages)
    word = section_word(memmap, section)
    if op.pages == pages_per_section(layout):
        return with_devices(memmap, section, bits, word)
    rule(c.DEVICE_TAINT)
    return with_devices(memmap, section, bits, word | TAINT)


def unmap_device_apply(memmap: MemMap, op: UnmapDevice, result: Done | Error) -> MemMap:
    """Take the part from the device."""
    if result.failed:
        return memmap
    layout, section = memmap.layout, section_of(memmap.layout, op.pfn)
    rule(c.DEVICE_UNMAP)
    bits, mask = memmap.devices.get(section, 0), subsection_mask(layout, op.pfn, op.pages)
    return with_devices(memmap, section, bits ^ (bits & mask), section_word(memmap, section))
