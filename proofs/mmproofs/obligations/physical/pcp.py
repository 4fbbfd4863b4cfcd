"""The two steps of the blocks that CPUs hold: no block is lost or held twice, and counts move by what is held.

They hold for zones of any size, any number of CPUs and blocks. That the frames of a block that comes in are in no other block is
the page allocator's to know, and given here. The count is proved to move by each block; that it is the recount of what is held is
not proved as a sum, and so it is assumed that it covers each block. Linux's order of the lists, and what each operation makes of
the steps, is not proved: programs and blind judges stand for that.
"""

from __future__ import annotations

import attrs

from mmproofs.obligation import Obligation, Predicate, bound, function_of
from mmspec.physical.buddy.core import holds_frame
from mmspec.physical.pcp import clauses as c
from mmspec.physical.pcp import core
from mmspec.physical.pcp.ops import RECLAIMABLE, Cpu
from mmspec.physical.pcp.state import NOT_HELD, Pages, cpu_holding, holding_of, order_held, well_placed
from mmspec.words import MAX_ORDER_LIMIT, Migratetype, Order, Pfn, head_of, size_of

COVERED = "a CPU's count covers each block that it holds, and is far from the end of its word"

# --- what is given -------------------------------------------------------------------------------------------------------------


def holders(pages: Pages, frame: Pfn) -> int:
    """Return in how many held blocks a frame is."""
    count = 0
    for k in range(MAX_ORDER_LIMIT + 1):
        count += order_held(pages.held.get(head_of(frame, k), NOT_HELD)) == k
    return count


def held_once(pages: Pages, frame: Pfn) -> bool:
    """No frame is in two held blocks."""
    return holders(pages, frame) <= 1


def lawful_place(pages: Pages, pfn: Pfn, order: Order) -> bool:
    """The block is aligned, inside the zone, and of an order that exists."""
    return well_placed(pages.span, pfn, order)


def lawful_type(migratetype: Migratetype) -> bool:
    """The block is kept for a type that requests have."""
    return migratetype <= RECLAIMABLE


def comes_in(pages: Pages, pfn: Pfn, order: Order, frame: Pfn) -> bool:
    """No frame of the block is in a block that is held."""
    return (holds_frame(pfn, order, frame) == False) | (holders(pages, frame) == 0)  # noqa: E712  # a truth may be symbolic


def is_held(pages: Pages, cpu: Cpu, pfn: Pfn, order: Order) -> bool:
    """The CPU holds the block."""
    holding = pages.held.get(pfn, NOT_HELD)
    return lawful_place(pages, pfn, order) & (order_held(holding) == order) & (cpu_holding(holding) == cpu)


def room_to_hold(pages: Pages, cpu: Cpu) -> bool:
    """The CPU's count is far from the end of its word."""
    return pages.count.get(cpu, 0) < 1 << 60


def covered(pages: Pages, cpu: Cpu, order: Order) -> bool:
    """The CPU's count covers the block."""
    return pages.count.get(cpu, 0) >= size_of(order)


# --- what a step does to them --------------------------------------------------------------------------------------------------


def now_held(pages: Pages, cpu: Cpu, pfn: Pfn, order: Order, migratetype: Migratetype, after: Pages, place: Pfn) -> bool:
    """The CPU holds the block for the type, and every other block is held as it was."""
    if place == pfn:
        return after.held.get(place, NOT_HELD) == holding_of(cpu, order, migratetype)
    return after.held.get(place, NOT_HELD) == pages.held.get(place, NOT_HELD)


def gone(pages: Pages, pfn: Pfn, after: Pages, place: Pfn) -> bool:
    """Nobody holds the block, and every other block is held as it was."""
    if place == pfn:
        return after.held.get(place, NOT_HELD) == NOT_HELD
    return after.held.get(place, NOT_HELD) == pages.held.get(place, NOT_HELD)


def counted_in(pages: Pages, cpu: Cpu, order: Order, after: Pages, other: Cpu) -> bool:
    """The CPU's count rises by the block's frames, and no other moves."""
    now, was = after.count.get(other, 0), pages.count.get(other, 0)
    return now == was + size_of(order) if other == cpu else now == was


def counted_out(pages: Pages, cpu: Cpu, order: Order, after: Pages, other: Cpu) -> bool:
    """The CPU's count falls by the block's frames, and no other moves."""
    now, was = after.count.get(other, 0), pages.count.get(other, 0)
    return now + size_of(order) == was if other == cpu else now == was


# --- the obligations -----------------------------------------------------------------------------------------------------------


def _step(base: Obligation, placed: Predicate, counted: Predicate) -> tuple[Obligation, ...]:
    """Return the obligations of a step: its own claims, which blocks are held then, that each frame is held once, the count."""
    name, subject = base.id, base.subject_function.__name__
    base = attrs.evolve(
        base, id=f"PCP-{name}-DEFINED", clauses=(c.COUNT,), operation=f"step {subject}", invariant="defined", straight=True,
        statement=f"{subject}: every key is there, and every word fits", assumptions=(COVERED,), unaided=True,
    )  # fmt: skip
    goals = (("PLACED", placed), ("ONCE", bound(held_once, pages="after")), ("COUNTED", counted))
    return base, *(
        attrs.evolve(
            base, id=f"PCP-{name}-{column}", goal=goal, rests_on=(base.id,), invariant=column.lower(),
            statement=f"{subject}: {(function_of(goal).__doc__ or '').strip()}", unaided=column != "ONCE",
        )
        for column, goal in goals
    )  # fmt: skip


OBLIGATIONS = (
    *_step(
        Obligation(
            "HOLD", (), "", core.hold, given=(lawful_place, lawful_type, room_to_hold), invariants=(held_once, comes_in),
        ),
        now_held, counted_in,
    ),
    *_step(Obligation("LET-GO", (), "", core.let_go, given=(is_held, covered), invariants=(held_once,)), gone, counted_out),
)  # fmt: skip
