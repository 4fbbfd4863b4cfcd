"""Processes that the tests of clients start and watch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from mmprops.clients.base import Limits

HOSTILE = Path(__file__).with_name("hostile_client.py")
QUICK = Limits(hello=0.5, reply=0.3, bye=0.2)
PATIENT = Limits(hello=60.0, reply=60.0, bye=0.2)


def group_is_empty(group: int) -> bool:
    """Whether no process of the group lives."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def state_of(pid: int) -> str:
    """The state letter of a process, or nothing if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_until(gone: Callable[[], bool]) -> bool:
    """Whether it comes true: a killed process vanishes when its new parent gets round to it."""
    for _ in range(1000):
        if gone():
            return True
        time.sleep(0.01)
    return False
