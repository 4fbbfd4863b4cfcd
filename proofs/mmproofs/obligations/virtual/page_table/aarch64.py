"""The steps of AArch64's walk: at every level, for every descriptor of every granule, the optimised walker's are the law's.

The walker writes what tables take away into the leaf's own bits. What no step looks at (TBI, EPD, E0PD, the input size) is fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmimpl.virtual.page_table import aarch64 as ours
from mmproofs.obligation import Obligation, Predicate, function_of
from mmproofs.obligations.virtual.page_table.x86_64 import KINDS, signed
from mmspec.clause import Clause
from mmspec.virtual.page_table import aarch64 as law
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table.ops import AARCH64, DEFAULTS, Entry, Kind, Level, Pa


def cells_of(regime: law.Regime) -> list[int]:
    """Return what the walker is told of the control registers."""
    named = {name: getattr(regime, name) for name in DEFAULTS[AARCH64]}
    return ours.regime(regime.granule, regime.va_bits, regime.phys_bits, named)


def kept(above: law.Limits) -> Any:
    """Return what the tables above take, as the walker keeps it."""
    taken = ours.AP1 * (above.el0 == False) + ours.AP2 * (above.write == False)  # noqa: E712
    return taken + ours.PXN * above.pxn + ours.UXN * above.uxn


# --- goals -----------------------------------------------------------------------------------------------------------------


def sorted_alike(regime: law.Regime, level: Level, entry: Entry, after: bool) -> bool:
    """The walker takes a descriptor for invalid, a table's or a leaf where the law does, at level 3 for no table's."""
    sort = ours.sort_of(cells_of(regime), level, signed(entry))
    if (entry & law.VALID == 0) or (entry & law.TABLE == 0 and not after):
        return sort == ours.INVALID
    return sort == (ours.TABLE if entry & law.TABLE and level < 3 else ours.LEAF)


def same_table(regime: law.Regime, entry: Entry, after: Pa) -> bool:
    """The walker finds the same address of a table in a descriptor, and it is aligned to the granule."""
    mine: bool = ours.address_of(cells_of(regime), signed(entry), regime.granule) == after
    return mine & (after & ((1 << regime.granule) - 1) == 0)


def same_page(regime: law.Regime, level: Level, entry: Entry, after: Pa) -> bool:
    """The walker finds the same address of a page or a block of each size in a descriptor."""
    low = law.shift_of(regime, level)
    mine: bool = ours.address_of(cells_of(regime), signed(entry), low) == law.address_in(regime, entry, low)
    return mine


def kept_alike(regime: law.Regime, above: law.Limits, entry: Entry, after: law.Limits) -> bool:
    """What the walker keeps of what tables take is what the law says."""
    mine: bool = kept(above) | ours.takes(cells_of(regime), signed(entry)) == kept(after)
    return mine


def only_taken(above: law.Limits, after: law.Limits) -> bool:
    """No table gives back what one above it has taken."""
    read_write = (above.el0 | (after.el0 == False)) & (above.write | (after.write == False))  # noqa: E712
    return read_write & (after.pxn | (above.pxn == False)) & (after.uxn | (above.uxn == False))  # noqa: E712


def permitted_alike(
    regime: law.Regime, above: law.Limits, leaf: Entry, kind: Kind, user: bool, after: law.Granted
) -> bool:  # fmt: skip
    """At a leaf the walker permits what the law permits."""
    cells, word = cells_of(regime), signed(leaf)
    clean = cells[ours.HARDWARE_DIRTY] and word & ours.DBM and word & ours.AP2
    permitted = ours.permits(cells, ours.effective(word & ~ours.AP2 if clean else word, kept(above)), kind, user)
    return (True if permitted else False) != law.denied(regime, after, kind, user)[0]  # noqa: SIM210  # a truth may be symbolic


def within_tables(above: law.Limits, after: law.Granted) -> bool:
    """A leaf grants no more than the tables above it let it."""
    read_write = (above.el0 | (after.el0 == False)) & (above.write | (after.write == False))  # noqa: E712
    return read_write & (after.pxn | (above.pxn == False)) & (after.uxn | (above.uxn == False))  # noqa: E712


# --- obligations -------------------------------------------------------------------------------------------------------------

UNSEEN = {f"regime.{name}": False for name in ("tbi", "tbid", "epd", "e0pd")}

SHAPES: dict[str, dict[str, int]] = {
    "4K": {"granule": 12, "ds": False, "va_bits": 48, "phys_bits": 48},
    "4K-DS": {"granule": 12, "ds": True, "va_bits": 48, "phys_bits": 52},
    "16K": {"granule": 14, "ds": False, "va_bits": 48, "phys_bits": 48},
    "16K-DS": {"granule": 14, "ds": True, "va_bits": 48, "phys_bits": 52},
    "64K": {"granule": 16, "ds": False, "va_bits": 48, "phys_bits": 48},
    "64K-LPA": {"granule": 16, "ds": False, "va_bits": 48, "phys_bits": 52},
}
"""Every granule, with and without addresses of 52 bits."""


def _step(
    name: str, subject: Callable[..., Any], goal: Predicate, clauses: tuple[Clause, ...], shape: str, **more: Any
) -> Obligation:
    fixed = {f"regime.{part}": value for part, value in SHAPES[shape].items()}
    bounds = {part: str(SHAPES[shape][part]) for part in ("va_bits", "phys_bits")}
    return Obligation(
        f"PAGE-TABLE-ARM-{name}-{shape}", clauses, f"{shape}: {(function_of(goal).__doc__ or '').strip()}", subject, goal,
        operation=f"step aarch64 {shape}", invariant=name.lower(), choices={**UNSEEN, **fixed}, bounds=bounds, **more,
    )  # fmt: skip


def _steps(shape: str) -> tuple[Obligation, ...]:
    pages: dict[str, tuple[int, ...]] = {"level": (0, 1, 2, 3)}
    word = {"entry": Entry}
    return (
        _step("SORT", law.has_blocks, sorted_alike, (c.ARM_VALID, c.ARM_BLOCK), shape, beside=word,
              each={"level": (-1, 0, 1, 2, 3)}, straight=True),
        _step("TABLE", law.address_in, same_table, (c.ARM_LPA,), shape, each={"low": (SHAPES[shape]["granule"],)},
              straight=True),
        _step("PAGE", law.shift_of, same_page, (c.ARM_LPA, c.FRAME), shape, beside=word, each=pages, straight=True),
        _step("KEPT", law.limit, kept_alike, (c.ARM_HIERARCHY,), shape),
    )  # fmt: skip


SHARED = tuple(
    attrs.evolve(_step(name, subject, goal, (c.ARM_HIERARCHY,), "4K"), id=f"PAGE-TABLE-ARM-{name}", choices={}, bounds={},
                 statement=(function_of(goal).__doc__ or "").strip(), operation="step aarch64")
    for name, subject, goal in (("TAKES", law.limit, only_taken), ("WITHIN", law.grant, within_tables))
)  # fmt: skip

PERMITTED = _step(
    "PERMITTED", law.grant, permitted_alike,
    (c.ARM_EL0, c.ARM_WRITE, c.ARM_DBM, c.ARM_PAN, c.ARM_EPAN, c.ARM_UXN, c.ARM_PXN, c.ARM_PXN_IMPLIED, c.ARM_WXN),
    "4K", each=KINDS, beside={"kind": Kind, "user": bool},
)  # fmt: skip
"""Asked of one shape: neither the law's functions nor the walker's look at the granule or at the widths."""

OBLIGATIONS = (*SHARED, PERMITTED, *(obligation for shape in SHAPES for obligation in _steps(shape)))
