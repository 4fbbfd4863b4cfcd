"""Counterexamples: from a solver's model to a concrete state, and the real function run on it.

Only what the real function does counts. A counterexample on which nothing goes wrong comes from hypotheses that are too weak,
and makes the verdict UNKNOWN, never REFUTED.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from itertools import product
from typing import Any, get_args, get_origin

import attrs

from mmproofs import smt as z
from mmproofs.lift.loops import LoopInvariant
from mmproofs.lift.maps import GONE, ModelCells, SymArray, SymMap
from mmproofs.lift.predicate import part_of
from mmproofs.lift.records import concrete, hints_of, snapshot
from mmproofs.lift.run import Touched, current
from mmproofs.lift.schema import call, place_parameters
from mmproofs.lift.words import SymBool, SymWord, width_for
from mmproofs.obligation import Obligation, arguments_for, function_of
from mmspec.pmap import PMap, pmap
from mmspec.words import word_of


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

    def array(unknown: SymArray) -> ModelCells:
        base, smt = unknown.base, current().smt
        assert base.value is not None
        word, width = base.value, width_for(base.key.lo, base.key.hi)

        def cell(index: int) -> int:
            found = model.number(base.content(smt.value(index, width)))
            return found if word.lo <= found <= word.hi else word.lo

        written = {number_of(index, model): number_of(new, model) for index, new in unknown.writes}
        return ModelCells(number_of(unknown.length, model), cell, written)

    return concrete(value, lambda word: number_of(word, model), lambda truth: model.holds(truth.truth), mapping, array)


@attrs.frozen
class Replay:
    """What the real function did: ``failure`` is empty where nothing went wrong."""

    arguments: dict[str, Any]
    failure: str
    illegal: str = ""


Spots = Mapping[str, list[int]]
"""The places that a model names, by the name of their word: where predicates are asked."""


def replay(obligation: Obligation, known: Mapping[str, Any], model: z.Model, places: Touched) -> Replay:
    """Run an obligation's subject where a model says that its goal fails."""
    spots = {kind: sorted({number_of(p, model) for p in places.of(kind)}) for kind in places.places}
    subject = obligation.subject
    names = _loop_names(subject) if isinstance(subject, LoopInvariant) else tuple(inspect.signature(subject).parameters)
    arguments = {name: concretise(known[name], model, places) for name in (*names, *obligation.beside)}
    if obligation.complete is not None:
        arguments = obligation.complete(arguments)
    if isinstance(subject, LoopInvariant):
        return _replay_step(subject, arguments, spots)
    for predicate in (*obligation.given, *obligation.invariants):
        if not _everywhere(predicate, arguments, spots):
            return Replay(arguments, "", f"{function_of(predicate).__name__} does not hold of the completed state")
    handed = {name: snapshot(arguments[name]) for name in names}
    try:
        after = subject(*handed.values())
    except Exception as error:  # whatever the real function raises is what the claim foretold
        raised = f"{type(error).__name__}: {error}"
        # Where a goal relies on what the text claims, a state in which it raises is one that the hypotheses left out.
        return Replay(arguments, "", f"the subject raises {raised}") if obligation.relies else Replay(arguments, raised)
    try:
        whole = {**arguments, **{f"after_{name}": value for name, value in handed.items()}, "after": after}
        for part, function in obligation.gives.items():
            if part_of(whole, part) != function(**arguments_for(function, whole)):
                return Replay(arguments, f"{part} is not what the contract gives")
        if obligation.goal is not None and not _everywhere(obligation.goal, whole, spots):
            return Replay(arguments, f"{function_of(obligation.goal).__name__} is false")
    except Exception as error:  # a predicate must be defined wherever the function comes to an end
        return Replay(arguments, f"{type(error).__name__}: {error}")
    hint = {**hints_of(subject), **obligation.types}.get("return")
    return Replay(arguments, unfit(after, hint, "the result") if obligation.goal is None else "")


def _loop_names(invariant: LoopInvariant) -> tuple[str, ...]:
    return (*(f"was_{name}" for name in invariant.variables), *invariant.variables)


def _replay_step(invariant: LoopInvariant, arguments: dict[str, Any], spots: Spots) -> Replay:
    """Run one step of a loop from a state at its head."""
    loop, names = invariant.loop, invariant.variables
    now = tuple(arguments[name] for name in names)
    for holds in invariant.holds:
        if not _everywhere(holds, arguments, spots):
            return Replay(arguments, "", f"{function_of(holds).__name__} does not hold of the state at the loop's head")
    try:
        if not loop.head(*now):
            return Replay(arguments, "", "the loop ends there")
        measure, after = loop.measure(*now), loop.step(*now)
        if not 0 <= loop.measure(*after) < measure:
            return Replay(arguments, f"the measure goes from {measure} to {loop.measure(*after)}")
        hints = hints_of(loop.step)
        for name, value in zip(names, after, strict=True):
            if wrong := unfit(value, hints[name], name):
                return Replay(arguments, wrong)
        whole = {**arguments, **dict(zip(names, after, strict=True))}
        for holds in invariant.holds:
            if not _everywhere(holds, whole, spots):
                return Replay(arguments, f"{function_of(holds).__name__} is false after the step")
    except Exception as error:  # whatever the real step raises is what the claim foretold
        return Replay(arguments, f"{type(error).__name__}: {error}")
    return Replay(arguments, "")


def _everywhere(predicate: Any, known: Mapping[str, Any], spots: Spots) -> bool:
    """Tell whether a predicate holds at all the places that a model names."""
    function, fixed = function_of(predicate), arguments_for(predicate, known)
    words = place_parameters(function, fixed)
    where = [[spot for spot in spots.get(word.name, []) if word.lo <= spot <= word.hi] for word in words.values()]
    return all(call(function, fixed, dict(zip(words, place, strict=True))) for place in product(*where))


def unfit(value: Any, hint: Any, name: str) -> str:
    """Return which word of a concrete value does not fit what its field declares; empty if all do."""
    word = word_of(hint) if hint is not None else None
    if word is not None and isinstance(value, int):
        return "" if word.lo <= value <= word.hi else f"{name} is {value}, which is no {word.name}"
    members: list[tuple[Any, Any, str]] = []
    if get_origin(hint) is PMap:
        key_hint, value_hint = get_args(hint)
        members = [(key, key_hint, f"a key of {name}") for key, _ in value.items()]
        members += [(item, value_hint, f"{name}[{key}]") for key, item in value.items()]
    elif attrs.has(type(value)):
        types_of = hints_of(type(value))
        members = [(getattr(value, f.name), types_of[f.name], f"{name}.{f.name}") for f in attrs.fields(type(value))]
    elif isinstance(value, tuple) and get_origin(hint) is tuple and len(get_args(hint)) == len(value):
        members = [(member, of, f"{name}.{i}") for i, (member, of) in enumerate(zip(value, get_args(hint), strict=True))]
    return next((wrong for member in members if (wrong := unfit(*member))), "")


def shown(value: Any) -> Any:
    """Return a concrete value as JSON can hold it."""
    if attrs.has(type(value)):
        return {field.name: shown(getattr(value, field.name)) for field in attrs.fields(type(value))}
    if hasattr(value, "items"):
        return {str(key): shown(item) for key, item in sorted(value.items())}
    if isinstance(value, tuple):
        return [shown(member) for member in value]
    return value
