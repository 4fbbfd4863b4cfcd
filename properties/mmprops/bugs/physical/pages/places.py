"""Where the rules of the page allocator on real frames are written: in the law and in the implementation."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

CORE, PARTS, LINUX = "mmspec.physical.pages.core", "mmspec.physical.pages.parts", "mmspec.physical.pages.linux"
BULK, CONTIG = "mmspec.physical.pages.bulk", "mmspec.physical.pages.contig"
LISTS = "mmimpl.physical.page_alloc.walk.Lists"
OUR, ZONE = "mmimpl.physical.pages.Allocator", "mmimpl.physical.pages.zone.Zone"
RANGE, RANGES = "mmimpl.physical.pages.contig.Range", "mmimpl.physical.pages.contig.Ranges"

OURS = "INTERFACES 1, machine page_alloc"
"""The reference of a rule that is ours and not the kernel's."""

bug = partial(Bug, component="pages")
"""A bug of this component."""
