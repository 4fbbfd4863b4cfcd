"""One walk down one path of a function, and the enumeration of all its paths.

The function is executed again and again, each time with a longer list of decisions already taken; wherever its text asks for
the truth of an unknown, the walk takes one of the answers that are possible there and leaves the others for later.
"""

from __future__ import annotations

import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import attrs

from mmproofs import smt as z
from mmproofs.lift.errors import LiftError, TooMany
from mmspec import clause

T = TypeVar("T")

FORK_RLIMIT = 2_000_000
"""Effort for one feasibility check; a fork that is not settled by then counts as possible, which is safe."""


@attrs.frozen
class Limits:
    """How far an enumeration goes before it is given up (``TooMany``)."""

    paths: int = 4000
    decisions: int = 400
    values: int = 64
    seconds: float = 240.0


@attrs.frozen
class Claim:
    """Something that must hold wherever ``premise`` does: what it is, where the text says so, and the formula."""

    kind: str
    where: str
    premise: tuple[z.Truth, ...]
    truth: z.Truth
    chosen: tuple[Any, ...] = ()
    """What the path took by then that no formula tells, such as one of several types."""


LEMMA = "lemma"
"""The kind of a claim that only helps to prove those after it."""

CHANGED, READ, FURTHER = range(3)
"""How near a place is: an arbitrary one or one that was written; one that was read; one that a hypothesis looks at."""


@attrs.frozen
class Touched:
    """The places at which a path looked into maps, by the name of the key's word, each with how near it is."""

    places: dict[str, dict[int, tuple[Any, int]]] = attrs.field(factory=dict)

    def add(self, kind: str, place: Any, near: int = CHANGED) -> None:
        """Note a place (a number or a symbolic word)."""
        key = place if isinstance(place, int) else -1 - z.identity(place.term)
        before = self.places.setdefault(kind, {}).get(key)
        if before is None or before[1] > near:
            self.places[kind][key] = (place, near)

    def of(self, kind: str, near: int = FURTHER) -> list[Any]:
        """Return the places of a kind that are at least so near."""
        return [place for place, distance in self.places.get(kind, {}).values() if distance <= near]

    def include(self, other: Touched, near: int) -> None:
        """Note another's places, as no nearer than ``near``."""
        for kind, found in other.places.items():
            for place, distance in found.values():
                self.add(kind, place, max(near, distance))


@attrs.frozen
class Path:
    """What one path demands, claims and gives."""

    decisions: tuple[Any, ...]
    chosen: tuple[Any, ...]
    """Those of the decisions that no condition tells."""
    conditions: tuple[z.Truth, ...]
    facts: tuple[z.Truth, ...]
    claims: tuple[Claim, ...]
    settled: frozenset[str]
    """The kinds of claims that simplifying alone has proved."""
    relied: int
    """How often a loop's entry or a contract's requirement was taken to be proved by another obligation."""
    touched: Touched
    schemas: tuple[Any, ...]
    clauses: frozenset[str]
    ran: frozenset[types.CodeType]
    value: Any
    named: dict[str, Any]
    """The arguments, and whatever else a counterexample is made of, by name: known also where the path has ended early."""
    ended: str = ""
    """Why the path has no value: its claims contradict it, or it was excluded by what was assumed."""


class PathEnds(BaseException):
    """The path goes no further; its claims stand."""


class Run:
    """The state of one walk."""

    def __init__(
        self, smt: z.Smt, prefix: Sequence[Any], limits: Limits, known: Sequence[z.Truth] = (), quantified: bool = False
    ) -> None:
        self.smt, self.limits, self.known = smt, limits, tuple(known)
        self.relies = False
        """Whether what the text claims on the way is proved by another obligation."""
        self.relied = 0
        """How often that was used for what this walk does not even claim: a loop's entry, a contract's requirement."""
        self.helps = False
        """Whether it is no text of the subject that is read, and so no base that proves what it claims."""
        self.predicate = False
        """Whether it is a predicate that is walked, of which only the formula is kept."""
        self.ran: set[types.CodeType] = set()
        self.settled: set[str] = set()
        self.named: dict[str, Any] = {}
        self.quantified: bool = quantified or (bool(_current) and _current[-1].quantified)
        self.prefix, self.taken, self.left = tuple(prefix), list[Any](), list[tuple[Any, ...]]()
        self.chosen: list[Any] = []
        self.conditions: list[z.Truth] = []
        self.steering: list[z.Truth] = []
        self.facts: dict[int, z.Truth] = {}
        self.claims: list[Claim] = []
        self.pins: dict[int, tuple[Any, int]] = {}
        self.touched = Touched()
        self.schemas: list[Any] = []
        self.counters: dict[str, int] = {}
        self._solver: z.Solver | None = None
        self._sent = self._noted = 0

    # --- what is known -------------------------------------------------------------------------------------------

    def assume(self, truth: z.Truth, steers: bool = True) -> None:
        """Go on only where ``truth`` holds; what does not steer is left out when the ways on are looked for."""
        truth = z.simplify(truth)
        if z.is_true(truth):
            return
        self.conditions.append(truth)
        if steers:
            self.steering.append(truth)
        if z.is_false(truth):
            raise PathEnds("excluded")

    def fact(self, truth: z.Truth) -> None:
        """Note what holds everywhere, such as a declared range."""
        self.facts.setdefault(z.identity(truth), truth)

    def claim(self, kind: str, truth: z.Truth) -> None:
        """Demand a proof of ``truth`` here; the rest of the path may rely on it."""
        truth, kind = z.simplify(truth), LEMMA if self.helps else kind
        if z.is_true(truth):
            self.settled.add(kind)
            return
        self.claims.append(Claim(kind, where(), tuple(self.conditions), truth, tuple(self.chosen)))
        self.assume(truth, steers=False)

    def rely(self, schema: Any, premise: z.Truth | None = None) -> None:
        """Take a predicate as a hypothesis from here on: only what was claimed before may be what it rests on."""
        # Without its premise a claim that fails would let a hypothesis in that contradicts it, and so be proved by it.
        premises = [*self.conditions] if premise is None else [*self.conditions, premise]
        self.schemas.append(attrs.evolve(schema, premise=self.smt.both(premises)))

    def number(self, name: str) -> int:
        """Return how often a name was asked for on this path."""
        self.counters[name] = self.counters.get(name, 0) + 1
        return self.counters[name]

    # --- decisions -----------------------------------------------------------------------------------------------

    def possible(self, truth: z.Truth) -> bool:
        """Tell whether ``truth`` may hold here (undecided counts as yes)."""
        return self._solve(truth) is not z.Answer.UNSAT

    def _solve(self, *truths: z.Truth) -> z.Answer:
        if self._solver is None:
            self._solver = self.smt.solver(rlimit=FORK_RLIMIT)
            self._solver.add(*self.known)
        self._solver.add(*self.steering[self._sent :], *list(self.facts.values())[self._noted :])
        self._sent, self._noted = len(self.steering), len(self.facts)
        return self._solver.check(*truths)

    def decide(self, options: Callable[[], Iterable[T]], condition: Callable[[T], z.Truth | None]) -> T:
        """Take one of the possible options and leave the others for later walks."""
        position = len(self.taken)
        if position >= self.limits.decisions:
            raise TooMany(f"more than {self.limits.decisions} decisions on one path, the last at {where()}")
        if position < len(self.prefix):
            option: T = self.prefix[position]
        else:
            found = [o for o in options() if (c := condition(o)) is None or self.possible(c)]
            if not found:
                raise PathEnds("no way on: what was claimed cannot hold")
            option = found[0]
            self.left.extend((*self.taken, other) for other in found[1:])
        self.taken.append(option)
        truth = condition(option)
        if truth is None:
            self.chosen.append(option)
        else:
            self.assume(truth)
        return option

    def fork(self, truth: z.Truth) -> bool:
        """Decide a truth."""
        truth = z.simplify(truth)
        if z.is_true(truth) or z.is_false(truth):
            return z.is_true(truth)
        return self.decide(lambda: (True, False), lambda option: truth if option else z.negate(truth))

    def values(self, term: z.Bits, lo: int, hi: int) -> Iterator[int]:
        """Yield every value that a word in [lo, hi] may have here, ascending."""
        width = z.width_of(term)
        if hi - lo <= self.limits.values:
            yield from range(lo, hi + 1)
            return
        if self._solve() is z.Answer.UNKNOWN:
            raise TooMany(f"the values of a word could not be enumerated at {where()}")
        solver = self.smt.solver(rlimit=FORK_RLIMIT * 10)
        solver.add(*self.known, *self.steering, *self.facts.values())
        found: list[int] = []
        while (answer := solver.check()) is z.Answer.SAT:
            natural = solver.model().number(term)
            found.append(natural - (1 << width) if lo < 0 and natural >> (width - 1) else natural)
            if len(found) > self.limits.values:
                raise TooMany(f"a word has more than {self.limits.values} values at {where()}: bound it, or cut the loop")
            solver.add(z.negate(z.same(term, self.smt.value(natural, width))))
        if answer is z.Answer.UNKNOWN:
            raise TooMany(f"the values of a word could not be enumerated at {where()}")
        yield from sorted(found)


_current: list[Run] = []


def current() -> Run:
    """Return the walk that is going on."""
    if not _current:
        raise LiftError("a symbolic value was used outside of a proof")
    return _current[-1]


@contextmanager
def walking(run: Run) -> Iterator[Run]:
    """Make ``run`` the current walk."""
    _current.append(run)
    try:
        yield run
    finally:
        _current.pop()


@contextmanager
def helping() -> Iterator[None]:
    """Take whatever is claimed for a lemma: what the obligation adds to the subject's text has no base that proves it."""
    run = current()
    before, run.relies, run.helps = (run.relies, run.helps), False, True
    try:
        yield
    finally:
        run.relies, run.helps = before


@contextmanager
def recording() -> Iterator[None]:
    """Note every code object that runs, on the walk that is going on; a walk inside it is not noted."""
    ran = current().ran

    def note(frame: types.FrameType, event: str, argument: Any) -> None:
        if event == "call":
            ran.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)


def nesting() -> int:
    """Return how many walks are going on, one inside the other."""
    return len(_current)


def nested() -> Sequence[z.Truth]:
    """Return what is known on the walk that is going on, for one inside it."""
    if not _current:
        return ()
    run = _current[-1]
    return (*run.known, *run.steering, *run.facts.values())


def where() -> str:
    """Return the file and line of the innermost frame outside the lifter."""
    frame = sys._getframe(1)
    while "/mmproofs/lift/" in frame.f_code.co_filename.replace("\\", "/"):
        frame = frame.f_back  # type: ignore[assignment]  # the outermost frame is never the lifter's
    name = frame.f_code.co_filename.replace("\\", "/").rsplit("/", 2)
    return f"{'/'.join(name[-2:])}:{frame.f_lineno}"


def walks(
    smt: z.Smt, body: Callable[[], Any], limits: Limits | None = None, known: Sequence[z.Truth] = (), quantified: bool = False
) -> list[Path]:
    """Return every path of ``body``, which makes its own symbolic arguments; paths that contradict ``known`` may be left out.

    Raises LiftError where the text leaves the dialect or raises an exception of its own, TooMany at a limit.
    """
    limits = limits or Limits()
    deadline = time.monotonic() + limits.seconds
    waiting: list[tuple[Any, ...]] = [()]
    paths: list[Path] = []
    while waiting:
        run = Run(smt, waiting.pop(), limits, known, quantified)
        paths.append(_walk(run, body))
        waiting.extend(reversed(run.left))
        if len(paths) + len(waiting) > limits.paths:
            raise TooMany(f"more than {limits.paths} paths")
        if time.monotonic() > deadline:
            raise TooMany(f"more than {limits.seconds:g} s for the paths ({len(paths)} done)")
    return paths


def _walk(run: Run, body: Callable[[], Any]) -> Path:
    before, noting = set(clause.reached), sys.getprofile()
    clause.reached.clear()
    sys.setprofile(None)
    value, ended = None, ""
    try:
        with walking(run):
            value = body()
    except PathEnds as stop:
        ended = str(stop)
    except Exception as error:  # an exception of the law is a defect of the law, whatever it is
        line = error.__traceback__
        while line is not None and line.tb_next is not None:
            line = line.tb_next
        at = f"{line.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{line.tb_lineno}" if line is not None else "?"
        raise LiftError(
            f"{type(error).__name__} at {at}: {error}",
            "the law and the kernels never raise; say so in a result, or declare the type of what was used",
        ) from error
    finally:
        clauses = frozenset(c.id for c in clause.reached)
        clause.reached.clear()
        clause.reached.update(before)
        sys.setprofile(noting)
    return Path(
        tuple(run.taken), tuple(run.chosen), tuple(run.conditions), tuple(run.facts.values()), tuple(run.claims),
        frozenset(run.settled), run.relied, run.touched,
        tuple(run.schemas), clauses, frozenset(run.ran), value, run.named, ended,
    )  # fmt: skip
