"""Through a list of zones to the first that serves."""

from __future__ import annotations

from collections.abc import Iterator

from mmimpl.physical.watermarks import Marks
from mmimpl.physical.zones import Zones
from mmspec.physical.page_alloc.ops import (
    ALLOC_CPUSET,
    ALLOC_HIGHATOMIC,
    ALLOC_MIN_RESERVE,
    ALLOC_NO_WATERMARKS,
    ALLOC_NOFRAGMENT,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    GFP_ATOMIC,
    GFP_DIRECT_RECLAIM,
)  # fmt: skip
from mmspec.physical.watermarks import ops as of_marks


class Lists:
    """Zones, marks and which zones are known to be below HIGH."""

    def __init__(self, zones: Zones, marks: Marks, old: bool) -> None:
        self.zones, self.marks, self.old = zones, marks, old
        self.below: set[int] = set()
        self.under = 0  # what a request had come to when it last took a block

    def walk_zones(
        self, zones: list[int], gfp: int, order: int, flags: int, highest: int, allowed: int, dirty: int, grown: int, empty: int,
        reclaimed: int,
    ) -> int | None:  # fmt: skip
        """Return the first zone that serves, and note which ones are below HIGH."""
        for zone, now in self.candidates(zones, flags, allowed, dirty):
            spare = self.room(zone, order, now, highest, gfp, grown, reclaimed, zones[0])
            if spare is not None and not empty >> zone & 1 and self.has(zone, order, now, spare):
                self.under = now
                return zone
        return None

    def candidates(self, zones: list[int], flags: int, allowed: int, dirty: int) -> Iterator[tuple[int, int]]:
        """Yield the zones that are tried, with the flags of each; from the first anew once fragmenting is no matter."""
        for careful in (True, False) if flags & ALLOC_NOFRAGMENT else (False,):
            flags = flags if careful else flags & ~ALLOC_NOFRAGMENT
            for zone in zones:
                outside = flags & ALLOC_CPUSET and not allowed >> zone // 8 & 1
                if outside or dirty >> zone // 8 & 1:
                    continue
                if careful and zone // 8 != zones[0] // 8:
                    break
                yield zone, flags

    def room(
        self, zone: int, order: int, flags: int, highest: int, gfp: int, grown: int, reclaimed: int, preferred: int
    ) -> int | None:
        """Return how many frames reclaim freed for a zone that serves; None where it does not."""
        marks = self.marks
        atomic = int(self.old and gfp & GFP_ATOMIC != 0)
        if not self.old and zone not in self.below:
            if self.above_high(zone, order, flags, highest):
                return 0
            self.below.add(zone)
        if marks.apply(of_marks.Fast(zone, order, highest, flags, atomic)).passed:
            return 0
        if grown >> zone & 1 or flags & ALLOC_NO_WATERMARKS:
            return 0
        if not reclaimed or not gfp & GFP_DIRECT_RECLAIM or self.zones.distance[preferred // 8][zone // 8] > 30:
            return None
        mark, reserve = marks.marks[zone][flags & 3] + marks.boosts[zone], marks.reserve[zone][highest]
        return reclaimed if marks.passes(zone, order, mark, reserve, flags, marks.free[zone][0] + reclaimed) else None

    def above_high(self, zone: int, order: int, flags: int, highest: int) -> bool:
        """Tell whether a zone passes at HIGH, or, single frames of MIN_RESERVE at MIN, without the boost."""
        marks = self.marks
        free, reserve, high = marks.free[zone][0], marks.reserve[zone][highest], marks.marks[zone][2] + marks.boosts[zone]
        if order == 0 and free - min(free, marks.unusable(zone, 0, flags)) > high + reserve:
            return True
        if marks.passes(zone, order, high, reserve, flags, free):
            return True
        ignored = order == 0 and flags & ALLOC_MIN_RESERVE and marks.boosts[zone] and not flags & 3
        return bool(ignored) and marks.passes(zone, 0, marks.marks[zone][0], reserve, flags, free)

    def has(self, zone: int, order: int, flags: int, spare: int) -> bool:
        """Tell whether a zone has a block."""
        if flags & (ALLOC_NON_BLOCK | ALLOC_OOM):
            flags |= ALLOC_HIGHATOMIC
        return self.marks.free[zone][0] + spare >= 1 << order and (order == 0 or self.marks.block(zone, order, flags))

    def take(self, zone: int, order: int) -> None:
        """Take a block off what is free."""
        free, exact, *rest = self.marks.free[zone]
        self.marks.free[zone] = (max(0, free - (1 << order)), max(0, exact - (1 << order)), *rest)
