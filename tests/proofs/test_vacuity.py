"""A proof from hypotheses that contradict each other proves nothing: the same hypotheses must not prove what is false."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from tests.proofs.lifting import DOWN, down_more

from mmproofs.bases import gap
from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, Verdict, bound
from mmproofs.obligations import by_id
from mmproofs.prove_case import decide
from mmspec.loop import Loop
from mmspec.physical.buddy import core
from mmspec.pmap import PMap
from mmspec.words import Order, Pfn

WITH_GOAL = [
    "BUDDY-FREE-OWNED", "BUDDY-FREE-COUNTED", "BUDDY-ALLOC-OWNED", "BUDDY-ALLOC-COUNTED",
    "BUDDY-TAKE-COUNTED", "BUDDY-PUTBACK-MERGED", "BUDDY-ALLOC-LAWFUL", "BUDDY-BITS-HALVES", "BUDDY-BITS-OVERLAP",
    "BUDDY-ISOLATE-COUNTED", "BUDDY-RESERVE-KINDS", "BUDDY-UNRESERVE-OWNED", "BUDDY-SET-KIND-COUNTED",
    "BUDDY-COUNT-BLOCK-COUNTED",
    "BUDDY-RING-PUSH-HEAD-LINKED", "BUDDY-RING-REMOVE-LINKED",
]  # fmt: skip


def false_when_done(result: Any, after: Any) -> bool:
    """Wrong for every answer that is a success."""
    return bool(result.failed)


def false(after: Any) -> bool:
    """Wrong."""
    return False


@pytest.mark.parametrize("name", WITH_GOAL)
def test_hypotheses_do_not_prove_what_is_false(name: str) -> None:
    """The goal replaced by one that is false of every success is not PROVED."""
    obligation = by_id()[name]
    takes_result = "ALLOC" in name or "FREE" in name or "TAKE" in name or "PUTBACK" in name
    outcome = decide(attrs.evolve(obligation, goal=false_when_done if takes_result else false, also=()), {})
    assert outcome.verdict in (Verdict.REFUTED, Verdict.UNKNOWN)
    assert "goal" in outcome.reason


def merge_without_taking(free: PMap[Pfn, Order], max_order: Order, pfn: Pfn, order: Order) -> tuple[Any, ...]:
    """The buddy stays on the free set (BUD-01)."""
    return free, max_order, core.parent_of(pfn, order), order + 1


def merge_beyond(free: PMap[Pfn, Order], max_order: Order, pfn: Pfn, order: Order) -> bool:
    """The loop's head forgets max_order (BUD-02)."""
    return free.get(core.buddy_of(pfn, order), 15) == order


def split_loses_half(free: PMap[Pfn, Order], pfn: Pfn, order: Order, have: Order) -> tuple[Any, ...]:
    """The other half is on no list."""
    return free, pfn, order, have - 1


def split_gives_wrong_half(free: PMap[Pfn, Order], pfn: Pfn, order: Order, have: Order) -> tuple[Any, ...]:
    """The half that is wanted is given away."""
    return free.set(core.head_of(pfn, have - 1), have - 1), pfn, order, have - 1


def merge_in_place(free: PMap[Pfn, Order], max_order: Order, pfn: Pfn, order: Order) -> tuple[Any, ...]:
    """The measure never goes down."""
    return free, max_order, pfn, order


@pytest.mark.parametrize(
    ("name", "part", "wrong"),
    [
        ("BUDDY-MERGE-STEP", "step", merge_without_taking),
        ("BUDDY-MERGE-STEP", "head", merge_beyond),
        ("BUDDY-MERGE-STEP", "step", merge_in_place),
        ("BUDDY-SPLIT-STEP", "step", split_loses_half),
        ("BUDDY-SPLIT-STEP", "step", split_gives_wrong_half),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_wrong_step_is_refuted(name: str, part: str, wrong: Any) -> None:
    """A loop with one function replaced does not keep the invariant, or does not end: its step, run, shows it."""
    obligation = by_id()[name]
    assert isinstance(obligation.subject, LoopInvariant)
    loop = obligation.subject.loop
    parts = {"head": loop.head, "step": loop.step, "measure": loop.measure, part: wrong}
    subject = LoopInvariant(Loop(loop.name, parts["head"], parts["step"], parts["measure"]), obligation.subject.holds)
    outcome = decide(attrs.evolve(obligation, subject=subject), {})
    assert outcome.verdict is Verdict.REFUTED, outcome.reason
    assert "replayed" in outcome.reason


# --- what a proof goes from ----------------------------------------------------------------------------------------------


def small(was_n: Order, n: Order) -> bool:
    """The loop was entered low."""
    return (was_n <= 5) & (n <= was_n)


def enter(n: Order) -> Order:
    """Enter the loop from anywhere, which its invariant does not allow."""
    result: Order
    (result,) = DOWN.run(n)
    return result


def test_entry_of_a_loop_is_not_proved_by_what_holds_behind_it() -> None:
    """That a loop may be entered does not follow from the invariant, which holds only if it may."""
    outcome = decide(Obligation("T", (), "", enter, cuts=(LoopInvariant(DOWN, small),)), {})
    assert outcome.verdict is not Verdict.PROVED
    assert "holds at its entry" in outcome.reason


def low(n: Order) -> bool:
    """The number is low."""
    return n <= 5


def half(n: Order, after: Order) -> bool:
    """What a contract ensures, which is false unless what it requires is true."""
    return (after <= 2) & (n <= 5)


def halve(n: Order) -> Order:
    """Return half of n."""
    return n >> 1


def call_halve(n: Order) -> Order:
    """Call with any number."""
    return halve(n)


HALVE = Contract("HALVE", halve, (("", half),), requires=(low,))


def test_what_a_contract_requires_is_claimed() -> None:
    """A call that breaks a contract is not proved by what the contract ensures."""
    outcome = decide(Obligation("T", (), "", call_halve, contracts=(HALVE,)), {})
    assert outcome.verdict is not Verdict.PROVED
    assert "halve may be called" in outcome.reason


def test_call_within_a_contract_is_proved() -> None:
    """The same call with what the contract requires is lawful, and what it ensures is known behind it."""
    claims = Obligation("T", (), "", call_halve, given=(low,), contracts=(HALVE,))
    assert decide(claims, {}).verdict is Verdict.PROVED
    assert decide(attrs.evolve(claims, goal=half), {}).verdict is Verdict.PROVED


def nowhere(n: Order) -> bool:
    """A hypothesis that nothing meets."""
    return (n < 3) & (n > 4)


def test_hypotheses_that_contradict_each_other_are_an_error() -> None:
    """What follows from a contradiction is not proved."""
    for given, invariants in (((nowhere,), ()), ((), (bound(nowhere, n="n"),))):
        outcome = decide(Obligation("T", (), "", halve, goal=low, given=given, invariants=invariants), {})
        assert outcome.verdict is Verdict.ERROR
        assert "no path is possible" in outcome.reason


def test_invariant_that_contradicts_itself_is_an_error() -> None:
    """The same for a hypothesis about arbitrary places that the proof needs."""

    def odd(place: Order) -> bool:
        return (place < 3) & (place > 4)

    outcome = decide(Obligation("T", (), "", halve, goal=bound(low, n="after"), invariants=(odd,), also=(halve,)), {})
    assert outcome.verdict is Verdict.ERROR


def high_or_none(n: Order) -> Order:
    """Return a high number, or nought."""
    return n if n > 5 else 0


def test_one_path_of_a_text_that_branches_is_an_error() -> None:
    """Hypotheses under which there is one way through say nothing about the others, unless this was meant."""
    obligation = Obligation("T", (), "", high_or_none, given=(low,))
    assert decide(obligation, {}).verdict is Verdict.ERROR
    assert decide(attrs.evolve(obligation, straight=True), {}).verdict is Verdict.PROVED
    assert decide(attrs.evolve(obligation, given=()), {}).verdict is Verdict.PROVED


def test_obligation_that_claims_nothing_is_an_error() -> None:
    """Where the text makes no claim there is nothing to prove."""
    outcome = decide(Obligation("T", (), "", down_more), {})
    assert outcome.verdict is Verdict.ERROR
    assert "nothing to prove" in outcome.reason


# --- what it rests on ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "changed", "complaint"),
    [
        (
            "BUDDY-FREE-OWNED",
            {"rests_on": tuple(base for base in by_id()["BUDDY-FREE-OWNED"].rests_on if base != "BUDDY-FREE-DEFINED")},
            "no base proves, from the same hypotheses",
        ),
        ("BUDDY-FREE-OWNED", {"rests_on": ("BUDDY-FREE-DEFINED",)}, "ensures BUDDY-GIVE-OWNED"),
        ("BUDDY-GIVE-OWNED", {"rests_on": ("BUDDY-GIVE-DEFINED",)}, "invariant of loop merge"),
        ("BUDDY-FREE-OWNED", {"given": ()}, "no base proves, from the same hypotheses"),
        ("BUDDY-FREE-OWNED", {"rests_on": ("BUDDY-NONE",)}, "is no obligation"),
        ("BUDDY-WITHDRAW-OWNED", {"rests_on": ("BUDDY-WITHDRAW-DEFINED", "BUDDY-SPLIT-STEP")}, "ensures BUDDY-BLOCK-OVER"),
    ],
)
def test_base_that_does_not_cover_is_a_gap(name: str, changed: dict[str, Any], complaint: str) -> None:
    """What an obligation relies on is proved by one that it names, from no stronger hypotheses."""
    known = by_id()
    assert not gap(known[name], known, 1)
    assert complaint in gap(attrs.evolve(known[name], **changed), known, 1)


def test_subjects_are_the_product() -> None:
    """Every obligation is about a function of the law or of the implementation."""
    for obligation in by_id().values():
        assert obligation.subject_function.__module__.split(".")[0] in ("mmspec", "mmimpl")


def test_what_ran_is_recorded() -> None:
    """The functions behind the subject are named because their code ran, and those that a contract stood for are not."""
    ran = decide(by_id()["BUDDY-WITHDRAW-DEFINED"], {}).ran
    assert {"mmspec.physical.buddy.core.withdraw", "mmspec.words.head_of"} <= ran
    assert "mmspec.physical.buddy.core.block_over" not in ran
