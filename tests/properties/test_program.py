"""Programs: references, leaving steps out, and the bytes that describe them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmprops.clients.wire import Ref
from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmprops.program import Program, main_value, program_bytes, records, refs_of, resolved, with_refs
from mmspec.errors import DONE, ENOMEM
from mmspec.physical.buddy.ops import Alloc, Config, Free, Page, Putback

BUDDY = machine_named("buddy")
CONFIG = Config(0, 64, 4)


def program(*steps: tuple[str, object]) -> Program:
    """Return a program on a small zone."""
    return Program("buddy", CONFIG, steps)


FOUR = program(("alloc", Alloc(0)), ("alloc", Alloc(1)), ("free", Free(Ref(1), 1)), ("free", Free(Ref(0), 0)))


def test_leaving_out_nothing_changes_nothing() -> None:
    """The program is equal to what it was."""
    assert FOUR.without(set()) == FOUR


def test_references_are_renumbered() -> None:
    """The free of what step 1 gave refers to step 0 once step 0 is gone."""
    assert FOUR.without({0}).steps == (("alloc", Alloc(1)), ("free", Free(Ref(0), 1)))


def test_what_refers_to_a_step_goes_with_it() -> None:
    """Without its allocation a free has nothing to free."""
    assert FOUR.without({1}).steps == (("alloc", Alloc(0)), ("free", Free(Ref(0), 0)))


def test_a_step_that_nobody_refers_to_goes_alone() -> None:
    """The rest stays."""
    assert FOUR.without({2}).steps == (FOUR.steps[0], FOUR.steps[1], ("free", Free(Ref(0), 0)))


@st.composite
def linked_programs(draw: st.DrawFn) -> Program:
    """Return programs in which steps refer to any earlier allocation, or to none."""
    steps: list[tuple[str, object]] = []
    for _ in range(draw(st.integers(0, 12))):
        allocs = [index for index, (name, _) in enumerate(steps) if name == "alloc"]
        if allocs and draw(st.booleans()):
            steps.append(("free", Free(Ref(draw(st.sampled_from(allocs))), draw(st.integers(0, 3)))))
        else:
            steps.append(("alloc", Alloc(draw(st.integers(0, 3)))))
    return program(*steps)


@given(linked_programs(), st.sets(st.integers(0, 11)))
def test_every_reference_still_means_the_same_step(whole: Program, dropped: set[int]) -> None:
    """Whatever is left out: kept steps are in order, and refer to the very steps they referred to."""
    kept: list[int] = []
    for index, (_, request) in enumerate(whole.steps):
        if index not in dropped and all(step in kept for step in refs_of(request).values()):
            kept.append(index)
    left = whole.without(dropped)
    assert [name for name, _ in left.steps] == [whole.steps[index][0] for index in kept]
    for index, (_, request) in zip(kept, left.steps, strict=True):
        meant = {field: kept[step] for field, step in refs_of(request).items()}
        assert meant == refs_of(whole.steps[index][1])


def test_references_are_put_in_and_found() -> None:
    """``refs_of`` finds what ``with_refs`` put in."""
    assert refs_of(with_refs(Free(0x10, 2), {"pfn": 3})) == {"pfn": 3}


def test_a_request_without_references_has_none() -> None:
    """Plain numbers are not references."""
    assert refs_of(Free(3, 2)) == {}


def test_references_are_resolved_by_value() -> None:
    """Each stands for the value of its step."""
    assert resolved(Free(Ref(1), 2), [None, 0x40].__getitem__) == Free(0x40, 2)


def test_a_reference_to_a_step_without_a_value_resolves_to_nothing() -> None:
    """Such a step is not carried out."""
    assert resolved(Free(Ref(0), 2), [None, 0x40].__getitem__) is None


def test_frame_0_is_a_value() -> None:
    """Nought is not nothing."""
    assert resolved(Free(Ref(0), 2), [0].__getitem__) == Free(0, 2)


@pytest.mark.parametrize(
    ("name", "result", "value"), [("alloc", Page(7), 7), ("alloc", Page(0), 0), ("alloc", ENOMEM, None), ("free", DONE, None)]
)
def test_a_result_s_main_value_is_what_later_steps_refer_to(name: str, result: object, value: int | None) -> None:
    """Only a success of an operation with a main field has one."""
    assert main_value(BUDDY.component.operation(name), result) == value


@given(st.integers(0, 5).flatmap(lambda n: st.binary(min_size=HEADER + n * RECORD, max_size=HEADER + n * RECORD + RECORD - 1)))
def test_records_are_what_follows_the_header(data: bytes) -> None:
    """Whole records only: a rest at the end is no operation."""
    found = records(data)
    assert all(len(record) == RECORD for record in found)
    assert data[HEADER:].startswith(b"".join(found))
    assert len(data) - HEADER - len(b"".join(found)) < RECORD


@given(program_bytes(7))
def test_a_program_is_one_draw_of_fixed_size(data: bytes) -> None:
    """A header and seven records."""
    assert len(data) == HEADER + 7 * RECORD


def test_equal_steps_of_other_operations_are_other_steps() -> None:
    """A free and a putback of one block differ by name and record."""
    assert program(("free", Free(1, 0))) != program(("putback", Putback(1, 0)))
