"""Counting in ranges of any length: what is true of every count is proved, what is not is refuted, and no more is assumed."""

from __future__ import annotations

import random
from itertools import product
from typing import Annotated, Any

import pytest

from mmproofs import smt as z
from mmproofs.lift.counting import Block, Property, Range, equal_sums, first_difference, first_with, first_without
from mmproofs.lift.records import unknown
from mmproofs.lift.run import Limits, Run, walking
from mmproofs.lift.words import truth_of
from mmproofs.obligation import Obligation, Verdict
from mmproofs.prove_case import decide
from mmspec.pmap import PMap, pmap
from mmspec.words import Order, Pfn, PfnEnd, Word

Marks = PMap[Pfn, Order]


def is_marked(place: Pfn, marks: PMap[Pfn, Order]) -> bool:
    """Is marked."""
    return marks.get(place, 0) == 1


MARKED = Property("marked", is_marked)

# --- goals ---------------------------------------------------------------------------------------------------------------


def mark(marks: PMap[Pfn, Order], key: Pfn, low: Pfn, high: PfnEnd) -> PMap[Pfn, Order]:
    """Mark one place."""
    return marks.set(key, 1)


def mark_next_too(marks: PMap[Pfn, Order], key: Pfn, low: Pfn, high: PfnEnd) -> PMap[Pfn, Order]:
    """Mark one place and its neighbour."""
    return marks.set(key, 1).set(key ^ 1, 1)


def unmarked_inside(marks: PMap[Pfn, Order], key: Pfn, low: Pfn, high: PfnEnd) -> bool:
    """The place is unmarked and in the range."""
    return (marks.get(key, 0) == 0) & (low <= key) & (key < high)


def pair_inside(marks: PMap[Pfn, Order], key: Pfn, low: Pfn, high: PfnEnd) -> bool:
    """The place and its neighbour are unmarked and in the range."""
    return unmarked_inside(marks, key, low, high) & unmarked_inside(marks, key ^ 1, low, high)


def in_order(low: Pfn, key: Pfn, high: PfnEnd) -> bool:
    """The places ascend."""
    return (low <= key) & (key <= high)


def small(high: PfnEnd) -> bool:
    """The range can be listed."""
    return high <= 16


def one_more(marks: PMap[Pfn, Order], low: Pfn, high: PfnEnd, after: PMap[Pfn, Order]) -> bool:
    """One more place of the range is marked."""
    return equal_sums((MARKED.of(after).between(low, high),), (MARKED.of(marks).between(low, high), 1))


def same_before(marks: PMap[Pfn, Order], after: PMap[Pfn, Order], key: Pfn, low: Pfn) -> bool:
    """Before the place as many are marked."""
    first_difference(MARKED.of(marks), MARKED.of(after), Range(low, key))
    return Range(low, key).proper() & equal_sums((MARKED.of(marks).between(low, key),), (MARKED.of(after).between(low, key),))


def same_behind(marks: PMap[Pfn, Order], after: PMap[Pfn, Order], key: Pfn, high: PfnEnd) -> bool:
    """Behind the place as many are marked."""
    first_difference(MARKED.of(marks), MARKED.of(after), Range(key + 1, high))
    return Range(key + 1, high).proper() & equal_sums(
        (MARKED.of(marks).between(key + 1, high),), (MARKED.of(after).between(key + 1, high),)
    )


def goes_up(low: Pfn, high: PfnEnd) -> bool:
    """The range ends behind its start."""
    return Range(low, high).proper()


def only_then(marks: PMap[Pfn, Order], after: PMap[Pfn, Order], key: Pfn) -> bool:
    """The place is marked afterwards only."""
    first_with(MARKED.of(marks), Block(key, 0))
    first_without(MARKED.of(after), Block(key, 0))
    return equal_sums((MARKED.of(marks).inside(key, 0),), ()) & equal_sums((MARKED.of(after).inside(key, 0),), (1,))


def proved(subject: Any, goal: Any, *also: Any, given: Any = unmarked_inside) -> Verdict:
    """Return the verdict on a goal."""
    obligation = Obligation("TEST", (), "", subject, goal, given=(given,), also=also, straight=True, small=small)
    return decide(obligation, {}).verdict


def test_a_place_that_is_marked_counts_once() -> None:
    """The count of a range of any length rises by one where one place of it is marked."""
    assert proved(mark, one_more, goes_up, same_before, same_behind, only_then) is Verdict.PROVED


def test_two_places_count_twice() -> None:
    """With two places of the range marked the same goal has a counterexample, which the real function shows."""
    assert proved(mark_next_too, one_more, given=pair_inside) is Verdict.REFUTED


def test_a_false_lemma_is_not_relied_on() -> None:
    """A lemma that does not hold is what fails."""
    assert proved(mark_next_too, one_more, goes_up, same_before, same_behind, only_then) in (Verdict.REFUTED, Verdict.UNKNOWN)


def adds_up(marks: PMap[Pfn, Order], low: Pfn, key: Pfn, high: PfnEnd) -> bool:
    """Neighbouring ranges add up."""
    mine = MARKED.of(marks)
    return mine.between(low, key) + mine.between(key, high) == mine.between(low, high)


def at_most_all(marks: PMap[Pfn, Order], low: Pfn, high: PfnEnd) -> bool:
    """No more places are counted than there are."""
    return MARKED.of(marks).between(low, high) <= high - low


def not_all(marks: PMap[Pfn, Order], low: Pfn, high: PfnEnd) -> bool:
    """Some place is not counted."""
    return (low == high) | (MARKED.of(marks).between(low, high) < high - low)


def not_none(marks: PMap[Pfn, Order], low: Pfn, high: PfnEnd) -> bool:
    """Some place is counted."""
    return (low == high) | (MARKED.of(marks).between(low, high) > 0)


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [(adds_up, Verdict.PROVED), (at_most_all, Verdict.PROVED), (not_all, Verdict.UNKNOWN), (not_none, Verdict.REFUTED)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_said_of_a_count(goal: Any, verdict: Verdict) -> None:
    """What is true of every count is proved, and what is not is not; whether that is shown depends on what a replay marks."""
    assert proved(mark, goal, given=in_order) is verdict


# --- nothing is assumed that a real count breaks ---------------------------------------------------------------------------

Spot = Annotated[int, Word("spot", bits=8, lo=0, hi=7)]
Bit = Annotated[int, Word("bit", bits=8, lo=0, hi=1)]
End = Annotated[int, Word("end", bits=8, lo=0, hi=10)]
Log = Annotated[int, Word("log", bits=8, lo=0, hi=2)]


def is_set(place: Spot, bits: PMap[Spot, Bit]) -> bool:
    """Is set."""
    return bits.get(place, 0) == 1


SET = Property("set", is_set)


@pytest.mark.by_turns(3)
@pytest.mark.parametrize("seed", range(6))
def test_real_counts_fulfil_all_that_is_noted(seed: int) -> None:
    """For maps and ranges of all kinds, the real counts are a model of every truth that is noted on the way."""
    chance = random.Random(seed)
    one, other = (chance.choice((0, 255, chance.randrange(256))) for _ in range(2))
    smt = z.Smt()
    with walking(Run(smt, (), Limits())) as run:
        maps = [unknown(PMap[Spot, Bit], name) for name in ("one", "other")]
        start, end, log = unknown(End, "start"), unknown(End, "end"), unknown(Log, "log")
        mine, theirs = SET.of(maps[0]), SET.of(maps[1])
        for places in (Range(start, end), Block(start, log)):
            mine.between(*places.limits)
            first_with(mine, places)
            first_without(mine, places)
            first_difference(mine, theirs, places)
        mine.inside(start, log)
        facts = list(run.facts.values())
        real = list[z.Truth]()
        for symbolic, content in zip(maps, (one, other), strict=True):
            for spot in range(8):
                bit = content >> spot & 1
                real.append(symbolic.base.has(spot) if bit else z.negate(symbolic.base.has(spot)))
                real.append(z.implies(symbolic.base.has(spot), truth_of(symbolic.base.at(spot) == 1)))
            for limit in range(16):
                below = SET.of(symbolic)._below(smt.value(limit, 64))
                real.append(z.same(below, smt.value(bin(content & ((1 << limit) - 1)).count("1"), 64)))
        for first, second, k in product(range(11), range(11), range(3)):
            solver = smt.solver()
            solver.add(*facts, *real, truth_of(start == first), truth_of(end == second), truth_of(log == k))
            assert solver.check() is z.Answer.SAT, (one, other, first, second, k)


def test_a_concrete_count_counts() -> None:
    """Outside of a proof the functions look."""
    marks = pmap({3: 1, 4: 1, 6: 2, 9: 1})
    mine = MARKED.of(marks)
    assert (mine.between(0, 10), mine.between(4, 9), mine.between(9, 4), mine.inside(4, 2)) == (3, 1, 0, 1)
    assert first_with(mine, Range(5, 12)) == 9
    assert first_without(mine, Range(3, 12)) == 5
    assert first_difference(mine, MARKED.of(marks.set(7, 1)), Range(0, 12)) == 7


# --- what cannot be counted ------------------------------------------------------------------------------------------------


def branches(place: Pfn, marks: PMap[Pfn, Order]) -> bool:
    """Branches."""
    return marks.get(place, 0) == 1 and marks.get(place ^ 1, 0) == 1


def must_be_there(place: Pfn, marks: PMap[Pfn, Order]) -> bool:
    """Must be there."""
    return marks[place] == 1


def no_place(place: int, marks: PMap[Pfn, Order]) -> bool:
    """No place."""
    return marks.get(place, 0) == 1


def of_truths(place: Pfn, marks: bool) -> bool:
    """Of truths."""
    return marks


@pytest.mark.parametrize("holds", [branches, must_be_there, no_place, of_truths], ids=lambda f: f.__name__)
def test_what_is_no_property_is_an_error(holds: Any) -> None:
    """A property is one truth of a declared word, in terms of words and maps: anything else is an ERROR with a lesson."""

    def goal(marks: PMap[Pfn, Order], low: Pfn, high: PfnEnd) -> bool:
        counted = Property("odd", holds).of(marks)
        first_with(counted, Range(low, high))
        return counted.between(low, high) >= 0

    outcome = decide(Obligation("TEST", (), "", mark, goal, straight=True), {})
    assert outcome.verdict is Verdict.ERROR
    assert len(outcome.reason) > 20


def below_nothing(marks: PMap[Pfn, Order], low: Pfn, high: PfnEnd) -> bool:
    """A range that may begin below 0."""
    return MARKED.of(marks).between(low - 1, high) >= 0


def test_a_range_below_zero_is_an_error() -> None:
    """The ends of a range are natural words."""
    assert decide(Obligation("TEST", (), "", mark, below_nothing, straight=True), {}).verdict is Verdict.ERROR
