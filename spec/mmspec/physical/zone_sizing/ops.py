"""The requests, results and words of the sizing of zones; nothing here decides anything."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import attrs

from mmspec.errors import DONE, EINVAL, Done, Error
from mmspec.words import Order, Word

__all__ = [
    "DONE", "EINVAL", "Absent", "AddMemory", "Config", "Done", "Error", "Frames", "LookNode", "LookZone", "Possible", "Range",
    "Size", "Sizes", "Starts",
]  # fmt: skip

ZONE_KINDS = ("DMA", "DMA32", "NORMAL", "HIGHMEM", "MOVABLE", "DEVICE")
"""The kinds of zones, lowest first (include/linux/mmzone.h:enum zone_type, v6.12)."""

DMA, DMA32, NORMAL, HIGHMEM, MOVABLE, DEVICE = range(6)
KINDS = len(ZONE_KINDS)
LIMITED = 4
"""How many kinds an architecture gives an end: those below MOVABLE."""

MAX_NODES = 64
MAX_REGIONS = 1 << 10
ADDRESS_BITS = 56
FOUR_GIB = 1 << 32

HOTPLUG, MIRROR = 1, 2
"""include/linux/memblock.h:MEMBLOCK_HOTPLUG, MEMBLOCK_MIRROR, v6.12."""

Byte = Annotated[int, Word("byte", bits=64, lo=0, hi=1 << ADDRESS_BITS, hexadecimal=True)]
"""A physical address in bytes, or the exclusive end of a range."""

Frame = Annotated[int, Word("frame", bits=64, lo=0, hi=1 << ADDRESS_BITS - 12, hexadecimal=True)]
"""A page frame number, or the exclusive end of a range; 0 of where MOVABLE begins: nowhere."""

FrameCount = Annotated[int, Word("frame_count", bits=64, lo=0, hi=1 << ADDRESS_BITS - 12)]
"""A number of frames."""

Kind = Annotated[int, Word("zone_kind", bits=8, lo=0, hi=KINDS - 1, names=ZONE_KINDS)]
"""A kind of zone."""

Node = Annotated[int, Word("node", bits=16, lo=0, hi=MAX_NODES - 1)]
"""A node."""

NodeEnd = Annotated[int, Word("node_end", bits=16, lo=0, hi=MAX_NODES)]
"""A number of nodes."""

Region = Annotated[int, Word("region", bits=16, lo=0, hi=MAX_REGIONS - 1)]
"""A region of memory, by its place from below."""

RegionEnd = Annotated[int, Word("region_end", bits=16, lo=0, hi=MAX_REGIONS)]
"""A number of regions."""

RegionFlags = Annotated[int, Word("region_flags", bits=8, lo=0, hi=HOTPLUG | MIRROR)]
"""HOTPLUG, MIRROR, both or neither."""

PageShift = Annotated[int, Word("page_shift", bits=8, lo=12, hi=16)]
"""The binary logarithm of the page size."""

Percent = Annotated[int, Word("percent", bits=16, lo=0, hi=100)]
"""A part of all memory."""

Truth = Annotated[int, Word("truth", bits=8, lo=0, hi=1)]
"""1 for yes, 0 for no."""


@attrs.frozen
class Config:
    """A machine before it knows of any memory.

    ``ends`` is where the architecture lets DMA, DMA32, NORMAL and HIGHMEM end, in frames (max_zone_pfn; 0 for a kind that is not
    there); ``max_order`` is the largest order of a block, to whose size MOVABLE is aligned.
    """

    nodes: NodeEnd
    ends: tuple[Frame, Frame, Frame, Frame]
    page_shift: PageShift = 12
    max_order: Order = 10


@attrs.frozen
class AddMemory:
    """Tell of the next region of memory, in bytes: regions come in ascending order and do not overlap."""

    base: Byte
    end: Byte
    node: Node = 0
    flags: RegionFlags = 0


@attrs.frozen
class Size:
    """Size the zones (mm/mm_init.c:free_area_init, v6.12), with what the command line says.

    ``kernelcore`` and ``movablecore`` are in frames, unless their percentages are not 0; ``mirror`` is kernelcore=mirror,
    ``kdump`` whether the kernel saves another one's memory.
    """

    kernelcore: FrameCount = 0
    movablecore: FrameCount = 0
    kernelcore_percent: Percent = 0
    movablecore_percent: Percent = 0
    mirror: Truth = 0
    kdump: Truth = 0
    movable_node: Truth = 0


@attrs.frozen
class Starts:
    """Where MOVABLE begins on each node; 0 for nowhere (zone_movable_pfn)."""

    failed: ClassVar[Literal[False]] = False
    movable: tuple[Frame, ...]


@attrs.frozen
class Possible:
    """Ask where a kind of zone may lie on any node."""

    kind: Kind


@attrs.frozen
class Range:
    """A range of frames; empty where its ends are equal."""

    failed: ClassVar[Literal[False]] = False
    start: Frame
    end: Frame


@attrs.frozen
class LookZone:
    """Ask for the sizes of a zone, as sized last."""

    node: Node
    kind: Kind


@attrs.frozen
class LookNode:
    """Ask for the sizes of a node."""

    node: Node


@attrs.frozen
class Sizes:
    """The first frame of a zone or a node (0 if it is empty), the frames that it spans, and those of them that are memory."""

    failed: ClassVar[Literal[False]] = False
    start: Frame
    spanned: FrameCount
    present: FrameCount


@attrs.frozen
class Absent:
    """Ask how many frames of a range are no memory of any node (mm/mm_init.c:absent_pages_in_range, v6.12)."""

    start: Frame
    end: Frame


@attrs.frozen
class Frames:
    """A number of frames."""

    failed: ClassVar[Literal[False]] = False
    frames: FrameCount
