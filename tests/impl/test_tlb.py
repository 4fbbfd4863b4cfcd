"""The implementation of translation caches: in lock-step with the law, tags and generations compared after each program."""

from __future__ import annotations

import random

import pytest

from mmprops.conform import own_session
from mmprops.lockstep import explore
from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmspec.profile import profile_named

MACHINE = machine_named("tlb")


@pytest.mark.parametrize("profile", ["any", "linux"])
def test_it_answers_as_the_law_does(profile: str, seed: int) -> None:
    """Programs on all architectures."""
    held_to, rng, judged = profile_named(profile), random.Random(seed), 0
    session = own_session(MACHINE, "impl", held_to)
    for _ in range(20):
        outcome = explore(MACHINE, session, held_to, rng.randbytes(HEADER + 150 * RECORD))
        assert outcome.broken is None
        judged += outcome.judged
    assert judged > 1000
