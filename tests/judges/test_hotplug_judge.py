"""The law of memory hotplug held against the judge written from mm/memory_hotplug.c: each answer is the judge's."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mmprops.judge import Judge
from mmspec.errors import DONE, Error
from mmspec.physical.hotplug import HOTPLUG
from mmspec.physical.hotplug import ops as hp
from mmspec.profile import Profile

from . import hotplug_612 as judge
from .beside import BesideLaw

BLOCKS = 24
"""The blocks of a machine, and some beyond what it can map."""


class Beside(BesideLaw):
    """The law and the judge, asked the same."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.nodes = rng.choice([1, 2, 3])
        self.order = rng.choice([15, 16])
        self.pages = 1 << self.order
        memory, low = [], rng.choice([0, 0, 2])
        for number in range(rng.randrange(2, 12)):
            if rng.random() < 0.7:
                kind = rng.choice([0, 1, 2]) if number < low else rng.choice([2, 2, 2, 4])
                hole = rng.choice([0, 0, 0, 512])
                memory.append((number, number * self.nodes // 12, kind, rng.choice([0, 0, 0, 77]), hole))
        spans = self.wider(memory) if rng.random() < 0.3 else ()
        c = hp.Config(
            tuple(memory), self.nodes, rng.randrange(1 << self.nodes), spans, block_order=self.order,
            online_policy=rng.randrange(2), auto_movable_ratio=rng.choice([0, 100, 301]),
            auto_movable_numa_aware=rng.randrange(2),
            movable_node=rng.randrange(2), **self.shape(),
        )  # fmt: skip
        super().__init__(HOTPLUG, c)
        self.judge = self.beside(memory, c)

    def shape(self) -> dict[str, Any]:
        """Where memory ends that can be mapped."""
        return {"mappable_end": 20 << self.order}

    def beside(self, memory: list[tuple[int, int, int, int, int]], c: hp.Config) -> judge.Machine:
        """The judge of the same machine."""
        return judge.Machine(
            memory, c.nodes, c.cpus, c.spans, c.block_order, c.mappable_end, c.physical_end, bool(c.online_policy),
            c.auto_movable_ratio, bool(c.auto_movable_numa_aware), bool(c.movable_node),
        )  # fmt: skip

    def wider(self, memory: list[tuple[int, int, int, int, int]]) -> tuple[tuple[int, int, int], ...]:
        """The lowest zone of node 0 begins a block early, or at 0."""
        for number, node, kind, _, _ in memory[:1]:
            mine = [block for block, *zone, _, _ in memory if zone == [node, kind]]
            hole = next(block[4] for block in memory if block[0] == mine[-1])
            if kind <= 2 and number > 0:
                start = self.rng.choice([0, number - 1]) * self.pages
                return ((node * 8 + kind, start, (mine[-1] + 1) * self.pages - hole),)
        return ()

    def some_range(self) -> tuple[int, int]:
        """Mostly whole blocks."""
        first, count = self.rng.randrange(BLOCKS), self.rng.randrange(1, 4)
        astray = self.rng.choice([0, 0, 0, 0, 512])
        return first * self.pages + astray, count * self.pages - self.rng.choice([0, 0, 0, astray])

    def add(self) -> None:
        pfn, pages = self.some_range()
        node = self.rng.randrange(self.nodes + 1)
        error = self.judge.add(pfn, pages, node)
        self.hold("add", hp.Add(pfn, pages, node), Error(error) if error else DONE)

    def remove(self) -> None:
        first, count = self.rng.randrange(BLOCKS), self.rng.randrange(1, 4)
        if any(number not in self.judge.blocks for number in range(first, first + count)):
            return  # the law refuses what the kernel passes over
        error = self.judge.remove(first * self.pages, count * self.pages)
        self.hold("remove", hp.Remove(first * self.pages, count * self.pages), Error(error) if error else DONE)

    def online(self) -> None:
        number, to = self.rng.choice([*self.judge.blocks] or [0]), self.rng.randrange(3)
        if number not in self.judge.blocks:
            return
        stop, withheld = self.rng.choice([0, 0, 0, 1, 2]), self.rng.choice([0, 0, 600])
        came = self.judge.online(number, to, stop, withheld)
        answer = Error(came) if isinstance(came, str) else hp.Onlined(came.node * 8 + came.kind)
        self.hold("online", hp.Online(number, to, stop, withheld), answer)

    def offline(self) -> None:
        number, stop = self.rng.choice([*self.judge.blocks] or [0]), self.rng.choice([0, 0, 0, 0, 2, 3, 4, 5])
        if number not in self.judge.blocks:
            return
        error = self.judge.offline(number, stop)
        self.hold("offline", hp.Offline(number, stop), Error(error) if error else DONE)

    def release(self) -> None:
        """Frames that are withheld, some or all of them; beyond these it is nobody's call."""
        there = [(n, b) for n, b in self.judge.blocks.items() if b.zone and (b.reserved or b.withheld)]
        if there:
            number, block = self.rng.choice(there)
            frames = self.rng.choice([1, block.reserved or block.withheld])
            self.judge.release(number, frames)
            self.hold("release", hp.Release(number, frames), DONE)

    def look(self) -> None:
        for (node, kind), zone in self.judge.zones.items():
            sizes = hp.ZoneIs(zone.start, zone.spanned, zone.present, zone.early, zone.managed)
            self.hold("zone", hp.LookZone(node * 8 + kind), sizes)
        for number, node in enumerate(self.judge.nodes):
            states = map(int, (node.online, node.memory, node.normal))
            self.hold("node", hp.LookNode(number), hp.NodeIs(node.start, node.spanned, node.present, *states))
        self.hold("total", hp.LookTotal(), hp.Total(sum(zone.managed for zone in self.judge.zones.values())))

    def default_zone(self) -> None:
        offline = [number for number, block in self.judge.blocks.items() if block.zone is None]
        if offline:
            number, to = self.rng.choice(offline), self.rng.randrange(3)
            zone = self.judge.zone_for(to, self.judge.blocks[number].node, number * self.pages)
            self.hold("default_zone", hp.DefaultZone(number, to), hp.Onlined(zone.node * 8 + zone.kind))

    def step(self) -> None:
        """One act, and a look at all that it may have changed."""
        changes = [self.add, self.add, self.remove, *[self.online] * 3, *[self.offline] * 2, self.release]
        self.rng.choice(changes)()
        self.default_zone()
        self.look()


def run(seeds: range, steps: int, kind: type[Beside] = Beside) -> None:
    """A machine of each seed."""
    for seed in seeds:
        beside = kind(seed)
        beside.look()
        for _ in range(steps):
            beside.step()


def test_the_law_answers_as_the_judge() -> None:
    """On some machines."""
    run(range(12), 25)


@pytest.mark.nightly
def test_the_law_answers_as_the_judge_for_long() -> None:
    """On more, and for longer."""
    run(range(100, 300), 60)


def test_withheld_frames_of_a_block_of_boot() -> None:
    """What the callback of onlining withholds was not reserved by boot, and does not keep the block online."""
    block = hp.Config(memory=((1, 0, 2, 0, 0),), nodes=1)
    law = Judge(HOTPLUG, Profile.KERNEL_6_12, block)
    asked = [
        ("offline", hp.Offline(1), DONE),
        ("online", hp.Online(1, withheld=600), hp.Onlined(2)),
        ("offline", hp.Offline(1), DONE),
    ]
    for operation, request, result in asked:
        assert law.judge(law.operations[operation], request, result) is None
