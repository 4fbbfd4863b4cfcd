"""The requests to the per-CPU page lists of one zone, their results, and the numbers that both sides share.

Shared by the law, every implementation and every client; nothing here decides anything.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import attrs

from mmspec.errors import DONE, EBUSY, EINVAL, ENOENT, Done, Error
from mmspec.words import Count, Flags, Migratetype, Order, Pfn, PfnEnd, Word

__all__ = [
    "DONE",
    "EBUSY",
    "EINVAL",
    "ENOENT",
    "Alloc",
    "Block",
    "Blocks",
    "Bulk",
    "Cacheinfo",
    "Config",
    "CountPages",
    "Decay",
    "Disable",
    "Done",
    "Drain",
    "DrainAll",
    "Enable",
    "Error",
    "Expire",
    "Frames",
    "Free",
    "HeldBlocks",
    "Limits",
    "Page",
    "Plan",
    "Refill",
    "Tune",
    "Want",
]  # fmt: skip

UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, CMA, ISOLATE = range(6)
"""Pageblock types, numbered as include/linux/mmzone.h:enum migratetype does in v6.12 with CONFIG_CMA."""

KERNELS = {"6.1": 601, "6.12": 612}
"""The kernels whose choices are specified, as numbers that can be compared: 100 * major + minor."""

CPUS = 4095
"""Most CPUs of a zone: the number of a list is ``cpu << 4 | index``, of 16 bits, and the last one names none."""

COSTLY_ORDER = 3
"""The largest order that has a list for each type (include/linux/mmzone.h:PAGE_ALLOC_COSTLY_ORDER, v6.12)."""

LOW_LISTS = 12
"""Lists of those orders: four orders of three types (include/linux/mmzone.h:NR_LOWORDER_PCP_LISTS, v6.12)."""

LISTS = 14
"""Lists of a CPU: two more for blocks of a huge page (include/linux/mmzone.h:NR_PCP_LISTS, v6.12, with THP)."""

MIN_HIGH_FRACTION = 8
"""The least fraction of a zone that the limits may be (mm/page_alloc.c:MIN_PERCPU_PAGELIST_HIGH_FRACTION, v6.12)."""

EXPIRE_TICKS = 3
"""Refreshes of the statistics that an idle remote CPU keeps its pages for (mm/vmstat.c:refresh_cpu_vm_stats, v6.12)."""

AGAIN = 1
"""Of an allocation: it goes on after a refill, or is one of a bulk request, so that it is no sign of its own."""

BELOW_HIGH, RECLAIM_ACTIVE = 1, 2
"""The flags of the zone that the lists go by (include/linux/mmzone.h:enum zone_flags, v6.12; numbered here)."""

CHANGED, REMOTE = 1, 2
"""Of a refresh of the statistics: the CPU had counted something in the zone, and the zone is of another node than the CPU."""

PREV_FREE_HIGH_ORDER, FREE_HIGH_BATCH = 1, 2
"""A CPU's own flags (include/linux/mmzone.h:PCPF_PREV_FREE_HIGH_ORDER, PCPF_FREE_HIGH_BATCH, v6.12)."""

Cpu = Annotated[int, Word("cpu", bits=16, lo=0, hi=CPUS)]
"""The number of a CPU, or a number of CPUs."""

Index = Annotated[int, Word("pcp_index", bits=8, lo=0, hi=15)]
"""Which of a CPU's lists (mm/page_alloc.c:order_to_pindex, v6.12); from ``LISTS`` on, none."""

PcpList = Annotated[int, Word("pcp_list", bits=16, lo=0, hi=0xFFFF)]
"""The number of a list among those of all CPUs: ``cpu << 4 | index``; 0xFFFF where there is none."""

Factor = Annotated[int, Word("scale_factor", bits=8, lo=0, hi=6)]
"""By how many bits a batch is scaled (mm/Kconfig:PCP_BATCH_SCALE_MAX, v6.12: 0 to 6)."""

Ticks = Annotated[int, Word("ticks", bits=8, lo=0, hi=EXPIRE_TICKS)]
"""Refreshes of the statistics."""


@attrs.frozen
class Config:
    """The lists that a reset makes: all empty, with the limits of the boot pageset, for blocks of the zone [start_pfn, end_pfn).

    Blocks of order 0 to 3 are kept, and of ``huge_order`` (0: of no other; a huge page's order with THP). ``scale_max`` is
    CONFIG_PCP_BATCH_SCALE_MAX.
    """

    start_pfn: Pfn
    end_pfn: PfnEnd
    cpus: Cpu = 1
    huge_order: Order = 9
    scale_max: Factor = 5


@attrs.frozen
class Alloc:
    """Hand out a block that a CPU holds (mm/page_alloc.c:rmqueue_pcplist, v6.12). ENOENT: it holds none, and wants a refill."""

    cpu: Cpu
    order: Order
    migratetype: Migratetype = MOVABLE
    flags: Flags = 0


@attrs.frozen
class Page:
    """The first frame of the block that was handed out."""

    failed: ClassVar[Literal[False]] = False
    pfn: Pfn


@attrs.frozen
class Want:
    """Ask how many blocks a refill takes from the free lists (mm/page_alloc.c:nr_pcp_alloc, v6.12)."""

    cpu: Cpu
    order: Order
    flags: Flags = 0


@attrs.frozen
class Frames:
    """A number, of frames or blocks."""

    failed: ClassVar[Literal[False]] = False
    count: Count


@attrs.frozen
class Refill:
    """Put one block that the free lists gave to a request on its list (mm/page_alloc.c:rmqueue_bulk, v6.12)."""

    cpu: Cpu
    pfn: Pfn
    order: Order
    migratetype: Migratetype = MOVABLE


@attrs.frozen
class Free:
    """Give a block to a CPU, with the type of its pageblock (mm/page_alloc.c:free_unref_page, v6.12).

    The answer is how many frames are to go back to the free lists now: ``Drain`` says which, block by block. EBUSY: the block
    itself goes there.
    """

    cpu: Cpu
    pfn: Pfn
    order: Order
    migratetype: Migratetype = MOVABLE
    flags: Flags = 0


@attrs.frozen
class Bulk:
    """Begin to give so many frames back (mm/page_alloc.c:free_pcppages_bulk, v6.12, from its first list on)."""

    cpu: Cpu
    count: Count


@attrs.frozen
class Drain:
    """Take the next block that goes back to the free lists. ENOENT: nothing is left to give back."""

    cpu: Cpu


@attrs.frozen
class Block:
    """A block: its first frame and its order."""

    failed: ClassVar[Literal[False]] = False
    pfn: Pfn
    order: Order


@attrs.frozen
class DrainAll:
    """Ask what a drain of all that a CPU holds gives back (mm/page_alloc.c:drain_pages_zone, v6.12)."""

    cpu: Cpu


@attrs.frozen
class Decay:
    """Lower the limit of a CPU and ask what is above it (mm/page_alloc.c:decay_pcp_high, v6.12)."""

    cpu: Cpu


@attrs.frozen
class Expire:
    """Count a refresh of the statistics, and ask what an idle remote CPU gives back (mm/vmstat.c:refresh_cpu_vm_stats, v6.12)."""

    cpu: Cpu
    flags: Flags = 0


@attrs.frozen
class Plan:
    """Frames that are to go back, and how many of them at most under one hold of the lock: so much each ``Bulk`` asks for."""

    failed: ClassVar[Literal[False]] = False
    total: Count
    portion: Count


@attrs.frozen
class Tune:
    """Compute the limits anew (mm/page_alloc.c:zone_set_pageset_high_and_batch, v6.12).

    ``low`` is the zone's low mark, ``local`` the CPUs of its node, ``coming`` those that are coming online, ``online`` all;
    ``fraction`` is what is written to percpu_pagelist_high_fraction.
    """

    managed: Count
    low: Count
    local: Cpu = 1
    coming: Cpu = 0
    online: Cpu = 1
    fraction: Count = 0


@attrs.frozen
class Limits:
    """A batch, and the bounds of every CPU's limit, in frames; under 6.1 both are the limit."""

    failed: ClassVar[Literal[False]] = False
    batch: Count
    high_min: Count
    high_max: Count


@attrs.frozen
class Disable:
    """Let no CPU keep blocks, until they are enabled again (mm/page_alloc.c:zone_pcp_disable, v6.12, without its drain)."""


@attrs.frozen
class Enable:
    """Let the CPUs keep blocks again (mm/page_alloc.c:zone_pcp_enable, v6.12)."""


@attrs.frozen
class Cacheinfo:
    """Tell a CPU how many frames its slice of the data cache has (mm/page_alloc.c:zone_pcp_update_cacheinfo, v6.12)."""

    cpu: Cpu
    frames: Count


@attrs.frozen
class CountPages:
    """Ask how many frames a CPU holds."""

    cpu: Cpu


@attrs.frozen
class HeldBlocks:
    """Ask for the blocks that a CPU holds."""

    cpu: Cpu


@attrs.frozen
class Blocks:
    """Blocks as (first frame, order), in any order."""

    failed: ClassVar[Literal[False]] = False
    blocks: tuple[tuple[Pfn, Order], ...]
