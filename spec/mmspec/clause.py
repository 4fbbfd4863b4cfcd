"""Clauses: every rule of the law as an object with a stable id.

A rule is marked where it decides something, below the test of whether it applies: ``rule(BUDDY_FREE_2C)``. So a clause that
says what is refused is reached only if that was asked for. The mark costs nothing that matters when the law is run, tells
coverage which clauses a program reached, and tells the lifter which clauses a path depends on.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs


@attrs.frozen(eq=False)
class Clause:
    """One rule: its id, one sentence, where it was read, and the first and last kernel in which it holds (None: no limit).

    ``of_policy`` tells whether it says which lawful result Linux chooses; only the kernel profiles are held to that.
    """

    id: str
    sentence: str
    source: str
    since: str | None = None
    until: str | None = None
    of_policy: bool = False

    def __repr__(self) -> str:
        return self.id


reached: set[Clause] = set()
"""The clauses marked since somebody last cleared this set."""

rule = reached.add
"""Mark a clause as reached."""


def by_id(clauses: Iterable[Clause]) -> dict[str, Clause]:
    """Return the clauses by id; two with one id are a defect of the law."""
    found: dict[str, Clause] = {}
    for clause in clauses:
        if clause.id in found:
            raise ValueError(f"clause id {clause.id} is used twice")
        found[clause.id] = clause
    return found
