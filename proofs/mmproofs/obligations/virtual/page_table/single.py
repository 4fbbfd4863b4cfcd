"""The interpreter's short way: what passes the one test of an entry is to the walker's steps what the short way takes it for.

That these steps are the law's is proved beside, of each architecture; rights were asked of the steps themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmimpl.virtual.page_table import aarch64 as our_arm
from mmimpl.virtual.page_table import riscv64 as our_riscv
from mmimpl.virtual.page_table import single
from mmimpl.virtual.page_table import x86_64 as our_x86
from mmproofs.obligation import Obligation, Predicate, function_of
from mmproofs.obligations.virtual.page_table import aarch64 as of_arm
from mmproofs.obligations.virtual.page_table import riscv64 as of_riscv
from mmproofs.obligations.virtual.page_table.x86_64 import controls, phys_bits, signed
from mmspec.clause import Clause
from mmspec.virtual.page_table import aarch64, riscv64, x86_64
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table.ops import READ, WRITE, Entry, Kind, Level

# --- goals -----------------------------------------------------------------------------------------------------------------


def x86_alike(regime: x86_64.Regime, level: Level, entry: Entry, kind: Kind, after: tuple[bool, Clause]) -> bool:
    """On x86-64 a plain entry is a table's or a sound leaf, needs no mark, and a table's does not forbid execution."""
    cells, word = [0] * our_x86.REGIME, signed(entry)
    made = our_x86.reserved(level, regime.phys_bits, controls(regime))
    cells[our_x86.TABLE_RESERVED + level], cells[our_x86.LEAF_RESERVED + level] = made
    rung = single.x86_64_rung(cells, level, kind)
    marks = our_x86.A | (our_x86.D if kind == WRITE else 0)
    if word & rung.plain == rung.pointer:
        return our_x86.sort_of(cells, level, word) == our_x86.TABLE and (word & our_x86.A != 0) & (word >= 0)
    if word & rung.sound == rung.leaf:
        return our_x86.sort_of(cells, level, word) == our_x86.LEAF and word & marks == marks
    return True


def arm_alike(regime: aarch64.Regime, level: Level, entry: Entry, after: bool) -> bool:
    """On AArch64 a plain descriptor is a table's that takes nothing, or an accessed leaf that no write makes dirty, in memory."""
    cells, word = of_arm.cells_of(regime), signed(entry)
    rung = single.aarch64_rung(cells, level)
    frame = (1 << cells[our_arm.LOW_BITS]) - (1 << regime.granule)
    if word & rung.plain == rung.pointer:
        lies = (our_arm.address_of(cells, word, regime.granule) == word & frame) & ((word & frame) >> regime.phys_bits == 0)
        return our_arm.sort_of(cells, level, word) == our_arm.TABLE and (our_arm.takes(cells, word) == 0) & lies
    if word & rung.sound == rung.leaf:
        page = word & frame & -(1 << rung.shift)
        lies = (our_arm.address_of(cells, word, rung.shift) == page) & (page >> regime.phys_bits == 0)
        clean = cells[our_arm.HARDWARE_DIRTY] and word & our_arm.DBM
        return our_arm.sort_of(cells, level, word) == our_arm.LEAF and not clean and (word & our_arm.AF != 0) & lies
    return True


def riscv_alike(regime: riscv64.Regime, level: Level, entry: Entry, kind: Kind, after: tuple[bool, Clause]) -> bool:
    """On RISC-V a plain entry is a table's in memory, or to the walker whatever its R, W, X and U alone make it, in memory."""
    cells, word = of_riscv.cells_of(regime), signed(entry)
    rung = single.riscv64_rung(cells, level, kind)
    named = (word & our_riscv.PAGE_NUMBER) << 2
    if word & rung.plain == rung.pointer:
        lies: bool = ((word - 1) << 2 == named) & (named >> regime.phys_bits == 0)
        return our_riscv.sort_of(cells, level, word) == our_riscv.TABLE and lies
    if word & rung.sound == rung.leaf:
        marks = our_riscv.A | (our_riscv.D if kind == WRITE else 0)
        lies = (named >> regime.phys_bits == 0) & (named & ((1 << rung.shift) - 1) == 0)
        lies &= (word >= 0) & (word & marks == marks) & (word & our_riscv.PBMT == 0)
        return lies
    return True


# --- obligations -------------------------------------------------------------------------------------------------------------


def _short(
    name: str, subject: Callable[..., Any], goal: Predicate, clauses: tuple[Clause, ...], family: str, **more: Any
) -> Obligation:  # fmt: skip
    return Obligation(
        f"PAGE-TABLE-{name}-SHORT", clauses, (function_of(goal).__doc__ or "").strip(), subject, goal,
        operation=f"step {family}", invariant="short", straight=True, **more,
    )  # fmt: skip


def _arm(shape: str) -> Obligation:
    fixed = {f"regime.{part}": value for part, value in of_arm.SHAPES[shape].items()}
    bounds = {part: str(of_arm.SHAPES[shape][part]) for part in ("va_bits", "phys_bits")}
    return _short(
        f"ARM-{shape}", aarch64.has_blocks, arm_alike, (c.ARM_VALID, c.ARM_BLOCK, c.ARM_LPA, c.ARM_HIERARCHY),
        f"aarch64 {shape}", beside={"entry": Entry}, each={"level": range(shape.startswith("64K"), 4)},
        choices={**of_arm.UNSEEN, **fixed},
        bounds=bounds,
    )  # fmt: skip


KINDS = {"kind": (READ, WRITE)}
"""A fetch asks for the same marks as a read."""

OBLIGATIONS = (
    _short(
        "X86", x86_64.reserved, x86_alike, (c.X86_PRESENT, c.X86_LEAF, c.X86_RESERVED_ADDRESS), "x86_64", given=(phys_bits,),
        each={"level": (1, 2, 3, 4, 5), **KINDS}, beside={"kind": Kind},
    ),
    *(_arm(shape) for shape in of_arm.SHAPES),
    _short(
        "RISCV", riscv64.unsound, riscv_alike, (c.RISCV_VALID, c.RISCV_POINTER, c.RISCV_ALIGNED), "riscv64",
        each={"level": (0, 1, 2, 3, 4), **KINDS}, beside={"kind": Kind},
    ),
)  # fmt: skip
