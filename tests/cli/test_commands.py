"""The command line as a program: its normative fields, verdicts, exit codes and errors (INTERFACES.md, section 4)."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from mmprops.examples import adapter_source
from mmprops.examples.build import compiled, write

RUN_FIELDS = {
    "machine", "client", "profile", "verdict", "ops", "seconds", "clauses_reached", "clauses_total", "not_tested", "weakened",
    "violation",
}  # fmt: skip
VIOLATION_FIELDS = {"clause", "explanation", "program", "observed", "shrunk_ops"}

WRONG = '''
"""A client whose free never merges at order 1."""
import sys
sys.path.insert(0, {folder!r})
from mmprops.examples.python.mybuddy import Lowest
class Forgetful(Lowest):
    def apply(self, op, args):
        if op == "alloc" and args["order"] == 2:
            return {{"result": {{"pfn": "0x1"}}}}
        return super().apply(op, args)
'''


HELLO_AND_RUBBISH = """
import sys
for line in sys.stdin:
    print('{"protocol":1,"name":"odd","machines":["buddy"]}' if "hello" in line else "what?", flush=True)
"""


class Done:
    """A finished command."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        assert self.out.count("\n") == 1, self.out
        value: dict[str, Any] = json.loads(self.out)
        return value


Mmspec = Callable[..., Done]


def with_path(folder: Path) -> dict[str, str]:
    """Return the environment in which a folder's modules are found beside those that are found here."""
    found = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(found)}


@pytest.fixture
def mmspec(tmp_path: Path) -> Mmspec:
    """Run a command in an empty folder."""

    def run(*arguments: str) -> Done:
        command = [sys.executable, "-m", "mmspec_cli.main", *arguments]
        environment = with_path(tmp_path)
        return Done(
            subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, env=environment, check=False)
        )

    return run


@pytest.fixture
def wrong_client(tmp_path: Path) -> str:
    """The name of a Python client that hands out a frame that is not aligned."""
    (tmp_path / "wrong.py").write_text(WRONG.format(folder=str(tmp_path)))
    return "python:wrong:Forgetful"


# --- what the commands print ------------------------------------------------------------------------------------------


def test_list_names_each_machine(mmspec: Mmspec) -> None:
    """With its clauses and clients."""
    done = mmspec("list", "--format", "json")
    assert list(done.json)[:3] == ["schema", "mmspec", "verdict"]
    (buddy,) = [m for m in done.json["machines"] if m["name"] == "buddy"]
    assert set(buddy) == {"name", "clauses", "clients"}
    assert {"impl", "spec", "exec:COMMAND"} <= set(buddy["clients"])


def test_describe_gives_schemas_derived_from_the_records(mmspec: Mmspec) -> None:
    """Of the configuration, each operation's arguments and result, and the capabilities."""
    done = mmspec("describe", "buddy", "--format", "json").json
    alloc = done["operations"]["alloc"]
    assert set(alloc) >= {"args", "result", "errors", "main"}
    assert alloc["main"] == "pfn"
    assert alloc["errors"] == ["ENOMEM", "EINVAL"]
    assert done["capabilities"]["max_pages"] == {"default": 65536, "meaning": done["capabilities"]["max_pages"]["meaning"]}
    assert done["config"]["properties"]["start_pfn"]["type"] == "string"


@pytest.mark.parametrize("language", ["c", "js", "rust", "go"])
def test_describe_prints_a_client_to_start_from(mmspec: Mmspec, language: str) -> None:
    """In each language, to the byte: indented as its language is."""
    printed = mmspec("describe", "buddy", "--adapter", language).out
    assert "hello" in printed
    assert printed == adapter_source("buddy", language)


def test_check_judges_the_implementation_under_linux(mmspec: Mmspec) -> None:
    """And passes, with every field of the interface."""
    done = mmspec("check", "buddy", "--ops", "3000", "--format", "json")
    (run,) = done.json["runs"]
    assert set(run) >= RUN_FIELDS
    assert (done.code, run["verdict"], run["profile"], run["violation"]) == (0, "pass", "linux", None)
    assert run["ops"] >= 3000


def test_check_names_the_clauses_that_were_not_reached(mmspec: Mmspec) -> None:
    """Those of the profile, and no other; where all were reached there is no such line."""
    few = mmspec("check", "buddy", "--ops", "1", "--seed", "0")
    (line,) = [line for line in few.out.splitlines() if line.startswith("  not reached: ")]
    run = mmspec("check", "buddy", "--ops", "1", "--seed", "0", "--format", "json").json["runs"][0]
    named = line.removeprefix("  not reached: ").split(", ")
    assert len(named) == run["clauses_total"] - len(run["clauses_reached"]) > 0
    assert set(named).isdisjoint(run["clauses_reached"])
    assert "not reached" not in mmspec("check", "buddy", "--ops", "20000").out


@pytest.mark.parametrize("option", [("--profile", "any"), ("--client", "spec")])
def test_branches_are_measured_under_every_kernel(mmspec: Mmspec, option: tuple[str, str]) -> None:
    """So that naming a profile or a client beside it is a contradiction, and refused."""
    done = mmspec("check", "buddy", "--branches", *option)
    assert done.code == 2
    assert f"leave out {option[0]}" in done.err


@pytest.mark.parametrize(("named", "profile"), [((), "any"), (("--profile", "kernel-6.12"), "kernel-6.12")])
def test_a_run_says_which_profile_was_asked_for(mmspec: Mmspec, named: tuple[str, ...], profile: str) -> None:
    """By the name that it was given, or by the default's."""
    (run,) = mmspec("conform", "buddy", "--client", "impl", "--ops", "100", "--format", "json", *named).json["runs"]
    assert run["profile"] == profile


def test_the_same_seed_tries_the_same_programs(mmspec: Mmspec) -> None:
    """To the operation."""
    runs = [mmspec("check", "--ops", "2000", "--seed", "7", "--format", "json").json["runs"][0] for _ in range(2)]
    for run in runs:
        run.pop("seconds")
    assert runs[0] == runs[1]


def test_a_wrong_client_fails_with_a_program_that_can_be_run_again(mmspec: Mmspec, wrong_client: str, tmp_path: Path) -> None:
    """The verdict, the clause, a short program, a file, and the way to repeat it."""
    done = mmspec("conform", "buddy", "--client", wrong_client, "--format", "json")
    violation = done.json["runs"][0]["violation"]
    assert done.code == 1
    assert set(violation) >= VIOLATION_FIELDS
    assert violation["clause"] == "BUDDY-ALLOC-ALIGNED"
    assert violation["shrunk_ops"] == len(violation["program"]) <= 2
    assert violation["observed"] == {"result": {"pfn": "0x1"}}
    (stored,) = (tmp_path / "mmspec-failures").iterdir()
    again = mmspec("conform", "buddy", "--client", wrong_client, "--program", str(stored), "--format", "json")
    assert (again.code, again.json["runs"][0]["violation"]["clause"]) == (1, "BUDDY-ALLOC-ALIGNED")
    right = mmspec("conform", "buddy", "--client", "impl", "--program", str(stored), "--format", "json")
    assert (right.code, right.json["verdict"]) == (0, "pass")


def test_the_last_lines_say_how_to_run_a_failure_again(mmspec: Mmspec, wrong_client: str) -> None:
    """And the picture shows the zone that the step met."""
    lines = mmspec("conform", "buddy", "--client", wrong_client).out.splitlines()
    assert "--program mmspec-failures/buddy-" in lines[-1]
    assert any(line.strip().startswith("order ") and "#" in line for line in lines)


def test_a_failure_that_cannot_be_stored_counts(mmspec: Mmspec, wrong_client: str, tmp_path: Path) -> None:
    """The verdict stands, and the last line says what is missing."""
    (tmp_path / "mmspec-failures").write_text("in the way")
    done = mmspec("conform", "buddy", "--client", wrong_client)
    assert done.code == 1
    assert "BUDDY-ALLOC-ALIGNED" in done.out
    assert done.out.splitlines()[-1] == "  not kept: mmspec-failures cannot be written here: File exists"


def test_a_client_is_quoted_for_the_shell_that_runs_it_again(mmspec: Mmspec, tmp_path: Path) -> None:
    """Whatever marks its command needs."""
    (tmp_path / "odd's.py").write_text(HELLO_AND_RUBBISH)
    client = f"""exec:{sys.executable} "odd's.py\""""
    line = next(line for line in mmspec("conform", "buddy", "--client", client).out.splitlines() if "again: " in line)
    words = shlex.split(line.removeprefix("  again: "))
    assert words[words.index("--client") + 1] == client


@pytest.mark.needs_gcc
def test_a_client_in_c_passes_and_a_failure_runs_under_gdb(mmspec: Mmspec, tmp_path: Path) -> None:
    """The failure file is what the client reads from standard input."""
    page = write("buddy", "c", tmp_path)
    client = compiled("c", page)
    assert mmspec("conform", "buddy", "--client", client, "--ops", "4000").code == 0
    source = page.read_text()
    broken = source.replace("ENOMEM", "ENOMEN")
    assert broken != source
    page.write_text(broken)
    assert compiled("c", page) == client
    done = mmspec("conform", "buddy", "--client", client, "--ops", "4000")
    assert done.code == 1
    last = done.out.splitlines()[-1]
    assert "gdb -ex" in last
    (stored,) = (tmp_path / "mmspec-failures").iterdir()
    assert str(stored.relative_to(tmp_path)) in last
    with stored.open("rb") as transcript:
        replies = subprocess.run(
            [str(page.with_suffix(""))], stdin=transcript, capture_output=True, timeout=20, check=False
        ).stdout
    assert replies.splitlines()[-1].count(b"ENOMEN") == 1


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix of a copy of the packaged capture."""
    folder = tmp_path_factory.mktemp("capture")
    for entry in (resources.files("mmprops") / "data").iterdir():
        if entry.name.endswith(".zst"):
            (folder / entry.name).write_bytes(entry.read_bytes())
    return folder / "linux-6.12-512M"


@pytest.mark.parametrize("engine", ["spec", "impl"])
def test_replay_follows_the_packaged_kernel(mmspec: Mmspec, packaged: Path, engine: str) -> None:
    """Every set of free blocks equals the kernel's RAM, whichever follows."""
    done = mmspec("replay", str(packaged), "--engine", engine, "--level", "blocks", "--format", "json")
    answer = done.json
    assert (done.code, answer["verdict"], answer["level"]) == (0, "pass", "blocks")
    assert answer["lists_equal"] == answer["lists_compared"] > 0
    assert answer["first_miss"] is None
    assert (answer["allocations"], answer["predicted"]) == (19590, None)
    assert {"tag", "check", "verdict", "detail"} == set(answer["snapshots"][0])


def test_replay_foretells(mmspec: Mmspec, packaged: Path) -> None:
    """Without a level every allocation is foretold, and all that the interface names is told."""
    done = mmspec("replay", str(packaged), "--engine", "impl", "--format", "json")
    answer = done.json
    assert (done.code, answer["verdict"], answer["level"], answer["first_miss"]) == (0, "pass", "exact", None)
    assert (answer["allocations"], answer["predicted"], answer["mispredicted"], answer["resyncs"]) == (19590, 19590, 0, 0)
    assert (answer["unpredictable"], answer["zone_from_pfn"]) == ({}, 97)
    assert (answer["lists_equal"], answer["lists_compared"]) == (110, 110)


VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "buddy"


def test_vectors_are_written_and_compared(mmspec: Mmspec, tmp_path: Path) -> None:
    """In one go: those in the checkout are what is written, and the verdict says so."""
    done = mmspec("vectors", "buddy", "--out", "new/buddy", "--check", str(VECTORS), "--format", "json")
    answer = done.json
    assert (done.code, answer["verdict"], answer["differing"]) == (0, "pass", 0)
    written = {path.name: path.read_bytes() for path in (tmp_path / "new" / "buddy").iterdir()}
    assert written == {path.name: path.read_bytes() for path in VECTORS.glob("*.jsonl")}
    assert (answer["files"], answer["vectors"]) == (len(written), sum(text.count(b"\n") for text in written.values()))


@pytest.mark.by_turns(4)
def test_vectors_that_differ_fail(mmspec: Mmspec, tmp_path: Path) -> None:
    """Each is named."""
    for path in VECTORS.glob("*.jsonl"):
        shutil.copy(path, tmp_path)
    changed = tmp_path / "any.jsonl"
    lines = changed.read_bytes().splitlines(keepends=True)
    changed.write_bytes(b"".join([lines[0].replace(b'"ENOMEM"', b'"EINVAL"'), *lines[1:]]))
    done = mmspec("vectors", "buddy", "--check", ".")
    assert done.code == 1
    assert done.out.splitlines()[-2] == "  differs: buddy-any-0"
    assert done.out.splitlines()[-1].startswith("fail 1 of ")


@pytest.mark.by_turns(4)
def test_without_a_folder_vectors_are_counted(mmspec: Mmspec, tmp_path: Path) -> None:
    """And nothing is written."""
    done = mmspec("vectors", "buddy")
    assert done.code == 0
    count = len((VECTORS / "any.jsonl").read_text().splitlines())
    assert re.fullmatch(rf"any\.jsonl +{count} vectors, [0-9]+ steps", done.out.splitlines()[0])
    assert not list(tmp_path.iterdir())


# --- bad input ----------------------------------------------------------------------------------------------------------

USAGE = [
    (("check", "nosuch"), "unknown machine 'nosuch'"),
    (("conform", "nosuch", "--client", "impl"), "unknown machine 'nosuch'"),
    (("conform", "buddy"), "Missing option '--client'"),
    (("conform", "buddy", "--client", "foo"), "unknown client 'foo'"),
    (("conform", "buddy", "--client", "impl", "--profile", "kernel-9"), "unknown profile 'kernel-9'"),
    (("conform", "buddy", "--client", "impl", "--program", "nosuch.jsonl"), "cannot read nosuch.jsonl"),
    (("check", "--ops", "0"), "--ops"),
    (("bogus",), "No such command 'bogus'"),
    (("replay", "nosuch"), "no such capture"),
    (("vectors", "nosuch"), "unknown machine 'nosuch'"),
    (("vectors", "buddy", "--check", "nosuch"), "no vectors in nosuch"),
]


@pytest.mark.parametrize(("arguments", "said"), USAGE, ids=[" ".join(a) for a, _ in USAGE])
def test_a_usage_error_is_one_line_and_exits_with_2(mmspec: Mmspec, arguments: tuple[str, ...], said: str) -> None:
    """And one JSON object where that was asked for."""
    plain = mmspec(*arguments)
    assert (plain.code, plain.out) == (2, "")
    assert said in plain.err
    assert plain.err.count("\n") == 1
    asked = mmspec(*arguments, "--format", "json")
    assert asked.code == 2
    assert asked.json["verdict"] == "error"
    assert set(asked.json["error"]) == {"kind", "message", "hint", "where"}
    assert said in asked.json["error"]["message"]


def test_a_command_is_needed(mmspec: Mmspec) -> None:
    """One line, with the way to the list of commands."""
    done = mmspec()
    assert (done.code, done.out, done.err) == (2, "", "mmspec: Missing command. (mmspec --help)\n")


@pytest.mark.parametrize("form", ["text", "json"])
def test_output_that_nobody_can_take_is_an_error_in_one_line(form: str) -> None:
    """On a full disk, for one."""
    command = [sys.executable, "-m", "mmspec_cli.main", "describe", "buddy", "--format", form]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    assert done.returncode == 4
    assert done.stderr.startswith("mmspec: cannot write to standard output: No space left on device")
    assert done.stderr.count("\n") == 1


def test_closed_streams_are_nobody_s_defect() -> None:
    """The exit code tells."""
    command = ["sh", "-c", '"$0" -m mmspec_cli.main list >&- 2>&-', sys.executable]
    assert subprocess.run(command, timeout=300, check=False).returncode == 0


def test_a_client_that_does_not_start_is_an_error(mmspec: Mmspec) -> None:
    """Exit code 4: nothing was judged."""
    done = mmspec("conform", "buddy", "--client", "exec:./nosuch", "--format", "json")
    assert (done.code, done.json["verdict"]) == (4, "error")


def test_a_cut_off_file_of_vectors_is_an_error_that_names_it(mmspec: Mmspec, tmp_path: Path) -> None:
    """With its line, in one line."""
    whole = (VECTORS / "any.jsonl").read_bytes()
    (tmp_path / "any.jsonl").write_bytes(whole[:-10])
    done = mmspec("vectors", "buddy", "--check", ".")
    assert (done.code, done.out) == (4, "")
    place = f"any.jsonl:{len(whole.splitlines())}"
    assert done.err.startswith(f"mmspec: {place}: the line does not end: the file was cut off")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.8])
def test_a_cut_off_program_file_is_an_error_that_names_it(mmspec: Mmspec, wrong_client: str, tmp_path: Path, keep: float) -> None:
    """With its line, if it has one, in the message and on its own."""
    mmspec("conform", "buddy", "--client", wrong_client)
    (stored,) = (tmp_path / "mmspec-failures").iterdir()
    whole = stored.read_bytes()
    stored.write_bytes(whole[: int(len(whole) * keep)])
    done = mmspec("conform", "buddy", "--client", "impl", "--program", str(stored), "--format", "json")
    assert (done.code, done.json["verdict"]) == (4, "error")
    error, line = done.json["error"], len(stored.read_bytes().splitlines())
    assert error["where"] == (f"{stored}:{line}" if line else str(stored))
    assert error["message"].startswith(error["where"] + ": ")


def test_a_program_file_that_cannot_be_read_is_named(mmspec: Mmspec, tmp_path: Path) -> None:
    """On its own, too."""
    done = mmspec("conform", "buddy", "--client", "impl", "--program", str(tmp_path), "--format", "json")
    assert (done.code, done.json["error"]["where"]) == (2, str(tmp_path))


def test_a_program_is_no_capture(mmspec: Mmspec, tmp_path: Path) -> None:
    """Who wants to carry it out again is told how."""
    program = tmp_path / "buddy-12.jsonl"
    program.touch()
    done = mmspec("replay", str(program), "--format", "json")
    assert (done.code, done.json["error"]["where"]) == (4, str(program))
    assert done.json["error"]["hint"].endswith(f"mmspec conform MACHINE --client CLIENT --program {program}")


@pytest.mark.parametrize("part", ["state", "trace-raw"])
def test_a_cut_off_capture_is_an_error_that_names_it(mmspec: Mmspec, packaged: Path, tmp_path: Path, part: str) -> None:
    """Whichever archive was cut."""
    for source in packaged.parent.glob(packaged.name + "-*"):
        shutil.copy(source, tmp_path)
    cut = tmp_path / f"{packaged.name}-{part}.tar.zst"
    cut.write_bytes(cut.read_bytes()[:-1000])
    done = mmspec("replay", str(tmp_path / packaged.name), "--format", "json")
    assert (done.code, done.json["verdict"]) == (4, "error")
    assert cut.name in done.json["error"]["message"]


def test_an_interrupt_ends_with_130_and_leaves_nothing(tmp_path: Path) -> None:
    """Neither half-written files nor a client that goes on."""
    marker = tmp_path / "alive"
    (tmp_path / "slow.py").write_text(
        "import pathlib, os\n"
        "from mmprops.examples.python.mybuddy import Lowest\n"
        "class Slow(Lowest):\n"
        "    def hello(self):\n"
        f"        pathlib.Path({str(marker)!r}).write_text(str(os.getpid()))\n"
        "        return super().hello()\n"
    )
    # A job in the background inherits that SIGINT is ignored, and so would the command.
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from mmspec_cli.main import main; main()"
    command = [sys.executable, "-c", start, "conform", "buddy", "--client", "python:slow:Slow", "--ops", "100000000"]
    environment = with_path(tmp_path)
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        while not marker.exists() or not marker.read_text():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(timeout=60) == 130
        finally:
            process.kill()
    client = int(marker.read_text())
    for _ in range(200):
        if not Path(f"/proc/{client}").exists():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{client}").exists()
    assert not (tmp_path / "mmspec-failures").exists()


INTERRUPTED_IMPORT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from mmspec_cli.main import main
main(["list", "--format", "json"])
"""


@pytest.mark.parametrize("module", ["click", "mmspec_cli.output", "numpy", "mmspec_cli.program", "mmspec.physical.buddy.core"])
def test_an_interrupt_while_modules_are_loaded_is_one_too(module: str) -> None:
    """Not a traceback of whatever was being imported."""
    command = [sys.executable, "-c", INTERRUPTED_IMPORT.format(module=module)]
    done = Done(subprocess.run(command, capture_output=True, text=True, timeout=300, check=False))
    assert (done.code, done.err.strip()) == (130, "")  # click ends the line that shows ^C
    assert done.json["error"]["kind"] == "interrupted"
