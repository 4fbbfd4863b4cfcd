"""Both engines foretell alike, and nothing of what they foretell was read before."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import pytest

from mmprops.machines.physical.buddy_exact import PREDICTORS, ImplementationPredictor
from mmprops.traces.archive import CaptureError, open_capture, packaged_capture
from mmprops.traces.blocks import BlockStream, Step
from mmprops.traces.compaction import COMPACTION_EVENTS
from mmprops.traces.exact import Request, Sealed, Told, type_numbers
from mmprops.traces.foretell import Foreteller, foretell
from mmprops.traces.formats import BUDDY_EVENTS, Alloc, Event, ExtFrag, Free, IsoFree, Marker, PcpuDrain, ZoneLocked, events
from mmprops.traces.opening import exact_stream

# --- both engines are one -----------------------------------------------------------------------------------------------


CMA_SHARES = ((False, (False,)), (True, (False,)), (True, (True,)), (True, (True, False)))
"""Whether a request may use CMA pageblocks, and whether most free frames may be theirs."""


class Pair:
    """The law and the implementation with the same lists at START, and the same asked of both."""

    def __init__(self, kit: Any, version: str, chance: random.Random) -> None:
        self.chance = chance
        # In HIGHATOMIC pageblocks of 6.1 the law claims and the implementation does not, as the kernel: docs/questions.md, Q39.
        kinds = (0, 1, 1, 2, 3, 4) if version.startswith("6.12") else (0, 1, 1, 2, 4)
        types = [chance.choice(kinds) for _ in range(4)]
        blocks, pfn = [], 0
        while pfn < 2048:
            order = min(chance.choice((0, 0, 1, 2, 3, 4, 5, 6, 8, 9, 10)), (pfn & -pfn).bit_length() - 1 if pfn else 10)
            if chance.random() < 0.4:
                blocks.append((pfn, order, types[pfn // 512]))
            pfn += 1 << order
        lists = kit.lists("START", kit.scene().zones(blocks), types=types)
        path = kit.write({0: kit.pages([])}, kit.state({"START": lists}, version))
        stream = exact_stream(open_capture(path))
        self.law, self.ours = (PREDICTORS[engine](stream, (0, 1, 2, 3, 4, 5)) for engine in ("spec", "impl"))

    def free(self) -> set[int]:
        """The frames that are free."""
        return {head + at for head, order in self.law.free_blocks(0).items() for at in range(1 << order)}

    def held(self, share: float, doubt: float) -> Callable[[int], tuple[list[int], set[int]]]:
        """Movable pages in some of the frames that are not free."""
        free = self.free()
        movable = {pfn for pfn in range(2048) if pfn not in free and self.chance.random() < share}
        unsure = {pfn for pfn in movable if self.chance.random() < doubt}
        return lambda start: (sorted(movable.intersection(range(start, start + 512))), unsure)

    def asked(self, name: str, *arguments: Any) -> Any:
        """Ask both; they answer alike."""
        law, ours = (getattr(engine, name)(*arguments) for engine in (self.law, self.ours))
        assert law == ours
        return law

    def step(self) -> None:
        """Ask something of both, and compare all lists and types."""
        chance = self.chance
        what = chance.randrange(10)
        listed = [(pfn, order) for order in range(11) for kind in range(3) for pfn in self.law.listed(0, order, kind)]
        if what < 5:
            held = self.held(chance.random(), chance.choice((0, 0.2)))
            order, kind, share = chance.randrange(6), chance.randrange(4), chance.choice(CMA_SHARES)
            request = Request(0, order, kind, *share, chance.random() < 0.5, held)
            told = self.asked("predict", request)
            if told.pfn is not None:
                assert self.asked("settle", 0, told.pfn, request.order) is None
            elif told.cause is not None and listed:
                pfn, order = chance.choice(listed)
                self.asked("settle", 0, pfn, min(order, request.order))
        elif what < 8:
            order = chance.choice((0, 0, 1, 2, 3, 4, 5, 8, 9))
            pfn = chance.randrange(2048) >> order << order
            if self.free().isdisjoint(range(pfn, pfn + (1 << order))):
                keep = chance.choice((None, (chance.choice((0, 1, 2, 3, 4, 5, 9)), chance.randrange(3))))
                self.asked("free", 0, pfn, order, chance.choice((None, 0, 1, 2)), keep)
        elif listed:
            pfn, order = chance.choice(listed)
            self.asked(
                *chance.choice((("take", 0, pfn, order), ("turn", 0, pfn, False), ("turn", 0, pfn, True), ("behind", 0, pfn)))
            )
        for order in range(11):
            for kind in range(6):
                self.asked("listed", 0, order, kind)
        for pfn in range(0, 2048, 512):
            self.asked("type_at", 0, pfn)


@pytest.mark.parametrize("version", ["6.12.1", "6.1.9"])
def test_law_and_implementation_foretell_alike(kit: Any, version: str) -> None:
    """Whatever is asked of them, the lists of both stay the same, fallbacks, kept blocks and turns included."""
    chance = random.Random(7)
    for _ in range(4):
        pair = Pair(kit, version, chance)
        for _ in range(100):
            pair.step()


# --- nothing is read ahead ----------------------------------------------------------------------------------------------


def test_answer_is_sealed() -> None:
    """An allocation's frame is given out after one prediction was handed in, and not before."""
    sealed = Sealed(7)
    with pytest.raises(RuntimeError, match="before it is predicted"):
        sealed.open()
    sealed.hand_in(Told(7))
    assert sealed.open() == 7
    with pytest.raises(RuntimeError, match="cannot be changed"):
        sealed.hand_in(Told(8))


class Recorder(ImplementationPredictor):
    """Writes down what it was asked and what it told."""

    def __init__(self, stream: BlockStream, numbers: Sequence[int]) -> None:
        super().__init__(stream, numbers)
        self.told: list[tuple[Request, Told]] = []

    def predict(self, request: Request) -> Told:
        told = super().predict(request)
        self.told.append((request, told))
        return told


def recorded(source: Sequence[Event]) -> list[tuple[Request, Told]]:
    """What is told of some events of the packaged capture."""
    capture = open_capture(packaged_capture())
    stream = exact_stream(capture, source)
    numbers = type_numbers(capture, len(stream.start.zones[0].free[0]))
    recorder = Recorder(stream, numbers)
    with contextlib.suppress(CaptureError):  # what is scrambled need not be a trace
        foretell(stream, recorder, numbers)
    return recorder.told


def scrambled(event: Event, chance: random.Random) -> Iterator[Event]:
    """The same event with other outputs and other inputs-when-reached; the zone of an allocation is kept."""
    low, high = (1, 4096) if getattr(event, "pfn", 4096) < 4096 else (4096, 131040)
    order = getattr(event, "order", 0)
    pfn = max(low, chance.randrange(low, high) >> order << order)
    if isinstance(event, ZoneLocked) and chance.random() < 0.5:
        head = event.seq, event.time, event.cpu, event.pid
        yield ExtFrag(*head, pfn, event.order, chance.randrange(11), event.migratetype, chance.randrange(3), chance.randrange(2))
    elif isinstance(event, ZoneLocked | Alloc | Free):
        yield attrs.evolve(event, pfn=pfn)
    elif isinstance(event, PcpuDrain):
        yield attrs.evolve(event, pfn=pfn, migratetype=chance.randrange(3))
    elif isinstance(event, IsoFree):
        yield attrs.evolve(event, page=event.page + 64 * chance.randrange(100))
    elif not isinstance(event, ExtFrag):
        yield event


@pytest.fixture(scope="module")
def trace() -> list[Event]:
    """The events of the packaged capture."""
    return list(events(open_capture(packaged_capture()), (*BUDDY_EVENTS, *COMPACTION_EVENTS)))


def cuts(trace: Sequence[Event]) -> list[int]:
    """The places of the allocations after START."""
    start = next(place for place, event in enumerate(trace) if isinstance(event, Marker) and event.line == "SPIN START")
    first = next(place for place in range(start + 1, len(trace)) if isinstance(trace[place], Marker))
    return [place for place, event in enumerate(trace) if place > first and isinstance(event, ZoneLocked)]


def scrambled_from(trace: Sequence[Event], cut: int, chance: random.Random) -> list[Event]:
    """A trace whose events from one on are scrambled, and soon end."""
    return [*trace[:cut], *(new for event in trace[cut : cut + 200] for new in scrambled(event, chance))]


def test_scrambling_all_that_is_later_changes_no_prediction(trace: list[Event]) -> None:
    """With all later outputs and inputs-when-reached scrambled, its own output included, each prediction is the same."""
    right, allocations = recorded(trace), cuts(trace)
    assert len(allocations) == len(right) == 19_590
    chance = random.Random(5)
    for number in [0, 1, 2, *sorted(chance.sample(range(2_000), 5)), 12_000]:
        other = recorded(scrambled_from(trace, allocations[number], chance))
        assert other[: number + 1] == right[: number + 1]


def test_reading_ahead_is_seen(trace: list[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above sees a request that tells one bit of its answer."""
    honest = Foreteller.request

    def request(self: Foreteller, step: Step) -> Request:
        return attrs.evolve(honest(self, step), cma=bool(step.pfn & 2))

    monkeypatch.setattr(Foreteller, "request", request)
    chance = random.Random(5)
    cut = cuts(trace)[10]
    assert len({str(recorded(scrambled_from(trace, cut, chance))[:11]) for _ in range(8)}) > 1
