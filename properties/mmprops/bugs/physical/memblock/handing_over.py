"""Wrong versions of the hand-over to the page allocator."""

from __future__ import annotations

from mmprops.bugs.physical.memblock.places import EARLY, HANDOVER, OUR, answer, bug

_FREE_ALL, _BLOCKS = "mm/memblock.c:memblock_free_all, v6.12", "mm/memblock.c:__free_pages_memory, v6.12"

BUGS = (
    bug(
        "BUG-HOTPLUG-KEPT",
        "MEMBLOCK-FREE-ALL-3",
        "HOTPLUG is not forgotten, and with movable_node such memory is not handed over",
        _FREE_ALL,
        {
            f"{EARLY}._answer_free_all": ("self.memory.mark(0, TOP, HOTPLUG, False)", "pass"),
            f"{HANDOVER}.unplugged": ("ALL_FLAGS & ~HOTPLUG", "ALL_FLAGS"),
        },
    ),
    bug(
        "BUG-NODES-OF-LOWER-HALVES",
        "MEMBLOCK-FREE-ALL-4",
        "only what is reserved in the lower half of a region gets its node",
        "mm/memblock.c:memmap_init_reserved_pages, v6.12",
        {
            f"{EARLY}.note_nodes": ("set_node(base, size, nid)", "set_node(base, size // 2, nid)"),
            f"{HANDOVER}.nodes_step": ("memory.end[base] - base", "(memory.end[base] - base) // 2"),
            f"{HANDOVER}.pass_step": ("arrays.state.reserved, base, size, nid", "arrays.state.reserved, base, size // 2, nid"),
        },
    ),
    answer(
        "BUG-NODES-NOTED-ONCE",
        "MEMBLOCK-REGIONS",
        "the regions are not passed once more where the reserved array was doubled on the way",
        "mm/memblock.c:memmap_init_reserved_pages, v6.12",
        {f"{EARLY}.note_nodes": ("while room != self.reserved.max:", "if room != self.reserved.max:")},
    ),
    bug(
        "BUG-BLOCKS-OF-ORDER-9",
        "MEMBLOCK-FREE-ALL-5b",
        "no block of the largest order is handed over",
        _BLOCKS,
        {
            f"{OUR}.largest_blocks": ("min(MAX_PAGE_ORDER,", "min(MAX_PAGE_ORDER - 1,"),
            f"{HANDOVER}.largest_order": ("MAX_PAGE_ORDER + 1", "MAX_PAGE_ORDER"),
        },
    ),
    answer(
        "BUG-NOTHING-TO-HAND-OVER-STOPS",
        "MEMBLOCK-FREE-ALL-PANIC",
        "a hand-over below frame 0 stops the kernel",
        _FREE_ALL,
        {
            f"{EARLY}._answer_free_all": (
                "self.note_nodes()\n",
                "self.note_nodes()\n        if request.max_low_pfn == 0:\n            raise Stopped\n",
            )
        },
    ),
    answer(
        "BUG-LAST-PAGE-KEPT",
        "MEMBLOCK-FREE-ALL-5",
        "the last page of a free range is not handed over if it stands alone",
        _BLOCKS,
        {f"{OUR}.largest_blocks": ("while start < end:", "while start + 1 < end:")},
    ),
    answer(
        "BUG-PART-PAGE-HANDED-OVER",
        "MEMBLOCK-FREE-ALL-FREE",
        "free ranges are rounded outward",
        _FREE_ALL,
        {f"{EARLY}._answer_free_all": ("min(high >> PAGE_SHIFT,", "min(-(-high // PAGE_SIZE),")},
    ),
    answer(
        "BUG-BLOCKS-NOT-ALIGNED",
        "MEMBLOCK-FREE-ALL-ALIGNED",
        "blocks are as large as fits, wherever they begin",
        _BLOCKS,
        {f"{OUR}.largest_blocks": ("min(MAX_PAGE_ORDER, aligned, ", "min(MAX_PAGE_ORDER, ")},
    ),
)
