"""The walker of RISC-V: masks that depend on the platform are made once, what an access needs is one mask of R, W and X."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmimpl.engine import Cells, kernel
from mmimpl.virtual.page_table.memory import COUNT, DIRTY, FIRST, Address, Memory, Signed, fail, place_of, signed, succeed
from mmspec.virtual.page_table.ops import ACCESS_FAULT, FETCH, NO_FAULT, PAGE_FAULT, WRITE, Kind

V, R, W, X, U, A, D = 1, 2, 4, 8, 16, 64, 128
PAGE_NUMBER = ((1 << 44) - 1) << 10
PBMT = 3 << 61

LEVELS, PHYS_BITS, RESERVED, SUM, ADUE, NEEDS, CAUSES = 0, 1, 2, 3, 4, 5, 8
"""Where the cells of a regime begin; ``NEEDS`` (one of which a leaf must have) and ``CAUSES`` (of page faults) are by kind."""

REGIME = CAUSES + 6


def regime(va_bits: int, phys_bits: int, controls: Mapping[str, Any]) -> list[int]:
    """Return what the control registers say as a walk wants it."""
    reserved = 0x7F << 54 | (0 if controls["svpbmt"] else PBMT) | (0 if controls["svnapot"] else 1 << 63)
    needs = [R | X if controls["mxr"] else R, W, X]
    causes = [13, 15, 12, 5, 7, 1]
    return [(va_bits - 12) // 9, phys_bits, signed(reserved), controls["sum"], controls["adue"], *needs, *causes]


@kernel
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
        pte = memory.words[place_of(memory, at)]
        if pte & V == 0 or pte & regime[RESERVED] or (pte & W and pte & R == 0):
            fail(out, PAGE_FAULT, i, page_fault)
            return
        if pte & (R | X) == 0:
            if i == 0 or pte & (U | A | D | PBMT) or pte < 0:
                fail(out, PAGE_FAULT, i, page_fault)
                return
            table = (pte & PAGE_NUMBER) << 2
            continue
        napot = pte < 0
        size = 1 << (16 if napot else 12 + 9 * i)
        frame = (pte & PAGE_NUMBER) << 2
        lawful = pte & PBMT != PBMT and pte & regime[NEEDS + kind]
        if napot and (i > 0 or (frame >> 12) & 15 != 8):
            lawful = 0
        if not napot and frame & (size - 1):
            lawful = 0
        if user and pte & U == 0:
            lawful = 0
        if not user and pte & U and (kind == FETCH or not regime[SUM]):
            lawful = 0
        wanted = A | D if kind == WRITE else A
        if not lawful or (pte & wanted != wanted and not regime[ADUE]):
            fail(out, PAGE_FAULT, i, page_fault)
            return
        pa = (frame & ~(size - 1)) | (va & (size - 1))
        if pa >> regime[PHYS_BITS]:
            fail(out, ACCESS_FAULT, i, regime[CAUSES + 3 + kind])
            return
        succeed(out, NO_FAULT, i, pa, size)
        if pte & A == 0:
            out[COUNT] = 1
            out[FIRST] = at
        if kind == WRITE and pte & D == 0:
            out[DIRTY] = at
        if pte & wanted != wanted:
            memory.words[place_of(memory, at)] = pte | wanted
        return
