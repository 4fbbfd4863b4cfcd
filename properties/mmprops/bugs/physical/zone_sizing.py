"""Wrong versions of the rules by which zones are sized."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

OUR = "mmimpl.physical.zone_sizing.ZoneSizing"
LINUX = "mmspec.physical.zone_sizing.linux"
OURS = "INTERFACES 1, machine zone_sizing"
INIT = "mm/mm_init.c:free_area_init"
SPANNED = "mm/mm_init.c:zone_spanned_pages_in_node"
ADJUST = "mm/mm_init.c:adjust_zone_range_for_zone_movable"
ABSENT = "mm/mm_init.c:zone_absent_pages_in_node"
FIND = "mm/mm_init.c:find_zone_movable_pfns_for_nodes"

bug = partial(Bug, component="zone_sizing")
core = partial(Bug, component="zone_sizing", profile="any")
"""A bug that breaks what every implementation must keep."""

BUGS = (
    core(
        "BUG-SIZING-DEAF",
        "ZONE-SIZING-ACCEPTED",
        "a node's last region is refused where it touches the top",
        OURS,
        {f"{OUR}.add_memory": ("op.end > max(self.config.ends) << self.shift", "op.end >= max(self.config.ends) << self.shift")},
    ),
    core(
        "BUG-SIZING-OVERLAP",
        "ZONE-SIZING-ARGS",
        "a region may begin in the one before",
        OURS,
        {f"{OUR}.add_memory": ("op.base < last or ", "")},
    ),
    core(
        "BUG-SIZING-TOUCHING-APART",
        "ZONE-SIZING-WHOLE-PAGES",
        "a page across two regions that touch is no memory, though they are one in memblock",
        "mm/memblock.c:memblock_merge_regions",
        {f"{OUR}.add_memory": ("if self.memory and self.memory[-1][1:] == (op.base, op.node, op.flags):", "if False:")},
    ),
    core(
        "BUG-SIZING-FROM-0",
        "ZONE-SIZING-FIRST",
        "the first kind begins at frame 0 wherever memory does",
        INIT,
        {f"{OUR}.sum_up": ("start = self.memory[0][0] >> self.shift if self.memory else 0", "start = 0")},
    ),
    core(
        "BUG-SIZING-TILE",
        "ZONE-SIZING-TILE",
        "a kind whose limit is below the one before begins there",
        INIT,
        {f"{OUR}.sum_up": ("start = end\n", "start = limit\n")},
    ),
    core(
        "BUG-SIZING-MOVABLE-LIMIT",
        "ZONE-SIZING-NO-RANGE",
        "MOVABLE may lie where HIGHMEM may",
        INIT,
        {
            f"{OUR}.possible": ("if op.kind < LIMITED", "if op.kind <= LIMITED"),
            f"{OUR}.sum_up": ("self.high = ", "self.limits.append(self.limits[-1])\n        self.high = "),
        },
    ),
    core(
        "BUG-SIZING-PART-PAGES",
        "ZONE-SIZING-WHOLE-PAGES",
        "a page that is only partly memory counts",
        "include/linux/memblock.h:memblock_region_memory_base_pfn",
        {
            f"{OUR}.zone": (
                "memory.between(start, end))",
                "memory.between(start, end) + sum(m[1] % (1 << self.shift) > 0 and m[2] == op.node for m in self.memory))",
            )
        },
    ),
    core(
        "BUG-SIZING-NODE-LAST",
        "ZONE-SIZING-NODE",
        "a node ends with its first region",
        "mm/mm_init.c:get_pfn_range_for_nid",
        {
            f"{OUR}.node": (
                "        start, end = self.extents[op.node].range\n",
                "        start, end = (self.extents[op.node].ranges or [(0, 0)])[0]\n",
            )
        },
    ),
    core(
        "BUG-SIZING-NODE-PRESENT",
        "ZONE-SIZING-NODE-PRESENT",
        "what is present in MOVABLE is not present on the node",
        "mm/mm_init.c:calculate_node_totalpages",
        {f"{OUR}.node": ("for kind in range(KINDS)", "for kind in range(LIMITED)")},
    ),
    core(
        "BUG-SIZING-MEMORYLESS",
        "ZONE-SIZING-MEMORYLESS",
        "a node without memory begins where memory does",
        "mm/mm_init.c:reset_memoryless_node_totalpages",
        {f"{OUR}.node": ("return Sizes(0, 0, 0)", "return Sizes(self.limits[0][0], 0, 0)")},
    ),
    core(
        "BUG-SIZING-CLAMP",
        "ZONE-SIZING-CLAMP",
        "a zone begins where its kind may, wherever its node does",
        SPANNED,
        {f"{OUR}.span": ("first, end = max(low, min(first, high)),", "first, end = (low if first < high else high),")},
    ),
    core(
        "BUG-SIZING-MOVABLE-END",
        "ZONE-SIZING-MOVABLE",
        "MOVABLE ends where the highest kind does, not with its node",
        ADJUST,
        {f"{OUR}.span": ("min(end, self.high[1])", "self.high[1]")},
    ),
    core(
        "BUG-SIZING-MOVABLE-ALWAYS",
        "ZONE-SIZING-MOVABLE-NONE",
        "a node without MOVABLE has all of itself in it",
        ADJUST,
        {f"{OUR}.span": ("if start and kind == MOVABLE else (0, 0)", "if kind == MOVABLE else (0, 0)")},
    ),
    core(
        "BUG-SIZING-NOT-CUT",
        "ZONE-SIZING-CUT",
        "a zone in which MOVABLE begins goes on",
        ADJUST,
        {f"{OUR}.span": ("min(end, start) if start and not self.mirrored else end", "end")},
    ),
    core(
        "BUG-SIZING-CUT-MIRROR",
        "ZONE-SIZING-CUT-MIRROR",
        "with mirrored memory, too, a zone ends where MOVABLE begins",
        ADJUST,
        {f"{OUR}.span": ("if start and not self.mirrored else", "if start else")},
    ),
    core(
        "BUG-SIZING-NOT-EMPTIED",
        "ZONE-SIZING-EMPTIED",
        "a zone above where MOVABLE begins keeps its frames",
        ADJUST,
        {
            f"{OUR}.span": ("        if start and first >= start:\n            return 0, 0\n", ""),
            f"{OUR}.zone": ("if start == end:", "if start >= end:"),
        },
    ),
    core(
        "BUG-SIZING-PRESENT-ALL",
        "ZONE-SIZING-PRESENT",
        "memory of other nodes between a node's counts as its own",
        ABSENT,
        {f"{OUR}.zone": ("memory = self.extents[op.node]\n", "memory = self.all\n")},
    ),
    core(
        "BUG-SIZING-PRESENT-MIRROR",
        "ZONE-SIZING-PRESENT-MIRROR",
        "beside mirrored memory both zones have all of it",
        ABSENT,
        {f"{OUR}.zone": ("op.kind in (NORMAL, MOVABLE)", "op.kind == MOVABLE")},
    ),
    core(
        "BUG-SIZING-EMPTY-START",
        "ZONE-SIZING-EMPTY",
        "an empty zone begins where its node does",
        "mm/mm_init.c:calculate_node_totalpages",
        {f"{OUR}.zone": ("return Sizes(0, 0, 0)", "return Sizes(start, 0, 0)")},
    ),
    core(
        "BUG-SIZING-ABSENT",
        "ZONE-SIZING-ABSENT",
        "the last frame of a range counts as memory",
        "mm/mm_init.c:absent_pages_in_range",
        {f"{OUR}.absent": ("Frames(op.end - op.start - ", "Frames(max(0, op.end - op.start - 1) - ")},
    ),
    core(
        "BUG-SIZING-UNALIGNED",
        "ZONE-SIZING-ALIGNED",
        "MOVABLE begins where the kernel's share ends",
        FIND,
        {f"{OUR}.size": ("up = -(-start // self.block) * self.block", "up = start")},
    ),
    core(
        "BUG-SIZING-OUTSIDE",
        "ZONE-SIZING-INSIDE",
        "MOVABLE begins at the end of a node that the kernel has all of",
        FIND,
        {f"{OUR}.size": ("if up < self.extents[node].range[1] else 0", "if up <= self.extents[node].range[1] else 0")},
    ),
    core(
        "BUG-SIZING-UNASKED",
        "ZONE-SIZING-ASKED",
        "without any option a node with HOTPLUG memory has MOVABLE",
        FIND,
        {f"{OUR}.starts": ("        if op.movable_node:\n", "        if op.movable_node or op == Size():\n")},
    ),
    core(
        "BUG-SIZING-ONE-NODE",
        "ZONE-SIZING-EACH",
        "the last node is not told of",
        OURS,
        {
            f"{OUR}.size": (
                "return Starts(tuple(self.movable))",
                "return Starts(tuple(self.movable[:-1] if self.nodes > 1 else self.movable))",
            )
        },
    ),
    bug(
        "BUG-SIZING-HOTPLUG-LAST",
        "ZONE-SIZING-MOVABLE-NODE",
        "MOVABLE begins at the highest HOTPLUG memory",
        FIND,
        {
            f"{OUR}.starts": (
                "return self.lowest(lambda first, flags: flags & HOTPLUG)",
                "return [max((-(-b >> self.shift) for b, _, of, flags in self.memory"
                " if of == n and flags & HOTPLUG), default=0) for n in range(self.nodes)]",
            ),
            f"{LINUX}.lowest_step": (
                "if counts and starts.get(node, 0) == 0:",
                "if counts and (not mirror or starts.get(node, 0) == 0):",
            ),
        },
    ),
    bug(
        "BUG-SIZING-PRIORITY",
        "ZONE-SIZING-PRIORITY",
        "kernelcore=mirror goes before movable_node",
        FIND,
        {
            f"{OUR}.starts": ("if op.movable_node:", "if op.movable_node and not op.mirror:"),
            f"{LINUX}.raw_starts": ("if op.movable_node == 1:", "if op.movable_node == 1 and op.mirror == 0:"),
        },
    ),
    bug(
        "BUG-SIZING-KDUMP",
        "ZONE-SIZING-MIRROR-NONE",
        "a kernel under kdump has MOVABLE beside mirrored memory",
        FIND,
        {
            f"{OUR}.starts": ("if op.kdump or not", "if not"),
            f"{LINUX}.raw_starts": ("if has_mirror(layout) and op.kdump == 0 else none", "if has_mirror(layout) else none"),
        },
    ),
    bug(
        "BUG-SIZING-MIRROR-LOW",
        "ZONE-SIZING-MIRROR",
        "memory below 4 GiB that is not mirrored is MOVABLE",
        FIND,
        {
            f"{OUR}.starts": ("not flags & MIRROR and first >= FOUR_GIB >> self.shift", "not flags & MIRROR"),
            f"{LINUX}.lowest_step": (
                "not is_mirror(layout, region) and frame >= FOUR_GIB >> layout.page_shift",
                "not is_mirror(layout, region)",
            ),
        },
    ),
    bug(
        "BUG-SIZING-PERCENT",
        "ZONE-SIZING-PERCENT",
        "a size goes before a percentage",
        FIND,
        {
            f"{OUR}.starts": (
                "if op.kernelcore_percent else op.kernelcore\n"
                "        movable = op.movablecore_percent * 100 * total // 10000 if op.movablecore_percent else",
                "if op.kernelcore_percent and not op.kernelcore else op.kernelcore\n"
                "        movable = op.movablecore_percent * 100 * total // 10000"
                " if op.movablecore_percent and not op.movablecore else",
            ),
            f"{LINUX}.part_of": ("if percent == 0:", "if percent == 0 or frames > 0:"),
        },
    ),
    bug(
        "BUG-SIZING-MOVABLECORE",
        "ZONE-SIZING-MOVABLECORE",
        "movablecore is not rounded up",
        FIND,
        {
            f"{OUR}.starts": ("-(-movable // self.block) * self.block", "movable"),
            f"{LINUX}.wanted_core": ("min(total, round_up(layout, movable))", "min(total, movable)"),
        },
    ),
    bug(
        "BUG-SIZING-BOTH",
        "ZONE-SIZING-BOTH",
        "of kernelcore and what movablecore leaves the smaller counts",
        FIND,
        {
            f"{OUR}.starts": ("core = max(core, total", "core = min(core or total, total"),
            f"{LINUX}.wanted_core": ("core = max(core, total", "core = min(core or total, total"),
        },
    ),
    bug(
        "BUG-SIZING-NO-CORE",
        "ZONE-SIZING-NO-CORE",
        "a kernel's part of all memory is shared",
        FIND,
        {
            f"{OUR}.starts": ("if 0 < core < total else", "if 0 < core and total else"),
            f"{LINUX}.wanted_core": ("0 if core >= total else core", "core if total > 0 else 0"),
        },
    ),
    bug(
        "BUG-SIZING-SHARE",
        "ZONE-SIZING-SHARE",
        "a node's share is not made less where less is left",
        FIND,
        {
            f"{OUR}.share": ("                if core < share:\n                    share = core // nodes\n", ""),
            f"{LINUX}.share_step": (
                "sharing.wanted // sharing.nodes if sharing.wanted < sharing.share else sharing.share",
                "sharing.share",
            ),
        },
    ),
    bug(
        "BUG-SIZING-LOW",
        "ZONE-SIZING-LOW",
        "memory below the highest kind is the kernel's, and counts for nothing",
        FIND,
        {
            f"{OUR}.take": ("core, share = max(0, core - below), max(0, share - below)", "core, share = core, share"),
            f"{LINUX}.take_step": (
                "sharing = attrs.evolve(sharing, wanted=less(sharing.wanted, below), left=less(sharing.left, below))",
                "sharing = attrs.evolve(sharing)",
            ),
        },
    ),
    bug(
        "BUG-SIZING-TAKE",
        "ZONE-SIZING-TAKE",
        "MOVABLE begins with the kernel's share",
        FIND,
        {
            f"{OUR}.take": ("starts[node] = start + below + taken", "starts[node] = start + below"),
            f"{LINUX}.take_step": ("sharing.starts.set(node, start + taken)", "sharing.starts.set(node, start)"),
        },
    ),
    bug(
        "BUG-SIZING-ONCE",
        "ZONE-SIZING-AGAIN",
        "what small nodes could not give is not taken of others",
        FIND,
        {
            f"{OUR}.share": ("if core <= nodes - 1:", "if core >= 0:"),
            f"{LINUX}.again_more": ("not once or (sharing.nodes > 0 and sharing.wanted > sharing.nodes)", "not once"),
        },
    ),
    bug(
        "BUG-SIZING-ROUND-DOWN",
        "ZONE-SIZING-ROUND-UP",
        "the start is rounded down",
        FIND,
        {
            f"{OUR}.size": ("up = -(-start // self.block) * self.block", "up = start // self.block * self.block"),
            f"{LINUX}.rounded": ("up = round_up(layout, start)", "up = start >> layout.max_order << layout.max_order"),
        },
    ),
    bug(
        "BUG-SIZING-NOT-LEFT",
        "ZONE-SIZING-NOT-LEFT",
        "a start in the last block of a node is none",
        FIND,
        {
            f"{OUR}.size": (
                "if up < self.extents[node].range[1] else 0",
                "if up + self.block < self.extents[node].range[1] else 0",
            ),
            f"{LINUX}.rounded": ("return up if up < node_range", "return up if up + (1 << layout.max_order) < node_range"),
        },
    ),
    bug(
        "BUG-SIZING-NEVER",
        "ZONE-SIZING-CHOICE",
        "MOVABLE has no memory, whatever was asked for",
        FIND,
        {f"{OUR}.size": ("enumerate(self.starts(op))", "enumerate([0] * self.nodes)")},
    ),
)
