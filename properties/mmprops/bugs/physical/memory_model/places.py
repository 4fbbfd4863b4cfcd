"""Where the memory model's rules are written: in the law and in the implementation."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

_LAW = "mmspec.physical.memory_model"
LAYOUT, LOOKUP, CORE = f"{_LAW}.layout", f"{_LAW}.lookup", f"{_LAW}.core"
LOOKING, FLAGS, INITIAL = f"{_LAW}.looking", f"{_LAW}.page_flags", f"{_LAW}.initial"
OUR = "mmimpl.physical.memory_model"
MODEL = f"{OUR}.MemoryModel"

bug = partial(Bug, component="memory_model")
"""A bug of this component."""
