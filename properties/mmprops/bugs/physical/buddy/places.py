"""Where the buddy allocator's rules are written: in the law and in the implementation."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

LINKED = "mmspec.linked"
STATE, CORE, KINDS = "mmspec.physical.buddy.state", "mmspec.physical.buddy.core", "mmspec.physical.buddy.kinds"
LISTS = "mmspec.physical.buddy.lists"
FALLBACK, LINUX = "mmspec.physical.buddy.fallback", "mmspec.physical.buddy.linux"
OUR = "mmimpl.physical.buddy"

OURS = "INTERFACES 1, machine buddy"
"""The reference of a rule that is ours and not the kernel's."""

bug = partial(Bug, component="buddy")
"""A bug of this component."""
