"""Seeded bugs: wrong versions of the rules, each of which must be found, shrunk, and named by the rule that it breaks.

A rule counts as checked only where a kill is on record here.
"""

from __future__ import annotations

from mmprops.bugs.bug import IMPLEMENTATION, LAW, Bug, BugError, install
from mmprops.bugs.kill import Kill, run_bug, run_bugs
from mmprops.bugs.missing import UNEXPRESSED
from mmprops.bugs.physical import (
    buddy,
    hotplug,
    memblock,
    memory_model,
    page_alloc,
    pages,
    pcp,
    vmstat,
    watermarks,
    zone_sizing,
    zones,
)
from mmprops.bugs.virtual import page_map, page_table, tlb
from mmspec.errors import InputError

__all__ = [
    "BUGS",
    "IMPLEMENTATION",
    "LAW",
    "UNEXPRESSED",
    "Bug",
    "BugError",
    "Kill",
    "bug_named",
    "install",
    "run_bug",
    "run_bugs",
]

BUGS: tuple[Bug, ...] = (
    *memblock.BUGS,
    *memory_model.BUGS,
    *zone_sizing.BUGS,
    *zones.BUGS,
    *hotplug.BUGS,
    *vmstat.BUGS,
    *watermarks.BUGS,
    *buddy.BUGS,
    *pcp.BUGS,
    *page_alloc.BUGS,
    *pages.BUGS,
    *page_table.BUGS,
    *tlb.BUGS,
    *page_map.BUGS,
)
"""Every seeded bug."""


def bug_named(bug_id: str) -> Bug:
    """Return the bug of an id (InputError: there is none, or why it cannot be expressed yet)."""
    for bug in BUGS:
        if bug.id == bug_id:
            return bug
    if bug_id in UNEXPRESSED:
        raise InputError(f"{bug_id} cannot be expressed yet: it needs {UNEXPRESSED[bug_id]}", hint="see mmspec bugs --list")
    raise InputError(f"unknown bug {bug_id!r}", hint="see mmspec bugs --list")
