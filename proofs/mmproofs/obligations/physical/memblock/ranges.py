"""What each change of a range keeps: the loops and the changes of one region, together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, Predicate, proofs_of
from mmproofs.obligations.physical.memblock import loops
from mmproofs.obligations.physical.memblock.one import SPLIT
from mmproofs.obligations.physical.memblock.truths import STATE, kept
from mmspec.clause import Clause
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock import limits, regions
from mmspec.physical.memblock.ops import TOP, Addr, Size
from mmspec.physical.memblock.state import Array


def from_known(array: Array, before: Addr) -> bool:
    """Merging begins at a region, or at the ring's head."""
    return before in array.next


def not_empty(array: Array, base: Addr, end: Addr) -> bool:
    """The range is not empty."""
    return base < end


def before_is_known(after: tuple[Array, Addr]) -> bool:
    """What lies before the range is a region, or the ring's head."""
    return after[1] in after[0].next


before_is_known.__annotations__["after"] = tuple[Array, Addr]


def power_of_two(array: Array, align: Size) -> bool:
    """The alignment is a power of two."""
    return align > 0 and (align & (align - 1)) == 0


def keeps(
    name: str,
    function: Callable[..., Any],
    *requires: Predicate,
    part: str = "after",
    ensures: tuple[tuple[str, Predicate], ...] = (),
) -> Contract:
    """Return the contract that a function keeps every truth about an array."""
    return Contract(f"MEMBLOCK-{name}", function, (*kept(part), *ensures), requires=(*STATE, *requires))


def found(array: Array, base: Addr, after: Addr) -> bool:
    """A region, or the ring's head, ends at or below the byte, and the next one above it."""
    if after not in array.next:
        return False
    following = array.next[after]
    below = after == TOP or array.end.get(after, TOP) <= base
    return below and (following == TOP or array.end.get(following, TOP) > base)


FOUND = Contract("MEMBLOCK-BEFORE", regions.before_end_above, (("FOUND", found),), requires=STATE)
MERGE = keeps("MERGE", regions.merge, from_known)
ISOLATE = keeps("ISOLATE", regions.isolated, not_empty, part="after.0", ensures=(("FOUND", before_is_known),))
ADD_RANGE = keeps("ADD-RANGE", regions.add_range)
REMOVE_RANGE = keeps("REMOVE-RANGE", regions.remove_range)
MARK_RANGE = keeps("MARK-RANGE", regions.mark_range)
SET_NODE_RANGE = keeps("SET-NODE-RANGE", regions.set_node_range)
TRIM_REGIONS = keeps("TRIM-REGIONS", limits.trim_regions, power_of_two)
CAP_REGIONS = keeps("CAP-REGIONS", limits.cap_regions)


def proved(contract: Contract, clause: Clause, *cuts: LoopInvariant, using: tuple[Contract, ...] = ()) -> tuple[Obligation, ...]:
    """Return the proofs of a contract by what is true of its loops and of the functions that it calls."""
    return proofs_of(
        contract, Obligation("", tuple(dict.fromkeys((c.MB_1, clause))), "", contract.function, cuts=cuts, contracts=using)
    )


OBLIGATIONS: tuple[Obligation, ...] = (
    *proved(FOUND, c.MB_1, loops.SEEK),
    *proved(MERGE, c.MERGE_LOCAL, loops.MERGE),
    *proved(ISOLATE, c.ISOLATE_SPLITS, using=(FOUND, SPLIT)),
    *proved(ADD_RANGE, c.ADD_COVERS, loops.FILL, using=(FOUND, MERGE)),
    *proved(REMOVE_RANGE, c.REMOVE, loops.REMOVE, using=(ISOLATE,)),
    *proved(MARK_RANGE, c.MARK, loops.FLAG, using=(ISOLATE, MERGE)),
    *proved(SET_NODE_RANGE, c.SET_NODE, loops.NODE, using=(ISOLATE, MERGE)),
    *proved(TRIM_REGIONS, c.TRIM_INWARD, loops.TRIM),
    *proved(CAP_REGIONS, c.CAP, loops.CAP, using=(ISOLATE,)),
)
