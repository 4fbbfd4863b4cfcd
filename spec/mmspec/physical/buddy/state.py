"""The state of a zone's buddy allocator: what every implementation shares, and what only Linux keeps.

``Zone`` is a function of the operations and their results. ``FreeLists`` is Linux's policy state: which blocks it keeps apart,
the order of its lists, and the finer pageblock types by which it chooses; its blocks cover the same frames.
"""

from __future__ import annotations

import attrs

from mmspec.errors import InputError
from mmspec.linked import Links
from mmspec.physical.buddy.ops import CMA, HIGHATOMIC, ISOLATE, MOVABLE, ORDINARY, RECLAIMABLE, Config
from mmspec.pmap import PMap, pmap
from mmspec.words import MAX_ORDER_LIMIT, PFN_BITS, Count, Kernel, ListNumber, Migratetype, Order, Pageblock, Pfn, PfnEnd, head_of

MAX_HOLE_FRAMES = 1 << 22
"""Most hole frames in a configuration: they are held one by one."""


@attrs.frozen
class Span:
    """What never changes about a zone (include/linux/mmzone.h:struct zone, v6.12)."""

    start_pfn: Pfn
    end_pfn: PfnEnd  # exclusive; start_pfn < end_pfn
    max_order: Order  # the largest order of a free block; <= MAX_ORDER_LIMIT
    pageblock_order: Order  # 1 <= pageblock_order <= max_order, or both 0
    holes: PMap[Pfn, bool]  # the frames in [start_pfn, end_pfn) that are not memory


@attrs.frozen
class Zone:
    """Who owns each frame of the zone."""

    span: Span
    free: PMap[Pfn, Order]  # heads of free blocks, every pair of free buddies below max_order merged
    allocated: PMap[Pfn, Order]  # heads of blocks that are handed out
    pageblock: PMap[Pageblock, Migratetype]  # HIGHATOMIC, CMA or ISOLATE; absent: ORDINARY
    frames: PMap[Migratetype, Count]  # free frames by kind of their pageblock; absent: 0


@attrs.frozen
class FreeLists:
    """Linux's free lists (mm/page_alloc.c, v6.12): ``free_area[order].free_list[migratetype]`` for each order and type."""

    kernel: Kernel  # whose choices these are: 601, 612
    block: PMap[Pfn, ListNumber]  # heads of listed blocks (PageBuddy), with the number of their list
    links: Links  # the lists, by number
    types: PMap[Pageblock, Migratetype]  # every pageblock's type; absent: MOVABLE
    movable: PMap[Pfn, Order]  # live allocations of frames that migration could move (PageLRU or movable-ops)


UNLISTED = 0xFF
"""The list number of a frame that heads no listed block: its order is ``ABSENT``."""


def list_number(order: Order, migratetype: Migratetype) -> ListNumber:
    """Return the number of ``free_area[order].free_list[migratetype]``."""
    return (migratetype << 4) | order


def order_of_list(number: ListNumber) -> Order:
    """Return the order of a list's blocks; ``ABSENT`` for ``UNLISTED``."""
    return number & 15


def type_of_list(number: ListNumber) -> Migratetype:
    """Return the type of a list's blocks."""
    return number >> 4


def type_at(span: Span, lists: FreeLists, pfn: Pfn) -> Migratetype:
    """Return the type of the pageblock that holds ``pfn`` (mm/page_alloc.c:get_pfnblock_migratetype, v6.12)."""
    return lists.types.get(pfn >> span.pageblock_order, MOVABLE)


def kind_of(migratetype: Migratetype) -> Migratetype:
    """Return a type's kind: itself, or ORDINARY for the three mergeable types."""
    return migratetype if migratetype >= HIGHATOMIC else ORDINARY


def is_mergeable(migratetype: Migratetype) -> bool:
    """Tell whether blocks of the type merge across pageblocks (include/linux/mmzone.h:migratetype_is_mergeable, v6.12)."""
    return migratetype <= RECLAIMABLE


def kind_at(zone: Zone, pfn: Pfn) -> Migratetype:
    """Return the kind of the pageblock that holds ``pfn``."""
    return zone.pageblock.get(pfn >> zone.span.pageblock_order, ORDINARY)


def in_zone(span: Span, pfn: Pfn) -> bool:
    """Tell whether the zone spans a frame."""
    return (span.start_pfn <= pfn) & (pfn < span.end_pfn)


def pageblock_inside(span: Span, pfn: Pfn) -> bool:
    """Tell whether the zone spans the whole pageblock that holds ``pfn`` (mm/page_alloc.c:prep_move_freepages_block, v6.12)."""
    start = head_of(pfn, span.pageblock_order)
    return (span.start_pfn <= start) & (start + (1 << span.pageblock_order) <= span.end_pfn)


def span_of(config: Config) -> Span:
    """Check a configuration at the door and return its span (InputError: which field is wrong, and how it must be)."""
    if not 0 <= config.start_pfn < config.end_pfn <= 1 << PFN_BITS:
        raise InputError(
            f"zone [{config.start_pfn:#x}, {config.end_pfn:#x}) is not a range of frames",
            hint="0 <= start_pfn < end_pfn <= 2**52",
        )
    if not 0 <= config.max_order <= MAX_ORDER_LIMIT:
        raise InputError(f"max_order {config.max_order} is not an order", hint=f"0 to {MAX_ORDER_LIMIT}")
    pageblock_order = min(9, config.max_order) if config.pageblock_order is None else config.pageblock_order
    if not min(1, config.max_order) <= pageblock_order <= config.max_order:
        raise InputError(f"pageblock_order {pageblock_order} does not fit max_order {config.max_order}", hint="1 to max_order")
    return Span(config.start_pfn, config.end_pfn, config.max_order, pageblock_order, _holes(config))


def _holes(config: Config) -> PMap[Pfn, bool]:
    frames: dict[Pfn, bool] = {}
    last = config.start_pfn
    for start, end in config.holes:
        if not last <= start < end <= config.end_pfn:
            raise InputError(
                f"hole [{start:#x}, {end:#x}) overlaps another, is empty, out of order or outside the zone",
                hint="ascending disjoint ranges inside the zone",
            )
        if len(frames) + end - start > MAX_HOLE_FRAMES:
            raise InputError(f"more than {MAX_HOLE_FRAMES} hole frames", hint="split the zone at the hole")
        frames.update(dict.fromkeys(range(start, end), True))
        last = end
    if len(frames) == config.end_pfn - config.start_pfn:
        raise InputError("the zone has no frame outside its holes", hint="leave at least one frame of memory")
    return pmap(frames)


def ranges_of(config: Config) -> list[tuple[Pfn, PfnEnd]]:
    """Return the ranges of frames that are memory, ascending."""
    ranges, last = [], config.start_pfn
    for start, end in [*config.holes, (config.end_pfn, config.end_pfn)]:
        if last < start:
            ranges.append((last, start))
        last = end
    return ranges


def blocks_of(config: Config) -> list[tuple[Pfn, Order]]:
    """Return the maximal aligned blocks of the zone's memory, ascending: what a reset frees."""
    blocks = []
    for start, end in ranges_of(config):
        pfn = start
        while pfn < end:
            order = min(config.max_order, (end - pfn).bit_length() - 1)
            if pfn:
                order = min(order, (pfn & -pfn).bit_length() - 1)
            blocks.append((pfn, order))
            pfn += 1 << order
    return blocks


BINDING = (HIGHATOMIC, CMA, ISOLATE)
"""The kinds that bind every implementation, whatever it makes of the others."""
