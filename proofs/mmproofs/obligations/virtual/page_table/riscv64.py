"""The steps of RISC-V's walk: at every level, for every word, the optimised walker's are the law's.

The walker asks once for what the platform reserves and what an access needs; both are made here as its owner makes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmimpl.virtual.page_table import riscv64 as ours
from mmproofs.obligation import Obligation, Predicate, function_of
from mmproofs.obligations.virtual.page_table.x86_64 import KINDS, signed
from mmspec.clause import Clause
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table import riscv64 as law
from mmspec.virtual.page_table.ops import DEFAULTS, RISCV64, Entry, Kind, Level


def cells_of(regime: law.Regime) -> list[int]:
    """Return what the walker is told of the control registers."""
    return ours.regime(regime.va_bits, regime.phys_bits, {name: getattr(regime, name) for name in DEFAULTS[RISCV64]})


# --- given -----------------------------------------------------------------------------------------------------------------


def is_page(regime: law.Regime, level: Level, leaf: Entry) -> bool:
    """The entry is a leaf, and sound where there are all extensions."""
    return not law.unsound(regime, level, leaf)[0] and not law.is_pointer(leaf)


# --- goals -----------------------------------------------------------------------------------------------------------------


def sorted_alike(regime: law.Regime, level: Level, entry: Entry, after: tuple[bool, Clause]) -> bool:
    """The walker goes on below an entry exactly where the law does, and takes no sound leaf for wrong."""
    sort = ours.sort_of(cells_of(regime), level, signed(entry))
    if law.is_pointer(entry):
        return (sort == ours.TABLE) != after[0]
    return sort != ours.TABLE and (after[0] or sort == ours.LEAF)


def refused_alike(
    regime: law.Regime, level: Level, entry: Entry, kind: Kind, user: bool, after: tuple[bool, Clause]
) -> bool:  # fmt: skip
    """What the walker takes for a leaf and is not sound, it permits to nobody."""
    cells, word = cells_of(regime), signed(entry)
    if not after[0] or ours.sort_of(cells, level, word) != ours.LEAF:
        return True
    return not ours.permits(cells, level, word, kind, user)


def permitted_alike(
    regime: law.Regime, level: Level, leaf: Entry, kind: Kind, user: bool, after: tuple[bool, Clause]
) -> bool:  # fmt: skip
    """At a sound leaf the walker permits what the law permits."""
    permitted = ours.permits(cells_of(regime), level, signed(leaf), kind, user)
    return (True if permitted else False) != after[0]  # noqa: SIM210  # a truth may be symbolic


def same_frame(entry: Entry, after: int) -> bool:
    """The walker finds the same address in an entry, which is a table's."""
    mine: bool = (signed(entry) & ours.PAGE_NUMBER) << 2 == after
    return mine & (after & 4095 == 0)


def same_size(level: Level, leaf: Entry, after: int) -> bool:
    """The walker takes a leaf for as large as the law does."""
    mine: bool = 1 << (16 if signed(leaf) < 0 else 12 + 9 * level) == after
    return mine


def soundness_of_level(regime: law.Regime, level: Level, entry: Entry, after: tuple[bool, Clause]) -> bool:
    """At level 0 no sound entry points to a table: a walk has no more steps than there are levels."""
    return level > 0 or after[0] or not law.is_pointer(entry)


# --- obligations -------------------------------------------------------------------------------------------------------------


def _step(name: str, subject: Callable[..., Any], goal: Predicate, clauses: tuple[Clause, ...], **more: Any) -> Obligation:
    return Obligation(
        f"PAGE-TABLE-RISCV-{name}", clauses, (function_of(goal).__doc__ or "").strip(), subject, goal,
        operation="step riscv64", invariant=name.lower(), **more,
    )  # fmt: skip


SOUND = (
    c.RISCV_VALID, c.RISCV_RESERVED, c.RISCV_RESERVED_BITS, c.RISCV_PBMT, c.RISCV_NAPOT, c.RISCV_POINTER, c.RISCV_DEPTH,
)  # fmt: skip
RIGHTS = (
    c.RISCV_USER, c.RISCV_SUM, c.RISCV_FETCH_USER, c.RISCV_LOAD, c.RISCV_STORE, c.RISCV_FETCH, c.RISCV_ALIGNED, c.RISCV_SVADE,
)  # fmt: skip
LEVELS: dict[str, tuple[int, ...]] = {"level": (0, 1, 2, 3, 4)}

OBLIGATIONS = (
    _step("SORT", law.unsound, sorted_alike, SOUND, each=LEVELS),
    _step(
        "REFUSED", law.unsound, refused_alike, SOUND, each={**LEVELS, "kind": (0, 1, 2)}, beside={"kind": Kind, "user": bool},
    ),
    _step(
        "PERMITTED", law.denied, permitted_alike, RIGHTS, each={**LEVELS, **KINDS}, given=(is_page,),
        choices={"regime.svpbmt": True, "regime.svnapot": True},
    ),
    _step("FRAME", law.frame_of, same_frame, (c.FRAME,), straight=True),
    _step("SIZE", law.size_of, same_size, (c.SIZE, c.RISCV_NAPOT_FRAME), each=LEVELS),
    _step("ENDS", law.unsound, soundness_of_level, (c.RISCV_DEPTH, c.RISCV_POINTER), each=LEVELS),
)  # fmt: skip
