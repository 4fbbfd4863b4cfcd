"""The page allocator on real frames: zones of free lists, per-CPU lists and counters, and the walk over them.

``zone`` moves blocks within one zone; ``Allocator`` chooses the zone, with the walk of ``page_alloc``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmimpl.physical.page_alloc.path import MOBILITY
from mmimpl.physical.page_alloc.walk import Lists
from mmimpl.physical.pages.contig import Range, Ranges
from mmimpl.physical.pages.zone import NONE, Zone
from mmimpl.physical.watermarks import Marks
from mmimpl.physical.zones import Zones
from mmspec.physical.page_alloc.ops import (
    ALL_NODES,
    ALLOC_CMA,
    ALLOC_HIGHATOMIC,
    ALLOC_NO_WATERMARKS,
    ALLOC_WMARK_LOW,
    GFP_MOVABLE,
    GFP_THISNODE,
)  # fmt: skip
from mmspec.physical.pages.ops import (
    BAD,
    DONE,
    EBUSY,
    EINVAL,
    ENOMEM,
    NOWHERE,
    POISONED,
    Alloc,
    Answer,
    BulkTake,
    BulkZone,
    Config,
    Contig,
    Done,
    Drain,
    DrainAll,
    DrainZone,
    Error,
    Free,
    IsolateRange,
    Page,
    Refresh,
    Served,
    Split,
    UndoRange,
    Unreserve,
)  # fmt: skip
from mmspec.physical.pcp.ops import AGAIN, BELOW_HIGH, REMOTE
from mmspec.physical.watermarks import ops as of_marks
from mmspec.physical.zones import ops as of_zones
from mmspec.words import MAX_ORDER_LIMIT

SIX_KINDS = 0x3F


class Allocator(Lists):
    """The page allocator of a machine, as the kernel that it is told ("6.12" or "6.1") has it."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        rows = tuple((n, z.name, z.end_pfn - z.start_pfn) for n, node in enumerate(config.nodes) for z in node.zones)
        nodes = (1 << len(config.nodes)) - 1
        marks = Marks(of_marks.Config(rows, pageblock_order=config.pageblock_order), kernel)
        super().__init__(Zones(of_zones.Config(rows, config.distance, nodes, SIX_KINDS), kernel), marks, kernel == "6.1")
        self.checks = config.checks
        self.max_order, self.cpus, self.per_node = config.max_order, config.cpus * len(config.nodes), config.cpus
        self.parts: dict[int, Zone] = {}
        self.zone: dict[int, int] = {}  # by run of frames as long as the largest block
        for node, one in enumerate(config.nodes):
            for z in one.zones:
                number = node * 8 + z.name
                self.parts[number] = Zone(config, kernel, z.start_pfn, z.end_pfn, marks.marks[number])
                self.zone.update(
                    dict.fromkeys(range(z.start_pfn >> self.max_order, ((z.end_pfn - 1) >> self.max_order) + 1), number)
                )
                self.tell(number)
        self.live: dict[int, int] = {}  # orders of the blocks that requests have
        self.ranges = Ranges(config)

    def apply(self, request: Any) -> Any:
        """Carry out one request and return its result."""
        return SERVES[type(request)](self, request)

    def tell(self, zone: int) -> None:
        """Let the marks know what is free in a zone."""
        self.marks.free[zone] = self.parts[zone].told()

    def is_lawful(self, op: Any, node: int | None = None) -> bool:
        """Tell whether a request is one, of its node or another."""
        there = op.cpu < self.cpus and (op.node if node is None else node) < self.zones.nodes
        return there and self.zones.gfp[op.gfp & 15] is not None and op.gfp & MOBILITY != MOBILITY

    def eligible(self, gfp: int, node: int, nodes: int) -> tuple[int, list[int]]:
        """Return a request's highest kind of zone, and the zones that it may use, in the order of its list."""
        highest = self.zones.gfp[gfp & 15] or 0
        zones = self.zones.own[node] if gfp & GFP_THISNODE else self.zones.lists[node]
        return highest, [zone for zone in zones if zone % 8 <= highest and nodes >> zone // 8 & 1]

    # --- alloc --------------------------------------------------------------------------------------------------------

    def alloc(self, op: Alloc) -> Page | Error:
        """Take a block from the first zone that serves."""
        if not self.is_lawful(op) or op.order > MAX_ORDER_LIMIT or op.flags & ALLOC_CMA:
            return EINVAL
        if op.order > self.max_order:
            return ENOMEM
        highest, zones = self.eligible(op.gfp, op.node, op.nodes)
        flags = op.flags | ALLOC_CMA if op.gfp & MOBILITY == GFP_MOVABLE else op.flags
        for zone, now in self.candidates(zones, flags, ALL_NODES, 0):
            passed = self.room(zone, op.order, now, highest, op.gfp, 0, 0, zones[0]) is not None
            if passed or now & ALLOC_NO_WATERMARKS:
                frame = self.take_from(zone, op, now)
                if frame != NONE:
                    return self.handed_out(zone, frame, op.order)
        return ENOMEM

    def take_from(self, zone: int, op: Alloc, flags: int) -> int:
        """Take a block from a zone, and reserve its pageblock for a request that may use such."""
        parts, below = self.parts[zone], BELOW_HIGH if zone in self.below else 0
        before = parts.seen
        frame = parts.take(op.cpu, op.order, op.gfp >> 3 & 3, flags, below)
        if frame != NONE and flags & ALLOC_HIGHATOMIC:
            parts.reserve(frame, op.order, self.marks.managed[zone])
            self.tell(zone)
        elif parts.seen != before:
            self.tell(zone)
        return frame

    def handed_out(self, zone: int, frame: int, order: int) -> Page:
        """Note a block that was handed out."""
        pfn = frame + self.parts[zone].base
        self.live[pfn] = order
        return Page(pfn)

    # --- free, split --------------------------------------------------------------------------------------------------

    def free(self, op: Free) -> Done | Error:
        """Take a block back."""
        if op.cpu >= self.cpus or self.live.get(op.pfn) != op.order:
            return EINVAL
        del self.live[op.pfn]
        zone = self.zone[op.pfn >> self.max_order]
        parts, below = self.parts[zone], BELOW_HIGH if zone in self.below else 0
        if (op.state == BAD and self.checks) or (op.state == POISONED and op.order == 0):
            parts.leak(op.pfn - parts.base)
            return DONE
        before = parts.seen
        back = parts.give(op.cpu, op.pfn - parts.base, op.order, below)
        if parts.seen != before:
            self.tell(zone)
        if back and below and self.is_above(zone):
            self.below.discard(zone)
        return DONE

    def is_above(self, zone: int) -> bool:
        """Tell whether a zone passes at HIGH for any request."""
        marks = self.marks
        high = marks.marks[zone][of_marks.WMARK_HIGH] + marks.boosts[zone]
        return marks.passes(zone, 0, high, marks.reserve[zone][of_marks.MOVABLE], 0, marks.free[zone][0])

    def split(self, op: Split) -> Done | Error:
        """Make single frames of a block."""
        if self.live.get(op.pfn) != op.order:
            return EINVAL
        parts = self.parts[self.zone[op.pfn >> self.max_order]]
        parts.split(op.pfn - parts.base, op.order)
        self.live.update(dict.fromkeys(range(op.pfn, op.pfn + (1 << op.order)), 0))
        return DONE

    # --- bulk ---------------------------------------------------------------------------------------------------------

    def bulk_zone(self, op: BulkZone) -> Served | Error:
        """Return the zone that a bulk request is served from."""
        if not self.is_lawful(op):
            return EINVAL
        zones = self.eligible(op.gfp, op.node, op.nodes)[1] if op.count > 1 else []
        flags = ALLOC_WMARK_LOW | (ALLOC_CMA if op.gfp & MOBILITY == GFP_MOVABLE else 0)
        marks = self.marks
        for zone in zones:
            if zone // 8 != zones[0] // 8:
                break
            low = marks.marks[zone][of_marks.WMARK_LOW] + marks.boosts[zone] + op.count
            if marks.passes(zone, 0, low, marks.reserve[zone][zones[0] % 8], flags, marks.free[zone][0]):
                return Served(zone)
        return Served(NOWHERE)

    def bulk_take(self, op: BulkTake) -> Page | Error:
        """Take a frame from a CPU's list of a zone."""
        node = op.zone // 8
        if op.zone not in self.parts or not self.is_lawful(op, node) or op.zone not in self.eligible(op.gfp, node, ALL_NODES)[1]:
            return EINVAL
        parts, below = self.parts[op.zone], BELOW_HIGH if op.zone in self.below else 0
        before, flags = parts.seen, ALLOC_CMA if op.gfp & MOBILITY == GFP_MOVABLE else 0
        frame = parts.from_cpu(op.cpu, 0, op.gfp >> 3 & 3, flags, below, AGAIN)
        if parts.seen != before:
            self.tell(op.zone)
        return ENOMEM if frame == NONE else self.handed_out(op.zone, frame, 0)

    # --- drains, refresh, unreserve -----------------------------------------------------------------------------------

    def drain_of(self, owners: range, zones: list[int], cpu: int) -> Done | Error:
        """Let some CPUs give back what they hold of some zones."""
        for owner in owners:
            for zone in zones:
                self.parts[zone].drain(owner, cpu)
                self.tell(zone)
        return DONE

    def drain(self, op: Drain) -> Done | Error:
        """Drain a CPU."""
        if op.cpu >= self.cpus:
            return EINVAL
        return self.drain_of(range(op.cpu, op.cpu + 1), sorted(self.parts), op.cpu)

    def drain_zone(self, op: DrainZone) -> Done | Error:
        """Drain all CPUs of a zone's blocks."""
        if op.cpu >= self.cpus or not self.marks.has_zone(op.zone):
            return EINVAL
        return self.drain_of(range(self.cpus), [zone for zone in self.parts if zone == op.zone], op.cpu)

    def drain_all(self, op: DrainAll) -> Done | Error:
        """Drain all CPUs."""
        if op.cpu >= self.cpus:
            return EINVAL
        return self.drain_of(range(self.cpus), sorted(self.parts), op.cpu)

    def refresh(self, op: Refresh) -> Done | Error:
        """Let a CPU hand over what it counted, and what it need not hold."""
        if op.cpu >= self.cpus:
            return EINVAL
        for zone, parts in sorted(self.parts.items()):
            parts.refresh(op.cpu, REMOTE if zone // 8 != op.cpu // self.per_node else 0)
            self.tell(zone)
        return DONE

    def unreserve(self, op: Unreserve) -> Answer | Error:
        """Turn a HIGHATOMIC pageblock back."""
        if not self.is_lawful(op):
            return EINVAL
        for zone in self.eligible(op.gfp, op.node, op.nodes)[1]:
            parts = self.parts[zone]
            if (op.force or parts.reserved > parts.size) and parts.unreserve(op.gfp >> 3 & 3):
                self.tell(zone)
                return Answer(1)
        return Answer(0)

    # --- ranges -------------------------------------------------------------------------------------------------------

    def zone_of(self, op: IsolateRange | Contig | UndoRange) -> int | None:
        """Return the zone that a range is of, if a CPU that is there asks for one."""
        zone = self.zone.get(op.start >> self.max_order)
        return zone if op.cpu < self.cpus and self.ranges.has(zone, op.start, op.end) else None

    def isolate_range(self, op: IsolateRange) -> Done | Error:
        """Isolate the pageblocks of a range."""
        zone = self.zone_of(op)
        if zone is None or not self.ranges.may_isolate(op.start, op.end, op.migratetype):
            return EINVAL
        parts = self.parts[zone]
        first, last = ((pfn - parts.base) & -parts.size for pfn in (op.start, op.end - 1))
        done = Range(parts, zone % 8, self.live, op.cpu, op.migratetype).isolate_all(first, last)
        self.tell(zone)
        return DONE if done else EBUSY

    def contig(self, op: Contig) -> Done | Error:
        """Take the frames of an isolated range."""
        zone = self.zone_of(op)
        if zone is None:
            return EINVAL
        parts = self.parts[zone]
        if not self.ranges.is_isolated(parts, op.start, op.end):
            return EBUSY
        if not Range(parts, zone % 8, self.live, op.cpu).take(op.start - parts.base, op.end - parts.base):
            return EBUSY
        self.live.update(dict.fromkeys(range(op.start, op.end), 0))
        return DONE

    def undo_range(self, op: UndoRange) -> Done | Error:
        """Give the isolated pageblocks of a range a type."""
        zone = self.zone_of(op)
        if zone is None or not self.ranges.may_undo(self.parts[zone], op.start, op.end, op.migratetype):
            return EINVAL
        parts = self.parts[zone]
        asked = Range(parts, zone % 8, self.live, op.cpu, op.migratetype)
        asked.restore((op.start - parts.base) & -parts.size, op.end - parts.base)
        self.tell(zone)
        return DONE


SERVES: dict[type, Callable[[Allocator, Any], Any]] = {
    Alloc: Allocator.alloc,
    Free: Allocator.free,
    BulkZone: Allocator.bulk_zone,
    BulkTake: Allocator.bulk_take,
    Split: Allocator.split,
    Drain: Allocator.drain,
    DrainZone: Allocator.drain_zone,
    DrainAll: Allocator.drain_all,
    Refresh: Allocator.refresh,
    Unreserve: Allocator.unreserve,
    IsolateRange: Allocator.isolate_range,
    Contig: Allocator.contig,
    UndoRange: Allocator.undo_range,
}
"""What serves each kind of request."""
