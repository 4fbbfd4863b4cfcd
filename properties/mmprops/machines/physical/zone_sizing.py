"""The machine ``zone_sizing``: memory of a few nodes in pieces of all sizes, sized again and again under all options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from mmimpl.physical.zone_sizing import ZoneSizing
from mmprops.machine import FEWER, Capability, Lockstep, Machine, Replies
from mmprops.picture import Picture, Strip
from mmprops.unforgiving import Unforgiving
from mmspec.errors import Error
from mmspec.physical import zone_sizing as law
from mmspec.physical.zone_sizing import ranges
from mmspec.physical.zone_sizing.linux import starts_of
from mmspec.physical.zone_sizing.ops import (
    ADDRESS_BITS,
    DONE,
    FOUR_GIB,
    HIGHMEM,
    HOTPLUG,
    KINDS,
    MAX_NODES,
    MIRROR,
    ZONE_KINDS,
    Absent,
    AddMemory,
    Config,
    Frames,
    LookNode,
    LookZone,
    Possible,
    Size,
    Starts,
)  # fmt: skip
from mmspec.physical.zone_sizing.state import Layout, Nothing, movable_start

CAPABILITIES = {"max_nodes": Capability(8, "the most nodes it takes", least=1)}

NODES = (1, 2, 2, 3, 4, 3, 5)
SHIFTS = (12, 12, 12, 12, 14, 16)
ORDERS = (10, 10, 3, 4, 0, 9)
SMALL = ((0, 0, 1 << 9, 0), (1 << 6, 1 << 7, 1 << 9, 0), (0, 1 << 7, 1 << 9, 0), (1 << 6, 0, 1 << 8, 1 << 9))
"""Ends of kinds in machines of a few hundred frames: all memory NORMAL, as on x86-64, on riscv64, on x86 of 32 bits."""
LARGE = ((1 << 12, 1 << 20, 1 << 22, 0), (0, 1 << 20, 1 << 24, 0), (0, 0, 1 << 22, 0), (1 << 12, 0, 229376, 1 << 22))
"""The same as they are: below and above 4 GiB."""

Made = tuple[str, Any, Mapping[str, int]]


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a machine of one to five nodes, small or of the usual size."""
    nodes = min(NODES[header[0] % len(NODES)], capabilities["max_nodes"])
    small = header[1] % 3 > 0
    ends = (SMALL if small else LARGE)[header[2] % 4]
    if header[3] % 8 == 0:
        ends = (ends[0], ends[0] // 2, ends[2], ends[3])
    order = (2, 3, 1, 0, 4, 2)[header[4] % 6] if small else ORDERS[header[4] % len(ORDERS)]
    return Config(nodes, ends, SHIFTS[header[5] % len(SHIFTS)], order)


def simpler(config: Config) -> Iterator[Config]:
    """Yield machines with fewer nodes, of pages of 4 KiB, whose blocks are small and whose kinds are fewer."""
    for fewer in range(1, config.nodes):
        yield attrs.evolve(config, nodes=fewer)
    if config.page_shift != 12:
        yield attrs.evolve(config, page_shift=12)
    for order in range(config.max_order):
        yield attrs.evolve(config, max_order=order)
    for kind in range(HIGHMEM + 1):
        dma, dma32, normal, highmem = (0 if at == kind else end for at, end in enumerate(config.ends))
        if config.ends[kind] and any((dma, dma32, normal, highmem)):
            yield attrs.evolve(config, ends=(dma, dma32, normal, highmem))


class Generator:
    """Tells of memory from below, and sizes the zones under all sorts of options."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config, self.shift = config, config.page_shift
        self.whole = 1 << self.shift
        self.top = max(config.ends)
        self.unit = max(1, self.top // (8, 16, 24, 40)[header[6] % 4])
        self.odd, self.mixed = header[7] % 4 == 0, header[8] % 4 == 0
        self.actions: list[Callable[[bytes, Layout], Any]] = [
            *[self.add_memory] * 10, *[self.size] * 9, *[self.zone] * 14, *[self.node] * 4, *[self.possible] * 3,
            *[self.absent] * 3,
        ]  # fmt: skip

    def request(self, record: bytes, layout: Layout) -> Made | None:
        """Return the request that a record stands for in this state."""
        if not any(record):
            return None
        action = self.actions[(record[0] | record[7] << 8) % len(self.actions)]
        if layout.regions < 2 and record[6] % 8:
            action = self.add_memory
        request = action(record, layout)
        return NAMES[type(request)], request, {}

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Nothing to remember: the state tells all."""

    def named(self, r: bytes, layout: Layout) -> int:
        """Return a node; now and then one that is not there."""
        return r[1] % MAX_NODES if r[6] % 32 == 1 else r[1] % layout.nodes

    # each of the following makes one request from a record

    def add_memory(self, r: bytes, layout: Layout) -> Any:
        """Tell of a region behind the last one: touching it or not, of whole pages or not, of its node or the next."""
        last = layout.end[layout.regions - 1] if layout.regions else 0
        node = layout.node[layout.regions - 1] if layout.regions else 0
        gap = (0, 0, self.whole, self.unit << self.shift, (self.unit << self.shift) // 2, FOUR_GIB)[r[1] % 6]
        base = last + gap - (r[6] % 32 == 2 and last > 0)
        if gap == FOUR_GIB:
            base = max(last, FOUR_GIB) if FOUR_GIB >> self.shift < self.top else last
        size = ((1, 2, 3, 5, 7, self.unit, 2 * self.unit, self.unit + 1)[r[2] % 8]) << self.shift
        if self.odd:
            base, size = base + (0, 1, self.whole // 2, 0)[r[3] % 4], size - (0, 1, self.whole - 1, size // 2)[r[3] // 4 % 4]
        if r[4] % 3 == 0:
            node = min(node + 1, layout.nodes - 1)
        if self.mixed and r[4] % 5 == 0:
            node = r[4] % layout.nodes
        flags = (0, 0, HOTPLUG, MIRROR, HOTPLUG | MIRROR, MIRROR, 0, 0)[r[5] % 8]
        end = base + size if r[6] % 16 != 3 else max(self.top << self.shift, base + 1)
        node = MAX_NODES - 1 if r[6] % 64 == 5 else node
        return AddMemory(min(base, 1 << ADDRESS_BITS), min(max(end, 0), 1 << ADDRESS_BITS), node, flags)

    def amount(self, r: int, layout: Layout) -> int:
        """Return a number of frames near what there is, or near an even share of it."""
        total = ranges.memory_in(layout, 0, 1 << ADDRESS_BITS - 12)
        return max(0, (0, total, total - 1, total // 2, total // 3, total // layout.nodes + 1, 1, total * 3 // 4)[r % 8])

    def size(self, r: bytes, layout: Layout) -> Any:
        """Size the zones: by amounts, by parts, by mirrors or HOTPLUG, or by several at once."""
        way = r[1] % 8
        core, movable = self.amount(r[2], layout), self.amount(r[2] // 8, layout)
        if way == 0:
            return Size(movable_node=1, kernelcore=core, mirror=r[3] % 2)
        if way == 1:
            return Size(mirror=1, kdump=int(r[3] % 5 == 0), movablecore=movable if r[3] % 2 else 0)
        if way == 2:
            return Size(kernelcore_percent=r[3] % 101, movablecore_percent=r[4] % 101 if r[5] % 2 else 0, kernelcore=core)
        if way == 3:
            return Size(movablecore=movable, movablecore_percent=r[4] % 101 if r[5] % 4 == 0 else 0)
        if way == 4:
            return Size(kernelcore=core, movablecore=movable)
        return Size(kernelcore=core) if way < 7 or r[5] % 2 else Size()

    def zone(self, r: bytes, layout: Layout) -> Any:
        """Look at a zone."""
        return LookZone(self.named(r, layout), r[2] % KINDS)

    def node(self, r: bytes, layout: Layout) -> Any:
        """Look at a node."""
        return LookNode(self.named(r, layout))

    def possible(self, r: bytes, layout: Layout) -> Any:
        """Ask where a kind may lie."""
        return Possible(r[1] % KINDS)

    def absent(self, r: bytes, layout: Layout) -> Any:
        """Ask for the holes of a range; now and then of none."""
        start, end = r[1] * self.unit // 8, r[2] * self.unit // 8
        return Absent(start, end) if r[6] % 8 == 0 else Absent(min(start, end), max(start, end))


NAMES = {operation.request: operation.name for operation in law.ZONE_SIZING.operations}
ERRORS = {operation.request: tuple(map(Error, operation.errors)) for operation in law.ZONE_SIZING.operations}


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take about a machine, or None."""
    return f"more than {capabilities['max_nodes']} nodes" if config.nodes > capabilities["max_nodes"] else None


# --- lock-step with our implementation -------------------------------------------------------------------------------------


def differs(layout: Layout, policy: Nothing, body: ZoneSizing, keys: Iterable[Any]) -> str | None:
    """Compare where MOVABLE begins, and how many regions there are."""
    ours = [movable_start(layout, node) for node in range(layout.nodes)]
    if body.movable != ours:
        return f"MOVABLE begins at {body.movable}, by the law at {ours}"
    return None if len(body.memory) == layout.regions else f"{len(body.memory)} regions, by the law {layout.regions}"


def recount(layout: Layout, policy: Nothing, body: ZoneSizing) -> str | None:
    """Compare every zone."""
    for node in range(layout.nodes):
        for kind in range(KINDS):
            theirs = ranges.zone_sizes(layout, node, kind)
            ours = body.zone(LookZone(node, kind))
            if ours != theirs:
                return f"node {node} has {ZONE_KINDS[kind]} of {ours}, by the law of {theirs}"
    return None


def picture(layout: Layout, policy: Nothing | None) -> Picture:
    """Draw the memory of each node, and its zones, by frames."""
    strips = []
    for node in range(layout.nodes):
        mine = [at for at in range(layout.regions) if layout.node[at] == node]
        memory = tuple(
            (layout.base[at] >> layout.page_shift, (layout.end[at] - layout.base[at]) >> layout.page_shift) for at in mine
        )
        strips.append(Strip(f"node {node}", memory))
        for kind in range(KINDS):
            sizes = ranges.zone_sizes(layout, node, kind)
            if sizes.spanned:
                strips.append(Strip(f"{node}:{ZONE_KINDS[kind]}", ((sizes.start, sizes.spanned),)))
    last = max((layout.end[at] for at in range(layout.regions)), default=1 << layout.page_shift)
    return Picture("frames", "frame", 0, max(1, last >> layout.page_shift), tuple(strips))


# --- vectors -----------------------------------------------------------------------------------------------------------------


def possible(layout: Layout, request: Any) -> Iterator[Any]:
    """Yield what a request may be answered with; of the starts of MOVABLE, Linux's and none."""
    yield from ERRORS[type(request)]
    if isinstance(request, Size):
        yield from dict.fromkeys((starts_of(layout, request), Starts((0,) * layout.nodes)))
    elif isinstance(request, Possible):
        yield ranges.possible(layout, request.kind)
    elif isinstance(request, LookZone) and request.node < layout.nodes:
        yield ranges.zone_sizes(layout, request.node, request.kind)
    elif isinstance(request, LookNode) and request.node < layout.nodes:
        yield ranges.node_sizes(layout, request.node)
    elif isinstance(request, Absent) and request.start <= request.end:
        yield Frames(request.end - request.start - ranges.memory_in(layout, request.start, request.end))
    else:
        yield DONE


ZONE_SIZING = Machine(
    component=law.ZONE_SIZING,
    implementation=ZoneSizing,
    capabilities=CAPABILITIES,
    requires={},
    draw=draw,
    generator=Generator,
    sent=lambda capabilities: {"reset": tuple(attrs.fields_dict(Config))},
    simpler=simpler,
    too_much=too_much,
    tolerance=Unforgiving,
    weakening=(),
    lockstep=Lockstep(lambda policy, journal: policy, differs, recount),
    small=lambda layout: True,
    picture=picture,
    replies=Replies(possible, lambda request: None, ({"max_nodes": 1}, {"max_nodes": 2}, {"max_nodes": 4}), usual=FEWER),
)
"""The machine."""
