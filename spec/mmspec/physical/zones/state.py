"""Which zones a machine has and what they served, which everybody knows, and Linux's lists of them.

What a map does not hold is 0.
"""

from __future__ import annotations

import attrs

from mmspec.errors import InputError
from mmspec.physical.zones.ops import (
    KINDS,
    MAX_NODES,
    NODE_SHIFT,
    Calls,
    Config,
    Distance,
    Frames,
    Kind,
    KindSet,
    Node,
    NodeEnd,
    NodeSet,
    Pair,
    Zone,
)  # fmt: skip
from mmspec.pmap import PMap, pmap


@attrs.frozen
class Topology:
    """The nodes of a machine, their zones, and what each zone served."""

    nodes: NodeEnd
    kinds: KindSet  # the kinds that the kernel is built with
    distance: PMap[Pair, Distance]
    cpus: PMap[Node, bool]  # the nodes that have CPUs
    spanned: PMap[Zone, Frames]  # from the zone's first frame to its last, holes included
    present: PMap[Zone, Frames]  # frames of memory
    managed: PMap[Zone, Frames]  # frames that were handed to the buddy allocator
    hit: PMap[Zone, Calls]  # NUMA_HIT, and so on
    miss: PMap[Zone, Calls]
    foreign: PMap[Zone, Calls]
    local: PMap[Zone, Calls]
    other: PMap[Zone, Calls]


@attrs.frozen
class Lists:
    """Linux's order of nodes for each node (mm/page_alloc.c:build_zonelists, v6.12), and the zones that it was built from."""

    order: PMap[Pair, Node]  # by node and place
    length: PMap[Node, NodeEnd]  # how many nodes are in a node's order
    load: PMap[Node, NodeEnd]  # node_load: how many groups of nodes as far a node heads
    listed: PMap[Zone, bool]  # the zones that had memory when the lists were built


def node_of(zone: Zone) -> Node:
    """Return a zone's node."""
    return zone >> NODE_SHIFT


def kind_of(zone: Zone) -> Kind:
    """Return a zone's kind (zone_idx)."""
    return zone & ((1 << NODE_SHIFT) - 1)


def zone_at(node: Node, kind: Kind) -> Zone:
    """Return the zone of a kind on a node."""
    return (node << NODE_SHIFT) | kind


def pair_of(node: Node, other: Node) -> Pair:
    """Return the number of two nodes, or of a node and a place in its order."""
    return (node << 6) | other


def is_built(kinds: KindSet, kind: Kind) -> bool:
    """Tell whether the kernel is built with a kind of zone."""
    return (kinds >> kind) & 1 != 0


def is_zone(topology: Topology, zone: Zone) -> bool:
    """Tell whether the machine has a zone of that number, with memory or without."""
    return (node_of(zone) < topology.nodes) & (kind_of(zone) < KINDS) & is_built(topology.kinds, kind_of(zone))


def is_populated(topology: Topology, zone: Zone) -> bool:
    """Tell whether a zone has memory (include/linux/mmzone.h:populated_zone)."""
    return topology.present.get(zone, 0) > 0


def has_memory(topology: Topology, node: Node) -> bool:
    """Tell whether a node has memory (N_MEMORY)."""
    found = False
    for kind in range(KINDS):
        found |= is_populated(topology, zone_at(node, kind))
    return found


def is_named(nodes: NodeSet, node: Node) -> bool:
    """Tell whether a set has a node."""
    return (nodes >> node) & 1 != 0


def topology_of(config: Config) -> Topology:
    """Return the machine that a configuration describes (InputError: which part is wrong, and how it must be)."""
    nodes = len(config.distance)
    if not 1 <= nodes <= MAX_NODES or any(len(row) != nodes for row in config.distance):
        raise InputError(f"{nodes} rows of distances", hint=f"1 to {MAX_NODES} rows, as long as there are rows")
    if any(not 0 <= far <= 255 for row in config.distance for far in row):
        raise InputError("a distance is none", hint="0 to 255")
    if not 0 <= config.cpus < 1 << nodes:
        raise InputError(f"CPUs on nodes {config.cpus:#x}", hint=f"a set of nodes below {nodes}")
    if not 0 <= config.kinds < 1 << KINDS or not is_built(config.kinds, 2):
        raise InputError(f"kinds {config.kinds:#x}", hint="NORMAL is always built in")
    present: dict[Zone, Frames] = {}
    for node, kind, frames in config.zones:
        built = 0 <= kind < KINDS and is_built(config.kinds, kind)
        if not (0 <= node < nodes and built and 0 < frames <= 1 << 52) or zone_at(node, kind) in present:
            raise InputError(
                f"zone ({node}, {kind}, {frames}) is none, or stands twice", hint="with memory, of a kind that is built in"
            )
        present[zone_at(node, kind)] = frames
    if not present:
        raise InputError("a machine without memory", hint="at least one zone")
    distance = {pair_of(a, b): far for a, row in enumerate(config.distance) for b, far in enumerate(row)}
    cpus = {node: True for node in range(nodes) if is_named(config.cpus, node)}
    sizes = pmap(present)
    return Topology(nodes, config.kinds, pmap(distance), pmap(cpus), sizes, sizes, sizes, pmap(), pmap(), pmap(), pmap(), pmap())
