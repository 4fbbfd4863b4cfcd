"""Ranges of frames that one request has, out of pageblocks that are isolated for it.

``Ranges`` serves the requests and knows which pageblocks are CMA's; a zone's free lists know which are isolated.
"""

from __future__ import annotations

from mmimpl.physical.buddy import operations as lists
from mmimpl.physical.buddy.memory import ALLOCATED, LISTED_ORDER, MIGRATABLE
from mmimpl.physical.pages.zone import Zone
from mmspec.physical.buddy.ops import CMA, ISOLATE, MOVABLE
from mmspec.physical.pages.ops import Config
from mmspec.physical.pcp.ops import COSTLY_ORDER
from mmspec.physical.watermarks.ops import MOVABLE as MOVABLE_ZONE


class Range:
    """A range of a zone in frames of its free lists, and who may be asked about it."""

    def __init__(self, zone: Zone, kind: int, live: dict[int, int], cpu: int, migratetype: int = MOVABLE) -> None:
        self.zone, self.free, self.size = zone, zone.free, zone.size
        self.all_movable, self.live, self.cpu, self.migratetype = kind == MOVABLE_ZONE, live, cpu, migratetype

    # --- isolating ----------------------------------------------------------------------------------------------------

    def type_at(self, frame: int) -> int:
        """Return a pageblock's type."""
        return self.free.types[frame >> self.free.pageblock_order]

    def has_unmovable(self, first: int) -> bool:
        """Tell whether something that begins in a pageblock cannot be moved."""
        if self.type_at(first) == CMA:
            return self.migratetype != CMA
        if self.all_movable:
            return False
        page, base, live = self.free.page, self.zone.base, self.live
        return any(not page[frame] & MIGRATABLE for frame in range(first, first + self.size) if frame + base in live)

    def straddles(self, boundary: int) -> bool:
        """Tell whether a block that can be moved lies across a pageblock's boundary."""
        for order in range(self.free.pageblock_order + 1, self.free.max_order + 1):
            head = boundary >> order << order
            if head < boundary and self.live.get(head + self.zone.base) == order and self.free.page[head] & MIGRATABLE:
                return True
        return False

    def isolate(self, first: int) -> bool:
        """Isolate a pageblock; tell whether it could be."""
        if self.has_unmovable(first) or lists.isolate(self.free, first):
            return False
        self.zone.count(self.cpu)
        return True

    def restore(self, first: int, end: int) -> None:
        """Give the isolated pageblocks up to ``end`` a type."""
        for frame in range(first, end, self.size):
            if self.type_at(frame) == ISOLATE:
                lists.unisolate(self.free, frame, self.migratetype)
                self.zone.count(self.cpu)

    def edge(self, first: int, boundary: int) -> bool:
        """Isolate a pageblock at an end of the range; tell whether it could be."""
        if not self.isolate(first):
            return False
        if self.straddles(boundary):
            self.restore(first, first + self.size)
            return False
        return True

    def isolate_all(self, first: int, last: int) -> bool:
        """Isolate the pageblocks from the first to the last; tell whether all of them could be."""
        if not self.edge(first, first):
            return False
        done = not self.straddles(last + self.size) if first == last else self.edge(last, last + self.size)
        if not done:
            self.restore(first, first + self.size)
            return False
        for frame in range(first + self.size, last, self.size):
            if not self.isolate(frame):
                self.restore(first, frame)
                self.restore(last, last + self.size)
                return False
        return True

    # --- taking -------------------------------------------------------------------------------------------------------

    def outer_start(self, start: int) -> int:
        """Return where the free block begins that has the first frame of the range."""
        for order in range(self.free.max_order + 1):
            head = start >> order << order
            if self.free.page[head] & LISTED_ORDER == order:
                return head
        return start

    def take(self, start: int, end: int) -> bool:
        """Take the range off the lists as single frames; tell whether listed blocks cover it."""
        page, outer = self.free.page, self.outer_start(start)
        blocks, frame = [], outer
        while frame < end and page[frame] < ALLOCATED:
            order = page[frame] & 15
            blocks.append((frame, order))
            frame += 1 << order
        if frame < end:
            return False
        for head, order in blocks:
            lists.take(self.free, head, order)
            self.zone.split(head, order)
        for rest in (*range(outer, start), *range(end, frame)):
            self.zone.give(self.cpu, rest, 0, 0)
        return True


class Ranges:
    """Where ranges of a machine may lie."""

    def __init__(self, config: Config) -> None:
        self.coarse = COSTLY_ORDER <= config.pageblock_order >= config.huge_order
        self.spans = {n * 8 + z.name: (z.start_pfn, z.end_pfn) for n, node in enumerate(config.nodes) for z in node.zones}
        self.order = config.pageblock_order
        self.cma = {pfn >> self.order for pfn in config.cma}

    def has(self, zone: int | None, start: int, end: int) -> bool:
        """Tell whether frames are a range of a zone."""
        if zone is None or not self.coarse:
            return False
        first, limit = self.spans[zone]
        return first <= start < end <= limit

    def pageblocks(self, start: int, end: int) -> range:
        """Return the pageblocks that have frames of a range."""
        return range(start >> self.order, ((end - 1) >> self.order) + 1)

    def may_isolate(self, start: int, end: int, migratetype: int) -> bool:
        """Tell whether a range may be asked for, for a type."""
        return migratetype == MOVABLE or (migratetype == CMA and all(at in self.cma for at in self.pageblocks(start, end)))

    def isolated(self, zone: Zone, start: int, end: int) -> list[int]:
        """Return the pageblocks of a range that are isolated."""
        shift = zone.base >> self.order
        return [at for at in self.pageblocks(start, end) if zone.free.types[at - shift] == ISOLATE]

    def may_undo(self, zone: Zone, start: int, end: int, migratetype: int) -> bool:
        """Tell whether a type fits all that is isolated in a range."""
        found = self.isolated(zone, start, end)
        return migratetype in (MOVABLE, CMA) and all((at in self.cma) == (migratetype == CMA) for at in found)

    def is_isolated(self, zone: Zone, start: int, end: int) -> bool:
        """Tell whether all pageblocks of a range are isolated."""
        return len(self.isolated(zone, start, end)) == len(self.pageblocks(start, end))
