"""The state of a zone's per-CPU page lists: what every such cache must know, and what only Linux keeps.

``Pages`` is a function of the operations and their results. ``PcpLists`` is Linux's policy state: the order of its lists, and how
it goes by what it saw (include/linux/mmzone.h:struct per_cpu_pages, v6.12).
"""

from __future__ import annotations

from typing import Annotated

import attrs

from mmspec.errors import InputError
from mmspec.linked import Links
from mmspec.physical.pcp.ops import COSTLY_ORDER, CPUS, LOW_LISTS, MOVABLE, Config, Cpu, Factor, Index, PcpList, Ticks
from mmspec.pmap import PMap
from mmspec.words import ABSENT, MAX_ORDER_LIMIT, PFN_BITS, Count, Flags, Kernel, Migratetype, Order, Pfn, PfnEnd, Word, head_of

Holding = Annotated[int, Word("holding", bits=32, lo=0, hi=(CPUS << 6) | 63)]
"""Who holds a block and as what: ``cpu << 6 | migratetype << 4 | order``; ``NOT_HELD`` where there is none."""

NOT_HELD = ABSENT
"""What a map of holdings answers at a frame that heads no held block: its order is ``ABSENT``."""

UNLISTED = 0xFFFF
"""The list of a frame that heads no held block."""


@attrs.frozen
class Span:
    """What never changes about a zone's lists."""

    start_pfn: Pfn
    end_pfn: PfnEnd  # exclusive
    cpus: Cpu  # how many there are; >= 1
    huge_order: Order  # the order above COSTLY_ORDER that is kept; 0: none
    scale_max: Factor  # by how many bits a batch is scaled at most


@attrs.frozen
class Pages:
    """Which blocks each CPU holds, and what it is about to give back."""

    span: Span
    held: PMap[Pfn, Holding]  # heads of held blocks
    count: PMap[Cpu, Count]  # frames that a CPU holds; absent: 0
    owed: PMap[Cpu, Count]  # frames that a CPU is giving back, its lock held; absent: 0
    disabled: Flags  # 1 between disable and enable


@attrs.frozen
class PcpLists:
    """Linux's lists, fourteen for each CPU, and the numbers that it goes by."""

    kernel: Kernel  # whose choices these are: 601, 612
    links: Links  # the lists, by ``PcpList``
    batch: Count  # frames that move at once
    high_min: Count  # the bounds of every CPU's limit; 6.1 has one number, which is both
    high_max: Count
    zone_batch: Count  # the same while they are not disabled (include/linux/mmzone.h:struct zone, v6.12)
    zone_high_min: Count
    zone_high_max: Count
    high: PMap[Cpu, Count]  # the limit, in frames; absent: 0, as in all maps below
    free_count: PMap[Cpu, Count]  # frames freed in a row; 6.12
    alloc_factor: PMap[Cpu, Factor]  # by how many bits a refill is scaled; 6.12
    free_factor: PMap[Cpu, Factor]  # by how many bits a drain is scaled; 6.1
    flags: PMap[Cpu, Flags]  # PREV_FREE_HIGH_ORDER, FREE_HIGH_BATCH
    expire: PMap[Cpu, Ticks]  # refreshes until an idle remote CPU gives pages back
    cursor: PMap[Cpu, Index]  # the list that a drain stands at


# --- holdings --------------------------------------------------------------------------------------------------------


def holding_of(cpu: Cpu, order: Order, migratetype: Migratetype) -> Holding:
    """Return what a map of holdings says of a block."""
    return (cpu << 6) | (migratetype << 4) | order


def order_held(holding: Holding) -> Order:
    """Return the order of a held block; ``ABSENT`` for ``NOT_HELD``."""
    return holding & 15


def type_held(holding: Holding) -> Migratetype:
    """Return the type of request that a held block is kept for."""
    return (holding >> 4) & 3


def cpu_holding(holding: Holding) -> Cpu:
    """Return the CPU that holds a block."""
    return holding >> 6


def kept_for(migratetype: Migratetype) -> Migratetype:
    """Return the type of request that a block of a pageblock's type is kept for: of HIGHATOMIC and CMA it is MOVABLE."""
    return migratetype if migratetype < 3 else MOVABLE


def keeps_order(span: Span, order: Order) -> bool:
    """Tell whether blocks of an order are kept (mm/page_alloc.c:pcp_allowed_order, v6.12)."""
    return (order <= COSTLY_ORDER) | (order == span.huge_order)


# --- lists -----------------------------------------------------------------------------------------------------------


def index_of(order: Order, migratetype: Migratetype) -> Index:
    """Return which of a CPU's lists a block is on (mm/page_alloc.c:order_to_pindex, v6.12)."""
    if order > COSTLY_ORDER:
        return LOW_LISTS + (migratetype == MOVABLE)
    return 3 * order + migratetype


def list_of(cpu: Cpu, index: Index) -> PcpList:
    """Return the number of a CPU's list."""
    return (cpu << 4) | index


def list_of_holding(holding: Holding) -> PcpList:
    """Return the number of the list that a held block is on; ``UNLISTED`` for ``NOT_HELD``."""
    if holding == NOT_HELD:
        return UNLISTED
    return list_of(cpu_holding(holding), index_of(order_held(holding), type_held(holding)))


# --- the door --------------------------------------------------------------------------------------------------------


def well_placed(span: Span, pfn: Pfn, order: Order) -> bool:
    """Tell whether a block of the order may begin at a frame: of an order that exists, aligned, inside the zone."""
    inside = (span.start_pfn <= pfn) & (pfn + (1 << order) <= span.end_pfn)
    return (order <= MAX_ORDER_LIMIT) & (head_of(pfn, order) == pfn) & inside


def span_of(config: Config) -> Span:
    """Check a configuration at the door and return its span (InputError: which field is wrong, and how it must be)."""
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
    return Span(config.start_pfn, config.end_pfn, config.cpus, config.huge_order, config.scale_max)
