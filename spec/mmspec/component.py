"""The two records by which everything generic reaches a component of the law."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from mmspec.clause import Clause, by_id


def prefix_of(component: str) -> str:
    """Return what the ids of a component's clauses and obligations begin with."""
    return component.upper().replace("_", "-") + "-"


@attrs.frozen
class Operation:
    """An operation: its request and result records, and its three functions.

    ``allowed(state, request, result)`` returns the clause that the result breaks, or None; ``apply(state, request, result)``
    returns the state after an allowed result; ``choose(state, policy, request)`` returns what Linux answers, and Linux's
    policy state after that. The first two cannot read the policy: they are what every lawful implementation shares.
    """

    name: str
    request: type
    result: type
    errors: tuple[str, ...]
    allowed: Callable[[Any, Any, Any], Clause | None]
    apply: Callable[[Any, Any, Any], Any]
    choose: Callable[[Any, Any, Any], tuple[Any, Any]]
    main: str | None = None
    """The field of the result that a later operation may refer to."""
    observes: bool = False
    """Whether the operation only looks."""
    sees_policy: bool = False
    """Whether what it sees is Linux's to choose: its answer is then held against Linux's, though it only looks."""

    @property
    def is_chosen(self) -> bool:
        """Whether only Linux's own answer is right where choices are judged."""
        return not self.observes or self.sees_policy


@attrs.frozen
class Invariant:
    """A pointwise truth: ``holds(state, policy, key)`` at any key of its kind; ``keys`` lists those worth asking in a run.

    It reads the policy state only if its clause is of policy. A ``recount`` walks a whole state: the interpreter's alone.
    """

    clause: Clause
    holds: Callable[[Any, Any, Any], Any]
    keys: Callable[[Any, Any], Iterable[Any]]
    recount: bool = False


@attrs.frozen
class Component:
    """One component of the law.

    ``initial(config)`` gives the state after a reset, ``initial_policy(config, kernel)`` Linux's policy state beside it, for
    a kernel such as ``"6.12"``. ``choice`` is the clause that a lawful result breaks when it is not the one Linux gives.
    """

    name: str
    config: type
    state: type
    policy: type
    initial: Callable[[Any], Any]
    initial_policy: Callable[[Any, str], Any]
    operations: tuple[Operation, ...]
    invariants: tuple[Invariant, ...]
    clauses: tuple[Clause, ...]
    choice: Clause

    @property
    def prefix(self) -> str:
        """What the ids of its clauses and obligations begin with."""
        return prefix_of(self.name)

    def operation(self, name: str) -> Operation:
        """Return the operation of a name (KeyError: there is none)."""
        return {operation.name: operation for operation in self.operations}[name]

    def clause(self, clause_id: str) -> Clause:
        """Return the clause of an id (KeyError: there is none)."""
        return by_id(self.clauses)[clause_id]
