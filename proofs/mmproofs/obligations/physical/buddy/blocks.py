"""Contracts of the core's two moves: a block is given back to the free frames, or withdrawn from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.lift.counting import Block, Range, equal_sums, first_difference, first_with
from mmproofs.obligation import Contract, Obligation, Predicate, bound, function_of, proofs_of
from mmproofs.obligations.physical.buddy.loops import MERGING, NEVER, OVER, SPLITTING, none_over
from mmproofs.obligations.physical.buddy.numbers import free_of_kind, of_kind, recounted
from mmproofs.obligations.physical.buddy.parts import COUNT_BLOCK, block_counted, counted_alike
from mmproofs.obligations.physical.buddy.states import COUNTERS, KEPT, REPLAYED, legal_zone
from mmspec.clause import Clause
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import core
from mmspec.physical.buddy.core import holds_frame
from mmspec.physical.buddy.state import Zone
from mmspec.words import ABSENT, MAX_ORDER_LIMIT, Migratetype, Order, Pageblock, Pfn, head_of, is_aligned, size_of

# --- what the moves require ----------------------------------------------------------------------------------------------


def live_block(zone: Zone, pfn: Pfn, order: Order) -> bool:
    """The block is handed out."""
    return legal_zone(zone) & (zone.allocated.get(pfn, ABSENT) == order) & (order != ABSENT)


def free_block(zone: Zone, pfn: Pfn, order: Order) -> bool:
    """The block is aligned, and a free block holds it."""
    orders = legal_zone(zone) & (order <= zone.span.max_order)
    return orders & is_aligned(pfn, order) & (none_over(zone.free, pfn, order) == False)  # noqa: E712


# --- what they ensure ----------------------------------------------------------------------------------------------------


def conserved(zone: Zone, after: Zone, frame: Pfn) -> bool:
    """Every frame has as many owners as before."""
    return core.owners(after, frame) == core.owners(zone, frame)


def kinds_stay(zone: Zone, after: Zone, index: Pageblock) -> bool:
    """No pageblock changes its kind."""
    same: bool = after.pageblock.get(index, NEVER) == zone.pageblock.get(index, NEVER)
    return same


def counted_in(zone: Zone, pfn: Pfn, order: Order, after: Zone, kind: Migratetype) -> bool:
    """A kind's counter rises by the frames that the block has in pageblocks of the kind."""
    return block_counted(zone, pfn, order, 1, after.frames, kind)


def counted_out(zone: Zone, pfn: Pfn, order: Order, after: Zone, kind: Migratetype) -> bool:
    """A kind's counter falls by the frames that the block has in pageblocks of the kind."""
    return block_counted(zone, pfn, order, -1, after.frames, kind)


def others_stay(zone: Zone, pfn: Pfn, order: Order, after: Zone, place: Pfn) -> bool:
    """No free block but the one that is taken from changes its extent, and no other block becomes allocated."""
    inside = False
    for k in range(MAX_ORDER_LIMIT + 1):
        over = (k >= order) & (zone.free.get(head_of(pfn, k), ABSENT) == k)
        inside |= over & holds_frame(head_of(pfn, k), k, place)
    same = after.free.get(place, ABSENT) == zone.free.get(place, ABSENT)
    other = (place == pfn) | (after.allocated.get(place, ABSENT) == zone.allocated.get(place, ABSENT))
    stays: bool = (inside | same) & other
    return stays


# --- further places, and lemmas about the recount ------------------------------------------------------------------------


def last_free_frame(after: Zone, head: Pfn) -> Pfn:
    """The last frame of the free block at the goal's place."""
    return head + size_of(after.free.get(head, 0)) - 1


def zone_goes_up(zone: Zone) -> bool:
    """The zone ends behind its start."""
    return Range(zone.span.start_pfn, zone.span.end_pfn).proper()


def before_block(zone: Zone, pfn: Pfn, after: Zone, kind: Migratetype) -> bool:
    """Before the block as many frames are free and of a kind as were."""
    return counted_alike(zone, after, kind, Range(zone.span.start_pfn, pfn))


def behind_block(zone: Zone, pfn: Pfn, order: Order, after: Zone, kind: Migratetype) -> bool:
    """Behind the block as many frames are free and of a kind as were."""
    return counted_alike(zone, after, kind, Range(pfn + size_of(order), zone.span.end_pfn))


def all_or_none(free: Zone, held: Zone, pfn: Pfn, order: Order, kind: Migratetype) -> bool:
    """All of the block's frames are free in one zone, and none in the other."""
    then, mine = free_of_kind(free, kind), of_kind(free, kind)
    first_difference(then, mine, Block(pfn, order))
    first_with(free_of_kind(held, kind), Block(pfn, order))
    none = equal_sums((free_of_kind(held, kind).inside(pfn, order),), ())
    return none & equal_sums((then.inside(pfn, order),), (mine.inside(pfn, order),))


# --- the contracts -------------------------------------------------------------------------------------------------------


def _contract(
    name: str, move: Callable[..., Any], required: Predicate, counted: Predicate, *more: tuple[str, Predicate]
) -> Contract:
    kept: tuple[tuple[str, Predicate], ...] = tuple(
        (column, bound(function_of(holds), zone="after")) for column, holds, _ in KEPT
    )
    ensures = (*kept, ("CONSERVED", conserved), *more, ("COUNTED", counted), ("RECOUNTED", bound(recounted, zone="after")))
    parts = {f"after.{part}": f"zone.{part}" for part in ("span", "pageblock")}
    return Contract(f"BUDDY-{name}", move, ensures, requires=(required, *COUNTERS), keeps=parts)


GIVE = _contract("GIVE", core.give, live_block, counted_in)
WITHDRAW = _contract("WITHDRAW", core.withdraw, free_block, counted_out, ("OTHERS", others_stay))

_CLAUSES: dict[str, Clause] = {
    **{column.lower(): clause for column, _, clause in KEPT},
    "counted": c.BUDDY_6, "recounted": c.BUDDY_6, "others": c.ALLOC_FREE,
}  # fmt: skip


def _proofs(contract: Contract, template: Obligation, free: str, held: str) -> tuple[Obligation, ...]:
    """Return the obligations that prove a contract; ``free`` and ``held`` say in which zone the block is free."""
    template = attrs.evolve(
        template, clauses=(c.BUDDY_1,), contracts=(*template.contracts, COUNT_BLOCK), **REPLAYED,
        seconds=900.0,
    )  # fmt: skip
    also: dict[str, tuple[Predicate, ...]] = {
        "free-placed": (last_free_frame,),
        "recounted": (zone_goes_up, before_block, behind_block, bound(all_or_none, free=free, held=held)),
    }
    return tuple(
        attrs.evolve(
            proof, clauses=(_CLAUSES.get(proof.invariant, c.BUDDY_1),), also=also.get(proof.invariant, ()),
            unaided=proof.invariant == "kept", straight=True,
        )
        for proof in proofs_of(contract, template)
    )  # fmt: skip


OBLIGATIONS = (
    *_proofs(GIVE, Obligation("", (), "", core.give, cuts=(MERGING,)), free="after", held="zone"),
    *_proofs(WITHDRAW, Obligation("", (), "", core.withdraw, cuts=(SPLITTING,), contracts=(OVER,)), free="zone", held="after"),
)  # fmt: skip
