"""The law of page allocation held against the judge written from mm/page_alloc.c: each answer is the judge's."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mmspec.errors import DONE, EINVAL, ENOMEM
from mmspec.physical.page_alloc import PAGE_ALLOC
from mmspec.physical.page_alloc import ops as pa

from . import page_alloc_612 as judge
from .beside import BesideLaw

MIB = 256
"""Frames of a MiB."""

MACHINES: dict[str, tuple[list[dict[int, int]], list[list[int]]]] = {
    "one node": ([{0: 16 * MIB, 1: 200 * MIB, 2: 64 * MIB}], [[10]]),
    "one small zone": ([{2: 2 * MIB}], [[10]]),
    "two nodes": ([{0: 15 * MIB, 1: 128 * MIB}, {2: 128 * MIB, 4: 32 * MIB}], [[10, 20], [20, 10]]),
    "memoryless, far": ([{1: 64 * MIB, 2: 64 * MIB}, {}, {2: 90 * MIB}], [[10, 21, 31], [21, 10, 30], [31, 30, 10]]),
    "movable alone": ([{0: 4 * MIB, 2: 60 * MIB}, {4: 64 * MIB}], [[10, 40], [40, 10]]),
}


def config_of(name: str, pageblock_order: int = 9) -> pa.Config:
    """The machine of a name, its zones one behind the other."""
    nodes, at = [], 0
    for kinds in MACHINES[name][0]:
        zones = []
        for kind, frames in sorted(kinds.items()):
            zones.append(pa.ZoneConfig(kind, at, at + frames))
            at += frames
        nodes.append(pa.NodeConfig(tuple(zones)))
    return pa.Config(tuple(nodes), tuple(map(tuple, MACHINES[name][1])), pageblock_order=pageblock_order)


def all_or(nodes: int) -> int | None:
    """A nodemask as the kernel has it."""
    return None if nodes == pa.ALL_NODES else nodes


class Beside(BesideLaw):
    """The law and the judge, asked the same."""

    def __init__(self, name: str, seed: int) -> None:
        config = config_of(name)
        super().__init__(PAGE_ALLOC, config)
        self.rng = random.Random(seed)
        self.judge = judge.Machine(*MACHINES[name], config.max_order, config.pageblock_order)
        self.zones = sorted(self.judge.zones)
        self.nodes = len(MACHINES[name][0])
        self.waiting: dict[int, int] = {}

    # ---- words

    def some_nodes(self) -> int:
        return self.rng.choice([pa.ALL_NODES, pa.ALL_NODES, self.rng.randrange(1 << self.nodes)])

    def some_zones(self, likely: float = 0.2) -> int:
        return sum(1 << zone for zone in self.zones if self.rng.random() < likely)

    def some_context(self) -> int:
        if self.rng.random() < 0.5:
            return 0
        return sum(1 << bit for bit in range(11) if self.rng.random() < 0.2)

    def some_gfp(self) -> int:
        low: int = self.rng.choice([0, 0, 2, 1, 4, 8, 10, 10, 9, 12])
        likely = self.rng.choice([0.2, 0.5])
        gfp = low | sum(1 << bit for bit in (*range(4, 8), 12, *range(14, 18), *range(19, 22)) if self.rng.random() < likely)
        if gfp & 0x18 == 0x18:
            gfp &= ~0x10
        for bit, often in ((0x400, 0.7), (0x800, 0.5), (0x40, 0.6)):
            gfp |= bit if self.rng.random() < often else 0
        return gfp

    def some_order(self) -> int:
        return self.rng.choice([0, 0, 0, 1, 2, 3, 4, 9, 10, 11])

    def now(self) -> dict[str, int]:
        """How the outside of a running request is."""
        return {
            "context": self.some_context(),
            "cpusets": self.rng.randrange(2),
            "mems": self.some_nodes(),
            "wall": self.some_nodes(),
            "grown": self.some_zones(0.1),
            "empty": self.some_zones(),
            "reclaimed": self.rng.choice([0, 0, 0, 1, 700, 5000]),
        }

    # ---- acts

    def report(self) -> None:
        zone = self.rng.choice(self.zones)
        marks, managed = self.judge.zones[zone].marks, self.judge.zones[zone].managed
        near = self.rng.choice([0, *marks, marks[0] // 2, managed, managed]) + self.rng.randrange(-3, 20)
        free = min(max(near, 0), managed)
        exact = min(max(free + self.rng.randrange(-30, 31), 0), managed)
        highatomic = self.rng.choice([0, 0, self.rng.randrange(free + 1)])
        cma = self.rng.choice([0, 0, self.rng.randrange(free - highatomic + 1)])
        blocks = [self.rng.choice([0, (1 << 11) - 1, self.rng.getrandbits(11)]) for _ in range(3)]
        request = pa.Report(zone, free, exact, highatomic, cma, 0, *blocks)
        self.judge.report(zone, free, exact, highatomic, cma, blocks)
        self.hold("report", request, DONE)

    def reclaimable(self) -> None:
        zone, frames = self.rng.choice(self.zones), self.rng.choice([0, 5, 40, 3000])
        self.judge.reclaimable[zone] = frames
        self.hold("reclaimable", pa.Reclaimable(zone, frames), DONE)

    def above(self) -> None:
        zone = self.rng.choice(self.zones)
        self.judge.below_high.discard(zone)
        self.hold("above", pa.Above(zone), DONE)

    def boost(self) -> None:
        zone = self.rng.choice(self.zones)
        self.hold("boost", pa.Boost(zone), pa.Passed(int(self.judge.boost(zone))))

    def flags_of(self) -> None:
        gfp, order, context = self.some_gfp(), self.some_order(), self.some_context()
        flags = self.judge.gfp_to_alloc_flags(gfp, order, context)
        self.hold("flags_of", pa.FlagsOf(gfp, order, context), pa.Worth(flags, judge.pfmemalloc_flags(gfp, context)))

    def walk(self) -> None:
        outside = {"dirty": self.rng.choice([0, self.some_nodes()])}
        outside |= {name: self.now()[name] for name in ("grown", "empty", "reclaimed")}
        flags = sum(1 << bit for bit in range(12) if self.rng.random() < 0.3)
        gfp, order, node = self.some_gfp(), self.some_order(), self.rng.randrange(self.nodes)
        nodes, allowed = self.some_nodes(), self.some_nodes()
        request = pa.Walk(gfp, order, flags, node, nodes, allowed, **outside)
        got = self.judge.walk(gfp, order, flags, node, all_or(nodes), allowed, outside)
        self.hold("walk", request, ENOMEM if got is None else pa.Taken(*got))

    def turn(self, task: int, came: Any) -> Any:
        """An answer of the judge as the law has it."""
        self.waiting.pop(task, None)
        if came is None:
            return ENOMEM
        if len(came) == 2:
            return pa.Turn(pa.PAGE, came[0], 0, came[1])
        self.waiting[task] = pa.ASKS.index(came[0])
        return pa.Turn(pa.ASKS.index(came[0]), pa.NOWHERE, came[1], came[2])

    def enter(self) -> None:
        task = self.rng.randrange(pa.TASKS)
        gfp, order, node, nodes = self.some_gfp(), self.some_order(), self.rng.randrange(self.nodes), self.some_nodes()
        outside = {**self.now(), "inject": int(self.rng.random() < 0.1), "dirty": self.some_nodes() & self.some_nodes()}
        request = pa.Enter(task, gfp, order, node, nodes, **outside)
        if task in self.waiting:
            self.hold("enter", request, EINVAL)
            return
        outside["busy"] = outside["released"] = outside["suitable"] = 0
        self.hold("enter", request, self.turn(task, self.judge.enter(task, gfp, order, node, all_or(nodes), outside)))

    def answer(self) -> None:
        if not self.waiting:
            return
        task = self.rng.choice(list(self.waiting))
        captured = pa.NOWHERE
        if self.waiting[task] in (pa.COMPACT, pa.COMPACT_AGAIN) and self.rng.random() < 0.05:
            run = self.judge.runs[task]
            captured = self.rng.choice([node * 8 + kind for node, kind in run.refs if kind <= run.highest] or [captured])
        came = {name: int(self.rng.random() < 0.5) for name in ("progress", "suitable", "killed")}
        came |= {name: int(self.rng.random() < 0.1) for name in ("busy", "released", "changed")}
        came["compacted"] = self.rng.randrange(9)
        outside = {**came, **self.now()}
        request = pa.Answer(task, captured=captured, **outside)
        sent = {**outside, "captured": None if captured == pa.NOWHERE else captured}
        self.hold("answer", request, self.turn(task, self.judge.answer(task, sent)))

    def step(self) -> None:
        acts = [self.report] * 4 + [self.walk] * 6 + [self.enter] * 3 + [self.answer] * 9
        self.rng.choice([*acts, self.reclaimable, self.above, self.boost, self.flags_of])()


def run(name: str, seeds: range, steps: int) -> None:
    """Programs of a machine."""
    for seed in seeds:
        beside = Beside(name, seed)
        for _ in range(steps):
            beside.step()


@pytest.mark.parametrize("name", MACHINES)
def test_the_law_answers_as_the_judge(name: str) -> None:
    """In short programs."""
    run(name, range(3), 150)


@pytest.mark.nightly
@pytest.mark.parametrize("name", MACHINES)
def test_the_law_answers_as_the_judge_for_long(name: str) -> None:
    """In more and longer ones."""
    run(name, range(100, 160), 600)
