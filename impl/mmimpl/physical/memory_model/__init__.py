"""The memory map over flat arrays: one request, or an array of frames or pages, at a time.

``memory`` says what the arrays mean, ``batch`` holds the kernels that run over whole arrays, ``flags`` the fields of a page's
flags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmimpl import engine
from mmimpl.physical.memory_model import batch
from mmimpl.physical.memory_model.flags import Fields
from mmimpl.physical.memory_model.memory import Numbers, Sections, boot_sections, mask_of, signed
from mmspec.physical.memory_model.ops import (
    DONE,
    EARLY,
    EEXIST,
    EINVAL,
    ENOENT,
    ENOMEM,
    HAS_MEM_MAP,
    MEMMAP,
    ONLINE,
    PRESENT,
    ROOT,
    TAINT,
    USAGE,
    Add,
    Config,
    Done,
    Error,
    Frame,
    MapDevice,
    Offline,
    Online,
    OnlinePage,
    PageAddress,
    Pageblock,
    PageblockBit,
    PageFlags,
    PageLinks,
    PageParts,
    PageToPfn,
    Parts,
    PfnToPage,
    PfnValid,
    Remove,
    SectionIs,
    ShowSection,
    UnmapDevice,
    Valid,
)  # fmt: skip


class MemoryModel:
    """The memory map after boot; there is nothing that kernels choose differently."""

    __slots__ = ("fields", "layout", "nodes", "numbers", "rooted", "sections", "usages")

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        self.layout, self.numbers, self.fields = config.layout, Numbers(config.layout), Fields(config.layout)
        self.sections = Sections(self.numbers)
        self.rooted: set[int] = set()  # the roots that Linux has, of as many sections as a page of its holds
        self.usages: set[int] = set()
        self.nodes: dict[int, int] = {}
        if not self.numbers.flat:
            self.boot(config)

    @property
    def bytes(self) -> int:
        """The size of all arrays in bytes."""
        arrays = self.sections
        return sum(array.nbytes for array in (arrays.directory, arrays.words, arrays.added, arrays.devices))

    def boot(self, config: Config) -> None:
        """Map the sections that have memory: each is early and online (mm/sparse.c:sparse_init, v6.12)."""
        found, count = boot_sections(config, self.numbers), 0
        lost: int | None = None
        for section in sorted(found):
            node, bits = found[section]
            if self.numbers.roots:
                self.rooted.add(self.root_of(section))
            if section == config.unbacked:
                lost = node
            if node == lost:
                continue
            lost = None
            mem_map = (self.layout.base + count * self.map_size()) & self.numbers.mask
            self.sections.put(section, self.encoded(section, mem_map) | PRESENT | HAS_MEM_MAP | ONLINE | EARLY)
            if self.numbers.vmemmap:
                self.sections.put_bits(self.sections.added, section, bits)
            self.usages.add(section)
            count += 1
        for start, end, node in config.memory:
            for section in range(start >> self.numbers.section_shift, ((end - 1) >> self.numbers.section_shift) + 1):
                self.nodes[section] = node

    # --- requests ----------------------------------------------------------------------------------------------------

    def apply(self, request: Any) -> Any:
        """Carry out one request of ``ops`` and return its result, a refusal included (TypeError: it is no request)."""
        answer = REQUESTS.get(type(request))
        if answer is None:
            raise TypeError(f"{request!r} is not a request to a memory map: use the records of mmspec.physical.memory_model.ops")
        return answer(self, request)

    def add(self, op: Add) -> Done | Error:
        """Add a part of a section (mm/sparse-vmemmap.c:sparse_add_section, v6.12)."""
        numbers, sections = self.numbers, self.sections
        if not self.is_part(op.pfn, op.pages) or (numbers.classic and not self.map_free(op.mem_map)):
            return EINVAL
        section = op.pfn >> numbers.section_shift
        word = sections.word(section)
        mask, bits = self.mask_of(op.pfn, op.pages), sections.bits(sections.added, section)
        if numbers.vmemmap and mask & bits:
            return EEXIST
        root = self.root_of(section)
        if numbers.roots and root not in self.rooted:
            if op.fails == ROOT:
                return ENOMEM
            self.rooted.add(root)
        if op.fails == USAGE and not word & HAS_MEM_MAP and section not in self.usages:
            return ENOMEM
        reused = word & EARLY and op.pages < 1 << numbers.section_shift
        if op.fails == MEMMAP and not reused:
            if not numbers.vmemmap:
                sections.put(section, 0)
            return ENOMEM
        sections.put(section, self.encoded(section, op.mem_map) | word & numbers.flags | PRESENT | HAS_MEM_MAP)
        if numbers.vmemmap:
            sections.put_bits(sections.added, section, bits | mask)
        return DONE

    def remove(self, op: Remove) -> Done | Error:
        """Remove a part of a section (mm/sparse-vmemmap.c:section_deactivate, v6.12)."""
        if not self.is_part(op.pfn, op.pages):
            return EINVAL
        section = op.pfn >> self.numbers.section_shift
        mask, bits = self.mask_of(op.pfn, op.pages), self.sections.bits(self.sections.added, section)
        if not self.sections.word(section) & HAS_MEM_MAP or (self.numbers.vmemmap and mask & ~bits):
            return EINVAL
        left = bits & ~mask
        if self.numbers.vmemmap:
            self.sections.put_bits(self.sections.added, section, left)
        if not left:
            self.sections.put(section, 0)
        return DONE

    def mark(self, op: Online | Offline, flag: int) -> Done | Error:
        """Mark a section online or offline."""
        section = op.pfn >> self.numbers.section_shift
        if not self.layout.hotplug or section >= self.numbers.sections or not self.sections.word(section) & HAS_MEM_MAP:
            return EINVAL
        self.sections.put(section, self.sections.word(section) & ~ONLINE | flag)
        return DONE

    def map_device(self, op: MapDevice) -> Done | Error:
        """Give a part of a section to a device."""
        section = op.pfn >> self.numbers.section_shift
        if not self.layout.zone_device or not self.is_part(op.pfn, op.pages):
            return EINVAL
        if not self.sections.word(section) & HAS_MEM_MAP:
            return EINVAL
        bits = self.sections.bits(self.sections.devices, section)
        self.sections.put_bits(self.sections.devices, section, bits | self.mask_of(op.pfn, op.pages))
        if op.pages < 1 << self.numbers.section_shift:
            self.sections.put(section, self.sections.word(section) | TAINT)
        return DONE

    def unmap_device(self, op: UnmapDevice) -> Done | Error:
        """Take a part of a section from a device."""
        section = op.pfn >> self.numbers.section_shift
        if not self.layout.zone_device or not self.is_part(op.pfn, op.pages):
            return EINVAL
        bits = self.sections.bits(self.sections.devices, section)
        if bits:
            self.sections.put_bits(self.sections.devices, section, bits & ~self.mask_of(op.pfn, op.pages))
        return DONE

    # --- looking -----------------------------------------------------------------------------------------------------

    def is_valid(self, pfn: int) -> bool:
        """Tell whether a frame has a page."""
        numbers = self.numbers
        if numbers.flat:
            return self.layout.first_pfn <= pfn < self.layout.first_pfn + self.layout.max_mapnr
        section = pfn >> numbers.section_shift
        if section >= numbers.sections:
            return False
        word = self.sections.word(section)
        if not word & HAS_MEM_MAP:
            return False
        return bool(word & EARLY) or not numbers.vmemmap or self.sections.has_bit(self.sections.added, section, self.index(pfn))

    def is_online(self, pfn: int) -> bool:
        """Tell whether a frame has a page that is online."""
        if not self.layout.hotplug:
            return self.is_valid(pfn)
        section = pfn >> self.numbers.section_shift
        if section >= self.numbers.sections:
            return False
        flags, index = self.sections.word(section) & self.numbers.flags, self.index(pfn)
        if not flags & ONLINE:
            return False
        if self.numbers.vmemmap and not self.sections.has_bit(self.sections.added, section, index):
            return False
        return not flags & TAINT or not self.sections.has_bit(self.sections.devices, section, index)

    def page_of(self, pfn: int) -> int:
        """Return the address of a valid frame's page."""
        numbers = self.numbers
        origin = numbers.origin
        if numbers.classic:
            origin = self.sections.word(pfn >> numbers.section_shift) & ~numbers.flags
        return (origin + pfn * numbers.size) & numbers.mask

    def pfn_of(self, page: int) -> int | None:
        """Return the valid frame whose page lies there; None if there is none."""
        numbers = self.numbers
        for section in self.sections.known() if numbers.classic else (0,):
            word = self.sections.word(section)
            origin = word & ~numbers.flags if numbers.classic else numbers.origin
            pfn, rest = divmod((page - origin) & numbers.mask, numbers.size)
            mine = not numbers.classic or (word & HAS_MEM_MAP and pfn >> numbers.section_shift == section)
            if mine and not rest and self.is_valid(pfn):
                return pfn
        return None

    def section(self, op: ShowSection) -> SectionIs | Error:
        """Return what is known about a section."""
        if self.numbers.flat or op.section >= self.numbers.sections:
            return EINVAL
        word = self.sections.word(op.section)
        flags = word & self.numbers.flags
        first = op.section << self.numbers.section_shift
        mem_map = ((word - flags) + first * self.numbers.size) & self.numbers.mask if flags & HAS_MEM_MAP else 0
        return SectionIs(flags, mem_map, self.sections.bits(self.sections.added, op.section))

    def parts(self, op: PageParts) -> Parts:
        """Return the zone, node, section and zone id that a page's flags name."""
        zone, node, section, zone_id = self.fields.read(op.flags & self.numbers.mask)
        return Parts(zone, self.nodes.get(section, 0) if self.fields.table else node, section, zone_id)

    def pageblock(self, op: Pageblock) -> PageblockBit | Error:
        """Return where a pageblock's bits begin."""
        if self.numbers.flat:
            return EINVAL
        inside = op.pfn & (1 << self.numbers.section_shift) - 1
        return PageblockBit((inside >> self.layout.pageblock_order) * 4)

    def known(self) -> Iterator[tuple[int, int]]:
        """Yield the sections with a word, ascending, each with its word."""
        return ((section, self.sections.word(section)) for section in self.sections.known())

    # --- whole arrays ------------------------------------------------------------------------------------------------

    def pages(self, pfns: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the pages of frames, which must be valid (nobody asks), on the engine of this process."""
        pages = np.empty(pfns.size, np.int64)
        numbers, mask = self.numbers, signed(self.numbers.mask)
        if not numbers.classic:
            self.run(batch.pages_from, [pfns, pages], signed(numbers.origin), numbers.size, mask)
        else:
            arrays: list[NDArray[Any]] = [pfns, pages, self.sections.directory, self.sections.words]
            self.run(batch.pages_by_section, arrays, numbers.section_shift, numbers.flags, numbers.size, mask)
        return pages.view(np.uint64)

    def frames(self, pages: NDArray[np.uint64], sections: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the frames of pages; where each section has a map of its own, given the section of each."""
        pfns = np.empty(pages.size, np.int64)
        numbers, mask = self.numbers, signed(self.numbers.mask)
        if not numbers.classic:
            self.run(batch.frames_from, [pages.view(np.int64), pfns], signed(numbers.origin), numbers.size, mask)
        else:
            if sections is None:
                raise ValueError("the pages of maps of their own are told apart by their sections: give them")
            arrays: list[NDArray[Any]] = [pages.view(np.int64), sections, pfns, self.sections.directory, self.sections.words]
            self.run(batch.frames_by_section, arrays, numbers.flags, numbers.size, mask)
        return pfns

    def run(self, kernel: Callable[..., None], arrays: list[NDArray[Any]], *numbers: int) -> None:
        """Run a kernel over arrays, as many frames as the first holds."""
        length = arrays[0].size
        if engine.uses_numba():
            engine.compiled(kernel)(*arrays, length, *numbers)
        else:
            kernel(*(array.data for array in arrays), length, *numbers)

    # --- numbers -----------------------------------------------------------------------------------------------------

    def is_part(self, pfn: int, pages: int) -> bool:
        """Tell whether frames are a part of one section, in whole sub-sections."""
        size = 1 << self.numbers.section_shift
        grain = 1 << self.numbers.grain if self.numbers.vmemmap else size
        if not self.layout.hotplug or pages == 0 or (pfn | pages) % grain:
            return False
        return pfn % size + pages <= size and pfn >> self.numbers.section_shift < self.numbers.sections

    def index(self, pfn: int) -> int:
        """Return which sub-section of its section holds a frame."""
        return (pfn & (1 << self.numbers.section_shift) - 1) >> self.numbers.grain

    def mask_of(self, pfn: int, pages: int) -> int:
        """Return the bits of the sub-sections of a part."""
        return mask_of(self.index(pfn), self.index(pfn + pages - 1))

    def root_of(self, section: int) -> int:
        """Return the root that Linux has a section in."""
        return section // ((1 << self.layout.page_shift) // self.layout.mem_section)

    def map_size(self) -> int:
        """Return the bytes of a section's own memory map, in whole pages."""
        size = self.numbers.size << self.numbers.section_shift
        return -(-size >> self.layout.page_shift) << self.layout.page_shift

    def map_free(self, mem_map: int) -> bool:
        """Tell whether a section's own memory map may lie there: on a page boundary and apart from the others."""
        size = self.map_size()
        if not mem_map or mem_map & (1 << self.layout.page_shift) - 1 or mem_map + size > self.numbers.mask:
            return False
        shows = (self.section(ShowSection(section)) for section in self.sections.known())
        return all(not shown.mem_map or abs(shown.mem_map - mem_map) >= size for shown in shows if not shown.failed)

    def encoded(self, section: int, mem_map: int) -> int:
        """Return the encoded pointer of a section's memory map."""
        if self.numbers.vmemmap:
            return self.numbers.origin
        return (mem_map - (section << self.numbers.section_shift) * self.numbers.size) & self.numbers.mask


def _page(memmap: MemoryModel, pfn: int, there: bool, refusal: Error) -> PageAddress | Error:
    return PageAddress(memmap.page_of(pfn)) if there else refusal


def _frame(memmap: MemoryModel, op: PageToPfn) -> Frame | Error:
    pfn = memmap.pfn_of(op.page)
    return EINVAL if pfn is None else Frame(pfn)


REQUESTS: dict[type, Callable[[MemoryModel, Any], Any]] = {
    Add: MemoryModel.add,
    Remove: MemoryModel.remove,
    Online: lambda memmap, op: memmap.mark(op, ONLINE),
    Offline: lambda memmap, op: memmap.mark(op, 0),
    MapDevice: MemoryModel.map_device,
    UnmapDevice: MemoryModel.unmap_device,
    PfnToPage: lambda memmap, op: _page(memmap, op.pfn, memmap.is_valid(op.pfn), EINVAL),
    PageToPfn: _frame,
    PfnValid: lambda memmap, op: Valid(memmap.is_valid(op.pfn)),
    OnlinePage: lambda memmap, op: _page(memmap, op.pfn, memmap.is_online(op.pfn), ENOENT),
    ShowSection: MemoryModel.section,
    PageLinks: lambda memmap, op: PageFlags(memmap.fields.write(op.flags & memmap.numbers.mask, op.zone, op.node, op.section)),
    PageParts: MemoryModel.parts,
    Pageblock: MemoryModel.pageblock,
}
"""What answers each request."""
