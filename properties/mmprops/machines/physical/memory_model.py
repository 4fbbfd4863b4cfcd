"""The machine ``memory_model``: what may be promised, and how our implementation is held against the law.

``memory_model_draw`` draws its configurations, ``memory_model_generate`` its operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mmimpl.physical.memory_model import MemoryModel
from mmprops.machine import Capability, Lockstep, Machine, Replies
from mmprops.machines.few import FEW
from mmprops.machines.physical.memory_model_draw import draw, simpler
from mmprops.machines.physical.memory_model_generate import Generator
from mmprops.picture import Picture, Run, Strip
from mmspec.clause import Clause
from mmspec.errors import DONE, Error
from mmspec.physical import memory_model as law
from mmspec.physical.memory_model.core import is_part
from mmspec.physical.memory_model.layout import is_flat, is_vmemmap
from mmspec.physical.memory_model.ops import (
    EARLY,
    HAS_MEM_MAP,
    NOTHING,
    ONLINE,
    TAINT,
    Add,
    Config,
    MapDevice,
    Remove,
    UnmapDevice,
)
from mmspec.physical.memory_model.state import MemMap, NoPolicy, section_flags

CAPABILITIES = {
    "hotplug": Capability(False, "serves add, remove, online and offline, and takes layouts with hotplug", opens=True),
    "devices": Capability(False, "serves map_device and unmap_device", opens=True),
    "failures": Capability(False, "add takes the allocation that fails, and a boot the section without memory map", opens=True),
    "sections": Capability(False, "serves section and pageblock", opens=True),
    "page_flags": Capability(False, "serves page_links and page_parts", opens=True),
    "checked": Capability(False, "adding or removing what is no part of a section gets EINVAL and changes nothing", opens=True),
    "classic": Capability(False, "takes layouts in which each section has a memory map of its own", opens=True),
}

REQUIRES = {
    "add": "hotplug", "remove": "hotplug", "online": "hotplug", "offline": "hotplug", "map_device": "devices",
    "unmap_device": "devices", "section": "sections", "pageblock": "sections", "page_links": "page_flags",
    "page_parts": "page_flags",
}  # fmt: skip


def sent(capabilities: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the fields of a configuration, and of an add, that a client of these capabilities is sent."""
    failures = capabilities["failures"]
    config, add = ["layout", "memory"], ["pfn", "pages"]
    if capabilities["classic"]:
        add.append("mem_map")
    return {"reset": (*config, *(["unbacked"] if failures else [])), "add": (*add, *(["fails"] if failures else []))}


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take about a memory map, or None."""
    classic = not is_flat(config.layout) and not is_vmemmap(config.layout)
    reasons = {
        "sections with memory maps of their own": classic and not capabilities["classic"],
        "hotplug": config.layout.hotplug and not capabilities["hotplug"],
        "a section without memory map": config.unbacked is not None and not capabilities["failures"],
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def unpromised(memmap: MemMap, request: Any, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not promise of a request in this state, or None."""
    if isinstance(request, Add) and request.fails != NOTHING and not capabilities["failures"]:
        return "an allocation that fails"
    if isinstance(request, Add | Remove | MapDevice | UnmapDevice) and not capabilities["checked"]:
        return None if is_part(memmap.layout, request.pfn, request.pages) else "what is no part of a section"
    return None


class Tolerance:
    """Nothing is excused: every request has one answer."""

    def __init__(self, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config = config

    def note(self, request: Any, result: Any) -> None:
        """Remember nothing."""

    def forgives(self, clause: Clause, memmap: MemMap, request: Any, result: Any) -> bool:
        """Forgive nothing."""
        return False


# --- lock-step with our implementation ---------------------------------------------------------------------------------------


def watched(policy: NoPolicy, journal: list[int]) -> NoPolicy:
    """Return the policy, in which nothing changes: the state is compared at the end."""
    return policy


def differs(memmap: MemMap, policy: NoPolicy, body: MemoryModel, keys: Iterable[int]) -> str | None:
    """Compare some sections."""
    for section in keys:
        if body.sections.word(section) != memmap.sections.get(section, 0):
            return f"section {section:#x} is {body.sections.word(section):#x}, in Linux {memmap.sections.get(section, 0):#x}"
        for name, mine, theirs in (
            ("added", body.sections.added, memmap.added),
            ("devices", body.sections.devices, memmap.devices),
        ):
            if body.sections.bits(mine, section) != theirs.get(section, 0):
                return f"the bits {name} of section {section:#x} differ from Linux's"
    return None


def recount(memmap: MemMap, policy: NoPolicy, body: MemoryModel) -> str | None:
    """Compare everything: sections, their bits, roots, usages, nodes."""
    maps = (memmap.sections, memmap.added, memmap.devices)
    known = {section for entries in maps for section, _ in entries.items()} | {section for section, _ in body.known()}
    difference = differs(memmap, policy, body, sorted(known))
    if difference is not None:
        return difference
    if body.rooted != {root for root, _ in memmap.roots.items()}:
        return "the roots differ from Linux's"
    if body.usages != {section for section, _ in memmap.usages.items()}:
        return "the usages from boot differ from Linux's"
    return None if body.nodes == dict(memmap.nodes.items()) else "the nodes differ from Linux's"


def small(memmap: MemMap) -> bool:
    """Tell whether a memory map has few enough sections that asking every invariant costs no more than the program did."""
    return len(memmap.sections) <= 64


# --- pictures ----------------------------------------------------------------------------------------------------------------

STRIPS = (("mapped", HAS_MEM_MAP), ("online", ONLINE), ("early", EARLY), ("tainted", TAINT))


def picture(memmap: MemMap, policy: NoPolicy | None) -> Picture:
    """Return a memory map's picture: a strip for each flag, of the sections that have it; or a flat map's valid frames."""
    layout = memmap.layout
    if is_flat(layout):
        start, end = layout.first_pfn, layout.first_pfn + layout.max_mapnr
        return Picture("frame", "any_pfn", start, max(end, start + 1), (Strip("valid", ((start, end - start),)),))
    sections = sorted(section for section, word in memmap.sections.items() if word)
    if not sections:
        return Picture("section", "section", 0, 1, ())
    strips = (Strip(name, runs([s for s in sections if section_flags(memmap, s) & flag])) for name, flag in STRIPS)
    return Picture("section", "section", sections[0], sections[-1] + 1, tuple(strip for strip in strips if strip.runs))


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

OPERATIONS = {operation.request: operation for operation in law.MEMORY_MODEL.operations}


def possible(memmap: MemMap, request: Any) -> Iterator[Any]:
    """Yield what a request may be answered with: a look has one right answer, which does not depend on what was chosen."""
    operation = OPERATIONS[type(request)]
    if operation.observes:
        yield operation.choose(memmap, NoPolicy(), request)[0]
    else:
        yield from (DONE, *(Error(name) for name in operation.errors))


MEMORY_MODEL = Machine(
    component=law.MEMORY_MODEL,
    implementation=MemoryModel,
    capabilities=CAPABILITIES,
    requires=REQUIRES,
    draw=draw,
    generator=Generator,
    sent=sent,
    simpler=simpler,
    too_much=too_much,
    unpromised=unpromised,
    tolerance=Tolerance,
    weakening=(),
    lockstep=Lockstep(watched, differs, recount),
    small=small,
    picture=picture,
    replies=Replies(possible, lambda request: None, ({},), usual=FEW, kernels=False),
)
"""The machine."""
