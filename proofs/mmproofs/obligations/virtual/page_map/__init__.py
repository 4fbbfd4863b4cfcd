"""What is proved of changes to page tables.

``entries``: what is written is what was asked, for every frame and table. ``spaces``: the states in which tables form a tree;
``ways``: the entries on the way to an address, and what a walk makes of them; ``changes``: what each change makes of all ways.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.virtual.page_map import changes, entries

OBLIGATIONS: tuple[Obligation, ...] = (*entries.OBLIGATIONS, *changes.OBLIGATIONS)
