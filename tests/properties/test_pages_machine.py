"""The machine ``pages``: an allocator that knows of no watermark and no CPU conforms, one that breaks a promise does not."""

from __future__ import annotations

import pytest

from mmprops.clients.registry import opener
from mmprops.conform import judge_session, session_for
from mmprops.examples.python.mypages import Forgets, Ranges, Reuses, Strays, TwoNodes
from mmprops.machines import machine_named
from mmprops.machines.physical.pages import CAPABILITIES, too_much, unpromised
from mmprops.machines.physical.pages_draw import draw, simpler
from mmspec.physical.pages import PAGES
from mmspec.physical.pages.ops import Alloc, Contig, DrainZone, Free, IsolateRange, UndoRange
from mmspec.profile import Profile


def judged(client: object, profile: Profile = Profile.ANY, ops: int = 2_000, seed: int = 0) -> tuple[str, str | None]:
    """Return the verdict on a client, and the clause that it broke."""
    machine = machine_named("pages")
    run = judge_session(machine, session_for(machine, opener(client)), profile, ops=ops, seed=seed)
    broken = None if run.violation is None else run.violation.outcome.broken
    return run.verdict, None if broken is None else str(broken.clause)


@pytest.mark.parametrize("client", [TwoNodes, Ranges])
def test_a_small_allocator_conforms(client: type[TwoNodes]) -> None:
    """Under ``any``: where its frames lie, which zones serve, and what of a range it can isolate is its own business."""
    assert judged(client())[0] == "pass"


WRONG = [
    (Strays, "PAGES-ZONE", 2_000, 0),
    (Forgets, "PAGES-FREE", 2_000, 0),
    (Reuses, "PAGES-CONTIG-1", 20_000, 0),
    (Reuses, "PAGES-ISOLATED", 20_000, 3),
]


@pytest.mark.parametrize(("client", "clause", "ops", "seed"), WRONG)
def test_one_that_breaks_a_promise_is_named(client: type[TwoNodes], clause: str, ops: int, seed: int) -> None:
    """By the clause that it breaks first; what is handed out again is seen by its isolation, or by a range that has it too."""
    assert judged(client(), ops=ops, seed=seed) == ("fail", clause)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
def test_what_is_handed_out_again_is_found_whatever_the_seed(seed: int) -> None:
    """At the default number of operations: what came back of an isolated range is asked for again in most programs."""
    assert judged(Reuses(), ops=20_000, seed=seed)[0] == "fail"


def test_it_is_not_linux() -> None:
    """Which a kernel's profile finds."""
    assert judged(TwoNodes(), Profile.KERNEL_6_12)[0] == "fail"


def test_configurations_are_machines() -> None:
    """Whatever the bytes, and however small a client is, what is drawn is a machine that the client takes."""
    limits = {name: capability.default for name, capability in CAPABILITIES.items()}
    for capabilities in (limits, {**limits, "max_nodes": 1, "max_pages": 64}, {**limits, "cma": True, "bad": True}):
        for k in range(64):
            config = draw(bytes((k * (7 + n) + n) % 256 for n in range(16)), capabilities)
            assert too_much(config, capabilities) is None
            PAGES.initial(config)
            for smaller in simpler(config):
                PAGES.initial(smaller)


def test_what_is_not_promised_is_said() -> None:
    """Flags, a state and unlawful requests are asked of those only who promise them."""
    bare = {name: capability.default for name, capability in CAPABILITIES.items()}
    memory = PAGES.initial(draw(bytes(16), bare))
    assert unpromised(memory, Alloc(0, 0xCC0, 0, 0, flags=4), bare) == "flags"
    assert unpromised(memory, Free(0, 0, 0, 1), bare) == "a state"
    ranges = (IsolateRange(0, 1, 1, 1), Contig(0, 1, 1), UndoRange(0, 1, 1, 1))
    for request in (Alloc(99, 0xCC0, 0, 0), Free(0, 1, 0), DrainZone(0, 6), *ranges):
        assert unpromised(memory, request, bare) == "an unlawful request"
        assert unpromised(memory, request, {**bare, "checked": True}) is None
