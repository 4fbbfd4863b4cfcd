"""Wrong versions of what is handed out: which memory serves, where it is looked for, and what is reserved then."""

from __future__ import annotations

from mmprops.bugs.physical.memblock.places import CORE, EARLY, KINDS, LINUX, MEMORY, SEARCH, answer, bug

_SKIP, _FIND = "mm/memblock.c:should_skip_region, v6.12", "mm/memblock.c:memblock_find_in_range_node, v6.12"
_ALLOC = "mm/memblock.c:memblock_alloc_range_nid, v6.12"

BUGS = (
    bug(
        "BUG-LIMIT-ONLY-GROWS",
        "MEMBLOCK-SET-LIMIT",
        "the current limit is never lowered",
        "mm/memblock.c:memblock_set_current_limit, v6.12",
        {
            f"{EARLY}._answer_set_limit": ("= request.limit", "= max(self.state.limit, request.limit)"),
            f"{KINDS}.set_limit_apply": ("limit=op.limit", "limit=max(state.limit, op.limit)"),
        },
    ),
    bug(
        "BUG-ANY-NODE-SERVES",
        "MEMBLOCK-SKIP-1",
        "memory of any node serves whatever node is asked for",
        _SKIP,
        {
            f"{MEMORY}.serves": ("wanted in (NO_NODE, nid)", "True"),
            f"{SEARCH}.usable": ("((nid == NO_NODE) | (node == nid))", "True"),
        },
    ),
    bug(
        "BUG-HOTPLUG-SERVES",
        "MEMBLOCK-SKIP-2",
        "HOTPLUG memory serves although movable_node keeps it free",
        _SKIP,
        {
            f"{MEMORY}.serves": ("(HOTPLUG if self.config.movable_node else 0)", "0"),
            f"{SEARCH}.usable": ("((not movable_node) | ((flags & HOTPLUG) == 0))", "True"),
        },
    ),
    bug(
        "BUG-NOMAP-SERVES",
        "MEMBLOCK-SKIP-4",
        "NOMAP memory serves",
        _SKIP,
        {
            f"{MEMORY}.serves": ("NOMAP | DRIVER_MANAGED", "DRIVER_MANAGED"),
            f"{SEARCH}.usable": ("(NOMAP | DRIVER_MANAGED)", "DRIVER_MANAGED"),
        },
    ),
    bug(
        "BUG-DRIVER-MANAGED-SERVES",
        "MEMBLOCK-SKIP-5",
        "memory that a driver manages serves",
        _SKIP,
        {
            f"{MEMORY}.serves": ("NOMAP | DRIVER_MANAGED", "NOMAP"),
            f"{SEARCH}.usable": ("(NOMAP | DRIVER_MANAGED)", "NOMAP"),
        },
    ),
    bug(
        "BUG-NOLEAKTRACE-IS-AN-END",
        "MEMBLOCK-FIND-1",
        "an end of 1 is taken for an address",
        _FIND,
        {
            f"{MEMORY}.find": ("end <= 1", "end < 1"),
            f"{SEARCH}.asked": ("end <= NOLEAKTRACE", "end < NOLEAKTRACE"),
        },
    ),
    bug(
        "BUG-PAGE-0-SERVES",
        "MEMBLOCK-FIND-2",
        "page 0 is handed out",
        _FIND,
        {
            f"{MEMORY}.find": ("max(start, PAGE_SIZE)", "max(start, 64)"),
            f"{SEARCH}.asked": ("max(start, PAGE_SIZE)", "max(start, 64)"),
        },
    ),
    bug(
        "BUG-BOTTOM-UP-FROM-ABOVE",
        "MEMBLOCK-FIND-BOTTOM-UP",
        "bottom-up the highest place of the lowest free range is taken",
        "mm/memblock.c:__memblock_find_range_bottom_up, v6.12",
        {
            f"{MEMORY}.find": ("if self.bottom_up:", "if self.bottom_up and size == 0:"),
            f"{SEARCH}.fit": ("if ask.bottom_up:", "if ask.bottom_up and ask.size == 0:"),
        },
    ),
    bug(
        "BUG-TOP-DOWN-FROM-BELOW",
        "MEMBLOCK-FIND-TOP-DOWN",
        "top-down the lowest place of the highest free range is taken",
        "mm/memblock.c:__memblock_find_range_top_down, v6.12",
        {
            f"{MEMORY}.find": ("if self.bottom_up:", "if True:"),
            f"{SEARCH}.fit": ("if ask.bottom_up:", "if True:"),
        },
    ),
    bug(
        "BUG-LOWEST-RANGE-FIRST",
        "MEMBLOCK-CHOICE",
        "the lowest free range is taken, whatever Linux prefers",
        _FIND,
        {f"{MEMORY}.find": ("ranges if self.bottom_up else reversed(list(ranges))", "ranges")},
    ),
    bug(
        "BUG-NOTHING-TAKES-A-BYTE",
        "MEMBLOCK-ALLOC-NOTHING",
        "a request for no bytes reserves one",
        _ALLOC,
        {
            f"{EARLY}.allocate": ("RESERVED, addr, request.size", "RESERVED, addr, max(request.size, 1)"),
            f"{CORE}.alloc_apply": ("result.addr, op.size", "result.addr, max(op.size, 1)"),
            f"{LINUX}.try_place": (
                "wanted_to_add(arrays.state.reserved, addr, op.size) - arrays.state.reserved.cnt\n"
                "    arrays, made = room_for(arrays, RESERVED, wanted, addr, op.size)",
                "wanted_to_add(arrays.state.reserved, addr, max(op.size, 1)) - arrays.state.reserved.cnt\n"
                "    arrays, made = room_for(arrays, RESERVED, wanted, addr, max(op.size, 1))",
            ),
        },
    ),
    bug(
        "BUG-NODE-IS-ALWAYS-EXACT",
        "MEMBLOCK-ALLOC-4",
        "a request whose node has nothing fails",
        _ALLOC,
        {
            f"{EARLY}.allocate": ("[request.nid, NO_NODE]", "[request.nid]"),
            f"{LINUX}.alloc_nodes": ("op.nid == NO_NODE or op.exact", "True"),
        },
    ),
    bug(
        "BUG-MIRROR-NOT-TRIED",
        "MEMBLOCK-ALLOC-5",
        "mirrored memory is taken like any other",
        _ALLOC,
        {
            f"{EARLY}.allocate": ("[True, False] if self.state.mirrors else [False]", "[False]"),
            f"{LINUX}.alloc_range": (
                "alloc_nodes(arrays, op, start, end, True)",
                "(0, arrays)",
            ),
        },
    ),
    bug(
        "BUG-MIRROR-UNNOTICED",
        "MEMBLOCK-SOME-MIRROR",
        "that memory was marked as mirrored is not noticed",
        "mm/memblock.c:memblock_mark_mirror, v6.12",
        {
            f"{EARLY}._answer_mark": ("self.state.mirrors = True", "self.state.mirrors = False"),
            f"{LINUX}.mark_choose": ("some_mirror=True", "some_mirror=False"),
        },
    ),
    bug(
        "BUG-SOFT-BOUND-IS-HARD",
        "MEMBLOCK-ALLOC-SOFT",
        "a soft lower bound is never dropped",
        "mm/memblock.c:memblock_alloc_internal, v6.12",
        {
            f"{EARLY}._answer_alloc": ("request.soft and request.start:", "request.start > TOP:"),
            f"{LINUX}.alloc_choose": ("op.soft and op.start > 0", "op.start > TOP"),
        },
    ),
    answer(
        "BUG-EXACT-FIT-REFUSED",
        "MEMBLOCK-ALLOC-ENOMEM",
        "a request that fills a free range wholly fails",
        "mm/memblock.c:__memblock_find_range_top_down, v6.12",
        {f"{MEMORY}.find": ("align >= low", "align > low")},
    ),
    answer(
        "BUG-NOT-ALIGNED",
        "MEMBLOCK-ALLOC-ALIGNED",
        "what is handed out ends where the free range does",
        "mm/memblock.c:__memblock_find_range_top_down, v6.12",
        {f"{MEMORY}.find": ("return (high - size) // align * align", "return high - size")},
    ),
    answer(
        "BUG-BEYOND-THE-END",
        "MEMBLOCK-ALLOC-INSIDE",
        "the end of a request's range is not looked at",
        _FIND,
        {f"{MEMORY}.find": ("max(start, min(last, end))", "max(start, last)")},
    ),
    answer(
        "BUG-BELOW-PAGE-1",
        "MEMBLOCK-ALLOC-PAGE-0",
        "the first page is handed out but for its first bytes",
        _FIND,
        {f"{MEMORY}.find": ("max(start, PAGE_SIZE)", "max(start, 64)")},
    ),
    answer(
        "BUG-RESERVED-SERVES",
        "MEMBLOCK-ALLOC-FREE",
        "a free range reaches to the end of its memory, whatever is reserved there",
        "mm/memblock.c:__next_mem_range, v6.12",
        {f"{MEMORY}.ranges": ("max(base, low), min(end, high)", "max(base, low), end")},
    ),
    answer(
        "BUG-UNMAPPED-SERVES",
        "MEMBLOCK-ALLOC-MEMORY",
        "memory outside the direct map is handed out",
        _SKIP,
        {f"{MEMORY}.serves": ("NOMAP | DRIVER_MANAGED", "DRIVER_MANAGED")},
    ),
    answer(
        "BUG-EXACT-NODE-IS-NOT",
        "MEMBLOCK-ALLOC-NODE",
        "an exact request is served by another node",
        _ALLOC,
        {f"{EARLY}.allocate": ("request.exact or ", "")},
    ),
)
