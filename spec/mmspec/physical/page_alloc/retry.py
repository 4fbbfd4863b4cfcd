"""Whether a request that got nothing goes on: what reclaim and compaction may yet bring."""

from __future__ import annotations

from typing import Annotated, Any

import attrs

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.ops import (
    ALLOC_CPUSET,
    COMPLETE,
    CONTENDED,
    DEFERRED,
    GFP_NORETRY,
    GFP_RETRY_MAYFAIL,
    PARTIAL_SKIPPED,
    SKIPPED,
    SUCCESS,
    SYNC_FULL,
    SYNC_LIGHT,
    TASK_KILLED,
    Answer,
    Retries,
)  # fmt: skip
from mmspec.physical.page_alloc.state import Memory, Paths, Request, Scan, Way, has
from mmspec.physical.page_alloc.steps import can_compact, is_costly, scan_for
from mmspec.physical.page_alloc.walk import eligible_at, passed_by, place_zone
from mmspec.physical.watermarks.core import zone_ok
from mmspec.physical.watermarks.linux import mark_at, reserve_at
from mmspec.physical.watermarks.ops import WMARK_MIN
from mmspec.physical.zones.state import node_of
from mmspec.words import Kernel, Word

Next = Annotated[int, Word("next", bits=8, lo=0, hi=2)]
"""Whether another round follows."""

NO_MORE, ANOTHER, LAST = range(3)
"""None; one; none unless somebody is killed."""

MAX_RETRIES = 16
"""MAX_RECLAIM_RETRIES and MAX_COMPACT_RETRIES."""


def could_serve(memory: Memory, paths: Paths, scan: Scan) -> bool:
    """Tell whether the zone at a place would be above MIN if all that is reclaimable there came free."""
    zone = place_zone(paths.lists, scan.node, scan.place)
    if not eligible_at(paths.lists, scan, scan.place):
        return False
    if paths.kernel >= 612 and scan.flags & ALLOC_CPUSET:
        rule(c.RECLAIM_CPUSET)
        if not has(scan.allowed, node_of(zone)):
            return False
    machine = memory.machine
    free = memory.reclaimable.get(zone, 0) + machine.exact.get(zone, 0)
    mark, reserve = mark_at(paths.marks, zone, WMARK_MIN), reserve_at(paths.marks, zone, scan.highest)
    return zone_ok(machine, zone, scan.order, mark, reserve, scan.flags, free)


def hope_more(memory: Memory, paths: Paths, scan: Scan) -> bool:
    """Tell whether no zone was met that could serve, and a place is left."""
    return scan.place < scan.end and not could_serve(memory, paths, scan)


def hope_step(memory: Memory, paths: Paths, scan: Scan) -> tuple[Any, ...]:
    """Go on to the next place."""
    return memory, paths, passed_by(scan)


def hope_left(memory: Memory, paths: Paths, scan: Scan) -> int:
    """Return how many places are left."""
    return scan.end - scan.place


HOPE = Loop("hope", hope_more, hope_step, hope_left)


def is_hopeful(way: Way) -> bool:
    """Tell whether some zone could serve the request after reclaim."""
    rule(c.RECLAIMABLE)
    ended: Scan
    _, _, ended = HOPE.run(way.memory, way.paths, scan_for(way, way.request.gfp, way.request.flags))
    return ended.place < ended.end


def counted(r: Request) -> Request:
    """Return the request with another reclaim in vain counted, or none if there was progress that counts."""
    rule(c.LOOPS)
    return attrs.evolve(r, loops=0 if r.progress != 0 and not is_costly(r.order) else r.loops + 1)


def reclaims_again(r: Request, answer: Answer, hopeful: bool) -> bool:
    """Tell whether reclaim is tried again; ``r`` has it counted (mm/page_alloc.c:should_reclaim_retry, v6.12)."""
    if r.loops > MAX_RETRIES:
        rule(c.LOOPS_LIMIT)
    elif hopeful:
        return True
    rule(c.RELEASED)
    return answer.released != 0


def harder(r: Request) -> tuple[bool, Request]:
    """Tell whether compaction is tried again with more force, and return the request with that force."""
    rule(c.COMPACT_HARDER)
    least = SYNC_LIGHT if is_costly(r.order) else SYNC_FULL
    if r.priority > least:
        return True, attrs.evolve(r, priority=r.priority - 1, retries=0)
    return False, r


def compacts_again_61(r: Request, answer: Answer, most: Retries) -> tuple[bool, Request]:
    """Tell whether 6.1 tries compaction again (mm/page_alloc.c:should_compact_retry, v6.1)."""
    rule(c.COMPACT_61)
    if r.compacted == SUCCESS:
        r = attrs.evolve(r, retries=min(r.retries + 1, MAX_RETRIES + 1))
    if r.compacted == COMPLETE:
        return harder(r)
    if r.compacted == SKIPPED:
        rule(c.COMPACT_SKIPPED)
        return answer.suitable != 0, r
    withdrawn = (r.compacted == DEFERRED) | (r.compacted == CONTENDED) | (r.compacted == PARTIAL_SKIPPED)
    if not withdrawn and r.retries <= most:
        return True, r
    return harder(r)


def compacts_again(kernel: Kernel, r: Request, answer: Answer) -> tuple[bool, Request]:
    """Tell whether compaction is tried again, and return the request after that (mm/page_alloc.c:should_compact_retry, v6.12)."""
    if r.order == 0 or r.context & TASK_KILLED:
        rule(c.COMPACT_NOT)
        return False, r
    most = MAX_RETRIES // 4 if is_costly(r.order) else MAX_RETRIES
    if kernel < 612:
        return compacts_again_61(r, answer, most)
    if r.compacted == SKIPPED:
        rule(c.COMPACT_SKIPPED)
        return answer.suitable != 0, r
    if r.compacted == SUCCESS:
        rule(c.COMPACT_SUCCESS)
        r = attrs.evolve(r, retries=min(r.retries + 1, MAX_RETRIES + 1))
        if r.retries <= most:
            return True, r
    return harder(r)


def decided(kernel: Kernel, request: Request, answer: Answer, hopeful: bool) -> tuple[Next, Request]:
    """Return whether there is another round after reclaim and compaction in vain, and the request with that counted.

    ``hopeful`` is whether some zone could serve after reclaim.
    """
    if request.gfp & GFP_NORETRY:
        rule(c.NORETRY)
        return NO_MORE, request
    if is_costly(request.order) and (not can_compact(request.gfp) or request.gfp & GFP_RETRY_MAYFAIL == 0):
        rule(c.COSTLY)
        return NO_MORE, request
    r = counted(request)
    if reclaims_again(r, answer, hopeful):
        return ANOTHER, r
    if r.progress != 0 and can_compact(r.gfp):
        more, r = compacts_again(kernel, r, answer)
        if more:
            return ANOTHER, r
    return LAST, r
