"""Lock-step: what is wrong is caught at the step where it happens, and a program can be carried out again."""

from __future__ import annotations

import gc
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from tests.properties import tampered
from tests.properties.tampered import BUDDY, session

from mmimpl.physical.buddy import Buddy
from mmprops.clients.base import DIED, HANG, RUBBISH, ClientFailure
from mmprops.clients.wire import Ref, Unsupported
from mmprops.lockstep import Outcome, Run, describe, explore, rerun, rerun_batched, shown, start
from mmprops.machine import HEADER, RECORD
from mmprops.program import Program
from mmprops.session import InProcess
from mmprops.testing import programs
from mmspec.clause import reached
from mmspec.errors import DONE, EINVAL, Error
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.ops import Alloc, Config, Free, Page
from mmspec.profile import Profile, profile_named

LINUX = Profile.KERNEL_6_12
CONFIG = Config(0x100, 0x200, 4)
FIVE = tuple(("alloc", Alloc(order)) for order in (0, 0, 0, 0, 1))


def carried_out(make: type[Buddy], steps: Sequence[tuple[str, Any]], profile: str = "linux") -> Outcome:
    """Return what comes of steps on a small zone."""
    return rerun(BUDDY, session(make, profile), profile_named(profile), Program("buddy", CONFIG, tuple(steps)))


def bytes_of(seed: int, steps: int = 300) -> bytes:
    """Return the bytes of a program."""
    return random.Random(seed).randbytes(HEADER + steps * RECORD)


# --- what is wrong is caught -----------------------------------------------------------------------------------------


def test_the_implementation_is_right() -> None:
    """Nothing is broken, every step is judged and its value kept."""
    outcome = carried_out(Buddy, FIVE)
    assert outcome.broken is None
    assert outcome.judged == 5
    assert outcome.values == (0x100, 0x101, 0x102, 0x103, 0x104)


def test_a_wrong_frame_is_caught_where_it_is_answered() -> None:
    """At the fourth allocation, with both answers."""
    broken = carried_out(tampered.WrongFrame, FIVE).broken
    assert broken is not None
    assert (broken.clause, broken.step, broken.observed) == ("BUDDY-CHOICE", 3, Page(0x104))
    assert broken.explanation == "Alloc(order=0) was answered Page(pfn=0x104); Linux answers Page(pfn=0x103)"


def test_a_wrong_refusal_is_caught() -> None:
    """ENOMEM though there are blocks."""
    broken = carried_out(tampered.SpuriousFailure, FIVE).broken
    assert broken is not None
    assert (broken.clause, broken.step) == ("BUDDY-ALLOC-ENOMEM", 3)


def test_a_wrong_place_on_a_list_is_caught_where_it_happens() -> None:
    """The results are right: only the neighbours on the list tell."""
    steps = [*FIVE, ("free", Free(Ref(3), 0)), ("free", Free(Ref(1), 0)), ("alloc", Alloc(0))]
    broken = carried_out(tampered.WrongEnd, steps).broken
    assert broken is not None
    assert (broken.clause, broken.step) == ("BUDDY-CHOICE", 6)
    assert broken.explanation == "block 0x101 is in another place on list MOVABLE order 0 than in Linux"


def test_a_wrong_place_on_a_list_is_nobody_s_business_under_any() -> None:
    """Lists are policy."""
    steps = [*FIVE, ("free", Free(Ref(3), 0)), ("free", Free(Ref(1), 0)), ("alloc", Alloc(0))]
    assert carried_out(tampered.WrongEnd, steps, "any").broken is None


@pytest.mark.parametrize(
    ("make", "explanation"),
    [
        (tampered.SilentCount, "free frames are counted for kind 0"),
        (tampered.SilentType, "is RECLAIMABLE"),
    ],
)
def test_silent_corruption_is_caught_by_the_recount(make: type[Buddy], explanation: str) -> None:
    """No result and no list shows it; it is found after the last step, and says so."""
    broken = carried_out(make, FIVE).broken
    assert broken is not None
    assert broken.step == len(FIVE) - 1
    assert broken.explanation.startswith("recount after the last step: ")
    assert explanation in broken.explanation


def test_the_law_s_own_defect_is_caught() -> None:
    """A law's state that breaks an invariant is reported, not passed."""
    run = start(BUDDY, session(Buddy, "any"), Profile.ANY, CONFIG)
    assert isinstance(run, Run)
    object.__setattr__(run.judge.state, "frames", run.judge.state.frames.set(0, 7))
    broken = run.finish().broken
    assert broken is not None
    assert broken.clause == "BUDDY-6"
    assert "the law's own state breaks it" in broken.explanation


def test_steps_after_a_broken_one_are_not_carried_out() -> None:
    """The run ends there, and the program with it."""
    outcome = carried_out(tampered.WrongFrame, [*FIVE, *FIVE])
    assert len(outcome.program.steps) == 4
    assert outcome.judged == 4


@pytest.mark.parametrize("make", [tampered.WrongFrame, tampered.SpuriousFailure, tampered.WrongEnd, tampered.SilentCount])
def test_programs_of_the_generator_find_it(make: type[Buddy]) -> None:
    """One of ten programs of 300 steps does."""
    broken = (explore(BUDDY, session(make), LINUX, bytes_of(seed)).broken for seed in range(10))
    assert any(found is not None for found in broken)


# --- what is compared ------------------------------------------------------------------------------------------------


def test_only_what_changed_is_compared_after_a_step() -> None:
    """The heads that the law's step wrote, and no others."""
    asked: list[set[int]] = []

    class Watching(Buddy):
        def list_at(self, pfn: int) -> int:
            asked[-1].add(pfn)
            return super().list_at(pfn)

    run = start(BUDDY, session(Watching), LINUX, CONFIG)
    assert isinstance(run, Run)
    for request in (Alloc(2), Alloc(3)):
        asked.append(set())
        run.carry_out("alloc", request, {})
    assert asked == [{0x100, 0x104, 0x108}, {0x108}]


@pytest.mark.parametrize("side", ["after", "before"])
def test_both_neighbours_on_a_list_are_compared(side: str) -> None:
    """A block that is right to one side and wrong to the other is wrong."""

    class OneSided(Buddy):
        pass

    setattr(OneSided, side, lambda self, key: 0x123)
    broken = carried_out(OneSided, FIVE).broken
    assert broken is not None
    assert "is in another place on list" in broken.explanation


def test_a_step_that_changes_nothing_compares_nothing() -> None:
    """A refused free touches no list."""
    run = start(BUDDY, session(Buddy), LINUX, CONFIG)
    assert isinstance(run, Run)
    run.carry_out("free", Free(0x100, 0), {})
    assert run.journal == []
    assert run.broken is None


def test_clauses_are_marked_on_the_way() -> None:
    """What a run reached can be read afterwards."""
    reached.clear()
    carried_out(Buddy, FIVE)
    assert {c.SMALLEST, c.EXPAND, c.ALLOC_FREE, c.CHOICE} <= reached
    assert c.FREE_2D not in reached


# --- clients that fail, refuse, or do not serve ----------------------------------------------------------------------


class Failing(Buddy):
    """Dies at a free."""

    def apply(self, request: Any) -> Any:
        """Answer anything but a free."""
        if type(request) is Free:
            raise ClientFailure(DIED, "the client exited with status 1")
        return super().apply(request)


class Refusing(Buddy):
    """Serves no free."""

    def apply(self, request: Any) -> Any:
        """Answer anything but a free."""
        return Unsupported("no frees here") if type(request) is Free else super().apply(request)


def test_a_client_s_death_is_reported_with_its_step() -> None:
    """Clause, step and explanation."""
    broken = carried_out(Failing, [*FIVE, ("free", Free(Ref(0), 0))], "any").broken
    assert broken is not None
    assert (broken.clause, broken.step, broken.explanation) == (DIED, 5, "the client exited with status 1")


def test_what_is_not_carried_out_is_counted_not_judged() -> None:
    """By reason; the law's state does not move."""
    outcome = carried_out(Refusing, [*FIVE, ("free", Free(Ref(0), 0)), ("free", Free(Ref(1), 0))], "any")
    assert outcome.broken is None
    assert outcome.unsupported == {"no frees here": 2}
    assert outcome.judged == 5


class Choosy(InProcess):
    """Takes no configuration."""

    def reset(self, config: Any) -> Unsupported | None:
        """Refuse."""
        return Unsupported("zone must be a power of two")


def test_a_refused_configuration_is_an_outcome() -> None:
    """With the reason, and nothing judged."""
    outcome = explore(BUDDY, Choosy("choosy", Buddy, "6.12", session(Buddy).capabilities, open=False), LINUX, bytes_of(0))
    assert (outcome.refused, outcome.judged, outcome.broken) == ("zone must be a power of two", 0, None)


class Stuck(InProcess):
    """Hangs at the reset."""

    def reset(self, config: Any) -> Unsupported | None:
        """Hang."""
        raise ClientFailure(HANG, "no reply within 5 s")


def test_a_failure_at_the_reset_breaks_its_clause() -> None:
    """Before any step."""
    broken = explore(BUDDY, Stuck("stuck", Buddy, "6.12", session(Buddy).capabilities, open=False), LINUX, bytes_of(0)).broken
    assert broken is not None
    assert (broken.clause, broken.step, broken.explanation) == (HANG, -1, "at reset: no reply within 5 s")


# --- again -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["linux", "kernel-6.1", "any"])
@given(data=programs(40))
def test_a_program_carried_out_again_gives_the_same(profile: str, data: bytes) -> None:
    """Same steps, same values, same state of the law."""
    held_to = profile_named(profile)
    first = explore(BUDDY, session(Buddy, profile), held_to, data)
    again = rerun(BUDDY, session(Buddy, profile), held_to, first.program)
    assert (again.program, again.values, again.judged, again.broken) == (first.program, first.values, first.judged, None)
    assert again.state == first.state


def test_a_step_that_refers_to_nothing_is_passed_over() -> None:
    """A free of a failed allocation is not carried out, and keeps its place."""
    steps = [("alloc", Alloc(9)), ("free", Free(Ref(0), 9)), ("alloc", Alloc(0)), ("free", Free(Ref(2), 0))]
    outcome = carried_out(Buddy, steps)
    assert outcome.judged == 3
    assert outcome.program.steps == tuple(steps)


class Batching(InProcess):
    """Carries out batches in this process, as a client does."""

    answers_nothing_as: Error = Error("EREF")

    def batch(self, steps: Sequence[tuple[Any, Any]]) -> list[Any]:
        """Answer each step, references resolved within the batch."""
        results: list[Any] = []
        for _, request in steps:
            ref = getattr(request, "pfn", None)
            if isinstance(ref, Ref):
                if results[ref.step].failed:
                    results.append(self.answers_nothing_as)
                    continue
                request = Free(results[ref.step].pfn, request.order)  # noqa: PLW2901
            results.append(self.body.apply(request))
        return results


def batching(make: type[Buddy] = Buddy) -> Batching:
    """Return a session that has batches."""
    return Batching("batching", make, "6.12", session(Buddy).capabilities, open=False)


ACROSS = (*(("alloc", Alloc(0)) for _ in range(150)), *(("free", Free(Ref(k), 0)) for k in range(0, 150, 2)))


def test_a_batch_is_judged_step_by_step() -> None:
    """Over 200 steps in two batches, references within and across them."""
    outcome = rerun_batched(BUDDY, batching(), LINUX, Program("buddy", CONFIG, ACROSS))
    assert outcome.broken is None
    assert outcome.judged == len(ACROSS)


def test_a_wrong_answer_in_a_batch_is_caught_at_its_step() -> None:
    """The fourth allocation."""
    broken = rerun_batched(BUDDY, batching(tampered.WrongFrame), LINUX, Program("buddy", CONFIG, ACROSS)).broken
    assert broken is not None
    assert (broken.clause, broken.step) == ("BUDDY-CHOICE", 3)


def test_in_a_batch_a_reference_to_an_error_is_answered_eref() -> None:
    """Such a step is not judged."""
    steps = (("alloc", Alloc(9)), ("free", Free(Ref(0), 9)), ("alloc", Alloc(0)))
    outcome = rerun_batched(BUDDY, batching(), LINUX, Program("buddy", CONFIG, steps))
    assert (outcome.broken, outcome.judged) == (None, 2)


def test_a_reference_across_batches_to_an_error_is_not_sent() -> None:
    """Nor does it shift what later references of the batch mean."""
    fill = (("alloc", Alloc(9)), *(("alloc", Alloc(0)) for _ in range(199)))
    steps = (*fill, ("free", Free(Ref(0), 9)), ("alloc", Alloc(1)), ("alloc", Alloc(0)), ("free", Free(Ref(201), 1)))
    outcome = rerun_batched(BUDDY, batching(), LINUX, Program("buddy", CONFIG, steps))
    assert (outcome.broken, outcome.judged) == (None, len(steps) - 1)


def test_any_other_answer_to_such_a_reference_is_rubbish() -> None:
    """EINVAL is not EREF."""
    wrong = batching()
    wrong.answers_nothing_as = EINVAL
    steps = (("alloc", Alloc(9)), ("free", Free(Ref(0), 9)))
    broken = rerun_batched(BUDDY, wrong, LINUX, Program("buddy", CONFIG, steps)).broken
    assert broken is not None
    assert (broken.clause, broken.step) == (RUBBISH, 1)


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "text"),
    [(Page(0x40), "Page(pfn=0x40)"), (EINVAL, "EINVAL"), (DONE, "Done()"), (Free(255, 3), "Free(pfn=0xff, order=3)")],
)
def test_records_are_shown_with_frames_in_hexadecimal(record: Any, text: str) -> None:
    """As a reader of a trace writes them."""
    assert shown(record) == text


def test_the_answer_of_linux_is_told_only_where_it_differs() -> None:
    """And where there is one."""
    assert describe(Free(1, 0), EINVAL, DONE) == "Free(pfn=0x1, order=0) was answered EINVAL; Linux answers Done()"
    assert (
        describe(Free(1, 0), EINVAL, None) == describe(Free(1, 0), EINVAL, EINVAL) == "Free(pfn=0x1, order=0) was answered EINVAL"
    )


# --- the collector -----------------------------------------------------------------------------------------------------


class Raising(Buddy):
    """Looks whether the collector is away, and then raises what no session takes for an answer."""

    def apply(self, request: Any) -> Any:
        assert not gc.isenabled()
        raise KeyboardInterrupt


def test_the_collector_is_back_however_a_program_ends() -> None:
    """Also where Ctrl-C ends it."""
    assert gc.isenabled()
    with pytest.raises(KeyboardInterrupt):
        explore(BUDDY, session(Raising), Profile.KERNEL_6_12, bytes(range(1, 100)))
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    """It is somebody else's to switch on."""
    gc.disable()
    try:
        explore(BUDDY, session(Buddy), Profile.KERNEL_6_12, bytes(range(1, 100)))
        assert not gc.isenabled()
    finally:
        gc.enable()
