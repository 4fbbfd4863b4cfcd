"""Which of the lawful results Linux gives: ``X_choose`` returns it, and the free lists after it.

The reading is of 6.12.117 (``mm/page_alloc.c``, ``mm/page_isolation.c``); where 6.1 differs the text
asks for the kernel's version.
"""

from __future__ import annotations

from typing import Any

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.core import alloc_served
from mmspec.physical.buddy.fallback import fall_back
from mmspec.physical.buddy.kinds import retype_possible
from mmspec.physical.buddy.lists import (
    NOBODY,
    Answer,
    convert_pageblock,
    delist,
    free_one,
    free_pieces,
    from_type,
    listed_order,
    move_pageblock,
    one_type,
    relist,
    set_types,
    smallest,
)  # fmt: skip
from mmspec.physical.buddy.ops import (
    ALLOC_CMA,
    ALLOC_HIGHATOMIC,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    CMA,
    DONE,
    EBUSY,
    EINVAL,
    ENOENT,
    ENOMEM,
    HIGHATOMIC,
    ISOLATE,
    MOVABLE,
    ORDINARY,
    RECLAIMABLE,
    Alloc,
    Block,
    Blocks,
    Done,
    Error,
    Frames,
    Free,
    FreeBlocks,
    FreeCount,
    Isolate,
    Page,
    Putback,
    Reserve,
    Retype,
    Take,
    Unisolate,
    Unreserve,
)  # fmt: skip
from mmspec.physical.buddy.state import (
    FreeLists,
    Zone,
    in_zone,
    is_mergeable,
    kind_at,
    pageblock_inside,
    type_at,
)  # fmt: skip
from mmspec.pmap import PMap
from mmspec.words import ABSENT, Flags, Migratetype, Order, Pfn, PfnEnd, head_of, size_of

# --- alloc -----------------------------------------------------------------------------------------------------------


def cma_first(zone: Zone, flags: Flags) -> bool:
    """Tell whether more than half of the free frames that may be handed out are CMA's (mm/page_alloc.c:__rmqueue, v6.12)."""
    cma = zone.frames.get(CMA, 0)
    total = zone.frames.get(ORDINARY, 0) + zone.frames.get(HIGHATOMIC, 0) + cma
    return ((flags & ALLOC_CMA) != 0) & (cma > total // 2)


def rmqueue(zone: Zone, lists: FreeLists, order: Order, migratetype: Migratetype, flags: Flags) -> Answer:
    """Serve a request of a mergeable type (mm/page_alloc.c:__rmqueue, v6.12)."""
    if cma_first(zone, flags):
        rule(c.RMQUEUE_1)
        pfn, after = from_type(zone.span, lists, order, CMA)
        if pfn < NOBODY:
            return pfn, after
    rule(c.RMQUEUE_2)
    pfn, after = from_type(zone.span, lists, order, migratetype)
    if pfn < NOBODY:
        return pfn, after
    if flags & ALLOC_CMA:
        rule(c.RMQUEUE_3)
        pfn, after = from_type(zone.span, lists, order, CMA)
        if pfn < NOBODY:
            return pfn, after
    rule(c.RMQUEUE_4)
    return fall_back(zone, lists, order, migratetype, flags)


def rmqueue_buddy(zone: Zone, lists: FreeLists, op: Alloc) -> Answer:
    """Serve a request, the highatomic reserve first or last where its flags allow (mm/page_alloc.c:rmqueue_buddy, v6.12)."""
    if op.flags & ALLOC_HIGHATOMIC:
        rule(c.HIGHATOMIC_FIRST)
        pfn, after = from_type(zone.span, lists, op.order, HIGHATOMIC)
        if pfn < NOBODY:
            return pfn, after
    pfn, after = rmqueue(zone, lists, op.order, op.migratetype, op.flags)
    if pfn == NOBODY and op.flags & (ALLOC_OOM | ALLOC_NON_BLOCK):
        rule(c.HIGHATOMIC_LAST)
        return from_type(zone.span, lists, op.order, HIGHATOMIC)
    return pfn, after


def alloc_choose(zone: Zone, lists: FreeLists, op: Alloc) -> tuple[Page | Error, FreeLists]:
    """Answer an allocation as Linux does."""
    if not alloc_served(zone.span, op):
        return EINVAL, lists
    pfn, lists = rmqueue_buddy(zone, lists, op)
    if pfn == NOBODY:
        return ENOMEM, lists
    if op.migratetype == MOVABLE:
        lists = with_movable(lists, lists.movable.set(pfn, op.order))
    return Page(pfn), lists


def with_movable(lists: FreeLists, movable: PMap[Pfn, Order]) -> FreeLists:
    """Return the lists with other movable allocations."""
    return FreeLists(lists.kernel, lists.block, lists.links, lists.types, movable)


# --- free, putback, take ---------------------------------------------------------------------------------------------


def forget_movable(lists: FreeLists, pfn: Pfn) -> FreeLists:
    """Forget that a live allocation was movable."""
    if lists.movable.get(pfn, ABSENT) == ABSENT:
        return lists
    return with_movable(lists, lists.movable.delete(pfn))


def is_live(zone: Zone, pfn: Pfn, order: Order) -> bool:
    """Tell whether a block is exactly one live allocation."""
    return order != ABSENT and zone.allocated.get(pfn, ABSENT) == order


def free_choose(zone: Zone, lists: FreeLists, op: Free) -> tuple[Done | Error, FreeLists]:
    """Answer a free as Linux does."""
    if not is_live(zone, op.pfn, op.order):
        return EINVAL, lists
    return DONE, free_pieces(zone.span, forget_movable(lists, op.pfn), op.pfn, op.order)


def putback_choose(zone: Zone, lists: FreeLists, op: Putback) -> tuple[Done | Error, FreeLists]:
    """Put a block that was taken back, whole and to the tail."""
    if not is_live(zone, op.pfn, op.order):
        return EINVAL, lists
    lists = forget_movable(lists, op.pfn)
    if not one_type(zone.span, lists, op.pfn, op.order):
        return DONE, free_pieces(zone.span, lists, op.pfn, op.order)
    rule(c.PUTBACK_TAIL)
    return DONE, free_one(zone.span, lists, op.pfn, op.order, type_at(zone.span, lists, op.pfn), True)


def take_choose(zone: Zone, lists: FreeLists, op: Take) -> tuple[Done | Error, FreeLists]:
    """Take one listed block; half a pageblock or more turns its mergeable pageblocks MOVABLE."""
    rule(c.TAKE_LISTED)
    if op.order == ABSENT or listed_order(lists, op.pfn) != op.order:
        return EINVAL, lists
    return DONE, settle_taken(zone, delist(lists, op.pfn), op.pfn, op.order)


def settle_more(zone: Zone, lists: FreeLists, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether pageblocks of the block just taken are left."""
    return pfn < end


def settle_step(zone: Zone, lists: FreeLists, pfn: PfnEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Turn the pageblock at ``pfn`` MOVABLE, if it is of a mergeable type."""
    span = zone.span
    following = head_of(pfn, span.pageblock_order) + size_of(span.pageblock_order)
    if not is_mergeable(type_at(span, lists, pfn)):
        return zone, lists, following, end
    if lists.kernel < 612:
        rule(c.TAKE_MOVABLE)
        return zone, set_types(span, lists, pfn, span.pageblock_order, MOVABLE), following, end
    if pageblock_inside(span, pfn):
        rule(c.TAKE_MOVABLE)
        return zone, move_pageblock(zone, lists, pfn, MOVABLE), following, end
    return zone, lists, following, end


def settle_left(zone: Zone, lists: FreeLists, pfn: PfnEnd, end: PfnEnd) -> int:
    """Return how many frames of the block are left."""
    return max(0, end - pfn)


SETTLE = Loop("settle", settle_more, settle_step, settle_left)


def settle_taken(zone: Zone, lists: FreeLists, pfn: Pfn, order: Order) -> FreeLists:
    """Turn the pageblocks of a block just taken MOVABLE, as mm/page_alloc.c:__isolate_free_page, v6.12, does.

    Its loop passes a single frame by, even where that is half a pageblock.
    """
    if order == 0 or order < zone.span.pageblock_order - 1:
        return lists
    _, lists, _, _ = SETTLE.run(zone, lists, pfn, pfn + size_of(order))
    return lists


# --- pageblock types -------------------------------------------------------------------------------------------------


def isolate_choose(zone: Zone, lists: FreeLists, op: Isolate) -> tuple[Done | Error, FreeLists]:
    """Isolate a pageblock, splitting a larger free block over it."""
    if not in_zone(zone.span, op.pfn):
        return EINVAL, lists
    if kind_at(zone, op.pfn) == ISOLATE or not pageblock_inside(zone.span, op.pfn):
        return EBUSY, lists
    return DONE, convert_pageblock(zone, lists, op.pfn, ISOLATE)


def unisolate_choose(zone: Zone, lists: FreeLists, op: Unisolate) -> tuple[Done | Error, FreeLists]:
    """End an isolation; a free pageblock is freed anew, since it may now merge.

    Linux does the same to a block of several pageblocks, and then lists frames of those that are still isolated where they can
    be handed out (docs/questions.md, Q1); the law splits such a block instead.
    """
    if not in_zone(zone.span, op.pfn) or kind_at(zone, op.pfn) != ISOLATE or op.migratetype >= ISOLATE:
        return EINVAL, lists
    start = head_of(op.pfn, zone.span.pageblock_order)
    if listed_order(lists, start) != zone.span.pageblock_order:
        return DONE, convert_pageblock(zone, lists, op.pfn, op.migratetype)
    rule(c.UNISOLATE_MERGES)
    lists = set_types(zone.span, delist(lists, start), start, zone.span.pageblock_order, op.migratetype)
    return DONE, free_one(zone.span, lists, start, zone.span.pageblock_order, op.migratetype, True)


def retype_choose(zone: Zone, lists: FreeLists, op: Retype) -> tuple[Done | Error, FreeLists]:
    """Give a pageblock another type, its free blocks with it."""
    if not in_zone(zone.span, op.pfn) or op.migratetype >= ISOLATE:
        return EINVAL, lists
    if not retype_possible(zone, op.pfn):
        return EBUSY, lists
    return DONE, move_pageblock(zone, lists, op.pfn, op.migratetype)


def reserve_choose(zone: Zone, lists: FreeLists, op: Reserve) -> tuple[Done | Error, FreeLists]:
    """Make the pageblocks of a block just handed out HIGHATOMIC."""
    if not is_live(zone, op.pfn, op.order):
        return EINVAL, lists
    if kind_at(zone, op.pfn) != ORDINARY or not pageblock_inside(zone.span, op.pfn):
        return EBUSY, lists
    rule(c.RESERVE_MOVES)
    if op.order < zone.span.pageblock_order:
        return DONE, move_pageblock(zone, lists, op.pfn, HIGHATOMIC)
    return DONE, set_types(zone.span, lists, op.pfn, op.order, HIGHATOMIC)


def unreserve_choose(zone: Zone, lists: FreeLists, op: Unreserve) -> tuple[Block | Error, FreeLists]:
    """Convert the pageblocks of the first block on the lowest HIGHATOMIC list that is not empty."""
    if op.migratetype > RECLAIMABLE:
        return EINVAL, lists
    pfn = smallest(zone.span, lists, 0, HIGHATOMIC)
    if pfn == NOBODY:
        return ENOENT, lists
    rule(c.UNRESERVE_LOWEST)
    order = listed_order(lists, pfn)
    if order < zone.span.pageblock_order:
        return Block(pfn, order), move_pageblock(zone, lists, pfn, op.migratetype)
    lists = relist(lists, pfn, op.migratetype)
    return Block(pfn, order), set_types(zone.span, lists, pfn, order, op.migratetype)


# --- looking ---------------------------------------------------------------------------------------------------------


def free_count_choose(zone: Zone, lists: FreeLists, op: FreeCount) -> tuple[Frames | Error, FreeLists]:
    """Count the free frames."""
    total = 0
    for kind in (ORDINARY, HIGHATOMIC, CMA, ISOLATE):
        total += zone.frames.get(kind, 0)
    return Frames(total), lists


def free_blocks_choose(zone: Zone, lists: FreeLists, op: FreeBlocks) -> tuple[Blocks | Error, FreeLists]:
    """List the free blocks, ascending."""
    return Blocks(tuple(sorted(zone.free.items()))), lists
