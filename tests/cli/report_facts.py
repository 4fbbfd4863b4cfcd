"""Facts for a report, small and of every kind, with text in them that would break out of a page that believed it."""

from __future__ import annotations

from typing import Any

from mmprops.machines import machine_named
from mmprops.program import Program
from mmprops.retelling import tell, to_json
from mmspec.errors import DONE
from mmspec.physical.buddy.ops import Alloc, Config, Free, Page
from mmspec.profile import Profile
from mmspec_cli.report import gather

HOSTILE = "</script><script>document.title='owned'</script><!-- <b title=\"x\">&amp;'`\u2028"
"""What a client may write, and a statement may hold."""

BUDDY = machine_named("buddy")


def story(*, wrong: bool) -> dict[str, Any]:
    """Return the story of three allocations and a free, the last of which may be wrong."""
    steps = (("alloc", Alloc(1)), ("alloc", Alloc(0)), ("free", Free(0x100, 1)), ("alloc", Alloc(0)))
    results = (Page(0x100), Page(0x102), DONE, Page(0x102 if wrong else 0x103))
    config = Config(0x100, 0x110, 3)
    scenes = list(tell(BUDDY, Program("buddy", config, steps), results, Profile.ANY, {}))
    return {"machine": "buddy", "config": {"start_pfn": "0x100", "end_pfn": "0x110", "max_order": 3}} | to_json(scenes)


def clause(name: str, *kinds: str, statement: str = "It holds") -> dict[str, Any]:
    """Return a clause with evidence of some kinds."""
    evidence = [{"kind": kind, "scope": "all states", "ref": "T-STEP" if kind == "proved" else "BUG-A"} for kind in kinds]
    kills = ["BUG-A"] if "tested" in kinds else []
    return {"id": name, "statement": statement, "source": "mm/page_alloc.c:f, v6.12", "evidence": evidence, "kills": kills}


def obligation(name: str, row: str, column: str, **changes: Any) -> dict[str, Any]:
    """Return a proved theorem of a cell."""
    return {
        "id": name, "clauses": ["RULE-1"], "statement": f"{row} keeps {column}", "subject": [0], "assumptions": [],
        "scope": {"kind": "all", "bounds": {}}, "verdict": "PROVED", "reason": "", "counterexample": None, "paths": 3,
        "seconds": 1.5, "rlimit": 7, "solvers": [{"name": "z3", "version": "1", "verdict": "PROVED"}], "expected": "PROVED",
        "cached": True, "hypotheses": ["h"], "flags": [], "row": row, "column": column,
    } | changes  # fmt: skip


ROWS = ("free", "alloc", "take")
COLUMNS = ("defined", "owned", "placed", "merged", "counted")

OBLIGATIONS = [
    *(obligation(f"T-{row}-{column}".upper(), f"m {row}", column) for row in ROWS for column in COLUMNS if column != "counted"),
    obligation("T-STEP", "m loop", "step", statement=HOSTILE, assumptions=["proved apart: T-FREE-OWNED", "cells fit"]),
    obligation(
        "T-BOUND", "m loop", "bound", scope={"kind": "bounded", "bounds": {"order": "<= 12"}}, verdict="UNKNOWN", reason="time"
    ),
]

KILLS = [
    {
        "id": "BUG-A", "machine": "buddy", "killed": True, "by": "property", "ops": 120, "shrunk_ops": 4, "seconds": 2.0,
        "clause": "RULE-2", "expected": "RULE-2", "reported": "RULE-2", "profile": "any", "reason": "", "explanation": "wrong",
        "what": "a block is kept", "reference": "a commit", "story": story(wrong=True),
    },
    {
        "id": "BUG-B", "machine": "buddy", "killed": False, "by": None, "ops": 900, "shrunk_ops": None, "seconds": 8.0,
        "clause": None, "expected": "RULE-3", "reported": None, "profile": "any", "reason": "never named", "explanation": "",
        "what": "a count is lost", "reference": "a commit", "story": None,
    },
]  # fmt: skip

BENCH = [
    {"name": name, "unit": unit, "ours": ours, "anchors": anchors, "ratio": 1.1, "target": target, "met": target > 1.1}
    for name, unit, ours, anchors, target in (
        ("random 2^10", "ns", 30.0, {"C": 28.0}, 1.3),
        ("random 2^14", "ns", 34.0, {"C": 32.0}, 1.3),
        ("random 2^18", "ns", 38.0, {"C": 36.0}, 1.3),
        ("bytes a page", "bytes", 11.0, {"limit": 10.0}, 1.0),
    )
]

NOTE = {"clause": "RULE-2", "profile": "any", "client": f"exec:./{HOSTILE}", "explanation": HOSTILE, "errors": [HOSTILE]}


def facts() -> dict[str, Any]:
    """Return the whole object."""
    cells = {f"m {row}": dict.fromkeys(COLUMNS, "PROVED") for row in ROWS}
    cells["m take"]["counted"] = "not asked: it changes no count"
    cells["m free"]["counted"] = cells["m alloc"]["counted"] = "not proved: no obligation is written for it"
    return {
        "mmspec": "0.0", "generated": "2024-11-17T00:00:00+00:00", "commit": "0" * 40, "machines": ["m"],
        "assurance": {
            "clauses": [
                clause("RULE-1", "proved", "predicted"),
                clause("RULE-2", "tested", statement=HOSTILE),
                clause("RULE-3", "manual"),
            ],
            "kinds": {"proved": "a theorem says so", "tested": HOSTILE}, "missing": ["no log is here"],
            "stale": {"kills": ["BUG-C", "BUG-D"]}, "broken": {"proofs": ["T-X is REFUTED"]},
        },
        "matrix": cells | {"m loop": {"step": "PROVED (assumed: cells fit)", "bound": "UNKNOWN: time"}},
        "obligations": OBLIGATIONS, "functions": [{"name": "mmspec.f", "file": "mmspec/f.py", "line": 7}],
        "bugs": {"rows": KILLS, "medians": {"seconds": 2.0, "shrunk_ops": 4}, "stale": [], "unexpressed": {"BUD-99": "a swap"}},
        "bench": {"rows": BENCH, "curves": gather.curves(BENCH), "left_out": [{"name": "a compiler", "needs": "gcc"}]},
        "failures": {"folder": "mmspec-failures", "more": 0, "rows": [
            {"title": "m-1.jsonl", "kind": "failure", "note": NOTE} | story(wrong=True),
            {"title": "m-2.jsonl", "kind": "failure", "note": NOTE} | story(wrong=False),
            {"title": "m-3.jsonl", "kind": "damaged", "error": HOSTILE},
        ]},
        "real": [{
            "capture": "c", "kernel": "6.12.0", "version": "Linux version 6.12.0", "memory_kib": 524288, "cpus": 1, "nodes": 1,
            "zone_labels": ["0:DMA"], "verdict": "pass",
            "checks": [{"tag": "MID", "check": "quiet", "verdict": "pass", "detail": "so"}],
            "replays": [{
                "machine": "m", "level": "blocks", "engine": "spec", "verdict": "pass", "events": 10, "operations": 5,
                "allocations": 3, "predicted": None, "lists_equal": 4, "lists_compared": 4, "first_miss": None,
            }],
        }],
        "trusted": {"rows": [{"what": "`z3`", "why": HOSTILE}], "not_proved": ["that it is fast"]},
        "steps": [{"name": "check m", "verdict": "pass", "seconds": 1.0, "needs": None, "detail": "20 operations"}],
    }  # fmt: skip
