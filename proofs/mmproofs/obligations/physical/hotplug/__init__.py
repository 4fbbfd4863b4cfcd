"""What is proved of hotplug and device memory.

``operations``: what each operation keeps, above all that no frame of a device is ever memory, and that putting a block online and
taking it offline again leaves all counters as they were; ``reach``: that zones span their blocks, and that their ends come back
to where they were if no hole was there; ``loops``: the loops on the way.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical.hotplug import loops, operations, reach

WAITING = frozenset(
    {
        "HOTPLUG-ADD-WITHIN",
        "HOTPLUG-OFFLINE-NESTED",
        "HOTPLUG-OFFLINE-WITHIN",
        "HOTPLUG-ONLINE-WITHIN",
        "HOTPLUG-RELEASE-NODE-SUMS",
        "HOTPLUG-RELEASE-STAYS-OFFLINE",
        "HOTPLUG-RELEASE-WITHIN",
        "HOTPLUG-SHRUNK-DEFINED",
        "HOTPLUG-SHRUNK-HULL",
        "HOTPLUG-SHRUNK-OTHERS",
        "HOTPLUG-SHRUNK-SPANS",
        "HOTPLUG-TAKEN-BACK-DEFINED",
        "HOTPLUG-TAKEN-BACK-SPAN",
    }
)
"""What is written and not decided: it is registered with its entry in the ledger, by leaving this set.

OFFLINE-NESTED was decided: its hypothesis ``roomy`` is too weak, since it does not say that what is present beside a block which
came later covers what was there at boot. It has to say so before the obligation is asked again.
"""

_ALL: tuple[Obligation, ...] = (*loops.OBLIGATIONS, *operations.OBLIGATIONS, *reach.OBLIGATIONS)
OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in _ALL if o.id not in WAITING)
