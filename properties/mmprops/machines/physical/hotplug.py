"""The machine ``hotplug``: what may be promised, and how our implementation is held against the law.

``hotplug_draw`` draws its configurations, ``hotplug_generate`` its operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mmimpl.physical.hotplug import WIDTH
from mmimpl.physical.hotplug import Memory as Implementation
from mmprops.machine import Capability, Lockstep, Machine, Replies
from mmprops.machines.few import FEW
from mmprops.machines.physical.hotplug_draw import draw, simpler
from mmprops.machines.physical.hotplug_generate import Generator
from mmprops.picture import Picture, Run, Strip
from mmprops.unforgiving import Unforgiving
from mmspec.errors import DONE, Error
from mmspec.physical import hotplug as law
from mmspec.physical.hotplug.looking import block_answer, frame_answer, memory_of, normal_of
from mmspec.physical.hotplug.ops import (
    CLEAR,
    CONTIG_ZONES,
    KINDS,
    MOVABLE,
    OFFLINE,
    SUBSECTION_ORDER,
    Add,
    Config,
    DefaultZone,
    LookBlock,
    LookFrame,
    LookNode,
    LookTotal,
    LookZone,
    NodeIs,
    Offline,
    Online,
    Onlined,
    Total,
    Zone,
    ZoneIs,
)
from mmspec.physical.hotplug.state import Memory, Spans, block_state, is_online, kind_of, zone_at
from mmspec.words import PFN_BITS

CAPABILITIES = {
    "max_nodes": Capability(8, "the most nodes it takes", least=1),
    "max_pages": Capability(1 << 22, "the most frames that come or go at once", least=1 << 22),
    "devices": Capability(False, "serves map_device and unmap_device", opens=True),
    "isolation": Capability(False, "serves isolate and unisolate", opens=True),
    "failures": Capability(False, "takes what stops an operation on its way, and frames that are withheld", opens=True),
    "rules": Capability(False, "takes the rules by which an administrator wants memory onlined", opens=True),
}

REQUIRES = {
    "map_device": "devices", "unmap_device": "devices", "isolate": "isolation", "unisolate": "isolation", "release": "failures",
}  # fmt: skip

RULES = ("online_policy", "auto_movable_ratio", "auto_movable_numa_aware", "movable_node")


def sent(capabilities: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the fields of a configuration, and of requests, that a client of these capabilities is sent."""
    config = [
        "memory",
        "nodes",
        "cpus",
        "spans",
        "section_order",
        "block_order",
        "pageblock_order",
        "mappable_end",
        "physical_end",
    ]
    fails = capabilities["failures"]
    return {
        "reset": (*config, *(RULES if capabilities["rules"] else ())),
        "add": ("pfn", "pages", "node", *(("starves", "mapped") if fails else ())),
        "online": ("block", "to", *(("stop", "withheld") if fails else ())),
        "offline": ("block", *(("stop",) if fails else ())),
    }


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take about a machine, or None."""
    if config.nodes > capabilities["max_nodes"]:
        return f"more than {capabilities['max_nodes']} nodes"
    ruled = config.online_policy != CONTIG_ZONES or config.movable_node != 0
    return "rules of onlining" if ruled and not capabilities["rules"] else None


def unpromised(memory: Memory, request: Any, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not promise of a request in this state, or None."""
    if getattr(request, "pages", 0) > capabilities["max_pages"]:
        return f"more than {capabilities['max_pages']} frames at once"
    if capabilities["failures"]:
        return None
    starves = isinstance(request, Add) and request.starves != 0
    stops = isinstance(request, Online | Offline) and request.stop != CLEAR
    withholds = isinstance(request, Online) and request.withheld != 0
    return "what stops it on its way" if starves or stops or withholds else None


# --- lock-step with our implementation ---------------------------------------------------------------------------------------


def differs(memory: Memory, spans: Spans, body: Implementation, keys: Iterable[Zone]) -> str | None:
    """Compare the spans of some zones."""
    for zone in keys:
        start, spanned = spans.start.get(zone, 0), spans.spanned.get(zone, 0)
        if (body.start[zone], body.end[zone]) != (start, start + spanned):
            return f"zone {zone} spans {body.start[zone]:#x} to {body.end[zone]:#x}, in Linux {start:#x} to {start + spanned:#x}"
    return None


def recount(memory: Memory, spans: Spans, body: Implementation) -> str | None:
    """Compare everything: spans, blocks, what they withhold, and why, and leave behind, nodes, devices."""
    zones = [node * WIDTH + kind for node in range(memory.shape.nodes) for kind in range(KINDS)]
    difference = differs(memory, spans, body, zones)
    if difference is not None:
        return difference
    arrays: tuple[tuple[Any, Any], ...] = (
        (body.blocks.withheld, memory.withheld),
        (body.blocks.reserved, memory.reserved),
        (body.blocks.isolations, memory.isolations),
        (body.blocks.stray, memory.strays),
    )
    for block in range(len(body.blocks.state)):
        if body.blocks.state[block] != block_state(memory, block):
            return f"block {block} is {body.blocks.state[block]}, in the law {block_state(memory, block)}"
        if any(mine[block] != theirs.get(block, 0) for mine, theirs in arrays):
            return f"what block {block} withholds, isolates or left behind differs from the law's"
    devices = {first << SUBSECTION_ORDER: end << SUBSECTION_ORDER for first, end in memory.device_ends.items() if end}
    return (
        None if {first: device.end for first, device in body.devices.items()} == devices else "the devices differ from the law's"
    )


# --- pictures ----------------------------------------------------------------------------------------------------------------


def picture(memory: Memory, spans: Spans | None) -> Picture:
    """Return a picture of the blocks: which are online, in which kind of zone, which are offline, and where devices are."""
    there = sorted(block for block, state in memory.blocks.items() if state)
    per_block = memory.shape.block_order - SUBSECTION_ORDER
    taken = sorted({subsection >> per_block for subsection, owner in memory.devices.items() if owner})
    movable = [block for block in there if is_online(memory, block) and kind_of(memory.zones.get(block, 0)) == MOVABLE]
    kernel = [block for block in there if is_online(memory, block) and block not in movable]
    offline = [block for block in there if block_state(memory, block) == OFFLINE]
    named = (("kernel", kernel), ("movable", movable), ("offline", offline), ("device", taken))
    strips = tuple(Strip(name, runs(blocks)) for name, blocks in named if blocks)
    return Picture("block", "memory_block", 0, max([*there, *taken, 0]) + 1, strips)


def runs(places: Iterable[int]) -> tuple[Run, ...]:
    """Return ascending places as runs."""
    found: list[Run] = []
    for place in places:
        if found and sum(found[-1]) == place:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((place, 1))
    return tuple(found)


# --- vectors -----------------------------------------------------------------------------------------------------------------

ERRORS = {operation.request: tuple(map(Error, operation.errors)) for operation in law.HOTPLUG.operations}

WHOLE = 1 << PFN_BITS
"""Frames of a zone that spans whatever there can be."""


def possible(memory: Memory, request: Any) -> Iterator[Any]:
    """Yield what a request may be answered with; of spans, which only Linux determines, two stand for all."""
    yield from ERRORS[type(request)]
    if isinstance(request, Online | DefaultZone):
        yield from (Onlined(zone_at(node, kind)) for node in range(memory.shape.nodes) for kind in range(KINDS))
    elif isinstance(request, LookZone):
        zone = request.zone
        counts = (memory.present.get(zone, 0), memory.present_early.get(zone, 0), memory.managed.get(zone, 0))
        yield from (ZoneIs(0, spanned, *counts) for spanned in (WHOLE, WHOLE + 1))
    elif isinstance(request, LookNode):
        node = request.node
        known = (1, memory_of(memory, node), normal_of(memory, node))
        yield from (NodeIs(start, 0, memory.node_present.get(node, 0), *known) for start in (0, 1))
    elif isinstance(request, LookBlock):
        yield block_answer(memory, request.block)
    elif isinstance(request, LookFrame):
        yield frame_answer(memory, request.pfn)
    elif isinstance(request, LookTotal):
        yield Total(memory.total)
    else:
        yield DONE


HOTPLUG = Machine(
    component=law.HOTPLUG,
    implementation=Implementation,
    capabilities=CAPABILITIES,
    requires=REQUIRES,
    draw=draw,
    generator=Generator,
    sent=sent,
    simpler=simpler,
    too_much=too_much,
    unpromised=unpromised,
    tolerance=Unforgiving,
    weakening=(),
    lockstep=Lockstep(lambda spans, journal: spans, differs, recount),
    small=lambda memory: True,
    picture=picture,
    replies=Replies(possible, lambda request: None, ({"max_nodes": 1}, {"max_nodes": 2}), usual=FEW),
)
"""The machine."""
