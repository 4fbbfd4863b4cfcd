"""The replay is compared with a yardstick that does the same, and only then; how fast either is, no test asserts."""

from __future__ import annotations

import numpy as np
import pytest

from mmimpl.physical.buddy import Buddy
from mmimpl.physical.buddy.batch import DONE
from mmprops.bench import memory
from mmprops.bench import replay as bench
from mmprops.bench.programs import PATTERNS, after_filling, program
from mmprops.bench.row import Effort, Left, Row
from mmprops.bench.yardstick import ANCHOR, SOURCE, yardstick
from mmspec.errors import MmspecError
from mmspec.physical.buddy.ops import Config

PAGES = 1 << 10
SIZES = (10, 12, 14, 15)
SMALL = Effort(largest=10, operations=2000, turns=1)


def rows_of(effort: Effort) -> list[Row]:
    """Return the rows of a measurement."""
    return [finding for finding in bench.measure(effort) if isinstance(finding, Row)]


@pytest.fixture
def numba(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels run as machine code."""
    monkeypatch.setenv("MMSPEC_ENGINE", "numba")
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)


@pytest.mark.needs_gcc
@pytest.mark.needs_numba
@pytest.mark.usefixtures("numba")
def test_every_size_and_pattern_has_a_row() -> None:
    """On its curve, in nanoseconds an operation, with a target from 2^14 pages on; growth comes last."""
    rows = rows_of(Effort(largest=15, operations=2000, turns=1))
    replays, growth = rows[:-2], rows[-2:]
    assert [row.name for row in replays] == [f"buddy replay 2^{k} {p}" for k in SIZES for p in PATTERNS]
    assert [(row.pages, row.curve) for row in replays] == [(1 << k, p) for k in SIZES for p in PATTERNS]
    assert {(row.unit, *row.anchors) for row in replays} == {("ns/operation", ANCHOR)}
    assert all(row.ours > 0 and row.anchors[ANCHOR] > 0 for row in replays)
    assert [row.target for row in replays] == [None] * 4 + [1.3] * 4
    assert all(row.met is (row.ratio <= 1.3) for row in replays[4:])
    assert [row.name for row in growth] == [f"growth 2^14 to 2^15 {p}" for p in PATTERNS]


@pytest.mark.parametrize(("size", "held"), [(13, False), (14, True), (20, True), (21, False)])
def test_the_ratio_is_held_to_its_target_from_2_to_the_14_to_2_to_the_20(size: int, held: bool) -> None:
    """Below and above it is only printed."""
    row = bench.row_of(1 << size, "random", {bench.OURS: 2.0, ANCHOR: 1.0})
    assert (row.target is not None) is held


@pytest.mark.needs_gcc
def test_without_numba_no_target_is_met_or_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of the interpreter says that Numba did not run, and claims nothing about Numba's target."""
    monkeypatch.setenv("MMSPEC_ENGINE", "python")
    rows = rows_of(Effort(largest=15, operations=500, turns=1))
    assert all(row.name.endswith(", without Numba") and row.met is None for row in rows)
    assert sum(row.target is not None for row in rows) == 6


@pytest.mark.needs_gcc
@pytest.mark.needs_numba
@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("pattern", PATTERNS)
def test_both_do_the_same(pattern: str) -> None:
    """Numba and the yardstick leave the same results and memory, bit for bit, of a program that allocates and frees."""
    zone = Buddy(Config(0, PAGES)).arrays
    what = program(PAGES, pattern, 2000)
    with yardstick() as c:
        full = bench.run(c, zone, [array.copy() for array in bench.memory_of(zone)], what.filling)
        rows = after_filling(what, full.results)
        left, right = (bench.run(replay, zone, full.memory, rows) for replay in (c, bench.implementation()))
    assert left.results.tobytes() == right.results.tobytes()
    assert [cells.tobytes() for cells in left.memory] == [cells.tobytes() for cells in right.memory]
    assert (left.results == DONE).sum() > 500
    assert ((left.results >= 0) & (left.results < PAGES)).sum() > 500


@pytest.mark.needs_gcc
@pytest.mark.parametrize(
    ("right", "wrong", "first"),
    [
        ("enlist_last(z, pfn, type << 4 | order)", "enlist_first(z, pfn, type << 4 | order)", r"results\["),
        ("+= sign", "-= sign", r"frames\[0\]"),
    ],
    ids=["results", "memory"],
)
def test_a_yardstick_that_does_something_else_is_refused(
    monkeypatch: pytest.MonkeyPatch, right: str, wrong: str, first: str
) -> None:
    """Where results or memory differ, the first difference is named."""
    monkeypatch.setenv("MMSPEC_ENGINE", "python")
    source = SOURCE.read_text()
    assert source.count(right) == 1
    with yardstick(source.replace(right, wrong)) as c, pytest.raises(MmspecError, match=f"nothing to compare: {first}"):
        bench.compared({ANCHOR: c, bench.OURS: bench.implementation()}, PAGES, "random", 2000, 1)


@pytest.mark.needs_gcc
def test_a_yardstick_that_does_not_compile_is_refused() -> None:
    """With what the compiler says first."""
    with (
        pytest.raises(MmspecError, match=r"gcc refuses the yardstick: .*error"),
        yardstick("int replay(void) { return nosuch; }"),
    ):
        raise AssertionError("it compiled")


# --- growth and memory ---------------------------------------------------------------------------------------------------


def on_curve(size: int, ours: float, theirs: float) -> Row:
    """Return the row of a size on the curve of random frees."""
    return Row("x", "ns/operation", ours, {ANCHOR: theirs}, pages=1 << size, curve="random")


@pytest.mark.usefixtures("numba")
@pytest.mark.needs_numba
@pytest.mark.parametrize(("last", "ratio", "met"), [(40.0, 1.0, True), (60.0, 1.5, False)])
def test_growth_counts_from_2_to_the_14(last: float, ratio: float, met: bool) -> None:
    """Ours over C's, whatever the sizes below and between say."""
    monkey = [on_curve(10, 500.0, 1.0), on_curve(14, 20.0, 10.0), on_curve(20, 1.0, 70.0), on_curve(24, last, 20.0)]
    rows = list(bench.growth([*monkey, *(Row("y", "u", 1.0, {ANCHOR: 1.0}, pages=1 << k, curve="LIFO") for k in (14, 24))]))
    assert isinstance(rows[0], Row)
    assert (rows[0].name, rows[0].ratio, rows[0].met) == ("growth 2^14 to 2^24 random", ratio, met)


def test_growth_needs_larger_zones() -> None:
    """Below, it is left out, and what to do is said."""
    rows = [Row("y", "u", 1.0, {ANCHOR: 1.0}, pages=1 << 14, curve=pattern) for pattern in PATTERNS]
    assert list(bench.growth(rows)) == [Left(f"growth, {pattern}", "--largest above 14") for pattern in PATTERNS]


def test_memory_is_counted_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """An implementation that keeps more than its arrays is seen to: ten bytes a page are met, and missed with two more."""
    monkeypatch.setattr(memory, "PAGES", 1 << 16)
    (row,) = memory.measure(SMALL)
    assert isinstance(row, Row)
    assert row.met is True

    class Hoarding(Buddy):
        __slots__ = ("more",)

        def __init__(self, config: Config) -> None:
            super().__init__(config)
            self.more = np.zeros(config.end_pfn, np.uint16)

    monkeypatch.setattr(memory, "Buddy", Hoarding)
    (row,) = memory.measure(SMALL)
    assert isinstance(row, Row)
    assert row.met is False
