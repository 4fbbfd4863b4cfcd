"""The part of Z3 that proofs use, with types: z3 ships none.

Every obligation is decided in a context of its own, because only then does a resource limit mean the same in every run.
Terms know their context, so that only constants and functions need the ``Smt`` that made them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, TypeAlias

import z3

Bits: TypeAlias = Any
"""A term of a bit-vector sort (``z3.BitVecRef``)."""

Truth: TypeAlias = Any
"""A term of sort Bool (``z3.BoolRef``)."""

Function: TypeAlias = Any
"""An uninterpreted function (``z3.FuncDeclRef``)."""

VERSION: str = z3.get_version_string()

LOGIC = "QF_UFBV"
"""What every question is written in."""


class Answer(Enum):
    """What a solver says about a set of formulas."""

    SAT = "sat"
    UNSAT = "unsat"
    UNKNOWN = "unknown"


class Smt:
    """A fresh context, and what has to be made in it."""

    def __init__(self) -> None:
        self.context = z3.Context()
        self.true: Truth = z3.BoolVal(True, self.context)
        self.false: Truth = z3.BoolVal(False, self.context)
        self.owners: dict[str, Any] = {}
        """Whose the unknown functions of a name are, where two owners might choose one name."""
        self._count = 0

    def fresh(self, name: str) -> str:
        """Return a name that nothing in this context has yet."""
        self._count += 1
        return f"{name}!{self._count}"

    def value(self, number: int, width: int) -> Bits:
        """Return a number, modulo ``2**width``, as a term."""
        return z3.BitVecVal(number, width, self.context)

    def bits(self, name: str, width: int) -> Bits:
        """Return the unknown word of a name."""
        return z3.BitVec(name, width, self.context)

    def truth(self, name: str) -> Truth:
        """Return the unknown truth of a name."""
        return z3.Bool(name, self.context)

    def function(self, name: str, widths: Sequence[int], result: int | None) -> Function:
        """Return an unknown function over words; ``result`` is a width, or None for a truth."""
        domain = [z3.BitVecSort(width, self.context) for width in widths]
        sort = z3.BoolSort(self.context) if result is None else z3.BitVecSort(result, self.context)
        return z3.Function(name, *domain, sort)

    def solver(self, rlimit: int = 0, milliseconds: int = 0, logic: str | None = None) -> Solver:
        """Return a solver with limits (0: none)."""
        return Solver(self.context, rlimit, milliseconds, logic)

    def text(self, truths: Iterable[Truth]) -> str:
        """Return formulas as SMT-LIB, without the logic."""
        solver = self.solver(logic=LOGIC)
        solver.add(*truths)
        return solver.text()

    def both(self, truths: Iterable[Truth]) -> Truth:
        """Return the conjunction."""
        found = list(truths)
        return found[0] if len(found) == 1 else z3.And(*found) if found else self.true

    def either(self, truths: Iterable[Truth]) -> Truth:
        """Return the disjunction."""
        found = list(truths)
        return found[0] if len(found) == 1 else z3.Or(*found) if found else self.false


class Solver:
    """A set of formulas, and whether they can all hold."""

    def __init__(self, context: Any, rlimit: int, milliseconds: int, logic: str | None) -> None:
        self._solver = z3.SolverFor(logic, ctx=context) if logic else z3.Solver(ctx=context)
        if rlimit:
            self._solver.set("rlimit", rlimit)
        if milliseconds:
            self._solver.set("timeout", milliseconds)

    def add(self, *truths: Truth) -> None:
        """Demand more."""
        self._solver.add(*truths)

    def check(self, *assumptions: Truth) -> Answer:
        """Decide the formulas together with assumptions that are demanded this once."""
        return Answer(str(self._solver.check(*assumptions)))

    def push(self) -> None:
        """Remember what is demanded now."""
        self._solver.push()

    def pop(self) -> None:
        """Forget what was demanded since the last ``push``."""
        self._solver.pop()

    def model(self) -> Model:
        """Return the values that made the last check SAT."""
        return Model(self._solver.model())

    def why_unknown(self) -> str:
        """Return the reason for an UNKNOWN."""
        return str(self._solver.reason_unknown())

    def text(self) -> str:
        """Return the formulas as SMT-LIB, without the logic."""
        return standard(str(self._solver.to_smt2()))

    def rlimit_used(self) -> int:
        """Return the resources used so far."""
        statistics = self._solver.statistics()
        return int(statistics.get_key_value("rlimit count")) if "rlimit count" in statistics.keys() else 0  # noqa: SIM118


class Model:
    """Values for everything unknown."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def number(self, term: Bits) -> int:
        """Return a word's value, as a natural number."""
        return int(self._model.eval(term, model_completion=True).as_long())

    def holds(self, truth: Truth) -> bool:
        """Return a truth's value."""
        return bool(z3.is_true(self._model.eval(truth, model_completion=True)))


def both(*truths: Truth) -> Truth:
    """Return the conjunction of at least one truth."""
    return z3.And(*truths) if len(truths) > 1 else truths[0]


def either(left: Truth, right: Truth) -> Truth:
    """Return the disjunction."""
    return z3.Or(left, right)


def exclusive(left: Truth, right: Truth) -> Truth:
    """Return whether exactly one of two truths holds."""
    return z3.Xor(left, right)


def negate(truth: Truth) -> Truth:
    """Return the opposite."""
    return z3.Not(truth)


def implies(premise: Truth, conclusion: Truth) -> Truth:
    """Return the implication."""
    return z3.Implies(premise, conclusion)


def choose(condition: Truth, then: Any, otherwise: Any) -> Any:
    """Return one of two terms of equal sort."""
    return z3.If(condition, then, otherwise)


def same(left: Any, right: Any) -> Truth:
    """Return whether two terms of equal sort have one value."""
    return left == right


def below(left: Bits, right: Bits, signed: bool, or_equal: bool) -> Truth:
    """Compare two words of equal width."""
    if signed:
        return left <= right if or_equal else left < right
    return z3.ULE(left, right) if or_equal else z3.ULT(left, right)


def width_of(term: Bits) -> int:
    """Return a word's width in bits."""
    return int(term.size())


def resize(term: Bits, width: int, signed: bool) -> Bits:
    """Widen a word by its sign or by zeros, or keep its low bits."""
    have = term.size()
    if width == have:
        return term
    if width < have:
        return z3.simplify(z3.Extract(width - 1, 0, term))
    return z3.SignExt(width - have, term) if signed else z3.ZeroExt(width - have, term)


def shift_left(term: Bits, amount: Bits) -> Bits:
    """Shift towards the high bits."""
    return term << amount


def shift_right(term: Bits, amount: Bits, signed: bool) -> Bits:
    """Shift towards the low bits, drawing in the sign or zeros."""
    return term >> amount if signed else z3.LShR(term, amount)


def divide(left: Bits, right: Bits) -> Bits:
    """Return the quotient of natural numbers."""
    return z3.UDiv(left, right)


def remainder(left: Bits, right: Bits) -> Bits:
    """Return the remainder of natural numbers."""
    return z3.URem(left, right)


def simplify(term: Any) -> Any:
    """Return an equal term, hopefully smaller."""
    return z3.simplify(term)


def substitute(term: Any, pairs: Sequence[tuple[Any, Any]]) -> Any:
    """Return a term with unknowns replaced."""
    return z3.substitute(term, *pairs) if pairs else term


def is_value(term: Any, value: int | bool) -> Truth:
    """Return whether a term has a value."""
    return term == value


def text_of(term: Any) -> str:
    """Return a term as SMT-LIB."""
    return standard(str(term.sexpr()))


def standard(text: str) -> str:
    """Return what Z3 printed in the standard's words: it says ``bvurem_i`` where it has shown that the divisor is not 0."""
    for name in ("bvurem", "bvudiv"):
        text = text.replace(f"({name}_i ", f"({name} ")
    return text


def identity(term: Any) -> int:
    """Return a number that equal terms of one context share."""
    return int(term.get_id())


def is_true(term: Truth) -> bool:
    """Tell whether a truth is the constant."""
    return bool(z3.is_true(term))


def is_false(term: Truth) -> bool:
    """Tell whether a truth is the constant."""
    return bool(z3.is_false(term))


class Unknowns:
    """The unknowns of terms of one context. Questions have most of their terms in common: each is looked through once."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[Any, list[Any]]] = {}  # a term is kept, so that its identity stays its own

    def among(self, terms: Iterable[Any]) -> list[Any]:
        """Return the unknown words and truths in some terms, and unknown functions' answers: what a model gives values to."""
        found: dict[int, Any] = {}
        for term in terms:
            if identity(term) not in self._of:
                self._of[identity(term)] = term, unknowns_in(term)
            for unknown in self._of[identity(term)][1]:
                found.setdefault(identity(unknown), unknown)
        return list(found.values())


def unknowns_in(term: Any) -> list[Any]:
    """Return the unknown words and truths in a term, and the unknown functions' answers."""
    seen, waiting, found = set[int](), [term], list[Any]()
    while waiting:
        term = waiting.pop()
        if identity(term) in seen:
            continue
        seen.add(identity(term))
        waiting.extend(term.children())
        if term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found.append(term)
    return found


class AnswersAsWords:
    """Unknown words that stand for the answers of unknown functions of some names: what grows may name more of them.

    That a function answers equal arguments alike is said of every two of its answers: the formulas say neither more nor less.
    """

    def __init__(self, chosen: Callable[[str], bool]) -> None:
        self._chosen = chosen
        self._pairs: dict[int, tuple[Any, Any]] = {}

    def put_for(self, terms: Sequence[Truth], unknowns: Iterable[Any]) -> list[Truth]:
        """Return formulas, whose unknowns are given, with words for such answers, and what is to be said of new ones."""
        alike = []
        for term in unknowns:
            if term.num_args() and identity(term) not in self._pairs and self._chosen(str(term.decl().name())):
                word = z3.FreshConst(term.sort(), "answer")
                for other, other_word in self._pairs.values():
                    if other.decl() == term.decl():
                        equal = (a == b for a, b in zip(other.children(), term.children(), strict=True))
                        alike.append(z3.Implies(both(*equal), other_word == word))
                self._pairs[identity(term)] = term, word
        return [self.instead_of(term) for term in (*terms, *alike)]

    def instead_of(self, term: Any) -> Any:
        """Return a term with the words in it."""
        return substitute(term, list(self._pairs.values()))
