"""Linux's free lists: how blocks enter them, leave them, merge on them and move between them.

One function for each function of the kernel that touches a list; ``linux`` puts them together into operations, ``fallback``
chooses when a request's own lists are empty.
"""

from __future__ import annotations

from typing import Any

from mmspec import linked
from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.core import buddy_of, parent_of
from mmspec.physical.buddy.ops import MOVABLE
from mmspec.physical.buddy.state import (
    UNLISTED,
    FreeLists,
    Span,
    Zone,
    is_mergeable,
    list_number,
    order_of_list,
    type_at,
    type_of_list,
)  # fmt: skip
from mmspec.pmap import PMap
from mmspec.words import ABSENT, Link, Migratetype, Order, Pageblock, PageblockEnd, Pfn, PfnEnd, head_of, size_of

NOBODY = linked.HEADS
"""No page frame number: what a search that finds no block answers."""


Answer = tuple[Link, FreeLists]
"""The block that was handed out (``NOBODY``: none) and the lists after it."""


def listed_order(lists: FreeLists, pfn: Pfn) -> Order:
    """Return the order of the listed block whose head is ``pfn``, or ``ABSENT`` (mm/internal.h:buddy_order, v6.12)."""
    return order_of_list(lists.block.get(pfn, UNLISTED))


def first_listed(lists: FreeLists, order: Order, migratetype: Migratetype) -> Link:
    """Return the head of the first block on a list; ``NOBODY`` or above if it is empty."""
    return linked.first(lists.links, list_number(order, migratetype))


def enlist(lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype, tail: bool) -> FreeLists:
    """Put a block on its list (mm/page_alloc.c:__add_to_free_list, v6.12)."""
    number = list_number(order, migratetype)
    push = linked.push_tail if tail else linked.push_head
    return FreeLists(lists.kernel, lists.block.set(pfn, number), push(lists.links, number, pfn), lists.types, lists.movable)


def delist(lists: FreeLists, pfn: Pfn) -> FreeLists:
    """Take a block off its list (mm/page_alloc.c:__del_page_from_free_list, v6.12)."""
    return FreeLists(lists.kernel, lists.block.delete(pfn), linked.remove(lists.links, pfn), lists.types, lists.movable)


def relist(lists: FreeLists, pfn: Pfn, migratetype: Migratetype) -> FreeLists:
    """Move a listed block to the tail of another type's list (mm/page_alloc.c:move_to_free_list, v6.12)."""
    return enlist(delist(lists, pfn), pfn, listed_order(lists, pfn), migratetype, True)


# --- types -----------------------------------------------------------------------------------------------------------

Types = PMap[Pageblock, Migratetype]


def types_more(types: Types, index: PageblockEnd, end: PageblockEnd, migratetype: Migratetype) -> bool:
    """Tell whether pageblocks of the block are left to be given the type."""
    return index < end


def types_step(types: Types, index: PageblockEnd, end: PageblockEnd, migratetype: Migratetype) -> tuple[Any, ...]:
    """Give one pageblock the type."""
    return types.set(index, migratetype), index + 1, end, migratetype


def types_left(types: Types, index: PageblockEnd, end: PageblockEnd, migratetype: Migratetype) -> int:
    """Return how many pageblocks are left."""
    return max(0, end - index)


TYPES = Loop("types", types_more, types_step, types_left)


def set_types(span: Span, lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype) -> FreeLists:
    """Give every pageblock of a block a type (mm/page_alloc.c:change_pageblock_range, v6.12)."""
    index = pfn >> span.pageblock_order
    if order <= span.pageblock_order:
        types = lists.types.set(index, migratetype)
    else:
        types, _, _, _ = TYPES.run(lists.types, index, index + (1 << (order - span.pageblock_order)), migratetype)
    return FreeLists(lists.kernel, lists.block, lists.links, types, lists.movable)


def alike(span: Span, lists: FreeLists, first: Migratetype, index: PageblockEnd) -> bool:
    """Tell whether a block whose first pageblock has a type can be listed whole over a pageblock (see ``one_type``)."""
    other = lists.types.get(index, MOVABLE)
    return (other == first) | ((lists.kernel < 612) & is_mergeable(other) & is_mergeable(first))


def alike_more(span: Span, lists: FreeLists, first: Migratetype, index: PageblockEnd, end: PageblockEnd) -> bool:
    """Tell whether a further pageblock is like the first."""
    return (index < end) & alike(span, lists, first, index)


def alike_step(span: Span, lists: FreeLists, first: Migratetype, index: PageblockEnd, end: PageblockEnd) -> tuple[Any, ...]:
    """Go on to the next pageblock."""
    return span, lists, first, index + 1, end


def alike_left(span: Span, lists: FreeLists, first: Migratetype, index: PageblockEnd, end: PageblockEnd) -> int:
    """Return how many pageblocks are left to look at."""
    return max(0, end - index)


ALIKE = Loop("alike", alike_more, alike_step, alike_left)


def one_type(span: Span, lists: FreeLists, pfn: Pfn, order: Order) -> bool:
    """Tell whether a block can be listed whole: all its pageblocks are of one type, or in 6.1 of one kind.

    Linux does not ask where it frees a block whole, and lists one whose pageblocks differ by the first (docs/questions.md, Q3).
    """
    if order <= span.pageblock_order:
        return True
    index = pfn >> span.pageblock_order
    end = index + (1 << (order - span.pageblock_order))
    _, _, _, reached, _ = ALIKE.run(span, lists, type_at(span, lists, pfn), index + 1, end)
    whole: bool = reached == end
    return whole


# --- freeing ---------------------------------------------------------------------------------------------------------


def listed_merge_more(span: Span, lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype) -> bool:
    """Tell whether the block in hand merges with its buddy (mm/page_alloc.c:__free_one_page, the loop's head)."""
    if order >= span.max_order:
        rule(c.FREE_2_TOP)
        return False
    buddy = buddy_of(pfn, order)
    if listed_order(lists, buddy) != order:
        rule(c.FREE_2B)
        return False
    if order >= span.pageblock_order:
        theirs = type_at(span, lists, buddy)
        if theirs != migratetype:
            rule(c.FREE_2C)
            return is_mergeable(migratetype) & is_mergeable(theirs)
    return True


def listed_merge_step(span: Span, lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype) -> tuple[Any, ...]:
    """Take the buddy off its list and join it to the block in hand (the loop's body)."""
    rule(c.FREE_2D)
    buddy = buddy_of(pfn, order)
    lists = delist(lists, buddy)
    if order >= span.pageblock_order and lists.kernel >= 612:
        rule(c.FREE_2E)
        lists = set_types(span, lists, buddy, order, migratetype)
    rule(c.FREE_2F)
    return span, lists, parent_of(pfn, order), order + 1, migratetype


def listed_merge_left(span: Span, lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype) -> int:
    """Return how often the block in hand can still grow."""
    return span.max_order - order


LISTED_MERGE = Loop("listed_merge", listed_merge_more, listed_merge_step, listed_merge_left)


def merge_likely(span: Span, lists: FreeLists, pfn: Pfn, order: Order) -> bool:
    """Tell whether the block's parent would merge further, were its buddy freed (mm/page_alloc.c:buddy_merge_likely, v6.12).

    The kernel asks for the zone of the parent's first frame, so a parent that begins below the zone never merges.
    """
    if order >= span.max_order - 1:
        return False
    parent = parent_of(pfn, order)
    return (parent >= span.start_pfn) & (listed_order(lists, buddy_of(parent, order + 1)) == order + 1)


def free_one(span: Span, lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype, tail: bool) -> FreeLists:
    """Put a block on the lists, merged as far as Linux merges it (mm/page_alloc.c:__free_one_page, v6.12)."""
    _, lists, pfn, order, migratetype = LISTED_MERGE.run(span, lists, pfn, order, migratetype)
    rule(c.FREE_3)
    likely = tail or merge_likely(span, lists, pfn, order)
    rule(c.FREE_4)
    return enlist(lists, pfn, order, migratetype, likely)


def pieces_more(span: Span, lists: FreeLists, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether pieces of the block are left to be freed."""
    return pfn < end


def pieces_step(span: Span, lists: FreeLists, pfn: PfnEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Free the piece at ``pfn`` by its own type."""
    lists = free_one(span, lists, pfn, span.pageblock_order, type_at(span, lists, pfn), False)
    return span, lists, pfn + size_of(span.pageblock_order), end


def pieces_left(span: Span, lists: FreeLists, pfn: PfnEnd, end: PfnEnd) -> int:
    """Return how many frames are left to be freed."""
    return max(0, end - pfn)


PIECES = Loop("pieces", pieces_more, pieces_step, pieces_left)


def free_pieces(span: Span, lists: FreeLists, pfn: Pfn, order: Order) -> FreeLists:
    """Free a block in pieces of at most a pageblock, each by its own type (mm/page_alloc.c:split_large_buddy, v6.12).

    6.1 frees it whole, by the type of its first pageblock (mm/page_alloc.c:free_one_page, v6.1).
    """
    if order <= span.pageblock_order or (lists.kernel < 612 and one_type(span, lists, pfn, order)):
        return free_one(span, lists, pfn, order, type_at(span, lists, pfn), False)
    rule(c.FREE_PIECES)
    _, lists, _, _ = PIECES.run(span, lists, pfn, pfn + size_of(order))
    return lists


# --- handing out -----------------------------------------------------------------------------------------------------


def expand_more(lists: FreeLists, pfn: Pfn, order: Order, have: Order, migratetype: Migratetype) -> bool:
    """Tell whether the block in hand is still larger than the one that is wanted."""
    return have > order


def expand_step(lists: FreeLists, pfn: Pfn, order: Order, have: Order, migratetype: Migratetype) -> tuple[Any, ...]:
    """List the upper half of the block in hand."""
    rule(c.EXPAND)
    half = have - 1
    return enlist(lists, pfn + size_of(half), half, migratetype, False), pfn, order, half, migratetype


def expand_left(lists: FreeLists, pfn: Pfn, order: Order, have: Order, migratetype: Migratetype) -> int:
    """Return how often the block in hand will still be halved."""
    return have - order


EXPAND = Loop("expand", expand_more, expand_step, expand_left)


def expand(lists: FreeLists, pfn: Pfn, order: Order, have: Order, migratetype: Migratetype) -> FreeLists:
    """List the upper halves of a block at (pfn, have) until ``order`` is left at ``pfn`` (mm/page_alloc.c:expand, v6.12)."""
    lists, _, _, _, _ = EXPAND.run(lists, pfn, order, have, migratetype)
    return lists


def smallest_more(span: Span, lists: FreeLists, order: Order, migratetype: Migratetype) -> bool:
    """Tell whether the list of an order is empty, and there is a larger one."""
    return order <= span.max_order and first_listed(lists, order, migratetype) >= NOBODY


def smallest_step(span: Span, lists: FreeLists, order: Order, migratetype: Migratetype) -> tuple[Any, ...]:
    """Go on to the next order."""
    return span, lists, order + 1, migratetype


def smallest_left(span: Span, lists: FreeLists, order: Order, migratetype: Migratetype) -> int:
    """Return how many orders are left."""
    return max(0, span.max_order + 1 - order)


SMALLEST = Loop("smallest", smallest_more, smallest_step, smallest_left)


def smallest(span: Span, lists: FreeLists, order: Order, migratetype: Migratetype) -> Link:
    """Return the head of the first block of the smallest order that serves (mm/page_alloc.c:__rmqueue_smallest, v6.12).

    ``NOBODY`` if no list of the type serves.
    """
    _, _, order, _ = SMALLEST.run(span, lists, order, migratetype)
    if order > span.max_order:
        return NOBODY
    rule(c.SMALLEST)
    return first_listed(lists, order, migratetype)


def take_listed(lists: FreeLists, pfn: Pfn, order: Order) -> FreeLists:
    """Hand out the lowest ``2**order`` frames of the listed block at ``pfn`` (mm/page_alloc.c:page_del_and_expand, v6.12)."""
    number = lists.block[pfn]
    return expand(delist(lists, pfn), pfn, order, order_of_list(number), type_of_list(number))


def from_type(span: Span, lists: FreeLists, order: Order, migratetype: Migratetype) -> Answer:
    """Serve a request from one type's lists."""
    pfn = smallest(span, lists, order, migratetype)
    if pfn == NOBODY:
        return NOBODY, lists
    return pfn, take_listed(lists, pfn, order)


# --- whole pageblocks ------------------------------------------------------------------------------------------------


def move_more(zone: Zone, lists: FreeLists, pfn: PfnEnd, end: PfnEnd, migratetype: Migratetype) -> bool:
    """Tell whether frames of the range are left to look at."""
    return pfn < end


def move_step(zone: Zone, lists: FreeLists, pfn: PfnEnd, end: PfnEnd, migratetype: Migratetype) -> tuple[Any, ...]:
    """Move the free block at ``pfn``, or pass over what is there instead."""
    order = listed_order(lists, pfn)
    if order != ABSENT:
        rule(c.MOVE_TAIL)
        return zone, relist(lists, pfn, migratetype), pfn + size_of(order), end, migratetype
    held = zone.allocated.get(pfn, ABSENT)
    return zone, lists, pfn + (1 if held == ABSENT else size_of(held)), end, migratetype


def move_left(zone: Zone, lists: FreeLists, pfn: PfnEnd, end: PfnEnd, migratetype: Migratetype) -> int:
    """Return how many frames of the range may be left."""
    return max(0, end - pfn)


MOVE = Loop("move", move_more, move_step, move_left)


def move_pageblock(zone: Zone, lists: FreeLists, pfn: Pfn, migratetype: Migratetype) -> FreeLists:
    """Move the pageblock's free blocks to a type's lists, in PFN order, and give it the type.

    mm/page_alloc.c:__move_freepages_block, v6.12
    """
    start = head_of(pfn, zone.span.pageblock_order)
    _, lists, _, _, _ = MOVE.run(zone, lists, start, start + size_of(zone.span.pageblock_order), migratetype)
    return set_types(zone.span, lists, start, zone.span.pageblock_order, migratetype)


def over_more(span: Span, lists: FreeLists, pfn: Pfn, order: Order) -> bool:
    """Tell whether no listed block of an order holds the frame, and there is a larger order."""
    return order <= span.max_order and listed_order(lists, head_of(pfn, order)) != order


def over_step(span: Span, lists: FreeLists, pfn: Pfn, order: Order) -> tuple[Any, ...]:
    """Go on to the next order."""
    return span, lists, pfn, order + 1


def over_left(span: Span, lists: FreeLists, pfn: Pfn, order: Order) -> int:
    """Return how many orders are left."""
    return max(0, span.max_order + 1 - order)


OVER = Loop("over", over_more, over_step, over_left)


def listed_over(span: Span, lists: FreeLists, pfn: Pfn) -> Link:
    """Return the head of the listed block larger than a pageblock that holds the pageblock at ``pfn``, or ``NOBODY``.

    mm/page_alloc.c:find_large_buddy, v6.12
    """
    _, _, _, order = OVER.run(span, lists, pfn, span.pageblock_order + 1)
    return head_of(pfn, order) if order <= span.max_order else NOBODY


def convert_pageblock(zone: Zone, lists: FreeLists, pfn: Pfn, migratetype: Migratetype) -> FreeLists:
    """Give one pageblock a type, splitting a larger free block over it (mm/page_alloc.c:move_freepages_block_isolate, v6.12)."""
    large = listed_over(zone.span, lists, pfn)
    if large == NOBODY:
        return move_pageblock(zone, lists, pfn, migratetype)
    rule(c.ISOLATE_SPLITS)
    order = listed_order(lists, large)
    lists = set_types(zone.span, delist(lists, large), pfn, zone.span.pageblock_order, migratetype)
    return free_pieces(zone.span, lists, large, order)
