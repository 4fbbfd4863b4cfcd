"""Configurations of the machine ``memory_model``: the layout of an architecture, and where memory lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from mmspec.physical.memory_model.architectures import ARCHITECTURES, X86_64_CLASSIC
from mmspec.physical.memory_model.layout import is_flat, is_vmemmap, pages_per_section
from mmspec.physical.memory_model.ops import Config, Layout
from mmspec.physical.memory_model.page_flags import fields_fit
from mmspec.words import Pfn

LAYOUTS = (*ARCHITECTURES.values(), *[X86_64_CLASSIC] * 5)
"""Every architecture, and more often the one on which sections with a memory map of their own come and go."""

FLAT_PAGES = 1 << 16
"""Pages of a flat map."""


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return an architecture's layout with memory at frame 0, where the map begins, or at the end of physical memory."""
    layout = allowed(LAYOUTS[header[0] % len(LAYOUTS)], capabilities)
    size, last = pages_per_section(layout), 1 << (layout.max_physmem_bits - layout.page_shift)
    base = (0, layout.first_pfn, last - 4 * size)[header[1] % 3] // size * size
    if is_flat(layout):
        first = min(base, last - FLAT_PAGES)
        layout = attrs.evolve(layout, first_pfn=first // 64 * 64, max_mapnr=FLAT_PAGES - header[2])
        return Config(layout, ((first, first + FLAT_PAGES // 2, 0),))
    if header[9] % 8 == 1 and not is_vmemmap(layout):
        layout = crowded(layout)
    unbacked = base // size + header[3] % 3 if capabilities["failures"] and header[4] % 8 == 1 else None
    return Config(layout, tuple(ranges(header, base, size, layout.nodes_shift)), unbacked)


def allowed(layout: Layout, capabilities: Mapping[str, Any]) -> Layout:
    """Return a layout, or one that a client of these capabilities takes in its place."""
    if not is_flat(layout) and not is_vmemmap(layout) and not capabilities["classic"]:
        layout = ARCHITECTURES["x86_64"]
    return layout if capabilities["hotplug"] else attrs.evolve(layout, hotplug=False, zone_device=False)


def crowded(layout: Layout) -> Layout:
    """Return a layout whose page flags leave no room for the node, if there is one."""
    for flags in range(layout.nr_pageflags, layout.long_bits):
        full = attrs.evolve(layout, nr_pageflags=flags)
        if not fields_fit(full):
            return layout
        if layout.nodes_shift and flags + layout.nodes_shift > layout.long_bits - 1:
            return full
        layout = full
    return layout


def ranges(header: bytes, base: Pfn, size: int, nodes_shift: int) -> Iterator[tuple[Pfn, Pfn, int]]:
    """Yield up to three ranges in four sections: whole ones, and some that begin or end inside one."""
    at = base + (header[5] * 131 % size if header[6] % 2 else 0)
    for length, gap in ((header[6], header[7]), (header[7], header[8]), (header[8], header[5])):
        end = min(at + (size if length % 3 == 0 else 1 + length * 257 % size), base + 4 * size)
        if at >= end:
            return
        yield at, end, min(length % 2, (1 << nodes_shift) - 1)
        at = end + (gap * 61 % size if gap % 2 else 0)


def simpler(config: Config) -> Iterator[Config]:
    """Yield configurations that are simpler than this one: every section backed, fewer ranges."""
    if config.unbacked is not None:
        yield attrs.evolve(config, unbacked=None)
    for index in range(len(config.memory)):
        yield attrs.evolve(config, memory=config.memory[:index] + config.memory[index + 1 :])
