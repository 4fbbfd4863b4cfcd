"""What is in a picture of a zone: its free blocks by order, what is handed out, holes, bound pageblocks, Linux's lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mmprops.picture import Picture, Run, Strip
from mmspec.linked import members
from mmspec.physical.buddy.invariants import list_numbers
from mmspec.physical.buddy.state import BINDING, FreeLists, Span, Zone
from mmspec.pmap import PMap
from mmspec.words import MIGRATETYPES, Order, Pfn, size_of


def picture(zone: Zone, lists: FreeLists | None) -> Picture:
    """Return a zone's picture: a strip of free blocks an order, the largest first; then what is not free."""
    span = zone.span
    ordered = () if lists is None else named_lists(zone, lists)
    return Picture("frame", "pfn", span.start_pfn, span.end_pfn, tuple(strips(zone)), ordered)


def strips(zone: Zone) -> Iterator[Strip]:
    """Yield the strips that have anything in them."""
    for order in range(zone.span.max_order, -1, -1):
        runs = blocks((pfn, k) for pfn, k in zone.free.items() if k == order)
        if runs:
            yield Strip(f"order {order:2d}", runs)
    others = {"handed out": blocks(zone.allocated.items()), "hole": holes(zone.span.holes)}
    others |= {MIGRATETYPES[kind]: pageblocks(zone, kind) for kind in BINDING}
    yield from (Strip(label, runs, filled=False) for label, runs in others.items() if runs)


def blocks(found: Iterable[tuple[Pfn, Order]]) -> tuple[Run, ...]:
    """Return blocks as runs."""
    return tuple(sorted((pfn, size_of(order)) for pfn, order in found))


def holes(frames: PMap[Pfn, bool]) -> tuple[Run, ...]:
    """Return the ranges of frames that are no memory."""
    runs: list[Run] = []
    for pfn in sorted(pfn for pfn, _ in frames.items()):
        if runs and sum(runs[-1]) == pfn:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((pfn, 1))
    return tuple(runs)


def pageblocks(zone: Zone, kind: int) -> tuple[Run, ...]:
    """Return the pageblocks of a kind, as far as the zone spans them."""
    span, found = zone.span, []
    for index in sorted(index for index, its in zone.pageblock.items() if its == kind):
        start, end = clipped(span, index << span.pageblock_order, (index + 1) << span.pageblock_order)
        if start < end:
            found.append((start, end - start))
    return tuple(found)


def clipped(span: Span, start: Pfn, end: Pfn) -> tuple[Pfn, Pfn]:
    """Return the part of a range that the zone spans."""
    return max(start, span.start_pfn), min(end, span.end_pfn)


def named_lists(zone: Zone, lists: FreeLists) -> tuple[tuple[str, tuple[Pfn, ...]], ...]:
    """Return Linux's free lists that are not empty, from head to tail."""
    found = [(list_name(number), tuple(members(lists.links, number))) for number in list_numbers(zone, lists)]
    return tuple((name, pfns) for name, pfns in found if pfns)


def list_name(number: int) -> str:
    """Return a list's name."""
    return f"{MIGRATETYPES[number >> 4]} order {number & 15}"
