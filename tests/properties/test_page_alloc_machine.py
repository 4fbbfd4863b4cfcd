"""The machine ``page_alloc``: clients that know of no watermark conform, one that breaks a promise does not."""

from __future__ import annotations

import pytest

from mmprops.clients.registry import opener
from mmprops.conform import judge_session, session_for
from mmprops.examples.python.mypage_alloc import Homesick, Strays, TwoNodes
from mmprops.machines import machine_named
from mmspec.profile import Profile


def judged(client: object, profile: Profile = Profile.ANY) -> tuple[str, str | None]:
    """Return the verdict on a client, and the clause that it broke."""
    machine = machine_named("page_alloc")
    run = judge_session(machine, session_for(machine, opener(client)), profile, ops=2_000, seed=0)
    return run.verdict, None if run.violation is None or run.violation.outcome.broken is None else str(
        run.violation.outcome.broken.clause
    )


@pytest.mark.parametrize("client", [TwoNodes, Homesick])
def test_an_allocator_without_watermarks_conforms(client: type[TwoNodes]) -> None:
    """Under ``any``: which of the zones serves is its own business."""
    assert judged(client())[0] == "pass"


def test_one_that_leaves_the_node_is_named() -> None:
    """By the clause that says which zones may serve."""
    assert judged(Strays()) == ("fail", "PAGE-ALLOC-3")


def test_it_is_not_linux() -> None:
    """Which a kernel's profile finds."""
    assert judged(TwoNodes(), Profile.KERNEL_6_12)[0] == "fail"
