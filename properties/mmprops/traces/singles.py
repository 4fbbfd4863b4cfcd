"""Single frames that go to and come from per-CPU lists: most events of a trace, and no step of the buddy.

What they come to is worked out by columns, batch by batch, so that no record is made of any of them. It is written down when its
event is reached, not before, and only of a frame that is not free then: all else is for `blocks`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, MutableMapping

import attrs
import numpy as np

from .formats import Alloc, Event, Free, Table
from .ringbuffer import Ints

OUT, FREE, CACHED, MOVABLE = range(4)
"""What a frame is to the stream: outside, free, on a per-CPU list, or outside and of a movable page."""

GFP_MOVABLE = 0x08


@attrs.define
class Singles:
    """The frames of one zone that are taken note of here."""

    frames: bytearray
    """The state of each frame of the zone."""
    start_pfn: int
    end_pfn: int
    """The first frame behind those that are the zone's alone; `start_pfn` where nothing is to be noted here."""
    before: MutableMapping[int, Event | None]
    """The last event of each CPU, None where it was one of these."""
    recent: MutableMapping[int, deque[int]]
    """The frames that were last handed out to movable pages, by CPU."""
    noting: bool = False
    """Whether the stream is past START; before that every event is handed on."""

    def events(self, table: Table) -> Iterator[Event]:
        """Yield the wanted events that are more than a single frame outside the free lists, and note the others."""
        states, places = self._columns(table)
        frames, before, recent, start = self.frames, self.before, self.recent, self.start_pfn
        # Before START each event is handed on: their records are made at once.
        wanted, records = table.records(states < 0 if self.noting else np.ones(len(states), bool))
        single = states[wanted].tolist()
        columns = zip(wanted.tolist(), single, places[wanted].tolist(), table.batch.cpu[wanted].tolist(), records, strict=True)
        for row, state, place, cpu, event in columns:
            if state < 0:
                yield event
            elif not self.noting or frames[place] == FREE:
                yield table.record(row) if event is None else event
            else:
                frames[place] = state
                before[cpu] = None
                if state == MOVABLE:
                    recent[cpu].append(start + place)

    def _columns(self, table: Table) -> tuple[Ints, Ints]:
        """Return, for each event of a batch, the state that it gives a single frame (-1: it is none), and the frame's place."""
        states, places = np.full(len(table.batch), -1, np.int64), np.zeros(len(table.batch), np.int64)
        for kind in (Alloc, Free) if self.end_pfn > self.start_pfn else ():
            rows = table.rows(kind)
            # A frame number that fits no signed word becomes negative, and lies in no zone.
            pfns = table.column(kind, "pfn", rows).astype(np.int64)
            inside = (table.column(kind, "order", rows) == 0) & (self.start_pfn <= pfns) & (pfns < self.end_pfn)
            rows, pfns = rows[inside], pfns[inside]
            places[rows] = pfns - self.start_pfn
            if kind is Free:
                states[rows] = CACHED
            else:
                states[rows] = np.where(table.column(kind, "gfp_flags", rows) & GFP_MOVABLE, MOVABLE, OUT)
        return states, places
