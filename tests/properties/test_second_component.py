"""A second component plugs in without a line in a generic file.

The component is a sketch, a pool of numbered tickets, with all that a real one has: law, implementation, machine, wire, wrong
clients. Whatever generic module knew the buddy allocator would stumble over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, ClassVar

import attrs
import pytest

from mmproofs import matrix, solve
from mmprops import failure, vectors
from mmprops.clients import wire
from mmprops.clients.registry import opener
from mmprops.conform import InProcess, judge_session, session_for
from mmprops.machine import Capability, Lockstep, Machine, Replies
from mmprops.machines import MACHINES
from mmprops.picture import Picture, Strip
from mmspec.clause import Clause, rule
from mmspec.component import Component, Invariant, Operation
from mmspec.errors import DONE, EINVAL, Done, Error, InputError, refused
from mmspec.pmap import PMap, pmap
from mmspec.profile import Profile
from mmspec.registry import Registry
from mmspec.words import Count
from mmspec_cli.commands.list import clients_of

verify = import_module("mmspec_cli.commands.verify")  # its package has the command under this name

UNHELD = Clause("TICKET-1", "A ticket is handed to one holder at a time", "this test")
HELD = Clause("TICKET-2", "Only a ticket that is held is given back", "this test")
LEAST = Clause("TICKET-3", "The least ticket is handed out", "this test", of_policy=True)
COUNTED = Clause("TICKET-4", "No ticket lies beyond the pool", "this test")


@attrs.frozen
class Config:
    """A pool of ``size`` tickets."""

    size: Count


@attrs.frozen
class Draw:
    """Take a ticket."""


@attrs.frozen
class Ticket:
    """The ticket that was taken."""

    failed: ClassVar[bool] = False
    number: Count


@attrs.frozen
class Return:
    """Give a ticket back."""

    number: Count


@attrs.frozen
class Pool:
    """The tickets that are held."""

    size: Count
    held: PMap[Count, bool]


def draw_allowed(pool: Pool, op: Draw, result: Any) -> Clause | None:
    """Name the clause that a drawn ticket breaks."""
    rule(UNHELD)
    if result.failed:
        return None if all(number in pool.held for number in range(pool.size)) else UNHELD
    return UNHELD if result.number in pool.held else None


def draw_apply(pool: Pool, op: Draw, result: Any) -> Pool:
    """Hold the ticket."""
    return pool if result.failed else attrs.evolve(pool, held=pool.held.set(result.number, True))


def draw_choose(pool: Pool, policy: None, op: Draw) -> tuple[Any, None]:
    """Choose the least ticket."""
    rule(LEAST)
    free = [number for number in range(pool.size) if number not in pool.held]
    return (Ticket(free[0]) if free else Error("ENOENT")), None


def return_allowed(pool: Pool, op: Return, result: Any) -> Clause | None:
    """Name the clause that an answer to a return breaks."""
    rule(HELD)
    return None if refused(result, "EINVAL") is not (op.number in pool.held) else HELD


def return_apply(pool: Pool, op: Return, result: Any) -> Pool:
    """Release the ticket."""
    return pool if result.failed else attrs.evolve(pool, held=pool.held.delete(op.number))


def return_choose(pool: Pool, policy: None, op: Return) -> tuple[Done | Error, None]:
    """Answer a return."""
    return (DONE if op.number in pool.held else EINVAL), None


def inside(pool: Pool, policy: None, number: int) -> bool:
    """A held ticket is one of the pool's."""
    return number < pool.size


TICKETS = Component(
    name="tickets",
    config=Config,
    state=Pool,
    policy=type(None),
    initial=lambda config: Pool(config.size, pmap()),
    initial_policy=lambda config, kernel: None,
    operations=(
        Operation("draw", Draw, Ticket, ("ENOENT",), draw_allowed, draw_apply, draw_choose, main="number"),
        Operation("return", Return, Done, ("EINVAL",), return_allowed, return_apply, return_choose),
    ),
    invariants=(Invariant(COUNTED, inside, lambda pool, policy: (number for number, _ in pool.held.items())),),
    clauses=(UNHELD, HELD, LEAST, COUNTED),
    choice=LEAST,
)


class Generator:
    """Draws, and returns what was drawn."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.live: list[tuple[int, int]] = []

    def request(self, record: bytes, pool: Pool) -> tuple[str, Any, Mapping[str, int]] | None:
        """Return the operation of a record."""
        if not any(record):
            return None
        if record[0] % 2 and self.live:
            number, step = self.live.pop()
            return "return", Return(number), {"number": step}
        return "draw", Draw(), {}

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Remember a ticket."""
        if name == "draw" and not result.failed:
            self.live.append((result.number, step))


class Tickets:
    """A right implementation."""

    def __init__(self, config: Config, kernel: str = "") -> None:
        self.free, self.size = sorted(range(config.size)), config.size

    def apply(self, request: Any) -> Any:
        """Answer a request."""
        if isinstance(request, Draw):
            return Ticket(self.free.pop(0)) if self.free else Error("ENOENT")
        if request.number in self.free or request.number >= self.size:
            return EINVAL
        self.free = sorted([*self.free, request.number])
        return DONE


class Newest(Tickets):
    """Lawful, but not what the policy chooses once something came back."""

    def apply(self, request: Any) -> Any:
        """Hand out the greatest."""
        return Ticket(self.free.pop()) if isinstance(request, Draw) and self.free else super().apply(request)


class Sticky(Tickets):
    """Keeps a returned ticket on its list although it was handed out again: wrong at the third draw."""

    def apply(self, request: Any) -> Any:
        """Forget to take the least ticket off."""
        if isinstance(request, Draw) and self.free and len(self.free) == self.size - 2:
            return Ticket(self.free[0])
        return super().apply(request)


class OverTheWire:
    """The right implementation as a client."""

    def hello(self) -> dict[str, Any]:
        """Introduce itself."""
        return {"protocol": 1, "name": "tickets", "machines": ["tickets"]}

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        """Begin again."""
        self.body = Tickets(Config(config["size"]))
        return {"ok": True}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Answer in the protocol's values."""
        result = self.body.apply(Draw() if op == "draw" else Return(args["number"]))
        return {"error": result.name} if result.failed else {"result": wire.to_wire(result)}

    def close(self) -> None:
        """Nothing to end."""


def held(pool: Pool) -> Strip:
    """Draw the tickets that are held."""
    return Strip("held", tuple((number, 1) for number, _ in sorted(pool.held.items())))


MACHINE = Machine(
    component=TICKETS,
    implementation=Tickets,
    capabilities={"observe": Capability(False, "", opens=True)},
    requires={},
    draw=lambda header, capabilities: Config(2 + header[0] % 4),
    generator=Generator,
    sent=lambda capabilities: {"reset": ("size",)},
    simpler=lambda config: iter([Config(2)] if config.size > 2 else []),
    tolerance=lambda config, capabilities: Unforgiving(),
    weakening=(),
    lockstep=Lockstep(lambda policy, journal: policy, lambda *_: None, lambda *_: None),
    small=lambda pool: True,
    picture=lambda pool, policy: Picture("ticket", "count", 0, pool.size, (held(pool),)),
)


class Unforgiving:
    """Excuses nothing."""

    def note(self, request: Any, result: Any) -> None:
        """Nothing to remember."""

    def forgives(self, clause: Clause, state: Any, request: Any, result: Any) -> bool:
        """Never."""
        return False


def judged(make: type, profile: Profile) -> Any:
    """Judge an implementation of the sketch."""
    session = InProcess("it", make, "6.12", MACHINE.capable({}), open=False)
    return judge_session(MACHINE, session, profile, ops=2_000, seed=0)


def test_a_right_one_passes() -> None:
    """Reaching every clause, the invariants' among them."""
    run = judged(Tickets, Profile.KERNEL_6_12)
    assert (run.verdict, run.clauses_reached) == ("pass", ("TICKET-1", "TICKET-2", "TICKET-3", "TICKET-4"))
    assert run.not_tested == ("observe",)


def test_policy_is_judged_under_a_kernel_profile_only() -> None:
    """Another lawful choice is right under any."""
    assert judged(Newest, Profile.ANY).verdict == "pass"
    assert judged(Newest, Profile.KERNEL_6_12).violation.broken.clause == "TICKET-3"


def test_a_wrong_one_comes_back_small() -> None:
    """Four draws from three tickets: the third is handed out twice, and a pool of two cannot show it."""
    run = judged(Sticky, Profile.ANY)
    assert run.violation.broken.clause == "TICKET-1"
    assert [name for name, _ in run.violation.program.steps] == ["draw"] * 4
    assert run.violation.program.config == Config(3)


def test_it_speaks_the_protocol() -> None:
    """As a client, with records turned into JSON by their words alone."""
    session = session_for(MACHINE, opener(OverTheWire))
    assert judge_session(MACHINE, session, Profile.ANY, ops=1_000, seed=1).verdict == "pass"


def test_its_programs_are_written() -> None:
    """As the protocol's operations."""
    program = judged(Sticky, Profile.ANY).violation.program
    assert failure.program_json(program)[0] == ["draw", {}]


@pytest.mark.parametrize("profile", list(Profile))
def test_a_profile_holds_to_what_is_in_force(profile: Profile) -> None:
    """A clause of policy binds the kernel profiles."""
    assert profile.holds_to(LEAST) is (profile is not Profile.ANY)


def test_verify_checks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the first, with the examples and clients that it has: none."""
    monkeypatch.setattr(verify, "MACHINES", (*MACHINES, MACHINE))
    names = [step.name for step in verify.steps()]
    assert [name for name in names if "tickets" in name] == ["check tickets kernel-6.12", "check tickets kernel-6.1"]
    assert {"check buddy kernel-6.12", "conform buddy example c", "conform buddy gpu-buddy"} <= set(names)


def test_its_row_of_the_matrix_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation without obligations says so once its component is proved something about, and only then."""
    monkeypatch.setattr(matrix, "COMPONENTS", (*matrix.COMPONENTS, TICKETS))
    assert not any(row.startswith("tickets ") for row in matrix.rows([("BUDDY-BITS-HEAD", "PROVED", "")]))
    about = attrs.evolve(next(iter(solve.by_id().values())), id="TICKETS-DRAW-LEAST", operation="draw", invariant="least")
    monkeypatch.setattr(matrix, "by_id", lambda: {about.id: about})
    monkeypatch.setattr(matrix, "component_of", lambda name: "tickets")
    rows = matrix.rows([(about.id, "PROVED", "")])
    assert set(rows) == {"tickets draw", "tickets return"}
    assert rows["tickets return"] == {"core: least": matrix.UNWRITTEN}


def test_a_built_in_client_is_listed_for_its_machine() -> None:
    """The kernel's own allocator is none of this one's."""
    assert "gpu-buddy" in clients_of("buddy")
    assert "gpu-buddy" not in clients_of("tickets")


def anything(pool: Pool, request: Any) -> Iterator[Any]:
    """Yield every answer that a request may get."""
    yield from map(Error, ("ENOENT",) if isinstance(request, Draw) else ("EINVAL",))
    yield from map(Ticket, range(pool.size)) if isinstance(request, Draw) else [DONE]


def test_its_vectors_are_made_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not the least ticket that must be handed out, all that is sure is that tickets run out and come back."""
    machine = attrs.evolve(MACHINE, replies=Replies(anything, lambda request: 0 if isinstance(request, Draw) else None, ({},)))
    monkeypatch.setattr("mmprops.machines.MACHINES", Registry({**MACHINES.places, machine.name: machine}))
    files = vectors.generate(machine)
    assert set(files) == {"any.jsonl", "linux-6.12.jsonl", "linux-6.1.jsonl"}
    sure, kernels = {"TICKET-1", "TICKET-2"}, {"TICKET-1", "TICKET-2", "TICKET-3"}
    met = [{clause for vector in of_file for clause in vector.clauses} for of_file in files.values()]
    assert met == [sure, kernels, kernels]
    for vector in (vector for of_file in files.values() for vector in of_file):
        assert vectors.vector_of(vectors.line_of(vector)) == vector


def test_a_machine_that_says_nothing_of_its_replies_has_no_vectors() -> None:
    """And that is what is said."""
    with pytest.raises(InputError, match="machine tickets has no vectors"):
        vectors.generate(MACHINE)
