"""The machine ``zones``: machines of a few nodes at all kinds of distances, whose zones come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from mmimpl.physical.zones import Zones
from mmprops.machine import FEWER, Capability, Lockstep, Machine, Replies
from mmprops.picture import Picture, Strip
from mmprops.unforgiving import Unforgiving
from mmspec.errors import Error
from mmspec.physical import zones as law
from mmspec.physical.zones.core import own_zones
from mmspec.physical.zones.linux import zonelist_of
from mmspec.physical.zones.ops import (
    ARCHITECTURES,
    DMA,
    DMA32,
    DONE,
    HIGHMEM,
    KINDS,
    MAX_NODES,
    MOVABLE,
    NODE_SHIFT,
    NORMAL,
    ZONE_KINDS,
    AfterZone,
    Config,
    CountPlacement,
    Entry,
    FirstZone,
    GfpZone,
    Highest,
    LookPlacement,
    LookZonelist,
    Placement,
    PossibleRange,
    Rebuild,
    SetCpus,
    SetSize,
    Zonelist,
)  # fmt: skip
from mmspec.physical.zones.state import Lists, Topology, is_built, is_populated, kind_of, node_of

CAPABILITIES = {"max_nodes": Capability(8, "the most nodes it takes", least=1)}

NODES = (1, 2, 3, 4, 4, 5, 8)
BUILT = (0b110111, 0b010111, 0b011101, 0b111111, 0b000100, 0b110110)
"""Which kinds kernels are built with: x86-64, without DEVICE, x86 of 32 bits, all, NORMAL alone, riscv."""

FAR = (10, 11, 17, 20, 21, 28, 31)
LAYOUTS = (
    (),
    (DMA, DMA32),
    (NORMAL,),
    (NORMAL, MOVABLE),
    (MOVABLE,),
    (DMA, DMA32, NORMAL),
    (NORMAL, HIGHMEM, MOVABLE),
    (NORMAL,),
)

Made = tuple[str, Any, Mapping[str, int]]


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a machine of one to eight nodes, some without memory or without CPUs, at equal or at odd distances."""
    nodes = min(NODES[header[0] % len(NODES)], capabilities["max_nodes"])
    kinds = BUILT[header[1] % len(BUILT)]
    zones = []
    for node in range(nodes):
        layout = LAYOUTS[(header[2] >> node % 8 & 1) * (header[3] + node * header[4]) % len(LAYOUTS) or 2]
        zones += [(node, kind, 1 << 10 + kind) for kind in layout if is_built(kinds, kind)]
    if header[5] % 3 == 0:
        zones = [zone for zone in zones if zone[0] != header[5] // 3 % nodes]
    if not zones:
        zones = [(header[6] % nodes, NORMAL, 512)]
    rows = tuple(tuple(far(header, a, b) for b in range(nodes)) for a in range(nodes))
    return Config(tuple(zones), rows, (header[12] | header[11] << 8) & ((1 << nodes) - 1), kinds)


def far(header: bytes, a: int, b: int) -> int:
    """Return how far a node is from another: all as far, by how many lie between them, or at odd."""
    if a == b:
        return 10
    way = header[7] % 4
    if way == 0:
        return 20
    if way == 1:
        return 10 + 10 * min(abs(a - b), 3)
    low, high = (min(a, b), max(a, b)) if way == 2 else (a, b)
    return FAR[header[8 + (low + high) % 3] * (low + 1 + 3 * high) % len(FAR)]


def simpler(config: Config) -> Iterator[Config]:
    """Yield machines with fewer nodes or zones, at equal distances, of the usual kinds."""
    nodes = len(config.distance)
    for fewer in range(1, nodes):
        zones = tuple(zone for zone in config.zones if zone[0] < fewer)
        if zones:
            yield attrs.evolve(
                config,
                zones=zones,
                distance=tuple(row[:fewer] for row in config.distance[:fewer]),
                cpus=config.cpus & ((1 << fewer) - 1),
            )
    for at in range(len(config.zones)):
        if len(config.zones) > 1:
            yield attrs.evolve(config, zones=config.zones[:at] + config.zones[at + 1 :])
    if config.cpus:
        yield attrs.evolve(config, cpus=0)
    plain = tuple(tuple(10 if a == b else 20 for b in range(nodes)) for a in range(nodes))
    if config.distance != plain:
        yield attrs.evolve(config, distance=plain)


class Generator:
    """Makes requests for zones, and lets zones come and go."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.nodes = len(config.distance)
        self.actions: list[Callable[[bytes, Topology], Any]] = [
            *[self.zonelist] * 8, *[self.first_zone] * 6, *[self.after_zone] * 6, *[self.gfp_zone] * 4,
            *[self.possible_range] * 5, *[self.count_placement] * 5, *[self.placement] * 4,
        ]  # fmt: skip
        rare = [self.set_size, self.set_cpus, self.rebuild]
        self.actions += [action for bit, action in enumerate(rare) if header[13] >> bit & 1 or header[14] % 2] * 4

    def request(self, record: bytes, topology: Topology) -> Made | None:
        """Return the request that a record stands for in this state."""
        if not any(record):
            return None
        request = self.actions[(record[0] | record[7] << 8) % len(self.actions)](record, topology)
        return NAMES[type(request)], request, {}

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Nothing to remember: the state tells all."""

    def node(self, r: bytes) -> int:
        """Return a node; now and then one that is not there."""
        return r[1] % MAX_NODES if r[6] % 32 == 1 else r[1] % self.nodes

    def zone(self, r: bytes, which: int = 2) -> int:
        """Return a zone; now and then one that is not there."""
        if r[6] % 32 == 2:
            return r[which] % (self.nodes * 8 + 8)
        return r[which] % self.nodes << NODE_SHIFT | (DMA, DMA32, NORMAL, NORMAL, NORMAL, HIGHMEM, MOVABLE, 5)[r[which] // 8 % 8]

    def nodes_of(self, r: bytes) -> int:
        """Return a set of nodes: often all."""
        return (1 << MAX_NODES) - 1 if r[4] % 2 else r[5] & ((1 << self.nodes) - 1)

    # each of the following makes one request from a record

    def zonelist(self, r: bytes, topology: Topology) -> Any:
        """Look at a node's list."""
        return LookZonelist(self.node(r), int(r[2] % 4 == 0))

    def first_zone(self, r: bytes, topology: Topology) -> Any:
        """Ask for the first zone."""
        return FirstZone(self.node(r), int(r[2] % 4 == 0), r[3] % KINDS, self.nodes_of(r))

    def after_zone(self, r: bytes, topology: Topology) -> Any:
        """Ask for the next zone."""
        return AfterZone(self.node(r), int(r[3] % 5 == 0), r[3] % KINDS, self.nodes_of(r), self.zone(r))

    def gfp_zone(self, r: bytes, topology: Topology) -> Any:
        """Ask which zone bits allow."""
        return GfpZone(r[1] % 16)

    def possible_range(self, r: bytes, topology: Topology) -> Any:
        """Ask where a kind may lie: in machines that end around the limits."""
        places = (1, 1 << 11, 1 << 12, (1 << 12) + 1, 229376, (1 << 20) - 1, 1 << 20, (1 << 20) + 77, 1 << 24)
        start, low = (0, 1, 1 << 12, 1 << 19, 1 << 20)[r[3] % 5], places[r[4] % len(places)]
        end = max(low, places[r[5] % len(places)]) if r[6] % 16 else places[r[5] % len(places)]
        return PossibleRange(r[1] % len(ARCHITECTURES), r[2] % KINDS, start, low, end, places[r[7] % len(places)])

    def set_size(self, r: bytes, topology: Topology) -> Any:
        """Let a zone gain or lose its memory, or some of it."""
        zone, present = self.zone(r), (0, 0, 512, 1, 4096)[r[3] % 5]
        if r[4] % 4 == 0 and is_populated(topology, zone):
            present = topology.present.get(zone, 0) + 1
        return SetSize(
            zone, present + r[5] % 3 - (r[5] % 16 == 0 and present > 0), present, max(0, present - r[4] % 3 + (r[5] % 16 == 1))
        )

    def set_cpus(self, r: bytes, topology: Topology) -> Any:
        """Give a node CPUs, or take them."""
        return SetCpus(self.node(r), r[2] % 2)

    def rebuild(self, r: bytes, topology: Topology) -> Any:
        """Build all lists anew."""
        return Rebuild()

    def count_placement(self, r: bytes, topology: Topology) -> Any:
        """Count allocations."""
        return CountPlacement(self.zone(r, 3), self.zone(r), self.node(r), (1, 1, 31, 63)[r[4] % 4], int(r[5] % 8 != 0))

    def placement(self, r: bytes, topology: Topology) -> Any:
        """Look at a zone's counts."""
        return LookPlacement(self.zone(r))


NAMES = {operation.request: operation.name for operation in law.ZONES.operations}
ERRORS = {operation.request: tuple(map(Error, operation.errors)) for operation in law.ZONES.operations}


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take about a machine, or None."""
    nodes = len(config.distance)
    return f"more than {capabilities['max_nodes']} nodes" if nodes > capabilities["max_nodes"] else None


# --- lock-step with our implementation -------------------------------------------------------------------------------------


def differs(topology: Topology, lists: Lists, body: Zones, keys: Iterable[Any]) -> str | None:
    """Nothing is compared between the steps: the lists are, after the last."""
    return None


def recount(topology: Topology, lists: Lists, body: Zones) -> str | None:
    """Compare every list."""
    for node in range(topology.nodes):
        theirs = zonelist_of(lists, node, 0)
        if body.lists[node] != theirs:
            return f"node {node} tries {' '.join(map(named, body.lists[node]))}, in Linux {' '.join(map(named, theirs))}"
    return None


def named(zone: int) -> str:
    """Return a zone's name."""
    return f"{node_of(zone)}:{ZONE_KINDS[kind_of(zone)]}"


def picture(topology: Topology, lists: Lists | None) -> Picture:
    """Draw which zones have memory, by number, and each node's list."""
    populated = tuple((zone, 1) for zone, frames in sorted(topology.present.items()) if frames)
    tried = () if lists is None else tuple((f"from node {n}", zonelist_of(lists, n, 0)) for n in range(topology.nodes))
    return Picture("zone", "zone", 0, topology.nodes << NODE_SHIFT, (Strip("with memory", populated),), tried)


# --- vectors -----------------------------------------------------------------------------------------------------------------


def possible(topology: Topology, request: Any) -> Iterator[Any]:
    """Yield what a request may be answered with; of the orders of nodes, two stand for all."""
    yield from ERRORS[type(request)]
    if isinstance(request, GfpZone):
        yield from map(Highest, range(KINDS))
    elif isinstance(request, PossibleRange):
        yield law.core.range_of(request)
    elif isinstance(request, LookZonelist):
        yield from lists_from(topology, request)
    elif isinstance(request, FirstZone | AfterZone):
        yield from (Entry(zone) for zone, frames in sorted(topology.present.items()) if frames)
    elif isinstance(request, LookPlacement):
        counts = (topology.hit, topology.miss, topology.foreign, topology.local, topology.other)
        yield Placement(*(count.get(request.zone, 0) for count in counts))
    else:
        yield DONE


def lists_from(topology: Topology, request: LookZonelist) -> Iterator[Zonelist]:
    """Yield a node's own list, and the others' behind it, upwards and downwards."""
    own = own_zones(topology, request.node) if request.node < topology.nodes else ()
    yield Zonelist(own)
    others = [own_zones(topology, node) for node in range(topology.nodes) if node != request.node]
    upwards, downwards = (sum(order, own) for order in (others, others[::-1]))
    yield from (Zonelist(zones) for zones in dict.fromkeys((upwards, downwards)) if zones != own)


ZONES = Machine(
    component=law.ZONES,
    implementation=Zones,
    capabilities=CAPABILITIES,
    requires={},
    draw=draw,
    generator=Generator,
    sent=lambda capabilities: {"reset": tuple(attrs.fields_dict(Config))},
    simpler=simpler,
    too_much=too_much,
    tolerance=Unforgiving,
    weakening=(),
    lockstep=Lockstep(lambda lists, journal: lists, differs, recount),
    small=lambda topology: True,
    picture=picture,
    replies=Replies(possible, lambda request: None, ({"max_nodes": 1}, {"max_nodes": 2}, {"max_nodes": 4}), usual=FEWER),
)
"""The machine."""
