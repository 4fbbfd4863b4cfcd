"""Wrong versions of the rules of a zone's counters."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

CORE, LINUX = "mmspec.physical.vmstat.core", "mmspec.physical.vmstat.linux"
OUR = "mmimpl.physical.vmstat.Counters"
OURS = "INTERFACES 1, machine vmstat"
MOD = "mm/vmstat.c:__mod_zone_page_state"

bug = partial(Bug, component="vmstat")

BUGS = (
    bug(
        "BUG-STAT-ITEM-BEYOND",
        "VMSTAT-ACCEPTED",
        "the last counter is taken for one that is not there",
        OURS,
        {f"{OUR}.counts": ("op.item < len(self.counter)", "op.item < len(self.counter) - 1")},
        profile="any",
    ),
    bug(
        "BUG-STAT-LAST-CPU-LEAVES",
        "VMSTAT-ARGS",
        "the last CPU may leave",
        OURS,
        {
            f"{OUR}.leave": (
                "or sum(self.online) == 1:",
                "or sum(self.online) == 0:",
            ),
        },
        profile="any",
    ),
    bug(
        "BUG-STAT-LOST-AT-EXIT",
        "VMSTAT-EXACT",
        "what a CPU holds back is lost when it goes",
        "mm/vmstat.c:cpu_vm_stats_fold",
        {f"{OUR}.leave": ("        self.hand_over(op.cpu)\n", "        self.held[op.cpu] = [0] * len(self.counter)\n")},
        profile="any",
    ),
    bug(
        "BUG-STAT-S8",
        "VMSTAT-EXACT",
        "what goes over the threshold goes through eight bits",
        MOD,
        {f"{OUR}.add": ("self.counter[item] += held + owed", "self.counter[item] += (held + owed + 128) % 256 - 128")},
        profile="any",
    ),
    bug(
        "BUG-STAT-FOLD-LATE",
        "VMSTAT-DRIFT",
        "a CPU that hands over keeps what it holds back",
        "mm/vmstat.c:refresh_cpu_vm_stats",
        {f"{OUR}.fold": ("        self.hand_over(op.cpu)\n", "")},
        profile="any",
    ),
    bug(
        "BUG-STAT-HOLDS-LESS",
        "VMSTAT-HOLD",
        "a CPU hands over when it reaches its threshold, not when it is beyond it",
        MOD,
        {
            f"{OUR}.mod": (
                "self.add(op.cpu, op.item, op.delta, 0, True)",
                "self.add(op.cpu, op.item, op.delta, 0, True)\n"
                "        if abs(self.held[op.cpu][op.item]) == self.threshold[op.cpu]:\n"
                "            self.counter[op.item] += self.held[op.cpu][op.item]\n"
                "            self.held[op.cpu][op.item] = 0",
            ),
            f"{LINUX}.mod": (
                "if held > threshold or held < -threshold:\n        rule(c.FLUSH)",
                "if held >= threshold or held <= -threshold:\n        rule(c.HOLD)",
            ),
        },
    ),
    bug(
        "BUG-STAT-FLUSH-KEEPS-HALF",
        "VMSTAT-FLUSH",
        "an addition leaves half the threshold with the CPU, as a step of one does",
        MOD,
        {
            f"{OUR}.mod": ("op.delta, 0, True", "op.delta, 1, True"),
            f"{LINUX}.mod": (
                "put(cells, cpu, item, 0, held)",
                "put(cells, cpu, item, -(threshold >> 1), held + (threshold >> 1))",
            ),
        },
    ),
    bug(
        "BUG-STAT-INC-NO-OVERSTEP",
        "VMSTAT-INC",
        "a step up goes over without half the threshold on top",
        "mm/vmstat.c:__inc_zone_state",
        {
            f"{OUR}.inc": ("op.item, 1, 1, op.atomic != 0", "op.item, 1, op.atomic, op.atomic != 0"),
            f"{LINUX}.inc": ("-(threshold >> 1), held + (threshold >> 1)", "0, held"),
        },
    ),
    bug(
        "BUG-STAT-DEC-UPWARDS",
        "VMSTAT-DEC",
        "a step down leaves the CPU owing half the threshold upwards",
        "mm/vmstat.c:__dec_zone_state",
        {
            f"{OUR}.dec": ("op.item, -1, -1, op.atomic != 0", "op.item, -1, 1 - 2 * op.atomic, op.atomic != 0"),
            f"{LINUX}.dec": ("threshold >> 1, held - (threshold >> 1)", "-(threshold >> 1), held + (threshold >> 1)"),
        },
    ),
    bug(
        "BUG-STAT-ATOMIC-ONE-END",
        "VMSTAT-ATOMIC",
        "a step in one instruction asks one end of the threshold alone",
        "mm/vmstat.c:mod_zone_state",
        {
            f"{OUR}.add": (
                "held > threshold or held < -threshold if both else",
                "(held > threshold or held < -threshold) if both and not over else",
            ),
            f"{LINUX}.step_atomic": ("held > threshold or held < -threshold", "held * delta > threshold"),
        },
    ),
    bug(
        "BUG-STAT-FOLD-FIRST",
        "VMSTAT-FOLD",
        "a CPU hands over its first counter alone",
        "mm/vmstat.c:refresh_cpu_vm_stats",
        {
            f"{OUR}.fold": (
                "self.hand_over(op.cpu)",
                "self.counter[0] += self.held[op.cpu][0]\n        self.held[op.cpu][0] = 0",
            ),
            f"{LINUX}.fold_choose": ("hand_over(cells, op.cpu)", "put(cells, op.cpu, 0, 0, held_of(cells, op.cpu, 0))"),
        },
    ),
    bug(
        "BUG-STAT-LEAVES-WITHOUT",
        "VMSTAT-OFFLINE",
        "a CPU that goes keeps what it holds back until it comes again",
        "mm/vmstat.c:cpu_vm_stats_fold",
        {
            f"{OUR}.leave": ("        self.hand_over(op.cpu)\n", ""),
            f"{LINUX}.offline_choose": ("hand_over(cells, op.cpu))", "cells)"),
        },
    ),
    bug(
        "BUG-STAT-READS-NEGATIVE",
        "VMSTAT-READ",
        "a counter is read with what the first CPU holds back",
        "include/linux/vmstat.h:zone_page_state",
        {
            f"{OUR}.read": ("self.counter[op.item])", "self.counter[op.item] + self.held[0][op.item])"),
            f"{LINUX}.read_choose": (
                "cells.counter.get(op.item, 0)",
                "cells.counter.get(op.item, 0) + held_of(cells, 0, op.item)",
            ),
        },
    ),
    bug(
        "BUG-STAT-NORMAL-OF-ONE",
        "VMSTAT-NORMAL",
        "the threshold grows with the number of CPUs, not with its digits",
        "mm/vmstat.c:calculate_normal_threshold",
        {
            f"{OUR}.normal": ("sum(self.online).bit_length()", "sum(self.online)"),
            f"{LINUX}.normal_threshold": ("digits_of(online)", "online"),
        },
    ),
    bug(
        "BUG-STAT-PRESSURE-NONE",
        "VMSTAT-PRESSURE",
        "under pressure CPUs may hold nothing back where the marks are close",
        "mm/vmstat.c:calculate_pressure_threshold",
        {
            f"{OUR}.pressure": ("max(1, part)", "part"),
            f"{LINUX}.pressure_threshold": ("max(1, part)", "part"),
        },
    ),
    bug(
        "BUG-STAT-PRESSURE-ALWAYS",
        "VMSTAT-PRESSURE-DRIFT",
        "pressure changes the thresholds of zones without a drift mark too",
        "mm/vmstat.c:set_pgdat_percpu_threshold",
        {
            f"{OUR}.pressure": ("if self.drift_mark:", "if self.drift_mark >= 0:"),
            f"{LINUX}.pressure_choose": ("if cells.drift_mark == 0:", "if cells.drift_mark < 0:"),
        },
    ),
    bug(
        "BUG-STAT-COMES-UNTOLD",
        "VMSTAT-REFRESH",
        "a CPU that comes changes no threshold",
        "mm/vmstat.c:vmstat_cpu_online",
        {
            f"{OUR}.come": ("        self.refresh()\n", ""),
            f"{LINUX}.online_choose": (
                "refreshed(attrs.evolve(zone, offline=zone.offline.set(op.cpu, False)), cells)",
                "cells",
            ),
        },
    ),
    bug(
        "BUG-STAT-DRIFT-OF-ONE",
        "VMSTAT-DRIFT-MARK",
        "the drift mark counts one CPU",
        "mm/vmstat.c:refresh_zone_stat_thresholds",
        {
            f"{OUR}.refresh": ("self.drift_mark = high + sum(self.online) * threshold", "self.drift_mark = high + threshold"),
            f"{LINUX}.drift_mark_of": ("return high + drift", "return high + threshold"),
        },
    ),
    bug(
        "BUG-STAT-DRIFT-CLEARED",
        "VMSTAT-DRIFT-MARK-STAYS",
        "a drift mark goes when it is not needed any more",
        "mm/vmstat.c:refresh_zone_stat_thresholds",
        {
            f"{OUR}.refresh": ("        if sum(self.online)", "        self.drift_mark = 0\n        if sum(self.online)"),
            f"{LINUX}.drift_mark_of": ("return before", "return 0"),
        },
    ),
    bug(
        "BUG-LAW-STAT-WIDER",
        "VMSTAT-CELL",
        "an addition stays with the CPU while it is below twice the threshold",
        MOD,
        {f"{LINUX}.mod": ("if held > threshold or held < -threshold:", "if held > 2 * threshold or held < -2 * threshold:")},
        client="spec",
    ),
    bug(
        "BUG-LAW-STAT-LOSES",
        "VMSTAT-SUM",
        "a step up that goes over loses what the CPU then owes",
        "mm/vmstat.c:__inc_zone_state",
        {f"{LINUX}.inc": ("held + (threshold >> 1))", "held)")},
        client="spec",
    ),
    bug(
        "BUG-STAT-HELD-AFTER-FLUSH",
        "VMSTAT-CHOICE",
        "a step of one is made as an addition",
        "mm/vmstat.c:__inc_zone_state",
        {f"{OUR}.inc": ("1, 1, op.atomic != 0", "1, 0, True")},
    ),
)
"""The bugs of the component."""
