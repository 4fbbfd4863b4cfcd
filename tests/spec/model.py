"""The law alone, as a small allocator: what Linux chooses is what happens. And states made to measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from mmspec import linked
from mmspec.physical.buddy import BUDDY
from mmspec.physical.buddy.lists import enlist, set_types
from mmspec.physical.buddy.ops import MOVABLE, ORDINARY, Alloc, Config, Page
from mmspec.physical.buddy.state import FreeLists, Zone, kind_of, list_number
from mmspec.pmap import pmap
from mmspec.words import Migratetype, Order, Pfn, size_of

OPERATIONS = {operation.request: operation for operation in BUDDY.operations}


def broken(zone: Zone, lists: FreeLists | None) -> list[str]:
    """Return the invariants that fail, by the name of their function."""
    return [
        invariant.holds.__name__
        for invariant in BUDDY.invariants
        if lists is not None or not invariant.clause.of_policy
        if not all(invariant.holds(zone, lists, key) for key in invariant.keys(zone, lists))
    ]


class Model:
    """A zone and Linux's lists, taken on by what Linux chooses."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        self.zone: Zone = BUDDY.initial(config)
        self.lists: FreeLists = BUDDY.initial_policy(config, kernel)

    def ask(self, request: Any) -> Any:
        """Return what Linux answers, which the core must allow, and go on from it."""
        operation = OPERATIONS[type(request)]
        result, lists = operation.choose(self.zone, self.lists, request)
        assert operation.allowed(self.zone, request, result) is None, (request, result)
        self.zone, self.lists = operation.apply(self.zone, request, result), lists
        return result

    def alloc(self, order: Order, migratetype: Migratetype = MOVABLE, flags: int = 0) -> Pfn:
        """Return the block that Linux hands out."""
        page = self.ask(Alloc(order, migratetype, flags))
        assert isinstance(page, Page), page
        return page.pfn

    def list(self, order: Order, migratetype: Migratetype = MOVABLE) -> list[Pfn]:
        """Return a list from its head."""
        return list(linked.members(self.lists.links, list_number(order, migratetype)))

    def listed(self) -> dict[tuple[Migratetype, Order], list[Pfn]]:
        """Return every list that is not empty, by type and order."""
        numbers = sorted({number for _, number in self.lists.block.items()})
        return {(number >> 4, number & 15): self.list(number & 15, number >> 4) for number in numbers}

    def type_at(self, pfn: Pfn) -> Migratetype:
        """Return the type of the pageblock that holds a frame."""
        return self.lists.types.get(pfn >> self.zone.span.pageblock_order, MOVABLE)


def made(
    config: Config,
    listed: Mapping[tuple[Migratetype, Order], list[Pfn]],
    *,
    held: Mapping[Pfn, Order] | None = None,
    movable: tuple[Pfn, ...] = (),
    types: Mapping[Pfn, Migratetype] | None = None,
    kernel: str = "6.12",
) -> Model:
    """Return a model in a state made to measure.

    ``listed`` gives the lists from their heads; pageblocks have the types of their blocks, or those that ``types`` gives at some
    frame of theirs. ``held`` are the allocations; where it is left out every other frame is one of its own; those at ``movable``
    are movable.
    """
    model = Model(config, kernel)
    span, lists = model.zone.span, attrs.evolve(model.lists, block=pmap(), links=linked.Links())
    free = {pfn: order for (_, order), heads in listed.items() for pfn in heads}
    for (migratetype, order), heads in listed.items():
        for pfn in heads:
            lists = set_types(span, enlist(lists, pfn, order, migratetype, True), pfn, order, migratetype)
    for pfn, migratetype in (types or {}).items():
        lists = set_types(span, lists, pfn, span.pageblock_order, migratetype)
    covered = {frame for pfn, order in free.items() for frame in range(pfn, pfn + size_of(order))}
    memory = {frame for frame in range(span.start_pfn, span.end_pfn) if frame not in span.holes}
    owned = dict.fromkeys(sorted(memory - covered), 0) if held is None else dict(held)
    kinds = {index: kind_of(migratetype) for index, migratetype in lists.types.items() if kind_of(migratetype) != ORDINARY}
    frames: dict[int, int] = {}
    for frame in covered:
        kind = kinds.get(frame >> span.pageblock_order, ORDINARY)
        frames[kind] = frames.get(kind, 0) + 1
    model.zone = Zone(span, pmap(merged(free, span.max_order)), pmap(owned), pmap(kinds), pmap(frames))
    model.lists = attrs.evolve(lists, movable=pmap({pfn: owned[pfn] for pfn in movable}))
    assert broken(model.zone, model.lists) == [], "the state is no state of a zone"
    return model


def merged(free: Mapping[Pfn, Order], max_order: Order) -> dict[Pfn, Order]:
    """Return free blocks with all buddies merged."""
    blocks = dict(free)
    for order in range(max_order):
        for pfn in [pfn for pfn, k in blocks.items() if k == order]:
            buddy = pfn ^ size_of(order)
            if blocks.get(pfn) == order and blocks.get(buddy) == order:
                del blocks[pfn], blocks[buddy]
                blocks[min(pfn, buddy)] = order + 1
    return blocks
