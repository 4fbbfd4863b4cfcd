"""Which of the lawful results Linux gives: ``X_choose`` returns it, and Linux's policy state after it.

The reading is of 6.12.117 (``mm/memblock.c``). What 6.1 does otherwise is not told (docs/questions.md, Q20).
"""

from __future__ import annotations

import attrs

from mmspec.clause import rule
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock.core import (
    add_served,
    alignment,
    alloc_served,
    wanted_to_add,
    wanted_to_isolate,
)  # fmt: skip
from mmspec.physical.memblock.grow import Arrays, arrays_before, full_after, room_for
from mmspec.physical.memblock.kinds import cap_served, mark_ignored, mark_served
from mmspec.physical.memblock.limits import address_of_limit, cap_regions
from mmspec.physical.memblock.looking import merged_regions, query_answer
from mmspec.physical.memblock.ops import (
    DONE,
    EINVAL,
    ENOMEM,
    MEMORY,
    MIRROR,
    NO_NODE,
    PANIC,
    RESERVED,
    TOP,
    Add,
    Addr,
    Address,
    Alloc,
    Cap,
    Changed,
    Direction,
    Done,
    Enforce,
    Error,
    Free,
    LimitMap,
    Mark,
    Nid,
    Query,
    RegionList,
    Regions,
    Remove,
    Reserve,
    SetLimit,
    SetNode,
    Size,
    Trim,
    Truths,
    Type,
)  # fmt: skip
from mmspec.physical.memblock.regions import cap_end, remove_range
from mmspec.physical.memblock.search import find_in
from mmspec.physical.memblock.state import Memblock, Policy, array_of, node_known, with_array
from mmspec.words import Count

Answer = tuple[Changed | Error, Policy]

# --- changes of one array ------------------------------------------------------------------------------------------------


def change(state: Memblock, policy: Policy, which: Type, wanted: Count, base: Addr, size: Size) -> Answer:
    """Answer a change that needs room for ``wanted`` regions: make room, and say what that moved."""
    before = arrays_before(state, policy)
    after, made = room_for(before, which, wanted - array_of(state, which).cnt, base, size)
    return changed(state, after, made)


def changed(state: Memblock, after: Arrays, made: bool) -> Answer:
    """Return the answer to a change for which there is room, or is not."""
    if after.stopped:
        return PANIC, after.policy
    if made:
        return Changed(True, after.moved), after.policy
    return (Changed(False, after.moved) if after.moved else ENOMEM), after.policy


def add_choose(state: Memblock, policy: Policy, op: Add) -> Answer:
    """Answer an addition as Linux does."""
    if state.stopped:
        return PANIC, policy
    if not add_served(state, op):
        return EINVAL, policy
    return change(state, policy, MEMORY, wanted_to_add(state.memory, op.base, op.size), op.base, op.size)


def remove_choose(state: Memblock, policy: Policy, op: Remove) -> Answer:
    """Answer a removal as Linux does."""
    if state.stopped:
        return PANIC, policy
    return change(state, policy, MEMORY, wanted_to_isolate(state.memory, op.base, op.size), op.base, op.size)


def reserve_choose(state: Memblock, policy: Policy, op: Reserve) -> Answer:
    """Answer a reservation as Linux does."""
    if state.stopped:
        return PANIC, policy
    wanted = wanted_to_add(state.reserved, op.base, op.size)
    answer, after = change(state, policy, RESERVED, wanted, op.base, op.size)
    if not answer.failed and answer.done and full_after(state, answer.moved, op.base, op.size):
        return PANIC, after
    return answer, after


def free_choose(state: Memblock, policy: Policy, op: Free) -> Answer:
    """Answer a free as Linux does."""
    if state.stopped:
        return PANIC, policy
    return change(state, policy, RESERVED, wanted_to_isolate(state.reserved, op.base, op.size), op.base, op.size)


def mark_choose(state: Memblock, policy: Policy, op: Mark) -> Answer:
    """Answer a mark as Linux does: the first MIRROR that is marked makes it prefer mirrored memory."""
    if state.stopped:
        return PANIC, policy
    if not mark_served(op):
        return EINVAL, policy
    if mark_ignored(state, op):
        return Changed(), policy
    if op.flag == MIRROR:
        rule(c.SOME_MIRROR)
        policy = attrs.evolve(policy, some_mirror=True)
    wanted = wanted_to_isolate(array_of(state, op.type), op.base, op.size)
    return change(state, policy, op.type, wanted, op.base, op.size)


def set_node_choose(state: Memblock, policy: Policy, op: SetNode) -> Answer:
    """Answer a node's change as Linux does."""
    if state.stopped:
        return PANIC, policy
    if not node_known(state, op.nid):
        return EINVAL, policy
    wanted = wanted_to_isolate(array_of(state, op.type), op.base, op.size)
    return change(state, policy, op.type, wanted, op.base, op.size)


# --- changes without an answer -------------------------------------------------------------------------------------------


def trim_choose(state: Memblock, policy: Policy, op: Trim) -> Answer:
    """Answer a trim as Linux does."""
    if state.stopped:
        return PANIC, policy
    if op.align == 0 or op.align & (op.align - 1):
        return EINVAL, policy
    return Changed(), policy


def cut_own(arrays: Arrays, which: Type, base: Addr, size: Size) -> Arrays:
    """Uncover a range of an array, making room for it if there is any (mm/memblock.c:memblock_remove_range, v6.12)."""
    if arrays.stopped or cap_end(base, size) <= base:
        return arrays
    arrays, made = room_for(arrays, which, 2, base, size)
    if not made:
        return arrays
    array = remove_range(array_of(arrays.state, which), base, size)
    return attrs.evolve(arrays, state=with_array(arrays.state, which, array))


def enforce_choose(state: Memblock, policy: Policy, op: Enforce) -> Answer:
    """Answer a limit as Linux does."""
    if state.stopped:
        return PANIC, policy
    beyond = address_of_limit(state.memory, op.limit)
    if op.limit == 0 or beyond == TOP:
        return Changed(), policy
    after = cut_own(cut_own(arrays_before(state, policy), MEMORY, beyond, TOP), RESERVED, beyond, TOP)
    return changed(state, after, True)


def cap_choose(state: Memblock, policy: Policy, op: Cap) -> Answer:
    """Answer a cap as Linux does."""
    if state.stopped:
        return PANIC, policy
    if not cap_served(op):
        return EINVAL, policy
    return cap_memory(state, policy, op.base, op.size)


def cap_memory(state: Memblock, policy: Policy, base: Addr, size: Size) -> Answer:
    """Forget what lies outside a range (mm/memblock.c:memblock_cap_memory_range, v6.12)."""
    if size == 0 or state.memory.total == 0:
        rule(c.CAP_NOTHING)
        return Changed(), policy
    before = arrays_before(state, policy)
    after, made = room_for(before, MEMORY, 2, base, size) if cap_end(base, size) > base else (before, True)
    if not made:
        return changed(state, after, not after.stopped)
    capped = cap_regions(after.state.memory, base, size)
    after = attrs.evolve(after, state=attrs.evolve(after.state, memory=capped))
    after = cut_own(cut_own(after, RESERVED, 0, base), RESERVED, base + size, TOP)
    return changed(state, after, True)


def limit_map_choose(state: Memblock, policy: Policy, op: LimitMap) -> Answer:
    """Answer a limit as Linux does."""
    if state.stopped:
        return PANIC, policy
    beyond = address_of_limit(state.memory, op.limit)
    if op.limit == 0 or beyond == TOP:
        return Changed(), policy
    return cap_memory(state, policy, 0, beyond)


def set_limit_choose(state: Memblock, policy: Policy, op: SetLimit) -> tuple[Done | Error, Policy]:
    """Set the current limit."""
    return (PANIC if state.stopped else DONE), policy


def direction_choose(state: Memblock, policy: Policy, op: Direction) -> tuple[Done | Error, Policy]:
    """Search from the other end from now on."""
    if state.stopped:
        return PANIC, policy
    return DONE, attrs.evolve(policy, bottom_up=op.bottom_up)


# --- alloc ---------------------------------------------------------------------------------------------------------------


def try_place(arrays: Arrays, op: Alloc, start: Addr, end: Addr, nid: Nid, mirror: bool) -> tuple[Addr, Arrays]:
    """Find a place and make room to reserve it; 0 where one or the other fails."""
    if arrays.stopped:
        return 0, arrays
    addr = find_in(arrays.state, op.size, alignment(op), start, end, nid, mirror, arrays.policy.bottom_up)
    if addr == 0:
        return 0, arrays
    wanted = wanted_to_add(arrays.state.reserved, addr, op.size) - arrays.state.reserved.cnt
    arrays, made = room_for(arrays, RESERVED, wanted, addr, op.size)
    return (addr if made else 0), arrays


def alloc_range(arrays: Arrays, op: Alloc, start: Addr, end: Addr) -> tuple[Addr, Arrays]:
    """Try the node's mirrored memory, then anybody's, then the same without mirrors.

    mm/memblock.c:memblock_alloc_range_nid, v6.12
    """
    if not arrays.policy.some_mirror:
        return alloc_nodes(arrays, op, start, end, False)
    rule(c.ALLOC_MIRROR)
    addr, arrays = alloc_nodes(arrays, op, start, end, True)
    if addr != 0:
        return addr, arrays
    return alloc_nodes(arrays, op, start, end, False)


def alloc_nodes(arrays: Arrays, op: Alloc, start: Addr, end: Addr, mirror: bool) -> tuple[Addr, Arrays]:
    """Try the node's memory, then that of any node unless the node is exact."""
    addr, arrays = try_place(arrays, op, start, end, op.nid, mirror)
    if addr != 0 or op.nid == NO_NODE or op.exact:
        return addr, arrays
    rule(c.ALLOC_OTHER_NODE)
    return try_place(arrays, op, start, end, NO_NODE, mirror)


def alloc_choose(state: Memblock, policy: Policy, op: Alloc) -> tuple[Address | Error, Policy]:
    """Answer an allocation as Linux does."""
    if state.stopped:
        return PANIC, policy
    if not alloc_served(state, op):
        return EINVAL, policy
    end = min(op.end, state.limit) if op.soft else op.end
    addr, after = alloc_range(arrays_before(state, policy), op, op.start, end)
    if addr == 0 and op.soft and op.start > 0:
        rule(c.ALLOC_SOFT)
        addr, after = alloc_range(after, op, 0, end)
    if after.stopped:
        return PANIC, after.policy
    if addr == 0 and not after.moved:
        return ENOMEM, after.policy
    return Address(addr, after.moved), after.policy


# --- looking -------------------------------------------------------------------------------------------------------------


def query_choose(state: Memblock, policy: Policy, op: Query) -> tuple[Truths | Error, Policy]:
    """Answer a question as Linux does: touching regions are two, however alike."""
    if state.stopped:
        return PANIC, policy
    return query_answer(state, op), policy


def regions_choose(state: Memblock, policy: Policy, op: Regions) -> tuple[RegionList | Error, Policy]:
    """List the regions."""
    if state.stopped:
        return PANIC, policy
    return RegionList(tuple(merged_regions(array_of(state, op.type)))), policy
