"""What is true at the heads of the loops over an array's regions, after any number of rounds."""

from __future__ import annotations

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Obligation, step_of
from mmproofs.obligations.physical.memblock.one import INSERT
from mmproofs.obligations.physical.memblock.truths import STATE
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock import limits, regions
from mmspec.physical.memblock.ops import TOP, Addr, Size
from mmspec.physical.memblock.state import Array


def seeking(array: Array, before: Addr, base: Addr) -> bool:
    """``before`` is the ring's head, or a region that ends at or below the range."""
    return before in array.next and (before == TOP or array.end.get(before, TOP) <= base)


def at_region(array: Array, base: Addr) -> bool:
    """``base`` is a region, or the ring's head."""
    return base in array.next


def behind(array: Array, before: Addr) -> bool:
    """``before`` is a region, or the ring's head."""
    return before in array.next


def filling(array: Array, before: Addr, base: Addr, end: Addr, start: Addr, last: Addr) -> bool:
    """The range is filled up to the next region that ends above it; what was inserted, and the one before, are there."""
    if before not in array.next or base > end:
        return False
    following = array.next[before]
    passed = before == TOP or array.end.get(before, TOP) <= base or base == end
    ahead = following == TOP or array.end.get(following, TOP) > base or base == end
    return passed and ahead and (last == end or (last < end and start in array.next and last in array.next))


def trimming(array: Array, before: Addr, align: Size) -> bool:
    """``before`` is a region, or the ring's head; the alignment is a power of two."""
    return before in array.next and align > 0 and (align & (align - 1)) == 0


SEEK = LoopInvariant(regions.SEEK, (*STATE, seeking), id="MEMBLOCK-SEEK-STEP")
FLAG = LoopInvariant(regions.FLAG, (*STATE, at_region), id="MEMBLOCK-FLAG-STEP")
NODE = LoopInvariant(regions.NODE, (*STATE, at_region), id="MEMBLOCK-NODE-STEP")
FILL = LoopInvariant(regions.FILL, (*STATE, filling), id="MEMBLOCK-FILL-STEP")
MERGE = LoopInvariant(regions.MERGE, (*STATE, at_region), id="MEMBLOCK-MERGE-STEP")
REMOVE = LoopInvariant(regions.REMOVE, (*STATE, behind), id="MEMBLOCK-REMOVE-STEP")
TRIM = LoopInvariant(limits.TRIM, (*STATE, trimming), id="MEMBLOCK-TRIM-STEP")
LIMIT = LoopInvariant(limits.LIMIT, (*STATE, at_region), id="MEMBLOCK-LIMIT-STEP")
CAP = LoopInvariant(limits.CAP, (*STATE, behind), id="MEMBLOCK-CAP-STEP")

CUTS = {
    SEEK: c.MB_1,
    FLAG: c.MARK,
    NODE: c.SET_NODE,
    FILL: c.ADD_COVERS,
    MERGE: c.MERGE_ALIKE,
    REMOVE: c.REMOVE,
    TRIM: c.TRIM_INWARD,
    LIMIT: c.ENFORCE,
    CAP: c.CAP,
}

OBLIGATIONS: tuple[Obligation, ...] = tuple(
    step_of(
        cut,
        Obligation("", tuple(dict.fromkeys((c.MB_1, clause))), "", cut, contracts=(INSERT,) if cut is FILL else (), seconds=1500),
    )
    for cut, clause in CUTS.items()
)
