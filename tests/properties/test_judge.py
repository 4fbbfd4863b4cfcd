"""The judge: what a verdict names, and what a run goes on from."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mmprops.judge import Judge, broken_invariant
from mmprops.machines import machine_named
from mmspec.errors import DONE, EINVAL, ENOMEM
from mmspec.physical.buddy import BUDDY
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.ops import Alloc, Blocks, Config, Frames, Free, FreeBlocks, FreeCount, Page
from mmspec.profile import Profile

MACHINE = machine_named("buddy")
CONFIG = Config(0, 64, 4)


def judge(profile: Profile = Profile.KERNEL_6_12) -> Judge:
    """Return a judge of a zone of four blocks of sixteen frames."""
    return Judge(BUDDY, profile, CONFIG)


def ask(judge: Judge, request: Any, result: Any) -> Any:
    """Return the verdict on an answer."""
    operation = next(operation for operation in BUDDY.operations if operation.request is type(request))
    return judge.judge(operation, request, result)


def test_the_answer_of_linux_is_right() -> None:
    """No verdict."""
    assert ask(judge(), Alloc(0), Page(0)) is None


def test_another_lawful_answer_breaks_the_choice() -> None:
    """Under a kernel's profile; the verdict holds what Linux answers."""
    verdict = ask(judge(), Alloc(0), Page(16))
    assert (verdict.clause, verdict.chosen) == (c.CHOICE, Page(0))


def test_another_lawful_answer_is_right_under_any() -> None:
    """The profile any accepts every lawful answer."""
    assert ask(judge(Profile.ANY), Alloc(0), Page(16)) is None


@pytest.mark.parametrize("profile", list(Profile))
def test_an_unlawful_answer_breaks_its_own_clause(profile: Profile) -> None:
    """Not the choice, whichever the profile."""
    assert ask(judge(profile), Alloc(1), Page(1)).clause is c.ALLOC_ALIGNED


def test_under_any_there_is_no_answer_of_linux() -> None:
    """The verdict names none."""
    assert ask(judge(Profile.ANY), Alloc(1), Page(1)).chosen is None


def test_after_a_right_answer_the_state_has_moved() -> None:
    """The block is handed out, and its free is lawful."""
    held = judge()
    ask(held, Alloc(0), Page(0))
    assert ask(held, Free(0, 0), DONE) is None


@pytest.mark.parametrize("answer", [Page(16), Page(1 << 20), ENOMEM, EINVAL])
def test_after_a_verdict_the_state_is_as_it_was(answer: Any) -> None:
    """Neither the law's nor Linux's has moved."""
    held = judge()
    state, policy = held.state, held.policy
    assert ask(held, Alloc(0), answer) is not None
    assert (held.state, held.policy) == (state, policy)


def test_under_any_the_lists_are_not_kept() -> None:
    """There is no policy to follow."""
    assert judge(Profile.ANY).policy is None


def test_a_kernel_s_profile_keeps_that_kernel_s_lists() -> None:
    """6.1 and 6.12 choose differently."""
    assert [judge(profile).policy.kernel for profile in (Profile.KERNEL_6_1, Profile.KERNEL_6_12)] == [601, 612]


def test_looking_is_judged_by_what_is_lawful() -> None:
    """A wrong count breaks its clause, a right one is right, and no choice is asked."""
    assert ask(judge(), FreeCount(), Frames(63)).clause is c.COUNT_REPORTED
    assert ask(judge(), FreeCount(), Frames(64)) is None


def test_what_is_reported_need_not_be_in_linux_s_order() -> None:
    """Blocks come in any order, under a kernel's profile too."""
    assert ask(judge(), FreeBlocks(), Blocks(((48, 4), (0, 4), (32, 4), (16, 4)))) is None


def test_the_invariants_hold_of_a_fresh_zone() -> None:
    """None is broken."""
    fresh = judge()
    assert broken_invariant(BUDDY, fresh.profile, fresh.state, fresh.policy) is None


def test_a_broken_invariant_is_named_with_its_key() -> None:
    """Frame 3 has two owners."""
    fresh = judge(Profile.ANY)
    state = attrs.evolve(fresh.state, allocated=fresh.state.allocated.set(3, 0))
    assert broken_invariant(BUDDY, Profile.ANY, state, None) == (c.BUDDY_1, 3)


def test_without_a_policy_state_nothing_is_asked_of_it() -> None:
    """Under any only the core's invariants are asked, and no key is asked of lists that are not there."""
    assert broken_invariant(BUDDY, Profile.ANY, judge(Profile.ANY).state, None) is None
