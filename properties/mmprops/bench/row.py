"""What a benchmark says: rows, what had to be left out, and how much of everything is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs


@attrs.frozen
class Effort:
    """How much is measured: log2 of the most pages of a zone, the operations of a replay, and the turns of each side.

    ``judged`` are the sizes of the zones in which operations are judged, ``examples`` those of a state machine in a turn.
    """

    largest: int = 24
    operations: int = 1_000_000
    turns: int = 7
    judged: tuple[int, ...] = tuple(1 << k for k in range(10, 15))
    examples: int = 40


FULL = Effort()
QUICK = Effort(largest=18, operations=100_000, turns=5, judged=(1 << 10, 1 << 11), examples=12)
"""Under twenty seconds, once Numba has kept its translation."""


@attrs.frozen
class Row:
    """One measurement beside what it is measured by; ``ours`` and ``anchors`` are in ``unit``.

    ``target`` is the most that the ratio may be, or with ``at_least`` the least; None: nobody set one. ``decided`` is False
    where the target speaks of something that did not run here. ``pages`` and ``curve`` place the row on a curve over sizes.
    """

    name: str
    unit: str
    ours: float
    anchors: Mapping[str, float]
    target: float | None = None
    at_least: bool = False
    decided: bool = True
    pages: int | None = None
    curve: str = ""

    @property
    def ratio(self) -> float:
        """Ours to the first anchor."""
        return round(self.ours / next(iter(self.anchors.values())), 3)

    @property
    def met(self) -> bool | None:
        """Whether the ratio keeps to the target; None where nothing is claimed."""
        if self.target is None or not self.decided:
            return None
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target

    def json(self) -> dict[str, Any]:
        """Return the fields of INTERFACES.md, section 4."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": round(self.ours, 3),
            "anchors": {name: round(value, 3) for name, value in self.anchors.items()},
            "ratio": self.ratio,
            "target": self.target,
            "met": self.met,
        }


@attrs.frozen
class Left:
    """A measurement that was left out, and what it needs."""

    name: str
    needs: str


Finding = Row | Left


@attrs.frozen
class Subject:
    """Something that is measured: its name on the command line, a sentence, what it lacks here (or None), and the measuring."""

    name: str
    what: str
    missing: Callable[[], str | None]
    measure: Callable[[Effort], Iterator[Finding]]


@attrs.frozen
class Curve:
    """Cost over sizes: points of log2 of the pages and the cost."""

    name: str
    side: str
    unit: str
    points: tuple[tuple[int, float], ...]


def curves(rows: Iterable[Row]) -> list[Curve]:
    """Return ours and the first anchor's curve of each name that rows are on, in the order of the rows."""
    by_curve: dict[str, list[tuple[int, Row]]] = {}
    for row in rows:
        if row.pages is not None:
            by_curve.setdefault(row.curve, []).append((row.pages.bit_length() - 1, row))
    found = []
    for name, placed in by_curve.items():
        first = placed[0][1]
        anchor = next(iter(first.anchors))
        found.append(Curve(name, "ours", first.unit, tuple((k, row.ours) for k, row in placed)))
        found.append(Curve(name, anchor, first.unit, tuple((k, row.anchors[anchor]) for k, row in placed)))
    return found
