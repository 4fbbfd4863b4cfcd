"""Wrong versions of the buddy allocator's rules.

``museum`` restates real bugs (linux/bugs.md); the others take the clauses one by one: ``freeing``, ``handing_out``,
``pageblocks`` and, in the law alone, ``truths``.
"""

from __future__ import annotations

from mmprops.bugs.bug import Bug
from mmprops.bugs.physical.buddy import freeing, handing_out, museum, pageblocks, truths

BUGS: tuple[Bug, ...] = (*museum.BUGS, *freeing.BUGS, *handing_out.BUGS, *pageblocks.BUGS, *truths.BUGS)
"""The bugs of the component."""
