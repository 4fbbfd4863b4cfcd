"""One access by the interpreter: the short way through entries that are as they nearly always are.

A table's entry is *plain* if one test of its bits tells that it leads on, takes nothing but rights, and needs no mark; a leaf is
if one tells that it is sound and marked for what the access does. What a plain leaf permits was asked of the walker's own steps
beforehand, for every combination of its rights. Whatever is not plain, or would fault, ends the short way: the kernel answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from mmimpl.engine import Cells
from mmimpl.virtual.page_table import aarch64, riscv64, x86_64
from mmspec.virtual.page_table.ops import AARCH64, RISCV64, WRITE, X86_64, Reached

Pages = Mapping[int, Cells]
"""The words of each chunk of memory that was ever written, by its address."""

NOTHING: Cells = np.zeros(512, np.int64).data
"""The words of any other."""

ALL = (1 << 64) - 1
NEVER = -1
"""What no test of an entry gives."""


class Rung(NamedTuple):
    """A level of a short way: how an address selects its entry, and what tests of the entry must give."""

    shift: int
    number: int
    plain: int
    pointer: int
    sound: int
    leaf: int


class Way(NamedTuple):
    """The short way of one kind of access. Above the ``width`` bits of an address all are 0, or they are ``upper``."""

    width: int
    upper: int
    rungs: tuple[Rung, ...]
    frame: int
    """The bits of an entry that say where a table or a page lies."""
    permits: tuple[bool, ...]
    """Whether a plain leaf permits the access, by the bits of its rights."""


Short = Callable[[Pages, Way, int, int], Reached | None]

# --- x86-64 ------------------------------------------------------------------------------------------------------------------


def x86_64_way(regime: list[int], kind: int, user: int) -> Way | None:
    """Return the short way of an access; there is none where protection keys count."""
    if regime[x86_64.KEYS]:
        return None
    levels = regime[x86_64.LEVELS]
    rungs = tuple(x86_64_rung(regime, level, kind) for level in range(levels, 0, -1))
    permits = tuple(not x86_64.denial(regime, rights, 0, kind, user) for rights in range(8))
    return Way(9 * levels + 11, ALL >> (9 * levels + 11), rungs, regime[x86_64.ADDRESS], permits)


def x86_64_rung(regime: Cells, level: int, kind: int) -> Rung:
    """Return a level of the way of a kind of access."""
    used = x86_64.P | x86_64.A
    marked = used | (x86_64.D if kind == WRITE else 0) | (x86_64.PS if 1 < level < 4 else 0)
    plain = regime[x86_64.TABLE_RESERVED + level] | used | x86_64.PS | 1 << 63
    sound = regime[x86_64.LEAF_RESERVED + level] | marked
    leaf = marked if level < 4 and not regime[x86_64.LEAF_RESERVED + level] & x86_64.PS else NEVER
    return Rung(9 * level + 3, 511, plain & ALL, used if level > 1 else NEVER, sound & ALL, leaf)


def x86_64_walk(pages: Pages, way: Way, root: int, va: int) -> Reached | None:
    """Return where an access arrives by the short way, or None."""
    width, upper, rungs, frame, permits = way
    sign = va >> width
    if sign != 0 and sign != upper:  # noqa: PLR1714  # quicker so
        return None
    table, rights = root, x86_64.RW | x86_64.US
    for shift, number, plain, pointer, sound, leaf in rungs:
        entry = pages.get(table, NOTHING)[(va >> shift) & number]
        if entry & plain == pointer:
            rights &= entry
            table = entry & frame
        elif entry & sound == leaf and permits[(rights & entry) | (entry < 0)]:
            size = 1 << shift
            return Reached((entry & frame & -size) | (va & (size - 1)), size, (), ())
        else:
            return None
    return None


# --- AArch64 -----------------------------------------------------------------------------------------------------------------


def aarch64_way(regime: list[int], kind: int, user: int) -> Way | None:
    """Return the short way of an access; there is none in a closed half."""
    if regime[aarch64.CLOSED_USER if user else aarch64.CLOSED]:
        return None
    rungs = tuple(aarch64_rung(regime, level) for level in range(regime[aarch64.START], 4))
    leaves = (low << 6 | high << 53 for high in range(4) for low in range(4))
    permits = tuple(aarch64.permits(regime, leaf, kind, user) for leaf in leaves)
    width, frame = regime[aarch64.VA_BITS], (1 << regime[aarch64.LOW_BITS]) - (1 << regime[aarch64.GRANULE])
    return Way(width, ALL >> width, rungs, frame, permits)


def aarch64_rung(regime: Cells, level: int) -> Rung:
    """Return a level of the way of any access."""
    stride = regime[aarch64.GRANULE] - 3
    shift = stride * (4 - level) + 3
    end = 1 << regime[aarch64.LOW_BITS]
    apart = ((1 << regime[aarch64.HIGH_BITS]) - 1) << regime[aarch64.HIGH_SHIFT]
    beyond = apart | end - min(end, 1 << regime[aarch64.PHYS_BITS])
    clean = aarch64.DBM if regime[aarch64.HARDWARE_DIRTY] else 0
    sort = 3 if level == 3 else 1
    leaf = sort | aarch64.AF if aarch64.sort_of(regime, level, sort) == aarch64.LEAF else NEVER
    number = (1 << min(stride, regime[aarch64.VA_BITS] - shift)) - 1
    return Rung(shift, number, beyond | 31 << 59 | 3, 3 if level < 3 else NEVER, beyond | clean | aarch64.AF | 3, leaf)


def aarch64_walk(pages: Pages, way: Way, root: int, va: int) -> Reached | None:
    """Return where an access arrives by the short way, or None."""
    width, upper, rungs, frame, permits = way
    sign = va >> width
    if sign != 0 and sign != upper:  # noqa: PLR1714  # quicker so
        return None
    table = root
    for shift, number, plain, pointer, sound, leaf in rungs:
        index = (va >> shift) & number
        if index < 512:
            entry = pages.get(table, NOTHING)[index]
        else:
            entry = pages.get(table + (index >> 9 << 12), NOTHING)[index & 511]
        if entry & plain == pointer:
            table = entry & frame
        elif entry & sound == leaf and permits[(entry >> 6) & 3 | (entry >> 51) & 12]:
            size = 1 << shift
            return Reached((entry & frame & -size) | (va & (size - 1)), size, (), ())
        else:
            return None
    return None


# --- RISC-V ------------------------------------------------------------------------------------------------------------------


def riscv64_way(regime: list[int], kind: int, user: int) -> Way | None:
    """Return the short way of an access."""
    levels = regime[riscv64.LEVELS]
    rungs = tuple(riscv64_rung(regime, level, kind) for level in range(levels - 1, -1, -1))
    permits = tuple(riscv64_permits(regime, riscv64.V | rights << 1 | riscv64.A | riscv64.D, kind, user) for rights in range(16))
    return Way(9 * levels + 11, ALL >> (9 * levels + 11), rungs, riscv64.PAGE_NUMBER, permits)


def riscv64_rung(regime: Cells, level: int, kind: int) -> Rung:
    """Return a level of the way of a kind of access."""
    beyond = riscv64.PAGE_NUMBER & -(1 << (regime[riscv64.PHYS_BITS] - 2))
    strange = beyond | regime[riscv64.RESERVED] | riscv64.PBMT | 1 << 63
    marked = riscv64.V | riscv64.A | (riscv64.D if kind == WRITE else 0)
    sound = strange | marked | ((1 << 9 * level) - 1) << 10
    shift, pointer = 9 * level + 12, riscv64.V if level else NEVER
    leaf = marked if shift <= regime[riscv64.PHYS_BITS] else NEVER  # a page that memory has not room for
    return Rung(shift, 511, (strange | 1023) & ALL, pointer, sound & ALL, leaf)


def riscv64_permits(regime: list[int], leaf: int, kind: int, user: int) -> bool:
    """Tell whether an entry with some of R, W, X and U is a leaf that permits an access."""
    return riscv64.sort_of(regime, 0, leaf) == riscv64.LEAF and riscv64.permits(regime, 0, leaf, kind, user)


def riscv64_walk(pages: Pages, way: Way, root: int, va: int) -> Reached | None:
    """Return where an access arrives by the short way, or None."""
    width, upper, rungs, frame, permits = way
    sign = va >> width
    if sign != 0 and sign != upper:  # noqa: PLR1714  # quicker so
        return None
    table = root
    for shift, number, plain, pointer, sound, leaf in rungs:
        entry = pages.get(table, NOTHING)[(va >> shift) & number]
        if entry & plain == pointer:
            table = (entry - 1) << 2
        elif entry & sound == leaf and permits[(entry >> 1) & 15]:
            size = 1 << shift
            return Reached(((entry & frame) << 2) | (va & (size - 1)), size, (), ())
        else:
            return None
    return None


# --- the three of them -------------------------------------------------------------------------------------------------------

MAKERS = {X86_64: x86_64_way, AARCH64: aarch64_way, RISCV64: riscv64_way}
WALKS: dict[int, Short] = {X86_64: x86_64_walk, AARCH64: aarch64_walk, RISCV64: riscv64_walk}


def ways(arch: int, regime: list[int]) -> tuple[Way | None, ...]:
    """Return the short ways of a regime: reads, writes and fetches, each of a supervisor and then of a user."""
    return tuple(MAKERS[arch](regime, kind, user) for kind in range(3) for user in range(2))
