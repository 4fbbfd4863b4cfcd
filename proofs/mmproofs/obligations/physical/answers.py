"""What the implementation's kernels answer is what the law answers of the state that the arrays stand for, refusals included.

An operation's own part is its refusals: what it does beyond them is done by kernels that ``refined`` is about, which are
forgotten here, so that the arrays may hold anything once they ran.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import attrs

from mmimpl.physical.buddy import fallback, lists, operations
from mmimpl.physical.buddy.memory import LISTS, NONE, Cell, Frame, Zone
from mmproofs.obligation import Obligation, Predicate
from mmproofs.obligations.physical.kernels import about
from mmproofs.obligations.physical.memory import (
    legal_cell,
    linked,
    same_block,
    same_count,
    same_held,
    same_kernel,
    same_link,
    same_neighbours,
    same_span,
    same_type,
)  # fmt: skip
from mmproofs.obligations.physical.refined import BOUNDS, LAW, below_top, block_inside, few_pageblocks, small_state
from mmspec.clause import Clause
from mmspec.errors import EBUSY, EINVAL, Done, Error
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import fallback as law_fallback
from mmspec.physical.buddy import kinds as law_kinds
from mmspec.physical.buddy import linux as law_linux
from mmspec.physical.buddy import lists as law_lists
from mmspec.physical.buddy import state
from mmspec.physical.buddy.ops import ALLOC_CMA, ALLOC_FLAGS, RECLAIMABLE, Isolate, Reserve, Unisolate
from mmspec.physical.buddy.state import FreeLists
from mmspec.words import ABSENT, MAX_ORDER_LIMIT, Count, Flags, Migratetype, Order, Pfn, size_of

# --- what is given -------------------------------------------------------------------------------------------------------


def at_most_heads(zone: Zone, pfn: Frame) -> bool:
    """The frame is one of the arrays', or ``heads``, which stands for all others."""
    return pfn <= zone.heads


def legal_order(zone: Zone, order: Order) -> bool:
    """The order exists."""
    return order <= zone.max_order


def inside_alike(zone: Zone, base: Pfn, core: state.Zone, pfn: Frame) -> bool:
    """The zone spans the whole pageblock at a frame if the law's does: proved by BUDDY-KERNEL-PAGEBLOCK-INSIDE-ANSWERS."""
    return lists.pageblock_inside(zone, pfn) == state.pageblock_inside(core.span, base + pfn)


def known_cell(cell: Cell) -> bool:
    """The cell is one that a kernel writes."""
    return (cell == NONE) | ((cell < LISTS) | ((cell & ~0x1F) == 0x80)) & ((cell & 15) != ABSENT)


# --- answers of scalar kernels -------------------------------------------------------------------------------------------


def kind(migratetype: Migratetype, after: Migratetype) -> bool:
    """It is the law's ``kind_of``."""
    return after == state.kind_of(migratetype)


def frames(cell: Cell, after: Count) -> bool:
    """It is the size of the block whose list's number or order the cell holds, and 1 where there is no block."""
    return after == (1 if cell == NONE else size_of(state.order_of_list(cell)))


def spans_pageblock(base: Pfn, core: state.Zone, pfn: Frame, after: bool) -> bool:
    """It is the law's ``pageblock_inside``."""
    return after == state.pageblock_inside(core.span, base + pfn)


def spans(base: Pfn, core: state.Zone, pfn: Frame, after: bool) -> bool:
    """It is the law's ``in_zone``."""
    return after == state.in_zone(core.span, base + pfn)


def merges_too(
    base: Pfn, core: state.Zone, lists: FreeLists, pfn: Frame, order: Order, migratetype: Migratetype, after: bool
) -> bool:
    """It is the head of the law's merging loop."""
    return after == law_lists.listed_merge_more(core.span, lists, base + pfn, order, migratetype)


def likely_too(base: Pfn, core: state.Zone, lists: FreeLists, pfn: Frame, order: Order, after: bool) -> bool:
    """It is the law's ``merge_likely``."""
    return after == law_lists.merge_likely(core.span, lists, base + pfn, order)


def one_type_too(base: Pfn, core: state.Zone, lists: FreeLists, pfn: Frame, order: Order, after: bool) -> bool:
    """It is the law's ``one_type``."""
    return after == law_lists.one_type(core.span, lists, base + pfn, order)


def claims_too(core: state.Zone, order: Order, migratetype: Migratetype, after: bool) -> bool:
    """It is the law's ``can_claim``."""
    return after == law_fallback.can_claim(core.span, order, migratetype)


def cma_too(core: state.Zone, after: bool) -> bool:
    """It is the law's ``cma_first``, asked by a request that may have CMA."""
    return after == law_linux.cma_first(core, ALLOC_CMA)


def falls_back_too(
    zone: Zone, base: Pfn, lists: FreeLists, order: Order, migratetype: Migratetype, after: Frame
) -> bool:  # fmt: skip
    """It is the law's ``find_fallback``: the same block, or none."""
    found = law_fallback.find_fallback(lists, order, migratetype)
    return (found == law_lists.NOBODY) if after == zone.heads else same_link(zone, base, after, found)


def live_too(base: Pfn, core: state.Zone, pfn: Frame, order: Order, after: bool) -> bool:
    """It is the law's ``is_live``."""
    return after == law_linux.is_live(core, base + pfn, order)


# --- refusals ------------------------------------------------------------------------------------------------------------


def result_of(number: int) -> Done | Error:
    """Return the law's result that a kernel's number stands for."""
    if number == errno.EINVAL:
        return EINVAL
    return EBUSY if number == errno.EBUSY else Done()


def alloc_refused(zone: Zone, order: Order, migratetype: Migratetype, flags: Flags, after: Frame) -> bool:
    """It refuses with EINVAL what is no request."""
    wrong = (order > zone.max_order) | (migratetype > RECLAIMABLE) | ((flags & ~ALLOC_FLAGS) != 0)
    return (after == zone.heads + errno.EINVAL) | (wrong == False)  # noqa: E712  # a truth may be symbolic


def freed_lawfully(base: Pfn, core: state.Zone, pfn: Frame, order: Order, after: Count) -> bool:
    """It frees one live allocation and refuses everything else with EINVAL."""
    return after == (0 if law_linux.is_live(core, base + pfn, order) else errno.EINVAL)


def taken_lawfully(base: Pfn, lists: FreeLists, pfn: Frame, order: Order, after: Count) -> bool:
    """It takes one listed block and refuses everything else with EINVAL."""
    listed = (order != ABSENT) & (law_lists.listed_order(lists, base + pfn) == order)
    return after == (0 if listed else errno.EINVAL)


def isolated_lawfully(base: Pfn, core: state.Zone, pfn: Frame, after: Count) -> bool:
    """The law allows the answer to the isolation."""
    return law_kinds.isolate_allowed(core, Isolate(base + pfn), result_of(after)) is None


def unisolated_lawfully(base: Pfn, core: state.Zone, pfn: Frame, migratetype: Migratetype, after: Count) -> bool:
    """The law allows the answer to the end of an isolation."""
    return law_kinds.unisolate_allowed(core, Unisolate(base + pfn, migratetype), result_of(after)) is None


def reserved_lawfully(base: Pfn, core: state.Zone, pfn: Frame, order: Order, after: Count) -> bool:
    """The law allows the answer to the reservation."""
    return law_kinds.reserve_allowed(core, Reserve(base + pfn, order), result_of(after)) is None


# --- the obligations -----------------------------------------------------------------------------------------------------


def answers(
    subject: Callable[..., Any], goal: Predicate, clause: Clause, given: tuple[Predicate, ...] = (),
    related: tuple[Predicate, ...] = (), own: tuple[Predicate, ...] = (), apart: tuple[Predicate, ...] = (),
    bare: bool = False, owing: bool = False, **more: Any,
) -> tuple[Obligation, ...]:  # fmt: skip
    """Return the obligations that a kernel is defined and answers as the law does, on a state that the arrays stand for.

    ``related`` relate the arrays to the law's state, ``own`` are what the arrays keep, ``apart`` is proved apart.
    A kernel is ``owing`` if its indices owe to ``own`` that they are inside.
    """
    defined = about(subject, "defined", None, clause, given, own if owing else (), **more)
    known = (*given, same_span, same_kernel, *apart)
    answered = about(subject, "answers", goal, clause, known, (*own, *related), bare=bare, beside=LAW, small=small_state, **more)
    answered = attrs.evolve(answered, rests_on=(*answered.rests_on, *(INSIDE_ALIKE for _ in apart)))
    return (answered,) if bare else (defined, answered)


BUSY = (
    lists.count_block, lists.delist, lists.free_one, lists.free_pieces, lists.step_of, lists.one_type, lists.move_pageblock,
    lists.convert_pageblock, lists.count_moved, lists.set_types, lists.smallest, lists.take_listed, fallback.fall_back,
    fallback.pick_flagged, operations.hand_out, operations.take_back,
)  # fmt: skip
"""The kernels that do what an operation's own text does not."""

INSIDE_ALIKE = "BUDDY-KERNEL-PAGEBLOCK-INSIDE-ANSWERS"

WORK: dict[str, Any] = {"forget": BUSY, "types": {"return": Count}}

EACH_PAGEBLOCK: dict[str, Any] = {"each": {"zone.pageblock_order": tuple(range(MAX_ORDER_LIMIT + 1))}}
"""One case for each size of a pageblock: shifts by an unknown number are hard on solvers."""

OBLIGATIONS = (
    about(lists.kind_of, "answers", kind, c.BUDDY_KIND, (), bare=True),
    about(lists.frames_at, "answers", frames, c.MOVE_TAIL, (known_cell,), bare=True),
    *answers(lists.pageblock_inside, spans_pageblock, c.CLAIM_REFUSED, (at_most_heads,), bare=True, **EACH_PAGEBLOCK),
    *answers(operations.in_zone, spans, c.ISOLATE_ARGS, (at_most_heads,), bare=True),
    *answers(lists.merges, merges_too, c.FREE_2B, (block_inside, below_top), (same_block, same_type)),
    *answers(lists.merge_likely, likely_too, c.FREE_3, (block_inside,), (same_block,)),
    *answers(
        lists.one_type, one_type_too, c.PUTBACK_TAIL, (block_inside, few_pageblocks), (same_type,), bounds=BOUNDS,
        unrolled=(law_lists.ALIKE,),
    ),
    *answers(fallback.can_claim, claims_too, c.CAN_CLAIM, (legal_order,), bare=True),
    *answers(fallback.find_fallback, falls_back_too, c.FALLBACK_ORDER, (legal_order,), (same_neighbours,), (linked,)),
    *answers(fallback.cma_first, cma_too, c.RMQUEUE_1, (), (same_count,)),
    *answers(operations.is_live, live_too, c.FREE_ACCEPTED, (at_most_heads,), (same_held,), (legal_cell,)),
    *answers(operations.alloc, alloc_refused, c.ALLOC_ARGS, **{**WORK, "types": {"return": Frame}}),
    *answers(operations.free, freed_lawfully, c.FREE_REFUSED, (at_most_heads,), (same_held,), (legal_cell,), **WORK),
    *answers(operations.putback, freed_lawfully, c.FREE_REFUSED, (at_most_heads,), (same_held,), (legal_cell,), **WORK),
    *answers(
        operations.take, taken_lawfully, c.TAKE_LISTED, (at_most_heads, few_pageblocks), (same_block,), (legal_cell,),
        owing=True, bounds=BOUNDS, **WORK,
    ),
    *answers(operations.isolate, isolated_lawfully, c.ISOLATE_BUSY, (at_most_heads,), (same_type,), (), (inside_alike,), **WORK),
    *answers(operations.unisolate, unisolated_lawfully, c.UNISOLATE_ARGS, (at_most_heads,), (same_type,), **WORK),
    *answers(
        operations.reserve, reserved_lawfully, c.RESERVE_BUSY, (at_most_heads,), (same_held, same_type), (legal_cell,),
        (inside_alike,), **WORK,
    ),
)  # fmt: skip
