"""Which zone a frame belongs to, from what a capture says of its zones.

A zone's span normally tells. Nodes may interleave, so that spans overlap; then the boot log's list of each node's ranges
decides (`mm/mm_init.c:free_area_init` prints it). Zones of one node never overlap unless memory is mirrored.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

import attrs

from .archive import Capture, CaptureError

SPAN_LIMIT = 2**28
"""Most frames in the span of one zone that is accepted: 1 TiB."""

_NODE_RANGE = re.compile(r"node\s+(\d{1,5}): \[mem 0x([0-9a-f]{1,16})-0x([0-9a-f]{1,16})\]")
_PAGE_SHIFT = 12


@attrs.frozen
class ZoneSpan:
    """A zone's place: frames `start_pfn <= pfn < end_pfn`, among which there may be holes and other zones."""

    node: int
    name: str
    start_pfn: int
    end_pfn: int

    @property
    def label(self) -> str:
        """How the zone is called in messages, `0:DMA32`."""
        return f"{self.node}:{self.name}"


def node_ranges(capture: Capture) -> tuple[tuple[int, int, int], ...]:
    """Return (node, first frame, frame after the last) of every range in the boot log; empty where there is no log."""
    if not capture.has("dmesg.boot"):
        return ()
    log = capture.read("dmesg.boot").decode("ascii", "replace")
    found = []
    for node, first, last in _NODE_RANGE.findall(log):
        found.append((int(node), int(first, 16) >> _PAGE_SHIFT, (int(last, 16) + 1) >> _PAGE_SHIFT))
    return tuple(found)


class ZoneMap:
    """Frames to zones; a zone is meant by its index in `spans`."""

    def __init__(self, spans: Sequence[ZoneSpan], ranges: Iterable[tuple[int, int, int]] = ()) -> None:
        self.spans = tuple(spans)
        for span in self.spans:
            if not 0 <= span.start_pfn <= span.end_pfn <= span.start_pfn + SPAN_LIMIT or span.end_pfn > 2**52:
                raise CaptureError(f"zone {span.label}", f"spans {span.start_pfn} to {span.end_pfn}, which no machine has")
        ranges = tuple(ranges)
        edges = {edge for span in self.spans for edge in (span.start_pfn, span.end_pfn)}
        if self._overlapping():
            edges |= {edge for _, first, after in ranges for edge in (first, after)}
        self._edges = sorted(edges)
        self._owners = [self._owner(edge, ranges) for edge in self._edges]

    def _overlapping(self) -> bool:
        ordered = sorted((span for span in self.spans if span.start_pfn < span.end_pfn), key=lambda span: span.start_pfn)
        return any(one.end_pfn > two.start_pfn for one, two in pairwise(ordered))

    def _owner(self, pfn: int, ranges: tuple[tuple[int, int, int], ...]) -> int | None:
        inside = [index for index, span in enumerate(self.spans) if span.start_pfn <= pfn < span.end_pfn]
        if len(inside) > 1:
            nodes = {node for node, first, after in ranges if first <= pfn < after}
            inside = [index for index in inside if self.spans[index].node in nodes]
        return inside[0] if len(inside) == 1 else None

    def find(self, pfn: int) -> int | None:
        """Return the zone of a frame; None outside every zone, or where nothing tells which of two it is."""
        place = bisect_right(self._edges, pfn) - 1
        return self._owners[place] if place >= 0 else None

    def runs(self, zone: int) -> list[tuple[int, int]]:
        """Return the runs of frames (first, after the last) that belong to a zone, ascending."""
        found: list[tuple[int, int]] = []
        for place, owner in enumerate(self._owners):
            if owner == zone:
                first, after = self._edges[place], self._edges[place + 1]
                if found and found[-1][1] == first:
                    first = found.pop()[0]
                found.append((first, after))
        return found
