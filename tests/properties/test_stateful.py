"""The derived state machines: rules for every operation, judged as everything is, and open to rules of one's own."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from tests.properties import tampered
from tests.properties.tampered import BUDDY, session

from mmimpl.physical.buddy import Buddy
from mmprops.conform import ConformanceError
from mmprops.examples.python.mybuddy import Lowest
from mmprops.lockstep import Outcome, rerun
from mmprops.program import refs_of
from mmprops.stateful import LockstepMachine, operand, state_machine
from mmspec.component import Operation
from mmspec.errors import InputError
from mmspec.physical.buddy.ops import Alloc, Free
from mmspec.profile import Profile, profile_named

FINDING = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
WATCHING = settings(FINDING, max_examples=15)


def tried(machine: type[LockstepMachine]) -> Counter[tuple[str, str]]:
    """Run a machine and count its steps by operation and outcome."""
    seen: Counter[tuple[str, str]] = Counter()

    class Counting(machine):  # type: ignore[misc, valid-type]
        def carry_out(self, name: str, request: Any, refs: Any = None) -> Any:
            result = super().carry_out(name, request, refs)
            seen[name, "not asked" if result is None else result.name if result.failed else "done"] += 1
            return result

    run_state_machine_as_test(Counting, settings=settings(WATCHING, max_examples=40))
    machine.close()
    return seen


def found(machine: type[LockstepMachine], how: settings = FINDING) -> ConformanceError:
    """Run a machine until it breaks, and return the error of the last example."""
    with pytest.raises(ConformanceError) as caught:
        run_state_machine_as_test(machine, settings=how)
    return caught.value


# --- rules -----------------------------------------------------------------------------------------------------------


def test_there_is_a_rule_for_every_operation() -> None:
    """And one that resets."""
    rules = {rule.function.__name__ for rule in state_machine("buddy").setup_state().rules}
    assert rules == {operation.name for operation in BUDDY.component.operations}


def test_nothing_in_it_knows_the_machine() -> None:
    """A component of another name has the same machine."""
    renamed = attrs.evolve(BUDDY, component=attrs.evolve(BUDDY.component, name="other_thing"))
    assert state_machine(renamed).__name__ == "OtherThingMachine"
    assert state_machine("buddy").__name__ == "BuddyMachine"


def test_an_operation_may_not_be_named_as_a_method_is() -> None:
    """It would hide it."""
    operations = (attrs.evolve(BUDDY.component.operations[0], name="teardown"),)
    with pytest.raises(InputError, match="buddy has operations named teardown"):
        state_machine(attrs.evolve(BUDDY, component=attrs.evolve(BUDDY.component, operations=operations)))


def test_an_unknown_machine_or_profile_is_refused() -> None:
    """With the known ones."""
    with pytest.raises(InputError, match="unknown machine 'bubby'"):
        state_machine("bubby")
    with pytest.raises(InputError, match="unknown profile 'lunix'"):
        state_machine("buddy", profile="lunix")


@attrs.frozen
class Step:
    """One step that a machine took: whether something was live before it, and what came of it."""

    name: str
    live: bool
    outcome: str


@pytest.fixture(scope="module")
def history() -> tuple[list[Step], list[Outcome]]:
    """The steps and the outcomes of a hundred examples of the derived machine."""
    steps: list[Step] = []
    outcomes: list[Outcome] = []

    class Watching(state_machine("buddy")):  # type: ignore[misc]
        def carry_out(self, name: str, request: Any, refs: Any = None) -> Any:
            live = len(self.run.judge.state.allocated) > 0
            result = super().carry_out(name, request, refs)
            steps.append(Step(name, live, result.name if result.failed else "done"))
            return result

        def teardown(self) -> None:
            super().teardown()
            if hasattr(self, "run"):
                outcomes.append(self.run.finish())

    run_state_machine_as_test(Watching, settings=settings(WATCHING, max_examples=100))
    return steps, outcomes


def test_every_operation_is_done_and_refused(history: tuple[list[Step], list[Outcome]]) -> None:
    """What a request needs is often there: operands are borrowed from what earlier steps made."""
    seen = {(step.name, step.outcome) for step in history[0]}
    for operation in BUDDY.component.operations:
        assert (operation.name, "done") in seen, operation.name
        assert not operation.errors or any((operation.name, name) in seen for name in operation.errors), operation.name


def test_what_is_live_is_often_freed_lawfully(history: tuple[list[Step], list[Outcome]]) -> None:
    """With something to free, more than a quarter of the frees are lawful, and some are not."""
    lawful = [step.outcome == "done" for step in history[0] if step.name == "free" and step.live]
    assert len(lawful) > 50
    assert 0.25 < sum(lawful) / len(lawful) < 0.95


def test_borrowed_values_are_references(history: tuple[list[Step], list[Outcome]]) -> None:
    """A program is reported with a reference for every value that an earlier reply gave."""
    programs = [outcome.program for outcome in history[1]]
    referring = [(program, step) for program in programs for _, request in program.steps for step in refs_of(request).values()]
    assert len(referring) > 20
    assert {program.steps[step][0] for program, step in referring} == {"alloc"}


def test_what_it_tries_can_be_carried_out_again(history: tuple[list[Step], list[Outcome]]) -> None:
    """The programs are programs."""
    for outcome in history[1][::5]:
        again = rerun(BUDDY, session(Buddy), Profile.KERNEL_6_12, outcome.program)
        assert (again.broken, again.values) == (None, outcome.values)


# --- what it finds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "profile"),
    [(tampered.WrongFrame, "linux"), (tampered.SpuriousFailure, "linux"), (tampered.SpuriousFailure, "any")],
)
def test_a_wrong_answer_is_found_and_shrunk(make: type[tampered.Counting], profile: str) -> None:
    """The fourth allocation lies: at most one step more than four."""
    error = found(state_machine(attrs.evolve(BUDDY, implementation=make), profile=profile))
    assert 4 <= len(error.program.steps) <= 5
    held_to = profile_named(profile)
    broken = rerun(BUDDY, session(make, profile), held_to, error.program).broken
    assert broken is not None
    assert broken.clause == error.clause


class WrongEndAtOnce(tampered.WrongEnd):
    """From the first allocation on."""

    limit = 0


@pytest.mark.parametrize("make", [tampered.SilentCount, tampered.SilentType, WrongEndAtOnce], ids=lambda make: make.__name__)
def test_silent_corruption_and_wrong_places_are_found(make: type[tampered.Counting]) -> None:
    """By the recount after the last step, and by comparing what changed."""
    machine = state_machine(attrs.evolve(BUDDY, implementation=make))
    assert found(machine, settings(FINDING, max_examples=400, phases=[Phase.generate])).clause == "BUDDY-CHOICE"


def test_the_law_against_itself_is_never_wrong() -> None:
    """The specification's own choices, as a client."""
    run_state_machine_as_test(state_machine("buddy", client="spec"), settings=WATCHING)


# --- rules of one's own ----------------------------------------------------------------------------------------------


def test_rules_can_be_added() -> None:
    """They are judged, and may assert what they like."""
    pairs = []

    class Pairs(state_machine("buddy")):  # type: ignore[misc]
        @rule(order=st.integers(0, 3))
        def two_of_one_order(self, order: int) -> None:
            first, second = self.carry_out("alloc", Alloc(order)), self.carry_out("alloc", Alloc(order))
            assert first.failed or first != second
            pairs.append(order)

    run_state_machine_as_test(Pairs, settings=WATCHING)
    assert pairs


def test_rules_can_borrow_what_the_others_made() -> None:
    """From the bundle ``made``; the first of it is empty."""
    borrowed = []

    class Borrowing(state_machine("buddy")):  # type: ignore[misc]
        @rule(made=LockstepMachine.made)
        def free_what_was_made(self, made: Any) -> None:
            borrowed.append(dict(made.fields))
            if "pfn" in made.fields and "order" in made.fields:
                self.carry_out("free", Free(made.fields["pfn"], made.fields["order"]))

    run_state_machine_as_test(Borrowing, settings=settings(WATCHING, max_examples=40))
    assert {} in borrowed
    assert any({"order", "pfn", "migratetype"} <= fields.keys() for fields in borrowed)


def test_a_rule_of_one_s_own_can_fail() -> None:
    """As any assertion does."""

    class Wrong(state_machine("buddy")):  # type: ignore[misc]
        @rule()
        def never(self) -> None:
            raise AssertionError("a rule of mine")

    with pytest.raises(AssertionError, match="a rule of mine"):
        run_state_machine_as_test(Wrong, settings=FINDING)


# --- other people's implementations ----------------------------------------------------------------------------------


class Strict(Lowest):
    """A client that checks nothing: an unlawful request is its death."""

    def hello(self) -> dict[str, Any]:
        """Promise little."""
        return {"protocol": 1, "name": "strict", "machines": ["buddy"], "capabilities": {"min_order": 1, "observe": True}}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Refuse to be misused."""
        assert op in ("alloc", "free", "free_count", "free_blocks"), op
        if op == "alloc":
            assert set(args) == {"order"}
            assert 1 <= args["order"] <= self.max_order
        if op == "free":
            assert self.live.get(int(args["pfn"], 16)) == args["order"]
        return super().apply(op, args)


def test_a_client_is_asked_only_what_it_promises() -> None:
    """No unlawful request, no order it does not serve, no field it does not know."""
    seen = tried(state_machine("buddy", profile="any", client=Strict))
    assert {name for name, outcome in seen if outcome == "done"} == {"alloc", "free", "free_count", "free_blocks"}
    assert not any(outcome == "EINVAL" for _, outcome in seen)


def test_fields_that_a_client_does_not_know_keep_their_defaults() -> None:
    """The law judges what the client was asked."""
    requests: list[Any] = []

    class Watching(state_machine("buddy", profile="any", client=Strict)):  # type: ignore[misc]
        def carry_out(self, name: str, request: Any, refs: Any = None) -> Any:
            requests.append(request)
            return super().carry_out(name, request, refs)

    run_state_machine_as_test(Watching, settings=WATCHING)
    asked = [request for request in requests if type(request) is Alloc]
    assert asked == [Alloc(request.order) for request in asked]
    assert asked


class Careless(Strict):
    """Believes every free."""

    def hello(self) -> dict[str, Any]:
        """Promise to check, falsely."""
        return super().hello() | {"capabilities": {"checked_free": True, "checked_alloc": True}}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Say yes."""
        if op == "free" and self.live.get(int(args["pfn"], 16)) != args["order"]:
            return {"result": {}}
        return Lowest.apply(self, op, args)


def test_a_client_that_promises_to_check_is_asked_unlawful_things() -> None:
    """And found out."""
    assert found(state_machine("buddy", profile="any", client=Careless)).clause == "BUDDY-FREE-REFUSED"


class Refusing(Lowest):
    """Takes no zone."""

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        """Refuse."""
        return {"unsupported": "no zones today"}


def test_a_refused_configuration_is_no_failure() -> None:
    """Hypothesis is told to try another; a client that refuses all of them is no pass either."""
    with pytest.raises(Exception, match="Unable to satisfy"):
        run_state_machine_as_test(state_machine("buddy", profile="any", client=Refusing), settings=FINDING)


# --- operands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("near", "address", "default"), [((), False, None), ((10,), False, 0), ((0x100, 0x500), True, None), ((), True, None)]
)
def test_operands_stay_in_their_limits(near: tuple[int, ...], address: bool, default: int | None) -> None:
    """Whatever the landmarks are."""
    strategy = operand((0, 0xFFFF), near, address, default)
    values = examples(strategy)
    assert all(0 <= value <= 0xFFFF for value in values)
    assert {0, 0xFFFF} <= set(values)


def test_addresses_lie_mostly_between_the_landmarks() -> None:
    """And at them, and beside them."""
    values = examples(operand((0, (1 << 52) - 1), (0x100, 0x500), True, None))
    assert sum(0x100 <= value <= 0x501 for value in values) > len(values) // 2
    assert {0xFF, 0x100, 0x101, 0x4FF, 0x500, 0x501} <= set(values)


def test_a_default_is_drawn_about_half_of_the_time() -> None:
    """Where a word has one."""
    strategy = operand((0, (1 << 32) - 1), (), False, 77)
    values = [value for many in examples(st.lists(strategy, min_size=20, max_size=20)) for value in many]
    assert 0.25 < values.count(77) / len(values) < 0.75


def examples(strategy: st.SearchStrategy[Any]) -> list[Any]:
    """Return many values of a strategy."""
    values: list[Any] = []

    @settings(FINDING, max_examples=400)
    @given(strategy)
    def collect(value: Any) -> None:
        values.append(value)

    collect()
    return values


def test_operations_are_told_apart_by_capability() -> None:
    """Free is checked by ``checked_free``; what has no such capability is always checked."""
    machine = state_machine("buddy", profile="any", client=Strict)()
    operations: dict[str, Operation] = {operation.name: operation for operation in BUDDY.component.operations}
    assert [machine.checks(operations[name]) for name in ("free", "alloc", "isolate")] == [False, False, True]
