"""Short programs on a zone of eleven frames with odd ends: the law alone, and the law beside the implementation.

Linux's lists and choices and the recount of free frames are not proved: here they are explored, as far as three requests go.
"""

from __future__ import annotations

from typing import Any

from mmimpl.physical import buddy as implementation
from mmimpl.physical.buddy import Buddy, operations
from mmproofs.exploration import Exploration
from mmspec.linked import Links, members
from mmspec.physical.buddy import BUDDY, core, invariants
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.ops import DONE, ISOLATE, Alloc, Config, Free, Isolate, Retype, Take, Unisolate
from mmspec.physical.buddy.state import FreeLists, Span, Zone
from mmspec.pmap import CopyOnWrite, PMap

CONFIG = Config(start_pfn=3, end_pfn=14, max_order=3, pageblock_order=1)

Step = tuple[int, int, int]
"""What to ask for, a frame, and an order or a type."""

Block = tuple[int, int]
"""A frame and an order."""


def readable(entries: PMap[Any, Any]) -> CopyOnWrite[Any, Any]:
    """Return a map as one that CrossHair sees into: it follows no symbolic integer into an extension module."""
    return CopyOnWrite(dict(entries.items()))


def reset(kernel: str) -> tuple[Zone, FreeLists]:
    """Return the zone and its lists after a reset, on readable maps."""
    zone, lists = BUDDY.initial(CONFIG), BUDDY.initial_policy(CONFIG, kernel)
    span = Span(CONFIG.start_pfn, CONFIG.end_pfn, CONFIG.max_order, zone.span.pageblock_order, readable(zone.span.holes))
    links = Links(readable(lists.links.next), readable(lists.links.prev))
    return (
        Zone(span, *map(readable, (zone.free, zone.allocated, zone.pageblock, zone.frames))),
        FreeLists(lists.kernel, readable(lists.block), links, readable(lists.types), readable(lists.movable)),
    )


RESETS = {kernel: reset(kernel) for kernel in ("6.1", "6.12")}
"""Made once and outside CrossHair: to build a map in an extension module is beyond it."""

OPERATIONS = {operation.request: operation for operation in BUDDY.operations}


# --- the core alone ----------------------------------------------------------------------------------------------------


def three_blocks(first: Block, second: Block, third: Block) -> bool:
    """Three blocks in or near the zone."""
    return all((pfn >= 0) & (pfn <= 16) & (order >= 0) & (order <= 4) for pfn, order in (first, second, third))


def conserves(first: Block, second: Block, third: Block) -> bool:
    """Free each block that is handed out, else take it; where that is lawful, every frame is afterwards in its one place."""
    zone, lists = RESETS["6.12"]
    for pfn, order in (first, second, third):
        if core.free_allowed(zone, Free(pfn, order), DONE) is None:
            zone = core.free_apply(zone, Free(pfn, order), DONE)
        elif core.take_allowed(zone, Take(pfn, order), DONE) is None:
            zone = core.take_apply(zone, Take(pfn, order), DONE)
        for frame in range(CONFIG.end_pfn + 2):
            kept = (invariants.owned_once, invariants.free_placed, invariants.allocated_placed, invariants.merged)
            if not all(holds(zone, lists, frame) for holds in kept):
                return False
    return True


# --- Linux's lists -----------------------------------------------------------------------------------------------------


def three_requests(old: bool, first: Step, second: Step, third: Step) -> bool:
    """Three requests that ``block_request`` or ``type_request`` knows, of a frame in or near the zone."""
    steps = (first, second, third)
    return all(
        (what >= 0) & (what <= 3) & (pfn >= 0) & (pfn <= 16) & (number >= 0) & (number <= 5) for what, pfn, number in steps
    )


def block_request(step: Step, live: list[Block]) -> Any:
    """Allocate, free a live block or any block, or take one."""
    what, pfn, order = step
    if what == 0:
        return Alloc(order, pfn % 3)
    if what == 1 and live:
        return Free(*live[pfn % len(live)])
    return Free(pfn, order) if what == 1 else Take(pfn, order) if what == 2 else Alloc(order, 0)


def type_request(step: Step, live: list[Block]) -> Any:
    """Allocate, or isolate, unisolate or retype a pageblock."""
    what, pfn, number = step
    if what == 0:
        return Alloc(number, pfn % 3)
    return Isolate(pfn) if what == 1 else Unisolate(pfn, number) if what == 2 else Retype(pfn, number)


def requests_lawful(request_of: Any, kernel: str, steps: tuple[Step, ...]) -> bool:
    """Tell whether each answer that Linux gives is lawful and leaves lists and counts as they must be."""
    zone, lists = RESETS[kernel]
    live: list[Block] = []
    for step in steps:
        request = request_of(step, live)
        operation = OPERATIONS[type(request)]
        answer, lists = operation.choose(zone, lists, request)
        if operation.allowed(zone, request, answer) is not None:
            return False
        zone = operation.apply(zone, request, answer)
        live = sorted(zone.allocated.items())
    return all(holds.holds(zone, lists, key) for holds in BUDDY.invariants for key in holds.keys(zone, lists))


def blocks_lawful(old: bool, first: Step, second: Step, third: Step) -> bool:
    """Three requests about blocks are answered lawfully by Linux, ``old`` as 6.1 does."""
    return requests_lawful(block_request, "6.1" if old else "6.12", (first, second, third))


def types_lawful(old: bool, first: Step, second: Step, third: Step) -> bool:
    """Three requests about pageblocks are answered lawfully by Linux, ``old`` as 6.1 does."""
    return requests_lawful(type_request, "6.1" if old else "6.12", (first, second, third))


# --- the law beside the implementation ---------------------------------------------------------------------------------


def run_law(request_of: Any, kernel: str, steps: tuple[Step, ...]) -> tuple[Any, ...]:
    """Return the law's answers, its lists that are not empty, and its counts."""
    zone, lists = RESETS[kernel]
    answers = []
    for step in steps:
        request = request_of(step, sorted(zone.allocated.items()))
        operation = OPERATIONS[type(request)]
        answer, lists = operation.choose(zone, lists, request)
        zone = operation.apply(zone, request, answer)
        answers.append(answer)
    rings = ((number, list(members(lists.links, number))) for number in range(ISOLATE + 1 << 4))
    return answers, {number: ring for number, ring in rings if ring}, [zone.frames.get(kind, 0) for kind in range(ISOLATE + 1)]


def run_implementation(request_of: Any, kernel: str, steps: tuple[Step, ...]) -> tuple[Any, ...]:
    """Return the implementation's answers, its lists that are not empty, and its counts."""
    buddy = Buddy(CONFIG, kernel)
    answers = [buddy.apply(request_of(step, list(buddy.allocated()))) for step in steps]
    return answers, buddy.lists(), [buddy.frames(kind) for kind in range(ISOLATE + 1)]


def blocks_by_law(old: bool, first: Step, second: Step, third: Step) -> tuple[Any, ...]:
    """Three requests about blocks, ``old`` as 6.1 answers them."""
    return run_law(block_request, "6.1" if old else "6.12", (first, second, third))


def blocks_by_implementation(old: bool, first: Step, second: Step, third: Step) -> tuple[Any, ...]:
    """Three requests about blocks, ``old`` as 6.1 answers them."""
    return run_implementation(block_request, "6.1" if old else "6.12", (first, second, third))


def types_by_law(old: bool, first: Step, second: Step, third: Step) -> tuple[Any, ...]:
    """Three requests about pageblocks, ``old`` as 6.1 answers them."""
    return run_law(type_request, "6.1" if old else "6.12", (first, second, third))


def types_by_implementation(old: bool, first: Step, second: Step, third: Step) -> tuple[Any, ...]:
    """Three requests about pageblocks, ``old`` as 6.1 answers them."""
    return run_implementation(type_request, "6.1" if old else "6.12", (first, second, third))


_ZONE = f"both kernels, three requests on {CONFIG}"
_LAW = (
    *(f for operation in BUDDY.operations for f in (operation.allowed, operation.apply, operation.choose)),
    *(f for invariant in BUDDY.invariants for f in (invariant.holds, invariant.keys)),
    *(reset, BUDDY.initial, BUDDY.initial_policy),
)
_BOTH = (*_LAW, *vars(implementation).values(), *vars(Buddy).values(), *vars(operations).values())
_LISTS = (c.BUDDY_COVER, c.BUDDY_LISTED, c.BUDDY_4, c.BUDDY_5, c.BUDDY_6, c.BUDDY_PAIRS, c.BUDDY_KIND)

EXPLORATIONS = (
    Exploration(
        "EXPLORE-ZONE-CONSERVED",
        (c.BUDDY_1, c.BUDDY_2, c.BUDDY_3),
        "taking and freeing keep every frame in one place, every block placed and every pair merged",
        f"three blocks in or near {CONFIG}",
        conserves,
        three_blocks,
        runs=_LAW,
        tries=100,
    ),
    Exploration(
        "EXPLORE-ZONE-BLOCKS-LAWFUL",
        _LISTS,
        "Linux's answers to alloc, free and take are lawful, and its lists and the counts equal a recount",
        _ZONE,
        blocks_lawful,
        three_requests,
        runs=_LAW,
        tries=100,
    ),
    Exploration(
        "EXPLORE-ZONE-TYPES-LAWFUL",
        _LISTS,
        "Linux's answers to alloc, isolate, unisolate and retype are lawful, and its lists and the counts equal a recount",
        _ZONE,
        types_lawful,
        three_requests,
        runs=_LAW,
        tries=100,
    ),
    Exploration(
        "EXPLORE-ZONE-BLOCKS-SAME",
        (BUDDY.choice, *_LISTS),
        "law and implementation answer alloc, free and take alike, and have the same lists and counts after them",
        _ZONE,
        blocks_by_law,
        three_requests,
        blocks_by_implementation,
        runs=_BOTH,
    ),
    Exploration(
        "EXPLORE-ZONE-TYPES-SAME",
        (BUDDY.choice, *_LISTS),
        "law and implementation answer alloc, isolate, unisolate and retype alike, and have the same lists and counts after them",
        _ZONE,
        types_by_law,
        three_requests,
        types_by_implementation,
        runs=_BOTH,
    ),
)
