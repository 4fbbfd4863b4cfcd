"""Where the rules of the page allocator are written: in the law and in the implementation."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

FLAGS, WALK = "mmspec.physical.page_alloc.flags", "mmspec.physical.page_alloc.walk"
SLOW, RETRY = "mmspec.physical.page_alloc.slow", "mmspec.physical.page_alloc.retry"
STEPS = "mmspec.physical.page_alloc.steps"
LINUX = "mmspec.physical.page_alloc.linux"
OUR, PATH = "mmimpl.physical.page_alloc.Pages", "mmimpl.physical.page_alloc.path.Path"
LISTS = "mmimpl.physical.page_alloc.walk.Lists"
FUNCTIONS = "mmimpl.physical.page_alloc.path"

OURS = "INTERFACES 1, machine page_alloc"
"""The reference of a rule that is ours and not the kernel's."""

bug = partial(Bug, component="page_alloc")
"""A bug of this component."""
