"""The entries that Linux writes, on each architecture: what the walk's modules read, written.

A leaf is accessed from the start, and dirty where it may be written: no access changes it afterwards.
"""

from __future__ import annotations

from mmspec.clause import rule
from mmspec.virtual.page_map import clauses as c
from mmspec.virtual.page_map.ops import EXECUTE, WRITE, Height, Prot
from mmspec.virtual.page_table import aarch64, riscv64, x86_64
from mmspec.virtual.page_table.ops import AARCH64, X86_64, Bits, Entry, Pa
from mmspec.virtual.page_table.state import Regime
from mmspec.virtual.page_table.walk import (
    KERNEL_EXECUTE,
    KERNEL_READ,
    KERNEL_WRITE,
    USER_EXECUTE,
    USER_READ,
    USER_WRITE,
    Permissions,
    rights,
)  # fmt: skip

ARM_SHARED, ARM_DIRTY = 3 << 8, 1 << 55
"""AArch64: inner shareable (under DS these bits are the address's), and Linux's own dirty bit."""


def table_bits(regime: Regime) -> Bits:
    """Return the binary logarithm of the size of a table, which is that of the smallest page."""
    return regime.granule if regime.arch == AARCH64 else 12


def shift_of(regime: Regime, height: Height) -> Bits:
    """Return the binary logarithm of how much one entry of a height spans."""
    return (table_bits(regime) - 3) * height + 3


def has_leaves(regime: Regime, height: Height) -> bool:
    """Tell whether there are pages of a height."""
    if regime.arch == X86_64:
        return (height <= 2) | ((height == 3) & regime.gbpages)
    if regime.arch == AARCH64:
        return (height == 1) | aarch64.has_blocks(regime, 4 - height)
    return True


def told(regime: Regime, prot: Prot) -> Prot:
    """Return what an entry can tell of what is asked: without NXE every page of x86-64 may be executed."""
    return prot | EXECUTE if regime.arch == X86_64 and not regime.nxe else prot


def granted(regime: Regime, upper: bool, prot: Prot) -> Permissions:
    """Return the permissions that a page grants: reading always."""
    write, execute = (prot & WRITE) != 0, (prot & EXECUTE) != 0
    if regime.arch == X86_64:
        return rights(not upper, True, write, execute)
    if regime.arch == AARCH64 and upper:
        return KERNEL_READ | (write * KERNEL_WRITE) | (execute * KERNEL_EXECUTE)
    if regime.arch == AARCH64:
        return KERNEL_READ | USER_READ | (write * (KERNEL_WRITE | USER_WRITE)) | (execute * USER_EXECUTE)
    return rights(not upper, True, write, execute)


def address_field(regime: aarch64.Regime, address: Pa) -> Entry:
    """Return an address as a descriptor of AArch64 holds it."""
    if aarch64.wide(regime):
        return (address & ((1 << 48) - 1)) | ((address >> 48) & 15) << 12
    if regime.ds:
        return (address & ((1 << 50) - 1)) | ((address >> 50) & 3) << 8
    return address


def leaf(regime: Regime, upper: bool, height: Height, pa: Pa, prot: Prot) -> Entry:
    """Return the leaf that maps a frame (``__PAGE_KERNEL``, ``PAGE_SHARED`` and their kin)."""
    rule(c.LOOKED)
    write, execute = (prot & WRITE) != 0, (prot & EXECUTE) != 0
    if regime.arch == X86_64:
        entry = x86_64.PRESENT | x86_64.ACCESSED | pa | (x86_64.GLOBAL if upper else x86_64.USER)
        entry = entry | (x86_64.PAGE_SIZE if height > 1 else 0) | (x86_64.WRITABLE | x86_64.DIRTY if write else 0)
        return entry | (0 if execute or not regime.nxe else x86_64.EXECUTE_DISABLE)
    if regime.arch == AARCH64:
        entry = aarch64.VALID | aarch64.AF | address_field(regime, pa) | (0 if regime.ds else ARM_SHARED)
        entry = entry | (aarch64.TABLE if height == 1 else 0) | (aarch64.DBM | ARM_DIRTY if write else aarch64.AP_READ_ONLY)
        if upper:
            return entry | aarch64.UXN | (0 if execute else aarch64.PXN)
        return entry | aarch64.AP_EL0 | aarch64.NOT_GLOBAL | aarch64.PXN | (0 if execute else aarch64.UXN)
    entry = riscv64.VALID | riscv64.A | riscv64.R | (riscv64.W | riscv64.D if write else 0)
    entry = entry | (riscv64.X if execute else 0) | (riscv64.G if upper else riscv64.U)
    return entry | pa >> 12 << riscv64.PPN_SHIFT


def pointer(regime: Regime, upper: bool, table: Pa) -> Entry:
    """Return the entry that points to a table: it takes no right that a page of this half may grant."""
    rule(c.HALF)
    if regime.arch == X86_64:
        entry = x86_64.PRESENT | x86_64.WRITABLE | x86_64.ACCESSED | x86_64.DIRTY | table
        return entry | (0 if upper else x86_64.USER)
    if regime.arch == AARCH64:
        entry = aarch64.VALID | aarch64.TABLE | address_field(regime, table)
        return entry | (aarch64.UXN_TABLE if upper else aarch64.PXN_TABLE)
    return riscv64.VALID | table >> 12 << riscv64.PPN_SHIFT


def is_table(regime: Regime, height: Height, entry: Entry) -> bool:
    """Tell whether an entry that was written here points to a table."""
    if regime.arch == X86_64:
        return (height > 1) & ((entry & (x86_64.PRESENT | x86_64.PAGE_SIZE)) == x86_64.PRESENT)
    if regime.arch == AARCH64:
        return (height > 1) & ((entry & (aarch64.VALID | aarch64.TABLE)) == aarch64.VALID | aarch64.TABLE)
    return (height > 1) & ((entry & riscv64.VALID) != 0) & riscv64.is_pointer(entry)


def table_in(regime: Regime, entry: Entry) -> Pa:
    """Return the table that an entry points to."""
    if regime.arch == X86_64:
        return entry & x86_64.FRAME
    if regime.arch == AARCH64:
        return aarch64.address_in(regime, entry, regime.granule)
    return riscv64.frame_of(entry)


def lets_users(regime: Regime, entry: Entry) -> bool:
    """Tell whether an entry that points to a table lets a user through to what is below."""
    if regime.arch == X86_64:
        return (entry & x86_64.USER) != 0
    return (entry & aarch64.UXN_TABLE) == 0 if regime.arch == AARCH64 else True
