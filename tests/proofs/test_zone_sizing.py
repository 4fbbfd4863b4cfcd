"""What is proved of the sizing of zones can fail: each of it is not proved of a law that is wrong in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from tests.proofs.breaking import not_proved, stepping

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligations import by_id
from mmproofs.obligations.physical import zone_sizing
from mmspec.errors import Done, Error
from mmspec.physical.zone_sizing import core, ranges
from mmspec.physical.zone_sizing.ops import AddMemory, Frame, FrameCount, Kind, Node, Range, RegionEnd
from mmspec.physical.zone_sizing.state import Layout, end_frame, first_frame, is_mirror, movable_start


def only_above(frame: Frame, low: Frame, high: Frame) -> Frame:
    """Stand for ``clamp``: what is too high stays so."""
    return max(low, frame)


def one_further(frame: Frame, low: Frame, high: Frame) -> Frame:
    """Stand for ``clamp``: of the next frame."""
    return max(low, min(frame + 1, high))


def whole_region(layout: Layout, region: RegionEnd, start: Frame, end: Frame) -> int:
    """Stand for ``in_range``: all of the region, wherever it lies."""
    return (layout.end[region] - layout.base[region]) >> layout.page_shift


def from_zero(layout: Layout, kind: Kind) -> Range:
    """Stand for ``possible``: the lowest kind begins at frame 0."""
    right = ranges.possible(layout, kind)
    return Range(0, right.end) if kind == 0 else right


def from_movable(layout: Layout, whole: Range, node: Node) -> Range:
    """Stand for ``movable_range``: MOVABLE begins where it was asked for, also below the node."""
    right = ranges.movable_range(layout, whole, node)
    return Range(movable_start(layout, node), right.end)


def overlapping(layout: Layout, op: AddMemory, result: Done | Error) -> Layout:
    """Stand for ``add_memory_apply``: what is added begins a byte too low."""
    return core.add_memory_apply(layout, attrs.evolve(op, base=op.base - 1), result) if op.base > 0 else layout


def uncounted(layout: Layout, op: AddMemory, result: Done | Error) -> Layout:
    """Stand for ``add_memory_apply``: the number of regions stays."""
    return attrs.evolve(core.add_memory_apply(layout, op, result), regions=layout.regions)


def still_sized(layout: Layout, op: AddMemory, result: Done | Error) -> Layout:
    """Stand for ``add_memory_apply``: the zones stay sized as they were."""
    return attrs.evolve(core.add_memory_apply(layout, op, result), movable=layout.movable)


def first_stays(layout: Layout, node: Node, region: RegionEnd, start: Frame, end: Frame) -> tuple[Any, ...]:
    """Stand for the step of ``SPAN``: the range ends where the last region begins."""
    after = ranges.span_step(layout, node, region, start, end)
    return (*after[:-1], max(start, first_frame(layout, region)) if layout.node[region] == node else end)


def counts_twice(layout: Layout, start: Frame, end: Frame, region: RegionEnd, frames: FrameCount) -> tuple[Any, ...]:
    """Stand for the step of ``MEMORY``: what a region has in the range counts twice."""
    once = ranges.in_range(layout, region, start, end)
    return layout, start, end, region + 1, min(frames + once + once, 1 << 40)


def leaves_none_out(
    layout: Layout, node: Node, kind: Kind, start: Frame, end: Frame, region: RegionEnd, frames: FrameCount
) -> tuple[Any, ...]:  # fmt: skip
    """Stand for the step of ``PRESENT``: a region counts with all its frames, wherever they are."""
    whole = end_frame(layout, region) - first_frame(layout, region)
    return layout, node, kind, start, end, region + 1, frames + whole


def one_more(layout: Layout, start: Frame, end: Frame) -> FrameCount:
    """Stand for ``memory_in``: a frame more than there are."""
    return ranges.memory_in(layout, start, end) + 1


def all_of_it(layout: Layout, node: Node, kind: Kind, where: Range) -> FrameCount:
    """Stand for ``present_in``: the zone has memory from frame 0 on."""
    return where.end


def leaves_mirrored_out(layout: Layout, node: Node, kind: Kind, region: RegionEnd) -> bool:
    """Stand for ``is_left_out``: mirrored regions are left out, whether that is asked for or not."""
    return is_mirror(layout, region)


SUBJECTS: list[tuple[str, Any]] = [
    ("ZONE-SIZING-POSSIBLE-TILES", from_zero),
    ("ZONE-SIZING-MOVABLE-FROM-ITS-START", from_movable),
    ("ZONE-SIZING-SPAN-STEP", stepping(zone_sizing.SPANNED, first_stays)),
    ("ZONE-SIZING-MEMORY-STEP", stepping(zone_sizing.FOUND, counts_twice)),
    ("ZONE-SIZING-MEMORY-NO-MORE", one_more),
    ("ZONE-SIZING-PRESENT-STEP", stepping(zone_sizing.COUNTED, leaves_none_out)),
    ("ZONE-SIZING-PRESENT-NO-MORE", all_of_it),
    ("ZONE-SIZING-LEFT-OUT-MIRRORED", leaves_mirrored_out),
    ("ZONE-SIZING-ADD-ASCENDING", overlapping),
    ("ZONE-SIZING-ADD-LISTED", uncounted),
    ("ZONE-SIZING-ADD-UNSIZED", still_sized),
]
"""An obligation, and a wrong version of its subject."""

PARTS: list[tuple[str, str, Callable[..., Any]]] = [
    ("ZONE-SIZING-RANGE-INSIDE", "clamp", one_further),
    ("ZONE-SIZING-RANGE-OF-KIND", "clamp", only_above),
    ("ZONE-SIZING-IN-AT-MOST", "clamp", only_above),
    ("ZONE-SIZING-IN-ADDS-UP", "in_range", whole_region),
    ("ZONE-SIZING-IN-RANGE-BETWEEN", "clamp", only_above),
]
"""An obligation, a function of ``ranges`` that its subject calls, and what stands for it."""


@pytest.mark.parametrize(("name", "wrong"), SUBJECTS, ids=[name for name, _ in SUBJECTS])
def test_a_wrong_version_is_not_proved(name: str, wrong: Any) -> None:
    """The obligation of the wrong version fails."""
    not_proved(name, "a step keeps" if isinstance(wrong, LoopInvariant) else "goal at", by_id()[name].cases[0], subject=wrong)


@pytest.mark.parametrize(("name", "function", "wrong"), PARTS, ids=[name for name, _, _ in PARTS])
def test_a_wrong_part_is_not_proved(name: str, function: str, wrong: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The obligation fails where a part of its subject is wrong."""
    monkeypatch.setattr(ranges, function, wrong)
    not_proved(name, case=by_id()[name].cases[0])
