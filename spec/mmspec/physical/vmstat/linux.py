"""How Linux counts: ``X_choose`` returns the answer, and the counters after it (mm/vmstat.c, the same in 6.1 and 6.12)."""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.vmstat import clauses as c
from mmspec.physical.vmstat.core import can_leave, may_count
from mmspec.physical.vmstat.ops import (
    DONE,
    EINVAL,
    MAX_ITEMS,
    MAX_THRESHOLD,
    Cell,
    Config,
    Count,
    Cpu,
    CpuEnd,
    Dec,
    Delta,
    Difference,
    Done,
    Error,
    Fold,
    Frames,
    Inc,
    Item,
    LookDriftMark,
    LookThreshold,
    Managed,
    Mod,
    Offline,
    Online,
    PageShift,
    Pressure,
    Read,
    ReadSnapshot,
    RefreshThresholds,
    SetMarks,
    Threshold,
    Total,
)  # fmt: skip
from mmspec.physical.vmstat.state import Cells, Zone, cell_of, is_item, is_online, zone_of
from mmspec.pmap import PMap, pmap

# --- thresholds ------------------------------------------------------------------------------------------------------------


def digits_of(number: Managed) -> int:
    """Return how many binary digits a number has (fls)."""
    count = 0
    for bit in range(43):
        count += (number >> bit) != 0
    return count


def normal_threshold(managed: Managed, page_shift: PageShift, online: CpuEnd) -> Threshold:
    """Return how much a CPU may hold back (mm/vmstat.c:calculate_normal_threshold, v6.12)."""
    rule(c.NORMAL)
    return min(MAX_THRESHOLD, 2 * digits_of(online) * (1 + digits_of(managed >> (27 - page_shift))))


def pressure_threshold(lowest: Managed, low: Managed, online: CpuEnd) -> Threshold:
    """Return how much it may while kswapd runs (mm/vmstat.c:calculate_pressure_threshold, v6.12).

    The kernel keeps the distance in an ``int``, divides it as an ``unsigned int``, and takes the quotient for an ``int`` again.
    """
    rule(c.PRESSURE)
    part = ((low - lowest) & 0xFFFFFFFF) // online
    if part > 0x7FFFFFFF:
        return 1
    return min(MAX_THRESHOLD, max(1, part))


def drift_mark_of(before: Frames, lowest: Managed, low: Managed, high: Managed, online: CpuEnd, threshold: Threshold) -> Frames:
    """Return below which count the exact one must be asked, given what that was before."""
    drift = online * threshold
    if drift > low - lowest:
        rule(c.DRIFT_MARK)
        return high + drift
    rule(c.DRIFT_MARK_STAYS)
    return before


def online_more(zone: Zone, cpu: CpuEnd, count: CpuEnd) -> bool:
    """Tell whether a CPU is left to count."""
    return cpu < zone.cpus


def online_step(zone: Zone, cpu: CpuEnd, count: CpuEnd) -> tuple[Any, ...]:
    """Count a CPU if it is online."""
    return zone, cpu + 1, count + is_online(zone, cpu)


def online_left(zone: Zone, cpu: CpuEnd, count: CpuEnd) -> int:
    """Return how many CPUs are left to count."""
    return zone.cpus - cpu


ONLINE = Loop("online", online_more, online_step, online_left)


def online_of(zone: Zone) -> CpuEnd:
    """Return how many CPUs are online."""
    count: CpuEnd
    _, _, count = ONLINE.run(zone, 0, 0)
    return count


def limit_more(zone: Zone, cells: Cells, threshold: Threshold, cpu: CpuEnd) -> bool:
    """Tell whether a CPU is left to be told its threshold."""
    return cpu < zone.cpus


def limit_step(zone: Zone, cells: Cells, threshold: Threshold, cpu: CpuEnd) -> tuple[Any, ...]:
    """Tell a CPU its threshold if it is online; what it holds back may be more."""
    told = limited(cells, cpu, threshold) if is_online(zone, cpu) else cells
    return zone, told, threshold, cpu + 1


def limit_left(zone: Zone, cells: Cells, threshold: Threshold, cpu: CpuEnd) -> int:
    """Return how many CPUs are left."""
    return zone.cpus - cpu


LIMIT = Loop("limit", limit_more, limit_step, limit_left)


def limited(cells: Cells, cpu: Cpu, threshold: Threshold) -> Cells:
    """Return the counters with a CPU's threshold, and the widest that it had since it handed over."""
    widest = max(cells.widest.get(cpu, 0), threshold)
    return attrs.evolve(cells, threshold=cells.threshold.set(cpu, threshold), widest=cells.widest.set(cpu, widest))


def refreshed(zone: Zone, cells: Cells) -> Cells:
    """Return the counters with thresholds and drift mark set anew (mm/vmstat.c:refresh_zone_stat_thresholds, v6.12)."""
    rule(c.REFRESH)
    online = online_of(zone)
    threshold = normal_threshold(cells.managed, cells.page_shift, online)
    limits: Cells
    _, limits, _, _ = LIMIT.run(zone, cells, threshold, 0)
    return attrs.evolve(limits, drift_mark=drift_mark_of(cells.drift_mark, cells.min, cells.low, cells.high, online, threshold))


def initial_cells(config: Config, kernel: str) -> Cells:
    """Return the counters of a reset: all 0, the thresholds set."""
    cells = Cells(
        config.page_shift, config.managed, config.min, config.low, config.high, pmap(), pmap(), pmap(), pmap(), 0
    )  # fmt: skip
    return refreshed(zone_of(config), cells)


# --- what a CPU holds back -------------------------------------------------------------------------------------------------


def held_of(cells: Cells, cpu: Cpu, item: Item) -> Total:
    """Return what a CPU holds back of a counter."""
    return cells.held.get(cell_of(cpu, item), 0)


def put(cells: Cells, cpu: Cpu, item: Item, held: Total, over: Total) -> Cells:
    """Return the counters after a CPU keeps so much, and hands so much over."""
    counter = cells.counter.set(item, cells.counter.get(item, 0) + over)
    return Cells(
        cells.page_shift, cells.managed, cells.min, cells.low, cells.high, cells.held.set(cell_of(cpu, item), held), counter,
        cells.threshold, cells.widest, cells.drift_mark,
    )  # fmt: skip


def mod(cells: Cells, cpu: Cpu, item: Item, delta: Delta) -> Cells:
    """Return the counters after an addition (mm/vmstat.c:__mod_zone_page_state, v6.12)."""
    held, threshold = held_of(cells, cpu, item) + delta, cells.threshold.get(cpu, 0)
    if held > threshold or held < -threshold:
        rule(c.FLUSH)
        return put(cells, cpu, item, 0, held)
    rule(c.HOLD)
    return put(cells, cpu, item, held, 0)


def inc(cells: Cells, cpu: Cpu, item: Item) -> Cells:
    """Return the counters after one more (mm/vmstat.c:__inc_zone_state, v6.12)."""
    held, threshold = held_of(cells, cpu, item) + 1, cells.threshold.get(cpu, 0)
    if held > threshold:
        rule(c.INC)
        return put(cells, cpu, item, -(threshold >> 1), held + (threshold >> 1))
    return put(cells, cpu, item, held, 0)


def dec(cells: Cells, cpu: Cpu, item: Item) -> Cells:
    """Return the counters after one less (mm/vmstat.c:__dec_zone_state, v6.12)."""
    held, threshold = held_of(cells, cpu, item) - 1, cells.threshold.get(cpu, 0)
    if held < -threshold:
        rule(c.DEC)
        return put(cells, cpu, item, threshold >> 1, held - (threshold >> 1))
    return put(cells, cpu, item, held, 0)


def step_atomic(cells: Cells, cpu: Cpu, item: Item, delta: Delta) -> Cells:
    """Return the counters after a step of one, up or down, in one instruction (mm/vmstat.c:mod_zone_state, v6.12)."""
    rule(c.ATOMIC)
    held, threshold = held_of(cells, cpu, item) + delta, cells.threshold.get(cpu, 0)
    if held > threshold or held < -threshold:
        over = delta * (threshold >> 1)
        return put(cells, cpu, item, -over, held + over)
    return put(cells, cpu, item, held, 0)


def hand_over(cells: Cells, cpu: Cpu) -> Cells:
    """Return the counters after a CPU handed over all that it holds back."""
    after = cells
    for item in range(MAX_ITEMS):
        after = put(after, cpu, item, 0, held_of(cells, cpu, item))
    return attrs.evolve(after, widest=after.widest.set(cpu, after.threshold.get(cpu, 0)))


# --- requests --------------------------------------------------------------------------------------------------------------


def mod_choose(zone: Zone, cells: Cells, op: Mod) -> tuple[Done | Error, Cells]:
    """Return what Linux answers to an addition, and the counters after it."""
    if not may_count(zone, op.cpu, op.item):
        return EINVAL, cells
    return DONE, mod(cells, op.cpu, op.item, op.delta)


def inc_choose(zone: Zone, cells: Cells, op: Inc) -> tuple[Done | Error, Cells]:
    """Return what Linux answers to one more, and the counters after it."""
    if not may_count(zone, op.cpu, op.item):
        return EINVAL, cells
    return DONE, step_atomic(cells, op.cpu, op.item, 1) if op.atomic != 0 else inc(cells, op.cpu, op.item)


def dec_choose(zone: Zone, cells: Cells, op: Dec) -> tuple[Done | Error, Cells]:
    """Return what Linux answers to one less, and the counters after it."""
    if not may_count(zone, op.cpu, op.item):
        return EINVAL, cells
    return DONE, step_atomic(cells, op.cpu, op.item, -1) if op.atomic != 0 else dec(cells, op.cpu, op.item)


def fold_choose(zone: Zone, cells: Cells, op: Fold) -> tuple[Done | Error, Cells]:
    """Return what Linux answers, and the counters after a CPU handed over."""
    if not is_online(zone, op.cpu):
        return EINVAL, cells
    rule(c.FOLD)
    return DONE, hand_over(cells, op.cpu)


def offline_choose(zone: Zone, cells: Cells, op: Offline) -> tuple[Done | Error, Cells]:
    """Return what Linux answers, and the counters after a CPU left: the thresholds of the others are set anew."""
    if not can_leave(zone, op.cpu):
        return EINVAL, cells
    rule(c.OFFLINE)
    return DONE, refreshed(attrs.evolve(zone, offline=zone.offline.set(op.cpu, True)), hand_over(cells, op.cpu))


def online_choose(zone: Zone, cells: Cells, op: Online) -> tuple[Done | Error, Cells]:
    """Return what Linux answers, and the counters after a CPU came: all thresholds are set anew."""
    if op.cpu >= zone.cpus or is_online(zone, op.cpu):
        return EINVAL, cells
    rule(c.REFRESH)
    return DONE, refreshed(attrs.evolve(zone, offline=zone.offline.set(op.cpu, False)), cells)


def set_marks_choose(zone: Zone, cells: Cells, op: SetMarks) -> tuple[Done | Error, Cells]:
    """Return what Linux answers, and the counters of a zone with other marks."""
    if op.min > op.low or op.low > op.high:
        return EINVAL, cells
    return DONE, attrs.evolve(cells, managed=op.managed, min=op.min, low=op.low, high=op.high)


def refresh_choose(zone: Zone, cells: Cells, op: RefreshThresholds) -> tuple[Done | Error, Cells]:
    """Return what Linux answers, and the counters with new thresholds."""
    return DONE, refreshed(zone, cells)


def pressure_choose(zone: Zone, cells: Cells, op: Pressure) -> tuple[Done | Error, Cells]:
    """Return what Linux answers, and the counters with the thresholds of a kswapd that runs or sleeps."""
    rule(c.PRESSURE_DRIFT)
    if cells.drift_mark == 0:
        return DONE, cells
    online = online_of(zone)
    if op.on != 0:
        threshold = pressure_threshold(cells.min, cells.low, online)
    else:
        threshold = normal_threshold(cells.managed, cells.page_shift, online)
    limits: Cells
    _, limits, _, _ = LIMIT.run(zone, cells, threshold, 0)
    return DONE, limits


# --- answers ---------------------------------------------------------------------------------------------------------------


def sum_more(zone: Zone, held: PMap[Cell, Difference], item: Item, cpu: CpuEnd, total: Total) -> bool:
    """Tell whether a CPU is left to add."""
    return cpu < zone.cpus


def sum_step(zone: Zone, held: PMap[Cell, Difference], item: Item, cpu: CpuEnd, total: Total) -> tuple[Any, ...]:
    """Add what a CPU holds back, if it is online."""
    part = held.get(cell_of(cpu, item), 0) if is_online(zone, cpu) else 0
    return zone, held, item, cpu + 1, total + part


def sum_left(zone: Zone, held: PMap[Cell, Difference], item: Item, cpu: CpuEnd, total: Total) -> int:
    """Return how many CPUs are left to add."""
    return zone.cpus - cpu


SUM = Loop("sum", sum_more, sum_step, sum_left)


def snapshot(zone: Zone, cells: Cells, item: Item) -> Total:
    """Return a counter and what the CPUs that are online hold back of it."""
    total: Total
    _, _, _, _, total = SUM.run(zone, cells.held, item, 0, cells.counter.get(item, 0))
    return total


def read_choose(zone: Zone, cells: Cells, op: Read) -> tuple[Count | Error, Cells]:
    """Return a counter as Linux reads it: never negative."""
    if not is_item(zone, op.item):
        return EINVAL, cells
    rule(c.READ_NONNEGATIVE)
    return Count(max(0, cells.counter.get(op.item, 0))), cells


def read_snapshot_choose(zone: Zone, cells: Cells, op: ReadSnapshot) -> tuple[Count | Error, Cells]:
    """Return a counter as Linux reads it exactly."""
    if not is_item(zone, op.item):
        return EINVAL, cells
    return Count(max(0, snapshot(zone, cells, op.item))), cells


def look_threshold_choose(zone: Zone, cells: Cells, op: LookThreshold) -> tuple[Count | Error, Cells]:
    """Return a CPU's threshold."""
    return (Count(cells.threshold.get(op.cpu, 0)) if is_online(zone, op.cpu) else EINVAL), cells


def look_drift_mark_choose(zone: Zone, cells: Cells, op: LookDriftMark) -> tuple[Count | Error, Cells]:
    """Return the zone's drift mark."""
    return Count(cells.drift_mark), cells
