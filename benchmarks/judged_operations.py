"""How many operations a second are judged in lock-step, beside a ``RuleBasedStateMachine`` on the same law and implementation.

    python benchmarks/judged_operations.py [--rounds 7] [--seed 0] [--json] [--costs]

A judged operation is generated, carried out by the law and by the implementation, its result and every changed list place are
compared, and clause coverage is on; each program ends with a recount. The zones have 2**10 to 2**14 frames, 40 to 70 % of them
handed out on average, at least 30 % of the operations split or merge a block, and under 20 % fail: the same programs are carried
out once more, off the clock, to see that this holds, and the benchmark fails where it does not.

The anchor is what one would write by hand: two rules, ``alloc`` and ``free``, a Bundle of live blocks, 50 steps an example. The
derived machine (``mmprops.stateful``) has a rule for each of the operations. All take turns in one process; CPU time; medians.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import attrs
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, rule, run_state_machine_as_test
from rich.console import Console
from rich.table import Table

from mmprops.conform import own_session
from mmprops.lockstep import Outcome, Run, explore, start
from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmprops.program import records
from mmprops.stateful import state_machine
from mmspec.clause import reached
from mmspec.physical.buddy.ops import Alloc, Config, Free
from mmspec.profile import Profile

LINUX = Profile.KERNEL_6_12
BUDDY = machine_named("buddy")
SESSION = own_session(BUDDY, "impl", LINUX)
SIZES = tuple(1 << k for k in range(10, 15))
WANTED = 20_000
RATIO = 7.0

Work = tuple[Config, bytes]
Side = Callable[[int], int]
"""Judges some operations, given a seed, and returns how many."""


def workload(number: int) -> list[Work]:
    """Return one program for each size of zone, long enough to fill and churn it: its zone, and its bytes."""
    rng = random.Random(number)
    programs = []
    for size in SIZES:
        start_pfn = rng.randrange(1 << 20) * 8 + rng.randrange(8)
        header = bytearray(rng.randbytes(HEADER))
        header[10] = 0  # the generator's tide: from 10 to 95 % handed out and back
        header[14] = 0  # without the rare operations on pageblocks
        programs.append((Config(start_pfn, start_pfn + size, 10), bytes(header) + rng.randbytes(2 * size * RECORD)))
    return programs


# --- the definition ----------------------------------------------------------------------------------------------------


@attrs.define
class Measured:
    """What the operations of a workload were, counted off the clock."""

    operations: int = 0
    failed: int = 0
    split_or_merged: int = 0
    occupancy: float = 0.0  # summed over operations
    clauses: int = 0

    def shares(self) -> dict[str, float]:
        """Return the means that the definition speaks of."""
        return {
            "mean occupancy": self.occupancy / self.operations,
            "split or merged": self.split_or_merged / self.operations,
            "failed": self.failed / self.operations,
        }

    def kept(self) -> bool:
        """Tell whether the definition holds."""
        shares = self.shares()
        return 0.4 <= shares["mean occupancy"] <= 0.7 and shares["split or merged"] >= 0.3 and shares["failed"] < 0.2


def measure(work: list[Work]) -> Measured:
    """Carry a workload out, looking at each operation."""
    seen = Measured()
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


def lockstep(number: int) -> int:
    """Judge a workload as ``mmspec check`` does."""
    judged = 0
    for config, data in workload(number):
        outcome = explore(BUDDY, SESSION, LINUX, data, config)
        assert outcome.broken is None, outcome.broken
        judged += outcome.judged
    return judged


class ByHand(RuleBasedStateMachine):
    """What one would write without this project's generator."""

    judged = 0
    live = Bundle("live")

    @initialize(size=st.sampled_from(SIZES), low=st.integers(0, 1 << 23))
    def reset(self, size: int, low: int) -> None:
        """Begin with a zone."""
        run = start(BUDDY, SESSION, LINUX, Config(low, low + size, 10))
        assert isinstance(run, Run)
        self.run = run

    def judge(self, name: str, request: Any) -> Any:
        """Carry one request out."""
        result = self.run.carry_out(name, request, {})
        assert self.run.broken is None, self.run.broken
        return result

    @rule(target=live, order=st.integers(0, 3), migratetype=st.integers(0, 2))
    def alloc(self, order: int, migratetype: int) -> Any:
        """Ask for a block."""
        result = self.judge("alloc", Alloc(order, migratetype))
        return multiple() if result.failed else (result.pfn, order)

    @rule(block=consumes(live))
    def free(self, block: tuple[int, int]) -> None:
        """Give one back."""
        self.judge("free", Free(*block))

    def teardown(self) -> None:
        """Recount."""
        if hasattr(self, "run"):
            outcome: Outcome = self.run.finish()
            assert outcome.broken is None, outcome.broken
            type(self).judged += outcome.judged


EXAMPLES = settings(
    max_examples=40, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


def by_hand(number: int) -> int:
    """Judge forty examples of 50 steps."""
    before = ByHand.judged
    run_state_machine_as_test(seed(number)(ByHand), settings=EXAMPLES)
    return ByHand.judged - before


def derived(number: int) -> int:
    """Judge forty examples of the machine that is derived from the records, on its own zones."""
    judged = 0

    class Counted(state_machine("buddy")):  # type: ignore[misc]
        def teardown(self) -> None:
            nonlocal judged
            super().teardown()
            judged += self.run.judged if hasattr(self, "run") else 0

    run_state_machine_as_test(seed(number)(Counted), settings=EXAMPLES)
    return judged


SIDES: dict[str, Side] = {"lock-step": lockstep, "by hand": by_hand, "derived": derived}


def speed(side: Side, number: int) -> float:
    """Return how many operations a side judges in a second of CPU time."""
    began = time.process_time()
    judged = side(number)
    return judged / (time.process_time() - began)


# --- the report ----------------------------------------------------------------------------------------------------------


def report(rounds: int, number: int) -> dict[str, Any]:
    """Let the sides take turns, and return the rows of ``mmspec bench`` with the definition as it was measured."""
    for side in SIDES.values():
        side(number)
    speeds: dict[str, list[float]] = {name: [] for name in SIDES}
    for turn in range(rounds):
        for name, side in SIDES.items():
            speeds[name].append(speed(side, number + 1 + turn))
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    ratios = {
        name: statistics.median(ours / theirs for ours, theirs in zip(speeds["lock-step"], speeds[name], strict=True))
        for name in ("by hand", "derived")
    }
    measured = measure(workload(number + 1))
    rows = [
        row("judged operations", medians["lock-step"], {"required": WANTED}, medians["lock-step"] / WANTED, 1.0),
        row(
            "judged operations",
            medians["lock-step"],
            {"RuleBasedStateMachine by hand": medians["by hand"]},
            ratios["by hand"],
            RATIO,
        ),
        row(
            "judged operations",
            medians["lock-step"],
            {"RuleBasedStateMachine derived": medians["derived"]},
            ratios["derived"],
            RATIO,
        ),
    ]
    return {
        "rows": rows,
        "definition": {
            **measured.shares(),
            "operations": measured.operations,
            "clauses reached": measured.clauses,
            "kept": measured.kept(),
        },
        "rounds": {name: [round(value) for value in values] for name, values in speeds.items()},
    }


def row(name: str, ours: float, anchors: dict[str, float], ratio: float, target: float) -> dict[str, Any]:
    """Return one row of a benchmark report."""
    return {
        "name": name,
        "unit": "operations/s of CPU time",
        "ours": round(ours),
        "anchors": {anchor: round(value) for anchor, value in anchors.items()},
        "ratio": round(ratio, 2),
        "target": target,
        "met": ratio >= target,
    }


def show(found: dict[str, Any]) -> None:
    """Print a report for people."""
    console = Console()
    table = Table("judged operations", "a second", "anchor", "a second", "ratio", "target", "met")
    for line in found["rows"]:
        ((anchor, value),) = line["anchors"].items()
        table.add_row(
            line["name"], f"{line['ours']:,}", anchor, f"{value:,}", f"{line['ratio']}", f"{line['target']}", str(line["met"])
        )
    console.print(table)
    definition = found["definition"]
    console.print(
        f"definition {'kept' if definition['kept'] else 'BROKEN'}: mean occupancy {definition['mean occupancy']:.0%} (40 to 70), "
        f"split or merged {definition['split or merged']:.0%} (at least 30), failed {definition['failed']:.0%} (under 20), "
        f"{definition['operations']:,} operations, {definition['clauses reached']} clauses reached"
    )


def costs(number: int) -> None:
    """Print where the time of lock-step goes."""
    profile = cProfile.Profile()
    profile.enable()
    lockstep(number)
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(30)


def main() -> int:
    """Run the benchmark; exit 1 if a target is missed or the definition is not kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often the sides take turns (default: 7)")
    parser.add_argument("--seed", type=int, default=0, help="of programs and examples (default: 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--costs", action="store_true", help="print where the time of lock-step goes, and nothing else")
    given = parser.parse_args()
    if given.costs:
        costs(given.seed)
        return 0
    found = report(given.rounds, given.seed)
    if given.json:
        print(json.dumps(found))
    else:
        show(found)
    return 0 if found["definition"]["kept"] and all(line["met"] for line in found["rows"]) else 1


if __name__ == "__main__":
    sys.exit(main())
