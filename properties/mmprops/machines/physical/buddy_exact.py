"""The law and the implementation as they say in advance which block a real kernel hands out.

Both hold the lists of each zone in their order. Frames outside are nobody's: which of them are movable pages is told with a
request where it matters, that is where another type's pageblock may be claimed. The answer is then worked out twice, with every
movable page counted and with those left out of which nobody can tell; where the two differ, the cause is told instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
from numpy.typing import NDArray

from mmimpl.physical.buddy import Buddy, compaction, refill
from mmimpl.physical.buddy.lists import enlist_last, free_one, free_pieces, move_pageblock, smallest, step_of, take_listed
from mmimpl.physical.buddy.memory import ALLOCATED, MIGRATABLE, NONE
from mmimpl.physical.buddy.operations import take as take_kernel
from mmimpl.physical.buddy.outside import any_free, carve, fits
from mmprops.machines.physical.buddy_replay import config_of
from mmprops.traces.archive import Capture, CaptureError
from mmprops.traces.blocks import Blocks, BlockStream, kernel_version
from mmprops.traces.exact import Predictor, Request, Told, type_numbers
from mmprops.traces.foretell import exact_stream, foretell
from mmprops.traces.replay import Replay
from mmprops.traces.snapshot import NOT_PRESENT, decompose, runs_of
from mmspec import linked
from mmspec.errors import DONE
from mmspec.linked import Links
from mmspec.physical.buddy import compaction as law_compaction
from mmspec.physical.buddy import lists as law_lists
from mmspec.physical.buddy.fallback import first_fallback, second_fallback
from mmspec.physical.buddy.linux import take_choose
from mmspec.physical.buddy.lists import NOBODY
from mmspec.physical.buddy.ops import ALLOC_CMA, KERNELS, Config, Take
from mmspec.physical.buddy.refill import NORMAL, STEALING
from mmspec.physical.buddy.refill import refill as law_refill
from mmspec.physical.buddy.state import UNLISTED, FreeLists, Zone, list_number, span_of, type_at
from mmspec.pmap import pmap
from mmspec.words import ABSENT, Migratetype, Order, Pfn, head_of, size_of

IN_DOUBT = Told(None, "movable-pages")


@attrs.frozen
class Start:
    """What a zone held when the machine was paused at START, with the law's numbers of types."""

    config: Config
    kernel: str
    blocks: tuple[tuple[Pfn, Order, Migratetype], ...]
    """Free blocks, list by list, head first."""
    types: Mapping[int, Migratetype]
    """The types of its pageblocks, by index from frame 0."""


def kernel_of(capture: Capture) -> str:
    """Return the name of the kernel whose choices the capture shows (CaptureError: they are not specified)."""
    name = ".".join(map(str, kernel_version(capture)))
    if name not in KERNELS:
        problem = f"is of Linux {name}; what is specified are the choices of {' and '.join(KERNELS)}"
        raise CaptureError(f"{capture.path} version", problem, "--level blocks holds for other versions too")
    return name


def start_of(stream: BlockStream, zone: int, numbers: Sequence[int]) -> Start:
    """Return what a zone of the capture held at START (mm/page_alloc.c's lists and pageblock flags as they lay in RAM)."""
    types: dict[int, Migratetype] = {}
    for first, after in stream.zones.runs(zone):
        for block in range(first >> 9, (after + 511) >> 9):
            known = stream.start.pageblock_mt[block] if block < len(stream.start.pageblock_mt) else NOT_PRESENT
            if known != NOT_PRESENT:
                types[block] = numbers[known]
    blocks = tuple((pfn, order, numbers[number]) for pfn, order, number in stream.start.zones[zone].blocks())
    return Start(config_of(stream, zone), kernel_of(stream.capture), blocks, types)


def canonical(stream: BlockStream, zone: int, blocks: Iterable[tuple[Pfn, Order]]) -> Blocks:
    """Return listed blocks with every pair of free buddies merged."""
    return decompose(runs_of(blocks, stream.zones.runs(zone)), stream.max_order)


# --- the law -----------------------------------------------------------------------------------------------------------


@attrs.define
class LawZone:
    """One zone: the lists now, what the last prediction makes of them, and where its refill goes on."""

    zone: Zone
    lists: FreeLists
    mode: int = NORMAL
    outcomes: tuple[tuple[int, FreeLists, int], ...] = ()


class LawPredictor:
    """The law's lists."""

    def __init__(self, stream: BlockStream, numbers: Sequence[int]) -> None:
        self._stream = stream
        self._zones = [law_zone(start_of(stream, zone, numbers)) for zone in range(len(stream.zones.spans))]

    def _pageblocks(self, held: LawZone, order: Order, migratetype: Migratetype) -> Iterable[Pfn]:
        """Return the pageblocks of whose pages the answer to a request may depend, by their first frames."""
        span, lists = held.zone.span, held.lists
        if law_lists.smallest(span, lists, order, migratetype) < NOBODY:
            return ()
        found: dict[Pfn, None] = {}
        for have in range(order, span.pageblock_order):
            for other in (first_fallback(migratetype), second_fallback(migratetype)):
                pfn = law_lists.first_listed(lists, have, other)
                if pfn < NOBODY:
                    found[pfn >> span.pageblock_order << span.pageblock_order] = None
        return found

    def predict(self, request: Request) -> Told:
        """See `Predictor`."""
        held = self._zones[request.zone]
        mode = held.mode if request.bulk else NORMAL
        pageblocks = self._pageblocks(held, request.order, request.migratetype)
        flags = ALLOC_CMA if request.cma else 0
        held.outcomes = tuple(
            law_refill(*self._with(held, movable), request.order, request.migratetype, flags, mode)
            for movable in doubts(request, pageblocks)
        )
        pfn = held.outcomes[0][0]
        if any(other != pfn for other, _, _ in held.outcomes):
            return IN_DOUBT
        return Told(pfn if pfn < NOBODY else None)

    def _with(self, held: LawZone, movable: Mapping[Pfn, Order]) -> tuple[Zone, FreeLists]:
        if not movable:
            return held.zone, held.lists
        frames = pmap(dict(movable))
        return attrs.evolve(held.zone, allocated=frames), attrs.evolve(held.lists, movable=frames)

    def settle(self, zone: int, pfn: int, order: int) -> str | None:
        """See `Predictor`."""
        held = self._zones[zone]
        outcomes, held.outcomes = held.outcomes, ()
        for foretold, lists, mode in outcomes:
            if foretold == pfn:
                held.lists, held.mode = attrs.evolve(lists, movable=pmap()), mode
                return None
        found, held.lists = law_compaction.carve(held.zone.span, held.lists, pfn, order)
        return "not all of it is free" if found == NOBODY else None

    def free(self, zone: int, pfn: int, order: int, migratetype: int | None, keep: tuple[int, int] | None) -> int | str | None:
        """See `Predictor`."""
        held = self._zones[zone]
        span, lists = held.zone.span, held.lists
        inside = any(head in lists.block for head in range(pfn, pfn + size_of(order)))
        if inside or any(law_lists.listed_order(lists, head_of(pfn, k)) == k for k in range(order, span.max_order + 1)):
            return "a frame of it is free already"
        cached = migratetype if migratetype is not None and lists.kernel < KERNELS["6.12"] else type_at(span, lists, pfn)
        if keep is not None and order <= span.pageblock_order:
            kept, held.lists = law_compaction.free_kept(span, lists, pfn, order, cached, *keep)
            return kept if kept < NOBODY else None
        if order <= span.pageblock_order:
            held.lists = law_lists.free_one(span, lists, pfn, order, cached, False)
        else:
            held.lists = law_lists.free_pieces(span, lists, pfn, order)
        return None

    def take(self, zone: int, pfn: int, order: int) -> str | None:
        """See `Predictor`."""
        held = self._zones[zone]
        answer, lists = take_choose(held.zone, held.lists, Take(pfn, order))
        if answer == DONE:
            held.lists = lists
            return None
        return "it is no listed block"

    def turn(self, zone: int, pfn: int, to_tail: bool) -> None:
        """See `Predictor`."""
        held = self._zones[zone]
        number = held.lists.block.get(pfn, UNLISTED)
        if number != UNLISTED:
            turned = law_compaction.turn_to_tail if to_tail else law_compaction.turn_to_head
            length = sum(1 for _ in linked.members(held.lists.links, number))
            held.lists = turned(held.lists, pfn, number & 15, number >> 4, length)

    def behind(self, zone: int, pfn: int) -> int | None:
        """See `Predictor`."""
        key = self._zones[zone].lists.links.next.get(pfn, NOBODY)
        return key if key < NOBODY else None

    def type_at(self, zone: int, pfn: int) -> int:
        """See `Predictor`."""
        held = self._zones[zone]
        return type_at(held.zone.span, held.lists, pfn)

    def retype(self, zone: int, pfn: int, migratetype: int) -> None:
        """See `Predictor`."""
        held = self._zones[zone]
        held.lists = law_lists.move_pageblock(held.zone, held.lists, pfn, migratetype)

    def label(self, zone: int, pfn: int, migratetype: int) -> None:
        """See `Predictor`."""
        held = self._zones[zone]
        held.lists = law_lists.set_types(held.zone.span, held.lists, pfn, 0, migratetype)

    def listed(self, zone: int, order: int, migratetype: int) -> tuple[int, ...]:
        """See `Predictor`."""
        return tuple(linked.members(self._zones[zone].lists.links, list_number(order, migratetype)))

    def free_blocks(self, zone: int) -> Blocks:
        """See `Predictor`."""
        blocks = self._zones[zone].lists.block.items()
        return canonical(self._stream, zone, ((pfn, number & ABSENT) for pfn, number in blocks))


def law_zone(start: Start) -> LawZone:
    """Return a zone of the law with the lists of START, every other frame being outside."""
    zone = Zone(span_of(start.config), pmap(), pmap(), pmap(), pmap())
    lists = FreeLists(KERNELS[start.kernel], pmap(), Links(), pmap(dict(start.types)), pmap())
    for pfn, order, migratetype in start.blocks:
        lists = law_lists.enlist(lists, pfn, order, migratetype, True)
    return LawZone(zone, lists)


def doubts(request: Request, pageblocks: Iterable[Pfn]) -> Iterable[Mapping[Pfn, Order]]:
    """Yield the movable pages that a request's answer may depend on: all of them and, if some are in doubt, the others."""
    told = [request.held(start) for start in pageblocks]
    every = {pfn: 0 for frames, _ in told for pfn in frames}
    yield every
    unsure = {pfn for _, doubtful in told for pfn in doubtful}
    if unsure:
        yield {pfn: 0 for pfn in every if pfn not in unsure}


# --- the implementation --------------------------------------------------------------------------------------------------

Memory = tuple[NDArray[Any], ...]


@attrs.define
class Outcome:
    """What a prediction comes to: the block, still listed, the refill's mode, and the arrays if they changed."""

    frame: int
    mode: int
    memory: Memory | None


@attrs.define
class ImplementationZone:
    """One zone, what was foretold of it last, and where its refill goes on."""

    buddy: Buddy
    mode: int = NORMAL
    before: Memory | None = None
    outcomes: tuple[Outcome, ...] = ()


class ImplementationPredictor:
    """Our implementation's lists."""

    def __init__(self, stream: BlockStream, numbers: Sequence[int]) -> None:
        self._stream = stream
        self._zones = [implementation_zone(start_of(stream, zone, numbers)) for zone in range(len(stream.zones.spans))]

    def _pageblocks(self, buddy: Buddy, order: Order, migratetype: Migratetype) -> Iterable[Pfn]:
        """Return the pageblocks of whose pages the answer to a request may depend, by their first frames."""
        cells = buddy.zone
        found: dict[Pfn, None] = {}
        for have in range(order, cells.pageblock_order):
            for other in (first_fallback(migratetype), second_fallback(migratetype)):
                frame = cells.after[cells.heads + (other << 4 | have)]
                if frame < cells.heads:
                    found[buddy.base + (frame >> cells.pageblock_order << cells.pageblock_order)] = None
        return found

    def predict(self, request: Request) -> Told:
        """See `Predictor`."""
        held = self._zones[request.zone]
        cells, heads = held.buddy.zone, held.buddy.heads
        mode = held.mode if request.bulk else NORMAL
        if mode == NORMAL and not request.cma:
            frame = smallest(cells, request.order, request.migratetype)
            if frame < heads:
                held.outcomes = (Outcome(frame, NORMAL, None),)
                return Told(held.buddy.base + frame)
        if mode == STEALING:
            # Nothing moves before the block is taken.
            flags = ALLOC_CMA if request.cma else 0
            frame, mode = refill.pick_next(cells, request.order, request.migratetype, flags, mode)
            held.outcomes = (Outcome(frame, mode, None),)
            return Told(held.buddy.base + frame if frame < heads else None)
        held.before = memory_of(held.buddy)
        pageblocks = self._pageblocks(held.buddy, request.order, request.migratetype)
        held.outcomes = tuple(self._outcome(held, request, mode, movable) for movable in doubts(request, pageblocks))
        if len({outcome.frame for outcome in held.outcomes}) > 1:
            return IN_DOUBT
        frame = held.outcomes[0].frame
        return Told(held.buddy.base + frame if frame < heads else None)

    def _outcome(self, held: ImplementationZone, request: Request, mode: int, movable: Mapping[Pfn, Order]) -> Outcome:
        """Work an answer out on the arrays, and put them back."""
        assert held.before is not None
        buddy = held.buddy
        cells = buddy.zone
        for pfn in movable:
            cells.page[pfn - buddy.base] = ALLOCATED | MIGRATABLE
        flags = ALLOC_CMA if request.cma else 0
        frame, mode = refill.pick_next(cells, request.order, request.migratetype, flags, mode)
        for pfn in movable:
            cells.page[pfn - buddy.base] = NONE
        after = memory_of(buddy)
        put_back(buddy, held.before)
        return Outcome(frame, mode, after)

    def settle(self, zone: int, pfn: int, order: int) -> str | None:
        """See `Predictor`."""
        held = self._zones[zone]
        buddy, outcomes, held.outcomes = held.buddy, held.outcomes, ()
        for outcome in outcomes:
            if buddy.base + outcome.frame == pfn:
                held.mode = outcome.mode
                if outcome.memory is not None:
                    put_back(buddy, outcome.memory)
                take_listed(buddy.zone, outcome.frame, order)
                return None
        return None if carve(buddy.zone, pfn - buddy.base, order) else "not all of it is free"

    def free(self, zone: int, pfn: int, order: int, migratetype: int | None, keep: tuple[int, int] | None) -> int | str | None:
        """See `Predictor`."""
        buddy = self._zones[zone].buddy
        cells, frame = buddy.zone, pfn - buddy.base
        if not fits(cells, frame, order) or any_free(cells, frame, order):
            return "a frame of it is free already"
        cached = migratetype
        if cached is None or cells.kernel >= KERNELS["6.12"]:
            cached = cells.types[frame >> cells.pageblock_order]
        if order > cells.pageblock_order:
            free_pieces(cells, frame, order, step_of(cells, frame, order), False)
        elif keep is None:
            free_one(cells, frame, order, cached, False)
        else:
            kept = compaction.free_kept(cells, frame, order, cached, *keep)
            return buddy.base + kept if kept < cells.heads else None
        return None

    def take(self, zone: int, pfn: int, order: int) -> str | None:
        """See `Predictor`."""
        buddy = self._zones[zone].buddy
        if take_kernel(buddy.zone, pfn - buddy.base, order):
            return "it is no listed block"
        buddy.zone.page[pfn - buddy.base] = NONE
        return None

    def turn(self, zone: int, pfn: int, to_tail: bool) -> None:
        """See `Predictor`."""
        buddy = self._zones[zone].buddy
        if buddy.list_at(pfn) != NONE:
            turned: Callable[..., None] = compaction.turn_to_tail if to_tail else compaction.turn_to_head
            turned(buddy.zone, pfn - buddy.base)

    def behind(self, zone: int, pfn: int) -> int | None:
        """See `Predictor`."""
        buddy = self._zones[zone].buddy
        key = buddy.after(pfn)
        return key if key != pfn and buddy.list_at(key) != NONE else None

    def type_at(self, zone: int, pfn: int) -> int:
        """See `Predictor`."""
        return self._zones[zone].buddy.type_at(pfn >> 9)

    def retype(self, zone: int, pfn: int, migratetype: int) -> None:
        """See `Predictor`."""
        buddy = self._zones[zone].buddy
        move_pageblock(buddy.zone, pfn - buddy.base, migratetype)

    def label(self, zone: int, pfn: int, migratetype: int) -> None:
        """See `Predictor`."""
        buddy = self._zones[zone].buddy
        buddy.zone.types[(pfn - buddy.base) >> buddy.arrays.pageblock_order] = migratetype

    def listed(self, zone: int, order: int, migratetype: int) -> tuple[int, ...]:
        """See `Predictor`."""
        buddy = self._zones[zone].buddy
        cells, blocks = buddy.zone, []
        frame = cells.after[cells.heads + (migratetype << 4 | order)]
        while frame < cells.heads:
            blocks.append(buddy.base + frame)
            frame = cells.after[frame]
        return tuple(blocks)

    def free_blocks(self, zone: int) -> Blocks:
        """See `Predictor`."""
        blocks = self._zones[zone].buddy.blocks()
        return canonical(self._stream, zone, ((pfn, number & ABSENT) for pfn, number in blocks))


def implementation_zone(start: Start) -> ImplementationZone:
    """Return a zone of our implementation with the lists of START, every other frame being outside."""
    buddy = Buddy(start.config, start.kernel, free=())
    for index, migratetype in start.types.items():
        buddy.zone.types[index - (buddy.base >> buddy.arrays.pageblock_order)] = migratetype
    for pfn, order, migratetype in start.blocks:
        enlist_last(buddy.zone, pfn - buddy.base, migratetype << 4 | order)
    return ImplementationZone(buddy)


def memory_of(buddy: Buddy) -> Memory:
    """Return a copy of the arrays that a search may change."""
    arrays = buddy.arrays
    return arrays.page.copy(), arrays.after.copy(), arrays.before.copy(), arrays.types.copy()


def put_back(buddy: Buddy, memory: Memory) -> None:
    """Make the arrays what they were."""
    arrays = buddy.arrays
    arrays.page[:], arrays.after[:], arrays.before[:], arrays.types[:] = memory


PREDICTORS: Mapping[str, Callable[[BlockStream, Sequence[int]], Predictor]] = {
    "spec": LawPredictor,
    "impl": ImplementationPredictor,
}
"""What can foretell a capture, by the names of the engines."""


def follow_exactly(capture: Capture, engine: str) -> Replay:
    """Replay a capture at the level of the ordered lists: each allocation is foretold."""
    stream = exact_stream(capture)
    numbers = type_numbers(capture, len(stream.start.zones[0].free[0]))
    return foretell(stream, PREDICTORS[engine](stream, numbers), numbers)
