"""Linux's free lists: rings of any length, and what the operations do to them in zones of any size and shape.

``state`` says what is true of the lists, ``entering`` proves how blocks get onto them and merge, ``leaving`` how they are found
and handed out, ``moving`` how whole pageblocks change lists, ``operations`` what each operation makes of it.
"""

from __future__ import annotations

from mmproofs.obligations.physical.lists import entering, leaving, moving, operations, rings, serving

OBLIGATIONS = (
    *rings.OBLIGATIONS,
    *entering.OBLIGATIONS,
    *leaving.OBLIGATIONS,
    *moving.OBLIGATIONS,
    *serving.OBLIGATIONS,
    *operations.OBLIGATIONS,
)
