"""Wrong numbers: min_free_kbytes, marks, boosts, reserves, the limits of per-CPU lists."""

from __future__ import annotations

from mmprops.bugs.physical.watermarks.places import LINUX, OUR, SIZES, bug

SETUP = "mm/page_alloc.c:__setup_per_zone_wmarks"
MIN_FREE = "mm/page_alloc.c:calculate_min_free_kbytes"
RECOMMEND = "mm/khugepaged.c:set_recommended_min_free_kbytes"
BOOST = "mm/page_alloc.c:boost_watermark"
RESERVE = "mm/page_alloc.c:setup_per_zone_lowmem_reserve"
HIGH = "mm/page_alloc.c:zone_highsize"

BUGS = (
    bug(
        "BUG-WM-PROMO-FARTHER",
        "WATERMARKS-1",
        "PROMO is two steps from HIGH",
        SETUP,
        {f"{OUR}.set_marks": ("3 * step", "4 * step")},
        profile="any",
    ),
    bug(
        "BUG-WM-RESERVE-OF-ITSELF",
        "WATERMARKS-RESERVE-RISES",
        "a zone keeps frames from requests for itself",
        RESERVE,
        {f"{OUR}.set_reserves": ("range(kind + 1, KINDS)", "range(kind, KINDS)")},
        profile="any",
    ),
    bug(
        "BUG-WM-BATCH-EVEN",
        "WATERMARKS-PCP-ORDERED",
        "a batch is a power of two",
        "mm/page_alloc.c:zone_batchsize",
        {f"{OUR}.limit_per_cpu": (".bit_length() - 1) - 1)", ".bit_length() - 1))")},
        profile="any",
    ),
    bug(
        "BUG-WM-ROOT-OF-ALL",
        "WATERMARKS-MIN-FREE",
        "min_free_kbytes is computed from all frames, HIGH not taken off",
        MIN_FREE,
        {
            f"{OUR}.frames_above_high": (
                "max(0, managed - marks[WMARK_HIGH] - boost)",
                "max(0, managed - 0 * (marks[WMARK_HIGH] + boost))",
            ),
            f"{SIZES}.above_step": ("- marks.high.get(zone, 0) - marks.boost.get(zone, 0)", ""),
        },
    ),
    bug(
        "BUG-WM-CLAMP-HIGH",
        "WATERMARKS-MIN-FREE-CLAMP",
        "what the kernel computes is not kept within its limits",
        MIN_FREE,
        {
            f"{OUR}.compute_min_free": ("min(max(root, 128), 262144)", "max(root, 1)"),
            f"{SIZES}.computed_min_free": ("max(128, min(kbytes, 262144))", "max(1, kbytes)"),
        },
    ),
    bug(
        "BUG-WM-USER-CLAMPED",
        "WATERMARKS-MIN-FREE-USER",
        "what a user wrote is forgotten when the kernel computes its own",
        "mm/page_alloc.c:min_free_kbytes_sysctl_handler",
        {
            f"{OUR}.compute_min_free": ("if root > self.user:", "if root >= 0:"),
            f"{SIZES}.computed_min_free": ("if kbytes <= marks.user_min_free:", "if kbytes < 0:"),
        },
    ),
    bug(
        "BUG-WM-RECOMMENDS-NINE",
        "WATERMARKS-RECOMMENDED",
        "khugepaged asks for nine pageblocks a zone",
        RECOMMEND,
        {f"{OUR}.recommend": ("zones * 11", "zones * 9"), f"{SIZES}.recommended_min_free": ("(2 + 3 * 3)", "(3 * 3)")},
    ),
    bug(
        "BUG-WM-RECOMMENDS-ALL",
        "WATERMARKS-RECOMMENDED-CAP",
        "khugepaged may ask for a tenth of memory",
        RECOMMEND,
        {f"{OUR}.recommend": ("// 20", "// 10"), f"{SIZES}.recommended_min_free": ("// 20", "// 10")},
    ),
    bug(
        "BUG-WM-RECOMMENDATION-STAYS",
        "WATERMARKS-RECOMMENDED-OFF",
        "min_free_kbytes stays raised when khugepaged stops",
        RECOMMEND,
        {
            f"{OUR}.recommend": ("            self.compute_min_free()", "            self.user += 0"),
            f"{LINUX}.recommend_choose": ("min_free=computed_min_free(machine, marks)", "min_free=marks.min_free"),
        },
    ),
    bug(
        "BUG-WM-SHARE-ROUNDED-UP",
        "WATERMARKS-MIN-SHARE",
        "a zone's share is rounded up",
        SETUP,
        {
            f"{OUR}.set_marks": ("pages_min * managed // lowmem", "-(-pages_min * managed // lowmem)"),
            f"{SIZES}.mark_step": (
                "(marks.min_free >> (machine.page_shift - 10)) * managed // lowmem",
                "-(-(marks.min_free >> (machine.page_shift - 10)) * managed // lowmem)",
            ),
        },
    ),
    bug(
        "BUG-WM-MOVABLE-LOW",
        "WATERMARKS-LOWMEM",
        "a MOVABLE zone is lowmem, as it was in 6.1",
        SETUP,
        {
            f"{OUR}.__init__": ("movable_is_low = self.old and", "movable_is_low ="),
            f"{SIZES}.outside_lowmem": (
                "return (kind == HIGHMEM) | (kind == MOVABLE)",
                "return (kind == HIGHMEM) | ((kind == MOVABLE) & has_highmem(machine))",
            ),
        },
    ),
    bug(
        "BUG-WM-61-MOVABLE-HIGH",
        "WATERMARKS-LOWMEM-6.1",
        "6.1 caps every MOVABLE zone, as 6.12 does",
        SETUP,
        {
            f"{OUR}.__init__": ("self.old and not any(self.present[HIGHMEM::WIDTH])", "False"),
            f"{SIZES}.outside_lowmem": ("((kind == MOVABLE) & has_highmem(machine))", "(kind == MOVABLE)"),
        },
        profile="kernel-6.1",
    ),
    bug(
        "BUG-WM-EMPTY-UNCAPPED",
        "WATERMARKS-MIN-CAPPED",
        "an empty MOVABLE zone has no MIN",
        SETUP,
        {
            f"{OUR}.set_marks": ("min(max(managed >> 10, 32), 128)", "min(max(managed >> 10, 32 if managed else 0), 128)"),
            f"{SIZES}.min_of": (
                "max(CLUSTER, min(managed // 1024, 128))",
                "max(CLUSTER if managed else 0, min(managed // 1024, 128))",
            ),
        },
    ),
    bug(
        "BUG-WM-STEP-OF-MIN",
        "WATERMARKS-STEP",
        "the marks of a zone outside lowmem are a quarter of its capped MIN apart",
        SETUP,
        {
            f"{OUR}.set_marks": ("max(share >> 2,", "max(lowest >> 2,"),
            f"{SIZES}.mark_step": ("distance_of(managed, share, marks.scale)", "distance_of(managed, lowest, marks.scale)"),
        },
    ),
    bug(
        "BUG-WM-SCALE-ADDS",
        "WATERMARKS-STEP-SCALE",
        "watermark_scale_factor is in thousandths",
        SETUP,
        {
            f"{OUR}.set_marks": ("// 10000)", "// 1000)"),
            f"{SIZES}.distance_of": ("part_of(managed, scale)", "part_of(managed, scale * 10)"),
        },
    ),
    bug(
        "BUG-WM-BOOST-SURVIVES",
        "WATERMARKS-2a",
        "a boost survives the setup of the marks",
        SETUP,
        {
            f"{OUR}.set_marks": ("self.boosts[row] = 0", "self.boosts[row] += 0"),
            f"{SIZES}.mark_zone": ("marks.boost.set(zone, 0)", "marks.boost"),
        },
    ),
    bug(
        "BUG-WM-MARKS-FOLLOW",
        "WATERMARKS-STALE",
        "the marks follow a zone's size at once",
        "mm/page_alloc.c:adjust_managed_page_count",
        {
            f"{OUR}.set_managed": (
                "self.managed[op.zone] = op.managed\n",
                "self.managed[op.zone] = op.managed\n        self.set_marks()\n",
            ),
            f"{LINUX}.set_managed_choose": (
                "return DONE, marks",
                "grown = attrs.evolve(machine, managed=machine.managed.set(op.zone, op.managed))\n"
                "    return DONE, set_up_marks(grown, marks)",
            ),
        },
    ),
    bug(
        "BUG-WM-BOOST-OFF",
        "WATERMARKS-BOOST-OFF",
        "a factor of 0 boosts by a pageblock",
        BOOST,
        {f"{OUR}.boost": (" or not most", ""), f"{LINUX}.boost_choose": ("if most == 0:", "if most < 0:")},
    ),
    bug(
        "BUG-WM-BOOST-KDUMP",
        "WATERMARKS-BOOST-KDUMP",
        "a kernel that dumps another boosts",
        BOOST,
        {f"{OUR}.boost": ("self.kdump or ", ""), f"{LINUX}.boost_choose": ("(marks.kdump != 0) &", "(marks.kdump > 1) &")},
    ),
    bug(
        "BUG-WM-BOOST-SMALL",
        "WATERMARKS-BOOST-SMALL",
        "a zone of four pageblocks is not boosted",
        BOOST,
        {
            f"{OUR}.boost": ("< 4 * self.pageblock", "<= 4 * self.pageblock"),
            f"{LINUX}.boost_choose": ("< 4 * pageblock", "<= 4 * pageblock"),
        },
    ),
    bug(
        "BUG-WM-BOOST-DOUBLES",
        "WATERMARKS-BOOST",
        "a boost grows by a frame",
        BOOST,
        {
            f"{OUR}.boost": ("self.boosts[op.zone] + self.pageblock,", "self.boosts[op.zone] + 1,"),
            f"{LINUX}.boost_choose": ("marks.boost.get(op.zone, 0) + pageblock,", "marks.boost.get(op.zone, 0) + 1,"),
        },
    ),
    bug(
        "BUG-WM-BOOST-NO-FLOOR",
        "WATERMARKS-2",
        "the limit of a boost may be below a pageblock",
        BOOST,
        {f"{OUR}.boost": ("max(most, self.pageblock))", "most)"), f"{LINUX}.boost_choose": ("max(most, pageblock))", "most)")},
    ),
    bug(
        "BUG-WM-UNBOOST-ALL",
        "WATERMARKS-UNBOOST",
        "kswapd takes the whole boost back",
        "mm/vmscan.c:balance_pgdat",
        {
            f"{OUR}.unboost": ("self.boosts[op.zone] - op.pages)", "0 * op.pages)"),
            f"{LINUX}.unboost_choose": ("boost - min(boost, op.pages)", "0 * op.pages"),
        },
    ),
    bug(
        "BUG-WM-RESERVE-NEXT",
        "WATERMARKS-RESERVE",
        "a zone keeps a share of the next zone above it alone",
        RESERVE,
        {
            f"{OUR}.set_reserves": (
                "above += self.managed[row - kind + k]",
                "above = self.managed[row - kind + k] if k == kind + 1 else above",
            ),
            f"{SIZES}.reserve_of": ("(k <= highest))", "(k <= highest) & (k == kind + 1))"),
        },
    ),
    bug(
        "BUG-WM-RATIO-NEGATIVE",
        "WATERMARKS-RESERVE-OFF",
        "a zone without frames keeps some",
        RESERVE,
        {
            f"{OUR}.set_reserves": (" and self.managed[row]:", ":"),
            f"{SIZES}.reserve_of": (" or machine.managed.get(zone, 0) == 0", ""),
        },
    ),
    bug(
        "BUG-WM-TOTAL-UNBOUNDED",
        "WATERMARKS-TOTAL",
        "a node's total counts more than a zone has",
        "mm/page_alloc.c:calculate_totalreserve_pages",
        {
            f"{OUR}.total_up": ("min(self.managed[row], max(self.reserve[row])", "(max(self.reserve[row])"),
            f"{SIZES}.total_step": (
                "min(most + marks.high.get(zone, 0) + marks.boost.get(zone, 0), machine.managed.get(zone, 0))",
                "most + marks.high.get(zone, 0) + marks.boost.get(zone, 0)",
            ),
        },
    ),
    bug(
        "BUG-WM-BATCH-WHOLE",
        "WATERMARKS-PCP-BATCH",
        "a batch is of the whole 1024th",
        "mm/page_alloc.c:zone_batchsize",
        {
            f"{OUR}.limit_per_cpu": (">> self.page_shift) // 4)", ">> self.page_shift))"),
            f"{SIZES}.batch_of": ("(20 - page_shift)) // 4)", "(20 - page_shift)))"),
        },
    ),
    bug(
        "BUG-WM-HIGH-MIN-BARE",
        "WATERMARKS-PCP-HIGH-MIN",
        "high_min leaves the boost out",
        HIGH,
        {
            f"{OUR}.limit_per_cpu": ("[WMARK_LOW] + self.boosts[op.zone]", "[WMARK_LOW]"),
            f"{SIZES}.limits_of": ("marks.low.get(zone, 0) + marks.boost.get(zone, 0)", "marks.low.get(zone, 0)"),
        },
    ),
    bug(
        "BUG-WM-HIGH-MAX-QUARTER",
        "WATERMARKS-PCP-HIGH-MAX",
        "high_max is a quarter of the zone",
        HIGH,
        {
            f"{OUR}.limit_per_cpu": ("managed // 8", "managed // 4"),
            f"{SIZES}.limits_of": ("managed // 8", "managed // 4"),
        },
    ),
    bug(
        "BUG-WM-61-TUNES",
        "WATERMARKS-PCP-HIGH-6.1",
        "6.1 tunes its per-CPU lists",
        HIGH,
        {
            f"{OUR}.limit_per_cpu": ("self.old or op.fraction", "op.fraction"),
            f"{SIZES}.limits_of": (
                "return Limits(batch, least, least)",
                "return Limits(batch, least, max(split(managed // 8, local, online), 4 * batch))",
            ),
        },
        profile="kernel-6.1",
    ),
    bug(
        "BUG-WM-FRACTION-OF-LOW",
        "WATERMARKS-PCP-FRACTION",
        "a fraction is not split between the CPUs",
        HIGH,
        {
            f"{OUR}.limit_per_cpu": ("frames // cpus", "frames // (1 if op.fraction else cpus)"),
            f"{SIZES}.limits_of": ("split(managed // fraction, local, online)", "managed // fraction"),
        },
    ),
    bug(
        "BUG-WM-FLOOR-TWO",
        "WATERMARKS-PCP-FLOOR",
        "high_max may be less than four batches",
        HIGH,
        {
            f"{OUR}.limit_per_cpu": ("managed // 8)", "max(managed // 8, 5 * batch * cpus))"),
            f"{SIZES}.limits_of": (
                "max(split(managed // 8, local, online), 4 * batch)",
                "max(split(managed // 8, local, online), 5 * batch)",
            ),
        },
    ),
    bug(
        "BUG-WM-USER-MARKS-STALE",
        "WATERMARKS-CHOICE",
        "the marks are not set up when a user writes min_free_kbytes",
        "mm/page_alloc.c:min_free_kbytes_sysctl_handler",
        {f"{OUR}.set_min_free": ("        self.set_marks()\n", "")},
    ),
    bug(
        "BUG-LAW-WM-PROMO-FARTHER",
        "WATERMARKS-1-KEPT",
        "PROMO is four steps from MIN",
        SETUP,
        {f"{SIZES}.mark_zone": ("3 * distance", "4 * distance")},
        client="spec",
    ),
    bug(
        "BUG-LAW-WM-RESERVE-OF-ITSELF",
        "WATERMARKS-RESERVE-KEPT",
        "a zone keeps frames from requests for itself",
        RESERVE,
        {f"{SIZES}.reserve_of": ("(kind < k)", "(kind <= k)")},
        client="spec",
    ),
)
