"""Vectors: programs with the answers that any lawful implementation gives to them, as files that need no Python to replay.

The format is that of INTERFACES.md, section 2, one JSON object a line. Beside its fields a vector says for whom it is: ``needs``
holds the capabilities that a client must promise, ``assumes`` those that, where its hello names them, must have this value.
Everything follows from the machine's record, a seed and Python's ``random.Random``: the same text wherever it is made.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import msgspec

from mmprops.clients import wire
from mmprops.clients.base import ClientFailure
from mmprops.conform import Choices
from mmprops.files import write_whole
from mmprops.lockstep import explore
from mmprops.machine import HEADER, RECORD, Machine, Replies
from mmprops.machines import machine_named
from mmprops.program import Program, operations_of
from mmprops.session import InProcess
from mmprops.worlds import Equals, Expectation, Foretold, FreeAligned, foretold
from mmspec import clause as clauses
from mmspec.clause import Clause
from mmspec.component import Operation
from mmspec.errors import FileError, InputError
from mmspec.profile import Profile

SCHEMA = 1
FIELDS = ("schema", "machine", "id", "kernel", "profile", "needs", "assumes", "clauses", "config", "steps")
STEP_FIELDS = ("op", "args", "expect")
HINT = "mmspec vectors MACHINE --out DIR writes them anew"


@attrs.frozen
class Vector:
    """One vector: its program, and what is expected of each step."""

    id: str
    profile: Profile
    needs: Mapping[str, Any]
    assumes: Mapping[str, Any]
    clauses: tuple[str, ...]
    program: Program
    expected: tuple[Expectation, ...]


@attrs.frozen
class Collection:
    """The vectors of one file: their profile, and how many programs are drawn for them.

    Of the first ``usual`` each is taken that says enough, of the others those that meet a clause which none before does.
    """

    file: str
    profile: Profile
    usual: int
    drawn: int = 300


COLLECTIONS = (
    Collection("any.jsonl", Profile.ANY, 100),
    Collection("linux-6.12.jsonl", Profile.KERNEL_6_12, 20, 600),
    Collection("linux-6.1.jsonl", Profile.KERNEL_6_1, 8, 600),
)
LENGTHS = (16, 32, 64)
"""Records of a drawn program: long enough for what comes late, short enough to be read."""
SHORTEST = 6
"""Steps of a drawn vector, at least: a shorter one says too little for its line."""

# --- making them -----------------------------------------------------------------------------------------------------


def generate(machine: Machine) -> dict[str, list[Vector]]:
    """Return a machine's vectors by file, no file without any (InputError: it has none)."""
    replies = machine.replies
    if replies is None:
        raise InputError(f"machine {machine.name} has no vectors", hint="its record does not say which answers are possible")
    files = {
        collection.file: list(
            collected(machine, replies, attrs.evolve(collection, usual=replies.usual.get(collection.file, collection.usual)))
        )
        for collection in COLLECTIONS
        if replies.kernels or collection.profile.kernel is None
    }
    return {file: vectors for file, vectors in files.items() if vectors}


def collected(machine: Machine, replies: Replies, collection: Collection) -> Iterator[Vector]:
    """Yield the vectors of a file: those of the written programs, and then of drawn ones."""
    seen: set[Clause] = set()
    own = set(machine.component.clauses)  # not those of a component that it asks
    number = 0
    for trial, program in enumerate(programs(machine, replies, collection, seen), start=-len(replies.programs)):
        said = foretold(machine, replies, collection.profile, program)
        met = {clause for clause in said.met & own if collection.profile.holds_to(clause)}
        if trial < 0 or (len(said.expected) >= SHORTEST and (trial < collection.usual or not met <= seen)):
            seen |= met
            ids = tuple(sorted(clause.id for clause in met))
            name = f"{machine.name}-{collection.file.removesuffix('.jsonl')}-{number}"
            needs, assumes = promises(machine, said)
            yield Vector(name, collection.profile, needs, assumes, ids, said.program, said.expected)
            number += 1


def programs(machine: Machine, replies: Replies, collection: Collection, seen: set[Clause]) -> Iterator[Program]:
    """Yield the programs that are tried; one of the later that meets only clauses which were ``seen`` is left out here.

    Two in three of the first need a client that takes the plainest requests only: these are the vectors that most can replay.
    """
    yield from (Program(machine.name, config, steps) for config, steps in replies.programs)
    rng = random.Random(f"{machine.name} {collection.file}")
    opening = [name for name, capability in machine.capabilities.items() if capability.opens]
    plain = [name for name in opening if machine.sent(machine.capable({name: True})) == machine.sent(machine.capable({}))]
    for trial in range(collection.drawn):
        usual = trial < collection.usual
        data = rng.randbytes(HEADER + LENGTHS[rng.randrange(len(LENGTHS))] * RECORD)
        promised = {name: rng.getrandbits(2) > 0 for name in (plain if usual and trial % 3 else opening)}
        limits = replies.limits[trial % len(replies.limits)]
        program, met = drawn(machine, collection.profile, machine.capable(promised | dict(limits)), data)
        if usual or not met <= seen:
            yield program


def drawn(machine: Machine, profile: Profile, capabilities: Mapping[str, Any], data: bytes) -> tuple[Program, set[Clause]]:
    """Return the program that bytes describe, as it goes with a kernel's choices, and the clauses that were met then."""
    session = InProcess("spec", partial(Choices, machine), profile.kernel or "6.12", capabilities, open=False)
    clauses.reached.clear()
    program = explore(machine, session, profile, data).program
    of_states = {invariant.clause for invariant in machine.component.invariants}
    own = clauses.reached & set(machine.component.clauses)
    return program, {clause for clause in own if profile.holds_to(clause)} - of_states


def promises(machine: Machine, said: Foretold) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a client must have promised to be asked this, and what else it must have where it names it."""
    everything = machine.capable({name: True for name, capability in machine.capabilities.items() if capability.opens})
    needs, assumes = {}, {}
    for name, capability in machine.capabilities.items():
        if not capability.opens:
            assumes[name] = assumed(machine, said, everything, name)
        elif not askable(machine, said, everything | {name: capability.default}):
            needs[name] = everything[name]
    return needs, assumes


def assumed(machine: Machine, said: Foretold, everything: Mapping[str, Any], name: str) -> Any:
    """Return the value of a capability that a program is for: its default, or the choice that takes it and not all others."""
    capability = machine.capabilities[name]
    fit = [choice for choice in capability.choices if askable(machine, said, {**everything, name: choice})]
    own = [choice for choice in fit if choice != capability.default]
    return own[0] if own and len(fit) < len(capability.choices) else capability.default


def askable(machine: Machine, said: Foretold, capabilities: Mapping[str, Any]) -> bool:
    """Tell whether a client of these capabilities may be asked a program."""
    if machine.too_much(said.program.config, capabilities) is not None:
        return False
    needed = {machine.requires[name] for name, _ in said.program.steps if name in machine.requires}
    return all(capabilities[name] for name in needed) and not any(
        machine.unpromised(state, request, capabilities) for state, request in said.asked
    )


# --- writing them ----------------------------------------------------------------------------------------------------


def json_of(vector: Vector) -> dict[str, Any]:
    """Return a vector as the JSON object that it is written as."""
    program, profile = vector.program, vector.profile
    machine = machine_named(program.machine)
    fields = machine.sent(machine.capable(vector.needs))
    steps = [
        {"op": name, "args": args, "expect": expect_json(expected)}
        for (name, args), expected in zip(wire.to_program(program.steps, fields), vector.expected, strict=True)
    ]
    return {
        "schema": SCHEMA,
        "machine": machine.name,
        "id": vector.id,
        "kernel": profile.kernel,
        "profile": "linux" if profile.chooses else profile.value,
        "needs": dict(vector.needs),
        "assumes": dict(vector.assumes),
        "clauses": list(vector.clauses),
        "config": wire.to_wire(program.config, fields.get("reset")),
        "steps": steps,
    }


def expect_json(expected: Expectation) -> dict[str, Any]:
    """Return what is expected, as a vector writes it."""
    if isinstance(expected, FreeAligned):
        return {"free_aligned": expected.order}
    result = expected.result
    return {"equals": {"error": result.name} if result.failed else {"result": wire.to_wire(result)}}


def line_of(vector: Vector) -> bytes:
    """Return a vector's line."""
    return json.dumps(json_of(vector), separators=(",", ":")).encode("ascii") + b"\n"


def write(folder: Path, files: Mapping[str, Iterable[Vector]]) -> None:
    """Write each file, whole or not at all (InputError: the folder cannot be written)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, vectors in files.items():
            write_whole(folder / file, b"".join(map(line_of, vectors)))
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}", where=str(folder)) from None


# --- reading them ----------------------------------------------------------------------------------------------------


class VectorFileError(FileError):
    """What was read is no whole file of vectors. ``where`` is the file, with the line where there is one."""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def read(path: Path) -> list[Vector]:
    """Return the vectors of a file (VectorFileError: file, line, and what is wrong; InputError: no such file)."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", where=str(path), hint="a file of vectors") from None
    if not raw:
        raise VectorFileError("empty", where=str(path), hint=HINT)
    found: dict[str, Vector] = {}
    for number, line in enumerate(raw.splitlines(keepends=True), start=1):
        try:
            vector = vector_of(line)
            if vector.id in found:
                raise InputError(f"the id {vector.id} was used before")
        except InputError as error:
            raise VectorFileError(error.message, where=f"{path}:{number}", hint=error.hint or HINT) from None
        found[vector.id] = vector
    return list(found.values())


def vector_of(line: bytes) -> Vector:
    """Return the vector that a line says (InputError: what is wrong with it)."""
    if not line.endswith(b"\n"):
        raise InputError("the line does not end: the file was cut off")
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"not JSON: {error}") from None
    with_fields("a vector", value, FIELDS)
    if value["schema"] != SCHEMA:
        raise InputError(f"schema {wire.show(value['schema'])}: this mmspec reads schema {SCHEMA}")
    if not (isinstance(value["machine"], str) and isinstance(value["id"], str)):
        raise InputError("machine and id must be strings")
    machine = machine_named(value["machine"])
    expects, ops = [], []
    for index, step in enumerate(listed("steps", value["steps"])):
        with_fields(f"step {index}", step, STEP_FIELDS)
        ops.append([step["op"], step["args"]])
        expects.append(step["expect"])
    operations = operations_of(machine.component)
    steps = wire.from_program(operations, ops)
    expected = tuple(
        expectation_of(index, operations[name], expect)
        for index, ((name, _), expect) in enumerate(zip(steps, expects, strict=True))
    )
    config: Any = wire.config_from_wire(machine.component.config, value["config"])
    vector = Vector(
        value["id"],
        profile_of(value["profile"], value["kernel"]),
        promised(machine, "needs", value["needs"]),
        promised(machine, "assumes", value["assumes"]),
        tuple(clause_of(machine, clause) for clause in listed("clauses", value["clauses"])),
        Program(machine.name, config, tuple(steps)),
        expected,
    )
    machine.component.initial(config)
    stray = difference(value, json_of(vector))
    if stray is not None:
        raise InputError(f"{stray} is not what mmspec writes there")
    if line != line_of(vector):
        raise InputError("the line is not as mmspec writes it: spaces, or fields in another order")
    return vector


def with_fields(what: str, value: Any, fields: tuple[str, ...]) -> None:
    """See that a value is an object of just these fields (InputError: it is not)."""
    if not isinstance(value, dict):
        raise InputError(f"{what} must be a JSON object, not {wire.show(value)}")
    for name in (*value, *fields):
        if name not in fields or name not in value:
            problem = "is missing" if name in fields else f"is unknown to schema {SCHEMA}"
            raise InputError(f"{what}: the field {wire.show(name)} {problem}")


def listed(what: str, value: Any) -> list[Any]:
    """Return a value that must be an array (InputError: it is none)."""
    if not isinstance(value, list):
        raise InputError(f"{what} must be an array, not {wire.show(value)}")
    return value


def profile_of(name: Any, kernel: Any) -> Profile:
    """Return the profile that a vector names, with its kernel (InputError: there is none)."""
    for profile in Profile:
        if (name, kernel) == ("linux" if profile.chooses else profile.value, profile.kernel):
            return profile
    raise InputError(f"no profile {wire.show(name)} with kernel {wire.show(kernel)}")


def promised(machine: Machine, what: str, value: Any) -> dict[str, Any]:
    """Return capabilities that a vector names (InputError: the machine has no such one)."""
    if not isinstance(value, dict):
        raise InputError(f"{what} must be a JSON object, not {wire.show(value)}")
    for name in value:
        if name not in machine.capabilities:
            raise InputError(f"{what}: {machine.name} has no capability {wire.show(name)}")
    try:
        machine.capable(value)
    except ValueError as error:
        raise InputError(f"{what}: {error}") from None
    return value


def clause_of(machine: Machine, clause: Any) -> str:
    """Return the id of a clause (InputError: the component has no such one)."""
    if not any(known.id == clause for known in machine.component.clauses):
        raise InputError(f"{machine.name} has no clause {wire.show(clause)}")
    return str(clause)


def expectation_of(index: int, operation: Operation, expect: Any) -> Expectation:
    """Return what a vector expects of a step (InputError: it is nothing that can be)."""
    if isinstance(expect, dict) and len(expect) == 1:
        order = expect.get("free_aligned")
        if type(order) is int and order >= 0:
            return FreeAligned(order)
        if "equals" in expect:
            try:
                return Equals(wire.decode_reply(operation, expect["equals"]))
            except ClientFailure as failure:
                raise InputError(f"step {index}: {failure.explanation}") from None
    raise InputError(
        f"step {index}: expects {wire.show(expect)}",
        hint='{"equals":{"result":{...}}}, {"equals":{"error":NAME}} or {"free_aligned":ORDER}',
    )


def difference(value: Any, again: Any, path: str = "") -> str | None:
    """Return the path to the first place at which two JSON values differ, or None."""
    if isinstance(value, dict) and isinstance(again, dict):
        inner: Iterable[Any] = (*value, *again)
        pairs = ((f"{path}.{name}", value.get(name), again.get(name), name in value and name in again) for name in inner)
    elif isinstance(value, list) and isinstance(again, list) and len(value) == len(again):
        pairs = ((f"{path}[{i}]", left, right, True) for i, (left, right) in enumerate(zip(value, again, strict=True)))
    else:
        return None if (type(value), value) == (type(again), again) else path.removeprefix(".")
    found = (difference(left, right, inside) if both else inside.removeprefix(".") for inside, left, right, both in pairs)
    return next((path for path in found if path is not None), None)


# --- comparing them --------------------------------------------------------------------------------------------------


def read_folder(folder: Path) -> dict[str, list[Vector]]:
    """Return the vectors in a folder by file (InputError: it holds none; VectorFileError: a file is damaged)."""
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise InputError(f"no vectors in {folder}", where=str(folder), hint="the folder that holds any.jsonl")
    return {path.name: read(path) for path in paths}


def compare(found: Mapping[str, Iterable[Vector]], made: Mapping[str, Iterable[Vector]]) -> list[str]:
    """Return the ids of the vectors that differ, stand in another place, or are on one side only.

    What was read is, bit for bit, what its vectors are written as. What is not sent to those who are asked is not compared.
    """
    differing = []
    for file in sorted({*found, *made}):
        left, right = ({v.id: (place, line_of(v)) for place, v in enumerate(side.get(file, ()))} for side in (found, made))
        differing += [name for name in {**right, **left} if left.get(name) != right.get(name)]
    return differing
