"""Wrong versions of the rules of the per-CPU lists.

``museum`` restates real bugs (linux/bugs.md); the others take the clauses one by one: ``blocks`` (which blocks come and go),
``lists`` (from which end of which list, and the limits), ``amounts`` (how many), ``truths`` (in the law alone).
"""

from __future__ import annotations

from mmprops.bugs.bug import Bug
from mmprops.bugs.physical.pcp import amounts, blocks, lists, museum, truths

BUGS: tuple[Bug, ...] = (*museum.BUGS, *blocks.BUGS, *lists.BUGS, *amounts.BUGS, *truths.BUGS)
"""The bugs of the component."""
