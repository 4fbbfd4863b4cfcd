"""The operations that change pageblocks' kinds: isolate, unisolate, retype, reserve, unreserve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.lift.counting import equal_sums
from mmproofs.obligation import Obligation, Predicate, function_of
from mmproofs.obligations.physical.buddy.loops import CHANGING, LOOKING_RESERVED, NEVER, OVER, none_over
from mmproofs.obligations.physical.buddy.numbers import FREE, free_of_kind, is_free
from mmproofs.obligations.physical.buddy.parts import SET_KIND
from mmproofs.obligations.physical.buddy.states import REPLAYED, STATE, family, legal_zone
from mmspec.clause import Clause
from mmspec.errors import EBUSY, EINVAL, ENOENT, ENOMEM, Done, Error
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import kinds
from mmspec.physical.buddy.core import holds_frame
from mmspec.physical.buddy.ops import (
    HIGHATOMIC,
    ISOLATE,
    ORDINARY,
    RECLAIMABLE,
    Block,
    Isolate,
    Reserve,
    Retype,
    Unisolate,
    Unreserve,
)
from mmspec.physical.buddy.state import Zone, kind_at, kind_of
from mmspec.words import ABSENT, Migratetype, Order, Pageblock, Pfn, head_of, is_aligned, size_of

# --- what is given: the answer is allowed ----------------------------------------------------------------------------------


def isolate_lawful(zone: Zone, op: Isolate, result: Any) -> bool:
    """The answer is allowed."""
    return kinds.isolate_allowed(zone, op, result) is None


def unisolate_lawful(zone: Zone, op: Unisolate, result: Any) -> bool:
    """The answer is allowed."""
    return kinds.unisolate_allowed(zone, op, result) is None


def retype_lawful(zone: Zone, op: Retype, result: Any) -> bool:
    """The answer is allowed."""
    return kinds.retype_allowed(zone, op, result) is None


def reserve_lawful(zone: Zone, op: Reserve, result: Any) -> bool:
    """The answer is allowed."""
    return kinds.reserve_allowed(zone, op, result) is None


def unreserve_lawful(zone: Zone, op: Unreserve, result: Any) -> bool:
    """The answer is allowed."""
    return kinds.unreserve_allowed(zone, op, result) is None


# --- goals ---------------------------------------------------------------------------------------------------------------


def named(op: Any, result: Any) -> tuple[Pfn, Order, Migratetype]:
    """Return the block whose pageblocks an operation names (order 0: one pageblock), and their new kind."""
    if isinstance(op, Isolate):
        return op.pfn, 0, ISOLATE
    if isinstance(op, Reserve):
        return op.pfn, op.order, HIGHATOMIC
    if isinstance(op, Unreserve):
        return result.pfn, result.order, ORDINARY
    return op.pfn, 0, kind_of(op.migratetype)


def range_of(zone: Zone, pfn: Pfn, order: Order) -> tuple[Pfn, Pfn]:
    """Return the ends of the pageblocks that a block lies in."""
    start = head_of(pfn, zone.span.pageblock_order)
    return start, start + size_of(max(order, zone.span.pageblock_order))


def blocks_stay(zone: Zone, after: Zone, place: Pfn) -> bool:
    """No free block and no block that is handed out changes."""
    free = after.free.get(place, ABSENT) == zone.free.get(place, ABSENT)
    return free & (after.allocated.get(place, ABSENT) == zone.allocated.get(place, ABSENT))


def kinds_changed(zone: Zone, op: Any, result: Any, after: Zone, index: Pageblock) -> bool:
    """The pageblocks that are named have the new kind, and no other changes its own."""
    same = after.pageblock.get(index, NEVER) == zone.pageblock.get(index, NEVER)
    if result.failed:
        return same
    pfn, order, kind = named(op, result)
    start, end = range_of(zone, pfn, order)
    step = zone.span.pageblock_order
    inside = (start >> step <= index) & (index < end >> step)
    return (inside & (after.pageblock.get(index, ORDINARY) == kind)) | ((inside == False) & same)  # noqa: E712


def frames_moved(zone: Zone, op: Any, result: Any, after: Zone, other: Migratetype) -> bool:
    """The free frames of the pageblocks that are named, and no others, leave their old kinds' counters for the new kind's."""
    if result.failed:
        return after.frames.get(other, 0) == zone.frames.get(other, 0)
    pfn, order, kind = named(op, result)
    start, whole = head_of(pfn, zone.span.pageblock_order), max(order, zone.span.pageblock_order)
    left, free = free_of_kind(zone, other).inside(start, whole), FREE.of(zone.free).inside(start, whole)
    now, before = after.frames.get(other, 0), zone.frames.get(other, 0)
    return equal_sums((now, left), (before, free) if other == kind else (before,))


def answered(result: Any, after: Any, invalid: Any, busy: Any, busy_name: str = "EBUSY") -> bool:
    """An answer is allowed if it is the one refusal that is due, or, where none is, success."""
    if not result.failed:
        due = (invalid | busy) == False  # noqa: E712
    elif result.name == "EINVAL":
        due = invalid
    elif result.name == busy_name:
        due = (invalid == False) & busy  # noqa: E712
    else:
        due = False
    same: bool = due == (after is None)
    return same


def spanned(zone: Zone, pfn: Pfn) -> Any:
    """Tell whether the zone spans a frame."""
    return (zone.span.start_pfn <= pfn) & (pfn < zone.span.end_pfn)


def cut_off(zone: Zone, pfn: Pfn) -> Any:
    """Tell whether the zone does not span the whole pageblock of a frame."""
    start, end = range_of(zone, pfn, 0)
    return (start < zone.span.start_pfn) | (zone.span.end_pfn < end)


def isolate_iff(zone: Zone, op: Isolate, result: Any, after: Any) -> bool:
    """An isolation succeeds if the zone spans the pageblock and it is not isolated; else it is refused, and says why."""
    busy = (kind_at(zone, op.pfn) == ISOLATE) | cut_off(zone, op.pfn)
    return answered(result, after, spanned(zone, op.pfn) == False, busy)  # noqa: E712


def unisolate_iff(zone: Zone, op: Unisolate, result: Any, after: Any) -> bool:
    """The end of an isolation succeeds if the pageblock is isolated and the type another; else it is refused."""
    isolated = spanned(zone, op.pfn) & (kind_at(zone, op.pfn) == ISOLATE)
    return answered(result, after, (isolated & (op.migratetype < ISOLATE)) == False, False)  # noqa: E712


def retype_iff(zone: Zone, op: Retype, result: Any, after: Any) -> bool:
    """A change of type succeeds if the zone spans the pageblock, which is neither isolated nor part of a larger free block."""
    alone = none_over(zone.free, op.pfn, zone.span.pageblock_order + 1)
    busy = (kind_at(zone, op.pfn) == ISOLATE) | cut_off(zone, op.pfn) | (alone == False)  # noqa: E712
    return answered(result, after, (spanned(zone, op.pfn) & (op.migratetype < ISOLATE)) == False, busy)  # noqa: E712


def reserve_iff(zone: Zone, op: Reserve, result: Any, after: Any) -> bool:
    """A reservation succeeds for a live block whose pageblock is ordinary and inside the zone; else it is refused."""
    live = (zone.allocated.get(op.pfn, ABSENT) == op.order) & (op.order != ABSENT)
    return answered(result, after, live == False, (kind_at(zone, op.pfn) != ORDINARY) | cut_off(zone, op.pfn))  # noqa: E712


def unreserve_refused_iff(zone: Zone, op: Unreserve, result: Error, after: Any) -> bool:
    """The end of a reservation is refused for a type that no block may have, or where no HIGHATOMIC frame is free."""
    return answered(result, after, op.migratetype > RECLAIMABLE, zone.frames.get(HIGHATOMIC, 0) == 0, "ENOENT")


def unreserved_block(zone: Zone, op: Unreserve, result: Block, after: Any, frame: Pfn) -> bool:
    """A block whose reservation may end is aligned, and every frame of it is free and in a HIGHATOMIC pageblock."""
    if after is not None:
        return True
    inside = holds_frame(result.pfn, result.order, frame)
    proper = is_free(frame, zone.free) & (kind_at(zone, frame) == HIGHATOMIC)
    allowed = (op.migratetype <= RECLAIMABLE) & (zone.frames.get(HIGHATOMIC, 0) != 0)
    return allowed & is_aligned(result.pfn, result.order) & ((inside == False) | proper)  # noqa: E712


# --- the obligations -----------------------------------------------------------------------------------------------------


def _family(base: Obligation) -> tuple[Obligation, ...]:
    """Return the obligations of an operation that changes kinds."""
    return family(
        base,
        ("CONSERVED", blocks_stay, c.BUDDY_1),
        ("KINDS", kinds_changed, c.BUDDY_KIND),
        ("COUNTED", frames_moved, c.COUNT_MOVES),
        unaided="CONSERVED",
    )


def _base(name: str, subject: Callable[..., Any], lawful: Predicate, clause: Clause, *errors: Error) -> Obligation:
    return Obligation(
        id="", clauses=(clause,), statement="", subject=subject, given=(legal_zone, lawful), contracts=(OVER, SET_KIND),
        choices={Error: errors}, operation=name, seconds=900.0,
    )  # fmt: skip


def _several(base: Obligation) -> Obligation:
    """Return the base of an operation on the pageblocks of a block."""
    return attrs.evolve(base, cuts=(CHANGING,))


def _lawful(
    name: str, subject: Callable[..., Any], goal: Predicate, *clauses: Clause, column: str = "lawful", **more: Any
) -> Obligation:
    return Obligation(
        id=f"BUDDY-{name.upper()}-{column.upper()}", clauses=clauses, statement=(function_of(goal).__doc__ or "").strip(),
        subject=subject, goal=goal, given=(legal_zone,), invariants=STATE, operation=name, invariant=column,
        **{
            "choices": {Error: (EINVAL, EBUSY, ENOENT, ENOMEM), Done: (Done(),)}, **REPLAYED,
            "unaided": True, **more,
        },
    )  # fmt: skip


_JUDGED: dict[str, Any] = {
    "types": {"result": Block}, "cuts": (LOOKING_RESERVED,), "contracts": (OVER,), "unaided": False,
}  # fmt: skip

OBLIGATIONS = (
    *_family(_base("isolate", kinds.isolate_apply, isolate_lawful, c.ISOLATE_DONE, EINVAL, EBUSY)),
    *_family(_base("unisolate", kinds.unisolate_apply, unisolate_lawful, c.UNISOLATE_DONE, EINVAL)),
    *_family(_base("retype", kinds.retype_apply, retype_lawful, c.RETYPE_DONE, EINVAL, EBUSY)),
    *_family(_several(_base("reserve", kinds.reserve_apply, reserve_lawful, c.RESERVE_DONE, EINVAL, EBUSY))),
    *_family(
        attrs.evolve(
            _several(_base("unreserve", kinds.unreserve_apply, unreserve_lawful, c.UNRESERVE_BLOCK, EINVAL, ENOENT)),
            forget=(kinds.block_reserved,),
        ),
    ),
    _lawful("isolate", kinds.isolate_allowed, isolate_iff, c.ISOLATE_ARGS, c.ISOLATE_BUSY, c.ISOLATE_DONE),
    _lawful("unisolate", kinds.unisolate_allowed, unisolate_iff, c.UNISOLATE_ARGS, c.UNISOLATE_DONE),
    attrs.evolve(
        _lawful("retype", kinds.retype_allowed, retype_iff, c.RETYPE_BUSY, column="judged", contracts=(OVER,), rests_on=OVER.ids),
        goal=None, statement="retype: the order of the block above a pageblock is one",
    ),
    _lawful(
        "retype", kinds.retype_allowed, retype_iff, c.RETYPE_ARGS, c.RETYPE_BUSY, c.RETYPE_DONE, contracts=(OVER,),
        rests_on=("BUDDY-RETYPE-JUDGED", *OVER.ids),
    ),
    _lawful("reserve", kinds.reserve_allowed, reserve_iff, c.RESERVE_ARGS, c.RESERVE_BUSY, c.RESERVE_DONE),
    _lawful(
        "unreserve", kinds.unreserve_allowed, unreserve_refused_iff, c.UNRESERVE_ARGS, c.UNRESERVE_NONE, column="refused",
        types={"result": Error},
    ),
    attrs.evolve(
        _lawful("unreserve", kinds.unreserve_allowed, unreserved_block, c.UNRESERVE_BLOCK, column="judged", **_JUDGED),
        goal=None, statement="unreserve: the loop over the block's pageblocks is entered lawfully",
        rests_on=("BUDDY-RESERVED-STEP", *OVER.ids), unaided=True,
    ),
    _lawful(
        "unreserve", kinds.unreserve_allowed, unreserved_block, c.UNRESERVE_BLOCK, **_JUDGED,
        rests_on=("BUDDY-UNRESERVE-JUDGED", "BUDDY-RESERVED-STEP", *OVER.ids),
    ),
)  # fmt: skip
