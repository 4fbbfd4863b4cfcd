"""Memory hotplug and device memory (mm/memory_hotplug.c, mm/memremap.c, mm/page_isolation.c, v6.12).

Read ``state`` first: what a machine's memory is, in blocks, and beside it how Linux remembers where its zones lie; then ``core``:
what adding and removing blocks asks and does; ``onlining``: putting them online and offline; ``devices``: memory with descriptors
that never goes online; ``spans`` and ``linux``: which zone Linux picks, and how far its zones reach. What happens to a section's
memory map is the component memory_model's; free lists, watermarks, zonelists and the migration of pages belong to their own
components: what they answer is part of a request (``docs/clauses.toml`` says why for each row of the dossier).
"""

from __future__ import annotations

from functools import partial

from mmspec.component import Component, Operation
from mmspec.physical.hotplug import core, devices, linux, looking, onlining
from mmspec.physical.hotplug.clauses import CHOICE, CLAUSES
from mmspec.physical.hotplug.initial import initial_memory, initial_spans
from mmspec.physical.hotplug.invariants import INVARIANTS
from mmspec.physical.hotplug.ops import (
    Add,
    BlockIs,
    Config,
    DefaultZone,
    Done,
    FrameIs,
    Isolate,
    LookBlock,
    LookFrame,
    LookNode,
    LookTotal,
    LookZone,
    MapDevice,
    NodeIs,
    Offline,
    Online,
    Onlined,
    Release,
    Remove,
    Total,
    Unisolate,
    UnmapDevice,
    ZoneIs,
)  # fmt: skip
from mmspec.physical.hotplug.state import Memory, Spans

_E = ("EINVAL",)
_EB = ("EINVAL", "EBUSY")
_ADD = ("EINVAL", "E2BIG", "EEXIST", "ENOMEM")
_ONLINE = ("EINVAL", "ENOENT", "EHWPOISON", "EPERM")
_OFFLINE = ("EINVAL", "ENOENT", "EBUSY", "EPERM", "EINTR", "ENOMEM")
_MAP = ("EINVAL", "ENOMEM", "ENXIO", "EEXIST")
_same = looking.look_apply
_spans = partial(Operation, observes=True, sees_policy=True)

OPERATIONS = (
    Operation("add", Add, Done, _ADD, core.add_allowed, core.add_apply, linux.add_choose),
    Operation("remove", Remove, Done, _EB, core.remove_allowed, core.remove_apply, linux.remove_choose),
    Operation("online", Online, Onlined, _ONLINE, onlining.online_allowed, onlining.online_apply, linux.online_choose),
    Operation("offline", Offline, Done, _OFFLINE, onlining.offline_allowed, onlining.offline_apply, linux.offline_choose),
    Operation("release", Release, Done, _E, onlining.release_allowed, onlining.release_apply, linux.release_choose),
    Operation("isolate", Isolate, Done, _EB, onlining.isolate_allowed, onlining.isolate_apply, linux.isolate_choose),
    Operation("unisolate", Unisolate, Done, _E, onlining.unisolate_allowed, onlining.unisolate_apply, linux.unisolate_choose),
    Operation(
        "map_device", MapDevice, Done, _MAP, devices.map_device_allowed, devices.map_device_apply, linux.map_device_choose
    ),
    Operation(
        "unmap_device", UnmapDevice, Done, _E, devices.unmap_device_allowed, devices.unmap_device_apply,
        linux.unmap_device_choose,
    ),
    _spans("zone", LookZone, ZoneIs, _E, looking.look_zone_allowed, _same, looking.look_zone_choose),
    _spans("node", LookNode, NodeIs, _E, looking.look_node_allowed, _same, looking.look_node_choose),
    Operation(
        "block", LookBlock, BlockIs, ("ENOENT",), looking.look_block_allowed, _same, looking.look_block_choose, observes=True
    ),
    _spans("default_zone", DefaultZone, Onlined, _E, looking.default_zone_allowed, _same, looking.default_zone_choose),
    Operation("frame", LookFrame, FrameIs, (), looking.look_frame_allowed, _same, looking.look_frame_choose, observes=True),
    Operation("total", LookTotal, Total, (), looking.look_total_allowed, _same, looking.look_total_choose, observes=True),
)  # fmt: skip

HOTPLUG = Component(
    name="hotplug",
    config=Config,
    state=Memory,
    policy=Spans,
    initial=initial_memory,
    initial_policy=initial_spans,
    operations=OPERATIONS,
    invariants=INVARIANTS,
    clauses=CLAUSES,
    choice=CHOICE,
)
