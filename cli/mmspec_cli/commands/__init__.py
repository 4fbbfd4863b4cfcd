"""One module a command, in one explicit list."""

from __future__ import annotations

import click

from mmspec.registry import Registry

COMMANDS: Registry[click.Command] = Registry(
    {
        "list": "mmspec_cli.commands.list:list_machines",
        "describe": "mmspec_cli.commands.describe:describe",
        "check": "mmspec_cli.commands.check:check",
        "conform": "mmspec_cli.commands.conform:conform",
        "prove": "mmspec_cli.commands.prove:prove",
        "vectors": "mmspec_cli.commands.vectors:vectors",
        "replay": "mmspec_cli.commands.replay:replay",
        "walk": "mmspec_cli.commands.walk:walk",
        "bugs": "mmspec_cli.commands.bugs:bugs",
        "assurance": "mmspec_cli.commands.assurance:assurance",
        "report": "mmspec_cli.commands.report:report",
        "bench": "mmspec_cli.commands.bench:bench",
        "verify": "mmspec_cli.commands.verify:verify",
    }
)
