"""How blocks get onto the lists and off them, and how they merge there."""

from __future__ import annotations

from typing import Any

import attrs

from mmproofs.lift.contracts import Contract
from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Obligation, bound, proofs_of, step_of
from mmproofs.obligations.physical.buddy.states import legal_span
from mmproofs.obligations.physical.lists.completing import completed_around, relinked
from mmproofs.obligations.physical.lists.state import (
    SMALL,
    block_lawful,
    entered,
    hand_fits,
    lawful,
    linked,
    may_merge,
    no_new_pair,
    no_pair_around,
    one_class,
    others_listed,
    out,
    retyped,
    typed,
    unlisted,
)  # fmt: skip
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import lists as law
from mmspec.physical.buddy.core import holds_frame
from mmspec.physical.buddy.invariants import listed_owners
from mmspec.physical.buddy.ops import MOVABLE
from mmspec.physical.buddy.state import UNLISTED, FreeLists, Span, list_number, type_at
from mmspec.words import MAX_ORDER_LIMIT, Migratetype, Order, Pageblock, PageblockEnd, Pfn

KEPT = {"after.kernel": "lists.kernel", "after.types": "lists.types", "after.movable": "lists.movable"}


def order_lawful(order: Order) -> bool:
    """The order is one of a block."""
    return order <= MAX_ORDER_LIMIT


def enlisted(lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype) -> Any:
    """The listed blocks, and the block."""
    return lists.block.set(pfn, list_number(order, migratetype))


def delisted(lists: FreeLists, pfn: Pfn) -> Any:
    """The listed blocks without the block."""
    return lists.block.delete(pfn)


def listed(lists: FreeLists, pfn: Pfn) -> bool:
    """The frame heads a listed block."""
    return lists.block.get(pfn, UNLISTED) != UNLISTED


ENLIST = Contract(
    "BUDDY-ENLIST", law.enlist, ensures=(("LINKED", bound(linked, lists="after")),),
    requires=(order_lawful, unlisted, linked), keeps=KEPT, gives={"after.block": enlisted},
)  # fmt: skip

DELIST = Contract(
    "BUDDY-DELIST", law.delist, ensures=(("LINKED", bound(linked, lists="after")),),
    requires=(listed, linked), keeps=KEPT, gives={"after.block": delisted},
)  # fmt: skip

# --- types of pageblocks -------------------------------------------------------------------------------------------------


def typing(
    was_types: law.Types, was_index: PageblockEnd, types: law.Types, index: PageblockEnd, end: PageblockEnd,
    migratetype: Migratetype, place: Pageblock,
) -> bool:  # fmt: skip
    """While a block's pageblocks get their type: those passed have it, the others what they had."""
    done = (was_index <= place) & (place < index)
    now, before = types.get(place, MOVABLE), was_types.get(place, MOVABLE)
    return (was_index <= index) & (index <= end) & ((done & (now == migratetype)) | ((done == False) & (now == before)))  # noqa: E712


TYPING = LoopInvariant(law.TYPES, typing, id="BUDDY-TYPES-STEP")


def range_lawful(span: Span, pfn: Pfn, order: Order) -> bool:
    """The frame's pageblock is meant, or a lawful block of more than one."""
    return (order <= span.pageblock_order) | block_lawful(span, pfn, order)


SET_TYPES = Contract(
    "BUDDY-SET-TYPES", law.set_types, ensures=(("TYPES", retyped),), requires=(legal_span, range_lawful),
    keeps={"after.kernel": "lists.kernel", "after.movable": "lists.movable", "after.block": "lists.block",
           "after.links.next": "lists.links.next", "after.links.prev": "lists.links.prev"},
)  # fmt: skip

# --- freeing -------------------------------------------------------------------------------------------------------------


def shape(span: Span, was_pfn: Pfn, was_order: Order, pfn: Pfn, order: Order) -> bool:
    """The block in hand grows, stays aligned, and holds the one that it began with."""
    grown = (was_order <= order) & holds_frame(pfn, order, was_pfn)
    return legal_span(span) & block_lawful(span, pfn, order) & grown


def frames(was_lists: FreeLists, was_pfn: Pfn, was_order: Order, lists: FreeLists, pfn: Pfn, order: Order, frame: Pfn) -> bool:
    """Each frame stays in as many blocks, the block in hand counted: in one at most."""
    before = listed_owners(was_lists, frame) + holds_frame(was_pfn, was_order, frame)
    return (listed_owners(lists, frame) + holds_frame(pfn, order, frame) == before) & (before <= 1)


def blocks(was_lists: FreeLists, lists: FreeLists, place: Pfn) -> bool:
    """Blocks only leave their lists."""
    number = lists.block.get(place, UNLISTED)
    return (number == was_lists.block.get(place, UNLISTED)) | (number == UNLISTED)


def types(span: Span, was_lists: FreeLists, lists: FreeLists, pfn: Pfn, order: Order, frame: Pfn) -> bool:
    """Types change inside the block in hand only, from a mergeable one to another."""
    now, before = type_at(span, lists, frame), type_at(span, was_lists, frame)
    return (now == before) | (holds_frame(pfn, order, frame) & may_merge(now, before))


MERGING = LoopInvariant(
    law.LISTED_MERGE, (shape, frames, blocks, types, hand_fits, lawful, typed, linked), id="BUDDY-LISTED-MERGE-STEP"
)

LISTS = (lawful, typed, linked)
"""What is true of the lists between operations, besides what they cover."""

FREE_ONE = Contract(
    "BUDDY-FREE-ONE", law.free_one,
    requires=(legal_span, block_lawful, out, hand_fits, *LISTS),
    ensures=(
        ("COVER", entered),
        ("LAWFUL", bound(lawful, lists="after")),
        ("TYPED", bound(typed, lists="after")),
        ("LINKED", bound(linked, lists="after")),
        ("CLASS", one_class),
        ("OTHERS", others_listed),
        ("PAIRS", no_new_pair),
        ("MERGED", no_pair_around),
    ),
    keeps={"after.kernel": "lists.kernel", "after.movable": "lists.movable"},
)  # fmt: skip

_LISTS = Obligation("", (c.BUDDY_5,), "", law.enlist, complete=relinked, small_sizes=SMALL)
_TYPES = Obligation("", (c.BUDDY_4,), "", law.set_types, cuts=(TYPING,))
_FREE = Obligation(
    "", (c.BUDDY_3, c.BUDDY_4, c.BUDDY_COVER), "", law.free_one, cuts=(MERGING,), contracts=(ENLIST, DELIST, SET_TYPES),
    complete=completed_around, small_sizes=SMALL,
)  # fmt: skip

OBLIGATIONS = (
    *proofs_of(ENLIST, _LISTS),
    *proofs_of(DELIST, _LISTS),
    step_of(TYPING, attrs.evolve(_TYPES, cuts=())),
    *proofs_of(SET_TYPES, _TYPES),
    step_of(MERGING, attrs.evolve(_FREE, cuts=(), contracts=(DELIST, SET_TYPES))),
    *proofs_of(FREE_ONE, _FREE),
)
