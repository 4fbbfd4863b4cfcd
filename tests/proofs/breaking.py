"""Wrong versions of what is proved: the same obligation, asked of what breaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Obligation, Verdict
from mmproofs.obligations import by_id
from mmproofs.prove_case import decide
from mmproofs.question import Outcome


def asked(of: str | Obligation, case: dict[str, int] | None = None, **changed: Any) -> Outcome:
    """Decide one ``case`` of an obligation, or of the listed one of this id, with other fields such as a wrong ``subject``."""
    obligation = by_id()[of] if isinstance(of, str) else of
    return decide(attrs.evolve(obligation, **changed), case or {})


def refuted(of: str | Obligation, case: dict[str, int] | None = None, **changed: Any) -> None:
    """The obligation is REFUTED, and the wrong function itself was run on the counterexample, and failed."""
    outcome = asked(of, case, **changed)
    assert outcome.verdict is Verdict.REFUTED, outcome.reason
    assert "replayed" in outcome.reason, outcome.reason
    assert outcome.counterexample, outcome.reason


def not_proved(of: str | Obligation, says: str = "goal at", case: dict[str, int] | None = None, **changed: Any) -> None:
    """The obligation fails, for what it first ``says``: the state of a counterexample may be none that a whole run reaches."""
    outcome = asked(of, case, **changed)
    assert outcome.verdict in (Verdict.REFUTED, Verdict.UNKNOWN), outcome.reason
    assert outcome.reason.startswith(says), outcome.reason


def stepping(invariant: LoopInvariant, step: Callable[..., Any]) -> LoopInvariant:
    """Return a loop's invariant, said of the loop with a wrong step."""
    return attrs.evolve(invariant, loop=attrs.evolve(invariant.loop, step=step))
