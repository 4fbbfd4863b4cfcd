"""The page allocator's choice of zones and its slow path in Linux 6.12, function by function from the source.

A judge, not a specification: written from mm/page_alloc.c, mm/compaction.c, mm/internal.h, kernel/cgroup/cpuset.c,
include/linux/sched/mm.h, include/linux/gfp.h and mm/fail_page_alloc.c of v6.12 (Debian linux-source-6.12, 6.12.117)
without sight of the project's own text. Each function names the kernel function it follows. Marks and checks are those
of the judge `watermarks_612`, zonelists those of `zonelists_612`.

A request is a generator: it stops where the kernel leaves the allocator (compaction, reclaim, draining, the OOM killer,
cond_resched before a NOFAIL request tries again), yields what it asks for, and is sent what came of it. The frames
themselves, the lists and kswapd are left out. The static key cpusets_insane_config is on.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from . import watermarks_612 as wm
from . import zonelists_612 as zl

DMA, DMA32, NORMAL, HIGHMEM, MOVABLE_ZONE, DEVICE = range(6)
KINDS = ["DMA", "DMA32", "NORMAL", "HIGHMEM", "MOVABLE", "DEVICE"]
RATIOS = [256, 256, 32, 0, 0, 0]

GFP_MOVABLE, GFP_RECLAIMABLE, GFP_HIGH, GFP_IO, GFP_FS = 8, 0x10, 0x20, 0x40, 0x80
GFP_DIRECT_RECLAIM, GFP_KSWAPD_RECLAIM, GFP_WRITE = 0x400, 0x800, 0x1000
GFP_RETRY_MAYFAIL, GFP_NOFAIL, GFP_NORETRY, GFP_MEMALLOC = 0x4000, 0x8000, 0x10000, 0x20000
GFP_NOMEMALLOC, GFP_HARDWALL, GFP_THISNODE = 0x80000, 0x100000, 0x200000

PF_MEMALLOC, VICTIM, REALTIME, HARDIRQ, SOFTIRQ, DUMPCORE, KILLED, EXITING, NOIO, NOFS, PIN = (1 << bit for bit in range(11))

COMPACT_SKIPPED, COMPACT_DEFERRED, COMPACT_SUCCESS = 1, 2, 8
SYNC_FULL, SYNC_LIGHT, ASYNC = 0, 1, 2
COSTLY = 3
RECLAIM_DISTANCE = 30
MAX_COMPACT_RETRIES = 16

#: What a request yields: what it asks for, the priority of compaction, and its alloc_flags so far.
Ask = tuple[str, int, int]
#: What it returns: the zone of its page and the alloc_flags that served, or None.
Got = tuple[int, int] | None
Request = Generator[Ask, dict[str, Any], Got]


class Machine:
    """Nodes of {kind: frames}: all free, all managed; the marks are those of the boot.

    With `grouping` pages are grouped by mobility however few there are: so the law has it.
    """

    def __init__(
        self, nodes: list[dict[int, int]], distance: list[list[int]], max_order: int = 10, pageblock_order: int = 9,
        grouping: bool = True,
    ) -> None:  # fmt: skip
        self.distance = distance
        self.max_order = max_order
        self.pageblock_order = pageblock_order
        self.nr_online_nodes = len(nodes)
        self.zones: dict[int, wm.Zone] = {}
        self.exact: dict[int, int] = {}
        self.reclaimable: dict[int, int] = {}
        self.below_high: set[int] = set()
        self._marks(nodes)
        memory = {node for node, kinds in enumerate(nodes) if kinds}
        orders, _ = zl.build_all_zonelists(distance, memory, set(range(len(nodes))))
        populated = {node: [kind in kinds for kind in range(6)] for node, kinds in enumerate(nodes)}
        self.fallback = {node: zl.build_zonerefs(order, populated) for node, order in orders.items()}
        self.nofallback = {node: zl.build_zonerefs([node], populated) for node in orders}
        # mm/page_alloc.c:build_all_zonelists: page_group_by_mobility_disabled. MIGRATE_TYPES is 6.
        pages = sum(frames for kinds in nodes for kind, frames in kinds.items() if kind <= MOVABLE_ZONE)
        self.mobility_disabled = not grouping and pages < (1 << pageblock_order) * 6
        self.tasks: dict[int, Request] = {}
        self.runs: dict[int, Run] = {}
        self.last: Run | None = None

    def _marks(self, nodes: list[dict[int, int]]) -> None:
        """mm/page_alloc.c:init_per_zone_wmark_min."""
        there = [(node, kind, frames) for node, kinds in enumerate(nodes) for kind, frames in sorted(kinds.items())]
        zones = [
            {"managed": frames, "is_highmem": kind == HIGHMEM, "is_movable": kind == MOVABLE_ZONE, "is_device": kind == DEVICE}
            for _, kind, frames in there
        ]
        kbytes = wm.calculate_min_free_kbytes(wm.nr_free_buffer_pages(zones) * 4)
        for (node, kind, frames), mark in zip(there, wm.setup_per_zone_wmarks(zones, kbytes), strict=True):
            managed = [nodes[node].get(k, 0) for k in range(6)]
            reserve = wm.setup_per_zone_lowmem_reserve(managed, RATIOS)[kind]
            zone = wm.Zone(
                managed=frames,
                vm_free=frames,
                marks=[mark[name] for name in ("min", "low", "high", "promo")],
                lowmem_reserve=reserve,
                free_area=[{wm.MOVABLE: 1} for _ in range(self.max_order + 1)],
            )
            self.zones[node * 8 + kind] = zone
            self.exact[node * 8 + kind] = frames
            self.reclaimable[node * 8 + kind] = 0

    def report(self, zone: int, free: int, exact: int, highatomic: int, cma: int, blocks: list[int]) -> None:
        """Set the counters of a zone; `blocks`: bits per order of mergeable, CMA and HIGHATOMIC lists."""
        z = self.zones[zone]
        z.vm_free, z.nr_free_highatomic, z.vm_cma, self.exact[zone] = free, highatomic, cma, exact
        kinds = zip((wm.MOVABLE, wm.CMA, wm.HIGHATOMIC), blocks, strict=True)
        pairs = list(kinds)
        z.free_area = [{mt: bits >> order & 1 for mt, bits in pairs} for order in range(self.max_order + 1)]

    def boost(self, zone: int) -> bool:
        """mm/page_alloc.c:boost_watermark."""
        z = self.zones[zone]
        done, z.boost = wm.boost_watermark(z.marks[wm.WMARK_HIGH], z.boost, z.managed, pageblock_order=self.pageblock_order)
        return done

    def take(self, zone: int, order: int) -> None:
        """A block leaves the free lists."""
        self.zones[zone].vm_free = max(0, self.zones[zone].vm_free - (1 << order))
        self.exact[zone] = max(0, self.exact[zone] - (1 << order))

    def gfp_migratetype(self, gfp: int) -> int:
        """include/linux/gfp.h:gfp_migratetype."""
        return 0 if self.mobility_disabled else (gfp & (GFP_MOVABLE | GFP_RECLAIMABLE)) >> 3

    def gfp_to_alloc_flags_cma(self, gfp: int, flags: int) -> int:
        """mm/page_alloc.c:gfp_to_alloc_flags_cma."""
        return flags | wm.ALLOC_CMA if self.gfp_migratetype(gfp) == wm.MOVABLE else flags

    def gfp_to_alloc_flags(self, gfp: int, order: int, context: int) -> int:
        """mm/page_alloc.c:gfp_to_alloc_flags."""
        flags = wm.WMARK_MIN | wm.ALLOC_CPUSET | gfp & (GFP_HIGH | GFP_KSWAPD_RECLAIM)
        if not gfp & GFP_DIRECT_RECLAIM:
            if not gfp & GFP_NOMEMALLOC:
                flags |= wm.ALLOC_NON_BLOCK
                if order > 0 and flags & wm.ALLOC_MIN_RESERVE:
                    flags |= wm.ALLOC_HIGHATOMIC
            if flags & wm.ALLOC_MIN_RESERVE:
                flags &= ~wm.ALLOC_CPUSET
        elif context & REALTIME and in_task(context):
            flags |= wm.ALLOC_MIN_RESERVE
        return self.gfp_to_alloc_flags_cma(gfp, flags)

    def first(self, refs: list[tuple[int, int]], highest: int, mask: int | None) -> int | None:
        """include/linux/mmzone.h:first_zones_zonelist: the place in the list, or None."""
        for place, (node, kind) in enumerate(refs):
            if kind <= highest and (mask is None or mask >> node & 1):
                return place
        return None

    # ---- requests of the interface

    def walk(self, gfp: int, order: int, flags: int, node: int, nodes: int | None, allowed: int, outside: dict[str, Any]) -> Got:
        """get_page_from_freelist by itself; `allowed`: the nodes of the cpuset."""
        run = Run(self, gfp, order, node, nodes, {**outside, "cpusets": True, "allowed": allowed})
        run.spread_dirty_pages = True
        return run.get_page_from_freelist(gfp, flags)

    def enter(self, task: int, *args: Any) -> Ask | Got:
        """Begin a request; a task that is in the slow path must not."""
        came = self._go(task, alloc_pages(self, *args), None)
        if task in self.tasks and self.last is not None:
            self.runs[task] = self.last
        return came

    def answer(self, task: int, outside: dict[str, Any]) -> Ask | Got:
        """Go on with what came of what the request asked for."""
        return self._go(task, self.tasks[task], outside)

    def _go(self, task: int, request: Request, sent: dict[str, Any] | None) -> Ask | Got:
        try:
            ask = request.send(sent) if sent is not None else next(request)
        except StopIteration as end:
            self.tasks.pop(task, None)
            return end.value  # type: ignore[no-any-return]
        self.tasks[task] = request
        return ask


def in_task(context: int) -> bool:
    """include/linux/preempt.h:in_task."""
    return not context & (HARDIRQ | SOFTIRQ)


def pfmemalloc_flags(gfp: int, context: int) -> int:
    """mm/page_alloc.c:__gfp_pfmemalloc_flags."""
    if gfp & GFP_NOMEMALLOC:
        return 0
    if gfp & GFP_MEMALLOC:
        return wm.ALLOC_NO_WATERMARKS
    if context & SOFTIRQ and context & PF_MEMALLOC:
        return wm.ALLOC_NO_WATERMARKS
    if not context & (HARDIRQ | SOFTIRQ):
        if context & PF_MEMALLOC:
            return wm.ALLOC_NO_WATERMARKS
        if context & VICTIM:
            return wm.ALLOC_OOM
    return 0


def current_gfp_context(gfp: int, context: int) -> int:
    """include/linux/sched/mm.h:current_gfp_context."""
    if context & NOIO:
        gfp &= ~(GFP_IO | GFP_FS)
    elif context & NOFS:
        gfp &= ~GFP_FS
    if context & PIN:
        gfp &= ~GFP_MOVABLE
    return gfp


class Run:
    """An alloc_context, and the outside as it was last told."""

    def __init__(self, machine: Machine, gfp: int, order: int, node: int, nodes: int | None, outside: dict[str, Any]) -> None:
        self.machine = machine
        self.order = order
        self.nodemask = nodes
        self.highest = KINDS.index(zl.gfp_zone(gfp & 15, highmem=False)[0])
        self.refs = (machine.nofallback if gfp & GFP_THISNODE else machine.fallback).get(node, [])
        self.preferred = machine.first(self.refs, self.highest, nodes)
        self.migratetype = machine.gfp_migratetype(gfp)
        self.spread_dirty_pages = False
        self.outside = outside
        self.changed = False
        self.freed = 0
        self.compaction_retries = 0
        self.no_progress_loops = 0
        self.compact_priority = SYNC_LIGHT

    def told(self, outside: dict[str, Any]) -> dict[str, Any]:
        """The outside is now so."""
        self.outside = outside
        self.changed = bool(outside["changed"])
        return outside

    @property
    def context(self) -> int:
        return int(self.outside.get("context", 0))

    def cpuset_node_allowed(self, node: int, gfp: int) -> bool:
        """kernel/cgroup/cpuset.c:cpuset_node_allowed."""
        if "allowed" in self.outside:
            return bool(self.outside["allowed"] >> node & 1)
        context = self.context
        if context & (HARDIRQ | SOFTIRQ):
            return True
        if self.outside["mems"] >> node & 1:
            return True
        if context & VICTIM:
            return True
        if gfp & GFP_HARDWALL:
            return False
        if context & EXITING:
            return True
        return bool(self.outside["wall"] >> node & 1)

    def barred(self, node: int, gfp: int, flags: int) -> bool:
        """The cpuset test that four loops have."""
        return bool(self.outside["cpusets"] and flags & wm.ALLOC_CPUSET and not self.cpuset_node_allowed(node, gfp))

    def rest(self, start: int | None) -> list[tuple[int, int]]:
        """for_next_zone_zonelist_nodemask."""
        if start is None:
            return []
        mask = self.nodemask
        return [(n, k) for n, k in self.refs[start:] if k <= self.highest and (mask is None or mask >> n & 1)]

    def all(self) -> list[tuple[int, int]]:
        """for_each_zone_zonelist_nodemask."""
        return self.rest(self.machine.first(self.refs, self.highest, self.nodemask))

    def get_page_from_freelist(self, gfp: int, flags: int) -> Got:
        """mm/page_alloc.c:get_page_from_freelist."""
        while True:
            no_fallback = bool(flags & wm.ALLOC_NOFRAGMENT)
            again = False
            for node, kind in self.rest(self.preferred):
                assert self.preferred is not None
                if self.barred(node, gfp, flags):
                    continue
                if self.spread_dirty_pages and self.outside["dirty"] >> node & 1:
                    continue
                first = self.refs[self.preferred]
                if no_fallback and self.machine.nr_online_nodes > 1 and (node, kind) != first and node != first[0]:
                    flags &= ~wm.ALLOC_NOFRAGMENT
                    again = True
                    break
                self.freed = 0
                if self.zone_serves(node, kind, gfp, flags) and self.rmqueue(node * 8 + kind, flags):
                    return node * 8 + kind, flags
            if again:
                continue
            if not no_fallback:
                return None
            flags &= ~wm.ALLOC_NOFRAGMENT

    def zone_serves(self, node: int, kind: int, gfp: int, flags: int) -> bool:
        """The part of get_page_from_freelist between the tests of the node and `try_this_zone`."""
        machine, number = self.machine, node * 8 + kind
        zone = machine.zones[number]
        if number not in machine.below_high:
            if wm.zone_watermark_fast(zone, self.order, zone.wmark_pages(wm.WMARK_HIGH), self.highest, flags):
                return True
            machine.below_high.add(number)
        mark = zone.wmark_pages(flags & wm.ALLOC_WMARK_MASK)
        if wm.zone_watermark_fast(zone, self.order, mark, self.highest, flags):
            return True
        if self.outside["grown"] >> number & 1:
            return True
        if flags & wm.ALLOC_NO_WATERMARKS:
            return True
        assert self.preferred is not None
        reclaimed = self.outside["reclaimed"]
        if not reclaimed or machine.distance[self.refs[self.preferred][0]][node] > RECLAIM_DISTANCE:
            return False
        # mm/vmscan.c:node_reclaim.
        if not gfp & GFP_DIRECT_RECLAIM or self.context & PF_MEMALLOC:
            return False
        # What reclaim freed holds for this zone; what became of it the next report says.
        self.freed = reclaimed
        return wm.zone_watermark_ok_free(zone, self.order, mark, self.highest, flags, zone.free_pages() + reclaimed)

    def rmqueue(self, number: int, flags: int) -> bool:
        """mm/page_alloc.c:rmqueue, rmqueue_buddy: what the outside says, and no more than there is."""
        zone = self.machine.zones[number]
        if self.outside["empty"] >> number & 1 or zone.vm_free + self.freed < 1 << self.order:
            return False
        lists = {wm.UNMOVABLE, wm.MOVABLE, wm.RECLAIMABLE}
        if flags & wm.ALLOC_CMA:
            lists.add(wm.CMA)
        if flags & (wm.ALLOC_HIGHATOMIC | wm.ALLOC_OOM | wm.ALLOC_NON_BLOCK):
            lists.add(wm.HIGHATOMIC)
        if self.order and not any(area.get(mt) for area in zone.free_area[self.order :] for mt in lists):
            return False
        self.machine.take(number, self.order)
        return True

    def cpuset_fallback(self, gfp: int, flags: int) -> Got:
        """mm/page_alloc.c:__alloc_pages_cpuset_fallback."""
        return self.get_page_from_freelist(gfp, flags | wm.ALLOC_CPUSET) or self.get_page_from_freelist(gfp, flags)

    def direct_compact(self, gfp: int, flags: int, priority: int, name: str, before: int) -> Generator[Ask, dict[str, Any], Any]:
        """mm/page_alloc.c:__alloc_pages_direct_compact: (page, compact_result)."""
        if not self.order:
            return None, before
        if not gfp & GFP_IO:
            return None, COMPACT_SKIPPED
        answer = self.told((yield name, priority, flags))
        result = answer["compacted"]
        if result == COMPACT_SKIPPED:
            return None, result
        if answer["captured"] is not None:
            return (answer["captured"], flags), result
        return self.get_page_from_freelist(gfp, flags), result

    def direct_reclaim(self, gfp: int, flags: int) -> Generator[Ask, dict[str, Any], Any]:
        """mm/page_alloc.c:__alloc_pages_direct_reclaim: (page, did_some_progress)."""
        if not self.told((yield "reclaim", self.compact_priority, flags))["progress"]:
            return None, False
        page = self.get_page_from_freelist(gfp, flags)
        if page is None:
            self.told((yield "drain", self.compact_priority, flags))
            page = self.get_page_from_freelist(gfp, flags)
        return page, True

    def may_oom(self, gfp: int, flags: int) -> Generator[Ask, dict[str, Any], Any]:
        """mm/page_alloc.c:__alloc_pages_may_oom: (page, did_some_progress)."""
        if self.outside["busy"]:
            return None, True
        page = self.get_page_from_freelist((gfp | GFP_HARDWALL) & ~GFP_DIRECT_RECLAIM, wm.WMARK_HIGH | wm.ALLOC_CPUSET)
        if page or self.context & DUMPCORE or self.order > COSTLY:
            return page, False
        if gfp & (GFP_RETRY_MAYFAIL | GFP_THISNODE) or self.highest < NORMAL:
            return None, False
        killed = self.told((yield "kill", self.compact_priority, flags))["killed"]
        if killed or gfp & GFP_NOFAIL:
            if gfp & GFP_NOFAIL:
                page = self.cpuset_fallback(gfp, wm.ALLOC_NO_WATERMARKS)
            return page, True
        return None, False

    def check_retry(self) -> bool:
        """mm/page_alloc.c:check_retry_cpuset, check_retry_zonelist."""
        if self.outside["cpusets"] and self.nodemask is not None and not self.nodemask & self.outside["mems"]:
            self.nodemask = None
            return True
        return self.changed

    def should_reclaim_retry(self, gfp: int, flags: int, progress: bool) -> bool:
        """mm/page_alloc.c:should_reclaim_retry."""
        if progress and self.order <= COSTLY:
            self.no_progress_loops = 0
        else:
            self.no_progress_loops += 1
        if self.no_progress_loops <= wm.MAX_RECLAIM_RETRIES:
            for node, kind in self.all():
                if self.barred(node, gfp, flags):
                    continue
                zone, number = self.machine.zones[node * 8 + kind], node * 8 + kind
                available = self.machine.reclaimable[number] + self.machine.exact[number]
                if wm.zone_watermark_ok_free(zone, self.order, zone.wmark_pages(wm.WMARK_MIN), self.highest, flags, available):
                    return True
        return bool(self.outside["released"])

    def should_compact_retry(self, result: int) -> bool:
        """mm/page_alloc.c:should_compact_retry."""
        if not self.order or self.context & KILLED:
            return False
        if result == COMPACT_SKIPPED:
            return bool(self.outside["suitable"])
        costly = self.order > COSTLY
        if result == COMPACT_SUCCESS:
            self.compaction_retries += 1
            if self.compaction_retries <= (MAX_COMPACT_RETRIES // 4 if costly else MAX_COMPACT_RETRIES):
                return True
        if self.compact_priority > (SYNC_LIGHT if costly else SYNC_FULL):
            self.compact_priority -= 1
            self.compaction_retries = 0
            return True
        return False

    def slowpath(self, gfp: int) -> Request:  # noqa: PLR0915
        """mm/page_alloc.c:__alloc_pages_slowpath; `state` is the label that the goto names."""
        machine, order = self.machine, self.order
        can_direct_reclaim, costly = gfp & GFP_DIRECT_RECLAIM, order > COSTLY
        state, flags = "restart", 0
        page: Got
        while True:
            if state == "restart":
                self.compaction_retries, self.no_progress_loops, self.compact_priority = 0, 0, SYNC_LIGHT
                result, self.changed = COMPACT_SKIPPED, False
                flags = machine.gfp_to_alloc_flags(gfp, order, self.context)
                state = "nopage"
                self.preferred = machine.first(self.refs, self.highest, self.nodemask)
                if self.preferred is None:
                    continue
                insane = self.outside["cpusets"] and gfp & GFP_HARDWALL
                if insane and machine.first(self.refs, self.highest, self.outside["mems"]) is None:
                    continue
                page = self.get_page_from_freelist(gfp, flags)
                if page:
                    return page
                state = "retry"
                compact = costly or (order > 0 and self.migratetype != wm.MOVABLE)
                if can_direct_reclaim and gfp & GFP_IO and compact and not pfmemalloc_flags(gfp, self.context):
                    page, result = yield from self.direct_compact(gfp, flags, ASYNC, "compact", result)
                    if page:
                        return page
                    if costly and gfp & GFP_NORETRY:
                        if result in (COMPACT_SKIPPED, COMPACT_DEFERRED) or gfp & GFP_THISNODE:
                            state = "nopage"
                            continue
                        self.compact_priority = ASYNC
            elif state == "retry":
                if self.check_retry():
                    state = "restart"
                    continue
                reserve = pfmemalloc_flags(gfp, self.context)
                if reserve:
                    flags = machine.gfp_to_alloc_flags_cma(gfp, reserve) | flags & wm.ALLOC_KSWAPD
                if not flags & wm.ALLOC_CPUSET or reserve:
                    self.nodemask = None
                    self.preferred = machine.first(self.refs, self.highest, None)
                page = self.get_page_from_freelist(gfp, flags)
                if page:
                    return page
                state = "nopage"
                if not can_direct_reclaim or self.context & PF_MEMALLOC:
                    continue
                page, progress = yield from self.direct_reclaim(gfp, flags)
                if page:
                    return page
                page, result = yield from self.direct_compact(gfp, flags, self.compact_priority, "compact_again", result)
                if page:
                    return page
                if gfp & GFP_NORETRY or (costly and not (gfp & GFP_IO and gfp & GFP_RETRY_MAYFAIL)):
                    continue
                state = "retry"
                if self.should_reclaim_retry(gfp, flags, progress):
                    continue
                if progress and gfp & GFP_IO and self.should_compact_retry(result):
                    continue
                if self.check_retry():
                    state = "restart"
                    continue
                page, progress = yield from self.may_oom(gfp, flags)
                if page:
                    return page
                if self.context & VICTIM and (flags & wm.ALLOC_OOM or gfp & GFP_NOMEMALLOC):
                    state = "nopage"
                elif progress:
                    self.no_progress_loops = 0
                else:
                    state = "nopage"
            else:
                if self.check_retry():
                    state = "restart"
                    continue
                if not gfp & GFP_NOFAIL or not can_direct_reclaim:
                    return None
                page = self.cpuset_fallback(gfp, wm.ALLOC_MIN_RESERVE)
                if page:
                    return page
                self.told((yield "wait", self.compact_priority, flags))
                state = "retry"


def alloc_pages(machine: Machine, gfp: int, order: int, node: int, nodes: int | None, outside: dict[str, Any]) -> Request:
    """mm/page_alloc.c:__alloc_pages_noprof, prepare_alloc_pages."""
    if order > machine.max_order:
        return None
    flags = wm.WMARK_LOW
    gfp = fast = current_gfp_context(gfp, outside["context"])
    mask = nodes
    if outside["cpusets"]:
        fast |= GFP_HARDWALL
        if in_task(outside["context"]) and nodes is None:
            mask = outside["mems"]
        else:
            flags |= wm.ALLOC_CPUSET
    # mm/fail_page_alloc.c:should_fail_alloc_page.
    if outside["inject"] and not gfp & GFP_NOFAIL:
        return None
    run = machine.last = Run(machine, gfp, order, node, mask, outside)
    flags = machine.gfp_to_alloc_flags_cma(gfp, flags)
    run.spread_dirty_pages = bool(gfp & GFP_WRITE)
    flags |= nofragment(run, gfp)
    page = run.get_page_from_freelist(fast, flags)
    if page:
        return page
    run.spread_dirty_pages = False
    run.nodemask = nodes
    return (yield from run.slowpath(gfp))


def nofragment(run: Run, gfp: int) -> int:
    """mm/page_alloc.c:alloc_flags_nofragment."""
    flags = gfp & GFP_KSWAPD_RECLAIM
    if run.preferred is None or run.refs[run.preferred][1] != NORMAL:
        return flags
    if run.machine.nr_online_nodes > 1 and run.refs[run.preferred][0] * 8 + DMA32 not in run.machine.zones:
        return flags
    return flags | wm.ALLOC_NOFRAGMENT
