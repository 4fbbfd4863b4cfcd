"""``mmspec describe MACHINE``: its configuration, operations, capabilities and clauses; or a client to start from."""

from __future__ import annotations

import attrs
import click

from mmprops.clients import wire
from mmprops.examples import SUFFIXES, adapter_source
from mmprops.machines import machine_named
from mmspec_cli.output import finish, format_option, printing


@click.command()
@click.argument("machine")
@click.option("--adapter", type=click.Choice(tuple(SUFFIXES)), help="Print a client to start from, in this language.")
@format_option
def describe(machine: str, adapter: str | None, form: str) -> None:
    """Describe a machine."""
    which = machine_named(machine)
    if adapter is not None:
        source = adapter_source(machine, adapter)
        if form == "text":
            with printing():  # to the byte: a console would turn its tabs into spaces
                print(source, end="")
        finish(form, "pass", {"machine": machine, "adapter": adapter, "source": source})
    component = which.component
    operations = {
        op.name: {
            "args": wire.schema(op.request),
            "result": wire.schema(op.result),
            "errors": list(op.errors),
            "main": op.main,
            "capability": which.requires.get(op.name),
        }
        for op in component.operations
    }
    capabilities = {name: {"default": c.default, "meaning": c.meaning} for name, c in which.capabilities.items()}
    clauses = [
        {"id": c.id, "statement": c.sentence, "source": c.source, "since": c.since, "until": c.until} for c in component.clauses
    ]
    fields = {
        "machine": machine,
        "config": wire.schema(component.config),
        "operations": operations,
        "capabilities": capabilities,
        "clauses": clauses,
    }
    text = [f"[bold]{machine}[/]", "", "operations"]
    for op in component.operations:
        arguments, results = (", ".join(f.name for f in attrs.fields(record)) for record in (op.request, op.result))
        needs = f"  needs {which.requires[op.name]}" if op.name in which.requires else ""
        text.append(f"  {op.name} {{{arguments}}} -> {{{results}}}  {' '.join(op.errors)}{needs}")
    text += ["", "capabilities", *(f"  {name} (default {c['default']}): {c['meaning']}" for name, c in capabilities.items())]
    text += ["", "clauses", *(f"  {c['id']:26} {c['statement']}" for c in clauses)]
    finish(form, "pass", fields, text)
