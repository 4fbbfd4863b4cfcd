"""How the law's state and the implementation's are compared, and how a zone is drawn."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from tests.properties.drawing import DEFAULTS
from tests.spec.model import Model

from mmimpl.physical.buddy import Buddy
from mmprops.machines.physical.buddy import recount
from mmprops.machines.physical.buddy_picture import picture
from mmprops.picture import lines
from mmspec.physical.buddy.core import block_over
from mmspec.physical.buddy.ops import MOVABLE, Alloc, Config, Free
from mmspec.words import ABSENT


def pair() -> tuple[Model, Buddy]:
    """Return the law and the implementation after the same few requests."""
    config = Config(0, 64, 4, pageblock_order=2)
    model, body = Model(config), Buddy(config)
    for request in (Alloc(0), Alloc(2), Alloc(0, 0), Free(0, 0)):
        assert model.ask(request) == body.apply(request)
    return model, body


def test_equal_states_recount_as_equal() -> None:
    """Nothing differs."""
    model, body = pair()
    assert recount(model.zone, model.lists, body) is None


def test_a_recount_says_what_differs() -> None:
    """Blocks, owners, order, counts, types: each in words."""
    model, body = pair()
    lists = model.lists
    messages = [
        recount(model.zone, attrs.evolve(lists, block=lists.block.delete(next(iter(dict(lists.block.items()))))), body),
        recount(attrs.evolve(model.zone, allocated=model.zone.allocated.set(40, 0)), lists, body),
        recount(attrs.evolve(model.zone, frames=model.zone.frames.set(0, 1)), lists, body),
        recount(model.zone, attrs.evolve(lists, types=lists.types.set(3, 2)), body),
    ]
    assert messages[0] == "the listed blocks differ"
    assert messages[1] == "the blocks that are handed out differ"
    assert messages[2] is not None
    assert messages[2].endswith("free frames are counted for kind 0, in Linux 1")
    assert messages[3] == "pageblock 0x3 is MOVABLE, in Linux RECLAIMABLE"


def test_a_picture_has_a_strip_for_each_order_with_free_blocks() -> None:
    """``#`` where frames are free in blocks of the order, and how many blocks there are."""
    model = Model(Config(0, 16, 3))
    model.ask(Alloc(0))
    assert lines(picture(model.zone, model.lists)) == [
        "frames 0x0 to 0x10, 1 a column",
        "order  3 ........######## 1",
        "order  2 ....####........ 1",
        "order  1 ..##............ 1",
        "order  0 .#.............. 1",
    ]


def test_a_large_zone_s_picture_fits_a_line() -> None:
    """Several frames a column."""
    drawn = lines(picture(Model(Config(0, 100_000, 10)).zone, None))
    assert max(map(len, drawn)) <= 130
    assert "1042 a column" in drawn[0]


@given(st.integers(0, 63))
def test_the_block_over_a_frame_is_what_the_picture_shows(frame: int) -> None:
    """A frame is drawn in the strip of its block's order, and in no other."""
    model, _ = pair()
    strips = {int(line.split()[1]): line.split()[2] for line in lines(picture(model.zone, None))[1:]}
    order = block_over(model.zone.free, frame, 0)
    assert [k for k, strip in strips.items() if strip[frame] == "#"] == ([] if order == ABSENT else [order])


def test_movable_requests_are_the_default() -> None:
    """A client that is not sent a type is asked for MOVABLE."""
    assert Alloc(0).migratetype == MOVABLE
    assert DEFAULTS["migratetypes"] is False
