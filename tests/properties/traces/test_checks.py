"""The checks of snapshots: a sound one passes them all, and each way of being unsound is seen by its own check."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from typing import Any

import pytest

from mmprops.traces.archive import CaptureError, open_capture
from mmprops.traces.blocks import BlockStream
from mmprops.traces.checks import CHECKS, snapshot_checks
from mmprops.traces.replay import FreeBlocks, replay

# One zone of 2048 frames, CONFIG_CMA on: types U M R H C I. Free: 3, 4..7, 1024..2047 (in two pageblocks of type M).
# min_free_kbytes is 160: MIN is 40 frames and the distance 10, so that two CPUs under pressure may hold 5 back each.
ORDERS = 11
TYPES = ("Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate")
BLOCKS = [(3, 0, 0), (4, 2, 0), (1024, 10, 1)]
STARTED = ["SNAP start begin", "SNAP start end", "SPIN START", "phase1"]


def per_order(blocks: list[tuple[int, int, int]], kind: int | None = None) -> list[int]:
    """Blocks of each order, of one type or all."""
    return [sum(order == o and kind in (None, k) for _, o, k in blocks) for order in range(ORDERS)]


def buddyinfo(blocks: list[tuple[int, int, int]]) -> bytes:
    """The text of /proc/buddyinfo."""
    return f"Node 0, zone   Normal {' '.join(map(str, per_order(blocks)))} \n".encode()


def pagetypeinfo(blocks: list[tuple[int, int, int]], counts: tuple[int, ...]) -> bytes:
    """The text of /proc/pagetypeinfo."""
    lines = ["Page block order: 9", "Pages per block:  512", ""]
    for kind, name in enumerate(TYPES):
        lines.append(f"Node    0, zone   Normal, type {name:>12} {' '.join(map(str, per_order(blocks, kind)))} ")
    lines += ["", f"Number of blocks type {' '.join(TYPES)} ", f"Node 0, zone   Normal {' '.join(map(str, counts))} ", ""]
    return "\n".join(lines).encode()


def zoneinfo(free: int, **changed: object) -> bytes:
    """The text of /proc/zoneinfo with two CPUs that may each hold back 5."""
    values: dict[str, Any] = {
        "boost": 0, "min": 40, "low": 50, "high": 60, "promo": 70, "spanned": 2048, "present": 2048, "managed": 2048,
        "protection": "(0, 0)", "batch": 1, "threshold": 5, "numa_hit": 9, "numa_local": 7,
    } | changed  # fmt: skip
    limits = f"              count: 0\n              high:  25\n              batch: {values['batch']}\n"
    cpus = "".join(f"    cpu: {cpu}\n{limits}  vm stats threshold: {values['threshold']}\n" for cpu in range(2))
    sizes = ("boost", "min", "low", "high", "promo", "spanned", "present", "managed")
    numbers = f"  pages free     {free}\n" + "".join(f"        {name:8} {values[name]}\n" for name in sizes)
    numbers += f"        protection: {values['protection']}\n      nr_free_pages {free}\n"
    numbers += f"      numa_hit     {values['numa_hit']}\n      numa_miss    0\n      numa_foreign 0\n"
    numbers += f"      numa_local   {values['numa_local']}\n      numa_other   2\n"
    empty = "Node 0, zone  Movable\n  pages free     0\n        boost    0\n" + "".join(
        f"        {name:8} {mark}\n" for name, mark in (("min", 32), ("low", 32), ("high", 32), ("promo", 32), ("spanned", 0))
    )
    empty += "        present  0\n        managed  0\n        protection: (0, 0)\n"
    return f"Node 0, zone   Normal\n{numbers}  pagesets\n{cpus}  start_pfn:           0\n{empty}".encode()


def tunables(kbytes: int, ratio: int = 32) -> bytes:
    """The settings at some time."""
    settings = {"lowmem_reserve_ratio": f"{ratio}\t0", "min_free_kbytes": kbytes, "watermark_scale_factor": 10}
    return "".join(f"/proc/sys/vm/{name}: {value} \n" for name, value in settings.items()).encode()


def flags(blocks: list[tuple[int, int, int]]) -> bytes:
    """kpageflags with the frames of the blocks marked free."""
    free = {frame for pfn, order, _ in blocks for frame in range(pfn, pfn + (1 << order))}
    return struct.pack("<2048Q", *(1 << 10 if frame in free else 1 for frame in range(2048)))


def lists(kit: Any, blocks: list[tuple[int, int, int]]) -> bytes:
    """The lists in RAM."""
    zone = {"node": 0, "zone": "Normal", "start_pfn": 0, "spanned": 2048, "blocks": [(p, o, k) for p, o, k in blocks if k < 5]}
    made = json.loads(kit.lists("START", [zone]))
    made["pageblock_mt"] = [0, 1, 1, 1] + [-1] * 4
    made["zones"][0]["pcp"][0]["lists"][0], made["zones"][0]["pcp"][0]["count"] = [9, 11], 2
    made["zones"][0]["pcp"][0] |= {"high_min": 25, "high_max": 128}
    made["zones"][0] |= {"watermark": [40, 50, 60, 70], "lowmem_reserve": [0, 0]}
    return json.dumps(made).encode()


def sound(kit: Any) -> dict[str, bytes]:
    """The members of a capture in which everything agrees."""
    state: dict[str, bytes] = kit.state({"START": lists(kit, BLOCKS)})
    for number in range(3):
        state[f"start/buddyinfo.{number}"] = buddyinfo(BLOCKS)
    state["start/pagetypeinfo.1"] = pagetypeinfo(BLOCKS, (1, 3, 0, 0, 0, 0))
    state["start/zoneinfo"] = zoneinfo(1029)
    state["start/kpageflags"] = flags(BLOCKS)
    state["start/node0.vmstat"] = b"nr_free_pages 1029\nnr_mlock 0\n"
    state["tunables"], state["tunables2"] = tunables(67), tunables(160)
    state["dmesg.boot"] = b"[    0.000000] Fallback order for Node 0: 0 \n"
    return state


def verdicts(kit: Any, state: dict[str, bytes], events: list[Any] | None = None) -> dict[str, str]:
    """Run the checks of START: name -> verdict, those that pass left out."""
    if events is None:
        events = [kit.raw(time, "ftrace/print", (line,)) for time, line in enumerate(STARTED)]
    rows = snapshot_checks(open_capture(kit.write({0: kit.pages(events)}, state)))
    assert [row.check for row in rows] == list(CHECKS)
    assert {row.tag for row in rows} == {"START"}
    return {row.check: row.verdict for row in rows if row.verdict != "pass"}


def test_sound_snapshot_passes(kit: Any) -> None:
    """Where everything agrees every check passes."""
    assert verdicts(kit, sound(kit)) == {}


def test_limits_say_nothing_where_a_fraction_may_have_set_them(kit: Any) -> None:
    """A capture without its tunables can agree, but not disagree; nor can a zone that may have grown."""
    state = sound(kit)
    del state["tunables"]
    assert verdicts(kit, state) == {}
    changed_lists(lambda made: made["zones"][0]["pcp"][0].update(batch=3))(kit, state)
    assert verdicts(kit, state) == {"pcp-limits": "fail"}  # no fraction changes a batch, and no size up to this one has it
    state = sound(kit)
    del state["tunables"]
    changed_lists(lambda made: made["zones"][0]["pcp"][0].update(high_max=250))(kit, state)
    assert verdicts(kit, state) == {"pcp-limits": "unknown"}


def changed_lists(change: Callable[[dict[str, Any]], None]) -> Callable[[Any, dict[str, bytes]], None]:
    """A change of the lists in RAM."""

    def apply(kit: Any, state: dict[str, bytes]) -> None:
        made = json.loads(state["lists.START.json"])
        change(made)
        state["lists.START.json"] = json.dumps(made).encode()

    return apply


def fewer_flags(kit: Any, state: dict[str, bytes]) -> None:
    """One free frame without its flag."""
    state["start/kpageflags"] = flags([block for block in BLOCKS if block[0] != 3])


def other_split(kit: Any, state: dict[str, bytes]) -> None:
    """buddyinfo counts the large block as two, in a zone without types that explain it."""
    for number in range(3):
        state[f"start/buddyinfo.{number}"] = buddyinfo([*BLOCKS[:2], (1024, 9, 1), (1536, 9, 1)])


def one_type_short(kit: Any, state: dict[str, bytes]) -> None:
    """pagetypeinfo lacks a block of one type."""
    state["start/pagetypeinfo.1"] = pagetypeinfo(BLOCKS[1:], (1, 3, 0, 0, 0, 0))


def other_pageblocks(kit: Any, state: dict[str, bytes]) -> None:
    """pagetypeinfo counts a pageblock under another type."""
    state["start/pagetypeinfo.1"] = pagetypeinfo(BLOCKS, (2, 2, 0, 0, 0, 0))


def counter_far_off(kit: Any, state: dict[str, bytes]) -> None:
    """The counter differs by more than two CPUs can hold back."""
    state["start/zoneinfo"] = zoneinfo(1029 + 11)


def shown(**changed: object) -> Callable[[Any, dict[str, bytes]], None]:
    """zoneinfo with other numbers."""
    return lambda kit, state: state.update({"start/zoneinfo": zoneinfo(1029, **changed)})


BROKEN: list[tuple[Callable[[Any, dict[str, bytes]], None], set[str]]] = [
    (fewer_flags, {"flags-buddyinfo", "flags-lists"}),
    (other_split, {"flags-buddyinfo", "pagetypeinfo-buddyinfo"}),
    (one_type_short, {"pagetypeinfo-buddyinfo"}),
    (other_pageblocks, {"pageblock-types"}),
    (counter_far_off, {"nr-free-pages", "node-statistics"}),
    (shown(promo=71), {"watermarks"}),
    (shown(protection="(1, 1)"), {"protection"}),
    (shown(batch=2), {"pcp-limits"}),
    (shown(threshold=126), {"thresholds"}),
    (shown(managed=2049), {"zone-counters"}),
    (lambda kit, state: state.update({"dmesg.boot": b"Fallback order for Node 0: 1 \n"}), {"fallback-order"}),
    (changed_lists(lambda made: made["zones"][0]["free"][0][0].clear()), {"flags-lists"}),
    (changed_lists(lambda made: made["zones"][0]["free"][2][0].__setitem__(0, 5)), {"list-blocks", "flags-lists"}),
    (changed_lists(lambda made: made["zones"][0]["pcp"][0]["lists"][0].append(4)), {"list-blocks", "pcp-count"}),
    (changed_lists(lambda made: made["zones"][0]["pcp"][0].update(count=3)), {"pcp-count"}),
    (changed_lists(lambda made: made["zones"][0]["pcp"][0].update(batch=3)), {"pcp-limits"}),
    (changed_lists(lambda made: made["zones"][0]["free"][0][1].append(2)), {"flags-lists", "list-buddies", "list-types"}),
    (changed_lists(lambda made: made["pageblock_mt"].__setitem__(0, 2)), {"list-types", "pageblock-types"}),
]


@pytest.mark.parametrize(("change", "checks"), BROKEN)
def test_each_disagreement_fails_its_check(kit: Any, change: Callable[[Any, dict[str, bytes]], None], checks: set[str]) -> None:
    """A quiet snapshot in which one thing disagrees fails the checks of that thing, and no other."""
    state = sound(kit)
    change(kit, state)
    assert verdicts(kit, state) == dict.fromkeys(checks, "fail")


@pytest.mark.parametrize("change", [fewer_flags, one_type_short, counter_far_off])
def test_not_quiet_is_unknown(kit: Any, change: Callable[[Any, dict[str, bytes]], None]) -> None:
    """Where buddyinfo moved while the moment was read, disagreement proves nothing."""
    state = sound(kit)
    change(kit, state)
    state["start/buddyinfo.2"] = buddyinfo(BLOCKS[1:])
    found = verdicts(kit, state)
    assert found["quiet"] == "unknown"
    assert set(found.values()) == {"unknown"}


@pytest.mark.parametrize("off", [-10, 10])
def test_counter_may_lag_by_what_cpus_hold_back(kit: Any, off: int) -> None:
    """A difference within the thresholds of all CPUs passes."""
    state = sound(kit)
    state["start/zoneinfo"] = zoneinfo(1029 + off)
    assert verdicts(kit, state) == {}


def test_pageblocks_that_do_not_merge(kit: Any) -> None:
    """Two free pageblocks that a type keeps apart are one run of flags; that proves nothing."""
    state = sound(kit)
    other_split(kit, state)
    state["start/pagetypeinfo.1"] = pagetypeinfo([*BLOCKS[:2], (1024, 9, 1), (1536, 9, 4)], (1, 2, 0, 0, 1, 0))
    made = json.loads(state["lists.START.json"])
    made["pageblock_mt"][3] = 4
    made["zones"][0]["free"][10][1] = []
    made["zones"][0]["free"][9] = [[], [1024], [], [], [1536]]
    state["lists.START.json"] = json.dumps(made).encode()
    assert verdicts(kit, state) == {"flags-buddyinfo": "unknown"}


def test_free_frames_of_isolated_pageblocks_are_not_counted(kit: Any) -> None:
    """NR_FREE_PAGES leaves out the free frames on the lists of ISOLATE."""
    state = sound(kit)
    state["start/pagetypeinfo.1"] = pagetypeinfo([*BLOCKS[:2], (1024, 10, 5)], (1, 1, 0, 0, 0, 2))
    state["start/zoneinfo"] = zoneinfo(1029 - 1024)
    state["start/node0.vmstat"] = b"nr_free_pages 5\n"
    assert "nr-free-pages" not in verdicts(kit, state)


UNSURE: list[tuple[Callable[[Any, dict[str, bytes]], object], dict[str, str]]] = [
    (lambda kit, state: state.update({"tunables2": tunables(164)}), {"watermarks": "other sizes or settings"}),
    (
        lambda kit, state: [state.pop("tunables"), state.pop("tunables2")],
        {"watermarks": "no min_free", "protection": "ratios give"},
    ),
    (shown(protection="(0, 1)"), {"protection": "in RAM later"}),
    (changed_lists(lambda made: made["zones"][0]["pcp"][0].update(high_max=127)), {"pcp-limits": "limits (25, 127)"}),
    (shown(threshold=2), {"thresholds": "4 for 2048 frames"}),
    (shown(numa_local=8), {"zone-counters": "counted on"}),
    (lambda kit, state: state.pop("start/node0.vmstat"), {"node-statistics": "no node"}),
    (lambda kit, state: state.pop("dmesg.boot"), {"fallback-order": "boot log"}),
]


@pytest.mark.parametrize(("change", "says"), UNSURE)
def test_what_was_computed_at_another_time_is_unknown(
    kit: Any, change: Callable[[Any, dict[str, bytes]], object], says: dict[str, str]
) -> None:
    """A number that other sizes or settings can have given proves nothing: the check says what is missing."""
    state = sound(kit)
    change(kit, state)
    events = [kit.raw(time, "ftrace/print", (line,)) for time, line in enumerate(STARTED)]
    rows = snapshot_checks(open_capture(kit.write({0: kit.pages(events)}, state)))
    found = {row.check: (row.verdict, row.detail) for row in rows if row.verdict != "pass"}
    assert found.keys() == says.keys()
    assert all(found[check][0] == "unknown" and text in found[check][1] for check, text in says.items())


def test_a_boost_is_no_part_of_the_marks(kit: Any) -> None:
    """The marks that zoneinfo prints have the boost on top."""
    state = sound(kit)
    state["start/zoneinfo"] = zoneinfo(1029, boost=512, min=552, low=562, high=572, promo=582)
    assert verdicts(kit, state) == {}


def test_steps_between_snapshot_and_pause_are_followed(kit: Any) -> None:
    """The lists of the pause are those of the snapshot after the events between them."""
    state = sound(kit)
    state["lists.START.json"] = lists(kit, BLOCKS[1:])
    events = [kit.raw(1, "ftrace/print", ("SNAP start end",)), kit.raw(2, "kmem/mm_page_alloc_zone_locked", (3, 0, 0, 1))]
    events += [kit.raw(3, "ftrace/print", ("SPIN START",)), kit.raw(4, "ftrace/print", ("phase1",))]
    assert verdicts(kit, state, events) == {}
    del events[1]
    assert verdicts(kit, state, events) == {"flags-lists": "fail"}


def test_trace_without_the_pause(kit: Any) -> None:
    """Where the trace lacks the time between snapshot and pause, the lists cannot be followed."""
    assert verdicts(kit, sound(kit), [])["flags-lists"] == "unknown"


def test_damage_anywhere_gives_rows_or_one_error(kit: Any, seed: int) -> None:
    """Whatever is cut off or changed in the members, the checks answer, or raise a CaptureError of one line."""
    rng = random.Random(seed)
    state = sound(kit)
    events = kit.pages([kit.raw(time, "ftrace/print", (line,)) for time, line in enumerate(STARTED)])
    refusals = []
    for _ in range(150):
        damaged, raw = dict(state), events
        for _ in range(rng.randrange(1, 3)):
            name = rng.choice([*sorted(state), "cpu0"])
            content = raw if name == "cpu0" else damaged[name]
            place = rng.randrange(max(1, len(content)))
            content = rng.choice(
                [
                    content[:place],
                    content[:place] + rng.randbytes(1) + content[place + 1 :],
                    content[:place] + rng.choice([b"9" * 30, b" ", b"\n", b"-", b"[[", b"0x"]) + content[place:],
                ]
            )
            raw, damaged = (content, damaged) if name == "cpu0" else (raw, damaged | {name: content})
        path = kit.write({0: raw}, damaged)
        try:
            rows = snapshot_checks(open_capture(path))
            assert {row.verdict for row in rows} <= {"pass", "fail", "unknown"}
            stream = BlockStream(open_capture(path))
            replay(stream, FreeBlocks(stream))
        except CaptureError as error:
            refusals.append(str(error))
    assert len(refusals) > 50
    assert not any("\n" in refusal for refusal in refusals)
