"""What really ran: the functions of the law and of the implementation whose code a proof executed.

The ledger's hash goes over all that a subject can reach by name; what ran must be among it, or a change would go unnoticed.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Iterable, Iterator
from pathlib import Path as File
from typing import TYPE_CHECKING

import mmimpl
import mmspec
from mmproofs import hashing
from mmproofs.lift.errors import LiftError
from mmproofs.lift.run import Path

if TYPE_CHECKING:
    from mmproofs.prove_case import Case

ROOTS = tuple(str(File(package.__file__ or "").parent) for package in (mmspec, mmimpl))

READ_BY_THE_LIFTER = ("words.py", "loop.py", "pmap.py", "clause.py", "errors.py")
"""Modules of the law that are part of how it is read: the prover's own hash covers them."""


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def functions(case: Case, paths: Iterable[Path]) -> dict[types.CodeType, str]:
    """Return the code that ran with the names of its functions (LiftError: the ledger's hash does not cover one of them)."""
    reachable = hashing.closure(hashing.roots(case.obligation)).items()
    known = {code: name for name, value in reachable if isinstance(value, types.FunctionType) for code in _codes(value.__code__)}
    found = {code for path in paths for code in path.ran if code in known or code.co_filename.startswith(ROOTS)}
    for code in found:
        if code not in known and File(code.co_filename).name not in READ_BY_THE_LIFTER:
            raise LiftError(f"{code.co_qualname} ran, and the ledger's hash does not cover it", "call it by a global name")
    return {code: known[code] for code in found if code in known}


def branches(codes: Iterable[types.CodeType]) -> bool:
    """Tell whether any of the text branches."""
    return any(
        instruction.opname.startswith(("POP_JUMP", "JUMP_IF", "FOR_ITER"))
        for code in codes
        for instruction in dis.get_instructions(code)
    )
