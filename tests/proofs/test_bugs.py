"""Seeded bugs of the law are REFUTED by the obligation that is about them, on a counterexample that the law itself fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("with_bug.py")

CAUGHT = [
    ("BUD-01", "BUDDY-GIVE-CONSERVED"),
    ("BUD-02", "BUDDY-MERGE-STEP"),
    ("BUD-12", "BUDDY-ISOLATE-LAWFUL"),
    ("BUD-16", "BUDDY-GIVE-CONSERVED"),
    ("BUG-EXPAND-TOO-FAR", "BUDDY-WITHDRAW-CONSERVED"),
    ("BUG-FREED-HAS-TWO-OWNERS", "BUDDY-GIVE-OWNED"),
    ("BUG-FREED-AS-SMALL", "BUDDY-GIVE-OWNED"),
    ("BUG-LARGE-AS-FIRST", "BUDDY-COUNT-BLOCK-COUNTED"),
    ("BUG-LAW-BLIND-TO-EXACT", "BUDDY-BLOCK-OVER"),
    ("BUG-LAW-COUNTS-UP", "BUDDY-COUNT-BLOCK-COUNTED"),
    ("BUG-LAW-KIND-NOT-KEPT", "BUDDY-RETYPE-KINDS"),
    ("BUG-LAW-MERGES-AT-UPPER", "BUDDY-MERGE-STEP"),
    ("BUG-LAW-MERGES-PAST-TOP", "BUDDY-MERGE-STEP"),
    ("BUG-LAW-MERGES-SHORT", "BUDDY-GIVE-MERGED"),
    ("BUG-LAW-OWES-ISOLATED", "BUDDY-ALLOC-LAWFUL"),
    ("BUG-LAW-RESERVES-FIRST-ONLY", "BUDDY-RESERVE-KINDS"),
    ("BUG-MERGE-ANY-ORDER", "BUDDY-MERGE-STEP"),
    ("BUG-MERGE-KEEPS-BUDDY", "BUDDY-MERGE-STEP"),
    ("BUG-MOVED-COUNTED-TWICE", "BUDDY-SET-KIND-COUNTED"),
    ("BUG-ORDER-ABOVE-SERVED", "BUDDY-ALLOC-REFUSED"),
    ("BUG-RETYPE-ISOLATED", "BUDDY-RETYPE-LAWFUL"),
    ("BUG-RETYPE-LARGE", "BUDDY-RETYPE-LAWFUL"),
    ("BUG-RETYPE-NOT-FREE", "BUDDY-RETYPE-LAWFUL"),
    ("BUG-SPLIT-GIVES-WRONG-HALF", "BUDDY-SPLIT-STEP"),
    ("BUG-SPLIT-LOSES-HALF", "BUDDY-WITHDRAW-CONSERVED"),
    ("BUG-TAKE-LIVE", "BUDDY-BLOCK-OVER"),
    ("BUG-TAKEN-AS-ORDINARY", "BUDDY-COUNT-BLOCK-COUNTED"),
]
"""A bug, and the obligation that it breaks."""


def verdict(bug: str, obligation: str) -> str:
    """Return the line that the runner prints of an obligation where the bug is installed."""
    return subprocess.run([sys.executable, str(RUNNER), bug, obligation], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("bug", "obligation"), CAUGHT, ids=lambda value: value)
def test_bug_is_refuted(bug: str, obligation: str) -> None:
    """The obligation that is PROVED of the law is REFUTED of the law with the bug, and replayed."""
    assert verdict(bug, obligation).startswith("REFUTED True")


def test_bug_before_a_loop_is_not_proved() -> None:
    """A loop that is entered with a block that is still free is not entered lawfully; a run does not notice."""
    said = verdict("BUG-SPLIT-KEEPS-WHOLE", "BUDDY-WITHDRAW-DEFINED")
    assert said.startswith("UNKNOWN")
    assert "invariant of loop split holds at its entry" in said
