"""The requests, results and words of the page allocator on real frames; nothing here decides anything.

A zone is named by a number: ``node * 8 + kind``. Flags of requests are numbers, as 6.12 has their bits.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import attrs

from mmspec.errors import DONE, EBUSY, EINVAL, ENOMEM, Done, Error
from mmspec.physical.page_alloc.ops import (
    ALL_NODES,
    ALLOC_WMARK_LOW,
    NOWHERE,
    AllocFlags,
    AnyNode,
    Distance,
    Gfp,
    NodeConfig,
    NodeSet,
    PageblockOrder,
    Truth,
    Zone,
    ZoneEnd,
)  # fmt: skip
from mmspec.physical.pcp.ops import Factor
from mmspec.words import PFN_BITS, Migratetype, Order, Pfn, PfnEnd, Word

__all__ = [
    "DONE", "EBUSY", "EINVAL", "ENOMEM", "NOWHERE", "Alloc", "Answer", "BulkTake", "BulkZone", "Config", "Contig", "Done",
    "Drain", "DrainAll", "DrainZone", "Error", "Free", "IsolateRange", "Page", "Refresh", "Served", "Split", "Truth",
    "UndoRange", "Unreserve", "Zone", "ZoneEnd",
]  # fmt: skip

MAX_CPUS = 16
"""Most CPUs of a machine."""

FREE_PAGES, FREE_CMA = range(2)
"""The counters of a zone: NR_FREE_PAGES, NR_FREE_CMA_PAGES."""

Frames = Annotated[int, Word("bulk", bits=32, lo=0, hi=(1 << 31) - 1)]
"""How many frames a bulk request is for: an ``int``."""

Cpu = Annotated[int, Word("processor", bits=16, lo=0, hi=MAX_CPUS - 1)]
"""A processor."""

AnyCpu = Annotated[int, Word("any_processor", bits=16, lo=0, hi=MAX_CPUS)]
"""A processor, or one behind the last; also a number of them."""

SOUND, BAD, POISONED = range(3)
STATES = ("sound", "bad", "poisoned")
"""What a block is like when it is given back: as it must be; still used somewhere; broken by hardware."""

PageState = Annotated[int, Word("page_state", bits=8, lo=SOUND, hi=POISONED, names=STATES)]
"""What a block is like when it is given back."""

Chunk = Annotated[int, Word("chunk", bits=64, lo=0, hi=(1 << PFN_BITS) - 1)]
"""The index of a run of frames as long as the largest block: ``pfn >> max_order``."""


@attrs.frozen
class Config:
    """The machine of a reset: all frames are free, no CPU holds any, marks and limits are those after the boot.

    Each node has ``cpus`` processors, numbered node by node. No two zones have frames of one block of the largest order. The
    pageblocks that begin at the frames ``cma`` are CMA's. With ``checks`` each block is looked at when it is given back.
    """

    nodes: tuple[NodeConfig, ...]
    distance: tuple[tuple[Distance, ...], ...]
    cpus: AnyCpu = 1
    max_order: Order = 10
    pageblock_order: PageblockOrder = 9
    huge_order: Order = 9
    scale_max: Factor = 5
    cma: tuple[Pfn, ...] = ()
    checks: Truth = 0


@attrs.frozen
class Alloc:
    """Take a block from the first zone that serves (mm/page_alloc.c:get_page_from_freelist, v6.12).

    ``flags`` are what the request came to (``page_alloc``), without ALLOC_CMA: that follows from its bits.
    """

    cpu: AnyCpu
    gfp: Gfp
    order: Order
    node: AnyNode
    flags: AllocFlags = ALLOC_WMARK_LOW
    nodes: NodeSet = ALL_NODES


@attrs.frozen
class Page:
    """The first frame of the block that was handed out."""

    failed: ClassVar[Literal[False]] = False
    pfn: Pfn


@attrs.frozen
class Free:
    """Give a block back (mm/page_alloc.c:free_unref_page, v6.12); ``state`` is what its page descriptors say."""

    cpu: AnyCpu
    pfn: Pfn
    order: Order
    state: PageState = SOUND


@attrs.frozen
class BulkZone:
    """Ask which zone a bulk request of so many frames is served from (mm/page_alloc.c:alloc_pages_bulk_noprof, v6.12)."""

    cpu: AnyCpu
    gfp: Gfp
    node: AnyNode
    count: Frames
    nodes: NodeSet = ALL_NODES


@attrs.frozen
class Served:
    """A zone; ``NOWHERE``: a single frame is to be asked for instead."""

    failed: ClassVar[Literal[False]] = False
    zone: ZoneEnd


@attrs.frozen
class BulkTake:
    """Take the next frame of a bulk request from a CPU's list of a zone. ENOMEM: there are no more."""

    cpu: AnyCpu
    gfp: Gfp
    zone: ZoneEnd


@attrs.frozen
class Split:
    """Make single frames of a block (mm/page_alloc.c:split_page, v6.12)."""

    pfn: Pfn
    order: Order


@attrs.frozen
class Drain:
    """Let a CPU give back all that it holds (mm/page_alloc.c:drain_pages, v6.12)."""

    cpu: AnyCpu


@attrs.frozen
class DrainZone:
    """Let all CPUs give back what they hold of a zone, carried out by one (mm/page_alloc.c:__drain_all_pages, v6.12)."""

    cpu: AnyCpu
    zone: ZoneEnd


@attrs.frozen
class DrainAll:
    """Let all CPUs give back all that they hold, carried out by one (mm/page_alloc.c:drain_all_pages, v6.12)."""

    cpu: AnyCpu


@attrs.frozen
class Refresh:
    """Let a CPU hand over its counts and what it need not hold (mm/vmstat.c:refresh_cpu_vm_stats, v6.12)."""

    cpu: AnyCpu


@attrs.frozen
class Unreserve:
    """Turn a HIGHATOMIC pageblock back for a request in need (mm/page_alloc.c:unreserve_highatomic_pageblock, v6.12)."""

    cpu: AnyCpu
    gfp: Gfp
    node: AnyNode
    nodes: NodeSet = ALL_NODES
    force: Truth = 0


@attrs.frozen
class Answer:
    """Whether something was done."""

    failed: ClassVar[Literal[False]] = False
    done: Truth


@attrs.frozen
class IsolateRange:
    """Isolate the pageblocks of a range, so that nothing of them is handed out (start_isolate_page_range).

    ``migratetype`` (MOVABLE or CMA) is what they get where it fails. EBUSY: one of them is isolated already or cannot be
    (mm/page_isolation.c, v6.12).
    """

    cpu: AnyCpu
    start: Pfn
    end: PfnEnd
    migratetype: Migratetype


@attrs.frozen
class Contig:
    """Take each frame of a range whose pageblocks are isolated, as single frames (mm/page_alloc.c:alloc_contig_range, v6.12).

    That is its second half: isolating, draining and migrating are operations before it, undoing the isolation is one after it.
    EBUSY: a frame is not on the free lists.
    """

    cpu: AnyCpu
    start: Pfn
    end: PfnEnd


@attrs.frozen
class UndoRange:
    """Give the isolated pageblocks of a range a type again (mm/page_isolation.c:undo_isolate_page_range, v6.12)."""

    cpu: AnyCpu
    start: Pfn
    end: PfnEnd
    migratetype: Migratetype
