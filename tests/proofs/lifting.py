"""What the tests of the lifter share: a function lifted, its paths filled in with random values, and the real one beside it."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from typing import Any

from attrs import fields_dict, has

from mmproofs import smt as z
from mmproofs.lift.maps import ModelCells
from mmproofs.lift.records import walk
from mmproofs.lift.run import Limits, Run, walking
from mmproofs.lift.words import SymWord
from mmproofs.obligation import Obligation
from mmproofs.prove_case import Case
from mmproofs.replay import concretise
from mmspec.clause import Clause
from mmspec.loop import Loop
from mmspec.words import Order


def lifted_case(function: Callable[..., Any], **more: Any) -> Case:
    """Return the case of an obligation that claims nothing but what the function's own text claims."""
    return Case(Obligation("TEST", (), "", function, **more), {})


def agree(function: Callable[..., Any], rounds: int = 3, seed: int = 0, **more: Any) -> int:
    """Compare the lifted function with the real one on random states down every path; return how many were compared."""
    case, compared, chance = lifted_case(function, **more), 0, random.Random(seed)
    paths = [path for path in case.paths() if not path.ended]
    names = tuple(inspect.signature(function).parameters)
    for path in paths:
        for _ in range(rounds):
            solver = case.smt.solver()
            solver.add(*path.facts, *path.conditions)
            if solver.check() is z.Answer.UNSAT:  # the lifter keeps a branch of which it cannot tell soon that no state takes it
                break
            _scatter(case, solver, [path.named[name] for name in names], chance)
            assert solver.check() is z.Answer.SAT
            model = solver.model()
            with walking(Run(case.smt, (), Limits())):
                arguments = [concretise(path.named[name], model, path.touched) for name in names]
                after = path.named["after"]
                foretold = after if isinstance(after, Clause) else concretise(after, model, path.touched)
                left = [concretise(path.named[f"after_{name}"], model, path.touched) for name in names]
                assert function(*arguments) == foretold, (function.__name__, arguments, foretold)
                _same_cells(arguments, left)
            compared += 1
    return compared


def _same_cells(arguments: list[Any], left: list[Any]) -> None:
    """Compare what became of arrays with what was foretold, in every cell that was looked at or written."""
    for one, other in zip(arguments, left, strict=True):
        for name in fields_dict(type(one)) if has(type(one)) else ():
            real, foretold = getattr(one, name), getattr(other, name)
            if isinstance(real, ModelCells):
                places = {index for index, _ in (*real.items(), *foretold.items())}
                assert all(real[index] == foretold[index] for index in places), (name, one, other)


def _scatter(case: Case, solver: z.Solver, values: list[Any], chance: random.Random) -> None:
    words: list[SymWord] = []
    for value in values:
        walk(value, lambda leaf: words.append(leaf) if isinstance(leaf, SymWord) else None)
    for word in words:
        number = chance.choice(
            [word.lo, word.hi, chance.randint(word.lo, word.hi), chance.randint(word.lo, min(word.hi, word.lo + 64))]
        )
        wanted = z.same(word.term, case.smt.value(number, z.width_of(word.term)))
        if solver.check(wanted) is z.Answer.SAT:
            solver.add(wanted)


def covered(function: Callable[..., Any], **more: Any) -> bool:
    """Tell whether the paths of a function cover every state (arguments of union types apart)."""
    case = lifted_case(function, **more)
    paths = case.paths()
    solver = case.smt.solver()
    solver.add(*{z.identity(fact): fact for path in paths for fact in path.facts}.values())
    solver.add(z.negate(case.smt.either([case.smt.both(path.conditions) for path in paths])))
    return solver.check() is z.Answer.UNSAT


def down_more(n: Order) -> bool:
    """Tell whether n can go down."""
    return n > 0


def down(n: Order) -> tuple[Any, ...]:
    """Go down."""
    return (n - 1,)


def left(n: Order) -> int:
    """Return how far."""
    return n


DOWN = Loop("down", down_more, down, left)
"""A loop that ends wherever it is entered: what is asked of it is what an obligation says of it."""
