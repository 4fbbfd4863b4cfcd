"""What a right implementation never shows: the law is asked about other answers than the one that was given, and about
configurations that are none.

Whatever the answer, the law names one of the component's clauses or carries it out; whatever the configuration, it makes a
state of it or says at the door what is wrong. Anything else is a defect of the law, and raises.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import attrs

from mmprops.conform import program_source
from mmprops.machine import HEADER, Machine
from mmspec.clause import Clause, by_id
from mmspec.component import Component, Operation
from mmspec.errors import Error, InputError, LawError
from mmspec.words import words_of

OTHERS = 2
"""Other answers that are asked about beside each one that was given."""


def questioned(component: Component, seed: int) -> Component:
    """Return a component that judges as it does, and is asked about other answers each time."""
    rng, clauses = random.Random(seed), by_id(component.clauses)
    return attrs.evolve(component, operations=tuple(_questioned(o, rng, clauses) for o in component.operations))


def _questioned(operation: Operation, rng: random.Random, clauses: dict[str, Clause]) -> Operation:
    seen: list[Any] = []

    def allowed(state: Any, request: Any, result: Any) -> Clause | None:
        for other in (another(operation, result, seen, rng) for _ in range(OTHERS)):
            broken = operation.allowed(state, request, other)
            if broken is None:
                operation.apply(state, request, other)
            elif clauses.get(broken.id) is not broken:
                raise LawError(f"{operation.name} names {broken!r}, which is no clause of the component")
        if not result.failed:
            seen[:] = [*seen[-7:], result]
        return operation.allowed(state, request, result)

    return attrs.evolve(operation, allowed=allowed)


def another(operation: Operation, result: Any, seen: list[Any], rng: random.Random) -> Any:
    """Return another answer: an error, what was answered before, or one of these with a field changed."""
    known = [*seen, *([] if result.failed else [result])]
    errors = [Error(name) for name in operation.errors]
    if not known or (errors and rng.random() < 0.3):
        return rng.choice(errors) if errors else result
    answer = rng.choice(known)
    names = [field.name for field in attrs.fields(type(answer))]
    if not names or rng.random() < 0.2:
        return answer
    name = rng.choice(names)
    return attrs.evolve(answer, **{name: rng.choice(list(near(answer, name)))})


def near(record: Any, name: str) -> Iterator[Any]:
    """Yield values that a field does not have: its neighbours, beyond its word's range, a bit flipped, a row cut or doubled."""
    value, word = getattr(record, name), words_of(type(record)).get(name)
    if isinstance(value, tuple):
        yield from (value[1:], value + value[:1], value[::-1])
    elif isinstance(value, int):
        yield from (value - 1, value + 1, value ^ 2, value ^ 8, value ^ 64)
        if word is not None:
            yield from (word.lo, word.hi)
    else:
        yield value


def knock(machine: Machine, configurations: int, seed: int) -> int:
    """Ask for states of configurations that are none; return how many the law refused at the door."""
    draw, capabilities, refused = program_source(seed, 0), machine.own_capabilities, 0
    for _ in range(configurations):
        config = machine.draw(draw()[:HEADER], capabilities)
        for other in mistaken(config):
            try:
                machine.component.initial(other)
            except InputError:
                refused += 1
    return refused


def mistaken(config: Any) -> Iterator[Any]:
    """Yield configurations that differ in one field: out of its word's range by one, or next to what it is."""
    words = words_of(type(config))
    for field in attrs.fields(type(config)):
        value, word = getattr(config, field.name), words.get(field.name)
        if isinstance(value, tuple):
            yield from (attrs.evolve(config, **{field.name: other}) for other in (value[::-1], value + value))
        elif isinstance(value, int):
            beyond = () if word is None else (word.lo - 1, word.hi + 1)
            yield from (attrs.evolve(config, **{field.name: other}) for other in (value - 1, value + 1, *beyond))
