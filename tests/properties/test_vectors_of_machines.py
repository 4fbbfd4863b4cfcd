"""Vectors of machines whose requests refer to no earlier answer: current, met by what is right, missed by what is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mmprops import vectors
from mmprops.machines import machine_named
from mmprops.worlds import Equals

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("page_table", "vmstat", "zone_sizing", "zones")


@pytest.mark.parametrize("name", NAMES)
def test_the_implementation_gives_the_answers(name: str) -> None:
    """Each step has one right answer, in the kernel that it is for."""
    machine = machine_named(name)
    for vector in (vector for of_file in vectors.read_folder(ROOT / "vectors" / name).values() for vector in of_file):
        body = machine.implementation(vector.program.config, vector.profile.kernel or "6.12")
        for (_, request), expected in zip(vector.program.steps, vector.expected, strict=True):
            assert isinstance(expected, Equals)
            assert body.apply(request) == expected.result, vector.id


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "page_table" else pytest.mark.nightly) for name in NAMES]
)
def test_the_files_are_made_again_alike(name: str) -> None:
    """They are what `mmspec vectors` writes."""
    assert vectors.compare(vectors.read_folder(ROOT / "vectors" / name), vectors.generate(machine_named(name))) == []


def test_every_rule_of_the_walk_has_a_vector_and_its_reference_stands_beside() -> None:
    """The folder's README lists each clause that a vector meets, with its source; the others are truths about states."""
    found = {clause for vector in vectors.read_folder(ROOT / "vectors" / "page_table")["any.jsonl"] for clause in vector.clauses}
    clauses = machine_named("page_table").component.clauses
    text = (ROOT / "vectors" / "page_table" / "README.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Z0-9-]+)` \| (.+) \|$", text, re.MULTILINE))
    assert rows == {clause.id: clause.source for clause in clauses if clause.id in found}
    assert {clause.id for clause in clauses} - found == {"PAGE-TABLE-MEMORY", "PAGE-TABLE-CHOICE"}


# --- wrong implementations -----------------------------------------------------------------------------------------------

KILLED = (
    "BUG-FAULTS-ON-RIGHT",
    "BUG-FLUSH-REFUSED",
    "BUG-OFFSET-OF-SMALL-PAGE",
    "BUG-READ-ANYWHERE",
    "BUG-READ-WITHOUT-TOP",
    "BUG-SIZE-OF-SMALL-PAGE",
    "BUG-WRITE-ANYWHERE",
    "BUG-WRITE-REFUSED-HIGH",
    "PT-01",
)
"""Seeded bugs that the vectors alone are known to kill. Of the others it was not asked yet, but for two that they do not kill:
BUG-READ-NEIGHBOUR and BUG-ROOT-ANYWHERE."""


@pytest.mark.by_turns(4)
@pytest.mark.parametrize("name", KILLED)
def test_a_wrong_implementation_misses_a_vector(name: str) -> None:
    """The bug is in the implementation, and nothing but the files tells."""
    command = [sys.executable, "-m", "tests.properties.vectors_with_bug", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout
