"""``mmspec bugs [ID...]``: seeded wrong versions of the rules, each of which must be found, shrunk and named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mmprops.bugs import BUGS, UNEXPRESSED, Bug, Kill, bug_named, run_bugs
from mmprops.bugs import record as records
from mmprops.bugs.kill import OPS
from mmprops.bugs.replayed import replay_bugs
from mmprops.machines import MACHINES
from mmspec_cli.output import finish, format_option, people, styled


@click.command()
@click.argument("targets", nargs=-1, metavar="[ID or MACHINE]...")
@click.option("--ops", type=click.IntRange(1), default=OPS, show_default=True, help="Operations in which each must be found.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Decides the programs.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Bugs that are run side by side.")
@click.option(
    "--record", is_flag=True, help="Replay a real kernel with them too, and keep what comes of it all in properties/kills.json."
)
@click.option("--list", "only_list", is_flag=True, help="Say what each bug is, and run none.")
@format_option
def bugs(targets: tuple[str, ...], ops: int, seed: int, workers: int, record: bool, only_list: bool, form: str) -> None:
    """Plant each bug (all by default) in a process of its own and see that it is found, shrunk and named."""
    if record and only_list:
        raise click.UsageError("--list runs no bug, so that --record has nothing to keep: give one of them")
    selection = selected(targets)
    if only_list:
        listed = {"bugs": [described(bug) for bug in selection], "unexpressed": UNEXPRESSED}
        finish(form, "pass", listed, list_text(selection))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=people, transient=True) as bar:
        task = bar.add_task("bugs", total=len(selection))
        kills = run_bugs(selection, workers, ops=ops, seed=seed, progress=lambda _: bar.advance(task))
    if record:
        with people.status("replaying a real kernel with each bug that it could show"):
            replays = replay_bugs(selection, workers)
        records.write(selection, kills, replays, BUGS)
    verdict = "pass" if all(kill.killed for kill in kills) else "fail"
    checked = sorted({kill.clause for kill in kills if kill.clause is not None})
    fields = {
        "bugs": [records.row_of(kill) for kill in kills],
        "clauses_checked": checked,
        "unexpressed": UNEXPRESSED,
        "seed": seed,
    }
    finish(form, verdict, fields, kills_text(kills, verdict, len(checked)))


def selected(targets: tuple[str, ...]) -> list[Bug]:
    """Return the bugs that are named by id or by machine, all if none is."""
    found: dict[str, Bug] = {}
    for target in targets or sorted(MACHINES.names):
        for bug in [b for b in BUGS if b.component == target] if target in MACHINES.names else [bug_named(target)]:
            found[bug.id] = bug
    return list(found.values())


def described(bug: Bug) -> dict[str, Any]:
    """Return what a bug is."""
    return {
        "id": bug.id,
        "machine": bug.component,
        "clause": bug.clause,
        "what": bug.what,
        "reference": bug.reference,
        "profile": bug.profile,
        "functions": list(bug.patches),
    }


def list_text(selection: list[Bug]) -> Iterator[str]:
    """Yield a line for each bug, and for each that cannot be expressed yet."""
    for bug in selection:
        yield f"{bug.id:30} {bug.clause:24} {bug.what}"
    yield ""
    yield f"{len(UNEXPRESSED)} bugs of the collection cannot be expressed yet:"
    missing: dict[str, list[str]] = {}
    for bug_id, what in UNEXPRESSED.items():
        missing.setdefault(what, []).append(bug_id)
    for what, ids in missing.items():
        yield f"  {what}: {' '.join(ids)}"


def kills_text(kills: list[Kill], verdict: str, checked: int) -> Iterator[str]:
    """Yield a line for each bug, and the sum."""
    for kill in kills:
        mark = "[green]killed[/]" if kill.killed else "[bold red]alive [/]"
        shrunk = "" if kill.shrunk_ops is None else f"{kill.shrunk_ops} operations"
        yield f"{mark} {kill.id:30} {kill.expected:24} {shrunk:14} {kill.seconds:6.1f} s  {escape(kill.reason)}"
    killed = [kill for kill in kills if kill.killed]
    yield f"{styled(verdict)} {len(killed)} of {len(kills)} bugs killed, naming {checked} clauses"
    yield f"{len(UNEXPRESSED)} bugs of the collection cannot be expressed yet: mmspec bugs --list says what each needs"
