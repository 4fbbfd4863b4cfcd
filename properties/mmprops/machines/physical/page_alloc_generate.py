"""Requests for the machine ``page_alloc``: free frames that lie at the marks, and answers that lead the slow path everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmspec.physical import page_alloc as law
from mmspec.physical.page_alloc.ops import (
    ALL_NODES,
    COMPACTED,
    GFP_ATOMIC,
    GFP_DIRECT_RECLAIM,
    GFP_DMA,
    GFP_DMA32,
    GFP_FS,
    GFP_HARDWALL,
    GFP_HIGH,
    GFP_HIGHMEM,
    GFP_IO,
    GFP_KSWAPD_RECLAIM,
    GFP_MEMALLOC,
    GFP_MOVABLE,
    GFP_NOFAIL,
    GFP_NOMEMALLOC,
    GFP_NORETRY,
    GFP_RECLAIMABLE,
    GFP_RETRY_MAYFAIL,
    GFP_THISNODE,
    GFP_WRITE,
    NOWHERE,
    TASK_DUMPCORE,
    TASK_EXITING,
    TASK_INTERRUPT,
    TASK_KILLED,
    TASK_MEMALLOC,
    TASK_NOFS,
    TASK_NOIO,
    TASK_PIN,
    TASK_REALTIME,
    TASK_SOFTIRQ,
    TASK_VICTIM,
    TASKS,
    Above,
    Answer,
    Boost,
    Config,
    Enter,
    FlagsOf,
    Reclaimable,
    Report,
    Walk,
)  # fmt: skip

BOTH_TYPES = GFP_MOVABLE | GFP_RECLAIMABLE
"""What no request has."""
KERNEL = GFP_DIRECT_RECLAIM | GFP_KSWAPD_RECLAIM | GFP_IO | GFP_FS
BASES = (
    KERNEL, KERNEL | GFP_HIGHMEM | GFP_MOVABLE, GFP_HIGH | GFP_KSWAPD_RECLAIM, KERNEL | GFP_HARDWALL, KERNEL & ~GFP_IO & ~GFP_FS,
    KERNEL | GFP_RECLAIMABLE, GFP_KSWAPD_RECLAIM, KERNEL | GFP_DMA32, KERNEL | GFP_MOVABLE, KERNEL | GFP_DMA,
)  # fmt: skip
"""GFP_KERNEL, GFP_HIGHUSER_MOVABLE, GFP_ATOMIC, GFP_USER, GFP_NOIO, and others."""
EXTRAS = (
    0, 0, 0, GFP_NORETRY, GFP_RETRY_MAYFAIL, GFP_NOFAIL, GFP_THISNODE, GFP_WRITE, GFP_NOMEMALLOC, GFP_MEMALLOC, GFP_ATOMIC,
    GFP_HIGH, GFP_NORETRY | GFP_THISNODE, GFP_NOFAIL | GFP_NORETRY, GFP_RETRY_MAYFAIL | GFP_THISNODE, GFP_HARDWALL,
)  # fmt: skip
CONTEXTS = (
    0, 0, 0, 0, TASK_MEMALLOC, TASK_VICTIM, TASK_REALTIME, TASK_INTERRUPT, TASK_SOFTIRQ | TASK_MEMALLOC, TASK_DUMPCORE,
    TASK_KILLED, TASK_EXITING, TASK_NOIO, TASK_NOFS, TASK_PIN, TASK_INTERRUPT | TASK_MEMALLOC, TASK_VICTIM | TASK_SOFTIRQ,
)  # fmt: skip
ORDERS = (0, 0, 1, 2, 3, 4, 9, 10)
MASKS = (ALL_NODES, ALL_NODES, ALL_NODES, 1, 2, 3, 0, 4)
FLAGS = (0, 1, 2, 4, 0x20, 0x30, 8, 0x40, 0x140, 0x101, 0x100, 0x80, 0x200, 0x230, 0x141)
STUBBORN, VICTIM = 4, 5
"""Moods of a program: reclaim never gets anywhere though much is reclaimable; whoever asks is a victim of the OOM killer."""

Made = tuple[str, Any, Mapping[str, int]]


class Generator:
    """Makes requests that lie at and around the marks, and answers of every kind."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config, self.mood = config, header[14] % 6
        self.zones = [n * 8 + z.name for n, node in enumerate(config.nodes) for z in node.zones]
        self.marks = law.PAGE_ALLOC.initial_policy(config, "6.12").paths.marks
        self.actions: list[Callable[[bytes, Any], Any]] = [
            *[self.report] * 8, *[self.enter] * 10, *[self.walk] * 8, *[self.answer] * 18, self.above, self.boost, self.boost,
            self.flags_of,            self.flags_of, self.reclaimable, self.reclaimable,
        ]  # fmt: skip
        if self.mood == STUBBORN:
            self.actions = [self.report, self.enter, self.reclaimable, *[self.answer] * 9]

    def request(self, record: bytes, state: Any) -> Made | None:
        """Return the request that a record stands for in this state."""
        if not any(record):
            return None
        request = self.actions[(record[0] | record[7] << 8) % len(self.actions)](record, state)
        return NAMES[type(request)], request, {}

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Remember nothing: who waits is in the state."""

    def zone(self, r: bytes) -> int:
        """Return a zone of the machine; now and then one without memory, or one that is not there."""
        if r[1] % 16 == 1:
            return r[2] % 80
        return self.zones[r[1] % len(self.zones)]

    def gfp(self, r: int, s: int) -> int:
        """Return a request's bits."""
        return BASES[r % len(BASES)] | EXTRAS[s % len(EXTRAS)] | (BOTH_TYPES if s % 64 == 62 else 0)

    def node(self, r: int) -> int:
        """Return a node, seldom one that is not there."""
        return 8 if r == 201 else r % (len(self.config.nodes) + (r % 32 == 31))

    # each of the following makes one request from a record

    def report(self, r: bytes, state: Any) -> Any:
        """Say what is free in a zone: as much as some mark, or a little more or less, or next to nothing."""
        zone = self.zone(r)
        if self.mood == STUBBORN:
            return Report(zone, r[2] % 2, r[2] % 2, 0, 0, 0, 0x7FF)
        four = (self.marks.min, self.marks.low, self.marks.high, self.marks.min)
        mark = four[r[2] % 4].get(zone, 0)
        mark += (0, 0, 1 << self.config.pageblock_order)[r[6] // 64 % 3]
        mark += self.marks.reserve.get(zone << 3 | r[3] % 6, 0) if r[3] & 64 else 0
        mark -= (0, 0, 0, mark // 2, mark // 2 + (mark - mark // 2) // 4, mark)[r[4] % 6]
        free = max(0, mark + r[5] % 5 - 2 + (0, 0, 7, 100)[r[5] // 5 % 4])
        atomic, cma = (0, 0, 5)[r[6] % 3], (0, 0, 3)[r[6] // 4 % 3]
        lists = (0x7FF, 1, 0xF, 0x7FF, 0, 0x10)
        return Report(
            zone, free, max(0, free + (0, 0, 3, -2)[r[6] // 16 % 4]), atomic, cma, 0, lists[r[7] % 6],
            lists[r[7] // 8 % 6] & -(cma > 0), lists[r[7] // 16 % 6] & -(atomic > 0),
        )  # fmt: skip

    def reclaimable(self, r: bytes, state: Any) -> Any:
        """Say how much is reclaimable in a zone."""
        return Reclaimable(self.zone(r) % NOWHERE, (0, 0, 10, 100, 100000)[4 if self.mood == STUBBORN else r[2] % 5])

    def above(self, r: bytes, state: Any) -> Any:
        """Let a free find a zone above HIGH."""
        return Above(self.zone(r) % NOWHERE)

    def boost(self, r: bytes, state: Any) -> Any:
        """Boost a zone."""
        return Boost(self.zone(r))

    def flags_of(self, r: bytes, state: Any) -> Any:
        """Ask what a request comes to."""
        return FlagsOf(self.gfp(r[1], r[2]), (0, 1, 3, 10, 15)[r[3] % 5], self.context(r[4], r[5]))

    def context(self, r: int, s: int) -> int:
        """Return what a task is."""
        if self.mood == VICTIM:
            return TASK_VICTIM
        return CONTEXTS[r % len(CONTEXTS)] | (CONTEXTS[s % len(CONTEXTS)] if s % 3 == 1 else 0)

    def some(self, r: int) -> int:
        """Return a set of zones: mostly none."""
        return (0, 0, 0, 0, 1 << self.zones[r // 8 % len(self.zones)], (1 << NOWHERE) - 1)[r % 6 if self.mood != STUBBORN else 0]

    def walk(self, r: bytes, state: Any) -> Any:
        """Go through a list."""
        return Walk(
            self.gfp(r[1], r[7] % 32), ORDERS[r[2] % 8], FLAGS[r[3] % len(FLAGS)], self.node(r[4]), MASKS[r[5] % 8],
            MASKS[r[5] // 8 % 8], (0, 0, 1, 2)[r[6] % 4], self.some(r[6] // 4), self.some(r[2] // 8),
            (0, 0, 1, 50, 2000)[r[7] % 5],
        )  # fmt: skip

    def enter(self, r: bytes, state: Any) -> Any:
        """Begin a request."""
        cpusets = int(r[6] % 4 == 0)
        return Enter(
            r[1] % TASKS, self.gfp(r[1] // 4, r[2]), ORDERS[r[3] % 8] + (r[3] % 64 == 63), self.node(r[4]), MASKS[r[4] // 8 % 8],
            self.context(r[5], r[7]), cpusets, MASKS[r[6] // 4 % 8] if cpusets else ALL_NODES,
            MASKS[r[6] // 32] if cpusets else ALL_NODES, int(r[7] % 32 == 7), (0, 0, 1, 2)[r[7] % 4], self.some(r[5] // 16),
            self.some(r[3] // 8), (0, 0, 0, 50)[r[7] // 4 % 4],
        )  # fmt: skip

    def answer(self, r: bytes, state: Any) -> Any:
        """Go on with a request, mostly one that waits."""
        waiting = sorted(task for task, _ in state.asked.items())
        if not waiting and r[1] % 8:
            return self.enter(r, state)
        task = waiting[r[1] // 4 % len(waiting)] if waiting and r[1] % 16 else r[1] % TASKS
        odd = self.mood == VICTIM or (r[2] % 4 == 3 and self.mood not in (1, STUBBORN))
        progress = int(r[3] % 3 == self.mood % 3 and self.mood != STUBBORN)
        cpusets = int(r[6] % 8 == 0)
        captured = self.zones[r[4] // 8 % len(self.zones)] if r[4] % 8 == 7 else NOWHERE
        return Answer(
            task, progress=progress, compacted=r[4] % len(COMPACTED), captured=captured, suitable=r[2] >> 2 & 1,
            killed=int(r[3] // 3 % 2), busy=int(r[5] % 8 == 7), released=int(r[5] % 16 == 5), changed=int(r[6] % 16 == 9),
            context=self.context(r[7], r[2]) if odd else 0, cpusets=cpusets, mems=MASKS[r[7] % 8] if cpusets else ALL_NODES,
            wall=MASKS[r[7] // 8 % 8] if cpusets else ALL_NODES, grown=self.some(r[5] // 8) if odd else 0,
            empty=self.some(r[6] // 8) if odd else 0, reclaimed=(0, 0, 0, 50)[r[2] // 16 % 4],
        )  # fmt: skip


NAMES = {operation.request: operation.name for operation in law.PAGE_ALLOC.operations}
