"""What a request comes to: its migratetype, its flags, the reserves it may use, and the nodes that its cpuset allows."""

from __future__ import annotations

from mmspec.clause import rule
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.ops import (
    ALL_NODES,
    ALLOC_CMA,
    ALLOC_CPUSET,
    ALLOC_HIGHATOMIC,
    ALLOC_MIN_RESERVE,
    ALLOC_NO_WATERMARKS,
    ALLOC_NOFRAGMENT,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    GFP_DIRECT_RECLAIM,
    GFP_FS,
    GFP_HARDWALL,
    GFP_HIGH,
    GFP_IO,
    GFP_KSWAPD_RECLAIM,
    GFP_MEMALLOC,
    GFP_MOVABLE,
    GFP_NOMEMALLOC,
    GFP_RECLAIMABLE,
    TASK_EXITING,
    TASK_INTERRUPT,
    TASK_MEMALLOC,
    TASK_NOFS,
    TASK_NOIO,
    TASK_PIN,
    TASK_REALTIME,
    TASK_SOFTIRQ,
    TASK_VICTIM,
    AllocFlags,
    Context,
    Gfp,
    NodeSet,
    Truth,
)  # fmt: skip
from mmspec.words import Order


def is_movable(gfp: Gfp) -> bool:
    """Tell whether a request is MOVABLE (include/linux/gfp.h:gfp_migratetype, v6.12)."""
    return gfp & (GFP_MOVABLE | GFP_RECLAIMABLE) == GFP_MOVABLE


def can_reclaim(gfp: Gfp) -> bool:
    """Tell whether a request may reclaim by itself."""
    return gfp & GFP_DIRECT_RECLAIM != 0


def in_task(context: Context) -> bool:
    """Tell whether a request is made in no interrupt."""
    return context & (TASK_INTERRUPT | TASK_SOFTIRQ) == 0


def in_scope(gfp: Gfp, context: Context) -> Gfp:
    """Return what a task's scope leaves of a request (include/linux/sched/mm.h:current_gfp_context, v6.12)."""
    if context & (TASK_NOIO | TASK_NOFS | TASK_PIN) == 0:
        return gfp
    rule(c.SCOPE)
    left = gfp
    if context & TASK_NOIO:
        left &= ~(GFP_IO | GFP_FS)
    elif context & TASK_NOFS:
        left &= ~GFP_FS
    if context & TASK_PIN:
        left &= ~GFP_MOVABLE
    return left


def with_cma(gfp: Gfp, flags: AllocFlags) -> AllocFlags:
    """Return flags with CMA if a request is movable (mm/page_alloc.c:gfp_to_alloc_flags_cma, v6.12)."""
    if is_movable(gfp):
        rule(c.FLAGS_CMA)
        return flags | ALLOC_CMA
    return flags


def slow_flags(gfp: Gfp, order: Order, context: Context) -> AllocFlags:
    """Return what a request comes to in the slow path (mm/page_alloc.c:gfp_to_alloc_flags, v6.12)."""
    rule(c.FLAGS)
    flags = ALLOC_CPUSET
    if gfp & (GFP_HIGH | GFP_KSWAPD_RECLAIM):
        rule(c.FLAGS_HIGH)
        flags |= gfp & (GFP_HIGH | GFP_KSWAPD_RECLAIM)
    if can_reclaim(gfp):
        if context & TASK_REALTIME and in_task(context):
            rule(c.FLAGS_REALTIME)
            flags |= ALLOC_MIN_RESERVE
        return with_cma(gfp, flags)
    if gfp & GFP_NOMEMALLOC == 0:
        rule(c.FLAGS_NON_BLOCK)
        flags |= ALLOC_NON_BLOCK
        if order > 0 and gfp & GFP_HIGH:
            rule(c.FLAGS_HIGHATOMIC)
            flags |= ALLOC_HIGHATOMIC
    if gfp & GFP_HIGH:
        rule(c.FLAGS_CPUSET)
        flags &= ~ALLOC_CPUSET
    return with_cma(gfp, flags)


def reserve_flags(gfp: Gfp, context: Context) -> AllocFlags:
    """Return which reserves a request may use beyond its flags (mm/page_alloc.c:__gfp_pfmemalloc_flags, v6.12)."""
    if gfp & GFP_NOMEMALLOC:
        rule(c.RESERVES_NONE)
        return 0
    softly = context & TASK_SOFTIRQ != 0
    reclaims = (context & TASK_MEMALLOC != 0) & (softly | in_task(context))
    if (gfp & GFP_MEMALLOC != 0) | reclaims:
        rule(c.RESERVES_ALL)
        return ALLOC_NO_WATERMARKS
    if in_task(context) and context & TASK_VICTIM:
        rule(c.RESERVES_OOM)
        return ALLOC_OOM
    return 0


def nofragment(gfp: Gfp, is_normal: bool, has_dma32: bool) -> AllocFlags:
    """Return what a request adds at first: whether it wakes kswapd, and whether it must not fragment its preferred zone."""
    flags = gfp & GFP_KSWAPD_RECLAIM
    if is_normal and has_dma32:
        rule(c.NOFRAGMENT)
        return flags | ALLOC_NOFRAGMENT
    return flags


def allowed_nodes(gfp: Gfp, context: Context, mems: NodeSet, wall: NodeSet) -> NodeSet:
    """Return the nodes that a cpuset allows a request (kernel/cgroup/cpuset.c:cpuset_node_allowed, v6.12)."""
    if not in_task(context):
        rule(c.CPUSET_INTERRUPT)
        return ALL_NODES
    rule(c.CPUSET_MEMS)
    if context & TASK_VICTIM:
        rule(c.CPUSET_VICTIM)
        return ALL_NODES
    if gfp & GFP_HARDWALL:
        rule(c.CPUSET_WALL)
        return mems
    if context & TASK_EXITING:
        rule(c.CPUSET_EXITING)
        return ALL_NODES
    rule(c.CPUSET_ANCESTOR)
    return mems | wall


def fits_cpuset(cpusets: Truth, nodes: NodeSet, mems: NodeSet) -> bool:
    """Tell whether a mask of nodes, if there is one, has a node of the cpuset."""
    return (cpusets == 0) | (nodes == ALL_NODES) | (nodes & mems != 0)
