"""Configurations of the machine ``pcp``: how many CPUs, which frames, and what simpler ones there are.

Tiny zones and a small scale make rare histories common: limits are met with a handful of frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from mmspec.physical.pcp.ops import COSTLY_ORDER, Config
from mmspec.words import PFN_BITS, head_of

BASES = (0, 0, 1 << 20, 1 << 31, 1 << 32, 1 << PFN_BITS)
"""Where zones begin: at frame 0, around the widths at which an index wraps, and at the very end."""

SIZES = (64, 64, 256, 1024)
HUGE_ORDERS = (4, 4, 5, 9, 0)
SCALES = (5, 5, 0, 1, 2, 6)


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a zone with its CPUs, as far as the capabilities allow."""
    limit = min(int(capabilities["max_pfn"], 16), (1 << PFN_BITS) - 1) + 1
    size = max(1, min(SIZES[header[0] % len(SIZES)], capabilities["max_pages"], limit))
    base = head_of(max(0, min(BASES[header[1] % len(BASES)], limit) - 2 * size), COSTLY_ORDER + 6)
    start = min(base + (header[2] % 16 if header[3] & 2 else 0), limit - size)
    cpus = min((1, 1, 2, 3, 4095)[header[4] % 5], capabilities["max_cpus"])
    huge_order = HUGE_ORDERS[header[5] % len(HUGE_ORDERS)] if capabilities["huge"] else 0
    scale_max = SCALES[header[6] % len(SCALES)] if capabilities["tuned"] else Config(0, 1).scale_max
    return Config(start, start + size, cpus, huge_order, scale_max)


def simpler(config: Config) -> Iterator[Config]:
    """Yield configurations that are simpler than this one: one CPU, at frame 0, small, without huge pages."""
    if config.cpus > 1:
        yield attrs.evolve(config, cpus=1)
        yield attrs.evolve(config, cpus=2)
    if config.start_pfn:
        yield attrs.evolve(config, start_pfn=0, end_pfn=config.end_pfn - config.start_pfn)
    for size in (64, 256):
        if config.end_pfn - config.start_pfn > size:
            yield attrs.evolve(config, end_pfn=config.start_pfn + size)
    if config.huge_order:
        yield attrs.evolve(config, huge_order=0)
