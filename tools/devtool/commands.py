"""The commands of `tools/dev.py`, one function each; each does the set-up that it needs.

setup              make or update .venv
verify [ARGS]      mmspec verify: the project's main job
test [ARGS]        pytest with two workers; ARGS go to pytest
nightly [ARGS]     pytest --effort nightly with two workers, then what is on record: kills, proofs, explorations
lint [--fix]       ruff, mypy, import-linter, the dialect lint; --fix lets ruff mend what it can
dist               the wheel: same from sdist and tree, complete, and works when installed elsewhere
pin                write constraints.txt anew from the newest versions
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from devtool import distribution, pins
from devtool.process import BIN, ROOT, DevError, environment, run, say
from devtool.setup import setup

PYTHON = BIN / "python"


def become(*command: str | Path) -> int:
    """Turn this process into `command`, so that its exit code and the signals it gets are its own."""
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execve(command[0], [str(word) for word in command], environment())


def no_arguments(name: str, arguments: list[str]) -> None:
    """Raise DevError where a command that takes no arguments got some."""
    if arguments:
        raise DevError(f"'{name}' takes no arguments, got {' '.join(arguments)}")


def do_setup(arguments: list[str]) -> int:
    """Make or update .venv."""
    no_arguments("setup", arguments)
    setup()
    return 0


def do_verify(arguments: list[str]) -> int:
    """Run `mmspec verify`."""
    setup()
    return become(BIN / "mmspec", "verify", *arguments)


PYTEST: tuple[str | Path, ...] = (PYTHON, "-m", "pytest", "-n", "2", "--dist", "worksteal")


def do_test(arguments: list[str]) -> int:
    """Run plain pytest, on two workers unless `arguments` say otherwise."""
    setup()
    return become(*PYTEST, *arguments)


def do_nightly(arguments: list[str]) -> int:
    """Write what is on record (kills of seeded bugs, proofs, explorations), then run every test with the effort `nightly`.

    The tests come last, for they hold the record to the text that lies here. Each step runs, also after one has failed; the exit
    code is that of the first that did.
    """
    setup()
    steps: list[tuple[str | Path, ...]] = [
        (BIN / "mmspec", "bugs", "--record"),
        (PYTHON, "-m", "mmproofs.nightly"),
        (*PYTEST, "--effort", "nightly", *arguments),
    ]
    return next((code for code in [run(*step) for step in steps] if code), 0)


def do_lint(arguments: list[str]) -> int:
    """Run every lint, also after one has failed; 1 if any did."""
    if arguments not in ([], ["--fix"]):
        raise DevError(f"'lint' takes only --fix, got {' '.join(arguments)}")
    setup()
    fix = bool(arguments)
    lints: list[tuple[str | Path, ...]] = [
        (BIN / "ruff", "check", *(["--fix"] if fix else [])),
        (BIN / "ruff", "format", *([] if fix else ["--check"])),
        (BIN / "mypy",),
        (BIN / "lint-imports",),
        (PYTHON, "-m", "mmspec.dialect"),
    ]
    failed = []
    for lint in lints:
        words = " ".join([Path(lint[0]).name, *map(str, lint[1:])])
        say(words)
        if run(*lint) != 0:
            failed.append(words)
    if failed:
        say(f"{len(failed)} of {len(lints)} lints failed: {'; '.join(failed)}")
    return 1 if failed else 0


def do_dist(arguments: list[str]) -> int:
    """Check the wheel that users would get."""
    no_arguments("dist", arguments)
    setup()
    distribution.check()
    return 0


def do_pin(arguments: list[str]) -> int:
    """Write constraints.txt anew."""
    no_arguments("pin", arguments)
    pins.write()
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "setup": do_setup,
    "verify": do_verify,
    "test": do_test,
    "nightly": do_nightly,
    "lint": do_lint,
    "dist": do_dist,
    "pin": do_pin,
}


def main(arguments: list[str]) -> int:
    """Run one command; its exit code (2: there is no such command, 130: interrupted)."""
    if not arguments or arguments[0] not in COMMANDS:
        wrong = f"no such command '{arguments[0]}'" if arguments else "which command?"
        print(f"dev.py: {wrong}\n{__doc__}", file=sys.stderr)
        return 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except DevError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
