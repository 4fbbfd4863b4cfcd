"""How Linux makes room in its arrays: where a doubled array goes, what it takes and gives back, and when it fails.

mm/memblock.c:memblock_double_array, v6.12. The new array is reserved, and the old one freed, in the reserved array: which may be
the very one that is full, or be full as well.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock.core import give_own, moved_to, take_own, wanted_to_add
from mmspec.physical.memblock.ops import (
    MEMORY,
    MEMORY_GIVEN,
    NO_NODE,
    PAGE_SIZE,
    REGION_BYTES,
    RESERVED,
    TOP,
    Addr,
    Move,
    Size,
    Type,
)  # fmt: skip
from mmspec.physical.memblock.search import find_in
from mmspec.physical.memblock.state import Memblock, Place, Policy
from mmspec.words import Count


@attrs.frozen
class Arrays:
    """The state and Linux's policy in the middle of an operation, and what its arrays moved so far."""

    state: Memblock
    policy: Policy
    moved: tuple[Move, ...]
    stopped: bool  # whether the kernel has stopped


def arrays_before(state: Memblock, policy: Policy) -> Arrays:
    """Return what an operation begins with."""
    return Arrays(state, policy, (), False)


def stop(arrays: Arrays) -> Arrays:
    """Stop the kernel."""
    return attrs.evolve(arrays, stopped=True)


def page_align(size: Size) -> Size:
    """Round a number of bytes up to whole pages."""
    return (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1)


def find_for_array(arrays: Arrays, size: Size, base: Addr, hole: Size) -> Addr:
    """Find a place for an array above a hole, else below it, preferring mirrored memory; 0 where there is none.

    Below a hole that begins at 0 the end of the range reads as "the current limit", so that the hole itself is searched
    (docs/questions.md).
    """
    limit, addr = arrays.state.limit, 0
    for above in (True, False):
        for mirror in (True, False):
            if addr == 0 and (above or hole > 0) and (arrays.policy.some_mirror or not mirror):
                start, end = (base + hole, limit) if above else (0, min(base, limit))
                bottom_up = arrays.policy.bottom_up
                addr = find_in(arrays.state, size, PAGE_SIZE, start, end, NO_NODE, mirror, bottom_up)
    return addr


def give_old(arrays: Arrays, which: Type, place: Place) -> Arrays:
    """Give back the range that an array has left."""
    moved = (*arrays.moved, (which + MEMORY_GIVEN, place.at, place.size))
    return attrs.evolve(arrays, state=give_own(arrays.state, which, place.at, place.size), moved=moved)


def take_new(arrays: Arrays, which: Type, at: Addr, size: Size) -> Arrays:
    """Reserve the range that an array has moved to."""
    return attrs.evolve(arrays, state=take_own(arrays.state, which, at, size), moved=(*arrays.moved, (which, at, size)))


# --- the reserved array ----------------------------------------------------------------------------------------------------


def double_reserved(arrays: Arrays, base: Addr, size: Size) -> tuple[Arrays, bool]:
    """Double the reserved array while [base, base + size) is about to be reserved or freed; False where it cannot be.

    Giving back and taking need no room that the doubled array has not.
    """
    if not arrays.state.resize:
        rule(c.GROW_PANIC)
        return stop(arrays), False
    old = arrays.state.reserved.max * REGION_BYTES
    rule(c.GROW_APART)
    at = find_for_array(arrays, page_align(2 * old), base, size)
    if at == 0:
        rule(c.GROW_ENOMEM)
        return arrays, False
    left = arrays.state.reserved_place
    if left.size > 0:
        rule(c.GROW_GIVES)
        arrays = give_old(arrays, RESERVED, left)
    rule(c.GROW_TAKES)
    return take_new(arrays, RESERVED, at, page_align(2 * old)), True


def room_more(arrays: Arrays, entries: Count, base: Addr, size: Size, going: bool) -> bool:
    """Tell whether the reserved array is still too small, and can be doubled."""
    return going and arrays.state.reserved.cnt + entries > arrays.state.reserved.max


def room_step(arrays: Arrays, entries: Count, base: Addr, size: Size, going: bool) -> tuple[Any, ...]:
    """Double the reserved array."""
    arrays, going = double_reserved(arrays, base, size)
    return arrays, entries, base, size, going


def room_left(arrays: Arrays, entries: Count, base: Addr, size: Size, going: bool) -> int:
    """Return how much more is wanted than there is room for."""
    missing = arrays.state.reserved.cnt + entries - arrays.state.reserved.max
    return max(0, missing) if going else 0


ROOM = Loop("room", room_more, room_step, room_left)


def room_in_reserved(arrays: Arrays, entries: Count, base: Addr, size: Size) -> tuple[Arrays, bool]:
    """Make room for entries in the reserved array; False where there is none."""
    arrays, _, _, _, made = ROOM.run(arrays, entries, base, size, not arrays.stopped)
    return arrays, made


# --- the memory array ------------------------------------------------------------------------------------------------------


def double_memory(arrays: Arrays) -> tuple[Arrays, bool]:
    """Double the memory array, making room in the reserved one for what that gives back and takes; False where it cannot be.

    What cannot be given back for want of room stays reserved; what cannot be taken stops the kernel.
    """
    if not arrays.state.resize:
        rule(c.GROW_PANIC)
        return stop(arrays), False
    old = arrays.state.memory.max * REGION_BYTES
    at = find_for_array(arrays, page_align(2 * old), 0, 0)
    if at == 0:
        rule(c.GROW_ENOMEM)
        return arrays, False
    left = arrays.state.memory_place
    if left.size > 0:
        arrays, made = room_in_reserved(arrays, 2, left.at, left.size)
        if made:
            rule(c.GROW_GIVES)
            arrays = give_old(arrays, MEMORY, left)
    entries = wanted_to_add(arrays.state.reserved, at, page_align(2 * old)) - arrays.state.reserved.cnt
    arrays, made = room_in_reserved(arrays, entries, at, page_align(2 * old))
    if not made:
        rule(c.GROW_NESTED)
        return stop(arrays), False
    rule(c.GROW_TAKES)
    return take_new(arrays, MEMORY, at, page_align(2 * old)), True


def memory_more(arrays: Arrays, entries: Count, going: bool) -> bool:
    """Tell whether the memory array is still too small, and can be doubled."""
    return going and arrays.state.memory.cnt + entries > arrays.state.memory.max


def memory_step(arrays: Arrays, entries: Count, going: bool) -> tuple[Any, ...]:
    """Double the memory array."""
    arrays, going = double_memory(arrays)
    return arrays, entries, going


def memory_left(arrays: Arrays, entries: Count, going: bool) -> int:
    """Return how much more is wanted than there is room for."""
    missing = arrays.state.memory.cnt + entries - arrays.state.memory.max
    return max(0, missing) if going else 0


MEMORY_ROOM = Loop("memory_room", memory_more, memory_step, memory_left)


def room_for(arrays: Arrays, which: Type, entries: Count, base: Addr, size: Size) -> tuple[Arrays, bool]:
    """Make room for entries in an array while a range is about to be added or isolated; False where there is none."""
    if which == RESERVED:
        return room_in_reserved(arrays, entries, base, min(size, TOP - base))
    arrays, _, made = MEMORY_ROOM.run(arrays, entries, not arrays.stopped)
    return arrays, made


def full_after(state: Memblock, moved: tuple[Move, ...], base: Addr, size: Size) -> bool:
    """Tell whether a reservation finds more gaps than were counted before its array moved, and no room for them."""
    if not moved:
        return False
    after = moved_to(state, moved)
    return wanted_to_add(after.reserved, base, size) > after.reserved.max
