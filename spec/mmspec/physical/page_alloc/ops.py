"""The requests, results and words of the page allocator; nothing here decides anything.

A zone is named by a number: ``node * 8 + kind``. Flags of requests are numbers, as 6.12 has their bits; 6.1's ``__GFP_ATOMIC``
is the bit that 6.12 leaves free.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import attrs

from mmspec.errors import DONE, EINVAL, ENOMEM, Done, Error
from mmspec.physical.watermarks.ops import KINDS, NORMAL, Boost, Kind, Mark, PageblockOrder, Passed, Report, Truth
from mmspec.physical.zones.ops import NODE_SHIFT, Distance
from mmspec.words import Order, Pfn, PfnEnd, Word

__all__ = [
    "DONE", "EINVAL", "ENOMEM", "KINDS", "NODE_SHIFT", "NORMAL", "Above", "Answer", "AnyNode", "Boost", "Config", "Distance",
    "Done", "Enter", "Error", "FlagsOf", "Kind", "Mark", "NodeConfig", "PageblockOrder", "Passed", "Reclaimable", "Report",
    "Taken", "Truth", "Turn", "Walk", "Worth", "ZoneConfig",
]  # fmt: skip

MAX_NODES = 8
"""Most nodes of a machine: its zones are the bits of one word."""

ALL_NODES = (1 << MAX_NODES) - 1
"""No mask of nodes: a null ``nodemask``."""

NOWHERE = MAX_NODES << NODE_SHIFT
"""Stands for no zone."""

TASKS = 4
COSTLY_ORDER = 3
"""PAGE_ALLOC_COSTLY_ORDER."""

KERNELS = {"6.1": 601, "6.12": 612}

# --- gfp bits (include/linux/gfp_types.h, v6.12) ---------------------------------------------------------------------------

GFP_DMA, GFP_HIGHMEM, GFP_DMA32, GFP_MOVABLE, GFP_RECLAIMABLE, GFP_HIGH, GFP_IO, GFP_FS = (1 << bit for bit in range(8))
GFP_ATOMIC = 0x200
"""``__GFP_ATOMIC`` of 6.1; 6.12 has no such bit."""
GFP_DIRECT_RECLAIM, GFP_KSWAPD_RECLAIM, GFP_WRITE = 0x400, 0x800, 0x1000
GFP_RETRY_MAYFAIL, GFP_NOFAIL, GFP_NORETRY, GFP_MEMALLOC = 0x4000, 0x8000, 0x10000, 0x20000
GFP_NOMEMALLOC, GFP_HARDWALL, GFP_THISNODE, GFP_ACCOUNT = 0x80000, 0x100000, 0x200000, 0x400000

# --- the flags that a request comes to (mm/internal.h, v6.12) --------------------------------------------------------------

ALLOC_WMARK_LOW, ALLOC_WMARK_HIGH = 1, 2
ALLOC_NO_WATERMARKS, ALLOC_OOM, ALLOC_NON_BLOCK, ALLOC_MIN_RESERVE = 0x04, 0x08, 0x10, 0x20
ALLOC_CPUSET, ALLOC_CMA, ALLOC_NOFRAGMENT, ALLOC_HIGHATOMIC, ALLOC_KSWAPD = 0x40, 0x80, 0x100, 0x200, 0x800

# --- what a task is, bit by bit ----------------------------------------------------------------------------------------------

TASK_MEMALLOC, TASK_VICTIM, TASK_REALTIME, TASK_INTERRUPT, TASK_SOFTIRQ, TASK_DUMPCORE, TASK_KILLED, TASK_EXITING = (
    1 << bit for bit in range(8)
)
"""PF_MEMALLOC, chosen by the OOM killer, of a real-time or deadline class, in a hard or a soft interrupt, PF_DUMPCORE, a fatal
signal pending, PF_EXITING."""
TASK_NOIO, TASK_NOFS, TASK_PIN = 0x100, 0x200, 0x400
"""PF_MEMALLOC_NOIO, PF_MEMALLOC_NOFS, PF_MEMALLOC_PIN."""

# --- what the slow path asks of the outside ----------------------------------------------------------------------------------

PAGE, COMPACT, RECLAIM, DRAIN, COMPACT_AGAIN, KILL, WAIT = range(7)
ASKS = ("page", "compact", "reclaim", "drain", "compact_again", "kill", "wait")
"""A page was found; else compaction before all else, direct reclaim, the draining of all per-CPU lists, compaction after reclaim,
the OOM killer, or that others run before a request that may not fail begins again."""

COMPACTED = (
    "not_suitable_zone", "skipped", "deferred", "no_suitable_page", "continue", "complete", "partial_skipped", "contended",
    "success",
)  # fmt: skip
SKIPPED, DEFERRED, COMPLETE, PARTIAL_SKIPPED, CONTENDED, SUCCESS = 1, 2, 5, 6, 7, 8
"""What compaction came to (include/linux/compaction.h:enum compact_result, v6.12)."""

SYNC_FULL, SYNC_LIGHT, ASYNC = range(3)
PRIORITIES = ("sync_full", "sync_light", "async")
"""How hard compaction tries (include/linux/compaction.h:enum compact_priority, v6.12)."""

Zone = Annotated[int, Word("zone", bits=16, lo=0, hi=NOWHERE - 1)]
"""A zone: ``node * 8 + kind``."""

ZoneEnd = Annotated[int, Word("zone_end", bits=16, lo=0, hi=NOWHERE)]
"""The exclusive end of a range of zones; also no zone."""

ZoneSet = Annotated[int, Word("zones", bits=64, lo=0, hi=(1 << NOWHERE) - 1, hexadecimal=True)]
"""Bit z is set for zone z."""

Node = Annotated[int, Word("node", bits=16, lo=0, hi=MAX_NODES - 1)]
"""A node."""

AnyNode = Annotated[int, Word("node_end", bits=16, lo=0, hi=MAX_NODES)]
"""A node, or one behind the last."""

NodeSet = Annotated[int, Word("nodes", bits=16, lo=0, hi=ALL_NODES)]
"""Bit n is set for node n; all bits where there is no mask."""

Place = Annotated[int, Word("place", bits=16, lo=0, hi=NOWHERE)]
"""A place in a list of zones: eight for each node in its order, the highest kind first."""

Gfp = Annotated[int, Word("gfp", bits=32, lo=0, hi=(1 << 24) - 1)]
"""A request's ``gfp_mask``."""

AllocFlags = Annotated[int, Word("alloc_flags", bits=32, lo=0, hi=(1 << 12) - 1)]
"""What a request comes to: the index of its mark, and what it may use."""

Context = Annotated[int, Word("context", bits=16, lo=0, hi=(1 << 11) - 1)]
"""What a task is: ``TASK_`` bits."""

Task = Annotated[int, Word("task", bits=8, lo=0, hi=TASKS - 1)]
"""Who asks: each has one request in the slow path at most."""

Ask = Annotated[int, Word("ask", bits=8, lo=0, hi=len(ASKS) - 1, names=ASKS)]
"""What is asked of the outside."""

Compacted = Annotated[int, Word("compacted", bits=8, lo=0, hi=len(COMPACTED) - 1, names=COMPACTED)]
"""What compaction came to."""

Priority = Annotated[int, Word("priority", bits=8, lo=0, hi=2, names=PRIORITIES)]
"""How hard compaction tries."""

Retries = Annotated[int, Word("retries", bits=32, lo=0, hi=17)]
"""How often compaction succeeded in vain at one priority; 16 at most are forgiven."""

Rounds = Annotated[int, Word("rounds", bits=32, lo=0, hi=(1 << 31) - 1)]
"""How often in a row reclaim made no progress; how many rounds there were since the last restart."""


@attrs.frozen
class ZoneConfig:
    """A zone of a node: all its frames are memory, and managed."""

    name: Kind
    start_pfn: Pfn
    end_pfn: PfnEnd


@attrs.frozen
class NodeConfig:
    """A node's zones, in the order of their kinds."""

    zones: tuple[ZoneConfig, ...]


@attrs.frozen
class Config:
    """The machine of a reset: the nodes and the distances between them; all frames are free, every node has CPUs.

    Each zone's counters show its frames, and a free block of every order is on a list of a mergeable type.
    """

    nodes: tuple[NodeConfig, ...]
    distance: tuple[tuple[Distance, ...], ...]
    max_order: Order = 10
    pageblock_order: PageblockOrder = 9


@attrs.frozen
class Reclaimable:
    """Say how many pages reclaim could free in a zone (mm/vmscan.c:zone_reclaimable_pages, v6.12)."""

    zone: Zone
    frames: Mark


@attrs.frozen
class Above:
    """Say that a free found the zone above HIGH again (mm/page_alloc.c:free_unref_page_commit, v6.12)."""

    zone: Zone


@attrs.frozen
class FlagsOf:
    """Ask what a request comes to in the slow path: its flags, and which reserves it may use beyond them."""

    gfp: Gfp
    order: Order
    context: Context = 0


@attrs.frozen
class Worth:
    """What a request comes to."""

    failed: ClassVar[Literal[False]] = False
    flags: AllocFlags
    reserves: AllocFlags


@attrs.frozen
class Walk:
    """Go through a list of zones and take a block from the first that serves (mm/page_alloc.c:get_page_from_freelist, v6.12).

    ``allowed`` nodes are those of the cpuset; of ``dirty`` ones each is over its limit. What the outside answers on the way:
    ``grown`` zones had memory to accept or to initialise, ``empty`` ones turned out to have no block, and ``reclaimed`` frames
    come free in each zone whose node is reclaimed (0: reclaim of single nodes is off, did not scan, or freed nothing).
    """

    gfp: Gfp
    order: Order
    flags: AllocFlags
    node: AnyNode
    nodes: NodeSet = ALL_NODES
    allowed: NodeSet = ALL_NODES
    dirty: NodeSet = 0
    grown: ZoneSet = 0
    empty: ZoneSet = 0
    reclaimed: Mark = 0


@attrs.frozen
class Taken:
    """The zone that a block was taken from, and what the request had come to by then."""

    failed: ClassVar[Literal[False]] = False
    zone: Zone
    flags: AllocFlags = 0


@attrs.frozen
class Enter:
    """Ask for a block (mm/page_alloc.c:__alloc_pages_noprof, v6.12).

    ``context`` tells what the task is, ``mems`` the nodes of its cpuset, ``wall`` those of the nearest ancestor with walls;
    with ``cpusets`` such sets are in use. ``inject`` is whether fault injection fails the request.
    ``dirty``, ``grown``, ``empty`` and ``reclaimed`` are as in a walk.
    """

    task: Task
    gfp: Gfp
    order: Order
    node: AnyNode
    nodes: NodeSet = ALL_NODES
    context: Context = 0
    cpusets: Truth = 0
    mems: NodeSet = ALL_NODES
    wall: NodeSet = ALL_NODES
    inject: Truth = 0
    dirty: NodeSet = 0
    grown: ZoneSet = 0
    empty: ZoneSet = 0
    reclaimed: Mark = 0


@attrs.frozen
class Answer:
    """Say what came of what a request asked for, and how the outside is now.

    ``progress`` is what reclaim freed, ``compacted`` what compaction came to, with ``captured`` the zone whose block it handed
    over (``NOWHERE``: none) and ``suitable`` whether a zone would suit it once reclaim had gone on; ``killed`` is whether the OOM
    killer did anything, ``busy`` whether somebody else is at it; ``released`` whether a HIGHATOMIC pageblock was turned
    back.
    ``changed`` tells whether the task's cpuset or the zonelists changed since the path last began.
    """

    task: Task
    progress: Truth = 0
    compacted: Compacted = 0
    captured: ZoneEnd = NOWHERE
    suitable: Truth = 0
    killed: Truth = 0
    busy: Truth = 0
    released: Truth = 0
    changed: Truth = 0
    context: Context = 0
    cpusets: Truth = 0
    mems: NodeSet = ALL_NODES
    wall: NodeSet = ALL_NODES
    grown: ZoneSet = 0
    empty: ZoneSet = 0
    reclaimed: Mark = 0


@attrs.frozen
class Turn:
    """A block of a zone, or what is asked before the request goes on: of compaction also how hard it tries."""

    failed: ClassVar[Literal[False]] = False
    ask: Ask
    zone: ZoneEnd = NOWHERE
    priority: Priority = 0
    flags: AllocFlags = 0
    """What the request came to when the block was taken, or has come to so far."""
