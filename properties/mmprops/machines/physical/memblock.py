"""The machine ``memblock``: what may be promised, and how our implementation is held against the law.

``memblock_draw`` draws its configurations, ``memblock_generate`` its operations, ``memblock_limits`` knows what may be asked,
``memblock_picture`` draws its states, ``memblock_replies`` knows what may be answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mmimpl.physical.memblock import EarlyMemory
from mmprops.machine import Capability, Lockstep, Machine, Replies
from mmprops.machines.few import FEW
from mmprops.machines.physical.memblock_draw import draw, simpler
from mmprops.machines.physical.memblock_generate import Generator
from mmprops.machines.physical.memblock_limits import too_much, unpromised
from mmprops.machines.physical.memblock_picture import picture
from mmprops.machines.physical.memblock_replies import LIMITS, PROGRAMS, possible
from mmspec.clause import Clause
from mmspec.physical import memblock as law
from mmspec.physical.memblock.looking import listed
from mmspec.physical.memblock.ops import Config
from mmspec.physical.memblock.state import Memblock, Policy

CAPABILITIES = {
    "query": Capability(False, "serves query", opens=True),
    "batch": Capability(False, "serves several operations in one request", opens=True, ours=False),
    "kinds": Capability(
        False, "serves mark, set_node, set_limit, direction, alloc's exact and soft, mirrored memory and movable_node", opens=True
    ),
    "limits": Capability(False, "serves trim, enforce, cap and limit_map", opens=True),
    "resize": Capability(
        False, "takes the arrays' first sizes, doubles them in the memory it describes, and tells what that moved", opens=True
    ),
    "free_all": Capability(False, "serves free_all", opens=True),
    "checked": Capability(False, "nodes, flags, marks and alignments that do not exist get EINVAL", opens=True),
    "regions": Capability(128, "regions that each array holds at most, or at first", least=2, ours=4096),
    "max_pages": Capability(65536, "most frames of memory in a hand-over", least=1),
    "max_addr": Capability("0xffffffffffffffff", "the largest address it takes"),
}

REQUIRES = {
    "query": "query", "mark": "kinds", "set_node": "kinds", "set_limit": "kinds", "direction": "kinds", "trim": "limits",
    "enforce": "limits", "cap": "limits", "limit_map": "limits", "free_all": "free_all",
}  # fmt: skip


def sent(capabilities: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the fields of a configuration, and of an allocation, that a client of these capabilities is sent."""
    config, alloc = ["nodes"], ["size", "align", "start", "end", "nid"]
    if capabilities["resize"]:
        config += ["memory_max", "reserved_max", "resize"]
    if capabilities["kinds"]:
        config += ["mirrored", "movable_node"]
        alloc += ["exact", "soft"]
    return {"reset": tuple(config), "alloc": tuple(alloc)}


class Tolerance:
    """Nothing is excused."""

    def __init__(self, config: Config, capabilities: Mapping[str, Any]) -> None:
        pass

    def note(self, request: Any, result: Any) -> None:
        """Nothing to remember."""

    def forgives(self, clause: Clause, state: Memblock, request: Any, result: Any) -> bool:
        """Never."""
        return False


# --- lock-step with our implementation ---------------------------------------------------------------------------------------


def watched(policy: Policy, journal: list[Any]) -> Policy:
    """Return the policy as it is: results tell every change, and the recount what they do not."""
    return policy


def differs(state: Memblock, policy: Policy, body: EarlyMemory, keys: Iterable[Any]) -> str | None:
    """Compare at some keys: there are none."""
    return None


def recount(state: Memblock, policy: Policy, body: EarlyMemory) -> str | None:
    """Compare everything: both arrays region by region as they are kept, their room and totals."""
    if state.stopped:
        return None
    for label, array, ours in (("memory", state.memory, body.memory), ("reserved", state.reserved, body.reserved)):
        if listed(array) != ours.listed():
            return f"the {label} array is {ours.listed()}, in Linux {listed(array)}"
        if (array.max, array.total) != (ours.max, ours.total):
            return f"the {label} array has room for {ours.max} and {ours.total} bytes, in Linux {array.max} and {array.total}"
    return None


def small(state: Memblock) -> bool:
    """Tell whether the arrays have few enough regions that asking every invariant costs no more than the program did."""
    return state.memory.cnt + state.reserved.cnt <= 64


MEMBLOCK = Machine(
    component=law.MEMBLOCK,
    implementation=EarlyMemory,
    capabilities=CAPABILITIES,
    requires=REQUIRES,
    draw=draw,
    generator=Generator,
    sent=sent,
    simpler=simpler,
    too_much=too_much,
    unpromised=unpromised,
    tolerance=Tolerance,
    weakening=(),
    lockstep=Lockstep(watched, differs, recount),
    small=small,
    picture=picture,
    replies=Replies(possible, lambda request: None, LIMITS, PROGRAMS, usual=FEW),
)
"""The machine."""
