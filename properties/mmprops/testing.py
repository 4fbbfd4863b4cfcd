"""Conformance from a test of your own. One line in your suite is enough::

    from mmprops.testing import conformance_test

    test_my_buddy = conformance_test("buddy", "exec:./mybuddy")

For more say in it, draw ``programs()`` in a Hypothesis test of yours, marked ``unshrunk``, and give each to ``check_program``.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mmprops.conform import ConformanceError, open_session, smallest
from mmprops.failure import program_json
from mmprops.lockstep import Outcome, explore
from mmprops.machine import Machine
from mmprops.machines import machine_named
from mmprops.program import program_bytes
from mmprops.session import Session
from mmspec.profile import profile_named

__all__ = ["ConformanceError", "check_program", "conformance_test", "opened", "programs", "unshrunk"]


def unshrunk(test: Callable[..., None]) -> Callable[..., None]:
    """Take Hypothesis's own shrinking away from a test that calls ``check_program``, which does it in far fewer runs."""
    phases = [phase for phase in settings().phases if phase not in (Phase.shrink, Phase.explain)]
    health = {*settings().suppress_health_check, HealthCheck.too_slow}
    return settings(deadline=None, phases=phases, suppress_health_check=health)(test)


def programs(operations: int = 200) -> st.SearchStrategy[bytes]:
    """Return the strategy of the bytes that describe a program: one draw, and zeros stand for no operation."""
    return program_bytes(operations)


def opened(machine: str | Machine, client: Any, *, profile: str = "any", timeout: float = 5.0) -> Session:
    """Return a session with a client, for many programs; ``close()`` it.

    ``client`` is ``"impl"``, ``"spec"``, a name as on the command line, an object with ``hello reset apply close``, or what
    makes one. InputError: there is no such machine, profile or client. ClientError: it does not start.
    """
    which = machine_named(machine) if isinstance(machine, str) else machine
    return open_session(which, client, profile_named(profile), timeout)


def check_program(machine: str | Machine, session: Session, data: bytes, *, profile: str = "any") -> Outcome:
    """Carry out the program that bytes describe, and return what came of it.

    Raises ConformanceError, with the shrunk program in its notes and in ``program``, if a clause is broken.
    """
    which = machine_named(machine) if isinstance(machine, str) else machine
    held_to = profile_named(profile)
    outcome = explore(which, session, held_to, data)
    if outcome.broken is not None:
        violation = smallest(which, session, held_to, outcome)
        broken = violation.broken
        error = ConformanceError(broken.clause, violation.program, broken.explanation)
        error.add_note(f"the program, on {violation.program.config}:")
        for step in program_json(violation.program):
            error.add_note(f"  {msgspec.json.encode(step).decode()}")
        raise error
    return outcome


def conformance_test(machine: str | Machine, client: Any, *, profile: str = "any", operations: int = 200) -> Callable[[], None]:
    """Return a test that holds a client against the specification: a Hypothesis test, with the settings of your profile.

    The client is started by the first program and serves all; it ends with the test process.
    """
    which = machine_named(machine) if isinstance(machine, str) else machine
    sessions: list[Session] = []

    def conforms(data: bytes) -> None:
        if not sessions:
            sessions.append(opened(which, client, profile=profile))
            atexit.register(sessions[0].close)
        check_program(which, sessions[0], data, profile=profile)

    conforms.__name__ = conforms.__qualname__ = f"{which.name}_conforms"
    conforms.__doc__ = f"Every program's results are lawful for {which.name} under the profile {profile}."
    return unshrunk(given(data=programs(operations))(conforms))
