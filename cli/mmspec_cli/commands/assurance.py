"""``mmspec assurance [MACHINE...]``: what stands behind each clause, strongest first, and what the proofs assume."""

from __future__ import annotations

from collections.abc import Iterator

import click
from rich.markup import escape

from mmprops.machines import MACHINES, machine_named
from mmspec_cli.assurance import KINDS, Assurance, Assured, summary
from mmspec_cli.assurance import assurance as gather
from mmspec_cli.output import finish, format_option, people, styled

STYLE = {"proved": "green", "bounded": "green", "tested": "cyan", "manual": "bold red"}
WIDTH = 24


@click.command()
@click.argument("machines", nargs=-1, metavar="[MACHINE]...")
@click.option("--explain", "explained", metavar="CLAUSE", help="Say all that speaks for one clause.")
@format_option
def assurance(machines: tuple[str, ...], explained: str | None, form: str) -> None:
    """Say of each clause (of all machines by default) what speaks for it: proofs, kills of seeded bugs, real kernels."""
    chosen = [machine_named(name) for name in machines] or list(MACHINES)
    known = {clause.id for machine in chosen for clause in machine.component.clauses}
    if explained is not None and explained not in known:
        raise click.UsageError(
            f"there is no clause {explained!r} in {', '.join(m.name for m in chosen)}: mmspec describe names them"
        )
    with people.status("reading what is on record"):
        found = gather(chosen)
    text = assurance_text(found)
    if explained is not None:
        text = explained_text(next(clause for clause in found.clauses if clause.id == explained))
    finish(form, found.verdict, found.json(), text)


def assurance_text(found: Assurance) -> Iterator[str]:
    """Yield a line for each clause, what the kinds mean, what the proofs assume, and what is amiss."""
    yield f"[bold]{'clause':{WIDTH}} strongest  proofs kills  statement[/]"
    for clause in found.clauses:
        strongest = f"[{STYLE.get(clause.strongest, 'default')}]{clause.strongest:9}[/]"
        proofs = clause.count("proved") + clause.count("bounded")
        others = [kind for kind in ("agreed", "predicted") if clause.count(kind)]
        seen = f" [dim]({', '.join(others)} by a real kernel)[/]" if others else ""
        yield f"{clause.id:{WIDTH}} {strongest}  {proofs:6} {len(clause.kills):5}  {escape(clause.statement)}{seen}"
    yield ""
    yield from (f"{kind:10} {count:3} of {len(found.clauses)}: {KINDS[kind]}" for kind, count in found.strongest.items())
    yield ""
    yield "the proofs assume"
    yield from (f"  {len(ids):3} of them: {escape(text)}" for text, ids in found.assumptions.items())
    if not found.assumptions:
        yield "  nothing that is on record"
    if found.unstated:
        yield f"{len(found.unstated)} rows of what the law was written from are no clause, wholly or in part (docs/clauses.toml)"
    yield from amiss_text(found)
    yield f"{styled(found.verdict)} {escape(summary(found))}"


def amiss_text(found: Assurance) -> Iterator[str]:
    """Yield what does not count, and why."""
    for source in found.sources:
        if source.missing:
            yield f"[yellow]missing[/] {escape(source.missing)}"
        if source.stale:
            yield f"[yellow]stale[/]   {source.name} of another text, which count for nothing: {escape(' '.join(source.stale))}"
        yield from (f"[bold red]broken[/]  {escape(line)}" for line in source.broken)


def explained_text(clause: Assured) -> Iterator[str]:
    """Yield all that speaks for a clause, strongest first."""
    yield f"[bold]{clause.id}[/] {escape(clause.statement)}"
    yield f"  read in {escape(clause.source)}"
    yield from (f"  {one.kind:9} {one.ref:{WIDTH + 8}} {escape(one.scope)}" for one in clause.evidence)
