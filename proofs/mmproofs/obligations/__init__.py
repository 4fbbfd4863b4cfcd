"""What is to be proved, in one explicit list; the same path as in the other packages."""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical import (
    answers,
    bits,
    buddy,
    hotplug,
    kernels,
    lists,
    marks,
    memblock,
    memory_model,
    page_alloc,
    pages,
    pcp,
    refined,
    vmstat,
    watermarks,
    zones,
)
from mmproofs.obligations.virtual import page_map, page_table, tlb

_WRITTEN: tuple[Obligation, ...] = (
    *bits.OBLIGATIONS, *buddy.OBLIGATIONS, *lists.OBLIGATIONS,
    *kernels.OBLIGATIONS, *refined.OBLIGATIONS, *answers.OBLIGATIONS,
    *memory_model.OBLIGATIONS,
    *page_table.OBLIGATIONS,
    *tlb.OBLIGATIONS,
    *page_map.OBLIGATIONS,
    *vmstat.OBLIGATIONS, *watermarks.OBLIGATIONS, *marks.OBLIGATIONS, *zones.OBLIGATIONS, *pcp.OBLIGATIONS,
    *memblock.OBLIGATIONS,
    *hotplug.OBLIGATIONS,
    *page_alloc.OBLIGATIONS,
    *pages.OBLIGATIONS,
)  # fmt: skip
WAITING = frozenset(
    {
        "VMSTAT-OFFLINE-COUNTERS-EMPTY",
        "VMSTAT-OFFLINE-COUNTERS-IDLE",
        "VMSTAT-OFFLINE-COUNTERS-KEPT",
        "VMSTAT-OFFLINE-COUNTERS-SUM",
        "VMSTAT-OFFLINE-COUNTERS-WIDEST",
        "VMSTAT-OFFLINE-COUNTERS-WITHIN",
        "VMSTAT-OFFLINE-DEFINED",
        "WATERMARKS-REDUCED-MONOTONE",
        "ZONES-ORDER-DEFINED",
        "ZONES-ORDER-STATED",
        "ZONES-POSSIBLE-RANGE-LAWFUL",
        "ZONES-RANGE-ADJOINS",
        "ZONES-RANGE-DEFINED",
    }
)
"""What is written and has no entry in the ledger: it is registered with that entry, by leaving this set."""

OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in _WRITTEN if o.id not in WAITING)
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
    (
        "memblock",
        "core: step",
    ): "not decided: what an operation keeps waits for the ledger (memblock.WAITING); a step is a loop's",
    ("memory_model", "core: valid"): "not asked: whether a frame is valid hangs on neither mark nor device",
    ("memory_model", "core: removed-again"): "not asked: it is said of what was just added",
    ("memory_model", "core: bits"): "not asked: core: others and core: valid say which bits change",
    ("memory_model", "core: flags"): "not asked: core: marked and core: valid say what becomes of the flags",
    ("memory_model", "core: twice"): "not asked: it is said of what was just added",
    ("memory_model", "core: marked"): "not asked: it is said of the two operations that mark",
    **{
        ("zones", f"answer: {column}"): "not asked: it claims nothing on the way, or hangs on a list of any length"
        for column in ("defined", "lawful")
    },
    **{
        ("vmstat", f"counters: {column}"): "not decided: what is written waits for the ledger (WAITING)"
        for column in ("defined", "within", "widest", "kept")
    },
    ("vmstat", "counters: sum"): "not asked: it moves no counter (counters: kept), or waits for the ledger (WAITING)",
    ("vmstat", "counters: idle"): "not asked: nothing that a CPU holds back moves (counters: kept), or it waits (WAITING)",
    ("vmstat", "counters: empty"): "not asked: it is said of a CPU that hands over",
    ("pages", "core: defined"): "not decided: the parts that a zone's allocator is composed of are proved by themselves",
    ("pages", "core: within-mask"): "not asked: it is said of what is handed out",
    ("hotplug", "core: returned"): "not asked: it is said of what was just put online",
    ("hotplug", "core: recounted"): "not asked: it is said of what was just put online",
    ("hotplug", "core: counts"): "not asked: it is said of what goes online",
    **{
        ("hotplug", f"core: {column}"): "not decided: what is written waits for the ledger (hotplug.WAITING)"
        for column in ("nested",)
    },
}
"""Why a column is not asked of the operations that have no obligation in it, by component."""


def by_id() -> dict[str, Obligation]:
    """Return the obligations by id."""
    found = {obligation.id: obligation for obligation in OBLIGATIONS}
    if len(found) != len(OBLIGATIONS):
        raise ValueError("two obligations have one id")
    return found
