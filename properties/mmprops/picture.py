"""Pictures of a state as data: what lies where on one line of numbered places, in strips, and which lists it is on.

Drawn as text here, and by whoever reads the JSON (the report draws it as SVG). A machine says what is in its pictures.
"""

from __future__ import annotations

from typing import Any

import attrs

COLUMNS = 96
"""Most columns of a picture in text."""

RUNS = 512
"""Most runs of one strip in JSON: a strip that has more is drawn coarser."""

LISTED = 64
"""Most members of one list in JSON."""

Run = tuple[int, int]
"""The first place, and how many."""


@attrs.frozen
class Strip:
    """Runs of places under a label, ascending and apart. ``filled`` tells whether it is drawn by weight or as background."""

    label: str
    runs: tuple[Run, ...]
    filled: bool = True


@attrs.frozen
class Picture:
    """The places [start, end), each a ``unit``, with strips above one another, and ordered lists of places by name.

    ``word`` is the word type of a request's or result's field that names a place.
    """

    unit: str
    word: str
    start: int
    end: int
    strips: tuple[Strip, ...]
    lists: tuple[tuple[str, tuple[int, ...]], ...] = ()


def lines(picture: Picture) -> list[str]:
    """Draw the filled strips as text: ``#`` where a run is, ``.`` elsewhere; a column is one place or several."""
    scale = max(1, -(-(picture.end - picture.start) // COLUMNS))
    drawn = [f"{picture.unit}s {picture.start:#x} to {picture.end:#x}, {scale} a column"]
    for strip in picture.strips:
        if strip.filled:
            columns = ["."] * -(-(picture.end - picture.start) // scale)
            for first, count in strip.runs:
                for column in range((first - picture.start) // scale, (first - picture.start + count - 1) // scale + 1):
                    columns[column] = "#"
            drawn.append(f"{strip.label} {''.join(columns)} {len(strip.runs)}")
    return drawn


def to_json(picture: Picture) -> dict[str, Any]:
    """Return a picture as a JSON object; places count from ``start``, so that they are small numbers whatever it is.

    A strip of too many runs has ``scale`` > 1: each run is then widened to a multiple of it and joined with its neighbours,
    and ``runs`` no longer says where one ends; ``count`` is how many there were. Of a long list the first are named.
    """
    return {
        "unit": picture.unit,
        "start": hex(picture.start),
        "end": hex(picture.end),
        "places": picture.end - picture.start,
        "strips": [_strip_json(strip, picture) for strip in picture.strips],
        "lists": [
            {"name": name, "members": [hex(place) for place in places[:LISTED]], "more": max(0, len(places) - LISTED)}
            for name, places in picture.lists
        ],
    }


def _strip_json(strip: Strip, picture: Picture) -> dict[str, Any]:
    runs = [(first - picture.start, count) for first, count in strip.runs]
    scale = 1 if len(runs) <= RUNS else -(-(picture.end - picture.start) // RUNS)
    shown = runs if scale == 1 else _joined(runs, scale)
    return {"label": " ".join(strip.label.split()), "filled": strip.filled, "count": len(runs), "scale": scale, "runs": shown}


def _joined(runs: list[Run], scale: int) -> list[Run]:
    found: list[Run] = []
    for first, count in runs:
        start, end = first // scale * scale, -(-(first + count) // scale) * scale
        if found and found[-1][0] + found[-1][1] >= start:
            found[-1] = (found[-1][0], end - found[-1][0])
        else:
            found.append((start, end - start))
    return found
