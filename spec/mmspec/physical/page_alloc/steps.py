"""The steps that the fast path and the slow one are made of: trying the lists, and asking the outside."""

from __future__ import annotations

import attrs

from mmspec.clause import rule
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.flags import (
    allowed_nodes,
    fits_cpuset,
)
from mmspec.physical.page_alloc.ops import (
    ALL_NODES,
    ALLOC_CPUSET,
    COSTLY_ORDER,
    GFP_IO,
    NOWHERE,
    TASK_MEMALLOC,
    AllocFlags,
    Ask,
    Gfp,
)  # fmt: skip
from mmspec.physical.page_alloc.state import Request, Scan, Way
from mmspec.physical.page_alloc.walk import scan_of, walk
from mmspec.words import Order


def is_costly(order: Order) -> bool:
    """Tell whether an order is above PAGE_ALLOC_COSTLY_ORDER."""
    return order > COSTLY_ORDER


def can_compact(gfp: Gfp) -> bool:
    """Tell whether a request may be compacted for (include/linux/gfp.h:gfp_compaction_allowed, v6.12)."""
    return gfp & GFP_IO != 0


def scan_for(way: Way, gfp: Gfp, flags: AllocFlags) -> Scan:
    """Return the scan of a request under some flags."""
    r = way.request
    allowed = ALL_NODES if r.cpusets == 0 else allowed_nodes(gfp, r.context, r.mems, r.wall)
    rule(c.WALK_NEAR)
    reclaimed = 0 if r.context & TASK_MEMALLOC else r.reclaimed
    return scan_of(
        way.paths.lists, gfp, r.order, flags, r.node, r.nodes, r.highest, allowed, r.dirty, r.grown, r.empty, reclaimed
    )


def with_request(way: Way, request: Request) -> Way:
    """Return the way of a request that is further on."""
    return Way(way.memory, way.paths, request, way.taken, way.under)


def attempt(way: Way, gfp: Gfp, flags: AllocFlags) -> Way:
    """Try the lists."""
    noted, ended = walk(way.memory, way.paths, scan_for(way, gfp, flags))
    return Way(way.memory, noted, way.request, ended.taken, ended.flags)


def tried(way: Way) -> Way:
    """Try the lists with what the request comes to now."""
    return attempt(way, way.request.gfp, way.request.flags)


def within_then_without(way: Way, flags: AllocFlags) -> Way:
    """Try the lists within the cpuset, then without (mm/page_alloc.c:__alloc_pages_cpuset_fallback, v6.12)."""
    within = attempt(way, way.request.gfp, flags | ALLOC_CPUSET)
    return within if within.taken < NOWHERE else attempt(within, way.request.gfp, flags)


def asking(way: Way, ask: Ask) -> Way:
    """Ask something of the outside."""
    return with_request(way, attrs.evolve(way.request, asked=ask))


def forgotten(way: Way) -> Way:
    """Forget a mask that lies outside the cpuset."""
    rule(c.MASK_OUTSIDE)
    return with_request(way, attrs.evolve(way.request, nodes=ALL_NODES))


def is_changed(r: Request) -> bool:
    """Tell whether the path must begin again (check_retry_cpuset, check_retry_zonelist)."""
    return (r.changed != 0) or not fits_cpuset(r.cpusets, r.nodes, r.mems)
