"""Bugs that happened, restated as edits of the buddy allocator (ids and references of linux/bugs.md)."""

from __future__ import annotations

from mmprops.bugs.physical.buddy.places import CORE, FALLBACK, LISTS, OUR, STATE, bug

BUGS = (
    bug(
        "BUD-01",
        "BUDDY-ALLOC-FREE",
        "a freed block is listed before it is merged and never taken out again",
        "rust buddy_system_allocator, commit 6a89f48",
        {
            f"{OUR}.lists.free_one": (
                "have = order\n",
                "enlist_first(zone, pfn, (migratetype << 4) | order)\n    have = order\n",
            ),
            f"{CORE}.give": ("free.set(head, high)", "free.set(pfn, order).set(head, high)"),
        },
        profile="any",
    ),
    bug(
        "BUD-02",
        "BUDDY-ALLOC-ENOMEM",
        "two blocks of max_order merge into an order that does not exist",
        "rust buddy_system_allocator, commit a51e890",
        {
            f"{OUR}.lists.free_one": ("range(order, zone.max_order)", "range(order, zone.max_order + 1)"),
            f"{LISTS}.listed_merge_more": ("order >= span.max_order", "order > span.max_order"),
            f"{LISTS}.listed_merge_left": ("span.max_order - order", "span.max_order + 1 - order"),
            f"{CORE}.merge_more": ("order < max_order", "order <= max_order"),
            f"{CORE}.merge_left": ("max_order - order", "max_order + 1 - order"),
        },
        profile="any",
    ),
    bug(
        "BUD-04",
        "BUDDY-ALLOC-ENOMEM",
        "memory that is aligned beyond max_order is added as one block that is on no list of any order",
        "rust buddy_system_allocator, commits a269562, 95ed662",
        {
            f"{OUR}.memory.largest_blocks": ("min(max_order, ", "min("),
            f"{STATE}.blocks_of": ("min(config.max_order, (end - pfn).bit_length() - 1)", "(end - pfn).bit_length() - 1"),
        },
        profile="any",
    ),
    bug(
        "BUD-05",
        "BUDDY-FREE-2c",
        "above pageblock order a block merges with a neighbour of any type, isolated ones too",
        "Linux 4.6, commit d9dddbf55667",
        {
            f"{OUR}.lists.merges": (
                "(theirs == migratetype) | ((theirs <= RECLAIMABLE) & (migratetype <= RECLAIMABLE))",
                "True",
            ),
            f"{LISTS}.listed_merge_more": (
                "is_mergeable(migratetype) & is_mergeable(theirs)",
                "True",
            ),
        },
    ),
    bug(
        "BUD-07",
        "BUDDY-ALLOC-INSIDE",
        "a block merges with the frames beyond the zone's edge, as if they were its own and free",
        "Xen, commit e7187a2e01",
        {
            f"{OUR}.lists.merges": ("!= order:", "!= order and zone.start <= buddy < zone.end:"),
            f"{OUR}.lists.absorb": (
                "    delist(zone, buddy)\n",
                "    if zone.page[buddy] != NONE:\n        delist(zone, buddy)\n",
            ),
        },
        profile="any",
    ),
    bug(
        "BUD-12",
        "BUDDY-ISOLATE-ARGS",
        "the first frame behind the zone is taken for one of its own",
        "SerenityOS, commit 5c24d189237",
        {
            f"{OUR}.operations.in_zone": ("pfn < zone.end", "pfn <= zone.end"),
            f"{STATE}.in_zone": ("pfn < span.end_pfn", "pfn <= span.end_pfn"),
        },
        profile="any",
    ),
    bug(
        "BUD-15",
        "BUDDY-ALLOC-ALIGNED",
        "alignment counts from the zone's first frame, which is not aligned itself",
        "managarm, commit d4e3e3dcf",
        {f"{OUR}.memory.base_of": ("config.start_pfn >> config.max_order << config.max_order", "config.start_pfn")},
        profile="any",
    ),
    bug(
        "BUD-16",
        "BUDDY-FREE-COUNT",
        "of a freed block only the first frame becomes free",
        "Asterinas, commit d3e4f175c",
        {
            f"{OUR}.operations.free": ("    take_back(", "    order = 0\n    take_back("),
            f"{CORE}.give": ("zone.span.max_order, pfn, order)", "zone.span.max_order, pfn, 0)"),
        },
        profile="any",
    ),
    bug(
        "BUD-17",
        "BUDDY-ALLOC-FREE",
        "the stale descriptors of frames in a hole look like free pages, and blocks merge with them",
        "Linux, CONFIG_HOLES_IN_ZONE",
        {
            f"{OUR}.memory.arrays_of": (
                "page=np.full(pages, NONE, np.uint8)",
                "page=np.where(\n"
                "            np.isin(np.arange(pages), [pfn - base for hole in config.holes for pfn in range(*hole)]),\n"
                "            MOVABLE << 4,\n"
                "            NONE,\n"
                "        ).astype(np.uint8)",
            ),
        },
        profile="any",
    ),
    bug(
        "BUD-18",
        "BUDDY-STEAL",
        "a request that cannot claim a pageblock splits the largest foreign block instead of the smallest",
        "Linux 6.15, commit c2f6ea38fc1b",
        {
            f"{OUR}.fallback.steal": ("range(order, zone.max_order + 1)", "range(zone.max_order, order - 1, -1)"),
            f"{FALLBACK}.smallest_fallback": (
                "_, _, order, _ = FOREIGN.run(span, lists, order, migratetype)",
                "served = [k for k in range(order, span.max_order + 1) if find_fallback(lists, k, migratetype) < NOBODY]\n"
                "    order = max(served, default=span.max_order + 1)",
            ),
        },
    ),
    bug(
        "CMP-05",
        "BUDDY-ALLOC-KIND",
        "an isolated pageblock's free blocks stay where they can be handed out",
        "Linux 3.7, commit 6174ee72aeb7",
        {
            f"{OUR}.lists.convert_pageblock": (
                "return move_pageblock(zone, pfn, migratetype)",
                "zone.types[pfn >> zone.pageblock_order] = migratetype\n        return 0",
            ),
        },
        profile="any",
    ),
)
