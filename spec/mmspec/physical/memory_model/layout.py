"""The arithmetic of a memory map: frames and their ``struct page``, sections, sub-sections, pageblocks.

Pointers are the machine's: ``mem_map - pfn`` is an address less ``pfn * sizeof(struct page)``, modulo ``2**BITS_PER_LONG``.
"""

from __future__ import annotations

from mmspec.errors import InputError
from mmspec.physical.memory_model.ops import (
    FLATMEM,
    SPARSEMEM,
    SPARSEMEM_EXTREME,
    SPARSEMEM_VMEMMAP,
    Address,
    AnyPfn,
    BitIndex,
    Bitmap,
    Encoded,
    Layout,
    Section,
    SectionFlags,
    SubsectionIndex,
    Width,
)  # fmt: skip
from mmspec.words import PFN_BITS, Count, Pfn

SUBSECTION_SHIFT = 21
"""A sub-section is of 2 MiB (include/linux/mmzone.h:SUBSECTION_SHIFT, v6.12)."""

PAGEBLOCK_BITS = 4
"""Bits of a pageblock: three of its type, one for compaction (include/linux/pageblock-flags.h, v6.12)."""

MIN_SECTION_SHIFT = 6
"""Least PFN_SECTION_SHIFT of any architecture: powerpc with pages of 256 KiB (include/linux/mmzone.h, v6.12)."""

# --- the model -------------------------------------------------------------------------------------------------------


def is_flat(layout: Layout) -> bool:
    """Tell whether there are no sections."""
    return layout.model == FLATMEM


def is_vmemmap(layout: Layout) -> bool:
    """Tell whether the memory map is one array of virtual memory, populated in parts."""
    return layout.model == SPARSEMEM_VMEMMAP


def is_classic(layout: Layout) -> bool:
    """Tell whether each section has a memory map of its own."""
    return (layout.model == SPARSEMEM) | (layout.model == SPARSEMEM_EXTREME)


def has_roots(layout: Layout) -> bool:
    """Tell whether sections lie in roots that are allocated on demand (CONFIG_SPARSEMEM_EXTREME)."""
    return (layout.model == SPARSEMEM_EXTREME) | (layout.model == SPARSEMEM_VMEMMAP)


# --- pointers to struct page -----------------------------------------------------------------------------------------


def address_mask(layout: Layout) -> Address:
    """Return the largest address."""
    return (1 << layout.long_bits) - 1


def page_after(layout: Layout, page: Address, frames: AnyPfn) -> Address:
    """Return ``page + frames``, as C adds to a pointer to ``struct page``."""
    return (page + frames * layout.struct_page) & address_mask(layout)


def page_before(layout: Layout, page: Address, frames: AnyPfn) -> Address:
    """Return ``page - frames``, as C subtracts from a pointer to ``struct page``."""
    return (page - frames * layout.struct_page) & address_mask(layout)


def frames_between(layout: Layout, page: Address, other: Address) -> AnyPfn:
    """Return ``(unsigned long)(page - other)``: the difference of two pointers is signed, and what is behind half the address
    space counts as before.
    """
    distance = (page - other) & address_mask(layout)
    if distance >> (layout.long_bits - 1) == 0:
        return distance // layout.struct_page
    behind = (other - page) & address_mask(layout)
    return ((1 << layout.long_bits) - behind // layout.struct_page) & address_mask(layout)


def vmemmap_of(layout: Layout) -> Address:
    """Return ``vmemmap``: where the page of frame 0 would lie (arch/arm64/include/asm/pgtable.h:vmemmap, v6.12)."""
    return page_before(layout, layout.base, layout.first_pfn)


# --- sections --------------------------------------------------------------------------------------------------------


def section_shift(layout: Layout) -> Width:
    """Return PFN_SECTION_SHIFT."""
    return layout.section_size_bits - layout.page_shift


def pages_per_section(layout: Layout) -> Count:
    """Return PAGES_PER_SECTION."""
    return 1 << (layout.section_size_bits - layout.page_shift)


def section_of(layout: Layout, pfn: AnyPfn) -> Section:
    """Return the number of the section that holds a frame (include/linux/mmzone.h:pfn_to_section_nr, v6.12)."""
    return pfn >> (layout.section_size_bits - layout.page_shift)


def first_frame(layout: Layout, section: Section) -> Pfn:
    """Return a section's first frame (include/linux/mmzone.h:section_nr_to_pfn, v6.12)."""
    return section << (layout.section_size_bits - layout.page_shift)


def in_section(layout: Layout, pfn: AnyPfn) -> Count:
    """Return how far behind its section's first frame a frame lies."""
    return pfn & (pages_per_section(layout) - 1)


def sections_of(layout: Layout) -> Count:
    """Return NR_MEM_SECTIONS."""
    return 1 << (layout.max_physmem_bits - layout.section_size_bits)


def flag_bits(layout: Layout) -> Width:
    """Return SECTION_MAP_LAST_BIT: how many of the lowest bits of an encoded pointer are flags."""
    return 5 if layout.zone_device else 4


def map_mask(layout: Layout) -> Encoded:
    """Return SECTION_MAP_MASK: the bits of an encoded pointer that are no flags."""
    return address_mask(layout) ^ ((1 << flag_bits(layout)) - 1)


def encoded(layout: Layout, mem_map: Address, section: Section) -> Encoded:
    """Return a memory map's address, less the section's first frame (mm/internal.h:sparse_init_one_section, v6.12)."""
    return page_before(layout, mem_map, first_frame(layout, section))


def decoded(layout: Layout, word: Encoded) -> Address:
    """Return where the page of frame 0 would lie, by an encoded pointer (include/linux/mmzone.h:__section_mem_map_addr)."""
    return word & map_mask(layout)


def mem_map_of(layout: Layout, word: Encoded, section: Section) -> Address:
    """Return the address of a section's memory map (mm/sparse.c:sparse_decode_mem_map, v6.12)."""
    return page_after(layout, decoded(layout, word), first_frame(layout, section))


def flags_of(layout: Layout, word: Encoded) -> SectionFlags:
    """Return a section's flags."""
    return word & ((1 << flag_bits(layout)) - 1)


def encoded_node(layout: Layout, node: Count) -> Encoded:
    """Return a node's number as ``section_mem_map`` holds it before a map (mm/sparse.c:sparse_encode_early_nid, v6.12)."""
    return node << flag_bits(layout)


def decoded_node(layout: Layout, word: Encoded) -> Count:
    """Return the node's number that ``section_mem_map`` holds before there is a map (mm/sparse.c:sparse_early_nid, v6.12)."""
    return word >> flag_bits(layout)


def section_map_size(layout: Layout) -> Count:
    """Return the bytes of a section's own memory map, in whole pages (mm/sparse.c:section_map_size, v6.12)."""
    page = 1 << layout.page_shift
    return ((pages_per_section(layout) * layout.struct_page + page - 1) >> layout.page_shift) << layout.page_shift


# --- sub-sections ----------------------------------------------------------------------------------------------------


def subsections_of(layout: Layout) -> Count:
    """Return SUBSECTIONS_PER_SECTION."""
    return 1 << (layout.section_size_bits - SUBSECTION_SHIFT)


def subsection_index(layout: Layout, pfn: AnyPfn) -> SubsectionIndex:
    """Return which sub-section of its section holds a frame (include/linux/mmzone.h:subsection_map_index, v6.12)."""
    return in_section(layout, pfn) >> (SUBSECTION_SHIFT - layout.page_shift)


def bits_below(layout: Layout, index: SubsectionIndex) -> Bitmap:
    """Return the bits of the sub-sections before one."""
    return ((1 << subsections_of(layout)) - 1) >> (subsections_of(layout) - index)


def subsection_mask(layout: Layout, pfn: Pfn, pages: Count) -> Bitmap:
    """Return the bits of all sub-sections that a part of a section touches (mm/sparse-vmemmap.c:subsection_mask_set, v6.12)."""
    last = subsection_index(layout, pfn + pages - 1)
    return bits_below(layout, last + 1) ^ bits_below(layout, subsection_index(layout, pfn))


def has_bit(bits: Bitmap, index: SubsectionIndex) -> bool:
    """Tell whether a sub-section's bit is set."""
    return (bits >> index) & 1 == 1


# --- pageblocks ------------------------------------------------------------------------------------------------------


def pageblock_bit(layout: Layout, pfn: AnyPfn) -> BitIndex:
    """Return a pageblock's first bit in its section's bitmap (mm/page_alloc.c:pfn_to_bitidx, v6.12)."""
    return (in_section(layout, pfn) >> layout.pageblock_order) * PAGEBLOCK_BITS


def bitmap_bits(layout: Layout) -> Count:
    """Return SECTION_BLOCKFLAGS_BITS: how many bits the pageblocks of a section have."""
    return (1 << (layout.section_size_bits - layout.page_shift - layout.pageblock_order)) * PAGEBLOCK_BITS


# --- the door --------------------------------------------------------------------------------------------------------


def is_layout(layout: Layout) -> bool:
    """Tell whether the numbers fit together: what the kernel's build asserts, and that half the address space holds the map."""
    sections = (layout.section_size_bits >= 21) & (layout.section_size_bits <= 29)
    sections &= (layout.section_size_bits <= layout.max_physmem_bits) & (layout.page_shift <= SUBSECTION_SHIFT)
    sections &= layout.page_shift + MIN_SECTION_SHIFT <= layout.section_size_bits
    sections &= layout.page_shift + layout.pageblock_order <= layout.section_size_bits
    frames = (layout.page_shift < layout.max_physmem_bits) & (layout.max_physmem_bits <= PFN_BITS + 12)
    words = ((layout.long_bits == 32) | (layout.long_bits == 64)) & (layout.base <= address_mask(layout))
    words &= (layout.struct_page & 3 == 0) & (layout.base & ((1 << MIN_SECTION_SHIFT) - 1) == 0)
    words &= (layout.first_pfn * layout.struct_page) & ((1 << MIN_SECTION_SHIFT) - 1) == 0
    return sections & frames & words


def map_fits(layout: Layout) -> bool:
    """Tell whether the map of all frames is no larger than half the address space: pointers' differences are signed."""
    frames = 1 << (layout.max_physmem_bits - layout.page_shift)
    return frames * layout.struct_page <= 1 << (layout.long_bits - 1)


def check_layout(layout: Layout) -> None:
    """Check a layout at the door (InputError: what does not fit)."""
    if not is_layout(layout):
        raise InputError("the layout's widths do not fit together", hint="see mmspec.physical.memory_model.layout.is_layout")
    if not map_fits(layout):
        raise InputError("the map of all frames is larger than half the address space", hint="lower max_physmem_bits")
    if layout.zone_device and not (is_vmemmap(layout) and layout.hotplug):
        raise InputError("zone_device needs SPARSEMEM_VMEMMAP and hotplug", hint="mm/Kconfig:ZONE_DEVICE")
    if layout.hotplug and (is_flat(layout) or layout.long_bits != 64):
        raise InputError("hotplug needs sections and 64 bits", hint="mm/Kconfig:MEMORY_HOTPLUG")
    if is_flat(layout) and layout.first_pfn + layout.max_mapnr > 1 << (layout.max_physmem_bits - layout.page_shift):
        raise InputError("max_mapnr reaches beyond the last frame", hint="lower max_mapnr")
