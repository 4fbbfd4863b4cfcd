"""Seeded bugs are killed: found, shrunk, absent without the edit, and named by the rule that the edit breaks.

A few are hunted here; `mmspec bugs --record` hunts all of them, and `test_record` holds what it wrote to the text.
"""

from __future__ import annotations

import json

import attrs
import pytest

from mmprops.bugs import BUGS, IMPLEMENTATION, LAW, Bug, BugError, bug_named, hunt, run_bug
from mmprops.bugs import kill as kills
from mmspec_cli.commands.bugs import bugs as command
from mmspec_cli.output import run
from mmspec_cli.program import cli

CI = (
    "BUD-01", "BUD-05", "BUD-12", "BUD-16", "BUD-18", "BUG-SINGLES-STAY-APART", "BUG-TAIL-IF-ASKED-ONLY",
    "BUG-FREED-STAYS-LIVE", "BUG-MOVED-COUNTED-TWICE", "BUG-EXPAND-TOO-FAR", "BUG-CLAIM-OVER-HALF", "BUG-61-RETYPES-UNALIKE",
    "BUG-RETYPE-ISOLATED", "BUG-LAW-RING-TORN", "BUG-LAW-COUNTS-UP",
    "WM-01", "RCL-01", "BUG-WM-SHARE-ROUNDED-UP", "BUG-STAT-LOST-AT-EXIT", "BUG-STAT-INC-NO-OVERSTEP", "BUG-ZONE-LOAD-UNSEEN",
)  # fmt: skip
"""The bugs that are run with every commit: one of each kind that is found quickly."""


@pytest.mark.by_turns(3)
@pytest.mark.parametrize("bug_id", CI)
def test_a_bug_is_killed(bug_id: str) -> None:
    """The bug is found, and the kill names its rule."""
    kill = run_bug(bug_named(bug_id))
    assert kill.killed, kill.reason
    assert kill.clause == bug_named(bug_id).clause


# --- what does not count ---------------------------------------------------------------------------------------------


def bug_like(bug_id: str, **changes: object) -> Bug:
    """A bug that differs from another in some fields."""
    return attrs.evolve(bug_named(bug_id), id="BUG-TEST", **changes)


def test_an_inert_edit_is_not_killed() -> None:
    """An edit that changes no behaviour is reported as alive, with what was tried."""
    edit = {"mmimpl.physical.buddy.lists.smallest": ("zone.max_order + 1", "1 + zone.max_order")}
    kill = run_bug(bug_like("BUD-18", patches=edit, clause="BUDDY-CHOICE"), ops=3000)
    assert not kill.killed
    assert kill.reported is None
    assert kill.clause is None
    assert "never named BUDDY-CHOICE; reported: nothing" in kill.reason


def test_an_edit_that_does_not_fit_is_an_error_and_no_verdict() -> None:
    """A bug whose text is gone from the code must not pass for one that is alive or killed."""
    edit = {"mmimpl.physical.buddy.lists.smallest": ("no such text", "")}
    with pytest.raises(BugError, match="0 times"):
        run_bug(bug_like("BUD-18", patches=edit))


def test_a_bug_that_only_breaks_another_rule_is_not_killed() -> None:
    """A wrong answer that names another rule than the bug's does not count, where no edit of the law can tell which it is."""
    kill = run_bug(bug_like("BUD-16", clause="BUDDY-TAKE-FREE"), ops=3000)
    assert not kill.killed
    assert "BUDDY-FREE-COUNT" in kill.reason


def test_a_difference_counts_only_if_the_same_edit_in_the_law_explains_it() -> None:
    """Where the law is edited at another rule than the implementation, the two still differ, and no rule is named."""
    edits = bug_named("BUD-18").edits(IMPLEMENTATION) | bug_named("BUG-PUTBACK-TO-HEAD").edits(LAW)
    assert len(edits) == 2
    kill = run_bug(bug_like("BUD-18", patches=edits))
    assert not kill.killed
    assert "do not choose alike" in kill.reason


def test_a_program_that_never_meets_the_rule_names_it_not() -> None:
    """The edit of a rule that the shrunk program does not reach is no kill of that rule."""
    kill = run_bug(bug_like("BUD-18", clause="BUDDY-UNISOLATE-MERGES"))
    assert not kill.killed
    assert "never meets BUDDY-UNISOLATE-MERGES" in kill.reason


def test_a_program_that_fails_without_the_bug_convicts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong without the edit too is no kill, but a defect of the code as it is."""
    monkeypatch.setattr(hunt, "passes", lambda bug, program: ("BUDDY-1: twice", set()))
    kill = run_bug(bug_named("BUD-16"))
    assert not kill.killed
    assert "fails without the bug too: BUDDY-1: twice" in kill.reason


def test_edited_code_that_does_not_end_is_not_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that gives no answer in time is ended, and nothing is claimed."""
    monkeypatch.setattr(kills, "LIMIT", 0.0)
    kill = run_bug(bug_named("BUD-16"))
    assert not kill.killed
    assert "had not finished" in kill.reason


def test_edited_code_that_cannot_be_imported_is_not_killed() -> None:
    """An edit after which the implementation cannot be imported says so."""
    edit = {"mmimpl.physical.buddy.memory.base_of": ("config: Config", "config: Config = nowhere")}
    edit["mmimpl.physical.buddy.memory.zone_of"] = ("arrays: Arrays", "arrays: Arrays = no_such_name()")
    kill = run_bug(bug_like("BUD-16", patches=edit))
    assert not kill.killed
    assert "NameError" in kill.reason


# --- the command -----------------------------------------------------------------------------------------------------

FIELDS = {"id", "machine", "killed", "by", "ops", "shrunk_ops", "seconds", "clause"}


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    """The exit code and JSON object of a command."""
    code = run(cli, [*arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_command_prints_the_fields_of_the_interface(capsys: pytest.CaptureFixture[str]) -> None:
    """``mmspec bugs ID --format json`` prints one object with a row for each bug, and passes where all are killed."""
    code, printed = answer(capsys, "bugs", "BUD-16", "--workers", "1")
    assert (code, printed["schema"], printed["verdict"]) == (0, 1, "pass")
    (row,) = printed["bugs"]  # type: ignore[misc]
    assert row.keys() >= FIELDS  # type: ignore[has-type]
    assert (row["id"], row["machine"], row["killed"], row["by"]) == ("BUD-16", "buddy", True, "property")  # type: ignore[has-type]


def test_the_command_fails_where_a_bug_lives(capsys: pytest.CaptureFixture[str]) -> None:
    """Too few operations to find a bug: verdict fail, exit code 1."""
    code, printed = answer(capsys, "bugs", "BUG-UNRESERVE-LAST", "--ops", "10")
    assert (code, printed["verdict"]) == (1, "fail")


def test_the_command_lists_what_cannot_be_expressed(capsys: pytest.CaptureFixture[str]) -> None:
    """``--list`` runs nothing and names every bug, and what the others need."""
    code, printed = answer(capsys, command.name or "", "--list")
    assert code == 0
    assert len(printed["bugs"]) == len(BUGS)  # type: ignore[arg-type]
    assert "BUD-06" in printed["unexpressed"]  # type: ignore[operator]
