"""Chooses what runs a kernel: the plain interpreter, or machine code by Numba.

A kernel is a module-level function over flat integer arrays, marked ``@kernel``, or ``@helper`` if it is small and hot. The
marks change nothing: the function stays plain Python, which is what the interpreter runs (on memoryviews of the arrays) and what
the lifter proves. ``compiled`` translates a marked function and the marked functions that it calls when first asked to, so that
importing this package never imports Numba, and both engines can take turns on one memory.

The environment variable ``MMSPEC_ENGINE`` chooses: ``python``, ``numba`` (an error where it is missing), or ``auto``, the
default: Numba where it is installed.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import os
import types
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from mmspec.errors import InputError

ENGINES = ("auto", "numba", "python")
_INLINED = "mmimpl_inlined"
_FIX = "fix_integer_index"

F = TypeVar("F", bound=Callable[..., Any])


class Cells(Protocol):
    """A flat array of integers: a NumPy array to Numba, a memoryview of one to the interpreter."""

    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...


class Shape(NamedTuple):
    """What a record declares of an array beside the ``Word`` of its cells: its indices' type, and its length given the record."""

    index: Any
    length: Callable[[Any], int]


def kernel(function: F) -> F:
    """Mark a function that Numba compiles as one of its own."""
    vars(function)[_INLINED] = False
    return function


def helper(function: F) -> F:
    """Mark a small hot function that Numba compiles into each of its callers: a call costs more than its body."""
    vars(function)[_INLINED] = True
    return function


def is_marked(value: Any) -> bool:
    """Tell whether a value is a function marked ``kernel`` or ``helper``."""
    return isinstance(value, types.FunctionType) and _INLINED in vars(value)


def uses_numba() -> bool:
    """Tell whether traces run as machine code (InputError: the environment asks for an engine that is not there)."""
    choice = os.environ.get("MMSPEC_ENGINE") or "auto"
    if choice not in ENGINES:
        raise InputError(f"MMSPEC_ENGINE={choice} is no engine", hint=f"one of {', '.join(ENGINES)}")
    # Numba's own switch would run the kernels on NumPy's integers, which overflow.
    disabled = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
    found = not disabled and importlib.util.find_spec("numba") is not None
    if choice == "numba" and not found:
        raise InputError("MMSPEC_ENGINE=numba, but Numba is not installed or is disabled", hint="pip install 'mmspec[fast]'")
    return found and choice != "python"


@functools.cache
def compiled(function: Callable[..., Any]) -> Any:
    """Return Numba's version of a marked function (TypeError: it is not marked)."""
    if not isinstance(function, types.FunctionType) or not is_marked(function):
        raise TypeError(f"{function!r} is not a kernel: mark it @kernel")
    scope = dict(function.__globals__)
    scope.update({name: compiled(callee) for name, callee in _callees(function).items()})
    twin = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
    twin.__module__ = function.__module__
    # Numba finds a cached function by its qualified name and the age of its own file only: it would go on using what it made
    # before something that the function calls or reads was changed.
    twin.__qualname__ = f"{function.__name__}_{_digest(function)[:16]}"
    return _jit(twin, "always" if vars(function)[_INLINED] else "never")


def _jit(twin: types.FunctionType, inline: str) -> Any:
    njit = importlib.import_module("numba").njit
    # A private option: counting references to array arguments around inner calls doubles the run time, and is of no use to
    # kernels, which allocate nothing.
    options: dict[str, Any] = {"inline": inline, **({"_nrt": False} if _counts_can_be_off() else {})}
    try:
        dispatcher = njit(cache=True, **options)(twin)
    except RuntimeError:  # Numba has nowhere to keep a cache
        dispatcher = njit(**options)(twin)
    return _plainly_indexed(dispatcher) if _indices_can_be_plain() else dispatcher


@functools.cache
def _counts_can_be_off() -> bool:
    njit = importlib.import_module("numba").njit
    try:
        njit(_nrt=False)(_nothing).compile(())
    except (KeyError, TypeError):
        return False
    return True


def _nothing() -> int:
    return 0


@functools.cache
def _indices_can_be_plain() -> bool:
    return callable(getattr(importlib.import_module("numba.np.arrayobj"), _FIX, None))


def _plainly_indexed(dispatcher: Any) -> Any:
    """Let a dispatcher compile without asking at every access whether the index is negative and counts from the end.

    Private to Numba, too, and worth an eighth of the run time. Kernels never count from the end: that every index is inside its
    array is proved.
    """
    arrays = importlib.import_module("numba.np.arrayobj")
    lock = importlib.import_module("numba.core.compiler_lock").global_compiler_lock
    translate = dispatcher.compile

    def plainly(signature: Any) -> Any:
        with lock:
            asking = getattr(arrays, _FIX)
            setattr(arrays, _FIX, lambda context, builder, kind, index, size: context.cast(builder, index, kind, _word()))
            try:
                return translate(signature)
            finally:
                setattr(arrays, _FIX, asking)

    dispatcher.compile = plainly
    return dispatcher


def _word() -> Any:
    return importlib.import_module("numba").types.intp


def _callees(function: types.FunctionType) -> dict[str, types.FunctionType]:
    scope = function.__globals__
    return {name: scope[name] for name in function.__code__.co_names if is_marked(scope.get(name))}


def _digest(function: types.FunctionType) -> str:
    """Return a digest of all that decides the machine code: code, constants and the same of every callee."""
    code, scope = function.__code__, function.__globals__
    numbers = [(name, scope[name]) for name in code.co_names if isinstance(scope.get(name), int)]
    callees = [_digest(callee) for callee in _callees(function).values()]
    how = (os.environ.get("NUMBA_BOUNDSCHECK", ""), _indices_can_be_plain())
    parts = (code.co_code, code.co_consts, code.co_names, code.co_varnames, function.__defaults__, numbers, callees, how)
    return hashlib.sha256(repr(parts).encode()).hexdigest()
