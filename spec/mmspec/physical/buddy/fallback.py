"""What Linux does when a request's own lists are empty: claim a pageblock, or steal from one.

6.12 tries to claim from the largest block downwards, then steals from the smallest upwards; 6.1 decides once, and only moves
free blocks to the request's lists, from which it then allocates. Both leave HIGHATOMIC, CMA and ISOLATE alone.
"""

from __future__ import annotations

from typing import Any

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.lists import (
    MOVE,
    NOBODY,
    Answer,
    delist,
    expand,
    first_listed,
    from_type,
    listed_order,
    move_pageblock,
    relist,
    set_types,
    smallest_left,
    smallest_step,
    take_listed,
)  # fmt: skip
from mmspec.physical.buddy.ops import ALLOC_NOFRAGMENT, MOVABLE, RECLAIMABLE, UNMOVABLE
from mmspec.physical.buddy.state import FreeLists, Span, Zone, pageblock_inside, type_at
from mmspec.words import ABSENT, Count, Flags, Link, Migratetype, Order, Pfn, PfnEnd, head_of, size_of


def first_fallback(migratetype: Migratetype) -> Migratetype:
    """Return the type whose lists are tried first (mm/page_alloc.c:fallbacks, v6.12)."""
    return UNMOVABLE if migratetype == RECLAIMABLE else RECLAIMABLE


def second_fallback(migratetype: Migratetype) -> Migratetype:
    """Return the type whose lists are tried next."""
    return UNMOVABLE if migratetype == MOVABLE else MOVABLE


def find_fallback(lists: FreeLists, order: Order, migratetype: Migratetype) -> Link:
    """Return the first block of an order on a fallback list, or ``NOBODY`` (mm/page_alloc.c:find_suitable_fallback, v6.12)."""
    pfn = first_listed(lists, order, first_fallback(migratetype))
    if pfn >= NOBODY:
        pfn = first_listed(lists, order, second_fallback(migratetype))
    if pfn >= NOBODY:
        return NOBODY
    rule(c.FALLBACK_ORDER)
    rule(c.FALLBACK_HEAD)
    return pfn


def can_claim(span: Span, order: Order, migratetype: Migratetype) -> bool:
    """Tell whether a block of ``order`` is worth its pageblock (mm/page_alloc.c:can_steal_fallback, v6.12)."""
    rule(c.CAN_CLAIM)
    return (order >= span.pageblock_order // 2) | (migratetype != MOVABLE)


# --- counting a pageblock --------------------------------------------------------------------------------------------


def tally_more(zone: Zone, lists: FreeLists, pfn: Pfn, end: PfnEnd, free: Count, movable: Count) -> bool:
    """Tell whether frames of the pageblock are left to look at."""
    return pfn < end


def tally_step(zone: Zone, lists: FreeLists, pfn: Pfn, end: PfnEnd, free: Count, movable: Count) -> tuple[Any, ...]:
    """Count the free block or the movable allocation at ``pfn``, or pass over what is there instead."""
    order = listed_order(lists, pfn)
    if order != ABSENT:
        return zone, lists, pfn + size_of(order), end, free + size_of(order), movable
    held = zone.allocated.get(pfn, ABSENT)
    if held == ABSENT:
        return zone, lists, pfn + 1, end, free, movable
    counted = size_of(held) * (lists.movable.get(pfn, ABSENT) != ABSENT)
    return zone, lists, pfn + size_of(held), end, free, movable + counted


def tally_left(zone: Zone, lists: FreeLists, pfn: Pfn, end: PfnEnd, free: Count, movable: Count) -> int:
    """Return how many frames of the pageblock may be left."""
    return max(0, end - pfn)


TALLY = Loop("tally", tally_more, tally_step, tally_left)


def enough_alike(zone: Zone, lists: FreeLists, start: Pfn, end: PfnEnd, theirs: Migratetype, migratetype: Migratetype) -> bool:
    """Tell whether half of a pageblock is free or like the request (mm/page_alloc.c:try_to_steal_block, v6.12).

    A block smaller than the pageblock is free in it, so that no allocation reaches across its bounds.
    """
    span = zone.span
    rule(c.CLAIM_HALF)
    size = size_of(span.pageblock_order)
    free: Count
    movable: Count
    _, _, _, _, free, movable = TALLY.run(zone, lists, start, end, 0, 0)
    if migratetype == MOVABLE:
        alike = movable
    else:
        alike = size - (free + movable) if theirs == MOVABLE else 0
    return free + alike >= size >> 1


# --- 6.12 ------------------------------------------------------------------------------------------------------------


def claim_more(zone: Zone, lists: FreeLists, migratetype: Migratetype, least: Order, above: Order, found: Link) -> bool:
    """Tell whether orders are left to look for a block whose pageblock can be claimed."""
    return above > least


def claim_step(
    zone: Zone, lists: FreeLists, migratetype: Migratetype, least: Order, above: Order, found: Link
) -> tuple[Any, ...]:  # fmt: skip
    """Look at the first foreign block of the next order down; where it decides, no order is left."""
    order = above - 1
    pfn = find_fallback(lists, order, migratetype)
    if pfn == NOBODY:
        return zone, lists, migratetype, least, order, NOBODY
    rule(c.CLAIM_LARGEST)
    if not can_claim(zone.span, order, migratetype):
        return zone, lists, migratetype, least, least, NOBODY
    if order >= zone.span.pageblock_order or claimable(zone, lists, pfn, migratetype):
        return zone, lists, migratetype, least, least, pfn
    return zone, lists, migratetype, least, order, NOBODY


def claim_left(zone: Zone, lists: FreeLists, migratetype: Migratetype, least: Order, above: Order, found: Link) -> int:
    """Return how many orders are left."""
    return max(0, above - least)


CLAIM = Loop("claim", claim_more, claim_step, claim_left)


def claimed(zone: Zone, lists: FreeLists, order: Order, migratetype: Migratetype, flags: Flags) -> Link:
    """Return the largest foreign block whose pageblock can be claimed, or ``NOBODY``."""
    span = zone.span
    least = max(order, span.pageblock_order) if flags & ALLOC_NOFRAGMENT else order
    found: Link
    _, _, _, _, _, found = CLAIM.run(zone, lists, migratetype, least, span.max_order + 1, NOBODY)
    return found


def claim(zone: Zone, lists: FreeLists, order: Order, migratetype: Migratetype, flags: Flags) -> Answer:
    """Turn a whole pageblock to the request's type, from the largest block down (mm/page_alloc.c:__rmqueue_claim, v6.12)."""
    span = zone.span
    pfn = claimed(zone, lists, order, migratetype, flags)
    if pfn == NOBODY:
        return NOBODY, lists
    have = listed_order(lists, pfn)
    if have >= span.pageblock_order:
        rule(c.CLAIM_WHOLE)
        lists = set_types(span, delist(lists, pfn), pfn, have, migratetype)
        return pfn, expand(lists, pfn, order, have, migratetype)
    rule(c.CLAIM_PAGEBLOCK)
    return from_type(span, move_pageblock(zone, lists, pfn, migratetype), order, migratetype)


def claimable(zone: Zone, lists: FreeLists, pfn: Pfn, migratetype: Migratetype) -> bool:
    """Tell whether the pageblock of a smaller block may be claimed (mm/page_alloc.c:try_to_steal_block, v6.12)."""
    span = zone.span
    theirs = type_at(span, lists, pfn)
    if not pageblock_inside(span, pfn):
        rule(c.CLAIM_REFUSED)
        return False
    start = head_of(pfn, span.pageblock_order)
    return enough_alike(zone, lists, start, start + size_of(span.pageblock_order), theirs, migratetype)


def foreign_more(span: Span, lists: FreeLists, order: Order, migratetype: Migratetype) -> bool:
    """Tell whether no fallback list of an order has a block, and there is a larger order."""
    return order <= span.max_order and find_fallback(lists, order, migratetype) == NOBODY


FOREIGN = Loop("foreign", foreign_more, smallest_step, smallest_left)


def smallest_fallback(span: Span, lists: FreeLists, order: Order, migratetype: Migratetype) -> Link:
    """Return the first foreign block of the smallest order that serves, or ``NOBODY``."""
    _, _, order, _ = FOREIGN.run(span, lists, order, migratetype)
    return find_fallback(lists, order, migratetype) if order <= span.max_order else NOBODY


def steal(span: Span, lists: FreeLists, order: Order, migratetype: Migratetype) -> Answer:
    """Take from the smallest foreign block and leave its pageblock as it is (mm/page_alloc.c:__rmqueue_steal, v6.12)."""
    pfn = smallest_fallback(span, lists, order, migratetype)
    if pfn == NOBODY:
        return NOBODY, lists
    rule(c.STEAL_SMALLEST)
    return pfn, take_listed(lists, pfn, order)


def fall_back(zone: Zone, lists: FreeLists, order: Order, migratetype: Migratetype, flags: Flags) -> Answer:
    """Serve a request from another type's lists."""
    if lists.kernel < 612:
        return fall_back_61(zone, lists, order, migratetype, flags)
    pfn, lists = claim(zone, lists, order, migratetype, flags)
    if pfn < NOBODY:
        return pfn, lists
    if flags & ALLOC_NOFRAGMENT:
        rule(c.STEAL_NOFRAGMENT)
        return NOBODY, lists
    return steal(zone.span, lists, order, migratetype)


# --- 6.1 -------------------------------------------------------------------------------------------------------------


def fall_back_61(zone: Zone, lists: FreeLists, order: Order, migratetype: Migratetype, flags: Flags) -> Answer:
    """Move a foreign block to the request's lists and allocate from those (mm/page_alloc.c:__rmqueue_fallback, v6.1)."""
    span = zone.span
    pfn = chosen_61(span, lists, order, migratetype, flags)
    if pfn == NOBODY:
        return NOBODY, lists
    return from_type(span, moved_61(zone, lists, pfn, migratetype), order, migratetype)


def largest_more(lists: FreeLists, migratetype: Migratetype, least: Order, above: Order) -> bool:
    """Tell whether no fallback list of the next order down has a block, and there is a smaller order."""
    return above > least and find_fallback(lists, above - 1, migratetype) == NOBODY


def largest_step(lists: FreeLists, migratetype: Migratetype, least: Order, above: Order) -> tuple[Any, ...]:
    """Go down to the next order."""
    return lists, migratetype, least, above - 1


def largest_left(lists: FreeLists, migratetype: Migratetype, least: Order, above: Order) -> int:
    """Return how many orders are left."""
    return max(0, above - least)


LARGEST = Loop("largest", largest_more, largest_step, largest_left)


def chosen_61(span: Span, lists: FreeLists, order: Order, migratetype: Migratetype, flags: Flags) -> Link:
    """Return the largest foreign block, or the smallest if a MOVABLE request could not have its pageblock."""
    least = max(order, span.pageblock_order) if flags & ALLOC_NOFRAGMENT else order
    _, _, _, above = LARGEST.run(lists, migratetype, least, span.max_order + 1)
    if above <= least:
        return NOBODY
    rule(c.FALLBACK_61)
    if can_claim(span, above - 1, migratetype):
        return find_fallback(lists, above - 1, migratetype)
    return smallest_fallback(span, lists, order, migratetype)


def moved_61(zone: Zone, lists: FreeLists, pfn: Pfn, migratetype: Migratetype) -> FreeLists:
    """Move the block, or its pageblock's free blocks, to the request's lists (mm/page_alloc.c:steal_suitable_fallback, v6.1)."""
    span = zone.span
    rule(c.STEAL_61)
    order = listed_order(lists, pfn)
    theirs = type_at(span, lists, pfn)
    if order >= span.pageblock_order:
        return relist(set_types(span, lists, pfn, order, migratetype), pfn, migratetype)
    start = head_of(pfn, span.pageblock_order)
    end = start + size_of(span.pageblock_order)
    if not can_claim(span, order, migratetype) or end > span.end_pfn:
        return relist(lists, pfn, migratetype)
    first = pfn if start < span.start_pfn else start
    alike = enough_alike(zone, lists, first, end, theirs, migratetype)
    _, lists, _, _, _ = MOVE.run(zone, lists, first, end, migratetype)
    if alike:
        return set_types(span, lists, start, span.pageblock_order, migratetype)
    return lists
