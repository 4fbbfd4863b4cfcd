"""The components of the law, in one explicit tuple."""

from __future__ import annotations

from mmspec.component import Component
from mmspec.physical.buddy import BUDDY
from mmspec.physical.hotplug import HOTPLUG
from mmspec.physical.memblock import MEMBLOCK
from mmspec.physical.memory_model import MEMORY_MODEL
from mmspec.physical.page_alloc import PAGE_ALLOC
from mmspec.physical.pages import PAGES
from mmspec.physical.pcp import PCP
from mmspec.physical.vmstat import VMSTAT
from mmspec.physical.watermarks import WATERMARKS
from mmspec.physical.zone_sizing import ZONE_SIZING
from mmspec.physical.zones import ZONES
from mmspec.virtual.page_table import PAGE_TABLE

COMPONENTS: tuple[Component, ...] = (
    MEMBLOCK,
    MEMORY_MODEL,
    ZONE_SIZING,
    ZONES,
    HOTPLUG,
    VMSTAT,
    WATERMARKS,
    BUDDY,
    PCP,
    PAGE_ALLOC,
    PAGES,
    PAGE_TABLE,
)


def component_of(identifier: str) -> str:
    """Return the name of the component that the id of a clause or an obligation begins with; else its first word."""
    for component in COMPONENTS:
        if identifier.startswith(component.prefix):
            return component.name
    return identifier.split("-", maxsplit=1)[0].lower()
