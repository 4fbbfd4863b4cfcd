"""The page allocator above the free lists: which zone serves a request, and what is asked where none does.

Zones and marks are those of the implementations of ``zones`` and ``watermarks``; a row of zones is ``node * 8 + kind``
everywhere. ``walk`` goes through a list, ``path`` is one request on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmimpl.physical.page_alloc.path import MOBILITY, Path, flags_of, reserves_of
from mmimpl.physical.page_alloc.walk import Lists
from mmimpl.physical.watermarks import Marks
from mmimpl.physical.zones import Zones
from mmspec.physical.page_alloc.ops import (
    ALL_NODES,
    ASYNC,
    COMPACT,
    COMPACT_AGAIN,
    DONE,
    EINVAL,
    ENOMEM,
    GFP_NOFAIL,
    GFP_THISNODE,
    NOWHERE,
    PAGE,
    SKIPPED,
    Above,
    Answer,
    Boost,
    Config,
    Done,
    Enter,
    Error,
    FlagsOf,
    Passed,
    Reclaimable,
    Report,
    Taken,
    Turn,
    Walk,
    Worth,
)  # fmt: skip
from mmspec.physical.watermarks import ops as of_marks
from mmspec.physical.zones import ops as of_zones
from mmspec.words import MAX_ORDER_LIMIT

SIX_KINDS = 0x3F


class Pages(Lists):
    """The page allocator of a machine, as the kernel that it is told ("6.12" or "6.1") has it."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        rows = tuple((n, z.name, z.end_pfn - z.start_pfn) for n, node in enumerate(config.nodes) for z in node.zones)
        cpus = (1 << len(config.nodes)) - 1
        zones = Zones(of_zones.Config(rows, config.distance, cpus, SIX_KINDS), kernel)
        marks = Marks(of_marks.Config(rows, pageblock_order=config.pageblock_order), kernel)
        super().__init__(zones, marks, kernel == "6.1")
        self.max_order = config.max_order
        for node, kind, frames in rows:
            self.marks.apply(Report(node * 8 + kind, frames, frames, blocks=(2 << config.max_order) - 1))
        self.reclaimable = [0] * NOWHERE
        self.paths: dict[int, Path] = {}

    def apply(self, request: Any) -> Any:
        """Carry out one request and return its result."""
        return SERVES[type(request)](self, request)

    def highest(self, gfp: int) -> int:
        """Return the highest kind of zone that a request may use."""
        return self.zones.gfp[gfp & 15] or 0

    def is_lawful(self, gfp: int, order: int, node: int) -> bool:
        """Tell whether a request is one."""
        there = node < self.zones.nodes and order <= MAX_ORDER_LIMIT
        return there and self.zones.gfp[gfp & 15] is not None and gfp & MOBILITY != MOBILITY

    def eligible(self, gfp: int, node: int, nodes: int, highest: int) -> list[int]:
        """Return the zones that a request may use, in the order of its list."""
        zones = self.zones.own[node] if gfp & GFP_THISNODE else self.zones.lists[node]
        return [zone for zone in zones if zone % 8 <= highest and nodes >> zone // 8 & 1]

    # --- requests -----------------------------------------------------------------------------------------------------

    def has_zone(self, zone: int) -> bool:
        """Tell whether there is such a zone."""
        return self.marks.has_zone(zone)

    def report(self, op: Report) -> Done | Error:
        """Hear what is free in a zone."""
        heard: Done | Error = self.marks.apply(op)
        return heard

    def set_reclaimable(self, op: Reclaimable) -> Done | Error:
        """Hear what is reclaimable in a zone."""
        if not self.has_zone(op.zone):
            return EINVAL
        self.reclaimable[op.zone] = op.frames
        return DONE

    def above(self, op: Above) -> Done | Error:
        """Hear that a zone is above HIGH."""
        if not self.has_zone(op.zone):
            return EINVAL
        self.below.discard(op.zone)
        return DONE

    def boost(self, op: Boost) -> Passed | Error:
        """Boost a zone."""
        passed: Passed | Error = self.marks.apply(op)
        return passed

    def worth(self, op: FlagsOf) -> Worth | Error:
        """Return what a request comes to."""
        if not self.is_lawful(op.gfp, op.order, 0):
            return EINVAL
        return Worth(flags_of(op.gfp, op.order, op.context), reserves_of(op.gfp, op.context))

    def walk(self, op: Walk) -> Taken | Error:
        """Go through a list and take a block."""
        if not self.is_lawful(op.gfp, op.order, op.node):
            return EINVAL
        highest = self.highest(op.gfp)
        zones = self.eligible(op.gfp, op.node, op.nodes, highest)
        found = self.walk_zones(
            zones, op.gfp, op.order, op.flags, highest, op.allowed, op.dirty, op.grown, op.empty, op.reclaimed
        )
        if found is None:
            return ENOMEM
        self.take(found, op.order)
        return Taken(found, self.under)

    def enter(self, op: Enter) -> Turn | Error:
        """Begin a request."""
        if not self.is_lawful(op.gfp, op.order, op.node) or op.task in self.paths:
            return EINVAL
        if op.order > self.max_order or (op.inject and not op.gfp & GFP_NOFAIL):
            return ENOMEM
        self.paths[op.task] = Path(self, op)
        return self.go_on(op.task, None)

    def answer(self, op: Answer) -> Turn | Error:
        """Go on with a request."""
        path = self.paths.get(op.task)
        if path is None:
            return EINVAL
        if self.captures(path, op) and op.captured not in self.eligible(path.said, path.node, ALL_NODES, self.highest(path.said)):
            return EINVAL
        return self.go_on(op.task, op)

    def captures(self, path: Path, op: Answer) -> bool:
        """Tell whether compaction hands a block over."""
        return path.asked in (COMPACT, COMPACT_AGAIN) and op.compacted != SKIPPED and op.captured != NOWHERE

    def go_on(self, task: int, answer: Answer | None) -> Turn | Error:
        """Let a request run to its next question, or its end."""
        path = self.paths[task]
        captured = answer is not None and self.captures(path, answer)
        try:
            asked = next(path.running) if answer is None else path.running.send(answer)
        except StopIteration as ended:
            del self.paths[task]
            if ended.value is None:
                return ENOMEM
            if not captured:
                self.take(ended.value, path.order)
            return Turn(PAGE, ended.value, 0, self.under)
        return Turn(asked, NOWHERE, ASYNC if asked == COMPACT else path.priority, path.flags)


SERVES: dict[type, Callable[[Pages, Any], Any]] = {
    Report: Pages.report,
    Reclaimable: Pages.set_reclaimable,
    Above: Pages.above,
    Boost: Pages.boost,
    FlagsOf: Pages.worth,
    Walk: Pages.walk,
    Enter: Pages.enter,
    Answer: Pages.answer,
}
"""What serves each kind of request."""
