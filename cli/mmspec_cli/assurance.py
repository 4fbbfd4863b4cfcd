"""What stands behind each clause: its evidence, strongest first, gathered from what machines have recorded of the text as it is.

Nothing is decided here but the checks of the packaged capture's snapshots, which take a second. A record of another text counts
for nothing and is named; a record that is not there is named as well, so that a short table is not taken for a weak law.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

import mmprops
from mmprops.bugs import BUGS, record
from mmprops.machine import Machine
from mmprops.traces.checks import CLAUSES
from mmspec_cli import packaged
from mmspec_cli.output import worst

KINDS: Mapping[str, str] = {
    "proved": "a theorem about the text that runs states it or a part of it, for all states of all sizes",
    "bounded": "a theorem of that kind, up to a stated size",
    "tested": "generated programs find each seeded wrong version of it, and name it",
    "agreed": "the state of a real kernel, read from its RAM and its own files, obeys it",
    "predicted": "driven by a real kernel's trace, only the law that keeps it foretells the free blocks in RAM",
    "explored": "CrossHair looked for a counterexample on a stated domain",
    "manual": "cited; nothing here shows it yet",
}
"""The kinds of evidence, strongest first, and what each means."""

if TYPE_CHECKING:  # importing the solver takes a second
    from mmproofs.solve import Report

    OnRecord = tuple[Report, list[str]]

ROOT = Path(mmprops.__file__).resolve().parents[2]
"""The checkout, where there is one."""


@attrs.frozen
class Evidence:
    """One thing that speaks for a clause: of which kind, how far it reaches, and where it is."""

    kind: str
    scope: str
    ref: str


@attrs.frozen
class Assured:
    """A clause and all that speaks for it, strongest first; ``kills`` are the seeded bugs that were found and named it."""

    machine: str
    id: str
    statement: str
    source: str
    evidence: tuple[Evidence, ...]
    kills: tuple[str, ...]

    @property
    def strongest(self) -> str:
        """The kind of its strongest evidence."""
        return self.evidence[0].kind

    def count(self, kind: str) -> int:
        """Return how much of a kind speaks for it."""
        return sum(evidence.kind == kind for evidence in self.evidence)


@attrs.define
class Source:
    """What one record says: evidence by clause id, what it holds of another text (stale), what is wrong, what is not there."""

    name: str
    evidence: list[tuple[str, Evidence]] = attrs.field(factory=list)
    stale: list[str] = attrs.field(factory=list)
    broken: list[str] = attrs.field(factory=list)
    missing: str | None = None


@attrs.frozen
class Assurance:
    """The clauses of some machines with their evidence; what the proofs assume, by assumption; and what is amiss."""

    clauses: tuple[Assured, ...]
    assumptions: Mapping[str, tuple[str, ...]]
    sources: tuple[Source, ...]
    unstated: Mapping[str, str]

    @property
    def verdict(self) -> str:
        """``fail`` where evidence speaks against a clause, ``unknown`` where a record is stale or not there."""
        fails = any(source.broken for source in self.sources)
        gaps = any(source.stale or source.missing for source in self.sources)
        return worst(["fail"] * fails + ["unknown"] * gaps)

    @property
    def strongest(self) -> dict[str, int]:
        """How many clauses have each kind as their strongest evidence, strongest first."""
        found = Counter(clause.strongest for clause in self.clauses)
        return {kind: found[kind] for kind in KINDS if found[kind]}

    def json(self) -> dict[str, Any]:
        """Return it with the fields of the interface, and what is assumed, stale, broken and missing."""
        return {
            "clauses": [attrs.asdict(clause) for clause in self.clauses],
            "kinds": dict(KINDS),
            "strongest": self.strongest,
            "assumptions": [{"assumption": text, "obligations": list(ids)} for text, ids in self.assumptions.items()],
            "stale": {source.name: source.stale for source in self.sources if source.stale},
            "broken": {source.name: source.broken for source in self.sources if source.broken},
            "missing": [source.missing for source in self.sources if source.missing],
            "unstated": dict(self.unstated),
        }


def assurance(machines: Collection[Machine], on_record: OnRecord | None = None) -> Assurance:
    """Gather what speaks for each clause of some machines; ``on_record`` is what the ledger says, if it was read already."""
    proofs, assumptions = proved(on_record)
    kills, replays = killed()
    sources = (proofs, kills, agreed(), replays, explored())
    found: dict[str, list[Evidence]] = {}
    for source in sources:
        for clause_id, one in source.evidence:
            found.setdefault(clause_id, []).append(one)
    clauses = []
    for machine in machines:
        for clause in machine.component.clauses:
            manual = Evidence("manual", KINDS["manual"], clause.source)
            evidence = sorted(found.get(clause.id, [manual]), key=lambda one: list(KINDS).index(one.kind))
            named = tuple(one.ref for one in evidence if one.kind == "tested")
            clauses.append(Assured(machine.name, clause.id, clause.sentence, clause.source, tuple(evidence), named))
    return Assurance(tuple(clauses), assumptions, sources, unstated())


# --- the records -------------------------------------------------------------------------------------------------------------


def proved(on_record: OnRecord | None = None) -> tuple[Source, dict[str, tuple[str, ...]]]:
    """Read the ledger: what is proved about each clause, and what the proofs assume, with the ids of those that do.

    That a function is defined everywhere speaks for none of the clauses that its text is about.
    """
    from mmproofs import ledger  # importing the solver takes a second
    from mmproofs.lift.loops import LoopInvariant
    from mmproofs.obligations import by_id
    from mmproofs.solve import recorded, standing

    source = Source("proofs")
    if not ledger.PATH.exists():
        source.missing = f"{ledger.PATH.name}: no proof is on record here (mmspec prove --fresh proves for minutes)"
        return source, {}
    report, source.stale = on_record or recorded()
    assumptions: dict[str, list[str]] = {}
    for one in report.obligations:
        if one.id not in source.stale and standing(one) in ("fail", "error"):
            source.broken.append(f"{one.id} is {one.verdict}")
        if one.verdict != "PROVED":
            continue
        assumed = [text for text in one.assumptions if not text.startswith("proved apart: ")]
        for text in assumed:
            assumptions.setdefault(text, []).append(one.id)
        obligation = by_id()[one.id]
        if not (obligation.relies or isinstance(obligation.subject, LoopInvariant)):
            continue
        bounds = ", ".join(f"{name} {limit}" for name, limit in one.scope["bounds"].items())
        of = ".".join([obligation.subject_function.__module__, obligation.subject_function.__qualname__])
        scope = "; ".join([f"{of}: {bounds or 'all states of all sizes'}", *(f"assumed: {text}" for text in assumed)])
        evidence = Evidence("bounded" if bounds else "proved", scope, one.id)
        source.evidence += [(clause, evidence) for clause in one.clauses]
    return source, {text: tuple(ids) for text, ids in assumptions.items()}


def killed() -> tuple[Source, Source]:
    """Read the record of kills: by generated programs, and by the replay of a real kernel."""
    hunts, replays = Source("kills"), Source("replays")
    if not record.PATH.exists():
        hunts.missing = f"{record.PATH.name}: no kill is on record here (mmspec bugs --record writes it)"
        return hunts, replays
    rows = record.read()
    for bug in BUGS:
        row = record.current(bug, rows.bugs)
        if row is None:
            hunts.stale.append(bug.id)
        elif not row["killed"]:
            hunts.broken.append(f"{bug.id} lives: {row['reason']}")
        else:
            scope = f"profile {row['profile']}: found within {row['ops']} operations, shown by {row['shrunk_ops']}"
            hunts.evidence.append((row["clause"], Evidence("tested", scope, bug.id)))
        seen = record.current(bug, rows.replays, record.REPLAY)
        if seen is None and bug.id in rows.replays:
            replays.stale.append(bug.id)
        if seen is not None and seen["killed"]:
            scope = f"{seen['capture']}, level {seen['level']}: with {bug.id} in the law, {seen['reason']}"
            replays.evidence.append((seen["clause"], Evidence("predicted", scope, bug.id)))
    return hunts, replays


def agreed() -> Source:
    """Hold the state of the packaged capture's kernel to the clauses that its snapshots can tell."""
    source, name = Source("snapshots"), packaged.capture().name
    tags: dict[str, list[str]] = {}
    for row in packaged.snapshots():
        if row.verdict == "fail":
            source.broken.append(f"{name} {row.tag} {row.check}: {row.detail}")
        elif row.verdict == "pass":
            tags.setdefault(row.check, []).append(row.tag)
    for check, passed in tags.items():
        evidence = Evidence("agreed", f"{name}: {', '.join(passed)}", check)
        source.evidence += [(clause, evidence) for clause in CLAUSES.get(check, ())]
    return source


def explored() -> Source:
    """Read what CrossHair explored."""
    from mmproofs import explore
    from mmproofs.explorations import by_id

    source = Source("explorations")
    if not explore.PATH.exists():
        source.missing = f"{explore.PATH.name}: no exploration is on record here (python -m mmproofs.explore --write)"
        return source
    rows = explore.read(explore.PATH)
    for name, exploration in by_id().items():
        row = explore.current(exploration, rows)
        if row is None:
            source.stale.append(name)
        elif row.verdict != "explored":
            source.broken.append(f"{name} is {row.verdict}: {row.reason}")
        else:
            scope = f"{row.domain}; {row.paths} paths" + (", all that there are" if row.exhaustive else "")
            source.evidence += [(clause, Evidence("explored", scope, name)) for clause in row.clauses]
    return source


def unstated(root: Path = ROOT) -> dict[str, str]:
    """Return why what the sources say is not, or not wholly, stated by a clause, by row; nothing without a checkout."""
    path = root / "docs" / "clauses.toml"
    if not path.is_file():
        return {}
    table: Mapping[str, Mapping[str, str]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return {row: f"{fields['says']} ({fields['left_out']})" for row, fields in table.items() if "left_out" in fields}


def summary(found: Assurance) -> str:
    """Return in one line how many clauses rest on what, and what is amiss."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.strongest.items())
    kills = sum(len(clause.kills) for clause in found.clauses)
    amiss = [f"{len(source.stale)} stale {source.name}" for source in found.sources if source.stale]
    amiss += [*(line for source in found.sources for line in source.broken), *missing(found.sources)]
    return "; ".join([f"{len(found.clauses)} clauses by their strongest evidence: {kinds}", f"{kills} kills on record", *amiss])


def missing(sources: Iterable[Source]) -> list[str]:
    """Return what records are not there."""
    return [source.missing for source in sources if source.missing]
