"""The clauses of the page allocator on real frames, in the order of dossier sections E.5 and E.8 to E.12."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_RMQUEUE = "mm/page_alloc.c:rmqueue, v6.12"
_FREE = "mm/page_alloc.c:free_unref_page, v6.12"
_COMMIT = "mm/page_alloc.c:free_unref_page_commit, v6.12"
_RESERVE = "mm/page_alloc.c:reserve_highatomic_pageblock, v6.12"
_UNRESERVE = "mm/page_alloc.c:unreserve_highatomic_pageblock, v6.12"
_REFRESH = "mm/vmstat.c:refresh_cpu_vm_stats, v6.12"
_BULK = "mm/page_alloc.c:alloc_pages_bulk_noprof, v6.12"
_ISOLATE = "mm/page_isolation.c:start_isolate_page_range, v6.12"
_CONTIG = "mm/page_alloc.c:alloc_contig_range_noprof, v6.12"
_UNDO = "mm/page_isolation.c:undo_isolate_page_range, v6.12"
_TEST = "mm/page_isolation.c:test_pages_isolated, v6.12"
_MOVES = "mm/page_isolation.c:has_unmovable_pages, v6.12"
_OURS = "INTERFACES 1, machine page_alloc"
_linux = partial(Clause, of_policy=True)

# --- truths about every answer -----------------------------------------------------------------------------------------
ARGS = Clause("PAGES-ARGS", "What names no zone, node or CPU, or bits that are no request, is refused with EINVAL", _OURS)
ACCEPTED = Clause("PAGES-ACCEPTED", "Anything else is carried out", _OURS)
ORDER = Clause("PAGES-ORDER", "A request above the largest order fails", "mm/page_alloc.c:__alloc_pages_noprof, v6.12")
ENOMEM = Clause(
    "PAGES-ENOMEM", "A request for one frame does not fail where the zone that it names is large and has all its frames", _OURS
)
ZONE = Clause(
    "PAGES-ZONE", "A block is of a zone that the request may use: its kind, its node, and whether it must stay there", _RMQUEUE
)
ALIGNED = Clause("PAGES-ALIGNED", "A block begins at a multiple of its size", _RMQUEUE)
FREE = Clause("PAGES-FREE", "Each frame of a block that is handed out was nobody's: no frame has two owners", _RMQUEUE)
CMA_ONLY = Clause("PAGES-CMA", "A frame of a CMA pageblock is handed out to movable requests only", _RMQUEUE)
FREE_ACCEPTED = Clause("PAGES-FREE-ACCEPTED", "A block that is handed out can be given back", _FREE)
FREE_REFUSED = Clause("PAGES-FREE-REFUSED", "Any other block, a part or a union of blocks too, is refused with EINVAL", _FREE)
SPLIT = Clause(
    "PAGES-SPLIT", "A block that is split is as many single frames, each given back alone", "mm/page_alloc.c:split_page, v6.12"
)

# --- rmqueue -----------------------------------------------------------------------------------------------------------
TRIES_NEXT = _linux(
    "PAGES-NEXT",
    "Where a zone that passed gives no block, the next one is tried",
    "mm/page_alloc.c:get_page_from_freelist, v6.12",
)
NO_MARKS = _linux(
    "PAGES-NO-WATERMARKS", "A request that passes all watermarks is tried on every zone, whatever its counters say",
    "mm/page_alloc.c:get_page_from_freelist, v6.12",
)  # fmt: skip
ANEW = _linux(
    "PAGES-ANEW", "At the end of the list a request that must not fragment begins anew as one that may",
    "mm/page_alloc.c:get_page_from_freelist, v6.12",
)  # fmt: skip
FROM_CPU = _linux("PAGES-RMQUEUE-1", "Orders that CPUs keep are served from the lists of the request's CPU", _RMQUEUE)
REFILL = _linux(
    "PAGES-REFILL", "An empty list takes as many blocks as it wants, one after another, and goes on without those it cannot have",
    "mm/page_alloc.c:rmqueue_bulk, v6.12",
)  # fmt: skip
FROM_LISTS = _linux("PAGES-RMQUEUE-2", "Other orders, and what a CPU could not have, come from the free lists", _RMQUEUE)
COUNTED = _linux(
    "PAGES-COUNT", "What leaves the free lists or comes back is counted by the CPU that moves it, CMA's once more",
    "mm/page_alloc.c:account_freepages, v6.12",
)  # fmt: skip
COUNTED_61 = _linux("PAGES-COUNT-6.1", "6.1 counts a refill once, at its end", "mm/page_alloc.c:rmqueue_bulk, v6.1")
CONSERVED = _linux(
    "PAGES-BUDDY-8", "What a CPU holds is counted free nowhere: free, held and handed out make up the zone", _RMQUEUE
)
MOVABLE_LIVE = _linux(
    "PAGES-MOVABLE",
    "Only what a movable request has now can be moved; what a CPU holds cannot",
    "mm/page_alloc.c:try_to_steal_block, v6.12",
)

# --- free --------------------------------------------------------------------------------------------------------------
TO_CPU = _linux("PAGES-FREE-1", "Orders that CPUs keep go to the CPU's list of their pageblock's type", _FREE)
TO_LISTS = _linux("PAGES-FREE-2", "Other orders go to the free lists", "mm/page_alloc.c:__free_pages_ok, v6.12")
GOES_BACK = _linux(
    "PAGES-BACK", "What a CPU gives back goes to the free lists by the type that its pageblock has now",
    "mm/page_alloc.c:free_pcppages_bulk, v6.12",
)  # fmt: skip
ABOVE_AGAIN = _linux(
    "PAGES-ABOVE", "After a CPU over its limit gave back, a zone above HIGH is no longer known to be below", _COMMIT
)

LEAKS = Clause(
    "PAGES-LEAK", "What is bad where blocks are checked, or one frame that is broken, is taken back and never handed out again",
    "mm/page_alloc.c:free_pages_prepare, v6.12",
)  # fmt: skip

# --- bulk --------------------------------------------------------------------------------------------------------------
BULK_ZONE = _linux("PAGES-BULK", "A bulk request is for the first zone above LOW by as many frames more", _BULK)
BULK_NEAR = _linux("PAGES-BULK-NEAR", "And of the node of the first zone; else a single frame is asked for", _BULK)
BULK_ONE = _linux("PAGES-BULK-ONE", "So it is where one frame or none is wanted", _BULK)
BULK_LIST = _linux("PAGES-BULK-LIST", "Its frames come from the CPU's list, refilled, and from nowhere else", _BULK)

# --- highatomic --------------------------------------------------------------------------------------------------------
RESERVE = _linux("PAGES-RESERVE", "After a HIGHATOMIC success the block's pageblock is reserved, and counted", _RESERVE)
RESERVE_CAP = _linux("PAGES-RESERVE-CAP", "Not beyond a hundredth of the zone, in whole pageblocks", _RESERVE)
RESERVE_SMALL = _linux("PAGES-RESERVE-SMALL", "Nor where that is less than a pageblock", _RESERVE)
RESERVE_61 = _linux(
    "PAGES-RESERVE-6.1", "6.1 reserves up to a hundredth and a pageblock, in zones of any size",
    "mm/page_alloc.c:reserve_highatomic_pageblock, v6.1",
)  # fmt: skip
UNRESERVE = _linux("PAGES-UNRESERVE", "The first zone of the list with a free HIGHATOMIC block turns it back", _UNRESERVE)
UNRESERVE_LAST = _linux(
    "PAGES-UNRESERVE-LAST", "Unless forced, nothing is turned back where no more than a pageblock is reserved", _UNRESERVE
)
UNRESERVE_COUNT = _linux("PAGES-UNRESERVE-COUNT", "What is turned back is counted, a pageblock at least", _UNRESERVE)

# --- drains ------------------------------------------------------------------------------------------------------------
DRAIN_CPU = _linux(
    "PAGES-DRAIN", "A CPU that is drained gives back what it holds of each zone", "mm/page_alloc.c:drain_pages, v6.12"
)
DRAIN_ZONE = _linux("PAGES-DRAIN-ZONE", "A zone's drain is one of every CPU", "mm/page_alloc.c:__drain_all_pages, v6.12")
DRAIN_ALL = _linux(
    "PAGES-DRAIN-ALL", "A drain of all goes CPU by CPU, and zone by zone", "mm/page_alloc.c:__drain_all_pages, v6.12"
)
FOLDS = _linux("PAGES-REFRESH-1", "A refresh hands over what the CPU counted in each zone", _REFRESH)
DECAYS = _linux("PAGES-REFRESH-2", "Then the CPU's limit decays, and it gives back what is above it", _REFRESH)
EXPIRES = _linux("PAGES-REFRESH-3", "A zone of another node that it left alone for three refreshes gets a batch back", _REFRESH)

# --- ranges ------------------------------------------------------------------------------------------------------------
RANGE_ARGS = Clause(
    "PAGES-RANGE-ARGS", "A range is of one zone, for MOVABLE or CMA, and takes no pageblock to CMA or from it: EINVAL", _OURS
)
RANGE_TWICE = Clause("PAGES-RANGE-TWICE", "A range with a pageblock that is isolated already is refused with EBUSY", _ISOLATE)
RANGE_CMA = Clause("PAGES-RANGE-CMA", "A CMA pageblock is isolated for CMA only, else EBUSY", _MOVES)
RANGE_ISOLATED = Clause("PAGES-RANGE", "Whole pageblocks of which each frame is nobody's can be isolated", _ISOLATE)
RANGE_UNDONE = Clause("PAGES-RANGE-UNDO", "Each isolation can be undone", _UNDO)
ISOLATED = Clause("PAGES-ISOLATED", "Of an isolated pageblock nothing is handed out once its zone was drained since", _ISOLATE)
CONTIG_OPEN = Clause("PAGES-CONTIG-OPEN", "Of a range that is not all isolated nothing is handed out: EBUSY", _TEST)
CONTIG_FREE = Clause("PAGES-CONTIG-FREE", "Nor of one that has a frame of another's: no frame has two owners", _CONTIG)
CONTIG = Clause(
    "PAGES-CONTIG-1",
    "Any other that was drained since is handed out, each frame by itself; its pageblocks stay isolated",
    _CONTIG,
)
MOVES = _linux("PAGES-MOVES", "A pageblock is isolated only if what begins in it is nobody's, or can be moved", _MOVES)
MOVES_CMA = _linux("PAGES-MOVES-CMA", "A CMA pageblock is isolated for CMA whatever it has", _MOVES)
MOVES_ALL = _linux("PAGES-MOVES-ZONE", "In ZONE_MOVABLE everything can be moved", _MOVES)
STRADDLES = _linux(
    "PAGES-STRADDLES", "Nor is one at an end of the range if a compound page lies across that end",
    "mm/page_isolation.c:isolate_single_pageblock, v6.12",
)  # fmt: skip
EDGES_FIRST = _linux(
    "PAGES-ISOLATE-ORDER", "The first pageblock is isolated, then the last, then the others; if one cannot be, all is undone",
    _ISOLATE,
)  # fmt: skip
UNDOES = _linux("PAGES-UNDOES", "Pageblocks that are no longer isolated have the type that was asked for", _UNDO)
CONTIG_LISTED = _linux("PAGES-CONTIG-LISTED", "A range is had if listed blocks cover it, and not what a CPU holds", _TEST)
CONTIG_EDGES = _linux(
    "PAGES-CONTIG-EDGES", "Blocks over its ends are taken whole; what is before it, then what is behind, goes back by frames",
    "mm/page_alloc.c:free_contig_range, v6.12",
)  # fmt: skip

CHOICE = _linux("PAGES-CHOICE", "Of the lawful answers it is the kernel's", "mm/page_alloc.c, v6.12")

CLAUSES: tuple[Clause, ...] = tuple(value for value in dict(globals()).values() if isinstance(value, Clause))
"""All of them."""
