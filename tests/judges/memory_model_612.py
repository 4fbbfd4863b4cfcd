"""Sections, the memory map and page->flags in Linux 6.12, function by function from the source.

A judge, not a specification: written from mm/sparse.c, mm/sparse-vmemmap.c, mm/memory_hotplug.c, include/linux/mmzone.h,
include/linux/page-flags-layout.h, include/asm-generic/memory_model.h and the sparsemem.h of architectures, v6.12 (Debian
linux-source-6.12, 6.12.117), without sight of the project's own text. Each function names the kernel function it follows.

A section is kept as the kernel keeps it: the word section_mem_map, its flags in the lowest bits, and the map of sub-sections in
its usage. What the kernel warns about and passes over, or reads where nothing was written, raises ``UndefinedError``.
"""

from __future__ import annotations

from enum import IntEnum

import attrs

Model = IntEnum("Model", ["FLATMEM", "SPARSEMEM", "SPARSEMEM_EXTREME", "SPARSEMEM_VMEMMAP"], start=0)
Fails = IntEnum("Fails", ["NOTHING", "ROOT", "USAGE", "MEMMAP"], start=0)

MARKED_PRESENT, HAS_MEM_MAP, IS_ONLINE, IS_EARLY, TAINT_ZONE_DEVICE = (1 << bit for bit in range(5))
SUBSECTION_SHIFT = 21


class CannotBuildError(Exception):
    """#error, BUILD_BUG_ON."""


class UndefinedError(Exception):
    """The kernel warns and does nothing, or reads what nobody wrote."""


@attrs.frozen
class Kconfig:
    """What generated/autoconf.h, generated/bounds.h and the architecture's headers say."""

    model: int
    bits_per_long: int
    page_shift: int
    section_size_bits: int
    max_physmem_bits: int
    struct_page: int
    pageblock_order: int
    hotplug: bool
    zone_device: bool
    max_nr_zones: int
    nodes_shift: int
    nr_pageflags: int
    lru_gen: bool
    kasan_tags: bool
    last_cpupid_shift: int
    mem_section: int = 16


# --- include/linux/page-flags-layout.h, include/linux/mmzone.h -----------------------------------------------------------


def order_base_2(count: int) -> int:
    """include/linux/log2.h:order_base_2."""
    return (count - 1).bit_length()


class Flags:
    """page->flags: | SECTION | NODE | ZONE | LAST_CPUPID | KASAN_TAG | LRU_GEN | ... | FLAGS |."""

    def __init__(self, k: Kconfig) -> None:
        self.long = k.bits_per_long
        self.zones_width = next((s for s, most in ((0, 1), (1, 2), (2, 4), (3, 8)) if k.max_nr_zones <= most), -1)
        if self.zones_width < 0:
            raise CannotBuildError("Too many zones configured")
        sparse = k.model != Model.FLATMEM
        self.sections_shift = k.max_physmem_bits - k.section_size_bits if sparse else 0
        self.in_flags = sparse and k.model != Model.SPARSEMEM_VMEMMAP
        self.sections_width = self.sections_shift if self.in_flags else 0
        lru_gen = order_base_2(4 + 1) if k.lru_gen else 0
        space = k.bits_per_long - k.nr_pageflags
        self.nodes_shift = self.nodes_width = k.nodes_shift
        if self.zones_width + lru_gen + self.sections_width + k.nodes_shift > space:
            if k.model == Model.SPARSEMEM_VMEMMAP:
                raise CannotBuildError("Vmemmap: No space for nodes field in page flags")
            self.nodes_width = 0
        self.node_not_in_flags = self.nodes_shift != 0 and self.nodes_width == 0
        if self.node_not_in_flags and not sparse:
            raise CannotBuildError("page_to_nid is in mm/sparse.c")
        kasan = 8 if k.kasan_tags else 0
        used = self.zones_width + lru_gen + self.sections_width + self.nodes_width + kasan
        self.cpupid_width = k.last_cpupid_shift if used + k.last_cpupid_shift <= space else 0
        if used + self.cpupid_width > space:
            raise CannotBuildError("Not enough bits in page flags")
        self.lru_refs_width = min(2 if k.lru_gen else 0, space - used - self.cpupid_width)
        sections_pgoff = k.bits_per_long - self.sections_width
        nodes_pgoff = sections_pgoff - self.nodes_width
        zones_pgoff = nodes_pgoff - self.zones_width
        self.cpupid_pgoff = zones_pgoff - self.cpupid_width
        self.lru_refs_pgoff = self.cpupid_pgoff - kasan - lru_gen - self.lru_refs_width
        self.sections_pgshift = sections_pgoff * (self.sections_width != 0)
        self.nodes_pgshift = nodes_pgoff * (self.nodes_width != 0)
        self.zones_pgshift = zones_pgoff * (self.zones_width != 0)
        if self.node_not_in_flags:
            self.zoneid_shift = self.sections_shift + self.zones_width
            zoneid_pgoff = min(sections_pgoff, zones_pgoff)
        else:
            self.zoneid_shift = self.nodes_shift + self.zones_width
            zoneid_pgoff = min(nodes_pgoff, zones_pgoff)
        self.zoneid_pgshift = zoneid_pgoff * (self.zoneid_shift != 0)

    def put(self, flags: int, value: int, width: int, shift: int) -> int:
        """include/linux/mm.h:set_page_zone, set_page_node, set_page_section."""
        mask = (1 << width) - 1
        return flags & ~(mask << shift) | (value & mask) << shift

    def set_page_links(self, flags: int, zone: int, node: int, section: int) -> int:
        """include/linux/mm.h:set_page_links."""
        flags = self.put(flags, zone, self.zones_width, self.zones_pgshift)
        flags = self.put(flags, node, self.nodes_width, self.nodes_pgshift)
        return self.put(flags, section, self.sections_width, self.sections_pgshift) if self.in_flags else flags

    def page_zonenum(self, flags: int) -> int:
        """include/linux/mmzone.h:page_zonenum."""
        return flags >> self.zones_pgshift & (1 << self.zones_width) - 1

    def page_to_section(self, flags: int) -> int:
        """include/linux/mm.h:page_to_section."""
        return flags >> self.sections_pgshift & (1 << self.sections_width) - 1

    def page_zone_id(self, flags: int) -> int:
        """include/linux/mm.h:page_zone_id."""
        return flags >> self.zoneid_pgshift & (1 << self.zoneid_shift) - 1

    def node_bits(self, flags: int) -> int:
        """include/linux/mm.h:page_to_nid, where the node is in the flags."""
        return flags >> self.nodes_pgshift & (1 << self.nodes_width) - 1


# --- mm/sparse.c, mm/sparse-vmemmap.c --------------------------------------------------------------------------------------


@attrs.define
class Section:
    """struct mem_section. A usage that boot allocated is PageReserved, and stays."""

    map: int = 0
    usage: int | None = None
    reserved: bool = False


class Machine:
    """The memory map of one machine. ``base`` and ``first`` say where it lies: see ``pfn_to_page``."""

    def __init__(
        self, k: Kconfig, memory: list[tuple[int, int, int]], base: int, first: int = 0, max_mapnr: int = 0,
        failing: int | None = None,
    ) -> None:  # fmt: skip
        self.k, self.base, self.first, self.max_mapnr, self.failing = k, base, first, max_mapnr, failing
        self.flags = Flags(k)
        self.sparse, self.vmemmap = k.model != Model.FLATMEM, k.model == Model.SPARSEMEM_VMEMMAP
        self.extreme = k.model >= Model.SPARSEMEM_EXTREME
        self.word = (1 << k.bits_per_long) - 1
        self.shift = k.section_size_bits - k.page_shift
        self.last_bit = 5 if k.zone_device else 4
        self.map_mask = self.word & ~((1 << self.last_bit) - 1)
        self.sections: dict[int, Section] = {}
        self.roots: set[int] = set()
        self.node_table: dict[int, int] = {}
        self.pgmaps: list[tuple[int, int]] = []
        if self.sparse:
            if k.section_size_bits < SUBSECTION_SHIFT or self.last_bit > self.shift:
                raise CannotBuildError("section too small")
            self.per_section = 1 << self.shift
            self.nr_mem_sections = 1 << self.flags.sections_shift
            self.per_root = (1 << k.page_shift) // k.mem_section if self.extreme else 1
            self.boot(memory)

    # ---- include/linux/mmzone.h

    def section_of(self, pfn: int) -> Section | None:
        """__pfn_to_section, __nr_to_section."""
        return self.nr_to_section(pfn >> self.shift)

    def nr_to_section(self, number: int) -> Section | None:
        """__nr_to_section."""
        if self.extreme and number // self.per_root not in self.roots:
            return None
        return self.sections.setdefault(number, Section())

    def index(self, pfn: int) -> int:
        """subsection_map_index."""
        return (pfn & self.per_section - 1) >> SUBSECTION_SHIFT - self.k.page_shift

    def pfn_section_valid(self, section: Section, pfn: int) -> bool:
        """pfn_section_valid."""
        return not self.vmemmap or (section.usage or 0) >> self.index(pfn) & 1 == 1

    def pfn_valid(self, pfn: int) -> bool:
        """pfn_valid; include/asm-generic/memory_model.h:pfn_valid under FLATMEM."""
        if not self.sparse:
            return pfn >= self.first and pfn - self.first < self.max_mapnr
        if (pfn << self.k.page_shift & (1 << 64) - 1) >> self.k.page_shift != pfn or pfn >> self.shift >= self.nr_mem_sections:
            return False
        section = self.section_of(pfn)
        if section is None or not section.map & HAS_MEM_MAP:
            return False
        return section.map & IS_EARLY != 0 or self.pfn_section_valid(section, pfn)

    def pfn_to_online_page(self, pfn: int) -> int | None:
        """mm/memory_hotplug.c:pfn_to_online_page; include/linux/memory_hotplug.h without CONFIG_MEMORY_HOTPLUG."""
        if not self.k.hotplug:
            return self.pfn_to_page(pfn) if self.pfn_valid(pfn) else None
        if pfn >> self.shift >= self.nr_mem_sections:
            return None
        section = self.section_of(pfn)
        if section is None or not section.map & IS_ONLINE or not self.pfn_section_valid(section, pfn):
            return None
        if self.k.zone_device and section.map & TAINT_ZONE_DEVICE and any(s <= pfn < e for s, e in self.pgmaps):
            return None
        return self.pfn_to_page(pfn)

    # ---- include/asm-generic/memory_model.h

    def pfn_to_page(self, pfn: int) -> int:
        """__pfn_to_page. FLATMEM: mem_map and ARCH_PFN_OFFSET; VMEMMAP: VMEMMAP_START and what vmemmap lies before it."""
        if not self.sparse or self.vmemmap:
            return self.base + (pfn - self.first) * self.k.struct_page & self.word
        section = self.section_of(pfn)
        if section is None or not section.map & HAS_MEM_MAP:
            raise UndefinedError
        return (section.map & self.map_mask) + pfn * self.k.struct_page & self.word

    def page_to_pfn(self, page: int) -> int:
        """__page_to_pfn; of classic sparse maps the page's flags name the section."""
        if not self.sparse or self.vmemmap:
            return (page - self.base) // self.k.struct_page + self.first
        for number, section in self.sections.items():
            start = self.mem_map(number)
            if section.map & HAS_MEM_MAP and start <= page < start + self.per_section * self.k.struct_page:
                return (page - (section.map & self.map_mask) & self.word) // self.k.struct_page
        raise UndefinedError

    def mem_map(self, number: int) -> int:
        """mm/sparse.c:sparse_decode_mem_map."""
        section = self.nr_to_section(number)
        if section is None or not section.map & HAS_MEM_MAP:
            return 0
        return (section.map & self.map_mask) + (number << self.shift) * self.k.struct_page & self.word

    def page_to_nid(self, flags: int) -> int:
        """include/linux/mm.h:page_to_nid, mm/sparse.c:page_to_nid."""
        if self.flags.node_not_in_flags:
            return self.node_table.get(self.flags.page_to_section(flags), 0) if self.sparse else 0
        return self.flags.node_bits(flags)

    def pfn_to_bitidx(self, pfn: int) -> int:
        """mm/page_alloc.c:pfn_to_bitidx under SPARSEMEM."""
        return ((pfn & self.per_section - 1) >> self.k.pageblock_order) * 4

    # ---- boot

    def boot(self, memory: list[tuple[int, int, int]]) -> None:
        """memblocks_present, sparse_init, mm/mm_init.c:free_area_init (sparse_init_subsection_map)."""
        for start, end, node in memory:
            self.memory_present(node, start, end)
        present = sorted(self.sections)
        run: list[int] = []
        for number in present:
            if run and self.early_nid(run[0]) != self.early_nid(number):
                self.sparse_init_nid(run)
                run = []
            run.append(number)
        self.sparse_init_nid(run)
        if self.vmemmap:
            for start, end, _ in memory:
                self.sparse_init_subsection_map(start, end)

    def memory_present(self, node: int, start: int, end: int) -> None:
        """memory_present."""
        limit = 1 << self.k.max_physmem_bits - self.k.page_shift
        start, end = min(start & -self.per_section, limit), min(end, limit)
        for pfn in range(start, end, self.per_section):
            number = pfn >> self.shift
            self.roots.add(number // self.per_root)
            self.node_table[number] = node
            section = self.sections.setdefault(number, Section())
            if not section.map:
                section.map = node << self.last_bit | IS_ONLINE | MARKED_PRESENT

    def early_nid(self, number: int) -> int:
        """sparse_early_nid."""
        return self.sections[number].map >> self.last_bit

    def sparse_init_nid(self, run: list[int]) -> None:
        """sparse_init_nid of a node's sections that follow each other."""
        failed = False
        for number in run:
            section = self.sections[number]
            failed |= number == self.failing
            if failed:
                section.map = 0
                continue
            self.sparse_init_one_section(section, number, self.boot_map(number), 0, IS_EARLY)
            section.reserved = True

    def boot_map(self, number: int) -> int:
        """__populate_section_memmap at boot: one map behind another, whole pages each."""
        if self.vmemmap:
            return self.pfn_to_page(number << self.shift)
        page = 1 << self.k.page_shift
        size = -(-self.per_section * self.k.struct_page // page) * page
        there = sum(section.map & HAS_MEM_MAP != 0 for section in self.sections.values())
        return self.base + there * size & self.word

    def sparse_init_one_section(self, section: Section, number: int, mem_map: int, usage: int | None, flags: int) -> None:
        """mm/internal.h:sparse_init_one_section."""
        coded = mem_map - (number << self.shift) * self.k.struct_page & self.word
        section.map = section.map & ~self.map_mask | coded | flags | HAS_MEM_MAP
        section.usage = usage

    def mask(self, pfn: int, pages: int) -> int:
        """subsection_mask_set."""
        first, last = self.index(pfn), self.index(pfn + pages - 1)
        return (1 << last + 1) - (1 << first)

    def sparse_init_subsection_map(self, start: int, end: int) -> None:
        """sparse_init_subsection_map; a section whose map could not be populated has no usage, and the kernel dies here."""
        while start < end:
            pages = min(end - start, self.per_section - (start & self.per_section - 1))
            section = self.sections[start >> self.shift]
            if section.usage is not None:
                section.usage |= self.mask(start, pages)
            start += pages

    # ---- hotplug: an error's name, or None

    def check_pfn_span(self, pfn: int, pages: int) -> str | None:
        """mm/memory_hotplug.c:check_pfn_span."""
        least = 1 << SUBSECTION_SHIFT - self.k.page_shift if self.vmemmap else self.per_section
        return "EINVAL" if (pfn | pages) & least - 1 else None

    def add(self, pfn: int, pages: int, mem_map: int, fails: int) -> str | None:
        """__add_pages, sparse_add_section, section_activate: ``mem_map`` is what kvmalloc_node gives."""
        error = self.check_pfn_span(pfn, pages)
        if error:
            return error
        number = pfn >> self.shift
        if self.extreme and number // self.per_root not in self.roots:
            if fails == Fails.ROOT:
                return "ENOMEM"
            self.roots.add(number // self.per_root)
        section = self.sections.setdefault(number, Section())
        if section.usage is None and fails == Fails.USAGE:
            return "ENOMEM"
        usage = section.usage or 0
        if self.vmemmap and usage & self.mask(pfn, pages):
            return "EEXIST"
        section.usage = usage | self.mask(pfn, pages) if self.vmemmap else usage
        if pages < self.per_section and section.map & IS_EARLY:
            pass  # the memory map of a section of boot is whole
        elif fails == Fails.MEMMAP:
            self.section_deactivate(section, pfn, pages)
            return "ENOMEM"
        section.map |= MARKED_PRESENT
        first = number << self.shift
        self.sparse_init_one_section(section, number, self.pfn_to_page(first) if self.vmemmap else mem_map, section.usage, 0)
        return None

    def remove(self, pfn: int, pages: int) -> None:
        """__remove_pages, sparse_remove_section."""
        section = self.section_of(pfn)
        if self.check_pfn_span(pfn, pages) or section is None or not section.map & HAS_MEM_MAP:
            raise UndefinedError
        if self.vmemmap and (section.usage or 0) & self.mask(pfn, pages) != self.mask(pfn, pages):
            raise UndefinedError
        self.section_deactivate(section, pfn, pages)

    def section_deactivate(self, section: Section, pfn: int, pages: int) -> None:
        """section_deactivate."""
        if self.vmemmap:
            section.usage = (section.usage or 0) & ~self.mask(pfn, pages)
        if not self.vmemmap or section.usage == 0:
            if not section.reserved:
                section.usage = None
            section.map = 0

    def online(self, pfn: int, yes: bool) -> None:
        """online_mem_sections, offline_mem_sections of one section."""
        section = self.section_of(pfn)
        if section is None or not section.map & HAS_MEM_MAP:
            raise UndefinedError
        section.map = section.map | IS_ONLINE if yes else section.map & ~IS_ONLINE

    def map_device(self, pfn: int, pages: int) -> None:
        """mm/memremap.c:pagemap_range's pgmap_array, mm/memory_hotplug.c:move_pfn_range_to_zone: a range within one section."""
        section = self.section_of(pfn)
        if section is None or not section.map & HAS_MEM_MAP:
            raise UndefinedError
        self.pgmaps.append((pfn, pfn + pages))
        if (pfn | pfn + pages) & self.per_section - 1:
            section.map |= TAINT_ZONE_DEVICE

    def unmap_device(self, pfn: int, pages: int) -> None:
        """mm/memremap.c:pgmap_array_delete."""
        self.pgmaps.remove((pfn, pfn + pages))


# --- the architectures' headers ----------------------------------------------------------------------------------------------

ARCHITECTURES = {
    "x86_64": (64, 12, 27, 46),
    "x86_64 with five levels": (64, 12, 27, 52),
    "x86_64 without VMEMMAP": (64, 12, 27, 46),
    "x86_32": (32, 12, 26, 32),
    "x86_32 with NUMA": (32, 12, 26, 32),
    "x86_32 with PAE and NUMA": (32, 12, 29, 36),
    "arm64 with 4K pages": (64, 12, 27, 48),
    "arm64 with 4K pages and 52 bits": (64, 12, 27, 52),
    "arm64 with 16K pages": (64, 14, 27, 48),
    "arm64 with 64K pages": (64, 16, 29, 52),
    "riscv64": (64, 12, 27, 56),
    "riscv64 with Sv57": (64, 12, 27, 56),
    "powerpc64 with 64K pages": (64, 16, 24, 51),
    "s390": (64, 12, 28, 46),
    "loongarch with 16K pages": (64, 14, 29, 48),
}
"""BITS_PER_LONG, PAGE_SHIFT, SECTION_SIZE_BITS, MAX_PHYSMEM_BITS (arch/*/include/asm/sparsemem.h; s390 by Kconfig's
default, powerpc by arch/powerpc/include/asm/book3s/64/pgtable.h and hash-64k.h)."""

X86_64_VMEMMAP_START = {4: 0xFFFFEA0000000000, 5: 0xFFD4000000000000}
"""By levels of page tables (arch/x86/include/asm/pgtable_64_types.h:__VMEMMAP_BASE_L4, __VMEMMAP_BASE_L5)."""


def arm64_vmemmap_start(va_bits: int, page_shift: int, struct_page: int) -> int:
    """arch/arm64/include/asm/memory.h:VMEMMAP_START."""
    least = va_bits if va_bits <= 48 else 47 if page_shift == 14 else 48
    size = ((1 << va_bits) - (1 << least - 1) >> page_shift) * struct_page
    return (1 << 64) - (1 << 30) - size


def riscv_vmemmap_start(va_bits: int, struct_page: int, page_offset: int) -> int:
    """arch/riscv/include/asm/pgtable.h:VMEMMAP_START, below VMALLOC_START; KERN_VIRT_SIZE is a quarter of the addresses."""
    vmalloc_start = page_offset - (1 << va_bits - 2 >> 1)
    return vmalloc_start - (1 << va_bits - 12 - 1 + order_base_2(struct_page))
