"""What is true at the heads of the core's loops, after any number of rounds.

A truth about a loop names the loop's variables, their values at the entry (``was_x``), and arbitrary places.
"""

from __future__ import annotations

from mmproofs.lift.counting import Block, Range, equal_sums, first_difference, first_with, first_without, sum_at_most
from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract
from mmproofs.obligations.physical.buddy.numbers import FREE, free_of_kind, is_free, of_kind, recounted
from mmproofs.obligations.physical.buddy.states import legal_zone
from mmspec.physical.buddy import core
from mmspec.physical.buddy.core import (
    ACCOUNT,
    MERGE,
    SPLIT,
    USABLE,
    block_over,
    holds_frame,
    kind_usable,
)
from mmspec.physical.buddy.invariants import is_memory, well_placed
from mmspec.physical.buddy.kinds import CHANGE, COUNT, RESERVED
from mmspec.physical.buddy.ops import HIGHATOMIC, ISOLATE, ORDINARY
from mmspec.physical.buddy.state import Zone, kind_at
from mmspec.pmap import PMap
from mmspec.promises import one_place
from mmspec.words import (
    ABSENT,
    MAX_ORDER_LIMIT,
    Count,
    Flags,
    Migratetype,
    Order,
    Pageblock,
    Pfn,
    PfnEnd,
    Sign,
    head_of,
    is_aligned,
    size_of,
)

NEVER = ISOLATE + 1
"""The kind that no pageblock has: what a map of kinds is asked to answer where it has no entry."""

# --- merging and splitting -----------------------------------------------------------------------------------------------


def free_owners(free: PMap[Pfn, Order], frame: Pfn) -> Count:
    """Return how many free blocks hold a frame."""
    count = 0
    for k in range(MAX_ORDER_LIMIT + 1):
        count += free.get(head_of(frame, k), ABSENT) == k
    return count


def merging(
    was_free: PMap[Pfn, Order], was_pfn: Pfn, was_order: Order, free: PMap[Pfn, Order], max_order: Order, pfn: Pfn, order: Order,
    place: Pfn,
) -> bool:  # fmt: skip
    """While merging: free blocks only vanish, and each frame keeps its number of owners, the block in hand counted."""
    kept = (free.get(place, ABSENT) == was_free.get(place, ABSENT)) | (free.get(place, ABSENT) == ABSENT)
    before = free_owners(was_free, place) + holds_frame(was_pfn, was_order, place)
    conserved = free_owners(free, place) + holds_frame(pfn, order, place) == before
    return (
        (was_order <= order) & (order <= max_order) & (max_order <= MAX_ORDER_LIMIT) & is_aligned(pfn, order) & kept & conserved
    )


def splitting(
    was_free: PMap[Pfn, Order], was_have: Order, free: PMap[Pfn, Order], pfn: Pfn, order: Order, have: Order, place: Pfn
) -> bool:
    """While splitting: each frame keeps its number of owners, the block in hand counted, and new blocks are its other halves."""
    found = free.get(place, ABSENT)
    half = (have <= found) & (found < was_have) & (place == core.buddy_of(head_of(pfn, found), found))
    kept = (found == was_free.get(place, ABSENT)) | half
    before = free_owners(was_free, place) + holds_frame(head_of(pfn, was_have), was_have, place)
    conserved = free_owners(free, place) + holds_frame(head_of(pfn, have), have, place) == before
    return (order <= have) & (have <= was_have) & (was_have <= MAX_ORDER_LIMIT) & kept & conserved & (before <= 1)


MERGING = LoopInvariant(MERGE, merging, id="BUDDY-MERGE-STEP")
SPLITTING = LoopInvariant(SPLIT, splitting, id="BUDDY-SPLIT-STEP")

# --- the order of the block over a place ---------------------------------------------------------------------------------


def none_over(blocks: PMap[Pfn, Order], pfn: Pfn, order: Order) -> bool:
    """No block of at least an order holds the frame."""
    none = True
    for k in range(MAX_ORDER_LIMIT + 1):
        none &= (k < order) | (blocks.get(head_of(pfn, k), ABSENT) != k)
    return none


def over(blocks: PMap[Pfn, Order], pfn: Pfn, order: Order, after: Order) -> bool:
    """The answer is the order of a block over the given one, or ABSENT, and then there is none."""
    found = (order <= after) & (after <= MAX_ORDER_LIMIT) & (blocks.get(head_of(pfn, after), ABSENT) == after)
    return found | ((after == ABSENT) & none_over(blocks, pfn, order))


OVER = Contract("BUDDY-BLOCK-OVER", block_over, (("", over),))

# --- accounts of large blocks --------------------------------------------------------------------------------------------


def by_pageblocks(zone: Zone, was_pfn: PfnEnd, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether a walk is between its start and its end, at the edge of a pageblock, as both of these are."""
    step = zone.span.pageblock_order
    return (was_pfn <= pfn) & (pfn <= end) & is_aligned(was_pfn, step) & is_aligned(pfn, step) & is_aligned(end, step)


def accounting(
    zone: Zone, was_frames: PMap[Migratetype, Count], was_pfn: PfnEnd, frames: PMap[Migratetype, Count], pfn: PfnEnd, end: PfnEnd,
    sign: Sign, kind: Migratetype,
) -> bool:  # fmt: skip
    """While a block is counted: a kind's counter has moved by the frames of the kind that were passed, and can bear the rest."""
    before, now = was_frames.get(kind, 0), frames.get(kind, 0)
    mine = of_kind(zone, kind)
    passed, whole = mine.between(was_pfn, pfn), mine.between(was_pfn, end)
    rises = (sign == 1) & equal_sums((now,), (before, passed)) & (before <= 1 << 52)
    falls = (sign == -1) & equal_sums((now, passed), (before,)) & sum_at_most((whole,), (before,))
    return by_pageblocks(zone, was_pfn, pfn, end) & (rises | falls)


def counters_cover(zone: Zone, was_pfn: PfnEnd, end: PfnEnd, kind: Migratetype) -> Pfn:
    """A frame of the kind in the block that is not free, if its counter does not cover the block."""
    mine = free_of_kind(zone, kind)
    mine.between(zone.span.start_pfn, was_pfn)
    mine.between(end, zone.span.end_pfn)
    return first_difference(mine, of_kind(zone, kind), Range(was_pfn, end))


def in_or_out(sign: Sign) -> bool:
    """Frames are counted in, or they are counted out."""
    if sign == 1:
        return True
    return sign == -1


def room_for_next(zone: Zone, pfn: PfnEnd, end: PfnEnd) -> bool:
    """A pageblock is left."""
    return Range(pfn + size_of(zone.span.pageblock_order), end).proper()


def goes_on(zone: Zone, was_pfn: PfnEnd, pfn: PfnEnd) -> bool:
    """What was passed ends behind the entry, with the next pageblock too."""
    return Range(was_pfn, pfn).proper() & Range(was_pfn, pfn + size_of(zone.span.pageblock_order)).proper()


def entered_before_end(was_pfn: PfnEnd, end: PfnEnd) -> bool:
    """The walk began before its end."""
    return Range(was_pfn, end).proper()


def all_own(zone: Zone, pfn: PfnEnd) -> bool:
    """All frames of the pageblock are of its own kind."""
    return one_kind(zone, pfn, kind_at(zone, pfn))


def one_kind(zone: Zone, pfn: PfnEnd, kind: Migratetype) -> bool:
    """All frames of the pageblock are of a kind if it is its own, and none is if not."""
    size = size_of(zone.span.pageblock_order)
    found, pageblock = of_kind(zone, kind), Block(pfn, zone.span.pageblock_order)
    if kind_at(zone, pfn) == kind:
        first_without(found, pageblock)
        return equal_sums((found.inside(pfn, zone.span.pageblock_order),), (size,))
    first_with(found, pageblock)
    return equal_sums((found.inside(pfn, zone.span.pageblock_order),), ())


def can_bear(zone: Zone, frames: PMap[Migratetype, Count], was_pfn: PfnEnd, pfn: PfnEnd, end: PfnEnd, sign: Sign) -> bool:
    """The counter of the pageblock's own kind can bear its frames."""
    mine, size = of_kind(zone, kind_at(zone, pfn)), size_of(zone.span.pageblock_order)
    mine.between(pfn + size, end)
    rest = sum_at_most((mine.between(was_pfn, pfn), size), (mine.between(was_pfn, end),))
    return rest & ((sign == 1) | sum_at_most((size,), (frames.get(kind_at(zone, pfn), 0),)))


ACCOUNTING = LoopInvariant(
    ACCOUNT,
    accounting,
    id="BUDDY-ACCOUNT-STEP",
    also_entry=(counters_cover,),
    also_step=(in_or_out, room_for_next, goes_on, entered_before_end, all_own, can_bear, one_kind),
)

# --- counting the free frames of a pageblock -----------------------------------------------------------------------------


def counting(zone: Zone, was_pfn: PfnEnd, pfn: PfnEnd, end: PfnEnd, count: Count) -> bool:
    """While a pageblock is counted: the count is its free frames so far; no larger free block covers it."""
    free, step = FREE.of(zone.free), zone.span.pageblock_order
    inside = (pfn <= end) & equal_sums((count,), (free.between(was_pfn, pfn),))
    beyond = (end < pfn) & equal_sums((count,), (free.between(was_pfn, end),))
    pageblock = legal_zone(zone) & is_aligned(was_pfn, step) & (end == was_pfn + size_of(step))
    return pageblock & (was_pfn <= pfn) & (inside | beyond) & none_over(zone.free, was_pfn, step)


def passed_whole(zone: Zone, was_pfn: PfnEnd, pfn: PfnEnd, place: Pfn) -> bool:
    """No free block that was met reaches beyond the walk."""
    order = zone.free.get(place, ABSENT)
    return (place < was_pfn) | (place >= pfn) | (order == ABSENT) | (place + size_of(order) <= pfn)


def owned_and_placed(zone: Zone, place: Pfn) -> bool:
    """The zone is one whose frames have one owner each, and whose blocks are aligned and inside it."""
    owned = one_place(core.owners(zone, place), is_memory(zone, place))
    free, allocated = zone.free.get(place, ABSENT), zone.allocated.get(place, ABSENT)
    return owned & well_placed(zone, free, place) & well_placed(zone, allocated, place)


def passes_on(was_pfn: PfnEnd, pfn: PfnEnd, next_pfn: PfnEnd, end: PfnEnd) -> bool:
    """The walk goes on from its entry towards its end."""
    return Range(was_pfn, pfn).proper() & Range(was_pfn, next_pfn).proper() & Range(was_pfn, end).proper()


def all_free(zone: Zone, pfn: PfnEnd) -> bool:
    """All frames that one round passes are free where it passes a free block."""
    order = zone.free.get(pfn, ABSENT)
    if order == ABSENT:
        return True
    first_without(FREE.of(zone.free), Block(pfn, order))
    return equal_sums((FREE.of(zone.free).inside(pfn, order),), (size_of(order),))


def none_met(zone: Zone, pfn: PfnEnd, next_pfn: PfnEnd, end: PfnEnd) -> bool:
    """Where one round passes no free block, none reaches into what it passes."""
    if zone.free.get(pfn, ABSENT) != ABSENT:
        return True
    passed = Range(pfn, min(next_pfn, end))
    place = first_with(FREE.of(zone.free), passed)
    apart: bool = (passed.holds(place) == False) | (is_free(place, zone.free) == False)  # noqa: E712  # may be symbolic
    return apart


def none_free(zone: Zone, pfn: PfnEnd, next_pfn: PfnEnd, end: PfnEnd) -> bool:
    """Where one round passes no free block, it passes no free frame."""
    if zone.free.get(pfn, ABSENT) != ABSENT:
        return True
    passed = Range(pfn, min(next_pfn, end))
    first_with(FREE.of(zone.free), passed)
    return passed.proper() & equal_sums((FREE.of(zone.free).between(*passed.limits),), ())


COUNTING = LoopInvariant(
    COUNT, (counting, passed_whole, owned_and_placed), id="BUDDY-COUNT-STEP", also_step=(passes_on, all_free, none_met, none_free)
)

# --- changing the kinds of a block's pageblocks --------------------------------------------------------------------------


def inside_zone(zone: Zone, was_pfn: PfnEnd, pfn: PfnEnd, end: PfnEnd) -> bool:
    """While a block changes kind: the walk goes by pageblocks, inside the zone."""
    inside = legal_zone(zone) & (zone.span.start_pfn <= was_pfn) & (end <= zone.span.end_pfn)
    return by_pageblocks(zone, was_pfn, pfn, end) & inside


def changing(was_zone: Zone, was_pfn: PfnEnd, zone: Zone, pfn: PfnEnd, kind: Migratetype, index: Pageblock) -> bool:
    """While a block changes kind: the pageblocks that were passed have it, and no other changed."""
    step = zone.span.pageblock_order
    named = (was_pfn >> step <= index) & (index < pfn >> step)
    stays = zone.pageblock.get(index, NEVER) == was_zone.pageblock.get(index, NEVER)
    changed = zone.pageblock.get(index, ORDINARY) == kind
    return (named & changed) | ((named == False) & stays)  # noqa: E712


def right_counters(zone: Zone, other: Migratetype) -> bool:
    """Each kind's counter is right."""
    return recounted(zone, other)


def moved(was_zone: Zone, was_pfn: PfnEnd, zone: Zone, pfn: PfnEnd, kind: Migratetype, each: Migratetype) -> bool:
    """While a block changes kind: the free frames of each kind among those passed left its counter for the new kind's."""
    left = free_of_kind(was_zone, each).between(was_pfn, pfn)
    came = FREE.of(was_zone.free).between(was_pfn, pfn)
    now, before = zone.frames.get(each, 0), was_zone.frames.get(each, 0)
    return equal_sums((now, left), (before, came) if each == kind else (before,))


def still_there(was_zone: Zone, zone: Zone, pfn: PfnEnd, each: Migratetype) -> bool:
    """The free frames of the next pageblock are of the kinds that they were of at the entry."""
    step = zone.span.pageblock_order
    first_difference(free_of_kind(zone, each), free_of_kind(was_zone, each), Block(pfn, step))
    return equal_sums((free_of_kind(zone, each).inside(pfn, step),), (free_of_kind(was_zone, each).inside(pfn, step),))


def at_head(zone: Zone, pfn: PfnEnd) -> bool:
    """The next pageblock begins where the walk is."""
    same: bool = head_of(pfn, zone.span.pageblock_order) == pfn
    return same


def came_or_left(zone: Zone, pfn: PfnEnd, next_zone: Zone, kind: Migratetype, each: Migratetype) -> bool:
    """The counter of the new kind rises by what is free and of another kind, and that of any other falls by what is free."""
    step, now, then = zone.span.pageblock_order, next_zone.frames.get(each, 0), zone.frames.get(each, 0)
    left = (now, free_of_kind(zone, each).inside(pfn, step))
    if each == kind:
        return equal_sums(left, (then, FREE.of(zone.free).inside(pfn, step)))
    return equal_sums(left, (then,))


CHANGING = LoopInvariant(
    CHANGE,
    (inside_zone, changing, moved, right_counters, owned_and_placed),
    id="BUDDY-CHANGE-STEP",
    also_step=(goes_on, at_head, still_there, came_or_left),
)

# --- looking at the kinds of a block's pageblocks ------------------------------------------------------------------------


def all_usable(zone: Zone, flags: Flags, was_pfn: PfnEnd, pfn: PfnEnd, end: PfnEnd, place: Pfn) -> bool:
    """Every frame that was passed is in a pageblock that the request may use."""
    passed = (was_pfn <= place) & (place < pfn)
    return by_pageblocks(zone, was_pfn, pfn, end) & ((passed == False) | kind_usable(kind_at(zone, place), flags))  # noqa: E712


def all_reserved(zone: Zone, was_pfn: PfnEnd, pfn: PfnEnd, end: PfnEnd, place: Pfn) -> bool:
    """Every frame that was passed is in a HIGHATOMIC pageblock."""
    passed = (was_pfn <= place) & (place < pfn)
    return by_pageblocks(zone, was_pfn, pfn, end) & ((passed == False) | (kind_at(zone, place) == HIGHATOMIC))  # noqa: E712


LOOKING_USABLE = LoopInvariant(USABLE, all_usable, id="BUDDY-USABLE-STEP")
LOOKING_RESERVED = LoopInvariant(RESERVED, all_reserved, id="BUDDY-RESERVED-STEP")
