"""How a block is found on the lists, and how the lowest frames of it are handed out."""

from __future__ import annotations

import attrs

from mmproofs.lift.contracts import Contract
from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Obligation, bound, proofs_of, step_of
from mmproofs.obligations.physical.buddy.states import legal_span
from mmproofs.obligations.physical.lists.completing import completed, relinked
from mmproofs.obligations.physical.lists.entering import DELIST, ENLIST, KEPT, order_lawful
from mmproofs.obligations.physical.lists.state import SMALL, lawful, left, linked, no_new_pair, once, sound, typed
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import fallback
from mmspec.physical.buddy import lists as law
from mmspec.physical.buddy.core import holds_frame
from mmspec.physical.buddy.invariants import fits_list, listed_owners
from mmspec.physical.buddy.state import UNLISTED, FreeLists, Span, is_mergeable, order_of_list, type_at, type_of_list
from mmspec.words import MAX_ORDER_LIMIT, Link, Migratetype, Order, Pfn, is_aligned, size_of

NOBODY = law.NOBODY

# --- finding -------------------------------------------------------------------------------------------------------------


def found_on(lists: FreeLists, order: Order, migratetype: Migratetype, after: Link) -> bool:
    """The answer is nobody, or a block on a list of the type, large enough."""
    number = lists.block.get(after, UNLISTED)
    serves = (order_of_list(number) >= order) & (type_of_list(number) == migratetype)
    return (after == NOBODY) | ((number != UNLISTED) & serves)


def found_foreign(lists: FreeLists, order: Order, after: Link) -> bool:
    """The answer is nobody, or a block on a list of a mergeable type, large enough."""
    number = lists.block.get(after, UNLISTED)
    serves = (order_of_list(number) >= order) & is_mergeable(type_of_list(number))
    return (after == NOBODY) | ((number != UNLISTED) & serves)


def found_exactly(lists: FreeLists, order: Order, after: Link) -> bool:
    """The answer is nobody, or a block of the order on a list of a mergeable type."""
    number = lists.block.get(after, UNLISTED)
    serves = (order_of_list(number) == order) & is_mergeable(type_of_list(number))
    return (after == NOBODY) | ((number != UNLISTED) & serves)


def mergeable_type(migratetype: Migratetype) -> bool:
    """The request's type is one of the three that fall back on each other."""
    return is_mergeable(migratetype)


def searching(span: Span, was_order: Order, order: Order) -> bool:
    """The orders are looked at upwards, to the last."""
    return legal_span(span) & (was_order <= order) & (order <= MAX_ORDER_LIMIT + 1)


def none_below(lists: FreeLists, was_order: Order, order: Order, migratetype: Migratetype, lower: Order) -> bool:
    """The lists of the orders that were passed are empty."""
    passed = (was_order <= lower) & (lower < order)
    return (passed == False) | (law.first_listed(lists, lower, migratetype) >= NOBODY)  # noqa: E712  # may be symbolic


def least(span: Span, lists: FreeLists, order: Order, migratetype: Migratetype, after: Link, lower: Order) -> bool:
    """The answer is the first block of the smallest order that has one; nobody if no order that serves has one."""
    found = order_of_list(lists.block.get(after, UNLISTED))
    first = (after == NOBODY) | (law.first_listed(lists, found, migratetype) == after)
    passed = (order <= lower) & (lower <= span.max_order) & ((after == NOBODY) | (lower < found))
    return first & ((passed == False) | (law.first_listed(lists, lower, migratetype) >= NOBODY))  # noqa: E712  # may be symbolic


SEARCHING = LoopInvariant(law.SMALLEST, (searching, none_below), id="BUDDY-SMALLEST-STEP")
SEARCHING_FOREIGN = LoopInvariant(fallback.FOREIGN, (searching, mergeable_type, linked), id="BUDDY-FOREIGN-STEP")

SMALLEST = Contract("BUDDY-SMALLEST", law.smallest, (("FOUND", found_on),), requires=(legal_span, order_lawful, linked))
FIND_FALLBACK = Contract(
    "BUDDY-FIND-FALLBACK", fallback.find_fallback, (("FOUND", found_exactly),), requires=(order_lawful, mergeable_type, linked)
)
SMALLEST_FALLBACK = Contract(
    "BUDDY-SMALLEST-FALLBACK", fallback.smallest_fallback, (("FOUND", found_foreign),),
    requires=(legal_span, order_lawful, mergeable_type, linked),
)  # fmt: skip

# --- handing out ---------------------------------------------------------------------------------------------------------


def unfolding(order: Order, was_have: Order, pfn: Pfn, have: Order) -> bool:
    """The block in hand shrinks to the one that is wanted, and stays where it is."""
    return (order <= have) & (have <= was_have) & (was_have <= MAX_ORDER_LIMIT) & is_aligned(pfn, was_have)


def frames(was_lists: FreeLists, was_have: Order, lists: FreeLists, pfn: Pfn, have: Order, frame: Pfn) -> bool:
    """Each frame stays in as many blocks, the block in hand counted: in one at most."""
    before = listed_owners(was_lists, frame) + holds_frame(pfn, was_have, frame)
    return (listed_owners(lists, frame) + holds_frame(pfn, have, frame) == before) & (before <= 1)


def halves(
    was_lists: FreeLists, was_have: Order, lists: FreeLists, pfn: Pfn, have: Order, migratetype: Migratetype, place: Pfn
) -> bool:  # fmt: skip
    """What is newly listed are upper halves of the block, by the type that is given."""
    number = lists.block.get(place, UNLISTED)
    order = order_of_list(number)
    upper = (have <= order) & (order < was_have) & (type_of_list(number) == migratetype) & (place == pfn + size_of(order))
    return (number == was_lists.block.get(place, UNLISTED)) | upper


UNFOLDING = LoopInvariant(law.EXPAND, (unfolding, frames, halves, sound, linked), id="BUDDY-EXPAND-STEP")


def is_listed(lists: FreeLists, pfn: Pfn, order: Order) -> bool:
    """The frame heads a listed block that is large enough."""
    number = lists.block.get(pfn, UNLISTED)
    return (number != UNLISTED) & (order <= order_of_list(number))


def unfolded(lists: FreeLists, pfn: Pfn, order: Order, after: FreeLists, place: Pfn) -> bool:
    """The block is gone, its upper halves are on lists of its type, and every other block stays."""
    mine, number = lists.block.get(pfn, UNLISTED), after.block.get(place, UNLISTED)
    half = order_of_list(number)
    upper = (order <= half) & (half < order_of_list(mine)) & (place == pfn + size_of(half))
    stays = (place != pfn) & (number == lists.block.get(place, UNLISTED))
    return ((place == pfn) & (number == UNLISTED)) | stays | (upper & (type_of_list(number) == type_of_list(mine)))


TAKE_LISTED = Contract(
    "BUDDY-TAKE-LISTED", law.take_listed,
    requires=(is_listed, once, sound, linked),
    ensures=(("COVER", left), ("HALVES", unfolded), ("LINKED", bound(linked, lists="after"))), keeps=KEPT,
)  # fmt: skip

# --- serving -------------------------------------------------------------------------------------------------------------


def handed(lists: FreeLists, order: Order, after: law.Answer, frame: Pfn) -> bool:
    """The listed blocks hold what they held, but for the frames of the block that was handed out."""
    pfn, rest = after
    return listed_owners(rest, frame) + ((pfn != NOBODY) & holds_frame(pfn, order, frame)) == listed_owners(lists, frame)


def answer_lawful(order: Order, after: law.Answer) -> bool:
    """The answer is nobody, or the head of a block of the order."""
    pfn, _ = after
    return (pfn == NOBODY) | (is_aligned(pfn, order) & (pfn + size_of(order) <= 1 << 52))


def from_its_pageblocks(
    span: Span, lists: FreeLists, order: Order, migratetype: Migratetype, after: law.Answer, frame: Pfn
) -> bool:  # fmt: skip
    """What was handed out lies in pageblocks whose blocks the type's lists hold."""
    inside = (after[0] != NOBODY) & holds_frame(after[0], order, frame)
    return (inside == False) | fits_list(lists, migratetype, type_at(span, lists, frame))  # noqa: E712  # may be symbolic


FROM_TYPE = Contract(
    "BUDDY-FROM-TYPE", law.from_type,
    requires=(legal_span, order_lawful, once, lawful, typed, linked),
    ensures=(
        ("COVER", handed),
        ("ALIGNED", answer_lawful),
        ("SOURCE", from_its_pageblocks),
        ("LAWFUL", bound(lawful, lists="after.1")),
        ("TYPED", bound(typed, lists="after.1")),
        ("LINKED", bound(linked, lists="after.1")),
        ("PAIRS", bound(no_new_pair, after="after.1")),
    ),
    keeps={name.replace("after.", "after.1."): source for name, source in KEPT.items()},
)  # fmt: skip

_FIND = Obligation("", (c.SMALLEST,), "", law.smallest, complete=relinked, small_sizes=SMALL)
_FOREIGN = attrs.evolve(_FIND, clauses=(c.STEAL_SMALLEST,), contracts=(FIND_FALLBACK,))
_TAKE = Obligation(
    "", (c.EXPAND, c.BUDDY_COVER), "", law.take_listed, cuts=(UNFOLDING,), contracts=(ENLIST, DELIST),
    complete=completed, small_sizes=SMALL,
)  # fmt: skip

OBLIGATIONS = (
    step_of(SEARCHING, _FIND),
    *proofs_of(SMALLEST, attrs.evolve(_FIND, cuts=(SEARCHING,))),
    *proofs_of(attrs.evolve(SMALLEST, ensures=(("LEAST", least),)), attrs.evolve(_FIND, cuts=(SEARCHING,)))[-1:],
    *proofs_of(FIND_FALLBACK, attrs.evolve(_FIND, clauses=(c.FALLBACK_ORDER,))),
    step_of(SEARCHING_FOREIGN, _FOREIGN),
    *proofs_of(SMALLEST_FALLBACK, attrs.evolve(_FOREIGN, cuts=(SEARCHING_FOREIGN,))),
    step_of(UNFOLDING, attrs.evolve(_TAKE, cuts=(), contracts=(ENLIST,))),
    *proofs_of(TAKE_LISTED, _TAKE),
    *proofs_of(FROM_TYPE, attrs.evolve(_TAKE, cuts=(), contracts=(SMALLEST, TAKE_LISTED))),
)
