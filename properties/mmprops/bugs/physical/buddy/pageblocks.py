"""Wrong versions of the rules for whole pageblocks: isolating, changing and reserving them, and taking blocks out of them."""

from __future__ import annotations

from mmprops.bugs.physical.buddy.places import CORE, KINDS, LINUX, LISTS, OUR, OURS, bug

_ISOLATION, _UNISOLATION = (
    "mm/page_isolation.c:set_migratetype_isolate, v6.12",
    "mm/page_isolation.c:unset_migratetype_isolate, v6.12",
)
_MOVE = "mm/page_alloc.c:move_freepages_block, v6.12"
_RESERVE, _UNRESERVE = (
    "mm/page_alloc.c:reserve_highatomic_pageblock, v6.12",
    "mm/page_alloc.c:unreserve_highatomic_pageblock, v6.12",
)
_TAKE = "mm/page_alloc.c:__isolate_free_page, v6.12"

BUGS = (
    bug(
        "BUG-TAKE-LIVE",
        "BUDDY-TAKE-FREE",
        "a block that is handed out is taken as if it were free",
        _TAKE,
        {
            f"{OUR}.operations.take": ("(zone.page[pfn] & LISTED_ORDER) != order", "(zone.page[pfn] & 15) != order"),
            f"{CORE}.block_over": ("blocks.get(head_of(pfn, k), ABSENT) == k", "blocks.get(head_of(pfn, k), k) == k"),
        },
        profile="any",
    ),
    bug(
        "BUG-TAKE-BUSY",
        "BUDDY-TAKE-REFUSED",
        "a take that is refused answers EBUSY",
        _TAKE,
        {f"{OUR}.operations.take": ("return errno.EINVAL", "return errno.EBUSY")},
        profile="any",
    ),
    bug(
        "BUG-TAKE-FROM-LARGER",
        "BUDDY-TAKE-LISTED",
        "a take of the first part of a larger block splits it",
        _TAKE,
        {
            f"{OUR}.operations.take": (
                "(zone.page[pfn] & LISTED_ORDER) != order:\n        return errno.EINVAL\n    delist(zone, pfn)",
                "zone.page[pfn] >= ALLOCATED or (zone.page[pfn] & 15) < order:\n        return errno.EINVAL\n"
                "    take_listed(zone, pfn, order)",
            ),
            f"{LINUX}.take_choose": (
                "listed_order(lists, op.pfn) != op.order:\n        return EINVAL, lists\n"
                "    return DONE, settle_taken(zone, delist(lists, op.pfn),",
                "not op.order <= listed_order(lists, op.pfn) < ABSENT:\n        return EINVAL, lists\n"
                "    from mmspec.physical.buddy.lists import take_listed\n"
                "    return DONE, settle_taken(zone, take_listed(lists, op.pfn, op.order),",
            ),
        },
    ),
    bug(
        "BUG-ISOLATE-PARTIAL",
        "BUDDY-ISOLATE-BUSY",
        "a pageblock that reaches beyond the zone is isolated",
        _ISOLATION,
        {
            f"{OUR}.operations.isolate": ("old == ISOLATE or not pageblock_inside(zone, pfn)", "old == ISOLATE"),
            f"{LINUX}.isolate_choose": (" or not pageblock_inside(zone.span, op.pfn)", ""),
        },
        profile="any",
    ),
    bug(
        "BUG-ISOLATE-NO-CMA",
        "BUDDY-ISOLATE",
        "a CMA pageblock is not isolated",
        _ISOLATION,
        {
            f"{OUR}.operations.isolate": ("old == ISOLATE or", "old > HIGHATOMIC or"),
            f"{LINUX}.isolate_choose": ("kind_at(zone, op.pfn) == ISOLATE", "kind_at(zone, op.pfn) > HIGHATOMIC"),
        },
        profile="any",
    ),
    bug(
        "BUG-UNISOLATE-TO-ISOLATE",
        "BUDDY-UNISOLATE-ARGS",
        "an isolated pageblock is given the type ISOLATE",
        _UNISOLATION,
        {
            f"{OUR}.operations.unisolate": ("migratetype >= ISOLATE", "migratetype > ISOLATE"),
            f"{LINUX}.unisolate_choose": ("op.migratetype >= ISOLATE", "op.migratetype > ISOLATE"),
        },
        profile="any",
    ),
    bug(
        "BUG-UNISOLATE-NO-CMA",
        "BUDDY-UNISOLATE",
        "an isolated pageblock is not given the type CMA",
        _UNISOLATION,
        {
            f"{OUR}.operations.unisolate": ("migratetype >= ISOLATE", "migratetype > HIGHATOMIC"),
            f"{LINUX}.unisolate_choose": ("op.migratetype >= ISOLATE", "op.migratetype > HIGHATOMIC"),
        },
        profile="any",
    ),
    bug(
        "BUG-RETYPE-TO-ISOLATE",
        "BUDDY-RETYPE-ARGS",
        "a change of type isolates",
        _MOVE,
        {
            f"{OUR}.operations.retype": ("migratetype >= ISOLATE", "migratetype > ISOLATE"),
            f"{LINUX}.retype_choose": ("op.migratetype >= ISOLATE", "op.migratetype > ISOLATE"),
        },
        profile="any",
    ),
    bug(
        "BUG-RETYPE-ISOLATED",
        "BUDDY-RETYPE-BUSY",
        "an isolated pageblock's type is changed",
        _MOVE,
        {
            f"{OUR}.operations.retype": ("old == ISOLATE or not pageblock_inside(zone, pfn)", "not pageblock_inside(zone, pfn)"),
            f"{KINDS}.retype_possible": ("kind_at(zone, pfn) != ISOLATE", "True"),
        },
        profile="any",
    ),
    bug(
        "BUG-RETYPE-LARGE",
        "BUDDY-RETYPE-BUSY",
        "a pageblock inside a larger free block changes its type alone",
        _MOVE,
        {
            f"{OUR}.operations.retype": ("above = zone.pageblock_order + 1", "above = zone.pageblock_order + 2"),
            f"{KINDS}.retype_possible": ("above = zone.span.pageblock_order + 1", "above = zone.span.pageblock_order + 2"),
        },
        profile="any",
    ),
    bug(
        "BUG-RETYPE-NOT-FREE",
        "BUDDY-RETYPE",
        "a pageblock that is all free keeps its type",
        _MOVE,
        {
            f"{OUR}.operations.retype": ("above = zone.pageblock_order + 1", "above = zone.pageblock_order"),
            f"{KINDS}.retype_possible": ("above = zone.span.pageblock_order + 1", "above = zone.span.pageblock_order"),
        },
        profile="any",
    ),
    bug(
        "BUG-RESERVE-FOREIGN",
        "BUDDY-RESERVE-ARGS",
        "pageblocks are reserved for a live block that is named with another order",
        OURS,
        {
            f"{OUR}.operations.reserve": (
                "not is_live(zone, pfn, order)",
                "pfn >= zone.end or not ALLOCATED <= zone.page[pfn] < NONE",
            ),
            f"{LINUX}.reserve_choose": ("not is_live(zone, op.pfn, op.order)", "zone.allocated.get(op.pfn, ABSENT) == ABSENT"),
        },
        profile="any",
    ),
    bug(
        "BUG-RESERVE-PARTIAL",
        "BUDDY-RESERVE-BUSY",
        "a pageblock that reaches beyond the zone is reserved",
        _RESERVE,
        {
            f"{OUR}.operations.reserve": ("old > RECLAIMABLE or not pageblock_inside(zone, pfn)", "old > RECLAIMABLE"),
            f"{LINUX}.reserve_choose": (" or not pageblock_inside(zone.span, op.pfn)", ""),
        },
        profile="any",
    ),
    bug(
        "BUG-RESERVE-NO-RECLAIMABLE",
        "BUDDY-RESERVE",
        "a RECLAIMABLE pageblock is not reserved",
        _RESERVE,
        {
            f"{OUR}.operations.reserve": ("old > RECLAIMABLE or", "old >= RECLAIMABLE or"),
            f"{LINUX}.reserve_choose": ("kind_at(zone, op.pfn) != ORDINARY", "type_at(zone.span, lists, op.pfn) >= RECLAIMABLE"),
        },
        profile="any",
    ),
    bug(
        "BUG-UNRESERVE-TO-HIGHATOMIC",
        "BUDDY-UNRESERVE-ARGS",
        "a reserve is converted to HIGHATOMIC",
        _UNRESERVE,
        {
            f"{OUR}.operations.unreserve": ("migratetype > RECLAIMABLE", "migratetype > HIGHATOMIC"),
            f"{LINUX}.unreserve_choose": ("op.migratetype > RECLAIMABLE", "op.migratetype > HIGHATOMIC"),
        },
        profile="any",
    ),
    bug(
        "BUG-UNRESERVE-NO-SINGLES",
        "BUDDY-UNRESERVE-NONE",
        "a reserve of which single frames are free counts as used up",
        _UNRESERVE,
        {
            f"{OUR}.operations.unreserve": ("smallest(zone, 0, HIGHATOMIC)", "smallest(zone, 1, HIGHATOMIC)"),
            f"{LINUX}.unreserve_choose": (
                "smallest(zone.span, lists, 0, HIGHATOMIC)",
                "smallest(zone.span, lists, 1, HIGHATOMIC)",
            ),
        },
        profile="any",
    ),
    bug(
        "BUG-UNRESERVE-TOO-MUCH",
        "BUDDY-UNRESERVE",
        "the block whose reserve was converted is reported one order too large",
        _UNRESERVE,
        {f"{OUR}.Buddy._answer_unreserve": ("self.zone.page[frame] & ABSENT", "(self.zone.page[frame] & ABSENT) + 1")},
        profile="any",
    ),
    bug(
        "BUG-RESERVE-LEAVES-FREE",
        "BUDDY-RESERVE-MOVE",
        "a reserved pageblock's free blocks stay on the lists of its old type",
        _RESERVE,
        {
            f"{OUR}.operations.reserve": (
                "move_pageblock(zone, pfn, HIGHATOMIC))",
                "move_pageblock(zone, pfn, old))\n        zone.types[pfn >> zone.pageblock_order] = HIGHATOMIC",
            ),
            f"{LINUX}.reserve_choose": (
                "move_pageblock(zone, lists, op.pfn, HIGHATOMIC)",
                "set_types(zone.span, move_pageblock(zone, lists, op.pfn, type_at(zone.span, lists, op.pfn)), op.pfn, 0, "
                "HIGHATOMIC)",
            ),
        },
    ),
    bug(
        "BUG-UNRESERVE-LAST",
        "BUDDY-UNRESERVE-LOWEST",
        "the last block of a HIGHATOMIC list is converted instead of the first",
        _UNRESERVE,
        {
            f"{OUR}.operations.unreserve": (
                "    if pfn == zone.heads:\n",
                "    if pfn < zone.heads:\n        pfn = zone.before[zone.heads + zone.page[pfn]]\n    if pfn == zone.heads:\n",
            ),
            f"{LINUX}.unreserve_choose": (
                "    if pfn == NOBODY:\n",
                "    if pfn < NOBODY:\n        pfn = lists.links.prev[NOBODY + lists.block[pfn]]\n    if pfn == NOBODY:\n",
            ),
        },
    ),
    bug(
        "BUG-UNRESERVE-SINGLES-LAST",
        "BUDDY-CHOICE",
        "single free frames of the reserve are converted last instead of first",
        _UNRESERVE,
        {
            f"{OUR}.operations.unreserve": (
                "smallest(zone, 0, HIGHATOMIC)\n",
                "smallest(zone, 1, HIGHATOMIC)\n    if pfn == zone.heads:\n        pfn = smallest(zone, 0, HIGHATOMIC)\n",
            ),
        },
    ),
    bug(
        "BUG-MOVE-TO-HEAD",
        "BUDDY-MOVE",
        "a pageblock's free blocks move to the heads of the new type's lists",
        "mm/page_alloc.c:__move_freepages_block, v6.12",
        {
            f"{OUR}.lists.relist": ("enlist_last(", "enlist_first("),
            f"{LISTS}.relist": ("migratetype, True)", "migratetype, False)"),
        },
    ),
    bug(
        "BUG-ISOLATE-WHOLE",
        "BUDDY-ISOLATE-SPLITS",
        "a free block larger than the pageblock is isolated with it as a whole",
        "mm/page_alloc.c:move_freepages_block_isolate, v6.12",
        {
            f"{OUR}.lists.convert_pageblock": (
                "free_pieces(zone, large, order, step_of(zone, large, order), False)",
                "free_one(zone, large, order, migratetype, False)",
            ),
            f"{LISTS}.convert_pageblock": (
                "free_pieces(zone.span, lists, large, order)",
                "free_one(zone.span, lists, large, order, migratetype, False)",
            ),
        },
    ),
    bug(
        "BUG-NEVER-REMERGES",
        "BUDDY-UNISOLATE-MERGES",
        "a free pageblock that is no longer isolated stays apart from its free buddy",
        _UNISOLATION,
        {
            f"{OUR}.operations.unisolate": ("(zone.page[first] & LISTED_ORDER) == zone.pageblock_order", "pfn >= zone.end"),
            f"{LINUX}.unisolate_choose": ("listed_order(lists, start) != zone.span.pageblock_order", "start < zone.span.end_pfn"),
        },
    ),
)
