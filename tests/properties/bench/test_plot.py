"""The picture of growth draws each curve where its costs are."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from mmprops.bench.plot import GAP, growth_svg, spread, ticks
from mmprops.bench.row import Curve

SVG = "{http://www.w3.org/2000/svg}"
OURS = Curve("random <any>", "ours", "ns/operation", ((10, 20.0), (14, 40.0), (20, 80.0)))
C = Curve("random <any>", "C", "ns/operation", ((10, 10.0), (14, 20.0), (20, 40.0)))


def drawn(*curves: Curve) -> list[list[tuple[float, float]]]:
    """Return the points of each polyline."""
    root = ElementTree.fromstring(growth_svg(curves))
    return [
        [(float(x), float(y)) for x, y in (point.split(",") for point in line.attrib["points"].split())]
        for line in root.iter(f"{SVG}polyline")
    ]


def test_every_point_is_drawn_and_named() -> None:
    """Names and units are text, whatever marks are in them."""
    assert [len(points) for points in drawn(OURS, C)] == [3, 3]
    text = [node.text for node in ElementTree.fromstring(growth_svg([OURS, C])).iter(f"{SVG}text")]
    assert {"ns/operation", "2^10", "2^14", "2^20", "ours, random <any>", "C, random <any>"} <= set(text)


def test_one_ratio_is_one_distance() -> None:
    """Costs are on a logarithmic scale, more above less; sizes on a linear one of their logarithms."""
    ours, theirs = drawn(OURS, C)
    distances = [c - o for (_, o), (_, c) in zip(ours, theirs, strict=True)]
    assert distances == pytest.approx([distances[0]] * 3, abs=0.2)
    assert ours[0][1] < theirs[0][1]
    assert (ours[1][0] - ours[0][0]) / (ours[2][0] - ours[0][0]) == pytest.approx(0.4, abs=0.01)


def test_ours_is_solid_and_what_is_beside_it_dashed() -> None:
    """In one colour where they have one name."""
    lines = ElementTree.fromstring(growth_svg([OURS, C])).iter(f"{SVG}polyline")
    assert [line.attrib["class"] for line in lines] == ["curve c0", "curve c0 beside"]


@pytest.mark.parametrize(
    ("low", "high", "grid"),
    [(12.0, 331.0, [10, 20, 50, 100, 200, 500]), (20.0, 20.0, [20, 50]), (0.3, 0.4, [0.2, 0.5]), (60.0, 99.0, [50, 100])],
)
def test_the_grid_encloses_the_costs(low: float, high: float, grid: list[float]) -> None:
    """In steps of 1, 2 and 5."""
    assert ticks(low, high) == pytest.approx(grid)


def test_names_do_not_overlap() -> None:
    """However close their curves end."""
    placed = sorted(spread([350.0, 350.0, 100.0, 349.0]))
    assert all(b - a >= GAP for a, b in pairwise(placed))
    assert spread([100.0, 300.0]) == [100.0, 300.0]


def test_nothing_to_draw_is_refused() -> None:
    """And so is a cost that has no logarithm."""
    with pytest.raises(ValueError, match="no curve"):
        growth_svg([])
    with pytest.raises(ValueError, match="no costs"):
        ticks(0.0, 1.0)
