"""Words: what a number's declaration says, and the bit arithmetic that everything shares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmspec.physical.buddy.ops import DONE, Alloc, Config
from mmspec.words import MAX_ORDER_LIMIT, Order, Pfn, head_of, is_aligned, size_of, word_of, words_of

PFNS = st.integers(0, (1 << 52) - 1)
ORDERS = st.integers(0, MAX_ORDER_LIMIT)


def test_a_pfn_is_written_in_hexadecimal() -> None:
    """The protocol writes frame numbers as "0x..."."""
    word = word_of(Pfn)
    assert word is not None
    assert word.hexadecimal


def test_an_order_is_a_plain_number() -> None:
    """The protocol writes orders as numbers."""
    word = word_of(Order)
    assert word is not None
    assert not word.hexadecimal
    assert not word.names


@pytest.mark.parametrize("annotation", [int, str, "Pfn", tuple[int, ...]])
def test_what_declares_no_word_has_none(annotation: object) -> None:
    """Only an Annotated with a Word in it declares one."""
    assert word_of(annotation) is None


def test_the_words_of_a_record_come_by_field() -> None:
    """Each field that is a word is there, under its name."""
    assert {name: word.name for name, word in words_of(Alloc).items()} == {
        "order": "order", "migratetype": "migratetype", "flags": "flags",
    }  # fmt: skip


def test_fields_that_are_no_words_are_left_out() -> None:
    """Holes are a tuple of ranges, and an order that may be None has no single range."""
    assert set(words_of(Config)) == {"start_pfn", "end_pfn", "max_order"}


def test_a_result_without_fields_has_no_words() -> None:
    """Done says nothing."""
    assert words_of(type(DONE)) == {}


@given(PFNS, ORDERS)
def test_the_head_of_a_frame_is_aligned(frame: int, order: int) -> None:
    """A block's head is a multiple of its size."""
    assert head_of(frame, order) % size_of(order) == 0
    assert is_aligned(head_of(frame, order), order)


@given(PFNS, ORDERS)
def test_a_frame_lies_in_the_block_that_its_head_begins(frame: int, order: int) -> None:
    """No frame is size_of(order) or more above its head."""
    assert 0 <= frame - head_of(frame, order) < size_of(order)


@given(PFNS, ORDERS)
def test_alignment_counts_from_frame_0(pfn: int, order: int) -> None:
    """A frame is aligned if it is a multiple of the block's size, and only then."""
    assert is_aligned(pfn, order) is (pfn % size_of(order) == 0)
