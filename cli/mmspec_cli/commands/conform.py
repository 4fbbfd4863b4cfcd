"""``mmspec conform MACHINE --client C``: somebody's implementation against the law."""

from __future__ import annotations

from pathlib import Path

import click

from mmprops import failure
from mmprops.conform import open_session
from mmprops.machines import machine_named
from mmspec.errors import InputError
from mmspec.profile import profile_named
from mmspec_cli.commands.runs import run_json, told, watched
from mmspec_cli.junit import case_of, junit_option, reporting
from mmspec_cli.output import finish, format_option


@click.command()
@click.argument("machine")
@click.option("--client", required=True, help="impl, spec, exec:COMMAND, lib:./libfoo.so, python:package.module:factory, ...")
@click.option("--profile", default="any", show_default=True, help="any, linux, kernel-6.12 or kernel-6.1.")
@click.option("--ops", type=click.IntRange(1), default=20_000, show_default=True, help="Operations to judge.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Decides the programs.")
@click.option("--timeout", type=click.FloatRange(0.01), default=5.0, show_default=True, help="Seconds for a reply.")
@click.option("--program", type=click.Path(path_type=Path), help="Carry out this program instead of searching.")
@junit_option
@format_option
def conform(
    machine: str,
    client: str,
    profile: str,
    ops: int,
    seed: int,
    timeout: float,
    program: Path | None,
    junit: Path | None,
    form: str,
) -> None:
    """Hold a client against the specification of a machine."""
    with reporting(junit, [machine], client) as cases:
        which, held_to = machine_named(machine), profile_named(profile)
        stored = None if program is None else failure.read(program)
        if stored is not None and stored.program.machine != machine:
            raise InputError(f"{program} is a program for {stored.program.machine}, not for {machine}", where=str(program))
        session = open_session(which, client, held_to, timeout)
        try:
            run = watched(which, session, profile, ops=ops, seed=seed, program=None if stored is None else stored.program)
        finally:
            session.close()
        text = list(told(which, session, run, client))
        cases.append(case_of(which, run, client, [line.plain for line in text]))
    finish(form, run.verdict, {"runs": [run_json(run)]}, text)
