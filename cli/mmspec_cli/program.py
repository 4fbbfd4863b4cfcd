"""The command line: ``mmspec COMMAND``. One file a command in ``commands``; verdicts, exit codes and errors are in ``output``."""

from __future__ import annotations

import click

from mmspec import __version__
from mmspec_cli.commands import COMMANDS


class Commands(click.Group):
    """The commands by name: only the one that is run is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names as help lists them."""
        return sorted(COMMANDS.names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, or None."""
        return COMMANDS.named(cmd_name) if cmd_name in COMMANDS.names else None


@click.group(cls=Commands, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mmspec")
def cli() -> None:
    """Linux memory management as an executable specification: check, prove, and hold implementations to it."""
