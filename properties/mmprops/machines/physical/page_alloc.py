"""The machine ``page_alloc``: zones whose free frames are reported, and requests that go the fast path and the slow one.

What reclaim, compaction and the OOM killer do is told by the program, so that a client has nothing to choose but, under ``any``,
which zone serves, and what it asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from mmimpl.physical.page_alloc import Pages
from mmprops.machine import Capability, Lockstep, Machine, Replies
from mmprops.machines.few import FEW
from mmprops.machines.physical.page_alloc_draw import draw, simpler, too_much
from mmprops.machines.physical.page_alloc_generate import NAMES, Generator
from mmprops.picture import Picture, Strip
from mmprops.unforgiving import Unforgiving
from mmspec.errors import Error
from mmspec.physical import page_alloc as law
from mmspec.physical.page_alloc.ops import (
    ASKS,
    DONE,
    KINDS,
    NODE_SHIFT,
    NOWHERE,
    PAGE,
    Answer,
    Boost,
    Config,
    Enter,
    FlagsOf,
    Passed,
    Taken,
    Turn,
    Walk,
    Worth,
)  # fmt: skip
from mmspec.physical.page_alloc.state import Memory, Notes

CAPABILITIES = {"max_nodes": Capability(4, "the most nodes it takes", least=1)}
ERRORS = {operation.request: tuple(map(Error, operation.errors)) for operation in law.PAGE_ALLOC.operations}

__all__ = ["NAMES", "PAGE_ALLOC"]

# --- lock-step with our implementation -------------------------------------------------------------------------------------


def differs(state: Memory, notes: Notes, body: Pages, keys: Iterable[Any]) -> str | None:
    """Nothing is compared between the steps: every answer is."""
    return None


def recount(state: Memory, notes: Notes, body: Pages) -> str | None:
    """Compare what is free, which zones are known to be below HIGH, and how far each request has come."""
    paths = notes.paths
    for zone in range(state.machine.end):
        if zone % 8 < KINDS:
            free = (state.machine.free.get(zone, 0), state.machine.exact.get(zone, 0))
            if body.marks.free[zone][:2] != free:
                return f"zone {zone} has {body.marks.free[zone][:2]} free, by the law {free}"
            if (zone in body.below) != paths.below.get(zone, False):
                return f"zone {zone} is known to be below HIGH: {zone in body.below}, in Linux {zone not in body.below}"
    for node in range(state.machine.end >> NODE_SHIFT):
        asked = (paths.marks.asked.get(node, -1), paths.marks.asked_order.get(node, 0))
        if (body.marks.asked[node], body.marks.asked_order[node]) != asked:
            return f"kswapd {node} is asked for {body.marks.asked[node]}, in Linux for {asked}"
    for task, r in notes.waiting.items():
        path = body.paths.get(task)
        theirs = (r.loops, r.retries, r.priority, r.round, r.nodes, r.flags)
        ours = None if path is None else (path.loops, path.retries, path.priority, path.round, path.nodes, path.flags)
        if ours != theirs:
            return f"task {task} has come to {ours}, in Linux to {theirs}"
    return None


def picture(state: Memory, notes: Notes | None) -> Picture:
    """Draw the zones that have memory, by number, and those in which something is free."""
    managed = tuple((zone, 1) for zone, frames in sorted(state.machine.managed.items()) if frames)
    free = tuple((zone, 1) for zone, frames in sorted(state.machine.free.items()) if frames)
    rows = tuple((f"task {task} asks {ASKS[ask]}", (state.order[task],)) for task, ask in sorted(state.asked.items()))
    return Picture(
        "zone", "zone", 0, state.topology.nodes << NODE_SHIFT, (Strip("has frames", managed), Strip("some free", free)), rows
    )


# --- vectors -----------------------------------------------------------------------------------------------------------------


def possible(state: Memory, request: Any) -> Iterator[Any]:
    """Yield what a request may be answered with."""
    yield from ERRORS[type(request)]
    zones = sorted(zone for zone, _ in state.machine.managed.items())
    if isinstance(request, FlagsOf):
        yield from (Worth(flags, 0) for flags in (0, 1))
    elif isinstance(request, Boost):
        yield from (Passed(0), Passed(1))
    elif isinstance(request, Walk):
        yield from map(Taken, zones)
    elif isinstance(request, Enter | Answer):
        yield from (Turn(PAGE, zone) for zone in zones)
        yield from (Turn(ask, NOWHERE) for ask in range(1, len(ASKS)))
    else:
        yield DONE


PAGE_ALLOC = Machine(
    component=law.PAGE_ALLOC,
    implementation=Pages,
    capabilities=CAPABILITIES,
    requires={},
    draw=draw,
    generator=Generator,
    sent=lambda capabilities: {"reset": tuple(attrs.fields_dict(Config))},
    simpler=simpler,
    too_much=too_much,
    tolerance=Unforgiving,
    weakening=(),
    lockstep=Lockstep(lambda notes, journal: notes, differs, recount),
    small=lambda state: True,
    picture=picture,
    replies=Replies(possible, lambda request: None, ({"max_nodes": 1}, {"max_nodes": 2}), usual=FEW),
)
"""The machine."""
