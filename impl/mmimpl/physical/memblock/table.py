"""One sorted array of regions: four flat columns, moved up and down as ``memmove`` does.

A region's place is found by bisection. Ends are exclusive; no region holds the last byte of the address space. Whoever inserts or
splits has made room before.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from mmspec.physical.memblock.ops import NO_NODE, NOMAP, TOP, UNLIMITED, Addr, Nid, Size
from mmspec.words import Count, Flags

ALL_FLAGS = (1 << 32) - 1


class Table:
    """The regions of one type, with room for ``max``."""

    __slots__ = ("bases", "ends", "flags", "max", "nids", "total")

    def __init__(self, capacity: Count | None) -> None:
        self.bases, self.ends = array("Q"), array("Q")
        self.nids, self.flags = array("h"), array("L")
        self.max = UNLIMITED if capacity is None else capacity
        self.total = 0

    def __len__(self) -> int:
        return len(self.bases)

    def listed(self) -> list[tuple[Addr, Size, Nid, Flags]]:
        """Return the regions as they are kept."""
        columns = zip(self.bases, self.ends, self.nids, self.flags, strict=True)
        return [(base, end - base, nid, flags) for base, end, nid, flags in columns]

    # --- finding -----------------------------------------------------------------------------------------------------

    def ending_above(self, addr: Addr) -> int:
        """Return the index of the first region that ends above an address."""
        return bisect_right(self.ends, addr)

    def over(self, addr: Addr) -> int:
        """Return the index of the region that holds a byte, or -1."""
        at = self.ending_above(addr)
        return at if at < len(self.bases) and self.bases[at] <= addr else -1

    def overlaps(self, base: Addr, size: Size) -> bool:
        """Tell whether a region holds a byte of a range."""
        at = self.ending_above(base)
        return at < len(self.bases) and self.bases[at] < capped(base, size)

    def gaps(self, base: Addr, end: Addr) -> Iterator[tuple[Addr, Addr]]:
        """Yield the parts of a range that no region holds, ascending; the table must not change meanwhile."""
        at = self.ending_above(base)
        while base < end:
            start = self.bases[at] if at < len(self.bases) else TOP
            if base < start:
                yield base, min(start, end)
            if start >= end:
                return
            base = self.ends[at]
            at += 1

    def merged(self) -> tuple[tuple[Addr, Size, Nid, Flags], ...]:
        """Return the regions, those that touch and are alike as one."""
        runs: list[list[int]] = []
        for base, size, nid, flags in self.listed():
            if runs and runs[-1][0] + runs[-1][1] == base and runs[-1][2:] == [nid, flags]:
                runs[-1][1] += size
            else:
                runs.append([base, size, nid, flags])
        return tuple((base, size, nid, flags) for base, size, nid, flags in runs)

    # --- changing ----------------------------------------------------------------------------------------------------

    def insert(self, at: int, base: Addr, end: Addr, nid: Nid, flags: Flags) -> None:
        """Put a region at an index."""
        self.total = (end - base + (self.total if self.bases else 0)) & TOP
        self.bases.insert(at, base)
        self.ends.insert(at, end)
        self.nids.insert(at, nid)
        self.flags.insert(at, flags)

    def drop(self, first: int, last: int) -> None:
        """Take the regions with indices in [first, last) out."""
        for at in range(first, last):
            self.total = (self.total - (self.ends[at] - self.bases[at])) & TOP
        self._delete(first, last)

    def _delete(self, first: int, last: int) -> None:
        for column in (self.bases, self.ends, self.nids, self.flags):
            del column[first:last]

    def merge(self, first: int, last: int) -> None:
        """Join neighbours that are alike, of the pairs that begin at indices in [first - 1, last)."""
        at, pairs = max(first - 1, 0), last
        while at < min(pairs, len(self.bases) - 1):
            if self.alike(at):
                self.ends[at] = self.ends[at + 1]
                self._delete(at + 1, at + 2)
                pairs -= 1
            else:
                at += 1

    def alike(self, at: int) -> bool:
        """Tell whether a region and the next one touch and agree in node and flags."""
        touch = self.ends[at] == self.bases[at + 1]
        return touch and self.nids[at] == self.nids[at + 1] and self.flags[at] == self.flags[at + 1]

    def cover(self, base: Addr, size: Size, nid: Nid, flags: Flags) -> None:
        """Insert what of a range no region holds."""
        gaps = list(self.gaps(base, capped(base, size)))
        if not gaps:
            return
        first = at = 0
        for number, (start, end) in enumerate(gaps):
            at = bisect_left(self.bases, start)
            first = at if number == 0 else first
            self.insert(at, start, end, nid, flags)
        self.merge(first, at + 1)

    def isolate(self, base: Addr, size: Size) -> tuple[int, int]:
        """Split the regions that cross the ends of a range; return the first and last index inside, the last exclusive."""
        end = capped(base, size)
        if base >= end:
            return 0, 0
        first = self.split(base)
        last = self.split(end)
        return (first, last) if first < last else (0, 0)

    def split(self, addr: Addr) -> int:
        """Split the region that an address lies inside of; return the index of the first region from there on."""
        at = bisect_left(self.bases, addr)
        if at == 0 or self.ends[at - 1] <= addr:
            return at
        end, self.ends[at - 1] = self.ends[at - 1], addr
        self.bases.insert(at, addr)
        self.ends.insert(at, end)
        self.nids.insert(at, self.nids[at - 1])
        self.flags.insert(at, self.flags[at - 1])
        return at

    def uncover(self, base: Addr, size: Size) -> None:
        """Take a range out."""
        self.drop(*self.isolate(base, size))

    def mark(self, base: Addr, size: Size, flag: Flags, on: bool) -> None:
        """Set or clear a flag of a range."""
        first, last = self.isolate(base, size)
        for at in range(first, last):
            self.flags[at] = self.flags[at] | flag if on else self.flags[at] & ~flag & ALL_FLAGS
        self.merge(first, last)

    def set_node(self, base: Addr, size: Size, nid: Nid) -> None:
        """Give a range a node."""
        first, last = self.isolate(base, size)
        for at in range(first, last):
            self.nids[at] = nid
        self.merge(first, last)

    def trim(self, align: Size) -> None:
        """Shrink each region to whole multiples of ``align``; those of none go, and what is shrunk stays counted."""
        for at in range(len(self.bases) - 1, -1, -1):
            start, end = -(-self.bases[at] // align) * align, self.ends[at] // align * align
            if start < end:
                self.bases[at], self.ends[at] = start, end
            else:
                self.drop(at, at + 1)

    def cap(self, base: Addr, size: Size) -> None:
        """Take out what lies outside a range and is mapped."""
        first, last = self.isolate(base, size)
        for at in [*range(len(self.bases) - 1, last - 1, -1), *range(first - 1, -1, -1)]:
            if not self.flags[at] & NOMAP:
                self.drop(at, at + 1)

    def address_of(self, limit: Size) -> Addr:
        """Return the address below which there are ``limit`` bytes; ``TOP`` where there are fewer."""
        for base, end in zip(self.bases, self.ends, strict=True):
            if limit <= end - base:
                return base + limit
            limit -= end - base
        return TOP

    def node_over(self, addr: Addr) -> Nid:
        """Return the node of the region that holds a byte."""
        at = self.over(addr)
        return self.nids[at] if at >= 0 else NO_NODE


def capped(base: Addr, size: Size) -> Addr:
    """Return the end of a range, cut off before the last byte of the address space."""
    return min(base + size, TOP)
