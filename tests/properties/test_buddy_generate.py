"""Operations of the machine ``buddy``: what its generator makes, and which clauses that reaches."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties.drawing import EVERYTHING, HEADERS, RECORDS, bytes_of, capabilities
from tests.properties.tampered import BUDDY, session
from tests.spec.model import Model

from mmimpl.physical.buddy import Buddy
from mmprops.lockstep import explore, rerun
from mmprops.machine import HEADER, RECORD
from mmprops.machines.physical import buddy_generate
from mmprops.machines.physical.buddy import draw
from mmprops.program import records
from mmspec.clause import Clause, reached
from mmspec.errors import ENOMEM
from mmspec.physical.buddy import BUDDY as LAW
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import fallback, lists
from mmspec.physical.buddy.ops import Alloc, Config
from mmspec.physical.buddy.state import FreeLists
from mmspec.profile import Profile, profile_named
from mmspec.words import words_of


def made(header: bytes, promised: Any, records: list[bytes]) -> list[tuple[str, Any, Any]]:
    """Return what the generator makes on a zone that Linux's choices take on."""
    config = draw(header, promised)
    model, generator, found = Model(config), BUDDY.generator(header, config, promised), []
    for record in records:
        step = generator.request(record, model.zone)
        if step is not None:
            found.append(step)
            generator.note(len(found) - 1, step[0], step[1], model.ask(step[1]))
    return found


@given(HEADERS, st.lists(st.just(bytes(RECORD)), max_size=5))
def test_the_all_zero_record_is_no_operation(header: bytes, zeros: list[bytes]) -> None:
    """Zeroing bytes deletes."""
    assert made(header, EVERYTHING, zeros) == []


@given(HEADERS, RECORDS, st.integers(0, 40))
def test_a_zeroed_record_is_as_if_it_were_not_there(header: bytes, records: list[bytes], at: int) -> None:
    """The others make what they make without it."""
    assert made(header, EVERYTHING, [*records[:at], bytes(RECORD), *records[at:]]) == made(header, EVERYTHING, records)


@given(HEADERS, RECORDS)
def test_the_same_bytes_make_the_same_program(header: bytes, records: list[bytes]) -> None:
    """Nothing else decides."""
    assert made(header, EVERYTHING, records) == made(header, EVERYTHING, records)


@given(HEADERS, RECORDS, capabilities())
def test_every_operand_is_in_its_word_s_range(header: bytes, records: list[bytes], promised: dict[str, Any]) -> None:
    """So that a program can be written to a file and read again."""
    for _, request, _ in made(header, promised, records):
        kind: type = type(request)
        for name, word in words_of(kind).items():
            assert word.lo <= getattr(request, name) <= word.hi, request


@given(HEADERS, RECORDS, capabilities())
def test_only_operations_that_the_capabilities_allow_are_made(
    header: bytes, records: list[bytes], promised: dict[str, Any]
) -> None:
    """An operation that requires a capability waits for it."""
    for name, _, _ in made(header, promised, records):
        assert name not in BUDDY.requires or promised[BUDDY.requires[name]]


@given(HEADERS, RECORDS, capabilities())
def test_fields_that_are_not_sent_have_their_defaults(header: bytes, records: list[bytes], promised: dict[str, Any]) -> None:
    """The law judges what the client was asked."""
    for name, request, _ in made(header, promised, records):
        sent = BUDDY.sent(promised).get(name)
        for field in attrs.fields(type(request)):
            assert sent is None or field.name in sent or getattr(request, field.name) == field.default


@given(HEADERS, RECORDS, capabilities())
def test_orders_asked_for_are_served(header: bytes, records: list[bytes], promised: dict[str, Any]) -> None:
    """Not below min_order; above the zone's largest only where that is checked."""
    config = draw(header, promised)
    for name, request, _ in made(header, promised, records):
        if name == "alloc":
            assert request.order >= promised["min_order"]
            assert request.order <= config.max_order or promised["checked_alloc"]


@given(HEADERS, RECORDS, capabilities())
def test_an_unlawful_free_is_sent_only_where_it_is_checked(header: bytes, records: list[bytes], promised: dict[str, Any]) -> None:
    """Anything else frees exactly one live block, and says where it came from."""
    config = draw(header, promised | {"checked_free": False, "pageblocks": False})
    model, generator = Model(config), BUDDY.generator(header, config, promised | {"checked_free": False, "pageblocks": False})
    steps = 0
    for record in records:
        step = generator.request(record, model.zone)
        if step is None:
            continue
        name, request, refs = step
        result = model.ask(request)
        if name == "free":
            assert not result.failed, request
            assert set(refs) == {"pfn"}
        generator.note(steps, name, request, result)
        steps += 1


@pytest.fixture(scope="module")
def histories() -> list[Any]:
    """What came of forty programs of 500 steps."""
    return [explore(BUDDY, session(Buddy), Profile.KERNEL_6_12, bytes_of(seed)) for seed in range(40)]


def test_every_operation_is_made(histories: list[Any]) -> None:
    """Over forty programs."""
    names = Counter(name for outcome in histories for name, _, _ in outcome.made)
    assert set(names) == {operation.name for operation in LAW.operations}


def test_misuse_is_made(histories: list[Any]) -> None:
    """Frees of what is no live block, and orders that do not exist."""
    frees = [(request, refs) for outcome in histories for name, request, refs in outcome.made if name == "free"]
    assert sum(not refs for _, refs in frees) > 100
    above = [
        request
        for outcome in histories
        for name, request, _ in outcome.made
        if name == "alloc" and request.order > outcome.config.max_order
    ]
    assert above


def test_operations_differ_between_programs(histories: list[Any]) -> None:
    """Swarm: each of the rare ones is missing from some program and present in another."""
    rare = {operation.name for operation in LAW.operations} - {"alloc", "free"}
    present = [rare & {name for name, _, _ in outcome.made} for outcome in histories]
    assert set().union(*present) == rare
    assert {name for name in rare if all(name in names for names in present)} <= {"free_count", "free_blocks"}


@pytest.mark.parametrize("profile", ["linux", "kernel-6.1", "any"])
def test_every_clause_is_reached(profile: str) -> None:
    """All that a run under the profile is held to, by its programs alone, within 200 of them."""
    held_to = profile_named(profile)
    missing = {clause for clause in LAW.clauses if held_to.holds_to(clause)}
    for seed in range(200):
        reached.clear()
        assert explore(BUDDY, session(Buddy, profile), held_to, bytes_of(seed)).broken is None
        missing -= reached
        if not missing:
            break
    assert missing == set()


def test_without_the_rare_operations_their_clauses_are_not_reached() -> None:
    """The measure can fail."""
    reached.clear()
    explore(BUDDY, session(Buddy, pageblocks=False), Profile.KERNEL_6_12, bytes_of(0))
    assert c.ISOLATE_DONE not in reached


SWEPT = bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0])
"""The header of a program that begins with a sweep, on 16 frames with blocks of up to eight."""


@given(st.integers(0, 1000))
def test_a_sweep_claims_the_whole_zone_in_the_largest_blocks(seed: int) -> None:
    """And asks once more, for a single frame."""
    steps = made(SWEPT, EVERYTHING | {"observe": False}, list(records(bytes_of(seed, 5))))
    assert [(name, request.order) for name, request, _ in steps[:4]] == [("alloc", 3), ("alloc", 3), ("alloc", 0), ("free", 3)]


@given(st.integers(0, 1000))
def test_what_was_taken_apart_is_asked_for_as_a_whole(seed: int) -> None:
    """Where nothing else is free: so each merge on the way to one frame is needed."""
    steps = made(SWEPT, EVERYTHING | {"observe": False}, list(records(bytes_of(seed, 60))))
    frees_and_allocs = [name if name == "free" else request.order for name, request, _ in steps[3:17]]
    assert frees_and_allocs == ["free", 2, 2, "free", 1, 1, "free", 0, 0, "free", "free", "free", "free", 3]


@pytest.mark.parametrize("frame", [0, 8, 15])
def test_a_sweep_comes_to_both_ends_of_the_zone_and_to_its_middle(frame: int) -> None:
    """The frame is handed out alone, and its buddy too, over twenty programs that hold nothing but a sweep."""
    alone = Counter()
    for seed in range(20):
        outcome = explore(BUDDY, session(Buddy, observe=False), Profile.ANY, SWEPT + bytes_of(seed, 45)[HEADER:])
        alone.update(pfn for (_, request, _), pfn in zip(outcome.made, outcome.values, strict=True) if request == Alloc(0))
    assert alone[frame] >= 3
    assert alone[frame ^ 1] >= 3


def test_a_zone_of_many_largest_blocks_is_not_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take the rest of a program; the measure can fail."""

    def whole() -> bool:
        steps = made(SWEPT, EVERYTHING | {"observe": False}, list(records(bytes_of(0, 3))))
        return [getattr(request, "order", None) for _, request, _ in steps] == [3, 3, 0]

    assert whole()
    monkeypatch.setattr(buddy_generate, "CLAIMS", 1)
    assert not whole()


@given(st.integers(0, 1000))
def test_a_sweep_goes_on_where_a_client_fails(seed: int) -> None:
    """As one that may fail, or keeps blocks to itself: what it did not hand out is not given back."""
    config = draw(SWEPT, EVERYTHING)
    model, generator, live = Model(config), BUDDY.generator(SWEPT, config, EVERYTHING), set()
    for step, record in enumerate(records(bytes_of(seed, 60))):
        name, request, _ = generator.request(record, model.zone) or ("none", None, {})
        result = ENOMEM if name == "alloc" and record[7] % 3 == 0 else model.ask(request) if request else None
        if name == "alloc" and not result.failed:
            live.add((result.pfn, request.order))
        if name == "free" and not result.failed:
            live.remove((request.pfn, request.order))
        if request is not None:
            generator.note(step, name, request, result)
    assert {block[:2] for block in generator.live} <= live


REFUSALS = {clause for clause in LAW.clauses if clause.id.endswith(("-ARGS", "-BUSY", "-REFUSED", "-NONE"))} - {c.CLAIM_REFUSED}


class Heard(Buddy):
    """The implementation, which remembers what it answered since it was made last."""

    answers: ClassVar[list[Any]] = []

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        super().__init__(config, kernel)
        self.answers.clear()

    def apply(self, request: Any) -> Any:
        """Answer, and remember it."""
        self.answers.append(super().apply(request))
        return self.answers[-1]


def test_a_refusal_is_reached_only_where_it_is_asked_for() -> None:
    """Forty programs reach every refusal; without the steps that were refused, the same programs reach none."""
    asked: set[Clause] = set()
    for seed in range(40):
        reached.clear()
        outcome = explore(BUDDY, session(Heard), Profile.KERNEL_6_12, bytes_of(seed))
        asked |= reached & REFUSALS
        refused = {step for step, answer in enumerate(Heard.answers) if answer.failed and answer.name != "ENOMEM"}
        reached.clear()
        again = rerun(BUDDY, session(Heard), Profile.KERNEL_6_12, outcome.program.without(refused))
        assert again.judged == outcome.judged - len(refused)
        assert reached & REFUSALS == set()
    assert asked == REFUSALS


@pytest.mark.parametrize("profile", ["kernel-6.12", "kernel-6.1"])
def test_each_half_that_is_split_off_comes_to_an_empty_list(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no list tells whether it went to the head or the tail, as the sentence of BUDDY-EXPAND says."""
    split, expand = [], lists.expand

    def looking(before: FreeLists, pfn: int, order: int, have: int, migratetype: int) -> FreeLists:
        split.append(have - order)
        assert all(lists.first_listed(before, half, migratetype) >= lists.NOBODY for half in range(order, have))
        return expand(before, pfn, order, have, migratetype)

    monkeypatch.setattr(lists, "expand", looking)
    monkeypatch.setattr(fallback, "expand", looking)
    for seed in range(20):
        assert explore(BUDDY, session(Buddy, profile), profile_named(profile), bytes_of(seed)).broken is None
    assert max(split) > 5
