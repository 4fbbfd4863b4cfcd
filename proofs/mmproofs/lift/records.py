"""Unknown values of a declared type: words, truths, maps, and frozen records of them."""

from __future__ import annotations

import operator
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, Union, cast, get_args, get_origin

import attrs

from mmimpl.engine import Shape
from mmproofs.lift.errors import LiftError
from mmproofs.lift.maps import ModelCells, SymArray, SymMap, fits, unknown_base, unknown_word
from mmproofs.lift.run import current
from mmproofs.lift.words import SymBool, SymWord
from mmspec.clause import Clause
from mmspec.pmap import PMap
from mmspec.words import Word, word_of

T = TypeVar("T")

Choices = Mapping[type | str, Any]
"""Concrete values in place of unknown ones: for a class the options, one a path; for a part's name (``op.order``) its value."""


def hints_of(function: Any) -> dict[str, Any]:
    """Return the declared types of a function's parameters or a class's fields."""
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise LiftError(f"the types of {function.__qualname__} cannot be read: {error}", "import them at run time") from error


def unknown(hint: Any, name: str, choices: Choices | None = None) -> Any:
    """Return an unknown value of a declared type; a union takes each member on a path of its own."""
    choices = choices or {}
    if name in choices:
        return choices[name]
    word = word_of(hint)
    shape = shape_of(hint)
    if word is not None and shape is not None:
        return SymArray(unknown_base(name, _word(shape.index, name), word), 0)  # its record knows how long it is
    if word is not None:
        return unknown_word(name, word)
    if hint is bool:
        return SymBool(current().smt.truth(name))
    if hint is type(None) or hint is None:
        return None
    origin = get_origin(hint)
    if origin is Union or origin is types.UnionType:
        members = get_args(hint)
        position = current().decide(lambda: range(len(members)), lambda _: None)
        return unknown(members[position], name, choices)
    if origin is PMap:
        key, value = get_args(hint)
        return SymMap(unknown_base(name, _word(key, name), None if value is bool else _word(value, name)))
    if origin is tuple and Ellipsis not in get_args(hint):
        return tuple(unknown(member, f"{name}.{i}", choices) for i, member in enumerate(get_args(hint)))
    if isinstance(hint, type) and hint in choices:
        options = choices[hint]
        return options[current().decide(lambda: range(len(options)), lambda _: None)]
    if isinstance(hint, type) and attrs.has(hint):
        types_of = hints_of(hint)
        fields = {
            field.alias: unknown(types_of[field.name], f"{name}.{field.name}", choices)
            for field in attrs.fields(hint)
            if field.init
        }
        record = hint(**fields)
        for field in attrs.fields(hint):
            shape = shape_of(types_of[field.name])
            if shape is not None:
                getattr(record, field.name).length = shape.length(record)
        return record
    raise LiftError(
        f"{name} is declared {getattr(hint, '__name__', hint)}, of which nothing unknown can be made",
        "declare a Word, a bool, a PMap of words, or a frozen record of these",
    )


def shape_of(annotation: Any) -> Shape | None:
    """Return the ``Shape`` that an annotation declares: that of an array of the implementation."""
    return next((extra for extra in get_args(annotation)[1:] if isinstance(extra, Shape)), None)


def _word(hint: Any, name: str) -> Word:
    word = word_of(hint)
    if word is None:
        raise LiftError(
            f"{name} maps plain {getattr(hint, '__name__', hint)}", "declare a Word: its range is what can be relied on"
        )
    return word


def check_fields(value: Any, hint: Any, name: str) -> None:
    """Claim that every word in a record fits what its field declares."""
    word = word_of(hint) if hint is not None else None
    if word is not None and isinstance(value, int | SymWord | SymBool):
        fits(value, word, name)
    elif isinstance(value, SymMap) and get_origin(hint) is PMap:
        _check_map(value, hint, name)
    elif attrs.has(type(value)):
        types_of = hints_of(type(value))
        for field in attrs.fields(type(value)):
            check_fields(getattr(value, field.name), types_of[field.name], f"{name}.{field.name}")
    elif isinstance(value, tuple) and get_origin(hint) is tuple and len(get_args(hint)) == len(value):
        for i, (member, member_hint) in enumerate(zip(value, get_args(hint), strict=True)):
            check_fields(member, member_hint, f"{name}.{i}")


def _check_map(value: SymMap, hint: Any, name: str) -> None:
    """Refuse a map whose own words are wider than those of a declaration: what it holds need not fit there."""
    for have, declared in zip((value.base.key, value.base.value), map(word_of, get_args(hint)), strict=True):
        if have is not None and declared is not None and not declared.lo <= have.lo <= have.hi <= declared.hi:
            raise LiftError(
                f"{name} is a map of {have.name}, declared one of {declared.name}", "declare the map alike in both places"
            )


class Nothing:
    """An argument that a function must not look at (an operation's policy, to a predicate about the core)."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def __getattr__(self, attribute: str) -> Any:
        name = object.__getattribute__(self, "_name")
        raise LiftError(f"{name}.{attribute} was read where there is no {name}", "give the obligation a subject that has it")


def walk(value: Any, visit: Callable[[Any], None]) -> None:
    """Visit every word, truth and map inside a value."""
    if attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            walk(getattr(value, field.name), visit)
    elif isinstance(value, tuple):
        for member in value:
            walk(member, visit)
    else:
        visit(value)


def snapshot(value: T) -> T:
    """Return a value with a copy of every array in it; one without arrays itself."""
    whole: Any = value
    copied = whole
    if isinstance(whole, SymArray | ModelCells):
        copied = whole.copy()
    elif type(whole) is tuple:
        members = tuple(snapshot(member) for member in whole)
        copied = whole if all(map(operator.is_, members, whole)) else members
    elif attrs.has(type(whole)):
        parts = {field.alias: getattr(whole, field.name) for field in attrs.fields(type(whole)) if field.init}
        copies = {name: copy for name, part in parts.items() if (copy := snapshot(part)) is not part}
        copied = attrs.evolve(whole, **copies) if copies else whole
    return cast(T, copied)


def forget_arrays(value: Any) -> None:
    """Let the arrays in a value hold anything: what may have written to them was not watched."""

    def forget(array: Any) -> None:
        if isinstance(array, SymArray):
            base = array.base
            array.base, array.writes = unknown_base(current().smt.fresh(base.name), base.key, base.value), ()

    walk(value, forget)


def concrete(
    value: Any, word: Callable[[SymWord], int], truth: Callable[[SymBool], bool], mapping: Callable[[SymMap], Any],
    array: Callable[[SymArray], Any],
) -> Any:  # fmt: skip
    """Return a value with everything unknown in it replaced."""
    if isinstance(value, SymWord):
        return word(value)
    if isinstance(value, SymBool):
        return truth(value)
    if isinstance(value, SymMap):
        return mapping(value)
    if isinstance(value, SymArray):
        return array(value)
    if isinstance(value, tuple):
        return tuple(concrete(member, word, truth, mapping, array) for member in value)
    if attrs.has(type(value)) and not isinstance(value, Clause):
        fields = {
            f.alias: concrete(getattr(value, f.name), word, truth, mapping, array) for f in attrs.fields(type(value)) if f.init
        }
        return type(value)(**fields)
    return value
