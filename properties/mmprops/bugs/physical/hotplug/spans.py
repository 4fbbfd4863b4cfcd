"""Wrong versions of the rules by which Linux picks zones, and of how far these reach; and of what is seen of them."""

from __future__ import annotations

from mmprops.bugs.physical.hotplug.places import HOTPLUG, LINUX, OUR, OURS, SPANS, bug, core

SHRINK = f"{HOTPLUG}:shrink_zone_span"

BUGS = (
    bug(
        "BUG-HOTPLUG-ZONE-HIGHEST",
        "HOTPLUG-ZONE-LOWEST",
        "a kernel zone is NORMAL whatever spans the block",
        f"{HOTPLUG}:default_kernel_zone_for_pfn",
        {
            f"{OUR}.kernel_zone": ("for zone in range(row, row + NORMAL) if", "for zone in range(row, row) if"),
            f"{LINUX}.kernel_zone": ("for k in range(NORMAL):", "for k in range(0):"),
        },
    ),
    bug(
        "BUG-HOTPLUG-ZONE-NO-HEIR",
        "HOTPLUG-ZONE-INHERIT",
        "by default a block in MOVABLE's span goes to a kernel zone",
        f"{HOTPLUG}:default_zone_for_pfn",
        {
            f"{OUR}.zone_for": ("return kernel if self.touches(kernel, first) else movable", "return kernel"),
            f"{LINUX}.contiguous_zone": ("return kernel if in_kernel else movable", "return kernel"),
        },
    ),
    bug(
        "BUG-HOTPLUG-ZONE-MOVABLE-NODE",
        "HOTPLUG-ZONE-ELSE",
        "movable_node decides nothing",
        f"{HOTPLUG}:default_zone_for_pfn",
        {
            f"{OUR}.zone_for": ("return movable if self.config.movable_node else kernel", "return kernel"),
            f"{LINUX}.contiguous_zone": ("return movable if spans.rules.movable_node != 0 else kernel", "return kernel"),
        },
    ),
    bug(
        "BUG-HOTPLUG-AUTO-ALL",
        "HOTPLUG-ZONE-AUTO",
        "the block itself does not count against the ratio",
        f"{HOTPLUG}:auto_movable_can_online_movable",
        {
            f"{OUR}.bears": ("movable + more <=", "movable <="),
            f"{LINUX}.auto_zone": ("size = end - first", "size = 0 * (end - first)"),
        },
    ),
    bug(
        "BUG-HOTPLUG-AUTO-NODE",
        "HOTPLUG-ZONE-AUTO-NODE",
        "only the whole machine is held to the ratio",
        f"{HOTPLUG}:auto_movable_zone_for_pfn",
        {
            f"{OUR}.zone_for": ("near = not self.config.auto_movable_numa_aware or", "near = True or"),
            f"{LINUX}.auto_zone": ("if spans.rules.auto_movable_numa_aware != 0:", "if spans.rules.auto_movable_numa_aware > 1:"),
        },
    ),
    bug(
        "BUG-HOTPLUG-EARLY",
        "HOTPLUG-EARLY",
        "a block of boot that comes online again is not early",
        f"{HOTPLUG}:adjust_present_page_count",
        {
            f"{OUR}.put_online": (
                "        self.count(op.block",
                "        blocks.early[op.block] = 0\n        self.count(op.block",
            ),
            "mmspec.physical.hotplug.onlining.counted": (
                "    if memory.early.get(block, False):\n",
                "    again = memory.early.get(block, False) and present < 0\n"
                "    memory = attrs.evolve(memory, early=memory.early.set(block, again))\n"
                "    if memory.early.get(block, False):\n",
            ),
        },
    ),
    bug(
        "BUG-HOTPLUG-SPAN-STARTS",
        "HOTPLUG-SPAN-GROWS",
        "a zone does not grow below its start",
        f"{HOTPLUG}:resize_zone_range",
        {
            f"{OUR}.stretch": ("= min(first, self.start[zone]), max(end", "= self.start[zone], max(end"),
            f"{SPANS}.grown": ("else min(start, first)", "else start"),
        },
    ),
    bug(
        "BUG-HOTPLUG-VETO-SPANS",
        "HOTPLUG-VETO-SHRINKS",
        "a notifier's refusal leaves the zone wide",
        f"{HOTPLUG}:online_pages",
        {
            f"{OUR}.put_online": ("            self.retreat(zone, op.block)\n", "            self.embrace(zone // WIDTH)\n"),
            f"{LINUX}.online_choose": (
                "taken_back(memory, spans, zone, op.block)",
                "grown(spans, zone, *frames_of(memory, op.block))",
            ),
        },
    ),
    bug(
        "BUG-HOTPLUG-SHRINK-FIRST",
        "HOTPLUG-SHRINK-FIRST",
        "a zone begins behind the block that went, online or not",
        SHRINK,
        {
            f"{OUR}.retreat": (
                "min((end - 1 >> self.order) + 1, len(zones))) if zones[b] == zone)",
                "(end - 1 >> self.order) + 1))",
            ),
            f"{SPANS}.up_more": ("return at < end and not is_in_zone(memory, zone, at)", "return at > end"),
        },
    ),
    bug(
        "BUG-HOTPLUG-SHRINK-LAST",
        "HOTPLUG-SHRINK-LAST",
        "a zone ends before the block that went, online or not",
        SHRINK,
        {
            f"{OUR}.retreat": ("- 1, -1) if zones[b] == zone)", "- 1, -1) if zones[b] == zone or b == block - 1)"),
            f"{SPANS}.down_more": ("return at > first and not is_in_zone(memory, zone, at - 1)", "return at < first"),
        },
    ),
    bug(
        "BUG-HOTPLUG-SHRINK-ALWAYS",
        "HOTPLUG-SHRINK-NOT",
        "a zone that loses a block in its midst ends before it",
        SHRINK,
        {
            f"{OUR}.retreat": ("elif end == first + self.size:", "elif first:"),
            f"{SPANS}.shrunk_zone": ("if last == end:", "if last >= first:"),
        },
    ),
    core(
        "BUG-HOTPLUG-ZONE-SHORT",
        "HOTPLUG-ZONE-SPANNED",
        "the span that is reported lacks the last block",
        OURS,
        {f"{OUR}.look_zone": ("self.end[zone] - self.start[zone],", "max(self.end[zone] - self.start[zone] - self.size, 0),")},
    ),
    core(
        "BUG-HOTPLUG-NORMAL-MOVABLE",
        "HOTPLUG-NODE-STATES",
        "MOVABLE alone makes N_NORMAL_MEMORY",
        f"{HOTPLUG}:node_states_check_changes_online",
        {f"{OUR}.look_node": ("any(self.present[row : row + NORMAL + 1])", "any(self.present[row : row + MOVABLE + 1])")},
    ),
    core(
        "BUG-HOTPLUG-BLOCK-ZONE",
        "HOTPLUG-BLOCK",
        "a block's node is reported as 0",
        OURS,
        {f"{OUR}.look_block": ("self.blocks.node[op.block]", "0")},
    ),
    core(
        "BUG-HOTPLUG-FRAME-HOLE",
        "HOTPLUG-FRAME",
        "frames of a hole are online",
        f"{HOTPLUG}:pfn_to_online_page",
        {f"{OUR}.look_frame": (" or op.pfn >= self.ram_end(block)", "")},
    ),
    core(
        "BUG-HOTPLUG-LOOK-ANY",
        "HOTPLUG-LOOK-ARGS",
        "a zone of no kind has sizes",
        OURS,
        {f"{OUR}.look_zone": (" or zone % WIDTH >= KINDS", "")},
    ),
    bug(
        "BUG-HOTPLUG-NODE-SPAN",
        "HOTPLUG-CHOICE",
        "a node's span does not shrink with its zones",
        f"{HOTPLUG}:update_pgdat_span",
        {f"{OUR}.retreat": ("self.embrace(zone // WIDTH)", "self.embrace(0)")},
    ),
)
