"""Lists of what there is, of which nothing is imported before it is asked for.

A command, a hunt or a client needs one component of many; importing all of them would take most of its time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Collection[T], Generic[T]):
    """Things by name, in the order in which they are listed: each is itself, or its place, ``module:attribute``."""

    def __init__(self, places: Mapping[str, str | T]) -> None:
        self.places = dict(places)
        self._known: dict[str, T] = {}

    @property
    def names(self) -> list[str]:
        """The names, in order."""
        return list(self.places)

    def named(self, name: str) -> T:
        """Return what has a name (KeyError: nothing has), imported now if it was not before."""
        if name not in self._known:
            place = self.places[name]
            if isinstance(place, str):
                module, _, attribute = place.partition(":")
                place = getattr(import_module(module), attribute)
            self._known[name] = place
        return self._known[name]

    @property
    def modules(self) -> dict[str, str]:
        """The modules that hold what is listed by its place, by name; none of them is imported."""
        return {name: place.partition(":")[0] for name, place in self.places.items() if isinstance(place, str)}

    def __iter__(self) -> Iterator[T]:
        return map(self.named, self.names)

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, thing: object) -> bool:
        return any(one is thing for one in self)
