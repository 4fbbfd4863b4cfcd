"""The walker of AArch64's EL1&0 regime: what tables take away is kept as the leaf's own bits would say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmimpl.engine import Cells, helper, kernel
from mmimpl.virtual.page_table.memory import COUNT, DIRTY, FIRST, Address, Memory, Signed, fail, place_of, succeed
from mmspec.virtual.page_table.ops import (
    ACCESS_FLAG,
    ADDRESS_SIZE,
    FETCH,
    NO_FAULT,
    PERMISSION,
    TRANSLATION,
    WRITE,
    Kind,
)  # fmt: skip

AP1, AP2, AF = 1 << 6, 1 << 7, 1 << 10
DBM, PXN, UXN = 1 << 51, 1 << 53, 1 << 54

GRANULE, VA_BITS, PHYS_BITS, START, LOW_SHIFT, LOW_BITS, HIGH_SHIFT, HIGH_BITS, FIELD_SHIFT, BLOCKS = range(10)
WXN, PAN, EPAN, HARDWARE_AF, HARDWARE_DIRTY, TOP_DATA, TOP_FETCH, CLOSED, CLOSED_USER, HIERARCHY = range(10, 20)
"""The cells of a regime. Descriptors hold ``LOW_BITS`` address bits in place; ``HIGH_BITS`` more, which lie from
``HIGH_SHIFT`` on, belong from ``FIELD_SHIFT`` on. ``BLOCKS`` has a bit for each level with blocks; ``TOP_*`` are how many bits of
an address count."""

REGIME = 20

INVALID, TABLE, LEAF = range(3)
"""What a descriptor is to a walk."""


def regime(granule: int, va_bits: int, phys_bits: int, controls: Mapping[str, Any]) -> list[int]:
    """Return what the control registers say as a walk wants it."""
    cells = [0] * REGIME
    cells[GRANULE], cells[VA_BITS], cells[PHYS_BITS] = granule, va_bits, phys_bits
    levels = -(-(va_bits - granule) // (granule - 3))
    cells[START] = 4 - levels
    ds, lpa = controls["ds"], granule == 16 and phys_bits == 52
    cells[LOW_BITS] = 50 if ds else 48
    if ds:
        cells[FIELD_SHIFT], cells[HIGH_SHIFT], cells[HIGH_BITS] = 50, 8, 2
    elif lpa:
        cells[FIELD_SHIFT], cells[HIGH_SHIFT], cells[HIGH_BITS] = 48, 12, 4
    cells[BLOCKS] = {12: 0b110 | ds, 14: 0b100 | ds << 1, 16: 0b100 | lpa << 1}[granule]
    cells[WXN], cells[PAN] = controls["wxn"], controls["pan"]
    cells[EPAN] = controls["pan"] and controls["epan"]
    cells[HARDWARE_AF], cells[HARDWARE_DIRTY] = controls["ha"], controls["ha"] and controls["hd"]
    cells[TOP_DATA] = 56 if controls["tbi"] else 64
    cells[TOP_FETCH] = 56 if controls["tbi"] and not controls["tbid"] else 64
    cells[CLOSED], cells[CLOSED_USER] = controls["epd"], controls["epd"] or controls["e0pd"]
    cells[HIERARCHY] = not controls["hpd"]
    return cells


@helper
def status(kind: int, level: int) -> int:
    """Return the fault status code."""
    if level < 0:
        return 0x29 if kind == ADDRESS_SIZE else 0x2B
    if kind == TRANSLATION:
        return 4 + level
    if kind == ADDRESS_SIZE:
        return level
    return 8 + level if kind == ACCESS_FLAG else 12 + level


@helper
def sort_of(regime: Cells, level: int, entry: Signed) -> int:
    """Return what a descriptor is to a walk, its address aside."""
    if entry & 1 == 0:
        return INVALID
    if entry & 2:
        return TABLE if level < 3 else LEAF
    return LEAF if 0 <= level < 3 and (regime[BLOCKS] >> level) & 1 else INVALID


@helper
def address_of(regime: Cells, entry: Signed, low: int) -> int:
    """Return the address in a descriptor, its bits below ``low`` 0."""
    address = ((entry & ((1 << regime[LOW_BITS]) - 1)) >> low) << low
    return address | ((entry >> regime[HIGH_SHIFT]) & ((1 << regime[HIGH_BITS]) - 1)) << regime[FIELD_SHIFT]


@helper
def takes(regime: Cells, entry: Signed) -> int:
    """Return what a table takes from all below it, where a leaf would say it: AP[1] against EL0, AP[2], PXN, UXN."""
    return ((entry >> 61) & 3) << 6 | ((entry >> 59) & 3) << 53 if regime[HIERARCHY] else 0


@helper
def effective(leaf: Signed, taken: int) -> int:
    """Return a leaf with what the tables above it take away written into it."""
    return (leaf & ~(taken & AP1)) | (taken & (AP2 | PXN | UXN))


@kernel
def permits(regime: Cells, leaf: Signed, kind: Kind, user: int) -> bool:
    """Tell whether a leaf, with what the tables above it take away written into it, permits an access."""
    el0 = leaf & AP1 != 0
    write = leaf & AP2 == 0
    if kind == FETCH:
        if user:
            return leaf & UXN == 0 and not (regime[WXN] and el0 and write)
        return leaf & PXN == 0 and not (write and (el0 or regime[WXN]))
    if user:
        return el0 and (write or kind != WRITE)
    if regime[PAN] and el0:
        return False
    if regime[EPAN] and leaf & UXN == 0:
        return False
    return write or kind != WRITE


@helper
def walk(memory: Memory, regime: Cells, root: Address, va: Signed, kind: Kind, user: int, out: Cells) -> None:
    """Walk, mark the leaf, and write down what it comes to."""
    top = regime[TOP_FETCH] if kind == FETCH else regime[TOP_DATA]
    # Bits that differ from bit 55, above those that the tables translate.
    rest = ((va & ((1 << top) - 1)) ^ (-((va >> 55) & 1) & ((1 << top) - 1))) >> regime[VA_BITS]
    if rest != 0 or (regime[CLOSED_USER] if user else regime[CLOSED]):
        fail(out, TRANSLATION, 0, status(TRANSLATION, 0))
        return
    stride = regime[GRANULE] - 3
    inside = va & ((1 << regime[VA_BITS]) - 1)
    table = root
    taken = 0  # AP[1] and what is set by the tables above: AP[2], PXN, UXN
    for level in range(regime[START], 4):
        shift = stride * (4 - level) + 3
        at = table + ((inside >> shift) & ((1 << stride) - 1)) * 8
        place = place_of(memory, at)
        entry = memory.words[place]
        sort = sort_of(regime, level, entry)
        if sort == INVALID:
            fail(out, TRANSLATION, level, status(TRANSLATION, level))
            return
        address = address_of(regime, entry, regime[GRANULE] if sort == TABLE else shift)
        if address >> regime[PHYS_BITS]:
            fail(out, ADDRESS_SIZE, level, status(ADDRESS_SIZE, level))
            return
        if sort == TABLE:
            taken |= takes(regime, entry)
            table = address
            continue
        if entry & AF == 0 and not regime[HARDWARE_AF]:
            fail(out, ACCESS_FLAG, level, status(ACCESS_FLAG, level))
            return
        clean = regime[HARDWARE_DIRTY] and entry & DBM and entry & AP2
        if not permits(regime, effective(entry & ~AP2 if clean else entry, taken), kind, user):
            fail(out, PERMISSION, level, status(PERMISSION, level))
            return
        succeed(out, NO_FAULT, level, address | (inside & ((1 << shift) - 1)), 1 << shift)
        if entry & AF == 0:
            out[COUNT] = 1
            out[FIRST] = at
        if clean and kind == WRITE:
            out[DIRTY] = at
            entry &= ~AP2
        memory.words[place] = entry | AF
        return
