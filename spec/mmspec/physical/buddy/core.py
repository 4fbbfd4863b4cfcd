"""Who owns each frame: what any buddy allocator must do, whatever it prefers.

Every operation has the same rhythm: ``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the zone after an
allowed result. Nothing here reads Linux's lists; ``linux`` says which of the lawful results Linux gives.
"""

from __future__ import annotations

from typing import Any

from mmspec.clause import Clause, rule
from mmspec.errors import Error, refused
from mmspec.loop import Loop
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.ops import (
    ALLOC_CMA,
    ALLOC_FLAGS,
    ALLOC_HIGHATOMIC,
    ALLOC_NOFRAGMENT,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    CMA,
    HIGHATOMIC,
    ISOLATE,
    ORDINARY,
    RECLAIMABLE,
    Alloc,
    Blocks,
    Done,
    Frames,
    Free,
    FreeBlocks,
    FreeCount,
    Page,
    Putback,
    Take,
)  # fmt: skip
from mmspec.physical.buddy.state import Span, Zone, kind_at
from mmspec.pmap import PMap, somewhere
from mmspec.words import (
    ABSENT,
    MAX_ORDER_LIMIT,
    Count,
    Flags,
    Migratetype,
    Order,
    Pfn,
    PfnEnd,
    Sign,
    head_of,
    is_aligned,
    size_of,
)

# --- blocks ----------------------------------------------------------------------------------------------------------


def buddy_of(pfn: Pfn, order: Order) -> Pfn:
    """Return the head of the block's buddy (mm/internal.h:__find_buddy_pfn, v6.12)."""
    return pfn ^ (1 << order)


def parent_of(pfn: Pfn, order: Order) -> Pfn:
    """Return the head of the block that a block and its buddy make up."""
    return pfn & ~(1 << order)


def holds_frame(head: Pfn, order: Order, frame: Pfn) -> bool:
    """Tell whether the aligned block of ``order`` at ``head`` holds ``frame``."""
    return (head ^ frame) >> order == 0


def block_over(blocks: PMap[Pfn, Order], pfn: Pfn, order: Order) -> Order:
    """Return the order of the block that holds all of the aligned block (pfn, order), or ``ABSENT``."""
    for k in range(order, MAX_ORDER_LIMIT + 1):
        if blocks.get(head_of(pfn, k), ABSENT) == k:
            return k
    return ABSENT


def owners(zone: Zone, frame: Pfn) -> Count:
    """Return how many blocks, free or handed out, hold ``frame``: one for each frame of memory, none for any other."""
    count = 0
    for k in range(MAX_ORDER_LIMIT + 1):
        head = head_of(frame, k)
        count += (zone.free.get(head, ABSENT) == k) + (zone.allocated.get(head, ABSENT) == k)
    return count


# --- the two steps of the free set -----------------------------------------------------------------------------------


def merge_more(free: PMap[Pfn, Order], max_order: Order, pfn: Pfn, order: Order) -> bool:
    """Tell whether the block in hand merges with its buddy."""
    return (order < max_order) & (free.get(buddy_of(pfn, order), ABSENT) == order)


def merge_step(free: PMap[Pfn, Order], max_order: Order, pfn: Pfn, order: Order) -> tuple[Any, ...]:
    """Take the buddy off the free set and join it to the block in hand."""
    return free.delete(buddy_of(pfn, order)), max_order, parent_of(pfn, order), order + 1


def merge_left(free: PMap[Pfn, Order], max_order: Order, pfn: Pfn, order: Order) -> int:
    """Return how often the block in hand can still grow."""
    return max_order - order


MERGE = Loop("merge", merge_more, merge_step, merge_left)


def split_more(free: PMap[Pfn, Order], pfn: Pfn, order: Order, have: Order) -> bool:
    """Tell whether the block in hand is still larger than the one that is wanted."""
    return have > order


def split_step(free: PMap[Pfn, Order], pfn: Pfn, order: Order, have: Order) -> tuple[Any, ...]:
    """Give the half that does not hold ``pfn`` back to the free set."""
    half = have - 1
    return free.set(buddy_of(head_of(pfn, half), half), half), pfn, order, half


def split_left(free: PMap[Pfn, Order], pfn: Pfn, order: Order, have: Order) -> int:
    """Return how often the block in hand will still be halved."""
    return have - order


SPLIT = Loop("split", split_more, split_step, split_left)


def give(zone: Zone, pfn: Pfn, order: Order) -> Zone:
    """Move a block from the handed-out to the free frames, merged as far as it goes."""
    free, _, head, high = MERGE.run(zone.free, zone.span.max_order, pfn, order)
    frames = count_block(zone, pfn, order, 1)
    return Zone(zone.span, free.set(head, high), zone.allocated.delete(pfn), zone.pageblock, frames)


def withdraw(zone: Zone, pfn: Pfn, order: Order) -> Zone:
    """Move a block, all of whose frames are free, to the handed-out frames."""
    have = block_over(zone.free, pfn, order)
    free, _, _, _ = SPLIT.run(zone.free.delete(head_of(pfn, have)), pfn, order, have)
    frames = count_block(zone, pfn, order, -1)
    return Zone(zone.span, free, zone.allocated.set(pfn, order), zone.pageblock, frames)


def count_block(zone: Zone, pfn: Pfn, order: Order, sign: Sign) -> PMap[Migratetype, Count]:
    """Return the free-frame counts after a block became free (sign 1) or was handed out (sign -1)."""
    frames: PMap[Migratetype, Count] = zone.frames
    if order <= zone.span.pageblock_order:
        rule(c.COUNT_KIND)
        kind = kind_at(zone, pfn)
        return frames.set(kind, frames.get(kind, 0) + sign * size_of(order))
    rule(c.COUNT_PAGEBLOCKS)
    _, frames, _, _, _ = ACCOUNT.run(zone, frames, pfn, pfn + size_of(order), sign)
    return frames


def account_more(zone: Zone, frames: PMap[Migratetype, Count], pfn: PfnEnd, end: PfnEnd, sign: Sign) -> bool:
    """Tell whether pageblocks of the block are left to count."""
    return pfn < end


def account_step(zone: Zone, frames: PMap[Migratetype, Count], pfn: PfnEnd, end: PfnEnd, sign: Sign) -> tuple[Any, ...]:
    """Count the pageblock at ``pfn`` by its own kind."""
    kind, size = kind_at(zone, pfn), size_of(zone.span.pageblock_order)
    return zone, frames.set(kind, frames.get(kind, 0) + sign * size), pfn + size, end, sign


def account_left(zone: Zone, frames: PMap[Migratetype, Count], pfn: PfnEnd, end: PfnEnd, sign: Sign) -> int:
    """Return how many frames of the block are left."""
    return max(0, end - pfn)


ACCOUNT = Loop("account", account_more, account_step, account_left)


# --- alloc -----------------------------------------------------------------------------------------------------------


def kind_usable(kind: Migratetype, flags: Flags) -> bool:
    """Tell whether a request may be served from pageblocks of a kind (mm/page_alloc.c:rmqueue_buddy, __rmqueue, v6.12)."""
    return (
        (kind == ORDINARY)
        | ((kind == CMA) & ((flags & ALLOC_CMA) != 0))
        | ((kind == HIGHATOMIC) & ((flags & (ALLOC_HIGHATOMIC | ALLOC_OOM | ALLOC_NON_BLOCK)) != 0))
    )


def block_usable(zone: Zone, flags: Flags, pfn: Pfn, order: Order) -> bool:
    """Tell whether every pageblock of a block is of a kind that the request may use."""
    if order <= zone.span.pageblock_order:
        return kind_usable(kind_at(zone, pfn), flags)
    end = pfn + size_of(order)
    reached: PfnEnd
    _, _, reached, _ = USABLE.run(zone, flags, pfn, end)
    return reached == end


def usable_more(zone: Zone, flags: Flags, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether the pageblock at ``pfn`` is one of the block's, and of a kind that the request may use."""
    return (pfn < end) & kind_usable(kind_at(zone, pfn), flags)


def usable_step(zone: Zone, flags: Flags, pfn: PfnEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Go on to the next pageblock."""
    return zone, flags, pfn + size_of(zone.span.pageblock_order), end


def usable_left(zone: Zone, flags: Flags, pfn: PfnEnd, end: PfnEnd) -> int:
    """Return how many frames of the block are left."""
    return max(0, end - pfn)


USABLE = Loop("usable", usable_more, usable_step, usable_left)


def never_changed(zone: Zone, pfn: Pfn, order: Order) -> bool:
    """Tell whether no pageblock of a block has changed kind since the reset."""
    never = True
    for i in range(1 << max(0, order - zone.span.pageblock_order)):
        never &= zone.pageblock.get((pfn >> zone.span.pageblock_order) + i, ISOLATE + 1) == ISOLATE + 1
    return never


def can_serve(head: Pfn, have: Order, zone: Zone, op: Alloc) -> bool:
    """Tell whether a free block holds a lawful block that is owed to the request.

    A block larger than a pageblock is not owed once one of its pageblocks has changed kind: free pageblocks that change kind
    are not merged (BUDDY-3), so that Linux may hold the frames of such a block apart.
    """
    if have < op.order:
        return False
    stride = max(op.order, zone.span.pageblock_order)
    found = False
    for i in range(1 << max(0, have - stride)):
        pfn = head + (i << stride)
        owed = op.order <= zone.span.pageblock_order or never_changed(zone, pfn, op.order)
        found |= owed & block_usable(zone, op.flags, pfn, op.order)
    return found


def alloc_served(span: Span, op: Alloc) -> bool:
    """Tell whether a request is one that a zone answers: an order, a mergeable type and flags that exist."""
    return (op.order <= span.max_order) & (op.migratetype <= RECLAIMABLE) & ((op.flags & ~ALLOC_FLAGS) == 0)


def alloc_may_fail(zone: Zone, op: Alloc) -> bool:
    """Tell whether a request may go unserved: no lawful block, or it must not fragment, which only policy can tell."""
    return (op.flags & ALLOC_NOFRAGMENT) != 0 or not somewhere(zone.free, can_serve, zone, op)


def alloc_allowed(zone: Zone, op: Alloc, result: Page | Error) -> Clause | None:
    """Name the clause that an answer to an allocation breaks."""
    if not alloc_served(zone.span, op):
        rule(c.ALLOC_ARGS)
        return None if refused(result, "EINVAL") else c.ALLOC_ARGS
    if result.failed:
        rule(c.ALLOC_ENOMEM)
        return None if refused(result, "ENOMEM") and alloc_may_fail(zone, op) else c.ALLOC_ENOMEM
    rule(c.ALLOC_ALIGNED)
    if not is_aligned(result.pfn, op.order):
        return c.ALLOC_ALIGNED
    rule(c.ALLOC_INSIDE)
    if result.pfn < zone.span.start_pfn or result.pfn + size_of(op.order) > zone.span.end_pfn:
        return c.ALLOC_INSIDE
    rule(c.ALLOC_FREE)
    if block_over(zone.free, result.pfn, op.order) == ABSENT:
        return c.ALLOC_FREE
    rule(c.ALLOC_KIND)
    if not block_usable(zone, op.flags, result.pfn, op.order):
        return c.ALLOC_KIND
    return None


def alloc_apply(zone: Zone, op: Alloc, result: Page | Error) -> Zone:
    """Hand the block out."""
    if result.failed:
        return zone
    return withdraw(zone, result.pfn, op.order)


# --- free, putback ---------------------------------------------------------------------------------------------------


def free_allowed(zone: Zone, op: Free | Putback, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a free breaks: it is lawful if and only if the block is one live allocation."""
    if zone.allocated.get(op.pfn, ABSENT) == op.order and op.order != ABSENT:
        rule(c.FREE_ACCEPTED)
        return c.FREE_ACCEPTED if result.failed else None
    rule(c.FREE_REFUSED)
    return None if refused(result, "EINVAL") else c.FREE_REFUSED


def free_apply(zone: Zone, op: Free | Putback, result: Done | Error) -> Zone:
    """Take the block back."""
    if result.failed:
        return zone
    return give(zone, op.pfn, op.order)


# --- take ------------------------------------------------------------------------------------------------------------


def take_allowed(zone: Zone, op: Take, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a take breaks; which free blocks stand alone is policy, so refusing is lawful."""
    if result.failed:
        rule(c.TAKE_REFUSED)
        return None if refused(result, "EINVAL") else c.TAKE_REFUSED
    rule(c.TAKE_FREE)
    if op.order > zone.span.max_order or not is_aligned(op.pfn, op.order):
        return c.TAKE_FREE
    return c.TAKE_FREE if block_over(zone.free, op.pfn, op.order) == ABSENT else None


def take_apply(zone: Zone, op: Take, result: Done | Error) -> Zone:
    """Hand the block to whoever took it."""
    if result.failed:
        return zone
    return withdraw(zone, op.pfn, op.order)


# --- looking ---------------------------------------------------------------------------------------------------------


def free_count_allowed(zone: Zone, op: FreeCount, result: Frames | Error) -> Clause | None:
    """Name the clause that a reported number of free frames breaks."""
    rule(c.COUNT_REPORTED)
    total = 0
    for kind in (ORDINARY, HIGHATOMIC, CMA, ISOLATE):
        total += zone.frames.get(kind, 0)
    return c.COUNT_REPORTED if result.failed or result.count != total else None


def free_blocks_allowed(zone: Zone, op: FreeBlocks, result: Blocks | Error) -> Clause | None:
    """Name the clause that a reported free set breaks. A reader's function: it compares whole sets, and is not lifted."""
    rule(c.BLOCKS_REPORTED)
    if result.failed or len(result.blocks) != len(zone.free):
        return c.BLOCKS_REPORTED
    same = all(zone.free.get(pfn, ABSENT) == order for pfn, order in set(result.blocks))
    return None if same and len(set(result.blocks)) == len(result.blocks) else c.BLOCKS_REPORTED


def look_apply(zone: Zone, op: Any, result: Any) -> Zone:
    """Looking changes nothing."""
    return zone
