"""What is to be proved: about which function, from which hypotheses, for which sizes.

An obligation names its subject, a function of the law or of the implementation, and a goal, a predicate over the subject's
arguments, what it returned (``after``) and arbitrary places. Nothing of the subject is typed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from itertools import product
from typing import Any

import attrs

from mmproofs.lift.contracts import Contract
from mmproofs.lift.loops import LoopInvariant
from mmproofs.lift.predicate import Bound, Predicate, arguments_for, bound, function_of
from mmspec.clause import Clause

__all__ = ["Bound", "Contract", "Obligation", "Predicate", "Verdict", "arguments_for", "bound", "function_of"]


class Verdict(Enum):
    """What is known about an obligation."""

    PROVED = "PROVED"
    REFUTED = "REFUTED"
    UNKNOWN = "UNKNOWN"
    ERROR = "ERROR"


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
    contracts: tuple[Contract, ...] = ()
    """Functions whose contract stands for their text; the ids of its proofs belong into ``rests_on``."""
    keeps: Mapping[str, str] = attrs.field(factory=dict)
    """Parts of the result that must be these very parts of the arguments, on every path."""
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
    unaided: bool = False
    """Whether it is proved from no hypothesis at all, though it has some."""
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
        return not self.relies or kind == "goal"

    @property
    def relies(self) -> bool:
        """Whether what the subject's text claims on the way is proved by another obligation."""
        return self.goal is not None

    @property
    def subject_function(self) -> Callable[..., Any]:
        """The function that is proved something about."""
        return self.subject.loop.step if isinstance(self.subject, LoopInvariant) else self.subject
