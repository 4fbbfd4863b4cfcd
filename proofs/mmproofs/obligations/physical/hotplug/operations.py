"""What each operation keeps: no device's frame is memory, blocks stay in zones of their nodes, counters nest and sum up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Obligation, Predicate, bound, function_of
from mmproofs.obligations.physical.hotplug import states as s
from mmproofs.obligations.physical.hotplug.loops import FILLING, FORGETTING, LEAVING, MARKING
from mmspec.clause import Clause
from mmspec.errors import DONE, EBUSY, EINVAL, ENOENT, ENOMEM, Done, Error
from mmspec.physical.hotplug import clauses as c
from mmspec.physical.hotplug import core, devices, onlining
from mmspec.physical.hotplug.invariants import apart, at_home, nested, never_online, node_sums
from mmspec.physical.hotplug.ops import (
    E2BIG,
    EEXIST,
    EHWPOISON,
    EINTR,
    ENXIO,
    EPERM,
    Block,
    Node,
    Offline,
    Online,
    Subsection,
    Zone,
)
from mmspec.physical.hotplug.state import Memory, Spans, block_state, is_online, is_online_frame
from mmspec.words import Pfn

KEPT = (
    ("NEVER-ONLINE", bound(never_online, memory="after"), (c.NEVER_ONLINE,)),
    ("APART", bound(apart, memory="after"), (c.NEVER_ONLINE,)),
    ("AT-HOME", bound(at_home, memory="after"), (c.ONE_NODE,)),
    ("WITHIN", bound(s.within, memory="after"), (c.ADD_RANGE,)),
    ("NESTED", bound(nested, memory="after"), (c.NESTED,)),
    ("NODE-SUMS", bound(node_sums, memory="after"), (c.NODE_SUM,)),
)
COUNTS = (nested, node_sums, s.small_zone)
RECOUNTED = ("a zone's counters cover each of its blocks (HOTPLUG-8, recounted in every run)",)


# --- goals -----------------------------------------------------------------------------------------------------------------


def back_again(memory: Memory, op: Online, result: Any, after: Memory, zone: Zone) -> bool:
    """Taking offline what was just put online leaves every zone's present, early and managed frames as they were."""
    if result.failed:
        return True
    undone = onlining.offline_apply(after, Offline(op.block), DONE)
    present = undone.present.get(zone, 0) == memory.present.get(zone, 0)
    early = undone.present_early.get(zone, 0) == memory.present_early.get(zone, 0)
    return present & early & (undone.managed.get(zone, 0) == memory.managed.get(zone, 0))


def node_again(memory: Memory, op: Online, result: Any, after: Memory, node: Node) -> bool:
    """Taking offline what was just put online leaves every node's frames and totalram as they were."""
    if result.failed:
        return True
    undone = onlining.offline_apply(after, Offline(op.block), DONE)
    return (undone.node_present.get(node, 0) == memory.node_present.get(node, 0)) & (undone.total == memory.total)


def all_counted(memory: Memory, op: Online, result: Any, after: Memory) -> bool:
    """A block that goes online adds all its frames to its zone, and those that are not withheld to the managed ones."""
    if result.failed:
        return True
    size, zone = 1 << memory.shape.block_order, result.zone
    present = after.present.get(zone, 0) == memory.present.get(zone, 0) + size
    managed = after.managed.get(zone, 0) == memory.managed.get(zone, 0) + size - op.withheld
    return present & managed & (after.total == memory.total + size - op.withheld) & is_online(after, op.block)


def may_go_again(memory: Memory, op: Online, result: Any, after: Memory) -> bool:
    """Nothing that the callback of onlining withholds keeps a block online that has no hole and nothing isolated."""
    if result.failed:
        return True
    kept = (after.holes.get(op.block, 0) > 0) | (after.isolations.get(op.block, 0) > 0)
    return kept or onlining.offline_allowed(after, Offline(op.block), DONE) is None


def stays_offline(memory: Memory, op: Any, result: Any, after: Memory, frame: Pfn) -> bool:
    """Exactly the frames that were online are online."""
    return is_online_frame(after, frame) == is_online_frame(memory, frame)


def uncounted(memory: Memory, op: Any, result: Any, after: Memory, zone: Zone) -> bool:
    """No zone's frames, present or managed, change, nor does totalram."""
    present = after.present.get(zone, 0) == memory.present.get(zone, 0)
    return present & (after.managed.get(zone, 0) == memory.managed.get(zone, 0)) & (after.total == memory.total)


def nothing_happened(memory: Memory, op: Any, result: Any, after: Memory, block: Block, subsection: Subsection) -> bool:
    """Where it is refused, no block, no device and no counter is another."""
    blocks = block_state(after, block) == block_state(memory, block)
    same = blocks & (after.devices.get(subsection, 0) == memory.devices.get(subsection, 0))
    return same & (after.total == memory.total)


# --- obligations -------------------------------------------------------------------------------------------------------------

Goal = tuple[str, Predicate, tuple[Clause, ...]]


def _family(
    name: str, subject: Callable[..., Any], lawful: Predicate, clause: Clause, *goals: Goal,
    given: tuple[Predicate, ...] = (), known: tuple[Predicate, ...] = (), cuts: tuple[LoopInvariant, ...] = (),
    errors: tuple[Error, ...] = (EINVAL,), assumptions: tuple[str, ...] = (), types: Mapping[str, Any] = {},
) -> tuple[Obligation, ...]:  # fmt: skip
    head = f"HOTPLUG-{name.upper().replace('_', '-')}"
    base = Obligation(
        id=f"{head}-DEFINED",
        clauses=(clause,),
        statement=f"{name}: every word fits and every loop is lawful",
        subject=subject,
        given=(s.legal_shape, lawful, *given),
        invariants=(*s.STATE, *COUNTS, *known),
        cuts=cuts,
        beside={"spans": Spans},
        types=types,
        straight=bool(types),
        choices={Error: errors, Done: (DONE,)},
        each=s.ORDERS,
        bounds=s.BOUNDS,
        assumptions=assumptions,
        rests_on=tuple(cut.id for cut in cuts),
        operation=name,
        invariant="defined",
    )
    found = [base]
    for column, goal, clauses in (*KEPT, *goals):
        found.append(
            attrs.evolve(
                base,
                id=f"{head}-{column}",
                clauses=clauses,
                statement=f"{name}: {(function_of(goal).__doc__ or '').strip()}",
                goal=goal,
                invariant=column.lower(),
                rests_on=(*base.rests_on, base.id),
            )
        )
    return tuple(found)


CARRIED_OUT = {"result": Done}
"""What is refused is asked apart: what was there is known of what was carried out alone."""


def _refused(
    name: str, subject: Callable[..., Any], clause: Clause, *cuts: LoopInvariant, errors: tuple[Error, ...]
) -> tuple[Obligation, ...]:
    """Return that a refusal changes nothing; where its text goes through loops, first that it is defined."""
    refused = Obligation(
        id=f"HOTPLUG-{name.upper().replace('_', '-')}-REFUSED",
        clauses=(clause,),
        statement=f"{name}: {(nothing_happened.__doc__ or '').strip()}",
        subject=subject,
        goal=nothing_happened,
        given=(s.legal_shape,),
        invariants=s.STATE,
        cuts=cuts,
        beside={"spans": Spans},
        types={"result": Error},
        straight=name != "add",
        choices={Error: errors},
        each=s.ORDERS,
        bounds=s.BOUNDS,
        rests_on=tuple(cut.id for cut in cuts),
        operation=name,
        invariant="refused",
    )
    if not cuts:
        return (refused,)
    statement = f"{name}, refused: every key is there, every word fits, every loop is lawful"
    base = attrs.evolve(refused, id=f"{refused.id}-DEFINED", statement=statement, goal=None, invariant="refused-defined")
    return base, attrs.evolve(refused, rests_on=(*refused.rests_on, base.id))


UNCOUNTED: Goal = ("UNCOUNTED", uncounted, (c.DEVICE_UNCOUNTED, c.ADD_DONE))
STAYS: Goal = ("STAYS-OFFLINE", stays_offline, (c.NEVER_ONLINE,))

OBLIGATIONS = (
    *_family(
        "add", core.add_apply, s.add_lawful, c.ADD_DONE, UNCOUNTED, STAYS, known=(s.nothing_there, s.no_device_there),
        cuts=(FILLING, LEAVING), types=CARRIED_OUT,
    ),
    *_refused("add", core.add_apply, c.ADD_DONE, LEAVING, errors=(EINVAL, EEXIST, ENOMEM, E2BIG)),
    *_family(
        "remove", core.remove_apply, s.remove_lawful, c.REMOVE_DONE, UNCOUNTED, STAYS, known=(s.all_offline,),
        cuts=(FILLING, FORGETTING), types=CARRIED_OUT,
    ),
    *_refused("remove", core.remove_apply, c.REMOVE_DONE, errors=(EINVAL, EBUSY)),
    *_refused("online", onlining.online_apply, c.ONLINE_DONE, errors=(EINVAL, ENOENT, EHWPOISON, EPERM)),
    *_refused("offline", onlining.offline_apply, c.OFFLINE_DONE, errors=(EINVAL, ENOENT, EBUSY, EPERM, EINTR, ENOMEM)),
    *_refused("release", onlining.release_apply, c.RELEASE, errors=(EINVAL,)),
    *_refused("isolate", onlining.isolate_apply, c.ISOLATE_DONE, errors=(EINVAL, EBUSY)),
    *_refused("unisolate", onlining.unisolate_apply, c.UNISOLATE_DONE, errors=(EINVAL,)),
    *_refused("unmap_device", devices.unmap_device_apply, c.UNMAP_DONE, errors=(EINVAL,)),
    *_family(
        "online", onlining.online_apply, s.online_lawful, c.ONLINE_DONE,
        ("RETURNED", back_again, (c.COUNTED, c.OFFLINE_COUNTS)), ("RECOUNTED", node_again, (c.COUNTED, c.TOTAL_SUM)),
        ("COUNTS", all_counted, (c.ONLINE_COUNTS, c.ONLINE_MANAGED)),
        ("MAY-GO-AGAIN", may_go_again, (c.OFFLINE_RESERVED, c.OFFLINE_DONE)),
        errors=(EINVAL, ENOENT, EHWPOISON, EPERM),
    ),
    *_family(
        "offline", onlining.offline_apply, s.offline_lawful, c.OFFLINE_DONE, given=(s.roomy,),
        errors=(EINVAL, ENOENT, EBUSY, EPERM, EINTR, ENOMEM), assumptions=RECOUNTED,
    ),
    *_family(
        "release", onlining.release_apply, s.release_lawful, c.RELEASE, STAYS, given=(s.roomy,), assumptions=RECOUNTED
    ),
    *_family(
        "isolate", onlining.isolate_apply, s.isolate_lawful, c.ISOLATE_DONE, UNCOUNTED, STAYS,
        known=(s.counted_pageblocks,), errors=(EINVAL, EBUSY),
    ),
    *_family(
        "unisolate", onlining.unisolate_apply, s.unisolate_lawful, c.UNISOLATE_DONE, UNCOUNTED, STAYS,
        known=(s.counted_pageblocks,),
    ),
    *_family(
        "map_device", devices.map_device_apply, s.map_lawful, c.DEVICE_DONE, UNCOUNTED, STAYS, known=(s.no_ram_there,),
        cuts=(MARKING,), types=CARRIED_OUT,
    ),
    *_refused("map_device", devices.map_device_apply, c.DEVICE_DONE, errors=(EINVAL, ENOMEM, EEXIST, ENXIO)),
    *_family(
        "unmap_device", devices.unmap_device_apply, s.unmap_lawful, c.UNMAP_DONE, UNCOUNTED, STAYS, known=(s.ends_ahead,),
        cuts=(MARKING,),
    ),
)  # fmt: skip
