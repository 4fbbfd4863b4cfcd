"""The pytest plugin, as the suites of others meet it: each test runs a pytest of its own, in which every warning is an error."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.junit import properties_of, suite_of

ROOT = Path(__file__).resolve().parents[2]

CLIENTS = r'''
"""Clients that are wrong, each in a way of its own, and one that notes its end."""
import pathlib, time
from mmprops.examples.python.mybuddy import Lowest

class Unaligned(Lowest):
    name = "odd\x00\x1b\ufffe"
    def apply(self, op, args):
        if op == "alloc" and args["order"] == 2:
            return {"result": {"pfn": "0x1"}}
        return super().apply(op, args)

class Hanging(Lowest):
    def apply(self, op, args):
        time.sleep(60)

class Unable(Lowest):
    def apply(self, op, args):
        return {"unsupported": "not today"}

class Ending(Lowest):
    def close(self):
        pathlib.Path("ended").write_text("")
'''
UNALIGNED, HANGING, UNABLE = (f"buddy=python:clients:{name}" for name in ("Unaligned", "Hanging", "Unable"))


class Suite:
    """Somebody's suite, with mmspec installed beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "clients.py").write_text(CLIENTS)
        (root / "pytest.ini").write_text("[pytest]\n")

    def test(self, text: str) -> None:
        """Write the only test module."""
        (self.root / "test_x.py").write_text(text)

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run pytest with few operations; exit code and output."""
        path = os.pathsep.join([str(self.root), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "PYTEST"))}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "pytest", "-W", "error", "--strict-config", *arguments],
            cwd=self.root,
            env=environment | {"PYTHONPATH": path},
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """A suite without tests."""
    return Suite(tmp_path)


FEW = ("--mmspec-ops", "300")


# --- tests of clients -------------------------------------------------------------------------------------------------


@pytest.mark.by_turns(3)
@pytest.mark.parametrize("workers", ["0", "2"])
def test_each_client_is_a_test(suite: Suite, workers: str) -> None:
    """Passed, failed or not started; and one's end is not another's."""
    suite.test("def test_it(): pass\n")
    named = ("buddy=impl", UNALIGNED, "buddy=exec:./nosuch")
    code, output = suite.run("-v", "-n", workers, *FEW, *(f"--mmspec-client={client}" for client in named))
    assert code == 1, output
    assert re.search(r"mmspec::buddy\[impl\] PASSED|PASSED mmspec::buddy\[impl\]", output)
    assert "FAILED mmspec::buddy[python:clients:Unaligned] - Failed: BUDDY-ALLOC-ALIGNED" in output
    assert "ERROR mmspec::buddy[exec:./nosuch] - Failed: cannot start './nosuch'" in output
    assert "1 failed, 2 passed, 1 error" in output


def test_a_failure_shows_what_the_command_line_shows(suite: Suite) -> None:
    """The clause with its source, the shrunk program, the picture, the way to see it again; and no traceback of mmspec's."""
    code, output = suite.run(*FEW, "--mmspec-client", UNALIGNED)
    assert code == 1
    (stored,) = (suite.root / "mmspec-failures").iterdir()
    shown = [
        "BUDDY-ALLOC-ALIGNED A block of order o is handed out at a multiple of 2**o",
        "mm/page_alloc.c:__free_one_page, v6.12",
        ">   0 alloc Alloc(order=2)",
        "order  4 ####",
        f"--client python:clients:Unaligned --profile any --program mmspec-failures/{stored.name}",
    ]
    assert [text for text in shown if text not in output] == []
    assert ".py" not in output.split("= FAILURES =")[1]


def test_a_client_that_does_not_start_is_no_traceback(suite: Suite) -> None:
    """What is wrong, and what would be right."""
    code, output = suite.run("--mmspec-client", "buddy=exec:./nosuch")
    assert code == 1
    assert "give the path of an executable file" in output
    assert ".py" not in output.split("= ERRORS =")[1]


def test_a_client_that_hangs_fails_in_time(suite: Suite) -> None:
    """In the time that a reply may take, not in its own."""
    code, output = suite.run("--mmspec-client", HANGING, "--mmspec-timeout", "0.2")
    assert code == 1
    assert "FAILED mmspec::buddy[python:clients:Hanging] - Failed: CLIENT-HANG" in output


@pytest.mark.parametrize("how", ["option", "fixture"])
def test_a_client_is_ended_with_its_test(suite: Suite, how: str) -> None:
    """By its own means, not by the end of pytest."""
    ended = "import pathlib\ndef test_ended(): assert pathlib.Path('ended').exists()\n"
    if how == "fixture":
        suite.test(f"from clients import Ending\ndef test_it(mmspec_conform): mmspec_conform('buddy', Ending)\n{ended}")
        assert "2 passed" in suite.run(*FEW)[1]
    else:
        assert "1 passed" in suite.run(*FEW, "--mmspec-client", "buddy=python:clients:Ending")[1]
        assert (suite.root / "ended").exists()


def test_what_could_not_be_judged_is_not_green(suite: Suite) -> None:
    """The verdict unknown fails, with its reason."""
    code, output = suite.run(*FEW, "--mmspec-client", UNABLE)
    assert code == 1
    assert "unknown buddy" in output
    assert "operations were not carried out: not today" in output


def test_profile_and_seed_are_those_that_were_asked_for(suite: Suite) -> None:
    """A client of its own choice is lawful, and not Linux; the header says how to repeat the run."""
    client = ("--mmspec-client", "buddy=python:mmprops.examples.python.mybuddy:Highest")
    code, output = suite.run(*FEW, *client, "--mmspec-profile", "linux", "--mmspec-seed", "7")
    assert code == 1
    assert "under linux, 300 operations; repeat with --mmspec-seed 7" in output
    assert re.search(r"fail buddy: mybuddy, highest address under linux, .*, seed 7\n", output)


@pytest.mark.parametrize("arguments", [("-k", "not mmspec"), ("--deselect", "mmspec")])
def test_clients_are_deselected_as_tests_are(suite: Suite, arguments: tuple[str, ...]) -> None:
    """By name, or by what their names begin with."""
    suite.test("def test_it(): pass\n")
    code, output = suite.run("--mmspec-client", UNALIGNED, *arguments)
    assert (code, "1 passed, 1 deselected" in output) == (0, True), output
    assert "collected 2 items / 1 deselected / 1 selected" in output


@pytest.mark.by_turns(3)
def test_the_last_failed_is_run_again(suite: Suite) -> None:
    """Without the client that passed."""
    both = (*FEW, "--mmspec-client", "buddy=impl", "--mmspec-client", UNALIGNED)
    assert "1 failed, 1 passed" in suite.run(*both)[1]
    assert "1 failed, 1 deselected" in suite.run(*both, "--lf")[1]


# --- the configuration ------------------------------------------------------------------------------------------------

CONFIGURED = f"[pytest]\nmmspec_client =\n    buddy=impl\n    {UNALIGNED}\nmmspec_ops = 300\n"


@pytest.mark.by_turns(3)
@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("arguments", "counted"),
    [((), "1 failed, 2 passed"), (("test_x.py",), "1 passed"), (("test_x.py", "--mmspec-client", "buddy=impl"), "2 passed")],
    ids=["all", "named", "replaced"],
)
def test_the_configuration_counts_for_runs_of_everything(
    suite: Suite, arguments: tuple[str, ...], counted: str, workers: str
) -> None:
    """Not for those that name a test; and the command line takes its place."""
    (suite.root / "pytest.ini").write_text(CONFIGURED)
    suite.test("def test_it(): pass\n")
    output = suite.run("-n", workers, *arguments)[1]
    assert re.search(rf"^=* ?{counted} in ", output, re.MULTILINE), output


WRONG = [
    (("--mmspec-client", "bubby=impl"), "mmspec: unknown machine 'bubby' (one of memblock"),
    (("--mmspec-client", "buddy=foo"), "mmspec: unknown client 'foo' (one of impl, "),
    (("--mmspec-client", "buddy=impl", "--mmspec-profile", "lunix"), "mmspec: unknown profile 'lunix'"),
    (("--mmspec-client", "impl"), "--mmspec-client: expected MACHINE=CLIENT, such as buddy=exec:./mybuddy, got 'impl'"),
    (("--mmspec-ops", "0"), "--mmspec-ops: expected a number, at least 1, got '0'"),
    (("--mmspec-seed", "x"), "--mmspec-seed: expected a number, at least 0, got 'x'"),
    (("--mmspec-timeout", "nan"), "--mmspec-timeout: expected a number, at least 0.01, got 'nan'"),
    (("-o", "mmspec_ops=x"), "mmspec_ops: expected a number, at least 1, got 'x'"),
    (("-n", "2", "--mmspec-client", "bubby=impl"), "mmspec: unknown machine 'bubby' (one of memblock"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[" ".join(arguments) for arguments, _ in WRONG])
def test_what_cannot_be_is_a_usage_error_in_one_line(suite: Suite, arguments: tuple[str, ...], said: str) -> None:
    """Before any test is run."""
    suite.test("def test_it(): pass\n")
    code, output = suite.run(*arguments)
    assert (code, len(output.strip().splitlines())) == (4, 1), output
    assert output.startswith(f"ERROR: {said}")


# --- the fixture ------------------------------------------------------------------------------------------------------

WITH_FIXTURE = """
import pytest
from clients import Unable, Unaligned
from mmprops.examples.python.mybuddy import Lowest
from mmprops.conform import ConformanceError

def test_right(mmspec_conform):
    run = mmspec_conform("buddy", Lowest)
    assert run.verdict == "pass" and 300 <= run.ops < 1000
    assert mmspec_conform("buddy", Lowest, ops=1000, seed=3).seed == 3

def test_caught(mmspec_conform):
    with pytest.raises(ConformanceError, match="BUDDY-ALLOC-ALIGNED"):
        mmspec_conform("buddy", Unaligned)

def test_wrong(mmspec_conform):
    mmspec_conform("buddy", Unaligned)

def test_undecided(mmspec_conform):
    mmspec_conform("buddy", Unable)
"""


def test_the_fixture_takes_any_client(suite: Suite) -> None:
    """A Python object too; what is broken is an exception with the program in its notes, and undecided is a failure."""
    suite.test(WITH_FIXTURE)
    code, output = suite.run(*FEW)
    assert "2 failed, 2 passed" in output, output
    assert code == 1
    assert re.search(r"^E .*ConformanceError: BUDDY-ALLOC-ALIGNED", output, re.MULTILINE)
    assert re.search(r"^E +> +0 alloc Alloc\(order=2\)", output, re.MULTILINE)
    assert re.search(r"^E +kept: mmspec-failures/buddy-", output, re.MULTILINE)
    assert "Failed: unknown buddy" in output
    assert "pytest_plugin.py" not in output


# --- JUnit ------------------------------------------------------------------------------------------------------------


@pytest.mark.by_turns(3)
@pytest.mark.parametrize("workers", ["0", "2"])
def test_pytests_own_junit_file_has_what_a_run_rests_on(suite: Suite, workers: str) -> None:
    """Beside each verdict; and whatever a client calls itself, the file is XML."""
    suite.test(
        "from mmprops.examples.python.mybuddy import Lowest\ndef test_it(mmspec_conform): mmspec_conform('buddy', Lowest)\n"
    )
    named = ("buddy=impl", UNALIGNED, "buddy=exec:./nosuch")
    suite.run("-n", workers, "--junit-xml=junit.xml", *FEW, *(f"--mmspec-client={client}" for client in named))
    found = suite_of(suite.root / "junit.xml")
    cases = {f"{case.attrib['classname']} {case.attrib['name']}": case for case in found}
    assert {name: [child.tag for child in case] for name, case in cases.items()} == {
        "test_x test_it": ["properties"],
        "mmspec buddy[impl]": ["properties"],
        "mmspec buddy[python:clients:Unaligned]": ["properties", "failure"],
        "mmspec buddy[exec:./nosuch]": ["error"],
    }
    noted = properties_of(cases["mmspec buddy[impl]"])
    counts = [int(noted[name]) for name in ("clauses_reached", "clauses_total")]
    assert (noted["machine"], noted["profile"], noted["seed"], noted["verdict"]) == ("buddy", "any", "0", "pass")
    assert int(noted["ops"]) >= 300
    assert counts[1] - counts[0] == len(noted["clauses_not_reached"].split()) > 0
    assert properties_of(cases["test_x test_it"])["client"] == "mybuddy, lowest address"


# --- suites that have nothing to do with it ---------------------------------------------------------------------------


def test_a_suite_that_does_not_use_it_loads_nothing_of_it(suite: Suite) -> None:
    """But the plugin: neither the law nor any library."""
    suite.test(
        "import sys\n"
        "def test_it():\n"
        "    roots = ('mmspec', 'mmimpl', 'mmprops', 'mmproofs', 'attr', 'numpy', 'z3', 'numba', 'rich', 'click', 'msgspec')\n"
        "    loaded = {name for name in sys.modules if name.split('.')[0] in roots}\n"
        "    assert loaded == {'mmprops', 'mmprops.pytest_plugin'}\n"
    )
    code, output = suite.run()
    assert code == 0, output
    assert "mmspec:" not in output


def test_the_installed_plugin_is_the_declared_one() -> None:
    """By its name in pyproject.toml; `python3 tools/dev.py setup` installs it."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    installed = importlib.metadata.distribution("mmspec").entry_points.select(group="pytest11")
    assert {point.name: point.value for point in installed} == declared == {"mmspec": "mmprops.pytest_plugin"}
