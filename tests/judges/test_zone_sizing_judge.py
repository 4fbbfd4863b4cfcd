"""The law of the sizes of zones held against the judge written from mm/mm_init.c: each answer is the judge's."""

from __future__ import annotations

import random

import pytest

from mmspec.errors import DONE
from mmspec.physical.zone_sizing import ZONE_SIZING
from mmspec.physical.zone_sizing import ops as zs

from . import zone_sizing_612 as judge
from .beside import BesideLaw


class Beside(BesideLaw):
    """The law and the judge, told of the same machine."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.nodes = rng.choice([1, 1, 2, 3, 4])
        self.shift = rng.choice([12, 12, 14, 16])
        self.mixed = rng.random() < 0.4
        order = rng.choice([2, 3, 6, 10])
        unit = rng.choice([1, 8, 256])
        at, ends = 0, []
        for _ in range(4):
            at += rng.choice([0, rng.randrange(40) * unit])
            ends.append(at if rng.random() < 0.8 else 0)
        if not any(ends):
            ends[2] = at = 60 * unit
        self.high = max(ends) << self.shift
        super().__init__(ZONE_SIZING, zs.Config(self.nodes, (ends[0], ends[1], ends[2], ends[3]), self.shift, order))
        self.judge = judge.Boot(self.nodes, ends, self.shift, order)

    def tell(self) -> None:
        """Regions, some on page boundaries, some adjacent, nodes one behind the other or mixed."""
        rng, page, at, node = self.rng, 1 << self.shift, 0, 0
        count = rng.randrange(1, 8)
        for index in range(count):
            base = at + rng.choice([0, 0, rng.randrange(12)]) * page + rng.choice([0, 0, 0, rng.randrange(page)])
            size = max(1, self.high // count)
            end = base + rng.choice([rng.randrange(1, size + 1), (rng.randrange(size) >> self.shift) + 1 << self.shift])
            if rng.random() < 0.6:
                end = end >> self.shift << self.shift
            end = min(end, self.high)
            if end <= base:
                break
            node = rng.randrange(self.nodes) if self.mixed else min(self.nodes - 1, node + rng.randrange(2)) if index else node
            flags = rng.choice([0, 0, 0, 1, 2, 3])
            self.judge.add(base, end, node, flags)
            self.hold("add_memory", zs.AddMemory(base, end, node, flags), DONE)
            at = end

    def size(self) -> None:
        """Size the zones by some command line, and look at all of it."""
        rng = self.rng
        total = sum(end - start for start, end, _ in self.judge.ranges())
        some = [0, 0, rng.randrange(total + 20), max(0, total - 1), 1]
        asked = {
            "kernelcore": rng.choice(some),
            "movablecore": rng.choice(some),
            "kernelcore_percent": rng.choice([0, 0, rng.randrange(101)]),
            "movablecore_percent": rng.choice([0, 0, rng.randrange(101)]),
            "mirror": int(rng.random() < 0.2),
            "kdump": int(rng.random() < 0.1),
            "movable_node": int(rng.random() < 0.2),
        }
        request = zs.Size(**asked)
        if self.judge.refuses(bool(asked["mirror"])):
            return
        self.hold("size", request, zs.Starts(tuple(self.judge.free_area_init(**asked))))
        for node in range(self.nodes):
            for kind in range(6):
                zone = self.judge.zones[node, kind]
                self.hold("zone", zs.LookZone(node, kind), zs.Sizes(zone.start, zone.spanned, zone.present))
            pgdat = self.judge.pgdats[node]
            self.hold("node", zs.LookNode(node), zs.Sizes(pgdat.start, pgdat.spanned, pgdat.present))
        for kind in range(4):
            self.hold("possible", zs.Possible(kind), zs.Range(self.judge.lowest[kind], self.judge.highest[kind]))

    def absent(self) -> None:
        """Holes of a range."""
        most = (self.high >> self.shift) + 5
        start, end = sorted((self.rng.randrange(most), self.rng.randrange(most)))
        self.hold("absent", zs.Absent(start, end), zs.Frames(self.judge.absent(None, start, end)))


def run(seeds: range) -> None:
    """A machine of each seed, sized a few times."""
    for seed in seeds:
        beside = Beside(seed)
        beside.tell()
        for _ in range(3):
            beside.size()
            beside.absent()


def test_the_law_answers_as_the_judge() -> None:
    """On some machines."""
    run(range(80))


@pytest.mark.nightly
def test_the_law_answers_as_the_judge_on_many() -> None:
    """On many more."""
    run(range(1000, 6000))
