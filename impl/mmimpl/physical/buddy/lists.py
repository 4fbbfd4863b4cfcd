"""The free lists of a zone: how blocks enter, leave, merge on and move between them, one function for each of the kernel's."""

from __future__ import annotations

from mmimpl.engine import helper, kernel
from mmimpl.physical.buddy.memory import (
    ALLOCATED,
    LISTED_ORDER,
    MIGRATABLE,
    NONE,
    TYPE,
    Cell,
    Frame,
    ListNumber,
    Sign,
    Zone,
)
from mmspec.physical.buddy.ops import HIGHATOMIC, ORDINARY, RECLAIMABLE
from mmspec.words import Count, Migratetype, Order

# --- rings -----------------------------------------------------------------------------------------------------------


@helper
def enlist_first(zone: Zone, pfn: Frame, number: ListNumber) -> None:
    """Put a block first on a list (mm/page_alloc.c:__add_to_free_list, v6.12)."""
    head = zone.heads + number
    first = zone.after[head]
    zone.page[pfn] = number
    zone.after[pfn] = first
    zone.before[pfn] = head
    zone.after[head] = pfn
    zone.before[first] = pfn


@helper
def enlist_last(zone: Zone, pfn: Frame, number: ListNumber) -> None:
    """Put a block last on a list."""
    head = zone.heads + number
    last = zone.before[head]
    zone.page[pfn] = number
    zone.after[pfn] = head
    zone.before[pfn] = last
    zone.before[head] = pfn
    zone.after[last] = pfn


@helper
def delist(zone: Zone, pfn: Frame) -> None:
    """Take a block off its list (mm/page_alloc.c:__del_page_from_free_list, v6.12)."""
    last = zone.before[pfn]
    first = zone.after[pfn]
    zone.page[pfn] = NONE
    zone.after[last] = first
    zone.before[first] = last


@helper
def relist(zone: Zone, pfn: Frame, migratetype: Migratetype) -> None:
    """Move a listed block to the tail of another type's list (mm/page_alloc.c:move_to_free_list, v6.12)."""
    number = (migratetype << 4) | (zone.page[pfn] & 15)
    delist(zone, pfn)
    enlist_last(zone, pfn, number)


# --- types and counts ------------------------------------------------------------------------------------------------


@helper
def kind_of(migratetype: Migratetype) -> Migratetype:
    """Return a type's kind: itself, or ORDINARY for the three mergeable types."""
    return migratetype if migratetype >= HIGHATOMIC else ORDINARY


@helper
def set_types(zone: Zone, pfn: Frame, order: Order, migratetype: Migratetype) -> None:
    """Give every pageblock of a block a type (mm/page_alloc.c:change_pageblock_range, v6.12)."""
    for i in range(1 << max(0, order - zone.pageblock_order)):
        zone.types[(pfn >> zone.pageblock_order) + i] = migratetype


@helper
def count_block(zone: Zone, pfn: Frame, order: Order, sign: Sign) -> None:
    """Count the frames of a block that became free (sign 1) or was handed out (sign -1), by the kinds of its pageblocks."""
    if order <= zone.pageblock_order:
        kind = kind_of(zone.types[pfn >> zone.pageblock_order])
        zone.frames[kind] = zone.frames[kind] + sign * (1 << order)
    else:
        for i in range(1 << (order - zone.pageblock_order)):
            kind = kind_of(zone.types[(pfn >> zone.pageblock_order) + i])
            zone.frames[kind] = zone.frames[kind] + sign * (1 << zone.pageblock_order)


@helper
def count_moved(zone: Zone, old: Migratetype, new: Migratetype, moved: Count) -> None:
    """Count free frames whose pageblock changed its type."""
    zone.frames[kind_of(old)] = zone.frames[kind_of(old)] - moved
    zone.frames[kind_of(new)] = zone.frames[kind_of(new)] + moved


@helper
def pageblock_inside(zone: Zone, pfn: Frame) -> bool:
    """Tell whether the zone spans the whole pageblock that holds ``pfn``."""
    first = (pfn >> zone.pageblock_order) << zone.pageblock_order
    return (zone.start <= first) & (first + (1 << zone.pageblock_order) <= zone.end)


# --- freeing ---------------------------------------------------------------------------------------------------------


@helper
def merges(zone: Zone, pfn: Frame, order: Order, migratetype: Migratetype) -> bool:
    """Tell whether a block below max_order merges with its buddy (mm/page_alloc.c:__free_one_page, the loop's head)."""
    buddy = pfn ^ (1 << order)
    if (zone.page[buddy] & LISTED_ORDER) != order:
        return False
    if order < zone.pageblock_order:
        return True
    theirs = zone.types[buddy >> zone.pageblock_order]
    return (theirs == migratetype) | ((theirs <= RECLAIMABLE) & (migratetype <= RECLAIMABLE))


@helper
def absorb(zone: Zone, pfn: Frame, order: Order, migratetype: Migratetype) -> None:
    """Take the block's buddy off its list (the loop's body)."""
    buddy = pfn ^ (1 << order)
    delist(zone, buddy)
    if order >= zone.pageblock_order and zone.kernel >= 612:
        set_types(zone, buddy, order, migratetype)


@helper
def merge_likely(zone: Zone, pfn: Frame, order: Order) -> bool:
    """Tell whether the block's parent would merge further, were its buddy freed (mm/page_alloc.c:buddy_merge_likely, v6.12)."""
    if order + 1 >= zone.max_order:
        return False
    parent = pfn & ~(1 << order)
    return (parent >= zone.start) & ((zone.page[parent ^ (2 << order)] & LISTED_ORDER) == order + 1)


@helper
def free_one(zone: Zone, pfn: Frame, order: Order, migratetype: Migratetype, tail: bool) -> None:
    """Put a block on the lists, merged as far as Linux merges it (mm/page_alloc.c:__free_one_page, v6.12)."""
    have = order
    for k in range(order, zone.max_order):
        if not merges(zone, pfn, k, migratetype):
            break
        absorb(zone, pfn, k, migratetype)
        pfn = pfn & ~(1 << k)
        have = k + 1
    number = (migratetype << 4) | have
    if tail or merge_likely(zone, pfn, have):
        enlist_last(zone, pfn, number)
    else:
        enlist_first(zone, pfn, number)


@helper
def one_type(zone: Zone, pfn: Frame, order: Order) -> bool:
    """Tell whether all pageblocks of a block are of one type, or in 6.1 of one kind."""
    first = zone.types[pfn >> zone.pageblock_order]
    same = True
    for i in range(1, 1 << max(0, order - zone.pageblock_order)):
        other = zone.types[(pfn >> zone.pageblock_order) + i]
        same = same & ((other == first) | ((zone.kernel < 612) & (other <= RECLAIMABLE) & (first <= RECLAIMABLE)))
    return same


@kernel
def step_of(zone: Zone, pfn: Frame, order: Order) -> Order:
    """Return the order of the pieces in which a block larger than a pageblock is freed.

    Pageblocks (mm/page_alloc.c:split_large_buddy, v6.12); the whole block (mm/page_alloc.c:free_one_page, v6.1).
    """
    return order if zone.kernel < 612 and one_type(zone, pfn, order) else zone.pageblock_order


@kernel
def free_pieces(zone: Zone, pfn: Frame, order: Order, step: Order, tail: bool) -> None:
    """Free a block in pieces of order ``step``, each by its first pageblock's type."""
    for i in range(1 << (order - step)):
        piece = pfn + (i << step)
        free_one(zone, piece, step, zone.types[piece >> zone.pageblock_order], tail)


# --- handing out -----------------------------------------------------------------------------------------------------


@helper
def smallest(zone: Zone, order: Order, migratetype: Migratetype) -> Frame:
    """Return the first block of the smallest order that serves, or ``heads`` (mm/page_alloc.c:__rmqueue_smallest, v6.12)."""
    for k in range(order, zone.max_order + 1):
        pfn = zone.after[zone.heads + ((migratetype << 4) | k)]
        if pfn < zone.heads:
            return pfn
    return zone.heads


@helper
def list_upper_half(zone: Zone, pfn: Frame, half: Order, number: ListNumber) -> None:
    """Put the upper of two halves of a block first on the list of its order and of the block's own type."""
    enlist_first(zone, pfn + (1 << half), (number & TYPE) | half)


@helper
def take_listed(zone: Zone, pfn: Frame, order: Order) -> None:
    """Hand out the lowest ``2**order`` frames of the listed block at ``pfn``.

    The upper halves go first on the lists of the block's own type (mm/page_alloc.c:page_del_and_expand, v6.12).
    """
    number = zone.page[pfn]
    delist(zone, pfn)
    for half in range((number & 15) - 1, order - 1, -1):
        list_upper_half(zone, pfn, half, number)


# --- whole pageblocks ------------------------------------------------------------------------------------------------


@helper
def frames_at(cell: Cell) -> Count:
    """Return how many frames the block has whose head's cell this is; 1 for ``NONE``."""
    return 1 << (cell & 15) if cell <= (ALLOCATED | MIGRATABLE | 15) else 1


@kernel
def move_blocks(zone: Zone, pfn: Frame, end: Frame, migratetype: Migratetype) -> Count:
    """Move the free blocks of a range to the tails of a type's lists, in PFN order; return how many frames they have.

    mm/page_alloc.c:__move_freepages_block, v6.12
    """
    moved = 0
    for _ in range(end - pfn):
        if pfn >= end:
            break
        cell = zone.page[pfn]
        if cell < ALLOCATED:
            relist(zone, pfn, migratetype)
            moved += frames_at(cell)
        pfn += frames_at(cell)
    return moved


@kernel
def move_pageblock(zone: Zone, pfn: Frame, migratetype: Migratetype) -> Count:
    """Give a pageblock and the free blocks in it a type; return how many frames are free in it."""
    first = (pfn >> zone.pageblock_order) << zone.pageblock_order
    moved = move_blocks(zone, first, first + (1 << zone.pageblock_order), migratetype)
    zone.types[pfn >> zone.pageblock_order] = migratetype
    return moved


@kernel
def listed_over(zone: Zone, pfn: Frame) -> Frame:
    """Return the listed block larger than a pageblock that holds ``pfn``, or ``heads`` (mm/page_alloc.c:find_large_buddy)."""
    for k in range(zone.pageblock_order + 1, zone.max_order + 1):
        head = (pfn >> k) << k
        if (zone.page[head] & LISTED_ORDER) == k:
            return head
    return zone.heads


@kernel
def convert_pageblock(zone: Zone, pfn: Frame, migratetype: Migratetype) -> Count:
    """Give one pageblock a type, splitting a larger free block over it; return how many frames are free in it.

    mm/page_alloc.c:move_freepages_block_isolate, v6.12
    """
    large = listed_over(zone, pfn)
    if large == zone.heads:
        return move_pageblock(zone, pfn, migratetype)
    order = zone.page[large] & 15
    delist(zone, large)
    zone.types[pfn >> zone.pageblock_order] = migratetype
    free_pieces(zone, large, order, step_of(zone, large, order), False)
    return 1 << zone.pageblock_order


@kernel
def is_free(zone: Zone, pfn: Frame, order: Order) -> bool:
    """Tell whether all frames of an aligned block are free, in whatever listed blocks."""
    for k in range(order, zone.max_order + 1):
        if (zone.page[(pfn >> k) << k] & LISTED_ORDER) == k:
            return True
    end = pfn + (1 << order)
    for _ in range(1 << order):
        if pfn >= end:
            break
        if zone.page[pfn] >= ALLOCATED:
            return False
        pfn += frames_at(zone.page[pfn])
    return True
