"""Wrong versions of the memory model's rules: ``lookups`` of what is looked up, ``changes`` of what is added and
removed; ``rules`` takes the other clauses one by one."""

from __future__ import annotations

from mmprops.bugs.bug import Bug
from mmprops.bugs.physical.memory_model import changes, lookups, rules

BUGS: tuple[Bug, ...] = (*lookups.BUGS, *changes.BUGS, *rules.BUGS)
"""The bugs of the component."""
