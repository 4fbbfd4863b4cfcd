"""Counters that CPUs hold parts of back, step by step."""

from __future__ import annotations

from typing import Any

import pytest

from mmspec.errors import InputError
from mmspec.physical.vmstat import VMSTAT
from mmspec.physical.vmstat.linux import normal_threshold
from mmspec.physical.vmstat.ops import (
    EINVAL,
    Config,
    Count,
    Dec,
    Fold,
    Inc,
    LookDriftMark,
    LookThreshold,
    Mod,
    Offline,
    Online,
    Pressure,
    Read,
    ReadSnapshot,
    RefreshThresholds,
    SetMarks,
)  # fmt: skip
from mmspec.physical.vmstat.state import cell_of

OPERATIONS = {operation.request: operation for operation in VMSTAT.operations}


class Run:
    """Linux's answers, one after another."""

    def __init__(self, cpus: int, managed: int = 0, marks: tuple[int, int, int] = (0, 0, 0)) -> None:
        made = Config(cpus, 0, managed, *marks)
        self.zone, self.cells = VMSTAT.initial(made), VMSTAT.initial_policy(made, "6.12")

    def ask(self, *requests: Any) -> Any:
        """Return Linux's answer to the last request; the law must allow all."""
        for request in requests:
            operation = OPERATIONS[type(request)]
            answer, self.cells = operation.choose(self.zone, self.cells, request)
            assert operation.allowed(self.zone, request, answer) is None
            self.zone = operation.apply(self.zone, request, answer)
        return answer

    def held(self, cpu: int) -> int:
        """Return what a CPU holds back."""
        return self.cells.held.get(cell_of(cpu, 0), 0)


@pytest.mark.parametrize(
    ("cpus", "managed", "threshold"),
    [
        (1, 250_000, 8), (2, 250_000, 16), (2, 300_000, 20), (2, 600_000, 24), (2, 1_200_000, 28), (2, 3_000_000, 32),
        (2, 20_000, 4), (4, 300_000, 30), (8, 250_000, 32), (16, 20_000, 10), (64, 300_000, 70), (1024, 3_000_000, 125),
        (1, 3840, 2), (1, 115169, 6),
    ],
)  # fmt: skip
def test_thresholds(cpus: int, managed: int, threshold: int) -> None:
    """Those that the kernel's own comment lists (two of its rows name twice the size that gives them), and those of capture A."""
    assert normal_threshold(managed, 12, cpus) == threshold


def test_an_addition_stays_until_it_is_too_much() -> None:
    """One CPU may hold two back; the third goes over, with the others."""
    run = Run(1)
    assert run.ask(LookThreshold(0)) == Count(2)
    assert run.ask(Mod(0, 0, 2), Read(0)) == Count(0)
    assert run.ask(ReadSnapshot(0)) == Count(2)
    assert run.ask(Mod(0, 0, 1), Read(0)) == Count(3)
    assert run.held(0) == 0


def test_a_step_beyond_leaves_half_the_threshold_owed() -> None:
    """So that the next steps of that direction stay."""
    run = Run(1)
    assert run.ask(Inc(0, 0), Inc(0, 0), Inc(0, 0), Read(0)) == Count(4)
    assert run.held(0) == -1
    assert run.ask(Fold(0), Dec(0, 0), Dec(0, 0), Dec(0, 0), Read(0)) == Count(0)
    assert (run.cells.counter[0], run.held(0)) == (-1, 1)


def test_a_counter_is_never_read_below_nought() -> None:
    """Though it may be less while another CPU holds the rest back."""
    run = Run(2)
    run.ask(Mod(0, 0, 4), Mod(1, 0, -5))
    assert run.cells.counter[0] == -5
    assert run.ask(Read(0)) == Count(0)
    assert run.ask(ReadSnapshot(0)) == Count(0)


def test_a_lower_threshold_is_met_at_both_ends_by_an_atomic_step_alone() -> None:
    """A CPU that holds -4 back, of which it may now hold 1, keeps -3 after one more; in one instruction it does not."""
    for atomic, held in ((0, -3), (1, 0)):
        run = Run(2)
        run.ask(Mod(0, 0, -4), Pressure(1))
        assert run.ask(LookThreshold(0)) == Count(1)
        run.ask(Inc(0, 0, atomic))
        assert run.held(0) == held


def test_what_a_cpu_holds_back_is_not_lost_when_it_goes() -> None:
    """It hands over first; the thresholds of the others change."""
    run = Run(2)
    assert run.ask(Mod(1, 0, 3), Offline(1), Read(0)) == Count(3)
    assert run.ask(LookThreshold(0)) == Count(2)
    assert run.ask(LookThreshold(1)) == EINVAL
    assert run.ask(Offline(0)) == EINVAL
    assert run.ask(Online(1), LookThreshold(0)) == Count(4)


def test_a_drift_mark_stays() -> None:
    """Where it is not needed any more: nothing sets it to 0."""
    run = Run(2, 3840, (10, 12, 14))
    mark = run.ask(LookDriftMark())
    assert mark == Count(14 + 2 * 4)
    assert run.ask(SetMarks(3840, 10, 1000, 2000), RefreshThresholds(), LookDriftMark()) == mark


@pytest.mark.parametrize(
    "config",
    [
        Config(0, 0, 1),
        Config(65, 0, 1),
        Config(1, 16, 1),
        Config(1, 0, -1),
        Config(1, 0, 1, 3, 2, 4),
        Config(1, 0, 1, page_shift=11),
    ],
)
def test_zones_that_are_none(config: Config) -> None:
    """The door says which field, and how it must be."""
    with pytest.raises(InputError):
        VMSTAT.initial(config)
