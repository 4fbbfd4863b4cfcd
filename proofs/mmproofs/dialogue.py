"""A question that grows round by round, and who is asked: Z3 briefly, Bitwuzla from where Z3 gives up, Z3 at length."""

from __future__ import annotations

import time

from mmproofs import bitwuzla, smtlib
from mmproofs import smt as z
from mmproofs.lift import counting

FIRST_RLIMIT = 1_500_000
"""Effort of Z3 before Bitwuzla is asked, where that is installed: half a second."""


class Dialogue:
    """What was asked about one claim, and what came of it.

    Where the claim is ``hard``, Z3 is known to give up, and is not asked first.
    """

    def __init__(self, smt: z.Smt, unknowns: z.Unknowns, rlimit: int, deadline: float, hard: bool = False) -> None:
        self._smt, self._unknowns, self._most, self._deadline = smt, unknowns, rlimit, deadline
        self._hard = hard and smtlib.installed("bitwuzla")
        self._told: dict[int, z.Truth] = {}
        self._growing: bitwuzla.Growing | None = None
        self._words = z.AnswersAsWords(counting.is_count)
        self.rlimit = 0
        """The resources that Z3 has used."""
        self.deciders: set[str] = set()
        self.refuted: list[z.Truth] = []
        """What was answered "unsat"."""
        self.why = ""
        """Why the last answer was "unknown"."""

    def check(self, demanded: list[z.Truth], bare: bool = False) -> tuple[z.Answer, z.Model | None]:
        """Decide, and return the model of what is SAT; one that is asked for ``bare`` may come without."""
        answer, solver = z.Answer.UNKNOWN, None
        if not self._continues(demanded) and not self._hard:
            answer, solver = self._z3(demanded, FIRST_RLIMIT)
        if answer is z.Answer.UNKNOWN and smtlib.installed("bitwuzla"):
            found = self._bitwuzla(demanded)
            if found is z.Answer.UNSAT:
                self.refuted = demanded
            if found is z.Answer.UNSAT or (found is z.Answer.SAT and bare):
                return found, None
            if found is z.Answer.SAT:  # Z3 reads the model, and so checks it
                answer, solver = self._z3([*demanded, *self._known(demanded)], FIRST_RLIMIT)
                answer = z.Answer.UNKNOWN if answer is z.Answer.UNSAT else answer
        if answer is z.Answer.UNKNOWN:
            answer, solver = self._z3(demanded, self._most)
        assert solver is not None
        if answer is z.Answer.UNSAT:
            self.refuted = demanded
        if answer is z.Answer.UNKNOWN:
            self.why = f"z3: {solver.why_unknown()}"
        return answer, solver.model() if answer is z.Answer.SAT else None

    def _left(self) -> float:
        return max(0.001, self._deadline - time.monotonic())

    def _continues(self, demanded: list[z.Truth]) -> bool:
        """Tell whether Bitwuzla knows some of it, and nothing else: Z3 has given up on that, and would again."""
        asked = {z.identity(formula) for formula in demanded}
        if self._growing is None or not self._told.keys() <= asked:
            self._growing = None
            return False
        return True

    def _z3(self, demanded: list[z.Truth], rlimit: int) -> tuple[z.Answer, z.Solver]:
        solver = self._smt.solver(rlimit, int(self._left() * 1000), z.LOGIC)
        solver.add(*demanded)
        answer = solver.check()
        self.rlimit += solver.rlimit_used()
        self.deciders.add("z3")
        return answer, solver

    def _bitwuzla(self, demanded: list[z.Truth]) -> z.Answer:
        if self._growing is None:
            self._growing, self._told, self._words = bitwuzla.Growing(), {}, z.AnswersAsWords(counting.is_count)
        new = [formula for formula in demanded if z.identity(formula) not in self._told]
        self._told.update((z.identity(formula), formula) for formula in new)
        self._growing.tell(self._text(new, self._words))
        self.deciders.add("bitwuzla")
        return self._growing.check(self._left())

    def _text(self, formulas: list[z.Truth], words: z.AnswersAsWords) -> str:
        """Return formulas as SMT-LIB, with words for unknown counts: most have none, and looking for them takes long."""
        text = self._smt.text(formulas)
        if not any(counting.is_count(name) for name in bitwuzla.declared(text)):
            return text
        return self._smt.text(words.put_for(formulas, self._unknowns.among(formulas)))

    def text(self) -> str:
        """Return the question that was answered "unsat", as SMT-LIB."""
        return smtlib.question(self._text(self.refuted, z.AnswersAsWords(counting.is_count)))

    def _known(self, demanded: list[z.Truth]) -> list[z.Truth]:
        """Return what Bitwuzla's model says of everything unknown."""
        assert self._growing is not None
        unknowns = self._unknowns.among(demanded)
        values = self._growing.values([self._words.instead_of(term) for term in unknowns])
        return [z.is_value(term, value) for term, value in zip(unknowns, values, strict=True) if value is not None]
