"""The judges of marks, counters and zonelists judged: numbers derived by hand from the source.

Most scenes use one machine: 4k pages, pageblocks of 512, DMA 3840, DMA32 764160, Normal 256000 managed pages
(1024000 in all) and min_free_kbytes 67584, which is 16896 pages.
"""

from __future__ import annotations

from typing import Any

import pytest

from . import vmstat_612 as vs
from . import watermarks_612 as wm
from . import zonelists_612 as zl

UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, CMA, ISOLATE = range(6)


def machine(movable: int = 0, highmem: bool = False) -> list[dict[str, Any]]:
    """The zones of the machine above, and ZONE_MOVABLE."""
    last = {"name": "HighMem", "is_highmem": True} if highmem else {"name": "Movable", "is_movable": True}
    zones = [{"name": name, "managed": n} for name, n in (("DMA", 3840), ("DMA32", 764160), ("Normal", 256000))]
    return [*zones, {**last, "managed": movable}]


# ---- min_free_kbytes


@pytest.mark.parametrize(
    ("lowmem", "expected"),
    [
        (16384, 512),  # sqrt(262144)
        (4194304, 8192),  # sqrt(2^26)
        (256, 128),  # sqrt(4096) is 64: the least is 128
        ((1 << 32) - 1, 262143),  # sqrt(2^36 - 16): one below 2^18
        (1 << 32, 262144),
        (1 << 40, 262144),  # 2^22: the most is 262144
        (1 << 58, 1024),  # sqrt(2^62) = 2^31 is negative as an int, not above -1: nothing is written
        (1 << 60, 128),  # 2^64 wraps to 0; 0 > -1
    ],
)
def test_min_free_kbytes(lowmem: int, expected: int) -> None:
    """min_free_kbytes was 1024, the user gave nothing (-1)."""
    assert wm.calculate_min_free_kbytes(lowmem) == expected


def test_users_min_free_kbytes() -> None:
    """4 GiB give 8192; a user's value loses only when it is smaller, and what stays is the old value."""
    assert wm.calculate_min_free_kbytes(4194304, 7000, 8191) == 8192
    assert wm.calculate_min_free_kbytes(4194304, 67584, 8192) == 67584
    # 64 is not above the user's 100, although it would have become 128.
    assert wm.calculate_min_free_kbytes(256, 100, 100) == 100


def test_recommended_min_free_kbytes() -> None:
    """Three zones: 512 * 3 * (2 + 9) = 16896 pages = 67584 kB, at most a twentieth, never less than before."""
    assert wm.set_recommended_min_free_kbytes(337920, 3, 8192) == 67584
    assert wm.set_recommended_min_free_kbytes(337919, 3, 8192) == 67580
    assert wm.set_recommended_min_free_kbytes(337920, 3, 67584) == 67584
    assert wm.set_recommended_min_free_kbytes(337920, 3, 90112) == 90112
    assert wm.set_recommended_min_free_kbytes(10**6, 0, 128) == 128


def test_free_buffer_pages() -> None:
    """managed - high where positive; neither highmem, nor movable, nor device."""
    zones = machine(5000)
    assert wm.nr_free_buffer_pages(zones) == 1024000
    zones[0]["high"] = 4000
    zones[2]["high"] = 6336
    assert wm.nr_free_buffer_pages(zones) == 764160 + 249664
    assert wm.nr_free_buffer_pages([{"managed": 9, "is_device": True}, {"managed": 9, "is_highmem": True}]) == 0


# ---- marks


def test_marks_of_the_machine() -> None:
    """DMA: 16896 * 3840 / 1024000 = 63, step max(15, 3). DMA32: 12608, max(3152, 764). Normal: 4224, max(1056, 256).

    The empty Movable zone has min clamp(0, 32, 128) = 32 and no step.
    """
    marks = wm.setup_per_zone_wmarks(machine(), 67584)
    assert [list(m.values()) for m in marks] == [
        [63, 78, 93, 108, 0],
        [12608, 15760, 18912, 22064, 0],
        [4224, 5280, 6336, 7392, 0],
        [32, 32, 32, 32, 0],
    ]


@pytest.mark.parametrize("highmem", [False, True])
def test_marks_of_movable_and_highmem(highmem: bool) -> None:
    """1048576 pages: min is capped at 128, the step is a quarter of the uncapped 17301: 4325.

    100000 pages: min 97, uncapped 16896 * 100000 / 1024000 = 1650, step 412.
    """
    bits = 32 if highmem else 64
    mark = wm.setup_per_zone_wmarks(machine(1048576, highmem), 67584, bits=bits)[3]
    assert (mark["min"], mark["low"], mark["high"], mark["promo"]) == (128, 4453, 8778, 13103)
    mark = wm.setup_per_zone_wmarks(machine(100000, highmem), 67584, bits=bits)[3]
    assert (mark["min"], mark["low"], mark["high"]) == (97, 509, 921)


def test_scale_factor() -> None:
    """30%: 256000 = 25 * 10000 + 6000, so 25 * 3000 + 1800 = 76800, above 1056."""
    mark = wm.setup_per_zone_wmarks(machine(), 67584, scale_factor=3000)[2]
    assert (mark["min"], mark["low"], mark["high"]) == (4224, 81024, 157824)


def test_small_min_free_kbytes() -> None:
    """3 kB are no page; 100 kB are one page of 64 kB, and 1 * 256000 / 1024000 is 0."""
    assert wm.setup_per_zone_wmarks(machine(), 3)[1]["min"] == 0
    mark = wm.setup_per_zone_wmarks(machine(), 100, page_shift=16)[2]
    assert (mark["min"], mark["low"]) == (0, 256)
    assert wm.setup_per_zone_wmarks([{"managed": 256}], 100, page_shift=16)[0]["min"] == 1


def test_marks_overflow_u64() -> None:
    """(2^29 - 1) * 2^36 is 2^65 - 2^36, mod 2^64: 2^64 - 2^36; over 2^36: 2^28 - 1.

    A quarter is 67108863; 2^36 = 6871947 * 10000 + 6736 gives 68719470 + 6, which is more.
    """
    mark = wm.setup_per_zone_wmarks([{"managed": 1 << 36}], (1 << 31) - 1)[0]
    assert (mark["min"], mark["low"]) == ((1 << 28) - 1, (1 << 28) - 1 + 68719476)


def test_no_lowmem_divides_by_zero() -> None:
    """lowmem_pages is 0."""
    with pytest.raises(ZeroDivisionError):
        wm.setup_per_zone_wmarks([{"managed": 1000, "is_movable": True}], 1024)


def test_lowmem_reserve() -> None:
    """DMA: 764160 / 256 = 2985, 1020160 / 256 = 3985; DMA32: 256000 / 256; Normal: 1048576 / 32."""
    ratios = [256, 256, 32, 0, 0]
    reserve = wm.setup_per_zone_lowmem_reserve([3840, 764160, 256000, 0, 0], ratios)
    assert reserve == [[0, 2985, 3985, 3985, 3985], [0, 0, 1000, 1000, 1000], [0] * 5, [0] * 5, [0] * 5]
    reserve = wm.setup_per_zone_lowmem_reserve([3840, 0, 256000, 1048576, 0], ratios)
    # DMA: 1000, then 1304576 / 256 = 5096. An empty DMA32 reserves nothing, nor does ratio 0.
    assert reserve == [[0, 0, 1000, 5096, 5096], [0] * 5, [0, 0, 0, 32768, 32768], [0] * 5, [0] * 5]
    assert wm.setup_per_zone_lowmem_reserve([3840, 764160], [0, 256]) == [[0, 0], [0, 0]]
    assert wm.setup_per_zone_lowmem_reserve([3840, 764160], [-1, 256]) == [[0, 0], [0, 0]]


def test_totalreserve() -> None:
    """DMA: 3985 + 93 is more than its 3840; DMA32: 1000 + 18912; Normal: 6336; the empty zone's 32 become 0."""
    reserve = wm.setup_per_zone_lowmem_reserve([3840, 764160, 256000, 0], [256, 256, 32, 0])
    marks = wm.setup_per_zone_wmarks(machine(), 67584)
    node = [
        {"managed": z["managed"], "high": m["high"], "lowmem_reserve": r}
        for z, m, r in zip(machine(), marks, reserve, strict=True)
    ]
    assert wm.calculate_totalreserve_pages([node, []]) == ([30088, 0], 30088)


@pytest.mark.parametrize(
    ("high", "boost", "managed", "options", "expected"),
    [
        (6336, 0, 256000, {}, (True, 512)),
        (6336, 9216, 256000, {}, (True, 9504)),  # 6336 * 1.5 = 9504 is the most
        (10, 512, 256000, {}, (True, 512)),  # 15 is below a pageblock: one pageblock is the most
        (10, 0, 2048, {}, (True, 512)),  # four pageblocks suffice
        (10, 0, 2047, {}, (False, 0)),
        (0, 3, 256000, {}, (False, 3)),
        (1, 0, 256000, {"factor": 9999}, (False, 0)),  # 9999 / 10000 is 0
        (6336, 7, 256000, {"factor": 0}, (False, 7)),
        (6336, 0, 256000, {"kdump": True}, (False, 0)),
    ],
)
def test_boost(high: int, boost: int, managed: int, options: dict[str, Any], expected: tuple[bool, int]) -> None:
    """boost_watermark with pageblocks of 512."""
    assert wm.boost_watermark(high, boost, managed, **options) == expected


# ---- checks


@pytest.mark.parametrize(
    ("flags", "least"),
    [
        (0, 101),
        (wm.ALLOC_MIN_RESERVE, 51),  # 101 - 50
        (wm.ALLOC_MIN_RESERVE | wm.ALLOC_NON_BLOCK, 39),  # 51 - 12
        (wm.ALLOC_NON_BLOCK, 101),  # alone it lowers nothing
        (wm.ALLOC_HIGHATOMIC, 101),
        (wm.ALLOC_OOM, 51),
        (wm.ALLOC_OOM | wm.ALLOC_MIN_RESERVE | wm.ALLOC_NON_BLOCK, 20),  # 39 - 19
    ],
)
def test_order_0_marks(flags: int, least: int) -> None:
    """Mark 101, reserve 7: free pages must exceed the (lowered) mark plus the whole reserve. No list is read."""
    zone = wm.Zone(lowmem_reserve=[0, 7])
    for free, expected in ((least + 7, False), (least + 8, True)):
        zone.vm_free = free
        assert wm.zone_watermark_ok(zone, 0, 101, 1, flags) is expected
        assert wm.zone_watermark_fast(zone, 0, 101, 1, flags) is expected


def test_unusable() -> None:
    """30 HIGHATOMIC and 50 CMA pages; a negative CMA counter reads 0; order 3 costs 7."""
    zone = wm.Zone(nr_free_highatomic=30, vm_cma=50)
    assert wm.unusable_free(zone, 0, 0) == 80
    assert wm.unusable_free(zone, 3, 0) == 87
    assert wm.unusable_free(zone, 0, wm.ALLOC_NON_BLOCK) == 50
    assert wm.unusable_free(zone, 0, wm.ALLOC_CMA) == 30
    assert wm.unusable_free(zone, 0, 0, cma=False) == 30
    zone.vm_cma = -50
    assert wm.unusable_free(zone, 0, wm.ALLOC_HIGHATOMIC) == 0


@pytest.mark.parametrize(
    ("area", "order_of_area", "flags", "expected"),
    [
        ({}, 3, 0, False),
        ({MOVABLE: 1}, 3, 0, True),
        ({MOVABLE: 1}, 2, 0, False),
        ({RECLAIMABLE: 1}, 10, 0, True),
        ({ISOLATE: 4}, 3, wm.ALLOC_HIGHATOMIC | wm.ALLOC_CMA, False),
        ({HIGHATOMIC: 1}, 3, 0, False),
        ({HIGHATOMIC: 1}, 3, wm.ALLOC_NON_BLOCK | wm.ALLOC_MIN_RESERVE, False),
        ({HIGHATOMIC: 1}, 3, wm.ALLOC_HIGHATOMIC, True),
        ({HIGHATOMIC: 1}, 3, wm.ALLOC_OOM, True),
        ({CMA: 1}, 3, 0, False),
        ({CMA: 1}, 3, wm.ALLOC_CMA, True),
        ({UNMOVABLE: 0, MOVABLE: 0}, 3, 0, False),
    ],
)
def test_high_orders_need_a_block(area: dict[int, int], order_of_area: int, flags: int, expected: bool) -> None:
    """108 - 7 = 101 exceeds 100; then some block of order 3 or more must lie on a list the caller may use."""
    zone = wm.Zone(vm_free=108)
    zone.free_area[order_of_area] = area
    assert wm.zone_watermark_ok(zone, 3, 100, 0, flags) is expected
    zone.free_area[3] = {MOVABLE: 1}
    assert not wm.zone_watermark_ok(zone, 3, 101, 0, 0)


def test_negative_free_pages() -> None:
    """5 - 1023 = -1018 fails against 0. A mark of -2000 as a long passes; halved towards zero it is -1000."""
    zone = wm.Zone(vm_free=5)
    zone.free_area[10] = {MOVABLE: 1}
    assert not wm.zone_watermark_ok(zone, 10, 0, 0, 0)
    assert wm.zone_watermark_ok(zone, 10, (1 << 64) - 2000, 0, 0)
    assert not wm.zone_watermark_ok(zone, 10, (1 << 64) - 2000, 0, wm.ALLOC_MIN_RESERVE)
    # A negative counter reads 0, and 0 <= 0.
    assert not wm.zone_watermark_ok(wm.Zone(vm_free=-9), 0, 0, 0, 0)


def test_fast_shortcut() -> None:
    """100 free, 300 of them (a late counter) CMA: 0 usable is not above 0; exactly: -200."""
    zone = wm.Zone(vm_free=100, vm_cma=300)
    assert not wm.zone_watermark_fast(zone, 0, 0, 0, 0)
    # Mark ULONG_MAX: no in the unsigned shortcut, -1 and so yes in the exact check.
    assert wm.zone_watermark_fast(wm.Zone(vm_free=100), 0, (1 << 64) - 1, 0, 0)
    # Order 1 does not take the shortcut: 102 - 1 <= 101.
    assert not wm.zone_watermark_fast(wm.Zone(vm_free=102, free_area=[{}, {MOVABLE: 1}]), 1, 101, 0, 0)


@pytest.mark.parametrize(
    ("order", "flags", "expected"),
    [
        (0, wm.ALLOC_MIN_RESERVE, True),  # 100 halved is 50, below 80
        (0, 0, False),
        (0, wm.ALLOC_NON_BLOCK, False),
        (0, wm.ALLOC_MIN_RESERVE | wm.WMARK_LOW, False),
        (1, wm.ALLOC_MIN_RESERVE, False),
    ],
)
def test_boost_is_ignored_for_min(order: int, flags: int, expected: bool) -> None:
    """80 free, marks 100 to 175, boost 500: 600 halved is 300. The flags decide, not the mark that is passed."""
    zone = wm.Zone(vm_free=80, marks=[100, 125, 150, 175], boost=500, free_area=[{}, {MOVABLE: 9}])
    assert zone.wmark_pages(wm.WMARK_MIN) == 600
    assert wm.zone_watermark_fast(zone, order, 600, 0, flags) is expected
    assert wm.zone_watermark_fast(zone, order, zone.wmark_pages(wm.WMARK_HIGH), 0, flags) is expected
    assert not wm.zone_watermark_ok(zone, order, 600, 0, flags)


def test_safe() -> None:
    """Below the drift mark the differentials count: 190 - 100 = 90. At the mark they do not."""
    zone = wm.Zone(vm_free=190, deltas=[-40, -60], percpu_drift_mark=200)
    assert wm.zone_watermark_ok(zone, 0, 100, 0, 0)
    assert not wm.zone_watermark_ok_safe(zone, 0, 100, 0)
    zone.vm_free = 200
    assert wm.zone_watermark_ok_safe(zone, 0, 100, 0)
    zone.vm_free, zone.percpu_drift_mark = 190, 0
    assert wm.zone_watermark_ok_safe(zone, 0, 100, 0)


# ---- kswapd


def test_balanced() -> None:
    """One zone above high is enough; zones without managed pages do not count; no zone at all is balanced."""
    marks = [100, 125, 150, 175]
    bad, good = wm.Zone(vm_free=150, marks=marks), wm.Zone(vm_free=151, marks=marks)
    empty = wm.Zone(managed=0, vm_free=999)
    assert wm.pgdat_balanced([bad, good], 0, 1)
    assert not wm.pgdat_balanced([bad, good], 0, 0)
    assert not wm.pgdat_balanced([bad, good], 0, 1, tiering=True)
    assert not wm.pgdat_balanced([empty, bad], 0, 1)
    assert wm.pgdat_balanced([empty, bad], 0, 0)
    assert not wm.pgdat_balanced([good], 3, 0)
    # A boost raises the high mark: 650.
    assert not wm.pgdat_balanced([wm.Zone(vm_free=650, marks=marks, boost=500)], 0, 0)


def test_wakeup_kswapd() -> None:
    """The request is merged first, also when kswapd runs or nobody is woken."""
    marks = [100, 125, 150, 175]
    zones = [wm.Zone(vm_free=1000, marks=marks), wm.Zone(vm_free=10, marks=marks), wm.Zone(managed=0)]
    node = wm.Node(zones)
    assert node.kswapd_highest_zoneidx == 3
    assert wm.wakeup_kswapd(node, zones[2], 0, 2) == "nothing"
    assert wm.wakeup_kswapd(node, zones[1], 0, 1, cpuset_allowed=False) == "nothing"
    assert node.kswapd_highest_zoneidx == 3
    # Zone 0 is well, which balances zone 1 too.
    assert wm.wakeup_kswapd(node, zones[1], 0, 1) == "nothing"
    assert (node.kswapd_highest_zoneidx, node.kswapd_order) == (1, 0)
    assert wm.wakeup_kswapd(node, zones[1], 0, 0, direct_reclaim=False) == "kcompactd"
    assert node.kswapd_highest_zoneidx == 1
    # No block of order 2 anywhere.
    assert wm.wakeup_kswapd(node, zones[1], 2, 1) == "kswapd"
    node.kswapd_sleeps = False
    assert wm.wakeup_kswapd(node, zones[1], 4, 2) == "nothing"
    assert (node.kswapd_highest_zoneidx, node.kswapd_order) == (2, 4)
    node.kswapd_sleeps = True
    node.kswapd_failures = 16
    assert wm.wakeup_kswapd(node, zones[1], 2, 1) == "nothing"
    node.kswapd_failures = 15
    assert wm.wakeup_kswapd(node, zones[1], 2, 1) == "kswapd"
    assert (node.kswapd_highest_zoneidx, node.kswapd_order) == (2, 4)
    # A boost within reach wakes kswapd of a balanced node; one above does not.
    zones[1].boost = 512
    assert wm.wakeup_kswapd(node, zones[0], 0, 1) == "kswapd"
    assert wm.wakeup_kswapd(node, zones[0], 0, 0) == "nothing"


# ---- zones and zonelists


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, "NORMAL DMA NORMAL - DMA32 - - - NORMAL DMA MOVABLE - DMA32 - - -"),
        (
            {"dma32": False, "highmem": True, "device": False},
            "NORMAL DMA HIGHMEM - NORMAL - - - NORMAL DMA MOVABLE - NORMAL - - -",
        ),
        (
            {"dma": False, "dma32": False, "device": False},
            "NORMAL NORMAL NORMAL - NORMAL - - - NORMAL NORMAL MOVABLE - NORMAL - - -",
        ),
    ],
)
def test_gfp_zone(config: dict[str, bool], expected: str) -> None:
    """The sixteen combinations; MOVABLE needs HIGHMEM too; a forbidden one reads zone 0."""
    lowest = "NORMAL" if config.get("dma") is False else "DMA"
    for bit, name in enumerate(expected.split()):
        assert zl.gfp_zone(bit | 0xCC0, **config) == ((lowest, False) if name == "-" else (name, True))


def square(n: int) -> list[list[int]]:
    """n nodes, each 20 from all others."""
    return [[10 if i == j else 20 for j in range(n)] for i in range(n)]


def test_zonelists_of_equal_distances() -> None:
    """Node 3 sees 0, 1, 2 at (20 + 1 + 1) * 64 with loads 0, 1, 1: node 0, then the lower number."""
    orders, load = zl.build_all_zonelists(square(4), {0, 1, 2, 3}, {0, 1, 2, 3})
    assert orders == {0: [0, 1, 2, 3], 1: [1, 2, 3, 0], 2: [2, 3, 0, 1], 3: [3, 0, 1, 2]}
    assert load == {0: 1, 1: 1, 2: 1, 3: 1}


def test_zonelists_with_a_headless_node() -> None:
    """Node 0 has no CPU: from 1, 0 costs 20 + 1 and 2 costs 20 + 1: the lower number; from 2 it is 21 to 22."""
    orders, load = zl.build_all_zonelists(square(3), {0, 1, 2}, {1, 2})
    assert orders == {0: [0, 1, 2], 1: [1, 0, 2], 2: [2, 0, 1]}
    assert load == {1: 1, 0: 2}


def test_zonelists_of_a_memoryless_node() -> None:
    """Node 0 has no memory and is in no list, but its own list loads node 1 before the others are built."""
    orders, load = zl.build_all_zonelists(square(3), {1, 2}, {0, 1, 2})
    assert orders == {0: [1, 2], 1: [1, 2], 2: [2, 1]}
    assert load == {1: 2, 2: 1}
    orders, _ = zl.build_all_zonelists(square(3), {1, 2}, {0, 1, 2}, possible={1, 2})
    assert orders == {1: [1, 2], 2: [2, 1]}


def test_zonelists_of_two_distances() -> None:
    """Pairs 0-1 and 2-3 at 12, else 20. The load grows at the first node of each distance group.

    Node 0: 1 (12), load; 2 and 3 at 21 * 64: 2, load. Node 1: 0, load; 2 has load 1, 3 has 0: 3, load.
    Node 2: 3 (12), load; 0 at 22 * 64 + 1, 1 at 22 * 64 + 1: 0, load. Node 3: 2, load; 1 (1) before 0 (2), load.
    """
    distance = [[10, 12, 20, 20], [12, 10, 20, 20], [20, 20, 10, 12], [20, 20, 12, 10]]
    orders, load = zl.build_all_zonelists(distance, {0, 1, 2, 3}, {0, 1, 2, 3})
    assert orders == {0: [0, 1, 2, 3], 1: [1, 0, 3, 2], 2: [2, 3, 0, 1], 3: [3, 2, 1, 0]}
    assert load == {1: 2, 2: 2, 0: 2, 3: 2}


def test_zonerefs() -> None:
    """Node by node, highest zone first, populated ones only."""
    populated = {0: [True, True, False, False], 1: [False, False, True, True]}
    refs = zl.build_zonerefs([1, 0], populated)
    assert refs == [(1, 3), (1, 2), (0, 1), (0, 0)]
    assert zl.eligible(refs, 2) == [(1, 2), (0, 1), (0, 0)]
    assert zl.eligible(zl.build_zonerefs([0], populated), 0) == [(0, 0)]


def test_zone_statistics() -> None:
    """FOREIGN is the preferred zone's; HIT compares nodes; LOCAL asks for the CPU's node, hit or miss."""
    counts: dict[tuple[tuple[int, int], str], int] = {}
    zl.zone_statistics(counts, (0, 2), (0, 1), 0)
    assert counts == {((0, 1), "NUMA_HIT"): 1, ((0, 1), "NUMA_LOCAL"): 1}
    zl.zone_statistics(counts, (0, 2), (1, 2), 1, 5)
    assert counts[(1, 2), "NUMA_MISS"] == counts[(0, 2), "NUMA_FOREIGN"] == counts[(1, 2), "NUMA_LOCAL"] == 5
    zl.zone_statistics(counts, (1, 2), (1, 2), 0)
    assert (counts[(1, 2), "NUMA_HIT"], counts[(1, 2), "NUMA_OTHER"]) == (1, 1)
    zl.zone_statistics(counts, (1, 2), (1, 2), 0, enabled=False)
    assert sum(counts.values()) == 2 + 15 + 2


# ---- counters


@pytest.mark.parametrize(
    ("managed", "online", "expected"),
    [
        (0, 1, 2),  # 2 * 1 * 1
        (32767, 2, 4),  # below 128 MiB: 2 * 2 * 1
        (32768, 2, 8),
        (245760, 1, 8),  # 960 MiB: mem 7, fls 3
        (786432, 4, 36),  # 3 GiB: mem 24, fls 5: 2 * 3 * 6 (the source's table says 30)
        (1 << 22, 64, 125),  # 2 * 7 * 9 = 126
        (1 << 21, 64, 112),  # 8 GiB: mem 64, fls 7: 2 * 7 * 8
        (1 << 46, 1, 66),  # mem is an int: 2^31 is negative, its fls 32: 2 * 33
    ],
)
def test_normal_threshold(managed: int, online: int, expected: int) -> None:
    """2 * fls(CPUs) * (1 + fls(128 MiB units)), at most 125."""
    assert vs.calculate_normal_threshold(managed, online) == expected


def test_pressure_threshold() -> None:
    """Between 1 and 125; a negative distance divides as unsigned: (2^32 - 4) / 2 is far above 125."""
    assert vs.calculate_pressure_threshold(125, 100, 4) == 6
    assert vs.calculate_pressure_threshold(125, 100, 26) == 1
    assert vs.calculate_pressure_threshold(10**6, 0, 2) == 125
    assert vs.calculate_pressure_threshold(96, 100, 2) == 125


def test_drift_mark() -> None:
    """3 GiB, 4 CPUs: 36 * 4 = 144 exceeds 125 - 100: the mark is 150 + 144, plus a boost. It is never cleared."""
    zone = vs.ZoneStat(5, managed=786432, marks=(100, 125, 150), boost=10)
    assert vs.refresh_zone_stat_thresholds([zone], {0, 1, 2, 3}) == {0: 36}
    assert zone.percpu_drift_mark == 304
    assert zone.threshold == [36, 36, 36, 36, 0]
    zone.marks, zone.boost = (100, 244, 388), 0
    vs.refresh_zone_stat_thresholds([zone], {0, 1, 2, 3})
    assert zone.percpu_drift_mark == 304
    vs.set_pgdat_percpu_threshold([zone], {0, 1, 4}, pressure=True)
    assert zone.threshold == [48, 48, 36, 36, 48]
    fresh = vs.ZoneStat(1, managed=786432, marks=(100, 244, 388), node=1)
    vs.refresh_zone_stat_thresholds([fresh], {0})
    assert (fresh.percpu_drift_mark, fresh.threshold) == (0, [12])
    vs.set_pgdat_percpu_threshold([fresh], {0}, pressure=True)
    assert fresh.threshold == [12]


def test_node_threshold_is_the_largest() -> None:
    """2 * 1 * 1 and 2 * 1 * 6 on node 0."""
    zones = [vs.ZoneStat(1, managed=10), vs.ZoneStat(1, managed=786432), vs.ZoneStat(1, managed=10, node=1)]
    assert vs.refresh_zone_stat_thresholds(zones, {0}) == {0: 12, 1: 2}


def stat(threshold: int, diff: int = 0, **options: Any) -> vs.ZoneStat:
    """One CPU, one item "n"."""
    zone = vs.ZoneStat(1, **options)
    zone.threshold = [threshold]
    zone.diff[0]["n"] = diff
    return zone


def both(zone: vs.ZoneStat) -> tuple[int, int]:
    """(vm_stat, differential)."""
    return zone.vm_stat.get("n", 0), zone.diff[0].get("n", 0)


def test_mod() -> None:
    """Threshold 10: 10 stays, 11 goes over completely; so does anything larger than the threshold."""
    zone = stat(10)
    zone.mod(0, "n", 10)
    assert both(zone) == (0, 10)
    zone.mod(0, "n", 1)
    assert both(zone) == (11, 0)
    zone.mod(0, "n", -1000)
    assert both(zone) == (-989, 0)
    assert zone.state("n") == 0
    zone = stat(2, 10)
    zone.mod(0, "n", 0)
    assert both(zone) == (10, 0)
    zone = stat(10)
    zone.mod(0, "n", -(1 << 63))  # abs(LONG_MIN) is negative: kept, and cut to the low 8 bits
    assert both(zone) == (0, 0)


def test_inc_and_dec() -> None:
    """Threshold 10, the eleventh: 11 + 5 goes over, -5 stays. Threshold 5: half is 2."""
    for name in ("inc", "inc_safe"):
        zone = stat(10)
        for _ in range(11):
            getattr(zone, name)(0, "n")
        assert both(zone) == (16, -5)
        assert zone.world == {"n": 16}
    for name in ("dec", "dec_safe"):
        zone = stat(5)
        for _ in range(6):
            getattr(zone, name)(0, "n")
        assert both(zone) == (-8, 2)
        assert (zone.state("n"), zone.snapshot("n", {0})) == (0, 0)


def test_threshold_0() -> None:
    """Before refresh_zone_stat_thresholds every change goes over at once."""
    zone = stat(0)
    zone.inc(0, "n")
    assert both(zone) == (1, 0)
    zone.dec_safe(0, "n")
    zone.dec_safe(0, "n")
    assert both(zone) == (-1, 0)
    zone.mod(0, "n", 0)
    assert both(zone) == (-1, 0)


def test_overstep_after_the_threshold_fell() -> None:
    """Differential 10, threshold 2. __dec looks at the lower limit only; mod_zone_state at both.

    dec_safe: n = 9, os = -1: 8 over, 1 stays. inc: 11 + 1 over, -1 stays. mod_safe(0): 10 over.
    """
    zone = stat(2, 10)
    zone.dec(0, "n")
    assert both(zone) == (0, 9)
    zone = stat(2, 10)
    zone.dec_safe(0, "n")
    assert both(zone) == (8, 1)
    zone = stat(2, 10, cmpxchg=False)
    zone.dec_safe(0, "n")
    assert both(zone) == (0, 9)
    for name in ("inc", "inc_safe"):
        zone = stat(2, 10)
        getattr(zone, name)(0, "n")
        assert both(zone) == (12, -1)
    zone = stat(2, 10)
    zone.mod_safe(0, "n", 0)
    assert both(zone) == (10, 0)


def test_signed_char() -> None:
    """127 + 1 is -128, which is not above any threshold: 125 is the most for that reason."""
    zone = stat(127, 127)
    zone.inc(0, "n")
    assert both(zone) == (0, -128)


def test_uniprocessor() -> None:
    """No differentials, no clamping."""
    zone = stat(10, smp=False)
    zone.dec(0, "n")
    zone.mod_safe(0, "n", -1)
    assert (both(zone), zone.state("n")) == ((-2, 0), (1 << 64) - 2)


def test_fold() -> None:
    """3 and -3 in two zones: both pagesets get expire 3, and yet nothing global changes."""
    world: dict[str, int] = {}
    zones = [stat(10, 3, world=world), stat(10, -3, world=world), stat(10, 0, world=world)]
    assert vs.refresh_cpu_vm_stats(zones, 0) == (False, [True, True, False])
    assert [both(zone) for zone in zones] == [(3, 0), (-3, 0), (0, 0)]
    zones[0].mod(0, "n", 4)
    zones[0].count_numa(0, "NUMA_HIT", 2)
    assert vs.refresh_cpu_vm_stats(zones, 0) == (True, [True, False, False])
    assert world == {"n": 4}
    assert zones[0].vm_numa_event == {}
    zones[0].mod(0, "n", -7)
    vs.cpu_vm_stats_fold(zones, 0)
    assert (both(zones[0]), world, zones[0].vm_numa_event) == ((0, 0), {"n": -3}, {"NUMA_HIT": 2})


def test_snapshot() -> None:
    """Only online CPUs: 100 + 5, not + 7."""
    zone = vs.ZoneStat(2)
    zone.threshold = [10, 10]
    zone.add("n", 100)
    zone.mod(0, "n", 5)
    zone.mod(1, "n", 7)
    assert (zone.state("n"), zone.snapshot("n", {0}), zone.snapshot("n", {0, 1})) == (100, 105, 112)
