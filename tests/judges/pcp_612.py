"""The per-CPU page lists of one zone of Linux 6.12, function by function from the source.

A judge, not a specification: written from mm/page_alloc.c, mm/vmstat.c and include/linux/mmzone.h of v6.12
(Debian linux-source-6.12, 6.12.117) without sight of the project's own text. Pages are opaque; a list is a
Python list, head first. What leaves the lists for the buddy system is handed to `on_leave` at once, in order,
and each call gives the same (page, order) pairs.

Assumed: CONFIG_MMU (else batch and high are 0, then 1 and 0), trylock never fails, pages are never bad,
single-threaded. `thp` None means no CONFIG_TRANSPARENT_HUGEPAGE, else it is HPAGE_PMD_ORDER.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, CMA, ISOLATE = range(6)
PCPTYPES = 3
COSTLY_ORDER = 3
NR_LOWORDER_LISTS = PCPTYPES * (COSTLY_ORDER + 1)
MIN_HIGH_FRACTION = 8
PREV_FREE_HIGH_ORDER = 1
FREE_HIGH_BATCH = 2
EINVAL = -22

Left = list[tuple[Any, int]]
Refill = Callable[[int, int, int], list[Any]]


def s32(value: int) -> int:
    """The value as an int."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def s16(value: int) -> int:
    """The value as a short."""
    return (value + (1 << 15)) % (1 << 16) - (1 << 15)


def clamp(value: int, low: int, high: int) -> int:
    """include/linux/minmax.h:__clamp: the upper limit is looked at first, which matters when low > high."""
    if value >= high:
        return high
    return low if value <= low else value


def order_to_pindex(migratetype: int, order: int, thp: int | None = 9) -> int:
    """mm/page_alloc.c:order_to_pindex. Huge pages have two lists: movable, and all the rest before it."""
    if thp is not None and order > COSTLY_ORDER:
        return NR_LOWORDER_LISTS + (migratetype == MOVABLE)
    return PCPTYPES * order + migratetype


def pindex_to_order(pindex: int, thp: int | None = 9) -> int:
    """mm/page_alloc.c:pindex_to_order."""
    if thp is not None and pindex >= NR_LOWORDER_LISTS:
        return thp
    return pindex // PCPTYPES


def pcp_allowed_order(order: int, thp: int | None = 9) -> bool:
    """mm/page_alloc.c:pcp_allowed_order."""
    return order <= COSTLY_ORDER or order == thp


def pcp_migratetype(migratetype: int) -> int | None:
    """The choice in free_unref_page: which list type a pageblock's type goes to; None: straight to the buddy."""
    if migratetype < PCPTYPES:
        return migratetype
    return None if migratetype == ISOLATE else MOVABLE


def zone_batchsize(managed: int, page_shift: int = 12) -> int:
    """mm/page_alloc.c:zone_batchsize; 0 for zones below 8192 pages (with 4k pages)."""
    batch = min(managed >> 10, (1 << 20) >> page_shift)
    batch = max(batch // 4, 1)
    return (1 << ((batch + batch // 2).bit_length() - 1)) - 1


def zone_highsize(managed: int, low: int, batch: int, node_cpus: int, online: int, cpu_online: int, fraction: int) -> int:
    """mm/page_alloc.c:zone_highsize.

    `low` is low_wmark_pages(), a boost included; `node_cpus` the CPUs in the mask of the zone's node.
    """
    total = managed // fraction if fraction else low
    split = (node_cpus + cpu_online) or online
    return max(s32(total // split), batch << 2)


class Pcp:
    """struct per_cpu_pages, as per_cpu_pages_init leaves it: a boot pageset, high 0 and batch 1."""

    def __init__(self, nr_lists: int) -> None:
        self.count = 0
        self.high = 0
        self.high_min = 0
        self.high_max = 0
        self.batch = 1
        self.flags = 0
        self.alloc_factor = 0
        self.expire = 0
        self.free_count = 0
        self.lists: list[list[Any]] = [[] for _ in range(nr_lists)]


class ZonePcp:
    """The per-CPU lists of one zone.

    `below_high` and `reclaim_active` are the zone flags. `high_ok` answers zone_watermark_ok(zone, 0, high,
    ZONE_MOVABLE, 0) after pages have left; without it below_high is left alone.
    """

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
        high_ok: Callable[[], bool] | None = None,
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
        self.high_ok = high_ok
        self.below_high = False
        self.reclaim_active = False
        self.pageset_high_min = 0
        self.pageset_high_max = 0
        self.pageset_batch = 1
        self.pcps = [Pcp(NR_LOWORDER_LISTS + (0 if thp is None else 2)) for _ in range(cpus)]
        self.set_pageset_high_and_batch(0)

    # ---- sizes

    def highsize(self, batch: int, cpu_online: int, fraction: int) -> int:
        """zone_highsize of this zone."""
        return zone_highsize(self.managed, self.low, batch, self.node_cpus, self.online, cpu_online, fraction)

    def set_pageset_high_and_batch(self, cpu_online: int = 0) -> None:
        """zone_set_pageset_high_and_batch: never touches pcp->high; does nothing when nothing changed."""
        batch = max(1, zone_batchsize(self.managed, self.page_shift))
        if self.fraction:
            high_min = high_max = self.highsize(batch, cpu_online, self.fraction)
        else:
            high_min = self.highsize(batch, cpu_online, 0)
            high_max = self.highsize(batch, cpu_online, MIN_HIGH_FRACTION)
        if (self.pageset_high_min, self.pageset_high_max, self.pageset_batch) == (high_min, high_max, batch):
            return
        self.pageset_high_min, self.pageset_high_max, self.pageset_batch = high_min, high_max, batch
        for pcp in self.pcps:
            pcp.high_min, pcp.high_max, pcp.batch = high_min, high_max, batch

    def write_high_fraction(self, value: int) -> int:
        """percpu_pagelist_high_fraction_sysctl_handler: 0, or -EINVAL and no change."""
        if value < 0 or value > (1 << 31) - 1 or 0 < value < MIN_HIGH_FRACTION:
            return EINVAL
        if value != self.fraction:
            self.fraction = value
            self.set_pageset_high_and_batch(0)
        return 0

    def set_cacheinfo(self, cpu: int, slice_bytes: int) -> None:
        """zone_pcp_update_cacheinfo: `slice_bytes` is per_cpu_data_slice_size."""
        pcp = self.pcps[cpu]
        if slice_bytes >> self.page_shift > 3 * pcp.batch:
            pcp.flags |= FREE_HIGH_BATCH
        else:
            pcp.flags &= ~FREE_HIGH_BATCH

    # ---- allocation

    def nr_pcp_alloc(self, pcp: Pcp, order: int) -> int:
        """nr_pcp_alloc: how many blocks to ask the buddy system for; moves pcp->high and alloc_factor."""
        base = pcp.batch
        high = pcp.high = clamp(pcp.high, pcp.high_min, pcp.high_max)
        if high < base:
            return 1
        batch = base if order else base << pcp.alloc_factor
        if pcp.high_min != pcp.high_max and not self.below_high:
            high = pcp.high = min(high + batch, pcp.high_max)
        if not order:
            most = max(high - pcp.count - base, base)
            if batch <= most and pcp.alloc_factor < self.scale_max:
                pcp.alloc_factor += 1
            batch = min(batch, most)
        if batch > 1:
            batch = max(batch >> order, 2)
        return batch

    def alloc(self, cpu: int, order: int, migratetype: int, refill: Refill) -> Any:
        """rmqueue_pcplist and __rmqueue_pcplist: a page, or None when the refill gave nothing.

        `refill(order, count, migratetype)` is rmqueue_bulk: at most count blocks, in the order they were taken.
        """
        pcp = self.pcps[cpu]
        pcp.free_count >>= 1
        pages = pcp.lists[order_to_pindex(migratetype, order, self.thp)]
        if not pages:
            taken = refill(order, self.nr_pcp_alloc(pcp, order), migratetype)
            pages.extend(taken)
            pcp.count += len(taken) << order
            if not pages:
                return None
        pcp.count -= 1 << order
        return pages.pop(0)

    # ---- freeing

    def nr_pcp_free(self, pcp: Pcp, batch: int, high: int, free_high: bool) -> int:
        """nr_pcp_free: pages, not blocks."""
        if free_high:
            return min(pcp.count, batch << self.scale_max)
        if high < batch:
            return 1
        return clamp(pcp.free_count, batch, high - batch)

    def nr_pcp_high(self, pcp: Pcp, batch: int, free_high: bool) -> int:
        """nr_pcp_high: the limit for this free; moves pcp->high."""
        high_min, high_max = pcp.high_min, pcp.high_max
        high = pcp.high = clamp(pcp.high, high_min, high_max)
        if not high:
            return 0
        if free_high:
            pcp.high = max(high - (batch << self.scale_max), high_min)
            return 0
        if self.reclaim_active:
            pcp.high = max(high - max(pcp.free_count, batch), high_min)
            return min(batch << 2, pcp.high)
        if high_min == high_max:
            return high
        if self.below_high:
            pcp.high = max(high - max(pcp.free_count, batch), high_min)
            return max(pcp.count, high_min)
        if pcp.count >= high:
            need = pcp.free_count + batch
            if pcp.high < need:
                pcp.high = clamp(need, high_min, high_max)
        return high

    def free(self, cpu: int, page: Any, order: int, migratetype: int) -> Left:
        """free_unref_page_commit; `migratetype` is below PCPTYPES (see pcp_migratetype). Gives what left."""
        pcp = self.pcps[cpu]
        pcp.alloc_factor >>= 1
        pindex = order_to_pindex(migratetype, order, self.thp)
        pcp.lists[pindex].insert(0, page)
        pcp.count += 1 << order
        batch = pcp.batch
        free_high = False
        if 0 < order <= COSTLY_ORDER:
            free_high = (
                pcp.free_count >= batch
                and bool(pcp.flags & PREV_FREE_HIGH_ORDER)
                and (not pcp.flags & FREE_HIGH_BATCH or pcp.count >= batch)
            )
            pcp.flags |= PREV_FREE_HIGH_ORDER
        else:
            pcp.flags &= ~PREV_FREE_HIGH_ORDER
        if pcp.free_count < batch << self.scale_max:
            pcp.free_count = s16(pcp.free_count + (1 << order))
        high = self.nr_pcp_high(pcp, batch, free_high)
        left: Left = []
        if pcp.count >= high:
            left = self.free_pcppages_bulk(pcp, self.nr_pcp_free(pcp, batch, high, free_high), pindex)
            if self.below_high and self.high_ok is not None and self.high_ok():
                self.below_high = False
        return left

    def free_pcppages_bulk(self, pcp: Pcp, count: int, pindex: int) -> Left:
        """free_pcppages_bulk: each list is emptied from its tail before the next one is looked at."""
        left: Left = []
        count = min(pcp.count, count)
        pindex -= 1
        while count > 0:
            pindex += 1
            if pindex > len(pcp.lists) - 1:
                pindex = 0
            order = pindex_to_order(pindex, self.thp)
            while count > 0 and pcp.lists[pindex]:
                page = pcp.lists[pindex].pop()
                count -= 1 << order
                pcp.count -= 1 << order
                left.append((page, order))
                if self.on_leave is not None:
                    self.on_leave(page, order)
        return left

    # ---- draining

    def decay_pcp_high(self, cpu: int) -> tuple[bool, Left]:
        """decay_pcp_high: (whether there is more to do, what left). The first list served is list 0."""
        pcp = self.pcps[cpu]
        left: Left = []
        todo = False
        if pcp.high > pcp.high_min:
            pcp.high = max(pcp.count - (pcp.batch << self.scale_max), pcp.high - (pcp.high >> 3), pcp.high_min)
            todo = pcp.high > pcp.high_min
        to_drain = pcp.count - pcp.high
        while to_drain > 0:
            part = min(to_drain, pcp.batch)
            left += self.free_pcppages_bulk(pcp, part, 0)
            todo = True
            to_drain -= part
        return todo, left

    def drain_zone_pages(self, cpu: int) -> Left:
        """drain_zone_pages: one batch."""
        pcp = self.pcps[cpu]
        return self.free_pcppages_bulk(pcp, min(pcp.count, pcp.batch), 0)

    def drain_pages_zone(self, cpu: int) -> Left:
        """drain_pages_zone: everything, in portions of batch << CONFIG_PCP_BATCH_SCALE_MAX, each from list 0."""
        pcp = self.pcps[cpu]
        left: Left = []
        while True:
            count = pcp.count
            if count:
                part = min(count, pcp.batch << self.scale_max)
                left += self.free_pcppages_bulk(pcp, part, 0)
                count -= part
            if not count:
                return left

    def refresh(self, cpu: int, *, folded: bool, local: bool, pagesets: bool = True, numa: bool = True) -> tuple[bool, Left]:
        """The zone's part of mm/vmstat.c:refresh_cpu_vm_stats: (changed, what left).

        `folded`: a zone counter of this CPU was not zero. `local`: the CPU is on the zone's node.
        """
        pcp = self.pcps[cpu]
        if folded and numa:
            pcp.expire = 3
        if not pagesets:
            return False, []
        changed, left = self.decay_pcp_high(cpu)
        if not numa or not pcp.expire or not pcp.count:
            return changed, left
        if local:
            pcp.expire = 0
            return changed, left
        pcp.expire -= 1
        if pcp.expire:
            return True, left
        return True, left + self.drain_zone_pages(cpu)
