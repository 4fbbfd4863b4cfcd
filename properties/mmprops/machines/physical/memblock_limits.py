"""What a client of the machine ``memblock`` may be asked, given what it promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmspec.physical.memblock.core import add_served, alloc_served, wanted_to_add
from mmspec.physical.memblock.kinds import cap_served, mark_served
from mmspec.physical.memblock.ops import (
    MEMORY,
    PAGE_SHIFT,
    RESERVED,
    TOP,
    UNLIMITED,
    Add,
    Alloc,
    Cap,
    Config,
    FreeAll,
    Mark,
    Reserve,
    SetNode,
    Trim,
)  # fmt: skip
from mmspec.physical.memblock.state import Array, Memblock, node_known


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take about a machine, or None."""
    bounded = config.memory_max is not None or config.reserved_max is not None or config.resize
    most = max(config.memory_max or 0, config.reserved_max or 0)
    reasons = {
        "arrays of a given size": bounded and not capabilities["resize"],
        f"arrays of more than {capabilities['regions']} regions": most > capabilities["regions"],
        "arrays of no given size": capabilities["resize"] and None in (config.memory_max, config.reserved_max),
        "mirrored memory": config.mirrored and not capabilities["kinds"],
        "movable_node": config.movable_node and not capabilities["kinds"],
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def unpromised(state: Memblock, request: Any, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not promise of a request in this state, or None."""
    limit = int(capabilities["max_addr"], 16)
    end = getattr(request, "base", 0) + getattr(request, "size", 0)
    asks = isinstance(request, Alloc) and (request.exact or request.soft)
    reasons = {
        "what is refused": not capabilities["checked"] and refused(state, request),
        f"addresses above {capabilities['max_addr']}": limit != TOP and min(end, TOP) > limit,
        "an exact node or a soft bound": asks and not capabilities["kinds"],
        f"more than {capabilities['regions']} regions": most_regions(state, request) > capabilities["regions"],
        f"a hand-over of more than {capabilities['max_pages']} frames": isinstance(request, FreeAll)
        and held(state.memory) >> PAGE_SHIFT > capabilities["max_pages"],
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def held(array: Array) -> int:
    """Return how many bytes an array's regions have: its total may have wrapped."""
    return sum(end - base for base, end in array.end.items())


def refused(state: Memblock, request: Any) -> bool:
    """Tell whether a request is one that is refused with EINVAL."""
    if isinstance(request, Add):
        return not add_served(state, request)
    if isinstance(request, Alloc):
        return not alloc_served(state, request)
    if isinstance(request, Mark):
        return not mark_served(request)
    if isinstance(request, SetNode):
        return not node_known(state, request.nid)
    if isinstance(request, Trim):
        return request.align == 0 or request.align & (request.align - 1) != 0
    return isinstance(request, Cap) and not cap_served(request)


def most_regions(state: Memblock, request: Any) -> int:
    """Return how many regions an array that nothing limits may have to hold at some time during a request; else 0."""
    most = 0
    for which, array in ((MEMORY, state.memory), (RESERVED, state.reserved)):
        if array.max == UNLIMITED:
            most = max(most, array.cnt + wanted(which, array, request))
    return most


def wanted(which: int, array: Array, request: Any) -> int:
    """Return how many more regions an array may have to hold."""
    if isinstance(request, Add if which == MEMORY else Reserve):
        return wanted_to_add(array, request.base, request.size) - array.cnt
    return 2
