"""Wrong turns of the fast path and the slow one."""

from __future__ import annotations

from mmprops.bugs.physical.page_alloc.places import LINUX, OUR, PATH, RETRY, SLOW, bug

SOURCE = "mm/page_alloc.c:__alloc_pages_slowpath"
RECLAIM = "mm/page_alloc.c:should_reclaim_retry"
COMPACT = "mm/page_alloc.c:should_compact_retry"
OOM = "mm/page_alloc.c:__alloc_pages_may_oom"

BUGS = (
    bug(
        "BUG-PA-FAST-MIN",
        "PAGE-ALLOC-FAST",
        "the fast path goes down to MIN",
        "mm/page_alloc.c:__alloc_pages_noprof",
        {
            f"{PATH}.__init__": ("= ALLOC_WMARK_LOW, SYNC_LIGHT", "= 0 * ALLOC_WMARK_LOW, SYNC_LIGHT"),
            f"{LINUX}.request_of": ("flags=ALLOC_WMARK_LOW", "flags=0"),
        },
    ),
    bug(
        "BUG-PA-INJECTED-GOES-ON",
        "PAGE-ALLOC-INJECTED",
        "fault injection fails nothing",
        "mm/fail_page_alloc.c:should_fail_alloc_page",
        {
            f"{OUR}.enter": ("op.inject and not op.gfp & GFP_NOFAIL", "False"),
            f"{LINUX}.enter_choose": ("if op.inject != 0 and", "if op.inject < 0 and"),
        },
    ),
    bug(
        "BUG-PA-NOFAIL-INJECTED",
        "PAGE-ALLOC-INJECTED",
        "fault injection fails requests with NOFAIL",
        "mm/fail_page_alloc.c:should_fail_alloc_page",
        {
            f"{OUR}.enter": ("(op.inject and not op.gfp & GFP_NOFAIL)", "op.inject"),
            f"{LINUX}.enter_choose": ("if op.inject != 0 and op.gfp & GFP_NOFAIL == 0:", "if op.inject != 0:"),
        },
    ),
    bug(
        "BUG-PA-MASK-FORGOTTEN-EARLY",
        "PAGE-ALLOC-MASK-OUTSIDE",
        "a mask outside the cpuset is forgotten before it was tried",
        SOURCE,
        {
            f"{PATH}.slow": (
                "            self.flags = flags_of(",
                "            if self.cpusets and self.nodes != ALL_NODES and not self.nodes & self.mems:\n"
                "                self.nodes = ALL_NODES\n"
                "            self.flags = flags_of(",
            ),
            f"{SLOW}.entered": (
                "if fits_cpuset(way.request.cpusets, way.request.nodes, way.request.mems):",
                "if True:",
            ),
        },
    ),
    bug(
        "BUG-PA-LOOPS-KEPT",
        "PAGE-ALLOC-SLOW-0",
        "the priority of compaction is kept when the path begins again",
        SOURCE,
        {
            f"{PATH}.slow": (
                "self.compacted, self.priority, self.changed = SKIPPED, SYNC_LIGHT, False",
                "self.compacted, self.changed = SKIPPED, False",
            ),
            f"{SLOW}.cleared": ("priority=SYNC_LIGHT,", ""),
        },
    ),
    bug(
        "BUG-PA-MIN-UNTRIED",
        "PAGE-ALLOC-SLOW-1",
        "the slow path does not try the lists before it asks",
        SOURCE,
        {
            f"{PATH}.once": (
                "            self.wake()\n            found = self.attempt(self.gfp, self.flags)\n"
                "            if found is not None:\n"
                "                return True, found\n            if self.compacts_first",
                "            self.wake()\n            if self.compacts_first",
            ),
            **dict.fromkeys(
                (f"{SLOW}.restart", f"{SLOW}.entered"),
                ("    way = tried(woken(way))\n    if way.taken < NOWHERE:\n        return way\n", "    way = woken(way)\n"),
            ),
        },
    ),
    bug(
        "BUG-PA-WAKES-AWAY",
        "PAGE-ALLOC-SLOW-1a",
        "kswapd is woken on nodes that the cpuset forbids",
        "mm/page_alloc.c:wake_all_kswapds",
        {
            f"{PATH}.wake": ("allowed >> last & 1", "1"),
            "mmspec.physical.page_alloc.wake.wake_step": ("1 if has(scan.allowed, node_of(zone)) else 0", "1"),
        },
    ),
    bug(
        "BUG-PA-MOVABLE-COMPACTS",
        "PAGE-ALLOC-SLOW-2",
        "a movable request compacts first",
        SOURCE,
        {
            f"{PATH}.compacts_first": ("(self.order > 0 and not is_movable(self.gfp))", "(self.order > 0)"),
            f"{SLOW}.compacts_first": ("(r.order > 0 and not is_movable(r.gfp))", "(r.order > 0)"),
        },
    ),
    bug(
        "BUG-PA-DEFERRED-GOES-ON",
        "PAGE-ALLOC-SLOW-2a",
        "a costly NORETRY request goes on after compaction was deferred",
        SOURCE,
        {
            f"{PATH}.once": ("not in (SKIPPED, DEFERRED)", "not in (SKIPPED,)"),
            f"{SLOW}.on_compact": ("(r.compacted == SKIPPED) | (r.compacted == DEFERRED)", "r.compacted == SKIPPED"),
        },
    ),
    bug(
        "BUG-PA-NORETRY-SYNC",
        "PAGE-ALLOC-SLOW-2b",
        "a costly NORETRY request waits for compaction",
        SOURCE,
        {
            f"{PATH}.once": ("self.priority = ASYNC if rounds else self.priority", "self.priority = self.priority"),
            f"{SLOW}.on_compact": ("priority=ASYNC", "priority=r.priority"),
        },
    ),
    bug(
        "BUG-PA-CHANGE-UNSEEN",
        "PAGE-ALLOC-CHANGED",
        "a change of cpuset or zonelists is not seen",
        "mm/page_alloc.c:check_retry_zonelist",
        {
            f"{PATH}.restarts": ("if outside or self.changed:", "if outside:"),
            "mmspec.physical.page_alloc.steps.is_changed": ("(r.changed != 0) or", ""),
        },
    ),
    bug(
        "BUG-PA-OUTSIDE-KEPT",
        "PAGE-ALLOC-MASK-OUTSIDE",
        "a mask outside the cpuset is replaced by the cpuset",
        "mm/page_alloc.c:check_retry_cpuset",
        {
            f"{PATH}.restarts": ("            self.nodes = ALL_NODES\n", "            self.nodes = self.mems or ALL_NODES\n"),
            "mmspec.physical.page_alloc.steps.forgotten": ("nodes=ALL_NODES", "nodes=way.request.mems or ALL_NODES"),
        },
    ),
    bug(
        "BUG-PA-KSWAPD-LOST",
        "PAGE-ALLOC-SLOW-3",
        "a request that takes up reserves no longer wakes kswapd",
        SOURCE,
        {
            f"{PATH}.rounds": ("reserves | self.flags & ALLOC_KSWAPD |", "reserves |"),
            f"{SLOW}.with_reserves": ("| (flags & ALLOC_KSWAPD)", "| 0"),
        },
    ),
    bug(
        "BUG-PA-RECLAIM-RECURSES",
        "PAGE-ALLOC-SLOW-4",
        "a task that reclaims does so again",
        SOURCE,
        {
            f"{PATH}.rounds": ("or self.context & TASK_MEMALLOC:", ":"),
            f"{SLOW}.round_of": ("or r.context & TASK_MEMALLOC:", ":"),
        },
    ),
    bug(
        "BUG-PA-UNDRAINED",
        "PAGE-ALLOC-SLOW-5",
        "the per-CPU lists are drained after reclaim without progress, too",
        "mm/page_alloc.c:__alloc_pages_direct_reclaim",
        {
            f"{PATH}.reclaim_and_compact": ("if self.progress:", "if True:"),
            f"{SLOW}.on_reclaim": ("if answer.progress == 0:", "if answer.progress < 0:"),
        },
    ),
    bug(
        "BUG-PA-SKIPPED-TRIES",
        "PAGE-ALLOC-SLOW-6",
        "the lists are tried after compaction that was skipped",
        "mm/page_alloc.c:__alloc_pages_direct_compact",
        {
            f"{PATH}.compact": ("        if self.compacted == SKIPPED:\n            return None\n", ""),
            f"{SLOW}.compacted": ("if answer.compacted == SKIPPED:", "if answer.progress < 0:"),
        },
    ),
    bug(
        "BUG-PA-NORETRY-RETRIES",
        "PAGE-ALLOC-SLOW-7",
        "NORETRY goes on",
        SOURCE,
        {
            f"{PATH}.may_retry": ("if self.gfp & GFP_NORETRY:", "if self.gfp < 0:"),
            f"{RETRY}.decided": ("if request.gfp & GFP_NORETRY:", "if request.gfp < 0:"),
        },
    ),
    bug(
        "BUG-PA-COSTLY-RETRIES",
        "PAGE-ALLOC-SLOW-7a",
        "a costly request goes on without RETRY_MAYFAIL",
        SOURCE,
        {
            f"{PATH}.may_retry": ("and self.gfp & GFP_RETRY_MAYFAIL != 0", ""),
            f"{RETRY}.decided": ("or request.gfp & GFP_RETRY_MAYFAIL == 0", ""),
        },
    ),
    bug(
        "BUG-PA-COSTLY-PROGRESS",
        "PAGE-ALLOC-RETRY-1",
        "a costly request's progress counts",
        RECLAIM,
        {
            f"{PATH}.reclaims_again": ("if self.progress and self.order <= COSTLY_ORDER:", "if self.progress:"),
            f"{RETRY}.counted": ("r.progress != 0 and not is_costly(r.order)", "r.progress != 0"),
        },
    ),
    bug(
        "BUG-PA-LOOPS-FOREVER",
        "PAGE-ALLOC-RETRY-2",
        "reclaim is tried again for ever",
        RECLAIM,
        {
            f"{PATH}.reclaims_again": ("self.loops <= 16 and", ""),
            f"{RETRY}.reclaims_again": ("if r.loops > MAX_RETRIES:", "if r.loops < 0:"),
        },
    ),
    bug(
        "BUG-PA-RECLAIMABLE-UNCOUNTED",
        "PAGE-ALLOC-RETRY-3",
        "only what is free now counts for whether reclaim is tried again",
        RECLAIM,
        {
            f"{PATH}.hopeful": ("owner.reclaimable[zone] + marks", "marks"),
            f"{RETRY}.could_serve": ("memory.reclaimable.get(zone, 0) + machine", "machine"),
        },
    ),
    bug(
        "BUG-PA-HOPE-OUTSIDE",
        "PAGE-ALLOC-RETRY-4",
        "zones outside the cpuset keep reclaim going",
        RECLAIM,
        {
            f"{PATH}.hopeful": (
                "if not owner.old and self.flags & ALLOC_CPUSET and",
                "if owner.old and self.flags & ALLOC_CPUSET and",
            ),
            f"{RETRY}.could_serve": ("if paths.kernel >= 612 and", "if paths.kernel < 612 and"),
        },
    ),
    bug(
        "BUG-PA-RELEASED-LOST",
        "PAGE-ALLOC-RETRY-5",
        "a pageblock that was turned back allows no further round",
        RECLAIM,
        {
            f"{PATH}.reclaims_again": ("return bool(self.answer.released)", "return False"),
            f"{RETRY}.reclaims_again": ("return answer.released != 0", "return False"),
        },
    ),
    bug(
        "BUG-PA-KILLED-COMPACTS",
        "PAGE-ALLOC-COMPACT-1",
        "compaction is tried again for a task that is to die",
        COMPACT,
        {
            f"{PATH}.compacts_again": ("or self.context & TASK_KILLED:", ":"),
            f"{RETRY}.compacts_again": ("or r.context & TASK_KILLED:", ":"),
        },
    ),
    bug(
        "BUG-PA-SKIPPED-FOREVER",
        "PAGE-ALLOC-COMPACT-2",
        "compaction that was skipped is always tried again",
        COMPACT,
        {
            f"{PATH}.compacts_again": ("return bool(self.answer.suitable)", "return True"),
            f"{RETRY}.compacts_again": ("return answer.suitable != 0, r", "return True, r"),
        },
    ),
    bug(
        "BUG-PA-SUCCESS-UNCOUNTED",
        "PAGE-ALLOC-COMPACT-3",
        "compaction that succeeds in vain is tried harder at once",
        COMPACT,
        {
            f"{PATH}.compacts_again": ("if counts and self.retries <= most:", "if counts and self.retries < 0:"),
            f"{RETRY}.compacts_again": ("if r.retries <= most:", "if r.retries < 0:"),
        },
    ),
    bug(
        "BUG-PA-COMPLETE-COUNTS",
        "PAGE-ALLOC-COMPACT-6.1",
        "6.1 tries compaction again at the same priority after it has failed",
        "mm/page_alloc.c:should_compact_retry, v6.1",
        {
            f"{PATH}.compacts_again": ("not in (COMPLETE, DEFERRED,", "not in (DEFERRED,"),
            f"{RETRY}.compacts_again_61": ("if r.compacted == COMPLETE:", "if r.compacted < 0:"),
        },
        profile="kernel-6.1",
    ),
    bug(
        "BUG-PA-COSTLY-HARDEST",
        "PAGE-ALLOC-COMPACT-4",
        "a costly request compacts as hard as any",
        COMPACT,
        {
            f"{PATH}.compacts_again": ("(4, SYNC_LIGHT)", "(4, SYNC_FULL)"),
            f"{RETRY}.harder": ("SYNC_LIGHT if is_costly(r.order) else SYNC_FULL", "SYNC_FULL"),
        },
    ),
    bug(
        "BUG-PA-BUSY-ENDS",
        "PAGE-ALLOC-OOM-1",
        "a request ends while somebody else kills",
        OOM,
        {
            f"{PATH}.kill": (
                "        progress = bool(self.answer.busy)\n        if not progress:",
                "        progress = False\n        if not self.answer.busy:",
            ),
            f"{SLOW}.before_kill": ("return after_kill(way, 1)", "return after_kill(way, 0)"),
        },
    ),
    bug(
        "BUG-PA-KILL-AT-LOW",
        "PAGE-ALLOC-OOM-2",
        "before the killer the lists are tried at MIN",
        OOM,
        {
            f"{PATH}.kill": ("ALLOC_WMARK_HIGH | ALLOC_CPUSET", "ALLOC_CPUSET"),
            f"{SLOW}.before_kill": ("ALLOC_WMARK_HIGH | ALLOC_CPUSET", "ALLOC_CPUSET"),
        },
    ),
    bug(
        "BUG-PA-DUMPCORE-KILLS",
        "PAGE-ALLOC-OOM-3",
        "a task that dumps core has others killed",
        OOM,
        {
            f"{PATH}.kill": ("if not spared and not self.context & TASK_DUMPCORE:", "if not spared:"),
            f"{SLOW}.may_kill": ("return not spared and r.context & TASK_DUMPCORE == 0", "return not spared"),
        },
    ),
    bug(
        "BUG-PA-NOFAIL-MARKS",
        "PAGE-ALLOC-OOM-4",
        "after the killer NOFAIL is held to the watermarks",
        OOM,
        {
            f"{PATH}.kill": ("self.widened(ALLOC_NO_WATERMARKS)", "self.widened(0)"),
            f"{SLOW}.on_kill": ("within_then_without(way, ALLOC_NO_WATERMARKS)", "within_then_without(way, 0)"),
        },
    ),
    bug(
        "BUG-PA-VICTIM-LOOPS",
        "PAGE-ALLOC-SLOW-8",
        "a victim goes on as long as others are killed",
        SOURCE,
        {
            f"{PATH}.kill": ("if self.context & TASK_VICTIM and (", "if self.context < 0 and ("),
            f"{SLOW}.after_kill": ("if r.context & TASK_VICTIM and (", "if r.context < 0 and ("),
        },
    ),
    bug(
        "BUG-PA-KILLED-COUNTS",
        "PAGE-ALLOC-SLOW-8a",
        "what was counted before somebody was killed counts on",
        SOURCE,
        {
            f"{PATH}.kill": (
                "            self.loops = 0\n        return None",
                "            self.loops += 0\n        return None",
            ),
            f"{SLOW}.after_kill": ("loops=0", "loops=r.loops"),
        },
    ),
    bug(
        "BUG-PA-NOFAIL-NO-RESERVE",
        "PAGE-ALLOC-SLOW-9a",
        "NOFAIL gets no reserve at last",
        SOURCE,
        {
            f"{PATH}.once": ("self.widened(ALLOC_MIN_RESERVE)", "self.widened(0)"),
            f"{SLOW}.give_up": ("within_then_without(way, ALLOC_MIN_RESERVE)", "within_then_without(way, 0)"),
        },
    ),
    bug(
        "BUG-PA-ALL-TRY-AT-LAST",
        "PAGE-ALLOC-SLOW-9",
        "any request that fails tries the reserve of NOFAIL first",
        SOURCE,
        {
            f"{PATH}.once": (
                "                return True, None\n            found = self.widened",
                "                return True, self.widened(ALLOC_MIN_RESERVE)\n            found = self.widened",
            ),
            f"{SLOW}.give_up": (
                "    return asking(way, PAGE)",
                "    last = within_then_without(way, ALLOC_MIN_RESERVE)\n"
                "    return last if last.taken < NOWHERE else asking(last, PAGE)",
            ),
        },
    ),
)
