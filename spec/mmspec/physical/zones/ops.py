"""The requests, results and words of zones and zonelists; nothing here decides anything.

A zone is named by a number: ``node * 8 + kind``. Every kind of zone has its number on every node; which of them a kernel is
built with is part of the configuration.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import attrs

from mmspec.errors import DONE, EINVAL, ENOENT, Done, Error
from mmspec.words import Pfn, PfnEnd, Word

__all__ = [
    "DONE", "EINVAL", "ENOENT", "AfterZone", "Config", "CountPlacement", "Done", "Entry", "Error", "FirstZone", "GfpZone",
    "Highest", "LookPlacement", "LookZonelist", "Placement", "PossibleRange", "Range", "Rebuild", "SetCpus",
    "SetSize", "Zonelist",
]  # fmt: skip

ZONE_KINDS = ("DMA", "DMA32", "NORMAL", "HIGHMEM", "MOVABLE", "DEVICE")
"""The kinds of zones, lowest first (include/linux/mmzone.h:enum zone_type, v6.12)."""

DMA, DMA32, NORMAL, HIGHMEM, MOVABLE, DEVICE = range(6)
KINDS = len(ZONE_KINDS)
NODE_SHIFT = 3
MAX_NODES = 64
NOBODY = MAX_NODES
"""Stands for no node."""

ARCHITECTURES = ("x86_64", "x86_32", "arm64", "riscv64")
X86_64, X86_32, ARM64, RISCV64 = range(4)

GFP_DMA, GFP_HIGHMEM, GFP_DMA32, GFP_MOVABLE = 1, 2, 4, 8
"""The bits of a request that choose its zone (include/linux/gfp_types.h, v6.12)."""

Zone = Annotated[int, Word("zone", bits=16, lo=0, hi=(MAX_NODES << NODE_SHIFT) - 1)]
"""A zone: ``node * 8 + kind``."""

Node = Annotated[int, Word("node", bits=16, lo=0, hi=MAX_NODES - 1)]
"""A node."""

NodeEnd = Annotated[int, Word("node_end", bits=16, lo=0, hi=MAX_NODES)]
"""The exclusive end of a range of nodes; also no node."""

Kind = Annotated[int, Word("zone_kind", bits=8, lo=0, hi=KINDS - 1, names=ZONE_KINDS)]
"""A kind of zone; of a request, the highest that it may use."""

KindSet = Annotated[int, Word("zone_kinds", bits=8, lo=0, hi=(1 << KINDS) - 1)]
"""Bit k is set for kind k."""

NodeSet = Annotated[int, Word("nodes", bits=64, lo=0, hi=(1 << MAX_NODES) - 1, hexadecimal=True)]
"""Bit n is set for node n."""

Pair = Annotated[int, Word("node_pair", bits=16, lo=0, hi=(MAX_NODES << 6) - 1)]
"""Two nodes, or a node and a place in its order: ``node * 64 + other``."""

Distance = Annotated[int, Word("distance", bits=16, lo=0, hi=255)]
"""A distance between nodes, as firmware gives it."""

FAR = 1 << 30
"""More than any node's value."""

Want = Annotated[int, Word("node_value", bits=32, lo=0, hi=FAR)]
"""How little a node is wanted next (the ``val`` of mm/page_alloc.c:find_next_best_node, v6.12)."""

Frames = Annotated[int, Word("zone_frames", bits=64, lo=0, hi=1 << 52)]
"""A number of frames."""

Calls = Annotated[int, Word("calls", bits=64, lo=0, hi=(1 << 62) - 1)]
"""A number of allocations."""

GfpBits = Annotated[int, Word("gfp_zone_bits", bits=8, lo=0, hi=15)]
"""The bits of a request that choose its zone."""

Architecture = Annotated[int, Word("architecture", bits=8, lo=0, hi=3, names=ARCHITECTURES)]
"""An architecture."""

Truth = Annotated[int, Word("truth", bits=8, lo=0, hi=1)]
"""1 for yes, 0 for no."""


@attrs.frozen
class Config:
    """The machine of a reset: the zones with memory as (node, kind, present frames), all frames managed; zonelists built.

    ``distance[a][b]`` is how far node b is from node a, one row a node, nodes without memory among them. ``cpus`` are the nodes
    that have CPUs; ``kinds`` the kinds that the kernel is built with.
    """

    zones: tuple[tuple[Node, Kind, Frames], ...]
    distance: tuple[tuple[Distance, ...], ...]
    cpus: NodeSet
    kinds: KindSet = (1 << DMA) | (1 << DMA32) | (1 << NORMAL) | (1 << MOVABLE) | (1 << DEVICE)


@attrs.frozen
class GfpZone:
    """Ask for the highest zone that a request may use (include/linux/gfp.h:gfp_zone, v6.12)."""

    bits: GfpBits


@attrs.frozen
class Highest:
    """The highest kind of zone."""

    failed: ClassVar[Literal[False]] = False
    kind: Kind


@attrs.frozen
class LookZonelist:
    """Ask for a node's zonelist: with ``thisnode`` that of requests which must stay on it."""

    node: Node
    thisnode: Truth = 0


@attrs.frozen
class Zonelist:
    """Zones in the order in which they are tried."""

    failed: ClassVar[Literal[False]] = False
    zones: tuple[Zone, ...]


@attrs.frozen
class FirstZone:
    """Ask for the first zone of a node's list up to a kind, on nodes of a set (include/linux/mmzone.h:first_zones_zonelist)."""

    node: Node
    thisnode: Truth
    highest: Kind
    nodes: NodeSet


@attrs.frozen
class AfterZone:
    """Ask for the next one after a zone of the list (include/linux/mmzone.h:next_zones_zonelist)."""

    node: Node
    thisnode: Truth
    highest: Kind
    nodes: NodeSet
    zone: Zone


@attrs.frozen
class Entry:
    """A zone of a list."""

    failed: ClassVar[Literal[False]] = False
    zone: Zone


@attrs.frozen
class SetSize:
    """Change a zone's sizes, as hotplug and balloons do; lists are built anew where it gains or loses its memory."""

    zone: Zone
    spanned: Frames
    present: Frames
    managed: Frames


@attrs.frozen
class SetCpus:
    """Give a node its first CPU, or take the last: no list follows."""

    node: Node
    has: Truth


@attrs.frozen
class Rebuild:
    """Build all lists anew (mm/page_alloc.c:__build_all_zonelists, v6.12)."""


@attrs.frozen
class CountPlacement:
    """Count allocations from a zone that preferred one, by a CPU of a node (mm/page_alloc.c:zone_statistics, v6.12)."""

    preferred: Zone
    zone: Zone
    running: Node
    calls: Calls = 1
    counted: Truth = 1
    """Whether vm.numa_stat is on."""


@attrs.frozen
class LookPlacement:
    """Ask for a zone's counts of placement."""

    zone: Zone


@attrs.frozen
class Placement:
    """How often a zone served as preferred, instead of another, and by CPUs near and far; and how often another served for it."""

    failed: ClassVar[Literal[False]] = False
    hit: Calls
    miss: Calls
    foreign: Calls
    local: Calls
    other: Calls


@attrs.frozen
class PossibleRange:
    """Ask where a kind of zone may lie on any node (mm/mm_init.c:free_area_init, v6.12).

    Memory begins at ``start``; ``low_end`` is max_low_pfn, ``end`` is max_pfn, ``dma_end`` what arm64's firmware lets devices
    reach, all in frames of 4 KiB.
    """

    architecture: Architecture
    kind: Kind
    start: Pfn
    low_end: PfnEnd
    end: PfnEnd
    dma_end: PfnEnd = 1 << 20


@attrs.frozen
class Range:
    """A range of frames; empty where its ends are equal."""

    failed: ClassVar[Literal[False]] = False
    start: PfnEnd
    end: PfnEnd
