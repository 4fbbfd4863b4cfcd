"""Operations of the machine ``hotplug``, made from bytes while looking at the law's memory.

Blocks come, go online, offline and away again, mostly a few of them, so that zones gain and lose their first and last blocks;
between two changes somebody looks, mostly where one was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmprops.machines.physical.hotplug_draw import BLOCKS
from mmspec.physical.hotplug.ops import (
    ABSENT,
    CLEAR,
    KINDS,
    NODE_SHIFT,
    OFFLINE,
    ONLINE,
    SUBSECTION_ORDER,
    Add,
    Config,
    DefaultZone,
    Isolate,
    LookBlock,
    LookFrame,
    LookNode,
    LookTotal,
    LookZone,
    MapDevice,
    Offline,
    Online,
    Release,
    Remove,
    Unisolate,
    UnmapDevice,
)  # fmt: skip
from mmspec.physical.hotplug.state import Memory, block_state

Made = tuple[str, Any, Mapping[str, int]]
"""An operation's name, its request, and the steps that its fields refer to: none."""

SUBSECTION = 1 << SUBSECTION_ORDER
STOPS = (1, 2, 3, 4, 5)


class Generator:
    """Makes operations on one machine from records of eight bytes."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config, self.capabilities = config, capabilities
        self.size = 1 << config.block_order
        self.last = config.memory[-1][0] if config.memory else 0  # the block that was last changed
        self.frame = 0  # where a device was last mapped
        self.actions = self.table(header)

    def table(self, header: bytes) -> list[Any]:
        """Return what to do, each as often as it is wanted."""
        looks = [self.look_zone] * 4 + [self.look_node] * 4 + [self.look_block, self.look_frame, self.default_zone, self.total]
        changes = (
            [self.add] * 4 + [self.online] * (6 + header[11] % 3) + [self.offline] * 5 + [self.remove] * (3 + header[10] % 4)
        )
        if self.capabilities["devices"]:
            changes += [self.map_device] * (1 + header[12] % 3) + [self.unmap_device]
            looks += [self.look_frame]
        if self.capabilities["isolation"]:
            changes += [self.isolate, self.isolate, self.unisolate]
        if self.capabilities["failures"]:
            changes += [self.release]
        return looks + changes

    def request(self, record: bytes, memory: Memory) -> Made | None:
        """Return the operation that a record stands for in this state."""
        if not any(record):
            return None
        made: Made = self.actions[(record[0] | record[7] << 8) % len(self.actions)](record, memory)
        return made

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Remember where something was done."""
        self.last = getattr(request, "block", self.last)
        if name == "map_device":
            self.frame = request.pfn

    # --- where -------------------------------------------------------------------------------------------------------

    def block(self, r: bytes, memory: Memory, state: int) -> int:
        """Return a block: mostly one in a state, else any, now and then the last, its neighbour, or one far away."""
        wanted = [block for block in range(BLOCKS) if block_state(memory, block) == state]
        if wanted and r[6] % 8:
            return wanted[r[1] % len(wanted)]
        return (self.last, self.last + 1, r[1] % BLOCKS, BLOCKS + r[1] % 8)[r[6] // 8 % 4]

    def node(self, r: bytes) -> int:
        """Return a node; now and then one that is not there."""
        return min(self.config.nodes + r[5] % 3, 63) if r[6] % 32 == 3 else r[5] % self.config.nodes

    def stop(self, r: bytes) -> int:
        """Return what stops an operation: mostly nothing."""
        return STOPS[r[4] % 5] if self.capabilities["failures"] and r[3] % 5 == 1 else CLEAR

    # --- blocks ------------------------------------------------------------------------------------------------------

    def add(self, r: bytes, memory: Memory) -> Made:
        """Add one or more blocks where none are; now and then what cannot be."""
        first, count = self.block(r, memory, ABSENT), (1, 1, 1, 2, 2, 3)[r[2] % 6]
        pfn, pages = first * self.size, count * self.size
        if r[3] % 16 == 1:
            ends = self.config.mappable_end
            wrong = ((pfn + 512, pages), (pfn, pages - 512), (pfn, 0), (ends - self.size, 2 * self.size), (pfn, pages + 512))
            pfn, pages = wrong[r[4] % len(wrong)]
        if self.capabilities["failures"] and r[3] % 8 == 2:
            mapped = (0, 1 << self.config.section_order, self.size, pages, 600, 2 * self.size)[r[4] % 6]
            return "add", Add(pfn, pages, self.node(r), 1, mapped), {}
        return "add", Add(pfn, pages, self.node(r)), {}

    def remove(self, r: bytes, memory: Memory) -> Made:
        """Remove one or more blocks, mostly offline ones."""
        first, count = self.block(r, memory, OFFLINE), (1, 1, 1, 2, 3)[r[2] % 5]
        pfn, pages = first * self.size, count * self.size
        if r[3] % 16 == 1:
            pfn, pages = ((pfn + 512, pages), (pfn, pages - 512), (pfn, 0))[r[4] % 3]
        return "remove", Remove(pfn, pages), {}

    def online(self, r: bytes, memory: Memory) -> Made:
        """Put a block online."""
        withheld = 0
        if self.capabilities["failures"] and r[2] % 4 == 1:
            withheld = (1, 512, self.size // 2, self.size, self.size + 1)[r[4] % 5]
        return "online", Online(self.block(r, memory, OFFLINE), (0, 0, 1, 2)[r[5] % 4], self.stop(r), withheld), {}

    def offline(self, r: bytes, memory: Memory) -> Made:
        """Take a block offline: mostly the first or last of those that are online."""
        block = self.block(r, memory, ONLINE)
        there = [b for b in range(BLOCKS) if block_state(memory, b) == ONLINE]
        if there and r[5] % 3 == 0:
            block = there[-1] if r[5] % 2 else there[0]
        return "offline", Offline(block, self.stop(r)), {}

    def release(self, r: bytes, memory: Memory) -> Made:
        """Hand frames that are withheld to the page allocator."""
        block = self.block(r, memory, ONLINE)
        withheld = memory.withheld.get(block, 0)
        return "release", Release(block, (withheld, withheld // 2, 1, withheld + 1)[r[2] % 4]), {}

    # --- isolation ---------------------------------------------------------------------------------------------------

    def pageblock(self, r: bytes, memory: Memory) -> int:
        """Return a pageblock of a block that is online: its first, its last, its last with memory, or another."""
        block, order = self.block(r, memory, ONLINE), self.config.pageblock_order
        count = 1 << self.config.block_order - order
        last = self.size - memory.holes.get(block, 0) - 1 >> order
        return block * count + (0, count - 1, last, r[3] % count)[r[2] % 4]

    def isolate(self, r: bytes, memory: Memory) -> Made:
        """Isolate a pageblock."""
        return "isolate", Isolate(self.pageblock(r, memory), int(r[4] % 6 == 1)), {}

    def unisolate(self, r: bytes, memory: Memory) -> Made:
        """End a pageblock's isolation: mostly of one that is isolated."""
        there = [pageblock for pageblock, yes in sorted(memory.isolated.items()) if yes]
        if there and r[4] % 8:
            return "unisolate", Unisolate(there[r[2] % len(there)]), {}
        return "unisolate", Unisolate(self.pageblock(r, memory)), {}

    # --- devices -----------------------------------------------------------------------------------------------------

    def map_device(self, r: bytes, memory: Memory) -> Made:
        """Give a range to a device: where nothing is, in a hole, around another device, at the end of memory."""
        absent, online = self.block(r, memory, ABSENT), self.block(r, memory, ONLINE)
        hole = memory.holes.get(online, 0)
        places = (
            (absent * self.size, self.size),
            (absent * self.size + SUBSECTION * (r[2] % 8), SUBSECTION * (1 + r[3] % 4)),
            ((online + 1) * self.size - max(hole, SUBSECTION), max(hole, SUBSECTION)),
            ((online + 1) * self.size - SUBSECTION, SUBSECTION * (1 + r[3] % 4)),
            (max(self.frame - SUBSECTION, 0), SUBSECTION * (2 + r[3] % 8)),
            (self.config.mappable_end - SUBSECTION, SUBSECTION * (1 + r[3] % 2)),
            (self.config.physical_end - SUBSECTION, SUBSECTION * (1 + r[3] % 2)),
        )
        pfn, pages = places[r[2] % len(places)]
        if r[4] % 16 == 1:
            pfn, pages = (pfn + 1, pages) if r[3] % 2 else (pfn, pages + 1)
        brings = r[6] % 8 if r[4] % 8 == 2 else 7
        return "map_device", MapDevice(pfn, pages, self.node(r), 1 + r[5] // 4 % 5, brings), {}

    def unmap_device(self, r: bytes, memory: Memory) -> Made:
        """Take a range from a device: mostly one that there is."""
        there = [first << SUBSECTION_ORDER for first, end in sorted(memory.device_ends.items()) if end]
        if there and r[4] % 8:
            return "unmap_device", UnmapDevice(there[r[2] % len(there)]), {}
        return "unmap_device", UnmapDevice(self.frame + r[3] % 2 * SUBSECTION + r[5] % 2), {}

    # --- looking -----------------------------------------------------------------------------------------------------

    def look_zone(self, r: bytes, memory: Memory) -> Made:
        """Look at a zone: mostly the one of the block that was last changed."""
        zone = memory.zones.get(self.last, 0)
        if r[1] % 2:
            zone = self.node(r) << NODE_SHIFT | (r[2] % 8 if r[3] % 16 == 1 else r[2] % KINDS)
        return "zone", LookZone(zone), {}

    def look_node(self, r: bytes, memory: Memory) -> Made:
        """Look at a node."""
        return "node", LookNode(self.node(r)), {}

    def look_block(self, r: bytes, memory: Memory) -> Made:
        """Look at a block."""
        return "block", LookBlock(self.last if r[1] % 2 else self.block(r, memory, r[2] % 3)), {}

    def default_zone(self, r: bytes, memory: Memory) -> Made:
        """Ask where a block would go."""
        return "default_zone", DefaultZone(self.block(r, memory, OFFLINE), r[2] % 3), {}

    def look_frame(self, r: bytes, memory: Memory) -> Made:
        """Look at a frame: at the edges of a block, of its hole, of a device."""
        block = self.block(r, memory, r[2] % 3)
        first, last = block * self.size, (block + 1) * self.size - 1
        edges = (first, last, last - memory.holes.get(block, 0), self.frame, self.frame + SUBSECTION - 1, self.frame + r[3])
        return "frame", LookFrame(edges[r[4] % len(edges)]), {}

    def total(self, r: bytes, memory: Memory) -> Made:
        """Ask for the total."""
        return "total", LookTotal(), {}
