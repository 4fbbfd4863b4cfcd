"""The buddy allocator's core: for zones of any size and shape, with or without holes, and all orders.

``steps`` are the loops, ``parts`` and ``blocks`` the functions that operations share, ``moves`` the operations that move blocks
and ``kinds`` those that change pageblocks' kinds; ``loops``, ``numbers`` and ``states`` say what is true. Each operation has one
obligation that what its text claims on the way holds (``DEFINED``: keys are there, words fit, loops are entered lawfully), and
one for each invariant that it keeps.
"""

from __future__ import annotations

from mmproofs.obligations.physical.buddy import blocks, kinds, moves, parts, steps

OBLIGATIONS = (*steps.OBLIGATIONS, *parts.OBLIGATIONS, *blocks.OBLIGATIONS, *moves.OBLIGATIONS, *kinds.OBLIGATIONS)
