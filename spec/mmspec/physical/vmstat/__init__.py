"""The counters of a zone: one number, and what each CPU holds back of it (mm/vmstat.c, v6.12).

The state is what was added to each counter (``state.Zone``) and, beside it, where Linux keeps it (``state.Cells``). Read ``core``
first: no update is lost, and how far a counter may be off; then ``linux``: when a CPU hands over, and how its threshold is set.
A node's counters are kept in the same way, with the largest threshold of its zones. Not modelled: counters in bytes, which
only memory cgroups read; the sums over all zones that /proc/vmstat prints; interrupts within an update, which Linux keeps out.
"""

from __future__ import annotations

from mmspec.component import Component, Operation
from mmspec.physical.vmstat import core, linux
from mmspec.physical.vmstat.clauses import CHOICE, CLAUSES
from mmspec.physical.vmstat.invariants import INVARIANTS
from mmspec.physical.vmstat.linux import initial_cells
from mmspec.physical.vmstat.ops import (
    Config,
    Count,
    Dec,
    Done,
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
from mmspec.physical.vmstat.state import Cells, Zone, zone_of

_E = ("EINVAL",)
_same = core.same_apply

OPERATIONS = (
    Operation("mod", Mod, Done, _E, core.mod_allowed, core.mod_apply, linux.mod_choose),
    Operation("inc", Inc, Done, _E, core.inc_allowed, core.inc_apply, linux.inc_choose),
    Operation("dec", Dec, Done, _E, core.dec_allowed, core.dec_apply, linux.dec_choose),
    Operation("fold", Fold, Done, _E, core.fold_allowed, core.fold_apply, linux.fold_choose),
    Operation("offline", Offline, Done, _E, core.offline_allowed, core.offline_apply, linux.offline_choose),
    Operation("online", Online, Done, _E, core.online_allowed, core.online_apply, linux.online_choose),
    Operation("set_marks", SetMarks, Done, _E, core.set_marks_allowed, _same, linux.set_marks_choose),
    Operation("refresh_thresholds", RefreshThresholds, Done, _E, core.refresh_allowed, _same, linux.refresh_choose),
    Operation("pressure", Pressure, Done, _E, core.pressure_allowed, _same, linux.pressure_choose),
    Operation("read", Read, Count, _E, core.read_allowed, _same, linux.read_choose),
    Operation("read_snapshot", ReadSnapshot, Count, _E, core.read_snapshot_allowed, _same, linux.read_snapshot_choose),
    Operation("threshold", LookThreshold, Count, _E, core.look_threshold_allowed, _same, linux.look_threshold_choose),
    Operation("drift_mark", LookDriftMark, Count, (), core.look_drift_mark_allowed, _same, linux.look_drift_mark_choose),
)

VMSTAT = Component(
    name="vmstat",
    config=Config,
    state=Zone,
    policy=Cells,
    initial=zone_of,
    initial_policy=initial_cells,
    operations=OPERATIONS,
    invariants=INVARIANTS,
    clauses=CLAUSES,
    choice=CHOICE,
)
