"""Who is asked about a question that grows, and who checks the answer."""

from __future__ import annotations

import time

import pytest

from mmproofs import bitwuzla, dialogue
from mmproofs.dialogue import Dialogue
from mmproofs.smt import Answer, Smt, Unknowns, negate


class Talk:
    """A dialogue about one word."""

    def __init__(self) -> None:
        self.smt = Smt()
        self.word = self.smt.bits("a", 8)
        self.dialogue = Dialogue(self.smt, Unknowns(), 10_000_000, time.monotonic() + 600)


def test_z3_alone_decides_what_is_easy() -> None:
    """A question that takes it no effort goes to nobody else."""
    talk = Talk()
    answer, model = talk.dialogue.check([talk.word == 3])
    assert answer is Answer.SAT
    assert model is not None
    assert model.number(talk.word) == 3
    assert talk.dialogue.check([talk.word == 3, talk.word == 4]) == (Answer.UNSAT, None)
    assert talk.dialogue.deciders == {"z3"}
    assert "(check-sat)" in talk.dialogue.text()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Bitwuzla is told, where Z3 gives up at once on what it has to think about."""
    monkeypatch.setattr(dialogue, "FIRST_RLIMIT", 1)
    found, tell = list[str](), bitwuzla.Growing.tell

    def listen(self: bitwuzla.Growing, text: str) -> None:
        found.append(text)
        tell(self, text)

    monkeypatch.setattr(bitwuzla.Growing, "tell", listen)
    return found


HARD = 97 * 89


def hard(talk: Talk) -> list[object]:
    """A product that has one pair of factors, of which Z3 must think."""
    left, right = talk.smt.bits("left", 16), talk.smt.bits("right", 16)
    return [left * right == HARD, left > 1, right > 1, left < 200, right < 200]


@pytest.mark.needs_prove
def test_bitwuzla_is_told_what_is_new(told: list[str]) -> None:
    """It goes on from what it knows; Z3 is handed the model and checks it."""
    talk = Talk()
    first = hard(talk)
    answer, model = talk.dialogue.check(first)
    assert answer is Answer.SAT
    assert model is not None
    assert model.number(talk.smt.bits("left", 16)) * model.number(talk.smt.bits("right", 16)) == HARD
    further = talk.smt.bits("left", 16) == 90
    assert talk.dialogue.check([*first, further])[0] is Answer.UNSAT
    assert talk.dialogue.deciders == {"z3", "bitwuzla"}
    assert len(told) == 2
    assert "bvmul" in told[0]
    assert "bvmul" not in told[1]
    assert bitwuzla.ask(talk.dialogue.text(), 60.0) is Answer.UNSAT


@pytest.mark.needs_prove
def test_a_question_without_what_was_told_is_another(told: list[str]) -> None:
    """What is demanded no more must not be assumed."""
    talk = Talk()
    first = hard(talk)
    assert talk.dialogue.check([*first, talk.smt.bits("left", 16) == 90])[0] is Answer.UNSAT
    assert talk.dialogue.check(first)[0] is Answer.SAT
    assert "bvmul" in told[1]


@pytest.mark.needs_prove
def test_a_bare_answer_comes_without_a_model(told: list[str]) -> None:
    """Where only the answer is of use nobody reads the values."""
    talk = Talk()
    assert talk.dialogue.check(hard(talk), bare=True) == (Answer.SAT, None)


@pytest.mark.needs_prove
def test_a_model_that_is_wrong_is_not_believed(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Z3 has the last word on what is SAT."""
    talk = Talk()
    monkeypatch.setattr(bitwuzla.Growing, "check", lambda self, seconds: Answer.SAT)
    monkeypatch.setattr(bitwuzla.Growing, "values", lambda self, terms: [7] * len(terms))
    assert talk.dialogue.check([*hard(talk), talk.smt.bits("left", 16) == 90])[0] is Answer.UNSAT
    answer, model = talk.dialogue.check([negate(talk.word == 7)])
    assert answer is Answer.SAT
    assert model is not None
    assert model.number(talk.word) != 7
