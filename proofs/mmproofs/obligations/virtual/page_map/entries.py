"""What is proved of the entries that changes to page tables write, for every frame and table.

A leaf names exactly its frame, grants exactly what was asked, and has no reserved bit; an entry that points to a table names it.
The way of a walk through all levels to such an entry is told in ``ways`` and ``changes``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmproofs.obligation import Obligation, Predicate, function_of
from mmspec.clause import Clause
from mmspec.virtual.page_map import clauses as c
from mmspec.virtual.page_map import encode
from mmspec.virtual.page_map.ops import EXECUTE, WRITE, Height, Prot
from mmspec.virtual.page_table import aarch64, riscv64, x86_64
from mmspec.virtual.page_table.ops import Entry, Pa


def is_x86_frame(regime: x86_64.Regime, height: Height, pa: Pa) -> bool:
    """The frame is aligned to its page and in memory, which ends at 2**52 at most."""
    return (pa & ((1 << (9 * height + 3)) - 1) == 0) & (pa >> regime.phys_bits == 0) & (regime.phys_bits <= 52)


def x86_leaf(regime: x86_64.Regime, upper: bool, height: Height, pa: Pa, prot: Prot, after: Entry) -> bool:
    """A leaf of x86-64 names its frame, grants what was asked to whom the half is, and has no reserved bit."""
    rights = x86_64.combine(x86_64.Combined(), after)
    wrong, _ = x86_64.reserved(regime, height, after)
    write, execute = (prot & WRITE) != 0, ((prot & EXECUTE) != 0) | (not regime.nxe)
    exact = (rights.write == write) & (rights.execute == execute) & (rights.user != upper)
    named = after & x86_64.FRAME & ~((1 << (9 * height + 3)) - 1) == pa
    return (not wrong) & exact & named & ((after & x86_64.PRESENT) != 0)


def is_riscv_frame(height: Height, pa: Pa) -> bool:
    """The frame is aligned to its page."""
    return pa & ((1 << (9 * height + 3)) - 1) == 0


def riscv_leaf(upper: bool, height: Height, pa: Pa, prot: Prot, after: Entry) -> bool:
    """A leaf of RISC-V names its frame and grants what was asked to whom the half is."""
    write, execute = (prot & WRITE) != 0, (prot & EXECUTE) != 0
    exact = (
        (((after & riscv64.W) != 0) == write) & (((after & riscv64.X) != 0) == execute) & (((after & riscv64.U) != 0) != upper)
    )
    return exact & (riscv64.frame_of(after) == pa) & (after & (riscv64.VALID | riscv64.R | riscv64.A | riscv64.RESERVED) == 0x43)


def is_arm_frame(regime: aarch64.Regime, height: Height, pa: Pa) -> bool:
    """The frame is aligned to its page and in memory, of which a descriptor can tell every address."""
    low = (regime.granule - 3) * height + 3
    told = (regime.phys_bits <= 48) | ((regime.phys_bits <= 52) & (regime.ds != (regime.granule == 16)))
    reachable = told & ((regime.phys_bits <= 48) | (regime.phys_bits == 52) | regime.ds)
    return (pa & ((1 << low) - 1) == 0) & (pa >> regime.phys_bits == 0) & reachable & ((regime.granule != 16) | (not regime.ds))


def arm_leaf(regime: aarch64.Regime, upper: bool, height: Height, pa: Pa, prot: Prot, after: Entry) -> bool:
    """A leaf of AArch64 names its frame and grants what was asked, and fetching to nobody but whom the half is."""
    granted = aarch64.grant(regime, aarch64.Limits(), after)
    write, execute = (prot & WRITE) != 0, (prot & EXECUTE) != 0
    exact = (granted.write == write) & (granted.el0 != upper)
    fetch = (granted.uxn == (upper | (not execute))) & (granted.pxn == ((not upper) | (not execute)))
    named = aarch64.address_in(regime, after, (regime.granule - 3) * height + 3) == pa
    return exact & fetch & named & (after & (aarch64.VALID | aarch64.AF) == aarch64.VALID | aarch64.AF)


def is_table(table: Pa) -> bool:
    """The table is aligned to 4 KiB and below 2**52."""
    return (table & 4095 == 0) & (table >> 52 == 0)


def x86_pointer(upper: bool, table: Pa, after: Entry) -> bool:
    """An entry of x86-64 that points to a table names it, takes no right, and is no leaf."""
    flags = after & (x86_64.PRESENT | x86_64.WRITABLE | x86_64.PAGE_SIZE | x86_64.EXECUTE_DISABLE)
    return (after & x86_64.FRAME == table) & (flags == x86_64.PRESENT | x86_64.WRITABLE) & (((after & x86_64.USER) != 0) != upper)


def riscv_pointer(upper: bool, table: Pa, after: Entry) -> bool:
    """An entry of RISC-V that points to a table names it, and is valid and nothing else."""
    return (riscv64.frame_of(after) == table) & riscv64.is_pointer(after) & (after & 0x3FF == riscv64.VALID)


def _of(
    name: str, subject: Callable[..., Any], goal: Predicate, clauses: tuple[Clause, ...], given: tuple[Predicate, ...],
    each: Mapping[str, tuple[int, ...]], **more: Any,
) -> Obligation:  # fmt: skip
    return Obligation(
        f"PAGE-MAP-{name}", clauses, (function_of(goal).__doc__ or "").strip(), subject, goal, given=given, each=each,
        operation="entries", invariant=name.lower(), **more,
    )  # fmt: skip


OBLIGATIONS = (
    _of(
        "X86-LEAF", encode.leaf, x86_leaf, (c.WALKS, c.LOOKED), (is_x86_frame,), {"height": (1, 2)},
        types={"regime": x86_64.Regime},
    ),
    _of("X86-POINTER", encode.pointer, x86_pointer, (c.HALF, c.TREE), (is_table,), {}, types={"regime": x86_64.Regime}),
    _of(
        "RISCV-LEAF", encode.leaf, riscv_leaf, (c.WALKS, c.LOOKED), (is_riscv_frame,), {"height": (1, 2, 3, 4, 5)},
        types={"regime": riscv64.Regime},
    ),
    _of(
        "ARM-LEAF", encode.leaf, arm_leaf, (c.WALKS, c.LOOKED), (is_arm_frame,),
        {"regime.granule": (12, 14, 16), "height": (1, 2)}, types={"regime": aarch64.Regime},
    ),
    _of(
        "RISCV-POINTER", encode.pointer, riscv_pointer, (c.TREE,), (is_table,), {}, types={"regime": riscv64.Regime},
        straight=True,
    ),
)  # fmt: skip
