"""Wrong versions of the rules for handing blocks out, and for falling back to other types."""

from __future__ import annotations

from mmprops.bugs.physical.buddy.places import CORE, FALLBACK, LINUX, LISTS, OUR, OURS, STATE, bug

_RMQUEUE, _RMQUEUE_BUDDY = "mm/page_alloc.c:__rmqueue, v6.12", "mm/page_alloc.c:rmqueue_buddy, v6.12"
_CLAIM, _STEAL_BLOCK = "mm/page_alloc.c:__rmqueue_claim, v6.12", "mm/page_alloc.c:try_to_steal_block, v6.12"

_DOWN = """order = above - 1
    pfn = find_fallback(lists, order, migratetype)
    if pfn == NOBODY:
        return zone, lists, migratetype, least, order, NOBODY
    rule(c.CLAIM_LARGEST)
    if not can_claim(zone.span, order, migratetype):
        return zone, lists, migratetype, least, least, NOBODY
    if order >= zone.span.pageblock_order or claimable(zone, lists, pfn, migratetype):
        return zone, lists, migratetype, least, least, pfn
    return zone, lists, migratetype, least, order, NOBODY
"""
_UP = _DOWN.replace("above - 1", "max(0, zone.span.max_order + 1 - (above - least))").replace("least, order", "least, above - 1")

BUGS = (
    bug(
        "BUG-ORDER-ABOVE-SERVED",
        "BUDDY-ALLOC-ARGS",
        "a request of the order above max_order is not refused",
        OURS,
        {
            f"{OUR}.operations.alloc": ("order > zone.max_order", "order > zone.max_order + 1"),
            f"{CORE}.alloc_served": ("op.order <= span.max_order", "op.order <= span.max_order + 1"),
        },
        profile="any",
    ),
    bug(
        "BUG-TOP-NOT-SEARCHED",
        "BUDDY-ALLOC-ENOMEM",
        "the lists of max_order are not searched",
        "mm/page_alloc.c:__rmqueue_smallest, v6.12",
        {
            f"{OUR}.lists.smallest": ("range(order, zone.max_order + 1)", "range(order, zone.max_order)"),
            f"{LISTS}.smallest": ("order > span.max_order", "order >= span.max_order"),
        },
        profile="any",
    ),
    bug(
        "BUG-BLOCK-PAST-END",
        "BUDDY-ALLOC-INSIDE",
        "the block at the end of the zone's memory is added one order too large",
        "mm/page_alloc.c:bad_range, v6.12",
        {
            f"{OUR}.memory.largest_blocks": ("(end - pfn).bit_length() - 1", "(end - pfn).bit_length()"),
            f"{STATE}.blocks_of": ("(end - pfn).bit_length() - 1", "(end - pfn).bit_length()"),
        },
        profile="any",
    ),
    bug(
        "BUG-EXPAND-TOO-FAR",
        "BUDDY-ALLOC-FREE",
        "a split lists one half too many: a part of the block that is handed out",
        "mm/page_alloc.c:expand, v6.12",
        {
            f"{OUR}.lists.take_listed": (", order - 1, -1)", ", max(order - 1, 0) - 1, -1)"),
            f"{LISTS}.expand_more": ("have > order", "have > max(order - 1, 0)"),
            f"{CORE}.withdraw": ("zone.allocated.set(pfn, order)", "zone.allocated"),
        },
        profile="any",
    ),
    bug(
        "BUG-CMA-FOR-ALL",
        "BUDDY-ALLOC-KIND",
        "a request with any flag may be served from CMA",
        _RMQUEUE,
        {
            f"{OUR}.fallback.pick_flagged": ("pfn == zone.heads and flags & ALLOC_CMA", "pfn == zone.heads"),
            f"{LINUX}.rmqueue": ("if flags & ALLOC_CMA:", "if flags:"),
        },
        profile="any",
    ),
    bug(
        "BUG-EXPAND-TO-MOVABLE",
        "BUDDY-EXPAND",
        "what is split off goes to a MOVABLE list, whatever its pageblock is",
        "mm/page_alloc.c:expand, v6.12",
        {
            f"{OUR}.lists.list_upper_half": ("(number & TYPE) | half", "(1 << 4) | half"),
            f"{LISTS}.expand_step": ("half, migratetype, False)", "half, 1, False)"),
        },
    ),
    bug(
        "BUG-LAST-OF-LIST",
        "BUDDY-SMALLEST",
        "a request takes the last block of a list instead of the first",
        "mm/page_alloc.c:__rmqueue_smallest, v6.12",
        {
            f"{OUR}.lists.smallest": ("zone.after[", "zone.before["),
            f"{LISTS}.smallest": (
                "first_listed(lists, order, migratetype)",
                "lists.links.prev.get(NOBODY + list_number(order, migratetype), NOBODY)",
            ),
        },
    ),
    bug(
        "BUG-LARGEST-FIRST",
        "BUDDY-SMALLEST",
        "a request splits the largest block that serves it",
        "mm/page_alloc.c:__rmqueue_smallest, v6.12",
        {
            f"{OUR}.lists.smallest": ("range(order, zone.max_order + 1)", "range(zone.max_order, order - 1, -1)"),
            f"{LISTS}.smallest": (
                "_, _, order, _ = SMALLEST.run(span, lists, order, migratetype)",
                "served = [k for k in range(order, span.max_order + 1) if first_listed(lists, k, migratetype) < NOBODY]\n"
                "    order = max(served, default=span.max_order + 1)",
            ),
        },
    ),
    bug(
        "BUG-CMA-NEVER-FIRST",
        "BUDDY-RMQUEUE-1",
        "a CMA request tries CMA first only if it holds more than all of the free frames",
        _RMQUEUE,
        {
            f"{OUR}.fallback.cma_first": (" // 2", ""),
            f"{LINUX}.cma_first": (" // 2", ""),
        },
    ),
    bug(
        "BUG-CMA-FIRST-AT-HALF",
        "BUDDY-RMQUEUE-1",
        "a CMA request tries CMA first when it holds exactly half of the free frames",
        _RMQUEUE,
        {
            f"{OUR}.fallback.cma_first": ("cma > ", "cma >= "),
            f"{LINUX}.cma_first": ("cma > ", "cma >= "),
        },
    ),
    bug(
        "BUG-RECLAIMABLE-AS-UNMOVABLE",
        "BUDDY-RMQUEUE-2",
        "a RECLAIMABLE request tries the lists of UNMOVABLE instead of its own",
        _RMQUEUE,
        {
            f"{OUR}.operations.alloc": ("smallest(zone, order, migratetype)", "smallest(zone, order, migratetype & 1)"),
            f"{OUR}.fallback.pick_flagged": ("smallest(zone, order, migratetype)", "smallest(zone, order, migratetype & 1)"),
            f"{LINUX}.rmqueue": ("lists, order, migratetype)\n", "lists, order, migratetype & 1)\n"),
        },
    ),
    bug(
        "BUG-CMA-IF-UNFRAGMENTING",
        "BUDDY-RMQUEUE-3",
        "a CMA request comes back to CMA only if it must not fragment",
        _RMQUEUE,
        {
            f"{OUR}.fallback.pick_flagged": (
                "pfn == zone.heads and flags & ALLOC_CMA",
                "pfn == zone.heads and flags & ALLOC_CMA and flags & ALLOC_NOFRAGMENT",
            ),
            f"{LINUX}.rmqueue": ("if flags & ALLOC_CMA:", "if flags & ALLOC_CMA and flags & 0x100:"),
        },
    ),
    bug(
        "BUG-NO-CLAIM-UNFRAGMENTING",
        "BUDDY-RMQUEUE-4",
        "a request that must not fragment does not fall back at all",
        _RMQUEUE,
        {
            f"{OUR}.fallback.fall_back": (
                "    if zone.kernel < 612:\n",
                "    if flags & ALLOC_NOFRAGMENT:\n        return zone.heads\n    if zone.kernel < 612:\n",
            ),
            f"{FALLBACK}.fall_back": (
                "    if lists.kernel < 612:\n",
                "    if flags & ALLOC_NOFRAGMENT:\n        return NOBODY, lists\n    if lists.kernel < 612:\n",
            ),
        },
    ),
    bug(
        "BUG-FALLBACK-SKIPS",
        "BUDDY-FALLBACK-ORDER",
        "a MOVABLE request never looks at RECLAIMABLE",
        "mm/page_alloc.c:fallbacks, v6.12",
        {
            f"{OUR}.fallback.find_fallback": (
                "migratetype == RECLAIMABLE else RECLAIMABLE",
                "migratetype != UNMOVABLE else RECLAIMABLE",
            ),
            f"{FALLBACK}.first_fallback": (
                "migratetype == RECLAIMABLE else RECLAIMABLE",
                "migratetype != UNMOVABLE else RECLAIMABLE",
            ),
        },
    ),
    bug(
        "BUG-FALLBACK-TAIL",
        "BUDDY-FALLBACK-HEAD",
        "the tail of the first fallback list is tried instead of its head",
        "mm/page_alloc.c:find_suitable_fallback, v6.12",
        {
            f"{OUR}.fallback.find_fallback": ("zone.after[zone.heads + ((first", "zone.before[zone.heads + ((first"),
            f"{FALLBACK}.find_fallback": (
                "first_listed(lists, order, first_fallback(migratetype))",
                "lists.links.prev.get(NOBODY + ((first_fallback(migratetype) << 4) | order), NOBODY)",
            ),
        },
    ),
    bug(
        "BUG-CLAIM-ABOVE-HALF",
        "BUDDY-CAN-CLAIM",
        "a MOVABLE request claims only from blocks of more than half the pageblock order",
        "mm/page_alloc.c:can_steal_fallback, v6.12",
        {
            f"{OUR}.fallback.can_claim": ("order >= zone.pageblock_order // 2", "order > zone.pageblock_order // 2"),
            f"{FALLBACK}.can_claim": ("order >= span.pageblock_order // 2", "order > span.pageblock_order // 2"),
        },
    ),
    bug(
        "BUG-CLAIM-SMALLEST",
        "BUDDY-CLAIM",
        "a claim looks from the smallest block up",
        _CLAIM,
        {
            f"{OUR}.fallback.claim": ("range(zone.max_order, least - 1, -1)", "range(least, zone.max_order + 1)"),
            f"{FALLBACK}.claim_step": (_DOWN, _UP),
        },
    ),
    bug(
        "BUG-CLAIM-FRAGMENTS",
        "BUDDY-CLAIM",
        "a claim goes below pageblock order although fragmenting is forbidden",
        _CLAIM,
        {
            f"{OUR}.fallback.claim": ("max(order, zone.pageblock_order) if flags & ALLOC_NOFRAGMENT else order", "order"),
            f"{FALLBACK}.claimed": ("max(order, span.pageblock_order) if flags & ALLOC_NOFRAGMENT else order", "order"),
        },
    ),
    bug(
        "BUG-CLAIM-FIRST-ONLY",
        "BUDDY-CLAIM-WHOLE",
        "of a claimed block of several pageblocks only the first takes the request's type",
        _STEAL_BLOCK,
        {
            f"{OUR}.fallback.claim": (
                "set_types(zone, pfn, k, migratetype)",
                "set_types(zone, pfn, zone.pageblock_order, migratetype)",
            ),
            f"{FALLBACK}.claim": (
                "delist(lists, pfn), pfn, have, migratetype)",
                "delist(lists, pfn), pfn, span.pageblock_order, migratetype)",
            ),
        },
    ),
    bug(
        "BUG-CLAIM-ACROSS-EDGE",
        "BUDDY-CLAIM-REFUSED",
        "a pageblock that reaches beyond the zone is claimed",
        _STEAL_BLOCK,
        {
            f"{OUR}.fallback.claim": ("not pageblock_inside(zone, pfn)", "zone.end == 0"),
            f"{FALLBACK}.claimable": ("not pageblock_inside(span, pfn)", "span.end_pfn == 0"),
        },
    ),
    bug(
        "BUG-CLAIM-OVER-HALF",
        "BUDDY-CLAIM-HALF",
        "a pageblock is claimed only if more than half of it is free or alike",
        _STEAL_BLOCK,
        {
            f"{OUR}.fallback.enough_alike": ("free + alike >= size >> 1", "free + alike > size >> 1"),
            f"{FALLBACK}.enough_alike": ("free + alike >= size >> 1", "free + alike > size >> 1"),
        },
    ),
    bug(
        "BUG-TALLY-INVERTED",
        "BUDDY-CLAIM-HALF",
        "a pageblock's unmovable allocations are counted as its movable ones",
        _STEAL_BLOCK,
        {
            f"{OUR}.fallback.enough_alike": ("cell != NONE and cell & MIGRATABLE", "cell != NONE and not cell & MIGRATABLE"),
            f"{FALLBACK}.tally_step": ("lists.movable.get(pfn, ABSENT) != ABSENT", "lists.movable.get(pfn, ABSENT) == ABSENT"),
        },
    ),
    bug(
        "BUG-CLAIM-MOVES-ONE",
        "BUDDY-CLAIM-PAGEBLOCK",
        "of a claimed pageblock only the block that was found moves to the request's lists",
        _STEAL_BLOCK,
        {
            f"{OUR}.fallback.claim": (
                "move_pageblock(zone, pfn, migratetype)",
                "relist(zone, pfn, migratetype)\n            set_types(zone, pfn, zone.pageblock_order, migratetype)",
            ),
            f"{FALLBACK}.claim": (
                "move_pageblock(zone, lists, pfn, migratetype)",
                "set_types(span, relist(lists, pfn, migratetype), pfn, span.pageblock_order, migratetype)",
            ),
        },
    ),
    bug(
        "BUG-STEAL-FRAGMENTS",
        "BUDDY-STEAL-NOFRAGMENT",
        "a request steals although it must not fragment",
        _RMQUEUE,
        {
            f"{OUR}.fallback.fall_back": ("pfn < zone.heads or flags & ALLOC_NOFRAGMENT", "pfn < zone.heads"),
            f"{FALLBACK}.fall_back": ("if flags & ALLOC_NOFRAGMENT:", "if flags & 0:"),
        },
    ),
    bug(
        "BUG-61-LARGEST-ALWAYS",
        "BUDDY-FALLBACK-6.1",
        "6.1's MOVABLE request takes the largest foreign block although it cannot claim its pageblock",
        "mm/page_alloc.c:__rmqueue_fallback, v6.1",
        {
            f"{OUR}.fallback.choose_61": ("return steal(zone, order, migratetype)", "return pfn"),
            f"{FALLBACK}.chosen_61": ("smallest_fallback(span, lists, order, ", "smallest_fallback(span, lists, above - 1, "),
        },
        profile="kernel-6.1",
    ),
    bug(
        "BUG-61-RETYPES-UNALIKE",
        "BUDDY-STEAL-6.1",
        "6.1 gives a pageblock the request's type where most of it is unlike the request",
        "mm/page_alloc.c:steal_suitable_fallback, v6.1",
        {
            f"{OUR}.fallback.move_61": ("if alike:", "if not alike:"),
            f"{FALLBACK}.moved_61": ("if alike:", "if not alike:"),
        },
        profile="kernel-6.1",
    ),
    bug(
        "BUG-RESERVE-NOT-FIRST",
        "BUDDY-HIGHATOMIC-FIRST",
        "a HIGHATOMIC request does not try the reserve first",
        _RMQUEUE_BUDDY,
        {
            f"{OUR}.fallback.pick_flagged": ("flags & ALLOC_HIGHATOMIC:", "flags & 0:"),
            f"{LINUX}.rmqueue_buddy": ("op.flags & ALLOC_HIGHATOMIC:", "op.flags & 0:"),
        },
    ),
    bug(
        "BUG-RESERVE-NOT-FOR-OOM",
        "BUDDY-HIGHATOMIC-LAST",
        "a request that kills does not try the reserve last",
        _RMQUEUE_BUDDY,
        {
            f"{OUR}.fallback.pick_flagged": ("flags & (ALLOC_OOM | ALLOC_NON_BLOCK)", "flags & ALLOC_NON_BLOCK"),
            f"{LINUX}.rmqueue_buddy": ("op.flags & (ALLOC_OOM | ALLOC_NON_BLOCK)", "op.flags & ALLOC_NON_BLOCK"),
        },
    ),
)
