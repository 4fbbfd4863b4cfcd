"""What is true at the heads of the loops of hotplug, after any number of rounds, said of one arbitrary block or sub-section."""

from __future__ import annotations

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Obligation, step_of
from mmspec.physical.hotplug import clauses as c
from mmspec.physical.hotplug.core import FILL, FORGET, LEAVE
from mmspec.physical.hotplug.devices import MARK
from mmspec.physical.hotplug.ops import (
    ABSENT,
    Block,
    BlockEnd,
    BlockOrder,
    BlockState,
    DeviceOwner,
    Node,
    Subsection,
    SubsectionEnd,
    Zone,
)
from mmspec.physical.hotplug.spans import DOWN, UP
from mmspec.physical.hotplug.state import Memory, is_in_zone
from mmspec.pmap import PMap
from mmspec.words import PfnEnd


def goes_up(was_at: int, at: int, end: int) -> bool:
    """Tell whether a walk is between its start and its end, or did not begin."""
    return (was_at <= at) & ((at <= end) | (at == was_at))


def filling(
    was_blocks: PMap[Block, BlockState], was_nodes: PMap[Block, Node], was_at: BlockEnd, blocks: PMap[Block, BlockState],
    nodes: PMap[Block, Node], state: BlockState, node: Node, at: BlockEnd, end: BlockEnd, block: Block,
) -> bool:  # fmt: skip
    """Blocks that were passed have the state and the node, any other what it had."""
    mine = (was_at <= block) & (block < at)
    states = blocks.get(block, ABSENT) == (state if mine else was_blocks.get(block, ABSENT))
    return goes_up(was_at, at, end) & states & (nodes.get(block, 0) == (node if mine else was_nodes.get(block, 0)))


def forgetting(
    was_early: PMap[Block, bool], was_at: BlockEnd, early: PMap[Block, bool], at: BlockEnd, end: BlockEnd, block: Block
) -> bool:
    """Blocks that were passed are not of boot, any other is if it was."""
    mine = (was_at <= block) & (block < at)
    return goes_up(was_at, at, end) & (early.get(block, False) == (False if mine else was_early.get(block, False)))


def leaving(was_at: BlockEnd, order: BlockOrder, at: BlockEnd, end: PfnEnd) -> bool:
    """While a memory map is left behind: no block is passed that begins behind its end."""
    return (was_at <= at) & ((at == was_at) | ((at - 1) << order < end))


def marking(
    was_devices: PMap[Subsection, DeviceOwner], was_at: SubsectionEnd, devices: PMap[Subsection, DeviceOwner],
    owner: DeviceOwner, at: SubsectionEnd, end: SubsectionEnd, subsection: Subsection,
) -> bool:  # fmt: skip
    """Sub-sections that were passed have the owner, any other the one that it had."""
    mine = (was_at <= subsection) & (subsection < at)
    return goes_up(was_at, at, end) & (devices.get(subsection, 0) == (owner if mine else was_devices.get(subsection, 0)))


def climbing(memory: Memory, zone: Zone, was_at: BlockEnd, at: BlockEnd, end: BlockEnd, block: Block) -> bool:
    """No block that was passed is of the zone."""
    passed = (was_at <= block) & (block < at)
    return goes_up(was_at, at, end) & ((passed == False) | (is_in_zone(memory, zone, block) == False))  # noqa: E712


def descending(memory: Memory, zone: Zone, was_at: BlockEnd, at: BlockEnd, first: BlockEnd, block: Block) -> bool:
    """No block that was passed is of the zone."""
    passed = (at <= block) & (block < was_at)
    bounds = (at <= was_at) & ((first <= at) | (at == was_at))
    return bounds & ((passed == False) | (is_in_zone(memory, zone, block) == False))  # noqa: E712


FILLING = LoopInvariant(FILL, filling, id="HOTPLUG-FILL-STEP")
LEAVING = LoopInvariant(LEAVE, leaving, id="HOTPLUG-LEAVE-STEP")
FORGETTING = LoopInvariant(FORGET, forgetting, id="HOTPLUG-FORGET-STEP")
MARKING = LoopInvariant(MARK, marking, id="HOTPLUG-MARK-STEP")
CLIMBING = LoopInvariant(UP, climbing, id="HOTPLUG-UP-STEP")
DESCENDING = LoopInvariant(DOWN, descending, id="HOTPLUG-DOWN-STEP")


def _step(invariant: LoopInvariant, *clauses: object) -> Obligation:
    template = Obligation("", tuple(clauses), "", invariant)  # type: ignore[arg-type]
    return step_of(invariant, template)


OBLIGATIONS = (
    _step(FILLING, c.ADD_DONE, c.REMOVE_DONE),
    _step(LEAVING, c.ADD_LEFT),
    _step(FORGETTING, c.REMOVE_DONE),
    _step(MARKING, c.DEVICE_DONE, c.UNMAP_DONE),
    _step(CLIMBING, c.SHRINK_FIRST),
    _step(DESCENDING, c.SHRINK_LAST),
)
