"""What is proved of the order of nodes can fail: of wrong versions of the search, of its steps, and of the order."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from tests.proofs.breaking import not_proved, stepping

from mmproofs.obligations.physical.zonelists import LOOKING, PICKED
from mmspec.physical.zones import linux
from mmspec.physical.zones.ops import Node, NodeEnd, Want
from mmspec.physical.zones.state import Lists, Topology, has_memory, pair_of
from mmspec.pmap import PMap, pmap


def nearest_only(topology: Topology, load: PMap[Node, NodeEnd], used: PMap[Node, bool], local: Node) -> NodeEnd:
    """The list's own node does not come first."""
    best: NodeEnd
    _, _, _, _, _, best, _ = linux.BEST.run(topology, load, used, local, 0, linux.NOBODY, linux.FAR)
    return best


def first_with_memory(topology: Topology, load: PMap[Node, NodeEnd], used: PMap[Node, bool], local: Node) -> NodeEnd:
    """A node that stands in the order already may come again."""
    if has_memory(topology, local):
        return local
    best: NodeEnd
    _, _, _, _, _, best, _ = linux.BEST.run(topology, load, used, local, 0, linux.NOBODY, linux.FAR)
    return best


def the_last(
    topology: Topology, load: PMap[Node, NodeEnd], used: PMap[Node, bool], local: Node, node: NodeEnd, best: NodeEnd, least: Want
) -> tuple[Any, ...]:  # fmt: skip
    """Of nodes wanted alike the last comes first."""
    if used.get(node, False) or not has_memory(topology, node):
        return topology, load, used, local, node + 1, best, least
    value = linux.value_of(topology, load, local, node)
    if value <= least:
        return topology, load, used, local, node + 1, node, value
    return topology, load, used, local, node + 1, best, least


def as_many_cpus(
    topology: Topology, load: PMap[Node, NodeEnd], used: PMap[Node, bool], local: Node, node: NodeEnd, best: NodeEnd, least: Want
) -> tuple[Any, ...]:  # fmt: skip
    """Whether a node has CPUs does not count."""
    return linux.best_step(attrs.evolve(topology, cpus=pmap()), load, used, local, node, best, least)


def sheds_its_load(
    topology: Topology, lists: Lists, used: PMap[Node, bool], local: Node, before: Node, node: NodeEnd
) -> tuple[Any, ...]:  # fmt: skip
    """The list's own node sheds its load."""
    load, place = lists.load.set(local, 0), lists.length.get(local, 0)
    order = lists.order.set(pair_of(local, place), node)
    after, picked = attrs.evolve(lists, order=order, length=lists.length.set(local, place + 1), load=load), used.set(node, True)
    return topology, after, picked, local, node, linux.next_best(topology, load, picked, local)


def at_the_front(
    topology: Topology, lists: Lists, used: PMap[Node, bool], local: Node, before: Node, node: NodeEnd
) -> tuple[Any, ...]:  # fmt: skip
    """A node is put where the first one stands."""
    place = lists.length.get(local, 0)
    order = lists.order.set(pair_of(local, 0), node)
    after, picked = attrs.evolve(lists, order=order, length=lists.length.set(local, place + 1)), used.set(node, True)
    return topology, after, picked, local, node, linux.next_best(topology, lists.load, picked, local)


def one_too_few(topology: Topology, lists: Lists, local: NodeEnd) -> tuple[Any, ...]:
    """The last node of an order is left out."""
    _, after, following = linux.all_step(topology, lists, local)
    length = after.length.get(local, 0)
    return topology, attrs.evolve(after, length=after.length.set(local, max(length - 1, 0))), following


def swapped(topology: Topology, lists: Lists, local: NodeEnd) -> tuple[Any, ...]:
    """The first two nodes of an order change places."""
    _, after, following = linux.all_step(topology, lists, local)
    one, two = after.order.get(pair_of(local, 0), 0), after.order.get(pair_of(local, 1), 0)
    order = after.order.set(pair_of(local, 0), two).set(pair_of(local, 1), one)
    return topology, attrs.evolve(after, order=order), following


def shifted(topology: Topology, lists: Lists, local: NodeEnd) -> tuple[Any, ...]:
    """The second place has the first's node."""
    _, after, following = linux.all_step(topology, lists, local)
    order = after.order.set(pair_of(local, 1), after.order.get(pair_of(local, 0), 0))
    return topology, attrs.evolve(after, order=order), following


def one_too_many(topology: Topology, lists: Lists, local: NodeEnd) -> tuple[Any, ...]:
    """An order is longer than it has nodes."""
    _, after, following = linux.all_step(topology, lists, local)
    return topology, attrs.evolve(after, length=after.length.set(local, min(topology.nodes + 1, 8))), following


WRONG: list[tuple[str, Any, str]] = [
    ("ZONES-NEXT-NEAREST", nearest_only, "goal at"),
    ("ZONES-NEXT-NEAREST", first_with_memory, "goal at"),
    ("ZONES-BEST-STEP", stepping(LOOKING, the_last), "a step keeps"),
    ("ZONES-BEST-STEP", stepping(LOOKING, as_many_cpus), "a step keeps"),
    ("ZONES-PICK-STEP", stepping(PICKED, sheds_its_load), "a step keeps"),
    ("ZONES-PICK-STEP", stepping(PICKED, at_the_front), "a step keeps"),
    ("ZONES-ORDER-THERE", one_too_few, "goal at"),
    ("ZONES-ORDER-FEW", one_too_many, "goal at"),
    ("ZONES-ORDER-OWN", swapped, "goal at"),
    ("ZONES-ORDER-STATED", swapped, "goal at"),
    ("ZONES-ORDER-ONCE", shifted, "goal at"),
]
"""An obligation, a wrong version of its subject, and where it fails."""


@pytest.mark.by_turns(4)
@pytest.mark.parametrize(("name", "wrong", "says"), WRONG)
def test_a_wrong_order_is_not_proved(name: str, wrong: Any, says: str) -> None:
    """The obligation about the right function fails of the wrong one, at its goal."""
    not_proved(name, says, subject=wrong)
