"""Wrong laws that are told by their own invariants."""

from __future__ import annotations

from mmprops.bugs.physical.hotplug.places import CORE, HOTPLUG, LINUX, ONLINING, REMAP, SPANS, bug

COUNT = f"{HOTPLUG}:adjust_present_page_count"

BUGS = (
    bug(
        "BUG-LAW-HOTPLUG-DEVICE-ONLINE",
        "HOTPLUG-4",
        "a block is added where a device is",
        f"{REMAP}:pagemap_range",
        {f"{CORE}.is_taken": (" or is_devices(memory, op.pfn, op.pfn + op.pages)", "")},
        client="spec",
    ),
    bug(
        "BUG-LAW-HOTPLUG-STRANGE-NODE",
        "HOTPLUG-6",
        "a block goes to a zone of node 0",
        f"{HOTPLUG}:zone_for_pfn_range",
        {
            f"{LINUX}.zone_for": ("node = memory.nodes.get(block, 0)", "node = 0"),
            f"{ONLINING}.zone_clause": ("node_of(zone) == memory.nodes.get(block, 0)", "node_of(zone) == 0"),
        },
        client="spec",
    ),
    bug(
        "BUG-LAW-HOTPLUG-MORE-MANAGED",
        "HOTPLUG-7",
        "what is released is managed twice",
        COUNT,
        {
            f"{ONLINING}.release_apply": (
                "memory.managed.get(zone, 0) + op.frames)",
                "memory.managed.get(zone, 0) + 2 * op.frames)",
            )
        },
        client="spec",
    ),
    bug(
        "BUG-LAW-HOTPLUG-WITHHELD-LOST",
        "HOTPLUG-8",
        "taking offline forgets what was withheld",
        COUNT,
        {f"{ONLINING}.offline_apply": ("-size, withheld - size)", "-size, -size + withheld // 2)")},
        client="spec",
    ),
    bug(
        "BUG-LAW-HOTPLUG-NODE-SUM",
        "HOTPLUG-11",
        "a node counts the frames of its kernel zones alone",
        COUNT,
        {
            f"{ONLINING}.counted": (
                "memory.node_present.get(node, 0) + present)",
                "memory.node_present.get(node, 0) + (present if is_kernel_kind(kind_of(zone)) else 0))",
            )
        },
        client="spec",
    ),
    bug(
        "BUG-LAW-HOTPLUG-TOTAL-SUM",
        "HOTPLUG-TOTAL",
        "what is released does not join totalram",
        "mm/page_alloc.c:adjust_managed_page_count",
        {f"{ONLINING}.release_apply": ("total=memory.total + op.frames", "total=memory.total")},
        client="spec",
    ),
    bug(
        "BUG-LAW-HOTPLUG-SPAN-LOST",
        "HOTPLUG-SPANS",
        "a zone whose first block goes spans nothing",
        f"{HOTPLUG}:shrink_zone_span",
        {f"{SPANS}.shrunk_zone": ("if found >= limit else", "if found >= 0 else")},
        client="spec",
    ),
    bug(
        "BUG-LAW-HOTPLUG-NODE-HULL",
        "HOTPLUG-NODE-HULL",
        "a device's range does not widen its node",
        f"{HOTPLUG}:resize_pgdat_range",
        {f"{SPANS}.grown": ("max(end, node_last) - node_low)", "max(end, node_last) - max(node_low, node_start))")},
        client="spec",
    ),
    bug(
        "BUG-LAW-HOTPLUG-MANAGED-ALL",
        "HOTPLUG-ONLINE-MANAGED",
        "what is withheld is managed",
        f"{HOTPLUG}:online_pages_range",
        {
            f"{ONLINING}.counted": (
                "memory.managed.get(zone, 0) + managed),\n        total=memory.total + managed",
                "memory.managed.get(zone, 0) + max(managed, present)),\n        total=memory.total + max(managed, present)",
            ),
            "mmimpl.physical.hotplug.Memory.put_online": ("self.size, self.size - op.withheld)", "self.size, self.size)"),
        },
    ),
    bug(
        "BUG-LAW-HOTPLUG-OFFLINE-COUNTS",
        "HOTPLUG-OFFLINE-COUNTS",
        "taking offline leaves the frames present",
        f"{HOTPLUG}:offline_pages",
        {
            f"{ONLINING}.offline_apply": ("zone, -size, withheld - size)", "zone, 0, withheld - size)"),
            "mmimpl.physical.hotplug.Memory.take_offline": ("zone, -self.size, blocks", "zone, 0, blocks"),
        },
    ),
)
