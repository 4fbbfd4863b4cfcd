"""The law's marks, reserves and checks against a judge that was written from the kernel's source alone.

``tests/judges/watermarks_612.py`` is of 6.12; for 6.1 there is none. The limits of per-CPU lists, which the law computes too, are
held against ``tests/judges/pcp_612.py``. Where the law and a judge disagree, ``docs/questions.md`` says how it was settled.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.judges import pcp_612
from tests.judges import watermarks_612 as judge

from mmspec.physical.watermarks import core, sizes
from mmspec.physical.watermarks.ops import (
    MAX_MANAGED,
    MOVABLE,
    NORMAL,
    LimitPerCpu,
    Limits,
    LookWatermarks,
    SetBoostFactor,
    SetScaleFactor,
)
from mmspec.physical.watermarks.state import zone_at
from mmspec.words import MAX_ORDER_LIMIT

from .watermarks_pair import INT_MAX, ORDERS, Pair, check, flags_of, kswapd, lift, run, set_min_free


def test_every_number_and_answer_is_what_the_judge_has(seed: int) -> None:
    """After each of many steps, on machines of 64 bits and of 32."""
    run(seed)


# --- the formulae alone --------------------------------------------------------------------------------------------------

EDGES = [0, 1, 2, 3, 4, 7, 8, 32, 128, 512, 1000, 1023, 1024, 1025, (1 << 32) - 1, 1 << 32, (1 << 46) - 1, (1 << 47) - 1]


def test_checks_are_the_judge_s(seed: int) -> None:
    """Whatever the numbers are: free frames below none, marks near 2**47, just what is asked for and one to either side."""
    rng = random.Random(seed)
    for _ in range(20000):
        order, flags = rng.choice((0, 0, 1, 2, 3, 9, MAX_ORDER_LIMIT)), flags_of(rng)
        mark, reserve, highatomic, cma = (rng.choice((*EDGES, rng.randrange(2000))) for _ in range(4))
        has = [rng.choice((0, rng.randrange(1 << ORDERS), 1 << rng.randrange(ORDERS))) for _ in range(3)]
        area = [{1: has[0] >> o & 1, 4: has[1] >> o & 1, 3: has[2] >> o & 1} for o in range(ORDERS)]
        zone = judge.Zone(nr_free_highatomic=highatomic, vm_cma=cma, lowmem_reserve=[reserve], free_area=area)
        enough = core.reduced(mark, flags) + reserve + core.unusable(order, flags, highatomic, cma)
        free = rng.choice((enough + rng.randrange(-1, 2), enough + rng.randrange(-1, 2), -rng.choice(EDGES), rng.choice(EDGES)))
        theirs = judge.zone_watermark_ok_free(zone, order, mark, 0, flags, free)
        ours = core.watermark_ok(order, mark, reserve, flags, free, highatomic, cma, *has)
        assert ours == theirs, (order, mark, reserve, flags, free, highatomic, cma, has)


def test_roots_and_parts_are_the_judge_s(seed: int) -> None:
    """About every square, and where the product of a part is near 2**64."""
    rng = random.Random(seed)
    for _ in range(3000):
        root = rng.choice((0, 1, rng.randrange(1 << 22), rng.randrange(1 << 31)))
        for square in (root * root, max(0, root * root - 1), root * root + 2 * root):
            assert sizes.root_of(square) == judge.int_sqrt(square)
        part, factor = (
            rng.choice((rng.randrange(1 << 46), 1 << 46, MAX_MANAGED, 9999, 0)),
            rng.choice((3000, INT_MAX, 1, 0, 9999)),
        )
        assert sizes.part_of(part, factor) == judge.mult_frac(part, factor, 10000)


def test_the_largest_machine(seed: int) -> None:
    """As many frames as the law is stated for, lowmem a 1024th of them, all settings at their largest: products near 2**64."""
    pair = Pair({(0, NORMAL): 1 << 24, (1, MOVABLE): MAX_MANAGED - (1 << 24)}, 64, 12, 9, 0)
    pair.scale, pair.factor = 3000, INT_MAX
    pair.ask(SetScaleFactor(3000))
    pair.ask(SetBoostFactor(INT_MAX))
    set_min_free(pair, INT_MAX)
    rng = random.Random(seed)
    for _ in range(40):
        for where, zone in ((zone_at(0, NORMAL), pair.zones[0][NORMAL]), (zone_at(1, MOVABLE), pair.zones[1][MOVABLE])):
            lift(pair, where, zone)
        check(pair, rng)
        kswapd(pair, rng)
        pair.same()


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="the law counts in 64 bits (docs/questions.md)")
def test_marks_that_no_word_of_32_bits_holds() -> None:
    """A MOVABLE zone of 1023 times lowmem, and 2 TiB to be kept free: the law says that 32 bits hold the marks."""
    pair = Pair({(0, NORMAL): 1 << 12, (0, MOVABLE): (1 << 22) - (1 << 12)}, 32, 12, 9, 0)
    set_min_free(pair, INT_MAX)
    pair.same()


def batches() -> list[int]:
    """Return sizes of zones: each up to 300000 at which a batch may change, and the largest."""
    return sorted({1024 * k + off for k in range(300) for off in (-1, 0, 1)} - {-1} | {MAX_MANAGED - 1, MAX_MANAGED})


@pytest.mark.parametrize("page_shift", range(12, 17))
def test_batches_are_the_judge_s(page_shift: int) -> None:
    """About each size at which they change."""
    for managed in batches():
        assert sizes.batch_of(managed, page_shift) == max(1, pcp_612.zone_batchsize(managed, page_shift)), managed


@pytest.mark.parametrize(("fraction", "scale"), [(0, 10), (8, 10), (0, 3000)])
def test_limits_beyond_an_int(fraction: int, scale: int) -> None:
    """Of 64 TiB that one CPU has: its eighth is 2**31 frames."""
    pair = Pair({(0, NORMAL): MAX_MANAGED}, 64, 12, 9, 0)
    pair.ask(SetScaleFactor(scale))
    low = pair.ask(LookWatermarks(zone_at(0, NORMAL))).low
    high = [pcp_612.zone_highsize(MAX_MANAGED, low, 63, 1, 1, 0, part) for part in (fraction, 8)]
    assert pair.ask(LimitPerCpu(zone_at(0, NORMAL), 1, 1, fraction)) == Limits(63, *high)


# --- the comparison can fail ---------------------------------------------------------------------------------------------

RIGHT = {name: value for name, value in vars(judge).items() if callable(value)}


def root_rounded_up(x: int) -> int:
    """Round a square root up."""
    root = int(RIGHT["int_sqrt"](x))
    return root + (root * root < x)


def user_must_be_more(lowmem: int, before: int = 1024, user: int = -1, bits: int = 64) -> int:
    """Let the kernel's own value win where the user's is the same."""
    return int(RIGHT["calculate_min_free_kbytes"](lowmem, before, user - 1, bits))


def user_is_clamped(lowmem: int, before: int = 1024, user: int = -1, bits: int = 64) -> int:
    """Clamp a user's value too."""
    return max(128, min(262144, int(RIGHT["calculate_min_free_kbytes"](lowmem, before, user, bits))))


def recommended_whole(lowmem: int, zones: int, before: int, order: int = 9, shift: int = 12, bits: int = 64) -> int:
    """Recommend without the limit of a twentieth."""
    return int(RIGHT["set_recommended_min_free_kbytes"](1 << 62, zones, before, order, shift, bits))


def device_is_reached(zones: list[dict[str, Any]], bits: int = 64) -> int:
    """Count device memory among what GFP_USER reaches."""
    return int(RIGHT["nr_free_buffer_pages"]([{**zone, "is_device": False} for zone in zones], bits))


def step_of_mark(zones: Any, kbytes: int, scale: int = 10, shift: int = 12, bits: int = 64) -> Any:
    """Take the step outside lowmem from the capped MIN, not from the share."""
    marks = RIGHT["setup_per_zone_wmarks"](zones, kbytes, scale, shift, bits)
    for mark, zone in zip(marks, zones, strict=True):
        if zone["is_highmem"] or zone["is_movable"]:
            step = max(mark["min"] // 4, zone["managed"] * scale // 10000)
            mark.update(low=mark["min"] + step, high=mark["min"] + 2 * step, promo=mark["min"] + 3 * step)
    return marks


def movable_is_lowmem(zone: dict[str, Any]) -> bool:
    """Let ZONE_MOVABLE be lowmem, as 6.1 does."""
    return not zone["is_highmem"]


def empty_zone_keeps(managed: list[int], ratios: list[int], bits: int = 64) -> list[list[int]]:
    """Keep a reserve in zones without frames."""
    rows = RIGHT["setup_per_zone_lowmem_reserve"](
        [max(n, 1) if ratio else n for n, ratio in zip(managed, ratios, strict=True)], ratios
    )
    return [list(row) for row in rows]


def total_uncapped(nodes: list[list[dict[str, Any]]], bits: int = 64) -> tuple[list[int], int]:
    """Let a zone keep more than it has."""
    return RIGHT["calculate_totalreserve_pages"]([[{**zone, "managed": 1 << 60} for zone in zones] for zones in nodes], bits)


def boost_without_floor(high: int, boost: int, managed: int, factor: int, order: int, kdump: bool, bits: int) -> tuple[bool, int]:
    """Limit a boost to less than a pageblock."""
    done, after = RIGHT["boost_watermark"](high, boost, managed, factor, order, kdump, bits)
    return (done, min(after, high * factor // 10000)) if done else (done, after)


def boost_at_four(high: int, boost: int, managed: int, factor: int, order: int, kdump: bool, bits: int) -> tuple[bool, int]:
    """Do not boost a zone of just four pageblocks."""
    return RIGHT["boost_watermark"](high, boost, managed - 1, factor, order, kdump, bits)


def whole_block_unusable(zone: Any, order: int, flags: int, cma: bool = True) -> int:
    """Count all of a block as unusable."""
    return int(RIGHT["unusable_free"](zone, order, flags, cma)) + 1


def highatomic_by_its_flag(zone: Any, order: int, flags: int, cma: bool = True) -> int:
    """Let HIGHATOMIC frames be usable with the flag HIGHATOMIC alone."""
    return int(RIGHT["unusable_free"](zone, order, flags & ~0x38, cma))


def equal_is_enough(zone: Any, order: int, mark: int, highest: int, flags: int, free: int, cma: bool = True) -> bool:
    """Let a zone pass that is at its mark."""
    return bool(RIGHT["zone_watermark_ok_free"](zone, order, mark, highest, flags, free + 1, cma))


def non_block_lowers(zone: Any, order: int, mark: int, highest: int, flags: int, free: int, cma: bool = True) -> bool:
    """Let NON_BLOCK lower the mark by itself."""
    lower = mark - mark // 4 if flags & 0x30 == 0x10 else mark
    return bool(RIGHT["zone_watermark_ok_free"](zone, order, lower, highest, flags, free, cma))


def non_block_uses_highatomic(zone: Any, order: int, mark: int, highest: int, flags: int, free: int, cma: bool = True) -> bool:
    """Let a HIGHATOMIC block serve a request with NON_BLOCK."""
    more = flags | 0x200 if flags & 0x10 else flags
    return bool(RIGHT["zone_watermark_ok_free"](zone, order, mark, highest, more, free, cma))


def fast_by_reduced_mark(zone: Any, order: int, mark: int, highest: int, flags: int, cma: bool = True) -> bool:
    """Hold no request to MIN without its boost."""
    return bool(RIGHT["zone_watermark_ok"](zone, order, mark, highest, flags, cma))


def safe_by_counter(zone: Any, order: int, mark: int, highest: int, cma: bool = True) -> bool:
    """Never ask the exact count."""
    return bool(RIGHT["zone_watermark_ok"](zone, order, mark, highest, 0, cma))


def empty_is_unbalanced(zones: Any, order: int, highest: int, tiering: bool = False, cma: bool = True) -> bool:
    """Let a node none of whose zones has frames be unbalanced."""
    balanced = bool(RIGHT["pgdat_balanced"](zones, order, highest, tiering, cma))
    return balanced and any(zone.managed for zone in zones[: highest + 1])


def tiering_unseen(zones: Any, order: int, highest: int, tiering: bool = False, cma: bool = True) -> bool:
    """Hold a node to HIGH under memory tiering too."""
    return bool(RIGHT["pgdat_balanced"](zones, order, highest, False, cma))


def boosted_anywhere(zones: Any, highest: int) -> bool:
    """Look for a boost in zones that the request may not use."""
    return bool(RIGHT["pgdat_watermark_boosted"](zones, 5))


def last_order_wins(node: Any, zone: Any, order: int, highest: int, **how: bool) -> str:
    """Note the order that was asked for last."""
    whom = str(RIGHT["wakeup_kswapd"](node, zone, order, highest, **how))
    if zone.managed and how["cpuset_allowed"]:
        node.kswapd_order = order
    return whom


WRONG: dict[str, tuple[Any, ...]] = {
    "int_sqrt": (root_rounded_up,),
    "calculate_min_free_kbytes": (user_must_be_more, user_is_clamped),
    "set_recommended_min_free_kbytes": (recommended_whole,),
    "nr_free_buffer_pages": (device_is_reached,),
    "setup_per_zone_wmarks": (step_of_mark,),
    "lowmem_zone": (movable_is_lowmem,),
    "setup_per_zone_lowmem_reserve": (empty_zone_keeps,),
    "calculate_totalreserve_pages": (total_uncapped,),
    "boost_watermark": (boost_without_floor, boost_at_four),
    "unusable_free": (whole_block_unusable, highatomic_by_its_flag),
    "zone_watermark_ok_free": (equal_is_enough, non_block_lowers, non_block_uses_highatomic),
    "zone_watermark_fast": (fast_by_reduced_mark,),
    "zone_watermark_ok_safe": (safe_by_counter,),
    "pgdat_balanced": (empty_is_unbalanced, tiering_unseen),
    "pgdat_watermark_boosted": (boosted_anywhere,),
    "wakeup_kswapd": (last_order_wins,),
}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [(name, wrong) for name, several in WRONG.items() for wrong in several],
    ids=lambda x: getattr(x, "__name__", x),
)
def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch, seed: int, name: str, wrong: Any) -> None:
    """A judge that is wrong in one function is told apart."""
    monkeypatch.setattr(judge, name, wrong)
    with pytest.raises(AssertionError):
        run(seed, 600)
