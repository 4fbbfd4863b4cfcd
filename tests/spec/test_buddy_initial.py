"""The zone after a reset, and what is no configuration."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.spec.model import Model, broken

from mmspec.errors import InputError
from mmspec.physical.buddy import BUDDY
from mmspec.physical.buddy.ops import MOVABLE, Config
from mmspec.physical.buddy.state import blocks_of, ranges_of, span_of

GOOD = Config(0x100, 0x500, 10)


def test_a_zone_begins_with_its_largest_aligned_blocks() -> None:
    """From an odd start up to the largest order and down again to an odd end."""
    assert blocks_of(Config(5, 45, 3)) == [(5, 0), (6, 1), (8, 3), (16, 3), (24, 3), (32, 3), (40, 2), (44, 0)]


def test_no_block_reaches_over_a_hole() -> None:
    """The blocks on both sides end at it."""
    assert blocks_of(Config(0, 16, 4, holes=((6, 7),))) == [(0, 2), (4, 1), (7, 0), (8, 3)]


def test_frame_0_is_aligned_for_every_order() -> None:
    """Its block is as large as the zone allows."""
    assert blocks_of(Config(0, 16, 10)) == [(0, 4)]


def test_lists_are_as_if_freed_to_the_tail_ascending() -> None:
    """Each list is in PFN order."""
    assert Model(Config(5, 45, 3)).listed() == {
        (MOVABLE, 0): [5, 44], (MOVABLE, 1): [6], (MOVABLE, 2): [40], (MOVABLE, 3): [8, 16, 24, 32],
    }  # fmt: skip


def test_every_frame_is_counted_free() -> None:
    """All in the ordinary kind, holes not at all."""
    assert dict(Model(Config(5, 45, 3, holes=((7, 9),))).zone.frames.items()) == {0: 38}


def test_every_pageblock_is_movable() -> None:
    """Nothing is remembered of any."""
    model = Model(GOOD)
    assert dict(model.zone.pageblock.items()) == {}
    assert model.type_at(0x123) == MOVABLE


def test_nothing_is_handed_out() -> None:
    """No frame has another owner than the free lists."""
    assert dict(Model(GOOD).zone.allocated.items()) == {}


@pytest.mark.parametrize(("max_order", "pageblock_order"), [(10, 9), (12, 9), (9, 9), (3, 3), (0, 0)])
def test_a_pageblock_is_of_order_9_or_of_max_order(max_order: int, pageblock_order: int) -> None:
    """Unless the configuration says otherwise."""
    assert span_of(Config(0, 64, max_order)).pageblock_order == pageblock_order


def test_memory_is_what_is_between_the_holes() -> None:
    """Holes at both edges leave no empty range."""
    assert ranges_of(Config(0, 32, 3, holes=((0, 4), (8, 10), (30, 32)))) == [(4, 8), (10, 30)]


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Return configurations of small zones anywhere, with up to three holes."""
    start = draw(st.sampled_from([0, 1, 7, 1 << 20, (1 << 52) - 512])) + draw(st.integers(0, 40))
    end = start + draw(st.integers(1, 200))
    cuts = sorted(draw(st.lists(st.integers(start, end), max_size=6, unique=True)))
    holes = tuple(zip(cuts[::2], cuts[1::2], strict=False))
    assume(sum(last - first for first, last in holes) < end - start)
    max_order = draw(st.integers(1, 13))
    return Config(start, end, max_order, holes, draw(st.none() | st.integers(1, max_order)))


@given(configs(), st.sampled_from(["6.1", "6.12"]))
def test_every_invariant_holds_after_a_reset(config: Config, kernel: str) -> None:
    """Whatever the zone, whichever the kernel."""
    assert broken(BUDDY.initial(config), BUDDY.initial_policy(config, kernel)) == []


@given(configs())
def test_the_blocks_of_a_zone_are_its_memory(config: Config) -> None:
    """Every frame outside the holes is in one block, and no other is in any."""
    frames = [frame for pfn, order in blocks_of(config) for frame in range(pfn, pfn + (1 << order))]
    assert frames == [frame for first, last in ranges_of(config) for frame in range(first, last)]


WRONG = [
    ({"start_pfn": -1}, "not a range of frames", "0 <= start_pfn < end_pfn <= 2**52"),
    ({"end_pfn": 0x100}, "not a range of frames", "0 <= start_pfn < end_pfn <= 2**52"),
    ({"start_pfn": 0x600}, "not a range of frames", "0 <= start_pfn < end_pfn <= 2**52"),
    ({"end_pfn": (1 << 52) + 1}, "not a range of frames", "0 <= start_pfn < end_pfn <= 2**52"),
    ({"max_order": -1}, "max_order -1 is not an order", "0 to 13"),
    ({"max_order": 14}, "max_order 14 is not an order", "0 to 13"),
    ({"pageblock_order": 0}, "pageblock_order 0 does not fit max_order 10", "1 to max_order"),
    ({"pageblock_order": 11}, "pageblock_order 11 does not fit max_order 10", "1 to max_order"),
    ({"holes": ((0x200, 0x200),)}, "hole [0x200, 0x200)", "ascending disjoint ranges inside the zone"),
    ({"holes": ((0x300, 0x200),)}, "hole [0x300, 0x200)", "ascending disjoint ranges inside the zone"),
    ({"holes": ((0xF0, 0x110),)}, "hole [0xf0, 0x110)", "ascending disjoint ranges inside the zone"),
    ({"holes": ((0x4F0, 0x501),)}, "hole [0x4f0, 0x501)", "ascending disjoint ranges inside the zone"),
    ({"holes": ((0x200, 0x300), (0x2FF, 0x310))}, "hole [0x2ff, 0x310)", "ascending disjoint ranges inside the zone"),
    ({"holes": ((0x300, 0x310), (0x200, 0x210))}, "hole [0x200, 0x210)", "ascending disjoint ranges inside the zone"),
    ({"holes": ((0x100, 0x500),)}, "no frame outside its holes", "leave at least one frame of memory"),
]


@pytest.mark.parametrize(("change", "message", "hint"), WRONG)
def test_what_is_no_configuration_is_refused_at_the_door(change: dict[str, object], message: str, hint: str) -> None:
    """The message names the field and its value, the hint how it must be."""
    with pytest.raises(InputError) as caught:
        span_of(attrs.evolve(GOOD, **change))
    assert message in caught.value.message
    assert caught.value.hint == hint


def test_holes_are_held_one_by_one_and_so_are_limited() -> None:
    """More than four million hole frames are refused, before they are held."""
    with pytest.raises(InputError, match="more than 4194304 hole frames") as caught:
        span_of(Config(0, 1 << 30, 10, holes=((1, 1 << 29),)))
    assert caught.value.hint == "split the zone at the hole"


@pytest.mark.parametrize("config", [Config(0, 1, 0), Config((1 << 52) - 1, 1 << 52, 13), Config(0, 1 << 52, 13)])
def test_the_extremes_are_configurations(config: Config) -> None:
    """One frame, the last frame, all frames."""
    assert span_of(config).start_pfn == config.start_pfn
