"""How the blocks of whole pageblocks change lists, and pageblocks their types."""

from __future__ import annotations

import attrs

from mmproofs.lift.contracts import Contract
from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Obligation, bound, proofs_of, step_of
from mmproofs.obligations.physical.buddy.states import legal_span, legal_zone
from mmproofs.obligations.physical.lists.completing import completed
from mmproofs.obligations.physical.lists.entering import DELIST, ENLIST, FREE_ONE, SET_TYPES
from mmproofs.obligations.physical.lists.state import (
    SMALL,
    apart,
    block_lawful,
    entered,
    lawful,
    linked,
    no_new_pair,
    no_pair_around,
    nothing_above,
    one_class,
    out,
    placed,
    retyped,
    same_blocks,
    same_frames,
    typed,
)  # fmt: skip
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import lists as law
from mmspec.physical.buddy.core import holds_frame
from mmspec.physical.buddy.invariants import listed_owners
from mmspec.physical.buddy.lists import listed_order
from mmspec.physical.buddy.state import UNLISTED, FreeLists, Span, Zone, list_number
from mmspec.words import (
    ABSENT,
    MAX_ORDER_LIMIT,
    Link,
    Migratetype,
    Order,
    Pageblock,
    PageblockEnd,
    Pfn,
    PfnEnd,
    head_of,
    is_aligned,
)

KEPT = {"after.kernel": "lists.kernel", "after.movable": "lists.movable"}

LISTS = (lawful, typed, linked)
IN_ZONE = (bound(lawful, span="zone.span"), bound(typed, span="zone.span"), linked)
STATE = (apart, placed, *IN_ZONE)
"""What is true between operations of the lists, and of what is handed out beside them."""

AFTER = (
    ("LAWFUL", bound(lawful, lists="after", span="zone.span")),
    ("TYPED", bound(typed, lists="after", span="zone.span")),
    ("LINKED", bound(linked, lists="after")),
)

# --- freeing in pieces ---------------------------------------------------------------------------------------------------


def alike_so_far(
    span: Span, lists: FreeLists, first: Migratetype, was_index: PageblockEnd, index: PageblockEnd, end: PageblockEnd,
    place: Pageblock,
) -> bool:  # fmt: skip
    """The pageblocks that were passed are like the first."""
    passed = (was_index <= place) & (place < index)
    return (was_index <= index) & (index <= end) & ((passed == False) | law.alike(span, lists, first, place))  # noqa: E712


ALIKE = LoopInvariant(law.ALIKE, alike_so_far, id="BUDDY-ALIKE-STEP")


def pieces_left(span: Span, was_pfn: PfnEnd, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Whole pageblocks are freed, one after the other."""
    step = span.pageblock_order
    return legal_span(span) & (was_pfn <= pfn) & (pfn <= end) & is_aligned(pfn, step) & is_aligned(end, step)


def pieces_frames(
    was_lists: FreeLists, was_pfn: PfnEnd, lists: FreeLists, pfn: PfnEnd, end: PfnEnd, frame: Pfn
) -> bool:  # fmt: skip
    """The frames that were passed are listed, those ahead are not yet, and every other is as it was."""
    passed, ahead = (was_pfn <= frame) & (frame < pfn), (pfn <= frame) & (frame < end)
    before = listed_owners(was_lists, frame)
    return (listed_owners(lists, frame) == before + passed) & (before + (passed | ahead) <= 1)


PIECES = LoopInvariant(
    law.PIECES,
    (
        pieces_left, pieces_frames, bound(one_class, lists="was_lists", after="lists"),
        bound(no_new_pair, lists="was_lists", after="lists"), *LISTS,
    ),
    id="BUDDY-PIECES-STEP",
)  # fmt: skip


def small_merged(span: Span, pfn: Pfn, order: Order, after: FreeLists, place: Pfn) -> bool:
    """A block of at most a pageblock has been merged as far as types allow."""
    return (order > span.pageblock_order) | no_pair_around(span, pfn, after, place)


FREE_PIECES = Contract(
    "BUDDY-FREE-PIECES-LISTED", law.free_pieces,
    requires=(legal_span, block_lawful, out, *LISTS),
    ensures=(
        ("COVER", entered),
        ("LAWFUL", bound(lawful, lists="after")),
        ("TYPED", bound(typed, lists="after")),
        ("LINKED", bound(linked, lists="after")),
        ("CLASS", one_class),
        ("PAIRS", no_new_pair),
        ("MERGED", small_merged),
    ),
    keeps=KEPT,
)  # fmt: skip

# --- moving --------------------------------------------------------------------------------------------------------------


def onwards(was_pfn: PfnEnd, pfn: PfnEnd, zone: Zone) -> bool:
    """The frames are looked at upwards."""
    return legal_span(zone.span) & (was_pfn <= pfn)


def moved(
    was_lists: FreeLists, was_pfn: PfnEnd, lists: FreeLists, pfn: PfnEnd, end: PfnEnd, migratetype: Migratetype, place: Pfn
) -> bool:  # fmt: skip
    """The blocks that were passed are on the type's lists, each with its order; every other is where it was."""
    number, before = lists.block.get(place, UNLISTED), was_lists.block.get(place, UNLISTED)
    passed = (was_pfn <= place) & (place < pfn) & (before != UNLISTED)
    there = list_number(listed_order(was_lists, place), migratetype)
    return (passed & (place < end) & (number == there)) | ((passed == False) & (number == before))  # noqa: E712  # may be symbolic


MOVING = LoopInvariant(
    law.MOVE, (onwards, moved, apart, placed, bound(lawful, span="zone.span"), linked), id="BUDDY-MOVE-STEP"
)  # fmt: skip


def pageblock_retyped(
    zone: Zone, lists: FreeLists, pfn: Pfn, migratetype: Migratetype, after: FreeLists, frame: Pfn
) -> bool:  # fmt: skip
    """The pageblock has the type, and every other has the type that it had."""
    return retyped(zone.span, lists, pfn, 0, migratetype, after, frame)


MOVE_PAGEBLOCK = Contract(
    "BUDDY-MOVE-PAGEBLOCK", law.move_pageblock,
    requires=(legal_zone, bound(nothing_above, span="zone.span"), *STATE),
    ensures=(("COVER", same_frames), ("BLOCKS", same_blocks), ("TYPES", pageblock_retyped), *AFTER),
    keeps=KEPT,
)  # fmt: skip

# --- one pageblock of a larger block -------------------------------------------------------------------------------------


def above(span: Span, lists: FreeLists, pfn: Pfn, after: Link) -> bool:
    """The answer is a listed block larger than a pageblock that holds the frame, or nobody, and then there is none."""
    order = listed_order(lists, after)
    found = (span.pageblock_order < order) & (order != ABSENT) & holds_frame(after, order, pfn) & is_aligned(after, order)
    return ((after == law.NOBODY) & nothing_above(span, lists, pfn)) | found


def none_so_far(span: Span, lists: FreeLists, pfn: Pfn, order: Order) -> bool:
    """No listed block of the orders that were passed holds the frame."""
    none = (span.pageblock_order < order) & (order <= MAX_ORDER_LIMIT + 1) & legal_span(span)
    for k in range(MAX_ORDER_LIMIT + 1):
        none &= (k <= span.pageblock_order) | (order <= k) | (listed_order(lists, head_of(pfn, k)) != k)
    return none


UPWARDS = LoopInvariant(law.OVER, none_so_far, id="BUDDY-OVER-STEP")

LISTED_OVER = Contract("BUDDY-LISTED-OVER", law.listed_over, (("FOUND", above),), requires=(legal_span, lawful))


def class_elsewhere(zone: Zone, lists: FreeLists, pfn: Pfn, after: FreeLists, frame: Pfn) -> bool:
    """Every other pageblock keeps its type, or changes from a mergeable one to another."""
    return holds_frame(pfn, zone.span.pageblock_order, frame) | one_class(zone.span, lists, after, frame)


CONVERT = Contract(
    "BUDDY-CONVERT", law.convert_pageblock,
    requires=(legal_zone, *STATE),
    ensures=(("COVER", same_frames), ("CLASS", class_elsewhere), *AFTER),
    keeps=KEPT,
)  # fmt: skip

_PIECES = Obligation(
    "", (c.FREE_PIECES, c.BUDDY_4, c.BUDDY_3), "", law.free_pieces, cuts=(ALIKE, PIECES), contracts=(FREE_ONE,),
    complete=completed, small_sizes=SMALL,
)  # fmt: skip
_MOVE = Obligation(
    "", (c.MOVE_TAIL, c.BUDDY_4), "", law.move_pageblock, contracts=(ENLIST, DELIST, SET_TYPES),
    complete=completed, small_sizes=SMALL,
)  # fmt: skip

OBLIGATIONS = (
    step_of(ALIKE, attrs.evolve(_PIECES, cuts=(), contracts=())),
    step_of(PIECES, attrs.evolve(_PIECES, cuts=())),
    *proofs_of(FREE_PIECES, _PIECES),
    step_of(MOVING, _MOVE),
    *proofs_of(MOVE_PAGEBLOCK, attrs.evolve(_MOVE, cuts=(MOVING,))),
    step_of(UPWARDS, attrs.evolve(_MOVE, contracts=())),
    *proofs_of(LISTED_OVER, attrs.evolve(_MOVE, cuts=(UPWARDS,), contracts=())),
    *proofs_of(CONVERT, attrs.evolve(_MOVE, contracts=(LISTED_OVER, MOVE_PAGEBLOCK, DELIST, SET_TYPES, FREE_PIECES))),
)
