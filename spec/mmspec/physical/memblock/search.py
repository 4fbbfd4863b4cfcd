"""Where free memory is: what is memory, may be used, and is not reserved."""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock.ops import (
    DRIVER_MANAGED,
    HOTPLUG,
    MIRROR,
    NO_NODE,
    NOLEAKTRACE,
    NOMAP,
    PAGE_SIZE,
    TOP,
    Addr,
    Nid,
    Size,
)
from mmspec.physical.memblock.state import Array, Memblock
from mmspec.words import Flags


@attrs.frozen
class Ask:
    """What is looked for: ``size`` bytes at a multiple of ``align`` in [start, end), lowest or highest."""

    size: Size
    align: Size  # a power of two
    start: Addr
    end: Addr  # start <= end
    nid: Nid  # NO_NODE: any
    mirror: bool  # mirrored memory only
    movable_node: bool  # HOTPLUG memory is kept free
    bottom_up: bool


def usable(flags: Flags, node: Nid, nid: Nid, mirror: bool, movable_node: bool) -> bool:
    """Tell whether a region of memory may serve (mm/memblock.c:should_skip_region, v6.12)."""
    rule(c.SKIP_NODE)
    rule(c.SKIP_HOTPLUG)
    rule(c.SKIP_NOMAP)
    rule(c.SKIP_DRIVER)
    return (
        ((nid == NO_NODE) | (node == nid))
        & ((not movable_node) | ((flags & HOTPLUG) == 0))
        & ((not mirror) | ((flags & MIRROR) != 0))
        & ((flags & (NOMAP | DRIVER_MANAGED)) == 0)
    )


def clamp(addr: Addr, low: Addr, high: Addr) -> Addr:
    """Return the address in [low, high] that is nearest to one."""
    return max(low, min(addr, high))


def fit(ask: Ask, low: Addr, high: Addr) -> Addr:
    """Return where a free range serves; 0 where it does not.

    mm/memblock.c:__memblock_find_range_bottom_up, __memblock_find_range_top_down, v6.12
    """
    low, high = clamp(low, ask.start, ask.end), clamp(high, ask.start, ask.end)
    if ask.bottom_up:
        rule(c.FIND_LOWEST)
        lowest = (low + ask.align - 1) & ~(ask.align - 1)
        return lowest if lowest < high and high - lowest >= ask.size else 0
    rule(c.FIND_HIGHEST)
    if high < ask.size:
        return 0
    highest = (high - ask.size) & ~(ask.align - 1)
    return highest if highest >= low else 0


# --- the free ranges, one after another --------------------------------------------------------------------------------


def find_more(memory: Array, reserved: Array, ask: Ask, base: Addr, taken: Addr, low: Addr, found: Addr) -> bool:
    """Tell whether a further free range may serve."""
    return (base != TOP) & ((found == 0) | (not ask.bottom_up))


def find_step(memory: Array, reserved: Array, ask: Ask, base: Addr, taken: Addr, low: Addr, found: Addr) -> tuple[Any, ...]:
    """Look at what the region of memory at ``base`` has between ``low`` and the reserved region at ``taken``.

    What ends first, of the two regions, is left behind (mm/memblock.c:__next_mem_range, v6.12).
    """
    end = memory.end[base]
    serves = usable(memory.flags[base], memory.nid[base], ask.nid, ask.mirror, ask.movable_node)
    if serves and base < taken and low < end:
        here = fit(ask, max(base, low), min(end, taken))
        found = found if here == 0 else here
    if end <= taken:
        return memory, reserved, ask, memory.next[base], taken, low, found
    return memory, reserved, ask, base, reserved.next[taken], reserved.end[taken], found


def find_left(memory: Array, reserved: Array, ask: Ask, base: Addr, taken: Addr, low: Addr, found: Addr) -> int:
    """Return how far the two regions are from the top, together."""
    return (TOP - base) + (TOP - taken)


FIND = Loop("find", find_more, find_step, find_left)


def find(memory: Array, reserved: Array, ask: Ask) -> Addr:
    """Return the lowest or highest place that serves, or 0."""
    found: Addr
    _, _, _, _, _, _, found = FIND.run(memory, reserved, ask, memory.next[TOP], reserved.next[TOP], 0, 0)
    return found


def asked(state: Memblock, size: Size, align: Size, start: Addr, end: Addr, nid: Nid, mirror: bool, bottom_up: bool) -> Ask:
    """Return what is looked for in a range (mm/memblock.c:memblock_find_in_range_node, v6.12)."""
    if end <= NOLEAKTRACE:
        rule(c.FIND_LIMIT)
        end = state.limit
    rule(c.FIND_PAGE_0)
    start = max(start, PAGE_SIZE)
    return Ask(size, align, start, max(start, end), nid, mirror, state.movable_node, bottom_up)


def find_in(state: Memblock, size: Size, align: Size, start: Addr, end: Addr, nid: Nid, mirror: bool, bottom_up: bool) -> Addr:
    """Return the lowest or highest place in a range that serves, or 0."""
    return find(state.memory, state.reserved, asked(state, size, align, start, end, nid, mirror, bottom_up))
