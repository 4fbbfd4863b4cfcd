"""``mmspec prove [ID or MACHINE...]``: what is proved about the law's own functions, and on what it rests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from rich.markup import escape

from mmspec_cli.output import finish, format_option, people, styled

if TYPE_CHECKING:  # importing the solver takes a second that the other commands need not wait for
    from mmproofs.solve import Record, Report


@click.command()
@click.argument("targets", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="List the obligations without deciding them.")
@click.option("--matrix", "as_matrix", is_flag=True, help="Print operation against invariant.")
@click.option("--explain", "explained", metavar="ID", help="Say all that is known about one obligation.")
@click.option("--smt2", type=click.Path(path_type=Path, file_okay=False), help="Write each question there as SMT-LIB.")
@click.option("--fresh", is_flag=True, help="Prove anew what the ledger knows.")
@format_option
def prove(
    targets: tuple[str, ...], only_list: bool, as_matrix: bool, explained: str | None, smt2: Path | None, fresh: bool, form: str
) -> None:
    """Prove obligations (all by default), or read from the ledger what it knows about the text as it is now."""
    from mmproofs.solve import explain, listing, selected
    from mmproofs.solve import prove as decide

    if explained is not None:
        known = explain(explained)
        finish(form, "pass", {"obligations": [known]}, [escape(f"{key}: {value}") for key, value in known.items()])
    if only_list:
        wanted = {obligation.id for obligation in selected(targets)}
        listed = [facts for facts in listing() if facts["id"] in wanted]
        finish(form, "pass", {"obligations": listed}, [escape(f"{o['id']:40} {o['statement']}") for o in listed])
    with people.status("proving") as status:
        report = decide(targets, fresh=fresh, smt2=smt2, progress=lambda r: status.update(f"proving: {r.id} {r.verdict}"))
    records = [attrs.asdict(record) for record in report.obligations]
    text = list(matrix_text(report.matrix()) if as_matrix else report_text(report))
    finish(form, report.verdict, {"obligations": records, "matrix": report.matrix()}, text)


def report_text(report: Report) -> Iterator[str]:
    """Yield a line for each obligation, and the sum."""
    for record in report.obligations:
        yield record_text(record)
    cached = [record for record in report.obligations if record.cached]
    seconds = sum(record.seconds for record in report.obligations if not record.cached)
    counted = f"{len(report.obligations)} obligations, {len(cached)} read from the ledger"
    yield f"{styled(report.verdict)} {counted}, {seconds:.0f} s of proof"


def record_text(record: Record) -> str:
    """Return an obligation's line."""
    from mmproofs.solve import standing

    scope = ", ".join(f"{name} {limit}" for name, limit in record.scope["bounds"].items()) or "all states"
    from_where = "ledger" if record.cached else f"{record.seconds:.1f} s, {record.paths} paths"
    line = f"{record.verdict:8} {record.id:44} {record.statement} ({scope}; {from_where})"
    mark = "green" if standing(record) == "pass" else "red"
    return f"[{mark}]{escape(line[:8])}[/]{escape(line[8:])}" + (f" {escape(record.reason)}" if record.reason else "")


def matrix_text(matrix: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield the matrix, one cell a line: a cell that is not proved needs the room for its reason."""
    for operation, row in matrix.items():
        yield f"[bold]{escape(operation)}[/]"
        for invariant, cell in row.items():
            yield f"  {escape(f'{invariant:28} {cell}')}"
