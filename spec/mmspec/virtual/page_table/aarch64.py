"""The walk of AArch64's EL1&0 regime, stage 1 (Arm ARM DDI 0487, "The AArch64 Virtual Memory System Architecture").

Granules of 4, 16 and 64 KiB; input and output to 52 bits (LVA and LPA with 64 KiB, DS with the others). Not modelled: stage 2,
permission indirection and overlays, BTI and MTE, the nT bit, TBI of a mode that authenticates pointers.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from mmspec.clause import Clause, rule
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table.ops import (
    AARCH64,
    ACCESS_FLAG,
    ADDRESS_SIZE,
    FETCH,
    NO_FAULT,
    PERMISSION,
    TRANSLATION,
    WRITE,
    Bits,
    Code,
    Entry,
    FaultKind,
    Granule,
    Kind,
    Level,
    Pa,
    PhysBits,
    Size,
    Va,
    VaBits,
)  # fmt: skip
from mmspec.virtual.page_table.walk import (
    KERNEL_EXECUTE,
    KERNEL_READ,
    KERNEL_WRITE,
    NOTHING_USED,
    TRANSLATED,
    USER_EXECUTE,
    USER_READ,
    USER_WRITE,
    Memory,
    Permissions,
    Walk,
    set_bits,
)

VALID, TABLE = 1 << 0, 1 << 1
ATTR_SHIFT = 2
AP_EL0, AP_READ_ONLY = 1 << 6, 1 << 7
AF, NOT_GLOBAL = 1 << 10, 1 << 11
DBM, PXN, UXN = 1 << 51, 1 << 53, 1 << 54
PXN_TABLE, UXN_TABLE, AP_TABLE_NO_EL0, AP_TABLE_READ_ONLY = 1 << 59, 1 << 60, 1 << 61, 1 << 62

CODES = (0x04, 0x00, 0x08, 0x0C)
"""The status codes of TRANSLATION, ADDRESS_SIZE, ACCESS_FLAG and PERMISSION at level 0."""


@attrs.frozen
class Regime:
    """What the control registers say of the half that an address selects (Arm ARM DDI 0487, TCR_EL1, SCTLR_EL1)."""

    arch: ClassVar[Literal[1]] = AARCH64
    va_bits: VaBits  # 64 - TCR.TxSZ
    phys_bits: PhysBits  # the output size: TCR.IPS, PARange, and 48 at most unless 52-bit addresses are in use
    granule: Granule  # TCR.TGx: the binary logarithm of the smallest page's size, 12, 14 or 16
    ds: bool  # TCR.DS: descriptors of 4K and 16K hold 52-bit addresses
    wxn: bool  # SCTLR.WXN
    epan: bool  # SCTLR.EPAN
    pan: bool  # PSTATE.PAN
    ha: bool  # TCR.HA
    hd: bool  # TCR.HD
    tbi: bool  # TCR.TBIx
    tbid: bool  # TCR.TBIDx
    epd: bool  # TCR.EPDx
    e0pd: bool  # TCR.E0PDx
    hpd: bool  # TCR.HPDx


@attrs.frozen
class Limits:
    """What the tables above an entry take from the rights below them."""

    el0: bool = True
    write: bool = True
    pxn: bool = False
    uxn: bool = False


@attrs.frozen
class Granted:
    """What a leaf grants, the tables above it and its dirty-bit modifier considered."""

    el0: bool
    write: bool
    pxn: bool
    uxn: bool


# --- where a walk begins -----------------------------------------------------------------------------------------------


def shift_of(regime: Regime, level: Level) -> Bits:
    """Return the binary logarithm of how much one entry of a level spans."""
    return (regime.granule - 3) * (4 - level) + 3


def start_level(regime: Regime) -> Level:
    """Return the level of the root."""
    rule(c.ARM_START)
    return 3 - (regime.va_bits - regime.granule - 1) // (regime.granule - 3)


def entry_at(regime: Regime, table: Pa, inside: Va, level: Level) -> Pa:
    """Return the address of the entry that the translated bits of an address select in a table of a level."""
    return table + ((inside >> shift_of(regime, level)) & ((1 << (regime.granule - 3)) - 1)) * 8


def root_bits(regime: Regime) -> Bits:
    """Return the binary logarithm of what the root is aligned to: its size, at least 64 bytes."""
    return max(6, regime.va_bits - shift_of(regime, start_level(regime)) + 3)


def ignores_top_byte(regime: Regime, kind: Kind) -> bool:
    """Tell whether bits 63 to 56 of an address are ignored."""
    if regime.tbi and regime.tbid and kind == FETCH:
        rule(c.ARM_TBID)
        return False
    return regime.tbi


def out_of_range(regime: Regime, va: Va, kind: Kind) -> bool:
    """Tell whether an address has bits above the input size that are not all its bit 55."""
    high = 56 if ignores_top_byte(regime, kind) else 64
    top = (va & ((1 << high) - 1)) >> regime.va_bits
    ones = (1 << (high - regime.va_bits)) - 1
    return top != ones * ((va >> 55) & 1)


# --- descriptors ---------------------------------------------------------------------------------------------------------


def wide(regime: Regime) -> bool:
    """Tell whether descriptors of 64 KiB granules hold 52-bit addresses."""
    return (regime.granule == 16) & (regime.phys_bits == 52)


def address_in(regime: Regime, entry: Entry, low: Bits) -> Pa:
    """Return the table or output address that a descriptor holds, its bits below ``low`` 0."""
    if wide(regime):
        rule(c.ARM_LPA)
        return ((entry & ((1 << 48) - 1)) >> low << low) | ((entry >> 12) & 15) << 48
    if regime.ds:
        rule(c.ARM_LPA)
        return ((entry & ((1 << 50) - 1)) >> low << low) | ((entry >> 8) & 3) << 50
    return (entry & ((1 << 48) - 1)) >> low << low


def has_blocks(regime: Regime, level: Level) -> bool:
    """Tell whether a granule has blocks at a level."""
    if regime.granule == 12:
        return (level == 1) | (level == 2) | ((level == 0) & regime.ds)
    if regime.granule == 14:
        return (level == 2) | ((level == 1) & regime.ds)
    return (level == 2) | ((level == 1) & wide(regime))


def limit(regime: Regime, above: Limits, entry: Entry) -> Limits:
    """Return what is left below a table descriptor: each level can only take away."""
    if regime.hpd:
        return above
    rule(c.ARM_HIERARCHY)
    return Limits(
        el0=above.el0 & ((entry & AP_TABLE_NO_EL0) == 0),
        write=above.write & ((entry & AP_TABLE_READ_ONLY) == 0),
        pxn=above.pxn | ((entry & PXN_TABLE) != 0),
        uxn=above.uxn | ((entry & UXN_TABLE) != 0),
    )


def becomes_dirty(regime: Regime, leaf: Entry) -> bool:
    """Tell whether a leaf is writable and clean: hardware clears AP[2] at a write instead of faulting."""
    return regime.ha & regime.hd & ((leaf & DBM) != 0) & ((leaf & AP_READ_ONLY) != 0)


def grant(regime: Regime, above: Limits, leaf: Entry) -> Granted:
    """Return what a leaf grants."""
    write = (leaf & AP_READ_ONLY) == 0
    if becomes_dirty(regime, leaf):
        rule(c.ARM_DBM)
        write = True
    return Granted(
        el0=above.el0 & ((leaf & AP_EL0) != 0),
        write=above.write & write,
        pxn=above.pxn | ((leaf & PXN) != 0),
        uxn=above.uxn | ((leaf & UXN) != 0),
    )


# --- rights --------------------------------------------------------------------------------------------------------------


def fetch_denied(regime: Regime, granted: Granted, user: bool) -> tuple[bool, Clause]:
    """Tell whether an instruction fetch is forbidden, and by which rule."""
    if user and granted.uxn:
        rule(c.ARM_UXN)
        return True, c.ARM_UXN
    if not user and granted.pxn:
        rule(c.ARM_PXN)
        return True, c.ARM_PXN
    if not user and granted.el0 and granted.write:
        rule(c.ARM_PXN_IMPLIED)
        return True, c.ARM_PXN_IMPLIED
    if regime.wxn and granted.write and (granted.el0 or not user):
        rule(c.ARM_WXN)
        return True, c.ARM_WXN
    return False, TRANSLATED


def denied(regime: Regime, granted: Granted, kind: Kind, user: bool) -> tuple[bool, Clause]:
    """Tell whether an access is forbidden, and by which rule."""
    if kind == FETCH:
        return fetch_denied(regime, granted, user)
    if user and not granted.el0:
        rule(c.ARM_EL0)
        return True, c.ARM_EL0
    if regime.pan and granted.el0 and not user:
        rule(c.ARM_PAN)
        return True, c.ARM_PAN
    if regime.pan and regime.epan and not user and not granted.uxn:
        rule(c.ARM_EPAN)
        return True, c.ARM_EPAN
    if kind == WRITE and not granted.write:
        rule(c.ARM_WRITE)
        return True, c.ARM_WRITE
    return False, TRANSLATED


def permissions(granted: Granted) -> Permissions:
    """Return what a leaf and the tables above it grant each exception level."""
    return (
        KERNEL_READ
        | (granted.write * KERNEL_WRITE)
        | ((not granted.pxn) * KERNEL_EXECUTE)
        | (granted.el0 * USER_READ)
        | ((granted.el0 & granted.write) * USER_WRITE)
        | ((not granted.uxn) * USER_EXECUTE)
    )


# --- the walk ------------------------------------------------------------------------------------------------------------


def status_code(fault: FaultKind, level: Level) -> Code:
    """Return the fault status code (arch/arm64/mm/fault.c:fault_info, v6.12)."""
    rule(c.ARM_FSC)
    if level < 0:
        return 0x29 if fault == ADDRESS_SIZE else 0x2B
    return CODES[fault - TRANSLATION] + level


def faulted(
    memory: Memory, fault: FaultKind, level: Level, why: Clause, used: tuple[Pa, ...], touched: tuple[Pa, ...] = ()
) -> Walk:
    """Return the walk that ends in a fault."""
    return Walk(fault, level, status_code(fault, level), why, memory, used, touched=touched, may_set=AF)


def walk(memory: Memory, regime: Regime, root: Pa, va: Va, kind: Kind, user: bool) -> Walk:
    """Return what an access comes to (Arm ARM DDI 0487, "Translation table walks")."""
    if out_of_range(regime, va, kind):
        rule(c.ARM_RANGE)
        return faulted(memory, TRANSLATION, 0, c.ARM_RANGE, ())
    if user and regime.e0pd:
        rule(c.ARM_E0PD)
        return faulted(memory, TRANSLATION, 0, c.ARM_E0PD, ())
    if regime.epd:
        rule(c.ARM_EPD)
        return faulted(memory, TRANSLATION, 0, c.ARM_EPD, ())
    inside = va & ((1 << regime.va_bits) - 1)
    table: Pa = root
    above, used = Limits(), NOTHING_USED
    for level in range(start_level(regime), 4):
        at = entry_at(regime, table, inside, level)
        entry = memory.get(at, 0)
        if entry & VALID == 0:
            rule(c.ARM_VALID)
            return faulted(memory, TRANSLATION, level, c.ARM_VALID, used)
        is_table = (entry & TABLE) != 0 and level < 3
        if entry & TABLE == 0 and not has_blocks(regime, level):
            rule(c.ARM_BLOCK)
            return faulted(memory, TRANSLATION, level, c.ARM_BLOCK, used)
        address = address_in(regime, entry, regime.granule if is_table else shift_of(regime, level))
        if address >> regime.phys_bits:
            rule(c.ARM_SIZE)
            return faulted(memory, ADDRESS_SIZE, level, c.ARM_SIZE, used)
        used = (*used, at)
        if not is_table:
            return leaf_reached(memory, regime, above, used, level, entry, address, inside, kind, user)
        above = limit(regime, above, entry)
        table = address
    return faulted(memory, TRANSLATION, 3, c.ARM_BLOCK, used)  # a descriptor of level 3 is no table: nothing comes here


def leaf_reached(
    memory: Memory,
    regime: Regime,
    above: Limits,
    used: tuple[Pa, ...],
    level: Level,
    leaf: Entry,
    address: Pa,
    inside: Va,
    kind: Kind,
    user: bool,
) -> Walk:
    """Ask the access flag and the rights at a leaf, and mark it (contiguous or not)."""
    rule(c.ARM_CONTIGUOUS)
    if leaf & AF == 0 and not regime.ha:
        rule(c.ARM_AF)
        return faulted(memory, ACCESS_FLAG, level, c.ARM_AF, used)
    granted = grant(regime, above, leaf)
    forbidden, why = denied(regime, granted, kind, user)
    if forbidden:
        return faulted(memory, PERMISSION, level, why, used, used[-1:] if regime.ha else ())
    after, accessed = set_bits(memory, used[-1:], AF)
    dirty: tuple[Pa, ...] = ()
    if kind == WRITE and becomes_dirty(regime, leaf):
        after, dirty = after.set(used[-1], (leaf | AF) & ~AP_READ_ONLY), used[-1:]
    size: Size = 1 << shift_of(regime, level)
    return Walk(
        NO_FAULT,
        level,
        0,
        TRANSLATED,
        after,
        used,
        pa=address | (inside & (size - 1)),
        size=size,
        permissions=permissions(granted),
        memory_type=(leaf >> ATTR_SHIFT) & 7,
        is_global=(leaf & NOT_GLOBAL) == 0,
        entry=leaf,
        accessed=accessed,
        dirty=dirty,
    )
