"""``mmspec bench [NAME...]``: our own speed and size beside yardsticks, in one run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import click
from rich.markup import escape

from mmspec.errors import InputError
from mmspec_cli.output import envelope, finish, format_option, people, styled


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--list", "only_list", is_flag=True, help="Say what can be measured, and measure nothing.")
@click.option("--quick", is_flag=True, help="Smaller zones, fewer operations: under twenty seconds.")
@click.option("--largest", type=click.IntRange(10, 26), help="Log2 of the most pages [default: 24; 18 with --quick].")
@click.option("--turns", type=click.IntRange(1), help="How often each side has its turn [default: 7; 5 with --quick].")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the JSON object there.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw there how the replay grows, as an SVG.")
@format_option
def bench(
    names: tuple[str, ...],
    only_list: bool,
    quick: bool,
    largest: int | None,
    turns: int | None,
    out: Path | None,
    plot: Path | None,
    form: str,
) -> None:
    """Measure each subject (all by default) beside its yardstick; a target that is missed is a failure.

    A whole run takes minutes and 3 GiB of memory: --quick shows the same on smaller zones.
    """
    from mmprops.bench import FULL, QUICK, SUBJECTS, Left, Row, curves, subject_named
    from mmprops.bench.plot import growth_svg

    subjects = [subject_named(name) for name in dict.fromkeys(names)] or list(SUBJECTS)
    if only_list:
        listed = [{"name": subject.name, "what": subject.what, "needs": subject.missing()} for subject in subjects]
        text = [f"{line['name']:12}{line['what']}" + (f"; needs {line['needs']}" if line["needs"] else "") for line in listed]
        finish(form, "pass", {"subjects": listed}, text)
    if plot is not None and all(subject.name != "replay" for subject in subjects):
        raise InputError("--plot draws what 'replay' measures: name it too", hint="mmspec bench replay --plot FILE")
    for path in filter(None, (out, plot)):
        demand_writable(path)
    effort = QUICK if quick else FULL
    effort = attrs.evolve(effort, largest=largest or effort.largest, turns=turns or effort.turns)
    rows: list[Row] = []
    left: list[Left] = []
    with people.status("measuring") as status:
        for subject in subjects:
            status.update(f"{subject.name}: {subject.what}")
            lacking = subject.missing()
            for finding in subject.measure(effort) if lacking is None else [Left(subject.name, lacking)]:
                if isinstance(finding, Row):
                    rows.append(finding)
                    status.update(f"{subject.name}: {finding.name} {finding.ours:.4g} {finding.unit}")
                else:
                    left.append(finding)
    verdict = verdict_of(rows)
    drawn = curves(rows)
    fields: dict[str, Any] = {
        "rows": [row.json() for row in rows],
        "left_out": [attrs.asdict(one) for one in left],
        "curves": [attrs.asdict(curve) for curve in drawn],
    }
    if out is not None:
        write(out, json.dumps(envelope(verdict, fields)) + "\n")
    if plot is not None and drawn:
        write(plot, growth_svg(drawn))
    finish(form, verdict, fields, text_of(rows, left, verdict))


def verdict_of(rows: Sequence[Any]) -> str:
    """Return ``fail`` where a target is missed, ``unknown`` where nothing or not all could be decided, else ``pass``."""
    if any(row.met is False for row in rows):
        return "fail"
    if not rows or any(row.target is not None and row.met is None for row in rows):
        return "unknown"
    return "pass"


def demand_writable(path: Path) -> None:
    """Raise InputError where a file cannot be written, before minutes are spent on its contents."""
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {path.parent}", hint="make it first", where=str(path))
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"cannot write {path}: permission denied", hint="name another place", where=str(path))


def write(path: Path, text: str) -> None:
    """Write a file (InputError: it cannot be written)."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", hint="name another place", where=str(path)) from None


def text_of(rows: Sequence[Any], left: Sequence[Any], verdict: str) -> Iterator[str]:
    """Yield a line for each row and for what was left out, and the sum."""
    said = {True: "[green]met   [/]", False: "[bold red]missed[/]", None: "[dim]-     [/]"}
    width = max([30, *(len(row.name) + 2 for row in rows)])
    for row in rows:
        (anchor, value), *_ = row.anchors.items()
        bound = "" if row.target is None else f" ({'at least' if row.at_least else 'at most'} {row.target:g})"
        beside = f"{number(value)} {anchor}"
        yield f"{said[row.met]} {row.name:{width}}{number(row.ours):>9} {row.unit:25} {escape(beside):37} {row.ratio:g}{bound}"
    for one in left:
        yield f"[dim]left out[/] {one.name}: needs {one.needs}"
    met, with_target = sum(row.met is True for row in rows), sum(row.target is not None for row in rows)
    undecided = sum(row.target is not None and row.met is None for row in rows)
    more = f", {undecided} undecided here" if undecided else ""
    yield f"{styled(verdict)} {met} of {with_target} targets met{more}"


def number(value: float) -> str:
    """Return a figure with as many digits as people read."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
