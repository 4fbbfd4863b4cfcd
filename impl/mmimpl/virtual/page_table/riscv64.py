"""The walker of RISC-V: masks that depend on the platform are made once, what an access needs is one mask of R, W and X."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmimpl.engine import Cells, helper
from mmimpl.virtual.page_table.memory import COUNT, DIRTY, FIRST, Address, Memory, Signed, fail, place_of, signed, succeed
from mmspec.virtual.page_table.ops import ACCESS_FAULT, FETCH, NO_FAULT, PAGE_FAULT, WRITE, Kind

V, R, W, X, U, A, D = 1, 2, 4, 8, 16, 64, 128
PAGE_NUMBER = ((1 << 44) - 1) << 10
PBMT = 3 << 61

LEVELS, PHYS_BITS, RESERVED, SUM, ADUE, NEEDS, CAUSES = 0, 1, 2, 3, 4, 5, 8
"""Where the cells of a regime begin; ``NEEDS`` (one of which a leaf must have) and ``CAUSES`` (of page faults) are by kind."""

REGIME = CAUSES + 6

WRONG, TABLE, LEAF = range(3)
"""What an entry is to a walk: nothing to go on from, the way to a table, a page."""


def regime(va_bits: int, phys_bits: int, controls: Mapping[str, Any]) -> list[int]:
    """Return what the control registers say as a walk wants it."""
    reserved = 0x7F << 54 | (0 if controls["svpbmt"] else PBMT) | (0 if controls["svnapot"] else 1 << 63)
    needs = [R | X if controls["mxr"] else R, W, X]
    causes = [13, 15, 12, 5, 7, 1]
    return [(va_bits - 12) // 9, phys_bits, signed(reserved), controls["sum"], controls["adue"], *needs, *causes]


@helper
def sort_of(regime: Cells, level: int, pte: Signed) -> int:
    """Return what an entry is to a walk, as far as no access needs to be known."""
    if pte & V == 0 or pte & regime[RESERVED] or (pte & W and pte & R == 0):
        return WRONG
    if pte & (R | X):
        return LEAF
    return WRONG if level == 0 or pte & (U | A | D | PBMT) or pte < 0 else TABLE


@helper
def permits(regime: Cells, level: int, pte: Signed, kind: Kind, user: int) -> bool:
    """Tell whether a leaf is sound and permits an access."""
    frame = (pte & PAGE_NUMBER) << 2
    if pte & PBMT == PBMT or pte & regime[NEEDS + kind] == 0:
        return False
    if pte < 0:
        if level > 0 or (frame >> 12) & 15 != 8:
            return False
    elif frame & ((1 << (12 + 9 * level)) - 1):
        return False
    if user:
        if pte & U == 0:
            return False
    elif pte & U and (kind == FETCH or not regime[SUM]):
        return False
    wanted = A | D if kind == WRITE else A
    return regime[ADUE] != 0 or pte & wanted == wanted


@helper
def walk(memory: Memory, regime: Cells, root: Address, va: Signed, kind: Kind, user: int, out: Cells) -> None:
    """Walk, mark the leaf, and write down what it comes to."""
    levels = regime[LEVELS]
    page_fault = regime[CAUSES + kind]
    sign = va >> (9 * levels + 11)
    if sign * (sign + 1) != 0:  # neither 0 nor -1: the bits are not all alike
        fail(out, PAGE_FAULT, levels - 1, page_fault)
        return
    table = root
    for depth in range(levels):
        i = levels - 1 - depth
        at = table + ((va >> (12 + 9 * i)) & 511) * 8
        if at >> regime[PHYS_BITS]:
            fail(out, ACCESS_FAULT, i, regime[CAUSES + 3 + kind])
            return
        place = place_of(memory, at)
        pte = memory.words[place]
        sort = sort_of(regime, i, pte)
        if sort == TABLE:
            table = (pte & PAGE_NUMBER) << 2
            continue
        if sort == WRONG or not permits(regime, i, pte, kind, user):
            fail(out, PAGE_FAULT, i, page_fault)
            return
        size = 1 << (16 if pte < 0 else 12 + 9 * i)
        pa = (((pte & PAGE_NUMBER) << 2) & ~(size - 1)) | (va & (size - 1))
        if pa >> regime[PHYS_BITS]:
            fail(out, ACCESS_FAULT, i, regime[CAUSES + 3 + kind])
            return
        succeed(out, NO_FAULT, i, pa, size)
        if pte & A == 0:
            out[COUNT] = 1
            out[FIRST] = at
        if kind == WRITE and pte & D == 0:
            out[DIRTY] = at
        wanted = A | D if kind == WRITE else A
        if pte & wanted != wanted:
            memory.words[place] = pte | wanted
        return
