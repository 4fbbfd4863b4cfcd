"""docs/clauses.toml: what became of each row of the dossiers' chapters that components' clauses were written from.

The dossier is no part of the project; where it lies beside the checkout its rows are counted as well.
"""

from __future__ import annotations

import copy
import functools
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from mmprops.machines import MACHINES
from mmspec.components import COMPONENTS

ROOT = Path(__file__).resolve().parents[2]
DOSSIERS = ROOT.parent / "shared" / "linux"

CHAPTERS = {
    "A": ("physical.md", [f"A.{number}" for number in range(1, 15)]),
    "B": ("physical.md", [f"B.{number}" for number in range(1, 15)]),
    "C": ("physical.md", [f"C.{number}" for number in range(1, 13)]),
    "D": ("physical.md", [f"D.{number}" for number in range(1, 14)]),
    "E": ("physical.md", [f"E.{number}" for number in range(1, 16)]),
    "1": (
        "virtual.md",
        [
            "1.1",
            *(f"1.2.{number}" for number in range(1, 8)),
            *(f"1.3.{number}" for number in range(1, 5)),
            *(f"1.4.{number}" for number in range(1, 4)),
            "1.5",
            "1.6",
            "1.7",
        ],
    ),
    "3": ("virtual.md", ["3.9"]),
}
"""The chapters that are accounted for: the dossier's file, and the sections."""

SECTIONS = {section: file for file, sections in CHAPTERS.values() for section in sections}

UNSTATED = {"A.13", "C.11", "D.12", "1.4.3"}
"""Sections of which no row is a clause: what Linux writes into entries (1.4.3) waits for those who map; what a running kernel
shows of itself (A.13, C.11, D.12) is read by the checks of captures."""

KEY = re.compile(r"(?P<section>[A-Z]\.\d+|\d+(?:\.\d+)+)(?:\.(?P<step>\d+[a-z]?)|/(?P<name>[\w/-]+))")
PLANNED = {
    "memblock", "memory_model", "hotplug", "zones", "vmstat", "watermarks", "buddy", "pcp", "page_alloc", "pages", "contig",
    "compaction", "numa", "slub", "page_table", "tlb", "vma", "faults", "page_cache", "swap", "huge_pages", "vmalloc", "lru",
    "reclaim", "writeback", "oom", "zone_sizing", "page_map", "page_state",
}  # fmt: skip
NOBODY = {"derived", "replay", "not modelled"}

Rows = dict[str, dict[str, Any]]
Table = tuple[Rows, dict[str, str]]


def read_table() -> Table:
    """Return the rows and the clauses without a row; tomllib refuses a key that stands twice."""
    table = tomllib.loads((ROOT / "docs" / "clauses.toml").read_text(encoding="utf-8"))
    ours = table.pop("ours")
    return table, ours


# --- what can be wrong, each as the list of offenders ------------------------------------------------------------------


def is_sentence(text: object) -> bool:
    """Tell whether a value is one line of text without a full stop."""
    return isinstance(text, str) and text == text.strip() != "" and "\n" not in text and not text.endswith(".")


def well_formed(key: str, row: dict[str, Any]) -> bool:
    """Tell whether a row has a key, a form that goes with it, a statement, and nothing else but clauses and a reason."""
    found = KEY.fullmatch(key)
    forms = {"step"} if found and found["step"] else {"row", "bullet", "text"}
    clauses = row.get("clauses", ["-"])
    return (
        found is not None
        and {"form", "says"} <= set(row) <= {"form", "says", "clauses", "left_out"}
        and row["form"] in forms
        and is_sentence(row["says"])
        and is_sentence(row.get("left_out", "-"))
        and isinstance(clauses, list)
        and clauses != []
        and len(set(clauses)) == len(clauses)
    )


def malformed(table: Table) -> list[str]:
    """Rows that a reader of the file could not rely on."""
    return [key for key, row in table[0].items() if not well_formed(key, row)]


def undecided(table: Table) -> list[str]:
    """Rows with neither a clause nor a reason."""
    return [key for key, row in table[0].items() if not {"clauses", "left_out"} & set(row)]


def absent_sections(table: Table) -> list[str]:
    """Sections of the dossier that no row is of."""
    return [section for section in SECTIONS if not any(section_of(key) == section for key in table[0])]


def unknown_clauses(table: Table) -> list[str]:
    """Clause ids that no component has."""
    return sorted((named(table[0]) | set(table[1])) - set(clause_ids()))


def lost_clauses(table: Table) -> list[str]:
    """Clauses of a component that neither a row nor [ours] accounts for."""
    return [name for name in clause_ids() if name not in named(table[0]) | set(table[1])]


def stale_reasons(table: Table) -> list[str]:
    """Clauses that [ours] says have no row and that have one."""
    return sorted(named(table[0]) & set(table[1]))


def empty_reasons(table: Table) -> list[str]:
    """Clauses that [ours] gives no reason for."""
    return [clause for clause, reason in table[1].items() if not is_sentence(reason)]


def homeless(table: Table) -> list[str]:
    """Rows left to nobody that exists in the plan, or to a component that exists already and so must state them."""
    built = {machine.component.name for machine in MACHINES}
    owners = (PLANNED | NOBODY) - built
    return [
        key
        for key, row in table[0].items()
        if "left_out" in row and not (row["left_out"].partition(": ")[0] in owners and row["left_out"].partition(": ")[2])
    ]


def section_of(key: str) -> str:
    """Return the section of a row: all before its step or name."""
    found = KEY.fullmatch(key)
    return found["section"] if found else ""


def clause_ids() -> list[str]:
    """Return the ids of every component's clauses."""
    return [clause.id for component in COMPONENTS for clause in component.clauses]


def named(rows: Rows) -> set[str]:
    """Return the ids of all clauses that rows name."""
    return {clause for row in rows.values() for clause in row.get("clauses", [])}


CHECKS: dict[Callable[[Table], list[str]], Callable[[Rows, dict[str, str]], object]] = {
    malformed: lambda rows, ours: rows["E.4.2c"].update(form="row"),
    undecided: lambda rows, ours: rows["E.4.2c"].pop("clauses"),
    absent_sections: lambda rows, ours: [rows.pop(key) for key in list(rows) if key.startswith("E.15/")],
    unknown_clauses: lambda rows, ours: rows["E.4.2c"]["clauses"].append("BUDDY-NONE"),
    lost_clauses: lambda rows, ours: ours.pop("BUDDY-CHOICE"),
    stale_reasons: lambda rows, ours: ours.update({"BUDDY-FREE-2c": "why"}),
    empty_reasons: lambda rows, ours: ours.update({"BUDDY-CHOICE": ""}),
    homeless: lambda rows, ours: rows["E.4.2a"].update(left_out="buddy: it is here already"),
}
"""Each check, and a change to the table that it must notice."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_nothing_is_wrong(check: Callable[[Table], list[str]]) -> None:
    """The check finds no offender in the file."""
    assert check(read_table()) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_check_can_fail(check: Callable[[Table], list[str]]) -> None:
    """The check finds exactly one offender more after the change that is made for it."""
    before = read_table()
    rows, ours = copy.deepcopy(before)
    CHECKS[check](rows, ours)
    assert len(check((rows, ours))) == len(check(before)) + 1


def test_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """Every section has rows that are clauses, but for those that say why not; the counts are printed."""
    rows, ours = read_table()
    stated = Counter(section_of(key) for key, row in rows.items() if "clauses" in row)
    whole = sum("left_out" not in row for row in rows.values())
    with capsys.disabled():
        print(
            f"\ndocs/clauses.toml: {len(rows)} rows, {whole} stated whole, {sum(stated.values()) - whole} in part, "
            f"{len(rows) - sum(stated.values())} left out; {len(named(rows))} clauses have rows, {len(ours)} have none"
        )
    assert {section for section in SECTIONS if not stated[section]} == UNSTATED


# --- against the dossier -----------------------------------------------------------------------------------------------


@functools.cache
def dossier_sections() -> dict[str, str]:
    """Return the text of each section that is accounted for, up to the next heading."""
    found: dict[str, str] = {}
    for file in {file for file, _ in CHAPTERS.values()}:
        text = (DOSSIERS / file).read_text(encoding="utf-8")
        parts = re.split(r"^#{1,3} (?:([A-Z]\.\d+|\d+(?:\.\d+)+) )?.*$", text, flags=re.MULTILINE)
        found |= {section: text for section, text in zip(parts[1::2], parts[2::2], strict=True) if SECTIONS.get(section) == file}
    return found


def table_rows(lines: Iterable[str]) -> int:
    """Count the rows of Markdown tables: the lines after each `|---|`."""
    count, body = 0, False
    for line in lines:
        body = line.startswith("|") and (body or set(line) <= set("|-"))
        count += body and not set(line) <= set("|-")
    return count


def numbered_steps(prose: str) -> int:
    """Count the steps of lists that number from 1 to more than 1, wherever on a line they stand, and their lettered parts."""
    steps = run = 0
    for number in [int(found) for found in re.findall(r"(?<!\S)(\d+)\. (?=\S)", prose)] + [1]:
        if number == run + 1:
            run = number
            continue
        steps += run if run > 1 else 0
        run = 1 if number == 1 else 0
    return steps + len(re.findall(r"^ +[a-z]\. ", prose, re.MULTILINE))


def dossier_counts(text: str) -> Counter[str]:
    """Count what a section has of each form; a bullet counts once for each invariant that it states."""
    prose = "\n".join(line for line in text.splitlines() if not line.startswith("|"))
    return Counter(
        row=table_rows(text.splitlines()),
        step=numbered_steps(prose),
        bullet=len(re.findall(r"^[-*] |\. (?=[A-Z]+-\d+ )", prose, re.MULTILINE)),
    )


needs_dossier = pytest.mark.skipif(not DOSSIERS.is_dir(), reason="the dossier does not lie beside the checkout")


@needs_dossier
@pytest.mark.parametrize("section", SECTIONS)
def test_dossier_counts(section: str) -> None:
    """The subsection has as many table rows, numbered steps and bullets as the file."""
    rows, _ = read_table()
    ours = Counter(row["form"] for key, row in rows.items() if section_of(key) == section and row["form"] != "text")
    assert ours == dossier_counts(dossier_sections()[section])


@needs_dossier
def test_dossier_names() -> None:
    """Each invariant, and each function that a line of prose begins with, has a row of its name."""
    rows, _ = read_table()
    missing = []
    for section, text in dossier_sections().items():
        begun = re.findall(r"^(_*[a-z]\w+)(?:\(|: )", text, re.MULTILINE)
        stated = re.findall(r"(?:^- |\. )([A-Z]+-\d+) ", text, re.MULTILINE)
        wanted = {f"{section}/{name}" for name in begun + stated}
        missing += sorted(wanted - {"/".join(key.split("/")[:2]) for key in rows})
    assert missing == []
