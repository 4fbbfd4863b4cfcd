"""Wrong versions of the rules about how many blocks move, and of a CPU's own limit."""

from __future__ import annotations

from mmprops.bugs.physical.pcp.places import AMOUNTS, LINUX, OUR, bug

BUGS = (
    bug(
        "BUG-LIMIT-NOT-LOWERED",
        "PCP-1",
        "a limit above a bound that was lowered stays there",
        "mm/page_alloc.c:nr_pcp_high, v6.12",
        {
            f"{OUR}.amounts.clamp_high": (
                "clamped(lists.high[cpu], lists.zone[HIGH_MIN], lists.zone[HIGH_MAX])",
                "max(lists.high[cpu], lists.zone[HIGH_MIN])",
            ),
            f"{AMOUNTS}.with_limit": ("clamped(pcp.high, lists.high_min, lists.high_max)", "max(pcp.high, lists.high_min)"),
        },
    ),
    bug(
        "BUG-CLAMP-LOWER-WINS",
        "PCP-1",
        "where the bounds cross the lower one wins",
        "include/linux/minmax.h:clamp, v6.12",
        {
            f"{OUR}.amounts.clamped": (
                "    if value >= most:\n        return most\n    return max(value, least)",
                "    return max(min(value, most), least)",
            ),
            f"{AMOUNTS}.clamped": (
                "    if value >= most:\n        return most\n    return max(value, least)",
                "    return max(min(value, most), least)",
            ),
        },
    ),
    bug(
        "BUG-BULK-HALVES",
        "PCP-ALLOC-HALVES",
        "each block of a bulk request halves what was freed in a row",
        "mm/page_alloc.c:alloc_pages_bulk_noprof, v6.12",
        {
            f"{OUR}.operations.alloc": ("not flags & AGAIN", "flags >= 0"),
            f"{LINUX}.alloc_choose": ("op.flags & AGAIN == 0", "op.flags >= 0"),
        },
    ),
    bug(
        "BUG-WANT-TWO-WHEN-OFF",
        "PCP-WANT-OFF",
        "a refill is of two blocks although none is to be kept",
        "mm/page_alloc.c:nr_pcp_alloc, v6.12",
        {
            f"{OUR}.amounts.wanted": ("return 1\n", "return 2\n"),
            f"{AMOUNTS}.wanted": ("return 1, pcp", "return 2, pcp"),
        },
    ),
    bug(
        "BUG-WANT-SCALES-LINEARLY",
        "PCP-WANT-SCALE",
        "a refill grows by a batch each time instead of doubling",
        "mm/page_alloc.c:nr_pcp_alloc, v6.12",
        {
            f"{OUR}.amounts.wanted": ("batch << lists.alloc_factor[cpu]", "batch * (1 + lists.alloc_factor[cpu])"),
            f"{AMOUNTS}.wanted": ("lists.batch << pcp.alloc_factor", "lists.batch * (1 + pcp.alloc_factor)"),
        },
    ),
    bug(
        "BUG-RAISES-BELOW-HIGH",
        "PCP-WANT-RAISES",
        "a refill raises the limit although the zone is below its high mark",
        "mm/page_alloc.c:nr_pcp_alloc, v6.12",
        {
            f"{OUR}.amounts.raise_high": (" and not flags & BELOW_HIGH", ""),
            f"{AMOUNTS}.raised": (" or flags & BELOW_HIGH", ""),
        },
    ),
    bug(
        "BUG-WANT-DOUBLES-LATE",
        "PCP-WANT-DOUBLES",
        "the next refill is of twice as many only if more than that fit",
        "mm/page_alloc.c:nr_pcp_alloc, v6.12",
        {
            f"{OUR}.amounts.wanted": ("scaled <= most", "scaled < most"),
            f"{AMOUNTS}.wanted": ("batch <= most", "batch < most"),
        },
    ),
    bug(
        "BUG-WANT-FILLS-UP",
        "PCP-WANT-MOST",
        "a refill leaves no room for a batch",
        "mm/page_alloc.c:nr_pcp_alloc, v6.12",
        {
            f"{OUR}.amounts.wanted": ("lists.held[cpu] - batch, batch)", "lists.held[cpu], batch)"),
            f"{AMOUNTS}.wanted": ("pcp.count - lists.batch, lists.batch)", "pcp.count, lists.batch)"),
        },
    ),
    bug(
        "BUG-WANT-ONE-LARGE",
        "PCP-WANT-ORDER",
        "a refill of an order larger than a batch is of one block",
        "mm/page_alloc.c:nr_pcp_alloc, v6.12",
        {
            f"{OUR}.amounts.by_order": ("order, 2)", "order, 1)"),
            f"{AMOUNTS}.by_order": ("order, 2)", "order, 1)"),
        },
    ),
    bug(
        "BUG-FREE-FORGETS-SCALE",
        "PCP-FREE-HALVES",
        "a free sets the scale of a refill to 0",
        "mm/page_alloc.c:free_unref_page_commit, v6.12",
        {
            f"{OUR}.amounts.freed": ("lists.alloc_factor[cpu] >> 1", "0"),
            f"{AMOUNTS}.freed": ("pcp.alloc_factor >> 1", "0"),
        },
    ),
    bug(
        "BUG-FREE-HIGH-LATE",
        "PCP-FREE-HIGH",
        "high-order blocks are kept until more than a batch was freed in a row",
        "mm/page_alloc.c:free_unref_page_commit, v6.12",
        {
            f"{OUR}.amounts.frees_high": (
                "lists.free_count[cpu] < lists.zone[BATCH]",
                "lists.free_count[cpu] <= lists.zone[BATCH]",
            ),
            f"{AMOUNTS}.frees_high": ("pcp.free_count >= lists.batch and", "pcp.free_count > lists.batch and"),
        },
    ),
    bug(
        "BUG-HUGE-COUNTS-AS-HIGH",
        "PCP-FREE-PREV",
        "a huge page that is freed is remembered as of a high order",
        "mm/page_alloc.c:free_unref_page_commit, v6.12",
        {
            f"{OUR}.amounts.run_on": ("if is_high(order):", "if order > 0:"),
            f"{AMOUNTS}.run_on": ("if is_high(order) else", "if order > 0 else"),
        },
    ),
    bug(
        "BUG-RUN-OF-BLOCKS",
        "PCP-FREE-RUN",
        "blocks freed in a row are counted, not frames",
        "mm/page_alloc.c:free_unref_page_commit, v6.12",
        {
            f"{OUR}.amounts.run_on": ("+ (1 << order)", "+ 1"),
            f"{AMOUNTS}.run_on": ("run += size_of(order)", "run += 1"),
        },
    ),
    bug(
        "BUG-KEEPS-ONE-MORE",
        "PCP-2",
        "a CPU that holds exactly its limit gives nothing back",
        "mm/page_alloc.c:free_unref_page_commit, v6.12",
        {
            f"{OUR}.amounts.freed": ("lists.held[cpu] < limit", "lists.held[cpu] <= limit"),
            f"{AMOUNTS}.freed": ("pcp.count < limit", "pcp.count <= limit"),
        },
    ),
    bug(
        "BUG-OFF-KEEPS-A-BATCH",
        "PCP-LIMIT-OFF",
        "a batch is kept although the limit is 0",
        "mm/page_alloc.c:nr_pcp_high, v6.12",
        {
            f"{OUR}.amounts.limit_of": ("if high == 0:\n        return 0", "if high == 0:\n        return batch"),
            f"{AMOUNTS}.limit_of": ("return 0, pcp\n", "return lists.batch, pcp\n"),
        },
    ),
    bug(
        "BUG-HIGH-LOWERS-BY-BATCH",
        "PCP-LIMIT-HIGH",
        "high-order blocks freed in a row lower the limit by a single batch",
        "mm/page_alloc.c:nr_pcp_high, v6.12",
        {
            f"{OUR}.amounts.limit_of": ("high - (batch << lists.scale_max)", "high - batch"),
            f"{AMOUNTS}.limit_of": ("pcp.high - (lists.batch << pages.span.scale_max)", "pcp.high - lists.batch"),
        },
    ),
    bug(
        "BUG-RECLAIM-KEEPS-TWO",
        "PCP-LIMIT-RECLAIM",
        "while the zone is being reclaimed two batches are kept",
        "mm/page_alloc.c:nr_pcp_high, v6.12",
        {
            f"{OUR}.amounts.limit_of": ("batch << 2", "batch << 1"),
            f"{AMOUNTS}.limit_of": ("lists.batch << 2", "lists.batch << 1"),
        },
    ),
    bug(
        "BUG-FIXED-PLUS-ONE",
        "PCP-LIMIT-FIXED",
        "a fixed limit is passed by one",
        "mm/page_alloc.c:nr_pcp_high, v6.12",
        {
            f"{OUR}.amounts.limit_of": ("if least == most:\n        return high", "if least == most:\n        return high + 1"),
            f"{AMOUNTS}.limit_of": ("return pcp.high, pcp", "return pcp.high + 1, pcp"),
        },
    ),
    bug(
        "BUG-BELOW-HIGH-KEEPS",
        "PCP-LIMIT-BELOW",
        "in a zone below its high mark frames are kept up to the limit",
        "mm/page_alloc.c:nr_pcp_high, v6.12",
        {
            f"{OUR}.amounts.limit_of": ("max(lists.held[cpu], least)", "max(high, least)"),
            f"{AMOUNTS}.limit_of": ("max(pcp.count, lists.high_min)", "max(pcp.high, lists.high_min)"),
        },
    ),
    bug(
        "BUG-LOWERS-BY-BATCH",
        "PCP-LIMIT-LOWERS",
        "the limit sinks by a batch, however much was freed in a row",
        "mm/page_alloc.c:nr_pcp_high, v6.12",
        {
            f"{OUR}.amounts.lower_high": ("max(lists.free_count[cpu], lists.zone[BATCH])", "lists.zone[BATCH]"),
            f"{AMOUNTS}.lowered": ("max(pcp.free_count, lists.batch)", "lists.batch"),
        },
    ),
    bug(
        "BUG-RAISES-TO-RUN",
        "PCP-LIMIT-RAISES",
        "the limit rises to what was freed in a row, without a batch",
        "mm/page_alloc.c:nr_pcp_high, v6.12",
        {
            f"{OUR}.amounts.limit_of": ("clamped(lists.free_count[cpu] + batch, ", "clamped(lists.free_count[cpu], "),
            f"{AMOUNTS}.limit_of": ("clamped(pcp.free_count + lists.batch, ", "clamped(pcp.free_count, "),
        },
    ),
    bug(
        "BUG-HIGH-GIVES-A-BATCH",
        "PCP-AMOUNT-HIGH",
        "of high-order blocks freed in a row a single batch goes back",
        "mm/page_alloc.c:nr_pcp_free, v6.12",
        {
            f"{OUR}.amounts.freed": ("amount = batch << lists.scale_max", "amount = batch"),
            f"{AMOUNTS}.amount_of": ("return lists.batch << pages.span.scale_max", "return lists.batch"),
        },
    ),
    bug(
        "BUG-OFF-GIVES-TWO",
        "PCP-AMOUNT-OFF",
        "two frames go back at a time where none is to be kept",
        "mm/page_alloc.c:nr_pcp_free, v6.12",
        {
            f"{OUR}.amounts.freed": ("amount = 1", "amount = 2"),
            f"{AMOUNTS}.amount_of": ("return 1", "return 2"),
        },
    ),
    bug(
        "BUG-GIVES-ALL",
        "PCP-AMOUNT",
        "no batch stays below the limit",
        "mm/page_alloc.c:nr_pcp_free, v6.12",
        {
            f"{OUR}.amounts.freed": ("limit - batch)", "limit)"),
            f"{AMOUNTS}.amount_of": ("limit - lists.batch)", "limit)"),
        },
    ),
    bug(
        "BUG-61-HIGH-GIVES-A-BATCH",
        "PCP-FREE-HIGH-6.1",
        "a batch goes back where 6.1 gives all back",
        "mm/page_alloc.c:nr_pcp_free, v6.1",
        {
            f"{OUR}.amounts.freed_61": ("return lists.held[cpu]", "return min(lists.held[cpu], batch)"),
            f"{AMOUNTS}.freed_61": ("return pcp.count, pcp", "return min(pcp.count, lists.batch), pcp"),
        },
        profile="kernel-6.1",
    ),
    bug(
        "BUG-61-GIVES-ALL",
        "PCP-AMOUNT-6.1",
        "6.1 keeps no batch below the limit",
        "mm/page_alloc.c:nr_pcp_free, v6.1",
        {
            f"{OUR}.amounts.freed_61": ("batch, limit - batch)", "batch, limit)"),
            f"{AMOUNTS}.freed_61": ("lists.batch, limit - lists.batch)", "lists.batch, limit)"),
        },
        profile="kernel-6.1",
    ),
    bug(
        "BUG-61-DOUBLES-EARLY",
        "PCP-FREE-DOUBLES-6.1",
        "the next drain of 6.1 is of twice as much although that leaves a batch only",
        "mm/page_alloc.c:nr_pcp_free, v6.1",
        {
            f"{OUR}.amounts.freed_61": ("amount < limit - batch and", "amount <= limit - batch and"),
            f"{AMOUNTS}.freed_61": ("amount < limit - lists.batch and", "amount <= limit - lists.batch and"),
        },
        profile="kernel-6.1",
    ),
    bug(
        "BUG-DECAYS-BY-A-QUARTER",
        "PCP-DECAY",
        "a limit decays by a quarter",
        "mm/page_alloc.c:decay_pcp_high, v6.12",
        {
            f"{OUR}.amounts.decayed": ("high >> 3", "high >> 2"),
            f"{AMOUNTS}.decayed": ("pcp.high >> 3", "pcp.high >> 2"),
        },
    ),
    bug(
        "BUG-EXCESS-LESS-ONE",
        "PCP-DECAY-EXCESS",
        "one frame above the limit stays",
        "mm/page_alloc.c:decay_pcp_high, v6.12",
        {
            f"{OUR}.amounts.decayed": ("lists.held[cpu] - lists.high[cpu])", "lists.held[cpu] - lists.high[cpu] - 1)"),
            f"{AMOUNTS}.decayed": ("pcp.count - pcp.high)", "pcp.count - pcp.high - 1)"),
        },
    ),
    bug(
        "BUG-RAISES-BY-A-BATCH",
        "PCP-CHOICE",
        "a scaled refill raises the limit by a single batch",
        "mm/page_alloc.c:nr_pcp_alloc, v6.12",
        {
            f"{OUR}.amounts.wanted": ("raise_high(lists, cpu, scaled, flags)", "raise_high(lists, cpu, batch, flags)"),
        },
    ),
)
