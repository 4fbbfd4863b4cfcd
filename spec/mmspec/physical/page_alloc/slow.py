"""The slow path (mm/page_alloc.c:__alloc_pages_slowpath, v6.12), from one question to the outside to the next.

Each function takes a ``Way`` and returns it further on: with a block (``taken``), with a question (``request.asked``), or with
neither, where the request ends in vain (``asked`` is ``PAGE``). Between two questions nothing happens outside: what the last
answer said holds until the next. So the path begins again at most once between them.
"""

from __future__ import annotations

import attrs

from mmspec.clause import rule
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.flags import (
    can_reclaim,
    fits_cpuset,
    is_movable,
    reserve_flags,
    slow_flags,
    with_cma,
)
from mmspec.physical.page_alloc.ops import (
    ALL_NODES,
    ALLOC_CPUSET,
    ALLOC_KSWAPD,
    ALLOC_MIN_RESERVE,
    ALLOC_NO_WATERMARKS,
    ALLOC_OOM,
    ALLOC_WMARK_HIGH,
    ASYNC,
    COMPACT,
    COMPACT_AGAIN,
    DEFERRED,
    DRAIN,
    GFP_ATOMIC,
    GFP_DIRECT_RECLAIM,
    GFP_HARDWALL,
    GFP_NOFAIL,
    GFP_NOMEMALLOC,
    GFP_NORETRY,
    GFP_RETRY_MAYFAIL,
    GFP_THISNODE,
    KILL,
    NORMAL,
    NOWHERE,
    PAGE,
    RECLAIM,
    SKIPPED,
    SYNC_LIGHT,
    TASK_DUMPCORE,
    TASK_MEMALLOC,
    TASK_VICTIM,
    WAIT,
    Answer,
    Gfp,
    Truth,
)  # fmt: skip
from mmspec.physical.page_alloc.retry import ANOTHER, NO_MORE, decided, is_hopeful
from mmspec.physical.page_alloc.state import Paths, Request, Way
from mmspec.physical.page_alloc.steps import (
    asking,
    attempt,
    can_compact,
    forgotten,
    is_changed,
    is_costly,
    scan_for,
    tried,
    with_request,
    within_then_without,
)
from mmspec.physical.page_alloc.wake import woken

# --- the end of the path ---------------------------------------------------------------------------------------------------


def give_up(way: Way) -> Way:
    """End in vain, unless the request may not fail (``nopage``, past the test whether anything changed)."""
    rule(c.NOPAGE)
    r = way.request
    if r.gfp & GFP_NOFAIL and can_reclaim(r.gfp):
        rule(c.NOFAIL_LAST)
        last = within_then_without(way, ALLOC_MIN_RESERVE)
        return last if last.taken < NOWHERE else asking(last, WAIT)
    return asking(way, PAGE)


def end(way: Way) -> Way:
    """End in vain, unless something changed (``nopage``)."""
    if is_changed(way.request):
        rule(c.CHANGED)
        return restart(way)
    return give_up(way)


# --- a round ---------------------------------------------------------------------------------------------------------------


def with_reserves(way: Way) -> Way:
    """Return the way with the reserves that the request may use now, and without a mask if it may ignore it."""
    r = way.request
    reserves, flags = reserve_flags(r.gfp, r.context), r.flags
    if reserves != 0:
        flags = with_cma(r.gfp, reserves) | (flags & ALLOC_KSWAPD)
    if flags & ALLOC_CPUSET == 0 or reserves != 0:
        rule(c.MASK_DROPPED)
        return with_request(way, attrs.evolve(r, flags=flags, nodes=ALL_NODES))
    return with_request(way, attrs.evolve(r, flags=flags))


def round_of(way: Way) -> Way:
    """Begin a round (``retry``, past the test whether anything changed)."""
    rule(c.RETRY)
    way = with_reserves(woken(way))
    way = tried(with_request(way, attrs.evolve(way.request, round=way.request.round + 1)))
    r = way.request
    if way.taken < NOWHERE:
        return way
    if not can_reclaim(r.gfp) or r.context & TASK_MEMALLOC:
        rule(c.NO_RECLAIM)
        return give_up(way)
    return asking(way, RECLAIM)


def again(way: Way) -> Way:
    """Begin a round, or the whole path if something changed (``retry``)."""
    if is_changed(way.request):
        rule(c.CHANGED)
        return restart(way)
    return round_of(way)


# --- the beginning of the path ---------------------------------------------------------------------------------------------


def slow_gfp(paths: Paths, gfp: Gfp) -> Gfp:
    """Return the request that the slow path sees: 6.1 takes ATOMIC from one that can reclaim."""
    if paths.kernel < 612 and can_reclaim(gfp) and gfp & GFP_ATOMIC:
        rule(c.ATOMIC_61)
        return gfp & ~GFP_ATOMIC
    return gfp


def cleared(way: Way) -> Way:
    """Return the way with all counts as at the beginning, and flags anew."""
    rule(c.RESTART)
    r = way.request
    fresh = attrs.evolve(
        r, compacted=SKIPPED, priority=SYNC_LIGHT, retries=0, loops=0, round=0, changed=0,
        flags=slow_flags(r.gfp, r.order, r.context),
    )  # fmt: skip
    return with_request(way, fresh)


def has_zone_for(way: Way, cpuset: Truth) -> bool:
    """Tell whether there is a zone that the request may use; with ``cpuset`` one in the cpuset, whatever the mask."""
    r = way.request
    within = with_request(way, attrs.evolve(r, nodes=r.mems)) if cpuset != 0 else way
    scan = scan_for(within, r.gfp, r.flags)
    return scan.preferred < scan.end


def is_insane(way: Way) -> bool:
    """Tell whether a request is bound to a cpuset that has no zone for it (cpusets_insane_config)."""
    r = way.request
    if r.cpusets == 0 or r.gfp & GFP_HARDWALL == 0:
        return False
    rule(c.INSANE)
    return not has_zone_for(way, 1)


def compacts_first(r: Request) -> bool:
    """Tell whether a request is compacted for before all else."""
    rule(c.COMPACT_FIRST)
    wanted = is_costly(r.order) or (r.order > 0 and not is_movable(r.gfp))
    return can_reclaim(r.gfp) and can_compact(r.gfp) and wanted and reserve_flags(r.gfp, r.context) == 0


def restart(way: Way) -> Way:
    """Begin the path (``restart``), a mask outside the cpuset forgotten by then."""
    if not fits_cpuset(way.request.cpusets, way.request.nodes, way.request.mems):
        way = forgotten(way)
    way = cleared(way)
    if not has_zone_for(way, 0) or is_insane(way):
        return give_up(way)
    rule(c.FIRST)
    way = tried(woken(way))
    if way.taken < NOWHERE:
        return way
    return asking(way, COMPACT) if compacts_first(way.request) else round_of(way)


def entered(way: Way) -> Way:
    """Begin the path for the first time: a mask outside the cpuset is tried, and compacted for, before it is forgotten."""
    if fits_cpuset(way.request.cpusets, way.request.nodes, way.request.mems):
        return restart(way)
    rule(c.MASK_OUTSIDE)
    way = cleared(way)
    if not has_zone_for(way, 0) or is_insane(way):
        return restart(way)
    rule(c.FIRST)
    way = tried(woken(way))
    if way.taken < NOWHERE:
        return way
    return asking(way, COMPACT) if compacts_first(way.request) else restart(way)


# --- the OOM killer --------------------------------------------------------------------------------------------------------


def may_kill(r: Request) -> bool:
    """Tell whether the OOM killer is asked for a request."""
    rule(c.OOM_NOT)
    spared = is_costly(r.order) | (r.gfp & (GFP_RETRY_MAYFAIL | GFP_THISNODE) != 0) | (r.highest < NORMAL)
    return not spared and r.context & TASK_DUMPCORE == 0


def before_kill(way: Way, answer: Answer) -> Way:
    """Try the lists at HIGH, then ask the OOM killer (mm/page_alloc.c:__alloc_pages_may_oom, v6.12)."""
    if answer.busy != 0:
        rule(c.OOM_BUSY)
        return after_kill(way, 1)
    rule(c.OOM_HIGH)
    walled = (way.request.gfp | GFP_HARDWALL) & ~GFP_DIRECT_RECLAIM
    way = attempt(way, walled, ALLOC_WMARK_HIGH | ALLOC_CPUSET)
    if way.taken < NOWHERE:
        return way
    return asking(way, KILL) if may_kill(way.request) else after_kill(way, 0)


def after_kill(way: Way, progress: Truth) -> Way:
    """Begin a round if the OOM killer made progress; else end."""
    r = way.request
    if r.context & TASK_VICTIM and (r.flags & ALLOC_OOM or r.gfp & GFP_NOMEMALLOC):
        rule(c.VICTIM)
        return end(way)
    if progress != 0:
        rule(c.KILLED)
        return again(with_request(way, attrs.evolve(r, loops=0)))
    return end(way)


# --- from an answer to the next question -----------------------------------------------------------------------------------


def on_compact(way: Way, answer: Answer) -> Way:
    """Go on after the first compaction."""
    way = compacted(way, answer)
    r = way.request
    if way.taken < NOWHERE:
        return way
    if is_costly(r.order) and r.gfp & GFP_NORETRY:
        rule(c.COMPACT_VAIN)
        if (r.compacted == SKIPPED) | (r.compacted == DEFERRED) or r.gfp & GFP_THISNODE:
            return end(way)
        rule(c.COMPACT_ASYNC)
        way = with_request(way, attrs.evolve(r, priority=ASYNC))
    return again(way)


def compacted(way: Way, answer: Answer) -> Way:
    """Take what compaction captured, or try the lists unless it was skipped."""
    rule(c.COMPACT)
    way = with_request(way, attrs.evolve(way.request, compacted=answer.compacted))
    if answer.compacted == SKIPPED:
        return way
    if answer.captured < NOWHERE:
        return Way(way.memory, way.paths, way.request, answer.captured, way.request.flags)
    return tried(way)


def on_reclaim(way: Way, answer: Answer) -> Way:
    """Go on after reclaim."""
    rule(c.DIRECT)
    way = with_request(way, attrs.evolve(way.request, progress=answer.progress))
    if answer.progress == 0:
        return then_compact(way, answer)
    way = tried(way)
    return way if way.taken < NOWHERE else asking(way, DRAIN)


def on_drain(way: Way, answer: Answer) -> Way:
    """Go on after the per-CPU lists were drained."""
    way = tried(way)
    return way if way.taken < NOWHERE else then_compact(way, answer)


def then_compact(way: Way, answer: Answer) -> Way:
    """Compact after reclaim; for a single frame nothing comes of it, and without IO it is skipped."""
    r = way.request
    if r.order == 0:
        return whether(way, answer)
    if not can_compact(r.gfp):
        return whether(with_request(way, attrs.evolve(r, compacted=SKIPPED)), answer)
    return asking(way, COMPACT_AGAIN)


def on_compact_again(way: Way, answer: Answer) -> Way:
    """Go on after compaction."""
    way = compacted(way, answer)
    return way if way.taken < NOWHERE else whether(way, answer)


def whether(way: Way, answer: Answer) -> Way:
    """Go on as is decided after reclaim and compaction in vain."""
    after, r = decided(way.paths.kernel, way.request, answer, is_hopeful(way))
    way = with_request(way, r)
    if after == ANOTHER:
        return again(way)
    if after == NO_MORE:
        return end(way)
    if is_changed(r):
        rule(c.CHANGED)
        return restart(way)
    return before_kill(way, answer)


def on_kill(way: Way, answer: Answer) -> Way:
    """Go on after the OOM killer was asked."""
    nofail = way.request.gfp & GFP_NOFAIL != 0
    progress: Truth = 1 if answer.killed != 0 or nofail else 0
    if nofail:
        rule(c.OOM_NOFAIL)
        way = within_then_without(way, ALLOC_NO_WATERMARKS)
        if way.taken < NOWHERE:
            return way
    return after_kill(way, progress)


def resumed(way: Way, answer: Answer) -> Way:
    """Go on from what the outside answered."""
    asked = way.request.asked
    if asked == COMPACT:
        return on_compact(way, answer)
    if asked == RECLAIM:
        return on_reclaim(way, answer)
    if asked == DRAIN:
        return on_drain(way, answer)
    if asked == COMPACT_AGAIN:
        return on_compact_again(way, answer)
    if asked == KILL:
        return on_kill(way, answer)
    return again(way)
