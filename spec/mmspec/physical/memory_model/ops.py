"""The memory model's words, requests and results, and the flags of a section.

Shared by the law, every implementation and every client; nothing here decides anything.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import attrs

from mmspec.errors import DONE, EINVAL, ENOENT, ENOMEM, Done, Error
from mmspec.words import Count, Order, Pfn, PfnEnd, Word

__all__ = [
    "DONE",
    "EEXIST",
    "EINVAL",
    "ENOENT",
    "ENOMEM",
    "Add",
    "Config",
    "Done",
    "Error",
    "Frame",
    "Layout",
    "MapDevice",
    "Offline",
    "Online",
    "OnlinePage",
    "PageAddress",
    "PageFlags",
    "PageLinks",
    "PageParts",
    "PageToPfn",
    "Pageblock",
    "PageblockBit",
    "Parts",
    "PfnToPage",
    "PfnValid",
    "Remove",
    "SectionIs",
    "ShowSection",
    "UnmapDevice",
    "Valid",
]  # fmt: skip

EEXIST = Error("EEXIST")

# --- words -----------------------------------------------------------------------------------------------------------

MODELS = ("FLATMEM", "SPARSEMEM", "SPARSEMEM_EXTREME", "SPARSEMEM_VMEMMAP")
FLATMEM, SPARSEMEM, SPARSEMEM_EXTREME, SPARSEMEM_VMEMMAP = range(4)
"""The memory models (mm/Kconfig, v6.12): the second keeps its sections in a static array, the last two in roots on demand."""

FAILURES = ("NOTHING", "ROOT", "USAGE", "MEMMAP")
NOTHING, ROOT, USAGE, MEMMAP = range(4)
"""What an ``add`` asks for in vain, if it asks for it: nothing; a root of sections; a section's usage; its memory map."""

MAX_SUBSECTION_BITS = 256
"""Most sub-sections of a section of any architecture (512 MiB of 2 MiB each; include/linux/mmzone.h, v6.12)."""

Model = Annotated[int, Word("model", bits=8, lo=0, hi=3, names=MODELS)]
Failure = Annotated[int, Word("failure", bits=8, lo=0, hi=3, names=FAILURES)]
"""The allocation that fails if it is needed."""

AnyPfn = Annotated[int, Word("any_pfn", bits=64, lo=0, hi=(1 << 64) - 1, hexadecimal=True)]
"""What somebody takes for a frame number: any 64-bit word."""

Section = Annotated[int, Word("section", bits=64, lo=0, hi=(1 << 58) - 1, hexadecimal=True)]
"""A section's number: ``pfn >> PFN_SECTION_SHIFT``."""

Root = Annotated[int, Word("root", bits=64, lo=0, hi=(1 << 58) - 1)]
"""The number of a root: the sections that share a page of ``struct mem_section``."""

Address = Annotated[int, Word("address", bits=64, lo=0, hi=(1 << 64) - 1, hexadecimal=True)]
"""A kernel virtual address, below ``2**long_bits``."""

Encoded = Annotated[int, Word("section_mem_map", bits=64, lo=0, hi=(1 << 64) - 1, hexadecimal=True)]
"""``section_mem_map``: an encoded pointer with the section's flags in its lowest bits; 0 where the section is absent."""

Bitmap = Annotated[int, Word("bitmap", bits=256, lo=0, hi=(1 << MAX_SUBSECTION_BITS) - 1, hexadecimal=True)]
"""A bit for each sub-section of a section, the lowest for the first."""

PageFlagsWord = Annotated[int, Word("page_flags", bits=64, lo=0, hi=(1 << 64) - 1, hexadecimal=True)]
"""``page->flags``."""

SectionFlags = Annotated[int, Word("section_flags", bits=8, lo=0, hi=31)]
Node = Annotated[int, Word("node", bits=16, lo=0, hi=1023)]
ZoneNumber = Annotated[int, Word("zone", bits=8, lo=0, hi=7)]
ZoneId = Annotated[int, Word("zone_id", bits=64, lo=0, hi=(1 << 64) - 1)]
"""What buddies' ``page_zone_id`` must agree in."""

SubsectionIndex = Annotated[int, Word("subsection", bits=16, lo=0, hi=MAX_SUBSECTION_BITS)]
Width = Annotated[int, Word("width", bits=8, lo=0, hi=64)]
"""A number of bits."""

MapSize = Annotated[int, Word("record_size", bits=16, lo=8, hi=256)]
"""``sizeof(struct page)``, ``sizeof(struct mem_section)``: bytes."""

BitIndex = Annotated[int, Word("bit", bits=64, lo=0, hi=(1 << 40) - 1)]
"""The number of a bit in the pageblocks' bitmap of a section."""

PRESENT, HAS_MEM_MAP, ONLINE, EARLY, TAINT = 1, 2, 4, 8, 16
"""A section's flags (include/linux/mmzone.h, v6.12): MARKED_PRESENT, HAS_MEM_MAP, IS_ONLINE, IS_EARLY, TAINT_ZONE_DEVICE."""


# --- configuration -----------------------------------------------------------------------------------------------------


@attrs.frozen
class Layout:
    """What a kernel's configuration fixes about its memory map (include/asm-generic/memory_model.h, v6.12).

    Where ``struct page`` 0 of the map lies and of which frame it is: ``base`` is ``mem_map`` and ``first_pfn`` ARCH_PFN_OFFSET
    under FLATMEM; VMEMMAP_START and the bias by which ``vmemmap`` lies before it under VMEMMAP; under the other two ``base`` is
    where the memory maps of the sections that are there at boot begin, one behind another. ``max_mapnr`` is of FLATMEM.
    """

    model: Model
    long_bits: Width  # BITS_PER_LONG: 32 or 64
    page_shift: Width
    section_size_bits: Width
    max_physmem_bits: Width
    struct_page: MapSize
    base: Address
    first_pfn: Pfn = 0
    max_mapnr: Count = 0
    mem_section: MapSize = 16  # sizeof(struct mem_section)
    pageblock_order: Order = 9
    hotplug: bool = True  # CONFIG_MEMORY_HOTPLUG
    zone_device: bool = True  # CONFIG_ZONE_DEVICE
    zones: Width = 5  # MAX_NR_ZONES
    nodes_shift: Width = 6
    nr_pageflags: Width = 24
    lru_gen: bool = True
    kasan_tags: bool = False
    cpupid_shift: Width = 0  # 8 + NR_CPUS_BITS with NUMA_BALANCING


@attrs.frozen
class Config:
    """The memory map after boot: a layout, and the ranges of memory, [start, end) with their node, ascending and disjoint.

    ``unbacked`` is a section whose memory map could not be allocated at boot (mm/sparse.c:sparse_init_nid, v6.12).
    """

    layout: Layout
    memory: tuple[tuple[Pfn, PfnEnd, Node], ...]
    unbacked: Section | None = None


# --- requests and results ------------------------------------------------------------------------------------------------


@attrs.frozen
class Add:
    """Add ``pages`` frames from ``pfn``, a part of one section (mm/sparse.c:sparse_add_section, v6.12).

    Where models other than VMEMMAP allocate a memory map, ``mem_map`` is its address. ``fails`` is what cannot be allocated.
    """

    pfn: Pfn
    pages: Count
    mem_map: Address = 0
    fails: Failure = NOTHING


@attrs.frozen
class Remove:
    """Remove ``pages`` frames from ``pfn``, a part of one section (mm/sparse.c:sparse_remove_section, v6.12)."""

    pfn: Pfn
    pages: Count


@attrs.frozen
class Online:
    """Mark the section that holds a frame as online (mm/sparse.c:online_mem_sections, v6.12)."""

    pfn: Pfn


@attrs.frozen
class Offline:
    """Mark the section that holds a frame as offline (mm/sparse.c:offline_mem_sections, v6.12)."""

    pfn: Pfn


@attrs.frozen
class MapDevice:
    """Give a part of one section to a device's driver (mm/memory_hotplug.c:move_pfn_range_to_zone, v6.12, ZONE_DEVICE)."""

    pfn: Pfn
    pages: Count


@attrs.frozen
class UnmapDevice:
    """Take a part of one section from a device's driver again (mm/memremap.c:pgmap_array_delete, v6.12)."""

    pfn: Pfn
    pages: Count


@attrs.frozen
class PfnToPage:
    """Ask where a frame's ``struct page`` is."""

    pfn: AnyPfn


@attrs.frozen
class PageAddress:
    """The address of a ``struct page``."""

    failed: ClassVar[Literal[False]] = False
    page: Address


@attrs.frozen
class PageToPfn:
    """Ask which frame a ``struct page`` is of."""

    page: Address


@attrs.frozen
class Frame:
    """A frame."""

    failed: ClassVar[Literal[False]] = False
    pfn: AnyPfn


@attrs.frozen
class PfnValid:
    """Ask whether a frame has a ``struct page`` (include/linux/mmzone.h:pfn_valid, v6.12)."""

    pfn: AnyPfn


@attrs.frozen
class Valid:
    """Whether it has."""

    failed: ClassVar[Literal[False]] = False
    valid: bool


@attrs.frozen
class OnlinePage:
    """Ask for a frame's ``struct page`` if the frame is online (mm/memory_hotplug.c:pfn_to_online_page, v6.12)."""

    pfn: AnyPfn


@attrs.frozen
class ShowSection:
    """Ask what is known about a section."""

    section: Section


@attrs.frozen
class SectionIs:
    """A section's flags, the address of its memory map (0: it has none), and which sub-sections were added."""

    failed: ClassVar[Literal[False]] = False
    flags: SectionFlags
    mem_map: Address
    subsections: Bitmap


@attrs.frozen
class PageLinks:
    """Ask for ``page->flags`` after a page's zone, node and section were set (include/linux/mm.h:set_page_links, v6.12)."""

    flags: PageFlagsWord
    zone: ZoneNumber
    node: Node
    section: Section


@attrs.frozen
class PageFlags:
    """``page->flags``."""

    failed: ClassVar[Literal[False]] = False
    flags: PageFlagsWord


@attrs.frozen
class PageParts:
    """Ask for the zone, node and section that ``page->flags`` name."""

    flags: PageFlagsWord


@attrs.frozen
class Parts:
    """A page's zone, node, section (0 where the flags have none) and zone id."""

    failed: ClassVar[Literal[False]] = False
    zone: ZoneNumber
    node: Node
    section: Section
    zone_id: ZoneId


@attrs.frozen
class Pageblock:
    """Ask where in its section's bitmap the bits of a frame's pageblock begin (mm/page_alloc.c:pfn_to_bitidx, v6.12)."""

    pfn: Pfn


@attrs.frozen
class PageblockBit:
    """The number of a pageblock's first bit."""

    failed: ClassVar[Literal[False]] = False
    bit: BitIndex
