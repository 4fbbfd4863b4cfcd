"""conftest.py: what fails a run, which tests an effort takes, and what a seed repeats. Each test runs a pytest of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = "import pytest\n@pytest.mark.skip(reason='why')\ndef test_it(): pass\n"
MODULE_SKIPPED = "import pytest\npytest.skip('why', allow_module_level=True)\n"


class Project:
    """A project with this one's conftest.py and pytest settings, and tests of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "tests").mkdir()
        for name in ("conftest.py", "pyproject.toml"):
            (root / name).write_bytes((ROOT / name).read_bytes())
        self.skips("[anywhere]\n[outside CI]\n")

    def skips(self, text: str) -> None:
        """Write tests/skips.txt."""
        (self.root / "tests" / "skips.txt").write_text(text, encoding="utf-8")

    def test(self, text: str) -> None:
        """Write the only test module."""
        (self.root / "tests" / "test_x.py").write_text(text)

    def git(self, *arguments: str) -> str:
        """What git prints in this project."""
        who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a"}
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=os.environ | who, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def run(self, *arguments: str, **env: str) -> tuple[int, str]:
        """Run pytest without workers unless `arguments` ask for them; exit code and output."""
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=self.root,
            env={name: value for name, value in os.environ.items() if not name.startswith(("CI", "PYTEST"))} | env,
            check=False,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without tests and without skips."""
    return Project(tmp_path)


# --- skips ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("text", [SKIPPED, MODULE_SKIPPED], ids=["test", "module"])
def test_unlisted_skip_fails_the_run(project: Project, text: str, workers: str) -> None:
    """A skip that tests/skips.txt does not list fails the run, with its name and its reason."""
    project.test(text)
    code, output = project.run("-n", workers)
    assert code == 1
    assert re.search(r"skip that tests/skips\.txt does not list: tests/test_x\.py\S*: Skipped: why", output)
    assert "; 1 skipped, 1 of them unlisted" in output


@pytest.mark.parametrize("workers", ["0", "2"])
def test_listed_skip_is_counted(project: Project, workers: str) -> None:
    """A skip that is listed leaves the run green, and the count at its end names it."""
    project.skips("[anywhere]\ntests/test_x.py::test_i* — a reason\n")
    project.test(SKIPPED)
    code, output = project.run("-n", workers)
    assert code == 0
    assert "; 1 skipped, 0 of them unlisted" in output


@pytest.mark.by_turns(3)
def test_pattern_means_the_whole_name(project: Project) -> None:
    """A pattern without a star lists that one test, not those whose names begin like it, and brackets are plain."""
    project.skips("[anywhere]\ntests/test_x.py::test_it[a] — a reason\n")
    project.test("import pytest\n@pytest.mark.parametrize('v', ['a', 'a]'])\ndef test_it(v): pytest.skip('why')\n")
    code, output = project.run()
    assert code == 1
    assert "; 2 skipped, 1 of them unlisted" in output


@pytest.mark.parametrize(("ci", "expected"), [("", 0), ("true", 1)])
def test_ci_may_skip_less(project: Project, ci: str, expected: int) -> None:
    """What is listed below [outside CI] may be skipped by a developer and not by CI."""
    project.skips("[anywhere]\n[outside CI]\ntests/test_x.py::test_it — CI has it\n")
    project.test(SKIPPED)
    assert project.run(CI=ci)[0] == expected


def test_expected_failure_is_no_skip(project: Project) -> None:
    """A test that is expected to fail, and does, needs no listing."""
    project.test("import pytest\n@pytest.mark.xfail(reason='known')\ndef test_it(): assert 0\n")
    code, output = project.run()
    assert code == 0
    assert "; 0 skipped" in output


@pytest.mark.parametrize("text", ["[anywhere]\ntests/test_x.py", "[anywhere]\ntests/x — ", "tests/x — no heading"])
def test_malformed_list_is_refused(project: Project, text: str) -> None:
    """A line of tests/skips.txt that is not a pattern and a reason is an error that names the line."""
    project.skips(text)
    project.test("def test_it(): pass\n")
    code, output = project.run()
    assert code == 4
    assert re.search(r"skips\.txt:[12]: expected 'PATTERN — REASON'", output)


def test_missing_program_skips(project: Project, tmp_path: Path) -> None:
    """A test that needs a program which is not there is skipped, and says so."""
    project.test("import pytest\n@pytest.mark.needs_gcc\ndef test_it(): assert 0\n")
    code, output = project.run(PATH=str(tmp_path))
    assert code == 1
    assert "needs gcc, which is not here" in output


# --- settings -------------------------------------------------------------------------------------------------


def test_warnings_are_errors(project: Project) -> None:
    """A warning fails the test that raised it."""
    project.test("import warnings\ndef test_it(): warnings.warn('x', stacklevel=1)\n")
    assert project.run()[0] == 1


def test_unknown_marker_is_an_error(project: Project) -> None:
    """A misspelt marker fails the run instead of marking nothing."""
    project.test("import pytest\n@pytest.mark.nihgtly\ndef test_it(): pass\n")
    assert project.run()[0] == 2


@pytest.mark.parametrize(
    ("effort", "passed"), [("quick", "1 passed, 1 deselected"), ("ci", "1 passed, 1 deselected"), ("nightly", "2 passed")]
)
def test_nightly_tests_wait(project: Project, effort: str, passed: str) -> None:
    """Tests marked nightly run with the effort nightly and not before."""
    project.test("import pytest\ndef test_a(): pass\n@pytest.mark.nightly\ndef test_b(): pass\n")
    code, output = project.run("--effort", effort)
    assert code == 0
    assert passed in output


def test_tests_by_turns_take_turns(project: Project) -> None:
    """Of tests that take turns some run, others under another seed, and under a long effort all do; a seed repeats its choice."""
    project.test(
        "import pytest\n@pytest.mark.by_turns(4)\n@pytest.mark.parametrize('n', range(40))\ndef test_it(n): print(f'<{n}>')\n"
    )
    ran = [set(re.findall("<[0-9]+>", project.run("-s", "--seed", seed)[1])) for seed in ("1", "1", "2")]
    assert ran[0] == ran[1] != ran[2]
    assert all(len(some) == 10 for some in ran)
    code, output = project.run("--effort", "nightly", "--seed", "1")
    assert code == 0
    assert "40 passed" in output


@pytest.mark.by_turns(3)
def test_more_effort_more_examples(project: Project) -> None:
    """An effort is known to the test, and sets how many examples Hypothesis tries; nothing depends on wall time."""
    project.test(
        "import hypothesis\n"
        "def test_it(effort):\n"
        "    now = hypothesis.settings.default\n"
        "    print(effort, now.max_examples, now.deadline, now.derandomize, now.database is None)\n"
    )
    printed = [project.run("-s", "--effort", effort, CI="true")[1] for effort in ("quick", "ci", "nightly")]
    for output, expected in zip(printed, ["quick 20", "ci 100", "nightly 2000"], strict=True):
        assert f"{expected} None False False\n" in output


def test_users_hypothesis_profile_wins(project: Project) -> None:
    """--hypothesis-profile is not overridden."""
    project.test("import hypothesis\ndef test_it(): print('examples', hypothesis.settings.default.max_examples)\n")
    assert "examples 100" in project.run("-s")[1]
    with (project.root / "conftest.py").open("a") as conftest:
        conftest.write("\nhypothesis.settings.register_profile('mine', max_examples=7)\n")
    assert "examples 7" in project.run("-s", "--hypothesis-profile", "mine")[1]


# --- seeds ----------------------------------------------------------------------------------------------------

DRAWS = """
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

def note(*words):
    with open("drawn.txt", "a") as out:
        print(*words, file=out)

@given(st.integers(0, 10**9))
@settings(max_examples=20)
def test_function(value):
    note("function", value)

class Machine(RuleBasedStateMachine):
    @rule(value=st.integers(0, 10**9))
    def draw(self, value):
        note("machine", value)

Machine.TestCase.settings = settings(max_examples=3, stateful_step_count=4)
TestMachine = Machine.TestCase

def test_seed(seed):
    note("seed", seed)
"""


def draws(project: Project, *arguments: str) -> dict[str, list[str]]:
    """What a run drew: the values in order, by who drew them."""
    path = project.root / "drawn.txt"
    path.unlink(missing_ok=True)
    project.test(DRAWS)
    code, output = project.run(*arguments)
    assert code == 0, output
    drawn: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        who, value = line.split()
        drawn.setdefault(who, []).append(value)
    return drawn


@pytest.mark.by_turns(3)
def test_seed_repeats_a_run(project: Project) -> None:
    """One seed draws the same again, in functions and state machines, whatever the number of workers."""
    first = draws(project, "--seed", "5")
    assert first == draws(project, "--seed", "5", "-n", "2")
    assert first["seed"] == ["5"]
    assert len(set(first["function"])) > 10


@pytest.mark.by_turns(3)
@pytest.mark.parametrize("who", ["function", "machine"])
def test_other_seed_other_run(project: Project, who: str) -> None:
    """Another seed draws other values."""
    assert draws(project, "--seed", "5")[who] != draws(project, "--seed", "6")[who]


def test_seed_of_a_commit(project: Project) -> None:
    """Without --seed a run takes the commit id and prints what repeats it."""
    project.git("init", "--quiet")
    project.git("commit", "--quiet", "--allow-empty", "--message", "x")
    commit = project.git("rev-parse", "HEAD")
    project.test("def test_it(seed): print('seed is', seed)\n")
    output = project.run("-s")[1]
    assert f"repeat with --seed {int(commit[:8], 16)} (commit {commit[:12]})" in output
    assert f"seed is {int(commit[:8], 16)}\n" in output


def test_seed_outside_git(project: Project) -> None:
    """Outside git the seed is 0, and the header says why."""
    project.test("def test_it(): pass\n")
    assert "repeat with --seed 0 (no git commit here)" in project.run(GIT_CEILING_DIRECTORIES=str(project.root.parent))[1]


@pytest.mark.by_turns(3)
def test_long_efforts_try_something_new(project: Project) -> None:
    """A nightly run has a seed of its own, the same in all its workers."""
    project.test(
        "import pathlib, pytest\n"
        "@pytest.mark.parametrize('n', range(4))\n"
        "def test_it(seed, n): pathlib.Path(f'seed{n}').write_text(str(seed))\n"
    )
    header: list[str] = []
    for _ in range(2):
        output = project.run("--effort", "nightly", "-n", "2")[1]
        header += re.findall(r"repeat with --seed (\d+) \(random\)", output)
        assert {(project.root / f"seed{n}").read_text() for n in range(4)} == {header[-1]}
    assert header[0] != header[1]


def test_failure_is_remembered(project: Project) -> None:
    """The failing example of a seeded run is tried first in the next: the seed leaves the database on."""
    project.test(
        "from hypothesis import given, strategies as st\n"
        "@given(st.integers(0, 10**9))\n"
        "def test_it(value):\n"
        "    with open('drawn.txt', 'a') as out: print(value, file=out)\n"
        "    assert value < 500\n"
    )
    assert project.run("--seed", "1")[0] == 1
    (project.root / "drawn.txt").unlink()
    assert project.run("--seed", "2")[0] == 1
    assert (project.root / "drawn.txt").read_text().splitlines()[0] == "500"
