"""What is false of a function is not proved, by whatever way the prover is led there."""

from __future__ import annotations

from typing import Annotated, Any

import attrs
import pytest
from tests.proofs.lifting import DOWN

from mmimpl.engine import Cells, Shape
from mmproofs.bases import gap
from mmproofs.lift.counting import Property
from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, Verdict, bound
from mmproofs.prove_case import decide
from mmproofs.solve import decide_all
from mmspec.loop import Loop
from mmspec.pmap import PMap, somewhere
from mmspec.words import Order, Pfn, PfnEnd, Word

Low = Annotated[int, Word("low", bits=4, lo=0, hi=9)]
"""A word of as many bits as an Order, and of fewer values."""

# --- what is relied on ----------------------------------------------------------------------------------------------------


def low(n: Order) -> bool:
    """The number is low."""
    return n <= 5


def low_before(n: Order, after: Order) -> bool:
    """The number was low, whatever came of it."""
    return n <= 5


def halve(n: Order) -> Order:
    """Return half of n."""
    return n >> 1


def call_halve(n: Order) -> Order:
    """Call with any number."""
    return halve(n)


HALVE = Contract("HALVE", halve, (("", low_before),), requires=(low,))
HALVE_PROVED = Obligation("HALVE", (), "", halve, low_before, given=(low,))
CALL = Obligation("CALL", (), "", call_halve, low_before, contracts=(HALVE,), rests_on=("HALVE",))


def by_id(*obligations: Obligation) -> dict[str, Obligation]:
    """Return obligations by id."""
    return {obligation.id: obligation for obligation in obligations}


def complaint(obligation: Obligation, *bases: Obligation) -> str:
    """Return why an obligation that was decided does not count."""
    outcome = decide(obligation, {})
    return gap(obligation, by_id(obligation, *bases), outcome.relied) if outcome.verdict is Verdict.PROVED else outcome.reason


def test_what_a_contract_requires_is_relied_on_where_there_is_a_goal() -> None:
    """A goal that follows from what is ensured at an unlawful call needs a base that claims the call lawful."""
    assert "on the way" in complaint(CALL, HALVE_PROVED)


def test_a_base_that_runs_the_text_does_not_prove_that_it_may_be_called() -> None:
    """A base without the contract claims nothing of what the contract requires."""
    plain = Obligation("PLAIN", (), "", call_halve)
    assert "on the way" in complaint(attrs.evolve(CALL, rests_on=("HALVE", "PLAIN")), HALVE_PROVED, plain)


def entered_low(was_n: Order, n: Order) -> bool:
    """The loop was entered low."""
    return (was_n <= 5) & (n <= was_n)


FROM_LOW = LoopInvariant(DOWN, entered_low, "STEP")


def go_down(n: Order) -> Order:
    """Enter the loop from anywhere, which its invariant does not allow."""
    result: Order
    (result,) = DOWN.run(n)
    return result


STEP = Obligation("STEP", (), "", FROM_LOW)
GO = Obligation("GO", (), "", go_down, low_before, cuts=(FROM_LOW,), rests_on=("STEP",))


def test_the_entry_of_a_loop_is_relied_on_where_there_is_a_goal() -> None:
    """A goal that follows from the invariant of a loop entered unlawfully needs a base that claims the entry."""
    assert "on the way" in complaint(GO, STEP)


def entered_anywhere(was_n: Order, n: Order) -> bool:
    """The loop may be entered from anywhere."""
    return n <= was_n


def test_a_base_with_another_invariant_does_not_prove_the_entry() -> None:
    """That a loop is entered lawfully by one invariant says nothing about another."""
    other = LoopInvariant(DOWN, entered_anywhere, "OTHER")
    plain = Obligation("PLAIN", (), "", go_down, cuts=(other,), rests_on=("OTHER",))
    assert "on the way" in complaint(attrs.evolve(GO, rests_on=("STEP", "PLAIN")), STEP, plain)


# --- what a base proves ---------------------------------------------------------------------------------------------------


def test_obligations_do_not_rest_on_themselves() -> None:
    """A function that calls itself by its contract is not proved to keep it, by whatever way round."""
    first, second = (Obligation(name, (), "", halve, low_before, rests_on=(other,)) for name, other in ("AB", "BA"))
    assert "rests on itself" in gap(first, by_id(first, second), 0)


@pytest.mark.parametrize(
    "narrowed", [{"types": {"n": Low}}, {"choices": {"n": 3}}, {"each": {"n": (1, 2)}}], ids=lambda part: next(iter(part))
)
def test_a_contract_is_not_proved_of_fewer_arguments(narrowed: dict[str, Any]) -> None:
    """What is proved of some values of an argument is no contract, which is used of all."""
    base = attrs.evolve(HALVE_PROVED, **narrowed)
    assert "no base proves that halve ensures" in gap(CALL, by_id(CALL, base), 0)


@pytest.mark.parametrize(
    "narrowed", [{"choices": {"n": 3}}, {"invariants": (low,)}, {"goal": low}], ids=lambda part: next(iter(part))
)
def test_a_step_is_not_proved_of_fewer_states(narrowed: dict[str, Any]) -> None:
    """What is proved of some states at a loop's head is no invariant of the loop."""
    assert "no base proves the invariant" in gap(GO, by_id(GO, attrs.evolve(STEP, **narrowed)), 0)


@pytest.mark.parametrize("limit", [{"bounds": {"n": "<= 3"}}, {"assumptions": ("so it is",)}], ids=lambda part: next(iter(part)))
def test_what_limits_a_base_limits_what_rests_on_it(limit: dict[str, Any]) -> None:
    """A bound or an assumption of a base is one of whatever rests on it, and said there."""
    assert "say so" in gap(CALL, by_id(CALL, attrs.evolve(HALVE_PROVED, **limit)), 0)


def high(n: Pfn) -> Order:
    """Call with what is no order."""
    return halve(n)


def is_low(after: Order) -> bool:
    """Half an order is below eight."""
    return after < 8


def test_arguments_of_a_contract_fit_their_declared_words() -> None:
    """A contract speaks of arguments in their declared ranges: that they are there is claimed at the call."""
    ensured = Contract("LOW", halve, (("", is_low),))
    outcome = decide(Obligation("T", (), "", high, contracts=(ensured,)), {})
    assert outcome.verdict is Verdict.REFUTED
    assert "halve's n fits order" in outcome.reason


def as_orders(marks: PMap[Pfn, Pfn]) -> PMap[Pfn, Order]:
    """Pass a map of wide words off as one of narrow ones."""
    return marks


def test_a_map_holds_no_wider_words_than_declared() -> None:
    """A map that may hold what its declared words cannot is no result of that declaration."""
    outcome = decide(Obligation("T", (), "", as_orders, straight=True), {})
    assert outcome.verdict is Verdict.ERROR
    assert "map of pfn" in outcome.reason


# --- what helps, and is relied on -----------------------------------------------------------------------------------------


def look(marks: PMap[Pfn, Order], key: Pfn) -> Order:
    """Return what is there, if anything."""
    return marks.get(key, 15)


def marked(marks: PMap[Pfn, Order], key: Pfn) -> Order:
    """Look where nothing need be."""
    return marks[key]


def is_marked_itself(marks: PMap[Pfn, Order], key: Pfn) -> bool:
    """Say what is true wherever it means anything."""
    return marks[key] == marks[key]


def is_there(marks: PMap[Pfn, Order], key: Pfn) -> bool:
    """Something is there."""
    return key in marks


@pytest.mark.parametrize("also", [marked, is_marked_itself], ids=lambda value: value.__name__)
def test_what_helps_is_not_relied_on_to_be_defined(also: Any) -> None:
    """A key that only a helping function takes to be there is claimed to be there."""
    outcome = decide(Obligation("T", (), "", look, is_there, also=(also,)), {})
    assert outcome.verdict is Verdict.REFUTED


# --- what is of one path only ---------------------------------------------------------------------------------------------


def either(n: Low | Order) -> Order:
    """Take one of two words that have as many bits."""
    return n


def not_ten(after: Order) -> bool:
    """What is true of the one that comes first."""
    return (after ^ 1) < 10


def test_what_is_proved_of_one_type_is_not_proved_of_another() -> None:
    """An argument of two types has a path of its own for each: a claim that reads alike in both is decided in both."""
    outcome = decide(Obligation("T", (), "", either, not_ten, straight=True), {})
    assert outcome.verdict is Verdict.REFUTED


def any_low(n: Low | Order, m: Order) -> bool:
    """A hypothesis about an argument of two types."""
    return n + m < 64


def test_a_hypothesis_is_about_one_type() -> None:
    """The declared range of one type is not assumed of the other."""

    def first(n: Low | Order, m: Order) -> Order:
        return n

    outcome = decide(Obligation("T", (), "", first, not_ten, invariants=(any_low,), straight=True), {})
    assert outcome.verdict is Verdict.ERROR
    assert "several types" in outcome.reason


def is_order(place: Pfn, value: Order, order: Order) -> bool:
    """The entry has the order."""
    return value == order


def same(marks: PMap[Pfn, Order], order: Order) -> Order:
    """Return the order."""
    return order


def somewhere_or_low(marks: PMap[Pfn, Order], order: Order) -> bool:
    """A hypothesis that looks through a map."""
    return somewhere(marks, is_order, order) or order <= 5


def test_a_hypothesis_has_no_witness() -> None:
    """Of a search in a hypothesis neither answer may be assumed."""
    outcome = decide(Obligation("T", (), "", same, bound(low, n="after"), invariants=(somewhere_or_low,), straight=True), {})
    assert outcome.verdict is Verdict.ERROR
    assert "somewhere() inside a predicate" in outcome.reason


# --- loops ----------------------------------------------------------------------------------------------------------------


def pair_more(pair: tuple[Order, Order]) -> bool:
    """Tell whether the first number can go down."""
    return pair[0] > 0


def pair_down(pair: tuple[Order, Order]) -> tuple[Any, ...]:
    """Move one from the first number away."""
    return ((pair[0] - 1, pair[0]),)


def pair_left(pair: tuple[Order, Order]) -> int:
    """Return how far."""
    return pair[0]


PAIR = Loop("pair", pair_more, pair_down, pair_left)


def low_second(pair: tuple[Order, Order]) -> bool:
    """The second number is at most three, which is so at the entry only."""
    return pair[1] <= 3


def go_down_in_a_pair(n: Order) -> Order:
    """Return what the second number is in the end."""
    ((_, second),) = PAIR.run((n, 0))
    result: Order = second
    return result


def at_most_three(after: Order) -> bool:
    """What the invariant says."""
    return after <= 3


def test_a_loop_changes_the_members_of_a_tuple() -> None:
    """What a step changes inside a tuple is unknown behind the loop, and at its head."""
    cut = LoopInvariant(PAIR, pair_more, "STEP")
    behind = decide(Obligation("T", (), "", go_down_in_a_pair, bound(not_ten, after="after"), cuts=(cut,)), {})
    assert behind.verdict is not Verdict.PROVED
    assert decide(Obligation("T", (), "", LoopInvariant(PAIR, low_second)), {}).verdict is not Verdict.PROVED


def steps_down(n: Order, next_n: Order) -> bool:
    """A lemma about a step."""
    return next_n < n


def anything(n: Order) -> bool:
    """No invariant: it does not survive the last step."""
    return n > 0


def test_a_step_has_no_goal_of_its_own() -> None:
    """A goal beside the invariant would make what the step claims another obligation's to prove."""
    wrong = LoopInvariant(DOWN, anything, also_step=(steps_down,))
    outcome = decide(Obligation("T", (), "", wrong, goal=low), {})
    assert outcome.verdict is Verdict.ERROR
    assert "a loop's step" in outcome.reason


def test_no_case_is_no_proof() -> None:
    """An obligation that is split by no values is decided in no case."""
    outcome, _ = decide_all(Obligation("T", (), "", halve, low_before, each={"n": ()}))
    assert outcome.verdict is Verdict.ERROR


# --- names ----------------------------------------------------------------------------------------------------------------


def is_zero(place: Pfn, marks: PMap[Pfn, Order]) -> bool:
    """Is marked with nought."""
    return marks.get(place, 15) == 0


def is_one(place: Pfn, marks: PMap[Pfn, Order]) -> bool:
    """Is marked with one."""
    return marks.get(place, 15) == 1


def leave(marks: PMap[Pfn, Order], low: Pfn, high: PfnEnd) -> PMap[Pfn, Order]:
    """Change nothing."""
    return marks


def as_many(marks: PMap[Pfn, Order], low: Pfn, high: PfnEnd) -> bool:
    """As many places are marked with nought as with one."""
    ones, zeros = Property("marked", is_one).of(marks), Property("marked", is_zero).of(marks)
    return ones.between(low, high) == zeros.between(low, high)


def test_two_properties_have_two_names() -> None:
    """Two properties of one name are not counted by one unknown function."""
    outcome = decide(Obligation("T", (), "", leave, as_many, straight=True), {})
    assert outcome.verdict is Verdict.ERROR
    assert "two properties are called marked" in outcome.reason


def sooner(after: Order, n: Order) -> Order:
    """Return the other argument."""
    return n


@pytest.mark.parametrize("beside", [{}, {"n": Low}], ids=str)
def test_no_two_values_have_one_name(beside: dict[str, Any]) -> None:
    """An argument may not be called what the prover calls something else."""
    subject = halve if beside else sooner
    outcome = decide(Obligation("T", (), "", subject, low_before, beside=beside, straight=True), {})
    assert outcome.verdict is Verdict.ERROR
    assert "stands for" in outcome.reason


# --- arrays ---------------------------------------------------------------------------------------------------------------

Spot = Annotated[int, Word("spot", bits=8, lo=0, hi=7)]
Size = Annotated[int, Word("size", bits=8, lo=1, hi=8)]
Wide = Annotated[int, Word("wide", bits=8, lo=1, hi=20)]


def size(board: Any) -> int:
    """Return how many cells a board has."""
    length: int = board.size
    return length


@attrs.frozen(eq=False)
class Board:
    """A record with an array."""

    size: Size
    cells: Annotated[Cells, Word("low", bits=4, lo=0, hi=9), Shape(Spot, size)]


@attrs.frozen(eq=False)
class WideBoard:
    """A record whose array may have more cells than its indices can name."""

    size: Wide
    cells: Annotated[Cells, Word("low", bits=4, lo=0, hi=9), Shape(Spot, size)]


@attrs.frozen(eq=False)
class Box:
    """A record that holds a record with an array."""

    board: Board


def write(board: Board) -> bool:
    """Write the first cell."""
    board.cells[0] = 5
    return True


def first_is_zero(board: Board) -> bool:
    """The first cell is nought, before."""
    return board.cells[0] == 0


def first_is_five(after_board: Board) -> bool:
    """The first cell is five, afterwards."""
    return after_board.cells[0] == 5


def write_and_read(board: Board) -> Low:
    """Let the first cell be written, and read it."""
    write(board)
    return board.cells[0]


def is_nought(after: Order) -> bool:
    """The answer is nought."""
    return after == 0


def is_five(after: Order) -> bool:
    """The answer is five."""
    return after == 5


def test_a_contract_speaks_of_arrays_before_and_after() -> None:
    """What is ensured of an array before the call is no truth about it afterwards, and what is ensured of it afterwards is."""
    contract = Contract("WRITE", write, (("", first_is_zero), ("FIVE", first_is_five)), requires=(first_is_zero,))
    calling = Obligation("T", (), "", write_and_read, given=(first_is_zero,), contracts=(contract,), straight=True)
    proved = [decide(attrs.evolve(calling, goal=goal), {}).verdict for goal in (is_nought, is_five)]
    assert proved == [Verdict.REFUTED, Verdict.PROVED]


def write_inside(box: Box) -> bool:
    """Write the first cell of what is inside."""
    box.board.cells[0] = 5
    return True


def read_inside(box: Box) -> Low:
    """Let what is inside be written, and read it."""
    before = box.board.cells[0]
    write_inside(box)
    return box.board.cells[0] ^ before


def test_what_a_forgotten_function_wrote_inside_a_record_is_unknown() -> None:
    """An array in a record in a record may be written as well."""
    outcome = decide(Obligation("T", (), "", read_inside, is_nought, forget=(write_inside,), straight=True), {})
    assert outcome.verdict is not Verdict.PROVED


def inside_unchanged(box: Box, after_box: Box) -> bool:
    """Nothing was written."""
    return box.board.cells[0] == after_box.board.cells[0]


def test_what_was_inside_a_record_is_kept() -> None:
    """The state before is not the state afterwards, however deep an array lies."""
    assert decide(Obligation("T", (), "", write_inside, inside_unchanged, straight=True), {}).verdict is Verdict.REFUTED


def read_wide(board: WideBoard, n: Wide) -> Low:
    """Read any cell."""
    return board.cells[n - 1]


def inside(board: WideBoard, n: Wide) -> bool:
    """The cell is there."""
    return n <= board.size


def test_indices_name_all_cells() -> None:
    """Where an array may be longer than its indices reach, two cells would be one."""
    outcome = decide(Obligation("T", (), "", read_wide, given=(inside,), straight=True), {})
    assert outcome.verdict is not Verdict.PROVED
    assert "index fits spot" in outcome.reason


def board_more(n: Order, board: Board) -> bool:
    """Tell whether n can go down."""
    return n > 0


def board_down(n: Order, board: Board) -> tuple[Any, ...]:
    """Write a cell on the way."""
    board.cells[0] = 5
    return n - 1, board


def board_left(n: Order, board: Board) -> int:
    """Return how far."""
    return n


BOARD = Loop("board", board_more, board_down, board_left)


def loop_and_read(n: Order, board: Board) -> Low:
    """Write in a loop and tell what has changed."""
    before = board.cells[0]
    BOARD.run(n, board)
    return board.cells[0] ^ before


def test_a_loop_over_arrays_is_an_error() -> None:
    """A step writes to an array in place, which a cut would not see."""
    cut = LoopInvariant(BOARD, entered_anywhere)
    outcome = decide(Obligation("T", (), "", loop_and_read, is_nought, cuts=(cut,)), {})
    assert outcome.verdict is Verdict.ERROR
    assert "holds arrays" in outcome.reason
