"""What is known of physical memory during boot: two arrays of regions, and beside them what only Linux keeps.

An array is a ring of regions, ascending, through ``TOP``, where no region can begin. So what is true of its order is said of
one region and the next. ``Memblock`` is a function of the operations and their results; ``Policy`` is what Linux prefers.
"""

from __future__ import annotations

import attrs

from mmspec.errors import InputError
from mmspec.physical.memblock.ops import (
    NO_NODE,
    RESERVED,
    TOP,
    UNLIMITED,
    Addr,
    Config,
    Nid,
    RegionCount,
    Size,
    Type,
)  # fmt: skip
from mmspec.pmap import PMap, pmap
from mmspec.words import Count, Flags

MAX_NODES = 64


@attrs.frozen
class Array:
    """The regions of one type (include/linux/memblock.h:struct memblock_type, v6.12), by their first byte."""

    end: PMap[Addr, Addr]  # exclusive end of each region; above its base
    nid: PMap[Addr, Nid]  # of each region
    flags: PMap[Addr, Flags]  # of each region
    next: PMap[Addr, Addr]  # the base of the next region; the last one's, and in an empty array TOP's, is TOP
    cnt: RegionCount  # regions
    max: Count  # regions that there is room for; cnt <= max
    total: Size  # bytes, and those by which trimming has shrunk regions, as Linux counts them: in 64 bits


@attrs.frozen
class Place:
    """The range of memory that holds an array itself; of no size where that is the one that the kernel was linked with."""

    at: Addr
    size: Size


@attrs.frozen
class Memblock:
    """What is memory and what is taken."""

    nodes: Count  # 1 to MAX_NODES
    resize: bool  # whether a full array may be doubled
    movable_node: bool  # whether HOTPLUG memory is kept free
    mirrored: bool  # whether memory can be marked as mirrored
    stopped: bool  # whether the kernel stopped: nothing is answered any more
    limit: Addr  # memory at and above it is not accessible
    memory: Array
    reserved: Array
    memory_place: Place
    reserved_place: Place


@attrs.frozen
class Policy:
    """What only Linux keeps: how it searches (mm/memblock.c:memblock, v6.12)."""

    bottom_up: bool  # search from below
    some_mirror: bool  # prefer mirrored memory: some was marked


def array_of(state: Memblock, which: Type) -> Array:
    """Return one of the two arrays."""
    return state.reserved if which == RESERVED else state.memory


def with_array(state: Memblock, which: Type, array: Array) -> Memblock:
    """Return the state with another array of a type."""
    if which == RESERVED:
        return attrs.evolve(state, reserved=array)
    return attrs.evolve(state, memory=array)


def place_of(state: Memblock, which: Type) -> Place:
    """Return where one of the two arrays is itself."""
    return state.reserved_place if which == RESERVED else state.memory_place


def with_place(state: Memblock, which: Type, place: Place) -> Memblock:
    """Return the state with an array in another place."""
    if which == RESERVED:
        return attrs.evolve(state, reserved_place=place)
    return attrs.evolve(state, memory_place=place)


def size_at(array: Array, base: Addr) -> Size:
    """Return the size of the region at ``base``."""
    return array.end[base] - base


def empty_array(capacity: Count | None) -> Array:
    """Return an array without regions."""
    return Array(pmap(), pmap(), pmap(), pmap({TOP: TOP}), 0, UNLIMITED if capacity is None else capacity, 0)


def initial_state(config: Config) -> Memblock:
    """Return the state at power-on (InputError: which field is wrong, and how it must be)."""
    if not 1 <= config.nodes <= MAX_NODES:
        raise InputError(f"{config.nodes} nodes are not a number of nodes", hint=f"1 to {MAX_NODES}")
    for capacity in (config.memory_max, config.reserved_max):
        if capacity is not None and not 2 <= capacity <= UNLIMITED:
            raise InputError(f"an array of {capacity} regions is none", hint="at least 2")
    return Memblock(
        nodes=config.nodes,
        resize=config.resize,
        movable_node=config.movable_node,
        mirrored=config.mirrored,
        stopped=False,
        limit=TOP,
        memory=empty_array(config.memory_max),
        reserved=empty_array(config.reserved_max),
        memory_place=Place(0, 0),
        reserved_place=Place(0, 0),
    )


def initial_policy(config: Config, kernel: str) -> Policy:
    """Return Linux's preferences at power-on: those of 6.12, whichever kernel is asked for (docs/questions.md, Q20)."""
    return Policy(bottom_up=False, some_mirror=False)


def node_known(state: Memblock, nid: Nid) -> bool:
    """Tell whether a number is a node's, or ``NO_NODE``."""
    return (nid >= NO_NODE) & (nid < state.nodes)
