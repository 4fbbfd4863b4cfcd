"""A zone's counters: no update is lost, and what a CPU holds back stays within its widest threshold: eight bits hold it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmproofs.obligation import Obligation, Predicate
from mmspec.clause import Clause
from mmspec.physical.vmstat import clauses as c
from mmspec.physical.vmstat.linux import dec, inc, mod, step_atomic
from mmspec.physical.vmstat.ops import MAX_THRESHOLD, Cpu, Delta, Item
from mmspec.physical.vmstat.state import Cells, cell_of

ROOM = 1 << 61


def total(cells: Cells, cpu: Cpu, item: Item) -> int:
    """Return a counter with what one CPU holds back of it."""
    return cells.counter.get(item, 0) + cells.held.get(cell_of(cpu, item), 0)


def roomy(cells: Cells, item: Item) -> bool:
    """The counter is far from the ends of its word."""
    counter = cells.counter.get(item, 0)
    return (counter < ROOM) & (counter > -ROOM)


def held_back(cells: Cells, cpu: Cpu, item: Item) -> bool:
    """The CPU holds back no more than its widest threshold, which is no less than the one in force."""
    held, widest = cells.held.get(cell_of(cpu, item), 0), cells.widest.get(cpu, 0)
    within = (held <= widest) & (held >= -widest)
    return within & (cells.threshold.get(cpu, 0) <= widest) & (widest <= MAX_THRESHOLD)


def one_step(delta: Delta) -> bool:
    """A step of one, up or down."""
    return (delta == 1) | (delta == -1)


def stays_within(cells: Cells, cpu: Cpu, item: Item, after: Cells) -> bool:
    """The CPU still holds back no more than its widest threshold."""
    held, widest = after.held.get(cell_of(cpu, item), 0), cells.widest.get(cpu, 0)
    return (held <= widest) & (held >= -widest)


def adds(cells: Cells, cpu: Cpu, item: Item, delta: Delta, after: Cells) -> bool:
    """The counter and what the CPU holds back of it sum to what was added more."""
    return total(after, cpu, item) == total(cells, cpu, item) + delta


def adds_one(cells: Cells, cpu: Cpu, item: Item, after: Cells) -> bool:
    """The counter and what the CPU holds back of it sum to one more."""
    return total(after, cpu, item) == total(cells, cpu, item) + 1


def takes_one(cells: Cells, cpu: Cpu, item: Item, after: Cells) -> bool:
    """The counter and what the CPU holds back of it sum to one less."""
    return total(after, cpu, item) == total(cells, cpu, item) - 1


def others_keep(cells: Cells, cpu: Cpu, item: Item, after: Cells, other: Cpu) -> bool:
    """What any other CPU holds back of the counter is as before."""
    same = after.held.get(cell_of(other, item), 0) == cells.held.get(cell_of(other, item), 0)
    return (other == cpu) | same


def _of(name: str, subject: Callable[..., Any], clause: Clause, sums: Predicate, *given: Predicate) -> tuple[Obligation, ...]:
    known = (roomy, held_back, *given)
    base = Obligation(
        f"VMSTAT-{name}-FITS", (c.CELL, clause), "What the CPU then holds back fits eight bits, and the counter its word.",
        subject, given=known, operation=name.lower(), invariant="defined",
        bounds={"counter": "between -2**61 and 2**61"},
    )  # fmt: skip
    goals = {"SUM": (sums, c.SUM), "WITHIN": (stays_within, c.CELL), "OTHERS": (others_keep, c.SUM)}
    return base, *(
        Obligation(
            f"VMSTAT-{name}-{column}", (about, clause), goal.__doc__ or "", subject, goal, given=known, rests_on=(base.id,),
            operation=name.lower(), invariant=column.lower(),
        )
        for column, (goal, about) in goals.items()
    )  # fmt: skip


OBLIGATIONS = (
    *_of("MOD", mod, c.FLUSH, adds),
    *_of("INC", inc, c.INC, adds_one),
    *_of("DEC", dec, c.DEC, takes_one),
    *_of("ATOMIC", step_atomic, c.ATOMIC, adds, one_step),
)
"""Proved; they join the tuple of all when the ledger is next written."""
