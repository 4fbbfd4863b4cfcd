"""Broken promises: what no allocator may do, whichever zone it prefers."""

from __future__ import annotations

from mmprops.bugs.physical.page_alloc.places import LISTS, OUR, OURS, PATH, bug

SLOW = "mm/page_alloc.c:__alloc_pages_slowpath"

BUGS = (
    bug(
        "BUG-PA-BOTH-TYPES",
        "PAGE-ALLOC-ARGS",
        "a request that is movable and reclaimable is taken",
        OURS,
        {f"{OUR}.is_lawful": ("gfp & MOBILITY != MOBILITY", "gfp & MOBILITY != 1")},
        profile="any",
    ),
    bug(
        "BUG-PA-LAST-NODE-REFUSED",
        "PAGE-ALLOC-ACCEPTED",
        "a request that begins on the last node is refused",
        OURS,
        {f"{OUR}.is_lawful": ("node < self.zones.nodes", "node < max(1, self.zones.nodes - 1)")},
        profile="any",
    ),
    bug(
        "BUG-PA-ORDER-UNCHECKED",
        "PAGE-ALLOC-ORDER",
        "a request above the largest order goes its way",
        "mm/page_alloc.c:__alloc_pages_noprof",
        {f"{OUR}.enter": ("op.order > self.max_order or (op.inject", "(op.inject")},
        profile="any",
    ),
    bug(
        "BUG-PA-TOO-HIGH",
        "PAGE-ALLOC-3",
        "a zone above the highest kind of the request serves it",
        "mm/page_alloc.c:get_page_from_freelist",
        {f"{OUR}.eligible": ("zone % 8 <= highest", "zone % 8 <= highest + 2")},
        profile="any",
    ),
    bug(
        "BUG-PA-THISNODE-STRAYS",
        "PAGE-ALLOC-3",
        "THISNODE is forgotten",
        "include/linux/gfp.h:gfp_zonelist",
        {f"{OUR}.eligible": ("self.zones.own[node] if gfp & GFP_THISNODE else self.zones.lists[node]", "self.zones.lists[node]")},
        profile="any",
    ),
    bug(
        "BUG-PA-MORE-THAN-FREE",
        "PAGE-ALLOC-FREE",
        "a zone gives a block where no frame is free",
        "mm/page_alloc.c:get_page_from_freelist",
        {f"{LISTS}.has": (">= 1 << order", ">= 0")},
        profile="any",
    ),
    bug(
        "BUG-PA-ATOMIC-SLEEPS",
        "PAGE-ALLOC-SLEEPS",
        "a request that cannot reclaim does",
        SLOW,
        {f"{PATH}.rounds": ("or not self.gfp & GFP_DIRECT_RECLAIM or", "or")},
        profile="any",
    ),
    bug(
        "BUG-PA-NOIO-COMPACTS",
        "PAGE-ALLOC-IO",
        "a request without IO is compacted for",
        SLOW,
        {f"{PATH}.compacts_first": ("not self.gfp & GFP_IO or", "")},
        profile="any",
    ),
    bug(
        "BUG-PA-COSTLY-KILLS",
        "PAGE-ALLOC-KILLS",
        "the OOM killer is asked for a request that may fail",
        "mm/page_alloc.c:__alloc_pages_may_oom",
        {f"{PATH}.kill": ("self.gfp & (GFP_RETRY_MAYFAIL | GFP_THISNODE)", "self.gfp & GFP_THISNODE")},
        profile="any",
    ),
    bug(
        "BUG-PA-NOFAIL-FAILS",
        "PAGE-ALLOC-NOFAIL",
        "a request that may not fail does",
        SLOW,
        {f"{PATH}.once": ("if not (self.gfp & GFP_NOFAIL and self.gfp & GFP_DIRECT_RECLAIM):", "if True:")},
        profile="any",
    ),
    bug(
        "BUG-PA-ALL-WAIT",
        "PAGE-ALLOC-WAITS",
        "a request that may fail waits instead",
        SLOW,
        {f"{PATH}.once": ("(self.gfp & GFP_NOFAIL and self.gfp & GFP_DIRECT_RECLAIM)", "(self.gfp & GFP_DIRECT_RECLAIM)")},
        profile="any",
    ),
)
