"""The watermarks of all zones: how many frames stay free, and when kswapd is woken (mm/page_alloc.c, mm/vmscan.c, v6.12).

The state is what is free in each zone (``state.Machine``) and, beside it, Linux's settings and what was computed from them
(``state.Marks``). Read ``core`` first: the check that every allocation is held to; then ``sizes``: how the numbers follow from
the sizes of the zones; then ``linux``: what changes them, and whom a request wakes. The reserves that lower zones keep from
requests for higher ones (``lowmem_reserve``) are here too, since every check asks them. Not modelled: what kswapd does once it
is woken, and the throttling of direct reclaim (component ``reclaim``); how free frames are counted (component ``vmstat``): a
``report`` says what the counters show.
"""

from __future__ import annotations

from mmspec.component import Component, Operation
from mmspec.physical.watermarks import core, linux
from mmspec.physical.watermarks.clauses import CHOICE, CLAUSES
from mmspec.physical.watermarks.invariants import INVARIANTS
from mmspec.physical.watermarks.linux import initial_marks
from mmspec.physical.watermarks.ops import (
    Balanced,
    Boost,
    Config,
    Done,
    Fast,
    Frames,
    Kswapd,
    LimitPerCpu,
    Limits,
    LookReserves,
    LookTotal,
    LookWatermarks,
    Ok,
    Passed,
    Recommend,
    Refresh,
    Report,
    Reserves,
    SetBoostFactor,
    SetManaged,
    SetMinFree,
    SetReserveRatio,
    SetScaleFactor,
    SetTiering,
    Unboost,
    Wake,
    Watermarks,
    Woken,
)  # fmt: skip
from mmspec.physical.watermarks.state import Machine, Marks, machine_of

_E = ("EINVAL",)
_same = core.same_apply

OPERATIONS = (
    Operation("set_min_free", SetMinFree, Done, _E, core.set_min_free_allowed, _same, linux.set_min_free_choose),
    Operation("set_scale_factor", SetScaleFactor, Done, _E, core.set_scale_factor_allowed, _same, linux.set_scale_factor_choose),
    Operation("set_boost_factor", SetBoostFactor, Done, _E, core.set_boost_factor_allowed, _same, linux.set_boost_factor_choose),
    Operation(
        "set_reserve_ratio", SetReserveRatio, Done, _E, core.set_reserve_ratio_allowed, _same, linux.set_reserve_ratio_choose
    ),
    Operation("set_tiering", SetTiering, Done, _E, core.set_tiering_allowed, _same, linux.set_tiering_choose),
    Operation("set_managed", SetManaged, Done, _E, core.set_managed_allowed, core.set_managed_apply, linux.set_managed_choose),
    Operation("refresh", Refresh, Done, _E, core.refresh_allowed, _same, linux.refresh_choose),
    Operation("recommend", Recommend, Done, _E, core.recommend_allowed, _same, linux.recommend_choose),
    Operation("boost", Boost, Passed, _E, core.boost_allowed, _same, linux.boost_choose),
    Operation("unboost", Unboost, Done, _E, core.unboost_allowed, _same, linux.unboost_choose),
    Operation("report", Report, Done, _E, core.report_allowed, core.report_apply, linux.report_choose),
    Operation("kswapd", Kswapd, Done, _E, core.kswapd_allowed, _same, linux.kswapd_choose),
    Operation("watermarks", LookWatermarks, Watermarks, _E, core.look_watermarks_allowed, _same, linux.look_watermarks_choose),
    Operation("reserves", LookReserves, Reserves, _E, core.look_reserves_allowed, _same, linux.look_reserves_choose),
    Operation("total", LookTotal, Frames, _E, core.look_total_allowed, _same, linux.look_total_choose),
    Operation("ok", Ok, Passed, _E, core.ok_allowed, _same, linux.ok_choose),
    Operation("fast", Fast, Passed, _E, core.fast_allowed, _same, linux.fast_choose),
    Operation("balanced", Balanced, Passed, _E, core.balanced_allowed, _same, linux.balanced_choose),
    Operation("wake", Wake, Woken, _E, core.wake_allowed, _same, linux.wake_choose),
    Operation("limit_per_cpu", LimitPerCpu, Limits, _E, core.limit_per_cpu_allowed, _same, linux.limit_per_cpu_choose),
)

WATERMARKS = Component(
    name="watermarks",
    config=Config,
    state=Machine,
    policy=Marks,
    initial=machine_of,
    initial_policy=initial_marks,
    operations=OPERATIONS,
    invariants=INVARIANTS,
    clauses=CLAUSES,
    choice=CHOICE,
)
