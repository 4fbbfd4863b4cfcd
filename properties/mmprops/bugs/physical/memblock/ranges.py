"""Wrong versions of how the arrays change: ranges enter, leave, split, merge, are marked, trimmed and limited."""

from __future__ import annotations

from mmprops.bugs.physical.memblock.places import CORE, EARLY, KINDS, LIMITS, LINUX, REGIONS, TABLE, bug

_ADD, _MERGE = "mm/memblock.c:memblock_add_range, v6.12", "mm/memblock.c:memblock_merge_regions, v6.12"
_CAP, _TRIM = "mm/memblock.c:memblock_cap_memory_range, v6.12", "mm/memblock.c:memblock_trim_memory, v6.12"

BUGS = (
    bug(
        "BUG-ADD-SHORT",
        "MEMBLOCK-ADD",
        "the last byte of what is added is left out",
        _ADD,
        {
            f"{EARLY}._answer_add": ("request.size", "max(request.size, 1) - 1"),
            f"{CORE}.add_apply": ("op.size", "max(op.size, 1) - 1"),
        },
    ),
    bug(
        "BUG-ADD-STOPS-AT-OVERLAP",
        "MEMBLOCK-ADD-FIRST",
        "what lies behind the first region that an addition overlaps is not added",
        _ADD,
        {
            f"{TABLE}.gaps": ("base = self.ends[at]\n", "base = end\n"),
            f"{REGIONS}.fill_step": ("min(end_at(array, following), end)", "end"),
        },
    ),
    bug(
        "BUG-MERGE-UNLIKE",
        "MEMBLOCK-MERGE",
        "regions that touch become one whatever their flags",
        _MERGE,
        {
            f"{TABLE}.alike": (" and self.flags[at] == self.flags[at + 1]", ""),
            f"{REGIONS}.alike": ("(array.flags.get(base, 0) == array.flags.get(following, 0))", "True"),
        },
    ),
    bug(
        "BUG-MERGE-EVERYWHERE",
        "MEMBLOCK-MERGE-LOCAL",
        "every change merges all that is alike from the first region on",
        _MERGE,
        {
            f"{TABLE}.merge": ("max(first - 1, 0)", "0"),
            f"{REGIONS}.merge": ("array, before, stop", "array, TOP, stop"),
        },
    ),
    bug(
        "BUG-SPLIT-LOSES-FLAGS",
        "MEMBLOCK-ISOLATE",
        "the upper half of a region that is split has no flags",
        "mm/memblock.c:memblock_isolate_range, v6.12",
        {
            f"{TABLE}.split": ("self.flags[at - 1])", "0)"),
            f"{REGIONS}.split_after": ("array.flags[base]", "0"),
        },
    ),
    bug(
        "BUG-REMOVE-HALF",
        "MEMBLOCK-REMOVE",
        "only the first half of a range is removed",
        "mm/memblock.c:memblock_remove, v6.12",
        {
            f"{EARLY}._answer_remove": ("request.size", "request.size // 2"),
            f"{CORE}.remove_apply": ("op.size", "op.size // 2"),
            f"{LINUX}.remove_choose": ("op.base, op.size), op.base, op.size", "op.base, op.size // 2), op.base, op.size // 2"),
        },
    ),
    bug(
        "BUG-RESERVE-HALF",
        "MEMBLOCK-RESERVE",
        "only the first half of a range is reserved",
        "mm/memblock.c:memblock_reserve, v6.12",
        {
            f"{EARLY}._answer_reserve": ("request.size", "request.size // 2"),
            f"{CORE}.reserve_apply": ("op.size", "op.size // 2"),
        },
    ),
    bug(
        "BUG-FREE-HALF",
        "MEMBLOCK-FREE",
        "only the first half of a range is freed",
        "mm/memblock.c:memblock_phys_free, v6.12",
        {
            f"{EARLY}._answer_free": ("request.size", "request.size // 2"),
            f"{CORE}.free_apply": ("op.size", "op.size // 2"),
        },
    ),
    bug(
        "BUG-CLEAR-ALL-FLAGS",
        "MEMBLOCK-MARK",
        "clearing one flag clears them all",
        "mm/memblock.c:memblock_setclr_flag, v6.12",
        {
            f"{EARLY}._answer_mark": ("request.size, flag, on)", "request.size, flag if on else 0x1F, on)"),
            f"{KINDS}.mark_apply": ("(ALL_FLAGS & ~op.flag, 0)", "(0, 0)"),
        },
    ),
    bug(
        "BUG-NODE-OF-HALF",
        "MEMBLOCK-SET-NODE",
        "only the first half of a range gets the node",
        "mm/memblock.c:memblock_set_node, v6.12",
        {
            f"{EARLY}._answer_set_node": ("request.size, request.nid", "request.size // 2, request.nid"),
            f"{KINDS}.set_node_apply": ("op.size, op.nid", "op.size // 2, op.nid"),
        },
    ),
    bug(
        "BUG-TRIM-START-ONLY",
        "MEMBLOCK-TRIM-INWARD",
        "a region is trimmed at its start alone",
        _TRIM,
        {
            f"{TABLE}.trim": ("self.ends[at] // align * align", "self.ends[at]"),
            f"{LIMITS}.trim_step": ("end & ~(align - 1)", "end"),
        },
    ),
    bug(
        "BUG-TRIM-KEEPS-SMALL",
        "MEMBLOCK-TRIM-GONE",
        "a region without a whole multiple of the alignment stays as it is",
        _TRIM,
        {
            f"{TABLE}.trim": ("self.drop(at, at + 1)", "pass"),
            f"{LIMITS}.trim_step": ("return drop_next(array, before), before, align", "return array, base, align"),
        },
    ),
    bug(
        "BUG-LIMIT-KEEPS-RESERVED",
        "MEMBLOCK-LIMIT",
        "what is reserved beyond a limit stays reserved",
        "mm/memblock.c:memblock_enforce_memory_limit, v6.12",
        {
            f"{EARLY}._answer_enforce": ("self.state.uncover(RESERVED, beyond, TOP)", "pass"),
            f"{KINDS}.enforce_apply": ("cut(state.reserved, beyond, TOP)", "state.reserved"),
            f"{LINUX}.enforce_choose": (
                "cut_own(cut_own(arrays_before(state, policy), MEMORY, beyond, TOP), RESERVED, beyond, TOP)",
                "cut_own(arrays_before(state, policy), MEMORY, beyond, TOP)",
            ),
        },
    ),
    bug(
        "BUG-CAP-KEEPS-LOWER",
        "MEMBLOCK-CAP",
        "what is reserved below a cap stays reserved",
        _CAP,
        {
            f"{EARLY}.cap": ("self.state.uncover(RESERVED, 0, base)", "pass"),
            f"{KINDS}.capped": ("cut(cut(state.reserved, 0, base), base + size, TOP)", "cut(state.reserved, base + size, TOP)"),
            f"{LINUX}.cap_memory": (
                "cut_own(cut_own(after, RESERVED, 0, base), RESERVED, base + size, TOP)",
                "cut_own(after, RESERVED, base + size, TOP)",
            ),
        },
    ),
    bug(
        "BUG-CAP-FORGETS-NOMAP",
        "MEMBLOCK-CAP-NOMAP",
        "a cap forgets NOMAP memory as well",
        _CAP,
        {
            f"{TABLE}.cap": ("if not self.flags[at] & NOMAP:", "if True:"),
            f"{LIMITS}.cap_step": ("array.flags[following] & NOMAP", "False"),
        },
    ),
    bug(
        "BUG-CAP-TO-NOTHING",
        "MEMBLOCK-CAP-NOTHING",
        "a cap of no size forgets everything",
        _CAP,
        {
            f"{EARLY}.cap": ("if size and self.memory.total", "if self.memory.total"),
            f"{KINDS}.capped": ("size == 0 or ", ""),
            f"{LINUX}.cap_memory": ("size == 0 or ", ""),
        },
    ),
    bug(
        "BUG-LIMIT-MAP-HALF",
        "MEMBLOCK-LIMIT-MAP",
        "a limit on mapped memory caps it at half of its address",
        "mm/memblock.c:memblock_mem_limit_remove_map, v6.12",
        {
            f"{EARLY}._answer_limit_map": ("self.cap(0, beyond)", "self.cap(0, beyond // 2)"),
            f"{KINDS}.limit_map_apply": ("0, beyond)", "0, beyond // 2)"),
            f"{LINUX}.limit_map_choose": ("0, beyond)", "0, beyond // 2)"),
        },
    ),
)
