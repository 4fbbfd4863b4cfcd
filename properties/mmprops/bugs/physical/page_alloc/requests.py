"""Requests that come to the wrong flags, reserves or nodes."""

from __future__ import annotations

from mmprops.bugs.physical.page_alloc.places import FLAGS, FUNCTIONS, LINUX, PATH, SLOW, bug

TO_FLAGS = "mm/page_alloc.c:gfp_to_alloc_flags"
RESERVES = "mm/page_alloc.c:__gfp_pfmemalloc_flags"
PREPARE = "mm/page_alloc.c:prepare_alloc_pages"
CPUSET = "kernel/cgroup/cpuset.c:cpuset_node_allowed"

BUGS = (
    bug(
        "BUG-PA-NO-CPUSET",
        "PAGE-ALLOC-FLAGS",
        "the slow path forgets the cpuset",
        TO_FLAGS,
        {
            f"{FUNCTIONS}.flags_of": ("flags = ALLOC_CPUSET |", "flags = 0 |"),
            f"{FLAGS}.slow_flags": ("    flags = ALLOC_CPUSET\n", "    flags = 0\n"),
        },
    ),
    bug(
        "BUG-PA-HIGH-LOST",
        "PAGE-ALLOC-FLAGS-HIGH",
        "HIGH is not taken over",
        TO_FLAGS,
        {
            f"{FUNCTIONS}.flags_of": ("gfp & (GFP_HIGH | GFP_KSWAPD_RECLAIM)", "gfp & GFP_KSWAPD_RECLAIM"),
            f"{FLAGS}.slow_flags": ("flags |= gfp & (GFP_HIGH | GFP_KSWAPD_RECLAIM)", "flags |= gfp & GFP_KSWAPD_RECLAIM"),
        },
    ),
    bug(
        "BUG-PA-NOMEMALLOC-NON-BLOCK",
        "PAGE-ALLOC-FLAGS-NON-BLOCK",
        "a request with NOMEMALLOC is NON_BLOCK",
        TO_FLAGS,
        {
            f"{FUNCTIONS}.flags_of": ("if not gfp & GFP_NOMEMALLOC:", "if True:"),
            f"{FLAGS}.slow_flags": ("if gfp & GFP_NOMEMALLOC == 0:", "if True:"),
        },
    ),
    bug(
        "BUG-PA-SINGLE-HIGHATOMIC",
        "PAGE-ALLOC-FLAGS-HIGHATOMIC",
        "a single frame comes from HIGHATOMIC pageblocks",
        TO_FLAGS,
        {
            f"{FUNCTIONS}.flags_of": ("if order and gfp & GFP_HIGH", "if gfp & GFP_HIGH"),
            f"{FLAGS}.slow_flags": ("if order > 0 and gfp & GFP_HIGH", "if gfp & GFP_HIGH"),
        },
    ),
    bug(
        "BUG-PA-ATOMIC-IN-CPUSET",
        "PAGE-ALLOC-FLAGS-CPUSET",
        "an atomic request is bound to the cpuset",
        TO_FLAGS,
        {
            f"{FUNCTIONS}.flags_of": ("flags &= ~ALLOC_CPUSET", "flags |= ALLOC_CPUSET"),
            f"{FLAGS}.slow_flags": ("flags &= ~ALLOC_CPUSET", "flags |= ALLOC_CPUSET"),
        },
    ),
    bug(
        "BUG-PA-REALTIME-INTERRUPTS",
        "PAGE-ALLOC-FLAGS-REALTIME",
        "what interrupts a real-time task has its reserve",
        TO_FLAGS,
        {
            f"{FUNCTIONS}.flags_of": ("context & TASK_REALTIME and not context & INTERRUPTED", "context & TASK_REALTIME"),
            f"{FLAGS}.slow_flags": ("context & TASK_REALTIME and in_task(context)", "context & TASK_REALTIME"),
        },
    ),
    bug(
        "BUG-PA-CMA-FOR-ALL",
        "PAGE-ALLOC-FLAGS-CMA",
        "any request may use CMA pageblocks",
        "mm/page_alloc.c:gfp_to_alloc_flags_cma",
        {
            f"{FUNCTIONS}.flags_of": ("ALLOC_CMA if is_movable(gfp) else 0", "ALLOC_CMA"),
            f"{PATH}.fast": ("if is_movable(gfp):", "if True:"),
            f"{PATH}.rounds": ("(ALLOC_CMA if is_movable(self.gfp) else 0)", "ALLOC_CMA"),
            f"{FLAGS}.with_cma": ("if is_movable(gfp):", "if True:"),
        },
    ),
    bug(
        "BUG-PA-NOMEMALLOC-LAST",
        "PAGE-ALLOC-RESERVES-NONE",
        "NOMEMALLOC does not keep a request from the reserves",
        RESERVES,
        {
            f"{FUNCTIONS}.reserves_of": ("if gfp & GFP_NOMEMALLOC:", "if gfp & GFP_NOMEMALLOC and context < 0:"),
            f"{FLAGS}.reserve_flags": ("if gfp & GFP_NOMEMALLOC:", "if gfp & GFP_NOMEMALLOC and context < 0:"),
        },
    ),
    bug(
        "BUG-PA-INTERRUPT-RESERVES",
        "PAGE-ALLOC-RESERVES",
        "what interrupts a task that reclaims has its reserves",
        RESERVES,
        {
            f"{FUNCTIONS}.reserves_of": ("context & TASK_SOFTIRQ or not context & TASK_INTERRUPT", "True"),
            f"{FLAGS}.reserve_flags": ("& (softly | in_task(context))", "& True"),
        },
    ),
    bug(
        "BUG-PA-VICTIM-ALL",
        "PAGE-ALLOC-RESERVES-OOM",
        "a victim passes all watermarks",
        RESERVES,
        {
            f"{FUNCTIONS}.reserves_of": ("return ALLOC_OOM if", "return ALLOC_NO_WATERMARKS if"),
            f"{FLAGS}.reserve_flags": ("return ALLOC_OOM", "return ALLOC_NO_WATERMARKS"),
        },
    ),
    bug(
        "BUG-PA-FRAGMENTS-DMA32",
        "PAGE-ALLOC-NOFRAGMENT",
        "a request spares NORMAL where no DMA32 is there to be used instead",
        "mm/page_alloc.c:alloc_flags_nofragment",
        {
            f"{PATH}.fast": ("(self.owner.zones.nodes == 1 or self.owner.zones.present[first - 1])", "True"),
            f"{FLAGS}.nofragment": ("if is_normal and has_dma32:", "if is_normal:"),
        },
    ),
    bug(
        "BUG-PA-NOIO-KEEPS-FS",
        "PAGE-ALLOC-SCOPE",
        "a scope of NOIO leaves IO to a request",
        "include/linux/sched/mm.h:current_gfp_context",
        {
            f"{PATH}.__init__": ("self.gfp &= ~(GFP_IO | GFP_FS)", "self.gfp &= ~GFP_FS"),
            f"{FLAGS}.in_scope": ("left &= ~(GFP_IO | GFP_FS)", "left &= ~GFP_FS"),
        },
    ),
    bug(
        "BUG-PA-ATOMIC-KEPT",
        "PAGE-ALLOC-ATOMIC-6.1",
        "ATOMIC counts for a request that can reclaim",
        "mm/page_alloc.c:__alloc_pages_slowpath, v6.1",
        {
            f"{PATH}.whole": ("self.gfp &= ~GFP_ATOMIC", "self.gfp |= 0"),
            f"{SLOW}.slow_gfp": ("return gfp & ~GFP_ATOMIC", "return gfp"),
        },
        profile="kernel-6.1",
    ),
    bug(
        "BUG-PA-SOFT-WALL",
        "PAGE-ALLOC-HARDWALL",
        "at first a cpuset has no walls",
        PREPARE,
        {
            f"{PATH}.fast": ("gfp |= GFP_HARDWALL", "gfp |= 0"),
            f"{LINUX}.fast": ("gfp |= GFP_HARDWALL", "gfp |= 0"),
        },
    ),
    bug(
        "BUG-PA-INTERRUPT-MASK",
        "PAGE-ALLOC-MASK",
        "what interrupts a task has its cpuset for a mask",
        PREPARE,
        {
            f"{PATH}.fast": ("if self.context & INTERRUPTED or mask != ALL_NODES:", "if mask != ALL_NODES:"),
            f"{LINUX}.fast": ("if in_task(r.context) and r.nodes == ALL_NODES:", "if r.nodes == ALL_NODES:"),
        },
    ),
    bug(
        "BUG-PA-INTERRUPT-WALLED",
        "PAGE-ALLOC-CPUSET-1",
        "the cpuset of a task binds what interrupts it",
        CPUSET,
        {
            f"{PATH}.allowed": ("(INTERRUPTED | TASK_VICTIM)", "TASK_VICTIM"),
            f"{FLAGS}.allowed_nodes": ("if not in_task(context):", "if not in_task(context) and mems < 0:"),
        },
    ),
    bug(
        "BUG-PA-ONLY-ANCESTOR",
        "PAGE-ALLOC-CPUSET-2",
        "the task's own cpuset is not asked",
        CPUSET,
        {
            f"{PATH}.allowed": ("else self.mems | self.wall", "else self.wall"),
            f"{FLAGS}.allowed_nodes": ("return mems | wall", "return wall"),
        },
    ),
    bug(
        "BUG-PA-VICTIM-WALLED",
        "PAGE-ALLOC-CPUSET-3",
        "the cpuset binds a victim of the OOM killer",
        CPUSET,
        {
            f"{PATH}.allowed": ("(INTERRUPTED | TASK_VICTIM)", "INTERRUPTED"),
            f"{FLAGS}.allowed_nodes": ("if context & TASK_VICTIM:", "if context & TASK_VICTIM and mems < 0:"),
        },
    ),
    bug(
        "BUG-PA-HARDWALL-LOST",
        "PAGE-ALLOC-CPUSET-4",
        "a request with HARDWALL leaves the cpuset",
        CPUSET,
        {
            f"{PATH}.allowed": ("return self.mems\n", "return self.mems | self.wall\n"),
            f"{FLAGS}.allowed_nodes": ("return mems\n", "return mems | wall\n"),
        },
    ),
    bug(
        "BUG-PA-EXITING-WALLED",
        "PAGE-ALLOC-CPUSET-5",
        "the cpuset binds a task that exits",
        CPUSET,
        {
            f"{PATH}.allowed": ("ALL_NODES if self.context & TASK_EXITING else", ""),
            f"{FLAGS}.allowed_nodes": ("if context & TASK_EXITING:", "if context & TASK_EXITING and mems < 0:"),
        },
    ),
    bug(
        "BUG-PA-ANCESTOR-UNASKED",
        "PAGE-ALLOC-CPUSET-6",
        "no ancestor is asked",
        CPUSET,
        {
            f"{PATH}.allowed": ("else self.mems | self.wall", "else self.mems"),
            f"{FLAGS}.allowed_nodes": ("return mems | wall", "return mems"),
        },
    ),
    bug(
        "BUG-PA-MASK-KEPT",
        "PAGE-ALLOC-MASK-DROPPED",
        "a request with reserves keeps its mask",
        "mm/page_alloc.c:__alloc_pages_slowpath",
        {
            f"{PATH}.rounds": ("self.nodes = ALL_NODES", "self.nodes = self.nodes"),
            f"{SLOW}.with_reserves": ("flags=flags, nodes=ALL_NODES", "flags=flags"),
        },
    ),
    bug(
        "BUG-PA-INSANE-UNSEEN",
        "PAGE-ALLOC-INSANE",
        "that no zone is in the cpuset is not seen",
        "mm/page_alloc.c:__alloc_pages_slowpath",
        {
            f"{PATH}.once": ("(walled and not self.zones(self.mems))", "False"),
            f"{SLOW}.is_insane": ("return not has_zone_for(way, 1)", "return False"),
        },
    ),
)
