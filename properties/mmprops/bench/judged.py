"""Operations judged in lock-step, beside a ``RuleBasedStateMachine`` over the same law and the same implementation.

A judged operation is generated, carried out by the law and by the implementation, its result and every place of the lists that it
changed are compared, and clause coverage is on; each program ends with a recount. Easy operations would flatter the figure, so
the definition bounds them: 40 to 70 % of the frames handed out on average, at least 30 % of the operations split or merge a
block, under 20 % fail. The same programs are carried out once more, off the clock, to see that this holds.

The first anchor is what one would write by hand: two rules, ``alloc`` and ``free``, a Bundle of live blocks, 50 steps an example.
The other is the machine that ``mmprops.stateful`` derives, which has a rule for each operation.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, rule, run_state_machine_as_test

from mmprops.bench.row import Effort, Finding, Row
from mmprops.conform import own_session
from mmprops.lockstep import Run, explore, start
from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmprops.program import records
from mmprops.stateful import state_machine
from mmspec.clause import reached
from mmspec.errors import MmspecError
from mmspec.physical.buddy.ops import Alloc, Config, Free
from mmspec.profile import Profile

LINUX = Profile.KERNEL_6_12
BUDDY = machine_named("buddy")
SESSION = own_session(BUDDY, "impl", LINUX)

REQUIRED, TIMES = 20_000, 7.0
"""Operations a second that are to be judged, and how many times as many as by either state machine."""

Work = tuple[Config, bytes]
Side = Callable[[int], int]
"""Judges some operations, given a seed, and returns how many."""


def workload(number: int, sizes: tuple[int, ...]) -> list[Work]:
    """Return one program for each size of zone, long enough to fill and churn it: its zone, and its bytes."""
    rng = random.Random(number)
    programs = []
    for size in sizes:
        start_pfn = rng.randrange(1 << 20) * 8 + rng.randrange(8)
        header = bytearray(rng.randbytes(HEADER))
        header[10] = 0  # the generator's tide: from 10 to 95 % handed out and back
        header[14] = 0  # without the rare operations on pageblocks
        programs.append((Config(start_pfn, start_pfn + size, 10), bytes(header) + rng.randbytes(2 * size * RECORD)))
    return programs


# --- the definition ----------------------------------------------------------------------------------------------------


@attrs.define
class Shape:
    """What the operations of a workload were, counted off the clock."""

    operations: int = 0
    failed: int = 0
    split_or_merged: int = 0
    occupancy: float = 0.0  # summed over operations
    clauses: int = 0

    def shares(self) -> dict[str, float]:
        """Return the means that the definition speaks of."""
        return {
            "handed out": self.occupancy / self.operations,
            "split or merged": self.split_or_merged / self.operations,
            "failed": self.failed / self.operations,
        }

    def kept(self) -> bool:
        """Tell whether the definition holds."""
        shares = self.shares()
        return 0.4 <= shares["handed out"] <= 0.7 and shares["split or merged"] >= 0.3 and shares["failed"] < 0.2


def shape(work: list[Work]) -> Shape:
    """Carry a workload out, looking at each operation."""
    seen = Shape()
    reached.clear()
    for config, data in work:
        run = start(BUDDY, SESSION, LINUX, config)
        assert isinstance(run, Run)
        generator = BUDDY.generator(data[:HEADER], config, SESSION.capabilities)
        for record in records(data):
            made = generator.request(record, run.judge.state)
            if made is None:
                continue
            name, request, refs = made
            assert run.judge.policy is not None
            blocks = len(run.judge.policy.block)
            result = run.carry_out(name, request, refs)
            assert run.broken is None, run.broken
            generator.note(len(run.made) - 1, name, request, result)
            gained = len(run.judge.policy.block) - blocks
            seen.operations += 1
            seen.failed += result.failed
            # Without a split an allocation takes one block off the lists; without a merge a free puts one on.
            seen.split_or_merged += not result.failed and ((name == "alloc" and gained > -1) or (name == "free" and gained < 1))
            free = sum(run.judge.state.frames.get(kind, 0) for kind in range(6))
            seen.occupancy += 1 - free / (config.end_pfn - config.start_pfn)
        run.finish()
    seen.clauses = len(reached & set(BUDDY.component.clauses))
    return seen


# --- the sides -----------------------------------------------------------------------------------------------------------


def lockstep(number: int, sizes: tuple[int, ...]) -> int:
    """Judge a workload as ``mmspec check`` does."""
    judged = 0
    for config, data in workload(number, sizes):
        outcome = explore(BUDDY, SESSION, LINUX, data, config)
        assert outcome.broken is None, outcome.broken
        judged += outcome.judged
    return judged


def by_hand(number: int, sizes: tuple[int, ...], examples: int) -> int:
    """Judge examples of the machine that one would write without this project's generator."""
    judged = 0

    class ByHand(RuleBasedStateMachine):
        live = Bundle("live")

        @initialize(size=st.sampled_from(sizes), low=st.integers(0, 1 << 23))
        def reset(self, size: int, low: int) -> None:
            run = start(BUDDY, SESSION, LINUX, Config(low, low + size, 10))
            assert isinstance(run, Run)
            self.run = run

        def judge(self, name: str, request: Any) -> Any:
            result = self.run.carry_out(name, request, {})
            assert self.run.broken is None, self.run.broken
            return result

        @rule(target=live, order=st.integers(0, 3), migratetype=st.integers(0, 2))
        def alloc(self, order: int, migratetype: int) -> Any:
            result = self.judge("alloc", Alloc(order, migratetype))
            return multiple() if result.failed else (result.pfn, order)

        @rule(block=consumes(live))
        def free(self, block: tuple[int, int]) -> None:
            self.judge("free", Free(*block))

        def teardown(self) -> None:
            nonlocal judged
            if hasattr(self, "run"):
                outcome = self.run.finish()
                assert outcome.broken is None, outcome.broken
                judged += outcome.judged

    run_state_machine_as_test(seed(number)(ByHand), settings=hypothesis_settings(examples))
    return judged


def derived(number: int, examples: int) -> int:
    """Judge examples of the machine that is derived from the records, on its own zones."""
    judged = 0

    class Counted(state_machine("buddy")):  # type: ignore[misc]
        def teardown(self) -> None:
            nonlocal judged
            super().teardown()
            judged += self.run.judged if hasattr(self, "run") else 0

    run_state_machine_as_test(seed(number)(Counted), settings=hypothesis_settings(examples))
    return judged


def hypothesis_settings(examples: int) -> settings:
    """Return settings under which Hypothesis generates and does nothing else."""
    checks = list(HealthCheck)
    return settings(
        max_examples=examples,
        stateful_step_count=50,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=checks,
    )


def sides(effort: Effort) -> dict[str, Side]:
    """Return what takes turns, by name."""
    return {
        "lock-step": lambda number: lockstep(number, effort.judged),
        "by hand": lambda number: by_hand(number, effort.judged, effort.examples),
        "derived": lambda number: derived(number, effort.examples),
    }


# --- the rows ------------------------------------------------------------------------------------------------------------


def measure(effort: Effort) -> Iterator[Finding]:
    """Let the sides take turns (MmspecError: the workload is not what the definition says)."""
    demand_kept(shape(workload(1, effort.judged)))
    taking_turns = sides(effort)
    speeds: dict[str, list[float]] = {name: [] for name in taking_turns}
    with nothing_kept():
        for side in taking_turns.values():
            side(0)
        for turn in range(effort.turns):
            for name, side in taking_turns.items():
                speeds[name].append(speed(side, 1 + turn))
    median = {name: statistics.median(found) for name, found in speeds.items()}
    unit, ours = "operations/s of CPU time", median["lock-step"]
    yield Row("judged operations", unit, ours, {"required": REQUIRED}, 1.0, at_least=True)
    for name in ("by hand", "derived"):
        anchors = {f"RuleBasedStateMachine {name}": median[name]}
        yield Row(f"judged operations, {name}", unit, ours, anchors, TIMES, at_least=True)


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Keep Hypothesis from leaving a folder where the command was called."""
    with tempfile.TemporaryDirectory(prefix="mmspec-") as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)


def demand_kept(found: Shape) -> None:
    """Raise MmspecError where a workload is not what the definition says."""
    if not found.kept():
        shares = ", ".join(f"{share:.0%} {name}" for name, share in found.shares().items())
        raise MmspecError(f"the workload is not the one that targets are set for: {shares}")


def speed(side: Side, number: int) -> float:
    """Return how many operations a side judges in a second of CPU time."""
    began = time.process_time()
    judged = side(number)
    return judged / (time.process_time() - began)
