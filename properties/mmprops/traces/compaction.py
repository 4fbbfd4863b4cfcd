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

from collections.abc import Iterator, Sequence

import attrs

from mmspec.physical.buddy.ops import MOVABLE

from .archive import CaptureError
from .formats import Event
from .search import CLUSTER, Compaction, Listed, SourceSearch, TargetSearch, Turn, least_preferred, limits
from .zones import ZoneMap

_COSTLY_ORDER = 3
_NO_SUITABLE_PAGE, _CONTINUE = 3, 4
_IGNORING_HINTS = 0


@attrs.frozen
class TryToCompact(Event):
    """A request begins direct compaction (`try_to_compact_pages`)."""

    path = "compaction/mm_compaction_try_to_compact_pages"
    order: int
    gfp_mask: int
    prio: int
    """0 for the last attempt, which heeds no skip hints (`include/linux/compaction.h:enum compact_priority`)."""

    @property
    def migratetype(self) -> int:
        """Return the type that is wanted (`include/linux/gfp.h:gfp_migratetype`)."""
        return self.gfp_mask >> 3 & 3


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
    """Compaction asked whether it is finished (`compact_finished`); `ret` 3 or 4: it goes on."""

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
class MigratePages(Event):
    """Pages that were taken were moved, or could not be."""

    path = "compaction/mm_compaction_migratepages"
    nr_failed: int


@attrs.frozen
class IsolateFreepages(Event):
    """Free blocks were taken from part of a pageblock."""

    path = "compaction/mm_compaction_isolate_freepages"
    start_pfn: int
    end_pfn: int
    nr_taken: int


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
    MigratePages,
    IsolateFreepages,
    FastIsolateFreepages,
    KcompactdSleep,
    ReclaimBegin,
    ReclaimEnd,
    KswapdWake,
    KswapdSleep,
)

NEEDED_EVENTS = TryToCompact, CompactionBegin, CompactionEnd, CompactionFinished, IsolateMigratepages, IsolateFreepages
"""Those without which it is not known what compaction did; every kernel that compacts has them."""


class Compactions:
    """All compactions under way, by process."""

    def __init__(self, zones: ZoneMap, searches_told: bool, pageblock_order: int, max_order: int) -> None:
        """`searches_told`: the kernel has the event `FastIsolateFreepages`."""
        self._told = searches_told
        self._size = 1 << pageblock_order
        self._max_order = max_order
        self._zones = {(span.start_pfn, span.end_pfn): number for number, span in enumerate(zones.spans)}
        self._requests: dict[int, TryToCompact] = {}
        self._running: dict[int, Compaction] = {}
        self._kept: dict[int, tuple[int, int, int]] = {}
        self._threads: set[int] = set()
        self.unused: set[int] = set()
        """Processes whose compaction is over, and kept a block that they have not used yet."""
        self._before: dict[int, Compaction] = {}
        self._reclaiming: set[int] = set()
        self.unfollowed = 0
        """Searches that looked at other blocks than was worked out here, or of which two ways fit what is told."""

    # --- keeping -----------------------------------------------------------------------------------------------------

    def keeps(self, pid: int, zone: int) -> tuple[int, int] | None:
        """Return the order and type that a process keeps of what it frees in a zone."""
        running = self._running.get(pid)
        if running is None or running.zone != zone or running.wanted is None or running.wanted[0] != running.order:
            return None
        return running.wanted

    def keep(self, pid: int, pfn: int) -> None:
        """Note that a block was kept: no further one will be."""
        running = self._running[pid]
        self._kept[pid] = running.zone, pfn, running.order
        running.wanted = None

    def kept(self, pid: int) -> int | None:
        """Return the block that a process kept, if any, which it now uses."""
        self.unused.discard(pid)
        return self._kept.pop(pid, (0, None, 0))[1]

    def forget_unused(self, pid: int | None, order: int | None = None) -> list[tuple[int, int, int]]:
        """Forget what a process (None: each) kept and did not use, and return zone, block and order: it is a kernel thread.

        With `order`, only where the process asks for a block of that order now: an interrupt may ask for others.
        """
        found = [other for other in self.unused if pid in (None, other) and order in (None, self._kept[other][2])]
        self._threads.update(found)
        self.unused.difference_update(found)
        return [self._kept.pop(other) for other in found]

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
        running.searches, running.taken = False, None
        fitting: list[TargetSearch] = []
        for limit in limits(running):
            search = TargetSearch(running, least_preferred(running), running.free_pfn, None, 0, limit, 1)
            search.run(listed)
            if search.found == pfn or (search.found is None and pfn is not None):
                fitting.append(search)
        self._follow_one(running, fitting)
        for fits in fitting[:1]:
            yield from fits.turns

    def note(self, event: Event, listed: Listed) -> Iterator[Turn]:
        """Take note of an event, and yield how it says that lists were turned."""
        if isinstance(event, TryToCompact):
            self._requests[event.pid] = event
        elif isinstance(event, CompactionBegin):
            self._begin(event)
        elif isinstance(event, CompactionEnd):
            self._end(event.pid)
        elif isinstance(event, KcompactdSleep):
            self._before.pop(event.pid, None)
        elif isinstance(event, ReclaimBegin | KswapdWake):
            self._reclaiming.add(event.pid)
        elif isinstance(event, ReclaimEnd | KswapdSleep):
            self._reclaiming.discard(event.pid)
        elif event.pid in self._running:
            running = self._running[event.pid]
            if isinstance(event, CompactionFinished):
                yield from self._finished(running, event, listed)
            elif isinstance(event, IsolateMigratepages):
                yield from self._found_source(running, event)
            elif isinstance(event, MigratePages):
                running.need -= event.nr_failed
            elif isinstance(event, IsolateFreepages):
                if running.searches:
                    yield from self._search_untold(running, None, listed)
                # A pageblock that was looked through is not looked at again.
                running.free_pfn = event.end_pfn if event.end_pfn % self._size else event.end_pfn - 2 * self._size
                running.free_least = min(running.free_least, running.free_pfn)
                running.need -= event.nr_taken
            elif isinstance(event, FastIsolateFreepages):
                yield from self._found_target(running, event, listed)

    def _begin(self, event: CompactionBegin) -> None:
        zone = self._zones.get((event.zone_start, event.zone_end))
        if zone is None:
            return
        request = self._requests.get(event.pid)
        start, free = event.zone_start, event.free_pfn
        begun = Compaction(zone, event.migrate_pfn, free, -1, None, -1, size=self._size, zone_start=start, free_least=free)
        before = self._before.pop(event.pid, None)
        if request is not None:
            begun.order = request.order
            begun.wanted = None if event.pid in self._threads else (request.order, request.migratetype)
            begun.clears = request.migratetype == MOVABLE and request.prio != _IGNORING_HINTS
        elif before is not None:
            # The thread of a node goes through its zones with one memory (`mm/compaction.c:kcompactd_do_work`).
            begun.search_order, begun.fails = before.search_order, before.fails
        self._running[event.pid] = begun

    def _end(self, pid: int) -> None:
        running = self._running.pop(pid, None)
        if running is None:
            return
        if running.source is not None and running.source.found:
            self.unfollowed += 1
        self._before[pid] = running
        if pid in self._kept:
            self.unused.add(pid)

    @property
    def off_lists(self) -> int:
        """The most pages that those who reclaim or compact now may have taken off the LRU lists, each a batch at a time."""
        return CLUSTER * (len(self._reclaiming) + len(self._running))

    def _finished(self, running: Compaction, event: CompactionFinished, listed: Listed) -> Iterator[Turn]:
        """Note that compaction goes on or ends; if it goes on, it may look for a pageblock to empty."""
        if not -1 <= event.order <= self._max_order:
            raise CaptureError(f"event {event.seq} ({event.path})", f"names order {event.order}, which no block has")
        if event.order != running.order:
            running.order = event.order
            if running.wanted is not None:
                # The request that this process made before is over: this is another compaction.
                running.wanted, running.clears = None, True
        running.search_order = event.order if running.search_order < 0 else running.search_order
        if running.source is not None:
            # Had it found one, pages of that would have been taken.
            yield from self._found_no_source(running)
        at_start = running.migrate_pfn == running.zone_start
        # It stands at the beginning of a pageblock, and looked whether a block is free: so it is told that none is.
        aligned = event.ret == _NO_SUITABLE_PAGE or (event.ret == _CONTINUE and at_start)
        if aligned and running.clears and event.order > _COSTLY_ORDER and running.migrate_pfn >= self._size:
            running.source = SourceSearch(running, listed)

    def _found_no_source(self, running: Compaction) -> Iterator[Turn]:
        """Carry out a search that found no pageblock to empty."""
        assert running.source is not None
        self.unfollowed += running.source.unsure
        if running.source.stopped is not None:
            yield Turn(running.zone, running.source.stopped, True)
        running.fails += 1
        running.source = None
        if running.fast_start is not None and not running.restarted:
            running.migrate_pfn, running.restarted = running.fast_start, True

    def _found_source(self, running: Compaction, event: IsolateMigratepages) -> Iterator[Turn]:
        """Follow the search for a pageblock to empty, now that the pageblock is known."""
        search = running.source
        if search is not None:
            begins = event.start_pfn % self._size == 0 or event.start_pfn == running.zone_start
            found = search.at(event.start_pfn) if begins else None
            if found is None:
                # 6.1 marks what it found to be skipped, and may pass it over.
                self.unfollowed += not self._told and bool(search.found)
                yield from self._found_no_source(running)
            else:
                self.unfollowed += search.unsure
                yield Turn(running.zone, found, True)
                running.fails, running.source = 0, None
                if not running.restarted:
                    running.fast_start = found if running.fast_start is None else min(found, running.fast_start)
        running.migrate_pfn = event.end_pfn
        running.need += event.nr_taken
        running.searches = not self._told and running.order > 0 and event.nr_taken > 0

    def _found_target(self, running: Compaction, event: FastIsolateFreepages, listed: Listed) -> Iterator[Turn]:
        """Follow the search for a free block (`fast_isolate_freepages`), the way of searching that fits what is said.

        A search looks deeper where the free scanner has not moved since it was last reset, which no event tells.
        """
        running.free_pfn = event.end_pfn
        running.free_least = event.end_pfn if event.nr_taken else event.start_pfn
        taken, running.taken = (running.taken if event.nr_taken else None), None
        fitting: list[TargetSearch] = []
        for limit in limits(running):
            search = TargetSearch(running, event.start_pfn, event.end_pfn, taken, event.nr_taken, limit, running.need)
            search.run(listed)
            if search.scanned == event.nr_scanned and (taken is None or search.found == taken[0]):
                if taken is None and search.found is not None:
                    search.refuse()
                fitting.append(search)
        running.need -= event.nr_taken
        self._follow_one(running, fitting)
        for fits in fitting[:1]:
            yield from fits.turns

    def _follow_one(self, running: Compaction, fitting: Sequence[TargetSearch]) -> None:
        """Go on from the search that fits; that none does, or two that differ, is counted."""
        self.unfollowed += not fitting or any(search.effect != fitting[0].effect for search in fitting)
        for search in fitting[:1]:
            running.search_order, running.fails = search.next_order, search.fails
