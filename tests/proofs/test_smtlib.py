"""What other solvers are handed, and for how long they search."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from mmproofs import smt as z
from mmproofs import smtlib
from mmproofs.smt import Answer, Smt


def attempts(monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> list[tuple[tuple[str, ...], float]]:
    """Let Bitwuzla answer so, in turn; return what it is asked: what is left out, and the seconds that it may take."""
    asked, left = [], list(answers)

    def attempt(text: str, terms: Any, left_out: tuple[str, ...], seconds: float) -> tuple[Answer, list[Any]]:
        asked.append((left_out, seconds))
        return left.pop(0), []

    monkeypatch.setattr(smtlib, "_attempt", attempt)
    return asked


def test_a_search_that_comes_to_no_end_is_left_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way is tried until one answers, and no other after it."""
    asked = attempts(monkeypatch, Answer.UNKNOWN, Answer.UNSAT)
    assert smtlib.bitwuzla("", 900.0) is Answer.UNSAT
    assert [left_out for left_out, _ in asked] == [left_out for left_out, _ in smtlib.ATTEMPTS[:2]]


def test_where_no_way_comes_to_an_end_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way that there is time for is tried, and the answer is UNKNOWN."""
    asked = attempts(monkeypatch, *[Answer.UNKNOWN] * len(smtlib.ATTEMPTS))
    assert smtlib.bitwuzla("", 900.0) is Answer.UNKNOWN
    assert len(asked) == len(smtlib.ATTEMPTS)


def test_no_way_is_given_more_time_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seconds of an obligation bound each search."""
    asked = attempts(monkeypatch, *[Answer.UNKNOWN] * len(smtlib.ATTEMPTS))
    smtlib.bitwuzla("", 3.0)
    assert asked
    assert all(0 < seconds <= 3.0 for _, seconds in asked)


@pytest.mark.needs_prove
def test_what_is_left_out_is_something_that_bitwuzla_has() -> None:
    """Each name is an option of the version that is installed."""
    options = importlib.import_module("bitwuzla").Option
    assert all(hasattr(options, name) for left_out, _ in smtlib.ATTEMPTS for name in left_out)


# --- unknowns, and answers as words -------------------------------------------------------------------------------------


def answers(smt: Smt, equal: bool) -> list[z.Truth]:
    """Return that an unknown function answers two arguments differently, which are equal or are not."""
    function, left, right = smt.function("f#below", [8], 8), smt.bits("a", 8), smt.bits("b", 8)
    same = z.same(left, right)
    return [z.negate(z.same(function(left), function(right))), same if equal else z.negate(same)]


def as_words(truths: list[z.Truth]) -> list[z.Truth]:
    """Return formulas with a word for each answer."""
    plain, pairs = z.answers_as_words(truths, z.Unknowns().among(truths), lambda name: name == "f#below")
    assert len(pairs) == 2
    return plain


@pytest.mark.parametrize("equal", [True, False])
def test_words_for_answers_say_what_the_function_does(equal: bool) -> None:
    """Equal arguments have equal answers; others may have any."""
    smt = Smt()
    solver = smt.solver()
    solver.add(*as_words(answers(smt, equal)))
    assert solver.check() is (Answer.UNSAT if equal else Answer.SAT)


def test_unknowns_are_words_truths_and_answers() -> None:
    """A model gives values to these, and to nothing else."""
    smt = Smt()
    unknowns = z.Unknowns()
    found = {z.text_of(term) for term in unknowns.among([*answers(smt, equal=True), smt.truth("t")])}
    assert found == {"a", "b", "t", "(|f#below| a)", "(|f#below| b)"}


def test_unknowns_of_a_question_are_those_of_its_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    """A term that was looked through for one question is not looked through for the next, which has no other's unknowns."""
    smt, unknowns = Smt(), z.Unknowns()
    first, second = z.same(smt.bits("a", 8), smt.bits("b", 8)), z.same(smt.bits("b", 8), smt.bits("c", 8))
    unknowns.among([first, second])
    monkeypatch.setattr(z, "unknowns_in", lambda term: pytest.fail("looked through again"))
    assert {z.text_of(term) for term in unknowns.among([second])} == {"b", "c"}
