"""What the limits of a zone are computed from: figures of running kernels, and edges."""

from __future__ import annotations

import pytest

from mmspec.physical.pcp.ops import CPUS, Config, Disable, Enable, Limits, Tune
from mmspec.physical.pcp.parameters import batch_of, fraction_served, limits_of, sharing

from .pcp_model import Model

GIB = 1 << 18
"""Frames in a GiB."""


@pytest.mark.parametrize(
    ("managed", "batch"),
    [
        (0, 1), (3840, 1), (8191, 1), (8192, 1), (12287, 1), (12288, 3), (16384, 3), (24575, 3), (24576, 7), (65536, 15),
        (GIB - 1, 63), (GIB, 63), (1 << 40, 63),
    ],
)  # fmt: skip
def test_batch(managed: int, batch: int) -> None:
    """A quarter of a thousandth of the zone, a half more, rounded to one below a power of two; 63 from a GiB on."""
    assert batch_of(managed) == batch


def test_batch_is_at_most_63_and_grows_with_the_zone() -> None:
    """At every size up to 2 GiB."""
    batches = [batch_of(managed) for managed in range(0, 2 * GIB, 512)]
    assert batches == sorted(batches)
    assert set(batches) == {1, 3, 7, 15, 31, 63}


def test_batch_of_large_pages() -> None:
    """1 MiB is sixteen pages of 64 KiB: at most four at once, and one more below a power of two."""
    assert {batch_of(1 << k, page_shift=16) for k in range(30)} == {1, 3}


def test_limits_of_a_running_kernel() -> None:
    """DMA32 of a machine of two CPUs, low mark 6096: /proc/zoneinfo prints 3048 and batch 63."""
    assert limits_of(612, 500_000, 6096, 2, 0) == Limits(63, 3048, 31250)


def test_limits_of_6_1_are_one() -> None:
    """It knows the low mark's share only."""
    assert limits_of(601, 500_000, 6096, 2, 0) == Limits(63, 3048, 3048)


def test_no_limit_is_below_four_batches() -> None:
    """However many CPUs share."""
    assert limits_of(612, 500_000, 6096, 4000, 0) == Limits(63, 252, 252)


@pytest.mark.parametrize("kernel", [601, 612])
def test_a_fraction_fixes_both(kernel: int) -> None:
    """A hundredth of the zone, among four."""
    assert limits_of(kernel, 500_000, 6096, 4, 100) == Limits(63, 1250, 1250)


def test_fractions() -> None:
    """0 is automatic; 1 to 7 is too much of a zone."""
    assert [fraction for fraction in range(12) if fraction_served(fraction)] == [0, 8, 9, 10, 11]


def test_who_shares() -> None:
    """The CPUs of the node, with one that is coming; of a node without any, all."""
    assert (sharing(2, 0, 8), sharing(2, 1, 8), sharing(0, 1, 8), sharing(0, 0, 8)) == (2, 3, 1, 8)


def test_a_refused_fraction_keeps_the_old_limits() -> None:
    """And no CPU at all is refused as well."""
    model = Model(Config(0, 64))
    before = model.lists
    assert model.do(Tune(16384, 0, 1, 0, 1, fraction=7)).name == "EINVAL"
    assert model.do(Tune(16384, 0, 0, 0, 0)).name == "EINVAL"
    assert model.lists == before


def test_disabled_lists_come_back_as_they_were() -> None:
    """Nothing is tuned in between, nor disabled twice, nor enabled twice."""
    model = Model(Config(0, 64))
    assert model.do(Enable()).name == "EINVAL"
    model.do(Disable())
    assert (model.lists.batch, model.lists.high_min, model.lists.high_max) == (1, 0, 0)
    assert (model.do(Disable()).name, model.do(Tune(0, 0)).name) == ("EBUSY", "EBUSY")
    model.do(Enable())
    assert (model.lists.batch, model.lists.high_min, model.lists.high_max) == (3, 12, 2048)


def test_a_disabled_list_keeps_nothing() -> None:
    """What is freed goes back at once."""
    model = Model(Config(0, 64))
    model.do(Disable())
    assert model.free(5) == [5]


def test_the_boot_pageset_keeps_nothing() -> None:
    """Until limits are computed."""
    model = Model(Config(0, 64), tune=None)
    assert model.free(5) == [5]


def test_as_many_cpus_as_there_can_be() -> None:
    """The last one's lists are its own."""
    model = Model(Config(0, 64, CPUS))
    model.free(5, cpu=CPUS - 1)
    model.free(6, cpu=0)
    assert (model.alloc(cpu=CPUS - 1), model.alloc(cpu=0)) == (5, 6)
