"""Clauses: what every rule of the law must look like."""

from __future__ import annotations

import re

import pytest

from mmprops.machines import LEVELS, MACHINES
from mmspec import clause as marks
from mmspec import promises
from mmspec.clause import Clause, by_id, rule
from mmspec.components import COMPONENTS

CLAUSES = {clause.id: clause for machine in MACHINES for clause in machine.component.clauses} | by_id(promises.CLAUSES)
KERNEL_TEXT = re.compile(r"(mm|include|kernel|arch|fs|lib|drivers)/[\w/.-]+\.[ch](:\w[\w ]*)?, v6\.\d+")
MANUAL_TEXT = re.compile(r'(Intel SDM \d[A-D]?|Arm ARM DDI 0487|RISC-V Privileged ISA), "[^"]+"')
OUR_TEXT = re.compile(r"INTERFACES \d(, .+)?|decision D\d+|what every implementation must keep")

each = pytest.mark.parametrize("clause", CLAUSES.values(), ids=repr)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_ids_are_unique(machine: object) -> None:
    """Two clauses of one component never share an id."""
    component = machine.component  # type: ignore[attr-defined]
    assert len(by_id(component.clauses)) == len(component.clauses)


def test_ids_are_unique_across_the_law() -> None:
    """An id names one clause of one component."""
    clauses = [clause for machine in MACHINES for clause in machine.component.clauses]
    assert len(by_id([*clauses, *promises.CLAUSES])) == len(clauses) + len(promises.CLAUSES)


def test_two_clauses_with_one_id_are_a_defect() -> None:
    """The table of clauses refuses the second."""
    with pytest.raises(ValueError, match="BUDDY-1 is used twice"):
        by_id([Clause("BUDDY-1", "One", "x"), Clause("BUDDY-1", "Two", "x")])


@each
def test_an_id_is_a_topic_and_a_place(clause: Clause) -> None:
    """Ids are capitals and numbers in groups, the last group naming a step: ``BUDDY-FREE-2c``."""
    assert re.fullmatch(r"[A-Z]+(-[A-Z0-9]+)*(-\d+(\.\d+)*[a-z]?)?", clause.id)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_ids_begin_with_the_component_s_name(machine: object) -> None:
    """A reader sees from the id where the clause lives."""
    component = machine.component  # type: ignore[attr-defined]
    assert [clause.id for clause in component.clauses if not clause.id.startswith(component.prefix)] == []


@each
def test_a_clause_is_one_sentence(clause: Clause) -> None:
    """It begins with a capital or a figure, has no full stop, and fits on two lines."""
    assert re.match(r"[A-Z0-9]", clause.sentence)
    assert not re.search(r"[.!?](\s|$)", clause.sentence)
    assert len(clause.sentence) <= 200


@each
def test_a_clause_says_where_it_was_read(clause: Clause) -> None:
    """Its source is a file of the kernel with its version, a section of a processor's manual by its title, or a text of ours."""
    assert any(text.fullmatch(clause.source) for text in (KERNEL_TEXT, MANUAL_TEXT, OUR_TEXT))


@each
def test_a_clause_holds_in_some_kernel_that_is_specified(clause: Clause) -> None:
    """since and until are kernels, in order."""
    kernels = ["6.1", "6.12"]
    since, until = kernels.index(clause.since or "6.1"), kernels.index(clause.until or "6.12")
    assert since <= until


def test_a_mark_is_remembered_until_somebody_clears_it() -> None:
    """``rule(C)`` adds C to what was reached."""
    before = set(marks.reached)
    marks.reached.clear()
    rule(promises.ONE_OWNER)
    reached = set(marks.reached)
    marks.reached |= before
    assert reached == {promises.ONE_OWNER}


def test_every_component_has_its_machine() -> None:
    """What the dialect lint and the proofs' matrix read is what is checked; each is listed under its name."""
    assert [machine.component for machine in MACHINES] == list(COMPONENTS)
    assert [component.name for component in COMPONENTS] == COMPONENTS.names == MACHINES.names


def test_the_levels_of_replay_are_those_of_the_machines() -> None:
    """They are listed beside the machines, so that nobody has to import these to know them."""
    assert {level: machine.name for machine in MACHINES for level in machine.replay} == LEVELS


def test_a_component_finds_its_clauses_by_id() -> None:
    """An unknown id is a KeyError."""
    component = MACHINES.named("buddy").component
    assert component.clause(component.choice.id) is component.choice
    with pytest.raises(KeyError):
        component.clause("BUDDY-0")


def test_a_component_finds_its_operations_by_name() -> None:
    """An unknown name is a KeyError."""
    component = MACHINES.named("buddy").component
    assert component.operation("free").name == "free"
    with pytest.raises(KeyError):
        component.operation("fre")
