"""Pictures of a zone: each frame is where the state says, and Linux's lists are in their order."""

from __future__ import annotations

import attrs
from tests.spec.model import Model

from mmprops.machines.physical.buddy_align import moved
from mmprops.machines.physical.buddy_picture import picture
from mmspec.physical.buddy.ops import CMA, Alloc, Config, Free


def strips_of(model: Model) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return the runs of each strip by label."""
    return {strip.label: strip.runs for strip in picture(model.zone, None).strips}


def test_every_frame_of_a_zone_is_in_one_strip() -> None:
    """Free in blocks of one order, handed out, or in a hole."""
    model = Model(Config(0x100, 0x140, 4, holes=((0x110, 0x113),)))
    model.ask(Alloc(2))
    model.ask(Alloc(0))
    frames = [frame for runs in strips_of(model).values() for first, count in runs for frame in range(first, first + count)]
    assert sorted(frames) == list(range(0x100, 0x140))
    assert strips_of(model)["hole"] == ((0x110, 3),)


def test_bound_pageblocks_have_a_strip_of_their_kind() -> None:
    """As far as the zone spans them."""
    zone = Model(Config(0x102, 0x120, 4, pageblock_order=3)).zone
    bound = attrs.evolve(zone, pageblock=zone.pageblock.set(0x100 >> 3, CMA).set(0x110 >> 3, CMA))
    runs = {strip.label: strip.runs for strip in picture(bound, None).strips}
    assert runs["CMA"] == ((0x102, 6), (0x110, 8))


def test_lists_are_told_from_head_to_tail() -> None:
    """The last block that was freed first."""
    model = Model(Config(0, 64, 3, pageblock_order=3))
    blocks = [model.alloc(0) for _ in range(8)]
    for pfn in (blocks[0], blocks[2], blocks[4]):
        model.ask(Free(pfn, 0))
    (singles,) = [members for name, members in picture(model.zone, model.lists).lists if name == "MOVABLE order 0"]
    assert singles[:3] == (blocks[4], blocks[2], blocks[0])


def test_a_moved_zone_is_drawn_where_the_client_has_it() -> None:
    """Holes as well; kinds of pageblocks, which have no place of their own there, are left out."""
    view = moved(Config(0x103, 0x123, 3, holes=((0x105, 0x106),)), {"align": "zone"})
    assert view is not None
    model = Model(view.config)
    bound = attrs.evolve(model.zone, pageblock=model.zone.pageblock.set(view.config.start_pfn >> 3, CMA))
    shown = picture(view.outward(bound), None)
    runs = {strip.label: strip.runs for strip in shown.strips}
    assert (shown.start, shown.end) == (0x103, 0x123)
    assert runs["hole"] == ((0x105, 1),)
    assert "CMA" not in runs
