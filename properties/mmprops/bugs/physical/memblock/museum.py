"""Bugs that happened, restated as edits of memblock (ids and references of linux/bugs.md)."""

from __future__ import annotations

from mmprops.bugs.physical.memblock.places import EARLY, MEMORY, OUR_TABLE, REGIONS, TABLE, answer, bug

BUGS = (
    answer(
        "MB-01",
        "MEMBLOCK-ALLOC-FREE",
        "a reservation that overlaps another is lost, and its memory is handed out",
        "Linux 2.6.38, commit 8f7a66051b75",
        {f"{TABLE}.cover": ("if not gaps:", "if not gaps or self.overlaps(base, size):")},
    ),
    answer(
        "MB-02",
        "MEMBLOCK-ALLOC-INSIDE",
        "a request larger than the address below which it is looked for wraps to the top of the address space",
        "Linux, commits d9024df02ff, f1af9d3af308",
        {
            f"{MEMORY}.find": (
                "elif size <= high and (high - size) // align * align >= low:\n"
                "                return (high - size) // align * align",
                "elif (high - size) % 2**64 // align * align >= low:\n"
                "                return (high - size) % 2**64 // align * align",
            ),
        },
    ),
    bug(
        "MB-06",
        "MEMBLOCK-TOP",
        "the end of a range that reaches the top of the address space wraps",
        "U-Boot, commit f8878da5571e; FreeBSD rS351133",
        {
            f"{OUR_TABLE}.capped": ("return min(base + size, TOP)", "return base + size if base + size <= TOP else 0"),
            f"{REGIONS}.cap_end": ("return TOP", "return 0"),
        },
    ),
    answer(
        "MB-14",
        "MEMBLOCK-QUERY-REGION",
        "the length of a range is compared with its region's, wherever in it the range begins",
        "SerenityOS, commit 026687816d6",
        {
            f"{EARLY}._answer_query": (
                "capped(request.base, request.size) <= self.memory.ends[at]",
                "request.size <= self.memory.ends[at] - self.memory.bases[at]",
            ),
        },
    ),
    answer(
        "MB-15",
        "MEMBLOCK-FREE-ALL-5",
        "frames beyond the last one are walked as well",
        "Linux 5.0, commit 7298e3b0a149",
        {f"{EARLY}._answer_free_all": ("min(high >> PAGE_SHIFT, request.max_low_pfn)", "high >> PAGE_SHIFT")},
    ),
)
