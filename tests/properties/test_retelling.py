"""Programs told step by step, out of the replies that were recorded: nothing runs again but the law, and it says the same."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from tests.properties.tampered import BUDDY, Counting, SpuriousFailure, WrongEnd, WrongFrame, session

from mmimpl.physical.buddy import Buddy
from mmprops import failure
from mmprops.clients.wire import Ref, Unsupported
from mmprops.lockstep import Outcome, explore, rerun
from mmprops.machine import HEADER, RECORD
from mmprops.program import Program
from mmprops.retelling import PICTURED, Scene, tell, to_json
from mmspec.errors import ENOMEM
from mmspec.physical.buddy.ops import Alloc, Config, Free, Page
from mmspec.profile import Profile

LINUX = Profile.KERNEL_6_12
SMALL = Config(0x100, 0x110, 3)


def explored(make: type[Buddy], seed: int) -> Outcome:
    """Return what came of a program of the generator."""
    return explore(BUDDY, session(make), LINUX, random.Random(seed).randbytes(HEADER + 60 * RECORD))


def told(outcome: Outcome, profile: Profile = LINUX) -> list[Scene]:
    """Return the scenes of what was carried out."""
    return list(tell(BUDDY, outcome.program, outcome.results, profile, BUDDY.own_capabilities))


def scenes(steps: list[tuple[str, Any]], results: list[Any], **capabilities: Any) -> list[Scene]:
    """Return the scenes of steps on a small zone, under any."""
    return list(tell(BUDDY, Program("buddy", SMALL, tuple(steps)), results, Profile.ANY, capabilities))


@pytest.mark.parametrize("make", [WrongFrame, SpuriousFailure])
def test_the_broken_step_is_told_as_it_was_judged(make: type[Counting]) -> None:
    """The last scene has the clause and the explanation of the run; those before it are lawful."""
    found = [outcome for outcome in (explored(make, seed) for seed in range(6)) if outcome.broken is not None]
    assert found
    for outcome in found:
        assert outcome.broken is not None
        *before, last = told(outcome)
        assert (last.broken, last.says) == (outcome.broken.clause, outcome.broken.explanation)
        assert [scene.broken for scene in before] == [None] * (len(outcome.made) - 1)
        assert last.after == last.before


@pytest.mark.parametrize("seed", range(4))
def test_a_right_program_goes_from_picture_to_picture(seed: int) -> None:
    """Each step begins where the last one ended, and the last ends in the state of the run."""
    outcome = explored(Buddy, seed)
    found = told(outcome)
    assert len(found) == len(outcome.made)
    assert [scene.after for scene in found[:-1]] == [scene.before for scene in found[1:]]
    assert found[-1].after.strips == BUDDY.picture(outcome.state, None).strips
    assert any(scene.after.lists for scene in found)


@pytest.mark.parametrize("seed", range(4))
def test_recorded_replies_are_read_as_they_were(seed: int) -> None:
    """Through JSON and back, for every operation."""
    outcome = explored(WrongEnd, seed)
    stored = json.loads(json.dumps([failure.reply_json(result) for result in outcome.results]))
    assert failure.replies(outcome.program, stored) == outcome.results


@pytest.mark.parametrize("stored", [None, "x", [], [{"result": {"pfn": "0x100"}}], [{"result": {}}, {"result": {}}], [1, 2]])
def test_replies_that_do_not_fit_the_program_are_none(stored: Any) -> None:
    """An older file has none; a damaged one others than the program could have got."""
    assert failure.replies(Program("buddy", SMALL, (("alloc", Alloc(0)), ("free", Free(Ref(0), 0)))), stored) is None


def test_a_reference_is_told_with_its_value() -> None:
    """And as not asked where the step that it refers to gave none."""
    first, second = scenes([("alloc", Alloc(1)), ("free", Free(Ref(0), 1))], [Page(0x100), None])
    assert (first.request, second.request, second.result) == (Alloc(1), Free(0x100, 1), None)
    _, second = scenes([("alloc", Alloc(3)), ("free", Free(Ref(0), 3))], [Unsupported("too large"), None])
    assert (second.request, second.broken) == (None, None)


def test_what_capabilities_excuse_is_told_as_lawful() -> None:
    """A client that may fail is not told to be wrong where it did."""
    assert [scene.broken for scene in scenes([("alloc", Alloc(0))], [ENOMEM])] == ["BUDDY-ALLOC-ENOMEM"]
    assert [scene.broken for scene in scenes([("alloc", Alloc(0))], [ENOMEM], may_fail=True)] == [None]


def test_the_clauses_that_decided_are_named() -> None:
    """Those of the step alone."""
    first, second = scenes([("alloc", Alloc(1)), ("free", Free(Ref(0), 1))], [Page(0x100), ENOMEM])
    assert "BUDDY-ALLOC-ALIGNED" in first.met
    assert not [name for name in second.met if name.startswith("BUDDY-ALLOC")]


def test_json_names_each_picture_once() -> None:
    """Scenes share theirs by number."""
    told_json = to_json(scenes([("free_count", BUDDY.component.operation("free_count").request())] * 3, [None] * 3))
    assert len(told_json["pictures"]) == 1
    assert [(scene["before"], scene["after"]) for scene in told_json["scenes"]] == [(0, 0)] * 3


def test_json_marks_the_places_that_a_step_names() -> None:
    """Those of the request and of the reply, counted from the start of the picture."""
    (scene, _) = to_json(scenes([("alloc", Alloc(1)), ("free", Free(Ref(0), 1))], [Page(0x102), None]))["scenes"]
    assert (scene["marks"], scene["answered"]) == ([2], "Page(pfn=0x102)")


def test_of_a_long_program_the_end_is_told() -> None:
    """And how many steps are not."""
    steps = [("alloc", Alloc(3)), ("free", Free(Ref(0), 3))] * PICTURED
    steps = [(name, Free(Ref(i - 1), 3) if name == "free" else request) for i, (name, request) in enumerate(steps)]
    outcome = rerun(BUDDY, session(Buddy), Profile.ANY, Program("buddy", SMALL, tuple(steps)))
    told_json = to_json(told(outcome, Profile.ANY))
    assert (told_json["skipped"], len(told_json["scenes"])) == (PICTURED, PICTURED)
    assert told_json["scenes"][-1]["step"] == 2 * PICTURED - 1


def test_a_client_that_counts_from_the_zone_is_told_in_its_numbers() -> None:
    """The pictures lie where its zone lies."""
    program = Program("buddy", Config(0x103, 0x113, 2), (("alloc", Alloc(2)),))
    (scene,) = tell(BUDDY, program, (Page(0x103),), Profile.ANY, {"align": "zone"})
    assert (scene.broken, scene.before.start, scene.after.strips[-1].runs) == (None, 0x103, ((0x103, 4),))
