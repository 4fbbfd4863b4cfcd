"""What is given of a machine's memory: its shape, the truths about one frame or block, and room in its counters."""

from __future__ import annotations

from typing import Any

from mmproofs.obligation import Predicate
from mmspec.physical.hotplug import devices, onlining
from mmspec.physical.hotplug.core import block_meets, device_meets, is_whole
from mmspec.physical.hotplug.invariants import apart, at_home
from mmspec.physical.hotplug.ops import (
    ABSENT,
    OFFLINE,
    SUBSECTION_ORDER,
    Add,
    Block,
    Isolate,
    MapDevice,
    Offline,
    Online,
    Release,
    Remove,
    Subsection,
    Unisolate,
    UnmapDevice,
    Zone,
)
from mmspec.physical.hotplug.state import Memory, block_of, block_size, block_state, node_of
from mmspec.words import Pageblock

ROOM = 1 << 52
"""Counters stay below this: as many frames as there are."""

ORDERS = {"memory.shape.block_order": (15,)}
BOUNDS = {"block_order": "15 (128 MiB)"}


# --- shapes and counters -------------------------------------------------------------------------------------------------


def legal_shape(memory: Memory) -> bool:
    """The shape is what the door lets through."""
    shape = memory.shape
    nested = (shape.pageblock_order >= SUBSECTION_ORDER) & (shape.pageblock_order <= shape.section_order)
    ends = (shape.mappable_end <= shape.physical_end) & (shape.physical_end & (block_size(shape) - 1) == 0)
    return nested & (shape.section_order <= shape.block_order) & (shape.nodes <= 64) & ends


def within(memory: Memory, block: Block) -> bool:
    """A block that is there lies below the end of physical memory, and its hole is less than it and whole sub-sections."""
    size, hole = block_size(memory.shape), memory.holes.get(block, 0)
    inside = (block + 1) * size <= memory.shape.physical_end
    fits = (hole < size) & (hole & ((1 << SUBSECTION_ORDER) - 1) == 0)
    return (block_state(memory, block) == ABSENT) | (inside & fits)


STATE: tuple[Predicate, ...] = (within, apart, at_home)


def roomy(memory: Memory, op: Any) -> bool:
    """Counters have room for a block, and cover the one that the request names (HOTPLUG-8, which is recounted in every run)."""
    zone, size = memory.zones.get(op.block, 0), block_size(memory.shape)
    present, managed = memory.present.get(zone, 0), memory.managed.get(zone, 0)
    withheld = memory.withheld.get(op.block, 0)
    covers = (size <= present) & (withheld <= size) & (managed + withheld <= present) & (size - withheld <= managed)
    early = (memory.early.get(op.block, False) == False) | (size <= memory.present_early.get(zone, 0))  # noqa: E712
    node = (size <= memory.node_present.get(node_of(zone), 0)) & (size - withheld <= memory.total)
    return covers & early & node


def small_zone(memory: Memory, zone: Zone) -> bool:
    """A zone's counters are below the number of frames that there are."""
    counts = (memory.present.get(zone, 0) <= ROOM) & (memory.managed.get(zone, 0) <= ROOM)
    node = memory.node_present.get(node_of(zone), 0)
    return counts & (memory.present_early.get(zone, 0) <= ROOM) & (memory.total <= ROOM) & (node <= ROOM)


# --- what was lawful -----------------------------------------------------------------------------------------------------


def add_lawful(memory: Memory, op: Add) -> bool:
    """What was added is whole blocks that can be mapped, of a node that is possible."""
    whole = is_whole(memory.shape, op.pfn, op.pages) & (op.pfn + op.pages <= memory.shape.mappable_end)
    return whole & (op.node < memory.shape.nodes)


def nothing_there(memory: Memory, op: Add, block: Block) -> bool:
    """No block had memory there."""
    met = block_meets(block, block_state(memory, block), memory, op.pfn, op.pfn + op.pages)
    return met == False  # noqa: E712


def no_device_there(memory: Memory, op: Add, subsection: Subsection) -> bool:
    """No device had a frame there."""
    met = device_meets(subsection, memory.devices.get(subsection, 0), op.pfn, op.pfn + op.pages)
    return met == False  # noqa: E712


def remove_lawful(memory: Memory, op: Remove) -> bool:
    """What was removed is whole blocks."""
    return is_whole(memory.shape, op.pfn, op.pages) & (op.pfn + op.pages <= memory.shape.physical_end)


def all_offline(memory: Memory, op: Remove, block: Block) -> bool:
    """All blocks of it were offline."""
    first, end = block_of(memory.shape, op.pfn), block_of(memory.shape, op.pfn + op.pages)
    inside = (first <= block) & (block < end)
    return (inside == False) | (block_state(memory, block) == OFFLINE)  # noqa: E712


def online_lawful(memory: Memory, op: Online, result: Any) -> bool:
    """The answer to the online is allowed."""
    return onlining.online_allowed(memory, op, result) is None


def offline_lawful(memory: Memory, op: Offline, result: Any) -> bool:
    """The answer to the offline is allowed."""
    return onlining.offline_allowed(memory, op, result) is None


def release_lawful(memory: Memory, op: Release, result: Any) -> bool:
    """The answer to the release is allowed."""
    return onlining.release_allowed(memory, op, result) is None


def isolate_lawful(memory: Memory, op: Isolate, result: Any) -> bool:
    """The answer to the isolation is allowed."""
    return onlining.isolate_allowed(memory, op, result) is None


def unisolate_lawful(memory: Memory, op: Unisolate, result: Any) -> bool:
    """The answer to the end of the isolation is allowed."""
    return onlining.unisolate_allowed(memory, op, result) is None


def map_lawful(memory: Memory, op: MapDevice) -> bool:
    """What was mapped is whole sub-sections of physical memory, on a node."""
    return (devices.is_misplaced(memory, op) == False) & (devices.ends_late(memory, op) == False)  # noqa: E712


def no_ram_there(memory: Memory, op: MapDevice, block: Block) -> bool:
    """No block had memory there."""
    met = block_meets(block, block_state(memory, block), memory, op.pfn, op.pfn + op.pages)
    return met == False  # noqa: E712


def unmap_lawful(memory: Memory, op: UnmapDevice, result: Any) -> bool:
    """The answer to the end of the mapping is allowed."""
    return devices.unmap_device_allowed(memory, op, result) is None


def counted_pageblocks(memory: Memory, pageblock: Pageblock) -> bool:
    """A block with an isolated pageblock counts it."""
    block = onlining.holder_of(memory.shape, pageblock)
    count = memory.isolations.get(block, 0)
    return ((memory.isolated.get(pageblock, False) == False) | (count > 0)) & (count <= ROOM)  # noqa: E712


def ends_ahead(memory: Memory, subsection: Subsection) -> bool:
    """A device's range that begins somewhere ends behind that."""
    end = memory.device_ends.get(subsection, 0)
    return (end == 0) | (subsection < end)
