"""The four promises, each at the values that decide it."""

from __future__ import annotations

import pytest

from mmspec import promises
from mmspec.pmap import pmap


@pytest.mark.parametrize(("owners", "kept"), [(0, True), (1, True), (2, False)])
def test_no_frame_has_two_owners(owners: int, kept: bool) -> None:
    """None and one are right, two are not."""
    assert promises.one_owner(owners) is kept


@pytest.mark.parametrize(
    ("places", "is_memory", "kept"),
    [(0, True, False), (1, True, True), (2, True, False), (0, False, True), (1, False, False)],
)
def test_every_frame_is_in_exactly_one_place(places: int, is_memory: bool, kept: bool) -> None:
    """Memory is in one place, what is not memory in none."""
    assert promises.one_place(places, is_memory) is kept


@pytest.mark.parametrize(("address", "read", "kept"), [(8, 5, True), (8, 0, False), (16, 0, True), (16, 5, False)])
def test_memory_reads_back_what_was_last_written(address: int, read: int, kept: bool) -> None:
    """What was never written reads as 0."""
    assert promises.read_back(pmap({8: 5}), address, read) is kept


@pytest.mark.parametrize(("page", "frame", "kept"), [(1, 7, True), (1, 8, False), (2, 7, False)])
def test_a_translation_gives_the_frame_that_was_mapped(page: int, frame: int, kept: bool) -> None:
    """No other frame, and none where nothing is mapped."""
    assert promises.translation(pmap({1: 7}), page, frame) is kept


def test_each_promise_is_a_clause() -> None:
    """Four promises, four clauses."""
    assert [clause.id for clause in promises.CLAUSES] == ["PROMISE-1", "PROMISE-2", "PROMISE-3", "PROMISE-4"]
