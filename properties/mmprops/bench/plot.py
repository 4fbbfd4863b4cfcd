"""The picture of growth: what an operation costs over log2 of the pages, ours and C's, as an SVG that stands alone.

Costs are on a logarithmic scale too: the distance of two curves is their ratio, wherever they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from mmprops.bench.row import Curve

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 56, 176, 40, 48
"""The margins around the plot; names of curves stand in the right one."""

GAP = 15
"""The least distance between the baselines of two names."""

STYLE = """
.growth { background: #fff; color: #1a1a1a; font: 13px system-ui, sans-serif; }
.growth text { fill: currentColor; }
.growth .grid { stroke: currentColor; stroke-opacity: .15; }
.growth .curve { fill: none; stroke-width: 2; }
.growth .beside { stroke-dasharray: 5 4; }
.growth .c0 { stroke: #0b62c4; } .growth .c1 { stroke: #c2410c; }
.growth .c2 { stroke: #15803d; } .growth .c3 { stroke: #7e22ce; }
@media (prefers-color-scheme: dark) {
  .growth { background: #14171a; color: #e6e6e6; }
  .growth .c0 { stroke: #6cb0ff; } .growth .c1 { stroke: #ff9d6c; }
  .growth .c2 { stroke: #6fd08c; } .growth .c3 { stroke: #cf9bff; }
}
"""
"""Every selector begins with the picture's class, so that it can stand within a page."""


def growth_svg(curves: Sequence[Curve]) -> str:
    """Return the picture of curves (ValueError: there is none), a colour for each name, ours solid, what is beside it dashed."""
    if not curves:
        raise ValueError("no curve to draw")
    return "\n".join(_lines(curves)) + "\n"


def ticks(low: float, high: float) -> list[float]:
    """Return the numbers 1, 2 and 5 times powers of ten that enclose two costs, at least two (ValueError: not positive)."""
    if not 0 < low <= high:
        raise ValueError(f"no costs: {low:g} to {high:g}")
    power = 10.0 ** math.floor(math.log10(low))
    found = [factor * power for factor in (1, 2, 5)]
    while found[-1] < high:
        found.append(found[-3] * 10)
    first = max(at for at, tick in enumerate(found) if tick <= low)
    last = min(at for at, tick in enumerate(found) if tick >= high)
    return found[first : max(last, first + 1) + 1]


def _lines(curves: Sequence[Curve]) -> Iterator[str]:
    sizes = sorted({size for curve in curves for size, _ in curve.points})
    costs = [cost for curve in curves for _, cost in curve.points]
    grid = ticks(min(costs), max(costs))
    decades = math.log10(grid[-1] / grid[0])
    span = max(sizes[-1] - sizes[0], 1)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def x(size: int) -> float:
        return LEFT + (size - sizes[0]) / span * (right - LEFT)

    def y(cost: float) -> float:
        return bottom - math.log10(cost / grid[0]) / decades * (bottom - TOP)

    unit = escape(curves[0].unit)
    yield f'<svg class="growth" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
    yield 'aria-labelledby="growth-title growth-desc">'
    yield f'<title id="growth-title">Cost over log2 of the pages, {unit}</title>'
    yield f'<desc id="growth-desc">{"; ".join(map(_spoken, curves))}</desc>'
    yield f"<style>{STYLE}</style>"
    yield f'<text x="{LEFT}" y="{TOP - 16}">{unit}</text>'
    for cost in grid:
        yield f'<line class="grid" x1="{LEFT}" y1="{y(cost):.1f}" x2="{right}" y2="{y(cost):.1f}"/>'
        yield f'<text x="{LEFT - 8}" y="{y(cost) + 4:.1f}" text-anchor="end">{cost:g}</text>'
    for size in sizes:
        yield f'<text x="{x(size):.1f}" y="{bottom + 20}" text-anchor="middle">2^{size}</text>'
    yield f'<text x="{(LEFT + right) / 2:.1f}" y="{bottom + 40}" text-anchor="middle">pages</text>'
    names = list(dict.fromkeys(curve.name for curve in curves))
    labels = spread([y(curve.points[-1][1]) + 4 for curve in curves])
    for curve, label in zip(curves, labels, strict=True):
        kind = f"curve c{names.index(curve.name) % 4}" + ("" if curve.side == "ours" else " beside")
        points = " ".join(f"{x(size):.1f},{y(cost):.1f}" for size, cost in curve.points)
        yield f'<polyline class="{kind}" points="{points}"/>'
        yield f'<line class="{kind}" x1="{right + 6}" y1="{label - 4:.1f}" x2="{right + 34}" y2="{label - 4:.1f}"/>'
        yield f'<text x="{right + 40}" y="{label:.1f}">{escape(f"{curve.side}, {curve.name}")}</text>'
    yield "</svg>"


def _spoken(curve: Curve) -> str:
    points = ", ".join(f"{cost:.3g} at 2^{size}" for size, cost in curve.points)
    return escape(f"{curve.side}, {curve.name}: {points}")


def spread(wanted: Sequence[float]) -> list[float]:
    """Return heights at least GAP apart in the order of those that are wanted, none below the plot."""
    placed = [0.0] * len(wanted)
    below = float(HEIGHT - BOTTOM) + GAP
    for at in sorted(range(len(wanted)), key=lambda i: wanted[i], reverse=True):
        below = placed[at] = min(wanted[at], below - GAP)
    return placed
