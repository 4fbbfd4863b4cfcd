"""Pageblock types: isolation, change of type, the reserve, taking blocks (mm/page_isolation.c, mm/page_alloc.c, v6.12)."""

from __future__ import annotations

import pytest
from tests.spec.model import Model, made

from mmspec.errors import EBUSY, EINVAL, ENOENT, ENOMEM
from mmspec.physical.buddy.ops import (
    ALLOC_HIGHATOMIC,
    CMA,
    HIGHATOMIC,
    ISOLATE,
    MOVABLE,
    RECLAIMABLE,
    UNMOVABLE,
    Alloc,
    Block,
    Config,
    Free,
    Isolate,
    Putback,
    Reserve,
    Retype,
    Take,
    Unisolate,
    Unreserve,
)

QUARTERS = Config(0, 16, max_order=4, pageblock_order=2)
"""Four pageblocks of four frames."""


def counts(model: Model) -> dict[int, int]:
    """Return the free frames of each kind that has any."""
    return {kind: count for kind, count in model.zone.frames.items() if count}


# --- isolating -------------------------------------------------------------------------------------------------------


def test_isolating_splits_a_larger_block() -> None:
    """Of one block of four pageblocks the second is isolated; the others merge as far as they go."""
    model = made(QUARTERS, {(MOVABLE, 4): [0]})
    model.ask(Isolate(5))
    assert model.listed() == {(MOVABLE, 2): [0], (MOVABLE, 3): [8], (ISOLATE, 2): [4]}


def test_isolating_moves_the_pageblock_s_blocks_in_pfn_order() -> None:
    """To the tails of the ISOLATE lists."""
    model = made(QUARTERS, {(MOVABLE, 0): [7, 4, 0], (ISOLATE, 0): [8]})
    model.ask(Isolate(5))
    assert model.listed() == {(MOVABLE, 0): [0], (ISOLATE, 0): [8, 4, 7]}


def test_isolated_frames_leave_the_free_count() -> None:
    """They are counted as isolated."""
    model = made(QUARTERS, {(MOVABLE, 4): [0]})
    model.ask(Isolate(5))
    assert counts(model) == {0: 12, ISOLATE: 4}


def test_isolated_frames_are_not_handed_out() -> None:
    """Nothing else is free."""
    model = made(QUARTERS, {(MOVABLE, 2): [4]})
    model.ask(Isolate(4))
    assert model.ask(Alloc(0)) == ENOMEM


def test_a_frame_freed_into_an_isolated_pageblock_stays_isolated() -> None:
    """It goes on the ISOLATE list."""
    model = made(QUARTERS, {})
    model.ask(Isolate(4))
    model.ask(Free(5, 0))
    assert model.listed() == {(ISOLATE, 0): [5]}


def test_an_isolated_pageblock_is_isolated_once() -> None:
    """The second asks in vain."""
    model = made(QUARTERS, {(MOVABLE, 4): [0]})
    assert not model.ask(Isolate(4)).failed
    assert model.ask(Isolate(7)) == EBUSY


@pytest.mark.parametrize("pfn", [2, 3, 12, 13])
def test_a_pageblock_that_the_zone_cuts_is_not_isolated(pfn: int) -> None:
    """Neither the first nor the last, where the zone begins or ends within them."""
    assert made(Config(2, 14, 4, pageblock_order=2), {}).ask(Isolate(pfn)) == EBUSY


@pytest.mark.parametrize("pfn", [1, 16, 1 << 51])
def test_a_frame_outside_the_zone_is_not_isolated(pfn: int) -> None:
    """That is no argument."""
    assert made(Config(4, 16, 4, pageblock_order=2), {}).ask(Isolate(pfn)) == EINVAL


# --- ending an isolation ---------------------------------------------------------------------------------------------


def test_ending_an_isolation_lets_a_whole_pageblock_merge() -> None:
    """Its buddy is free and not isolated: the pair is freed anew, to the tail."""
    model = made(QUARTERS, {(MOVABLE, 2): [0], (ISOLATE, 2): [4], (MOVABLE, 3): [8]}, held={})
    model.ask(Unisolate(4, MOVABLE))
    assert model.listed() == {(MOVABLE, 4): [0]}


def test_a_pageblock_freed_anew_goes_to_the_tail() -> None:
    """A block of its order that is there already comes first."""
    config = Config(0, 32, max_order=4, pageblock_order=2)
    model = made(config, {(MOVABLE, 3): [24], (MOVABLE, 2): [0], (ISOLATE, 2): [4]}, held={8: 3, 16: 3})
    model.ask(Unisolate(4, MOVABLE))
    assert model.list(3) == [24, 0]


def test_ending_an_isolation_moves_parts_as_they_are() -> None:
    """Blocks smaller than a pageblock move to the tails of the type's lists, in PFN order."""
    model = made(QUARTERS, {(ISOLATE, 0): [7, 4], (UNMOVABLE, 0): [0]})
    model.ask(Unisolate(4, UNMOVABLE))
    assert model.listed() == {(UNMOVABLE, 0): [0, 4, 7]}


def test_a_pageblock_whose_buddy_is_isolated_does_not_merge() -> None:
    """It moves to its type's list and stays apart."""
    model = made(QUARTERS, {(ISOLATE, 2): [0, 4]})
    model.ask(Unisolate(4, MOVABLE))
    assert model.listed() == {(ISOLATE, 2): [0], (MOVABLE, 2): [4]}


def test_a_pageblock_freed_anew_merges_by_its_new_type() -> None:
    """CMA and MOVABLE stay apart."""
    model = made(QUARTERS, {(MOVABLE, 2): [0], (ISOLATE, 2): [4]})
    model.ask(Unisolate(4, CMA))
    assert model.listed() == {(MOVABLE, 2): [0], (CMA, 2): [4]}


def test_a_larger_isolated_block_is_split() -> None:
    """One of its pageblocks is free again, the others stay isolated."""
    model = made(QUARTERS, {(ISOLATE, 3): [0]})
    model.ask(Unisolate(4, MOVABLE))
    assert model.listed() == {(ISOLATE, 2): [0], (MOVABLE, 2): [4]}


@pytest.mark.parametrize(("pfn", "migratetype"), [(4, ISOLATE), (0, MOVABLE), (16, MOVABLE)])
def test_only_an_isolated_pageblock_is_given_another_type(pfn: int, migratetype: int) -> None:
    """Not ISOLATE again, not one that is not isolated, none outside the zone."""
    assert made(QUARTERS, {(ISOLATE, 2): [4]}).ask(Unisolate(pfn, migratetype)) == EINVAL


# --- changing a type -------------------------------------------------------------------------------------------------


def test_a_change_of_type_moves_the_free_blocks() -> None:
    """In PFN order, to the tails."""
    model = made(QUARTERS, {(MOVABLE, 0): [6, 4], (CMA, 0): [0]})
    model.ask(Retype(5, CMA))
    assert model.listed() == {(CMA, 0): [0, 4, 6]}


def test_a_change_of_kind_moves_the_count() -> None:
    """Two frames leave the ordinary count and enter CMA's."""
    model = made(QUARTERS, {(MOVABLE, 0): [6, 4, 0]})
    model.ask(Retype(5, CMA))
    assert counts(model) == {0: 1, CMA: 2}


def test_part_of_a_larger_free_run_keeps_its_type() -> None:
    """Frames 0 to 7 are one free block to every implementation, although a barrier parts them on Linux's lists."""
    assert made(QUARTERS, {(MOVABLE, 2): [0], (CMA, 2): [4]}).ask(Retype(4, MOVABLE)) == EBUSY


def test_part_of_a_larger_free_block_keeps_its_type() -> None:
    """Such a pageblock is busy."""
    assert made(QUARTERS, {(MOVABLE, 3): [0]}).ask(Retype(4, CMA)) == EBUSY


def test_an_isolated_pageblock_keeps_its_type() -> None:
    """Until the isolation ends."""
    assert made(QUARTERS, {(ISOLATE, 2): [4]}).ask(Retype(4, CMA)) == EBUSY


@pytest.mark.parametrize(("pfn", "migratetype"), [(4, ISOLATE), (16, CMA)])
def test_a_change_to_isolate_or_outside_is_no_argument(pfn: int, migratetype: int) -> None:
    """EINVAL."""
    assert made(QUARTERS, {}).ask(Retype(pfn, migratetype)) == EINVAL


# --- the reserve -----------------------------------------------------------------------------------------------------


def test_reserving_makes_the_allocation_s_pageblock_highatomic() -> None:
    """Its free blocks with it."""
    model = made(QUARTERS, {(MOVABLE, 0): [6]}, held={0: 2, 4: 1, 7: 0, 8: 3})
    model.ask(Reserve(4, 1))
    assert model.listed() == {(HIGHATOMIC, 0): [6]}
    assert counts(model) == {HIGHATOMIC: 1}


def test_reserving_a_large_allocation_takes_all_its_pageblocks() -> None:
    """Two pageblocks become HIGHATOMIC."""
    model = made(QUARTERS, {}, held={0: 3, 8: 3})
    model.ask(Reserve(8, 3))
    assert [model.type_at(pfn) for pfn in (0, 4, 8, 12)] == [MOVABLE, MOVABLE, HIGHATOMIC, HIGHATOMIC]


@pytest.mark.parametrize("kind", [HIGHATOMIC, CMA, ISOLATE])
def test_what_is_not_mergeable_is_not_reserved(kind: int) -> None:
    """EBUSY."""
    assert made(QUARTERS, {}, types={4: kind}).ask(Reserve(4, 0)) == EBUSY


def test_only_an_allocation_is_reserved() -> None:
    """A free block is none."""
    assert made(QUARTERS, {(MOVABLE, 0): [4]}).ask(Reserve(4, 0)) == EINVAL


def test_unreserving_converts_the_smallest_block_s_pageblock() -> None:
    """The head of the lowest HIGHATOMIC list leads to it; all its free blocks move."""
    model = made(QUARTERS, {(HIGHATOMIC, 1): [0], (HIGHATOMIC, 0): [7, 4]})
    assert model.ask(Unreserve(RECLAIMABLE)) == Block(7, 0)
    assert model.listed() == {(HIGHATOMIC, 1): [0], (RECLAIMABLE, 0): [4, 7]}


def test_unreserving_converts_a_large_block_whole() -> None:
    """Both pageblocks of a block of order 3."""
    model = made(QUARTERS, {(HIGHATOMIC, 3): [8]})
    assert model.ask(Unreserve(UNMOVABLE)) == Block(8, 3)
    assert model.listed() == {(UNMOVABLE, 3): [8]}
    assert counts(model) == {0: 8}


def test_a_converted_pageblock_is_not_merged() -> None:
    """A whole pageblock that becomes MOVABLE beside a free MOVABLE one stays apart."""
    model = made(QUARTERS, {(MOVABLE, 2): [0], (HIGHATOMIC, 2): [4]})
    model.ask(Unreserve(MOVABLE))
    assert model.listed() == {(MOVABLE, 2): [0, 4]}


def test_a_request_of_two_pageblocks_is_then_not_owed() -> None:
    """ENOMEM is lawful although eight aligned frames are free (docs/questions.md, Q6)."""
    model = made(QUARTERS, {(MOVABLE, 2): [0], (HIGHATOMIC, 2): [4]})
    model.ask(Unreserve(MOVABLE))
    assert model.ask(Alloc(3)) == ENOMEM


def test_without_a_free_highatomic_frame_there_is_nothing_to_convert() -> None:
    """A HIGHATOMIC pageblock that is in use is left alone."""
    assert made(QUARTERS, {}, types={4: HIGHATOMIC}).ask(Unreserve(MOVABLE)) == ENOENT


@pytest.mark.parametrize("migratetype", [HIGHATOMIC, CMA, ISOLATE])
def test_a_reserve_is_converted_to_a_mergeable_type_only(migratetype: int) -> None:
    """EINVAL."""
    assert made(QUARTERS, {(HIGHATOMIC, 2): [0]}).ask(Unreserve(migratetype)) == EINVAL


def test_a_reserved_pageblock_serves_highatomic_requests() -> None:
    """Reserve, free, ask again."""
    model = made(QUARTERS, {(MOVABLE, 0): [6]}, held={0: 2, 4: 1, 7: 0, 8: 3})
    model.ask(Reserve(4, 1))
    assert model.alloc(0, UNMOVABLE, ALLOC_HIGHATOMIC) == 6


# --- taking ----------------------------------------------------------------------------------------------------------


def test_a_listed_block_is_taken_whole() -> None:
    """It leaves its list, and its frames are somebody's."""
    model = made(QUARTERS, {(MOVABLE, 0): [0, 5]})
    assert not model.ask(Take(5, 0)).failed
    assert model.listed() == {(MOVABLE, 0): [0]}
    assert model.zone.allocated[5] == 0


@pytest.mark.parametrize(("pfn", "order"), [(4, 1), (0, 2), (6, 0), (2, 1), (8, 0), (99, 0), (4, 15)])
def test_what_is_no_listed_block_is_not_taken(pfn: int, order: int) -> None:
    """A part, a union, another order, a frame in use, one outside."""
    assert made(QUARTERS, {(MOVABLE, 2): [4], (MOVABLE, 1): [0], (MOVABLE, 0): [2]}).ask(Take(pfn, order)) == EINVAL


@pytest.mark.parametrize(("order", "expected"), [(0, UNMOVABLE), (1, MOVABLE), (2, MOVABLE)])
def test_taking_half_a_pageblock_makes_it_movable(order: int, expected: int) -> None:
    """Half a pageblock of four is a block of order 1."""
    model = made(QUARTERS, {(UNMOVABLE, order): [4]})
    model.ask(Take(4, order))
    assert model.type_at(4) == expected


def test_taking_moves_the_pageblock_s_other_blocks() -> None:
    """They go to the MOVABLE lists with their pageblock."""
    model = made(QUARTERS, {(UNMOVABLE, 1): [4], (UNMOVABLE, 0): [6, 0]})
    model.ask(Take(4, 1))
    assert model.listed() == {(UNMOVABLE, 0): [0], (MOVABLE, 0): [6]}


def test_taking_leaves_a_type_that_is_not_mergeable() -> None:
    """A CMA pageblock stays CMA."""
    model = made(QUARTERS, {(CMA, 2): [4]})
    model.ask(Take(4, 2))
    assert model.type_at(4) == CMA


def test_a_taken_block_of_two_pageblocks_makes_both_movable() -> None:
    """Each by itself."""
    model = made(QUARTERS, {(UNMOVABLE, 3): [8]})
    model.ask(Take(8, 3))
    assert [model.type_at(8), model.type_at(12)] == [MOVABLE, MOVABLE]


def test_a_single_frame_changes_nothing_even_where_it_is_half_a_pageblock() -> None:
    """The kernel's loop passes it by (docs/questions.md, Q5)."""
    model = made(Config(0, 16, 4, pageblock_order=1), {(UNMOVABLE, 0): [4]})
    model.ask(Take(4, 0))
    assert model.type_at(4) == UNMOVABLE


def test_putting_back_over_a_change_of_kind_frees_the_pieces() -> None:
    """Each pageblock goes to its own list (docs/questions.md, Q3)."""
    model = made(QUARTERS, {(MOVABLE, 3): [8]})
    model.ask(Take(8, 3))
    model.ask(Retype(12, CMA))
    model.ask(Putback(8, 3))
    assert model.listed() == {(MOVABLE, 2): [8], (CMA, 2): [12]}
