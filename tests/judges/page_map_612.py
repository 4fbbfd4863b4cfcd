"""Page tables in Linux 6.12, from the source: which entries a change writes, which tables it takes and gives back.

A judge, not a specification: written from mm/memory.c, mm/pgtable-generic.c, mm/vmalloc.c and the pgtable and pgalloc headers of
x86, arm64 and riscv, v6.12 (Debian linux-source-6.12), without sight of the project's own text. A table is a dictionary from
index to entry; an entry is a leaf or another table.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

X86, ARM64, RISCV = range(3)
WRITE, EXEC = 1, 2
LEVELS = {"la48": 4, "la57": 5, "sv39": 3, "sv48": 4, "sv57": 5}
PAGE_SHIFT = {"16k": 14, "64k": 16}


class Refused(Exception):
    """The change is not made."""


@attrs.frozen
class Leaf:
    """A page of a frame."""

    pa: int
    prot: int


@attrs.frozen(eq=False)
class Table:
    """A table in a frame; those of height 1 hold PTEs."""

    at: int
    height: int
    entries: dict[int, Leaf | Table] = attrs.field(factory=dict)


class Mmu:
    """One half of an address space."""

    def __init__(
        self, arch: int, mode: str, va_bits: int, phys_bits: int, base: int, pool: int, upper: bool, nx: bool, gbpages: bool
    ) -> None:
        self.arch, self.upper, self.nx, self.phys_bits = arch, upper, nx, phys_bits
        self.shift = PAGE_SHIFT.get(mode, 12)
        self.step = self.shift - 3
        self.levels = LEVELS.get(mode) or -(-(va_bits - self.shift) // self.step)  # ARM64_HW_PGTABLE_LEVELS
        self.bits = va_bits if arch == ARM64 else va_bits - 1
        gigantic = gbpages if arch == X86 else self.shift == 12  # pud_sect_supported
        self.leaves = (1, 2, 3) if gigantic else (1, 2)
        self.root = Table(base, self.levels)
        self.free = [base + (n + 1 << self.shift) for n in range(pool)]
        self.taken: list[Table] = []

    def size(self, height: int) -> int:
        return 1 << self.shift + self.step * (height - 1)

    def index(self, va: int, height: int) -> int:
        low = va & (1 << self.bits) - 1 if height == self.levels and self.arch == ARM64 else va & (1 << self.bits + 1) - 1
        index = low // self.size(height)
        return index if height == self.levels else index % (1 << self.step)

    def check(self, va: int, height: int = 1) -> None:
        high = va >> self.bits
        if high != ((1 << 64 - self.bits) - 1 if self.upper else 0) or height not in self.leaves or va % self.size(height):
            raise Refused("EINVAL")

    def way(self, va: int) -> Iterator[tuple[Table, int, Leaf | Table | None]]:
        """pgd_offset, p4d_offset, ...: each table on the way, the index in it and what is there."""
        table = self.root
        while True:
            index = self.index(va, table.height)
            found = table.entries.get(index)
            yield table, index, found
            if not isinstance(found, Table):
                return
            table = found

    def leaf(self, va: int, height: int) -> tuple[Table, int, Leaf]:
        table, index, found = list(self.way(va))[-1]
        if not isinstance(found, Leaf) or table.height != height:
            raise Refused("ENOENT")
        return table, index, found

    def take(self, count: int, height: int) -> list[Table]:
        """The tables below a height, from the highest down."""
        if count > len(self.free):
            raise Refused("ENOMEM")
        new = [Table(self.free.pop(0), height - n) for n in range(count)]
        self.taken += new
        return new

    def give(self, table: Table) -> int:
        self.taken.remove(table)
        self.free = sorted([*self.free, table.at])
        return table.at

    # --- mm/vmalloc.c:vmap_range_noflush, vunmap_range_noflush; mm/mprotect.c:change_pte_range ---------------------------

    def map(self, va: int, pa: int, height: int, prot: int) -> tuple[int, ...]:
        self.check(va, height)
        if pa % self.size(height) or pa + self.size(height) > 1 << self.phys_bits or pa <= self.root.at < pa + self.size(height):
            raise Refused("EINVAL")
        table, index, found = next(here for here in self.way(va) if here[0].height == height or not isinstance(here[2], Table))
        if found is not None:
            raise Refused("EBUSY")
        new = self.take(table.height - height, table.height - 1)
        for below in new:
            table.entries[index] = below
            table, index = below, self.index(va, below.height)
        table.entries[index] = Leaf(pa, prot)
        return tuple(below.at for below in new)

    def unmap(self, va: int, height: int) -> None:
        self.check(va, height)
        table, index, _ = self.leaf(va, height)
        del table.entries[index]

    def protect(self, va: int, height: int, prot: int) -> bool:
        """Return whether Linux flushes: pte_needs_flush, huge_pmd_needs_flush; only x86's looks at what changes."""
        self.check(va, height)
        table, index, found = self.leaf(va, height)
        table.entries[index] = Leaf(found.pa, prot)
        differs = found.prot ^ prot
        return self.arch != X86 or bool(differs if self.nx else differs & WRITE)

    # --- arch/x86/mm/pat/set_memory.c:__split_large_page, collapse_pmd_page; mm/pgtable-generic.c -------------------------

    def split(self, va: int, height: int) -> tuple[int, ...]:
        self.check(va, height)
        if height == 1:
            raise Refused("EINVAL")
        table, index, found = self.leaf(va, height)
        (new,) = self.take(1, height - 1)
        for n in range(1 << self.step):
            new.entries[n] = Leaf(found.pa + n * self.size(height - 1), found.prot)
        table.entries[index] = new
        return (new.at,)

    def collapse(self, va: int, height: int) -> tuple[int, ...]:
        self.check(va, height)
        here = next((here for here in self.way(va) if here[0].height == height), None)
        if height == 1 or here is None or not isinstance(here[2], Table):
            raise Refused("EINVAL")
        table, index, below = here
        first = below.entries.get(0)
        if not isinstance(first, Leaf) or first.pa % self.size(height):
            raise Refused("EINVAL")
        for n in range(1 << self.step):
            if below.entries.get(n) != Leaf(first.pa + n * self.size(height - 1), first.prot):
                raise Refused("EINVAL")
        table.entries[index] = first
        return (self.give(below),)

    def free_tables(self, va: int) -> tuple[int, ...]:
        """mm/memory.c:free_pgd_range, of what one address goes through."""
        self.check(va // self.size(1) * self.size(1))
        way, gone = list(self.way(va)), []
        for (above, index, _), (table, _, _) in zip(way[-2::-1], way[:0:-1], strict=True):
            if table.entries:
                break
            del above.entries[index]
            gone.append(self.give(table))
        return tuple(gone)

    # --- looks -----------------------------------------------------------------------------------------------------------

    def translate(self, va: int) -> tuple[int, int] | None:
        if va >> self.bits != ((1 << 64 - self.bits) - 1 if self.upper else 0):
            return None
        table, _, found = list(self.way(va))[-1]
        size = self.size(table.height)
        return (found.pa + va % size, size) if isinstance(found, Leaf) else None

    def look(self, va: int, height: int) -> tuple[int, int] | None:
        """Where the entry is, and its bits but for the address, D and what the processor's features choose."""
        for table, index, found in self.way(va):
            if table.height == min(height, self.levels):
                return table.at + 8 * index, self.entry(found, table.height)
        return None

    def mask(self) -> int:
        """The bits of an entry that `look` tells: not the address, not D, not AArch64's DBM and its nG of the kernel."""
        if self.arch == X86:
            return 1 << 63 | 0xFBF
        if self.arch == ARM64:
            return 0x7F << 53 & ~(1 << 55) | (0x7FF if self.upper else 0xFFF)
        return 0x37F | 0x3FF << 54

    def entry(self, found: Leaf | Table | None, height: int) -> int:
        if found is None:
            return 0
        write, execute = (found.prot & WRITE, found.prot & EXEC) if isinstance(found, Leaf) else (0, 0)
        if self.arch == X86:
            user = 0 if self.upper else 4
            if isinstance(found, Table):
                return 0x23 | user  # _KERNPG_TABLE, _PAGE_TABLE
            word = 0x21 | user | (2 if write else 0) | (0x100 if self.upper else 0) | (0x80 if height > 1 else 0)
            return word | (1 << 63 if self.nx and not execute else 0)
        if self.arch == ARM64:
            if isinstance(found, Table):
                return 3 | 1 << (60 if self.upper else 59)  # PMD_TABLE_UXN, PMD_TABLE_PXN
            word = 1 | (2 if height == 1 else 0) | 0x400 | (0 if write else 0x80) | 0x300
            if not self.upper:
                word |= 0x840 | 1 << 53 | (0 if execute else 1 << 54)
            else:
                word |= 1 << 54 | (0 if execute else 1 << 53)
            return word
        if isinstance(found, Table):
            return 1
        return 0x43 | (4 if write else 0) | (8 if execute else 0) | (0x20 if self.upper else 0x10)

    def table_bytes(self) -> int:
        """mm_pgtables_bytes: mm_inc_nr_ptes, mm_inc_nr_pmds, mm_inc_nr_puds; P4D tables and the PGD are not counted."""
        return sum(table.height <= 3 for table in self.taken) << self.shift
