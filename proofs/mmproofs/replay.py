"""Counterexamples: from a solver's model to a concrete state, and the real function run on it.

Only what the real function does counts. A counterexample on which nothing goes wrong comes from hypotheses that are too weak,
and makes the verdict UNKNOWN, never REFUTED.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import attrs

from mmproofs import smt as z
from mmproofs.lift.maps import GONE, SymMap
from mmproofs.lift.records import concrete
from mmproofs.lift.run import Touched
from mmproofs.lift.schema import call, place_parameters
from mmproofs.lift.words import SymBool, SymWord
from mmproofs.obligation import Obligation, arguments_for, function_of
from mmspec.pmap import pmap


def number_of(word: Any, model: z.Model) -> int:
    """Return a word's value in a model."""
    if not isinstance(word, SymWord):
        return int(word)
    natural, width = model.number(word.term), z.width_of(word.term)
    return natural - (1 << width) if word.lo < 0 and natural >> (width - 1) else natural


def concretise(value: Any, model: z.Model, places: Touched) -> Any:
    """Return a value as a model has it; a map holds the places that the proof spoke of and no other."""

    def mapping(unknown: SymMap) -> Any:
        base, entries = unknown.base, {}
        for place in places.of(base.key.name):
            key = number_of(place, model)
            if base.key.lo <= key <= base.key.hi and model.holds(base.has(key)):
                found = base.at(key)
                entries[key] = model.holds(found.truth) if isinstance(found, SymBool) else number_of(found, model)
        for written, new in unknown.writes:
            key = number_of(written, model)
            if new is GONE:
                entries.pop(key, None)
            else:
                entries[key] = (
                    model.holds(new.truth)
                    if isinstance(new, SymBool)
                    else new
                    if isinstance(new, bool)
                    else number_of(new, model)
                )
        return pmap(entries)

    return concrete(value, lambda word: number_of(word, model), lambda truth: model.holds(truth.truth), mapping)


@attrs.frozen
class Replay:
    """What the real function did: ``failure`` is empty where nothing went wrong."""

    arguments: dict[str, Any]
    failure: str
    illegal: str = ""


def replay(obligation: Obligation, known: Mapping[str, Any], model: z.Model, places: Touched) -> Replay:
    """Run an obligation's subject where a model says that its goal fails."""
    subject = obligation.subject_function
    arguments = {name: concretise(known[name], model, places) for name in inspect.signature(subject).parameters}
    if obligation.complete is not None:
        arguments = obligation.complete(arguments)
    spots = {kind: sorted({number_of(p, model) for p in places.of(kind)}) for kind in places.places}
    for predicate in (*obligation.given, *obligation.invariants):
        if not _everywhere(predicate, arguments, spots):
            return Replay(arguments, "", f"{function_of(predicate).__name__} does not hold of the completed state")
    try:
        after = subject(*arguments.values())
        whole = {**arguments, "after": after}
        if obligation.goal is not None and not _everywhere(obligation.goal, whole, spots):
            return Replay(arguments, f"{function_of(obligation.goal).__name__} is false")
    except Exception as error:  # whatever the real function raises is what the claim foretold
        return Replay(arguments, f"{type(error).__name__}: {error}")
    return Replay(arguments, "")


def _everywhere(predicate: Any, known: Mapping[str, Any], spots: Mapping[str, list[int]]) -> bool:
    function, fixed = function_of(predicate), arguments_for(predicate, known)
    words = place_parameters(function, fixed)
    if not words:
        return bool(call(function, fixed, {}))
    (name, word), *more = words.items()
    if more:
        return True
    return all(call(function, fixed, {name: spot}) for spot in spots.get(word.name, []) if word.lo <= spot <= word.hi)


def shown(value: Any) -> Any:
    """Return a concrete value as JSON can hold it."""
    if attrs.has(type(value)):
        return {field.name: shown(getattr(value, field.name)) for field in attrs.fields(type(value))}
    if hasattr(value, "items"):
        return {str(key): shown(item) for key, item in sorted(value.items())}
    if isinstance(value, tuple):
        return [shown(member) for member in value]
    return value
