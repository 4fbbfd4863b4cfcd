"""How a counterexample about Linux's lists becomes a whole legal state of them.

A model speaks of the places that a proof looked at and of no other: its rings end in blocks that it does not name, and the
pageblocks in the middle of a large block have no type. What it names is kept as far as that is legal; the rest is made to fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from mmspec import linked
from mmspec.linked import Links
from mmspec.physical.buddy.invariants import fits_list, listed_lawfully, well_placed
from mmspec.physical.buddy.ops import MOVABLE
from mmspec.physical.buddy.state import UNLISTED, FreeLists, Span, list_number, order_of_list, type_of_list
from mmspec.pmap import PMap, pmap
from mmspec.words import ABSENT, MAX_ORDER_LIMIT, ListNumber, Migratetype, Order, Pageblock, Pfn, size_of

Arguments = dict[str, Any]


def relinked(arguments: Arguments) -> Arguments:
    """Close the rings, and let a loop begin where it is: the state at its entry is the one at its head."""
    lists: FreeLists = arguments["lists"]
    block = pmap({pfn: number for pfn, number in lists.block.items() if number != UNLISTED})
    known = {**arguments, "lists": attrs.evolve(lists, block=block, links=_rings(lists.links, block))}
    return {**known, **{f"was_{name}": value for name, value in known.items() if f"was_{name}" in known}}


def completed(arguments: Arguments) -> Arguments:
    """Leave out the blocks that cannot be, give the pageblocks of the others their blocks' types, and close the rings."""
    return _completed(arguments, {})


def completed_around(arguments: Arguments) -> Arguments:
    """Complete lists beside a block in hand, whose pageblocks get types as if it were listed."""
    return _completed(arguments, {arguments["pfn"]: list_number(arguments["order"], arguments["migratetype"])})


def _completed(arguments: Arguments, hand: Mapping[Pfn, ListNumber]) -> Arguments:
    lists, zone = arguments["lists"], arguments.get("zone")
    kept = _Kept(arguments.get("span") if zone is None else zone.span, lists)
    block = {pfn: number for pfn, number in [*hand.items(), *sorted(lists.block.items())] if kept.lists_too(pfn, number)}
    block = {pfn: number for pfn, number in block.items() if pfn not in hand}
    if zone is not None:
        blocks = sorted((pfn, k) for pfn, k in zone.allocated.items() if k != ABSENT and well_placed(zone, k, pfn))
        handed = {pfn: k for pfn, k in blocks if kept.holds_too(pfn, k)}
        arguments = {**arguments, "zone": attrs.evolve(zone, allocated=pmap(handed))}
    return relinked({**arguments, "lists": attrs.evolve(lists, block=pmap(block), types=pmap(kept.types))})


def _rings(links: Links, block: PMap[Pfn, ListNumber]) -> Links:
    """Link the blocks of each list, ascending but for those that were first and last."""
    rings = Links()
    for number in sorted({on for _, on in block.items()}):
        head = linked.list_head(number)
        first, last = links.next.get(head, head), links.prev.get(head, head)
        members = [pfn for pfn, on in block.items() if on == number]
        for pfn in sorted(members, key=lambda pfn: (pfn == last, pfn != first, pfn)):
            rings = linked.push_tail(rings, number, pfn)
    return rings


class _Kept:
    """The blocks that are kept so far: no two overlap, and each fits the types of its pageblocks."""

    def __init__(self, span: Span | None, lists: FreeLists) -> None:
        self.span, self.lists = span, lists
        self.types: dict[Pageblock, Migratetype] = dict(lists.types.items())
        self.settled: set[Pageblock] = set()
        self.blocks: list[tuple[Pfn, Order]] = []

    def holds_too(self, pfn: Pfn, order: Order) -> bool:
        """Keep a block that overlaps none; tell whether it was kept."""
        if any(pfn < start + size_of(k) and start < pfn + size_of(order) for start, k in self.blocks):
            return False
        self.blocks.append((pfn, order))
        return True

    def lists_too(self, pfn: Pfn, number: ListNumber) -> bool:
        """Keep a block that can be listed beside the others; tell whether it was kept."""
        order, mine = order_of_list(number), type_of_list(number)
        most = MAX_ORDER_LIMIT if self.span is None else self.span.max_order
        alone = attrs.evolve(self.lists, block=pmap({pfn: number}))
        if number == UNLISTED or not listed_lawfully(alone, pfn, most) or pfn + size_of(order) > 1 << 52:
            return False
        mixed = {i for i in self._pageblocks(pfn, order) if not fits_list(self.lists, mine, self.types.get(i, MOVABLE))}
        if mixed & self.settled or not self.holds_too(pfn, order):
            return False
        self.types.update(dict.fromkeys(mixed, mine))
        self.settled.update(self._pageblocks(pfn, order))
        return True

    def _pageblocks(self, pfn: Pfn, order: Order) -> range:
        if self.span is None:
            return range(0)
        step = self.span.pageblock_order
        return range(pfn >> step, ((pfn + size_of(order) - 1) >> step) + 1)
