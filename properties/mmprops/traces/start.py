"""Where in its window the pause of START lies, by what the events say of the frames.

An event tells whether its frames were free before it, and whether they are after it. At the pause each frame must be as the
lists of START have it, so the pause lies where the fewest frames disagree: none, in a trace that is whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate

import attrs


@attrs.frozen
class Touch:
    """What the event at a place of the window says of a block's frames: free or not before it and after it (None: either)."""

    place: int
    pfn: int
    order: int
    before: bool | None
    after: bool | None


def fitting_places(touches: Sequence[Touch], end: int, free: Callable[[int], bool]) -> tuple[list[int], int]:
    """Return how many of `end` events may have come before the pause, and how many frames disagree wherever it lies."""
    by_frame: dict[int, list[Touch]] = defaultdict(list)
    for touch in touches:
        for pfn in range(touch.pfn, touch.pfn + (1 << touch.order)):
            by_frame[pfn].append(touch)
    change = [0] * (end + 2)
    for pfn, touched in by_frame.items():
        first = 0
        said = {touched[0].before}
        for touch, later in zip(touched, [*touched[1:], None], strict=True):
            _disagree(change, said, free(pfn), first, touch.place)
            # Where two events disagree, something between them was not traced.
            first, said = touch.place + 1, {touch.after, touch.after if later is None else later.before}
        _disagree(change, said, free(pfn), first, end)
    apart = list(accumulate(change[: end + 1]))
    least = min(apart)
    return [place for place, count in enumerate(apart) if count == least], least


def _disagree(change: list[int], said: set[bool | None], free: bool, first: int, last: int) -> None:
    """Count a frame at the places from `first` to `last` if what is said of it is not what it is."""
    if None not in said and free not in said and first <= last:
        change[first] += 1
        change[last + 1] -= 1
