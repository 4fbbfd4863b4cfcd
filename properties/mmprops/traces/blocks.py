"""The event stream as operations on the free blocks of the zones.

`BlockStream` starts from the free lists that lay in RAM at `SPIN START` and turns every later event that moves frames
between the buddy and the outside into a `Step`. Which events these are was read in the kernel's source and found to
reproduce the free frames of captures A (6.12) and C (6.1) at MID and at END without one contradiction:

- `mm_page_alloc_zone_locked`: `alloc`. The block leaves the free list of its type (`mm/page_alloc.c:__rmqueue_smallest`).
- `mm_page_alloc_extfrag` since 6.10: `alloc` of `alloc_order`, for a claim of whole pageblocks and a steal remove the block
  themselves (`mm/page_alloc.c:{try_to_steal_block, __rmqueue_steal}`, v6.12). But a claim of part of a pageblock ends in
  `__rmqueue_smallest`, so right after a `zone_locked` of the same block on the same CPU it is only the reason of that one.
- `mm_page_alloc_extfrag` before 6.10: nothing. Blocks only change lists, and a `zone_locked` follows
  (`mm/page_alloc.c:{__rmqueue_fallback, __rmqueue}`, v6.1).
- `mm_page_pcpu_drain`: `free`, from a per-CPU list (`mm/page_alloc.c:free_pcppages_bulk`).
- `mm_page_free` of an order that has no per-CPU lists: `free` (`mm/page_alloc.c:{pcp_allowed_order, __free_pages_ok,
  free_unref_folios}`, v6.12). Of the other orders nothing: the block goes to a per-CPU list (`free_unref_page`).
  `mm_page_free_batched` repeats some of them.
- `isofree` and `isoret` with a result above 0: `take`. Compaction and isolation remove free blocks with no tracepoint
  (`mm/page_alloc.c:__isolate_free_page`). What compaction does not use comes back through `mm_page_free`, in blocks
  (`mm/compaction.c:release_free_list`, v6.12) or frame by frame (`release_freepages`, v6.1).
- `mm_page_alloc` of frames that are free: `alloc`, reason `captured`. Direct compaction keeps the first freed block of the
  order it wants, which never is on a list (`mm/page_alloc.c:{compaction_capture, __free_one_page}`).

Two ways to the buddy are not traced. A free of a per-CPU order goes there directly when the per-CPU lock is taken, or the
pageblock is isolated (`free_unref_page`). When such frames are next allocated, the step before is a `free` with reason
`bypassed`; those never seen again are found at a pause (see `replay`), and both are counted. And
`__putback_isolated_page` (page reporting, and undoing an isolation) returns a block silently; nothing here undoes that, so
such a capture ends in a contradiction and never in agreement.

The machine was paused somewhere between `SPIN TAG` and the next marker. For START the place follows from the lists: see
`start`. For the other tags the stream yields `Pause`, steps and `Resume`, and the lists hold at some place between them.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import attrs
import numpy as np

from .archive import Capture, CaptureError
from .btf import struct_page_size
from .formats import (
    BUDDY_EVENTS,
    Alloc,
    Event,
    ExtFrag,
    Free,
    IsoFree,
    IsoRet,
    Marker,
    PcpuDrain,
    Tally,
    ZoneLocked,
    tables,
)
from .singles import CACHED, FREE, GFP_MOVABLE, MOVABLE, OUT, Singles
from .snapshot import RamLists, decompose, pageblock_order, read_followed_lists, read_lists, runs_of
from .start import Touch, fitting_places
from .zones import ZoneMap, node_ranges

HUGE_PAGE_ORDER = 9
"""Order of the huge page that has per-CPU lists of its own (HPAGE_PMD_ORDER with 4 KiB pages)."""

LRU_BATCH = 31
"""Most pages that a CPU keeps back before it puts them on an LRU list (`include/linux/pagevec.h`: 31 in v6.12, 15 in v6.1)."""

_COSTLY_ORDER = 3
_SMALL_LISTS = 12
_REMOVES_SINCE = (6, 10)
_WINDOW_LIMIT = 200_000

Blocks = Mapping[int, int]
"""Free blocks, first frame -> order, every pair of free buddies merged."""

Kind = Literal["alloc", "free", "take", "check"]


@attrs.frozen
class Step:
    """One operation on the free blocks of a zone.

    `alloc` and `take` remove the aligned block, every frame of which must be free; `free` adds it, none being free;
    `check` changes nothing and holds no frame of it free (it is only yielded where this stream finds one free).
    """

    kind: Kind
    zone: int
    """Index into `BlockStream.zones`."""
    pfn: int
    order: int
    migratetype: int | None
    """The event's type, in the capture's own numbers; None where the event has none."""
    seq: int
    """Number of the event in the trace."""
    reason: str
    """The event's name, or `captured`, `bypassed`."""
    event: Event | None
    """The raw event; None for a free that no event announced."""
    bulk: bool = False
    """Whether the event before it on its CPU was the allocation of a like block, or another drain: one refill, or one drain."""


@attrs.frozen
class Note:
    """An event of a kind that was asked for beside those that move blocks; it comes after its steps."""

    event: Event


@attrs.frozen
class Pause:
    """`SPIN TAG`: the machine was paused here or at a later step before `Resume`; `lists` is what its RAM held."""

    tag: str
    seq: int
    lists: RamLists


@attrs.frozen
class Resume:
    """The marker after `SPIN TAG`, or the end of the trace."""

    tag: str
    seq: int


def kernel_version(capture: Capture) -> tuple[int, int]:
    """Return the captured kernel's major and minor version; raises `CaptureError`."""
    match = re.search(r"Linux version (\d{1,3})\.(\d{1,4})", capture.text("version"))
    if match is None:
        raise CaptureError(f"{capture.path} version", "names no Linux version", "name a capture of Linux")
    return int(match[1]), int(match[2])


def pcp_orders(lists: RamLists) -> frozenset[int]:
    """Return the orders that have per-CPU lists (`mm/page_alloc.c:pcp_allowed_order`)."""
    longest = max((len(pcp.lists) for zone in lists.zones for pcp in zone.pcp), default=_SMALL_LISTS)
    huge = {HUGE_PAGE_ORDER} if longest > _SMALL_LISTS else set()
    return frozenset(range(_COSTLY_ORDER + 1)) | huge


def first_place(window: list[Event], places: list[int]) -> int:
    """Choose the first place."""
    return places[0]


def _request(event: Event | None) -> tuple[int, int, int] | None:
    """Return the process, order and type of the request for which an event took a block."""
    if isinstance(event, ZoneLocked):
        return event.pid, event.order, event.migratetype
    if isinstance(event, ExtFrag):
        return event.pid, event.alloc_order, event.alloc_migratetype
    return None


def free_blocks_in_ram(lists: RamLists, zones: ZoneMap, zone: int) -> dict[int, int]:
    """Return the free blocks of a zone as its lists hold them, with every pair of free buddies merged."""
    lay = lists.zones[zone]
    return decompose(runs_of(((pfn, order) for pfn, order, _ in lay.blocks()), zones.runs(zone)), lay.max_order)


class BlockStream:
    """The steps of a capture from START on. Iterate `steps()` once; the counts are complete when it ends."""

    def __init__(
        self,
        capture: Capture,
        free: Sequence[Blocks] | None = None,
        source: Iterable[Event] | None = None,
        also: tuple[type[Event], ...] = (),
    ) -> None:
        """Read the lists of START; raises `CaptureError`.

        With `source`, the events are taken from there instead of the trace; with `free`, all of them came after that state.
        Events of the kinds in `also` are yielded as `Note`.
        """
        self.capture = capture
        self.start = (read_followed_lists if free is None else read_lists)(capture, "START")
        """The lists of START; they tell the zones even where another state is the initial one."""
        self.zones = ZoneMap([zone.span for zone in self.start.zones], node_ranges(capture))
        self.max_order = self.start.zones[0].max_order
        self.tally = Tally()
        """All events of the trace, and places where events were lost (then nothing that follows means much)."""
        self.allocations = 0
        """Allocations out of the free lists since START."""
        self.bypassed = 0
        """Frames freed without a trace."""
        self.pageblock_order = pageblock_order(capture, self.max_order)
        self.dropped = 0
        """Events between the marker of START and the pause: they changed what the lists of START hold already."""
        self.misfits = 0
        """Frames of which these events say something else than the lists of START."""
        self.choose_start: Callable[[list[Event], list[int]], int] = first_place
        """Chooses, among the places of a window where the frames fit the lists of START, the one of the pause."""
        self._pcp_orders = pcp_orders(self.start)
        self.extfrag_removes = kernel_version(capture) >= _REMOVES_SINCE
        """Whether `extfrag` comes with the block that leaves, or before it (see above)."""
        self._struct_page = struct_page_size(capture) if capture.has(f"format/{IsoFree.path}") else 0
        self._frames = [bytearray(span.end_pfn - span.start_pfn) for span in self.zones.spans]
        self._readers: Mapping[type[Event], Callable[[Any], Sequence[Step]]] = {
            Alloc: self._answered,
            Free: self._given_back,
            ZoneLocked: self._locked,
            PcpuDrain: self._drained,
            ExtFrag: self._fell_back,
            IsoFree: self._isolate,
            IsoRet: self._isolated,
        }
        self._before: dict[int, Event | None] = {}
        self._isolating: dict[int, IsoFree] = {}
        self._source = source
        self._after_start = source is not None and free is not None
        self._also = also
        self._recent: dict[int, deque[int]] = defaultdict(lambda: deque(maxlen=LRU_BATCH))
        self._taken: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._flags_read = False
        numbers = range(len(self.zones.spans))
        largest = max(numbers, key=lambda zone: len(self._frames[zone]))
        span = self.zones.spans[largest]
        alone = self.zones.runs(largest) == [(span.start_pfn, span.end_pfn)] and not {Alloc, Free} & set(also)
        end_pfn = span.end_pfn if alone else span.start_pfn
        self._singles = Singles(self._frames[largest], span.start_pfn, end_pfn, self._before, self._recent)
        self.initial: tuple[Blocks, ...] = tuple(
            free if free is not None else [free_blocks_in_ram(self.start, self.zones, zone) for zone in numbers]
        )
        """The free blocks of each zone before the first step, every pair of free buddies merged."""
        for zone, blocks in enumerate(self.initial):
            for pfn, order in blocks.items():
                self._put(zone, pfn, order, FREE)

    def missing_events(self) -> list[str]:
        """Return the events that a full replay needs and the capture does not have."""
        needed = [kind.path for kind in BUDDY_EVENTS]
        return [path for path in needed if not self.capture.has(f"format/{path}")]

    def cached(self, pfn: int) -> bool:
        """Say whether a frame was given back to a per-CPU list and not seen to leave it."""
        zone = self.zones.find(pfn)
        return zone is not None and self._frames[zone][pfn - self.zones.spans[zone].start_pfn] == CACHED

    def movable_in(self, zone: int, start: int, end: int) -> tuple[list[int], set[int]]:
        """Return the frames of a range that movable pages hold, and those of them that may not be on an LRU list yet."""
        span = self.zones.spans[zone]
        first = max(start, span.start_pfn)
        states = self._frames[zone][first - span.start_pfn : max(0, end - span.start_pfn)]
        held: list[int] = (np.flatnonzero(np.frombuffer(states, np.uint8) == MOVABLE) + first).tolist()
        unsure = {pfn for pfns in self._recent.values() for pfn in pfns}
        unsure.update(pfn + at for blocks in self._taken.values() for pfn, order in blocks for at in range(1 << order))
        return held, unsure.intersection(held)

    def compacted(self, pid: int) -> None:
        """Note that a process is done with compaction: what it took and did not give back holds pages that it moved there."""
        self._taken.pop(pid, None)

    def begin_movable(self, pfns: Iterable[int]) -> None:
        """Note, before the first step, which frames hold movable pages."""
        for pfn in pfns:
            zone = self.zones.find(pfn)
            if zone is not None and self._frames[zone][pfn - self.zones.spans[zone].start_pfn] == OUT:
                self._put(zone, pfn, 0, MOVABLE)

    def adopt(self, pfn: int, seq: int) -> Step:
        """Note that a cached frame lies on a free list all the same, and return the step that says so."""
        zone = self.zones.find(pfn)
        if zone is None:
            raise ValueError(f"frame {pfn} is in no zone; adopt only frames of which cached() is true")
        self._put(zone, pfn, 0, FREE)
        return Step("free", zone, pfn, 0, None, seq, "bypassed", None)

    def steps(self) -> Iterator[Step | Note | Pause | Resume]:
        """Yield steps, notes, pauses and resumes in the order of the trace, from the pause of START on; raises `CaptureError`."""
        tag: str | None = None
        started = self._after_start
        window: list[Event] | None = None
        for event in self._events():
            self._singles.noting = started and window is None
            if isinstance(event, Marker):
                if window is not None:
                    yield from self._from_start(window)
                    window = None
                elif tag is not None:
                    yield Resume(tag, event.seq)
                line = event.line
                self._flags_read |= line == "SNAP start begin"
                tag = line.removeprefix("SPIN ") if line.startswith("SPIN ") else None
                if tag == "START" and not started:
                    started, window, tag = True, [], None
                elif tag is not None and started and self.capture.has(f"lists.{tag}.json"):
                    yield Pause(tag, event.seq, self._lists(tag))
                else:
                    tag = None
            elif window is not None:
                window.append(event)
                if len(window) > _WINDOW_LIMIT:
                    raise CaptureError(self.capture.path, "has no marker after 'SPIN START'")
            elif started:
                yield from self._found(event)
            else:
                self._before_start(event)
        if not started:
            raise CaptureError(self.capture.path, "has no marker 'SPIN START' in its trace", "name a capture with pauses")
        if window is not None:
            yield from self._from_start(window)
        if tag is not None:
            yield Resume(tag, self.tally.events)
        # Whether these blocks were taken is not known.
        self.tally.lost += len(self._isolating)

    def _events(self) -> Iterator[Event]:
        """Yield the events, but for those that `singles` takes note of."""
        if self._source is not None:
            yield from self._source
            return
        for table in tables(self.capture, tuple(dict.fromkeys(BUDDY_EVENTS + self._also)), self.tally):
            yield from self._singles.events(table)

    def _found(self, event: Event) -> Sequence[Step | Note]:
        """Return what an event means."""
        read = self._readers.get(type(event))
        found: Sequence[Step | Note] = () if read is None else read(event)
        if self.extfrag_removes or type(event) is not ExtFrag:
            self._before[event.cpu] = event
        return (*found, Note(event)) if type(event) in self._also else found

    def _before_start(self, event: Event) -> None:
        """Take note of an event before the pause of START: which pages became movable since the flags were read."""
        self._before[event.cpu] = event
        if isinstance(event, IsoFree):
            # Its return may come after the marker, which another CPU wrote.
            self._isolating[event.cpu] = event
        elif isinstance(event, IsoRet):
            self._isolating.pop(event.cpu, None)
        elif isinstance(event, Alloc | Free) and self._flags_read and event.pfn >= 0:
            movable = isinstance(event, Alloc) and bool(event.gfp_flags & GFP_MOVABLE)
            state = MOVABLE if movable else OUT
            for pfn in range(event.pfn, event.pfn + (1 << min(event.order, self.max_order))):
                zone = self.zones.find(pfn)
                if zone is not None and self._frames[zone][pfn - self.zones.spans[zone].start_pfn] in (OUT, MOVABLE):
                    self._put(zone, pfn, 0, state)
            if movable and not event.order:
                self._recent[event.cpu].append(event.pfn)

    def _from_start(self, window: list[Event]) -> Iterator[Step | Note]:
        """Yield what the events between two markers mean, from the place on where the lists of START hold."""
        touches = list(self._touches(window))
        places, self.misfits = fitting_places(touches, len(window), self._free_at_start)
        place = self.choose_start(window, places) if len(places) > 1 else places[0]
        self.dropped = sum(touch.before != touch.after for touch in touches if touch.place < place)
        for event in window[:place]:
            self._before_start(event)
        for event in window[place:]:
            yield from self._found(event)

    def _touches(self, window: Sequence[Event]) -> Iterator[Touch]:
        """Yield what events say of frames, whatever their state was."""
        before, entered, given = dict(self._before), dict(self._isolating), set[int]()
        for place, event in enumerate(window):
            touch: Touch | None = None
            if isinstance(event, ZoneLocked) or (isinstance(event, ExtFrag) and self._fallen(event, before.get(event.cpu))):
                order = event.order if isinstance(event, ZoneLocked) else event.alloc_order
                touch = Touch(place, event.pfn, order, True, False)
            elif isinstance(event, PcpuDrain):
                touch = Touch(place, event.pfn, event.order, False, True)
            elif isinstance(event, Free):
                touch = Touch(place, event.pfn, event.order, False, None if event.order in self._pcp_orders else True)
            elif isinstance(event, IsoFree):
                entered[event.cpu] = event
            elif isinstance(event, IsoRet) and event.cpu in entered:
                into = entered.pop(event.cpu)
                if event.ret:
                    touch = Touch(place, (into.page - self.start.vmemmap_base) // self._struct_page, into.order, True, False)
            elif isinstance(event, Alloc):
                touch = Touch(place, event.pfn, event.order, event.pfn in given, False)
            before[event.cpu] = event
            if touch is not None and 0 <= touch.order <= self.max_order and self.zones.find(touch.pfn) is not None:
                given.add(touch.pfn) if touch.after else given.discard(touch.pfn)
                yield touch

    def _free_at_start(self, pfn: int) -> bool:
        zone = self.zones.find(pfn)
        return zone is not None and self._frames[zone][pfn - self.zones.spans[zone].start_pfn] == FREE

    def _lists(self, tag: str) -> RamLists:
        lists = read_lists(self.capture, tag)
        if [zone.span for zone in lists.zones] != list(self.zones.spans):
            raise CaptureError(f"{self.capture.path} lists.{tag}.json", "has other zones than lists.START.json")
        return lists

    def _locked(self, event: ZoneLocked) -> Sequence[Step]:
        return self._removed("alloc", event, event.pfn, event.order, event.migratetype) if event.pfn >= 0 else ()

    def _drained(self, event: PcpuDrain) -> Sequence[Step]:
        return (self._added(event, event.pfn, event.order, event.migratetype),)

    def _fell_back(self, event: ExtFrag) -> Sequence[Step]:
        if not self._fallen(event, self._before.get(event.cpu)):
            return ()
        return self._removed("alloc", event, event.pfn, event.alloc_order, event.alloc_migratetype)

    def _fallen(self, event: ExtFrag, before: Event | None) -> bool:
        """Tell whether a fallback took the block itself; right after a `zone_locked` it is only the reason of that one."""
        label = isinstance(before, ZoneLocked) and (before.pfn, before.order) == (event.pfn, event.alloc_order)
        return self.extfrag_removes and not label

    def _isolate(self, event: IsoFree) -> Sequence[Step]:
        # Without its return it is not known whether the block was taken.
        self.tally.lost += event.cpu in self._isolating
        self._isolating[event.cpu] = event
        return ()

    def _isolated(self, event: IsoRet) -> Sequence[Step]:
        entered = self._isolating.pop(event.cpu, None)
        if entered is None:
            self.tally.lost += 1
        elif event.ret:
            pfn, rest = divmod(entered.page - self.start.vmemmap_base, self._struct_page)
            if rest or event.ret != 1 << min(entered.order, 63):
                raise CaptureError(self._where(event), "does not fit the isofree before it: the trace is damaged")
            return self._removed("take", event, pfn, entered.order, None)
        return ()

    def _answered(self, event: Alloc) -> Sequence[Step]:
        pfn, order = event.pfn, event.order
        if pfn < 0:
            return ()
        zone, states = self._states(event, pfn, order)
        if FREE not in states:
            movable = event.gfp_flags & GFP_MOVABLE
            self._put(zone, pfn, order, MOVABLE if movable else OUT)
            if movable and not order:
                self._recent[event.cpu].append(pfn)
            return ()
        found = self._removed("alloc", event, pfn, order, event.migratetype)
        if event.gfp_flags & GFP_MOVABLE:
            self._put(zone, pfn, order, MOVABLE)
        return [*found[:-1], attrs.evolve(found[-1], reason="captured")]

    def _given_back(self, event: Free) -> Sequence[Step]:
        pfn, order = event.pfn, event.order
        if order not in self._pcp_orders:
            return (self._added(event, pfn, order, None),)
        zone, states = self._states(event, pfn, order)
        if FREE in states:
            return (Step("check", zone, pfn, order, None, event.seq, event.path, event),)
        self._put(zone, pfn, order, CACHED)
        return ()

    def _removed(self, kind: Kind, event: Event, pfn: int, order: int, migratetype: int | None) -> list[Step]:
        zone, states = self._states(event, pfn, order)
        found: list[Step] = []
        if CACHED in states:
            # What is on a free list although it was last seen going to a per-CPU list went there unseen.
            found = [self.adopt(pfn + at, event.seq) for at, state in enumerate(states) if state == CACHED]
            self.bypassed += len(found)
        if kind == "take":
            # Compaction moves pages there without an event (`mm/compaction.c:compaction_alloc`); what it does not use it frees.
            self._put(zone, pfn, order, MOVABLE)
            self._taken[event.pid].append((pfn, order))
        elif MOVABLE not in states:
            # A step says nothing of movable pages, which are asked for before the step is read.
            self._put(zone, pfn, order, OUT)
        self.allocations += kind == "alloc"
        bulk = kind == "alloc" and order in self._pcp_orders and _request(event) == _request(self._before.get(event.cpu))
        return [*found, Step(kind, zone, pfn, order, migratetype, event.seq, event.path, event, bulk)]

    def _added(self, event: Event, pfn: int, order: int, migratetype: int | None) -> Step:
        zone, _ = self._states(event, pfn, order)
        self._put(zone, pfn, order, FREE)
        bulk = isinstance(event, PcpuDrain) and isinstance(self._before.get(event.cpu), PcpuDrain)
        return Step("free", zone, pfn, order, migratetype, event.seq, event.path, event, bulk)

    def _states(self, event: Event, pfn: int, order: int) -> tuple[int, bytearray]:
        """Return the zone of a block and the states of its frames; raises `CaptureError` where no block can be."""
        zone = self.zones.find(pfn)
        if zone is None:
            raise CaptureError(self._where(event), f"names frame {pfn}, which is in no zone, or in two")
        span = self.zones.spans[zone]
        if order and (order > self.max_order or pfn % (1 << order) or pfn + (1 << order) > span.end_pfn):
            raise CaptureError(self._where(event), f"names a block {pfn} of order {order}, which zone {span.label} has not")
        at = pfn - span.start_pfn
        return zone, self._frames[zone][at : at + (1 << order)]

    def _put(self, zone: int, pfn: int, order: int, state: int) -> None:
        at = pfn - self.zones.spans[zone].start_pfn
        frames = self._frames[zone]
        if order:
            frames[at : at + (1 << order)] = bytes((state,)) * (1 << order)
        else:
            frames[at] = state

    def _where(self, event: Event) -> str:
        return f"{self.capture.name} event {event.seq} ({event.path})"
