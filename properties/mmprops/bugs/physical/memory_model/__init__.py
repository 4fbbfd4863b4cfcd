"""Wrong versions of the memory model's rules: ``lookups`` of what is looked up, ``changes`` of what is added and removed."""

from __future__ import annotations

from mmprops.bugs.bug import Bug
from mmprops.bugs.physical.memory_model import changes, lookups

BUGS: tuple[Bug, ...] = (*lookups.BUGS, *changes.BUGS)
"""The bugs of the component."""
