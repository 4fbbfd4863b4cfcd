"""Which memory a machine has, and what became of it; and, beside it, how Linux remembers where its zones lie.

What a map does not hold is 0.
"""

from __future__ import annotations

import attrs

from mmspec.physical.hotplug.ops import (
    ABSENT,
    DEVICE,
    KINDS,
    MOVABLE,
    NODE_SHIFT,
    NORMAL,
    ONLINE,
    SUBSECTION_ORDER,
    Block,
    BlockOrder,
    BlockState,
    DeviceOwner,
    Frames,
    Kind,
    Node,
    NodeEnd,
    NodeSet,
    OnlinePolicy,
    Percent,
    Subsection,
    SubsectionEnd,
    Truth,
    Zone,
)  # fmt: skip
from mmspec.pmap import PMap
from mmspec.words import Order, Pageblock, Pfn, PfnEnd


@attrs.frozen
class Shape:
    """What never changes."""

    section_order: BlockOrder
    block_order: BlockOrder
    pageblock_order: Order
    nodes: NodeEnd
    cpus: NodeSet
    mappable_end: PfnEnd
    physical_end: PfnEnd


@attrs.frozen
class Memory:
    """The blocks of a machine, the counters of its zones and nodes, and the ranges that devices have."""

    shape: Shape
    blocks: PMap[Block, BlockState]
    nodes: PMap[Block, Node]  # the node of a block that is there
    zones: PMap[Block, Zone]  # the zone of a block that is online, or was last
    early: PMap[Block, bool]  # whether a block has been there since boot
    holes: PMap[Block, Frames]  # the frames at a block's end that are no memory
    withheld: PMap[Block, Frames]  # frames of an online block that the page allocator was not given
    reserved: PMap[Block, bool]  # whether boot withheld them: then their pages are PageReserved, else PageOffline
    isolated: PMap[Pageblock, bool]
    isolations: PMap[Block, Frames]  # how many pageblocks of a block are isolated
    strays: PMap[Block, Frames]  # the first frames of a block whose memory map stayed behind when adding it failed
    present: PMap[Zone, Frames]
    present_early: PMap[Zone, Frames]
    managed: PMap[Zone, Frames]
    node_present: PMap[Node, Frames]
    total: Frames  # totalram_pages
    devices: PMap[Subsection, DeviceOwner]  # whose pages are in zone DEVICE
    device_ends: PMap[Subsection, SubsectionEnd]  # where the range ends that begins here


@attrs.frozen
class Rules:
    """How an administrator wants memory onlined (mm/memory_hotplug.c, module parameters, v6.12)."""

    online_policy: OnlinePolicy
    auto_movable_ratio: Percent
    auto_movable_numa_aware: Truth
    movable_node: Truth


@attrs.frozen
class Spans:
    """Where Linux's zones and nodes lie, which nodes are online, and the array that finds a frame's device."""

    rules: Rules
    start: PMap[Zone, PfnEnd]  # zone_start_pfn
    spanned: PMap[Zone, Frames]
    node_start: PMap[Node, PfnEnd]
    node_spanned: PMap[Node, Frames]
    online: PMap[Node, bool]
    owned: PMap[Subsection, bool]  # pgmap_array


def node_of(zone: Zone) -> Node:
    """Return a zone's node."""
    return zone >> NODE_SHIFT


def kind_of(zone: Zone) -> Kind:
    """Return a zone's kind (zone_idx)."""
    return zone & ((1 << NODE_SHIFT) - 1)


def zone_at(node: Node, kind: Kind) -> Zone:
    """Return the zone of a kind on a node."""
    return (node << NODE_SHIFT) | kind


def is_zone(shape: Shape, zone: Zone) -> bool:
    """Tell whether the machine has a zone of that number, with memory or without."""
    return (node_of(zone) < shape.nodes) & (kind_of(zone) < KINDS)


def is_kernel_kind(kind: Kind) -> bool:
    """Tell whether a kind of zone is one for the kernel's own memory; hotplug knows no HIGHMEM."""
    return kind <= NORMAL


def takes_blocks(kind: Kind) -> bool:
    """Tell whether blocks are put online in a kind of zone: never in DEVICE."""
    return (is_kernel_kind(kind) | (kind == MOVABLE)) & (kind != DEVICE)


def block_size(shape: Shape) -> Frames:
    """Return the frames of a block (memory_block_size_bytes)."""
    return 1 << shape.block_order


def block_start(shape: Shape, block: Block) -> Pfn:
    """Return a block's first frame."""
    return block << shape.block_order


def block_of(shape: Shape, pfn: Pfn) -> Block:
    """Return the block that holds a frame."""
    return pfn >> shape.block_order


def ram_end(memory: Memory, block: Block) -> PfnEnd:
    """Return where a block's memory ends: what is behind that in it is a hole."""
    return block_start(memory.shape, block) + block_size(memory.shape) - memory.holes.get(block, 0)


def subsection_of(pfn: Pfn) -> Subsection:
    """Return the sub-section that holds a frame."""
    return pfn >> SUBSECTION_ORDER


def block_state(memory: Memory, block: Block) -> BlockState:
    """Return what a block is."""
    return memory.blocks.get(block, ABSENT)


def is_online(memory: Memory, block: Block) -> bool:
    """Tell whether a block is online."""
    return memory.blocks.get(block, ABSENT) == ONLINE


def is_in_zone(memory: Memory, zone: Zone, block: Block) -> bool:
    """Tell whether a block is online in a zone."""
    return is_online(memory, block) & (memory.zones.get(block, 0) == zone)


def is_online_frame(memory: Memory, pfn: Pfn) -> bool:
    """Tell whether a frame is online: such frames, and no others, the page allocator may be given."""
    block = block_of(memory.shape, pfn)
    return is_online(memory, block) & (pfn < ram_end(memory, block))


def is_memory(memory: Memory, pfn: Pfn) -> bool:
    """Tell whether a frame is memory, online or not: it is of a block that is there, and of no hole."""
    block = block_of(memory.shape, pfn)
    return (block_state(memory, block) != ABSENT) & (pfn < ram_end(memory, block))


def is_device_frame(memory: Memory, pfn: Pfn) -> bool:
    """Tell whether a frame is a device's (include/linux/mm.h:is_zone_device_page, v6.12)."""
    return memory.devices.get(subsection_of(pfn), 0) != 0


def is_node(nodes: NodeSet, node: Node) -> bool:
    """Tell whether a set has a node."""
    return (nodes >> node) & 1 != 0
