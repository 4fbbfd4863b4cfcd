"""What is outside the dialect is an error with a lesson, never a silent answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mmproofs.lift.errors import LiftError
from mmproofs.obligation import Obligation, Verdict
from mmproofs.prove_case import decide
from mmspec.loop import Loop
from mmspec.pmap import PMap, somewhere
from mmspec.words import Order, Pfn


def uses_set(pfn: Pfn) -> bool:
    """Uses set."""
    return pfn in {1, 2}


def uses_int(pfn: Pfn) -> int:
    """Uses int."""
    return int(pfn)


def uses_text(pfn: Pfn) -> str:
    """Uses text."""
    return f"{pfn}"


def uses_power(order: Order) -> int:
    """Uses power."""
    return 2**order


def uses_fraction(pfn: Pfn) -> float:
    """Uses fraction."""
    return pfn / 2


def uses_method(pfn: Pfn) -> int:
    """Uses method."""
    return pfn.bit_length()


def uses_abs(pfn: Pfn) -> int:
    """Uses abs."""
    return abs(pfn)


def uses_none(pfn: Pfn) -> bool:
    """Uses none."""
    return pfn == None  # noqa: E711


def uses_inverted_truth(pfn: Pfn) -> Any:
    """Uses inverted truth."""
    return ~(pfn == 1)


def uses_truth_with_word(pfn: Pfn) -> Any:
    """Uses truth with word."""
    return (pfn == 1) & pfn


def counts_map(free: PMap[Pfn, Order]) -> int:
    """Counts map."""
    return len(free)


def iterates_map(free: PMap[Pfn, Order]) -> int:
    """Iterates map."""
    return sum(order for _, order in free.items())


def lists_map(free: PMap[Pfn, Order]) -> list[Pfn]:
    """Lists map."""
    return list(free)  # type: ignore[call-overload]


def asks_for_none(free: PMap[Pfn, Order], pfn: Pfn) -> Any:
    """Asks for none."""
    return free.get(pfn, None)  # type: ignore[arg-type]


def compares_maps(free: PMap[Pfn, Order], other: PMap[Pfn, Order]) -> bool:
    """Compares maps."""
    return free == other


def takes_plain_number(number: int) -> int:
    """Takes plain number."""
    return number


def raises(pfn: Pfn) -> int:
    """Raises."""
    if pfn == 7:
        raise ValueError("seven")
    return pfn


def divides_negative(pfn: Pfn) -> int:
    """Divides negative."""
    return (pfn - 5) // 2


def grows_without_end(pfn: Pfn) -> int:
    """Grows without end."""
    for _ in range(9):
        pfn = pfn * pfn
    return pfn


SPIN = Loop("spin", uses_method, uses_method, uses_method)


def runs_uncut_loop(pfn: Pfn) -> Any:
    """Runs uncut loop."""
    return SPIN.run(pfn)


CORPUS: list[Callable[..., Any]] = [
    uses_set, uses_int, uses_text, uses_power, uses_fraction, uses_method, uses_abs, uses_none, uses_inverted_truth,
    uses_truth_with_word, counts_map, iterates_map, lists_map, asks_for_none, compares_maps, takes_plain_number, raises,
    divides_negative, grows_without_end, runs_uncut_loop,
]  # fmt: skip


@pytest.mark.parametrize("function", CORPUS, ids=lambda f: f.__name__)
def test_unliftable_function_is_an_error(function: Callable[..., Any]) -> None:
    """The verdict is ERROR and the reason says something."""
    outcome = decide(Obligation("TEST", (), "", function), {})
    assert outcome.verdict is Verdict.ERROR
    assert len(outcome.reason) > 20


def holds_tuple(pfn: Pfn, after: int) -> Any:
    """Holds tuple."""
    return (after == pfn, True)


def test_goal_that_answers_with_a_tuple_is_an_error() -> None:
    """A tuple is true to Python; it proves nothing."""
    assert decide(Obligation("TEST", (), "", uses_nothing, holds_tuple), {}).verdict is Verdict.ERROR


def uses_nothing(pfn: Pfn) -> Pfn:
    """Uses nothing."""
    return pfn


def test_hypotheses_that_contradict_each_other_are_an_error() -> None:
    """Where no path comes to an end, nothing is proved."""
    outcome = decide(Obligation("TEST", (), "", uses_nothing, wrong_always, given=(never,)), {})
    assert outcome.verdict is Verdict.ERROR


def never(pfn: Pfn) -> bool:
    """Never."""
    return False


def wrong_always(pfn: Pfn, after: Pfn) -> bool:
    """Wrong always."""
    return after != pfn


def endless(pfn: Pfn) -> int:
    """Endless."""
    count = 0
    while pfn != count:
        count += 1
    return count


def test_unbounded_loop_is_unknown() -> None:
    """A limit on decisions gives UNKNOWN with the reason, not silence."""
    outcome = decide(Obligation("TEST", (), "", endless, seconds=20), {})
    assert outcome.verdict is Verdict.UNKNOWN
    assert "decisions" in outcome.reason or "paths" in outcome.reason or "s for" in outcome.reason


def is_word(key: Pfn, value: Order) -> bool:
    """Is word."""
    return value == 3


def quantified(free: PMap[Pfn, Order], place: Pfn) -> bool:
    """Quantified."""
    return somewhere(free, is_word)


def test_lift_errors_cannot_be_caught_by_the_law() -> None:
    """`except Exception` around a subject does not turn a lifter's error into an outcome."""
    assert not issubclass(LiftError, Exception)
