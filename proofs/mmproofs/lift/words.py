"""Symbolic words and truths: what a function of the law is called with in place of integers.

A symbolic word stands for an integer, not for a register: its term is always wide enough for the interval that the word is
known to lie in (the *guard bits*), so that no operation wraps. That a value fits the width that the text declares is claimed
where it is stored: in a map, an array, a record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from mmproofs import smt as z
from mmproofs.lift.errors import LiftError
from mmproofs.lift.run import current

MAX_WIDTH = 256
"""Widest term; the law's widest word has 64 bits."""


def width_for(lo: int, hi: int) -> int:
    """Return the bits that every integer of [lo, hi] fits: natural, or two's complement if ``lo`` is negative."""
    if lo >= 0:
        return max(1, hi.bit_length())
    return max((-lo - 1).bit_length(), max(hi, 0).bit_length()) + 1


class SymWord:
    """An unknown integer of [lo, hi]."""

    __slots__ = ("counted", "hi", "lo", "pin_by", "shifted", "term")

    def __init__(self, term: z.Bits, lo: int, hi: int) -> None:
        self.term, self.lo, self.hi = term, lo, hi
        self.shifted: tuple[Any, Any] | None = None
        self.pin_by: tuple[SymWord, Callable[[int], int]] | None = None
        self.counted: tuple[z.Truth, ...] | None = None
        """The truths whose number this is: "none" and "exactly one" are then said without adding."""

    def __repr__(self) -> str:
        return f"<word of [{self.lo:#x}, {self.hi:#x}]>"

    # --- arithmetic ------------------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        return _add(self, other)

    def __radd__(self, other: Any) -> Any:
        return _add(other, self)

    def __sub__(self, other: Any) -> Any:
        return _subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return _subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return _multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return _multiply(other, self)

    def __neg__(self) -> Any:
        return _subtract(0, self)

    def __invert__(self) -> Any:
        return _subtract(-1, self)

    def __floordiv__(self, other: Any) -> Any:
        return _divide(self, other, z.divide)

    def __rfloordiv__(self, other: Any) -> Any:
        return _divide(other, self, z.divide)

    def __mod__(self, other: Any) -> Any:
        return _divide(self, other, z.remainder)

    def __rmod__(self, other: Any) -> Any:
        return _divide(other, self, z.remainder)

    # --- bits --------------------------------------------------------------------------------------------------------

    def __and__(self, other: Any) -> Any:
        return _bitwise(self, other, "and")

    def __rand__(self, other: Any) -> Any:
        return _bitwise(self, other, "and")

    def __or__(self, other: Any) -> Any:
        return _bitwise(self, other, "or")

    def __ror__(self, other: Any) -> Any:
        return _bitwise(self, other, "or")

    def __xor__(self, other: Any) -> Any:
        return _bitwise(self, other, "xor")

    def __rxor__(self, other: Any) -> Any:
        return _bitwise(self, other, "xor")

    def __lshift__(self, other: Any) -> Any:
        return _shift_left(self, other)

    def __rlshift__(self, other: Any) -> Any:
        return _shift_left(other, self)

    def __rshift__(self, other: Any) -> Any:
        return _shift_right(self, other)

    def __rrshift__(self, other: Any) -> Any:
        return _shift_right(other, self)

    # --- comparison --------------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> Any:
        return equal(self, other)

    def __ne__(self, other: object) -> Any:
        return opposite(equal(self, other))

    def __lt__(self, other: Any) -> Any:
        return _below(self, other, or_equal=False)

    def __le__(self, other: Any) -> Any:
        return _below(self, other, or_equal=True)

    def __gt__(self, other: Any) -> Any:
        return _below(other, self, or_equal=False)

    def __ge__(self, other: Any) -> Any:
        return _below(other, self, or_equal=True)

    # --- what asks for a value ---------------------------------------------------------------------------------------

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __index__(self) -> int:
        return pin(self)

    def __hash__(self) -> int:
        raise LiftError("a symbolic word was hashed", "keep words out of sets and dict keys: use a PMap")

    def __int__(self) -> int:
        raise LiftError("int() of a symbolic word", "words are integers already: leave the call out")

    def __format__(self, spec: str) -> str:
        raise LiftError("a symbolic word was written as text", "the law builds no strings")

    def __str__(self) -> str:
        raise LiftError("a symbolic word was written as text", "the law builds no strings")

    def __len__(self) -> int:
        raise LiftError("len() of a word")

    def __iter__(self) -> NoReturn:
        raise LiftError("iteration over a word")

    def __pow__(self, other: Any) -> Any:
        raise LiftError("** on a symbolic word", "write 1 << n")

    def __rpow__(self, other: Any) -> Any:
        raise LiftError("** on a symbolic word", "write 1 << n")

    def __truediv__(self, other: Any) -> Any:
        raise LiftError("/ on a symbolic word", "write //")

    __rtruediv__ = __truediv__

    def __abs__(self) -> Any:
        raise LiftError("abs() of a symbolic word", "compare and negate")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise LiftError(f".{name} of a symbolic word", "only operators are in the dialect")


class SymBool:
    """An unknown truth. As a number, which counting makes of it, it is 0 or 1."""

    __slots__ = ("truth",)

    def __init__(self, truth: z.Truth) -> None:
        self.truth = truth

    def __repr__(self) -> str:
        return "<truth>"

    def __bool__(self) -> bool:
        return current().fork(self.truth)

    def __and__(self, other: Any) -> Any:
        if isinstance(other, bool):
            return self if other else False
        return SymBool(z.both(self.truth, _truth(other)))

    __rand__ = __and__

    def __or__(self, other: Any) -> Any:
        if isinstance(other, bool):
            return True if other else self
        return SymBool(z.either(self.truth, _truth(other)))

    __ror__ = __or__

    def __xor__(self, other: Any) -> Any:
        if isinstance(other, bool):
            return opposite(self) if other else self
        return SymBool(z.exclusive(self.truth, _truth(other)))

    __rxor__ = __xor__

    def __eq__(self, other: object) -> Any:
        if isinstance(other, bool | SymBool):
            return opposite(self ^ other)
        return equal(as_word(self), other)

    def __ne__(self, other: object) -> Any:
        return opposite(self == other)

    def __add__(self, other: Any) -> Any:
        return _add(self, other)

    def __radd__(self, other: Any) -> Any:
        return _add(other, self)

    def __mul__(self, other: Any) -> Any:
        return _multiply(self, other)

    __rmul__ = __mul__

    def __index__(self) -> int:
        return int(bool(self))

    def __invert__(self) -> Any:
        raise LiftError("~ on a truth", "~True is -2 in Python: compare with == False, or write not")

    def __hash__(self) -> int:
        raise LiftError("a symbolic truth was hashed", "keep truths out of sets and dict keys")

    def __int__(self) -> int:
        raise LiftError("int() of a symbolic truth", "a truth counts as 0 or 1 already: leave the call out")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise LiftError(f".{name} of a symbolic truth", "only operators are in the dialect")


# --- operands ----------------------------------------------------------------------------------------------------------


def _truth(value: Any) -> z.Truth:
    if isinstance(value, SymBool):
        return value.truth
    raise LiftError(f"a truth was combined with {type(value).__name__}", "compare first: (x != 0) & (y == z)")


def truth_of(value: Any) -> z.Truth:
    """Return a predicate's answer as a formula; anything but True, False or a symbolic truth is an error."""
    if isinstance(value, SymBool):
        return value.truth
    if value is True or value is False:
        smt = current().smt
        return smt.true if value else smt.false
    raise LiftError(
        f"a predicate answered with {type(value).__name__}", "it must return a truth: a tuple, a word or None proves nothing"
    )


def as_word(value: Any) -> Any:
    """Return an operand as an ``int`` or a ``SymWord``, with what the path has pinned filled in."""
    if isinstance(value, SymWord):
        pinned = current().pins.get(z.identity(value.term))
        return value if pinned is None else pinned[1]
    if isinstance(value, bool):
        return 1 if value else 0
    if isinstance(value, int):
        return value
    if isinstance(value, SymBool):
        smt = current().smt
        word = SymWord(z.choose(value.truth, smt.value(1, 1), smt.value(0, 1)), 0, 1)
        word.counted = (value.truth,)
        return word
    raise LiftError(f"arithmetic of a word with {type(value).__name__}", "words combine with words and numbers only")


def limits_of(word: Any) -> tuple[int, int]:
    """Return the interval of an operand."""
    return (word, word) if isinstance(word, int) else (word.lo, word.hi)


def bits_of(word: Any, width: int) -> z.Bits:
    """Return an operand's term, modulo ``2**width``."""
    if isinstance(word, int):
        return current().smt.value(word, width)
    return z.resize(word.term, width, word.lo < 0)


def _made(term: z.Bits, lo: int, hi: int) -> Any:
    """Return the word whose value modulo the term's width is ``term``; the term is at least as wide as [lo, hi] needs."""
    if lo == hi:
        return lo
    width = width_for(lo, hi)
    if width > MAX_WIDTH:
        raise LiftError(f"a word of {width} bits", "declare narrower words, or bound them before they are multiplied or shifted")
    return SymWord(z.resize(term, width, lo < 0), lo, hi)


def _common(a: Any, b: Any) -> tuple[int, int, int, bool]:
    (a_lo, a_hi), (b_lo, b_hi) = limits_of(a), limits_of(b)
    lo, hi = min(a_lo, b_lo), max(a_hi, b_hi)
    return width_for(lo, hi), lo, hi, lo < 0


def _add(left: Any, right: Any) -> Any:
    a, b = as_word(left), as_word(right)
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    (a_lo, a_hi), (b_lo, b_hi) = limits_of(a), limits_of(b)
    if isinstance(a, int) and a == 0:
        return b
    if isinstance(b, int) and b == 0:
        return a
    lo, hi = a_lo + b_lo, a_hi + b_hi
    width = width_for(lo, hi)
    word = _made(bits_of(a, width) + bits_of(b, width), lo, hi)
    if isinstance(a, SymWord) and isinstance(b, SymWord) and a.counted is not None and b.counted is not None:
        word.counted = (*a.counted, *b.counted)
    return word


def _at_most(truths: tuple[z.Truth, ...], limit: int) -> z.Truth:
    """Return whether at most 0 or 1 of some truths hold, by a running "one so far" and "two so far"."""
    smt = current().smt
    one, two = smt.false, smt.false
    for truth in truths:
        two = z.either(two, z.both(one, truth))
        one = z.either(one, truth)
    return z.negate(one if limit == 0 else two)


def _counts_to(a: SymWord, b: Any) -> z.Truth | None:
    """Return whether a count equals 0, 1, or a truth; None where it must be added up."""
    if a.counted is None or len(a.counted) < 2:
        return None
    none = _at_most(a.counted, 0)
    if isinstance(b, int):
        return none if b == 0 else z.both(z.negate(none), _at_most(a.counted, 1)) if b == 1 else None
    if b.counted is not None and len(b.counted) == 1:
        one = z.both(z.negate(none), _at_most(a.counted, 1))
        return z.choose(b.counted[0], one, none)
    return None


def _subtract(left: Any, right: Any) -> Any:
    a, b = as_word(left), as_word(right)
    if isinstance(a, int) and isinstance(b, int):
        return a - b
    (a_lo, a_hi), (b_lo, b_hi) = limits_of(a), limits_of(b)
    lo, hi = a_lo - b_hi, a_hi - b_lo
    width = width_for(lo, hi)
    return _made(bits_of(a, width) - bits_of(b, width), lo, hi)


def _multiply(left: Any, right: Any) -> Any:
    a, b = as_word(left), as_word(right)
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    products = [x * y for x in limits_of(a) for y in limits_of(b)]
    lo, hi = min(products), max(products)
    if lo == hi:
        return lo
    width = width_for(lo, hi)
    return _made(bits_of(a, width) * bits_of(b, width), lo, hi)


def _divide(left: Any, right: Any, operation: Callable[[z.Bits, z.Bits], z.Bits]) -> Any:
    a, b = as_word(left), as_word(right)
    if limits_of(a)[0] < 0:
        raise LiftError("division of a word that may be negative", "divide natural numbers only")
    if not isinstance(b, int) or b <= 0:
        current().claim("divisor is positive", truth_of(_below(0, b, or_equal=False)))
    if isinstance(a, int) and isinstance(b, int):
        return a // b if operation is z.divide else a % b
    width = max(width_for(*limits_of(a)), width_for(0, limits_of(b)[1]))
    term = operation(bits_of(a, width), bits_of(b, width))
    if operation is z.divide:
        return _made(term, limits_of(a)[0] // limits_of(b)[1], limits_of(a)[1] // max(1, limits_of(b)[0]))
    return _made(term, 0, min(limits_of(a)[1], limits_of(b)[1] - 1))


def _bitwise(left: Any, right: Any, kind: str) -> Any:
    if isinstance(left, SymBool) or isinstance(right, SymBool):
        raise LiftError("a truth was combined with a word", "compare the word first: (x != 0) & (y == z)")
    a, b = as_word(left), as_word(right)
    if isinstance(a, int) and isinstance(b, int):
        return a & b if kind == "and" else a | b if kind == "or" else a ^ b
    width, _, hi, signed = _common(a, b)
    x, y = bits_of(a, width), bits_of(b, width)
    term = x & y if kind == "and" else x | y if kind == "or" else x ^ y
    (a_lo, a_hi), (b_lo, b_hi) = limits_of(a), limits_of(b)
    if kind == "and" and (a_lo >= 0 or b_lo >= 0):
        natural = [high for low, high in ((a_lo, a_hi), (b_lo, b_hi)) if low >= 0]
        return _made(term, 0, min(natural))
    if signed:
        return _made(term, -(1 << (width - 1)), (1 << (width - 1)) - 1)
    return _made(term, max(a_lo, b_lo) if kind == "or" else 0, (1 << hi.bit_length()) - 1)


def _shift_left(left: Any, right: Any) -> Any:
    amount = as_word(right)
    if isinstance(left, SymWord) and left.shifted is not None and _same_word(left.shifted[1], amount):
        return _head(left, left.shifted[0], amount)
    a = as_word(left)
    _claim_shift(amount)
    if isinstance(amount, int):
        return a << amount if isinstance(a, int) else _multiply(a, 1 << amount)
    (a_lo, a_hi), (low, high) = limits_of(a), limits_of(amount)
    low = max(low, 0)
    if high > MAX_WIDTH:
        raise LiftError(f"a shift by up to {high}", "declare the order's range")
    lo, hi = min(a_lo << low, a_lo << high), max(a_hi << low, a_hi << high)
    width = max(width_for(lo, hi), width_for(0, high))
    word = _made(z.shift_left(bits_of(a, width), bits_of(amount, width)), lo, hi)
    if isinstance(a, int) and isinstance(word, SymWord):
        word.pin_by = (amount, lambda n: a << n)
    return word


def _head(quotient: SymWord, whole: Any, amount: Any) -> Any:
    """Return ``(whole >> amount) << amount``: no larger than ``whole``, which the intervals alone would not tell."""
    lo, hi = limits_of(whole)
    top = limits_of(amount)[1]
    lo = (lo >> top) << top if lo < 0 else 0
    width = max(width_for(lo, hi), width_for(0, top))
    return _made(z.shift_left(bits_of(quotient, width), bits_of(amount, width)), lo, hi)


def _shift_right(left: Any, right: Any) -> Any:
    a, amount = as_word(left), as_word(right)
    _claim_shift(amount)
    if isinstance(a, int) and isinstance(amount, int):
        return a >> amount
    (a_lo, a_hi), (low, high) = limits_of(a), limits_of(amount)
    low = max(low, 0)
    lo, hi = min(a_lo >> low, a_lo >> high), max(a_hi >> low, a_hi >> high)
    width = max(width_for(a_lo, a_hi), width_for(0, high) + 1)
    word = _made(z.shift_right(bits_of(a, width), bits_of(amount, width), a_lo < 0), lo, hi)
    if isinstance(word, SymWord):
        word.shifted = (a, amount)
    return word


def _claim_shift(amount: Any) -> None:
    if limits_of(amount)[0] < 0:
        current().claim("shift is not negative", truth_of(_below(0, amount, or_equal=True)))


def _same_word(a: Any, b: Any) -> bool:
    if isinstance(a, int) or isinstance(b, int):
        return isinstance(a, int) and isinstance(b, int) and a == b
    return z.identity(a.term) == z.identity(b.term)


# --- comparison --------------------------------------------------------------------------------------------------------


def equal(left: Any, right: Any) -> Any:
    """Return whether two words are equal: a ``bool`` where their intervals tell."""
    if not isinstance(right, int | SymWord | SymBool):
        raise LiftError(f"a word was compared with {type(right).__name__}", "words are never None or text: use a sentinel word")
    a, b = as_word(left), as_word(right)
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    (a_lo, a_hi), (b_lo, b_hi) = limits_of(a), limits_of(b)
    if a_hi < b_lo or b_hi < a_lo:
        return False
    if _same_word(a, b):
        return True
    for count, other in ((a, b), (b, a)):
        counts = _counts_to(count, other) if isinstance(count, SymWord) else None
        if counts is not None:
            return SymBool(counts)
    width = _common(a, b)[0]
    return SymBool(z.same(bits_of(a, width), bits_of(b, width)))


def _below(left: Any, right: Any, *, or_equal: bool) -> Any:
    a, b = as_word(left), as_word(right)
    if isinstance(a, int) and isinstance(b, int):
        return a <= b if or_equal else a < b
    (a_lo, a_hi), (b_lo, b_hi) = limits_of(a), limits_of(b)
    if a_hi < b_lo or (or_equal and a_hi == b_lo):
        return True
    if b_hi < a_lo or (not or_equal and b_hi == a_lo):
        return False
    if isinstance(a, SymWord) and a.counted is not None and isinstance(b, int) and b - (not or_equal) in (0, 1):
        return SymBool(_at_most(a.counted, b - (not or_equal)))
    width, _, _, signed = _common(a, b)
    return SymBool(z.below(bits_of(a, width), bits_of(b, width), signed, or_equal))


def opposite(value: Any) -> Any:
    """Return the negation of a truth."""
    return not value if isinstance(value, bool) else SymBool(z.negate(_truth(value)))


def between(word: Any, lo: int, hi: int) -> Any:
    """Return whether a word lies in [lo, hi]."""
    at_least, at_most = _below(lo, word, or_equal=True), _below(word, hi, or_equal=True)
    return at_least & at_most


def either_word(condition: z.Truth, then: Any, otherwise: Any) -> Any:
    """Return one of two words."""
    a, b = as_word(then), as_word(otherwise)
    if _same_word(a, b):
        return a
    width, lo, hi, _ = _common(a, b)
    return SymWord(z.choose(condition, bits_of(a, width), bits_of(b, width)), lo, hi)


def pin(word: SymWord) -> int:
    """Give an unknown word one of its possible values, each on a path of its own."""
    run = current()
    key = z.identity(word.term)
    if key in run.pins:
        return run.pins[key][1]
    if word.pin_by is not None:
        source, function = word.pin_by
        value = function(pin(source))
    else:
        width = z.width_of(word.term)
        value = run.decide(
            lambda: run.values(word.term, word.lo, word.hi),
            lambda option: z.same(word.term, run.smt.value(option, width)),
        )
    run.pins[key] = (word.term, value)
    return value
