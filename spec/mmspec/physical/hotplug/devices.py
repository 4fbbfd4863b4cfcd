"""Device memory: frames with descriptors, in zone DEVICE, that never go online (mm/memremap.c, v6.12)."""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.loop import Loop
from mmspec.physical.hotplug import clauses as c
from mmspec.physical.hotplug.core import is_devices, is_ram, is_stray
from mmspec.physical.hotplug.ops import (
    COHERENT,
    MIGRATE_TO_RAM,
    OWNER,
    PAGE_FREE,
    PRIVATE,
    SUBSECTION_ORDER,
    DeviceOwner,
    DeviceType,
    Done,
    Error,
    MapDevice,
    Subsection,
    SubsectionEnd,
    UnmapDevice,
)  # fmt: skip
from mmspec.physical.hotplug.state import Memory, subsection_of, zone_at
from mmspec.pmap import PMap
from mmspec.words import Pfn, PfnEnd

# --- what is refused ---------------------------------------------------------------------------------------------------


def lacks_method(op: MapDevice) -> bool:
    """Tell whether a driver brings too little for its kind of memory."""
    wanted = MIGRATE_TO_RAM | PAGE_FREE | OWNER if op.kind == PRIVATE else PAGE_FREE | OWNER if op.kind == COHERENT else 0
    return op.brings & wanted != wanted


def end_of(memory: Memory, kind: DeviceType) -> PfnEnd:
    """Return where a kind of memory must end: the CPU has no mapping of PRIVATE memory."""
    return memory.shape.physical_end if kind == PRIVATE else memory.shape.mappable_end


def is_misplaced(memory: Memory, op: MapDevice) -> bool:
    """Tell whether a range is on no node or not of whole sub-sections (mm/memory_hotplug.c:check_pfn_span, v6.12)."""
    return (op.node >= memory.shape.nodes) | ((op.pfn | op.pages) & ((1 << SUBSECTION_ORDER) - 1) != 0)


def ends_late(memory: Memory, op: MapDevice) -> bool:
    """Tell whether a range does not end where it must (mm/memory_hotplug.c:mhp_range_allowed, v6.12)."""
    return op.pfn + op.pages > end_of(memory, op.kind)


def map_owed(memory: Memory, op: MapDevice, result: Done | Error) -> bool:
    """Tell whether an error is that of a reason for which a range is refused."""
    end = op.pfn + op.pages
    if refused(result, "EINVAL"):
        return lacks_method(op) or ends_late(memory, op) or is_misplaced(memory, op)
    if refused(result, "ENOMEM"):
        return is_devices(memory, op.pfn, end)
    if refused(result, "ENXIO"):
        return is_ram(memory, op.pfn, end)
    taken = is_devices(memory, op.pfn, end) or is_ram(memory, op.pfn, end) or is_stray(memory, op.pfn, end)
    return refused(result, "EEXIST") and taken


def map_device_allowed(memory: Memory, op: MapDevice, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a device's mapping breaks."""
    if lacks_method(op):
        clause = c.DEVICE_PRIVATE if op.kind == PRIVATE else c.DEVICE_COHERENT
        rule(clause)
        return None if map_owed(memory, op, result) else clause
    if ends_late(memory, op):
        rule(c.DEVICE_END)
        return None if map_owed(memory, op, result) else c.DEVICE_END
    if is_misplaced(memory, op):
        rule(c.DEVICE_ARGS)
        return None if map_owed(memory, op, result) else c.DEVICE_ARGS
    return place_allowed(memory, op, result)


def place_allowed(memory: Memory, op: MapDevice, result: Done | Error) -> Clause | None:
    """Name the clause that an answer breaks where the range itself is right."""
    end = op.pfn + op.pages
    if is_devices(memory, op.pfn, end):
        rule(c.DEVICE_TAKEN)
        return None if map_owed(memory, op, result) else c.DEVICE_TAKEN
    if is_ram(memory, op.pfn, end):
        rule(c.DEVICE_RAM)
        return None if map_owed(memory, op, result) else c.DEVICE_RAM
    if is_stray(memory, op.pfn, end):
        rule(c.DEVICE_STRAY)
        return None if map_owed(memory, op, result) else c.DEVICE_STRAY
    rule(c.DEVICE_DONE)
    return c.DEVICE_DONE if result.failed else None


# --- what becomes of the frames ----------------------------------------------------------------------------------------


def mark_more(devices: PMap[Subsection, DeviceOwner], owner: DeviceOwner, at: SubsectionEnd, end: SubsectionEnd) -> bool:
    """Tell whether sub-sections are left."""
    return at < end


def mark_step(
    devices: PMap[Subsection, DeviceOwner], owner: DeviceOwner, at: SubsectionEnd, end: SubsectionEnd
) -> tuple[Any, ...]:
    """Give a sub-section to a device, or to none."""
    return devices.set(at, owner), owner, at + 1, end


def mark_left(devices: PMap[Subsection, DeviceOwner], owner: DeviceOwner, at: SubsectionEnd, end: SubsectionEnd) -> int:
    """Return how many sub-sections are left."""
    return end - at


MARK = Loop("mark", mark_more, mark_step, mark_left)


def marked(
    devices: PMap[Subsection, DeviceOwner], owner: DeviceOwner, first: Subsection, end: SubsectionEnd
) -> PMap[Subsection, DeviceOwner]:
    """Give sub-sections to a device, or to none."""
    after: PMap[Subsection, DeviceOwner]
    after, _, _, _ = MARK.run(devices, owner, first, end)
    return after


def map_device_apply(memory: Memory, op: MapDevice, result: Done | Error) -> Memory:
    """Give the range to the device: no counter knows of it."""
    if result.failed:
        return memory
    rule(c.DEVICE_UNCOUNTED)
    first, end = subsection_of(op.pfn), subsection_of(op.pfn + op.pages)
    return attrs.evolve(
        memory,
        devices=marked(memory.devices, zone_at(op.node, op.kind), first, end),
        device_ends=memory.device_ends.set(first, end),
    )


def range_end(memory: Memory, pfn: Pfn) -> SubsectionEnd:
    """Return where a device's range ends that begins at a frame; 0: none begins there."""
    whole = pfn & ((1 << SUBSECTION_ORDER) - 1) == 0
    return memory.device_ends.get(subsection_of(pfn), 0) if whole else 0


def unmap_device_allowed(memory: Memory, op: UnmapDevice, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to the end of a device's mapping breaks."""
    if range_end(memory, op.pfn) == 0:
        rule(c.UNMAP_ARGS)
        return None if refused(result, "EINVAL") else c.UNMAP_ARGS
    rule(c.UNMAP_DONE)
    return c.UNMAP_DONE if result.failed else None


def unmap_device_apply(memory: Memory, op: UnmapDevice, result: Done | Error) -> Memory:
    """Take the range from the device."""
    if result.failed:
        return memory
    first = subsection_of(op.pfn)
    end = memory.device_ends.get(first, 0)
    return attrs.evolve(memory, devices=marked(memory.devices, 0, first, end), device_ends=memory.device_ends.set(first, 0))
