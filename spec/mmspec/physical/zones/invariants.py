"""What is true of the counts of placement after every operation."""

from __future__ import annotations

from collections.abc import Iterator

from mmspec.component import Invariant
from mmspec.physical.zones import clauses as c
from mmspec.physical.zones.ops import Zone
from mmspec.physical.zones.state import Lists, Topology


def near_and_far(topology: Topology, lists: Lists, zone: Zone) -> bool:
    """A zone's hits and misses are as many as its local and other allocations."""
    served = topology.hit.get(zone, 0) + topology.miss.get(zone, 0)
    return served == topology.local.get(zone, 0) + topology.other.get(zone, 0)


def missed_elsewhere(topology: Topology, lists: Lists, zone: Zone) -> bool:
    """Over all zones, misses are as many as foreign."""
    missed: int = sum(count for _, count in topology.miss.items())
    foreign: int = sum(count for _, count in topology.foreign.items())
    return missed == foreign


def counting(topology: Topology, lists: Lists) -> Iterator[Zone]:
    """Yield the zones that served."""
    yield from (zone for zone, _ in topology.local.items())
    yield from (zone for zone, _ in topology.other.items())


def one(topology: Topology, lists: Lists) -> Iterator[Zone]:
    """Yield one zone: what is asked is asked of all together."""
    yield 0


INVARIANTS = (
    Invariant(c.SUMS, near_and_far, counting),
    Invariant(c.SUMS, missed_elsewhere, one, recount=True),
)
