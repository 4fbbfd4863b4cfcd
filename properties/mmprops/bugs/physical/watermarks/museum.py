"""Bugs that happened, restated as edits of the watermarks (ids and references of linux/bugs.md)."""

from __future__ import annotations

from mmprops.bugs.physical.watermarks.places import LINUX, OUR, bug

BUGS = (
    bug(
        "WM-01",
        "WATERMARKS-FAST-NOTHING",
        "the fast check subtracts more than is free, and reads the negative number as a large one",
        "Linux 6.0, commit 9282012fc0aa",
        {
            f"{OUR}.fast": (
                "free - min(free, self.unusable(row, 0, flags)) >",
                "(free - self.unusable(row, 0, flags)) % (1 << 64) >",
            )
        },
        profile="any",
    ),
    bug(
        "WM-02",
        "WATERMARKS-OK",
        "free CMA frames are taken off once for all orders, and once more for each",
        "Linux 3.11, commit 026b08147923",
        {
            f"{OUR}.passes": (
                "order == 0 or self.block(row, order, flags)",
                "order == 0 or (\n            self.block(row, order, flags)\n"
                "            and free - self.unusable(row, order, flags) - self.free[row][3] > mark + reserve\n        )",
            )
        },
        profile="any",
    ),
    bug(
        "RCL-01",
        "WATERMARKS-BALANCED",
        "a node is balanced only if every zone of it is",
        "Linux 4.12, commit 333b0a459cce",
        {
            f"{OUR}.balanced": (
                "):\n                return True\n        return empty",
                "):\n                continue\n            return False\n        return True",
            ),
            f"{LINUX}.balance_more": ("empty or unbalanced(", "empty or not unbalanced("),
            f"{LINUX}.balanced": (
                "        return True\n    rule(c.BALANCED_NONE)\n    return not met",
                "        return False\n    rule(c.BALANCED_NONE)\n    return True",
            ),
        },
    ),
    bug(
        "WM-06",
        "WATERMARKS-STALE",
        "reserves are not computed anew when a zone has grown",
        "Linux 5.9, commit e08d3fdfe2da",
        {
            f"{OUR}.refresh": (
                "        self.set_reserves()\n",
                "        if not any(map(any, self.reserve)):\n            self.set_reserves()\n        self.total_up()\n",
            ),
            f"{LINUX}.refreshed": (
                "return set_up_reserves(machine, set_up_marks(machine, computed))",
                "marked = set_up_marks(machine, computed)\n"
                "    return marked if any(kept for _, kept in marks.reserve.items()) else set_up_reserves(machine, marked)",
            ),
        },
    ),
)
