"""What is to be proved, in one explicit list; the same path as in the other packages."""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical import answers, bits, buddy, kernels, lists, refined

OBLIGATIONS: tuple[Obligation, ...] = (
    *bits.OBLIGATIONS, *buddy.OBLIGATIONS, *lists.OBLIGATIONS,
    *kernels.OBLIGATIONS, *refined.OBLIGATIONS, *answers.OBLIGATIONS,
)  # fmt: skip
"""Every obligation of the project."""


def by_id() -> dict[str, Obligation]:
    """Return the obligations by id."""
    found = {obligation.id: obligation for obligation in OBLIGATIONS}
    if len(found) != len(OBLIGATIONS):
        raise ValueError("two obligations have one id")
    return found
