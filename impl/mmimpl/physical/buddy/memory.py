"""The memory of a zone: three arrays with a cell for each page, and what little goes beside them.

Frames are numbered from the zone's base, which is aligned to the largest block, so that every buddy of a frame has a cell and is
found as in the kernel, by one exclusive or. The arrays of links go on behind the pages with the heads of the lists: a list is a
ring of plain indices, none of which is negative.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import attrs
import numpy as np
from numpy.typing import NDArray

from mmimpl.engine import Cells, Shape
from mmspec.errors import InputError
from mmspec.physical.buddy.ops import ISOLATE, KERNELS, MOVABLE, Config
from mmspec.words import MAX_ORDER_LIMIT, PFN_BITS, Kernel, Migratetype, Order, Pfn, PfnEnd, Word

MAX_PAGES = 1 << 26
"""Most pages of a zone, counted from its base to the end of its last largest block: 256 GiB in pages of 4 KiB."""

NONE = 0xFF
"""The cell of a frame that heads no block."""

ALLOCATED = 0x80
"""Added to the order of a block that is handed out, in the cell of its head. Cells below it are numbers of lists."""

MIGRATABLE = 0x10
"""Added to ``ALLOCATED`` if the block was handed out to a MOVABLE request."""

LISTED_ORDER = 0x8F
"""The bits of a cell that equal an order if and only if the frame heads a listed block of that order."""

TYPE = 0x70
"""The bits of a list's number that hold its type. The others hold the order."""

LISTS = 6 << 4
"""One more than the largest number of a list: ``migratetype << 4 | order``."""

Frame = Annotated[int, Word("frame", bits=32, lo=0, hi=MAX_PAGES + LISTS - 1)]
"""A frame's number counted from the zone's base; from ``heads`` on, the head of a list, or no frame at all."""

Cell = Annotated[int, Word("cell", bits=8, lo=0, hi=NONE)]
"""What a frame heads: a listed block (the list's number), a block that is handed out (``ALLOCATED``), or ``NONE``."""

BlockIndex = Annotated[int, Word("block_index", bits=32, lo=0, hi=MAX_PAGES)]
"""A pageblock's number counted from the zone's base."""

ListNumber = Annotated[int, Word("list_number", bits=8, lo=0, hi=LISTS - 1)]

Sign = Annotated[int, Word("sign", bits=8, lo=-1, hi=1, signed=True)]


@attrs.frozen(eq=False)
class Zone:
    """A zone's arrays, of one cell a page where nothing else is said, and what never changes about it.

    The arrays are memoryviews; ``Arrays`` has the same fields and holds NumPy arrays of the same memory.
    """

    page: Annotated[Cells, Word("cell", bits=8, lo=0, hi=NONE), Shape(Frame, pages)]
    after: Annotated[Cells, Word("frame", bits=32, lo=0, hi=MAX_PAGES + LISTS - 1), Shape(Frame, links)]  # the next on the list
    before: Annotated[Cells, Word("frame", bits=32, lo=0, hi=MAX_PAGES + LISTS - 1), Shape(Frame, links)]
    types: Annotated[Cells, Word("migratetype", bits=8, lo=0, hi=5), Shape(BlockIndex, pageblocks)]
    frames: Annotated[Cells, Word("count", bits=64, lo=0, hi=MAX_PAGES), Shape(Migratetype, kinds)]  # free, by kind
    heads: Frame  # the head of list 0, and the number of pages
    start: Frame
    end: Frame  # exclusive
    max_order: Order
    pageblock_order: Order
    kernel: Kernel


class Arrays(NamedTuple):
    """The same for Numba, which takes no records; the interpreter reads a record's slot four times as fast."""

    page: NDArray[np.uint8]
    after: NDArray[np.uint32]
    before: NDArray[np.uint32]
    types: NDArray[np.uint8]
    frames: NDArray[np.int64]
    heads: Frame
    start: Frame
    end: Frame
    max_order: Order
    pageblock_order: Order
    kernel: Kernel


def pages(zone: Zone) -> int:
    """Return the number of a zone's pages, those before its start and behind its end included."""
    return zone.heads


def links(zone: Zone) -> int:
    """Return the number of places on lists: the pages', and the heads'."""
    return zone.heads + LISTS


def pageblocks(zone: Zone) -> int:
    """Return the number of pageblocks."""
    return zone.heads >> zone.pageblock_order


def kinds(zone: Zone) -> int:
    """Return the number of counters: one for each type, though only kinds are counted."""
    return ISOLATE + 1


def arrays_of(config: Config, kernel: str) -> Arrays:
    """Check a configuration at the door and return its ``Arrays``, in which no frame is free yet (InputError: what is wrong)."""
    if kernel not in KERNELS:
        raise InputError(f"kernel {kernel!r} is not implemented", hint=f"one of {', '.join(KERNELS)}")
    if not 0 <= config.max_order <= MAX_ORDER_LIMIT:
        raise InputError(f"max_order {config.max_order} is not an order", hint=f"0 to {MAX_ORDER_LIMIT}")
    if not 0 <= config.start_pfn < config.end_pfn <= 1 << PFN_BITS:
        raise InputError(
            f"zone [{config.start_pfn:#x}, {config.end_pfn:#x}) is not a range of frames",
            hint="0 <= start_pfn < end_pfn <= 2**52",
        )
    pageblock_order = min(9, config.max_order) if config.pageblock_order is None else config.pageblock_order
    if not min(1, config.max_order) <= pageblock_order <= config.max_order:
        raise InputError(f"pageblock_order {pageblock_order} does not fit max_order {config.max_order}", hint="1 to max_order")
    base = base_of(config)
    pages = -(-(config.end_pfn - base) >> config.max_order) << config.max_order
    if pages > MAX_PAGES:
        raise InputError(f"the zone spans {pages} pages", hint=f"at most {MAX_PAGES}, counted in whole blocks of max_order")
    after, before = (np.zeros(pages + LISTS, np.uint32) for _ in range(2))
    after[pages:] = before[pages:] = np.arange(pages, pages + LISTS)
    return Arrays(
        page=np.full(pages, NONE, np.uint8),
        after=after,
        before=before,
        types=np.full(pages >> pageblock_order, MOVABLE, np.uint8),
        frames=np.zeros(6, np.int64),
        heads=pages,
        start=config.start_pfn - base,
        end=config.end_pfn - base,
        max_order=config.max_order,
        pageblock_order=pageblock_order,
        kernel=KERNELS[kernel],
    )


def zone_of(arrays: Arrays) -> Zone:
    """Return the interpreter's view of the same memory."""
    parts: list[Any] = [*(array.data for array in arrays[:5]), *arrays[5:]]
    return Zone(*parts)


def base_of(config: Config) -> Pfn:
    """Return the PFN from which frames are counted."""
    return config.start_pfn >> config.max_order << config.max_order


def first_blocks(config: Config) -> list[tuple[Pfn, Order]]:
    """Return the maximal aligned blocks of the zone's memory, ascending (InputError: the holes are not as they must be)."""
    blocks, last = [], config.start_pfn
    for start, end in config.holes:
        if not last <= start < end <= config.end_pfn:
            raise InputError(
                f"hole [{start:#x}, {end:#x}) overlaps another, is empty, out of order or outside the zone",
                hint="ascending disjoint ranges inside the zone",
            )
        blocks += largest_blocks(last, start, config.max_order)
        last = end
    blocks += largest_blocks(last, config.end_pfn, config.max_order)
    if not blocks:
        raise InputError("the zone has no frame outside its holes", hint="leave at least one frame of memory")
    return blocks


def largest_blocks(pfn: Pfn, end: PfnEnd, max_order: Order) -> list[tuple[Pfn, Order]]:
    """Return the maximal aligned blocks of a range of frames, ascending."""
    blocks = []
    while pfn < end:
        aligned = (pfn & -pfn).bit_length() - 1 if pfn else max_order
        order = min(max_order, aligned, (end - pfn).bit_length() - 1)
        blocks.append((pfn, order))
        pfn += 1 << order
    return blocks
