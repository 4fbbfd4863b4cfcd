"""Whose each frame is, which everybody knows; and Linux's parts: free lists, per-CPU lists and counters of each zone.

``Memory`` is a function of the operations and their results: what no request has is free to it, whoever keeps it. ``Linux`` holds
the states of the components ``buddy``, ``pcp``, ``vmstat`` and ``page_alloc``, each as it is there.
"""

from __future__ import annotations

from itertools import pairwise

import attrs

from mmspec.errors import InputError
from mmspec.physical.buddy import ops as of_buddy
from mmspec.physical.buddy.kinds import isolate_apply, unisolate_apply
from mmspec.physical.buddy.ops import CMA, DONE, ORDINARY, Isolate, Unisolate
from mmspec.physical.buddy.state import FreeLists, blocks_of, span_of
from mmspec.physical.buddy.state import Zone as Frames
from mmspec.physical.page_alloc import ops as of_walk
from mmspec.physical.page_alloc.ops import NOWHERE
from mmspec.physical.page_alloc.state import Memory as Counts
from mmspec.physical.page_alloc.state import Paths, memory_of
from mmspec.physical.pages.ops import MAX_CPUS, AnyCpu, Chunk, Config, Truth, Zone, ZoneEnd
from mmspec.physical.pcp.ops import COSTLY_ORDER
from mmspec.physical.pcp.state import Pages, PcpLists
from mmspec.physical.vmstat.state import Cells
from mmspec.physical.vmstat.state import Zone as Totals
from mmspec.physical.zones.state import Topology, zone_at
from mmspec.pmap import PMap, pmap
from mmspec.words import Count, Kernel, Order, Pageblock, Pfn, PfnEnd, head_of, size_of


@attrs.frozen
class Ranges:
    """Where each zone's frames are, and which pageblocks are isolated so that ranges can be had."""

    start: PMap[Zone, Pfn]
    end: PMap[Zone, PfnEnd]
    coarse: Truth  # whether no block that CPUs keep is larger than a pageblock, as in every kernel; else there are no ranges
    isolated: PMap[Pageblock, Count]  # with the number of the drain of its zone after which no CPU holds frames of it
    count: PMap[Zone, Count]  # isolated pageblocks; absent: 0
    drains: PMap[ZoneEnd, Count]  # of each zone, and (NOWHERE) of all; absent: 0


@attrs.frozen
class Memory:
    """The zones, and whose each frame is."""

    max_order: Order
    cpus: AnyCpu  # processors of each node
    topology: Topology
    zone: PMap[Chunk, Zone]  # whose frames a run of frames has
    frames: Frames  # all zones as one: what no request has is free
    taken: PMap[Zone, Count]  # frames that requests have, or that never come back; absent: 0
    checks: Truth  # whether blocks are looked at when they are given back
    ranges: Ranges


@attrs.frozen
class Parts:
    """What Linux keeps of one zone."""

    zone: Frames  # who owns each frame, as the free lists see it: what a CPU holds is handed out
    lists: FreeLists
    pages: Pages
    pcp: PcpLists
    stat: Totals
    cells: Cells
    reserved: Count  # nr_reserved_highatomic


@attrs.frozen
class Linux:
    """The parts of all zones, and what the walk over them goes by."""

    kernel: Kernel
    memory: Counts  # the zones' counters, as they were when something last moved
    paths: Paths  # lists, marks and notes of zones
    parts: PMap[Zone, Parts]


def zone_of(memory: Memory, pfn: Pfn) -> ZoneEnd:
    """Return the zone that a frame is of (include/linux/mm.h:page_zone, v6.12), or ``NOWHERE``."""
    return memory.zone.get(pfn >> memory.max_order, NOWHERE)


def cpus_of(memory: Memory) -> AnyCpu:
    """Return the number of processors."""
    return memory.cpus * memory.topology.nodes


# --- the door --------------------------------------------------------------------------------------------------------


def spans_of(config: Config) -> list[tuple[Zone, int, int]]:
    """Return the zones with their frames (InputError: which part of the machine is wrong)."""
    spans = [(zone_at(n, z.name), z.start_pfn, z.end_pfn) for n, node in enumerate(config.nodes) for z in node.zones]
    ordered = sorted((start, end) for _, start, end in spans)
    if any((end - 1) >> config.max_order >= start >> config.max_order for (_, end), (start, _) in pairwise(ordered)):
        raise InputError("two zones have frames of one block", hint="start each at a multiple of the largest block")
    if not 1 <= config.cpus * len(config.nodes) <= MAX_CPUS:
        raise InputError(f"{config.cpus} CPUs on each of {len(config.nodes)} nodes", hint=f"1 to {MAX_CPUS} in all")
    for pfn in config.cma:
        end = pfn + (1 << config.pageblock_order)
        inside = any(start <= pfn and end <= limit for _, start, limit in spans)
        if head_of(pfn, config.pageblock_order) != pfn or not inside or config.cma.count(pfn) > 1:
            raise InputError(f"no pageblock of a zone begins at {pfn:#x}", hint="each once, whole, inside a zone")
    return spans


def free_config(config: Config, start: Pfn, end: PfnEnd) -> of_buddy.Config:
    """Return a zone of the machine as the free lists know it."""
    return of_buddy.Config(start, end, config.max_order, (), config.pageblock_order)


def above(config: Config) -> of_walk.Config:
    """Return the machine as the walk over its zones knows it."""
    return of_walk.Config(config.nodes, config.distance, config.max_order, config.pageblock_order)


def with_cma(zone: Frames, config: Config) -> Frames:
    """Return the frames with CMA pageblocks."""
    for pfn in config.cma:
        if zone.span.start_pfn <= pfn < zone.span.end_pfn:
            zone = isolate_apply(zone, Isolate(pfn), DONE)
            zone = unisolate_apply(zone, Unisolate(pfn, CMA), DONE)
    return zone


def initial_ranges(config: Config, spans: list[tuple[Zone, int, int]]) -> Ranges:
    """Return where zones lie; nothing is isolated."""
    coarse = COSTLY_ORDER <= config.pageblock_order >= config.huge_order
    start, end = pmap({zone: pfn for zone, pfn, _ in spans}), pmap({zone: pfn for zone, _, pfn in spans})
    return Ranges(start, end, 1 if coarse else 0, pmap(), pmap(), pmap())


def initial_memory(config: Config) -> Memory:
    """Return the machine that a configuration describes, all of it free (InputError: which part is wrong)."""
    topology = memory_of(above(config)).topology
    spans = spans_of(config)
    whole = free_config(config, min(start for _, start, _ in spans), max(end for _, _, end in spans))
    blocks: dict[Pfn, Order] = {}
    zone: dict[Chunk, Zone] = {}
    for number, start, end in spans:
        blocks.update(blocks_of(attrs.evolve(whole, start_pfn=start, end_pfn=end)))
        zone.update(dict.fromkeys(range(start >> config.max_order, ((end - 1) >> config.max_order) + 1), number))
    total = pmap({ORDINARY: sum(size_of(order) for order in blocks.values())})
    frames = Frames(span_of(whole), pmap(blocks), pmap(), pmap(), total)
    ranges = initial_ranges(config, spans)
    return Memory(config.max_order, config.cpus, topology, pmap(zone), with_cma(frames, config), pmap(), config.checks, ranges)
