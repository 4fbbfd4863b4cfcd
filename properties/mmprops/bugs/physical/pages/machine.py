"""Wrong ways over all zones: the walk of a request, the reserve of HIGHATOMIC pageblocks, and drains."""

from __future__ import annotations

from mmprops.bugs.physical.pages.places import BULK, LINUX, LISTS, OUR, ZONE, bug

WALK, DRAIN = "mm/page_alloc.c:get_page_from_freelist", "mm/page_alloc.c:__drain_all_pages"
RESERVE, UNRESERVE = "mm/page_alloc.c:reserve_highatomic_pageblock", "mm/page_alloc.c:unreserve_highatomic_pageblock"

BUGS = (
    bug(
        "BUG-PAGES-EMPTY-ZONE-ENDS",
        "PAGES-NEXT",
        "a request whose zone passed and gave no block fails",
        WALK,
        {
            f"{LINUX}.look_step": (
                "return linux, passed_by(scan), cpu, pfn",
                "return linux, attrs.evolve(scan, taken=zone), cpu, pfn",
            ),
            f"{OUR}.alloc": (
                "                if frame != NONE:\n",
                "                if frame == NONE:\n                    return ENOMEM\n                if True:\n",
            ),
        },
    ),
    bug(
        "BUG-PAGES-MARKS-BIND-ALL",
        "PAGES-NO-WATERMARKS",
        "a request that passes all watermarks is not tried where a counter says that nothing is free",
        WALK,
        {
            f"{LINUX}.tested": ("scan.flags & ALLOC_NO_WATERMARKS != 0", "scan.flags < 0"),
            f"{OUR}.alloc": ("if passed or now & ALLOC_NO_WATERMARKS:", "if passed and self.has(zone, op.order, now, 0):"),
        },
    ),
    bug(
        "BUG-PAGES-BELOW-FOR-EVER",
        "PAGES-ABOVE",
        "a zone that was below HIGH stays so",
        "mm/page_alloc.c:free_unref_page_commit",
        {
            f"{LINUX}.raised": ("if not linux.paths.below.get(zone, False):", "if zone < 64:"),
            f"{OUR}.free": ("if back and below and self.is_above(zone):", "if back < 0:"),
        },
    ),
    bug(
        "BUG-PAGES-NEVER-RESERVED",
        "PAGES-RESERVE",
        "a HIGHATOMIC success of a single pageblock's order reserves nothing",
        RESERVE,
        {
            f"{LINUX}.reserved": (
                "if not may_reserve(linux, parts, zone):",
                "if order < 2 or not may_reserve(linux, parts, zone):",
            ),
            f"{ZONE}.reserve": ("if self.may_reserve(managed) and", "if order >= 2 and self.may_reserve(managed) and"),
        },
    ),
    bug(
        "BUG-PAGES-RESERVE-EXACT",
        "PAGES-RESERVE-CAP",
        "the hundredth is not rounded up to pageblocks",
        RESERVE,
        {
            f"{LINUX}.may_reserve": ("(share + size - 1) // size * size", "share // size * size"),
            f"{ZONE}.may_reserve": ("-(-share // self.size) * self.size", "share // self.size * self.size"),
        },
    ),
    bug(
        "BUG-PAGES-RESERVE-IN-SMALL",
        "PAGES-RESERVE-SMALL",
        "a zone of which a hundredth is less than a pageblock has a reserve",
        RESERVE,
        {
            f"{LINUX}.may_reserve": ("if share < size:", "if share < 0:"),
            f"{ZONE}.may_reserve": ("share >= self.size and", ""),
        },
    ),
    bug(
        "BUG-PAGES-RESERVE-LESS",
        "PAGES-RESERVE-6.1",
        "6.1 reserves a hundredth only",
        "mm/page_alloc.c:reserve_highatomic_pageblock, v6.1",
        {
            f"{LINUX}.may_reserve": ("parts.reserved < share + size", "parts.reserved < share"),
            f"{ZONE}.may_reserve": ("self.reserved < share + self.size", "self.reserved < share"),
        },
        profile="kernel-6.1",
    ),
    bug(
        "BUG-PAGES-RESERVE-KEPT",
        "PAGES-UNRESERVE",
        "only the first zone of the list is asked for its reserve",
        UNRESERVE,
        {
            f"{LINUX}.turn_more": ("(scan.place < scan.end)", "(scan.place == scan.preferred)"),
            f"{OUR}.unreserve": (
                "self.eligible(op.gfp, op.node, op.nodes)[1]:",
                "self.eligible(op.gfp, op.node, op.nodes)[1][:1]:",
            ),
        },
    ),
    bug(
        "BUG-PAGES-LAST-RESERVE-GOES",
        "PAGES-UNRESERVE-LAST",
        "the last pageblock of a reserve is turned back without need",
        UNRESERVE,
        {
            f"{LINUX}.turn_step": ("parts.reserved <= size_of", "parts.reserved < size_of"),
            f"{OUR}.unreserve": ("parts.reserved > parts.size", "parts.reserved >= parts.size"),
        },
    ),
    bug(
        "BUG-PAGES-DRAIN-FIRST-NODE",
        "PAGES-DRAIN",
        "a CPU that is drained keeps what it holds of other nodes",
        "mm/page_alloc.c:drain_pages",
        {
            f"{LINUX}.drained_cpu": ("range(memory.topology.nodes << 3)", "range(8)"),
            f"{OUR}.drain": ("sorted(self.parts)", "[zone for zone in sorted(self.parts) if zone < 8]"),
            f"{OUR}.drain_all": ("sorted(self.parts)", "[zone for zone in sorted(self.parts) if zone < 8]"),
        },
    ),
    bug(
        "BUG-PAGES-DRAIN-ONE-CPU",
        "PAGES-DRAIN-ZONE",
        "a zone's drain is one of the CPU that asks",
        DRAIN,
        {
            f"{LINUX}.drain_zone_choose": ("range(cpus_of(memory))", "range(op.cpu, op.cpu + 1)"),
            f"{OUR}.drain_zone": ("range(self.cpus)", "range(op.cpu, op.cpu + 1)"),
        },
    ),
    bug(
        "BUG-PAGES-DRAIN-BACKWARDS",
        "PAGES-DRAIN-ALL",
        "the last CPU is drained first",
        DRAIN,
        {
            f"{LINUX}.drain_all_choose": ("range(cpus_of(memory))", "range(cpus_of(memory) - 1, -1, -1)"),
            f"{OUR}.drain_all": ("range(self.cpus)", "range(self.cpus - 1, -1, -1)"),
        },
    ),
    bug(
        "BUG-PAGES-BULK-FOR-ONE",
        "PAGES-BULK-ONE",
        "a bulk request for one frame is one",
        "mm/page_alloc.c:alloc_pages_bulk_noprof",
        {f"{BULK}.bulk_zone_choose": ("op.count <= 1", "op.count < 1"), f"{OUR}.bulk_zone": ("op.count > 1", "op.count >= 1")},
    ),
    bug(
        "BUG-PAGES-CAREFUL-TO-THE-END",
        "PAGES-ANEW",
        "a request that must not fragment fails where every zone would have to",
        "mm/page_alloc.c:get_page_from_freelist",
        {
            f"{LINUX}.look_step": (
                "rule(c.ANEW)\n        return linux, anew(scan), cpu, found",
                "return linux, attrs.evolve(scan, flags=0), cpu, found",
            ),
            f"{LISTS}.candidates": ("yield zone, flags", "yield zone, flags\n            else:\n                return"),
        },
    ),
    bug(
        "BUG-PAGES-BULK-ABROAD",
        "PAGES-BULK-NEAR",
        "a bulk request is served from another node",
        "mm/page_alloc.c:alloc_pages_bulk_noprof",
        {
            f"{BULK}.bulk_step": ("node_of(zone) != node_of(first)", "node_of(zone) < 0"),
            f"{OUR}.bulk_zone": ("zone // 8 != zones[0] // 8", "zone < 0"),
        },
    ),
    bug(
        "BUG-PAGES-BULK-FORGETS-COUNT",
        "PAGES-BULK",
        "a zone that is above LOW serves a bulk request, however large",
        "mm/page_alloc.c:alloc_pages_bulk_noprof",
        {
            f"{BULK}.bulk_step": ("mark_at(marks, zone, ALLOC_WMARK_LOW) + count", "mark_at(marks, zone, ALLOC_WMARK_LOW)"),
            f"{OUR}.bulk_zone": ("+ marks.boosts[zone] + op.count", "+ marks.boosts[zone]"),
        },
    ),
    bug(
        "BUG-PAGES-BULK-IS-REQUEST",
        "PAGES-BULK-LIST",
        "each frame of a bulk request halves what the CPU freed in a row",
        "mm/page_alloc.c:alloc_pages_bulk_noprof",
        {
            f"{BULK}.bulk_take_choose": ("flags, below, AGAIN)", "flags, below, 0)"),
            f"{OUR}.bulk_take": ("flags, below, AGAIN)", "flags, below, 0)"),
        },
    ),
    bug(
        "BUG-PAGES-FREE-LISTS-FIRST",
        "PAGES-CHOICE",
        "single frames are another's than those that the CPU's list has",
        "mm/page_alloc.c:rmqueue",
        {f"{ZONE}.take": ("if held.keeps_order(self.held, order):", "if order > 0 and held.keeps_order(self.held, order):")},
    ),
)
