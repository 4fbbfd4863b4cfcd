"""What the tests of the machine ``buddy`` draw: headers, records, programs, and whatever capabilities a client may promise."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st
from tests.properties.tampered import BUDDY, session

from mmimpl.physical.buddy import Buddy
from mmprops.machine import HEADER, RECORD

HEADERS = st.binary(min_size=HEADER, max_size=HEADER)
RECORDS = st.lists(st.binary(min_size=RECORD, max_size=RECORD), max_size=40)
DEFAULTS = BUDDY.capable({})
EVERYTHING = session(Buddy).capabilities


def bytes_of(seed: int, steps: int = 500) -> bytes:
    """Return the bytes of a program."""
    return random.Random(seed).randbytes(HEADER + steps * RECORD)


@st.composite
def capabilities(draw: st.DrawFn) -> dict[str, Any]:
    """Return any capabilities that a client may promise."""
    named: dict[str, Any] = {
        name: draw(st.booleans())
        for name in ("observe", "migratetypes", "holes", "pageblocks", "checked_free", "checked_alloc", "power_of_two")
    }
    least = draw(st.sampled_from([0, 0, 0, 1, 3, 5]))
    named |= {
        "min_order": least,
        "max_order": draw(st.sampled_from([order for order in (0, 1, 3, 10, 11, 13) if order >= least])),
        "align": draw(st.sampled_from(["pfn", "zone"])),
        "max_pages": draw(st.sampled_from([1, 2, 7, 16, 100, 4096, 65536])),
        "max_pfn": hex(draw(st.sampled_from([0x3F, 0x40, 0xFFF, (1 << 32) - 1, (1 << 52) - 1]))),
    }
    return BUDDY.capable(named)
