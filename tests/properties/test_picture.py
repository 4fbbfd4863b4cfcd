"""Pictures as data: text and JSON say the same, and a strip of too many runs is drawn coarser, not longer."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from mmprops.picture import LISTED, RUNS, Picture, Strip, lines, to_json

HIGH = 1 << 51


def picture(*strips: Strip, places: int = 16, lists: tuple[tuple[str, tuple[int, ...]], ...] = ()) -> Picture:
    """Return a picture of places high up."""
    return Picture("frame", "pfn", HIGH, HIGH + places, strips, lists)


def test_text_draws_the_filled_strips() -> None:
    """``#`` where a run is, and how many there are; what is only background is left out."""
    drawn = lines(picture(Strip("some", ((HIGH + 1, 2), (HIGH + 8, 8))), Strip("rest", ((HIGH, 1),), filled=False)))
    assert drawn == [f"frames {HIGH:#x} to {HIGH + 16:#x}, 1 a column", "some .##.....######## 2"]


def test_json_counts_places_from_the_start() -> None:
    """So that they are exact wherever the picture lies; the ends are words of the protocol."""
    told = to_json(picture(Strip("order  1", ((HIGH + 2, 2),))))
    assert (told["start"], told["end"], told["places"]) == (hex(HIGH), hex(HIGH + 16), 16)
    assert told["strips"] == [{"label": "order 1", "filled": True, "count": 1, "scale": 1, "runs": [(2, 2)]}]


@given(st.randoms(use_true_random=False), st.integers(RUNS - 1, 3 * RUNS))
def test_a_coarse_strip_covers_what_it_stands_for(rng: random.Random, count: int) -> None:
    """Every place of a run is in a drawn one, no drawn one is longer than its runs and a column on either side, none touch."""
    places = set(rng.sample(range(4 * RUNS + 1), count))
    told = to_json(picture(Strip("some", tuple((HIGH + place, 1) for place in sorted(places))), places=4 * RUNS + 1))
    (strip,) = told["strips"]
    drawn = {place for first, count in strip["runs"] for place in range(first, first + count)}
    assert places <= drawn
    assert len(strip["runs"]) <= RUNS + 1
    assert (strip["count"], strip["scale"] > 1) == (count, count > RUNS)
    assert all(places.intersection(range(p - strip["scale"] + 1, p + strip["scale"])) for p in drawn)
    ends = {first + count for first, count in strip["runs"]}
    assert strip["scale"] == 1 or not ends & {first for first, _ in strip["runs"]}


def test_of_a_long_list_the_first_are_named() -> None:
    """And the others counted."""
    (told,) = to_json(picture(lists=(("queue", tuple(range(LISTED + 3))),)))["lists"]
    assert (told["name"], told["members"][:2], len(told["members"]), told["more"]) == ("queue", ["0x0", "0x1"], LISTED, 3)
