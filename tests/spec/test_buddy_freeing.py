"""Freeing: what merges, and where on which list the result goes (dossier E.3 to E.5, mm/page_alloc.c:__free_one_page, v6.12)."""

from __future__ import annotations

import pytest
from tests.spec.model import Model, made

from mmspec.physical.buddy import core
from mmspec.physical.buddy.ops import (
    CMA,
    HIGHATOMIC,
    ISOLATE,
    MOVABLE,
    RECLAIMABLE,
    UNMOVABLE,
    Config,
    Free,
    Putback,
    Retype,
    Take,
)
from mmspec.physical.buddy.state import is_mergeable

SIXTEEN = Config(0, 16, max_order=4, pageblock_order=3)
"""One pageblock pair: 16 frames, blocks of up to 16."""

PAIR = Config(0, 8, max_order=3, pageblock_order=2)
"""Two pageblocks of four frames that may merge into one block of eight."""


def emptied(config: Config) -> Model:
    """Return a zone whose every frame is an allocation of its own."""
    return made(config, {})


# --- buddies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pfn", "order", "buddy"), [(0, 0, 1), (1, 0, 0), (12, 2, 8), (8, 2, 12), (8, 3, 0), (0xF000, 12, 0xE000)]
)
def test_a_buddy_differs_in_one_bit(pfn: int, order: int, buddy: int) -> None:
    """The buddy of (pfn, o) is pfn xor 2**o."""
    assert core.buddy_of(pfn, order) == buddy


@pytest.mark.parametrize(("pfn", "order", "parent"), [(0, 0, 0), (1, 0, 0), (12, 2, 8), (8, 3, 0), (0x1F000, 12, 0x1E000)])
def test_a_parent_begins_at_the_lower_half(pfn: int, order: int, parent: int) -> None:
    """The parent of (pfn, o) begins at pfn without bit o."""
    assert core.parent_of(pfn, order) == parent


@pytest.mark.parametrize(("frame", "inside"), [(7, False), (8, True), (11, True), (12, False)])
def test_a_block_holds_its_frames(frame: int, inside: bool) -> None:
    """The block (8, 2) holds frames 8 to 11."""
    assert core.holds_frame(8, 2, frame) is inside


# --- what merges -----------------------------------------------------------------------------------------------------


def test_free_buddies_merge() -> None:
    """Freeing 1 while 0 is free gives one block of order 1, at the lower half."""
    model = made(SIXTEEN, {(MOVABLE, 0): [0]})
    model.ask(Free(1, 0))
    assert model.listed() == {(MOVABLE, 1): [0]}


def test_merging_goes_on_as_far_as_there_are_buddies() -> None:
    """Freeing 3 beside 2, (0, 1) and (4, 2) gives one block of order 3."""
    model = made(SIXTEEN, {(MOVABLE, 0): [2], (MOVABLE, 1): [0], (MOVABLE, 2): [4]})
    model.ask(Free(3, 0))
    assert model.listed() == {(MOVABLE, 3): [0]}


def test_a_neighbour_that_is_no_buddy_does_not_merge() -> None:
    """Frames 1 and 2 are neighbours, but no block of order 1 holds both."""
    model = made(SIXTEEN, {(MOVABLE, 0): [1]})
    model.ask(Free(2, 0))
    assert sorted(model.list(0)) == [1, 2]


def test_a_buddy_of_a_smaller_order_does_not_merge() -> None:
    """The block (2, 1) does not merge with frame 0 alone."""
    model = made(SIXTEEN, {(MOVABLE, 0): [0]}, held={1: 0, 2: 1, 4: 2, 8: 3})
    model.ask(Free(2, 1))
    assert model.listed() == {(MOVABLE, 0): [0], (MOVABLE, 1): [2]}


def test_merging_ends_at_max_order() -> None:
    """Two free blocks of max_order side by side stay two."""
    model = made(Config(0, 32, max_order=4, pageblock_order=3), {(MOVABLE, 4): [0]}, held={16: 4})
    model.ask(Free(16, 4))
    assert sorted(model.list(4)) == [0, 16]


def test_merging_ends_at_the_zone_s_edge() -> None:
    """The last frame of an odd zone has its buddy outside."""
    model = made(Config(0, 13, max_order=4, pageblock_order=3), {})
    model.ask(Free(12, 0))
    assert model.listed() == {(MOVABLE, 0): [12]}


def test_merging_ends_at_a_hole() -> None:
    """A buddy that is no memory is never free."""
    model = made(Config(0, 16, max_order=4, holes=((5, 6),), pageblock_order=3), {})
    model.ask(Free(4, 0))
    assert model.listed() == {(MOVABLE, 0): [4]}


def test_below_pageblock_order_nobody_asks_for_types() -> None:
    """Halves of one pageblock merge, whatever its type."""
    model = made(SIXTEEN, {(CMA, 2): [0]}, held={4: 2, 8: 3})
    model.ask(Free(4, 2))
    assert model.listed() == {(CMA, 3): [0]}


# --- the merge barrier -----------------------------------------------------------------------------------------------

TYPES = (UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, CMA, ISOLATE)


@pytest.mark.parametrize("freed", TYPES)
@pytest.mark.parametrize("buddy", TYPES)
def test_pageblocks_merge_if_their_types_are_equal_or_both_mergeable(freed: int, buddy: int) -> None:
    """At pageblock order a free buddy of another type stays apart, unless both are UNMOVABLE, MOVABLE or RECLAIMABLE."""
    model = made(PAIR, {(buddy, 2): [4]}, held={0: 2}, types={0: freed})
    model.ask(Free(0, 2))
    if freed == buddy or (is_mergeable(freed) and is_mergeable(buddy)):
        assert model.listed() == {(freed, 3): [0]}
    else:
        assert model.listed() == {(freed, 2): [0], (buddy, 2): [4]}


@pytest.mark.parametrize(("kernel", "expected"), [("6.12", UNMOVABLE), ("6.1", MOVABLE)])
def test_a_merged_buddy_takes_the_type_of_what_is_freed(kernel: str, expected: int) -> None:
    """6.12 retypes the buddy's pageblock; 6.1 leaves it as it was."""
    model = made(PAIR, {(MOVABLE, 2): [4]}, held={0: 2}, types={0: UNMOVABLE}, kernel=kernel)
    model.ask(Free(0, 2))
    assert model.listed() == {(UNMOVABLE, 3): [0]}
    assert model.type_at(4) == expected


def test_every_pageblock_of_a_large_buddy_is_retyped() -> None:
    """A buddy of two pageblocks changes both."""
    config = Config(0, 16, max_order=4, pageblock_order=2)
    model = made(config, {(MOVABLE, 3): [8], (UNMOVABLE, 2): [0]}, held={4: 2}, types={4: UNMOVABLE})
    model.ask(Free(4, 2))
    assert [model.type_at(pfn) for pfn in (0, 4, 8, 12)] == [UNMOVABLE] * 4


def test_the_barrier_is_policy() -> None:
    """The free set that every implementation is held to knows no barrier."""
    model = made(PAIR, {(CMA, 2): [4]}, held={0: 2})
    model.ask(Free(0, 2))
    assert dict(model.zone.free.items()) == {0: 3}


# --- where the block goes --------------------------------------------------------------------------------------------


def test_a_freed_block_goes_to_the_head() -> None:
    """What was freed last is handed out first."""
    model = made(SIXTEEN, {(MOVABLE, 0): [0]})
    model.ask(Free(4, 0))
    assert model.list(0) == [4, 0]


def test_a_block_whose_parent_would_merge_goes_to_the_tail() -> None:
    """Frame 4, its buddy held and its parent's buddy (6, 1) free, is kept back for the merge."""
    model = made(SIXTEEN, {(MOVABLE, 0): [0], (MOVABLE, 1): [6]})
    model.ask(Free(4, 0))
    assert model.list(0) == [0, 4]


def test_a_parent_s_buddy_of_another_order_keeps_nothing_back() -> None:
    """Frame 8 goes to the head: the block beside its parent is free in part only."""
    model = made(SIXTEEN, {(MOVABLE, 0): [0, 10]})
    model.ask(Free(8, 0))
    assert model.list(0) == [8, 0, 10]


def test_the_tail_rule_asks_for_no_type() -> None:
    """The parent's buddy counts although it lies on another type's list."""
    config = Config(0, 16, max_order=4, pageblock_order=1)
    model = made(config, {(MOVABLE, 0): [0], (CMA, 1): [6]}, held=dict.fromkeys([1, 2, 3, 4, 5, *range(8, 16)], 0))
    model.ask(Free(4, 0))
    assert model.list(0) == [0, 4]


@pytest.mark.parametrize(("max_order", "expected"), [(3, [8, 16]), (4, [16, 8])])
def test_no_block_of_the_two_largest_orders_is_kept_back(max_order: int, expected: list[int]) -> None:
    """From max_order - 1 up a block goes to the head, even where the block beside its parent is free."""
    config = Config(0, 32, max_order=max_order, pageblock_order=2)
    model = made(config, {(MOVABLE, 2): [16], (MOVABLE, 3): [0]}, held={8: 2, 12: 2, 20: 2, 24: 3})
    model.ask(Free(8, 2))
    assert model.list(2) == expected


@pytest.mark.parametrize(("start", "expected"), [(0, [8, 2]), (2, [2, 8])])
def test_a_parent_that_begins_below_the_zone_never_merges(start: int, expected: list[int]) -> None:
    """The block (2, 1) is kept back only where its parent (0, 2) lies in the zone."""
    model = made(
        Config(start, 16, max_order=4, pageblock_order=3),
        {(MOVABLE, 1): [8], (MOVABLE, 2): [4]},
        held={pfn: order for pfn, order in {0: 1, 2: 1, 10: 1, 12: 2}.items() if pfn >= start},
    )
    model.ask(Free(2, 1))
    assert model.list(1) == expected


def test_a_merged_block_is_placed_by_its_own_order() -> None:
    """The pair (0, 1) goes to the tail of order 1, since (4, 2) is free beside its parent."""
    model = made(SIXTEEN, {(MOVABLE, 0): [0], (MOVABLE, 1): [8], (MOVABLE, 2): [4]}, held={1: 0, 2: 1, 10: 1, 12: 2})
    model.ask(Free(1, 0))
    assert model.list(1) == [8, 0]


def test_what_is_put_back_goes_to_the_tail() -> None:
    """A block that was taken and not used is the last to be handed out."""
    model = made(SIXTEEN, {(MOVABLE, 0): [0, 4]})
    model.ask(Take(0, 0))
    model.ask(Putback(0, 0))
    assert model.list(0) == [4, 0]


def test_what_is_put_back_merges() -> None:
    """A block that was taken and not used merges as any other."""
    model = made(SIXTEEN, {(MOVABLE, 0): [0]})
    model.ask(Take(0, 0))
    model.ask(Free(1, 0))
    model.ask(Putback(0, 0))
    assert model.listed() == {(MOVABLE, 1): [0]}


# --- blocks of several pageblocks ------------------------------------------------------------------------------------


def test_a_block_of_several_pageblocks_is_freed_piece_by_piece() -> None:
    """Each pageblock goes to the list of its own type."""
    model = made(PAIR, {}, held={0: 3})
    model.ask(Retype(4, CMA))
    model.ask(Free(0, 3))
    assert model.listed() == {(MOVABLE, 2): [0], (CMA, 2): [4]}


def test_the_pieces_merge_again() -> None:
    """Pageblocks of one type end as one block."""
    model = made(PAIR, {}, held={0: 3})
    model.ask(Free(0, 3))
    assert model.listed() == {(MOVABLE, 3): [0]}


@pytest.mark.parametrize(("kernel", "expected"), [("6.12", RECLAIMABLE), ("6.1", UNMOVABLE)])
def test_the_last_piece_s_type_wins_in_6_12_the_first_s_in_6_1(kernel: str, expected: int) -> None:
    """6.12 frees the pieces ascending and each retypes what it merges with; 6.1 frees the whole by its first pageblock."""
    model = made(PAIR, {}, held={0: 3}, types={0: UNMOVABLE, 4: RECLAIMABLE}, kernel=kernel)
    model.ask(Free(0, 3))
    assert model.listed() == {(expected, 3): [0]}


def test_free_frames_are_counted_in_the_kind_of_their_pageblock() -> None:
    """A block over a MOVABLE and a CMA pageblock counts in both."""
    model = made(PAIR, {}, held={0: 3}, types={4: CMA})
    model.ask(Free(0, 3))
    assert {kind: count for kind, count in model.zone.frames.items() if count} == {0: 4, CMA: 4}


# --- unlawful frees --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pfn", "order"),
    [(0, 0), (0, 2), (2, 1), (4, 1), (6, 1), (5, 0), (8, 3), (16, 0), (1 << 51, 0), (4, 15)],
    ids=["part", "with more", "union", "lower half", "upper half", "middle", "free", "outside", "far outside", "no order"],
)
def test_a_free_of_anything_but_one_live_block_is_refused(pfn: int, order: int) -> None:
    """Live are (0, 1), (2, 0), (3, 0) and (4, 2); anything else gets EINVAL and changes nothing."""
    model = made(SIXTEEN, {(MOVABLE, 3): [8]}, held={0: 1, 2: 0, 3: 0, 4: 2})
    zone, lists = model.zone, model.lists
    assert model.ask(Free(pfn, order)).name == "EINVAL"
    assert (model.zone, model.lists) == (zone, lists)


def test_a_block_is_freed_once() -> None:
    """The second free of a block is refused."""
    model = emptied(SIXTEEN)
    assert not model.ask(Free(3, 0)).failed
    assert model.ask(Free(3, 0)).name == "EINVAL"
