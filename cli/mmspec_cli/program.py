"""The command line: ``mmspec COMMAND``. One file a command in ``commands``; verdicts, exit codes and errors are in ``output``."""

from __future__ import annotations

import click

from mmspec import __version__
from mmspec_cli.commands import COMMANDS


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mmspec")
def cli() -> None:
    """Linux memory management as an executable specification: check, prove, and hold implementations to it."""


for command in COMMANDS:
    cli.add_command(command)
