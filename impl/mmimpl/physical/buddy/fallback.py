"""What Linux does when a request's own lists are empty: it claims a pageblock of another type, or steals from one.

The functions move blocks between lists where Linux does, and return the block to take from, still listed (``heads``: none).
"""

from __future__ import annotations

from mmimpl.engine import helper, kernel
from mmimpl.physical.buddy.lists import (
    frames_at,
    move_blocks,
    move_pageblock,
    pageblock_inside,
    relist,
    set_types,
    smallest,
)  # fmt: skip
from mmimpl.physical.buddy.memory import ALLOCATED, MIGRATABLE, NONE, Frame, Zone
from mmspec.physical.buddy.ops import (
    ALLOC_CMA,
    ALLOC_HIGHATOMIC,
    ALLOC_NOFRAGMENT,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    CMA,
    HIGHATOMIC,
    MOVABLE,
    ORDINARY,
    RECLAIMABLE,
    UNMOVABLE,
)
from mmspec.words import Flags, Migratetype, Order

# --- another type's blocks -------------------------------------------------------------------------------------------


@helper
def find_fallback(zone: Zone, order: Order, migratetype: Migratetype) -> Frame:
    """Return the first block of an order on a fallback list, or ``heads`` (mm/page_alloc.c:find_suitable_fallback, v6.12)."""
    first = UNMOVABLE if migratetype == RECLAIMABLE else RECLAIMABLE
    pfn = zone.after[zone.heads + ((first << 4) | order)]
    if pfn < zone.heads:
        return pfn
    second = UNMOVABLE if migratetype == MOVABLE else MOVABLE
    pfn = zone.after[zone.heads + ((second << 4) | order)]
    return pfn if pfn < zone.heads else zone.heads


@helper
def can_claim(zone: Zone, order: Order, migratetype: Migratetype) -> bool:
    """Tell whether a block of ``order`` is worth its pageblock (mm/page_alloc.c:can_steal_fallback, v6.12)."""
    return (order >= zone.pageblock_order // 2) | (migratetype != MOVABLE)


@kernel
def enough_alike(zone: Zone, pfn: Frame, end: Frame, theirs: Migratetype, migratetype: Migratetype) -> bool:
    """Tell whether half of the pageblock that ends at ``end`` is free or like the request, looking from ``pfn`` on.

    Some block smaller than the pageblock is free in it, so no block reaches across its bounds
    (mm/page_alloc.c:try_to_steal_block, v6.12).
    """
    size = 1 << zone.pageblock_order
    free = 0
    movable = 0
    for _ in range(size):
        if pfn >= end:
            break
        cell = zone.page[pfn]
        if cell < ALLOCATED:
            free += frames_at(cell)
        elif cell != NONE and cell & MIGRATABLE:
            movable += frames_at(cell)
        pfn += frames_at(cell)
    if migratetype == MOVABLE:
        alike = movable
    else:
        alike = size - (free + movable) if theirs == MOVABLE else 0
    return free + alike >= size >> 1


# --- 6.12 ------------------------------------------------------------------------------------------------------------


@kernel
def claim(zone: Zone, order: Order, migratetype: Migratetype, flags: Flags) -> Frame:
    """Turn a whole pageblock to the request's type, from the largest block down (mm/page_alloc.c:__rmqueue_claim, v6.12)."""
    least = max(order, zone.pageblock_order) if flags & ALLOC_NOFRAGMENT else order
    for k in range(zone.max_order, least - 1, -1):
        pfn = find_fallback(zone, k, migratetype)
        if pfn == zone.heads:
            continue
        if not can_claim(zone, k, migratetype):
            return zone.heads
        if k >= zone.pageblock_order:
            set_types(zone, pfn, k, migratetype)
            # It stays in its ring until it is taken; what is left of it goes to the list that its cell names.
            zone.page[pfn] = (migratetype << 4) | k
            return pfn
        theirs = zone.types[pfn >> zone.pageblock_order]
        if theirs == HIGHATOMIC or not pageblock_inside(zone, pfn):
            continue
        first = (pfn >> zone.pageblock_order) << zone.pageblock_order
        if enough_alike(zone, first, first + (1 << zone.pageblock_order), theirs, migratetype):
            move_pageblock(zone, pfn, migratetype)
            return smallest(zone, order, migratetype)
    return zone.heads


@kernel
def steal(zone: Zone, order: Order, migratetype: Migratetype) -> Frame:
    """Return the smallest foreign block, whose pageblock stays as it is (mm/page_alloc.c:__rmqueue_steal, v6.12)."""
    for k in range(order, zone.max_order + 1):
        pfn = find_fallback(zone, k, migratetype)
        if pfn < zone.heads:
            return pfn
    return zone.heads


# --- 6.1 -------------------------------------------------------------------------------------------------------------


@kernel
def choose_61(zone: Zone, order: Order, migratetype: Migratetype, flags: Flags) -> Frame:
    """Return the largest foreign block, or the smallest if a MOVABLE request could not have its pageblock.

    mm/page_alloc.c:__rmqueue_fallback, v6.1
    """
    least = max(order, zone.pageblock_order) if flags & ALLOC_NOFRAGMENT else order
    for k in range(zone.max_order, least - 1, -1):
        pfn = find_fallback(zone, k, migratetype)
        if pfn == zone.heads:
            continue
        if can_claim(zone, k, migratetype):
            return pfn
        return steal(zone, order, migratetype)
    return zone.heads


@kernel
def move_61(zone: Zone, pfn: Frame, migratetype: Migratetype) -> None:
    """Move a block, or its pageblock's free blocks, to the request's lists (mm/page_alloc.c:steal_suitable_fallback, v6.1)."""
    order = zone.page[pfn] & 15
    theirs = zone.types[pfn >> zone.pageblock_order]
    first = (pfn >> zone.pageblock_order) << zone.pageblock_order
    end = first + (1 << zone.pageblock_order)
    if theirs == HIGHATOMIC:
        relist(zone, pfn, migratetype)
    elif order >= zone.pageblock_order:
        set_types(zone, pfn, order, migratetype)
        relist(zone, pfn, migratetype)
    elif not can_claim(zone, order, migratetype) or end > zone.end:
        relist(zone, pfn, migratetype)
    else:
        if first < zone.start:
            first = pfn
        alike = enough_alike(zone, first, end, theirs, migratetype)
        move_blocks(zone, first, end, migratetype)
        if alike:
            zone.types[pfn >> zone.pageblock_order] = migratetype


# --- the order of the lists ------------------------------------------------------------------------------------------


@kernel
def fall_back(zone: Zone, order: Order, migratetype: Migratetype, flags: Flags) -> Frame:
    """Serve a request from another type's lists (mm/page_alloc.c:__rmqueue, v6.12; __rmqueue_fallback, v6.1)."""
    if zone.kernel < 612:
        pfn = choose_61(zone, order, migratetype, flags)
        if pfn == zone.heads:
            return zone.heads
        move_61(zone, pfn, migratetype)
        return smallest(zone, order, migratetype)
    pfn = claim(zone, order, migratetype, flags)
    if pfn < zone.heads or flags & ALLOC_NOFRAGMENT:
        return pfn
    return steal(zone, order, migratetype)


@helper
def cma_first(zone: Zone) -> bool:
    """Tell whether more than half of the free frames that may be handed out are CMA's (mm/page_alloc.c:__rmqueue, v6.12)."""
    cma = zone.frames[CMA]
    return cma > (zone.frames[ORDINARY] + zone.frames[HIGHATOMIC] + cma) // 2


@kernel
def pick_flagged(zone: Zone, order: Order, migratetype: Migratetype, flags: Flags) -> Frame:
    """Return the block to serve a request with flags from (mm/page_alloc.c:rmqueue_buddy, __rmqueue, v6.12)."""
    if flags & ALLOC_HIGHATOMIC:
        pfn = smallest(zone, order, HIGHATOMIC)
        if pfn < zone.heads:
            return pfn
    if flags & ALLOC_CMA and cma_first(zone):
        pfn = smallest(zone, order, CMA)
        if pfn < zone.heads:
            return pfn
    pfn = smallest(zone, order, migratetype)
    if pfn == zone.heads and flags & ALLOC_CMA:
        pfn = smallest(zone, order, CMA)
    if pfn == zone.heads:
        pfn = fall_back(zone, order, migratetype, flags)
    if pfn == zone.heads and flags & (ALLOC_OOM | ALLOC_NON_BLOCK):
        pfn = smallest(zone, order, HIGHATOMIC)
    return pfn
