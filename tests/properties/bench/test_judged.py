"""The benchmark of judged operations measures what it says: its definition is kept, and would be seen to be broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mmprops.bench import judged as bench
from mmprops.bench.row import Effort, Row
from mmspec.errors import MmspecError

SMALL = Effort(turns=3, judged=(1 << 10,), examples=3)


@pytest.mark.parametrize("size", [1 << 10, 1 << 12])
def test_the_definition_is_kept(size: int) -> None:
    """Occupancy, splits and merges, failures: on small zones as on large ones."""
    found = bench.shape(bench.workload(1, (size,)))
    assert found.kept(), found.shares()
    assert found.operations >= 2 * size * 0.99


def test_another_workload_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A steady churn around one occupancy splits and merges too seldom, and is told apart."""
    ((config, data),) = bench.workload(1, (1 << 10,))
    steady = bytearray(data)
    steady[10] = 3
    monkeypatch.setattr(bench, "workload", lambda *_: [(config, bytes(steady))])
    with pytest.raises(MmspecError, match=r"not the one that targets are set for: .*% split or merged"):
        list(bench.measure(SMALL))


@pytest.mark.parametrize("side", ["lock-step", "by hand", "derived"])
def test_each_side_judges(side: str) -> None:
    """Operations, not examples."""
    assert bench.sides(SMALL)[side](1) > 40


def test_rows_are_medians_beside_three_anchors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that is not reached is missed."""
    speeds = {"lock-step": [1.0, 30_000.0, 90_000.0], "by hand": [2_000.0] * 3, "derived": [10_000.0] * 3}

    sides = {name: (lambda number, name=name: int(speeds[name][number - 1])) for name in speeds}
    monkeypatch.setattr(bench, "sides", lambda _: sides)
    monkeypatch.setattr(bench, "speed", lambda side, number: float(side(number)))
    rows = [row for row in bench.measure(SMALL) if isinstance(row, Row)]
    assert [list(row.anchors) for row in rows] == [
        ["required"],
        ["RuleBasedStateMachine by hand"],
        ["RuleBasedStateMachine derived"],
    ]
    assert [(row.ratio, row.met) for row in rows] == [(1.5, True), (15.0, True), (3.0, False)]


MEASURE = """
from mmprops.bench import Effort, subject_named
print(len(list(subject_named("judged").measure(Effort(turns=1, judged=(1 << 10,), examples=20)))))
"""


def test_no_folder_is_left_behind(tmp_path: Path) -> None:
    """Hypothesis' own files go where they are thrown away."""
    done = subprocess.run([sys.executable, "-c", MEASURE], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "3\n", done.stderr
    assert not list(tmp_path.iterdir())
