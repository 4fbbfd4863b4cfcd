"""The pytest plugin: somebody's own test run holds their implementation against the law.

    pytest --mmspec-client buddy=exec:./mybuddy

adds the test ``mmspec::buddy[exec:./mybuddy]``, which does what ``mmspec conform`` does. In the configuration the same is::

    [tool.pytest.ini_options]
    mmspec_client = ["buddy=exec:./mybuddy"]
    mmspec_ops = 5000

which counts for runs that name no tests of their own. In a test, the fixture ``mmspec_conform`` takes any client, Python objects
too. Every pytest of an environment in which mmspec is installed loads this module: it imports nothing of mmspec before there is
something to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pytest

if TYPE_CHECKING:
    from mmprops.conform import ConformRun
    from mmprops.machine import Machine
    from mmprops.session import Session

N = TypeVar("N", int, float)


class Settings(NamedTuple):
    """What a run of pytest was told: the clients that it adds tests for, as (machine, client), and how runs are made."""

    clients: tuple[tuple[str, str], ...]
    profile: str
    ops: int
    seed: int
    timeout: float


SETTINGS = pytest.StashKey[Settings]()

CLIENT, PROFILE, OPS, SEED, TIMEOUT = (f"mmspec_{name}" for name in ("client", "profile", "ops", "seed", "timeout"))
DEFAULTS = {PROFILE: "any", OPS: "20000", SEED: "0", TIMEOUT: "5"}


# --- options ----------------------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, and each once more for the configuration file."""
    group = parser.getgroup("mmspec", "conformance to mmspec's law")
    asked = "hold CLIENT (exec:COMMAND, lib:./libfoo.so, python:package.module:factory) against MACHINE; may be given again"
    group.addoption("--mmspec-client", action="append", default=None, metavar="MACHINE=CLIENT", help=asked)
    parser.addini(CLIENT, f"{asked}, one a line", type="linelist", default=[])
    of_runs = {
        PROFILE: ("P", "what clients are held to: any, linux, kernel-6.12 or kernel-6.1"),
        OPS: ("N", "how many operations of a client are judged"),
        SEED: ("N", "what decides the programs"),
        TIMEOUT: ("S", "how many seconds a client has for a reply"),
    }
    for name, (metavar, text) in of_runs.items():
        with_default = f"{text} (default: {DEFAULTS[name]})"
        group.addoption("--" + name.replace("_", "-"), default=None, metavar=metavar, help=with_default)
        parser.addini(name, with_default, default=DEFAULTS[name])


def told(config: pytest.Config, name: str) -> tuple[str, str]:
    """Return an option's value, and where it was given."""
    value = config.getoption(name)
    return (str(config.getini(name)), name) if value is None else (str(value), "--" + name.replace("_", "-"))


def number(config: pytest.Config, name: str, kind: type[N], least: N) -> N:
    """Return an option's value as a number (UsageError: it is none, or too small)."""
    given, where = told(config, name)
    try:
        value = kind(given)
    except ValueError:
        value = least - 1
    if not least <= value < float("inf"):
        raise pytest.UsageError(f"{where}: expected a number, at least {least}, got {given!r}")
    return value


def pytest_configure(config: pytest.Config) -> None:
    """Settle what this run was told (UsageError: it cannot be)."""
    config.stash[SETTINGS] = Settings(
        clients=clients_of(config),
        profile=told(config, PROFILE)[0],
        ops=number(config, OPS, int, 1),
        seed=number(config, SEED, int, 0),
        timeout=number(config, TIMEOUT, float, 0.01),
    )
    if config.stash[SETTINGS].clients:
        check_names(config.stash[SETTINGS])


def clients_of(config: pytest.Config) -> tuple[tuple[str, str], ...]:
    """Return the clients that this run adds tests for.

    The command line's take the place of those of the configuration, which are left out where tests are named: who runs one
    test of theirs does not wait for another. The workers of xdist are given the command line as it was, and find the same.
    """
    given, where = config.getoption(CLIENT), "--mmspec-client"
    if given is None:
        named = config.args_source is pytest.Config.ArgsSource.ARGS
        given, where = [] if named else config.getini(CLIENT), CLIENT
    clients = []
    for text in dict.fromkeys(given):
        machine, equals, client = text.partition("=")
        if not (machine and equals and client):
            raise pytest.UsageError(f"{where}: expected MACHINE=CLIENT, such as buddy=exec:./mybuddy, got {text!r}")
        clients.append((machine, client))
    return tuple(clients)


def check_names(settings: Settings) -> None:
    """Raise UsageError where there is no such machine, client or profile."""
    from mmprops.clients.registry import named
    from mmprops.machines import machine_named
    from mmspec.errors import InputError
    from mmspec.profile import profile_named

    try:
        profile_named(settings.profile)
        for machine, client in settings.clients:
            machine_named(machine)
            if client not in OWN:
                named(client)
    except InputError as error:
        raise pytest.UsageError(f"mmspec: {error.message}" + (f" ({error.hint})" if error.hint else "")) from None


def pytest_report_header(config: pytest.Config) -> str | None:
    """Print what it takes to repeat the runs, where there are any."""
    settings = config.stash[SETTINGS]
    if not settings.clients:
        return None
    clients = ", ".join("=".join(pair) for pair in settings.clients)
    return f"mmspec: {clients} under {settings.profile}, {settings.ops} operations; repeat with --mmspec-seed {settings.seed}"


# --- tests ------------------------------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add a test for each client, before anything is deselected."""
    if config.stash[SETTINGS].clients:
        clients = Conformance.from_parent(session, name="mmspec", nodeid="mmspec")
        report = config.hook.pytest_make_collect_report(collector=clients)
        config.hook.pytest_collectreport(report=report)  # which counts them
        items.extend(report.result)


class Conformance(pytest.Collector):
    """The parent of all tests of clients."""

    def collect(self) -> Iterator[ConformanceItem]:
        """Yield a test for each client."""
        for machine, client in self.config.stash[SETTINGS].clients:
            name = f"{machine}[{client}]"
            # Written out, since pytest does not look for parameters in the names that it joins, and --lf compares them.
            nodeid = f"{self.nodeid}::{name}"
            yield ConformanceItem.from_parent(self, name=name, nodeid=nodeid, machine=machine, client=client)


class ConformanceItem(pytest.Item):
    """The test of one client. That it does not start is an error of the test's set-up, so that it does not look judged."""

    def __init__(self, *, machine: str, client: str, **more: Any) -> None:
        super().__init__(**more)
        self.machine, self.client = machine, client

    def setup(self) -> None:
        """Start the client."""
        with plainly():
            self.which, self.under_test = opened(self.machine, self.client, self.config.stash[SETTINGS])

    def runtest(self) -> None:
        """Hold it against the law."""
        with plainly():
            judge(self, self.which, self.under_test, self.client, self.config.stash[SETTINGS])

    def teardown(self) -> None:
        """End it, if it was started."""
        if hasattr(self, "under_test"):
            self.under_test.close()

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Return where the test stands: in no file."""
        return self.path, None, self.name


@contextmanager
def plainly() -> Iterator[None]:
    """Fail the test with what mmspec says, without a traceback: that would be about mmspec."""
    from mmspec.errors import MmspecError

    try:
        yield
    except MmspecError as error:
        text = "\n".join([str(error), *getattr(error, "__notes__", [])])
        raise pytest.fail.Exception(text, pytrace=False) from None


@pytest.fixture
def mmspec_conform(request: pytest.FixtureRequest) -> Callable[..., ConformRun]:
    """Hold a client against the law: ``mmspec_conform(machine, client, profile=, ops=, seed=, timeout=)``.

    ``client`` is a name as on the command line (``"exec:./mybuddy"``), an object with ``hello reset apply close``, or what makes
    one. What is not given is what pytest was told. Returns the run, which passed; raises ConformanceError, with the shrunk
    program, if a clause is broken; fails the test if too little could be judged.
    """
    settings = request.config.stash[SETTINGS]

    def conform(
        machine: str,
        client: Any,
        *,
        profile: str = settings.profile,
        ops: int = settings.ops,
        seed: int = settings.seed,
        timeout: float = settings.timeout,
    ) -> ConformRun:
        __tracebackhide__ = True
        asked = Settings((), profile, ops, seed, timeout)
        which, under_test = opened(machine, client, asked)
        try:
            return judge(request.node, which, under_test, client, asked)
        finally:
            under_test.close()

    return conform


# --- a run ------------------------------------------------------------------------------------------------------------

OWN = ("impl", "spec")
"""The clients that are no clients: our own implementation, and the law's own choices."""


def opened(machine: str, client: Any, settings: Settings) -> tuple[Machine, Session]:
    """Return the machine of a name and a started client (InputError: there is no such one; ClientError: it does not start)."""
    __tracebackhide__ = True
    from mmprops.clients.base import ClientError
    from mmprops.conform import open_session
    from mmprops.machines import machine_named
    from mmspec.profile import profile_named

    which = machine_named(machine)
    try:
        return which, open_session(which, client, profile_named(settings.profile), settings.timeout)
    except ClientError as error:
        for line in [error.hint, *error.errors]:
            error.add_note(f"  {line}")
        raise


def judge(node: pytest.Item, machine: Machine, session: Session, client: Any, settings: Settings) -> ConformRun:
    """Hold a session against the law, note the run at the test, and return it if it passed."""
    __tracebackhide__ = True
    from mmprops.conform import ConformanceError, judge_session
    from mmprops.telling import kept, properties, run_text, violation_text
    from mmspec.profile import profile_named

    run = judge_session(
        machine, session, profile_named(settings.profile), ops=settings.ops, seed=settings.seed, asked=settings.profile
    )
    node.user_properties += properties(machine, run)
    lines = list(run_text(run))
    if run.violation is not None:
        broken = run.violation.broken
        error = ConformanceError(broken.clause, run.violation.program, broken.explanation)
        for line in [*lines, *violation_text(machine, run.violation), *kept(machine, session, run, client)]:
            error.add_note(line)
        raise error
    if run.verdict != "pass":
        pytest.fail("\n".join(lines), pytrace=False)
    return run
