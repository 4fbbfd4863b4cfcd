"""The law is written in the dialect, and the lint sees what is not."""

from __future__ import annotations

import pytest
from tests.proofs import test_unliftable as corpus

from mmspec import dialect


def test_law_is_in_the_dialect() -> None:
    """Nothing that is to be lifted leaves the dialect."""
    assert [str(finding) for finding in dialect.findings()] == []


def test_lint_reads_the_law() -> None:
    """The lint reaches the operations, the lists below them and the loops' steps."""
    names = {function.__name__ for function in dialect.reachable(dialect.operations(), ("mmspec",))}
    assert {"free_apply", "merge_step", "delist", "insert", "tally_step", "owned_once"} <= names


def asks_type(pfn: int) -> bool:
    """Asks type."""
    return isinstance(pfn, int)


def asks_identity(pfn: int) -> bool:
    """Asks identity."""
    return pfn is not None


def catches(pfn: int) -> int:
    """Catches."""
    try:
        return pfn
    except ValueError:
        return 0


def spins(pfn: int) -> int:
    """Spins."""
    while pfn:
        pfn -= 1
    return pfn


def recurses(pfn: int) -> int:
    """Recurses."""
    return recurses(pfn - 1) if pfn else 0


@pytest.mark.parametrize("function", [asks_type, asks_identity, catches, spins, recurses, corpus.uses_text, corpus.uses_int])
def test_lint_finds_it(function: object) -> None:
    """Each construct is reported with file, line and what to write instead."""
    (found, *_) = dialect.check(function)  # type: ignore[arg-type]
    assert found.line > 1
    assert found.hint in str(found)
