"""The walk of x86-64, with four or five levels (Intel SDM 3A, "Paging").

A translation ends at an entry that is not present, at one with a reserved bit, or at a leaf; only there are the rights of all
levels weighed together. Not modelled: HLAT, shadow stacks, protection keys of supervisor pages, LAM, SGX.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from mmspec.clause import Clause, rule
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table.ops import (
    FETCH,
    GENERAL_PROTECTION,
    NO_FAULT,
    PAGE_FAULT,
    WRITE,
    X86_64,
    Bits,
    Code,
    Entry,
    FaultKind,
    Kind,
    Level,
    Pa,
    PhysBits,
    Rights,
    Size,
    Va,
    VaBits,
)  # fmt: skip
from mmspec.virtual.page_table.walk import NOTHING_USED, TRANSLATED, Memory, MemoryType, Walk, rights, set_bits

PRESENT, WRITABLE, USER, PWT, PCD, ACCESSED, DIRTY, PAGE_SIZE, GLOBAL = (1 << bit for bit in range(9))
PAT_LARGE = 1 << 12
EXECUTE_DISABLE = 1 << 63
FRAME = ((1 << 52) - 1) & ~0xFFF
"""The bits of an entry that hold an address."""

KEY_SHIFT = 59

CODE_PRESENT, CODE_WRITE, CODE_USER, CODE_RESERVED, CODE_FETCH, CODE_KEY = (1 << bit for bit in range(6))


@attrs.frozen
class Regime:
    """What the control registers say (Intel SDM 3A, "Paging modes and control bits")."""

    arch: ClassVar[Literal[0]] = X86_64
    va_bits: VaBits  # 48 or 57
    phys_bits: PhysBits  # MAXPHYADDR, 32 to 52
    wp: bool  # CR0.WP
    smep: bool  # CR4.SMEP
    smap: bool  # CR4.SMAP
    nxe: bool  # EFER.NXE
    pke: bool  # CR4.PKE
    ac: bool  # EFLAGS.AC
    pkru: Rights
    gbpages: bool  # CPUID.80000001H:EDX.Page1GB


@attrs.frozen
class Combined:
    """The rights of the entries that a walk has used so far."""

    write: bool = True
    user: bool = True
    execute: bool = True


def levels(regime: Regime) -> Level:
    """Return how many levels there are, which is the number of the root's."""
    return (regime.va_bits - 12) // 9


def is_canonical(va: Va, va_bits: VaBits) -> bool:
    """Tell whether all bits of an address from the width's top bit on are alike."""
    top = va >> (va_bits - 1)
    return (top == 0) | (top == (1 << (65 - va_bits)) - 1)


def shift_of(level: Level) -> Bits:
    """Return the binary logarithm of how much one entry of a level spans."""
    return 9 * level + 3


def entry_at(table: Pa, va: Va, level: Level) -> Pa:
    """Return the address of the entry that an address selects in a table of a level."""
    return table + ((va >> shift_of(level)) & 511) * 8


def is_leaf(level: Level, entry: Entry) -> bool:
    """Tell whether a present entry without reserved bits maps a page."""
    rule(c.X86_LEAF)
    return (level == 1) | ((entry & PAGE_SIZE) != 0)


def reserved(regime: Regime, level: Level, entry: Entry) -> tuple[bool, Clause]:
    """Tell whether a present entry has a reserved bit set, and which rule reserves it."""
    if entry & FRAME >> regime.phys_bits << regime.phys_bits:
        rule(c.X86_RESERVED_ADDRESS)
        return True, c.X86_RESERVED_ADDRESS
    if (entry & EXECUTE_DISABLE) != 0 and not regime.nxe:
        rule(c.X86_RESERVED_XD)
        return True, c.X86_RESERVED_XD
    if entry & PAGE_SIZE and level >= 4:
        rule(c.X86_RESERVED_PS)
        return True, c.X86_RESERVED_PS
    if entry & PAGE_SIZE and level == 3 and not regime.gbpages:
        rule(c.X86_RESERVED_1G)
        return True, c.X86_RESERVED_1G
    if entry & PAGE_SIZE and level > 1 and entry & ((1 << shift_of(level)) - (1 << 13)):
        rule(c.X86_RESERVED_LARGE)
        return True, c.X86_RESERVED_LARGE
    return False, TRANSLATED


def combine(above: Combined, entry: Entry) -> Combined:
    """Return the rights that are left below an entry: each level can only take away."""
    rule(c.X86_RIGHTS)
    return Combined(
        write=above.write & ((entry & WRITABLE) != 0),
        user=above.user & ((entry & USER) != 0),
        execute=above.execute & ((entry & EXECUTE_DISABLE) == 0),
    )


def key_denies(regime: Regime, granted: Combined, leaf: Entry, kind: Kind, user: bool) -> tuple[bool, Clause]:
    """Tell whether the leaf's protection key forbids an access: keys are of user-mode addresses, and never forbid a fetch."""
    key = (leaf >> KEY_SHIFT) & 15
    denial = (regime.pkru >> (2 * key)) & 3
    if not (regime.pke & granted.user & (kind != FETCH)):
        return False, TRANSLATED
    if denial & 1:
        rule(c.X86_PKEY_AD)
        return True, c.X86_PKEY_AD
    if (denial & 2) != 0 and kind == WRITE and (user or regime.wp):
        rule(c.X86_PKEY_WD)
        return True, c.X86_PKEY_WD
    return False, TRANSLATED


def denied(regime: Regime, granted: Combined, kind: Kind, user: bool) -> tuple[bool, Clause]:
    """Tell whether the rights of all levels and the control bits forbid an access, protection keys aside, and by which rule."""
    if user and not granted.user:
        rule(c.X86_USER)
        return True, c.X86_USER
    if kind == FETCH:
        if regime.smep and granted.user and not user:
            rule(c.X86_SMEP)
            return True, c.X86_SMEP
        if not granted.execute:
            rule(c.X86_XD)
            return True, c.X86_XD
        return False, TRANSLATED
    if regime.smap and granted.user and not user and not regime.ac:
        rule(c.X86_SMAP)
        return True, c.X86_SMAP
    if kind == WRITE and not granted.write and (user or regime.wp):
        rule(c.X86_WRITE)
        return True, c.X86_WRITE
    return False, TRANSLATED


def error_code(regime: Regime, present: bool, kind: Kind, user: bool) -> Code:
    """Return the error code of a page fault (arch/x86/include/asm/trap_pf.h, v6.12), reserved bits and keys aside."""
    rule(c.X86_CODE_P)
    code = present * CODE_PRESENT + (kind == WRITE) * CODE_WRITE + user * CODE_USER
    if kind == FETCH and (regime.smep or regime.nxe):
        rule(c.X86_CODE_INSTR)
        return code + CODE_FETCH
    return code


def faulted(memory: Memory, kind: FaultKind, level: Level, code: Code, why: Clause, used: tuple[Pa, ...]) -> Walk:
    """Return the walk that ends in a fault; the entries that it used may have been marked as accessed all the same."""
    return Walk(kind, level, code, why, memory, used, touched=used, may_set=ACCESSED)


def memory_type(level: Level, leaf: Entry) -> MemoryType:
    """Return the index into the PAT that a leaf selects: its PAT bit is 7 in a 4-KiB page, 12 in a larger."""
    pat = (leaf & PAGE_SIZE) != 0 if level == 1 else (leaf & PAT_LARGE) != 0
    return 4 * pat + 2 * ((leaf & PCD) != 0) + ((leaf & PWT) != 0)


def walk(memory: Memory, regime: Regime, root: Pa, va: Va, kind: Kind, user: bool) -> Walk:
    """Return what an access comes to (Intel SDM 3A, "4-level paging and 5-level paging")."""
    if not is_canonical(va, regime.va_bits):
        rule(c.X86_CANONICAL)
        return faulted(memory, GENERAL_PROTECTION, levels(regime), 0, c.X86_CANONICAL, ())
    table: Pa = root
    granted, used = Combined(), NOTHING_USED
    for level in range(levels(regime), 0, -1):
        at = entry_at(table, va, level)
        entry = memory.get(at, 0)
        if entry & PRESENT == 0:
            rule(c.X86_PRESENT)
            return faulted(memory, PAGE_FAULT, level, error_code(regime, False, kind, user), c.X86_PRESENT, used)
        wrong, why = reserved(regime, level, entry)
        if wrong:
            rule(c.X86_CODE_RSVD)
            return faulted(memory, PAGE_FAULT, level, error_code(regime, True, kind, user) + CODE_RESERVED, why, used)
        used = (*used, at)
        granted = combine(granted, entry)
        if is_leaf(level, entry):
            return leaf_reached(memory, regime, granted, used, level, entry, va, kind, user)
        table = entry & FRAME
    return faulted(memory, PAGE_FAULT, 0, 0, TRANSLATED, used)  # an entry of level 1 is a leaf: nothing comes here


def leaf_reached(
    memory: Memory,
    regime: Regime,
    granted: Combined,
    used: tuple[Pa, ...],
    level: Level,
    leaf: Entry,
    va: Va,
    kind: Kind,
    user: bool,
) -> Walk:
    """Weigh the rights at a leaf; mark every entry as accessed, and the leaf of a write as dirty."""
    forbidden, why = denied(regime, granted, kind, user)
    by_key, why_key = key_denies(regime, granted, leaf, kind, user)
    if forbidden or by_key:
        code = error_code(regime, True, kind, user)
        if by_key:
            rule(c.X86_CODE_PK)
            code = code + CODE_KEY
        if forbidden:
            return faulted(memory, PAGE_FAULT, level, code, why, used)
        return faulted(memory, PAGE_FAULT, level, code, why_key, used)
    rule(c.X86_ACCESSED)
    after, accessed = set_bits(memory, used, ACCESSED)
    dirty: tuple[Pa, ...] = ()
    if kind == WRITE:
        rule(c.X86_DIRTY)
        after, dirty = set_bits(after, used[-1:], DIRTY)
    size: Size = 1 << shift_of(level)
    return Walk(
        NO_FAULT,
        level,
        0,
        TRANSLATED,
        after,
        used,
        pa=(leaf & FRAME & ~(size - 1)) | (va & (size - 1)),
        size=size,
        permissions=rights(granted.user, True, granted.write, granted.execute),
        memory_type=memory_type(level, leaf),
        is_global=(leaf & GLOBAL) != 0,
        entry=leaf,
        accessed=accessed,
        dirty=dirty,
    )
