"""``mmspec check MACHINE...``: the optimised implementation against the law, under the ``linux`` profile."""

from __future__ import annotations

import click

from mmprops.conform import own_session
from mmprops.machines import MACHINES, machine_named
from mmspec.profile import profile_named
from mmspec_cli.commands.runs import kept, run_json, run_text, violation_text, watched
from mmspec_cli.output import finish, format_option, worst


@click.command()
@click.argument("machines", nargs=-1)
@click.option("--ops", type=click.IntRange(1), default=20_000, show_default=True, help="Operations to judge.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Decides the programs.")
@click.option("--profile", default="linux", show_default=True, help="What it is held to.")
@click.option("--client", type=click.Choice(["impl", "spec"]), default="impl", show_default=True)
@format_option
def check(machines: tuple[str, ...], ops: int, seed: int, profile: str, client: str, form: str) -> None:
    """Check the implementation of each machine (all by default) against the law."""
    held_to = profile_named(profile)
    runs = []
    text: list[str] = []
    for machine in [machine_named(name) for name in machines] or MACHINES:
        run = watched(machine, own_session(machine, client, held_to), profile, ops=ops, seed=seed)
        runs.append(run)
        text += run_text(machine, run)
        if run.violation is not None:
            text += [*violation_text(machine, run.violation), *kept(machine, run, client, profile, {})]
    finish(form, worst(run.verdict for run in runs), {"runs": [run_json(run) for run in runs]}, text)
