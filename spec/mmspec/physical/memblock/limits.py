"""How the memory array is trimmed and cut down to a limit."""

from __future__ import annotations

from typing import Any

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock.ops import NOMAP, TOP, Addr, Size
from mmspec.physical.memblock.regions import cap_end, drop_next, isolated
from mmspec.physical.memblock.state import Array, size_at


def trim_more(array: Array, before: Addr, align: Size) -> bool:
    """Tell whether regions are left to trim."""
    return array.next[before] != TOP


def trim_step(array: Array, before: Addr, align: Size) -> tuple[Any, ...]:
    """Shrink the next region to whole multiples of ``align``, or take it out where there is none."""
    base = array.next[before]
    end, nid, flags = array.end[base], array.nid[base], array.flags[base]
    start, stop = (base + align - 1) & ~(align - 1), end & ~(align - 1)
    if start >= stop:
        rule(c.TRIM_GONE)
        return drop_next(array, before), before, align
    rule(c.TRIM_INWARD)
    trimmed = Array(
        array.end.delete(base).set(start, stop),
        array.nid.delete(base).set(start, nid),
        array.flags.delete(base).set(start, flags),
        array.next.delete(base).set(start, array.next[base]).set(before, start),
        array.cnt,
        array.max,
        array.total,
    )
    return trimmed, start, align


def trim_left(array: Array, before: Addr, align: Size) -> int:
    """Return how far the next region is from the top."""
    return TOP - array.next[before]


TRIM = Loop("trim", trim_more, trim_step, trim_left)


def trim_regions(array: Array, align: Size) -> Array:
    """Shrink each region to whole multiples of ``align`` (mm/memblock.c:memblock_trim_memory, v6.12)."""
    trimmed: Array
    trimmed, _, _ = TRIM.run(array, TOP, align)
    return trimmed


def limit_more(array: Array, base: Addr, limit: Size) -> bool:
    """Tell whether the memory below ``base`` is less than the limit, and there is more."""
    return base != TOP and size_at(array, base) < limit


def limit_step(array: Array, base: Addr, limit: Size) -> tuple[Any, ...]:
    """Count the region at ``base``."""
    return array, array.next[base], limit - size_at(array, base)


def limit_left(array: Array, base: Addr, limit: Size) -> int:
    """Return how far the region is from the top."""
    return TOP - base


LIMIT = Loop("limit", limit_more, limit_step, limit_left)


def address_of_limit(array: Array, limit: Size) -> Addr:
    """Return the address below which an array holds ``limit`` bytes; ``TOP`` where it holds less.

    mm/memblock.c:__find_max_addr, v6.12
    """
    _, base, left = LIMIT.run(array, array.next[TOP], limit)
    return TOP if base == TOP else base + left


def cap_more(array: Array, before: Addr, base: Addr, end: Addr) -> bool:
    """Tell whether regions are left to look at."""
    return array.next[before] != TOP


def cap_step(array: Array, before: Addr, base: Addr, end: Addr) -> tuple[Any, ...]:
    """Take the next region out where it lies outside [base, end) and is mapped."""
    following = array.next[before]
    if (base <= following) & (following < end):
        return array, following, base, end
    if array.flags[following] & NOMAP:
        rule(c.CAP_NOMAP)
        return array, following, base, end
    return drop_next(array, before), before, base, end


def cap_left(array: Array, before: Addr, base: Addr, end: Addr) -> int:
    """Return how far the next region is from the top."""
    return TOP - array.next[before]


CAP = Loop("cap", cap_more, cap_step, cap_left)


def cap_regions(array: Array, base: Addr, size: Size) -> Array:
    """Take out all mapped regions outside a range (mm/memblock.c:memblock_cap_memory_range, v6.12)."""
    end = cap_end(base, size)
    if base < end:
        array, _ = isolated(array, base, end)
    array, _, _, _ = CAP.run(array, TOP, base, end)
    return array
