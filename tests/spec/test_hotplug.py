"""Memory hotplug and device memory, against what was worked out from mm/memory_hotplug.c and mm/memremap.c by hand."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mmspec.errors import DONE, EBUSY, EINVAL, ENOMEM, InputError
from mmspec.physical.hotplug import HOTPLUG
from mmspec.physical.hotplug.ops import (
    AUTO_MOVABLE,
    DEVICE,
    DMA32,
    E2BIG,
    EEXIST,
    ENXIO,
    EPERM,
    FS_DAX,
    KERNEL,
    MOVABLE,
    NORMAL,
    NOWHERE,
    ONLINE,
    PRIVATE,
    TO_MOVABLE,
    VETO,
    Add,
    BlockIs,
    Config,
    DefaultZone,
    FrameIs,
    Isolate,
    LookBlock,
    LookFrame,
    LookNode,
    LookTotal,
    LookZone,
    MapDevice,
    NodeIs,
    Offline,
    Online,
    Onlined,
    Remove,
    Total,
    UnmapDevice,
    ZoneIs,
)

OPERATIONS = {operation.request: operation for operation in HOTPLUG.operations}
B = 1 << 15
BOOT = Config(((0, 0, DMA32, 100, 0), (1, 0, NORMAL, 0, 512), (3, 0, NORMAL, 0, 0)), nodes=2)
"""Blocks 0, 1 (with a hole of 2 MiB at its end) and 3 of node 0."""


def ask(config: Config, *requests: Any) -> Any:
    """Return Linux's answer to the last of some requests; the law must allow all, and its truths must hold after each."""
    memory, spans = HOTPLUG.initial(config), HOTPLUG.initial_policy(config, "6.12")
    for request in requests:
        operation = OPERATIONS[type(request)]
        answer, spans = operation.choose(memory, spans, request)
        assert operation.allowed(memory, request, answer) is None
        memory = operation.apply(memory, request, answer)
        for invariant in HOTPLUG.invariants:
            assert all(invariant.holds(memory, spans, key) for key in invariant.keys(memory, spans)), invariant.clause
    return answer


@pytest.mark.parametrize(
    ("zone", "sizes"),
    [(DMA32, ZoneIs(0, B, B, B, B - 100)), (NORMAL, ZoneIs(B, 3 * B, 2 * B - 512, 2 * B - 512, 2 * B - 512))],
)
def test_boot_counts_what_is_there(zone: int, sizes: ZoneIs) -> None:
    """A hole is spanned and not present; what was reserved is present and not managed."""
    assert ask(BOOT, LookZone(zone)) == sizes


def test_what_is_added_is_counted_nowhere_until_it_is_online() -> None:
    """Adding makes blocks, onlining makes memory."""
    assert ask(BOOT, Add(4 * B, 2 * B, 1), LookBlock(5)) == BlockIs(1, 1, NOWHERE)
    assert ask(BOOT, Add(4 * B, 2 * B, 1), LookNode(1)) == NodeIs(0, 0, 0, 1, 0, 0)
    assert ask(BOOT, Add(4 * B, 2 * B, 1), Online(5), LookNode(1)) == NodeIs(5 * B, B, B, 1, 1, 1)


@pytest.mark.parametrize("withheld", [0, 512, B])
def test_online_then_offline_is_as_before(withheld: int) -> None:
    """Present, managed, totalram and spans come back."""
    there = (Add(5 * B, B, 0), Online(5, withheld=withheld))
    assert ask(BOOT, *there, LookZone(NORMAL)) == ZoneIs(B, 5 * B, 3 * B - 512, 2 * B - 512, 3 * B - 512 - withheld)
    for look in (LookZone(NORMAL), LookNode(0), LookTotal()):
        assert ask(BOOT, *there, Offline(5), look) == ask(BOOT, look)


def test_a_span_with_a_hole_at_its_end_does_not_come_back() -> None:
    """It shrinks to the blocks: the zone began at 0, where no block is."""
    wide = Config(((3, 0, NORMAL, 0, 0), (4, 0, NORMAL, 0, 0)), spans=((NORMAL, 0, 5 * B),))
    assert ask(wide, LookZone(NORMAL)).start == 0
    assert ask(wide, Add(0, B, 0), Online(0), Offline(0), LookZone(NORMAL)).start == 3 * B


def test_a_refusal_shrinks_as_offlining_does() -> None:
    """A notifier's refusal takes back the span; nothing was counted."""
    assert ask(BOOT, Add(7 * B, B, 0), Online(7, stop=VETO)) == EPERM
    assert ask(BOOT, Add(7 * B, B, 0), Online(7, stop=VETO), LookZone(NORMAL)) == ask(BOOT, LookZone(NORMAL))


@pytest.mark.parametrize(
    ("requests", "answer"),
    [
        ((Add(4 * B, 0, 0),), E2BIG),
        ((Add((1 << 34) - B, 2 * B, 0),), E2BIG),
        ((Add(3 * B, B, 0),), EEXIST),
        ((Add(2 * B - 512, 512, 0),), EINVAL),
        ((Add(4 * B, B, 2),), EINVAL),
        ((Add(4 * B, 2 * B, 0, 1, B), Add(4 * B, B, 0)), EEXIST),
        ((Add(4 * B, B, 0, 1, B), Add(4 * B, B, 0)), DONE),
        ((Add(4 * B, B, 0, 1, B - 1), Add(4 * B, B, 0)), DONE),
        ((Add(4 * B, 3 * B, 0, 1, 2 * B),), ENOMEM),
        ((Remove(3 * B, B),), EBUSY),
        ((Offline(3), Remove(3 * B, 2 * B)), EINVAL),
        ((Offline(1),), EINVAL),
        ((Offline(0),), EBUSY),
        ((Isolate(3 * 64), Offline(3)), EBUSY),
    ],
)
def test_what_is_refused(requests: tuple[Any, ...], answer: Any) -> None:
    """The error of the first reason in Linux's order; an add that starves leaves whole sections mapped."""
    assert ask(BOOT, *requests) == answer


@pytest.mark.parametrize(
    ("change", "block", "to", "kind"),
    [
        ({}, 2, 0, NORMAL),  # block 2 lies in NORMAL's span
        ({}, 9, 0, NORMAL),
        ({"movable_node": 1}, 9, 0, MOVABLE),
        ({"movable_node": 1}, 2, 0, NORMAL),
        ({}, 2, TO_MOVABLE, MOVABLE),
        ({"spans": ((DMA32, 0, 3 * B),)}, 2, KERNEL, DMA32),  # the lowest of two that span it
        ({"online_policy": AUTO_MOVABLE}, 9, 0, MOVABLE),  # 301 percent of boot's kernel memory
        ({"online_policy": AUTO_MOVABLE, "auto_movable_ratio": 30}, 9, 0, NORMAL),
        ({"online_policy": AUTO_MOVABLE, "auto_movable_ratio": 0}, 9, 0, NORMAL),
    ],
)
def test_where_a_block_goes(change: dict[str, Any], block: int, to: int, kind: int) -> None:
    """By policy, by what spans it, by the ratio."""
    assert ask(attrs.evolve(BOOT, **change), Add(block * B, B, 0), DefaultZone(block, to)) == Onlined(kind)


def test_auto_movable_minds_the_node() -> None:
    """A node without kernel memory of boot gets none, though the machine could bear it."""
    auto = attrs.evolve(BOOT, online_policy=AUTO_MOVABLE)
    assert ask(auto, Add(9 * B, B, 1), DefaultZone(9)) == Onlined(8 + NORMAL)
    assert ask(attrs.evolve(auto, auto_movable_numa_aware=0), Add(9 * B, B, 1), DefaultZone(9)) == Onlined(8 + MOVABLE)


def test_a_device_is_spanned_and_counted_nowhere() -> None:
    """Zone DEVICE spans it for ever, no counter knows it, and its frames are never online."""
    hole = MapDevice(2 * B - 512, 512, 0, FS_DAX)
    assert ask(BOOT, hole, LookFrame(2 * B - 1)) == FrameIs(3, DEVICE, 1)
    assert ask(BOOT, hole, LookZone(DEVICE)) == ZoneIs(2 * B - 512, 512, 0, 0, 0)
    assert ask(BOOT, hole, LookTotal()) == Total(3 * B - 512 - 100)
    assert ask(BOOT, hole, UnmapDevice(2 * B - 512), LookZone(DEVICE)) == ZoneIs(2 * B - 512, 512, 0, 0, 0)
    assert ask(BOOT, hole, UnmapDevice(2 * B - 512), LookFrame(2 * B - 1)) == FrameIs(0, NOWHERE, 0)


@pytest.mark.parametrize(
    ("requests", "answer"),
    [
        ((MapDevice(5 * B, 512, 0, PRIVATE, 6),), EINVAL),
        ((MapDevice(5 * B, 512, 0, PRIVATE), MapDevice(5 * B, 1024, 0, FS_DAX)), ENOMEM),
        ((MapDevice(5 * B, 512, 0, PRIVATE), MapDevice(5 * B - 512, 1536, 0, FS_DAX)), EEXIST),
        ((MapDevice(3 * B, 512, 0, FS_DAX),), ENXIO),
        ((MapDevice(5 * B, 512, 0, FS_DAX), Add(5 * B, B, 0)), EEXIST),
        ((MapDevice(5 * B, 513, 0, FS_DAX),), EINVAL),
    ],
)
def test_what_a_device_is_refused(requests: tuple[Any, ...], answer: Any) -> None:
    """Both ends are asked for another device, the whole range for memory; what lies within is met when it is mapped."""
    assert ask(BOOT, *requests) == answer


def test_a_refused_range_makes_an_inner_device_unknown() -> None:
    """After EEXIST the array that finds devices has lost the inner one: its first frame no more gives ENOMEM."""
    before = (MapDevice(5 * B, 512, 0, PRIVATE), MapDevice(5 * B - 512, 1536, 0, FS_DAX))
    assert ask(BOOT, *before, MapDevice(5 * B, 512, 0, FS_DAX)) == EEXIST


def test_the_door_refuses_what_is_no_machine() -> None:
    """Blocks out of order, in no zone; zones that would span less."""
    for wrong in (
        attrs.evolve(BOOT, memory=BOOT.memory[::-1]),
        attrs.evolve(BOOT, memory=((0, 0, DEVICE, 0, 0),)),
        attrs.evolve(BOOT, spans=((NORMAL, 2 * B, 4 * B),)),
        attrs.evolve(BOOT, pageblock_order=16),
    ):
        with pytest.raises(InputError):
            HOTPLUG.initial_policy(wrong, "6.12")


def test_every_block_of_boot_is_online() -> None:
    """In its zone and on its node."""
    assert ask(BOOT, LookBlock(3)) == BlockIs(ONLINE, 0, NORMAL)
