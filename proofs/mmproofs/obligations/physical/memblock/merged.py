"""That regions which touch and are alike are one, in arrays of any number of regions.

Between the changes of a range and the merge that follows them pairs near these changes may be alike: each contract, and each
invariant of a loop, says which. NOMAP regions are the exception that Linux makes: a cap splits them and merges nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, Predicate, bases_of, bound, proofs_of, step_of
from mmproofs.obligations.physical.memblock import changes, loops, ranges
from mmproofs.obligations.physical.memblock.truths import STATE, kept
from mmspec.clause import Clause
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock import handover, limits, regions
from mmspec.physical.memblock.invariants import region_merged
from mmspec.physical.memblock.ops import NOMAP, TOP, Addr
from mmspec.physical.memblock.state import Array, Memblock


def merged(array: Array, spot: Addr) -> bool:
    """Two regions that touch differ in node or flags, or are NOMAP."""
    return region_merged(array, spot)


MERGED = bound(merged, array="after")

# --- what may be alike between the changes of a range and the merge --------------------------------------------------------


def but_ahead(array: Array, base: Addr, stop: Addr, spot: Addr) -> bool:
    """Only pairs from ``base`` on, up to the one whose second region is at ``stop``, may be alike."""
    return region_merged(array, spot) or ((base == TOP or spot >= base) and array.next.get(spot, TOP) <= stop)


def but_filled(array: Array, before: Addr, end: Addr, start: Addr, last: Addr, spot: Addr) -> bool:
    """Only pairs from ``start`` on, up to the one that ``last`` begins, may be alike."""
    if last == end or region_merged(array, spot):
        return region_merged(array, spot)
    return (start == TOP or spot >= start) and array.next.get(spot, TOP) <= array.next.get(last, TOP)


def in_turn(array: Array, before: Addr, base: Addr, end: Addr, start: Addr, last: Addr) -> bool:
    """What was inserted last is not ahead of the loop."""
    if last == end:
        return True
    turn = last in array.next and array.next[last] <= array.next.get(before, TOP) and before != TOP and last <= before
    return turn and last < TOP and (start == TOP or start < last)


def at_ends(base: Addr, end: Addr, spot: Addr, after: tuple[Array, Addr]) -> bool:
    """Only pairs whose second region begins at one of the range's ends may be alike."""
    following = after[0].next.get(spot, TOP)
    return region_merged(after[0], spot) or following in (base, end)


def around(base: Addr, end: Addr, after: tuple[Array, Addr]) -> bool:
    """The region before the range ends below it, and the next one begins in it or above."""
    array, before = after
    return before in array.next and (before == TOP or array.end.get(before, TOP) <= base) and array.next[before] >= base


for predicate in (at_ends, around):
    predicate.__annotations__["after"] = tuple[Array, Addr]


def outside_stays(was_array: Array, was_base: Addr, array: Array, base: Addr, spot: Addr) -> bool:
    """A pair with no region among those that the loop went over is alike if it was."""
    if base < was_base:
        return False
    if spot < base and array.next.get(spot, TOP) >= was_base:
        return True
    return region_merged(array, spot) or not region_merged(was_array, spot)


def but_before(was_array: Array, array: Array, before: Addr, end: Addr, spot: Addr) -> bool:
    """Only the pair that begins with ``before``, which stays as long as it was, and the one at the range's end may be alike."""
    if array.end.get(before, TOP) != was_array.end.get(before, TOP):
        return False
    return region_merged(array, spot) or spot == before or array.next.get(spot, TOP) == end


def stays_if_mapped(array: Array, before: Addr, base: Addr, end: Addr) -> bool:
    """What the loop let stay lies within the range, or is NOMAP."""
    return before == TOP or base <= before < end or (array.flags.get(before, 0) & NOMAP) != 0


def but_ends_ahead(array: Array, before: Addr, base: Addr, end: Addr, spot: Addr) -> bool:
    """Only pairs ahead whose second region begins at one of the range's ends may be alike."""
    following = array.next.get(spot, TOP)
    ahead = (before == TOP or spot >= before) and (following in (base, end))
    return region_merged(array, spot) or ahead


# --- loops -----------------------------------------------------------------------------------------------------------------

MERGING = LoopInvariant(regions.MERGE, (*STATE, loops.at_region, but_ahead), id="MEMBLOCK-MERGE-MERGED-STEP")
FILLING = LoopInvariant(regions.FILL, (*STATE, loops.filling, in_turn, but_filled), id="MEMBLOCK-FILL-MERGED-STEP")
FLAGGING = LoopInvariant(regions.FLAG, (*STATE, loops.at_region, outside_stays), id="MEMBLOCK-FLAG-MERGED-STEP")
NODING = LoopInvariant(regions.NODE, (*STATE, loops.at_region, outside_stays), id="MEMBLOCK-NODE-MERGED-STEP")
REMOVING = LoopInvariant(regions.REMOVE, (*STATE, loops.behind, but_before), id="MEMBLOCK-REMOVE-MERGED-STEP")
TRIMMING = LoopInvariant(limits.TRIM, (*STATE, loops.trimming, merged), id="MEMBLOCK-TRIM-MERGED-STEP")
CAPPING = LoopInvariant(limits.CAP, (*STATE, loops.behind, stays_if_mapped, but_ends_ahead), id="MEMBLOCK-CAP-MERGED-STEP")

CUTS = {
    MERGING: c.MERGE_ALIKE,
    FILLING: c.ADD_COVERS,
    FLAGGING: c.MARK,
    NODING: c.SET_NODE,
    REMOVING: c.REMOVE,
    TRIMMING: c.TRIM_INWARD,
    CAPPING: c.CAP_NOMAP,
}

# --- changes of a range ------------------------------------------------------------------------------------------------------


def keeps(name: str, function: Callable[..., Any], *requires: Predicate) -> Contract:
    """Return the contract that a function keeps every truth about an array, and pairs that are alike merged."""
    return Contract(
        f"MEMBLOCK-{name}-ALIKE", function, (*kept("after"), ("MERGED", MERGED)), requires=(*STATE, *(requires or (merged,)))
    )


ISOLATE = Contract(
    "MEMBLOCK-ISOLATE-ALIKE",
    regions.isolated,
    (*kept("after.0"), ("AROUND", around), ("MERGED", at_ends)),
    requires=(*STATE, merged, ranges.not_empty),
)
MERGE = keeps("MERGE", regions.merge, ranges.from_known, bound(but_ahead, base="before"))
ADD_RANGE = keeps("ADD-RANGE", regions.add_range)
REMOVE_RANGE = keeps("REMOVE-RANGE", regions.remove_range)
MARK_RANGE = keeps("MARK-RANGE", regions.mark_range)
SET_NODE_RANGE = keeps("SET-NODE-RANGE", regions.set_node_range)
TRIM_REGIONS = keeps("TRIM-REGIONS", limits.trim_regions, merged, ranges.power_of_two)
CAP_REGIONS = keeps("CAP-REGIONS", limits.cap_regions)


def proved(contract: Contract, clause: Clause, *cuts: LoopInvariant, using: tuple[Contract, ...] = ()) -> tuple[Obligation, ...]:
    """Return the proofs of a contract by what is true of its loops and of the functions that it calls."""
    template = Obligation("", (c.MB_3, clause), "", contract.function, cuts=cuts, contracts=using)
    return tuple(
        o if o.invariant == "merged" else attrs.evolve(o, invariant=f"merging: {o.invariant}")
        for o in proofs_of(contract, template)
    )


CHANGES: tuple[Obligation, ...] = (
    *(
        attrs.evolve(step_of(cut, Obligation("", (c.MB_3, clause), "", cut, seconds=1500)), invariant="merging: step")
        for cut, clause in CUTS.items()
    ),
    *proved(ISOLATE, c.ISOLATE_SPLITS, using=(ranges.FOUND,)),
    *proved(MERGE, c.MERGE_LOCAL, MERGING),
    *proved(ADD_RANGE, c.ADD_COVERS, FILLING, using=(ranges.FOUND, MERGE)),
    *proved(REMOVE_RANGE, c.REMOVE, REMOVING, using=(ISOLATE,)),
    *proved(MARK_RANGE, c.MARK, FLAGGING, using=(ISOLATE, MERGE)),
    *proved(SET_NODE_RANGE, c.SET_NODE, NODING, using=(ISOLATE, MERGE)),
    *proved(TRIM_REGIONS, c.TRIM_INWARD, TRIMMING),
    *proved(CAP_REGIONS, c.CAP, CAPPING, using=(ISOLATE,)),
)

# --- operations --------------------------------------------------------------------------------------------------------------

HERE = {
    contract.function: contract for contract in (ADD_RANGE, REMOVE_RANGE, MARK_RANGE, SET_NODE_RANGE, TRIM_REGIONS, CAP_REGIONS)
}
"""The contract of each change of a range that says of pairs what ``ranges`` does not."""

RESERVED = bound(merged, array="reserved")
NODES = LoopInvariant(handover.NODES, (*changes.NODES.holds, RESERVED), id="MEMBLOCK-NODES-MERGED-STEP")


def both_merged(after: Memblock, spot: Addr) -> bool:
    """In both arrays two regions that touch differ in node or flags, or are NOMAP."""
    return region_merged(after.memory, spot) and region_merged(after.reserved, spot)


def of_operation(defined: Obligation) -> tuple[Obligation, Obligation]:
    """Return that an operation keeps both arrays merged, and that whatever it calls on the way may be called."""
    head = defined.id.removesuffix("-DEFINED")
    base = attrs.evolve(
        defined,
        id=f"{head}-MERGING",
        clauses=(c.MB_3, *defined.clauses),
        statement=f"{defined.operation}: every call, and every loop, finds both arrays merged where it asks for it",
        invariants=(*defined.invariants, bound(merged, array="state.memory"), bound(merged, array="state.reserved")),
        contracts=tuple(HERE[contract.function] for contract in defined.contracts),
        cuts=tuple(NODES for _ in defined.cuts),
        invariant="merging",
        rests_on=(),
    )
    base = attrs.evolve(base, rests_on=bases_of(base))
    statement = f"{defined.operation}: {(both_merged.__doc__ or '').strip()}"
    goal = attrs.evolve(
        base, id=f"{head}-MERGED", statement=statement, goal=both_merged, invariant="merged", rests_on=(*base.rests_on, base.id)
    )
    return base, goal


OBLIGATIONS: tuple[Obligation, ...] = (
    *CHANGES,
    step_of(NODES, Obligation("", (c.MB_3, c.FREE_ALL_NODES), "", handover.nodes_step, contracts=(SET_NODE_RANGE,))),
    *(one for defined in changes.OBLIGATIONS if defined.invariant == "defined" for one in of_operation(defined)),
)
