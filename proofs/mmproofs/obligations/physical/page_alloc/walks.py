"""A walk, for machines of any zones and marks: the zone that it takes is one that the request may use, and passed its test.

What a walk calls on the way is forgotten where the goal does not hang on it; what is proved of a step holds of the whole walk by
the loop's invariant.
"""

from __future__ import annotations

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Obligation
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.ops import ALLOC_CPUSET, ALLOC_NO_WATERMARKS, NOWHERE, Zone
from mmspec.physical.page_alloc.state import Memory, Paths, Scan, has, has_zone
from mmspec.physical.page_alloc.walk import (
    WALK,
    above_high,
    atomic_of,
    can_give,
    is_near,
    try_zone,
)
from mmspec.physical.watermarks.core import zone_ok
from mmspec.physical.watermarks.linux import fast_ok, mark_at, reserve_at
from mmspec.physical.zones.state import kind_of, node_of

# --- which zone --------------------------------------------------------------------------------------------------------------


def may_serve(scan: Scan) -> bool:
    """A zone that was taken is at most the request's highest, on a node of its mask, and of its cpuset if that binds."""
    node = node_of(scan.taken)
    inside = (scan.flags & ALLOC_CPUSET == 0) | has(scan.allowed, node)
    return (scan.taken == NOWHERE) | ((kind_of(scan.taken) <= scan.highest) & has(scan.nodes, node) & inside)


def same_request(scan: Scan, was_scan: Scan) -> bool:
    """What the request may use is as it was."""
    same = (scan.highest == was_scan.highest) & (scan.nodes == was_scan.nodes) & (scan.allowed == was_scan.allowed)
    return same & (scan.flags & ALLOC_CPUSET == was_scan.flags & ALLOC_CPUSET)


def in_places(scan: Scan) -> bool:
    """The walk stands at a place of the list, or at its end; so does the preferred zone."""
    return (scan.place <= scan.end) & (scan.preferred <= scan.end)


WALKED = LoopInvariant(WALK, (may_serve, same_request, in_places), id="PAGE-ALLOC-WALK-STEP")

FORGOTTEN = (fast_ok, above_high, zone_ok, can_give, is_near, mark_at, reserve_at, atomic_of)
"""Which zone is taken does not hang on what these say."""

# --- the test ----------------------------------------------------------------------------------------------------------------


def not_yet(scan: Scan) -> bool:
    """Nothing was taken yet."""
    return scan.taken == NOWHERE


def has_marks(scan: Scan) -> bool:
    """The request does not pass all watermarks."""
    return scan.flags & ALLOC_NO_WATERMARKS == 0


def ungrown(scan: Scan, zone: Zone) -> bool:
    """Nothing was accepted or initialised in the zone."""
    return not has_zone(scan.grown, zone)


def unreclaimed(scan: Scan) -> bool:
    """Nodes are not reclaimed by themselves."""
    return scan.reclaimed == 0


def passed(memory: Memory, paths: Paths, scan: Scan, zone: Zone, after: tuple[Paths, Scan]) -> bool:
    """A zone that was taken passed the check at HIGH, or at the mark that the flags name."""
    taken = after[1].taken
    if taken == NOWHERE:
        return True
    atomic = atomic_of(paths, scan.gfp)
    if above_high(memory.machine, paths, scan, zone, atomic):
        return True
    return fast_ok(memory.machine, paths.marks, zone, scan.order, scan.highest, scan.flags, atomic)


def takes_this(zone: Zone, after: tuple[Paths, Scan]) -> bool:
    """It takes this zone or none, and has one with so much free."""
    return (after[1].taken == NOWHERE) | (after[1].taken == zone)


OBLIGATIONS = (
    Obligation(
        "PAGE-ALLOC-WALK-STEP", (c.ZONE, c.WALK_CPUSET), may_serve.__doc__ or "", WALKED, forget=FORGOTTEN,
        operation="one walk", invariant="may-serve",
    ),
    Obligation(
        "PAGE-ALLOC-TRY-THIS", (c.WALK,), takes_this.__doc__ or "", try_zone, takes_this, given=(not_yet,), forget=FORGOTTEN,
        operation="one walk", invariant="one-zone",
    ),
    Obligation(
        "PAGE-ALLOC-TRY-PASSED", (c.WALK_MARK, c.WALK_ABOVE), passed.__doc__ or "", try_zone, passed,
        given=(not_yet, has_marks, ungrown, unreclaimed), forget=(can_give,), operation="one walk", invariant="passed",
    ),
)  # fmt: skip
