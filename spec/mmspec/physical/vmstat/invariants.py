"""What is true of the counters after every operation, said of one CPU's part of one counter, or of one counter."""

from __future__ import annotations

from collections.abc import Iterator

from mmspec.component import Invariant
from mmspec.physical.vmstat import clauses as c
from mmspec.physical.vmstat.linux import snapshot
from mmspec.physical.vmstat.ops import CPU_BITS, MAX_THRESHOLD, Cell, Item
from mmspec.physical.vmstat.state import Cells, Zone, cell_of


def held_within(zone: Zone, cells: Cells, cell: Cell) -> bool:
    """A CPU holds back no more than its largest threshold since it last handed over, and so at most 125: an s8 holds it."""
    held, widest = cells.held.get(cell, 0), cells.widest.get(cell & ((1 << CPU_BITS) - 1), 0)
    return (held <= widest) & (held >= -widest) & (widest <= MAX_THRESHOLD)


def nothing_lost(zone: Zone, cells: Cells, item: Item) -> bool:
    """A counter and what the CPUs hold back of it sum to all that was added; so it is off by their widest thresholds at most."""
    return snapshot(zone, cells, item) == zone.exact.get(item, 0)


def cells_of(zone: Zone, cells: Cells) -> Iterator[Cell]:
    """Yield every CPU's part of every counter."""
    return (cell_of(cpu, item) for cpu in range(zone.cpus) for item in range(zone.items + 1))


def items_of(zone: Zone, cells: Cells) -> Iterator[Item]:
    """Yield every counter."""
    return iter(range(zone.items + 1))


INVARIANTS = (
    Invariant(c.CELL, held_within, cells_of),
    Invariant(c.SUM, nothing_lost, items_of, recount=True),
)
