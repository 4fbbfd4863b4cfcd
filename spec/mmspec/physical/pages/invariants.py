"""What is true of whose each frame is after every operation, and of Linux's parts beside it."""

from __future__ import annotations

from collections.abc import Iterator

from mmspec.component import Invariant
from mmspec.physical.buddy.ops import CMA, ISOLATE
from mmspec.physical.pages import clauses as c
from mmspec.physical.pages.ops import FREE_CMA, FREE_PAGES, Zone
from mmspec.physical.pages.parts import counted_of
from mmspec.physical.pages.state import Linux, Memory
from mmspec.physical.vmstat.state import cell_of


def held_in(linux: Linux, zone: Zone) -> int:
    """Return how many frames of a zone CPUs hold. A reader's function."""
    return sum(count for _, count in linux.parts[zone].pages.count.items())


def conserved(memory: Memory, linux: Linux, zone: Zone) -> bool:
    """Each frame of a zone is free, held by a CPU, or with a request: the three sum to all of them."""
    frames = linux.parts[zone].zone
    free = counted_of(frames) + frames.frames.get(ISOLATE, 0)
    return free + held_in(linux, zone) + memory.taken.get(zone, 0) == memory.topology.managed[zone]


def lost_none(memory: Memory, linux: Linux, zone: Zone) -> bool:
    """The counters, with what CPUs hold back, are what the free lists have."""
    parts = linux.parts[zone]
    free, cma = parts.cells.counter.get(FREE_PAGES, 0), parts.cells.counter.get(FREE_CMA, 0)
    for cpu in range(parts.stat.cpus):
        free += parts.cells.held.get(cell_of(cpu, FREE_PAGES), 0)
        cma += parts.cells.held.get(cell_of(cpu, FREE_CMA), 0)
    return free == counted_of(parts.zone) and cma == parts.zone.frames.get(CMA, 0)


def zones(memory: Memory, linux: Linux) -> Iterator[Zone]:
    """Yield every zone."""
    return (zone for zone, _ in linux.parts.items())


INVARIANTS = (
    Invariant(c.CONSERVED, conserved, zones, recount=True),
    Invariant(c.COUNTED, lost_none, zones, recount=True),
)
