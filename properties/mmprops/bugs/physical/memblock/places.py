"""Where memblock's rules are written: in the law and in the implementation."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

_LAW = "mmspec.physical.memblock"
CORE, KINDS, REGIONS, LIMITS = f"{_LAW}.core", f"{_LAW}.kinds", f"{_LAW}.regions", f"{_LAW}.limits"
SEARCH, HANDOVER, LINUX, GROW = f"{_LAW}.search", f"{_LAW}.handover", f"{_LAW}.linux", f"{_LAW}.grow"

OUR = "mmimpl.physical.memblock"
OUR_TABLE, TABLE = f"{OUR}.table", f"{OUR}.table.Table"
MEMORY, EARLY = f"{OUR}.memory.Memory", f"{OUR}.EarlyMemory"

OURS = "INTERFACES 1, machine memblock"
"""The reference of a rule that is ours and not the kernel's."""

bug = partial(Bug, component="memblock")
"""A bug of this component."""

answer = partial(Bug, component="memblock", profile="any")
"""A bug whose wrong answers break the rule themselves."""
