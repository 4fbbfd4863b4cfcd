"""What the harness sees of an implementation under test, and the ways in which one can fail to be one.

A client answers in the protocol's JSON values (INTERFACES.md, section 1); ``wire`` turns records into those and back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import attrs

from mmspec.errors import MmspecError

PROTOCOL = 1
"""The protocol that this harness speaks."""

HANG, DIED, RUBBISH, FLOOD, RANGE = (f"CLIENT-{what}" for what in ("HANG", "DIED", "RUBBISH", "FLOOD", "RANGE"))
"""The clauses that a client breaks when it gives no answer that could be judged, once it has said a good hello."""


@attrs.frozen
class Limits:
    """How long, in seconds, and how much, in bytes, the harness takes from a client."""

    hello: float = 10.0
    reply: float = 5.0
    bye: float = 2.0
    line: int = 1 << 20  # the longest line without its newline
    errors: int = 1 << 13  # how much of the end of standard error is kept


@attrs.frozen
class Hello:
    """How a client introduced itself. ``capabilities`` holds what it named, as it named it."""

    protocol: int
    name: str
    machines: tuple[str, ...]
    capabilities: Mapping[str, Any]


class Client(Protocol):
    """An implementation under test. Every method may raise ``ClientFailure``, ``hello`` also ``ClientError``."""

    def hello(self) -> Hello:
        """Return the client's introduction. Asked once, before anything else."""

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to a reset: the machine begins again from nothing."""

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to one operation."""

    def batch(self, ops: Sequence[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        """Return one reply for each operation; ``{"ref": k}`` in the arguments is the main value of reply k of this batch.

        Only where the client has the capability ``batch``. The request must fit in a line of ``wire.MAX_REQUEST`` bytes and
        the replies in one of ``Limits.line``: give a long answer, such as a list of blocks, a batch of its own.
        """

    def close(self) -> None:
        """End the client and whatever it started. May be called twice, and never raises ``ClientFailure``."""


class ClientError(MmspecError):
    """There is no client to judge: it cannot be started, or its hello is not a good one. Verdict ``error``.

    ``hint`` says how it would be right; ``errors`` are the last lines of the client's standard error.
    """

    def __init__(self, explanation: str, *, hint: str = "", errors: Sequence[str] = ()) -> None:
        super().__init__(explanation)
        self.explanation, self.hint, self.errors = explanation, hint, tuple(errors)


class ClientFailure(MmspecError):
    """The client broke the protocol after a good hello. Verdict ``fail``, with the clause.

    ``explanation`` says what it did (``what``) and the usual causes (``hint``); ``errors`` as above.
    """

    def __init__(self, clause: str, what: str, *, hint: str = "", errors: Sequence[str] = ()) -> None:
        self.explanation = f"{what}; {hint}" if hint else what
        super().__init__(self.explanation)
        self.clause, self.what, self.hint, self.errors = clause, what, hint, tuple(errors)


class Rubbish(ClientFailure):
    """A reply that is none: not what the operation lists (``CLIENT-RUBBISH``), or out of its word's range (``CLIENT-RANGE``)."""
