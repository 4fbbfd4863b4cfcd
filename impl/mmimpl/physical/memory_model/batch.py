"""Frames to pages and back, a whole array in one call.

Addresses are signed 64-bit numbers; ``mask`` is -1 where words are of 64 bits, so that nothing is lost in either engine.
"""

from __future__ import annotations

from mmimpl.engine import Cells, kernel
from mmimpl.physical.memory_model.memory import ROOT_SHIFT


@kernel
def pages_from(pfns: Cells, pages: Cells, length: int, origin: int, size: int, mask: int) -> None:
    """Write the page of each frame of a map that is one array."""
    for i in range(length):
        pages[i] = (origin + pfns[i] * size) & mask


@kernel
def frames_from(pages: Cells, pfns: Cells, length: int, origin: int, size: int, mask: int) -> None:
    """Write the frame of each page of a map that is one array; a size that is a power of two is divided by in one shift."""
    if size == 64:
        for i in range(length):
            pfns[i] = ((pages[i] - origin) & mask) >> 6
    else:
        for i in range(length):
            pfns[i] = ((pages[i] - origin) & mask) // size


@kernel
def pages_by_section(
    pfns: Cells, pages: Cells, length: int, directory: Cells, words: Cells, shift: int, flags: int, size: int, mask: int
) -> None:
    """Write the page of each frame of maps of their own: a section's encoded pointer and the frame's number."""
    for i in range(length):
        section = pfns[i] >> shift
        place = (directory[section >> ROOT_SHIFT] << ROOT_SHIFT) + (section & 255)
        pages[i] = ((words[place] & ~flags) + pfns[i] * size) & mask


@kernel
def frames_by_section(
    pages: Cells, sections: Cells, pfns: Cells, length: int, directory: Cells, words: Cells, flags: int, size: int, mask: int
) -> None:
    """Write the frame of each page of maps of their own, given the section that the page's flags name."""
    for i in range(length):
        section = sections[i]
        place = (directory[section >> ROOT_SHIFT] << ROOT_SHIFT) + (section & 255)
        pfns[i] = ((pages[i] - (words[place] & ~flags)) & mask) // size
