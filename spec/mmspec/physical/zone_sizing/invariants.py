"""What is true of the zones of a node, however MOVABLE begins."""

from __future__ import annotations

from collections.abc import Iterator

from mmspec.component import Invariant
from mmspec.physical.zone_sizing import clauses as c
from mmspec.physical.zone_sizing.ops import KINDS, Node
from mmspec.physical.zone_sizing.ranges import memory_in, node_range, zone_sizes
from mmspec.physical.zone_sizing.state import Layout, Nothing


def all_present(layout: Layout, policy: Nothing, node: Node) -> bool:
    """Without mirrored memory each frame of a node's memory is present in just one of its zones."""
    whole = node_range(layout, node)
    if layout.mirrored:
        return True
    alone = all(layout.node[at] == node for at in range(layout.regions) if whole.start << layout.page_shift <= layout.base[at])
    present = sum(zone_sizes(layout, node, kind).present for kind in range(KINDS))
    return not alone or present == memory_in(layout, whole.start, whole.end)


def nested(layout: Layout, policy: Nothing, node: Node) -> bool:
    """No zone has more memory than it spans."""
    return all(zone_sizes(layout, node, kind).present <= zone_sizes(layout, node, kind).spanned for kind in range(KINDS))


def nodes(layout: Layout, policy: Nothing) -> Iterator[Node]:
    """Yield the nodes."""
    yield from range(layout.nodes)


INVARIANTS = (
    Invariant(c.PRESENT, all_present, nodes, recount=True),
    Invariant(c.PRESENT, nested, nodes, recount=True),
)
