"""The machines whose answers are numbers or zones. What is drawn is a machine, and its vectors are right."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from mmprops import vectors
from mmprops.clients import wire
from mmprops.clients.registry import opener
from mmprops.conform import judge_session, own_session, session_for
from mmprops.lockstep import explore
from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmprops.unforgiving import Unforgiving
from mmprops.worlds import Equals
from mmspec.physical.watermarks import clauses as c
from mmspec.profile import Profile
from mmspec.words import words_of

NAMES = ("watermarks", "zones", "vmstat", "page_alloc")
FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "watermarks"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_drawn_is_a_machine(name: str, seed: int) -> None:
    """The law takes it at the door, as it takes every simpler one; a client of few capabilities takes it too."""
    machine, rng = machine_named(name), random.Random(seed)
    least = machine.capable(dict.fromkeys(machine.capabilities, 1))
    for trial in range(300):
        capabilities = machine.own_capabilities if trial % 2 else least
        config = machine.draw(rng.randbytes(HEADER), capabilities)
        machine.component.initial(config)
        assert machine.too_much(config, capabilities) is None
        for simpler in machine.simpler(config) if trial < 60 else ():
            machine.component.initial(simpler)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked_fits_its_words(name: str, seed: int) -> None:
    """A request can be written, and read again."""
    machine, rng = machine_named(name), random.Random(seed)
    session = own_session(machine, "impl", Profile.KERNEL_6_12)
    for _ in range(6):
        outcome = explore(machine, session, Profile.KERNEL_6_12, rng.randbytes(HEADER + 500 * RECORD))
        for _, request in outcome.program.steps:
            for field, word in words_of(type(request)).items():
                assert word.lo <= getattr(request, field) <= word.hi, request


@pytest.mark.parametrize("name", NAMES)
def test_zeros_are_no_operation(name: str) -> None:
    """So that zeroing bytes deletes operations."""
    machine = machine_named(name)
    config = machine.draw(bytes(HEADER), machine.own_capabilities)
    generator = machine.generator(bytes(HEADER), config, machine.own_capabilities)
    assert generator.request(bytes(RECORD), machine.component.initial(config)) is None


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("name", NAMES)
def test_the_implementation_is_right_and_reaches_every_clause(name: str, profile: Profile) -> None:
    """Under every profile, in six thousand operations of one seed: other seeds are for `pytest properties`."""
    machine = machine_named(name)
    run = judge_session(machine, own_session(machine, "impl", profile), profile, ops=6_000, seed=0)
    assert (run.verdict, run.violation) == ("pass", None)
    held_to = {clause.id for clause in machine.component.clauses if profile.holds_to(clause)}
    assert held_to - set(run.clauses_reached) == set()


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
