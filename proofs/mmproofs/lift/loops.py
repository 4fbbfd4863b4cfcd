"""The loop cut, and the one quantifier of the law.

Where a path meets a loop, it claims the loop's invariant there, forgets what the loop may change, and goes on from any state
in which the invariant holds and the loop's head does not. That every step keeps the invariant and lowers the measure is an
obligation of its own (``step_body``), proved once from any entry.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, get_args

import attrs

from mmproofs import smt as z
from mmproofs.lift.errors import LiftError
from mmproofs.lift.maps import SymArray, SymMap, unknown_word
from mmproofs.lift.predicate import Predicate, arguments_for, function_of, sources_of
from mmproofs.lift.records import Choices, check_fields, hints_of, unknown
from mmproofs.lift.run import LEMMA, READ, current, helping, nesting, recording, walks
from mmproofs.lift.schema import Schema, make_schema
from mmproofs.lift.words import SymBool, SymWord, opposite, truth_of
from mmspec import loop as law_loop
from mmspec import pmap as law_pmap
from mmspec.loop import Loop
from mmspec.words import word_of


def _several(holds: Any) -> tuple[Predicate, ...]:
    return holds if isinstance(holds, tuple) else (holds,)


@attrs.frozen(eq=False)
class LoopInvariant:
    """What is true after any number of rounds: ``holds`` names loop variables, their entry values (``was_x``), and places.

    Several predicates, each about places of its own, are one invariant together. ``also_entry`` and ``also_step`` are to its
    claims what ``Obligation.also`` is to a goal: functions of the same names, of the claims' places, and, for a step, of the
    variables after it (``next_x``).
    """

    loop: Loop
    holds: tuple[Predicate, ...] = attrs.field(converter=_several)
    id: str = ""
    """The obligation that proves it."""
    also_entry: tuple[Predicate, ...] = ()
    also_step: tuple[Predicate, ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the loop's variables."""
        return tuple(inspect.signature(self.loop.step).parameters)

    def named(self, entry: tuple[Any, ...], now: tuple[Any, ...]) -> dict[str, Any]:
        """Return values of the variables by the names that the invariant has for them."""
        both = dict(zip((f"was_{name}" for name in self.variables), entry, strict=True))
        return {**both, **dict(zip(self.variables, now, strict=True))}

    def schemas(self, name: str, entry: tuple[Any, ...], now: tuple[Any, ...]) -> list[Schema]:
        """Return the invariant of these variables as schemas."""
        both = self.named(entry, now)
        return [
            make_schema(f"{name}.{function_of(holds).__name__}", function_of(holds), arguments_for(holds, both))
            for holds in self.holds
        ]


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _leaves(getattr(value, field.name), f"{name}.{field.name}")
    elif isinstance(value, tuple):
        for i, member in enumerate(value):
            yield from _leaves(member, f"{name}.{i}")
    else:
        yield name, value


def changed_by(loop: Loop, smt: z.Smt) -> frozenset[str]:
    """Return the names of the parts of the loop's variables that a step may change."""
    changed: set[str] = set()
    hints = hints_of(loop.step)
    names = tuple(inspect.signature(loop.step).parameters)

    def body() -> bool:
        current().relies = True
        before = tuple(unknown(hints[name], f"{loop.name}~{name}") for name in names)
        after = loop.step(*before)
        if len(after) != len(before):
            raise LiftError(f"the step of loop {loop.name} must return its {len(before)} variables as a tuple")
        for name, old, new in zip(names, before, after, strict=True):
            olds, news = dict(_leaves(old, name)), dict(_leaves(new, name))
            if any(isinstance(leaf, SymArray) for leaf in olds.values()):
                raise LiftError(
                    f"{name} of loop {loop.name} holds arrays", "a step changes these in place: loop over maps and words"
                )
            changed.update(leaf for leaf in olds.keys() | news.keys() if olds.get(leaf) is not news.get(leaf))
        return True

    walks(smt, body)
    return frozenset(changed)


def havoc(hint: Any, name: str, leaf: str, entry: Any, changed: frozenset[str]) -> Any:
    """Return a value like ``entry`` with every part that is ``changed`` unknown."""
    if leaf in changed:
        return unknown(hint, name)
    if attrs.has(type(entry)):
        types_of = hints_of(type(entry))
        fields = {
            field.alias: havoc(
                types_of[field.name], f"{name}.{field.name}", f"{leaf}.{field.name}", getattr(entry, field.name), changed
            )
            for field in attrs.fields(type(entry))
            if field.init
        }
        return type(entry)(**fields)
    if isinstance(entry, tuple):
        members = zip(get_args(hint), entry, strict=True)
        return tuple(havoc(of, f"{name}.{i}", f"{leaf}.{i}", member, changed) for i, (of, member) in enumerate(members))
    return entry


def near(hint: Any, value: Any) -> None:
    """Note a word as a place of its kind, if it is one."""
    word = word_of(hint)
    if word is not None and isinstance(value, int | SymWord):
        current().touched.add(word.name, value)


def near_fields(hint: Any, value: Any) -> None:
    """Note every word of an argument as a place of its kind."""
    if attrs.has(type(value)):
        types_of = hints_of(type(value))
        for field in attrs.fields(type(value)):
            near_fields(types_of[field.name], getattr(value, field.name))
    else:
        near(hint, value)


def _places(schema: Schema, name: str) -> tuple[Any, ...]:
    places = tuple(unknown_word(f"{name}.{i}", word) for i, word in enumerate(schema.words))
    for place, kind in zip(places, schema.kinds, strict=True):
        current().touched.add(kind, place)
    return places


def tell(also: Sequence[Predicate], known: Mapping[str, Any]) -> list[Predicate]:
    """Ask functions of what is known, and return those that name something that is not known yet.

    The place that one returns is noted; the truth that one tells is a lemma, claimed before whatever comes next.
    """
    later = []
    for told in also:
        if not all(source.split(".")[0] in known for source in sources_of(told).values()):
            later.append(told)
            continue
        function = function_of(told)
        with helping():
            answer, hint = function(**arguments_for(told, known)), hints_of(function)["return"]
        if hint is bool:
            current().claim(LEMMA, truth_of(answer))
        near(hint, answer)
    return later


def claim_schemas(
    kind: str, schemas: Sequence[Schema], name: str, known: Mapping[str, Any], also: Sequence[Predicate] = ()
) -> None:
    """Claim predicates at places that nothing is known about; ``also`` (see ``tell``) may name these."""
    everything, spots = dict(known), []
    for number, schema in enumerate(schemas):
        spots.append(_places(schema, f"{name}.{number}"))
        everything.update(zip(schema.parameters, spots[-1], strict=True))
        for touched_kind, found in schema.looks_at(spots[-1]).items():
            for place in found:
                current().touched.add(touched_kind, place, READ)
    tell(also, everything)
    for schema, places in zip(schemas, spots, strict=True):
        current().claim(kind, schema.as_goal(places))


class Cutter:
    """Stands for every loop while a proof runs."""

    def __init__(self, smt: z.Smt, invariants: tuple[LoopInvariant, ...], unrolled: tuple[Loop, ...] = ()) -> None:
        self.smt, self.unrolled = smt, unrolled
        self.by_loop = {id(invariant.loop): invariant for invariant in invariants}
        self.changed: dict[int, frozenset[str]] = {}
        self.used: dict[str, LoopInvariant] = {}

    def changes(self, loop: Loop) -> frozenset[str]:
        """Return what a step of the loop may change."""
        if id(loop) not in self.changed:
            self.changed[id(loop)] = changed_by(loop, self.smt)
        return self.changed[id(loop)]

    def __call__(self, loop: Loop, entry: tuple[Any, ...]) -> tuple[Any, ...]:
        if loop in self.unrolled:
            while loop.head(*entry):
                entry = loop.step(*entry)
            return entry
        invariant = self.by_loop.get(id(loop))
        if invariant is None:
            raise LiftError(f"loop {loop.name} was met and no LoopInvariant is given for it", "add it to the obligation's cuts")
        self.used[loop.name] = invariant
        if current().quantified:
            raise LiftError(
                f"loop {loop.name} was met in a predicate about arbitrary places",
                "its answer would be one unknown for all places",
            )
        run, hints = current(), hints_of(loop.step)
        name = run.smt.fresh(loop.name)
        for variable, value in zip(invariant.variables, entry, strict=True):
            check_fields(value, hints[variable], f"{loop.name}'s {variable}")
        run.relied += run.relies
        if not run.relies:
            what, known = f"invariant of loop {loop.name} holds at its entry", invariant.named(entry, entry)
            at_entry = invariant.schemas(f"{name}.entry", entry, entry)
            claim_schemas(what, at_entry, f"{name}.anywhere", known, invariant.also_entry)
        now = tuple(
            havoc(hints[variable], f"{name}.{variable}", variable, value, self.changes(loop))
            for variable, value in zip(invariant.variables, entry, strict=True)
        )
        for schema in invariant.schemas(f"{name}.now", entry, now):
            run.rely(schema)
        run.assume(truth_of(opposite(loop.head(*now))))
        for variable, value in zip(invariant.variables, now, strict=True):
            near(hints[variable], value)
        return now


def step_body(invariant: LoopInvariant, cutter: Cutter, choices: Choices) -> Callable[[], bool]:
    """Return the function whose paths claim that one step of a loop keeps its invariant and lowers its measure."""
    loop, names, hints = invariant.loop, invariant.variables, hints_of(invariant.loop.step)

    def body() -> bool:
        run = current()
        entry = tuple(unknown(hints[name], f"was_{name}", choices) for name in names)
        now = tuple(havoc(hints[name], name, name, value, cutter.changes(loop)) for name, value in zip(names, entry, strict=True))
        run.named.update(zip((f"was_{name}" for name in names), entry, strict=True))
        run.named.update(zip(names, now, strict=True))
        for schema in invariant.schemas(f"{loop.name}.now", entry, now):
            run.rely(schema)
        with recording():
            run.assume(truth_of(loop.head(*now)))
        known = invariant.named(entry, now)
        also = tell(invariant.also_step, known)
        with recording():
            for name, value in zip(names, now, strict=True):
                near(hints[name], value)
            before = loop.measure(*now)
            after = loop.step(*now)
            for name, value in zip(names, after, strict=True):
                check_fields(value, hints[name], f"{loop.name}'s {name}")
            measure = loop.measure(*after)
        run.claim("the measure is a natural number", truth_of(measure >= 0))
        run.claim("the measure goes down", truth_of(measure < before))
        known.update(zip((f"next_{name}" for name in names), after, strict=True))
        what, kept = f"a step keeps the invariant of loop {loop.name}", invariant.schemas(f"{loop.name}.after", entry, after)
        claim_schemas(what, kept, f"{loop.name}.place", known, also)
        return True

    return body


# --- somewhere -----------------------------------------------------------------------------------------------------------


def search(entries: Any, true_of: Callable[..., Any], context: tuple[Any, ...]) -> bool:
    """Answer ``mmspec.pmap.somewhere``: on one path at a witness, on the other nowhere."""
    if not isinstance(entries, SymMap):
        raise LiftError("somewhere() looked through a map that is not symbolic")
    run = current()
    if run.predicate or nesting() > 1:
        raise LiftError(
            "somewhere() inside a predicate", "a hypothesis or a goal has no witness of its own: ask for an arbitrary place"
        )
    parameters = tuple(inspect.signature(true_of).parameters)
    word = word_of(hints_of(true_of)[parameters[0]])
    if word is None:
        raise LiftError(f"the first parameter of {true_of.__qualname__} must be declared a Word")
    name = run.smt.fresh("somewhere")
    if run.decide(lambda: (True, False), lambda _: None):
        witness = unknown_word(name, word)
        run.assume(entries.has(witness))
        run.assume(truth_of(true_of(witness, _there(entries, witness), *context)))
        return True

    def nowhere(key: Any) -> Any:
        there = truth_of(true_of(key, _there(entries, key), *context))
        return SymBool(z.negate(z.both(entries.has(key), there)))

    nowhere.__annotations__ = {"key": Annotated[int, word]}
    run.rely(make_schema(name, nowhere, {}))
    return False


def _there(entries: SymMap, key: Any) -> Any:
    value = entries.base.at(key)
    return entries._under_writes(key, value, value)


@contextmanager
def lifted(cutter: Cutter) -> Iterator[Cutter]:
    """Let the lifter read the law's loops and searches."""
    loops = law_loop.read_loops_with(cutter)
    searches = law_pmap.read_searches_with(search)
    try:
        yield cutter
    finally:
        law_loop.read_loops_with(loops)
        law_pmap.read_searches_with(searches)
