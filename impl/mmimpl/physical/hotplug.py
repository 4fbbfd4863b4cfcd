"""Memory blocks over flat arrays: a byte or two a block, a row of counters a zone, and the devices' ranges in order."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Any

from mmspec.physical.hotplug.ops import (
    ABSENT,
    AUTO_MOVABLE,
    COHERENT,
    DEVICE,
    DEVICE_FRAME,
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
    MIGRATE_TO_RAM,
    MOVABLE,
    NO_FRAME,
    NODE_SHIFT,
    NORMAL,
    NOWHERE,
    OFFLINE,
    OFFLINE_FRAME,
    ONLINE,
    ONLINE_FRAME,
    OWNER,
    PAGE_FREE,
    POISON,
    PRIVATE,
    SIGNAL,
    SUBSECTION_ORDER,
    TO_MOVABLE,
    UNMOVABLE,
    VETO,
    Add,
    BlockIs,
    Config,
    DefaultZone,
    Done,
    Error,
    FrameIs,
    Isolate,
    LookBlock,
    LookFrame,
    LookNode,
    LookTotal,
    LookZone,
    MapDevice,
    NodeIs,
    Offline,
    Online,
    Onlined,
    Release,
    Remove,
    Total,
    Unisolate,
    UnmapDevice,
    ZoneIs,
)  # fmt: skip

WIDTH = 1 << NODE_SHIFT
"""Rows of a node, of which the last two stand empty."""

STOPS = {VETO: EPERM, UNMOVABLE: EBUSY, SIGNAL: EINTR, HUGETLB: ENOMEM}
NEEDS = {PRIVATE: MIGRATE_TO_RAM | PAGE_FREE | OWNER, COHERENT: PAGE_FREE | OWNER}
SUBSECTION = 1 << SUBSECTION_ORDER


class Device:
    """A range that a device has."""

    def __init__(self, op: MapDevice) -> None:
        self.end, self.kind, self.zone = op.pfn + op.pages, op.kind, op.node * WIDTH + DEVICE
        self.found = True  # whether pgmap_array holds it


class Blocks:
    """Arrays with a place for each block, which grow with the highest that was met."""

    def __init__(self) -> None:
        self.state = bytearray()
        self.zone = array("H")  # NOWHERE: not online
        self.node = bytearray()
        self.early = bytearray()
        self.reserved = bytearray()  # whether boot withheld what is withheld
        self.hole = array("q")
        self.withheld = array("q")
        self.isolations = array("q")
        self.stray = array("q")

    def reach(self, end: int) -> None:
        """Make place for the blocks below an end."""
        more = end - len(self.state)
        if more > 0:
            self.zone.extend([NOWHERE] * more)
            for flags in (self.state, self.node, self.early, self.reserved):
                flags.extend(bytes(more))
            for counts in (self.hole, self.withheld, self.isolations, self.stray):
                counts.extend([0] * more)


class Memory:
    """The memory of one machine, kept as both kernels keep it."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        self.config, self.order, self.size = config, config.block_order, 1 << config.block_order
        self.blocks = Blocks()
        rows = config.nodes * WIDTH
        self.start, self.end = [0] * rows, [0] * rows
        self.present, self.early, self.managed = [0] * rows, [0] * rows, [0] * rows
        self.node_start, self.node_end = [0] * config.nodes, [0] * config.nodes
        self.online = [config.cpus >> node & 1 == 1 for node in range(config.nodes)]
        self.isolated: set[int] = set()
        self.firsts: list[int] = []  # where devices' ranges begin, ascending
        self.devices: dict[int, Device] = {}
        self.boot()

    def apply(self, request: Any) -> Any:
        """Carry out one request and return its result."""
        return SERVES[type(request)](self, request)

    def boot(self) -> None:
        """Put the blocks of boot where the configuration says."""
        blocks = self.blocks
        for block, node, kind, reserved, hole in self.config.memory:
            zone = node * WIDTH + kind
            blocks.reach(block + 1)
            blocks.state[block], blocks.node[block], blocks.early[block], blocks.zone[block] = ONLINE, node, 1, zone
            blocks.hole[block], blocks.withheld[block], blocks.reserved[block] = hole, reserved, reserved > 0
            self.online[node] = True
            self.count(block, zone, self.size - hole, self.size - hole - reserved)
            self.stretch(zone, block << self.order, self.ram_end(block))
        for zone, start, end in self.config.spans:
            self.start[zone], self.end[zone] = start, end
        for node in range(self.config.nodes):
            self.embrace(node)

    # --- parts --------------------------------------------------------------------------------------------------------

    def ram_end(self, block: int) -> int:
        """Return where a block's memory ends."""
        return (block + 1 << self.order) - self.blocks.hole[block]

    def state_of(self, block: int) -> int:
        """Return what a block is."""
        return self.blocks.state[block] if block < len(self.blocks.state) else ABSENT

    def count(self, block: int, zone: int, present: int, managed: int) -> None:
        """Count frames into a zone, or out."""
        self.present[zone] += present
        self.managed[zone] += managed
        if self.blocks.early[block]:
            self.early[zone] += present

    def blocks_of(self, pfn: int, end: int) -> range:
        """Return the blocks that a range touches, of those for which there is a place."""
        return range(pfn >> self.order, min((end - 1 >> self.order) + 1, len(self.blocks.state)))

    def is_ram(self, pfn: int, end: int) -> bool:
        """Tell whether any frame of a range is memory."""
        return any(self.blocks.state[b] and pfn < self.ram_end(b) for b in self.blocks_of(pfn, end))

    def is_stray(self, pfn: int, end: int) -> bool:
        """Tell whether any frame of a range has a memory map that stayed behind."""
        stray = self.blocks.stray
        return any(stray[b] and pfn < (b << self.order) + stray[b] for b in self.blocks_of(pfn, end))

    def devices_in(self, pfn: int, end: int) -> Iterator[Device]:
        """Yield the devices' ranges that touch the sub-sections of a range."""
        first, last = pfn // SUBSECTION * SUBSECTION, -(-end // SUBSECTION) * SUBSECTION
        for at in range(max(bisect_right(self.firsts, first) - 1, 0), bisect_left(self.firsts, last)):
            if self.devices[self.firsts[at]].end > first:
                yield self.devices[self.firsts[at]]

    def is_devices(self, pfn: int, end: int) -> bool:
        """Tell whether any frame of a range is a device's."""
        return next(self.devices_in(pfn, end), None) is not None

    # --- spans --------------------------------------------------------------------------------------------------------

    def stretch(self, zone: int, first: int, end: int) -> None:
        """Let a zone span a range."""
        if self.end[zone] == self.start[zone]:
            self.start[zone], self.end[zone] = first, max(end, self.end[zone])
        else:
            self.start[zone], self.end[zone] = min(first, self.start[zone]), max(end, self.end[zone])

    def embrace(self, node: int) -> None:
        """Let a node span its zones."""
        rows = [zone for zone in range(node * WIDTH, node * WIDTH + KINDS) if self.end[zone] > self.start[zone]]
        self.node_start[node] = min((self.start[zone] for zone in rows), default=0)
        self.node_end[node] = max((self.end[zone] for zone in rows), default=0)

    def retreat(self, zone: int, block: int) -> None:
        """Take a block that is offline out of a zone's span, if it is the zone's first or last."""
        first = block << self.order
        start, end = self.start[zone], self.end[zone]
        zones = self.blocks.zone
        if start == first:
            later = (b for b in range(block + 1, min((end - 1 >> self.order) + 1, len(zones))) if zones[b] == zone)
            found = next(later, None)
            self.start[zone], self.end[zone] = (0, 0) if found is None else (found << self.order, end)
        elif end == first + self.size:
            earlier = (b for b in range(block - 1, (start >> self.order) - 1, -1) if zones[b] == zone)
            found = next(earlier, None)
            self.start[zone], self.end[zone] = (0, 0) if found is None else (start, self.ram_end(found))
        self.embrace(zone // WIDTH)

    # --- which zone -----------------------------------------------------------------------------------------------------

    def touches(self, zone: int, first: int) -> bool:
        """Tell whether a zone spans a frame of a block."""
        return self.start[zone] < first + self.size and first < self.end[zone]

    def kernel_zone(self, node: int, first: int) -> int:
        """Return the kernel zone for a block."""
        row = node * WIDTH
        return next((zone for zone in range(row, row + NORMAL) if self.touches(zone, first)), row + NORMAL)

    def bears(self, zones: range, more: int) -> bool:
        """Tell whether the kernel memory of some zones bears more that is movable."""
        movable = sum(self.present[zone] for zone in zones if zone % WIDTH == MOVABLE)
        kernel = sum(self.early[zone] for zone in zones if zone % WIDTH != MOVABLE)
        return kernel > 0 and movable + more <= self.config.auto_movable_ratio * kernel // 100

    def zone_for(self, block: int, to: int) -> int:
        """Return the zone that a block goes to."""
        node, first = self.blocks.node[block], block << self.order
        kernel, movable = self.kernel_zone(node, first), node * WIDTH + MOVABLE
        if to in (KERNEL, TO_MOVABLE):
            return kernel if to == KERNEL else movable
        if self.config.online_policy == AUTO_MOVABLE:
            rows = range(node * WIDTH, node * WIDTH + WIDTH)
            near = not self.config.auto_movable_numa_aware or self.bears(rows, self.size)
            far = self.bears(range(len(self.present)), self.size)
            return movable if self.config.auto_movable_ratio and near and far else kernel
        if self.touches(kernel, first) != self.touches(movable, first):
            return kernel if self.touches(kernel, first) else movable
        return movable if self.config.movable_node else kernel

    # --- add, remove ----------------------------------------------------------------------------------------------------

    def add(self, op: Add) -> Done | Error:
        """Add blocks."""
        end = op.pfn + op.pages
        if not op.pages or end > self.config.mappable_end:
            return E2BIG
        if self.is_ram(op.pfn, end) or self.is_devices(op.pfn, end):
            return EEXIST
        if (op.pfn | op.pages) % self.size or op.node >= self.config.nodes:
            return EINVAL
        whole = 1 << self.config.section_order
        mapped = op.pfn + min(op.mapped, op.pages) // whole * whole if op.starves else end
        if self.is_stray(op.pfn, mapped) or op.starves:
            exists = self.is_stray(op.pfn, mapped)
            self.leave(op.pfn, end if exists else mapped if op.mapped < op.pages else op.pfn)
            return EEXIST if exists else ENOMEM
        self.blocks.reach(end >> self.order)
        for block in range(op.pfn >> self.order, end >> self.order):
            self.blocks.state[block], self.blocks.node[block] = OFFLINE, op.node
        self.online[op.node] = True
        return DONE

    def leave(self, pfn: int, end: int) -> None:
        """Leave the memory map of a range behind, up to where one was."""
        self.blocks.reach(end + self.size - 1 >> self.order)
        for block in range(pfn >> self.order, end + self.size - 1 >> self.order):
            if self.blocks.stray[block]:
                return
            self.blocks.stray[block] = min(self.size, end - (block << self.order))

    def remove(self, op: Remove) -> Done | Error:
        """Remove blocks."""
        end = op.pfn + op.pages
        first, last = op.pfn >> self.order, end >> self.order
        if not op.pages or (op.pfn | op.pages) % self.size or last > len(self.blocks.state):
            return EINVAL
        if not all(self.blocks.state[first:last]):
            return EINVAL
        if ONLINE in self.blocks.state[first:last]:
            return EBUSY
        self.blocks.state[first:last] = self.blocks.early[first:last] = bytes(last - first)
        node = self.blocks.node[last - 1]
        spans = self.node_end[node] > self.node_start[node] or self.config.cpus >> node & 1
        if not spans and not any(s and n == node for s, n in zip(self.blocks.state, self.blocks.node, strict=True)):
            self.online[node] = False
        return DONE

    # --- online, offline ------------------------------------------------------------------------------------------------

    def put_online(self, op: Online) -> Onlined | Error:
        """Put a block online."""
        state = self.state_of(op.block)
        if state != OFFLINE:
            return EINVAL if state else ENOENT
        if op.withheld > self.size:
            return EINVAL
        if op.stop == POISON:
            return EHWPOISON
        zone, first = self.zone_for(op.block, op.to), op.block << self.order
        self.stretch(zone, first, first + self.size)
        if op.stop == VETO:
            self.retreat(zone, op.block)
            return EPERM
        self.embrace(zone // WIDTH)
        blocks = self.blocks
        blocks.state[op.block], blocks.zone[op.block], blocks.withheld[op.block] = ONLINE, zone, op.withheld
        blocks.reserved[op.block] = 0
        self.count(op.block, zone, self.size, self.size - op.withheld)
        return Onlined(zone)

    def take_offline(self, op: Offline) -> Done | Error:
        """Take a block offline."""
        state, block, blocks = self.state_of(op.block), op.block, self.blocks
        if state != ONLINE:
            return EINVAL if state else ENOENT
        if blocks.hole[block]:
            return EINVAL
        if blocks.isolations[block] or (blocks.reserved[block] and blocks.withheld[block]):
            return EBUSY
        if op.stop in STOPS:
            return STOPS[op.stop]
        zone = blocks.zone[block]
        self.count(block, zone, -self.size, blocks.withheld[block] - self.size)
        blocks.state[block], blocks.zone[block], blocks.withheld[block] = OFFLINE, NOWHERE, 0
        self.retreat(zone, block)
        return DONE

    def release(self, op: Release) -> Done | Error:
        """Hand frames that were withheld to the page allocator."""
        if self.state_of(op.block) != ONLINE or op.frames > self.blocks.withheld[op.block]:
            return EINVAL
        self.blocks.withheld[op.block] -= op.frames
        self.managed[self.blocks.zone[op.block]] += op.frames
        return DONE

    # --- isolation ------------------------------------------------------------------------------------------------------

    def isolate(self, op: Isolate) -> Done | Error:
        """Isolate a pageblock."""
        first = op.pageblock << self.config.pageblock_order
        block = first >> self.order
        if self.state_of(block) != ONLINE or first >= self.ram_end(block):
            return EINVAL
        if op.pageblock in self.isolated or op.unmovable:
            return EBUSY
        if self.end[self.blocks.zone[block]] < first + (1 << self.config.pageblock_order):
            return EBUSY
        self.isolated.add(op.pageblock)
        self.blocks.isolations[block] += 1
        return DONE

    def unisolate(self, op: Unisolate) -> Done | Error:
        """End a pageblock's isolation."""
        if op.pageblock not in self.isolated:
            return EINVAL
        self.isolated.remove(op.pageblock)
        self.blocks.isolations[op.pageblock << self.config.pageblock_order >> self.order] -= 1
        return DONE

    # --- devices --------------------------------------------------------------------------------------------------------

    def map_device(self, op: MapDevice) -> Done | Error:
        """Give a range to a device."""
        first, end = op.pfn, op.pfn + op.pages
        if ~op.brings & NEEDS.get(op.kind, 0) or op.node >= self.config.nodes:
            return EINVAL
        if any(device.found for at in (first, end - 1) for device in self.devices_in(at, at + 1)):
            return ENOMEM
        if self.is_ram(first, end):
            return ENXIO
        limit = self.config.physical_end if op.kind == PRIVATE else self.config.mappable_end
        wrong = end > limit or (first | op.pages) % SUBSECTION
        if wrong or self.is_devices(first, end) or self.is_stray(first, end):
            for device in self.devices_in(first, end):
                device.found = False
            return EINVAL if wrong else EEXIST
        self.firsts.insert(bisect_left(self.firsts, first), first)
        device = self.devices[first] = Device(op)
        self.stretch(device.zone, first, end)
        self.embrace(op.node)
        return DONE

    def unmap_device(self, op: UnmapDevice) -> Done | Error:
        """Take a range from a device; no span shrinks."""
        if op.pfn not in self.devices:
            return EINVAL
        self.firsts.remove(op.pfn)
        del self.devices[op.pfn]
        return DONE

    # --- looking --------------------------------------------------------------------------------------------------------

    def look_zone(self, op: LookZone) -> ZoneIs | Error:
        """Return a zone's sizes."""
        zone = op.zone
        if zone >= len(self.present) or zone % WIDTH >= KINDS:
            return EINVAL
        return ZoneIs(
            self.start[zone], self.end[zone] - self.start[zone], self.present[zone], self.early[zone], self.managed[zone]
        )

    def look_node(self, op: LookNode) -> NodeIs | Error:
        """Return what is so of a node."""
        node, row = op.node, op.node * WIDTH
        if node >= self.config.nodes:
            return EINVAL
        present, normal = sum(self.present[row : row + WIDTH]), any(self.present[row : row + NORMAL + 1])
        start, spanned = self.node_start[node], self.node_end[node] - self.node_start[node]
        return NodeIs(start, spanned, present, int(self.online[node]), int(present > 0), int(normal))

    def look_block(self, op: LookBlock) -> BlockIs | Error:
        """Return what is so of a block."""
        state = self.state_of(op.block)
        return BlockIs(state, self.blocks.node[op.block], self.blocks.zone[op.block]) if state else ENOENT

    def default_zone(self, op: DefaultZone) -> Onlined | Error:
        """Return where a block would go."""
        return Onlined(self.zone_for(op.block, op.to)) if self.state_of(op.block) == OFFLINE else EINVAL

    def look_frame(self, op: LookFrame) -> FrameIs:
        """Return what a frame is."""
        device = next(self.devices_in(op.pfn, op.pfn + 1), None)
        if device is not None:
            return FrameIs(DEVICE_FRAME, device.zone, int(device.kind > COHERENT))
        block = op.pfn >> self.order
        if not self.state_of(block) or op.pfn >= self.ram_end(block):
            return FrameIs(NO_FRAME, NOWHERE, 0)
        zone = self.blocks.zone[block]
        return FrameIs(OFFLINE_FRAME if zone == NOWHERE else ONLINE_FRAME, zone, 0)

    def look_total(self, op: LookTotal) -> Total:
        """Return how many frames are managed."""
        return Total(sum(self.managed))


SERVES: dict[type, Callable[[Memory, Any], Any]] = {
    Add: Memory.add,
    Remove: Memory.remove,
    Online: Memory.put_online,
    Offline: Memory.take_offline,
    Release: Memory.release,
    Isolate: Memory.isolate,
    Unisolate: Memory.unisolate,
    MapDevice: Memory.map_device,
    UnmapDevice: Memory.unmap_device,
    LookZone: Memory.look_zone,
    LookNode: Memory.look_node,
    LookBlock: Memory.look_block,
    DefaultZone: Memory.default_zone,
    LookFrame: Memory.look_frame,
    LookTotal: Memory.look_total,
}
"""What serves each kind of request."""
