"""Entries of page tables made from bytes: mostly sound and permissive, now and then hostile.

What a byte of zero makes takes part in walks and grants everything.
"""

from __future__ import annotations

from mmspec.virtual.page_table import aarch64, riscv64, x86_64
from mmspec.virtual.page_table.ops import AARCH64, X86_64, Entry, Level, Pa
from mmspec.virtual.page_table.state import Regime

RARE = 14
"""Of sixteen hostile nibbles, those from here on add what does not belong in an entry."""


def bits_of(regime: Regime) -> tuple[int, ...]:
    """Return the bits of an entry that decide something, to be flipped."""
    if regime.arch == X86_64:
        top = regime.phys_bits
        return (0, 1, 2, 3, 5, 6, 7, 8, 12, 13, 20, 21, 29, min(top, 51), 51, 52, 59, 60, 61, 62, 63, 1, 2, 7, 63)
    if regime.arch == AARCH64:
        return (0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 21, 30, 47, 48, 49, 50, 51, 52, 53, 54, 59, 60, 61, 62, 6, 7, 10, 51)
    return (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 18, 19, 28, 37, 53, 54, 60, 61, 62, 63, 1, 2, 3, 4, 6, 7)


def hostile(regime: Regime, byte: int) -> Entry:
    """Return a bit that is seldom one to be set."""
    bits = bits_of(regime)
    return 1 << bits[byte % len(bits)]


def pointer(regime: Regime, table: Pa, flags: int, odd: int) -> Entry:
    """Return an entry that points to a table; ``flags`` take rights away, ``odd`` adds what is seldom there."""
    extra = hostile(regime, odd >> 4) if odd & 15 >= RARE else 0
    if regime.arch == X86_64:
        taken = (flags & 15 == 1) * x86_64.WRITABLE | (flags & 15 == 2) * x86_64.USER
        xd = x86_64.EXECUTE_DISABLE if flags & 15 == 3 and regime.nxe else 0
        return (x86_64.PRESENT | x86_64.WRITABLE | x86_64.USER | (flags & 16) << 1 | table | xd) & ~taken | extra
    if regime.arch == AARCH64:
        hierarchy = 1 << (59 + (flags >> 4) % 4) if flags & 15 in (1, 2, 3) else 0
        return aarch64.VALID | aarch64.TABLE | address_field(regime, table) | hierarchy | extra
    return riscv64.VALID | table >> 12 << riscv64.PPN_SHIFT | extra


def leaf(regime: Regime, level: Level, frame: Pa, flags: int, odd: int) -> Entry:
    """Return an entry that maps a page of a level; on a level that has no pages it is wrong."""
    extra = hostile(regime, odd >> 4) if odd & 15 >= RARE else 0
    if regime.arch == X86_64:
        return _x86_leaf(regime, level, frame, flags) | extra
    if regime.arch == AARCH64:
        return _arm_leaf(regime, level, frame, flags) | extra
    return _riscv_leaf(regime, level, frame, flags) | extra


def _x86_leaf(regime: x86_64.Regime, level: Level, frame: Pa, flags: int) -> Entry:
    size = x86_64.PAGE_SIZE if level > 1 else 0
    entry = x86_64.PRESENT | frame & x86_64.FRAME & ~((1 << x86_64.shift_of(level)) - 1) | size
    entry |= 0 if flags & 3 == 1 else x86_64.WRITABLE
    entry |= 0 if flags & 12 == 4 else x86_64.USER
    entry |= (flags >> 4 & 3) << 5  # A, D
    entry |= x86_64.EXECUTE_DISABLE if flags & 0xC0 == 0x40 and regime.nxe else 0
    return entry | (flags >> 3 & 15) << x86_64.KEY_SHIFT if regime.pke else entry


def _arm_leaf(regime: aarch64.Regime, level: Level, frame: Pa, flags: int) -> Entry:
    low = aarch64.shift_of(regime, level)
    entry = aarch64.VALID | (aarch64.TABLE if level == 3 else 0) | address_field(regime, frame >> low << low)
    entry |= 0 if flags & 7 == 1 else aarch64.AF
    entry |= 0 if flags & 3 == 2 else aarch64.AP_EL0
    entry |= aarch64.AP_READ_ONLY if flags & 12 == 4 else 0
    entry |= aarch64.DBM if flags & 20 == 20 else 0
    entry |= aarch64.UXN if flags & 0x60 == 0x20 else 0
    entry |= aarch64.PXN if flags & 0x60 == 0x40 else 0
    return entry | (1 << 52 if flags & 128 else 0)  # contiguous


def _riscv_leaf(regime: riscv64.Regime, level: Level, frame: Pa, flags: int) -> Entry:
    number = (frame >> riscv64.shift_of(level) << riscv64.shift_of(level)) >> 12
    entry = riscv64.VALID | number << riscv64.PPN_SHIFT
    entry |= 0 if flags & 7 == 1 else riscv64.R
    entry |= 0 if flags & 3 in (1, 2) else riscv64.W
    entry |= 0 if flags & 12 == 4 else riscv64.X
    entry |= 0 if flags & 0x18 == 0x18 else riscv64.U
    entry |= 0 if flags & 0x60 == 0x20 else riscv64.A
    entry |= 0 if flags & 0x60 in (0x20, 0x40) else riscv64.D
    if regime.svnapot and level == 0 and flags & 0x88 == 0x88:
        number = 8 if flags & 0x44 else 12  # the second is reserved
        return entry & ~(15 << riscv64.PPN_SHIFT) | number << riscv64.PPN_SHIFT | riscv64.NAPOT
    return entry | (1 << riscv64.PBMT_SHIFT if regime.svpbmt and flags & 0x90 == 0x90 else 0)


def address_field(regime: aarch64.Regime, address: Pa) -> Entry:
    """Return an address as a descriptor of AArch64 holds it."""
    if aarch64.wide(regime):
        return address & (1 << 48) - 1 | (address >> 48 & 15) << 12
    if regime.ds:
        return address & (1 << 50) - 1 | (address >> 50 & 3) << 8
    return address & (1 << 48) - 1
