"""Invariants: they hold on every history, and each can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from tests.spec.model import OPERATIONS, Model, broken, made

from mmprops.conform import own_session
from mmprops.lockstep import explore
from mmprops.machines import machine_named
from mmprops.testing import programs
from mmspec import linked
from mmspec.physical.buddy import BUDDY, lists
from mmspec.physical.buddy.ops import CMA, MOVABLE, UNMOVABLE, Config
from mmspec.profile import profile_named

MACHINE = machine_named("buddy")
TINY = Config(3, 61, 4, ((20, 22),), 2)


@pytest.mark.parametrize("profile", ["linux", "kernel-6.1"])
@given(data=programs(60))
def test_every_invariant_holds_throughout_a_history(profile: str, data: bytes) -> None:
    """Programs of the generator, on a tiny zone with holes, carried out as each kernel does."""
    held_to = profile_named(profile)
    outcome = explore(MACHINE, own_session(MACHINE, "spec", held_to), held_to, data, TINY)
    assert outcome.broken is None
    model = Model(TINY, held_to.kernel or "6.12")
    for step, (_, request, _) in enumerate(outcome.made):
        model.ask(request)
        if step % 8 == 7 or step + 1 == len(outcome.made):
            assert broken(model.zone, model.lists) == [], f"after step {step}, {request}"


def state() -> Model:
    """Return a small zone with blocks of several types and orders."""
    return made(
        Config(0, 32, 4, pageblock_order=2),
        {(MOVABLE, 2): [0, 20], (MOVABLE, 0): [9, 11], (UNMOVABLE, 1): [12], (CMA, 2): [4]},
        held={8: 0, 10: 0, 14: 1, 16: 2, 24: 3},
    )


def with_zone(**changes: Callable[[Any], Any]) -> Callable[[Model], None]:
    """Return what changes fields of the zone."""

    def change(model: Model) -> None:
        for name, make in changes.items():
            model.zone = attrs.evolve(model.zone, **{name: make(getattr(model.zone, name))})

    return change


def with_lists(**changes: Callable[[Any], Any]) -> Callable[[Model], None]:
    """Return what changes fields of the lists."""

    def change(model: Model) -> None:
        for name, make in changes.items():
            model.lists = attrs.evolve(model.lists, **{name: make(getattr(model.lists, name))})

    return change


def swap(links: linked.Links) -> linked.Links:
    """Return rings in which one block points back at the wrong neighbour."""
    return attrs.evolve(links, prev=links.prev.set(11, 20))


def cut(links: linked.Links) -> linked.Links:
    """Return rings in which a list ends before its last block."""
    head = linked.list_head(2 | MOVABLE << 4)
    return linked.Links(links.next.set(0, head), links.prev.set(head, 0))


def relisted(model: Model) -> None:
    """Put a MOVABLE block on the list of another type."""
    model.lists = lists.enlist(lists.delist(model.lists, 9), 9, 0, UNMOVABLE, True)


def apart(model: Model) -> None:
    """List two halves of a pageblock one by one."""
    model.lists = lists.enlist(lists.enlist(lists.delist(model.lists, 0), 0, 1, MOVABLE, True), 2, 1, MOVABLE, True)


def unaligned(model: Model) -> None:
    """List a block at a frame where none of its order can be."""
    model.lists = lists.enlist(lists.delist(model.lists, 9), 9, 1, MOVABLE, True)


FAULTS: list[tuple[str, Callable[[Model], None]]] = [
    ("owned_once", with_zone(allocated=lambda m: m.set(0, 0))),
    ("owned_once", with_zone(allocated=lambda m: m.delete(8))),
    ("owned_once", with_zone(free=lambda m: m.set(32, 0))),
    ("free_placed", with_zone(free=lambda m: m.delete(12).set(13, 1))),
    ("free_placed", with_zone(free=lambda m: m.set(16, 5))),
    ("allocated_placed", with_zone(allocated=lambda m: m.delete(14).set(15, 1))),
    ("allocated_placed", with_zone(allocated=lambda m: m.set(30, 2))),
    ("merged", with_zone(free=lambda m: m.delete(0).set(0, 2).set(4, 2))),
    ("counted", with_zone(frames=lambda m: m.set(0, m[0] + 1))),
    ("counted", with_zone(pageblock=lambda m: m.delete(1))),
    ("covered", lambda m: setattr(m, "lists", lists.delist(m.lists, 9))),
    ("covered", lambda m: setattr(m, "lists", lists.enlist(m.lists, 8, 0, MOVABLE, True))),
    ("listed_aligned", unaligned),
    ("listed_by_type", relisted),
    ("listed_merged", apart),
    ("same_kind", with_lists(types=lambda m: m.set(1, MOVABLE))),
    ("same_kind", with_zone(pageblock=lambda m: m.set(3, CMA))),
    ("linked_both_ways", with_lists(links=swap)),
    ("ringed", with_lists(links=cut)),
]


@pytest.mark.parametrize(("name", "fault"), FAULTS)
def test_an_invariant_fails_on_a_state_that_breaks_it(name: str, fault: Callable[[Model], None]) -> None:
    """The state was right before the fault, and this invariant is among those that see it."""
    model = state()
    assert broken(model.zone, model.lists) == []
    fault(model)
    assert name in broken(model.zone, model.lists)


def test_every_invariant_is_broken_above() -> None:
    """None is there that could not fail."""
    assert {name for name, _ in FAULTS} == {invariant.holds.__name__ for invariant in BUDDY.invariants}


def test_6_1_may_list_a_block_by_its_thief_s_type() -> None:
    """What 6.12 never does is lawful there."""
    model = made(Config(0, 32, 4, pageblock_order=2), {(MOVABLE, 0): [9]}, kernel="6.1")
    relisted(model)
    assert broken(model.zone, model.lists) == []


def test_an_operation_has_one_request() -> None:
    """Requests are told apart by their records."""
    assert len(OPERATIONS) == len(BUDDY.operations)
