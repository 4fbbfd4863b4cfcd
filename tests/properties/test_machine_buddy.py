"""The machine ``buddy``: what its generator makes, what capabilities allow and excuse, how states are compared and drawn."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any, ClassVar

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties.tampered import BUDDY, session
from tests.spec.model import Model

from mmimpl.physical.buddy import Buddy
from mmprops.clients.wire import Ref
from mmprops.lockstep import explore, rerun
from mmprops.machine import HEADER, RECORD
from mmprops.machines.physical.buddy import draw, picture, recount, simpler
from mmprops.program import Program
from mmspec.clause import Clause, reached
from mmspec.errors import EINVAL, ENOMEM
from mmspec.physical.buddy import BUDDY as LAW
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.core import block_over
from mmspec.physical.buddy.ops import MOVABLE, Alloc, Config, Free, Page
from mmspec.physical.buddy.state import span_of
from mmspec.profile import Profile, profile_named
from mmspec.words import ABSENT, words_of

HEADERS = st.binary(min_size=HEADER, max_size=HEADER)
RECORDS = st.lists(st.binary(min_size=RECORD, max_size=RECORD), max_size=40)
DEFAULTS = BUDDY.capable({})
EVERYTHING = session(Buddy).capabilities


def bytes_of(seed: int, steps: int = 500) -> bytes:
    """Return the bytes of a program."""
    return random.Random(seed).randbytes(HEADER + steps * RECORD)


@st.composite
def capabilities(draw: st.DrawFn) -> dict[str, Any]:
    """Return any capabilities that a client may promise."""
    named: dict[str, Any] = {
        name: draw(st.booleans())
        for name in ("observe", "migratetypes", "holes", "pageblocks", "checked_free", "checked_alloc", "power_of_two")
    }
    least = draw(st.sampled_from([0, 0, 0, 1, 3, 5]))
    named |= {
        "min_order": least,
        "max_order": draw(st.sampled_from([order for order in (0, 1, 3, 10, 11, 13) if order >= least])),
        "align": draw(st.sampled_from(["pfn", "zone"])),
        "max_pages": draw(st.sampled_from([1, 2, 7, 16, 100, 4096, 65536])),
        "max_pfn": hex(draw(st.sampled_from([0x3F, 0x40, 0xFFF, (1 << 32) - 1, (1 << 52) - 1]))),
    }
    return BUDDY.capable(named)


# --- configurations --------------------------------------------------------------------------------------------------


@given(HEADERS, capabilities())
def test_a_configuration_is_one(header: bytes, promised: dict[str, Any]) -> None:
    """Whatever the header and the capabilities: a zone that the law takes."""
    span_of(draw(header, promised))


@given(HEADERS, capabilities())
def test_a_zone_is_no_larger_than_max_pages(header: bytes, promised: dict[str, Any]) -> None:
    """In frames, holes included."""
    config = draw(header, promised)
    assert 1 <= config.end_pfn - config.start_pfn <= promised["max_pages"]


@given(HEADERS, capabilities())
def test_no_frame_is_above_max_pfn(header: bytes, promised: dict[str, Any]) -> None:
    """The last frame of the zone is end_pfn - 1."""
    assert draw(header, promised).end_pfn - 1 <= int(promised["max_pfn"], 16)


@given(HEADERS, capabilities())
def test_orders_are_those_served(header: bytes, promised: dict[str, Any]) -> None:
    """The zone's largest order lies between min_order and max_order."""
    assert promised["min_order"] <= draw(header, promised).max_order <= promised["max_order"]


@given(HEADERS, capabilities())
def test_sizes_are_powers_of_two_where_promised(header: bytes, promised: dict[str, Any]) -> None:
    """One bit is set in the number of frames."""
    config = draw(header, promised | {"power_of_two": True})
    assert (config.end_pfn - config.start_pfn).bit_count() == 1


@given(HEADERS, capabilities())
def test_only_who_can_gets_holes_and_pageblocks(header: bytes, promised: dict[str, Any]) -> None:
    """Each by its own capability."""
    config = draw(header, promised | {"holes": False, "pageblocks": False})
    assert (config.holes, config.pageblock_order) == ((), None)


def test_zones_are_tiny_and_large_even_and_odd_low_and_high() -> None:
    """Over 400 headers every kind of zone occurs."""
    rng = random.Random(0)
    zones = [draw(rng.randbytes(HEADER), EVERYTHING) for _ in range(400)]
    assert min(zone.end_pfn - zone.start_pfn for zone in zones) < 32
    assert max(zone.end_pfn - zone.start_pfn for zone in zones) > 16000
    assert {zone.start_pfn % 2 for zone in zones} == {zone.end_pfn % 2 for zone in zones} == {0, 1}
    assert {bool(zone.holes) for zone in zones} == {False, True}
    assert {zone.max_order for zone in zones} >= {3, 4, 10, 12}
    assert {zone.pageblock_order for zone in zones} >= {None, 1, 2, 3}
    for edge in (0, 1 << 20, 1 << 31, 1 << 32, 1 << 43, 1 << 52):
        assert any(abs(zone.start_pfn - edge) <= 3 * 16384 for zone in zones), hex(edge)


@given(HEADERS, capabilities())
def test_a_simpler_configuration_is_one(header: bytes, promised: dict[str, Any]) -> None:
    """Each can be tried, and none is the same."""
    config = draw(header, promised)
    for other in simpler(config):
        span_of(other)
        assert other != config


def test_simplifying_comes_to_an_end() -> None:
    """No configuration is simpler than itself, by any number of steps."""
    config = Config(0x1003, 0x1403, 10, holes=((0x1100, 0x1110),), pageblock_order=5)
    seen = set()
    todo = [config]
    while todo:
        config = todo.pop()
        assert len(seen) < 200
        for other in simpler(config):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    assert Config(0, 16, 10) in seen


# --- operations ------------------------------------------------------------------------------------------------------


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


# --- what capabilities excuse ----------------------------------------------------------------------------------------

FOUR = Config(0, 4, 2)


def tolerance(**named: Any) -> Any:
    """Return the tolerance of a run on four frames."""
    return BUDDY.tolerance(FOUR, BUDDY.capable(named))


def forgiven(held: Any, model: Model, order: int = 0) -> bool:
    """Tell whether ENOMEM is excused."""
    answer: bool = held.forgives(c.ALLOC_ENOMEM, model.zone, Alloc(order), ENOMEM)
    return answer


def test_enomem_is_not_excused_by_default() -> None:
    """Four free frames must serve."""
    assert not forgiven(tolerance(), Model(FOUR))


def test_who_may_fail_is_excused() -> None:
    """At any time."""
    assert forgiven(tolerance(may_fail=True), Model(FOUR))


@pytest.mark.parametrize(("clause", "answer"), [(c.ALLOC_ENOMEM, EINVAL), (c.ALLOC_FREE, Page(3)), (c.FREE_ACCEPTED, ENOMEM)])
def test_nothing_but_enomem_of_an_allocation_is_excused(clause: Any, answer: Any) -> None:
    """Not another error, a wrong frame, or a refused free."""
    assert not tolerance(may_fail=True, reserved=100).forgives(clause, Model(FOUR).zone, Alloc(0), answer)


@pytest.mark.parametrize(("reserved", "excused"), [(3, False), (4, True)])
def test_at_most_reserved_blocks_may_be_kept(reserved: int, excused: bool) -> None:
    """Four lawful blocks of one frame, none handed out yet."""
    assert forgiven(tolerance(reserved=reserved), Model(FOUR)) is excused


@pytest.mark.parametrize(("order", "blocks"), [(0, 4), (1, 2), (2, 1)])
def test_blocks_of_the_order_that_is_asked_for_are_counted(order: int, blocks: int) -> None:
    """Aligned places, not free blocks."""
    assert forgiven(tolerance(reserved=blocks), Model(FOUR), order)
    assert not forgiven(tolerance(reserved=blocks - 1), Model(FOUR), order)


def test_a_block_that_was_handed_out_is_not_kept() -> None:
    """Once all of a lawful block's frames have been handed out and freed, it must serve."""
    model, held = Model(FOUR), tolerance(reserved=100)
    result = model.ask(Alloc(0))
    held.note(Alloc(0), result)
    assert forgiven(held, model)
    held.note(Free(result.pfn, 0), model.ask(Free(result.pfn, 0)))
    assert not forgiven(held, model)


def test_a_block_with_one_frame_never_handed_out_may_be_kept() -> None:
    """Of two frames one has been out."""
    model, held = Model(Config(0, 2, 1)), tolerance(reserved=1)
    result = model.ask(Alloc(0))
    held.note(Alloc(0), result)
    model.ask(Free(result.pfn, 0))
    assert forgiven(held, model, 1)
    assert not forgiven(held, model, 0)


def test_a_refusal_hands_nothing_out() -> None:
    """It is not remembered."""
    held = tolerance(reserved=4)
    held.note(Alloc(0), ENOMEM)
    assert forgiven(held, Model(FOUR))


class KeepsTwo(Buddy):
    """Keeps the last two frames for itself."""

    def apply(self, request: Any) -> Any:
        """Refuse what is left when two frames are."""
        if type(request) is Alloc and sum(self.frames(kind) for kind in (0, 3, 4, 5)) - (1 << request.order) < 2:
            return ENOMEM
        return super().apply(request)


@pytest.mark.parametrize(
    ("promised", "clause"), [({}, "BUDDY-ALLOC-ENOMEM"), ({"reserved": 2}, None), ({"may_fail": True}, None)]
)
def test_a_client_that_keeps_frames_must_promise_it(promised: dict[str, Any], clause: str | None) -> None:
    """Four frames, asked for one by one."""
    header = bytes([*[0] * 10, 4, *[0] * 5])  # nine tenths of the frames are wanted
    program = b"".join([header, *(bytes([k, 0, 0, 0, 1, 0, 0, 0]) for k in range(1, 12))])
    plain = dict.fromkeys(("pageblocks", "checked_free", "checked_alloc", "observe", "migratetypes"), False)
    held = session(KeepsTwo, "any", **(plain | promised))
    outcome = explore(BUDDY, held, Profile.ANY, program, FOUR)
    assert (outcome.broken.clause if outcome.broken else None) == clause
    assert any(name == "alloc" for name, _, _ in outcome.made)


class Forgets(Buddy):
    """Never hands a frame out a second time."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        super().__init__(config, kernel)
        self.given = 0

    def apply(self, request: Any) -> Any:
        """Refuse from the fifth allocation on."""
        self.given += type(request) is Alloc
        return ENOMEM if type(request) is Alloc and self.given > 4 else super().apply(request)


def test_a_client_may_keep_only_what_it_never_handed_out() -> None:
    """All four frames have been out: the fifth allocation must serve, whatever is promised."""
    steps = (*(("alloc", Alloc(0)) for _ in range(4)), ("free", Free(Ref(2), 0)), ("alloc", Alloc(0)))
    held = session(Forgets, "any", reserved=4)
    broken = rerun(BUDDY, held, Profile.ANY, Program("buddy", FOUR, steps)).broken
    assert broken is not None
    assert (broken.clause, broken.step) == ("BUDDY-ALLOC-ENOMEM", 5)


# --- comparing and drawing -------------------------------------------------------------------------------------------


def pair() -> tuple[Model, Buddy]:
    """Return the law and the implementation after the same few requests."""
    config = Config(0, 64, 4, pageblock_order=2)
    model, body = Model(config), Buddy(config)
    for request in (Alloc(0), Alloc(2), Alloc(0, 0), Free(0, 0)):
        assert model.ask(request) == body.apply(request)
    return model, body


def test_equal_states_recount_as_equal() -> None:
    """Nothing differs."""
    model, body = pair()
    assert recount(model.zone, model.lists, body) is None


def test_a_recount_says_what_differs() -> None:
    """Blocks, owners, order, counts, types: each in words."""
    model, body = pair()
    lists = model.lists
    messages = [
        recount(model.zone, attrs.evolve(lists, block=lists.block.delete(next(iter(dict(lists.block.items()))))), body),
        recount(attrs.evolve(model.zone, allocated=model.zone.allocated.set(40, 0)), lists, body),
        recount(attrs.evolve(model.zone, frames=model.zone.frames.set(0, 1)), lists, body),
        recount(model.zone, attrs.evolve(lists, types=lists.types.set(3, 2)), body),
    ]
    assert messages[0] == "the listed blocks differ"
    assert messages[1] == "the blocks that are handed out differ"
    assert messages[2] is not None
    assert messages[2].endswith("free frames are counted for kind 0, in Linux 1")
    assert messages[3] == "pageblock 0x3 is MOVABLE, in Linux RECLAIMABLE"


def test_a_picture_has_a_strip_for_each_order_with_free_blocks() -> None:
    """``#`` where frames are free in blocks of the order, and how many blocks there are."""
    model = Model(Config(0, 16, 3))
    model.ask(Alloc(0))
    assert picture(model.zone, model.lists) == [
        "frames 0x0 to 0x10, 1 a column",
        "order  3 ........######## 1",
        "order  2 ....####........ 1",
        "order  1 ..##............ 1",
        "order  0 .#.............. 1",
    ]


def test_a_large_zone_s_picture_fits_a_line() -> None:
    """Several frames a column."""
    lines = picture(Model(Config(0, 100_000, 10)).zone, None)
    assert max(map(len, lines)) <= 130
    assert "1042 a column" in lines[0]


@given(st.integers(0, 63))
def test_the_block_over_a_frame_is_what_the_picture_shows(frame: int) -> None:
    """A frame is drawn in the strip of its block's order, and in no other."""
    model, _ = pair()
    strips = {int(line.split()[1]): line.split()[2] for line in picture(model.zone, None)[1:]}
    order = block_over(model.zone.free, frame, 0)
    assert [k for k, strip in strips.items() if strip[frame] == "#"] == ([] if order == ABSENT else [order])


def test_movable_requests_are_the_default() -> None:
    """A client that is not sent a type is asked for MOVABLE."""
    assert Alloc(0).migratetype == MOVABLE
    assert DEFAULTS["migratetypes"] is False
