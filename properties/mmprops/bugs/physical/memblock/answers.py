"""Wrong versions of what is refused, and of what is told."""

from __future__ import annotations

from mmprops.bugs.physical.memblock.places import EARLY, OURS, answer

BUGS = (
    answer(
        "BUG-ANSWERS-AFTER-THE-END",
        "MEMBLOCK-STOPPED",
        "regions are listed after the kernel has stopped",
        OURS,
        {f"{EARLY}.apply": ("if self.stopped:", "if self.stopped and not isinstance(request, Regions):")},
    ),
    answer(
        "BUG-ADDS-ANY-FLAGS",
        "MEMBLOCK-ADD-ARGS",
        "memory is added with flags that do not exist",
        OURS,
        {f"{EARLY}._answer_add": (" or request.flags & ~MEMORY_FLAGS", "")},
    ),
    answer(
        "BUG-CLEARS-NOINIT",
        "MEMBLOCK-MARK-ARGS",
        "a reservation's mark is cleared, for which Linux has no function",
        OURS,
        {f"{EARLY}._answer_mark": ("if not lawful:", "if not lawful and flag != RSRV_NOINIT:")},
    ),
    answer(
        "BUG-MIRROR-REFUSED",
        "MEMBLOCK-MARK-MIRROR",
        "marking memory as mirrored fails where nobody asked for mirrors",
        "mm/memblock.c:memblock_mark_mirror, v6.12",
        {f"{EARLY}._answer_mark": ("return Changed()", "return ENOMEM")},
    ),
    answer(
        "BUG-NODE-PAST-THE-LAST",
        "MEMBLOCK-SET-NODE-ARGS",
        "the number behind the last node's is taken for a node",
        OURS,
        {f"{EARLY}._answer_set_node": ("not self.known(request.nid)", "request.nid > self.nodes")},
    ),
    answer(
        "BUG-TRIMS-TO-ANYTHING",
        "MEMBLOCK-TRIM-ARGS",
        "memory is trimmed to multiples of any number",
        OURS,
        {f"{EARLY}._answer_trim": (" or request.align & (request.align - 1)", "")},
    ),
    answer(
        "BUG-TRIM-FAILS",
        "MEMBLOCK-TRIM",
        "trimming fails, as if it needed room",
        "mm/memblock.c:memblock_trim_memory, v6.12",
        {f"{EARLY}._answer_trim": ("return Changed()", "return ENOMEM")},
    ),
    answer(
        "BUG-CAP-PAST-THE-TOP",
        "MEMBLOCK-CAP-ARGS",
        "a cap may end a byte beyond the address space",
        OURS,
        {f"{EARLY}._answer_cap": ("> TOP", "> TOP + 1")},
    ),
    answer(
        "BUG-DIRECTION-STOPS",
        "MEMBLOCK-DIRECTION",
        "setting the direction stops the kernel",
        "include/linux/memblock.h:memblock_set_bottom_up, v6.12",
        {f"{EARLY}._answer_direction": ("return DONE", "return PANIC")},
    ),
    answer(
        "BUG-ALLOC-PAST-THE-LAST-NODE",
        "MEMBLOCK-ALLOC-ARGS",
        "the number behind the last node's is taken for a node",
        OURS,
        {f"{EARLY}._answer_alloc": ("not self.known(request.nid)", "request.nid > self.nodes")},
    ),
    answer(
        "BUG-LISTS-BACKWARDS",
        "MEMBLOCK-REGIONS",
        "regions are listed from the last to the first",
        OURS,
        {f"{EARLY}._answer_regions": (".merged()", ".merged()[::-1]")},
    ),
    answer(
        "BUG-ALL-IS-MAPPED",
        "MEMBLOCK-QUERY",
        "NOMAP memory is said to be mapped",
        "mm/memblock.c:memblock_is_map_memory, v6.12",
        {f"{EARLY}._answer_query": ("at >= 0 and not self.memory.flags[at] & NOMAP", "at >= 0")},
    ),
    answer(
        "BUG-ONLY-FIRST-BYTE-RESERVED",
        "MEMBLOCK-QUERY-RESERVED",
        "of a range only the first byte is looked at",
        "mm/memblock.c:memblock_is_region_reserved, v6.12",
        {
            f"{EARLY}._answer_query": (
                "self.reserved.overlaps(request.base, request.size)",
                "self.reserved.over(request.base) >= 0",
            ),
        },
    ),
    answer(
        "BUG-WHOLE-REGION-IS-NONE",
        "MEMBLOCK-QUERY-REGION",
        "a range that ends where its region does is not held by it",
        "mm/memblock.c:memblock_is_region_memory, v6.12",
        {f"{EARLY}._answer_query": ("<= self.memory.ends[at]", "< self.memory.ends[at]")},
    ),
)
