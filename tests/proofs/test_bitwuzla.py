"""A question to Bitwuzla grows, and is tried in more ways than one."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import pytest

from mmproofs import bitwuzla
from mmproofs.smt import Answer, Smt, Truth, below

pytestmark = pytest.mark.needs_prove


class Asked:
    """Formulas about one word, each told by itself as Z3 prints it."""

    def __init__(self) -> None:
        self.smt, self.growing = Smt(), bitwuzla.Growing()
        self.word = self.smt.bits("a word", 8)

    def tell(self, *truths: Truth) -> None:
        solver = self.smt.solver()
        solver.add(*truths)
        self.growing.tell(solver.text())

    def above(self, number: int) -> Truth:
        return below(self.smt.value(number, 8), self.word, signed=False, or_equal=False)


def test_a_question_grows() -> None:
    """What was told stands beside what is told later, which declares the same names once more."""
    asked = Asked()
    asked.tell(asked.above(252))
    asked.tell(asked.above(253))
    assert asked.growing.check(60.0) is Answer.SAT
    assert asked.growing.values([asked.word, asked.above(253), asked.smt.bits("another", 8)]) in (
        [254, True, None],
        [255, True, None],
    )
    asked.tell(asked.above(254))
    assert asked.growing.check(60.0) is Answer.SAT
    assert asked.growing.values([asked.word]) == [255]
    asked.tell(asked.word != 255)
    assert asked.growing.check(60.0) is Answer.UNSAT


def test_names_that_are_declared() -> None:
    """A name is known without the quotes in which it stands, whatever is in it."""
    asked = Asked()
    count = asked.smt.function("free#below", [8, 8], 8)
    solver = asked.smt.solver()
    solver.add(count(asked.word, asked.word) == asked.smt.bits("plain", 8))
    assert sorted(bitwuzla.declared(solver.text())) == ["a word", "free#below", "plain"]


def test_words_that_it_does_not_know_leave_it_unknown() -> None:
    """A sort that Bitwuzla lacks is no answer, now and later."""
    growing = bitwuzla.Growing()
    growing.tell("(declare-fun number () Int)\n(assert (< number number))")
    assert growing.check(600.0) is Answer.UNKNOWN
    growing.tell("(assert false)")
    assert growing.check(600.0) is Answer.UNKNOWN


Turn = tuple[tuple[str, ...], float]


def turns(monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> list[Turn]:
    """Let the ways answer so, in turn, while time goes by as they are given it; return who is asked, for how many seconds."""
    now, left, taken = [0.0], list(answers), list[Turn]()

    class Way:
        def __init__(self, left_out: Sequence[str]) -> None:
            self.left_out, self.lost = tuple(left_out), False

        def check(self, told: Sequence[str], until: float) -> Answer:
            taken.append((self.left_out, until - now[0]))
            now[0] = until
            return left.pop(0) if left else Answer.UNKNOWN

    monkeypatch.setattr(bitwuzla, "_Way", Way)
    monkeypatch.setattr(bitwuzla.time, "monotonic", lambda: now[0])
    return taken


def test_a_search_that_comes_to_no_end_is_left_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way is asked until one answers, and no other after it."""
    taken = turns(monkeypatch, Answer.UNKNOWN, Answer.UNSAT)
    assert bitwuzla.ask("", 900.0) is Answer.UNSAT
    assert taken == [(bitwuzla.RAW, 1.0), ((), 0.5)]


def test_turns_get_longer_and_end_with_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way goes on where it was, for longer, and none beyond the seconds that there are."""
    taken = turns(monkeypatch)
    assert bitwuzla.ask("", 10.0) is Answer.UNKNOWN
    assert taken == [(bitwuzla.RAW, 1.0), ((), 0.5), (bitwuzla.RAW, 4.0), ((), 2.0), (bitwuzla.RAW, 2.5), ((), 0.0)]


def test_what_is_left_out_is_something_that_bitwuzla_has() -> None:
    """Each name is an option of the version that is installed."""
    options = importlib.import_module("bitwuzla").Option
    assert all(hasattr(options, name) for name in bitwuzla.RAW)
