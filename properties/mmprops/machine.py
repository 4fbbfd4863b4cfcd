"""The record by which everything that checks reaches one component: what only checking needs, beside the law's own record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import attrs

from mmprops.picture import Picture
from mmprops.traces.archive import Capture
from mmprops.traces.replay import Replay
from mmspec.clause import Clause
from mmspec.component import Component


@attrs.frozen
class Capability:
    """What a client may promise: the value it has when it is not named, and what it means.

    ``opens`` tells whether more is asked of a client that promises it: without it, that is left untested. ``ours`` is what our
    own implementation and the law's choices promise; None: whatever opens more, and the default of the rest.
    """

    default: Any
    meaning: str
    opens: bool = False
    choices: tuple[str, ...] = ()
    least: int = 0
    ours: Any = None

    def misfit(self, value: Any) -> str | None:
        """Return what a value must be instead, or None if it is one."""
        if self.choices:
            return None if value in self.choices else "one of " + ", ".join(self.choices)
        if isinstance(self.default, bool):
            return None if isinstance(value, bool) else "true or false"
        if isinstance(self.default, int):
            fits = isinstance(value, int) and not isinstance(value, bool) and value >= self.least
            return None if fits else f"a number, at least {self.least}"
        return None if isinstance(value, str) and re.fullmatch("0[xX][0-9a-fA-F]+", value) else 'a string "0x..."'


class Generator(Protocol):
    """Turns bytes into operations, looking at the state that the law is in."""

    def request(self, record: bytes, zone: Any) -> tuple[str, Any, Mapping[str, int]] | None:
        """Return an operation's name, its request, and for each field that an earlier result gave the step that gave it.

        None: no operation. The all-zero record is always None, so that zeroing bytes deletes operations.
        """

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Remember what step ``step`` of the program did."""


class Implementation(Protocol):
    """An implementation in this process, made for one configuration."""

    def apply(self, request: Any) -> Any:
        """Carry out a request and return its result record."""


@attrs.frozen
class Lockstep:
    """How the state of our own implementation is held against the law's, beyond results.

    ``watched(policy, journal)`` returns a policy state that writes the keys it changes into the journal;
    ``differs(state, policy, implementation, keys)`` compares at those keys,
    ``recount(state, policy, implementation)`` everything: each returns what differs.
    """

    watched: Callable[[Any, list[Any]], Any]
    differs: Callable[[Any, Any, Any, Iterable[Any]], str | None]
    recount: Callable[[Any, Any, Any], str | None]


class Tolerance(Protocol):
    """What a client of given capabilities is forgiven in one run."""

    def note(self, request: Any, result: Any) -> None:
        """Remember a step that was carried out."""

    def forgives(self, clause: Clause, state: Any, request: Any, result: Any) -> bool:
        """Tell whether the capabilities make a result lawful that breaks ``clause``; such a result changes nothing."""


class View(Protocol):
    """How the numbers of the law and of a client differ in one run: the law's configuration, and the way there and back."""

    @property
    def config(self) -> Any:
        """The law's configuration."""

    def inward(self, record: Any) -> Any:
        """Return a request or result of the client, in the law's numbers."""

    def outward(self, record: Any) -> Any:
        """Return a request, a result or the state of the law, in the client's numbers."""


@attrs.frozen
class Replies:
    """What vectors, which are told nothing that was chosen before, need to know of a machine's answers.

    ``possible(state, request)`` yields every result that the law may let through, each once, and may yield more; of an
    operation that only looks two are enough. ``block(request)`` gives the order of the block that a request is answered with
    (None: it is answered with none): such results are all the free aligned blocks of that order, and no others.
    ``limits`` are capabilities that keep the vectors' configurations small, taken in turn. ``programs``, each a configuration
    and its steps, are what chance seldom meets. ``usual`` says of a file how many of the first drawn programs are taken whatever
    they meet, where it is not as many as usual; a machine of which no kernel chooses anything has no files of ``kernels``.
    """

    possible: Callable[[Any, Any], Iterable[Any]]
    block: Callable[[Any], int | None]
    limits: tuple[Mapping[str, Any], ...]
    programs: tuple[tuple[Any, tuple[tuple[str, Any], ...]], ...] = ()
    usual: Mapping[str, int] = attrs.field(factory=dict)
    kernels: bool = True


FEWER: Mapping[str, int] = {"any.jsonl": 40, "linux-6.12.jsonl": 10, "linux-6.1.jsonl": 5}
"""``usual`` of a machine whose steps are long."""


@attrs.frozen
class Machine:
    """One machine under test.

    ``draw(header, capabilities)`` turns ``HEADER`` bytes into a configuration that the capabilities allow (raising nothing);
    ``generator(header, config, capabilities)`` makes operations for it. ``requires`` names the capability without which an
    operation is not asked; ``sent(capabilities)`` which fields of the configuration and of each request a client is sent
    (ValueError: the capabilities contradict each other).
    ``simpler(config)`` yields simpler configurations to try a program on. What was not drawn for a client (a stored program, one
    that is being shrunk) is asked of it only where its capabilities allow it: ``too_much(config, capabilities)`` and
    ``unpromised(state, request, capabilities)`` say in a phrase what they do not allow (None: they do).
    ``completed(state, request, result, capabilities)`` fills in what a client of these capabilities need not say of a result.
    ``tolerance(config, capabilities)`` knows
    what they excuse; ``view(config, capabilities)`` where such a client counts from (None: from where the law does);
    ``weakening`` names the capabilities whose use a verdict must mention.
    ``small(state)`` tells whether every invariant can be asked again after each program. ``picture(state, policy)`` says
    what a picture of a state shows (policy None: the state alone). ``replay`` holds, by level, what follows a capture of a
    real kernel with an engine (one of ``ENGINES``). Without ``replies`` a machine has no vectors.
    """

    component: Component
    implementation: Callable[[Any, str], Implementation]
    capabilities: Mapping[str, Capability]
    requires: Mapping[str, str]
    draw: Callable[[bytes, Mapping[str, Any]], Any]
    generator: Callable[[bytes, Any, Mapping[str, Any]], Generator]
    sent: Callable[[Mapping[str, Any]], Mapping[str, tuple[str, ...]]]
    simpler: Callable[[Any], Iterable[Any]]
    tolerance: Callable[[Any, Mapping[str, Any]], Tolerance]
    weakening: tuple[str, ...]
    lockstep: Lockstep
    small: Callable[[Any], bool]
    picture: Callable[[Any, Any], Picture]
    view: Callable[[Any, Mapping[str, Any]], View | None] = lambda config, capabilities: None
    too_much: Callable[[Any, Mapping[str, Any]], str | None] = lambda config, capabilities: None
    unpromised: Callable[[Any, Any, Mapping[str, Any]], str | None] = lambda state, request, capabilities: None
    completed: Callable[[Any, Any, Any, Mapping[str, Any]], Any] = lambda state, request, result, capabilities: result
    replay: Mapping[str, Callable[[Capture, str], Replay]] = attrs.field(factory=dict)
    replies: Replies | None = None

    @property
    def name(self) -> str:
        """The component's name."""
        return self.component.name

    @property
    def own_capabilities(self) -> dict[str, Any]:
        """What our own implementation and the law's choices promise."""
        capabilities = self.capabilities.items()
        return {name: (c.opens or c.default) if c.ours is None else c.ours for name, c in capabilities}

    def capable(self, named: Mapping[str, Any]) -> dict[str, Any]:
        """Return every capability's value: the one that was named, else its default (ValueError: it is not what it must be)."""
        for name, value in named.items():
            wanted = self.capabilities[name].misfit(value) if name in self.capabilities else None
            if wanted is not None:
                raise ValueError(f"{name} must be {wanted}")
        return {name: named.get(name, capability.default) for name, capability in self.capabilities.items()}


HEADER = 16
"""Bytes of a program that decide its configuration and weights."""

ENGINES = ("spec", "impl")
"""What can follow a capture: the law, or our implementation."""

RECORD = 8
"""Bytes of a program that decide one operation."""
