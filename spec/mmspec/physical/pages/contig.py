"""How Linux has a range of frames for one request: pageblocks isolated, its free blocks taken off the lists, and undone again.

The reading is of 6.12.117 (``mm/page_isolation.c``, ``mm/page_alloc.c:alloc_contig_range_noprof``). 6.1 differs where a movable
block lies across the range's end (it migrates it itself; here that is the client's, and EBUSY) and in when it splits a free block
there (docs/questions.md, Q1). What a movable request has is taken for a folio that migration can move, a compound page if it
is more than a frame; what others have is neither, and only its first frame has a reference.
"""

from __future__ import annotations

from typing import Any

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.buddy.core import withdraw
from mmspec.physical.buddy.kinds import isolate_apply, unisolate_apply
from mmspec.physical.buddy.linux import isolate_choose, take_choose, unisolate_choose
from mmspec.physical.buddy.lists import listed_order
from mmspec.physical.buddy.ops import CMA, ISOLATE, Isolate, Take, Unisolate
from mmspec.physical.buddy.state import FreeLists, Span, type_at
from mmspec.physical.pages import clauses as c
from mmspec.physical.pages.core import apart
from mmspec.physical.pages.initial import told
from mmspec.physical.pages.ops import DONE, EBUSY, EINVAL, Contig, Cpu, Done, Error, IsolateRange, Truth, UndoRange
from mmspec.physical.pages.parts import counted, to_cpu, with_free
from mmspec.physical.pages.ranges import OPEN, can_contig, can_isolate, can_undo, survey
from mmspec.physical.pages.state import Linux, Memory, Parts, zone_of
from mmspec.physical.watermarks.ops import MOVABLE as MOVABLE_ZONE
from mmspec.physical.zones.state import kind_of
from mmspec.words import ABSENT, Migratetype, Pfn, PfnEnd, head_of, size_of

Tried = tuple[bool, Parts]
"""Whether a pageblock is isolated now, and the parts after it."""

# --- what cannot be moved ------------------------------------------------------------------------------------------------


def is_pinned(memory: Memory, lists: FreeLists, pfn: Pfn) -> bool:
    """Tell whether a frame has a reference of a request that is not movable."""
    return (memory.frames.allocated.get(pfn, ABSENT) != ABSENT) & (lists.movable.get(pfn, ABSENT) == ABSENT)


def movable_more(memory: Memory, lists: FreeLists, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether frames of the pageblock are left, and the next can be moved, or need not be."""
    return pfn < end and not is_pinned(memory, lists, pfn)


def movable_step(memory: Memory, lists: FreeLists, pfn: PfnEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Pass by a block that can be moved or is nobody's, or a frame of which the pageblock has not the head."""
    held, free = memory.frames.allocated.get(pfn, ABSENT), memory.frames.free.get(pfn, ABSENT)
    order = held if held != ABSENT else free
    return memory, lists, pfn + (1 if order == ABSENT else size_of(order)), end


def movable_left(memory: Memory, lists: FreeLists, pfn: PfnEnd, end: PfnEnd) -> int:
    """Return how many frames of the pageblock are left."""
    return max(0, end - pfn)


MOVABLE = Loop("movable", movable_more, movable_step, movable_left)


def has_unmovable(memory: Memory, parts: Parts, pfn: Pfn, migratetype: Migratetype) -> bool:
    """Tell whether something in a pageblock cannot be moved (mm/page_isolation.c:has_unmovable_pages, v6.12)."""
    if type_at(parts.zone.span, parts.lists, pfn) == CMA:
        rule(c.MOVES_CMA)
        return migratetype != CMA
    if kind_of(zone_of(memory, pfn)) == MOVABLE_ZONE:
        rule(c.MOVES_ALL)
        return False
    rule(c.MOVES)
    end = pfn + size_of(parts.zone.span.pageblock_order)
    reached: PfnEnd
    _, _, reached, _ = MOVABLE.run(memory, parts.lists, pfn, end)
    return reached < end


def straddles(span: Span, lists: FreeLists, boundary: PfnEnd) -> bool:
    """Tell whether a compound page begins before a pageblock's boundary and ends behind it."""
    found = False
    for order in range(span.pageblock_order + 1, span.max_order + 1):
        head = head_of(boundary, order)
        found = found or (head < boundary and lists.movable.get(head, ABSENT) == order)
    return found


# --- one pageblock -------------------------------------------------------------------------------------------------------


def isolated(memory: Memory, parts: Parts, cpu: Cpu, pfn: Pfn, migratetype: Migratetype) -> Tried:
    """Isolate a pageblock if nothing is against it: a step of ``buddy`` (mm/page_isolation.c:set_migratetype_isolate, v6.12)."""
    if has_unmovable(memory, parts, pfn, migratetype):
        return False, parts
    before, op = parts.zone, Isolate(pfn)
    done, lists = isolate_choose(before, parts.lists, op)
    if done.failed:
        return False, parts
    return True, counted(with_free(parts, isolate_apply(before, op, done), lists), cpu, before)


def restored(parts: Parts, cpu: Cpu, pfn: Pfn, migratetype: Migratetype) -> Parts:
    """Give an isolated pageblock a type: a step of ``buddy`` (mm/page_isolation.c:unset_migratetype_isolate, v6.12)."""
    before, op = parts.zone, Unisolate(pfn, migratetype)
    done, lists = unisolate_choose(before, parts.lists, op)
    return counted(with_free(parts, unisolate_apply(before, op, done), lists), cpu, before)


def at_edge(memory: Memory, parts: Parts, cpu: Cpu, pfn: Pfn, boundary: PfnEnd, migratetype: Migratetype) -> Tried:
    """Isolate a pageblock at an end of the range (mm/page_isolation.c:isolate_single_pageblock, v6.12)."""
    done, after = isolated(memory, parts, cpu, pfn, migratetype)
    if not done:
        return False, after
    rule(c.STRADDLES)
    if straddles(parts.zone.span, parts.lists, boundary):
        return False, restored(after, cpu, pfn, migratetype)
    return True, after


# --- isolate_range, undo_range -------------------------------------------------------------------------------------------


def middle_more(
    memory: Memory, parts: Parts, cpu: Cpu, pfn: PfnEnd, last: Pfn, migratetype: Migratetype, stuck: Truth
) -> bool:  # fmt: skip
    """Tell whether pageblocks before the last are left, and none could not be isolated."""
    return (pfn < last) & (stuck == 0)


def middle_step(
    memory: Memory, parts: Parts, cpu: Cpu, pfn: PfnEnd, last: Pfn, migratetype: Migratetype, stuck: Truth
) -> tuple[Any, ...]:  # fmt: skip
    """Isolate the pageblock at ``pfn``, or stop at it."""
    done, after = isolated(memory, parts, cpu, pfn, migratetype)
    if not done:
        return memory, after, cpu, pfn, last, migratetype, 1
    return memory, after, cpu, pfn + size_of(after.zone.span.pageblock_order), last, migratetype, 0


def middle_left(memory: Memory, parts: Parts, cpu: Cpu, pfn: PfnEnd, last: Pfn, migratetype: Migratetype, stuck: Truth) -> int:
    """Return how many frames are left, one more as long as it goes on."""
    return max(0, last - pfn) + 1 - stuck


MIDDLE = Loop("middle", middle_more, middle_step, middle_left)


def restore_more(parts: Parts, cpu: Cpu, pfn: PfnEnd, end: PfnEnd, migratetype: Migratetype) -> bool:
    """Tell whether pageblocks of the range are left."""
    return pfn < end


def restore_step(parts: Parts, cpu: Cpu, pfn: PfnEnd, end: PfnEnd, migratetype: Migratetype) -> tuple[Any, ...]:
    """Give the pageblock at ``pfn`` a type, if it is isolated."""
    span = parts.zone.span
    if type_at(span, parts.lists, pfn) == ISOLATE:
        parts = restored(parts, cpu, pfn, migratetype)
    return parts, cpu, pfn + size_of(span.pageblock_order), end, migratetype


def restore_left(parts: Parts, cpu: Cpu, pfn: PfnEnd, end: PfnEnd, migratetype: Migratetype) -> int:
    """Return how many frames are left."""
    return max(0, end - pfn)


RESTORE = Loop("restore", restore_more, restore_step, restore_left)


def undone(parts: Parts, cpu: Cpu, start: Pfn, end: PfnEnd, migratetype: Migratetype) -> Parts:
    """Return the parts with no pageblock isolated from ``start``, where one begins (undo_isolate_page_range)."""
    rule(c.UNDOES)
    after: Parts
    after, _, _, _, _ = RESTORE.run(parts, cpu, start, end, migratetype)
    return after


def isolated_range(memory: Memory, parts: Parts, op: IsolateRange) -> Tried:
    """Isolate the first pageblock of a range, the last, and those between (start_isolate_page_range)."""
    order, cpu, migratetype = parts.zone.span.pageblock_order, op.cpu, op.migratetype
    first, last = head_of(op.start, order), head_of(op.end - 1, order)
    following, end = first + size_of(order), last + size_of(order)
    done, parts = at_edge(memory, parts, cpu, first, first, migratetype)
    if not done:
        return False, parts
    rule(c.EDGES_FIRST)
    if first == last:
        done = not straddles(parts.zone.span, parts.lists, end)
    else:
        done, parts = at_edge(memory, parts, cpu, last, end, migratetype)
    if not done:
        return False, restored(parts, cpu, first, migratetype)
    _, parts, _, reached, _, _, stuck = MIDDLE.run(memory, parts, cpu, following, last, migratetype, 0)
    if stuck:
        return False, restored(undone(parts, cpu, first, reached, migratetype), cpu, last, migratetype)
    return True, parts


def isolate_range_choose(memory: Memory, linux: Linux, op: IsolateRange) -> tuple[Done | Error, Linux]:
    """Isolate the pageblocks of a range; those that were, before one could not be, have the request's type now."""
    if not can_isolate(memory, op):
        return EINVAL, linux
    zone = zone_of(memory, op.start)
    done, parts = isolated_range(memory, linux.parts[zone], op)
    return DONE if done else EBUSY, told(linux, zone, parts)


def undo_range_choose(memory: Memory, linux: Linux, op: UndoRange) -> tuple[Done | Error, Linux]:
    """Give the isolated pageblocks of a range a type."""
    if not can_undo(memory, op):
        return EINVAL, linux
    zone = zone_of(memory, op.start)
    parts = linux.parts[zone]
    start = head_of(op.start, parts.zone.span.pageblock_order)
    return DONE, told(linux, zone, undone(parts, op.cpu, start, op.end, op.migratetype))


# --- contig --------------------------------------------------------------------------------------------------------------


def outer_start(span: Span, lists: FreeLists, start: Pfn) -> Pfn:
    """Return where the free block begins that has the first frame of a range (mm/page_alloc.c:find_large_buddy, v6.12)."""
    outer = start
    for order in range(span.max_order + 1):
        head = head_of(start, order)
        outer = head if listed_order(lists, head) == order else outer
    return outer


def listed_more(lists: FreeLists, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether frames of the range are left, and a listed block begins here."""
    return pfn < end and listed_order(lists, pfn) != ABSENT


def listed_step(lists: FreeLists, pfn: PfnEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Go on behind the block."""
    return lists, pfn + size_of(listed_order(lists, pfn)), end


def listed_left(lists: FreeLists, pfn: PfnEnd, end: PfnEnd) -> int:
    """Return how many frames are left."""
    return max(0, end - pfn)


LISTED = Loop("listed", listed_more, listed_step, listed_left)


def grab_more(parts: Parts, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether frames of the range are left."""
    return pfn < end


def grab_step(parts: Parts, pfn: PfnEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Take the block at ``pfn`` off its list, and make single frames of it: a step of ``buddy``."""
    order = listed_order(parts.lists, pfn)
    _, lists = take_choose(parts.zone, parts.lists, Take(pfn, order))
    frames = apart(withdraw(parts.zone, pfn, order), pfn, order)
    return with_free(parts, frames, lists), pfn + size_of(order), end


def grab_left(parts: Parts, pfn: PfnEnd, end: PfnEnd) -> int:
    """Return how many frames are left."""
    return max(0, end - pfn)


GRAB = Loop("grab", grab_more, grab_step, grab_left)


def release_more(parts: Parts, cpu: Cpu, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether frames are left."""
    return pfn < end


def release_step(parts: Parts, cpu: Cpu, pfn: PfnEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Give a frame back, as a request would: no CPU keeps what is isolated."""
    _, parts = to_cpu(parts, cpu, pfn, 0, 0)
    return parts, cpu, pfn + 1, end


def release_left(parts: Parts, cpu: Cpu, pfn: PfnEnd, end: PfnEnd) -> int:
    """Return how many frames are left."""
    return max(0, end - pfn)


RELEASE = Loop("release", release_more, release_step, release_left)


def released(parts: Parts, cpu: Cpu, start: Pfn, end: PfnEnd) -> Parts:
    """Return the parts after frames were given back one by one (mm/page_alloc.c:free_contig_range, v6.12)."""
    rule(c.CONTIG_EDGES)
    after: Parts
    after, _, _, _ = RELEASE.run(parts, cpu, start, end)
    return after


def contig_choose(memory: Memory, linux: Linux, op: Contig) -> tuple[Done | Error, Linux]:
    """Take the frames of a range off the free lists, with all blocks that they are of, and give back what is too much."""
    if not can_contig(memory, op):
        return EINVAL, linux
    if survey(memory, op.start, op.end) & OPEN:
        return EBUSY, linux
    zone = zone_of(memory, op.start)
    parts = linux.parts[zone]
    outer = outer_start(parts.zone.span, parts.lists, op.start)
    rule(c.CONTIG_LISTED)
    _, reached, _ = LISTED.run(parts.lists, outer, op.end)
    if reached < op.end:
        return EBUSY, linux
    parts, outer_end, _ = GRAB.run(parts, outer, op.end)
    rule(c.CONTIG_EDGES)
    parts = released(released(parts, op.cpu, outer, op.start), op.cpu, op.end, outer_end)
    return DONE, Linux(linux.kernel, linux.memory, linux.paths, linux.parts.set(zone, parts))
