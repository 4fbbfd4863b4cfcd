"""Whether the claims of one path follow: instances of the hypotheses are added as counterexamples call for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice, product
from typing import TYPE_CHECKING, Any

import attrs

from mmproofs import replay
from mmproofs import smt as z
from mmproofs.dialogue import Dialogue
from mmproofs.lift.run import CHANGED, FURTHER, READ, Claim, Path, Touched
from mmproofs.lift.schema import Schema
from mmproofs.obligation import Verdict

if TYPE_CHECKING:
    from mmproofs.prove_case import Case

ROUNDS = 60
"""Most rounds of instantiation for one path."""

AT_ONCE = 30
"""Most hypotheses added in one round."""


@attrs.frozen
class Outcome:
    """What became of one case."""

    verdict: Verdict
    reason: str = ""
    paths: int = 0
    instances: int = 0
    hypotheses: frozenset[str] = frozenset()
    clauses: frozenset[str] = frozenset()
    ran: frozenset[str] = frozenset()
    """The functions of the law and the implementation that the subject's paths went through."""
    relied: int = 0
    """How many claims of the subject's text were relied on."""
    rlimit: int = 0
    seconds: float = 0.0
    counterexample: dict[str, Any] | None = None
    deciders: frozenset[str] = frozenset()
    texts: tuple[Callable[[], str], ...] = ()
    """What gives the questions that were answered "unsat", as SMT-LIB."""

    def joined(self, later: Outcome, clauses: frozenset[str], seconds: float) -> Outcome:
        """Return this outcome with a further path's; ``seconds`` is the time of all of them."""
        return attrs.evolve(
            later,
            paths=self.paths + later.paths,
            instances=self.instances + later.instances,
            hypotheses=self.hypotheses | later.hypotheses,
            clauses=self.clauses | later.clauses | clauses,
            ran=self.ran | later.ran,
            relied=self.relied + later.relied,
            rlimit=self.rlimit + later.rlimit,
            seconds=seconds,
            deciders=self.deciders | later.deciders,
            texts=(*self.texts, *later.texts),
        )


class Question:
    """Whether the claims of one path follow from the hypotheses."""

    def __init__(self, case: Case, path: Path, schemas: list[Schema], seconds: float) -> None:
        self.case, self.path, self.schemas = case, path, schemas
        self.claims: list[Claim] = []
        self.deadline = time.monotonic() + seconds
        self.added: dict[tuple[int, tuple[int, ...]], z.Truth] = {}
        self.formulas: dict[tuple[int, tuple[int, ...]], tuple[z.Truth, int, tuple[Any, ...]]] = {}
        self.places = Touched({kind: dict(found) for kind, found in path.touched.places.items()})
        self.dialogue = self._dialogue()

    def _dialogue(self, hard: bool = False) -> Dialogue:
        return Dialogue(self.case.smt, self.case.unknowns, self.case.obligation.rlimit, self.deadline, hard)

    def goal(self) -> z.Truth:
        """Return the conjunction of the claims, each where it was made."""
        both = self.case.smt.both
        return both([z.implies(both(claim.premise), claim.truth) for claim in self.claims])

    def _key(self, place: Any) -> int:
        return place if isinstance(place, int) else -1 - z.identity(place.term)

    def candidates(self, near: int) -> Iterator[tuple[tuple[int, tuple[int, ...]], z.Truth, int, tuple[Any, ...]]]:
        """Yield every instance of a hypothesis at places known by now."""
        for number, schema in enumerate(self.schemas):
            for places in product(*(self.places.of(kind, near) for kind in schema.kinds)):
                key = (number, tuple(self._key(place) for place in places))
                if key in self.added:
                    continue
                if key not in self.formulas:
                    self.formulas[key] = (schema.as_hypothesis(places), number, places)
                yield key, *self.formulas[key]

    def answer(self) -> Outcome:
        """Decide the claims one after the other: what one of them needs is of no use to most others."""
        mine = [claim for claim in self.path.claims if self.case.obligation.claims(claim.kind)]
        total = Outcome(Verdict.PROVED, relied=self.path.relied + len(self.path.claims) - len(mine), deciders=frozenset({"z3"}))
        for number, claim in enumerate(mine):
            self.claims, kept = [claim], self.added
            goal = self.goal()
            if (claim.chosen, z.identity(goal)) in self.case.proved:
                continue
            self.added, like = {}, (number, claim.kind, claim.where)
            outcome = self._decide(like in self.case.hard)
            if "bitwuzla" in outcome.deciders:
                self.case.hard.add(like)
            self.added = {**kept, **self.added}
            total = total.joined(outcome, frozenset(), 0.0)
            if outcome.verdict is not Verdict.PROVED:
                return total
            self.case.proved[claim.chosen, z.identity(goal)] = goal
        return total

    def _decide(self, hard: bool) -> Outcome:
        """Decide, adding only the hypotheses that a counterexample breaks."""
        base = [*self.path.facts, z.negate(self.goal())]
        self.dialogue = self._dialogue(hard)
        smallness = [self.path.named["small"]] if "small" in self.path.named else []
        small = found = False
        for _ in range(ROUNDS):
            demanded = [*base, *self.added.values(), *(smallness if small else ())]
            answer, model = self.dialogue.check(demanded, bare=bool(smallness) and not small)
            if answer is z.Answer.SAT and model is None:
                small = True
                continue
            if answer is z.Answer.UNSAT and small and not found:
                small, smallness = False, []
                continue
            if answer is z.Answer.UNSAT and small:
                return self._outcome(Verdict.UNKNOWN, "a counterexample, but none small enough to be replayed")
            if answer is z.Answer.UNSAT:
                return self._outcome(Verdict.PROVED)
            if model is None:
                return self._outcome(Verdict.UNKNOWN, self.dialogue.why)
            if not self._refine(model):
                if smallness and not small:
                    small = found = True
                    continue
                return self._refuted(model)
        return self._outcome(Verdict.UNKNOWN, f"{ROUNDS} rounds of instantiation were not enough")

    def possible(self) -> z.Answer:
        """Tell whether all that the proof went from can be true at once: a proof from what cannot be says nothing."""
        demanded = [*self.path.facts, *self.path.conditions, *self.added.values()]
        return self._dialogue().check(demanded, bare=True)[0]

    def _refuted(self, model: z.Model) -> Outcome:
        found = replay.replay(self.case.obligation, self.path.named, model, self.places)
        if found.illegal or not found.failure:
            return self._outcome(Verdict.UNKNOWN, f"{self._broken(model)}, but the replay is silent {found.illegal}".rstrip())
        outcome = self._outcome(Verdict.REFUTED, f"{self._broken(model)}; replayed: {found.failure}")
        return attrs.evolve(outcome, counterexample={name: replay.shown(v) for name, v in found.arguments.items()})

    def _refine(self, model: z.Model) -> bool:
        for distance in (CHANGED, READ, FURTHER):
            broken = list(islice((c for c in self.candidates(distance) if not model.holds(c[1])), AT_ONCE))
            for key, formula, number, places in broken:
                self.added[key] = formula
                for kind, found in self.schemas[number].looks_at(places).items():
                    for place in found:
                        self.places.add(kind, place, FURTHER)
            if broken:
                return True
        return False

    def _broken(self, model: z.Model) -> str:
        for claim in self.claims:
            if all(model.holds(p) for p in claim.premise) and not model.holds(claim.truth):
                return f"{claim.kind} at {claim.where}"
        return "a claim"

    def _outcome(self, verdict: Verdict, reason: str = "") -> Outcome:
        used = frozenset(self.schemas[number].name for number, _ in self.added)
        return Outcome(
            verdict,
            reason,
            instances=len(self.added),
            hypotheses=used,
            rlimit=self.dialogue.rlimit,
            deciders=frozenset(self.dialogue.deciders),
            texts=(self.dialogue.text,) if self.dialogue.refuted else (),
        )
