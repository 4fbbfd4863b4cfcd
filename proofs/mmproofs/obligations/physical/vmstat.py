"""A zone's counters: no update is lost, and what a CPU holds back stays within its widest threshold: eight bits hold it.

For any number of CPUs that is said pointwise: a counter and what the CPU of the operation holds back of it move by what was
added, and no other CPU's part changes. How far a counter is off by then is proved of few CPUs, one by one. Beside the law's
invariants a state has two that no reader asks for: no threshold is above the widest, and a CPU that is not online holds nothing
back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.lift.counting import equal_sums
from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, Predicate, bases_of, bound, function_of, proofs_of, step_of
from mmspec.clause import Clause
from mmspec.physical.vmstat import clauses as c
from mmspec.physical.vmstat import core, linux
from mmspec.physical.vmstat.invariants import held_within
from mmspec.physical.vmstat.linux import dec, inc, mod, step_atomic
from mmspec.physical.vmstat.ops import (
    CPU_BITS,
    MAX_THRESHOLD,
    Cell,
    Cpu,
    CpuEnd,
    Dec,
    Delta,
    Inc,
    Item,
    Mod,
    Offline,
    Online,
    Threshold,
    Total,
)  # fmt: skip
from mmspec.physical.vmstat.state import Cells, Zone, cell_of, is_online

ROOM = 1 << 61
ROOMY = {"counter": "between -2**61 and 2**61"}

# --- what is given -------------------------------------------------------------------------------------------------------


def roomy(cells: Cells, item: Item) -> bool:
    """The counter is far from the ends of its word."""
    counter = cells.counter.get(item, 0)
    return (counter < ROOM) & (counter > -ROOM)


def roomy_each(cells: Cells, any_item: Item) -> bool:
    """Every counter is far from the ends of its word."""
    return roomy(cells, any_item)


def roomy_all(zone: Zone, cells: Cells, any_item: Item) -> bool:
    """Every counter, and what was added to it, is far from the ends of its word."""
    exact = zone.exact.get(any_item, 0)
    return roomy(cells, any_item) & (exact < ROOM) & (exact > -ROOM)


def below_widest(cells: Cells, cpu: Cpu) -> bool:
    """No threshold is above the widest that was in force since the CPU handed over."""
    return cells.threshold.get(cpu, 0) <= cells.widest.get(cpu, 0)


def held_back(cells: Cells, cpu: Cpu, item: Item) -> bool:
    """The CPU holds back no more than its widest threshold, which is no less than the one in force."""
    held, widest = cells.held.get(cell_of(cpu, item), 0), cells.widest.get(cpu, 0)
    within = (held <= widest) & (held >= -widest)
    return within & (cells.threshold.get(cpu, 0) <= widest) & (widest <= MAX_THRESHOLD)


def one_step(delta: Delta) -> bool:
    """A step of one, up or down."""
    return (delta == 1) | (delta == -1)


def manned(zone: Zone, first: Cpu) -> bool:
    """A CPU is online."""
    return is_online(zone, first)


def small(zone: Zone) -> bool:
    """The zone has few CPUs and counters."""
    return (zone.cpus <= 4) & (zone.items <= 2)


# --- one counter and one CPU -----------------------------------------------------------------------------------------------


def total(cells: Cells, cpu: Cpu, item: Item) -> int:
    """Return a counter with what one CPU holds back of it."""
    return cells.counter.get(item, 0) + cells.held.get(cell_of(cpu, item), 0)


def stays_within(cells: Cells, cpu: Cpu, item: Item, after: Cells) -> bool:
    """The CPU still holds back no more than its widest threshold."""
    held, widest = after.held.get(cell_of(cpu, item), 0), cells.widest.get(cpu, 0)
    return (held <= widest) & (held >= -widest)


def adds(cells: Cells, cpu: Cpu, item: Item, delta: Delta, after: Cells) -> bool:
    """The counter and what the CPU holds back of it sum to what was added more."""
    return total(after, cpu, item) == total(cells, cpu, item) + delta


def adds_one(cells: Cells, cpu: Cpu, item: Item, after: Cells) -> bool:
    """The counter and what the CPU holds back of it sum to one more."""
    return total(after, cpu, item) == total(cells, cpu, item) + 1


def takes_one(cells: Cells, cpu: Cpu, item: Item, after: Cells) -> bool:
    """The counter and what the CPU holds back of it sum to one less."""
    return total(after, cpu, item) == total(cells, cpu, item) - 1


def others_keep(cells: Cells, cpu: Cpu, item: Item, after: Cells, other: Cpu) -> bool:
    """What any other CPU holds back of the counter is as before."""
    same = after.held.get(cell_of(other, item), 0) == cells.held.get(cell_of(other, item), 0)
    return (other == cpu) | same


def _of(name: str, subject: Callable[..., Any], clause: Clause, sums: Predicate, *given: Predicate) -> tuple[Obligation, ...]:
    base = Obligation(
        f"VMSTAT-{name}-FITS", (c.CELL, clause), "What the CPU then holds back fits eight bits, and the counter its word.",
        subject, given=(roomy, held_back, *given), operation=name.lower().replace("-", " "), invariant="defined", bounds=ROOMY,
    )  # fmt: skip
    goals = {"SUM": (sums, c.SUM), "WITHIN": (stays_within, c.CELL), "OTHERS": (others_keep, c.SUM)}
    return base, *(
        attrs.evolve(
            base, id=f"VMSTAT-{name}-{column}", clauses=(about, clause), statement=function_of(goal).__doc__ or "", goal=goal,
            rests_on=(base.id,), invariant=column.lower(),
        )
        for column, (goal, about) in goals.items()
    )  # fmt: skip


# --- loops over CPUs -------------------------------------------------------------------------------------------------------


def counting(zone: Zone, was_cpu: CpuEnd, was_count: CpuEnd, cpu: CpuEnd, count: CpuEnd, place: Cpu) -> bool:
    """While the online CPUs are counted: there are no more than were passed, and one at least where one of these is online."""
    met = (place < cpu) & is_online(zone, place)
    begun = (was_cpu == 0) & (was_count == 0) & (cpu <= zone.cpus)
    return begun & (count <= cpu) & ((met == False) | (count >= 1))  # noqa: E712  # a truth may be symbolic


def telling(zone: Zone, was_cells: Cells, cells: Cells, cpu: CpuEnd, place: Cpu) -> bool:
    """While CPUs are told a threshold: none's widest threshold shrinks, and its own is no wider."""
    grown = cells.widest.get(place, 0) >= was_cells.widest.get(place, 0)
    lawful = cells.threshold.get(place, 0) <= cells.widest.get(place, 0)
    return (cpu <= zone.cpus) & grown & lawful


def seeking(zone: Zone, at: CpuEnd) -> bool:
    """While another CPU is looked for: it is one of the zone's."""
    return at <= zone.cpus


def summing(was_cpu: CpuEnd, was_total: Total, cpu: CpuEnd, total: Total) -> bool:
    """While a snapshot is summed up: it is off the counter by no more than eight bits a CPU."""
    off, most = total - was_total, 128 * cpu
    return (was_cpu == 0) & (was_total < ROOM) & (was_total > -ROOM) & (off <= most) & (off >= -most)


COUNTING = LoopInvariant(linux.ONLINE, counting, id="VMSTAT-ONLINE-STEP")
TELLING = LoopInvariant(linux.LIMIT, telling, id="VMSTAT-LIMIT-STEP")
SUMMING = LoopInvariant(linux.SUM, summing, id="VMSTAT-SUM-STEP")
SEEKING = LoopInvariant(core.OTHER, seeking, id="VMSTAT-OTHER-STEP")


# --- what operations are made of -------------------------------------------------------------------------------------------


def grown(cells: Cells, after: Cells, cpu: Cpu) -> bool:
    """No CPU's widest threshold shrinks, and its own is no wider."""
    lawful = after.threshold.get(cpu, 0) <= after.widest.get(cpu, 0)
    return (after.widest.get(cpu, 0) >= cells.widest.get(cpu, 0)) & lawful


def none_held(cells: Cells, cpu: Cpu, after: Cells, cell: Cell) -> bool:
    """The CPU holds nothing back, and what others hold back is as before."""
    own = cell & ((1 << CPU_BITS) - 1) == cpu
    return after.held.get(cell, 0) == (0 if own else cells.held.get(cell, 0))


def all_over(cells: Cells, cpu: Cpu, after: Cells, item: Item) -> bool:
    """What the CPU held back of a counter is in the counter."""
    return after.counter.get(item, 0) == total(cells, cpu, item)


def narrowed(cells: Cells, cpu: Cpu, after: Cells, other: Cpu) -> bool:
    """The CPU's widest threshold is the one in force, and any other's is as before."""
    return after.widest.get(other, 0) == (cells.threshold.get(cpu, 0) if other == cpu else cells.widest.get(other, 0))


_SIZES = ("page_shift", "managed", "min", "low", "high")
HANDS = Contract(
    "VMSTAT-HAND-OVER", linux.hand_over,
    (("NONE", none_held), ("OVER", all_over), ("WIDEST", narrowed)), requires=(roomy_each,),
    keeps={f"after.{name}": f"cells.{name}" for name in (*_SIZES, "threshold", "drift_mark")},
)  # fmt: skip
REFRESHES = Contract(
    "VMSTAT-REFRESHED", linux.refreshed, (("GROWN", grown),), requires=(below_widest,),
    keeps={f"after.{name}": f"cells.{name}" for name in (*_SIZES, "held", "counter")},
)  # fmt: skip

# --- operations, with any number of CPUs -----------------------------------------------------------------------------------


def applied(zone: Zone, op: Any, result: Any) -> Zone:
    """Return the zone after a change of a counter, or a CPU's coming or going."""
    if isinstance(op, Mod):
        return core.mod_apply(zone, op, result)
    if isinstance(op, Inc):
        return core.inc_apply(zone, op, result)
    if isinstance(op, Dec):
        return core.dec_apply(zone, op, result)
    if isinstance(op, Offline):
        return core.offline_apply(zone, op, result)
    return core.online_apply(zone, op, result) if isinstance(op, Online) else zone


Answer = tuple[Any, Cells]


def moved_by(op: Any) -> int:
    """Return what an operation adds to its counter."""
    if isinstance(op, Mod):
        return op.delta
    return 1 if isinstance(op, Inc) else -1 if isinstance(op, Dec) else 0


def summed(cells: Cells, op: Any, after: Answer, item: Item) -> bool:
    """A counter and what the CPU in question holds back of it move by what is added to the counter, and nothing is lost."""
    result, rest = after
    if result.failed or (isinstance(op, Mod | Inc | Dec) and item != op.item):
        return total(rest, op.cpu, item) == total(cells, op.cpu, item)
    return total(rest, op.cpu, item) == total(cells, op.cpu, item) + moved_by(op)


def kept(zone: Zone, cells: Cells, op: Any, after: Answer, cell: Cell) -> bool:
    """What other CPUs hold back is as before."""
    own: bool = cell & ((1 << CPU_BITS) - 1) == op.cpu
    return own | (after[1].held.get(cell, 0) == cells.held.get(cell, 0))


def untouched(zone: Zone, cells: Cells, after: Answer, item: Item, cell: Cell) -> bool:
    """No counter moves, and nothing that a CPU holds back."""
    counter = after[1].counter.get(item, 0) == cells.counter.get(item, 0)
    return counter & (after[1].held.get(cell, 0) == cells.held.get(cell, 0))


def handed_over(zone: Zone, op: Any, after: Answer, item: Item) -> bool:
    """The CPU holds nothing back."""
    result, rest = after
    return result.failed or rest.held.get(cell_of(op.cpu, item), 0) == 0


def idle_empty(zone: Zone, cells: Cells, cell: Cell) -> bool:
    """A CPU that is not online holds nothing back."""
    return is_online(zone, cell & ((1 << CPU_BITS) - 1)) or cells.held.get(cell, 0) == 0


def still_empty(zone: Zone, op: Any, after: Answer, cell: Cell) -> bool:
    """A CPU that is not online still holds nothing back."""
    return idle_empty(applied(zone, op, after[0]), after[1], cell)


LONE = "a CPU is online: that the last one cannot leave is tested (VMSTAT-ARGS), not proved"

_CHANGES: dict[str, tuple[Callable[..., Any], Clause, tuple[LoopInvariant, ...]]] = {
    "mod": (linux.mod_choose, c.FLUSH, ()),
    "inc": (linux.inc_choose, c.INC, ()),
    "dec": (linux.dec_choose, c.DEC, ()),
    "fold": (linux.fold_choose, c.FOLD, ()),
    "offline": (linux.offline_choose, c.OFFLINE, (SEEKING,)),
    "online": (linux.online_choose, c.REFRESH, (COUNTING, TELLING)),
    "set_marks": (linux.set_marks_choose, c.REFRESH, ()),
    "refresh_thresholds": (linux.refresh_choose, c.REFRESH, (COUNTING, TELLING)),
    "pressure": (linux.pressure_choose, c.PRESSURE_DRIFT, (COUNTING, TELLING)),
    "read": (linux.read_choose, c.READ_NONNEGATIVE, ()),
    "read_snapshot": (linux.read_snapshot_choose, c.EXACT, (SUMMING,)),
    "threshold": (linux.look_threshold_choose, c.NORMAL, ()),
    "drift_mark": (linux.look_drift_mark_choose, c.DRIFT_MARK, ()),
}
"""Every operation: what it does, the clause, and the loops over CPUs that it runs."""

LOOKS = ("read", "read_snapshot", "threshold", "drift_mark")
NO_CPU = ("set_marks", "refresh_thresholds", "pressure", *LOOKS)
HANDS_OVER = ("fold", "offline")


def _family(name: str) -> tuple[Obligation, ...]:
    """Return an operation's obligations: its own claims, the invariants that it keeps, and that nothing is lost."""
    subject, clause, cuts = _CHANGES[name]
    id = f"VMSTAT-{name.upper().replace('_', '-')}"
    base = Obligation(
        f"{id}-DEFINED", (c.CELL, clause), f"{name}: every cell fits eight bits, every other word its own", subject,
        invariants=(held_within, below_widest, roomy_all, idle_empty), cuts=cuts, operation=name, invariant="counters: defined",
        bounds=ROOMY, small=small,
    )  # fmt: skip
    if name == "pressure":
        base = attrs.evolve(base, given=(manned,), beside={"first": Cpu}, assumptions=(LONE,))
    if name == "offline":
        base = attrs.evolve(base, contracts=(HANDS, REFRESHES))
    base = attrs.evolve(base, rests_on=bases_of(base), unaided=name in ("set_marks", "read", "threshold", "drift_mark"))
    goals: list[tuple[str, Predicate, Clause]] = [
        ("WITHIN", bound(held_within, cells="after.1"), c.CELL),
        ("WIDEST", bound(below_widest, cells="after.1"), c.CELL),
    ]
    if name in NO_CPU:
        goals += [("KEPT", untouched, c.SUM)]
    else:
        goals += [("SUM", summed, c.SUM), ("KEPT", kept, c.SUM), ("IDLE", still_empty, c.OFFLINE)]
    goals += [("EMPTY", handed_over, c.FOLD)] if name in HANDS_OVER else []
    return base, *(
        attrs.evolve(
            base, id=f"{id}-COUNTERS-{column}", clauses=(about, clause), goal=goal, invariant=f"counters: {column.lower()}",
            statement=f"{name}: {(function_of(goal).__doc__ or '').strip()}", rests_on=(base.id, *base.rests_on),
            unaided=column in ("KEPT", "EMPTY", "SUM"),
        )
        for column, goal, about in goals
    )  # fmt: skip


# --- all CPUs together, few of them ------------------------------------------------------------------------------------------

CPUS = 3
FEW = {"cpus": f"<= {CPUS}"}


def few(zone: Zone) -> bool:
    """The zone has few CPUs."""
    return zone.cpus <= CPUS


def all_parts(cells: Cells, item: Item) -> tuple[int, ...]:
    """Return a counter and what each of the few CPUs holds back of it."""
    return cells.counter.get(item, 0), *(cells.held.get(cell_of(cpu, item), 0) for cpu in range(CPUS))


def snapshot_whole(cells: Cells, item: Item, after: Total) -> bool:
    """A snapshot is a counter and what the CPUs hold back of it, whether they are online or not."""
    return equal_sums((after,), all_parts(cells, item))


def near(cells: Cells, item: Item) -> bool:
    """What all CPUs hold back is no more than their widest thresholds together, and so is what a counter lacks."""
    held, slack = 0, 0
    for cpu in range(CPUS):
        held += cells.held.get(cell_of(cpu, item), 0)
        slack += cells.widest.get(cpu, 0)
    return (held <= slack) & (held >= -slack)


def lawful_threshold(after: Threshold) -> bool:
    """A CPU may hold back one at least, and 125 at most."""
    return (after >= 1) & (after <= MAX_THRESHOLD)


def some_online(online: CpuEnd) -> bool:
    """A CPU is online."""
    return online >= 1


# --- the obligations ---------------------------------------------------------------------------------------------------------


def _threshold(name: str, subject: Callable[..., Any], clause: Clause) -> tuple[Obligation, ...]:
    """Return the obligations that a formula gives a threshold that a CPU can bear."""
    base = Obligation(
        f"VMSTAT-THRESHOLD-{name}-DEFINED", (clause,), "Every word fits, and no divisor is 0.", subject, given=(some_online,),
        operation="thresholds", invariant=f"{name.lower()}: defined",
    )  # fmt: skip
    lawful = attrs.evolve(
        base, id=f"VMSTAT-THRESHOLD-{name}-LAWFUL", statement=(lawful_threshold.__doc__ or "").strip(), goal=lawful_threshold,
        rests_on=(base.id,), invariant=f"{name.lower()}: lawful",
    )  # fmt: skip
    return base, lawful


_SNAPSHOT = Obligation(
    "VMSTAT-SNAPSHOT-DEFINED", (c.SUM,), "A snapshot fits its word.", linux.snapshot, given=(few,),
    invariants=(held_within, roomy_all, idle_empty), unrolled=(linux.SUM,), operation="snapshot", invariant="defined",
    bounds={**ROOMY, **FEW}, small=small,
)  # fmt: skip

OBLIGATIONS = (
    *_of("STEP-MOD", mod, c.FLUSH, adds),
    *_of("STEP-INC", inc, c.INC, adds_one),
    *_of("STEP-DEC", dec, c.DEC, takes_one),
    *_of("STEP-ATOMIC", step_atomic, c.ATOMIC, adds, one_step),
    *(
        attrs.evolve(step_of(cut, Obligation("", (clause,), "", cut)), operation=f"loop {cut.loop.name}")
        for cut, clause in ((COUNTING, c.NORMAL), (TELLING, c.CELL), (SEEKING, c.ARGS), (SUMMING, c.SUM))
    ),
    *(
        attrs.evolve(proof, bounds=ROOMY, straight=True, unaided=proof.invariant != "defined")
        for proof in proofs_of(HANDS, Obligation("", (c.FOLD, c.SUM), "", linux.hand_over))
    ),
    *(
        attrs.evolve(proof, unaided=proof.invariant == "kept")
        for proof in proofs_of(
            REFRESHES, Obligation("", (c.REFRESH, c.CELL), "", linux.refreshed, cuts=(COUNTING, TELLING))
        )
    ),
    *(obligation for name in _CHANGES for obligation in _family(name)),
    _SNAPSHOT,
    *(
        attrs.evolve(
            _SNAPSHOT, id=f"VMSTAT-SNAPSHOT-{column}", clauses=clauses, statement=(goal.__doc__ or "").strip(), goal=goal,
            rests_on=(_SNAPSHOT.id,), invariant=column.lower(),
        )
        for column, goal, clauses in (("WHOLE", snapshot_whole, (c.SUM,)), ("NEAR", near, (c.CELL, c.DRIFT)))
    ),
    *_threshold("NORMAL", linux.normal_threshold, c.NORMAL),
    *_threshold("PRESSURE", linux.pressure_threshold, c.PRESSURE),
)  # fmt: skip
