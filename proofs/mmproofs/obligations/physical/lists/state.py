"""What is true of Linux's lists at an arbitrary place, and how two states of them compare there."""

from __future__ import annotations

from mmproofs.obligations.physical.buddy.states import of_sizes
from mmspec.physical.buddy.core import buddy_of, holds_frame
from mmspec.physical.buddy.invariants import (
    fits_list,
    linked_both_ways,
    listed_lawfully,
    listed_owners,
    listed_typed,
    well_placed,
)
from mmspec.physical.buddy.lists import listed_order
from mmspec.physical.buddy.ops import KERNELS
from mmspec.physical.buddy.state import UNLISTED, FreeLists, Span, Zone, is_mergeable, order_of_list, type_at
from mmspec.words import ABSENT, MAX_ORDER_LIMIT, Link, Migratetype, Order, Pfn, head_of, is_aligned, size_of

SMALL = ({**of_sizes(2, 1), "lists.kernel": KERNELS["6.12"], "was_lists.kernel": KERNELS["6.12"]},)
"""Zones whose largest blocks are of two pageblocks of two frames."""

# --- what is given -------------------------------------------------------------------------------------------------------


def block_lawful(span: Span, pfn: Pfn, order: Order) -> bool:
    """A block is aligned, of an order that exists, and ends where frame numbers do at the latest."""
    return (order <= span.max_order) & is_aligned(pfn, order) & (pfn + size_of(order) <= 1 << 52)


# --- the lists -----------------------------------------------------------------------------------------------------------


def once(lists: FreeLists, frame: Pfn) -> bool:
    """No frame is in two listed blocks."""
    return listed_owners(lists, frame) <= 1


def lawful(span: Span, lists: FreeLists, place: Pfn) -> bool:
    """A listed block is aligned, and on a list of an order and a type that exist."""
    return listed_lawfully(lists, place, span.max_order)


def sound(lists: FreeLists, place: Pfn) -> bool:
    """A listed block is aligned, and on a list of an order and a type that any zone may have."""
    return listed_lawfully(lists, place, MAX_ORDER_LIMIT)


def typed(span: Span, lists: FreeLists, frame: Pfn) -> bool:
    """The listed block that holds a frame is on a list of the type of the frame's pageblock."""
    return listed_typed(span, lists, frame)


def linked(lists: FreeLists, place: Link) -> bool:
    """The neighbours of a listed block, or of a list's head, point back at it and are on its list; nothing else has any."""
    return linked_both_ways(None, lists, place)  # type: ignore[arg-type]  # the lists are all that it looks at


def apart(zone: Zone, lists: FreeLists, frame: Pfn) -> bool:
    """No frame is in two blocks, listed or handed out."""
    handed_out = 0
    for k in range(MAX_ORDER_LIMIT + 1):
        handed_out += zone.allocated.get(head_of(frame, k), ABSENT) == k
    return listed_owners(lists, frame) + handed_out <= 1


def placed(zone: Zone, place: Pfn) -> bool:
    """A block that is handed out is aligned, inside the zone, and of an order that exists."""
    return well_placed(zone, zone.allocated.get(place, ABSENT), place)


def nothing_above(span: Span, lists: FreeLists, pfn: Pfn) -> bool:
    """No listed block larger than a pageblock holds the frame."""
    nothing = True
    for k in range(MAX_ORDER_LIMIT + 1):
        nothing &= (k <= span.pageblock_order) | (listed_order(lists, head_of(pfn, k)) != k)
    return nothing


def out(lists: FreeLists, pfn: Pfn, order: Order, frame: Pfn) -> bool:
    """No frame of the block is listed, and no frame is listed twice."""
    return listed_owners(lists, frame) + holds_frame(pfn, order, frame) <= 1


def hand_fits(span: Span, lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype, frame: Pfn) -> bool:
    """Every pageblock of the block in hand may lie in a block that is listed by the type."""
    inside = holds_frame(pfn, order, frame)
    return (inside == False) | fits_list(lists, migratetype, type_at(span, lists, frame))  # noqa: E712  # may be symbolic


# --- before and after ----------------------------------------------------------------------------------------------------


def entered(lists: FreeLists, pfn: Pfn, order: Order, after: FreeLists, frame: Pfn) -> bool:
    """The listed blocks hold what they held, and the block's frames."""
    return listed_owners(after, frame) == listed_owners(lists, frame) + holds_frame(pfn, order, frame)


def left(lists: FreeLists, pfn: Pfn, order: Order, after: FreeLists, frame: Pfn) -> bool:
    """The listed blocks hold what they held, but for the block's frames."""
    return listed_owners(after, frame) + holds_frame(pfn, order, frame) == listed_owners(lists, frame)


def same_frames(lists: FreeLists, after: FreeLists, frame: Pfn) -> bool:
    """The listed blocks hold what they held."""
    return listed_owners(after, frame) == listed_owners(lists, frame)


def same_blocks(lists: FreeLists, after: FreeLists, place: Pfn) -> bool:
    """The same blocks are listed, each with its order."""
    return listed_order(after, place) == listed_order(lists, place)


def retyped(
    span: Span, lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype, after: FreeLists, frame: Pfn
) -> bool:  # fmt: skip
    """The pageblocks of the block have the type, and every other has the type that it had."""
    if order <= span.pageblock_order:
        inside = holds_frame(pfn, span.pageblock_order, frame)
    else:
        inside = holds_frame(pfn, order, frame)
    now, before = type_at(span, after, frame), type_at(span, lists, frame)
    return (inside & (now == migratetype)) | ((inside == False) & (now == before))  # noqa: E712  # may be symbolic


def one_class(span: Span, lists: FreeLists, after: FreeLists, frame: Pfn) -> bool:
    """A pageblock keeps its type, or changes from a mergeable one to another."""
    return may_merge(type_at(span, after, frame), type_at(span, lists, frame))


def others_listed(lists: FreeLists, pfn: Pfn, after: FreeLists, place: Pfn) -> bool:
    """A block stays listed as it was, or is listed no more, or holds the frame."""
    number = after.block.get(place, UNLISTED)
    kept = (number == lists.block.get(place, UNLISTED)) | (number == UNLISTED)
    return kept | holds_frame(place, order_of_list(number), pfn)


def pair(span: Span, lists: FreeLists, pfn: Pfn) -> bool:
    """Tell whether a listed block and its buddy are both listed and may merge: nothing keeps them apart."""
    order = listed_order(lists, pfn)
    buddy = buddy_of(pfn, order)
    both = (order < span.max_order) & (listed_order(lists, buddy) == order)
    return both & ((order < span.pageblock_order) | may_merge(type_at(span, lists, pfn), type_at(span, lists, buddy)))


def may_merge(one: Migratetype, other: Migratetype) -> bool:
    """Tell whether types are no barrier to each other."""
    return (one == other) | (is_mergeable(one) & is_mergeable(other))


def no_new_pair(span: Span, lists: FreeLists, after: FreeLists, place: Pfn) -> bool:
    """Two listed buddies that may merge could do so before."""
    return (pair(span, after, place) == False) | pair(span, lists, place)  # noqa: E712  # a truth may be symbolic


def no_pair_around(span: Span, pfn: Pfn, after: FreeLists, place: Pfn) -> bool:
    """The listed block that holds the frame has been merged as far as types allow."""
    order = listed_order(after, place)
    mine = (order <= MAX_ORDER_LIMIT) & holds_frame(place, order, pfn)
    return (mine == False) | (pair(span, after, place) == False)  # noqa: E712  # may be symbolic


def unlisted(lists: FreeLists, pfn: Pfn) -> bool:
    """The frame heads no listed block."""
    return lists.block.get(pfn, UNLISTED) == UNLISTED
