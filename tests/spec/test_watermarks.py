"""The numbers of the watermarks, against figures that were computed apart from the law, some of them on running kernels."""

from __future__ import annotations

import random
from typing import Any

import attrs
import pytest

from mmspec.errors import InputError
from mmspec.physical.watermarks import WATERMARKS, core, sizes
from mmspec.physical.watermarks.ops import (
    ALLOC_CMA,
    ALLOC_HIGHATOMIC,
    ALLOC_MIN_RESERVE,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    DMA,
    DMA32,
    HIGHMEM,
    MOVABLE,
    NORMAL,
    Balanced,
    Boost,
    Config,
    Fast,
    LookReserves,
    LookTotal,
    LookWatermarks,
    Ok,
    Passed,
    Recommend,
    Refresh,
    Report,
    SetManaged,
    SetMinFree,
    Watermarks,
)  # fmt: skip

OPERATIONS = {operation.request: operation for operation in WATERMARKS.operations}

LAPTOP = ((0, DMA, 3840), (0, DMA32, 772915), (0, NORMAL, 1900544))
SERVER = ((0, DMA, 3840), (0, DMA32, 500000), (0, NORMAL, 1500000), (0, MOVABLE, 2000000))


class Run:
    """Linux's answers, one after another."""

    def __init__(self, zones: tuple[tuple[int, int, int], ...], kernel: str = "6.12", **config: int) -> None:
        made = Config(zones, **config)
        self.machine, self.marks = WATERMARKS.initial(made), WATERMARKS.initial_policy(made, kernel)

    def ask(self, request: Any) -> Any:
        """Return Linux's answer, which the law must allow."""
        operation = OPERATIONS[type(request)]
        answer, self.marks = operation.choose(self.machine, self.marks, request)
        assert operation.allowed(self.machine, request, answer) is None
        self.machine = operation.apply(self.machine, request, answer)
        return answer

    def four(self, zone: int) -> tuple[int, ...]:
        """Return a zone's marks."""
        return attrs.astuple(self.ask(LookWatermarks(zone)))[:4]


@pytest.mark.parametrize(
    ("zones", "kbytes", "zone", "marks"),
    [
        (LAPTOP, 67584, DMA, (24, 30, 36, 42)),
        (LAPTOP, 67584, DMA32, (4877, 6096, 7315, 8534)),
        (LAPTOP, 67584, NORMAL, (11994, 14992, 17990, 20988)),
        (SERVER, 11324, DMA, (5, 8, 11, 14)),
        (SERVER, 11324, DMA32, (706, 1206, 1706, 2206)),
        (SERVER, 11324, NORMAL, (2119, 3619, 5119, 6619)),
        (SERVER, 11324, MOVABLE, (128, 2128, 4128, 6128)),
        (((0, DMA32, 262144),), 4096, DMA32, (1024, 1286, 1548, 1810)),
        (((0, NORMAL, 65536), (0, MOVABLE, 65536)), 2048, NORMAL, (512, 640, 768, 896)),
        (((0, NORMAL, 65536), (0, MOVABLE, 65536)), 2048, MOVABLE, (64, 192, 320, 448)),
    ],
)
def test_marks(zones: tuple[tuple[int, int, int], ...], kbytes: int, zone: int, marks: tuple[int, ...]) -> None:
    """The marks of the dossier's table I.2; those of the laptop were read on it."""
    run = Run(zones)
    run.ask(SetMinFree(kbytes))
    assert run.four(zone) == marks


@pytest.mark.parametrize(("zones", "kbytes"), [(SERVER, 11324), (((0, DMA32, 262144),), 4096)])
def test_min_free_kbytes_at_boot(zones: tuple[tuple[int, int, int], ...], kbytes: int) -> None:
    """The root of 16 times the kilobytes up to NORMAL."""
    assert Run(zones).marks.min_free == kbytes


def test_min_free_kbytes_drifts_when_it_is_computed_again() -> None:
    """Since what is above HIGH is less by then."""
    run = Run(SERVER)
    run.ask(Refresh())
    assert run.marks.min_free < 11324


def test_khugepaged_raises_min_free_kbytes() -> None:
    """The first was read on the laptop; captures A and C began with what the boot had computed, and a twentieth is the limit."""
    run = Run(LAPTOP)
    run.ask(Recommend(1))
    assert run.marks.min_free == 67584
    for frames, kernel, booted, raised in ((115169, "6.12", 2731, 23596), (116231, "6.1", 2740, 23808)):
        run = Run(((0, DMA, 3840), (0, DMA32, frames)), kernel)
        run.ask(SetMinFree(booted))
        run.ask(Recommend(1))
        assert run.marks.min_free == raised


def test_reserves() -> None:
    """Read on the laptop: the column of a kind without memory is the one before it."""
    run = Run(LAPTOP)
    assert attrs.astuple(run.ask(LookReserves(DMA))) == (0, 3019, 10443, 10443, 10443, 10443)
    assert attrs.astuple(run.ask(LookReserves(DMA32))) == (0, 0, 7424, 7424, 7424, 7424)
    assert attrs.astuple(run.ask(LookReserves(MOVABLE))) == (0,) * 6


def test_a_total_is_no_more_than_the_zones_have() -> None:
    """A tiny zone's reserve would be more than its frames."""
    run = Run(((0, DMA, 10), (0, NORMAL, 1 << 20)))
    high = run.four(NORMAL)[2]
    assert run.ask(LookTotal(0)).count == 10 + high


@pytest.mark.parametrize(
    ("free", "flags", "highatomic", "cma", "passes"),
    [
        (1000, 0, 0, 0, False),
        (1001, 0, 0, 0, True),
        (1100, 0, 100, 0, False),
        (1100, ALLOC_MIN_RESERVE, 100, 0, True),
        (501, ALLOC_MIN_RESERVE, 0, 0, True),
        (500, ALLOC_MIN_RESERVE, 0, 0, False),
        (376, ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK, 0, 0, True),
        (375, ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK, 0, 0, False),
        (1000, ALLOC_NON_BLOCK, 0, 0, False),
        (501, ALLOC_OOM, 0, 0, True),
        (1500, 0, 0, 600, False),
        (1500, ALLOC_CMA, 0, 600, True),
    ],
)
def test_checks_of_a_frame(free: int, flags: int, highatomic: int, cma: int, passes: bool) -> None:
    """The cases of the dossier's table I.3 against a mark of 1000."""
    run = Run(LAPTOP)
    run.ask(Report(NORMAL, free, free, highatomic, cma))
    assert run.ask(Ok(NORMAL, 0, 1000, 0, flags)) == Passed(int(passes))


@pytest.mark.parametrize(
    ("free", "flags", "blocks", "highatomic_blocks", "passes"),
    [
        (1008, 0, 1 << 3, 0, True),
        (1007, 0, 1 << 3, 0, False),
        (5000, 0, 0b111, 0, False),
        (5000, ALLOC_NON_BLOCK, 0, 1 << 3, False),
        (5000, ALLOC_HIGHATOMIC, 0, 1 << 3, True),
        (5000, ALLOC_OOM, 0, 1 << 4, True),
    ],
)
def test_checks_of_a_block(free: int, flags: int, blocks: int, highatomic_blocks: int, passes: bool) -> None:
    """A block of order 3, against a mark of 1000: much that is free does not help where no list has one."""
    run = Run(LAPTOP)
    run.ask(Report(NORMAL, free, free, 0, 0, 0, blocks, 0, highatomic_blocks))
    assert run.ask(Ok(NORMAL, 3, 1000, 0, flags)) == Passed(int(passes))


def test_checks_are_monotone(seed: int) -> None:
    """WM-4: less mark, less order, more free and more reserves never turn a pass into a failure."""
    rng = random.Random(seed)
    for _ in range(2000):
        order, mark, reserve = rng.randrange(4), rng.randrange(200), rng.randrange(3) * 20
        flags = rng.choice((0, ALLOC_MIN_RESERVE, ALLOC_OOM, ALLOC_CMA))
        rest = (rng.randrange(2) * 30, rng.randrange(2) * 30, rng.randrange(16), rng.randrange(16), rng.randrange(16))
        free = rng.randrange(-20, 400)
        if core.watermark_ok(order, mark, reserve, flags, free, *rest):
            assert core.watermark_ok(order, mark - rng.randrange(mark + 1), reserve, flags, free, *rest)
            assert core.watermark_ok(order - rng.randrange(order + 1), mark, reserve, flags, free, *rest)
            assert core.watermark_ok(order, mark, reserve, flags, free + rng.randrange(100), *rest)
            assert core.watermark_ok(order, mark, reserve, flags | ALLOC_MIN_RESERVE | ALLOC_OOM, free, *rest)


def test_a_negative_count_fails_the_fast_check() -> None:
    """More may be unusable than is free."""
    run = Run(LAPTOP)
    run.ask(Report(NORMAL, 100, 100, 512))
    assert run.ask(Fast(NORMAL, 0, NORMAL)) == Passed(0)


def test_a_boost_lifts_min_and_atomic_requests_ignore_it() -> None:
    """In 6.12 by MIN_RESERVE, in 6.1 by the flag of the request."""
    for kernel, flags, atomic in (("6.12", ALLOC_MIN_RESERVE, 0), ("6.1", ALLOC_MIN_RESERVE, 1)):
        run = Run(((0, NORMAL, 1 << 18),), kernel)
        run.ask(Boost(NORMAL))
        free = run.four(NORMAL)[0] // 2 + 1
        run.ask(Report(NORMAL, free, free))
        assert run.ask(Fast(NORMAL, 0, NORMAL, flags, atomic)) == Passed(1)
        assert run.ask(Fast(NORMAL, 0, NORMAL, 0, atomic)) == Passed(0)
    assert run.ask(Fast(NORMAL, 0, NORMAL, ALLOC_MIN_RESERVE, 0)) == Passed(0)


def test_one_balanced_zone_suffices() -> None:
    """A tiny zone that is never balanced keeps no kswapd awake."""
    run = Run(LAPTOP)
    high = run.four(NORMAL)[2]
    run.ask(Report(NORMAL, high, high))
    assert run.ask(Balanced(0, 0, NORMAL)) == Passed(0)
    run.ask(Report(NORMAL, high + 1, high + 1))
    assert run.ask(Balanced(0, 0, NORMAL)) == Passed(1)
    run.ask(Report(NORMAL, high + 1, high, drift_mark=high + 2))
    assert run.ask(Balanced(0, 0, NORMAL)) == Passed(0)


@pytest.mark.parametrize(
    ("managed", "batch"), [(1000, 1), (4096, 1), (8192, 1), (16384, 3), (32768, 7), (65536, 15), (131072, 31), (262144, 63)]
)
def test_batches(managed: int, batch: int) -> None:
    """The dossier's table I.4."""
    assert sizes.batch_of(managed, 12) == batch


def test_an_empty_movable_zone_has_a_min_in_6_12_alone() -> None:
    """As the two captures show."""
    assert Run(LAPTOP).ask(LookWatermarks(MOVABLE)) == Watermarks(32, 32, 32, 32, 0)
    assert Run(LAPTOP, "6.1").ask(LookWatermarks(MOVABLE)) == Watermarks(0, 0, 0, 0, 0)


def test_6_1_caps_a_movable_zone_that_is_carved_from_highmem() -> None:
    """There is_highmem is true of it."""
    zones = ((0, NORMAL, 65536), (0, HIGHMEM, 65536), (0, MOVABLE, 65536))
    assert Run(zones, "6.1").four(MOVABLE)[0] == 64


def test_roots() -> None:
    """Rounded down, up to the largest that is asked for."""
    for root in (0, 1, 2, 3, 1000, 65535, (1 << 31) - 1):
        assert sizes.root_of(root * root) == root
        assert sizes.root_of(root * root + 2 * root) == root


@pytest.mark.parametrize(
    ("zones", "message"),
    [
        (((0, MOVABLE, 512),), "beyond what the formulae"),
        (((0, NORMAL, 0),), "beyond what the formulae"),
        (((0, NORMAL, 1), (0, MOVABLE, 1024)), "beyond what the formulae"),
        (((0, NORMAL, 1 << 34), (1, NORMAL, 1)), "beyond what the formulae"),
        (((0, NORMAL, 1), (0, NORMAL, 1)), "stands twice"),
        (((64, NORMAL, 1),), "is none"),
    ],
)
def test_machines_that_are_none(zones: tuple[tuple[int, int, int], ...], message: str) -> None:
    """The door says which zone, or that the kernel's own words would not hold the numbers."""
    with pytest.raises(InputError, match=message):
        WATERMARKS.initial(Config(zones))


def test_what_the_words_hold_is_what_the_kernel_s_hold() -> None:
    """At the largest sizes and settings of the machine every product of the kernel stays within 64 bits."""
    run = Run(((0, NORMAL, 1 << 24), (0, MOVABLE, (1 << 34) - (1 << 24))))
    run.ask(SetMinFree((1 << 31) - 1))
    pages_min = ((1 << 31) - 1) >> 2
    assert pages_min * (1 << 34) < 1 << 64
    promo = run.four(MOVABLE)[3]
    assert promo < 1 << 48
    assert promo // 10000 * ((1 << 31) - 1) + 9999 * ((1 << 31) - 1) < 1 << 64


def test_sizes_alone_change_no_mark() -> None:
    """Until everything is computed anew."""
    run = Run(LAPTOP)
    before = run.four(NORMAL)
    run.ask(SetManaged(NORMAL, 1 << 20))
    assert run.four(NORMAL) == before
    run.ask(Refresh())
    assert run.four(NORMAL) != before
