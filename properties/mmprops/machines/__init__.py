"""The machines: one for each component of the law, in one explicit tuple."""

from __future__ import annotations

from mmprops.machine import Machine
from mmprops.machines.physical.buddy import BUDDY
from mmprops.machines.physical.hotplug import HOTPLUG
from mmprops.machines.physical.memblock import MEMBLOCK
from mmprops.machines.physical.memory_model import MEMORY_MODEL
from mmprops.machines.physical.page_alloc import PAGE_ALLOC
from mmprops.machines.physical.pages import PAGES
from mmprops.machines.physical.pcp import PCP
from mmprops.machines.physical.vmstat import VMSTAT
from mmprops.machines.physical.watermarks import WATERMARKS
from mmprops.machines.physical.zone_sizing import ZONE_SIZING
from mmprops.machines.physical.zones import ZONES
from mmprops.machines.virtual.page_table import PAGE_TABLE
from mmspec.errors import InputError

MACHINES: tuple[Machine, ...] = (
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

LEVELS: dict[str, Machine] = {level: machine for machine in MACHINES for level in machine.replay}
"""The levels at which captures of real kernels are replayed, and the machine that does it."""


def machine_named(name: str) -> Machine:
    """Return the machine of a name (InputError: there is none)."""
    for machine in MACHINES:
        if machine.name == name:
            return machine
    raise InputError(f"unknown machine {name!r}", hint=f"one of {', '.join(m.name for m in MACHINES)}")
