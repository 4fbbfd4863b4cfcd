"""Proving many obligations: what the ledger does not cover, on all cores, the longest first."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from mmproofs import bases, hashing, ledger, matrix, reading, smtlib
from mmproofs.obligation import Obligation, Verdict
from mmproofs.obligations import by_id
from mmproofs.prove_case import decide
from mmproofs.question import Outcome
from mmspec.errors import InputError

UNTRIED = 60.0
"""Seconds that an obligation is expected to take which the ledger does not know."""


@attrs.frozen
class Record:
    """What is known about one obligation, in the fields of the command line (INTERFACES, section 4)."""

    id: str
    clauses: list[str]
    statement: str
    subject: list[dict[str, Any]]
    scope: dict[str, Any]
    assumptions: list[str]
    verdict: str
    reason: str
    counterexample: dict[str, Any] | None
    paths: int
    seconds: float
    rlimit: int
    solvers: list[dict[str, str]]
    expected: str
    cached: bool = False
    hypotheses: list[str] = attrs.field(factory=list)
    flags: list[str] = attrs.field(factory=list)
    """What a reader should know about a proof that holds: that it used none of its hypotheses."""


@attrs.frozen
class Report:
    """The records of a run, and operation against invariant."""

    obligations: list[Record]

    @property
    def verdict(self) -> str:
        """The worst of the records: error, fail, unknown, pass."""
        found = {standing(record) for record in self.obligations}
        return next((word for word in ("error", "fail", "unknown") if word in found), "pass" if found else "unknown")

    def matrix(self) -> dict[str, dict[str, str]]:
        """Return, for each operation and invariant, the verdict, with its bounds or its reason."""
        return matrix.rows((record.id, record.verdict, record.reason) for record in self.obligations)


def standing(record: Record) -> str:
    """Return what a record counts as."""
    if record.verdict == "ERROR":
        return "error"
    if record.verdict == record.expected:
        return "pass"
    return "unknown" if record.verdict == "UNKNOWN" else "fail"


def selected(targets: Iterable[str]) -> list[Obligation]:
    """Return the obligations that ids, id prefixes or machine names stand for (none given: all)."""
    known, wanted = by_id(), list(targets)
    if not wanted:
        return list(known.values())
    found: dict[str, Obligation] = {}
    for target in wanted:
        prefix = target.upper().replace("_", "-") + "-"
        matching = {name: o for name, o in known.items() if name == target or name.startswith(prefix)}
        if not matching:
            raise InputError(f"no obligation or machine is called {target!r}", hint="mmspec prove --list prints the ids")
        found.update(matching)
    for name in list(found):
        _with_bases(found[name], known, found)
    return list(found.values())


def _with_bases(obligation: Obligation, known: dict[str, Obligation], found: dict[str, Obligation]) -> None:
    for base in obligation.rests_on:
        if base not in found:
            found[base] = known[base]
            _with_bases(known[base], known, found)


def prove(
    targets: Sequence[str] = (),
    *,
    fresh: bool = False,
    second: Sequence[str] = (),
    jobs: int | None = None,
    smt2: Path | None = None,
    entries: dict[str, ledger.Entry] | None = None,
    progress: Callable[[Record], None] | None = None,
) -> Report:
    """Decide obligations, or read from the ledger what it knows about the text as it is now.

    ``fresh`` decides everything anew; ``second`` names solvers whose opinion is asked as well; ``smt2`` is a directory that
    receives every question. Raises InputError for a name that stands for nothing.
    """
    chosen = selected(targets)
    known = ledger.read() if entries is None else entries
    anew = fresh or bool(second) or smt2 is not None
    records: dict[str, Record] = {}
    waiting: list[Obligation] = []
    for obligation in chosen:
        entry = None if anew else ledger.current(obligation, known)
        if entry is None:
            waiting.append(obligation)
        else:
            records[obligation.id] = from_entry(obligation, entry)
            if progress is not None:
                progress(records[obligation.id])
    waiting.sort(key=lambda o: -(known[o.id].seconds if o.id in known else UNTRIED))
    for obligation, outcome, opinions in _decided(waiting, tuple(second), jobs, smt2):
        records[obligation.id] = from_outcome(obligation, outcome, opinions)
        if progress is not None:
            progress(records[obligation.id])
    return Report(_resting(chosen, records))


def _decided(
    waiting: list[Obligation], second: tuple[str, ...], jobs: int | None, smt2: Path | None
) -> Iterable[tuple[Obligation, Outcome, dict[str, str]]]:
    workers = min(jobs or os.cpu_count() or 1, len(waiting))
    if workers <= 1:
        for obligation in waiting:
            yield obligation, *work(obligation.id, second, smt2)
        return
    known = {obligation.id: obligation for obligation in waiting}
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        futures = {pool.submit(work, name, second, smt2): name for name in known}
        for future in as_completed(futures):
            yield known[futures[future]], *future.result()


def work(name: str, second: tuple[str, ...], smt2: Path | None) -> tuple[Outcome, dict[str, str]]:
    """Decide one obligation of the list: what a worker process is told to do."""
    known = by_id()
    outcome, opinions = decide_all(known[name], second, smt2)
    gap = bases.gap(known[name], known, outcome.relied) or _read_both_ways()
    if gap and outcome.verdict is Verdict.PROVED:
        outcome = attrs.evolve(outcome, verdict=Verdict.ERROR, reason=gap)
    return outcome, opinions


@cache
def _read_both_ways() -> str:
    return reading.read_both_ways(by_id().values())


def decide_all(obligation: Obligation, second: tuple[str, ...] = (), smt2: Path | None = None) -> tuple[Outcome, dict[str, str]]:
    """Decide every case of an obligation, and ask for second opinions."""
    if not obligation.cases:
        return Outcome(Verdict.ERROR, "it is split into no cases: a part in each has no values"), {}
    total = Outcome(Verdict.PROVED)
    for case in obligation.cases:
        outcome = _decided_case(obligation, case)
        total = total.joined(outcome, outcome.clauses, total.seconds + outcome.seconds)
        if outcome.verdict is not Verdict.PROVED:
            break
    if smt2 is not None:
        smt2.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(total.texts):
            (smt2 / f"{obligation.id}-{number}.smt2").write_text(text())
    opinions = {name: _opinion(name, total.texts, obligation.seconds) for name in second}
    dissent = [name for name, word in opinions.items() if word == "REFUTED"]
    if dissent and total.verdict is Verdict.PROVED:
        total = attrs.evolve(total, verdict=Verdict.ERROR, reason=f"{dissent[0]} disagrees with z3")
    return attrs.evolve(total, texts=()), opinions


def _decided_case(obligation: Obligation, case: dict[str, int]) -> Outcome:
    """Decide a case; where it stays unknown, a state of small sizes may yet show that it is false."""
    outcome = decide(obligation, case)
    if outcome.verdict is Verdict.UNKNOWN:
        for sizes in obligation.small_sizes:
            small = decide(obligation, {**sizes, **case})
            if small.verdict is Verdict.REFUTED:
                return small
    return outcome


def _opinion(solver: str, texts: Sequence[Callable[[], str]], seconds: float) -> str:
    answers = {smtlib.SECOND[solver](text(), seconds).value for text in texts}
    return "REFUTED" if "sat" in answers else "UNKNOWN" if "unknown" in answers else "PROVED"


def _facts(obligation: Obligation, ran: Iterable[str]) -> dict[str, Any]:
    kind = "bounded" if obligation.bounds else "all"
    return {
        "id": obligation.id, "clauses": [clause.id for clause in obligation.clauses], "statement": obligation.statement,
        "subject": hashing.functions_named(obligation, ran), "scope": {"kind": kind, "bounds": dict(obligation.bounds)},
        "assumptions": [*obligation.assumptions, *(f"proved apart: {base}" for base in obligation.rests_on)],
        "expected": obligation.expected.value,
    }  # fmt: skip


def from_outcome(obligation: Obligation, outcome: Outcome, opinions: dict[str, str]) -> Record:
    """Return the record of an obligation that was decided now."""
    # Z3 is asked first and only briefly: where Bitwuzla was needed, Z3 has not confirmed the verdict.
    alone = "bitwuzla" not in outcome.deciders
    words = {n: outcome.verdict.value if alone or n != "z3" else "UNKNOWN" for n in sorted(outcome.deciders)}
    words.update({n: v for n, v in opinions.items() if n not in outcome.deciders})
    solvers = [{"name": n, "version": smtlib.version(n), "verdict": v} for n, v in words.items()]
    return Record(
        **_facts(obligation, outcome.ran), verdict=outcome.verdict.value, reason=outcome.reason,
        counterexample=outcome.counterexample, paths=outcome.paths, seconds=round(outcome.seconds, 2), rlimit=outcome.rlimit,
        solvers=solvers, hypotheses=sorted(outcome.hypotheses),
        flags=_flags(obligation, outcome.verdict.value, outcome.hypotheses),
    )  # fmt: skip


def _flags(obligation: Obligation, verdict: str, hypotheses: Iterable[str]) -> list[str]:
    unused = verdict == "PROVED" and obligation.invariants and not list(hypotheses)
    return ["none of its hypotheses was used"] if unused else []


def from_entry(obligation: Obligation, entry: ledger.Entry) -> Record:
    """Return the record of an obligation that the ledger knows."""
    return Record(
        **_facts(obligation, entry.subject), verdict=entry.verdict, reason=entry.reason, counterexample=None, paths=entry.paths,
        seconds=entry.seconds, rlimit=entry.rlimit, solvers=entry.solvers, cached=True, hypotheses=entry.hypotheses,
        flags=_flags(obligation, entry.verdict, entry.hypotheses),
    )  # fmt: skip


def _resting(chosen: Sequence[Obligation], records: Mapping[str, Record]) -> list[Record]:
    """Return the records, with UNKNOWN for each that rests, at whatever remove, on one that is not PROVED."""
    found, changed = dict(records), True
    while changed:
        changed = False
        for obligation in chosen:
            broken = [base for base in obligation.rests_on if base in found and found[base].verdict != "PROVED"]
            if found[obligation.id].verdict == "PROVED" and broken:
                reason = f"rests on {broken[0]}, which is {found[broken[0]].verdict}"
                found[obligation.id] = attrs.evolve(found[obligation.id], verdict="UNKNOWN", reason=reason)
                changed = True
    return [found[obligation.id] for obligation in chosen]


def entry_of(obligation: Obligation, record: Record) -> ledger.Entry:
    """Return what the ledger should say."""
    return ledger.Entry(
        hashing.obligation_digest(obligation), record.verdict, record.reason, [part["name"] for part in record.subject],
        record.paths, record.seconds, record.rlimit, record.solvers, record.hypotheses, record.assumptions,
        dict(obligation.bounds),
    )  # fmt: skip


def recorded(entries: dict[str, ledger.Entry] | None = None) -> tuple[Report, list[str]]:
    """Return what the ledger says about the text as it is now, deciding nothing, and the ids of which it says nothing.

    Those are UNKNOWN in the report, and so is what rests on them.
    """
    known = ledger.read() if entries is None else entries
    records, lacking = {}, []
    for name, obligation in by_id().items():
        entry = ledger.current(obligation, known)
        records[name] = _unknown(obligation) if entry is None else from_entry(obligation, entry)
        if entry is None:
            lacking.append(name)
    return Report(_resting(list(by_id().values()), records)), lacking


def _unknown(obligation: Obligation) -> Record:
    facts, reason = _facts(obligation, hashing.named(obligation)), "the ledger has no entry of the text as it is now"
    return Record(
        **facts, verdict="UNKNOWN", reason=reason, counterexample=None, paths=0, seconds=0.0, rlimit=0, solvers=[]
    )  # fmt: skip


def write_ledger(report: Report) -> None:
    """Put a run's records into the ledger; entries of obligations that are gone vanish, others stay."""
    obligations, entries = by_id(), ledger.read()
    entries = {name: entry for name, entry in entries.items() if name in obligations}
    for record in report.obligations:
        entries[record.id] = entry_of(obligations[record.id], record)
    ledger.write(entries)


def listing() -> list[dict[str, Any]]:
    """Return every obligation without deciding it; its subject is what ran when it was decided last, if the ledger knows."""
    entries = ledger.read()
    return [_facts(obligation, _recorded(obligation, entries)) for obligation in by_id().values()]


def _recorded(obligation: Obligation, entries: dict[str, ledger.Entry]) -> list[str]:
    entry = ledger.current(obligation, entries)
    return entry.subject if entry is not None else hashing.named(obligation)


def explain(name: str) -> dict[str, Any]:
    """Return all that is known about one obligation (InputError: there is none of the name)."""
    obligations = by_id()
    if name not in obligations:
        raise InputError(f"no obligation is called {name!r}", hint="mmspec prove --list prints the ids")
    obligation = obligations[name]
    entry = ledger.current(obligation, ledger.read())
    ran = entry.subject if entry is not None else hashing.named(obligation)
    known = attrs.asdict(entry) if entry is not None else None
    return {**_facts(obligation, ran), "predicates": reading.readings(obligation), "ledger": known}
