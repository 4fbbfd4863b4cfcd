"""Wrong versions of memblock's rules.

``museum`` restates real bugs (linux/bugs.md); the others take the clauses one by one: ``ranges`` how the arrays change,
``serving`` what is handed out, ``growing`` where the arrays go, ``handing_over`` what reaches the page allocator,
``answers`` what is refused or told, and, in the law alone, ``truths``.
"""

from __future__ import annotations

from mmprops.bugs.bug import Bug
from mmprops.bugs.physical.memblock import answers, growing, handing_over, museum, ranges, serving, truths

BUGS: tuple[Bug, ...] = (
    *museum.BUGS, *ranges.BUGS, *serving.BUGS, *growing.BUGS, *handing_over.BUGS, *answers.BUGS, *truths.BUGS,
)  # fmt: skip
"""The bugs of the component."""
