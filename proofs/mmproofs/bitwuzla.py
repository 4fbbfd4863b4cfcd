"""Bitwuzla, asked a question that grows: where Z3 does not come to an end quickly it is some ten times faster.

It comes with the extra ``prove``. What it learned from the shorter question it keeps for the longer one. The same question takes
it seconds or hours, by the luck of its search: so it has two ways to go at it, by turns, each time for longer.
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Sequence
from typing import Any

from mmproofs import smt as z

RAW = ("PP_NORMALIZE", "PP_EMBEDDED_CONSTR", "PP_SKELETON_PREPROC")
"""Passes before the search that one of the ways leaves out: it is a fifth quicker on average, and now and then stands still."""

WAYS: tuple[tuple[tuple[str, ...], float], ...] = ((RAW, 1.0), ((), 0.5))
"""What is left out, and the seconds of the first turn; each next one is four times as long."""

_DECLARED = re.compile(r"^\(declare-fun (\|[^|]*\||\S+)", re.MULTILINE)
_ASKS = ("(check-sat", "(set-", "; ")


class Growing:
    """One question, and what Bitwuzla knows about it."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self._ways: list[_Way] = []
        self._answered: _Way | None = None

    def tell(self, text: str) -> None:
        """Demand more: SMT-LIB that declares what it names."""
        self._told.append(text)

    def check(self, seconds: float) -> z.Answer:
        """Decide all that was told (UNKNOWN: not within the time, or in words that Bitwuzla does not know)."""
        until, longer = time.monotonic() + seconds, 1
        while time.monotonic() < until:
            for number, (left_out, turn) in enumerate(WAYS):
                if number == len(self._ways):
                    self._ways.append(_Way(left_out))
                self._answered = self._ways[number]
                answer = self._answered.check(self._told, min(time.monotonic() + turn * longer, until))
                if answer is not z.Answer.UNKNOWN:
                    return answer
            if all(way.lost for way in self._ways):
                break
            longer *= 4
        return z.Answer.UNKNOWN

    def values(self, terms: Sequence[z.Bits | z.Truth]) -> list[int | bool | None]:
        """Return what terms are where the last check was SAT (None: the term names what nothing told does)."""
        return [self._answered.value(term) if self._answered else None for term in terms]


class _Way:
    """One way to go at a question: a solver with options of its own."""

    def __init__(self, left_out: Sequence[str]) -> None:
        api: Any = importlib.import_module("bitwuzla")
        options = api.Options()
        options.set(api.Option.PRODUCE_MODELS, True)
        for name in left_out:
            options.set(getattr(api.Option, name), False)
        self._declared, self._read, self._until = set[str](), 0, 0.0
        self.lost = False
        """Whether it was told what it cannot read."""
        self._refusal = api.BitwuzlaException
        self._parser = api.Parser(api.TermManager(), options)
        self._parser.parse(f"(set-logic {z.LOGIC})", True, False)
        self._solver = self._parser.bitwuzla()
        self._solver.configure_terminator(lambda: time.monotonic() > self._until)

    def check(self, told: Sequence[str], until: float) -> z.Answer:
        self._until = until
        try:
            for text in told[self._read :]:
                self._parser.parse("\n".join(_new(text, self._declared)), True, False)
        except self._refusal:
            self.lost = True
        self._read = len(told)
        if self.lost:
            return z.Answer.UNKNOWN
        return {"sat": z.Answer.SAT, "unsat": z.Answer.UNSAT}.get(str(self._solver.check_sat()), z.Answer.UNKNOWN)

    def value(self, term: z.Bits | z.Truth) -> int | bool | None:
        try:
            found = self._solver.get_value(self._parser.parse_term(z.text_of(term)))
        except self._refusal:
            return None
        return found.is_true() if found.sort().is_bool() else int(found.value(10))


def declared(text: str) -> list[str]:
    """Return the names that SMT-LIB declares, as they are without quotes."""
    return [name.strip("|") for name in _DECLARED.findall(text)]


def _new(text: str, declared: set[str]) -> list[str]:
    """Return a text's lines without what was declared before, which is noted, and without what only asks."""
    found = []
    for line in text.splitlines():
        name = _DECLARED.match(line)
        if line.startswith(_ASKS) or (name is not None and name[1] in declared):
            continue
        if name is not None:
            declared.add(name[1])
        found.append(line)
    return found


def ask(text: str, seconds: float) -> z.Answer:
    """Decide a question by itself."""
    question = Growing()
    question.tell(text)
    return question.check(seconds)
