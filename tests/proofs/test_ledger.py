"""The ledger counts only for the text as it is now, and nothing looks proved that rests on what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import attrs
import pytest

from mmproofs import hashing, ledger, matrix, solve
from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import bound, function_of
from mmproofs.obligations import NOT_ASKED, by_id
from mmspec.errors import InputError
from mmspec.physical.buddy import BUDDY
from mmspec.physical.buddy.core import buddy_of, parent_of
from mmspec.words import Order, Word

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
    assert solve._resting([obligation], {NAME: record, "BASE": base})[0].verdict == "UNKNOWN"


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


@pytest.mark.parametrize("component", ["zones", "vmstat", "watermarks", "pcp", "page_alloc"])
def test_no_operation_of_the_allocator_s_parts_is_without_a_cell(component: str) -> None:
    """Each of their operations has something that is proved of it, or a reason for each thing that is not."""
    rows = {name: row for name, row in cells().items() if name.startswith(f"{component} ")}
    assert all(rows.values()), [name for name, row in rows.items() if not row]


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


# --- what the hash follows ---------------------------------------------------------------------------------------------------


def test_a_lemma_that_becomes_a_hypothesis_has_another_hash() -> None:
    """What is assumed and what is proved are told apart, whichever predicates they are."""
    told = attrs.evolve(by_id()[NAME], also=(parent_of,))
    assumed = attrs.evolve(told, also=(), invariants=(*told.invariants, parent_of))
    assert hashing.obligation_digest(told) != hashing.obligation_digest(assumed)


def test_another_subject_of_the_same_text_has_another_hash() -> None:
    """Which of the functions it is that something is proved about counts."""
    one, other = (attrs.evolve(by_id()[NAME], given=(buddy_of, parent_of), subject=f) for f in (buddy_of, parent_of))
    assert hashing.obligation_digest(one) != hashing.obligation_digest(other)


def test_the_names_in_an_invariant_count() -> None:
    """The hash follows what the parameters of a loop's invariant stand for."""
    obligation = by_id()["BUDDY-MERGE-STEP"]
    cut = obligation.subject
    assert isinstance(cut, LoopInvariant)
    renamed = attrs.evolve(cut, holds=(bound(function_of(cut.holds[0]), pfn="was_pfn"), *cut.holds[1:]))
    assert hashing.obligation_digest(obligation) != hashing.obligation_digest(attrs.evolve(obligation, subject=renamed))


def test_what_a_base_goes_from_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A base that is given more may cover no longer what rests on it."""
    obligation, base = by_id()["BUDDY-FREE-OWNED"], by_id()["BUDDY-FREE-DEFINED"]
    before = hashing.obligation_digest(obligation)
    changed = {**by_id(), base.id: attrs.evolve(base, given=(*base.given, parent_of))}
    monkeypatch.setattr(hashing, "by_id", lambda: changed)
    assert hashing.obligation_digest(obligation) != before


def up_to(limit: int) -> Callable[[Order], bool]:
    """Return a predicate."""

    def low(order: Order) -> bool:
        return order <= limit

    return low


def test_what_a_predicate_encloses_counts() -> None:
    """Two predicates of one text and another number have two hashes, and neither hides the other."""
    one, two = (attrs.evolve(by_id()[NAME], given=(up_to(3), up_to(limit))) for limit in (4, 5))
    assert hashing.obligation_digest(one) != hashing.obligation_digest(two)


Here = Annotated[int, Word("here", bits=8, lo=0, hi=3)]


def there(place: Here) -> bool:
    """Be there."""
    return place < 4


def test_declared_words_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The range that a declaration gives a word is part of what was proved, wherever the word is declared."""
    before = hashing.digest(hashing.closure([there]))
    monkeypatch.setitem(globals(), "Here", Annotated[int, Word("here", bits=8, lo=0, hi=4)])
    assert hashing.digest(hashing.closure([there])) != before


def test_what_rests_on_sand_at_second_hand_is_unknown() -> None:
    """A base that is itself not proved for lack of a base carries nothing."""
    top, last = "BUDDY-CHANGE-STEP", "BUDDY-FREE-FRAMES-COUNTED"
    assert last not in by_id()[top].rests_on
    report = solve.prove([NAME], entries={}, jobs=1)
    entry = solve.entry_of(by_id()[NAME], report.obligations[0])
    entries = {
        name: attrs.evolve(entry, sha256=hashing.obligation_digest(obligation), verdict="UNKNOWN" if name == last else "PROVED")
        for name, obligation in by_id().items()
    }
    found = {record.id: record.verdict for record in solve.prove([top], entries=entries, jobs=1).obligations}
    assert found[top] == "UNKNOWN"
