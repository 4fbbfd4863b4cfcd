"""The walk of RISC-V, Sv39, Sv48 and Sv57 (RISC-V Privileged ISA, "Virtual Address Translation Process").

The steps are the manual's. Not modelled: two-stage translation, PMP regions (the platform's memory ends at ``phys_bits``).
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from mmspec.clause import Clause, rule
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table.ops import (
    ACCESS_FAULT,
    FETCH,
    NO_FAULT,
    PAGE_FAULT,
    READ,
    RISCV64,
    WRITE,
    Bits,
    Code,
    Entry,
    FaultKind,
    Kind,
    Level,
    Pa,
    PhysBits,
    Size,
    Va,
    VaBits,
)  # fmt: skip
from mmspec.virtual.page_table.walk import TRANSLATED, Memory, Walk, rights, set_bits

VALID, R, W, X, U, G, A, D = (1 << bit for bit in range(8))
PPN_SHIFT, PPN_MASK = 10, (1 << 44) - 1
RESERVED = 0x7F << 54
PBMT_SHIFT = 61
NAPOT = 1 << 63
NAPOT_SIZE = 16
"""The binary logarithm of a page's size under N: 64 KiB."""


@attrs.frozen
class Regime:
    """What the control registers and the platform say (RISC-V Privileged ISA, "Supervisor-Level ISA")."""

    arch: ClassVar[Literal[2]] = RISCV64
    va_bits: VaBits  # 39, 48 or 57
    phys_bits: PhysBits  # the platform has memory below 2**phys_bits; at most 56
    sum: bool  # sstatus.SUM
    mxr: bool  # sstatus.MXR
    adue: bool  # menvcfg.ADUE: Svadu; False: Svade
    svnapot: bool
    svpbmt: bool


def levels(regime: Regime) -> Level:
    """Return how many levels there are; the root's number is one less."""
    return (regime.va_bits - 12) // 9


def is_canonical(va: Va, va_bits: VaBits) -> bool:
    """Tell whether all bits of an address from the width's top bit on are alike."""
    top = va >> (va_bits - 1)
    return (top == 0) | (top == (1 << (65 - va_bits)) - 1)


def shift_of(level: Level) -> Bits:
    """Return the binary logarithm of how much one entry of a level spans."""
    return 12 + 9 * level


def entry_at(table: Pa, va: Va, level: Level) -> Pa:
    """Return the address of the entry that an address selects in a table of a level."""
    return table + ((va >> shift_of(level)) & 511) * 8


def frame_of(entry: Entry) -> Pa:
    """Return the address that an entry's page number names."""
    return ((entry >> PPN_SHIFT) & PPN_MASK) << 12


def is_pointer(entry: Entry) -> bool:
    """Tell whether an entry points to a table."""
    return (entry & (R | W | X)) == 0


def unsound(regime: Regime, level: Level, entry: Entry) -> tuple[bool, Clause]:
    """Tell whether an entry is none that a walk goes on from (steps 3 and 4), and by which rule."""
    pbmt = (entry >> PBMT_SHIFT) & 3
    if entry & VALID == 0:
        rule(c.RISCV_VALID)
        return True, c.RISCV_VALID
    if entry & (R | W) == W:
        rule(c.RISCV_RESERVED)
        return True, c.RISCV_RESERVED
    if entry & RESERVED:
        rule(c.RISCV_RESERVED_BITS)
        return True, c.RISCV_RESERVED_BITS
    if pbmt != 0 and (pbmt == 3 or is_pointer(entry) or not regime.svpbmt):
        rule(c.RISCV_PBMT)
        return True, c.RISCV_PBMT
    if entry & NAPOT and (is_pointer(entry) or level > 0 or not regime.svnapot or (entry >> PPN_SHIFT) & 15 != 8):
        rule(c.RISCV_NAPOT)
        return True, c.RISCV_NAPOT
    if is_pointer(entry) and entry & (D | A | U):
        rule(c.RISCV_POINTER)
        return True, c.RISCV_POINTER
    if is_pointer(entry) and level == 0:
        rule(c.RISCV_DEPTH)
        return True, c.RISCV_DEPTH
    return False, TRANSLATED


def denied(regime: Regime, level: Level, leaf: Entry, kind: Kind, user: bool) -> tuple[bool, Clause]:
    """Tell whether a leaf forbids an access (steps 5 to 7), and by which rule."""
    if user and leaf & U == 0:
        rule(c.RISCV_USER)
        return True, c.RISCV_USER
    if not user and leaf & U and kind == FETCH:
        rule(c.RISCV_FETCH_USER)
        return True, c.RISCV_FETCH_USER
    if not user and leaf & U and kind != FETCH and not regime.sum:
        rule(c.RISCV_SUM)
        return True, c.RISCV_SUM
    if kind == READ and leaf & R == 0 and (leaf & X == 0 or not regime.mxr):
        rule(c.RISCV_LOAD)
        return True, c.RISCV_LOAD
    if kind == WRITE and leaf & W == 0:
        rule(c.RISCV_STORE)
        return True, c.RISCV_STORE
    if kind == FETCH and leaf & X == 0:
        rule(c.RISCV_FETCH)
        return True, c.RISCV_FETCH
    if frame_of(leaf) & ((1 << shift_of(level)) - 1):
        rule(c.RISCV_ALIGNED)
        return True, c.RISCV_ALIGNED
    if not regime.adue and (leaf & A == 0 or (kind == WRITE and leaf & D == 0)):
        rule(c.RISCV_SVADE)
        return True, c.RISCV_SVADE
    return False, TRANSLATED


def cause(fault: FaultKind, kind: Kind) -> Code:
    """Return scause of a fault of an access."""
    rule(c.RISCV_CAUSE)
    page = 12 * (fault == PAGE_FAULT)
    if kind == FETCH:
        return page + (fault == ACCESS_FAULT)
    if kind == READ:
        return 13 if fault == PAGE_FAULT else 5
    return 15 if fault == PAGE_FAULT else 7


def faulted(
    memory: Memory, fault: FaultKind, level: Level, kind: Kind, why: Clause, used: tuple[Pa, ...], touched: tuple[Pa, ...] = ()
) -> Walk:
    """Return the walk that ends in a fault."""
    return Walk(fault, level, cause(fault, kind), why, memory, used, touched=touched, may_set=A)


def walk(memory: Memory, regime: Regime, root: Pa, va: Va, kind: Kind, user: bool) -> Walk:
    """Return what an access comes to (RISC-V Privileged ISA, "Virtual Address Translation Process")."""
    if not is_canonical(va, regime.va_bits):
        rule(c.RISCV_CANONICAL)
        return faulted(memory, PAGE_FAULT, levels(regime) - 1, kind, c.RISCV_CANONICAL, ())
    table: Pa = root
    used: tuple[Pa, ...] = ()
    for level in range(levels(regime) - 1, -1, -1):
        at = entry_at(table, va, level)
        if at >> regime.phys_bits:
            rule(c.RISCV_MEMORY)
            return faulted(memory, ACCESS_FAULT, level, kind, c.RISCV_MEMORY, used)
        entry = memory.get(at, 0)
        wrong, why = unsound(regime, level, entry)
        if wrong:
            return faulted(memory, PAGE_FAULT, level, kind, why, used)
        used = (*used, at)
        if not is_pointer(entry):
            forbidden, why = denied(regime, level, entry, kind, user)
            if forbidden:
                return faulted(memory, PAGE_FAULT, level, kind, why, used, (at,))
            return leaf_reached(memory, regime, used, level, entry, va, kind)
        table = frame_of(entry)
    return faulted(memory, PAGE_FAULT, 0, kind, c.RISCV_DEPTH, used)  # a pointer at level 0 is unsound: nothing comes here


def size_of(level: Level, leaf: Entry) -> Size:
    """Return how much a leaf maps."""
    if leaf & NAPOT:
        rule(c.RISCV_NAPOT_FRAME)
        return 1 << NAPOT_SIZE
    return 1 << shift_of(level)


def leaf_reached(memory: Memory, regime: Regime, used: tuple[Pa, ...], level: Level, leaf: Entry, va: Va, kind: Kind) -> Walk:
    """Mark the leaf, and give the byte that it maps (steps 7 to 9)."""
    size = size_of(level, leaf)
    pa = (frame_of(leaf) & ~(size - 1)) | (va & (size - 1))
    after, accessed = set_bits(memory, used[-1:], A)
    dirty: tuple[Pa, ...] = ()
    if kind == WRITE:
        after, dirty = set_bits(after, used[-1:], D)
    if pa >> regime.phys_bits:
        rule(c.RISCV_MEMORY)
        bits = A | D if kind == WRITE else A
        code = cause(ACCESS_FAULT, kind)
        return Walk(ACCESS_FAULT, level, code, c.RISCV_MEMORY, memory, used, touched=used[-1:], may_set=bits)
    if regime.adue:
        rule(c.RISCV_SVADU)
    user, execute = (leaf & U) != 0, (leaf & X) != 0
    return Walk(
        NO_FAULT,
        level,
        0,
        TRANSLATED,
        after,
        used,
        pa=pa,
        size=size,
        permissions=rights(user, (leaf & R) != 0, (leaf & W) != 0, execute),
        memory_type=(leaf >> PBMT_SHIFT) & 3,
        is_global=(leaf & G) != 0,
        entry=leaf,
        accessed=accessed,
        dirty=dirty,
    )
