"""The batch replay of the implementation beside the same rules in C, over sizes, and how the cost of both grows.

Both take turns on one memory in one run, after which results and memory must be equal bit for bit: two programs that do not do
the same are not compared. What counts is CPU time, of the quickest turn of each: the work is the same in all, and what other jobs
do to a turn, in caches and in clock rate, only ever adds to it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmimpl import engine
from mmimpl.physical.buddy import Buddy, batch
from mmimpl.physical.buddy.memory import Arrays, zone_of
from mmprops.bench.programs import MAX_ORDER, PATTERNS, Numbers, after_filling, program
from mmprops.bench.row import Effort, Finding, Left, Row
from mmprops.bench.yardstick import ANCHOR, Replay, yardstick
from mmspec.errors import MmspecError
from mmspec.physical.buddy.ops import Config

OURS = "mmimpl"
TARGET = 1.3
"""The ratio to C that Numba is to keep, of cost and of growth. The interpreter has none."""

SMALLEST, GROWS_FROM, HELD_TO = 10, 14, 20
"""Log2 of pages: the fewest; where growth counts from, since below a zone fits the innermost cache; the most at which the ratio
itself is held to its target. Above, growth is: it bounds the ratio too, and is not at the mercy of a cache that others share."""

INTERPRETED_OPERATIONS, INTERPRETED_LARGEST = 20_000, 16
"""The interpreter is a hundred times slower, and gets less to do."""

Memory = list[NDArray[Any]]


class Outcome(NamedTuple):
    """What a run took, in seconds of CPU time, and what it left."""

    seconds: float
    results: Numbers
    memory: Memory


def measure(effort: Effort) -> Iterator[Finding]:
    """Time both at every size and pattern, then compare how they grow."""
    fast = engine.uses_numba()
    largest = effort.largest if fast else min(effort.largest, INTERPRETED_LARGEST)
    operations = effort.operations if fast else min(effort.operations, INTERPRETED_OPERATIONS)
    rows = []
    with yardstick() as c:
        replays = {ANCHOR: c, OURS: implementation()}
        for size, pattern in product(sorted({*range(SMALLEST, largest, 2), largest}), PATTERNS):
            rows.append(compared(replays, 1 << size, pattern, operations, effort.turns))
            yield rows[-1]
    yield from growth(rows)


def growth(rows: list[Row]) -> Iterator[Finding]:
    """Yield for each pattern what an operation costs at the largest size over what it costs at 2^14 pages, ours to C's."""
    for pattern in PATTERNS:
        on_curve = {row.pages: row for row in rows if row.curve == pattern and row.pages is not None}
        largest = max(on_curve)
        if largest <= 1 << GROWS_FROM:
            yield Left(f"growth, {pattern}", f"--largest above {GROWS_FROM}")
            continue
        first, last = on_curve[1 << GROWS_FROM], on_curve[largest]
        name = f"growth 2^{GROWS_FROM} to 2^{largest.bit_length() - 1} {pattern}" + suffix()
        anchors = {ANCHOR: last.anchors[ANCHOR] / first.anchors[ANCHOR]}
        yield Row(name, "times", last.ours / first.ours, anchors, TARGET, decided=engine.uses_numba())


def suffix() -> str:
    """Return what the name of a row ends in where the interpreter ran."""
    return "" if engine.uses_numba() else ", without Numba"


# --- the contest -----------------------------------------------------------------------------------------------------


def implementation() -> Replay:
    """Return what ``Buddy.replay`` runs on this process's engine once it has checked the program."""
    if engine.uses_numba():
        compiled = engine.compiled(batch.replay)
        return lambda zone, rows, results: compiled(zone, 0, rows, results, results.size)
    return lambda zone, rows, results: batch.replay(zone_of(zone), 0, rows.data, results.data, results.size)


def memory_of(zone: Arrays) -> Memory:
    """Return the arrays of a zone, all that changes about it."""
    return [zone.page, zone.after, zone.before, zone.types, zone.frames]


def run(replay: Replay, zone: Arrays, start: Memory, rows: Numbers) -> Outcome:
    """Carry out a program on a zone whose memory is set to ``start`` before."""
    for array, cells in zip(memory_of(zone), start, strict=True):
        np.copyto(array, cells)
    flat = np.ascontiguousarray(rows).reshape(-1)
    results = np.full(len(rows), -1)  # np.zeros would leave the page faults to the time that is measured
    began = time.process_time()
    replay(zone, flat, results)
    return Outcome(time.process_time() - began, results, [array.copy() for array in memory_of(zone)])


def demand_equal(ours: Outcome, theirs: Outcome) -> None:
    """Compare what two runs of one program left (MmspecError: where it differs first)."""
    names = ("results", *Arrays._fields[:5])
    for name, left, right in zip(names, (ours.results, *ours.memory), (theirs.results, *theirs.memory), strict=True):
        if not np.array_equal(left, right):
            at = np.flatnonzero(left != right)[0]
            raise MmspecError(f"nothing to compare: {name}[{at}] is {left[at]} by {OURS} and {right[at]} by the yardstick")


def both(replays: Mapping[str, Replay], zone: Arrays, start: Memory, rows: Numbers, turn: int = 0) -> dict[str, Outcome]:
    """Run a program on each, every other turn in reverse, and compare what they leave."""
    names = sorted(replays, reverse=turn % 2 == 1)  # whoever runs second finds the program in the cache
    outcomes = {name: run(replays[name], zone, start, rows) for name in names}
    demand_equal(outcomes[OURS], outcomes[ANCHOR])
    return outcomes


def compared(replays: Mapping[str, Replay], pages: int, pattern: str, operations: int, turns: int) -> Row:
    """Measure one size and pattern: the quickest turn of each."""
    what = program(pages, pattern, operations)
    zone = Buddy(Config(0, pages, MAX_ORDER)).arrays
    empty = [array.copy() for array in memory_of(zone)]
    full = both(replays, zone, empty, what.filling)[OURS]  # also translates our kernel, outside of what is timed
    rows = after_filling(what, full.results)
    took: dict[str, list[float]] = {name: [] for name in replays}
    for turn in range(turns):
        for name, outcome in both(replays, zone, full.memory, rows, turn).items():
            took[name].append(outcome.seconds)
    cost = {name: min(seconds) / operations * 1e9 for name, seconds in took.items()}
    return row_of(pages, pattern, cost)


def row_of(pages: int, pattern: str, cost: Mapping[str, float]) -> Row:
    """Return the row of a size and a pattern from the nanoseconds of each side."""
    return Row(
        name=f"buddy replay 2^{pages.bit_length() - 1} {pattern}{suffix()}",
        unit="ns/operation",
        ours=cost[OURS],
        anchors={ANCHOR: cost[ANCHOR]},
        target=TARGET if 1 << GROWS_FROM <= pages <= 1 << HELD_TO else None,
        decided=engine.uses_numba(),
        pages=pages,
        curve=pattern,
    )
