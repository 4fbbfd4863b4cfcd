"""Compactions under way: what they keep of freed blocks, and how they turn the free lists.

Direct compaction keeps the first freed block of the order and type that it wants (`mm/page_alloc.c:compaction_capture`, v6.12).
Its search for a free block turns the MOVABLE lists, so that the next search begins elsewhere
(`mm/compaction.c:{fast_isolate_freepages, fast_find_migrateblock}`, v6.12). Both run inside `mm_compaction_begin` and
`mm_compaction_end` of one process. What a search looked at is not traced, but it follows from the lists, the order that is wanted
and how often it failed before; `mm_compaction_fast_isolate_freepages`, which comes when it is over, says how many blocks it
looked at, and so whether what was worked out here is what was done. 6.1 has no such event: there the block that is taken first
after pages were taken to be moved tells whether a search found it; further searches for the same pages are not followed.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from mmspec.physical.buddy.ops import MOVABLE

from .formats import Event
from .search import CLUSTER, PAGEBLOCK, Compaction, Listed, TargetSearch, Turn, least_preferred, limits
from .zones import ZoneMap

_COSTLY_ORDER = 3
_CONTINUE = 4


@attrs.frozen
class TryToCompact(Event):
    """A request begins direct compaction (`try_to_compact_pages`)."""

    path = "compaction/mm_compaction_try_to_compact_pages"
    order: int
    gfp_mask: int


@attrs.frozen
class CompactionBegin(Event):
    """Compaction of one zone begins (`compact_zone`)."""

    path = "compaction/mm_compaction_begin"
    zone_start: int
    migrate_pfn: int
    free_pfn: int
    zone_end: int


@attrs.frozen
class CompactionEnd(Event):
    """Compaction of one zone is over."""

    path = "compaction/mm_compaction_end"
    zone_start: int


@attrs.frozen
class CompactionFinished(Event):
    """Compaction asked whether it is finished (`compact_finished`); `ret` 4: it goes on."""

    path = "compaction/mm_compaction_finished"
    order: int
    ret: int


@attrs.frozen
class IsolateMigratepages(Event):
    """Pages to be moved were taken from part of a pageblock; `end_pfn` is where the scanner is."""

    path = "compaction/mm_compaction_isolate_migratepages"
    start_pfn: int
    end_pfn: int
    nr_taken: int


@attrs.frozen
class IsolateFreepages(Event):
    """Free blocks were taken from part of a pageblock."""

    path = "compaction/mm_compaction_isolate_freepages"
    start_pfn: int
    end_pfn: int


@attrs.frozen
class FastIsolateFreepages(Event):
    """A search of the free lists is over; `end_pfn` is where the free scanner is."""

    path = "compaction/mm_compaction_fast_isolate_freepages"
    start_pfn: int
    end_pfn: int
    nr_scanned: int
    nr_taken: int


@attrs.frozen
class KcompactdSleep(Event):
    """A node's own compaction thread is done."""

    path = "compaction/mm_compaction_kcompactd_sleep"


@attrs.frozen
class ReclaimBegin(Event):
    """A request begins to reclaim memory."""

    path = "vmscan/mm_vmscan_direct_reclaim_begin"


@attrs.frozen
class ReclaimEnd(Event):
    """It is done."""

    path = "vmscan/mm_vmscan_direct_reclaim_end"


@attrs.frozen
class KswapdWake(Event):
    """A node's own reclaim thread begins."""

    path = "vmscan/mm_vmscan_kswapd_wake"


@attrs.frozen
class KswapdSleep(Event):
    """It is done."""

    path = "vmscan/mm_vmscan_kswapd_sleep"


COMPACTION_EVENTS: tuple[type[Event], ...] = (
    TryToCompact,
    CompactionBegin,
    CompactionEnd,
    CompactionFinished,
    IsolateMigratepages,
    IsolateFreepages,
    FastIsolateFreepages,
    KcompactdSleep,
    ReclaimBegin,
    ReclaimEnd,
    KswapdWake,
    KswapdSleep,
)


class Compactions:
    """All compactions under way, by process."""

    def __init__(self, zones: ZoneMap, searches_told: bool) -> None:
        """`searches_told`: the kernel has the event `FastIsolateFreepages`."""
        self._told = searches_told
        self._zones = {(span.start_pfn, span.end_pfn): number for number, span in enumerate(zones.spans)}
        self._requests: dict[int, TryToCompact] = {}
        self._running: dict[int, Compaction] = {}
        self._kept: dict[int, int] = {}
        self._before: dict[int, Compaction] = {}
        self._reclaiming: set[int] = set()
        self.unfollowed = 0
        """Searches that looked at other blocks than was worked out here."""

    # --- keeping -----------------------------------------------------------------------------------------------------

    def keeps(self, pid: int, zone: int) -> tuple[int, int] | None:
        """Return the order and type that a process keeps of what it frees in a zone."""
        running = self._running.get(pid)
        if running is None or running.zone != zone or running.wanted is None or running.wanted[0] != running.order:
            return None
        return running.wanted

    def keep(self, pid: int, pfn: int) -> None:
        """Note that a block was kept: no further one will be."""
        self._kept[pid] = pfn
        self._running[pid].wanted = None

    def kept(self, pid: int) -> int | None:
        """Return the block that a process kept, if any, which it now uses."""
        return self._kept.pop(pid, None)

    # --- turning -----------------------------------------------------------------------------------------------------

    def searching(self, pid: int) -> bool:
        """Tell whether a process is in a compaction that searches the lists."""
        running = self._running.get(pid)
        return running is not None and running.order > 0

    def taken(self, pid: int, pfn: int, order: int, behind: int | None, listed: Listed) -> Iterator[Turn]:
        """Note that a compaction takes a block, and which is behind it on its list; yield how lists were turned before."""
        running = self._running[pid]
        running.taken = pfn, order, behind
        if running.searches:
            yield from self._search_untold(running, pfn, listed)

    def _search_untold(self, running: Compaction, pfn: int | None, listed: Listed) -> Iterator[Turn]:
        """Follow a search of which only the block that it took is known (None: it took none)."""
        running.searches, taken, running.taken = False, None, None
        for limit in limits(running):
            search = TargetSearch(running, least_preferred(running), running.free_pfn, taken, 0, limit)
            search.run(listed)
            if search.found == pfn or (search.found is None and pfn is not None):
                running.search_order, running.fails = search.next_order, search.fails
                yield from search.turns
                return
        self.unfollowed += 1

    def note(self, event: Event, listed: Listed) -> Iterator[Turn]:
        """Take note of an event, and yield how it says that lists were turned."""
        if isinstance(event, TryToCompact):
            self._requests[event.pid] = event
        elif isinstance(event, CompactionBegin):
            self._begin(event)
        elif isinstance(event, CompactionEnd):
            if event.pid in self._running:
                self._before[event.pid] = self._running.pop(event.pid)
        elif isinstance(event, KcompactdSleep):
            self._before.pop(event.pid, None)
        elif isinstance(event, ReclaimBegin | KswapdWake):
            self._reclaiming.add(event.pid)
        elif isinstance(event, ReclaimEnd | KswapdSleep):
            self._reclaiming.discard(event.pid)
        elif event.pid in self._running:
            running = self._running[event.pid]
            if isinstance(event, CompactionFinished):
                running.order = event.order
                running.search_order = event.order if running.search_order < 0 else running.search_order
                running.next_is_first = event.ret == _CONTINUE
            elif isinstance(event, IsolateMigratepages):
                yield from self._found_source(running, event, listed)
            elif isinstance(event, IsolateFreepages):
                if running.searches:
                    yield from self._search_untold(running, None, listed)
                # A pageblock that was looked through is not looked at again.
                running.free_pfn = event.end_pfn if event.end_pfn % PAGEBLOCK else event.end_pfn - 2 * PAGEBLOCK
            elif isinstance(event, FastIsolateFreepages):
                yield from self._found_target(running, event, listed)

    def _begin(self, event: CompactionBegin) -> None:
        zone = self._zones.get((event.zone_start, event.zone_end))
        if zone is None:
            return
        request = self._requests.get(event.pid)
        wanted = None if request is None else (request.order, request.gfp_mask >> 3 & 3)
        begun = Compaction(zone, event.migrate_pfn, event.free_pfn, -1, wanted, -1)
        before = self._before.pop(event.pid, None)
        if before is not None and request is None:
            # The thread of a node goes through its zones with one memory (`mm/compaction.c:kcompactd_do_work`).
            begun.search_order, begun.fails = before.search_order, before.fails
        self._running[event.pid] = begun

    @property
    def off_lists(self) -> int:
        """The most pages that those who reclaim or compact now may have taken off the LRU lists, each a batch at a time."""
        return CLUSTER * (len(self._reclaiming) + len(self._running))

    def _found_source(self, running: Compaction, event: IsolateMigratepages, listed: Listed) -> Iterator[Turn]:
        """Follow the search for a pageblock to empty (`fast_find_migrateblock`), of which only the pageblock is known."""
        before, running.migrate_pfn = running.migrate_pfn, event.end_pfn
        running.searches = not self._told and running.order > 0 and event.nr_taken > 0
        first, running.next_is_first = running.next_is_first, False
        aligned = before % PAGEBLOCK == 0 or any(before == start for start, _ in self._zones)
        direct = running.wanted is None or running.wanted[1] == MOVABLE
        if not (first and aligned and direct and running.order > _COSTLY_ORDER):
            return
        left = (CLUSTER >> running.fails) + 1
        for order in range(running.order - 1, _COSTLY_ORDER - 1, -1):
            for pfn in listed(running.zone, order, MOVABLE):
                if not left:
                    yield Turn(running.zone, pfn, True)
                    running.fails += 1
                    return
                left -= 1
                if event.start_pfn != before and pfn & -PAGEBLOCK == event.start_pfn & -PAGEBLOCK:
                    yield Turn(running.zone, pfn, True)
                    running.fails = 0
                    return
            if not left:
                break
        running.fails += 1

    def _found_target(self, running: Compaction, event: FastIsolateFreepages, listed: Listed) -> Iterator[Turn]:
        """Follow the search for a free block (`fast_isolate_freepages`), the first way of searching that fits what is said.

        A search looks deeper where the free scanner has not moved since it was last reset, which no event tells.
        """
        taken, running.taken = (running.taken if event.nr_taken else None), None
        for limit in limits(running):
            search = TargetSearch(running, event.start_pfn, event.end_pfn, taken, event.nr_taken, limit)
            search.run(listed)
            if search.scanned == event.nr_scanned and (taken is None or search.found == taken[0]):
                # What was found and not taken, the watermark forbade to take: that counts as a failure.
                refused = taken is None and search.found is not None
                running.search_order, running.fails = search.next_order, search.fails + refused
                yield from search.turns
                return
        self.unfollowed += 1
