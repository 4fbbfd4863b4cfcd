"""Frames to pages and back, a whole array in one call.

Addresses are signed 64-bit numbers; ``mask`` is -1 where words are of 64 bits, so that nothing is lost in either engine.
"""

from __future__ import annotations

from mmimpl.engine import Cells, helper, kernel
from mmimpl.physical.memory_model.memory import ROOT_SHIFT


@helper
def shift_of(size: int) -> int:
    """Return how many times two divides the size of a page, at most 16; one of ``1 << shift`` bytes is not divided by."""
    shift = 0
    for i in range(1, 17):
        if size >> i << i == size:
            shift = i
    return shift


@kernel
def pages_from(pfns: Cells, pages: Cells, length: int, origin: int, size: int, mask: int) -> None:
    """Write the page of each frame of a map that is one array."""
    for i in range(length):
        pages[i] = (origin + pfns[i] * size) & mask


@kernel
def frames_from(pages: Cells, pfns: Cells, length: int, origin: int, size: int, mask: int) -> None:
    """Write the frame of each page of a map that is one array."""
    shift = shift_of(size)
    if size == 1 << shift:
        for i in range(length):
            pfns[i] = ((pages[i] - origin) & mask) >> shift
    else:
        for i in range(length):
            pfns[i] = ((pages[i] - origin) & mask) // size


@kernel
def pages_by_section(
    pfns: Cells, pages: Cells, directory: Cells, words: Cells, length: int, section_shift: int, flags: int, size: int, mask: int
) -> None:
    """Write the page of each frame of maps of their own: a section's encoded pointer and the frame's number."""
    for i in range(length):
        section = pfns[i] >> section_shift
        place = (directory[section >> ROOT_SHIFT] << ROOT_SHIFT) + (section & 255)
        pages[i] = ((words[place] & ~flags) + pfns[i] * size) & mask


@kernel
def frames_by_section(
    pages: Cells, sections: Cells, pfns: Cells, directory: Cells, words: Cells, length: int, flags: int, size: int, mask: int
) -> None:
    """Write the frame of each page of maps of their own, given the section that the page's flags name."""
    shift = shift_of(size)
    if size == 1 << shift:
        for i in range(length):
            section = sections[i]
            place = (directory[section >> ROOT_SHIFT] << ROOT_SHIFT) + (section & 255)
            pfns[i] = ((pages[i] - (words[place] & ~flags)) & mask) >> shift
    else:
        for i in range(length):
            section = sections[i]
            place = (directory[section >> ROOT_SHIFT] << ROOT_SHIFT) + (section & 255)
            pfns[i] = ((pages[i] - (words[place] & ~flags)) & mask) // size
