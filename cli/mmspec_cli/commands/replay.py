"""``mmspec replay CAPTURE``: a real kernel's trace against the specification, and its snapshots against themselves."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Any

import click

from mmprops.machine import ENGINES
from mmprops.machines import LEVELS, machine_named
from mmprops.traces.archive import Capture, open_capture
from mmprops.traces.checks import Row, snapshot_checks
from mmprops.traces.exact import CAUSES
from mmprops.traces.replay import Prediction, Replay
from mmspec.errors import FileError
from mmspec_cli.output import finish, format_option, people, styled, worst


@click.command()
@click.argument("capture")
@click.option("--engine", type=click.Choice(ENGINES), default="spec", show_default=True, help="What follows the trace.")
@click.option(
    "--level",
    type=click.Choice(list(LEVELS)),
    default="exact",
    show_default=True,
    help="blocks: frame numbers are inputs; exact: they are foretold.",
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
            followed = machine_named(LEVELS[level]).replay[level](opened, engine)
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
    if followed is None:
        return {
            "events": None,
            "allocations": None,
            **prediction_json(None),
            "lists_compared": 0,
            "lists_equal": 0,
            "first_miss": None,
        }
    foretold = followed.prediction
    answer = {
        "events": followed.events,
        "allocations": followed.allocations,
        **prediction_json(foretold),
        "lists_compared": len(followed.comparisons),
        "lists_equal": followed.lists_equal,
        "first_miss": followed.first_miss,
        "steps": followed.steps,
        "lost": followed.lost,
        "missing_events": list(followed.missing_events),
        "unannounced_frees": followed.bypassed + followed.adopted,
    }
    if foretold is not None:
        answer |= {"pageblocks_compared": foretold.pageblocks, "pageblocks_equal": foretold.pageblocks_equal}
        answer |= {"captured": foretold.captured, "searches_unfollowed": foretold.unfollowed}
        answer |= {"dropped": foretold.dropped, "sight_lost": foretold.blind}
    return answer


def prediction_json(foretold: Prediction | None) -> dict[str, Any]:
    """Return what was predicted; nulls where nothing was."""
    if foretold is None:
        return dict.fromkeys(("predicted", "mispredicted", "unpredictable", "resyncs", "zone_from_pfn"))
    return {
        "predicted": foretold.predicted,
        "mispredicted": foretold.mispredicted,
        "unpredictable": dict(foretold.unpredictable),
        "resyncs": foretold.resyncs,
        "zone_from_pfn": foretold.zone_from_pfn,
    }


def replay_text(rows: list[Row], followed: Replay | None) -> list[str]:
    """Return a replay as text."""
    text = [f"{styled(row.verdict)} {row.tag:5} {row.check:16} {row.detail}" for row in rows]
    if followed is None:
        return text
    foretold = followed.prediction
    lists = "sets of free blocks" if foretold is None else "ordered free lists"
    compared = f"{followed.lists_equal} of {len(followed.comparisons)} {lists} equal those in the kernel's RAM"
    counted = f"{followed.events} events, {followed.steps} operations on free blocks, {followed.allocations} allocations"
    text.append(f"{styled(followed.verdict)} {counted}; {compared}")
    if foretold is not None:
        text += prediction_text(followed.allocations, foretold)
    shown: dict[str, list[int]] = {}
    for comparison in followed.comparisons:
        equal, total = shown.setdefault(f"{comparison.tag} {comparison.zone}", [0, 0])
        shown[f"{comparison.tag} {comparison.zone}"] = [equal + comparison.equal, total + 1]
    what = "orders" if foretold is None else "lists"
    text += [f"  {place:16} {equal} of {total} {what} equal" for place, (equal, total) in shown.items()]
    if followed.first_contradiction:
        text.append(f"  first contradiction: {followed.first_contradiction}")
    if followed.lost or followed.missing_events:
        text.append(f"  events lost: {followed.lost}; not traced: {', '.join(followed.missing_events) or 'none'}")
    return text


def prediction_text(allocations: int, foretold: Prediction) -> list[str]:
    """Return what was predicted as text."""
    text = [
        f"  {foretold.predicted} of {allocations} allocations out of the free lists predicted, {foretold.mispredicted} missed"
    ]
    text += [f"  not to be predicted: {count} ({cause}: {CAUSES[cause]})" for cause, count in foretold.unpredictable.items()]
    text.append(f"  {foretold.pageblocks_equal} of {foretold.pageblocks} pageblock types equal those in the kernel's RAM")
    if foretold.dropped:
        text.append(f"  {foretold.dropped} operations after the marker of START came before its pause: the lists hold them")
    if foretold.blind is not None:
        text.append(f"  followed in sight only until {foretold.blind}")
    if foretold.first_miss:
        text.append(f"  first miss: {foretold.first_miss}")
    return text
