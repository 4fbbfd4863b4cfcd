"""The law's per-CPU lists against judges that were written from the kernels' sources alone (``tests/judges/pcp_*.py``).

Not compared: which requests pass the lists by (6.1's MOVABLE ones without CMA), and when BELOW_HIGH ends: these are the callers'.
Where the law and a judge disagree, ``docs/questions.md`` says how it was settled.
"""

from __future__ import annotations

import pytest

from .pcp_pair import run


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_every_list_and_number_is_what_the_judge_has(kernel: str, seed: int) -> None:
    """After each of many steps, on one to three CPUs."""
    run(kernel, seed)
