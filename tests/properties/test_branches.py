"""Which branches of the law a run takes, and what the law is asked beside it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from mmprops import branches
from mmprops.machines import MACHINES, machine_named
from mmprops.probing import another, knock, mistaken, near, questioned
from mmspec.clause import Clause
from mmspec.errors import DONE, InputError, LawError
from mmspec.physical.buddy import BUDDY
from mmspec.physical.buddy.ops import Config, Free, Page

PROGRAM = """
def half(number):
    if number:  # pragma: no cover
        return 1
    return 2

class Protocol:
    def method(self): ...
"""

OPERATIONS = 32_000
"""Operations of each run in which the law's branches must be taken."""

RARE = {"MEMBLOCK-FREE-ALL-PANIC", "MEMBLOCK-GROW-NESTED", "MEMBLOCK-ROOM-HALF"}
"""Clauses that so many operations need not meet: arrays that cannot grow, or grow while they grow. Their kills are on record."""


LEAST = {"memblock": 0.9, "memory_model": 0.9, "pages": 0.9, "vmstat": 0.9}
"""The share of branches that a machine must take, where it is not yet 95 %."""


def reached(*machines: str) -> dict[str, Any]:
    """Return what ``check --branches`` says of machines (all, where none is named)."""
    options = ["--branches", "--ops", str(OPERATIONS), "--format", "json"]
    command = [sys.executable, "-m", "mmspec_cli.main", "check", *machines, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    printed: dict[str, Any] = json.loads(done.stdout)
    assert printed["verdict"] == "pass"
    assert set(printed["clauses_missed"]) <= RARE
    return printed


@pytest.mark.by_turns(8)
@pytest.mark.parametrize("machine", MACHINES.names)
def test_check_reaches_the_law(machine: str) -> None:
    """Every clause of a machine is reached, and 95 % of the branches of its law's text are taken (LEAST says of which less)."""
    printed = reached(machine)
    assert set(printed["clauses"]) == {clause.id for clause in machine_named(machine).component.clauses}
    assert printed["branches"]["total"] > 50
    assert printed["branches"]["covered"] >= LEAST.get(machine, 0.95) * printed["branches"]["total"]


@pytest.mark.nightly
def test_check_reaches_the_whole_law() -> None:
    """Every clause is reached, and 95 % of the branches of the law's text are taken."""
    printed = reached()
    assert set(printed["clauses"]) == {clause.id for machine in MACHINES for clause in machine.component.clauses}
    assert printed["branches"]["covered"] >= 0.95 * printed["branches"]["total"]


def test_a_run_that_does_nothing_takes_no_branch() -> None:
    """Each branch of each of the law's files is then missing, those of files of which no line ran too."""
    _, taken = branches.measured([BUDDY], lambda: None)
    assert taken.covered == 0
    assert len(taken.missing) == taken.total > 200
    assert {"mmspec/physical/buddy/core.py", "mmspec/pmap.py"} <= {line.split(":")[0] for line in taken.missing}


def test_the_files_are_those_that_the_component_imports() -> None:
    """Its own modules and the law's common ones; what only lists or lints the law is not among them."""
    files = set(branches.law_files([BUDDY]))
    assert {"mmspec.physical.buddy.kinds", "mmspec.physical.buddy.fallback", "mmspec.linked", "mmspec.loop"} <= files
    assert not files & {"mmspec.components", "mmspec.dialect"}
    asking = set(branches.law_files([machine_named("page_alloc").component]))
    assert {"mmspec.physical.page_alloc.walk", "mmspec.loop"} <= asking
    assert not {name for name in asking if name.startswith(("mmspec.physical.zones", "mmspec.physical.watermarks"))}


def test_a_branch_that_is_not_taken_is_named_whatever_its_line_looks_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """A pragma leaves nothing out; a declaration without a text is left out, and said to be."""
    path = tmp_path / "mmspec" / "one.py"
    path.parent.mkdir()
    path.write_text(PROGRAM)
    monkeypatch.setattr(branches, "law_files", lambda components: {"mmspec.one": path})
    scope: dict[str, object] = {}
    exec(compile(PROGRAM, str(path), "exec"), scope)
    _, taken = branches.measured([], lambda: scope["half"](0))  # type: ignore[operator]
    assert taken == branches.Branches(1, 2, ("mmspec/one.py:3->4",), ("mmspec/one.py:8",))


def test_without_coverage_the_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how to get it: an empty measure would look like a bad one."""
    monkeypatch.setitem(sys.modules, "coverage", None)
    with pytest.raises(InputError, match="coverage is not installed"):
        branches.measured([BUDDY], lambda: None)


# --- other answers -----------------------------------------------------------------------------------------------------


def test_the_law_is_asked_about_other_answers() -> None:
    """Beside each judgement there are two more, of other answers; the verdict is that of the answer that was given."""
    asked: list[object] = []

    def allowed(state: object, request: object, result: object) -> None:
        asked.append(result)

    free = attrs.evolve(BUDDY.operation("free"), allowed=allowed, apply=lambda state, request, result: state)
    component = questioned(attrs.evolve(BUDDY, operations=(free,)), 0)
    assert component.operation("free").allowed(None, Free(0, 0), DONE) is None
    assert len(asked) == 3
    assert asked[-1] == DONE


def test_a_clause_of_nobody_is_a_defect_of_the_law() -> None:
    """What the law names of another answer must be a clause of the component."""
    stray = Clause("BUDDY-1", "Not the component's, though it has an id of it", "x")
    free = attrs.evolve(BUDDY.operation("free"), allowed=lambda state, request, result: stray)
    component = questioned(attrs.evolve(BUDDY, operations=(free,)), 0)
    with pytest.raises(LawError, match="no clause of the component"):
        component.operation("free").allowed(None, Free(0, 0), DONE)


def test_other_answers_are_of_the_operation_s_results() -> None:
    """An error that it has, or a record of its result."""
    operation, rng = BUDDY.operation("alloc"), random.Random(0)
    answers = [another(operation, Page(8), [Page(64)], rng) for _ in range(200)]
    assert {answer.name for answer in answers if answer.failed} == set(operation.errors)
    assert {type(answer) for answer in answers if not answer.failed} == {Page}
    assert {8, 64, 9, 63} <= {answer.pfn for answer in answers if not answer.failed}


def test_values_near_a_word_leave_its_range() -> None:
    """So that answers beyond every zone are asked about."""
    assert {7, 9, 10, 0, (1 << 52) - 1} <= set(near(Page(8), "pfn"))


# --- wrong configurations ------------------------------------------------------------------------------------------------


def test_wrong_configurations_are_refused_at_the_door() -> None:
    """Some of those with a spoilt field, by the law's own InputError."""
    assert knock(machine_named("buddy"), 5, 0) > 0


def test_a_door_that_breaks_is_a_defect() -> None:
    """Any other exception than InputError passes through."""

    def initial(config: object) -> object:
        raise KeyError("no such zone")

    machine = machine_named("buddy")
    with pytest.raises(KeyError):
        knock(attrs.evolve(machine, component=attrs.evolve(BUDDY, initial=initial)), 1, 0)


def test_a_configuration_is_spoilt_one_field_at_a_time() -> None:
    """Beyond its word by one, next to its value, and its rows in another order."""
    config = Config(0, 64, 3, ((1, 2), (4, 5)), 2)
    spoilt = list(mistaken(config))
    assert {-1, 16, 2, 4} <= {other.max_order for other in spoilt} | {other.pageblock_order for other in spoilt}
    assert ((4, 5), (1, 2)) in {other.holes for other in spoilt}
    for other in spoilt:
        assert sum(getattr(other, f.name) != getattr(config, f.name) for f in attrs.fields(Config)) == 1
