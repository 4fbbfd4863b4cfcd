"""Vectors of machines each step of which has one right answer: current, met by what is right, missed by what is wrong."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mmprops import vectors
from mmprops.conform import own_session
from mmprops.judge import Judge
from mmprops.lockstep import explore
from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmprops.program import main_value, resolved
from mmprops.worlds import Equals, Follower
from mmspec.profile import Profile
from mmspec.virtual.page_table.ops import MODES

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("hotplug", "memblock", "memory_model", "page_alloc", "page_table", "pcp", "vmstat", "zone_sizing", "zones")


@pytest.mark.parametrize("name", NAMES)
def test_the_implementation_gives_the_answers(name: str) -> None:
    """Each step has one right answer, in the kernel that it is for."""
    machine = machine_named(name)
    for vector in (vector for of_file in vectors.read_folder(ROOT / "vectors" / name).values() for vector in of_file):
        body = machine.implementation(vector.program.config, vector.profile.kernel or "6.12")
        values: list[Any] = []
        for (op, written), expected in zip(vector.program.steps, vector.expected, strict=True):
            result = body.apply(resolved(written, values.__getitem__))
            assert isinstance(expected, Equals)
            assert result == expected.result, vector.id
            values.append(main_value(machine.component.operation(op), result))


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


UNMET = {
    "hotplug": {"HOTPLUG-DEVICE-STRAY": "no drawn program asks a device onto a memory map that a failed add left behind"},
    "memblock": {},
    "memory_model": {
        "MEMORY-MODEL-BOOT": "boot is no step: the steps after it show what it made",
        "MEMORY-MODEL-BOOT-BITS": "boot",
        "MEMORY-MODEL-BOOT-FAILED": "boot",
        "MEMORY-MODEL-BOOT-NODE": "boot",
        "MEMORY-MODEL-CHOICE": "no kernel chooses anything",
    },
    "page_alloc": {},
    "pcp": {"PCP-BOOT": "what boot makes is no step: the first steps show it"},
}
"""The clauses that no vector of a kernel meets, each with its reason; truths about states, which no one answer shows, aside."""


@pytest.mark.parametrize("name", UNMET)
def test_every_clause_of_a_kernel_has_a_vector_or_is_listed(name: str) -> None:
    """In the files of a kernel, or in that of everybody where no kernel has one of its own."""
    machine, found = machine_named(name), vectors.read_folder(ROOT / "vectors" / name)
    of_states = {invariant.clause.id for invariant in machine.component.invariants}
    files = [file for file in found if file != "any.jsonl"] or ["any.jsonl"]
    for file in files:
        profile = found[file][0].profile
        met = {clause for vector in found[file] for clause in vector.clauses}
        held_to = {clause.id for clause in machine.component.clauses if profile.holds_to(clause)}
        assert held_to - met - of_states == set(UNMET[name]), file


def test_a_vector_of_page_tables_is_for_clients_of_its_mode() -> None:
    """A client that names the one mode that it has is asked what is of that; which other choices there are is no matter."""
    found = vectors.read_folder(ROOT / "vectors" / "page_table")["any.jsonl"]
    assert all(vector.assumes["mode"] == MODES[vector.program.config.mode] for vector in found)
    assert {vector.assumes["mode"] for vector in found} == set(MODES)


@pytest.mark.parametrize("name", UNMET)
def test_what_may_be_answered_is_listed_or_two_of_it(name: str, seed: int) -> None:
    """Linux's answer in each state of drawn programs is among those that are tried, or two others are lawful there.

    So a step of `any.jsonl` has one right answer whoever chooses.
    """
    machine, rng, several = machine_named(name), random.Random(seed), 0
    assert machine.replies is not None
    session = own_session(machine, "impl", Profile.KERNEL_6_12)
    for _ in range(25):
        outcome = explore(machine, session, Profile.KERNEL_6_12, rng.randbytes(HEADER + 40 * RECORD))
        follower = Follower(machine, machine.replies, Profile.ANY, outcome.config)
        judge = Judge(machine.component, Profile.ANY, outcome.config)
        for (op, request, _), result in zip(outcome.made, outcome.results, strict=True):
            operation = machine.component.operation(op)
            lawful = [answer.result for answer in follower.lawful(judge.state, judge.policy, operation, request)]
            assert result in lawful or len(lawful) > 1, (request, result)
            several += len(lawful) > 1
            assert judge.judge(operation, request, result) is None
    assert (several > 0) is (name != "memory_model")


# --- wrong implementations -----------------------------------------------------------------------------------------------

KILLED = (
    "BUG-CAP-FORGETS-NOMAP",
    "BUG-FAULTS-ON-RIGHT",
    "BUG-FREE-HIGH-LATE",
    "BUG-FLUSH-REFUSED",
    "BUG-HOTPLUG-ISOLATE-TWICE",
    "BUG-HOTPLUG-UNMAP-ANY",
    "BUG-MM-REMOVE-LARGE",
    "BUG-OFFSET-OF-SMALL-PAGE",
    "BUG-PA-BOTH-TYPES",
    "BUG-PA-VICTIM-ALL",
    "BUG-READ-ANYWHERE",
    "BUG-READ-WITHOUT-TOP",
    "BUG-SIZE-OF-SMALL-PAGE",
    "BUG-WRITE-ANYWHERE",
    "BUG-WRITE-REFUSED-HIGH",
    "MB-01",
    "MB-10",
    "PCP-01",
    "PT-01",
)
"""Seeded bugs that the vectors alone are known to kill. Of the others it was not asked yet, but for three that they do not kill:
BUG-MM-SECTION-NODE-FIRST, BUG-READ-NEIGHBOUR and BUG-ROOT-ANYWHERE."""


@pytest.mark.by_turns(4)
@pytest.mark.parametrize("name", KILLED)
def test_a_wrong_implementation_misses_a_vector(name: str) -> None:
    """The bug is in the implementation, and nothing but the files tells."""
    command = [sys.executable, "-m", "tests.properties.vectors_with_bug", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout
