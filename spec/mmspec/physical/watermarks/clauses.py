"""The clauses of the watermarks, in the order of dossier sections C.7, D and E.9 (``docs/clauses.toml`` maps rows to them)."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_SETUP = "mm/page_alloc.c:__setup_per_zone_wmarks, v6.12"
_MIN_FREE = "mm/page_alloc.c:calculate_min_free_kbytes, v6.12"
_OK = "mm/page_alloc.c:__zone_watermark_ok, v6.12"
_FAST = "mm/page_alloc.c:zone_watermark_fast, v6.12"
_BOOST = "mm/page_alloc.c:boost_watermark, v6.12"
_RESERVE = "mm/page_alloc.c:setup_per_zone_lowmem_reserve, v6.12"
_RECOMMEND = "mm/khugepaged.c:set_recommended_min_free_kbytes, v6.12"
_WAKE = "mm/vmscan.c:wakeup_kswapd, v6.12"
_BALANCED = "mm/vmscan.c:pgdat_balanced, v6.12"
_HIGH = "mm/page_alloc.c:zone_highsize, v6.12"
_OURS = "INTERFACES 1, machine watermarks"
_linux = partial(Clause, of_policy=True)

# --- truths about every answer -----------------------------------------------------------------------------------------
ARGS = Clause("WATERMARKS-ARGS", "What names no zone or node, or is outside a setting's range, is refused with EINVAL", _OURS)
ACCEPTED = Clause("WATERMARKS-ACCEPTED", "Anything else is carried out", _OURS)
ORDERED = Clause("WATERMARKS-1", "MIN, LOW, HIGH and PROMO follow one another at equal distances, none below the last", _SETUP)
RESERVE_RISES = Clause(
    "WATERMARKS-RESERVE-RISES", "A zone keeps nothing from requests for itself or less, and no less from those for more", _RESERVE
)
LIMITS_ORDERED = Clause(
    "WATERMARKS-PCP-ORDERED", "A batch is one less than a power of two, or 1, and both limits are four batches at least", _HIGH
)

# --- the check ---------------------------------------------------------------------------------------------------------
OK = Clause("WATERMARKS-OK", "A check is passed exactly where steps 1 to 5 let it", _OK)
OK_UNUSABLE = Clause(
    "WATERMARKS-OK-1", "Frames that the request could not use are not free: order's last block but one frame", _OK
)
OK_HIGHATOMIC = Clause("WATERMARKS-OK-1a", "Free HIGHATOMIC frames are unusable without a flag of reserves", _OK)
OK_CMA = Clause("WATERMARKS-OK-1b", "Free CMA frames are unusable without the flag CMA", _OK)
OK_MIN_RESERVE = Clause("WATERMARKS-OK-2a", "MIN_RESERVE lowers the mark by half, rounded down", _OK)
OK_NON_BLOCK = Clause("WATERMARKS-OK-2b", "NON_BLOCK lowers what MIN_RESERVE left by a quarter, and nothing by itself", _OK)
OK_OOM = Clause("WATERMARKS-OK-2c", "OOM lowers what is left by half, after the others", _OK)
OK_ABOVE = Clause(
    "WATERMARKS-OK-3", "What is usable must be more than the mark and the reserve together; it may be negative", _OK
)
OK_SINGLE = Clause("WATERMARKS-OK-4", "For a single frame that is enough", _OK)
OK_BLOCK = Clause("WATERMARKS-OK-5", "For more, a block of the order or above must be on a list of a mergeable type", _OK)
OK_CMA_BLOCK = Clause("WATERMARKS-OK-5a", "A CMA block serves too, with the flag CMA", _OK)
OK_HIGHATOMIC_BLOCK = Clause("WATERMARKS-OK-5b", "A HIGHATOMIC block serves too, with HIGHATOMIC or OOM, not NON_BLOCK", _OK)
FAST_NOTHING = Clause(
    "WATERMARKS-FAST-NOTHING", "Where nothing usable is free, or no block large enough, the fast check fails", _FAST
)

# --- min_free_kbytes ---------------------------------------------------------------------------------------------------
MIN_FREE_ROOT = _linux(
    "WATERMARKS-MIN-FREE",
    "The root of 16 times the kilobytes above HIGH up to NORMAL, rounded down, is min_free_kbytes",
    _MIN_FREE,
)
MIN_FREE_CLAMP = _linux("WATERMARKS-MIN-FREE-CLAMP", "What the kernel computes is kept within 128 and 262144", _MIN_FREE)
MIN_FREE_USER = _linux(
    "WATERMARKS-MIN-FREE-USER",
    "What a user wrote is not clamped, and stays where the kernel's own is not larger",
    "mm/page_alloc.c:min_free_kbytes_sysctl_handler, v6.12",
)
RECOMMENDED = _linux(
    "WATERMARKS-RECOMMENDED",
    "With huge pages min_free_kbytes is at least 11 pageblocks for each populated zone up to NORMAL",
    _RECOMMEND,
)
RECOMMENDED_CAP = _linux("WATERMARKS-RECOMMENDED-CAP", "That is at most a twentieth of the frames above HIGH", _RECOMMEND)
RECOMMENDED_NOT = _linux("WATERMARKS-RECOMMENDED-OFF", "Without huge pages min_free_kbytes is computed as at boot", _RECOMMEND)

# --- the marks ---------------------------------------------------------------------------------------------------------
MIN_SHARE = _linux("WATERMARKS-MIN-SHARE", "MIN is the zone's share of min_free_kbytes, by managed frames of lowmem", _SETUP)
LOWMEM = _linux("WATERMARKS-LOWMEM", "Lowmem is every zone but HIGHMEM and MOVABLE", _SETUP, since="6.12")
LOWMEM_61 = _linux(
    "WATERMARKS-LOWMEM-6.1", "Lowmem is every zone but HIGHMEM and what MOVABLE is carved from it", _SETUP, until="6.1"
)
MIN_CAPPED = _linux(
    "WATERMARKS-MIN-CAPPED", "Of a zone outside lowmem MIN is a 1024th, but 32 to 128, also if it is empty", _SETUP
)
STEP_SHARE = _linux("WATERMARKS-STEP", "The distance of the marks is a quarter of the share, also outside lowmem", _SETUP)
STEP_SCALE = _linux("WATERMARKS-STEP-SCALE", "It is at least watermark_scale_factor ten-thousandths of the zone", _SETUP)
SETUP_UNBOOSTS = _linux("WATERMARKS-2a", "Setting the marks up takes every boost away", _SETUP)
MARKS_ORDERED = _linux("WATERMARKS-1-KEPT", "Linux's marks follow one another so at every moment", _SETUP)
RESERVES_RISE = _linux("WATERMARKS-RESERVE-KEPT", "Linux's reserves rise so at every moment", _RESERVE)
MANAGED_STALE = _linux(
    "WATERMARKS-STALE",
    "Neither marks nor reserves follow a zone's size until they are set up",
    "mm/page_alloc.c:adjust_managed_page_count, v6.12",
)

# --- boost -------------------------------------------------------------------------------------------------------------
BOOST_OFF = _linux("WATERMARKS-BOOST-OFF", "Nothing is boosted where the factor is 0, or comes to no frame", _BOOST)
BOOST_KDUMP = _linux("WATERMARKS-BOOST-KDUMP", "Nothing is boosted by a kernel that dumps another", _BOOST, since="6.12")
BOOST_SMALL = _linux("WATERMARKS-BOOST-SMALL", "A zone of less than four pageblocks is not boosted", _BOOST)
BOOST_STEP = _linux("WATERMARKS-BOOST", "A boost grows by a pageblock", _BOOST)
BOOST_LIMIT = _linux(
    "WATERMARKS-2", "A boost ends at the factor's ten-thousandths of HIGH, which is taken for a pageblock at least", _BOOST
)
UNBOOST = _linux(
    "WATERMARKS-UNBOOST", "What kswapd set out with it takes back, and no more than there is", "mm/vmscan.c:balance_pgdat, v6.12"
)
EFFECTIVE = _linux(
    "WATERMARKS-EFFECTIVE",
    "Each mark that a request is held to has the boost on top, MIN too",
    "include/linux/mmzone.h:wmark_pages, v6.12",
)

# --- reserves ----------------------------------------------------------------------------------------------------------
RESERVE = _linux(
    "WATERMARKS-RESERVE", "A zone keeps the managed frames above it, up to the request's highest, over its ratio", _RESERVE
)
RESERVE_OFF = _linux("WATERMARKS-RESERVE-OFF", "A ratio below 1 keeps nothing, nor does a zone without frames", _RESERVE)
TOTAL = _linux(
    "WATERMARKS-TOTAL",
    "A node's reserve sums, over its zones, HIGH and the largest reserve, but no more than the zone has",
    "mm/page_alloc.c:calculate_totalreserve_pages, v6.12",
)

# --- the fast check ----------------------------------------------------------------------------------------------------
FAST_SHORT = _linux("WATERMARKS-FAST", "For a single frame the fast check first asks the whole mark, reduced by nothing", _FAST)
FAST_UNBOOSTED = _linux(
    "WATERMARKS-FAST-UNBOOSTED",
    "A MIN_RESERVE request for a frame that fails at MIN is held to MIN without its boost",
    _FAST,
    since="6.12",
)
FAST_ATOMIC = _linux(
    "WATERMARKS-FAST-6.1", "An ATOMIC request for a frame that fails at MIN is held to MIN without its boost", _FAST, until="6.1"
)

# --- kswapd ------------------------------------------------------------------------------------------------------------
BALANCED_ANY = _linux("WATERMARKS-BALANCED", "A node is balanced if one zone that the request may use is above HIGH", _BALANCED)
BALANCED_NONE = _linux("WATERMARKS-BALANCED-NONE", "A node is balanced if none of these zones has frames", _BALANCED)
BALANCED_PROMO = _linux("WATERMARKS-BALANCED-PROMO", "With memory tiering the mark is PROMO", _BALANCED)
BALANCED_EXACT = _linux(
    "WATERMARKS-BALANCED-EXACT", "Below the drift mark the exact count is asked", "mm/page_alloc.c:zone_watermark_ok_safe, v6.12"
)
WAKE_SKIPS = _linux("WATERMARKS-WAKE-SKIPS", "For a zone without frames, or that the cpuset forbids, nothing happens", _WAKE)
WAKE_NOTES = _linux(
    "WATERMARKS-WAKE-NOTES", "Else the node's kswapd notes the largest order and the highest zone asked for", _WAKE
)
WAKE_RUNNING = _linux("WATERMARKS-WAKE-RUNNING", "A kswapd that does not wait is not woken", _WAKE)
WAKE_HOPELESS = _linux("WATERMARKS-WAKE-HOPELESS", "Nor is one that failed 16 times in a row", _WAKE)
WAKE_BALANCED = _linux(
    "WATERMARKS-WAKE-BALANCED", "Nor is one whose node is balanced and has no boosted zone that is asked for", _WAKE
)
WAKE_COMPACTS = _linux(
    "WATERMARKS-WAKE-COMPACTS", "For a request that cannot reclaim, kcompactd is woken instead of these", _WAKE
)

# --- per-CPU lists -----------------------------------------------------------------------------------------------------
BATCH = _linux(
    "WATERMARKS-PCP-BATCH",
    "A batch is 3/8 of a 1024th of the zone or of 1 MiB, the smaller, rounded down to 2**n - 1, and 1 at least",
    "mm/page_alloc.c:zone_batchsize, v6.12",
)
HIGH_MIN = _linux(
    "WATERMARKS-PCP-HIGH-MIN", "LOW, its boost on top, over the node's CPUs, or all online if it has none, is high_min", _HIGH
)
HIGH_MAX = _linux("WATERMARKS-PCP-HIGH-MAX", "An eighth of the zone over these CPUs is high_max", _HIGH, since="6.12")
HIGH_61 = _linux("WATERMARKS-PCP-HIGH-6.1", "6.1 has one high, and does not tune it", _HIGH, until="6.1")
HIGH_FRACTION = _linux("WATERMARKS-PCP-FRACTION", "With a fraction both are that part of the zone over these CPUs", _HIGH)
HIGH_FLOOR = _linux("WATERMARKS-PCP-FLOOR", "Each is four batches at least", _HIGH)
CHOICE = _linux(
    "WATERMARKS-CHOICE", "Of the lawful answers Linux gives the one that its formulae determine", "mm/page_alloc.c, v6.12"
)

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of the component."""
