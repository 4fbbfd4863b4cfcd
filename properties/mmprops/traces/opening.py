"""What a prediction begins from: the stream of a capture, the movable pages of START, and where in its window START lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from .archive import Capture, CaptureError
from .blocks import HUGE_PAGE_ORDER, BlockStream
from .compaction import COMPACTION_EVENTS, NEEDED_EVENTS
from .formats import Event, ExtFrag, Marker
from .replay import PLACES_LIMIT, Replay
from .snapshot import pcp_order

_KPF_LRU = 5
_KPF_COMPOUND_TAIL = 16


def exact_stream(capture: Capture, source: Iterable[Event] | None = None) -> BlockStream:
    """Return the stream of a capture, or of events in its stead, with all that prediction needs."""
    stream = BlockStream(capture, source=source, also=(ExtFrag, *COMPACTION_EVENTS))
    if capture.has("start/kpageflags"):
        flags = capture.read("start/kpageflags")
        if len(flags) % 8:
            raise CaptureError(f"{capture.path} start/kpageflags", f"has {len(flags)} bytes, not a multiple of 8")
        movable = set(on_lru(np.frombuffer(flags, "<u8")))
        stream.begin_movable(movable - cached_at_start(stream))
    return stream


def cached_at_start(stream: BlockStream) -> set[int]:
    """Return the frames that lay on per-CPU lists at START."""
    return {
        pfn + at
        for zone in stream.start.zones
        for pcp in zone.pcp
        for index, heads in enumerate(pcp.lists)
        for pfn in heads
        for at in range(1 << pcp_order(index, HUGE_PAGE_ORDER))
    }


def on_lru(flags: npt.NDArray[np.uint64]) -> list[int]:
    """Return the frames whose page, or the compound page that it is a tail of, is on an LRU list.

    6.1 does not flag the tails (`fs/proc/page.c:stable_page_flags`), but all that asks for PageLRU asks the head.
    """
    tail = (flags >> np.uint64(_KPF_COMPOUND_TAIL)) & np.uint64(1)
    head = np.maximum.accumulate(np.where(tail == 0, np.arange(len(flags)), 0))
    found: list[int] = np.flatnonzero((flags[head] >> np.uint64(_KPF_LRU)) & np.uint64(1)).tolist()
    return found


def shared_pageblocks(stream: BlockStream) -> dict[int, list[int]]:
    """Return the pageblocks that lie in several zones, with these."""
    owners: dict[int, list[int]] = {}
    for zone in range(len(stream.zones.spans)):
        edges = {edge >> stream.pageblock_order for run in stream.zones.runs(zone) for edge in (run[0], run[1] - 1)}
        for block in edges:
            owners.setdefault(block, []).append(zone)
    return {block: zones for block, zones in owners.items() if len(zones) > 1}


def untold_compaction(stream: BlockStream) -> Iterator[str]:
    """Return the events of compaction that a kernel has and the capture does not name."""
    return (kind.path for kind in NEEDED_EVENTS if not stream.capture.has(f"format/{kind.path}"))


def best_start(follow: Callable[[Sequence[Event]], Replay], window: Sequence[Event], places: Sequence[int]) -> int:
    """Return the place of START's pause: the first from which the rest of the window goes as foretold, or nearly."""
    wrong: dict[int, int] = {}
    for place in places[:PLACES_LIMIT]:
        start = Marker(0, 0, 0, 0, "SPIN START"), Marker(0, 0, 0, 0, "go")
        tried = follow([*start, *window[place:]])
        assert tried.prediction is not None
        wrong[place] = tried.prediction.mispredicted + tried.contradictions
        if not wrong[place]:
            break
    return min(wrong, key=lambda place: wrong[place])
