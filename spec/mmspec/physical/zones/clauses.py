"""The clauses of zones and zonelists, in the order of dossier section C (``docs/clauses.toml`` maps its rows to them)."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_GFP = "include/linux/gfp.h:gfp_zone, v6.12"
_BUILD = "mm/page_alloc.c:build_zonelists, v6.12"
_BEST = "mm/page_alloc.c:find_next_best_node, v6.12"
_ENTRIES = "mm/page_alloc.c:build_zonerefs_node, v6.12"
_NEXT = "mm/mmzone.c:__next_zones_zonelist, v6.12"
_COUNT = "mm/page_alloc.c:zone_statistics, v6.12"
_OURS = "INTERFACES 1, machine zones"
_linux = partial(Clause, of_policy=True)

ARGS = Clause("ZONES-ARGS", "What names no zone or node, or sizes that do not nest, is refused with EINVAL", _OURS)
ACCEPTED = Clause("ZONES-ACCEPTED", "Anything else is carried out", _OURS)

# --- which zone --------------------------------------------------------------------------------------------------------
GFP_PLAIN = Clause("ZONES-GFP-NORMAL", "A request without zone bits, or with MOVABLE alone, may use NORMAL", _GFP)
GFP_DMA = Clause("ZONES-GFP-DMA", "DMA gives DMA, DMA32 gives DMA32, with MOVABLE or without", _GFP)
GFP_HIGHMEM = Clause("ZONES-GFP-HIGHMEM", "HIGHMEM alone gives HIGHMEM", _GFP)
GFP_MOVABLE = Clause("ZONES-GFP-MOVABLE", "Only MOVABLE with HIGHMEM gives MOVABLE, also where no HIGHMEM is built in", _GFP)
GFP_MISSING = Clause("ZONES-GFP-MISSING", "A kind that is not built in gives NORMAL", _GFP)
GFP_BAD = Clause("ZONES-GFP-BAD", "Two of DMA, DMA32 and HIGHMEM are no request", _GFP)

# --- where zones lie ---------------------------------------------------------------------------------------------------
TILE = Clause(
    "ZONES-1",
    "Each kind begins where the one below it ends, the first at the first frame of memory",
    "mm/mm_init.c:free_area_init, v6.12",
)
LIMIT_DMA = Clause(
    "ZONES-LIMIT-DMA", "DMA ends at 16 MiB on x86, and where firmware says on arm64", "arch/x86/mm/init.c:zone_sizes_init, v6.12"
)
LIMIT_DMA32 = Clause("ZONES-LIMIT-DMA32", "DMA32 ends at 4 GiB", "arch/x86/mm/init.c:zone_sizes_init, v6.12")
LIMIT_NORMAL = Clause(
    "ZONES-LIMIT-NORMAL", "NORMAL ends where low memory does, HIGHMEM with memory", "arch/x86/mm/init.c:zone_sizes_init, v6.12"
)
NESTED = Clause(
    "ZONES-2",
    "Managed frames are at most the present ones, these at most the spanned ones",
    "mm/mm_init.c:calculate_node_totalpages, v6.12",
)

# --- zonelists ---------------------------------------------------------------------------------------------------------
ONCE = Clause(
    "ZONES-4", "A node's list has each zone with memory once, node by node, its own first, each node's zones downwards", _BUILD
)
THISNODE = Clause(
    "ZONES-THISNODE",
    "The list of a request that must stay has the node's own zones alone",
    "mm/page_alloc.c:build_thisnode_zonelists, v6.12",
)
ELIGIBLE = Clause(
    "ZONES-5", "A zone that a request may use is at most its highest kind, has memory, and is on a node that is named", _NEXT
)
NONE_LEFT = Clause("ZONES-NONE", "Where such zones are, one of them is the first", _NEXT)
POPULATED = _linux("ZONES-POPULATED", "A list has zones by present frames, whether any is managed or not", _ENTRIES)
DOWNWARDS = _linux("ZONES-DOWNWARDS", "Within a node zones are tried from the highest kind to the lowest", _ENTRIES)
LOCAL_FIRST = _linux("ZONES-BEST-1", "A node with memory comes first in its own order", _BEST)
NEAREST = _linux("ZONES-BEST-2", "Then the node whose distance is least", _BEST)
BELOW = _linux("ZONES-BEST-3", "A node below the list's own counts as farther by one", _BEST)
WITH_CPUS = _linux("ZONES-BEST-4", "A node with CPUs counts as farther by one", _BEST)
LOADED = _linux("ZONES-BEST-5", "Of nodes as far, the one that heads fewest groups comes first", _BEST)
LOWEST = _linux("ZONES-BEST-6", "Of those as loaded, the one with the lowest number", _BEST)
LOAD = _linux("ZONES-LOAD", "A node whose distance differs from that of the one before it heads a group", _BUILD)
LOAD_ZERO = _linux(
    "ZONES-LOAD-ZERO",
    "Building all lists begins with no load, and goes up through the nodes",
    "mm/page_alloc.c:__build_all_zonelists, v6.12",
)
REBUILT = _linux(
    "ZONES-REBUILT",
    "Lists are built anew when a zone gains its first frame or loses its last, and not by CPUs",
    "mm/page_alloc.c:build_all_zonelists, v6.12",
)
NEXT = _linux("ZONES-NEXT", "The next zone is the first eligible one behind it", _NEXT)

# --- placement ---------------------------------------------------------------------------------------------------------
HIT = Clause("ZONES-HIT", "A zone on the preferred zone's node scores a hit, by allocations", _COUNT)
MISS = Clause("ZONES-MISS", "Any other scores a miss, and the preferred zone a foreign", _COUNT)
LOCAL = Clause("ZONES-LOCAL", "It scores local on the running CPU's node, other elsewhere", _COUNT)
UNCOUNTED = Clause("ZONES-UNCOUNTED", "Without vm.numa_stat nothing is counted", _COUNT)
SUMS = Clause("ZONES-6", "Hits and misses are as many as local and other; misses as many as foreign, over all zones", _COUNT)
CHOICE = _linux("ZONES-CHOICE", "Of the lawful answers Linux gives the one that its lists determine", "mm/page_alloc.c, v6.12")

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of the component."""
