"""The capture of a real kernel that ships with the package, followed once a process however many ask what came of it."""

from __future__ import annotations

from functools import cache

from mmprops.machines import LEVELS, machine_named
from mmprops.traces.archive import Capture, open_capture, packaged_capture
from mmprops.traces.checks import Row, snapshot_checks
from mmprops.traces.replay import Replay


@cache
def capture() -> Capture:
    """Return it, opened."""
    return open_capture(packaged_capture())


@cache
def snapshots() -> tuple[Row, ...]:
    """Return the outcome of every check of its snapshots."""
    return tuple(snapshot_checks(capture()))


@cache
def followed(level: str, engine: str) -> Replay:
    """Return what came of following it at a level with an engine."""
    return machine_named(LEVELS[level]).replay[level](capture(), engine)
