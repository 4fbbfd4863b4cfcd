"""Wrong ways with ranges of frames: isolating, taking what is isolated, and undoing it."""

from __future__ import annotations

from mmprops.bugs.physical.pages.places import CONTIG, OURS, RANGE, RANGES, ZONE, bug

ISOLATE = "mm/page_isolation.c:start_isolate_page_range"
MOVES = "mm/page_isolation.c:has_unmovable_pages"

BUGS = (
    bug(
        "BUG-PAGES-RANGE-OF-NOTHING",
        "PAGES-RANGE-ARGS",
        "a range without frames is one",
        OURS,
        {f"{RANGES}.has": ("start < end", "start <= end")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-ISOLATED-FOR-TWO",
        "PAGES-RANGE-TWICE",
        "a pageblock that is isolated is isolated once more",
        ISOLATE,
        {f"{RANGE}.isolate": ("lists.isolate(self.free, first)", "lists.isolate(self.free, first) < 0")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-CMA-FOR-ANY-RANGE",
        "PAGES-RANGE-CMA",
        "a CMA pageblock is isolated for whoever asks",
        MOVES,
        {f"{RANGE}.has_unmovable": ("return self.migratetype != CMA", "return False")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-MIDDLE-REFUSED",
        "PAGES-RANGE",
        "a range of more than two pageblocks is busy",
        ISOLATE,
        {f"{RANGE}.isolate_all": ("if not self.isolate(frame):", "if self.isolate(frame):")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-UNDO-OF-NOTHING",
        "PAGES-RANGE-UNDO",
        "undoing fails where nothing is isolated",
        "mm/page_isolation.c:undo_isolate_page_range",
        {f"{RANGES}.may_undo": ("(MOVABLE, CMA) and all", "(MOVABLE, CMA) and len(found) > 0 and all")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-ISOLATED-HELD",
        "PAGES-ISOLATED",
        "a CPU keeps what comes back of an isolated pageblock, and hands it out",
        "mm/page_alloc.c:free_unref_page",
        {
            f"{ZONE}.give": (
                "self.free.types[frame >> self.free.pageblock_order]",
                "self.free.types[frame >> self.free.pageblock_order] % 5",
            )
        },
        profile="any",
    ),
    bug(
        "BUG-PAGES-CONTIG-UNISOLATED",
        "PAGES-CONTIG-OPEN",
        "a range is taken though not all of it is isolated",
        "mm/page_isolation.c:test_pages_isolated",
        {f"{RANGES}.is_isolated": ("==", "<=")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-CONTIG-LAST-UNSEEN",
        "PAGES-CONTIG-FREE",
        "the last frame of a range is taken whoever has it",
        "mm/page_isolation.c:test_pages_isolated",
        {f"{RANGE}.take": ("if frame < end:", "if frame + 1 < end:")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-CONTIG-FROM-HEADS",
        "PAGES-CONTIG-1",
        "a range that begins within a free block is busy",
        "mm/page_alloc.c:find_large_buddy",
        {f"{RANGE}.outer_start": ("return head", "break")},
        profile="any",
    ),
    bug(
        "BUG-PAGES-MOVABLE-IS-PINNED",
        "PAGES-MOVES",
        "a pageblock with what can be moved is busy",
        MOVES,
        {
            f"{CONTIG}.is_pinned": ("(lists.movable.get(pfn, ABSENT) == ABSENT)", "(lists.movable.get(pfn, ABSENT) >= 0)"),
            f"{RANGE}.has_unmovable": ("any(not page[frame] & MIGRATABLE for", "any(page[frame] for"),
        },
    ),
    bug(
        "BUG-PAGES-CMA-IS-PINNED",
        "PAGES-MOVES-CMA",
        "a CMA pageblock with what cannot be moved is busy for CMA too",
        MOVES,
        {
            f"{CONTIG}.has_unmovable": ("pfn) == CMA:", "pfn) == CMA and migratetype != CMA:"),
            f"{RANGE}.has_unmovable": ("if self.type_at(first) == CMA:", "if self.type_at(first) == CMA != self.migratetype:"),
        },
    ),
    bug(
        "BUG-PAGES-ZONE-MOVABLE-IS-PINNED",
        "PAGES-MOVES-ZONE",
        "in ZONE_MOVABLE, too, what was taken as a range cannot be moved",
        MOVES,
        {
            f"{CONTIG}.has_unmovable": ("== MOVABLE_ZONE", "> MOVABLE_ZONE"),
            f"{RANGE}.has_unmovable": ("if self.all_movable:", "if self.all_movable < 0:"),
        },
    ),
    bug(
        "BUG-PAGES-COMPOUND-CUT",
        "PAGES-STRADDLES",
        "an end of a range is isolated though a compound page lies across it",
        "mm/page_isolation.c:isolate_single_pageblock",
        {
            f"{CONTIG}.straddles": ("head < boundary and", "head > boundary and"),
            f"{RANGE}.straddles": ("head < boundary and", "head > boundary and"),
        },
    ),
    bug(
        "BUG-PAGES-LAST-STAYS-ISOLATED",
        "PAGES-ISOLATE-ORDER",
        "where a pageblock between the ends is busy the last one stays isolated",
        ISOLATE,
        {
            f"{CONTIG}.isolated_range": (
                "restored(undone(parts, cpu, first, reached, migratetype), cpu, last, migratetype)",
                "undone(parts, cpu, first, reached, migratetype)",
            ),
            f"{RANGE}.isolate_all": ("                self.restore(last, last + self.size)\n", ""),
        },
    ),
    bug(
        "BUG-PAGES-UNDO-IS-UNMOVABLE",
        "PAGES-UNDOES",
        "pageblocks that are isolated no longer are UNMOVABLE",
        "mm/page_isolation.c:undo_isolate_page_range",
        {
            f"{CONTIG}.restore_step": ("restored(parts, cpu, pfn, migratetype)", "restored(parts, cpu, pfn, migratetype & 4)"),
            f"{RANGE}.restore": ("frame, self.migratetype)", "frame, self.migratetype & 4)"),
        },
    ),
    bug(
        "BUG-PAGES-CONTIG-HELD",
        "PAGES-CONTIG-LISTED",
        "a range is handed out while a CPU holds frames of it",
        "mm/page_isolation.c:test_pages_isolated",
        {
            f"{CONTIG}.contig_choose": ("< op.end:\n        return EBUSY", "< op.end:\n        return DONE"),
            f"{RANGE}.take": ("if frame < end:\n            return False", "if frame < end:\n            return True"),
        },
    ),
    bug(
        "BUG-PAGES-TAIL-FIRST",
        "PAGES-CONTIG-EDGES",
        "what is behind the range is given back before what is before it",
        "mm/page_alloc.c:alloc_contig_range_noprof",
        {
            f"{CONTIG}.contig_choose": (
                "released(released(parts, op.cpu, outer, op.start), op.cpu, op.end, outer_end)",
                "released(released(parts, op.cpu, op.end, outer_end), op.cpu, outer, op.start)",
            ),
            f"{RANGE}.take": ("(*range(outer, start), *range(end, frame))", "(*range(end, frame), *range(outer, start))"),
        },
    ),
)
