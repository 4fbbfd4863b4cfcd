"""What was added to each counter, which everybody knows, and where Linux keeps it.

``Zone`` is a function of the operations alone. ``Cells`` is Linux's: one global number a counter and one small difference a CPU,
which sum to it. What a map does not hold is 0.
"""

from __future__ import annotations

import attrs

from mmspec.errors import InputError
from mmspec.physical.vmstat.ops import (
    CPU_BITS,
    MAX_CPUS,
    MAX_ITEMS,
    Cell,
    Config,
    Cpu,
    CpuEnd,
    Difference,
    Frames,
    Item,
    Managed,
    PageShift,
    Threshold,
    Total,
)  # fmt: skip
from mmspec.pmap import PMap, pmap


@attrs.frozen
class Zone:
    """The counters of a zone as they would be if no CPU held anything back."""

    cpus: CpuEnd  # possible processors
    items: Item  # the last counter
    exact: PMap[Item, Total]  # all that was added
    offline: PMap[Cpu, bool]  # the processors that are not online
    pending: PMap[Cell, bool]  # what a CPU changed since it last handed over


@attrs.frozen
class Cells:
    """Linux's counters, differences and thresholds, and what thresholds are set from (mm/vmstat.c, v6.12)."""

    page_shift: PageShift
    managed: Managed
    min: Managed  # the zone's marks, boost included
    low: Managed
    high: Managed
    held: PMap[Cell, Difference]  # vm_stat_diff
    counter: PMap[Item, Total]  # vm_stat
    threshold: PMap[Cpu, Threshold]  # stat_threshold
    widest: PMap[Cpu, Threshold]  # the largest threshold in force since the CPU last handed over
    drift_mark: Frames  # percpu_drift_mark


def cell_of(cpu: Cpu, item: Item) -> Cell:
    """Return the place of a CPU's part of a counter."""
    return (item << CPU_BITS) | cpu


def is_online(zone: Zone, cpu: Cpu) -> bool:
    """Tell whether a CPU is there and online."""
    return (cpu < zone.cpus) & (not zone.offline.get(cpu, False))


def is_item(zone: Zone, item: Item) -> bool:
    """Tell whether the zone has a counter of that number."""
    return item <= zone.items


def zone_of(config: Config) -> Zone:
    """Return the zone that a configuration describes (InputError: which field is wrong, and how it must be)."""
    if not 1 <= config.cpus <= MAX_CPUS:
        raise InputError(f"{config.cpus} CPUs", hint=f"1 to {MAX_CPUS}")
    if not 0 <= config.items < MAX_ITEMS:
        raise InputError(f"last counter {config.items}", hint=f"0 to {MAX_ITEMS - 1}")
    if not 0 <= config.min <= config.low <= config.high:
        raise InputError(f"marks {config.min}, {config.low}, {config.high} do not ascend", hint="min <= low <= high")
    if not (0 <= config.managed <= 1 << 42 and config.high <= 1 << 42):
        raise InputError("a zone of more than 2**42 frames", hint="at most 2**42")
    if not 12 <= config.page_shift <= 16:
        raise InputError(f"page_shift {config.page_shift} is none", hint="12 to 16")
    return Zone(config.cpus, config.items, pmap(), pmap(), pmap())
