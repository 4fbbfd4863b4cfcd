"""The checks of numbers on machines that no capture here is of: several nodes and CPUs, changed settings, a movable zone."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest

from mmprops.traces import numbers
from mmprops.traces.snapshot import Moment, PageTypes, Pcp, RamLists, ZoneLists, parse_zoneinfo
from mmspec.physical.vmstat.linux import normal_threshold
from mmspec.physical.watermarks import WATERMARKS
from mmspec.physical.watermarks.linux import set_min_free_choose, set_reserve_ratio_choose, set_scale_factor_choose
from mmspec.physical.watermarks.ops import Config, SetMinFree, SetReserveRatio, SetScaleFactor
from mmspec.physical.watermarks.sizes import limits_of
from mmspec.physical.watermarks.state import cell_of

NAMES = ("DMA", "DMA32", "Normal", "Movable", "Device")
KINDS = (0, 1, 2, 4, 5)
SIZES = {(0, 0): 3997, (0, 1): 500_123, (0, 2): 700_001, (1, 2): 900_077, (1, 4): 1_000_003}
KBYTES, SCALE, RATIO, BOOST = 54_321, 137, (100, 50, 3, 7, 0), {(1, 2): 512}
CPUS = {0: 3, 1: 1}
"""Three processors are of the first node, one of the second."""


@attrs.frozen
class Texts:
    """What a capture is asked for here."""

    members: dict[str, str]

    def has(self, member: str) -> bool:
        """Whether there is such a member."""
        return member in self.members

    def text(self, member: str) -> str:
        """A member."""
        return self.members[member]

    def read(self, member: str) -> bytes:
        """A member's bytes."""
        return self.members[member].encode()


def machine(kernel: str, changed: dict[str, Any]) -> tuple[Moment, RamLists, Texts]:
    """What a kernel shows that works with the law's numbers, but for what is changed."""
    config = Config(tuple((node, kind, size) for (node, kind), size in SIZES.items()))
    law, marks = WATERMARKS.initial(config), WATERMARKS.initial_policy(config, kernel)
    for kind, ratio in zip(KINDS, RATIO, strict=True):
        _, marks = set_reserve_ratio_choose(law, marks, SetReserveRatio(kind, ratio))
    _, marks = set_scale_factor_choose(law, marks, SetScaleFactor(SCALE))
    _, marks = set_min_free_choose(law, marks, SetMinFree(KBYTES))
    text, lists = "", []
    for node in (0, 1):
        for name, kind in zip(NAMES, KINDS, strict=True):
            zone, size, boost = node * 8 + kind, SIZES.get((node, kind), 0), BOOST.get((node, kind), 0)
            four = [each.get(zone, 0) for each in (marks.min, marks.low, marks.high, marks.promo)]
            row = tuple(marks.reserve.get(cell_of(zone, k), 0) for k in KINDS)
            text += f"Node {node}, zone {name:>8}\n  pages free     {size // 2}\n        boost    {boost}\n"
            shown = zip(("min", "low", "high", "promo")[: 4 if kernel == "6.12" else 3], four, strict=False)
            text += "".join(f"        {mark:8} {value + boost}\n" for mark, value in shown)
            text += f"        spanned  {size + 99 if size else 0}\n        present  {size}\n        managed  {size}\n"
            text += f"        protection: ({', '.join(map(str, row))})\n"
            if not size:
                continue
            text += f"      nr_free_pages {size // 2}\n  pagesets\n"
            limits = limits_of(law, marks, zone, CPUS[node], 4, 0)
            threshold = normal_threshold(size, 12, 4)
            for cpu in range(4):
                text += f"    cpu: {cpu}\n              count:    0\n              high:     {limits.high_min}\n"
                text += f"              batch:    {limits.batch}\n  vm stats threshold: {threshold}\n"
            text += "  node_unreclaimable:  0\n  start_pfn:           4096\n"
            pcp = Pcp(0, (), limits.batch, limits.high_min, limits.high_min, limits.high_max)
            lists.append(ZoneLists(node, name, 4096, size + 99, size, (), (pcp,) * 4, tuple(four), row))
    for before, after in changed.items():
        assert before in text
        text = text.replace(before, str(after), 1)
    types = PageTypes(9, (), {}, frozenset(), {})
    moment = Moment("start", ({}, {}, {}), types, parse_zoneinfo(text), np.zeros(0, np.uint64))
    settings = {"lowmem_reserve_ratio": "\t".join(map(str, RATIO)), "min_free_kbytes": KBYTES, "watermark_scale_factor": SCALE}
    tunables = "".join(f"/proc/sys/vm/{name}: {value} \n" for name, value in settings.items())
    boot = "Fallback order for Node 0: 0 1 \nFallback order for Node 1: 1 0 \nFallback order for Node 2: 1 0 \n"
    members = {"tunables": tunables, "version": f"Linux version {kernel}.1", "dmesg.boot": boot}
    members |= {f"start/node{node}.vmstat": f"nr_free_pages {free_of(node)}\n" for node in (0, 1)}
    return moment, RamLists("START", 0, tuple(lists), ()), Texts(members)


def free_of(node: int) -> int:
    """A node's free frames."""
    return sum(size // 2 for (at, _), size in SIZES.items() if at == node)


CHECKS = (
    numbers.watermarks, numbers.protection, numbers.pcp_limits, numbers.thresholds, numbers.zone_counters,
    numbers.node_statistics, numbers.fallback_order,
)  # fmt: skip


def verdicts(kernel: str = "6.12", changed: dict[str, Any] | None = None) -> dict[str, str]:
    """The checks that do not pass."""
    shown: Any = machine(kernel, changed or {})
    return {check.__name__: found[0] for check in CHECKS if (found := check(*shown))[0] != "pass"}


@pytest.mark.parametrize("kernel", ["6.12", "6.1"])
def test_a_machine_of_two_nodes_passes(kernel: str) -> None:
    """With a boost, changed settings, a movable zone, a node without memory, and CPUs that the nodes share unequally."""
    assert verdicts(kernel) == {}


@pytest.mark.parametrize(
    ("changed", "check"),
    [
        ({"managed  3997": "managed  3000"}, "watermarks"),
        ({"protection: (0, ": "protection: (1, "}, "protection"),
        ({"batch:    63": "batch:    62"}, "pcp_limits"),
        ({"threshold: ": "threshold: 9"}, "thresholds"),
        ({"managed  500123": "managed  500124"}, "zone_counters"),
        ({"nr_free_pages ": "nr_free_pages 1"}, "node_statistics"),
    ],
)
def test_a_number_that_is_changed_is_seen(changed: dict[str, Any], check: str) -> None:
    """By its own check at least."""
    assert check in verdicts(changed=changed)


def test_reserves_of_other_ratios_are_unknown() -> None:
    """They rise as reserves do: the ratios may have been others when they were computed."""
    assert verdicts(changed={"protection: (0, 5001": "protection: (0, 5002"}) == {"protection": "unknown"}
