"""Watermarks, reserves and kswapd wake-ups of Linux 6.12, function by function from the source.

A judge, not a specification: written from mm/page_alloc.c, mm/vmscan.c, mm/khugepaged.c, mm/internal.h,
include/linux/mmzone.h, include/linux/vmstat.h and include/linux/math.h of v6.12 (Debian linux-source-6.12,
6.12.117) without sight of the project's own text. Each function names the kernel function it follows.

`bits` is the width of long: 64, or 32 for kernels with HIGHMEM. u64 is always 64. Locks, races, memory
hotplug, unaccepted and deferred memory are left out. zone->nr_free_highatomic and the kdump test of
boost_watermark belong to the 6.12 stable series.
"""

from __future__ import annotations

from typing import Any

WMARK_MIN, WMARK_LOW, WMARK_HIGH, WMARK_PROMO = range(4)
UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, CMA, ISOLATE = range(6)
PCPTYPES = 3

ALLOC_NO_WATERMARKS = 0x04
ALLOC_WMARK_MASK = 0x03
ALLOC_OOM = 0x08  # with CONFIG_MMU
ALLOC_NON_BLOCK = 0x10
ALLOC_MIN_RESERVE = 0x20
ALLOC_CPUSET = 0x40
ALLOC_CMA = 0x80
ALLOC_NOFRAGMENT = 0x100
ALLOC_HIGHATOMIC = 0x200
ALLOC_KSWAPD = 0x800
ALLOC_RESERVES = ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE | ALLOC_HIGHATOMIC | ALLOC_OOM

MAX_RECLAIM_RETRIES = 16
SWAP_CLUSTER_MAX = 32


def unsigned(value: int, bits: int = 64) -> int:
    """The value as an unsigned C integer of that width."""
    return value & ((1 << bits) - 1)


def signed(value: int, bits: int = 64) -> int:
    """The value as a signed C integer of that width."""
    value = unsigned(value, bits)
    return value - (1 << bits) if value >> (bits - 1) else value


def clamp(value: int, low: int, high: int) -> int:
    """include/linux/minmax.h:__clamp: the upper limit is looked at first, which matters when low > high."""
    if value >= high:
        return high
    return low if value <= low else value


def cdiv(value: int, divisor: int) -> int:
    """C division: towards zero."""
    return value // divisor if value >= 0 else -(-value // divisor)


def mult_frac(x: int, n: int, d: int, bits: int = 64) -> int:
    """include/linux/math.h:mult_frac on an unsigned long x: the quotient and the rest are scaled apart."""
    return unsigned(x // d * n + unsigned(x % d * n, bits) // d, bits)


# ---- the size of the reserves


def lowmem_zone(zone: dict[str, Any]) -> bool:
    """Neither highmem nor ZONE_MOVABLE. ZONE_DEVICE counts as lowmem; it manages nothing."""
    return not zone.get("is_highmem") and not zone.get("is_movable")


def nr_free_buffer_pages(zones: list[dict[str, Any]], bits: int = 64) -> int:
    """mm/page_alloc.c:nr_free_buffer_pages: what zones up to ZONE_NORMAL have beyond their `high` mark.

    `high` is high_wmark_pages(), so it includes a boost; it is 0 before the marks are set. Zones that the
    zonelist of the local node does not hold (unpopulated ones) must not be given, or manage nothing.
    """
    total = 0
    for zone in zones:
        if lowmem_zone(zone) and not zone.get("is_device"):
            high = zone.get("high", 0)
            if zone["managed"] > high:
                total += zone["managed"] - high
    return unsigned(total, bits)


def int_sqrt(x: int) -> int:
    """lib/math/int_sqrt.c:int_sqrt, bit by bit."""
    y, m = 0, 1
    while m * 4 <= x:
        m *= 4
    while m:
        b = y + m
        y //= 2
        if x >= b:
            x -= b
            y += m
        m //= 4
    return y


def calculate_min_free_kbytes(lowmem_kbytes: int, min_free_kbytes: int = 1024, user: int = -1, bits: int = 64) -> int:
    """mm/page_alloc.c:calculate_min_free_kbytes: the new min_free_kbytes.

    `lowmem_kbytes` is nr_free_buffer_pages() in kB. The user's value wins when it is not below the unclamped
    square root, and then nothing is written: min_free_kbytes stays what it was, whatever that is.
    """
    new = signed(int_sqrt(unsigned(lowmem_kbytes * 16, bits)), 32)
    if new > user:
        return clamp(new, 128, 262144)
    return min_free_kbytes


def set_recommended_min_free_kbytes(
    lowmem_pages: int, nr_zones: int, min_free_kbytes: int, pageblock_order: int = 9, page_shift: int = 12, bits: int = 64
) -> int:
    """mm/khugepaged.c:set_recommended_min_free_kbytes with hugepage_pmd_enabled(): the new min_free_kbytes.

    `lowmem_pages` is nr_free_buffer_pages(); `nr_zones` counts populated zones up to ZONE_NORMAL of all nodes.
    Without huge pages it is calculate_min_free_kbytes. Either way setup_per_zone_wmarks follows.
    """
    recommended = unsigned((1 << pageblock_order) * nr_zones * 2, bits)
    recommended = unsigned(recommended + (1 << pageblock_order) * nr_zones * PCPTYPES * PCPTYPES, bits)
    recommended = min(recommended, lowmem_pages // 20)
    recommended = unsigned(recommended << (page_shift - 10), bits)
    if recommended > unsigned(min_free_kbytes, bits):
        return signed(recommended, 32)
    return min_free_kbytes


def setup_per_zone_wmarks(
    zones: list[dict[str, Any]], min_free_kbytes: int, scale_factor: int = 10, page_shift: int = 12, bits: int = 64
) -> list[dict[str, int]]:
    """mm/page_alloc.c:__setup_per_zone_wmarks: {min, low, high, promo, boost} for each zone of all nodes.

    `zones` must be complete: empty ones get marks too. Divides by zero, as the kernel does, when no zone is
    lowmem with pages.
    """
    pages_min = unsigned(min_free_kbytes >> (page_shift - 10), bits)
    lowmem_pages = unsigned(sum(zone["managed"] for zone in zones if lowmem_zone(zone)), bits)
    marks = []
    for zone in zones:
        managed = zone["managed"]
        share = unsigned(pages_min * managed, 64) // lowmem_pages
        if lowmem_zone(zone):
            mark = unsigned(share, bits)
        else:
            mark = clamp(managed // 1024, SWAP_CLUSTER_MAX, 128)
        step = max(share >> 2, mult_frac(managed, scale_factor, 10000, bits))
        low, high, promo = (unsigned(mark + step * times, bits) for times in (1, 2, 3))
        marks.append({"min": mark, "low": low, "high": high, "promo": promo, "boost": 0})
    return marks


def setup_per_zone_lowmem_reserve(managed: list[int], ratios: list[int], bits: int = 64) -> list[list[int]]:
    """mm/page_alloc.c:setup_per_zone_lowmem_reserve for one node: reserve[zone][highest_zoneidx].

    `managed` and `ratios` are by zone index, over all MAX_NR_ZONES (ZONE_DEVICE included, ratio 0). Ratios
    below 1 are stored as 0 by the sysctl. What is at and below a zone's own index is never written: 0.
    """
    reserve = [[0] * len(managed) for _ in managed]
    for i in range(len(managed) - 1):
        upper = 0
        for j in range(i + 1, len(managed)):
            upper = unsigned(upper + managed[j], bits)
            if ratios[i] > 0 and managed[i]:
                reserve[i][j] = signed(upper // ratios[i], bits)
    return reserve


def calculate_totalreserve_pages(nodes: list[list[dict[str, Any]]], bits: int = 64) -> tuple[list[int], int]:
    """mm/page_alloc.c:calculate_totalreserve_pages: (per node, in all).

    Each zone is {managed, high, lowmem_reserve}, `high` being high_wmark_pages().
    """
    per_node = []
    for zones in nodes:
        total = 0
        for i, zone in enumerate(zones):
            most = max([0, *zone["lowmem_reserve"][i:]])
            most = signed(most + zone["high"], bits)
            if unsigned(most, bits) > zone["managed"]:
                most = zone["managed"]
            total = unsigned(total + most, bits)
        per_node.append(total)
    return per_node, unsigned(sum(per_node), bits)


def boost_watermark(
    high: int, boost: int, managed: int, factor: int = 15000, pageblock_order: int = 9, kdump: bool = False, bits: int = 64
) -> tuple[bool, int]:
    """mm/page_alloc.c:boost_watermark: (whether it boosted, the zone's boost afterwards).

    `high` is _watermark[WMARK_HIGH], without any boost.
    """
    pageblock = 1 << pageblock_order
    if not factor or kdump or unsigned(pageblock * 4, bits) > managed:
        return False, boost
    most = mult_frac(high, factor, 10000, bits)
    if not most:
        return False, boost
    return True, min(unsigned(boost + pageblock, bits), max(pageblock, most))


# ---- the checks


class Zone:
    """What the watermark checks read of a zone.

    `vm_free` and `vm_cma` are the raw zone->vm_stat values, `deltas` the NR_FREE_PAGES differentials of the
    ONLINE CPUs. `free_area[order]` maps a migratetype to its number of free blocks.
    """

    def __init__(self, **fields: Any) -> None:
        """`marks` is _watermark[min, low, high, promo] without the boost."""
        self.managed: int = fields.pop("managed", 1)
        self.marks: list[int] = list(fields.pop("marks", [0, 0, 0, 0]))
        self.boost: int = fields.pop("boost", 0)
        self.lowmem_reserve: list[int] = list(fields.pop("lowmem_reserve", [0] * 8))
        self.vm_free: int = fields.pop("vm_free", 0)
        self.vm_cma: int = fields.pop("vm_cma", 0)
        self.deltas: list[int] = list(fields.pop("deltas", []))
        self.nr_free_highatomic: int = fields.pop("nr_free_highatomic", 0)
        self.free_area: list[dict[int, int]] = list(fields.pop("free_area", [{} for _ in range(11)]))
        self.percpu_drift_mark: int = fields.pop("percpu_drift_mark", 0)
        self.bits: int = fields.pop("bits", 64)
        if fields:
            raise TypeError(f"no such field of a zone: {sorted(fields)}")

    def wmark_pages(self, which: int) -> int:
        """include/linux/mmzone.h:wmark_pages: every mark, the lowest too, is read with the boost added."""
        return unsigned(self.marks[which] + self.boost, self.bits)

    def free_pages(self) -> int:
        """include/linux/vmstat.h:zone_page_state(NR_FREE_PAGES)."""
        return max(self.vm_free, 0)

    def free_pages_snapshot(self) -> int:
        """include/linux/vmstat.h:zone_page_state_snapshot(NR_FREE_PAGES)."""
        return max(self.vm_free + sum(self.deltas), 0)


def unusable_free(zone: Zone, order: int, alloc_flags: int, cma: bool = True) -> int:
    """mm/page_alloc.c:__zone_watermark_unusable_free; `cma` is CONFIG_CMA."""
    unusable = (1 << order) - 1
    if not alloc_flags & ALLOC_RESERVES:
        unusable += zone.nr_free_highatomic
    if cma and not alloc_flags & ALLOC_CMA:
        unusable += max(zone.vm_cma, 0)
    return signed(unusable, zone.bits)


def zone_watermark_ok_free(
    zone: Zone, order: int, mark: int, highest_zoneidx: int, alloc_flags: int, free_pages: int, cma: bool = True
) -> bool:
    """mm/page_alloc.c:__zone_watermark_ok, the free pages being the caller's."""
    least = signed(mark, zone.bits)
    free_pages = signed(free_pages - unusable_free(zone, order, alloc_flags, cma), zone.bits)
    if alloc_flags & ALLOC_MIN_RESERVE:
        least -= cdiv(least, 2)
        if alloc_flags & ALLOC_NON_BLOCK:
            least -= cdiv(least, 4)
    if alloc_flags & ALLOC_OOM:
        least -= cdiv(least, 2)
    if free_pages <= signed(least + zone.lowmem_reserve[highest_zoneidx], zone.bits):
        return False
    if not order:
        return True
    for area in zone.free_area[order:]:
        if any(area.get(mt) for mt in range(PCPTYPES)):
            return True
        if cma and alloc_flags & ALLOC_CMA and area.get(CMA):
            return True
        if alloc_flags & (ALLOC_HIGHATOMIC | ALLOC_OOM) and area.get(HIGHATOMIC):
            return True
    return False


def zone_watermark_ok(zone: Zone, order: int, mark: int, highest_zoneidx: int, alloc_flags: int, cma: bool = True) -> bool:
    """mm/page_alloc.c:zone_watermark_ok."""
    return zone_watermark_ok_free(zone, order, mark, highest_zoneidx, alloc_flags, zone.free_pages(), cma)


def zone_watermark_fast(zone: Zone, order: int, mark: int, highest_zoneidx: int, alloc_flags: int, cma: bool = True) -> bool:
    """mm/page_alloc.c:zone_watermark_fast. The first comparison is one of unsigned longs."""
    free_pages = zone.free_pages()
    if not order:
        usable = free_pages - min(free_pages, unusable_free(zone, 0, alloc_flags, cma))
        if unsigned(usable, zone.bits) > unsigned(mark + zone.lowmem_reserve[highest_zoneidx], zone.bits):
            return True
    if zone_watermark_ok_free(zone, order, mark, highest_zoneidx, alloc_flags, free_pages, cma):
        return True
    if not order and alloc_flags & ALLOC_MIN_RESERVE and zone.boost and alloc_flags & ALLOC_WMARK_MASK == WMARK_MIN:
        return zone_watermark_ok_free(zone, order, zone.marks[WMARK_MIN], highest_zoneidx, alloc_flags, free_pages, cma)
    return False


def zone_watermark_ok_safe(zone: Zone, order: int, mark: int, highest_zoneidx: int, cma: bool = True) -> bool:
    """mm/page_alloc.c:zone_watermark_ok_safe: alloc_flags is 0, so CMA and HIGHATOMIC blocks do not help."""
    free_pages = zone.free_pages()
    if zone.percpu_drift_mark and free_pages < zone.percpu_drift_mark:
        free_pages = zone.free_pages_snapshot()
    return zone_watermark_ok_free(zone, order, mark, highest_zoneidx, 0, free_pages, cma)


class Node:
    """What wakeup_kswapd reads and writes of a node. `highest` MAX_NR_ZONES means that none is asked for."""

    def __init__(self, zones: list[Zone], *, highest: int | None = None, order: int = 0, failures: int = 0) -> None:
        """`zones` by zone index, over all MAX_NR_ZONES; kswapd sleeps at first."""
        self.zones = zones
        self.kswapd_highest_zoneidx = len(zones) if highest is None else highest
        self.kswapd_order = order
        self.kswapd_failures = failures
        self.kswapd_sleeps = True


def pgdat_balanced(zones: list[Zone], order: int, highest_zoneidx: int, tiering: bool = False, cma: bool = True) -> bool:
    """mm/vmscan.c:pgdat_balanced; `tiering` is NUMA_BALANCING_MEMORY_TIERING. One zone that is well is enough."""
    looked = False
    for zone in zones[: highest_zoneidx + 1]:
        if not zone.managed:
            continue
        looked = True
        mark = zone.wmark_pages(WMARK_PROMO if tiering else WMARK_HIGH)
        if zone_watermark_ok_safe(zone, order, mark, highest_zoneidx, cma):
            return True
    return not looked


def pgdat_watermark_boosted(zones: list[Zone], highest_zoneidx: int) -> bool:
    """mm/vmscan.c:pgdat_watermark_boosted."""
    return any(zone.managed and zone.boost for zone in zones[: highest_zoneidx + 1])


def wakeup_kswapd(
    node: Node,
    zone: Zone,
    order: int,
    highest_zoneidx: int,
    *,
    direct_reclaim: bool = True,
    cpuset_allowed: bool = True,
    tiering: bool = False,
) -> str:
    """mm/vmscan.c:wakeup_kswapd: "kswapd", "kcompactd" or "nothing" is woken; the node's request is updated.

    `direct_reclaim` is __GFP_DIRECT_RECLAIM. The request is written even when nobody is woken.
    """
    if not zone.managed or not cpuset_allowed:
        return "nothing"
    current = node.kswapd_highest_zoneidx
    if current == len(node.zones) or current < highest_zoneidx:
        node.kswapd_highest_zoneidx = highest_zoneidx
    node.kswapd_order = max(node.kswapd_order, order)
    if not node.kswapd_sleeps:
        return "nothing"
    hopeless = node.kswapd_failures >= MAX_RECLAIM_RETRIES
    if hopeless or (
        pgdat_balanced(node.zones, order, highest_zoneidx, tiering) and not pgdat_watermark_boosted(node.zones, highest_zoneidx)
    ):
        return "nothing" if direct_reclaim else "kcompactd"
    return "kswapd"
