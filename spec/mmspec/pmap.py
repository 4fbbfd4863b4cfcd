"""Persistent maps: the one container of the law.

The protocol is small on purpose, since four readers implement it: ``key in m``, ``m[key]`` (for a key that is known to be
there: an obligation when lifted, a ``KeyError`` when run), ``m.get(key, default)`` (one path, no fork), ``m.set(key, value)``
and ``m.delete(key)`` (both return the new map). ``items`` is for recounts, generators and pictures only: a step of the law
never iterates a map.

The names are those of ``immutables.Map``, so that the interpreter runs on it with nothing in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, Self, TypeVar, overload

import immutables

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")


class PMap(Protocol[K, V]):
    """A persistent map from ``K`` to ``V``."""

    def __contains__(self, key: object, /) -> bool: ...
    def __getitem__(self, key: K, /) -> V: ...
    def __len__(self) -> int: ...
    def get(self, key: K, default: V, /) -> V: ...
    def set(self, key: K, value: V, /) -> PMap[K, V]: ...
    def delete(self, key: K, /) -> PMap[K, V]: ...
    def items(self) -> Any: ...


def pmap(items: Mapping[K, V] | None = None) -> PMap[K, V]:
    """Return the map that runs use, holding ``items``."""
    return immutables.Map(items or {})


class CopyOnWrite(dict[K, V]):
    """The same protocol in ten lines over ``dict``, O(n) a write: for readers and for CrossHair."""

    @overload  # type: ignore[override]  # the protocol's get has no default-less form
    def get(self, key: K, default: V, /) -> V: ...
    @overload
    def get(self, key: K, default: D, /) -> V | D: ...
    def get(self, key: K, default: Any, /) -> Any:
        return dict.get(self, key, default)

    def set(self, key: K, value: V, /) -> CopyOnWrite[K, V]:
        return CopyOnWrite({**self, key: value})

    def delete(self, key: K, /) -> CopyOnWrite[K, V]:
        rest = CopyOnWrite(self)
        del rest[key]
        return rest


class Journaled(Mapping[K, V]):
    """A map that writes down which keys it was asked to change, so that lock-step can compare just those.

    ``log`` is shared by all versions of the map and is emptied by whoever reads it. Looking is as quick as in the body.
    """

    __slots__ = ("_body", "get", "log")

    def __init__(self, body: PMap[K, V], log: list[K]) -> None:
        self._body, self.log = body, log
        self.get: Callable[..., Any] = body.get

    def __contains__(self, key: object) -> bool:
        return key in self._body

    def __getitem__(self, key: K) -> V:
        return self._body[key]

    def __len__(self) -> int:
        return len(self._body)

    def __iter__(self) -> Iterator[K]:
        return (key for key, _ in self._body.items())

    def set(self, key: K, value: V, /) -> Self:
        self.log.append(key)
        return type(self)(self._body.set(key, value), self.log)

    def delete(self, key: K, /) -> Self:
        self.log.append(key)
        return type(self)(self._body.delete(key), self.log)

    def items(self) -> Any:
        return self._body.items()


Search = Callable[[Any, Any, tuple[Any, ...]], Any]
_search: Search | None = None


def somewhere(entries: PMap[K, V], true_of: Any, *context: Any) -> bool:
    """Tell whether ``true_of(key, value, *context)`` holds at some entry.

    The one quantifier of the law: the interpreter looks, the lifter names a witness or assumes the opposite everywhere.
    """
    if _search is not None:
        return bool(_search(entries, true_of, context))
    return any(true_of(key, value, *context) for key, value in entries.items())


def read_searches_with(search: Search | None) -> Search | None:
    """Let ``search(entries, true_of, context)`` stand for ``somewhere`` from now on (None: look); return what stood before."""
    global _search
    before, _search = _search, search
    return before
