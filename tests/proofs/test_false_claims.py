"""What is false of a function is not proved, by whatever way the prover is led there."""

from __future__ import annotations

from typing import Annotated, Any

import attrs
import pytest

from mmproofs.bases import gap
from mmproofs.lift.counting import Property, Range, equal_sums
from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, Verdict, bound, proofs_of
from mmproofs.prove_case import decide
from mmproofs.solve import decide_all
from mmspec.loop import Loop
from mmspec.pmap import PMap, somewhere
from mmspec.words import Order, Pfn, PfnEnd, Word

Low = Annotated[int, Word("low", bits=4, lo=0, hi=9)]
"""A word of as many bits as an Order, and of fewer values."""

# --- what is relied on ----------------------------------------------------------------------------------------------------


def low(n: Order) -> bool:
    """The number is low."""
    return n <= 5


def low_before(n: Order, after: Order) -> bool:
    """The number was low, whatever came of it."""
    return n <= 5


def halve(n: Order) -> Order:
    """Return half of n."""
    return n >> 1


def call_halve(n: Order) -> Order:
    """Call with any number."""
    return halve(n)


HALVE = Contract("HALVE", halve, (("", low_before),), requires=(low,))
HALVE_PROVED = Obligation("HALVE", (), "", halve, low_before, given=(low,))
CALL = Obligation("CALL", (), "", call_halve, low_before, contracts=(HALVE,), rests_on=("HALVE",))


def by_id(*obligations: Obligation) -> dict[str, Obligation]:
    """Return obligations by id."""
    return {obligation.id: obligation for obligation in obligations}


def complaint(obligation: Obligation, *bases: Obligation) -> str:
    """Return why an obligation that was decided does not count."""
    outcome = decide(obligation, {})
    return gap(obligation, by_id(obligation, *bases), outcome.relied) if outcome.verdict is Verdict.PROVED else outcome.reason


def test_what_a_contract_requires_is_relied_on_where_there_is_a_goal() -> None:
    """A goal that follows from what is ensured at an unlawful call needs a base that claims the call lawful."""
    assert "on the way" in complaint(CALL, HALVE_PROVED)


def test_a_base_that_runs_the_text_does_not_prove_that_it_may_be_called() -> None:
    """A base without the contract claims nothing of what the contract requires."""
    plain = Obligation("PLAIN", (), "", call_halve)
    assert "on the way" in complaint(attrs.evolve(CALL, rests_on=("HALVE", "PLAIN")), HALVE_PROVED, plain)


def down_more(n: Order) -> bool:
    """Tell whether n can go down."""
    return n > 0


def down(n: Order) -> tuple[Any, ...]:
    """Go down."""
    return (n - 1,)


def left(n: Order) -> int:
    """Return how far."""
    return n


DOWN = Loop("down", down_more, down, left)


def entered_low(was_n: Order, n: Order) -> bool:
    """The loop was entered low."""
    return (was_n <= 5) & (n <= was_n)


FROM_LOW = LoopInvariant(DOWN, entered_low, "STEP")


def go_down(n: Order) -> Order:
    """Enter the loop from anywhere, which its invariant does not allow."""
    result: Order
    (result,) = DOWN.run(n)
    return result


STEP = Obligation("STEP", (), "", FROM_LOW)
GO = Obligation("GO", (), "", go_down, low_before, cuts=(FROM_LOW,), rests_on=("STEP",))


def test_the_entry_of_a_loop_is_relied_on_where_there_is_a_goal() -> None:
    """A goal that follows from the invariant of a loop entered unlawfully needs a base that claims the entry."""
    assert "on the way" in complaint(GO, STEP)


def entered_anywhere(was_n: Order, n: Order) -> bool:
    """The loop may be entered from anywhere."""
    return n <= was_n


def test_a_base_with_another_invariant_does_not_prove_the_entry() -> None:
    """That a loop is entered lawfully by one invariant says nothing about another."""
    other = LoopInvariant(DOWN, entered_anywhere, "OTHER")
    plain = Obligation("PLAIN", (), "", go_down, cuts=(other,), rests_on=("OTHER",))
    assert "on the way" in complaint(attrs.evolve(GO, rests_on=("STEP", "PLAIN")), STEP, plain)
