"""The machine ``page_table``: what may be promised, and how our implementation is held against the law.

``page_table_draw`` draws its configurations, ``page_table_generate`` its operations, ``page_table_entries`` the entries;
``page_table_vectors`` writes those of its vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from mmimpl.virtual.page_table import PageTable
from mmprops.machine import Capability, Lockstep, Machine, Replies
from mmprops.machines.virtual.page_table_draw import CONTROLS, draw, simpler, taken, usual
from mmprops.machines.virtual.page_table_generate import Generator
from mmprops.machines.virtual.page_table_vectors import possible, programs
from mmprops.picture import Picture, Strip
from mmspec.clause import Clause
from mmspec.virtual import page_table as law
from mmspec.virtual.page_table import aarch64, core, riscv64, x86_64
from mmspec.virtual.page_table.ops import (
    AARCH64,
    MODES,
    NO_FAULT,
    PA_BITS,
    X86_64,
    Access,
    Config,
    Entry,
    Fault,
    Read,
    Value,
    Write,
)  # fmt: skip
from mmspec.virtual.page_table.state import Tables, is_fresh, is_word

CAPABILITIES = {
    "fault_code": Capability(True, "a fault's code is the architecture's", opens=True),
    "fault_level": Capability(True, "a fault names its level", opens=True),
    "ad_update": Capability(True, "says which accessed and dirty bits an access set", opens=True),
    "page_size": Capability(True, "names the size of the page that was reached", opens=True),
    "uncached": Capability(False, "an access sees what was written without a flush", opens=True),
    "controls": Capability(
        hex((1 << len(CONTROLS)) - 1), "the control bits that it takes, counted from bit 0 in the order of the configuration's"
    ),
    "checked_write": Capability(False, "a write to what is no word of memory gets EINVAL", opens=True),
    "checked_read": Capability(False, "a read of what is no word of memory gets EINVAL", opens=True),
    "checked_access": Capability(False, "an access through what is no root gets EINVAL", opens=True),
    "batch": Capability(False, "serves several operations in one request", opens=True, ours=False),
    "mode": Capability("all", "the one mode that it serves", choices=("all", *MODES)),
    "phys_bits": Capability(0, "the one width of physical addresses that it has; 0: any"),
    "max_pa": Capability(hex((1 << PA_BITS) - 1), "the largest physical address that it has memory at"),
}


def sent(capabilities: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the fields that a client of these capabilities is sent: all of them."""
    return {}


# --- what capabilities allow ------------------------------------------------------------------------------------------------


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take of a configuration, or None."""
    reasons = {
        f"mode {MODES[config.mode]}": capabilities["mode"] not in ("all", MODES[config.mode]),
        f"{config.phys_bits}-bit physical addresses": capabilities["phys_bits"] not in (0, config.phys_bits),
        "control bits": any(
            not taken(capabilities, name) and getattr(config.controls, name) not in (None, value)
            for name, value in attrs.asdict(usual(config)).items()
        ),
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def unpromised(tables: Tables, request: Any, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not promise of a request in this state, or None."""
    if isinstance(request, Write | Read):
        name = "write" if isinstance(request, Write) else "read"
        reasons = {
            "an address that is no word of memory": not is_word(tables, request.pa) and not capabilities[f"checked_{name}"],
            "so high an address": is_word(tables, request.pa) and request.pa > int(capabilities["max_pa"], 16),
        }
        return next((reason for reason, applies in reasons.items() if applies), None)
    if isinstance(request, Access):
        reasons = {
            "a root that is none": not core.is_root(tables, request.root) and not capabilities["checked_access"],
            "an access between a write and the flush": not is_fresh(tables, request.va) and not capabilities["uncached"],
        }
        return next((reason for reason, applies in reasons.items() if applies), None)
    return None


def marks(tables: Tables) -> Entry:
    """Return the bits of an entry that an access may change."""
    regime = tables.regime
    if regime.arch == X86_64:
        return x86_64.ACCESSED | x86_64.DIRTY
    if regime.arch == AARCH64:
        return (aarch64.AF | aarch64.AP_READ_ONLY) if regime.ha else 0
    return riscv64.A | riscv64.D


def completed(tables: Tables, request: Any, result: Any, capabilities: Mapping[str, Any]) -> Any:
    """Return a result in which what a client of these capabilities does not promise to say is what the law says."""
    if result.failed:
        return result
    if isinstance(request, Read) and isinstance(result, Value) and not capabilities["ad_update"]:
        mask = marks(tables)
        return Value((result.value & ~mask) | (tables.memory.get(request.pa, 0) & mask))
    if not isinstance(request, Access) or not core.is_root(tables, request.root):
        return result
    walk = core.walk_of(tables, request)
    if result.fault is not None and walk.fault != NO_FAULT:
        level = result.fault.level if capabilities["fault_level"] else walk.level
        code = result.fault.code if capabilities["fault_code"] else walk.code
        return attrs.evolve(result, fault=Fault(result.fault.kind, level, code))
    if result.fault is None and walk.fault == NO_FAULT:
        size = result.size if capabilities["page_size"] else walk.size
        accessed = result.accessed_set if capabilities["ad_update"] else walk.accessed
        dirty = result.dirty_set if capabilities["ad_update"] else walk.dirty
        return attrs.evolve(result, size=size, accessed_set=accessed, dirty_set=dirty)
    return result


class Tolerance:
    """Nothing is excused: what is not promised is not compared."""

    def __init__(self, config: Config, capabilities: Mapping[str, Any]) -> None:
        pass

    def note(self, request: Any, result: Any) -> None:
        """Nothing needs to be remembered."""

    def forgives(self, clause: Clause, tables: Tables, request: Any, result: Any) -> bool:
        """Nothing is forgiven."""
        return False


# --- lock-step with our implementation ---------------------------------------------------------------------------------------


def watched(policy: Any, journal: list[Any]) -> Any:
    """Return the policy state, which never changes."""
    return policy


def differs(tables: Tables, policy: Any, body: PageTable, keys: Iterable[Any]) -> str | None:
    """Nothing is compared on the way."""
    return None


def recount(tables: Tables, policy: Any, body: PageTable) -> str | None:
    """Compare all of memory."""
    ours, law = dict(body.words()), {pa: value for pa, value in tables.memory.items() if value}
    for pa in sorted(set(ours) | set(law)):
        if ours.get(pa, 0) != law.get(pa, 0):
            return f"the word at {pa:#x} is {ours.get(pa, 0):#x}, in the law {law.get(pa, 0):#x}"
    return None


def small(tables: Tables) -> bool:
    """Tell whether a memory has few enough words that asking every invariant costs no more than the program did."""
    return len(tables.memory) <= 256


def picture(tables: Tables, policy: Any) -> Picture:
    """Return a memory's picture: which words hold something, and which may have been marked by accesses that faulted."""
    present = sorted((pa, 8) for pa, value in tables.memory.items() if value)
    unsure = sorted((pa, 8) for pa, bits in tables.may_be_set.items() if bits)
    start, end = (present[0][0], present[-1][0] + 8) if present else (0, 8)
    strips = [Strip("entries", tuple(present))]
    if unsure:
        strips.append(Strip("unsure", tuple(run for run in unsure if start <= run[0] < end), filled=False))
    return Picture("byte", "pa", start, end, tuple(strips))


PAGE_TABLE = Machine(
    component=law.PAGE_TABLE,
    implementation=PageTable,
    capabilities=CAPABILITIES,
    requires={},
    draw=draw,
    generator=Generator,
    sent=sent,
    simpler=simpler,
    too_much=too_much,
    unpromised=unpromised,
    completed=completed,
    tolerance=Tolerance,
    weakening=(),
    lockstep=Lockstep(watched, differs, recount),
    small=small,
    picture=picture,
    replies=Replies(possible, lambda request: None, ({},), programs(), usual={"any.jsonl": 0}, kernels=False),
)
"""The machine."""
