"""What is proved of the page-table walk, for all addresses and all words of memory.

``indices``: an address is its indices and its offset, and an entry lies in its table; ``x86_64``, ``aarch64`` and ``riscv64``:
what an entry is at each level, which table it names, and what is left of the rights, to the law and to the optimised walker,
which are the same, and that no entry of the last level leads on; ``single``: what the interpreter's short way takes entries for.
What is not lifted is the loop around the steps.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.virtual.page_table import aarch64, indices, riscv64, single, x86_64

OBLIGATIONS: tuple[Obligation, ...] = (
    *indices.OBLIGATIONS,
    *x86_64.OBLIGATIONS,
    *aarch64.OBLIGATIONS,
    *riscv64.OBLIGATIONS,
    *single.OBLIGATIONS,
)
