"""``mmspec list``: the machines, how many clauses each has, and which clients can be held against it."""

from __future__ import annotations

import click

from mmprops.clients.registry import BUILT_IN, FORMS
from mmprops.machines import MACHINES
from mmspec_cli.output import finish, format_option


@click.command("list")
@format_option
def list_machines(form: str) -> None:
    """List the machines."""
    clients = ["impl", "spec", *BUILT_IN, *FORMS]
    machines = [{"name": m.name, "clauses": len(m.component.clauses), "clients": clients} for m in MACHINES]
    text = [f"{m['name']:12} {m['clauses']} clauses" for m in machines]
    text.append("clients: " + ", ".join(clients).replace("[", r"\["))
    finish(form, "pass", {"machines": machines}, text)
