"""Loops as data: they run as ``while`` does, within their measure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmspec.errors import LawError
from mmspec.loop import Loop, read_loops_with

COUNT_DOWN = Loop("count_down", lambda n, steps: n > 0, lambda n, steps: (n - 1, steps + 1), lambda n, steps: n)


@given(st.integers(0, 50))
def test_a_loop_runs_until_its_head_is_false(n: int) -> None:
    """It takes as many rounds as a while would."""
    assert COUNT_DOWN.run(n, 0) == (0, n)


def test_a_loop_that_never_starts_gives_its_variables_back() -> None:
    """No round, no change."""
    assert COUNT_DOWN.run(0, 7) == (0, 7)


def test_a_loop_that_outruns_its_measure_is_a_defect() -> None:
    """A step that does not lower the measure is found, by the loop's name."""
    standing = Loop("standing", lambda n: True, lambda n: (n,), lambda n: 3)
    with pytest.raises(LawError, match="loop standing outran its measure"):
        standing.run(1)


def test_one_round_more_than_the_measure_is_a_defect() -> None:
    """A measure of three allows three rounds, not four."""
    short = Loop("short", lambda n: n < 4, lambda n: (n + 1,), lambda n: 3)
    with pytest.raises(LawError):
        short.run(0)


def test_a_measure_that_is_negative_allows_no_round() -> None:
    """The budget is a natural number."""
    below = Loop("below", lambda n: True, lambda n: (n,), lambda n: -5)
    with pytest.raises(LawError):
        below.run(1)


def test_the_last_round_of_the_measure_is_allowed() -> None:
    """A measure of n allows n rounds, not n - 1."""
    exact = Loop("exact", lambda n: n < 4, lambda n: (n + 1,), lambda n: 4 - n)
    assert exact.run(0) == (4,)


def test_loops_can_be_read_otherwise() -> None:
    """A cut stands for every loop until it is taken back, and the reading before it is returned."""
    before = read_loops_with(lambda loop, variables: ("cut", loop.name))
    try:
        assert COUNT_DOWN.run(5, 0) == ("cut", "count_down")
    finally:
        assert read_loops_with(before) is not None
    assert COUNT_DOWN.run(2, 0) == (0, 2)
