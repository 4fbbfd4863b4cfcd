"""What CrossHair explores: its record is about the text as it is now, and every exploration can fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from mmimpl.physical import buddy as implementation
from mmimpl.physical.buddy import lists, memory, operations
from mmproofs import explore
from mmproofs.exploration import Exploration
from mmproofs.explorations import by_id
from mmspec import linked
from mmspec.errors import InputError
from mmspec.physical.buddy import core, linux, state

pytestmark = pytest.mark.needs_prove


def fewer(name: str, tries: int) -> Exploration:
    """An exploration of the project, stopped earlier."""
    return attrs.evolve(by_id()[name], tries=tries)


# --- the record --------------------------------------------------------------------------------------------------------


def test_record_has_every_exploration_and_no_other() -> None:
    """What is recorded is what there is."""
    assert sorted(explore.read()) == sorted(by_id())


@pytest.mark.parametrize("name", list(by_id()))
def test_record_is_about_the_text_as_it_is_now(name: str) -> None:
    """The functions, the domain and the explorer are those that were explored, and nothing was found."""
    record = explore.current(by_id()[name], explore.read())
    assert record is not None, f"{name} was explored with another text: run make nightly"
    assert (record.verdict, record.reason, record.paths > 0) == ("explored", "", True)


def test_record_is_written_and_read_back(tmp_path: Path) -> None:
    """The file holds all of a record."""
    record = explore.explore(by_id()["EXPLORE-KIND-SAME"])
    explore.write([record], tmp_path / "explored.json")
    assert explore.read(tmp_path / "explored.json") == {record.id: record}


@pytest.mark.parametrize(
    "change",
    [{"tries": 7}, {"given": lambda migratetype: migratetype == 1}, {"other": core.buddy_of}],
    ids=["tries", "given", "other"],
)
def test_another_exploration_has_another_hash(change: dict[str, Any]) -> None:
    """The hash follows the domain, the extent and the functions."""
    exploration = by_id()["EXPLORE-KIND-SAME"]
    assert explore.exploration_digest(exploration) != explore.exploration_digest(attrs.evolve(exploration, **change))


@pytest.mark.parametrize(
    ("name", "module", "callee"),
    [
        ("EXPLORE-BLOCKS-SAME", memory, "largest_blocks"),
        ("EXPLORE-MERGED-SAME", core, "parent_of"),
        ("EXPLORE-ZONE-BLOCKS-LAWFUL", linux, "rmqueue"),
        ("EXPLORE-ZONE-TYPES-SAME", linux, "settle_taken"),
        ("EXPLORE-ZONE-BLOCKS-SAME", lists, "merge_likely"),
        ("EXPLORE-ZONE-TYPES-SAME", lists, "listed_over"),
    ],
)
def test_callee_is_part_of_the_hash(name: str, module: Any, callee: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the explored functions call counts, and what they reach through a table of operations or a method."""
    before = explore.exploration_digest(by_id()[name])
    monkeypatch.setattr(module, callee, kind_of_cma_forgotten)
    assert explore.exploration_digest(by_id()[name]) != before


# --- what is explored now ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["EXPLORE-KIND-SAME", "EXPLORE-RANGES-HOLES"])
def test_small_exploration_ends(name: str) -> None:
    """CrossHair takes every path, as many as are recorded."""
    found = explore.explore(by_id()[name])
    assert (found.verdict, found.exhaustive, found.paths) == ("explored", True, explore.read()[name].paths)


def test_long_exploration_stops_where_it_is_told() -> None:
    """The number of tries ends a search, and nothing is called exhaustive that was cut short."""
    found = explore.explore(fewer("EXPLORE-RINGS-LAW", 20))
    assert (found.verdict, found.tries, found.exhaustive) == ("explored", 20, False)
    assert 0 < found.paths < 20


@pytest.mark.by_turns(4)
def test_process_of_its_own_repeats_the_record() -> None:
    """The same text is explored along the same paths."""
    name = "EXPLORE-MERGED-SAME"
    assert list(explore.explore_all([name], 1)) == [explore.read()[name]]


# --- wrong functions ---------------------------------------------------------------------------------------------------


def test_wrong_contract_is_refuted() -> None:
    """A rule that fails at one number is refuted with that number."""
    found = explore.explore(contract(lambda pfn: pfn * 7 != 91))
    assert (found.verdict, found.counterexample) == ("refuted", {"pfn": 13})
    assert found.reason.startswith("replayed: ")


def test_raising_contract_is_refuted() -> None:
    """A contract that raises does not hold."""
    found = explore.explore(contract(lambda pfn: 10 // (pfn - 13) < 99))
    assert found.counterexample == {"pfn": 13}
    assert "ZeroDivisionError" in found.reason


def unaligned_blocks(pfn: int, end: int, max_order: int) -> list[tuple[int, int]]:
    """Blocks as large as the range allows, wherever they begin."""
    blocks = []
    while pfn < end:
        blocks.append((pfn, min(max_order, (end - pfn).bit_length() - 1)))
        pfn += 1 << blocks[-1][1]
    return blocks


def single_frames(config: Any) -> list[tuple[int, int]]:
    """Nothing is freed as a larger block."""
    return [(pfn, 0) for pfn in range(config.start_pfn, config.end_pfn)]


def ranges_from_the_start(config: Any) -> list[tuple[int, int]]:
    """Every range goes back to the zone's start."""
    return [(config.start_pfn, start) for start, _ in config.holes if config.start_pfn < start]


def merged_once(blocks: Any, max_order: int) -> list[tuple[int, int]]:
    """A pair that was merged is not merged further."""
    done: list[tuple[int, int]] = []
    for pfn, order in blocks:
        pair = order < max_order and done and done[-1] == (pfn ^ (1 << order), order)
        done.append((done.pop()[0], order + 1) if pair else (pfn, order))
    return done


def half_removed(links: linked.Links, key: int) -> linked.Links:
    """The predecessors are left as they were."""
    before, after = links.prev[key], links.next[key]
    return linked.Links(links.next.set(before, after).delete(key), links.prev)


def enlisted_without_return(zone: memory.Zone, pfn: int, number: int) -> None:
    """What was first does not point back."""
    head = zone.heads + number
    zone.page[pfn], zone.after[pfn], zone.before[pfn], zone.after[head] = number, zone.after[head], head, pfn


def given_unmerged(zone: state.Zone, pfn: int, order: int) -> state.Zone:
    """A freed block is never merged."""
    frames = core.count_block(zone, pfn, order, 1)
    return state.Zone(zone.span, zone.free.set(pfn, order), zone.allocated.delete(pfn), zone.pageblock, frames)


def largest(zone: memory.Zone, order: int, migratetype: int) -> int:
    """The first block of the largest order that serves."""
    for k in range(zone.max_order, order - 1, -1):
        pfn = zone.after[zone.heads + ((migratetype << 4) | k)]
        if pfn < zone.heads:
            return pfn
    return zone.heads


SMALL: list[tuple[str, int, Any, str, Callable[..., Any]]] = [
    ("EXPLORE-RANGES-HOLES", 20, state, "ranges_of", ranges_from_the_start),
    ("EXPLORE-BLOCKS-LARGEST", 20, state, "blocks_of", single_frames),
    ("EXPLORE-BLOCKS-SAME", 20, memory, "largest_blocks", unaligned_blocks),
    ("EXPLORE-MERGED-SAME", 40, implementation, "merged", merged_once),
    ("EXPLORE-DOOR-SAME", 200, memory, "PFN_BITS", 5),
    ("EXPLORE-RINGS-LAW", 20, linked, "remove", half_removed),
    ("EXPLORE-RINGS-IMPLEMENTATION", 20, lists, "enlist_first", enlisted_without_return),
    ("EXPLORE-ZONE-CONSERVED", 40, core, "give", given_unmerged),
    ("EXPLORE-ZONE-BLOCKS-LAWFUL", 100, core, "count_block", lambda zone, pfn, order, sign: zone.frames),
    ("EXPLORE-ZONE-TYPES-LAWFUL", 100, linux, "convert_pageblock", linux.move_pageblock),
]
LARGE: list[tuple[str, int, Any, str, Callable[..., Any]]] = [
    ("EXPLORE-ZONE-BLOCKS-SAME", 40, operations, "smallest", largest),
    ("EXPLORE-ZONE-TYPES-SAME", 100, operations, "pageblock_inside", lambda zone, pfn: True),
]


@pytest.mark.by_turns(4)
@pytest.mark.parametrize(
    ("name", "tries", "module", "function", "wrong"),
    [*SMALL, *(pytest.param(*large, marks=pytest.mark.nightly) for large in LARGE)],
    ids=[name for name, *_ in (*SMALL, *LARGE)],
)
def test_each_exploration_can_fail(
    name: str, tries: int, module: Any, function: str, wrong: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that the exploration runs is patched: CrossHair finds it, and the functions themselves fail on what it found."""
    monkeypatch.setattr(module, function, wrong)
    found = explore.explore(fewer(name, tries))
    assert (found.verdict, found.reason.startswith("replayed: ")) == ("refuted", True), found.reason
    assert explore.fails(by_id()[name], found.counterexample or {})


def test_every_exploration_has_a_wrong_function() -> None:
    """No exploration is added without something that it catches; the kinds have theirs below."""
    assert {name for name, *_ in (*SMALL, *LARGE)} == set(by_id()) - {"EXPLORE-KIND-SAME"}


def test_wrong_kind_is_refuted() -> None:
    """Two functions that differ for one type do not behave alike."""
    found = explore.explore(attrs.evolve(by_id()["EXPLORE-KIND-SAME"], other=kind_of_cma_forgotten))
    assert (found.verdict, found.counterexample) == ("refuted", {"migratetype": 4})


def kind_of_cma_forgotten(migratetype: int) -> int:
    """CMA is taken for mergeable."""
    return migratetype if migratetype in (3, 5) else 0


# --- what is no evidence -----------------------------------------------------------------------------------------------


def contract(subject: Callable[..., Any], given: Callable[..., bool] = lambda pfn: 0 <= pfn < 100) -> Exploration:
    """An exploration of a contract over one frame number."""
    subject.__annotations__.setdefault("pfn", int)
    return Exploration("MINE", (), "", "", subject, given, tries=50)


def test_function_that_crosshair_cannot_read_is_an_error() -> None:
    """An annotation that names nothing is said, not passed over."""
    found = explore.explore(contract(unreadable))
    assert (found.verdict, found.paths) == ("error", 0)
    assert "cannot read unreadable" in found.reason


def unreadable(pfn: Frame) -> bool:  # type: ignore[name-defined]  # noqa: F821
    """Its parameter has a type that is not defined."""
    return True


def test_empty_domain_is_an_error() -> None:
    """Nothing was explored where nothing lies in the domain."""
    found = explore.explore(contract(lambda pfn: True, lambda pfn: False))
    assert (found.verdict, found.reason[:7]) == ("error", "none of")


def test_alike_because_both_raise_is_an_error() -> None:
    """Two functions that never return a value were not seen to behave alike."""

    def raising(pfn: int) -> int:
        raise ValueError(pfn)

    found = explore.explore(attrs.evolve(contract(raising), other=raising))
    assert (found.verdict, found.paths) == ("error", 0)


def test_counterexample_that_does_not_replay_is_an_error() -> None:
    """Only the function itself refutes anything."""
    search = explore.Search({"pfn": 13}, 5, 4, False)
    assert explore.judged(contract(lambda pfn: True), search)[0] == "error"


def test_missing_crosshair_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without CrossHair nothing looks explored."""

    def missing(name: str) -> str:
        raise explore.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(explore.importlib.metadata, "version", missing)
    with pytest.raises(InputError, match="not installed"):
        explore.explore(by_id()["EXPLORE-KIND-SAME"])


def test_unknown_id_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt id names those that there are."""
    assert explore.main(["EXPLORE-NOTHING"]) == 2
    assert "EXPLORE-KIND-SAME" in capsys.readouterr().err
