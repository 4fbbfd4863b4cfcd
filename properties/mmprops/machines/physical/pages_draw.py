"""What a program of the machine ``pages`` is played on: one or two nodes of a few small zones, so that marks are soon met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from mmprops.machines.physical.page_alloc_draw import has_lowmem
from mmspec.physical.page_alloc.ops import NodeConfig, ZoneConfig
from mmspec.physical.pages.ops import Config
from mmspec.physical.watermarks.ops import DMA32, MOVABLE, NORMAL

LAYOUTS = (
    ((NORMAL, 1024),),
    ((DMA32, 1024), (NORMAL, 1024)),
    ((NORMAL, 2048), (MOVABLE, 1024)),
    ((DMA32, 512), (NORMAL, 4096)),
    ((NORMAL, 1000),),
    ((DMA32, 700), (NORMAL, 1500), (MOVABLE, 1100)),
    ((NORMAL, 12288),),
)
"""Which zones a node has, and of how many frames: the last is large enough that 6.1 refills a list with several at once."""
ORDERS = ((6, 3, 4), (6, 3, 0), (7, 4, 4), (4, 2, 4), (9, 5, 5), (6, 6, 6))
"""The largest order, a pageblock's, and a huge page's."""
BASES = (0x400, 1 << 31, 0x400, 1 << 51)


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a machine, as far as the capabilities allow."""
    count = 1 + header[0] % min(2, capabilities["max_nodes"])
    max_order, pageblock, huge = ORDERS[header[1] % len(ORDERS)]
    limit = min(int(capabilities["max_pfn"], 16), (1 << 52) - 1) + 1
    start = min(BASES[header[2] % len(BASES)], limit - 0x4000) & -0x200
    nodes, cma, left = [], [], capabilities["max_pages"]
    for node in range(count):
        rows: list[ZoneConfig] = []
        for kind, size in LAYOUTS[(header[3] + node * header[4]) % len(LAYOUTS)]:
            frames = size if size <= left else 0
            if not frames and (node or rows):
                continue
            frames = frames or max(64, left)
            rows.append(ZoneConfig(kind, start, start + frames))
            if capabilities["cma"] and header[5] % 3 == 0 and frames >= 256:
                cma += [start + (k << pageblock) for k in range(1 + header[6] % 5)]
            start, left = (start + frames + 0x1FF) & -0x200, left - frames
        nodes.append(NodeConfig(tuple(rows)))
    far = (20, 40)[header[7] % 2]
    distance = tuple(tuple(10 if a == b else far for b in range(count)) for a in range(count))
    checks = header[10] % 2 if capabilities["bad"] else 0
    scale = (5, 5, 1, 0)[header[9] % 4]
    return Config(tuple(nodes), distance, 1 + header[8] % 2, max_order, pageblock, huge, scale, tuple(cma), checks)


def simpler(config: Config) -> Iterator[Config]:
    """Yield machines with a node less, a zone less, one CPU a node, or without CMA."""
    if config.cma:
        yield attrs.evolve(config, cma=())
        return
    count = len(config.nodes)
    if count > 1 and has_lowmem(config.nodes[:-1]):
        yield attrs.evolve(config, nodes=config.nodes[:-1], distance=tuple(row[:-1] for row in config.distance[:-1]))
    for at, node in enumerate(config.nodes):
        for zone in node.zones:
            fewer = NodeConfig(tuple(other for other in node.zones if other != zone))
            nodes = (*config.nodes[:at], fewer, *config.nodes[at + 1 :])
            if has_lowmem(nodes):
                yield attrs.evolve(config, nodes=nodes)
    if config.checks:
        yield attrs.evolve(config, checks=0)
    if config.cpus > 1:
        yield attrs.evolve(config, cpus=1)


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take about a machine, or None."""
    zones = [zone for node in config.nodes for zone in node.zones]
    reasons = {
        f"more than {capabilities['max_nodes']} nodes": len(config.nodes) > capabilities["max_nodes"],
        f"more than {capabilities['max_pages']} frames": sum(z.end_pfn - z.start_pfn for z in zones) > capabilities["max_pages"],
        f"frames above {capabilities['max_pfn']}": max(z.end_pfn for z in zones) - 1 > int(capabilities["max_pfn"], 16),
        "checks": bool(config.checks) and not capabilities["bad"],
        "CMA pageblocks": bool(config.cma) and not capabilities["cma"],
    }
    return next((reason for reason, applies in reasons.items() if applies), None)
