"""What is memory and what is taken: what any allocator of early memory must keep, whatever it prefers.

Every operation has the same rhythm: ``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the state after an
allowed result. Where the bytes of an allocation lie is free here; ``linux`` says which of the lawful places Linux takes.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import Error, refused
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock.ops import (
    MEMORY,
    MEMORY_FLAGS,
    MEMORY_GIVEN,
    NO_NODE,
    NOLEAKTRACE,
    PAGE_SIZE,
    RESERVED,
    SMP_CACHE_BYTES,
    TOP,
    Add,
    Addr,
    Address,
    Alloc,
    Changed,
    Free,
    Move,
    Nid,
    Remove,
    Reserve,
    Size,
    Type,
    What,
)  # fmt: skip
from mmspec.physical.memblock.regions import (
    add_range,
    cap_end,
    filled,
    overlaps,
    region_over,
    remove_range,
)  # fmt: skip
from mmspec.physical.memblock.search import find_in, usable
from mmspec.physical.memblock.state import Array, Memblock, Place, array_of, node_known, place_of, with_array, with_place
from mmspec.words import Count

# --- what the arrays take for themselves -------------------------------------------------------------------------------


def range_free(state: Memblock, base: Addr, size: Size) -> bool:
    """Tell whether one region of memory that may be used holds a whole range, and nothing of it is reserved."""
    over = region_over(state.memory, base)
    if over == TOP or base + size > state.memory.end[over]:
        return False
    if not usable(state.memory.flags[over], NO_NODE, NO_NODE, False, state.movable_node):
        return False
    return not overlaps(state.reserved, base, size)


def take_own(state: Memblock, which: What, at: Addr, size: Size) -> Memblock:
    """Reserve a range for an array, which has twice the room from now on."""
    array = array_of(state, which)
    state = with_array(state, which, attrs.evolve(array, max=2 * array.max))
    state = with_place(state, which, Place(at, size))
    return attrs.evolve(state, reserved=add_range(state.reserved, at, size, NO_NODE, 0))


def give_own(state: Memblock, which: Type, at: Addr, size: Size) -> Memblock:
    """Give back a range that held an array."""
    state = with_place(state, which, Place(0, 0))
    return attrs.evolve(state, reserved=remove_range(state.reserved, at, size))


def move(state: Memblock, what: What, at: Addr, size: Size) -> Memblock:
    """Carry out one move of an array."""
    if what >= MEMORY_GIVEN:
        return give_own(state, what - MEMORY_GIVEN, at, size)
    return take_own(state, what, at, size)


def moved_to(state: Memblock, moved: tuple[Move, ...]) -> Memblock:
    """Carry out all moves of an operation's arrays."""
    for what, at, size in moved:
        state = move(state, what, at, size)
    return state


def apart(at: Addr, size: Size, base: Addr, end: Addr) -> bool:
    """Tell whether the reserved array may go to a place while [base, end) is in hand.

    Below a range that begins at 0 or 1 Linux searches up to the current limit (``grow.find_for_array``).
    """
    return end <= at or at + size <= base or base <= NOLEAKTRACE


def wrong_move(state: Memblock, first: Memblock, what: What, at: Addr, size: Size, base: Addr, end: Addr) -> Count:
    """Return which of ``MOVES`` a move breaks, while [base, end) is about to be reserved; 0 for none.

    ``first`` is the state before the operation: the memory array's place is found before the old one is given back, and what
    that moves may go to the very same place (docs/questions.md).
    """
    if what >= MEMORY_GIVEN:
        rule(c.MOVE_GIVEN)
        place = place_of(state, what - MEMORY_GIVEN)
        return 0 if size > 0 and place.at == at and place.size == size else 1
    rule(c.MOVE_RESIZE)
    if not state.resize:
        return 2
    rule(c.MOVE_FREE)
    if size == 0 or at == 0 or (at | size) & (PAGE_SIZE - 1) or at + size > TOP:
        return 3
    if not range_free(state, at, size) and not (what == MEMORY and range_free(first, at, size)):
        return 3
    rule(c.MOVE_APART)
    return 0 if what == MEMORY or apart(at, size, base, end) else 4


MOVES = (c.MOVE_GIVEN, c.MOVE_GIVEN, c.MOVE_RESIZE, c.MOVE_FREE, c.MOVE_APART)
"""The clauses that ``wrong_move`` numbers."""


def wrong_moves(state: Memblock, moved: tuple[Move, ...], base: Addr, end: Addr) -> Count:
    """Return which of ``MOVES`` the moves of an operation's arrays break; 0 for none."""
    first = state
    for what, at, size in moved:
        wrong = wrong_move(state, first, what, at, size, base, end)
        if wrong:
            return wrong
        state = move(state, what, at, size)
    return 0


def moves_allowed(state: Memblock, moved: tuple[Move, ...], base: Addr, end: Addr) -> Clause | None:
    """Name the clause that the moves of an operation's arrays break, while [base, end) is about to be reserved."""
    wrong = wrong_moves(state, moved, base, end)
    return MOVES[wrong] if wrong else None


# --- changes -----------------------------------------------------------------------------------------------------------


def wanted_to_add(array: Array, base: Addr, size: Size) -> Count:
    """Return how many regions there are once the gaps of a range are inserted, before any are merged."""
    wanted, _, _ = filled(array, base, cap_end(base, size), NO_NODE, 0)
    return wanted.cnt


def wanted_to_isolate(array: Array, base: Addr, size: Size) -> Count:
    """Return how many regions there may be once a range is isolated: two more, whatever is there."""
    return array.cnt + 2 if cap_end(base, size) > base else array.cnt


def stopped_allowed(result: Any) -> Clause | None:
    """Name the clause that an answer after the kernel stopped breaks."""
    rule(c.STOPPED)
    return None if refused(result, "PANIC") else c.STOPPED


def refusal_allowed(array: Array, wanted: Count, result: Any) -> Clause | None:
    """Name the clause that a refusal to change an array breaks: there was room."""
    rule(c.ROOM)
    full = wanted > array.max
    return None if full and (refused(result, "ENOMEM") or refused(result, "PANIC")) else c.ROOM


def change_allowed(state: Memblock, which: Type, wanted: Count, base: Addr, end: Addr, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a change of an array breaks, which may need room for ``wanted`` regions."""
    if result.failed:
        return refusal_allowed(array_of(state, which), wanted, result)
    if not result.done:
        rule(c.ROOM_HALF)
        if not result.moved or wanted <= array_of(state, which).max:
            return c.ROOM_HALF
    return moves_allowed(state, result.moved, base, end) if which == RESERVED else moves_allowed(state, result.moved, 0, 0)


def change_done(result: Changed | Error) -> bool:
    """Tell whether a change was carried out."""
    return not result.failed and result.done


def before_change(state: Memblock, result: Changed | Error) -> Memblock:
    """Return the state before a change itself: its arrays moved, or the kernel stopped."""
    if result.failed:
        return attrs.evolve(state, stopped=True) if refused(result, "PANIC") else state
    return moved_to(state, result.moved)


# --- add, remove -------------------------------------------------------------------------------------------------------


def add_served(state: Memblock, op: Add) -> bool:
    """Tell whether an addition names a node and flags that exist."""
    return node_known(state, op.nid) & ((op.flags & ~MEMORY_FLAGS) == 0)


def add_allowed(state: Memblock, op: Add, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to an addition breaks."""
    if state.stopped:
        return stopped_allowed(result)
    if not add_served(state, op):
        rule(c.ADD_ARGS)
        return None if refused(result, "EINVAL") else c.ADD_ARGS
    return change_allowed(state, MEMORY, wanted_to_add(state.memory, op.base, op.size), 0, 0, result)


def add_apply(state: Memblock, op: Add, result: Changed | Error) -> Memblock:
    """Make the gaps of the range memory."""
    state = before_change(state, result)
    if not change_done(result):
        return state
    rule(c.ADD_COVERS)
    return attrs.evolve(state, memory=add_range(state.memory, op.base, op.size, op.nid, op.flags))


def remove_allowed(state: Memblock, op: Remove, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a removal breaks."""
    if state.stopped:
        return stopped_allowed(result)
    return change_allowed(state, MEMORY, wanted_to_isolate(state.memory, op.base, op.size), 0, 0, result)


def remove_apply(state: Memblock, op: Remove, result: Changed | Error) -> Memblock:
    """Make the range no memory."""
    state = before_change(state, result)
    if not change_done(result):
        return state
    rule(c.REMOVE)
    return attrs.evolve(state, memory=remove_range(state.memory, op.base, op.size))


# --- reserve, free -----------------------------------------------------------------------------------------------------


def reserve_allowed(state: Memblock, op: Reserve, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a reservation breaks."""
    if state.stopped:
        return stopped_allowed(result)
    wanted = wanted_to_add(state.reserved, op.base, op.size)
    return change_allowed(state, RESERVED, wanted, op.base, cap_end(op.base, op.size), result)


def reserve_apply(state: Memblock, op: Reserve, result: Changed | Error) -> Memblock:
    """Take the gaps of the range."""
    state = before_change(state, result)
    if not change_done(result):
        return state
    rule(c.RESERVE)
    return attrs.evolve(state, reserved=add_range(state.reserved, op.base, op.size, NO_NODE, 0))


def free_allowed(state: Memblock, op: Free, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a free breaks: what is not reserved may be freed as well."""
    if state.stopped:
        return stopped_allowed(result)
    wanted = wanted_to_isolate(state.reserved, op.base, op.size)
    return change_allowed(state, RESERVED, wanted, op.base, cap_end(op.base, op.size), result)


def free_apply(state: Memblock, op: Free, result: Changed | Error) -> Memblock:
    """Give the range back."""
    state = before_change(state, result)
    if not change_done(result):
        return state
    rule(c.FREE)
    return attrs.evolve(state, reserved=remove_range(state.reserved, op.base, op.size))


# --- alloc -------------------------------------------------------------------------------------------------------------


def is_power_of_two(align: Size) -> bool:
    """Tell whether a number is a power of two; 0 counts as one."""
    return (align & (align - 1)) == 0 if align > 0 else True


def alloc_served(state: Memblock, op: Alloc) -> bool:
    """Tell whether a request's alignment is a power of two, and its node one that exists."""
    return is_power_of_two(op.align) and node_known(state, op.nid)


def alignment(op: Alloc) -> Size:
    """Return the alignment of a request: 0 stands for a cache line."""
    return SMP_CACHE_BYTES if op.align == 0 else op.align


def upper_end(state: Memblock, op: Alloc) -> Addr:
    """Return the end of the range that a request may be served from (mm/memblock.c:memblock_alloc_internal, v6.12)."""
    end = min(op.end, state.limit) if op.soft else op.end
    return state.limit if end <= NOLEAKTRACE else end


def lower_start(op: Alloc) -> Addr:
    """Return the first byte that a request may be served at; page 0 is never handed out."""
    return max(0 if op.soft else op.start, PAGE_SIZE)


def alloc_may_fail(state: Memblock, op: Alloc) -> bool:
    """Tell whether a request may go unserved: nothing serves it, or what is found cannot be reserved."""
    nid = op.nid if op.exact else NO_NODE
    start = 0 if op.soft else op.start
    nowhere = find_in(state, op.size, alignment(op), start, upper_end(state, op), nid, False, True) == 0
    return nowhere or state.reserved.cnt + 1 > state.reserved.max


def alloc_allowed(state: Memblock, op: Alloc, result: Address | Error) -> Clause | None:
    """Name the clause that an answer to an allocation breaks."""
    if state.stopped:
        return stopped_allowed(result)
    if not alloc_served(state, op):
        rule(c.ALLOC_ARGS)
        return None if refused(result, "EINVAL") else c.ALLOC_ARGS
    if result.failed:
        rule(c.ALLOC_ENOMEM)
        full = state.reserved.cnt + 1 > state.reserved.max
        lawful = (refused(result, "ENOMEM") and alloc_may_fail(state, op)) or (refused(result, "PANIC") and full)
        return None if lawful else c.ALLOC_ENOMEM
    wrong = wrong_moves(state, result.moved, result.addr, cap_end(result.addr, op.size))
    if wrong:
        return MOVES[wrong]
    if result.addr == 0:
        rule(c.ROOM_HALF)
        return None if result.moved else c.ALLOC_PAGE_0
    return place_allowed(moved_to(state, result.moved), op, result.addr)


def place_allowed(state: Memblock, op: Alloc, addr: Addr) -> Clause | None:
    """Name the clause that the place of an allocation breaks."""
    nid = op.nid if op.exact else NO_NODE
    return range_allowed(state, addr, op.size, alignment(op), lower_start(op), upper_end(state, op), nid)


def range_allowed(state: Memblock, addr: Addr, size: Size, align: Size, start: Addr, end: Addr, nid: Nid) -> Clause | None:
    """Name the clause that a range breaks which is handed out; ``start`` and ``end`` bound it, of ``nid`` is it to be."""
    rule(c.ALLOC_ALIGNED)
    if addr & (align - 1):
        return c.ALLOC_ALIGNED
    rule(c.ALLOC_PAGE_0)
    if addr < PAGE_SIZE:
        return c.ALLOC_PAGE_0
    if size == 0:
        return None
    rule(c.ALLOC_INSIDE)
    if addr < start or addr + size > end:
        return c.ALLOC_INSIDE
    rule(c.ALLOC_FREE)
    if overlaps(state.reserved, addr, size):
        return c.ALLOC_FREE
    rule(c.ALLOC_MEMORY)
    if not range_free(state, addr, size):
        return c.ALLOC_MEMORY
    rule(c.ALLOC_NODE)
    return c.ALLOC_NODE if nid != NO_NODE and state.memory.nid[region_over(state.memory, addr)] != nid else None


def alloc_apply(state: Memblock, op: Alloc, result: Address | Error) -> Memblock:
    """Reserve what was found."""
    if result.failed:
        return attrs.evolve(state, stopped=True) if refused(result, "PANIC") else state
    state = moved_to(state, result.moved)
    if result.addr == 0:
        return state
    if op.size == 0:
        rule(c.ALLOC_NOTHING)
    return attrs.evolve(state, reserved=add_range(state.reserved, result.addr, op.size, NO_NODE, 0))
