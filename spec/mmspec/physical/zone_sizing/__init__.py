"""How memory is divided into zones at boot (mm/mm_init.c, v6.12).

The state is the regions of memory as memblock tells of them, and where MOVABLE begins on each node (``state.Layout``). Read
``ranges`` first: what each zone spans and has, given these starts; then ``core``: what any start must keep; and ``linux``: where
Linux lets MOVABLE begin, for kernelcore=, movablecore=, kernelcore=mirror and movable_node. How many of the frames are managed is
told by the hand-over (component ``memblock``); where an architecture ends its kinds by component ``zones``. Not modelled:
ARC's descending zones, the page map itself.
"""

from __future__ import annotations

from mmspec.component import Component, Operation
from mmspec.physical.zone_sizing import core, linux
from mmspec.physical.zone_sizing.clauses import CHOICE, CLAUSES
from mmspec.physical.zone_sizing.invariants import INVARIANTS
from mmspec.physical.zone_sizing.ops import (
    Absent,
    AddMemory,
    Config,
    Done,
    Frames,
    LookNode,
    LookZone,
    Possible,
    Range,
    Size,
    Sizes,
    Starts,
)  # fmt: skip
from mmspec.physical.zone_sizing.state import Layout, Nothing, layout_of, no_policy

_E = ("EINVAL",)
_same = core.same_apply

OPERATIONS = (
    Operation("add_memory", AddMemory, Done, _E, core.add_memory_allowed, core.add_memory_apply, linux.add_memory_choose),
    Operation("size", Size, Starts, _E, core.size_allowed, core.size_apply, linux.size_choose),
    Operation("possible", Possible, Range, _E, core.possible_allowed, _same, linux.possible_choose),
    Operation("zone", LookZone, Sizes, _E, core.look_zone_allowed, _same, linux.look_zone_choose),
    Operation("node", LookNode, Sizes, _E, core.look_node_allowed, _same, linux.look_node_choose),
    Operation("absent", Absent, Frames, _E, core.absent_allowed, _same, linux.absent_choose),
)

ZONE_SIZING = Component(
    name="zone_sizing",
    config=Config,
    state=Layout,
    policy=Nothing,
    initial=layout_of,
    initial_policy=no_policy,
    operations=OPERATIONS,
    invariants=INVARIANTS,
    clauses=CLAUSES,
    choice=CHOICE,
)
