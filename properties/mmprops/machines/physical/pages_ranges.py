"""Requests for ranges of frames in programs of the machine ``pages``: isolated, drained, freed, taken and undone.

Others come between. What is moved out of a range by a kernel is given back here by whoever has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmspec.physical.buddy.ops import CMA, MOVABLE, UNMOVABLE
from mmspec.physical.page_alloc.ops import (
    ALLOC_NO_WATERMARKS,
    ALLOC_WMARK_LOW,
    GFP_DMA,
    GFP_DMA32,
    GFP_HIGHMEM,
    GFP_MOVABLE,
)
from mmspec.physical.pages.ops import Alloc, Config, Contig, DrainAll, DrainZone, Free, IsolateRange, UndoRange
from mmspec.words import Order, Pfn

NOTHING, ISOLATED, DRAINED, TAKEN, RETURNED = range(5)
"""How far a range is. Of what is taken some comes back while it is isolated, and is asked for again."""

OF_ZONE = (GFP_DMA, GFP_DMA32, GFP_MOVABLE, GFP_HIGHMEM, GFP_HIGHMEM | GFP_MOVABLE, 0)
"""The bits of a request that the zone of each kind serves first."""

Blocks = list[tuple[Pfn, Order, int | None]]


class Ranges:
    """What is being done about one range, and which others are left isolated."""

    def __init__(self, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config, self.size = config, 1 << config.pageblock_order
        self.checked, self.drains = capabilities["checked"], capabilities["drains"]
        self.flags = capabilities["flags"]
        self.spans = [(n * 8 + z.name, z.start_pfn, z.end_pfn) for n, node in enumerate(config.nodes) for z in node.zones]
        self.zone, self.start, self.end, self.type = self.spans[0][0], 0, 0, MOVABLE
        self.stage, self.patience = NOTHING, 0
        self.back, self.appetite, self.returned = 0, -1, 0  # blocks still to come back, the order then asked for, where they end
        self.apart: list[tuple[Pfn, Pfn, int]] = []  # ranges that were left isolated
        self.pinned: set[Pfn] = set()  # blocks of requests that are not movable

    def comes(self, r: bytes) -> bool:
        """Tell whether a record is about the range: each other one while there is one."""
        return r[0] % 32 == 29 or (self.stage != NOTHING and r[0] % 2 == 0)

    def note(self, name: str, request: Any, result: Any) -> None:
        """Remember how far the range is, and what cannot be moved."""
        if name == "contig" and result.failed and self.patience:
            self.stage, self.patience = DRAINED, self.patience - 1
        elif name == "alloc" and result.failed:
            self.appetite -= self.stage == RETURNED and request.order == self.appetite
        elif name == "alloc" and not request.gfp & GFP_MOVABLE:
            self.pinned.add(result.pfn)
        elif name == "contig" and not result.failed:
            self.pinned.update(range(request.start, request.end))
        elif name == "free" and not result.failed:
            self.pinned.discard(request.pfn)
        elif name == "isolate_range" and not result.failed:
            self.stage, self.patience = ISOLATED, 24
            self.apart.append((request.start, request.end, request.migratetype))

    def request(self, r: bytes, cpu: int, live: Blocks) -> Any:
        """Return the next request about the range, with the steps that it refers to."""
        if self.stage == NOTHING:
            return self.begin(r, cpu)
        if self.stage == ISOLATED and r[2] % 16:
            self.stage = DRAINED
            if self.drains and r[3] % 4:
                return DrainZone(cpu, self.zone) if r[3] % 8 else DrainAll(cpu)
        if self.stage == RETURNED:
            return self.again(cpu, live)
        if self.stage < TAKEN:
            inside = self.inside(live)
            if inside and self.patience and r[4] % 8:
                self.patience -= 1
                return freed(cpu, inside[r[5] % len(inside)])
            self.stage = TAKEN
            return Contig(cpu, *self.bent(r, inside))
        if r[6] % 4 == 1:
            self.stage, self.patience, self.back = RETURNED, 64, 1 + r[5] % (2 * self.size)
            self.appetite, self.returned = self.config.max_order if r[2] % 2 else -1, self.start
            return self.again(cpu, live)
        self.stage = NOTHING
        if r[6] % 4 == 0:
            return self.begin(r, cpu)
        return self.undo(r, cpu)

    def inside(self, live: Blocks) -> Blocks:
        """Return the blocks that requests have of the range."""
        return [one for one in live if one[0] < self.end and one[0] + (1 << one[1]) > self.start]

    def again(self, cpu: int, live: Blocks) -> Any:
        """Give the first blocks of the range back; ask for frames until its zone has none; then ask for what came back."""
        inside = self.inside(live)
        if inside and self.back:
            block = min(inside)
            self.back, self.returned = self.back - 1, min(self.end, block[0] + (1 << block[1]))
            return freed(cpu, block)
        self.patience -= 1
        if self.appetite >= 0 and self.patience:
            flags = ALLOC_NO_WATERMARKS if self.flags else ALLOC_WMARK_LOW
            return Alloc(cpu, OF_ZONE[self.zone % 8], self.appetite, self.zone // 8, flags, 1 << self.zone // 8)
        self.stage = TAKEN
        return Contig(cpu, self.start, max(self.start + 1, self.returned))

    def begin(self, r: bytes, cpu: int) -> Any:
        """Isolate a range; or take or undo what may not be isolated, or no range at all."""
        if self.checked and r[7] % 16 == 5:
            return self.wrong(r, cpu)
        if self.apart and r[7] % 16 in (6, 7):
            return self.undo(r, cpu)
        self.choose(r)
        if r[7] % 16 == 8:
            return Contig(cpu, self.start, self.end)
        if r[7] % 16 == 9:
            return UndoRange(cpu, self.start, self.end, self.type)
        return IsolateRange(cpu, self.start, self.end, self.type)

    def choose(self, r: bytes) -> None:
        """Choose a range: in CMA's pageblocks, or anywhere; mostly one in which nothing is pinned."""
        self.type = MOVABLE
        if self.config.cma and r[2] % 4 == 0:
            self.type = MOVABLE if r[2] % 32 == 0 else CMA
            run = sorted(self.config.cma)
            first = run[r[3] % len(run)]
            zone = next(span for span in self.spans if span[1] <= first < span[2])
            self.place(zone, first + r[4] % self.size, (1, self.size, 2 * self.size)[r[5] % 3])
            return
        zone = self.spans[r[2] // 4 % len(self.spans)]
        length = (1, 5, self.size, self.size, self.size + 3, 2 * self.size, 3 * self.size, 4 * self.size)[r[5] % 8]
        inner = r[4] % self.size if r[5] % 16 > 7 else 0
        places = (zone[2] - zone[1]) // self.size + 1
        for k in range(8):
            at = (r[3] + r[4] * 8 + k * (1 + r[6] // 2)) % places
            self.place(zone, (zone[1] & -self.size) + at * self.size + inner, min(length, 160))
            first, end = self.start & -self.size, -(-self.end // self.size) * self.size
            if r[6] % 4 == 0 or not any(pfn in self.pinned for pfn in range(first, end)):
                return

    def place(self, zone: tuple[int, Pfn, Pfn], start: Pfn, length: int) -> None:
        """Set the range, as far as it is the zone's."""
        self.zone = zone[0]
        self.start = min(max(start, zone[1]), zone[2] - 1)
        self.end = min(self.start + length, zone[2])

    def bent(self, r: bytes, inside: Blocks) -> tuple[Pfn, Pfn]:
        """Return the range, or a part of it; where it has blocks, often up to the first frame of one."""
        if r[6] % 2 == 0 and inside:
            return self.start, max(self.start, min(pfn for pfn, _, _ in inside)) + 1
        if r[6] % 4 or self.end - self.start < 2:
            return self.start, self.end
        start = self.start + r[7] % (self.end - self.start)
        return start, start + 1 + r[5] % (self.end - start)

    def undo(self, r: bytes, cpu: int) -> Any:
        """End the isolation of a range, now and then for another type, or of more than was isolated."""
        start, end, migratetype = self.apart.pop(-1 if r[3] % 4 else 0) if self.apart else (self.start, self.end, self.type)
        more = self.size if r[4] % 16 == 0 else 0
        if self.checked and r[5] % 32 < 2:
            migratetype = (MOVABLE, CMA)[r[5] % 2]
        return UndoRange(cpu, start, end + more, migratetype)

    def wrong(self, r: bytes, cpu: int) -> Any:
        """Ask for what is no range: an empty one, one of two zones, one of none, or one for another type."""
        _, first, limit = self.spans[r[2] % len(self.spans)]
        odd = r[3] % 5
        start = (first, first, limit - 1, max(first, self.size) - 1, first)[odd]
        end = (first, limit + self.size, limit + 0x200, first + 1, first + 1)[odd]
        migratetype = (CMA, UNMOVABLE)[r[4] % 2] if odd == 4 else MOVABLE
        kinds: Mapping[int, Any] = {
            0: IsolateRange(cpu, start, end, migratetype),
            1: UndoRange(cpu, start, end, migratetype),
            2: Contig(cpu, start, end if odd < 4 else start),
        }
        return kinds[r[5] % 3]


def freed(cpu: int, block: tuple[Pfn, Order, int | None]) -> Any:
    """Give a block back."""
    pfn, order, step = block
    return Free(cpu, pfn, order), ({} if step is None else {"pfn": step})
