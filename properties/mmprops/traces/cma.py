"""Whether most free frames of a zone are CMA's, which the kernel asks its counters and nobody can read off them in advance.

`mm/page_alloc.c:__rmqueue` balances movable allocations between regular and CMA pageblocks by NR_FREE_PAGES and
NR_FREE_CMA_PAGES (v6.12). Each CPU keeps back some of the changes to both.
"""

from __future__ import annotations

from collections.abc import Sequence

from mmspec.physical.buddy.ops import CMA, ISOLATE

from .blocks import BlockStream

_KEPT_BACK = 125
"""Most that a CPU keeps back of a counter (`mm/vmstat.c:calculate_normal_threshold`)."""


class CmaShare:
    """The free frames of each zone that are handed out, and how many of them are CMA's."""

    def __init__(self, stream: BlockStream, types: Sequence[int], cpus: int) -> None:
        self._counts = [[0, 0] for _ in stream.zones.spans]
        self._slack = 3 * _KEPT_BACK * cpus
        for zone, lay in enumerate(stream.start.zones):
            for _, order, number in lay.blocks():
                if types[number] != ISOLATE:
                    self.add(zone, 1 << order, types[number] == CMA)

    def add(self, zone: int, frames: int, cma: bool) -> None:
        """Count frames that became free, or fewer than none that left."""
        self._counts[zone][0] += frames
        self._counts[zone][1] += frames if cma else 0

    def mostly(self, zone: int) -> tuple[bool, ...]:
        """Tell whether more than half of the free frames are CMA's; both answers where the counters may say either."""
        total, cma = self._counts[zone]
        if not cma:
            return (False,)
        apart = 2 * cma - total
        return (apart > 0,) if abs(apart) > self._slack else (True, False)
