"""``mmspec assurance``: what counts as evidence for a clause, what does not, and what is said when a record is amiss."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

from mmproofs import explore, ledger, solve
from mmproofs.explorations import EXPLORATIONS
from mmprops import branches, imports, probing
from mmprops.bugs import BUGS, record, replayed
from mmprops.files import beside_or_inside
from mmprops.machines import MACHINES
from mmprops.traces.checks import CHECKS, CLAUSES, Row
from mmspec_cli import assurance as gathering
from mmspec_cli import packaged
from mmspec_cli.assurance import KINDS, Assurance, Evidence, Source, assurance, summary
from mmspec_cli.commands import COMMANDS
from mmspec_cli.output import run
from mmspec_cli.program import cli

FIRST = next(iter(MACHINES))
CLAUSE = FIRST.component.clauses[0].id
PROVEN, DEFINED, BOUNDED = "BUDDY-GIVE-OWNED", "BUDDY-GIVE-DEFINED", "BUDDY-KERNEL-SET-TYPES-REFINES"


def kinds_of(source: Source, clause: str = CLAUSE) -> list[str]:
    """The kinds of what a source has for a clause."""
    return [evidence.kind for name, evidence in source.evidence if name == clause]


def gathered(monkeypatch: pytest.MonkeyPatch, *sources: Source) -> Assurance:
    """What comes of these sources alone."""
    monkeypatch.setattr(gathering, "proved", lambda on_record: (sources[0] if sources else Source("proofs"), {}))
    monkeypatch.setattr(gathering, "killed", lambda: (Source("kills"), Source("replays")))
    monkeypatch.setattr(gathering, "agreed", lambda: Source("snapshots"))
    monkeypatch.setattr(gathering, "explored", lambda: Source("explorations"))
    return assurance(MACHINES)


# --- the whole -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """What the records of this checkout say, as JSON."""
    found: dict[str, Any] = json.loads(json.dumps(assurance(MACHINES).json()))
    return found


def test_every_clause_has_a_row(whole: dict[str, Any]) -> None:
    """In the order of the law, with its sentence and its source."""
    clauses = [clause for machine in MACHINES for clause in machine.component.clauses]
    assert [(c["id"], c["statement"], c["source"]) for c in whole["clauses"]] == [(c.id, c.sentence, c.source) for c in clauses]


def test_evidence_has_the_form_of_the_interface(whole: dict[str, Any]) -> None:
    """Kind, scope and reference, each said; the strongest first, and never none."""
    order = list(KINDS)
    assert order == ["proved", "bounded", "tested", "agreed", "predicted", "explored", "manual"]
    for clause in whole["clauses"]:
        assert clause["evidence"] != []
        assert all(set(one) == {"kind", "scope", "ref"} and all(one.values()) for one in clause["evidence"])
        ranks = [order.index(one["kind"]) for one in clause["evidence"]]
        assert ranks == sorted(ranks)


def test_every_clause_is_at_least_tested(whole: dict[str, Any]) -> None:
    """By a kill that names it."""
    assert [clause["id"] for clause in whole["clauses"] if not clause["kills"]] == []


def test_a_real_kernel_speaks_for_the_core(whole: dict[str, Any]) -> None:
    """Its state obeys the truths of the core, and its trace needs them."""
    seen = {clause["id"] for clause in whole["clauses"] if {"agreed", "predicted"} <= {one["kind"] for one in clause["evidence"]}}
    assert seen == {"BUDDY-1", "BUDDY-2", "BUDDY-3", "BUDDY-5"}


def test_no_evidence_is_only_a_citation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clause for which nothing speaks is manual, with where it was read."""
    found = gathered(monkeypatch)
    assert found.strongest == {"manual": len(found.clauses)}
    assert found.clauses[0].evidence[0].ref == FIRST.component.clauses[0].source


def test_the_strongest_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order the records were read."""
    source = Source("proofs", [(CLAUSE, Evidence(kind, "s", kind)) for kind in ("explored", "tested", "proved", "agreed")])
    clause = gathered(monkeypatch, source).clauses[0]
    assert [one.kind for one in clause.evidence] == ["proved", "tested", "agreed", "explored"]
    assert (clause.strongest, clause.kills, clause.count("tested")) == ("proved", ("tested",), 1)


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        (Source("proofs"), "pass"),
        (Source("proofs", stale=["X"]), "unknown"),
        (Source("proofs", missing="no ledger"), "unknown"),
        (Source("proofs", stale=["X"], broken=["Y is REFUTED"]), "fail"),
    ],
)
def test_the_verdict_is_that_of_the_records(source: Source, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence against a clause fails; what is stale or not there leaves it open; each is said in the summary."""
    found = gathered(monkeypatch, source)
    assert found.verdict == verdict
    said = summary(found)
    assert ("1 stale proofs" in said) == bool(source.stale)
    assert ("no ledger" in said) == bool(source.missing)
    assert ("Y is REFUTED" in said) == bool(source.broken)


# --- proofs --------------------------------------------------------------------------------------------------------------


@cache
def listed() -> dict[str, dict[str, Any]]:
    """What is known of each obligation without deciding it."""
    return {facts["id"]: facts for facts in solve.listing()}


def fact(name: str, **changes: Any) -> solve.Record:
    """A record of an obligation, proved unless changed."""
    facts = listed()[name]
    fields: dict[str, Any] = {"verdict": "PROVED", "reason": "", "counterexample": None, "paths": 1, "seconds": 0.0, "rlimit": 0}
    return solve.Record(**(facts | fields | {"solvers": []} | changes))


@pytest.fixture
def on_record(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say what the ledger has, and of which obligations it has nothing of the text as it is."""

    def say(*records: solve.Record, stale: tuple[str, ...] = ()) -> None:
        monkeypatch.setattr(solve, "recorded", lambda: (solve.Report(list(records)), list(stale)))

    monkeypatch.setattr(ledger, "read", dict)
    return say


def test_a_proof_without_bounds_is_proved(on_record: Callable[..., None]) -> None:
    """It names the function that it is about, and that it holds for all states."""
    on_record(fact(PROVEN))
    source, assumptions = gathering.proved()
    (evidence,) = [one for name, one in source.evidence if name == "BUDDY-1"]
    assert (evidence.kind, evidence.ref) == ("proved", PROVEN)
    assert evidence.scope == "mmspec.physical.buddy.core.give: all states of all sizes"
    assert assumptions == {}


def test_a_proof_with_bounds_says_them(on_record: Callable[..., None]) -> None:
    """It is bounded, whatever else it is."""
    on_record(fact(BOUNDED, scope={"kind": "bounded", "bounds": {"pageblocks": "<= 2"}}))
    source, _ = gathering.proved()
    assert {(one.kind, one.scope.partition(": ")[2].split(";")[0]) for _, one in source.evidence} == {
        ("bounded", "pageblocks <= 2")
    }


def test_definedness_is_no_proof_of_a_clause(on_record: Callable[..., None]) -> None:
    """That no key is missing where a function runs says nothing of what it does; its assumptions count all the same."""
    on_record(fact(DEFINED, assumptions=["it rains", "proved apart: BUDDY-1-X"]))
    source, assumptions = gathering.proved()
    assert source.evidence == []
    assert assumptions == {"it rains": (DEFINED,)}


def test_what_a_proof_assumes_is_said(on_record: Callable[..., None]) -> None:
    """In its scope and by itself; what is proved apart is no assumption."""
    on_record(fact(PROVEN, assumptions=["it rains", "proved apart: BUDDY-GIVE-DEFINED"]))
    source, assumptions = gathering.proved()
    assert assumptions == {"it rains": (PROVEN,)}
    assert all(evidence.scope.endswith("; assumed: it rains") for _, evidence in source.evidence)


@pytest.mark.parametrize(
    ("verdict", "broken"), [("UNKNOWN", []), ("REFUTED", [f"{PROVEN} is REFUTED"]), ("ERROR", [f"{PROVEN} is ERROR"])]
)
def test_what_is_not_proved_is_no_evidence(verdict: str, broken: list[str], on_record: Callable[..., None]) -> None:
    """A refutation speaks against the clause; what was not decided says nothing."""
    on_record(fact(PROVEN, verdict=verdict))
    source, _ = gathering.proved()
    assert (source.evidence, source.broken) == ([], broken)


def test_a_ledger_of_another_text_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every entry is stale then, and named."""
    monkeypatch.setattr(ledger, "read", dict)
    source, _ = gathering.proved()
    assert source.evidence == []
    assert PROVEN in source.stale


def test_an_entry_that_rests_on_a_stale_one_is_not_proved() -> None:
    """A proof is as good as what it rests on."""
    entries = ledger.read()
    base = solve.by_id()[PROVEN].rests_on[-1]
    report, lacking = solve.recorded({PROVEN: entries[PROVEN], base: attrs.evolve(entries[base], sha256="0" * 64)})
    assert base in lacking
    assert next(one for one in report.obligations if one.id == PROVEN).verdict == "UNKNOWN"


# --- kills and replays -----------------------------------------------------------------------------------------------------


def test_a_stale_kill_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clause is not tested, and each bug is named; so with replays."""
    monkeypatch.setattr(record, "digest", lambda bug, roots: "another")
    hunts, replays = gathering.killed()
    assert (hunts.evidence, replays.evidence) == ([], [])
    assert hunts.stale == [bug.id for bug in BUGS]
    recorded = record.read().replays
    assert replays.stale == [bug.id for bug in BUGS if bug.id in recorded]


def test_a_bug_that_lives_speaks_against(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no evidence, and it is named with why."""
    rows = record.read()
    alive = {**rows.bugs[BUGS[0].id], "killed": False, "clause": None, "reason": "nothing was found"}
    monkeypatch.setattr(record, "read", lambda: attrs.evolve(rows, bugs={**rows.bugs, BUGS[0].id: alive}))
    hunts, _ = gathering.killed()
    assert hunts.broken == [f"{BUGS[0].id} lives: nothing was found"]
    assert BUGS[0].id not in {evidence.ref for _, evidence in hunts.evidence}


def test_a_bug_that_a_replay_does_not_show_is_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    """That a kernel does not need a rule speaks neither for it nor against it."""
    rows = record.read()
    monkeypatch.setattr(
        record, "read", lambda: attrs.evolve(rows, replays={n: {**r, "killed": False} for n, r in rows.replays.items()})
    )
    _, replays = gathering.killed()
    assert (replays.evidence, replays.stale, replays.broken) == ([], [], [])


# --- captures and explorations ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verdict", "kinds", "broken"), [("pass", ["agreed"], 0), ("unknown", [], 0), ("fail", [], 1)])
def test_a_snapshot_speaks_as_its_check_does(
    verdict: Any, kinds: list[str], broken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the clauses that it can tell; a moment that was not quiet says nothing, one that fails speaks against."""
    monkeypatch.setattr(packaged, "snapshots", lambda: (Row("START", "list-buddies", verdict, "so"),))
    source = gathering.agreed()
    assert (kinds_of(source, "BUDDY-3"), len(source.broken)) == (kinds, broken)


def test_the_clauses_of_a_check_are_those_that_its_text_names() -> None:
    """The table of clauses and the checks' own words agree."""
    said = {name: tuple(re.findall(r"[A-Z]+-[A-Z0-9-]+", (check.__doc__ or "").split(": ")[0])) for name, check in CHECKS.items()}
    assert {name: clauses for name, clauses in said.items() if clauses} == CLAUSES


def test_a_stale_exploration_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, and one that found something speaks against."""
    rows = explore.read()
    first, second, *_ = rows
    changed = rows | {
        first: attrs.evolve(rows[first], sha256="0" * 64),
        second: attrs.evolve(rows[second], verdict="refuted", reason="x"),
    }
    monkeypatch.setattr(explore, "read", lambda path: changed)
    source = gathering.explored()
    assert (source.stale, source.broken) == ([first], [f"{second} is refuted: x"])
    assert {evidence.ref for _, evidence in source.evidence} == {e.id for e in EXPLORATIONS} - {first, second}


# --- without a checkout ------------------------------------------------------------------------------------------------------


def test_records_that_are_not_there_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with the command that writes it; the table is not simply shorter."""
    monkeypatch.setattr(record, "PATH", tmp_path / "kills.json")
    monkeypatch.setattr(ledger, "PATH", tmp_path / "ledger.json")
    monkeypatch.setattr(explore, "PATH", tmp_path / "explored.json")
    said = [gathering.proved()[0].missing, gathering.killed()[0].missing, gathering.explored().missing]
    assert [str(line).split(":")[0] for line in said] == ["ledger.json", "kills.json", "explored.json"]
    assert all("mmspec" in str(line) or "python -m" in str(line) for line in said)


def test_an_installed_wheel_has_the_explorations_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they do not lie beside the package they are read from within it."""
    inside = tmp_path / "mmproofs"
    inside.mkdir()
    (inside / "explored.json").write_bytes(explore.PATH.read_bytes())
    monkeypatch.setattr(explore, "PATH", beside_or_inside(tmp_path / "explored.json", inside / "explored.json"))
    assert gathering.explored().missing is None


def test_rows_that_no_clause_states_are_told_from_a_checkout_only(tmp_path: Path) -> None:
    """docs/clauses.toml is no part of a wheel."""
    assert "E.1/PageGuard" in gathering.unstated()
    assert gathering.unstated(tmp_path) == {}


# --- the command -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that gathers from one source of one proof."""
    found = gathered(monkeypatch, Source("proofs", [(CLAUSE, Evidence("proved", "all [x] states", "A-PROOF"))], stale=["OLD"]))
    monkeypatch.setitem(vars(inspect.getmodule(COMMANDS.named("assurance").callback)), "gather", lambda machines: found)


def test_the_command_prints_the_fields_of_the_interface(little: None, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object with a row for each clause, and the exit code of its verdict."""
    assert run(cli, ["assurance", FIRST.name, "--format", "json"]) == 3
    printed = json.loads(capsys.readouterr().out)
    assert list(printed)[:3] == ["schema", "mmspec", "verdict"]
    assert {"id", "statement", "source", "evidence"} <= set(printed["clauses"][0])
    assert printed["stale"] == {"proofs": ["OLD"]}


def test_the_table_has_a_line_for_each_clause(little: None, capsys: pytest.CaptureFixture[str]) -> None:
    """With the strongest evidence and how many proofs and kills; what is stale is named below."""
    run(cli, ["assurance"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:4] == [CLAUSE, "proved", "1", "0"]
    assert lines[2].split()[1] == "manual"
    assert any("stale" in line and "OLD" in line for line in lines)


def test_one_clause_is_explained(little: None, capsys: pytest.CaptureFixture[str]) -> None:
    """With all that speaks for it, as it is written."""
    run(cli, ["assurance", "--explain", CLAUSE])
    printed = capsys.readouterr().out
    assert "A-PROOF" in printed
    assert "all [x] states" in printed


@pytest.mark.parametrize(("words", "says"), [(["nowhere"], "unknown machine"), (["--explain", "BUDDY-0"], "no clause 'BUDDY-0'")])
def test_what_does_not_exist_is_a_usage_error(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A machine or a clause of another name."""
    assert run(cli, ["assurance", *words]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("module", [gathering, record, replayed, branches, imports, probing], ids=lambda module: module.__name__)
def test_nothing_here_names_a_component(module: Any) -> None:
    """A new component adds no line to it."""
    names = MACHINES.names
    assert [name for name in names if name in inspect.getsource(module).lower()] == []
