"""``mmspec check MACHINE...``: the optimised implementation against the law, under the ``linux`` profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import click
from click.core import ParameterSource
from rich.text import Text

from mmprops.branches import Branches, measured
from mmprops.conform import ConformRun, own_session
from mmprops.machine import Machine
from mmprops.machines import MACHINES, machine_named
from mmprops.probing import knock, questioned
from mmprops.telling import not_reached
from mmspec.profile import profile_named
from mmspec_cli.commands.runs import run_json, told, watched
from mmspec_cli.junit import case_of, junit_option, reporting
from mmspec_cli.output import finish, format_option, worst

PROFILES = ("linux", "kernel-6.1")
"""What ``--branches`` holds the implementation to, one after the other: every kernel that the law knows."""

CONFIGURATIONS = 50
"""Configurations that ``--branches`` spoils one field of at a time."""

Judge = Callable[[Machine, str, str], ConformRun]
"""Holds a machine's client of ours to a profile, and notes what came of it."""


@click.command()
@click.argument("machines", nargs=-1)
@click.option("--ops", type=click.IntRange(1), default=20_000, show_default=True, help="Operations to judge.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Decides the programs.")
@click.option("--profile", default="linux", show_default=True, help="What it is held to.")
@click.option("--client", type=click.Choice(["impl", "spec"]), default="impl", show_default=True)
@click.option("--branches", is_flag=True, help="Measure which branches of the law's text are taken, under both kernels.")
@junit_option
@format_option
@click.pass_context
def check(
    context: click.Context,
    machines: tuple[str, ...],
    ops: int,
    seed: int,
    profile: str,
    client: str,
    branches: bool,
    junit: Path | None,
    form: str,
) -> None:
    """Check the implementation of each machine (all by default) against the law."""
    text: list[Text] = []
    fields: dict[str, Any] = {}
    with reporting(junit, machines, client) as cases:
        named = ("profile", "client")
        given = [f"--{name}" for name in named if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
        if branches and given:
            raise click.UsageError(f"--branches holds impl to {' and '.join(PROFILES)}: leave out {' and '.join(given)}")
        chosen = [machine_named(name) for name in machines] or list(MACHINES)

        def judged(machine: Machine, which: str, asked: str) -> ConformRun:
            session = own_session(machine, which, profile_named(asked))
            run = watched(machine, session, asked, ops=ops, seed=seed)
            lines = list(told(machine, session, run, which))
            if missed := sorted(not_reached(machine, run)):
                lines.append(Text(f"  not reached: {', '.join(missed)}"))
            text.extend(lines)
            cases.append(case_of(machine, run, which, [line.plain for line in lines]))
            return run

        if branches:
            runs, fields = reach(chosen, seed, judged, text)
        else:
            runs = [judged(machine, client, profile) for machine in chosen]
    finish(form, worst(run.verdict for run in runs), {"runs": [run_json(run) for run in runs]} | fields, text)


# --- how much of the law is reached ------------------------------------------------------------------------------------


def reach(
    machines: Sequence[Machine], seed: int, judged: Judge, text: list[Text]
) -> tuple[list[ConformRun], dict[str, Any]]:  # fmt: skip
    """Check each machine under every kernel, then ask the law what no right implementation asks it; return what was reached.

    Clauses count where the implementation reached them, branches of the law's text wherever they were taken.
    """

    def run() -> list[ConformRun]:
        runs = [judged(machine, "impl", profile) for machine in machines for profile in PROFILES]
        return runs + [asked_otherwise(machine, seed, judged, text) for machine in machines]

    runs, taken = measured([machine.component for machine in machines], run)
    own = [one for one in runs if one.client == "impl"]
    ids = {clause.id for machine in machines for clause in machine.component.clauses}
    missed = sorted(ids.difference(*(one.clauses_reached for one in own)))
    text.extend(map(Text, reach_text(taken, len(ids), missed)))
    return runs, {"branches": attrs.asdict(taken), "clauses": sorted(ids), "clauses_missed": missed}


def asked_otherwise(machine: Machine, seed: int, judged: Judge, text: list[Text]) -> ConformRun:
    """Hold the law's own choices against it, and ask it about other answers beside each, and about wrong configurations."""
    run = judged(attrs.evolve(machine, component=questioned(machine.component, seed)), "spec", PROFILES[0])
    refused = knock(machine, CONFIGURATIONS, seed)
    text.append(Text(f"  beside it: other answers to each of these operations, and {refused} wrong configurations refused"))
    return run


def reach_text(taken: Branches, total: int, missed: list[str]) -> Iterator[str]:
    """Yield what was reached of the law's clauses and branches, and every branch that was not."""
    share = 100.0 * (total - len(missed)) / total
    yield f"clauses:  {total - len(missed)} of {total} ({share:.1f} %)" + (f", not {', '.join(missed)}" if missed else "")
    yield f"branches: {taken.covered} of {taken.total} ({taken.percent:.1f} %) of the law's text; not taken:"
    yield from (f"  {branch}" for branch in taken.missing)
    yield f"  not counted, having no text: {', '.join(taken.left_out) or 'nothing'}"
