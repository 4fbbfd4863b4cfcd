"""Shrinking: what is left of a program is what it takes to fail, and little more."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties import tampered
from tests.properties.tampered import BUDDY, session

from mmprops.clients.wire import Ref
from mmprops.conform import smallest
from mmprops.lockstep import explore, rerun
from mmprops.machine import HEADER, RECORD
from mmprops.program import Program, refs_of
from mmprops.shrink import Budget, first_that, shrink, simpler_operands, simpler_values
from mmspec.physical.buddy.ops import Alloc, Config, Free, FreeCount
from mmspec.profile import Profile

CONFIG = Config(0x103, 0x1FD, 10, holes=((0x120, 0x128),), pageblock_order=4)


def noise(seed: int, steps: int = 120) -> Program:
    """Return a long program of allocations and frees that refer to them."""
    rng = random.Random(seed)
    made: list[tuple[str, Any]] = []
    live: list[tuple[int, int]] = []
    for _ in range(steps):
        if live and rng.random() < 0.45:
            step, order = live.pop(rng.randrange(len(live)))
            made.append(("free", Free(Ref(step), order)))
        else:
            order = rng.randrange(6)
            live.append((len(made), order))
            made.append(("alloc", Alloc(order, rng.randrange(3), rng.choice((0, 0x80)))))
    return Program("buddy", CONFIG, tuple(made))


def freed_orders(program: Program) -> list[int]:
    """Return the orders of the allocations that are freed, in the order of the frees."""
    return [program.steps[step][1].order for _, request in program.steps for step in refs_of(request).values()]


def holds_in_order(wanted: list[int]) -> Callable[[Program], bool]:
    """Return whether allocations of these orders are freed in this order: two steps for each."""

    def fails(program: Program) -> bool:
        found: Iterator[int] = iter(freed_orders(program))
        return all(any(order == want for order in found) for want in wanted)

    return fails


def allocations_then(least: int) -> Callable[[Program], bool]:
    """Return whether ``least`` allocations stand before a free of the first of them: one step more than ``least``."""

    def fails(program: Program) -> bool:
        for index, (_, request) in enumerate(program.steps):
            for step in refs_of(request).values():
                before = sum(name == "alloc" for name, _ in program.steps[step:index])
                if before >= least:
                    return True
        return False

    return fails


NEEDS: list[tuple[str, int, Callable[[Program], bool]]] = [
    ("two allocations and a free", 3, allocations_then(2)),
    ("four allocations and a free", 5, allocations_then(4)),
    ("seven allocations and a free", 8, allocations_then(7)),
    ("two pairs", 4, holds_in_order([2, 4])),
    ("four pairs", 8, holds_in_order([1, 5, 1, 3])),
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("name", "least", "fails"), NEEDS, ids=[name for name, _, _ in NEEDS])
def test_a_program_comes_back_at_most_one_step_longer(name: str, least: int, fails: Callable[[Program], bool], seed: int) -> None:
    """From 120 steps to the known minimum."""
    program = noise(seed)
    assert fails(program)
    assert least <= len(shrink(BUDDY, program, fails).steps) <= least + 1


@given(st.sets(st.integers(0, 99), min_size=1, max_size=6))
def test_single_steps_that_matter_are_all_that_is_left(needed: set[int]) -> None:
    """Steps that nobody refers to: exactly the needed ones stay, in order."""
    program = Program("buddy", Config(0, 64, 4), tuple(("alloc", Alloc(0, flags=k)) for k in range(100)))

    def fails(candidate: Program) -> bool:
        return needed <= {request.flags for _, request in candidate.steps}

    left = shrink(BUDDY, program, fails)
    assert [request.flags for _, request in left.steps] == sorted(needed)


def test_what_is_returned_fails() -> None:
    """Whatever was tried, the answer was seen to fail."""
    seen: list[Program] = []

    def fails(program: Program) -> bool:
        if sum(name == "free" for name, _ in program.steps) % 3 == 1:
            seen.append(program)
            return True
        return False

    program = next(program for seed in range(9) if fails(program := noise(seed)))
    assert shrink(BUDDY, program, fails) in seen


def test_a_program_in_which_nothing_can_be_spared_stays() -> None:
    """The first steps are already the smallest."""
    program = Program("buddy", Config(0, 16, 4), (("alloc", Alloc(0)), ("free", Free(Ref(0), 0))))
    assert shrink(BUDDY, program, lambda candidate: len(candidate.steps) == 2) == program


def test_operands_come_down_to_what_is_needed() -> None:
    """An order to the least that fails, the rest to its default."""
    program = Program("buddy", Config(0, 16, 4), (("alloc", Alloc(9, 2, 0x80)),))
    left = shrink(BUDDY, program, lambda candidate: bool(candidate.steps) and candidate.steps[0][1].order >= 3)
    assert left.steps == (("alloc", Alloc(3)),)


def test_the_configuration_becomes_simpler() -> None:
    """No holes, at frame 0, few frames, where none of that matters."""
    program = noise(0, 10)
    left = shrink(BUDDY, program, lambda candidate: len(candidate.steps) >= 1)
    assert (left.config.start_pfn, left.config.end_pfn, left.config.holes) == (0, 16, ())


def test_what_fills_a_zone_goes_with_the_zone() -> None:
    """A zone that is full fails: neither can be smaller alone."""
    full = Program("buddy", Config(0, 64, 3), (("alloc", Alloc(3)),) * 8)

    def fills(candidate: Program) -> bool:
        return 8 * len(candidate.steps) == candidate.config.end_pfn

    shrunk = shrink(BUDDY, full, fills)
    assert (shrunk.config.end_pfn, len(shrunk.steps)) == (16, 2)


def test_what_the_configuration_is_needed_for_stays() -> None:
    """The holes, if the failure needs them."""
    left = shrink(BUDDY, noise(0, 10), lambda candidate: bool(candidate.config.holes))
    assert left.config.holes == CONFIG.holes
    assert left.steps == ()


def test_only_as_many_programs_are_tried_as_the_budget_allows() -> None:
    """And the last that failed is returned."""
    tried: list[Program] = []

    def fails(program: Program) -> bool:
        tried.append(program)
        return len(program.steps) >= 3

    left = shrink(BUDDY, noise(0), fails, Budget(tries=7))
    assert len(tried) == 7
    assert len(left.steps) >= 3


def test_no_program_is_tried_after_the_time_is_up() -> None:
    """A budget that ended before the first try changes nothing."""
    program = noise(0)
    assert shrink(BUDDY, program, lambda candidate: True, Budget(until=0.0)) == program


def test_a_word_with_a_default_is_tried_at_its_default() -> None:
    """And nothing else; at its default it stays."""
    assert list(simpler_values(2, 1)) == [1]
    assert list(simpler_values(1, 1)) == []


def test_a_word_without_a_default_is_tried_smaller() -> None:
    """Nought, half, one less, each once."""
    assert list(simpler_values(9, attrs.NOTHING)) == [0, 4, 8]
    assert list(simpler_values(1, attrs.NOTHING)) == [0]
    assert list(simpler_values(0, attrs.NOTHING)) == []
    assert list(simpler_values(9, attrs.NOTHING, 4)) == [4, 8]


def test_references_and_requests_without_words_are_left_alone() -> None:
    """There is nothing to lower."""
    program = Program("buddy", Config(0, 16, 4), (("alloc", Alloc(0)), ("free", Free(Ref(0), 0)), ("free_count", FreeCount())))
    assert list(simpler_operands(program)) == []


def test_first_that_goes_on_until_no_candidate_fails() -> None:
    """One candidate after the other, each from the last that failed."""
    program = noise(0, 6)
    left = first_that(program, lambda p: len(p.steps) >= 2, lambda p: iter([p.without({len(p.steps) - 1})]))
    assert len(left.steps) == 2


# --- with a real implementation --------------------------------------------------------------------------------------


class Third(tampered.WrongFrame):
    """Lies from the third allocation on."""

    limit = 2


class Fifth(tampered.WrongFrame):
    """Lies from the fifth allocation on."""

    limit = 4


class Eighth(tampered.WrongFrame):
    """Lies from the eighth allocation on."""

    limit = 7


@pytest.mark.parametrize(("make", "least"), [(Third, 3), (Fifth, 5), (Eighth, 8)])
@pytest.mark.parametrize("seed", range(12))
def test_a_planted_bug_comes_back_at_most_one_step_longer(make: type[tampered.Counting], least: int, seed: int) -> None:
    """From what the generator found, by running the implementation again and again."""
    held = session(make)
    data = random.Random(seed).randbytes(HEADER + 500 * RECORD)
    violation = smallest(BUDDY, held, Profile.KERNEL_6_12, explore(BUDDY, held, Profile.KERNEL_6_12, data))
    assert least <= len(violation.program.steps) <= least + 1
    assert not violation.flaky
    assert rerun(BUDDY, held, Profile.KERNEL_6_12, violation.program).broken == violation.broken


class Once(tampered.WrongFrame):
    """Lies in its first life only."""

    lives = 0

    def __init__(self, config: Any, kernel: str = "6.12") -> None:
        super().__init__(config, kernel)
        type(self).lives += 1

    @property
    def now(self) -> bool:
        """Whether to lie."""
        return self.lives == 1


def test_what_does_not_fail_again_is_reported_as_found_and_flaky() -> None:
    """The program is not shrunk: there is nothing to shrink it by."""
    Once.lives = 0
    held = session(Once)
    found = explore(BUDDY, held, Profile.KERNEL_6_12, random.Random(1).randbytes(HEADER + 50 * RECORD))
    assert found.broken is not None
    violation = smallest(BUDDY, held, Profile.KERNEL_6_12, found)
    assert violation.flaky
    assert violation.program == found.program
