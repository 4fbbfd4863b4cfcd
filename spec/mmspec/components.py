"""The components of the law, in one explicit list."""

from __future__ import annotations

from mmspec.component import Component, prefix_of
from mmspec.registry import Registry

COMPONENTS: Registry[Component] = Registry(
    {
        "memblock": "mmspec.physical.memblock:MEMBLOCK",
        "memory_model": "mmspec.physical.memory_model:MEMORY_MODEL",
        "zone_sizing": "mmspec.physical.zone_sizing:ZONE_SIZING",
        "zones": "mmspec.physical.zones:ZONES",
        "hotplug": "mmspec.physical.hotplug:HOTPLUG",
        "vmstat": "mmspec.physical.vmstat:VMSTAT",
        "watermarks": "mmspec.physical.watermarks:WATERMARKS",
        "buddy": "mmspec.physical.buddy:BUDDY",
        "pcp": "mmspec.physical.pcp:PCP",
        "page_alloc": "mmspec.physical.page_alloc:PAGE_ALLOC",
        "pages": "mmspec.physical.pages:PAGES",
        "page_table": "mmspec.virtual.page_table:PAGE_TABLE",
        "page_map": "mmspec.virtual.page_map:PAGE_MAP",
        "tlb": "mmspec.virtual.tlb:TLB",
    }
)


def component_of(identifier: str) -> str:
    """Return the name of the component that the id of a clause or an obligation begins with; else its first word."""
    for name in COMPONENTS.names:
        if identifier.startswith(prefix_of(name)):
            return name
    return identifier.split("-", maxsplit=1)[0].lower()
