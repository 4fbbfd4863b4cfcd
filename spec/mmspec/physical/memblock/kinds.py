"""What kind of memory it is, and how much of it counts: flags, nodes, trimming, limits, and what the search obeys.

The same rhythm as in ``core``. Operations that Linux declares void leave undone what there is no room for.
"""

from __future__ import annotations

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import Error, refused
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock.core import (
    before_change,
    change_allowed,
    change_done,
    moves_allowed,
    stopped_allowed,
    wanted_to_isolate,
)  # fmt: skip
from mmspec.physical.memblock.limits import address_of_limit, cap_regions, trim_regions
from mmspec.physical.memblock.ops import (
    HOTPLUG,
    MEMORY,
    MIRROR,
    NOMAP,
    RESERVED,
    RSRV_NOINIT,
    TOP,
    Addr,
    Cap,
    Changed,
    Direction,
    Done,
    Enforce,
    LimitMap,
    Mark,
    SetLimit,
    SetNode,
    Size,
    Trim,
)  # fmt: skip
from mmspec.physical.memblock.regions import cap_end, mark_range, remove_range, set_node_range
from mmspec.physical.memblock.state import Array, Memblock, array_of, node_known, with_array

ALL_FLAGS = (1 << 32) - 1

# --- flags -------------------------------------------------------------------------------------------------------------


def mark_served(op: Mark) -> bool:
    """Tell whether Linux marks an array so: HOTPLUG and NOMAP come and go, MIRROR and a reservation's NOINIT only come."""
    come_and_go = (op.flag == HOTPLUG) | (op.flag == NOMAP)
    memory = (op.type == MEMORY) & (come_and_go | ((op.flag == MIRROR) & op.on))
    return memory | ((op.type == RESERVED) & (op.flag == RSRV_NOINIT) & op.on)


def mark_ignored(state: Memblock, op: Mark) -> bool:
    """Tell whether a mark is passed over: mirrored memory where nobody asked for it (memblock_mark_mirror, v6.12)."""
    return (op.flag == MIRROR) & (not state.mirrored)


def mark_allowed(state: Memblock, op: Mark, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a mark breaks."""
    if state.stopped:
        return stopped_allowed(result)
    if not mark_served(op):
        rule(c.MARK_ARGS)
        return None if refused(result, "EINVAL") else c.MARK_ARGS
    if mark_ignored(state, op):
        rule(c.MARK_MIRROR)
        return c.MARK_MIRROR if result.failed or not result.done or result.moved else None
    wanted = wanted_to_isolate(array_of(state, op.type), op.base, op.size)
    return change_allowed(state, op.type, wanted, op.base, cap_end(op.base, op.size), result)


def mark_apply(state: Memblock, op: Mark, result: Changed | Error) -> Memblock:
    """Set or clear the flag."""
    state = before_change(state, result)
    if not change_done(result) or mark_ignored(state, op):
        return state
    rule(c.MARK)
    keep, on = (ALL_FLAGS, op.flag) if op.on else (ALL_FLAGS & ~op.flag, 0)
    return with_array(state, op.type, mark_range(array_of(state, op.type), op.base, op.size, keep, on))


def set_node_allowed(state: Memblock, op: SetNode, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a node's change breaks."""
    if state.stopped:
        return stopped_allowed(result)
    if not node_known(state, op.nid):
        rule(c.SET_NODE_ARGS)
        return None if refused(result, "EINVAL") else c.SET_NODE_ARGS
    wanted = wanted_to_isolate(array_of(state, op.type), op.base, op.size)
    return change_allowed(state, op.type, wanted, op.base, cap_end(op.base, op.size), result)


def set_node_apply(state: Memblock, op: SetNode, result: Changed | Error) -> Memblock:
    """Set the node."""
    state = before_change(state, result)
    if not change_done(result):
        return state
    rule(c.SET_NODE)
    return with_array(state, op.type, set_node_range(array_of(state, op.type), op.base, op.size, op.nid))


# --- trimming and limits -----------------------------------------------------------------------------------------------


def has_room(array: Array) -> bool:
    """Tell whether a range can be isolated in an array as it is."""
    return array.cnt + 2 <= array.max


def void_allowed(state: Memblock, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a change without an answer breaks: it can only stop the kernel, for want of room."""
    if result.failed:
        rule(c.ROOM)
        full = not has_room(state.memory) or not has_room(state.reserved)
        return None if full and refused(result, "PANIC") else c.ROOM
    return moves_allowed(state, result.moved, 0, 0) if result.done else c.ROOM_HALF


def cut(array: Array, base: Addr, size: Size) -> Array:
    """Uncover a range if there is room."""
    return remove_range(array, base, size) if has_room(array) or cap_end(base, size) <= base else array


def trim_allowed(state: Memblock, op: Trim, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a trim breaks."""
    if state.stopped:
        return stopped_allowed(result)
    if op.align == 0 or op.align & (op.align - 1):
        rule(c.TRIM_ARGS)
        return None if refused(result, "EINVAL") else c.TRIM_ARGS
    rule(c.TRIM)
    return c.TRIM if result.failed or not result.done or result.moved else None


def trim_apply(state: Memblock, op: Trim, result: Changed | Error) -> Memblock:
    """Shrink the regions of memory."""
    state = before_change(state, result)
    if not change_done(result):
        return state
    return attrs.evolve(state, memory=trim_regions(state.memory, op.align))


def enforce_allowed(state: Memblock, op: Enforce, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a limit breaks."""
    if state.stopped:
        return stopped_allowed(result)
    return void_allowed(state, result)


def enforce_apply(state: Memblock, op: Enforce, result: Changed | Error) -> Memblock:
    """Forget what lies beyond the limit, in both arrays."""
    rule(c.ENFORCE)
    beyond = address_of_limit(state.memory, op.limit)
    state = before_change(state, result)
    if not change_done(result) or op.limit == 0 or beyond == TOP:
        return state
    return attrs.evolve(state, memory=cut(state.memory, beyond, TOP), reserved=cut(state.reserved, beyond, TOP))


def cap_served(op: Cap) -> bool:
    """Tell whether a range ends inside the address space: where it does not, Linux wraps (docs/questions.md)."""
    return op.base + op.size <= TOP


def cap_allowed(state: Memblock, op: Cap, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a cap breaks."""
    if state.stopped:
        return stopped_allowed(result)
    if not cap_served(op):
        rule(c.CAP_ARGS)
        return None if refused(result, "EINVAL") else c.CAP_ARGS
    return void_allowed(state, result)


def capped(state: Memblock, base: Addr, size: Size) -> Memblock:
    """Forget what lies outside a range: of memory what is mapped, of reserved memory all."""
    if size == 0 or state.memory.total == 0 or not (has_room(state.memory) or cap_end(base, size) <= base):
        return state
    reserved = cut(cut(state.reserved, 0, base), base + size, TOP)
    return attrs.evolve(state, memory=cap_regions(state.memory, base, size), reserved=reserved)


def cap_apply(state: Memblock, op: Cap, result: Changed | Error) -> Memblock:
    """Forget what lies outside the range."""
    state = before_change(state, result)
    if not change_done(result):
        return state
    rule(c.CAP)
    return capped(state, op.base, op.size)


def limit_map_allowed(state: Memblock, op: LimitMap, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a limit breaks."""
    if state.stopped:
        return stopped_allowed(result)
    return void_allowed(state, result)


def limit_map_apply(state: Memblock, op: LimitMap, result: Changed | Error) -> Memblock:
    """Forget what is mapped beyond the limit."""
    rule(c.LIMIT_MAP)
    beyond = address_of_limit(state.memory, op.limit)
    state = before_change(state, result)
    if not change_done(result) or op.limit == 0 or beyond == TOP:
        return state
    return capped(state, 0, beyond)


# --- what the search obeys ---------------------------------------------------------------------------------------------


def set_limit_allowed(state: Memblock, op: SetLimit, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a new current limit breaks."""
    if state.stopped:
        return stopped_allowed(result)
    return c.SET_LIMIT if result.failed else None


def set_limit_apply(state: Memblock, op: SetLimit, result: Done | Error) -> Memblock:
    """Set the current limit."""
    rule(c.SET_LIMIT)
    return state if result.failed else attrs.evolve(state, limit=op.limit)


def direction_allowed(state: Memblock, op: Direction, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a new direction breaks: it only says what Linux prefers."""
    if state.stopped:
        return stopped_allowed(result)
    rule(c.DIRECTION)
    return c.DIRECTION if result.failed else None


def direction_apply(state: Memblock, op: Direction, result: Done | Error) -> Memblock:
    """Which end the search begins at is policy."""
    return state
