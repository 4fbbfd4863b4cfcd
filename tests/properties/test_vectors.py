"""Vectors: no right client is blamed, wrong ones are caught, files are what the machine's record and a seed make of them."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.properties.clients.careful_clients import CAREFUL
from tests.properties.clients.wrong_clients import WRONG, MergesFromFrameZero, PromisesZoneStart
from tests.properties.drawing import EVERYTHING, bytes_of
from tests.properties.tampered import BUDDY
from tests.properties.vector_client import asked, miss_of

from mmprops import worlds
from mmprops.clients.registry import opener
from mmprops.clients.wire import Ref
from mmprops.conform import own_session, session_for
from mmprops.examples.python.mybuddy import Highest, Lowest, Random
from mmprops.machines.physical.buddy_replies import possible
from mmprops.program import Program
from mmprops.session import InProcess
from mmprops.vectors import Vector, VectorFileError, compare, drawn, generate, line_of, read, read_folder, write
from mmprops.worlds import Equals, Follower, Foretold, FreeAligned, foretold
from mmspec.errors import DONE, EINVAL, ENOMEM, InputError
from mmspec.physical.buddy.ops import (
    Alloc,
    Block,
    Blocks,
    Config,
    Frames,
    Free,
    FreeBlocks,
    FreeCount,
    Page,
    Reserve,
    Take,
    Unreserve,
)
from mmspec.profile import Profile

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "vectors" / "buddy"
KERNELS = (Profile.KERNEL_6_12, Profile.KERNEL_6_1)


@pytest.fixture(scope="module")
def committed() -> dict[str, list[Vector]]:
    """The vectors in the checkout."""
    return read_folder(FOLDER)


def all_of(files: dict[str, list[Vector]], *profiles: Profile) -> list[Vector]:
    """Return the vectors of some profiles."""
    return [vector for vectors in files.values() for vector in vectors if vector.profile in profiles]


# --- what is committed -------------------------------------------------------------------------------------------------


def test_the_committed_vectors_are_those_that_are_made(committed: dict[str, list[Vector]], tmp_path: Path) -> None:
    """Bit for bit, whatever hashes strings have in this process."""
    made = generate(BUDDY)
    assert compare(committed, made) == []
    write(tmp_path, made)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {p.name: p.read_bytes() for p in FOLDER.glob("*.jsonl")}


@pytest.mark.parametrize("profile", list(Profile))
def test_each_clause_is_met_or_left_out_with_a_reason(committed: dict[str, list[Vector]], profile: Profile) -> None:
    """The folder's README lists, for each profile, exactly those that no vector meets."""
    held_to = {clause.id for clause in BUDDY.component.clauses if profile.holds_to(clause)}
    met = {clause for vector in all_of(committed, profile) for clause in vector.clauses}
    rows = re.findall(r"^\| `([A-Z0-9-]+)` \| (.+?) \| \S.{20,} \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    left_out = {clause for clause, where in rows if where == "every profile" or profile.value in where}
    assert met <= held_to
    assert held_to - met == left_out & held_to


def test_the_readme_names_no_clause_that_is_not_there() -> None:
    """No row outlives its clause."""
    named = set(re.findall(r"^\| `([A-Z0-9-]+)` \|", (FOLDER / "README.md").read_text(), re.MULTILINE))
    assert named <= {clause.id for clause in BUDDY.component.clauses}


# --- right and wrong clients -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", [Lowest, Highest, Random, *CAREFUL], ids=lambda client: client.__name__)
def test_a_correct_client_meets_each_vector_that_it_may_be_asked(client: type, committed: dict[str, list[Vector]]) -> None:
    """Wherever it places its blocks; and those that promise what the examples do are asked most."""
    session = session_for(BUDDY, opener(client))
    vectors = [vector for vector in all_of(committed, Profile.ANY) if asked(vector, session)]
    assert [miss for vector in vectors if (miss := miss_of(vector, session))] == []
    assert len(vectors) > 60 or client in CAREFUL


class Whim:
    """Gives any answer that the law lets through."""

    def __init__(self, config: Config, rng: random.Random) -> None:
        self.zone, self.random = BUDDY.component.initial(config), rng

    def apply(self, request: Any) -> Any:
        """Answer, and go on from there."""
        (operation,) = (operation for operation in BUDDY.component.operations if operation.request is type(request))
        lawful = [r for r in possible(self.zone, request) if operation.allowed(self.zone, request, r) is None]
        result = self.random.choice(lawful)
        self.zone = operation.apply(self.zone, request, result)
        return result


@pytest.mark.parametrize("trial", range(20))
def test_whoever_obeys_the_law_meets_every_vector(trial: int, seed: int, committed: dict[str, list[Vector]]) -> None:
    """Whatever it prefers, types and reserves of pageblocks included."""
    rng = random.Random(seed + trial)
    session = InProcess("whim", lambda config, kernel: Whim(config, rng), "6.12", EVERYTHING, open=False)
    assert [miss for vector in all_of(committed, Profile.ANY) if (miss := miss_of(vector, session))] == []


@pytest.mark.parametrize("client", WRONG, ids=lambda client: client.__name__)
def test_a_wrong_client_misses_a_vector(client: type, committed: dict[str, list[Vector]]) -> None:
    """Unless it says that its alignment counts from elsewhere: no vector is for such a one."""
    session = session_for(BUDDY, opener(client))
    vectors = [vector for vector in all_of(committed, Profile.ANY) if asked(vector, session)]
    assert any(miss_of(vector, session) for vector in vectors) is (client not in (PromisesZoneStart, MergesFromFrameZero))


@pytest.mark.parametrize("profile", KERNELS)
@pytest.mark.parametrize("name", ["impl", "spec"])
def test_our_implementation_places_as_the_vectors_of_a_kernel_say(
    name: str, profile: Profile, committed: dict[str, list[Vector]]
) -> None:
    """Each step has one right answer there."""
    session = own_session(BUDDY, name, profile)
    vectors = all_of(committed, profile)
    assert vectors
    assert all(isinstance(expected, Equals) for vector in vectors for expected in vector.expected)
    steps = [miss_of(vector, session) for vector in vectors]
    assert not any(steps)


def test_a_kernel_s_vectors_are_not_those_of_another(committed: dict[str, list[Vector]]) -> None:
    """6.1 misses some of 6.12's."""
    session = own_session(BUDDY, "impl", Profile.KERNEL_6_1)
    assert any(miss_of(vector, session) for vector in all_of(committed, Profile.KERNEL_6_12))


# --- what can be said --------------------------------------------------------------------------------------------------


def said(config: Config, *steps: Any, profile: Profile = Profile.ANY) -> Foretold:
    """Follow a program."""
    assert BUDDY.replies is not None
    return foretold(BUDDY, BUDDY.replies, profile, Program("buddy", config, steps))


PAIR, EIGHT = Config(0, 2, 1), Config(0, 8, 3)
SINGLE = ("alloc", Alloc(0))


def test_one_place_is_the_right_answer() -> None:
    """Where a block is the only one of its order."""
    assert said(EIGHT, ("alloc", Alloc(3))).expected == (Equals(Page(0)),)


def test_of_two_places_either_is_right_and_the_second_is_taken_next() -> None:
    """A full zone fails for sure; what was given back can be had again, and only that."""
    steps = [SINGLE, SINGLE, SINGLE, ("free", Free(Ref(0), 0)), SINGLE, SINGLE]
    placed = FreeAligned(0)
    assert said(PAIR, *steps).expected == (placed, placed, Equals(ENOMEM), Equals(DONE), placed, Equals(ENOMEM))


def test_an_answer_is_sure_only_if_no_other_is_right() -> None:
    """The first and the last that are found may be the same one."""
    assert said(Config(0, 3, 1), SINGLE, SINGLE).expected == (FreeAligned(0), FreeAligned(0))


def test_a_choice_is_free_until_a_client_has_made_it() -> None:
    """Whether two pages are buddies decides whether a pair is left: nothing can be said about that."""
    four = Config(0, 4, 2)
    pairs = said(four, SINGLE, SINGLE, ("alloc", Alloc(1)), ("free_count", FreeCount()))
    assert [name for name, _ in pairs.program.steps] == ["alloc", "alloc", "free_count"]
    assert pairs.expected[-1] == Equals(Frames(2))


def test_what_refers_to_a_step_that_is_left_out_is_left_out() -> None:
    """And later references are counted anew."""
    four = Config(0, 4, 2)
    steps = [SINGLE, SINGLE, ("alloc", Alloc(1)), ("free", Free(Ref(2), 1)), ("free", Free(Ref(1), 0)), ("free", Free(Ref(1), 0))]
    program = said(four, *steps).program
    assert program.steps == (SINGLE, SINGLE, ("free", Free(Ref(1), 0)), ("free", Free(Ref(1), 0)))
    assert said(four, *steps).expected[2:] == (Equals(DONE), Equals(EINVAL))


def test_a_number_that_is_right_in_some_histories_only_is_left_out() -> None:
    """A free of frame 0 is lawful if that is what was handed out."""
    assert len(said(PAIR, SINGLE, ("free", Free(0, 0))).expected) == 1
    assert said(Config(0, 1, 1), SINGLE, ("free", Free(0, 0))).expected == (Equals(Page(0)), Equals(DONE))


def test_what_may_be_refused_or_not_is_left_out() -> None:
    """Taking a block that is free: which of them stand alone is policy."""
    assert said(EIGHT, ("take", Take(0, 3))).expected == ()


def test_blocks_are_compared_where_they_come_in_one_order() -> None:
    """Two of them may be reported either way, under a kernel's profile too."""
    look = ("free_blocks", FreeBlocks())
    for profile in Profile:
        whole, apart = said(EIGHT, look, profile=profile), said(EIGHT, ("alloc", Alloc(1)), look, profile=profile)
        assert whole.expected == (Equals(Blocks(((0, 3),))),)
        assert len(apart.expected) == 1


def test_a_clause_is_met_if_it_is_in_every_history() -> None:
    """Three pageblocks of four are counted one by one whatever is chosen; a free of an unknown frame is in no history at all."""
    whole = Config(0, 4, 2, pageblock_order=1)
    assert "BUDDY-ACCOUNT-LARGE" in {clause.id for clause in said(whole, ("alloc", Alloc(2))).met}
    assert "BUDDY-FREE-REFUSED" not in {clause.id for clause in said(PAIR, SINGLE, ("free", Free(0, 0))).met}


def test_histories_that_end_alike_have_met_what_both_have() -> None:
    """They are one world from there on."""
    assert BUDDY.replies is not None
    follower = Follower(BUDDY, BUDDY.replies, Profile.ANY, PAIR)
    (world,) = follower.worlds
    one, two, three, *_ = BUDDY.component.clauses
    follower.worlds = [
        attrs.evolve(world, values={0: 5}, met=frozenset([one, two])),
        attrs.evolve(world, values={0: 6}, met=frozenset([two, three])),
    ]
    follower.forget([0])
    assert len(follower.worlds) == 2
    follower.forget([])
    assert [world.met for world in follower.worlds] == [{two}]


def test_any_part_of_a_reserved_block_may_lose_its_reservation() -> None:
    """The whole, if it is of the largest order, too."""
    steps = [("alloc", Alloc(2)), ("reserve", Reserve(Ref(0), 2)), ("free", Free(Ref(0), 2)), ("free_count", FreeCount())]
    zone, _ = said(Config(0, 4, 2, pageblock_order=1), *steps).asked[3]
    blocks = {Block(pfn, order) for order in range(3) for pfn in range(0, 4, 1 << order)}
    assert {result for result in possible(zone, Unreserve(1)) if not result.failed} == blocks


def test_more_worlds_than_can_be_followed_are_not_gone_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step is left out, and what comes later is said of the others."""
    monkeypatch.setattr(worlds, "MOST_WORLDS", 7)
    assert said(EIGHT, SINGLE, ("alloc", Alloc(3))).expected == (Equals(Page(0)),)
    monkeypatch.setattr(worlds, "MOST_WORLDS", 8)
    assert said(EIGHT, SINGLE, ("alloc", Alloc(3))).expected == (FreeAligned(0), Equals(ENOMEM))


@pytest.mark.parametrize("trial", range(12))
def test_every_lawful_answer_is_among_the_possible_ones(trial: int) -> None:
    """Of a request at each state that a program passes, on a small zone: all frames and orders there are tried."""
    program, _ = drawn(BUDDY, Profile.ANY, {**EVERYTHING, "max_pages": 16}, bytes_of(trial, 60))
    rng = random.Random(trial)
    assert BUDDY.replies is not None
    asked_of = foretold(BUDDY, BUDDY.replies, Profile.KERNEL_6_12, program).asked
    component, found = BUDDY.component, 0
    for zone, _ in rng.sample(asked_of, min(6, len(asked_of))):
        frames = range(max(0, zone.span.start_pfn - 1), zone.span.end_pfn + 1)
        for flags in (0, 0x80, 0x200):
            for order in range(zone.span.max_order + 1):
                request = Alloc(order, 1, flags)
                pages = {Page(f) for f in frames if component.operation("alloc").allowed(zone, request, Page(f)) is None}
                assert pages <= set(possible(zone, request))
                found += len(pages)
        blocks = {Block(f, order) for f in frames for order in range(5)}
        end = component.operation("unreserve")
        assert {b for b in blocks if end.allowed(zone, Unreserve(1), b) is None} <= set(possible(zone, Unreserve(1)))
    assert found


# --- files ---------------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_again(committed: dict[str, list[Vector]], tmp_path: Path) -> None:
    """Each vector as it was, and nothing else stays behind."""
    write(tmp_path / "new", committed)
    assert read_folder(tmp_path / "new") == committed
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(committed)


def test_what_differs_is_named(committed: dict[str, list[Vector]]) -> None:
    """Changed, missing, superfluous, in another place."""
    any_file = committed["any.jsonl"]
    first, second, *rest = any_file
    assert compare({**committed, "any.jsonl": [second, first, *rest]}, committed) == [first.id, second.id]
    assert compare({**committed, "more.jsonl": [first]}, committed) == [first.id]
    assert compare({**committed, "any.jsonl": any_file[:-1]}, committed) == [any_file[-1].id]
    assert compare(committed, {**committed, "any.jsonl": any_file[:-1]}) == [any_file[-1].id]


def changed(line: bytes, **fields: Any) -> bytes:
    """Return a vector's line with other fields."""
    return json.dumps(json.loads(line) | fields, separators=(",", ":")).encode() + b"\n"


def without(line: bytes, field: str) -> bytes:
    """Return a vector's line without a field."""
    value = json.loads(line)
    del value[field]
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


STEP = {"op": "alloc", "args": {"order": 0}, "expect": {"free_aligned": 0}}


def with_step(**fields: Any) -> Any:
    """Return what gives a vector one step, with some fields of it changed."""
    return lambda line: changed(line, steps=[STEP | fields])


BAD = [
    (lambda line: line[:-1], "the line does not end: the file was cut off"),
    (lambda line: line[:100] + b"\n", "not JSON"),
    (lambda line: b"\xff\n", "not JSON"),
    (lambda line: b"[]\n", "a vector must be a JSON object"),
    (lambda line: b"\n", "not JSON"),
    (lambda line: changed(line, note=1), 'the field "note" is unknown to schema 1'),
    (lambda line: without(line, "clauses"), 'the field "clauses" is missing'),
    (lambda line: changed(line, schema=2), "schema 2: this mmspec reads schema 1"),
    (lambda line: changed(line, machine="slub"), "unknown machine 'slub'"),
    (lambda line: changed(line, id=5), "machine and id must be strings"),
    (lambda line: changed(line, profile="linux"), 'no profile "linux" with kernel null'),
    (lambda line: changed(line, needs={"wings": True}), 'needs: buddy has no capability "wings"'),
    (lambda line: changed(line, needs={"observe": 1}), "needs: observe must be true or false"),
    (lambda line: changed(line, assumes=[]), "assumes must be a JSON object"),
    (lambda line: changed(line, clauses=["BUDDY-99"]), 'buddy has no clause "BUDDY-99"'),
    (lambda line: changed(line, clauses="BUDDY-1"), "clauses must be an array"),
    (lambda line: changed(line, config={"start_pfn": "0x0"}), "config.end_pfn is missing"),
    (lambda line: changed(line, config={"start_pfn": "0x1", "end_pfn": "0x1", "max_order": 0}), "is not a range of frames"),
    (lambda line: changed(line, config=json.loads(line)["config"] | {"size": 3}), "config.size is not what mmspec writes there"),
    (lambda line: changed(line, steps={}), "steps must be an array"),
    (with_step(op="grab"), 'operation 0: unknown operation "grab"'),
    (with_step(args={"order": 99}), "operation 0: alloc.order is out of the range of order"),
    (with_step(args={"order": 0, "zeal": 1}), "steps[0].args.zeal is not what mmspec writes there"),
    (with_step(op="free", args={"pfn": {"ref": 0}, "order": 0}), "operation 0: ref 0 names no earlier operation"),
    (with_step(expect={"equals": {"error": "EIO"}}), "step 0: alloc has no error"),
    (with_step(expect={"equals": {"result": {"pfn": 3}}}), 'step 0: alloc: result.pfn must be a string "0x..."'),
    (with_step(expect={"free_aligned": "0"}), "step 0: expects"),
    (with_step(expect={"equals": {"error": "ENOMEM"}, "free_aligned": 0}), "step 0: expects"),
    (with_step(note=1), 'step 0: the field "note" is unknown to schema 1'),
    (lambda line: line.replace(b",", b", ", 1), "the line is not as mmspec writes it"),
    (lambda line: line + line, "was used before"),
]


@pytest.mark.parametrize(("spoil", "message"), BAD, ids=[message for _, message in BAD])
def test_a_damaged_file_is_an_error_that_names_its_line(
    spoil: Any, message: str, committed: dict[str, list[Vector]], tmp_path: Path
) -> None:
    """In one line, with the way to mend it."""
    first, *_, third = committed["any.jsonl"]
    path = tmp_path / "any.jsonl"
    path.write_bytes(line_of(first) + spoil(line_of(third)))
    with pytest.raises(VectorFileError) as caught:
        read(path)
    assert caught.value.where == f"{path}:{3 if 'used before' in message else 2}"
    assert message in caught.value.message
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(caught.value.where)
    assert caught.value.hint


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    """Nothing is no vector."""
    (tmp_path / "any.jsonl").touch()
    with pytest.raises(VectorFileError, match=r"any\.jsonl: empty"):
        read_folder(tmp_path)


def test_a_folder_without_vectors_is_an_error(tmp_path: Path) -> None:
    """Rather than a comparison with nothing."""
    with pytest.raises(InputError, match="no vectors in"):
        read_folder(tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the system's reason."""
    with pytest.raises(InputError, match=r"nosuch\.jsonl: No such file"):
        read(tmp_path / "nosuch.jsonl")


def test_a_folder_that_cannot_be_written_is_named(committed: dict[str, list[Vector]], tmp_path: Path) -> None:
    """A file in its place, for one."""
    (tmp_path / "in the way").touch()
    with pytest.raises(InputError, match=r"cannot write to .*in the way: File exists"):
        write(tmp_path / "in the way", committed)
