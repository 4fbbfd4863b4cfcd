"""The sizing of zones over flat arrays: each node's memory is one sorted list, summed up once."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any

from mmspec.physical.zone_sizing.ops import (
    ADDRESS_BITS,
    DONE,
    EINVAL,
    FOUR_GIB,
    HOTPLUG,
    KINDS,
    LIMITED,
    MAX_REGIONS,
    MIRROR,
    MOVABLE,
    NORMAL,
    Absent,
    AddMemory,
    Config,
    Done,
    Error,
    Frames,
    LookNode,
    LookZone,
    Possible,
    Range,
    Size,
    Sizes,
    Starts,
)  # fmt: skip


class Extents:
    """Ascending ranges of frames, with the sums that tell how many frames lie below any."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self.ranges = ranges
        self.starts = [start for start, _ in ranges]
        self.sums = [0, *accumulate(end - start for start, end in ranges)]

    def below(self, frame: int) -> int:
        """Return how many frames lie below one."""
        at = bisect_right(self.starts, frame)
        return self.sums[at] - max(0, self.ranges[at - 1][1] - frame) if at else 0

    def between(self, start: int, end: int) -> int:
        """Return how many frames lie in a range."""
        return self.below(end) - self.below(start)

    @property
    def range(self) -> tuple[int, int]:
        """The first frame and the end; twice 0 of none."""
        return (self.ranges[0][0], self.ranges[-1][1]) if self.ranges else (0, 0)


class ZoneSizing:
    """The memory of one machine, and where MOVABLE begins; both kernels size alike."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        self.config, self.nodes, self.shift = config, config.nodes, config.page_shift
        self.block = 1 << config.max_order
        self.memory: list[tuple[int, int, int, int]] = []
        self.movable = [0] * self.nodes
        self.mirrored = False
        self.sum_up()

    def apply(self, request: Any) -> Any:
        """Carry out one request and return its result."""
        return SERVES[type(request)](self, request)

    def frames(self, base: int, end: int) -> tuple[int, int]:
        """Return the whole frames of a region."""
        first = -(-base >> self.shift)
        return first, max(first, end >> self.shift)

    def sum_up(self) -> None:
        """Work out what is asked for again and again: each node's frames, all, and those that are mirrored or are not."""
        self.extents = [self.of(lambda node, flags, n=n: node == n) for n in range(self.nodes)]
        self.all = self.of(lambda node, flags: True)
        self.sorts = [
            [self.of(lambda node, flags, n=n, m=m: node == n and flags & MIRROR == m) for m in (0, MIRROR)]
            for n in range(self.nodes)
        ]
        self.limits: list[tuple[int, int]] = []
        start = self.memory[0][0] >> self.shift if self.memory else 0
        for limit in self.config.ends:
            end = max(limit, start)
            self.limits.append((start, end))
            start = end
        self.high = next((where for where in reversed(self.limits) if where[0] < where[1]), (0, 0))

    def of(self, wanted: Any) -> Extents:
        """Return the frames of some regions."""
        ranges = [self.frames(base, end) for base, end, node, flags in self.memory if wanted(node, flags)]
        return Extents([(start, end) for start, end in ranges if start < end])

    # --- memory --------------------------------------------------------------------------------------------------------

    def add_memory(self, op: AddMemory) -> Done | Error:
        """Append a region."""
        last = self.memory[-1][1] if self.memory else 0
        if op.base < last or op.base >= op.end or op.node >= self.nodes or len(self.memory) >= MAX_REGIONS:
            return EINVAL
        if op.end > max(self.config.ends) << self.shift:
            return EINVAL
        if self.memory and self.memory[-1][1:] == (op.base, op.node, op.flags):
            self.memory[-1] = (self.memory[-1][0], op.end, op.node, op.flags)
        else:
            self.memory.append((op.base, op.end, op.node, op.flags))
        self.movable, self.mirrored = [0] * self.nodes, False
        self.sum_up()
        return DONE

    def interleaved(self) -> bool:
        """Tell whether a node ends behind the beginning of another one's region."""
        pairs = zip(self.memory, self.memory[1:], strict=False)
        return any(a[2] != b[2] and self.extents[a[2]].range[1] << self.shift > b[0] for a, b in pairs)

    # --- sizing ----------------------------------------------------------------------------------------------------------

    def size(self, op: Size) -> Starts | Error:
        """Choose where MOVABLE begins on each node."""
        if op.mirror and self.interleaved():
            return EINVAL
        self.mirrored = op.mirror == 1
        for node, start in enumerate(self.starts(op)):
            up = -(-start // self.block) * self.block
            self.movable[node] = up if up < self.extents[node].range[1] else 0
        return Starts(tuple(self.movable))

    def starts(self, op: Size) -> list[int]:
        """Return where MOVABLE would begin before it is aligned."""
        if op.movable_node:
            return self.lowest(lambda first, flags: flags & HOTPLUG)
        if op.mirror:
            if op.kdump or not any(flags & MIRROR for _, _, _, flags in self.memory):
                return [0] * self.nodes
            return self.lowest(lambda first, flags: not flags & MIRROR and first >= FOUR_GIB >> self.shift)
        total = self.all.sums[-1]
        core = op.kernelcore_percent * 100 * total // 10000 if op.kernelcore_percent else op.kernelcore
        movable = op.movablecore_percent * 100 * total // 10000 if op.movablecore_percent else op.movablecore
        if movable:
            core = max(core, total - min(total, -(-movable // self.block) * self.block))
        return self.share(core) if 0 < core < total else [0] * self.nodes

    def lowest(self, wanted: Any) -> list[int]:
        """Return the first frame of each node's lowest region of a sort, but for frame 0."""
        starts = [0] * self.nodes
        for base, end, node, flags in self.memory:
            first = self.frames(base, end)[0]
            if wanted(first, flags):
                starts[node] = starts[node] or first
        return starts

    def share(self, core: int) -> list[int]:
        """Spread the kernel's frames over the nodes."""
        starts, low = [0] * self.nodes, self.high[0]
        with_memory = [node for node in range(self.nodes) if self.extents[node].ranges]
        for nodes in range(len(with_memory), 0, -1):
            share = core // nodes
            for node in with_memory:
                if core < share:
                    share = core // nodes
                core = self.take(starts, node, low, share, core)
            if core <= nodes - 1:
                break
        return starts

    def take(self, starts: list[int], node: int, low: int, share: int, core: int) -> int:
        """Take a node's share from where the one before ended; return what is wanted still."""
        for first, end in self.extents[node].ranges:
            start = max(first, starts[node])
            if start >= end:
                continue
            below = max(0, min(end, low) - start)
            core, share = max(0, core - below), max(0, share - below)
            taken = min(end - start - below, share)
            starts[node] = start + below + taken
            core, share = max(0, core - taken), share - taken
            if end > low and not share:
                break
        return core

    # --- looking -----------------------------------------------------------------------------------------------------------

    def possible(self, op: Possible) -> Range | Error:
        """Return where a kind may lie."""
        return Range(*self.limits[op.kind]) if op.kind < LIMITED else Range(0, 0)

    def span(self, node: int, kind: int) -> tuple[int, int]:
        """Return what a zone spans; equal ends where it is empty."""
        (first, end), start = self.extents[node].range, self.movable[node]
        if kind >= LIMITED:
            return (max(start, first), min(end, self.high[1])) if start and kind == MOVABLE else (0, 0)
        low, high = self.limits[kind]
        first, end = max(low, min(first, high)), max(low, min(end, high))
        if start and first >= start:
            return 0, 0
        return first, (min(end, start) if start and not self.mirrored else end)

    def zone(self, op: LookZone) -> Sizes | Error:
        """Return the sizes of a zone."""
        if op.node >= self.nodes:
            return EINVAL
        start, end = self.span(op.node, op.kind)
        if start == end:
            return Sizes(0, 0, 0)
        memory = self.extents[op.node]
        if self.mirrored and self.movable[op.node] and op.kind in (NORMAL, MOVABLE):
            memory = self.sorts[op.node][op.kind == NORMAL]
        return Sizes(start, end - start, memory.between(start, end))

    def node(self, op: LookNode) -> Sizes | Error:
        """Return the sizes of a node."""
        if op.node >= self.nodes:
            return EINVAL
        start, end = self.extents[op.node].range
        if start == end:
            return Sizes(0, 0, 0)
        present = 0
        for kind in range(KINDS):
            sizes = self.zone(LookZone(op.node, kind))
            present += 0 if sizes.failed else sizes.present
        return Sizes(start, end - start, present)

    def absent(self, op: Absent) -> Frames | Error:
        """Return how many frames of a range are no memory."""
        if op.start > op.end or op.end > 1 << ADDRESS_BITS - self.shift:
            return EINVAL
        return Frames(op.end - op.start - self.all.between(op.start, op.end))


SERVES: dict[type, Any] = {
    AddMemory: ZoneSizing.add_memory,
    Size: ZoneSizing.size,
    Possible: ZoneSizing.possible,
    LookZone: ZoneSizing.zone,
    LookNode: ZoneSizing.node,
    Absent: ZoneSizing.absent,
}
