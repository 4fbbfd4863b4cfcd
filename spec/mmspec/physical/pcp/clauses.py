"""The clauses of the per-CPU page lists, in the order of dossier section E.9 (``docs/clauses.toml`` maps its rows to them)."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_COMMIT = "mm/page_alloc.c:free_unref_page_commit, v6.12"
_BULK = "mm/page_alloc.c:free_pcppages_bulk, v6.12"
_ALLOC = "mm/page_alloc.c:nr_pcp_alloc, v6.12"
_HIGH = "mm/page_alloc.c:nr_pcp_high, v6.12"
_FREE = "mm/page_alloc.c:nr_pcp_free, v6.12"
_SET = "mm/page_alloc.c:zone_set_pageset_high_and_batch, v6.12"
_REFRESH = "mm/vmstat.c:refresh_cpu_vm_stats, v6.12"
_OURS = "decision D44"
_linux = partial(Clause, of_policy=True)

# --- truths about every state ------------------------------------------------------------------------------------------
COUNT = Clause("PCP-COUNT", "The count of a CPU is the number of frames in the blocks that it holds", _COMMIT)
HELD = Clause(
    "PCP-HELD", "A held block is aligned, inside the zone, of an order that is kept, and held by a CPU that there is", _COMMIT
)
OWED_HELD = Clause("PCP-OWED", "A CPU gives back no more frames than it holds", _BULK)
LISTED = _linux(
    "PCP-LISTED", "Each list is one ring of exactly the blocks that its CPU holds for it", "include/linux/list.h, v6.12"
)
PCP_3 = _linux("PCP-3", "No batch is scaled by more bits than the largest scale", _ALLOC)

# --- which blocks ------------------------------------------------------------------------------------------------------
BUSY = Clause("PCP-BUSY", "While a CPU gives frames back its lock is held, and every other request gets EBUSY", _BULK)
ALLOC_ARGS = Clause(
    "PCP-ALLOC-ARGS", "A request of no CPU, of an order that is not kept or of no request's type gets EINVAL", _OURS
)
ALLOC_NONE = Clause(
    "PCP-ALLOC-NONE", "A request fails, with ENOENT, only when its CPU holds no block that is kept for such a one", _OURS
)
ALLOC_HELD = Clause(
    "PCP-ALLOC-HELD",
    "Only a block that the CPU holds, of the order asked for, is handed out",
    "mm/page_alloc.c:__rmqueue_pcplist, v6.12",
)
ALLOC_TYPE = Clause(
    "PCP-ALLOC-TYPE",
    "A block that is kept for MOVABLE requests, as those of CMA pageblocks are, serves no other",
    "mm/page_alloc.c:order_to_pindex, v6.12",
)
WANT_ARGS = Clause("PCP-WANT-ARGS", "A refill for no CPU or of an order that is not kept gets EINVAL", _OURS)
WANT_SOME = Clause("PCP-WANT", "A refill asks for one block at least", _ALLOC)
REFILL_ARGS = Clause(
    "PCP-REFILL-ARGS", "A refill with what is no block of the zone's, is not kept, or is held already gets EINVAL", _OURS
)
REFILL = Clause("PCP-REFILL", "Any other block of a refill comes in", "mm/page_alloc.c:rmqueue_bulk, v6.12")
FREE_ARGS = Clause("PCP-FREE-ARGS", "A free of what is no block of the zone's, or is held already, gets EINVAL", _OURS)
FREE_ORDER = Clause(
    "PCP-FREE-ORDER",
    "Blocks of orders 0 to 3 and of a huge page's are kept; a free of another order goes to the free lists: EBUSY",
    "mm/page_alloc.c:pcp_allowed_order, v6.12",
)
FREE_ISOLATE = Clause(
    "PCP-FREE-ISOLATE", "A block of an ISOLATE pageblock goes to the free lists: EBUSY", "mm/page_alloc.c:free_unref_page, v6.12"
)
FREE = Clause("PCP-FREE", "Any other free is carried out", "mm/page_alloc.c:free_unref_page, v6.12")
PCP_4 = Clause(
    "PCP-4",
    "Blocks are kept for UNMOVABLE, MOVABLE and RECLAIMABLE requests; those of HIGHATOMIC and CMA pageblocks for MOVABLE ones",
    "mm/page_alloc.c:free_unref_page, v6.12",
)
DRAIN_ARGS = Clause("PCP-DRAIN-ARGS", "A drain, a decay, or news of a CPU that there is not gets EINVAL", _OURS)
BULK = Clause("PCP-BULK", "A drain gives back as many frames as it is asked for, and never more than there are", _BULK)
DRAIN_NONE = Clause(
    "PCP-DRAIN-NONE", "A block goes back only while there are frames to be given back; else the answer is ENOENT", _BULK
)
DRAIN = Clause("PCP-DRAIN", "What goes back is a block that the CPU holds, whole", _BULK)
PLAN = Clause(
    "PCP-PLAN", "What decays or expires is some of what the CPU holds, in portions", "mm/page_alloc.c:decay_pcp_high, v6.12"
)
DRAIN_ALL = Clause("PCP-DRAIN-ALL", "A drain of a CPU gives back all that it holds", "mm/page_alloc.c:drain_pages_zone, v6.12")
TUNE_ARGS = Clause("PCP-TUNE-ARGS", "Limits for no CPU at all are refused with EINVAL", _OURS)
FRACTION = Clause(
    "PCP-FRACTION",
    "A percpu_pagelist_high_fraction from 1 to 7 is refused with EINVAL, and the old one stays",
    "mm/page_alloc.c:percpu_pagelist_high_fraction_sysctl_handler, v6.12",
)
DISABLED = Clause(
    "PCP-DISABLED", "The lists are disabled and enabled in turn, and not tuned in between: EBUSY, EINVAL",
    "mm/page_alloc.c:zone_pcp_disable, v6.12",
)  # fmt: skip
TUNE = Clause("PCP-TUNE", "Any other limits are taken, and none of them is 0", _SET)
CACHEINFO = Clause("PCP-CACHEINFO", "A CPU is told of its cache", "mm/page_alloc.c:zone_pcp_update_cacheinfo, v6.12")
COUNT_REPORTED = Clause("PCP-COUNT-REPORTED", "The number of frames that is reported is right", _OURS)
BLOCKS_REPORTED = Clause("PCP-BLOCKS-REPORTED", "The blocks that are reported are those that the CPU holds", _OURS)

# --- Linux: lists ------------------------------------------------------------------------------------------------------
INDEX = _linux(
    "PCP-INDEX",
    "Each CPU has a list for each order and type, and for huge pages one of MOVABLE and one of all others",
    "mm/page_alloc.c:order_to_pindex, v6.12",
)
ALLOC_HEAD = _linux("PCP-ALLOC-HEAD", "A request takes the head of its list", "mm/page_alloc.c:__rmqueue_pcplist, v6.12")
FREE_HEAD = _linux("PCP-FREE-HEAD", "A freed block goes to the head", _COMMIT)
REFILL_TAIL = _linux("PCP-REFILL-TAIL", "A block of a refill goes to the tail", "mm/page_alloc.c:rmqueue_bulk, v6.12")
DRAIN_FROM_FREED = _linux("PCP-DRAIN-FREED", "The drain of a free begins with the list of the block just freed", _COMMIT)
DRAIN_FROM_FIRST = _linux(
    "PCP-DRAIN-FIRST", "Any other drain begins with the first list", "mm/page_alloc.c:drain_pages_zone, v6.12"
)
DRAIN_TURNS = _linux("PCP-DRAIN-TURNS", "The lists are drained in turn, each until it is empty or enough went back", _BULK)
DRAIN_TAIL = _linux("PCP-DRAIN-TAIL", "A list is drained from its tail", _BULK)

# --- Linux: parameters -------------------------------------------------------------------------------------------------
BOOT = _linux(
    "PCP-BOOT", "The boot pageset has batch 1 and limit 0, and so keeps nothing", "mm/page_alloc.c:per_cpu_pages_init, v6.12"
)
BATCH = _linux(
    "PCP-BATCH",
    "A batch is a quarter of the lesser of a thousandth of the zone and 1 MiB, a half more, rounded to one below a power of two; "
    "at least 1",
    "mm/page_alloc.c:zone_batchsize, v6.12",
)
SHARING = _linux(
    "PCP-SHARING", "A limit is split among the CPUs of the node, those coming included; of a node without any, among all",
    "mm/page_alloc.c:zone_highsize, v6.12",
)  # fmt: skip
HIGH_LEAST = _linux("PCP-HIGH-LEAST", "No limit is less than four batches", "mm/page_alloc.c:zone_highsize, v6.12")
HIGH_MIN = _linux("PCP-HIGH-MIN", "The least limit is a share of the zone's low mark; 6.1 has no other", _SET)
HIGH_MAX = _linux("PCP-HIGH-MAX", "The largest limit is a share of an eighth of the zone", _SET, since="6.12")
HIGH_FRACTION = _linux(
    "PCP-HIGH-FRACTION", "With percpu_pagelist_high_fraction f both limits are a share of 1/f of the zone", _SET
)
DISABLE = _linux("PCP-DISABLE", "Disabled lists have batch 1 and limits 0", "mm/page_alloc.c:zone_pcp_disable, v6.12")
ENABLE = _linux("PCP-ENABLE", "Enabled again they have the zone's own", "mm/page_alloc.c:zone_pcp_enable, v6.12")
CACHE_SLICE = _linux(
    "PCP-CACHE",
    "A CPU whose slice of the data cache is larger than three batches keeps a batch of high-order frames",
    "mm/page_alloc.c:zone_pcp_update_cacheinfo, v6.12",
    since="6.12",
)

# --- Linux: taking -----------------------------------------------------------------------------------------------------
PCP_1 = _linux("PCP-1", "A CPU's limit is brought between its bounds before it is used", _ALLOC, since="6.12")
ALLOC_HALVES = _linux(
    "PCP-ALLOC-HALVES",
    "A request halves what was freed in a row (6.1: the scale of a drain), but not again after a refill nor in a bulk request",
    "mm/page_alloc.c:rmqueue_pcplist, v6.12",
)
WANT_OFF = _linux("PCP-WANT-OFF", "Where the limit is less than a batch a refill is of one block", _ALLOC, since="6.12")
WANT_SCALE = _linux(
    "PCP-WANT-SCALE", "A refill of single frames is of a batch, scaled by how often that was asked in a row", _ALLOC, since="6.12"
)
WANT_RAISES = _linux(
    "PCP-WANT-RAISES",
    "A refill raises the limit by its batch, unless it is fixed or the zone is below its high mark",
    _ALLOC,
    since="6.12",
)
WANT_DOUBLES = _linux(
    "PCP-WANT-DOUBLES", "The next refill of single frames is of twice as many, if that many fit", _ALLOC, since="6.12"
)
WANT_MOST = _linux(
    "PCP-WANT-MOST",
    "A refill of single frames leaves room for a batch below the limit, if it is of more than a batch",
    _ALLOC,
    since="6.12",
)
WANT_ORDER = _linux(
    "PCP-WANT-ORDER", "A batch of frames is so many blocks of the order, but two at least, unless it is 1", _ALLOC
)

# --- Linux: giving back ------------------------------------------------------------------------------------------------
FREE_HALVES = _linux("PCP-FREE-HALVES", "A free halves the scale of a refill", _COMMIT, since="6.12")
FREE_HIGH = _linux(
    "PCP-FREE-HIGH",
    "Blocks of order 1 to 3 are not kept once a batch of frames was freed in a row, the last of them of such an order; where the "
    "cache is large only from a batch on",
    _COMMIT,
    since="6.12",
)
FREE_PREV = _linux("PCP-FREE-PREV", "It is remembered whether the last free was of order 1 to 3", _COMMIT, since="6.12")
FREE_RUN = _linux("PCP-FREE-RUN", "Frames freed in a row are counted, until they are the largest batch", _COMMIT, since="6.12")
PCP_2 = _linux("PCP-2", "A free gives frames back if the CPU then holds as many as its limit, and none otherwise", _COMMIT)
LIMIT_OFF = _linux("PCP-LIMIT-OFF", "Where the limit is 0 nothing is kept", _HIGH, since="6.12")
LIMIT_HIGH = _linux(
    "PCP-LIMIT-HIGH", "High-order blocks freed in a row lower the limit by the largest batch", _HIGH, since="6.12"
)
LIMIT_RECLAIM = _linux("PCP-LIMIT-RECLAIM", "While the zone is being reclaimed four batches are kept at most", _HIGH)
LIMIT_FIXED = _linux("PCP-LIMIT-FIXED", "A limit whose bounds are one stays as it is", _HIGH, since="6.12")
LIMIT_BELOW = _linux(
    "PCP-LIMIT-BELOW", "In a zone below its high mark frames go back at once, from the least limit on", _HIGH, since="6.12"
)
LIMIT_LOWERS = _linux(
    "PCP-LIMIT-LOWERS",
    "In a zone that is short the limit sinks by what was freed in a row, a batch at least",
    _HIGH,
    since="6.12",
)
LIMIT_RAISES = _linux(
    "PCP-LIMIT-RAISES",
    "Where the limit is met it rises to what was freed in a row and a batch, within its bounds",
    _HIGH,
    since="6.12",
)
AMOUNT_HIGH = _linux("PCP-AMOUNT-HIGH", "Of high-order blocks freed in a row the largest batch goes back", _FREE, since="6.12")
AMOUNT_OFF = _linux("PCP-AMOUNT-OFF", "Where the limit is less than a batch one block goes back", _FREE)
AMOUNT = _linux(
    "PCP-AMOUNT",
    "As many frames go back as were freed in a row, a batch at least, and a batch below the limit stays",
    _FREE,
    since="6.12",
)
FREE_HIGH_61 = _linux(
    "PCP-FREE-HIGH-6.1", "6.1 gives all back where a block of order 1 to 3 is freed while the scale of a drain is above 0",
    "mm/page_alloc.c:free_unref_page_commit, v6.1", until="6.1",
)  # fmt: skip
AMOUNT_61 = _linux(
    "PCP-AMOUNT-6.1",
    "6.1 gives a scaled batch back, and keeps a batch below the limit",
    "mm/page_alloc.c:nr_pcp_free, v6.1",
    until="6.1",
)
FREE_DOUBLES_61 = _linux(
    "PCP-FREE-DOUBLES-6.1", "The next drain of 6.1 is of twice as much, if that leaves more than a batch",
    "mm/page_alloc.c:nr_pcp_free, v6.1", until="6.1",
)  # fmt: skip

# --- Linux: other drains -----------------------------------------------------------------------------------------------
DRAIN_PORTION = _linux(
    "PCP-DRAIN-PORTION", "All is drained in portions of the largest batch", "mm/page_alloc.c:drain_pages_zone, v6.12"
)
DECAY = _linux(
    "PCP-DECAY",
    "A limit above its least decays by an eighth, not further below the count than the largest batch",
    "mm/page_alloc.c:decay_pcp_high, v6.12",
    since="6.12",
)
DECAY_EXCESS = _linux(
    "PCP-DECAY-EXCESS", "What is above the limit is drained, in batches", "mm/page_alloc.c:decay_pcp_high, v6.12", since="6.12"
)
EXPIRE_BEGINS = _linux(
    "PCP-EXPIRE-BEGINS", "Where a CPU counted something in a zone its pages there expire after three refreshes", _REFRESH
)
EXPIRE_COUNTS = _linux(
    "PCP-EXPIRE-COUNTS", "Each refresh counts one down while there are pages, and the zone is remote", _REFRESH
)
EXPIRE_DRAINS = _linux("PCP-EXPIRE-DRAINS", "After the last a batch goes back", "mm/page_alloc.c:drain_zone_pages, v6.12")

CHOICE = _linux(
    "PCP-CHOICE", "Of the lawful results Linux gives the one that its lists and numbers determine", "mm/page_alloc.c, v6.12"
)

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of the component."""
