"""The memory of a zone's per-CPU lists: three arrays with a cell for each page, and the numbers of each CPU.

Frames are numbered from a base that is aligned to the largest block there can be. The arrays of links go on behind the pages with
the heads of the lists, sixteen places for each CPU: a list is a ring of plain indices, none of which is negative.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import attrs
import numpy as np
from numpy.typing import NDArray

from mmimpl.engine import Cells, Shape, helper
from mmspec.errors import InputError
from mmspec.physical.pcp.ops import COSTLY_ORDER, CPUS, EXPIRE_TICKS, KERNELS, LISTS, Config, Cpu, Factor, PcpList
from mmspec.words import MAX_ORDER_LIMIT, PFN_BITS, Kernel, Order, Pfn, Word

MAX_PAGES = 1 << 26
"""Most pages of a zone, counted from its base: 256 GiB in pages of 4 KiB."""

NONE = 0xFFFF
"""The cell of a frame that heads no held block. Any other is the number of a list."""

Frame = Annotated[int, Word("pcp_frame", bits=32, lo=0, hi=MAX_PAGES + (CPUS << 4) - 1)]
"""A frame's number counted from the base; from ``heads`` on, the head of a list, or no frame at all."""

Place = Annotated[int, Word("pcp_number", bits=8, lo=0, hi=6)]
"""Which of the zone's own numbers."""

BATCH, HIGH_MIN, HIGH_MAX, ZONE_BATCH, ZONE_HIGH_MIN, ZONE_HIGH_MAX, DISABLED = range(7)
"""The zone's own numbers: the limits in force, those of the zone, and 1 while the lists are disabled."""


@attrs.frozen(eq=False)
class Lists:
    """A zone's arrays, and what never changes about it.

    The arrays are memoryviews; ``Arrays`` has the same fields and holds NumPy arrays of the same memory.
    """

    page: Annotated[Cells, Word("pcp_cell", bits=16, lo=0, hi=NONE), Shape(Frame, pages)]  # the list of a held block
    after: Annotated[Cells, Word("pcp_frame", bits=32, lo=0, hi=MAX_PAGES + (CPUS << 4) - 1), Shape(Frame, links)]
    before: Annotated[Cells, Word("pcp_frame", bits=32, lo=0, hi=MAX_PAGES + (CPUS << 4) - 1), Shape(Frame, links)]
    zone: Annotated[Cells, Word("count", bits=64, lo=0, hi=(1 << 62) - 1), Shape(Place, numbers)]
    held: Annotated[Cells, Word("count", bits=64, lo=0, hi=MAX_PAGES), Shape(Cpu, processors)]  # frames
    owed: Annotated[Cells, Word("count", bits=64, lo=0, hi=MAX_PAGES), Shape(Cpu, processors)]  # frames being given back
    high: Annotated[Cells, Word("count", bits=64, lo=0, hi=(1 << 62) - 1), Shape(Cpu, processors)]  # the limit
    free_count: Annotated[Cells, Word("count", bits=64, lo=0, hi=(1 << 62) - 1), Shape(Cpu, processors)]
    alloc_factor: Annotated[Cells, Word("scale_factor", bits=8, lo=0, hi=6), Shape(Cpu, processors)]
    free_factor: Annotated[Cells, Word("scale_factor", bits=8, lo=0, hi=6), Shape(Cpu, processors)]
    flags: Annotated[Cells, Word("pcp_flags", bits=8, lo=0, hi=3), Shape(Cpu, processors)]
    expire: Annotated[Cells, Word("ticks", bits=8, lo=0, hi=EXPIRE_TICKS), Shape(Cpu, processors)]
    cursor: Annotated[Cells, Word("pcp_index", bits=8, lo=0, hi=LISTS), Shape(Cpu, processors)]
    heads: Frame  # the head of list 0, and the number of pages
    start: Frame
    end: Frame  # exclusive
    cpus: Cpu
    huge_order: Order
    scale_max: Factor
    kernel: Kernel


class Arrays(NamedTuple):
    """The same for Numba, which takes no records; the interpreter reads a record's slot four times as fast."""

    page: NDArray[np.uint16]
    after: NDArray[np.uint32]
    before: NDArray[np.uint32]
    zone: NDArray[np.int64]
    held: NDArray[np.int64]
    owed: NDArray[np.int64]
    high: NDArray[np.int64]
    free_count: NDArray[np.int64]
    alloc_factor: NDArray[np.uint8]
    free_factor: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    expire: NDArray[np.uint8]
    cursor: NDArray[np.uint8]
    heads: Frame
    start: Frame
    end: Frame
    cpus: Cpu
    huge_order: Order
    scale_max: Factor
    kernel: Kernel


ARRAYS = 13
"""How many of the fields are arrays."""


def pages(lists: Lists) -> int:
    """Return the number of pages, those before the zone's start included."""
    return lists.heads


def links(lists: Lists) -> int:
    """Return the number of places on lists: the pages', and the heads'."""
    return lists.heads + (lists.cpus << 4)


def numbers(lists: Lists) -> int:
    """Return how many numbers the zone has of its own."""
    return DISABLED + 1


def processors(lists: Lists) -> int:
    """Return the number of CPUs."""
    return lists.cpus


def arrays_of(config: Config, kernel: str) -> Arrays:
    """Check a configuration at the door and return its ``Arrays``: the boot pageset's (InputError: what is wrong)."""
    if kernel not in KERNELS:
        raise InputError(f"kernel {kernel!r} is not implemented", hint=f"one of {', '.join(KERNELS)}")
    if not 0 <= config.start_pfn < config.end_pfn <= 1 << PFN_BITS:
        raise InputError(
            f"zone [{config.start_pfn:#x}, {config.end_pfn:#x}) is not a range of frames",
            hint="0 <= start_pfn < end_pfn <= 2**52",
        )
    if not 1 <= config.cpus <= CPUS:
        raise InputError(f"{config.cpus} CPUs", hint=f"1 to {CPUS}")
    if config.huge_order and not COSTLY_ORDER < config.huge_order <= MAX_ORDER_LIMIT:
        raise InputError(
            f"huge_order {config.huge_order} is not the order of a huge page",
            hint=f"{COSTLY_ORDER + 1} to {MAX_ORDER_LIMIT}, or 0",
        )
    if not 0 <= config.scale_max <= 6:
        raise InputError(f"scale_max {config.scale_max} is no scale", hint="0 to 6")
    base = base_of(config)
    size = config.end_pfn - base
    if size > MAX_PAGES:
        raise InputError(
            f"the zone spans {size} pages", hint=f"at most {MAX_PAGES}, counted from a multiple of the largest block"
        )
    after, before = (np.arange(size + (config.cpus << 4), dtype=np.uint32) for _ in range(2))
    zone = np.zeros(DISABLED + 1, np.int64)
    zone[BATCH] = zone[ZONE_BATCH] = 1
    wide = [np.zeros(config.cpus, np.int64) for _ in range(4)]
    narrow = [np.zeros(config.cpus, np.uint8) for _ in range(5)]
    parts: list[Any] = [
        np.full(size, NONE, np.uint16), after, before, zone, *wide, *narrow,
        size, config.start_pfn - base, size, config.cpus, config.huge_order, config.scale_max, KERNELS[kernel],
    ]  # fmt: skip
    return Arrays(*parts)


def lists_of(arrays: Arrays) -> Lists:
    """Return the interpreter's view of the same memory."""
    cells: tuple[Any, ...] = arrays[:ARRAYS]
    constants: tuple[Any, ...] = arrays[ARRAYS:]
    return Lists(*(array.data for array in cells), *constants)


def base_of(config: Config) -> Pfn:
    """Return the PFN from which frames are counted."""
    return config.start_pfn >> MAX_ORDER_LIMIT << MAX_ORDER_LIMIT


@helper
def order_of(lists: Lists, number: PcpList) -> Order:
    """Return the order of a list's blocks (mm/page_alloc.c:pindex_to_order, v6.12)."""
    index = number & 15
    return lists.huge_order if index >= 12 else index // 3
