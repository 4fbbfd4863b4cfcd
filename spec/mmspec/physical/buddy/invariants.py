"""What is true of every zone and of every set of free lists, said of one arbitrary key.

The interpreter asks at the keys that are present and their neighbours; the prover assumes it where a step looks and proves it
anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmspec import linked
from mmspec.component import Invariant
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.core import block_over, buddy_of, in_zone, owners
from mmspec.physical.buddy.lists import listed_order
from mmspec.physical.buddy.ops import ISOLATE, ORDINARY
from mmspec.physical.buddy.state import (
    UNLISTED,
    FreeLists,
    Zone,
    kind_at,
    kind_of,
    list_number,
    order_of_list,
    type_at,
    type_of_list,
)
from mmspec.promises import one_place
from mmspec.words import ABSENT, MAX_ORDER_LIMIT, ListNumber, Migratetype, Order, Pfn, head_of, is_aligned, size_of

# --- the zone ----------------------------------------------------------------------------------------------------------


def is_memory(zone: Zone, frame: Pfn) -> bool:
    """Tell whether a frame is the zone's to hand out."""
    return in_zone(zone.span, frame) & (not zone.span.holes.get(frame, False))


def owned_once(zone: Zone, lists: FreeLists, frame: Pfn) -> bool:
    """No frame has two owners, and every frame is in exactly one place."""
    return one_place(owners(zone, frame), is_memory(zone, frame))


def well_placed(zone: Zone, order: Order, pfn: Pfn) -> bool:
    """Tell whether a block, if it is one, is aligned, inside the zone and of an order that exists."""
    inside = (zone.span.start_pfn <= pfn) & (pfn + size_of(order) <= zone.span.end_pfn)
    return (order == ABSENT) | ((order <= zone.span.max_order) & is_aligned(pfn, order) & inside)


def free_placed(zone: Zone, lists: FreeLists, pfn: Pfn) -> bool:
    """A free block is aligned, inside the zone, and of an order that exists."""
    return well_placed(zone, zone.free.get(pfn, ABSENT), pfn)


def allocated_placed(zone: Zone, lists: FreeLists, pfn: Pfn) -> bool:
    """A block that is handed out is aligned, inside the zone, and of an order that exists."""
    return well_placed(zone, zone.allocated.get(pfn, ABSENT), pfn)


def merged(zone: Zone, lists: FreeLists, pfn: Pfn) -> bool:
    """No free block below max_order has a free buddy of its order."""
    order = zone.free.get(pfn, ABSENT)
    return (order >= zone.span.max_order) | (zone.free.get(buddy_of(pfn, order), ABSENT) != order)


# --- Linux's lists -------------------------------------------------------------------------------------------------------


def covered(zone: Zone, lists: FreeLists, frame: Pfn) -> bool:
    """A frame is in one listed block if it is free, and in none otherwise."""
    count = 0
    for k in range(MAX_ORDER_LIMIT + 1):
        count += listed_order(lists, head_of(frame, k)) == k
    return count == (block_over(zone.free, frame, 0) != ABSENT)


def listed_aligned(zone: Zone, lists: FreeLists, pfn: Pfn) -> bool:
    """A listed block is aligned and of an order that exists."""
    order = listed_order(lists, pfn)
    return (order == ABSENT) | ((order <= zone.span.max_order) & is_aligned(pfn, order))


def listed_by_type(zone: Zone, lists: FreeLists, pfn: Pfn) -> bool:
    """A listed block is on the list of its pageblocks' type (6.1 keeps stolen blocks on the thief's list)."""
    number = lists.block.get(pfn, UNLISTED)
    if (number == UNLISTED) | (lists.kernel < 612):
        return True
    same = type_of_list(number) == type_at(zone.span, lists, pfn)
    for i in range(1, 1 << max(0, order_of_list(number) - zone.span.pageblock_order)):
        same &= type_of_list(number) == type_at(zone.span, lists, pfn + (i << zone.span.pageblock_order))
    return same


def listed_merged(zone: Zone, lists: FreeLists, pfn: Pfn) -> bool:
    """Below pageblock order, where types cannot differ, a listed block's buddy is never listed with its order."""
    order = listed_order(lists, pfn)
    return (order >= zone.span.pageblock_order) | (listed_order(lists, buddy_of(pfn, order)) != order)


def same_kind(zone: Zone, lists: FreeLists, pfn: Pfn) -> bool:
    """A pageblock's type is of the kind that every implementation knows it by."""
    return kind_of(type_at(zone.span, lists, pfn)) == kind_at(zone, pfn)


def linked_both_ways(zone: Zone, lists: FreeLists, pfn: Pfn) -> bool:
    """A listed block's neighbours point back at it, and are on its list or its list's head."""
    number = lists.block.get(pfn, UNLISTED)
    if number == UNLISTED:
        return True
    after, before = lists.links.next[pfn], lists.links.prev[pfn]
    head = linked.list_head(number)
    at_home = ((after == head) | (lists.block.get(after, UNLISTED) == number)) & (
        (before == head) | (lists.block.get(before, UNLISTED) == number)
    )
    return at_home & (lists.links.prev.get(after, after) == pfn) & (lists.links.next.get(before, before) == pfn)


# --- recounts: for the interpreter only ----------------------------------------------------------------------------------


def counted(zone: Zone, lists: FreeLists, kind: Migratetype) -> bool:
    """The free frames of a kind, counted from scratch, are as many as the zone says."""
    total = 0
    step = zone.span.pageblock_order
    for pfn, order in zone.free.items():
        for start in range(pfn, pfn + size_of(order), size_of(min(order, step))):
            total += size_of(min(order, step)) if kind_at(zone, start) == kind else 0
    return total == zone.frames.get(kind, 0)


def ringed(zone: Zone, lists: FreeLists, number: ListNumber) -> bool:
    """A list, walked from its head, meets exactly the blocks that say they are on it, and each once."""
    met = list(linked.members(lists.links, number))
    return len(set(met)) == len(met) and set(met) == {pfn for pfn, on in lists.block.items() if on == number}


def frames_near(zone: Zone, lists: FreeLists) -> Iterator[Pfn]:
    """Yield the first and last frame of every block, and the frames around them."""
    for blocks in (zone.free, zone.allocated):
        for pfn, order in blocks.items():
            yield from (pfn, pfn + size_of(order) - 1, pfn + size_of(order))
            if pfn:
                yield pfn - 1


def pageblock_starts(zone: Zone, lists: FreeLists) -> Iterator[Pfn]:
    """Yield the first frame of every pageblock that ever changed its type."""
    for types in (zone.pageblock, lists.types):
        for index, _ in types.items():
            yield index << zone.span.pageblock_order


def free_heads(zone: Zone, lists: FreeLists) -> Iterator[Pfn]:
    """Yield the heads of the free blocks."""
    return (pfn for pfn, _ in zone.free.items())


def allocated_heads(zone: Zone, lists: FreeLists) -> Iterator[Pfn]:
    """Yield the heads of the blocks that are handed out."""
    return (pfn for pfn, _ in zone.allocated.items())


def listed_heads(zone: Zone, lists: FreeLists) -> Iterator[Pfn]:
    """Yield the heads of the listed blocks."""
    return (pfn for pfn, _ in lists.block.items())


def kinds(zone: Zone, lists: FreeLists) -> Iterator[Migratetype]:
    """Yield the kinds that are counted."""
    return iter((ORDINARY, 3, 4, ISOLATE))


def list_numbers(zone: Zone, lists: FreeLists) -> Iterator[ListNumber]:
    """Yield the number of every list."""
    return (list_number(order, mt) for order in range(zone.span.max_order + 1) for mt in range(ISOLATE + 1))


INVARIANTS = (
    Invariant(c.BUDDY_1, owned_once, frames_near),
    Invariant(c.BUDDY_2, free_placed, free_heads),
    Invariant(c.BUDDY_2, allocated_placed, allocated_heads),
    Invariant(c.BUDDY_3, merged, free_heads),
    Invariant(c.BUDDY_6, counted, kinds),
    Invariant(c.BUDDY_COVER, covered, frames_near),
    Invariant(c.BUDDY_LISTED, listed_aligned, listed_heads),
    Invariant(c.BUDDY_4, listed_by_type, listed_heads),
    Invariant(c.BUDDY_PAIRS, listed_merged, listed_heads),
    Invariant(c.BUDDY_KIND, same_kind, pageblock_starts),
    Invariant(c.BUDDY_5, linked_both_ways, listed_heads),
    Invariant(c.BUDDY_5, ringed, list_numbers),
)
