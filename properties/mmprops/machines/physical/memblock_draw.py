"""Configurations of the machine ``memblock``: how many nodes, how large the arrays are at first, and what simpler ones there are.

Arrays of two to eight regions make doubling common.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from mmspec.physical.memblock.ops import Config

NODES = (1, 2, 2, 4)
CAPACITIES = (2, 2, 3, 4, 8, 16, 128)


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a machine at power-on, as far as the capabilities allow."""
    config = Config(nodes=NODES[header[0] % len(NODES)])
    if capabilities["kinds"]:
        config = attrs.evolve(config, mirrored=header[1] % 3 == 0, movable_node=header[1] % 4 == 1)
    if not capabilities["resize"]:
        return config
    most = capabilities["regions"]
    return attrs.evolve(
        config,
        memory_max=min(CAPACITIES[header[2] % len(CAPACITIES)], most),
        reserved_max=min(CAPACITIES[header[3] % len(CAPACITIES)], most),
        resize=header[4] % 8 != 0,
    )


def simpler(config: Config) -> Iterator[Config]:
    """Yield configurations that are simpler than this one: one node, no options, arrays as they are linked."""
    for change in ({"nodes": 1}, {"mirrored": False}, {"movable_node": False}, {"memory_max": 128}, {"reserved_max": 128}):
        name, value = next(iter(change.items()))
        if getattr(config, name) not in (value, None):
            yield attrs.evolve(config, **change)
