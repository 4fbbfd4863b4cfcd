"""``mmspec bench`` as a program: fields, files, verdicts and refusals; no test asserts a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mmprops.bench import SUBJECTS, Row
from mmspec_cli.commands.bench import verdict_of

ROW = ["name", "unit", "ours", "anchors", "ratio", "target", "met"]


def bench(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    command = [sys.executable, "-m", "mmspec_cli.main", "bench", *arguments]
    env = os.environ | environment
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the one JSON object on standard output."""
    assert done.stdout.count("\n") == 1, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    assert list(value)[:3] == ["schema", "mmspec", "verdict"]
    return value


def test_what_can_be_measured_is_listed(tmp_path: Path) -> None:
    """With what each needs here."""
    found = answer(bench(tmp_path, "--list", "--format", "json", PATH=str(tmp_path)))
    needs = {line["name"]: line["needs"] for line in found["subjects"]}
    assert list(needs) == [subject.name for subject in SUBJECTS]
    assert (needs["replay"], needs["memory"]) == ("gcc", None)


def test_people_see_each_row_and_the_sum(tmp_path: Path) -> None:
    """With its target, and whether that is met."""
    done = bench(tmp_path, "memory")
    assert (done.returncode, done.stderr) == (0, "")
    row, total = done.stdout.splitlines()
    assert row.startswith("met    memory 2^20 ")
    assert row.endswith("(at most 1)")
    assert total == "pass 1 of 1 targets met"


def test_the_json_object_is_kept(tmp_path: Path) -> None:
    """The file holds what is on standard output."""
    found = answer(bench(tmp_path, "memory", "--out", "kept.json", "--format", "json"))
    assert json.loads((tmp_path / "kept.json").read_text()) == found
    assert [list(row) for row in found["rows"]] == [ROW]


@pytest.mark.needs_gcc
def test_the_replay_is_drawn(tmp_path: Path) -> None:
    """Four curves, which the JSON object holds too; below 2^14 pages nothing is claimed, and growth is left out."""
    small = ("--quick", "--largest", "10", "--turns", "1", "--plot", "growth.svg", "--format", "json")
    found = answer(bench(tmp_path, "replay", *small, MMSPEC_ENGINE="python"))
    assert [list(row) for row in found["rows"]] == [ROW] * 2
    assert [row["met"] for row in found["rows"]] == [None, None]
    assert [(curve["name"], curve["side"]) for curve in found["curves"]] == [
        ("random", "ours"),
        ("random", "C -O2"),
        ("LIFO", "ours"),
        ("LIFO", "C -O2"),
    ]
    assert [left["needs"] for left in found["left_out"]] == ["--largest above 14"] * 2
    assert len(list(ElementTree.parse(tmp_path / "growth.svg").iter("{http://www.w3.org/2000/svg}polyline"))) == 4


def test_without_a_compiler_the_reason_is_printed(tmp_path: Path) -> None:
    """Nothing was measured: the verdict is unknown."""
    done = bench(tmp_path, "replay", "yardstick", PATH=str(tmp_path))
    assert done.returncode == 3
    assert done.stdout.splitlines() == [
        "left out replay: needs gcc",
        "left out yardstick: needs gcc",
        "unknown 0 of 0 targets met",
    ]


USAGE = [
    (("nosuch",), "nothing named 'nosuch' is measured"),
    (("memory", "--plot", "x.svg"), "--plot draws what 'replay' measures"),
    (("memory", "--out", "nosuch/x.json"), "cannot write nosuch/x.json: there is no folder nosuch"),
    (("memory", "--out", "."), "is a directory"),
    (("--largest", "9"), "--largest"),
    (("--turns", "0"), "--turns"),
]


@pytest.mark.parametrize(("arguments", "said"), USAGE, ids=[" ".join(a) for a, _ in USAGE])
def test_bad_input_is_refused_before_anything_is_measured(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """In one line."""
    done = bench(tmp_path, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


def row(ours: float, *, target: float | None = 1.0, decided: bool = True) -> Row:
    """Return a row beside an anchor of 1."""
    return Row("x", "u", ours, {"one": 1.0}, target, decided=decided)


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([row(1.0), row(5.0, target=None)], "pass"),
        ([row(5.0, target=None)], "pass"),
        ([row(1.0), row(1.1)], "fail"),
        ([row(1.1), row(1.1, decided=False)], "fail"),
        ([row(1.0), row(1.0, decided=False)], "unknown"),
        ([], "unknown"),
    ],
)
def test_the_verdict_is_the_targets(rows: list[Row], verdict: str) -> None:
    """One missed is a failure, one undecided unknown; what has no target decides nothing."""
    assert verdict_of(rows) == verdict
