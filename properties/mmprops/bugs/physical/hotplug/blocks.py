"""Wrong versions of the rules by which blocks come, go online, offline and away."""

from __future__ import annotations

from mmprops.bugs.physical.hotplug.places import CORE, HOTPLUG, ISOLATION, LAW, LINUX, OUR, OURS, bug, core

ADD = f"{HOTPLUG}:add_memory_resource"
REMOVE = f"{HOTPLUG}:try_remove_memory"
ONLINE = f"{HOTPLUG}:online_pages"
OFFLINE = f"{HOTPLUG}:offline_pages"
COUNT = f"{HOTPLUG}:adjust_present_page_count"
BLOCK = "drivers/base/memory.c:memory_subsys_online"

COMING = (
    core(
        "BUG-HOTPLUG-ADD-BEYOND",
        "HOTPLUG-ADD-RANGE",
        "memory beyond the direct map is added",
        f"{HOTPLUG}:register_memory_resource",
        {f"{OUR}.add": ("end > self.config.mappable_end", "end > self.config.physical_end")},
    ),
    core(
        "BUG-HOTPLUG-ADD-TWICE",
        "HOTPLUG-ADD-BUSY",
        "memory is added where memory is",
        f"{HOTPLUG}:register_memory_resource",
        {f"{OUR}.add": ("if self.is_ram(op.pfn, end) or self.", "if self.")},
    ),
    core(
        "BUG-HOTPLUG-ADD-PART",
        "HOTPLUG-ADD-ALIGN",
        "the size need not be whole blocks",
        f"{HOTPLUG}:check_hotplug_memory_range",
        {f"{OUR}.add": ("(op.pfn | op.pages) % self.size", "op.pfn % self.size")},
    ),
    core(
        "BUG-HOTPLUG-ADD-NODE",
        "HOTPLUG-ADD-NODE",
        "a node that is not possible gets memory",
        ADD,
        {
            f"{OUR}.add": (
                " or op.node >= self.config.nodes:\n            return EINVAL",
                ":\n            return EINVAL\n        if op.node >= self.config.nodes:\n            return DONE",
            )
        },
    ),
    core(
        "BUG-HOTPLUG-ADD-STRAY",
        "HOTPLUG-ADD-STRAY",
        "a memory map that stayed behind is not met",
        "mm/sparse-vmemmap.c:fill_subsection_map",
        {f"{OUR}.add": ("return EEXIST if exists else ENOMEM", "return DONE if exists else ENOMEM")},
    ),
    core(
        "BUG-HOTPLUG-ADD-STARVED",
        "HOTPLUG-ADD-STARVES",
        "a failed allocation is not reported",
        ADD,
        {f"{OUR}.add": ("return EEXIST if exists else ENOMEM", "return EEXIST if exists else DONE")},
    ),
    bug(
        "BUG-HOTPLUG-ADD-UNDONE",
        "HOTPLUG-ADD-LEFT",
        "sections mapped before a failure are taken out again",
        f"{HOTPLUG}:__add_pages",
        {
            f"{OUR}.add": ("self.leave(op.pfn, end if exists else mapped if", "self.leave(op.pfn, op.pfn if"),
            f"{CORE}.left_behind": ("block_of(memory.shape, pfn), end)", "block_of(memory.shape, pfn), pfn)"),
        },
    ),
    bug(
        "BUG-HOTPLUG-ADD-ALL-LEFT",
        "HOTPLUG-ADD-LEFT",
        "sections stay mapped where all were and no block can be had",
        "drivers/base/memory.c:create_memory_block_devices",
        {
            f"{OUR}.add": ("mapped if op.mapped < op.pages else op.pfn)", "mapped)"),
            f"{CORE}.left_end": ("return op.pfn if op.mapped >= op.pages else", "return"),
        },
    ),
    bug(
        "BUG-HOTPLUG-NODE-STAYS",
        "HOTPLUG-NODE-OFFLINE",
        "a node stays online when its last block goes",
        f"{HOTPLUG}:try_offline_node",
        {
            f"{OUR}.remove": ("self.online[node] = False", "self.online[node] = True"),
            f"{LINUX}.remove_choose": ("spans.online.set(node, False)", "spans.online.set(node, True)"),
        },
    ),
    core(
        "BUG-HOTPLUG-ADD-DEAF",
        "HOTPLUG-ADD",
        "three blocks at once are refused",
        ADD,
        {f"{OUR}.add": ("if (op.pfn | op.pages)", "if op.pages == 3 * self.size or (op.pfn | op.pages)")},
    ),
    bug(
        "BUG-HOTPLUG-ADD-ALIGN-FIRST",
        "HOTPLUG-ADD-ORDER",
        "alignment decides before what is there",
        f"{HOTPLUG}:register_memory_resource",
        {
            f"{OUR}.add": (
                "        if self.is_ram(op.pfn, end)",
                "        if (op.pfn | op.pages) % self.size or op.node >= self.config.nodes:\n            return EINVAL\n"
                "        if self.is_ram(op.pfn, end)",
            ),
            f"{LINUX}.add_choose": (
                "    if is_taken(memory, op):\n        return EEXIST, spans\n    if add_misfits(memory, op):\n"
                "        return EINVAL, spans\n",
                "    if add_misfits(memory, op):\n        return EINVAL, spans\n    if is_taken(memory, op):\n"
                "        return EEXIST, spans\n",
            ),
        },
    ),
    core(
        "BUG-HOTPLUG-REMOVE-NOTHING",
        "HOTPLUG-REMOVE-ARGS",
        "what is not there is removed",
        REMOVE,
        {f"{OUR}.remove": ("        if not all(self.blocks.state[first:last]):\n            return EINVAL\n", "")},
    ),
    core(
        "BUG-HOTPLUG-REMOVE-FIRST",
        "HOTPLUG-REMOVE-BUSY",
        "only the first block of a range is asked whether it is offline",
        REMOVE,
        {f"{OUR}.remove": ("if ONLINE in self.blocks.state[first:last]:", "if ONLINE == self.blocks.state[first]:")},
    ),
    core(
        "BUG-HOTPLUG-REMOVE-DEAF",
        "HOTPLUG-REMOVE",
        "memory of a node with CPUs is not removed",
        REMOVE,
        {
            f"{OUR}.remove": (
                "        if ONLINE in",
                "        if self.config.cpus >> self.blocks.node[first] & 1:\n            return EBUSY\n        if ONLINE in",
            )
        },
    ),
    core(
        "BUG-HOTPLUG-NODE-SLEEPS",
        "HOTPLUG-NODE-ONLINE",
        "a node stays offline when it gets its first block",
        ADD,
        {f"{OUR}.add": ("        self.online[op.node] = True\n", "")},
    ),
)

ONLINING = (
    core(
        "BUG-HOTPLUG-GHOST",
        "HOTPLUG-NO-BLOCK",
        "a block that is not there is answered as one that is online",
        BLOCK,
        {f"{OUR}.put_online": ("return EINVAL if state else ENOENT", "return EINVAL")},
    ),
    core(
        "BUG-HOTPLUG-ONLINE-TWICE",
        "HOTPLUG-ONLINE-TWICE",
        "putting online a block that is online succeeds",
        BLOCK,
        {
            f"{OUR}.put_online": (
                "return EINVAL if state else ENOENT",
                "return Onlined(self.blocks.zone[op.block]) if state else ENOENT",
            )
        },
    ),
    core(
        "BUG-HOTPLUG-ONLINE-POISON",
        "HOTPLUG-ONLINE-POISON",
        "a poisoned page is an error like any other",
        "drivers/base/memory.c:memory_block_online",
        {f"{OUR}.put_online": ("return EHWPOISON", "return EPERM")},
    ),
    core(
        "BUG-HOTPLUG-ONLINE-VETO",
        "HOTPLUG-ONLINE-VETO",
        "a notifier's refusal is not passed on",
        ONLINE,
        {f"{OUR}.put_online": ("return EPERM", "return EINVAL")},
    ),
    core(
        "BUG-HOTPLUG-WITHHELD-ALL",
        "HOTPLUG-ONLINE-ARGS",
        "more frames than the block has are withheld",
        OURS,
        {f"{OUR}.put_online": ("if op.withheld > self.size:", "if op.withheld > self.size + 1:")},
    ),
    core(
        "BUG-HOTPLUG-ONLINE-DEAF",
        "HOTPLUG-ONLINE",
        "a block of which nothing is managed is not put online",
        ONLINE,
        {f"{OUR}.put_online": ("if op.withheld > self.size:", "if op.withheld >= self.size:")},
    ),
    core(
        "BUG-HOTPLUG-KERNEL-MOVABLE",
        "HOTPLUG-ZONE-KERNEL",
        "online_kernel goes to MOVABLE where that is",
        f"{HOTPLUG}:zone_for_pfn_range",
        {f"{OUR}.zone_for": ("return kernel if to == KERNEL else movable", "return movable")},
    ),
    core(
        "BUG-HOTPLUG-MOVABLE-KERNEL",
        "HOTPLUG-ZONE-MOVABLE",
        "online_movable goes to a kernel zone",
        f"{HOTPLUG}:zone_for_pfn_range",
        {f"{OUR}.zone_for": ("return kernel if to == KERNEL else movable", "return kernel")},
    ),
    core(
        "BUG-HOTPLUG-NODE-ZERO",
        "HOTPLUG-ZONE-DEFAULT",
        "blocks go to zones of node 0",
        f"{HOTPLUG}:zone_for_pfn_range",
        {f"{OUR}.zone_for": ("node, first = self.blocks.node[block],", "node, first = 0,")},
    ),
    bug(
        "BUG-HOTPLUG-ONLINE-COUNTS",
        "HOTPLUG-ONLINE-COUNTS",
        "onlining adds the frames that are managed, and not all of a block",
        COUNT,
        {
            f"{OUR}.put_online": (
                "zone, self.size, self.size - op.withheld)",
                "zone, self.size - op.withheld, self.size - op.withheld)",
            ),
            f"{LAW}.onlining.online_apply": (
                "result.zone, size, size - op.withheld)",
                "result.zone, size - op.withheld, size - op.withheld)",
            ),
        },
    ),
    core(
        "BUG-HOTPLUG-PRESENT",
        "HOTPLUG-ZONE",
        "what is withheld is not present either",
        COUNT,
        {
            f"{OUR}.put_online": (
                "self.count(op.block, zone, self.size, self",
                "self.count(op.block, zone, self.size - op.withheld, self",
            )
        },
    ),
    core(
        "BUG-HOTPLUG-NODE-MANAGED",
        "HOTPLUG-NODE",
        "a node's present frames are its managed ones",
        COUNT,
        {f"{OUR}.look_node": ("sum(self.present[row", "sum(self.managed[row")},
    ),
    core(
        "BUG-HOTPLUG-OFFLINE-TWICE",
        "HOTPLUG-OFFLINE-TWICE",
        "taking offline a block that is offline succeeds",
        BLOCK,
        {f"{OUR}.take_offline": ("return EINVAL if state else ENOENT", "return DONE if state else ENOENT")},
    ),
    core(
        "BUG-HOTPLUG-OFFLINE-HOLES",
        "HOTPLUG-OFFLINE-HOLES",
        "a block with a hole goes offline",
        OFFLINE,
        {f"{OUR}.take_offline": ("        if blocks.hole[block]:\n            return EINVAL\n", "")},
    ),
    core(
        "BUG-HOTPLUG-OFFLINE-ISOLATED",
        "HOTPLUG-OFFLINE-ISOLATED",
        "a block with an isolated pageblock goes offline",
        f"{ISOLATION}:start_isolate_page_range",
        {f"{OUR}.take_offline": ("if blocks.isolations[block] or (", "if (")},
    ),
    core(
        "BUG-HOTPLUG-OFFLINE-RESERVED",
        "HOTPLUG-OFFLINE-RESERVED",
        "what boot reserved goes offline",
        f"{ISOLATION}:has_unmovable_pages",
        {f"{OUR}.take_offline": (" or (blocks.reserved[block] and blocks.withheld[block])", "")},
    ),
    core(
        "BUG-HOTPLUG-OFFLINE-UNMOVABLE",
        "HOTPLUG-OFFLINE-BUSY",
        "a page that cannot be moved stops nothing",
        OFFLINE,
        {f"{OUR}.take_offline": ("if op.stop in STOPS:", "if op.stop in STOPS and op.stop != UNMOVABLE:")},
    ),
    core(
        "BUG-HOTPLUG-OFFLINE-VETO",
        "HOTPLUG-OFFLINE-VETO",
        "a notifier is not heard",
        OFFLINE,
        {f"{OUR}.take_offline": ("if op.stop in STOPS:", "if op.stop in STOPS and op.stop != VETO:")},
    ),
    core(
        "BUG-HOTPLUG-OFFLINE-SIGNAL",
        "HOTPLUG-OFFLINE-SIGNAL",
        "a signal is answered EBUSY",
        OFFLINE,
        {f"{OUR}.take_offline": ("return STOPS[op.stop]", "return EBUSY if op.stop == SIGNAL else STOPS[op.stop]")},
    ),
    core(
        "BUG-HOTPLUG-OFFLINE-HUGETLB",
        "HOTPLUG-OFFLINE-HUGETLB",
        "a huge page that cannot be dissolved is answered EBUSY",
        OFFLINE,
        {f"{OUR}.take_offline": ("return STOPS[op.stop]", "return EBUSY if op.stop == HUGETLB else STOPS[op.stop]")},
    ),
    core(
        "BUG-HOTPLUG-OFFLINE-DEAF",
        "HOTPLUG-OFFLINE",
        "a block of which frames are withheld stays online",
        OFFLINE,
        {f"{OUR}.take_offline": ("(blocks.reserved[block] and blocks.withheld[block])", "blocks.withheld[block]")},
    ),
    core(
        "BUG-HOTPLUG-WITHHELD-RESERVED",
        "HOTPLUG-OFFLINE",
        "what the callback of onlining withholds of a block of boot counts as reserved by boot",
        f"{ISOLATION}:has_unmovable_pages",
        {f"{OUR}.take_offline": ("(blocks.reserved[block] and", "(blocks.early[block] and")},
    ),
    bug(
        "BUG-HOTPLUG-OFFLINE-STOP-FIRST",
        "HOTPLUG-OFFLINE-ORDER",
        "isolation decides before holes",
        OFFLINE,
        {
            f"{OUR}.take_offline": (
                "        if blocks.hole[block]:",
                "        if blocks.hole[block] and not blocks.isolations[block]:",
            ),
            f"{LINUX}.offline_choose": (
                "or memory.holes.get(op.block, 0) > 0:",
                "or memory.holes.get(op.block, 0) > 0 >= memory.isolations.get(op.block, 0):",
            ),
        },
    ),
    core(
        "BUG-HOTPLUG-RELEASE-ALL",
        "HOTPLUG-RELEASE-ARGS",
        "more is released than was withheld",
        OURS,
        {f"{OUR}.release": (" or op.frames > self.blocks.withheld[op.block]", "")},
    ),
    core(
        "BUG-HOTPLUG-RELEASE-DEAF",
        "HOTPLUG-RELEASE",
        "the last frames that are withheld are not released",
        OURS,
        {f"{OUR}.release": ("op.frames > self.blocks", "op.frames >= self.blocks")},
    ),
    core(
        "BUG-HOTPLUG-TOTAL",
        "HOTPLUG-TOTAL-REPORTED",
        "the total is of present frames",
        "mm/page_alloc.c:adjust_managed_page_count",
        {f"{OUR}.look_total": ("sum(self.managed)", "sum(self.present)")},
    ),
)

ISOLATING = (
    core(
        "BUG-HOTPLUG-ISOLATE-HOLE",
        "HOTPLUG-ISOLATE-ARGS",
        "a pageblock of a hole is isolated",
        f"{ISOLATION}:start_isolate_page_range",
        {f"{OUR}.isolate": (" or first >= self.ram_end(block)", "")},
    ),
    core(
        "BUG-HOTPLUG-ISOLATE-TWICE",
        "HOTPLUG-ISOLATE-TWICE",
        "a pageblock is isolated twice",
        f"{ISOLATION}:set_migratetype_isolate",
        {f"{OUR}.isolate": ("op.pageblock in self.isolated or op.unmovable", "op.unmovable")},
    ),
    core(
        "BUG-HOTPLUG-ISOLATE-UNMOVABLE",
        "HOTPLUG-ISOLATE-BUSY",
        "a page that cannot be moved is isolated",
        f"{ISOLATION}:has_unmovable_pages",
        {f"{OUR}.isolate": (" or op.unmovable", "")},
    ),
    core(
        "BUG-HOTPLUG-ISOLATE-CUT",
        "HOTPLUG-ISOLATE-CUT",
        "a pageblock in which its zone ends is answered EINVAL",
        "mm/page_alloc.c:prep_move_freepages_block",
        {
            f"{OUR}.isolate": (
                "            return EBUSY\n        self.isolated.add",
                "            return EINVAL\n        self.isolated.add",
            )
        },
    ),
    bug(
        "BUG-HOTPLUG-ISOLATE-SPAN",
        "HOTPLUG-ISOLATE-SPAN",
        "a pageblock is isolated in which its zone ends",
        "mm/page_alloc.c:prep_move_freepages_block",
        {
            f"{OUR}.isolate": ("if self.end[self.blocks.zone[block]] <", "if self.end[self.blocks.zone[block]] < 0 and"),
            f"{LINUX}.isolate_choose": ("(EBUSY if zone_end(spans, zone) <", "(EBUSY if 0 * zone_end(spans, zone) >"),
        },
    ),
    core(
        "BUG-HOTPLUG-ISOLATE-DEAF",
        "HOTPLUG-ISOLATE",
        "a block's second pageblock is not isolated",
        f"{ISOLATION}:set_migratetype_isolate",
        {f"{OUR}.isolate": (" or op.unmovable", " or op.unmovable or self.blocks.isolations[block]")},
    ),
    core(
        "BUG-HOTPLUG-UNISOLATE-ANY",
        "HOTPLUG-UNISOLATE-ARGS",
        "isolation ends where none is",
        OURS,
        {f"{OUR}.unisolate": ("            return EINVAL", "            return DONE")},
    ),
    core(
        "BUG-HOTPLUG-UNISOLATE-DEAF",
        "HOTPLUG-UNISOLATE",
        "only pageblocks with an even number end being isolated",
        f"{ISOLATION}:unset_migratetype_isolate",
        {
            f"{OUR}.unisolate": (
                "if op.pageblock not in self.isolated:",
                "if op.pageblock % 2 or op.pageblock not in self.isolated:",
            )
        },
    ),
)

BUGS = (*COMING, *ONLINING, *ISOLATING)
