"""Wrong versions of the rules of device memory."""

from __future__ import annotations

from mmprops.bugs.physical.hotplug.places import HOTPLUG, LINUX, OUR, OURS, REMAP, bug, core

MAP = f"{REMAP}:memremap_pages"
RANGE = f"{REMAP}:pagemap_range"

BUGS = (
    core(
        "BUG-HOTPLUG-DEVICE-PART",
        "HOTPLUG-DEVICE-ARGS",
        "a range need not be whole sub-sections",
        RANGE,
        {f"{OUR}.map_device": (" or (first | op.pages) % SUBSECTION", "")},
    ),
    core(
        "BUG-HOTPLUG-DEVICE-OWNERLESS",
        "HOTPLUG-DEVICE-PRIVATE",
        "PRIVATE memory needs no migrate_to_ram",
        MAP,
        {f"{OUR}.map_device": ("NEEDS.get(op.kind, 0)", "NEEDS.get(op.kind, 0) & ~MIGRATE_TO_RAM")},
    ),
    core(
        "BUG-HOTPLUG-DEVICE-COHERENT",
        "HOTPLUG-DEVICE-COHERENT",
        "COHERENT memory needs nothing",
        MAP,
        {f"{OUR}.map_device": ("NEEDS.get(op.kind, 0)", "NEEDS.get(op.kind if op.kind == PRIVATE else 0, 0)")},
    ),
    core(
        "BUG-HOTPLUG-DEVICE-END",
        "HOTPLUG-DEVICE-END",
        "every kind may lie beyond the direct map",
        RANGE,
        {f"{OUR}.map_device": (" if op.kind == PRIVATE else self.config.mappable_end", "")},
    ),
    core(
        "BUG-HOTPLUG-DEVICE-TAKEN",
        "HOTPLUG-DEVICE-TAKEN",
        "only a range's first frame is asked for another device",
        RANGE,
        {
            f"{OUR}.map_device": (
                "if wrong or self.is_devices(first, end) or self.is_stray(first, end):",
                "if wrong or self.is_stray(first, end):",
            )
        },
    ),
    core(
        "BUG-HOTPLUG-DEVICE-RAM",
        "HOTPLUG-DEVICE-RAM",
        "memory that is online is given to a device",
        RANGE,
        {f"{OUR}.map_device": ("        if self.is_ram(first, end):\n            return ENXIO\n", "")},
    ),
    core(
        "BUG-HOTPLUG-DEVICE-STRAY",
        "HOTPLUG-DEVICE-STRAY",
        "a memory map that stayed behind is not met",
        RANGE,
        {f"{OUR}.map_device": (" or self.is_stray(first, end):", ":")},
    ),
    core(
        "BUG-HOTPLUG-DEVICE-DEAF",
        "HOTPLUG-DEVICE",
        "PRIVATE memory ends with the direct map",
        RANGE,
        {
            f"{OUR}.map_device": (
                "self.config.physical_end if op.kind == PRIVATE else self.config.mappable_end",
                "self.config.mappable_end",
            )
        },
    ),
    bug(
        "BUG-HOTPLUG-DEVICE-PRESENT",
        "HOTPLUG-DEVICE-UNCOUNTED",
        "a device's frames are present ones of its zone",
        f"{HOTPLUG}:move_pfn_range_to_zone",
        {
            "mmspec.physical.hotplug.devices.map_device_apply": (
                "        device_ends=memory.device_ends.set(first, end),\n",
                "        device_ends=memory.device_ends.set(first, end),\n"
                "        node_present=memory.node_present.set(op.node, memory.node_present.get(op.node, 0) + op.pages),\n",
            ),
            f"{OUR}.map_device": (
                "        self.embrace(op.node)\n",
                "        self.embrace(op.node)\n        self.present[op.node * WIDTH + 7] += op.pages\n",
            ),
        },
    ),
    core(
        "BUG-HOTPLUG-DEVICE-REFS",
        "HOTPLUG-DEVICE-REFS",
        "COHERENT pages begin with a reference",
        "mm/mm_init.c:__init_zone_device_page",
        {f"{OUR}.look_frame": ("device.kind > COHERENT", "device.kind > PRIVATE")},
    ),
    bug(
        "BUG-HOTPLUG-DEVICE-FIRST",
        "HOTPLUG-DEVICE-FIRST",
        "a range's last frame is not asked for another device",
        RANGE,
        {
            f"{OUR}.map_device": ("for at in (first, end - 1)", "for at in (first,)"),
            f"{LINUX}.map_device_choose": (
                " or spans.owned.get(subsection_of(end - 1), False):\n        return ENOMEM",
                ":\n        return ENOMEM",
            ),
        },
    ),
    bug(
        "BUG-HOTPLUG-DEVICE-REMEMBERED",
        "HOTPLUG-DEVICE-FORGOTTEN",
        "a range that is refused leaves the array as it was",
        RANGE,
        {
            f"{OUR}.map_device": ("device.found = False", "device.found = device.found and not wrong"),
            f"{LINUX}.map_device_choose": (
                "return EEXIST, with_owned(spans, False, subsection_of(first), ends)",
                "return EEXIST, spans",
            ),
        },
    ),
    bug(
        "BUG-HOTPLUG-DEVICE-NO-SPAN",
        "HOTPLUG-DEVICE-SPAN",
        "zone DEVICE spans nothing",
        f"{HOTPLUG}:move_pfn_range_to_zone",
        {
            f"{OUR}.map_device": ("        self.stretch(device.zone, first, end)\n", ""),
            f"{LINUX}.map_device_choose": ("grown(spans, zone_at(op.node, DEVICE), first, end)", "spans"),
        },
    ),
    bug(
        "BUG-HOTPLUG-DEVICE-SPAN-GOES",
        "HOTPLUG-DEVICE-SPAN-STAYS",
        "zone DEVICE spans nothing any more when a device is gone",
        f"{HOTPLUG}:remove_pfn_range_from_zone",
        {
            f"{OUR}.unmap_device": (
                "        self.firsts.remove(op.pfn)\n",
                "        self.firsts.remove(op.pfn)\n        row = self.devices[op.pfn].zone\n"
                "        self.start[row] = self.end[row] = 0\n",
            ),
            f"{LINUX}.unmap_device_choose": (
                "    return DONE, with_owned(spans,",
                "    row = memory.devices.get(subsection_of(op.pfn), 0) >> 3 << 3 | DEVICE\n"
                "    spans = attrs.evolve(spans, start=spans.start.set(row, 0), spanned=spans.spanned.set(row, 0))\n"
                "    return DONE, with_owned(spans,",
            ),
        },
    ),
    core(
        "BUG-HOTPLUG-UNMAP-ANY",
        "HOTPLUG-UNMAP-ARGS",
        "taking away what no device has succeeds",
        OURS,
        {f"{OUR}.unmap_device": ("            return EINVAL", "            return DONE")},
    ),
    core(
        "BUG-HOTPLUG-UNMAP-DEAF",
        "HOTPLUG-UNMAP",
        "PRIVATE memory is never given back",
        f"{REMAP}:pageunmap_range",
        {
            f"{OUR}.unmap_device": (
                "if op.pfn not in self.devices:",
                "if op.pfn not in self.devices or self.devices[op.pfn].kind == PRIVATE:",
            )
        },
    ),
)
