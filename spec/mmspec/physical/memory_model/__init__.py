"""Memory models, sections and page descriptors (include/asm-generic/memory_model.h, mm/sparse.c, mm/sparse-vmemmap.c, v6.12).

Read ``layout`` first: the arithmetic of frames, pages and sections; then ``lookup``: which frames have a page, and which of
these are online; then ``core``: what adding, removing, marking and giving to devices does to a section. ``page_flags`` says what
a page's flags hold, ``architectures`` what each architecture fixes. Ranges that span sections, what is done to zones, and who
owns a device's memory belong to the component hotplug; the contents of ``struct page`` and the page tables of the map are not
modelled (``docs/clauses.toml`` says why for each row of the dossier).
"""

from __future__ import annotations

from mmspec.component import Component, Operation
from mmspec.physical.memory_model import core, looking
from mmspec.physical.memory_model.clauses import CHOICE, CLAUSES
from mmspec.physical.memory_model.initial import initial_memmap
from mmspec.physical.memory_model.invariants import INVARIANTS
from mmspec.physical.memory_model.ops import (
    Add,
    Config,
    Done,
    Frame,
    MapDevice,
    Offline,
    Online,
    OnlinePage,
    PageAddress,
    Pageblock,
    PageblockBit,
    PageFlags,
    PageLinks,
    PageParts,
    PageToPfn,
    Parts,
    PfnToPage,
    PfnValid,
    Remove,
    SectionIs,
    ShowSection,
    UnmapDevice,
    Valid,
)  # fmt: skip
from mmspec.physical.memory_model.state import MemMap, NoPolicy

ADD = Operation("add", Add, Done, ("EINVAL", "EEXIST", "ENOMEM"), core.add_allowed, core.add_apply, core.add_choose)
REMOVE = Operation("remove", Remove, Done, ("EINVAL",), core.remove_allowed, core.remove_apply, core.remove_choose)
ONLINE = Operation("online", Online, Done, ("EINVAL",), core.online_allowed, core.online_apply, core.mark_choose)
OFFLINE = Operation("offline", Offline, Done, ("EINVAL",), core.offline_allowed, core.offline_apply, core.mark_choose)
MAP_DEVICE = Operation(
    "map_device", MapDevice, Done, ("EINVAL",), core.map_device_allowed, core.map_device_apply, core.map_device_choose
)
UNMAP_DEVICE = Operation(
    "unmap_device", UnmapDevice, Done, ("EINVAL",), core.unmap_device_allowed, core.unmap_device_apply, core.unmap_device_choose
)


def _look(name: str, request: type, result: type, *errors: str, main: str | None = None) -> Operation:
    return Operation(
        name, request, result, errors, looking.look_allowed, looking.look_apply, looking.look_choose, main=main, observes=True
    )


PFN_TO_PAGE = _look("pfn_to_page", PfnToPage, PageAddress, "EINVAL", main="page")
PAGE_TO_PFN = _look("page_to_pfn", PageToPfn, Frame, "EINVAL", main="pfn")
PFN_VALID = _look("pfn_valid", PfnValid, Valid)
ONLINE_PAGE = _look("online_page", OnlinePage, PageAddress, "ENOENT", main="page")
SECTION = _look("section", ShowSection, SectionIs, "EINVAL")
PAGE_LINKS = _look("page_links", PageLinks, PageFlags, main="flags")
PAGE_PARTS = _look("page_parts", PageParts, Parts)
PAGEBLOCK = _look("pageblock", Pageblock, PageblockBit, "EINVAL")


def no_policy(config: Config, kernel: str) -> NoPolicy:
    """Return Linux's policy state: there is none."""
    return NoPolicy()


MEMORY_MODEL = Component(
    name="memory_model",
    config=Config,
    state=MemMap,
    policy=NoPolicy,
    initial=initial_memmap,
    initial_policy=no_policy,
    operations=(
        ADD, REMOVE, ONLINE, OFFLINE, MAP_DEVICE, UNMAP_DEVICE, PFN_TO_PAGE, PAGE_TO_PFN, PFN_VALID, ONLINE_PAGE, SECTION,
        PAGE_LINKS, PAGE_PARTS, PAGEBLOCK,
    ),
    invariants=INVARIANTS,
    clauses=CLAUSES,
    choice=CHOICE,
)  # fmt: skip
