"""Bugs that happened, restated as edits of the per-CPU lists (ids and references of linux/bugs.md)."""

from __future__ import annotations

from mmprops.bugs.physical.pcp.places import OUR, bug

BUGS = (
    bug(
        "PCP-01",
        "PCP-BULK",
        "a drain that is asked for more frames than there are is not cut down to those",
        "Linux 5.9, 88e8ac11d2ea",
        {f"{OUR}.operations.bulk": ("min(count, lists.held[cpu])", "count")},
        profile="any",
    ),
    bug(
        "PCP-05",
        "PCP-ALLOC-TYPE",
        "a request of any type is served from the list of MOVABLE ones",
        "Linux 2.6.24, Choose pages from the per-cpu list based on migration type",
        {f"{OUR}.operations.alloc": ("index_of(order, migratetype)", "index_of(order, MOVABLE)")},
        profile="any",
    ),
)
