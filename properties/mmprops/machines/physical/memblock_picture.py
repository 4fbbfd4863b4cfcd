"""What is in a picture of early memory: memory by node and flags, and what is reserved, from the first byte to the last."""

from __future__ import annotations

from mmprops.picture import Picture, Strip
from mmspec.physical.memblock.looking import merged_regions
from mmspec.physical.memblock.ops import NO_NODE
from mmspec.physical.memblock.state import Memblock, Policy

FLAGS = ("HOTPLUG", "MIRROR", "NOMAP", "DRV_MNG", "RSV_NIT")
"""The names that debugfs prints (mm/memblock.c:flagname, v6.12)."""


def picture(state: Memblock, policy: Policy | None) -> Picture:
    """Return a picture: a strip for memory of each node and flags, and for what is reserved of each."""
    strips: dict[str, list[tuple[int, int]]] = {}
    for label, array in (("memory", state.memory), ("reserved", state.reserved)):
        for base, size, nid, flags in merged_regions(array):
            strips.setdefault(named(label, nid, flags), []).append((base, size))
    runs = [run for found in strips.values() for run in found] or [(0, 1)]
    start, end = min(base for base, _ in runs), max(base + size for base, size in runs)
    drawn = tuple(Strip(label, tuple(found)) for label, found in strips.items())
    return Picture("byte", "addr", start, end, drawn)


def named(label: str, nid: int, flags: int) -> str:
    """Return the name of regions of a node and flags."""
    bits = "|".join(name for bit, name in enumerate(FLAGS) if flags >> bit & 1)
    return " ".join([label, *([] if nid == NO_NODE else [f"node {nid}"]), *([bits] if bits else [])])
