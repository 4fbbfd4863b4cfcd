"""Real machines: zone ranges, spanned and present frames follow from the firmware's memory map."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmprops.traces.archive import open_capture

from .firmware import DMESG, RANGE, ZONEINFO, of_e820, printed, sized, spans, zoneinfo, zones_of

IOMEM, HOST = Path("/proc/iomem"), Path("/proc/zoneinfo")


def compare(dmesg: str, figures: str) -> None:
    """Hold what a kernel printed at boot, and its zones later, against the law's answer to its firmware map."""
    memory = of_e820(dmesg)
    assert memory == spans(dmesg, rf"node +0: {RANGE}")
    machine = sized(memory)
    lines = [re.sub(r"^\[ *[0-9.]+\] ", "", line) for line in dmesg.splitlines()]
    assert [line for line in printed(machine) if line not in lines] == []
    told = zoneinfo(figures)
    assert zones_of(machine, told) == told


@pytest.mark.parametrize("name", DMESG)
def test_zones_follow_from_the_firmware_map(name: str) -> None:
    """What two kernels printed of their zones is what the law makes of their firmware maps."""
    compare(DMESG[name], ZONEINFO)


def test_another_map_gives_other_zones() -> None:
    """The comparison can fail: a page less is seen."""
    with pytest.raises(AssertionError):
        compare(DMESG["A-6.12"].replace("0x000000001ffdffff] usable", "0x000000001ffdefff] usable"), ZONEINFO)


@pytest.mark.needs_captures
@pytest.mark.parametrize("name", ["A-6.12", "C-6.1"])
def test_zones_of_the_captures(captures: Path, name: str) -> None:
    """The same from the captures themselves, and the memory that /proc/iomem lists is the firmware's."""
    capture = open_capture(captures / f"{name}-512M-1n1c")
    dmesg = capture.read("dmesg.boot").decode()
    compare(dmesg, capture.read("start/zoneinfo").decode())
    listed = iomem(capture.read("start/iomem").decode())
    assert [(-(-start >> 12), end >> 12) for start, end in listed] == [(start >> 12, end >> 12) for start, end in of_e820(dmesg)]


def iomem(text: str) -> list[tuple[int, int]]:
    """Return the ranges of memory that /proc/iomem lists, with exclusive ends."""
    found = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) : System RAM$", text, re.MULTILINE)
    return [(int(start, 16), int(end, 16) + 1) for start, end in found]


def test_zones_of_this_host() -> None:
    """The running kernel's zones are those of the memory that it lists, where that can be read and is of one node of x86-64."""
    memory = iomem(IOMEM.read_text()) if IOMEM.exists() else []
    if not memory or memory[-1][1] == 1:
        pytest.skip("/proc/iomem shows no addresses")
    told = zoneinfo(HOST.read_text())
    if "Node 1," in HOST.read_text() or not {"DMA", "DMA32", "NORMAL"} <= set(told) or told.get("MOVABLE", (0, 0, 0))[1]:
        pytest.skip("not a machine of one node of x86-64 without MOVABLE")
    assert zones_of(sized(memory), told) == told
