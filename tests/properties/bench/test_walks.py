"""Walks and frames are compared with yardsticks that do the same, and only then; how fast either is, no test here asserts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from mmprops.bench import frames, walks
from mmprops.bench.row import Effort, Row
from mmprops.bench.yardstick import ANCHOR
from mmspec.errors import MmspecError
from mmspec.virtual.page_table.ops import AARCH64, ARCHITECTURES, NO_FAULT, RISCV64, X86_64

SMALL = Effort(largest=10, operations=2000, turns=1)
ENGINES = ["python", pytest.param("numba", marks=pytest.mark.needs_numba)]

pytestmark = pytest.mark.needs_gcc


def rows_of(findings: Iterator[Any]) -> list[Row]:
    """Return findings, which are all rows."""
    rows = list(findings)
    assert all(isinstance(row, Row) for row in rows)
    return rows


@pytest.mark.parametrize("which", ENGINES)
def test_each_architecture_and_layout_has_its_rows(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In nanoseconds, with the targets, which the interpreter neither meets nor misses; both sides did the same."""
    monkeypatch.setenv("MMSPEC_ENGINE", which)
    suffix = "" if which == "numba" else ", without Numba"
    walked, worked = rows_of(walks.measure(SMALL)), rows_of(frames.measure(SMALL))
    assert [row.name for row in walked] == [f"page-table walks {name} 2^10{suffix}" for name in ARCHITECTURES]
    both = ("frames to pages", "pages to frames")
    assert [row.name for row in worked] == [f"{what} {name}{suffix}" for name in frames.LAYOUTS for what in both]
    assert {row.target for row in walked} == {1.15}
    assert {row.target for row in worked} == {1.3}
    assert {(row.unit, *row.anchors) for row in walked + worked} == {("ns/operation", ANCHOR), ("ns/frame", ANCHOR)}
    assert all(row.ours > 0 and row.anchors[ANCHOR] > 0 for row in walked + worked)
    assert all((row.met is None) is (which == "python") for row in walked + worked)


@pytest.mark.parametrize("arch", [X86_64, AARCH64, RISCV64], ids=ARCHITECTURES)
def test_the_walks_are_of_every_kind(arch: int) -> None:
    """Pages of both sizes, faults, and entries that are marked, in the shares that the documentation says."""
    what = walks.space(arch, 1 << 12, 8000)
    before = what.tables.store.arrays.words.copy()
    results = what.tables.walk_all(what.requests.reshape(-1, 3))
    reached = results[:, 0] & 255 == NO_FAULT
    assert 0.12 < 1 - reached.mean() < 0.22
    assert set(results[reached, 2].tolist()) == {1 << 12, 1 << 21}
    marked = results[:, 3]
    assert (marked & 255).any()
    assert (marked & 256).any()
    assert (what.tables.store.arrays.words != before).sum() > 300


@pytest.mark.parametrize(
    ("arch", "right", "wrong", "first"),
    [
        (X86_64, "rights & 1) | (entry < 0)", "rights & 1)", r"results\["),
        (X86_64, "*at |= D;", "*at |= D | 0x200;", r"words\["),
        (AARCH64, "return el0 && (write || kind != WRITE);", "return el0;", r"results\["),
        (AARCH64, "*at = entry | AF;", "*at = entry | AF | bit(56);", r"words\["),
        (RISCV64, "|| !(pte & regime[NEEDS + kind])", "", r"results\["),
        (RISCV64, "*at = pte | wanted;", "*at = pte | wanted | 0x100;", r"words\["),
    ],
)
def test_a_yardstick_that_walks_otherwise_is_refused(
    monkeypatch: pytest.MonkeyPatch, arch: int, right: str, wrong: str, first: str
) -> None:
    """Where results or memory differ, the first difference is named."""
    monkeypatch.setenv("MMSPEC_ENGINE", "python")
    source = walks.SOURCE.read_text()
    assert source.count(right) == 1
    with walks.yardstick(source.replace(right, wrong)) as c, pytest.raises(MmspecError, match=f"nothing to compare: {first}"):
        walks.compared({ANCHOR: c[arch], walks.OURS: walks.implementation(arch)}, walks.space(arch, 1 << 10, 2000), 1)


@pytest.mark.parametrize("name", frames.LAYOUTS)
@pytest.mark.parametrize("direction", [0, 1], ids=["to pages", "to frames"])
def test_a_yardstick_that_counts_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, direction: int) -> None:
    """The first cell that differs is named, of each of the kernels."""
    monkeypatch.setenv("MMSPEC_ENGINE", "python")
    source, work = frames.SOURCE.read_text(), frames.works(name, 100)[direction]
    assert source.count("return __builtin_ctzll(size);") == 1
    wrong = source.replace("return __builtin_ctzll(size);", "return __builtin_ctzll(size) - 1;")
    sides = {frames.OURS: frames.implementation}
    with frames.yardstick(wrong) as c, pytest.raises(MmspecError, match="nothing to compare: cell 0 is"):
        frames.compared(sides | {ANCHOR: c}, work, 1)


def test_frames_go_to_their_pages_and_back() -> None:
    """What is timed turns the frames that were drawn into pages and these into the same frames."""
    for name in frames.LAYOUTS:
        there, back = frames.works(name, 1000)
        assert back.arrays[back.out].tolist() == there.arrays[0].tolist()
        assert np.unique(there.arrays[0]).size > 900
