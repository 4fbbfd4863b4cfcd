"""Programs told step by step for the report: failures that were kept, and the shrunk programs of seeded bugs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmprops import failure
from mmprops.bugs.hunt import from_json
from mmprops.machines import machine_named
from mmprops.program import Program
from mmprops.retelling import tell, to_json
from mmspec.errors import InputError
from mmspec.profile import profile_named

Json = dict[str, Any]

MOST = 20
"""Failure files that are told, the newest; the others are counted."""


def failures(folder: Path | None) -> Json:
    """Return the stories of a folder's failure files, the newest first.

    ``folder`` None is the one that ``conform`` writes to, if it is here (InputError: a folder that was named is not).
    """
    if folder is not None and not folder.is_dir():
        raise InputError(f"no folder {folder}", where=str(folder), hint=f"the one that conform writes to is {failure.FOLDER}")
    where = failure.FOLDER if folder is None else folder
    dated = [(path.stat().st_mtime_ns, path) for path in where.glob("*.jsonl")] if where.is_dir() else []
    paths = [path for _, path in sorted(dated, reverse=True)]
    told = [of_file(path) for path in paths[:MOST]]
    return {"folder": str(where), "more": len(paths) - len(told), "rows": told}


def of_file(path: Path) -> Json:
    """Return the story of a failure file; a damaged one says what is wrong with it."""
    try:
        stored = failure.read(path)
        note = dict(stored.note)
        replies = failure.replies(stored.program, note.get("replies"))
        return {"title": path.name, "kind": "failure", "note": stated(note)} | story(stored.program, replies, note)
    except (InputError, ValueError) as error:  # ValueError: capabilities that are none
        return {"title": path.name, "kind": "damaged", "error": str(error)}


def stated(note: Mapping[str, Any]) -> Json:
    """Return what a failure file says of itself, as text whatever it holds."""
    names = ("clause", "profile", "client", "explanation")
    lines = note.get("errors")
    return {name: str(note.get(name, "")) for name in names} | {
        "errors": [str(line) for line in lines] if isinstance(lines, list) else []
    }


def demonstration(bugs: Mapping[str, Any]) -> list[Json]:
    """Return the story of the seeded bug that takes the most steps to show, for want of a real failure; none without kills."""
    told = [row for row in bugs.get("rows", []) if row["story"] is not None and row["story"].get("scenes")]
    if not told:
        return []
    row = max(told, key=lambda row: (min(len(row["story"]["scenes"]), 6), row["id"]))
    note = {"clause": row["reported"], "profile": row["profile"], "client": row["id"], "explanation": row["explanation"]}
    return [{"title": row["id"], "kind": "demonstration", "note": stated(note)} | row["story"]]


def of_bug(row: Mapping[str, Any]) -> Json | None:
    """Return the story of a kill; None where the record has no program."""
    stored = row.get("program")
    if not stored:
        return None
    program = from_json(machine_named(row["machine"]), stored)
    note = {"profile": row["profile"], "clause": row["reported"], "explanation": row["explanation"]}
    return story(program, failure.replies(program, stored.get("replies")), note)


def story(program: Program, replies: Sequence[Any] | None, note: Mapping[str, Any]) -> Json:
    """Return a program with its scenes; without them where its replies were not recorded, with what to do.

    A verdict that was given of more than the replies (the lists of an implementation, a client that died) is the last scene's.
    """
    machine = machine_named(program.machine)
    told: Json = {"machine": machine.name, "config": failure.config_json(program.config)}
    if replies is None:
        return told | {"steps": failure.program_json(program), "missing": "the replies were not recorded: run the program again"}
    promised = note.get("capabilities")
    capabilities = promised if isinstance(promised, dict) else machine.own_capabilities
    scenes = list(tell(machine, program, replies, profile_named(str(note["profile"])), capabilities))
    told |= to_json(scenes)
    if told["scenes"] and not told["scenes"][-1]["broken"]:
        told["scenes"][-1] |= {"broken": str(note["clause"]), "says": str(note["explanation"])}
    return told
