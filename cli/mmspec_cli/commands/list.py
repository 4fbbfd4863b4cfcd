"""``mmspec list``: the machines, how many clauses each has, and which clients can be held against it."""

from __future__ import annotations

import click
from rich.markup import escape

from mmprops.clients.registry import BUILT_IN, FORMS
from mmprops.machines import MACHINES
from mmspec_cli.output import finish, format_option


def clients_of(machine: str) -> list[str]:
    """Return the names of clients that can be held against a machine, and the forms of names."""
    return ["impl", "spec", *(name for name, client in BUILT_IN.items() if client.machine == machine), *FORMS]


@click.command("list")
@format_option
def list_machines(form: str) -> None:
    """List the machines."""
    machines, text = [], []
    for machine in MACHINES:
        clauses, clients = len(machine.component.clauses), clients_of(machine.name)
        machines.append({"name": machine.name, "clauses": clauses, "clients": clients})
        text.append(f"{machine.name:12} {clauses} clauses; clients: {escape(', '.join(clients))}")
    finish(form, "pass", {"machines": machines}, text)
