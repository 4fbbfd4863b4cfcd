"""Wrong versions of the law's own text, found by its truths about every state."""

from __future__ import annotations

from mmprops.bugs.physical.pcp.places import AMOUNTS, CORE, LINUX, bug

_COMMIT = "mm/page_alloc.c:free_unref_page_commit, v6.12"

BUGS = (
    bug(
        "BUG-LAW-COUNTS-BLOCKS",
        "PCP-COUNT",
        "a block that comes in is counted as one frame",
        _COMMIT,
        {f"{CORE}.hold": ("+ size_of(order)", "+ 1")},
        profile="any",
        client="spec",
    ),
    bug(
        "BUG-LAW-HOLDS-ANYTHING",
        "PCP-HELD",
        "a block that is not aligned, or not of the zone, is taken",
        _COMMIT,
        {f"{CORE}.takes": ("well_placed(pages.span, pfn, order) & ", "")},
        profile="any",
        client="spec",
    ),
    bug(
        "BUG-LAW-OWES-MORE",
        "PCP-OWED",
        "what a drain has given back is still owed",
        "mm/page_alloc.c:free_pcppages_bulk, v6.12",
        {f"{CORE}.drain_apply": ("max(0, pages.owed.get(op.cpu, 0) - size_of(result.order))", "pages.owed.get(op.cpu, 0)")},
        profile="any",
        client="spec",
    ),
    bug(
        "BUG-LAW-REFILLS-ANOTHER-CPU",
        "PCP-LISTED",
        "a block of a refill is linked to the list of the first CPU",
        "mm/page_alloc.c:rmqueue_bulk, v6.12",
        {f"{LINUX}.refill_choose": ("list_for(op.cpu, ", "list_for(0, ")},
        client="spec",
    ),
    bug(
        "BUG-LAW-SCALES-ON",
        "PCP-3",
        "a refill is scaled once more than it may be",
        "mm/page_alloc.c:nr_pcp_alloc, v6.12",
        {f"{AMOUNTS}.wanted": ("pcp.alloc_factor < pages.span.scale_max", "pcp.alloc_factor <= pages.span.scale_max")},
        client="spec",
    ),
)
