"""The machine ``pages``: what may be promised, and how our implementation is held against the law.

``pages_draw`` draws its configurations, ``pages_generate`` its operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from mmimpl.physical.pages import Allocator
from mmprops.machine import Capability, Lockstep, Machine
from mmprops.machines.physical.buddy import BUDDY
from mmprops.machines.physical.pages_draw import draw, simpler, too_much
from mmprops.machines.physical.pages_generate import Generator
from mmprops.machines.physical.pcp import PCP
from mmprops.picture import Picture, Strip
from mmprops.unforgiving import Unforgiving
from mmspec.physical import pages as law
from mmspec.physical.page_alloc.ops import ALLOC_WMARK_LOW
from mmspec.physical.pages.core import can_alloc, can_take, is_asked, is_cpu, is_live
from mmspec.physical.pages.ops import (
    FREE_CMA,
    FREE_PAGES,
    NOWHERE,
    SOUND,
    Alloc,
    BulkTake,
    BulkZone,
    Config,
    Contig,
    DrainZone,
    Free,
    IsolateRange,
    Split,
    UndoRange,
    Unreserve,
)
from mmspec.physical.pages.ranges import can_contig, can_isolate, can_undo
from mmspec.physical.pages.state import Linux, Memory, Parts
from mmspec.physical.vmstat.state import cell_of
from mmspec.physical.zones.state import is_zone
from mmspec.words import size_of

CAPABILITIES = {
    "checked": Capability(False, "an unlawful request gets EINVAL and changes nothing", opens=True),
    "flags": Capability(False, "alloc takes alloc flags; serves unreserve", opens=True),
    "drains": Capability(False, "serves drain, drain_zone, drain_all and refresh", opens=True),
    "splits": Capability(False, "serves split", opens=True),
    "bulk": Capability(False, "serves bulk_zone and bulk_take", opens=True),
    "contig": Capability(False, "serves isolate_range, contig and undo_range", opens=True),
    "bad": Capability(False, "free takes a state; looks at blocks where it is told to check", opens=True),
    "cma": Capability(False, "takes CMA pageblocks", opens=True),
    "max_nodes": Capability(8, "the most nodes it takes", least=1),
    "max_pages": Capability(65536, "the most frames of all zones", least=64),
    "max_pfn": Capability("0xfffffffffffff", "the largest frame number it takes"),
}

REQUIRES = {
    "split": "splits", "drain": "drains", "drain_zone": "drains", "drain_all": "drains", "refresh": "drains",
    "unreserve": "flags", "bulk_zone": "bulk", "bulk_take": "bulk",
    "isolate_range": "contig", "contig": "contig", "undo_range": "contig",
}  # fmt: skip


def sent(capabilities: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the fields of a configuration and of requests that a client of these capabilities is sent."""
    needs = {"cma": "cma", "checks": "bad"}
    fields = [name for name in attrs.fields_dict(Config) if name not in needs or capabilities[needs[name]]]
    state = ("state",) if capabilities["bad"] else ()
    flags = ("flags",) if capabilities["flags"] else ()
    return {
        "reset": tuple(fields),
        "alloc": ("cpu", "gfp", "order", "node", *flags, "nodes"),
        "free": ("cpu", "pfn", "order", *state),
    }


def unpromised(memory: Memory, request: Any, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not promise of a request in this state, or None."""
    if getattr(request, "flags", ALLOC_WMARK_LOW) != ALLOC_WMARK_LOW and not capabilities["flags"]:
        return "flags"
    if getattr(request, "state", SOUND) != SOUND and not capabilities["bad"]:
        return "a state"
    return None if capabilities["checked"] or lawful(memory, request) else "an unlawful request"


def lawful(memory: Memory, request: Any) -> bool:
    """Tell whether a request is one that need not be refused with EINVAL."""
    if isinstance(request, Alloc):
        return can_alloc(memory, request) and request.order <= memory.max_order
    if isinstance(request, BulkTake):
        return can_take(memory, request)
    if isinstance(request, Unreserve | BulkZone):
        return is_asked(memory, request.cpu, request.gfp, request.node)
    if isinstance(request, IsolateRange):
        return can_isolate(memory, request)
    if isinstance(request, Contig):
        return can_contig(memory, request)
    if isinstance(request, UndoRange):
        return can_undo(memory, request)
    if isinstance(request, Split):
        return is_live(memory, request.pfn, request.order)
    if isinstance(request, Free) and not is_live(memory, request.pfn, request.order):
        return False
    if isinstance(request, DrainZone) and not (request.zone < NOWHERE and is_zone(memory.topology, request.zone)):
        return False
    return is_cpu(memory, request.cpu)


# --- lock-step with our implementation ---------------------------------------------------------------------------------------


def differs(memory: Memory, linux: Linux, body: Allocator, keys: Iterable[Any]) -> str | None:
    """Nothing is compared between the steps: every answer is."""
    return None


def recount(memory: Memory, linux: Linux, body: Allocator) -> str | None:
    """Compare, zone by zone, the free lists, the CPUs' lists and the counters, then what is noted of zones."""
    for zone, parts in sorted(linux.parts.items()):
        ours = body.parts[zone]
        found = BUDDY.lockstep.recount(parts.zone, parts.lists, ours.buddy)
        found = found or PCP.lockstep.recount(parts.pages, parts.pcp, ours.pages) or counters_differ(parts, ours.counters)
        if found is not None:
            return f"zone {zone}: {found}"
        if ours.reserved != parts.reserved:
            return f"zone {zone} has {ours.reserved} frames reserved, in Linux {parts.reserved}"
        if (zone in body.below) != linux.paths.below.get(zone, False):
            return f"zone {zone} is known to be below HIGH: {zone in body.below}, in Linux {zone not in body.below}"
    return None


def counters_differ(parts: Parts, ours: Any) -> str | None:
    """Compare a zone's counters, and what each CPU holds back of them."""
    for item in (FREE_PAGES, FREE_CMA):
        if ours.counter[item] != parts.cells.counter.get(item, 0):
            return f"counter {item} is {ours.counter[item]}, in Linux {parts.cells.counter.get(item, 0)}"
        for cpu in range(parts.stat.cpus):
            if ours.held[cpu][item] != parts.cells.held.get(cell_of(cpu, item), 0):
                return f"CPU {cpu} holds back {ours.held[cpu][item]} of counter {item}, in Linux another number"
    return None


def picture(memory: Memory, linux: Linux | None) -> Picture:
    """Draw what requests have, and what is free or with a CPU."""
    span = memory.frames.span
    had = tuple((pfn, size_of(order)) for pfn, order in sorted(memory.frames.allocated.items()))
    free = tuple((pfn, size_of(order)) for pfn, order in sorted(memory.frames.free.items()))
    strips = [Strip("had", had), Strip("nobody's", free)]
    rows: list[tuple[str, tuple[int, ...]]] = []
    if linux is not None:
        for zone, parts in sorted(linux.parts.items()):
            rows += [(f"zone {zone} CPU {cpu} holds", (count,)) for cpu, count in sorted(parts.pages.count.items()) if count]
    return Picture("frame", "pfn", span.start_pfn, span.end_pfn, tuple(strips), tuple(rows))


PAGES = Machine(
    component=law.PAGES,
    implementation=Allocator,
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
    lockstep=Lockstep(lambda linux, journal: linux, differs, recount),
    small=lambda memory: True,
    picture=picture,
)
"""The machine."""
