"""A capture's operations on free blocks, carried out by the law or by the implementation.

A trace does not say how the outside divides the frames that it holds (``mm/page_alloc.c:split_page``, v6.12, and the per-CPU
lists do that without an event), so a block that leaves is forgotten, and a block that comes back is first made an allocation
of its own; that none of its frames is free is checked before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from mmimpl.physical.buddy import Buddy
from mmprops.traces.archive import Capture
from mmprops.traces.blocks import Blocks, BlockStream, Step
from mmprops.traces.replay import Model, Replay, replay
from mmspec.errors import DONE
from mmspec.physical.buddy.core import block_over, free_allowed, free_apply, take_allowed, take_apply
from mmspec.physical.buddy.ops import ORDINARY, Config, Free, Take
from mmspec.physical.buddy.state import Zone, span_of
from mmspec.pmap import pmap
from mmspec.words import ABSENT, size_of


def config_of(stream: BlockStream, zone: int) -> Config:
    """Return the configuration of one of a capture's zones."""
    span = stream.zones.spans[zone]
    # A zone without memory has no configuration: it is held as one frame that is never free.
    end = max(span.end_pfn, span.start_pfn + 1)
    return Config(span.start_pfn, end, stream.max_order, pageblock_order=stream.pageblock_order)


class LawModel:
    """The law's zones, one for each zone of the capture."""

    def __init__(self, stream: BlockStream) -> None:
        numbers = range(len(stream.zones.spans))
        self.zones = [zone_of(config_of(stream, number), stream.initial[number]) for number in numbers]

    def free_blocks(self, zone: int) -> Blocks:
        """Return the free blocks of a zone."""
        return dict(self.zones[zone].free.items())

    def apply(self, step: Step) -> str | None:
        """Carry out a step; return what the law says against it."""
        zone = self.zones[step.zone]
        if step.kind == "check":
            return "a frame of it is free" if any_free(zone, step) else None
        if step.kind == "free":
            if any_free(zone, step):
                return "a frame of it is free already"
            zone = attrs.evolve(zone, allocated=zone.allocated.set(step.pfn, step.order))
            give = Free(step.pfn, step.order)
            broken = free_allowed(zone, give, DONE)
            self.zones[step.zone] = zone if broken else free_apply(zone, give, DONE)
            return None if broken is None else f"{broken.id}: {broken.sentence}"
        take = Take(step.pfn, step.order)
        broken = take_allowed(zone, take, DONE)
        if broken is None:
            zone = take_apply(zone, take, DONE)
            self.zones[step.zone] = attrs.evolve(zone, allocated=zone.allocated.delete(step.pfn))
        return None if broken is None else f"{broken.id}: {broken.sentence}"


def zone_of(config: Config, free: Blocks) -> Zone:
    """Return a zone with these free blocks, every other frame being outside."""
    frames = sum(size_of(order) for order in free.values())
    return Zone(span_of(config), pmap(dict(free)), pmap(), pmap(), pmap({ORDINARY: frames}))


def any_free(zone: Zone, step: Step) -> bool:
    """Tell whether any frame of a step's block is free."""
    if block_over(zone.free, step.pfn, step.order) != ABSENT:
        return True
    return any(pfn in zone.free for pfn in range(step.pfn, step.pfn + size_of(step.order)))


class ImplementationModel:
    """Our implementation's zones: the same steps on its own arrays."""

    def __init__(self, stream: BlockStream) -> None:
        numbers = range(len(stream.zones.spans))
        self.zones = [Buddy(config_of(stream, number), free=stream.initial[number].items()) for number in numbers]

    def free_blocks(self, zone: int) -> Blocks:
        """Return the free blocks of a zone."""
        return {pfn: number & 15 for pfn, number in self.zones[zone].blocks()}

    def apply(self, step: Step) -> str | None:
        """Carry out a step; return what is wrong with it."""
        zone = self.zones[step.zone]
        if step.kind == "check":
            return "a frame of it is free" if zone.any_free(step.pfn, step.order) else None
        if step.kind == "free":
            return None if zone.adopt(step.pfn, step.order) else "a frame of it is free already"
        return None if zone.carve(step.pfn, step.order) else "not all of it is free"


MODELS: Mapping[str, Callable[[BlockStream], Model]] = {"spec": LawModel, "impl": ImplementationModel}
"""What can follow a capture, by the names of the engines."""


def follow(capture: Capture, engine: str) -> Replay:
    """Replay a capture at the level of the set of free blocks: frame numbers are inputs."""
    stream = BlockStream(capture)
    return replay(stream, MODELS[engine](stream))
