"""``mmspec check MACHINE...``: the optimised implementation against the law, under the ``linux`` profile."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from mmprops.conform import own_session
from mmprops.machines import MACHINES, machine_named
from mmspec.profile import profile_named
from mmspec_cli.commands.runs import run_json, told, watched
from mmspec_cli.junit import case_of, junit_option, reporting
from mmspec_cli.output import finish, format_option, worst


@click.command()
@click.argument("machines", nargs=-1)
@click.option("--ops", type=click.IntRange(1), default=20_000, show_default=True, help="Operations to judge.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Decides the programs.")
@click.option("--profile", default="linux", show_default=True, help="What it is held to.")
@click.option("--client", type=click.Choice(["impl", "spec"]), default="impl", show_default=True)
@junit_option
@format_option
def check(machines: tuple[str, ...], ops: int, seed: int, profile: str, client: str, junit: Path | None, form: str) -> None:
    """Check the implementation of each machine (all by default) against the law."""
    runs = []
    text: list[Text] = []
    with reporting(junit, machines, client) as cases:
        held_to = profile_named(profile)
        for machine in [machine_named(name) for name in machines] or MACHINES:
            session = own_session(machine, client, held_to)
            run = watched(machine, session, profile, ops=ops, seed=seed)
            lines = list(told(machine, session, run, client))
            runs.append(run)
            text += lines
            cases.append(case_of(machine, run, client, [line.plain for line in lines]))
    finish(form, worst(run.verdict for run in runs), {"runs": [run_json(run) for run in runs]}, text)
