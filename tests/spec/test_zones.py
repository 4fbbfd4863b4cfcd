"""Zones and zonelists, against orders that were worked out apart from the law."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from mmspec.errors import ENOENT, Error, InputError
from mmspec.physical.zones import ZONES, clauses, core
from mmspec.physical.zones.ops import (
    ARM64,
    DMA,
    DMA32,
    HIGHMEM,
    MOVABLE,
    NORMAL,
    RISCV64,
    X86_32,
    X86_64,
    AfterZone,
    Config,
    Entry,
    FirstZone,
    GfpZone,
    Highest,
    LookZonelist,
    PossibleRange,
    Range,
    SetSize,
    Zonelist,
)  # fmt: skip
from mmspec.physical.zones.state import node_of, zone_at

OPERATIONS = {operation.request: operation for operation in ZONES.operations}
Distances = tuple[tuple[int, ...], ...]

UNIFORM = tuple(tuple(10 if a == b else 20 for b in range(4)) for a in range(4))
RING = tuple(tuple((10, 21, 31, 21)[abs(a - b)] for b in range(4)) for a in range(4))
CXL = ((10, 21, 17, 28), (21, 10, 28, 17), (17, 28, 10, 28), (28, 17, 28, 10))
ALL = (1 << 64) - 1


def ask(config: Config, *requests: Any) -> Any:
    """Return Linux's answer to the last of some requests; the law must allow all."""
    topology, lists = ZONES.initial(config), ZONES.initial_policy(config, "6.12")
    for request in requests:
        operation = OPERATIONS[type(request)]
        answer, lists = operation.choose(topology, lists, request)
        assert operation.allowed(topology, request, answer) is None
        topology = operation.apply(topology, request, answer)
    return answer


@pytest.mark.parametrize(
    ("distance", "cpus", "memory", "orders"),
    [
        (UNIFORM, 15, (0, 1, 2, 3), "0123 1230 2301 3012"),
        (RING, 15, (0, 1, 2, 3), "0132 1203 2310 3021"),
        (CXL, 3, (0, 1, 2, 3), "0213 1302 2031 3120"),
        (UNIFORM, 15, (0, 2, 3), "023 320 230 302"),
    ],
)
def test_orders(distance: Distances, cpus: int, memory: tuple[int, ...], orders: str) -> None:
    """The dossier's table I.7: equal nodes, a ring, two nodes with CPUs beside two without, a node without memory."""
    config = Config(tuple((node, NORMAL, 512) for node in memory), distance, cpus)
    found = ["".join(str(node_of(zone)) for zone in ask(config, LookZonelist(node)).zones) for node in range(4)]
    assert " ".join(found) == orders


@pytest.mark.parametrize(
    ("bits", "kind"),
    [
        (0, NORMAL),
        (8, NORMAL),
        (1, DMA),
        (9, DMA),
        (4, DMA32),
        (12, DMA32),
        (2, NORMAL),
        (10, MOVABLE),
        (3, None),
        (6, None),
        (15, None),
    ],
)
def test_zones_of_requests(bits: int, kind: int | None) -> None:
    """The table of C.5 as an x86-64 kernel reads it."""
    expected = Error("EINVAL") if kind is None else Highest(kind)
    assert ask(Config(((0, NORMAL, 512),), ((10,),), 1), GfpZone(bits)) == expected


def test_a_list_is_gone_through_behind_a_zone() -> None:
    """Past zones that are too high, and nodes outside the set."""
    zones = ((0, DMA, 4), (0, NORMAL, 512), (1, NORMAL, 512), (1, MOVABLE, 512))
    config = Config(zones, ((10, 20), (20, 10)), 3)
    own, other = zone_at(0, NORMAL), zone_at(1, NORMAL)
    assert ask(config, FirstZone(0, 0, MOVABLE, ALL)) == Entry(own)
    assert ask(config, AfterZone(0, 0, NORMAL, ALL, own)) == Entry(zone_at(0, DMA))
    assert ask(config, AfterZone(0, 0, NORMAL, ALL, zone_at(0, DMA))) == Entry(other)
    assert ask(config, AfterZone(0, 0, NORMAL, ALL, other)) == ENOENT
    assert ask(config, FirstZone(0, 0, DMA, 2)) == ENOENT
    assert ask(config, FirstZone(0, 1, MOVABLE, 2)) == ENOENT


def test_lists_have_zones_that_are_all_reserved() -> None:
    """Present frames count, whether any is managed or not."""
    config = Config(((0, NORMAL, 512), (1, NORMAL, 512)), ((10, 20), (20, 10)), 3)
    zones = ask(config, SetSize(zone_at(1, NORMAL), 512, 512, 0), LookZonelist(0)).zones
    assert zones == (zone_at(0, NORMAL), zone_at(1, NORMAL))


def test_every_other_order_of_whole_nodes_is_lawful_and_no_other_is() -> None:
    """As long as a node's own zones come first, each zone once, and each node's downwards."""
    zones = tuple((node, kind, 512) for node in range(3) for kind in (DMA32, NORMAL))
    topology = ZONES.initial(Config(zones, tuple(tuple([10] * 3) for _ in range(3)), 7))
    wholes = [(zone_at(node, NORMAL), zone_at(node, DMA32)) for node in range(3)]
    request = LookZonelist(0)
    for order in permutations(wholes):
        verdict = core.look_zonelist_allowed(topology, request, Zonelist(sum(order, ())))
        assert verdict is (None if order[0] == wholes[0] else clauses.ONCE)
    flat = sum(wholes, ())
    for wrong in (flat[:-1], (*flat, flat[-1]), flat[:2] + flat[3:] + flat[2:3], (flat[1], flat[0], *flat[2:]), (*flat, 99)):
        assert core.look_zonelist_allowed(topology, request, Zonelist(wrong)) is clauses.ONCE


@pytest.mark.parametrize(
    ("architecture", "ranges"),
    [
        (X86_64, {DMA: (1, 0x1000), DMA32: (0x1000, 0x1FFE0), NORMAL: (0x1FFE0, 0x1FFE0)}),
        (X86_32, {DMA: (1, 0x1000), NORMAL: (0x1000, 0x1FFE0), HIGHMEM: (0x1FFE0, 0x40000)}),
        (ARM64, {DMA: (1, 0x40000), DMA32: (0x40000, 0x40000), NORMAL: (0x40000, 0x40000)}),
        (RISCV64, {DMA: (1, 1), DMA32: (1, 0x1FFE0), NORMAL: (0x1FFE0, 0x1FFE0)}),
    ],
)
def test_where_zones_may_lie(architecture: int, ranges: dict[int, tuple[int, int]]) -> None:
    """The first as in capture A: half a gigabyte, all of it below 4 GiB."""
    config = Config(((0, NORMAL, 512),), ((10,),), 1)
    for kind, (start, end) in ranges.items():
        assert ask(config, PossibleRange(architecture, kind, 1, 0x1FFE0, 0x40000)) == Range(start, end)


@pytest.mark.parametrize(
    "config",
    [
        Config((), ((10,),), 1), Config(((0, NORMAL, 0),), ((10,),), 1),
        Config(((1, NORMAL, 1),), ((10,),), 1),
        Config(((0, HIGHMEM, 1),), ((10,),), 1), Config(((0, NORMAL, 1),) * 2, ((10,),), 1),
        Config(((0, NORMAL, 1),), ((10, 20),), 1), Config(((0, NORMAL, 1),), ((256,),), 1),
        Config(((0, NORMAL, 1),), ((10,),), 2), Config(((0, NORMAL, 1),), ((10,),), 1, 1),
    ],
)  # fmt: skip
def test_machines_that_are_none(config: Config) -> None:
    """The door says which part, and how it must be."""
    with pytest.raises(InputError):
        ZONES.initial(config)
