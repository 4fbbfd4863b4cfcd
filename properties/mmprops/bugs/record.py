"""The record of kills: which seeded bugs were found, of which text. Written by a machine, committed, and read for the assurance.

A row counts as long as its hash is the one that the bug has now: over the bug itself, and the text of every module that the
process it lives in imports (law, implementation, the machine with its generator, judge, lock-step, shrinking, the hunt); for a
replay the capture too. Whole modules: what a comment costs is a minute of ``mmspec bugs --record``. Only a run that is told to
writes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from mmprops.bugs.bug import Bug
from mmprops.bugs.kill import Kill
from mmprops.bugs.replayed import Replayed
from mmprops.files import beside_or_inside, write_whole
from mmprops.imports import closure, modules_behind
from mmprops.machines import machine_named
from mmprops.traces.archive import packaged_capture
from mmspec.errors import FileError

HERE = Path(__file__).resolve().parents[1]
PATH = beside_or_inside(HERE.parent / "kills.json", HERE / "kills.json")
"""The committed record beside the package; an installed wheel has it inside. Its hashes are of texts, the same in both."""

SCHEMA = 1
"""The form of the file; one of another form counts as none."""

HUNT = ("mmprops.bugs.__main__", "mmprops.bugs.hunt", "mmprops.bugs.kill")
"""What finds a bug in a process of its own, and holds the finding against the code as it is."""

REPLAY = ("mmprops.bugs.replayed",)
"""What follows a capture with a bug in the law."""

Row = Mapping[str, Any]
"""A kill as JSON, with ``sha256``."""


@attrs.frozen
class Record:
    """What is recorded, by bug id: what came of each bug, and of each that a replay of the packaged capture could show."""

    bugs: Mapping[str, Row] = attrs.field(factory=dict)
    replays: Mapping[str, Row] = attrs.field(factory=dict)


def row_of(kill: Kill) -> dict[str, Any]:
    """Return a kill with the fields of the interface (INTERFACES, section 4), and what it rests on."""
    names = (
        "id", "machine", "killed", "by", "ops", "shrunk_ops", "seconds", "clause", "expected", "reported", "profile", "reason",
        "explanation", "program",
    )  # fmt: skip
    return {name: getattr(kill, name) for name in names} | {"seconds": round(kill.seconds, 3)}


@cache
def modules_of(component: str, roots: tuple[str, ...]) -> Mapping[str, Path]:
    """Return the files of all modules that what came of a component's bug depends on, by name."""
    return closure([*roots, *modules_behind(machine_named(component))])


@cache
def text_digest(component: str, roots: tuple[str, ...]) -> str:
    """Return the hash of their text; where captures are replayed, of the packaged one too."""
    files = dict(modules_of(component, roots))
    if roots == REPLAY:
        capture = packaged_capture()
        files |= {path.name: path for path in sorted(capture.parent.glob(f"{capture.name}*"))}
    hasher = hashlib.sha256()
    for name, path in files.items():
        hasher.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return hasher.hexdigest()


def digest(bug: Bug, roots: tuple[str, ...]) -> str:
    """Return the hash of everything that what came of a bug depends on."""
    said = json.dumps(attrs.asdict(bug), sort_keys=True)
    return hashlib.sha256(f"{said}\0{text_digest(bug.component, roots)}".encode()).hexdigest()


def read(path: Path = PATH) -> Record:
    """Return what is recorded; nothing where there is no record (FileError: it is not one)."""
    if not path.exists():
        return Record()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            return Record()
        return Record(*({row["id"]: row for row in document[part]} for part in ("bugs", "replays")))
    except (ValueError, KeyError, TypeError):
        raise FileError("is no record of kills", where=str(path), hint="mmspec bugs --record writes it") from None


def current(bug: Bug, rows: Mapping[str, Row], roots: tuple[str, ...] = HUNT) -> Row | None:
    """Return what is recorded of a bug if it is about the text as it is now."""
    row = rows.get(bug.id)
    return row if row is not None and row.get("sha256") == digest(bug, roots) else None


def write(
    bugs: Iterable[Bug], kills: Iterable[Kill], replays: Iterable[Replayed], known: Iterable[Bug], path: Path = PATH
) -> None:
    """Put what came of some bugs into the record; rows of bugs that are not ``known`` any more vanish, others stay.

    FileError: it cannot be written here.
    """
    by_id, now, before = {bug.id: bug for bug in known}, {bug.id for bug in bugs}, read(path)
    hunted = {name: row for name, row in before.bugs.items() if name in by_id and name not in now}
    hunted |= {kill.id: row_of(kill) | {"sha256": digest(by_id[kill.id], HUNT)} for kill in kills}
    replayed = {name: row for name, row in before.replays.items() if name in by_id and name not in now}
    replayed |= {row.id: attrs.asdict(row) | {"sha256": digest(by_id[row.id], REPLAY)} for row in replays}
    try:
        write_whole(path, f'{{"schema": {SCHEMA},\n"bugs": [{lines(hunted)}],\n"replays": [{lines(replayed)}]}}\n'.encode())
    except OSError as error:
        hint = "record in a checkout of the project"
        raise FileError(f"cannot be written: {error.strerror}", where=str(path), hint=hint) from None


def lines(rows: Mapping[str, Row]) -> str:
    """Return rows as JSON, one a line, by id."""
    return ",".join("\n" + json.dumps(rows[name], sort_keys=True) for name in sorted(rows))
