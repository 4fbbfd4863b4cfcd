"""The hand-over to the page allocator: which frames are free in the end, and in which blocks they may reach it."""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import Error
from mmspec.loop import Loop
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock.core import MOVES, apart, move, moved_to, range_free, stopped_allowed, wrong_moves
from mmspec.physical.memblock.grow import Arrays, arrays_before, room_for
from mmspec.physical.memblock.kinds import ALL_FLAGS, has_room
from mmspec.physical.memblock.ops import (
    HOTPLUG,
    MAX_PAGE_ORDER,
    MEMORY,
    MEMORY_GIVEN,
    NO_NODE,
    PAGE_SHIFT,
    PAGE_SIZE,
    PANIC,
    RESERVED,
    TOP,
    Addr,
    Blocks,
    FreeAll,
    Move,
)  # fmt: skip
from mmspec.physical.memblock.regions import before_end_above, mark_range, region_over, set_node_range
from mmspec.physical.memblock.search import Ask, find
from mmspec.physical.memblock.state import Array, Memblock, Policy
from mmspec.words import Count, Order, Pfn, PfnEnd, is_aligned, size_of

NO_PAGE = 1 << 52
"""No page frame number: what a search for a free page answers where there is none."""

# --- what is left behind -------------------------------------------------------------------------------------------------


def nodes_more(memory: Array, reserved: Array, base: Addr) -> bool:
    """Tell whether regions of memory are left."""
    return base != TOP


def nodes_step(memory: Array, reserved: Array, base: Addr) -> tuple[Any, ...]:
    """Give what is reserved in the region at ``base`` the region's node, if there is room."""
    rule(c.FREE_ALL_NODES)
    if has_room(reserved):
        reserved = set_node_range(reserved, base, memory.end[base] - base, memory.nid[base])
    return memory, reserved, memory.next[base]


def nodes_left(memory: Array, reserved: Array, base: Addr) -> int:
    """Return how far the region is from the top."""
    return TOP - base


NODES = Loop("nodes", nodes_more, nodes_step, nodes_left)


def unplugged(memory: Array) -> Array:
    """Forget which memory is HOTPLUG: from here on it serves too."""
    return mark_range(memory, 0, TOP, ALL_FLAGS & ~HOTPLUG, 0)


def forgotten(state: Memblock) -> Memblock:
    """Forget which memory is HOTPLUG, if there is room."""
    if not has_room(state.memory):
        return state
    rule(c.FREE_ALL_HOTPLUG)
    return attrs.evolve(state, memory=unplugged(state.memory))


def settled(state: Memblock) -> Memblock:
    """Forget HOTPLUG, and note the node of whatever is reserved (mm/memblock.c:memmap_init_reserved_pages, v6.12)."""
    state = forgotten(state)
    _, reserved, _ = NODES.run(state.memory, state.reserved, state.memory.next[TOP])
    return attrs.evolve(state, reserved=reserved)


# --- what is left behind where arrays moved ------------------------------------------------------------------------------

PASSES = 40
"""Each pass but the last doubles the reserved array, which no address space holds so often."""


def memory_moves(moved: tuple[Move, ...]) -> Count:
    """Return how many of the moves come first: up to the memory array's last, which is made to forget HOTPLUG."""
    first = count = 0
    for what, _, _ in moved:
        count = count + 1
        if what in (MEMORY, MEMORY_GIVEN):
            first = count
    return first


def comes_here(moved: tuple[Move, ...], base: Addr, end: Addr) -> bool:
    """Tell whether the next place of the reserved array is apart from a region, so that it may be made for that region's node."""
    for what, at, size in moved:
        if what == RESERVED:
            return apart(at, size, base, end)
    return False


def room_by_moves(state: Memblock, moved: tuple[Move, ...], base: Addr, end: Addr) -> tuple[Memblock, tuple[Move, ...]]:
    """Carry out the moves that are made for a region's node: as long as there is no room, and the next place is apart from it."""
    waiting, halfway = moved, False
    for what, at, size in moved:
        if halfway or (not has_room(state.reserved) and comes_here(waiting, base, end)):
            state, waiting = move(state, what, at, size), waiting[1:]
            halfway = what >= MEMORY_GIVEN
    return state, waiting


def moving_more(state: Memblock, moved: tuple[Move, ...], base: Addr) -> bool:
    """Tell whether regions of memory are left."""
    return base != TOP


def moving_step(state: Memblock, moved: tuple[Move, ...], base: Addr) -> tuple[Any, ...]:
    """Give what is reserved in the region at ``base`` the region's node, after the moves that are made for that."""
    state, moved = room_by_moves(state, moved, base, state.memory.end[base])
    _, reserved, following = nodes_step(state.memory, state.reserved, base)
    return attrs.evolve(state, reserved=reserved), moved, following


def moving_left(state: Memblock, moved: tuple[Move, ...], base: Addr) -> int:
    """Return how far the region is from the top."""
    return TOP - base


MOVING = Loop("moving", moving_more, moving_step, moving_left)


def moved_between(state: Memblock, moved: tuple[Move, ...]) -> Memblock:
    """Carry out the moves of a hand-over, each when it is made: a region passed before for want of room has no node noted.

    The regions are passed once more after each pass with moves (mm/memblock.c:memmap_init_reserved_pages, v6.12).
    """
    first = memory_moves(moved)
    state, moved = forgotten(moved_to(state, moved[:first])), moved[first:]
    for _ in range(PASSES):
        if moved:
            state, moved, _ = MOVING.run(state, moved, state.memory.next[TOP])
    return moved_to(state, moved)


# --- what is handed over ---------------------------------------------------------------------------------------------------


def next_free_page(state: Memblock, pfn: PfnEnd, end: PfnEnd) -> PfnEnd:
    """Return the first frame of [pfn, end) that is wholly free, or ``NO_PAGE``."""
    if pfn >= end:
        return NO_PAGE
    if pfn == 0 and range_free(state, 0, PAGE_SIZE):
        return 0
    start = max(pfn, 1) << PAGE_SHIFT
    stop = max(start, min(end << PAGE_SHIFT, TOP))
    ask = Ask(PAGE_SIZE, PAGE_SIZE, start, stop, NO_NODE, False, state.movable_node, True)
    found = find(state.memory, state.reserved, ask)
    return NO_PAGE if found == 0 else found >> PAGE_SHIFT


def free_run_end(state: Memblock, pfn: Pfn, end: PfnEnd) -> PfnEnd:
    """Return the end of the free range that holds a free frame: where its region ends or something is reserved."""
    over = region_over(state.memory, pfn << PAGE_SHIFT)
    taken = state.reserved.next[before_end_above(state.reserved, pfn << PAGE_SHIFT)]
    return min(min(state.memory.end[over], taken) >> PAGE_SHIFT, end)


def largest_order(pfn: Pfn, end: PfnEnd) -> Order:
    """Return the order of the largest aligned block at ``pfn`` that ends by ``end``."""
    order = 0
    for k in range(1, MAX_PAGE_ORDER + 1):
        if is_aligned(pfn, k) & (pfn + size_of(k) <= end):
            order = k
    return order


def free_all_allowed(state: Memblock, op: FreeAll, result: Blocks | Error) -> Clause | None:
    """Name the clause that the blocks which reach the page allocator break: every free frame is in one, and no other."""
    if state.stopped:
        return stopped_allowed(result)
    if result.failed:
        rule(c.FREE_ALL_PANIC)
        most = state.reserved.cnt + 2 * state.memory.cnt
        full = not has_room(state.memory) or most > state.reserved.max
        return None if full and result.name == "PANIC" else c.FREE_ALL_PANIC
    wrong = wrong_moves(attrs.evolve(state, memory=unplugged(state.memory)), result.moved, 0, 0)
    if wrong:
        return MOVES[wrong]
    state, at = settled(moved_between(state, result.moved)), 0
    for pfn, order in result.blocks:
        rule(c.FREE_ALL_ALIGNED)
        if order > MAX_PAGE_ORDER or not is_aligned(pfn, order):
            return c.FREE_ALL_ALIGNED
        rule(c.FREE_ALL_ONCE)
        if next_free_page(state, at, op.max_low_pfn) != pfn:
            return c.FREE_ALL_ONCE
        rule(c.FREE_ALL_FREE)
        at = pfn + size_of(order)
        if at > free_run_end(state, pfn, op.max_low_pfn):
            return c.FREE_ALL_FREE
    rule(c.FREE_ALL_ONCE)
    return None if next_free_page(state, at, op.max_low_pfn) == NO_PAGE else c.FREE_ALL_ONCE


def free_all_apply(state: Memblock, op: FreeAll, result: Blocks | Error) -> Memblock:
    """Settle what is left behind; what is reserved stays reserved, and the frames are the page allocator's."""
    if result.failed:
        return attrs.evolve(state, stopped=True)
    return settled(moved_between(state, result.moved))


# --- what Linux hands over ---------------------------------------------------------------------------------------------------


def blocks_more(state: Memblock, end: PfnEnd, pfn: PfnEnd, blocks: tuple[tuple[Pfn, Order], ...]) -> bool:
    """Tell whether free frames are left, ``pfn`` being the first."""
    return pfn != NO_PAGE


def blocks_step(state: Memblock, end: PfnEnd, pfn: PfnEnd, blocks: tuple[tuple[Pfn, Order], ...]) -> tuple[Any, ...]:
    """Hand over the largest aligned block at ``pfn`` (mm/memblock.c:__free_pages_memory, v6.12)."""
    rule(c.FREE_ALL_LARGEST)
    order = largest_order(pfn, free_run_end(state, pfn, end))
    return state, end, next_free_page(state, pfn + size_of(order), end), (*blocks, (pfn, order))


def blocks_left(state: Memblock, end: PfnEnd, pfn: PfnEnd, blocks: tuple[tuple[Pfn, Order], ...]) -> int:
    """Return how far the next free frame is from the last one there can be."""
    return NO_PAGE - pfn


BLOCKS = Loop("blocks", blocks_more, blocks_step, blocks_left)


def pass_more(arrays: Arrays, base: Addr) -> bool:
    """Tell whether regions of memory are left whose node what is reserved in them is given."""
    return base != TOP and not arrays.stopped


def pass_step(arrays: Arrays, base: Addr) -> tuple[Any, ...]:
    """Give what is reserved in the region at ``base`` the region's node, making room for that."""
    memory = arrays.state.memory
    size, nid = memory.end[base] - base, memory.nid[base]
    arrays, made = room_for(arrays, RESERVED, 2, base, size)
    if made:
        reserved = set_node_range(arrays.state.reserved, base, size, nid)
        arrays = attrs.evolve(arrays, state=attrs.evolve(arrays.state, reserved=reserved))
    return arrays, memory.next[base]


def pass_left(arrays: Arrays, base: Addr) -> int:
    """Return how far the region is from the top."""
    return TOP - base


PASS = Loop("pass", pass_more, pass_step, pass_left)


def free_all_choose(state: Memblock, policy: Policy, op: FreeAll) -> tuple[Blocks | Error, Policy]:
    """Hand over as Linux does; where the reserved array was doubled all nodes are noted once more."""
    if state.stopped:
        return PANIC, policy
    after, made = room_for(arrays_before(state, policy), MEMORY, 2, 0, TOP)
    if made:
        after = attrs.evolve(after, state=attrs.evolve(after.state, memory=unplugged(after.state.memory)))
    noted: Count = 0
    for _ in range(PASSES):
        if noted != after.state.reserved.max and not after.stopped:
            noted = after.state.reserved.max
            after, _ = PASS.run(after, after.state.memory.next[TOP])
    if after.stopped:
        return PANIC, after.policy
    end = op.max_low_pfn
    _, _, _, blocks = BLOCKS.run(after.state, end, next_free_page(after.state, 0, end), ())
    return Blocks(blocks, after.moved), after.policy
