"""A whole trace in one call: the same answers as one request at a time, on either engine, on one memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmimpl.physical.buddy import Buddy, batch
from mmspec.errors import InputError
from mmspec.physical.buddy import ops
from mmspec.physical.buddy.ops import KERNELS

from .lockstep import ZONES, encoded, program_of, recorded

ROOT = Path(__file__).parents[2]

SMALL = ops.Config(0, 64, 4, pageblock_order=3)


def memory_of(buddy: Buddy) -> list[bytes]:
    """Return all that an implementation remembers."""
    return [array.tobytes() for array in buddy.arrays[:5]]


@pytest.fixture(params=["python", pytest.param("numba", marks=pytest.mark.needs_numba)])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test on each engine."""
    monkeypatch.setenv("MMSPEC_ENGINE", request.param)
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    return str(request.param)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("zone", ["even", "holed", "huge base", "default"])
def test_a_trace_gets_the_answers_of_its_requests(engine: str, zone: str, kernel: str) -> None:
    """Replaying random requests of all kinds gives their results, and leaves the same memory bit for bit."""
    requests, results = recorded(zone, kernel)
    single, whole = Buddy(ZONES[zone], kernel), Buddy(ZONES[zone], kernel)
    for request in requests:
        single.apply(request)
    assert whole.replay(program_of(requests)).tolist() == results
    assert memory_of(whole) == memory_of(single)


@pytest.mark.needs_numba
def test_engines_take_turns_on_one_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpreter, Numba and single requests alternating over one memory leave what one of them leaves."""
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    requests, results = recorded("holed", "6.12")
    alone, turns = Buddy(ZONES["holed"]), Buddy(ZONES["holed"])
    got: list[int] = []
    for number, start in enumerate(range(0, len(requests), 70)):
        part = requests[start : start + 70]
        if number % 3 == 2:
            got += [encoded(turns.apply(request)) for request in part]
        else:
            monkeypatch.setenv("MMSPEC_ENGINE", ("python", "numba")[number % 3])
            got += turns.replay(program_of(part)).tolist()
    for request in requests:
        alone.apply(request)
    assert got == results
    assert memory_of(turns) == memory_of(alone)


def test_a_reference_names_the_block_of_an_earlier_operation(engine: str) -> None:
    """A free by reference gives back what ``alloc`` handed out, also where ``alloc`` had a reference among its own cells."""
    buddy = Buddy(SMALL)
    free = batch.FREE | batch.REFERENCE
    first, second, freed = buddy.replay(np.array([[batch.ALLOC, 1, 0], [batch.ALLOC, 0, 0], [free, 1, 0]])).tolist()
    assert (first, second, freed) == (0, 2, batch.DONE)
    assert list(buddy.allocated()) == [(2, 0)]


@pytest.mark.parametrize("target", [-1, 1, 2, 3, 4, 9])
def test_a_reference_to_no_block_is_not_carried_out(engine: str, target: int) -> None:
    """References to a refusal, to an operation without a block, to itself, forward or before the start answer EREF."""
    buddy = Buddy(SMALL)
    program = [[batch.ALLOC, 0, 0], [batch.ALLOC, 15, 0], [batch.ISOLATE, 0, 63], [batch.FREE | batch.REFERENCE, 0, target]]
    results = buddy.replay(np.array([*program, [batch.NOTHING, 0, 0]])).tolist()
    assert results == [0, -22, batch.DONE, -batch.EREF, batch.DONE]
    assert list(buddy.allocated()) == [(0, 0)]


def test_zeros_do_nothing(engine: str) -> None:
    """A program of zeros leaves the memory as it was."""
    buddy = Buddy(SMALL)
    before = memory_of(buddy)
    assert buddy.replay(np.zeros((4, 3), np.int64)).tolist() == [batch.DONE] * 4
    assert memory_of(buddy) == before


@pytest.mark.parametrize("pfn", [-1, -(1 << 63), 64, 1 << 52, (1 << 63) - 1])
def test_any_operand_is_refused_that_is_no_frame(engine: str, pfn: int) -> None:
    """An operand far outside the zone is refused by every operation that takes one, and touches nothing."""
    buddy = Buddy(SMALL)
    before = memory_of(buddy)
    codes = (batch.FREE, batch.TAKE, batch.PUTBACK, batch.ISOLATE, batch.UNISOLATE, batch.RETYPE, batch.RESERVE)
    assert buddy.replay(np.array([[code, 0, pfn] for code in codes])).tolist() == [-22] * len(codes)
    assert memory_of(buddy) == before


@pytest.mark.parametrize("order", [4, 15, 0x6F, 0x8F, 0xFF])
def test_any_order_is_refused_that_is_none(engine: str, order: int) -> None:
    """An order above max_order is refused, also one whose bits look like the cell of a frame that heads no block."""
    buddy = Buddy(ops.Config(0, 64, 3))
    codes = (batch.ALLOC, batch.FREE, batch.TAKE, batch.PUTBACK, batch.RESERVE)
    before = memory_of(buddy)
    assert buddy.replay(np.array([[code, order, 1] for code in codes])).tolist() == [-22] * len(codes)
    assert memory_of(buddy) == before


@pytest.mark.parametrize(
    "program",
    [
        np.zeros((2, 3), np.int32),
        np.zeros(4, np.int64),
        np.zeros((3, 2), np.int64),
        np.array([[99, 0, 0]]),
        np.array([[1, -1, 0]]),
    ],
    ids=["width", "length", "shape", "code", "argument"],
)
def test_what_is_no_program_is_an_input_error(program: NDArray[Any]) -> None:
    """An array of the wrong type or shape, or with a code or argument that is none, is refused before anything runs."""
    buddy = Buddy(SMALL)
    before = memory_of(buddy)
    with pytest.raises(InputError):
        buddy.replay(program)
    assert memory_of(buddy) == before


@pytest.mark.needs_numba
def test_no_index_is_out_of_bounds() -> None:
    """With Numba's bounds checks on, the same traces run to their end with the same results, and bad indices are caught."""
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "MMSPEC_ENGINE": "numba"}
    environment.pop("NUMBA_DISABLE_JIT", None)
    command = [sys.executable, "-m", "tests.impl.bounds"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-2:]) == (0, ["caught"] * 2), done.stderr[-2000:]
