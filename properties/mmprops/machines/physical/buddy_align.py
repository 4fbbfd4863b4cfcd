"""Alignment that counts from the start of the zone: the law's zone is then the client's, moved to where the two ways agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from mmspec.physical.buddy.ops import Blocks, Config
from mmspec.physical.buddy.state import Zone
from mmspec.pmap import pmap
from mmspec.words import PFN_BITS, Count, Pfn, head_of


@attrs.frozen
class Moved:
    """The law's zone of a client whose zone lies ``by`` frames above it."""

    config: Config
    by: Count

    def inward(self, record: Any) -> Any:
        """Return a request or result of the client, in the law's frame numbers."""
        return shifted(record, -self.by)

    def outward(self, record: Any) -> Any:
        """Return a request, a result or the state of the law, in the client's frame numbers."""
        return shifted(record, self.by)


def moved(config: Config, capabilities: Mapping[str, Any]) -> Moved | None:
    """Return where the law's zone lies for a client, or None where it lies as the client's does.

    Moved down to a multiple of its largest block the law's zone begins where counting from frame 0 and from the zone's start
    is one thing, and as near to the client's as that goes.
    """
    base = head_of(config.start_pfn, config.max_order)
    by = config.start_pfn - base
    if capabilities["align"] == "pfn" or by == 0:
        return None
    holes = tuple((start - by, end - by) for start, end in config.holes)
    return Moved(attrs.evolve(config, start_pfn=base, end_pfn=config.end_pfn - by, holes=holes), by)


def shifted(record: Any, by: int) -> Any:
    """Return a record with its frame numbers moved, at most to the last that there is."""
    if isinstance(record, Zone):
        return shifted_zone(record, by)
    if isinstance(record, Blocks):
        return Blocks(tuple((place(pfn, by), order) for pfn, order in record.blocks))
    return attrs.evolve(record, pfn=place(record.pfn, by)) if hasattr(record, "pfn") else record


def place(pfn: Pfn, by: int) -> Pfn:
    """Return a frame number moved."""
    return min(pfn + by, (1 << PFN_BITS) - 1)


def shifted_zone(zone: Zone, by: int) -> Zone:
    """Return a zone with its bounds, holes and blocks moved, for looking at.

    The kinds of its pageblocks are left out: where alignment counts from the zone's start they have no number of their own.
    """
    holes = pmap({pfn + by: True for pfn, _ in zone.span.holes.items()})
    span = attrs.evolve(zone.span, start_pfn=zone.span.start_pfn + by, end_pfn=zone.span.end_pfn + by, holes=holes)
    free, allocated = (pmap({pfn + by: order for pfn, order in blocks.items()}) for blocks in (zone.free, zone.allocated))
    return attrs.evolve(zone, span=span, free=free, allocated=allocated, pageblock=pmap())
