"""What is to be proved: about which function, from which hypotheses, for which sizes.

An obligation names its subject, a function of the law or of the implementation, and a goal, a predicate over the subject's
arguments, what it returned (``after``) and arbitrary places. Nothing of the subject is typed again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from enum import Enum
from itertools import product
from typing import Any

import attrs

from mmproofs.lift.loops import LoopInvariant
from mmspec.clause import Clause


class Verdict(Enum):
    """What is known about an obligation."""

    PROVED = "PROVED"
    REFUTED = "REFUTED"
    UNKNOWN = "UNKNOWN"
    ERROR = "ERROR"


@attrs.frozen(eq=False)
class Bound:
    """A predicate with some parameters renamed: ``bound(holds, zone="after")`` speaks of the state afterwards."""

    function: Callable[..., Any]
    renamed: Mapping[str, str]


def bound(function: Callable[..., Any], **renamed: str) -> Bound:
    """Return a predicate with some parameters renamed."""
    return Bound(function, renamed)


Predicate = Callable[..., Any] | Bound


def function_of(predicate: Predicate) -> Callable[..., Any]:
    """Return the function that a predicate calls."""
    return predicate.function if isinstance(predicate, Bound) else predicate


def arguments_for(predicate: Predicate, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the known values that a predicate's parameters name."""
    renamed = predicate.renamed if isinstance(predicate, Bound) else {}
    parameters = inspect.signature(function_of(predicate)).parameters
    return {p: known[renamed.get(p, p)] for p in parameters if renamed.get(p, p) in known}


@attrs.frozen(eq=False)
class Summary:
    """What is relied on about a function in place of its text: proved by an obligation that ``id`` names."""

    id: str
    function: Callable[..., Any]
    holds: Callable[..., Any]


@attrs.frozen(eq=False)
class Obligation:
    """One thing to prove.

    ``given`` narrows the arguments; ``invariants`` are assumed at whatever places the proof needs; ``cuts`` say what holds at
    the heads of the loops that the subject runs; ``each`` splits the proof by the values of a part such as ``"op.order"``.
    """

    id: str
    clauses: tuple[Clause, ...]
    statement: str
    subject: Callable[..., Any] | LoopInvariant
    goal: Predicate | None = None
    given: tuple[Predicate, ...] = ()
    invariants: tuple[Predicate, ...] = ()
    cuts: tuple[LoopInvariant, ...] = ()
    forget: tuple[Callable[..., Any], ...] = ()
    """Functions whose result the goal does not depend on: they may answer anything of their declared type."""
    summaries: tuple[Summary, ...] = ()
    """Functions whose proved summary stands for their text; the ids of the proofs belong into ``rests_on``."""
    also: tuple[Predicate, ...] = ()
    """Further places at which hypotheses may be of use: functions of the arguments, ``after`` and the goal's places."""
    types: Mapping[str, Any] = attrs.field(factory=dict)
    choices: Mapping[Any, Any] = attrs.field(factory=dict)
    each: Mapping[str, tuple[int, ...]] = attrs.field(factory=dict)
    bounds: Mapping[str, str] = attrs.field(factory=dict)
    """What the proof is limited to; empty: all states of all sizes."""
    assumptions: tuple[str, ...] = ()
    """What is relied on and not proved here, in words."""
    rests_on: tuple[str, ...] = ()
    """Ids of obligations that must be proved for this one to count."""
    small: Callable[..., Any] | None = None
    """A predicate over the arguments that makes a counterexample small, tried before any."""
    complete: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Makes a legal concrete state of one that holds only the places which a counterexample names."""
    operation: str = ""
    """The row of the matrix."""
    invariant: str = ""
    """The column of the matrix."""
    expected: Verdict = Verdict.PROVED
    straight: bool = False
    """Whether one path is all that there is, though the subject's text branches."""
    rlimit: int = 400_000_000
    seconds: float = 120.0

    @property
    def cases(self) -> list[dict[str, int]]:
        """Return the concrete values of the parts in ``each``, one mapping a case."""
        return [dict(zip(self.each, values, strict=True)) for values in product(*self.each.values())]

    def claims(self, kind: str) -> bool:
        """Tell whether a claim is this obligation's to prove.

        Where there is a goal, what the subject's text claims on the way is relied on: it belongs to the obligation without a
        goal that this one rests on.
        """
        return self.goal is None or kind == "goal"

    @property
    def subject_function(self) -> Callable[..., Any]:
        """The function that is proved something about."""
        return self.subject.loop.step if isinstance(self.subject, LoopInvariant) else self.subject
