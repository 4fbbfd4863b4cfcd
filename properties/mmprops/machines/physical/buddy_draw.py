"""Configurations of the machine ``buddy``: where its zones lie, how large they are, and what simpler ones there are.

Tiny zones make rare histories common: a largest order of 3, pageblocks of two frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from mmspec.physical.buddy.ops import Config
from mmspec.words import PFN_BITS, Pfn, head_of

BASES = (0, 0, 0, 1 << 20, 1 << 31, 1 << 32, 1 << 43, 1 << PFN_BITS)
"""Where zones begin: at frame 0, around the widths at which an index wraps, and at the very end."""

SIZES = (16, 64, 256, 1024, 1024, 4096, 16384)


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a zone: tiny or large, unaligned, at an edge of the number space, with holes, as far as the capabilities allow."""
    limit = min(int(capabilities["max_pfn"], 16), (1 << PFN_BITS) - 1) + 1
    size = max(1, min(SIZES[header[0] % len(SIZES)], capabilities["max_pages"], limit))
    wanted = (3, 4, 10, 10, 10, 12)[header[1] % 6] if size > 64 else 3 + header[1] % 3
    max_order = max(capabilities["min_order"], min(capabilities["max_order"], wanted))
    start_off, end_off = (header[2] % 16, header[3] % 16) if header[9] & 2 else (0, 0)
    if capabilities["power_of_two"]:
        size, end_off = 1 << (size.bit_length() - 1), 0
    base = head_of(max(0, min(BASES[header[4] % len(BASES)], limit) - 2 * size), max_order)
    start = min(base + start_off, limit - size)
    end = start + max(1, size - end_off)
    holes = draw_holes(header, start, end) if capabilities["holes"] else ()
    pageblock_order = 1 + header[8] % max_order if max_order and capabilities["pageblocks"] and header[9] % 2 else None
    return Config(start, end, max_order, holes, pageblock_order)


def draw_holes(header: bytes, start: Pfn, end: Pfn) -> tuple[tuple[Pfn, Pfn], ...]:
    """Return none, one or two holes strictly inside a zone."""
    holes = []
    at = start + 1
    for low, length in ((header[5], header[6]), (header[7], header[5])):
        first = at + low % 64
        last = min(first + 1 + length % 32, end - 1)
        if low % 2 and first < last:
            holes.append((first, last))
            at = last + 1
    return tuple(holes)


def simpler(config: Config) -> Iterator[Config]:
    """Yield configurations that are simpler than this one: no holes, aligned, at frame 0, small, with few orders."""
    plain = attrs.evolve(config, holes=())
    if config.holes:
        yield plain
    if config.pageblock_order is not None:
        yield attrs.evolve(config, pageblock_order=None)
    frames = config.end_pfn - config.start_pfn
    for size in (16, 64, 256, 1024, frames // 2):
        if frames > size >= 16:
            yield attrs.evolve(plain, start_pfn=0, end_pfn=size)
            yield attrs.evolve(plain, end_pfn=config.start_pfn + size)
    if config.start_pfn:
        yield attrs.evolve(plain, start_pfn=0, end_pfn=frames)
