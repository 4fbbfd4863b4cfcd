"""Contracts of the core's parts: what an operation may rely on where it counts a block, or gives a pageblock a kind."""

from __future__ import annotations

import attrs

from mmproofs.lift.counting import Block, Range, equal_sums, first_difference, first_with, first_without, sum_at_most
from mmproofs.obligation import Contract, Obligation, Predicate, proofs_of
from mmproofs.obligations.physical.buddy.loops import (
    ACCOUNTING,
    COUNTING,
    NEVER,
    OVER,
    none_over,
    owned_and_placed,
    right_counters,
)
from mmproofs.obligations.physical.buddy.numbers import FREE, free_of_kind, is_free, of_kind, recounted
from mmproofs.obligations.physical.buddy.states import REPLAYED, legal_zone
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import core, kinds
from mmspec.physical.buddy.core import holds_frame
from mmspec.physical.buddy.ops import ORDINARY
from mmspec.physical.buddy.state import Zone, in_zone, kind_at
from mmspec.pmap import PMap
from mmspec.words import Count, Migratetype, Order, Pageblock, Pfn, PfnEnd, Sign, head_of, is_aligned, size_of

# --- counting a block ----------------------------------------------------------------------------------------------------


def whole_block(zone: Zone, pfn: Pfn, order: Order, sign: Sign) -> bool:
    """The block is aligned and inside the zone; it is counted in or out."""
    span = zone.span
    orders = (order <= span.max_order) & legal_zone(zone)
    inside = (span.start_pfn <= pfn) & (pfn + size_of(order) <= span.end_pfn)
    return orders & is_aligned(pfn, order) & inside & ((sign == 1) | (sign == -1))


def counted_out_if_free(zone: Zone, pfn: Pfn, order: Order, sign: Sign, frame: Pfn) -> bool:
    """What is counted out is free."""
    return (sign == 1) | (holds_frame(pfn, order, frame) == False) | is_free(frame, zone.free)  # noqa: E712


def block_counted(zone: Zone, pfn: Pfn, order: Order, sign: Sign, after: PMap[Migratetype, Count], kind: Migratetype) -> bool:
    """A kind's counter moves by the frames that the block has in pageblocks of the kind."""
    frames = of_kind(zone, kind).inside(pfn, order)
    was, now = zone.frames.get(kind, 0), after.get(kind, 0)
    return ((sign == 1) & equal_sums((now,), (was, frames))) | ((sign == -1) & equal_sums((now, frames), (was,)))


def one_pageblock(zone: Zone, pfn: Pfn, order: Order, kind: Migratetype) -> bool:
    """A block inside a pageblock has all of its frames in pageblocks of that one's kind, and none in others."""
    mine, block = of_kind(zone, kind), Block(pfn, order)
    first_with(mine, block)  # of a larger block too: a counterexample then has the kinds that it counts
    first_without(mine, block)
    if order > zone.span.pageblock_order:
        return True
    if kind_at(zone, pfn) == kind:
        return equal_sums((mine.inside(pfn, order),), (size_of(order),))
    return equal_sums((mine.inside(pfn, order),), ())


def own_pageblock(zone: Zone, pfn: Pfn, order: Order) -> bool:
    """All frames of a block inside a pageblock are of its kind."""
    return one_pageblock(zone, pfn, order, kind_at(zone, pfn))


def inside_zone(zone: Zone, pfn: Pfn, order: Order) -> bool:
    """The zone begins before the block and ends behind it."""
    start, end = zone.span.start_pfn, zone.span.end_pfn
    return Range(start, end).proper() & Range(start, pfn).proper() & Range(pfn + size_of(order), end).proper()


def own_cover(zone: Zone, pfn: Pfn, order: Order, sign: Sign) -> bool:
    """The counter of the block's kind covers a block inside a pageblock that is counted out."""
    if sign == 1 or order > zone.span.pageblock_order:
        return True
    end, kind = pfn + size_of(order), kind_at(zone, pfn)
    mine = free_of_kind(zone, kind)
    mine.between(zone.span.start_pfn, pfn)
    mine.between(end, zone.span.end_pfn)
    first_without(mine, Block(pfn, order))
    whole = equal_sums((mine.inside(pfn, order),), (size_of(order),))
    return whole & sum_at_most((size_of(order),), (zone.frames.get(kind, 0),))


COUNT_BLOCK = Contract(
    "BUDDY-COUNT-BLOCK", core.count_block, (("COUNTED", block_counted),),
    requires=(whole_block, recounted, counted_out_if_free),
)  # fmt: skip

# --- counting the free frames of a pageblock -----------------------------------------------------------------------------


def pageblock_start(zone: Zone, start: Pfn) -> bool:
    """A pageblock begins at the frame."""
    return is_aligned(start, zone.span.pageblock_order) & legal_zone(zone)


def all_counted(zone: Zone, start: Pfn, after: Count) -> bool:
    """The answer is the number of the pageblock's free frames."""
    return equal_sums((after,), (FREE.of(zone.free).inside(start, zone.span.pageblock_order),))


def whole_free(zone: Zone, start: Pfn) -> bool:
    """All frames of a pageblock are free where a free block holds it."""
    step = zone.span.pageblock_order
    if none_over(zone.free, start, step):
        return True
    first_without(FREE.of(zone.free), Block(start, step))
    return equal_sums((FREE.of(zone.free).inside(start, step),), (size_of(step),))


FREE_FRAMES = Contract(
    "BUDDY-FREE-FRAMES", kinds.free_frames_in, (("COUNTED", all_counted),), requires=(pageblock_start, owned_and_placed)
)

# --- giving a pageblock a kind -------------------------------------------------------------------------------------------


def some_pageblock(zone: Zone, pfn: Pfn) -> bool:
    """The zone spans the frame."""
    return legal_zone(zone) & in_zone(zone.span, pfn)


def kind_set(zone: Zone, pfn: Pfn, kind: Migratetype, after: Zone, index: Pageblock) -> bool:
    """The pageblock has the kind, and no other changes its own."""
    named = index == pfn >> zone.span.pageblock_order
    stays = after.pageblock.get(index, NEVER) == zone.pageblock.get(index, NEVER)
    return (named & (after.pageblock.get(index, ORDINARY) == kind)) | ((named == False) & stays)  # noqa: E712


def frames_moved(zone: Zone, pfn: Pfn, kind: Migratetype, after: Zone, other: Migratetype) -> bool:
    """The pageblock's free frames, all of them and no others, leave the counter of its old kind for that of the new one."""
    step = zone.span.pageblock_order
    start = head_of(pfn, step)
    left, free = free_of_kind(zone, other).inside(start, step), FREE.of(zone.free).inside(start, step)
    now, before = after.frames.get(other, 0), zone.frames.get(other, 0)
    return equal_sums((now, left), (before, free) if other == kind else (before,))


def edges_of(zone: Zone, pfn: Pfn) -> tuple[PfnEnd, PfnEnd, PfnEnd, PfnEnd]:
    """Return the ends of the pageblock, and those of its part inside the zone."""
    start = head_of(pfn, zone.span.pageblock_order)
    end = start + size_of(zone.span.pageblock_order)
    return start, end, max(start, zone.span.start_pfn), min(end, zone.span.end_pfn)


def nothing_outside(zone: Zone, pfn: Pfn) -> bool:
    """No frame of the pageblock is free outside the zone."""
    start, end, low, high = edges_of(zone, pfn)
    free = FREE.of(zone.free)
    first_with(free, Range(start, low))
    first_with(free, Range(high, end))
    apart = Range(start, low).proper() & Range(low, high).proper() & Range(high, end).proper()
    return apart & equal_sums((free.between(start, low),), ()) & equal_sums((free.between(high, end),), ())


def of_old_kind(zone: Zone, pfn: Pfn, other: Migratetype) -> bool:
    """All free frames of the pageblock are counted for its kind, and none for others."""
    start, step = head_of(pfn, zone.span.pageblock_order), zone.span.pageblock_order
    mine, free = free_of_kind(zone, other), FREE.of(zone.free)
    if kind_at(zone, pfn) == other:
        first_difference(mine, free, Block(start, step))
        first_with(free, Block(start, step))  # a counterexample then has a free frame where it counts one
        return equal_sums((mine.inside(start, step),), (free.inside(start, step),))
    first_with(mine, Block(start, step))
    return equal_sums((mine.inside(start, step),), ())


def old_part(zone: Zone, pfn: Pfn, other: Migratetype) -> bool:
    """All free frames of the pageblock's part in the zone are counted for its kind, and none for others."""
    _, _, low, high = edges_of(zone, pfn)
    mine, free = free_of_kind(zone, other), FREE.of(zone.free)
    if kind_at(zone, pfn) == other:
        first_difference(mine, free, Range(low, high))
        return equal_sums((mine.between(low, high),), (free.between(low, high),))
    first_with(mine, Range(low, high))
    return equal_sums((mine.between(low, high),), ())


def own_part(zone: Zone, pfn: Pfn) -> bool:
    """All free frames of the pageblock's part in the zone are counted for its kind."""
    return old_part(zone, pfn, kind_at(zone, pfn))


def zone_around(zone: Zone, pfn: Pfn) -> bool:
    """The zone begins before the pageblock's part in it, and ends behind that."""
    _, _, low, high = edges_of(zone, pfn)
    start, end = zone.span.start_pfn, zone.span.end_pfn
    return Range(start, end).proper() & Range(start, low).proper() & Range(high, end).proper()


def old_covers(zone: Zone, pfn: Pfn) -> bool:
    """The old kind's counter covers the free frames of the pageblock."""
    start, _, low, high = edges_of(zone, pfn)
    mine, old = free_of_kind(zone, kind_at(zone, pfn)), kind_at(zone, pfn)
    mine.between(zone.span.start_pfn, low)
    mine.between(high, zone.span.end_pfn)
    return sum_at_most((FREE.of(zone.free).inside(start, zone.span.pageblock_order),), (zone.frames.get(old, 0),))


def of_new_kind(zone: Zone, pfn: Pfn, kind: Migratetype, after: Zone, other: Migratetype) -> bool:
    """Afterwards all free frames of the pageblock are of the new kind."""
    _, _, low, high = edges_of(zone, pfn)
    mine, free = free_of_kind(after, other), FREE.of(zone.free)
    if kind == other:
        first_difference(mine, free, Range(low, high))
        return equal_sums((mine.between(low, high),), (free.between(low, high),))
    first_with(mine, Range(low, high))
    return equal_sums((mine.between(low, high),), ())


def counted_alike(zone: Zone, after: Zone, kind: Migratetype, places: Range) -> bool:
    """As many frames of some places are free and of a kind as were."""
    then, now = free_of_kind(zone, kind), free_of_kind(after, kind)
    first_difference(then, now, places)
    return places.proper() & equal_sums((then.between(*places.limits),), (now.between(*places.limits),))


def same_before(zone: Zone, pfn: Pfn, after: Zone, other: Migratetype) -> bool:
    """Before the pageblock as many frames are free and of a kind as were."""
    _, _, low, _ = edges_of(zone, pfn)
    return counted_alike(zone, after, other, Range(zone.span.start_pfn, low))


def same_behind(zone: Zone, pfn: Pfn, after: Zone, other: Migratetype) -> bool:
    """Behind the pageblock as many frames are free and of a kind as were."""
    _, _, _, high = edges_of(zone, pfn)
    return counted_alike(zone, after, other, Range(high, zone.span.end_pfn))


def right_after(after: Zone, other: Migratetype) -> bool:
    """Afterwards each kind's counter is the number of the zone's free frames in pageblocks of the kind."""
    return recounted(after, other)


SET_KIND = Contract(
    "BUDDY-SET-KIND", kinds.set_kind, (("KINDS", kind_set), ("COUNTED", frames_moved), ("RECOUNTED", right_after)),
    requires=(some_pageblock, right_counters, owned_and_placed),
    keeps={f"after.{part}": f"zone.{part}" for part in ("span", "free", "allocated")},
)  # fmt: skip

# --- the obligations -----------------------------------------------------------------------------------------------------


def _proofs(
    contract: Contract, template: Obligation, unaided: tuple[str, ...] = (), **also: tuple[Predicate, ...]
) -> tuple[Obligation, ...]:
    """Return the obligations that prove a contract, with lemmas by column, and which of them need no hypothesis."""
    template = attrs.evolve(template, clauses=(c.BUDDY_6,), **REPLAYED, seconds=900.0)
    found = []
    for obligation in proofs_of(contract, template):
        column = obligation.invariant
        found.append(attrs.evolve(obligation, also=also.get(column, ()), unaided=column in unaided))
    return tuple(found)


OBLIGATIONS = (
    *_proofs(
        COUNT_BLOCK, Obligation("", (), "", core.count_block, cuts=(ACCOUNTING,)),
        defined=(inside_zone, own_pageblock, own_cover), counted=(one_pageblock,),
    ),
    *_proofs(
        FREE_FRAMES, Obligation("", (), "", kinds.free_frames_in, cuts=(COUNTING,), contracts=(OVER,)), counted=(whole_free,),
    ),
    *_proofs(
        SET_KIND, Obligation("", (), "", kinds.set_kind, contracts=(FREE_FRAMES,)), ("kept", "kinds", "counted"),
        defined=(nothing_outside, zone_around, own_part, old_covers), counted=(of_old_kind,),
        recounted=(nothing_outside, zone_around, old_part, of_old_kind, of_new_kind, same_before, same_behind),
    ),
)  # fmt: skip
