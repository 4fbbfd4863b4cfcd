"""A ``RuleBasedStateMachine`` for every machine, derived from its records: one rule for each operation.

For people who want to add rules of their own::

    class Pairs(state_machine("buddy")):
        @rule(order=st.integers(0, 3))
        def two_of_one_order(self, order):
            first, second = self.carry_out("alloc", Alloc(order)), self.carry_out("alloc", Alloc(order))
            assert first is None or first != second

    TestPairs = Pairs.TestCase

Every step is judged by the specification, whichever rule took it. Where no rules are added, ``mmprops.testing`` judges
many times as many operations a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, cast, get_type_hints

import attrs
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, multiple, precondition, rule

from mmprops.conform import ConformanceError, open_session
from mmprops.lockstep import Outcome, Run, start
from mmprops.machine import HEADER, Machine
from mmprops.machines import machine_named
from mmprops.session import Session
from mmspec.component import Operation
from mmspec.errors import EINVAL, InputError
from mmspec.profile import Profile, profile_named
from mmspec.words import Word, words_of

AFRESH, ANY = range(10, 13), range(13, 16)
"""Of sixteen requests that borrow operands, which draw one of them afresh, and which borrow where they do not fit."""


@attrs.frozen(eq=False)
class Made:
    """A step that was carried out: the words of its request and of its result, by name, for later requests to borrow.

    ``main`` is the name of the result's main value, if it has one. The reset makes an empty one, so that there always is one.
    """

    step: int = -1
    main: str | None = None
    fields: Mapping[str, int] = attrs.field(factory=dict)


@attrs.frozen
class Asked:
    """A request, and the step that each borrowed operand's value came from."""

    request: Any
    refs: Mapping[str, int]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        fields = (
            f"{name}={f'step {self.refs[name]}' if name in self.refs else hex(value) if word.hexadecimal else value}"
            for name, word, value in words_in(self.request)
        )
        printer.text(f"{type(self.request).__name__}({', '.join(fields)})")


class LockstepMachine(RuleBasedStateMachine):
    """What all derived machines share. ``run`` is the program under way: its judge holds the law's state."""

    machine: ClassVar[Machine]
    profile: ClassVar[Profile]
    client: ClassVar[Any]
    session: ClassVar[Session | None] = None
    run: Run
    made = Bundle("made")

    @classmethod
    def opened(cls) -> Session:
        """Return the session with the client, which all examples share: it is opened by the first."""
        if cls.session is None:
            cls.session = open_session(cls.machine, cls.client, cls.profile, 5.0)
        return cls.session

    @classmethod
    def close(cls) -> None:
        """End the session; a later example opens another."""
        if cls.session is not None:
            cls.session.close()
            cls.session = None

    @initialize(target=made, header=st.binary(min_size=HEADER, max_size=HEADER))
    def reset(self, header: bytes) -> Made:
        """Begin with a configuration that the client's capabilities allow."""
        session = self.opened()
        begun = start(self.machine, session, self.profile, self.machine.draw(header, session.capabilities))
        if isinstance(begun, Outcome):
            if begun.broken is None:
                reject()
            raise self.violation(begun)
        self.run = begun
        self.landmarks = {key: sorted(values) for key, values in landmarks(begun.config).items()}
        self.fields = self.machine.sent(session.capabilities)
        return Made()

    def serves(self, operation: Operation) -> bool:
        """Tell whether the client's capabilities allow an operation."""
        needed = self.machine.requires.get(operation.name)
        return needed is None or bool(self.opened().capabilities[needed])

    def carry_out(self, name: str, request: Any, refs: Mapping[str, int] | None = None) -> Any:
        """Carry out and judge one request, and return its result; None if it was not carried out.

        ``refs`` names the step that a field's value came from. Raises ConformanceError if a clause is broken. A request that
        may be refused as invalid is sent only to a client that promises to check for it, and none that is not promised.
        """
        operation = self.run.judge.operations[name]
        if not operation.observes and not self.checks(operation) and not self.must_serve(operation, request):
            return None
        if self.run.unpromised(name, request) is not None:
            return None
        result = self.run.carry_out(name, request, refs or {})
        if self.run.broken is not None:
            raise self.violation(self.run.finish())
        return result

    def checks(self, operation: Operation) -> bool:
        """Tell whether the client promises to refuse invalid requests: by ``checked_free`` for ``free``, and so on."""
        return bool(self.opened().capabilities.get(f"checked_{operation.name}", True))

    def must_serve(self, operation: Operation, request: Any) -> bool:
        """Tell whether it would be unlawful to refuse a request as invalid."""
        return operation.allowed(self.run.judge.state, self.run.inward(request), EINVAL) is not None

    def make(self, operation: Operation, asked: Asked) -> Made | MultipleResults[Any]:
        """Carry a request out, and return what later requests may borrow of it."""
        result = self.carry_out(operation.name, asked.request, asked.refs)
        if result is None or result.failed or operation.observes:
            return multiple()
        fields = {name: value for record in (asked.request, result) for name, _, value in words_in(record)}
        return Made(len(self.run.made) - 1, operation.main, fields)

    def lends(self, operation: Operation, made: Made) -> bool:
        """Tell whether a request that borrows from ``made`` all it can is one that must be served."""
        if not made.fields:
            return True
        words = words_of(operation.request)
        values = {name: made.fields.get(name, word.lo) for name, word in words.items()}
        return self.must_serve(operation, operation.request(**values, **dict.fromkeys(truths_of(operation.request), False)))

    def words(self, operation: Operation, field: str, word: Word) -> st.SearchStrategy[int]:
        """Return the strategy of one operand: its default, its limits and the configuration's, and what lies between."""
        default = attrs.fields_dict(operation.request)[field].default
        if field not in self.fields.get(operation.name, (field,)):
            return st.just(cast("int", default))
        limits = self.limits(operation, field, word)
        near = tuple(v for v in self.landmarks.get(kind_of_word(word), ()) if limits[0] <= v <= limits[1])
        return operand(limits, near, word.hexadecimal, default if isinstance(default, int) else None)

    def limits(self, operation: Operation, field: str, word: Word) -> tuple[int, int]:
        """Return the least and the largest value of an operand: its word's, or what a capability such as min_order sets."""
        capabilities = self.opened().capabilities
        low, high = capabilities.get(f"min_{field}", word.lo), capabilities.get(f"max_{field}", word.hi)
        return max(word.lo, whole(low)), word.hi if self.checks(operation) else min(word.hi, whole(high))

    def teardown(self) -> None:
        """Recount, and ask the invariants of the law's own state."""
        if hasattr(self, "run") and self.run.broken is None:
            outcome = self.run.finish()
            if outcome.broken is not None:
                raise self.violation(outcome)

    def violation(self, outcome: Outcome) -> ConformanceError:
        """Return the error that reports what was broken."""
        assert outcome.broken is not None
        return ConformanceError(outcome.broken.clause, outcome.program, outcome.broken.explanation)


def whole(limit: int | str) -> int:
    """Return a capability's limit as a number: frame numbers are written in hexadecimal."""
    return int(limit, 16) if isinstance(limit, str) else limit


def words_in(record: Any) -> Iterator[tuple[str, Word, int]]:
    """Yield the words of a record: name, word, value."""
    kind: type = type(record)
    return ((name, word, getattr(record, name)) for name, word in words_of(kind).items())


def truths_of(record: type) -> tuple[str, ...]:
    """Return the fields of a record that are truths."""
    return tuple(name for name, hint in get_type_hints(record).items() if hint is bool)


def kind_of_word(word: Word) -> tuple[int, bool]:
    """Return what words must have in common for one to be a limit of the other."""
    return word.bits, word.hexadecimal


def landmarks(config: Any) -> dict[tuple[int, bool], set[int]]:
    """Return the values of a configuration, by the kind of word."""
    found: dict[tuple[int, bool], set[int]] = {}
    for _, word, value in words_in(config):
        found.setdefault(kind_of_word(word), set()).add(value)
    return found


@cache
def operand(limits: tuple[int, int], near: tuple[int, ...], address: bool, default: int | None) -> st.SearchStrategy[int]:
    """Return the strategy of a word: addresses lie between what the configuration names, numbers count from their least value."""
    low = near[0] if near and address else limits[0]
    high = min(near[-1] + 1, limits[1]) if near else limits[1]
    edges = {v + d for v in (*near, *limits) for d in (-1, 0, 1)}
    options = [
        st.integers(low, low + (high - low) // 4),
        st.integers(low, high),
        st.sampled_from(sorted(v for v in edges if limits[0] <= v <= limits[1])),
    ]
    # Several strategies of one value, since one_of counts the same one once.
    return st.one_of(options if default is None else [*(st.just(default) for _ in options), *options])


@st.composite
def requests(draw: st.DrawFn, operation: Operation, lenders: frozenset[str]) -> Asked:
    """Return requests: words in their ranges, or borrowed from a step that made fields of those names."""
    machine = cast("LockstepMachine", draw(st.runner()))
    words = words_of(operation.request)
    of: Any = Made()
    afresh = ""
    if lenders & words.keys():
        how = draw(st.integers(0, 15))
        fitting = machine.made.filter(lambda made: machine.lends(operation, made))
        of = draw(machine.made if how in ANY else fitting)
        afresh = sorted(words)[how % len(words)] if how in AFRESH else ""
    values, refs = {}, {}
    for name, word in words.items():
        if name in of.fields and name != afresh:
            values[name] = of.fields[name]
            if name == of.main:
                refs[name] = of.step
        else:
            values[name] = draw(machine.words(operation, name, word))
    truths = {name: draw(st.booleans()) for name in truths_of(operation.request)}
    return Asked(operation.request(**values, **truths), refs)


def rule_of(operation: Operation, lenders: frozenset[str]) -> Any:
    """Return the rule of one operation."""

    def ask(self: LockstepMachine, asked: Asked) -> Made | MultipleResults[Any]:
        return self.make(operation, asked)

    ask.__name__ = ask.__qualname__ = operation.name
    ask.__doc__ = operation.request.__doc__
    derived = rule(target=LockstepMachine.made, asked=requests(operation, lenders))(ask)
    return precondition(lambda self: self.serves(operation))(derived)


def state_machine(machine: str | Machine, *, profile: str = "linux", client: Any = "impl") -> type[LockstepMachine]:
    """Return the ``RuleBasedStateMachine`` of a machine, for subclassing or as it is.

    ``client`` is a name as on the command line, an object with ``hello reset apply close``, or what makes one.
    InputError: there is no such machine or profile.
    """
    which = machine_named(machine) if isinstance(machine, str) else machine
    operations = which.component.operations
    taken = sorted(operation.name for operation in operations if hasattr(LockstepMachine, operation.name))
    if taken:
        raise InputError(f"{which.name} has operations named {', '.join(taken)}", hint="names that LockstepMachine has not")
    # Fields that an operation's main value has are what later requests borrow, with the others of the same step.
    lenders = frozenset(operation.main for operation in operations if operation.main is not None)
    body = {operation.name: rule_of(operation, lenders) for operation in operations}
    body |= {"machine": which, "profile": profile_named(profile), "client": client, "__module__": __name__}
    return cast("type[LockstepMachine]", type(f"{which.name.title().replace('_', '')}Machine", (LockstepMachine,), body))
