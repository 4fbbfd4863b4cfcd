"""The clauses of the sizing of zones, as dossier sections C.3 and C.4 have them (``docs/clauses.toml`` maps their rows)."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_INIT = "mm/mm_init.c:free_area_init, v6.12"
_SPANNED = "mm/mm_init.c:zone_spanned_pages_in_node, v6.12"
_ADJUST = "mm/mm_init.c:adjust_zone_range_for_zone_movable, v6.12"
_ABSENT = "mm/mm_init.c:zone_absent_pages_in_node, v6.12"
_NODE = "mm/mm_init.c:get_pfn_range_for_nid, v6.12"
_TOTAL = "mm/mm_init.c:calculate_node_totalpages, v6.12"
_FIND = "mm/mm_init.c:find_zone_movable_pfns_for_nodes, v6.12"
_OURS = "INTERFACES 1, machine zone_sizing"
_linux = partial(Clause, of_policy=True)

ARGS = Clause(
    "ZONE-SIZING-ARGS",
    "Memory out of order, of no node or above every zone, a node, kind or range that there is not, and mirrored memory"
    " in nodes that lie in one another, are refused with EINVAL",
    _OURS,
)
ACCEPTED = Clause("ZONE-SIZING-ACCEPTED", "Anything else is carried out", _OURS)

# --- where zones may lie -------------------------------------------------------------------------------------------------
FIRST = Clause("ZONE-SIZING-FIRST", "The first kind may begin at the first page of memory", _INIT)
TILE = Clause(
    "ZONE-SIZING-TILE",
    "Each kind may begin where the one below it must end, and is empty where its limit is not above that",
    _INIT,
)
NO_RANGE = Clause("ZONE-SIZING-NO-RANGE", "MOVABLE and DEVICE have no range of their own", _INIT)

# --- C.3 the sizes of a zone ---------------------------------------------------------------------------------------------
WHOLE_PAGES = Clause(
    "ZONE-SIZING-WHOLE-PAGES",
    "Only whole pages of a region are memory",
    "include/linux/memblock.h:memblock_region_memory_base_pfn, v6.12",
)
NODE_RANGE = Clause(
    "ZONE-SIZING-NODE", "A node spans from its lowest frame of memory to its highest, whoever lies between", _NODE
)
NODE_PRESENT = Clause("ZONE-SIZING-NODE-PRESENT", "What is present on a node is what is present in its zones", _TOTAL)
MEMORYLESS = Clause(
    "ZONE-SIZING-MEMORYLESS",
    "A node without memory, and its zones, begin at 0 and span nothing",
    "mm/mm_init.c:reset_memoryless_node_totalpages, v6.12",
)
CLAMP = Clause("ZONE-SIZING-CLAMP", "A zone spans what its node spans of where its kind may lie", _SPANNED)
MOVABLE_RANGE = Clause(
    "ZONE-SIZING-MOVABLE",
    "MOVABLE spans from its start, or its node's, to the end of the node, or of the highest kind that may have memory",
    _ADJUST,
)
MOVABLE_NONE = Clause("ZONE-SIZING-MOVABLE-NONE", "Where MOVABLE begins nowhere on a node it spans nothing there", _SPANNED)
CUT = Clause("ZONE-SIZING-CUT", "A zone in which MOVABLE begins ends there", _ADJUST)
CUT_MIRROR = Clause("ZONE-SIZING-CUT-MIRROR", "With mirrored memory it does not, and overlaps MOVABLE", _ADJUST)
EMPTIED = Clause("ZONE-SIZING-EMPTIED", "A zone that begins where MOVABLE does, or above, is empty", _ADJUST)
PRESENT = Clause("ZONE-SIZING-PRESENT", "What is present in a zone are the frames of memory of its node", _ABSENT)
PRESENT_MIRROR = Clause(
    "ZONE-SIZING-PRESENT-MIRROR",
    "Where a node has MOVABLE beside mirrored memory, what is not mirrored is absent from NORMAL, what is from MOVABLE",
    _ABSENT,
)
EMPTY_START = Clause("ZONE-SIZING-EMPTY", "A zone that spans nothing begins at 0", _TOTAL)
ABSENT = Clause(
    "ZONE-SIZING-ABSENT",
    "The absent frames of a range are those that are no memory of any node",
    "mm/mm_init.c:absent_pages_in_range, v6.12",
)

# --- what holds of every start of MOVABLE --------------------------------------------------------------------------------
START_ALIGNED = Clause("ZONE-SIZING-ALIGNED", "MOVABLE begins at a multiple of the largest block", _FIND)
START_INSIDE = Clause("ZONE-SIZING-INSIDE", "MOVABLE begins below the end of its node, or nowhere", _FIND)
START_ASKED = Clause("ZONE-SIZING-ASKED", "Where nothing asks for MOVABLE there is none", _FIND)
START_EACH = Clause("ZONE-SIZING-EACH", "Each node is told of", _OURS)

# --- C.4 where Linux lets MOVABLE begin ------------------------------------------------------------------------------------
HOTPLUG_FIRST = _linux("ZONE-SIZING-MOVABLE-NODE", "With movable_node MOVABLE begins at the node's lowest HOTPLUG memory", _FIND)
PRIORITY = _linux(
    "ZONE-SIZING-PRIORITY",
    "Of the options movable_node goes before kernelcore=mirror, and that before kernelcore and movablecore",
    _FIND,
)
MIRROR_NONE = _linux(
    "ZONE-SIZING-MIRROR-NONE", "There is no MOVABLE for kernelcore=mirror without mirrored memory, or under kdump", _FIND
)
MIRROR_LOWEST = _linux(
    "ZONE-SIZING-MIRROR",
    "With kernelcore=mirror MOVABLE begins at the node's lowest memory from 4 GiB on that is not mirrored",
    _FIND,
)
PERCENT = _linux("ZONE-SIZING-PERCENT", "A percentage is that part of all memory, rounded down, and goes before a size", _FIND)
MOVABLECORE = _linux(
    "ZONE-SIZING-MOVABLECORE",
    "What movablecore, rounded up to largest blocks, leaves of all memory is the kernel's",
    _FIND,
)
BOTH = _linux("ZONE-SIZING-BOTH", "Of kernelcore and what movablecore leaves, the larger counts", _FIND)
NO_CORE = _linux("ZONE-SIZING-NO-CORE", "A kernel's part of nothing, or of all memory, gives no MOVABLE", _FIND)
SHARE = _linux(
    "ZONE-SIZING-SHARE", "The kernel's part is shared evenly by the nodes with memory, or what is left if that is less", _FIND
)
LOW_FIRST = _linux(
    "ZONE-SIZING-LOW", "Memory below the highest kind that may have memory is the kernel's, and counts as its share first", _FIND
)
TAKE = _linux("ZONE-SIZING-TAKE", "Then the kernel's share is taken from below, and MOVABLE begins behind it", _FIND)
AGAIN = _linux(
    "ZONE-SIZING-AGAIN",
    "As long as more frames are wanted than nodes are left, one node less each time, what is wanted still is shared again,"
    " from where each node's share ended",
    _FIND,
)
ROUND_UP = _linux("ZONE-SIZING-ROUND-UP", "The start is rounded up to a largest block", _FIND)
NOT_LEFT = _linux("ZONE-SIZING-NOT-LEFT", "A start at the end of its node or above is none", _FIND)
CHOICE = _linux(
    "ZONE-SIZING-CHOICE", "Of the lawful starts of MOVABLE Linux chooses the ones that the command line determines", _FIND
)

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of the component."""
