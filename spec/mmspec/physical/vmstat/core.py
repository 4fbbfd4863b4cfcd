"""What any set of counters must keep, however it spares its CPUs the trip to a common number: no update is lost.

``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the zone after an allowed result.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.loop import Loop
from mmspec.physical.vmstat import clauses as c
from mmspec.physical.vmstat.ops import (
    MAX_ITEMS,
    MAX_THRESHOLD,
    Cell,
    Count,
    Cpu,
    CpuEnd,
    Dec,
    Delta,
    Done,
    Error,
    Fold,
    Inc,
    Item,
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
    Total,
)  # fmt: skip
from mmspec.physical.vmstat.state import Zone, cell_of, is_item, is_online
from mmspec.pmap import PMap


def answered(result: Any, lawful: bool) -> Clause | None:
    """Name the clause that is broken where a lawful request is refused, or an unlawful one is not."""
    rule(c.ACCEPTED if lawful else c.ARGS)
    if refused(result, "EINVAL"):
        return c.ACCEPTED if lawful else None
    return None if lawful else c.ARGS


def may_count(zone: Zone, cpu: Cpu, item: Item) -> bool:
    """Tell whether a CPU can change a counter."""
    return is_online(zone, cpu) & is_item(zone, item)


def can_leave(zone: Zone, cpu: Cpu) -> bool:
    """Tell whether a CPU is online and not the last one that is."""
    others: CpuEnd
    _, others, _ = OTHER.run(zone, 0, cpu)
    return is_online(zone, cpu) and others < zone.cpus


def other_more(zone: Zone, at: CpuEnd, cpu: Cpu) -> bool:
    """Tell whether no other CPU that is online was met, and one is left."""
    return (at < zone.cpus) & ((at == cpu) | (not is_online(zone, at)))


def other_step(zone: Zone, at: CpuEnd, cpu: Cpu) -> tuple[Any, ...]:
    """Go on to the next CPU."""
    return zone, at + 1, cpu


def other_left(zone: Zone, at: CpuEnd, cpu: Cpu) -> int:
    """Return how many CPUs are left."""
    return zone.cpus - at


OTHER = Loop("other", other_more, other_step, other_left)

# --- changes -------------------------------------------------------------------------------------------------------------


def mod_allowed(zone: Zone, op: Mod, result: Done | Error) -> Clause | None:
    """Name the clause that a result of an addition breaks."""
    return answered(result, may_count(zone, op.cpu, op.item))


def inc_allowed(zone: Zone, op: Inc, result: Done | Error) -> Clause | None:
    """Name the clause that a result of counting one more breaks."""
    return answered(result, may_count(zone, op.cpu, op.item))


def dec_allowed(zone: Zone, op: Dec, result: Done | Error) -> Clause | None:
    """Name the clause that a result of counting one less breaks."""
    return answered(result, may_count(zone, op.cpu, op.item))


def fold_allowed(zone: Zone, op: Fold, result: Done | Error) -> Clause | None:
    """Name the clause that a result of handing over breaks."""
    return answered(result, is_online(zone, op.cpu))


def offline_allowed(zone: Zone, op: Offline, result: Done | Error) -> Clause | None:
    """Name the clause that a result of a CPU's leaving breaks."""
    return answered(result, can_leave(zone, op.cpu))


def online_allowed(zone: Zone, op: Online, result: Done | Error) -> Clause | None:
    """Name the clause that a result of a CPU's coming breaks."""
    return answered(result, (op.cpu < zone.cpus) & (not is_online(zone, op.cpu)))


def set_marks_allowed(zone: Zone, op: SetMarks, result: Done | Error) -> Clause | None:
    """Name the clause that a result of new marks breaks: they must ascend."""
    return answered(result, (op.min <= op.low) & (op.low <= op.high))


def refresh_allowed(zone: Zone, op: RefreshThresholds, result: Done | Error) -> Clause | None:
    """Name the clause that a result of new thresholds breaks."""
    return answered(result, True)


def pressure_allowed(zone: Zone, op: Pressure, result: Done | Error) -> Clause | None:
    """Name the clause that a result of pressure breaks."""
    return answered(result, True)


def added(zone: Zone, cpu: Cpu, item: Item, delta: Delta) -> Zone:
    """Return the zone after a CPU added to a counter."""
    exact = zone.exact.set(item, zone.exact.get(item, 0) + delta)
    return Zone(zone.cpus, zone.items, exact, zone.offline, zone.pending.set(cell_of(cpu, item), True))


def mod_apply(zone: Zone, op: Mod, result: Done | Error) -> Zone:
    """Return the zone after an addition."""
    return zone if result.failed else added(zone, op.cpu, op.item, op.delta)


def inc_apply(zone: Zone, op: Inc, result: Done | Error) -> Zone:
    """Return the zone after one more."""
    return zone if result.failed else added(zone, op.cpu, op.item, 1)


def dec_apply(zone: Zone, op: Dec, result: Done | Error) -> Zone:
    """Return the zone after one less."""
    return zone if result.failed else added(zone, op.cpu, op.item, -1)


def settled(zone: Zone, cpu: Cpu) -> Zone:
    """Return the zone after a CPU handed everything over."""
    pending = zone.pending
    for item in range(MAX_ITEMS):
        pending = pending.set(cell_of(cpu, item), False)
    return attrs.evolve(zone, pending=pending)


def fold_apply(zone: Zone, op: Fold, result: Done | Error) -> Zone:
    """Return the zone after a CPU handed over."""
    return zone if result.failed else settled(zone, op.cpu)


def offline_apply(zone: Zone, op: Offline, result: Done | Error) -> Zone:
    """Return the zone after a CPU left."""
    if result.failed:
        return zone
    return attrs.evolve(settled(zone, op.cpu), offline=zone.offline.set(op.cpu, True))


def online_apply(zone: Zone, op: Online, result: Done | Error) -> Zone:
    """Return the zone after a CPU came."""
    return zone if result.failed else attrs.evolve(zone, offline=zone.offline.set(op.cpu, False))


def same_apply(zone: Zone, op: Any, result: Any) -> Zone:
    """Return the zone after what changes no counter."""
    return zone


# --- reading -------------------------------------------------------------------------------------------------------------


def slack_more(pending: PMap[Cell, bool], cpus: CpuEnd, item: Item, cpu: CpuEnd, slack: Total) -> bool:
    """Tell whether a CPU is left to ask."""
    return cpu < cpus


def slack_step(pending: PMap[Cell, bool], cpus: CpuEnd, item: Item, cpu: CpuEnd, slack: Total) -> tuple[Any, ...]:
    """Add what a CPU may hold back at most."""
    held = MAX_THRESHOLD if pending.get(cell_of(cpu, item), False) else 0
    return pending, cpus, item, cpu + 1, slack + held


def slack_left(pending: PMap[Cell, bool], cpus: CpuEnd, item: Item, cpu: CpuEnd, slack: Total) -> int:
    """Return how many CPUs are left to ask."""
    return cpus - cpu


SLACK = Loop("slack", slack_more, slack_step, slack_left)


def slack_of(zone: Zone, item: Item) -> Total:
    """Return how far a counter may be off: 125 for each CPU that changed it since it handed over."""
    slack: Total
    _, _, _, _, slack = SLACK.run(zone.pending, zone.cpus, item, 0, 0)
    return slack


def read_allowed(zone: Zone, op: Read, result: Count | Error) -> Clause | None:
    """Name the clause that a counter breaks."""
    if result.failed or not is_item(zone, op.item):
        return answered(result, is_item(zone, op.item))
    rule(c.DRIFT)
    exact, slack = zone.exact.get(op.item, 0), slack_of(zone, op.item)
    near = (result.count >= max(0, exact - slack)) & (result.count <= max(0, exact + slack))
    return None if near else c.DRIFT


def read_snapshot_allowed(zone: Zone, op: ReadSnapshot, result: Count | Error) -> Clause | None:
    """Name the clause that a snapshot breaks: there is one right answer."""
    if result.failed or not is_item(zone, op.item):
        return answered(result, is_item(zone, op.item))
    rule(c.EXACT)
    return None if result.count == max(0, zone.exact.get(op.item, 0)) else c.EXACT


def look_threshold_allowed(zone: Zone, op: LookThreshold, result: Count | Error) -> Clause | None:
    """Name the clause that a threshold breaks."""
    return answered(result, is_online(zone, op.cpu))


def look_drift_mark_allowed(zone: Zone, op: LookDriftMark, result: Count | Error) -> Clause | None:
    """Name the clause that a drift mark breaks."""
    return answered(result, True)
