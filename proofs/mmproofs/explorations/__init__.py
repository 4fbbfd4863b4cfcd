"""What CrossHair explores, in one explicit list; the same path as in the other packages."""

from __future__ import annotations

from mmproofs.exploration import Exploration
from mmproofs.explorations.physical import arithmetic, rings, zones

EXPLORATIONS: tuple[Exploration, ...] = (*arithmetic.EXPLORATIONS, *rings.EXPLORATIONS, *zones.EXPLORATIONS)
"""Every exploration of the project."""


def by_id() -> dict[str, Exploration]:
    """Return the explorations by id."""
    found = {exploration.id: exploration for exploration in EXPLORATIONS}
    if len(found) != len(EXPLORATIONS):
        raise ValueError("two explorations have one id")
    return found
