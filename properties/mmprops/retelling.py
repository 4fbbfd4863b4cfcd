"""A program that was carried out once, told again step by step: what was asked and answered, what the law says, how it looks.

Nothing is run but the law: the replies are those that were recorded, so the client need not be here any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from mmprops import failure, picture
from mmprops.clients import wire
from mmprops.clients.wire import Unsupported
from mmprops.lockstep import Run, shown
from mmprops.machine import Machine
from mmprops.picture import Picture
from mmprops.program import Program, refs_of, resolved
from mmprops.session import InProcess
from mmspec import clause as clauses
from mmspec.profile import Profile
from mmspec.words import words_of

PICTURED = 64
"""Steps that are told, the last ones of a program; a program that was shrunk has fewer."""


@attrs.frozen
class Scene:
    """One step: the request with the values that it was sent (None: it refers to a step that gave none) and the reply.

    ``met`` are the clauses that decided here; ``broken`` is the one that the reply breaks, and ``says`` tells how.
    """

    step: int
    name: str
    request: Any | None
    result: Any | None
    met: tuple[str, ...]
    broken: str | None
    says: str
    before: Picture
    after: Picture


def tell(
    machine: Machine, program: Program, results: Sequence[Any], profile: Profile, capabilities: Mapping[str, Any]
) -> Iterator[Scene]:
    """Yield the scenes of a program up to the first reply that breaks the law; ``results`` are one a step, None where unread."""
    session = InProcess("recorded", None, profile.kernel or "", machine.capable(capabilities), open=False)
    run = Run(machine, session, profile, program.config)

    def look() -> Picture:
        return machine.picture(run.outward(run.judge.state), run.judge.policy if run.view is None else None)

    before = look()
    for step, ((name, written), result) in enumerate(zip(program.steps, results, strict=True)):
        request = resolved(written, run.values.__getitem__)
        run.add(name, written, refs_of(written))
        clauses.reached.clear()
        if request is not None and result is not None:
            run.weigh(name, request, result)
        met = tuple(sorted(clause.id for clause in clauses.reached))
        after = look()
        broken, says = (None, "") if run.broken is None else (run.broken.clause, run.broken.explanation)
        yield Scene(step, name, request, result, met, broken, says, before, after)
        if run.broken is not None:
            return
        before = after


def to_json(scenes: Sequence[Scene]) -> dict[str, Any]:
    """Return the last scenes as a JSON object: ``pictures``, each once, and ``scenes`` that name theirs by number."""
    told = scenes[-PICTURED:]
    number: dict[Picture, int] = {}
    rows = []
    for scene in told:
        before, after = (number.setdefault(which, len(number)) for which in (scene.before, scene.after))
        rows.append(
            {
                "step": scene.step,
                "op": scene.name,
                "asked": f"{scene.name}: not asked" if scene.request is None else shown(scene.request),
                "args": None if scene.request is None else wire.to_wire(scene.request),
                "reply": failure.reply_json(scene.result),
                "answered": answered(scene.result),
                "met": list(scene.met),
                "broken": scene.broken,
                "says": scene.says,
                "before": before,
                "after": after,
                "marks": marks(scene.request, scene.before) + marks(scene.result, scene.before),
            }
        )
    return {"skipped": len(scenes) - len(told), "pictures": [picture.to_json(which) for which in number], "scenes": rows}


def marks(record: Any | None, shown_in: Picture) -> list[int]:
    """Return the places that a request or a result names, counted from the picture's start, as far as it shows them."""
    if record is None or not attrs.has(type(record)):
        return []
    named = [getattr(record, field) for field, word in words_of(type(record)).items() if word.name == shown_in.word]
    return [value - shown_in.start for value in named if shown_in.start <= value < shown_in.end]


def answered(result: Any | None) -> str:
    """Return a reply as text."""
    if result is None:
        return "no reply"
    return f"unsupported: {result.reason}" if isinstance(result, Unsupported) else shown(result)
