"""What each operation keeps of both arrays, of any number of regions.

An answer moves no array here: a move is one of two changes of its own (``MOVES``), and an operation with moves is these, one
after another, and then the same operation without (``core.before_change``); of a hand-over, whose moves come between the steps of
``NODES``, each step is a proof too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, Predicate, bases_of, function_of, step_of
from mmproofs.obligations.physical.memblock import ranges
from mmproofs.obligations.physical.memblock.truths import of
from mmspec.clause import Clause
from mmspec.errors import DONE, Done, Error
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock import core, handover, kinds, limits, looking
from mmspec.physical.memblock.invariants import nothing_between, region_ordered, region_whole
from mmspec.physical.memblock.ops import EINVAL, ENOMEM, PANIC, Addr, Blocks, Cap, Changed, Query, Trim, Truths
from mmspec.physical.memblock.state import Array, Memblock

# --- what holds afterwards -------------------------------------------------------------------------------------------------


def whole(after: Memblock, spot: Addr) -> bool:
    """In both arrays what has an end has a node, flags and a next region, and is not empty."""
    return region_whole(after.memory, spot) and region_whole(after.reserved, spot)


def ordered(after: Memblock, spot: Addr) -> bool:
    """In both arrays the next region begins at or above the end of this one."""
    return region_ordered(after.memory, spot) and region_ordered(after.reserved, spot)


def in_line(after: Memblock, spot: Addr, other: Addr) -> bool:
    """In both arrays no region is passed over."""
    return nothing_between(after.memory, spot, other) and nothing_between(after.reserved, spot, other)


GOALS: tuple[tuple[str, Predicate], ...] = (("WHOLE", whole), ("ORDERED", ordered), ("IN-LINE", in_line))

# --- what is given ---------------------------------------------------------------------------------------------------------


def power_of_two_if_done(op: Trim, result: Any) -> bool:
    """What is carried out has an alignment that is a power of two."""
    return result.failed or (op.align > 0 and (op.align & (op.align - 1)) == 0)


def served_if_done(op: Cap, result: Any) -> bool:
    """What is carried out ends inside the address space."""
    return result.failed or kinds.cap_served(op)


def can_be_doubled(state: Memblock) -> bool:
    """Twice the room of either array is a number still."""
    return (state.memory.max < 1 << 61) & (state.reserved.max < 1 << 61)


# --- the loop over the regions whose nodes are noted -------------------------------------------------------------------------


def noting(memory: Array, base: Addr) -> bool:
    """``base`` is a region of memory, or the ring's head."""
    return base in memory.next


NODES = LoopInvariant(handover.NODES, (*of("memory"), *of("reserved"), noting), id="MEMBLOCK-NODES-STEP")

CHANGES = {Changed: (Changed(True), Changed(False)), Error: (EINVAL, ENOMEM, PANIC)}
"""The answers to a change."""


def family(
    name: str,
    subject: Callable[..., Any],
    clause: Clause,
    *using: Contract,
    given: tuple[Predicate, ...] = (),
    forget: tuple[Callable[..., Any], ...] = (),
    cuts: tuple[LoopInvariant, ...] = (),
    straight: bool = False,
    moves: bool = True,
    bounds: dict[str, str] | None = None,
    types: dict[str, Any] | None = None,
) -> tuple[Obligation, ...]:
    """Return that an operation is defined and keeps every truth about both arrays."""
    head = f"MEMBLOCK-{name.upper().replace('_', '-')}"
    base = Obligation(
        f"{head}-DEFINED",
        (clause,),
        f"{name}: every key is there, every word fits, every call and every loop is lawful",
        subject,
        given=given,
        invariants=(*of("state.memory"), *of("state.reserved")),
        contracts=using,
        forget=forget,
        cuts=cuts,
        choices={**CHANGES, Done: (DONE,), Blocks: (Blocks((), ()),), "result.moved": ()},
        types=types or {},
        bounds=bounds or ({"moves": "none: they are changes of their own"} if moves else {}),
        straight=straight,
        operation=name,
        invariant="defined",
    )
    base = attrs.evolve(base, rests_on=bases_of(base))
    goals = (
        attrs.evolve(
            base,
            id=f"{head}-{column}",
            clauses=(c.MB_1, clause),
            statement=f"{name}: {(function_of(goal).__doc__ or '').strip()}",
            goal=goal,
            invariant=column.lower(),
            rests_on=(*base.rests_on, base.id),
        )
        for column, goal in GOALS
    )
    return (base, *goals)


NODES_STEP = (
    step_of(NODES, Obligation("", (c.MB_1, c.FREE_ALL_NODES), "", handover.nodes_step, contracts=(ranges.SET_NODE_RANGE,))),
)

OBLIGATIONS: tuple[Obligation, ...] = (
    *family("add", core.add_apply, c.ADD_COVERS, ranges.ADD_RANGE),
    *family("remove", core.remove_apply, c.REMOVE, ranges.REMOVE_RANGE),
    *family("reserve", core.reserve_apply, c.RESERVE, ranges.ADD_RANGE),
    *family("free", core.free_apply, c.FREE, ranges.REMOVE_RANGE),
    *family("mark", kinds.mark_apply, c.MARK, ranges.MARK_RANGE),
    *family("set_node", kinds.set_node_apply, c.SET_NODE, ranges.SET_NODE_RANGE),
    *family("trim", kinds.trim_apply, c.TRIM, ranges.TRIM_REGIONS, given=(power_of_two_if_done,)),
    *family("enforce", kinds.enforce_apply, c.ENFORCE, ranges.REMOVE_RANGE, forget=(limits.address_of_limit,)),
    *family("cap", kinds.cap_apply, c.CAP, ranges.REMOVE_RANGE, ranges.CAP_REGIONS, given=(served_if_done,)),
    *family(
        "limit_map", kinds.limit_map_apply, c.LIMIT_MAP, ranges.REMOVE_RANGE, ranges.CAP_REGIONS,
        forget=(limits.address_of_limit,),
    ),
    *family("alloc", core.alloc_apply, c.ALLOC_FREE, ranges.ADD_RANGE),
    *family("set_limit", kinds.set_limit_apply, c.SET_LIMIT, moves=False),
    *family("direction", kinds.direction_apply, c.DIRECTION, moves=False, straight=True),
    *family("query", looking.look_apply, c.QUERY, moves=False, straight=True, types={"op": Query, "result": Truths}),
    *family(
        "free_all", handover.free_all_apply, c.FREE_ALL_NODES, ranges.MARK_RANGE, ranges.SET_NODE_RANGE, cuts=(NODES,)
    ),
    *NODES_STEP,
    *family(
        "take_own", core.take_own, c.MOVE_FREE, ranges.ADD_RANGE,
        given=(can_be_doubled,), moves=False, bounds={"max": "< 2**61"},
    ),
    *family("give_own", core.give_own, c.MOVE_GIVEN, ranges.REMOVE_RANGE, moves=False),
)  # fmt: skip
