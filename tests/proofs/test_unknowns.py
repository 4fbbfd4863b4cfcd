"""What is unknown in formulas, and words that stand for the answers of unknown functions."""

from __future__ import annotations

import pytest

from mmproofs import smt as z
from mmproofs.smt import Answer, Smt


def answers(smt: Smt, equal: bool) -> list[z.Truth]:
    """Return that an unknown function answers two arguments differently, which are equal or are not."""
    function, left, right, three = smt.function("f#below", [8], 8), smt.bits("a", 8), smt.bits("b", 8), smt.value(3, 8)
    same = z.same(left, right)
    differ = [z.same(function(left), three), z.negate(z.same(function(right), three))]
    return [*differ, same if equal else z.negate(same)]


def as_words(truths: list[z.Truth]) -> list[z.Truth]:
    """Return formulas with a word for each answer, told one after the other."""
    words, unknowns = z.AnswersAsWords(lambda name: name == "f#below"), z.Unknowns()
    plain = [formula for truth in truths for formula in words.put_for([truth], unknowns.among([truth]))]
    assert not any("f#below" in z.text_of(formula) for formula in plain)
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
