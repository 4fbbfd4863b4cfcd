"""Page tables and the walk through them, on x86-64, AArch64 and RISC-V, as the processors that Linux runs on do it.

The state is physical memory (``state.Tables``); whoever names a root says what is a table. ``walk`` is what a walk comes to,
whatever the encoding; ``x86_64``, ``aarch64`` and ``riscv64`` say it for each architecture: read one of them first, then
``core``, which says what may be answered. Nothing is cached here (component ``tlb``), and nothing maps or unmaps but software
that writes entries. Where the dossier knows a rule from memory only, the law has what QEMU and the manual's text agree on
(``docs/questions.md``).
"""

from __future__ import annotations

from mmspec.component import Component, Invariant, Operation
from mmspec.errors import Done
from mmspec.virtual.page_table import core
from mmspec.virtual.page_table.clauses import CHOICE, CLAUSES, MEMORY, READ_BACK
from mmspec.virtual.page_table.ops import Access, Config, Flush, Reached, Read, Value, Write
from mmspec.virtual.page_table.state import Tables, initial

WRITE = Operation("write", Write, Done, ("EINVAL",), core.write_allowed, core.write_apply, core.write_choose)
READ = Operation("read", Read, Value, ("EINVAL",), core.read_allowed, core.read_apply, core.read_choose)
ACCESS = Operation("access", Access, Reached, ("EINVAL",), core.access_allowed, core.access_apply, core.access_choose)
FLUSH = Operation("flush", Flush, Done, (), core.flush_allowed, core.flush_apply, core.flush_choose)

PAGE_TABLE = Component(
    name="page_table",
    config=Config,
    state=Tables,
    policy=core.Nothing,
    initial=initial,
    initial_policy=core.initial_policy,
    operations=(WRITE, READ, ACCESS, FLUSH),
    invariants=(
        Invariant(MEMORY, core.in_memory, lambda tables, policy: (pa for pa, _ in tables.memory.items())),
        Invariant(READ_BACK, core.unknown_is_clear, lambda tables, policy: (pa for pa, _ in tables.may_be_set.items())),
    ),
    clauses=CLAUSES,
    choice=CHOICE,
)
