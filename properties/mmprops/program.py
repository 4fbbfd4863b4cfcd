"""Programs: what is run, reported, stored and replayed.

A program is a configuration and steps; a step is an operation's name and its request, in which a ``Ref`` stands for the main
value that an earlier step answered. Bytes only decide which program is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import attrs

from mmprops.clients.wire import Ref
from mmprops.machine import HEADER, RECORD
from mmspec.component import Component, Operation

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Step = tuple[str, Any]


@attrs.frozen
class Program:
    """A configuration and the steps that are carried out on it."""

    machine: str
    config: Any
    steps: tuple[Step, ...]

    def without(self, dropped: Set[int]) -> Program:
        """Return the program without some steps and without those that refer to them, references renumbered."""
        kept: dict[int, int] = {}
        steps: list[Step] = []
        for index, (name, request) in enumerate(self.steps):
            refs = refs_of(request)
            if index in dropped or any(step not in kept for step in refs.values()):
                continue
            kept[index] = len(steps)
            steps.append((name, _evolve(request, {field: Ref(kept[step]) for field, step in refs.items()})))
        return attrs.evolve(self, steps=tuple(steps))


def refs_of(request: Any) -> dict[str, int]:
    """Return the fields of a request that refer to an earlier step, with the step."""
    return {
        field.name: value.step for field in attrs.fields(type(request)) if isinstance(value := getattr(request, field.name), Ref)
    }


def _evolve(request: Any, changes: Mapping[str, Any]) -> Any:
    return attrs.evolve(request, **changes) if changes else request


def with_refs(request: Any, refs: Mapping[str, int]) -> Any:
    """Return a request in which each named field refers to a step."""
    return _evolve(request, {field: Ref(step) for field, step in refs.items()})


def resolved(request: Any, values: Callable[[int], Any]) -> Any | None:
    """Return a request with the values that its references stand for; None if one names a step that gave no value."""
    changes = {}
    for field, step in refs_of(request).items():
        value = values(step)
        if value is None:
            return None
        changes[field] = value
    return _evolve(request, changes)


def main_value(operation: Operation, result: Any) -> Any | None:
    """Return the value of a result that later steps may refer to, or None."""
    if operation.main is None or result.failed:
        return None
    return getattr(result, operation.main)


def operations_of(component: Component) -> dict[str, Operation]:
    """Return a component's operations by name."""
    return {operation.name: operation for operation in component.operations}


def program_bytes(operations: int = 200) -> SearchStrategy[bytes]:
    """Return the strategy of the bytes of one whole program: one draw, so that a step costs microseconds."""
    from hypothesis import strategies as st  # a quarter of a second that only those who draw need to wait for

    size = HEADER + operations * RECORD
    return st.binary(min_size=size, max_size=size)


def records(data: bytes) -> Sequence[bytes]:
    """Return the records of a program's bytes, after its header."""
    return [data[at : at + RECORD] for at in range(HEADER, len(data) - RECORD + 1, RECORD)]
