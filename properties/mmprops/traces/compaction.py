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


COMPACTION_EVENTS: tuple[type[Event], ...] = (
    TryToCompact,
    CompactionBegin,
    CompactionEnd,
    CompactionFinished,
    IsolateMigratepages,
    FastIsolateFreepages,
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


@attrs.frozen
class Search:
    """What one search of the lists did."""

    turns: tuple[Turn, ...]
    scanned: int
    search_order: int
    fails: int


class Compactions:
    """All compactions under way, by process."""

    def __init__(self, zones: ZoneMap) -> None:
        self._zones = {(span.start_pfn, span.end_pfn): number for number, span in enumerate(zones.spans)}
        self._requests: dict[int, TryToCompact] = {}
        self._running: dict[int, Compaction] = {}
        self._kept: dict[int, int] = {}
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
            self._running.pop(event.pid, None)
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
        self._running[event.pid] = Compaction(zone, event.migrate_pfn, -1, wanted, -1)

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
        """Follow the search for a free block (`fast_isolate_freepages`), the first way of searching that fits what is said."""
        taken, running.taken = (running.taken if event.nr_taken else None), None
        searches = [
            _search(running, event, listed, taken, limit)
            for limit in (_PAGEBLOCK >> 1, max(1, ((_CLUSTER >> running.fails) + 1) >> 1))
        ]
        fitting = [search for search in searches if search.scanned == event.nr_scanned]
        if not fitting:
            self.unfollowed += 1
            return
        running.search_order, running.fails = fitting[0].search_order, fitting[0].fails
        yield from fitting[0].turns


def _search(
    running: Compaction, event: FastIsolateFreepages, listed: Listed, taken: tuple[int, int, int | None] | None, limit: int
) -> Search:
    """Return what a search does that begins with a limit; the block that it took is on no list any more."""
    distance = event.end_pfn - running.migrate_pfn
    low = (event.end_pfn - (distance >> 2)) & -_PAGEBLOCK
    wanted = max(running.order, 1) - 1
    begin = min(wanted, running.search_order) if running.search_order >= 0 else wanted
    turns: list[Turn] = []
    scanned = 0
    order = begin
    while True:
        blocks = list(reversed(listed(running.zone, order, MOVABLE)))
        here = taken is not None and taken[1] == order
        if here and taken is not None:
            blocks.insert(blocks.index(taken[2]) + 1 if taken[2] in blocks else 0, taken[0])
        seen, high, last, found = 0, 0, None, None
        for pfn in blocks:
            seen, last = seen + 1, pfn
            if pfn >= low:
                found = pfn
                break
            if pfn >= event.start_pfn and pfn > high:
                high, limit = pfn, limit >> 1
            if seen >= limit:
                break
        else:
            last = None
        preferred = found is not None
        found = found if found is not None else high or None
        last = found if found is not None else last
        scanned += seen
        if here and taken is not None and found == taken[0]:
            if taken[2] is not None:
                turns.append(Turn(running.zone, taken[2], False))
            return Search(
                tuple(turns), scanned + event.nr_taken - 1, order if preferred else begin, 0 if preferred else running.fails
            )
        if last is not None and last != (taken[0] if taken is not None else None):
            turns.append(Turn(running.zone, last, False))
        if found is not None:
            # It would have been taken, and was not: the watermark forbade it, or this is not what was done.
            return Search(tuple(turns), scanned, order if preferred else begin, running.fails + 1)
        if seen >= limit:
            limit = max(1, limit >> 1)
        order = order - 1 if order else wanted
        if order == begin:
            again = begin - 1 if begin else wanted
            return Search(tuple(turns), scanned, again, running.fails + 1)
