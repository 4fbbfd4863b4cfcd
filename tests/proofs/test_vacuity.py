"""A proof from hypotheses that contradict each other proves nothing: the same hypotheses must not prove what is false."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Verdict
from mmproofs.obligations import by_id
from mmproofs.prove_case import decide
from mmspec.loop import Loop
from mmspec.physical.buddy import core
from mmspec.pmap import PMap
from mmspec.words import Order, Pfn

WITH_GOAL = [
    "BUDDY-FREE-OWNED", "BUDDY-FREE-COUNTED", "BUDDY-ALLOC-OWNED", "BUDDY-ALLOC-COUNTED",
    "BUDDY-TAKE-COUNTED", "BUDDY-PUTBACK-MERGED", "BUDDY-ALLOC-LAWFUL", "BUDDY-BITS-HALVES", "BUDDY-BITS-OVERLAP",
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
def test_wrong_step_is_not_proved(name: str, part: str, wrong: Any) -> None:
    """A loop with one function replaced does not keep the invariant, or does not end."""
    obligation = by_id()[name]
    assert isinstance(obligation.subject, LoopInvariant)
    loop = obligation.subject.loop
    parts = {"head": loop.head, "step": loop.step, "measure": loop.measure, part: wrong}
    subject = LoopInvariant(Loop(loop.name, parts["head"], parts["step"], parts["measure"]), obligation.subject.holds)
    assert decide(attrs.evolve(obligation, subject=subject), {}).verdict is Verdict.UNKNOWN
