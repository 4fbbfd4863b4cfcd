"""What is true of Linux's notes after every operation, said of one task."""

from __future__ import annotations

from collections.abc import Iterator

from mmspec.component import Invariant
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.ops import GFP_NOFAIL, GFP_NORETRY, TASKS, Task
from mmspec.physical.page_alloc.state import Memory, Notes


def one_round(memory: Memory, notes: Notes, task: Task) -> bool:
    """A request with NORETRY and without NOFAIL is in its first round since the path last began, or before it."""
    if task not in notes.waiting:
        return True
    r = notes.waiting[task]
    return (r.gfp & GFP_NORETRY == 0) | (r.gfp & GFP_NOFAIL != 0) | (r.round <= 1)


def tasks(memory: Memory, notes: Notes) -> Iterator[Task]:
    """Yield every task."""
    return iter(range(TASKS))


INVARIANTS = (Invariant(c.NORETRY, one_round, tasks),)
