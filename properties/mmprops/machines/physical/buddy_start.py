"""What the predictors of the buddy allocator begin from, and what they make of answers that nobody can tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from mmprops.machines.physical.buddy_replay import config_of
from mmprops.traces.archive import Capture, CaptureError
from mmprops.traces.blocks import Blocks, BlockStream, kernel_version
from mmprops.traces.exact import Request, Told, named_type
from mmprops.traces.snapshot import NOT_PRESENT, decompose, runs_of
from mmspec.physical.buddy.ops import KERNELS, Config
from mmspec.words import Migratetype, Order, Pfn

IN_DOUBT = Told(None, "movable-pages")
COUNTERS = Told(None, "counters")


@attrs.frozen
class Start:
    """What a zone held when the machine was paused at START, with the law's numbers of types."""

    config: Config
    kernel: str
    blocks: tuple[tuple[Pfn, Order, Migratetype], ...]
    """Free blocks, list by list, head first."""
    types: Mapping[int, Migratetype]
    """The types of its pageblocks, by index from frame 0."""


def kernel_of(capture: Capture) -> str:
    """Return the name of the kernel whose choices the capture shows (CaptureError: they are not specified)."""
    name = ".".join(map(str, kernel_version(capture)))
    if name not in KERNELS:
        problem = f"is of Linux {name}; what is specified are the choices of {' and '.join(KERNELS)}"
        raise CaptureError(f"{capture.path} version", problem, "--level blocks holds for other versions too")
    return name


def start_of(stream: BlockStream, zone: int, numbers: Sequence[int]) -> Start:
    """Return what a zone of the capture held at START (mm/page_alloc.c's lists and pageblock flags as they lay in RAM)."""
    types: dict[int, Migratetype] = {}
    shift = stream.pageblock_order
    for first, after in stream.zones.runs(zone):
        for block in range(first >> shift, ((after - 1) >> shift) + 1):
            known = stream.start.type_of(block << shift)
            if known != NOT_PRESENT:
                types[block] = named_type(numbers, known, f"{stream.capture.path} lists.START.json")
    blocks = tuple((pfn, order, numbers[number]) for pfn, order, number in stream.start.zones[zone].blocks())
    return Start(config_of(stream, zone), kernel_of(stream.capture), blocks, types)


def canonical(stream: BlockStream, zone: int, blocks: Iterable[tuple[Pfn, Order]]) -> Blocks:
    """Return listed blocks with every pair of free buddies merged."""
    return decompose(runs_of(blocks, stream.zones.runs(zone)), stream.max_order)


def doubts(request: Request, pageblocks: Iterable[Pfn]) -> Iterable[Mapping[Pfn, Order]]:
    """Yield the movable pages that a request's answer may depend on: all of them and, if some are in doubt, the others."""
    told = [request.held(start) for start in pageblocks]
    every = {pfn: 0 for frames, _ in told for pfn in frames}
    yield every
    unsure = {pfn for _, doubtful in told for pfn in doubtful}
    if unsure:
        yield {pfn: 0 for pfn in every if pfn not in unsure}


def same(told: Sequence[tuple[int, int | None]], nobody: int, request: Request, base: int) -> Told:
    """Return what is told, counted from `base`, if all that may be comes to the same, else why nobody can tell."""
    pfn, owner = told[0]
    if all(other == (pfn, owner) for other in told):
        return Told(base + pfn, None, owner) if pfn < nobody else Told(None)
    step = len(request.mostly_cma)
    by_counters = any(told[at] != told[at + 1] for at in range(0, len(told), step)) if step > 1 else False
    return COUNTERS if by_counters else IN_DOUBT
