"""Broken promises: what no allocator may do, wherever it keeps its frames."""

from __future__ import annotations

from mmprops.bugs.physical.pages.places import CORE, OUR, OURS, ZONE, bug

RMQUEUE = "mm/page_alloc.c:rmqueue"

BUGS = (
    bug(
        "BUG-PAGES-BOTH-TYPES",
        "PAGES-ARGS",
        "a request that is movable and reclaimable is taken",
        OURS,
        {f"{OUR}.is_lawful": ("op.gfp & MOBILITY != MOBILITY", "op.gfp & MOBILITY != 1")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-CMA-BY-FLAG",
        "PAGES-ARGS",
        "a request says itself that it may use CMA pageblocks",
        "mm/page_alloc.c:gfp_to_alloc_flags_cma",
        {f"{OUR}.alloc": (" or op.flags & ALLOC_CMA", "")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-LAST-CPU-REFUSED",
        "PAGES-ACCEPTED",
        "the last CPU is not drained",
        OURS,
        {f"{OUR}.drain": ("op.cpu >= self.cpus", "op.cpu >= max(1, self.cpus - 1)")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-ORDER-UNCHECKED",
        "PAGES-ORDER",
        "a request above the largest order gets a block of that",
        "mm/page_alloc.c:__alloc_pages_noprof",
        {f"{OUR}.alloc": ("return ENOMEM\n        highest", "op = Alloc(op.cpu, op.gfp, 0, op.node)\n        highest")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-FIRST-REQUEST-FAILS",
        "PAGES-ENOMEM",
        "a request fails while nobody has a block",
        OURS,
        {f"{OUR}.alloc": ("if op.order > self.max_order:", "if op.order > self.max_order or not self.live:")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-TOO-HIGH",
        "PAGES-ZONE",
        "a zone above the highest kind of the request serves it",
        "mm/page_alloc.c:get_page_from_freelist",
        {f"{OUR}.eligible": ("zone % 8 <= highest", "zone % 8 <= highest + 2")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-THISNODE-STRAYS",
        "PAGES-ZONE",
        "THISNODE is forgotten",
        "include/linux/gfp.h:gfp_zonelist",
        {f"{OUR}.eligible": ("self.zones.own[node] if gfp & GFP_THISNODE else self.zones.lists[node]", "self.zones.lists[node]")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-SMALL-BLOCK",
        "PAGES-ALIGNED",
        "the block that is handed out begins a frame late",
        RMQUEUE,
        {f"{OUR}.handed_out": ("frame + self.parts[zone].base", "frame + self.parts[zone].base + (order == 1)")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-TWO-OWNERS",
        "PAGES-FREE",
        "a block that a CPU hands out stays on its list",
        RMQUEUE,
        {
            f"{ZONE}.from_cpu": (
                "        if migratetype == MOVABLE:",
                "        held.refill(self.held, cpu, frame + self.shift, order, 0)\n        if migratetype == MOVABLE:",
            )
        },
        profile="any",
    ),
    bug(
        "BUG-PAGES-CMA-FOR-ALL",
        "PAGES-CMA",
        "what a CPU holds of CMA pageblocks serves any request",
        "mm/page_alloc.c:free_unref_page",
        {f"{ZONE}.give": ("kind = self.free.types[frame >> self.free.pageblock_order]", "kind = 0")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-FREE-LOST",
        "PAGES-FREE-ACCEPTED",
        "a frame that was split off is not taken back",
        "mm/page_alloc.c:split_page",
        {f"{OUR}.split": ("range(op.pfn, op.pfn + (1 << op.order))", "range(op.pfn, op.pfn + 1)")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-FREE-UNCHECKED",
        "PAGES-FREE-REFUSED",
        "a part of a block is taken back",
        OURS,
        {f"{OUR}.free": ("self.live.get(op.pfn) != op.order", "self.live.get(op.pfn, -1) < op.order")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-BROKEN-AGAIN",
        "PAGES-FREE",
        "a frame that is broken goes back into use",
        "mm/page_alloc.c:free_pages_prepare",
        {f"{OUR}.free": ("(op.state == POISONED and op.order == 0)", "op.state < 0")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-BAD-AGAIN",
        "PAGES-LEAK",
        "what is bad goes back into use, though blocks are checked",
        "mm/page_alloc.c:free_pages_prepare",
        {
            f"{CORE}.leaks": ("(memory.checks != 0)", "(memory.checks < 0)"),
            f"{OUR}.free": ("op.state == BAD and self.checks", "op.state < 0"),
        },
    ),
    bug(
        "BUG-PAGES-SPLIT-REFUSED",
        "PAGES-SPLIT",
        "a block of four frames is not split",
        "mm/page_alloc.c:split_page",
        {f"{OUR}.split": ("self.live.get(op.pfn) != op.order", "self.live.get(op.pfn) != op.order or op.order == 2")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-TAKEN-BY-ZONE",
        "PAGES-BUDDY-8",
        "what requests give back is not counted",
        OURS,
        {f"{CORE}.free_apply": ("-size_of(op.order)", "0")},
        client="spec",
    ),
)
