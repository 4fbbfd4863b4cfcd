"""What is free in each zone, which everybody knows, and Linux's marks and settings beside it.

``Machine`` is a function of the operations alone. ``Marks`` is Linux's: the settings as they stand, and what was computed from
them when it was last set up. What a map does not hold is 0.
"""

from __future__ import annotations

import attrs

from mmspec.errors import InputError
from mmspec.physical.watermarks.ops import (
    DMA,
    DMA32,
    HIGHMEM,
    KINDS,
    LOWMEM_SHARE,
    MAX_MANAGED,
    MAX_NODES,
    MOVABLE,
    NODE_SHIFT,
    NORMAL,
    Blocks,
    Cell,
    Config,
    Factor,
    Failures,
    Kbytes,
    Kind,
    Managed,
    Mark,
    Node,
    PageblockOrder,
    PageShift,
    Ratio,
    Truth,
    UserKbytes,
    Zone,
    ZoneEnd,
)  # fmt: skip
from mmspec.pmap import PMap, pmap
from mmspec.words import Kernel, Order


@attrs.frozen
class Machine:
    """The zones of a machine, and what is free in them."""

    end: ZoneEnd  # behind the last node's last zone
    page_shift: PageShift
    pageblock_order: PageblockOrder
    present: PMap[Zone, bool]  # the zones that have memory (populated_zone)
    managed: PMap[Zone, Managed]  # frames that the zone was given to hand out
    free: PMap[Zone, Mark]  # NR_FREE_PAGES as the zone's counter has it
    exact: PMap[Zone, Mark]  # the same with what each CPU holds back
    highatomic: PMap[Zone, Mark]  # free frames of HIGHATOMIC pageblocks (6.1: frames of all of them)
    cma: PMap[Zone, Mark]  # free frames of CMA pageblocks
    drift_mark: PMap[Zone, Mark]  # percpu_drift_mark
    blocks: PMap[Zone, Blocks]  # the orders at which a list of a mergeable type is not empty
    cma_blocks: PMap[Zone, Blocks]  # the same of the CMA lists
    highatomic_blocks: PMap[Zone, Blocks]  # the same of the HIGHATOMIC lists


@attrs.frozen
class Marks:
    """Linux's settings and what was computed from them (mm/page_alloc.c, v6.12)."""

    kernel: Kernel
    kdump: Truth
    min_free: Kbytes  # min_free_kbytes
    user_min_free: UserKbytes  # user_min_free_kbytes
    scale: Factor  # watermark_scale_factor
    boost_factor: Factor  # watermark_boost_factor
    tiering: Truth  # NUMA_BALANCING_MEMORY_TIERING
    ratio: PMap[Kind, Ratio]  # lowmem_reserve_ratio
    min: PMap[Zone, Mark]  # _watermark[WMARK_MIN], and so on
    low: PMap[Zone, Mark]
    high: PMap[Zone, Mark]
    promo: PMap[Zone, Mark]
    boost: PMap[Zone, Mark]  # watermark_boost
    reserve: PMap[Cell, Mark]  # lowmem_reserve, by zone and highest kind
    total: PMap[Node, Mark]  # totalreserve_pages
    running: PMap[Node, bool]  # nodes whose kswapd does not wait to be woken
    failures: PMap[Node, Failures]  # kswapd_failures
    asked: PMap[Node, Kind]  # kswapd_highest_zoneidx; absent: MAX_NR_ZONES
    asked_order: PMap[Node, Order]  # kswapd_order


DEFAULT_RATIO = {DMA: 256, DMA32: 256, NORMAL: 32}
"""``sysctl_lowmem_reserve_ratio``: the kinds that are not here have 0."""


def node_of(zone: Zone) -> Node:
    """Return a zone's node."""
    return zone >> NODE_SHIFT


def kind_of(zone: Zone) -> Kind:
    """Return a zone's kind (zone_idx)."""
    return zone & ((1 << NODE_SHIFT) - 1)


def zone_at(node: Node, kind: Kind) -> Zone:
    """Return the zone of a kind on a node."""
    return (node << NODE_SHIFT) | kind


def cell_of(zone: Zone, highest: Kind) -> Cell:
    """Return the place of a reserve in its table."""
    return (zone << NODE_SHIFT) | highest


def is_zone(machine: Machine, zone: Zone) -> bool:
    """Tell whether the machine has a zone of that number, with memory or without."""
    return (zone < machine.end) & (kind_of(zone) < KINDS)


def is_node(machine: Machine, node: Node) -> bool:
    """Tell whether the machine has a node."""
    return zone_at(node, 0) < machine.end


def machine_of(config: Config) -> Machine:
    """Return the machine that a configuration describes, with nothing free (InputError: which zone is wrong, and how)."""
    last = -1
    managed: dict[Zone, Managed] = {}
    if not 12 <= config.page_shift <= 16:
        raise InputError(f"page_shift {config.page_shift} is none", hint="12 to 16")
    if not 1 <= config.pageblock_order <= 13:
        raise InputError(f"pageblock_order {config.pageblock_order} is none", hint="1 to 13")
    if config.kdump not in (0, 1):
        raise InputError(f"kdump {config.kdump} is no truth", hint="0 or 1")
    for node, kind, frames in config.zones:
        if not (0 <= node < MAX_NODES and 0 <= kind < KINDS and 0 <= frames <= MAX_MANAGED):
            raise InputError(f"zone ({node}, {kind}, {frames}) is none", hint=f"nodes below {MAX_NODES}, kinds below {KINDS}")
        zone = zone_at(node, kind)
        if zone <= last:
            raise InputError(f"zone ({node}, {kind}) stands twice, or out of order", hint="ascending by node, then by kind")
        managed[zone] = frames
        last = zone
    total = sum(managed.values())
    lowmem = sum(frames for zone, frames in managed.items() if kind_of(zone) not in (HIGHMEM, MOVABLE))
    if not 0 < total <= min(lowmem * LOWMEM_SHARE, MAX_MANAGED):
        raise InputError(
            f"{total} frames, {lowmem} of them lowmem, are beyond what the formulae are stated for",
            hint=f"at most {MAX_MANAGED} frames, and lowmem at least a {LOWMEM_SHARE}th of them",
        )
    present = dict.fromkeys(managed, True)
    return Machine(
        zone_at(node_of(last) + 1, 0), config.page_shift, config.pageblock_order, pmap(present), pmap(managed),
        pmap(), pmap(), pmap(), pmap(), pmap(), pmap(), pmap(), pmap(),
    )  # fmt: skip
