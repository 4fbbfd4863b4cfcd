"""What each operation makes of Linux's lists (the columns of the matrix that begin with "lists").

Between operations no frame is in two blocks, listed or handed out; listed blocks are aligned, on the lists of their pageblocks'
types, and linked both ways. Each operation keeps that; alloc, free, putback and take never make two listed buddies that may
merge, while isolate, unisolate, retype, reserve and unreserve may, by changing types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.lift.contracts import Contract
from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Obligation, Predicate, bound, function_of, proofs_of, step_of
from mmproofs.obligations.physical.buddy.kinds import isolate_lawful, reserve_lawful, retype_lawful, unisolate_lawful
from mmproofs.obligations.physical.buddy.loops import OVER
from mmproofs.obligations.physical.buddy.moves import free_lawful
from mmproofs.obligations.physical.buddy.numbers import is_free
from mmproofs.obligations.physical.buddy.states import legal_zone
from mmproofs.obligations.physical.lists.completing import completed
from mmproofs.obligations.physical.lists.entering import DELIST, ENLIST, FREE_ONE, SET_TYPES
from mmproofs.obligations.physical.lists.leaving import FROM_TYPE, SMALLEST
from mmproofs.obligations.physical.lists.moving import ALIKE, CONVERT, FREE_PIECES, MOVE_PAGEBLOCK, STATE
from mmproofs.obligations.physical.lists.serving import FALL_BACK, REQUEST, SERVED
from mmproofs.obligations.physical.lists.state import (
    SMALL,
    entered,
    lawful,
    left,
    linked,
    no_new_pair,
    no_pair_around,
    nothing_above,
    one_class,
    same_blocks,
    same_frames,
    typed,
)  # fmt: skip
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import core, linux
from mmspec.physical.buddy import lists as law
from mmspec.physical.buddy.core import holds_frame
from mmspec.physical.buddy.invariants import covered, listed_owners
from mmspec.physical.buddy.ops import RECLAIMABLE, Alloc, Retype, Take, Unreserve
from mmspec.physical.buddy.state import FreeLists, Zone, kind_of, type_at
from mmspec.words import Flags, Order, Pfn, PfnEnd, head_of, is_aligned

Answer = tuple[Any, FreeLists]

# --- what the listed blocks cover ----------------------------------------------------------------------------------------


def alloc_cover(lists: FreeLists, op: Any, after: Answer, frame: Pfn) -> bool:
    """The frames of the block that is handed out leave the lists, and no other."""
    result, rest = after
    if result.failed:
        return same_frames(lists, rest, frame)
    return left(lists, result.pfn, op.order, rest, frame)


def free_cover(lists: FreeLists, op: Any, after: Answer, frame: Pfn) -> bool:
    """The frames of the block that comes back are listed, and no other than before."""
    result, rest = after
    if result.failed:
        return same_frames(lists, rest, frame)
    return entered(lists, op.pfn, op.order, rest, frame)


def take_cover(lists: FreeLists, op: Any, after: Answer, frame: Pfn) -> bool:
    """The frames of the block that is taken leave the lists, and no other."""
    result, rest = after
    if result.failed:
        return same_frames(lists, rest, frame)
    return left(lists, op.pfn, op.order, rest, frame)


def kind_cover(lists: FreeLists, after: Answer, frame: Pfn) -> bool:
    """The same frames are listed."""
    return same_frames(lists, after[1], frame)


def freed_merged(zone: Zone, op: Any, after: Answer, place: Pfn) -> bool:
    """A block of at most a pageblock that comes back is merged as far as types allow: neither half of a pair is left apart."""
    result, rest = after
    if result.failed or op.order > zone.span.pageblock_order:
        return True
    return no_pair_around(zone.span, op.pfn, rest, place)


def unisolated_merged(zone: Zone, lists: FreeLists, op: Any, after: Answer, place: Pfn) -> bool:
    """A free pageblock that is no longer isolated is merged as far as types allow."""
    result, rest = after
    start = head_of(op.pfn, zone.span.pageblock_order)
    if result.failed or law.listed_order(lists, start) != zone.span.pageblock_order:
        return True
    return no_pair_around(zone.span, start, rest, place)


# --- take ----------------------------------------------------------------------------------------------------------------


def settling(zone: Zone, was_pfn: PfnEnd, pfn: PfnEnd, end: PfnEnd, lists: FreeLists, frame: Pfn) -> bool:
    """The frames of the block that was taken are not listed."""
    taken = (was_pfn <= frame) & (frame < end)
    return (was_pfn <= pfn) & ((taken == False) | (listed_owners(lists, frame) == 0))  # noqa: E712  # may be symbolic


SETTLING = LoopInvariant(
    linux.SETTLE,
    (
        legal_zone, settling,
        bound(same_frames, lists="was_lists", after="lists"), bound(same_blocks, lists="was_lists", after="lists"),
        bound(one_class, span="zone.span", lists="was_lists", after="lists"), *STATE,
    ),
    id="BUDDY-SETTLE-STEP",
)  # fmt: skip

# --- alloc ---------------------------------------------------------------------------------------------------------------


def usable_frames(zone: Zone, lists: FreeLists, order: Order, flags: Flags, after: law.Answer, frame: Pfn) -> bool:
    """What was handed out lies in pageblocks of kinds that the request may be served from."""
    inside = (after[0] != law.NOBODY) & holds_frame(after[0], order, frame)
    return (inside == False) | core.kind_usable(kind_of(type_at(zone.span, lists, frame)), flags)  # noqa: E712  # may be symbolic


def alloc_source(zone: Zone, lists: FreeLists, op: Any, after: Answer, frame: Pfn) -> bool:
    """What is handed out lies in pageblocks of kinds that the request may be served from."""
    result, rest = after
    return result.failed or usable_frames(zone, lists, op.order, op.flags, (result.pfn, rest), frame)


RMQUEUE = Contract(
    "BUDDY-RMQUEUE-ANSWER", linux.rmqueue, tuple((n, usable_frames if n == "SOURCE" else p) for n, p in SERVED),
    requires=REQUEST, keeps=FALL_BACK.keeps,
)  # fmt: skip

# --- answers that name a block --------------------------------------------------------------------------------------------


def free_and_aligned(zone: Zone, pfn: Pfn, order: Order, frame: Pfn) -> bool:
    """A block is aligned, and the core has each of its frames free: in one block, by BUDDY-3."""
    inside = holds_frame(pfn, order, frame)
    return is_aligned(pfn, order) & ((inside == False) | is_free(frame, zone.free))  # noqa: E712  # may be symbolic


def alloc_answer(zone: Zone, op: Alloc, after: Answer, frame: Pfn) -> bool:
    """A request that no zone serves is refused with EINVAL; another fails with ENOMEM or gets an aligned block that was free."""
    result, served = after[0], core.alloc_served(zone.span, op)
    if result.failed:
        return served == (result.name == "ENOMEM") and result.name in ("ENOMEM", "EINVAL")
    return served & free_and_aligned(zone, result.pfn, op.order, frame)


def take_answer(zone: Zone, op: Take, after: Answer, frame: Pfn) -> bool:
    """A take is refused with EINVAL, or its block is aligned and was free."""
    result = after[0]
    return result.name == "EINVAL" if result.failed else free_and_aligned(zone, op.pfn, op.order, frame)


def unreserve_answer(zone: Zone, op: Unreserve, after: Answer, frame: Pfn) -> bool:
    """The end of a reservation is refused with EINVAL for a type that no block may have, else its block is aligned and free."""
    result, known = after[0], op.migratetype <= RECLAIMABLE
    if result.failed:
        return known == (result.name == "ENOENT") and result.name in ("ENOENT", "EINVAL")
    return known & free_and_aligned(zone, result.pfn, result.order, frame)


def _answering(goal: Predicate, *obligations: Obligation) -> tuple[Obligation, ...]:
    """Return an operation's obligations with one about the block that it answers with, whose lists cover the core's frames."""
    defined = next(o for o in obligations if o.goal is None and not o.keeps)
    more = attrs.evolve(
        defined, id=defined.id.replace("DEFINED", "ANSWER"), goal=goal, invariants=(*defined.invariants, covered),
        invariant="lists: answer", rests_on=(*defined.rests_on, defined.id),
        statement=f"{defined.subject_function.__name__}: {(function_of(goal).__doc__ or '').strip()}",
    )  # fmt: skip
    return (*obligations, more)


# --- the operations ------------------------------------------------------------------------------------------------------

KEPT: tuple[tuple[str, Predicate], ...] = (
    ("LAWFUL", bound(lawful, lists="after.1", span="zone.span")),
    ("TYPED", bound(typed, lists="after.1", span="zone.span")),
    ("LINKED", bound(linked, lists="after.1")),
)


def answer(judge: Predicate) -> tuple[str, Predicate]:
    """Return the column that says that the answer is one that the core allows."""
    return "ANSWER", bound(function_of(judge), result="after.0")


PAIRS = ("PAIRS", bound(no_new_pair, after="after.1", span="zone.span"))

NOTHING_ABOVE = (
    "no listed block larger than a pageblock holds the pageblock: it follows from RETYPE-BUSY, BUDDY-COVER and BUDDY-3 by an "
    "induction over orders that is not mechanised; recounts check it in every run"
)


def nothing_above_op(zone: Zone, lists: FreeLists, op: Retype) -> bool:
    """No listed block larger than a pageblock holds the frame."""
    return nothing_above(zone.span, lists, op.pfn)


_BASE = Obligation(
    "", (c.BUDDY_COVER, c.BUDDY_3, c.BUDDY_4, c.BUDDY_5), "", linux.free_choose, complete=completed, small_sizes=SMALL
)


def _operation(
    name: str, choose: Callable[..., Any], cover: Predicate, template: Obligation, *more: tuple[str, Predicate],
    given: tuple[Predicate, ...] = (),
) -> tuple[Obligation, ...]:  # fmt: skip
    """Return an operation's obligations about the lists."""
    contract = Contract(
        f"BUDDY-{name}-LISTS", choose, (("COVER", cover), *KEPT, *more), requires=(legal_zone, *given, *STATE)
    )  # fmt: skip
    found = proofs_of(contract, template)
    return tuple(attrs.evolve(o, operation=name.lower(), invariant=f"lists: {o.invariant}") for o in found)


OBLIGATIONS = (
    *proofs_of(RMQUEUE, attrs.evolve(_BASE, contracts=(FROM_TYPE, FALL_BACK))),
    *_answering(
        alloc_answer,
        *_operation(
            "ALLOC", linux.alloc_choose, alloc_cover, attrs.evolve(_BASE, contracts=(FROM_TYPE, RMQUEUE)), PAIRS,
            ("SOURCE", alloc_source),
        ),
    ),
    *_operation(
        "FREE", linux.free_choose, free_cover, attrs.evolve(_BASE, cuts=(ALIKE,), contracts=(FREE_ONE, FREE_PIECES)), PAIRS,
        ("MERGED", freed_merged), answer(free_lawful),
    ),
    *_operation(
        "PUTBACK", linux.putback_choose, free_cover, attrs.evolve(_BASE, cuts=(ALIKE,), contracts=(FREE_ONE, FREE_PIECES)), PAIRS,
        ("MERGED", freed_merged), answer(free_lawful),
    ),
    step_of(SETTLING, attrs.evolve(_BASE, clauses=(c.TAKE_MOVABLE,), contracts=(SET_TYPES, MOVE_PAGEBLOCK))),
    *_answering(
        take_answer,
        *_operation(
            "TAKE", linux.take_choose, take_cover,
            attrs.evolve(_BASE, cuts=(SETTLING,), contracts=(DELIST, SET_TYPES, MOVE_PAGEBLOCK)), PAIRS,
        ),
    ),
    *_operation("ISOLATE", linux.isolate_choose, kind_cover, attrs.evolve(_BASE, contracts=(CONVERT,)), answer(isolate_lawful)),
    *_operation(
        "UNISOLATE", linux.unisolate_choose, kind_cover, attrs.evolve(_BASE, contracts=(CONVERT, DELIST, SET_TYPES, FREE_ONE)),
        answer(unisolate_lawful),
        ("MERGED", unisolated_merged),
    ),
    *_operation(
        "RETYPE", linux.retype_choose, kind_cover,
        attrs.evolve(_BASE, contracts=(MOVE_PAGEBLOCK, OVER), assumptions=(NOTHING_ABOVE,)), answer(retype_lawful),
        given=(nothing_above_op,),
    ),
    *_operation(
        "RESERVE", linux.reserve_choose, kind_cover, attrs.evolve(_BASE, contracts=(MOVE_PAGEBLOCK, SET_TYPES)),
        answer(reserve_lawful),
    ),
    *_answering(
        unreserve_answer,
        *_operation(
            "UNRESERVE", linux.unreserve_choose, kind_cover,
            attrs.evolve(_BASE, contracts=(SMALLEST, MOVE_PAGEBLOCK, SET_TYPES, DELIST, ENLIST)),
        ),
    ),
)  # fmt: skip
