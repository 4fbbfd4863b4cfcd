"""Run other programs: where they run, what they see, and what Ctrl-C means while they do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
BIN = VENV / "bin"


class DevError(Exception):
    """The one line to show to the developer: what was wrong, and what to do."""


def in_ci() -> bool:
    """Whether this is the continuous-integration run (the variable CI is set, as every CI service does)."""
    return bool(os.environ.get("CI"))


def say(line: str) -> None:
    """Show one line of progress; on stderr, because stdout belongs to the program that is run."""
    print(f"dev.py: {line}", file=sys.stderr, flush=True)


def environment() -> dict[str, str]:
    """The environment inside `.venv`, as activating it would leave it."""
    result = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
    return result | {
        "VIRTUAL_ENV": str(VENV),
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> int:
    """Run `command` to its end and return its exit code (negative: the signal that ended it).

    Raises KeyboardInterrupt after Ctrl-C, but only when the child has ended: it had the same signal, and to
    kill it while it cleans up would leave orphans.
    """
    interrupts = 0
    with subprocess.Popen([str(word) for word in command], cwd=cwd, env=env or environment()) as child:
        while True:
            try:
                code = child.wait()
                break
            except KeyboardInterrupt:
                interrupts += 1
                if interrupts > 1:
                    child.kill()
    if interrupts:
        raise KeyboardInterrupt
    return code


def must(what: str, *command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run `command`, or raise DevError saying that `what` failed."""
    code = run(*command, cwd=cwd, env=env)
    if code != 0:
        raise DevError(f"{what} failed (exit code {code}): the lines above say why")
