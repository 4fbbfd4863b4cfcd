"""What a program of the machine ``page_alloc`` is played on: one to four nodes of a few zones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from mmspec.physical.page_alloc.ops import Config, NodeConfig, ZoneConfig
from mmspec.physical.watermarks.ops import DMA, DMA32, MOVABLE, NORMAL

SIZES = (4096, 2048, 16384, 1024, 65536, 262144, 300)
LAYOUTS = ((NORMAL,), (DMA32, NORMAL), (DMA, NORMAL), (NORMAL, MOVABLE), (DMA, DMA32, NORMAL, MOVABLE), ())
"""Which zones a node has; the last node may have none."""
DISTANCES = (20, 30, 31, 21, 10)


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a machine whose first node has lowmem."""
    count = 1 + header[0] % min(4, capabilities["max_nodes"])
    start, nodes = 0x100, []
    for node in range(count):
        layout = LAYOUTS[(header[1] + node * header[2]) % len(LAYOUTS)]
        if node == 0 and not layout:
            layout = LAYOUTS[0]
        rows = []
        for kind in layout:
            size = SIZES[(header[3 + kind] + node * header[9]) % len(SIZES)]
            rows.append(ZoneConfig(kind, start, start + size))
            start += size
        nodes.append(NodeConfig(tuple(rows)))
    far = DISTANCES[header[10] % len(DISTANCES)]
    away = DISTANCES[header[11] % len(DISTANCES)]
    distance = tuple(tuple(10 if a == b else (far if (a + b) % 2 else away) for b in range(count)) for a in range(count))
    return Config(tuple(nodes), distance, (10, 10, 4)[header[12] % 3], (9, 9, 3)[header[13] % 3])


def has_lowmem(nodes: tuple[NodeConfig, ...]) -> bool:
    """Tell whether a zone is lowmem: the watermarks are shares of that."""
    return any(zone.name != MOVABLE for node in nodes for zone in node.zones)


def simpler(config: Config) -> Iterator[Config]:
    """Yield machines with a node less, with a zone less, or nearer to one another."""
    count = len(config.nodes)
    if count > 1 and has_lowmem(config.nodes[:-1]):
        yield attrs.evolve(config, nodes=config.nodes[:-1], distance=tuple(row[:-1] for row in config.distance[:-1]))
    for at, node in enumerate(config.nodes):
        for zone in node.zones:
            fewer = NodeConfig(tuple(other for other in node.zones if other != zone))
            nodes = (*config.nodes[:at], fewer, *config.nodes[at + 1 :])
            if has_lowmem(nodes):
                yield attrs.evolve(config, nodes=nodes)
    plain = tuple(tuple(10 if a == b else 20 for b in range(count)) for a in range(count))
    if config.distance != plain:
        yield attrs.evolve(config, distance=plain)


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take about a machine, or None."""
    most = capabilities["max_nodes"]
    return f"more than {most} nodes" if len(config.nodes) > most else None
