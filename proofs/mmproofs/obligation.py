"""What is to be proved: about which function, from which hypotheses, for which sizes.

An obligation names its subject, a function of the law or of the implementation, and a goal, a predicate over the subject's
arguments, what it returned (``after``), what became of an argument ``x`` that holds arrays (``after_x``), and arbitrary places.
Nothing of the subject is typed again.
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
from mmproofs.lift.records import hints_of
from mmproofs.lift.run import LEMMA
from mmproofs.lift.schema import place_parameters
from mmspec.clause import Clause
from mmspec.loop import Loop

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
    unrolled: tuple[Loop, ...] = ()
    """Loops that are run round by round, as often as what is given lets them."""
    forget: tuple[Callable[..., Any], ...] = ()
    """Functions whose result the goal does not depend on: they may answer anything of their declared type."""
    contracts: tuple[Contract, ...] = ()
    """Functions whose contract stands for their text; the ids of its proofs belong into ``rests_on``."""
    keeps: Mapping[str, str] = attrs.field(factory=dict)
    """Parts of the result that are parts of the arguments."""
    gives: Mapping[str, Callable[..., Any]] = attrs.field(factory=dict)
    """Maps in the result, as functions of the arguments."""
    also: tuple[Predicate, ...] = ()
    """Further places at which hypotheses may be of use: functions of the arguments, ``after`` and the goal's places.

    One that is declared to return a truth tells a lemma: it is proved, and relied on by what comes after, which
    is the subject's text too where the function names nothing but arguments.
    """
    types: Mapping[str, Any] = attrs.field(factory=dict)
    beside: Mapping[str, Any] = attrs.field(factory=dict)
    """Further unknown values, by name, with their declared types: the state of the law that a kernel's arrays stand for."""
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
    small_sizes: tuple[Mapping[str, int], ...] = ()
    """Values of parts, at which a counterexample is looked for again where one of all sizes cannot be replayed."""
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
    seconds: float = 300.0

    @property
    def cases(self) -> list[dict[str, int]]:
        """Return the concrete values of the parts in ``each``, one mapping a case."""
        return [dict(zip(self.each, values, strict=True)) for values in product(*self.each.values())]

    def claims(self, kind: str) -> bool:
        """Tell whether a claim is this obligation's to prove.

        Where there is a goal, what the subject's text claims on the way is relied on: it belongs to the obligation without a
        goal that this one rests on.
        """
        return not self.relies or kind in ("goal", LEMMA)

    @property
    def relies(self) -> bool:
        """Whether what the subject's text claims on the way is proved by another obligation."""
        return self.goal is not None or bool(self.keeps) or bool(self.gives)

    @property
    def subject_function(self) -> Callable[..., Any]:
        """The function that is proved something about."""
        return self.subject.loop.step if isinstance(self.subject, LoopInvariant) else self.subject


def proofs_of(contract: Contract, template: Obligation) -> tuple[Obligation, ...]:
    """Return the obligations that prove a contract: what the text claims on the way, what it keeps, and what it ensures.

    ``template`` gives the clauses, cuts, contracts and whatever else they share.
    """
    function, known = contract.function, hints_of(contract.function)
    given = tuple(r for r in contract.requires if not place_parameters(function_of(r), arguments_for(r, known)))
    invariants = tuple(r for r in contract.requires if r not in given)
    defined = f"{contract.id}-DEFINED"
    base = attrs.evolve(
        template, id=defined, subject=function, given=given, invariants=invariants, operation=function.__name__,
        invariant="defined", rests_on=(*template.rests_on, *bases_of(template)),
        statement=f"{function.__name__}: every key is there, every word fits, every call and every loop is lawful",
    )  # fmt: skip
    found, rests_on = [base], (*base.rests_on, defined)
    if contract.keeps or contract.gives:
        parts = ", ".join([*contract.keeps, *contract.gives])
        found.append(
            attrs.evolve(
                base, id=f"{contract.id}-KEPT", keeps=contract.keeps, gives=contract.gives, invariant="kept", rests_on=rests_on,
                statement=f"{function.__name__}: what its contract says of {parts} is so",
            )
        )  # fmt: skip
    for column, goal in contract.ensures:
        statement = (function_of(goal).__doc__ or "").strip()
        found.append(
            attrs.evolve(
                base, id=contract.name(column), goal=goal, invariant=column.lower(), rests_on=rests_on,
                statement=f"{function.__name__}: {statement}",
            )
        )  # fmt: skip
    return tuple(found)


def step_of(invariant: LoopInvariant, template: Obligation) -> Obligation:
    """Return the obligation that a loop's step keeps its invariant and lowers its measure."""
    says = " ".join((function_of(holds).__doc__ or "").strip() for holds in invariant.holds)
    return attrs.evolve(
        template, id=invariant.id, subject=invariant, statement=f"a step of {invariant.loop.name} keeps: {says}",
        operation=invariant.loop.name, invariant="step", rests_on=(*template.rests_on, *bases_of(template)),
    )  # fmt: skip


def bases_of(obligation: Obligation) -> tuple[str, ...]:
    """Return the ids of the obligations that prove the cuts and the contracts of one."""
    steps = tuple(cut.id for cut in obligation.cuts)
    return (*steps, *(name for contract in obligation.contracts for name in contract.ids))
