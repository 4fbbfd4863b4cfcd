"""What ``mmspec bench`` measures: each subject beside a yardstick, in one run, on whatever machine it finds itself.

Absolute figures are good for their run only; what is kept is the ratio. ``benchmarks/README.md`` says what a row means and how
each subject is measured.
"""

from __future__ import annotations

from mmprops.bench import frames, judged, memory, replay, transports, walks, yardstick
from mmprops.bench.row import FULL, QUICK, Curve, Effort, Finding, Left, Row, Subject, curves
from mmspec.errors import InputError

__all__ = ["FULL", "QUICK", "SUBJECTS", "Curve", "Effort", "Finding", "Left", "Row", "Subject", "curves", "subject_named"]


def _nothing() -> None:
    return None


SUBJECTS = (
    Subject("replay", "the batch replay of the buddy allocator beside C, and how both grow", yardstick.missing, replay.measure),
    Subject("memory", "bytes a page", _nothing, memory.measure),
    Subject("yardstick", "the yardstick in C beside drivers/gpu/buddy.c", yardstick.missing, yardstick.measure),
    Subject("walks", "the batch of page-table walks beside C", yardstick.missing, walks.measure),
    Subject("frames", "frames to pages and back, in batches, beside C", yardstick.missing, frames.measure),
    Subject("judged", "operations judged in lock-step beside Hypothesis' own state machine", _nothing, judged.measure),
    Subject("transports", "clients behind python:, exec: and lib: beside one in this process", _nothing, transports.measure),
)


def subject_named(name: str) -> Subject:
    """Return the subject of a name (InputError: there is none)."""
    for subject in SUBJECTS:
        if subject.name == name:
            return subject
    raise InputError(f"nothing named {name!r} is measured", hint=f"one of {', '.join(subject.name for subject in SUBJECTS)}")
