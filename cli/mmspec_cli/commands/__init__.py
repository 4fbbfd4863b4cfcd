"""One module a command, in one explicit tuple."""

from __future__ import annotations

import click

from mmspec_cli.commands.assurance import assurance
from mmspec_cli.commands.bench import bench
from mmspec_cli.commands.bugs import bugs
from mmspec_cli.commands.check import check
from mmspec_cli.commands.conform import conform
from mmspec_cli.commands.describe import describe
from mmspec_cli.commands.list import list_machines
from mmspec_cli.commands.prove import prove
from mmspec_cli.commands.replay import replay
from mmspec_cli.commands.report import report
from mmspec_cli.commands.vectors import vectors
from mmspec_cli.commands.verify import verify
from mmspec_cli.commands.walk import walk

COMMANDS: tuple[click.Command, ...] = (
    list_machines, describe, check, conform, prove, vectors, replay, walk, bugs, assurance, report, bench, verify,
)  # fmt: skip
