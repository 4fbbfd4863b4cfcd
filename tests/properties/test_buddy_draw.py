"""Configurations of the machine ``buddy``: each is one that the capabilities allow, and every kind of zone is met."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from tests.properties.drawing import EVERYTHING, HEADERS, capabilities

from mmprops.machine import HEADER
from mmprops.machines.physical.buddy import draw, simpler
from mmspec.physical.buddy.ops import Config
from mmspec.physical.buddy.state import span_of


@given(HEADERS, capabilities())
def test_a_configuration_is_one(header: bytes, promised: dict[str, Any]) -> None:
    """Whatever the header and the capabilities: a zone that the law takes."""
    span_of(draw(header, promised))


@given(HEADERS, capabilities())
def test_a_zone_is_no_larger_than_max_pages(header: bytes, promised: dict[str, Any]) -> None:
    """In frames, holes included."""
    config = draw(header, promised)
    assert 1 <= config.end_pfn - config.start_pfn <= promised["max_pages"]


@given(HEADERS, capabilities())
def test_no_frame_is_above_max_pfn(header: bytes, promised: dict[str, Any]) -> None:
    """The last frame of the zone is end_pfn - 1."""
    assert draw(header, promised).end_pfn - 1 <= int(promised["max_pfn"], 16)


@given(HEADERS, capabilities())
def test_orders_are_those_served(header: bytes, promised: dict[str, Any]) -> None:
    """The zone's largest order lies between min_order and max_order."""
    assert promised["min_order"] <= draw(header, promised).max_order <= promised["max_order"]


@given(HEADERS, capabilities())
def test_sizes_are_powers_of_two_where_promised(header: bytes, promised: dict[str, Any]) -> None:
    """One bit is set in the number of frames."""
    config = draw(header, promised | {"power_of_two": True})
    assert (config.end_pfn - config.start_pfn).bit_count() == 1


@given(HEADERS, capabilities())
def test_only_who_can_gets_holes_and_pageblocks(header: bytes, promised: dict[str, Any]) -> None:
    """Each by its own capability."""
    config = draw(header, promised | {"holes": False, "pageblocks": False})
    assert (config.holes, config.pageblock_order) == ((), None)


def test_zones_are_tiny_and_large_even_and_odd_low_and_high() -> None:
    """Over 400 headers every kind of zone occurs."""
    rng = random.Random(0)
    zones = [draw(rng.randbytes(HEADER), EVERYTHING) for _ in range(400)]
    assert min(zone.end_pfn - zone.start_pfn for zone in zones) < 32
    assert max(zone.end_pfn - zone.start_pfn for zone in zones) > 16000
    assert {zone.start_pfn % 2 for zone in zones} == {zone.end_pfn % 2 for zone in zones} == {0, 1}
    assert {bool(zone.holes) for zone in zones} == {False, True}
    assert {zone.max_order for zone in zones} >= {3, 4, 10, 12}
    assert {zone.pageblock_order for zone in zones} >= {None, 1, 2, 3}
    for edge in (0, 1 << 20, 1 << 31, 1 << 32, 1 << 43, 1 << 52):
        assert any(abs(zone.start_pfn - edge) <= 3 * 16384 for zone in zones), hex(edge)


@given(HEADERS, capabilities())
def test_a_simpler_configuration_is_one(header: bytes, promised: dict[str, Any]) -> None:
    """Each can be tried, and none is the same."""
    config = draw(header, promised)
    for other in simpler(config):
        span_of(other)
        assert other != config


def test_simplifying_comes_to_an_end() -> None:
    """No configuration is simpler than itself, by any number of steps."""
    config = Config(0x1003, 0x1403, 10, holes=((0x1100, 0x1110),), pageblock_order=5)
    seen = set()
    todo = [config]
    while todo:
        config = todo.pop()
        assert len(seen) < 200
        for other in simpler(config):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    assert Config(0, 16, 10) in seen
