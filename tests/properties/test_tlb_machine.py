"""The machine ``tlb``: what is drawn is a machine, what is asked fits its words, and every clause is reached."""

from __future__ import annotations

import random

import pytest

from mmprops.conform import judge_session, own_session
from mmprops.lockstep import explore
from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmprops.machines.virtual.tlb import picture
from mmspec.profile import Profile
from mmspec.virtual.tlb.ops import DONE, LARGE, SMALL, X86_64, Config, Link, Set
from mmspec.words import words_of

MACHINE = machine_named("tlb")


def test_what_is_drawn_is_a_machine(seed: int) -> None:
    """The law takes it at the door, as it takes every simpler one; a client of few capabilities takes it too."""
    rng, component = random.Random(seed), MACHINE.component
    for trial in range(300):
        capabilities = MACHINE.own_capabilities if trial % 2 else MACHINE.capable({"max_cpus": 1, "arch": "riscv64"})
        config = MACHINE.draw(rng.randbytes(HEADER), capabilities)
        assert MACHINE.too_much(config, capabilities) is None
        for one in (config, *(MACHINE.simpler(config) if trial < 60 else ())):
            component.initial(one)
            component.initial_policy(one, "6.12")


def test_what_is_asked_fits_its_words(seed: int) -> None:
    """A request, and a configuration, can be written and read again."""
    rng = random.Random(seed)
    session = own_session(MACHINE, "impl", Profile.KERNEL_6_12)
    for _ in range(6):
        outcome = explore(MACHINE, session, Profile.KERNEL_6_12, rng.randbytes(HEADER + 300 * RECORD))
        for one in (outcome.config, *(request for _, request in outcome.program.steps)):
            for field, word in words_of(type(one)).items():
                assert word.lo <= getattr(one, field) <= word.hi, one


def test_zeros_are_no_operation() -> None:
    """So that zeroing bytes deletes operations."""
    config = MACHINE.draw(bytes(HEADER), MACHINE.own_capabilities)
    generator = MACHINE.generator(bytes(HEADER), config, MACHINE.own_capabilities)
    assert generator.request(bytes(RECORD), MACHINE.component.initial(config)) is None


@pytest.mark.parametrize("profile", [Profile.ANY, Profile.KERNEL_6_12])
def test_the_implementation_is_right_and_reaches_every_clause(profile: Profile) -> None:
    """In twelve thousand operations of one seed: other seeds are for `pytest properties`."""
    run = judge_session(MACHINE, own_session(MACHINE, "impl", profile), profile, ops=12_000, seed=0)
    assert (run.verdict, run.violation) == ("pass", None)
    held_to = {clause.id for clause in MACHINE.component.clauses if profile.holds_to(clause)}
    assert held_to - set(run.clauses_reached) == set()


def test_a_picture_shows_what_is_mapped() -> None:
    """Tables, small pages and large ones of the first space."""
    law = MACHINE.component
    tlb = law.initial(Config(X86_64, 1))
    for name, request in (("link", Link(1, 0)), ("set", Set(1, SMALL, 3, 5, 1)), ("set", Set(1, LARGE, 512, 512, 1))):
        tlb = law.operation(name).apply(tlb, request, DONE)
    drawn = picture(tlb, None)
    assert [(strip.label, strip.runs) for strip in drawn.strips] == [("table", ((0, 1),)), ("mapped", ((3, 1), (512, 1)))]


def test_a_foreign_client_is_asked_what_it_promises() -> None:
    """Without capabilities nothing unlawful, no answer that only Linux knows, and nothing that AArch64 forbids."""
    rng, least = random.Random(1), MACHINE.capable({})
    for _ in range(20):
        config = MACHINE.draw(rng.randbytes(HEADER), least)
        state = MACHINE.component.initial(config)
        generator = MACHINE.generator(rng.randbytes(HEADER), config, least)
        for _ in range(100):
            made = generator.request(rng.randbytes(RECORD), state)
            if made is None or MACHINE.unpromised(state, made[1], least) is not None:
                continue
            operation = MACHINE.component.operation(made[0])
            assert MACHINE.requires.get(made[0]) is None
            answer, _ = operation.choose(state, MACHINE.component.initial_policy(config, "6.12"), made[1])
            assert not answer.failed
            state = operation.apply(state, made[1], answer)
