"""Blocks that leave and come back at given frames: what a replay of a real kernel needs."""

from __future__ import annotations

import random

import pytest

from mmimpl.physical.buddy import Buddy
from mmspec.physical.buddy.ops import Config, FreeBlocks

ZONE = Config(5, 300, 5)


def free_frames(buddy: Buddy) -> set[int]:
    """The free frames."""
    return {frame for pfn, number in buddy.blocks() for frame in range(pfn, pfn + (1 << (number & 15)))}


def test_only_the_given_blocks_are_free() -> None:
    """Every other frame is outside, and none is an allocation."""
    buddy = Buddy(ZONE, free=[(8, 3), (32, 0)])
    assert free_frames(buddy) == {*range(8, 16), 32}
    assert (list(buddy.allocated()), buddy.frames(0)) == ([], 9)


def test_a_block_is_carved_out_of_a_larger_one() -> None:
    """And what is left of that stays free, merged."""
    buddy = Buddy(ZONE, free=[(64, 5)])
    assert buddy.carve(72, 2)
    assert buddy.apply(FreeBlocks()).blocks == ((64, 3), (76, 2), (80, 4))


@pytest.mark.parametrize(("pfn", "order"), [(64, 5), (60, 1), (65, 1), (4, 0), (300, 0), (64, 6), (1 << 52, 0)])
def test_what_is_not_all_free_is_not_carved(pfn: int, order: int) -> None:
    """Nor what is unaligned or outside, and nothing changes."""
    buddy = Buddy(ZONE, free=[(64, 4)])
    assert not buddy.carve(pfn, order)
    assert buddy.apply(FreeBlocks()).blocks == ((64, 4),)


@pytest.mark.parametrize(("pfn", "order"), [(64, 5), (72, 0), (66, 2), (4, 0), (299, 1), (1 << 40, 0)])
def test_what_is_free_or_no_block_of_the_zone_is_not_adopted(pfn: int, order: int) -> None:
    """And nothing changes."""
    buddy = Buddy(ZONE, free=[(64, 4)])
    assert not buddy.adopt(pfn, order)
    assert buddy.apply(FreeBlocks()).blocks == ((64, 4),)


def test_leaving_and_coming_back_keeps_the_frames() -> None:
    """Any history agrees with a plain set of frames, and the blocks are merged as far as they go."""
    rng = random.Random(3)
    buddy, free = Buddy(ZONE, free=[]), set[int]()
    for _ in range(3000):
        order = rng.choice((0, 0, 1, 2, 3, 5))
        pfn = rng.randrange(0, 310) >> order << order
        block = set(range(pfn, pfn + (1 << order)))
        inside = min(block) >= 5 and max(block) < 300
        if rng.random() < 0.5:
            assert buddy.adopt(pfn, order) is (inside and not block & free)
            free |= block if inside and not block & free else set()
        else:
            assert buddy.carve(pfn, order) is (inside and block <= free)
            free -= block if block <= free else set()
        if inside:
            assert buddy.any_free(pfn, order) is bool(block & free)
    assert free_frames(buddy) == free
    assert tuple((pfn, number & 15) for pfn, number in buddy.blocks()) == buddy.apply(FreeBlocks()).blocks
