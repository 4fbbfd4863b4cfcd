"""The benchmarks run and say what they measured; how fast anything is, no test asserts."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from mmimpl.physical.buddy import Buddy
from mmimpl.physical.buddy.batch import DONE
from mmspec.physical.buddy.ops import Config

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PAGES = 1 << 10
SMALL = ("--largest", "10", "--operations", "2000", "--repeats", "2")

pytestmark = pytest.mark.needs_gcc


@pytest.fixture(scope="module")
def buddy_batch() -> ModuleType:
    """The script as a module: benchmarks/ is no package."""
    spec = importlib.util.spec_from_file_location("buddy_batch", BENCHMARKS / "buddy_batch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_of(engine: str) -> list[dict[str, Any]]:
    """Run the script on the smallest zone and return the rows that it prints."""
    command = [sys.executable, str(BENCHMARKS / "buddy_batch.py"), "--json", *SMALL]
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    done = subprocess.run(
        command, env=environment | {"MMSPEC_ENGINE": engine}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert list(printed) == ["rows"]
    rows: list[dict[str, Any]] = printed["rows"]
    return rows


@pytest.mark.needs_numba
def test_rows_have_their_fields() -> None:
    """A row has the fields of the command `bench`, and its ratio is ours to the first anchor."""
    rows = rows_of("numba")
    assert [row["name"] for row in rows] == ["buddy replay 2^10 random", "buddy replay 2^10 LIFO"]
    for row in rows:
        assert list(row) == ["name", "unit", "ours", "anchors", "ratio", "target", "met"]
        assert row["unit"] == "ns/operation"
        assert list(row["anchors"]) == ["C -O2"]
        assert min(row["ours"], row["anchors"]["C -O2"]) > 0
        assert row["ratio"] == pytest.approx(row["ours"] / row["anchors"]["C -O2"], rel=0.01)
        assert row["met"] is (row["ratio"] <= row["target"])


def test_without_numba_no_target_is_met_or_missed() -> None:
    """A row of the interpreter says that Numba did not run, and claims nothing about Numba's target."""
    for row in rows_of("python"):
        assert row["name"].endswith(", without Numba")
        assert row["met"] is None


@pytest.mark.needs_numba
@pytest.mark.parametrize("pattern", ["random", "LIFO"])
def test_both_do_the_same(
    buddy_batch: ModuleType, pattern: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numba and the yardstick leave the same results and memory, bit for bit, of a program that allocates and frees."""
    monkeypatch.setenv("MMSPEC_ENGINE", "numba")
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    rng = np.random.default_rng(seed)
    zone = Buddy(Config(0, PAGES)).arrays
    c, ours = buddy_batch.yardstick(buddy_batch.YARDSTICK, tmp_path), buddy_batch.implementation()
    fill = buddy_batch.filling(rng, PAGES)
    full = buddy_batch.run(c, zone, [array.copy() for array in buddy_batch.memory_of(zone)], fill)
    rows = buddy_batch.traffic(rng, PAGES, fill, full.results, 2000, pattern)
    left, right = (buddy_batch.run(replay, zone, full.memory, rows) for replay in (c, ours))
    assert left.results.tobytes() == right.results.tobytes()
    assert [cells.tobytes() for cells in left.memory] == [cells.tobytes() for cells in right.memory]
    assert (left.results == DONE).sum() > 500
    assert ((left.results >= 0) & (left.results < PAGES)).sum() > 500


@pytest.mark.parametrize(
    ("right", "wrong", "first"),
    [
        ("enlist_last(z, pfn, type << 4 | order)", "enlist_first(z, pfn, type << 4 | order)", "results["),
        ("+= sign", "-= sign", "frames[0]"),
    ],
    ids=["results", "memory"],
)
def test_a_yardstick_that_does_something_else_is_refused(
    buddy_batch: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: str, wrong: str, first: str
) -> None:
    """Where results or memory differ, the script names the first difference and prints no row."""
    source = buddy_batch.YARDSTICK.read_text()
    assert source.count(right) == 1
    (tmp_path / "wrong.c").write_text(source.replace(right, wrong))
    monkeypatch.setattr(buddy_batch, "YARDSTICK", tmp_path / "wrong.c")
    monkeypatch.setenv("MMSPEC_ENGINE", "python")
    done = CliRunner().invoke(buddy_batch.main, ["--json", *SMALL])
    assert done.exit_code == 1
    assert f"nothing to compare: {first}" in done.stderr
    assert not done.stdout
