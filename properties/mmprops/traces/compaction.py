"""Compactions under way: what they keep of freed blocks, and how they turn the free lists.

Direct compaction keeps the first freed block of the order and type that it wants (`mm/page_alloc.c:compaction_capture`, v6.12).
Its search for a free block turns the MOVABLE lists, so that the next search begins elsewhere
(`mm/compaction.c:{fast_isolate_freepages, fast_find_migrateblock}`, v6.12). Both run inside `mm_compaction_begin` and
`mm_compaction_end` of one process. What a search looked at is not traced, but it follows from the lists, the order that is wanted
and how often it failed before; `mm_compaction_fast_isolate_freepages`, which comes when it is over, says how many blocks it
looked at, and so whether what was worked out here is what was done. 6.1 has no such event: there, searches are not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from mmspec.physical.buddy.ops import MOVABLE

from .formats import Event
from .zones import ZoneMap

_COSTLY_ORDER = 3
_CLUSTER = 32
_PAGEBLOCK = 512
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
    FastIsolateFreepages,
    KcompactdSleep,
    ReclaimBegin,
    ReclaimEnd,
    KswapdWake,
    KswapdSleep,
)

Listed = Callable[[int, int, int], tuple[int, ...]]
"""Gives the list of (zone, order, type), head first."""


@attrs.frozen
class Turn:
    """A list that was turned until the block at `pfn` was first, or last."""

    zone: int
    pfn: int
    to_tail: bool


@attrs.define
class Compaction:
    """One compaction of one zone, by one process."""

    zone: int
    migrate_pfn: int
    order: int
    wanted: tuple[int, int] | None
    """Order and type that a direct compaction keeps; None once it kept one, or for others."""
    search_order: int
    fails: int = 0
    next_is_first: bool = False
    taken: tuple[int, int, int | None] | None = None
    """Frame and order of the block that was taken last, and the block behind it on its list."""


class Compactions:
    """All compactions under way, by process."""

    def __init__(self, zones: ZoneMap) -> None:
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

    def taken(self, pid: int, pfn: int, order: int, behind: int | None) -> None:
        """Note that a compaction took a block, and which was behind it on its list."""
        self._running[pid].taken = pfn, order, behind

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
            elif isinstance(event, FastIsolateFreepages):
                yield from self._found_target(running, event, listed)

    def _begin(self, event: CompactionBegin) -> None:
        zone = self._zones.get((event.zone_start, event.zone_end))
        if zone is None:
            return
        request = self._requests.get(event.pid)
        wanted = None if request is None else (request.order, request.gfp_mask >> 3 & 3)
        begun = Compaction(zone, event.migrate_pfn, -1, wanted, -1)
        before = self._before.pop(event.pid, None)
        if before is not None and request is None:
            # The thread of a node goes through its zones with one memory (`mm/compaction.c:kcompactd_do_work`).
            begun.search_order, begun.fails = before.search_order, before.fails
        self._running[event.pid] = begun

    @property
    def off_lists(self) -> int:
        """The most pages that those who reclaim or compact now may have taken off the LRU lists, each a batch at a time."""
        return _CLUSTER * (len(self._reclaiming) + len(self._running))

    def _found_source(self, running: Compaction, event: IsolateMigratepages, listed: Listed) -> Iterator[Turn]:
        """Follow the search for a pageblock to empty (`fast_find_migrateblock`), of which only the pageblock is known."""
        before, running.migrate_pfn = running.migrate_pfn, event.end_pfn
        first, running.next_is_first = running.next_is_first, False
        aligned = before % _PAGEBLOCK == 0 or any(before == start for start, _ in self._zones)
        direct = running.wanted is None or running.wanted[1] == MOVABLE
        if not (first and aligned and direct and running.order > _COSTLY_ORDER):
            return
        left = (_CLUSTER >> running.fails) + 1
        for order in range(running.order - 1, _COSTLY_ORDER - 1, -1):
            for pfn in listed(running.zone, order, MOVABLE):
                if not left:
                    yield Turn(running.zone, pfn, True)
                    running.fails += 1
                    return
                left -= 1
                if event.start_pfn != before and pfn & -_PAGEBLOCK == event.start_pfn & -_PAGEBLOCK:
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
        for limit in (_PAGEBLOCK >> 1, max(1, ((_CLUSTER >> running.fails) + 1) >> 1)):
            search = TargetSearch(running, event, taken, limit)
            search.run(listed)
            if search.scanned == event.nr_scanned:
                running.search_order, running.fails = search.next_order, search.fails
                yield from search.turns
                return
        self.unfollowed += 1


class TargetSearch:
    """One search of the MOVABLE lists for a block to take (`mm/compaction.c:fast_isolate_freepages`, v6.12).

    It goes down the orders from where the last one succeeded, around once, and each list from the tail up. `taken` is the block
    that was taken, which is on no list any more.
    """

    def __init__(
        self, running: Compaction, event: FastIsolateFreepages, taken: tuple[int, int, int | None] | None, limit: int
    ) -> None:
        distance = event.end_pfn - running.migrate_pfn
        self._zone = running.zone
        self._preferred = (event.end_pfn - (distance >> 2)) & -_PAGEBLOCK
        self._least = event.start_pfn
        self._taken, self._frames = taken, event.nr_taken
        self._limit = limit
        self._top = max(running.order, 1) - 1
        self._begin = min(self._top, running.search_order) if running.search_order >= 0 else self._top
        self.fails = running.fails
        self.turns: list[Turn] = []
        self.scanned = 0
        self.next_order = self._begin
        """Where the next search begins."""

    def run(self, listed: Listed) -> None:
        """Search until a block is found, or every order was looked at."""
        order = self._begin
        while not self._look(order, list(reversed(listed(self._zone, order, MOVABLE)))):
            order = self._below(order)
            if order == self._begin:
                self.next_order = self._below(order)
                self.fails += 1
                return

    def _below(self, order: int) -> int:
        return order - 1 if order else self._top

    def _look(self, order: int, blocks: list[int]) -> bool:
        """Look at one list, given from the tail up; tell whether that was the last."""
        taken = self._taken if self._taken is not None and self._taken[1] == order else None
        if taken is not None:
            blocks.insert(blocks.index(taken[2]) + 1 if taken[2] in blocks else 0, taken[0])
        found, last, preferred = self._scan(blocks)
        if found is None:
            if last is not None:
                self.turns.append(Turn(self._zone, last, False))
            return False
        if taken is None or taken[0] != found:
            # The watermark forbade to take it, or this is not what was done.
            self.turns.append(Turn(self._zone, found, False))
            self.fails += 1
            return True
        if taken[2] is not None:
            self.turns.append(Turn(self._zone, taken[2], False))
        self.scanned += self._frames - 1
        if preferred:
            self.next_order, self.fails = order, 0
        elif self._below(order) == self._begin and self._frames < _CLUSTER:
            self.next_order = self._below(self._begin)
        return True

    def _scan(self, blocks: list[int]) -> tuple[int | None, int | None, bool]:
        """Return the block that would do, the block at which the scan stopped early, and whether it is a preferred one."""
        highest: int | None = None
        for seen, pfn in enumerate(blocks, 1):
            self.scanned += 1
            if pfn >= self._preferred:
                return pfn, pfn, True
            if pfn >= self._least and (highest is None or pfn > highest):
                highest, self._limit = pfn, self._limit >> 1
            if seen >= self._limit:
                if highest is None:
                    self._limit = max(1, self._limit >> 1)
                return highest, pfn, False
        return highest, None, False
