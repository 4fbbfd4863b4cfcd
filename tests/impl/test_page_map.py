"""Changes to page tables, made on words alone: our implementation beside the law, on each architecture and size."""

from __future__ import annotations

import random

import pytest

from mmimpl.virtual.page_map import PageMap
from mmprops.conform import own_session
from mmprops.lockstep import explore
from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmspec.errors import InputError
from mmspec.profile import Profile
from mmspec.virtual.page_map.ops import Config

MACHINE = machine_named("page_map")


@pytest.mark.parametrize("client", ["impl", "spec"])
def test_programs_follow_linux(client: str, seed: int) -> None:
    """Twenty programs, every answer and all of memory as the law has it."""
    rng = random.Random(seed)
    for _ in range(20):
        session = own_session(MACHINE, client, Profile.KERNEL_6_12)
        outcome = explore(MACHINE, session, Profile.KERNEL_6_12, rng.randbytes(HEADER + 40 * RECORD))
        assert outcome.broken is None, outcome.broken


@pytest.mark.parametrize("config", [Config(0, 2, 48, 52, 0, 1), Config(1, 2, 60, 48, 0, 1), Config(2, 5, 39, 56, 8, 1)])
def test_a_configuration_that_is_none_is_refused(config: Config) -> None:
    """The implementation checks its configuration itself."""
    with pytest.raises(InputError, match=r"no"):
        PageMap(config)
