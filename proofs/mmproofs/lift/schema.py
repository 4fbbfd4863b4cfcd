"""Predicates about arbitrary places, lifted once and instantiated where they are needed.

A *schema* is a predicate's formula over fresh places. As a hypothesis it may be instantiated anywhere; as a goal it is
instantiated once, at places that nothing is known about.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from mmproofs import smt as z
from mmproofs.lift.errors import LiftError
from mmproofs.lift.maps import unknown_word
from mmproofs.lift.records import Nothing, hints_of
from mmproofs.lift.run import READ, Touched, current, nested, walks
from mmproofs.lift.words import SymWord, between, bits_of, truth_of, width_for
from mmspec.words import Word, word_of


@attrs.frozen(eq=False)
class Schema:
    """A predicate's formula, the unknown places it speaks of, and where it looks."""

    name: str
    parameters: tuple[str, ...]
    words: tuple[Word, ...]
    places: tuple[Any, ...]
    body: z.Truth
    defined: z.Truth
    """That the predicate's own claims hold: part of a goal, never of a hypothesis."""
    facts: tuple[z.Truth, ...]
    """What holds of whatever the predicate reads, because every write claims it."""
    touched: Touched
    premise: z.Truth | None = None
    """Where it may be relied on: what was claimed on the path before it was."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The names of the places' words."""
        return tuple(word.name for word in self.words)

    def _pairs(self, places: tuple[Any, ...]) -> list[tuple[Any, Any]]:
        return [
            (own.term, bits_of(place, width_for(word.lo, word.hi)))
            for own, place, word in zip(self.places, places, self.words, strict=True)
            if isinstance(own, SymWord)
        ]

    def as_hypothesis(self, places: tuple[Any, ...]) -> z.Truth:
        """Return what the predicate says of some places; nothing of places outside the declared range."""
        formula = z.substitute(z.both(self.body, *self.facts), self._pairs(places))
        for place, word in zip(places, self.words, strict=True):
            inside = between(place, word.lo, word.hi)
            if inside is not True:
                formula = z.implies(truth_of(inside), formula)
        if self.premise is not None:
            formula = z.implies(self.premise, formula)
        return z.simplify(formula)

    def as_goal(self, places: tuple[Any, ...]) -> z.Truth:
        """Return that the predicate is defined and true at some unknown places, and note the facts there."""
        pairs = self._pairs(places)
        for fact in self.facts:
            current().fact(z.simplify(z.substitute(fact, pairs)))
        return z.simplify(z.substitute(z.both(self.defined, self.body), pairs))

    def looks_at(self, places: tuple[Any, ...]) -> dict[str, list[Any]]:
        """Return the places that the predicate looks at when it speaks of some places."""
        pairs = self._pairs(places)
        found: dict[str, list[Any]] = {}
        for kind in self.touched.places:
            for place in self.touched.of(kind):
                if isinstance(place, int):
                    found.setdefault(kind, []).append(place)
                else:
                    term = z.simplify(z.substitute(place.term, pairs) if pairs else place.term)
                    found.setdefault(kind, []).append(SymWord(term, place.lo, place.hi))
        return found


def place_parameters(function: Callable[..., Any], fixed: Mapping[str, Any]) -> dict[str, Word]:
    """Return the parameters of a predicate that are arbitrary places: those not given, each declared a Word."""
    hints = hints_of(function)
    places = {}
    for name in inspect.signature(function).parameters:
        if name in fixed:
            continue
        word = word_of(hints.get(name))
        if word is None and not attrs.has(hints.get(name, type(None))):
            raise LiftError(f"{function.__qualname__} takes {name}, which is neither given nor a declared word")
        if word is not None:
            places[name] = word
    return places


def call(function: Callable[..., Any], fixed: Mapping[str, Any], places: Mapping[str, Any]) -> Any:
    """Call a predicate; a record that nobody gives is one that it must not look at."""
    arguments = []
    for name in inspect.signature(function).parameters:
        arguments.append(places[name] if name in places else fixed[name] if name in fixed else Nothing(name))
    return function(*arguments)


def make_schema(
    name: str, function: Callable[..., Any], fixed: Mapping[str, Any] | Callable[[], Mapping[str, Any]], smt: z.Smt | None = None,
    goal: bool = False,
) -> Schema:  # fmt: skip
    """Lift a predicate whose parameters are ``fixed`` or arbitrary places.

    In a hypothesis about arbitrary places no function may be summarised: its answer would be one unknown for all places.
    """
    smt = smt or current().smt
    kept: dict[str, Any] = {}
    touched = Touched()

    def body() -> z.Truth:
        current().predicate = True
        given = fixed() if callable(fixed) else fixed
        words = place_parameters(function, given)
        places = {parameter: unknown_word(f"?{name}.{parameter}", word) for parameter, word in words.items()}
        kept.update(places=places, words=words)
        truth = truth_of(call(function, given, places))
        touched.include(current().touched, READ)
        return truth

    paths = walks(smt, body, known=nested(), quantified=not goal)
    if any(path.chosen for path in paths):
        raise LiftError(f"{name} is about a value of several types", "narrow it with types or choices")
    parts = [z.implies(smt.both(path.conditions), path.value) for path in paths if not path.ended]
    facts = {z.identity(fact): fact for path in paths for fact in path.facts}
    claims = [z.implies(smt.both(claim.premise), claim.truth) for path in paths for claim in path.claims]
    return Schema(
        name, tuple(kept["words"]), tuple(kept["words"].values()), tuple(kept["places"].values()),
        z.simplify(smt.both(parts)), z.simplify(smt.both(claims)), tuple(facts.values()), touched,
    )  # fmt: skip
