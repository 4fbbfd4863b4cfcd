"""The clauses of the buddy allocator, in the order of dossier section E (``docs/clauses.toml`` maps its rows to them)."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_FREE = "mm/page_alloc.c:__free_one_page, v6.12"
_CLAIM = "mm/page_alloc.c:__rmqueue_claim, v6.12"
_STEAL_BLOCK = "mm/page_alloc.c:try_to_steal_block, v6.12"
_ISOLATION = "mm/page_isolation.c:set_migratetype_isolate, v6.12"
_UNISOLATION = "mm/page_isolation.c:unset_migratetype_isolate, v6.12"
_OURS = "INTERFACES 1, machine buddy"
_linux = partial(Clause, of_policy=True)

# --- truths about every state ------------------------------------------------------------------------------------------
BUDDY_1 = Clause(
    "BUDDY-1", "Every frame of memory is in exactly one block, free or handed out, and no other frame is in any", _FREE
)
BUDDY_2 = Clause(
    "BUDDY-2", "A block of order o starts at a multiple of 2**o and lies inside the zone", "mm/page_alloc.c:bad_range, v6.12"
)
BUDDY_3 = Clause(
    "BUDDY-3",
    "No free block below max_order has a free buddy of its order, types and merge barriers set aside",
    _FREE,
)
BUDDY_4 = _linux(
    "BUDDY-4",
    "A listed block lies in pageblocks of its list's type only",
    "mm/page_alloc.c:__add_to_free_list, v6.12",
    since="6.12",
)
BUDDY_LISTED = _linux("BUDDY-LISTED", "A listed block of order o starts at a multiple of 2**o, and o is at most max_order", _FREE)
BUDDY_PAIRS = _linux(
    "BUDDY-3-LISTS",
    "Below pageblock order two listed buddies of equal order never coexist; above, only isolate, unisolate, "
    "retype, reserve and unreserve leave apart two that may merge, until one is freed anew",
    _FREE,
)
BUDDY_KIND = _linux(
    "BUDDY-KIND",
    "A pageblock that is HIGHATOMIC, CMA or ISOLATE to Linux is so to everybody",
    "include/linux/mmzone.h:enum migratetype, v6.12",
)
BUDDY_5 = _linux("BUDDY-5", "Each list is one ring of exactly the blocks of its order and type", "include/linux/list.h, v6.12")
BUDDY_6 = Clause(
    "BUDDY-6",
    "The count of free frames of each kind is the number of free frames in pageblocks of that kind",
    "mm/page_alloc.c:account_freepages, v6.12",
)
BUDDY_COVER = _linux("BUDDY-COVER", "Linux's listed blocks cover exactly the free frames", _FREE)

# --- alloc -------------------------------------------------------------------------------------------------------------
ALLOC_ARGS = Clause(
    "BUDDY-ALLOC-ARGS", "A request whose order, type or flags a zone does not serve is refused with EINVAL", _OURS
)
ALLOC_ENOMEM = Clause(
    "BUDDY-ALLOC-ENOMEM",
    "A request fails, with ENOMEM, only when no lawful block is owed to it, or when it must not fragment",
    _OURS,
)
ALLOC_ALIGNED = Clause("BUDDY-ALLOC-ALIGNED", "A block of order o is handed out at a multiple of 2**o", _FREE)
ALLOC_INSIDE = Clause("BUDDY-ALLOC-INSIDE", "A block is handed out from inside the zone", "mm/page_alloc.c:bad_range, v6.12")
ALLOC_FREE = Clause("BUDDY-ALLOC-FREE", "Only frames that are all free are handed out: no frame has two owners", _FREE)
ALLOC_KIND = Clause(
    "BUDDY-ALLOC-KIND",
    "A block is handed out only from pageblocks whose type the request may use",
    "mm/page_alloc.c:rmqueue_buddy, v6.12",
)

# --- free, putback, take -------------------------------------------------------------------------------------------------
FREE_ACCEPTED = Clause("BUDDY-FREE-ACCEPTED", "A free of exactly one live allocation is carried out", _OURS)
FREE_REFUSED = Clause("BUDDY-FREE-REFUSED", "A free of anything else is refused with EINVAL and changes nothing", _OURS)
TAKE_FREE = Clause("BUDDY-TAKE-FREE", "Only a block of free frames is taken", "mm/page_alloc.c:__isolate_free_page, v6.12")
TAKE_REFUSED = Clause(
    "BUDDY-TAKE-REFUSED", "A take that is not carried out is refused with EINVAL", "mm/page_alloc.c:__isolate_free_page, v6.12"
)

# --- pageblock kinds -----------------------------------------------------------------------------------------------------
ISOLATE_ARGS = Clause("BUDDY-ISOLATE-ARGS", "Isolating a frame that the zone does not span is refused with EINVAL", _OURS)
ISOLATE_BUSY = Clause(
    "BUDDY-ISOLATE-BUSY", "A pageblock that is isolated already, or not wholly in the zone, is refused with EBUSY", _ISOLATION
)
ISOLATE_DONE = Clause("BUDDY-ISOLATE", "Any other pageblock of movable pages is isolated", _ISOLATION)
UNISOLATE_ARGS = Clause("BUDDY-UNISOLATE-ARGS", "Only an isolated pageblock is given a type again, and not ISOLATE", _UNISOLATION)
UNISOLATE_DONE = Clause("BUDDY-UNISOLATE", "An isolated pageblock gets the type that is asked for", _UNISOLATION)
RETYPE_ARGS = Clause("BUDDY-RETYPE-ARGS", "A change to ISOLATE, or outside the zone, is refused with EINVAL", _OURS)
RETYPE_BUSY = Clause(
    "BUDDY-RETYPE-BUSY",
    "A pageblock that is isolated, not wholly in the zone, or part of a larger free block keeps its type: EBUSY",
    _OURS,
)
RETYPE_DONE = Clause(
    "BUDDY-RETYPE", "Any other pageblock gets the type that is asked for", "mm/page_alloc.c:move_freepages_block, v6.12"
)
RESERVE_ARGS = Clause("BUDDY-RESERVE-ARGS", "Only a live allocation's pageblocks are reserved", _OURS)
RESERVE_BUSY = Clause(
    "BUDDY-RESERVE-BUSY",
    "A block whose first pageblock is not mergeable, or not wholly in the zone, is not reserved: EBUSY",
    "mm/page_alloc.c:reserve_highatomic_pageblock, v6.12",
)
RESERVE_DONE = Clause(
    "BUDDY-RESERVE",
    "Every pageblock of the allocation becomes HIGHATOMIC",
    "mm/page_alloc.c:reserve_highatomic_pageblock, v6.12",
)
UNRESERVE_ARGS = Clause("BUDDY-UNRESERVE-ARGS", "A reserve is converted to a mergeable type only", _OURS)
UNRESERVE_NONE = Clause(
    "BUDDY-UNRESERVE-NONE",
    "The answer is ENOENT if and only if no HIGHATOMIC frame is free",
    "mm/page_alloc.c:unreserve_highatomic_pageblock, v6.12",
)
UNRESERVE_BLOCK = Clause(
    "BUDDY-UNRESERVE",
    "The pageblocks that are converted are those of one free HIGHATOMIC block",
    "mm/page_alloc.c:unreserve_highatomic_pageblock, v6.12",
)

# --- counts ----------------------------------------------------------------------------------------------------------------
COUNT_KIND = Clause(
    "BUDDY-ACCOUNT", "2**o frames are counted free in the kind of their pageblock", "mm/page_alloc.c:account_freepages, v6.12"
)
COUNT_PAGEBLOCKS = Clause(
    "BUDDY-ACCOUNT-LARGE",
    "A block of several pageblocks is counted by the kind of each",
    "mm/page_alloc.c:split_large_buddy, v6.12",
)
COUNT_MOVES = Clause(
    "BUDDY-ACCOUNT-MOVE",
    "Free frames that change kind leave the old count and enter the new one",
    "mm/page_alloc.c:move_to_free_list, v6.12",
)
COUNT_REPORTED = Clause(
    "BUDDY-FREE-COUNT", "The number of free frames that is reported is right, those in ISOLATE pageblocks included", _OURS
)
BLOCKS_REPORTED = Clause(
    "BUDDY-FREE-BLOCKS", "The free blocks that are reported are the free frames, each pair of free buddies merged", _OURS
)

# --- Linux: freeing (dossier E.4, E.5) -----------------------------------------------------------------------------------
FREE_2_TOP = _linux("BUDDY-FREE-2", "Merging ends at max_order", _FREE)
FREE_2B = _linux("BUDDY-FREE-2b", "Merging ends where the buddy is not a free block of the same order and zone", _FREE)
FREE_2C = _linux(
    "BUDDY-FREE-2c",
    "At and above pageblock order a block merges across types only if both are mergeable (the merge barrier)",
    _FREE,
)
FREE_2D = _linux("BUDDY-FREE-2d", "The buddy leaves its list", _FREE)
FREE_2E = _linux("BUDDY-FREE-2e", "The buddy's pageblocks take the type of the block being freed", _FREE, since="6.12")
FREE_2F = _linux("BUDDY-FREE-2f", "The merged block starts at the lower half, one order up", _FREE)
FREE_3 = _linux(
    "BUDDY-FREE-3",
    "A block goes to the tail if asked, or if, below max_order - 1, its parent's buddy is a free block of"
    " the parent's order, whatever its type; else to the head",
    "mm/page_alloc.c:buddy_merge_likely, v6.12",
)
FREE_4 = _linux("BUDDY-FREE-4", "A freed block goes on the list of its order and of the type it is freed with", _FREE)
FREE_PIECES = _linux(
    "BUDDY-FREE-PIECES",
    "A block of several pageblocks is freed pageblock by pageblock, ascending, each by its own type; 6.1 "
    "frees it whole by the first one's",
    "mm/page_alloc.c:split_large_buddy, v6.12",
)
PUTBACK_TAIL = _linux(
    "BUDDY-PUTBACK",
    "A block that was taken is freed whole, merged, and goes to the tail",
    "mm/page_alloc.c:__putback_isolated_page, v6.12",
)
TAKE_MOVABLE = _linux(
    "BUDDY-TAKE-MOVABLE",
    "A taken block of two frames and half a pageblock or more turns its mergeable pageblocks MOVABLE, "
    "since 6.12 with their other free blocks and only where the zone spans them wholly",
    "mm/page_alloc.c:__isolate_free_page, v6.12",
)

# --- Linux: handing out (dossier E.7, E.8) --------------------------------------------------------------------------------
EXPAND = _linux(
    "BUDDY-EXPAND",
    "What is split off goes on the list of its order and of the block's type, which is empty then, so that nobody can tell "
    "its head from its tail; the caller keeps the lowest frames",
    "mm/page_alloc.c:expand, v6.12",
)
SMALLEST = _linux(
    "BUDDY-SMALLEST",
    "A request takes the head of the first list, by ascending order, that is not empty",
    "mm/page_alloc.c:__rmqueue_smallest, v6.12",
)
RMQUEUE_1 = _linux(
    "BUDDY-RMQUEUE-1",
    "A CMA request tries CMA first while it holds over half of the free frames, those isolated set aside",
    "mm/page_alloc.c:__rmqueue, v6.12",
)
RMQUEUE_2 = _linux("BUDDY-RMQUEUE-2", "A request tries its own type's lists", "mm/page_alloc.c:__rmqueue, v6.12")
RMQUEUE_3 = _linux("BUDDY-RMQUEUE-3", "A CMA request then tries CMA", "mm/page_alloc.c:__rmqueue, v6.12")
RMQUEUE_4 = _linux(
    "BUDDY-RMQUEUE-4", "A request whose lists are empty falls back to another type", "mm/page_alloc.c:__rmqueue, v6.12"
)
FALLBACK_ORDER = _linux(
    "BUDDY-FALLBACK-ORDER",
    "UNMOVABLE falls back to RECLAIMABLE, then MOVABLE; MOVABLE to RECLAIMABLE, then UNMOVABLE; "
    "RECLAIMABLE to UNMOVABLE, then MOVABLE",
    "mm/page_alloc.c:fallbacks, v6.12",
)
FALLBACK_HEAD = _linux(
    "BUDDY-FALLBACK-HEAD",
    "Of each order only the head of the first fallback list that is not empty is tried",
    "mm/page_alloc.c:find_suitable_fallback, v6.12",
)
CAN_CLAIM = _linux(
    "BUDDY-CAN-CLAIM",
    "A MOVABLE request claims only from blocks of order pageblock_order // 2 or more; others from any",
    "mm/page_alloc.c:can_steal_fallback, v6.12",
)
CLAIM_LARGEST = _linux(
    "BUDDY-CLAIM",
    "A claim looks from the largest block down, not below pageblock order if fragmenting is forbidden",
    _CLAIM,
    since="6.12",
)
CLAIM_WHOLE = _linux(
    "BUDDY-CLAIM-WHOLE",
    "A block of pageblock order or more is claimed whole, its pageblocks taking the request's type",
    _STEAL_BLOCK,
    since="6.12",
)
CLAIM_REFUSED = _linux(
    "BUDDY-CLAIM-REFUSED",
    "A pageblock that the zone does not wholly span is not claimed",
    _STEAL_BLOCK,
    since="6.12",
)
CLAIM_HALF = _linux(
    "BUDDY-CLAIM-HALF",
    "A pageblock is claimed if at least half of it is free or alike: movable for MOVABLE; neither free "
    "nor movable for others in a MOVABLE pageblock",
    _STEAL_BLOCK,
)
CLAIM_PAGEBLOCK = _linux(
    "BUDDY-CLAIM-PAGEBLOCK",
    "A claimed pageblock's free blocks move to the tails of the request's lists, which then serve it",
    _STEAL_BLOCK,
    since="6.12",
)
STEAL_SMALLEST = _linux(
    "BUDDY-STEAL",
    "Where nothing can be claimed a foreign block of the smallest sufficient order is split, in its own type",
    "mm/page_alloc.c:__rmqueue_steal, v6.12",
    since="6.12",
)
STEAL_NOFRAGMENT = _linux(
    "BUDDY-STEAL-NOFRAGMENT", "Nothing is stolen where fragmenting is forbidden", "mm/page_alloc.c:__rmqueue, v6.12", since="6.12"
)
FALLBACK_61 = _linux(
    "BUDDY-FALLBACK-6.1",
    "6.1 falls back to the largest foreign block, or to the smallest where a MOVABLE request could not claim",
    "mm/page_alloc.c:__rmqueue_fallback, v6.1",
    until="6.1",
)
STEAL_61 = _linux(
    "BUDDY-STEAL-6.1",
    "6.1 moves the block, or its pageblock's free blocks, to the request's lists before it allocates",
    "mm/page_alloc.c:steal_suitable_fallback, v6.1",
    until="6.1",
)
HIGHATOMIC_FIRST = _linux(
    "BUDDY-HIGHATOMIC-FIRST", "A HIGHATOMIC request tries the reserve first", "mm/page_alloc.c:rmqueue_buddy, v6.12"
)
HIGHATOMIC_LAST = _linux(
    "BUDDY-HIGHATOMIC-LAST",
    "A request that may not block, or of an OOM victim, tries the reserve last",
    "mm/page_alloc.c:rmqueue_buddy, v6.12",
)
MOVE_TAIL = _linux(
    "BUDDY-MOVE",
    "A pageblock's free blocks move in PFN order to the tails of the new type's lists",
    "mm/page_alloc.c:__move_freepages_block, v6.12",
)
ISOLATE_SPLITS = _linux(
    "BUDDY-ISOLATE-SPLITS",
    "A free block larger than a pageblock is freed anew pageblock by pageblock when one of them changes kind",
    "mm/page_alloc.c:move_freepages_block_isolate, v6.12",
)
TAKE_LISTED = _linux("BUDDY-TAKE-LISTED", "A take is of exactly one listed block", "mm/page_alloc.c:__isolate_free_page, v6.12")
RESERVE_MOVES = _linux(
    "BUDDY-RESERVE-MOVE",
    "Reserving less than a pageblock moves its free blocks to HIGHATOMIC; from there up only the types change",
    "mm/page_alloc.c:reserve_highatomic_pageblock, v6.12",
)
UNRESERVE_LOWEST = _linux(
    "BUDDY-UNRESERVE-LOWEST",
    "The block whose pageblocks are converted is the head of the first HIGHATOMIC list, by ascending order, that is not empty",
    "mm/page_alloc.c:unreserve_highatomic_pageblock, v6.12",
)
UNISOLATE_MERGES = _linux(
    "BUDDY-UNISOLATE-MERGES",
    "A free block that is exactly the pageblock is freed anew, to the tail, so that it merges where it may",
    _UNISOLATION,
)
CHOICE = _linux(
    "BUDDY-CHOICE", "Of the lawful results Linux gives the one that its free lists determine", "mm/page_alloc.c, v6.12"
)

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of the component."""
