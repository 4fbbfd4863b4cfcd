"""Driving a model that foretells with a capture, and comparing every ordered free list with RAM at every pause.

`foretell(stream, model, types)` asks the model before each allocation (see `exact`), hands it everything else when it is
reached, corrects it after a miss by what was read then, and follows compactions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import partial

import attrs
import numpy as np
import numpy.typing as npt

from mmspec.physical.buddy.ops import CMA, HIGHATOMIC, MOVABLE, RECLAIMABLE, UNMOVABLE

from .archive import Capture, CaptureError
from .blocks import HUGE_PAGE_ORDER, Blocks, BlockStream, Note, Pause, Step
from .compaction import COMPACTION_EVENTS, Compactions, FastIsolateFreepages
from .exact import Predictor, Request, Sealed
from .formats import Event, ExtFrag, Free
from .replay import Driver, OrderedComparison, Prediction, Replay, Sight
from .snapshot import NOT_PRESENT, pcp_order

_KPF_LRU = 5
_KPF_COMPOUND_TAIL = 16
_PAGEBLOCK = 512


def exact_stream(capture: Capture, source: Iterable[Event] | None = None) -> BlockStream:
    """Return the stream of a capture, or of events in its stead, with all that prediction needs."""
    stream = BlockStream(capture, source=source, also=(ExtFrag, *COMPACTION_EVENTS))
    if capture.has("start/kpageflags"):
        movable = set(on_lru(np.frombuffer(capture.read("start/kpageflags"), "<u8")))
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
        edges = {edge // _PAGEBLOCK for run in stream.zones.runs(zone) for edge in (run[0], run[1] - 1)}
        for block in edges:
            owners.setdefault(block, []).append(zone)
    return {block: zones for block, zones in owners.items() if len(zones) > 1}


def foretell(stream: BlockStream, model: Predictor, types: Sequence[int]) -> Replay:
    """Drive `model`, which holds the lists of START, to the end of the trace; raises `CaptureError`."""
    return Foreteller(stream, model, types).run()


class Foreteller(Driver):
    """Asks before each allocation, and compares lists in their order."""

    def __init__(self, stream: BlockStream, model: Predictor, types: Sequence[int]) -> None:
        super().__init__(stream, model)  # type: ignore[arg-type]  # apply() below hands steps to it
        self.predictor = model
        self.types = types
        self._cma = CMA in types
        self.populated = sum(span.end_pfn > span.start_pfn for span in stream.zones.spans)
        searches_told = stream.capture.has(f"format/{FastIsolateFreepages.path}")
        self.compactions = Compactions(stream.zones, searches_told)
        self.predicted = self.missed = self.resyncs = self.zone_from_pfn = self.captured = 0
        self.causes: Counter[str] = Counter()
        self.pageblocks = self.pageblocks_equal = 0
        self.miss: str | None = None
        self._alone = len(stream.capture.cpu_buffers()) == 1
        self._shared = shared_pageblocks(stream)
        self._bypassed: list[Step] = []
        self._waiting: dict[int, list[Step]] = {}
        self._holder: dict[int, int] = {}
        self._refilled: dict[int, int] = {}
        self._fallback: dict[int, ExtFrag] = {}
        self._last: dict[int, Step] = {}

    def run(self) -> Replay:
        """Drive the model to the end of the trace."""
        found = super().run()
        foretold = Prediction(
            self.predicted,
            self.missed,
            dict(self.causes),
            self.resyncs,
            self.zone_from_pfn,
            self.captured,
            self.compactions.unfollowed,
            self.pageblocks,
            self.pageblocks_equal,
            self.miss,
        )
        allocations = self.predicted + self.missed + sum(self.causes.values())
        return attrs.evolve(found, allocations=allocations, prediction=foretold)

    def apply(self, step: Step | Note) -> None:
        """Carry out a step, or take note of an event."""
        if isinstance(step, Note):
            self.note(step)
            return
        if self._alone or not self.must_wait(step):
            self.carry_out(step)

    def must_wait(self, step: Step) -> bool:
        """Tell whether a free waits for the zone's lock, and let go what waited for it until now.

        A free of an order without per-CPU lists is announced before it takes the lock (`mm/page_alloc.c:__free_pages_ok`). If
        another CPU is then in the middle of a refill or a drain, which hold the lock, the block is free after that.
        """
        event = step.event
        cpu = -1 if event is None else event.cpu
        waiting = self._waiting.get(step.zone)
        if waiting and not (step.bulk and self._holder.get(step.zone) == cpu):
            self.let_go(step.zone)
        if isinstance(event, Free):
            if step.kind == "free" and self._holder.get(step.zone, cpu) != cpu:
                self._waiting.setdefault(step.zone, []).append(step)
                return True
        elif event is not None:
            self._holder[step.zone] = cpu
        return False

    def let_go(self, zone: int) -> None:
        """Carry out the frees that waited for a zone's lock."""
        for step in self._waiting.pop(zone, ()):
            self.carry_out(step)

    def compare(self, pause: Pause, window: list[Step | Note]) -> None:
        """Compare at a pause; nothing waits there."""
        for zone in list(self._waiting):
            self.let_go(zone)
        super().compare(pause, window)

    def carry_out(self, step: Step) -> None:
        """Carry out a step."""
        self.done += 1
        wrong = None
        if step.kind == "alloc":
            wrong = self.leaves(step)
        elif step.reason == "bypassed":
            # Known only from the block that is handed out next: it waits until that is foretold.
            self._bypassed.append(step)
        elif step.kind == "free":
            wrong = self.comes_back(step)
        elif step.kind == "take":
            wrong = self.taken(step)
        else:
            wrong = "a frame of it is free"
        if step.pfn // _PAGEBLOCK in self._shared:
            self.share(step)
        if wrong is not None:
            self.contradict(step, wrong)

    def share(self, step: Step) -> None:
        """Let the other zones of a pageblock know its type: there is one for all (`struct mem_section`, usemap)."""
        migratetype = self.predictor.type_at(step.zone, step.pfn)
        for zone in self._shared[step.pfn // _PAGEBLOCK]:
            if self.predictor.type_at(zone, step.pfn) != migratetype:
                self.predictor.label(zone, step.pfn, migratetype)

    def contradict(self, step: Step, wrong: str) -> None:
        """Count what the model says against a step."""
        self.contradictions += 1
        block = f"{step.kind} of block {step.pfn} of order {step.order}"
        self.first = self.first or f"event {step.seq} ({step.reason}): {block}: {wrong}"

    # --- allocations -------------------------------------------------------------------------------------------------

    def leaves(self, step: Step) -> str | None:
        """Foretell an allocation, then let its block leave."""
        if step.reason == "captured":
            return self.kept(step)
        request = self.request(step)
        sealed = Sealed(step.pfn)
        told = self.predictor.predict(request)
        sealed.hand_in(told)
        pfn = sealed.open()
        self.free_unseen()
        if told.cause is not None:
            self.causes[told.cause] += 1
        elif told.pfn == pfn:
            self.predicted += 1
        else:
            self.missed += 1
            said = "nothing" if told.pfn is None else f"block {told.pfn}"
            self.miss = self.miss or f"event {step.seq} ({step.reason}): {said} was foretold, block {pfn} was handed out"
        self.resyncs += told.pfn != pfn
        if step.migratetype is not None and self.number(step, step.migratetype) >= HIGHATOMIC:
            self.believe(step, self.number(step, step.migratetype))
        wrong = self.predictor.settle(step.zone, pfn, step.order)
        self.owned(step)
        return wrong

    def free_unseen(self) -> None:
        """Free the frames of which the step in hand tells that they were freed unseen."""
        for unseen in self._bypassed:
            self.predictor.free(unseen.zone, unseen.pfn, unseen.order, None, None)
        self._bypassed.clear()

    def request(self, step: Step) -> Request:
        """Return what may be known of an allocation in advance."""
        assert step.event is not None
        assert step.migratetype is not None
        cpu = step.event.cpu
        bulk = step.bulk and self._refilled.get(cpu) == step.zone
        self.zone_from_pfn += self.populated > 1 and not bulk
        self._refilled[cpu] = step.zone
        named = self.number(step, step.migratetype)
        migratetype = named if named <= RECLAIMABLE else MOVABLE if named == CMA else UNMOVABLE
        cma = self._cma and migratetype == MOVABLE
        return Request(step.zone, step.order, migratetype, cma, bulk, partial(self.held, step.zone))

    def held(self, zone: int, start: int) -> tuple[Sequence[int], Set[int]]:
        """Return the frames of a pageblock that movable pages hold, and those of them that may be on no LRU list now."""
        frames, recent = self.stream.movable_in(zone, start, start + _PAGEBLOCK)
        return frames, recent.union(frames[: self.compactions.off_lists])

    def owned(self, step: Step) -> None:
        """Compare the type of the block's pageblock with what the kernel said of a fallback, now that it may be read."""
        assert step.event is not None
        cpu = step.event.cpu
        self._last[cpu] = step
        said = self._fallback.pop(cpu, None)
        if said is None and isinstance(step.event, ExtFrag):
            said = step.event
        if said is not None and (said.pfn, said.alloc_order) == (step.pfn, step.order):
            self.check_owner(step.zone, said)

    def number(self, what: Step | ExtFrag, migratetype: int) -> int:
        """Return the law's number of a type that an event names; raises `CaptureError` where the kernel has none such."""
        if not 0 <= migratetype < len(self.types):
            where = f"{self.stream.capture.name} event {what.seq}"
            raise CaptureError(where, f"names migratetype {migratetype}, which this kernel has not: the trace is damaged")
        return self.types[migratetype]

    def check_owner(self, zone: int, said: ExtFrag) -> None:
        """Correct the model where a fallback changed a pageblock's type and the model does not have it, or the reverse."""
        wanted, other = (self.number(said, one) for one in (said.alloc_migratetype, said.fallback_migratetype))
        if (self.predictor.type_at(zone, said.pfn) == wanted) != bool(said.change_ownership):
            self.resyncs += 1
            self.predictor.retype(zone, said.pfn, wanted if said.change_ownership else other)

    def kept(self, step: Step) -> str | None:
        """Compare a block that direct compaction kept with what the model kept."""
        assert step.event is not None
        self.free_unseen()
        pfn = self.compactions.kept(step.event.pid)
        if pfn == step.pfn:
            self.captured += 1
            return None
        if pfn is not None:
            self.predictor.free(step.zone, pfn, step.order, None, None)
        self.resyncs += 1
        told = "no block" if pfn is None else f"block {pfn}"
        return self.predictor.settle(step.zone, step.pfn, step.order) or f"{told} was kept by compaction"

    # --- everything else ---------------------------------------------------------------------------------------------

    def comes_back(self, step: Step) -> str | None:
        """Free a block."""
        cached = None
        keep = None
        if step.event is not None:
            keep = self.compactions.keeps(step.event.pid, step.zone)
            if step.migratetype is not None:
                cached = self.number(step, step.migratetype)
                self.believe(step, cached)
        answer = self.predictor.free(step.zone, step.pfn, step.order, cached, keep)
        if isinstance(answer, int):
            assert step.event is not None
            self.compactions.keep(step.event.pid, answer)
            return None
        return answer

    def believe(self, step: Step, migratetype: int) -> None:
        """Correct a pageblock's type by a drain, which tells it since 6.10 (`mm/page_alloc.c:free_pcppages_bulk`, v6.12)."""
        if self.stream.extfrag_removes and self.predictor.type_at(step.zone, step.pfn) != migratetype:
            self.resyncs += 1
            self.predictor.retype(step.zone, step.pfn, migratetype)

    def taken(self, step: Step) -> str | None:
        """Let a block leave to compaction, which may be searching the lists."""
        assert step.event is not None
        self.free_unseen()
        if self.compactions.searching(step.event.pid):
            behind = self.predictor.behind(step.zone, step.pfn)
            for turn in self.compactions.taken(step.event.pid, step.pfn, step.order, behind, self.predictor.listed):
                self.predictor.turn(turn.zone, turn.pfn, turn.to_tail)
        return self.predictor.take(step.zone, step.pfn, step.order)

    def note(self, note: Note) -> None:
        """Take note of a fallback, or of what compaction does."""
        event = note.event
        if not isinstance(event, ExtFrag):
            for turn in self.compactions.note(event, self.predictor.listed):
                self.predictor.turn(turn.zone, turn.pfn, turn.to_tail)
        elif not self.stream.extfrag_removes:
            # It comes before the block leaves, and is read once that is foretold.
            self._fallback[event.cpu] = event
        elif event.cpu in self._last and self._last[event.cpu].event is not event:
            self.check_owner(self._last[event.cpu].zone, event)

    # --- pauses ------------------------------------------------------------------------------------------------------

    def adopt(self, step: Step) -> None:
        """Free a frame that RAM says was freed unseen."""
        self.done += 1
        wrong = self.comes_back(step)
        if wrong is not None:
            self.contradict(step, wrong)

    def look(self, pause: Pause, ram: Sequence[Blocks]) -> Sight:
        """Compare every list in its order, and the types of all pageblocks."""
        lists: list[OrderedComparison] = []
        types: list[tuple[int, bool]] = []
        for zone in range(len(ram)):
            lists += self.lists(pause, zone)
            types += self.pageblock_types(pause, zone)
        return Sight(lists, types)

    def lists(self, pause: Pause, zone: int) -> Iterator[OrderedComparison]:
        """Compare every list of a zone."""
        label = self.stream.zones.spans[zone].label
        for order, lists in enumerate(pause.lists.zones[zone].free):
            for number, heads in enumerate(lists):
                have = self.predictor.listed(zone, order, self.types[number])
                yield OrderedComparison(pause.tag, label, order, str(number), have, tuple(heads))

    def pageblock_types(self, pause: Pause, zone: int) -> Iterator[tuple[int, bool]]:
        """Compare the types of a zone's pageblocks with those in RAM."""
        known = pause.lists.pageblock_mt
        for first, after in self.stream.zones.runs(zone):
            for block in range(first // _PAGEBLOCK, -(-after // _PAGEBLOCK)):
                number = known[block] if block < len(known) else NOT_PRESENT
                if number != NOT_PRESENT:
                    pfn = max(first, block * _PAGEBLOCK)
                    yield block * _PAGEBLOCK, self.predictor.type_at(zone, pfn) == self.types[number]

    def keep(self, sight: Sight) -> None:
        """Keep a comparison as that of its pause."""
        super().keep(sight)
        self.pageblocks += len(sight.pageblocks)
        self.pageblocks_equal += sum(equal for _, equal in sight.pageblocks)
        other = next((pfn for pfn, equal in sight.pageblocks if not equal), None)
        if other is not None:
            tag = sight.comparisons[0].tag
            self.miss = self.miss or f"{tag}: pageblock {other} has another type"
