"""Wrong versions of the rules of the watermarks.

``museum`` restates real bugs (linux/bugs.md); the others take the clauses one by one: ``checks`` those of a check and of kswapd,
``sizes`` those of the numbers.
"""

from __future__ import annotations

from mmprops.bugs.bug import Bug
from mmprops.bugs.physical.watermarks import checks, museum, sizes

BUGS: tuple[Bug, ...] = (*museum.BUGS, *checks.BUGS, *sizes.BUGS)
"""The bugs of the component."""
