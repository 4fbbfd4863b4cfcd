"""The per-CPU page lists of one zone of Linux 6.1, function by function from the source.

A judge, not a specification: written from mm/page_alloc.c, mm/vmstat.c and include/linux/mmzone.h of v6.1
(Debian linux-source-6.1, 6.1.192) without sight of the project's own text, and sharing no code with pcp_612.
Pages are opaque; a list is a Python list, head first. What leaves the lists for the buddy system is handed to
`on_leave` at once, in order, and each call gives the same (page, order) pairs.

Assumed: CONFIG_MMU, trylock never fails, pages are never bad (check_pcp_refill, bulkfree_pcp_prepare),
single-threaded. `thp` None means no CONFIG_TRANSPARENT_HUGEPAGE, else it is pageblock_order, which 6.1 uses
where 6.12 has HPAGE_PMD_ORDER.

There is one `high` for all CPUs, copied; no auto-tuning, no alloc_factor, no decay, no below-high flag. The
portions of drain_pages_zone (CONFIG_PCP_BATCH_SCALE_MAX) belong to the 6.1 stable series.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, CMA, ISOLATE = range(6)
PCPTYPES = 3
LOWORDER_LISTS = 12
MIN_HIGH_FRACTION = 8
EINVAL = -22

Left = list[tuple[Any, int]]
Refill = Callable[[int, int, int], list[Any]]


def clamp(value: int, low: int, high: int) -> int:
    """include/linux/minmax.h:__clamp: the upper limit is looked at first, which matters when low > high."""
    if value >= high:
        return high
    return low if value <= low else value


def order_to_pindex(migratetype: int, order: int, thp: int | None = 9) -> int:
    """mm/page_alloc.c:order_to_pindex."""
    if thp is not None and order > 3:
        return LOWORDER_LISTS + (1 if migratetype == MOVABLE else 0)
    return PCPTYPES * order + migratetype


def pindex_to_order(pindex: int, thp: int | None = 9) -> int:
    """mm/page_alloc.c:pindex_to_order."""
    return thp if thp is not None and pindex >= LOWORDER_LISTS else pindex // PCPTYPES


def pcp_allowed_order(order: int, thp: int | None = 9) -> bool:
    """mm/page_alloc.c:pcp_allowed_order."""
    return order <= 3 or order == thp


def uses_pcp(order: int, migratetype: int, alloc_cma: bool, config_cma: bool = True, thp: int | None = 9) -> bool:
    """mm/page_alloc.c:rmqueue: a MOVABLE request that may not use CMA passes the lists by (not so in 6.12)."""
    return pcp_allowed_order(order, thp) and (not config_cma or alloc_cma or migratetype != MOVABLE)


def zone_batchsize(managed: int, page_shift: int = 12) -> int:
    """mm/page_alloc.c:zone_batchsize."""
    batch = min(managed >> 10, (1 << 20) // (1 << page_shift)) // 4
    batch = max(batch, 1)
    power = 1
    while power * 2 <= batch + batch // 2:
        power *= 2
    return power - 1


def zone_highsize(managed: int, low: int, batch: int, node_cpus: int, online: int, cpu_online: int, fraction: int) -> int:
    """mm/page_alloc.c:zone_highsize; `low` is low_wmark_pages(), a boost included."""
    total = low if not fraction else managed // fraction
    split = node_cpus + cpu_online
    if not split:
        split = online
    high = total // split
    high = (high + (1 << 31)) % (1 << 32) - (1 << 31)
    return max(high, batch << 2)


class Pcp:
    """struct per_cpu_pages, as per_cpu_pages_init leaves it."""

    def __init__(self, nr_lists: int) -> None:
        self.count = 0
        self.high = 0
        self.batch = 1
        self.free_factor = 0
        self.expire = 0
        self.lists: list[list[Any]] = [[] for _ in range(nr_lists)]


class ZonePcp:
    """The per-CPU lists of one zone; `reclaim_active` is the zone flag."""

    def __init__(
        self,
        cpus: int,
        *,
        managed: int = 0,
        low: int = 0,
        node_cpus: int | None = None,
        fraction: int = 0,
        thp: int | None = 9,
        scale_max: int = 5,
        page_shift: int = 12,
        on_leave: Callable[[Any, int], None] | None = None,
    ) -> None:
        """setup_zone_pageset; `scale_max` is CONFIG_PCP_BATCH_SCALE_MAX."""
        self.managed = managed
        self.low = low
        self.online = cpus
        self.node_cpus = cpus if node_cpus is None else node_cpus
        self.fraction = fraction
        self.thp = thp
        self.scale_max = scale_max
        self.page_shift = page_shift
        self.on_leave = on_leave
        self.reclaim_active = False
        self.pageset_high = 0
        self.pageset_batch = 1
        self.pcps = [Pcp(LOWORDER_LISTS if thp is None else LOWORDER_LISTS + 2) for _ in range(cpus)]
        self.set_pageset_high_and_batch(0)

    def set_pageset_high_and_batch(self, cpu_online: int = 0) -> None:
        """zone_set_pageset_high_and_batch: pcp->high changes at once, unlike 6.12."""
        batch = max(1, zone_batchsize(self.managed, self.page_shift))
        high = zone_highsize(self.managed, self.low, batch, self.node_cpus, self.online, cpu_online, self.fraction)
        if self.pageset_high == high and self.pageset_batch == batch:
            return
        self.pageset_high = high
        self.pageset_batch = batch
        for pcp in self.pcps:
            pcp.batch = batch
            pcp.high = high

    def write_high_fraction(self, value: int) -> int:
        """percpu_pagelist_high_fraction_sysctl_handler: 0, or -EINVAL and no change."""
        if not 0 <= value < 1 << 31 or (value and value < MIN_HIGH_FRACTION):
            return EINVAL
        if value == self.fraction:
            return 0
        self.fraction = value
        self.set_pageset_high_and_batch(0)
        return 0

    def nr_pcp_alloc(self, pcp: Pcp, order: int) -> int:
        """The batch of __rmqueue_pcplist."""
        batch = pcp.batch
        return max(batch >> order, 2) if batch > 1 else batch

    def alloc(self, cpu: int, order: int, migratetype: int, refill: Refill) -> Any:
        """rmqueue_pcplist and __rmqueue_pcplist: a page, or None when `refill(order, count, type)` gave nothing."""
        pcp = self.pcps[cpu]
        pcp.free_factor >>= 1
        pages = pcp.lists[order_to_pindex(migratetype, order, self.thp)]
        if not pages:
            taken = refill(order, self.nr_pcp_alloc(pcp, order), migratetype)
            pages += taken
            pcp.count += len(taken) << order
        if not pages:
            return None
        page = pages.pop(0)
        pcp.count -= 1 << order
        return page

    def nr_pcp_free(self, pcp: Pcp, high: int, batch: int, free_high: bool) -> int:
        """nr_pcp_free: doubles with each bulk free; high-order batches leave completely."""
        if free_high:
            return pcp.count
        if high < batch:
            return 1
        least, most = batch, high - batch
        batch <<= pcp.free_factor
        if batch < most and pcp.free_factor < self.scale_max:
            pcp.free_factor += 1
        return clamp(batch, least, most)

    def nr_pcp_high(self, pcp: Pcp, free_high: bool) -> int:
        """nr_pcp_high: the limit for this free; changes nothing."""
        if not pcp.high or free_high:
            return 0
        if not self.reclaim_active:
            return pcp.high
        return min(pcp.batch << 2, pcp.high)

    def free(self, cpu: int, page: Any, order: int, migratetype: int) -> Left:
        """free_unref_page_commit; `migratetype` is below PCPTYPES. Gives what left the lists."""
        pcp = self.pcps[cpu]
        pindex = order_to_pindex(migratetype, order, self.thp)
        pcp.lists[pindex].insert(0, page)
        pcp.count += 1 << order
        free_high = pcp.free_factor != 0 and 0 < order <= 3
        high = self.nr_pcp_high(pcp, free_high)
        if pcp.count < high:
            return []
        return self.free_pcppages_bulk(pcp, self.nr_pcp_free(pcp, high, pcp.batch, free_high), pindex)

    def free_pcppages_bulk(self, pcp: Pcp, count: int, pindex: int) -> Left:
        """free_pcppages_bulk: empty lists at either end are not looked at again; the order is that of 6.12."""
        left: Left = []
        least, most = 0, len(pcp.lists) - 1
        count = min(pcp.count, count)
        pindex -= 1
        while count > 0:
            while True:
                pindex += 1
                if pindex > most:
                    pindex = least
                pages = pcp.lists[pindex]
                if pages:
                    break
                if pindex == most:
                    most -= 1
                if pindex == least:
                    least += 1
            order = pindex_to_order(pindex, self.thp)
            while True:
                page = pages.pop()
                count -= 1 << order
                pcp.count -= 1 << order
                left.append((page, order))
                if self.on_leave is not None:
                    self.on_leave(page, order)
                if count <= 0 or not pages:
                    break
        return left

    def drain_zone_pages(self, cpu: int) -> Left:
        """drain_zone_pages: one batch."""
        pcp = self.pcps[cpu]
        return self.free_pcppages_bulk(pcp, min(pcp.count, pcp.batch), 0)

    def drain_pages_zone(self, cpu: int) -> Left:
        """drain_pages_zone."""
        pcp = self.pcps[cpu]
        left: Left = []
        count = 1
        while count:
            count = pcp.count
            if count:
                part = min(count, pcp.batch << self.scale_max)
                left += self.free_pcppages_bulk(pcp, part, 0)
                count -= part
        return left

    def refresh(self, cpu: int, *, folded: bool, local: bool, pagesets: bool = True) -> tuple[int, Left]:
        """The zone's part of mm/vmstat.c:refresh_cpu_vm_stats with CONFIG_NUMA: (changes, what left).

        A step down of `expire` is no change here; in 6.12 it is one.
        """
        pcp = self.pcps[cpu]
        if folded:
            pcp.expire = 3
        if not pagesets or not pcp.expire or not pcp.count:
            return 0, []
        if local:
            pcp.expire = 0
            return 0, []
        pcp.expire -= 1
        if pcp.expire:
            return 0, []
        return 1, self.drain_zone_pages(cpu)
