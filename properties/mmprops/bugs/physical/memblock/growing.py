"""Wrong versions of how the arrays are doubled: where they go, what they take and give back, and when that fails."""

from __future__ import annotations

from mmprops.bugs.physical.memblock.places import EARLY, GROW, MEMORY, answer, bug

_DOUBLE = "mm/memblock.c:memblock_double_array, v6.12"

BUGS = (
    answer(
        "BUG-LAST-ENTRY-UNUSED",
        "MEMBLOCK-ROOM",
        "an array counts as full while one more region would fit",
        "mm/memblock.c:memblock_add_range, v6.12",
        {f"{MEMORY}.room": ("entries > table.max", "entries >= table.max")},
    ),
    answer(
        "BUG-NEVER-DONE",
        "MEMBLOCK-ROOM-HALF",
        "a change that was made is said not to be",
        "mm/memblock.c:memblock_add_range, v6.12",
        {f"{EARLY}.changed": ("Changed(made,", "Changed(False,")},
    ),
    answer(
        "BUG-MOVES-BEFORE-IT-MAY",
        "MEMBLOCK-MOVE-RESIZE",
        "an array is doubled before resizing is allowed",
        _DOUBLE,
        {f"{MEMORY}.double": ("if not self.config.resize:", "if False:")},
    ),
    answer(
        "BUG-MOVES-TO-PART-PAGES",
        "MEMBLOCK-MOVE-FREE",
        "an array moves to where no page begins",
        _DOUBLE,
        {f"{MEMORY}.find_pages": ("PAGE_SIZE, start, end, NO_NODE, False", "64, start, end, NO_NODE, False")},
    ),
    answer(
        "BUG-MOVES-INTO-THE-HOLE",
        "MEMBLOCK-MOVE-APART",
        "the reserved array moves to what is about to be reserved",
        _DOUBLE,
        {f"{MEMORY}.double": ("pages, base + size, self.limit", "pages, 0, self.limit")},
    ),
    answer(
        "BUG-GIVES-TOO-MUCH",
        "MEMBLOCK-MOVE-GIVEN",
        "an array gives back twice what it took",
        _DOUBLE,
        {f"{MEMORY}.double": ("(which + MEMORY_GIVEN, *old)", "(which + MEMORY_GIVEN, old[0], 2 * old[1])")},
    ),
    bug(
        "BUG-ARRAY-TAKES-A-PAGE-MORE",
        "MEMBLOCK-GROW",
        "a doubled array takes one page more than it needs",
        _DOUBLE,
        {
            f"{MEMORY}.double": ("// PAGE_SIZE) * PAGE_SIZE", "// PAGE_SIZE - 1) * PAGE_SIZE"),
            f"{GROW}.page_align": ("size + PAGE_SIZE - 1", "size + 2 * PAGE_SIZE - 1"),
        },
    ),
    bug(
        "BUG-ARRAY-BELOW-FIRST",
        "MEMBLOCK-GROW-APART",
        "a place for the reserved array is looked for below the hole first",
        _DOUBLE,
        {
            f"{MEMORY}.double": (
                "place = self.find_pages(pages, base + size, self.limit)\n"
                "        if not place and size:\n"
                "            place = self.find_pages(pages, 0, min(base, self.limit))",
                "place = self.find_pages(pages, 0, min(base, self.limit)) if size else 0\n"
                "        if not place:\n"
                "            place = self.find_pages(pages, base + size, self.limit)",
            ),
            f"{GROW}.find_for_array": ("for above in (True, False)", "for above in (False, True)"),
        },
    ),
    bug(
        "BUG-OLD-ARRAY-KEPT",
        "MEMBLOCK-GROW-GIVES",
        "the pages of an old array stay reserved",
        _DOUBLE,
        {
            f"{MEMORY}.double": ("self.places.pop(which, None)", "None"),
            f"{GROW}.double_reserved": ("left.size > 0", "left.size > TOP"),
            f"{GROW}.double_memory": ("left.size > 0", "left.size > TOP"),
        },
    ),
    bug(
        "BUG-NO-PLACE-STOPS",
        "MEMBLOCK-GROW-ENOMEM",
        "where a new array finds no place the kernel stops",
        _DOUBLE,
        {
            f"{MEMORY}.double": (
                "        if not place:\n            return False",
                "        if not place:\n            raise Stopped",
            ),
            f"{GROW}.double_reserved": ("        return arrays, False", "        return stop(arrays), False"),
            f"{GROW}.double_memory": ("        return arrays, False", "        return stop(arrays), False"),
        },
    ),
    bug(
        "BUG-NO-RESIZE-FAILS",
        "MEMBLOCK-GROW-PANIC",
        "a full array that must not be doubled is an error instead of the end",
        _DOUBLE,
        {
            f"{MEMORY}.double": ("resize:\n            raise Stopped", "resize:\n            return False"),
            f"{GROW}.double_reserved": ("return stop(arrays), False", "return arrays, False"),
            f"{GROW}.double_memory": (
                "rule(c.GROW_PANIC)\n        return stop(arrays), False",
                "rule(c.GROW_PANIC)\n        return arrays, False",
            ),
        },
    ),
    bug(
        "BUG-NESTED-FAILS",
        "MEMBLOCK-GROW-NESTED",
        "a memory array that cannot be reserved is an error instead of the end",
        _DOUBLE,
        {
            f"{MEMORY}.double": (
                "place, pages):\n            raise Stopped",
                "place, pages):\n            table.max //= 2\n            return False",
            ),
            f"{GROW}.double_memory": (
                "rule(c.GROW_NESTED)\n        return stop(arrays), False",
                "rule(c.GROW_NESTED)\n        return arrays, False",
            ),
        },
    ),
)
