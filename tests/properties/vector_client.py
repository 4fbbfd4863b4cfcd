"""What replays vectors in these tests: as the runner in JavaScript does, with a set of free frames, and without the law."""

from __future__ import annotations

from typing import Any

import attrs

from mmprops.clients.base import ClientFailure
from mmprops.clients.wire import Unsupported
from mmprops.program import main_value, operations_of, resolved
from mmprops.session import Session
from mmprops.vectors import Vector, machine_named
from mmprops.worlds import Equals


@attrs.frozen
class Miss:
    """The step at which a vector was not met, and what was answered."""

    vector: str
    step: int
    answered: Any


def asked(vector: Vector, session: Session) -> bool:
    """Tell whether a vector is for clients that promise what this one does."""
    return all(session.capabilities[name] == value for name, value in {**vector.needs, **vector.assumes}.items())


def miss_of(vector: Vector, session: Session) -> Miss | None:
    """Replay a vector; return where it was not met, or None."""
    program = vector.program
    operations = operations_of(machine_named(program.machine).component)
    memory = set(range(program.config.start_pfn, program.config.end_pfn))
    free = memory.difference(*(range(*hole) for hole in program.config.holes))
    values: list[Any] = []
    try:
        assert session.reset(program.config) is None
        for step, ((name, written), expected) in enumerate(zip(program.steps, vector.expected, strict=True)):
            request = resolved(written, values.__getitem__)
            result = session.apply(operations[name], request)
            assert not isinstance(result, Unsupported)
            if isinstance(expected, Equals):
                right = result == expected.result
            else:
                right = not result.failed and is_free(free, result.pfn, expected.order)
            if not right:
                return Miss(vector.id, step, result)
            values.append(main_value(operations[name], result))
            if name == "alloc" and not result.failed:
                free.difference_update(range(result.pfn, result.pfn + (1 << request.order)))
            elif name in ("free", "putback") and not result.failed:
                free.update(range(request.pfn, request.pfn + (1 << request.order)))
    except ClientFailure as failure:
        return Miss(vector.id, len(values), failure.clause)
    return None


def is_free(free: set[int], pfn: int, order: int) -> bool:
    """Tell whether a block is aligned and free as a whole."""
    return pfn % (1 << order) == 0 and free.issuperset(range(pfn, pfn + (1 << order)))
