"""The page allocator above the free lists: which zone serves a request, and what is done where none does (v6.12).

A composite: the state holds those of ``zones`` and ``watermarks`` unchanged, and how far each request has come in the slow path
(``state.Notes``). Reclaim, compaction and the OOM killer are outside: the path asks (``Turn``), and goes on with what it is told
(``Answer``). Read ``core`` first: what every page allocator must keep; then ``flags``: what a request comes to; ``walk``: through
a list of zones; ``slow``: the slow path from question to question. Free frames are numbers here, told by reports; which block
of a zone is handed out is for the components ``buddy`` and ``pcp``. Not modelled: suspended storage, which spares
from the OOM killer.
"""

from __future__ import annotations

from mmspec.component import Component, Operation
from mmspec.physical.page_alloc import core, linux
from mmspec.physical.page_alloc.clauses import CHOICE, CLAUSES
from mmspec.physical.page_alloc.invariants import INVARIANTS
from mmspec.physical.page_alloc.ops import (
    Above,
    Answer,
    Boost,
    Config,
    Done,
    Enter,
    FlagsOf,
    Passed,
    Reclaimable,
    Report,
    Taken,
    Turn,
    Walk,
    Worth,
)
from mmspec.physical.page_alloc.state import Memory, Notes, initial_notes, memory_of

_E = ("EINVAL",)
_N = ("ENOMEM", "EINVAL")
_same = core.same_apply

OPERATIONS = (
    Operation("report", Report, Done, _E, core.report_allowed, core.report_apply, linux.report_choose),
    Operation("reclaimable", Reclaimable, Done, _E, core.reclaimable_allowed, core.reclaimable_apply, linux.reclaimable_choose),
    Operation("above", Above, Done, _E, core.above_allowed, _same, linux.above_choose),
    Operation("boost", Boost, Passed, _E, core.boost_allowed, _same, linux.boost_choose),
    Operation("flags_of", FlagsOf, Worth, _E, core.flags_of_allowed, _same, linux.flags_of_choose),
    Operation("walk", Walk, Taken, _N, core.walk_allowed, core.walk_apply, linux.walk_choose),
    Operation("enter", Enter, Turn, _N, core.enter_allowed, core.enter_apply, linux.enter_choose),
    Operation("answer", Answer, Turn, _N, core.answer_allowed, core.answer_apply, linux.answer_choose),
)

PAGE_ALLOC = Component(
    name="page_alloc",
    config=Config,
    state=Memory,
    policy=Notes,
    initial=memory_of,
    initial_policy=initial_notes,
    operations=OPERATIONS,
    invariants=INVARIANTS,
    clauses=CLAUSES,
    choice=CHOICE,
)
