"""How an array of regions changes: ranges enter it, are cut out of it, split and merge.

One function for each function of the kernel that changes an array; all of them are of any size, so that every search is a loop
from one region to the next. Whether there is room in the array is asked elsewhere (``room``).
"""

from __future__ import annotations

from typing import Any

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock.ops import TOP, Addr, Nid, Size
from mmspec.physical.memblock.state import Array, size_at
from mmspec.words import Flags

# --- finding the place -------------------------------------------------------------------------------------------------


def cap_end(base: Addr, size: Size) -> Addr:
    """Return the end of a range, cut off at the top of the address space (mm/memblock.c:memblock_cap_size, v6.12)."""
    if base + size > TOP:
        rule(c.TOP_BYTE)
        return TOP
    return base + size


def end_at(array: Array, base: Addr) -> Addr:
    """Return the end of the region at ``base``; ``TOP`` where there is none."""
    return array.end.get(base, TOP)


def seek_more(array: Array, before: Addr, base: Addr) -> bool:
    """Tell whether the region after ``before`` ends at or below ``base``."""
    following = array.next[before]
    return (following != TOP) & (end_at(array, following) <= base)


def seek_step(array: Array, before: Addr, base: Addr) -> tuple[Any, ...]:
    """Go on to the next region."""
    return array, array.next[before], base


def seek_left(array: Array, before: Addr, base: Addr) -> int:
    """Return how far the next region is from the top."""
    return TOP - array.next[before]


SEEK = Loop("seek", seek_more, seek_step, seek_left)


def before_end_above(array: Array, base: Addr) -> Addr:
    """Return the region (``TOP``: the ring's head) before the first one that ends above ``base``."""
    before: Addr
    _, before, _ = SEEK.run(array, TOP, base)
    return before


# --- one region --------------------------------------------------------------------------------------------------------


def insert(array: Array, before: Addr, base: Addr, end: Addr, nid: Nid, flags: Flags) -> Array:
    """Put a region after another (mm/memblock.c:memblock_insert_region, v6.12); the first one's size is the total.

    Both numbers have 64 bits; memory that is trimmed and added anew may overflow the total (docs/questions.md).
    """
    return Array(
        array.end.set(base, end),
        array.nid.set(base, nid),
        array.flags.set(base, flags),
        array.next.set(base, array.next[before]).set(before, base),
        (array.cnt + 1) & TOP,
        array.max,
        end - base if array.cnt == 0 else (array.total + (end - base)) & TOP,
    )


def drop_next(array: Array, before: Addr) -> Array:
    """Take the region after ``before`` out (mm/memblock.c:memblock_remove_region, v6.12)."""
    base = array.next[before]
    return Array(
        array.end.delete(base),
        array.nid.delete(base),
        array.flags.delete(base),
        array.next.set(before, array.next[base]).delete(base),
        (array.cnt - 1) & TOP,
        array.max,
        (array.total - size_at(array, base)) & TOP,
    )


def split_after(array: Array, before: Addr, at: Addr) -> Array:
    """Split the region after ``before`` where ``at`` lies strictly inside it."""
    base = array.next[before]
    end = end_at(array, base)
    if base >= at or end <= at or base == TOP:
        return array
    rule(c.ISOLATE_SPLITS)
    return Array(
        array.end.set(base, at).set(at, end),
        array.nid.set(at, array.nid[base]),
        array.flags.set(at, array.flags[base]),
        array.next.set(at, array.next[base]).set(base, at),
        (array.cnt + 1) & TOP,
        array.max,
        array.total,
    )


def alike(array: Array, base: Addr, following: Addr) -> bool:
    """Tell whether a region and the next one touch and are of one node, with the same flags."""
    return (
        (array.end.get(base, TOP) == following)
        & (array.nid.get(base, 0) == array.nid.get(following, 0))
        & (array.flags.get(base, 0) == array.flags.get(following, 0))
    )


def join_next(array: Array, base: Addr) -> Array:
    """Make a region and the next one a single region."""
    following = array.next[base]
    return Array(
        array.end.set(base, array.end[following]).delete(following),
        array.nid.delete(following),
        array.flags.delete(following),
        array.next.set(base, array.next[following]).delete(following),
        (array.cnt - 1) & TOP,
        array.max,
        array.total,
    )


# --- merging -----------------------------------------------------------------------------------------------------------


def merge_more(array: Array, base: Addr, stop: Addr) -> bool:
    """Tell whether the pair of ``base`` and the next region is to be looked at."""
    following = array.next[base]
    return (following != TOP) & (following <= stop)


def merge_step(array: Array, base: Addr, stop: Addr) -> tuple[Any, ...]:
    """Join the next region to this one if they are alike, else go on to it."""
    following = array.next[base]
    if base != TOP and alike(array, base, following):
        rule(c.MERGE_ALIKE)
        return join_next(array, base), base, stop
    return array, following, stop


def merge_left(array: Array, base: Addr, stop: Addr) -> int:
    """Return how far the next region is from the top."""
    return TOP - array.next[base]


MERGE = Loop("merge_regions", merge_more, merge_step, merge_left)


def merge(array: Array, before: Addr, stop: Addr) -> Array:
    """Merge regions that are alike, from ``before`` to the one at ``stop`` (mm/memblock.c:memblock_merge_regions, v6.12)."""
    merged: Array
    rule(c.MERGE_LOCAL)
    merged, _, _ = MERGE.run(array, before, stop)
    return merged


# --- adding a range ----------------------------------------------------------------------------------------------------


def fill_more(array: Array, before: Addr, base: Addr, end: Addr, nid: Nid, flags: Flags, start: Addr, last: Addr) -> bool:
    """Tell whether a part of the range, from ``base`` on, is left."""
    return base < end


def fill_step(
    array: Array, before: Addr, base: Addr, end: Addr, nid: Nid, flags: Flags, start: Addr, last: Addr
) -> tuple[Any, ...]:
    """Insert what lies before the next region, or pass over what that one holds.

    ``start`` is the region before the first one that was inserted, ``last`` the last one that was: ``end`` before there is any.
    """
    following = array.next[before]
    if following <= base:
        rule(c.ADD_FIRST_WINS)
        return array, following, min(end_at(array, following), end), end, nid, flags, start, last
    upto = min(following, end)
    array = insert(array, before, base, upto, nid, flags)
    return array, base, upto, end, nid, flags, before if last == end else start, base


def fill_left(array: Array, before: Addr, base: Addr, end: Addr, nid: Nid, flags: Flags, start: Addr, last: Addr) -> int:
    """Return how many bytes of the range are left."""
    return max(0, end - base)


FILL = Loop("fill", fill_more, fill_step, fill_left)


def filled(array: Array, base: Addr, end: Addr, nid: Nid, flags: Flags) -> tuple[Array, Addr, Addr]:
    """Insert the gaps of a range; return the array before merging, the region before the first insertion, and the last one.

    Where nothing was inserted the last one is ``end``.
    """
    before = before_end_above(array, base)
    array, _, _, _, _, _, start, last = FILL.run(array, before, base, end, nid, flags, end, end)
    return array, start, last


def add_range(array: Array, base: Addr, size: Size, nid: Nid, flags: Flags) -> Array:
    """Cover a range: what is there already stays as it is (mm/memblock.c:memblock_add_range, v6.12)."""
    end = cap_end(base, size)
    array, start, last = filled(array, base, end, nid, flags)
    if last == end:
        return array
    return merge(array, start, array.next[last])


# --- isolating a range -------------------------------------------------------------------------------------------------


def isolated(array: Array, base: Addr, end: Addr) -> tuple[Array, Addr]:
    """Split the regions that cross a range's ends; return the region before the first one inside.

    mm/memblock.c:memblock_isolate_range, v6.12
    """
    before = before_end_above(array, base)
    array = split_after(array, before, base)
    before = before_end_above(array, base)
    return split_after(array, before_end_above(array, end - 1), end), before


def remove_more(array: Array, before: Addr, end: Addr) -> bool:
    """Tell whether regions of the range are left."""
    return array.next[before] < end


def remove_step(array: Array, before: Addr, end: Addr) -> tuple[Any, ...]:
    """Take the next region out."""
    return drop_next(array, before), before, end


def remove_left(array: Array, before: Addr, end: Addr) -> int:
    """Return how far the next region is from the top."""
    return TOP - array.next[before]


REMOVE = Loop("remove", remove_more, remove_step, remove_left)


def remove_range(array: Array, base: Addr, size: Size) -> Array:
    """Uncover a range (mm/memblock.c:memblock_remove_range, v6.12)."""
    end = cap_end(base, size)
    if base >= end:
        return array
    array, before = isolated(array, base, end)
    array, _, _ = REMOVE.run(array, before, end)
    return array


# --- marking a range ---------------------------------------------------------------------------------------------------


def flag_more(array: Array, base: Addr, end: Addr, keep: Flags, on: Flags) -> bool:
    """Tell whether regions of the range, from ``base`` on, are left."""
    return base < end


def flag_step(array: Array, base: Addr, end: Addr, keep: Flags, on: Flags) -> tuple[Any, ...]:
    """Change the flags of the region at ``base``."""
    flags = array.flags.set(base, (array.flags[base] & keep) | on)
    changed = Array(array.end, array.nid, flags, array.next, array.cnt, array.max, array.total)
    return changed, array.next[base], end, keep, on


def flag_left(array: Array, base: Addr, end: Addr, keep: Flags, on: Flags) -> int:
    """Return how far the region is from the top."""
    return TOP - base


FLAG = Loop("flag", flag_more, flag_step, flag_left)


def mark_range(array: Array, base: Addr, size: Size, keep: Flags, on: Flags) -> Array:
    """Keep some flags of a range and set others (mm/memblock.c:memblock_setclr_flag, v6.12)."""
    end = cap_end(base, size)
    if base >= end:
        return array
    array, before = isolated(array, base, end)
    if array.next[before] >= end:
        return array
    array, stop, _, _, _ = FLAG.run(array, array.next[before], end, keep, on)
    return merge(array, before, stop)


def node_more(array: Array, base: Addr, end: Addr, nid: Nid) -> bool:
    """Tell whether regions of the range, from ``base`` on, are left."""
    return base < end


def node_step(array: Array, base: Addr, end: Addr, nid: Nid) -> tuple[Any, ...]:
    """Change the node of the region at ``base``."""
    changed = Array(array.end, array.nid.set(base, nid), array.flags, array.next, array.cnt, array.max, array.total)
    return changed, array.next[base], end, nid


def node_left(array: Array, base: Addr, end: Addr, nid: Nid) -> int:
    """Return how far the region is from the top."""
    return TOP - base


NODE = Loop("node", node_more, node_step, node_left)


def set_node_range(array: Array, base: Addr, size: Size, nid: Nid) -> Array:
    """Give a range a node (mm/memblock.c:memblock_set_node, v6.12)."""
    end = cap_end(base, size)
    if base >= end:
        return array
    array, before = isolated(array, base, end)
    if array.next[before] >= end:
        return array
    array, stop, _, _ = NODE.run(array, array.next[before], end, nid)
    return merge(array, before, stop)


# --- looking -----------------------------------------------------------------------------------------------------------


def region_over(array: Array, addr: Addr) -> Addr:
    """Return the region that holds a byte, or ``TOP`` (mm/memblock.c:memblock_search, v6.12)."""
    base = array.next[before_end_above(array, addr)]
    return base if base <= addr else TOP


def overlaps(array: Array, base: Addr, size: Size) -> bool:
    """Tell whether any region holds a byte of a range (mm/memblock.c:memblock_overlaps_region, v6.12)."""
    following = array.next[before_end_above(array, base)]
    return following < cap_end(base, size)


def run_more(array: Array, base: Addr) -> bool:
    """Tell whether the region at ``base`` and the next one are alike."""
    following = array.next[base]
    return following != TOP and alike(array, base, following)


def run_step(array: Array, base: Addr) -> tuple[Any, ...]:
    """Go on to the next region."""
    return array, array.next[base]


def run_left(array: Array, base: Addr) -> int:
    """Return how far the region is from the top."""
    return TOP - base


RUN = Loop("run", run_more, run_step, run_left)


def run_end(array: Array, base: Addr) -> Addr:
    """Return the end of the regions that touch, are alike, and begin with the one at ``base``."""
    _, last = RUN.run(array, base)
    return end_at(array, last)
