"""Limits in RAM are held against those that the law computes."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mmprops.traces.percpu import comparable, fraction_of, grown_since, limits_that_differ
from mmprops.traces.snapshot import Pcp, RamLists, ZoneLists

NEW = Pcp(0, (), batch=31, high=8189, high_min=7135, high_max=14396)
"""What the packaged capture's DMA32 has, of 115,169 frames and a low mark of 7135."""
OLD = Pcp(0, (), batch=31, high=7201)
"""The same of a 6.1."""


def lists(*pcps: Pcp, **changes: Any) -> RamLists:
    """A capture's lists: one zone on one node."""
    zone = ZoneLists(0, "DMA32", 4096, 126944, 115169, (((),),), pcps, (5708, 7135, 8562, 9989))
    return RamLists("START", 0, (attrs.evolve(zone, **changes),), ())


def differs(made: RamLists, fraction: int = 0) -> bool:
    """Whether anything differs."""
    return bool(list(limits_that_differ(made, fraction)))


def test_limits_of_real_kernels() -> None:
    """As they lay in RAM."""
    assert not differs(lists(NEW))
    assert not differs(lists(OLD, managed=116231, watermark=(5761, 7201, 8641, 10081)))


@pytest.mark.parametrize("field", ["batch", "high_min", "high_max"])
@pytest.mark.parametrize("by", [1, -1])
def test_one_more_or_less_differs(field: str, by: int) -> None:
    """Of each of them; only what hangs on the size of the zone alone may be smaller from before it had grown."""
    made = lists(attrs.evolve(NEW, **{field: getattr(NEW, field) + by}))
    assert differs(made)
    assert grown_since(made, 0) is (by < 0 and field != "high_min")


def test_the_limit_of_6_1_is_exact() -> None:
    """It hangs on the low mark alone."""
    for by in (1, -1):
        made = lists(attrs.evolve(OLD, high=7135 + by))
        assert (differs(made), grown_since(made, 0)) == (True, False)


def test_the_cpus_share() -> None:
    """Two have half each; of one node it is known how many there are, of several any number will do."""
    half = attrs.evolve(NEW, high_min=3567, high_max=7198)
    assert not differs(lists(half, half))
    assert differs(lists(NEW, NEW))
    assert differs(lists(half))
    other = attrs.evolve(lists(NEW).zones[0], node=1, pcp=())
    made = lists(NEW, NEW)
    assert not differs(attrs.evolve(made, zones=(*made.zones, other)))


def test_a_fraction() -> None:
    """Fixes both limits."""
    assert not differs(lists(attrs.evolve(NEW, high_min=1151, high_max=1151)), fraction=100)
    assert differs(lists(NEW), fraction=100)


def test_what_cannot_be_compared_is_not() -> None:
    """An empty zone, one without marks, a CPU without numbers."""
    assert comparable(lists(NEW, managed=0)) == []
    assert comparable(lists(NEW, watermark=())) == []
    assert comparable(lists(Pcp(0, ()))) == []
    assert len(comparable(lists(NEW, OLD))) == 2


@pytest.mark.parametrize(("text", "fraction"), [("0 ", 0), ("100\n/x: 1", 100), ("", None), ("x", None)])
def test_the_fraction_of_a_capture(text: str, fraction: int | None) -> None:
    """One of its tunables."""
    assert fraction_of(f"/a: 1\n/proc/sys/vm/percpu_pagelist_high_fraction: {text}") == fraction
    assert fraction_of("/a: 1\n") is None
