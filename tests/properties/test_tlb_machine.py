"""The machine ``tlb``: its picture, and what a foreign client is asked. The rest is in ``test_drawn_machines``."""

from __future__ import annotations

import random

from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmprops.machines.virtual.tlb import picture
from mmspec.virtual.tlb.ops import DONE, LARGE, SMALL, X86_64, Config, Link, Set

MACHINE = machine_named("tlb")


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
