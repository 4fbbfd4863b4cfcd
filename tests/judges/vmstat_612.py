"""The per-CPU zone counters of Linux 6.12, function by function from the source.

A judge, not a specification: written from mm/vmstat.c and include/linux/vmstat.h of v6.12 (Debian
linux-source-6.12, 6.12.117) without sight of the project's own text.

Which code runs: `__mod_zone_page_state`, `__inc_zone_state` and `__dec_zone_state` (here mod, inc, dec) are the
same in every SMP kernel; the free page counters go through the first. The variants without underscores
(mod_safe, inc_safe, dec_safe) are mod_zone_state with an overstep_mode where CONFIG_HAVE_CMPXCHG_LOCAL is
selected (x86 and arm64, always), else the plain ones with interrupts off (riscv). Without CONFIG_SMP there are
no differentials and no clamping at zero.
"""

from __future__ import annotations

MAX_THRESHOLD = 125


def s8(value: int) -> int:
    """The value as a signed char."""
    return (value + 128) % 256 - 128


def s32(value: int) -> int:
    """The value as an int."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def s64(value: int) -> int:
    """The value as a long."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def u64(value: int) -> int:
    """The value as an unsigned long."""
    return value % (1 << 64)


def fls(value: int) -> int:
    """The number of the highest bit set of an unsigned int, from 1; 0 for 0."""
    return (value % (1 << 32)).bit_length()


def calculate_normal_threshold(managed: int, online: int, page_shift: int = 12) -> int:
    """mm/vmstat.c:calculate_normal_threshold; `online` is the number of online CPUs of the machine."""
    mem = s32(managed >> (27 - page_shift))
    return min(MAX_THRESHOLD, 2 * fls(online) * (1 + fls(mem)))


def calculate_pressure_threshold(low: int, least: int, online: int) -> int:
    """mm/vmstat.c:calculate_pressure_threshold. The distance is an int, the number of CPUs an unsigned int."""
    distance = s32(low - least)
    return min(MAX_THRESHOLD, max(1, s32(distance % (1 << 32) // online)))


class ZoneStat:
    """The counters of one zone: vm_stat, the differentials and thresholds of each possible CPU."""

    def __init__(
        self,
        cpus: int,
        *,
        managed: int = 1,
        marks: tuple[int, int, int] = (0, 0, 0),
        boost: int = 0,
        node: int = 0,
        world: dict[str, int] | None = None,
        smp: bool = True,
        cmpxchg: bool = True,
    ) -> None:
        """`marks` is _watermark[min, low, high]; `world` is vm_zone_stat, to be shared by all zones.

        Thresholds are 0 until refresh_zone_stat_thresholds.
        """
        self.managed = managed
        self.marks = marks
        self.boost = boost
        self.node = node
        self.smp = smp
        self.cmpxchg = cmpxchg
        self.vm_stat: dict[str, int] = {}
        self.world: dict[str, int] = {} if world is None else world
        self.diff: list[dict[str, int]] = [{} for _ in range(cpus)]
        self.threshold = [0] * cpus
        self.percpu_drift_mark = 0
        self.numa: list[dict[str, int]] = [{} for _ in range(cpus)]
        self.vm_numa_event: dict[str, int] = {}

    def add(self, item: str, x: int) -> None:
        """include/linux/vmstat.h:zone_page_state_add: the zone's and the machine's counter at once."""
        self.vm_stat[item] = s64(self.vm_stat.get(item, 0) + x)
        self.world[item] = s64(self.world.get(item, 0) + x)

    def mod(self, cpu: int, item: str, delta: int) -> None:
        """mm/vmstat.c:__mod_zone_page_state: everything is folded, nothing is left over; no overstep."""
        if not self.smp:
            self.add(item, delta)
            return
        x = s64(delta + self.diff[cpu].get(item, 0))
        if s64(abs(x)) > self.threshold[cpu]:
            self.add(item, x)
            x = 0
        self.diff[cpu][item] = s8(x)

    def inc(self, cpu: int, item: str) -> None:
        """mm/vmstat.c:__inc_zone_state."""
        if not self.smp:
            self.add(item, 1)
            return
        v = s8(self.diff[cpu].get(item, 0) + 1)
        t = self.threshold[cpu]
        self.diff[cpu][item] = v
        if v > t:
            overstep = t >> 1
            self.add(item, v + overstep)
            self.diff[cpu][item] = s8(-overstep)

    def dec(self, cpu: int, item: str) -> None:
        """mm/vmstat.c:__dec_zone_state."""
        if not self.smp:
            self.add(item, -1)
            return
        v = s8(self.diff[cpu].get(item, 0) - 1)
        t = self.threshold[cpu]
        self.diff[cpu][item] = v
        if v < -t:
            overstep = t >> 1
            self.add(item, v - overstep)
            self.diff[cpu][item] = overstep

    def mod_state(self, cpu: int, item: str, delta: int, overstep_mode: int) -> None:
        """mm/vmstat.c:mod_zone_state (CONFIG_HAVE_CMPXCHG_LOCAL): both signs are checked, whatever the mode."""
        n = s64(delta + self.diff[cpu].get(item, 0))
        t = self.threshold[cpu]
        z = 0
        if s64(abs(n)) > t:
            os = overstep_mode * (t >> 1)
            z = n + os
            n = -os
        self.diff[cpu][item] = s8(n)
        if z:
            self.add(item, z)

    def mod_safe(self, cpu: int, item: str, delta: int) -> None:
        """mm/vmstat.c:mod_zone_page_state."""
        if self.smp and self.cmpxchg:
            self.mod_state(cpu, item, delta, 0)
        else:
            self.mod(cpu, item, delta)

    def inc_safe(self, cpu: int, item: str) -> None:
        """mm/vmstat.c:inc_zone_page_state."""
        if self.smp and self.cmpxchg:
            self.mod_state(cpu, item, 1, 1)
        else:
            self.inc(cpu, item)

    def dec_safe(self, cpu: int, item: str) -> None:
        """mm/vmstat.c:dec_zone_page_state."""
        if self.smp and self.cmpxchg:
            self.mod_state(cpu, item, -1, -1)
        else:
            self.dec(cpu, item)

    def state(self, item: str) -> int:
        """include/linux/vmstat.h:zone_page_state; without CONFIG_SMP a negative value reads as a huge one."""
        x = self.vm_stat.get(item, 0)
        return max(x, 0) if self.smp else u64(x)

    def snapshot(self, item: str, online: set[int]) -> int:
        """include/linux/vmstat.h:zone_page_state_snapshot: the differentials of online CPUs only."""
        x = self.vm_stat.get(item, 0)
        if not self.smp:
            return u64(x)
        return max(x + sum(self.diff[cpu].get(item, 0) for cpu in online), 0)

    def drift_mark(self, online: int, threshold: int) -> None:
        """The last step of refresh_zone_stat_thresholds: the mark is set or left as it was, never cleared."""
        tolerate = u64(self.marks[1] - self.marks[0])
        most = online * threshold
        if most > tolerate:
            self.percpu_drift_mark = u64(self.marks[2] + self.boost + most)

    def count_numa(self, cpu: int, item: str, delta: int = 1) -> None:
        """include/linux/vmstat.h:__count_numa_events: per CPU, unsigned long, folded on demand only."""
        self.numa[cpu][item] = u64(self.numa[cpu].get(item, 0) + delta)

    def fold_numa(self, cpus: set[int]) -> None:
        """mm/vmstat.c:fold_vm_zone_numa_events over the online CPUs."""
        for cpu in cpus:
            for item, value in self.numa[cpu].items():
                self.vm_numa_event[item] = s64(self.vm_numa_event.get(item, 0) + value)
            self.numa[cpu] = {}


def refresh_zone_stat_thresholds(zones: list[ZoneStat], online: set[int], page_shift: int = 12) -> dict[int, int]:
    """mm/vmstat.c:refresh_zone_stat_thresholds over the populated zones; gives the node thresholds.

    CPUs that are not online keep their threshold.
    """
    nodes: dict[int, int] = {}
    for zone in zones:
        threshold = calculate_normal_threshold(zone.managed, len(online), page_shift)
        for cpu in online:
            zone.threshold[cpu] = threshold
        nodes[zone.node] = max(threshold, nodes.get(zone.node, 0))
        zone.drift_mark(len(online), threshold)
    return nodes


def set_pgdat_percpu_threshold(zones: list[ZoneStat], online: set[int], pressure: bool, page_shift: int = 12) -> None:
    """mm/vmstat.c:set_pgdat_percpu_threshold for one node's zones: pressure while kswapd is awake, else normal.

    Zones without a drift mark keep theirs.
    """
    for zone in zones:
        if not zone.percpu_drift_mark:
            continue
        if pressure:
            threshold = calculate_pressure_threshold(zone.marks[1], zone.marks[0], len(online))
        else:
            threshold = calculate_normal_threshold(zone.managed, len(online), page_shift)
        for cpu in online:
            zone.threshold[cpu] = threshold


def fold_cpu(zones: list[ZoneStat], cpu: int) -> tuple[bool, list[bool]]:
    """The fold that refresh_cpu_vm_stats and cpu_vm_stats_fold share.

    Gives (fold_diff's answer, for each zone whether something was folded).
    """
    total: dict[str, int] = {}
    touched = []
    for zone in zones:
        some = False
        for item, v in zone.diff[cpu].items():
            if v:
                zone.vm_stat[item] = s64(zone.vm_stat.get(item, 0) + v)
                total[item] = total.get(item, 0) + v
                some = True
        zone.diff[cpu] = {}
        touched.append(some)
    changed = False
    for item, v in total.items():
        if v:
            zones[0].world[item] = s64(zones[0].world.get(item, 0) + v)
            changed = True
    return changed, touched


def refresh_cpu_vm_stats(zones: list[ZoneStat], cpu: int) -> tuple[bool, list[bool]]:
    """mm/vmstat.c:refresh_cpu_vm_stats without the pagesets and the node counters.

    Gives (whether global counters changed, for each zone whether its pageset's `expire` becomes 3). The numa
    events stay. The zones must share `world`.
    """
    return fold_cpu(zones, cpu)


def cpu_vm_stats_fold(zones: list[ZoneStat], cpu: int) -> None:
    """mm/vmstat.c:cpu_vm_stats_fold for a dead CPU: as above, and its numa events; no `expire` is written."""
    fold_cpu(zones, cpu)
    for zone in zones:
        zone.fold_numa({cpu})
