"""memblock, the allocator of early memory (mm/memblock.c, v6.12).

The state is two arrays of regions, what is memory and what is reserved, each region with a node and flags
(``state.Memblock``); beside it which way Linux searches (``state.Policy``). Read ``core`` and ``kinds`` first: what any allocator
of early memory must keep; ``regions`` and ``limits`` are how an array changes, ``search`` where free memory is, ``handover`` what
the page allocator is given; then ``linux`` and ``grow``: which of the lawful places Linux takes, also for its own arrays.

That arrays are merged only near a change (dossier MB-3) is a function of the history, so that they are the state and no policy.
Not modelled: physmem (s390), slab as the arrays' home, kmemleak, the named ranges of reserve_mem=, unaccepted memory
(``docs/clauses.toml`` says why for each row of the dossier).
"""

from __future__ import annotations

from mmspec.component import Component, Operation
from mmspec.physical.memblock import core, handover, kinds, linux, looking
from mmspec.physical.memblock.clauses import CHOICE, CLAUSES
from mmspec.physical.memblock.invariants import INVARIANTS
from mmspec.physical.memblock.ops import (
    Add,
    Address,
    Alloc,
    Blocks,
    Cap,
    Changed,
    Config,
    Direction,
    Done,
    Enforce,
    Free,
    FreeAll,
    LimitMap,
    Mark,
    Query,
    RegionList,
    Regions,
    Remove,
    Reserve,
    SetLimit,
    SetNode,
    Trim,
    Truths,
)  # fmt: skip
from mmspec.physical.memblock.state import Memblock, Policy, initial_policy, initial_state

_CHANGE, _SERVED, _VOID = ("ENOMEM", "PANIC"), ("EINVAL", "ENOMEM", "PANIC"), ("EINVAL", "PANIC")

ADD = Operation("add", Add, Changed, _SERVED, core.add_allowed, core.add_apply, linux.add_choose)
REMOVE = Operation("remove", Remove, Changed, _CHANGE, core.remove_allowed, core.remove_apply, linux.remove_choose)
RESERVE = Operation("reserve", Reserve, Changed, _CHANGE, core.reserve_allowed, core.reserve_apply, linux.reserve_choose)
FREE = Operation("free", Free, Changed, _CHANGE, core.free_allowed, core.free_apply, linux.free_choose)
ALLOC = Operation("alloc", Alloc, Address, _SERVED, core.alloc_allowed, core.alloc_apply, linux.alloc_choose, main="addr")
REGIONS = Operation(
    "regions", Regions, RegionList, ("PANIC",), looking.regions_allowed, looking.look_apply, linux.regions_choose, observes=True
)
QUERY = Operation("query", Query, Truths, ("PANIC",), looking.query_allowed, looking.look_apply, linux.query_choose)
MARK = Operation("mark", Mark, Changed, _SERVED, kinds.mark_allowed, kinds.mark_apply, linux.mark_choose)
SET_NODE = Operation("set_node", SetNode, Changed, _SERVED, kinds.set_node_allowed, kinds.set_node_apply, linux.set_node_choose)
TRIM = Operation("trim", Trim, Changed, _VOID, kinds.trim_allowed, kinds.trim_apply, linux.trim_choose)
ENFORCE = Operation("enforce", Enforce, Changed, ("PANIC",), kinds.enforce_allowed, kinds.enforce_apply, linux.enforce_choose)
CAP = Operation("cap", Cap, Changed, _VOID, kinds.cap_allowed, kinds.cap_apply, linux.cap_choose)
LIMIT_MAP = Operation(
    "limit_map", LimitMap, Changed, ("PANIC",), kinds.limit_map_allowed, kinds.limit_map_apply, linux.limit_map_choose
)
SET_LIMIT = Operation(
    "set_limit", SetLimit, Done, ("PANIC",), kinds.set_limit_allowed, kinds.set_limit_apply, linux.set_limit_choose
)
DIRECTION = Operation(
    "direction", Direction, Done, ("PANIC",), kinds.direction_allowed, kinds.direction_apply, linux.direction_choose
)
FREE_ALL = Operation(
    "free_all", FreeAll, Blocks, ("PANIC",), handover.free_all_allowed, handover.free_all_apply, handover.free_all_choose
)

MEMBLOCK = Component(
    name="memblock",
    config=Config,
    state=Memblock,
    policy=Policy,
    initial=initial_state,
    initial_policy=initial_policy,
    operations=(
        ADD, REMOVE, RESERVE, FREE, ALLOC, REGIONS, QUERY, MARK, SET_NODE, TRIM, ENFORCE, CAP, LIMIT_MAP, SET_LIMIT, DIRECTION,
        FREE_ALL,
    ),
    invariants=INVARIANTS,
    clauses=CLAUSES,
    choice=CHOICE,
)  # fmt: skip
