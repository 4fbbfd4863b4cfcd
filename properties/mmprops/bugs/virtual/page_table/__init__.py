"""Wrong versions of the page-table walk's rules.

``shared`` has what all architectures share, the others the rules of one. A walker that permits too much is convicted by the rule
that the law names; one that is wrong in any other way by the law edited alike.
"""

from __future__ import annotations

from mmprops.bugs.bug import Bug
from mmprops.bugs.virtual.page_table import aarch64, riscv64, shared, x86_64

BUGS: tuple[Bug, ...] = (*shared.BUGS, *x86_64.BUGS, *aarch64.BUGS, *riscv64.BUGS)
"""The bugs of the component."""
