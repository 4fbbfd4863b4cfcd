"""Other solvers read the questions that Z3 answered, and are believed when they disagree."""

from __future__ import annotations

import pytest

from mmproofs import smtlib, solve
from mmproofs.obligation import Verdict
from mmproofs.obligations import by_id
from mmproofs.prove_case import Outcome
from mmproofs.smt import Answer, Smt

pytestmark = pytest.mark.needs_prove


@pytest.mark.by_turns(2)
@pytest.mark.parametrize("solver", sorted(smtlib.SECOND))
def test_second_solver_agrees(solver: str) -> None:
    """A division, a shift and a ring are decided alike."""
    for name in ("BUDDY-BITS-ALIGNED", "BUDDY-BITS-HEAD", "BUDDY-RING-REMOVE-LINKED"):
        _, opinions = solve.decide_all(by_id()[name], (solver,))
        assert opinions == {solver: "PROVED"}


@pytest.mark.parametrize("solver", sorted(smtlib.SECOND))
def test_second_solver_sees_what_is_satisfiable(solver: str) -> None:
    """A question with a model is not called unsatisfiable."""
    smt = Smt()
    asked = smt.solver()
    asked.add(smt.bits("x", 8) == smt.value(3, 8))
    assert smtlib.SECOND[solver](smtlib.question(asked.text()), 5) is Answer.SAT


def test_dissent_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a second solver finds a model for what Z3 calls unsatisfiable, nothing is proved."""
    monkeypatch.setitem(smtlib.SECOND, "bitwuzla", lambda text, seconds: Answer.SAT)
    outcome, _ = solve.decide_all(by_id()["BUDDY-BITS-ALIGNED"], ("bitwuzla",))
    assert outcome.verdict.value == "ERROR"


def test_z3_is_not_credited_with_what_bitwuzla_decided() -> None:
    """Where Bitwuzla had to be asked, the record says that Z3 came to no end."""
    outcome = Outcome(Verdict.PROVED, deciders=frozenset({"z3", "bitwuzla"}))
    record = solve.from_outcome(by_id()["BUDDY-BITS-HEAD"], outcome, {})
    assert {s["name"]: s["verdict"] for s in record.solvers} == {"bitwuzla": "PROVED", "z3": "UNKNOWN"}
