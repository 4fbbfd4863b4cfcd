"""The record of kills counts only for the text as it is now, and says what a real kernel tells from the law."""

from __future__ import annotations

import importlib
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from mmprops import imports
from mmprops.bugs import BUGS, Kill, bug_named, record, replayed
from mmprops.bugs.replayed import Replayed
from mmprops.imports import closure, modules_behind
from mmprops.machines import MACHINES
from mmspec.errors import FileError
from mmspec_cli.output import run
from mmspec_cli.program import cli

BUG = bug_named("BUD-16")
KILL = Kill(BUG.id, BUG.component, True, by="property", ops=7, shrunk_ops=2, seconds=0.25, clause=BUG.clause)
SEEN = Replayed(BUG.id, BUG.component, BUG.clause, True, "blocks", "a-capture", "they differ")


@pytest.fixture
def fresh() -> Iterator[None]:
    """Hashes that are computed anew, within the test and after it."""
    caches = (record.modules_of, record.text_digest)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


# --- the committed record ------------------------------------------------------------------------------------------------


def test_every_bug_has_a_current_row() -> None:
    """Law, implementation and what hunts are those of the record (else: mmspec bugs --record)."""
    rows = record.read().bugs
    assert [bug.id for bug in BUGS if record.current(bug, rows) is None] == []
    assert set(rows) == {bug.id for bug in BUGS}


def test_every_recorded_bug_is_killed() -> None:
    """No seeded bug survived when they were run last, and each kill named its rule."""
    rows = record.read().bugs
    assert {bug.id: bug.clause for bug in BUGS} == {name: row["clause"] for name, row in rows.items() if row["killed"]}


def test_every_clause_has_a_recorded_kill() -> None:
    """So that each counts as tested."""
    named = {row["clause"] for row in record.read().bugs.values() if row["killed"]}
    assert {clause.id for machine in MACHINES for clause in machine.component.clauses} - named == set()


def test_recorded_kills_are_short_and_quick() -> None:
    """The median program has at most ten operations, and was found, shrunk and confirmed in under five seconds."""
    rows = record.read().bugs.values()
    assert statistics.median(row["shrunk_ops"] for row in rows) <= 10
    assert statistics.median(row["seconds"] for row in rows) < 5


def test_every_replay_that_could_show_a_bug_is_current() -> None:
    """The law, what follows captures and the packaged capture are those of the record."""
    rows = record.read().replays
    assert [name for name in rows if record.current(bug_named(name), rows, record.REPLAY) is None] == []


def test_a_real_kernel_tells_the_law_s_truths() -> None:
    """A law that loses frames, merges wrongly, or lists, splits or chooses otherwise than Linux is caught by the capture."""
    named = {row["clause"] for row in record.read().replays.values() if row["killed"]}
    assert named == {
        "BUDDY-1", "BUDDY-2", "BUDDY-3", "BUDDY-3-LISTS", "BUDDY-5", "BUDDY-COVER", "BUDDY-EXPAND", "BUDDY-FREE-2",
        "BUDDY-FREE-2b", "BUDDY-FREE-2d", "BUDDY-FREE-2f", "BUDDY-FREE-3", "BUDDY-FREE-4", "BUDDY-LISTED", "BUDDY-SMALLEST",
        "BUDDY-TAKE-FREE",
    }  # fmt: skip


# --- what a row depends on -----------------------------------------------------------------------------------------------


APART = ("mmprops.bugs.physical", "mmprops.bugs.missing", "mmprops.examples", "mmspec.registry", *imports.REGISTRIES)
"""What a row need not depend on: other bugs, a folder of data whose package is loaded for its place, lists of what there is."""


def loaded_by(module: str, *arguments: str) -> set[str]:
    """Our modules that a process has imported when it has run one of them as its program."""
    program = f"import runpy, sys; runpy.run_module({module!r}, run_name='__main__')\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return {name for name in done.stdout.splitlines()[-1].split() if name.split(".")[0] in imports.OURS}


@pytest.mark.parametrize(
    ("roots", "arguments"),
    [
        (record.HUNT, ("mmprops.bugs", BUG.id, "--ops", "500", "--seed", "0")),
        (record.REPLAY, ("mmprops.bugs.replayed",)),
    ],
    ids=["hunt", "replay"],
)
def test_a_row_depends_on_all_that_its_process_imports(roots: tuple[str, ...], arguments: tuple[str, ...]) -> None:
    """No module of ours that is loaded there is missing from the hash, but what only lists components and bugs."""
    loaded, known = loaded_by(*arguments), set(record.modules_of("buddy", roots))
    assert len(loaded & known) > 30
    others = closure(name for machine in MACHINES if machine.name != "buddy" for name in modules_behind(machine))
    rest = loaded - known - set(APART) - set(others)
    assert {name for name in rest if not re.match(r"mmprops\.bugs\.(physical|virtual|pressure)(\.|$)", name)} == set()


@pytest.mark.parametrize(
    "module",
    [
        "mmspec.physical.buddy.lists", "mmspec.pmap", "mmimpl.physical.buddy.lists", "mmimpl.engine",
        "mmprops.machines.physical.buddy", "mmprops.machines.physical.buddy_generate", "mmprops.judge", "mmprops.lockstep",
        "mmprops.shrink", "mmprops.bugs.hunt", "mmprops.bugs.kill",
    ],
)  # fmt: skip
def test_a_row_is_stale_when_a_text_that_it_depends_on_changes(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:  # fmt: skip
    """One more comment in any module of law, implementation, machine or harness, and the kill does not count."""
    rows = {BUG.id: {"sha256": record.digest(BUG, record.HUNT)}}
    assert record.current(BUG, rows) is not None
    files = dict(record.modules_of(BUG.component, record.HUNT))
    changed = tmp_path / "changed.py"
    changed.write_bytes(files[module].read_bytes() + b"# one more\n")
    monkeypatch.setattr(record, "modules_of", lambda component, roots: files | {module: changed})
    record.text_digest.cache_clear()
    assert record.current(BUG, rows) is None


@pytest.mark.parametrize("field", ["clause", "profile", "client"])
def test_a_row_is_stale_when_its_bug_changes(field: str) -> None:
    """Its edits, its clause, and what it is held against."""
    rows = {BUG.id: {"sha256": record.digest(BUG, record.HUNT)}}
    assert record.current(attrs.evolve(BUG, **{field: "other"}), rows) is None
    edits = {**BUG.patches, "mmspec.words.size_of": ("1", "2")}
    assert record.current(attrs.evolve(BUG, patches=edits), rows) is None


def test_a_replay_depends_on_the_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    """Another capture, another hash; a hunt does not read it."""
    hunt, replay = record.digest(BUG, record.HUNT), record.digest(BUG, record.REPLAY)
    (tmp_path / "other-state.tar.zst").write_bytes(b"")
    monkeypatch.setattr(record, "packaged_capture", lambda: tmp_path / "other")
    record.text_digest.cache_clear()
    assert record.digest(BUG, record.HUNT) == hunt
    assert record.digest(BUG, record.REPLAY) != replay


# --- the file ------------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """With the fields of the interface and the hash."""
    path = tmp_path / "kills.json"
    record.write([BUG], [KILL], [SEEN], BUGS, path)
    read = record.read(path)
    assert {"id", "machine", "killed", "by", "ops", "shrunk_ops", "seconds", "clause"} <= set(read.bugs[BUG.id])
    assert record.current(BUG, read.bugs) == record.row_of(KILL) | {"sha256": record.digest(BUG, record.HUNT)}
    assert record.current(BUG, read.replays, record.REPLAY) is not None


def test_rows_of_other_bugs_stay_and_those_of_none_vanish(tmp_path: Path) -> None:
    """A run of some bugs replaces their rows alone; a bug that is gone has no row."""
    path, other = tmp_path / "kills.json", bug_named("BUD-18")
    record.write([other], [attrs.evolve(KILL, id=other.id)], [attrs.evolve(SEEN, id=other.id)], BUGS, path)
    record.write([BUG], [KILL], [], BUGS, path)
    assert set(record.read(path).bugs) == {BUG.id, other.id}
    assert set(record.read(path).replays) == {other.id}
    record.write([BUG], [KILL], [], [BUG], path)
    assert set(record.read(path).bugs) == {BUG.id}


def test_a_replay_that_could_not_show_a_bug_any_more_loses_its_row(tmp_path: Path) -> None:
    """A run of the bug without a replay takes the old one away."""
    path = tmp_path / "kills.json"
    record.write([BUG], [KILL], [SEEN], BUGS, path)
    record.write([BUG], [KILL], [], BUGS, path)
    assert record.read(path).replays == {}


def test_another_form_counts_as_none(tmp_path: Path) -> None:
    """A record that a later version wrote says nothing to this one."""
    (tmp_path / "kills.json").write_text('{"schema": 99}')
    assert record.read(tmp_path / "kills.json") == record.Record()


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1, "bugs": [{}], "replays": []}', '{"schema": 1}'])
def test_what_is_no_record_is_an_error(text: str, tmp_path: Path) -> None:
    """With the file's name and what writes it."""
    (tmp_path / "kills.json").write_text(text)
    with pytest.raises(FileError, match="no record of kills"):
        record.read(tmp_path / "kills.json")


def test_a_record_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """Somewhere that does not exist, as in an installed package of somebody else's."""
    with pytest.raises(FileError, match="cannot be written"):
        record.write([BUG], [KILL], [], BUGS, tmp_path / "nowhere" / "kills.json")


# --- the command ---------------------------------------------------------------------------------------------------------


def test_the_command_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """``mmspec bugs ID --record`` keeps what came of the bug."""
    path = tmp_path / "kills.json"
    monkeypatch.setattr(record.write, "__defaults__", (path,))
    monkeypatch.setattr(record.read, "__defaults__", (path,))
    monkeypatch.setattr(importlib.import_module("mmspec_cli.commands.bugs"), "replay_bugs", lambda bugs, workers: [SEEN])
    assert run(cli, ["bugs", BUG.id, "--record", "--workers", "1", "--format", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["bugs"]
    assert record.read(path).bugs[BUG.id] == row | {"sha256": record.digest(BUG, record.HUNT)}
    assert set(record.read(path).replays) == {BUG.id}


def test_a_list_is_not_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    """``--list --record`` says that one of them must go: an empty record would look like one of no kills."""
    assert run(cli, ["bugs", "--list", "--record"]) == 2
    assert "--list runs no bug" in capsys.readouterr().err


# --- replays -------------------------------------------------------------------------------------------------------------


def test_a_replay_concerns_what_it_meets_and_truths() -> None:
    """Not what the implementation alone gets wrong, nor rules that it never meets."""
    assert replayed.concerned(bug_named("BUG-LAW-MERGES-SHORT"), ())
    assert replayed.concerned(bug_named("BUG-TAKE-LIVE"), ("BUDDY-TAKE-FREE",))
    assert not replayed.concerned(bug_named("BUG-TAKE-LIVE"), ())
    assert replayed.concerned(bug_named("BUG-LAW-RING-TORN"), ())
    assert not replayed.concerned(bug_named("BUG-TAKE-BUSY"), ("BUDDY-TAKE-REFUSED",))


@pytest.mark.parametrize(
    ("bug", "killed", "says"),
    [("BUG-LAW-MERGES-SHORT", True, "differ from RAM"), ("BUG-LAW-COUNTS-UP", False, "follows the capture too")],
)
def test_a_replay_tells_a_wrong_law_where_the_kernel_shows_it(bug: str, killed: bool, says: str) -> None:
    """Free buddies that stay apart are found in the kernel's RAM; a count that no pause reports is not."""
    (row,) = replayed.replay_bugs([bug_named(bug)], 1)
    assert (row.killed, row.clause) == (killed, bug_named(bug).clause)
    assert says in row.reason


def test_nothing_is_killed_where_the_law_as_it_is_does_not_follow() -> None:
    """Then a failure says nothing about the bug."""
    wrong, right = {"verdict": "fail", "reason": "so"}, {"verdict": "unknown", "reason": "events lost"}
    row = replayed.held(BUG, right, wrong)
    assert not row.killed
    assert "as it is does not follow the capture: events lost" in row.reason


def test_a_replay_that_cannot_be_run_is_no_kill() -> None:
    """An edit that does not fit is told from a law that does not follow the kernel."""
    answer = replayed.in_process(attrs.evolve(BUG, patches={"mmspec.words.size_of": ("no such text", "")}))
    assert answer["verdict"] == "unknown"
    assert "0 times" in answer["reason"]
