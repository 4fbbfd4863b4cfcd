"""Failure files: a program as the lines that were sent to the client, so that the client can be run on the file itself.

``mmspec-failures/MACHINE-DIGEST.jsonl`` holds ``hello``, ``reset``, the operations with the values that were sent, and ``bye``.
What a later run needs beyond them (which value came from which earlier step, the clause, the profile), and what the client
answered, stands in keys that a client ignores. A file without its ``bye`` was cut off.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import msgspec

from mmprops.clients import wire
from mmprops.clients.base import PROTOCOL, ClientFailure
from mmprops.files import write_whole
from mmprops.machine import Machine
from mmprops.machines import machine_named
from mmprops.program import Program, operations_of, resolved
from mmprops.session import EREF
from mmspec.errors import FileError, InputError

FOLDER = Path("mmspec-failures")
MAX_FILE = 64 << 20
"""Largest program file that is read, in bytes."""


HINT = "a file of mmspec-failures"


class ProgramFileError(FileError):
    """What was read is no whole program file. ``where`` is the file, with the line where there is one."""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def lines_of(
    machine: Machine, program: Program, values: tuple[Any, ...], note: Mapping[str, Any], fields: Mapping[str, Any]
) -> list[bytes]:
    """Return a failure file's lines; ``fields`` are those that the client was sent."""
    lines: list[dict[str, Any]] = [
        {"do": "hello", "protocol": PROTOCOL},
        {"do": "reset", "machine": machine.name, "config": wire.to_wire(program.config, fields.get("reset"))},
    ]
    for name, written in program.steps:
        request = resolved(written, values.__getitem__)
        if request is None:
            continue
        lines.append({"do": "op", "op": name, "args": wire.to_wire(request, fields.get(name))})
    lines.append(
        {"do": "bye", "mmspec": dict(note) | {"config": wire.to_wire(program.config), "program": wire.to_program(program.steps)}}
    )
    return [json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n" for line in lines]


def write(
    machine: Machine, program: Program, values: tuple[Any, ...], note: Mapping[str, Any], fields: Mapping[str, Any]
) -> Path:
    """Write a failure file, whole or not at all, and return its path (OSError: it cannot be written)."""
    body = b"".join(lines_of(machine, program, values, note, fields))
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{machine.name}-{hashlib.sha256(body).hexdigest()[:12]}.jsonl"
    write_whole(path, body)
    return path


@attrs.frozen
class Stored:
    """A program file: the program, and what was noted of it."""

    program: Program
    note: Mapping[str, Any]


def read(path: Path) -> Stored:
    """Return a program file (ProgramFileError: file, line, and what is wrong; InputError: no such file)."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", where=str(path), hint=HINT) from None
    if len(raw) > MAX_FILE:
        raise ProgramFileError(f"larger than {MAX_FILE >> 20} MiB", where=str(path), hint=HINT)
    lines = raw.splitlines()
    if not lines:
        raise ProgramFileError("empty", where=str(path), hint=HINT)
    objects = [_object(f"{path}:{number}", line) for number, line in enumerate(lines, start=1)]
    last = objects[-1]
    if last.get("do") != "bye" or not isinstance(last.get("mmspec"), dict):
        raise ProgramFileError(
            "the file does not end in the bye that mmspec writes: it was cut off",
            where=f"{path}:{len(lines)}",
            hint="write it again",
        )
    return _stored(path, len(lines), last["mmspec"], objects)


def _object(where: str, line: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProgramFileError(f"not JSON: {error}", where=where, hint="the file is corrupt: write it again") from None
    if not isinstance(value, dict):
        raise ProgramFileError("not a JSON object", where=where, hint="the file is corrupt: write it again")
    return value


def _stored(path: Path, number: int, note: Mapping[str, Any], objects: list[dict[str, Any]]) -> Stored:
    named = next((o.get("machine") for o in objects if o.get("do") == "reset"), None)
    if not isinstance(named, str):
        raise ProgramFileError("no line resets a machine", where=str(path), hint="write it again")
    try:
        machine = machine_named(named)
        config: Any = wire.config_from_wire(machine.component.config, note.get("config"))
        larger = machine.too_much(config, machine.own_capabilities)
        if larger is not None:
            raise InputError(f"config: a zone that no client is held against: {larger}")
        steps = wire.from_program(operations_of(machine.component), note.get("program"))
        machine.component.initial(config)
    except InputError as error:
        raise ProgramFileError(error.message, where=f"{path}:{number}", hint=error.hint) from None
    return Stored(Program(machine.name, config, tuple(steps)), note)


def program_json(program: Program) -> list[Any]:
    """Return a program as the protocol's ``ops`` list."""
    return wire.to_program(program.steps)


def config_json(config: Any) -> dict[str, Any]:
    """Return a configuration as the protocol writes it."""
    return wire.to_wire(config)


def reply_json(observed: Any) -> Any:
    """Return a result as the reply that a client gave; None where there was none to be read."""
    if observed is None:
        return None
    if isinstance(observed, wire.Unsupported):
        return {"unsupported": observed.reason}
    return {"error": observed.name} if observed.failed else {"result": wire.to_wire(observed)}


def replies(program: Program, recorded: Any) -> tuple[Any, ...] | None:
    """Return the result of each step out of what ``reply_json`` made of them; None where it is no such list (older files)."""
    if not isinstance(recorded, list) or len(recorded) != len(program.steps):
        return None
    operations = operations_of(machine_named(program.machine).component)
    try:
        return tuple(
            None if reply is None else wire.decode_reply(operations[name], reply, more_errors=(EREF,))
            for (name, _), reply in zip(program.steps, recorded, strict=True)
        )
    except ClientFailure:
        return None


def gdb_line(command: str, path: Path) -> str:
    """Return the line that runs an ``exec:`` client on a failure file under gdb."""
    return f"gdb -ex {json.dumps(f'run < {path}')} --args {command}"
