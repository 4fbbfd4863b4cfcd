"""The lifted function and the interpreted one are one function; a lifter that is wrong is caught."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from tests.proofs.lifting import agree, covered

from mmproofs import ledger
from mmproofs.lift import run, words
from mmproofs.lift.errors import LiftError
from mmspec import words as law_words
from mmspec.errors import EBUSY, EINVAL, ENOENT, ENOMEM, Error
from mmspec.physical.buddy import core, kinds, lists

ERRORS = {Error: (EINVAL, ENOMEM, EBUSY, ENOENT)}

UNREAD = {
    "mmspec.errors.refused": "its result is declared Any: what asks it is compared",
    "mmspec.linked.insert": "a parameter is called after: what calls it is compared",
    **dict.fromkeys(
        [
            f"mmspec.physical.memory_model.{name}"
            for name in (
                "core.activate",
                "core.add_apply",
                "core.remove_apply",
                "core.unmap_device_apply",
                "layout.bits_below",
                "layout.subsection_mask",
            )
        ],
        "it shifts by what an architecture's layout limits: proved for each layout, which a random state is not of",
    ),
    **dict.fromkeys(
        [f"mmspec.physical.hotplug.onlining.{name}" for name in ("counted", "with_isolated")],
        "a difference is a plain int, of any sign: what calls it is compared",
    ),
    **dict.fromkeys(
        [
            f"mmspec.physical.memblock.{name}"
            for name in (
                "core.add_apply",
                "core.alloc_apply",
                "core.before_change",
                "core.change_done",
                "core.moved_to",
                "core.remove_apply",
                "core.reserve_apply",
                "looking.look_apply",
            )
        ],
        "an answer has a tuple, of which nothing unknown can be made: its parts are compared, and the whole in lock-step",
    ),
    **dict.fromkeys(
        [
            f"mmspec.physical.page_alloc.{name}"
            for name in (
                "core.is_here",
                "linux.above_choose",
                "linux.boost_choose",
                "linux.flags_of_choose",
                "linux.reclaimable_choose",
                "linux.report_choose",
            )
        ],
        "notes are a map of records, and a zone a plain int: what it reads of them is compared",
    ),
    **dict.fromkeys(
        [
            f"mmspec.virtual.page_map.{name}"
            for name in (
                "core.unmap_apply",
                "state.entry_at",
                "state.size_bits",
                "state.slot_of",
                "state.store",
                "state.table_of",
                "state.walk_to",
            )
        ],
        "the pages of a space are a map of records, of which a proof is given its words",
    ),
    **dict.fromkeys(
        [
            f"mmspec.virtual.page_table.{name}"
            for name in (
                "aarch64.faulted",
                "aarch64.leaf_reached",
                "aarch64.status_code",
                "riscv64.faulted",
                "riscv64.leaf_reached",
                "x86_64.faulted",
                "x86_64.leaf_reached",
            )
        ],
        "the tables that a walk has read are a tuple, and a fault's kind a text: each step before is compared",
    ),
    **dict.fromkeys(
        [
            f"mmspec.virtual.page_table.{name}"
            for name in (
                "aarch64.walk",
                "core.walk_of",
                "riscv64.walk",
                "x86_64.walk",
            )
        ],
        "a whole walk has more paths than are followed: each of its steps is compared",
    ),
    "mmspec.virtual.page_table.walk.set_bits": "what is written is any mapping: what writes it is compared",
    "mmspec.physical.page_alloc.walk.try_zone": "it has more paths than are followed: what it calls is compared",
    "mmspec.pmap.pmap": "what a map is made of is any mapping: what makes one is compared",
}
"""Functions of the law that a proof goes through and that no state can be made for alone."""


def proved_functions() -> list[str]:
    """Return the functions of the law that a proof in the ledger went through."""
    found = {name for entry in ledger.read().values() for name in entry.subject if name.startswith("mmspec.")}
    return sorted(found - UNREAD.keys())


@pytest.mark.by_turns(4)
@pytest.mark.parametrize("name", proved_functions())
def test_interpreter_and_formula_agree(name: str) -> None:
    """On a random state of every path the real function gives what the formula foretells, unless it runs a loop.

    Behind a loop the formula stands for whatever its invariant allows; the loop's own functions are compared.
    """
    module, _, function = name.rpartition(".")
    try:
        assert agree(getattr(importlib.import_module(module), function), choices=ERRORS, rounds=1) > 0
    except LiftError as error:
        if "no LoopInvariant is given for it" not in str(error):
            raise


@pytest.mark.parametrize(
    "function", [law_words.size_of, law_words.head_of, core.owners, lists.first_listed], ids=lambda f: f.__name__
)
def test_interpreter_and_formula_agree_often(function: Callable[..., Any]) -> None:
    """So it is on many states of one path."""
    assert agree(function, rounds=20) >= 20


@pytest.mark.parametrize(
    "function", [core.block_over, core.merge_more, lists.merge_likely, kinds.count_step], ids=lambda f: f.__name__
)
def test_paths_cover_every_state(function: Callable[..., Any]) -> None:
    """Whatever the arguments, one of the paths is theirs."""
    assert covered(function)


def test_dropped_path_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lifter that forgets the other side of a fork leaves states uncovered."""
    real = run.Run.decide

    def forgetful(self: run.Run, options: Any, condition: Any) -> Any:
        option = real(self, options, condition)
        self.left.clear()
        return option

    monkeypatch.setattr(run.Run, "decide", forgetful)
    assert not covered(core.block_over)


def test_dropped_guard_bit_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lifter that computes one bit too narrow foretells other values."""
    real = words.width_for
    monkeypatch.setattr(words, "width_for", lambda lo, hi: max(1, real(lo, hi) - 1))
    with pytest.raises(AssertionError):
        agree(law_words.size_of, rounds=40)
