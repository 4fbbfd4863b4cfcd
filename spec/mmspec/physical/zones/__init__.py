"""Zones, the zonelists that an allocation goes through, and the counts of where it was served (mm/page_alloc.c, v6.12).

The state is which zones have memory and what they served (``state.Topology``) and, beside it, Linux's order of nodes for each
node (``state.Lists``). Read ``core`` first: which zone a request may use, and what every list of zones must keep; then
``linux``: in which order Linux goes through the nodes. The reserves that lower zones keep are with the watermarks, whose check
asks them. How memory is divided into zones at boot is component ``zone_sizing``. Not modelled: cpusets and memory
policies, of which a set of nodes is all that is left here (components ``page_alloc``, ``numa``).
"""

from __future__ import annotations

from mmspec.component import Component, Operation
from mmspec.physical.zones import core, linux
from mmspec.physical.zones.clauses import CHOICE, CLAUSES
from mmspec.physical.zones.invariants import INVARIANTS
from mmspec.physical.zones.linux import initial_lists
from mmspec.physical.zones.ops import (
    AfterZone,
    Config,
    CountPlacement,
    Done,
    Entry,
    FirstZone,
    GfpZone,
    Highest,
    LookPlacement,
    LookZonelist,
    Placement,
    PossibleRange,
    Range,
    Rebuild,
    SetCpus,
    SetSize,
    Zonelist,
)  # fmt: skip
from mmspec.physical.zones.state import Lists, Topology, topology_of

_E = ("EINVAL",)
_EE = ("ENOENT", "EINVAL")
_same = core.same_apply

OPERATIONS = (
    Operation("gfp_zone", GfpZone, Highest, _E, core.gfp_zone_allowed, _same, linux.gfp_zone_choose),
    Operation("possible_range", PossibleRange, Range, _E, core.possible_range_allowed, _same, linux.possible_range_choose),
    Operation("zonelist", LookZonelist, Zonelist, _E, core.look_zonelist_allowed, _same, linux.look_zonelist_choose),
    Operation("first_zone", FirstZone, Entry, _EE, core.first_zone_allowed, _same, linux.first_zone_choose),
    Operation("after_zone", AfterZone, Entry, _EE, core.after_zone_allowed, _same, linux.after_zone_choose),
    Operation("set_size", SetSize, Done, _E, core.set_size_allowed, core.set_size_apply, linux.set_size_choose),
    Operation("set_cpus", SetCpus, Done, _E, core.set_cpus_allowed, core.set_cpus_apply, linux.set_cpus_choose),
    Operation("rebuild", Rebuild, Done, _E, core.rebuild_allowed, _same, linux.rebuild_choose),
    Operation(
        "count_placement", CountPlacement, Done, _E, core.count_placement_allowed, core.count_placement_apply,
        linux.count_placement_choose,
    ),
    Operation("placement", LookPlacement, Placement, _E, core.look_placement_allowed, _same, linux.look_placement_choose),
)  # fmt: skip

ZONES = Component(
    name="zones",
    config=Config,
    state=Topology,
    policy=Lists,
    initial=topology_of,
    initial_policy=initial_lists,
    operations=OPERATIONS,
    invariants=INVARIANTS,
    clauses=CLAUSES,
    choice=CHOICE,
)
