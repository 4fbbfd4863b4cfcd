"""The machine ``pcp``: what its programs meet, what lock-step sees, and that a client need not be Linux."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from mmimpl.physical.pcp import PerCpuPages
from mmprops.clients.registry import opener
from mmprops.conform import judge_session, own_session, session_for
from mmprops.examples.python.mypcp import Cache, Newest, Oldest
from mmprops.lockstep import explore
from mmprops.machine import HEADER, RECORD
from mmprops.machines.physical.pcp import PCP, lawful, picture, too_much, unpromised
from mmprops.picture import lines
from mmprops.session import InProcess
from mmspec.errors import Error
from mmspec.physical.pcp.ops import Alloc, Config, Free, Refill, Tune
from mmspec.profile import Profile

KERNELS = {Profile.KERNEL_6_12: "6.12", Profile.KERNEL_6_1: "6.1"}


def outcomes(profile: Profile, capabilities: Mapping[str, Any], make: Any = PerCpuPages, programs: int = 20) -> list[Any]:
    """Run programs on an implementation in this process."""
    session = InProcess("it", make, KERNELS.get(profile, "6.12"), PCP.capable(capabilities), open=True)
    rng = random.Random(5)
    return [explore(PCP, session, profile, rng.randbytes(HEADER + 300 * RECORD)) for _ in range(programs)]


@pytest.mark.parametrize("profile", KERNELS)
def test_it_agrees_with_the_law(profile: Profile) -> None:
    """And the programs meet every clause that the kernel is held to."""
    run = judge_session(PCP, own_session(PCP, "impl", profile), profile, ops=12_000, seed=1)
    assert run.verdict == "pass", run.violation
    assert set(run.clauses_reached) == {clause.id for clause in PCP.component.clauses if profile.holds_to(clause)}


def test_most_requests_are_carried_out() -> None:
    """And each error of each operation is met."""
    met: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes(Profile.ANY, PCP.own_capabilities, programs=150):
        assert outcome.broken is None
        for (name, _, _), result in zip(outcome.made, outcome.results, strict=True):
            met[name, result.name if result.failed else "done"] += 1
    wanted = {(operation.name, answer) for operation in PCP.component.operations for answer in ("done", *operation.errors)}
    assert set(met) == wanted
    assert sum(count for (_, answer), count in met.items() if answer == "done") > 0.7 * met.total()


@pytest.mark.parametrize("left_out", ["checked", "migratetypes", "huge", "tuned", "observe"])
def test_what_is_not_promised_is_not_asked(left_out: str) -> None:
    """The programs for a client that leaves one capability out are those that a stored program would be held to."""
    capabilities = PCP.own_capabilities | {left_out: False}
    for outcome in outcomes(Profile.ANY, capabilities):
        assert outcome.broken is None
        assert too_much(outcome.config, capabilities) is None
        assert not any(PCP.requires.get(name) == left_out for name, _, _ in outcome.made)
        if left_out == "checked":
            assert Error("EINVAL") not in outcome.results
        elif left_out != "observe":
            state = PCP.component.initial(outcome.config)
            reasons = {unpromised(state, request, capabilities | {"checked": True}) for _, request, _ in outcome.made}
            assert reasons == {None}


def test_what_is_lawful_to_ask() -> None:
    """A request that need not be refused with EINVAL."""
    pages = PCP.component.initial(Config(0, 64))
    assert all(lawful(pages, request) for request in (Alloc(0, 0), Free(0, 32, 5), Refill(0, 8, 3), Tune(0, 0)))
    wrong = (
        Alloc(1, 0),
        Alloc(0, 5),
        Alloc(0, 0, 3),
        Free(0, 9, 1),
        Refill(0, 8, 5),
        Tune(0, 0, fraction=3),
        Tune(0, 0, 0, 0, 0),
    )
    assert not any(lawful(pages, request) for request in wrong)


class Tampered(PerCpuPages):
    """Changes one cell of its arrays after a while."""

    array = "high"

    def apply(self, request: Any) -> Any:
        """Answer, and then change the cell of a frame or CPU that the request names."""
        result = super().apply(request)
        if isinstance(request, Free) and not result.failed:
            cells = getattr(self.lists, self.array)
            cells[request.cpu] = cells[request.cpu] ^ 1
        return result


@pytest.mark.parametrize("array", ["owed", "high", "free_count", "alloc_factor", "flags", "expire"])
def test_lockstep_sees_a_number_that_differs(array: str) -> None:
    """At the free after which it is wrong."""
    make = type("Wrong", (Tampered,), {"array": array})
    broken = [outcome.broken for outcome in outcomes(Profile.KERNEL_6_12, PCP.own_capabilities, make, 3)]
    assert all(found is not None and found.clause == "PCP-CHOICE" for found in broken)


class Swapped(PerCpuPages):
    """Exchanges the first two blocks of a list that has so many."""

    def apply(self, request: Any) -> Any:
        """Answer, and exchange them."""
        result = super().apply(request)
        for number in range(14):
            found = self.members(number)
            if len(found) > 2:
                first, second, third = (pfn - self.base for pfn in found[:3])
                head = self.heads + number
                after, before = self.lists.after, self.lists.before
                after[head], after[second], after[first] = second, first, third
                before[second], before[first], before[third] = head, second, first
        return result


def test_lockstep_sees_a_list_in_another_order() -> None:
    """Before anybody is given a block of it."""
    found = [outcome.broken for outcome in outcomes(Profile.KERNEL_6_12, PCP.own_capabilities, Swapped, 6)]
    assert any(broken is not None and "than in Linux" in broken.explanation for broken in found)


@pytest.mark.parametrize("client", [Newest, Oldest])
def test_the_examples_conform(client: type[Cache]) -> None:
    """Whatever they hand out first, and however much they keep."""
    run = judge_session(PCP, session_for(PCP, opener(client)), Profile.ANY, ops=3_000, seed=2)
    assert run.verdict == "pass", run.violation


class Forgetful(Newest):
    """Hands a block out and keeps it."""

    name = "keeps what it hands out"

    def take(self, cpu: int, at: int) -> tuple[int, int]:
        """Only look."""
        pfn, order, _ = self.kept[cpu][at]
        return pfn, order


def test_a_wrong_client_is_found() -> None:
    """A block has two owners."""
    run = judge_session(PCP, session_for(PCP, opener(Forgetful)), Profile.ANY, ops=3_000, seed=2)
    assert run.violation is not None
    assert run.violation.broken.clause in ("PCP-ALLOC-HELD", "PCP-COUNT-REPORTED", "PCP-BLOCKS-REPORTED", "PCP-DRAIN", "PCP-BULK")
    assert len(run.violation.program.steps) <= 4


def test_a_picture() -> None:
    """Of the blocks of each CPU, and Linux's lists by name."""
    pages, lists = PCP.component.initial(Config(0, 16, 2)), PCP.component.initial_policy(Config(0, 16, 2), "6.12")
    refill = PCP.component.operation("refill")
    for request in (Refill(0, 2, 1), Refill(1, 8, 2), Refill(1, 12, 2)):
        result, lists = refill.choose(pages, lists, request)
        pages = refill.apply(pages, request, result)
    assert lines(picture(pages, lists)) == [
        "frames 0x0 to 0x10, 1 a column",
        "CPU 0 ..##............ 1",
        "CPU 1 ........######## 2",
    ]
    assert picture(pages, lists).lists == (("CPU 0 order 1 MOVABLE", (2,)), ("CPU 1 order 2 MOVABLE", (8, 12)))
