"""The memory of a memory map: sections in roots, as SPARSEMEM_EXTREME has them, and what a layout comes to in numbers.

A directory has the slot of each root, 0 where there is none; slot 0 is a root of absent sections, so that looking up never asks
whether there is a root. A section has a word, and four words each for the sub-sections that were added and those of devices.
Addresses are held as signed 64-bit numbers, as they are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mmspec.errors import InputError
from mmspec.physical.memory_model.ops import FLATMEM, SPARSEMEM_EXTREME, SPARSEMEM_VMEMMAP, Config, Layout

ROOT_SHIFT = 8
"""Sections of a root here: 256, whatever Linux has in a page."""

BITS_SHIFT = 2
"""Words of bits of a section: four of 64."""

MAX_ROOTS = 1 << 26
"""Most roots that a directory can name: sections of 16 MiB in 58 bits of physical addresses."""


def signed(value: int) -> int:
    """Return a 64-bit word as the signed number with the same bits."""
    return value - (1 << 64) if value >> 63 else value


class Numbers:
    """What a layout comes to (InputError: it is none that is implemented)."""

    __slots__ = (
        "bits", "classic", "flags", "flat", "grain", "mask", "origin", "roots", "section_shift", "sections", "size", "vmemmap",
    )  # fmt: skip

    def __init__(self, layout: Layout) -> None:
        self.flat, self.vmemmap = layout.model == FLATMEM, layout.model == SPARSEMEM_VMEMMAP
        self.classic = not self.flat and not self.vmemmap
        self.roots = layout.model >= SPARSEMEM_EXTREME
        self.bits = layout.long_bits
        self.mask = (1 << layout.long_bits) - 1
        self.size = layout.struct_page
        self.origin = (layout.base - layout.first_pfn * layout.struct_page) & self.mask
        self.section_shift = layout.section_size_bits - layout.page_shift
        self.sections = 1 << (layout.max_physmem_bits - layout.section_size_bits)
        self.flags = 31 if layout.zone_device else 15
        self.grain = 21 - layout.page_shift
        if self.sections >> ROOT_SHIFT > MAX_ROOTS:
            raise InputError(f"{self.sections} sections", hint=f"at most {MAX_ROOTS << ROOT_SHIFT}")


class Sections:
    """The sections' arrays; they grow by doubling."""

    __slots__ = ("added", "devices", "directory", "slots", "words")

    def __init__(self, numbers: Numbers) -> None:
        self.directory = np.zeros((numbers.sections >> ROOT_SHIFT) + 1, np.int32)
        self.slots = 1
        self.words = np.zeros(4 << ROOT_SHIFT, np.int64)
        self.added = np.zeros(4 << ROOT_SHIFT + BITS_SHIFT, np.uint64)
        self.devices = np.zeros(4 << ROOT_SHIFT + BITS_SHIFT, np.uint64)

    def find(self, section: int) -> int:
        """Return the place of a section: one of slot 0 if it has no root."""
        return (int(self.directory[section >> ROOT_SHIFT]) << ROOT_SHIFT) + (section & (1 << ROOT_SHIFT) - 1)

    def make(self, section: int) -> int:
        """Return the place of a section, which has a root from now on."""
        root = section >> ROOT_SHIFT
        if not self.directory[root]:
            if self.slots << ROOT_SHIFT == self.words.size:
                self.words, self.added, self.devices = (
                    np.concatenate([array, np.zeros_like(array)]) for array in (self.words, self.added, self.devices)
                )
            self.directory[root] = self.slots
            self.slots += 1
        return self.find(section)

    def word(self, section: int) -> int:
        """Return a section's word."""
        return int(self.words[self.find(section)]) & (1 << 64) - 1

    def put(self, section: int, word: int) -> None:
        """Write a section's word."""
        self.words[self.make(section)] = signed(word)

    def known(self) -> Iterator[int]:
        """Yield the sections with a word, ascending."""
        for root in np.flatnonzero(self.directory).tolist():
            start = int(self.directory[root]) << ROOT_SHIFT
            for index in np.flatnonzero(self.words[start : start + (1 << ROOT_SHIFT)]).tolist():
                yield (root << ROOT_SHIFT) + index

    def bits(self, array: NDArray[np.uint64], section: int) -> int:
        """Return the bits of a section in one of the arrays."""
        first = self.find(section) << BITS_SHIFT
        return int.from_bytes(array[first : first + 4].tobytes(), "little")

    def put_bits(self, array: NDArray[np.uint64], section: int, bits: int) -> None:
        """Write the bits of a section in one of the arrays, whose root is there."""
        first = self.find(section) << BITS_SHIFT
        array[first : first + 4] = np.frombuffer(bits.to_bytes(32, "little"), np.uint64)

    def has_bit(self, array: NDArray[np.uint64], section: int, index: int) -> bool:
        """Tell whether a section's bit is set in one of the arrays."""
        return bool(int(array[(self.find(section) << BITS_SHIFT) + (index >> 6)]) >> (index & 63) & 1)


def boot_sections(config: Config, numbers: Numbers) -> dict[int, tuple[int, int]]:
    """Return the sections that have memory, ascending, each with its first range's node and the sub-sections that are touched."""
    found: dict[int, tuple[int, int]] = {}
    pages = 1 << numbers.section_shift
    for start, end, node in config.memory:
        for section in range(start >> numbers.section_shift, ((end - 1) >> numbers.section_shift) + 1):
            first = max(start - section * pages, 0)
            last = min(end - section * pages, pages) - 1
            bits = mask_of(first >> numbers.grain, last >> numbers.grain)
            was = found.get(section, (node, 0))
            found[section] = was[0], was[1] | bits
    return found


def mask_of(first: int, last: int) -> int:
    """Return a word with the bits from first to last."""
    return (2 << last) - (1 << first)
