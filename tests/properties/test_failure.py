"""Failure files: what is written can be read, and what is damaged is refused with file and line."""

from __future__ import annotations

import errno
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties.tampered import BUDDY, session

from mmimpl.physical.buddy import Buddy
from mmprops import failure
from mmprops.clients.wire import Ref
from mmprops.lockstep import Outcome, explore, rerun
from mmprops.machine import HEADER, RECORD
from mmprops.machines import MACHINES
from mmprops.program import Program
from mmspec.errors import EINVAL, InputError
from mmspec.physical.buddy.ops import Alloc, Config, Free, Page
from mmspec.profile import Profile

ALL = BUDDY.sent(session(Buddy).capabilities)
NOTE = {"clause": "BUDDY-CHOICE", "profile": "linux"}
PROGRAM = Program(
    "buddy",
    Config(0x100, 0x200, 4, holes=((0x110, 0x118),)),
    (("alloc", Alloc(0)), ("alloc", Alloc(1, 2, 0x80)), ("free", Free(Ref(0), 0)), ("free", Free(0x1FF, 3))),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(program: Program = PROGRAM, values: tuple[Any, ...] = (0x100, 0x102, None, None)) -> Path:
    """Write a program and return its file."""
    return failure.write(BUDDY, program, values, NOTE, ALL)


def explored(seed: int) -> Outcome:
    """Return what came of a program of the generator."""
    return explore(BUDDY, session(Buddy), Profile.KERNEL_6_12, random.Random(seed).randbytes(HEADER + 60 * RECORD))


# --- round trip ------------------------------------------------------------------------------------------------------


def test_what_was_written_is_read(folder: Path) -> None:
    """Configuration, steps, references and note."""
    stored = failure.read(written())
    assert stored.program == PROGRAM
    assert {key: stored.note[key] for key in NOTE} == NOTE


@pytest.mark.parametrize("seed", range(8))
def test_programs_of_the_generator_are_read_as_they_were(folder: Path, seed: int) -> None:
    """Every operation, on every kind of zone; carried out again they do the same."""
    outcome = explored(seed)
    stored = failure.read(failure.write(BUDDY, outcome.program, outcome.values, NOTE, ALL))
    assert stored.program == outcome.program
    assert rerun(BUDDY, session(Buddy), Profile.KERNEL_6_12, stored.program).values == outcome.values


def test_the_file_is_named_by_machine_and_digest(folder: Path) -> None:
    """In the folder mmspec-failures; the same program has the same name."""
    path = written()
    assert path.parent == Path("mmspec-failures")
    assert path.name.startswith("buddy-")
    assert path == written()


def test_another_program_has_another_name(folder: Path) -> None:
    """Nothing is overwritten."""
    assert written() != written(PROGRAM.without({3}), (0x100, 0x102, None))


def test_nothing_half_written_is_left(folder: Path) -> None:
    """One whole file, and nothing beside it."""
    path = written()
    assert list(path.parent.iterdir()) == [path]


def test_the_lines_are_what_the_client_was_sent(folder: Path) -> None:
    """hello, reset, each operation with the value that a reference stood for, bye."""
    lines = [json.loads(line) for line in written().read_text().splitlines()]
    assert [line["do"] for line in lines] == ["hello", "reset", "op", "op", "op", "op", "bye"]
    assert lines[1]["config"]["start_pfn"] == "0x100"
    assert lines[4] == {"do": "op", "op": "free", "args": {"pfn": "0x100", "order": 0}}


def test_a_client_is_sent_only_the_fields_it_knows(folder: Path) -> None:
    """Without capabilities neither migratetype nor flags nor holes; the program keeps them."""
    plain = BUDDY.sent(BUDDY.capable({}))
    path = failure.write(BUDDY, PROGRAM, (0x100, 0x102, None, None), NOTE, plain)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[3]["args"] == {"order": 1}
    assert "holes" not in lines[1]["config"]
    assert failure.read(path).program == PROGRAM


def test_nothing_is_left_of_a_file_that_could_not_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full, say."""

    def full(self: Path, body: bytes) -> int:
        with self.open("wb") as file:
            file.write(body[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        written()
    assert list(failure.FOLDER.iterdir()) == []


def test_a_step_whose_reference_has_no_value_was_not_sent(folder: Path) -> None:
    """It is in the program, not among the lines."""
    path = written(values=(None, 0x102, None, None))
    assert len(path.read_text().splitlines()) == 6
    assert failure.read(path).program == PROGRAM


# --- damage ----------------------------------------------------------------------------------------------------------


def refusal(path: Path) -> InputError:
    """Return the error with which a file is refused."""
    with pytest.raises(InputError) as caught:
        failure.read(path)
    assert str(path) in caught.value.where
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_file_that_is_cut_off_anywhere_is_refused(folder: Path) -> None:
    """At every byte but the last newline; the message names file and line, the hint the right act."""
    whole = written().read_bytes()
    path = folder / "cut.jsonl"
    for length in range(1, len(whole) - 1):
        path.write_bytes(whole[:length])
        error = refusal(path)
        line = whole[:length].count(b"\n") + (not whole[:length].endswith(b"\n"))
        assert error.where == f"{path}:{line}", (length, error.where)
        assert error.hint


def test_a_file_without_its_last_newline_is_whole(folder: Path) -> None:
    """Nothing is missing."""
    path = folder / "whole.jsonl"
    path.write_bytes(written().read_bytes()[:-1])
    assert failure.read(path).program == PROGRAM


def test_an_empty_file_is_refused(folder: Path) -> None:
    """It is no failure file."""
    path = folder / "empty.jsonl"
    path.touch()
    assert "empty" in refusal(path).message


def test_a_file_that_is_not_there_is_refused(folder: Path) -> None:
    """With the reason that the system gives."""
    assert refusal(folder / "absent.jsonl").message.endswith("No such file or directory")


def test_a_file_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device has no size, and no more of it is read than a file may have."""
    monkeypatch.setattr(failure, "MAX_FILE", 1 << 20)
    assert str(refusal(Path("/dev/zero"))) == "/dev/zero: larger than 1 MiB"


def test_a_folder_is_refused(folder: Path) -> None:
    """It cannot be read."""
    assert refusal(folder).message.endswith("Is a directory")


@given(data=st.data())
def test_a_corrupt_file_is_read_or_refused_by_name(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any bytes changed anywhere: a program, or a message with the file's name; never another exception."""
    whole = bytearray(b"".join(failure.lines_of(BUDDY, PROGRAM, (0x100, 0x102, None, None), NOTE, ALL)))
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[at] = data.draw(st.sampled_from([*b'\x00"{}[],:0x19az\n\\', 0x80, 0xFF]))
    path = tmp_path_factory.getbasetemp() / "corrupt.jsonl"
    path.write_bytes(whole)
    refusal = ""
    try:
        assert failure.read(path).program.machine == "buddy"
    except InputError as error:
        refusal = error.where
    assert refusal == "" or str(path) in refusal


def changed(folder: Path, change: Any) -> InputError:
    """Return the refusal of a file whose bye was changed."""
    lines = written().read_bytes().splitlines()
    bye = json.loads(lines[-1])
    change(bye["mmspec"])
    path = folder / "changed.jsonl"
    path.write_bytes(b"\n".join([*lines[:-1], json.dumps(bye).encode()]))
    return refusal(path)


DAMAGE: list[tuple[str, Any, str]] = [
    ("no program", lambda note: note.pop("program"), "a program must be an array of operations"),
    ("no configuration", lambda note: note.pop("config"), "config must be an object"),
    ("a configuration without an end", lambda note: note["config"].pop("end_pfn"), "config.end_pfn is missing"),
    ("an end before the start", lambda note: note["config"].update(end_pfn="0x10"), "is not a range of frames"),
    ("a zone too large to be judged", lambda note: note["config"].update(end_pfn="0x100000000"), "more than 1048576 frames"),
    ("an unknown operation", lambda note: note["program"].append(["allok", {}]), "operation 4: unknown operation"),
    ("an operation without arguments", lambda note: note["program"].append(["alloc"]), "operation 4 is"),
    ("an order out of range", lambda note: note["program"].append(["alloc", {"order": 99}]), "operation 4: alloc.order"),
    ("a field that is missing", lambda note: note["program"].append(["free", {"pfn": "0x1"}]), "free.order is missing"),
    ("a reference forwards", lambda note: note["program"].append(["free", {"pfn": {"ref": 4}, "order": 0}]), "ref 4 names no"),
    ("a reference to a free", lambda note: note["program"].append(["free", {"pfn": {"ref": 2}, "order": 0}]), "ref 2 names no"),
]


@pytest.mark.parametrize(("what", "change", "message"), DAMAGE, ids=[what for what, _, _ in DAMAGE])
def test_a_bye_that_says_no_program_is_refused(folder: Path, what: str, change: Any, message: str) -> None:
    """With file, line, operation and field."""
    error = changed(folder, change)
    assert error.where == f"{folder / 'changed.jsonl'}:7"
    assert message in error.message


def test_a_file_for_an_unknown_machine_is_refused(folder: Path) -> None:
    """With the file's name and line."""
    path = folder / "other.jsonl"
    path.write_bytes(written().read_bytes().replace(b'"machine":"buddy"', b'"machine":"bubby"'))
    error = refusal(path)
    assert "unknown machine 'bubby'" in error.message
    assert error.hint == f"one of {', '.join(MACHINES.names)}"


def test_a_file_that_resets_nothing_is_refused(folder: Path) -> None:
    """It does not say which machine."""
    lines = written().read_bytes().splitlines()
    path = folder / "no-reset.jsonl"
    path.write_bytes(b"\n".join([lines[0], *lines[2:]]))
    assert "no line resets a machine" in refusal(path).message


# --- what else is written of a failure -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("observed", "reply"), [(None, None), (Page(0x104), {"result": {"pfn": "0x104"}}), (EINVAL, {"error": "EINVAL"})]
)
def test_what_was_observed_is_written_as_the_reply_it_was(observed: Any, reply: Any) -> None:
    """As the client gave it."""
    assert failure.reply_json(observed) == reply


def test_a_program_is_written_as_the_protocol_s_list() -> None:
    """References for every value that an earlier reply gave."""
    assert failure.program_json(PROGRAM)[2] == ["free", {"pfn": {"ref": 0}, "order": 0}]


def test_gdb_runs_the_client_on_the_file() -> None:
    """A line to paste."""
    line = failure.gdb_line("./mybuddy -v", Path("mmspec-failures/buddy-12.jsonl"))
    assert line == 'gdb -ex "run < mmspec-failures/buddy-12.jsonl" --args ./mybuddy -v'
