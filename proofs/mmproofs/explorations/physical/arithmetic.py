"""Ranges, maximal blocks and kinds: what a reset frees, and the small functions that law and implementation each have."""

from __future__ import annotations

from mmimpl.physical import buddy as implementation
from mmimpl.physical.buddy import lists, memory
from mmproofs.exploration import Exploration
from mmspec.errors import InputError
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import core, state
from mmspec.physical.buddy.ops import Config
from mmspec.pmap import CopyOnWrite
from mmspec.words import MAX_ORDER_LIMIT, PFN_BITS, Migratetype, Order, Pfn, PfnEnd, is_aligned, size_of

Blocks = list[tuple[Pfn, Order]]

# --- holes -------------------------------------------------------------------------------------------------------------


def two_holes(start: Pfn, a: Pfn, b: PfnEnd, c: Pfn, d: PfnEnd, end: PfnEnd) -> bool:
    """[a, b) and [c, d) are ascending disjoint ranges inside [start, end)."""
    return (start >= 0) & (start <= a) & (a < b) & (b <= c) & (c < d) & (d <= end) & (end <= 1 << PFN_BITS)


def ranges_avoid_holes(start: Pfn, a: Pfn, b: PfnEnd, c: Pfn, d: PfnEnd, end: PfnEnd) -> bool:
    """The ranges of memory are ascending, none is empty or meets a hole, and they have all other frames."""
    last, frames = start, 0
    for first, after in state.ranges_of(Config(start, end, 10, ((a, b), (c, d)))):
        if first < last or after <= first or (first < b and after > a) or (first < d and after > c):
            return False
        last, frames = after, frames + after - first
    return last <= end and frames == end - start - (b - a) - (d - c)


# --- maximal blocks ----------------------------------------------------------------------------------------------------


def short_range(start: Pfn, frames: int, max_order: Order) -> bool:
    """A range of at most 32 frames, anywhere."""
    return (start >= 0) & (frames >= 1) & (frames <= 32) & (start + frames <= 1 << PFN_BITS) & top_exists(max_order)


def top_exists(max_order: Order) -> bool:
    """An order that a configuration may have as its largest."""
    return (max_order >= 0) & (max_order <= MAX_ORDER_LIMIT)


def blocks_are_largest(start: Pfn, frames: int, max_order: Order) -> bool:
    """The blocks are adjacent, aligned, of orders that exist, cover the range, and no two of them could be one."""
    pfn, before = start, (0, MAX_ORDER_LIMIT + 1)
    for head, order in state.blocks_of(Config(start, start + frames, max_order)):
        if head != pfn or order > max_order or not is_aligned(head, order):
            return False
        if order < max_order and before == (core.buddy_of(head, order), order):
            return False
        pfn, before = head + size_of(order), (head, order)
    return pfn == start + frames


def one_hole(start: Pfn, a: Pfn, b: PfnEnd, end: PfnEnd, max_order: Order) -> bool:
    """A range of at most 24 frames, anywhere, with one hole and at least one frame of memory."""
    inside = (start >= 0) & (start <= a) & (a < b) & (b <= end) & (end <= 1 << PFN_BITS)
    return inside & (end - start <= 24) & (b - a < end - start) & top_exists(max_order)


def blocks_of_law(start: Pfn, a: Pfn, b: PfnEnd, end: PfnEnd, max_order: Order) -> Blocks:
    """The blocks that the law's reset frees."""
    return state.blocks_of(Config(start, end, max_order, ((a, b),)))


def blocks_of_implementation(start: Pfn, a: Pfn, b: PfnEnd, end: PfnEnd, max_order: Order) -> Blocks:
    """The blocks that the implementation's reset frees."""
    return memory.first_blocks(Config(start, end, max_order, ((a, b),)))


# --- merging -----------------------------------------------------------------------------------------------------------


def byte_of_frames(mask: int, max_order: Order) -> bool:
    """Any set of the frames 0 to 7."""
    return (mask >= 0) & (mask < 256) & (max_order >= 0) & (max_order <= 4)


def merged_by_implementation(mask: int, max_order: Order) -> Blocks:
    """The frames in ``mask`` as the implementation reports them."""
    return implementation.merged(((pfn, 0) for pfn in range(8) if mask >> pfn & 1), max_order)


def merged_by_law(mask: int, max_order: Order) -> Blocks:
    """The frames in ``mask``, freed one by one by the law's merge loop."""
    free: CopyOnWrite[Pfn, Order] = CopyOnWrite()
    for pfn in range(8):
        if mask >> pfn & 1:
            free, _, head, order = core.MERGE.run(free, max_order, pfn, 0)
            free = free.set(head, order)
    return sorted(free.items())


# --- the door and the kinds --------------------------------------------------------------------------------------------


def near_the_door(start: Pfn, end: PfnEnd, max_order: Order, pageblock_order: Order) -> bool:
    """Good and bad configurations of at most 64 frames."""
    orders = (max_order >= -2) & (max_order <= 15) & (pageblock_order >= -2) & (pageblock_order <= 15)
    return (start >= -2) & (start <= 64) & (end >= -2) & (end <= 64) & orders


def door_of_law(start: Pfn, end: PfnEnd, max_order: Order, pageblock_order: Order) -> int:
    """The frames of the law's zone; 0 where the configuration describes none."""
    try:
        span = state.span_of(Config(start, end, max_order, (), pageblock_order))
    except InputError:
        return 0
    return span.end_pfn - span.start_pfn


def door_of_implementation(start: Pfn, end: PfnEnd, max_order: Order, pageblock_order: Order) -> int:
    """The frames of the implementation's zone; 0 where the configuration describes none."""
    try:
        arrays = memory.arrays_of(Config(start, end, max_order, (), pageblock_order), "6.12")
    except InputError:
        return 0
    return arrays.end - arrays.start


def is_migratetype(migratetype: Migratetype) -> bool:
    """A type that exists."""
    return (migratetype >= 0) & (migratetype <= 5)


EXPLORATIONS = (
    Exploration(
        "EXPLORE-RANGES-HOLES",
        (c.BUDDY_1,),
        "the ranges of memory are what the zone has outside its holes",
        "two holes, all frame numbers",
        ranges_avoid_holes,
        two_holes,
    ),
    Exploration(
        "EXPLORE-BLOCKS-LARGEST",
        (c.BUDDY_1, c.BUDDY_2, c.BUDDY_3),
        "what a reset frees is cut into aligned blocks that cannot be larger",
        "ranges of at most 32 frames anywhere, all orders",
        blocks_are_largest,
        short_range,
    ),
    Exploration(
        "EXPLORE-BLOCKS-SAME",
        (c.BUDDY_1, c.BUDDY_2, c.BUDDY_3),
        "law and implementation free the same blocks at a reset",
        "zones of at most 24 frames anywhere with one hole, all orders",
        blocks_of_law,
        one_hole,
        blocks_of_implementation,
    ),
    Exploration(
        "EXPLORE-MERGED-SAME",
        (c.BUDDY_3, c.BLOCKS_REPORTED),
        "what the implementation reports as merged is what the law's merge loop makes of the frames",
        "all sets of eight frames, max_order 0 to 4",
        merged_by_law,
        byte_of_frames,
        merged_by_implementation,
    ),
    Exploration(
        "EXPLORE-DOOR-SAME",
        (c.BUDDY_2,),
        "law and implementation refuse the same configurations",
        "frame numbers -2 to 64, orders -2 to 15, no holes",
        door_of_law,
        near_the_door,
        door_of_implementation,
    ),
    Exploration(
        "EXPLORE-KIND-SAME",
        (c.BUDDY_KIND,),
        "law and implementation know each type by the same kind",
        "all types",
        state.kind_of,
        is_migratetype,
        lists.kind_of,
    ),
)
