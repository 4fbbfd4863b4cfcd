"""What Linux answers: which of several errors, which zone, and what that makes of its spans (mm/memory_hotplug.c, v6.12)."""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.hotplug import clauses as c
from mmspec.physical.hotplug.core import (
    add_misfits,
    can_remove,
    has_online,
    is_devices,
    is_ram,
    is_stray,
    is_taken,
    is_unmappable,
    mapped_end,
)
from mmspec.physical.hotplug.devices import ends_late, is_misplaced, lacks_method, range_end
from mmspec.physical.hotplug.onlining import can_isolate, can_release, has_reserved, holder_of
from mmspec.physical.hotplug.ops import (
    ABSENT,
    AUTO_MOVABLE,
    DEVICE,
    DONE,
    E2BIG,
    EBUSY,
    EEXIST,
    EHWPOISON,
    EINTR,
    EINVAL,
    ENOENT,
    ENOMEM,
    ENXIO,
    EPERM,
    HUGETLB,
    KERNEL,
    KINDS,
    MOVABLE,
    NORMAL,
    OFFLINE,
    ONLINE,
    POISON,
    SIGNAL,
    TO_MOVABLE,
    UNMOVABLE,
    VETO,
    Add,
    Block,
    BlockState,
    Frames,
    Isolate,
    MapDevice,
    Node,
    NodeEnd,
    Offline,
    Online,
    Onlined,
    Release,
    Remove,
    Subsection,
    SubsectionEnd,
    Target,
    Unisolate,
    UnmapDevice,
    Zone,
)  # fmt: skip
from mmspec.physical.hotplug.spans import frames_of, grown, intersects, shrunk, taken_back, zone_end
from mmspec.physical.hotplug.state import Memory, Spans, block_of, block_size, block_state, is_node, subsection_of, zone_at
from mmspec.pmap import PMap, somewhere

Answer = tuple[Any, Spans]

# --- which zone --------------------------------------------------------------------------------------------------------


def kernel_zone(spans: Spans, node: Node, first: int, end: int) -> Zone:
    """Return the kernel zone for a range (mm/memory_hotplug.c:default_kernel_zone_for_pfn, v6.12)."""
    rule(c.ZONE_LOWEST)
    found = zone_at(node, NORMAL)
    for k in range(NORMAL):
        zone = zone_at(node, NORMAL - 1 - k)
        found = zone if intersects(spans, zone, first, end) else found
    return found


def contiguous_zone(spans: Spans, node: Node, first: int, end: int) -> Zone:
    """Return the zone that spans a range already, or where there is not one: as movable_node says (default_zone_for_pfn)."""
    kernel, movable = kernel_zone(spans, node, first, end), zone_at(node, MOVABLE)
    in_kernel, in_movable = intersects(spans, kernel, first, end), intersects(spans, movable, first, end)
    if in_kernel != in_movable:
        rule(c.ZONE_INHERIT)
        return kernel if in_kernel else movable
    rule(c.ZONE_ELSE)
    return movable if spans.rules.movable_node != 0 else kernel


def movable_of(memory: Memory, node: Node) -> Frames:
    """Return a node's movable frames (mm/memory_hotplug.c:auto_movable_stats_account_zone, v6.12; CMA is not modelled)."""
    return memory.present.get(zone_at(node, MOVABLE), 0)


def kernel_of(memory: Memory, node: Node) -> Frames:
    """Return a node's frames of kernel zones that were there at boot."""
    frames: Frames = 0
    for kind in range(KINDS):
        frames += memory.present_early.get(zone_at(node, kind), 0) if kind != MOVABLE else 0
    return frames


def within_ratio(spans: Spans, kernel: Frames, movable: Frames) -> bool:
    """Tell whether there may be so many movable frames (mm/memory_hotplug.c:auto_movable_can_online_movable, v6.12)."""
    return (kernel > 0) & (movable <= spans.rules.auto_movable_ratio * kernel // 100)


def sum_more(memory: Memory, kernel: Frames, movable: Frames, node: NodeEnd) -> bool:
    """Tell whether nodes are left."""
    return node < memory.shape.nodes


def sum_step(memory: Memory, kernel: Frames, movable: Frames, node: NodeEnd) -> tuple[Any, ...]:
    """Add a node's frames."""
    return memory, kernel + kernel_of(memory, node), movable + movable_of(memory, node), node + 1


def sum_left(memory: Memory, kernel: Frames, movable: Frames, node: NodeEnd) -> int:
    """Return how many nodes are left."""
    return memory.shape.nodes - node


SUM = Loop("sum", sum_more, sum_step, sum_left)


def auto_zone(memory: Memory, spans: Spans, node: Node, first: int, end: int) -> Zone:
    """Return MOVABLE while the machine's, and the node's, kernel memory bears more (auto_movable_zone_for_pfn)."""
    rule(c.ZONE_AUTO)
    size = end - first
    _, kernel, movable, _ = SUM.run(memory, 0, 0, 0)
    bears = within_ratio(spans, kernel, movable + size)
    if spans.rules.auto_movable_numa_aware != 0:
        rule(c.ZONE_AUTO_NODE)
        bears &= within_ratio(spans, kernel_of(memory, node), movable_of(memory, node) + size)
    bears &= spans.rules.auto_movable_ratio > 0
    return zone_at(node, MOVABLE) if bears else kernel_zone(spans, node, first, end)


def zone_for(memory: Memory, spans: Spans, block: Block, to: Target) -> Zone:
    """Return the zone that a block goes to (mm/memory_hotplug.c:zone_for_pfn_range, v6.12)."""
    node = memory.nodes.get(block, 0)
    first, end = frames_of(memory, block)
    if to == KERNEL:
        return kernel_zone(spans, node, first, end)
    if to == TO_MOVABLE:
        return zone_at(node, MOVABLE)
    if spans.rules.online_policy == AUTO_MOVABLE:
        return auto_zone(memory, spans, node, first, end)
    return contiguous_zone(spans, node, first, end)


# --- add, remove ---------------------------------------------------------------------------------------------------------


def add_choose(memory: Memory, spans: Spans, op: Add) -> Answer:
    """Answer an add as Linux does: first what is asked of the range, then its resource, alignment, the node."""
    rule(c.ADD_ORDER)
    if is_unmappable(memory.shape, op):
        return E2BIG, spans
    if is_taken(memory, op):
        return EEXIST, spans
    if add_misfits(memory, op):
        return EINVAL, spans
    end = op.pfn + op.pages
    if op.starves != 0:
        before = mapped_end(memory.shape, op)
        return (EEXIST if before > op.pfn and is_stray(memory, op.pfn, before) else ENOMEM), spans
    if is_stray(memory, op.pfn, end):
        return EEXIST, spans
    return DONE, attrs.evolve(spans, online=spans.online.set(op.node, True))


def is_on(block: Block, state: BlockState, memory: Memory, node: Node, first: Block, end: int) -> bool:
    """Tell whether a block outside a range is there, on a node."""
    return (state != 0) & (memory.nodes.get(block, 0) == node) & ((block < first) | (end <= block))


def remove_choose(memory: Memory, spans: Spans, op: Remove) -> Answer:
    """Answer a remove as Linux does; the node of the last block may go offline."""
    if not can_remove(memory, op):
        return EINVAL, spans
    if has_online(memory, op):
        return EBUSY, spans
    shape = memory.shape
    first, end = block_of(shape, op.pfn), block_of(shape, op.pfn + op.pages)
    node = memory.nodes.get(end - 1, 0)
    rule(c.NODE_OFFLINE)
    kept = spans.node_spanned.get(node, 0) > 0 or is_node(shape.cpus, node)
    if kept or somewhere(memory.blocks, is_on, memory, node, first, end):
        return DONE, spans
    return DONE, attrs.evolve(spans, online=spans.online.set(node, False))


# --- online, offline -----------------------------------------------------------------------------------------------------


def online_choose(memory: Memory, spans: Spans, op: Online) -> Answer:
    """Answer an online as Linux does; the spans grow, and shrink again if a notifier refuses."""
    state = block_state(memory, op.block)
    if state == ABSENT:
        return ENOENT, spans
    if state == ONLINE or op.withheld > block_size(memory.shape):
        return EINVAL, spans
    if op.stop == POISON:
        return EHWPOISON, spans
    zone = zone_for(memory, spans, op.block, op.to)
    if op.stop == VETO:
        rule(c.VETO_SHRINKS)
        return EPERM, taken_back(memory, spans, zone, op.block)
    first, end = frames_of(memory, op.block)
    return Onlined(zone), grown(spans, zone, first, end)


def offline_choose(memory: Memory, spans: Spans, op: Offline) -> Answer:
    """Answer an offline as Linux does; the spans shrink."""
    state = block_state(memory, op.block)
    if state == ABSENT:
        return ENOENT, spans
    rule(c.OFFLINE_ORDER)
    if state == OFFLINE or memory.holes.get(op.block, 0) > 0:
        return EINVAL, spans
    if memory.isolations.get(op.block, 0) > 0 or has_reserved(memory, op.block) or op.stop == UNMOVABLE:
        return EBUSY, spans
    if op.stop == VETO:
        return EPERM, spans
    if op.stop == SIGNAL:
        return EINTR, spans
    if op.stop == HUGETLB:
        return ENOMEM, spans
    gone = attrs.evolve(memory, blocks=memory.blocks.set(op.block, OFFLINE))
    return DONE, shrunk(gone, spans, memory.zones.get(op.block, 0), op.block)


def release_choose(memory: Memory, spans: Spans, op: Release) -> Answer:
    """Answer a release."""
    return (DONE if can_release(memory, op) else EINVAL), spans


def isolate_choose(memory: Memory, spans: Spans, op: Isolate) -> Answer:
    """Answer an isolation."""
    if not can_isolate(memory, op.pageblock):
        return EINVAL, spans
    if memory.isolated.get(op.pageblock, False) or op.unmovable != 0:
        return EBUSY, spans
    rule(c.ISOLATE_SPAN)
    zone = memory.zones.get(holder_of(memory.shape, op.pageblock), 0)
    return (EBUSY if zone_end(spans, zone) < (op.pageblock + 1) << memory.shape.pageblock_order else DONE), spans


def unisolate_choose(memory: Memory, spans: Spans, op: Unisolate) -> Answer:
    """Answer the end of an isolation."""
    return (DONE if memory.isolated.get(op.pageblock, False) else EINVAL), spans


# --- devices -------------------------------------------------------------------------------------------------------------


def own_more(owned: PMap[Subsection, bool], yes: bool, at: SubsectionEnd, end: SubsectionEnd) -> bool:
    """Tell whether sub-sections are left."""
    return at < end


def own_step(owned: PMap[Subsection, bool], yes: bool, at: SubsectionEnd, end: SubsectionEnd) -> tuple[Any, ...]:
    """Write a sub-section into the array that finds devices, or take it out."""
    return owned.set(at, yes), yes, at + 1, end


def own_left(owned: PMap[Subsection, bool], yes: bool, at: SubsectionEnd, end: SubsectionEnd) -> int:
    """Return how many sub-sections are left."""
    return end - at


OWN = Loop("own", own_more, own_step, own_left)


def with_owned(spans: Spans, yes: bool, first: Subsection, end: SubsectionEnd) -> Spans:
    """Write a range into pgmap_array, or take it out."""
    owned, _, _, _ = OWN.run(spans.owned, yes, first, end)
    return attrs.evolve(spans, owned=owned)


def map_device_choose(memory: Memory, spans: Spans, op: MapDevice) -> Answer:
    """Answer a device's mapping as Linux does (mm/memremap.c:pagemap_range, v6.12)."""
    if lacks_method(op) or op.node >= memory.shape.nodes:
        return EINVAL, spans
    first, end = op.pfn, op.pfn + op.pages
    rule(c.DEVICE_FIRST)
    if spans.owned.get(subsection_of(first), False) or spans.owned.get(subsection_of(end - 1), False):
        return ENOMEM, spans
    if is_ram(memory, first, end):
        return ENXIO, spans
    ends = subsection_of(end - 1) + 1
    if ends_late(memory, op) or is_misplaced(memory, op):
        rule(c.DEVICE_FORGOTTEN)
        return EINVAL, with_owned(spans, False, subsection_of(first), ends)
    if is_devices(memory, first, end) or is_stray(memory, first, end):
        rule(c.DEVICE_FORGOTTEN)
        return EEXIST, with_owned(spans, False, subsection_of(first), ends)
    rule(c.DEVICE_SPAN)
    return DONE, with_owned(grown(spans, zone_at(op.node, DEVICE), first, end), True, subsection_of(first), ends)


def unmap_device_choose(memory: Memory, spans: Spans, op: UnmapDevice) -> Answer:
    """Answer the end of a device's mapping as Linux does: the spans stay."""
    end = range_end(memory, op.pfn)
    if end == 0:
        return EINVAL, spans
    rule(c.DEVICE_SPAN_STAYS)
    return DONE, with_owned(spans, False, subsection_of(op.pfn), end)
