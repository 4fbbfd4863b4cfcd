"""The requests, results and words of the watermarks; nothing here decides anything.

A zone is named by a number: ``node * 8 + kind``. Every kind of zone has its number on every node, also where a kernel is built
without it: such a zone has no memory, and no formula tells it from one that is empty.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import attrs

from mmspec.errors import DONE, EINVAL, Done, Error
from mmspec.words import Flags, Order, Word

__all__ = [
    "DONE", "EINVAL", "Balanced", "Boost", "Config", "Done", "Error", "Fast", "Frames", "Kswapd", "LimitPerCpu", "Limits",
    "LookReserves", "LookTotal", "LookWatermarks", "Ok", "Passed", "Recommend", "Refresh", "Report", "Reserves", "SetBoostFactor",
    "SetManaged", "SetMinFree", "SetReserveRatio", "SetScaleFactor", "SetTiering", "Unboost", "Wake", "Watermarks", "Woken",
]  # fmt: skip

ZONE_KINDS = ("DMA", "DMA32", "NORMAL", "HIGHMEM", "MOVABLE", "DEVICE")
"""The kinds of zones, lowest first (include/linux/mmzone.h:enum zone_type, v6.12)."""

DMA, DMA32, NORMAL, HIGHMEM, MOVABLE, DEVICE = range(6)

KINDS = len(ZONE_KINDS)
NODE_SHIFT = 3
"""``zone >> NODE_SHIFT`` is a zone's node."""

MAX_NODES = 64
MAX_MANAGED = 1 << 34
"""Most frames of all zones together. Up to here, with ``min_free_kbytes`` an ``int``, no product of the kernel's leaves 64 bits;
on 32 bits no more than 2**22 frames can exist, and none leaves the ``u64`` that it is computed in."""

LOWMEM_SHARE = 1024
"""The frames that count as lowmem are at least this part of all. With fewer, the share of a MOVABLE zone, which is not part of
lowmem, grows without limit, and its marks leave an ``unsigned long`` of 32 bits."""

NO_USER_VALUE = -1
"""``user_min_free_kbytes`` before anybody wrote it."""

KERNELS = {"6.1": 601, "6.12": 612}

ALLOC_NO_WATERMARKS = 0x04
ALLOC_OOM = 0x08
ALLOC_NON_BLOCK = 0x10
ALLOC_MIN_RESERVE = 0x20
ALLOC_CMA = 0x80
ALLOC_HIGHATOMIC = 0x200
ALLOC_RESERVES = ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE | ALLOC_HIGHATOMIC | ALLOC_OOM
ALLOC_WMARK_MASK = ALLOC_NO_WATERMARKS - 1
"""The bits of a request's flags that tell which mark it is held to (mm/internal.h, v6.12)."""

WMARK_MIN, WMARK_LOW, WMARK_HIGH, WMARK_PROMO = range(4)
"""The four marks (include/linux/mmzone.h:enum zone_watermarks, v6.12)."""

Zone = Annotated[int, Word("zone", bits=16, lo=0, hi=(MAX_NODES << NODE_SHIFT) - 1)]
"""A zone: ``node * 8 + kind``."""

ZoneEnd = Annotated[int, Word("zone_end", bits=16, lo=0, hi=MAX_NODES << NODE_SHIFT)]
"""The exclusive end of a range of zones."""

Node = Annotated[int, Word("node", bits=16, lo=0, hi=MAX_NODES - 1)]
"""A node."""

Kind = Annotated[int, Word("zone_kind", bits=8, lo=0, hi=KINDS - 1, names=ZONE_KINDS)]
"""A kind of zone; of a request, the highest that it may use."""

Managed = Annotated[int, Word("managed", bits=64, lo=0, hi=MAX_MANAGED)]
"""Frames that a zone was given to hand out."""

Mark = Annotated[int, Word("mark", bits=64, lo=0, hi=(1 << 48) - 1)]
"""A mark, a boost or a reserve, in frames."""

Held = Annotated[int, Word("held", bits=64, lo=-(1 << 48), hi=(1 << 48) - 1, signed=True)]
"""A count of free frames as a check sees it: less than none once what is unusable is taken off."""

Kbytes = Annotated[int, Word("kbytes", bits=32, lo=0, hi=(1 << 31) - 1)]
"""A number of kilobytes in an ``int``."""

UserKbytes = Annotated[int, Word("user_kbytes", bits=32, lo=NO_USER_VALUE, hi=(1 << 31) - 1, signed=True)]
"""``min_free_kbytes`` as a user wrote it; ``NO_USER_VALUE`` where nobody did."""

Factor = Annotated[int, Word("factor", bits=32, lo=0, hi=(1 << 31) - 1)]
"""A setting in ten-thousandths."""

Ratio = Annotated[int, Word("ratio", bits=32, lo=-(1 << 31), hi=(1 << 31) - 1, signed=True)]
"""One number of ``lowmem_reserve_ratio``."""

Cell = Annotated[int, Word("reserve_cell", bits=16, lo=0, hi=(MAX_NODES << (2 * NODE_SHIFT)) - 1)]
"""A place in the table of reserves: ``zone * 8 + highest kind of the request``."""

Blocks = Annotated[int, Word("blocks", bits=16, lo=0, hi=(1 << 14) - 1)]
"""Bit o is set where a free block of order o is on one of some lists."""

Cpus = Annotated[int, Word("cpus", bits=16, lo=0, hi=8192)]
"""A number of processors."""

Failures = Annotated[int, Word("failures", bits=32, lo=0, hi=(1 << 31) - 1)]
"""How often in a row kswapd could reclaim nothing."""

Truth = Annotated[int, Word("truth", bits=8, lo=0, hi=1)]
"""1 for yes, 0 for no."""

PageShift = Annotated[int, Word("page_shift", bits=8, lo=12, hi=16)]
"""The binary logarithm of a page's size in bytes."""

PageblockOrder = Annotated[int, Word("pageblock_order", bits=8, lo=1, hi=13)]
"""The order of a pageblock."""


@attrs.frozen
class Config:
    """The machine of a reset: its zones as (node, kind, managed frames), ascending, each with memory present.

    The marks are those of the boot (mm/page_alloc.c:init_per_zone_wmark_min, v6.12), all settings have their defaults,
    nothing is free, and every kswapd sleeps.
    """

    zones: tuple[tuple[Node, Kind, Managed], ...]
    page_shift: PageShift = 12
    pageblock_order: PageblockOrder = 9
    kdump: Truth = 0
    """Whether this is the kernel that dumps another."""


@attrs.frozen
class SetMinFree:
    """Write vm.min_free_kbytes."""

    kbytes: Kbytes


@attrs.frozen
class SetScaleFactor:
    """Write vm.watermark_scale_factor."""

    factor: Factor


@attrs.frozen
class SetBoostFactor:
    """Write vm.watermark_boost_factor."""

    factor: Factor


@attrs.frozen
class SetReserveRatio:
    """Write one number of vm.lowmem_reserve_ratio; the others keep theirs."""

    kind: Kind
    ratio: Ratio


@attrs.frozen
class SetTiering:
    """Switch the memory tiering of kernel.numa_balancing on or off."""

    on: Truth


@attrs.frozen
class SetManaged:
    """Give frames to a zone or take them, as a balloon and the boot do: no mark follows (adjust_managed_page_count)."""

    zone: Zone
    managed: Managed


@attrs.frozen
class Refresh:
    """Compute everything anew, as the boot and each hotplug do (mm/page_alloc.c:init_per_zone_wmark_min, v6.12)."""


@attrs.frozen
class Recommend:
    """Start or stop khugepaged (mm/khugepaged.c:set_recommended_min_free_kbytes, v6.12): ``huge`` pages may be used or not."""

    huge: Truth


@attrs.frozen
class Boost:
    """Boost a zone's marks since one of its pageblocks was claimed (mm/page_alloc.c:boost_watermark, v6.12)."""

    zone: Zone


@attrs.frozen
class Unboost:
    """Take the boost back that kswapd set out with (mm/vmscan.c:balance_pgdat, v6.12)."""

    zone: Zone
    pages: Mark


@attrs.frozen
class Report:
    """Say what is free in a zone: the outside's business, until it says otherwise.

    ``free`` is NR_FREE_PAGES as the zone's counter has it, ``exact`` with what each CPU holds back; ``highatomic`` and ``cma``
    are the free frames of such pageblocks; ``drift_mark`` is the zone's ``percpu_drift_mark``; ``blocks`` tells at which
    orders a list of a mergeable type is not empty, ``cma_blocks`` and ``highatomic_blocks`` the lists of these types.
    """

    zone: Zone
    free: Mark
    exact: Mark
    highatomic: Mark = 0
    cma: Mark = 0
    drift_mark: Mark = 0
    blocks: Blocks = 0
    cma_blocks: Blocks = 0
    highatomic_blocks: Blocks = 0


@attrs.frozen
class Kswapd:
    """Say how a node's kswapd fares: whether it waits to be woken, and how often in a row it failed. Nothing is asked of it."""

    node: Node
    waiting: Truth
    failures: Failures = 0


@attrs.frozen
class LookWatermarks:
    """Ask for a zone's marks without its boost, and for the boost."""

    zone: Zone


@attrs.frozen
class Watermarks:
    """A zone's four marks, which leave the boost out, and its boost."""

    failed: ClassVar[Literal[False]] = False
    min: Mark
    low: Mark
    high: Mark
    promo: Mark
    boost: Mark


@attrs.frozen
class LookReserves:
    """Ask how much of a zone is kept from requests that could have used a higher one."""

    zone: Zone


@attrs.frozen
class Reserves:
    """The frames that a zone keeps from requests, by the highest kind that they may use: zoneinfo's ``protection``."""

    failed: ClassVar[Literal[False]] = False
    dma: Mark
    dma32: Mark
    normal: Mark
    highmem: Mark
    movable: Mark
    device: Mark


@attrs.frozen
class LookTotal:
    """Ask how many frames of a node count as reserved (mm/page_alloc.c:calculate_totalreserve_pages, v6.12)."""

    node: Node


@attrs.frozen
class Frames:
    """A number of frames."""

    failed: ClassVar[Literal[False]] = False
    count: Mark


@attrs.frozen
class Ok:
    """Hold what is free in a zone against a mark and a reserve that are given (mm/page_alloc.c:__zone_watermark_ok, v6.12)."""

    zone: Zone
    order: Order
    mark: Mark
    reserve: Mark = 0
    flags: Flags = 0


@attrs.frozen
class Fast:
    """Hold what is free in a zone against its own mark and reserve (mm/page_alloc.c:zone_watermark_fast, v6.12).

    ``flags`` name the mark; ``atomic`` tells whether the request had 6.1's ``__GFP_ATOMIC``.
    """

    zone: Zone
    order: Order
    highest: Kind
    flags: Flags = 0
    atomic: Truth = 0


@attrs.frozen
class Passed:
    """Whether a check was passed."""

    failed: ClassVar[Literal[False]] = False
    passed: Truth


@attrs.frozen
class Balanced:
    """Ask whether a node needs no reclaim for a request (mm/vmscan.c:pgdat_balanced, v6.12)."""

    node: Node
    order: Order
    highest: Kind


@attrs.frozen
class Wake:
    """Wake a zone's kswapd if that helps (mm/vmscan.c:wakeup_kswapd, v6.12).

    ``admitted`` tells whether the cpuset of the request has the zone's node; ``direct`` whether the request may reclaim itself.
    """

    zone: Zone
    order: Order
    highest: Kind
    direct: Truth = 1
    admitted: Truth = 1


@attrs.frozen
class Woken:
    """Whom a request woke, and what the node's kswapd is asked for then.

    ``highest`` is the highest kind that it is asked to reclaim for; without ``asked`` nobody asked it since it last ran.
    """

    failed: ClassVar[Literal[False]] = False
    kswapd: Truth
    kcompactd: Truth
    asked: Truth
    order: Order
    highest: Kind


@attrs.frozen
class LimitPerCpu:
    """Ask for the limits of a zone's per-CPU lists (mm/page_alloc.c:zone_set_pageset_high_and_batch, v6.12).

    ``local`` CPUs are of the zone's node, one that is coming online among them; ``fraction`` is
    vm.percpu_pagelist_high_fraction, 0 where the lists tune themselves.
    """

    zone: Zone
    local: Cpus
    online: Cpus
    fraction: Factor = 0


@attrs.frozen
class Limits:
    """Frames moved at a time, and the least and most frames that a CPU's lists are allowed."""

    failed: ClassVar[Literal[False]] = False
    batch: Mark
    high_min: Mark
    high_max: Mark
