"""What is true of every machine's memory, said of one arbitrary block, zone, node or frame."""

from __future__ import annotations

from collections.abc import Iterator

from mmspec.component import Invariant
from mmspec.physical.hotplug import clauses as c
from mmspec.physical.hotplug.ops import ABSENT, KINDS, SUBSECTION_ORDER, Block, Node, Zone
from mmspec.physical.hotplug.spans import hull_end, hull_start, zone_end
from mmspec.physical.hotplug.state import (
    Memory,
    Spans,
    block_size,
    block_start,
    block_state,
    is_device_frame,
    is_in_zone,
    is_memory,
    is_online,
    is_online_frame,
    kind_of,
    node_of,
    ram_end,
    takes_blocks,
    zone_at,
)
from mmspec.words import Pfn


def never_online(memory: Memory, spans: Spans, frame: Pfn) -> bool:
    """No frame is online and a device's."""
    return not is_online_frame(memory, frame) or not is_device_frame(memory, frame)


def apart(memory: Memory, spans: Spans, frame: Pfn) -> bool:
    """No frame is memory, online or not, and a device's."""
    return not is_memory(memory, frame) or not is_device_frame(memory, frame)


def at_home(memory: Memory, spans: Spans, block: Block) -> bool:
    """A block that is there has a node, and one that is online is in a zone of that node that blocks may be in."""
    zone, node = memory.zones.get(block, 0), memory.nodes.get(block, 0)
    if block_state(memory, block) == ABSENT:
        return True
    home = (node_of(zone) == node) & takes_blocks(kind_of(zone))
    return node < memory.shape.nodes and (not is_online(memory, block) or home)


def nested(memory: Memory, spans: Spans, zone: Zone) -> bool:
    """A zone's managed frames are at most the present ones, and so are those that were there at boot."""
    present = memory.present.get(zone, 0)
    return (memory.managed.get(zone, 0) <= present) & (memory.present_early.get(zone, 0) <= present)


def counted(memory: Memory, spans: Spans, zone: Zone) -> bool:
    """A zone's frames are those of its online blocks, holes left out; managed are those that were not withheld."""
    mine = [block for block, _ in memory.blocks.items() if is_in_zone(memory, zone, block)]
    present = sum(block_size(memory.shape) - memory.holes.get(block, 0) for block in mine)
    early = sum(block_size(memory.shape) - memory.holes.get(block, 0) for block in mine if memory.early.get(block, False))
    managed = present - sum(memory.withheld.get(block, 0) for block in mine)
    counters = memory.present.get(zone, 0), memory.present_early.get(zone, 0), memory.managed.get(zone, 0)
    return counters == (present, early, managed)


def node_sums(memory: Memory, spans: Spans, node: Node) -> bool:
    """A node's frames are those of its zones."""
    frames = 0
    for kind in range(KINDS):
        frames += memory.present.get(zone_at(node, kind), 0)
    return frames == memory.node_present.get(node, 0)


def total_sums(memory: Memory, spans: Spans, zone: Zone) -> bool:
    """All managed frames are totalram."""
    managed: int = sum(frames for _, frames in memory.managed.items())
    return managed == memory.total


def spans_blocks(memory: Memory, spans: Spans, block: Block) -> bool:
    """A zone spans each block that is online in it."""
    zone = memory.zones.get(block, 0)
    inside = (spans.start.get(zone, 0) <= block_start(memory.shape, block)) & (ram_end(memory, block) <= zone_end(spans, zone))
    return not is_online(memory, block) or inside


def node_hull(memory: Memory, spans: Spans, node: Node) -> bool:
    """A node spans its zones, that of devices too, and no more."""
    low, high = hull_start(spans, node), hull_end(spans, node)
    return (spans.node_start.get(node, 0) == low) & (spans.node_spanned.get(node, 0) == high - low)


# --- where they are asked ------------------------------------------------------------------------------------------------


def blocks_there(memory: Memory, spans: Spans) -> Iterator[Block]:
    """Yield the blocks of which anything is known."""
    yield from (block for block, _ in memory.blocks.items())


def zones_there(memory: Memory, spans: Spans) -> Iterator[Zone]:
    """Yield every zone."""
    yield from (zone_at(node, kind) for node in range(memory.shape.nodes) for kind in range(KINDS))


def nodes_there(memory: Memory, spans: Spans) -> Iterator[Node]:
    """Yield every node."""
    yield from range(memory.shape.nodes)


def frames_near(memory: Memory, spans: Spans) -> Iterator[Pfn]:
    """Yield the first and last frames of blocks, of their memory, and of devices' sub-sections."""
    for block, state in memory.blocks.items():
        if state:
            first, end = block_start(memory.shape, block), ram_end(memory, block)
            yield from (first, end - 1, end, first + block_size(memory.shape) - 1)
    for subsection, owner in memory.devices.items():
        if owner:
            yield from (subsection << SUBSECTION_ORDER, (subsection + 1 << SUBSECTION_ORDER) - 1)


INVARIANTS = (
    Invariant(c.NEVER_ONLINE, never_online, frames_near),
    Invariant(c.NEVER_ONLINE, apart, frames_near),
    Invariant(c.ONE_NODE, at_home, blocks_there),
    Invariant(c.NESTED, nested, zones_there),
    Invariant(c.COUNTED, counted, zones_there, recount=True),
    Invariant(c.NODE_SUM, node_sums, nodes_there),
    Invariant(c.TOTAL_SUM, total_sums, lambda memory, spans: (0,), recount=True),
    Invariant(c.SPANS_ALL, spans_blocks, blocks_there),
    Invariant(c.NODE_HULL, node_hull, nodes_there),
)
