"""Planted bugs whose shortest program is known come back at most one operation longer (DESIGN 6)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mmimpl.physical.buddy import Buddy
from mmprops.clients.wire import Ref
from mmprops.conform import own_session, search, smallest
from mmprops.lockstep import rerun
from mmprops.machine import Machine
from mmprops.machines import machine_named
from mmprops.program import Program
from mmspec.physical.buddy.ops import EINVAL, Alloc, Config, Free
from mmspec.profile import Profile


class Planted(Buddy):
    """An implementation that refuses a lawful request once its history makes it."""

    __slots__ = ("history",)

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        super().__init__(config, kernel)
        self.history: list[tuple[str, Any]] = []  # the last requests that were carried out, with the block's PFN

    def apply(self, request: Any) -> Any:
        if self.springs(request) and not super().apply(request).failed:
            return EINVAL
        result = super().apply(request)
        if isinstance(request, Alloc | Free) and not result.failed:
            kind = "alloc" if isinstance(request, Alloc) else "free"
            self.history.append((kind, getattr(result, "pfn", getattr(request, "pfn", None))))
        return result

    def springs(self, request: Any) -> bool:
        """Whether the history makes this request fail."""
        raise AssertionError


class AfterThree(Planted):
    """Refuses an allocation that follows two in a row: 3 operations."""

    def springs(self, request: Any) -> bool:
        return isinstance(request, Alloc) and [kind for kind, _ in self.history[-2:]] == ["alloc", "alloc"]


class AfterFive(Planted):
    """Refuses an allocation after two blocks were freed in a row, the older first: 5 operations."""

    def springs(self, request: Any) -> bool:
        return isinstance(request, Alloc) and freed_oldest_first(self.history, 2)


class AfterEight(Planted):
    """Refuses the free that follows an allocation after three blocks were freed in a row, the older first: 8 operations."""

    def springs(self, request: Any) -> bool:
        return isinstance(request, Free) and self.history[-1:][0][0] == "alloc" and freed_oldest_first(self.history[:-1], 3)


def freed_oldest_first(history: list[tuple[str, Any]], count: int) -> bool:
    """Whether the last requests freed so many blocks, in the order in which they were handed out."""
    last = history[-count:]
    if len(last) < count or any(kind != "free" for kind, _ in last):
        return False
    born = [max(i for i, (kind, pfn) in enumerate(history[:-count]) if kind == "alloc" and pfn == freed) for _, freed in last]
    return born == sorted(born)


def planted(body: type[Planted]) -> Machine:
    """The machine with a planted implementation."""
    return attrs.evolve(machine_named("buddy"), implementation=body)


ALLOC = ("alloc", Alloc(0))
SHORTEST: dict[type[Planted], list[Any]] = {
    AfterThree: [ALLOC, ALLOC, ALLOC],
    AfterFive: [ALLOC, ALLOC, ("free", Free(Ref(0), 0)), ("free", Free(Ref(1), 0)), ALLOC],  # type: ignore[arg-type]
    AfterEight: [
        *[ALLOC] * 3,
        *[("free", Free(Ref(i), 0)) for i in range(3)],  # type: ignore[arg-type]
        ALLOC,
        ("free", Free(Ref(6), 0)),  # type: ignore[arg-type]
    ],
}

each = pytest.mark.parametrize("body", SHORTEST)


@each
def test_the_shortest_program_is_one(body: type[Planted]) -> None:
    """The shortest program shows the planted bug, and no program without one of its steps does."""
    machine = planted(body)
    program = Program("buddy", Config(0, 64, 3), tuple(SHORTEST[body]))
    session = own_session(machine, "impl", Profile.ANY)
    assert rerun(machine, session, Profile.ANY, program).broken is not None
    for step in range(len(program.steps)):
        assert rerun(machine, session, Profile.ANY, program.without({step})).broken is None


@each
@pytest.mark.parametrize("seed", range(4))
def test_a_planted_bug_comes_back_at_most_one_longer(body: type[Planted], seed: int) -> None:
    """What a search finds in programs of hundreds of steps is shrunk to the shortest length, or one more."""
    machine = planted(body)
    session = own_session(machine, "impl", Profile.ANY)
    tally = search(machine, session, Profile.ANY, 200_000, seed)
    assert tally.broken is not None
    found = smallest(machine, session, Profile.ANY, tally.broken)
    assert not found.flaky
    assert len(found.program.steps) <= len(SHORTEST[body]) + 1
