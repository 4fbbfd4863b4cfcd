"""Driving a model that foretells with a capture, and comparing every ordered free list with RAM at every pause.

`foretell(stream, model, types)` asks the model before each allocation (see `exact`), hands it everything else when it is
reached, corrects it after a miss by what was read then, and follows compactions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import partial

import attrs

from mmspec.physical.buddy.ops import CMA, HIGHATOMIC, MOVABLE, RECLAIMABLE, UNMOVABLE

from .blocks import LRU_BATCH, Blocks, BlockStream, Note, Pause, Step
from .cma import CmaShare
from .compaction import (
    CompactionBegin,
    CompactionEnd,
    Compactions,
    FastIsolateFreepages,
    TryToCompact,
)
from .exact import CAUSES, Predictor, Request, Sealed, Told, named_type
from .formats import ExtFrag, Free
from .opening import shared_pageblocks, untold_compaction
from .replay import Driver, OrderedComparison, Prediction, Replay, Sight
from .search import Turn
from .snapshot import NOT_PRESENT

_BATCHED = 5 * LRU_BATCH
"""Most pages of each CPU that are off the LRU lists to be moved between them (`mm/swap.c:struct cpu_fbatches`, v6.12)."""


UNSEEN = "a frame went to the buddy unseen, since another CPU held a lock (mm/page_alloc.c:free_unref_page)"


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
        self.compactions = Compactions(stream.zones, searches_told, stream.pageblock_order, stream.max_order)
        self.blind: str | None = None
        """Why, from some event on, the model may have lost the kernel through no fault of either."""
        self.failed_in_sight = False
        self._block = stream.pageblock_order
        self._cpus = max(1, len(stream.capture.cpu_buffers()))
        self._shares = CmaShare(stream, types, self._cpus) if self._cma else None
        self._kept_steps = 0
        self.predicted = self.missed = self.resyncs = self.zone_from_pfn = self.captured = 0
        self.causes: Counter[str] = Counter()
        self.pageblocks = self.pageblocks_equal = 0
        self.miss: str | None = None
        self._alone = self._cpus == 1
        self._shared = shared_pageblocks(stream)
        self._bypassed: list[Step] = []
        self._waiting: dict[int, list[Step]] = {}
        self._holder: dict[int, int] = {}
        self._refilled: dict[int, int] = {}
        self._refilling: dict[int, int] = {}
        self._fallback: dict[int, ExtFrag] = {}
        self._last: dict[int, tuple[Step, Told]] = {}

    def run(self) -> Replay:
        """Drive the model to the end of the trace."""
        found = super().run()
        if self.stream.misfits:
            self.contradictions += 1
            self.first = f"SPIN START: of {self.stream.misfits} frames the events until the next marker say what RAM does not"
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
            self.stream.dropped,
            self.blind,
            self.failed_in_sight,
        )
        allocations = self.predicted + self.missed + sum(self.causes.values())
        if allocations + self._kept_steps != self.stream.allocations:
            raise RuntimeError(f"{allocations} of {self.stream.allocations} allocations were asked for")
        missing = dict.fromkeys((*found.missing_events, *untold_compaction(self.stream)))
        return attrs.evolve(
            found,
            allocations=allocations,
            prediction=foretold,
            missing_events=tuple(missing),
            contradictions=self.contradictions,
            first_contradiction=self.first,
        )

    def lose_sight(self, why: str) -> None:
        """Note that what comes now need not be what the model says, though both are right."""
        if self.blind is None:
            self.blind = why
            apart = self.pageblocks_equal < self.pageblocks or not all(one.equal for one in self.comparisons)
            self.failed_in_sight = bool(self.missed or self.contradictions) or apart

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
        self.list_unused(None)
        super().compare(pause, window)

    def carry_out(self, step: Step) -> None:
        """Carry out a step."""
        self.done += 1
        wrong = None
        if step.kind != "alloc":
            # Whoever else acts in a zone holds its lock, and a refill is over.
            self._refilling.pop(step.zone, None)
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
        if self._shares is not None and step.kind != "check":
            change = 1 << step.order if step.kind == "free" else -1 << step.order
            self._shares.add(step.zone, change, self.predictor.type_at(step.zone, step.pfn) == CMA)
        if self._shared and step.pfn >> self._block in self._shared:
            self.share(step)
        if wrong is not None:
            self.contradict(step, wrong)

    def share(self, step: Step) -> None:
        """Let the other zones of a pageblock know its type: there is one for all (`struct mem_section`, usemap)."""
        migratetype = self.predictor.type_at(step.zone, step.pfn)
        for zone in self._shared[step.pfn >> self._block]:
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
        if self.compactions.unused:
            assert step.event is not None
            self.list_unused(step.event.pid, step.order)
        request = self.request(step)
        sealed = Sealed(step.pfn)
        told = self.predictor.predict(request)
        if told.pfn is None and request.migratetype == HIGHATOMIC:
            told = Told(None, "highatomic")
        sealed.hand_in(told)
        pfn = sealed.open()
        if self._bypassed:
            if not self._alone:
                self.lose_sight(UNSEEN)
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
        self.owned(step, told)
        return wrong

    def list_unused(self, pid: int | None, order: int | None = None) -> None:
        """Free what compactions kept and nobody used (None: of every process): a thread of the kernel keeps nothing."""
        for zone, pfn, kept in self.compactions.forget_unused(pid, order):
            self.lose_sight("a thread of the kernel compacts, which keeps nothing (mm/page_alloc.c:task_capc)")
            self.predictor.free(zone, pfn, kept, None, None)

    def free_unseen(self) -> None:
        """Free the frames of which the step in hand tells that they were freed unseen."""
        for unseen in self._bypassed:
            self.predictor.free(unseen.zone, unseen.pfn, unseen.order, None, None)
        self._bypassed.clear()

    def request(self, step: Step) -> Request:
        """Return what may be known of an allocation in advance."""
        assert step.event is not None
        assert step.migratetype is not None
        cpu, zone = step.event.cpu, step.zone
        self.zone_from_pfn += self.populated > 1 and not (step.bulk and self._refilled.get(cpu) == zone)
        self._refilled[cpu] = zone
        bulk = step.bulk and self._refilling.get(zone) == cpu
        self._refilling[zone] = cpu
        named = self.number(step, step.migratetype)
        migratetype = named if named <= RECLAIMABLE or named == HIGHATOMIC else MOVABLE if named == CMA else UNMOVABLE
        if self._shares is None or migratetype != MOVABLE:
            return Request(zone, step.order, migratetype, False, (False,), bulk, partial(self.held, zone))
        return Request(zone, step.order, migratetype, True, self._shares.mostly(zone), bulk, partial(self.held, zone))

    def held(self, zone: int, start: int) -> tuple[Sequence[int], Set[int]]:
        """Return the frames of a pageblock that movable pages hold, and those of them that may be on no LRU list now."""
        frames, unsure = self.stream.movable_in(zone, start, start + (1 << self._block))
        batched = _BATCHED * self._cpus if self.stream.extfrag_removes else 0
        return frames, unsure.union(frames[: self.compactions.off_lists + batched])

    def owned(self, step: Step, told: Told) -> None:
        """Compare the type of the block's pageblock with what the kernel said of a fallback, now that it may be read."""
        assert step.event is not None
        cpu = step.event.cpu
        self._last[cpu] = step, told
        said = self._fallback.pop(cpu, None)
        if said is None and isinstance(step.event, ExtFrag):
            said = step.event
        if said is not None and (said.pfn, said.alloc_order) == (step.pfn, step.order):
            self.check_owner(step, said, told)

    def number(self, what: Step | ExtFrag, migratetype: int) -> int:
        """Return the law's number of a type that an event names; raises `CaptureError` where the kernel has none such."""
        if 0 <= migratetype < len(self.types):
            return self.types[migratetype]
        return named_type(self.types, migratetype, f"{self.stream.capture.name} event {what.seq}")

    def check_owner(self, step: Step, said: ExtFrag, told: Told) -> None:
        """Compare what was foretold of the pageblock with what the kernel said of the fallback, and correct the model."""
        wanted, other = (self.number(said, one) for one in (said.alloc_migratetype, said.fallback_migratetype))
        changed = bool(said.change_ownership)
        if (told.owner == wanted) != changed and told.cause is None and told.pfn == step.pfn:
            self.predicted -= 1
            self.missed += 1
            what = "other" if told.owner is None else "its" if told.owner == wanted else "another"
            self.miss = self.miss or f"event {said.seq} ({said.path}): block {step.pfn} was foretold, but of {what} type"
        if (self.predictor.type_at(step.zone, said.pfn) == wanted) != changed:
            self.resyncs += 1
            # 6.1 moves the free blocks before it decides on the type.
            correct = self.predictor.retype if self.stream.extfrag_removes else self.predictor.label
            correct(step.zone, said.pfn, wanted if changed else other)

    def kept(self, step: Step) -> str | None:
        """Compare a block that direct compaction kept with what the model kept."""
        assert step.event is not None
        self._kept_steps += 1
        self._refilling.pop(step.zone, None)
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
            self.turn(self.compactions.taken(step.event.pid, step.pfn, step.order, behind, self.predictor.listed))
        return self.predictor.take(step.zone, step.pfn, step.order)

    def note(self, note: Note) -> None:
        """Take note of a fallback, or of what compaction does."""
        event = note.event
        if not isinstance(event, ExtFrag):
            if isinstance(event, TryToCompact | CompactionBegin) and self.compactions.unused:
                self.list_unused(event.pid)
            self.turn(self.compactions.note(event, self.predictor.listed))
            if isinstance(event, CompactionEnd):
                self.stream.compacted(event.pid)
        elif not self.stream.extfrag_removes:
            # It comes before the block leaves, and is read once that is foretold.
            self._fallback[event.cpu] = event
        elif event.cpu in self._last:
            step, told = self._last[event.cpu]
            if step.event is not event and (step.pfn, step.order) == (event.pfn, event.alloc_order):
                self.check_owner(step, event, told)

    def turn(self, turns: Iterable[Turn]) -> None:
        """Turn lists as compaction does; a search that cannot be followed may have turned others."""
        for turn in turns:
            self._refilling.pop(turn.zone, None)
            self.predictor.turn(turn.zone, turn.pfn, turn.to_tail)
        if self.compactions.unfollowed:
            self.lose_sight("compaction searched the lists in a way that its events do not tell")

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
        for first, after in self.stream.zones.runs(zone):
            for block in range(first >> self._block, ((after - 1) >> self._block) + 1):
                start = block << self._block
                number = pause.lists.type_of(start)
                if number != NOT_PRESENT:
                    have = self.predictor.type_at(zone, max(first, start))
                    want = named_type(self.types, number, f"{self.stream.capture.path} lists.{pause.tag}.json")
                    if have != want and HIGHATOMIC in (have, want):
                        self.lose_sight(CAUSES["highatomic"])
                    yield start, have == want

    def keep(self, sight: Sight) -> None:
        """Keep a comparison as that of its pause."""
        super().keep(sight)
        self.pageblocks += len(sight.pageblocks)
        self.pageblocks_equal += sum(equal for _, equal in sight.pageblocks)
        other = next((pfn for pfn, equal in sight.pageblocks if not equal), None)
        if other is not None:
            tag = sight.comparisons[0].tag
            self.miss = self.miss or f"{tag}: pageblock {other} has another type"
