"""``python -m mmproofs.explore [ID...]``: let CrossHair look for inputs on which a contract or an equality fails.

CrossHair runs the functions themselves on symbolic integers, one path after the other, and asks Z3 for each branch. It tries a
stated number of paths; that it found nothing is recorded as explored, never as proved. A counterexample counts only if the
functions fail when they are run on it. ``--write`` explores what the record does not cover and writes ``explored.json``.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from mmproofs import hashing
from mmproofs.exploration import Exploration
from mmproofs.explorations import by_id
from mmprops.files import beside_or_inside
from mmspec.errors import InputError
from mmspec.loop import Loop
from mmspec.pmap import CopyOnWrite

HERE = Path(__file__).resolve().parent
PATH = beside_or_inside(HERE.parent / "explored.json", HERE / "explored.json")
"""The committed record beside the package; an installed wheel has it inside. Its hashes are of texts, the same in both."""

SOLVER_LIMIT = 20_000_000
"""Z3's resource limit for one question of CrossHair's; a path with a harder one is not counted."""


@attrs.frozen
class Record:
    """What became of one exploration."""

    id: str
    clauses: list[str]
    statement: str
    domain: str
    verdict: str
    """``explored``, ``refuted`` or ``error``."""
    reason: str
    counterexample: dict[str, Any] | None
    tries: int
    """How often the functions were started on a new path."""
    paths: int
    """How many of these returned, inside the domain."""
    exhaustive: bool
    """Whether CrossHair says that there is no other path, and gave none of them up."""
    crosshair: str
    sha256: str


@attrs.frozen
class Search:
    """What CrossHair found: inputs that look like a counterexample, and how far it looked."""

    found: dict[str, Any] | None
    tries: int
    paths: int
    exhaustive: bool


# --- searching ---------------------------------------------------------------------------------------------------------


def version() -> str:
    """Return CrossHair's version (InputError: it is not installed)."""
    try:
        return importlib.metadata.version("crosshair-tool")
    except importlib.metadata.PackageNotFoundError:
        raise InputError("CrossHair is not installed", hint="pip install 'mmspec[prove]'") from None


def _options(tries: int) -> Any:
    # Only the number of tries ends a search: every limit in seconds is off, so that a record can be repeated.
    options = importlib.import_module("crosshair.options").DEFAULT_OPTIONS.overlay(
        max_iterations=tries, max_uninteresting_iterations=0, per_path_timeout=float("inf")
    )
    options.stats = Counter()
    return options


def _signature(function: Callable[..., Any]) -> Any:
    signature = importlib.import_module("crosshair.fnutil").resolve_signature(function)
    if isinstance(signature, str):
        raise InputError(f"CrossHair cannot read {function.__qualname__}: {signature}", hint="annotate every parameter")
    return signature


def _inside(exploration: Exploration, function: Callable[..., Any], ended: Counter[bool]) -> Callable[..., Any]:
    """Return a function that answers None outside the domain, and counts the runs that returned inside it and outside.

    A run that raises is not counted: CrossHair's stand-ins for numbers raise where numbers would not.
    """

    @functools.wraps(function)
    def guarded(*args: Any) -> Any:
        inside = bool(exploration.given(*args))
        result = function(*args) if inside else None
        ended[inside] += 1
        return result

    return guarded


def _extent(options: Any, ended: Counter[bool]) -> tuple[int, int, bool]:
    """Return the tries, the paths that returned inside the domain, and whether they are all: none left over, none given up."""
    tries = int(options.stats["num_paths"])
    return tries, ended[True], bool(options.stats["exhaustion"]) and ended.total() == tries


def search_contract(exploration: Exploration) -> Search:
    """Look for arguments for which the contract is false or raises."""
    importlib.import_module("crosshair.core_and_libs")  # teaches it Python's own functions
    core = importlib.import_module("crosshair.core")
    options, found, ended = _options(exploration.tries), [], Counter[bool]()
    run = _inside(exploration, lambda *args: bool(exploration.subject(*args)), ended)

    def complete(space: Any, before: Any, after: Any, result: Any, raised: Any, stack: Any) -> bool:
        if raised is None and result is not False:
            return False
        space.detach_path()
        found.append(core.deep_realize(dict(before.arguments)))
        return True

    root = importlib.import_module("crosshair.statespace").RootNode()
    core.explore_paths(lambda bound: run(*bound.args), _signature(exploration.subject), options, root, complete)
    return Search(found[0] if found else None, *_extent(options, ended))


def search_difference(exploration: Exploration, other: Callable[..., Any]) -> Search:
    """Look for arguments on which the two functions differ, by CrossHair's ``diffbehavior``, each function going first once."""
    importlib.import_module("crosshair.core_and_libs")
    behavior = importlib.import_module("crosshair.diff_behavior")
    searches = []
    for one, two in ((exploration.subject, other), (other, exploration.subject)):
        options, ended = _options(exploration.tries // 2), Counter[bool]()
        first, second = _inside(exploration, one, Counter()), _inside(exploration, two, ended)
        same = behavior.ExceptionEquivalenceType.TYPE_AND_MESSAGE
        differences = behavior.diff_behavior_with_signature(first, second, _signature(one), options, same)
        found = [{name: ast.literal_eval(text) for name, text in each.args.items()} for each in differences]
        searches.append(Search(found[0] if found else None, *_extent(options, ended)))
    return Search(
        searches[0].found or searches[1].found,
        sum(search.tries for search in searches),
        sum(search.paths for search in searches),
        all(search.exhaustive for search in searches),
    )


# --- judging -----------------------------------------------------------------------------------------------------------


def behaviour(function: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[Any, str]:
    """Return what a function gives, or what it raises."""
    try:
        return function(*arguments.values()), ""
    except Exception as raised:
        return None, repr(raised)


def fails(exploration: Exploration, arguments: Mapping[str, Any]) -> str:
    """Run the functions themselves on a counterexample; say how they fail, or nothing where they do not."""
    if not exploration.given(*arguments.values()):
        return ""
    one, raised = behaviour(exploration.subject, arguments)
    name = exploration.subject.__qualname__
    if exploration.other is None:
        return "" if one and not raised else f"{name} {f'raises {raised}' if raised else 'is false'}"
    two, also = behaviour(exploration.other, arguments)
    if (one, raised) == (two, also):
        return ""
    return f"{name} gives {raised or repr(one)}, {exploration.other.__qualname__} {also or repr(two)}"


def judged(exploration: Exploration, search: Search) -> tuple[str, str]:
    """Return the verdict on a search, and its reason."""
    if search.found is not None:
        failure = fails(exploration, search.found)
        if failure:
            return "refuted", f"replayed: {failure}"
        return "error", "CrossHair names a counterexample on which the functions do not fail"
    if search.paths == 0:
        return "error", f"none of {search.tries} tries returned inside the domain"
    return "explored", ""


def explore(exploration: Exploration) -> Record:
    """Explore in this process (InputError: CrossHair is not installed)."""
    crosshair, search = version(), Search(None, 0, 0, False)
    try:
        search = search_difference(exploration, exploration.other) if exploration.other else search_contract(exploration)
        verdict, reason = judged(exploration, search)
    except Exception as broken:
        # Whatever breaks in CrossHair or on the way to it, what was not explored must not look as if it had been.
        verdict, reason = "error", f"{type(broken).__name__}: {broken}"
    return Record(
        id=exploration.id,
        clauses=[clause.id for clause in exploration.clauses],
        statement=exploration.statement,
        domain=exploration.domain,
        verdict=verdict,
        reason=reason,
        counterexample=search.found if verdict == "refuted" else None,
        tries=search.tries,
        paths=search.paths,
        exhaustive=search.exhaustive and verdict == "explored",
        crosshair=crosshair,
        sha256=exploration_digest(exploration),
    )


def exploration_digest(exploration: Exploration) -> str:
    """Return the hash of all that an exploration depends on but CrossHair: the functions' text, the domain, this module."""
    roots = [exploration.subject, exploration.given, exploration.other, *exploration.runs]
    texts = hashing.digest({**hashing.closure(roots), "CopyOnWrite": CopyOnWrite, "Loop": Loop})
    shape = (texts, exploration.domain, exploration.tries, Path(__file__).read_text())
    return hashlib.sha256(repr(shape).encode()).hexdigest()


# --- the record --------------------------------------------------------------------------------------------------------


def read(path: Path = PATH) -> dict[str, Record]:
    """Return the recorded explorations by id; none where there is no record."""
    if not path.exists():
        return {}
    document = json.loads(path.read_text())
    return {fields["id"]: Record(**fields) for fields in document["explorations"]}


def write(records: Iterable[Record], path: Path = PATH) -> None:
    """Replace the record."""
    document = {"schema": 1, "explorations": [attrs.asdict(record) for record in sorted(records, key=lambda r: r.id)]}
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def current(exploration: Exploration, records: Mapping[str, Record]) -> Record | None:
    """Return what is recorded of an exploration if it is about the text as it is now."""
    record = records.get(exploration.id)
    return record if record is not None and record.sha256 == exploration_digest(exploration) else None


# --- running -----------------------------------------------------------------------------------------------------------


def _limit_solver() -> None:
    os.environ["CROSSHAIR_SMT_RLIMIT"] = str(SOLVER_LIMIT)


def _explore_named(name: str) -> Record:
    return explore(by_id()[name])


def explore_all(names: Iterable[str], jobs: int | None = None) -> Iterable[Record]:
    """Explore each in a process of its own, since what CrossHair did before changes the paths that it takes next."""
    version()
    with multiprocessing.get_context("spawn").Pool(jobs, _limit_solver, maxtasksperchild=1) as pool:
        yield from pool.imap(_explore_named, names)


def line(record: Record) -> str:
    """Return an exploration's line."""
    if record.verdict != "explored":
        return f"{record.verdict:8} {record.id} {record.reason} {record.counterexample or ''}".rstrip()
    extent = "which CrossHair takes for all" if record.exhaustive else f"of {record.tries} tries"
    return f"{record.verdict:8} {record.id} {record.paths} paths {extent}: {record.statement} ({record.domain})"


def main(arguments: list[str]) -> int:
    """Explore and print a line each; 1 if anything is not explored, 2 if the command is wrong."""
    known, names = by_id(), [name for name in arguments if name != "--write"]
    wrong = [name for name in names if name not in known]
    if wrong or (names and "--write" in arguments):
        what = f"no exploration {wrong[0]}" if wrong else "--write explores all that has changed, and takes no ids"
        print(f"{what}: the ids are {', '.join(known)}", file=sys.stderr)
        return 2
    try:
        return _run(known, names or list(known), "--write" in arguments)
    except InputError as error:
        print(f"{error.message}: {error.hint}", file=sys.stderr)
        return 2


def _run(known: dict[str, Exploration], names: list[str], keep: bool) -> int:
    before = read() if keep else {}
    records = {name: record for name in names if (record := current(known[name], before))}
    for record in explore_all(name for name in names if name not in records):
        print(line(record), flush=True)
        records[record.id] = record
        if keep:  # after each, so that a run that is cut short was not for nothing
            write(records.values())
    return 0 if all(record.verdict == "explored" for record in records.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
