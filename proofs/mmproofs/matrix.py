"""The matrix: what is proved of each operation, and of the functions and loops that it is made of.

The operations of a component share their columns, and no cell of theirs is empty: what is not asked of one has a reason, or says
that nobody has written it. Every other row has the columns that were asked of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mmproofs.obligation import Obligation
from mmproofs.obligations import NOT_ASKED, by_id
from mmspec.components import COMPONENTS, component_of

UNWRITTEN = "not proved: no obligation is written for it"


def rows(results: Iterable[Any]) -> dict[str, dict[str, str]]:
    """Return row against column of (id, verdict, reason); the rows of a component are there if a result is about it."""
    obligations = by_id()
    found: dict[str, dict[str, str]] = {}
    about: dict[str, None] = {}
    for name, verdict, reason in results:
        obligation = obligations[name]
        component = component_of(name)
        about[component] = None
        row, column = place(obligation)
        found.setdefault(row, {})[column] = _cell(obligation, verdict, reason)
    for component in about:
        _fill(component, found, obligations)
    return found


def place(obligation: Obligation) -> tuple[str, str]:
    """Return the row and the column of the cell that an obligation fills."""
    component = component_of(obligation.id)
    return f"{component} {obligation.operation}", _column(component, obligation)


def _cell(obligation: Obligation, verdict: str, reason: str) -> str:
    bounds = ", ".join(f"{name} {limit}" for name, limit in obligation.bounds.items())
    notes = [bounds, *(f"assumed: {assumption}" for assumption in obligation.assumptions)]
    scope = "; ".join(note for note in notes if note)
    if verdict == "PROVED":
        return f"{verdict} ({scope})" if scope else verdict
    return f"{verdict}: {reason}" if reason else verdict


def _column(component: str, obligation: Obligation) -> str:
    """Return the column of an obligation; an operation's says of which state it speaks."""
    if obligation.operation in _operations(component) and ":" not in obligation.invariant:
        return f"core: {obligation.invariant}"
    return obligation.invariant


def _operations(component: str) -> list[str]:
    return [operation.name for c in COMPONENTS if c.name == component for operation in c.operations if not operation.observes]


def _fill(component: str, found: dict[str, dict[str, str]], obligations: Mapping[str, Obligation]) -> None:
    """Give the operations of a component the same columns."""
    operations = _operations(component)
    mine = [o for name, o in obligations.items() if component_of(name) == component and o.operation in operations]
    columns = dict.fromkeys(_column(component, obligation) for obligation in mine)
    for operation in operations:
        row = found.setdefault(f"{component} {operation}", {})
        for column in columns:
            reason = NOT_ASKED.get((component, column), UNWRITTEN)
            written = any(o.operation == operation and _column(component, o) == column for o in mine)
            row.setdefault(column, "not asked for here" if written else reason)
