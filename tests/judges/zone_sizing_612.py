"""The sizes of zones at boot in Linux 6.12, function by function from the source.

A judge, not a specification: written from mm/mm_init.c and mm/memblock.c of v6.12 (Debian linux-source-6.12, 6.12.117)
without sight of the project's own text. Each function names the kernel function it follows. unsigned long has 64 bits.
"""

from __future__ import annotations

from itertools import pairwise

import attrs

DMA, DMA32, NORMAL, HIGHMEM, MOVABLE, DEVICE = range(6)
MAX_NR_ZONES = 6
HOTPLUG, MIRROR = 1, 2
ULONG = (1 << 64) - 1


def clamp(value: int, low: int, high: int) -> int:
    """include/linux/minmax.h:__clamp."""
    if value >= high:
        return high
    return low if value <= low else value


def roundup(value: int, to: int) -> int:
    """include/linux/math.h:roundup."""
    return (value + to - 1) // to * to


@attrs.define
class Region:
    """struct memblock_region, with its end."""

    base: int
    end: int
    node: int
    flags: int


@attrs.define
class Zone:
    """What free_area_init writes of a zone, or of a node."""

    start: int = 0
    spanned: int = 0
    present: int = 0


class Boot:
    """memblock.memory, the possible ranges, and what follows from them."""

    def __init__(self, nodes: int, max_zone_pfn: list[int], page_shift: int = 12, max_order: int = 10) -> None:
        self.nodes = nodes
        self.max_zone_pfn = [*max_zone_pfn, 0, 0]
        self.page_shift = page_shift
        self.max_order_nr_pages = 1 << max_order
        self.regions: list[Region] = []
        self.lowest = [0] * MAX_NR_ZONES
        self.highest = [0] * MAX_NR_ZONES
        self.movable_pfn = [0] * nodes
        self.movable_zone = 0
        self.mirrored = False
        self.zones = {(node, kind): Zone() for node in range(nodes) for kind in range(MAX_NR_ZONES)}
        self.pgdats = [Zone() for _ in range(nodes)]

    # ---- memblock

    def add(self, base: int, end: int, node: int, flags: int) -> None:
        """mm/memblock.c:memblock_add_range, memblock_merge_regions: from below, without overlap."""
        last = self.regions[-1] if self.regions else None
        if last and last.end == base and last.node == node and last.flags == flags:
            last.end = end
        else:
            self.regions.append(Region(base, end, node, flags))

    def pfn_up(self, address: int) -> int:
        """include/linux/pfn.h:PFN_UP."""
        return address + (1 << self.page_shift) - 1 >> self.page_shift

    def pfn_down(self, address: int) -> int:
        """include/linux/pfn.h:PFN_DOWN."""
        return address >> self.page_shift

    def ranges(self, node: int | None = None) -> list[tuple[int, int, int]]:
        """mm/memblock.c:__next_mem_pfn_range: (start, end, node) of regions that have a whole page."""
        found = []
        for region in self.regions:
            start, end = self.pfn_up(region.base), self.pfn_down(region.end)
            if start < end and node in (None, region.node):
                found.append((start, end, region.node))
        return found

    # ---- free_area_init

    def record_limits(self) -> None:
        """mm/mm_init.c:free_area_init, its first loop."""
        start = self.pfn_down(self.regions[0].base) if self.regions else 0
        self.lowest, self.highest = [0] * MAX_NR_ZONES, [0] * MAX_NR_ZONES
        for zone in range(MAX_NR_ZONES):
            if zone == MOVABLE:
                continue
            end = max(self.max_zone_pfn[zone], start)
            self.lowest[zone], self.highest[zone] = start, end
            start = end

    def free_area_init(
        self, kernelcore: int = 0, movablecore: int = 0, kernelcore_percent: int = 0, movablecore_percent: int = 0,
        mirror: int = 0, kdump: int = 0, movable_node: int = 0,
    ) -> list[int]:  # fmt: skip
        """mm/mm_init.c:free_area_init: zone_movable_pfn."""
        self.record_limits()
        self.mirrored = bool(mirror)
        self.movable_pfn = [0] * self.nodes
        self.find_usable_zone_for_movable()
        if movable_node:
            self.movable_node()
            self.align()
        elif mirror:
            if any(region.flags & MIRROR for region in self.regions) and not kdump:
                self.kernelcore_mirror()
                self.align()
        else:
            total = sum(end - start for start, end, _ in self.ranges())
            if kernelcore_percent:
                kernelcore = total * 100 * kernelcore_percent // 10000
            if movablecore_percent:
                movablecore = total * 100 * movablecore_percent // 10000
            if movablecore:
                movablecore = min(total, roundup(movablecore, self.max_order_nr_pages))
                kernelcore = max(kernelcore, total - movablecore)
            if kernelcore and kernelcore < total:
                self.spread(kernelcore)
                self.align()
        for node in range(self.nodes):
            self.free_area_init_node(node)
        return list(self.movable_pfn)

    def find_usable_zone_for_movable(self) -> None:
        """mm/mm_init.c:find_usable_zone_for_movable."""
        self.movable_zone = -1
        for zone in reversed(range(MAX_NR_ZONES)):
            if zone != MOVABLE and self.highest[zone] > self.lowest[zone]:
                self.movable_zone = zone
                return

    def lower(self, node: int, pfn: int) -> None:
        """Let MOVABLE begin no later."""
        self.movable_pfn[node] = min(pfn, self.movable_pfn[node]) if self.movable_pfn[node] else pfn

    def movable_node(self) -> None:
        """The loop for movable_node; regions without a whole page are not left out."""
        for region in self.regions:
            if region.flags & HOTPLUG:
                self.lower(region.node, self.pfn_up(region.base))

    def kernelcore_mirror(self) -> None:
        """The loop for kernelcore=mirror."""
        for region in self.regions:
            if region.flags & MIRROR:
                continue
            pfn = self.pfn_up(region.base)
            if pfn >= 1 << (32 - self.page_shift):
                self.lower(region.node, pfn)

    def spread(self, required: int) -> None:
        """From `restart` to `out2`."""
        with_memory = sorted({node for _, _, node in self.ranges()})
        usable_nodes = len(with_memory)
        usable = self.lowest[self.movable_zone]
        while True:
            share = required // usable_nodes
            for node in with_memory:
                if required < share:
                    share = required // usable_nodes
                required = self.spread_on(node, share, required, usable)
            usable_nodes -= 1
            if not usable_nodes or required <= usable_nodes:
                return

    def spread_on(self, node: int, remaining: int, required: int, usable: int) -> int:
        """One node of one pass: what is still required."""
        for first, end, _ in self.ranges(node):
            start = max(first, self.movable_pfn[node])
            if start >= end:
                continue
            if start < usable:
                kernel = min(end, usable) - start
                remaining -= min(kernel, remaining)
                required -= min(kernel, required)
                if end <= usable:
                    self.movable_pfn[node] = end
                    continue
                start = usable
            size = min(end - start, remaining)
            self.movable_pfn[node] = start + size
            required -= min(required, size)
            remaining -= size
            if not remaining:
                break
        return required

    def align(self) -> None:
        """From `out2` on."""
        for node in range(self.nodes):
            self.movable_pfn[node] = roundup(self.movable_pfn[node], self.max_order_nr_pages)
            if self.movable_pfn[node] >= self.node_range(node)[1]:
                self.movable_pfn[node] = 0

    def refuses(self, mirror: bool) -> bool:
        """Whether nodes lie in one another beside mirrored memory: zone_absent_pages_in_node counts all nodes' regions."""
        told = {node: [r for r in self.regions if r.node == node] for node in range(self.nodes)}
        hulls = sorted((regions[0].base, regions[-1].end) for regions in told.values() if regions)
        return mirror and any(lower[1] > upper[0] for lower, upper in pairwise(hulls))

    # ---- nodes and zones

    def node_range(self, node: int) -> tuple[int, int]:
        """mm/mm_init.c:get_pfn_range_for_nid."""
        first, last = ULONG, 0
        for start, end, _ in self.ranges(node):
            first, last = min(first, start), max(last, end)
        return (0 if first == ULONG else first), last

    def free_area_init_node(self, node: int) -> None:
        """mm/mm_init.c:free_area_init_node, calculate_node_totalpages."""
        first, last = self.node_range(node)
        pgdat = self.pgdats[node] = Zone(start=first)
        for kind in range(MAX_NR_ZONES):
            zone = self.zones[node, kind] = Zone()
            if first == last:
                continue
            spanned, start, end = self.zone_spanned(node, kind, first, last)
            zone.start = start if spanned else 0
            zone.spanned = spanned
            zone.present = (spanned - self.zone_absent(node, kind, start, end)) & ULONG
            pgdat.present = (pgdat.present + zone.present) & ULONG
        pgdat.spanned = last - first

    def zone_spanned(self, node: int, kind: int, node_start: int, node_end: int) -> tuple[int, int, int]:
        """mm/mm_init.c:zone_spanned_pages_in_node: (pages, zone_start_pfn, zone_end_pfn)."""
        start = clamp(node_start, self.lowest[kind], self.highest[kind])
        end = clamp(node_end, self.lowest[kind], self.highest[kind])
        start, end = self.adjusted(node, kind, node_end, start, end)
        if end < node_start or start > node_end:
            return 0, start, end
        end, start = min(end, node_end), max(start, node_start)
        return (end - start) & ULONG, start, end

    def adjusted(self, node: int, kind: int, node_end: int, start: int, end: int) -> tuple[int, int]:
        """mm/mm_init.c:adjust_zone_range_for_zone_movable."""
        movable = self.movable_pfn[node]
        if movable:
            if kind == MOVABLE:
                return movable, min(node_end, self.highest[self.movable_zone])
            if not self.mirrored and start < movable < end:
                return start, movable
            if start >= movable:
                return end, end
        return start, end

    def absent(self, node: int | None, start: int, end: int) -> int:
        """mm/mm_init.c:__absent_pages_in_range."""
        absent = end - start
        for first, last, _ in self.ranges(node):
            absent -= clamp(last, start, end) - clamp(first, start, end)
        return absent & ULONG

    def zone_absent(self, node: int, kind: int, start: int, end: int) -> int:
        """mm/mm_init.c:zone_absent_pages_in_node."""
        if start == end:
            return 0
        absent = self.absent(node, start, end)
        if self.mirrored and self.movable_pfn[node]:
            for region in self.regions:
                first, last = clamp(self.pfn_up(region.base), start, end), clamp(self.pfn_down(region.end), start, end)
                if (kind == MOVABLE and region.flags & MIRROR) or (kind == NORMAL and not region.flags & MIRROR):
                    absent += last - first
        return absent & ULONG
