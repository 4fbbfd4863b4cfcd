"""What an access through tables in memory comes to, whoever walks them.

``walk_of`` is the walk; the rest says what may be answered. Hardware may mark an entry as accessed although the access faulted:
the law does not know until somebody reads the entry, or an access says that it had yet to mark it.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import DONE, EINVAL, Done, Error, refused
from mmspec.pmap import PMap, pmap
from mmspec.virtual.page_table import aarch64, riscv64, x86_64
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table.ops import (
    AARCH64,
    NO_FAULT,
    X86_64,
    Access,
    Bits,
    Config,
    Entry,
    Fault,
    Flush,
    Level,
    Pa,
    Reached,
    Read,
    Value,
    Write,
)  # fmt: skip
from mmspec.virtual.page_table.state import Tables, is_word, page_of
from mmspec.virtual.page_table.walk import Walk

# --- write, read, flush --------------------------------------------------------------------------------------------------


def write_allowed(tables: Tables, op: Write, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a write breaks."""
    if not is_word(tables, op.pa):
        rule(c.WRITE_ARGS)
        return None if refused(result, "EINVAL") else c.WRITE_ARGS
    rule(c.WRITTEN)
    return c.WRITTEN if result.failed else None


def write_apply(tables: Tables, op: Write, result: Done | Error) -> Tables:
    """Store the word: whatever was cached may be stale from now on."""
    if result.failed:
        return tables
    memory = tables.memory.set(op.pa, op.value)
    return attrs.evolve(tables, memory=memory, may_be_set=tables.may_be_set.set(op.pa, 0), stale=True, fresh=pmap())


def write_choose(tables: Tables, policy: Any, op: Write) -> tuple[Done | Error, Any]:
    """Answer a write."""
    return (DONE if is_word(tables, op.pa) else EINVAL), policy


def read_allowed(tables: Tables, op: Read, result: Value | Error) -> Clause | None:
    """Name the clause that an answer to a read breaks."""
    if not is_word(tables, op.pa):
        rule(c.READ_ARGS)
        return None if refused(result, "EINVAL") else c.READ_ARGS
    rule(c.READ_BACK)
    if result.failed:
        return c.READ_BACK
    differs = result.value ^ tables.memory.get(op.pa, 0)
    return c.READ_BACK if differs & ~tables.may_be_set.get(op.pa, 0) != 0 else None


def read_apply(tables: Tables, op: Read, result: Value | Error) -> Tables:
    """Learn which bits accesses that faulted have set after all."""
    if result.failed:
        return tables
    memory, known = tables.memory.set(op.pa, result.value), tables.may_be_set.set(op.pa, 0)
    return attrs.evolve(tables, memory=memory, may_be_set=known)


def read_choose(tables: Tables, policy: Any, op: Read) -> tuple[Value | Error, Any]:
    """Answer a read."""
    return (Value(tables.memory.get(op.pa, 0)) if is_word(tables, op.pa) else EINVAL), policy


def flush_allowed(tables: Tables, op: Flush, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a flush breaks."""
    rule(c.FLUSHED)
    return c.FLUSHED if result.failed else None


def flush_apply(tables: Tables, op: Flush, result: Done | Error) -> Tables:
    """Nothing that is cached is stale any more: of all addresses, or of one."""
    if op.whole:
        return attrs.evolve(tables, stale=False, fresh=pmap())
    return attrs.evolve(tables, fresh=tables.fresh.set(page_of(op.address), True))


def flush_choose(tables: Tables, policy: Any, op: Flush) -> tuple[Done, Any]:
    """Answer a flush."""
    return DONE, policy


# --- access --------------------------------------------------------------------------------------------------------------


def root_alignment(tables: Tables) -> Bits:
    """Return the binary logarithm of what a root is aligned to."""
    regime = tables.regime
    if regime.arch == AARCH64:
        return aarch64.root_bits(regime)
    return 12


def is_root(tables: Tables, root: Pa) -> bool:
    """Tell whether an address may be a root: an aligned table in memory."""
    return (root & ((1 << root_alignment(tables)) - 1) == 0) & (root >> tables.regime.phys_bits == 0)


def root_level(tables: Tables) -> Level:
    """Return the number of the root's level."""
    regime = tables.regime
    if regime.arch == X86_64:
        return x86_64.levels(regime)
    if regime.arch == AARCH64:
        return aarch64.start_level(regime)
    return riscv64.levels(regime) - 1


def span_bits(tables: Tables, level: Level) -> Bits:
    """Return the binary logarithm of how much one entry of a level spans."""
    regime = tables.regime
    if regime.arch == X86_64:
        return x86_64.shift_of(level)
    if regime.arch == AARCH64:
        return aarch64.shift_of(regime, level)
    return riscv64.shift_of(level)


def walk_of(tables: Tables, op: Access) -> Walk:
    """Return what an access comes to, as its architecture has it."""
    regime = tables.regime
    if regime.arch == X86_64:
        return x86_64.walk(tables.memory, regime, op.root, op.va, op.kind, op.user)
    if regime.arch == AARCH64:
        return aarch64.walk(tables.memory, regime, op.root, op.va, op.kind, op.user)
    return riscv64.walk(tables.memory, regime, op.root, op.va, op.kind, op.user)


def access_allowed(tables: Tables, op: Access, result: Reached | Error) -> Clause | None:
    """Name the clause that an answer to an access breaks: the rule that decides it, where it was decided otherwise."""
    if not is_root(tables, op.root):
        rule(c.ROOT)
        return None if refused(result, "EINVAL") else c.ROOT
    walk = walk_of(tables, op)
    rule(c.TRANSLATED)
    if result.failed or result.faulted != (walk.fault != NO_FAULT):
        return walk.why
    if walk.fault != NO_FAULT:
        return fault_allowed(walk, result.fault)
    return reached_allowed(tables, walk, result)


def fault_allowed(walk: Walk, fault: Fault | Any) -> Clause | None:
    """Name the clause that a fault breaks where there must be one."""
    rule(c.FAULT_KIND)
    if fault.kind != walk.fault:
        return c.FAULT_KIND
    rule(c.FAULT_LEVEL)
    if fault.level != walk.level:
        return c.FAULT_LEVEL
    rule(c.FAULT_CODE)
    return c.FAULT_CODE if fault.code != walk.code else None


def reached_allowed(tables: Tables, walk: Walk, result: Reached) -> Clause | None:
    """Name the clause that a translation breaks where there must be one."""
    rule(c.FRAME)
    if result.pa != walk.pa:
        return c.FRAME
    rule(c.SIZE)
    if result.size != walk.size:
        return c.SIZE
    rule(c.ACCESSED)
    if not lists(tables, result.accessed_set or (), walk.accessed):
        return c.ACCESSED
    rule(c.DIRTY)
    return None if lists(tables, result.dirty_set or (), walk.dirty) else c.DIRTY


def lists(tables: Tables, listed: tuple[Pa, ...], marked: tuple[Pa, ...]) -> bool:
    """Tell whether the entries that an answer lists are those that were marked, each once, in any order.

    What an access that faulted may have marked already may be missing.
    """
    right = True
    for at in listed:
        right &= (listed.count(at) == 1) & (marked.count(at) == 1)
    for at in marked:
        right &= (listed.count(at) == 1) | (tables.may_be_set.get(at, 0) != 0)
    return right


def access_apply(tables: Tables, op: Access, result: Reached | Error) -> Tables:
    """Mark what the access marks; where it faulted, remember what it may have marked."""
    if result.failed:
        return tables
    walk = walk_of(tables, op)
    unknown: PMap[Pa, Entry] = tables.may_be_set
    for at in walk.accessed:
        unknown = unknown.set(at, unknown.get(at, 0) & ~walk.memory.get(at, 0))
    for at in walk.dirty:
        unknown = unknown.set(at, unknown.get(at, 0) & ~walk.memory.get(at, 0))
    for at in walk.touched:
        unknown = unknown.set(at, unknown.get(at, 0) | (walk.may_set & ~tables.memory.get(at, 0)))
    return attrs.evolve(tables, memory=walk.memory, may_be_set=unknown)


def access_choose(tables: Tables, policy: Any, op: Access) -> tuple[Reached | Error, Any]:
    """Answer an access: one that faults marks nothing."""
    if not is_root(tables, op.root):
        return EINVAL, policy
    walk = walk_of(tables, op)
    if walk.fault != NO_FAULT:
        return Reached(fault=Fault(walk.fault, walk.level, walk.code)), policy
    return Reached(walk.pa, walk.size, walk.accessed, walk.dirty), policy


# --- truths about every state ----------------------------------------------------------------------------------------------


def in_memory(tables: Tables, policy: Any, pa: Pa) -> bool:
    """Every word lies at a multiple of 8 below the end of the physical addresses."""
    return is_word(tables, pa) | (pa not in tables.memory)


def unknown_is_clear(tables: Tables, policy: Any, pa: Pa) -> bool:
    """What may have been set is known to have been clear, and is a bit that accesses set."""
    return tables.may_be_set.get(pa, 0) & tables.memory.get(pa, 0) == 0


@attrs.frozen
class Nothing:
    """Linux chooses nothing about how its tables are walked: there is no policy state."""


def initial_policy(config: Config, kernel: str) -> Nothing:
    """Return the policy state after a reset."""
    return Nothing()
