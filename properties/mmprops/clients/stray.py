"""What a client started and sent out of its process group (``setsid``, a daemon's double fork): found by a mark it inherits.

Each client has a variable of its own in its environment, and hands it on to whatever it starts. The name holds the harness,
so that a client that is a harness itself adds a mark and does not replace one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import Iterator
from itertools import count

PREFIX = "MMSPEC_CLIENT_"

ROUNDS = 100
"""Times that the processes are gone through: what a stray one starts meanwhile is found the next time."""

_names: dict[int, str] = {}
"""The name of this process's marks, by process number: a forked copy has clients of its own."""

_numbers = count()


def name() -> str:
    """Return the variable's name, which every client of this process has and nobody else."""
    return _names.setdefault(os.getpid(), PREFIX + secrets.token_hex(8))


def mark() -> tuple[str, str]:
    """Return a new client's variable: its name and its value."""
    return name(), str(next(_numbers))


def marked(entry: bytes) -> Iterator[int]:
    """Yield the processes that have an entry, ``NAME=VALUE``, in their environment; one that is dead has no environment."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # somebody else's, or gone
            fd = os.open(f"/proc/{pid}/environ", os.O_RDONLY | os.O_CLOEXEC)
            try:
                if entry in _whole(fd).split(b"\0"):
                    yield int(pid)
            finally:
                os.close(fd)


def _whole(fd: int) -> bytes:
    read = b""
    while more := os.read(fd, 1 << 16):
        read += more
    return read


def end(marking: tuple[str, str]) -> None:
    """Kill whatever has a client's mark. What was told to die starts nothing any more, so that this comes to an end."""
    entry = os.fsencode("=".join(marking))
    told: set[int] = set()
    for _ in range(ROUNDS):
        found = set(marked(entry)) - told
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        told |= found
