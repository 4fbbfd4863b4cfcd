"""The buddy allocator's core: for zones of any size and shape, with or without holes, and all orders.

Each operation has one obligation that what its text claims on the way holds (``DEFINED``: keys are there, words fit, the
loops' invariants hold at their entries), and one for each invariant that it keeps.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmproofs.obligation import Obligation, Predicate
from mmproofs.obligations.physical.buddy.blocks import GIVE, WITHDRAW, conserved, counted_in, counted_out, kinds_stay, others_stay
from mmproofs.obligations.physical.buddy.loops import LOOKING_USABLE, OVER
from mmproofs.obligations.physical.buddy.numbers import is_free
from mmproofs.obligations.physical.buddy.states import REPLAYED, STATE, Goal, family, legal_zone
from mmspec.errors import EBUSY, EINVAL, ENOENT, ENOMEM, Done, Error
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import core
from mmspec.physical.buddy.core import holds_frame
from mmspec.physical.buddy.invariants import is_memory
from mmspec.physical.buddy.ops import (
    ALLOC_CMA,
    ALLOC_FLAGS,
    ALLOC_HIGHATOMIC,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    CMA,
    HIGHATOMIC,
    ISOLATE,
    RECLAIMABLE,
    Alloc,
    Free,
    Page,
    Putback,
    Take,
)
from mmspec.physical.buddy.state import Zone, kind_at
from mmspec.words import ABSENT, Flags, Migratetype, Pfn, is_aligned

# --- what is given -------------------------------------------------------------------------------------------------------


def free_lawful(zone: Zone, op: Free, result: Any) -> bool:
    """The answer to the free is allowed."""
    return core.free_allowed(zone, op, result) is None


def alloc_lawful(zone: Zone, op: Alloc, result: Any) -> bool:
    """The answer to the allocation is allowed (a refusal changes nothing, whatever its reason)."""
    return True if result.failed else core.alloc_allowed(zone, op, result) is None


def take_lawful(zone: Zone, op: Take, result: Any) -> bool:
    """The answer to the take is allowed."""
    return core.take_allowed(zone, op, result) is None


# --- goals ---------------------------------------------------------------------------------------------------------------


def counter_stays(zone: Zone, after: Zone, kind: Migratetype) -> bool:
    """The kind's counter stays."""
    same: bool = after.frames.get(kind, 0) == zone.frames.get(kind, 0)
    return same


def freed_counted(zone: Zone, op: Free, result: Any, after: Zone, kind: Migratetype) -> bool:
    """A kind's counter rises by the frames that the block has in pageblocks of the kind."""
    return counter_stays(zone, after, kind) if result.failed else counted_in(zone, op.pfn, op.order, after, kind)


def handed_counted(zone: Zone, op: Any, result: Any, after: Zone, kind: Migratetype) -> bool:
    """A kind's counter falls by the frames that the block has in pageblocks of the kind."""
    return counter_stays(zone, after, kind) if result.failed else counted_out(zone, block_of(op, result), op.order, after, kind)


def lawful_iff_live(zone: Zone, op: Free, result: Any, after: Any) -> bool:
    """A free is accepted if the block is one live allocation, else refused with EINVAL, and no other answer is allowed."""
    live = (zone.allocated.get(op.pfn, ABSENT) == op.order) & (op.order != ABSENT)
    if result.failed and result.name != "EINVAL":
        return bool(after is not None)
    lawful: bool = live == ((after is None) != result.failed)
    return lawful


def may_use(kind: Migratetype, flags: Flags) -> bool:
    """No request is served from isolated pageblocks, and only those with a flag for it from CMA and HIGHATOMIC ones."""
    cma = (kind != CMA) | ((flags & ALLOC_CMA) != 0)
    reserve = (kind != HIGHATOMIC) | ((flags & (ALLOC_HIGHATOMIC | ALLOC_OOM | ALLOC_NON_BLOCK)) != 0)
    return (kind != ISOLATE) & cma & reserve


def page_was_free(zone: Zone, op: Alloc, result: Page, after: Any, frame: Pfn) -> bool:
    """Every frame of a page that may be handed out is memory, was free, and is of a kind to use; the block is aligned."""
    if after is not None:
        return True
    inside = holds_frame(result.pfn, op.order, frame)
    free = is_free(frame, zone.free) & is_memory(zone, frame)
    proper = free & may_use(kind_at(zone, frame), op.flags)
    return is_aligned(result.pfn, op.order) & ((inside == False) | proper)  # noqa: E712


def alloc_refused_iff(zone: Zone, op: Alloc, result: Error, after: Any) -> bool:
    """A request is refused with EINVAL for an order, a type or flags that do not exist, and for nothing else."""
    served = (op.order <= zone.span.max_order) & (op.migratetype <= RECLAIMABLE) & ((op.flags & ~ALLOC_FLAGS) == 0)
    if result.name == "EINVAL":
        same: bool = (served == False) == (after is None)  # noqa: E712
        return same
    return served | (after is not None)


def taken_was_free(zone: Zone, op: Take, result: Done, after: Any, frame: Pfn) -> bool:
    """Every frame of a block that may be taken is memory and was free; the block is aligned."""
    if after is not None:
        return True
    inside = holds_frame(op.pfn, op.order, frame)
    free = is_free(frame, zone.free) & is_memory(zone, frame)
    return is_aligned(op.pfn, op.order) & ((inside == False) | free)  # noqa: E712


def taken_from_one(zone: Zone, op: Alloc, result: Any, after: Zone, place: Pfn) -> bool:
    """No free block but the one that is taken from changes its extent, and no other block becomes allocated."""
    if result.failed:
        same: bool = after.free.get(place, ABSENT) == zone.free.get(place, ABSENT)
        return same & (after.allocated.get(place, ABSENT) == zone.allocated.get(place, ABSENT))
    return others_stay(zone, result.pfn, op.order, after, place)


def block_of(op: Any, result: Any) -> Pfn:
    """Return the head of the block that an operation moves."""
    pfn: Pfn = result.pfn if isinstance(op, Alloc) else op.pfn
    return pfn


# --- the obligations -----------------------------------------------------------------------------------------------------


def _family(base: Obligation, counted: Predicate, *more: Goal) -> tuple[Obligation, ...]:
    """Return the obligations of an operation that hands blocks out or takes them back."""
    goals = (("CONSERVED", conserved, c.BUDDY_1), ("KINDS", kinds_stay, c.BUDDY_KIND), *more, ("COUNTED", counted, c.BUDDY_6))
    return family(attrs.evolve(base, clauses=(c.BUDDY_1,)), *goals, unaided="KINDS")


_FREE = Obligation(
    id="", clauses=(), statement="", subject=core.free_apply, given=(legal_zone, free_lawful), contracts=(GIVE,),
    types={"op": Free}, choices={Error: (EINVAL, ENOMEM)}, operation="free",
)  # fmt: skip
_ALLOC = Obligation(
    id="", clauses=(), statement="", subject=core.alloc_apply, given=(legal_zone, alloc_lawful), contracts=(WITHDRAW, OVER),
    forget=(core.block_usable,), choices={Error: (ENOMEM, EINVAL)}, operation="alloc",
)  # fmt: skip
_TAKE = Obligation(
    id="", clauses=(), statement="", subject=core.take_apply, given=(legal_zone, take_lawful), contracts=(WITHDRAW, OVER),
    choices={Error: (EINVAL,)}, operation="take",
)  # fmt: skip

_FREE_LAWFUL = Obligation(
    id="BUDDY-FREE-LAWFUL", clauses=(c.FREE_ACCEPTED, c.FREE_REFUSED), statement=(lawful_iff_live.__doc__ or "").strip(),
    subject=core.free_allowed, goal=lawful_iff_live, types={"op": Free},
    choices={Error: (EINVAL, ENOMEM, EBUSY, ENOENT), Done: (Done(),)}, operation="free", invariant="lawful",
)  # fmt: skip
_ALLOC_JUDGED = Obligation(
    id="BUDDY-ALLOC-JUDGED", clauses=(c.ALLOC_ALIGNED, c.ALLOC_INSIDE, c.ALLOC_FREE, c.ALLOC_KIND),
    statement="alloc: the loop over the block's pageblocks is entered lawfully", subject=core.alloc_allowed,
    given=(legal_zone,), invariants=STATE, types={"result": Page}, cuts=(LOOKING_USABLE,), contracts=(OVER,),
    rests_on=("BUDDY-USABLE-STEP", *OVER.ids), operation="alloc", invariant="judged", **REPLAYED,
    unaided=True,
)  # fmt: skip

OBLIGATIONS = (
    *_family(_FREE, freed_counted),
    *_family(attrs.evolve(_FREE, types={"op": Putback}, operation="putback"), freed_counted),
    *_family(_ALLOC, handed_counted, ("OTHERS", taken_from_one, c.ALLOC_FREE)),
    *_family(_TAKE, handed_counted),
    _FREE_LAWFUL,
    attrs.evolve(
        _FREE_LAWFUL, id="BUDDY-PUTBACK-LAWFUL", types={"op": Putback}, operation="putback",
    ),
    Obligation(
        id="BUDDY-ALLOC-REFUSED", clauses=(c.ALLOC_ARGS,), statement=(alloc_refused_iff.__doc__ or "").strip(),
        subject=core.alloc_allowed, goal=alloc_refused_iff, given=(legal_zone,), invariants=STATE, types={"result": Error},
        choices={Error: (EINVAL, ENOMEM, EBUSY)}, forget=(core.alloc_may_fail,), operation="alloc", invariant="refused",
        **REPLAYED, unaided=True,
    ),
    _ALLOC_JUDGED,
    attrs.evolve(
        _ALLOC_JUDGED, id="BUDDY-ALLOC-LAWFUL", goal=page_was_free, statement=(page_was_free.__doc__ or "").strip(),
        rests_on=("BUDDY-ALLOC-JUDGED", *_ALLOC_JUDGED.rests_on), invariant="lawful", unaided=False,
    ),
    Obligation(
        id="BUDDY-TAKE-LAWFUL", clauses=(c.TAKE_FREE,), statement=(taken_was_free.__doc__ or "").strip(),
        subject=core.take_allowed, goal=taken_was_free, given=(legal_zone,), invariants=STATE, types={"result": Done},
        contracts=(OVER,), rests_on=OVER.ids, operation="take", invariant="lawful", **REPLAYED,
    ),
)  # fmt: skip
