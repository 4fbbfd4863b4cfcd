"""Driving a model of the free blocks with a capture, and comparing it with the lists in RAM at every pause.

`replay(stream, model)` hands every step to the model and, at each pause, holds the model's free blocks against those of
the paused kernel, both with every pair of free buddies merged. The model is whatever keeps free blocks: the law, the
implementation, or `FreeBlocks` below, which is the definition in its plainest form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from .archive import CaptureError
from .blocks import Blocks, BlockStream, Note, Pause, Resume, Step, free_blocks_in_ram

UNSEEN_LIMIT = 1e-4
"""Share of the allocations up to which frees that no event announced leave a verdict standing."""

_WINDOW_LIMIT = 200_000
PLACES_LIMIT = 100
"""Most places of a pause that are tried."""


class Model(Protocol):
    """What follows a capture."""

    def apply(self, step: Step) -> str | None:
        """Carry out a step; return what is wrong with it (and carry it out as far as that goes), or None."""

    def free_blocks(self, zone: int) -> Blocks:
        """Return the free blocks of a zone, in the canonical form."""


@attrs.frozen
class Comparison:
    """The blocks of one order of one zone at one pause."""

    tag: str
    zone: str
    order: int
    only_model: tuple[int, ...]
    """First frames of the blocks that only the model has."""
    only_ram: tuple[int, ...]

    @property
    def equal(self) -> bool:
        """Whether model and kernel have the same blocks."""
        return not self.only_model and not self.only_ram


@attrs.frozen
class OrderedComparison:
    """One ordered free list of one zone at one pause."""

    tag: str
    zone: str
    order: int
    migratetype: str
    """The type's name in the capture."""
    model: tuple[int, ...]
    """First frames of the blocks, head first."""
    ram: tuple[int, ...]

    @property
    def equal(self) -> bool:
        """Whether model and kernel have the same blocks in the same order."""
        return self.model == self.ram

    @property
    def only_model(self) -> tuple[int, ...]:
        """First frames of the blocks that only the model has."""
        return tuple(sorted(set(self.model) - set(self.ram)))

    @property
    def only_ram(self) -> tuple[int, ...]:
        """First frames of the blocks that only the kernel has."""
        return tuple(sorted(set(self.ram) - set(self.model)))


@attrs.frozen
class Prediction:
    """What came of predicting every allocation out of the free lists."""

    predicted: int
    mispredicted: int
    unpredictable: Mapping[str, int]
    """How many could not be predicted, by cause; the cause was given before the answer was read (`exact.CAUSES`)."""
    resyncs: int
    """Corrections of the model by what was read after a prediction."""
    zone_from_pfn: int
    """Allocations of which only the answer told the zone."""
    captured: int
    """Blocks that direct compaction kept, as predicted. They were on no free list."""
    unfollowed: int
    """Searches of compaction that looked at other blocks than was worked out: what they turned is not known."""
    pageblocks: int
    """Types of pageblocks compared with those in RAM, over all pauses."""
    pageblocks_equal: int
    first_miss: str | None
    dropped: int = 0
    """Events after the marker of START that came before its pause: what they did, the lists of START hold already."""
    blind: str | None = None
    """Why the model may have lost the kernel although both are right."""
    failed_in_sight: bool = False
    """Whether something was wrong before that."""

    @property
    def verdict(self) -> str:
        """`fail` for any miss, `unknown` for more than a ten-thousandth that nothing predicts, or where sight was lost."""
        if self.blind is not None:
            return "fail" if self.failed_in_sight else "unknown"
        if self.mispredicted or self.pageblocks_equal < self.pageblocks or self.first_miss is not None:
            return "fail"
        unsaid = sum(self.unpredictable.values())
        return "unknown" if unsaid > UNSEEN_LIMIT * (self.predicted + unsaid) else "pass"


@attrs.frozen
class Replay:
    """What came of a replay."""

    events: int
    lost: int
    missing_events: tuple[str, ...]
    allocations: int
    steps: int
    bypassed: int
    """Frames freed without a trace, found when next allocated."""
    adopted: int
    """Frames freed without a trace, found in the lists of a pause."""
    contradictions: int
    first_contradiction: str | None
    comparisons: tuple[Comparison | OrderedComparison, ...]
    prediction: Prediction | None = None
    """None where frame numbers were inputs."""

    @property
    def lists_equal(self) -> int:
        """How many comparisons came out equal."""
        return sum(comparison.equal for comparison in self.comparisons)

    @property
    def first_miss(self) -> str | None:
        """What first was not as foretold, was contradicted, or differed at a pause."""
        foretold = None if self.prediction is None else self.prediction.first_miss
        unequal = next((one for one in self.comparisons if not one.equal), None)
        what = "free blocks differ from RAM's" if self.prediction is None else "free lists differ from RAM's"
        apart = None if unequal is None else f"{unequal.tag}, zone {unequal.zone}, order {unequal.order}: the {what}"
        return foretold or self.first_contradiction or apart

    @property
    def verdict(self) -> str:
        """`fail` for a contradiction or difference that complete events do not excuse, `unknown` for what proves nothing."""
        if self.lost or self.missing_events:
            return "unknown"
        if self.prediction is not None and self.prediction.blind is not None:
            return self.prediction.verdict
        if self.contradictions or self.lists_equal < len(self.comparisons):
            return "fail"
        if self.prediction is not None and self.prediction.verdict != "pass":
            return self.prediction.verdict
        if not self.comparisons or self.bypassed + self.adopted > UNSEEN_LIMIT * self.allocations:
            return "unknown"
        return "pass"


class FreeBlocks:
    """The free blocks of every zone, and nothing else."""

    def __init__(self, stream: BlockStream) -> None:
        self._max_order = stream.max_order
        self._zones = [dict(blocks) for blocks in stream.initial]

    def free_blocks(self, zone: int) -> Blocks:
        """See `Model`."""
        return self._zones[zone]

    def apply(self, step: Step) -> str | None:
        """See `Model`."""
        blocks = self._zones[step.zone]
        if step.kind == "free":
            return self._add(blocks, step.pfn, step.order)
        if step.kind == "check":
            free = any(self._holder(blocks, step.pfn + at, 0) is not None for at in range(1 << step.order))
            return "a frame of it is free" if free else None
        return self._remove(blocks, step.pfn, step.order)

    def _holder(self, blocks: dict[int, int], pfn: int, order: int) -> int | None:
        """Return the order of the free block that holds the block, if one does."""
        for larger in range(order, self._max_order + 1):
            if blocks.get(pfn & -(1 << larger)) == larger:
                return larger
        return None

    def _remove(self, blocks: dict[int, int], pfn: int, order: int) -> str | None:
        larger = self._holder(blocks, pfn, order)
        if larger is None:
            return "not all of it is free"
        del blocks[pfn & -(1 << larger)]
        for half in range(order, larger):
            blocks[(pfn & -(1 << half)) ^ (1 << half)] = half
        return None

    def _add(self, blocks: dict[int, int], pfn: int, order: int) -> str | None:
        inside = any(frame in blocks for frame in range(pfn, pfn + (1 << order)))
        if inside or self._holder(blocks, pfn, order) is not None:
            return "a frame of it is free already"
        while order < self._max_order and blocks.get(pfn ^ (1 << order)) == order:
            del blocks[pfn ^ (1 << order)]
            pfn &= ~(1 << order)
            order += 1
        blocks[pfn] = order
        return None


def replay(stream: BlockStream, model: Model) -> Replay:
    """Drive `model`, which holds the initial state of `stream`, to the end of the trace; raises `CaptureError`."""
    return Driver(stream, model).run()


@attrs.frozen
class Sight:
    """What one comparison with RAM saw."""

    comparisons: Sequence[Comparison | OrderedComparison]
    pageblocks: Sequence[tuple[int, bool]] = ()
    """First frames of the pageblocks whose types were compared, and whether they are equal."""

    @property
    def unequal(self) -> int:
        """How much of it differs."""
        return sum(not row.equal for row in self.comparisons) + sum(not equal for _, equal in self.pageblocks)


class Driver:
    """Hands the stream's steps to a model, and compares at each pause."""

    def __init__(self, stream: BlockStream, model: Model) -> None:
        self.stream = stream
        self.model = model
        self.done = 0
        self.adopted = 0
        self.contradictions = 0
        self.first: str | None = None
        self.comparisons: list[Comparison | OrderedComparison] = []

    def run(self) -> Replay:
        """Drive the model to the end of the trace."""
        pause: Pause | None = None
        window: list[Step | Note] = []
        for item in self.stream.steps():
            if pause is None and type(item) is Step:
                self.apply(item)
            elif isinstance(item, Pause):
                pause, window = item, []
            elif isinstance(item, Resume):
                if pause is not None:
                    self.compare(pause, window)
                pause = None
            elif pause is None:
                self.apply(item)
            elif len(window) < _WINDOW_LIMIT:
                window.append(item)
            else:
                raise CaptureError(self.stream.capture.path, f"has no marker after 'SPIN {pause.tag}'")
        stream = self.stream
        return Replay(
            stream.tally.events,
            stream.tally.lost,
            tuple(stream.missing_events()),
            stream.allocations,
            self.done,
            stream.bypassed,
            self.adopted,
            self.contradictions,
            self.first,
            tuple(self.comparisons),
        )

    def apply(self, step: Step | Note) -> None:
        """Carry out a step; notes are for who asked for them."""
        if isinstance(step, Note):
            return
        wrong = self.model.apply(step)
        self.done += 1
        if wrong is not None:
            self.contradictions += 1
            block = f"{step.kind} of block {step.pfn} of order {step.order}"
            self.first = self.first or f"event {step.seq} ({step.reason}): {block}: {wrong}"

    def adopt(self, step: Step) -> None:
        """Carry out a free that nobody announced, found in the lists of a pause."""
        self.apply(step)

    def compare(self, pause: Pause, window: list[Step | Note]) -> None:
        """Compare at the step of the window at which the machine was paused, and carry out all its steps.

        Where the frames that are free fit at several steps, that is the first at which everything is equal.
        """
        numbers = range(len(self.stream.zones.spans))
        ram = [free_blocks_in_ram(pause.lists, self.stream.zones, zone) for zone in numbers]
        places, unseen = self.places(ram, window)
        sights: list[Sight] = []
        done = 0
        for place in places[:PLACES_LIMIT]:
            for step in window[done:place]:
                self.apply(step)
            done = place
            for pfn in sorted(unseen) if not sights else ():
                self.adopted += 1
                self.adopt(self.stream.adopt(pfn, pause.seq))
            sights.append(self.look(pause, ram))
            if not sights[-1].unequal:
                break
        self.keep(min(sights, key=lambda sight: sight.unequal))
        for step in window[done:]:
            self.apply(step)

    def look(self, pause: Pause, ram: Sequence[Blocks]) -> Sight:
        """Compare the model as it is with RAM."""
        zones = range(len(ram))
        return Sight(
            [row for zone in zones for row in _compared(pause.tag, self.stream, zone, self.model.free_blocks(zone), ram[zone])]
        )

    def keep(self, sight: Sight) -> None:
        """Keep a comparison as that of its pause."""
        self.comparisons += sight.comparisons

    def places(self, ram: list[dict[int, int]], window: list[Step | Note]) -> tuple[list[int], set[int]]:
        """Return how many steps of the window may have come before the pause, and the frames that were freed unseen.

        That is where the model differs from RAM by frames that were freed unseen, fewest first; the start of the window
        where it nowhere is so.
        """
        differing: set[int] = set()
        for zone, want in enumerate(ram):
            for pfn, order in self.model.free_blocks(zone).items() ^ want.items():
                differing ^= set(range(pfn, pfn + (1 << order)))
        best: tuple[list[int], set[int]] | None = None
        for place in range(len(window) + 1):
            fewer = best is None or len(differing) < len(best[1])
            if fewer and all(self.stream.cached(pfn) and self._in_ram(ram, pfn) for pfn in differing):
                best = [place], set(differing)
            elif best is not None and differing == best[1]:
                best[0].append(place)
            step = window[place] if place < len(window) else None
            if isinstance(step, Step) and step.kind != "check":
                differing ^= set(range(step.pfn, step.pfn + (1 << step.order)))
        return ([0], set()) if best is None else best

    def _in_ram(self, ram: list[dict[int, int]], pfn: int) -> bool:
        orders = range(self.stream.max_order + 1)
        return any(blocks.get(pfn & -(1 << order)) == order for blocks in ram for order in orders)


def _compared(tag: str, stream: BlockStream, zone: int, have: Blocks, want: Blocks) -> list[Comparison]:
    label = stream.zones.spans[zone].label
    found = []
    for order in range(stream.max_order + 1):
        model = {pfn for pfn, size in have.items() if size == order}
        kernel = {pfn for pfn, size in want.items() if size == order}
        found.append(Comparison(tag, label, order, tuple(sorted(model - kernel)), tuple(sorted(kernel - model))))
    return found
