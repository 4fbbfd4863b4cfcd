"""Ranges of frames that one request has: what everybody must keep while pageblocks are isolated for it.

An isolated pageblock hands nothing out, with one exception: a CPU may still hold frames of it, until its zone was drained once
(mm/page_isolation.c:start_isolate_page_range, v6.12). Pageblocks do not go to CMA here, nor from it.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.loop import Loop
from mmspec.physical.buddy.core import block_over, withdraw
from mmspec.physical.buddy.kinds import free_frames_in
from mmspec.physical.buddy.ops import CMA, MOVABLE
from mmspec.physical.buddy.state import Zone as Frames
from mmspec.physical.buddy.state import kind_at
from mmspec.physical.page_alloc.ops import NOWHERE, Zone, ZoneEnd
from mmspec.physical.pages import clauses as c
from mmspec.physical.pages.ops import AnyCpu, Contig, Done, DrainAll, DrainZone, Error, IsolateRange, UndoRange
from mmspec.physical.pages.state import Memory, Ranges, cpus_of, zone_of
from mmspec.words import ABSENT, Count, Flags, Order, PageblockEnd, Pfn, PfnEnd, head_of, size_of

OPEN_OTHER, OPEN_CMA, ISOLATED_OTHER, ISOLATED_CMA, HELD, UNDRAINED, WITHHELD = (1 << bit for bit in range(7))
"""What a survey of pageblocks finds: kinds that are open or isolated; frames that are not nobody's; isolated ones whose frames a
CPU may hold, and others."""
OPEN, ISOLATED, ANY_CMA = OPEN_OTHER | OPEN_CMA, ISOLATED_OTHER | ISOLATED_CMA, OPEN_CMA | ISOLATED_CMA
ANY_OTHER = OPEN_OTHER | ISOLATED_OTHER

# --- looking at pageblocks ---------------------------------------------------------------------------------------------


def drains_of(ranges: Ranges, zone: ZoneEnd) -> Count:
    """Return how often a zone was drained."""
    return ranges.drains.get(zone, 0) + ranges.drains.get(NOWHERE, 0)


def found_at(memory: Memory, zone: ZoneEnd, pfn: Pfn) -> Flags:
    """Return what a survey finds of one pageblock."""
    order = memory.frames.span.pageblock_order
    due = memory.ranges.isolated.get(pfn >> order, 0)
    found = OPEN_CMA if kind_at(memory.frames, pfn) == CMA else OPEN_OTHER
    if due:
        found = found << 2 | (WITHHELD if due <= drains_of(memory.ranges, zone) else UNDRAINED)
    return found | (HELD if free_frames_in(memory.frames, head_of(pfn, order)) < size_of(order) else 0)


def survey_more(memory: Memory, zone: ZoneEnd, pfn: PfnEnd, end: PfnEnd, found: Flags) -> bool:
    """Tell whether pageblocks are left."""
    return pfn < end


def survey_step(memory: Memory, zone: ZoneEnd, pfn: PfnEnd, end: PfnEnd, found: Flags) -> tuple[Any, ...]:
    """Look at the pageblock at ``pfn``."""
    return memory, zone, pfn + size_of(memory.frames.span.pageblock_order), end, found | found_at(memory, zone, pfn)


def survey_left(memory: Memory, zone: ZoneEnd, pfn: PfnEnd, end: PfnEnd, found: Flags) -> int:
    """Return how many frames are left."""
    return max(0, end - pfn)


SURVEY = Loop("survey", survey_more, survey_step, survey_left)


def survey(memory: Memory, start: Pfn, end: PfnEnd) -> Flags:
    """Return what there is among the pageblocks of a range."""
    first = head_of(start, memory.frames.span.pageblock_order)
    found: Flags
    _, _, _, _, found = SURVEY.run(memory, zone_of(memory, start), first, end, 0)
    return found


def is_withheld(memory: Memory, pfn: Pfn, order: Order) -> bool:
    """Tell whether a pageblock of a block is isolated, and no CPU holds frames of it any more."""
    return survey(memory, pfn, pfn + size_of(order)) & WITHHELD != 0


def has_isolated(memory: Memory, zone: ZoneEnd) -> bool:
    """Tell whether a zone has isolated pageblocks (mm/internal.h:has_isolate_pageblock, v6.12)."""
    return memory.ranges.count.get(zone, 0) != 0


def nobodys_more(frames: Frames, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether the frame at ``pfn`` is of the range, and nobody's."""
    return pfn < end and block_over(frames.free, pfn, 0) != ABSENT


def nobodys_step(frames: Frames, pfn: PfnEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Go on behind the free block that has it."""
    order = block_over(frames.free, pfn, 0)
    return frames, head_of(pfn, order) + size_of(order), end


def nobodys_left(frames: Frames, pfn: PfnEnd, end: PfnEnd) -> int:
    """Return how many frames are left."""
    return max(0, end - pfn)


NOBODYS = Loop("nobodys", nobodys_more, nobodys_step, nobodys_left)


def all_free(frames: Frames, start: Pfn, end: PfnEnd) -> bool:
    """Tell whether each frame of a range is nobody's."""
    reached: PfnEnd
    _, reached, _ = NOBODYS.run(frames, start, end)
    return reached >= end


# --- what is a request ---------------------------------------------------------------------------------------------------


def is_range(memory: Memory, cpu: AnyCpu, start: Pfn, end: PfnEnd) -> bool:
    """Tell whether a CPU is there, and frames are some of one zone, whose pageblocks are no smaller than what CPUs keep."""
    zone, ranges = zone_of(memory, start), memory.ranges
    inside = (ranges.start.get(zone, 0) <= start) & (start < end) & (end <= ranges.end.get(zone, 0))
    return (cpu < cpus_of(memory)) & (zone != NOWHERE) & (ranges.coarse != 0) & inside


def can_isolate(memory: Memory, op: IsolateRange) -> bool:
    """Tell whether a range can be asked for: for CMA only if all of it is CMA's."""
    if not is_range(memory, op.cpu, op.start, op.end):
        return False
    return op.migratetype == MOVABLE or (op.migratetype == CMA and survey(memory, op.start, op.end) & ANY_OTHER == 0)


def can_contig(memory: Memory, op: Contig) -> bool:
    """Tell whether a range is one."""
    return is_range(memory, op.cpu, op.start, op.end)


def can_undo(memory: Memory, op: UndoRange) -> bool:
    """Tell whether the type fits all that is isolated in a range."""
    if not is_range(memory, op.cpu, op.start, op.end):
        return False
    found = survey(memory, op.start, op.end)
    return (op.migratetype == MOVABLE and found & ISOLATED_CMA == 0) or (op.migratetype == CMA and found & ISOLATED_OTHER == 0)


# --- isolate_range -------------------------------------------------------------------------------------------------------


def isolate_range_allowed(memory: Memory, op: IsolateRange, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to an isolation breaks; what else can be moved is for the client to know."""
    if not can_isolate(memory, op):
        rule(c.RANGE_ARGS)
        return None if refused(result, "EINVAL") else c.RANGE_ARGS
    found = survey(memory, op.start, op.end)
    rule(c.RANGE_TWICE)
    if found & ISOLATED:
        return None if refused(result, "EBUSY") else c.RANGE_TWICE
    rule(c.RANGE_CMA)
    if op.migratetype != CMA and found & ANY_CMA:
        return None if refused(result, "EBUSY") else c.RANGE_CMA
    rule(c.RANGE_ISOLATED)
    return None if not result.failed or (refused(result, "EBUSY") and found & HELD) else c.RANGE_ISOLATED


def isolate_more(ranges: Ranges, zone: Zone, index: PageblockEnd, end: PageblockEnd) -> bool:
    """Tell whether pageblocks are left."""
    return index < end


def isolate_step(ranges: Ranges, zone: Zone, index: PageblockEnd, end: PageblockEnd) -> tuple[Any, ...]:
    """Isolate a pageblock: the next drain of its zone takes what CPUs hold of it."""
    isolated = ranges.isolated.set(index, drains_of(ranges, zone) + 1)
    count = ranges.count.set(zone, ranges.count.get(zone, 0) + 1)
    return attrs.evolve(ranges, isolated=isolated, count=count), zone, index + 1, end


def isolate_left(ranges: Ranges, zone: Zone, index: PageblockEnd, end: PageblockEnd) -> int:
    """Return how many pageblocks are left."""
    return max(0, end - index)


ISOLATE = Loop("isolate", isolate_more, isolate_step, isolate_left)


def behind(memory: Memory, end: PfnEnd) -> PageblockEnd:
    """Return the index of the first pageblock behind a range."""
    return ((end - 1) >> memory.frames.span.pageblock_order) + 1


def isolate_range_apply(memory: Memory, op: IsolateRange, result: Done | Error) -> Memory:
    """Isolate the pageblocks that have frames of the range."""
    if result.failed:
        return memory
    first = op.start >> memory.frames.span.pageblock_order
    ranges, _, _, _ = ISOLATE.run(memory.ranges, zone_of(memory, op.start), first, behind(memory, op.end))
    return attrs.evolve(memory, ranges=ranges)


# --- undo_range ----------------------------------------------------------------------------------------------------------


def undo_range_allowed(memory: Memory, op: UndoRange, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to the end of an isolation breaks."""
    if not can_undo(memory, op):
        rule(c.RANGE_ARGS)
        return None if refused(result, "EINVAL") else c.RANGE_ARGS
    rule(c.RANGE_UNDONE)
    return c.RANGE_UNDONE if result.failed else None


def undo_step(ranges: Ranges, zone: Zone, index: PageblockEnd, end: PageblockEnd) -> tuple[Any, ...]:
    """Let a pageblock hand out again, if it is isolated."""
    if ranges.isolated.get(index, 0) == 0:
        return ranges, zone, index + 1, end
    count = ranges.count.set(zone, ranges.count.get(zone, 0) - 1)
    return attrs.evolve(ranges, isolated=ranges.isolated.delete(index), count=count), zone, index + 1, end


UNDO = Loop("undo", isolate_more, undo_step, isolate_left)


def undo_range_apply(memory: Memory, op: UndoRange, result: Done | Error) -> Memory:
    """Let the pageblocks that have frames of the range hand out again."""
    if result.failed:
        return memory
    first = op.start >> memory.frames.span.pageblock_order
    ranges, _, _, _ = UNDO.run(memory.ranges, zone_of(memory, op.start), first, behind(memory, op.end))
    return attrs.evolve(memory, ranges=ranges)


# --- contig --------------------------------------------------------------------------------------------------------------


def contig_allowed(memory: Memory, op: Contig, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a request for a range breaks."""
    if not can_contig(memory, op):
        rule(c.RANGE_ARGS)
        return None if refused(result, "EINVAL") else c.RANGE_ARGS
    found = survey(memory, op.start, op.end)
    rule(c.CONTIG_OPEN)
    if found & OPEN:
        return None if refused(result, "EBUSY") else c.CONTIG_OPEN
    rule(c.CONTIG_FREE)
    if not all_free(memory.frames, op.start, op.end):
        return None if refused(result, "EBUSY") else c.CONTIG_FREE
    rule(c.CONTIG)
    return None if not result.failed or (refused(result, "EBUSY") and found & UNDRAINED) else c.CONTIG


def hand_more(frames: Frames, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether frames of the range are left."""
    return pfn < end


def hand_step(frames: Frames, pfn: PfnEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Hand a frame out."""
    return withdraw(frames, pfn, 0), pfn + 1, end


HAND = Loop("hand", hand_more, hand_step, nobodys_left)


def contig_apply(memory: Memory, op: Contig, result: Done | Error) -> Memory:
    """Hand the frames out, each a block of its own."""
    if result.failed:
        return memory
    zone = zone_of(memory, op.start)
    frames, _, _ = HAND.run(memory.frames, op.start, op.end)
    taken = memory.taken.set(zone, memory.taken.get(zone, 0) + op.end - op.start)
    return attrs.evolve(memory, frames=frames, taken=taken)


# --- drains --------------------------------------------------------------------------------------------------------------


def with_drain(memory: Memory, zone: ZoneEnd) -> Memory:
    """Return the memory after a zone's drain, or (``NOWHERE``) one of all zones."""
    drains = memory.ranges.drains
    return attrs.evolve(memory, ranges=attrs.evolve(memory.ranges, drains=drains.set(zone, drains.get(zone, 0) + 1)))


def drain_zone_apply(memory: Memory, op: DrainZone, result: Done | Error) -> Memory:
    """No CPU holds a frame of the zone any more."""
    return memory if result.failed else with_drain(memory, op.zone)


def drain_all_apply(memory: Memory, op: DrainAll, result: Done | Error) -> Memory:
    """No CPU holds a frame any more."""
    return memory if result.failed else with_drain(memory, NOWHERE)
