"""Seeded bugs of the law are REFUTED by the obligation that is about them, on a counterexample that the law itself fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("with_bug.py")

CAUGHT = [
    ("BUD-12", "BUDDY-ISOLATE-LAWFUL"),
    ("BUG-LARGE-AS-FIRST", "BUDDY-COUNT-BLOCK-COUNTED"),
    ("BUG-LAW-BLIND-TO-EXACT", "BUDDY-BLOCK-OVER"),
    ("BUG-LAW-COUNTS-UP", "BUDDY-COUNT-BLOCK-COUNTED"),
    ("BUG-LAW-KIND-NOT-KEPT", "BUDDY-RETYPE-KINDS"),
    ("BUG-LAW-OWES-ISOLATED", "BUDDY-ALLOC-LAWFUL"),
    ("BUG-LAW-RESERVES-FIRST-ONLY", "BUDDY-RESERVE-KINDS"),
    ("BUG-MOVED-COUNTED-TWICE", "BUDDY-SET-KIND-COUNTED"),
    ("BUG-RETYPE-ISOLATED", "BUDDY-RETYPE-LAWFUL"),
    ("BUG-RETYPE-LARGE", "BUDDY-RETYPE-LAWFUL"),
    ("BUG-RETYPE-NOT-FREE", "BUDDY-RETYPE-LAWFUL"),
    ("BUG-TAKE-LIVE", "BUDDY-BLOCK-OVER"),
    ("BUG-TAKEN-AS-ORDINARY", "BUDDY-COUNT-BLOCK-COUNTED"),
]
"""A bug, and the obligation that it breaks."""


@pytest.mark.parametrize(("bug", "obligation"), CAUGHT, ids=lambda value: value)
def test_bug_is_refuted(bug: str, obligation: str) -> None:
    """The obligation that is PROVED of the law is REFUTED of the law with the bug, and replayed."""
    done = subprocess.run([sys.executable, str(RUNNER), bug, obligation], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("REFUTED True"), done.stdout
