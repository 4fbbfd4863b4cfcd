"""How Linux goes about it: ``X_choose`` returns the answer, and its notes after it (6.12.117; where 6.1 differs, by version)."""

from __future__ import annotations

import attrs

from mmspec.clause import rule
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.core import can_answer, can_walk, highest_of, is_here, is_request
from mmspec.physical.page_alloc.flags import in_scope, in_task, nofragment, reserve_flags, slow_flags, with_cma
from mmspec.physical.page_alloc.ops import (
    ALL_NODES,
    ALLOC_CPUSET,
    ALLOC_WMARK_LOW,
    ASYNC,
    COMPACT,
    DONE,
    EINVAL,
    ENOMEM,
    GFP_HARDWALL,
    GFP_NOFAIL,
    GFP_WRITE,
    NORMAL,
    NOWHERE,
    PAGE,
    SKIPPED,
    SYNC_LIGHT,
    Above,
    AllocFlags,
    Answer,
    Boost,
    Done,
    Enter,
    Error,
    FlagsOf,
    Passed,
    Reclaimable,
    Report,
    Taken,
    Turn,
    Walk,
    Worth,
)  # fmt: skip
from mmspec.physical.page_alloc.slow import entered, resumed, slow_gfp
from mmspec.physical.page_alloc.state import Memory, Notes, Request, Way
from mmspec.physical.page_alloc.steps import attempt, scan_for, with_request
from mmspec.physical.page_alloc.walk import place_zone, scan_of, walk
from mmspec.physical.watermarks import linux as of_marks
from mmspec.physical.watermarks.ops import DMA32
from mmspec.physical.zones.state import kind_of, node_of, zone_at
from mmspec.words import MAX_ORDER_LIMIT


def report_choose(memory: Memory, notes: Notes, op: Report) -> tuple[Done | Error, Notes]:
    """Return what Linux answers."""
    return (DONE if is_here(memory, op.zone) else EINVAL), notes


def reclaimable_choose(memory: Memory, notes: Notes, op: Reclaimable) -> tuple[Done | Error, Notes]:
    """Return what Linux answers."""
    return (DONE if is_here(memory, op.zone) else EINVAL), notes


def above_choose(memory: Memory, notes: Notes, op: Above) -> tuple[Done | Error, Notes]:
    """Return what Linux answers, and its notes without the zone's being below HIGH."""
    if not is_here(memory, op.zone):
        return EINVAL, notes
    rule(c.WALK_RAISED)
    return DONE, attrs.evolve(notes, paths=attrs.evolve(notes.paths, below=notes.paths.below.set(op.zone, False)))


def boost_choose(memory: Memory, notes: Notes, op: Boost) -> tuple[Passed | Error, Notes]:
    """Return what Linux answers, and its marks: a step of the component ``watermarks``."""
    if not is_here(memory, op.zone):
        return EINVAL, notes
    answer, marks = of_marks.boost_choose(memory.machine, notes.paths.marks, op)
    return answer, attrs.evolve(notes, paths=attrs.evolve(notes.paths, marks=marks))


def flags_of_choose(memory: Memory, notes: Notes, op: FlagsOf) -> tuple[Worth | Error, Notes]:
    """Return what a request comes to in the slow path."""
    if op.order > MAX_ORDER_LIMIT or not is_request(op.gfp):
        return EINVAL, notes
    return Worth(slow_flags(op.gfp, op.order, op.context), reserve_flags(op.gfp, op.context)), notes


def walk_choose(memory: Memory, notes: Notes, op: Walk) -> tuple[Taken | Error, Notes]:
    """Return the zone that Linux takes a block from."""
    if not can_walk(memory, op.gfp, op.order, op.node):
        return EINVAL, notes
    scan = scan_of(
        notes.paths.lists, op.gfp, op.order, op.flags, op.node, op.nodes, highest_of(op.gfp), op.allowed, op.dirty,
        op.grown, op.empty, op.reclaimed,
    )  # fmt: skip
    after, ended = walk(memory, notes.paths, scan)
    return (Taken(ended.taken, ended.flags) if ended.taken < NOWHERE else ENOMEM), attrs.evolve(notes, paths=after)


# --- a request -------------------------------------------------------------------------------------------------------------


def request_of(op: Enter) -> Request:
    """Return the request before it goes any way: a task's scope taken from it."""
    rule(c.FAST)
    gfp = in_scope(op.gfp, op.context)
    return Request(
        gfp=gfp, order=op.order, node=op.node, nodes=op.nodes, highest=highest_of(gfp), flags=ALLOC_WMARK_LOW, asked=PAGE,
        progress=0, compacted=SKIPPED, priority=SYNC_LIGHT, retries=0, loops=0, round=0, context=op.context, cpusets=op.cpusets,
        mems=op.mems, wall=op.wall, changed=0, dirty=op.dirty if gfp & GFP_WRITE else 0, grown=op.grown, empty=op.empty,
        reclaimed=op.reclaimed,
    )  # fmt: skip


def fast_flags(way: Way) -> AllocFlags:
    """Return what a request comes to at first, apart from its cpuset."""
    flags = with_cma(way.request.gfp, way.request.flags)
    scan = scan_for(way, way.request.gfp, flags)
    if scan.preferred >= scan.end:
        return flags | nofragment(way.request.gfp, False, False)
    zone = place_zone(way.paths.lists, scan.node, scan.preferred)
    below = way.memory.topology.present.get(zone_at(node_of(zone), DMA32), 0) > 0
    return flags | nofragment(way.request.gfp, kind_of(zone) == NORMAL, below | (way.memory.topology.nodes == 1))


def fast(way: Way) -> Way:
    """Try the lists once at LOW (mm/page_alloc.c:prepare_alloc_pages, v6.12); the request stays as it was."""
    r, gfp, cpuset = way.request, way.request.gfp, 0
    if r.cpusets != 0:
        rule(c.HARDWALL)
        gfp |= GFP_HARDWALL
        rule(c.MASK)
        if in_task(r.context) and r.nodes == ALL_NODES:
            way = with_request(way, attrs.evolve(r, nodes=r.mems))
        else:
            cpuset = ALLOC_CPUSET
    return with_request(attempt(way, gfp, fast_flags(way) | cpuset), r)


def settled(way: Way, notes: Notes, task: int) -> tuple[Turn | Error, Notes]:
    """Return what came of a request so far, and Linux's notes with it waiting, or gone."""
    r, waiting = way.request, notes.waiting
    if way.taken < NOWHERE or r.asked == PAGE:
        gone = Notes(way.paths, waiting.delete(task) if task in waiting else waiting)
        return (Turn(PAGE, way.taken, 0, way.under) if way.taken < NOWHERE else ENOMEM), gone
    priority = ASYNC if r.asked == COMPACT else r.priority
    return Turn(r.asked, NOWHERE, priority, r.flags), Notes(way.paths, waiting.set(task, r))


def enter_choose(memory: Memory, notes: Notes, op: Enter) -> tuple[Turn | Error, Notes]:
    """Return a block, or what Linux asks first (mm/page_alloc.c:__alloc_pages_noprof, v6.12)."""
    if not can_walk(memory, op.gfp, op.order, op.node) or op.task in memory.asked:
        return EINVAL, notes
    if op.order > memory.max_order:
        rule(c.ORDER)
        return ENOMEM, notes
    if op.inject != 0 and op.gfp & GFP_NOFAIL == 0:
        rule(c.INJECTED)
        return ENOMEM, notes
    way = fast(Way(memory, notes.paths, request_of(op), NOWHERE, 0))
    if way.taken == NOWHERE:
        r = way.request
        way = entered(with_request(way, attrs.evolve(r, gfp=slow_gfp(notes.paths, r.gfp), dirty=0)))
    return settled(way, notes, op.task)


def answer_choose(memory: Memory, notes: Notes, op: Answer) -> tuple[Turn | Error, Notes]:
    """Return a block, or what Linux asks next."""
    if not can_answer(memory, op):
        return EINVAL, notes
    r = attrs.evolve(
        notes.waiting[op.task], context=op.context, cpusets=op.cpusets, mems=op.mems, wall=op.wall, grown=op.grown,
        empty=op.empty, reclaimed=op.reclaimed, changed=op.changed,
    )  # fmt: skip
    return settled(resumed(Way(memory, notes.paths, r, NOWHERE, 0), op), notes, op.task)
