"""Handing out: splitting, the order of the lists tried, CMA's share, the reserve (dossier E.7, E.8; mm/page_alloc.c, v6.12)."""

from __future__ import annotations

import pytest
from tests.spec.model import made

from mmspec.errors import ENOMEM
from mmspec.physical.buddy.ops import (
    ALLOC_CMA,
    ALLOC_HIGHATOMIC,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    CMA,
    HIGHATOMIC,
    ISOLATE,
    MOVABLE,
    UNMOVABLE,
    Alloc,
    Config,
)

SIXTEEN = Config(0, 16, max_order=4, pageblock_order=3)
QUARTERS = Config(0, 16, max_order=4, pageblock_order=2)
"""Four pageblocks of four frames."""

ALONE = {(CMA, 2): [0]}
"""All that is free is one CMA pageblock."""


# --- splitting -------------------------------------------------------------------------------------------------------


def test_the_caller_gets_the_lowest_frames() -> None:
    """A block that is split is handed out at its head."""
    assert made(SIXTEEN, {(MOVABLE, 3): [8]}).alloc(0) == 8


def test_a_split_lists_one_block_of_each_order() -> None:
    """From order 4 to 0: the upper half at each step."""
    model = made(SIXTEEN, {(MOVABLE, 4): [0]})
    model.alloc(0)
    assert model.listed() == {(MOVABLE, 0): [1], (MOVABLE, 1): [2], (MOVABLE, 2): [4], (MOVABLE, 3): [8]}


def test_a_block_of_the_right_order_is_not_split() -> None:
    """Nothing is listed anew."""
    model = made(SIXTEEN, {(MOVABLE, 2): [4, 12]})
    assert model.alloc(2) == 4
    assert model.listed() == {(MOVABLE, 2): [12]}


def test_what_is_split_off_keeps_its_type() -> None:
    """The halves go to the lists of the block that was split."""
    model = made(QUARTERS, {(UNMOVABLE, 2): [4]})
    model.alloc(0, UNMOVABLE)
    assert model.listed() == {(UNMOVABLE, 0): [5], (UNMOVABLE, 1): [6]}


def test_a_half_is_handed_out_next() -> None:
    """The rest of a split serves the next request of its order."""
    model = made(SIXTEEN, {(MOVABLE, 1): [0, 4]})
    assert [model.alloc(0), model.alloc(0), model.alloc(0)] == [0, 1, 4]


# --- the smallest block that serves ----------------------------------------------------------------------------------


def test_the_head_of_a_list_is_handed_out() -> None:
    """Not the lowest frame, nor the tail."""
    assert made(SIXTEEN, {(MOVABLE, 0): [7, 0, 13]}).alloc(0) == 7


def test_the_smallest_order_that_serves_is_split() -> None:
    """Order 1 is left alone by a request for order 2; of 2 and 3 the smaller is taken."""
    model = made(SIXTEEN, {(MOVABLE, 1): [0], (MOVABLE, 2): [4], (MOVABLE, 3): [8]})
    assert model.alloc(2) == 4


def test_a_request_is_served_from_its_own_type_first() -> None:
    """A larger block of the request's type comes before a smaller one of another."""
    model = made(QUARTERS, {(MOVABLE, 0): [0], (UNMOVABLE, 2): [8]})
    assert model.alloc(0, UNMOVABLE) == 8


def test_nothing_free_is_enomem() -> None:
    """A request that no block serves fails."""
    assert made(SIXTEEN, {(MOVABLE, 2): [0]}).ask(Alloc(3)) == ENOMEM


# --- CMA -------------------------------------------------------------------------------------------------------------


def test_without_the_flag_cma_serves_nobody() -> None:
    """A free CMA pageblock is not lawful for a request that may not use it."""
    assert made(QUARTERS, ALONE).ask(Alloc(0)) == ENOMEM


def test_with_the_flag_cma_serves_when_the_own_lists_are_empty() -> None:
    """CMA comes before any fallback."""
    model = made(QUARTERS, {(CMA, 2): [0], (UNMOVABLE, 2): [8]})
    assert model.alloc(0, MOVABLE, ALLOC_CMA) == 0


def test_the_own_lists_come_before_cma_while_it_holds_half() -> None:
    """Four frames of eight are not more than half."""
    model = made(QUARTERS, {(CMA, 2): [0], (MOVABLE, 2): [8]})
    assert model.alloc(0, MOVABLE, ALLOC_CMA) == 8


def test_cma_comes_first_when_it_holds_more_than_half() -> None:
    """Four frames of seven are."""
    model = made(QUARTERS, {(CMA, 2): [0], (MOVABLE, 0): [8], (MOVABLE, 1): [10]})
    assert model.alloc(0, MOVABLE, ALLOC_CMA) == 0


def test_isolated_frames_do_not_count_against_cma() -> None:
    """Of CMA's four free frames and four isolated ones all that may be handed out is CMA's."""
    model = made(QUARTERS, {(CMA, 2): [0], (ISOLATE, 2): [4], (MOVABLE, 1): [8]})
    assert model.alloc(0, MOVABLE, ALLOC_CMA) == 0


def test_the_reserve_counts_against_cma() -> None:
    """Highatomic frames are free frames: four of eight is not more than half."""
    model = made(QUARTERS, {(CMA, 2): [0], (HIGHATOMIC, 1): [4], (MOVABLE, 1): [8]})
    assert model.alloc(0, MOVABLE, ALLOC_CMA) == 8


def test_cma_that_cannot_serve_first_is_passed_over() -> None:
    """CMA holds more than half but no block of the order: the own lists serve."""
    model = made(QUARTERS, {(CMA, 1): [0, 6], (CMA, 0): [2], (MOVABLE, 2): [8]})
    assert model.alloc(2, MOVABLE, ALLOC_CMA) == 8


# --- the highatomic reserve ------------------------------------------------------------------------------------------


def test_without_a_flag_the_reserve_serves_nobody() -> None:
    """Free HIGHATOMIC frames are not lawful for other requests."""
    assert made(QUARTERS, {(HIGHATOMIC, 2): [0]}).ask(Alloc(0)) == ENOMEM


def test_a_highatomic_request_tries_the_reserve_first() -> None:
    """Before its own lists."""
    model = made(QUARTERS, {(HIGHATOMIC, 2): [0], (UNMOVABLE, 0): [8]})
    assert model.alloc(0, UNMOVABLE, ALLOC_HIGHATOMIC) == 0


def test_a_highatomic_request_goes_on_to_the_ordinary_lists() -> None:
    """Where the reserve has nothing of the order."""
    model = made(QUARTERS, {(HIGHATOMIC, 0): [0], (UNMOVABLE, 1): [8]})
    assert model.alloc(1, UNMOVABLE, ALLOC_HIGHATOMIC) == 8


@pytest.mark.parametrize("flag", [ALLOC_OOM, ALLOC_NON_BLOCK])
def test_a_desperate_request_tries_the_reserve_last(flag: int) -> None:
    """After its own lists and every fallback."""
    model = made(QUARTERS, {(HIGHATOMIC, 2): [0], (UNMOVABLE, 0): [8]})
    assert [model.alloc(0, MOVABLE, flag), model.alloc(0, MOVABLE, flag)] == [8, 0]


# --- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        Alloc(5),
        Alloc(15),
        Alloc(0, HIGHATOMIC),
        Alloc(0, CMA),
        Alloc(0, ISOLATE),
        Alloc(0, MOVABLE, 1),
        Alloc(0, MOVABLE, 1 << 31),
    ],
)
def test_a_request_that_no_zone_serves_is_refused(request_: Alloc) -> None:
    """An order above max_order, a type that nobody asks for, a flag that decides nothing: EINVAL."""
    assert made(SIXTEEN, {(MOVABLE, 4): [0]}).ask(request_).name == "EINVAL"


def test_frames_handed_out_leave_the_count() -> None:
    """A block of order 2 is four frames."""
    model = made(SIXTEEN, {(MOVABLE, 4): [0]})
    model.alloc(2)
    assert model.zone.frames[0] == 12


def test_a_movable_allocation_is_known_as_movable() -> None:
    """Until it is freed, with its order."""
    model = made(SIXTEEN, {(MOVABLE, 4): [0]})
    model.alloc(2)
    assert dict(model.lists.movable.items()) == {0: 2}


def test_an_unmovable_allocation_is_not() -> None:
    """Nothing is remembered of it."""
    model = made(SIXTEEN, {(UNMOVABLE, 4): [0]})
    model.alloc(2, UNMOVABLE)
    assert dict(model.lists.movable.items()) == {}
