"""A walk, for machines of any zones and marks: the zone that it takes is one that the request may use, and passed its test.

What a test says is told in true numbers: so much is free in the zone, less what the request cannot use. What a walk calls on the
way is forgotten where the goal does not hang on it; what is proved of a step holds of the whole walk by the loop's invariant.
"""

from __future__ import annotations

import attrs

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, bases_of, proofs_of, step_of
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.ops import ALLOC_CPUSET, ALLOC_NO_WATERMARKS, NOWHERE, Place, Zone
from mmspec.physical.page_alloc.state import Memory, Paths, Scan, has, has_zone
from mmspec.physical.page_alloc.walk import (
    FIRST,
    WALK,
    above_high,
    atomic_of,
    can_give,
    is_near,
    try_zone,
)
from mmspec.physical.watermarks.core import reduced, unusable, zone_ok
from mmspec.physical.watermarks.linux import fast_ok, ignores_boost, mark_at, reserve_at
from mmspec.physical.watermarks.ops import ALLOC_WMARK_MASK, WMARK_HIGH, Kind, Mark, Truth
from mmspec.physical.watermarks.state import Machine, Marks
from mmspec.physical.zones.state import kind_of, node_of
from mmspec.words import Flags, Order

# --- the test ----------------------------------------------------------------------------------------------------------------


def enough(machine: Machine, zone: Zone, order: Order, flags: Flags, mark: Mark, reserve: Mark) -> bool:
    """More frames are free and of use to the request than the lowered mark and the reserve together, in true numbers."""
    useless = unusable(order, flags, machine.highatomic.get(zone, 0), machine.cma.get(zone, 0))
    return machine.free.get(zone, 0) - useless > reduced(mark, flags) + reserve


def enough_at(
    machine: Machine, marks: Marks, zone: Zone, order: Order, highest: Kind, flags: Flags, atomic: Truth, name: Flags
) -> bool:
    """So many are above the mark of a name, or above MIN without the boost for a request that ignores it."""
    reserve = reserve_at(marks, zone, highest)
    named = enough(machine, zone, order, flags, mark_at(marks, zone, name), reserve)
    unboosted = enough(machine, zone, order, flags, marks.min.get(zone, 0), reserve)
    return named | (unboosted & ignores_boost(marks, zone, order, flags, atomic))


def fast_leaves(
    machine: Machine, marks: Marks, zone: Zone, order: Order, highest: Kind, flags: Flags, atomic: Truth, after: bool
) -> bool:
    """A request that passes leaves the zone above the mark that its flags name, or above MIN if it ignores the boost."""
    if not after:
        return True
    return enough_at(machine, marks, zone, order, highest, flags, atomic, flags & ALLOC_WMARK_MASK)


def high_leaves(machine: Machine, paths: Paths, scan: Scan, zone: Zone, atomic: Truth, after: bool) -> bool:
    """A request that passes leaves the zone above HIGH, or above MIN if it ignores the boost."""
    if not after:
        return True
    return enough_at(machine, paths.marks, zone, scan.order, scan.highest, scan.flags, atomic, WMARK_HIGH)


FAST = Contract("PAGE-ALLOC-FAST", fast_ok, (("LEAVES", fast_leaves),))
HIGH = Contract("PAGE-ALLOC-HIGH", above_high, (("LEAVES", high_leaves),))


def inside(scan: Scan) -> bool:
    """Nothing was taken yet, and the walk stands at a place of the list."""
    return (scan.taken == NOWHERE) & (scan.place < scan.end)


def has_marks(scan: Scan) -> bool:
    """The request does not pass all watermarks."""
    return scan.flags & ALLOC_NO_WATERMARKS == 0


def ungrown(scan: Scan, zone: Zone) -> bool:
    """Nothing was accepted or initialised in the zone."""
    return not has_zone(scan.grown, zone)


def unreclaimed(scan: Scan) -> bool:
    """Nodes are not reclaimed by themselves."""
    return scan.reclaimed == 0


def serves(memory: Memory, paths: Paths, scan: Scan, zone: Zone) -> bool:
    """The zone is left above HIGH, or the mark that the flags name, or MIN if the request ignores the boost."""
    machine, marks, order, highest, flags = memory.machine, paths.marks, scan.order, scan.highest, scan.flags
    atomic = atomic_of(paths, scan.gfp)
    named = enough_at(machine, marks, zone, order, highest, flags, atomic, flags & ALLOC_WMARK_MASK)
    return named | enough_at(machine, marks, zone, order, highest, flags, atomic, WMARK_HIGH)


def passed(memory: Memory, paths: Paths, scan: Scan, zone: Zone, after: tuple[Paths, Scan]) -> bool:
    """A zone that was taken is left above HIGH, or the mark that the flags name, or MIN if the request ignores the boost."""
    if after[1].taken == NOWHERE:
        return True
    return serves(memory, paths, scan, zone)


TAKES = Contract(
    "PAGE-ALLOC-TRY", try_zone, (("PASSED", passed),), requires=(inside, has_marks, ungrown, unreclaimed),
)  # fmt: skip


# --- one zone ----------------------------------------------------------------------------------------------------------------


def this_or_next(scan: Scan, zone: Zone, after: tuple[Paths, Scan]) -> bool:
    """It takes this zone, or goes on to the next place."""
    then = after[1]
    took = (then.taken == zone) & (then.place == scan.place)
    return took | ((then.taken == NOWHERE) & (then.place == scan.place + 1))


SAME = ("flags", "node", "nodes", "highest", "allowed", "dirty", "preferred", "end")
TRY = Contract(
    "PAGE-ALLOC-TRY", try_zone, (("THIS", this_or_next),), requires=(inside,), keeps={f"after.1.{n}": f"scan.{n}" for n in SAME},
)  # fmt: skip
TESTS = (fast_ok, above_high, zone_ok, can_give, is_near, mark_at, reserve_at)
"""Which place comes next does not hang on what these say."""


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


def ahead(was_scan: Scan, scan: Scan, was_place: Place, place: Place) -> bool:
    """While the next zone is looked for: no place is passed twice, and none behind the end is come to."""
    return (was_place <= place) & (place <= scan.end) & (scan.end == was_scan.end)


SEEKING = LoopInvariant(FIRST, ahead, id="PAGE-ALLOC-FIRST-STEP")
WALKED = LoopInvariant(WALK, (may_serve, same_request, in_places), id="PAGE-ALLOC-WALK-STEP")

# --- the obligations ---------------------------------------------------------------------------------------------------------

_TEST = Obligation("", (c.WALK_MARK, c.WALK_ABOVE), "", fast_ok)
_LEAVES = tuple(attrs.evolve(proof, rests_on=()) for contract in (FAST, HIGH) for proof in proofs_of(contract, _TEST)[1:])
"""What a test ensures. Its text claims nothing on the way, so nothing of that kind is to be proved first."""
_TRY = Obligation("", (c.WALK,), "", try_zone, forget=TESTS)
_PASSED = Obligation(
    "PAGE-ALLOC-PASSED-DEFINED", (c.WALK_MARK, c.WALK_ABOVE), "Every call is lawful, and every word fits.", try_zone,
    given=TAKES.requires, forget=(can_give,), contracts=(FAST, HIGH), operation="one walk",
    invariant="passed: defined",
)  # fmt: skip

OBLIGATIONS = (
    *_LEAVES,
    attrs.evolve(_PASSED, rests_on=bases_of(_PASSED)),
    attrs.evolve(
        _PASSED, id="PAGE-ALLOC-TRY-PASSED", statement=passed.__doc__ or "", goal=passed,
        rests_on=(_PASSED.id, *bases_of(_PASSED)), invariant="passed",
    ),
    *proofs_of(TRY, _TRY),
    step_of(SEEKING, Obligation("", (c.WALK,), "", SEEKING)),
    attrs.evolve(
        step_of(WALKED, Obligation("", (c.ZONE, c.WALK_CPUSET), "", WALKED, cuts=(SEEKING,), contracts=(TRY,))),
        operation="one walk",
    ),
)  # fmt: skip
