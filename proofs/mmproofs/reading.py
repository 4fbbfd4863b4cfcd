"""How the predicates of an obligation are read: which of their parameters are something that has a name, which are any place.

A parameter of a predicate that has the name of an argument *is* that argument, without a word. Where its author meant any place,
the predicate says less than it seems to: so the reading is shown (``mmspec prove --explain``), and a predicate whose word is an
argument in one obligation and any place in another is refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator

from mmproofs.lift.loops import LoopInvariant
from mmproofs.lift.predicate import Bound, Predicate, function_of, sources_of
from mmproofs.lift.records import hints_of
from mmproofs.obligation import Obligation
from mmspec.words import word_of

Names = frozenset[str]


def predicates(obligation: Obligation) -> Iterator[tuple[str, Predicate, Names]]:
    """Yield each predicate with its role and the names that stand for something."""
    subject = obligation.subject
    if isinstance(subject, LoopInvariant):
        names = frozenset((*subject.variables, *(f"was_{name}" for name in subject.variables)))
        yield from (("holds", predicate, names) for predicate in subject.holds)
        return
    names = frozenset((*inspect.signature(subject).parameters, *obligation.beside))
    yield from (("given", predicate, names) for predicate in obligation.given)
    yield from (("invariant", predicate, names) for predicate in obligation.invariants)
    if obligation.goal is not None:
        yield "goal", obligation.goal, names | {"after"} | {f"after_{name}" for name in names}


def readings(obligation: Obligation) -> list[str]:
    """Return a line for each predicate: what its parameters stand for, which are any place, and which it must not look at."""
    found = []
    for role, predicate, names in predicates(obligation):
        function = function_of(predicate)
        other = {name: "any" if word_of(hint) else "no" for name, hint in hints_of(function).items()}
        said = [
            f"{name}={source}" if name != source else name if name in names else f"{other.get(name, 'no')} {name}"
            for name, source in sources_of(predicate).items()
        ]
        found.append(f"{role} {function.__name__}({', '.join(said)})")
    return found


def read_both_ways(obligations: Iterable[Obligation]) -> str:
    """Return which predicate's word is an argument in one obligation and any place in another; empty if none is."""
    seen: dict[tuple[object, str], tuple[bool, str]] = {}
    for obligation in obligations:
        for _, predicate, names in predicates(obligation):
            function = function_of(predicate)
            renamed, hints = predicate.renamed if isinstance(predicate, Bound) else {}, hints_of(function)
            for name in inspect.signature(function).parameters:
                if name in renamed or word_of(hints.get(name)) is None:
                    continue
                known, first = seen.setdefault((function, name), (name in names, obligation.id))
                if known != (name in names):
                    one, other = (first, obligation.id) if known else (obligation.id, first)
                    return (
                        f"{name} of {function.__name__} is the argument of that name in {one} and any place in {other}: "
                        f"rename it, or bound() it in {one}"
                    )
    return ""
