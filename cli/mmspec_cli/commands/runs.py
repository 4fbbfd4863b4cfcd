"""What ``check`` and ``conform`` share: a run under way, as JSON, and as text with colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from mmprops import failure
from mmprops.conform import ConformRun, Violation, judge_session
from mmprops.machine import Machine
from mmprops.program import Program
from mmprops.session import Session
from mmprops.telling import kept, run_text, violation_text
from mmspec.profile import profile_named
from mmspec_cli.output import STYLE, people


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


def told(machine: Machine, session: Session, run: ConformRun, client: str) -> Iterator[Text]:
    """Yield a run and its failure as text with colours; the failure is written to its file."""
    first, *rest = run_text(run)
    yield Text.assemble((run.verdict, STYLE[run.verdict]), first.removeprefix(run.verdict))
    yield from map(Text, rest)
    if run.violation is not None:
        for line in violation_text(machine, run.violation):
            coloured = Text(line)
            coloured.highlight_regex(f"^  {re.escape(run.violation.broken.clause)}", "bold")
            coloured.highlight_regex("^  >", "red")
            coloured.highlight_regex(r"\(did not happen again: flaky\)$", "yellow")
            yield coloured
        yield from map(Text, kept(machine, session, run, client))
