"""The walker of x86-64, as hardware does it: rights are two bits that levels take away from, looked up once at the leaf."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmimpl.engine import Cells, helper, kernel
from mmimpl.virtual.page_table.memory import COUNT, DIRTY, FIRST, Address, Memory, Signed, fail, place_of, signed, succeed
from mmspec.virtual.page_table.ops import FETCH, GENERAL_PROTECTION, NO_FAULT, PAGE_FAULT, WRITE, Kind

P, RW, US = 1, 2, 4
A, D, PS = 0x20, 0x40, 0x80

LEVELS, FETCH_CODE, KEYS, PKRU, WP, ADDRESS, TABLE_RESERVED, LEAF_RESERVED, ALLOWED = 0, 1, 2, 3, 4, 5, 6, 12, 18
"""Where the cells of a regime begin; ``*_RESERVED`` and ``ALLOWED`` are tables: by level, and by rights and access."""

REGIME = ALLOWED + 48

ABSENT, WRONG, TABLE, LEAF = range(4)
"""What an entry is to a walk: not present, with a reserved bit, the way to a table, a page."""


def regime(va_bits: int, phys_bits: int, controls: Mapping[str, Any]) -> list[int]:
    """Return what the control registers say as a walk wants it."""
    cells = [0] * REGIME
    cells[LEVELS] = (va_bits - 12) // 9
    cells[FETCH_CODE] = 16 if controls["smep"] or controls["nxe"] else 0
    cells[KEYS], cells[PKRU], cells[WP] = controls["pke"], controls["pkru"], controls["wp"]
    cells[ADDRESS] = (1 << 52) - (1 << 12)
    for level in range(1, 6):
        cells[TABLE_RESERVED + level], cells[LEAF_RESERVED + level] = reserved(level, phys_bits, controls)
    for access in range(6):
        for rights in range(8):
            cells[ALLOWED + 8 * access + rights] = allows(access >> 1, access & 1 == 1, rights, controls)
    return cells


def reserved(level: int, phys_bits: int, controls: Mapping[str, Any]) -> tuple[int, int]:
    """Return the bits that a level reserves in a table's entry and in a leaf."""
    always = (1 << 52) - (1 << phys_bits) | (0 if controls["nxe"] else 1 << 63)
    large = (1 << (9 * level + 3)) - (1 << 13) if level in (2, 3) else 0  # bit 12, which lies below, is PAT
    table = always | (PS if level >= 4 else 0)
    return signed(table), signed(always | large | (PS if level == 3 and not controls["gbpages"] else 0))


def allows(kind: Kind, user: bool, rights: int, controls: Mapping[str, Any]) -> bool:
    """Tell whether rights (RW, US and 1 for execute-disable, of all levels) allow an access, protection keys aside."""
    if user:
        mine = rights & US != 0
    elif kind == FETCH:
        mine = not (rights & US and controls["smep"])
    else:
        mine = not (rights & US and controls["smap"] and not controls["ac"])
    if kind == FETCH:
        return mine and rights & 1 == 0
    if kind == WRITE:
        return mine and (rights & RW != 0 or not (user or controls["wp"]))
    return mine


@helper
def sort_of(regime: Cells, level: int, entry: Signed) -> int:
    """Return what an entry is to a walk."""
    if entry & P == 0:
        return ABSENT
    leaf = level == 1 or (entry & PS != 0 and level < 4)
    if entry & regime[(LEAF_RESERVED if leaf else TABLE_RESERVED) + level]:
        return WRONG
    return LEAF if leaf else TABLE


@helper
def below(rights: int, entry: Signed) -> int:
    """Return the rights that are left below an entry."""
    return (rights & entry) | (rights & 1) | (1 if entry < 0 else 0)


@helper
def denial(regime: Cells, rights: int, entry: Signed, kind: Kind, user: int) -> int:
    """Return what the error code of an access says that a leaf forbids: 33 if its key does, 1 if only rights do; else 0."""
    key = (regime[PKRU] >> (2 * ((entry >> 59) & 15))) & 3 if regime[KEYS] and rights & US and kind != FETCH else 0
    if key & 1 or (key & 2 and kind == WRITE and (user or regime[WP])):
        return 33
    return 0 if regime[ALLOWED + 8 * (2 * kind + user) + (rights & 7)] else 1


@helper
def walk(memory: Memory, regime: Cells, root: Address, va: Signed, kind: Kind, user: int, out: Cells) -> None:
    """Walk, mark what is used, and write down what it comes to."""
    levels = regime[LEVELS]
    code = (2 if kind == WRITE else 0) | (4 if user else 0) | (regime[FETCH_CODE] if kind == FETCH else 0)
    sign = va >> (9 * levels + 11)
    if sign * (sign + 1) != 0:  # neither 0 nor -1: the bits are not all alike
        fail(out, GENERAL_PROTECTION, levels, 0)
        return
    table = root
    rights = RW | US
    unused = 0  # A is set if one of the entries was never used before
    for depth in range(levels):
        level = levels - depth
        shift = 9 * level + 3
        at = table + ((va >> shift) & 511) * 8
        entry = memory.words[place_of(memory, at)]
        sort = sort_of(regime, level, entry)
        if sort <= WRONG:
            fail(out, PAGE_FAULT, level, code if sort == ABSENT else code | 9)
            return
        rights = below(rights, entry)
        unused |= ~entry
        out[FIRST + depth] = at
        if sort == LEAF:
            forbidden = denial(regime, rights, entry, kind, user)
            if forbidden:
                fail(out, PAGE_FAULT, level, code | forbidden)
                return
            mask = (1 << shift) - 1
            succeed(out, NO_FAULT, level, (entry & regime[ADDRESS] & ~mask) | (va & mask), 1 << shift)
            if unused & A or (kind == WRITE and entry & D == 0):
                mark(memory, out, depth + 1, kind)
            return
        table = entry & regime[ADDRESS]


@kernel
def mark(memory: Memory, out: Cells, used: int, kind: Kind) -> None:
    """Set A in the entries that a walk has used, and D in the last for a write; keep those in which it was clear."""
    for i in range(used):
        at = out[FIRST + i]
        place = place_of(memory, at)
        entry = memory.words[place]
        if entry & A == 0:
            memory.words[place] = entry | A
            out[FIRST + out[COUNT]] = at
            out[COUNT] += 1
        if i == used - 1 and kind == WRITE and entry & D == 0:
            memory.words[place] |= D
            out[DIRTY] = at
