"""What is proved of the memory model.

``pages``: frames to pages and back, and encoded pointers, with the constants of every architecture and any base; ``flags``: the
fields of ``page->flags``, for every configuration; ``sections``: what each operation keeps, and which frames it makes valid.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical.memory_model import flags, pages, sections

OBLIGATIONS: tuple[Obligation, ...] = (*pages.OBLIGATIONS, *flags.OBLIGATIONS, *sections.OBLIGATIONS)
