"""In which order Linux tries zones: ``X_choose`` returns the answer, and the lists after it (the same in 6.1 and 6.12)."""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.zones import clauses as c
from mmspec.physical.zones.core import can_lie, gfp_zone, is_bad, leaves_memory, nest, range_of
from mmspec.physical.zones.ops import (
    DONE,
    EINVAL,
    ENOENT,
    FAR,
    KINDS,
    NOBODY,
    AfterZone,
    Config,
    CountPlacement,
    Done,
    Entry,
    Error,
    FirstZone,
    GfpZone,
    Highest,
    Kind,
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
    Want,
    Zone,
    Zonelist,
)  # fmt: skip
from mmspec.physical.zones.state import (
    Lists,
    Topology,
    has_memory,
    is_named,
    is_populated,
    is_zone,
    kind_of,
    node_of,
    pair_of,
    topology_of,
    zone_at,
)
from mmspec.pmap import PMap, pmap

LOADS = 1 << 10
"""MAX_NUMNODES: no load reaches it, so that distance counts before load."""


# --- the order of nodes ----------------------------------------------------------------------------------------------------


def value_of(topology: Topology, load: PMap[Node, NodeEnd], local: Node, node: Node) -> Want:
    """Return how little a node is wanted next (mm/page_alloc.c:find_next_best_node, v6.12)."""
    rule(c.NEAREST)
    value = topology.distance.get(pair_of(local, node), 0)
    if node < local:
        rule(c.BELOW)
        value += 1
    if topology.cpus.get(node, False):
        rule(c.WITH_CPUS)
        value += 1
    rule(c.LOADED)
    return value * LOADS + load.get(node, 0)


def best_more(
    topology: Topology, load: PMap[Node, NodeEnd], used: PMap[Node, bool], local: Node, node: NodeEnd, best: NodeEnd, least: Want
) -> bool:
    """Tell whether a node is left to look at."""
    return node < topology.nodes


def best_step(
    topology: Topology, load: PMap[Node, NodeEnd], used: PMap[Node, bool], local: Node, node: NodeEnd, best: NodeEnd, least: Want
) -> tuple[Any, ...]:
    """Keep a node if it is unused, has memory, and is wanted more than any before it."""
    if used.get(node, False) or not has_memory(topology, node):
        return topology, load, used, local, node + 1, best, least
    value = value_of(topology, load, local, node)
    rule(c.LOWEST)
    if value < least:
        return topology, load, used, local, node + 1, node, value
    return topology, load, used, local, node + 1, best, least


def best_left(
    topology: Topology, load: PMap[Node, NodeEnd], used: PMap[Node, bool], local: Node, node: NodeEnd, best: NodeEnd, least: Want
) -> int:
    """Return how many nodes are left to look at."""
    return topology.nodes - node


BEST = Loop("best", best_more, best_step, best_left)


def next_best(topology: Topology, load: PMap[Node, NodeEnd], used: PMap[Node, bool], local: Node) -> NodeEnd:
    """Return the node that comes next in a node's order, or ``NOBODY``."""
    if has_memory(topology, local) and not used.get(local, False):
        rule(c.LOCAL_FIRST)
        return local
    best: NodeEnd
    _, _, _, _, _, best, _ = BEST.run(topology, load, used, local, 0, NOBODY, FAR)
    return best


def pick_more(topology: Topology, lists: Lists, used: PMap[Node, bool], local: Node, before: Node, node: NodeEnd) -> bool:
    """Tell whether there is a next node."""
    return node < NOBODY


def pick_step(
    topology: Topology, lists: Lists, used: PMap[Node, bool], local: Node, before: Node, node: NodeEnd
) -> tuple[Any, ...]:
    """Append a node to a node's order; it bears a load if it heads a group of nodes as far."""
    load, place = lists.load, lists.length.get(local, 0)
    if topology.distance.get(pair_of(local, node), 0) != topology.distance.get(pair_of(local, before), 0):
        rule(c.LOAD)
        load = load.set(node, load.get(node, 0) + 1)
    after = attrs.evolve(
        lists, order=lists.order.set(pair_of(local, place), node), length=lists.length.set(local, place + 1), load=load
    )
    picked = used.set(node, True)
    return topology, after, picked, local, node, next_best(topology, load, picked, local)


def pick_left(topology: Topology, lists: Lists, used: PMap[Node, bool], local: Node, before: Node, node: NodeEnd) -> int:
    """Return how many nodes may still come."""
    return topology.nodes - lists.length.get(local, 0)


PICK = Loop("pick", pick_more, pick_step, pick_left)


def all_more(topology: Topology, lists: Lists, local: NodeEnd) -> bool:
    """Tell whether a node's order is left to build."""
    return local < topology.nodes


def all_step(topology: Topology, lists: Lists, local: NodeEnd) -> tuple[Any, ...]:
    """Build a node's order."""
    begun = attrs.evolve(lists, length=lists.length.set(local, 0))
    none: PMap[Node, bool] = pmap()
    built: Lists
    _, built, _, _, _, _ = PICK.run(topology, begun, none, local, local, next_best(topology, begun.load, none, local))
    return topology, built, local + 1


def all_left(topology: Topology, lists: Lists, local: NodeEnd) -> int:
    """Return how many nodes' orders are left to build."""
    return topology.nodes - local


ALL = Loop("all", all_more, all_step, all_left)


def built(topology: Topology) -> Lists:
    """Return the lists of all nodes (mm/page_alloc.c:__build_all_zonelists, v6.12)."""
    rule(c.LOAD_ZERO)
    rule(c.POPULATED)
    lists: Lists
    _, lists, _ = ALL.run(topology, Lists(pmap(), pmap(), pmap(), pmap()), 0)
    listed: PMap[Zone, bool] = pmap()
    for node in range(topology.nodes):
        for kind in range(KINDS):
            listed = listed.set(zone_at(node, kind), is_populated(topology, zone_at(node, kind)))
    return attrs.evolve(lists, listed=listed)


def initial_lists(config: Config, kernel: str) -> Lists:
    """Return the lists that the boot builds."""
    return built(topology_of(config))


# --- the zones of a list ---------------------------------------------------------------------------------------------------


def zones_on(lists: Lists, node: Node) -> tuple[Zone, ...]:
    """Return the zones of one node in the order of a list."""
    rule(c.DOWNWARDS)
    zones: tuple[Zone, ...] = ()
    for k in range(KINDS):
        zone = zone_at(node, KINDS - 1 - k)
        zones += (zone,) if lists.listed.get(zone, False) else ()
    return zones


def zonelist_of(lists: Lists, node: Node, thisnode: Truth) -> tuple[Zone, ...]:
    """Return a node's list of zones."""
    if thisnode != 0:
        return zones_on(lists, node)
    zones: tuple[Zone, ...] = ()
    for place in range(lists.length.get(node, 0)):
        zones += zones_on(lists, lists.order[pair_of(node, place)])
    return zones


def next_of(zones: tuple[Zone, ...], highest: Kind, nodes: NodeSet, behind: int) -> Entry | Error:
    """Return the first zone behind a place of a list that a request may use; ENOENT if there is none."""
    rule(c.NEXT)
    for zone in zones[behind:]:
        if kind_of(zone) <= highest and is_named(nodes, node_of(zone)):
            return Entry(zone)
    return ENOENT


def place_behind(zones: tuple[Zone, ...], zone: Zone) -> int:
    """Return the place behind a zone of a list; behind the last one if it is not on it."""
    place, found = 0, False
    for one in zones:
        place += not found
        found |= one == zone
    return place


# --- requests --------------------------------------------------------------------------------------------------------------


def gfp_zone_choose(topology: Topology, lists: Lists, op: GfpZone) -> tuple[Highest | Error, Lists]:
    """Return the highest zone that a request may use."""
    return (EINVAL if is_bad(op.bits) else Highest(gfp_zone(topology.kinds, op.bits))), lists


def possible_range_choose(topology: Topology, lists: Lists, op: PossibleRange) -> tuple[Range | Error, Lists]:
    """Return where a kind of zone may lie."""
    return (range_of(op) if can_lie(op) else EINVAL), lists


def look_zonelist_choose(topology: Topology, lists: Lists, op: LookZonelist) -> tuple[Zonelist | Error, Lists]:
    """Return a node's list as Linux has it."""
    return (Zonelist(zonelist_of(lists, op.node, op.thisnode)) if op.node < topology.nodes else EINVAL), lists


def first_zone_choose(topology: Topology, lists: Lists, op: FirstZone) -> tuple[Entry | Error, Lists]:
    """Return the first zone that Linux tries."""
    if op.node >= topology.nodes:
        return EINVAL, lists
    return next_of(zonelist_of(lists, op.node, op.thisnode), op.highest, op.nodes, 0), lists


def after_zone_choose(topology: Topology, lists: Lists, op: AfterZone) -> tuple[Entry | Error, Lists]:
    """Return the zone that Linux tries next."""
    if op.node >= topology.nodes or not is_zone(topology, op.zone):
        return EINVAL, lists
    rule(c.NEXT)
    zones = zonelist_of(lists, op.node, op.thisnode)
    return next_of(zones, op.highest, op.nodes, place_behind(zones, op.zone)), lists


def set_size_choose(topology: Topology, lists: Lists, op: SetSize) -> tuple[Done | Error, Lists]:
    """Return what Linux answers, and the lists, built anew where the zone gained or lost its memory."""
    if not is_zone(topology, op.zone) or not nest(op) or not leaves_memory(topology, op):
        return EINVAL, lists
    rule(c.REBUILT)
    if is_populated(topology, op.zone) == (op.present > 0):
        return DONE, lists
    return DONE, built(attrs.evolve(topology, present=topology.present.set(op.zone, op.present)))


def set_cpus_choose(topology: Topology, lists: Lists, op: SetCpus) -> tuple[Done | Error, Lists]:
    """Return what Linux answers: the next building asks it."""
    return (DONE if op.node < topology.nodes else EINVAL), lists


def rebuild_choose(topology: Topology, lists: Lists, op: Rebuild) -> tuple[Done | Error, Lists]:
    """Return what Linux answers, and the lists built anew."""
    return DONE, built(topology)


def count_placement_choose(topology: Topology, lists: Lists, op: CountPlacement) -> tuple[Done | Error, Lists]:
    """Return what Linux answers."""
    there = is_zone(topology, op.zone) & is_zone(topology, op.preferred) & (op.running < topology.nodes)
    return (DONE if there else EINVAL), lists


def look_placement_choose(topology: Topology, lists: Lists, op: LookPlacement) -> tuple[Placement | Error, Lists]:
    """Return a zone's counts."""
    zone = op.zone
    if not is_zone(topology, zone):
        return EINVAL, lists
    counts = Placement(
        topology.hit.get(zone, 0), topology.miss.get(zone, 0), topology.foreign.get(zone, 0), topology.local.get(zone, 0),
        topology.other.get(zone, 0),
    )  # fmt: skip
    return counts, lists
