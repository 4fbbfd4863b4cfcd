"""Which engine runs a kernel, and when it is compiled anew."""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mmimpl import engine
from mmimpl.physical.buddy import batch, lists, operations
from mmspec.errors import InputError

STEP = 1


@engine.helper
def stepped(value: int) -> int:
    """Return the value one step on."""
    return value + STEP


@engine.kernel
def stepped_twice(value: int) -> int:
    """Return the value two steps on."""
    return stepped(stepped(value))


def patched(function: Callable[..., Any], **scope: Any) -> types.FunctionType:
    """Return the function with other globals, as a patched module has it."""
    assert isinstance(function, types.FunctionType)
    twin = types.FunctionType(function.__code__, {**function.__globals__, **scope}, function.__name__)
    vars(twin).update(vars(function))
    return twin


def test_importing_and_single_requests_never_import_numba() -> None:
    """Numba takes more than a second to import: a request at a time does without."""
    code = (
        "import sys\n"
        "from mmimpl.physical.buddy import Buddy\n"
        "from mmspec.physical.buddy import ops\n"
        "assert Buddy(ops.Config(0, 64)).apply(ops.Alloc(0)) == ops.Page(0)\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_marked_function_stays_plain_python() -> None:
    """The marks change nothing about a function: the lifter and the interpreter take it as it is."""
    for function in (lists.delist, operations.take, batch.replay):
        assert isinstance(function, types.FunctionType)
        assert engine.is_marked(function)
    assert not engine.is_marked(batch.row_of)


def test_an_engine_that_does_not_exist_is_an_input_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt MMSPEC_ENGINE is not taken for the default."""
    monkeypatch.setenv("MMSPEC_ENGINE", "nubma")
    with pytest.raises(InputError, match="MMSPEC_ENGINE=nubma"):
        engine.uses_numba()


@pytest.mark.parametrize("choice", ["", "auto", "python", "numba"])
def test_without_numba_the_interpreter_runs_unless_numba_is_demanded(choice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Numba is missing, asking for it is an error and everything else is the interpreter."""
    monkeypatch.setenv("MMSPEC_ENGINE", choice)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    if choice == "numba":
        with pytest.raises(InputError, match="Numba is not installed"):
            engine.uses_numba()
    else:
        assert not engine.uses_numba()


@pytest.mark.needs_numba
@pytest.mark.parametrize(("choice", "disabled", "expected"), [("", "0", True), ("python", "0", False), ("auto", "1", False)])
def test_numba_runs_where_it_is_unless_switched_off(
    choice: str, disabled: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MMSPEC_ENGINE=python and Numba's own switch both mean the interpreter."""
    monkeypatch.setenv("MMSPEC_ENGINE", choice)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", disabled)
    assert engine.uses_numba() is expected


def test_compiling_an_unmarked_function_is_refused() -> None:
    """A kernel that calls a function without a mark would fail in Numba's own words: the mark is asked for first."""
    with pytest.raises(TypeError, match="mark it @kernel"):
        engine.compiled(batch.row_of)


@pytest.mark.needs_numba
def test_what_a_kernel_calls_is_compiled_with_it() -> None:
    """A kernel runs as machine code together with the helpers that it calls."""
    assert engine.compiled(stepped_twice)(5) == 7


@pytest.mark.needs_numba
def test_a_patched_helper_is_compiled_anew() -> None:
    """A kernel whose helper reads another constant is not taken from the cache of the first one."""
    assert engine.compiled(stepped_twice)(5) == 7
    other = patched(stepped_twice, stepped=patched(stepped, STEP=10))
    assert engine.compiled(other)(5) == 25


@pytest.mark.needs_numba
@pytest.mark.parametrize("private", ["_counts_can_be_off", "_indices_can_be_plain"])
def test_kernels_compile_where_what_is_private_is_gone(private: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what Numba promises nobody a kernel is slower and the same."""
    monkeypatch.setattr(engine, private, lambda: False)
    assert engine.compiled(patched(stepped_twice, stepped=patched(stepped, STEP=3)))(1) == 7


@engine.kernel
def cell_at(cells: Any, index: int) -> Any:
    """Return a cell."""
    return cells[index]


@pytest.mark.needs_numba
def test_only_kernels_do_without_counting_from_the_end() -> None:
    """Before the middle of an array comes what comes before it; other people's functions are compiled as ever, even later."""
    numba = pytest.importorskip("numba")
    middle = np.arange(4)[2:]
    assert engine.compiled(cell_at)(middle, -1) == 1
    assert numba.njit(lambda cells, index: cells[index])(middle, -1) == 3
