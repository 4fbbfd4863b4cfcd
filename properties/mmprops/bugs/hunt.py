"""What runs in a process that a bug lives in: the search for a program that shows it.

Imported only after the bug is installed: all that it imports may be edited.
"""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from mmprops import failure
from mmprops.bugs.bug import IMPLEMENTATION, LAW, Bug
from mmprops.clients import wire
from mmprops.conform import own_session
from mmprops.conform import smallest as smallest_violation
from mmprops.judge import broken_invariant
from mmprops.lockstep import Outcome, Run, explore, rerun, start
from mmprops.machine import HEADER, RECORD, Machine
from mmprops.machines import machine_named
from mmprops.program import Program, operations_of, refs_of, resolved
from mmprops.session import InProcess
from mmspec import clause as clauses
from mmspec.component import Component, Operation
from mmspec.profile import profile_named

LENGTHS = (6, 12, 6, 25, 6, 12, 100, 6, 12, 25, 500)
"""Records in a program, in turn: short ones meet what hides behind the first difference, long ones rare histories."""


def session_of(bug: Bug, machine: Machine) -> InProcess:
    """Return a session with what the bug's rule is held against."""
    return own_session(machine, bug.client, profile_named(bug.profile))


def outcomes(bug: Bug, machine: Machine, ops: int, seed: int) -> Iterator[tuple[Outcome | str, int]]:
    """Run programs of all lengths until enough operations were judged; yield what came of each, and the operations so far.

    Where the edited law itself gave up, that is the name of the exception.
    """
    session, profile, rng = session_of(bug, machine), profile_named(bug.profile), random.Random(seed)
    judged = 0
    for steps in itertools.cycle(LENGTHS):
        if judged >= ops:
            return
        try:
            outcome: Outcome | str = explore(machine, session, profile, rng.randbytes(HEADER + steps * RECORD))
        except Exception as error:
            outcome = type(error).__name__
        judged += max(1, outcome.judged) if isinstance(outcome, Outcome) else steps
        yield outcome, judged


def hunt(bug: Bug, *, ops: int, seed: int) -> dict[str, Any]:
    """Look for a program that shows the bug, and shrink it.

    A verdict that does not name the rule counts only where the law is edited alike, so that ``agree`` can tell which rule it is.
    """
    began = time.monotonic()
    machine = machine_named(bug.component)
    anything = diagnosable(bug)
    others: Counter[str] = Counter()
    judged = 0
    for outcome, judged in outcomes(bug, machine, ops, seed):
        if isinstance(outcome, str):
            others[outcome] += 1
        elif outcome.broken is not None:
            fits = anything or outcome.broken.clause == bug.clause
            small = smallest(bug, machine, outcome) if fits else None
            if small is not None and small.broken is not None:
                return {
                    "ops": judged,
                    "seconds": time.monotonic() - began,
                    "reported": small.broken.clause,
                    "explanation": small.broken.explanation,
                    "program": to_json(small.program) | {"replies": [failure.reply_json(result) for result in small.results]},
                }
            others[outcome.broken.clause] += 1
    return {"ops": judged, "seconds": time.monotonic() - began, "reported": None, "others": dict(others)}


def diagnosable(bug: Bug) -> bool:
    """Tell whether a verdict can be traced to the bug's rule: both texts are edited, and Linux's choices are judged."""
    return bool(bug.edits(IMPLEMENTATION) and bug.edits(LAW)) and profile_named(bug.profile).chooses


def smallest(bug: Bug, machine: Machine, found: Outcome) -> Outcome | None:
    """Shrink a program; return what came of the smallest that breaks the same clause, or None if there is none to trust."""
    try:
        violation = smallest_violation(machine, session_of(bug, machine), profile_named(bug.profile), found)
    except Exception:  # the edited law gave up on a smaller program
        return None
    return None if violation.flaky else violation.outcome


def agree(bug: Bug, stored: Mapping[str, Any], *, ops: int, seed: int) -> dict[str, Any]:
    """Tell whether law and implementation, both edited, choose the same: then the difference was this rule and nothing else.

    What else the edited rule breaks does not matter here, so answers are held to Linux's choice and lists alone.
    """
    machine = machine_named(bug.component)
    machine = attrs.evolve(machine, component=choosing(machine.component))
    session, profile = session_of(bug, machine), profile_named(bug.profile)
    clauses.reached.clear()
    try:
        broken = rerun(machine, session, profile, from_json(machine, stored)).broken
    except Unlawful:
        broken = None
    met = sorted(clause.id for clause in clauses.reached)
    if broken is not None:
        return {"agree": False, "met": met, "explanation": f"the shrunk program still differs: {broken.explanation}"}
    for other, _ in outcomes(bug, machine, ops, seed):
        if not isinstance(other, Outcome) or other.broken is None or other.broken.clause != machine.component.choice.id:
            continue
        if not untrue_after(bug, other.program):
            where = f"after ... {failure.program_json(other.program)[-3:]} on {other.program.config}"
            return {"agree": False, "met": met, "explanation": f"{other.broken.explanation}, {where}"}
    return {"agree": True, "met": met}


def untrue_after(bug: Bug, program: Program) -> bool:
    """Tell whether a program leads the edited law into a state that its truths do not allow: nobody can follow it from there.

    They are asked where they always are, and at the places that the last request names.
    """
    machine, profile = machine_named(bug.component), profile_named(bug.profile)
    alone = attrs.evolve(machine, component=choosing(machine.component))
    run = start(alone, session_of(bug, alone), profile, program.config)
    assert isinstance(run, Run)
    try:
        for name, written in program.steps:
            run.carry_out(name, resolved(written, run.values.__getitem__), refs_of(written))
        state, policy, places = run.judge.state, run.judge.policy, attrs.astuple(run.made[-1][1])
        truths = [invariant.holds for invariant in machine.component.invariants if profile.holds_to(invariant.clause)]
        here = all(holds(state, policy, place) for holds in truths for place in places)
        return not here or broken_invariant(machine.component, profile, state, policy) is not None
    except Exception:  # a link that leads nowhere
        return True


class Unlawful(Exception):
    """An answer that Linux, edited alike, gives too breaks another rule: the law's state cannot follow it."""


def choosing(component: Component) -> Component:
    """Return a component that holds an answer to Linux's choice first, and to nothing else."""
    return attrs.evolve(component, operations=tuple(map(chosen_first, component.operations)), invariants=())


def chosen_first(operation: Operation) -> Operation:
    """Return an operation that allows everything, and leaves off at what it does not allow."""

    def apply(state: Any, request: Any, result: Any) -> Any:
        if operation.allowed(state, request, result) is not None:
            raise Unlawful
        return operation.apply(state, request, result)

    return attrs.evolve(operation, allowed=lambda state, request, result: None, apply=apply)


def passes(bug: Bug, stored: Mapping[str, Any]) -> tuple[str | None, set[str]]:
    """Run a program where nothing is edited; return what is broken all the same (None: nothing), and the rules it meets."""
    machine = machine_named(bug.component)
    clauses.reached.clear()
    outcome = rerun(machine, session_of(bug, machine), profile_named(bug.profile), from_json(machine, stored))
    broken = None if outcome.broken is None else f"{outcome.broken.clause}: {outcome.broken.explanation}"
    return broken, {clause.id for clause in clauses.reached}


def to_json(program: Program) -> dict[str, Any]:
    """Return a program as a JSON object."""
    return {"config": failure.config_json(program.config), "steps": failure.program_json(program)}


def from_json(machine: Machine, stored: Mapping[str, Any]) -> Program:
    """Return the program that a JSON object holds."""
    config: Any = wire.config_from_wire(machine.component.config, stored["config"])
    return Program(machine.name, config, tuple(wire.from_program(operations_of(machine.component), stored["steps"])))
