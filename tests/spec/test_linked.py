"""Linked lists against plain Python lists."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mmspec.linked import HEADS, Links, first, insert, is_empty, list_head, members, push_head, push_tail, remove
from mmspec.words import PFN_BITS

NUMBERS = range(4)
KEYS = st.one_of(st.integers(0, 9), st.integers((1 << PFN_BITS) - 3, (1 << PFN_BITS) - 1))


class Lists(RuleBasedStateMachine):
    """Rings and lists of Python, through the same insertions and removals."""

    def __init__(self) -> None:
        super().__init__()
        self.links = Links()
        self.plain: list[list[int]] = [[] for _ in NUMBERS]

    def on_a_list(self) -> list[int]:
        """Return every key that is on some list."""
        return [key for keys in self.plain for key in keys]

    @rule(key=KEYS, number=st.sampled_from(NUMBERS), tail=st.booleans())
    def push(self, key: int, number: int, tail: bool) -> None:
        """Put a key that is on no list on one."""
        if key in self.on_a_list():
            return
        self.links = (push_tail if tail else push_head)(self.links, number, key)
        self.plain[number].insert(len(self.plain[number]) if tail else 0, key)

    @precondition(lambda self: self.on_a_list())
    @rule(data=st.data())
    def take_off(self, data: st.DataObject) -> None:
        """Take a key off whatever list it is on."""
        key = data.draw(st.sampled_from(self.on_a_list()))
        self.links = remove(self.links, key)
        for keys in self.plain:
            if key in keys:
                keys.remove(key)

    @invariant()
    def same(self) -> None:
        """Every ring, walked from its head, is the Python list; first and is_empty agree with it."""
        for number, keys in enumerate(self.plain):
            assert list(members(self.links, number)) == keys
            assert first(self.links, number) == (keys[0] if keys else list_head(number))
            assert is_empty(self.links, number) is (not keys)

    @invariant()
    def backwards(self) -> None:
        """Every ring, walked backwards, is the Python list reversed."""
        for number, keys in enumerate(self.plain):
            head, key, seen = list_head(number), self.links.prev.get(list_head(number), list_head(number)), []
            while key != head:
                seen.append(key)
                key = self.links.prev[key]
            assert seen == keys[::-1]


TestLists = Lists.TestCase


def test_a_removed_key_leaves_no_trace() -> None:
    """A key that is on no list has neither successor nor predecessor."""
    links = remove(push_head(push_head(Links(), 0, 7), 0, 8), 7)
    assert 7 not in links.next
    assert 7 not in links.prev


def test_removing_what_is_on_no_list_is_a_defect() -> None:
    """The law must know that a key is on a list before it takes it off."""
    with pytest.raises(KeyError):
        remove(push_head(Links(), 0, 7), 8)


def test_the_old_rings_are_as_they_were() -> None:
    """Lists are persistent."""
    before = push_tail(Links(), 2, 1)
    push_tail(before, 2, 5)
    assert list(members(before, 2)) == [1]


def test_insert_puts_a_key_between_its_neighbours() -> None:
    """The new key follows the one and precedes the other."""
    links = push_tail(push_tail(Links(), 0, 1), 0, 3)
    assert list(members(insert(links, 2, 1, 3), 0)) == [1, 2, 3]


def test_no_frame_is_a_list_s_head() -> None:
    """Heads are keys above every frame number."""
    assert list_head(0) == HEADS > (1 << PFN_BITS) - 1
