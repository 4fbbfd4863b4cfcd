"""The judges of per-CPU lists judged: numbers derived by hand from the source.

Two zones serve most scenes: `normal` (four CPUs, batch 63, high between 1320 and 8000) and `tiny` (one CPU,
batch 1, high 4).
"""

from __future__ import annotations

from typing import Any

import pytest

from . import pcp_61, pcp_612

UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, CMA, ISOLATE = range(6)


# ---- sizes


@pytest.mark.parametrize("pcp", [pcp_612, pcp_61])
def test_batchsize(pcp: Any) -> None:
    """min(pages / 1024, 256) / 4, at least 1, half as much again, rounded down to 2^n, less 1."""
    sizes = {0: 0, 8191: 0, 8192: 1, 12288: 3, 131072: 31, 131071: 31, 65536: 15, 172032: 31, 176128: 63, 10**9: 63}
    # 131071: 127 / 4 = 31 + 15 = 46: 31. 172032: 168 / 4 = 42 + 21 = 63: 31. 176128: 43 + 21 = 64: 63.
    assert {pages: pcp.zone_batchsize(pages) for pages in sizes} == sizes
    assert pcp.zone_batchsize(10**9, 16) == 3  # 16 / 4 = 4 + 2: 4


@pytest.mark.parametrize("pcp", [pcp_612, pcp_61])
def test_highsize(pcp: Any) -> None:
    """low or managed / fraction, over the node's CPUs, at least four batches."""
    assert pcp.zone_highsize(256000, 5280, 63, 4, 8, 0, 0) == 1320
    assert pcp.zone_highsize(256000, 5280, 63, 4, 8, 1, 0) == 1056
    assert pcp.zone_highsize(256000, 5280, 63, 4, 8, 0, 8) == 8000
    assert pcp.zone_highsize(256000, 5280, 63, 4, 8, 0, 1000) == 252
    # A node without CPUs shares among all that are online, unless one is just coming up (anywhere).
    assert pcp.zone_highsize(256000, 5280, 63, 0, 8, 0, 0) == 660
    assert pcp.zone_highsize(256000, 5280, 63, 0, 8, 1, 0) == 5280
    # 2^34 / 8 = 2^31 is negative as an int.
    assert pcp.zone_highsize(1 << 34, 0, 63, 1, 1, 0, 8) == 252


@pytest.mark.parametrize("pcp", [pcp_612, pcp_61])
def test_lists(pcp: Any) -> None:
    """Three types of four orders, then huge pages: not movable, movable."""
    assert [pcp.order_to_pindex(mt, order) for order in range(4) for mt in range(3)] == list(range(12))
    assert [pcp.order_to_pindex(mt, 9) for mt in range(3)] == [12, 13, 12]
    assert [pcp.pindex_to_order(pindex) for pindex in range(14)] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 9, 9]
    assert [order for order in range(12) if pcp.pcp_allowed_order(order)] == [0, 1, 2, 3, 9]
    assert [order for order in range(12) if pcp.pcp_allowed_order(order, None)] == [0, 1, 2, 3]


def test_who_uses_the_lists() -> None:
    """CMA and HIGHATOMIC frames go to the movable list, ISOLATE to none; 6.1 keeps MOVABLE without CMA off."""
    assert [pcp_612.pcp_migratetype(mt) for mt in range(6)] == [0, 1, 2, 1, 1, None]
    assert not pcp_61.uses_pcp(0, MOVABLE, False)
    assert pcp_61.uses_pcp(0, MOVABLE, True)
    assert pcp_61.uses_pcp(0, UNMOVABLE, False)
    assert pcp_61.uses_pcp(0, MOVABLE, False, config_cma=False)
    assert not pcp_61.uses_pcp(4, UNMOVABLE, True)


def normal(module: Any = pcp_612, **options: Any) -> Any:
    """Four CPUs, 256000 pages: batch 63 (250 / 4 = 62 + 31 = 93: 64 - 1), low 5280: 1320 each."""
    return module.ZonePcp(4, managed=256000, low=5280, **options)


def tiny(module: Any = pcp_612, **options: Any) -> Any:
    """One CPU, no pages: batch 1, and high four batches."""
    return module.ZonePcp(1, **options)


def sizes(zone: Any) -> list[tuple[int, int, int]]:
    """(high_min, high_max, batch) of each CPU."""
    return [(pcp.high_min, pcp.high_max, pcp.batch) for pcp in zone.pcps]


def test_high_fraction() -> None:
    """0 tunes itself between low and an eighth; 8 and more fix it; 1 to 7 are refused."""
    zone = normal()
    assert sizes(zone) == [(1320, 8000, 63)] * 4
    assert [zone.write_high_fraction(value) for value in (-1, 1, 7, 1 << 31)] == [-22] * 4
    assert (zone.fraction, zone.write_high_fraction(8)) == (0, 0)
    assert sizes(zone) == [(8000, 8000, 63)] * 4
    assert (zone.write_high_fraction(3), zone.fraction) == (-22, 8)
    zone.write_high_fraction(100)
    assert sizes(zone)[0] == (640, 640, 63)
    zone.write_high_fraction((1 << 31) - 1)
    assert sizes(zone)[0] == (252, 252, 63)
    zone.write_high_fraction(0)
    assert sizes(zone)[0] == (1320, 8000, 63)
    assert sizes(tiny()) == [(4, 4, 1)]
    # low is above an eighth: high_min 20256 = 81024 / 4 exceeds high_max. clamp asks for the maximum first.
    crossed = pcp_612.ZonePcp(4, managed=256000, low=81024)
    assert sizes(crossed)[0] == (20256, 8000, 63)
    pcp = crossed.pcps[0]
    assert [pcp_612.clamp(high, pcp.high_min, pcp.high_max) for high in (0, 7999, 8000, 30000)] == [20256, 20256, 8000, 8000]


def test_high_fraction_61() -> None:
    """One high for all; it takes effect at once."""
    zone = normal(pcp_61)
    assert [(pcp.high, pcp.batch) for pcp in zone.pcps] == [(1320, 63)] * 4
    assert [zone.write_high_fraction(value) for value in (-1, 7, 8)] == [-22, -22, 0]
    assert [pcp.high for pcp in zone.pcps] == [8000] * 4
    zone.write_high_fraction(1000)
    assert [pcp.high for pcp in zone.pcps] == [252] * 4
    assert [(pcp.high, pcp.batch) for pcp in tiny(pcp_61).pcps] == [(4, 1)]


def test_pcp_high_moves_only_by_use() -> None:
    """6.12: new limits do not touch pcp->high, nor does an unchanged triple touch the CPUs' copies."""
    zone = normal()
    zone.pcps[0].high = 5000
    zone.pcps[0].high_min = 17
    zone.set_pageset_high_and_batch(0)
    assert (zone.pcps[0].high, zone.pcps[0].high_min) == (5000, 17)
    zone.write_high_fraction(8)
    assert (zone.pcps[0].high, zone.pcps[0].high_min) == (5000, 8000)
    zone.free(0, "page", 0, 0)
    assert zone.pcps[0].high == 8000


# ---- allocation


class Refill:
    """Gives numbered blocks, at most `limit` in all, and notes what was asked for."""

    def __init__(self, limit: int = 1 << 30) -> None:
        self.asked: list[int] = []
        self.given = 0
        self.limit = limit

    def __call__(self, order: int, count: int, migratetype: int) -> list[int]:
        """rmqueue_bulk."""
        self.asked.append(count)
        count = min(count, self.limit - self.given)
        self.given += count
        return list(range(self.given - count, self.given))


def drink(zone: Any, refill: Refill, times: int, order: int = 0) -> None:
    """Allocate until the buddy system has been asked `times` more times."""
    end = len(refill.asked) + times
    while len(refill.asked) < end:
        assert zone.alloc(0, order, 0, refill) is not None


def test_alloc_batches() -> None:
    """63 doubles five times; pcp->high grows by each batch up to 8000.

    1320 + 63 + 126 + 252 + 504 + 1008 + 2016 + 2016 = 7305, then 8000. The most, high - 0 - 63, is larger always.
    """
    zone, refill = normal(), Refill()
    drink(zone, refill, 7)
    assert refill.asked == [63, 126, 252, 504, 1008, 2016, 2016]
    assert (zone.pcps[0].high, zone.pcps[0].alloc_factor) == (7305, 5)
    drink(zone, refill, 1)
    assert (zone.pcps[0].high, refill.asked[-1], zone.pcps[0].count) == (8000, 2016, 2015)


def test_alloc_below_high_and_fixed() -> None:
    """Below the high mark high stays 1320: 63, 126, 252, 504, 1008, then 1257 = 1320 - 63 and the factor stays 5.

    After 1008 <= 1257 the factor is 5; 2016 exceeds 1257. Fixed at 252: 63, 126, then 252 exceeds 189.
    """
    zone, refill = normal(), Refill()
    zone.below_high = True
    drink(zone, refill, 7)
    assert refill.asked == [63, 126, 252, 504, 1008, 1257, 1257]
    assert (zone.pcps[0].high, zone.pcps[0].alloc_factor) == (1320, 5)
    zone, refill = normal(fraction=1000), Refill()
    drink(zone, refill, 5)
    assert refill.asked == [63, 126, 189, 189, 189]
    assert zone.pcps[0].alloc_factor == 2
    # 200 pages on another list leave max(252 - 200 - 63, 63) = 63; the factor grows when the batch just fits.
    zone, refill = normal(fraction=1000), Refill()
    zone.pcps[0].lists[2], zone.pcps[0].count = list(range(200)), 200
    drink(zone, refill, 3)
    assert (refill.asked, zone.pcps[0].alloc_factor) == ([63, 63, 63], 1)


def test_alloc_of_tiny_zones() -> None:
    """high 4, batch 1: 1, 2, then min(4, 4 - 1). A boot pageset has high 0, below its batch: always 1."""
    zone, refill = tiny(), Refill()
    drink(zone, refill, 4)
    assert refill.asked == [1, 2, 3, 3]
    boot = pcp_612.Pcp(14)
    assert [zone.nr_pcp_alloc(boot, 0) for _ in range(3)] == [1, 1, 1]
    assert boot.alloc_factor == 0
    # Order 3: batch 1 is not scaled.
    assert tiny().nr_pcp_alloc(tiny().pcps[0], 3) == 1


def test_alloc_of_high_orders() -> None:
    """63 >> 3 = 7; 63 >> 9 = 0, but 2; no factor, and yet high grows by 63 each time."""
    zone, refill = normal(), Refill()
    drink(zone, refill, 2, order=3)
    assert (refill.asked, zone.pcps[0].high, zone.pcps[0].alloc_factor) == ([7, 7], 1446, 0)
    assert zone.pcps[0].count == 6 * 8
    drink(zone, refill, 1, order=9)
    assert (refill.asked[-1], zone.pcps[0].count) == (2, 48 + 512)


@pytest.mark.parametrize("pcp", [pcp_612, pcp_61])
def test_alloc_order_and_failure(pcp: Any) -> None:
    """From the head: first taken, first given. A short refill is enough; an empty one gives None."""
    zone, refill = normal(pcp), Refill(3)
    assert [zone.alloc(0, 0, 0, refill) for _ in range(5)] == [0, 1, 2, None, None]
    assert zone.pcps[0].count == 0
    zone.free(0, "a", 0, 0)
    zone.free(0, "b", 0, 0)
    zone.free(0, "c", 0, 1)
    assert [zone.alloc(0, 0, 0, refill) for _ in range(3)] == ["b", "a", None]
    assert zone.pcps[0].count == 1


def test_factors_halve() -> None:
    """6.12: an allocation halves free_count, even one that fails; a free halves alloc_factor."""
    zone, refill = normal(), Refill()
    drink(zone, refill, 4)
    assert zone.pcps[0].alloc_factor == 4
    zone.free(0, "page", 0, 0)
    assert (zone.pcps[0].alloc_factor, zone.pcps[0].free_count) == (2, 1)
    zone.pcps[0].free_count = 7
    assert zone.alloc(0, 3, 2, Refill(0)) is None
    assert zone.pcps[0].free_count == 3


def test_alloc_61() -> None:
    """Always the batch; 7 and 2 blocks of orders 3 and 9; 1 where the batch is 1."""
    zone, refill = normal(pcp_61), Refill()
    drink(zone, refill, 3)
    drink(zone, refill, 1, order=3)
    drink(zone, refill, 1, order=9)
    assert refill.asked == [63, 63, 63, 7, 2]
    assert tiny(pcp_61).nr_pcp_alloc(tiny(pcp_61).pcps[0], 2) == 1


# ---- freeing


def free_many(zone: Any, count: int, order: int = 0, migratetype: int = 0) -> list[list[tuple[Any, int]]]:
    """Free pages 0, 1, ...; what left at each."""
    return [zone.free(0, page, order, migratetype) for page in range(count)]


def test_free_of_tiny_zones() -> None:
    """At the fourth page count reaches high: clamp(4, 1, 3) = 3 leave, the oldest first."""
    zone = tiny()
    assert free_many(zone, 4) == [[], [], [], [(0, 0), (1, 0), (2, 0)]]
    assert (zone.pcps[0].count, zone.pcps[0].lists[0]) == (1, [3])
    # 6.1: 1, then 2 (factor 1), then clamp(4, 1, 3).
    zone = tiny(pcp_61)
    left = free_many(zone, 4)
    assert left[3] == [(0, 0)]
    assert zone.free(0, 4, 0, 0) == [(1, 0), (2, 0)]
    assert zone.free(0, 5, 0, 0) == []
    assert zone.free(0, 6, 0, 0) == [(3, 0), (4, 0), (5, 0)]
    assert zone.pcps[0].free_factor == 2


@pytest.mark.parametrize("pcp", [pcp_612, pcp_61])
def test_round_robin(pcp: Any) -> None:
    """The freed page's list first, emptied, then the next; after the last list comes list 0."""
    zone = tiny(pcp)
    zone.pcps[0].high_min = zone.pcps[0].high_max = zone.pcps[0].high = 100
    for page, mt in (("a", 0), ("b", 0), ("c", 1), ("d", 1), ("e", 2)):
        zone.free(0, page, 0, mt)
    assert zone.free_pcppages_bulk(zone.pcps[0], 4, 1) == [("c", 0), ("d", 0), ("e", 0), ("a", 0)]
    assert zone.free_pcppages_bulk(zone.pcps[0], 4, 13) == [("b", 0)]
    assert zone.free_pcppages_bulk(zone.pcps[0], 4, 0) == []


@pytest.mark.parametrize("pcp", [pcp_612, pcp_61])
def test_high_orders_leave_whole(pcp: Any) -> None:
    """One page is asked for, eight leave: count ends at 0."""
    zone = tiny(pcp)
    assert zone.free(0, "p", 3, 0) == [("p", 3)]
    assert zone.pcps[0].count == 0


def test_boot_pageset_frees_the_oldest() -> None:
    """high 0: 0 <= count, and 0 < batch 1: one block leaves, from the tail of the list of the freed page."""
    zone = tiny()
    pcp = zone.pcps[0]
    zone.free(0, "old", 0, 0)
    pcp.high = pcp.high_min = pcp.high_max = 0
    assert zone.free(0, "new", 0, 0) == [("old", 0)]
    assert zone.free(0, "other", 1, 1) == [("other", 1)]
    assert pcp.lists[0] == ["new"]


def test_free_at_the_limit() -> None:
    """The 1320th page: free_count 1320, high wanted 1383; clamp(1320, 63, 1257) leave and 63 stay."""
    zone = normal()
    left = free_many(zone, 1320)
    assert [len(pages) for pages in left[-2:]] == [0, 1257]
    assert left[-1][:2] == [(0, 0), (1, 0)]
    pcp = zone.pcps[0]
    assert (pcp.count, pcp.high, pcp.free_count) == (63, 1383, 1320)
    # Next at count 1383: free_count stops at 2016; wanted 2016 + 63; clamp(2016, 63, 1320) leave.
    left = free_many(zone, 1320)
    assert [len(pages) for pages in left[-2:]] == [0, 1320]
    assert (pcp.count, pcp.high, pcp.free_count) == (63, 2079, 2016)
    # 15 below its limit free_count still takes a whole huge page.
    pcp.free_count = 2001
    zone.free(0, "thp", 9, MOVABLE)
    assert pcp.free_count == 2513


def test_free_doubling_61() -> None:
    """6.1: 63, 126, 252, 504, 1008 leave; 2016 is more than 1257. Each bulk comes at count 1320."""
    zone = normal(pcp_61)
    bulks = [len(pages) for pages in free_many(zone, 6000) if pages]
    # At frees 1320, 1383, 1509, 1761, 2265, 3273, 4530 and 5787.
    assert bulks == [63, 126, 252, 504, 1008, 1257, 1257, 1257]
    assert zone.pcps[0].free_factor == 5
    zone.alloc(0, 0, 0, Refill())
    assert zone.pcps[0].free_factor == 2
    # Then with a factor an order-2 page takes everything with it, an order-9 page does not.
    count = zone.pcps[0].count
    assert len(zone.free(0, "p", 2, 2)) == count + 1
    assert zone.pcps[0].count == 0
    assert zone.free(0, "thp", 9, MOVABLE) == []


def test_reclaim_active() -> None:
    """The limit is four batches, 252: clamp(252, 63, 189) leave. pcp->high falls by free_count, not below 1320."""
    zone = normal()
    zone.reclaim_active = True
    zone.pcps[0].high = 1400
    assert [len(pages) for pages in free_many(zone, 252)[-2:]] == [0, 189]
    assert zone.pcps[0].high == 1320
    zone = normal(pcp_61)
    zone.reclaim_active = True
    assert [len(pages) for pages in free_many(zone, 252)[-2:]] == [0, 63]


def test_below_high() -> None:
    """Each free lowers pcp->high by 63; nothing leaves before high_min; then at every free."""
    answers = [False, True]
    zone = normal(high_ok=lambda: answers.pop(0))
    zone.below_high = True
    zone.pcps[0].high = 3000
    zone.free(0, "p", 0, 0)
    assert zone.pcps[0].high == 2937
    left = free_many(zone, 1319)
    # 1320 pages: high is max(1320, 1320); clamp(1320, 63, 1257).
    assert [len(pages) for pages in left[-2:]] == [0, 1257]
    assert (zone.below_high, zone.pcps[0].high) == (True, 1320)
    # 63 + 5000 + 1 pages are their own limit: clamp(1321, 63, 5001) leave. This time the mark is met.
    pcp = zone.pcps[0]
    pcp.lists[1] = list(range(5000))
    pcp.count += 5000
    assert len(zone.free(0, "q", 0, 0)) == 1321
    assert not zone.below_high


def test_free_high() -> None:
    """Order 3: before the ninth free free_count is 64, not below 63: all 72 pages leave. So does the tenth alone.

    An allocation halves free_count to 36; an order-0 page between forgets the series.
    """
    zone = normal()
    left = free_many(zone, 10, order=3)
    assert [len(pages) for pages in left] == [0] * 8 + [9, 1]
    assert left[8] == [(page, 3) for page in range(9)]
    assert zone.pcps[0].free_count == 80
    zone.alloc(0, 0, 0, Refill(0))
    assert zone.free(0, "p", 3, 0) == []
    zone.pcps[0].free_count = 100
    zone.free(0, "q", 0, 0)
    assert zone.pcps[0].flags == 0
    assert zone.free(0, "r", 1, 0) == []
    assert len(zone.free(0, "s", 1, 0)) == 4
    # A huge page is no such page: it ends a series too, and is not flushed with it.
    zone.free(0, "t", 9, MOVABLE)
    assert zone.pcps[0].flags == 0


def test_free_high_lowers_high() -> None:
    """2016 less, not below high_min; at most 2016 pages leave."""
    zone = normal()
    pcp = zone.pcps[0]
    pcp.lists[2] = list(range(3000))
    pcp.count, pcp.free_count, pcp.flags, pcp.high = 3000, 63, 1, 5000
    assert len(zone.free(0, "p", 1, 0)) == 2015  # the order-1 page and 2014 others: 2016 pages
    assert (pcp.high, pcp.count) == (2984, 986)
    pcp.flags = 1
    zone.free(0, "p", 1, 0)
    assert pcp.high == 1320


def test_free_high_with_a_large_cache() -> None:
    """More than 189 pages of cache: a batch of 63 pages is kept, so eight blocks of order 3 (64) leave at once."""
    zone = normal()
    zone.set_cacheinfo(0, 189 << 12)
    assert zone.pcps[0].flags == 0
    zone.set_cacheinfo(0, 190 << 12)
    assert zone.pcps[0].flags == 2
    left = [len(pages) for pages in free_many(zone, 17, order=3)]
    assert left == [0] * 8 + [9] + [0] * 7 + [8]


# ---- draining


def test_decay() -> None:
    """3000: an eighth is 375; 2900 - 2016 is less; 2625, and 275 pages leave."""
    zone = normal()
    pcp = zone.pcps[0]
    pcp.high, pcp.count, pcp.lists[1] = 3000, 2900, list(range(2900))
    todo, left = zone.decay_pcp_high(0)
    assert (todo, pcp.high, pcp.count, len(left), left[0]) == (True, 2625, 2625, 275, (2899, 0))
    pcp.high, pcp.count, pcp.lists[1] = 3000, 5000, list(range(5000))
    assert len(zone.decay_pcp_high(0)[1]) == 2016
    assert pcp.high == 2984
    pcp.high, pcp.count, pcp.lists[1] = 1400, 10, list(range(10))
    assert (zone.decay_pcp_high(0), pcp.high) == ((False, []), 1320)
    # At or below high_min high stays, and what exceeds it leaves.
    pcp.high, pcp.count, pcp.lists[1] = 4, 10, list(range(10))
    assert zone.decay_pcp_high(0) == (True, [(9, 0), (8, 0), (7, 0), (6, 0), (5, 0), (4, 0)])
    assert pcp.high == 4


def test_decay_overshoots() -> None:
    """100 pages too many are 63 and 37: each portion takes a whole huge page."""
    zone = normal()
    pcp = zone.pcps[0]
    pcp.high, pcp.count, pcp.lists[13] = 924, 1024, ["b", "a"]
    assert zone.decay_pcp_high(0) == (True, [("a", 9), ("b", 9)])
    assert pcp.count == 0


@pytest.mark.parametrize("pcp", [pcp_612, pcp_61])
def test_drain(pcp: Any) -> None:
    """drain_zone_pages takes a batch (a huge page, if list 12 comes first); drain_pages_zone everything."""
    zone = normal(pcp)
    for page in range(100):
        zone.free(0, page, 0, 2)
    zone.free(0, "thp", 9, UNMOVABLE)
    assert zone.drain_zone_pages(0) == [(page, 0) for page in range(63)]
    assert zone.drain_pages_zone(0) == [(page, 0) for page in range(63, 100)] + [("thp", 9)]
    assert (zone.drain_pages_zone(0), zone.drain_zone_pages(0)) == ([], [])
    # Portions of 1 << 1: each starts again at list 0.
    zone = tiny(pcp, scale_max=1)
    state = zone.pcps[0]
    state.lists[0], state.lists[3], state.count = ["a"], ["y", "x"], 5
    assert zone.drain_pages_zone(0) == [("a", 0), ("x", 1), ("y", 1)]


def test_expire() -> None:
    """3, 2, 1, then one batch; after that nothing until a counter of this CPU moves again."""
    zone = normal()
    free_many(zone, 100)
    seen = [zone.refresh(0, folded=first, local=False) for first in (True, False, False, False)]
    assert [(changed, len(left)) for changed, left in seen] == [(True, 0), (True, 0), (True, 63), (False, 0)]
    pcp = zone.pcps[0]
    assert (pcp.count, pcp.expire) == (37, 0)
    zone.refresh(0, folded=True, local=False)
    assert pcp.expire == 2
    assert (zone.refresh(0, folded=False, local=True), pcp.expire) == ((False, []), 0)
    assert (zone.refresh(0, folded=True, local=False, pagesets=False), pcp.expire) == ((False, []), 3)
    zone.drain_pages_zone(0)
    # An empty pageset does not count down; decaying comes first: 3000 to 2625.
    pcp.high = 3000
    assert (zone.refresh(0, folded=False, local=False), pcp.expire, pcp.high) == ((True, []), 3, 2625)


def test_expire_61() -> None:
    """The same steps, but a step down is no change, and nothing decays."""
    zone = normal(pcp_61)
    free_many(zone, 100)
    seen = [zone.refresh(0, folded=first, local=False) for first in (True, False, False, False)]
    assert [(changed, len(left)) for changed, left in seen] == [(0, 0), (0, 0), (1, 63), (0, 0)]
    assert (zone.refresh(0, folded=True, local=True), zone.pcps[0].expire) == ((0, []), 0)


def test_order_of_leaving_is_the_same_in_both() -> None:
    """6.1 skips empty lists at the ends; every start and every pattern of occupied lists agrees with 6.12."""
    for pattern in range(1, 1 << 14, 37):
        for start in (0, 5, 13):
            left = []
            for module in (pcp_612, pcp_61):
                zone = tiny(module)
                pcp = zone.pcps[0]
                for pindex in range(14):
                    if pattern >> pindex & 1:
                        pcp.lists[pindex] = [(pindex, 1), (pindex, 0)]
                        pcp.count += 2 << module.pindex_to_order(pindex)
                left.append(zone.free_pcppages_bulk(pcp, pcp.count, start))
                assert pcp.count == 0
            assert left[0] == left[1]
