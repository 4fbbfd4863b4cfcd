"""Wrong versions of the rules of the page allocator on real frames.

``promises`` break what everybody relies on, ``blocks`` the ways of blocks within a zone, ``machine`` what goes on over all zones,
``contig`` ranges of frames.
"""

from __future__ import annotations

from mmprops.bugs.bug import Bug
from mmprops.bugs.physical.pages import blocks, contig, machine, promises

BUGS: tuple[Bug, ...] = (*promises.BUGS, *blocks.BUGS, *machine.BUGS, *contig.BUGS)
"""The bugs of the component."""
