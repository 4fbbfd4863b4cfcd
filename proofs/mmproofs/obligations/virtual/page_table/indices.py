"""An address is its indices and its offset, on x86-64 and RISC-V; and the entry that it selects lies in its table, everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import attrs

from mmproofs.obligation import Obligation, Predicate, function_of
from mmspec.clause import Clause
from mmspec.virtual.page_table import aarch64, riscv64, x86_64
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table.ops import Level, Pa, Va, VaBits
from mmspec.words import Word

Index = Annotated[int, Word("index", bits=16, lo=0, hi=511)]
Offset = Annotated[int, Word("offset", bits=16, lo=0, hi=4095)]

# --- x86-64 and RISC-V: nine bits a level ----------------------------------------------------------------------------------


def index_of(va: Va, number: int) -> Any:
    """Return one of an address's indices, counted from the last level's."""
    return x86_64.entry_at(0, va, number + 1) >> 3


def joined(va_bits: VaBits, indices: tuple[Any, ...], offset: Any) -> Any:
    """Return the canonical address that indices, the last level's first, and an offset make."""
    low = offset
    for number, index in enumerate(indices):
        low = low | index << (12 + 9 * number)
    return low | (low >> (va_bits - 1)) * ((1 << 64) - (1 << va_bits))


def taken_apart(va: Va, va_bits: VaBits, after: bool) -> bool:
    """An address is canonical if and only if its indices and its offset make it again."""
    indices = tuple(index_of(va, number) for number in range((va_bits - 12) // 9))
    same: bool = joined(va_bits, indices, va & 4095) == va
    return after == same


def put_together(va_bits: VaBits, i0: Index, i1: Index, i2: Index, i3: Index, i4: Index, offset: Offset) -> bool:
    """What any indices and an offset make is canonical, and has these indices and this offset."""
    indices = (i0, i1, i2, i3, i4)[: (va_bits - 12) // 9]
    va = joined(va_bits, indices, offset)
    same: bool = x86_64.is_canonical(va, va_bits) & (va & 4095 == offset)
    for number, index in enumerate(indices):
        same &= index_of(va, number) == index
    return same


def as_x86(va: Va, va_bits: VaBits, after: bool) -> bool:
    """RISC-V calls the same addresses canonical as x86-64 does."""
    return after == x86_64.is_canonical(va, va_bits)


def same_entry(table: Pa, va: Va, level: Level, after: Pa) -> bool:
    """RISC-V selects the entry that x86-64 selects one level number higher."""
    return after == x86_64.entry_at(table, va, level + 1)


# --- an entry lies in its table --------------------------------------------------------------------------------------------


def is_table(table: Pa) -> bool:
    """The table is aligned to 4 KiB."""
    return table & 4095 == 0


def in_table(table: Pa, after: Pa) -> bool:
    """The entry is one of the table's 512 words."""
    return (after >> 12 == table >> 12) & (after & 7 == 0)


def is_granule(regime: aarch64.Regime, table: Pa) -> bool:
    """The table is aligned to the granule."""
    return table & ((1 << regime.granule) - 1) == 0


def in_granule(regime: aarch64.Regime, table: Pa, after: Pa) -> bool:
    """The entry is one of the words of the table, which is as large as the smallest page."""
    return (after >> regime.granule == table >> regime.granule) & (after & 7 == 0)


# --- obligations -------------------------------------------------------------------------------------------------------------


def _of(
    name: str, subject: Callable[..., Any], goal: Predicate, clauses: tuple[Clause, ...], each: Mapping[str, tuple[int, ...]],
    *given: Predicate, **more: Any,
) -> Obligation:  # fmt: skip
    return Obligation(
        f"PAGE-TABLE-{name}", clauses, (function_of(goal).__doc__ or "").strip(), subject, goal, given=given, each=each,
        operation="indices", invariant=name.lower(), **more,
    )  # fmt: skip


def based(obligation: Obligation, aligned: Predicate) -> tuple[Obligation, Obligation]:
    """Return an obligation about an entry's address, and the one that it is an address at all, which the first rests on."""
    base = attrs.evolve(
        obligation, id=f"{obligation.id}-FITS", goal=None, given=(aligned,), invariant=f"{obligation.invariant}: fits",
        statement="the entry has a physical address", clauses=(c.MEMORY,), straight=True,
    )  # fmt: skip
    return base, attrs.evolve(obligation, rests_on=(base.id,), given=tuple(dict.fromkeys((aligned, *obligation.given))))


CANONICAL = (c.X86_CANONICAL, c.RISCV_CANONICAL)
WIDTHS = {"va_bits": (39, 48, 57)}

OBLIGATIONS = (
    _of("APART", x86_64.is_canonical, taken_apart, CANONICAL, WIDTHS),
    _of("TOGETHER", x86_64.is_canonical, put_together, CANONICAL, WIDTHS),
    _of("CANONICAL-ALIKE", riscv64.is_canonical, as_x86, CANONICAL, WIDTHS),
    *based(_of("ENTRY-ALIKE", riscv64.entry_at, same_entry, (c.FRAME,), {"level": (0, 1, 2, 3, 4)}), is_table),
    *based(_of("IN-TABLE", x86_64.entry_at, in_table, (c.FRAME, c.MEMORY), {"level": (1, 2, 3, 4, 5)}), is_table),
    *based(
        _of(
            "IN-GRANULE", aarch64.entry_at, in_granule, (c.FRAME, c.MEMORY),
            {"regime.granule": (12, 14, 16), "level": (-1, 0, 1, 2, 3)},
        ),
        is_granule,
    ),
)  # fmt: skip
