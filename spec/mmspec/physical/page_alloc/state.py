"""Whose parts the page allocator holds, what is free, and who waits, which everybody knows; and Linux's way of going about it.

``Memory`` is a function of the operations and their results. ``Notes`` are Linux's: the parts' policy states, and how far each
request has come. What a map does not hold is 0.
"""

from __future__ import annotations

from itertools import pairwise

import attrs

from mmspec.errors import InputError
from mmspec.physical.page_alloc.ops import (
    KINDS,
    MAX_NODES,
    AllocFlags,
    Ask,
    Compacted,
    Config,
    Context,
    Gfp,
    Kind,
    Mark,
    Node,
    NodeSet,
    Place,
    Priority,
    Retries,
    Rounds,
    Task,
    Truth,
    Zone,
    ZoneEnd,
    ZoneSet,
)  # fmt: skip
from mmspec.physical.watermarks import ops as of_marks
from mmspec.physical.watermarks.linux import initial_marks
from mmspec.physical.watermarks.state import Machine, Marks, machine_of
from mmspec.physical.zones import ops as of_zones
from mmspec.physical.zones.linux import initial_lists
from mmspec.physical.zones.state import Lists, Topology, topology_of
from mmspec.pmap import PMap, pmap
from mmspec.words import MAX_ORDER_LIMIT, Kernel, Order, size_of

ALL_KINDS = (1 << KINDS) - 1
"""The kernel is built with every kind of zone: one without memory is never met."""


@attrs.frozen
class Memory:
    """The zones and what is free in them, and the requests that wait for the outside."""

    max_order: Order
    topology: Topology
    machine: Machine
    reclaimable: PMap[Zone, Mark]  # pages that reclaim could free
    gfp: PMap[Task, Gfp]  # the request of each task that waits, and whatever else is known of it
    order: PMap[Task, Order]
    node: PMap[Task, Node]
    asked: PMap[Task, Ask]  # what it waits for


@attrs.frozen
class Request:
    """A request within its path, and the outside as it is at this moment."""

    gfp: Gfp
    order: Order
    node: Node  # whose list of zones it goes through
    nodes: NodeSet  # the mask that it still minds
    highest: Kind
    flags: AllocFlags
    # what is kept from one question to the next
    asked: Ask
    progress: Truth  # whether the last reclaim, or the OOM killer, made any
    compacted: Compacted  # what the last compaction came to
    priority: Priority  # how hard the next one tries
    retries: Retries  # compactions that succeeded in vain at this priority
    loops: Rounds  # reclaims in a row without progress
    round: Rounds  # rounds begun since the last restart
    # the outside
    context: Context
    cpusets: Truth
    mems: NodeSet
    wall: NodeSet
    dirty: NodeSet
    grown: ZoneSet
    empty: ZoneSet
    reclaimed: Mark
    changed: Truth


@attrs.frozen
class Paths:
    """Linux's lists, marks and notes of zones."""

    kernel: Kernel
    lists: Lists
    marks: Marks
    below: PMap[Zone, bool]  # ZONE_BELOW_HIGH


@attrs.frozen
class Notes:
    """All that is Linux's: what it keeps of zones, and how far each request has come."""

    paths: Paths
    waiting: PMap[Task, Request]


@attrs.frozen
class Scan:
    """How far a request has come in a list of zones, and what it will and will not use."""

    gfp: Gfp
    order: Order
    flags: AllocFlags
    node: Node
    nodes: NodeSet
    highest: Kind
    allowed: NodeSet  # the nodes that the cpuset allows
    dirty: NodeSet  # the nodes that are over their dirty limit; 0 where that is not asked
    grown: ZoneSet
    empty: ZoneSet
    reclaimed: Mark
    preferred: Place  # where the list begins for this request; its end where no zone serves
    place: Place
    end: Place
    taken: ZoneEnd  # NOWHERE until a block is taken


@attrs.frozen
class Way:
    """A request, and what it changes on its way: the parts that a step of it works on."""

    memory: Memory
    paths: Paths
    request: Request
    taken: ZoneEnd  # NOWHERE until a block is taken
    under: AllocFlags  # what the request came to in the last walk, at its end


def parts_of(config: Config) -> tuple[of_zones.Config, of_marks.Config]:
    """Return the configurations of zones and watermarks (InputError: which part of the machine is wrong)."""
    if not 1 <= len(config.nodes) <= MAX_NODES:
        raise InputError(f"{len(config.nodes)} nodes", hint=f"1 to {MAX_NODES}")
    if not 0 <= config.max_order <= MAX_ORDER_LIMIT:
        raise InputError(f"max_order {config.max_order} is none", hint=f"0 to {MAX_ORDER_LIMIT}")
    rows = []
    for node, one in enumerate(config.nodes):
        last = -1
        for zone in one.zones:
            if not last < zone.name < KINDS or zone.end_pfn <= zone.start_pfn:
                raise InputError(f"zone {zone} of node {node}", hint="frames, kinds rising within a node")
            last = zone.name
            rows.append((node, zone.name, zone.end_pfn - zone.start_pfn))
    spans = sorted((zone.start_pfn, zone.end_pfn) for one in config.nodes for zone in one.zones)
    if any(start < end for (_, end), (start, _) in pairwise(spans)):
        raise InputError("two zones overlap", hint="each frame is of one zone")
    cpus = (1 << len(config.nodes)) - 1
    return (
        of_zones.Config(zones=tuple(rows), distance=config.distance, cpus=cpus, kinds=ALL_KINDS),
        of_marks.Config(tuple(rows), pageblock_order=config.pageblock_order),
    )


def memory_of(config: Config) -> Memory:
    """Return the machine that a configuration describes, all of it free (InputError: which part is wrong)."""
    zoned, marked = parts_of(config)
    machine = machine_of(marked)
    free = pmap(dict(machine.managed.items()))
    blocks = pmap({zone: size_of(config.max_order + 1) - 1 for zone, _ in free.items()})
    machine = attrs.evolve(machine, free=free, exact=free, blocks=blocks)
    return Memory(
        config.max_order, topology_of(zoned), machine, pmap(), pmap(), pmap(), pmap(), pmap()
    )  # fmt: skip


def initial_notes(config: Config, kernel: str) -> Notes:
    """Return Linux's lists and marks after the boot."""
    zoned, marked = parts_of(config)
    marks = initial_marks(marked, kernel)
    return Notes(Paths(marks.kernel, initial_lists(zoned, kernel), marks, pmap()), pmap())


def has(nodes: NodeSet, node: Node) -> bool:
    """Tell whether a set has a node."""
    return (nodes >> node) & 1 != 0


def has_zone(some: ZoneSet, zone: Zone) -> bool:
    """Tell whether a set has a zone."""
    return (some >> zone) & 1 != 0
