"""Devices' memory and the isolation of pageblocks in Linux 6.12, beside the blocks of ``hotplug_612``.

A judge, not a specification: written from mm/memremap.c, mm/page_isolation.c, mm/page_alloc.c, mm/mm_init.c and
mm/memory_hotplug.c of v6.12 (Debian linux-source-6.12, 6.12.117). Each function names the kernel function it follows.

Beside the blocks it keeps the sections' maps of sub-sections, the array that finds a frame's device, and which pageblocks are
isolated. A device's driver has claimed its range, so that no memory is added there.
"""

from __future__ import annotations

from typing import Any

import attrs

from .hotplug_612 import DEVICE, Block, Machine

PRIVATE, COHERENT, FS_DAX, GENERIC, PCI_P2PDMA = range(1, 6)
MIGRATE_TO_RAM, PAGE_FREE, OWNER = 1, 2, 4
SUBSECTION = 512
NONE, OFFLINE, ONLINE, IN_DEVICE = range(4)


@attrs.frozen
class Pagemap:
    """struct dev_pagemap of one range."""

    start: int
    end: int
    node: int
    kind: int


class Devices(Machine):
    """A machine with devices: ``section`` frames in a section, ``pageblock`` in a pageblock."""

    def __init__(self, *args: Any, section: int, pageblock: int, mappable_end: int, physical_end: int, **rest: Any) -> None:
        super().__init__(*args, mappable_end=mappable_end, physical_end=physical_end, **rest)
        self.section, self.pageblock = section, pageblock
        self.mappable_end, self.physical_end = mappable_end, physical_end
        self.maps = {part for number, block in self.blocks.items() for part in self.parts(*self.ram(number, block))}
        self.found: dict[int, Pagemap] = {}  # pgmap_array, a sub-section an entry: what stays in it is of whole sub-sections
        self.devices: dict[int, Pagemap] = {}
        self.isolated: set[int] = set()

    def ram(self, number: int, block: Block) -> tuple[int, int]:
        """A block's resource, System RAM."""
        return number * self.pages, (number + 1) * self.pages - block.hole

    def parts(self, start: int, end: int) -> range:
        """The sub-sections that a range touches (mm/sparse-vmemmap.c:subsection_mask_set)."""
        return range(start // SUBSECTION, (end - 1) // SUBSECTION + 1)

    # ---- sections

    def sparse_add(self, pfn: int, pages: int, most: int | None = None) -> str | None:
        """mm/memory_hotplug.c:__add_pages, mm/sparse-vmemmap.c:section_activate; from frame ``most`` on no memory is had.

        What was mapped before an error stays mapped: neither caller undoes it.
        """
        if (pfn | pages) % SUBSECTION:
            return "EINVAL"
        at, end = pfn, pfn + pages
        while at < end:
            ends = min(end, (at // self.section + 1) * self.section)
            wanted = set(self.parts(at, ends))
            if wanted & self.maps:
                return "EEXIST"
            if most is not None and ends > most:
                return "ENOMEM"
            self.maps |= wanted
            at = ends
        return None

    def add(self, pfn: int, pages: int, node: int, most: int | None = None) -> str | None:
        """mm/memory_hotplug.c:__add_memory; where all is mapped, and a block's device cannot be had, all is unmapped again."""
        if pages and pfn + pages <= self.end and any(d.start < pfn + pages and pfn < d.end for d in self.devices.values()):
            return "EEXIST"  # __request_region
        before = set(self.maps)
        error = self.taken(pfn, pages, node) or self.sparse_add(pfn, pages, most)
        if error:
            return error
        if most is not None:
            self.maps = before  # create_memory_block_devices, arch_remove_memory
            return "ENOMEM"
        return super().add(pfn, pages, node)

    def taken(self, pfn: int, pages: int, node: int) -> str | None:
        """What add_memory asks before it touches a section."""
        kept, online = dict(self.blocks), [each.online for each in self.nodes]
        error = super().add(pfn, pages, node)
        self.blocks = kept
        for each, was in zip(self.nodes, online, strict=True):
            each.online = was
        return error

    def remove(self, pfn: int, pages: int) -> str | None:
        """mm/memory_hotplug.c:try_remove_memory, __remove_pages."""
        error = super().remove(pfn, pages)
        if error is None:
            self.maps -= set(self.parts(pfn, pfn + pages))
        return error

    # ---- devices

    def map_device(self, pfn: int, pages: int, node: int, kind: int, brings: int) -> str | None:
        """mm/memremap.c:memremap_pages, pagemap_range."""
        needs = {PRIVATE: MIGRATE_TO_RAM | PAGE_FREE | OWNER, COHERENT: PAGE_FREE | OWNER}.get(kind, 0)
        if brings & needs != needs:
            return "EINVAL"
        end = pfn + pages
        if pfn // SUBSECTION in self.found or (end - 1) // SUBSECTION in self.found:
            return "ENOMEM"
        if any(first < end and pfn < last for first, last in (self.ram(*item) for item in self.blocks.items())):
            return "ENXIO"
        device = Pagemap(pfn, end, node, kind)
        for part in self.parts(pfn, end):
            self.found[part] = device
        most = self.physical_end if kind == PRIVATE else min(self.mappable_end, self.physical_end)
        error = "EINVAL" if end > most else self.sparse_add(pfn, pages)
        if error:
            self.pgmap_array_delete(pfn, end)
            return error
        self.resize(self.zones[node, DEVICE], pfn, pages)
        self.devices[pfn] = device
        return None

    def pgmap_array_delete(self, pfn: int, end: int) -> None:
        """mm/memremap.c:pgmap_array_delete."""
        for part in self.parts(pfn, end):
            self.found.pop(part, None)

    def unmap_device(self, pfn: int) -> None:
        """mm/memremap.c:pageunmap_range; remove_pfn_range_from_zone does not shrink zone DEVICE, nor then the node."""
        device = self.devices.pop(pfn)
        self.maps -= set(self.parts(device.start, device.end))
        self.pgmap_array_delete(device.start, device.end)

    def frame(self, pfn: int) -> tuple[int, tuple[int, int] | None, int] | None:
        """What a frame's page says, its zone and a device's first count of references; None where nothing is defined.

        mm/mm_init.c:__init_zone_device_page, mm/memory_hotplug.c:pfn_to_online_page.
        """
        for device in self.devices.values():
            if device.start <= pfn < device.end:
                return IN_DEVICE, (device.node, DEVICE), int(device.kind not in (PRIVATE, COHERENT))
        block = self.blocks.get(pfn // self.pages)
        if block is None:
            return (NONE, None, 0) if pfn // SUBSECTION not in self.maps else None
        if pfn % self.pages >= self.pages - block.hole:
            return None
        zone = self.page_zone(pfn)
        return (OFFLINE, None, 0) if zone is None else (ONLINE, (zone.node, zone.kind), 0)

    # ---- isolation

    def isolate(self, pageblock: int, unmovable: bool) -> str | None:
        """mm/page_isolation.c:set_migratetype_isolate, mm/page_alloc.c:move_freepages_block_isolate."""
        start, end = pageblock * self.pageblock, (pageblock + 1) * self.pageblock
        zone = self.page_zone(start)
        assert zone is not None
        if pageblock in self.isolated or unmovable:
            return "EBUSY"
        if not (zone.start <= start and end <= zone.end):
            return "EBUSY"
        self.isolated.add(pageblock)
        return None

    def unisolate(self, pageblock: int) -> None:
        """mm/page_isolation.c:unset_migratetype_isolate."""
        self.isolated.remove(pageblock)

    def offline(self, number: int, stop: int) -> str | None:
        """mm/memory_hotplug.c:offline_pages; start_isolate_page_range leaves what others isolated as it is."""
        block, per = self.blocks[number], self.pages // self.pageblock
        if block.zone and not block.hole and any(at // per == number for at in self.isolated):
            return "EBUSY"
        return super().offline(number, stop)
