"""Looking: what is known of a byte and of a range, and the arrays as lists."""

from __future__ import annotations

from typing import Any

from mmspec.clause import Clause, rule
from mmspec.errors import Error
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock.core import stopped_allowed
from mmspec.physical.memblock.ops import (
    NO_NODE,
    NOMAP,
    TOP,
    Query,
    RegionList,
    Regions,
    Truths,
)  # fmt: skip
from mmspec.physical.memblock.regions import cap_end, overlaps, region_over, run_end
from mmspec.physical.memblock.state import Array, Memblock, array_of


def query_answer(state: Memblock, op: Query) -> Truths:
    """Return what Linux knows of a byte and of a range."""
    over = region_over(state.memory, op.base)
    known = over != TOP
    return Truths(
        memory=known,
        reserved=region_over(state.reserved, op.base) != TOP,
        mapped=known and (state.memory.flags[over] & NOMAP) == 0,
        region_memory=known and cap_end(op.base, op.size) <= state.memory.end[over],
        region_reserved=overlaps(state.reserved, op.base, op.size),
        nid=state.memory.nid[over] if known else NO_NODE,
    )


def query_allowed(state: Memblock, op: Query, result: Truths | Error) -> Clause | None:
    """Name the clause that an answer to a question breaks.

    Whether a range lies in one region is open where two regions that are alike touch: not everybody keeps them apart.
    """
    if state.stopped:
        return stopped_allowed(result)
    rule(c.QUERY)
    if result.failed:
        return c.QUERY
    right = query_answer(state, op)
    if (result.memory, result.mapped, result.nid) != (right.memory, right.mapped, right.nid):
        return c.QUERY
    rule(c.QUERY_RESERVED)
    if (result.reserved, result.region_reserved) != (right.reserved, right.region_reserved):
        return c.QUERY_RESERVED
    rule(c.QUERY_REGION)
    if result.region_memory == right.region_memory:
        return None
    within = right.memory and cap_end(op.base, op.size) <= run_end(state.memory, region_over(state.memory, op.base))
    return None if result.region_memory and within else c.QUERY_REGION


def merged_regions(array: Array) -> list[tuple[int, int, int, int]]:
    """Return the regions, those that touch and are alike merged. A reader's function: it walks a whole array."""
    regions: list[tuple[int, int, int, int]] = []
    for base, size, nid, flags in listed(array):
        last = regions[-1] if regions else (0, 0, NO_NODE, 0)
        if regions and (last[0] + last[1], *last[2:]) == (base, nid, flags):
            regions[-1] = (last[0], last[1] + size, nid, flags)
        else:
            regions.append((base, size, nid, flags))
    return regions


def listed(array: Array) -> list[tuple[int, int, int, int]]:
    """Return the regions as they are kept, ascending."""
    regions, base = [], array.next[TOP]
    while base != TOP:
        regions.append((base, array.end[base] - base, array.nid[base], array.flags[base]))
        base = array.next[base]
    return regions


def regions_allowed(state: Memblock, op: Regions, result: RegionList | Error) -> Clause | None:
    """Name the clause that a list of regions breaks. A reader's function: it compares whole arrays, and is not lifted."""
    if state.stopped:
        return stopped_allowed(result)
    rule(c.REGIONS)
    if result.failed or list(result.regions) != merged_regions(array_of(state, op.type)):
        return c.REGIONS
    return None


def look_apply(state: Memblock, op: Any, result: Any) -> Memblock:
    """Looking changes nothing."""
    return state
