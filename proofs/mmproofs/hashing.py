"""What a proof depends on, as hashes: the text of functions and of all they call, and of the prover itself."""

from __future__ import annotations

import hashlib
import inspect
import types
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, get_args

import attrs

from mmproofs.lift.counting import Property
from mmproofs.lift.errors import LiftError
from mmproofs.lift.loops import LoopInvariant
from mmproofs.lift.records import hints_of, shape_of
from mmproofs.obligation import Bound, Contract, Obligation, function_of
from mmproofs.obligations import by_id
from mmspec.clause import Clause
from mmspec.loop import Loop
from mmspec.words import Word

OURS = ("mmspec", "mmimpl", "mmprops", "mmproofs")


def _package(value: Any) -> str:
    return str(getattr(value, "__module__", "")).split(".")[0]


def _names(code: types.CodeType) -> Iterable[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def closure(roots: Iterable[Any]) -> dict[str, Any]:
    """Return the functions, classes and constants that some functions can reach by name in our packages and their own."""
    found: dict[str, Any] = {}
    waiting = list(roots)
    ours = {*OURS, *(_package(part) for root in waiting for part in (root, *_parts(root)))}
    while waiting:
        value = waiting.pop()
        waiting.extend(_parts(value))
        if isinstance(value, types.FunctionType) and _package(value) in ours:
            name = f"{value.__module__}.{value.__qualname__}"
            while found.get(name, value) is not value:
                name += "'"  # two lambdas, or what one function made twice, have one name
            if name in found:
                continue
            found[name] = value
            hints = _hints(value)
            found[f"{name} declares"] = _words(hints)
            waiting.extend(part for hint in hints for part in _inside(hint))
            for free, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
                waiting.append(cell.cell_contents)
                if isinstance(cell.cell_contents, int | str | tuple):
                    found[f"{name}.{free}"] = cell.cell_contents
            scope = value.__globals__
            for used in _names(value.__code__):
                waiting.append(scope.get(used))
                for module in [v for v in (scope.get(n) for n in _names(value.__code__)) if isinstance(v, types.ModuleType)]:
                    if module.__name__.split(".")[0] in ours:
                        member = getattr(module, used, None)
                        waiting.append(member)
                        if isinstance(member, int | str | tuple):
                            found[f"{module.__name__}.{used}"] = member
                if isinstance(scope.get(used), int | str | tuple):
                    found[f"{value.__module__}.{used}"] = scope[used]
        elif inspect.isclass(value) and _package(value) in ours and attrs.has(value) and not issubclass(value, Clause):
            if found.get(f"{value.__module__}.{value.__qualname__}") is value:
                continue
            found[f"{value.__module__}.{value.__qualname__}"] = value
            hints = _hints(value)
            found[f"{value.__module__}.{value.__qualname__} declares"] = _words(hints)
            waiting.extend(part for hint in hints for part in _inside(hint))
            waiting.extend(shape.length for hint in hints if (shape := shape_of(hint)) is not None)
    return found


def _hints(value: Any) -> tuple[Any, ...]:
    """Return the declared types in a function or a class; none where they cannot be read, which is no proof's."""
    try:
        return tuple(hints_of(value).values())
    except LiftError:
        return ()


def _inside(hint: Any) -> Iterator[Any]:
    """Yield a declared type and all that it is made of."""
    yield hint
    for part in get_args(hint):
        yield from _inside(part)


def _words(hints: Iterable[Any]) -> tuple[str, ...]:
    """Return the words among the declared types of a function or a class, of which its text has the names only."""
    return tuple(repr(part) for hint in hints for part in _inside(hint) if isinstance(part, Word))


def _parts(value: Any) -> list[Any]:
    if isinstance(value, Bound):
        return [value.function]
    if isinstance(value, LoopInvariant):
        return [*_parts(value.loop), *value.holds, *value.also_entry, *value.also_step]
    if isinstance(value, Property):
        return [value.holds]
    if isinstance(value, Loop):
        return [value.head, value.step, value.measure]
    return [value.func] if isinstance(value, partial) else []


def text_of(value: Any) -> str:
    """Return what counts of a value: the source of a function or class, else its representation."""
    if isinstance(value, types.FunctionType) or inspect.isclass(value):
        named: Any = value
        return _source(named, getattr(value, "__code__", None))
    return repr(value)


@cache
def _source(value: Any, code: types.CodeType | None) -> str:
    """Return a source, read once for each code object that a function has had."""
    return inspect.getsource(value)


def digest(values: dict[str, Any]) -> str:
    """Return one hash of named values."""
    hasher = hashlib.sha256()
    for name in sorted(values):
        hasher.update(f"{name}\0{text_of(values[name])}\0".encode())
    return hasher.hexdigest()


@lru_cache
def prover_digest() -> str:
    """Return the hash of the lifter and of what decides."""
    here, law = Path(__file__).parent, Path(inspect.getsourcefile(Clause) or "").parent
    modules = ("bases", "bitwuzla", "dialogue", "smt", "smtlib", "obligation", "prove_case", "question", "ran", "replay")
    files = [*sorted(here.glob("lift/*.py")), *(here / f"{name}.py" for name in modules)]
    files += [law / f"{name}.py" for name in ("words", "loop", "pmap", "clause", "errors")]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def roots(obligation: Obligation) -> list[Any]:
    """Return the functions and classes from which all that a verdict depends on can be reached."""
    predicates: list[Any] = [*obligation.given, *obligation.invariants, *obligation.also]
    if obligation.goal is not None:
        predicates.append(obligation.goal)
    found = [obligation.subject, *obligation.cuts, *obligation.forget, *predicates]
    for contract in obligation.contracts:
        found += [contract.function, *contract.requires, *(ensured for _, ensured in contract.ensures), *contract.gives.values()]
    shapes = [v for v in (*obligation.types.values(), *obligation.beside.values()) if inspect.isclass(v)]
    return [*found, *obligation.gives.values(), *shapes]


def obligation_digest(obligation: Obligation) -> str:
    """Return the hash of everything that an obligation's verdict depends on, and of what its bases say."""
    known = by_id()
    bases = [_said(known[name]) for name in obligation.rests_on if name in known]
    shape = (prover_digest(), digest(closure(roots(obligation))), _said(obligation), bases)
    return hashlib.sha256(repr(shape).encode()).hexdigest()


def _said(obligation: Obligation) -> tuple[Any, ...]:
    """Return what an obligation says beside the texts of its functions."""
    contracts, subject = obligation.contracts, obligation.subject
    return (
        named(obligation),
        _spelt_cut(subject) if isinstance(subject, LoopInvariant) else (),
        [[_spelt(p) for p in several] for several in (obligation.given, obligation.invariants, obligation.also)],
        _spelt(obligation.goal),
        [
            sorted((str(k), repr(v)) for k, v in several.items())
            for several in (obligation.choices, obligation.types, obligation.beside, obligation.each)
        ],
        [f.__qualname__ for f in obligation.forget],
        [(c.ids, [_spelt(p) for p in c.requires], [_spelt(e) for _, e in c.ensures], _parts_of(c)) for c in contracts],
        [_spelt_cut(cut) for cut in obligation.cuts],
        _parts_of(obligation),
        sorted(obligation.bounds.items()),
        (obligation.assumptions, obligation.rests_on, obligation.expected.value, obligation.rlimit),
        (obligation.straight, obligation.unaided, [loop.name for loop in obligation.unrolled]),
    )


def _spelt_cut(cut: LoopInvariant) -> tuple[Any, ...]:
    return cut.id, cut.loop.name, [[_spelt(p) for p in several] for several in (cut.holds, cut.also_entry, cut.also_step)]


def _parts_of(promise: Contract | Obligation) -> Any:
    return sorted(promise.keeps.items()), sorted((part, function.__qualname__) for part, function in promise.gives.items())


def _spelt(predicate: Any) -> Any:
    if predicate is None:
        return None
    return function_of(predicate).__qualname__, predicate.renames if isinstance(predicate, Bound) else ()


def named(obligation: Obligation) -> list[str]:
    """Return the names of the functions that an obligation names as its subject."""
    subject = obligation.subject
    loop = [subject.loop.head, subject.loop.step, subject.loop.measure] if isinstance(subject, LoopInvariant) else [subject]
    return [f"{function.__module__}.{function.__qualname__}" for function in loop]


def functions_named(obligation: Obligation, names: Iterable[str]) -> list[dict[str, Any]]:
    """Return name, file, line and hash of what an obligation ran of the product, the functions that it names first."""
    known, first = closure(roots(obligation)), named(obligation)
    found = []
    for name in sorted(set(names), key=lambda name: (name not in first, name)):
        function = known.get(name)
        if name.startswith("mmproofs.") and name not in first:
            continue
        if isinstance(function, types.FunctionType):
            file, line = "/".join(function.__module__.split(".")) + ".py", function.__code__.co_firstlineno
            found.append({"name": name, "file": file, "line": line, "sha256": digest({name: function})})
    return found
