"""What ``check`` and ``conform`` share: a run as JSON, as text, and its failure file."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mmprops import failure
from mmprops.conform import ConformRun, Violation, judge_session
from mmprops.lockstep import shown
from mmprops.machine import Machine
from mmprops.program import Program, resolved
from mmprops.session import Session
from mmspec.profile import profile_named
from mmspec_cli.output import people, styled


def watched(
    machine: Machine, session: Session, profile: str, *, ops: int, seed: int, program: Program | None = None
) -> ConformRun:
    """Hold a session against the law under the profile of a name, with progress for people."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=people, transient=True) as bar:
        task = bar.add_task(escape(f"{machine.name}: {session.name}"), total=ops)
        return judge_session(
            machine,
            session,
            profile_named(profile),
            ops=ops,
            seed=seed,
            program=program,
            progress=lambda done, _: bar.update(task, completed=done),
            asked=profile,
        )


def run_json(run: ConformRun) -> dict[str, Any]:
    """Return a run with exactly the fields of the interface, and the seed."""
    return {
        "machine": run.machine,
        "client": run.client,
        "profile": run.profile,
        "verdict": run.verdict,
        "ops": run.ops,
        "seconds": round(run.seconds, 3),
        "clauses_reached": list(run.clauses_reached),
        "clauses_total": run.clauses_total,
        "not_tested": list(run.not_tested),
        "weakened": list(run.weakened),
        "violation": None if run.violation is None else violation_json(run.violation),
        "reason": run.reason,
        "seed": run.seed,
        "configurations": run.configurations,
    }


def violation_json(violation: Violation) -> dict[str, Any]:
    """Return a violation with the fields of the interface."""
    fields = {
        "clause": violation.broken.clause,
        "explanation": violation.broken.explanation,
        "program": failure.program_json(violation.program),
        "observed": failure.reply_json(violation.broken.observed),
        "shrunk_ops": len(violation.program.steps),
        "config": failure.config_json(violation.program.config),
    }
    return fields | {"flaky": True} if violation.flaky else fields


def run_text(machine: Machine, run: ConformRun) -> Iterator[str]:
    """Yield a run as text, without its failure."""
    rate = run.ops / run.seconds if run.seconds else 0.0
    judged = f"{run.ops} operations on {run.configurations} configurations in {run.seconds:.1f} s ({rate:.0f}/s)"
    clauses = f"{len(run.clauses_reached)} of {run.clauses_total} clauses, seed {run.seed}"
    yield f"{styled(run.verdict)} {run.machine}: {escape(run.client)} under {run.profile}, {judged}, {clauses}"
    if run.reason:
        yield f"  {escape(run.reason)}"
    if run.not_tested:
        yield f"  not tested, since not promised: {', '.join(run.not_tested)}"
    if run.weakened:
        yield f"  weakened by: {', '.join(run.weakened)}"


def kept(machine: Machine, run: ConformRun, client: str, profile: str, fields: Mapping[str, Any]) -> list[str]:
    """Write a run's failure file and return the last lines: how to run it again, and how to run the client on it under gdb."""
    assert run.violation is not None
    note = {"schema": 1, "clause": run.violation.broken.clause, "profile": run.profile, "client": run.client}
    note["explanation"] = run.violation.broken.explanation
    try:
        path = failure.write(machine, run.violation.program, run.violation.outcome.values, note, fields)
    except OSError as error:  # what was found counts all the same
        return [escape(f"  not kept: {failure.FOLDER} cannot be written here: {error.strerror}")]
    again = f"mmspec conform {machine.name} --client {shlex.quote(client)} --profile {profile} --program {path}"
    lines = [escape(f"  again: {again}")]
    if client.startswith("exec:"):
        lines.append(escape("  gdb:   " + failure.gdb_line(client.removeprefix("exec:"), path)))
    return lines


def violation_text(machine: Machine, violation: Violation) -> Iterator[str]:
    """Yield a failure: the clause, the program with what was answered, and a picture of the state that it met."""
    broken = violation.broken
    sentence = next((c.sentence for c in machine.component.clauses if c.id == broken.clause), "")
    yield f"  [bold]{broken.clause}[/] {sentence}"
    yield f"  {escape(broken.explanation)}" + (" [yellow](did not happen again: flaky)[/]" if violation.flaky else "")
    yield f"  on {escape(shown(violation.program.config))}"
    for index, (name, written) in enumerate(violation.program.steps):
        request = resolved(written, violation.outcome.values.__getitem__)
        answer = violation.outcome.values[index] if index < len(violation.outcome.values) else None
        mark = "[red]>[/]" if index == broken.step else " "
        yield f"  {mark} {index:3d} {name} {shown(request) if request is not None else '(refers to a step that failed)'}" + (
            f" = {answer:#x}" if isinstance(answer, int) else ""
        )
    if broken.errors:
        yield "  the client's last lines on stderr"
        yield from (f"    {escape(line)}" for line in broken.errors[-10:])
    if violation.outcome.state is not None:
        yield "  before that step"
        yield from (f"    {line}" for line in machine.picture(violation.outcome.state, None))
