"""Fallback: which foreign block serves a request, and what becomes of its pageblock (dossier E.7; mm/page_alloc.c)."""

from __future__ import annotations

import pytest
from tests.spec.model import Model, made

from mmspec.errors import ENOMEM
from mmspec.physical.buddy.ops import (
    ALLOC_NOFRAGMENT,
    CMA,
    HIGHATOMIC,
    ISOLATE,
    MOVABLE,
    RECLAIMABLE,
    UNMOVABLE,
    Alloc,
    Config,
)

EIGHTS = Config(0, 64, max_order=5, pageblock_order=3)
"""Pageblocks of eight frames; a MOVABLE request claims from order 1 up."""

SIXTEENTHS = Config(0, 64, max_order=5, pageblock_order=4)
"""Pageblocks of sixteen frames; a MOVABLE request claims from order 2 up."""

FALLBACKS = [
    (UNMOVABLE, RECLAIMABLE, MOVABLE),
    (MOVABLE, RECLAIMABLE, UNMOVABLE),
    (RECLAIMABLE, UNMOVABLE, MOVABLE),
]


@pytest.mark.parametrize(("wanted", "first", "second"), FALLBACKS)
def test_the_first_fallback_comes_first(wanted: int, first: int, second: int) -> None:
    """With blocks of one order on both lists the first fallback serves."""
    model = made(EIGHTS, {(second, 3): [0], (first, 3): [8]})
    assert model.alloc(3, wanted) == 8


@pytest.mark.parametrize(("wanted", "first", "second"), FALLBACKS)
def test_the_second_fallback_serves_where_the_first_is_empty(wanted: int, first: int, second: int) -> None:
    """Nothing else is free."""
    assert made(EIGHTS, {(second, 3): [16]}).alloc(3, wanted) == 16


@pytest.mark.parametrize("wanted", [UNMOVABLE, MOVABLE, RECLAIMABLE])
@pytest.mark.parametrize("bound", [HIGHATOMIC, CMA, ISOLATE])
def test_what_binds_is_no_fallback(wanted: int, bound: int) -> None:
    """HIGHATOMIC, CMA and ISOLATE pageblocks serve no ordinary request."""
    assert made(EIGHTS, {(bound, 3): [0]}).ask(Alloc(0, wanted)) == ENOMEM


# --- claiming --------------------------------------------------------------------------------------------------------


def test_the_largest_foreign_block_is_claimed() -> None:
    """Claiming looks from max_order down."""
    model = made(EIGHTS, {(MOVABLE, 3): [0], (MOVABLE, 4): [16]})
    assert model.alloc(0, UNMOVABLE) == 16


def test_a_larger_second_fallback_comes_before_a_smaller_first_one() -> None:
    """The order decides before the type."""
    model = made(EIGHTS, {(RECLAIMABLE, 3): [0], (MOVABLE, 4): [16]})
    assert model.alloc(0, UNMOVABLE) == 16


def test_a_block_of_pageblocks_is_claimed_whole() -> None:
    """All its pageblocks take the request's type, and the rest goes to the request's lists."""
    model = made(EIGHTS, {(MOVABLE, 4): [16]})
    assert model.alloc(1, UNMOVABLE) == 16
    assert model.listed() == {(UNMOVABLE, 1): [18], (UNMOVABLE, 2): [20], (UNMOVABLE, 3): [24]}
    assert [model.type_at(16), model.type_at(24)] == [UNMOVABLE, UNMOVABLE]


def part_free(alike: int, theirs: int, wanted: int) -> Model:
    """Return a pageblock of ``theirs`` with two frames free and ``alike`` more that count as the request's own."""
    others = list(range(2, 8))
    if wanted == MOVABLE:
        movable = others[:alike]
    else:
        movable = others[alike:] if theirs == MOVABLE else others
    return made(EIGHTS, {(theirs, 1): [0]}, movable=tuple(movable))


@pytest.mark.parametrize(
    ("wanted", "theirs"), [(UNMOVABLE, MOVABLE), (RECLAIMABLE, MOVABLE), (MOVABLE, UNMOVABLE), (MOVABLE, RECLAIMABLE)]
)
@pytest.mark.parametrize(("alike", "claimed"), [(1, False), (2, True), (3, True)])
def test_a_pageblock_is_claimed_if_half_of_it_is_free_or_alike(wanted: int, theirs: int, alike: int, claimed: bool) -> None:
    """Two free frames and two alike are half of eight; two and one are not, and the block is stolen."""
    model = part_free(alike, theirs, wanted)
    assert model.alloc(0, wanted) == 0
    assert model.type_at(0) == (wanted if claimed else theirs)


@pytest.mark.parametrize(("wanted", "theirs"), [(UNMOVABLE, RECLAIMABLE), (RECLAIMABLE, UNMOVABLE)])
def test_unmovable_and_reclaimable_frames_are_never_alike(wanted: int, theirs: int) -> None:
    """Only the free frames count between these two types."""
    model = made(EIGHTS, {(theirs, 1): [0]})
    model.alloc(0, wanted)
    assert model.type_at(0) == theirs


def test_half_a_pageblock_free_is_enough() -> None:
    """No frame need be alike."""
    model = made(EIGHTS, {(RECLAIMABLE, 2): [0]})
    model.alloc(0, UNMOVABLE)
    assert model.type_at(0) == UNMOVABLE


def test_a_claimed_pageblock_s_blocks_move_to_the_tails() -> None:
    """In PFN order, behind what is there; then the request's lists serve it."""
    model = made(EIGHTS, {(MOVABLE, 1): [6, 0], (UNMOVABLE, 0): [17, 20]}, movable=())
    assert model.alloc(1, UNMOVABLE) == 0
    assert model.listed() == {(UNMOVABLE, 0): [17, 20], (UNMOVABLE, 1): [6]}


def test_a_claim_serves_from_the_smallest_block_it_brought() -> None:
    """The block that led to the claim need not be the one that is handed out."""
    model = made(EIGHTS, {(MOVABLE, 0): [6], (MOVABLE, 2): [0]})
    assert model.alloc(0, UNMOVABLE) == 6


def test_a_pageblock_that_the_zone_cuts_is_not_claimed() -> None:
    """Its block is stolen, and the pageblock keeps its type."""
    model = made(Config(2, 64, max_order=5, pageblock_order=3), {(MOVABLE, 2): [4]})
    assert model.alloc(0, UNMOVABLE) == 4
    assert model.type_at(4) == MOVABLE


def test_the_search_goes_on_below_a_pageblock_that_is_not_claimed() -> None:
    """Order 1 leads to a pageblock that has not half; order 0 to one that has."""
    model = made(EIGHTS, {(RECLAIMABLE, 1): [0], (MOVABLE, 0): [8]}, movable=())
    assert model.alloc(0, UNMOVABLE) == 8
    assert model.type_at(8) == UNMOVABLE


@pytest.mark.parametrize(("order", "claimed"), [(1, False), (2, True)])
def test_a_movable_request_claims_from_half_the_pageblock_order(order: int, claimed: bool) -> None:
    """With pageblock_order 4: from order 2 up, although all other frames are movable."""
    model = made(SIXTEENTHS, {(UNMOVABLE, order): [0]}, movable=tuple(range(1 << order, 64)))
    model.alloc(0, MOVABLE)
    assert model.type_at(0) == (MOVABLE if claimed else UNMOVABLE)


@pytest.mark.parametrize("wanted", [UNMOVABLE, RECLAIMABLE])
def test_an_unmovable_request_claims_from_any_order(wanted: int) -> None:
    """A single frame leads to a claim where the rest of the pageblock is not movable."""
    model = made(SIXTEENTHS, {(MOVABLE, 0): [0]})
    model.alloc(0, wanted)
    assert model.type_at(0) == wanted


# --- stealing --------------------------------------------------------------------------------------------------------


def test_the_smallest_foreign_block_is_stolen() -> None:
    """Stealing looks from the request's order up."""
    model = made(SIXTEENTHS, {(UNMOVABLE, 1): [0], (UNMOVABLE, 0): [17]})
    assert model.alloc(0, MOVABLE) == 17


def test_what_is_left_of_a_stolen_block_keeps_its_type() -> None:
    """It goes back to the foreign lists, and the pageblock's type stays."""
    model = made(SIXTEENTHS, {(UNMOVABLE, 1): [0]})
    assert model.alloc(0, MOVABLE) == 0
    assert model.listed() == {(UNMOVABLE, 0): [1]}
    assert model.type_at(0) == UNMOVABLE


# --- no fragmenting --------------------------------------------------------------------------------------------------


def test_no_pageblock_is_fragmented_where_that_is_forbidden() -> None:
    """With NOFRAGMENT nothing below pageblock order is claimed or stolen."""
    model = made(EIGHTS, {(MOVABLE, 2): [0], (RECLAIMABLE, 0): [9]})
    assert model.ask(Alloc(0, UNMOVABLE, ALLOC_NOFRAGMENT)) == ENOMEM


def test_a_whole_pageblock_is_claimed_even_so() -> None:
    """That fragments nothing."""
    model = made(EIGHTS, {(MOVABLE, 3): [8]})
    assert model.alloc(0, UNMOVABLE, ALLOC_NOFRAGMENT) == 8


def test_the_own_lists_serve_even_so() -> None:
    """NOFRAGMENT forbids fallbacks only."""
    assert made(EIGHTS, {(UNMOVABLE, 0): [3]}).alloc(0, UNMOVABLE, ALLOC_NOFRAGMENT) == 3


# --- 6.1 -------------------------------------------------------------------------------------------------------------


def test_6_1_falls_back_to_the_largest_block() -> None:
    """As a claim of 6.12 does."""
    model = made(EIGHTS, {(MOVABLE, 1): [0], (MOVABLE, 3): [8]}, kernel="6.1")
    assert model.alloc(0, UNMOVABLE) == 8


def test_6_1_takes_the_smallest_for_a_movable_request_that_cannot_claim() -> None:
    """Orders 1 and 0 are below half the pageblock order of 4."""
    model = made(SIXTEENTHS, {(UNMOVABLE, 1): [0], (UNMOVABLE, 0): [17]}, kernel="6.1")
    assert model.alloc(0, MOVABLE) == 17


def test_6_1_moves_a_stolen_block_to_the_thief_s_lists() -> None:
    """What is left of it stays there; the pageblock keeps its type."""
    model = made(SIXTEENTHS, {(UNMOVABLE, 1): [0]}, kernel="6.1")
    assert model.alloc(0, MOVABLE) == 0
    assert model.listed() == {(MOVABLE, 0): [1]}
    assert model.type_at(0) == UNMOVABLE


def test_6_1_moves_the_pageblock_s_other_blocks_even_where_it_keeps_its_type() -> None:
    """Less than half is free or alike: the blocks move, the type does not."""
    model = made(EIGHTS, {(RECLAIMABLE, 1): [0], (RECLAIMABLE, 0): [4]}, kernel="6.1")
    assert model.alloc(1, UNMOVABLE) == 0
    assert model.listed() == {(UNMOVABLE, 0): [4]}
    assert model.type_at(0) == RECLAIMABLE
