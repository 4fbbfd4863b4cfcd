"""The machines: one for each component of the law, in one explicit list."""

from __future__ import annotations

from mmprops.machine import Machine
from mmspec.errors import InputError
from mmspec.registry import Registry

MACHINES: Registry[Machine] = Registry(
    {
        "memblock": "mmprops.machines.physical.memblock:MEMBLOCK",
        "memory_model": "mmprops.machines.physical.memory_model:MEMORY_MODEL",
        "zone_sizing": "mmprops.machines.physical.zone_sizing:ZONE_SIZING",
        "zones": "mmprops.machines.physical.zones:ZONES",
        "hotplug": "mmprops.machines.physical.hotplug:HOTPLUG",
        "vmstat": "mmprops.machines.physical.vmstat:VMSTAT",
        "watermarks": "mmprops.machines.physical.watermarks:WATERMARKS",
        "buddy": "mmprops.machines.physical.buddy:BUDDY",
        "pcp": "mmprops.machines.physical.pcp:PCP",
        "page_alloc": "mmprops.machines.physical.page_alloc:PAGE_ALLOC",
        "pages": "mmprops.machines.physical.pages:PAGES",
        "page_table": "mmprops.machines.virtual.page_table:PAGE_TABLE",
        "page_map": "mmprops.machines.virtual.page_map:PAGE_MAP",
        "tlb": "mmprops.machines.virtual.tlb:TLB",
    }
)

LEVELS = {"blocks": "buddy", "exact": "buddy"}
"""The levels at which captures of real kernels are replayed, and the machine that does it."""


def machine_named(name: str) -> Machine:
    """Return the machine of a name (InputError: there is none)."""
    if name not in MACHINES.names:
        raise InputError(f"unknown machine {name!r}", hint=f"one of {', '.join(MACHINES.names)}")
    return MACHINES.named(name)
