"""Alignment that counts from the start of the zone: where the law's zone lies, and what a client of it reads and is told."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties.tampered import BUDDY, session
from tests.spec.model import Model

from mmimpl.physical.buddy import Buddy
from mmprops.lockstep import Outcome, explore, rerun
from mmprops.machine import HEADER, RECORD
from mmprops.machines.physical.buddy_align import moved
from mmprops.picture import lines
from mmprops.program import Program
from mmspec.errors import EINVAL
from mmspec.physical.buddy.ops import Alloc, Blocks, Config, Free, FreeBlocks, Page
from mmspec.profile import Profile
from mmspec.words import is_aligned

ZONE, FRAME = {"align": "zone"}, {"align": "pfn"}
STARTS = st.one_of(st.integers(0, 1 << 14), st.integers((1 << 52) - (1 << 15), (1 << 52) - (1 << 14)))


@given(STARTS, st.integers(0, 13))
def test_the_law_s_zone_begins_where_both_ways_to_count_agree(start: int, max_order: int) -> None:
    """At a multiple of its largest block, less than one such block below the client's, and of the same size."""
    view = moved(Config(start, start + 100, max_order), ZONE)
    if view is None:
        assert is_aligned(start, max_order)
    else:
        assert is_aligned(view.config.start_pfn, max_order)
        assert 0 < start - view.config.start_pfn == view.by < 1 << max_order
        assert view.config.end_pfn - view.config.start_pfn == 100


@given(STARTS, st.integers(0, 13))
def test_nothing_moves_where_alignment_counts_from_frame_0(start: int, max_order: int) -> None:
    """Which is the default."""
    assert moved(Config(start, start + 100, max_order), FRAME) is None


def test_holes_move_with_the_zone() -> None:
    """By as much."""
    view = moved(Config(0x103, 0x203, 4, holes=((0x110, 0x118),)), ZONE)
    assert view is not None
    assert view.config == Config(0x100, 0x200, 4, holes=((0x10D, 0x115),))


@pytest.mark.parametrize(
    "record", [Page(0x108), Free(0x108, 3), Blocks(((0x108, 3), (0x110, 0))), Alloc(3), EINVAL, FreeBlocks()]
)
def test_what_moves_out_moves_back(record: Any) -> None:
    """Requests and results, with frame numbers or without."""
    view = moved(Config(0x103, 0x203, 4), ZONE)
    assert view is not None
    assert view.inward(view.outward(record)) == record


def test_a_frame_number_never_leaves_its_range() -> None:
    """At the end of the numbers a foreign frame is the last one."""
    view = moved(Config((1 << 52) - 0x105, 1 << 52, 4), ZONE)
    assert view is not None
    assert view.outward(Free((1 << 52) - 1, 0)) == Free((1 << 52) - 1, 0)


def test_the_state_is_shown_in_the_client_s_numbers() -> None:
    """Bounds and blocks."""
    view = moved(Config(3, 19, 3), ZONE)
    assert view is not None
    model = Model(view.config)
    model.alloc(0)
    shown = view.outward(model.zone)
    assert lines(BUDDY.picture(shown, None))[0] == "frames 0x3 to 0x13, 1 a column"
    assert dict(shown.free.items()) == {4: 0, 5: 1, 7: 2, 11: 3}
    assert dict(shown.allocated.items()) == {3: 0}


class FromItsStart(Buddy):
    """The implementation, on a zone that is moved to where alignment counts from its start."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        self.view = moved(config, ZONE)
        super().__init__(config if self.view is None else self.view.config, kernel)

    def apply(self, request: Any) -> Any:
        """Answer in the numbers of the zone."""
        if self.view is None:
            return super().apply(request)
        return self.view.outward(super().apply(self.view.inward(request)))


def explored(make: type[Buddy], seed: int, **named: Any) -> Outcome:
    """Return what came of a random program on an unaligned zone."""
    data = random.Random(seed).randbytes(HEADER + 300 * RECORD)
    config = Config(0x1003 + seed, 0x1203, 5, holes=((0x1100, 0x1109),))
    return explore(BUDDY, session(make, "any", **named), Profile.ANY, data, config)


@pytest.mark.parametrize("seed", range(5))
def test_who_counts_from_the_start_passes_if_it_says_so(seed: int) -> None:
    """Whatever is asked, misuse and pageblocks too, with blocks that are no multiple of their size."""
    outcome = explored(FromItsStart, seed, align="zone")
    assert outcome.broken is None
    assert outcome.judged > 200
    blocks = [(pfn, order) for pfn, order in outcome.state.free.items() if order]
    assert any(not is_aligned(pfn, order) for pfn, order in blocks)
    assert all(is_aligned(pfn - 0x1003 - seed, order) for pfn, order in blocks)


@pytest.mark.parametrize(("make", "said"), [(FromItsStart, "pfn"), (Buddy, "zone")])
def test_who_counts_otherwise_than_it_says_is_caught(make: type[Buddy], said: str) -> None:
    """Both ways, and the program fails again as it was recorded."""
    outcome = explored(make, 0, align=said)
    assert outcome.broken is not None
    again = rerun(BUDDY, session(make, "any", align=said), Profile.ANY, outcome.program)
    assert again.broken == outcome.broken


def test_what_linux_answers_is_said_in_the_client_s_numbers() -> None:
    """A kernel profile's own answer moves too."""

    class SecondFrame(FromItsStart):
        def apply(self, request: Any) -> Any:
            result = super().apply(request)
            return Page(result.pfn + 1) if type(request) is Alloc else result

    held = session(SecondFrame, "linux", align="zone")
    held.open = False
    broken = rerun(BUDDY, held, Profile.KERNEL_6_12, Program("buddy", Config(3, 11, 3), (("alloc", Alloc(0)),))).broken
    assert broken is not None
    assert broken.explanation == "Alloc(order=0) was answered Page(pfn=0x4); Linux answers Page(pfn=0x3)"
