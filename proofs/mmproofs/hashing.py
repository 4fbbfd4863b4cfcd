"""What a proof depends on, as hashes: the text of functions and of all they call, and of the prover itself."""

from __future__ import annotations

import hashlib
import inspect
import types
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import attrs

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Bound, Obligation, function_of
from mmspec.clause import Clause
from mmspec.loop import Loop

OURS = ("mmspec", "mmimpl", "mmprops", "mmproofs")


def _ours(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).split(".")[0] in OURS


def _names(code: types.CodeType) -> Iterable[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def closure(roots: Iterable[Any]) -> dict[str, Any]:
    """Return the functions, classes and constants of ours that some functions can reach by name, with themselves."""
    found: dict[str, Any] = {}
    waiting = list(roots)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Bound | LoopInvariant | Loop | partial):
            waiting.extend(_parts(value))
        elif isinstance(value, types.FunctionType) and _ours(value):
            name = f"{value.__module__}.{value.__qualname__}"
            if name in found:
                continue
            found[name] = value
            scope = value.__globals__
            for used in _names(value.__code__):
                waiting.append(scope.get(used))
                for module in [v for v in (scope.get(n) for n in _names(value.__code__)) if isinstance(v, types.ModuleType)]:
                    if module.__name__.split(".")[0] in OURS:
                        member = getattr(module, used, None)
                        waiting.append(member)
                        if isinstance(member, int | str | tuple):
                            found[f"{module.__name__}.{used}"] = member
                if isinstance(scope.get(used), int | str | tuple):
                    found[f"{value.__module__}.{used}"] = scope[used]
            waiting.extend(v for v in value.__annotations__.values() if not isinstance(v, str))
            for annotation in value.__annotations__.values():
                waiting.append(scope.get(annotation) if isinstance(annotation, str) else None)
        elif inspect.isclass(value) and _ours(value) and attrs.has(value) and not issubclass(value, Clause):
            found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


def _parts(value: Any) -> list[Any]:
    if isinstance(value, Bound):
        return [value.function]
    if isinstance(value, LoopInvariant):
        return [value.loop, value.holds]
    if isinstance(value, Loop):
        return [value.head, value.step, value.measure]
    return [value.func]


def text_of(value: Any) -> str:
    """Return what counts of a value: the source of a function or class, else its representation."""
    if isinstance(value, types.FunctionType) or inspect.isclass(value):
        return inspect.getsource(value)
    return repr(value)


def digest(values: dict[str, Any]) -> str:
    """Return one hash of named values."""
    hasher = hashlib.sha256()
    for name in sorted(values):
        hasher.update(f"{name}\0{text_of(values[name])}\0".encode())
    return hasher.hexdigest()


@lru_cache
def prover_digest() -> str:
    """Return the hash of the lifter and of what decides."""
    here = Path(__file__).parent
    files = sorted(
        [
            *here.glob("lift/*.py"),
            here / "smt.py",
            here / "smtlib.py",
            here / "obligation.py",
            here / "prove_case.py",
            here / "replay.py",
        ]
    )
    words = Path(inspect.getsourcefile(Clause) or "").with_name("words.py")
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in [*files, words])).hexdigest()


def obligation_digest(obligation: Obligation) -> str:
    """Return the hash of everything that an obligation's verdict depends on."""
    predicates: list[Any] = [*obligation.given, *obligation.invariants, *obligation.also]
    if obligation.goal is not None:
        predicates.append(obligation.goal)
    roots = [obligation.subject, *obligation.cuts, *obligation.forget, *predicates]
    roots += [function for summary in obligation.summaries for function in (summary.function, summary.holds)]
    roots += [v for v in obligation.types.values() if inspect.isclass(v)]
    shape = (
        prover_digest(),
        digest(closure(roots)),
        [(function_of(p).__qualname__, sorted(p.renamed.items()) if isinstance(p, Bound) else []) for p in predicates],
        sorted((str(k), repr(v)) for k, v in {**obligation.choices, **obligation.types, **obligation.each}.items()),
        [f.__qualname__ for f in obligation.forget],
        [s.id for s in obligation.summaries],
        sorted(obligation.bounds.items()),
        (obligation.assumptions, obligation.rests_on, obligation.expected.value, obligation.rlimit),
    )
    return hashlib.sha256(repr(shape).encode()).hexdigest()


def subject_functions(obligation: Obligation) -> list[Callable[..., Any]]:
    """Return the functions of the law or the implementation that an obligation is about, the named one first."""
    subject = obligation.subject
    loop = [subject.loop.head, subject.loop.step, subject.loop.measure] if isinstance(subject, LoopInvariant) else [subject]
    found = closure(loop)
    ours = [f for f in found.values() if isinstance(f, types.FunctionType) and not f.__module__.startswith("mmproofs")]
    return sorted(ours, key=lambda f: (f not in loop, f.__module__, f.__qualname__))
