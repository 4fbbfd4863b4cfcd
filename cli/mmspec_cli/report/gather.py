"""The facts of the report as one JSON object, a function a section.

A section whose source is not here is ``{"missing": what to do}``: an empty table would look like an answer.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from mmprops.bugs import BUGS, UNEXPRESSED, record
from mmprops.files import beside_or_inside
from mmprops.machine import ENGINES
from mmprops.machines import LEVELS, MACHINES
from mmprops.traces.archive import Capture
from mmprops.traces.replay import Replay
from mmprops.traces.snapshot import read_lists
from mmspec import __version__
from mmspec.errors import FileError, MmspecError
from mmspec_cli import packaged
from mmspec_cli.assurance import assurance
from mmspec_cli.output import worst
from mmspec_cli.report import stories

if TYPE_CHECKING:  # importing the solver takes a second
    from mmproofs.solve import Report

Json = dict[str, Any]

NOT_HERE = "Not measured here: run `{}`"
"""What a section says that has no source; the page shows the command as one."""

TRUSTED = "docs/trusted.md"
"""What the proofs rest on; an installed wheel has it inside the package."""


def gather(
    bench: Path | None = None,
    failures: Path | None = None,
    steps: Sequence[Mapping[str, Any]] = (),
    progress: Callable[[str], object] = lambda section: None,
) -> Json:
    """Return the whole object. ``bench`` is what ``mmspec bench --out`` wrote, ``failures`` a folder of failure files,
    ``steps`` what ``mmspec verify`` has done so far (FileError: a file that was named is not what it must be).
    """
    benched, kept = measured(bench), stories.failures(failures)
    progress("the ledger")
    from mmproofs.solve import recorded

    on_record = recorded()
    proofs = proved(on_record[0])
    progress("seeded bugs")
    bugs = seeded_bugs()
    progress("clauses")
    clauses = assurance(MACHINES, on_record).json()
    progress("the packaged capture")
    return {
        "mmspec": __version__,
        "generated": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machines": MACHINES.names,
        "assurance": clauses,
        **proofs,
        "bugs": bugs,
        "bench": benched,
        "failures": kept | {"rows": kept["rows"] or stories.demonstration(bugs)},
        "real": real_systems(),
        "trusted": trusted(),
        "steps": [dict(step) for step in steps],
    }


def missing(command: str) -> Json:
    """Return the section whose source is not here."""
    return {"missing": NOT_HERE.format(command)}


def commit() -> str | None:
    """Return the commit of the checkout that this program runs from, ``+`` if it was changed since; None outside of one."""
    here = Path(__file__).resolve()

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here.parent), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", here.name)  # an environment may lie inside somebody else's repository
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


# --- proofs --------------------------------------------------------------------------------------------------------------


def proved(report: Report) -> Json:
    """Return what the ledger says of each obligation, and the matrix; functions are listed once."""
    from mmproofs import matrix
    from mmproofs.obligations import by_id

    known = by_id()
    functions: dict[tuple[str, str, int], int] = {}
    rows = []
    for theorem in report.obligations:
        places = [(part["name"], part["file"], part["line"]) for part in theorem.subject]
        numbers = [functions.setdefault(place, len(functions)) for place in places]
        row, column = matrix.place(known[theorem.id])
        rows.append(attrs.asdict(theorem) | {"subject": numbers, "row": row, "column": column})
    listed = [{"name": name, "file": file, "line": line} for name, file, line in functions]
    return {"matrix": report.matrix(), "obligations": rows, "functions": listed}


# --- seeded bugs ---------------------------------------------------------------------------------------------------------


def seeded_bugs() -> Json:
    """Return what is on record of the bugs as the text is now, each kill with its program told step by step."""
    rows = record.read().bugs
    now = {bug.id: record.current(bug, rows) for bug in BUGS}
    kept = [row for row in now.values() if row is not None]
    if not kept:
        why = "the kills on record are of another text" if rows else "no kill is on record here"
        return {"missing": f"{why}: run `mmspec bugs --record`"}
    return killed(kept, [name for name, row in now.items() if row is None])


def killed(rows: Sequence[Mapping[str, Any]], stale: Sequence[str] = ()) -> Json:
    """Return rows of kills, each with what was planted and its program told; ``stale`` are those that are left out."""
    bugs = {bug.id: bug for bug in BUGS}
    told = []
    for row in rows:
        bug = bugs.get(row["id"])
        planted = {} if bug is None else {"what": bug.what, "reference": bug.reference}
        told.append({name: value for name, value in row.items() if name != "program"} | planted | {"story": stories.of_bug(row)})
    return {"rows": told, "medians": medians(rows), "stale": list(stale), "unexpressed": dict(UNEXPRESSED)}


def medians(rows: Sequence[Mapping[str, Any]]) -> Json:
    """Return the median of the seconds and of the shrunk operations of the kills (None: there are none)."""
    found = [row for row in rows if row["killed"]]
    shrunk = [row["shrunk_ops"] for row in found if row["shrunk_ops"] is not None]
    return {
        "seconds": median(row["seconds"] for row in found) if found else None,
        "shrunk_ops": median(shrunk) if shrunk else None,
    }


# --- benchmarks ----------------------------------------------------------------------------------------------------------


ROW: Mapping[str, type | tuple[type, ...]] = {"name": str, "unit": str, "ours": (int, float), "anchors": dict}
"""The fields of a benchmark's row that the page cannot do without."""


def measured(path: Path | None) -> Json:
    """Return the rows of ``mmspec bench``, those of several sizes on a curve (FileError: the file holds none)."""
    if path is None:
        return missing("mmspec bench --out bench.json` and then `mmspec report --bench bench.json")
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=no_constant)
        rows = document["rows"]
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}", where=str(path), hint=BENCH_HINT) from None
    except (ValueError, KeyError, TypeError):
        raise FileError("is no JSON object with rows", where=str(path), hint=BENCH_HINT) from None
    for row in rows if isinstance(rows, list) else [None]:
        if not isinstance(row, dict) or not all(isinstance(row.get(name), kind) for name, kind in ROW.items()):
            raise FileError(f"has a row without {', '.join(ROW)}", where=str(path), hint=BENCH_HINT)
    return {"rows": rows, "curves": curves(rows), "left_out": document.get("left_out", [])}


def no_constant(text: str) -> NoReturn:
    """Refuse what Python writes for a number that is none, and no page can read."""
    raise ValueError(f"{text} is not JSON")


BENCH_HINT = "name what `mmspec bench --out FILE` wrote"

SIZE = re.compile(r"\s*\b(?:at |to )?2\^(\d{1,2})\b(?: (?:page|frame)s)?")
"""How a row's name tells the size that it was measured at."""


def curves(rows: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Return the curves over sizes: the rows whose names differ in a size ``2^N`` alone, where there are at least two sizes."""
    found: dict[tuple[str, str], list[tuple[int, Mapping[str, Any]]]] = {}
    for row in rows:
        sizes = SIZE.findall(row["name"])
        if len(sizes) == 1:
            found.setdefault((SIZE.sub("", row["name"]).strip(" ,:"), row["unit"]), []).append((int(sizes[0]), row))
    made = []
    for (name, unit), placed in found.items():
        placed.sort(key=lambda pair: pair[0])
        if len({size for size, _ in placed}) < 2:
            continue
        sides = {"ours": [(size, row["ours"]) for size, row in placed]}
        for anchor in placed[0][1]["anchors"]:
            sides[anchor] = [(size, row["anchors"][anchor]) for size, row in placed if anchor in row["anchors"]]
        made += [{"name": name, "side": side, "unit": unit, "points": points} for side, points in sides.items()]
    return made


# --- real systems --------------------------------------------------------------------------------------------------------


def real_systems() -> list[Json]:
    """Return, for each capture that is shipped, which machine it is of, and what came of its snapshots' checks and replays."""
    runs = [(level, engine, packaged.followed(level, engine)) for level in LEVELS for engine in ENGINES]
    rows = packaged.snapshots()
    verdict = worst([followed.verdict for _, _, followed in runs] + [row.verdict for row in rows])
    about = {"capture": packaged.capture().name, **identity(packaged.capture()), "verdict": verdict}
    return [about | {"checks": [attrs.asdict(row) for row in rows], "replays": [replay_json(*run) for run in runs]}]


def replay_json(level: str, engine: str, followed: Replay) -> Json:
    """Return what came of one replay."""
    return {
        "machine": LEVELS[level],
        "level": level,
        "engine": engine,
        "verdict": followed.verdict,
        "events": followed.events,
        "operations": followed.steps,
        "allocations": followed.allocations,
        "lists_equal": followed.lists_equal,
        "lists_compared": len(followed.comparisons),
        "predicted": None if followed.prediction is None else followed.prediction.predicted,
        "first_miss": followed.first_miss,
    }


def identity(capture: Capture) -> Json:
    """Return the kernel's version and the size of the machine, as far as the capture holds them."""
    version = capture.text("version").strip() if capture.has("version") else ""
    total = capture.text("start/meminfo") if capture.has("start/meminfo") else ""
    spans = [zone.span for zone in read_lists(capture, "START").zones]
    return {
        "kernel": next(iter(re.findall(r"^Linux version (\S+)", version)), None),
        "version": version or None,
        "memory_kib": next((int(kib) for kib in re.findall(r"^MemTotal:\s+(\d+) kB", total, re.MULTILINE)), None),
        "cpus": len(capture.cpu_buffers()),
        "nodes": len({span.node for span in spans}),
        "zone_labels": [span.label for span in spans],
    }


# --- what is trusted -----------------------------------------------------------------------------------------------------


def trusted() -> Json:
    """Return what the proofs rest on, and what is not proved, out of the page of documentation that says so."""
    here = Path(__file__).resolve()
    source = beside_or_inside(here.parents[3] / TRUSTED, here.with_name(Path(TRUSTED).name))
    if not source.is_file():
        return missing(f"less {TRUSTED}")
    return trusted_of(source.read_text(encoding="utf-8"))


def trusted_of(text: str) -> Json:
    """Return the table and the closing list of that page (MmspecError: it has another form)."""
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in text.splitlines() if line.startswith("|")]
    rows = [{"what": what, "why": why} for what, why in cells[2:]]
    closing = text.partition("Not proved")[2]
    items = [" ".join(item.split()).rstrip(";.") for item in re.split(r"^- ", closing, flags=re.MULTILINE)[1:]]
    if not rows or not items:
        raise MmspecError(f"{TRUSTED} has no table of what is trusted, or no list of what is not proved")
    return {"rows": rows, "not_proved": items}
