"""The clauses of a zone's counters (dossier section D.9; ``docs/clauses.toml`` maps its rows to them)."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_MOD = "mm/vmstat.c:__mod_zone_page_state, v6.12"
_FOLD = "mm/vmstat.c:refresh_cpu_vm_stats, v6.12"
_REFRESH = "mm/vmstat.c:refresh_zone_stat_thresholds, v6.12"
_READ = "include/linux/vmstat.h:zone_page_state, v6.12"
_OURS = "INTERFACES 1, machine vmstat"
_linux = partial(Clause, of_policy=True)

# --- truths about every answer -----------------------------------------------------------------------------------------
ARGS = Clause("VMSTAT-ARGS", "What names no counter, or a CPU that is not as it must be, is refused with EINVAL", _OURS)
ACCEPTED = Clause("VMSTAT-ACCEPTED", "Anything else is carried out", _OURS)
EXACT = Clause(
    "VMSTAT-EXACT", "A snapshot of a counter is the sum of all that was ever added, or 0 where that is less: no update is lost",
    "include/linux/vmstat.h:zone_page_state_snapshot, v6.12",
)  # fmt: skip
DRIFT = Clause("VMSTAT-DRIFT", "A counter is off by at most 125 for each CPU that changed it since it last handed over", _READ)

# --- what a CPU holds back ---------------------------------------------------------------------------------------------
HOLD = _linux("VMSTAT-HOLD", "What is added stays with the CPU while that holds back no more than its threshold", _MOD)
FLUSH = _linux("VMSTAT-FLUSH", "Beyond the threshold all that the CPU holds back goes to the counter", _MOD)
INC = _linux(
    "VMSTAT-INC",
    "One more than the threshold goes over with half of it on top, which the CPU owes",
    "mm/vmstat.c:__inc_zone_state, v6.12",
)
DEC = _linux(
    "VMSTAT-DEC", "One less than its negative goes over with half of it off, likewise", "mm/vmstat.c:__dec_zone_state, v6.12"
)
ATOMIC = _linux(
    "VMSTAT-ATOMIC",
    "In one instruction both ends of the threshold are asked, whichever way the step goes",
    "mm/vmstat.c:mod_zone_state, v6.12",
)
FOLD = _linux("VMSTAT-FOLD", "A CPU hands over all that it holds back of every counter", _FOLD)
OFFLINE = _linux("VMSTAT-OFFLINE", "A CPU that goes hands over first", "mm/vmstat.c:cpu_vm_stats_fold, v6.12")
READ_NONNEGATIVE = _linux("VMSTAT-READ", "A counter without what CPUs hold back, and no less than 0, is what is read", _READ)

# --- thresholds --------------------------------------------------------------------------------------------------------
NORMAL = _linux(
    "VMSTAT-NORMAL",
    "The threshold is twice the digits of the online CPUs, times one more than those of the zone in 128 MiB, at most 125",
    "mm/vmstat.c:calculate_normal_threshold, v6.12",
)
PRESSURE = _linux(
    "VMSTAT-PRESSURE",
    "Under pressure it is what LOW is above MIN over the online CPUs, 1 to 125",
    "mm/vmstat.c:calculate_pressure_threshold, v6.12",
)
PRESSURE_DRIFT = _linux(
    "VMSTAT-PRESSURE-DRIFT",
    "Pressure changes the thresholds of a zone with a drift mark alone",
    "mm/vmstat.c:set_pgdat_percpu_threshold, v6.12",
)
REFRESH = _linux(
    "VMSTAT-REFRESH", "CPUs that come and go set the thresholds of those online anew; marks and sizes alone do not", _REFRESH
)
DRIFT_MARK = _linux(
    "VMSTAT-DRIFT-MARK", "The drift mark is HIGH and all thresholds, where these are more than LOW is above MIN", _REFRESH
)
DRIFT_MARK_STAYS = _linux("VMSTAT-DRIFT-MARK-STAYS", "Else it stays as it was", _REFRESH)

# --- truths about Linux's state ----------------------------------------------------------------------------------------
CELL = _linux(
    "VMSTAT-CELL", "A CPU holds back no more than its largest threshold since it last handed over, and so at most 125", _MOD
)
SUM = _linux("VMSTAT-SUM", "A counter and what all CPUs hold back of it sum to all that was ever added", _MOD)
CHOICE = _linux("VMSTAT-CHOICE", "Of the lawful answers Linux gives the one that its thresholds determine", "mm/vmstat.c, v6.12")

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of the component."""
