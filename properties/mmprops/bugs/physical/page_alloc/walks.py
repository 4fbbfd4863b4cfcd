"""Wrong ways through the zones of a list."""

from __future__ import annotations

from mmprops.bugs.physical.page_alloc.places import LINUX, LISTS, OUR, PATH, STEPS, WALK, bug

SOURCE = "mm/page_alloc.c:get_page_from_freelist"

BUGS = (
    bug(
        "BUG-PA-FIRST-PASSED-BY",
        "PAGE-ALLOC-WALK",
        "a walk begins at the second zone that the request may use, unless it begins anew",
        SOURCE,
        {
            f"{LISTS}.candidates": (
                "flags = flags if careful else flags & ~ALLOC_NOFRAGMENT\n            for zone in zones:",
                "late = careful or not flags & ALLOC_NOFRAGMENT\n"
                "            flags = flags if careful else flags & ~ALLOC_NOFRAGMENT\n"
                "            for zone in zones[late:]:",
            ),
            f"{WALK}.walk": (
                "WALK.run(memory, paths, scan)",
                "WALK.run(memory, paths, attrs.evolve(scan, place=first_from(paths.lists, scan, scan.place + 1)))",
            ),
        },
    ),
    bug(
        "BUG-PA-TAKES-ONE-FRAME",
        "PAGE-ALLOC-CHOICE",
        "whatever a request takes, one frame less is counted free",
        SOURCE,
        {
            f"{LISTS}.take": (
                "(max(0, free - (1 << order)), max(0, exact - (1 << order)), *rest)",
                "(max(0, free - 1), max(0, exact - 1), *rest)",
            )
        },
    ),
    bug(
        "BUG-PA-CPUSET-IGNORED",
        "PAGE-ALLOC-WALK-1",
        "the cpuset is not asked",
        SOURCE,
        {
            f"{LISTS}.candidates": ("outside = flags & ALLOC_CPUSET and", "outside = flags < 0 and"),
            f"{WALK}.walk_step": ("if scan.flags & ALLOC_CPUSET and", "if scan.flags < 0 and"),
        },
    ),
    bug(
        "BUG-PA-DIRTY-IGNORED",
        "PAGE-ALLOC-WALK-2",
        "a node's limit of dirty pages is not asked",
        SOURCE,
        {
            f"{LISTS}.candidates": ("or dirty >> zone // 8 & 1:", ":"),
            f"{WALK}.walk_step": ("if has(scan.dirty, node_of(zone)):", "if scan.dirty < 0:"),
        },
    ),
    bug(
        "BUG-PA-CAREFUL-ABROAD",
        "PAGE-ALLOC-WALK-3",
        "a request goes to another node rather than fragment",
        SOURCE,
        {
            f"{LISTS}.candidates": ("if careful and zone // 8 != zones[0] // 8:", "if careful and zone < 0:"),
            f"{WALK}.leaves_node": ("(scan.flags & ALLOC_NOFRAGMENT != 0)", "(scan.flags < 0)"),
        },
    ),
    bug(
        "BUG-PA-GROWN-IGNORED",
        "PAGE-ALLOC-WALK-4",
        "memory that was accepted is not handed out",
        SOURCE,
        {
            f"{LISTS}.room": ("grown >> zone & 1 or flags", "flags"),
            f"{WALK}.below_mark": ("if has_zone(scan.grown, zone):", "if scan.grown < 0:"),
        },
    ),
    bug(
        "BUG-PA-HIGH-WITH-BOOST",
        "PAGE-ALLOC-WALK-5",
        "a single frame of MIN_RESERVE is held to HIGH with its boost, when HIGH is asked first",
        SOURCE,
        {
            f"{LISTS}.above_high": ("free - min(free, marks.unusable(zone, 0, flags)) > high", "free > high"),
            f"{WALK}.above_high": ("max(0, zone_usable(machine, zone, 0, flags, free)) > mark", "free > mark"),
        },
    ),
    bug(
        "BUG-PA-BELOW-FORGOTTEN",
        "PAGE-ALLOC-WALK-5a",
        "that a zone is below HIGH is not noted",
        SOURCE,
        {
            f"{LISTS}.room": ("self.below.add(zone)", "self.below.discard(zone)"),
            f"{WALK}.try_zone": ("paths.below.set(zone, True)", "paths.below.set(zone, False)"),
        },
    ),
    bug(
        "BUG-PA-BELOW-FOR-EVER",
        "PAGE-ALLOC-WALK-5b",
        "a zone that was below HIGH stays so",
        "mm/page_alloc.c:free_unref_page_commit",
        {
            f"{OUR}.above": ("self.below.discard(op.zone)", "self.below.add(op.zone)"),
            f"{LINUX}.above_choose": ("notes.paths.below.set(op.zone, False)", "notes.paths.below.set(op.zone, True)"),
        },
    ),
    bug(
        "BUG-PA-ALWAYS-MIN",
        "PAGE-ALLOC-WALK-6",
        "whatever the flags name, a zone is held to MIN",
        SOURCE,
        {
            f"{LISTS}.room": (
                "of_marks.Fast(zone, order, highest, flags, atomic)",
                "of_marks.Fast(zone, order, highest, flags & ~3, atomic)",
            ),
            f"{WALK}.try_zone": (
                "scan.order, scan.highest, scan.flags, atomic",
                "scan.order, scan.highest, scan.flags & ~3, atomic",
            ),
        },
    ),
    bug(
        "BUG-PA-MARKS-FOR-ALL",
        "PAGE-ALLOC-WALK-6a",
        "a request that passes all watermarks is held to MIN",
        SOURCE,
        {
            f"{LISTS}.room": ("grown >> zone & 1 or flags & ALLOC_NO_WATERMARKS:", "grown >> zone & 1:"),
            f"{WALK}.below_mark": ("if scan.flags & ALLOC_NO_WATERMARKS:", "if scan.flags < 0:"),
        },
    ),
    bug(
        "BUG-PA-FAR-RECLAIMED",
        "PAGE-ALLOC-WALK-6b",
        "a node is reclaimed by itself only if it is nearer than 30",
        "mm/page_alloc.c:zone_allows_reclaim",
        {
            f"{LISTS}.room": ("> 30:", ">= 30:"),
            f"{WALK}.is_near": ("<= NEAR", "< NEAR"),
        },
    ),
    bug(
        "BUG-PA-RECLAIMED-ASLEEP",
        "PAGE-ALLOC-WALK-6b",
        "nodes are reclaimed by themselves for requests that cannot reclaim",
        "mm/vmscan.c:node_reclaim",
        {
            f"{LISTS}.room": ("if not reclaimed or not gfp & GFP_DIRECT_RECLAIM or self", "if not reclaimed or self"),
            f"{WALK}.below_mark": (
                "if scan.reclaimed > 0 and can_reclaim(scan.gfp) and is_near",
                "if scan.reclaimed > 0 and is_near",
            ),
        },
    ),
    bug(
        "BUG-PA-RECLAIMED-WITHIN",
        "PAGE-ALLOC-WALK-6b",
        "nodes are reclaimed by themselves for a task that reclaims",
        "mm/vmscan.c:node_reclaim",
        {
            f"{PATH}.attempt": (
                "reclaimed = 0 if self.context & TASK_MEMALLOC else self.reclaimed",
                "reclaimed = self.reclaimed",
            ),
            f"{STEPS}.scan_for": ("reclaimed = 0 if r.context & TASK_MEMALLOC else r.reclaimed", "reclaimed = r.reclaimed"),
        },
    ),
    bug(
        "BUG-PA-RECLAIMED-UNASKED",
        "PAGE-ALLOC-WALK-6c",
        "a node that was reclaimed serves, whatever came of it",
        SOURCE,
        {
            f"{LISTS}.room": (
                "return reclaimed if marks.passes(zone, order, mark, reserve, flags, marks.free[zone][0] + reclaimed) else None",
                "return reclaimed",
            ),
            f"{WALK}.below_mark": (
                "if zone_ok(memory.machine, zone, scan.order, mark, reserve, scan.flags, free):",
                "if zone_ok(memory.machine, zone, scan.order, mark, reserve, scan.flags, free) or True:",
            ),
        },
    ),
    bug(
        "BUG-PA-EMPTY-ENDS",
        "PAGE-ALLOC-WALK-7",
        "NON_BLOCK gets no HIGHATOMIC block in the end",
        "mm/page_alloc.c:rmqueue_buddy",
        {
            f"{LISTS}.has": ("if flags & (ALLOC_NON_BLOCK | ALLOC_OOM):", "if flags & ALLOC_OOM:"),
            f"{WALK}.can_give": ("if flags & (ALLOC_NON_BLOCK | ALLOC_OOM) else", "if flags & ALLOC_OOM else"),
        },
    ),
)
