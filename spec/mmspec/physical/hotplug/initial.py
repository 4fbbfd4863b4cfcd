"""The memory of a machine after boot: every block online, each zone spanning its blocks."""

from __future__ import annotations

from mmspec.errors import InputError
from mmspec.physical.hotplug.ops import MAX_NODES, NOWHERE, SUBSECTION_ORDER, Config, Zone
from mmspec.physical.hotplug.ops import ONLINE as IS_ONLINE
from mmspec.physical.hotplug.spans import with_hull, with_span, zone_end
from mmspec.physical.hotplug.state import (
    Memory,
    Rules,
    Shape,
    Spans,
    block_size,
    block_start,
    is_kernel_kind,
    is_node,
    is_zone,
    kind_of,
    node_of,
    ram_end,
    takes_blocks,
    zone_at,
)
from mmspec.pmap import pmap

MAX_BLOCKS = 1 << 16
"""Most blocks at boot: they are held one by one."""


def shape_of(config: Config) -> Shape:
    """Return what never changes (InputError: which part is wrong, and how it must be)."""
    if not 1 <= config.nodes <= MAX_NODES or config.cpus >> config.nodes:
        raise InputError(f"{config.nodes} nodes, CPUs on {config.cpus:#x}", hint=f"1 to {MAX_NODES} nodes, CPUs on these")
    if not SUBSECTION_ORDER <= config.pageblock_order <= config.section_order <= config.block_order:
        raise InputError("sizes do not nest", hint="sub-section, pageblock, section, block: each a part of the next")
    if not 0 < config.mappable_end <= config.physical_end or config.physical_end % (1 << config.block_order):
        raise InputError("the ends of memory are out of order", hint="mappable_end, then physical_end, which ends a block")
    return Shape(
        config.section_order, config.block_order, config.pageblock_order, config.nodes, config.cpus, config.mappable_end,
        config.physical_end,
    )  # fmt: skip


def check_memory(config: Config, shape: Shape) -> None:
    """Check the blocks at the door (InputError: what is wrong with them)."""
    size, before = block_size(shape), -1
    if len(config.memory) > MAX_BLOCKS:
        raise InputError(f"{len(config.memory)} blocks", hint=f"at most {MAX_BLOCKS}")
    for block, node, kind, reserved, hole in config.memory:
        if block <= before or block_start(shape, block) + size > shape.mappable_end:
            raise InputError(f"block {block} is out of order or beyond what is mapped", hint="ascending blocks")
        if node >= shape.nodes or not takes_blocks(kind):
            raise InputError(f"block {block} is in no zone", hint="DMA, DMA32, NORMAL or MOVABLE of a node")
        if not 0 <= hole < size or hole % (1 << SUBSECTION_ORDER) or not 0 <= reserved <= size - hole:
            raise InputError(f"block {block} has a wrong hole or reserve", hint="whole sub-sections, less than the block")
        before = block


def initial_memory(config: Config) -> Memory:
    """Return the memory that a configuration describes (InputError: it does not describe one)."""
    shape = shape_of(config)
    check_memory(config, shape)
    present: dict[Zone, int] = {}
    managed: dict[Zone, int] = {}
    nodes: dict[int, int] = {}
    for _, node, kind, reserved, hole in config.memory:
        frames, zone = block_size(shape) - hole, zone_at(node, kind)
        present[zone] = present.get(zone, 0) + frames
        managed[zone] = managed.get(zone, 0) + frames - reserved
        nodes[node] = nodes.get(node, 0) + frames
    rows = config.memory
    return Memory(
        shape, pmap({row[0]: IS_ONLINE for row in rows}), pmap({row[0]: row[1] for row in rows}),
        pmap({row[0]: zone_at(row[1], row[2]) for row in rows}), pmap({row[0]: True for row in rows}),
        pmap({row[0]: row[4] for row in rows}), pmap({row[0]: row[3] for row in rows}),
        pmap({row[0]: row[3] > 0 for row in rows}), pmap(), pmap(), pmap(), pmap(present), pmap(present), pmap(managed),
        pmap(nodes), sum(managed.values()), pmap(), pmap(),
    )  # fmt: skip


def initial_spans(config: Config, kernel: str) -> Spans:
    """Return where Linux's zones lie after boot: over their blocks, or further where the configuration says so."""
    memory = initial_memory(config)
    rules = Rules(config.online_policy, config.auto_movable_ratio, config.auto_movable_numa_aware, config.movable_node)
    online = {node: True for node in range(config.nodes) if is_node(config.cpus, node)}
    online.update((row[1], True) for row in config.memory)
    spans = Spans(rules, pmap(), pmap(), pmap(), pmap(), pmap(online), pmap())
    for block, node, kind, _, _ in config.memory:
        zone = zone_at(node, kind)
        start, end = block_start(memory.shape, block), ram_end(memory, block)
        spans = with_span(spans, zone, spans.start.get(zone, start), end)
    for zone, start, end in config.spans:
        spans = widened(spans, memory, zone, start, end)
    for node in range(config.nodes):
        spans = with_hull(spans, node)
    return spans


def widened(spans: Spans, memory: Memory, zone: Zone, start: int, end: int) -> Spans:
    """Let a zone span more than its blocks (InputError: it may not, or would span less)."""
    holds = start <= spans.start.get(zone, 0) and zone_end(spans, zone) <= end and 0 <= start < end <= memory.shape.physical_end
    kernels = zone < NOWHERE and is_zone(memory.shape, zone) and is_kernel_kind(kind_of(zone))
    if not holds or not kernels or spans.spanned.get(zone, 0) == 0 or node_of(zone) >= memory.shape.nodes:
        raise InputError(f"zone {zone} cannot span [{start:#x}, {end:#x})", hint="a kernel zone with memory, and all of that")
    return with_span(spans, zone, start, end)
