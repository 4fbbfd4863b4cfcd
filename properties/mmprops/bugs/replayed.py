"""Whether a real kernel tells a wrong law from the right one: the packaged capture, followed by the law with a bug in it.

A rule that a capture does not need is not seen to hold there, however well the law as it is follows it. So a clause counts as
foretold of a real kernel only where the replay meets it (it is marked on the way, or is a truth about every state of the core),
and a law that breaks it contradicts the trace, gives up, or foretells other free blocks than those found in the kernel's RAM.

``python -m mmprops.bugs.replayed [BUG as JSON]`` is the process in which a bug lives; it prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import attrs

from mmprops.bugs.bug import LAW, Bug, install
from mmprops.bugs.kill import ChildError, answer_of
from mmspec.errors import MmspecError

if TYPE_CHECKING:  # what a bug may edit is imported after it is installed
    from mmprops.machine import Machine
    from mmprops.traces.archive import Capture

ENGINE = "spec"
"""The law follows: a bug of the implementation says nothing about a clause."""


@attrs.frozen
class Replayed:
    """What came of one bug. ``killed``: the law with it does not follow the capture; ``reason`` says at what, or why not."""

    id: str
    machine: str
    clause: str
    killed: bool
    level: str = ""
    capture: str = ""
    reason: str = ""


def concerned(bug: Bug, met: Iterable[str]) -> bool:
    """Tell whether a replay that meets some rules could show a bug: it breaks one of them, or a truth, in the law's own text."""
    from mmprops.machines import machine_named  # a process that a bug is to be installed in must not have imported this

    component = machine_named(bug.component).component
    truths = {invariant.clause.id for invariant in component.invariants}
    return bool(bug.edits(LAW)) and bug.clause in truths.union(met)


def replay_bugs(bugs: Iterable[Bug], workers: int = 2, progress: Callable[[Replayed], None] | None = None) -> list[Replayed]:
    """Follow the packaged capture with each bug in the law, and return what came of each that a replay could show."""
    found = []
    right = in_process(None)
    chosen = [bug for bug in bugs if concerned(bug, right["met"])]
    with ThreadPoolExecutor(workers) as pool:
        for row in pool.map(lambda bug: held(bug, right, in_process(bug)), chosen):
            found.append(row)
            if progress is not None:
                progress(row)
    return found


def held(bug: Bug, right: dict[str, Any], wrong: dict[str, Any]) -> Replayed:
    """Hold what a law with a bug made of the capture against what the right one did."""
    row = Replayed(bug.id, bug.component, bug.clause, False)
    if right["verdict"] != "pass":
        return attrs.evolve(row, reason=f"the law as it is does not follow the capture: {right['reason']}")
    if wrong["verdict"] != "fail":
        return attrs.evolve(row, reason=wrong["reason"] or "the law with the bug follows the capture too")
    return attrs.evolve(row, killed=True, level=wrong["level"], capture=wrong["capture"], reason=wrong["reason"])


def in_process(bug: Bug | None) -> dict[str, Any]:
    """Follow the packaged capture in a process of its own, with a bug in its law (None: as it is)."""
    command = [sys.executable, "-m", "mmprops.bugs.replayed", *([] if bug is None else [json.dumps(attrs.asdict(bug))])]
    try:
        return answer_of(command, "the replay", "gave up")
    except ChildError as error:
        return {"verdict": "unknown", "level": "", "capture": "", "met": [], "reason": str(error)}


def main(arguments: list[str]) -> None:
    """Install a bug in the law if one is given, follow the packaged capture at each level, and print the worst."""
    if arguments:
        install(Bug(**json.loads(arguments[0])), LAW)

    from mmprops.machines import LEVELS, machine_named  # all that it imports may be edited
    from mmprops.traces.archive import open_capture, packaged_capture
    from mmspec import clause

    path = packaged_capture()
    answer = {"verdict": "unknown", "level": "", "capture": path.name, "reason": "no machine replays captures"}
    clause.reached.clear()
    for level, name in LEVELS.items():
        verdict, reason = followed(machine_named(name), level, open_capture(path))
        answer |= {"verdict": verdict, "level": level, "reason": reason}
        if verdict != "pass":
            break
    print(json.dumps(answer | {"met": sorted(one.id for one in clause.reached)}))


def followed(machine: Machine, level: str, capture: Capture) -> tuple[str, str]:
    """Follow a capture; return the verdict, and what was wrong first. A law that gives up half-way does not follow it."""
    try:
        replay = machine.replay[level](capture, ENGINE)
    except (LookupError, ArithmeticError, TypeError, MmspecError) as error:
        return "fail", f"the law gives up: {type(error).__name__}: {error}"
    return replay.verdict, replay.first_miss or ""


if __name__ == "__main__":
    main(sys.argv[1:])
