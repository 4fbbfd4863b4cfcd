"""The law's counters against a judge that was written from the kernel's source alone (``tests/judges/vmstat_612.py``).

What the judge has and the law does not, the machine's own counters (``vm_zone_stat``) and the counts of placement (the component
``zones`` has them), is not compared. Where the two disagree, ``docs/questions.md`` says how it was settled.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from tests.judges import vmstat_612

from mmspec.physical.vmstat import VMSTAT
from mmspec.physical.vmstat.linux import drift_mark_of, normal_threshold, pressure_threshold
from mmspec.physical.vmstat.ops import (
    Config,
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
LAST_ITEM = 2
ITEMS = range(LAST_ITEM + 1)
STEPS = 250


class Pair:
    """The law and the judge on one zone."""

    def __init__(self, cpus: int, managed: int, marks: tuple[int, int, int], boost: int, page_shift: int) -> None:
        made = Config(cpus, LAST_ITEM, managed, *(mark + boost for mark in marks), page_shift)
        self.zone, self.cells = VMSTAT.initial(made), VMSTAT.initial_policy(made, "6.12")
        self.judge = vmstat_612.ZoneStat(cpus, managed=managed, marks=marks, boost=boost)
        self.cpus = cpus
        self.page_shift = page_shift
        self.online = set(range(cpus))
        self.refresh()

    def refresh(self) -> None:
        """Let the judge set its thresholds anew."""
        vmstat_612.refresh_zone_stat_thresholds([self.judge], self.online, self.page_shift)

    def ask(self, request: Any) -> Any:
        """Return the law's answer, which it must allow itself."""
        operation = OPERATIONS[type(request)]
        answer, self.cells = operation.choose(self.zone, self.cells, request)
        assert operation.allowed(self.zone, request, answer) is None, request
        self.zone = operation.apply(self.zone, request, answer)
        return answer

    def same(self) -> None:
        """Every counter, every difference, every threshold and the drift mark agree, also those of CPUs that are away."""
        judge = self.judge
        for cpu in range(self.cpus):
            ours = [self.cells.held.get(cell_of(cpu, item), 0) for item in ITEMS]
            assert ours == [judge.diff[cpu].get(str(item), 0) for item in ITEMS], cpu
        thresholds = [self.cells.threshold.get(cpu, 0) for cpu in range(self.cpus)]
        assert thresholds == judge.threshold
        for item in ITEMS:
            assert self.cells.counter.get(item, 0) == judge.vm_stat.get(str(item), 0)
            assert self.ask(Read(item)).count == judge.state(str(item))
            assert self.ask(ReadSnapshot(item)).count == judge.snapshot(str(item), self.online)
        assert self.ask(LookDriftMark()).count == judge.percpu_drift_mark
        for cpu in range(self.cpus):
            looked = self.ask(LookThreshold(cpu))
            assert looked.failed is (cpu not in self.online)
            assert looked.failed or looked.count == judge.threshold[cpu]


# --- what a program does -------------------------------------------------------------------------------------------------


def near(rng: random.Random, pair: Pair, cpu: int, item: int) -> int:
    """Return a number that brings a difference to its threshold, just past it, or anywhere."""
    held, threshold = pair.judge.diff[cpu].get(str(item), 0), pair.judge.threshold[cpu]
    edge = rng.choice((-1, 1)) * (threshold + rng.choice((-1, 0, 0, 1, 2))) - held
    return rng.choice((edge, edge, -held, 0, 1, -1, 128, -129, 256, rng.randrange(-300, 300), (1 << 40) * rng.choice((-1, 1))))


def mod(pair: Pair, rng: random.Random) -> None:
    """Add to a counter of both."""
    cpu, item = rng.choice(sorted(pair.online)), rng.choice(ITEMS)
    delta = max(-(1 << 40), min(1 << 40, near(rng, pair, cpu, item)))
    assert not pair.ask(Mod(cpu, item, delta)).failed
    pair.judge.mod(cpu, str(item), delta)


def step(pair: Pair, rng: random.Random) -> None:
    """Count up or down by one in both, often enough to pass a threshold."""
    cpu, item, up, atomic = rng.choice(sorted(pair.online)), rng.choice(ITEMS), rng.random() < 0.5, rng.randrange(2)
    for _ in range(rng.choice((1, 2, 9, 40))):
        assert not pair.ask(Inc(cpu, item, atomic) if up else Dec(cpu, item, atomic)).failed
        if atomic:
            (pair.judge.inc_safe if up else pair.judge.dec_safe)(cpu, str(item))
        else:
            (pair.judge.inc if up else pair.judge.dec)(cpu, str(item))


def fold(pair: Pair, rng: random.Random) -> None:
    """Let a CPU of both hand over."""
    cpu = rng.choice(sorted(pair.online))
    assert not pair.ask(Fold(cpu)).failed
    vmstat_612.refresh_cpu_vm_stats([pair.judge], cpu)


def offline(pair: Pair, rng: random.Random) -> None:
    """Take a CPU away from both (mm/page_alloc.c:page_alloc_cpu_dead, then mm/vmstat.c:vmstat_cpu_dead)."""
    cpu = rng.randrange(pair.cpus)
    lawful = cpu in pair.online and len(pair.online) > 1
    assert pair.ask(Offline(cpu)).failed is not lawful
    if lawful:
        pair.online.discard(cpu)
        vmstat_612.cpu_vm_stats_fold([pair.judge], cpu)
        pair.refresh()


def online(pair: Pair, rng: random.Random) -> None:
    """Bring a CPU back to both (mm/vmstat.c:vmstat_cpu_online)."""
    cpu = rng.randrange(pair.cpus)
    lawful = cpu not in pair.online
    assert pair.ask(Online(cpu)).failed is not lawful
    if lawful:
        pair.online.add(cpu)
        pair.refresh()


def set_marks(pair: Pair, rng: random.Random) -> None:
    """Give both other marks and another size."""
    managed, marks, boost = size(rng), marks_of(rng, pair.cpus), rng.choice((0, 0, 512, 99999))
    assert not pair.ask(SetMarks(managed, *(mark + boost for mark in marks))).failed
    pair.judge.managed, pair.judge.marks, pair.judge.boost = managed, marks, boost


def refresh(pair: Pair, rng: random.Random) -> None:
    """Set the thresholds of both anew."""
    assert not pair.ask(RefreshThresholds()).failed
    pair.refresh()


def pressure(pair: Pair, rng: random.Random) -> None:
    """Let kswapd of both wake or sleep."""
    awake = rng.randrange(2)
    assert not pair.ask(Pressure(awake)).failed
    vmstat_612.set_pgdat_percpu_threshold([pair.judge], pair.online, awake == 1, pair.page_shift)


ACTS: tuple[Callable[[Pair, random.Random], None], ...] = (
    mod, mod, mod, mod, step, step, step, fold, offline, online, set_marks, refresh, pressure
)  # fmt: skip


def size(rng: random.Random) -> int:
    """Return a zone's size: none, tiny, about a power of two, the largest."""
    return rng.choice((0, 1, rng.randrange(1 << 15), max(0, (1 << rng.randrange(15, 42)) + rng.randrange(-1, 2)), 1 << 42))


def marks_of(rng: random.Random, cpus: int) -> tuple[int, int, int]:
    """Return MIN, LOW and HIGH, their distance often about what the CPUs can hold back together."""
    lowest = rng.choice((0, 1, rng.randrange(1 << 20)))
    drift = max(0, cpus * rng.randrange(126) + rng.randrange(-1, 2))
    far = rng.choice((0, 1, cpus, 124 * cpus, 125 * cpus, drift, rng.randrange(1 << 20), (1 << 31) - 1))
    return lowest, lowest + far, lowest + 2 * far


def run(seed: int, programs: int = 24) -> None:
    """Run programs on both, comparing after each step."""
    for number in range(programs):
        rng = random.Random(f"{seed} {number}")
        cpus = rng.choice((1, 1, 2, 3, 4, 7, 8, 64))
        boost = rng.choice((0, 0, 1024))
        pair = Pair(cpus, size(rng), marks_of(rng, cpus), boost, rng.choice((12, 12, 14, 16)))
        pair.same()
        for _ in range(STEPS if cpus < 64 else STEPS // 8):
            rng.choice(ACTS)(pair, rng)
            pair.same()


def test_every_counter_is_what_the_judge_has(seed: int) -> None:
    """After each of many steps, on 1 to 64 CPUs that come and go."""
    run(seed)


# --- the formulae alone --------------------------------------------------------------------------------------------------

SIZES = sorted({0, 1, *((1 << bit) + off for bit in range(1, 43) for off in (-1, 0, 1) if (1 << bit) + off <= 1 << 42)})


@pytest.mark.parametrize("page_shift", range(12, 17))
def test_thresholds_are_the_judge_s(page_shift: int) -> None:
    """About each power of two, for each number of CPUs."""
    for online_cpus in (*range(1, 65),):
        for managed in SIZES:
            theirs = vmstat_612.calculate_normal_threshold(managed, online_cpus, page_shift)
            assert normal_threshold(managed, page_shift, online_cpus) == theirs, (managed, online_cpus)


def distances(online_cpus: int) -> list[int]:
    """Return distances of marks: few, those about each threshold's edge, and the largest that an ``int`` holds."""
    edges = {online_cpus * threshold + off for threshold in range(128) for off in (-1, 0, 1)}
    return sorted(x for x in edges | {0, 1, 1 << 30, (1 << 31) - 1} if x >= 0)


def test_thresholds_under_pressure_and_drift_marks_are_the_judge_s() -> None:
    """About each edge, and up to the largest distance that the kernel's ``int`` holds."""
    for online_cpus in (1, 2, 3, 5, 8, 63, 64):
        for far in distances(online_cpus):
            theirs = vmstat_612.calculate_pressure_threshold(1000 + far, 1000, online_cpus)
            assert pressure_threshold(1000, 1000 + far, online_cpus) == theirs, (far, online_cpus)
            for threshold in (2, 64, 124, 125):
                judge = vmstat_612.ZoneStat(1, marks=(1000, 1000 + far, 1000 + 2 * far))
                judge.percpu_drift_mark = 77
                judge.drift_mark(online_cpus, threshold)
                ours = drift_mark_of(77, 1000, 1000 + far, 1000 + 2 * far, online_cpus, threshold)
                assert ours == judge.percpu_drift_mark, (far, online_cpus, threshold)


@pytest.mark.parametrize("far", [1 << 31, (1 << 32) - 1, 1 << 32, (1 << 32) + 7, 1 << 41])
def test_thresholds_under_pressure_of_marks_that_no_int_is_apart(far: int) -> None:
    """A zone of 28 TiB with the largest watermark_scale_factor has such marks."""
    assert pressure_threshold(0, far, 1) == vmstat_612.calculate_pressure_threshold(far, 0, 1)


# --- the comparison can fail ---------------------------------------------------------------------------------------------


def inc_rounds_up(self: Any, cpu: int, item: str) -> None:
    """Count one more, and overstep by half the threshold rounded up."""
    v, t = self.diff[cpu].get(item, 0) + 1, self.threshold[cpu]
    self.diff[cpu][item] = v
    if v > t:
        over = (t + 1) >> 1
        self.add(item, v + over)
        self.diff[cpu][item] = -over


def dec_at_threshold(self: Any, cpu: int, item: str) -> None:
    """Count one less, and hand over at the threshold already."""
    v, t = self.diff[cpu].get(item, 0) - 1, self.threshold[cpu]
    self.diff[cpu][item] = v
    if v <= -t:
        self.add(item, v - (t >> 1))
        self.diff[cpu][item] = t >> 1


def mod_leaves_rest(self: Any, cpu: int, item: str, delta: int) -> None:
    """Add, and overstep as a single step does."""
    self.mod_state(cpu, item, delta, 1)


def atomic_one_way(self: Any, cpu: int, item: str) -> None:
    """Count one less in one instruction, overstepping upwards."""
    self.mod_state(cpu, item, -1, 1)


def snapshot_of_all(self: Any, item: str, online: set[int]) -> int:
    """Sum what all CPUs hold back and clamp each part."""
    return max(self.vm_stat.get(item, 0), 0) + sum(part.get(item, 0) for part in self.diff)


def unclamped(self: Any, item: str) -> int:
    """Read a counter that may be negative."""
    return int(self.vm_stat.get(item, 0))


def drift_at_equality(self: Any, online: int, threshold: int) -> None:
    """Set the drift mark where the CPUs hold back just what is tolerated."""
    if online * threshold >= self.marks[1] - self.marks[0]:
        self.percpu_drift_mark = self.marks[2] + self.boost + online * threshold


def drift_cleared(self: Any, online: int, threshold: int) -> None:
    """Clear the drift mark where none is needed."""
    most = online * threshold
    self.percpu_drift_mark = self.marks[2] + self.boost + most if most > self.marks[1] - self.marks[0] else 0


def drift_unboosted(self: Any, online: int, threshold: int) -> None:
    """Set the drift mark from HIGH without its boost."""
    if online * threshold > self.marks[1] - self.marks[0]:
        self.percpu_drift_mark = self.marks[2] + online * threshold


def normal_of_size(managed: int, online: int, page_shift: int = 12) -> int:
    """Forget that a threshold counts at least one for the size."""
    return min(125, 2 * online.bit_length() * max(1, (managed >> (27 - page_shift)).bit_length()))


def pressure_from_zero(low: int, least: int, online: int) -> int:
    """Let a CPU hold back nothing under pressure."""
    return min(125, (low - least) // online)


WRONG = [
    (vmstat_612.ZoneStat, "inc", inc_rounds_up),
    (vmstat_612.ZoneStat, "dec", dec_at_threshold),
    (vmstat_612.ZoneStat, "mod", mod_leaves_rest),
    (vmstat_612.ZoneStat, "dec_safe", atomic_one_way),
    (vmstat_612.ZoneStat, "snapshot", snapshot_of_all),
    (vmstat_612.ZoneStat, "state", unclamped),
    (vmstat_612.ZoneStat, "drift_mark", drift_at_equality),
    (vmstat_612.ZoneStat, "drift_mark", drift_cleared),
    (vmstat_612.ZoneStat, "drift_mark", drift_unboosted),
    (vmstat_612, "calculate_normal_threshold", normal_of_size),
    (vmstat_612, "calculate_pressure_threshold", pressure_from_zero),
]


@pytest.mark.parametrize(("owner", "name", "wrong"), WRONG, ids=lambda x: getattr(x, "__name__", x))
def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch, seed: int, owner: Any, name: str, wrong: Any) -> None:
    """A judge that is wrong in one function is told apart."""
    monkeypatch.setattr(owner, name, wrong)
    with pytest.raises(AssertionError):
        run(seed, 300)
