"""What is proved of hotplug and device memory.

``operations``: what each operation keeps, above all that no frame of a device is ever memory, and that putting a block online and
taking it offline again leaves all counters as they were; ``reach``: that zones span their blocks, and that their ends come back
to where they were if no hole was there; ``loops``: the loops on the way.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical.hotplug import loops, operations, reach

OBLIGATIONS: tuple[Obligation, ...] = (*loops.OBLIGATIONS, *operations.OBLIGATIONS, *reach.OBLIGATIONS)
