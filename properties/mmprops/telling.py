"""A run as lines of plain text, its failure with the way to see it again, and the failure file that this way needs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from mmprops import failure, picture
from mmprops.conform import ConformRun, Violation
from mmprops.lockstep import shown
from mmprops.machine import Machine
from mmprops.program import resolved
from mmprops.session import OverTheWire, Session
from mmspec.profile import profile_named


def run_text(run: ConformRun) -> Iterator[str]:
    """Yield a run as text, without its failure."""
    rate = run.ops / run.seconds if run.seconds else 0.0
    judged = f"{run.ops} operations on {run.configurations} configurations in {run.seconds:.1f} s ({rate:.0f}/s)"
    clauses = f"{len(run.clauses_reached)} of {run.clauses_total} clauses, seed {run.seed}"
    yield f"{run.verdict} {run.machine}: {run.client} under {run.profile}, {judged}, {clauses}"
    if run.reason:
        yield f"  {run.reason}"
    if run.not_tested:
        yield f"  not tested, since not promised: {', '.join(run.not_tested)}"
    if run.weakened:
        yield f"  weakened by: {', '.join(run.weakened)}"


def violation_text(machine: Machine, violation: Violation) -> Iterator[str]:
    """Yield a failure: the clause, the program with what was answered, and a picture of the state that it met."""
    broken = violation.broken
    clause = next((c for c in machine.component.clauses if c.id == broken.clause), None)
    yield f"  {broken.clause}" + ("" if clause is None else f" {clause.sentence}")
    if clause is not None:
        yield f"    {clause.source}"
    yield f"  {broken.explanation}" + (" (did not happen again: flaky)" if violation.flaky else "")
    yield f"  on {shown(violation.program.config)}"
    for index, (name, written) in enumerate(violation.program.steps):
        request = resolved(written, violation.outcome.values.__getitem__)
        answer = violation.outcome.values[index] if index < len(violation.outcome.values) else None
        mark = ">" if index == broken.step else " "
        yield f"  {mark} {index:3d} {name} {shown(request) if request is not None else '(refers to a step that failed)'}" + (
            f" = {answer:#x}" if isinstance(answer, int) else ""
        )
    if broken.errors:
        yield "  the client's last lines on stderr"
        yield from (f"    {line}" for line in broken.errors[-10:])
    if violation.outcome.state is not None:
        yield "  before that step"
        yield from (f"    {line}" for line in picture.lines(machine.picture(violation.outcome.state, None)))


def kept(machine: Machine, session: Session, run: ConformRun, client: Any) -> list[str]:
    """Write a run's failure file and return the last lines: how to run it again, and how to run the client on it under gdb.

    Where the client has no name of the command line, they only say where the file is.
    """
    assert run.violation is not None
    broken, results = run.violation.broken, run.violation.outcome.results
    note = {"schema": 1, "clause": broken.clause, "profile": run.profile, "client": run.client, "explanation": broken.explanation}
    note |= {"replies": [failure.reply_json(result) for result in results], "capabilities": dict(session.capabilities)}
    note |= {"errors": list(broken.errors[-10:])} if broken.errors else {}
    fields = session.fields if isinstance(session, OverTheWire) else {}
    try:
        path = failure.write(machine, run.violation.program, run.violation.outcome.values, note, fields)
    except OSError as error:  # what was found counts all the same
        return [f"  not kept: {failure.FOLDER} cannot be written here: {error.strerror}"]
    if not isinstance(client, str):
        return [f"  kept: {path}"]
    again = f"mmspec conform {machine.name} --client {shlex.quote(client)} --profile {run.profile} --program {path}"
    lines = [f"  again: {again}"]
    if client.startswith("exec:"):
        lines.append("  gdb:   " + failure.gdb_line(client.removeprefix("exec:"), path))
    return lines


def not_reached(machine: Machine, run: ConformRun) -> list[str]:
    """Return the clauses of a run's profile that it did not reach."""
    held_to = profile_named(run.profile)
    return [c.id for c in machine.component.clauses if held_to.holds_to(c) and c.id not in run.clauses_reached]


def properties(machine: Machine, run: ConformRun) -> list[tuple[str, str | int]]:
    """Return what a test report notes beside a run's verdict."""
    return [
        ("machine", run.machine),
        ("client", run.client),
        ("profile", run.profile),
        ("verdict", run.verdict),
        ("ops", run.ops),
        ("seed", run.seed),
        ("clauses_reached", len(run.clauses_reached)),
        ("clauses_total", run.clauses_total),
        ("clauses_not_reached", " ".join(not_reached(machine, run))),
        ("not_tested", " ".join(run.not_tested)),
        ("weakened", " ".join(run.weakened)),
    ]
