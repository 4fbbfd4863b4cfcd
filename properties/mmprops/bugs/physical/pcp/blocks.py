"""Wrong versions of the rules about which blocks a CPU takes, hands out and gives back."""

from __future__ import annotations

from mmprops.bugs.physical.pcp.places import OUR, OURS, STATE, bug

BUGS = (
    bug(
        "BUG-COUNT-AS-BLOCKS",
        "PCP-COUNT-REPORTED",
        "a block of a refill is counted as one frame",
        "mm/page_alloc.c:__rmqueue_pcplist, v6.12",
        {
            f"{OUR}.operations.refill": ("+ (1 << order)", "+ 1"),
        },
        profile="any",
    ),
    bug(
        "BUG-BLOCKS-OF-OTHERS",
        "PCP-BLOCKS-REPORTED",
        "the blocks of later CPUs are reported too",
        OURS,
        {
            f"{OUR}.PerCpuPages._answer_blocks": ("number >> 4 == request.cpu", "number >> 4 >= request.cpu"),
        },
        profile="any",
    ),
    bug(
        "BUG-ALLOC-WHILE-DRAINING",
        "PCP-BUSY",
        "a request is served although the CPU's lock is held",
        "mm/page_alloc.c:rmqueue_pcplist, v6.12",
        {
            f"{OUR}.operations.alloc": ("lists.owed[cpu] > 0", "lists.owed[cpu] < 0"),
        },
        profile="any",
    ),
    bug(
        "BUG-ALLOC-HIGHATOMIC",
        "PCP-ALLOC-ARGS",
        "a request of type HIGHATOMIC is served, from the list of the next order",
        OURS,
        {
            f"{OUR}.operations.alloc": ("migratetype > RECLAIMABLE", "migratetype > RECLAIMABLE + 1"),
        },
        profile="any",
    ),
    bug(
        "BUG-ALLOC-KEEPS-LAST",
        "PCP-ALLOC-NONE",
        "the last frame that a CPU holds is not handed out",
        OURS,
        {
            f"{OUR}.operations.alloc": ("pfn >= lists.heads", "pfn >= lists.heads or lists.held[cpu] < 2"),
        },
        profile="any",
    ),
    bug(
        "BUG-ALLOC-OF-FIRST-CPU",
        "PCP-ALLOC-HELD",
        "every CPU is served from the lists of the first",
        "mm/page_alloc.c:__rmqueue_pcplist, v6.12",
        {
            f"{OUR}.operations.alloc": ("((cpu << 4) | index_of(order, migratetype))", "index_of(order, migratetype)"),
        },
        profile="any",
    ),
    bug(
        "BUG-WANT-ANY-ORDER",
        "PCP-WANT-ARGS",
        "a refill is asked for of an order that is not kept",
        OURS,
        {
            f"{OUR}.operations.want": ("not keeps_order(lists, order)", "order > MAX_ORDER_LIMIT"),
        },
        profile="any",
    ),
    bug(
        "BUG-WANT-NOTHING",
        "PCP-WANT",
        "a batch is smaller than a block, and the refill of none",
        "mm/page_alloc.c:nr_pcp_alloc, v6.12",
        {
            f"{OUR}.amounts.by_order": ("max(batch >> order, 2)", "batch >> order"),
        },
        profile="any",
    ),
    bug(
        "BUG-REFILL-HIGHATOMIC",
        "PCP-REFILL-ARGS",
        "a block of a refill is put on a list of type HIGHATOMIC, which is another's",
        OURS,
        {
            f"{OUR}.operations.refill": ("migratetype > RECLAIMABLE", "migratetype > RECLAIMABLE + 1"),
        },
        profile="any",
    ),
    bug(
        "BUG-REFILL-REFUSED",
        "PCP-REFILL",
        "a CPU that holds eight frames takes no more of a refill",
        "mm/page_alloc.c:rmqueue_bulk, v6.12",
        {
            f"{OUR}.operations.refill": ("lists.owed[cpu] > 0", "lists.owed[cpu] > 0 or lists.held[cpu] >= 8"),
        },
        profile="any",
    ),
    bug(
        "BUG-DOUBLE-FREE",
        "PCP-FREE-ARGS",
        "a block that is held is freed again",
        OURS,
        {
            f"{OUR}.operations.takes": (" and lists.page[pfn] == NONE", ""),
        },
        profile="any",
    ),
    bug(
        "BUG-KEEPS-ALL-ORDERS",
        "PCP-FREE-ORDER",
        "a block of any order is kept, on the lists of huge pages",
        "mm/page_alloc.c:pcp_allowed_order, v6.12",
        {
            f"{OUR}.operations.free": ("not keeps_order(lists, order)", "order > MAX_ORDER_LIMIT"),
        },
        profile="any",
    ),
    bug(
        "BUG-KEEPS-ISOLATED",
        "PCP-FREE-ISOLATE",
        "a block of an isolated pageblock is kept",
        "mm/page_alloc.c:free_unref_page, v6.12",
        {
            f"{OUR}.operations.free": ("migratetype == ISOLATE", "migratetype > ISOLATE"),
        },
        profile="any",
    ),
    bug(
        "BUG-REFUSES-CMA",
        "PCP-FREE",
        "a block of a CMA or HIGHATOMIC pageblock is not kept",
        "mm/page_alloc.c:free_unref_page, v6.12",
        {
            f"{OUR}.operations.free": ("migratetype == ISOLATE", "migratetype > RECLAIMABLE"),
        },
        profile="any",
    ),
    bug(
        "BUG-CMA-KEPT-UNMOVABLE",
        "PCP-4",
        "a block of a CMA or HIGHATOMIC pageblock is kept for UNMOVABLE requests",
        "mm/page_alloc.c:free_unref_page, v6.12",
        {
            f"{OUR}.operations.free": ("else MOVABLE", "else 0"),
            f"{STATE}.kept_for": ("else MOVABLE", "else 0"),
        },
    ),
    bug(
        "BUG-DRAIN-OF-NO-CPU",
        "PCP-DRAIN-ARGS",
        "a drain of a CPU that there is not is refused as if its lock was held",
        OURS,
        {
            f"{OUR}.operations.bulk": ("-errno.EINVAL", "-errno.EBUSY"),
        },
        profile="any",
    ),
    bug(
        "BUG-DRAIN-GOES-ON",
        "PCP-DRAIN-NONE",
        "a drain goes on after enough went back",
        "mm/page_alloc.c:free_pcppages_bulk, v6.12",
        {
            f"{OUR}.operations.drain": ("lists.owed[cpu] == 0", "lists.held[cpu] == 0"),
        },
        profile="any",
    ),
    bug(
        "BUG-DRAIN-OF-FIRST-CPU",
        "PCP-DRAIN",
        "a drain takes from the lists of the first CPU",
        "mm/page_alloc.c:free_pcppages_bulk, v6.12",
        {
            f"{OUR}.operations.drain": ("number = (cpu << 4) | index", "number = index"),
        },
        profile="any",
    ),
    bug(
        "BUG-FREE-OWES-MORE",
        "PCP-OWED",
        "a free gives back more frames than the CPU holds",
        "mm/page_alloc.c:free_pcppages_bulk, v6.12",
        {
            f"{OUR}.amounts.freed": ("min(lists.held[cpu], amount)", "amount"),
        },
        profile="any",
    ),
    bug(
        "BUG-DECAYS-TO-MORE",
        "PCP-PLAN",
        "what is missing to the limit is drained",
        "mm/page_alloc.c:decay_pcp_high, v6.12",
        {
            f"{OUR}.amounts.decayed": ("max(0, lists.held[cpu] - lists.high[cpu])", "max(0, lists.high[cpu] - lists.held[cpu])"),
        },
        profile="any",
    ),
    bug(
        "BUG-DRAINS-HALF",
        "PCP-DRAIN-ALL",
        "half of what a CPU holds is drained",
        "mm/page_alloc.c:drain_pages_zone, v6.12",
        {
            f"{OUR}.operations.drain_all": ("else lists.held[cpu]", "else lists.held[cpu] >> 1"),
        },
        profile="any",
    ),
    bug(
        "BUG-TUNE-FOR-NOBODY",
        "PCP-TUNE-ARGS",
        "limits for no CPU at all are those for one",
        OURS,
        {
            f"{OUR}.PerCpuPages._answer_tune": ("or request.online", "or request.online or 1"),
        },
        profile="any",
    ),
    bug(
        "BUG-FRACTION-OF-SEVEN",
        "PCP-FRACTION",
        "a fraction of seven is taken",
        "mm/page_alloc.c:percpu_pagelist_high_fraction_sysctl_handler, v6.12",
        {
            f"{OUR}.PerCpuPages._answer_tune": ("< MIN_HIGH_FRACTION", "< MIN_HIGH_FRACTION - 1"),
        },
        profile="any",
    ),
    bug(
        "BUG-DISABLED-TWICE",
        "PCP-DISABLED",
        "lists that are disabled are disabled again",
        "mm/page_alloc.c:zone_pcp_disable, v6.12",
        {
            f"{OUR}.operations.disable": ("if lists.zone[DISABLED]:", "if lists.zone[DISABLED] > 1:"),
        },
        profile="any",
    ),
    bug(
        "BUG-BATCH-OF-NOTHING",
        "PCP-TUNE",
        "the batch of a small zone is 0",
        "mm/page_alloc.c:zone_set_pageset_high_and_batch, v6.12",
        {
            f"{OUR}.amounts.batch_of": ("max(power - 1, 1)", "power - 1"),
        },
        profile="any",
    ),
    bug(
        "BUG-CACHE-REFUSED",
        "PCP-CACHEINFO",
        "a CPU with a large cache is not told so",
        "mm/page_alloc.c:zone_pcp_update_cacheinfo, v6.12",
        {
            f"{OUR}.operations.cacheinfo": ("    return 0\n", "    return errno.EBUSY if frames > 20 else 0\n"),
        },
        profile="any",
    ),
)
