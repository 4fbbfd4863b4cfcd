"""Where the rules of the watermarks are written: in the law and in the implementation."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

CORE, SIZES = "mmspec.physical.watermarks.core", "mmspec.physical.watermarks.sizes"
LINUX = "mmspec.physical.watermarks.linux"
OUR = "mmimpl.physical.watermarks.Marks"

OURS = "INTERFACES 1, machine watermarks"
"""The reference of a rule that is ours and not the kernel's."""

bug = partial(Bug, component="watermarks")
"""A bug of this component."""
