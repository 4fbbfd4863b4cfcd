"""What is proved is the function that runs: each one that the ledger names, taken apart, takes its verdicts with it."""

from __future__ import annotations

import importlib
import types
from typing import Any

import pytest

from mmproofs import ledger, solve
from mmproofs.obligation import Verdict

ENTRIES = ledger.read()


class TakenApartError(Exception):
    """What a patched function raises."""


def taken_apart(*arguments: Any) -> Any:
    """Stand for any function."""
    raise __import__("tests.proofs.test_subjects", fromlist=["TakenApartError"]).TakenApartError


def cheapest() -> dict[str, str]:
    """Return, for each function that a proof went through, the obligation with the fewest paths that did."""
    found: dict[str, str] = {}
    for name, entry in sorted(ENTRIES.items(), key=lambda item: (item[1].paths, item[1].seconds)):
        for function in entry.subject:
            if function.startswith(("mmspec.", "mmimpl.")):
                found.setdefault(function, name)
    return found


def function_named(name: str) -> types.FunctionType:
    """Return the function of a dotted name."""
    module, _, function = name.rpartition(".")
    found = getattr(importlib.import_module(module), function)
    assert isinstance(found, types.FunctionType)
    return found


@pytest.mark.parametrize(("function", "obligation"), cheapest().items(), ids=lambda value: value.rpartition(".")[2])
def test_verdict_follows_the_code_that_runs(function: str, obligation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The very code object is replaced by one that raises: what was PROVED is PROVED no more."""
    assert ENTRIES[obligation].verdict == "PROVED"
    monkeypatch.setattr(solve, "_read_both_ways", lambda: "")  # it reads signatures, and is kept for the whole process
    monkeypatch.setattr(function_named(function), "__code__", taken_apart.__code__)
    outcome, _ = solve.work(obligation, (), None)
    assert outcome.verdict is not Verdict.PROVED


def test_every_function_of_the_law_s_lists_and_core_is_proved_something_about() -> None:
    """None of the functions that free, hand out, split, merge or move is missing from what ran."""
    for function in (
        "core.give", "core.withdraw", "core.merge_step", "core.split_step", "lists.free_one", "lists.listed_merge_step",
        "lists.take_listed", "lists.expand_step", "lists.move_step", "lists.convert_pageblock", "fallback.claim",
        "fallback.steal", "fallback.moved_61", "linux.alloc_choose", "linux.free_choose",
    ):  # fmt: skip
        assert f"mmspec.physical.buddy.{function}" in cheapest()
