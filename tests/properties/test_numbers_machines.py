"""The machines whose answers are numbers or zones: they speak the protocol, and the vectors of one are right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmprops import vectors
from mmprops.clients import wire
from mmprops.clients.registry import opener
from mmprops.conform import judge_session, session_for
from mmprops.machines import machine_named
from mmprops.unforgiving import Unforgiving
from mmprops.worlds import Equals
from mmspec.physical.watermarks import clauses as c
from mmspec.profile import Profile

NAMES = ("watermarks", "zones", "vmstat", "page_alloc")
FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "watermarks"


class OverTheWire:
    """Our implementation as a client of one machine."""

    def __init__(self, name: str) -> None:
        self.machine = machine_named(name)

    def hello(self) -> dict[str, Any]:
        """Introduce itself."""
        return {"protocol": 1, "name": "ours", "machines": [self.machine.name]}

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        """Begin again."""
        made: Any = wire.config_from_wire(self.machine.component.config, config)
        self.body = self.machine.implementation(made, "6.12")
        return {"ok": True}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Answer in the protocol's values."""
        result = self.body.apply(wire.from_wire(self.machine.component.operation(op).request, args))
        return {"error": result.name} if result.failed else {"result": wire.to_wire(result)}

    def close(self) -> None:
        """Nothing to end."""


@pytest.mark.parametrize("name", NAMES)
def test_it_speaks_the_protocol(name: str) -> None:
    """Configurations, requests and results are JSON values on the way, and the same behind it."""
    machine = machine_named(name)
    session = session_for(machine, opener(lambda: OverTheWire(name)))
    run = judge_session(machine, session, Profile.ANY, ops=800, seed=1)
    assert (run.verdict, run.violation) == ("pass", None)


def test_nothing_is_excused() -> None:
    """There is one right answer to each request."""
    assert Unforgiving().forgives(c.OK, None, None, None) is False


def test_the_vectors_of_the_watermarks_are_what_the_implementation_answers() -> None:
    """Each step of each file has one right answer, in the kernel that it is for."""
    machine = machine_named("watermarks")
    found = vectors.read_folder(FOLDER)
    assert set(found) == {"any.jsonl", "linux-6.12.jsonl", "linux-6.1.jsonl"}
    for vector in (vector for of_file in found.values() for vector in of_file):
        body = machine.implementation(vector.program.config, vector.profile.kernel or "6.12")
        for (_, request), expected in zip(vector.program.steps, vector.expected, strict=True):
            assert isinstance(expected, Equals)
            assert body.apply(request) == expected.result, vector.id


def test_every_clause_of_a_kernel_has_a_vector() -> None:
    """But for the truths about states, which no one answer shows."""
    machine, found = machine_named("watermarks"), vectors.read_folder(FOLDER)
    of_states = {invariant.clause.id for invariant in machine.component.invariants}
    for file, profile in (("linux-6.12.jsonl", Profile.KERNEL_6_12), ("linux-6.1.jsonl", Profile.KERNEL_6_1)):
        met = {clause for vector in found[file] for clause in vector.clauses}
        held_to = {clause.id for clause in machine.component.clauses if profile.holds_to(clause)}
        assert held_to - met == of_states


@pytest.mark.nightly
def test_the_vectors_of_the_watermarks_are_made_again_alike() -> None:
    """The files are what `mmspec vectors watermarks` writes."""
    made = vectors.generate(machine_named("watermarks"))
    assert vectors.compare(vectors.read_folder(FOLDER), made) == []
