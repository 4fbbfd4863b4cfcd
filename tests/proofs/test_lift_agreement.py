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
    "is declared Any": ("errors.refused", "physical.memblock.looking.look_apply"),
    "stands for something else in a predicate": ("linked.insert",),
    "declare the order's range": (
        "physical.memory_model.core.activate",
        "physical.memory_model.core.add_apply",
        "physical.memory_model.core.map_device_apply",
        "physical.memory_model.core.remove_apply",
        "physical.memory_model.core.unmap_device_apply",
        "physical.memory_model.layout.bits_below",
        "physical.memory_model.layout.subsection_mask",
    ),
    "is declared int": (
        "physical.hotplug.onlining.counted",
        "physical.hotplug.onlining.with_isolated",
        "physical.page_alloc.core.can_walk",
        "physical.page_alloc.core.is_here",
        "physical.watermarks.core.can_split",
        "physical.watermarks.linux.mark_at",
    ),
    "is declared tuple": (
        "physical.memblock.core.add_apply",
        "physical.memblock.core.alloc_apply",
        "physical.memblock.core.before_change",
        "physical.memblock.core.change_done",
        "physical.memblock.core.free_apply",
        "physical.memblock.core.moved_to",
        "physical.memblock.core.remove_apply",
        "physical.memblock.core.reserve_apply",
        "physical.memblock.handover.free_all_apply",
        "physical.memblock.handover.memory_moves",
        "physical.memblock.handover.moved_between",
        "physical.memblock.kinds.cap_apply",
        "physical.memblock.kinds.enforce_apply",
        "physical.memblock.kinds.limit_map_apply",
        "physical.memblock.kinds.mark_apply",
        "physical.memblock.kinds.set_node_apply",
        "physical.memblock.kinds.trim_apply",
        "virtual.page_table.aarch64.leaf_reached",
        "virtual.page_table.riscv64.leaf_reached",
        "virtual.page_table.walk.set_bits",
        "virtual.page_table.x86_64.leaf_reached",
    ),
    "is declared Mapping": ("pmap.pmap",),
    "entries maps plain K": ("pmap.somewhere",),
    "is declared str": (
        "virtual.page_table.aarch64.faulted",
        "virtual.page_table.riscv64.faulted",
        "virtual.page_table.x86_64.faulted",
    ),
    "tuple index out of range": ("virtual.page_table.aarch64.status_code",),
    "maps plain Request": (
        "physical.page_alloc.linux.above_choose",
        "physical.page_alloc.linux.boost_choose",
        "physical.page_alloc.linux.flags_of_choose",
        "physical.page_alloc.linux.reclaimable_choose",
        "physical.page_alloc.linux.report_choose",
        "physical.page_alloc.linux.walk_choose",
    ),
    "maps plain Page": (
        "virtual.page_map.core.unmap_apply",
        "virtual.page_map.state.entry_at",
        "virtual.page_map.state.size_bits",
        "virtual.page_map.state.slot_of",
        "virtual.page_map.state.store",
        "virtual.page_map.state.table_of",
        "virtual.page_map.state.walk_to",
    ),
}
"""Functions of the law that a proof goes through and that no state can be made for alone, by what stands against it.

They are not compared here; a proof gives them what it knows of their arguments.
"""

TOO_MANY = (
    "physical.page_alloc.walk.try_zone",
    "physical.pages.linux.tested",
    "physical.pcp.linux.free_choose",
    "virtual.page_table.aarch64.walk",
    "virtual.page_table.core.walk_of",
    "virtual.page_table.riscv64.walk",
    "virtual.page_table.x86_64.walk",
)
"""Functions that take more paths, or longer for them, than a proof is given: they are not compared here either."""


def proved_functions() -> list[str]:
    """Return the functions of the law that a proof in the ledger went through."""
    found = {name for entry in ledger.read().values() for name in entry.subject if name.startswith("mmspec.")}
    unread = (*TOO_MANY, *(name for names in UNREAD.values() for name in names))
    return sorted(found - {f"mmspec.{name}" for name in unread})


def law_function(name: str) -> Callable[..., Any]:
    """Return a function of the law by its full name."""
    module, _, function = name.rpartition(".")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


@pytest.mark.parametrize(("cause", "name"), [(cause, name) for cause, names in UNREAD.items() for name in names])
def test_what_is_left_out_cannot_be_read(cause: str, name: str) -> None:
    """And for the reason that is given: what can be read again leaves the list, and is compared."""
    with pytest.raises(LiftError, match=cause):
        agree(law_function(f"mmspec.{name}"), choices=ERRORS, rounds=1)


@pytest.mark.by_turns(4)
@pytest.mark.parametrize("name", proved_functions())
def test_interpreter_and_formula_agree(name: str) -> None:
    """On a random state of every path the real function gives what the formula foretells, unless it runs a loop.

    Behind a loop the formula stands for whatever its invariant allows; the loop's own functions are compared.
    """
    try:
        assert agree(law_function(name), choices=ERRORS, rounds=1) > 0
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
