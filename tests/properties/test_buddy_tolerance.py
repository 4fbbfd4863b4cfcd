"""What the capabilities of a client of the machine ``buddy`` excuse."""

from __future__ import annotations

from typing import Any

import pytest
from tests.properties.tampered import BUDDY, session
from tests.spec.model import Model

from mmimpl.physical.buddy import Buddy
from mmprops.clients.wire import Ref
from mmprops.lockstep import explore, rerun
from mmprops.program import Program
from mmspec.errors import EINVAL, ENOMEM
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.ops import Alloc, Config, Free, Page
from mmspec.profile import Profile

FOUR = Config(0, 4, 2)


def tolerance(**named: Any) -> Any:
    """Return the tolerance of a run on four frames."""
    return BUDDY.tolerance(FOUR, BUDDY.capable(named))


def forgiven(held: Any, model: Model, order: int = 0) -> bool:
    """Tell whether ENOMEM is excused."""
    answer: bool = held.forgives(c.ALLOC_ENOMEM, model.zone, Alloc(order), ENOMEM)
    return answer


def test_enomem_is_not_excused_by_default() -> None:
    """Four free frames must serve."""
    assert not forgiven(tolerance(), Model(FOUR))


def test_who_may_fail_is_excused() -> None:
    """At any time."""
    assert forgiven(tolerance(may_fail=True), Model(FOUR))


@pytest.mark.parametrize(("clause", "answer"), [(c.ALLOC_ENOMEM, EINVAL), (c.ALLOC_FREE, Page(3)), (c.FREE_ACCEPTED, ENOMEM)])
def test_nothing_but_enomem_of_an_allocation_is_excused(clause: Any, answer: Any) -> None:
    """Not another error, a wrong frame, or a refused free."""
    assert not tolerance(may_fail=True, reserved=100).forgives(clause, Model(FOUR).zone, Alloc(0), answer)


@pytest.mark.parametrize(("reserved", "excused"), [(3, False), (4, True)])
def test_at_most_reserved_blocks_may_be_kept(reserved: int, excused: bool) -> None:
    """Four lawful blocks of one frame, none handed out yet."""
    assert forgiven(tolerance(reserved=reserved), Model(FOUR)) is excused


@pytest.mark.parametrize(("order", "blocks"), [(0, 4), (1, 2), (2, 1)])
def test_blocks_of_the_order_that_is_asked_for_are_counted(order: int, blocks: int) -> None:
    """Aligned places, not free blocks."""
    assert forgiven(tolerance(reserved=blocks), Model(FOUR), order)
    assert not forgiven(tolerance(reserved=blocks - 1), Model(FOUR), order)


def test_a_block_that_was_handed_out_is_not_kept() -> None:
    """Once all of a lawful block's frames have been handed out and freed, it must serve."""
    model, held = Model(FOUR), tolerance(reserved=100)
    result = model.ask(Alloc(0))
    held.note(Alloc(0), result)
    assert forgiven(held, model)
    held.note(Free(result.pfn, 0), model.ask(Free(result.pfn, 0)))
    assert not forgiven(held, model)


def test_a_block_with_one_frame_never_handed_out_may_be_kept() -> None:
    """Of two frames one has been out."""
    model, held = Model(Config(0, 2, 1)), tolerance(reserved=1)
    result = model.ask(Alloc(0))
    held.note(Alloc(0), result)
    model.ask(Free(result.pfn, 0))
    assert forgiven(held, model, 1)
    assert not forgiven(held, model, 0)


def test_a_refusal_hands_nothing_out() -> None:
    """It is not remembered."""
    held = tolerance(reserved=4)
    held.note(Alloc(0), ENOMEM)
    assert forgiven(held, Model(FOUR))


class KeepsTwo(Buddy):
    """Keeps the last two frames for itself."""

    def apply(self, request: Any) -> Any:
        """Refuse what is left when two frames are."""
        if type(request) is Alloc and sum(self.frames(kind) for kind in (0, 3, 4, 5)) - (1 << request.order) < 2:
            return ENOMEM
        return super().apply(request)


@pytest.mark.parametrize(
    ("promised", "clause"), [({}, "BUDDY-ALLOC-ENOMEM"), ({"reserved": 2}, None), ({"may_fail": True}, None)]
)
def test_a_client_that_keeps_frames_must_promise_it(promised: dict[str, Any], clause: str | None) -> None:
    """Four frames, asked for one by one."""
    header = bytes([*[0] * 10, 4, *[0] * 5])  # nine tenths of the frames are wanted
    program = b"".join([header, *(bytes([k, 0, 0, 0, 1, 0, 0, 0]) for k in range(1, 12))])
    plain = dict.fromkeys(("pageblocks", "checked_free", "checked_alloc", "observe", "migratetypes"), False)
    held = session(KeepsTwo, "any", **(plain | promised))
    outcome = explore(BUDDY, held, Profile.ANY, program, FOUR)
    assert (outcome.broken.clause if outcome.broken else None) == clause
    assert any(name == "alloc" for name, _, _ in outcome.made)


class Forgets(Buddy):
    """Never hands a frame out a second time."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        super().__init__(config, kernel)
        self.given = 0

    def apply(self, request: Any) -> Any:
        """Refuse from the fifth allocation on."""
        self.given += type(request) is Alloc
        return ENOMEM if type(request) is Alloc and self.given > 4 else super().apply(request)


def test_a_client_may_keep_only_what_it_never_handed_out() -> None:
    """All four frames have been out: the fifth allocation must serve, whatever is promised."""
    steps = (*(("alloc", Alloc(0)) for _ in range(4)), ("free", Free(Ref(2), 0)), ("alloc", Alloc(0)))
    held = session(Forgets, "any", reserved=4)
    broken = rerun(BUDDY, held, Profile.ANY, Program("buddy", FOUR, steps)).broken
    assert broken is not None
    assert (broken.clause, broken.step) == ("BUDDY-ALLOC-ENOMEM", 5)
