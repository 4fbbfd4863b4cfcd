"""The order in which a node's zonelist has the nodes: each with memory once, the node itself first, then in the stated order.

For every distance matrix of up to eight nodes, with any of them without memory, with or without CPUs, and for any load that the
lists built before have left. What the search for the next node finds is proved for any number of nodes.
"""

from __future__ import annotations

import attrs

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, Predicate, function_of, proofs_of, step_of
from mmspec.clause import Clause
from mmspec.physical.zones import clauses as c
from mmspec.physical.zones import linux
from mmspec.physical.zones.ops import FAR, MAX_NODES, NOBODY, Node, NodeEnd, Want
from mmspec.physical.zones.state import Lists, Topology, has_memory, pair_of
from mmspec.pmap import PMap

NODES = 8
"""Nodes of the machines whose orders are gone through."""

Used = PMap[Node, bool]
Load = PMap[Node, NodeEnd]

# --- what is given -------------------------------------------------------------------------------------------------------------


def few_nodes(topology: Topology) -> bool:
    """There are few nodes."""
    return topology.nodes <= NODES


def is_node(topology: Topology, local: NodeEnd) -> bool:
    """The list is a node's."""
    return local < topology.nodes


def light(lists: Lists, any_node: Node) -> bool:
    """No node heads more groups than lists were built before this one."""
    return lists.load.get(any_node, 0) < MAX_NODES


# --- the next node -------------------------------------------------------------------------------------------------------------


def eligible(topology: Topology, used: Used, node: NodeEnd) -> bool:
    """Tell whether a node may come next: it has memory, and does not stand in the order yet."""
    return (node < topology.nodes) & has_memory(topology, node) & (used.get(node, False) == False)  # noqa: E712


def farness(topology: Topology, local: Node, node: Node) -> int:
    """Return how far a node counts as: its distance, one more below the list's own, and one more with CPUs."""
    return topology.distance.get(pair_of(local, node), 0) + (node < local) + (topology.cpus.get(node, False) == True)  # noqa: E712


def sooner(topology: Topology, load: Load, local: Node, one: Node, other: Node) -> bool:
    """Tell whether a node comes before another: the nearer; of those as far the less loaded, then the lower number."""
    near, far = farness(topology, local, one), farness(topology, local, other)
    light, heavy = load.get(one, 0), load.get(other, 0)
    return (near < far) | ((near == far) & ((light < heavy) | ((light == heavy) & (one < other))))


def looked_through(
    topology: Topology, load: Load, used: Used, local: Node, node: NodeEnd, best: NodeEnd, least: Want, any_node: Node
) -> bool:  # fmt: skip
    """While the next node is looked for: the best so far may come next, and no other node looked at comes sooner."""
    value = farness(topology, local, best) * linux.LOADS + load.get(best, 0)
    found = (best < node) & eligible(topology, used, best) & (least == value)
    seen = (any_node < node) & eligible(topology, used, any_node)
    passed = (best != NOBODY) & ((best == any_node) | sooner(topology, load, local, best, any_node))
    return (node <= topology.nodes) & (found | ((best == NOBODY) & (least == FAR))) & ((seen == False) | passed)  # noqa: E712


LOOKING = LoopInvariant(linux.BEST, looked_through, id="ZONES-BEST-STEP")


def nearest(topology: Topology, load: Load, used: Used, local: Node, after: NodeEnd, any_node: Node) -> bool:
    """What comes next is the list's own node if it may; else no node that may comes sooner; nobody comes only if nobody may."""
    may = eligible(topology, used, any_node)
    own = (eligible(topology, used, local) == False) | (after == local)  # noqa: E712
    first = (may == False) | (after == local) | (after == any_node) | sooner(topology, load, local, after, any_node)  # noqa: E712
    if after == NOBODY:
        return own & (may == False)  # noqa: E712
    return own & eligible(topology, used, after) & first


NEXT = Contract("ZONES-NEXT", linux.next_best, (("NEAREST", nearest),), requires=(is_node,))
# --- the order -----------------------------------------------------------------------------------------------------------------


def at(lists: Lists, local: Node, place: Node) -> Node:
    """Return the node at a place of an order."""
    return lists.order.get(pair_of(local, place), 0)


def ends(lists: Lists, local: Node) -> NodeEnd:
    """Return how many nodes stand in an order."""
    return lists.length.get(local, 0)


def counted(used: Used, lists: Lists, local: Node, topology: Topology) -> bool:
    """As many nodes stand in the order as are used, and none that there is not."""
    count, few = 0, topology.nodes <= NODES
    for node in range(NODES):
        count += used.get(node, False) == True  # noqa: E712  # a truth may be symbolic
        few &= (used.get(node, False) == False) | (node < topology.nodes)  # noqa: E712
    return few & (count == ends(lists, local))


def used_stands(topology: Topology, lists: Lists, used: Used, local: Node, any_node: Node) -> bool:
    """What is used stands in the order, and has memory."""
    found = False
    for place in range(NODES):
        found |= (place < ends(lists, local)) & (at(lists, local, place) == any_node)
    lawful = (any_node < topology.nodes) & has_memory(topology, any_node)
    return (used.get(any_node, False) == False) | (found & lawful)  # noqa: E712


def stands_used(lists: Lists, used: Used, local: Node, place: Node, other: Node) -> bool:
    """What stands in the order is used, and stands there once."""
    there = at(lists, local, place)
    apart = (other >= ends(lists, local)) | (place == other) | (at(lists, local, other) != there)
    return (place >= ends(lists, local)) | ((used.get(there, False) == True) & apart)  # noqa: E712


def in_order(topology: Topology, was_lists: Lists, lists: Lists, local: Node, place: Node, other: Node) -> bool:
    """Of two nodes behind the list's own the one that comes sooner stands first."""
    there, later = at(lists, local, place), at(lists, local, other)
    behind = (place < other) & (other < ends(lists, local)) & (there != local)
    return (behind == False) | sooner(topology, was_lists.load, local, there, later)  # noqa: E712


def rest_later(topology: Topology, was_lists: Lists, lists: Lists, used: Used, local: Node, place: Node, any_node: Node) -> bool:
    """No node that may still come would come sooner than one that stands in the order."""
    there = at(lists, local, place)
    waits = (place < ends(lists, local)) & (there != local) & eligible(topology, used, any_node)
    return (waits == False) | sooner(topology, was_lists.load, local, there, any_node)  # noqa: E712


def loaded_once(was_lists: Lists, lists: Lists, used: Used, any_node: Node) -> bool:
    """No node's load has risen but that of one which is used, by one."""
    was, now = was_lists.load.get(any_node, 0), lists.load.get(any_node, 0)
    return (was < MAX_NODES) & ((now == was) | ((used.get(any_node, False) == True) & (now == was + 1)))  # noqa: E712


def own_first(topology: Topology, lists: Lists, local: Node) -> bool:
    """A node with memory comes first in its own order."""
    return (has_memory(topology, local) == False) | (ends(lists, local) == 0) | (at(lists, local, 0) == local)  # noqa: E712


def next_comes(topology: Topology, lists: Lists, used: Used, local: Node, node: NodeEnd, any_node: Node) -> bool:
    """What comes next is the nearest that may."""
    return (local < topology.nodes) & nearest(topology, lists.load, used, local, node, any_node)


PICKED = LoopInvariant(
    linux.PICK,
    (counted, used_stands, stands_used, in_order, rest_later, loaded_once, own_first, next_comes),
    id="ZONES-PICK-STEP",
)  # fmt: skip


# --- what is stated ------------------------------------------------------------------------------------------------------------

Built = tuple[Topology, Lists, NodeEnd]
"""What building one node's order returns: the lists with that order, and the next node."""


def each_once(topology: Topology, local: NodeEnd, after: Built, place: Node, other: Node) -> bool:
    """No node stands twice in a node's order, and each that stands there has memory."""
    there, length = at(after[1], local, place), ends(after[1], local)
    apart = (place == other) | (other >= length) | (there != at(after[1], local, other))
    return (place >= length) | (apart & (there < topology.nodes) & has_memory(topology, there))


def each_there(topology: Topology, local: NodeEnd, after: Built, any_node: Node) -> bool:
    """Each node with memory stands in a node's order."""
    found = False
    for place in range(NODES):
        found |= (place < ends(after[1], local)) & (at(after[1], local, place) == any_node)
    return (any_node >= topology.nodes) | (has_memory(topology, any_node) == False) | found  # noqa: E712


def few_stand(topology: Topology, local: NodeEnd, after: Built) -> bool:
    """No more nodes stand in an order than there are."""
    return ends(after[1], local) <= topology.nodes


def own_is_first(topology: Topology, local: NodeEnd, after: Built) -> bool:
    """A node with memory comes first in its own order."""
    return (has_memory(topology, local) == False) | (at(after[1], local, 0) == local)  # noqa: E712


def stated(topology: Topology, lists: Lists, local: NodeEnd, after: Built, place: Node, other: Node) -> bool:
    """Of two nodes behind the list's own the nearer comes first; of those as far the less loaded, then the lower number."""
    return in_order(topology, lists, after[1], local, place, other)


_GOALS: dict[str, tuple[Predicate, tuple[Clause, ...]]] = {
    "ONCE": (each_once, (c.ONCE, c.POPULATED)),
    "THERE": (each_there, (c.ONCE, c.POPULATED)),
    "FEW": (few_stand, (c.ONCE,)),
    "OWN": (own_is_first, (c.LOCAL_FIRST,)),
    "STATED": (stated, (c.NEAREST, c.BELOW, c.WITH_CPUS, c.LOADED, c.LOWEST)),
}
"""What is proved of a node's order, by the column of the matrix."""

# --- the obligations -----------------------------------------------------------------------------------------------------------

_NEXT = Obligation("", (c.NEAREST, c.LOWEST, c.LOADED), "", linux.next_best, cuts=(LOOKING,))
_PICK = step_of(PICKED, Obligation("", (c.LOAD, c.LOCAL_FIRST), "", PICKED, contracts=(NEXT,), bounds={"nodes": f"<= {NODES}"}))
_ORDER = Obligation(
    "ZONES-ORDER-DEFINED", (c.LOCAL_FIRST,), "Building a node's order: every word fits, and it comes to an end.", linux.all_step,
    given=(few_nodes, is_node), invariants=(light,), cuts=(PICKED,), contracts=(NEXT,), operation="order", invariant="defined",
    straight=True, bounds={"nodes": f"<= {NODES}"}, rests_on=(_PICK.id, *NEXT.ids),
)  # fmt: skip

OBLIGATIONS = (
    step_of(LOOKING, Obligation("", (c.NEAREST,), "", LOOKING)),
    *proofs_of(NEXT, _NEXT),
    _PICK,
    _ORDER,
    *(
        attrs.evolve(
            _ORDER, id=f"ZONES-ORDER-{column}", clauses=clauses, goal=goal, statement=(function_of(goal).__doc__ or "").strip(),
            rests_on=(_ORDER.id, *_ORDER.rests_on), invariant=column.lower(),
        )
        for column, (goal, clauses) in _GOALS.items()
    ),
)  # fmt: skip
