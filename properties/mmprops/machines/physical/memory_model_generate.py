"""Operations of the machine ``memory_model``, made from bytes while looking at the law's memory map.

Parts come and go in a few sections, whole and in sub-sections; between two changes somebody looks, mostly where one was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmspec.physical.memory_model.layout import (
    is_flat,
    is_vmemmap,
    pages_per_section,
    section_map_size,
    section_of,
    subsections_of,
)
from mmspec.physical.memory_model.lookup import is_valid, page_of
from mmspec.physical.memory_model.ops import (
    HAS_MEM_MAP,
    NOTHING,
    Add,
    Config,
    MapDevice,
    Offline,
    Online,
    OnlinePage,
    Pageblock,
    PageLinks,
    PageParts,
    PageToPfn,
    PfnToPage,
    PfnValid,
    Remove,
    ShowSection,
    UnmapDevice,
)  # fmt: skip
from mmspec.physical.memory_model.state import MemMap, section_flags
from mmspec.words import PFN_BITS, Pfn

Made = tuple[str, Any, Mapping[str, int]]
"""An operation's name, its request, and the steps that its fields refer to: none."""

MAPS = 64
"""So many memory maps of their own have a place after those of boot."""


class Generator:
    """Makes operations on one memory map from records of eight bytes."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config, self.layout, self.capabilities = config, config.layout, capabilities
        self.last = 0  # the frame that was last changed, or looked at
        self.frames = 1 << (self.layout.max_physmem_bits - self.layout.page_shift)
        self.actions = self.table(header)
        self.sections = self.places()

    def places(self) -> list[int]:
        """Return the sections to work on: those of memory, those around them, one of another root, the last."""
        layout = self.layout
        top = section_of(layout, self.frames - 1)
        first = section_of(layout, self.config.memory[0][0]) if self.config.memory else 0
        wanted = [first, first + 1, first + 2, first + 3, first + 4, first + 300, first ^ 1, top]
        return [min(section, top) for section in wanted]

    def table(self, header: bytes) -> list[Any]:
        """Return what to do, each as often as it is wanted."""
        looks = [self.page, self.frame, self.valid, self.valid, self.online_page, self.online_page]
        if self.capabilities["sections"]:
            looks += [self.section, self.section, self.section, self.pageblock]
        if self.capabilities["page_flags"]:
            looks += [self.links, self.parts]
        changes: list[Any] = []
        if self.capabilities["hotplug"] and (self.layout.hotplug or header[12] % 4 == 0):
            changes += [self.add] * (3 + header[10] % 3) + [self.remove] * (2 + header[11] % 3) + [self.online, self.offline]
            if self.capabilities["devices"]:
                changes += [self.map_device] * (1 + header[13] % 2) + [self.unmap_device]
        return looks + changes * 2

    def request(self, record: bytes, memmap: MemMap) -> Made | None:
        """Return the operation that a record stands for in this state."""
        if not any(record):
            return None
        made: Made = self.actions[(record[0] | record[7] << 8) % len(self.actions)](record, memmap)
        return made

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Remember where something was done."""
        self.last = getattr(request, "pfn", self.last)

    # --- where -------------------------------------------------------------------------------------------------------

    def part(self, r: bytes) -> tuple[Pfn, int]:
        """Return a part of a section: mostly a lawful one, now and then none at all."""
        layout, size = self.layout, pages_per_section(self.layout)
        start = self.sections[r[1] % len(self.sections)] * size
        count = subsections_of(layout)
        grain = size // count
        first = (0, 1, 2, count // 2, count - 1, r[2] % count)[r[2] % 6]
        number = (1, 1, 2, count, count // 2, 1 + r[3] % count)[r[3] % 6]
        if r[4] % 3 == 0 or not is_vmemmap(layout):
            first, number = 0, count
        pfn, pages = start + first * grain, max(1, min(number, count - first)) * grain
        if self.capabilities["checked"] and r[4] % 16 == 1:
            wrong = ((pfn, 0), (pfn + 1, pages), (pfn, pages + 1), (pfn, size + grain), (self.frames, grain), (pfn + grain, size))
            pfn, pages = wrong[r[5] % len(wrong)]
        return min(pfn, (1 << PFN_BITS) - 1), pages

    def place(self, r: bytes) -> int:
        """Return a frame: near the last, at an edge of a section or a sub-section, beyond the last frame, with high bits set."""
        size = pages_per_section(self.layout)
        start = self.sections[r[1] % len(self.sections)] * size
        grain = size // subsections_of(self.layout)
        if is_flat(self.layout):
            start, size = self.layout.first_pfn, max(self.layout.max_mapnr, 1)
        near = (self.last, self.last + grain, max(self.last - 1, 0), start, start + size - 1, start + size, max(start - 1, 0))
        edges = (*near, start + r[2] * grain % size, self.frames, self.frames + start, 1 << 63 | start, self.frames - 1)
        return int(edges[r[3] % len(edges)])

    # --- looking -----------------------------------------------------------------------------------------------------

    def page(self, r: bytes, memmap: MemMap) -> Made:
        """Ask for a page."""
        return "pfn_to_page", PfnToPage(self.place(r)), {}

    def frame(self, r: bytes, memmap: MemMap) -> Made:
        """Ask for the frame of a page that there is, or of one beside it."""
        pfn = self.place(r)
        page = page_of(memmap, pfn) if is_valid(memmap, pfn) else self.layout.base
        step = (0, 0, 0, 1, self.layout.struct_page, -self.layout.struct_page)[r[4] % 6]
        return "page_to_pfn", PageToPfn((page + step) % (1 << self.layout.long_bits)), {}

    def valid(self, r: bytes, memmap: MemMap) -> Made:
        """Ask whether a frame is valid."""
        return "pfn_valid", PfnValid(self.place(r)), {}

    def online_page(self, r: bytes, memmap: MemMap) -> Made:
        """Ask for an online page."""
        return "online_page", OnlinePage(self.place(r)), {}

    def section(self, r: bytes, memmap: MemMap) -> Made:
        """Ask about a section: mostly the one that was last changed."""
        last = section_of(self.layout, self.last)
        return "section", ShowSection(last if r[2] % 2 else self.sections[r[1] % len(self.sections)]), {}

    def pageblock(self, r: bytes, memmap: MemMap) -> Made:
        """Ask for a pageblock's bits."""
        return "pageblock", Pageblock(min(self.place(r), (1 << PFN_BITS) - 1)), {}

    def links(self, r: bytes, memmap: MemMap) -> Made:
        """Write a page's zone, node and section into flags."""
        flags = int.from_bytes(r[1:7] * 2, "little") % (1 << self.layout.long_bits)
        section = self.sections[r[1] % len(self.sections)] + (r[2] << 20 if r[2] % 4 == 1 else 0)
        return "page_links", PageLinks(flags, r[3] % 8, r[4] | (r[5] & 3) << 8, section), {}

    def parts(self, r: bytes, memmap: MemMap) -> Made:
        """Read flags: of any bits, or with a section that has memory."""
        flags = int.from_bytes(r[1:7] + r[2:4], "little") % (1 << self.layout.long_bits)
        if r[3] % 2 and not is_vmemmap(self.layout) and not is_flat(self.layout):
            width = self.layout.max_physmem_bits - self.layout.section_size_bits
            flags &= (1 << (self.layout.long_bits - width)) - 1
            flags |= self.sections[r[1] % 4] << (self.layout.long_bits - width)
        return "page_parts", PageParts(flags), {}

    # --- changing ----------------------------------------------------------------------------------------------------

    def add(self, r: bytes, memmap: MemMap) -> Made:
        """Add a part; where each section has a map of its own, with a map that is free, or now and then one that is not."""
        pfn, pages = self.part(r)
        fails = r[5] % 4 if self.capabilities["failures"] and r[6] % 4 == 1 else NOTHING
        if is_vmemmap(self.layout) or is_flat(self.layout):
            return "add", Add(pfn, pages, 0, fails), {}
        size = section_map_size(self.layout)
        mem_map = self.layout.base + (16 + r[6] % MAPS) * size
        wrong = (mem_map + 64, self.layout.base, 0, (1 << self.layout.long_bits) - (1 << self.layout.page_shift))
        return "add", Add(pfn, pages, wrong[r[5] % 4] if r[2] % 16 == 3 else mem_map, fails), {}

    def remove(self, r: bytes, memmap: MemMap) -> Made:
        """Remove a part: mostly one that is there."""
        pfn, pages = self.part(r)
        there = [section for section in self.sections if section_flags(memmap, section) & HAS_MEM_MAP]
        if there and r[5] % 4:
            size = pages_per_section(self.layout)
            section = there[r[1] % len(there)]
            bits = memmap.added.get(section, 0)
            grain = size // subsections_of(self.layout)
            pfn = section * size + pfn % size
            if bits and r[4] % 16 != 1:
                first = (bits & -bits).bit_length() - 1
                length = ((~(bits >> first)) & -(~(bits >> first))).bit_length() - 1
                pfn, pages = section * size + first * grain, (length if r[6] % 2 else 1) * grain
        return "remove", Remove(min(pfn, (1 << PFN_BITS) - 1), pages), {}

    def online(self, r: bytes, memmap: MemMap) -> Made:
        """Mark a section online."""
        return "online", Online(min(self.place(r), (1 << PFN_BITS) - 1)), {}

    def offline(self, r: bytes, memmap: MemMap) -> Made:
        """Mark a section offline."""
        return "offline", Offline(min(self.place(r), (1 << PFN_BITS) - 1)), {}

    def map_device(self, r: bytes, memmap: MemMap) -> Made:
        """Give a part to a device."""
        return "map_device", MapDevice(*self.part(r)), {}

    def unmap_device(self, r: bytes, memmap: MemMap) -> Made:
        """Take a part from a device."""
        return "unmap_device", UnmapDevice(*self.part(r)), {}
