"""Wrong versions of the law's own text, found by its truths about every state.

The law's choices are carried out by the law itself (client ``spec``): only a truth about the state can tell that they are wrong.
"""

from __future__ import annotations

from functools import partial

from mmprops.bugs.physical.memblock.places import REGIONS, answer

truth = partial(answer, client="spec")

BUGS = (
    truth(
        "BUG-LAW-SPLIT-OVERLAPS",
        "MEMBLOCK-1",
        "the lower half of a region that is split keeps the upper half",
        "mm/memblock.c:memblock_isolate_range, v6.12",
        {f"{REGIONS}.split_after": ("array.end.set(base, at)", "array.end")},
    ),
    truth(
        "BUG-LAW-TOTAL-ONLY-GROWS",
        "MEMBLOCK-2",
        "what is taken out of an array stays in its total",
        "mm/memblock.c:memblock_remove_region, v6.12",
        {f"{REGIONS}.drop_next": ("(array.total - size_at(array, base)) & TOP", "array.total")},
    ),
    truth(
        "BUG-LAW-MERGES-NO-NEXT",
        "MEMBLOCK-3",
        "the last region inserted is not merged with the next one",
        "mm/memblock.c:memblock_merge_regions, v6.12",
        {f"{REGIONS}.merge_more": ("following <= stop", "following < stop")},
    ),
    truth(
        "BUG-LAW-COUNTS-MERGED",
        "MEMBLOCK-4",
        "two regions that became one still count as two",
        "mm/memblock.c:memblock_merge_regions, v6.12",
        {f"{REGIONS}.join_next": ("array.cnt - 1", "array.cnt")},
    ),
)
