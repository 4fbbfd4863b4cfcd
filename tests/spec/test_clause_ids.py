"""docs/clause-ids.txt: no id of a clause disappears silently, and none comes back as something else."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mmprops.machines import MACHINES
from mmspec import promises

FILE = Path(__file__).resolve().parents[2] / "docs" / "clause-ids.txt"
LINE = re.compile(r"(?P<id>[A-Z][A-Za-z0-9.-]*)( -> (?P<instead>nothing|[A-Z][A-Za-z0-9. -]*): (?P<why>\S.*))?")

Lines = list[str]


def now() -> set[str]:
    """The ids of all clauses of the law."""
    return {clause.id for machine in MACHINES for clause in machine.component.clauses} | {c.id for c in promises.CLAUSES}


def read_lines() -> Lines:
    """The file's lines without comments and empty ones."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def entries(lines: Lines) -> dict[str, list[str] | None]:
    """Each id with what stands in its place, or None where it stands itself."""
    found = [match for line in lines if (match := LINE.fullmatch(line))]
    return {match["id"]: match["instead"] and match["instead"].split() for match in found}


# --- what can be wrong, each as the list of offenders ------------------------------------------------------------------


def malformed(lines: Lines) -> list[str]:
    """Lines that are neither an id nor an id with what stands in its place and why."""
    return [line for line in lines if not LINE.fullmatch(line)]


def twice(lines: Lines) -> list[str]:
    """Ids with more than one line."""
    return [name for name, count in Counter(line.split()[0] for line in lines).items() if count > 1]


def unlisted(lines: Lines) -> list[str]:
    """Clauses of the law without a line."""
    return sorted(now() - set(entries(lines)))


def vanished(lines: Lines) -> list[str]:
    """Ids that are no clause any more, and do not say what stands in their place."""
    return [name for name, instead in entries(lines).items() if instead is None and name not in now()]


def returned(lines: Lines) -> list[str]:
    """Ids that were given up and are a clause again: who cited the old one would cite the new."""
    return [name for name, instead in entries(lines).items() if instead is not None and name in now()]


def nowhere(lines: Lines) -> list[str]:
    """Ids whose replacement has no line, so that nobody could follow it."""
    known = {"nothing", *entries(lines)}
    return [name for name, instead in entries(lines).items() if not set(instead or ()) <= known]


CHECKS: dict[Callable[[Lines], list[str]], Callable[[Lines], object]] = {
    malformed: lambda lines: lines.append("BUDDY-0 -> BUDDY-1"),
    twice: lambda lines: lines.append(lines[0]),
    unlisted: lambda lines: lines.remove("BUDDY-CHOICE"),
    vanished: lambda lines: lines.append("BUDDY-GONE"),
    returned: lambda lines: lines.__setitem__(lines.index("BUDDY-CHOICE"), "BUDDY-CHOICE -> BUDDY-1: it says the same"),
    nowhere: lambda lines: lines.append("BUDDY-GONE -> BUDDY-1 BUDDY-FAR: two say it now"),
}
"""Each check, and a change to the file that it must notice."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_nothing_is_wrong(check: Callable[[Lines], list[str]]) -> None:
    """The check finds no offender in the file."""
    assert check(read_lines()) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_check_can_fail(check: Callable[[Lines], list[str]]) -> None:
    """The check finds exactly one offender after the change that is made for it."""
    lines = read_lines()
    CHECKS[check](lines)
    assert len(check(lines)) == 1


@pytest.mark.parametrize("line", ["BUDDY-GONE -> BUDDY-1: says more", "BUDDY-GONE -> nothing: Linux does so no more"])
def test_a_clause_may_go_if_its_line_says_what_stands_in_its_place(line: str) -> None:
    """An id that is given up, with a successor or a reason, offends nobody."""
    lines = [*read_lines(), line]
    assert [check.__name__ for check in CHECKS if check(lines)] == []


def removed(history: str, lines: Lines) -> list[str]:
    """Ids in the removed lines of a history of the file that have no line any more."""
    gone = [line[1:] for line in history.splitlines() if re.match(r"-[A-Z]", line)]
    return sorted(set(entries(gone)) - set(entries(lines)))


def test_no_line_was_ever_removed() -> None:
    """As far back as this checkout's history goes, every id that had a line has one."""
    command = ["git", "log", "--format=", "--patch", "--", FILE.name]
    history = subprocess.run(command, cwd=FILE.parent, capture_output=True, text=True, check=True).stdout
    assert removed(history, read_lines()) == []


def test_a_line_that_was_removed_is_found() -> None:
    """A patch that takes a line out names its id; one that changes it, or a comment, does not."""
    assert removed("--- a/x\n-BUDDY-GONE\n-# words\n-BUDDY-1\n+BUDDY-1 -> BUDDY-2: why", read_lines()) == ["BUDDY-GONE"]
