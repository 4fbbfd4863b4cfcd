"""The benchmark of judged operations measures what it says: its definition is kept, and would be seen to be broken."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "judged_operations.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """The script as a module: benchmarks/ is no package."""
    spec = importlib.util.spec_from_file_location("judged_operations", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("size", [1 << 10, 1 << 12])
def test_the_definition_is_kept(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Occupancy, splits and merges, failures: on small zones as on large ones."""
    monkeypatch.setattr(benchmark, "SIZES", (size,))
    measured = benchmark.measure(benchmark.workload(1))
    assert measured.kept(), measured.shares()
    assert measured.operations >= 2 * size * 0.99


def test_another_workload_would_not_keep_it(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A steady churn around one occupancy splits and merges too seldom, and is told apart."""
    monkeypatch.setattr(benchmark, "SIZES", (1 << 10,))
    ((config, data),) = benchmark.workload(1)
    steady = bytearray(data)
    steady[10] = 3
    assert not benchmark.measure([(config, bytes(steady))]).kept()


@pytest.mark.parametrize("side", ["lock-step", "by hand", "derived"])
def test_each_side_judges(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    """Operations, not examples."""
    monkeypatch.setattr(benchmark, "SIZES", (1 << 10,))
    monkeypatch.setattr(benchmark, "EXAMPLES", benchmark.settings(benchmark.EXAMPLES, max_examples=3))
    assert benchmark.SIDES[side](1) > 40


class Idle:
    """A side that judges nothing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, number: int) -> int:
        return 0


def test_rows_have_their_fields(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the command ``bench``; a target that is not reached is not met."""
    speeds = {"lock-step": 30_000.0, "by hand": 2_000.0, "derived": 10_000.0}
    monkeypatch.setattr(benchmark, "SIZES", (1 << 10,))
    monkeypatch.setattr(benchmark, "SIDES", {name: Idle(name) for name in speeds})
    monkeypatch.setattr(benchmark, "speed", lambda side, number: speeds[side.name])
    found: dict[str, Any] = benchmark.report(3, 0)
    rows = found["rows"]
    assert [list(row) for row in rows] == [["name", "unit", "ours", "anchors", "ratio", "target", "met"]] * 3
    assert [(row["ratio"], row["met"]) for row in rows] == [(1.5, True), (15.0, True), (3.0, False)]
    assert found["definition"]["kept"]
