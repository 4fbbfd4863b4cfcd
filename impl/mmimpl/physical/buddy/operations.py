"""One kernel for each operation, with frames counted from the zone's base.

Each refuses what is wrong with the request and otherwise carries it out. Refusals are numbers of errno; where a kernel answers
with a frame, ``heads`` is added to them, which no frame reaches. A PFN outside the zone's memory comes in as ``heads``.
"""

from __future__ import annotations

import errno

from mmimpl.engine import helper, kernel
from mmimpl.physical.buddy.fallback import fall_back, pick_flagged
from mmimpl.physical.buddy.lists import (
    convert_pageblock,
    count_block,
    count_moved,
    delist,
    free_one,
    free_pieces,
    is_free,
    move_pageblock,
    one_type,
    pageblock_inside,
    relist,
    set_types,
    smallest,
    step_of,
    take_listed,
)  # fmt: skip
from mmimpl.physical.buddy.memory import ALLOCATED, LISTED_ORDER, MIGRATABLE, NONE, Frame, Zone
from mmspec.physical.buddy.ops import ALLOC_FLAGS, HIGHATOMIC, ISOLATE, MOVABLE, RECLAIMABLE
from mmspec.words import Flags, Migratetype, Order

# --- alloc, free, putback, take --------------------------------------------------------------------------------------


@helper
def hand_out(zone: Zone, pfn: Frame, order: Order, migratetype: Migratetype) -> None:
    """Mark a block that left the lists as handed out, and count it."""
    zone.page[pfn] = (ALLOCATED | MIGRATABLE | order) if migratetype == MOVABLE else (ALLOCATED | order)
    count_block(zone, pfn, order, -1)


@helper
def take_back(zone: Zone, pfn: Frame, order: Order) -> None:
    """Mark a block that was handed out as no block's head any more, and count it."""
    zone.page[pfn] = NONE
    count_block(zone, pfn, order, 1)


@helper
def alloc(zone: Zone, order: Order, migratetype: Migratetype, flags: Flags) -> Frame:
    """Hand out a block and return its first frame, or ``heads`` and more (mm/page_alloc.c:rmqueue_buddy, v6.12)."""
    if order > zone.max_order or migratetype > RECLAIMABLE or flags & ~ALLOC_FLAGS:
        return zone.heads + errno.EINVAL
    if flags:
        pfn = pick_flagged(zone, order, migratetype, flags)
    else:
        pfn = smallest(zone, order, migratetype)
        if pfn == zone.heads:
            pfn = fall_back(zone, order, migratetype, flags)
    if pfn == zone.heads:
        return zone.heads + errno.ENOMEM
    take_listed(zone, pfn, order)
    hand_out(zone, pfn, order, migratetype)
    return pfn


@helper
def is_live(zone: Zone, pfn: Frame, order: Order) -> bool:
    """Tell whether a block is exactly one live allocation."""
    if pfn >= zone.end or order > zone.max_order:
        return False
    return (zone.page[pfn] & ~MIGRATABLE) == (ALLOCATED | order)


@helper
def free(zone: Zone, pfn: Frame, order: Order) -> int:
    """Take a block back (mm/page_alloc.c:free_one_page, v6.12)."""
    if not is_live(zone, pfn, order):
        return errno.EINVAL
    take_back(zone, pfn, order)
    if order <= zone.pageblock_order:
        free_one(zone, pfn, order, zone.types[pfn >> zone.pageblock_order], False)
    else:
        free_pieces(zone, pfn, order, step_of(zone, pfn, order), False)
    return 0


@kernel
def putback(zone: Zone, pfn: Frame, order: Order) -> int:
    """Take a block back, whole and to the tail (mm/page_alloc.c:__putback_isolated_page, v6.12)."""
    if not is_live(zone, pfn, order):
        return errno.EINVAL
    take_back(zone, pfn, order)
    whole = one_type(zone, pfn, order)
    free_pieces(zone, pfn, order, order if whole else zone.pageblock_order, whole)
    return 0


@kernel
def take(zone: Zone, pfn: Frame, order: Order) -> int:
    """Take one listed block off its list; half a pageblock or more turns its mergeable pageblocks MOVABLE.

    mm/page_alloc.c:__isolate_free_page, v6.12
    """
    if pfn >= zone.end or order > zone.max_order or (zone.page[pfn] & LISTED_ORDER) != order:
        return errno.EINVAL
    delist(zone, pfn)
    zone.page[pfn] = ALLOCATED | order
    count_block(zone, pfn, order, -1)
    # Linux's loop passes a single frame by, even where that is half a pageblock.
    if order == 0 or order + 1 < zone.pageblock_order:
        return 0
    for i in range(1 << max(0, order - zone.pageblock_order)):
        block = pfn + (i << zone.pageblock_order)
        if zone.types[block >> zone.pageblock_order] > RECLAIMABLE:
            continue
        if zone.kernel < 612:
            zone.types[block >> zone.pageblock_order] = MOVABLE
        elif pageblock_inside(zone, block):
            move_pageblock(zone, block, MOVABLE)
    return 0


# --- pageblock types -------------------------------------------------------------------------------------------------


@helper
def in_zone(zone: Zone, pfn: Frame) -> bool:
    """Tell whether the zone spans a frame."""
    return (zone.start <= pfn) & (pfn < zone.end)


@kernel
def isolate(zone: Zone, pfn: Frame) -> int:
    """Isolate a pageblock, splitting a larger free block over it (mm/page_isolation.c:set_migratetype_isolate, v6.12)."""
    if not in_zone(zone, pfn):
        return errno.EINVAL
    old = zone.types[pfn >> zone.pageblock_order]
    if old == ISOLATE or not pageblock_inside(zone, pfn):
        return errno.EBUSY
    count_moved(zone, old, ISOLATE, convert_pageblock(zone, pfn, ISOLATE))
    return 0


@kernel
def unisolate(zone: Zone, pfn: Frame, migratetype: Migratetype) -> int:
    """End an isolation (mm/page_isolation.c:unset_migratetype_isolate, v6.12)."""
    if not in_zone(zone, pfn) or migratetype >= ISOLATE or zone.types[pfn >> zone.pageblock_order] != ISOLATE:
        return errno.EINVAL
    first = (pfn >> zone.pageblock_order) << zone.pageblock_order
    if (zone.page[first] & LISTED_ORDER) == zone.pageblock_order:
        # Freed anew, it merges with a buddy that its isolation kept away, and goes to the tail like any block that is moved.
        delist(zone, first)
        zone.types[pfn >> zone.pageblock_order] = migratetype
        free_pieces(zone, first, zone.pageblock_order, zone.pageblock_order, True)
        moved = 1 << zone.pageblock_order
    else:
        moved = convert_pageblock(zone, pfn, migratetype)
    count_moved(zone, ISOLATE, migratetype, moved)
    return 0


@kernel
def retype(zone: Zone, pfn: Frame, migratetype: Migratetype) -> int:
    """Give a pageblock another type, its free blocks with it (mm/page_alloc.c:move_freepages_block, v6.12)."""
    if not in_zone(zone, pfn) or migratetype >= ISOLATE:
        return errno.EINVAL
    old = zone.types[pfn >> zone.pageblock_order]
    if old == ISOLATE or not pageblock_inside(zone, pfn):
        return errno.EBUSY
    above = zone.pageblock_order + 1
    # A larger free run counts even where a merge barrier keeps its parts on lists of their own.
    if above <= zone.max_order and is_free(zone, (pfn >> above) << above, above):
        return errno.EBUSY
    count_moved(zone, old, migratetype, move_pageblock(zone, pfn, migratetype))
    return 0


@kernel
def reserve(zone: Zone, pfn: Frame, order: Order) -> int:
    """Make the pageblocks of a live allocation HIGHATOMIC (mm/page_alloc.c:reserve_highatomic_pageblock, v6.12)."""
    if not is_live(zone, pfn, order):
        return errno.EINVAL
    old = zone.types[pfn >> zone.pageblock_order]
    if old > RECLAIMABLE or not pageblock_inside(zone, pfn):
        return errno.EBUSY
    if order < zone.pageblock_order:
        count_moved(zone, old, HIGHATOMIC, move_pageblock(zone, pfn, HIGHATOMIC))
    else:
        set_types(zone, pfn, order, HIGHATOMIC)
    return 0


@kernel
def unreserve(zone: Zone, migratetype: Migratetype) -> Frame:
    """Convert the pageblocks of the first block on the lowest HIGHATOMIC list that is not empty.

    Return the block, which stays listed with its order, or ``heads`` and more
    (mm/page_alloc.c:unreserve_highatomic_pageblock, v6.12).
    """
    if migratetype > RECLAIMABLE:
        return zone.heads + errno.EINVAL
    pfn = smallest(zone, 0, HIGHATOMIC)
    if pfn == zone.heads:
        return zone.heads + errno.ENOENT
    order = zone.page[pfn] & 15
    if order < zone.pageblock_order:
        count_moved(zone, HIGHATOMIC, migratetype, move_pageblock(zone, pfn, migratetype))
    else:
        count_moved(zone, HIGHATOMIC, migratetype, 1 << order)
        relist(zone, pfn, migratetype)
        set_types(zone, pfn, order, migratetype)
    return pfn
