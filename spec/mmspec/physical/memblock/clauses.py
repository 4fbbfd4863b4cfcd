"""The clauses of memblock, in the order of dossier section A (``docs/clauses.toml`` maps its rows to them)."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_ADD = "mm/memblock.c:memblock_add_range, v6.12"
_ISOLATE = "mm/memblock.c:memblock_isolate_range, v6.12"
_MERGE = "mm/memblock.c:memblock_merge_regions, v6.12"
_SKIP = "mm/memblock.c:should_skip_region, v6.12"
_ALLOC = "mm/memblock.c:memblock_alloc_range_nid, v6.12"
_DOUBLE = "mm/memblock.c:memblock_double_array, v6.12"
_FREE_ALL = "mm/memblock.c:memblock_free_all, v6.12"
_OURS = "INTERFACES 1, machine memblock"
_linux = partial(Clause, of_policy=True)

# --- truths about every state ------------------------------------------------------------------------------------------
MB_1 = Clause("MEMBLOCK-1", "The regions of an array are in ascending order, apart from one another, and none is empty", _ADD)
MB_2 = Clause(
    "MEMBLOCK-2",
    "The total of an array is the sum of its regions' sizes, and of what trimming took off them since the array was last empty",
    "mm/memblock.c:memblock_insert_region, v6.12",
)
MB_3 = Clause("MEMBLOCK-3", "Two regions that touch differ in node or flags, or are both NOMAP", _MERGE)
MB_4 = Clause("MEMBLOCK-4", "An array holds no more regions than there is room for, and knows how many", _DOUBLE)
TOP_BYTE = Clause(
    "MEMBLOCK-TOP", "A range is cut off before the last byte of the address space", "mm/memblock.c:memblock_cap_size, v6.12"
)
STOPPED = Clause("MEMBLOCK-STOPPED", "After the kernel has stopped every answer is PANIC", _OURS)

# --- add, remove, reserve, free ----------------------------------------------------------------------------------------
ADD_ARGS = Clause("MEMBLOCK-ADD-ARGS", "Memory of a node or with flags that do not exist is refused with EINVAL", _OURS)
ADD_COVERS = Clause(
    "MEMBLOCK-ADD", "After an addition all of the range is memory, with its node and flags where it was not", _ADD
)
ADD_FIRST_WINS = Clause("MEMBLOCK-ADD-FIRST", "What is there already keeps its node and flags", _ADD)
MERGE_ALIKE = Clause("MEMBLOCK-MERGE", "Regions that touch and agree in node and flags become one", _MERGE)
MERGE_LOCAL = Clause(
    "MEMBLOCK-MERGE-LOCAL",
    "Only the regions that were inserted or marked are merged, with one another and their neighbours",
    _MERGE,
)
ISOLATE_SPLITS = Clause(
    "MEMBLOCK-ISOLATE", "A region that crosses an end of the range is split there, in node and flags alike", _ISOLATE
)
REMOVE = Clause(
    "MEMBLOCK-REMOVE",
    "After a removal nothing of the range is memory; nothing else changes",
    "mm/memblock.c:memblock_remove, v6.12",
)
RESERVE = Clause(
    "MEMBLOCK-RESERVE",
    "After a reservation all of the range is reserved, whether it is memory or not, and was reserved before or not",
    "mm/memblock.c:memblock_reserve, v6.12",
)
FREE = Clause(
    "MEMBLOCK-FREE",
    "After a free nothing of the range is reserved, whoever reserved it; what was not stays so",
    "mm/memblock.c:memblock_phys_free, v6.12",
)
ROOM = Clause(
    "MEMBLOCK-ROOM",
    "A change is refused, with ENOMEM or by stopping the kernel, only where the array may have no room for it",
    _ADD,
)
ROOM_HALF = Clause(
    "MEMBLOCK-ROOM-HALF", "A change that is not carried out although an array moved is one that the array had no room for", _ADD
)

# --- flags, nodes, limits ----------------------------------------------------------------------------------------------
MARK_ARGS = Clause("MEMBLOCK-MARK-ARGS", "A mark that Linux has no function for is refused with EINVAL", _OURS)
MARK = Clause(
    "MEMBLOCK-MARK", "A mark changes one flag, of what there is in the range", "mm/memblock.c:memblock_setclr_flag, v6.12"
)
MARK_MIRROR = Clause(
    "MEMBLOCK-MARK-MIRROR",
    "Memory is marked as mirrored only where kernelcore=mirror asks for it",
    "mm/memblock.c:memblock_mark_mirror, v6.12",
)
SET_NODE_ARGS = Clause("MEMBLOCK-SET-NODE-ARGS", "A node that does not exist is refused with EINVAL", _OURS)
SET_NODE = Clause("MEMBLOCK-SET-NODE", "What there is in the range becomes the node's", "mm/memblock.c:memblock_set_node, v6.12")
TRIM_ARGS = Clause("MEMBLOCK-TRIM-ARGS", "An alignment that is no power of two is refused with EINVAL", _OURS)
TRIM = Clause("MEMBLOCK-TRIM", "Trimming needs no room and is always carried out", "mm/memblock.c:memblock_trim_memory, v6.12")
TRIM_INWARD = Clause(
    "MEMBLOCK-TRIM-INWARD",
    "A trimmed region keeps the multiples of the alignment that lie wholly inside it",
    "mm/memblock.c:memblock_trim_memory, v6.12",
)
TRIM_GONE = Clause(
    "MEMBLOCK-TRIM-GONE", "A region without a whole multiple of the alignment goes", "mm/memblock.c:memblock_trim_memory, v6.12"
)
ENFORCE = Clause(
    "MEMBLOCK-LIMIT",
    "A limit forgets memory, and what is reserved, from the address on below which there is that much memory;"
    " none and one that is not reached change nothing",
    "mm/memblock.c:memblock_enforce_memory_limit, v6.12",
)
CAP_ARGS = Clause("MEMBLOCK-CAP-ARGS", "A cap that ends beyond the address space is refused with EINVAL", _OURS)
CAP = Clause(
    "MEMBLOCK-CAP",
    "A cap forgets mapped memory and what is reserved outside its range",
    "mm/memblock.c:memblock_cap_memory_range, v6.12",
)
CAP_NOMAP = Clause(
    "MEMBLOCK-CAP-NOMAP", "A cap keeps NOMAP memory outside its range", "mm/memblock.c:memblock_cap_memory_range, v6.12"
)
CAP_NOTHING = Clause(
    "MEMBLOCK-CAP-NOTHING",
    "A cap of no size, or before there is memory, changes nothing",
    "mm/memblock.c:memblock_cap_memory_range, v6.12",
)
LIMIT_MAP = Clause(
    "MEMBLOCK-LIMIT-MAP",
    "A limit on mapped memory caps what lies from its address on",
    "mm/memblock.c:memblock_mem_limit_remove_map, v6.12",
)
SET_LIMIT = Clause(
    "MEMBLOCK-SET-LIMIT", "The current limit is what was set last", "mm/memblock.c:memblock_set_current_limit, v6.12"
)
DIRECTION = Clause(
    "MEMBLOCK-DIRECTION", "Either direction of search may be set", "include/linux/memblock.h:memblock_set_bottom_up, v6.12"
)

# --- which memory serves -------------------------------------------------------------------------------------------------
SKIP_NODE = Clause("MEMBLOCK-SKIP-1", "Memory of another node does not serve where a node is asked for", _SKIP)
SKIP_HOTPLUG = Clause("MEMBLOCK-SKIP-2", "With movable_node HOTPLUG memory does not serve; without it does", _SKIP)
SKIP_NOMAP = Clause("MEMBLOCK-SKIP-4", "NOMAP memory does not serve", _SKIP)
SKIP_DRIVER = Clause("MEMBLOCK-SKIP-5", "DRIVER_MANAGED memory does not serve", _SKIP)
FIND_LIMIT = Clause(
    "MEMBLOCK-FIND-1",
    "An end of 0 or 1 stands for the current limit",
    "mm/memblock.c:memblock_find_in_range_node, v6.12",
)
FIND_PAGE_0 = Clause("MEMBLOCK-FIND-2", "Page 0 is never handed out", "mm/memblock.c:memblock_find_in_range_node, v6.12")
FIND_LOWEST = _linux(
    "MEMBLOCK-FIND-BOTTOM-UP",
    "Bottom-up the lowest place that serves is taken",
    "mm/memblock.c:__memblock_find_range_bottom_up, v6.12",
)
FIND_HIGHEST = _linux(
    "MEMBLOCK-FIND-TOP-DOWN",
    "Top-down, as Linux does at first, the highest place that serves is taken",
    "mm/memblock.c:__memblock_find_range_top_down, v6.12",
)

# --- alloc ---------------------------------------------------------------------------------------------------------------
ALLOC_ARGS = Clause(
    "MEMBLOCK-ALLOC-ARGS",
    "A request whose alignment is no power of two, or whose node does not exist, is refused with EINVAL",
    _OURS,
)
ALLOC_ENOMEM = Clause(
    "MEMBLOCK-ALLOC-ENOMEM", "A request fails, with ENOMEM, only where no lawful range is free or no room to note it", _OURS
)
ALLOC_ALIGNED = Clause("MEMBLOCK-ALLOC-ALIGNED", "The first byte handed out is at a multiple of the alignment", _ALLOC)
ALLOC_INSIDE = Clause("MEMBLOCK-ALLOC-INSIDE", "What is handed out lies between the bounds of the request", _ALLOC)
ALLOC_PAGE_0 = Clause("MEMBLOCK-ALLOC-PAGE-0", "Nothing below the first page's end is handed out", _ALLOC)
ALLOC_FREE = Clause("MEMBLOCK-ALLOC-FREE", "Nothing that is reserved is handed out: no frame has two owners", _ALLOC)
ALLOC_MEMORY = Clause("MEMBLOCK-ALLOC-MEMORY", "What is handed out lies in one region of memory that may serve", _ALLOC)
ALLOC_NODE = Clause("MEMBLOCK-ALLOC-NODE", "What an exact request is given is of its node", _ALLOC)
ALLOC_NOTHING = Clause(
    "MEMBLOCK-ALLOC-NOTHING", "Nought bytes are found at any multiple of the alignment, and reserve nothing", _ALLOC
)
ALLOC_OTHER_NODE = _linux("MEMBLOCK-ALLOC-4", "Where its node has nothing, a request that is not exact is served by any", _ALLOC)
ALLOC_MIRROR = _linux(
    "MEMBLOCK-ALLOC-5",
    "Once some memory is mirrored, a request is served by mirrored memory of any node before other memory",
    _ALLOC,
)
SOME_MIRROR = _linux(
    "MEMBLOCK-SOME-MIRROR", "Mirrored memory is preferred from the first mark on", "mm/memblock.c:memblock_mark_mirror, v6.12"
)
ALLOC_SOFT = _linux(
    "MEMBLOCK-ALLOC-SOFT",
    "A soft lower bound is dropped where nothing above it serves",
    "mm/memblock.c:memblock_alloc_internal, v6.12",
)

# --- the arrays' own memory ------------------------------------------------------------------------------------------------
MOVE_RESIZE = Clause("MEMBLOCK-MOVE-RESIZE", "An array moves only where resizing is allowed", _DOUBLE)
MOVE_FREE = Clause(
    "MEMBLOCK-MOVE-FREE",
    "An array moves to whole pages of free memory, which it reserves; in Linux both may move to the same (docs/questions.md)",
    _DOUBLE,
)
MOVE_APART = Clause(
    "MEMBLOCK-MOVE-APART",
    "The reserved array does not move to what is about to be reserved or freed, unless that begins at 0 or 1 (docs/questions.md)",
    _DOUBLE,
)
MOVE_GIVEN = Clause("MEMBLOCK-MOVE-GIVEN", "An array gives back just what it took, whole", _DOUBLE)
GROW_TAKES = _linux(
    "MEMBLOCK-GROW", "An array that has no room is doubled; the new one takes whole pages, found like any others", _DOUBLE
)
GROW_APART = _linux(
    "MEMBLOCK-GROW-APART",
    "The new reserved array is looked for above what is about to be reserved or freed, then below it",
    _DOUBLE,
)
GROW_GIVES = _linux("MEMBLOCK-GROW-GIVES", "The pages of the old array are given back, unless it was the one linked to", _DOUBLE)
GROW_ENOMEM = _linux("MEMBLOCK-GROW-ENOMEM", "Where the new array finds no place the change fails with ENOMEM", _DOUBLE)
GROW_PANIC = _linux("MEMBLOCK-GROW-PANIC", "Where resizing is not allowed a full array stops the kernel", _DOUBLE)
GROW_NESTED = _linux(
    "MEMBLOCK-GROW-NESTED",
    "Doubling the memory array may double the reserved one; where that has no room for the new array the kernel stops",
    _DOUBLE,
)

# --- looking ---------------------------------------------------------------------------------------------------------------
REGIONS = Clause("MEMBLOCK-REGIONS", "The regions that are listed are those of the array, merged, ascending", _OURS)
QUERY = Clause(
    "MEMBLOCK-QUERY", "A byte is memory, mapped, and of a node, as its region says", "mm/memblock.c:memblock_search, v6.12"
)
QUERY_RESERVED = Clause(
    "MEMBLOCK-QUERY-RESERVED",
    "A range is reserved if any of its bytes is",
    "mm/memblock.c:memblock_is_region_reserved, v6.12",
)
QUERY_REGION = Clause(
    "MEMBLOCK-QUERY-REGION",
    "A range is memory if one region holds all of it",
    "mm/memblock.c:memblock_is_region_memory, v6.12",
)

# --- hand-over -------------------------------------------------------------------------------------------------------------
FREE_ALL_HOTPLUG = Clause("MEMBLOCK-FREE-ALL-3", "HOTPLUG is forgotten, so that such memory is handed over too", _FREE_ALL)
FREE_ALL_NODES = Clause(
    "MEMBLOCK-FREE-ALL-4",
    "What is reserved in a region of memory becomes its node's",
    "mm/memblock.c:memmap_init_reserved_pages, v6.12",
)
FREE_ALL_PANIC = Clause("MEMBLOCK-FREE-ALL-PANIC", "The hand-over stops the kernel only where an array may be full", _FREE_ALL)
FREE_ALL_ONCE = Clause("MEMBLOCK-FREE-ALL-5", "Every whole free page below max_low_pfn is handed over exactly once", _FREE_ALL)
FREE_ALL_FREE = Clause("MEMBLOCK-FREE-ALL-FREE", "No page is handed over that is reserved in part, or is no memory", _FREE_ALL)
FREE_ALL_ALIGNED = Clause(
    "MEMBLOCK-FREE-ALL-ALIGNED", "A block of order o is handed over at a multiple of 2**o, and o is at most 10", _FREE_ALL
)
FREE_ALL_LARGEST = _linux(
    "MEMBLOCK-FREE-ALL-5b",
    "Each block is the largest that is aligned and ends in its free range",
    "mm/memblock.c:__free_pages_memory, v6.12",
)

CHOICE = _linux("MEMBLOCK-CHOICE", "The result is the one that the kernel gives", "mm/memblock.c, v6.12")

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of memblock."""
