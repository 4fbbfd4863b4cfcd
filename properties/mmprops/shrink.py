"""Delta debugging of programs: first fewer steps, then simpler operands, then a simpler configuration.

Works on programs, not on bytes, so that it shrinks what any source found: a search, a trace, somebody's file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from mmprops.clients.wire import Ref
from mmprops.machine import Machine
from mmprops.program import Program
from mmspec.words import words_of

Fails = Callable[[Program], bool]


@attrs.define
class Budget:
    """How many more programs may be tried, and until when (monotonic seconds): a hanging client makes each one dear."""

    tries: int = 2000
    until: float = attrs.field(factory=lambda: time.monotonic() + 30.0)

    def spent(self) -> bool:
        """Count one try; tell whether there was none left."""
        self.tries -= 1
        return self.tries < 0 or time.monotonic() > self.until


def shrink(machine: Machine, program: Program, fails: Fails, budget: Budget | None = None) -> Program:
    """Return a smaller program that still fails: no step, operand or part of the configuration can be spared alone."""
    budget = budget or Budget()

    def still(candidate: Program) -> bool:
        return not budget.spent() and fails(candidate)

    while True:
        before = program
        program = fewer_steps(program, still)
        program = first_that(program, still, lambda p: (attrs.evolve(p, config=c) for c in machine.simpler(p.config)))
        program = first_that(program, still, simpler_operands)
        program = first_that(program, still, lambda p: simpler_with_fewer(machine, p))
        if program == before or budget.tries <= 0 or time.monotonic() > budget.until:
            return program


def fewer_steps(program: Program, still: Fails) -> Program:
    """Drop ever smaller runs of steps, the newest first, with all that refers to them."""
    width = max(1, len(program.steps) // 2)
    while width:
        at = len(program.steps) - width
        while at > -width:
            dropped = set(range(max(at, 0), at + width))
            candidate = program.without(dropped)
            if candidate.steps != program.steps and still(candidate):
                program = candidate
                at = min(at, len(program.steps))
            at -= width
        width //= 2
    return program


def simpler_with_fewer(machine: Machine, program: Program) -> Iterator[Program]:
    """Yield the programs of a simpler configuration and fewer steps: what fills a large zone has to go with the zone."""
    length = len(program.steps)
    for config in machine.simpler(program.config):
        width = length // 2
        while width:
            for at in range(0, length, width):
                yield attrs.evolve(program.without(set(range(at, min(at + width, length)))), config=config)
            width //= 2


def first_that(program: Program, still: Fails, candidates: Callable[[Program], Iterator[Program]]) -> Program:
    """Go on to the first simpler candidate that still fails, until none does."""
    found: Program | None = program
    while found is not None:
        program = found
        found = next((candidate for candidate in candidates(program) if still(candidate)), None)
    return program


def simpler_operands(program: Program) -> Iterator[Program]:
    """Yield the programs in which one operand of one step is smaller."""
    for index, (name, request) in enumerate(program.steps):
        defaults = {field.name: field.default for field in attrs.fields(type(request))}
        for field, word in words_of(type(request)).items():
            value = getattr(request, field)
            if isinstance(value, Ref):
                continue
            for smaller in simpler_values(value, defaults[field], max(word.lo, 0)):
                steps = list(program.steps)
                steps[index] = (name, attrs.evolve(request, **{field: smaller}))
                yield attrs.evolve(program, steps=tuple(steps))


def simpler_values(value: int, default: Any, least: int = 0) -> Iterator[int]:
    """Yield what an operand might be instead: its default, the least that it may be, half, one less."""
    if isinstance(default, int):
        if value != default:
            yield default
        return
    for smaller in dict.fromkeys((least, value // 2, value - 1)):
        if least <= smaller < value:
            yield smaller
