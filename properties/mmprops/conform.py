"""Conformance: many programs against one client, a verdict, and the smallest program that shows it wrong."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import attrs

from mmprops.clients.base import DIED, HANG, Client, ClientError
from mmprops.clients.registry import opener
from mmprops.lockstep import Broken, Outcome, explore, rerun, rerun_batched, with_dangling
from mmprops.machine import HEADER, RECORD, Machine
from mmprops.machines import machine_named
from mmprops.program import Program
from mmprops.session import InProcess, OverTheWire, Session
from mmprops.shrink import Budget, shrink
from mmspec import clause as clauses
from mmspec.errors import InputError, MmspecError
from mmspec.profile import Profile, profile_named

PROGRAM_STEPS = 500
"""Records in a program: long enough that the fixed cost of a reset vanishes, short enough to shrink quickly."""

REFUSALS = 200
"""Configurations refused in a row before the client is taken to refuse everything."""

Progress = Callable[[int, int], None]


@attrs.frozen
class Violation:
    """What was broken, and the shrunk program that shows it, as it was last carried out."""

    outcome: Outcome
    flaky: bool = False

    @property
    def program(self) -> Program:
        """The program."""
        return self.outcome.program

    @property
    def broken(self) -> Broken:
        """What was broken."""
        assert self.outcome.broken is not None
        return self.outcome.broken


@attrs.frozen
class ConformRun:
    """One run: its verdict (pass, fail or unknown) and what it rests on."""

    machine: str
    client: str
    profile: str
    verdict: str
    ops: int
    seconds: float
    clauses_reached: tuple[str, ...]
    clauses_total: int
    not_tested: tuple[str, ...]
    weakened: tuple[str, ...]
    violation: Violation | None
    reason: str = ""
    seed: int = 0
    configurations: int = 0


class ConformanceError(MmspecError, AssertionError):
    """An implementation broke a clause: ``clause``, the shrunk ``program``, and an ``explanation``."""

    def __init__(self, clause: str, program: Program, explanation: str) -> None:
        super().__init__(f"{clause}: {explanation} ({len(program.steps)} operations)")
        self.clause, self.program, self.explanation = clause, program, explanation


@attrs.define
class Tally:
    """What a run has done so far."""

    judged: int = 0
    unsupported: int = 0
    accepted: int = 0
    refused: int = 0
    reasons: dict[str, int] = attrs.field(factory=dict)
    broken: Outcome | None = None

    def add(self, outcome: Outcome) -> None:
        """Count one program."""
        self.judged += outcome.judged
        if outcome.refused is not None:
            self.refused += 1
            self.reasons[outcome.refused] = self.reasons.get(outcome.refused, 0) + 1
        else:
            self.accepted += 1
        for reason, count in outcome.unsupported.items():
            self.unsupported += count
            self.reasons[reason] = self.reasons.get(reason, 0) + count
        if outcome.broken is not None:
            self.broken = outcome


def program_source(seed: int, steps: int = PROGRAM_STEPS) -> Callable[[], bytes]:
    """Return a source of program bytes that a seed decides."""
    rng = random.Random(seed)
    return lambda: rng.randbytes(HEADER + steps * RECORD)


def search(
    machine: Machine,
    session: Session,
    profile: Profile,
    ops: int,
    seed: int,
    progress: Progress | None = None,
    steps: int = PROGRAM_STEPS,
) -> Tally:
    """Run programs until enough operations were judged, something broke, or the client took nothing."""
    tally, draw = Tally(), program_source(seed, steps)
    batched = bool(session.capabilities.get("batch"))
    while tally.judged < ops and tally.broken is None:
        outcome = explore(machine, session, profile, draw())
        tally.add(outcome)
        if batched and outcome.broken is None and outcome.refused is None and tally.accepted % 4 == 1:
            tally.add(rerun_batched(machine, session, profile, outcome.program))
            dangling = with_dangling(machine, outcome)
            if dangling is not None:
                tally.add(rerun_batched(machine, session, profile, dangling))
        if tally.unsupported > ops or (tally.refused >= REFUSALS and tally.accepted == 0):
            break
        if tally.refused + tally.accepted > ops:
            break
        if progress is not None:
            progress(min(tally.judged, ops), ops)
    return tally


def smallest(machine: Machine, session: Session, profile: Profile, found: Outcome) -> Violation:
    """Shrink what broke. Whether it breaks at all, and still breaks when shrunk, is asked of a fresh client each time.

    A program that does not break a fresh client is reported as it was found, and as flaky.
    """
    assert found.broken is not None
    clause = found.broken.clause

    def broken_by(program: Program, fresh: bool) -> Outcome | None:
        if fresh:
            session.renew()
        again = carry_out(machine, session, profile, program)
        return again if again.broken is not None and again.broken.clause == clause else None

    first = broken_by(found.program, True)
    if first is None:
        return Violation(found, flaky=True)
    best = smaller(machine, first.program, broken_by) or first
    if len(best.program.steps) > SHORT:
        for start in shorter_starts(machine, session, profile, found):
            other = smaller(machine, start, broken_by)
            if other is not None and len(other.program.steps) < len(best.program.steps):
                best = other
    return Violation(best)


def smaller(machine: Machine, program: Program, broken_by: Callable[[Program, bool], Outcome | None]) -> Outcome | None:
    """Shrink a program and carry the result out on a fresh client; if it breaks nothing there, shrink on fresh ones alone."""
    quick = shrink(machine, program, lambda candidate: broken_by(candidate, False) is not None)
    confirmed = broken_by(quick, True)
    if confirmed is None:
        confirmed = broken_by(
            shrink(machine, program, lambda candidate: broken_by(candidate, True) is not None, Budget(300)), True
        )
    return confirmed


SHORT = 8
"""Steps that nobody asks to have fewer of: a longer program is looked for again among short ones."""


def shorter_starts(machine: Machine, session: Session, profile: Profile, found: Outcome) -> Iterator[Program]:
    """Yield up to three short programs, newly drawn, that break the same clause.

    A program whose operands are frame numbers of one history loses its failure with any step; one that was short from the
    beginning does not have far to go.
    """
    assert found.broken is not None
    draw = program_source(len(found.made), 3 * SHORT)
    yielded = 0
    for _ in range(400):
        outcome = explore(machine, session, profile, draw())
        if outcome.broken is not None and outcome.broken.clause == found.broken.clause:
            yield outcome.program
            yielded += 1
        if yielded == 3 or (outcome.broken is not None and outcome.broken.clause in SLOW):
            return


SLOW = (HANG,)
"""Clauses that cost a time limit each time they are broken."""


def carry_out(machine: Machine, session: Session, profile: Profile, program: Program) -> Outcome:
    """Carry a program out step by step, and if that goes well in batches, where the client has them.

    The operations counted are those of the program, each once; what is unsupported in batches alone counts too.
    """
    try:
        outcome = rerun(machine, session, profile, program)
        if outcome.broken is None and outcome.refused is None and session.capabilities.get("batch"):
            batched = rerun_batched(machine, session, profile, program.without(outcome.unasked))
            if batched.broken is not None or batched.refused is not None:
                return batched
            outcome = attrs.evolve(outcome, unsupported=Counter(outcome.unsupported) | Counter(batched.unsupported))
    except ClientError as error:
        return Outcome(program.machine, program.config, (), broken=Broken(DIED, -1, f"it does not start again: {error}"))
    return outcome


def judge_session(
    machine: Machine,
    session: Session,
    profile: Profile,
    *,
    ops: int,
    seed: int,
    program: Program | None = None,
    progress: Progress | None = None,
    asked: str = "",
) -> ConformRun:
    """Hold one session against the law and return the run; ``asked`` is the profile's name as it was asked for."""
    began = time.monotonic()
    clauses.reached.clear()
    if program is None:
        tally, wanted = search(machine, session, profile, ops, seed, progress), ops
    else:
        tally, wanted = Tally(), 1  # each of its operations is judged or counted as unsupported, but there may be none
        tally.add(carry_out(machine, session, profile, program))
    held_to = {c for c in machine.component.clauses if profile.holds_to(c)}
    reached = tuple(sorted(c.id for c in clauses.reached & held_to))
    violation = None if tally.broken is None else smallest(machine, session, profile, tally.broken)
    verdict, reason = verdict_of(tally, wanted)
    return ConformRun(
        machine=machine.name,
        client=session.name,
        profile=asked or profile.value,
        verdict=verdict,
        ops=tally.judged,
        seconds=time.monotonic() - began,
        clauses_reached=reached,
        clauses_total=len(held_to),
        not_tested=not_tested(machine, session.capabilities),
        weakened=tuple(name for name in machine.weakening if session.capabilities[name]),
        violation=violation,
        reason=reason,
        seed=seed,
        configurations=tally.accepted,
    )


def verdict_of(tally: Tally, wanted: int) -> tuple[str, str]:
    """Return the verdict and, where it is not plain, why."""
    if tally.broken is not None:
        return "fail", ""
    often = max(tally.reasons, key=tally.reasons.__getitem__, default="")
    if tally.accepted == 0:
        return "unknown", f"no configuration was accepted: {often}"
    if tally.unsupported * 10 > tally.unsupported + tally.judged:
        return "unknown", f"{tally.unsupported} operations were not carried out: {often}"
    if tally.judged < wanted:
        return "unknown", f"only {tally.judged} of {wanted} operations were judged"
    return "pass", ""


def not_tested(machine: Machine, capabilities: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the capabilities that were not promised, and what was therefore never asked."""
    return tuple(name for name, capability in machine.capabilities.items() if capability.opens and not capabilities[name])


def session_for(machine: Machine, opener: Callable[[], Client]) -> OverTheWire:
    """Return a session with a client that offers the machine (ClientError: it does not)."""
    session = OverTheWire(machine, opener)
    if machine.name not in session.machines:
        session.close()
        raise ClientError(
            f"the client {session.name} does not offer {machine.name}",
            hint=f"it offers {', '.join(session.machines) or 'nothing'}",
        )
    return session


def own_session(machine: Machine, name: str, profile: Profile) -> InProcess:
    """Return a session with our implementation (``impl``) or with the law's own choices (``spec``)."""
    make = machine.implementation if name == "impl" else lambda config, kernel: Choices(machine, config, kernel)
    return InProcess(name, make, profile.kernel or "6.12", machine.own_capabilities, open=name == "impl")


class Choices:
    """The specification as an implementation: each answer is what ``choose`` gives."""

    def __init__(self, machine: Machine, config: Any, kernel: str) -> None:
        component = machine.component
        self._by_request = {operation.request: operation for operation in component.operations}
        self._state, self._policy = component.initial(config), component.initial_policy(config, kernel)

    def apply(self, request: Any) -> Any:
        """Answer as the kernel does, and go on from there."""
        operation = self._by_request[type(request)]
        result, self._policy = operation.choose(self._state, self._policy, request)
        self._state = operation.apply(self._state, request, result)
        return result


def conform(
    machine: str,
    client: Any,
    profile: str = "any",
    ops: int = 20_000,
    seed: int = 0,
    *,
    timeout: float = 5.0,
    program: Program | None = None,
) -> ConformRun:
    """Hold a client against the specification of a machine.

    ``client`` is a name as on the command line (``"exec:./mybuddy"``), an object with ``hello reset apply close``, or a
    function that makes one. Returns the run; raises ConformanceError where a clause was broken, ClientError where there was no
    client to judge, InputError for a machine or profile that does not exist.
    """
    which, held_to = machine_named(machine), profile_named(profile)
    session = open_session(which, client, held_to, timeout)
    try:
        run = judge_session(which, session, held_to, ops=ops, seed=seed, program=program, asked=profile)
    finally:
        session.close()
    if run.violation is not None:
        raise ConformanceError(run.violation.broken.clause, run.violation.program, run.violation.broken.explanation)
    return run


def open_session(machine: Machine, client: Any, profile: Profile, timeout: float) -> Session:
    """Return a session with a client given by name, as an object, or by the function that makes it."""
    if client in ("impl", "spec"):
        return own_session(machine, client, profile)
    return session_for(machine, opener(client, timeout=timeout))


class _Callable(ModuleType):
    """This module can be called: INTERFACES.md gives the function the module's own name, ``mmprops.conform``."""

    def __call__(self, *args: Any, **kwargs: Any) -> ConformRun:
        return conform(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable

__all__ = ["ConformRun", "ConformanceError", "InputError", "conform"]
