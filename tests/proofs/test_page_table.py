"""What is proved of the page-table walk can fail: of wrong steps of the law and of the optimised walkers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.proofs.breaking import refuted

from mmimpl.virtual.page_table import aarch64 as our_arm
from mmimpl.virtual.page_table import riscv64 as our_riscv
from mmimpl.virtual.page_table import single
from mmimpl.virtual.page_table import x86_64 as our_x86
from mmproofs.obligations import by_id
from mmspec.virtual.page_table import x86_64
from mmspec.virtual.page_table.ops import Entry, Level, Pa, Va, VaBits


def canonical_by_sign(va: Va, va_bits: VaBits) -> bool:
    """Only bit 63 is compared with the top bit of an address."""
    return va >> 63 == (va >> (va_bits - 1)) & 1


def entry_without_mask(table: Pa, va: Va, level: Level) -> Pa:
    """The index keeps one bit of the level above."""
    return table + ((va >> x86_64.shift_of(level)) & 1023) * 8


def combine_or(above: x86_64.Combined, entry: Entry) -> x86_64.Combined:
    """A level gives what those above it took."""
    return x86_64.Combined(
        write=above.write | ((entry & x86_64.WRITABLE) != 0),
        user=above.user & ((entry & x86_64.USER) != 0),
        execute=above.execute & ((entry & x86_64.EXECUTE_DISABLE) == 0),
    )


LAWS: list[tuple[str, Callable[..., Any], dict[str, int]]] = [
    ("PAGE-TABLE-APART", canonical_by_sign, {"va_bits": 48}),
    ("PAGE-TABLE-IN-TABLE", entry_without_mask, {"level": 2}),
    ("PAGE-TABLE-X86-TAKES", combine_or, {}),
    ("PAGE-TABLE-X86-KEPT", combine_or, {}),
    ("PAGE-TABLE-X86-PML5-UPPER", entry_without_mask, {"level": 5}),
]


@pytest.mark.parametrize(("name", "wrong", "case"), LAWS, ids=[f"{name} {wrong.__name__}" for name, wrong, _ in LAWS])
def test_a_wrong_law_is_refuted(name: str, wrong: Callable[..., Any], case: dict[str, int]) -> None:
    """The obligation about the right function is REFUTED of the wrong one, on which the counterexample was run."""
    refuted(name, case, subject=wrong)


def reserves_too_little(level: int, phys_bits: int, controls: Any) -> tuple[int, int]:
    """Nothing is reserved in a table's entry."""
    return 0, _RESERVED(level, phys_bits, controls)[1]


def keeps_leaf_only(rights: int, entry: int) -> int:
    """Execute-disable counts in the leaf alone."""
    return (rights & entry & ~1) | (1 if entry < 0 else 0)


def without_supervisors(kind: int, user: bool, rights: int, controls: Any) -> bool:
    """SMAP is not heeded."""
    return _ALLOWS(kind, user, rights, {**controls, "smap": False})


def goes_on_anywhere(regime: Any, level: int, pte: int) -> int:
    """A pointer at level 0 is followed."""
    return _SORT(regime, 1, pte)


def takes_nothing(regime: Any, entry: int) -> int:
    """What tables take is not heeded."""
    return 0


def without_high_bits(regime: Any, entry: int, low: int) -> int:
    """The bits of an address that lie apart are not looked for."""
    return ((entry & ((1 << 48) - 1)) >> low) << low


def leaf_of_any_size(regime: Any, level: int, kind: int) -> single.Rung:
    """The short way takes 1-GiB pages where there are none."""
    right = _RUNG(regime, level, kind)
    return right._replace(leaf=right.sound & 0xE7)


_RESERVED, _ALLOWS, _SORT, _RUNG = our_x86.reserved, our_x86.allows, our_riscv.sort_of, single.x86_64_rung

WALKERS: list[tuple[str, Any, str, Callable[..., Any], dict[str, int]]] = [
    ("PAGE-TABLE-X86-SORT", our_x86, "reserved", reserves_too_little, {"level": 4}),
    ("PAGE-TABLE-X86-KEPT", our_x86, "below", keeps_leaf_only, {}),
    ("PAGE-TABLE-X86-DENIED", our_x86, "allows", without_supervisors, {"kind": 0, "user": False}),
    ("PAGE-TABLE-RISCV-SORT", our_riscv, "sort_of", goes_on_anywhere, {"level": 0}),
    ("PAGE-TABLE-ARM-KEPT-4K", our_arm, "takes", takes_nothing, {}),
    ("PAGE-TABLE-ARM-TABLE-64K-LPA", our_arm, "address_of", without_high_bits, {"low": 16}),
    ("PAGE-TABLE-X86-SHORT", single, "x86_64_rung", leaf_of_any_size, {"level": 3, "kind": 0}),
    ("PAGE-TABLE-ARM-TABLE-4K-DS", our_arm, "address_of", without_high_bits, {"low": 12}),
]


@pytest.mark.parametrize(("name", "module", "function", "wrong", "case"), WALKERS, ids=[row[0] for row in WALKERS])
def test_a_wrong_walker_is_refuted(
    name: str, module: Any, function: str, wrong: Callable[..., Any], case: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One step of the optimised walker replaced, and it is no longer the law's; the counterexample shows it."""
    monkeypatch.setattr(module, function, wrong)
    refuted(name, case)


@pytest.mark.parametrize("name", ["PAGE-TABLE-X86-PML5-RIGHTS", "PAGE-TABLE-X86-PML5-GOES-ON"])
def test_a_pml5_entry_must_open_all(name: str) -> None:
    """What is asked of the PML5's entry is needed: of any entry it is false."""
    refuted(name, by_id()[name].cases[0], given=())
