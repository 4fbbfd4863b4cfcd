"""The buddy allocator's core: for zones of any size and shape, with or without holes, and all orders.

Each operation has one obligation that what its text claims on the way holds (``DEFINED``: keys are there, words fit, the
loops' invariants hold at their entries), and one for each invariant that it keeps.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, Predicate, bound, function_of
from mmspec.clause import Clause
from mmspec.errors import EBUSY, EINVAL, ENOENT, ENOMEM, Done, Error
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import core
from mmspec.physical.buddy.core import MERGE, SPLIT, block_over, holds_frame
from mmspec.physical.buddy.invariants import allocated_placed, free_placed, is_memory, merged, owned_once
from mmspec.physical.buddy.ops import Alloc, Free, Page, Putback, Take
from mmspec.physical.buddy.state import Zone, kind_at
from mmspec.pmap import PMap, pmap
from mmspec.words import ABSENT, MAX_ORDER_LIMIT, Count, Migratetype, Order, Pfn, head_of, is_aligned, size_of

BLOCKS = 1
"""Largest excess of a block's order over pageblock_order for which the accounts are proved (x86-64, arm64 4K: 10 over 9)."""

BOUNDS = {"order - pageblock_order": f"<= {BLOCKS}"}

# --- what is true at the loops' heads ------------------------------------------------------------------------------------


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


def over(blocks: PMap[Pfn, Order], pfn: Pfn, order: Order, after: Order) -> bool:
    """The answer is the order of a block over the given one, or ABSENT, and then there is none."""
    found = (order <= after) & (after <= MAX_ORDER_LIMIT) & (blocks.get(head_of(pfn, after), ABSENT) == after)
    none = after == ABSENT
    for k in range(MAX_ORDER_LIMIT + 1):
        none &= (k < order) | (blocks.get(head_of(pfn, k), ABSENT) != k)
    return found | none


OVER = Contract("BUDDY-BLOCK-OVER", block_over, (("", over),))
MERGING = LoopInvariant(MERGE, merging)
SPLITTING = LoopInvariant(SPLIT, splitting)

# --- what is given -------------------------------------------------------------------------------------------------------


def legal_span(zone: Zone) -> bool:
    """The zone's fixed part is what ``span_of`` lets through the door."""
    span = zone.span
    orders = (span.pageblock_order <= span.max_order) & (span.max_order <= MAX_ORDER_LIMIT)
    return (span.start_pfn < span.end_pfn) & orders


def few_pageblocks(zone: Zone, op: Free) -> bool:
    """The block has few pageblocks: their accounts are kept one by one."""
    return op.order <= zone.span.pageblock_order + BLOCKS


def free_lawful(zone: Zone, op: Free, result: Any) -> bool:
    """The answer to the free is allowed."""
    return core.free_allowed(zone, op, result) is None


def alloc_lawful(zone: Zone, op: Alloc, result: Any) -> bool:
    """The answer to the allocation is allowed (a refusal changes nothing, whatever its reason)."""
    return True if result.failed else core.alloc_allowed(zone, op, result) is None


def take_lawful(zone: Zone, op: Take, result: Any) -> bool:
    """The answer to the take is allowed."""
    return core.take_allowed(zone, op, result) is None


def counters_bounded(zone: Zone) -> bool:
    """No counter exceeds the number of frame numbers."""
    bounded = True
    for kind in range(6):
        bounded &= zone.frames.get(kind, 0) <= 1 << 52
    return bounded


def counters_cover(zone: Zone, pfn: Pfn, order: Order) -> bool:
    """Each kind's counter is at least the frames that a free block has in pageblocks of the kind."""
    step = zone.span.pageblock_order
    covered = True
    for kind in range(6):
        if order <= step:
            frames = (kind_at(zone, pfn) == kind) * size_of(order)
        else:
            frames = 0
            for i in range(1 << (order - step)):
                frames += (kind_at(zone, pfn + (i << step)) == kind) * size_of(step)
        covered &= zone.frames.get(kind, 0) >= frames
    return covered


def taken_counted(zone: Zone, op: Take, result: Any) -> bool:
    """The counters cover the block that is taken."""
    return True if result.failed else counters_cover(zone, op.pfn, op.order)


def page_counted(zone: Zone, op: Alloc, result: Any) -> bool:
    """The counters cover the block that is handed out."""
    return True if result.failed else counters_cover(zone, result.pfn, op.order)


COUNTERS = (
    "each counter is the recount of its kind's free frames (BUDDY-6, recounted after every operation of a run): it is at most "
    "2**52 and at least what any one free block has in pageblocks of the kind"
)

# --- goals ---------------------------------------------------------------------------------------------------------------


def conserved(zone: Zone, after: Zone, frame: Pfn) -> bool:
    """Every frame has as many owners as before."""
    return core.owners(after, frame) == core.owners(zone, frame)


def freed_counted(zone: Zone, op: Free, result: Any, after: Zone, kind: Migratetype) -> bool:
    """A kind's counter rises by the frames that the block has in pageblocks of the kind."""
    if result.failed:
        return after.frames.get(kind, 0) == zone.frames.get(kind, 0)
    return counter_moves(zone, after, op.pfn, op.order, kind, 1)


def handed_counted(zone: Zone, op: Alloc, result: Any, after: Zone, kind: Migratetype) -> bool:
    """A kind's counter falls by the frames that the block has in pageblocks of the kind."""
    if result.failed:
        return after.frames.get(kind, 0) == zone.frames.get(kind, 0)
    return counter_moves(zone, after, result.pfn, op.order, kind, -1)


def take_counted(zone: Zone, op: Take, result: Any, after: Zone, kind: Migratetype) -> bool:
    """A kind's counter falls by the frames that the block has in pageblocks of the kind."""
    if result.failed:
        return after.frames.get(kind, 0) == zone.frames.get(kind, 0)
    return counter_moves(zone, after, op.pfn, op.order, kind, -1)


def counter_moves(zone: Zone, after: Zone, pfn: Pfn, order: Order, kind: Migratetype, sign: int) -> bool:
    """The kind's counter moved by ``sign`` times the block's frames in pageblocks of the kind."""
    step = zone.span.pageblock_order
    if order <= step:
        frames = (kind_at(zone, pfn) == kind) * size_of(order)
    else:
        frames = 0
        for i in range(1 << (order - step)):
            frames += (kind_at(zone, pfn + (i << step)) == kind) * size_of(step)
    return after.frames.get(kind, 0) == zone.frames.get(kind, 0) + sign * frames


def lawful_iff_live(zone: Zone, op: Free, result: Any, after: Any) -> bool:
    """A free is accepted if the block is one live allocation, else refused with EINVAL, and no other answer is allowed."""
    live = (zone.allocated.get(op.pfn, ABSENT) == op.order) & (op.order != ABSENT)
    if result.failed and result.name != "EINVAL":
        return bool(after is not None)
    lawful: bool = live == ((after is None) != result.failed)
    return lawful


def page_was_free(zone: Zone, op: Alloc, result: Page, after: Any, frame: Pfn) -> bool:
    """Every frame of a page that may be handed out is memory and was free; the block is aligned."""
    if after is not None:
        return True
    inside = holds_frame(result.pfn, op.order, frame)
    free = free_owners(zone.free, frame) == 1
    return is_aligned(result.pfn, op.order) & ((inside == False) | (free & is_memory(zone, frame)))  # noqa: E712


def others_stay(zone: Zone, op: Alloc, result: Any, after: Zone, place: Pfn) -> bool:
    """No free block but the one that is taken from changes its extent, and no other block becomes allocated."""
    if result.failed:
        return (after.free.get(place, ABSENT) == zone.free.get(place, ABSENT)) & (
            after.allocated.get(place, ABSENT) == zone.allocated.get(place, ABSENT)
        )
    have = block_over(zone.free, result.pfn, op.order)
    inside = holds_frame(head_of(result.pfn, have), have, place)
    same = after.free.get(place, ABSENT) == zone.free.get(place, ABSENT)
    other = (place == result.pfn) | (after.allocated.get(place, ABSENT) == zone.allocated.get(place, ABSENT))
    stays: bool = (inside | same) & other
    return stays


# --- further places ------------------------------------------------------------------------------------------------------


def last_free_frame(after: Zone, pfn: Pfn) -> Pfn:
    """The last frame of the free block at the goal's place."""
    return pfn + size_of(after.free.get(pfn, 0)) - 1


# --- counterexamples -----------------------------------------------------------------------------------------------------


def small_zone(zone: Zone) -> bool:
    """The zone is small enough for every frame to be listed."""
    return (zone.span.end_pfn <= 64) & (zone.span.max_order <= 5)


def completed(arguments: dict[str, Any]) -> dict[str, Any]:
    """Hand every frame of memory that no block holds out by itself, and count the free frames anew."""
    zone: Zone = arguments["zone"]
    allocated, span = zone.allocated, zone.span
    for frame in range(span.start_pfn, span.end_pfn):
        if not core.owners(zone, frame) and not span.holes.get(frame, False):
            allocated = allocated.set(frame, 0)
    frames: dict[Migratetype, Count] = {}
    for pfn, order in zone.free.items():
        for frame in range(pfn, pfn + size_of(order)):
            kind = kind_at(zone, frame)
            frames[kind] = frames.get(kind, 0) + 1
    return {**arguments, "zone": attrs.evolve(zone, allocated=allocated, frames=pmap(frames))}


# --- the obligations -----------------------------------------------------------------------------------------------------

STATE: tuple[Predicate, ...] = (owned_once, free_placed, allocated_placed, merged)

KEPT: tuple[tuple[str, Predicate, Clause], ...] = (
    ("OWNED", owned_once, c.BUDDY_1),
    ("FREE-PLACED", free_placed, c.BUDDY_2),
    ("HANDED-PLACED", allocated_placed, c.BUDDY_2),
    ("MERGED", merged, c.BUDDY_3),
)
"""The invariants of the zone that are pointwise: name, predicate, clause."""


def _family(name: str, base: Obligation, counted: Predicate, *more: tuple[str, Predicate, Clause]) -> tuple[Obligation, ...]:
    """Return an operation's obligations: its own claims, the invariants, its counters, and more goals."""
    defined, account = f"BUDDY-{name}-DEFINED", f"BUDDY-{name}-ACCOUNT"
    counters = (counters_bounded, page_counted, taken_counted)
    plain = attrs.evolve(
        base, given=tuple(g for g in base.given if g not in counters), forget=(core.count_block, *base.forget)
    )  # fmt: skip
    bounded = attrs.evolve(
        base, given=(legal_span, few_pageblocks, *base.given[1:]), bounds=BOUNDS, assumptions=(COUNTERS,),
        clauses=(c.BUDDY_6,),
    )  # fmt: skip
    found = [
        attrs.evolve(
            plain, id=defined, invariant="defined",
            statement=f"{name.lower()}: every key is there, every word fits, every loop is entered lawfully (its accounts apart)",
        ),
        attrs.evolve(
            bounded, id=account, invariant="account", rests_on=(*base.rests_on,),
            statement=f"{name.lower()}: every key is there, every word fits, every loop is entered lawfully, its accounts too",
        ),
    ]  # fmt: skip
    goals: list[tuple[str, Predicate, Clause]] = [
        (column, bound(function_of(holds), zone="after"), clause) for column, holds, clause in KEPT
    ]
    goals += [("CONSERVED", conserved, c.BUDDY_1), *more]
    for column, goal, clause in goals:
        function = function_of(goal)
        found.append(
            attrs.evolve(
                plain, id=f"BUDDY-{name}-{column}", clauses=(clause,), goal=goal, invariant=column.lower(),
                statement=f"{name.lower()}: {(function.__doc__ or '').strip()}",
                also=(last_free_frame,) if column == "FREE-PLACED" else (), rests_on=(defined, *base.rests_on),
            )
        )  # fmt: skip
    function = function_of(counted)
    found.append(
        attrs.evolve(
            bounded, id=f"BUDDY-{name}-COUNTED", goal=counted, rests_on=(account, *base.rests_on), invariant="counted",
            unaided=True,
            statement=f"{name.lower()}: {(function.__doc__ or '').strip()}",
        )
    )  # fmt: skip
    return tuple(found)


MERGE_STEP = Obligation(
    id="BUDDY-MERGE-STEP", clauses=(c.BUDDY_1, c.BUDDY_2), statement=(merging.__doc__ or "").strip(), subject=MERGING,
    operation="merge", invariant="step",
)  # fmt: skip
SPLIT_STEP = Obligation(
    id="BUDDY-SPLIT-STEP", clauses=(c.BUDDY_1, c.BUDDY_2), statement=(splitting.__doc__ or "").strip(), subject=SPLITTING,
    operation="split", invariant="step",
)  # fmt: skip

_FREE = Obligation(
    id="", clauses=(c.BUDDY_1,), statement="", subject=core.free_apply, given=(legal_span, free_lawful, counters_bounded),
    invariants=STATE, cuts=(MERGING,), types={"op": Free}, choices={Error: (EINVAL, ENOMEM)},
    rests_on=("BUDDY-MERGE-STEP",), operation="free", small=small_zone, complete=completed,
)  # fmt: skip
_ALLOC = Obligation(
    id="", clauses=(c.BUDDY_1,), statement="", subject=core.alloc_apply,
    given=(legal_span, alloc_lawful, counters_bounded, page_counted), invariants=STATE, cuts=(SPLITTING,),
    forget=(core.block_usable,), choices={Error: (ENOMEM, EINVAL)},  small=small_zone, complete=completed,
    rests_on=("BUDDY-SPLIT-STEP", "BUDDY-BLOCK-OVER"), contracts=(OVER,), operation="alloc",
)  # fmt: skip
_TAKE = Obligation(
    id="", clauses=(c.BUDDY_1,), statement="", subject=core.take_apply,
    given=(legal_span, take_lawful, counters_bounded, taken_counted), invariants=STATE, cuts=(SPLITTING,),
    choices={Error: (EINVAL,)},  small=small_zone, complete=completed,
    rests_on=("BUDDY-SPLIT-STEP", "BUDDY-BLOCK-OVER"), contracts=(OVER,), operation="take",
)  # fmt: skip

OBLIGATIONS = (
    MERGE_STEP,
    SPLIT_STEP,
    Obligation(
        id="BUDDY-BLOCK-OVER", clauses=(c.BUDDY_1,), statement=(over.__doc__ or "").strip(), subject=block_over, goal=over,
        operation="block_over", invariant="step",
    ),
    *_family("FREE", _FREE, freed_counted),
    *_family("PUTBACK", attrs.evolve(_FREE, types={"op": Putback}, operation="putback"), freed_counted),
    *_family("ALLOC", _ALLOC, handed_counted, ("OTHERS", others_stay, c.ALLOC_FREE)),
    *_family("TAKE", _TAKE, take_counted),
    Obligation(
        id="BUDDY-FREE-LAWFUL", clauses=(c.FREE_ACCEPTED, c.FREE_REFUSED), statement=(lawful_iff_live.__doc__ or "").strip(),
        subject=core.free_allowed, goal=lawful_iff_live, types={"op": Free},
        choices={Error: (EINVAL, ENOMEM, EBUSY, ENOENT), Done: (Done(),)}, operation="free", invariant="lawful",
    ),
    Obligation(
        id="BUDDY-ALLOC-LAWFUL", clauses=(c.ALLOC_ALIGNED, c.ALLOC_INSIDE, c.ALLOC_FREE),
        statement=(page_was_free.__doc__ or "").strip(), subject=core.alloc_allowed, goal=page_was_free,
        given=(legal_span,), invariants=STATE, types={"result": Page}, forget=(core.block_usable,), contracts=(OVER,),
        rests_on=("BUDDY-BLOCK-OVER",), operation="alloc", invariant="lawful",
    ),
)  # fmt: skip
