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
from mmspec.physical.page_alloc.slow import restart, resumed, slow_gfp
from mmspec.physical.page_alloc.state import Memory, Paths, Request, Way
from mmspec.physical.page_alloc.steps import attempt, scan_for
from mmspec.physical.page_alloc.walk import place_zone, scan_of, walk
from mmspec.physical.watermarks import linux as of_marks
from mmspec.physical.watermarks.ops import DMA32
from mmspec.physical.zones.state import kind_of, node_of, zone_at
from mmspec.words import MAX_ORDER_LIMIT


def report_choose(memory: Memory, paths: Paths, op: Report) -> tuple[Done | Error, Paths]:
    """Return what Linux answers."""
    return (DONE if is_here(memory, op.zone) else EINVAL), paths


def reclaimable_choose(memory: Memory, paths: Paths, op: Reclaimable) -> tuple[Done | Error, Paths]:
    """Return what Linux answers."""
    return (DONE if is_here(memory, op.zone) else EINVAL), paths


def above_choose(memory: Memory, paths: Paths, op: Above) -> tuple[Done | Error, Paths]:
    """Return what Linux answers, and its notes without the zone's being below HIGH."""
    if not is_here(memory, op.zone):
        return EINVAL, paths
    rule(c.WALK_RAISED)
    return DONE, attrs.evolve(paths, below=paths.below.set(op.zone, False))


def boost_choose(memory: Memory, paths: Paths, op: Boost) -> tuple[Passed | Error, Paths]:
    """Return what Linux answers, and its marks: a step of the component ``watermarks``."""
    if not is_here(memory, op.zone):
        return EINVAL, paths
    answer, marks = of_marks.boost_choose(memory.machine, paths.marks, op)
    return answer, attrs.evolve(paths, marks=marks)


def flags_of_choose(memory: Memory, paths: Paths, op: FlagsOf) -> tuple[Worth | Error, Paths]:
    """Return what a request comes to in the slow path."""
    if op.order > MAX_ORDER_LIMIT or not is_request(op.gfp):
        return EINVAL, paths
    return Worth(slow_flags(op.gfp, op.order, op.context), reserve_flags(op.gfp, op.context)), paths


def walk_choose(memory: Memory, paths: Paths, op: Walk) -> tuple[Taken | Error, Paths]:
    """Return the zone that Linux takes a block from."""
    if not can_walk(memory, op.gfp, op.order, op.node):
        return EINVAL, paths
    scan = scan_of(
        paths.lists, op.gfp, op.order, op.flags, op.node, op.nodes, highest_of(op.gfp), op.allowed, op.dirty, op.grown, op.empty,
        op.reclaimed,
    )  # fmt: skip
    after, ended = walk(memory, paths, scan)
    return (Taken(ended.taken, ended.flags) if ended.taken < NOWHERE else ENOMEM), after


# --- a request -------------------------------------------------------------------------------------------------------------


def request_of(op: Enter) -> Request:
    """Return the request before it goes any way: a task's scope taken from it."""
    gfp = in_scope(op.gfp, op.context)
    return Request(
        gfp=gfp, order=op.order, node=op.node, nodes=op.nodes, highest=highest_of(gfp), flags=ALLOC_WMARK_LOW, asked=PAGE,
        progress=0, compacted=SKIPPED, priority=SYNC_LIGHT, retries=0, loops=0, round=0, context=op.context, cpusets=op.cpusets,
        mems=op.mems, wall=op.wall, changed=0, dirty=op.dirty if gfp & GFP_WRITE else 0, grown=op.grown, empty=op.empty,
        reclaimed=op.reclaimed,
    )  # fmt: skip


def fast_flags(way: Way) -> AllocFlags:
    """Return what a request comes to at first, apart from its cpuset."""
    rule(c.FAST)
    flags = with_cma(way.request.gfp, way.request.flags)
    scan = scan_for(way, way.request.gfp, flags)
    if scan.preferred >= scan.end:
        return flags | nofragment(way.request.gfp, False, False)
    zone = place_zone(way.paths.lists, scan.node, scan.preferred)
    below = way.memory.topology.present.get(zone_at(node_of(zone), DMA32), 0) > 0
    return flags | nofragment(way.request.gfp, kind_of(zone) == NORMAL, below | (way.memory.topology.nodes == 1))


def fast(way: Way) -> Way:
    """Try the lists once at LOW (mm/page_alloc.c:prepare_alloc_pages, v6.12)."""
    r, gfp, cpuset = way.request, way.request.gfp, 0
    if r.cpusets != 0:
        rule(c.HARDWALL)
        gfp |= GFP_HARDWALL
        rule(c.MASK)
        if in_task(r.context) and r.nodes == ALL_NODES:
            way = attrs.evolve(way, request=attrs.evolve(r, nodes=r.mems))
        else:
            cpuset = ALLOC_CPUSET
    after = attempt(way, gfp, fast_flags(way) | cpuset)
    return attrs.evolve(after, request=attrs.evolve(after.request, nodes=r.nodes, dirty=0))


def settled(way: Way, task: int) -> tuple[Turn | Error, Paths]:
    """Return what came of a request so far, and Linux's notes with it waiting, or gone."""
    r, paths = way.request, way.paths
    if way.taken < NOWHERE or r.asked == PAGE:
        waiting = paths.waiting.delete(task) if task in paths.waiting else paths.waiting
        gone = attrs.evolve(paths, waiting=waiting)
        return (Turn(PAGE, way.taken, 0, way.under) if way.taken < NOWHERE else ENOMEM), gone
    priority = ASYNC if r.asked == COMPACT else r.priority
    return Turn(r.asked, NOWHERE, priority, r.flags), attrs.evolve(paths, waiting=paths.waiting.set(task, r))


def enter_choose(memory: Memory, paths: Paths, op: Enter) -> tuple[Turn | Error, Paths]:
    """Return a block, or what Linux asks first (mm/page_alloc.c:__alloc_pages_noprof, v6.12)."""
    if not can_walk(memory, op.gfp, op.order, op.node) or op.task in memory.asked:
        return EINVAL, paths
    if op.order > memory.max_order:
        rule(c.ORDER)
        return ENOMEM, paths
    if op.inject != 0:
        rule(c.INJECTED)
        return ENOMEM, paths
    way = fast(Way(memory, paths, request_of(op), NOWHERE, 0))
    if way.taken == NOWHERE:
        r = way.request
        way = restart(attrs.evolve(way, request=attrs.evolve(r, gfp=slow_gfp(paths, r.gfp))))
    return settled(way, op.task)


def answer_choose(memory: Memory, paths: Paths, op: Answer) -> tuple[Turn | Error, Paths]:
    """Return a block, or what Linux asks next."""
    if not can_answer(memory, op):
        return EINVAL, paths
    r = attrs.evolve(
        paths.waiting[op.task], context=op.context, cpusets=op.cpusets, mems=op.mems, wall=op.wall, grown=op.grown,
        empty=op.empty, reclaimed=op.reclaimed, changed=op.changed,
    )  # fmt: skip
    return settled(resumed(Way(memory, paths, r, NOWHERE, 0), op), op.task)
