"""Persistent maps: every body does what a dict does, and keeps what it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmspec.pmap import CopyOnWrite, Journaled, pmap, read_searches_with, somewhere

BODIES: dict[str, Callable[[dict[int, int]], Any]] = {
    "immutables": pmap,
    "copy on write": CopyOnWrite,
    "journaled": lambda items: Journaled(pmap(items), []),
}
STEPS = st.lists(st.tuples(st.sampled_from(["set", "delete", "get", "in", "item"]), st.integers(0, 6), st.integers(0, 3)))
body = pytest.mark.parametrize("body", BODIES)


@body
@given(st.dictionaries(st.integers(0, 6), st.integers(0, 3)), STEPS)
def test_a_map_does_what_a_dict_does(body: str, items: dict[int, int], steps: list[tuple[str, int, int]]) -> None:
    """After any steps the map holds what a dict holds, and each answered what the dict answers."""
    plain, m = dict(items), BODIES[body](items)
    for act, key, value in steps:
        if act == "set":
            plain[key], m = value, m.set(key, value)
        elif act == "delete" and key in plain:
            del plain[key]
            m = m.delete(key)
        elif act == "get":
            assert m.get(key, value) == plain.get(key, value)
        elif act == "in":
            assert (key in m) is (key in plain)
        elif act == "item" and key in plain:
            assert m[key] == plain[key]
    assert dict(m.items()) == plain
    assert len(m) == len(plain)


@body
def test_what_is_not_there_is_a_key_error(body: str) -> None:
    """``m[key]`` is an obligation that the key is there."""
    with pytest.raises(KeyError):
        BODIES[body]({1: 1})[2]


@body
def test_deleting_what_is_not_there_is_a_key_error(body: str) -> None:
    """``delete`` is one as well."""
    with pytest.raises(KeyError):
        BODIES[body]({1: 1}).delete(2)


@body
def test_a_write_leaves_the_old_map_as_it_was(body: str) -> None:
    """Maps are persistent."""
    m = BODIES[body]({1: 1})
    m.set(1, 2)
    m.delete(1)
    assert dict(m.items()) == {1: 1}


@body
def test_a_default_of_nought_is_a_default(body: str) -> None:
    """``get`` returns the default whatever its truth."""
    assert BODIES[body]({}).get(5, 0) == 0


def test_a_journal_names_the_keys_that_were_written() -> None:
    """Writes are noted in order, reads are not."""
    log: list[int] = []
    m = Journaled(pmap({1: 1, 2: 2}), log)
    m.get(1, 0)
    m.set(3, 3).delete(2).set(1, 5)
    assert log == [3, 2, 1]


def test_a_journal_is_shared_by_all_versions() -> None:
    """Whoever empties it sees only what comes after."""
    log: list[int] = []
    m = Journaled(pmap({}), log).set(1, 1)
    log.clear()
    m.set(2, 2)
    assert log == [2]


def test_iterating_a_journaled_map_yields_its_keys() -> None:
    """It is a Mapping."""
    assert sorted(Journaled(pmap({1: 1, 2: 2}), [])) == [1, 2]


@pytest.mark.parametrize(("wanted", "found"), [(3, True), (4, False)])
def test_somewhere_asks_every_entry(wanted: int, found: bool) -> None:
    """It tells whether one entry will do; the context is handed on."""
    assert somewhere(pmap({1: 2, 2: 3}), lambda key, value, context: value == context, wanted) is found


def test_somewhere_can_be_read_otherwise() -> None:
    """The lifter's reading stands until it is taken back, and the one before is returned."""
    before = read_searches_with(lambda entries, true_of, context: True)
    try:
        assert somewhere(pmap({}), lambda key, value: False)
    finally:
        read_searches_with(before)
    assert not somewhere(pmap({}), lambda key, value: True)
