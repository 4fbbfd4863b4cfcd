"""The requests, results and words of memory hotplug and device memory; nothing here decides anything.

Frames are of 4 KiB. Memory comes and goes in *blocks* (struct memory_block), numbered by ``pfn >> block_order``; a zone is
named by ``node * 8 + kind``. What other components know (whether a page can be moved, what a notifier says) is part of a request.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import attrs

from mmspec.errors import DONE, EBUSY, EINVAL, ENOENT, ENOMEM, Done, Error
from mmspec.words import Order, Pageblock, Pfn, PfnEnd, Word

__all__ = [
    "DONE", "E2BIG", "EBUSY", "EEXIST", "EHWPOISON", "EINTR", "EINVAL", "ENOENT", "ENOMEM", "ENXIO", "EPERM", "Add", "BlockIs",
    "Config", "DefaultZone", "Done", "Error", "FrameIs", "Isolate", "LookBlock", "LookFrame", "LookNode", "LookTotal", "LookZone",
    "MapDevice", "NodeIs", "Offline", "Online", "Onlined", "Release", "Remove", "Total", "Unisolate", "UnmapDevice", "ZoneIs",
]  # fmt: skip

E2BIG = Error("E2BIG")
EEXIST = Error("EEXIST")
EHWPOISON = Error("EHWPOISON")
EINTR = Error("EINTR")
ENXIO = Error("ENXIO")
EPERM = Error("EPERM")

ZONE_KINDS = ("DMA", "DMA32", "NORMAL", "HIGHMEM", "MOVABLE", "DEVICE")
"""The kinds of zones, lowest first (include/linux/mmzone.h:enum zone_type, v6.12)."""

DMA, DMA32, NORMAL, HIGHMEM, MOVABLE, DEVICE = range(6)
KINDS = len(ZONE_KINDS)
NODE_SHIFT = 3
MAX_NODES = 64
NOWHERE = MAX_NODES << NODE_SHIFT
"""Stands for no zone."""

SUBSECTION_ORDER = 9
"""A sub-section is 2 MiB (include/linux/mmzone.h:SUBSECTION_SHIFT, v6.12)."""

ABSENT, OFFLINE, ONLINE = range(3)
"""What a memory block is."""

DEFAULT, KERNEL, TO_MOVABLE = range(3)
"""Where a block is to go: as the policy of onlining says, to a kernel zone, to MOVABLE (enum mmop)."""

CONTIG_ZONES, AUTO_MOVABLE = range(2)
"""The policies of onlining (mm/memory_hotplug.c:online_policy, v6.12)."""

CLEAR, POISON, VETO, UNMOVABLE, SIGNAL, HUGETLB = range(6)
"""What may stop a block on its way: nothing, a page that is poisoned, a notifier (its answer is NOTIFY_BAD, which is EPERM), a
page that cannot be moved, a signal, a huge page that cannot be dissolved."""

PRIVATE, COHERENT, FS_DAX, GENERIC, PCI_P2PDMA = range(1, 6)
"""The kinds of device memory (include/linux/memremap.h:enum memory_type, v6.12): GPU memory that the CPU cannot reach, and that
it can; persistent memory, other memory of a device, memory for devices among themselves."""

MIGRATE_TO_RAM, PAGE_FREE, OWNER = 1, 2, 4
"""What a driver brings along: methods of ``dev_pagemap_ops``, and an owner."""

NO_FRAME, OFFLINE_FRAME, ONLINE_FRAME, DEVICE_FRAME = range(4)

Zone = Annotated[int, Word("zone", bits=16, lo=0, hi=NOWHERE - 1)]
"""A zone: ``node * 8 + kind``."""

ZoneOrNone = Annotated[int, Word("zone_or_none", bits=16, lo=0, hi=NOWHERE)]
"""A zone, or ``NOWHERE``."""

Node = Annotated[int, Word("node", bits=16, lo=0, hi=MAX_NODES - 1)]
"""A node."""

NodeEnd = Annotated[int, Word("node_end", bits=16, lo=0, hi=MAX_NODES)]
"""The exclusive end of a range of nodes."""

NodeSet = Annotated[int, Word("nodes", bits=64, lo=0, hi=(1 << MAX_NODES) - 1, hexadecimal=True)]
"""Bit n is set for node n."""

Kind = Annotated[int, Word("zone_kind", bits=8, lo=0, hi=KINDS - 1, names=ZONE_KINDS)]
"""A kind of zone."""

Block = Annotated[int, Word("memory_block", bits=64, lo=0, hi=(1 << 43) - 1)]
"""A memory block: ``pfn >> block_order``, where a block has at least 2 MiB."""

BlockEnd = Annotated[int, Word("memory_block_end", bits=64, lo=0, hi=1 << 43)]
"""The exclusive end of a range of memory blocks."""

BlockState = Annotated[int, Word("block_state", bits=8, lo=0, hi=2, names=("ABSENT", "OFFLINE", "ONLINE"))]
"""What a memory block is."""

BlockOrder = Annotated[int, Word("block_order", bits=8, lo=9, hi=31)]
"""The binary logarithm of a block's, or a section's, size in frames."""

Subsection = Annotated[int, Word("subsection", bits=64, lo=0, hi=(1 << 43) - 1)]
"""A sub-section: ``pfn >> 9``."""

SubsectionEnd = Annotated[int, Word("subsection_end", bits=64, lo=0, hi=1 << 43)]
"""The exclusive end of a range of sub-sections."""

Frames = Annotated[int, Word("zone_frames", bits=64, lo=0, hi=1 << 53)]
"""A number of frames."""

Size = Annotated[int, Word("range_frames", bits=64, lo=1, hi=1 << 52)]
"""A number of frames that is not 0."""

Target = Annotated[int, Word("target", bits=8, lo=0, hi=2, names=("DEFAULT", "KERNEL", "MOVABLE"))]
"""Where a block is to go."""

Stop = Annotated[
    int, Word("stop", bits=8, lo=0, hi=5, names=("CLEAR", "POISON", "VETO", "UNMOVABLE", "SIGNAL", "HUGETLB"))
]  # fmt: skip
"""What stops a block on its way."""

OnlinePolicy = Annotated[int, Word("online_policy", bits=8, lo=0, hi=1, names=("CONTIG_ZONES", "AUTO_MOVABLE"))]
"""The policy of onlining."""

Percent = Annotated[int, Word("percent", bits=32, lo=0, hi=(1 << 31) - 1)]
"""auto_movable_ratio: percent of kernel memory."""

DeviceType = Annotated[
    int, Word("device_type", bits=8, lo=1, hi=5, names=("NONE", "PRIVATE", "COHERENT", "FS_DAX", "GENERIC", "PCI_P2PDMA"))
]  # fmt: skip
"""A kind of device memory."""

DeviceOwner = Annotated[int, Word("device_owner", bits=16, lo=0, hi=NOWHERE - 1)]
"""Whose a device's frames are: ``node * 8 + device kind``; 0 where no device is."""

DriverBrings = Annotated[int, Word("driver_brings", bits=8, lo=0, hi=7)]
"""What a driver brings along, as bits."""

FrameState = Annotated[int, Word("frame_state", bits=8, lo=0, hi=3, names=("NONE", "OFFLINE", "ONLINE", "DEVICE"))]
"""What a frame's descriptor says: there is none, it is offline, online, a device's."""

References = Annotated[int, Word("references", bits=8, lo=0, hi=1)]
"""A page's reference count when its device gets it."""

Truth = Annotated[int, Word("truth", bits=8, lo=0, hi=1)]
"""1 for yes, 0 for no."""


# --- configuration -------------------------------------------------------------------------------------------------------


@attrs.frozen
class Config:
    """The machine after boot.

    ``memory``: its blocks as (block, node, kind, reserved, hole): all online, in the zone of a kind; ``reserved`` frames were
    kept from the page allocator at boot, the last ``hole`` frames of the block are no memory. ``spans``: zones that span more
    than their memory, as (zone, start, end): boot leaves those so that begin at an architecture's limit. ``cpus``: nodes with
    CPUs.
    """

    memory: tuple[tuple[Block, Node, Kind, Frames, Frames], ...]
    nodes: NodeEnd = 1
    cpus: NodeSet = 1
    spans: tuple[tuple[Zone, Pfn, PfnEnd], ...] = ()
    section_order: BlockOrder = 15
    block_order: BlockOrder = 15
    pageblock_order: Order = 9
    mappable_end: PfnEnd = 1 << 34  # where the direct map ends (arch_get_mappable_range)
    physical_end: PfnEnd = 1 << 34  # 1 << (MAX_PHYSMEM_BITS - PAGE_SHIFT)
    online_policy: OnlinePolicy = CONTIG_ZONES
    auto_movable_ratio: Percent = 301
    auto_movable_numa_aware: Truth = 1
    movable_node: Truth = 0


# --- blocks --------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Add:
    """Add memory to a node (mm/memory_hotplug.c:add_memory, v6.12); nothing of it is online afterwards.

    With ``starves`` an allocation fails, when the sections within the first ``mapped`` frames have their memory map already: that
    of a section's map, or where all have theirs that of a block's device (drivers/base/memory.c:create_memory_block_devices).
    """

    pfn: Pfn
    pages: Frames
    node: Node
    starves: Truth = 0
    mapped: Frames = 0


@attrs.frozen
class Remove:
    """Remove memory, all of it offline (mm/memory_hotplug.c:remove_memory, v6.12)."""

    pfn: Pfn
    pages: Frames


@attrs.frozen
class Online:
    """Put a block online (drivers/base/memory.c:memory_block_online, mm/memory_hotplug.c:online_pages, v6.12).

    ``withheld`` frames of it the callback of onlining keeps from the page allocator, as drivers of hypervisors do.
    """

    block: Block
    to: Target = DEFAULT
    stop: Stop = CLEAR
    withheld: Frames = 0


@attrs.frozen
class Onlined:
    """The zone that the block went to."""

    failed: ClassVar[Literal[False]] = False
    zone: Zone


@attrs.frozen
class Offline:
    """Take a block offline (drivers/base/memory.c:memory_block_offline, mm/memory_hotplug.c:offline_pages, v6.12)."""

    block: Block
    stop: Stop = CLEAR


@attrs.frozen
class Release:
    """Hand frames of a block that were withheld to the page allocator.

    Those that boot reserved: mm/page_alloc.c:free_reserved_page; others: mm/memory_hotplug.c:generic_online_page, v6.12.
    """

    block: Block
    frames: Frames


@attrs.frozen
class Isolate:
    """Isolate a pageblock (mm/page_isolation.c:set_migratetype_isolate, v6.12)."""

    pageblock: Pageblock
    unmovable: Truth = 0  # what has_unmovable_pages says


@attrs.frozen
class Unisolate:
    """End a pageblock's isolation (mm/page_isolation.c:unset_migratetype_isolate, v6.12)."""

    pageblock: Pageblock


# --- devices -------------------------------------------------------------------------------------------------------------


@attrs.frozen
class MapDevice:
    """Give frames that are no RAM to a device's driver, with descriptors (mm/memremap.c:memremap_pages, v6.12)."""

    pfn: Pfn
    pages: Size
    node: Node
    kind: DeviceType
    brings: DriverBrings = MIGRATE_TO_RAM | PAGE_FREE | OWNER


@attrs.frozen
class UnmapDevice:
    """Take a device's range from its driver, by its first frame (mm/memremap.c:memunmap_pages, v6.12)."""

    pfn: Pfn


# --- looking -------------------------------------------------------------------------------------------------------------


@attrs.frozen
class LookZone:
    """Ask for a zone's sizes (/proc/zoneinfo)."""

    zone: Zone


@attrs.frozen
class ZoneIs:
    """Where a zone begins and how many frames it spans, and how many of them are there, were there at boot, are managed."""

    failed: ClassVar[Literal[False]] = False
    start: PfnEnd
    spanned: Frames
    present: Frames
    early: Frames
    managed: Frames


@attrs.frozen
class LookNode:
    """Ask about a node (/sys/devices/system/node)."""

    node: Node


@attrs.frozen
class NodeIs:
    """Where a node begins, its frames, and whether it is in N_ONLINE, N_MEMORY and N_NORMAL_MEMORY."""

    failed: ClassVar[Literal[False]] = False
    start: PfnEnd
    spanned: Frames
    present: Frames
    online: Truth
    memory: Truth
    normal: Truth


@attrs.frozen
class LookBlock:
    """Ask about a block (/sys/devices/system/memory/memoryN)."""

    block: Block


@attrs.frozen
class BlockIs:
    """Whether it is online, its node, and the zone that it is in."""

    failed: ClassVar[Literal[False]] = False
    state: BlockState
    node: Node
    zone: ZoneOrNone


@attrs.frozen
class DefaultZone:
    """Ask where a block would go (drivers/base/memory.c:valid_zones_show, v6.12)."""

    block: Block
    to: Target = DEFAULT


@attrs.frozen
class LookFrame:
    """Ask what a frame is (mm/memory_hotplug.c:pfn_to_online_page, include/linux/mm.h:is_zone_device_page, v6.12)."""

    pfn: Pfn


@attrs.frozen
class FrameIs:
    """What it is, the zone that its page names while that is said, and the references that a device's page begins with."""

    failed: ClassVar[Literal[False]] = False
    state: FrameState
    zone: ZoneOrNone
    references: References


@attrs.frozen
class LookTotal:
    """Ask for totalram_pages."""


@attrs.frozen
class Total:
    """How many frames the page allocator manages."""

    failed: ClassVar[Literal[False]] = False
    frames: Frames
