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
    pcp_amounts,
    pcp_answers,
    refills,
    refined,
    vmstat,
    watermarks,
    watermarks_answers,
    zone_sizing,
    zonelists,
    zones,
)
from mmproofs.obligations.virtual import page_map, page_table, tlb

OBLIGATIONS: tuple[Obligation, ...] = (
    *bits.OBLIGATIONS, *buddy.OBLIGATIONS, *lists.OBLIGATIONS,
    *kernels.OBLIGATIONS, *refined.OBLIGATIONS, *answers.OBLIGATIONS,
    *memory_model.OBLIGATIONS,
    *page_table.OBLIGATIONS,
    *tlb.OBLIGATIONS,
    *page_map.OBLIGATIONS,
    *vmstat.OBLIGATIONS, *watermarks.OBLIGATIONS, *marks.OBLIGATIONS, *watermarks_answers.OBLIGATIONS,
    *zones.OBLIGATIONS, *zonelists.OBLIGATIONS,
    *pcp.OBLIGATIONS, *pcp_amounts.OBLIGATIONS, *pcp_answers.OBLIGATIONS,
    *memblock.OBLIGATIONS,
    *hotplug.OBLIGATIONS,
    *page_alloc.OBLIGATIONS,
    *pages.OBLIGATIONS, *refills.OBLIGATIONS,
    *zone_sizing.OBLIGATIONS,
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
    **{("memblock", column): "not asked: it is said of the steps of loops" for column in ("core: step", "merging: step")},
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
    ("vmstat", "counters: sum"): "not asked: it moves no counter (counters: kept)",
    ("vmstat", "counters: idle"): "not asked: nothing that a CPU holds back moves (counters: kept)",
    ("vmstat", "counters: empty"): "not asked: it is said of a CPU that hands over",
    ("watermarks", "marks: ordered"): "not asked: it computes all marks anew, and the order is asked of each zone's (watermarks "
    "marks); that shares of min_free_kbytes fit their words is a quotient by an unknown number",
    **{
        (
            "page_alloc",
            f"answer: {column}",
        ): "not asked: what a request does is asked of the parts of its path (one walk, round_of, "
        "restart, resumed, give_up); that it waits is noted in a map of records, which is not lifted"
        for column in ("defined", "lawful", "marks")
    },
    ("page_alloc", "answer: within"): "not asked: it is said of the zone that a walk takes",
    ("pages", "core: defined"): "not decided: the parts that a zone's allocator is composed of are proved by themselves",
    ("pages", "core: within-mask"): "not asked: it is said of what is handed out",
    **{
        ("page_map", f"core: {column}"): "not decided: of changes only unmap is yet, as a whole on Sv39 (page_map.changes)"
        for column in ("defined SV39", "way SV39", "tree SV39", "defined LA48", "defined SV48", "defined ARM-4K")
    },
    **{
        ("zone_sizing", f"core: {column}"): "not asked: looking changes nothing, and a sizing no region"
        for column in ("defined", "listed", "ascending", "unsized")
    },
    ("hotplug", "core: may-go-again"): "not asked: it is said of what was just put online",
    ("hotplug", "core: returned"): "not asked: it is said of what was just put online",
    ("hotplug", "core: recounted"): "not asked: it is said of what was just put online",
    ("hotplug", "core: counts"): "not asked: it is said of what goes online",
    **{
        ("hotplug", f"core: {column}"): "not decided: what is written waits for the ledger (hotplug.WAITING)"
        for column in ("nested", "within", "node-sums")
    },
    ("hotplug", "core: refused-defined"): "not asked: a refusal claims something on the way where it goes through a loop only",
    ("hotplug", "core: uncounted"): "not asked: what goes online or offline, or back to the zone, is counted (core: counts)",
    ("hotplug", "core: stays-offline"): "not asked of what goes online or offline; of a release it waits (hotplug.WAITING)",
}
"""Why a column is not asked of the operations that have no obligation in it, by component."""


def by_id() -> dict[str, Obligation]:
    """Return the obligations by id."""
    found = {obligation.id: obligation for obligation in OBLIGATIONS}
    if len(found) != len(OBLIGATIONS):
        raise ValueError("two obligations have one id")
    return found
