"""A row claims what its target says, and nothing where the target's subject did not run."""

from __future__ import annotations

import pytest

from mmprops.bench import SUBJECTS, subject_named
from mmprops.bench.programs import PATTERNS, after_filling, orders_of, program
from mmprops.bench.row import Curve, Row, curves
from mmspec.errors import InputError


@pytest.mark.parametrize(
    ("ours", "target", "at_least", "decided", "met"),
    [
        (13.0, 1.3, False, True, True),
        (13.1, 1.3, False, True, False),
        (70.0, 7.0, True, True, True),
        (69.0, 7.0, True, True, False),
        (13.0, None, False, True, None),
        (13.0, 1.3, False, False, None),
    ],
)
def test_a_target_is_the_most_or_the_least(
    ours: float, target: float | None, at_least: bool, decided: bool, met: bool | None
) -> None:
    """The bound itself is kept; without a target, or where it was not tried, nothing is claimed."""
    assert Row("x", "u", ours, {"first": 10.0, "second": 1.0}, target, at_least, decided).met is met


def test_a_row_has_the_fields_of_the_interface() -> None:
    """In its order, the ratio being ours to the first anchor."""
    row = Row("x", "u", 15.0, {"first": 10.0, "second": 1.0}, 1.3, pages=1024, curve="random").json()
    assert list(row) == ["name", "unit", "ours", "anchors", "ratio", "target", "met"]
    assert (row["ratio"], row["met"]) == (1.5, False)


def test_curves_are_of_the_rows_with_sizes() -> None:
    """Ours and the first anchor's, for each name."""
    rows = [
        Row("a", "ns", 20.0, {"C": 10.0, "D": 1.0}, pages=1 << 10, curve="random"),
        Row("b", "ns", 30.0, {"C": 15.0, "D": 1.0}, pages=1 << 12, curve="random"),
        Row("c", "times", 2.0, {"C": 1.0}),
    ]
    assert curves(rows) == [
        Curve("random", "ours", "ns", ((10, 20.0), (12, 30.0))),
        Curve("random", "C", "ns", ((10, 10.0), (12, 15.0))),
    ]


def test_an_unknown_subject_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(InputError, match="nothing named 'nosuch'") as refused:
        subject_named("nosuch")
    assert all(subject.name in refused.value.hint for subject in SUBJECTS)


# --- programs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_size_decides_its_program(pattern: str) -> None:
    """Every run does the same work."""
    left, right = (program(1 << 10, pattern, 500) for _ in range(2))
    assert left.filling.tolist() == right.filling.tolist()
    assert left.traffic.tolist() == right.traffic.tolist()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_program_frees_live_blocks_and_stays_about_half_full(pattern: str) -> None:
    """Each block once, with its order."""
    pages = 1 << 14
    what = program(pages, pattern, 5000)
    live = dict(enumerate(orders_of(what.filling).tolist()))
    used = sum(1 << order for order in live.values())
    assert pages // 2 <= used < pages // 2 + (1 << 10)
    for at, (code, argument, operand) in enumerate(what.traffic.tolist(), len(what.filling)):
        if code == 1:
            live[at] = argument & 255
            used += 1 << live[at]
        else:
            assert live.pop(operand) == argument & 255
            used -= 1 << (argument & 255)
        assert pages * 0.35 < used < pages * 0.65


def test_lifo_frees_the_newest() -> None:
    """And random does not."""
    what = program(1 << 12, "LIFO", 1000)
    live = list(range(len(what.filling)))
    for at, (code, _, operand) in enumerate(what.traffic.tolist(), len(live)):
        if code == 1:
            live.append(at)
        else:
            assert operand == live.pop()
    assert what.traffic.tolist() != program(1 << 12, "random", 1000).traffic.tolist()


def test_blocks_of_the_filling_are_named_by_their_frames() -> None:
    """And those of the traffic by reference within it."""
    what = program(1 << 10, "random", 500)
    first = len(what.filling)
    rows = after_filling(what, what.filling[:, 0] * 0 + 7000)
    old = (what.traffic[:, 0] != 1) & (what.traffic[:, 2] < first)
    new = (what.traffic[:, 0] != 1) & ~old
    assert old.any()
    assert new.any()
    assert (rows[old, 2] == 7000).all()
    assert (rows[new, 2] == what.traffic[new, 2] - first).all()
    assert set(rows[old, 0].tolist()) == {2}
    assert set(rows[new, 0].tolist()) == {2 | 16}
