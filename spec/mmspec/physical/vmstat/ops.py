"""The requests, results and words of a zone's counters; nothing here decides anything."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import attrs

from mmspec.errors import DONE, EINVAL, Done, Error
from mmspec.words import Word

__all__ = [
    "DONE", "EINVAL", "Config", "Count", "Dec", "Done", "Error", "Fold", "Inc", "LookDriftMark", "LookThreshold", "Mod",
    "Offline", "Online", "Pressure", "Read", "ReadSnapshot", "RefreshThresholds", "SetMarks",
]  # fmt: skip

MAX_CPUS = 64
CPU_BITS = 6
MAX_ITEMS = 16

MAX_THRESHOLD = 125
"""The most that a CPU may hold back: twice the last step beyond it still fits an ``s8`` (mm/vmstat.c, v6.12)."""

Cpu = Annotated[int, Word("cpu", bits=16, lo=0, hi=MAX_CPUS - 1)]
"""A processor."""

CpuEnd = Annotated[int, Word("cpu_end", bits=16, lo=0, hi=MAX_CPUS)]
"""The exclusive end of a range of processors."""

Item = Annotated[int, Word("item", bits=8, lo=0, hi=MAX_ITEMS - 1)]
"""A counter of the zone."""

Cell = Annotated[int, Word("stat_cell", bits=16, lo=0, hi=(MAX_ITEMS << CPU_BITS) - 1)]
"""One CPU's part of one counter: ``item * 64 + cpu``."""

Delta = Annotated[int, Word("delta", bits=64, lo=-(1 << 40), hi=1 << 40, signed=True)]
"""What is added to a counter."""

Total = Annotated[int, Word("total", bits=64, lo=-(1 << 62), hi=1 << 62, signed=True)]
"""A counter; a part that CPUs hold back may make it negative."""

Difference = Annotated[int, Word("difference", bits=8, lo=-128, hi=127, signed=True)]
"""What a CPU holds back of a counter: an ``s8``."""

Threshold = Annotated[int, Word("threshold", bits=8, lo=0, hi=MAX_THRESHOLD)]
"""The most that a CPU may hold back."""

Frames = Annotated[int, Word("frames", bits=64, lo=0, hi=1 << 62)]
"""A number of frames."""

Managed = Annotated[int, Word("managed_frames", bits=64, lo=0, hi=1 << 42)]
"""Frames that a zone was given to hand out, or one of its marks."""

PageShift = Annotated[int, Word("page_shift", bits=8, lo=12, hi=16)]
"""The binary logarithm of a page's size in bytes."""

Truth = Annotated[int, Word("truth", bits=8, lo=0, hi=1)]
"""1 for yes, 0 for no."""


@attrs.frozen
class Config:
    """A populated zone of a reset: ``cpus`` processors are possible, all of them online, and all counters are 0.

    The thresholds are those of the zone's size and marks (mm/vmstat.c:refresh_zone_stat_thresholds, v6.12).
    """

    cpus: CpuEnd
    items: Item
    managed: Managed
    min: Managed = 0
    low: Managed = 0
    high: Managed = 0
    page_shift: PageShift = 12


@attrs.frozen
class Mod:
    """Add to a counter on a CPU (mm/vmstat.c:__mod_zone_page_state, v6.12)."""

    cpu: Cpu
    item: Item
    delta: Delta


@attrs.frozen
class Inc:
    """Count one more (mm/vmstat.c:__inc_zone_state, v6.12); ``atomic``: in one instruction (mod_zone_state)."""

    cpu: Cpu
    item: Item
    atomic: Truth = 0


@attrs.frozen
class Dec:
    """Count one less (mm/vmstat.c:__dec_zone_state, v6.12); ``atomic``: in one instruction (mod_zone_state)."""

    cpu: Cpu
    item: Item
    atomic: Truth = 0


@attrs.frozen
class Fold:
    """Let a CPU hand over all that it holds back (mm/vmstat.c:refresh_cpu_vm_stats, v6.12)."""

    cpu: Cpu


@attrs.frozen
class Offline:
    """Take a CPU away, with all that it holds back (mm/page_alloc.c:page_alloc_cpu_dead, mm/vmstat.c:vmstat_cpu_dead, v6.12)."""

    cpu: Cpu


@attrs.frozen
class Online:
    """Bring a CPU back (mm/vmstat.c:vmstat_cpu_online, v6.12)."""

    cpu: Cpu


@attrs.frozen
class SetMarks:
    """Change the zone's marks and size: no threshold follows until it is set anew."""

    managed: Managed
    min: Managed
    low: Managed
    high: Managed


@attrs.frozen
class RefreshThresholds:
    """Set thresholds and drift mark anew (mm/vmstat.c:refresh_zone_stat_thresholds, v6.12)."""


@attrs.frozen
class Pressure:
    """Set the thresholds for a kswapd that runs, or sleeps again (mm/vmstat.c:set_pgdat_percpu_threshold, v6.12)."""

    on: Truth


@attrs.frozen
class Read:
    """Ask for a counter, without what CPUs hold back (include/linux/vmstat.h:zone_page_state, v6.12)."""

    item: Item


@attrs.frozen
class ReadSnapshot:
    """Ask for a counter with what CPUs hold back (include/linux/vmstat.h:zone_page_state_snapshot, v6.12)."""

    item: Item


@attrs.frozen
class LookThreshold:
    """Ask how much a CPU may hold back."""

    cpu: Cpu


@attrs.frozen
class LookDriftMark:
    """Ask below which count of free frames the exact one must be asked; 0: nowhere."""


@attrs.frozen
class Count:
    """A number."""

    failed: ClassVar[Literal[False]] = False
    count: Frames
