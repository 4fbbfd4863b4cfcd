"""What can be seen of memory: zones, nodes, blocks, frames, the total."""

from __future__ import annotations

from typing import Any

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.physical.hotplug import clauses as c
from mmspec.physical.hotplug.linux import zone_for
from mmspec.physical.hotplug.onlining import zone_clause
from mmspec.physical.hotplug.ops import (
    ABSENT,
    COHERENT,
    DEVICE,
    DEVICE_FRAME,
    EINVAL,
    ENOENT,
    MOVABLE,
    NO_FRAME,
    NOWHERE,
    OFFLINE,
    OFFLINE_FRAME,
    ONLINE,
    ONLINE_FRAME,
    Block,
    BlockIs,
    DefaultZone,
    Error,
    FrameIs,
    LookBlock,
    LookFrame,
    LookNode,
    LookTotal,
    LookZone,
    Node,
    NodeIs,
    Onlined,
    Total,
    Truth,
    Zone,
    ZoneIs,
)  # fmt: skip
from mmspec.physical.hotplug.state import (
    Memory,
    Spans,
    block_of,
    block_start,
    block_state,
    is_device_frame,
    is_kernel_kind,
    is_memory,
    is_node,
    is_online_frame,
    is_zone,
    kind_of,
    node_of,
    ram_end,
    subsection_of,
    zone_at,
)
from mmspec.pmap import somewhere
from mmspec.words import Pfn, PfnEnd

# --- zones -------------------------------------------------------------------------------------------------------------


def is_outside(block: Block, zone: Zone, memory: Memory, wanted: Zone, start: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether a block that is online in a zone has memory outside a range."""
    mine = (zone == wanted) & (block_state(memory, block) == ONLINE)
    return mine & ((block_start(memory.shape, block) < start) | (end < ram_end(memory, block)))


def look_zone_allowed(memory: Memory, op: LookZone, result: ZoneIs | Error) -> Clause | None:
    """Name the clause that a zone's sizes break."""
    if result.failed or not is_zone(memory.shape, op.zone):
        rule(c.LOOK_ARGS)
        return None if refused(result, "EINVAL") and not is_zone(memory.shape, op.zone) else c.LOOK_ARGS
    rule(c.ZONE_REPORTED)
    counts = (result.present == memory.present.get(op.zone, 0)) & (result.managed == memory.managed.get(op.zone, 0))
    if not counts or result.early != memory.present_early.get(op.zone, 0):
        return c.ZONE_REPORTED
    rule(c.ZONE_SPANNED)
    end = result.start + result.spanned
    return c.ZONE_SPANNED if somewhere(memory.zones, is_outside, memory, op.zone, result.start, end) else None


def look_zone_choose(memory: Memory, spans: Spans, op: LookZone) -> tuple[ZoneIs | Error, Spans]:
    """Return a zone's sizes."""
    zone = op.zone
    if not is_zone(memory.shape, zone):
        return EINVAL, spans
    present, early = memory.present.get(zone, 0), memory.present_early.get(zone, 0)
    return ZoneIs(spans.start.get(zone, 0), spans.spanned.get(zone, 0), present, early, memory.managed.get(zone, 0)), spans


# --- nodes -------------------------------------------------------------------------------------------------------------


def normal_of(memory: Memory, node: Node) -> Truth:
    """Return whether a node has memory in a kernel zone (N_NORMAL_MEMORY)."""
    some = False
    for kind in range(MOVABLE):
        some |= is_kernel_kind(kind) and memory.present.get(zone_at(node, kind), 0) > 0
    return 1 if some else 0


def memory_of(memory: Memory, node: Node) -> Truth:
    """Return whether a node has memory (N_MEMORY): a device's is none."""
    return 1 if memory.node_present.get(node, 0) > 0 else 0


def is_of_node(block: Block, node: Node, memory: Memory, wanted: Node) -> bool:
    """Tell whether a block is there, on a node."""
    return (node == wanted) & (block_state(memory, block) != ABSENT)


def must_be_online(memory: Memory, node: Node) -> bool:
    """Tell whether a node has CPUs or blocks."""
    return is_node(memory.shape.cpus, node) or somewhere(memory.nodes, is_of_node, memory, node)


def look_node_allowed(memory: Memory, op: LookNode, result: NodeIs | Error) -> Clause | None:
    """Name the clause that what is said of a node breaks."""
    node = op.node
    if result.failed or node >= memory.shape.nodes:
        rule(c.LOOK_ARGS)
        return None if refused(result, "EINVAL") and node >= memory.shape.nodes else c.LOOK_ARGS
    rule(c.NODE_REPORTED)
    if result.present != memory.node_present.get(node, 0):
        return c.NODE_REPORTED
    rule(c.NODE_STATES)
    if result.memory != memory_of(memory, node) or result.normal != normal_of(memory, node):
        return c.NODE_STATES
    rule(c.NODE_ONLINE)
    return c.NODE_ONLINE if result.online == 0 and must_be_online(memory, node) else None


def look_node_choose(memory: Memory, spans: Spans, op: LookNode) -> tuple[NodeIs | Error, Spans]:
    """Return what is so of a node."""
    node = op.node
    if node >= memory.shape.nodes:
        return EINVAL, spans
    start, spanned = spans.node_start.get(node, 0), spans.node_spanned.get(node, 0)
    online = 1 if spans.online.get(node, False) else 0
    present = memory.node_present.get(node, 0)
    return NodeIs(start, spanned, present, online, memory_of(memory, node), normal_of(memory, node)), spans


# --- blocks ------------------------------------------------------------------------------------------------------------


def block_answer(memory: Memory, block: Block) -> BlockIs | Error:
    """Return what is so of a block."""
    state = block_state(memory, block)
    if state == ABSENT:
        return ENOENT
    return BlockIs(state, memory.nodes.get(block, 0), memory.zones.get(block, 0) if state == ONLINE else NOWHERE)


def look_block_allowed(memory: Memory, op: LookBlock, result: BlockIs | Error) -> Clause | None:
    """Name the clause that what is said of a block breaks."""
    rule(c.BLOCK_REPORTED)
    return None if result == block_answer(memory, op.block) else c.BLOCK_REPORTED


def look_block_choose(memory: Memory, spans: Spans, op: LookBlock) -> tuple[BlockIs | Error, Spans]:
    """Return what is so of a block."""
    return block_answer(memory, op.block), spans


def default_zone_allowed(memory: Memory, op: DefaultZone, result: Onlined | Error) -> Clause | None:
    """Name the clause that the zone for a block breaks."""
    offline = block_state(memory, op.block) == OFFLINE
    if result.failed or not offline:
        rule(c.LOOK_ARGS)
        return None if refused(result, "EINVAL") and not offline else c.LOOK_ARGS
    return zone_clause(memory, op.block, op.to, result.zone)


def default_zone_choose(memory: Memory, spans: Spans, op: DefaultZone) -> tuple[Onlined | Error, Spans]:
    """Return the zone that a block would go to."""
    if block_state(memory, op.block) != OFFLINE:
        return EINVAL, spans
    return Onlined(zone_for(memory, spans, op.block, op.to)), spans


# --- frames, the total -------------------------------------------------------------------------------------------------


def device_frame(memory: Memory, pfn: Pfn) -> FrameIs:
    """Return what a device's frame is."""
    owner = memory.devices.get(subsection_of(pfn), 0)
    rule(c.DEVICE_REFS)
    return FrameIs(DEVICE_FRAME, zone_at(node_of(owner), DEVICE), 0 if kind_of(owner) <= COHERENT else 1)


def frame_answer(memory: Memory, pfn: Pfn) -> FrameIs:
    """Return what a frame is."""
    if is_device_frame(memory, pfn):
        return device_frame(memory, pfn)
    if is_online_frame(memory, pfn):
        return FrameIs(ONLINE_FRAME, memory.zones.get(block_of(memory.shape, pfn), 0), 0)
    return FrameIs(OFFLINE_FRAME if is_memory(memory, pfn) else NO_FRAME, NOWHERE, 0)


def look_frame_allowed(memory: Memory, op: LookFrame, result: FrameIs | Error) -> Clause | None:
    """Name the clause that what is said of a frame breaks."""
    rule(c.FRAME_REPORTED)
    right = frame_answer(memory, op.pfn)
    if result.failed or result.state != right.state or result.zone != right.zone:
        return c.FRAME_REPORTED
    return None if result.references == right.references else c.DEVICE_REFS


def look_frame_choose(memory: Memory, spans: Spans, op: LookFrame) -> tuple[FrameIs, Spans]:
    """Return what a frame is."""
    return frame_answer(memory, op.pfn), spans


def look_total_allowed(memory: Memory, op: LookTotal, result: Total | Error) -> Clause | None:
    """Name the clause that a total breaks."""
    rule(c.TOTAL_REPORTED)
    return c.TOTAL_REPORTED if result.failed or result.frames != memory.total else None


def look_total_choose(memory: Memory, spans: Spans, op: LookTotal) -> tuple[Total, Spans]:
    """Return the total."""
    return Total(memory.total), spans


def look_apply(memory: Memory, op: Any, result: Any) -> Memory:
    """Looking changes nothing."""
    return memory
