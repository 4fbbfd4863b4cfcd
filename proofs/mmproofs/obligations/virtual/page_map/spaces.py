"""Halves of address spaces of which nothing is known but what is true of all of them.

The state is the law's; the lifter has no maps of records, so its map of pages holds each page as one word. What is true of every
state is said entry by entry and table by table: PT-12 as the law's own ``is_tree`` says it, and that whatever stands in a table
is what Linux writes.
"""

from __future__ import annotations

from typing import Annotated

import attrs

from mmspec.pmap import PMap
from mmspec.virtual.page_map import encode, invariants
from mmspec.virtual.page_map.core import is_frame, is_page
from mmspec.virtual.page_map.invariants import height_of
from mmspec.virtual.page_map.ops import EXECUTE, WRITE, Height, Prot
from mmspec.virtual.page_map.state import NO_PAGE, Page, Space, is_pool_table, size_bits, slot_of, table_of
from mmspec.virtual.page_table import aarch64, riscv64, x86_64
from mmspec.virtual.page_table.ops import AARCH64, X86_64, Entry, Pa, Va
from mmspec.words import Word

# --- states ----------------------------------------------------------------------------------------------------------------

PageWord = Annotated[int, Word("page_word", bits=64, lo=0, hi=(1 << 62) - 1)]
"""A page: its frame from bit 6, its height from bit 3, what it grants below."""


def packed(page: Page) -> PageWord:
    """Return a page as a word."""
    return page.pa << 6 | page.height << 3 | page.prot


def unpacked(word: PageWord) -> Page:
    """Return the page that a word is."""
    return Page(word >> 6, (word >> 3) & 7, word & 7)


@attrs.frozen
class Pages:
    """The abstract map, each page a word."""

    words: PMap[Va, PageWord]

    def get(self, va: Va, default: Page, /) -> Page:
        """Return the page that begins at an address, or the default."""
        return unpacked(self.words.get(va, packed(default)))

    def __getitem__(self, va: Va) -> Page:
        return unpacked(self.words[va])

    def set(self, va: Va, page: Page, /) -> Pages:
        """Return the map with a page that begins at an address."""
        return Pages(self.words.set(va, packed(page)))

    def delete(self, va: Va, /) -> Pages:
        """Return the map without the page that begins at an address."""
        return Pages(self.words.delete(va))


@attrs.frozen
class X86Space(Space):
    """A half of x86-64."""

    regime: x86_64.Regime
    pages: Pages  # type: ignore[assignment]  # the lifter has no maps of records


@attrs.frozen
class RiscvSpace(Space):
    """A half of RISC-V."""

    regime: riscv64.Regime
    pages: Pages  # type: ignore[assignment]  # the lifter has no maps of records


@attrs.frozen
class ArmSpace(Space):
    """A half of AArch64."""

    regime: aarch64.Regime
    pages: Pages  # type: ignore[assignment]  # the lifter has no maps of records


# --- what is true of every state ------------------------------------------------------------------------------------------


def rooted(space: Space) -> bool:
    """The root and the tables that may be taken are aligned and in memory."""
    bits = encode.table_bits(space.regime)
    inside = space.root + (space.pool + 1 << bits) <= 1 << space.regime.phys_bits
    return (space.root & ((1 << bits) - 1) == 0) & inside & (space.charged <= space.used) & (space.used <= space.pool)


def tree(space: Space, at: Pa) -> bool:
    """An entry that points to a table is that table's one parent, and of the height above."""
    return invariants.is_tree(space, None, at)


def taken(space: Space, table: Pa) -> bool:
    """A table has a parent if and only if it has a height, and is one of those that may be taken."""
    if table in space.parent:
        return (table in space.height) and is_pool_table(space, table)
    return table not in space.height


def frame_in(space: Space, height: Height, entry: Entry) -> Pa:
    """Return the frame that a leaf of a height names."""
    bits = size_bits(space, height)
    if space.regime.arch == X86_64:
        return (entry & x86_64.FRAME) >> bits << bits
    if space.regime.arch == AARCH64:
        return aarch64.address_in(space.regime, entry, bits)
    return riscv64.frame_of(entry)


def prot_in(space: Space, entry: Entry) -> Prot:
    """Return what a leaf grants beside reading."""
    if space.regime.arch == X86_64:
        return ((entry & x86_64.WRITABLE) != 0) * WRITE + ((entry & x86_64.EXECUTE_DISABLE) == 0) * EXECUTE
    if space.regime.arch == AARCH64:
        fetch = (entry & (aarch64.PXN if space.upper else aarch64.UXN)) == 0
        return ((entry & aarch64.AP_READ_ONLY) == 0) * WRITE + fetch * EXECUTE
    return ((entry & riscv64.W) != 0) * WRITE + ((entry & riscv64.X) != 0) * EXECUTE


def x86_sound(regime: x86_64.Regime, upper: bool, height: Height, entry: Entry) -> bool:
    """The entry grants its half what it points to, and nobody else; no bit of it is reserved, and it is accessed."""
    flags = x86_64.PRESENT | x86_64.ACCESSED
    common = (entry & flags == flags) & (((entry & x86_64.USER) != 0) != upper)
    common &= (entry & x86_64.FRAME) >> regime.phys_bits == 0
    if height == 1:
        return common & (((entry & x86_64.EXECUTE_DISABLE) == 0) | regime.nxe)
    table = (entry & (x86_64.PAGE_SIZE | x86_64.WRITABLE | x86_64.EXECUTE_DISABLE)) == x86_64.WRITABLE
    low = (1 << (9 * height + 3)) - (1 << 12)
    page = ((entry & (x86_64.PAGE_SIZE | low)) == x86_64.PAGE_SIZE) & encode.has_leaves(regime, height)
    return common & (table | (page & (((entry & x86_64.EXECUTE_DISABLE) == 0) | regime.nxe)))


def riscv_sound(regime: riscv64.Regime, upper: bool, height: Height, entry: Entry) -> bool:
    """The entry points to a table and is valid and nothing else, or is its half's leaf, readable and accessed; all in memory."""
    flags, frame = riscv64.VALID | riscv64.R | riscv64.A, riscv64.frame_of(entry)
    table = (entry & 0x3FF == riscv64.VALID) & (height > 1)
    dirty = ((entry & riscv64.W) != 0) == ((entry & riscv64.D) != 0)
    page = (entry & flags == flags) & dirty & (((entry & riscv64.U) != 0) != upper)
    page &= frame & ((1 << (9 * height + 3)) - 1) == 0
    return (entry >> 54 == 0) & (frame >> regime.phys_bits == 0) & (table | page)


def arm_sound(regime: aarch64.Regime, upper: bool, height: Height, entry: Entry) -> bool:
    """The descriptor takes from tables what is not its half's alone, or is its half's page, accessed; all in memory."""
    kind = entry & (aarch64.VALID | aarch64.TABLE)
    taken = entry & (aarch64.PXN_TABLE | aarch64.UXN_TABLE | aarch64.AP_TABLE_NO_EL0 | aarch64.AP_TABLE_READ_ONLY)
    only = ((taken == aarch64.UXN_TABLE) & upper) | ((taken == aarch64.PXN_TABLE) & (upper == False))  # noqa: E712
    table = (kind == 3) & (height > 1) & only & (aarch64.address_in(regime, entry, regime.granule) >> regime.phys_bits == 0)
    own = (((entry & aarch64.UXN) != 0) | (upper == False)) & (((entry & aarch64.PXN) != 0) | upper)  # noqa: E712
    page = (kind == (3 if height == 1 else 1)) & ((entry & aarch64.AF) != 0) & (((entry & aarch64.AP_EL0) != 0) != upper) & own
    named = aarch64.address_in(regime, entry, encode.shift_of(regime, height)) >> regime.phys_bits == 0
    return table | (page & named & encode.has_leaves(regime, height))


def is_sound(space: Space, height: Height, entry: Entry) -> bool:
    """Tell whether an entry is nothing, or something that a walk by the half's owner goes on from or reads through."""
    if space.regime.arch == X86_64:
        return (entry == 0) | x86_sound(space.regime, space.upper, height, entry)
    if space.regime.arch == AARCH64:
        return (entry == 0) | arm_sound(space.regime, space.upper, height, entry)
    return (entry == 0) | riscv_sound(space.regime, space.upper, height, entry)


def sound(space: Space, at: Pa) -> bool:
    """What stands in a table is sound, and points to one of the tables if it points to any."""
    entry, height = space.memory.get(at, 0), height_of(space, table_of(space, at))
    if height == 0:
        return True
    points = encode.is_table(space.regime, height, entry)
    named = is_pool_table(space, encode.table_in(space.regime, entry))
    return is_sound(space, height, entry) & (named | (points == False))  # noqa: E712


def mapped(space: Space, va: Va) -> bool:
    """A page that is mapped is the leaf of its height on the way to it."""
    page = space.pages.get(va, NO_PAGE)
    if page == NO_PAGE:
        return True
    slot = slot_of(space, va, page.height)
    leaf = encode.leaf(space.regime, space.upper, page.height, page.pa, page.prot)
    right = is_page(space, va, page.height) & is_frame(space, page.pa, page.height) & (page.prot <= WRITE | EXECUTE)
    return right & (slot.height == page.height) & (slot.entry == leaf)


def in_use(space: Space, at: Pa) -> bool:
    """A table whose entry is in use counts one at least, and none counts more than it has."""
    live, used = space.live.get(table_of(space, at), 0), space.memory.get(at, 0) != 0
    return (live >= used) & (live <= 1 << (encode.table_bits(space.regime) - 3))
