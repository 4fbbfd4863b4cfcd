"""What every list of zones must keep, in whatever order it goes through the nodes; and what has no choice in it.

``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the state after an allowed result.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.loop import Loop
from mmspec.physical.zones import clauses as c
from mmspec.physical.zones.ops import (
    ARM64,
    DMA,
    DMA32,
    GFP_DMA,
    GFP_DMA32,
    GFP_HIGHMEM,
    GFP_MOVABLE,
    HIGHMEM,
    KINDS,
    MOVABLE,
    NORMAL,
    RISCV64,
    X86_32,
    AfterZone,
    CountPlacement,
    Done,
    Entry,
    Error,
    FirstZone,
    GfpBits,
    GfpZone,
    Highest,
    Kind,
    KindSet,
    LookPlacement,
    LookZonelist,
    Node,
    NodeEnd,
    NodeSet,
    Placement,
    PossibleRange,
    Range,
    Rebuild,
    SetCpus,
    SetSize,
    Truth,
    Zone,
    Zonelist,
)  # fmt: skip
from mmspec.physical.zones.state import (
    Topology,
    is_built,
    is_named,
    is_populated,
    is_zone,
    kind_of,
    node_of,
    zone_at,
)
from mmspec.pmap import PMap, pmap
from mmspec.words import PfnEnd


def answered(result: Any, lawful: bool, broken: Clause = c.ARGS) -> Clause | None:
    """Name the clause that is broken where a lawful request is refused, or an unlawful one is not."""
    rule(c.ACCEPTED if lawful else broken)
    if refused(result, "EINVAL"):
        return c.ACCEPTED if lawful else None
    return None if lawful else broken


# --- which zone ------------------------------------------------------------------------------------------------------------


def is_bad(bits: GfpBits) -> bool:
    """Tell whether zone bits contradict each other (GFP_ZONE_BAD)."""
    return ((bits & GFP_DMA) != 0) + ((bits & GFP_DMA32) != 0) + ((bits & GFP_HIGHMEM) != 0) > 1


def gfp_zone(kinds: KindSet, bits: GfpBits) -> Kind:
    """Return the highest kind of zone that a request may use (include/linux/gfp.h:gfp_zone, v6.12)."""
    wanted = NORMAL
    if bits & GFP_DMA:
        rule(c.GFP_DMA)
        wanted = DMA
    elif bits & GFP_DMA32:
        rule(c.GFP_DMA)
        wanted = DMA32
    elif bits & GFP_HIGHMEM and bits & GFP_MOVABLE:
        rule(c.GFP_MOVABLE)
        wanted = MOVABLE
    elif bits & GFP_HIGHMEM:
        rule(c.GFP_HIGHMEM)
        wanted = HIGHMEM
    else:
        rule(c.GFP_PLAIN)
    if not is_built(kinds, wanted) and wanted != MOVABLE:
        rule(c.GFP_MISSING)
        return NORMAL
    return wanted


def gfp_clause(kinds: KindSet, bits: GfpBits) -> Clause:
    """Return the clause that says which zone a request may use."""
    if bits & (GFP_HIGHMEM | GFP_MOVABLE) == GFP_HIGHMEM | GFP_MOVABLE:
        return c.GFP_MOVABLE
    if bits & (GFP_HIGHMEM | GFP_DMA | GFP_DMA32) == 0:
        return c.GFP_PLAIN
    if gfp_zone(kinds, bits) == NORMAL:
        return c.GFP_MISSING
    return c.GFP_HIGHMEM if bits & GFP_HIGHMEM else c.GFP_DMA


def gfp_zone_allowed(topology: Topology, op: GfpZone, result: Highest | Error) -> Clause | None:
    """Name the clause that the zone of a request breaks."""
    if result.failed or is_bad(op.bits):
        return answered(result, not is_bad(op.bits), c.GFP_BAD)
    return None if result.kind == gfp_zone(topology.kinds, op.bits) else gfp_clause(topology.kinds, op.bits)


# --- where zones lie -------------------------------------------------------------------------------------------------------


def end_of(op: PossibleRange, kind: Kind) -> PfnEnd:
    """Return where an architecture lets a kind of zone end; 0 where it has none (zone_sizes_init)."""
    if kind == DMA:
        rule(c.LIMIT_DMA)
        return (
            0 if op.architecture == RISCV64 else min(op.dma_end, op.end) if op.architecture == ARM64 else min(1 << 12, op.low_end)
        )
    if kind == DMA32:
        rule(c.LIMIT_DMA32)
        limit = op.end if op.architecture == ARM64 else op.low_end
        return 0 if op.architecture == X86_32 else min(1 << 20, limit)
    rule(c.LIMIT_NORMAL)
    if kind == NORMAL:
        return op.end if op.architecture == ARM64 else op.low_end
    return op.end if kind == HIGHMEM and op.architecture == X86_32 else 0


def range_of(op: PossibleRange) -> Range:
    """Return where a kind of zone may lie (mm/mm_init.c:free_area_init, v6.12)."""
    rule(c.TILE)
    start: PfnEnd = op.start
    end: PfnEnd = op.start
    for kind in range(HIGHMEM + 1):
        if kind <= op.kind:
            start, end = end, max(end_of(op, kind), end)
    return Range(start, end)


def can_lie(op: PossibleRange) -> bool:
    """Tell whether memory is a range, and a kind lies there by itself: MOVABLE is carved from others, DEVICE lies anywhere."""
    return (op.kind <= HIGHMEM) & (op.start < op.low_end) & (op.low_end <= op.end)


def range_clause(kind: Kind) -> Clause:
    """Return the clause that says where a kind ends."""
    return c.LIMIT_DMA if kind == DMA else c.LIMIT_DMA32 if kind == DMA32 else c.LIMIT_NORMAL


def possible_range_allowed(topology: Topology, op: PossibleRange, result: Range | Error) -> Clause | None:
    """Name the clause that a range of frames breaks."""
    if result.failed or not can_lie(op):
        return answered(result, can_lie(op))
    right = range_of(op)
    if result.start != right.start:
        return c.TILE
    return None if result.end == right.end else range_clause(op.kind)


# --- sizes -----------------------------------------------------------------------------------------------------------------


def nest(op: SetSize) -> bool:
    """Tell whether a zone's sizes nest."""
    return (op.managed <= op.present) & (op.present <= op.spanned)


def others_left(topology: Topology, zone: Zone, at: Zone) -> int:
    """Return how many zones are left to look at."""
    return (topology.nodes << 3) - at


def others_more(topology: Topology, zone: Zone, at: Zone) -> bool:
    """Tell whether no other zone with memory was met, and one is left."""
    return (at < topology.nodes << 3) & ((at == zone) | (not is_populated(topology, at)))


def others_step(topology: Topology, zone: Zone, at: Zone) -> tuple[Any, ...]:
    """Go on to the next zone."""
    return topology, zone, at + 1


OTHERS = Loop("others", others_more, others_step, others_left)


def leaves_memory(topology: Topology, op: SetSize) -> bool:
    """Tell whether the machine still has memory when a zone has its new sizes."""
    _, _, at = OTHERS.run(topology, op.zone, 0)
    return op.present > 0 or at < topology.nodes << 3


def set_size_allowed(topology: Topology, op: SetSize, result: Done | Error) -> Clause | None:
    """Name the clause that a result of new sizes breaks."""
    there = is_zone(topology, op.zone)
    if there and not nest(op):
        return answered(result, False, c.NESTED)
    return answered(result, there and leaves_memory(topology, op))


def set_size_apply(topology: Topology, op: SetSize, result: Done | Error) -> Topology:
    """Return the state after a zone has its new sizes."""
    if result.failed:
        return topology
    return attrs.evolve(
        topology,
        spanned=topology.spanned.set(op.zone, op.spanned),
        present=topology.present.set(op.zone, op.present),
        managed=topology.managed.set(op.zone, op.managed),
    )


def set_cpus_allowed(topology: Topology, op: SetCpus, result: Done | Error) -> Clause | None:
    """Name the clause that a result of CPUs' coming or going breaks."""
    return answered(result, op.node < topology.nodes)


def set_cpus_apply(topology: Topology, op: SetCpus, result: Done | Error) -> Topology:
    """Return the state after a node has CPUs, or none."""
    return topology if result.failed else attrs.evolve(topology, cpus=topology.cpus.set(op.node, op.has != 0))


def rebuild_allowed(topology: Topology, op: Rebuild, result: Done | Error) -> Clause | None:
    """Name the clause that a result of building lists breaks."""
    return answered(result, True)


def same_apply(topology: Topology, op: Any, result: Any) -> Topology:
    """Return the state after what changes nothing that everybody knows."""
    return topology


# --- zonelists -------------------------------------------------------------------------------------------------------------


def own_zones(topology: Topology, node: Node) -> tuple[Zone, ...]:
    """Return a node's zones with memory, the highest first."""
    zones: tuple[Zone, ...] = ()
    for k in range(KINDS):
        zone = zone_at(node, KINDS - 1 - k)
        zones += (zone,) if is_populated(topology, zone) else ()
    return zones


def all_zones(topology: Topology) -> int:
    """Return how many zones with memory there are."""
    count = 0
    for node in range(topology.nodes):
        for kind in range(KINDS):
            count += is_populated(topology, zone_at(node, kind))
    return count


def goes_once(topology: Topology, node: Node, zones: tuple[Zone, ...]) -> bool:
    """Tell whether a list has each zone with memory once, node by node, its own first, each node's zones downwards."""
    before: NodeEnd = node
    last, count, once = KINDS, 0, True
    nobody: PMap[Node, bool] = pmap()
    met = nobody.set(node, True)
    for zone in zones:
        there = node_of(zone)
        if there != before:
            once &= not met.get(there, False)
            met = met.set(there, True)
            last = KINDS
        once &= is_populated(topology, zone) & (kind_of(zone) < last)
        before, last, count = there, kind_of(zone), count + 1
    return once & (count == all_zones(topology)) & (zones[: own_count(topology, node)] == own_zones(topology, node))


def own_count(topology: Topology, node: Node) -> int:
    """Return how many zones with memory a node has."""
    count = 0
    for kind in range(KINDS):
        count += is_populated(topology, zone_at(node, kind))
    return count


def look_zonelist_allowed(topology: Topology, op: LookZonelist, result: Zonelist | Error) -> Clause | None:
    """Name the clause that a node's list breaks."""
    there = op.node < topology.nodes
    if result.failed or not there:
        return answered(result, there)
    if op.thisnode != 0:
        rule(c.THISNODE)
        return None if result.zones == own_zones(topology, op.node) else c.THISNODE
    rule(c.ONCE)
    return None if goes_once(topology, op.node, result.zones) else c.ONCE


def eligible(topology: Topology, zone: Zone, node: Node, thisnode: Truth, highest: Kind, nodes: NodeSet) -> bool:
    """Tell whether a request may be served from a zone: by its kind, its node, and whether it must stay on its own."""
    on_node = (thisnode == 0) | (node_of(zone) == node)
    return (kind_of(zone) <= highest) & is_named(nodes, node_of(zone)) & on_node & is_populated(topology, zone)


def any_eligible(topology: Topology, node: Node, thisnode: Truth, highest: Kind, nodes: NodeSet) -> bool:
    """Tell whether a request may be served from any zone."""
    at: Zone
    _, _, _, _, _, at = FIND.run(topology, node, thisnode, highest, nodes, 0)
    return at < topology.nodes << 3


def find_more(topology: Topology, node: Node, thisnode: Truth, highest: Kind, nodes: NodeSet, at: Zone) -> bool:
    """Tell whether no eligible zone was met, and one is left to look at."""
    return (at < topology.nodes << 3) and not eligible(topology, at, node, thisnode, highest, nodes)


def find_step(topology: Topology, node: Node, thisnode: Truth, highest: Kind, nodes: NodeSet, at: Zone) -> tuple[Any, ...]:
    """Go on to the next zone."""
    return topology, node, thisnode, highest, nodes, at + 1


def find_left(topology: Topology, node: Node, thisnode: Truth, highest: Kind, nodes: NodeSet, at: Zone) -> int:
    """Return how many zones are left to look at."""
    return (topology.nodes << 3) - at


FIND = Loop("find", find_more, find_step, find_left)


def served_by(topology: Topology, op: FirstZone | AfterZone, result: Any) -> Clause | None:
    """Name the clause that a zone to be tried breaks."""
    rule(c.ELIGIBLE)
    if not is_zone(topology, result.zone) or not eligible(topology, result.zone, op.node, op.thisnode, op.highest, op.nodes):
        return c.ELIGIBLE
    return None


def first_zone_allowed(topology: Topology, op: FirstZone, result: Entry | Error) -> Clause | None:
    """Name the clause that the first zone to be tried breaks."""
    there = op.node < topology.nodes
    if refused(result, "ENOENT") and there:
        rule(c.NONE_LEFT)
        return c.NONE_LEFT if any_eligible(topology, op.node, op.thisnode, op.highest, op.nodes) else None
    return answered(result, there) if result.failed or not there else served_by(topology, op, result)


def after_zone_allowed(topology: Topology, op: AfterZone, result: Entry | Error) -> Clause | None:
    """Name the clause that the next zone to be tried breaks."""
    there = (op.node < topology.nodes) & is_zone(topology, op.zone)
    if refused(result, "ENOENT") and there:
        return None
    if result.failed or not there:
        return answered(result, there)
    return c.ELIGIBLE if result.zone == op.zone else served_by(topology, op, result)


# --- placement -------------------------------------------------------------------------------------------------------------


def count_placement_allowed(topology: Topology, op: CountPlacement, result: Done | Error) -> Clause | None:
    """Name the clause that a result of counting breaks."""
    there = is_zone(topology, op.zone) & is_zone(topology, op.preferred)
    return answered(result, there & (op.running < topology.nodes))


def count_placement_apply(topology: Topology, op: CountPlacement, result: Done | Error) -> Topology:
    """Return the state after allocations were counted (mm/page_alloc.c:zone_statistics, v6.12)."""
    if result.failed:
        return topology
    if op.counted == 0:
        rule(c.UNCOUNTED)
        return topology
    rule(c.LOCAL)
    zone, calls, local, other = op.zone, op.calls, topology.local, topology.other
    if node_of(zone) == op.running:
        local = local.set(zone, local.get(zone, 0) + calls)
    else:
        other = other.set(zone, other.get(zone, 0) + calls)
    if node_of(zone) == node_of(op.preferred):
        rule(c.HIT)
        return attrs.evolve(topology, local=local, other=other, hit=topology.hit.set(zone, topology.hit.get(zone, 0) + calls))
    rule(c.MISS)
    miss = topology.miss.set(zone, topology.miss.get(zone, 0) + calls)
    foreign = topology.foreign.set(op.preferred, topology.foreign.get(op.preferred, 0) + calls)
    return attrs.evolve(topology, local=local, other=other, miss=miss, foreign=foreign)


def look_placement_allowed(topology: Topology, op: LookPlacement, result: Placement | Error) -> Clause | None:
    """Name the clause that a zone's counts break."""
    zone, there = op.zone, is_zone(topology, op.zone)
    if result.failed or not there:
        return answered(result, there)
    if result.hit != topology.hit.get(zone, 0):
        return c.HIT
    if (result.miss != topology.miss.get(zone, 0)) | (result.foreign != topology.foreign.get(zone, 0)):
        return c.MISS
    near = (result.local == topology.local.get(zone, 0)) & (result.other == topology.other.get(zone, 0))
    return None if near else c.LOCAL
