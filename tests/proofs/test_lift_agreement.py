"""The lifted function and the interpreted one are one function; a lifter that is wrong is caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.proofs.lifting import agree, covered

from mmproofs.lift import run, words
from mmspec import words as law_words
from mmspec.errors import EBUSY, EINVAL, ENOENT, ENOMEM, Error
from mmspec.physical.buddy import core, kinds, lists, state

ERRORS = {Error: (EINVAL, ENOMEM, EBUSY, ENOENT)}

FUNCTIONS: list[Callable[..., Any]] = [
    law_words.size_of, law_words.head_of, law_words.is_aligned,
    core.buddy_of, core.parent_of, core.holds_frame, core.owners, core.merge_more, core.merge_step, core.split_more,
    core.kind_usable, core.alloc_served, core.free_allowed, state.in_zone, kinds.count_step, kinds.reserve_allowed,
    state.list_number, state.order_of_list, state.type_of_list, state.kind_of, state.kind_at, state.pageblock_inside,
    state.is_mergeable, lists.listed_order, lists.first_listed,
]  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_interpreter_and_formula_agree(function: Callable[..., Any]) -> None:
    """On random states of every path the real function gives what the formula foretells."""
    assert agree(function, choices=ERRORS) > 0


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
