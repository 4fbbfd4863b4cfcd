"""Requests for the machine ``pages``: runs of allocations until zones are short, runs of frees, and drains in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmprops.machines.physical.pages_ranges import Ranges
from mmspec.physical import pages as law
from mmspec.physical.page_alloc.ops import (
    ALL_NODES,
    ALLOC_CMA,
    ALLOC_CPUSET,
    ALLOC_HIGHATOMIC,
    ALLOC_MIN_RESERVE,
    ALLOC_NO_WATERMARKS,
    ALLOC_NOFRAGMENT,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    ALLOC_WMARK_LOW,
    GFP_DMA,
    GFP_DMA32,
    GFP_HIGHMEM,
    GFP_MOVABLE,
    GFP_RECLAIMABLE,
    GFP_THISNODE,
)  # fmt: skip
from mmspec.physical.pages.ops import (
    BAD,
    NOWHERE,
    POISONED,
    SOUND,
    Alloc,
    BulkTake,
    BulkZone,
    Config,
    Drain,
    DrainAll,
    DrainZone,
    Free,
    Refresh,
    Split,
    Unreserve,
)
from mmspec.words import ABSENT, Order, Pfn

KERNEL = 0xCC0
"""GFP_KERNEL."""
BASES = (
    KERNEL, KERNEL, KERNEL | GFP_HIGHMEM | GFP_MOVABLE, KERNEL | GFP_HIGHMEM | GFP_MOVABLE, KERNEL | GFP_MOVABLE,
    KERNEL | GFP_RECLAIMABLE, KERNEL | GFP_DMA32, 0x820,
)  # fmt: skip
"""GFP_KERNEL, GFP_HIGHUSER_MOVABLE, GFP_ATOMIC and others."""
EXTRAS = (0, 0, 0, 0, 0, 0, GFP_THISNODE, GFP_DMA | GFP_DMA32, GFP_MOVABLE | GFP_RECLAIMABLE)
FLAGS = (
    ALLOC_WMARK_LOW, ALLOC_WMARK_LOW, ALLOC_WMARK_LOW | ALLOC_NOFRAGMENT, ALLOC_CPUSET, ALLOC_NO_WATERMARKS, ALLOC_OOM,
    ALLOC_HIGHATOMIC | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK, ALLOC_HIGHATOMIC | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK,
)  # fmt: skip
MASKS = (ALL_NODES, ALL_NODES, ALL_NODES, ALL_NODES, ALL_NODES, 1, 2, 0)

HUNGRY = 3
"""The mood of a program in which half of the requests pass all watermarks, some of them unless they would fragment."""

Made = tuple[str, Any, Mapping[str, int]]


class Generator:
    """Makes requests in runs, from records of eight bytes."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config, self.capabilities = config, capabilities
        self.cpus, self.nodes = config.cpus * len(config.nodes), len(config.nodes)
        self.zones = [n * 8 + z.name for n, node in enumerate(config.nodes) for z in node.zones]
        self.sizes = [z.end_pfn - z.start_pfn for node in config.nodes for z in node.zones]
        self.live: list[tuple[Pfn, Order, int | None]] = []  # blocks, and the step that handed each out
        self.gone: list[tuple[Pfn, Order]] = []  # what was given back last
        self.mood = header[12] % 4  # small blocks mostly, or large ones, until little is left; in HUNGRY's nothing
        self.one_cpu = header[13] % 4 == 0
        self.freeing, self.scattered = 0, False  # how many more are given back, and whether from anywhere
        other: list[Callable[[bytes], Any]] = [self.split]
        if capabilities["drains"]:
            other += [self.drain, self.drain_all, self.drain_zone, self.refresh, self.refresh, self.refresh]
        if capabilities["flags"]:
            other += [self.unreserve, self.unreserve]
        if capabilities["bulk"]:
            other += [self.bulk, self.bulk, self.bulk]
        self.other = other
        self.left: tuple[int, Any] = (0, None)  # frames of a bulk request that are still to be taken
        self.ranges = Ranges(config, capabilities)

    def request(self, record: bytes, state: Any) -> Made | None:
        """Return the request that a record stands for in this state."""
        if not any(record):
            return None
        kind = record[0] % 32
        count, more = self.left
        if count and kind % 8:
            self.left = count - 1, more
            return "bulk_take", more, {}
        if self.capabilities["contig"] and self.ranges.comes(record):
            made = self.ranges.request(record, self.cpu(record[1]), self.live)
        elif kind == 31:
            made = self.other[record[1] % len(self.other)](record)
        elif self.capabilities["checked"] and kind == 30 and record[7] % 2:
            made = self.wrong(record)
        elif self.live and self.gives_back(record, state):
            made = self.free(record)
        else:
            made = self.alloc(record)
        request, refs = made if isinstance(made, tuple) else (made, {})
        return (NAMES[type(request)], request, refs) if request is not None else None

    def gives_back(self, r: bytes, state: Any) -> bool:
        """Tell whether the next request gives a block back: in runs, the longer the less is left."""
        if self.freeing:
            self.freeing -= 1
            return True
        if r[0] % 32 in (7, 8) and len(self.live) > 4:
            self.freeing, self.scattered = r[6] % (8 if r[0] % 32 == 7 else 160), r[5] % 2 == 0
        return r[0] % 32 > (18, 24, 24, 28)[self.mood]

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Remember which blocks requests have."""
        self.ranges.note(name, request, result)
        if result.failed:
            return
        if name == "contig":
            self.live += [(pfn, 0, None) for pfn in range(request.start, request.end)]
        elif name in ("alloc", "bulk_take"):
            self.live.append((result.pfn, request.order if name == "alloc" else 0, step))
        elif name == "bulk_zone" and result.zone < NOWHERE:
            self.left = min(request.count, 24), BulkTake(request.cpu, request.gfp, result.zone)
        elif name in ("free", "split"):
            at = next((k for k in range(len(self.live) - 1, -1, -1) if self.live[k][0] == request.pfn), None)
            if at is None:
                return
            _, _, made = self.live.pop(at)
            if name == "free":
                self.gone = [*self.gone[-3:], (request.pfn, request.order)]
            else:
                self.live.append((request.pfn, 0, made))
                self.live += [(request.pfn + k, 0, None) for k in range(1, 1 << request.order)]

    # each of the following makes one request from a record

    def cpu(self, r: int) -> int:
        """Return a CPU; seldom one that is not there."""
        if self.capabilities["checked"] and r == 201:
            return self.cpus
        return 0 if self.one_cpu else r // 2 % self.cpus

    def gfp(self, r: int, s: int) -> int:
        """Return a request's bits; contradicting ones only where that is checked."""
        return BASES[r % len(BASES)] | EXTRAS[s % (len(EXTRAS) if self.capabilities["checked"] and s % 16 == 15 else 7)]

    def order(self, r: int, s: int) -> int:
        """Return an order."""
        most = self.config.max_order
        if self.capabilities["checked"] and r == 255:
            return (most + 1, ABSENT)[s % 2]
        if self.mood >= 2 and s % 2:
            return max(0, most - s // 2 % 3)
        return min(most, (0, 0, 0, 0, 0, 1, 2, 3, 3, self.config.huge_order, self.config.pageblock_order)[r % 11])

    def alloc(self, r: bytes) -> Any:
        """Take a block."""
        flags = FLAGS[r[4] % len(FLAGS)] if self.capabilities["flags"] else ALLOC_WMARK_LOW
        if self.mood == HUNGRY and self.capabilities["flags"] and r[4] % 2:
            flags = ALLOC_NO_WATERMARKS | (ALLOC_NOFRAGMENT if r[4] % 4 == 1 else 0)
        node = r[5] % self.nodes if r[5] < 250 or not self.capabilities["checked"] else self.nodes
        return Alloc(self.cpu(r[1]), self.gfp(r[2], r[7]), self.order(r[3], r[6]), node, flags, MASKS[r[7] // 32])

    def free(self, r: bytes) -> Any:
        """Give a block back: the newest, the oldest, or any."""
        anywhere, scattered = (r[3] | r[4] << 8) % len(self.live), self.freeing > 0 and self.scattered
        at = (-1, 0, anywhere, -1 - r[4] % min(8, len(self.live)))[2 if scattered else r[2] % 4]
        pfn, order, step = self.live[at]
        state = (BAD, POISONED)[r[7] % 2] if self.capabilities["bad"] and r[7] % 32 < 2 else SOUND
        return Free(self.cpu(r[1]), pfn, order, state), ({} if step is None else {"pfn": step})

    def wrong(self, r: bytes) -> Any:
        """Give back what is no block: a part, a union, what is free already, or what no zone has; or ask for CMA's by flag."""
        if self.capabilities["flags"] and r[2] % 8 == 7:
            return Alloc(self.cpu(r[1]), self.gfp(r[3], 0), 0, 0, FLAGS[r[4] % len(FLAGS)] | ALLOC_CMA)
        if self.gone and r[2] % 3 == 0:
            return Free(self.cpu(r[1]), *self.gone[r[3] % len(self.gone)])
        if not self.live or r[2] % 3 == 1:
            return Free(self.cpu(r[1]), r[3] << 4, 0)
        pfn, order, _ = self.live[r[3] % len(self.live)]
        return Free(self.cpu(r[1]), pfn, order + 1 if r[4] % 2 or order == 0 else order - 1)

    def split(self, r: bytes) -> Any:
        """Make single frames of a block that is not too large."""
        small = [one for one in self.live if 0 < one[1] <= 4]
        if not small:
            return self.alloc(r)
        pfn, order, step = small[r[3] % len(small)]
        return Split(pfn, order), ({} if step is None else {"pfn": step})

    def bulk(self, r: bytes) -> Any:
        """Begin a bulk request, at times for about what a zone has; seldom take of a zone that was never named."""
        cpu, gfp = self.cpu(r[2]), self.gfp(r[3], r[7])
        if self.capabilities["checked"] and r[4] % 16 == 3:
            return BulkTake(cpu, gfp, (7, NOWHERE, *self.zones)[r[6] % (2 + len(self.zones))])
        size = self.sizes[r[6] % len(self.sizes)]
        count = (0, 1, 2, 5, 16, 60, 400, size // 4, size // 2, size - 40)[r[4] % 10] + r[6] % 4
        return BulkZone(cpu, gfp, r[5] % self.nodes, count, MASKS[r[7] // 32])

    def drain(self, r: bytes) -> Any:
        """Drain a CPU."""
        return Drain(self.cpu(r[2]))

    def drain_all(self, r: bytes) -> Any:
        """Drain all CPUs."""
        return DrainAll(self.cpu(r[2]))

    def drain_zone(self, r: bytes) -> Any:
        """Drain all CPUs of a zone's blocks."""
        wrong = self.capabilities["checked"] and r[3] % 16 == 1
        return DrainZone(self.cpu(r[2]), 7 if wrong else self.zones[r[3] % len(self.zones)])

    def refresh(self, r: bytes) -> Any:
        """Refresh a CPU."""
        return Refresh(self.cpu(r[2]))

    def unreserve(self, r: bytes) -> Any:
        """Turn a reserve back."""
        return Unreserve(self.cpu(r[2]), self.gfp(r[3], r[7]), r[5] % self.nodes, MASKS[r[7] // 32], r[4] % 2)


NAMES = {operation.request: operation.name for operation in law.PAGES.operations}
