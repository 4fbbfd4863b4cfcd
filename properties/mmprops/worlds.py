"""What can be said of a program's answers before anybody has run it.

A lawful implementation chooses, and what it may answer depends on what it chose before. So a program is followed through every
lawful history at once: a *world* is what the law knows at the end of some of them. A step whose answer is the same in all worlds
has one right answer; one that hands out a block in all of them has a block as its answer; about any other step nothing can be
said, and it is left out. Under a kernel's profile there is one history, and the same follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from mmprops.judge import Judge
from mmprops.machine import Machine, Replies
from mmprops.program import Program, Step, main_value, operations_of, refs_of, resolved, with_refs
from mmspec import clause as clauses
from mmspec.clause import Clause
from mmspec.component import Operation
from mmspec.errors import LawError
from mmspec.profile import Profile

MOST_WORLDS = 256
"""A step that makes more worlds is left out: what can be said after it takes too long to find out."""


@attrs.frozen
class Equals:
    """The one right result of a step."""

    result: Any


@attrs.frozen
class FreeAligned:
    """A step is answered with some block of 2**order free frames, aligned and inside."""

    order: int


Expectation = Equals | FreeAligned


@attrs.frozen
class Answer:
    """A right answer, the states after it, and the clauses that decided it."""

    result: Any
    state: Any
    policy: Any
    met: frozenset[Clause]


@attrs.frozen
class World:
    """Where some histories end: the law's state, a kernel's policy state, and the values of steps that are referred to later.

    ``met`` are the clauses that decided something in every one of these histories.
    """

    state: Any
    policy: Any
    values: Mapping[int, Any]
    met: frozenset[Clause]

    @property
    def key(self) -> Any:
        """What tells worlds apart."""
        return self.state, self.policy, tuple(sorted(self.values.items()))

    def after(self, step: int, operation: Operation, answer: Answer) -> World:
        """Return the world behind a step."""
        value = main_value(operation, answer.result)
        values = self.values if value is None else {**self.values, step: value}
        return World(answer.state, answer.policy, values, self.met | answer.met)


@attrs.frozen
class Foretold:
    """The steps of a program about which something can be said, what that is, and the clauses met whatever is chosen.

    ``asked`` are the requests of one lawful history, each with the state that it meets.
    """

    program: Program
    expected: tuple[Expectation, ...]
    met: frozenset[Clause]
    asked: tuple[tuple[Any, Any], ...]


class Follower:
    """Follows one program."""

    def __init__(self, machine: Machine, replies: Replies, profile: Profile, config: Any) -> None:
        self.machine, self.replies, self.profile = machine, replies, profile
        self.judge = Judge(machine.component, profile, config)
        self.worlds = [World(self.judge.state, self.judge.policy, {}, frozenset())]

    def lawful(self, state: Any, policy: Any, operation: Operation, request: Any) -> list[Answer]:
        """Return the right answers in a state, or more than there may be worlds."""
        if self.profile.chooses and operation.is_chosen:
            results: Iterable[Any] = operation.choose(state, policy, request)[:1]
        else:
            results = self.replies.possible(state, request)
        answers = []
        for result in results:
            clauses.reached.clear()
            self.judge.state, self.judge.policy = state, policy
            if self.judge.judge(operation, request, result) is None:
                answers.append(Answer(result, self.judge.state, self.judge.policy, frozenset(clauses.reached)))
                if len(answers) > MOST_WORLDS:
                    break
        if not answers:
            raise LawError(f"the law lets no answer to {operation.name} through")
        return answers

    def foretell(self, index: int, operation: Operation, written: Any) -> Expectation | None:
        """Return what can be said of a step's answer and go on behind it; None, and nothing happens, if nothing can."""
        known: dict[Any, list[Answer]] = {}  # worlds differ in values more often than in states
        after: list[World] = []
        first: Any = None
        alike = True
        for world in self.worlds:
            request = resolved(written, world.values.get)
            asked = world.state, world.policy, request
            if asked not in known:
                known[asked] = self.lawful(world.state, world.policy, operation, request)
            for answer in known[asked]:
                first = answer.result if first is None else first
                alike &= answer.result == first
                fails = answer.result.failed or first.failed
                if len(after) == MOST_WORLDS or not (alike or (self.replies.block(request) is not None and not fails)):
                    return None
                after.append(world.after(index, operation, answer))
        self.worlds = after
        order = self.replies.block(written)
        return Equals(first) if alike or order is None else FreeAligned(order)

    def forget(self, needed: Iterable[int]) -> None:
        """Keep the values of some steps only, and let worlds that are then the same be one."""
        keep = set(needed)
        merged: dict[Any, World] = {}
        for world in self.worlds:
            kept = attrs.evolve(world, values={step: value for step, value in world.values.items() if step in keep})
            same = merged.get(kept.key)
            merged[kept.key] = kept if same is None else attrs.evolve(same, met=same.met & kept.met)
        self.worlds = list(merged.values())


def foretold(machine: Machine, replies: Replies, profile: Profile, program: Program) -> Foretold:
    """Return what can be said of a program's steps under a profile, whatever is chosen; the other steps are left out."""
    operations = operations_of(machine.component)
    last_use = {step: index for index, (_, written) in enumerate(program.steps) for step in refs_of(written).values()}
    follower = Follower(machine, replies, profile, program.config)
    places: dict[int, int] = {}  # by step of the program that has a value: its number among the steps that are kept
    steps: list[Step] = []
    expected: list[Expectation] = []
    asked: list[tuple[Any, Any]] = []
    for index, (name, written) in enumerate(program.steps):
        refs, operation = refs_of(written), operations[name]
        if not set(refs.values()) <= places.keys():
            continue
        world = follower.worlds[0]
        said = follower.foretell(index, operation, written)
        if said is None:
            continue
        if isinstance(said, FreeAligned) or main_value(operation, said.result) is not None:
            places[index] = len(steps)
        steps.append((name, with_refs(written, {field: places[step] for field, step in refs.items()})))
        expected.append(said)
        asked.append((world.state, resolved(written, world.values.get)))
        follower.forget(step for step, use in last_use.items() if use > index)
    met = frozenset.intersection(*(world.met for world in follower.worlds))
    return Foretold(attrs.evolve(program, steps=tuple(steps)), tuple(expected), met, tuple(asked))
