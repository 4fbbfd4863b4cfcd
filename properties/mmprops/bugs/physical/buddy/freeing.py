"""Wrong versions of the rules for giving blocks back, and for counting them."""

from __future__ import annotations

from mmprops.bugs.physical.buddy.places import CORE, KINDS, LINUX, LISTS, OUR, OURS, bug

_FREE, _ACCOUNT = "mm/page_alloc.c:__free_one_page, v6.12", "mm/page_alloc.c:account_freepages, v6.12"
_LIKELY = "mm/page_alloc.c:buddy_merge_likely, v6.12"

BUGS = (
    bug(
        "BUG-MERGE-STOPS-SHORT",
        "BUDDY-FREE-2",
        "merging ends one order below max_order",
        _FREE,
        {
            f"{OUR}.lists.free_one": ("range(order, zone.max_order)", "range(order, zone.max_order - 1)"),
            f"{LISTS}.listed_merge_more": ("order >= span.max_order", "order >= span.max_order - 1"),
        },
    ),
    bug(
        "BUG-SINGLES-STAY-APART",
        "BUDDY-FREE-2b",
        "merging ends at a single frame although its buddy is free too",
        _FREE,
        {
            f"{OUR}.lists.merges": ("!= order:", "!= order or order == 0:"),
            f"{LISTS}.listed_merge_more": ("!= order:", "!= order or order == 0:"),
        },
    ),
    bug(
        "BUG-MERGE-ANY-ORDER",
        "BUDDY-ALLOC-FREE",
        "a block merges with its buddy's head although only a part of the buddy is free",
        _FREE,
        {
            f"{OUR}.lists.merges": ("(zone.page[buddy] & LISTED_ORDER) != order", "zone.page[buddy] >= ALLOCATED"),
            f"{LISTS}.listed_merge_more": ("listed_order(lists, buddy) != order", "listed_order(lists, buddy) == ABSENT"),
            f"{CORE}.merge_more": (
                "free.get(buddy_of(pfn, order), ABSENT) == order",
                "free.get(buddy_of(pfn, order), ABSENT) != ABSENT",
            ),
        },
        profile="any",
    ),
    bug(
        "BUG-BARRIER-ABOVE",
        "BUDDY-FREE-2c",
        "the merge barrier begins above pageblock order instead of at it",
        _FREE,
        {
            f"{OUR}.lists.merges": ("order < zone.pageblock_order", "order <= zone.pageblock_order"),
            f"{LISTS}.listed_merge_more": ("order >= span.pageblock_order", "order > span.pageblock_order"),
        },
    ),
    bug(
        "BUG-BUDDY-STAYS-MARKED",
        "BUDDY-FREE-2d",
        "a buddy that was merged leaves the ring but still says that it is listed",
        _FREE,
        {
            f"{OUR}.lists.absorb": (
                "    delist(zone, buddy)\n",
                "    cell = zone.page[buddy]\n    delist(zone, buddy)\n    zone.page[buddy] = cell\n",
            ),
            f"{LISTS}.listed_merge_step": (
                "delist(lists, buddy)",
                "FreeLists(lists.kernel, lists.block, linked.remove(lists.links, buddy), lists.types, lists.movable)",
            ),
            f"{CORE}.merge_step": ("free.delete(buddy_of(pfn, order))", "free"),
        },
    ),
    bug(
        "BUG-MERGE-KEEPS-TYPE",
        "BUDDY-FREE-2e",
        "a buddy that is merged across types keeps its pageblocks' type",
        _FREE,
        {
            f"{OUR}.lists.absorb": ("zone.kernel >= 612", "zone.kernel > 612"),
            f"{LISTS}.listed_merge_step": ("lists.kernel >= 612", "lists.kernel > 612"),
        },
    ),
    bug(
        "BUG-MERGED-AT-UPPER",
        "BUDDY-FREE-2f",
        "a merged block starts where the freed one did, even if that was the upper half",
        _FREE,
        {
            f"{OUR}.lists.free_one": ("pfn = pfn & ~(1 << k)", "pfn = pfn | 0"),
            f"{LISTS}.listed_merge_step": ("parent_of(pfn, order)", "pfn"),
            f"{CORE}.merge_step": ("parent_of(pfn, order)", "pfn"),
        },
    ),
    bug(
        "BUG-TAIL-IF-ASKED-ONLY",
        "BUDDY-FREE-3",
        "a freed block goes to the head although its parent is likely to merge",
        _LIKELY,
        {
            f"{OUR}.lists.free_one": ("tail or merge_likely(zone, pfn, have)", "tail"),
            f"{LISTS}.free_one": ("tail or merge_likely(span, lists, pfn, order)", "tail"),
        },
    ),
    bug(
        "BUG-TAIL-TOO-LOW",
        "BUDDY-FREE-3",
        "a block two orders below max_order goes to the head although its parent is likely to merge",
        _LIKELY,
        {
            f"{OUR}.lists.merge_likely": ("order + 1 >= zone.max_order", "order + 2 >= zone.max_order"),
            f"{LISTS}.merge_likely": ("order >= span.max_order - 1", "order >= span.max_order - 2"),
        },
    ),
    bug(
        "BUG-FREED-AS-SMALL",
        "BUDDY-FREE-4",
        "a merged block goes on the list of the order that was freed",
        _FREE,
        {
            f"{OUR}.lists.free_one": (
                "number = (migratetype << 4) | have",
                "have = order\n    number = (migratetype << 4) | have",
            ),
            f"{LISTS}.free_one": ("_, lists, pfn, order, migratetype =", "_, lists, pfn, _, migratetype ="),
            f"{CORE}.give": ("free.set(head, high)", "free.set(head, order)"),
        },
    ),
    bug(
        "BUG-PIECES-OF-FIRST-TYPE",
        "BUDDY-FREE-PIECES",
        "of a large block every second pageblock is freed by the type of the one before it",
        "mm/page_alloc.c:split_large_buddy, v6.12",
        {
            f"{OUR}.lists.free_pieces": (
                "zone.types[piece >> zone.pageblock_order]",
                "zone.types[piece >> zone.pageblock_order & ~1]",
            ),
            f"{LISTS}.pieces_step": (
                "type_at(span, lists, pfn)",
                "type_at(span, lists, head_of(pfn, span.pageblock_order + 1))",
            ),
        },
    ),
    bug(
        "BUG-PUTBACK-TO-HEAD",
        "BUDDY-PUTBACK",
        "a block that was taken goes back to the head",
        "mm/page_alloc.c:__putback_isolated_page, v6.12",
        {
            f"{OUR}.operations.putback": ("zone.pageblock_order, whole)", "zone.pageblock_order, False)"),
            f"{LINUX}.putback_choose": ("type_at(zone.span, lists, op.pfn), True)", "type_at(zone.span, lists, op.pfn), False)"),
        },
    ),
    bug(
        "BUG-TAKE-WHOLE-ONLY",
        "BUDDY-TAKE-MOVABLE",
        "only a taken block of a whole pageblock turns it MOVABLE",
        "mm/page_alloc.c:__isolate_free_page, v6.12",
        {
            f"{OUR}.operations.take": ("order + 1 < zone.pageblock_order", "order < zone.pageblock_order"),
            f"{LINUX}.settle_step": ("lists, pfn)):", "lists, pfn)) or pfn + size_of(span.pageblock_order) > end:"),
        },
    ),
    bug(
        "BUG-LAST-BLOCK-REFUSED",
        "BUDDY-FREE-ACCEPTED",
        "a block that ends where the zone ends cannot be freed",
        OURS,
        {
            f"{OUR}.operations.is_live": ("pfn >= zone.end", "pfn + (1 << min(order, 15)) >= zone.end"),
            f"{LINUX}.is_live": ("order != ABSENT and", "order != ABSENT and pfn + (1 << order) < zone.span.end_pfn and"),
        },
        profile="any",
    ),
    bug(
        "BUG-FREE-ANY-ORDER",
        "BUDDY-FREE-REFUSED",
        "a live block is freed with whatever order the caller names",
        OURS,
        {
            f"{OUR}.operations.is_live": (
                "(zone.page[pfn] & ~MIGRATABLE) == (ALLOCATED | order)",
                "ALLOCATED <= zone.page[pfn] < NONE",
            ),
            f"{LINUX}.is_live": ("zone.allocated.get(pfn, ABSENT) == order", "zone.allocated.get(pfn, ABSENT) != ABSENT"),
        },
        profile="any",
    ),
    bug(
        "BUG-PUTBACK-ANY-ORDER",
        "BUDDY-FREE-REFUSED",
        "a live block is put back with whatever order the caller names",
        OURS,
        {
            f"{OUR}.operations.putback": (
                "not is_live(zone, pfn, order)",
                "pfn >= zone.end or not ALLOCATED <= zone.page[pfn] < NONE",
            )
        },
        profile="any",
    ),
    bug(
        "BUG-FREED-STAYS-LIVE",
        "BUDDY-FREE-REFUSED",
        "a block that merges into its lower buddy can be freed a second time",
        OURS,
        {f"{OUR}.operations.take_back": ("    zone.page[pfn] = NONE\n", "")},
        profile="any",
    ),
    bug(
        "BUG-TAKEN-AS-ORDINARY",
        "BUDDY-ACCOUNT",
        "frames that are handed out are taken from the ordinary count, whatever pageblock they lie in",
        _ACCOUNT,
        {
            f"{OUR}.lists.count_block": ("kind_of(zone.types[pfn >> ", "ORDINARY if sign < 0 else kind_of(zone.types[pfn >> "),
            f"{CORE}.count_block": ("kind = kind_at(zone, pfn)\n", "kind = kind_at(zone, pfn) if sign > 0 else ORDINARY\n"),
        },
    ),
    bug(
        "BUG-LARGE-AS-FIRST",
        "BUDDY-ACCOUNT-LARGE",
        "a block of several pageblocks is counted by the kind of its first",
        _ACCOUNT,
        {
            f"{OUR}.lists.count_block": ("(pfn >> zone.pageblock_order) + i", "pfn >> zone.pageblock_order"),
            f"{CORE}.count_block": ("order <= zone.span.pageblock_order", "order <= zone.span.max_order"),
        },
    ),
    bug(
        "BUG-MOVED-COUNTED-TWICE",
        "BUDDY-ACCOUNT-MOVE",
        "free frames that change kind enter the new count but stay in the old one",
        "mm/page_alloc.c:move_to_free_list, v6.12",
        {
            f"{OUR}.lists.count_moved": (
                "zone.frames[kind_of(old)] - moved",
                "zone.frames[kind_of(old)] - moved * (kind_of(old) == kind_of(new))",
            ),
            f"{KINDS}.set_kind": ("zone.frames.get(old, 0) - count", "zone.frames.get(old, 0)"),
        },
    ),
    bug(
        "BUG-COUNT-WITHOUT-ISOLATED",
        "BUDDY-FREE-COUNT",
        "the number of free frames that is reported leaves the isolated ones out",
        OURS,
        {f"{OUR}.Buddy._answer_count": ("self.arrays.frames.sum()", "self.arrays.frames[:5].sum()")},
        profile="any",
    ),
    bug(
        "BUG-BLOCKS-PAST-TOP",
        "BUDDY-FREE-BLOCKS",
        "free blocks are reported merged beyond max_order",
        OURS,
        {f"{OUR}.merged": ("order < max_order and ", "")},
        profile="any",
    ),
)
