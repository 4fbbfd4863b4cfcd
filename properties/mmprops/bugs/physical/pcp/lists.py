"""Wrong versions of the rules about the ends and turns of the lists, the limits of the zone, and drains without a free."""

from __future__ import annotations

from mmprops.bugs.physical.pcp.places import LINUX, OUR, PARAMETERS, STATE, bug

BUGS = (
    bug(
        "BUG-LISTS-BY-TYPE",
        "PCP-INDEX",
        "a CPU's lists are numbered by type first, so that they are drained in another order",
        "mm/page_alloc.c:order_to_pindex, v6.12",
        {
            f"{OUR}.operations.index_of": ("3 * order + migratetype", "4 * migratetype + order"),
            f"{OUR}.memory.order_of": ("index // 3", "index & 3"),
            f"{STATE}.index_of": ("3 * order + migratetype", "4 * migratetype + order"),
        },
    ),
    bug(
        "BUG-ALLOC-TAIL",
        "PCP-ALLOC-HEAD",
        "a request takes the tail of its list",
        "mm/page_alloc.c:__rmqueue_pcplist, v6.12",
        {
            f"{OUR}.operations.alloc": ("lists.after[", "lists.before["),
            f"{LINUX}.alloc_choose": ("linked.first(lists.links, list_for", "last_of(lists.links, list_for"),
        },
    ),
    bug(
        "BUG-FREE-TO-TAIL",
        "PCP-FREE-HEAD",
        "a freed block goes to the tail",
        "mm/page_alloc.c:free_unref_page_commit, v6.12",
        {
            f"{OUR}.operations.free": ("enlist_first", "enlist_last"),
            f"{LINUX}.free_choose": ("linked.push_head", "linked.push_tail"),
        },
    ),
    bug(
        "BUG-REFILL-TO-HEAD",
        "PCP-REFILL-TAIL",
        "a block of a refill goes to the head",
        "mm/page_alloc.c:rmqueue_bulk, v6.12",
        {
            f"{OUR}.operations.refill": ("enlist_last", "enlist_first"),
            f"{LINUX}.refill_choose": ("linked.push_tail", "linked.push_head"),
        },
    ),
    bug(
        "BUG-FREE-DRAINS-FROM-FIRST",
        "PCP-DRAIN-FREED",
        "the drain of a free begins with the first list",
        "mm/page_alloc.c:free_unref_page_commit, v6.12",
        {
            f"{OUR}.operations.free": ("lists.cursor[cpu] = index", "lists.cursor[cpu] = 0"),
            f"{LINUX}.free_choose": ("index_of(op.order, migratetype)", "0"),
        },
    ),
    bug(
        "BUG-DRAINS-FROM-HUGE",
        "PCP-DRAIN-FIRST",
        "a drain that no free caused begins with huge pages",
        "mm/page_alloc.c:drain_pages_zone, v6.12",
        {
            f"{OUR}.operations.bulk": ("lists.cursor[cpu] = 0", "lists.cursor[cpu] = LOW_LISTS"),
            f"{LINUX}.bulk_choose": ("with_cursor(lists, op.cpu, 0)", "with_cursor(lists, op.cpu, 12)"),
        },
    ),
    bug(
        "BUG-DRAINS-BACKWARDS",
        "PCP-DRAIN-TURNS",
        "the lists are drained in the opposite direction",
        "mm/page_alloc.c:free_pcppages_bulk, v6.12",
        {
            f"{OUR}.operations.drain": ("(lists.cursor[cpu] + k)", "(lists.cursor[cpu] + LISTS - k)"),
            f"{LINUX}.next_list": ("(start + k)", "(start + LISTS - k)"),
        },
    ),
    bug(
        "BUG-DRAINS-HEAD",
        "PCP-DRAIN-TAIL",
        "a list is drained from its head",
        "mm/page_alloc.c:free_pcppages_bulk, v6.12",
        {
            f"{OUR}.operations.drain": ("lists.before[", "lists.after["),
            f"{LINUX}.drain_choose": ("last_of(", "linked.first("),
        },
    ),
    bug(
        "BUG-BOOT-BATCH",
        "PCP-BOOT",
        "the boot pageset has a batch of two",
        "mm/page_alloc.c:per_cpu_pages_init, v6.12",
        {
            f"{OUR}.memory.arrays_of": ("zone[BATCH] = zone[ZONE_BATCH] = 1", "zone[BATCH] = zone[ZONE_BATCH] = 2"),
            f"{LINUX}.initial_lists": (
                "        batch=1,\n        high_min=0,\n        high_max=0,\n        zone_batch=1",
                "        batch=2,\n        high_min=0,\n        high_max=0,\n        zone_batch=2",
            ),
        },
    ),
    bug(
        "BUG-BATCH-OF-HALF",
        "PCP-BATCH",
        "a batch is half of the thousandth of the zone, not a quarter",
        "mm/page_alloc.c:zone_batchsize, v6.12",
        {
            f"{OUR}.amounts.batch_of": ("// 4, 1)", "// 2, 1)"),
            f"{PARAMETERS}.batch_of": ("// 4, 1)", "// 2, 1)"),
        },
    ),
    bug(
        "BUG-COMING-CPU-LEFT-OUT",
        "PCP-SHARING",
        "a CPU that is coming online is not counted beside the others",
        "mm/page_alloc.c:zone_highsize, v6.12",
        {
            f"{OUR}.PerCpuPages._answer_tune": ("request.local + request.coming or", "max(request.local, request.coming) or"),
            f"{PARAMETERS}.sharing": ("return local + coming", "return max(local, coming)"),
        },
    ),
    bug(
        "BUG-HIGH-TWO-BATCHES",
        "PCP-HIGH-LEAST",
        "a limit may be as low as two batches",
        "mm/page_alloc.c:zone_highsize, v6.12",
        {
            f"{OUR}.amounts.share": ("max(part, batch << 2)", "max(part, batch << 1)"),
            f"{PARAMETERS}.high_of": ("max(share, batch << 2)", "max(share, batch << 1)"),
        },
    ),
    bug(
        "BUG-HIGH-OF-HALF-LOW",
        "PCP-HIGH-MIN",
        "the least limit is a share of half the low mark",
        "mm/page_alloc.c:zone_set_pageset_high_and_batch, v6.12",
        {
            f"{OUR}.amounts.tune": ("share(low, ", "share(low >> 1, "),
            f"{PARAMETERS}.limits_of": ("high_of(low, ", "high_of(low >> 1, "),
        },
    ),
    bug(
        "BUG-HIGH-OF-A-QUARTER",
        "PCP-HIGH-MAX",
        "the largest limit is a share of a quarter of the zone",
        "mm/page_alloc.c:zone_set_pageset_high_and_batch, v6.12",
        {
            f"{OUR}.amounts.tune": ("managed // MIN_HIGH_FRACTION", "managed // 4"),
            f"{PARAMETERS}.limits_of": ("managed // MIN_HIGH_FRACTION", "managed // 4"),
        },
    ),
    bug(
        "BUG-FRACTION-PLUS-ONE",
        "PCP-HIGH-FRACTION",
        "the fraction is of one part more",
        "mm/page_alloc.c:zone_highsize, v6.12",
        {
            f"{OUR}.amounts.tune": ("managed // fraction", "managed // (fraction + 1)"),
            f"{PARAMETERS}.limits_of": ("managed // fraction", "managed // (fraction + 1)"),
        },
    ),
    bug(
        "BUG-DISABLED-KEEPS-FOUR",
        "PCP-DISABLE",
        "lists that are disabled keep four frames",
        "mm/page_alloc.c:zone_pcp_disable, v6.12",
        {
            f"{OUR}.operations.disable": ("set_limits(lists, 1, 0, 0)", "set_limits(lists, 1, 4, 4)"),
            f"{LINUX}.disable_choose": ("with_limits(lists, 1, 0, 0)", "with_limits(lists, 1, 4, 4)"),
        },
    ),
    bug(
        "BUG-ENABLED-STAYS-SMALL",
        "PCP-ENABLE",
        "lists that are enabled again keep the batch of disabled ones",
        "mm/page_alloc.c:zone_pcp_enable, v6.12",
        {
            f"{OUR}.operations.enable": ("lists.zone[ZONE_BATCH]", "1"),
            f"{LINUX}.enable_choose": ("lists.zone_batch", "1"),
        },
    ),
    bug(
        "BUG-CACHE-OF-TWO",
        "PCP-CACHE",
        "a slice of the cache with room for two batches counts as large",
        "mm/page_alloc.c:zone_pcp_update_cacheinfo, v6.12",
        {
            f"{OUR}.operations.cacheinfo": ("3 * ", "2 * "),
            f"{LINUX}.cacheinfo_choose": ("3 * ", "2 * "),
        },
    ),
    bug(
        "BUG-EXPIRES-EARLY",
        "PCP-EXPIRE-BEGINS",
        "pages of a remote zone expire after two refreshes",
        "mm/vmstat.c:refresh_cpu_vm_stats, v6.12",
        {
            f"{OUR}.operations.refresh": ("lists.expire[cpu] = EXPIRE_TICKS", "lists.expire[cpu] = 2"),
            f"{LINUX}.expire_choose": ("left = EXPIRE_TICKS", "left = 2"),
        },
    ),
    bug(
        "BUG-LOCAL-COUNTS-ON",
        "PCP-EXPIRE-COUNTS",
        "a local zone does not end the countdown",
        "mm/vmstat.c:refresh_cpu_vm_stats, v6.12",
        {
            f"{OUR}.operations.refresh": ("        lists.expire[cpu] = 0\n", "        lists.expire[cpu] = lists.expire[cpu]\n"),
            f"{LINUX}.expire_choose": ("left - 1 if op.flags & REMOTE else 0", "left - 1 if op.flags & REMOTE else left"),
        },
    ),
    bug(
        "BUG-EXPIRES-WHOLE",
        "PCP-EXPIRE-DRAINS",
        "all that a CPU holds of a remote zone expires at once",
        "mm/page_alloc.c:drain_zone_pages, v6.12",
        {
            f"{OUR}.operations.refresh": ("min(lists.held[cpu], lists.zone[BATCH])", "lists.held[cpu]"),
            f"{LINUX}.expire_choose": ("min(held, lists.batch)", "held"),
        },
    ),
    bug(
        "BUG-DRAINS-BY-BATCH",
        "PCP-DRAIN-PORTION",
        "all is drained in portions of a single batch",
        "mm/page_alloc.c:drain_pages_zone, v6.12",
        {
            f"{OUR}.PerCpuPages._answer_drain_all": ("self.lists.zone[BATCH] << self.lists.scale_max", "self.lists.zone[BATCH]"),
            f"{LINUX}.drain_all_choose": ("lists.batch << pages.span.scale_max", "lists.batch"),
        },
    ),
)
