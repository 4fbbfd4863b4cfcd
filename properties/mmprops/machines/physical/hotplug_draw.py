"""Configurations of the machine ``hotplug``: a few blocks of boot on a few nodes, with reserves and holes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from mmspec.physical.hotplug.ops import (
    AUTO_MOVABLE,
    CONTIG_ZONES,
    DMA,
    DMA32,
    MOVABLE,
    NODE_SHIFT,
    NORMAL,
    Block,
    Config,
    Frames,
    Kind,
    Node,
)

BLOCKS = 24
"""The memory of a machine ends with this block."""

SIZES = ((15, 15, 9), (15, 15, 9), (15, 16, 9), (15, 19, 10), (17, 17, 13))
"""Orders of sections, memory blocks and pageblocks: x86-64 with blocks of 128 MiB, 256 MiB and 2 GiB, and one of large pages."""

KINDS_UP = (DMA, DMA32, NORMAL, NORMAL, NORMAL, MOVABLE)
RATIOS = (301, 100, 0, 1000)


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a machine of one to three nodes with up to eight blocks at boot, of 24 that memory may have."""
    section_order, block_order, pageblock_order = SIZES[header[0] % len(SIZES)]
    nodes = min(1 + header[1] % 3, capabilities["max_nodes"])
    size = 1 << block_order
    memory = tuple(blocks(header, nodes, size))
    ruled = capabilities["rules"]
    return Config(
        memory,
        nodes,
        header[2] & header[9] & ((1 << nodes) - 1),
        tuple(wide(header, memory, block_order)),
        section_order,
        block_order,
        pageblock_order,
        (BLOCKS - header[3] % 3) * size,
        BLOCKS * size,
        AUTO_MOVABLE if ruled and header[4] % 3 == 1 else CONTIG_ZONES,
        RATIOS[header[5] % len(RATIOS)],
        header[6] % 2,
        int(ruled and header[7] % 4 == 1),
    )


def blocks(header: bytes, nodes: int, size: Frames) -> Iterator[tuple[Block, Node, Kind, Frames, Frames]]:
    """Yield blocks of boot: a node's one behind another, their kinds ascending on each, with gaps, holes and reserves."""
    at = header[8] % 3
    for turn in range(header[9] % 9):
        bits = header[10 + turn % 3] + 37 * turn
        kind = KINDS_UP[min(turn * (1 + header[13] % 3) + header[14] % 3, len(KINDS_UP) - 1)]
        hole = 512 * (1 + bits % 7) if bits % 5 == 1 else 0
        reserved = 100 if bits % 3 == 1 else 0
        yield at, turn * nodes // 9, kind, reserved, hole
        at += 1 + (bits % 7 == 1)


def wide(header: bytes, memory: tuple[Any, ...], block_order: int) -> Iterator[tuple[int, int, int]]:
    """Yield at most one zone that begins before its first block, or ends behind its last."""
    rows = [row for row in memory if row[2] != MOVABLE]
    if not rows or header[15] % 3 != 1:
        return
    _, node, kind, _, _ = rows[header[15] % len(rows)]
    mine = [block for block, at, what, _, _ in memory if (at, what) == (node, kind)]
    others = [block for block, at, what, _, _ in memory if (at, what) != (node, kind)]
    first = max((block + 1 for block in others if block < mine[0]), default=0)
    yield node << NODE_SHIFT | kind, first << block_order, mine[-1] + 1 + header[15] % 2 << block_order


def simpler(config: Config) -> Iterator[Config]:
    """Yield machines with fewer blocks or nodes, without holes, reserves, wide zones and rules."""
    plain = tuple((block, node, kind, 0, 0) for block, node, kind, _, _ in config.memory)
    if config.spans:
        yield attrs.evolve(config, spans=())
    elif config.memory:
        if plain != config.memory:
            yield attrs.evolve(config, memory=plain)
        for at in range(len(config.memory)):
            yield attrs.evolve(config, memory=config.memory[:at] + config.memory[at + 1 :])
    nodes = max((row[1] for row in config.memory), default=0) + 1
    if nodes < config.nodes and not config.spans:
        yield attrs.evolve(config, nodes=nodes, cpus=config.cpus % (1 << nodes))
    if config.cpus:
        yield attrs.evolve(config, cpus=0)
    if config.online_policy != CONTIG_ZONES or config.movable_node:
        yield attrs.evolve(config, online_policy=CONTIG_ZONES, movable_node=0)
