"""Deciding one case of one obligation: paths, then instances of the hypotheses as counterexamples call for them."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import attrs

from mmproofs import replay, smtlib
from mmproofs import smt as z
from mmproofs.lift.errors import LiftError, TooMany
from mmproofs.lift.loops import Cutter, LoopInvariant, claim_schema, lifted, near, near_fields, step_body
from mmproofs.lift.records import check_fields, hints_of, unknown
from mmproofs.lift.run import CHANGED, FURTHER, READ, Limits, Path, Run, Touched, current, walking, walks
from mmproofs.lift.schema import Schema, make_schema
from mmproofs.obligation import Bound, Obligation, Predicate, Summary, Verdict, arguments_for, function_of

ROUNDS = 60
"""Most rounds of instantiation for one path."""

AT_ONCE = 30
"""Most hypotheses added in one round."""

FIRST_RLIMIT = 12_000_000
"""Effort of Z3 before Bitwuzla is asked, where that is installed: some seconds."""


@attrs.frozen
class Outcome:
    """What became of one case."""

    verdict: Verdict
    reason: str = ""
    paths: int = 0
    instances: int = 0
    hypotheses: frozenset[str] = frozenset()
    clauses: frozenset[str] = frozenset()
    rlimit: int = 0
    seconds: float = 0.0
    counterexample: dict[str, Any] | None = None
    deciders: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    """The questions that were answered "unsat", as SMT-LIB."""


class Case:
    """One case of an obligation, in a context of its own."""

    def __init__(self, obligation: Obligation, fixed: dict[str, int]) -> None:
        self.obligation, self.fixed = obligation, fixed
        self.smt = z.Smt()
        self.cutter = Cutter(self.smt, obligation.cuts)
        self.choices = {**obligation.choices, **fixed}
        self._given: dict[tuple[int, tuple[Any, ...]], z.Truth] = {}

    # --- paths -------------------------------------------------------------------------------------------------------

    def arguments(self, only: set[str] | None = None) -> dict[str, Any]:
        """Return the subject's unknown arguments (or those of some names)."""
        subject = self.obligation.subject_function
        hints = {**hints_of(subject), **self.obligation.types}
        names = inspect.signature(subject).parameters
        return {n: unknown(hints[n], n, self.choices) for n in names if only is None or n in only}

    def _body(self) -> dict[str, Any]:
        obligation = self.obligation
        known = self.arguments()
        run = current()
        for name, value in known.items():
            near_fields(hints_of(self.obligation.subject_function).get(name), value)
        for number, given in enumerate(obligation.given):
            key = (number, tuple(run.taken))
            if key not in self._given:
                assumed = make_schema(f"given.{number}", function_of(given), arguments_for(given, known), goal=True)
                self._given[key] = assumed.as_hypothesis(())
            run.assume(self._given[key])
        if obligation.small is not None:
            known["small"] = make_schema("small", obligation.small, arguments_for(obligation.small, known)).as_hypothesis(())
        subject = obligation.subject_function
        positional = [known[name] for name in inspect.signature(subject).parameters]
        known["after"] = subject(*positional)
        check_fields(known["after"], hints_of(subject).get("return"), "the result")
        if obligation.goal is not None:
            goal = make_schema("goal", function_of(obligation.goal), arguments_for(obligation.goal, known), goal=True)
            known.update(claim_schema("goal", goal, "any"))
        for place in obligation.also:
            function = function_of(place)
            near(hints_of(function)["return"], function(**arguments_for(place, known)))
        return known

    def paths(self) -> list[Path]:
        """Return every path of the subject with its claims."""
        subject = self.obligation.subject
        body: Callable[[], Any] = self._body
        if isinstance(subject, LoopInvariant):
            body = step_body(subject, self.cutter, self.choices)
        with lifted(self.cutter), forgotten(self.obligation.forget, self.obligation.summaries):
            return walks(self.smt, body, Limits(seconds=self.obligation.seconds))

    def hypotheses(self) -> list[Schema]:
        """Return the invariants of the state before, as schemas."""
        subject = self.obligation.subject_function
        names = set(inspect.signature(subject).parameters)
        found = []
        with lifted(self.cutter):
            for predicate in self.obligation.invariants:
                found.append(self._schema(predicate, names))
        return found

    def _schema(self, predicate: Predicate, names: set[str]) -> Schema:
        renamed = predicate.renamed if isinstance(predicate, Bound) else {}
        wanted = {renamed.get(p, p) for p in inspect.signature(function_of(predicate)).parameters} & names
        function = function_of(predicate)
        return make_schema(function.__name__, function, lambda: arguments_for(predicate, self.arguments(wanted)), self.smt)

    # --- deciding ----------------------------------------------------------------------------------------------------

    def decide(self) -> Outcome:
        """Prove the claims of every path, or return the first that fails."""
        started = time.monotonic()
        paths = self.paths()
        schemas = self.hypotheses()
        if not any(path.ended == "" or path.claims for path in paths):
            return Outcome(Verdict.ERROR, "no path comes to an end: the hypotheses contradict each other, or the subject")
        total = Outcome(Verdict.PROVED, paths=sum(1 for p in paths if p.claims or not p.ended))
        for path in paths:
            left = self.obligation.seconds - (time.monotonic() - started)
            with walking(Run(self.smt, (), Limits())):
                outcome = Question(self, path, [*schemas, *path.schemas], left).answer()
            total = attrs.evolve(
                total,
                verdict=outcome.verdict,
                reason=outcome.reason,
                instances=total.instances + outcome.instances,
                hypotheses=total.hypotheses | outcome.hypotheses,
                clauses=total.clauses | path.clauses,
                rlimit=total.rlimit + outcome.rlimit,
                seconds=time.monotonic() - started,
                counterexample=outcome.counterexample,
                deciders=total.deciders | outcome.deciders,
                texts=(*total.texts, *outcome.texts),
            )
            if outcome.verdict is not Verdict.PROVED:
                break
        return total


class Question:
    """Whether the claims of one path follow from the hypotheses."""

    def __init__(self, case: Case, path: Path, schemas: list[Schema], seconds: float) -> None:
        self.case, self.path, self.schemas = case, path, schemas
        self.claims = [c for c in path.claims if case.obligation.claims(c.kind)]
        self.deadline = time.monotonic() + seconds
        self.added: dict[tuple[int, tuple[int, ...]], z.Truth] = {}
        self.formulas: dict[tuple[int, tuple[int, ...]], tuple[z.Truth, int, tuple[Any, ...]]] = {}
        self.places = Touched({kind: dict(found) for kind, found in path.touched.places.items()})
        self.rlimit = 0
        self.deciders: set[str] = set()
        self.text = ""

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

    def _left(self) -> int:
        return max(1, int((self.deadline - time.monotonic()) * 1000))

    def _z3(self, demanded: list[z.Truth], rlimit: int) -> tuple[z.Answer, z.Solver]:
        solver = self.case.smt.solver(rlimit, self._left(), smtlib.LOGIC)
        solver.add(*demanded)
        answer = solver.check()
        self.rlimit += solver.rlimit_used()
        self.deciders.add("z3")
        return answer, solver

    def _check(self, demanded: list[z.Truth]) -> tuple[z.Answer, z.Solver]:
        answer, solver = self._z3(demanded, FIRST_RLIMIT)
        if answer is z.Answer.UNKNOWN and smtlib.installed("bitwuzla"):
            answer = smtlib.bitwuzla(smtlib.text_of(solver), self._left() / 1000)
            self.deciders.add("bitwuzla")
        if answer is z.Answer.UNKNOWN or (answer is z.Answer.SAT and "bitwuzla" in self.deciders):
            answer, solver = self._z3(demanded, self.case.obligation.rlimit)
        if answer is z.Answer.UNSAT:
            self.text = smtlib.text_of(solver)
        return answer, solver

    def answer(self) -> Outcome:
        """Decide, adding only the hypotheses that a counterexample breaks."""
        if not self.claims:
            return Outcome(Verdict.PROVED, deciders=frozenset({"z3"}))
        base = [*self.path.facts, z.negate(self.goal())]
        small = False
        for _ in range(ROUNDS):
            demanded = [*base, *self.added.values()]
            answer, solver = self._check(demanded)
            if answer is z.Answer.UNSAT and small:
                return self._outcome(Verdict.UNKNOWN, "a counterexample, but none small enough to be replayed")
            if answer is z.Answer.UNSAT:
                return self._outcome(Verdict.PROVED)
            if answer is z.Answer.UNKNOWN:
                return self._outcome(Verdict.UNKNOWN, f"z3: {solver.why_unknown()}")
            model = solver.model()
            if not self._refine(model):
                if not small and isinstance(self.path.value, dict) and "small" in self.path.value:
                    base.append(self.path.value["small"])
                    small = True
                    continue
                return self._refuted(model)
        return self._outcome(Verdict.UNKNOWN, f"{ROUNDS} rounds of instantiation were not enough")

    def _refuted(self, model: z.Model) -> Outcome:
        if isinstance(self.case.obligation.subject, LoopInvariant) or self.path.value is None:
            return self._outcome(
                Verdict.UNKNOWN, f"{self._broken(model)}: from an arbitrary state at a loop's head, not replayed"
            )
        found = replay.replay(self.case.obligation, self.path.value, model, self.places)
        if found.illegal or not found.failure:
            return self._outcome(Verdict.UNKNOWN, f"{self._broken(model)}, but the replay is silent {found.illegal}".rstrip())
        outcome = self._outcome(Verdict.REFUTED, f"{self._broken(model)}; replayed: {found.failure}")
        return attrs.evolve(outcome, counterexample={name: replay.shown(v) for name, v in found.arguments.items()})

    def _refine(self, model: z.Model) -> bool:
        for distance in (CHANGED, READ, FURTHER):
            broken = [c for c in self.candidates(distance) if not model.holds(c[1])][:AT_ONCE]
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
            rlimit=self.rlimit,
            deciders=frozenset(self.deciders),
            texts=(self.text,) if self.text else (),
        )


@contextmanager
def forgotten(functions: tuple[Callable[..., Any], ...], summaries: tuple[Summary, ...]) -> Iterator[None]:
    """Let functions of the law answer anything of their declared type, or anything that their summary allows."""
    stubs = [(function, _stub(function, None)) for function in functions]
    stubs += [(summary.function, _stub(summary.function, summary)) for summary in summaries]
    before = []
    for function, stub in stubs:
        for module in [m for n, m in list(sys.modules.items()) if n.split(".")[0] in ("mmspec", "mmimpl", "mmproofs")]:
            for name, value in list(vars(module).items()):
                if value is function:
                    before.append((module, name, function))
                    setattr(module, name, stub)
    try:
        yield
    finally:
        for module, name, function in before:
            setattr(module, name, function)


def _stub(function: Callable[..., Any], summary: Summary | None) -> Callable[..., Any]:
    hint, parameters = hints_of(function)["return"], tuple(inspect.signature(function).parameters)

    def stub(*arguments: Any) -> Any:
        run = current()
        if run.quantified:
            return function(*arguments)
        answer = unknown(hint, run.smt.fresh(function.__name__))
        if summary is not None:
            known = {**dict(zip(parameters, arguments, strict=True)), "after": answer}
            allowed = make_schema(run.smt.fresh("summary"), summary.holds, known)
            run.fact(allowed.as_hypothesis(()))
        return answer

    return stub


def decide(obligation: Obligation, fixed: dict[str, int]) -> Outcome:
    """Decide one case; what stops the lifter becomes ERROR or UNKNOWN, never silence."""
    started = time.monotonic()
    try:
        return Case(obligation, fixed).decide()
    except LiftError as error:
        return Outcome(Verdict.ERROR, str(error), seconds=time.monotonic() - started)
    except TooMany as limit:
        return Outcome(Verdict.UNKNOWN, str(limit), seconds=time.monotonic() - started)
