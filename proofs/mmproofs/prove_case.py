"""One case of one obligation: the paths of its subject, and whether the claims of each follow."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

import attrs

from mmproofs import ran
from mmproofs import smt as z
from mmproofs.lift.contracts import check_parts, standing
from mmproofs.lift.errors import LiftError, TooMany
from mmproofs.lift.loops import Cutter, LoopInvariant, claim_schemas, lifted, near_fields, step_body, tell
from mmproofs.lift.predicate import sources_of
from mmproofs.lift.records import check_fields, hints_of, snapshot, unknown
from mmproofs.lift.run import Limits, Path, Run, current, recording, walking, walks
from mmproofs.lift.schema import Schema, make_schema
from mmproofs.obligation import Obligation, Predicate, Verdict, arguments_for, function_of
from mmproofs.question import Outcome, Question


def _check_names(obligation: Obligation) -> None:
    """Refuse a name that stands for something else as well: one of the two would silently be the other."""
    parameters = inspect.signature(obligation.subject_function).parameters
    for name in (*parameters, *obligation.beside):
        if name in ("after", "small") or name.startswith(("after_", "was_", "next_")):
            raise LiftError(f"{name} stands for something else in a predicate", "give the subject's argument another name")
    for name in obligation.beside:
        if name in parameters:
            raise LiftError(f"{name} stands for an argument of the subject", "give what is beside it another name")


class Case:
    """One case of an obligation, in a context of its own."""

    def __init__(self, obligation: Obligation, fixed: dict[str, int]) -> None:
        _check_names(obligation)
        self.obligation, self.fixed = obligation, fixed
        self.smt, self.unknowns = z.Smt(), z.Unknowns()
        self.cutter = Cutter(self.smt, obligation.cuts, obligation.unrolled)
        self.choices = {**obligation.choices, **fixed}
        self.proved: dict[tuple[tuple[Any, ...], int], z.Truth] = {}
        """What was proved on one path, with its premise: paths have all that comes before a fork in common."""
        self.hard: set[tuple[int, str, str]] = set()
        """Which claims of a path Z3 has given up on, by their number, kind and place: it would on the next path, too."""
        self._given: dict[tuple[int, tuple[Any, ...]], z.Truth] = {}

    # --- paths -------------------------------------------------------------------------------------------------------

    def arguments(self, only: set[str] | None = None) -> dict[str, Any]:
        """Return the subject's unknown arguments (or those of some names)."""
        subject = self.obligation.subject_function
        hints = {**hints_of(subject), **self.obligation.types, **self.obligation.beside}
        names = (*inspect.signature(subject).parameters, *self.obligation.beside)
        return {n: unknown(hints[n], n, self.choices) for n in names if only is None or n in only}

    def _body(self) -> bool:
        obligation, run = self.obligation, current()
        run.relies = obligation.relies
        known = run.named
        known.update(self.arguments())
        hints = {**hints_of(self.obligation.subject_function), **obligation.beside}
        for name, value in known.items():
            near_fields(hints.get(name), value)
        for number, given in enumerate(obligation.given):
            key = (number, tuple(run.taken))
            if key not in self._given:
                assumed = make_schema(f"given.{number}", function_of(given), arguments_for(given, known), goal=True)
                self._given[key] = assumed.as_hypothesis(())
            run.assume(self._given[key])
        if obligation.small is not None:
            known["small"] = make_schema("small", obligation.small, arguments_for(obligation.small, known)).as_hypothesis(())
        subject = obligation.subject_function
        handed = {name: snapshot(known[name]) for name in inspect.signature(subject).parameters}
        also = tell(obligation.also, known)
        with recording():
            known["after"] = subject(*handed.values())
        known.update({f"after_{name}": value for name, value in handed.items()})
        check_fields(known["after"], {**hints_of(subject), **obligation.types}.get("return"), "the result")
        check_parts(obligation.keeps, obligation.gives, known)
        goals: list[Schema] = []
        if obligation.goal is not None:
            wanted = arguments_for(obligation.goal, known)
            goals.append(make_schema("goal", function_of(obligation.goal), wanted, goal=True))
        claim_schemas("goal", goals, "any", known, also)
        return True

    def paths(self) -> list[Path]:
        """Return every path of the subject with its claims."""
        subject = self.obligation.subject
        body: Callable[[], Any] = self._body
        if isinstance(subject, LoopInvariant):
            if self.obligation.relies or self.obligation.given or self.obligation.invariants or self.obligation.also:
                raise LiftError("a loop's step is proved from its invariant alone", "say it in holds, or in also_step")
            body = step_body(subject, self.cutter, self.choices)
        with lifted(self.cutter), standing(self.obligation.forget, self.obligation.contracts):
            return walks(self.smt, body, Limits(seconds=self.obligation.seconds))

    def hypotheses(self) -> list[Schema]:
        """Return the invariants of the state before, as schemas."""
        subject = self.obligation.subject_function
        names = {*inspect.signature(subject).parameters, *self.obligation.beside}
        found = []
        with lifted(self.cutter):
            for predicate in self.obligation.invariants:
                found.append(self._schema(predicate, names))
        return found

    def _schema(self, predicate: Predicate, names: set[str]) -> Schema:
        wanted = {source.split(".")[0] for source in sources_of(predicate).values()} & names
        function = function_of(predicate)
        return make_schema(function.__name__, function, lambda: arguments_for(predicate, self.arguments(wanted)), self.smt)

    # --- deciding ----------------------------------------------------------------------------------------------------

    def decide(self) -> Outcome:
        """Prove the claims of every path, or return the first that fails."""
        started = time.monotonic()
        paths = self.paths()
        schemas = self.hypotheses()
        found = ran.functions(self, paths)
        total = Outcome(
            Verdict.PROVED, paths=sum(1 for path in paths if path.claims or not path.ended), ran=frozenset(found.values())
        )
        possible = z.Answer.UNSAT
        for path in paths:
            left = self.obligation.seconds - (time.monotonic() - started)
            with walking(Run(self.smt, (), Limits())):
                question = Question(self, path, [*schemas, *path.schemas], left)
                outcome = question.answer()
                if outcome.verdict is Verdict.PROVED and possible is not z.Answer.SAT:
                    answer = question.possible()
                    possible = possible if answer is z.Answer.UNSAT else answer
            total = total.joined(outcome, path.clauses, time.monotonic() - started)
            if outcome.verdict is not Verdict.PROVED:
                return total
        if possible is z.Answer.UNKNOWN:
            return attrs.evolve(total, verdict=Verdict.UNKNOWN, reason="whether the hypotheses can all be true is not known")
        if possible is z.Answer.UNSAT:
            return attrs.evolve(
                total, verdict=Verdict.ERROR, reason="no path is possible: the hypotheses contradict each other, or the subject"
            )
        return self._not_empty(total, paths, ran.branches(found))

    def _not_empty(self, total: Outcome, paths: list[Path], branches: bool) -> Outcome:
        """Return the outcome, or an ERROR for a proof that says nothing."""
        obligation = self.obligation
        kinds = {kind for path in paths for kind in (*path.settled, *(claim.kind for claim in path.claims))}
        if not any(obligation.claims(kind) for kind in kinds):
            return attrs.evolve(total, verdict=Verdict.ERROR, reason="nothing is claimed on any path: there is nothing to prove")
        if total.paths < 2 and branches and not obligation.straight:
            return attrs.evolve(total, verdict=Verdict.ERROR, reason="the subject branches, and one path is all that was found")
        return total


def decide(obligation: Obligation, fixed: dict[str, int]) -> Outcome:
    """Decide one case; what stops the lifter becomes ERROR or UNKNOWN, never silence."""
    started = time.monotonic()
    try:
        return Case(obligation, fixed).decide()
    except LiftError as error:
        return Outcome(Verdict.ERROR, str(error), seconds=time.monotonic() - started)
    except TooMany as limit:
        return Outcome(Verdict.UNKNOWN, str(limit), seconds=time.monotonic() - started)
