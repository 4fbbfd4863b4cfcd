"""The clauses of the page allocator, in the order of dossier sections C.8, E.10 and E.11 (``docs/clauses.toml``)."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_SLOW = "mm/page_alloc.c:__alloc_pages_slowpath, v6.12"
_WALK = "mm/page_alloc.c:get_page_from_freelist, v6.12"
_FLAGS = "mm/page_alloc.c:gfp_to_alloc_flags, v6.12"
_RESERVES = "mm/page_alloc.c:__gfp_pfmemalloc_flags, v6.12"
_PREPARE = "mm/page_alloc.c:prepare_alloc_pages, v6.12"
_CPUSET = "kernel/cgroup/cpuset.c:cpuset_node_allowed, v6.12"
_OOM = "mm/page_alloc.c:__alloc_pages_may_oom, v6.12"
_RECLAIM = "mm/page_alloc.c:should_reclaim_retry, v6.12"
_COMPACT = "mm/page_alloc.c:should_compact_retry, v6.12"
_GFP = "include/linux/gfp_types.h, v6.12"
_OURS = "INTERFACES 1, machine page_alloc"
_linux = partial(Clause, of_policy=True)

# --- truths about every answer -----------------------------------------------------------------------------------------
ARGS = Clause(
    "PAGE-ALLOC-ARGS", "What names no zone or node, bits that are no request, or a task out of turn is refused with EINVAL", _OURS
)
ACCEPTED = Clause("PAGE-ALLOC-ACCEPTED", "Anything else is carried out", _OURS)
ORDER = Clause("PAGE-ALLOC-ORDER", "A request above the largest order fails", "mm/page_alloc.c:__alloc_pages_noprof, v6.12")
ZONE = Clause(
    "PAGE-ALLOC-3", "A block is of a zone that the request may use: its kind, its node, and whether it must stay there", _WALK
)
FREE = Clause("PAGE-ALLOC-FREE", "A zone gives no more than is free in it", _WALK)
SLEEPS = Clause("PAGE-ALLOC-SLEEPS", "A request without DIRECT_RECLAIM asks for nothing and waits for nothing", _GFP)
IO = Clause("PAGE-ALLOC-IO", "A request without IO, or for a single frame, is never compacted for", _SLOW)
KILLS = Clause(
    "PAGE-ALLOC-KILLS",
    "Nobody is killed for a costly request, nor with RETRY_MAYFAIL, NORETRY or THISNODE, nor for low zones",
    _OOM,
)
NOFAIL = Clause("PAGE-ALLOC-NOFAIL", "A request with NOFAIL that can reclaim never fails", _GFP)
ONE_WAITS = Clause("PAGE-ALLOC-WAITS", "Only a request with NOFAIL waits without having asked for anything", _SLOW)

# --- what a request comes to -------------------------------------------------------------------------------------------
FLAGS = _linux("PAGE-ALLOC-FLAGS", "In the slow path a request is held to MIN and to its cpuset", _FLAGS)
FLAGS_HIGH = _linux("PAGE-ALLOC-FLAGS-HIGH", "HIGH stands for MIN_RESERVE, and KSWAPD_RECLAIM for waking kswapd", _FLAGS)
FLAGS_NON_BLOCK = _linux("PAGE-ALLOC-FLAGS-NON-BLOCK", "Without DIRECT_RECLAIM and NOMEMALLOC a request is NON_BLOCK", _FLAGS)
FLAGS_HIGHATOMIC = _linux(
    "PAGE-ALLOC-FLAGS-HIGHATOMIC", "If it is NON_BLOCK, HIGH and larger than a frame, it may use HIGHATOMIC pageblocks", _FLAGS
)
FLAGS_CPUSET = _linux("PAGE-ALLOC-FLAGS-CPUSET", "One that is HIGH and cannot reclaim passes its cpuset by", _FLAGS)
FLAGS_REALTIME = _linux(
    "PAGE-ALLOC-FLAGS-REALTIME", "One of a real-time task that can reclaim has MIN_RESERVE, outside interrupts", _FLAGS
)
FLAGS_CMA = _linux(
    "PAGE-ALLOC-FLAGS-CMA", "A movable request may use CMA pageblocks", "mm/page_alloc.c:gfp_to_alloc_flags_cma, v6.12"
)
RESERVES_NONE = _linux("PAGE-ALLOC-RESERVES-NONE", "NOMEMALLOC keeps a request from all reserves", _RESERVES)
RESERVES_ALL = _linux(
    "PAGE-ALLOC-RESERVES", "MEMALLOC, or a task that reclaims itself, passes all watermarks, but in a hard interrupt", _RESERVES
)
RESERVES_OOM = _linux("PAGE-ALLOC-RESERVES-OOM", "A victim of the OOM killer may use half of the reserves", _RESERVES)
NOFRAGMENT = _linux(
    "PAGE-ALLOC-NOFRAGMENT",
    "At first a request must not fragment NORMAL, its preferred zone, if DMA32 is there to be used instead",
    "mm/page_alloc.c:alloc_flags_nofragment, v6.12",
)
SCOPE = _linux(
    "PAGE-ALLOC-SCOPE",
    "A task's scope takes IO, FS or MOVABLE from its requests",
    "include/linux/sched/mm.h:current_gfp_context, v6.12",
)
ATOMIC_61 = _linux("PAGE-ALLOC-ATOMIC-6.1", "In the slow path ATOMIC with DIRECT_RECLAIM counts for nothing", _SLOW, until="6.1")

# --- masks and cpusets -------------------------------------------------------------------------------------------------
HARDWALL = _linux("PAGE-ALLOC-HARDWALL", "At first a cpuset binds as one with walls does", _PREPARE)
MASK = _linux(
    "PAGE-ALLOC-MASK", "A task's request without a mask has at first the cpuset's nodes for one; others ask the cpuset", _PREPARE
)
CPUSET_INTERRUPT = _linux("PAGE-ALLOC-CPUSET-1", "In an interrupt every node is allowed", _CPUSET)
CPUSET_MEMS = _linux("PAGE-ALLOC-CPUSET-2", "So is a node of the task's cpuset", _CPUSET)
CPUSET_VICTIM = _linux("PAGE-ALLOC-CPUSET-3", "So is every node for a victim of the OOM killer", _CPUSET)
CPUSET_WALL = _linux("PAGE-ALLOC-CPUSET-4", "No other is for a request with HARDWALL", _CPUSET)
CPUSET_EXITING = _linux("PAGE-ALLOC-CPUSET-5", "Every node is for a task that exits", _CPUSET)
CPUSET_ANCESTOR = _linux("PAGE-ALLOC-CPUSET-6", "Else the nearest ancestor with walls decides", _CPUSET)
MASK_DROPPED = _linux(
    "PAGE-ALLOC-MASK-DROPPED", "A request that passes its cpuset by, or has reserves, goes on without a mask", _SLOW
)
MASK_OUTSIDE = _linux(
    "PAGE-ALLOC-MASK-OUTSIDE",
    "A mask wholly outside the cpuset is forgotten, and the path begins again",
    "mm/page_alloc.c:check_retry_cpuset, v6.12",
)
INSANE = _linux("PAGE-ALLOC-INSANE", "With HARDWALL and no zone in the cpuset that it may use a request gets no page", _SLOW)

# --- the walk ----------------------------------------------------------------------------------------------------------
WALK = _linux("PAGE-ALLOC-WALK", "Zones are tried in the order of the list, from the first that the request may use", _WALK)
WALK_CPUSET = _linux("PAGE-ALLOC-WALK-1", "With the flag CPUSET zones outside the cpuset are passed by", _WALK)
WALK_DIRTY = _linux("PAGE-ALLOC-WALK-2", "So is at first, for WRITE, a node over its limit of dirty pages", _WALK)
WALK_REMOTE = _linux(
    "PAGE-ALLOC-WALK-3", "Before it leaves the preferred zone's node a request may fragment, and begins anew", _WALK
)
WALK_ABOVE = _linux("PAGE-ALLOC-WALK-5", "A zone not known to be below HIGH is asked HIGH first", _WALK, since="6.12")
WALK_BELOW = _linux("PAGE-ALLOC-WALK-5a", "Where it fails that, it is known from then on to be below", _WALK, since="6.12")
WALK_RAISED = _linux(
    "PAGE-ALLOC-WALK-5b",
    "It is so until a free finds it above again",
    "mm/page_alloc.c:free_unref_page_commit, v6.12",
    since="6.12",
)
WALK_MARK = _linux("PAGE-ALLOC-WALK-6", "Else a zone serves above the mark that the flags name", _WALK)
WALK_GROWN = _linux("PAGE-ALLOC-WALK-4", "Below it one serves that had memory to accept or to initialise", _WALK)
WALK_NO_MARKS = _linux("PAGE-ALLOC-WALK-6a", "So does any for a request that passes all watermarks", _WALK)
WALK_NEAR = _linux(
    "PAGE-ALLOC-WALK-6b",
    "A node is reclaimed by itself if no further than 30 from the preferred zone's, for what can reclaim and does not do so",
    "mm/vmscan.c:node_reclaim, v6.12",
)
WALK_RECLAIMED = _linux("PAGE-ALLOC-WALK-6c", "One that was reclaimed is asked the mark once more, by the plain check", _WALK)
WALK_EMPTY = _linux("PAGE-ALLOC-WALK-7", "A zone that turns out to have no block is passed by", _WALK)

# --- the paths ---------------------------------------------------------------------------------------------------------
FAST = _linux("PAGE-ALLOC-FAST", "A request is first held to LOW", "mm/page_alloc.c:__alloc_pages_noprof, v6.12")
INJECTED = _linux(
    "PAGE-ALLOC-INJECTED",
    "What fault injection fails goes no way at all; it spares NOFAIL",
    "mm/fail_page_alloc.c:should_fail_alloc_page, v6.12",
)
RESTART = _linux("PAGE-ALLOC-SLOW-0", "The slow path begins with no retries, and flags anew; without a zone it ends", _SLOW)
FIRST = _linux("PAGE-ALLOC-SLOW-1", "It tries the lists at MIN", _SLOW)
WAKES = _linux(
    "PAGE-ALLOC-SLOW-1a",
    "With KSWAPD_RECLAIM it wakes the kswapd of each node on its list, by the first zone of it, now and before each round",
    "mm/page_alloc.c:wake_all_kswapds, v6.12",
)
COMPACT_FIRST = _linux(
    "PAGE-ALLOC-SLOW-2",
    "A costly request, or one larger than a frame that is not movable, compacts first, unless it has reserves",
    _SLOW,
)
COMPACT_VAIN = _linux(
    "PAGE-ALLOC-SLOW-2a", "If that was skipped or deferred, or must stay on a node, a costly NORETRY request ends", _SLOW
)
COMPACT_ASYNC = _linux("PAGE-ALLOC-SLOW-2b", "Else it keeps to asynchronous compaction", _SLOW)
CHANGED = _linux(
    "PAGE-ALLOC-CHANGED", "Where cpuset or zonelists changed the path begins again, before a round and before its end", _SLOW
)
RETRY = _linux("PAGE-ALLOC-SLOW-3", "A round takes up the reserves that the request may use now, and tries the lists", _SLOW)
NO_RECLAIM = _linux("PAGE-ALLOC-SLOW-4", "A request that cannot reclaim ends, and one of a task that reclaims", _SLOW)
DIRECT = _linux(
    "PAGE-ALLOC-SLOW-5",
    "After reclaim with progress the lists are tried; in vain, per-CPU lists are drained, and they are tried once more",
    "mm/page_alloc.c:__alloc_pages_direct_reclaim, v6.12",
)
COMPACT = _linux(
    "PAGE-ALLOC-SLOW-6",
    "Then it compacts, and takes what that captured, or tries the lists unless it was skipped",
    "mm/page_alloc.c:__alloc_pages_direct_compact, v6.12",
)
NORETRY = _linux("PAGE-ALLOC-SLOW-7", "NORETRY ends after that", _SLOW)
COSTLY = _linux("PAGE-ALLOC-SLOW-7a", "A costly request goes on only with RETRY_MAYFAIL, and if it may be compacted for", _SLOW)
LOOPS = _linux("PAGE-ALLOC-RETRY-1", "Reclaims without progress are counted; a costly request's all count", _RECLAIM)
LOOPS_LIMIT = _linux("PAGE-ALLOC-RETRY-2", "After 16 in a row reclaim is not tried again", _RECLAIM)
RECLAIMABLE = _linux(
    "PAGE-ALLOC-RETRY-3", "It is as long as a zone would be above MIN if all that is reclaimable came free", _RECLAIM
)
RECLAIM_CPUSET = _linux("PAGE-ALLOC-RETRY-4", "Zones outside the cpuset do not count for that", _RECLAIM, since="6.12")
RELEASED = _linux(
    "PAGE-ALLOC-RETRY-5", "Before it gives up, a HIGHATOMIC pageblock that is turned back allows a round more", _RECLAIM
)
COMPACT_NOT = _linux("PAGE-ALLOC-COMPACT-1", "For a frame, or with a fatal signal, compaction is not tried again", _COMPACT)
COMPACT_SKIPPED = _linux(
    "PAGE-ALLOC-COMPACT-2", "If it was skipped, it is tried again where reclaim may yet make a zone suitable", _COMPACT
)
COMPACT_SUCCESS = _linux(
    "PAGE-ALLOC-COMPACT-3", "If it succeeded in vain, 16 times at each priority, of a costly request 4", _COMPACT, since="6.12"
)
COMPACT_61 = _linux(
    "PAGE-ALLOC-COMPACT-6.1",
    "Successes are counted; unless it failed or withdrew, it is tried again up to 16 of them, of a costly request 4",
    "mm/page_alloc.c:should_compact_retry, v6.1",
    until="6.1",
)
COMPACT_HARDER = _linux("PAGE-ALLOC-COMPACT-4", "Else it is tried harder, a costly request up to SYNC_LIGHT", _COMPACT)
OOM_BUSY = _linux("PAGE-ALLOC-OOM-1", "Where somebody else kills, that is progress", _OOM)
OOM_HIGH = _linux("PAGE-ALLOC-OOM-2", "Before the killer the lists are tried at HIGH, within the cpuset's walls", _OOM)
OOM_NOT = _linux(
    "PAGE-ALLOC-OOM-3",
    "It is not asked by what dumps core, costly requests, RETRY_MAYFAIL, THISNODE, or for zones below NORMAL",
    _OOM,
)
OOM_NOFAIL = _linux("PAGE-ALLOC-OOM-4", "After it NOFAIL passes all watermarks, within the cpuset and then without", _OOM)
VICTIM = _linux("PAGE-ALLOC-SLOW-8", "A victim that had its reserves, or may not, ends", _SLOW)
KILLED = _linux("PAGE-ALLOC-SLOW-8a", "While the killer makes progress there are rounds, their count begun anew", _SLOW)
NOPAGE = _linux("PAGE-ALLOC-SLOW-9", "A request that ends with no page fails", _SLOW)
NOFAIL_LAST = _linux(
    "PAGE-ALLOC-SLOW-9a",
    "NOFAIL that can reclaim gets MIN_RESERVE instead, within the cpuset and then without, and goes on",
    _SLOW,
)
CHOICE = _linux(
    "PAGE-ALLOC-CHOICE", "Of the lawful answers Linux gives the one that its lists and marks determine", "mm/page_alloc.c, v6.12"
)

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of the component."""
