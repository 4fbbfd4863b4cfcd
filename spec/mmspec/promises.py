"""The declarative law: what memory management promises, whatever it does to keep it.

Four promises, each a function of what can be observed. Components say in their own terms how they keep them: the buddy allocator
keeps the first two at every frame (``physical.buddy.invariants.owned_once``), page tables will keep the fourth.
"""

from __future__ import annotations

from mmspec.clause import Clause
from mmspec.pmap import PMap
from mmspec.words import Count, Pfn

_ALL = "what every implementation must keep"

ONE_OWNER = Clause("PROMISE-1", "No frame has two owners", _ALL)
ONE_PLACE = Clause("PROMISE-2", "Every frame is in exactly one place", _ALL)
READ_BACK = Clause("PROMISE-3", "Memory reads back what was last written", _ALL)
TRANSLATION = Clause("PROMISE-4", "A translation gives the frame that was mapped and no other", _ALL)

CLAUSES = (ONE_OWNER, ONE_PLACE, READ_BACK, TRANSLATION)


def one_owner(owners: Count) -> bool:
    """No frame has two owners: ``owners`` counts those of one frame."""
    return owners <= 1


def one_place(places: Count, is_memory: bool) -> bool:
    """Every frame is in exactly one place: ``places`` counts where one frame is; what is not memory is nowhere."""
    return places == is_memory


def read_back(written: PMap[int, int], address: int, read: int) -> bool:
    """Memory reads back what was last written: ``written`` holds the last write to each address, 0 before the first."""
    return written.get(address, 0) == read


def translation(mapped: PMap[int, Pfn], page: int, frame: Pfn) -> bool:
    """A translation gives the frame that was mapped: ``mapped`` holds the frame of each virtual page that is mapped."""
    return page in mapped and mapped[page] == frame
