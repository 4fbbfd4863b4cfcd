"""What is true of every zone and of every set of free lists, said of one arbitrary key.

The interpreter asks at the keys that are present and their neighbours; the prover assumes it where a step looks and proves it
anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmspec import linked
from mmspec.component import Invariant
from mmspec.linked import HEADS
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.core import block_over, buddy_of, owners
from mmspec.physical.buddy.lists import listed_order
from mmspec.physical.buddy.ops import ISOLATE, ORDINARY
from mmspec.physical.buddy.state import (
    UNLISTED,
    FreeLists,
    Span,
    Zone,
    in_zone,
    is_mergeable,
    kind_at,
    kind_of,
    list_number,
    order_of_list,
    type_at,
    type_of_list,
)
from mmspec.promises import one_place
from mmspec.words import ABSENT, MAX_ORDER_LIMIT, Count, Link, ListNumber, Migratetype, Order, Pfn, head_of, is_aligned, size_of

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


def free_placed(zone: Zone, lists: FreeLists, head: Pfn) -> bool:
    """A free block is aligned, inside the zone, and of an order that exists."""
    return well_placed(zone, zone.free.get(head, ABSENT), head)


def allocated_placed(zone: Zone, lists: FreeLists, head: Pfn) -> bool:
    """A block that is handed out is aligned, inside the zone, and of an order that exists."""
    return well_placed(zone, zone.allocated.get(head, ABSENT), head)


def merged(zone: Zone, lists: FreeLists, head: Pfn) -> bool:
    """No free block below max_order has a free buddy of its order."""
    order = zone.free.get(head, ABSENT)
    return (order >= zone.span.max_order) | (zone.free.get(buddy_of(head, order), ABSENT) != order)


# --- Linux's lists -------------------------------------------------------------------------------------------------------


def listed_owners(lists: FreeLists, frame: Pfn) -> Count:
    """Return how many listed blocks hold ``frame``."""
    count = 0
    for k in range(MAX_ORDER_LIMIT + 1):
        count += listed_order(lists, head_of(frame, k)) == k
    return count


def covered(zone: Zone, lists: FreeLists, frame: Pfn) -> bool:
    """A frame is in one listed block if it is free, and in none otherwise."""
    return listed_owners(lists, frame) == (block_over(zone.free, frame, 0) != ABSENT)


def listed_lawfully(lists: FreeLists, pfn: Pfn, max_order: Order) -> bool:
    """A listed block is aligned, and on a list of an order and a type that exist."""
    number = lists.block.get(pfn, UNLISTED)
    order = order_of_list(number)
    lawful = (order <= max_order) & is_aligned(pfn, order) & (type_of_list(number) <= ISOLATE)
    return (number == UNLISTED) | lawful


def listed_aligned(zone: Zone, lists: FreeLists, head: Pfn) -> bool:
    """A listed block is aligned, and on a list of an order and a type that exist."""
    return listed_lawfully(lists, head, zone.span.max_order)


def fits_list(lists: FreeLists, theirs: Migratetype, mine: Migratetype) -> bool:
    """Tell whether a block on a list of one type may hold frames of a pageblock of another: 6.1 keeps stolen ones there."""
    return (theirs == mine) | ((lists.kernel < 612) & is_mergeable(theirs) & is_mergeable(mine))


def listed_typed(span: Span, lists: FreeLists, frame: Pfn) -> bool:
    """The listed block that holds a frame is on a list of the type of the frame's pageblock."""
    mine, same = type_at(span, lists, frame), True
    for k in range(MAX_ORDER_LIMIT + 1):
        number = lists.block.get(head_of(frame, k), UNLISTED)
        same &= (order_of_list(number) != k) | fits_list(lists, type_of_list(number), mine)
    return same


def listed_by_type(zone: Zone, lists: FreeLists, frame: Pfn) -> bool:
    """The listed block that holds a frame is on a list of the type of the frame's pageblock."""
    return listed_typed(zone.span, lists, frame)


def listed_merged(zone: Zone, lists: FreeLists, head: Pfn) -> bool:
    """Below pageblock order, where types cannot differ, a listed block's buddy is never listed with its order."""
    order = listed_order(lists, head)
    return (order >= zone.span.pageblock_order) | (listed_order(lists, buddy_of(head, order)) != order)


def same_kind(zone: Zone, lists: FreeLists, frame: Pfn) -> bool:
    """A pageblock's type is of the kind that every implementation knows it by."""
    return kind_of(type_at(zone.span, lists, frame)) == kind_at(zone, frame)


def linked_both_ways(zone: Zone, lists: FreeLists, place: Link) -> bool:
    """The neighbours of a listed block, or of a list's head, point back at it and are on its list; nothing else has any."""
    after, before = lists.links.next.get(place, place), lists.links.prev.get(place, place)
    number = lists.block.get(place, UNLISTED)
    if place < HEADS and number == UNLISTED:
        return (after == place) & (before == place)
    if place < HEADS and (place not in lists.links.next or place not in lists.links.prev):
        return False
    head = linked.list_head(number) if place < HEADS else place
    back = (lists.links.prev.get(after, after) == place) & (lists.links.next.get(before, before) == place)
    return on_list(lists, after, head) & on_list(lists, before, head) & back


def on_list(lists: FreeLists, place: Link, head: Link) -> bool:
    """Tell whether a place is on the list of a head, or that head."""
    return (place == head) | (linked.list_head(lists.block.get(place, UNLISTED)) == head)


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


def pageblocks_listed(zone: Zone, lists: FreeLists) -> Iterator[Pfn]:
    """Yield a frame of every pageblock of every listed block."""
    step = zone.span.pageblock_order
    for pfn, number in lists.block.items():
        yield from range(pfn, pfn + size_of(order_of_list(number)), size_of(step))


def rings(zone: Zone, lists: FreeLists) -> Iterator[Link]:
    """Yield every place that a list can pass through."""
    yield from (linked.list_head(number) for number in list_numbers(zone, lists))
    yield from (pfn for pfn, _ in lists.block.items())
    yield from (place for place, _ in lists.links.next.items())


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
    Invariant(c.BUDDY_6, counted, kinds, recount=True),
    Invariant(c.BUDDY_COVER, covered, frames_near),
    Invariant(c.BUDDY_LISTED, listed_aligned, listed_heads),
    Invariant(c.BUDDY_4, listed_by_type, pageblocks_listed),
    Invariant(c.BUDDY_PAIRS, listed_merged, listed_heads),
    Invariant(c.BUDDY_KIND, same_kind, pageblock_starts),
    Invariant(c.BUDDY_5, linked_both_ways, rings),
    Invariant(c.BUDDY_5, ringed, list_numbers, recount=True),
)
