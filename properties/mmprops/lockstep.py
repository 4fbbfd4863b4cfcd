"""Lock-step: one program, carried out by something under test while the law looks on.

Two ways to make the steps: ``explore`` lets a machine's generator invent them from bytes as it goes, looking at the law's
state; ``rerun`` carries out a program that was recorded. Both end in an ``Outcome``, which holds the program.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs

from mmprops.clients.base import RUBBISH, ClientFailure
from mmprops.clients.wire import Ref, Unsupported
from mmprops.judge import Judge, broken_invariant
from mmprops.machine import HEADER, Machine
from mmprops.program import Program, Step, main_value, records, refs_of, resolved, with_refs
from mmprops.session import EREF, InProcess, Session
from mmspec.clause import Clause
from mmspec.component import Operation
from mmspec.errors import Error
from mmspec.profile import Profile
from mmspec.words import word_of


@attrs.frozen
class Broken:
    """What was broken at which step: a clause id, and in a sentence what was answered and what would have been right.

    ``observed`` is the result that was judged, if the step had one; ``errors`` the last lines that a client wrote to stderr.
    """

    clause: str
    step: int
    explanation: str
    observed: Any = None
    errors: tuple[str, ...] = ()


@attrs.frozen
class Outcome:
    """What came of one program: its configuration, and each step with the references that its request was given."""

    machine: str
    config: Any
    made: tuple[tuple[str, Any, Mapping[str, int]], ...]
    judged: int = 0
    values: tuple[Any, ...] = ()  # the main value that each step answered
    state: Any = None  # the law's, before the step that was broken, in the client's numbers
    broken: Broken | None = None
    refused: str | None = None  # why the configuration was not taken
    unsupported: Mapping[str, int] = attrs.field(factory=dict)  # operations not carried out, by reason
    unasked: frozenset[int] = frozenset()  # steps not asked: not promised, or they refer to one that was not carried out
    results: tuple[Any, ...] = ()  # what each step answered; None where there was nothing to be read

    @property
    def program(self) -> Program:
        """The program that was carried out."""
        return Program(self.machine, self.config, tuple((name, with_refs(request, refs)) for name, request, refs in self.made))


class Run:
    """One program under way: the judge, the session, and the steps so far."""

    def __init__(self, machine: Machine, session: Session, profile: Profile, config: Any) -> None:
        self.machine, self.session = machine, session
        self.config = config  # the client's
        self.view = machine.view(config, session.capabilities)
        self.law_config = config if self.view is None else self.view.config
        self.judge = Judge(machine.component, profile, self.law_config)
        self.tolerance = machine.tolerance(self.law_config, session.capabilities)
        self.made: list[tuple[str, Any, Mapping[str, int]]] = []
        self.values: list[Any] = []
        self.results: list[Any] = []
        self.judged = 0
        self.unsupported: dict[str, int] = {}
        self.unasked: set[int] = set()
        self.not_done: set[int] = set()  # what was not asked, and what the client does not support
        self.broken: Broken | None = None
        self.body = session.body if isinstance(session, InProcess) and session.open and profile.chooses else None
        self.journal: list[Any] = []
        if self.body is not None:
            self.judge.policy = machine.lockstep.watched(self.judge.policy, self.journal)

    def carry_out(self, name: str, request: Any, refs: Mapping[str, int]) -> Any:
        """Carry out and judge one step; return its result, or None where it ended the run or was not carried out."""
        operation = self.judge.operations[name]
        self.add(name, request, refs)
        try:
            result = self.session.apply(operation, request)
        except ClientFailure as failure:
            self.broken = Broken(failure.clause, len(self.made) - 1, failure.explanation, errors=tuple(failure.errors))
            return None
        return self.weigh(name, request, result)

    def add(self, name: str, request: Any, refs: Mapping[str, int]) -> None:
        """Note a step that has answered nothing yet."""
        self.made.append((name, request, refs))
        self.values.append(None)
        self.results.append(None)

    def weigh(self, name: str, request: Any, result: Any) -> Any:
        """Judge a result that was given to the last step."""
        operation = self.judge.operations[name]
        self.results[-1] = result
        if type(result) is Unsupported:
            self.count_unsupported(result.reason)
            return None
        asked, said = self.inward(request), self.inward(result)
        answered = self.machine.completed(self.judge.state, asked, said, self.session.capabilities)
        verdict = self.judge.judge(operation, asked, answered)
        self.judged += 1
        if verdict is not None and not self.tolerance.forgives(verdict.clause, self.judge.state, asked, answered):
            self.fail(verdict.clause, describe(request, result, self.outward(verdict.chosen)), result)
            return None
        self.tolerance.note(asked, answered)
        if self.body is not None:
            self.compare()
        self.values[-1] = main_value(operation, result)
        return result

    def inward(self, record: Any) -> Any:
        """Return a request or result of the client, in the law's numbers."""
        return record if self.view is None else self.view.inward(record)

    def outward(self, record: Any) -> Any:
        """Return a request, a result or the state of the law, in the client's numbers."""
        return record if self.view is None else self.view.outward(record)

    def compare(self) -> None:
        """Hold the implementation's state against the law's where the law's has just changed."""
        if self.journal:
            keys = set(self.journal)
            self.journal.clear()
            difference = self.machine.lockstep.differs(self.judge.state, self.judge.policy, self.body, keys)
            if difference is not None:
                self.fail(self.machine.component.choice, difference)

    def finish(self) -> Outcome:
        """Recount, and return what came of it."""
        if self.broken is None and self.body is not None:
            difference = self.machine.lockstep.recount(self.judge.state, self.judge.policy, self.body)
            if difference is not None:
                self.fail(self.machine.component.choice, f"recount after the last step: {difference}")
        if self.broken is None and self.machine.small(self.judge.state):
            found = broken_invariant(self.machine.component, self.judge.profile, self.judge.state, self.judge.policy)
            if found is not None:
                self.fail(found[0], f"the law's own state breaks it at {found[1]:#x}")
        return Outcome(
            self.machine.name,
            self.config,
            tuple(self.made),
            self.judged,
            tuple(self.values),
            self.outward(self.judge.state),
            self.broken,
            unsupported=self.unsupported,
            unasked=frozenset(self.unasked),
            results=tuple(self.results),
        )

    def fail(self, clause: Clause, explanation: str, observed: Any = None) -> None:
        """Record the first thing that was broken."""
        if self.broken is None:
            self.broken = Broken(clause.id, len(self.made) - 1, explanation, observed)

    def unpromised(self, name: str, request: Any) -> str | None:
        """Return why the client must not be asked this: what it has not promised; None if it may be."""
        promised, needed = self.session.capabilities, self.machine.requires.get(name)
        if needed is not None and not promised[needed]:
            return f"{name} needs the capability {needed}"
        phrase = self.machine.unpromised(self.judge.state, self.inward(request), promised)
        return None if phrase is None else f"the client has not promised to serve {phrase}"

    def pass_over(self, name: str, written: Any, reason: str | None = None) -> None:
        """Note a step that the client is not asked; with a reason it counts as one that was not carried out."""
        self.add(name, written, {})
        if reason is not None:
            self.unasked.add(len(self.made) - 1)
            self.count_unsupported(reason)

    def count_unsupported(self, reason: str) -> None:
        """Count the last step as one that was not carried out."""
        self.not_done.add(len(self.made) - 1)
        self.unsupported[reason] = self.unsupported.get(reason, 0) + 1


def describe(request: Any, result: Any, chosen: Any) -> str:
    """Say what was answered, and what the kernel of the profile would have."""
    text = f"{shown(request)} was answered {shown(result)}"
    return text if chosen is None or chosen == result else f"{text}; Linux answers {shown(chosen)}"


def shown(record: Any) -> str:
    """Return a record as text, its words as the protocol writes them."""
    if isinstance(record, Error):
        return record.name
    hints = get_type_hints(type(record), include_extras=True)
    fields = [
        f"{field.name}={_shown_field(value, hints[field.name])}"
        for field in attrs.fields(type(record))
        if (value := getattr(record, field.name)) is not None and value != field.default
    ]
    return f"{type(record).__name__}({', '.join(fields)})"


def _shown_field(value: Any, hint: Any) -> str:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    word = next((word for option in options if (word := word_of(option)) is not None), None)
    if isinstance(value, Ref | bool):
        return str(value)
    if word is not None:
        return word.names[value] if word.names else hex(value) if word.hexadecimal else str(value)
    if attrs.has(type(value)):
        return shown(value)
    items = next((get_args(option) for option in options if get_origin(option) is tuple), ())
    if not isinstance(value, tuple) or len(items) != 2 or items[1] is not Ellipsis:
        return str(value)
    return f"[{', '.join(_shown_field(item, items[0]) for item in value)}]"


def start(machine: Machine, session: Session, profile: Profile, config: Any) -> Run | Outcome:
    """Reset the session with a configuration; an Outcome if it does not take it or breaks at once."""
    try:
        refused = session.reset(config)
    except ClientFailure as failure:
        return Outcome(
            machine.name,
            config,
            (),
            broken=Broken(failure.clause, -1, f"at reset: {failure.explanation}", errors=tuple(failure.errors)),
        )
    if refused is not None:
        return Outcome(machine.name, config, (), refused=refused.reason)
    return Run(machine, session, profile, config)


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the cycle collector away for one program.

    Everything that a program makes is frozen and lives on in the law's maps, so that a collector would walk it again and again
    and find nothing. Between programs it comes by as ever.
    """
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


@uncollected()
def explore(machine: Machine, session: Session, profile: Profile, data: bytes, config: Any = None) -> Outcome:
    """Carry out the program that bytes describe, on a configuration that they draw unless one is given."""
    header = data[:HEADER]
    config = machine.draw(header, session.capabilities) if config is None else config
    run = start(machine, session, profile, config)
    if isinstance(run, Outcome):
        return run
    generator = machine.generator(header, run.law_config, session.capabilities)
    for record in records(data):
        made = generator.request(record, run.judge.state)
        if made is None:
            continue
        name, request, refs = made
        result = run.carry_out(name, run.outward(request), refs)
        if run.broken is not None:
            break
        if result is not None:
            generator.note(len(run.made) - 1, name, request, run.inward(result))
    return run.finish()


def start_recorded(machine: Machine, session: Session, profile: Profile, config: Any) -> Run | Outcome:
    """Reset the session with a configuration that was not drawn for it; it is not asked for more than it takes."""
    phrase = machine.too_much(config, session.capabilities)
    if phrase is not None:
        return Outcome(machine.name, config, (), refused=f"the client does not take {phrase}")
    return start(machine, session, profile, config)


@uncollected()
def rerun(machine: Machine, session: Session, profile: Profile, program: Program) -> Outcome:
    """Carry out a recorded program. Steps that refer to one without a value, or ask what was not promised, are left out.

    What is left out counts as not carried out, unless it refers to a step that was, and answered with an error.
    """
    run = start_recorded(machine, session, profile, program.config)
    if isinstance(run, Outcome):
        return run
    for name, written in program.steps:
        request = resolved(written, run.values.__getitem__)
        if request is None:
            left_out = run.not_done.intersection(refs_of(written).values())
            run.pass_over(name, written, f"{name} refers to a step that was not carried out" if left_out else None)
            continue
        reason = run.unpromised(name, request)
        if reason is not None:
            run.pass_over(name, written, reason)
            continue
        run.carry_out(name, request, refs_of(written))
        if run.broken is not None:
            break
    return run.finish()


BATCH = 200
"""Most operations in one batch: their requests fit in a line."""


def rerun_batched(machine: Machine, session: Session, profile: Profile, program: Program) -> Outcome:
    """Carry out a recorded program in batches: a reference within a batch is left for the client to resolve."""
    looking = {i for i, (name, _) in enumerate(program.steps) if machine.component.operation(name).observes}
    program = program.without(looking)
    run = start_recorded(machine, session, profile, program.config)
    if isinstance(run, Outcome):
        return run
    for first in range(0, len(program.steps), BATCH):
        weigh_batch(run, program.steps[first : first + BATCH])
        if run.broken is not None:
            break
    return run.finish()


def with_dangling(machine: Machine, outcome: Outcome) -> Program | None:
    """Return the program up to the first step that gave no value although it might have, and a step that refers to it; or None.

    The client must answer that step of a batch with EREF, and carry nothing out.
    """
    program = outcome.program
    main = {operation.name for operation in machine.component.operations if operation.main is not None}
    at = next((i for i, (name, _) in enumerate(program.steps) if name in main and outcome.values[i] is None), None)
    template = next(((name, request) for name, request in program.steps if refs_of(request)), None)
    if at is None or template is None:
        return None
    name, request = template
    dangling = attrs.evolve(request, **{field: Ref(at) for field in refs_of(request)})
    return attrs.evolve(program, steps=(*program.steps[: at + 1], (name, dangling)))


def weigh_batch(run: Run, steps: Sequence[Step]) -> None:
    """Send the next steps as one batch and judge its replies."""
    first = len(run.made)
    sent: dict[int, tuple[Operation, Any]] = {}
    places: dict[int, int] = {}
    for index, (name, written) in enumerate(steps, start=first):
        request = batch_request(written, places, run.values)
        if request is not None:
            places[index] = len(sent)
            sent[index] = (run.judge.operations[name], request)
    try:
        results = dict(zip(sent, run.session.batch(list(sent.values())), strict=True))
    except ClientFailure as failure:
        run.broken = Broken(failure.clause, len(run.made), f"in a batch: {failure.explanation}", errors=tuple(failure.errors))
        return
    for index, (name, written) in enumerate(steps, start=first):
        run.add(name, written, {})
        request = resolved(written, run.values.__getitem__)
        if request is not None:
            run.weigh(name, request, results[index])
        elif results.get(index, Error(EREF)) != Error(EREF):
            run.broken = Broken(RUBBISH, index, f"an operation whose reference names an error must be answered {EREF}")
        if run.broken is not None:
            return


def batch_request(written: Any, places: Mapping[int, int], values: Sequence[Any]) -> Any | None:
    """Return a request whose references count within the batch, or hold the value of an earlier batch; None if that has none."""
    changes: dict[str, Any] = {}
    for field, step in refs_of(written).items():
        if step in places:
            changes[field] = Ref(places[step])
        elif step < len(values) and values[step] is not None:
            changes[field] = values[step]
        else:
            return None
    return attrs.evolve(written, **changes)
