"""The buddy allocator's requests and results, its pageblock types and its flags.

Shared by the law, every implementation and every client; nothing here decides anything.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from mmspec.errors import DONE, EBUSY, EINVAL, ENOENT, ENOMEM, Done, Error
from mmspec.words import Count, Flags, Migratetype, Order, Pfn, PfnEnd

__all__ = [
    "DONE",
    "EBUSY",
    "EINVAL",
    "ENOENT",
    "ENOMEM",
    "Alloc",
    "Block",
    "Blocks",
    "Config",
    "Done",
    "Error",
    "Frames",
    "Free",
    "FreeBlocks",
    "FreeCount",
    "Isolate",
    "Page",
    "Putback",
    "Reserve",
    "Retype",
    "Take",
    "Unisolate",
    "Unreserve",
]  # fmt: skip

UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, CMA, ISOLATE = range(6)
"""Pageblock types, numbered as include/linux/mmzone.h:enum migratetype does in v6.12 with CONFIG_CMA."""

ORDINARY = 0
"""The kind of a pageblock whose type is UNMOVABLE, MOVABLE or RECLAIMABLE: which of the three is a matter of policy."""

KERNELS = {"6.1": 601, "6.12": 612}
"""The kernels whose choices are specified, as numbers that can be compared: 100 * major + minor."""

ALLOC_OOM = 0x08
ALLOC_NON_BLOCK = 0x10
ALLOC_CMA = 0x80
ALLOC_NOFRAGMENT = 0x100
ALLOC_HIGHATOMIC = 0x200
ALLOC_FLAGS = ALLOC_OOM | ALLOC_NON_BLOCK | ALLOC_CMA | ALLOC_NOFRAGMENT | ALLOC_HIGHATOMIC
"""The flags that decide which lists a request may use (mm/internal.h, v6.12)."""


@attrs.frozen
class Config:
    """The zone that a reset makes: every frame of [start_pfn, end_pfn) outside the holes is free, all pageblocks are MOVABLE.

    A zone begins at the first frame whose struct page carries its id: frames of a hole right below its memory belong to it, as
    holes (mm/mm_init.c:init_unavailable_range, v6.12).

    ``holes`` are ranges of frames without memory, ends exclusive, disjoint and ascending; ``pageblock_order`` is
    min(9, max_order) unless it is given.
    """

    start_pfn: Pfn
    end_pfn: PfnEnd
    max_order: Order = 10
    holes: tuple[tuple[Pfn, PfnEnd], ...] = ()
    pageblock_order: Order | None = None


@attrs.frozen
class Alloc:
    """Hand out a block of ``2**order`` frames to a request of a mergeable type (mm/page_alloc.c:rmqueue_buddy, v6.12)."""

    order: Order
    migratetype: Migratetype = MOVABLE
    flags: Flags = 0


@attrs.frozen
class Page:
    """The first frame of the block that was handed out."""

    failed: ClassVar[Literal[False]] = False
    pfn: Pfn


@attrs.frozen
class Free:
    """Give back the block of ``2**order`` frames at ``pfn`` (mm/page_alloc.c:free_one_page, v6.12)."""

    pfn: Pfn
    order: Order


@attrs.frozen
class Putback:
    """Give back a block that was taken, to the tail (mm/page_alloc.c:__putback_isolated_page, v6.12)."""

    pfn: Pfn
    order: Order


@attrs.frozen
class Take:
    """Take one given free block off its list (mm/page_alloc.c:__isolate_free_page, v6.12, without its watermark test)."""

    pfn: Pfn
    order: Order


@attrs.frozen
class Isolate:
    """Make the pageblock at ``pfn`` ISOLATE (mm/page_isolation.c:set_migratetype_isolate, v6.12).

    What ``has_unmovable_pages`` asks (reserved pages, and so hole frames, among them) is for the caller to know.
    """

    pfn: Pfn


@attrs.frozen
class Unisolate:
    """Give an isolated pageblock a type again (mm/page_isolation.c:unset_migratetype_isolate, v6.12)."""

    pfn: Pfn
    migratetype: Migratetype


@attrs.frozen
class Retype:
    """Change the type of a pageblock that is neither isolated nor to be (mm/page_alloc.c:move_freepages_block, v6.12)."""

    pfn: Pfn
    migratetype: Migratetype


@attrs.frozen
class Reserve:
    """Make the pageblocks of a block just handed out HIGHATOMIC (mm/page_alloc.c:reserve_highatomic_pageblock, v6.12)."""

    pfn: Pfn
    order: Order


@attrs.frozen
class Unreserve:
    """Turn the pageblocks of one free HIGHATOMIC block into a type (mm/page_alloc.c:unreserve_highatomic_pageblock, v6.12)."""

    migratetype: Migratetype


@attrs.frozen
class Block:
    """A block: its first frame and its order."""

    failed: ClassVar[Literal[False]] = False
    pfn: Pfn
    order: Order


@attrs.frozen
class FreeCount:
    """Ask how many frames are free."""


@attrs.frozen
class Frames:
    """A number of frames."""

    failed: ClassVar[Literal[False]] = False
    count: Count


@attrs.frozen
class FreeBlocks:
    """Ask for the free frames, every pair of free buddies merged."""


@attrs.frozen
class Blocks:
    """Blocks as (first frame, order), in any order."""

    failed: ClassVar[Literal[False]] = False
    blocks: tuple[tuple[Pfn, Order], ...]
