"""``mmspec replay CAPTURE``: a real kernel's trace against the specification, and its snapshots against themselves."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Any

import click

from mmprops.machine import ENGINES
from mmprops.machines import LEVELS
from mmprops.traces.archive import Capture, open_capture
from mmprops.traces.checks import Row, snapshot_checks
from mmprops.traces.replay import Replay
from mmspec.errors import FileError
from mmspec_cli.output import finish, format_option, people, styled, worst


@click.command()
@click.argument("capture")
@click.option("--engine", type=click.Choice(ENGINES), default="spec", show_default=True, help="What follows the trace.")
@click.option(
    "--level", type=click.Choice(list(LEVELS)), default="blocks", show_default=True, help="blocks: frame numbers are inputs."
)
@click.option("--snapshots", is_flag=True, help="Check the snapshots only.")
@format_option
def replay(capture: str, engine: str, level: str, snapshots: bool, form: str) -> None:
    """Replay the capture of a running kernel (a directory, or the prefix of its archives)."""
    began = time.monotonic()
    opened = opened_capture(Path(capture))
    with people.status("checking the snapshots"):
        rows = snapshot_checks(opened)
    followed = None
    if not snapshots:
        with people.status(f"replaying with {engine}"):
            followed = LEVELS[level].replay[level](opened, engine)
    verdict = worst([row.verdict for row in rows] + ([followed.verdict] if followed else []))
    fields = {
        "level": level,
        "engine": engine,
        "snapshots": [{"tag": r.tag, "check": r.check, "verdict": r.verdict, "detail": r.detail} for r in rows],
    }
    finish(
        form,
        verdict,
        fields | replay_json(followed) | {"seconds": round(time.monotonic() - began, 3)},
        replay_text(rows, followed),
    )


def opened_capture(path: Path) -> Capture:
    """Open a capture (FileError: it is damaged, or a program: what ``conform`` takes up again people call a replay, too)."""
    if path.suffix == ".jsonl" and path.is_file():
        again = f"mmspec conform MACHINE --client CLIENT --program {shlex.quote(str(path))}"
        raise FileError("is a program for a client, not a capture of a kernel", where=str(path), hint=f"to carry it out: {again}")
    return open_capture(path)


def replay_json(followed: Replay | None) -> dict[str, Any]:
    """Return a replay with the fields of the interface; at the level of blocks nothing is predicted."""
    nothing_predicted = dict.fromkeys(("predicted", "mispredicted", "unpredictable", "resyncs", "zone_from_pfn"))
    if followed is None:
        return {
            "events": None,
            "allocations": None,
            **nothing_predicted,
            "lists_compared": 0,
            "lists_equal": 0,
            "first_miss": None,
        }
    unequal = next((c for c in followed.comparisons if not c.equal), None)
    difference = None if unequal is None else f"{unequal.tag}, zone {unequal.zone}, order {unequal.order}: the free blocks differ"
    return {
        "events": followed.events,
        "allocations": followed.allocations,
        **nothing_predicted,
        "lists_compared": len(followed.comparisons),
        "lists_equal": followed.lists_equal,
        "first_miss": followed.first_contradiction or difference,
        "steps": followed.steps,
        "lost": followed.lost,
        "missing_events": list(followed.missing_events),
        "unannounced_frees": followed.bypassed + followed.adopted,
    }


def replay_text(rows: list[Row], followed: Replay | None) -> list[str]:
    """Return a replay as text."""
    text = [f"{styled(row.verdict)} {row.tag:5} {row.check:16} {row.detail}" for row in rows]
    if followed is None:
        return text
    compared = f"{followed.lists_equal} of {len(followed.comparisons)} sets of free blocks equal those in the kernel's RAM"
    counted = f"{followed.events} events, {followed.steps} operations on free blocks, {followed.allocations} allocations"
    text.append(f"{styled(followed.verdict)} {counted}; {compared}")
    shown: dict[str, list[int]] = {}
    for comparison in followed.comparisons:
        equal, total = shown.setdefault(f"{comparison.tag} {comparison.zone}", [0, 0])
        shown[f"{comparison.tag} {comparison.zone}"] = [equal + comparison.equal, total + 1]
    text += [f"  {place:16} {equal} of {total} orders equal" for place, (equal, total) in shown.items()]
    if followed.first_contradiction:
        text.append(f"  first contradiction: {followed.first_contradiction}")
    if followed.lost or followed.missing_events:
        text.append(f"  events lost: {followed.lost}; not traced: {', '.join(followed.missing_events) or 'none'}")
    return text
