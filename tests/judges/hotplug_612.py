"""Memory blocks that come and go in Linux 6.12, function by function from the source.

A judge, not a specification: written from mm/memory_hotplug.c, mm/sparse.c and drivers/base/memory.c of v6.12 (Debian
linux-source-6.12, 6.12.117) without sight of the project's own text. Each function names the kernel function it follows.

Sections, blocks and zones are kept as the kernel has them: what `page_zone` would read of a frame is read of its block.
Left out: ZONE_DEVICE, memory groups, the memory map on the memory itself, and the isolation of single pageblocks.
"""

from __future__ import annotations

import attrs

DMA, DMA32, NORMAL, HIGHMEM, MOVABLE, DEVICE = range(6)
MAX_NR_ZONES = 6
DEFAULT, KERNEL, TO_MOVABLE = range(3)
CLEAR, POISON, VETO, UNMOVABLE, SIGNAL, HUGETLB = range(6)


@attrs.define
class Zone:
    """struct zone."""

    node: int
    kind: int
    start: int = 0
    spanned: int = 0
    present: int = 0
    early: int = 0
    managed: int = 0

    @property
    def end(self) -> int:
        """include/linux/mmzone.h:zone_end_pfn."""
        return self.start + self.spanned

    def intersects(self, start: int, pages: int) -> bool:
        """include/linux/mmzone.h:zone_intersects."""
        return self.spanned > 0 and not (start >= self.end or start + pages <= self.start)


@attrs.define
class Node:
    """pg_data_t, and the node's states."""

    start: int = 0
    spanned: int = 0
    present: int = 0
    online: bool = False
    memory: bool = False
    normal: bool = False


@attrs.define
class Block:
    """struct memory_block."""

    node: int
    zone: Zone | None = None
    early: bool = False
    reserved: int = 0
    hole: int = 0
    withheld: int = 0


class Machine:
    """Blocks of `pages` frames each, on possible nodes."""

    def __init__(
        self, memory: list[tuple[int, int, int, int, int]], nodes: int = 1, cpus: int = 1,
        spans: tuple[tuple[int, int, int], ...] = (), block_order: int = 15, mappable_end: int = 1 << 34,
        physical_end: int = 1 << 34, auto_movable: bool = False, ratio: int = 301, numa_aware: bool = True,
        movable_node: bool = False,
    ) -> None:  # fmt: skip
        self.pages = 1 << block_order
        self.cpus = cpus
        self.end = min(mappable_end, physical_end)
        self.auto_movable, self.ratio, self.numa_aware, self.movable_node = auto_movable, ratio, numa_aware, movable_node
        self.nodes = [Node(online=bool(cpus >> node & 1)) for node in range(nodes)]
        self.zones = {(node, kind): Zone(node, kind) for node in range(nodes) for kind in range(MAX_NR_ZONES)}
        self.blocks: dict[int, Block] = {}
        for number, node, kind, reserved, hole in memory:
            zone = self.zones[node, kind]
            self.blocks[number] = Block(node, zone, early=True, reserved=reserved, hole=hole)
            self.resize(zone, number * self.pages, self.pages - hole)
            self.count(zone, self.pages - hole, early=True)
            zone.managed += self.pages - hole - reserved
            self.nodes[node].online = True
        for name, start, end in spans:
            zone = self.zones[name >> 3, name & 7]
            zone.start, zone.spanned = start, end - start
        for number in range(nodes):
            self.update_pgdat_span(number)
            self.states(number)

    # ---- counters and spans

    def count(self, zone: Zone, pages: int, early: bool) -> None:
        """mm/memory_hotplug.c:adjust_present_page_count."""
        if early:
            zone.early += pages
        zone.present += pages
        self.nodes[zone.node].present += pages

    def resize(self, zone: Zone, start: int, pages: int) -> None:
        """mm/memory_hotplug.c:resize_zone_range, resize_pgdat_range."""
        node = self.nodes[zone.node]
        for span in (zone, node):
            old = span.start + span.spanned
            if not span.spanned or start < span.start:
                span.start = start
            span.spanned = max(start + pages, old) - span.start

    def page_zone(self, pfn: int) -> Zone | None:
        """The zone of a frame that is online (pfn_to_online_page, pfn_section_valid, page_zone)."""
        block = self.blocks.get(pfn // self.pages)
        if block is None or pfn % self.pages // 512 >= -(-(self.pages - block.hole) // 512):
            return None
        return block.zone

    def shrink_zone_span(self, zone: Zone, start: int, end: int) -> None:
        """mm/memory_hotplug.c:shrink_zone_span; a block's frames are of one zone, so it steps by blocks."""
        if zone.start == start:
            found = next(
                (n for n in sorted(self.blocks) if self.blocks[n].zone is zone and end <= n * self.pages < zone.end), None
            )
            last = zone.end
            zone.start = found * self.pages if found else 0
            zone.spanned = last - zone.start if found else 0
        elif zone.end == end:
            pfn = start - 1
            while pfn >= zone.start:
                if self.page_zone(pfn) is zone:
                    zone.spanned = pfn - zone.start + 1
                    return
                pfn -= 512
            zone.start = zone.spanned = 0

    def update_pgdat_span(self, node: int) -> None:
        """mm/memory_hotplug.c:update_pgdat_span."""
        first = last = 0
        for kind in range(MAX_NR_ZONES):
            zone = self.zones[node, kind]
            if not zone.spanned:
                continue
            if not last:
                first, last = zone.start, zone.end
                continue
            first, last = min(first, zone.start), max(last, zone.end)
        self.nodes[node].start, self.nodes[node].spanned = first, last - first

    def states(self, node: int) -> None:
        """N_MEMORY and N_NORMAL_MEMORY after boot (mm/mm_init.c:check_for_memory)."""
        self.nodes[node].memory = self.nodes[node].present > 0
        self.nodes[node].normal = any(self.zones[node, kind].present for kind in range(NORMAL + 1))

    # ---- where blocks go

    def default_kernel_zone(self, node: int, start: int) -> Zone:
        """mm/memory_hotplug.c:default_kernel_zone_for_pfn."""
        for kind in range(NORMAL):
            if self.zones[node, kind].intersects(start, self.pages):
                return self.zones[node, kind]
        return self.zones[node, NORMAL]

    def can_online_movable(self, node: int | None) -> bool:
        """mm/memory_hotplug.c:auto_movable_can_online_movable, without groups."""
        kernel = movable = 0
        for zone in self.zones.values():
            if zone.present and node in (None, zone.node):
                if zone.kind == MOVABLE:
                    movable += zone.present
                else:
                    kernel += zone.early
        if kernel <= 0:
            return False
        return movable + self.pages <= self.ratio * kernel // 100

    def zone_for(self, to: int, node: int, start: int) -> Zone:
        """mm/memory_hotplug.c:zone_for_pfn_range, default_zone_for_pfn, auto_movable_zone_for_pfn."""
        kernel, movable = self.default_kernel_zone(node, start), self.zones[node, MOVABLE]
        if to == KERNEL:
            return kernel
        if to == TO_MOVABLE:
            return movable
        if self.auto_movable:
            if not self.ratio or not self.can_online_movable(None):
                return kernel
            if self.numa_aware and not self.can_online_movable(node):
                return kernel
            return movable
        in_kernel, in_movable = kernel.intersects(start, self.pages), movable.intersects(start, self.pages)
        if in_kernel != in_movable:
            return kernel if in_kernel else movable
        return movable if self.movable_node else kernel

    # ---- operations: an error's name, or None

    def add(self, pfn: int, pages: int, node: int) -> str | None:
        """mm/memory_hotplug.c:__add_memory, register_memory_resource, add_memory_resource."""
        if not pages or pfn + pages > self.end:
            return "E2BIG"
        if any(n * self.pages < pfn + pages and pfn < (n + 1) * self.pages - b.hole for n, b in self.blocks.items()):
            return "EEXIST"
        if pfn % self.pages or pages % self.pages:
            return "EINVAL"
        if node >= len(self.nodes):
            return "EINVAL"
        first, count = pfn // self.pages, pages // self.pages
        if any(number in self.blocks for number in range(first, first + count)):
            return "EEXIST"  # fill_subsection_map
        for number in range(first, first + count):
            self.blocks[number] = Block(node)
        self.nodes[node].online = True
        return None

    def remove(self, pfn: int, pages: int) -> str | None:
        """mm/memory_hotplug.c:remove_memory, try_remove_memory. Blocks that are not there are not walked."""
        first, count = pfn // self.pages, pages // self.pages
        numbers = [number for number in range(first, first + count) if number in self.blocks]
        if any(self.blocks[number].zone for number in numbers):
            return "EBUSY"
        node = None
        for number in numbers:
            node = self.blocks.pop(number).node
        if node is not None:
            self.try_offline_node(node)
        return None

    def try_offline_node(self, node: int) -> None:
        """mm/memory_hotplug.c:try_offline_node."""
        if self.nodes[node].spanned or any(block.node == node for block in self.blocks.values()) or self.cpus >> node & 1:
            return
        self.nodes[node].online = False

    def online(self, number: int, to: int, stop: int, withheld: int) -> str | Zone:
        """drivers/base/memory.c:state_store, memory_block_online, mm/memory_hotplug.c:online_pages."""
        block, start = self.blocks[number], number * self.pages
        if block.zone:
            return "EINVAL"  # device_online answers 1
        if stop == POISON:
            return "EHWPOISON"
        zone = self.zone_for(to, block.node, start)
        self.resize(zone, start, self.pages)
        if stop == VETO:
            self.shrink_zone_span(zone, start, start + self.pages)
            self.update_pgdat_span(zone.node)
            return "EPERM"
        block.zone, block.withheld = zone, withheld
        zone.managed += self.pages - withheld
        self.count(zone, self.pages, block.early)
        self.nodes[zone.node].memory = True
        if zone.kind <= NORMAL:
            self.nodes[zone.node].normal = True
        return zone

    def release(self, number: int, frames: int) -> None:
        """mm/page_alloc.c:free_reserved_page of what boot reserved, mm/memory_hotplug.c:generic_online_page of PageOffline."""
        block = self.blocks[number]
        if block.reserved:
            block.reserved -= frames
        else:
            block.withheld -= frames
        if block.zone:
            block.zone.managed += frames

    def offline(self, number: int, stop: int) -> str | None:
        """drivers/base/memory.c:memory_block_offline, mm/memory_hotplug.c:offline_pages."""
        block, start = self.blocks[number], number * self.pages
        zone = block.zone
        if zone is None:
            return "EINVAL"
        if block.hole:
            return "EINVAL"
        if block.reserved or stop == UNMOVABLE:
            return "EBUSY"
        errors = {VETO: "EPERM", SIGNAL: "EINTR", HUGETLB: "ENOMEM"}
        if stop in errors:
            return errors[stop]
        node = self.nodes[block.node]
        normal = sum(self.zones[block.node, kind].present for kind in range(NORMAL + 1))
        if zone.kind <= NORMAL and self.pages >= normal:
            node.normal = False
        if self.pages >= normal + self.zones[block.node, MOVABLE].present:
            node.memory = False
        zone.managed -= self.pages - block.withheld
        block.withheld = 0
        self.count(zone, -self.pages, block.early)
        block.zone = None
        self.shrink_zone_span(zone, start, start + self.pages)
        self.update_pgdat_span(zone.node)
        return None
