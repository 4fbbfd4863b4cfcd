"""Whether a bug is killed: found in a process of its own, and the finding held against the code as it is.

*Killed* means that a shrunk program fails on the edited function, passes on the real one, and names the rule that the edit
breaks. Either the verdict names it; or the program meets the rule, and law and implementation choose alike again once both are
edited alike: then it is this rule and nothing else.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs

from mmprops.bugs.bug import Bug, edited_modules
from mmspec.errors import InputError

OPS = 200_000
"""Operations in which a bug must be found."""

AGREE_OPS = 4_000
"""Operations in which law and implementation must choose alike once both are edited alike."""

LIMIT = 300.0
"""Seconds after which a process that a bug lives in is ended."""


@attrs.frozen
class Kill:
    """What came of one bug. ``clause`` is the rule that was named; ``reason`` says why it does not count as killed."""

    id: str
    machine: str
    killed: bool
    by: str | None = None
    ops: int = 0
    shrunk_ops: int | None = None
    seconds: float = 0.0
    clause: str | None = None
    expected: str = ""
    reported: str | None = None
    profile: str = ""
    reason: str = ""
    explanation: str = ""
    program: Mapping[str, Any] | None = None


def run_bug(bug: Bug, *, ops: int = OPS, seed: int = 0) -> Kill:
    """Return whether a bug is killed within so many operations (BugError: an edit does not fit the code)."""
    edited_modules(bug.patches)
    return tried(bug, ops=ops, seed=seed)


def tried(bug: Bug, *, ops: int, seed: int) -> Kill:
    """Return whether a bug whose edits fit is killed within so many operations."""
    began = time.monotonic()
    row = Kill(bug.id, bug.component, False, expected=bug.clause, profile=bug.profile)
    try:
        found = in_process(bug, ops=ops, seed=seed)
    except ChildError as error:
        return attrs.evolve(row, seconds=time.monotonic() - began, reason=str(error))
    row = attrs.evolve(row, ops=found["ops"], seconds=time.monotonic() - began, reported=found["reported"])
    if found["reported"] is None:
        others = ", ".join(found["others"]) or "nothing"
        return attrs.evolve(row, reason=f"{found['ops']} operations never named {bug.clause}; reported: {others}")
    program = found["program"]
    row = attrs.evolve(row, by="property", shrunk_ops=len(program["steps"]), explanation=found["explanation"], program=program)
    reason = innocent(bug, program, found["reported"], ops=min(ops, AGREE_OPS), seed=seed)
    if reason is not None:
        return attrs.evolve(row, reason=reason)
    return attrs.evolve(row, killed=True, clause=bug.clause)


_one_at_a_time = threading.Lock()  # the marks of the rules that a program meets are one set a process


def innocent(bug: Bug, program: Mapping[str, Any], reported: str, *, ops: int, seed: int) -> str | None:
    """Return why a program that fails on the edited code does not convict it of this rule, or None if it does."""
    from mmprops.bugs import hunt  # a process that a bug is to be installed in must not have imported this

    try:
        with _one_at_a_time:
            broken, met = hunt.passes(bug, program)
    except InputError as error:
        return f"the program that fails cannot be read back: {error}"
    if broken is not None:
        return f"the program fails without the bug too: {broken}"
    if reported == bug.clause:
        return None
    try:
        alike = in_process(bug, ops=ops, seed=seed, agree=program)
    except ChildError as error:
        return str(error)
    if bug.clause not in {*met, *alike["met"]}:
        return f"the program never meets {bug.clause}"
    return None if alike["agree"] else f"law and implementation, edited alike, do not choose alike: {alike['explanation']}"


class ChildError(Exception):
    """The process that a bug lives in gave no answer."""


def in_process(bug: Bug, *, ops: int, seed: int, agree: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Install a bug in a new process, hunt for it there (or compare both edited texts), and return what was found."""
    command = [sys.executable, "-m", "mmprops.bugs", json.dumps(attrs.asdict(bug)), "--ops", str(ops), "--seed", str(seed)]
    command += [] if agree is None else ["--agree", json.dumps(agree)]
    return answer_of(command, "the edited code", "could not be run")


def answer_of(command: Sequence[str], what: str, failed: str) -> dict[str, Any]:
    """Return the JSON object that a process prints (ChildError: ``what`` takes too long, or ``failed``, and its last words)."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise ChildError(f"{what} had not finished after {LIMIT:.0f} s") from None
    if done.returncode:
        raise ChildError(f"{what} {failed}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def run_bugs(
    bugs: Iterable[Bug], workers: int = 2, *, ops: int = OPS, seed: int = 0, progress: Callable[[Kill], None] | None = None
) -> list[Kill]:
    """Run several bugs side by side and return what came of each, in their order (BugError: one's edit does not fit the code)."""
    bugs, kills = list(bugs), []
    for bug in bugs:  # before hours are spent on the others, and in one thread: Python 3.11 parses in one only
        edited_modules(bug.patches)
    pool = ThreadPoolExecutor(workers)
    try:
        for kill in pool.map(lambda bug: tried(bug, ops=ops, seed=seed), bugs):
            kills.append(kill)
            if progress is not None:
                progress(kill)
    finally:
        pool.shutdown(cancel_futures=True)
    return kills
