"""The law and the implementation as they say in advance which block a real kernel hands out.

Both hold the lists of each zone in their order. Frames outside are nobody's: which of them are movable pages is told with a
request where it matters, that is where another type's pageblock may be claimed. The answer is then worked out twice, with every
movable page counted and with those left out of which nobody can tell; where the two differ, the cause is told instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from mmimpl.physical.buddy import Buddy, compaction, refill
from mmimpl.physical.buddy.lists import enlist_last, free_one, free_pieces, move_pageblock, smallest, step_of, take_listed
from mmimpl.physical.buddy.memory import ALLOCATED, MIGRATABLE, NONE
from mmimpl.physical.buddy.operations import take as take_kernel
from mmimpl.physical.buddy.outside import any_free, carve, fits
from mmprops.machines.physical.buddy_start import Start, canonical, doubts, same, start_of
from mmprops.traces.archive import Capture
from mmprops.traces.blocks import Blocks, BlockStream
from mmprops.traces.exact import Predictor, Request, Told, type_numbers
from mmprops.traces.foretell import foretell
from mmprops.traces.formats import Event
from mmprops.traces.opening import best_start, exact_stream
from mmprops.traces.replay import Replay
from mmspec import linked
from mmspec.errors import DONE
from mmspec.linked import Links
from mmspec.physical.buddy import compaction as law_compaction
from mmspec.physical.buddy import lists as law_lists
from mmspec.physical.buddy.fallback import first_fallback, second_fallback
from mmspec.physical.buddy.linux import take_choose
from mmspec.physical.buddy.lists import NOBODY
from mmspec.physical.buddy.ops import ALLOC_CMA, CMA, HIGHATOMIC, ISOLATE, KERNELS, Take
from mmspec.physical.buddy.refill import NORMAL
from mmspec.physical.buddy.refill import refill as law_refill
from mmspec.physical.buddy.state import UNLISTED, FreeLists, Zone, list_number, span_of, type_at
from mmspec.pmap import pmap
from mmspec.words import ABSENT, Migratetype, Order, Pfn, head_of, size_of

# --- the law -----------------------------------------------------------------------------------------------------------


@attrs.define
class LawZone:
    """One zone: the lists now, what the last prediction makes of them, and where its refill goes on."""

    zone: Zone
    lists: FreeLists
    mode: int = NORMAL
    outcomes: tuple[tuple[int, FreeLists, int], ...] = ()

    def served(self, request: Request) -> bool:
        """Tell whether the request's own lists serve it."""
        return law_lists.smallest(self.zone.span, self.lists, request.order, request.migratetype) < NOBODY


class LawPredictor:
    """The law's lists."""

    def __init__(self, stream: BlockStream, numbers: Sequence[int]) -> None:
        self._stream = stream
        self._zones = [law_zone(start_of(stream, zone, numbers)) for zone in range(len(stream.zones.spans))]

    def _pageblocks(self, held: LawZone, order: Order, migratetype: Migratetype) -> Iterable[Pfn]:
        """Return the pageblocks of whose pages the answer to a request may depend, by their first frames."""
        span, lists = held.zone.span, held.lists
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
        span, order, migratetype = held.zone.span, request.order, request.migratetype
        if migratetype == HIGHATOMIC:
            pfn, lists = law_lists.from_type(span, held.lists, order, migratetype)
            held.outcomes = ((pfn, lists, NORMAL),)
            return Told(pfn if pfn < NOBODY else None)
        mode = held.mode if request.bulk else NORMAL
        own = mode == NORMAL and held.served(request)
        pageblocks = () if own else self._pageblocks(held, order, migratetype)
        flags = ALLOC_CMA if request.cma else 0
        held.outcomes = tuple(
            law_refill(*self._with(held, movable, mostly), order, migratetype, flags, mode)
            for movable in doubts(request, pageblocks)
            for mostly in request.mostly_cma
        )
        told = [
            (pfn, None if pfn == NOBODY or (own and not request.cma) else type_at(span, lists, pfn))
            for pfn, lists, _ in held.outcomes
        ]
        return same(told, NOBODY, request, 0)

    def _with(self, held: LawZone, movable: Mapping[Pfn, Order], mostly_cma: bool) -> tuple[Zone, FreeLists]:
        zone, lists = held.zone, held.lists
        if mostly_cma:
            zone = attrs.evolve(zone, frames=pmap({CMA: 1}))
        if not movable:
            return zone, lists
        frames = pmap(dict(movable))
        return attrs.evolve(zone, allocated=frames), attrs.evolve(lists, movable=frames)

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
        held.outcomes = ()
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


# --- the implementation --------------------------------------------------------------------------------------------------

Change = tuple[Any, int, int, int]
"""An array, an index, what stood there, and what stands there now."""


class Noted:
    """An array that notes what is written to it."""

    def __init__(self, cells: Any, changes: list[Change]) -> None:
        self._cells, self._changes = cells, changes

    def __getitem__(self, at: int) -> int:
        return int(self._cells[at])

    def __setitem__(self, at: int, value: int) -> None:
        self._changes.append((self._cells, at, self._cells[at], value))
        self._cells[at] = value


@attrs.define
class Outcome:
    """What a prediction comes to: the block, still listed, the refill's mode, and how the arrays change."""

    frame: int
    mode: int
    changes: Sequence[Change] = ()
    owner: int | None = None


@attrs.define
class ImplementationZone:
    """One zone, what was foretold of it last, and where its refill goes on."""

    buddy: Buddy
    mode: int = NORMAL
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
        own = False
        if mode == NORMAL or request.migratetype == HIGHATOMIC:
            frame = smallest(cells, request.order, request.migratetype)
            own = frame < heads
            if (own and not request.cma) or request.migratetype == HIGHATOMIC:
                held.outcomes = (Outcome(frame, NORMAL),)
                return Told(held.buddy.base + frame if own else None)
        pageblocks = () if own else self._pageblocks(held.buddy, request.order, request.migratetype)
        held.outcomes = tuple(
            self._outcome(held.buddy, request, mode, movable, mostly)
            for movable in doubts(request, pageblocks)
            for mostly in request.mostly_cma
        )
        return same([(outcome.frame, outcome.owner) for outcome in held.outcomes], heads, request, held.buddy.base)

    def _outcome(self, buddy: Buddy, request: Request, mode: int, movable: Mapping[Pfn, Order], mostly_cma: bool) -> Outcome:
        """Work an answer out on the arrays, and put them back."""
        changes: list[Change] = []
        arrays: dict[str, Any] = {
            name: Noted(getattr(buddy.zone, name), changes) for name in ("page", "after", "before", "types")
        }
        frames = [0] * ISOLATE + [0]
        frames[CMA] = int(mostly_cma)
        cells = attrs.evolve(buddy.zone, frames=frames, **arrays)
        for pfn in movable:
            buddy.zone.page[pfn - buddy.base] = ALLOCATED | MIGRATABLE
        flags = ALLOC_CMA if request.cma else 0
        frame, mode = refill.pick_next(cells, request.order, request.migratetype, flags, mode)
        owner = cells.types[frame >> cells.pageblock_order] if frame < cells.heads else None
        for array, at, old, _ in reversed(changes):
            array[at] = old
        for pfn in movable:
            buddy.zone.page[pfn - buddy.base] = NONE
        return Outcome(frame, mode, changes, owner)

    def settle(self, zone: int, pfn: int, order: int) -> str | None:
        """See `Predictor`."""
        held = self._zones[zone]
        buddy, outcomes, held.outcomes = held.buddy, held.outcomes, ()
        for outcome in outcomes:
            if buddy.base + outcome.frame == pfn:
                held.mode = outcome.mode
                for array, at, _, new in outcome.changes:
                    array[at] = new
                take_listed(buddy.zone, outcome.frame, order)
                return None
        return None if carve(buddy.zone, pfn - buddy.base, order) else "not all of it is free"

    def free(self, zone: int, pfn: int, order: int, migratetype: int | None, keep: tuple[int, int] | None) -> int | str | None:
        """See `Predictor`."""
        held = self._zones[zone]
        held.outcomes = ()
        buddy = held.buddy
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
        buddy = self._zones[zone].buddy
        return buddy.type_at(pfn >> buddy.arrays.pageblock_order)

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


PREDICTORS: Mapping[str, Callable[[BlockStream, Sequence[int]], Predictor]] = {
    "spec": LawPredictor,
    "impl": ImplementationPredictor,
}
"""What can foretell a capture, by the names of the engines."""


def follow_exactly(capture: Capture, engine: str) -> Replay:
    """Replay a capture at the level of the ordered lists: each allocation is foretold."""

    def follow(source: Sequence[Event] | None) -> Replay:
        stream = exact_stream(capture, source)
        numbers = type_numbers(capture, len(stream.start.zones[0].free[0]))
        if source is None:
            stream.choose_start = partial(best_start, follow)
        return foretell(stream, PREDICTORS[engine](stream, numbers), numbers)

    return follow(None)
