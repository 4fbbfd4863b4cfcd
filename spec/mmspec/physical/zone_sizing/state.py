"""What a machine knows of its memory when it sizes its zones, and how they were sized last."""

from __future__ import annotations

import attrs

from mmspec.errors import InputError
from mmspec.physical.zone_sizing.ops import (
    ADDRESS_BITS,
    HOTPLUG,
    LIMITED,
    MAX_NODES,
    MIRROR,
    Byte,
    Config,
    Frame,
    Kind,
    Node,
    NodeEnd,
    PageShift,
    Region,
    RegionEnd,
    RegionFlags,
)  # fmt: skip
from mmspec.pmap import PMap, pmap
from mmspec.words import Order


@attrs.frozen
class Layout:
    """The regions of memory, from below, and where MOVABLE begins on each node."""

    nodes: NodeEnd
    page_shift: PageShift
    max_order: Order
    limits: PMap[Kind, Frame]  # where the architecture lets a kind end (max_zone_pfn)
    regions: RegionEnd  # how many regions there are
    base: PMap[Region, Byte]  # the first byte of each region
    end: PMap[Region, Byte]  # its exclusive end, above its base
    node: PMap[Region, Node]
    flags: PMap[Region, RegionFlags]
    movable: PMap[Node, Frame]  # zone_movable_pfn; 0, or no entry: the node has no MOVABLE
    mirrored: bool  # whether the sizing was asked to keep mirrored memory for the kernel


@attrs.frozen
class Nothing:
    """What Linux keeps besides: nothing."""


def no_policy(config: Config, kernel: str) -> Nothing:
    """Return what Linux keeps besides at power-on."""
    return Nothing()


def layout_of(config: Config) -> Layout:
    """Return the machine that a configuration describes (InputError: which part is wrong, and how it must be)."""
    if not 1 <= config.nodes <= MAX_NODES:
        raise InputError(f"{config.nodes} nodes are not a number of nodes", hint=f"1 to {MAX_NODES}")
    if not 12 <= config.page_shift <= 16 or not 0 <= config.max_order <= 13:
        raise InputError(f"pages of 2**{config.page_shift} bytes, blocks to order {config.max_order}", hint="12 to 16, 0 to 13")
    last = 1 << ADDRESS_BITS - config.page_shift
    if len(config.ends) != LIMITED or any(not 0 <= end <= last for end in config.ends):
        raise InputError(f"ends of zones {config.ends}", hint=f"four frames up to {last:#x}")
    limits = pmap(dict(enumerate(config.ends)))
    return Layout(
        config.nodes, config.page_shift, config.max_order, limits, 0, pmap(), pmap(), pmap(), pmap(), pmap(), mirrored=False
    )


# --- one region --------------------------------------------------------------------------------------------------------


def first_frame(layout: Layout, region: Region) -> Frame:
    """Return a region's first whole frame (include/linux/memblock.h:memblock_region_memory_base_pfn, v6.12)."""
    return (layout.base[region] + (1 << layout.page_shift) - 1) >> layout.page_shift


def end_frame(layout: Layout, region: Region) -> Frame:
    """Return the end of a region's whole frames; its first frame where it has none."""
    return max(layout.end[region] >> layout.page_shift, first_frame(layout, region))


def is_hotplug(layout: Layout, region: Region) -> bool:
    """Tell whether a region may be taken out of the machine."""
    return layout.flags[region] & HOTPLUG != 0


def is_mirror(layout: Layout, region: Region) -> bool:
    """Tell whether a region is mirrored."""
    return layout.flags[region] & MIRROR != 0


def movable_start(layout: Layout, node: Node) -> Frame:
    """Return where MOVABLE begins on a node; 0 for nowhere."""
    return layout.movable.get(node, 0)
