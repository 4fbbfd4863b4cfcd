"""The command line: ``mmspec COMMAND``. One file a command in ``commands``; verdicts, exit codes and errors are here."""

from __future__ import annotations

import sys

import click

from mmspec import __version__
from mmspec_cli import output
from mmspec_cli.commands import COMMANDS


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mmspec")
def cli() -> None:
    """Linux memory management as an executable specification: check, prove, and hold implementations to it."""


for command in COMMANDS:
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    sys.exit(output.run(cli, arguments))


if __name__ == "__main__":
    main()
