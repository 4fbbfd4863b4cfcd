"""What holds of every machine that is drawn: it is taken at the door, what is asked fits its words, each clause is reached."""

from __future__ import annotations

import random

import pytest

from mmprops.conform import judge_session, own_session
from mmprops.lockstep import explore
from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmspec.profile import Profile
from mmspec.words import words_of

OPS = {"watermarks": 6_000, "zones": 6_000, "vmstat": 6_000, "page_alloc": 6_000, "hotplug": 6_000, "tlb": 12_000}
"""The machines, and in how many operations of one seed each of their clauses is reached."""

LEAST = {"hotplug": {"max_nodes": 1}, "tlb": {"max_cpus": 1, "arch": "riscv64"}}
"""What a client of few capabilities takes; of the others everything that can be counted is one."""


@pytest.mark.parametrize("name", OPS)
def test_what_is_drawn_is_a_machine(name: str, seed: int) -> None:
    """The law takes it at the door, as it takes every simpler one; a client of few capabilities takes it too."""
    machine, rng = machine_named(name), random.Random(seed)
    component = machine.component
    least = machine.capable(LEAST.get(name, dict.fromkeys(machine.capabilities, 1)))
    for trial in range(300):
        capabilities = machine.own_capabilities if trial % 2 else least
        config = machine.draw(rng.randbytes(HEADER), capabilities)
        assert machine.too_much(config, capabilities) is None
        for one in (config, *(machine.simpler(config) if trial < 60 else ())):
            component.initial(one)
            if component.initial_policy is not None:
                component.initial_policy(one, "6.12")


@pytest.mark.parametrize("name", OPS)
def test_what_is_asked_fits_its_words(name: str, seed: int) -> None:
    """A request, and a configuration, can be written and read again."""
    machine, rng = machine_named(name), random.Random(seed)
    session = own_session(machine, "impl", Profile.KERNEL_6_12)
    for _ in range(6):
        outcome = explore(machine, session, Profile.KERNEL_6_12, rng.randbytes(HEADER + 500 * RECORD))
        for one in (outcome.config, *(request for _, request in outcome.program.steps)):
            for field, word in words_of(type(one)).items():
                assert word.lo <= getattr(one, field) <= word.hi, one


@pytest.mark.parametrize("name", OPS)
def test_zeros_are_no_operation(name: str) -> None:
    """So that zeroing bytes deletes operations."""
    machine = machine_named(name)
    config = machine.draw(bytes(HEADER), machine.own_capabilities)
    generator = machine.generator(bytes(HEADER), config, machine.own_capabilities)
    assert generator.request(bytes(RECORD), machine.component.initial(config)) is None


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("name", OPS)
def test_the_implementation_is_right_and_reaches_every_clause(name: str, profile: Profile) -> None:
    """Under every profile, in the operations of one seed: other seeds are for `pytest properties`."""
    machine = machine_named(name)
    run = judge_session(machine, own_session(machine, "impl", profile), profile, ops=OPS[name], seed=0)
    assert (run.verdict, run.violation) == ("pass", None)
    held_to = {clause.id for clause in machine.component.clauses if profile.holds_to(clause)}
    assert held_to - set(run.clauses_reached) == set()
