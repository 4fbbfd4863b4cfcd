"""How many places of a range have a property, for ranges of any length.

A proof cannot add up a range that it does not know the length of. What it needs of such a number are truths of all finite
counts, with a *witness* (an unknown place) in place of "somewhere":

- a count is at most the length of its range (``between``);
- it is 0, or some place there has the property (``first_with``);
- it is the whole length, or some place there lacks the property (``first_without``);
- two properties are counted alike in a range, or they differ at some place there (``first_difference``).

A count is a difference of two values of an unknown function, "how many places below this one", so that the counts of
neighbouring ranges add up. No induction is left to whoever states a goal, and nothing is said that a sum would not fulfil.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast, get_origin

import attrs

from mmproofs import smt as z
from mmproofs.lift.errors import LiftError
from mmproofs.lift.maps import GONE, SymMap
from mmproofs.lift.records import hints_of
from mmproofs.lift.run import READ, current
from mmproofs.lift.words import SymBool, SymWord, as_word, bits_of, limits_of, truth_of, width_for
from mmspec.pmap import PMap
from mmspec.words import Word, word_of

LIMIT_BITS = 64
"""Width of the ends of a range, of its length, and of a count."""

BELOW = "below"
"""The role of a property's unknown function that counts."""


def is_count(name: str) -> bool:
    """Tell whether an unknown function counts. Sums of its answers fall at once where each answer is one unknown word."""
    return name.split("#")[1:2] == [BELOW]


@attrs.frozen(eq=False)
class Property:
    """Something that a place has or has not: ``holds(place, *context)``, of one declared word, maps of words and words.

    Only places of the declared word are counted. ``holds`` combines with ``&`` and ``|``: it takes one path and claims nothing.
    """

    name: str
    holds: Callable[..., Any]

    def of(self, *context: Any) -> Counted:
        """Return the property in a context: what follows the place in ``holds``'s parameters."""
        return Counted(self, context)

    @property
    def word(self) -> Word:
        """The declared word of the places."""
        hints = hints_of(self.holds)
        word = word_of(hints[next(iter(inspect.signature(self.holds).parameters))])
        if word is None or word.lo != 0:
            raise LiftError(f"the places of {self.name} are no natural numbers", "declare the first parameter a Word from 0 on")
        return word


@attrs.frozen(eq=False)
class Counted:
    """A property in a context."""

    property: Property
    context: tuple[Any, ...]

    def at(self, place: Any) -> Any:
        """Tell whether a place has the property."""
        if not self._is_symbolic(place):
            return bool(self.property.holds(place, *self.context))
        run = current()
        before = (len(run.taken), len(run.claims), len(run.schemas))
        holds = truth_of(self.property.holds(place, *self.context))
        if before != (len(run.taken), len(run.claims), len(run.schemas)):
            raise LiftError(f"{self.property.name} branches or claims something", "combine with & and |, and ask with get()")
        return SymBool(holds)

    def between(self, start: int, end: int) -> int:
        """Return how many places of [start, end) have the property; 0 where start is not below end."""
        if not self._is_symbolic(start, end):
            return sum(1 for place in range(start, min(end, self.property.word.hi + 1)) if self.at(place))
        low, high = _limit(start), _limit(end)
        found, upward = self._number(low, high), z.below(low, high, signed=False, or_equal=True)
        current().fact(z.implies(upward, z.below(found, high - low, signed=False, or_equal=True)))
        most = max(1, limits_of(as_word(end))[1] - limits_of(as_word(start))[0])
        return _word(z.choose(upward, found, _bits(0)), most)

    def inside(self, head: int, order: int) -> int:
        """Return how many places of [head, head + 2**order) have the property."""
        end = head + (1 << order)
        if not self._is_symbolic(head, order):
            return self.between(head, end)
        low, high = _limit(head), _limit(end)
        found, most = self._number(low, high), limits_of(as_word(1 << order))[1]
        current().fact(z.below(found, high - low, signed=False, or_equal=True))
        return _word(found, most)

    # --- the unknown functions ---------------------------------------------------------------------------------------

    def _is_symbolic(self, *words: Any) -> bool:
        return any(isinstance(value, SymWord | SymMap | SymBool) for value in (*words, *self.context))

    def _number(self, low: z.Bits, high: z.Bits) -> z.Bits:
        return self._below(high) - self._below(low)

    def _below(self, limit: z.Bits) -> z.Bits:
        name, arguments = self._named(BELOW)
        widths = [LIMIT_BITS, *(z.width_of(argument) for argument in arguments)]
        return current().smt.function(name, widths, LIMIT_BITS)(limit, *arguments)

    def _witness(self, role: str, *more: z.Bits) -> SymWord:
        name, arguments = self._named(role)
        return _place(self.property.word, name, [*more, *arguments])

    def _named(self, role: str) -> tuple[str, list[z.Bits]]:
        """Return the name of an unknown function of this property in this context, and the words that it depends on."""
        if current().smt.owners.setdefault(self.property.name, self.property.holds) is not self.property.holds:
            raise LiftError(f"two properties are called {self.property.name}", "what they count would be one number")
        names, arguments = [self.property.name, role], list[z.Bits]()
        hints, parameters = hints_of(self.property.holds), tuple(inspect.signature(self.property.holds).parameters)[1:]
        for parameter, value in zip(parameters, self.context, strict=True):
            for name, term in _parts(hints[parameter], value, f"{self.property.name}'s {parameter}"):
                names.append(name)
                arguments += term
        return "#".join(names), arguments


@attrs.frozen
class Range:
    """The places of [start, end)."""

    start: int
    end: int

    @property
    def limits(self) -> tuple[int, int]:
        """The first place, and the one behind the last."""
        return self.start, self.end

    def holds(self, place: Any) -> Any:
        """Tell whether a place is one of them."""
        return (self.start <= place) & (place < self.end)

    def proper(self) -> bool:
        """Tell whether ``holds`` says which places lie between the limits: the start is not above the end.

        As a lemma it spares the solver a case for each count of the range.
        """
        return sum_at_most((self.start,), (self.end,))


@attrs.frozen
class Block:
    """The places of the aligned block of an order: said without comparing, which solvers find easier."""

    head: int
    order: int

    @property
    def limits(self) -> tuple[int, int]:
        """The first place, and the one behind the last."""
        return self.head, self.head + (1 << self.order)

    def holds(self, place: Any) -> Any:
        """Tell whether a place is one of them (for an aligned block; BUDDY-BITS-INTERVAL)."""
        return (self.head ^ place) >> self.order == 0

    def proper(self) -> bool:
        """Tell whether ``holds`` says which places lie between the limits."""
        return (self.head & ((1 << self.order) - 1)) == 0


Places = Range | Block


def first_with(one: Counted, places: Places) -> int:
    """Return a place that has a property, any place if there is none; none is counted then.

    To ask for it is to use that truth: obligations and loop invariants do so in their ``also``.
    """
    if not one._is_symbolic(*places.limits):
        return next((place for place in range(*places.limits) if one.at(place)), places.limits[0])
    low, high = map(_limit, places.limits)
    witness = one._witness("with", low, high)
    _either(places, z.same(one._number(low, high), _bits(0)), witness, truth_of(one.at(witness)))
    return cast(int, witness)


def first_without(one: Counted, places: Places) -> int:
    """Return a place that lacks a property, any place if there is none; every place is counted then."""
    if not one._is_symbolic(*places.limits):
        return next((place for place in range(*places.limits) if not one.at(place)), places.limits[0])
    low, high = map(_limit, places.limits)
    witness = one._witness("without", low, high)
    counted = z.below(high, _bits(one.property.word.hi + 1), signed=False, or_equal=True)
    whole = z.either(z.same(one._number(low, high), high - low), z.negate(counted))
    _either(places, whole, witness, z.negate(truth_of(one.at(witness))))
    return cast(int, witness)


def first_difference(one: Counted, other: Counted, places: Places) -> int:
    """Return a place where two properties differ, any place if there is none; the two are counted alike then."""
    if one.property.word != other.property.word:
        raise LiftError(f"{one.property.name} and {other.property.name} are about places of different words")
    if not one._is_symbolic(*places.limits) and not other._is_symbolic():
        return next((place for place in range(*places.limits) if one.at(place) != other.at(place)), places.limits[0])
    low, high = map(_limit, places.limits)
    (name, mine), (other_name, theirs) = one._named("differs"), other._named("from")
    witness = _place(one.property.word, f"{name}~{other_name}", [low, high, *mine, *theirs])
    differs = z.exclusive(truth_of(one.at(witness)), truth_of(other.at(witness)))
    _either(places, z.same(one._number(low, high), other._number(low, high)), witness, differs)
    return cast(int, witness)


def _either(places: Places, counts: z.Truth, witness: SymWord, shows: z.Truth) -> None:
    """Note that a truth about counts holds of some places, or that a witness among them shows why not."""
    among = z.both(truth_of(places.holds(witness)), shows)
    current().fact(z.implies(truth_of(places.proper()), z.either(counts, among)))


def equal_sums(left: Sequence[int], right: Sequence[int]) -> bool:
    """Tell whether two sums are equal. What ``+`` and ``==`` say needs a bit more a term, behind which solvers see no sum."""
    if not any(isinstance(word, SymWord | SymBool) for word in (*left, *right)):
        return sum(left) == sum(right)
    (a_lo, a_hi), (b_lo, b_hi) = _bounds(left), _bounds(right)
    if max(a_hi - b_lo, b_hi - a_lo) >> LIMIT_BITS:
        raise LiftError(f"sums that may be {LIMIT_BITS} bits apart", "declare narrower words")
    return cast(bool, SymBool(z.same(_sum(left), _sum(right))))


def sum_at_most(left: Sequence[int], right: Sequence[int]) -> bool:
    """Tell whether one sum of natural words is at most another (see ``equal_sums``)."""
    if not any(isinstance(word, SymWord | SymBool) for word in (*left, *right)):
        return sum(left) <= sum(right)
    (a_lo, a_hi), (b_lo, b_hi) = _bounds(left), _bounds(right)
    if min(a_lo, b_lo) < 0 or max(a_hi, b_hi) >> LIMIT_BITS:
        raise LiftError(f"sums that are no natural words of {LIMIT_BITS} bits", "declare narrower words, or natural ones")
    return cast(bool, SymBool(z.below(_sum(left), _sum(right), signed=False, or_equal=True)))


def _bounds(words: Sequence[int]) -> tuple[int, int]:
    limits = [limits_of(as_word(word)) for word in words]
    return sum(lo for lo, _ in limits), sum(hi for _, hi in limits)


def _sum(words: Sequence[int]) -> z.Bits:
    total = _bits(0)
    for word in words:
        total = total + bits_of(as_word(word), LIMIT_BITS)
    return total


def _word(term: z.Bits, most: int) -> int:
    return cast(int, SymWord(term, 0, most))  # as wide as the unknown function's answers: sums stay in sight


def _bits(number: int) -> z.Bits:
    return current().smt.value(number, LIMIT_BITS)


def _limit(limit: Any) -> z.Bits:
    word = as_word(limit)
    lo, hi = limits_of(word)
    if lo < 0 or hi >> LIMIT_BITS:
        raise LiftError(f"a range ends at a word of [{lo:#x}, {hi:#x}]", "declare the ends of what is counted as natural words")
    return z.simplify(bits_of(word, LIMIT_BITS))


def _place(word: Word, name: str, arguments: list[z.Bits]) -> SymWord:
    width = width_for(word.lo, word.hi)
    term = current().smt.function(name, [z.width_of(argument) for argument in arguments], width)(*arguments)
    place = SymWord(term, 0, (1 << width) - 1)
    current().touched.add(word.name, place, READ)
    return place


def _parts(hint: Any, value: Any, what: str) -> Iterator[tuple[str, list[z.Bits]]]:
    """Yield what a value is made of: a fixed name, and the words that fill it in."""
    word = word_of(hint)
    if word is not None:
        if limits_of(as_word(value))[0] < word.lo or limits_of(as_word(value))[1] > word.hi:
            raise LiftError(f"{what} may exceed its declared word", "narrow it, or declare a wider word")
        yield word.name, [bits_of(as_word(value), width_for(word.lo, word.hi))]
    elif get_origin(hint) is PMap and isinstance(value, SymMap):
        key, content = value.base.key, value.base.value
        yield value.base.name, []
        for written, new in value.writes:
            yield "gone" if new is GONE else "set", [bits_of(written, width_for(key.lo, key.hi))]
            if new is not GONE and content is not None:
                yield "to", [bits_of(new, width_for(content.lo, content.hi))]
            elif new is not GONE:
                raise LiftError(f"{what} is a map of truths that was written", "count by a map of words")
    else:
        raise LiftError(f"{what} is neither a declared word nor a map", "give the maps and words that the property looks at")
