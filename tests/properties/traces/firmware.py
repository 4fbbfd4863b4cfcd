"""A machine's firmware memory map, taken through memblock and the sizing of zones, and what its kernel printed of them.

The lines of ``dmesg`` and the figures of ``/proc/zoneinfo`` below are from the captures A-6.12-512M-1n1c and C-6.1-512M-1n1c
(members ``dmesg.boot`` and ``start/zoneinfo``), so that the comparison runs where the captures are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mmspec.component import Component
from mmspec.physical.memblock import MEMBLOCK
from mmspec.physical.memblock.ops import MEMORY, Add, Regions, Remove, Trim
from mmspec.physical.memblock.ops import Config as Memory
from mmspec.physical.zone_sizing import ZONE_SIZING
from mmspec.physical.zone_sizing.ops import ZONE_KINDS, AddMemory, Config, LookNode, LookZone, Possible, Size
from mmspec.physical.zones.core import end_of
from mmspec.physical.zones.ops import X86_64, PossibleRange

PAGE = 1 << 12
LOW = 1 << 20
"""The frame at 4 GiB, below which max_low_pfn of the machines here lies."""

UPDATES = """
e820: update [mem 0x00000000-0x00000fff] usable ==> reserved
e820: remove [mem 0x000a0000-0x000fffff] usable
Zone ranges:
  DMA      [mem 0x0000000000001000-0x0000000000ffffff]
  DMA32    [mem 0x0000000001000000-0x000000001ffdffff]
  Normal   empty
Early memory node ranges
  node   0: [mem 0x0000000000001000-0x000000000009efff]
  node   0: [mem 0x0000000000100000-0x000000001ffdffff]
Initmem setup node 0 [mem 0x0000000000001000-0x000000001ffdffff]
"""

DMESG = {
    "A-6.12": """
BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable
BIOS-e820: [mem 0x000000000009fc00-0x00000000000fffff] reserved
BIOS-e820: [mem 0x0000000000100000-0x000000001ffdffff] usable
BIOS-e820: [mem 0x000000001ffe0000-0x000000001fffffff] reserved
"""
    + UPDATES,
    "C-6.1": """
BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable
BIOS-e820: [mem 0x000000000009fc00-0x000000000009ffff] reserved
BIOS-e820: [mem 0x00000000000f0000-0x00000000000fffff] reserved
BIOS-e820: [mem 0x0000000000100000-0x000000001ffdffff] usable
BIOS-e820: [mem 0x000000001ffe0000-0x000000001fffffff] reserved
"""
    + UPDATES,
}
"""What the two kernels printed at boot, without time stamps."""

ZONEINFO = """
Node 0, zone      DMA
        spanned  4095
        present  3998
  start_pfn:           1
Node 0, zone    DMA32
        spanned  126944
        present  126944
  start_pfn:           4096
Node 0, zone   Normal
        spanned  0
        present  0
"""
"""What both printed of their zones."""

RANGE = r"\[mem 0x([0-9a-f]+)-0x([0-9a-f]+)\]"


class Driver:
    """Asks the law: each request is answered as Linux does, and the answer must be allowed."""

    def __init__(self, component: Component, config: Any) -> None:
        self.component = component
        self.state, self.policy = component.initial(config), component.initial_policy(config, "6.12")
        self.operations = {operation.request: operation for operation in component.operations}

    def ask(self, request: Any) -> Any:
        """Return Linux's answer."""
        operation = self.operations[type(request)]
        answer, self.policy = operation.choose(self.state, self.policy, request)
        assert operation.allowed(self.state, request, answer) is None
        self.state = operation.apply(self.state, request, answer)
        assert not answer.failed
        return answer


def spans(text: str, pattern: str) -> list[tuple[int, int]]:
    """Return the ranges of bytes that lines name, with exclusive ends."""
    return [(int(start, 16), int(end, 16) + 1) for start, end in re.findall(pattern, text)]


def of_e820(dmesg: str) -> list[tuple[int, int]]:
    """Return the memory of a firmware map as memblock has it: what is usable, less what was taken back, in whole pages.

    arch/x86/kernel/e820.c:e820__memblock_setup, v6.12
    """
    memory = Driver(MEMBLOCK, Memory())
    for start, end in spans(dmesg, rf"BIOS-e820: {RANGE} usable"):
        memory.ask(Add(start, end - start))
    for start, end in spans(dmesg, rf"e820: (?:update|remove) {RANGE} usable"):
        memory.ask(Remove(start, end - start))
    memory.ask(Trim(PAGE))
    return [(base, base + size) for base, size, _, _ in memory.ask(Regions(MEMORY)).regions]


def sized(memory: Iterable[tuple[int, int]]) -> Driver:
    """Return a machine of x86-64 with one node whose zones were sized, without any option."""
    regions = list(memory)
    last = regions[-1][1] // PAGE
    low = max((min(end // PAGE, LOW) for start, end in regions if start // PAGE < LOW), default=0)
    at = PossibleRange(X86_64, 0, regions[0][0] // PAGE, last if last > LOW else low, last)
    zones = Driver(ZONE_SIZING, Config(1, tuple(end_of(at, kind) for kind in range(4))))  # type: ignore[arg-type]
    for start, end in regions:
        zones.ask(AddMemory(start, end))
    zones.ask(Size())
    return zones


def printed(machine: Driver) -> list[str]:
    """Return what the kernel prints of its zones at boot: the ranges that they may have, and what the node spans."""
    lines = []
    for kind, name in ((0, "DMA"), (1, "DMA32"), (2, "Normal")):
        where = machine.ask(Possible(kind))
        text = f"[mem {where.start * PAGE:#018x}-{where.end * PAGE - 1:#018x}]" if where.start < where.end else "empty"
        lines.append(f"  {name:8} {text}")
    node = machine.ask(LookNode(0))
    lines.append(f"Initmem setup node 0 [mem {node.start * PAGE:#018x}-{(node.start + node.spanned) * PAGE - 1:#018x}]")
    return lines


def zoneinfo(text: str) -> dict[str, tuple[int, int, int]]:
    """Return the first frame, the spanned and the present frames of each zone that is listed with them."""
    found = {}
    for part in text.split("Node 0, zone")[1:]:
        figures = dict(re.findall(r"^ +(spanned|present|start_pfn:) +(\d+)$", part, re.MULTILINE))
        name, spanned = part.split()[0].upper(), int(figures["spanned"])
        found[name] = (int(figures.get("start_pfn:", 0)) if spanned else 0, spanned, int(figures["present"]))
    return found


def zones_of(machine: Driver, names: Iterable[str]) -> dict[str, tuple[int, int, int]]:
    """Return the same as the law has it."""
    found = {}
    for name in names:
        sizes = machine.ask(LookZone(0, ZONE_KINDS.index(name)))
        found[name] = (sizes.start, sizes.spanned, sizes.present)
    return found
