"""Loops of the law, as data.

A loop whose number of rounds depends on the state is written as three functions over a tuple of loop variables, so that the
interpreter can run it and the lifter can *cut* it: it proves once that ``step`` keeps an invariant and lowers ``measure``, and
wherever the loop is met it goes on from an arbitrary state in which the invariant holds and ``head`` does not.
(A ``for`` over ``range`` with a bound that the configuration gives needs none of this: the lifter unrolls it.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmspec.errors import LawError

Cut = Callable[["Loop", tuple[Any, ...]], tuple[Any, ...]]
_cut: Cut | None = None


@attrs.frozen(eq=False)
class Loop:
    """``while head(*v): v = step(*v)``, with a natural number that every step lowers."""

    name: str
    head: Callable[..., Any]
    step: Callable[..., tuple[Any, ...]]
    measure: Callable[..., int]

    def run(self, *variables: Any) -> tuple[Any, ...]:
        """Return the loop variables after the last round."""
        if _cut is not None:
            return _cut(self, variables)
        budget = self.measure(*variables)
        while self.head(*variables):
            if budget <= 0:
                raise LawError(f"loop {self.name} outran its measure: a step must lower it, and it must not be negative")
            budget -= 1
            variables = self.step(*variables)
        return variables


def read_loops_with(cut: Cut | None) -> Cut | None:
    """Let ``cut`` stand for every loop from now on (None: run them); return what stood before."""
    global _cut
    before, _cut = _cut, cut
    return before
