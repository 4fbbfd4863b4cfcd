"""Every machine's implementation against the specification: whole programs, and step by step by rules.

``pytest properties`` runs this; ``--effort`` says how many programs are tried.
"""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import given
from hypothesis.stateful import run_state_machine_as_test

from mmprops.machines import MACHINES
from mmprops.stateful import state_machine
from mmprops.testing import check_program, opened, programs, unshrunk

NAMES = MACHINES.names


@pytest.mark.parametrize("profile", ["linux", "kernel-6.1", "any"])
@pytest.mark.parametrize("machine", NAMES)
@unshrunk
@given(data=programs())
def test_programs(machine: str, profile: str, data: bytes) -> None:
    """Every result is one that the profile accepts; under a kernel's, every list is in that kernel's order."""
    check_program(machine, opened(machine, "impl", profile=profile), data, profile=profile)


@pytest.mark.by_turns(3)
@pytest.mark.parametrize("profile", ["linux", "any"])
@pytest.mark.parametrize("machine", NAMES)
def test_rules(machine: str, profile: str, seed: int) -> None:
    """The same holds where Hypothesis chooses step by step: in at most 400 programs, for a step costs it ten times as much."""
    rules = hypothesis.seed(seed)(state_machine(machine, profile=profile))
    usual: hypothesis.settings = rules.TestCase.settings
    fewer = hypothesis.settings(usual, max_examples=min(400, usual.max_examples))
    run_state_machine_as_test(rules, settings=fewer)
