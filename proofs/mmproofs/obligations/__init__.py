"""What is to be proved, in one explicit list; the same path as in the other packages."""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical import answers, bits, buddy, kernels, lists, memory_model, page_alloc, refined

OBLIGATIONS: tuple[Obligation, ...] = (
    *bits.OBLIGATIONS, *buddy.OBLIGATIONS, *lists.OBLIGATIONS,
    *kernels.OBLIGATIONS, *refined.OBLIGATIONS, *answers.OBLIGATIONS,
    *memory_model.OBLIGATIONS,
    *page_alloc.OBLIGATIONS,
)  # fmt: skip
"""Every obligation of the project."""

NOT_ASKED: dict[tuple[str, str], str] = {
    ("buddy", "core: others"): "not asked: a free merges with others, and what else changes no block is in core: conserved",
    ("buddy", "core: refused"): "not asked: core: lawful says both when it is refused and when not",
    ("buddy", "core: judged"): "not asked: judging its answer runs no loop",
    ("buddy", "lists: pairs"): "not kept: a pageblock that changes its type may come to lie beside one that it may merge with "
    "(BUDDY-3-LISTS); once either half has been allocated and freed again they are one",
    ("buddy", "lists: source"): "not asked: it is said of what a request is given",
    ("buddy", "lists: merged"): "not asked: it is said of what a caller gives back",
    **{
        (
            "memory_model",
            f"core: {column}",
        ): "not decided: what is written waits for the ledger (memory_model.WAITING)"
        for column in ("defined", "flags-ordered", "mapped-if-added", "rooted", "map-encoded", "others")
    },
    ("memory_model", "core: valid"): "not asked: whether a frame is valid hangs on neither mark nor device",
    ("memory_model", "core: removed-again"): "not asked: it is said of what was just added",
    ("memory_model", "core: bits"): "not asked: core: others and core: valid say which bits change",
    ("memory_model", "core: flags"): "not asked: core: marked and core: valid say what becomes of the flags",
    ("memory_model", "core: twice"): "not asked: it is said of what was just added",
    ("memory_model", "core: marked"): "not asked: it is said of the two operations that mark",
}
"""Why a column is not asked of the operations that have no obligation in it, by component."""


def by_id() -> dict[str, Obligation]:
    """Return the obligations by id."""
    found = {obligation.id: obligation for obligation in OBLIGATIONS}
    if len(found) != len(OBLIGATIONS):
        raise ValueError("two obligations have one id")
    return found
