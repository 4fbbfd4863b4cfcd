"""The searches of compaction, worked out on the lists: which block each finds, and how it turns the lists.

Nothing here reads a trace; `compaction` holds what comes of a search against what the trace says of it.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from mmspec.physical.buddy.ops import MOVABLE

CLUSTER = 32
"""Pages that compaction or reclaim takes off the LRU lists at a time (`include/linux/swap.h:COMPACT_CLUSTER_MAX`)."""

_COSTLY_ORDER = 3

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
    free_pfn: int
    order: int
    wanted: tuple[int, int] | None
    """Order and type that a direct compaction keeps; None once it kept one, or for others."""
    search_order: int
    fails: int = 0
    size: int = 512
    """Frames of a pageblock."""
    zone_start: int = 0
    clears: bool = True
    """Whether it may search for a pageblock to empty: as a node's own thread or for movable pages, and heeding skip hints."""
    fast_start: int | None = None
    """The least frame that such a search found, from which it once begins anew."""
    restarted: bool = False
    source: SourceSearch | None = None
    """Such a search, of which it is not known yet what it found."""
    free_least: int = 0
    """The least that `free_pfn` may be: a search that fails may move it unseen."""
    need: int = 0
    """Pages that are still to be moved, for which no free frame was taken."""
    taken: tuple[int, int, int | None] | None = None
    """Frame and order of the block that was taken last, and the block behind it on its list."""
    searches: bool = False
    """Whether its next step is to search for a free block, where no event tells what came of that (6.1)."""


def limits(running: Compaction) -> tuple[int, int]:
    """Return how many blocks of a list a search looks at: many where it begins anew, fewer with each failure."""
    return running.size >> 1, max(1, ((CLUSTER >> running.fails) + 1) >> 1)


def least_preferred(running: Compaction) -> int:
    """Return the least frame that a search takes: in the upper half of what is left between the scanners."""
    return (running.free_pfn - ((running.free_pfn - running.migrate_pfn) >> 1)) & -running.size


class SourceSearch:
    """One search of the MOVABLE lists for a pageblock to empty (`mm/compaction.c:fast_find_migrateblock`, v6.12).

    It goes down the orders, and each list from the head on, until it meets a block low enough in the zone whose pageblock has no
    skip hint. The hints are not known: `found` are the blocks that it may have met, and the pages that are taken next tell.
    """

    def __init__(self, running: Compaction, listed: Listed) -> None:
        begin = running.migrate_pfn
        shift = 1 if begin == running.zone_start else 3
        below, surely = ((begin + ((free - begin) >> shift)) & -running.size for free in (running.free_pfn, running.free_least))
        left = (CLUSTER >> running.fails) + 1
        self._size = running.size
        self.found: list[int] = []
        self.stopped: int | None = None
        """The block at which it gave up, which comes last on its list."""
        self.unsure = False
        """Whether it depends on where the free scanner is, which is not known."""
        for order in range(running.order - 1, _COSTLY_ORDER - 1, -1):
            for pfn in listed(running.zone, order, MOVABLE) if left > 0 else ():
                if not left:
                    self.stopped = pfn
                    break
                left -= 1
                self.unsure |= surely <= pfn < below
                if pfn < below:
                    self.found.append(pfn)
            if self.stopped is not None:
                break

    def at(self, pfn: int) -> int | None:
        """Return the block that was found if the pageblock of a frame is emptied now."""
        return next((block for block in self.found if block & -self._size == pfn & -self._size), None)


class TargetSearch:
    """One search of the MOVABLE lists for a block to take (`mm/compaction.c:fast_isolate_freepages`, v6.12).

    It goes down the orders from where the last one succeeded, around once, and each list from the tail up. `taken` is the block
    that was taken, which is on no list any more.
    """

    def __init__(
        self,
        running: Compaction,
        least: int,
        free_pfn: int,
        taken: tuple[int, int, int | None] | None,
        frames: int,
        limit: int,
        need: int,
    ) -> None:
        """`frames`: how many were taken of `need`, 0 if that is not told, and then what is found counts as taken."""
        distance = free_pfn - running.migrate_pfn
        self._zone = running.zone
        self._preferred = (free_pfn - (distance >> 2)) & -running.size
        self._least = least
        self._taken, self._frames = taken, frames
        self._limit = limit
        self._need = need
        self._top = max(running.order, 1) - 1
        self._begin = min(self._top, running.search_order) if running.search_order >= 0 else self._top
        self.fails = running.fails
        self.turns: list[Turn] = []
        self.scanned = 0
        self.next_order = self._begin
        """Where the next search begins."""
        self.found: int | None = None

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
        self.found = found
        if taken is None:
            self.turns.append(Turn(self._zone, found, False))
        elif taken[0] == found and taken[2] is not None:
            self.turns.append(Turn(self._zone, taken[2], False))
        self.scanned += max(0, self._frames - 1)
        if preferred:
            self.next_order, self.fails = order, 0
        elif self._below(order) == self._begin and self._frames < self._need:
            self.next_order = self._below(self._begin)
        return True

    def refuse(self) -> None:
        """Note that the watermark forbade to take what was found: that ends the search, and counts as a failure."""
        self.next_order = self._below(self.next_order)
        self.fails += 1

    @property
    def effect(self) -> tuple[list[Turn], int, int]:
        """What it changes."""
        return self.turns, self.next_order, self.fails

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
