"""Linux's parts after the boot: every frame on the free lists, limits and marks computed, no CPU holding anything."""

from __future__ import annotations

import attrs

from mmspec.physical.buddy.initial import initial_lists, initial_zone
from mmspec.physical.buddy.kinds import isolate_apply, unisolate_apply
from mmspec.physical.buddy.linux import isolate_choose, unisolate_choose
from mmspec.physical.buddy.ops import CMA, DONE, Isolate, Unisolate
from mmspec.physical.buddy.state import FreeLists
from mmspec.physical.buddy.state import Zone as Frames
from mmspec.physical.page_alloc.core import report_apply
from mmspec.physical.page_alloc.state import initial_notes, memory_of
from mmspec.physical.pages.ops import FREE_CMA, FREE_PAGES, Config, Zone
from mmspec.physical.pages.parts import report_of
from mmspec.physical.pages.state import Linux, Parts, above, free_config, spans_of
from mmspec.physical.pcp import ops as of_pcp
from mmspec.physical.pcp.linux import initial_lists as initial_pcp
from mmspec.physical.pcp.linux import initial_pages, tune_choose
from mmspec.physical.vmstat import ops as of_stat
from mmspec.physical.vmstat.linux import initial_cells
from mmspec.physical.vmstat.state import zone_of as initial_stat
from mmspec.physical.watermarks.state import Marks
from mmspec.pmap import pmap
from mmspec.words import Pfn, PfnEnd


def cma_lists(frames: Frames, lists: FreeLists, config: Config) -> tuple[Frames, FreeLists]:
    """Return a zone's frames and free lists with its CMA pageblocks."""
    for pfn in config.cma:
        if frames.span.start_pfn <= pfn < frames.span.end_pfn:
            out, back = Isolate(pfn), Unisolate(pfn, CMA)
            _, lists = isolate_choose(frames, lists, out)
            frames = isolate_apply(frames, out, DONE)
            _, lists = unisolate_choose(frames, lists, back)
            frames = unisolate_apply(frames, back, DONE)
    return frames, lists


def initial_parts(config: Config, kernel: str, marks: Marks, zone: Zone, start: Pfn, end: PfnEnd) -> Parts:
    """Return what Linux keeps of a zone after the boot."""
    cpus, managed = config.cpus * len(config.nodes), end - start
    lowest, low, high = marks.min.get(zone, 0), marks.low.get(zone, 0), marks.high.get(zone, 0)
    whole = free_config(config, start, end)
    frames, lists = cma_lists(initial_zone(whole), initial_lists(whole, kernel), config)
    held = of_pcp.Config(start, end, cpus, config.huge_order, config.scale_max)
    pages = initial_pages(held)
    _, pcp = tune_choose(pages, initial_pcp(held, kernel), of_pcp.Tune(managed, low, config.cpus, 0, cpus))
    counts = of_stat.Config(cpus, FREE_CMA, managed, lowest, low, high)
    cells = initial_cells(counts, kernel)
    counter = pmap({FREE_PAGES: managed, FREE_CMA: frames.frames.get(CMA, 0)})
    stat = attrs.evolve(initial_stat(counts), exact=counter)
    return Parts(frames, lists, pages, pcp, stat, attrs.evolve(cells, counter=counter), 0)


def initial_linux(config: Config, kernel: str) -> Linux:
    """Return Linux's parts after the boot."""
    walked = above(config)
    paths = initial_notes(walked, kernel).paths
    parts = {zone: initial_parts(config, kernel, paths.marks, zone, start, end) for zone, start, end in spans_of(config)}
    linux = Linux(paths.kernel, memory_of(walked), paths, pmap(parts))
    for zone, one in parts.items():
        linux = told(linux, zone, one)
    return linux


def told(linux: Linux, zone: Zone, parts: Parts) -> Linux:
    """Return Linux's parts after blocks moved in a zone: the walk hears of its counters, as in a ``report``."""
    memory = report_apply(linux.memory, report_of(parts, zone), DONE)
    return Linux(linux.kernel, memory, linux.paths, linux.parts.set(zone, parts))
