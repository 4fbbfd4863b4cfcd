"""What other people's test suites call."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import hypothesis
import pytest
from hypothesis import Phase, given, settings
from tests.properties import tampered
from tests.properties.tampered import BUDDY, session

from mmprops.clients.base import ClientError
from mmprops.examples.python.mybuddy import Lowest
from mmprops.lockstep import rerun
from mmprops.machine import HEADER, RECORD
from mmprops.testing import ConformanceError, check_program, conformance_test, opened, programs, unshrunk
from mmspec.errors import InputError
from mmspec.profile import Profile


class Leaky(Lowest):
    """Loses what is freed in blocks of order 1."""

    def release(self, pfn: int, order: int) -> bool:
        """Forget such a block."""
        if order == 1 and self.live.get(pfn) == order:
            del self.live[pfn]
            return True
        return super().release(pfn, order)


def bytes_of(seed: int) -> bytes:
    """Return the bytes of a program."""
    return random.Random(seed).randbytes(HEADER + 300 * RECORD)


@pytest.mark.parametrize("imported", ["import mmprops", "import mmprops; from mmprops.conform import ConformRun"])
def test_the_function_has_the_name_of_the_interface(imported: str) -> None:
    """``mmprops.conform``, whatever else of the package was imported; only who asks for it waits for its modules."""
    call = "assert 'numpy' not in sys.modules or 'Run' in sys.argv[1]; print(mmprops.conform('buddy', 'impl', ops=50).verdict)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys; {imported}; {call}", imported],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("pass\n", "")


def test_a_client_that_conforms_passes() -> None:
    """In one line."""
    conformance_test("buddy", Lowest)()


def test_our_own_implementation_conforms_under_any_profile() -> None:
    """It is a client as any other."""
    conformance_test("buddy", "impl", profile="linux")()


def test_a_client_that_does_not_fails() -> None:
    """With the clause, the shrunk program, and its lines in the notes."""
    with pytest.raises(ConformanceError) as caught:
        conformance_test("buddy", Leaky)()
    error = caught.value
    assert error.clause in ("BUDDY-ALLOC-ENOMEM", "BUDDY-FREE-COUNT", "BUDDY-FREE-BLOCKS")
    assert len(error.program.steps) <= 10
    assert any(note.startswith("the program, on Config(") for note in error.__notes__)
    assert '  ["alloc",{"order":1,"migratetype":"MOVABLE","flags":0}]' in error.__notes__


def test_it_is_a_hypothesis_test_with_a_name() -> None:
    """So that effort, seed and database apply to it."""
    test: Any = conformance_test("buddy", Lowest)
    assert hypothesis.is_hypothesis_test(test)
    assert test.__name__ == "buddy_conforms"


def test_the_client_is_started_once() -> None:
    """By the first program; all others reset it."""
    started: list[Lowest] = []

    def factory() -> Lowest:
        started.append(Lowest())
        return started[-1]

    test = conformance_test("buddy", factory)
    assert started == []
    test()
    assert len(started) == 1


def test_no_client_is_an_error_not_a_failure() -> None:
    """What cannot be started was not judged."""
    with pytest.raises(ClientError):
        conformance_test("buddy", "exec:/no/such/client")()


@pytest.mark.parametrize(
    ("machine", "client", "profile", "message"),
    [
        ("bubby", "impl", "any", "unknown machine 'bubby'"),
        ("buddy", "mybuddy", "any", "unknown client 'mybuddy'"),
        ("buddy", "impl", "lunix", "unknown profile 'lunix'"),
    ],
)
def test_what_does_not_exist_is_named(machine: str, client: str, profile: str, message: str) -> None:
    """Machine, client or profile."""
    with pytest.raises(InputError, match=message):
        opened(machine, client, profile=profile)


def test_a_right_program_gives_its_outcome() -> None:
    """How many operations were judged, and the program."""
    outcome = check_program("buddy", opened("buddy", "impl"), bytes_of(0))
    assert outcome.judged > 100
    assert outcome.broken is None


def test_a_wrong_answer_raises_the_shrunk_program() -> None:
    """It fails when it is carried out again, and is short."""
    held = session(tampered.SpuriousFailure)
    with pytest.raises(ConformanceError) as caught:
        check_program(BUDDY, held, bytes_of(0), profile="linux")
    program = caught.value.program
    assert 4 <= len(program.steps) <= 5
    assert rerun(BUDDY, held, Profile.KERNEL_6_12, program).broken is not None


def test_hypothesis_leaves_the_shrinking_to_us() -> None:
    """The phases of the profile, but for shrinking and explaining."""

    @unshrunk
    @given(data=programs(3))
    def check(data: bytes) -> None:
        raise AssertionError

    chosen: Any = check
    phases = chosen._hypothesis_internal_use_settings.phases
    assert set(settings().phases) - set(phases) == {Phase.shrink, Phase.explain}


@given(programs(5))
def test_a_program_s_bytes_are_a_header_and_its_records(data: bytes) -> None:
    """One draw of fixed size."""
    assert len(data) == HEADER + 5 * RECORD
