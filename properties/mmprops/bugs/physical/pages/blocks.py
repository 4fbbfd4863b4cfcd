"""Wrong ways of blocks within a zone: between its free lists, its CPUs and requests."""

from __future__ import annotations

from mmprops.bugs.physical.pages.places import PARTS, ZONE, bug

RMQUEUE, FREE = "mm/page_alloc.c:rmqueue", "mm/page_alloc.c:free_unref_page"

BUGS = (
    bug(
        "BUG-PAGES-CPU-PASSED-BY",
        "PAGES-RMQUEUE-1",
        "single frames come from the free lists at once",
        RMQUEUE,
        {
            f"{PARTS}.rmqueue": (
                "if keeps_order(parts.pages.span, order):",
                "if order > 0 and keeps_order(parts.pages.span, order):",
            ),
            f"{ZONE}.take": ("if held.keeps_order(self.held, order):", "if order > 0 and held.keeps_order(self.held, order):"),
        },
    ),
    bug(
        "BUG-PAGES-LISTS-FORGET-FLAGS",
        "PAGES-RMQUEUE-2",
        "a request that comes to the free lists itself has no flags any more",
        RMQUEUE,
        {
            f"{PARTS}.from_lists": (
                "of_buddy.Alloc(order, migratetype, flags & ALLOC_FLAGS)",
                "of_buddy.Alloc(order, migratetype, 0)",
            ),
            f"{ZONE}.take": (
                "lists.alloc(self.free, order, migratetype, flags & ALLOC_FLAGS)",
                "lists.alloc(self.free, order, migratetype, 0)",
            ),
        },
    ),
    bug(
        "BUG-PAGES-REFILL-ONE-SHORT",
        "PAGES-REFILL",
        "a refill takes a block less than it wants, unless that is one",
        "mm/page_alloc.c:rmqueue_bulk",
        {
            f"{PARTS}.refill_more": ("left > 0", "left > 1"),
            f"{ZONE}.refill": (
                "range(held.want(self.held, cpu, order, below))",
                "range(held.want(self.held, cpu, order, below) - 1)",
            ),
        },
    ),
    bug(
        "BUG-PAGES-REFILL-COUNTED-SINGLY",
        "PAGES-COUNT-6.1",
        "6.1 counts each block of a refill",
        "mm/page_alloc.c:rmqueue_bulk, v6.1",
        {
            f"{PARTS}.refill_step": ("if lists.kernel >= 612:", "if lists.kernel > 0:"),
            f"{PARTS}.refilled": ("if after.lists.kernel >= 612:", "if after.lists.kernel > 0:"),
            f"{ZONE}.refill": ("if not self.old:", "if frame >= 0:"),
        },
        profile="kernel-6.1",
    ),
    bug(
        "BUG-PAGES-DRAIN-COUNTED-BY-OWNER",
        "PAGES-COUNT",
        "what a CPU is made to give back is counted on that CPU",
        "mm/page_alloc.c:account_freepages",
        {
            f"{PARTS}.back_step": ("to_lists(parts, cpu, block", "to_lists(parts, owner, block"),
            f"{ZONE}.give_back": ("self.to_lists(cpu, frame", "self.to_lists(owner, frame"),
        },
    ),
    bug(
        "BUG-PAGES-CMA-UNCOUNTED",
        "PAGES-COUNT",
        "frames of CMA pageblocks are not counted apart",
        "mm/page_alloc.c:account_freepages",
        {
            f"{PARTS}.counted": ("parts.zone.frames.get(CMA, 0) - before", "before.frames.get(CMA, 0) - before"),
            f"{ZONE}.count": ("for item in (FREE_PAGES, FREE_CMA):", "for item in (FREE_PAGES,):"),
        },
    ),
    bug(
        "BUG-PAGES-HELD-IS-MOVABLE",
        "PAGES-MOVABLE",
        "what a movable request has from a CPU's list counts as immovable",
        "mm/page_alloc.c:try_to_steal_block",
        {
            f"{PARTS}.from_pcplist": ("migratetype == MOVABLE", "migratetype > MOVABLE + 1"),
            f"{ZONE}.from_cpu": ("if migratetype == MOVABLE:", "if migratetype > MOVABLE + 1:"),
        },
    ),
    bug(
        "BUG-PAGES-BY-REQUEST-TYPE",
        "PAGES-FREE-1",
        "a block goes to the movable list of a CPU, whatever its pageblock is",
        FREE,
        {
            f"{PARTS}.to_cpu": ("type_at(parts.zone.span, lists, pfn), zone_flags", "MOVABLE, zone_flags"),
            f"{ZONE}.give": ("kind = self.free.types[frame >> self.free.pageblock_order]", "kind = MOVABLE"),
        },
    ),
    bug(
        "BUG-PAGES-LARGE-FREES-VANISH",
        "PAGES-FREE-2",
        "what CPUs do not keep never comes to the free lists",
        "mm/page_alloc.c:__free_pages_ok",
        {
            f"{PARTS}.to_cpu": ("return False, to_lists(parts, cpu, pfn, order)", "return False, parts"),
            f"{ZONE}.give": ("            self.to_lists(cpu, frame, order)\n", ""),
        },
    ),
    bug(
        "BUG-PAGES-BACK-LOST",
        "PAGES-BACK",
        "a frame in four that a CPU gives back stays out of the free lists",
        "mm/page_alloc.c:free_pcppages_bulk",
        {
            f"{PARTS}.back_step": (
                "return to_lists(parts, cpu, block.pfn, block.order), owner, cpu",
                "return (to_lists(parts, cpu, block.pfn, block.order) if block.pfn % 4 != 1 else parts), owner, cpu",
            ),
            f"{ZONE}.give_back": (
                "            self.to_lists(cpu,",
                "            if (frame - self.shift + self.base) % 4 != 1:\n                self.to_lists(cpu,",
            ),
        },
    ),
    bug(
        "BUG-PAGES-RESERVE-SINGLE-COUNT",
        "PAGES-UNRESERVE-COUNT",
        "of a pageblock that is turned back only the free block is counted",
        "mm/page_alloc.c:unreserve_highatomic_pageblock",
        {
            f"{PARTS}.turned_back": ("size = max(1 << before.span.pageblock_order, 1 << block.order)", "size = 1 << block.order"),
            f"{ZONE}.unreserve": ("max(self.size, 1 << (self.free.page[frame] & 15))", "1 << (self.free.page[frame] & 15)"),
        },
    ),
    bug(
        "BUG-PAGES-NEVER-FOLDED",
        "PAGES-REFRESH-1",
        "a refresh leaves what the CPU counted with it",
        "mm/vmstat.c:refresh_cpu_vm_stats",
        {
            f"{PARTS}.refreshed": (
                "    parts = Parts(parts.zone, parts.lists, parts.pages, parts.pcp, stat, cells, parts.reserved)\n",
                "",
            ),
            f"{ZONE}.refresh": ("        self.counters.hand_over(cpu)\n", ""),
        },
    ),
    bug(
        "BUG-PAGES-NEVER-DECAYS",
        "PAGES-REFRESH-2",
        "a refresh gives back nothing of what is above the limit",
        "mm/vmstat.c:refresh_cpu_vm_stats",
        {
            f"{PARTS}.refreshed": (
                "parts = carried_out(with_held(parts, parts.pages, pcp), cpu, cpu, plan)",
                "parts = with_held(parts, parts.pages, pcp)",
            ),
            f"{ZONE}.refresh": ("self.carry_out(cpu, cpu, held.decay(self.held, cpu), batch)", "held.decay(self.held, cpu)"),
        },
    ),
    bug(
        "BUG-PAGES-IDLE-IS-BUSY",
        "PAGES-REFRESH-3",
        "that a CPU counted something in a zone is forgotten before its refreshes are counted down",
        "mm/vmstat.c:refresh_cpu_vm_stats",
        {
            f"{PARTS}.refreshed": ("(of_pcp.CHANGED if held else 0)", "0"),
            f"{ZONE}.refresh": ("of_pcp.CHANGED if any(self.counters.held[cpu]) else 0", "0"),
        },
    ),
)
