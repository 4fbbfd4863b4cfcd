"""Zonelists over flat arrays: each node's list is made once and kept whole, and a walk looks at nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmspec.physical.zones.ops import (
    ARM64,
    DMA,
    DMA32,
    DONE,
    EINVAL,
    ENOENT,
    GFP_DMA,
    GFP_DMA32,
    GFP_HIGHMEM,
    GFP_MOVABLE,
    HIGHMEM,
    KINDS,
    MOVABLE,
    NODE_SHIFT,
    NORMAL,
    RISCV64,
    X86_32,
    AfterZone,
    Config,
    CountPlacement,
    Done,
    Entry,
    Error,
    FirstZone,
    GfpZone,
    Highest,
    LookPlacement,
    LookZonelist,
    Placement,
    PossibleRange,
    Range,
    Rebuild,
    SetCpus,
    SetSize,
    Zonelist,
)  # fmt: skip

WIDTH = 1 << NODE_SHIFT
"""Rows of a node, of which the last two stand empty."""


class Zones:
    """The zones of one machine, in the order in which both kernels try them."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        self.nodes, self.distance = len(config.distance), config.distance
        self.built = [config.kinds >> kind & 1 == 1 for kind in range(KINDS)] + [False] * (WIDTH - KINDS)
        self.has_cpus = [config.cpus >> node & 1 for node in range(self.nodes)]
        self.present = [0] * (self.nodes * WIDTH)
        for node, kind, frames in config.zones:
            self.present[node * WIDTH + kind] = frames
        self.counts = [[0] * 5 for _ in self.present]
        self.gfp = [self.zone_of_bits(bits) for bits in range(16)]
        self.lists: list[tuple[int, ...]] = []
        self.own: list[tuple[int, ...]] = []
        self.build()

    def apply(self, request: Any) -> Any:
        """Carry out one request and return its result."""
        return SERVES[type(request)](self, request)

    def zone_of_bits(self, bits: int) -> int | None:
        """Return the highest zone that a request's bits allow, or None where they contradict each other."""
        chosen = bits & ~GFP_MOVABLE
        if chosen & (chosen - 1):
            return None
        if bits == GFP_HIGHMEM | GFP_MOVABLE:
            return MOVABLE
        wanted = {GFP_DMA: DMA, GFP_DMA32: DMA32, GFP_HIGHMEM: HIGHMEM}.get(chosen, NORMAL)
        return wanted if self.built[wanted] else NORMAL

    def is_zone(self, zone: int) -> bool:
        """Tell whether there is such a zone."""
        return zone < len(self.present) and self.built[zone % WIDTH]

    def build(self) -> None:
        """Make every node's list."""
        self.own = [
            tuple(row for row in range(node * WIDTH + KINDS - 1, node * WIDTH - 1, -1) if self.present[row])
            for node in range(self.nodes)
        ]
        load, self.lists = [0] * self.nodes, []
        for local in range(self.nodes):
            far, zones, last = self.distance[local], self.own[local], local
            left = [node for node in range(self.nodes) if self.own[node] and node != local]
            while left:
                best = min(left, key=lambda node: (self.cost(local, node), load[node], node))
                load[best] += far[best] != far[last]
                zones, last = zones + self.own[best], best
                left.remove(best)
            self.lists.append(zones)

    def cost(self, local: int, node: int) -> int:
        """Return how far a node counts as being."""
        return self.distance[local][node] + (node < local) + self.has_cpus[node]

    def tried(self, zones: tuple[int, ...], highest: int, nodes: int) -> Entry | Error:
        """Return the first of some zones that a request may use."""
        for zone in zones:
            if zone % WIDTH <= highest and nodes >> zone // WIDTH & 1:
                return Entry(zone)
        return ENOENT

    # --- requests -----------------------------------------------------------------------------------------------------

    def gfp_zone(self, op: GfpZone) -> Highest | Error:
        """Return the highest zone that a request may use."""
        kind = self.gfp[op.bits]
        return EINVAL if kind is None else Highest(kind)

    def possible_range(self, op: PossibleRange) -> Range | Error:
        """Return where a kind of zone may lie."""
        if op.kind > HIGHMEM or not op.start < op.low_end <= op.end:
            return EINVAL
        low = op.end if op.architecture == ARM64 else op.low_end
        ends = [min(1 << 12, low), min(1 << 20, low), low, 0]
        if op.architecture == X86_32:
            ends[DMA32], ends[HIGHMEM] = 0, op.end
        elif op.architecture == ARM64:
            ends[DMA] = min(op.dma_end, op.end)
        elif op.architecture == RISCV64:
            ends[DMA] = 0
        start = max(op.start, *ends[: op.kind], 0)
        return Range(start, max(start, ends[op.kind]))

    def zonelist(self, op: LookZonelist) -> Zonelist | Error:
        """Return a node's list."""
        if op.node >= self.nodes:
            return EINVAL
        return Zonelist(self.own[op.node] if op.thisnode else self.lists[op.node])

    def first_zone(self, op: FirstZone) -> Entry | Error:
        """Return the first zone that is tried."""
        if op.node >= self.nodes:
            return EINVAL
        return self.tried(self.own[op.node] if op.thisnode else self.lists[op.node], op.highest, op.nodes)

    def after_zone(self, op: AfterZone) -> Entry | Error:
        """Return the zone that is tried next."""
        if op.node >= self.nodes or not self.is_zone(op.zone):
            return EINVAL
        zones = self.own[op.node] if op.thisnode else self.lists[op.node]
        behind = zones[zones.index(op.zone) + 1 :] if op.zone in zones else ()
        return self.tried(behind, op.highest, op.nodes)

    def set_size(self, op: SetSize) -> Done | Error:
        """Give a zone its sizes."""
        if not self.is_zone(op.zone) or not op.managed <= op.present <= op.spanned:
            return EINVAL
        if not op.present and not any(frames for row, frames in enumerate(self.present) if row != op.zone):
            return EINVAL
        changes = (self.present[op.zone] > 0) != (op.present > 0)
        self.present[op.zone] = op.present
        if changes:
            self.build()
        return DONE

    def set_cpus(self, op: SetCpus) -> Done | Error:
        """Give a node CPUs, or take them."""
        if op.node >= self.nodes:
            return EINVAL
        self.has_cpus[op.node] = int(op.has != 0)
        return DONE

    def rebuild(self, op: Rebuild) -> Done | Error:
        """Make all lists anew."""
        self.build()
        return DONE

    def count_placement(self, op: CountPlacement) -> Done | Error:
        """Count allocations."""
        if not (self.is_zone(op.zone) and self.is_zone(op.preferred) and op.running < self.nodes):
            return EINVAL
        if op.counted:
            node = op.zone // WIDTH
            self.counts[op.zone][3 if node == op.running else 4] += op.calls
            if node == op.preferred // WIDTH:
                self.counts[op.zone][0] += op.calls
            else:
                self.counts[op.zone][1] += op.calls
                self.counts[op.preferred][2] += op.calls
        return DONE

    def placement(self, op: LookPlacement) -> Placement | Error:
        """Return a zone's counts."""
        if not self.is_zone(op.zone):
            return EINVAL
        hit, miss, foreign, local, other = self.counts[op.zone]
        return Placement(hit, miss, foreign, local, other)


SERVES: dict[type, Callable[[Zones, Any], Any]] = {
    GfpZone: Zones.gfp_zone,
    PossibleRange: Zones.possible_range,
    LookZonelist: Zones.zonelist,
    FirstZone: Zones.first_zone,
    AfterZone: Zones.after_zone,
    SetSize: Zones.set_size,
    SetCpus: Zones.set_cpus,
    Rebuild: Zones.rebuild,
    CountPlacement: Zones.count_placement,
    LookPlacement: Zones.placement,
}
"""What serves each kind of request."""
