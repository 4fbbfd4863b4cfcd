"""The law of devices' memory and of isolation held against the judge written from mm/memremap.c and mm/page_isolation.c."""

from __future__ import annotations

from typing import Any

import pytest

from mmspec.errors import DONE, Error
from mmspec.physical.hotplug import HOTPLUG
from mmspec.physical.hotplug import ops as hp

from . import hotplug_devices_612 as judge
from . import test_hotplug_judge as blocks
from .beside import BesideLaw


class Beside(blocks.Beside):
    """The law and the judge, asked the same of blocks, devices and pageblocks."""

    judge: judge.Devices

    def shape(self) -> dict[str, Any]:
        """Sections of a half of a block or all of it, pageblocks of one or more sub-sections; some memory is not mapped."""
        section = self.order - self.rng.choice([0, 0, 1])
        return {
            "section_order": section,
            "pageblock_order": self.rng.choice([9, 9, 10, 11]),
            "mappable_end": 20 << self.order,
            "physical_end": 24 << self.order,
        }

    def beside(self, memory: Any, c: hp.Config) -> judge.Devices:
        """The judge of devices."""
        return judge.Devices(
            memory, c.nodes, c.cpus, c.spans, c.block_order, mappable_end=c.mappable_end, physical_end=c.physical_end,
            auto_movable=bool(c.online_policy), ratio=c.auto_movable_ratio, numa_aware=bool(c.auto_movable_numa_aware),
            movable_node=bool(c.movable_node), section=1 << c.section_order, pageblock=1 << c.pageblock_order,
        )  # fmt: skip

    def near(self) -> int:
        """A frame: of a block's beginning, its end, or where a sub-section begins; mostly of where no memory is."""
        free = [number for number in range(26) if number not in self.judge.blocks or self.judge.blocks[number].hole]
        number = self.rng.choice(free) if free and self.rng.random() < 0.8 else self.rng.randrange(26)
        parts = self.pages // judge.SUBSECTION
        return number * self.pages + self.rng.choice([0, 1, parts // 2, parts - 2, parts - 1]) * judge.SUBSECTION

    def map_device(self) -> None:
        rng, pfn = self.rng, self.near()
        sizes = [1, 1, 2, 3, self.pages // judge.SUBSECTION, 3 * self.pages // judge.SUBSECTION // 2]
        pages = rng.choice(sizes) * judge.SUBSECTION
        if rng.random() < 0.1:
            pfn, pages = pfn + rng.choice([0, 77]), pages + 77
        if self.judge.devices and rng.random() < 0.3:
            device = rng.choice([*self.judge.devices.values()])
            around = rng.choice([0, 0, judge.SUBSECTION]) if device.start else 0
            pfn, pages = device.start - around, device.end - device.start + 2 * around
        node, kind = rng.randrange(self.nodes), rng.randrange(1, 6)
        brings = rng.choice([7, 7, 7, rng.randrange(8)])
        maps = set(self.judge.maps)
        error = self.judge.map_device(pfn, pages, node, kind, brings)
        self.judge.maps = maps if error else self.judge.maps  # Q74
        self.hold("map_device", hp.MapDevice(pfn, pages, node, kind, brings), Error(error) if error else DONE)

    def unmap_device(self) -> None:
        if self.judge.devices:
            pfn = self.rng.choice([*self.judge.devices])
            self.judge.unmap_device(pfn)
            self.hold("unmap_device", hp.UnmapDevice(pfn), DONE)

    def starve(self) -> None:
        """Add blocks where at some section an allocation fails, or when all are mapped."""
        pfn, pages = self.some_range()
        section = self.judge.section
        mapped = self.rng.choice([self.rng.randrange(0, pages + section, section), pages])
        if mapped < pages and set(self.judge.parts(pfn + mapped, pfn + mapped + section)) & self.judge.maps:
            return  # no allocation comes before it is seen that this section is mapped
        error = self.judge.add(pfn, pages, 0, pfn + mapped)
        self.hold("add", hp.Add(pfn, pages, 0, 1, mapped), Error(error or "none"))

    def isolate(self) -> None:
        """A pageblock of a block that is online, mostly its last with memory."""
        there = [number for number, block in self.judge.blocks.items() if block.zone]
        if not there:
            return
        number = self.rng.choice([n for n in there if self.judge.blocks[n].hole] or there)
        per, hole = self.pages // self.judge.pageblock, self.judge.blocks[number].hole
        last = (self.pages - hole - 1) // self.judge.pageblock
        at = number * per + self.rng.choice([0, last, self.rng.randrange(last + 1)])
        unmovable = self.rng.random() < 0.2
        error = self.judge.isolate(at, unmovable)
        self.hold("isolate", hp.Isolate(at, int(unmovable)), Error(error) if error else DONE)

    def unisolate(self) -> None:
        if self.judge.isolated:
            at = self.rng.choice(sorted(self.judge.isolated))
            self.judge.unisolate(at)
            self.hold("unisolate", hp.Unisolate(at), DONE)

    def look_frames(self) -> None:
        """At frames of blocks, holes and devices."""
        for pfn in (self.near(), self.near() + 511, *(d.end - 1 for d in self.judge.devices.values())):
            seen = self.judge.frame(pfn)
            if seen is not None:
                state, zone, references = seen
                named = hp.NOWHERE if zone is None else zone[0] * 8 + zone[1]
                self.hold("frame", hp.LookFrame(pfn), hp.FrameIs(state, named, references))

    def step(self) -> None:
        """One act, and a look at all that it may have changed."""
        devices = [*[self.map_device] * 5, *[self.unmap_device] * 2, *[self.isolate] * 2, self.unisolate, self.starve]
        self.rng.choice([*devices, self.add, self.add, self.remove, *[self.online] * 2, *[self.offline] * 2])()
        self.default_zone()
        self.look()
        self.look_frames()


def test_the_law_answers_as_the_judge() -> None:
    """On some machines."""
    blocks.run(range(30), 40, Beside)


@pytest.mark.nightly
def test_the_law_answers_as_the_judge_for_long() -> None:
    """On more, and for longer."""
    blocks.run(range(300, 600), 60, Beside)


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="the law leaves nothing of a device that is refused (docs/questions.md, Q74)"
)
def test_what_a_refused_device_leaves_behind() -> None:
    """The sections before that in which another device lies stay mapped."""
    block = 1 << 15
    config = hp.Config(((0, 0, 2, 0, 0),), mappable_end=20 * block, physical_end=24 * block)
    law = BesideLaw(HOTPLUG, config)
    kernel = judge.Devices([(0, 0, 2, 0, 0)], mappable_end=20 * block, physical_end=24 * block, section=block, pageblock=512)
    for pfn, pages in ((5 * block + 1024, 512), (4 * block, 3 * block), (4 * block, 512)):
        error = kernel.map_device(pfn, pages, 0, judge.GENERIC, 0)
        law.hold("map_device", hp.MapDevice(pfn, pages, 0, judge.GENERIC, 0), Error(error) if error else DONE)
