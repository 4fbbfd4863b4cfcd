"""The ledger counts only for the text as it is now, and nothing looks proved that rests on what is not."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from mmproofs import hashing, ledger, matrix, solve
from mmproofs.obligations import NOT_ASKED, by_id
from mmspec.errors import InputError
from mmspec.physical.buddy import BUDDY
from mmspec.physical.buddy.core import parent_of

NAME = "BUDDY-BITS-INVOLUTION"


def test_entry_is_read_back_and_counts(tmp_path: Path) -> None:
    """What is written is read, and stands in for a proof."""
    report = solve.prove([NAME], entries={}, jobs=1)
    entry = solve.entry_of(by_id()[NAME], report.obligations[0])
    ledger.write({NAME: entry}, tmp_path / "ledger.json")
    entries = ledger.read(tmp_path / "ledger.json")
    assert entries == {NAME: entry}
    assert solve.prove([NAME], entries=entries).obligations[0].cached


def test_changed_hash_does_not_count() -> None:
    """An entry of another text is no evidence: the obligation is decided."""
    report = solve.prove([NAME], entries={}, jobs=1)
    stale = attrs.evolve(solve.entry_of(by_id()[NAME], report.obligations[0]), sha256="0" * 64)
    assert not solve.prove([NAME], entries={NAME: stale}, jobs=1).obligations[0].cached


def test_another_subject_has_another_hash() -> None:
    """The hash follows the subject."""
    obligation = by_id()[NAME]
    assert hashing.obligation_digest(obligation) != hashing.obligation_digest(attrs.evolve(obligation, subject=parent_of))


def test_another_scope_has_another_hash() -> None:
    """The hash follows the declared bounds."""
    obligation = by_id()[NAME]
    assert hashing.obligation_digest(obligation) != hashing.obligation_digest(attrs.evolve(obligation, bounds={"order": "<= 3"}))


def test_callee_is_part_of_the_closure() -> None:
    """What the subject calls counts: buddy_of is part of the merge step's text."""
    names = hashing.closure([by_id()["BUDDY-MERGE-STEP"].subject])
    assert "mmspec.physical.buddy.core.buddy_of" in names


def test_proof_on_sand_is_unknown() -> None:
    """A proof that rests on an obligation which is not proved counts as UNKNOWN."""
    obligation = attrs.evolve(by_id()[NAME], rests_on=("BASE",))
    record = solve.prove([NAME], jobs=1).obligations[0]
    base = attrs.evolve(record, id="BASE", verdict="UNKNOWN")
    assert solve._resting(record, obligation, {"BASE": base}).verdict == "UNKNOWN"


def test_unknown_name_is_an_input_error() -> None:
    """A misspelt id names the way to the right one."""
    with pytest.raises(InputError) as caught:
        solve.prove(["BUDDY-NONE-SUCH"])
    assert "--list" in caught.value.hint


def cells() -> dict[str, dict[str, str]]:
    """The matrix as if everything were proved."""
    return matrix.rows((name, "PROVED", "") for name in by_id())


def test_matrix_has_no_empty_cell() -> None:
    """Each operation has a verdict or a reason for each invariant that any operation has."""
    rows = cells()
    operations = [rows[f"buddy {operation.name}"] for operation in BUDDY.operations if not operation.observes]
    assert all(set(row) == set(operations[0]) for row in operations)
    assert all(cell and matrix.UNWRITTEN not in cell for row in rows.values() for cell in row.values())


@pytest.mark.parametrize("row", ["alloc", "free", "merge", "split"])
def test_alloc_free_split_and_merge_are_proved_throughout(row: str) -> None:
    """No cell of theirs is bounded, or goes from anything that is not proved; what is not asked says why."""
    assert {cell for cell in cells()[f"buddy {row}"].values() if not cell.startswith("not asked")} == {"PROVED"}


def test_each_reason_is_for_a_cell() -> None:
    """A reason for a column that is asked of every operation would hide that an obligation is gone."""
    shown = {cell for row in cells().values() for cell in row.values()}
    assert set(NOT_ASKED.values()) <= shown


def test_matrix_names_what_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation without obligations has its row, and it says so."""
    others = {name: obligation for name, obligation in by_id().items() if obligation.operation != "isolate"}
    monkeypatch.setattr(matrix, "by_id", lambda: others)
    rows = matrix.rows([("BUDDY-FREE-OWNED", "PROVED", "")])
    assert matrix.UNWRITTEN in rows["buddy isolate"].values()
    assert all(cell.startswith("not") for cell in rows["buddy isolate"].values())


def test_what_was_left_out_of_a_run_is_not_called_unwritten() -> None:
    """A matrix of a part says of the rest that it was not asked for."""
    row = matrix.rows([("BUDDY-FREE-OWNED", "PROVED", "")])["buddy free"]
    assert row["core: owned"] == "PROVED"
    assert row["core: merged"] == "not asked for here"
