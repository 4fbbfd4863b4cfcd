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

CHOICE = _linux("PAGES-CHOICE", "Of the lawful answers it is the kernel's", "mm/page_alloc.c, v6.12")

CLAUSES: tuple[Clause, ...] = tuple(value for value in dict(globals()).values() if isinstance(value, Clause))
"""All of them."""
