"""The law of the per-CPU lists, driven by hand: each answer is Linux's, held to be lawful, and truths are asked after it."""

from __future__ import annotations

from typing import Any

from mmspec.physical.pcp import PCP
from mmspec.physical.pcp.amounts import pcp_of
from mmspec.physical.pcp.ops import MOVABLE, Alloc, Bulk, Config, Drain, Free, Refill, Tune

OPERATIONS = {operation.request: operation for operation in PCP.operations}

SMALL = Tune(16384, 0, 1, 0, 1)
"""Limits of a zone of 64 MiB with one CPU and no low mark: batch 3, limits 12 and 2048."""


class Model:
    """One zone's lists under the choices of a kernel."""

    def __init__(self, config: Config, kernel: str = "6.12", tune: Tune | None = SMALL) -> None:
        self.pages, self.lists = PCP.initial(config), PCP.initial_policy(config, kernel)
        if tune is not None:
            self.do(tune)

    def do(self, request: Any) -> Any:
        """Carry out a request as Linux does and return its result."""
        operation = OPERATIONS[type(request)]
        result, lists = operation.choose(self.pages, self.lists, request)
        assert operation.allowed(self.pages, request, result) is None
        self.pages, self.lists = operation.apply(self.pages, request, result), lists
        if len(self.pages.held) <= 16:
            self.ask_truths()
        return result

    def ask_truths(self) -> None:
        """Ask every truth about the state."""
        for invariant in PCP.invariants:
            for key in invariant.keys(self.pages, self.lists):
                assert invariant.holds(self.pages, self.lists, key), (invariant.clause, key)

    def allows(self, request: Any, result: Any) -> Any:
        """Return the clause that another result would break, or None."""
        return OPERATIONS[type(request)].allowed(self.pages, request, result)

    def free(self, pfn: int, order: int = 0, flags: int = 0, migratetype: int = MOVABLE, cpu: int = 0) -> list[int]:
        """Free a block; return what goes back, in order."""
        owed = self.do(Free(cpu, pfn, order, migratetype, flags)).count
        return self.drained(cpu) if owed else []

    def drained(self, cpu: int = 0) -> list[int]:
        """Return what goes back, in order, until nothing is owed."""
        found = []
        while self.pages.owed.get(cpu, 0):
            found.append(self.do(Drain(cpu)).pfn)
        return found

    def bulk(self, count: int, cpu: int = 0) -> list[int]:
        """Drain so many frames; return what goes back, in order."""
        self.do(Bulk(cpu, count))
        return self.drained(cpu)

    def refill(self, *pfns: int, order: int = 0, migratetype: int = MOVABLE, cpu: int = 0) -> None:
        """Put blocks on a list."""
        for pfn in pfns:
            assert not self.do(Refill(cpu, pfn, order, migratetype)).failed

    def alloc(self, order: int = 0, migratetype: int = MOVABLE, flags: int = 0, cpu: int = 0) -> Any:
        """Return the frame that a request is answered with, or the name of the error."""
        result = self.do(Alloc(cpu, order, migratetype, flags))
        return result.name if result.failed else result.pfn

    def numbers(self, cpu: int = 0) -> Any:
        """Return the CPU's numbers."""
        return pcp_of(self.pages, self.lists, cpu)
