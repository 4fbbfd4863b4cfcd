"""memblock's requests and results, its flags and its words.

Shared by the law, every implementation and every client; nothing here decides anything.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import attrs

from mmspec.errors import DONE, EINVAL, ENOMEM, Done, Error
from mmspec.words import Count, Flags, Order, Pfn, Word

__all__ = [
    "DONE",
    "EINVAL",
    "ENOMEM",
    "Add",
    "Address",
    "Alloc",
    "Blocks",
    "Cap",
    "Changed",
    "Config",
    "Direction",
    "Done",
    "Enforce",
    "Error",
    "Free",
    "FreeAll",
    "LimitMap",
    "Mark",
    "Query",
    "RegionList",
    "Regions",
    "Remove",
    "Reserve",
    "SetLimit",
    "SetNode",
    "Trim",
    "Truths",
]  # fmt: skip

TOP = (1 << 64) - 1
"""PHYS_ADDR_MAX: no region holds the last byte of the address space (mm/memblock.c:memblock_cap_size, v6.12)."""

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT
SMP_CACHE_BYTES = 64
MAX_PAGE_ORDER = 10
REGION_BYTES = 24
"""sizeof(struct memblock_region) with CONFIG_NUMA on a 64-bit machine (include/linux/memblock.h, v6.12)."""

Addr = Annotated[int, Word("addr", bits=64, lo=0, hi=TOP, hexadecimal=True)]
"""A physical address in bytes, or the exclusive end of a range, or ``TOP`` where there is no region."""

Size = Annotated[int, Word("size", bits=64, lo=0, hi=TOP, hexadecimal=True)]
"""A number of bytes."""

RegionCount = Annotated[int, Word("regions", bits=64, lo=0, hi=TOP)]
"""A number of regions of an array: as many as there are bytes for them to begin at."""

Nid = Annotated[int, Word("nid", bits=16, lo=-1, hi=63, signed=True)]
"""A node's number; ``NO_NODE`` where none is known (the kernel's MAX_NUMNODES of a region, NUMA_NO_NODE of a request)."""

Type = Annotated[int, Word("type", bits=8, lo=0, hi=1, names=("memory", "reserved"))]
"""Which of the two arrays."""

What = Annotated[int, Word("what", bits=8, lo=0, hi=3, names=("MEMORY", "RESERVED", "MEMORY_GIVEN", "RESERVED_GIVEN"))]
"""What became of memory of the arrays' own: which array took it, or gave it back."""

MEMORY, RESERVED, MEMORY_GIVEN, RESERVED_GIVEN = range(4)
NO_NODE = -1

HOTPLUG, MIRROR, NOMAP, DRIVER_MANAGED, RSRV_NOINIT = (1 << bit for bit in range(5))
"""include/linux/memblock.h:enum memblock_flags, v6.12."""
MEMORY_FLAGS = HOTPLUG | MIRROR | NOMAP | DRIVER_MANAGED
"""The flags that memory can be added with."""

ACCESSIBLE, NOLEAKTRACE = 0, 1
"""Ends of an allocation that mean the current limit (include/linux/memblock.h:MEMBLOCK_ALLOC_ACCESSIBLE, v6.12)."""

PANIC = Error("PANIC")
"""The kernel stops: an array is full and must not, or cannot, be doubled."""

UNLIMITED = 1 << 40
"""The capacity of arrays that no configuration limits."""

Move = tuple[What, Addr, Size]
"""A range that an array took or gave back while it was doubled."""


@attrs.frozen
class Config:
    """A machine at power-on: no memory is known, nothing is reserved.

    ``nodes`` is how many nodes there are; ``memory_max``, ``reserved_max`` how many regions each array holds at first (None: as
    many as are wanted) and ``resize`` whether they may be doubled (memblock_allow_resize); ``mirrored`` stands for
    kernelcore=mirror, ``movable_node`` for the option of that name.
    """

    nodes: Count = 1
    memory_max: Count | None = None
    reserved_max: Count | None = None
    resize: bool = False
    mirrored: bool = False
    movable_node: bool = False


@attrs.frozen
class Changed:
    """The arrays were changed; ``moved`` tells what they took and gave back of the memory they describe.

    ``done`` is false where doubling an array again failed with ENOMEM after it had been doubled once: then only it was.
    """

    failed: ClassVar[Literal[False]] = False
    done: bool = True
    moved: tuple[Move, ...] = ()


@attrs.frozen
class Add:
    """Make [base, base + size) memory of a node, where it is not memory already (mm/memblock.c:memblock_add_node, v6.12)."""

    base: Addr
    size: Size
    nid: Nid = NO_NODE
    flags: Flags = 0


@attrs.frozen
class Remove:
    """Make [base, base + size) no memory (mm/memblock.c:memblock_remove, v6.12)."""

    base: Addr
    size: Size


@attrs.frozen
class Reserve:
    """Take [base, base + size), whether it is memory or not (mm/memblock.c:memblock_reserve, v6.12)."""

    base: Addr
    size: Size


@attrs.frozen
class Free:
    """Give [base, base + size) back, whoever took it (mm/memblock.c:memblock_phys_free, v6.12)."""

    base: Addr
    size: Size


@attrs.frozen
class Alloc:
    """Find and take ``size`` bytes in [start, end) (mm/memblock.c:memblock_alloc_range_nid, v6.12).

    ``align`` is a power of two, or 0 for a cache line. With ``exact`` memory of another node will not do. With ``soft`` the
    lower bound is a wish and the current limit binds (memblock_alloc_internal, behind memblock_alloc_try_nid).
    """

    size: Size
    align: Size
    start: Addr = 0
    end: Addr = ACCESSIBLE
    nid: Nid = NO_NODE
    exact: bool = False
    soft: bool = False


@attrs.frozen
class Address:
    """The first byte of what was found; 0 where doubling an array failed after it had been doubled once."""

    failed: ClassVar[Literal[False]] = False
    addr: Addr
    moved: tuple[Move, ...] = ()


@attrs.frozen
class Mark:
    """Set or clear a flag on [base, base + size) of an array (mm/memblock.c:memblock_setclr_flag, v6.12, and its callers)."""

    type: Type
    base: Addr
    size: Size
    flag: Flags
    on: bool = True


@attrs.frozen
class SetNode:
    """Give [base, base + size) of an array a node (mm/memblock.c:memblock_set_node, v6.12)."""

    type: Type
    base: Addr
    size: Size
    nid: Nid


@attrs.frozen
class Trim:
    """Shrink each region of memory to multiples of ``align`` (mm/memblock.c:memblock_trim_memory, v6.12)."""

    align: Size


@attrs.frozen
class Enforce:
    """Forget all memory beyond the first ``limit`` bytes (mm/memblock.c:memblock_enforce_memory_limit, v6.12)."""

    limit: Size


@attrs.frozen
class Cap:
    """Forget all memory outside [base, base + size) but NOMAP (mm/memblock.c:memblock_cap_memory_range, v6.12)."""

    base: Addr
    size: Size


@attrs.frozen
class LimitMap:
    """Forget all memory beyond the first ``limit`` bytes but NOMAP (mm/memblock.c:memblock_mem_limit_remove_map, v6.12)."""

    limit: Size


@attrs.frozen
class SetLimit:
    """Set the address below which memory is accessible (mm/memblock.c:memblock_set_current_limit, v6.12)."""

    limit: Addr


@attrs.frozen
class Direction:
    """Search from below from now on, or from above (include/linux/memblock.h:memblock_set_bottom_up, v6.12)."""

    bottom_up: bool


@attrs.frozen
class Query:
    """Ask about the byte at ``base`` and about [base, base + size)."""

    base: Addr
    size: Size


@attrs.frozen
class Truths:
    """What is known of a byte, its node, and of a range (mm/memblock.c:memblock_is_memory and its kin, v6.12)."""

    failed: ClassVar[Literal[False]] = False
    memory: bool  # memblock_is_memory(base)
    reserved: bool  # memblock_is_reserved(base)
    mapped: bool  # memblock_is_map_memory(base)
    region_memory: bool  # memblock_is_region_memory(base, size)
    region_reserved: bool  # memblock_is_region_reserved(base, size)
    nid: Nid  # memblock_search_pfn_nid, of the byte at base


@attrs.frozen
class Regions:
    """Ask for the regions of an array."""

    type: Type


@attrs.frozen
class RegionList:
    """Regions as (base, size, nid, flags), ascending, those that touch and are alike merged."""

    failed: ClassVar[Literal[False]] = False
    regions: tuple[tuple[Addr, Size, Nid, Flags], ...]


@attrs.frozen
class FreeAll:
    """Hand all free memory below ``max_low_pfn`` over to the page allocator (mm/memblock.c:memblock_free_all, v6.12)."""

    max_low_pfn: Pfn


@attrs.frozen
class Blocks:
    """The blocks that were handed over, as (first frame, order), ascending; ``moved`` as in ``Changed``."""

    failed: ClassVar[Literal[False]] = False
    blocks: tuple[tuple[Pfn, Order], ...]
    moved: tuple[Move, ...] = ()
