"""SMT-LIB: the form in which other solvers read a question, and those that give a second opinion on what was decided."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from typing import Any

from mmproofs import bitwuzla
from mmproofs import smt as z


def installed(name: str) -> bool:
    """Tell whether a second solver is there: they come with the extra ``prove``."""
    return importlib.util.find_spec(name) is not None


def version(name: str) -> str:
    """Return a solver's version."""
    return z.VERSION if name == "z3" else importlib.metadata.version(name)


def question(text: str) -> str:
    """Return what Z3 prints of formulas as a question that any solver reads."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith(("(check-sat", "; ", "(set-info")))
    return f"(set-logic {z.LOGIC})\n{body}\n(check-sat)\n"


def cvc5(text: str, seconds: float) -> z.Answer:
    """Ask cvc5."""
    api: Any = importlib.import_module("cvc5")
    solver = api.Solver(api.TermManager())
    solver.setOption("tlimit-per", str(max(1, int(seconds * 1000))))
    parser = api.InputParser(solver)
    parser.setStringInput(api.InputLanguage.SMT_LIB_2_6, text, "question")
    symbols = parser.getSymbolManager()
    answer = ""
    while not (command := parser.nextCommand()).isNull():
        answer = str(command.invoke(solver, symbols)).strip() or answer
    return {"sat": z.Answer.SAT, "unsat": z.Answer.UNSAT}.get(answer, z.Answer.UNKNOWN)


SECOND: dict[str, Callable[[str, float], z.Answer]] = {"bitwuzla": bitwuzla.ask, "cvc5": cvc5}
"""The solvers that can be asked besides Z3."""
