"""Wrong checks, and a kswapd that is woken wrongly."""

from __future__ import annotations

from mmprops.bugs.physical.watermarks.places import CORE, LINUX, OUR, OURS, bug

OK = "mm/page_alloc.c:__zone_watermark_ok"
FAST = "mm/page_alloc.c:zone_watermark_fast"
WAKE = "mm/vmscan.c:wakeup_kswapd"
BALANCED = "mm/vmscan.c:pgdat_balanced"

BUGS = (
    bug(
        "BUG-WM-FACTOR-3001",
        "WATERMARKS-ARGS",
        "a distance of the marks beyond the setting's range is taken",
        OURS,
        {f"{OUR}.set_scale_factor": ("<= 3000", "<= 3001")},
        profile="any",
    ),
    bug(
        "BUG-WM-FACTOR-1",
        "WATERMARKS-ACCEPTED",
        "the least distance of the marks is refused",
        OURS,
        {f"{OUR}.set_scale_factor": ("1 <=", "2 <=")},
        profile="any",
    ),
    bug(
        "BUG-WM-CHECK-READS-EXACT",
        "WATERMARKS-OK",
        "a check asks the exact count, not the counter",
        OK,
        {f"{OUR}.ok": ("self.free[op.zone][0]", "self.free[op.zone][1]")},
        profile="any",
    ),
    bug(
        "BUG-WM-BLOCK-UNCOUNTED",
        "WATERMARKS-OK-1",
        "the frames that a block's other frames take are not set aside",
        OK,
        {
            f"{OUR}.unusable": ("(1 << order) - 1", "0 * order"),
            f"{CORE}.unusable": ("(1 << order) - 1", "0 * order"),
        },
    ),
    bug(
        "BUG-WM-HIGHATOMIC-USABLE",
        "WATERMARKS-OK-1a",
        "free HIGHATOMIC frames count for a request that may not use them",
        OK,
        {
            f"{OUR}.unusable": ("if not flags & ALLOC_RESERVES:", "if not flags & ALLOC_RESERVES and order > 20:"),
            f"{CORE}.unusable": ("        frames += highatomic", "        frames += 0 * highatomic"),
        },
    ),
    bug(
        "BUG-WM-CMA-USABLE",
        "WATERMARKS-OK-1b",
        "free CMA frames count for a request that may not use them",
        OK,
        {
            f"{OUR}.unusable": ("            frames += cma", "            frames += 0 * cma"),
            f"{CORE}.unusable": ("        frames += cma", "        frames += 0 * cma"),
        },
    ),
    bug(
        "BUG-WM-HALF-ROUNDED-UP",
        "WATERMARKS-OK-2a",
        "a request of MIN_RESERVE is held to a frame less than it should be",
        OK,
        {
            f"{OUR}.passes": (
                "if flags & ALLOC_MIN_RESERVE:\n            mark -= mark // 2",
                "if flags & ALLOC_MIN_RESERVE:\n            mark //= 2",
            ),
            f"{CORE}.reduced": (
                "if flags & ALLOC_MIN_RESERVE:\n        rule(c.OK_MIN_RESERVE)\n        least -= least >> 1",
                "if flags & ALLOC_MIN_RESERVE:\n        rule(c.OK_MIN_RESERVE)\n        least >>= 1",
            ),
        },
    ),
    bug(
        "BUG-WM-NON-BLOCK-ALONE",
        "WATERMARKS-OK-2b",
        "NON_BLOCK lowers the mark where MIN_RESERVE is not set",
        OK,
        {
            f"{OUR}.passes": (
                "            if flags & ALLOC_NON_BLOCK:\n                mark -= mark // 4",
                "        if flags & ALLOC_NON_BLOCK:\n            mark -= mark // 4",
            ),
            f"{CORE}.reduced": (
                "        if flags & ALLOC_NON_BLOCK:\n            rule(c.OK_NON_BLOCK)\n            least -= least >> 2",
                "    if flags & ALLOC_NON_BLOCK:\n        rule(c.OK_NON_BLOCK)\n        least -= least >> 2",
            ),
        },
    ),
    bug(
        "BUG-WM-OOM-ALL",
        "WATERMARKS-OK-2c",
        "the victim of an OOM kill may take everything",
        OK,
        {
            f"{OUR}.passes": (
                "if flags & ALLOC_OOM:\n            mark -= mark // 2",
                "if flags & ALLOC_OOM:\n            mark = 0",
            ),
            f"{CORE}.reduced": ("rule(c.OK_OOM)\n        least -= least >> 1", "rule(c.OK_OOM)\n        least = 0"),
        },
    ),
    bug(
        "BUG-WM-MARK-REACHED",
        "WATERMARKS-OK-3",
        "a zone that is at its mark passes",
        OK,
        {
            f"{OUR}.passes": ("<= mark + reserve", "< mark + reserve"),
            f"{CORE}.watermark_ok": ("<= reduced(mark, flags) + reserve", "< reduced(mark, flags) + reserve"),
        },
    ),
    bug(
        "BUG-WM-SINGLE-NEEDS-LIST",
        "WATERMARKS-OK-4",
        "a single frame needs a block on a list that may serve it",
        OK,
        {
            f"{OUR}.passes": ("order == 0 or ", ""),
            f"{CORE}.watermark_ok": ("        return True\n    return has_block", "    return has_block"),
        },
    ),
    bug(
        "BUG-WM-BLOCK-OF-ORDER",
        "WATERMARKS-OK-5",
        "only a block of exactly the order serves a request",
        OK,
        {
            f"{OUR}.block": ("blocks >> order != 0", "blocks >> order & 1 != 0"),
            f"{CORE}.has_block": ("found >> order != 0", "found >> order & 1 != 0"),
        },
    ),
    bug(
        "BUG-WM-CMA-BLOCK",
        "WATERMARKS-OK-5a",
        "a CMA block serves a request without the flag",
        OK,
        {
            f"{OUR}.block": ("if flags & ALLOC_CMA:", "if flags >= 0:"),
            f"{CORE}.has_block": ("if flags & ALLOC_CMA:", "if flags >= 0:"),
        },
    ),
    bug(
        "BUG-WM-HIGHATOMIC-BLOCK",
        "WATERMARKS-OK-5b",
        "a HIGHATOMIC block serves a request that only may not block",
        OK,
        {
            f"{OUR}.block": ("ALLOC_HIGHATOMIC | ALLOC_OOM)", "ALLOC_HIGHATOMIC | ALLOC_OOM | ALLOC_NON_BLOCK)"),
            f"{CORE}.has_block": ("ALLOC_HIGHATOMIC | ALLOC_OOM)", "ALLOC_HIGHATOMIC | ALLOC_OOM | ALLOC_NON_BLOCK)"),
        },
    ),
    bug(
        "BUG-WM-BOOST-SPARES-MIN",
        "WATERMARKS-EFFECTIVE",
        "the boost does not lift MIN",
        "include/linux/mmzone.h:wmark_pages",
        {
            f"{OUR}.fast": (
                "self.marks[row][index] + self.boosts[row]",
                "self.marks[row][index] + (self.boosts[row] if index else 0)",
            ),
            f"{LINUX}.mark_at": ("marks.min.get(zone, 0) + marks.boost.get(zone, 0)", "marks.min.get(zone, 0)"),
        },
    ),
    bug(
        "BUG-WM-FAST-ALL-ORDERS",
        "WATERMARKS-FAST",
        "the short cut for single frames is not taken, so that only reduced marks count",
        FAST,
        {
            f"{OUR}.fast": (
                "op.order == 0 and free - min(free, self.unusable(row, 0, flags)) > mark + reserve",
                "op.order == 0 and free > mark + reserve and free > self.unusable(row, 0, flags)",
            ),
            f"{LINUX}.fast_ok": (
                "if max(0, zone_usable(machine, zone, 0, flags, free)) > mark + reserve:",
                "if free > mark + reserve and zone_usable(machine, zone, 0, flags, free) > 0:",
            ),
        },
    ),
    bug(
        "BUG-WM-BOOST-BINDS-ATOMIC",
        "WATERMARKS-FAST-UNBOOSTED",
        "a boost holds up the requests that may use reserves",
        FAST,
        {
            f"{OUR}.fast": ("else flags & ALLOC_MIN_RESERVE", "else 0"),
            f"{LINUX}.ignores_boost": ("single & ((flags & ALLOC_MIN_RESERVE) != 0)", "False"),
        },
    ),
    bug(
        "BUG-WM-61-RESERVE-UNBOOSTED",
        "WATERMARKS-FAST-6.1",
        "6.1 spares every request that may use reserves the boost",
        FAST,
        {
            f"{OUR}.fast": ("op.atomic if self.old else flags & ALLOC_MIN_RESERVE", "flags & ALLOC_MIN_RESERVE"),
            f"{LINUX}.ignores_boost": ("single & (atomic != 0)", "single & ((flags & ALLOC_MIN_RESERVE) != 0)"),
        },
        profile="kernel-6.1",
    ),
    bug(
        "BUG-WM-EMPTY-UNBALANCED",
        "WATERMARKS-BALANCED-NONE",
        "a node without frames is never balanced",
        BALANCED,
        {
            f"{OUR}.balanced": ("empty, which = True,", "empty, which = False,"),
            f"{LINUX}.balanced": ("return not met", "return False"),
        },
    ),
    bug(
        "BUG-WM-TIERING-HIGH",
        "WATERMARKS-BALANCED-PROMO",
        "memory tiering asks HIGH",
        BALANCED,
        {
            f"{OUR}.balanced": ("WMARK_PROMO if self.tiering else WMARK_HIGH", "WMARK_HIGH"),
            f"{LINUX}.unbalanced": ("mark = marks.promo", "mark = marks.high"),
        },
    ),
    bug(
        "BUG-WM-DRIFT-UNSEEN",
        "WATERMARKS-BALANCED-EXACT",
        "what CPUs hold back is not asked below the drift mark",
        "mm/page_alloc.c:zone_watermark_ok_safe",
        {
            f"{OUR}.balanced": ("exact if free < drift_mark else free", "free"),
            f"{LINUX}.safe_ok": ("free = machine.exact", "free = machine.free"),
        },
    ),
    bug(
        "BUG-WM-WAKE-FORBIDDEN",
        "WATERMARKS-WAKE-SKIPS",
        "a kswapd is woken that the request's cpuset forbids",
        WAKE,
        {
            f"{OUR}.wake": ("or not op.admitted", "or op.admitted > 1"),
            f"{LINUX}.wake_choose": ("(op.admitted == 0)", "(op.admitted > 1)"),
        },
    ),
    bug(
        "BUG-WM-WAKE-NOTES-LAST",
        "WATERMARKS-WAKE-NOTES",
        "kswapd notes the last order that was asked for, not the largest",
        WAKE,
        {
            f"{OUR}.wake": ("max(self.asked_order[node], op.order)", "op.order"),
            f"{LINUX}.noted": ("max(marks.asked_order.get(node, 0), order)", "order"),
        },
    ),
    bug(
        "BUG-WM-WAKE-RUNNING",
        "WATERMARKS-WAKE-RUNNING",
        "a kswapd that runs is woken",
        WAKE,
        {
            f"{OUR}.wake": ("if not self.waiting[node]:", "if self.failures[node] < 0:"),
            f"{LINUX}.wake_choose": ("if marks.running.get(node, False):", "if marks.failures.get(node, 0) < 0:"),
        },
    ),
    bug(
        "BUG-WM-WAKE-HOPELESS",
        "WATERMARKS-WAKE-HOPELESS",
        "a kswapd is given up one failure late",
        WAKE,
        {f"{OUR}.useless": (">= 16", "> 16"), f"{LINUX}.useless": (">= HOPELESS", "> HOPELESS")},
    ),
    bug(
        "BUG-WM-WAKE-BOOSTED",
        "WATERMARKS-WAKE-BALANCED",
        "a boost does not wake the kswapd of a balanced node",
        WAKE,
        {
            f"{OUR}.useless": ("not boosted and ", ""),
            f"{LINUX}.useless": (" and not boosted(machine, marks, node, highest)", ""),
        },
    ),
    bug(
        "BUG-WM-WAKE-COMPACTS",
        "WATERMARKS-WAKE-COMPACTS",
        "kcompactd is woken for a request that can reclaim itself",
        WAKE,
        {
            f"{OUR}.wake": ("int(not op.direct)", "1"),
            f"{LINUX}.wake_choose": ("1 if op.direct == 0 else 0", "1"),
        },
    ),
)
