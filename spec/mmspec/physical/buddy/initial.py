"""The zone after a reset: every frame of memory free, all pageblocks MOVABLE."""

from __future__ import annotations

from mmspec.linked import Links
from mmspec.physical.buddy.lists import free_one
from mmspec.physical.buddy.ops import KERNELS, MOVABLE, ORDINARY, Config
from mmspec.physical.buddy.state import FreeLists, Zone, blocks_of, span_of
from mmspec.pmap import pmap
from mmspec.words import size_of


def initial_zone(config: Config) -> Zone:
    """Return the zone that a configuration describes (InputError: it does not describe one)."""
    span = span_of(config)
    blocks = blocks_of(config)
    return Zone(
        span=span,
        free=pmap(dict(blocks)),
        allocated=pmap(),
        pageblock=pmap(),
        frames=pmap({ORDINARY: sum(size_of(order) for _, order in blocks)}),
    )


def initial_lists(config: Config, kernel: str) -> FreeLists:
    """Return the lists of a zone whose maximal aligned blocks were freed to the tail in ascending order."""
    span = span_of(config)
    lists = FreeLists(kernel=KERNELS[kernel], block=pmap(), links=Links(), types=pmap(), movable=pmap())
    for pfn, order in blocks_of(config):
        lists = free_one(span, lists, pfn, order, MOVABLE, True)
    return lists
