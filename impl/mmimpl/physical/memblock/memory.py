"""The two tables together: where free memory is, and how they grow into the memory that they describe."""

from __future__ import annotations

from collections.abc import Iterator

from mmimpl.physical.memblock.table import Table
from mmspec.physical.memblock.ops import (
    DRIVER_MANAGED,
    HOTPLUG,
    MEMORY,
    MEMORY_GIVEN,
    MIRROR,
    NO_NODE,
    NOMAP,
    PAGE_SIZE,
    REGION_BYTES,
    RESERVED,
    TOP,
    Addr,
    Config,
    Move,
    Nid,
    Size,
    Type,
)  # fmt: skip
from mmspec.words import Count, Flags


class Stopped(Exception):
    """The kernel would stop here."""


class Memory:
    """What is memory and what is reserved, how it is searched, and what the tables moved during the request at hand."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.memory, self.reserved = Table(config.memory_max), Table(config.reserved_max)
        self.limit, self.bottom_up, self.mirrors = TOP, False, False
        self.places: dict[Type, tuple[Addr, Size]] = {}  # where tables lie that were doubled
        self.moved: list[Move] = []

    def table(self, which: Type) -> Table:
        """Return the table of a type."""
        return self.reserved if which == RESERVED else self.memory

    # --- searching ---------------------------------------------------------------------------------------------------

    def serves(self, flags: Flags, nid: Nid, wanted: Nid, mirror: bool) -> bool:
        """Tell whether a region of memory may serve."""
        barred = NOMAP | DRIVER_MANAGED | (HOTPLUG if self.config.movable_node else 0)
        return not flags & barred and wanted in (NO_NODE, nid) and (not mirror or bool(flags & MIRROR))

    def ranges(self, nid: Nid, mirror: bool) -> Iterator[tuple[Addr, Addr]]:
        """Yield the free ranges of memory that may serve, ascending; one may be empty, between two reserved regions."""
        memory, reserved, at = self.memory, self.reserved, 0
        for m in range(len(memory)):
            base, end = memory.bases[m], memory.ends[m]
            if not self.serves(memory.flags[m], memory.nids[m], nid, mirror):
                continue
            at = reserved.ending_above(base)
            at -= at > 0 and reserved.ends[at - 1] == base and at < len(reserved) and reserved.bases[at] == base
            low = reserved.ends[at - 1] if at else 0
            while low < end:
                high = reserved.bases[at] if at < len(reserved) else TOP
                if base < high:
                    yield max(base, low), min(end, high)
                if at == len(reserved):
                    break
                low, at = reserved.ends[at], at + 1

    def find(self, size: Size, align: Size, start: Addr, end: Addr, nid: Nid, mirror: bool) -> Addr:
        """Return the lowest or highest place for ``size`` bytes in [start, end), or 0; an end of 0 or 1 is the limit."""
        start = max(start, PAGE_SIZE)
        end = max(start, self.limit if end <= 1 else end)
        ranges = self.ranges(nid, mirror)
        for first, last in ranges if self.bottom_up else reversed(list(ranges)):
            low, high = max(start, min(first, end)), max(start, min(last, end))
            if self.bottom_up:
                place = -(-low // align) * align
                if place < high and place + size <= high:
                    return place
            elif size <= high and (high - size) // align * align >= low:
                return (high - size) // align * align
        return 0

    # --- growing -----------------------------------------------------------------------------------------------------

    def find_pages(self, size: Size, start: Addr, end: Addr) -> Addr:
        """Return a place for a table, in mirrored memory if there is any."""
        place = self.find(size, PAGE_SIZE, start, end, NO_NODE, True) if self.mirrors else 0
        return place or self.find(size, PAGE_SIZE, start, end, NO_NODE, False)

    def double(self, which: Type, base: Addr, size: Size) -> bool:
        """Double a table, the reserved one apart from a range that is in hand; False where there is no place for it.

        Stopped: it must not be doubled, or what it takes cannot be reserved.
        """
        if not self.config.resize:
            raise Stopped
        table = self.table(which)
        if which == MEMORY:
            base = size = 0
        pages = -(-2 * table.max * REGION_BYTES // PAGE_SIZE) * PAGE_SIZE
        place = self.find_pages(pages, base + size, self.limit)
        if not place and size:
            place = self.find_pages(pages, 0, min(base, self.limit))
        if not place:
            return False
        table.max *= 2
        old = self.places.pop(which, None)
        if old is not None and self.room(RESERVED, 2, *old):
            self.reserved.uncover(*old)
            self.moved.append((which + MEMORY_GIVEN, *old))
        if not self.room(RESERVED, self.missing(RESERVED, place, pages), place, pages):
            raise Stopped
        self.reserved.cover(place, pages, NO_NODE, 0)
        self.places[which] = place, pages
        self.moved.append((which, place, pages))
        return True

    def missing(self, which: Type, base: Addr, size: Size) -> Count:
        """Return how many regions a range adds before any are merged."""
        return sum(1 for _ in self.table(which).gaps(base, min(base + size, TOP)))

    def room(self, which: Type, entries: Count, base: Addr, size: Size) -> bool:
        """Make room for entries while a range is in hand; False where there is none."""
        table, size = self.table(which), min(size, TOP - base)
        while len(table) + entries > table.max:
            if not self.double(which, base, size):
                return False
        return True

    # --- changes, each False where there was no room -------------------------------------------------------------------

    def cover(self, which: Type, base: Addr, size: Size, nid: Nid, flags: Flags) -> bool:
        """Add what of a range is not there."""
        if not self.room(which, self.missing(which, base, size), base, size):
            return False
        table = self.table(which)
        if len(table) + self.missing(which, base, size) > table.max:
            raise Stopped
        table.cover(base, size, nid, flags)
        return True

    def can_isolate(self, which: Type, base: Addr, size: Size) -> bool:
        """Make room for a range to be isolated."""
        return min(base + size, TOP) <= base or self.room(which, 2, base, size)

    def uncover(self, which: Type, base: Addr, size: Size) -> bool:
        """Take a range out."""
        made = self.can_isolate(which, base, size)
        if made:
            self.table(which).uncover(base, size)
        return made
