"""How this project's tests run: effort, seed, what a test needs, and which tests may be skipped.

    --effort quick|ci|nightly|campaign   how many programs a test tries; `nightly` tests wait for the last two, and so do
                                         tests of which one in N is taken `by_turns`, except that one
    --seed N                             the seed of this run; without it quick and ci take the commit id

A skipped test that tests/skips.txt does not list fails the run: a check that no longer runs looks green.
"""

from __future__ import annotations

import importlib.util
import os
import random
import re
import secrets
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis.database import DirectoryBasedExampleDatabase

ROOT = Path(__file__).resolve().parent
EXAMPLES = {"quick": 20, "ci": 100, "nightly": 2_000, "campaign": 20_000}
LONG_EFFORTS = ("nightly", "campaign")
SEED_SOURCE = pytest.StashKey[str]()


# --- effort and seed ----------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --effort and --seed."""
    group = parser.getgroup("mmspec")
    group.addoption("--effort", choices=tuple(EXAMPLES), default="ci", help="how many programs to try (default: ci)")
    group.addoption("--seed", type=int, default=None, help="the seed of this run (default: from the commit id)")


def default_seed(effort: str) -> tuple[int, str]:
    """The seed of a run that was given none, and where it comes from.

    Quick efforts repeat on one commit and move on with the next; long ones try something new each time.
    """
    if effort in LONG_EFFORTS:
        return secrets.randbits(32), "random"
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return 0, "no git commit here"
    commit = done.stdout.strip()
    return int(commit[:8], 16), f"commit {commit[:12]}"


def load_hypothesis_profile(effort: str) -> None:
    """Make and load the Hypothesis profile of `effort`; --hypothesis-profile still overrides it.

    Hypothesis's own `ci` profile is derandomised and has no database: every run would try the same programs.
    """
    hypothesis.settings.register_profile(
        f"mmspec-{effort}",
        max_examples=EXAMPLES[effort],
        derandomize=False,
        database=DirectoryBasedExampleDatabase(ROOT / ".hypothesis" / "examples"),
        print_blob=True,
        # Both judge by wall time, which says more about the machine than about the test.
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile(f"mmspec-{effort}")


def pytest_configure(config: pytest.Config) -> None:
    """Settle effort and seed; one of xdist's workers takes the seed of its controller."""
    load_hypothesis_profile(config.option.effort)
    source = "--seed"
    if hasattr(config, "workerinput"):
        config.option.seed = config.workerinput["mmspec_seed"]
    elif config.option.seed is None:
        config.option.seed, source = default_seed(config.option.effort)
    config.stash[SEED_SOURCE] = source
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipGate(read_skips(ROOT / "tests" / "skips.txt")))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the seed to a worker of xdist."""
    node.workerinput["mmspec_seed"] = node.config.option.seed


def pytest_report_header(config: pytest.Config) -> str:
    """Print what it takes to repeat this run."""
    return f"mmspec: effort {config.option.effort}; repeat with --seed {config.option.seed} ({config.stash[SEED_SOURCE]})"


@pytest.fixture(scope="session")
def effort(pytestconfig: pytest.Config) -> str:
    """The effort of this run: quick, ci, nightly or campaign."""
    return str(pytestconfig.option.effort)


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The seed of this run, for everything in a test that draws at random outside Hypothesis."""
    return int(pytestconfig.option.seed)


def seed_hypothesis(item: pytest.Item, seed: int) -> None:
    """Make what Hypothesis tries in `item` a function of the seed and the test's name."""
    test = getattr(getattr(item, "obj", None), "__func__", getattr(item, "obj", None))
    if not hypothesis.is_hypothesis_test(test):
        return
    test = getattr(test, "_hypothesis_state_machine_class", test)
    name = item.nodeid.split("[")[0]
    # The public decorator `hypothesis.seed` also takes the database away, which we want to keep.
    setattr(test, "_hypothesis_internal_use_seed", random.Random(f"{seed} {name}").getrandbits(64))  # noqa: B010


# --- what a test needs --------------------------------------------------------------------------------------


def captures_path() -> Path:
    """The folder of kernel captures that are too large to package."""
    return Path(os.environ.get("MMSPEC_CAPTURES", ROOT.parent / "shared" / "captures"))


def kernel_source_path() -> Path:
    """The archive or unpacked folder of Debian's package linux-source-6.12."""
    if "MMSPEC_KERNEL_SOURCE" in os.environ:
        return Path(os.environ["MMSPEC_KERNEL_SOURCE"])
    unpacked = Path("/usr/src/linux-source-6.12")
    return unpacked if unpacked.is_dir() else Path("/usr/src/linux-source-6.12.tar.xz")


def have_program(name: str) -> Callable[[], bool]:
    """Whether the program is on PATH."""
    return lambda: shutil.which(name) is not None


def have_modules(*names: str) -> Callable[[], bool]:
    """Whether all the modules are installed."""
    return lambda: all(importlib.util.find_spec(name) is not None for name in names)


NEEDS: dict[str, Callable[[], bool]] = {
    "needs_captures": lambda: captures_path().is_dir(),
    "needs_chromium": have_program("chromium"),
    "needs_gcc": have_program("gcc"),
    "needs_go": have_program("go"),
    "needs_kernel_source": lambda: kernel_source_path().exists(),
    "needs_node": have_program("node"),
    "needs_numba": have_modules("numba"),
    "needs_prove": have_modules("cvc5", "bitwuzla", "crosshair"),
    "needs_rust": have_program("rustc"),
    "needs_unicorn": have_modules("unicorn"),
}


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of kernel captures; the test is marked needs_captures."""
    return captures_path()


@pytest.fixture(scope="session")
def kernel_source() -> Path:
    """The kernel source, archive or folder; the test is marked needs_kernel_source."""
    return kernel_source_path()


def those_that_wait(items: Iterable[pytest.Item], seed: int) -> set[pytest.Item]:
    """Return the tests that wait for a long effort: nightly ones, and those taken by turns whose turn it is not under this seed.

    Of one function's tests one in n runs, never more than that by chance: chance decides which.
    """
    waiting, by_turns = set(), defaultdict(list)
    for item in items:
        turns = item.get_closest_marker("by_turns")
        if item.get_closest_marker("nightly"):
            waiting.add(item)
        elif turns is not None:
            by_turns[item.nodeid.partition("[")[0], turns.args[0]].append(item)
    for (function, n), several in by_turns.items():
        rng = random.Random(f"{seed} {function}")
        first = rng.randrange(n)
        rng.shuffle(several)
        waiting.update(item for at, item in enumerate(several) if at % n != first)
    return waiting


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this effort does not run, skip what this machine cannot, seed the rest."""
    missing = {marker for marker, present in NEEDS.items() if not present()}
    if config.option.effort not in LONG_EFFORTS:
        waiting = those_that_wait(items, config.option.seed)
        if waiting:
            config.hook.pytest_deselected(items=list(waiting))
            items[:] = [item for item in items if item not in waiting]
    for item in items:
        for marker in sorted(missing & {mark.name for mark in item.iter_markers()}):
            item.add_marker(pytest.mark.skip(reason=f"{marker.replace('_', ' ')}, which is not here"))
        seed_hypothesis(item, config.option.seed)


# --- skips --------------------------------------------------------------------------------------------------


def read_skips(path: Path) -> list[re.Pattern[str]]:
    """The tests that may be skipped in this run, as patterns of node ids; `*` stands for anything.

    Raises UsageError at a line that is not `PATTERN — REASON` below one of the two headings.
    """
    allowed = {"[anywhere]": True, "[outside CI]": not os.environ.get("CI")}
    patterns = []
    heading = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text in allowed:
            heading = text
            continue
        pattern, dash, reason = text.partition(" — ")
        if heading is None or not (pattern and dash and reason):
            raise pytest.UsageError(f"{path}:{number}: expected 'PATTERN — REASON' below {' or '.join(allowed)}")
        if allowed[heading]:
            patterns.append(re.compile(".*".join(map(re.escape, pattern.split("*")))))
    return patterns


class SkipGate:
    """Counts the skips of a run and fails it over one that is not listed. Lives where the reports arrive."""

    def __init__(self, patterns: Iterable[re.Pattern[str]]) -> None:
        self.patterns = tuple(patterns)
        self.skips: dict[str, str] = {}

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Remember `report` if it is a skip; an expected failure says skipped too and is none."""
        if report.skipped and not hasattr(report, "wasxfail"):
            where = report.longrepr
            self.skips[report.nodeid] = str(where[2] if isinstance(where, tuple) else where)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """See each test's reports."""
        self.note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """See modules that skip themselves as a whole."""
        self.note(report)

    def unlisted(self) -> list[str]:
        """The skipped node ids that no pattern matches."""
        return [nodeid for nodeid in self.skips if not any(pattern.fullmatch(nodeid) for pattern in self.patterns)]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a green run with an unlisted skip into a failed one."""
        if self.unlisted() and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Print the count and the skips that fail the run; the seed again, because -q prints no header."""
        unlisted = self.unlisted()
        for nodeid in unlisted:
            terminalreporter.write_line(f"skip that tests/skips.txt does not list: {nodeid}: {self.skips[nodeid]}")
        terminalreporter.write_line(
            f"mmspec: --seed {config.option.seed}; {len(self.skips)} skipped, {len(unlisted)} of them unlisted"
        )
