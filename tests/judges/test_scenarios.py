"""The judges judged by scenarios worked out by hand from the source.

Geometry unless said otherwise: pageblocks of 8 frames (order 3), blocks of at most 16 (order 4).
"""

from __future__ import annotations

from typing import Any

import pytest

from . import buddy_61, buddy_612

UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, CMA, ISOLATE = range(6)
BOTH = pytest.mark.parametrize("judge", [buddy_61, buddy_612], ids=["6.1", "6.12"])
OLD = buddy_61


def emptied(judge: Any, start: int, end: int, max_order: int = 4, pageblock_order: int = 3, **kw: Any) -> Any:
    """A zone with every frame allocated, its pageblocks all MOVABLE."""
    zone = judge.Zone(start, end, max_order, pageblock_order, **kw)
    zone.alloc_bulk(0, MOVABLE, end - start)
    assert zone.nr_free_pages == 0
    return zone


def listed(zone: Any) -> dict[tuple[int, int], list[int]]:
    """The lists that are not empty."""
    return {key: pfns for key, pfns in zone.lists.items() if pfns}


def free_frames(zone: Any, *pfns: int) -> None:
    """Free single frames, in this order."""
    for pfn in pfns:
        zone.free(pfn, 0)


def all_movable(pfn: int) -> bool:
    """Say of every allocated page that it is movable."""
    return True


# ---- the first state, splitting, the head/tail rule


@BOTH
def test_first_state_of_an_uneven_zone(judge: Any) -> None:
    """The maximal aligned blocks of [3, 40) without frame 21, ascending, all MOVABLE."""
    zone = judge.Zone(3, 40, 4, 3, holes=[21])
    assert listed(zone) == {
        (0, MOVABLE): [3, 20],
        (1, MOVABLE): [22],
        (2, MOVABLE): [4, 16],
        (3, MOVABLE): [8, 24, 32],
    }
    assert zone.nr_free_pages == 36
    assert zone.pageblock == dict.fromkeys(range(5), MOVABLE)


@BOTH
def test_first_state_ends_at_max_order(judge: Any) -> None:
    """Blocks of max_order do not merge further, and stand in ascending order."""
    assert listed(judge.Zone(0, 64, 4, 3)) == {(4, MOVABLE): [0, 16, 32, 48]}


@BOTH
def test_a_hole_may_be_given_as_a_range(judge: Any) -> None:
    """A (low, high) pair names the frames low..high-1."""
    assert listed(judge.Zone(0, 16, 4, 3, holes=[(4, 8)])) == {(2, MOVABLE): [0], (3, MOVABLE): [8]}


@BOTH
def test_expand_keeps_the_lower_half(judge: Any) -> None:
    """The page is the lowest frame; each upper half goes on the list of its order."""
    zone = judge.Zone(0, 16, 4, 3)
    assert zone.alloc(0, MOVABLE) == 0
    assert listed(zone) == {(0, MOVABLE): [1], (1, MOVABLE): [2], (2, MOVABLE): [4], (3, MOVABLE): [8]}
    assert zone.nr_free_pages == 15


def test_expand_adds_at_the_head() -> None:
    """Halves go before the blocks already listed: to be seen only where a claim starts with stocked lists."""
    zone = emptied(buddy_612, 0, 24)
    zone.retype(16, UNMOVABLE)
    zone.free(16, 3)
    zone.free(0, 2)
    assert zone.alloc_mode(0, MOVABLE, 0, buddy_612.RMQUEUE_CLAIM) == (16, buddy_612.RMQUEUE_NORMAL)
    assert zone.lists[2, MOVABLE] == [20, 0]


@BOTH
@pytest.mark.parametrize(
    ("start", "max_order", "holes", "aunt", "expected"),
    [
        (0, 4, [], True, [10, 2]),
        (0, 4, [], False, [2, 10]),
        (0, 2, [], True, [2, 10]),
        (2, 4, [], True, [2, 10]),
        (0, 4, [0, 1], True, [10, 2]),
    ],
    ids=["merge likely", "aunt in use", "order too high", "parent below the zone", "parent in a hole"],
)
def test_the_head_or_tail_rule(judge: Any, start: int, max_order: int, holes: list[int], aunt: bool, expected: list[int]) -> None:
    """[2, 4) goes to the tail when [4, 8) is free, order < max_order - 1 and frame 0 has this zone's id."""
    zone = emptied(judge, start, 16, max_order, 2, holes=holes)
    if aunt:
        zone.free(4, 2)
    zone.free(10, 1)
    zone.free(2, 1)
    assert zone.lists[1, MOVABLE] == expected


@BOTH
def test_the_tail_rule_ignores_types(judge: Any) -> None:
    """A free CMA pageblock that could never merge still sends its neighbour's half to the tail."""
    zone = emptied(judge, 0, 32)
    zone.retype(8, CMA)
    zone.free(8, 3)
    zone.free(16, 2)
    zone.free(0, 2)
    assert zone.lists[2, MOVABLE] == [16, 0]


@BOTH
def test_fpi_to_tail(judge: Any) -> None:
    """`tail` wins over the head rule."""
    zone = emptied(judge, 0, 16)
    zone.free(10, 1)
    zone.free(2, 1, tail=True)
    assert zone.lists[1, MOVABLE] == [10, 2]


# ---- merging across pageblocks


@BOTH
def test_mergeable_pageblocks_merge(judge: Any) -> None:
    """UNMOVABLE joins MOVABLE; 6.12 retypes the buddy to the page freed last, 6.1 leaves the types mixed."""
    zone = emptied(judge, 0, 16)
    zone.retype(8, UNMOVABLE)
    zone.free(0, 3)
    zone.free(8, 3)
    assert listed(zone) == {(4, UNMOVABLE): [0]}
    assert zone.pageblock == {0: MOVABLE if judge is OLD else UNMOVABLE, 1: UNMOVABLE}


@BOTH
@pytest.mark.parametrize("mt", [HIGHATOMIC, CMA, ISOLATE])
def test_types_without_fallback_do_not_merge(judge: Any, mt: int) -> None:
    """A pageblock of HIGHATOMIC, CMA or ISOLATE stays apart from a free MOVABLE buddy."""
    zone = emptied(judge, 0, 16)
    zone.retype(8, mt)
    zone.free(0, 3)
    zone.free(8, 3)
    assert listed(zone) == {(3, MOVABLE): [0], (3, mt): [8]}
    assert zone.nr_free_pages == (8 if mt == ISOLATE else 16)
    assert zone.nr_free_cma == (8 if mt == CMA else 0)
    assert zone.nr_free_highatomic == (None if judge is OLD else 8 if mt == HIGHATOMIC else 0)


@BOTH
def test_two_pageblocks_of_one_type_merge(judge: Any) -> None:
    """CMA joins CMA."""
    zone = emptied(judge, 0, 16)
    zone.retype(0, CMA)
    zone.retype(8, CMA)
    zone.free(8, 3)
    zone.free(0, 3)
    assert listed(zone) == {(4, CMA): [0]}


@BOTH
def test_a_large_block_is_freed_by_pageblocks(judge: Any) -> None:
    """6.12 gives each pageblock its own list; 6.1 puts all of it on the list of the first."""
    zone = emptied(judge, 0, 16)
    zone.retype(8, HIGHATOMIC)
    zone.free(0, 4)
    if judge is OLD:
        assert listed(zone) == {(4, MOVABLE): [0]}
    else:
        assert listed(zone) == {(3, MOVABLE): [0], (3, HIGHATOMIC): [8]}
        assert (zone.nr_free_pages, zone.nr_free_highatomic) == (16, 8)


# ---- fallback


@BOTH
@pytest.mark.parametrize(("unmovable_frames", "claimed"), [(set(), False), ({2}, False), ({2, 5}, True)], ids=["0", "1", "2"])
def test_an_unmovable_request_claims_at_half(judge: Any, unmovable_frames: set[int], claimed: bool) -> None:
    """2 free + n unmovable frames of 8 claim from n = 2. Unclaimed, 6.1 alone moves the remainder."""
    zone = emptied(judge, 0, 8, 3, 3)
    free_frames(zone, 0, 1)
    assert zone.alloc(0, UNMOVABLE, movable=lambda pfn: pfn not in unmovable_frames) == 0
    assert zone.pageblock == {0: UNMOVABLE if claimed else MOVABLE}
    assert listed(zone) == {(0, UNMOVABLE if claimed or judge is OLD else MOVABLE): [1]}


@BOTH
@pytest.mark.parametrize("movable_frames", [{2}, {2, 5}], ids=["1", "2"])
def test_a_movable_request_claims_at_half(judge: Any, movable_frames: set[int]) -> None:
    """2 free + n movable frames of 8 claim from n = 2."""
    zone = emptied(judge, 0, 8, 3, 3)
    zone.retype(0, UNMOVABLE)
    free_frames(zone, 0, 1)
    claimed = len(movable_frames) == 2
    assert zone.alloc(0, MOVABLE, movable=movable_frames.__contains__) == 0
    assert zone.pageblock == {0: MOVABLE if claimed else UNMOVABLE}
    assert listed(zone) == {(0, MOVABLE if claimed or judge is OLD else UNMOVABLE): [1]}


@BOTH
def test_a_movable_request_never_claims_by_a_small_block(judge: Any) -> None:
    """Below pageblock_order / 2 (order 0 here) MOVABLE only steals, however compatible the pageblock is."""
    zone = emptied(judge, 0, 8, 3, 3)
    zone.retype(0, UNMOVABLE)
    free_frames(zone, 0, 2)
    assert zone.alloc(0, MOVABLE, movable=all_movable) == 2
    assert zone.pageblock == {0: UNMOVABLE}
    assert listed(zone) == {(0, UNMOVABLE): [0]}


@BOTH
def test_reclaimable_against_unmovable_counts_free_pages_only(judge: Any) -> None:
    """Neither movable nor unmovable pages are alike then: 3 free of 8 do not claim, 4 do."""
    for frames, claimed in (((0, 1, 2), False), ((0, 1, 2, 3), True)):
        zone = emptied(judge, 0, 8, 3, 3)
        zone.retype(0, UNMOVABLE)
        free_frames(zone, *frames)
        assert zone.alloc(0, RECLAIMABLE, movable=lambda pfn: pfn == 7) is not None
        assert zone.pageblock == {0: RECLAIMABLE if claimed else UNMOVABLE}


@BOTH
def test_holes_count_as_compatible(judge: Any) -> None:
    """1 free + 4 hole frames claim the pageblock for UNMOVABLE; nobody asks whether a hole is movable."""
    asked: list[int] = []

    def movable(pfn: int) -> bool:
        asked.append(pfn)
        return True

    zone = emptied(judge, 0, 8, 3, 3, holes=[(4, 8)])
    zone.free(0, 0)
    assert zone.alloc(0, UNMOVABLE, movable=movable) == 0
    assert zone.pageblock == {0: UNMOVABLE}
    assert asked == [1, 2, 3]


@BOTH
def test_smallest_against_largest(judge: Any) -> None:
    """Nothing claimable: 6.12 steals the smallest fallback block, 6.1 the largest."""
    zone = emptied(judge, 0, 16)
    free_frames(zone, 8, 2, 3)
    page = zone.alloc(0, UNMOVABLE, movable=all_movable)
    assert page == (2 if judge is OLD else 8)
    assert listed(zone) == ({(0, MOVABLE): [8], (0, UNMOVABLE): [3]} if judge is OLD else {(1, MOVABLE): [2]})


@BOTH
def test_a_movable_request_takes_the_smallest_of_unstealable_blocks(judge: Any) -> None:
    """pageblock_order 4: blocks below order 2 are not stealable for MOVABLE, so both take the least."""
    zone = emptied(judge, 0, 16, 4, 4)
    zone.retype(0, UNMOVABLE)
    free_frames(zone, 2, 3, 8)
    assert zone.alloc(0, MOVABLE, movable=all_movable) == 8
    assert listed(zone) == {(1, UNMOVABLE): [2]}


@BOTH
def test_the_best_fit_of_a_claimed_pageblock(judge: Any) -> None:
    """The largest block decides what is claimed; the page comes from the smallest that fits."""
    zone = emptied(judge, 0, 8, 3, 3)
    free_frames(zone, 0, 1, 2, 3, 6)
    assert zone.alloc(0, UNMOVABLE) == 6
    assert listed(zone) == {(2, UNMOVABLE): [0]}


@BOTH
def test_one_block_is_tried_per_order(judge: Any) -> None:
    """RECLAIMABLE comes first; its head is not claimable, and the claimable MOVABLE one is not tried."""
    zone = emptied(judge, 0, 16)
    zone.retype(0, RECLAIMABLE)
    free_frames(zone, 0, 8)
    assert zone.alloc(0, UNMOVABLE) == 0
    assert zone.pageblock == {0: RECLAIMABLE, 1: MOVABLE}
    assert listed(zone) == {(0, MOVABLE): [8]}


@BOTH
@pytest.mark.parametrize(
    ("mt", "fallbacks"),
    [
        (UNMOVABLE, [RECLAIMABLE, MOVABLE]),
        (MOVABLE, [RECLAIMABLE, UNMOVABLE]),
        (RECLAIMABLE, [UNMOVABLE, MOVABLE]),
    ],
)
def test_the_order_of_fallbacks(judge: Any, mt: int, fallbacks: list[int]) -> None:
    """With one frame free of each other type, the fallbacks come in the order of the table; others never."""
    zone = emptied(judge, 0, 40, 4, 3)
    others = [t for t in range(6) if t != mt]
    for index, other in enumerate(others):
        zone.retype(index * 8, other)
        zone.free(index * 8, 0)
    pages = [zone.alloc(0, mt, movable=lambda pfn: mt != MOVABLE) for _ in range(3)]
    assert pages == [others.index(f) * 8 for f in fallbacks] + [None]


@BOTH
def test_claiming_a_block_of_many_pageblocks(judge: Any) -> None:
    """All its pageblocks change type, and the remainder goes to the new type."""
    zone = judge.Zone(0, 16, 4, 3)
    assert zone.alloc(0, UNMOVABLE) == 0
    assert zone.pageblock == {0: UNMOVABLE, 1: UNMOVABLE}
    assert listed(zone) == {
        (0, UNMOVABLE): [1],
        (1, UNMOVABLE): [2],
        (2, UNMOVABLE): [4],
        (3, UNMOVABLE): [8],
    }
    assert zone.nr_free_pages == 15


@BOTH
def test_nofragment_refuses_parts_of_pageblocks(judge: Any) -> None:
    """Half a pageblock free: no page, no change. A whole one: claimed."""
    zone = emptied(judge, 0, 8, 3, 3)
    zone.free(0, 2)
    assert zone.alloc(0, UNMOVABLE, judge.ALLOC_NOFRAGMENT) is None
    assert listed(zone) == {(2, MOVABLE): [0]}
    zone.free(4, 2)
    assert zone.alloc(0, UNMOVABLE, judge.ALLOC_NOFRAGMENT) == 0
    assert zone.pageblock == {0: UNMOVABLE}


@BOTH
def test_a_straddling_pageblock_is_not_claimed(judge: Any) -> None:
    """Pageblock [8, 16) of a zone that ends at 12 gives a page and keeps its type."""
    zone = emptied(judge, 0, 12)
    free_frames(zone, 8, 9)
    assert zone.alloc(0, UNMOVABLE) == 8
    assert zone.pageblock[1] == MOVABLE
    assert listed(zone) == {(0, UNMOVABLE if judge is OLD else MOVABLE): [9]}


@BOTH
def test_nothing_is_claimed_in_a_highatomic_pageblock(judge: Any) -> None:
    """Frames left on the MOVABLE list of a pageblock that turned HIGHATOMIC serve one by one."""
    zone = emptied(judge, 0, 8, 3, 3)
    free_frames(zone, 0, 2, 4, 6)
    zone.pageblock[0] = HIGHATOMIC
    assert zone.alloc(0, UNMOVABLE) == 6
    assert zone.pageblock == {0: HIGHATOMIC}
    assert listed(zone) == {(0, MOVABLE): [4, 2, 0]}


# ---- rmqueue_buddy's flags, CMA, modes


@BOTH
def test_highatomic_lists_need_a_flag(judge: Any) -> None:
    """HIGHATOMIC is no fallback; ALLOC_OOM and ALLOC_NON_BLOCK open it last, ALLOC_HIGHATOMIC first."""
    for flag in (judge.ALLOC_OOM, judge.ALLOC_NON_BLOCK, judge.ALLOC_HIGHATOMIC):
        zone = emptied(judge, 0, 16)
        zone.retype(8, HIGHATOMIC)
        free_frames(zone, 0, 8)
        assert zone.alloc(0, MOVABLE, flag) == (8 if flag == judge.ALLOC_HIGHATOMIC else 0)
        assert zone.alloc(0, MOVABLE, flag) == (0 if flag == judge.ALLOC_HIGHATOMIC else 8)
        zone.free(8, 0)
        assert zone.alloc(0, MOVABLE, judge.ALLOC_CMA | judge.ALLOC_MIN_RESERVE) is None
        assert zone.alloc_bulk(0, MOVABLE, 1, flag) == []


@BOTH
def test_cma_only_with_the_flag(judge: Any) -> None:
    """A free CMA frame serves ALLOC_CMA alone, before any fallback."""
    zone = emptied(judge, 0, 24)
    zone.retype(8, CMA)
    zone.retype(16, UNMOVABLE)
    free_frames(zone, 8, 16, 17, 18)
    assert zone.alloc(0, MOVABLE, judge.ALLOC_CMA) == 8
    zone.free(8, 0)
    assert zone.alloc(0, MOVABLE) == 18
    assert (zone.nr_free_pages, zone.nr_free_cma) == (3, 1)


@BOTH
@pytest.mark.parametrize(("cma", "first"), [(2, 0), (3, 10)])
def test_the_cma_balance(judge: Any, cma: int, first: int) -> None:
    """CMA first when more than half (in integers) of the free pages are CMA: 2 of 4 no, 3 of 5 yes."""
    zone = emptied(judge, 0, 16)
    zone.retype(8, CMA)
    free_frames(zone, 0, 1, *range(8, 8 + cma))
    assert zone.alloc(0, MOVABLE, judge.ALLOC_CMA) == first


@BOTH
def test_the_cma_balance_falls_through(judge: Any) -> None:
    """CMA over half, but no CMA block is large enough: the request's own lists serve."""
    zone = emptied(judge, 0, 16)
    zone.retype(8, CMA)
    free_frames(zone, 0, 1, 8, 10, 12)
    assert zone.alloc(1, MOVABLE, judge.ALLOC_CMA) == 0


@BOTH
def test_the_cma_balance_within_a_batch(judge: Any) -> None:
    """5 of 8 free are CMA. After one page 6.12 sees 4 > 7 / 2, but 6.1 still 8 free: not 4 > 8 / 2."""
    zone = emptied(judge, 0, 16)
    zone.retype(8, CMA)
    free_frames(zone, 0, 1, 2, 8, 9, 10, 11, 12)
    assert zone.alloc_bulk(0, MOVABLE, 2, judge.ALLOC_CMA) == ([12, 2] if judge is OLD else [12, 8])
    assert (zone.nr_free_pages, zone.nr_free_cma) == (6, 4 if judge is OLD else 3)


def test_mode_steal_is_kept() -> None:
    """A steal is remembered; a failure leaves the mode alone."""
    zone = emptied(buddy_612, 0, 8, 3, 3)
    free_frames(zone, 0, 2)
    mode = buddy_612.RMQUEUE_NORMAL
    seen = []
    for _ in range(3):
        page, mode = zone.alloc_mode(0, UNMOVABLE, 0, mode, all_movable)
        seen.append((page, mode))
    assert seen == [(page, buddy_612.RMQUEUE_STEAL) for page in (2, 0, None)]


def test_mode_cma_is_kept_and_a_claim_resets_it() -> None:
    """CMA fallback stores CMA; when CMA is dry a pageblock is claimed and the mode is NORMAL again."""
    zone = emptied(buddy_612, 0, 16)
    zone.retype(0, UNMOVABLE)
    zone.retype(8, CMA)
    free_frames(zone, 0, 1, 2, 3, 8, 10)
    mode = buddy_612.RMQUEUE_NORMAL
    seen = []
    for _ in range(3):
        page, mode = zone.alloc_mode(0, MOVABLE, buddy_612.ALLOC_CMA, mode, all_movable)
        seen.append((page, mode))
    assert seen == [(10, buddy_612.RMQUEUE_CMA), (8, buddy_612.RMQUEUE_CMA), (0, buddy_612.RMQUEUE_NORMAL)]
    assert zone.pageblock == {0: MOVABLE, 1: CMA}


@pytest.mark.parametrize(
    ("mode", "page", "next_mode", "claimed"),
    [
        (buddy_612.RMQUEUE_NORMAL, 0, buddy_612.RMQUEUE_NORMAL, False),
        (buddy_612.RMQUEUE_CMA, 8, buddy_612.RMQUEUE_CMA, False),
        (buddy_612.RMQUEUE_CLAIM, 0, buddy_612.RMQUEUE_NORMAL, True),
        (buddy_612.RMQUEUE_STEAL, 20, buddy_612.RMQUEUE_STEAL, False),
    ],
)
def test_each_mode_starts_at_its_case(mode: int, page: int, next_mode: int, claimed: bool) -> None:
    """With a page for every case, each mode begins with its own.

    CLAIM claims the pageblock at 16 and yet hands out frame 0, the head of the list it has just joined.
    """
    zone = emptied(buddy_612, 0, 24)
    zone.retype(8, CMA)
    zone.retype(16, UNMOVABLE)
    zone.free(0, 1)
    zone.free(8, 1)
    zone.free(16, 2)
    zone.free(20, 1)
    assert zone.alloc_mode(1, MOVABLE, buddy_612.ALLOC_CMA, mode) == (page, next_mode)
    assert zone.pageblock[2] == (MOVABLE if claimed else UNMOVABLE)


@pytest.mark.parametrize(("mt", "mode"), [(CMA, 0), (MOVABLE, 4)])
def test_alloc_mode_refuses_what_does_not_exist(mt: int, mode: int) -> None:
    """A type that nobody asks for, and a mode past RMQUEUE_STEAL."""
    with pytest.raises(ValueError, match="alloc_mode: "):
        buddy_612.Zone(0, 16, 4, 3).alloc_mode(0, mt, 0, mode)


def test_the_cma_balance_leaves_the_mode_alone() -> None:
    """CMA over half: served from CMA in every mode, without storing RMQUEUE_CMA."""
    for mode in range(4):
        zone = emptied(buddy_612, 0, 16)
        zone.retype(8, CMA)
        free_frames(zone, 0, 8, 10)
        assert zone.alloc_mode(0, MOVABLE, buddy_612.ALLOC_CMA, mode) == (10, mode)


# ---- changing types


@BOTH
def test_moving_a_pageblock_orders_its_blocks(judge: Any) -> None:
    """Blocks move upwards to the tails: a list in the order of freeing comes out ascending."""
    zone = emptied(judge, 0, 16)
    free_frames(zone, 9, 2, 4, 0)
    assert zone.lists[0, MOVABLE] == [0, 4, 2, 9]
    assert zone.retype(5, UNMOVABLE)
    assert listed(zone) == {(0, MOVABLE): [9], (0, UNMOVABLE): [0, 2, 4]}
    assert zone.retype(5, UNMOVABLE)
    assert zone.pageblock == {0: UNMOVABLE, 1: MOVABLE}


@BOTH
@pytest.mark.parametrize("end", [9, 12, 15])
def test_retype_beyond_the_end_of_the_zone(judge: Any, end: int) -> None:
    """Refused by both; 6.1 has set the type all the same."""
    zone = emptied(judge, 0, end)
    zone.free(8, 0)
    assert not zone.retype(8, UNMOVABLE)
    assert listed(zone) == {(0, MOVABLE): [8]}
    assert zone.pageblock[1] == (UNMOVABLE if judge is OLD else MOVABLE)


@BOTH
def test_retype_before_the_start_of_the_zone(judge: Any) -> None:
    """6.12 refuses; 6.1 moves from the page given upwards and leaves frame 5 behind."""
    zone = emptied(judge, 4, 16)
    free_frames(zone, 5, 7)
    assert zone.retype(7, UNMOVABLE) == (judge is OLD)
    expected = {(0, MOVABLE): [5], (0, UNMOVABLE): [7]} if judge is OLD else {(0, MOVABLE): [7, 5]}
    assert listed(zone) == expected


def test_retype_counts_cma_and_highatomic_in_612() -> None:
    """move_to_free_list accounts: the counters follow the pages."""
    zone = buddy_612.Zone(0, 16, 3, 3)
    counts = []
    for mt in (CMA, HIGHATOMIC, ISOLATE, MOVABLE):
        zone.retype(0, mt)
        counts.append((zone.nr_free_pages, zone.nr_free_cma, zone.nr_free_highatomic))
    assert counts == [(16, 8, 0), (16, 0, 8), (8, 0, 0), (16, 0, 0)]


# ---- isolation


@BOTH
@pytest.mark.parametrize("pfn", [0, 8])
def test_isolating_part_of_a_larger_block(judge: Any, pfn: int) -> None:
    """6.12 splits it; 6.1 moves all of it with its first pageblock and none of it with its second."""
    zone = judge.Zone(0, 16, 4, 3)
    assert zone.isolate(pfn)
    assert not zone.isolate(pfn)
    assert zone.nr_isolate_pageblock == 1
    assert zone.pageblock == {pfn >> 3: ISOLATE, 1 - (pfn >> 3): MOVABLE}
    if judge is OLD:
        assert listed(zone) == {(4, ISOLATE if pfn == 0 else MOVABLE): [0]}
        assert zone.nr_free_pages == (0 if pfn == 0 else 16)
    else:
        assert listed(zone) == {(3, ISOLATE): [pfn], (3, MOVABLE): [8 - pfn]}
        assert zone.nr_free_pages == 8


@BOTH
def test_pieces_of_a_split_block_go_to_the_head(judge: Any) -> None:
    """They are freed with FPI_NONE: the MOVABLE half of block 0 comes before the pageblock at 16."""
    zone = emptied(judge, 0, 32)
    zone.free(16, 3)
    zone.free(0, 4)
    zone.isolate(8)
    if judge is OLD:
        assert zone.split_free(0, 4, 8)
    assert listed(zone) == {(3, MOVABLE): [0, 16], (3, ISOLATE): [8]}


@BOTH
def test_whole_pageblocks_are_isolated_at_the_tail(judge: Any) -> None:
    """A free block of exactly one pageblock is moved, not split."""
    zone = emptied(judge, 0, 32)
    zone.free(0, 3)
    zone.free(16, 3)
    zone.isolate(0)
    zone.isolate(16)
    assert listed(zone) == {(3, ISOLATE): [0, 16]}


@BOTH
def test_a_frame_freed_under_isolation(judge: Any) -> None:
    """It goes to the ISOLATE list, counts nowhere, and cannot be allocated by any means."""
    zone = emptied(judge, 0, 16)
    assert zone.isolate(8)
    zone.free(9, 0)
    assert listed(zone) == {(0, ISOLATE): [9]}
    assert zone.nr_free_pages == 0
    assert zone.alloc(0, MOVABLE, 0xFFF & ~judge.ALLOC_NOFRAGMENT) is None
    zone.unisolate(8, CMA)
    assert listed(zone) == {(0, CMA): [9]}
    assert (zone.nr_free_pages, zone.nr_free_cma, zone.nr_isolate_pageblock) == (1, 1, 0)


@BOTH
def test_unisolating_merges_with_the_buddy(judge: Any) -> None:
    """A whole free pageblock rejoins its free buddy, at the tail."""
    zone = emptied(judge, 0, 48)
    zone.isolate(8)
    for pfn in (8, 0, 16, 24):
        zone.free(pfn, 3)
    assert listed(zone) == {(3, MOVABLE): [0], (3, ISOLATE): [8], (4, MOVABLE): [16]}
    zone.unisolate(8, MOVABLE)
    assert listed(zone) == {(4, MOVABLE): [16, 0]}
    assert (zone.nr_free_pages, zone.nr_isolate_pageblock) == (32, 0)


@BOTH
def test_unisolating_a_pageblock_that_is_not_isolated(judge: Any) -> None:
    """Nothing happens."""
    zone = judge.Zone(0, 16, 4, 3)
    zone.unisolate(0, UNMOVABLE)
    assert (listed(zone), zone.nr_isolate_pageblock) == ({(4, MOVABLE): [0]}, 0)


@BOTH
def test_unisolating_keeps_isolated_buddies_apart(judge: Any) -> None:
    """A buddy that is still isolated is not merged with, only the type is given back."""
    zone = judge.Zone(0, 16, 3, 3)
    assert zone.isolate(0)
    assert zone.isolate(8)
    zone.unisolate(0, MOVABLE)
    assert listed(zone) == {(3, MOVABLE): [0], (3, ISOLATE): [8]}


@BOTH
def test_isolating_a_straddling_pageblock(judge: Any) -> None:
    """6.12 says -EBUSY; 6.1 isolates the type and leaves the free pages on their list."""
    zone = judge.Zone(0, 12, 4, 3)
    assert zone.isolate(8) == (judge is OLD)
    assert zone.pageblock[1] == (ISOLATE if judge is OLD else MOVABLE)
    assert zone.lists[2, MOVABLE] == [8]


@BOTH
def test_unisolating_a_block_of_two_pageblocks(judge: Any) -> None:
    """With max_order = pageblock_order + 2 the second pageblock keeps type ISOLATE inside a MOVABLE block."""
    zone = emptied(judge, 0, 16, 4, 2)
    assert zone.isolate(0)
    assert zone.isolate(4)
    zone.free(0, 2)
    zone.free(4, 2)
    zone.free(8, 3)
    assert listed(zone) == {(3, ISOLATE): [0], (3, MOVABLE): [8]}
    zone.unisolate(0, MOVABLE)
    assert listed(zone) == {(4, MOVABLE): [0]}
    assert zone.pageblock == {0: MOVABLE, 1: ISOLATE, 2: MOVABLE, 3: MOVABLE}
    assert (zone.nr_free_pages, zone.nr_isolate_pageblock) == (16, 1)


def test_split_free_page_repairs_an_isolation_in_61() -> None:
    """Pieces of the largest aligned size on either side, each to the list of its pageblock."""
    zone = buddy_61.Zone(0, 16, 4, 2)
    assert zone.isolate(4)
    assert zone.split_free(0, 4, 4)
    assert listed(zone) == {(2, MOVABLE): [0], (2, ISOLATE): [4], (3, MOVABLE): [8]}
    assert zone.nr_free_pages == 12


def test_split_free_page_cuts_the_parts_by_alignment_in_61() -> None:
    """At offset 12 of 16: 8 + 4 frames before the cut, 4 after it."""
    zone = buddy_61.Zone(0, 16, 4, 2)
    assert zone.isolate(12)
    assert zone.split_free(0, 4, 12)
    assert listed(zone) == {(2, MOVABLE): [8], (2, ISOLATE): [12], (3, MOVABLE): [0]}


def test_split_free_page_of_an_isolated_block_in_61() -> None:
    """It leaves no counter, and the MOVABLE half comes back to one."""
    zone = buddy_61.Zone(0, 16, 4, 3)
    assert zone.isolate(0)
    assert zone.split_free(0, 4, 8)
    assert listed(zone) == {(3, ISOLATE): [0], (3, MOVABLE): [8]}
    assert zone.nr_free_pages == 8


@pytest.mark.parametrize(("pfn", "order", "offset"), [(0, 3, 4), (8, 3, 4)])
def test_split_free_page_of_a_changed_block_in_61(pfn: int, order: int, offset: int) -> None:
    """-ENOENT when no free block of this order starts here."""
    zone = buddy_61.Zone(0, 16, 4, 3)
    assert not zone.split_free(pfn, order, offset)
    assert listed(zone) == {(4, MOVABLE): [0]}


def test_split_free_page_at_the_ends_in_61() -> None:
    """Offset 0 succeeds and does nothing; an offset past the block is refused."""
    zone = buddy_61.Zone(0, 16, 4, 3)
    assert zone.split_free(0, 4, 0)
    with pytest.raises(ValueError, match="split_free: offset 16 is not inside"):
        zone.split_free(0, 4, 16)
    assert listed(zone) == {(4, MOVABLE): [0]}


def test_split_free_page_of_one_type_achieves_nothing_in_61() -> None:
    """The pieces merge back."""
    zone = buddy_61.Zone(0, 16, 4, 3)
    assert zone.split_free(0, 4, 8)
    assert listed(zone) == {(4, MOVABLE): [0]}
    assert zone.nr_free_pages == 16


def test_unsplit_isolation_miscounts_in_61() -> None:
    """A frame freed to ISOLATE swallows a MOVABLE buddy that NR_FREE_PAGES goes on counting."""
    zone = buddy_61.Zone(0, 16, 4, 3)
    zone.isolate(8)
    pages = zone.alloc_bulk(0, MOVABLE, 9)
    assert pages[-1] == 8
    zone.free(8, 0)
    assert zone.lists[3, ISOLATE] == [8]
    assert zone.nr_free_pages == 7


# ---- high-order atomic reserves


@BOTH
def test_reserving_and_unreserving_a_pageblock(judge: Any) -> None:
    """The free rest of the pageblock moves with its type, and back; the smallest block is reported."""
    zone = judge.Zone(0, 16, 4, 3)
    zone.alloc(0, MOVABLE)
    assert zone.reserve_highatomic(0, 0)
    assert not zone.reserve_highatomic(0, 0)
    assert listed(zone) == {
        (0, HIGHATOMIC): [1],
        (1, HIGHATOMIC): [2],
        (2, HIGHATOMIC): [4],
        (3, MOVABLE): [8],
    }
    assert (zone.nr_free_pages, zone.nr_reserved_highatomic) == (15, 8)
    assert zone.nr_free_highatomic == (None if judge is OLD else 7)
    assert zone.unreserve_highatomic(UNMOVABLE) == 1
    assert zone.pageblock == {0: UNMOVABLE, 1: MOVABLE}
    assert (zone.lists[2, UNMOVABLE], zone.nr_reserved_highatomic) == ([4], 0)
    assert zone.unreserve_highatomic(UNMOVABLE) is None


@BOTH
def test_reserving_a_page_of_two_pageblocks(judge: Any) -> None:
    """6.12 reserves and unreserves both; 6.1 reserves the first, and the free takes both to HIGHATOMIC."""
    zone = judge.Zone(0, 16, 4, 3)
    assert zone.alloc(4, MOVABLE) == 0
    assert zone.reserve_highatomic(0, 4)
    assert zone.pageblock == {0: HIGHATOMIC, 1: MOVABLE if judge is OLD else HIGHATOMIC}
    assert zone.nr_reserved_highatomic == (8 if judge is OLD else 16)
    zone.free(0, 4)
    assert listed(zone) == {(4, HIGHATOMIC): [0]}
    assert zone.unreserve_highatomic(MOVABLE) == 0
    assert listed(zone) == {(4, MOVABLE): [0]}
    assert (zone.pageblock, zone.nr_reserved_highatomic) == ({0: MOVABLE, 1: MOVABLE}, 0)


@BOTH
def test_unreserving_two_merged_pageblocks(judge: Any) -> None:
    """6.1 moves the whole block, but unreserves its first pageblock only."""
    zone = emptied(judge, 0, 16)
    for pfn in (0, 8):
        assert zone.reserve_highatomic(pfn, 3)
        zone.free(pfn, 3)
    assert listed(zone) == {(4, HIGHATOMIC): [0]}
    assert zone.unreserve_highatomic(MOVABLE) == 0
    assert listed(zone) == {(4, MOVABLE): [0]}
    assert zone.pageblock == {0: MOVABLE, 1: HIGHATOMIC if judge is OLD else MOVABLE}
    assert zone.nr_reserved_highatomic == (8 if judge is OLD else 0)


@BOTH
def test_unreserving_does_not_merge(judge: Any) -> None:
    """Two free buddies of one type stay apart at pageblock_order."""
    zone = emptied(judge, 0, 16)
    zone.retype(0, HIGHATOMIC)
    zone.free(0, 3)
    zone.free(8, 3)
    assert zone.unreserve_highatomic(MOVABLE) == 0
    assert listed(zone) == {(3, MOVABLE): [8, 0]}


@BOTH
@pytest.mark.parametrize("mt", [HIGHATOMIC, CMA, ISOLATE])
def test_reserving_refuses_types_without_fallback(judge: Any, mt: int) -> None:
    """Only UNMOVABLE, MOVABLE and RECLAIMABLE pageblocks are reserved."""
    zone = emptied(judge, 0, 8, 3, 3)
    zone.retype(0, mt)
    assert not zone.reserve_highatomic(0, 0)
    assert (zone.pageblock, zone.nr_reserved_highatomic) == ({0: mt}, 0)


@BOTH
def test_reserving_a_straddling_pageblock(judge: Any) -> None:
    """6.12 does not; 6.1 does and cannot move its pages."""
    zone = judge.Zone(0, 12, 4, 3)
    assert zone.alloc(1, MOVABLE) == 8
    assert zone.reserve_highatomic(8, 1) == (judge is OLD)
    assert zone.lists[1, MOVABLE] == [10]


@BOTH
def test_unreserving_a_straddling_pageblock(judge: Any) -> None:
    """It moves nothing and is not reported; 6.12 warns, 6.1 has changed the type."""
    zone = emptied(judge, 0, 12)
    zone.pageblock[1] = HIGHATOMIC
    zone.free(8, 0)
    assert zone.unreserve_highatomic(MOVABLE) is None
    assert zone.pageblock[1] == (MOVABLE if judge is OLD else HIGHATOMIC)
    assert listed(zone) == {(0, HIGHATOMIC): [8]}
    if judge is buddy_612:
        assert zone.warnings == ["unreserve_highatomic_pageblock: 8 is in a straddling pageblock"]


def test_unreserving_a_highatomic_block_of_a_movable_pageblock_in_61() -> None:
    """Its pageblock was never counted as reserved, so the count stays."""
    zone = buddy_61.Zone(0, 16, 4, 3)
    zone.alloc(4, MOVABLE)
    zone.reserve_highatomic(0, 4)
    zone.free(0, 4)
    assert zone.alloc(3, MOVABLE, buddy_61.ALLOC_HIGHATOMIC) == 0
    assert zone.unreserve_highatomic(UNMOVABLE) == 8
    assert (zone.pageblock, zone.nr_reserved_highatomic) == ({0: HIGHATOMIC, 1: UNMOVABLE}, 8)


def test_reserving_over_an_isolated_pageblock_in_612() -> None:
    """Only the first pageblock is asked: the isolated second one is retyped and stays counted for ever."""
    zone = buddy_612.Zone(0, 16, 4, 3)
    zone.alloc(4, MOVABLE)
    assert zone.isolate(8)
    assert zone.reserve_highatomic(0, 4)
    zone.unisolate(8, MOVABLE)
    assert (zone.pageblock, zone.nr_isolate_pageblock) == ({0: HIGHATOMIC, 1: HIGHATOMIC}, 1)


# ---- pulling blocks off


@BOTH
@pytest.mark.parametrize("mt", [UNMOVABLE, MOVABLE])
def test_taking_half_a_pageblock(judge: Any, mt: int) -> None:
    """The type becomes MOVABLE; 6.12 moves the other half along (reordering it even if it was MOVABLE)."""
    zone = emptied(judge, 0, 8, 3, 3)
    zone.retype(0, mt)
    zone.free(0, 2)
    free_frames(zone, 4, 6)
    assert zone.take(0, 2) == 4
    assert zone.pageblock == {0: MOVABLE}
    assert listed(zone) == ({(0, mt): [6, 4]} if judge is OLD else {(0, MOVABLE): [4, 6]})
    assert zone.nr_free_pages == 2
    zone.putback(0, 2)
    assert zone.lists[2, MOVABLE] == [0]
    assert zone.nr_free_pages == 6


@BOTH
@pytest.mark.parametrize("mt", [HIGHATOMIC, CMA, ISOLATE])
def test_taking_keeps_types_without_fallback(judge: Any, mt: int) -> None:
    """A whole pageblock taken and put back is what it was, in every counter."""
    zone = emptied(judge, 0, 16)
    zone.retype(8, mt)
    zone.free(8, 3)
    before = (listed(zone), zone.nr_free_pages, zone.nr_free_cma, zone.nr_free_highatomic)
    zone.take(8, 3)
    assert (listed(zone), zone.nr_free_pages, zone.nr_free_cma) == ({}, 0, 0)
    zone.putback(8, 3)
    assert (listed(zone), zone.nr_free_pages, zone.nr_free_cma, zone.nr_free_highatomic) == before
    assert zone.pageblock == {0: MOVABLE, 1: mt}


@BOTH
def test_taking_less_than_half_keeps_the_type(judge: Any) -> None:
    """Below pageblock_order - 1 nothing is retyped."""
    zone = emptied(judge, 0, 8, 3, 3)
    zone.retype(0, UNMOVABLE)
    zone.free(0, 1)
    zone.take(0, 1)
    assert zone.pageblock == {0: UNMOVABLE}


@BOTH
def test_taking_a_frame_of_a_pageblock_of_two(judge: Any) -> None:
    """pageblock_order 1: an order-0 page is half a pageblock, but the loop ends before it begins."""
    zone = emptied(judge, 0, 4, 2, 1)
    zone.retype(0, UNMOVABLE)
    zone.free(0, 0)
    zone.take(0, 0)
    assert zone.pageblock[0] == UNMOVABLE


@BOTH
def test_taking_a_block_of_two_pageblocks(judge: Any) -> None:
    """Every pageblock of it becomes MOVABLE."""
    zone = judge.Zone(0, 32, 4, 3)
    assert zone.alloc(4, UNMOVABLE) == 0
    zone.free(0, 4)
    assert listed(zone) == {(4, MOVABLE): [16], (4, UNMOVABLE): [0]}
    assert zone.take(0, 4) == 16
    assert zone.pageblock == dict.fromkeys(range(4), MOVABLE)


@BOTH
def test_putting_back_does_not_split(judge: Any) -> None:
    """A pageblock isolated while its block is off the lists goes back to MOVABLE with the first one."""
    zone = judge.Zone(0, 16, 4, 3)
    zone.take(0, 4)
    zone.isolate(8)
    zone.putback(0, 4)
    assert listed(zone) == {(4, MOVABLE): [0]}
    assert (zone.pageblock, zone.nr_free_pages) == ({0: MOVABLE, 1: ISOLATE}, 16)


# ---- the type given to free, and bad input


def test_free_believes_the_type_given_in_61() -> None:
    """Until some pageblock of the zone is isolated."""
    zone = emptied(buddy_61, 0, 16)
    zone.free(0, 0, mt=UNMOVABLE)
    assert listed(zone) == {(0, UNMOVABLE): [0]}
    zone.isolate(8)
    zone.free(2, 0, mt=UNMOVABLE)
    assert listed(zone) == {(0, UNMOVABLE): [0], (0, MOVABLE): [2]}


def test_merging_below_a_pageblock_ignores_types_in_61() -> None:
    """A frame recorded as HIGHATOMIC takes its free MOVABLE buddy with it."""
    zone = emptied(buddy_61, 0, 16)
    zone.free(0, 0)
    zone.free(1, 0, mt=HIGHATOMIC)
    assert listed(zone) == {(1, HIGHATOMIC): [0]}


@BOTH
def test_the_last_frame_of_the_largest_block_is_free(judge: Any) -> None:
    """Freeing a frame of the upper half of a max_order block is caught."""
    with pytest.raises(ValueError, match="frame 15 is already free"):
        judge.Zone(0, 16, 4, 3).free(15, 0)


def test_free_takes_no_other_type_in_612() -> None:
    """6.12 has no such argument."""
    zone = emptied(buddy_612, 0, 16)
    zone.free(0, 0, mt=MOVABLE)
    with pytest.raises(ValueError, match=r"free: 6\.12 takes no migratetype"):
        zone.free(2, 0, mt=UNMOVABLE)


def test_warnings_of_612() -> None:
    """Retyping the tail of a larger free block is a misuse that a later list operation reports."""
    zone = buddy_612.Zone(0, 16, 4, 3)
    zone.retype(8, UNMOVABLE)
    assert zone.warnings == []
    zone.alloc(3, MOVABLE)
    assert zone.warnings == ["__add_to_free_list: page 8 order 3 type is 0, passed 1"]


@BOTH
@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda z: z.free(0, 0), "frame 0 is already free"),
        (lambda z: z.free(8, 3), "frame 10 is already free"),
        (lambda z: z.free(9, 1), "no aligned block"),
        (lambda z: z.free(16, 0), "no aligned block"),
        (lambda z: z.free(0, 5), "no aligned block"),
        (lambda z: z.putback(0, 3), "frame 0 is already free"),
        (lambda z: z.alloc(0, CMA), "no request has migratetype 4"),
        (lambda z: z.alloc_bulk(-1, MOVABLE, 1), "order -1 is negative"),
        (lambda z: z.take(0, 2), "no free block of order 2"),
        (lambda z: z.take(1, 0), "no free block of order 0"),
        (lambda z: z.isolate(16), "outside the zone"),
        (lambda z: z.unisolate(-1, MOVABLE), "outside the zone"),
        (lambda z: z.retype(99, MOVABLE), "outside the zone"),
        (lambda z: z.reserve_highatomic(99, 0), "outside the zone"),
    ],
)
def test_bad_input(judge: Any, act: Any, words: str) -> None:
    """Each is refused in one line that names the act, and changes nothing."""
    zone = emptied(judge, 0, 16)
    zone.free(0, 3)
    zone.free(10, 1)
    before = listed(zone)
    with pytest.raises(ValueError, match=words):
        act(zone)
    assert listed(zone) == before


@BOTH
def test_bad_geometry(judge: Any) -> None:
    """An empty span and a pageblock larger than the largest block are refused."""
    with pytest.raises(ValueError, match="is empty"):
        judge.Zone(5, 5)
    with pytest.raises(ValueError, match="pageblock_order 5"):
        judge.Zone(0, 64, 4, 5)
