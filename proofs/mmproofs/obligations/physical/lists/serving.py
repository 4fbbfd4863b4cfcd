"""What a request gets when its own lists are empty: claiming a pageblock, or stealing from one; 6.12 and 6.1."""

from __future__ import annotations

import attrs

from mmproofs.lift.contracts import Contract
from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Obligation, bound, proofs_of, step_of
from mmproofs.obligations.physical.buddy.states import legal_span, legal_zone
from mmproofs.obligations.physical.lists.completing import completed
from mmproofs.obligations.physical.lists.entering import DELIST, ENLIST, SET_TYPES, order_lawful
from mmproofs.obligations.physical.lists.leaving import (
    FIND_FALLBACK,
    FROM_TYPE,
    SMALLEST_FALLBACK,
    TAKE_LISTED,
    UNFOLDING,
    answer_lawful,
    found_foreign,
    handed,
    mergeable_type,
)  # fmt: skip
from mmproofs.obligations.physical.lists.moving import AFTER, MOVE_PAGEBLOCK, MOVING, STATE
from mmproofs.obligations.physical.lists.state import (
    SMALL,
    lawful,
    linked,
    may_merge,
    no_new_pair,
    one_class,
    same_blocks,
    same_frames,
    typed,
)
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import fallback
from mmspec.physical.buddy import lists as law
from mmspec.physical.buddy.core import holds_frame
from mmspec.physical.buddy.state import UNLISTED, FreeLists, Zone, is_mergeable, order_of_list, type_at, type_of_list
from mmspec.words import MAX_ORDER_LIMIT, Link, Migratetype, Order, Pfn


def claiming(
    zone: Zone, lists: FreeLists, migratetype: Migratetype, least: Order, above: Order, found: Link
) -> bool:  # fmt: skip
    """Nothing is found yet, or a block on a list of a mergeable type, large enough."""
    number = lists.block.get(found, UNLISTED)
    serves = (number != UNLISTED) & (order_of_list(number) >= least) & is_mergeable(type_of_list(number))
    orders = (least <= MAX_ORDER_LIMIT) & (above <= MAX_ORDER_LIMIT + 1)
    return legal_span(zone.span) & mergeable_type(migratetype) & orders & ((found == law.NOBODY) | serves)


CLAIMING = LoopInvariant(fallback.CLAIM, (claiming, linked), id="BUDDY-CLAIM-STEP")


def going_down(lists: FreeLists, migratetype: Migratetype, least: Order, above: Order) -> bool:
    """The orders are looked at downwards."""
    return mergeable_type(migratetype) & (least <= MAX_ORDER_LIMIT) & (above <= MAX_ORDER_LIMIT + 1)


GOING_DOWN = LoopInvariant(fallback.LARGEST, (going_down, linked), id="BUDDY-LARGEST-STEP")

CHOSEN_61 = Contract(
    "BUDDY-CHOSEN-61", fallback.chosen_61, (("FOUND", found_foreign),),
    requires=(legal_span, order_lawful, mergeable_type, linked),
)  # fmt: skip

CLAIMED = Contract(
    "BUDDY-CLAIMED", fallback.claimed, (("FOUND", found_foreign),), requires=(legal_zone, order_lawful, mergeable_type, linked)
)


def class_kept(zone: Zone, lists: FreeLists, after: law.Answer, frame: Pfn) -> bool:
    """A pageblock keeps its type, or changes from a mergeable one to another."""
    return may_merge(type_at(zone.span, after[1], frame), type_at(zone.span, lists, frame))


def mergeable_frames(zone: Zone, lists: FreeLists, order: Order, after: law.Answer, frame: Pfn) -> bool:
    """What was handed out lies in pageblocks of mergeable types."""
    inside = (after[0] != law.NOBODY) & holds_frame(after[0], order, frame)
    return (inside == False) | is_mergeable(type_at(zone.span, lists, frame))  # noqa: E712  # may be symbolic


SERVED = (
    ("COVER", handed),
    ("ALIGNED", answer_lawful),
    ("SOURCE", mergeable_frames),
    ("CLASS", class_kept),
    ("LAWFUL", bound(lawful, lists="after.1", span="zone.span")),
    ("TYPED", bound(typed, lists="after.1", span="zone.span")),
    ("LINKED", bound(linked, lists="after.1")),
    ("PAIRS", bound(no_new_pair, after="after.1", span="zone.span")),
)
"""What is true of every way to serve a request from foreign lists."""


def is_61(lists: FreeLists) -> bool:
    """The choices are 6.1's."""
    return lists.kernel < 612


REQUEST = (legal_zone, order_lawful, mergeable_type, *STATE)
KEPT = {"after.1.kernel": "lists.kernel", "after.1.movable": "lists.movable"}

CLAIM = Contract("BUDDY-CLAIM-ANSWER", fallback.claim, SERVED, requires=REQUEST, keeps=KEPT)
FALL_BACK_61 = Contract("BUDDY-FALL-BACK-61", fallback.fall_back_61, SERVED, requires=(is_61, *REQUEST), keeps=KEPT)
FALL_BACK = Contract("BUDDY-FALL-BACK", fallback.fall_back, SERVED, requires=REQUEST, keeps=KEPT)


def is_foreign(lists: FreeLists, pfn: Pfn) -> bool:
    """The frame heads a block on a list of a mergeable type."""
    number = lists.block.get(pfn, UNLISTED)
    return (number != UNLISTED) & is_mergeable(type_of_list(number))


MOVED_61 = Contract(
    "BUDDY-MOVED-61", fallback.moved_61,
    requires=(legal_zone, is_61, mergeable_type, is_foreign, *STATE),
    ensures=(
        ("COVER", same_frames),
        ("BLOCKS", same_blocks),
        ("CLASS", bound(one_class, span="zone.span")),
        *AFTER,
    ),
    keeps=MOVE_PAGEBLOCK.keeps,
)  # fmt: skip

_CLAIM = Obligation(
    "", (c.CLAIM_LARGEST,), "", fallback.claimed, contracts=(FIND_FALLBACK,), forget=(fallback.enough_alike,),
    complete=completed, small_sizes=SMALL,
)  # fmt: skip
_SERVE = Obligation("", (c.BUDDY_3, c.BUDDY_4, c.BUDDY_COVER), "", fallback.fall_back, complete=completed, small_sizes=SMALL)
_MOVED_61 = attrs.evolve(
    _SERVE, clauses=(c.STEAL_61, c.BUDDY_4), cuts=(MOVING,), contracts=(SET_TYPES, ENLIST, DELIST),
    forget=(fallback.enough_alike,),
)  # fmt: skip

OBLIGATIONS = (
    step_of(CLAIMING, _CLAIM),
    *proofs_of(CLAIMED, attrs.evolve(_CLAIM, cuts=(CLAIMING,))),
    step_of(GOING_DOWN, attrs.evolve(_CLAIM, clauses=(c.FALLBACK_61,))),
    *proofs_of(
        CHOSEN_61,
        attrs.evolve(_CLAIM, clauses=(c.FALLBACK_61,), cuts=(GOING_DOWN,), contracts=(FIND_FALLBACK, SMALLEST_FALLBACK)),
    ),
    *proofs_of(
        CLAIM, attrs.evolve(_SERVE, cuts=(UNFOLDING,), contracts=(CLAIMED, MOVE_PAGEBLOCK, FROM_TYPE, SET_TYPES, ENLIST, DELIST))
    ),
    *proofs_of(MOVED_61, _MOVED_61),
    *proofs_of(FALL_BACK_61, attrs.evolve(_SERVE, contracts=(CHOSEN_61, MOVED_61, FROM_TYPE))),
    *proofs_of(FALL_BACK, attrs.evolve(_SERVE, contracts=(CLAIM, FALL_BACK_61, SMALLEST_FALLBACK, TAKE_LISTED))),
)
