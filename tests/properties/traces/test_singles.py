"""Single frames that go to and come from per-CPU lists, which are noted by columns."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from mmprops.traces.archive import open_capture
from mmprops.traces.formats import BUDDY_EVENTS, Alloc, Event, Free, PcpuDrain, Tally, events, tables
from mmprops.traces.singles import CACHED, FREE, MOVABLE, OUT, Singles

START, END = 16, 24
GFP_MOVABLE = 0x08


@pytest.fixture
def capture(kit: Any) -> Any:
    """Frames that are handed out and come back, one of them free, others outside the zone or of an order, and a drain."""
    wrote = [
        kit.raw(10, "kmem/mm_page_alloc", (START, 0, GFP_MOVABLE, 1)),
        kit.raw(11, "kmem/mm_page_alloc", (START + 1, 0, 0, 0)),
        kit.raw(12, "kmem/mm_page_pcpu_drain", (START + 2, 0, 0)),
        kit.raw(13, "kmem/mm_page_free", (START + 2, 0)),
        kit.raw(14, "kmem/mm_page_free", (START + 3, 0)),
        kit.raw(15, "kmem/mm_page_alloc", (START + 4, 2, 0, 0)),
        kit.raw(16, "kmem/mm_page_free", (END, 0)),
        kit.raw(17, "kmem/mm_page_free", (START - 1, 0)),
        kit.raw(18, "kmem/mm_page_alloc", (2**64 - 1, 0, 0, 0)),
    ]
    return open_capture(kit.write({0: kit.pages(wrote)}, kit.state({})))


def handed_on(capture: Any, singles: Singles) -> list[Event]:
    """Return the events that are left."""
    return [event for table in tables(capture, BUDDY_EVENTS, Tally()) for event in singles.events(table)]


def singles_of(*, noting: bool, end_pfn: int = END) -> Singles:
    """Return a zone, a frame of which is free."""
    frames = bytearray(END - START)
    frames[3] = FREE
    return Singles(frames, START, end_pfn, {}, {0: deque(maxlen=4)}, noting)


def test_what_is_noted_is_not_handed_on(capture: Any) -> None:
    """A frame outside the free lists is noted; one that is free, outside the zone or part of a block is handed on."""
    singles = singles_of(noting=True)
    left = handed_on(capture, singles)
    assert [event.seq for event in left] == [2, 4, 5, 6, 7, 8]
    assert [type(event) for event in left] == [PcpuDrain, Free, Alloc, Free, Free, Alloc]
    assert list(singles.frames) == [MOVABLE, OUT, CACHED, FREE, OUT, OUT, OUT, OUT]
    assert singles.before == {0: None}
    assert list(singles.recent[0]) == [START]


@pytest.mark.parametrize(("noting", "end_pfn"), [(False, END), (True, START)])
def test_nothing_is_noted(capture: Any, noting: bool, end_pfn: int) -> None:
    """Before START, and where no zone has its frames alone, every event is handed on as it is."""
    singles = singles_of(noting=noting, end_pfn=end_pfn)
    assert handed_on(capture, singles) == list(events(capture, BUDDY_EVENTS))
    assert sum(singles.frames) == FREE
    assert singles.before == {}
