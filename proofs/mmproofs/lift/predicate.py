"""Predicates: functions of the law or of an obligation that answer with a truth, and what their parameters stand for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import attrs


@attrs.frozen
class Bound:
    """A predicate with some parameters renamed: ``bound(holds, zone="after")`` speaks of the state afterwards."""

    function: Callable[..., Any]
    renames: tuple[tuple[str, str], ...]

    @property
    def renamed(self) -> dict[str, str]:
        """What each renamed parameter stands for: an argument, or a part of one, such as ``after.block``."""
        return dict(self.renames)


def bound(function: Callable[..., Any], **renamed: str) -> Bound:
    """Return a predicate with some parameters renamed."""
    return Bound(function, tuple(sorted(renamed.items())))


Predicate = Callable[..., Any] | Bound


def function_of(predicate: Predicate) -> Callable[..., Any]:
    """Return the function that a predicate calls."""
    return predicate.function if isinstance(predicate, Bound) else predicate


def sources_of(predicate: Predicate) -> dict[str, str]:
    """Return, for each parameter of a predicate, what it stands for if anything of that name is known."""
    renamed = predicate.renamed if isinstance(predicate, Bound) else {}
    return {name: renamed.get(name, name) for name in inspect.signature(function_of(predicate)).parameters}


def arguments_for(predicate: Predicate, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the known values that a predicate's parameters name."""
    sources = sources_of(predicate)
    return {name: part_of(known, source) for name, source in sources.items() if source.split(".")[0] in known}


def part_of(known: Mapping[str, Any], path: str) -> Any:
    """Return a known value, or a part of one: ``after.block``, or ``after.1`` of a tuple."""
    first, *parts = path.split(".")
    value = known[first]
    for part in parts:
        value = value[int(part)] if part.isdigit() else getattr(value, part)
    return value
