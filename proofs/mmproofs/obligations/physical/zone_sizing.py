"""The sizing of zones: where kinds may lie, and how the zones of a node tile what it spans.

Said of any machine whose regions come in ascending order, of any number, wherever MOVABLE begins as far as ``size_allowed``
lets it. The regions are counted one by one: that what touching zones have is together what the whole has is proved of one
region, and that so it is of all of them is the loop's own induction, and not mechanised.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, Predicate, bound, function_of, proofs_of, step_of
from mmspec.clause import Clause
from mmspec.errors import DONE, Done, Error
from mmspec.physical.zone_sizing import clauses as c
from mmspec.physical.zone_sizing import core, ranges
from mmspec.physical.zone_sizing.ops import (
    EINVAL,
    LIMITED,
    AddMemory,
    Frame,
    FrameCount,
    Kind,
    Node,
    Range,
    Region,
    RegionEnd,
)  # fmt: skip
from mmspec.physical.zone_sizing.state import Layout, end_frame, first_frame, movable_start

# --- what is given ---------------------------------------------------------------------------------------------------------


def has_ends(layout: Layout) -> bool:
    """The architecture has said of each kind below MOVABLE where it may end."""
    said = True
    for kind in range(LIMITED):
        said &= layout.limits.get(kind, -1) >= 0
    return said


def spans_memory(layout: Layout, whole: Range) -> bool:
    """A node spans frames, none of them below the first region, and none that no kind may hold."""
    held = False
    for kind in range(LIMITED):
        held |= whole.end <= layout.limits.get(kind, 0)
    return held & (layout.base.get(0, 0) >> layout.page_shift <= whole.start) & (whole.start < whole.end)


def starts_inside(layout: Layout, whole: Range, node: Node) -> bool:
    """MOVABLE begins below the end of what the node spans, if anywhere."""
    return movable_start(layout, node) < whole.end


def listed(layout: Layout, at: Region) -> bool:
    """A region that there is has an end above its base, a node and flags; no other has any."""
    there = at < layout.regions
    first, last = layout.base.get(at, -1), layout.end.get(at, -1)
    known = (first >= 0) & (last > first) & (layout.node.get(at, -1) >= 0) & (layout.flags.get(at, -1) >= 0)
    return (there & known) | ((there == False) & (first < 0) & (last < 0))  # noqa: E712  # a truth may be symbolic


def ascending(layout: Layout, at: Region, other: Region) -> bool:
    """A later region begins at or above the end of an earlier one."""
    return (at >= other) | (other >= layout.regions) | (layout.end.get(at, 0) <= layout.base.get(other, 0))


# --- kinds -----------------------------------------------------------------------------------------------------------------


def tiles(layout: Layout, kind: Kind, after: Range) -> bool:
    """A kind begins where the one below it ends, the lowest where memory does, and ends where it is let, or at once."""
    below = ranges.possible(layout, kind - 1).end if kind > 0 else layout.base.get(0, 0) >> layout.page_shift
    limit = layout.limits.get(kind, 0)
    let = (after.end == limit) | ((after.end == after.start) & (limit < after.start))
    return (after.start == below) & (after.start <= after.end) & let


# --- the zones of a node ---------------------------------------------------------------------------------------------------


def holds(where: Range, frame: Frame) -> bool:
    """Tell whether a range holds a frame."""
    return (where.start <= frame) & (frame < where.end)


def inside_node(whole: Range, after: Range) -> bool:
    """A zone is empty, or lies in what its node spans."""
    return (after.start == after.end) | ((whole.start <= after.start) & (after.start < after.end) & (after.end <= whole.end))


def of_its_kind(layout: Layout, whole: Range, node: Node, kind: Kind, after: Range, frame: Frame) -> bool:
    """Of the frames that a node spans a zone holds those of its kind below MOVABLE; with mirrored memory all, if it begins there.

    As kinds tile the frames that any may hold, and MOVABLE has what is left (``from_its_start``), each frame is in one zone.
    """
    movable = movable_start(layout, node)
    where, start = ranges.possible(layout, kind), after.start
    below = (movable == 0) | (frame < movable) | (layout.mirrored & (start < movable))
    return holds(after, frame) == (holds(whole, frame) & holds(where, frame) & below)


def from_its_start(layout: Layout, whole: Range, node: Node, after: Range) -> bool:
    """MOVABLE lies nowhere, or from its start, or the node's, to the node's end."""
    movable = movable_start(layout, node)
    at = (after.start == movable) & (movable >= whole.start) | (after.start == whole.start) & (movable < whole.start)
    return ((movable == 0) & (after.start == 0) & (after.end == 0)) | ((movable > 0) & at & (after.end == whole.end))


# --- counting --------------------------------------------------------------------------------------------------------------


def is_there(layout: Layout, region: RegionEnd) -> bool:
    """There is such a region."""
    return region < layout.regions


def is_range(start: Frame, end: Frame) -> bool:
    """The range is one."""
    return start <= end


def at_most_both(layout: Layout, region: RegionEnd, start: Frame, end: Frame, after: FrameCount) -> bool:
    """A region has no more in a range than it has frames, and than the range has."""
    return (after >= 0) & (after <= end - start) & (after <= end_frame(layout, region) - first_frame(layout, region))


def adds_up(layout: Layout, region: RegionEnd, start: Frame, end: Frame, after: FrameCount, cut: Frame) -> bool:
    """What a region has in two ranges that touch is together what it has in both as one: so it is of all the zones of a node."""
    parts = ranges.in_range(layout, region, start, cut) + ranges.in_range(layout, region, cut, end)
    return (cut < start) | (end < cut) | (parts == after)


def between(layout: Layout, region: RegionEnd, start: Frame, end: Frame, after: FrameCount) -> bool:
    """What a region has in a range lies in both: from the later start it reaches no further than the earlier end."""
    first, last = first_frame(layout, region), end_frame(layout, region)
    inside = (start + after <= last) & (start + after <= end) & (first + after <= last) & (first + after <= end)
    return (after == 0) | ((after > 0) & inside)


IN_RANGE = Contract("ZONE-SIZING-IN-RANGE", ranges.in_range, (("BETWEEN", between),), requires=(is_range, is_there, listed))


def only_mirrored(layout: Layout, after: bool) -> bool:
    """Nothing is left out unless memory is mirrored."""
    return layout.mirrored or not after


LEFT_OUT = Contract(
    "ZONE-SIZING-LEFT-OUT", ranges.is_left_out, (("MIRRORED", only_mirrored),), requires=(is_there, listed),
)  # fmt: skip

# --- loops -----------------------------------------------------------------------------------------------------------------


def one_by_one(layout: Layout, region: RegionEnd) -> bool:
    """No more regions are counted than there are."""
    return region <= layout.regions


def grows(start: Frame, end: Frame) -> bool:
    """What was found so far is a range."""
    return start <= end


def behind(layout: Layout, region: RegionEnd, end: Frame, at: Region) -> bool:
    """Each region that is not looked at yet begins at or above the end of what was found."""
    return at < region or at >= layout.regions or end <= first_frame(layout, at)


def held(layout: Layout, node: Node, region: RegionEnd, start: Frame, end: Frame, at: Region) -> bool:
    """Whatever whole frames a region of the node has that was looked at are in what was found."""
    if at >= region or layout.node.get(at, -1) != node:
        return True
    first, last = first_frame(layout, at), end_frame(layout, at)
    return (first >= last) | ((start <= first) & (last <= end))


def fits_range(start: Frame, end: Frame, frames: FrameCount) -> bool:
    """No more frames are counted than the range has."""
    return (frames >= 0) & (start + frames <= end)


def fits_below(layout: Layout, start: Frame, end: Frame, region: RegionEnd, frames: FrameCount, at: Region) -> bool:
    """No more frames are counted than the range has below any region that is not looked at yet."""
    return at < region or at >= layout.regions or frames == 0 or start + frames <= first_frame(layout, at)


def here(layout: Layout, region: RegionEnd) -> Region:
    """The region that is counted: what lies below it was counted."""
    return region


def next_behind(layout: Layout, region: RegionEnd, at: Region) -> bool:
    """A later region's frames begin at or above the end of those of the one that is counted."""
    return at <= region or at >= layout.regions or end_frame(layout, region) <= first_frame(layout, at)


SPANNED = LoopInvariant(ranges.SPAN, (listed, ascending, one_by_one, grows, behind, held), id="ZONE-SIZING-SPAN-STEP")
COUNTED = LoopInvariant(ranges.PRESENT, (listed, ascending, one_by_one, fits_range, fits_below), id="ZONE-SIZING-PRESENT-STEP",
    also_step=(here, next_behind),
)  # fmt: skip
FOUND = LoopInvariant(ranges.MEMORY, (listed, ascending, one_by_one, fits_range, fits_below), id="ZONE-SIZING-MEMORY-STEP",
    also_step=(here, next_behind),
)  # fmt: skip


def covers(layout: Layout, node: Node, after: Range, at: Region) -> bool:
    """Whatever whole frames a region of the node has are in what the node spans."""
    return (after.start <= after.end) & held(layout, node, layout.regions, after.start, after.end, at)


def no_more_present(where: Range, after: FrameCount) -> bool:
    """No zone has more memory than it spans."""
    return after <= where.end - where.start


def no_more_memory(start: Frame, end: Frame, after: FrameCount) -> bool:
    """No range has more memory than frames."""
    return after <= end - start


# --- adding memory ---------------------------------------------------------------------------------------------------------


def next_if_done(layout: Layout, op: AddMemory, result: Any) -> bool:
    """What is added lies above all regions that there are."""
    return result.failed or core.is_next(layout, op)


def unsized(layout: Layout, result: Any, after: Layout, node: Node) -> bool:
    """With more memory no node has a MOVABLE zone until the zones are sized anew."""
    return movable_start(after, node) == (movable_start(layout, node) if result.failed else 0)


# --- obligations -----------------------------------------------------------------------------------------------------------


def _goals(base: Obligation, *goals: tuple[str, Predicate, tuple[Clause, ...]], **more: Any) -> tuple[Obligation, ...]:
    """Return what is proved of one function: that it is defined, and each goal."""
    head = base.id.removesuffix("-DEFINED")
    return (
        base,
        *(
            attrs.evolve(
                base, id=f"{head}-{column}", clauses=clauses, statement=(function_of(goal).__doc__ or "").strip(), goal=goal,
                invariant=column.lower(), rests_on=(*base.rests_on, base.id), **more,
            )
            for column, goal, clauses in goals
        ),
    )  # fmt: skip


def _defined(head: str, subject: Any, clause: Clause, operation: str, **more: Any) -> Obligation:
    return Obligation(
        f"ZONE-SIZING-{head}-DEFINED", (clause,), "Every key is there, every word fits, and every call is lawful.", subject,
        operation=operation, invariant="defined", **more,
    )  # fmt: skip


_ZONE = (has_ends, spans_memory, starts_inside)
_KINDS = {"kind": tuple(range(LIMITED))}

OBLIGATIONS: tuple[Obligation, ...] = (
    *_goals(
        _defined("POSSIBLE", ranges.possible, c.TILE, "range of a kind", given=(has_ends,), each=_KINDS),
        ("TILES", tiles, (c.FIRST, c.TILE)),
    ),
    *_goals(
        _defined("MOVABLE", ranges.movable_range, c.MOVABLE_RANGE, "zone of a node", given=_ZONE),
        ("FROM-ITS-START", from_its_start, (c.MOVABLE_RANGE, c.MOVABLE_NONE)),
    ),
    *_goals(
        _defined("RANGE", ranges.zone_range, c.CLAMP, "zone of a node", each=_KINDS, given=_ZONE),
        ("INSIDE", inside_node, (c.CLAMP, c.CUT, c.EMPTIED)),
        ("OF-KIND", of_its_kind, (c.CLAMP, c.CUT, c.CUT_MIRROR, c.EMPTIED)),
    ),
    *_goals(
        _defined("IN", ranges.in_range, c.WHOLE_PAGES, "one region", given=(is_range, is_there), invariants=(listed,)),
        ("AT-MOST", at_most_both, (c.WHOLE_PAGES,)),
        ("ADDS-UP", adds_up, (c.PRESENT, c.NODE_PRESENT)),
    ),
    step_of(SPANNED, Obligation("", (c.NODE_RANGE,), "", SPANNED)),
    *proofs_of(IN_RANGE, Obligation("", (c.WHOLE_PAGES,), "", ranges.in_range)),
    *proofs_of(LEFT_OUT, Obligation("", (c.PRESENT_MIRROR,), "", ranges.is_left_out)),
    step_of(COUNTED, Obligation("", (c.PRESENT,), "", COUNTED, contracts=(IN_RANGE, LEFT_OUT))),
    step_of(FOUND, Obligation("", (c.ABSENT,), "", FOUND, contracts=(IN_RANGE,))),
    *_goals(
        _defined("NODE", ranges.node_range, c.NODE_RANGE, "what a node spans", cuts=(SPANNED,), rests_on=(SPANNED.id,),
                 invariants=(listed, ascending)),
        ("COVERS", covers, (c.NODE_RANGE,)),
    ),
    *_goals(
        _defined("PRESENT", ranges.present_in, c.PRESENT, "memory of a zone", cuts=(COUNTED,), rests_on=(COUNTED.id,),
                 given=(bound(is_range, start="where.start", end="where.end"),), invariants=(listed, ascending)),
        ("NO-MORE", no_more_present, (c.PRESENT,)),
    ),
    *_goals(
        _defined("MEMORY", ranges.memory_in, c.ABSENT, "memory of a range", cuts=(FOUND,), rests_on=(FOUND.id,),
                 given=(is_range,), invariants=(listed, ascending)),
        ("NO-MORE", no_more_memory, (c.ABSENT,)),
    ),
    *_goals(
        _defined("ADD", core.add_memory_apply, c.ACCEPTED, "add_memory", given=(has_ends, next_if_done),
                 invariants=(listed, ascending), choices={Error: (EINVAL,), Done: (DONE,)}),
        ("LISTED", bound(listed, layout="after"), (c.ACCEPTED,)),
        ("ASCENDING", bound(ascending, layout="after"), (c.ACCEPTED,)),
        ("UNSIZED", unsized, (c.ACCEPTED,)),
    ),
)  # fmt: skip
