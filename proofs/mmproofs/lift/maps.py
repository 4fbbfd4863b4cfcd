"""Symbolic maps and arrays.

A map is two unknown functions (is the key there, and what is its value) under a list of writes. Its keys and values have
declared words: a value that is read lies in its range because every write claims that it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import attrs

from mmproofs import smt as z
from mmproofs.lift.errors import LiftError
from mmproofs.lift.run import CHANGED, READ, current
from mmproofs.lift.words import (
    SymBool,
    SymWord,
    as_word,
    between,
    bits_of,
    either_word,
    equal,
    limits_of,
    truth_of,
    width_for,
)  # fmt: skip
from mmspec.words import Word

GONE = object()
"""The value of a deleted key."""


@attrs.frozen(eq=False)
class Base:
    """What is unknown about a map: which keys it has, and their values (``value`` None: truths)."""

    name: str
    key: Word
    value: Word | None
    present: z.Function
    content: z.Function

    def key_bits(self, key: Any) -> z.Bits:
        """Return a key as an argument of the two functions."""
        return z.simplify(bits_of(key, width_for(self.key.lo, self.key.hi)))

    def has(self, key: Any) -> z.Truth:
        """Return whether a key is there; one outside the declared range never is."""
        inside = between(key, self.key.lo, self.key.hi)
        if inside is False:
            return current().smt.false
        found = self.present(self.key_bits(key))
        return found if inside is True else z.both(inside.truth, found)

    def at(self, key: Any) -> Any:
        """Return a key's value, as long as it is there."""
        content = self.content(self.key_bits(key))
        if self.value is None:
            return SymBool(content)
        return ranged(content, self.value)


def ranged(term: z.Bits, word: Word) -> Any:
    """Return a term as a word of a declared range, and note that it lies there."""
    if word.lo == word.hi:
        return word.lo
    value = SymWord(term, word.lo, word.hi)
    top = (1 << (width_for(word.lo, word.hi) - (word.lo < 0))) - 1
    if word.hi < top or (word.lo > 0) or (word.lo < 0 and word.lo > -top - 1):
        whole = SymWord(term, -top - 1 if word.lo < 0 else 0, top)
        current().fact(z.simplify(truth_of(between(whole, word.lo, word.hi))))
    return value


def unknown_word(name: str, word: Word) -> Any:
    """Return the unknown word of a name and a declared range."""
    return ranged(current().smt.bits(name, width_for(word.lo, word.hi)), word)


def unknown_base(name: str, key: Word, value: Word | None) -> Base:
    """Return the unknown map of a name."""
    smt, width = current().smt, width_for(key.lo, key.hi)
    result = None if value is None else width_for(value.lo, value.hi)
    return Base(name, key, value, smt.function(f"{name}?", [width], None), smt.function(name, [width], result))


def fits(value: Any, word: Word | None, what: str) -> None:
    """Claim that a value fits its declared word."""
    if word is None:
        truth_of(value)
        return
    current().claim(f"{what} fits {word.name}", truth_of(between(as_word(value), word.lo, word.hi)))


def _merge(condition: z.Truth, then: Any, otherwise: Any) -> Any:
    if isinstance(then, bool | SymBool) and isinstance(otherwise, bool | SymBool):
        if then is otherwise:
            return then
        return SymBool(z.choose(condition, truth_of(then), truth_of(otherwise)))
    return either_word(condition, then, otherwise)


class SymMap:
    """A persistent map of the law (``mmspec.pmap.PMap``) that nothing is known about but what was written."""

    __slots__ = ("base", "writes")

    def __init__(self, base: Base, writes: tuple[tuple[Any, Any], ...] = ()) -> None:
        self.base, self.writes = base, writes

    def __repr__(self) -> str:
        return f"<map {self.base.name} with {len(self.writes)} writes>"

    def _touch(self, key: Any, near: int = READ) -> Any:
        word = as_word(key)
        if isinstance(word, SymWord):
            word = _settled(word)
        current().touched.add(self.base.key.name, word, near)
        return word

    def has(self, key: Any) -> z.Truth:
        """Return whether a key is there, as a formula."""
        word = self._touch(key)
        truth = self.base.has(word)
        for written, value in self.writes:
            there = equal(word, written)
            if there is not False:
                truth = z.choose(truth_of(there), truth_of(value is not GONE), truth)
        return truth

    def get(self, key: Any, default: Any, /) -> Any:
        """Return a key's value, or the default: one path."""
        if self.base.value is None and not isinstance(default, bool | SymBool):
            raise LiftError(f"{self.base.name}.get with a default of {type(default).__name__}", "give a truth")
        if self.base.value is not None and not isinstance(default, int | SymWord):
            raise LiftError(f"{self.base.name}.get with a default of {type(default).__name__}", "give a sentinel word: ABSENT")
        word = self._touch(key)
        value = _merge(self.base.has(word), self.base.at(word), default)
        return self._under_writes(word, value, default)

    def _under_writes(self, word: Any, value: Any, default: Any) -> Any:
        for written, new in self.writes:
            there = equal(word, written)
            if there is not False:
                value = _merge(truth_of(there), default if new is GONE else new, value)
        return value

    def __getitem__(self, key: Any) -> Any:
        current().claim(f"key is in {self.base.name}", self.has(key))
        word = self._touch(key)
        value = self.base.at(word)
        return self._under_writes(word, value, value)

    def __contains__(self, key: Any) -> bool:
        return current().fork(self.has(key))

    def set(self, key: Any, value: Any, /) -> SymMap:
        """Return the map with a key's value set, and claim that both fit."""
        word = self._touch(key, CHANGED)
        fits(word, self.base.key, "key")
        fits(value, self.base.value, "value")
        if self.base.value is not None:
            value = as_word(value)
        return SymMap(self.base, (*self.writes, (word, value)))

    def delete(self, key: Any, /) -> SymMap:
        """Return the map without a key, and claim that it was there."""
        current().claim(f"key is in {self.base.name}", self.has(key))
        return SymMap(self.base, (*self.writes, (self._touch(key, CHANGED), GONE)))

    def same_at(self, other: SymMap, key: Any) -> z.Truth:
        """Return whether two maps agree on a key, as a formula."""
        there, value = self.has(key), self.base.at(key)
        mine = self._under_writes(key, value, value)
        value = other.base.at(key)
        theirs = other._under_writes(key, value, value)
        equal_values = mine == theirs if isinstance(mine, bool | SymBool) else equal(mine, theirs)
        return z.both(z.same(there, other.has(key)), z.implies(there, truth_of(equal_values)))

    def __eq__(self, other: object) -> Any:
        if self is other:
            return True
        raise LiftError("two maps were compared", "compare them at an arbitrary key")

    def __hash__(self) -> int:
        raise LiftError("a map was hashed", "keep maps out of sets and dict keys")

    def __len__(self) -> int:
        raise LiftError("len() of a map", "count in a field of the state")

    def __bool__(self) -> bool:
        raise LiftError("truth of a map", "ask for a key")

    def __iter__(self) -> NoReturn:
        raise LiftError("iteration over a map", "a step of the law never does that: use somewhere(), or a Loop")

    def items(self) -> NoReturn:
        """Refuse: no step iterates."""
        raise LiftError("iteration over a map", "a step of the law never does that: use somewhere(), or a Loop")


class SymArray:
    """A mutable flat array of the implementation: its length, the word of its cells, and what was written."""

    __slots__ = ("base", "length", "writes")

    def __init__(self, base: Base, length: Any) -> None:
        self.base, self.length = base, length
        self.writes: tuple[tuple[Any, Any], ...] = ()

    def __repr__(self) -> str:
        return f"<array {self.base.name} with {len(self.writes)} writes>"

    def _index(self, index: Any) -> Any:
        word = as_word(index)
        if isinstance(word, SymWord):
            word = _settled(word)
        if limits_of(word)[0] < 0:
            current().claim(f"index of {self.base.name} is not negative", truth_of(between(word, 0, max(0, limits_of(word)[1]))))
        current().claim(f"index is inside {self.base.name}", truth_of(SymWord.__gt__(self.length, word)
                        if isinstance(self.length, SymWord) else self.length > word))  # fmt: skip
        fits(word, self.base.key, "index")  # or it would be taken for another cell's
        current().touched.add(self.base.key.name, word)
        return word

    def __getitem__(self, index: Any) -> Any:
        word = self._index(index)
        return self.peek(word)

    def peek(self, index: Any) -> Any:
        """Return a cell without a claim: for predicates about an arbitrary index."""
        word = as_word(index)
        value = self.base.at(word)
        for written, new in self.writes:
            there = equal(word, written)
            if there is not False:
                value = _merge(truth_of(there), new, value)
        return value

    def __setitem__(self, index: Any, value: Any) -> None:
        word = self._index(index)
        fits(value, self.base.value, "cell")
        self.writes = (*self.writes, (word, as_word(value) if self.base.value is not None else value))

    def copy(self) -> SymArray:
        """Return the array as it is now, for predicates that compare before and after."""
        twin = SymArray(self.base, self.length)
        twin.writes = self.writes
        return twin

    def __len__(self) -> int:
        raise LiftError("len() of an array", "pass the length as an argument")

    def __iter__(self) -> NoReturn:
        raise LiftError("iteration over an array", "loop over a range of indices")

    def __bool__(self) -> bool:
        raise LiftError("truth of an array", "ask for a cell")

    def __hash__(self) -> int:
        raise LiftError("an array was hashed")


class ModelCells:
    """An array of a counterexample: as long as the model says, with whatever cells the model gives it."""

    def __init__(self, length: int, cell: Callable[[int], int], written: Mapping[int, int]) -> None:
        self.length, self.cell, self.written = length, cell, dict(written)

    def _index(self, index: int) -> int:
        if not 0 <= index < self.length:
            raise IndexError(f"index {index} of an array of {self.length} cells")
        return index

    def __getitem__(self, index: int) -> int:
        if self._index(index) not in self.written:
            self.written[index] = self.cell(index)
        return self.written[index]

    def __setitem__(self, index: int, value: int) -> None:
        self.written[self._index(index)] = value

    def copy(self) -> ModelCells:
        """Return an array of equal cells."""
        return ModelCells(self.length, self.cell, self.written)

    def items(self) -> Iterable[tuple[int, int]]:
        """Return the cells that were looked at or written, for pictures."""
        return self.written.items()


def _settled(word: SymWord) -> SymWord:
    """Return a word with its term simplified, so that equal places have equal names."""
    settled = SymWord(z.simplify(word.term), word.lo, word.hi)
    settled.shifted, settled.pin_by = word.shifted, word.pin_by
    return settled
