"""Where the rules of the per-CPU lists are written: in the law and in the implementation."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

STATE, CORE, LINUX = "mmspec.physical.pcp.state", "mmspec.physical.pcp.core", "mmspec.physical.pcp.linux"
AMOUNTS, PARAMETERS = "mmspec.physical.pcp.amounts", "mmspec.physical.pcp.parameters"
OUR = "mmimpl.physical.pcp"

OURS = "decision D44"
"""The reference of a rule that is ours and not the kernel's."""

bug = partial(Bug, component="pcp")
"""A bug of this component."""
