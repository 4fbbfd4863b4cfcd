"""SMT-LIB: the form in which other solvers read a question, and those solvers.

cvc5 and Bitwuzla come with the extra ``prove``. Bitwuzla is asked where Z3 does not come to an end quickly (it was measured to
be some ten times faster where instances pile up); both give a second opinion on what was decided.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

from mmproofs import smt as z

LOGIC = "QF_UFBV"


def installed(name: str) -> bool:
    """Tell whether a second solver is there."""
    return importlib.util.find_spec(name) is not None


def version(name: str) -> str:
    """Return a solver's version."""
    return z.VERSION if name == "z3" else importlib.metadata.version(name)


def text_of(solver: z.Solver) -> str:
    """Return a solver's question as SMT-LIB."""
    body = "\n".join(line for line in solver.text().splitlines() if not line.startswith(("(check-sat", "; ", "(set-info")))
    return f"(set-logic {LOGIC})\n{_standard(body)}\n(check-sat)\n"


def _standard(text: str) -> str:
    """Return what Z3 printed in the standard's words: it says ``bvurem_i`` where it has shown that the divisor is not 0."""
    for name in ("bvurem", "bvudiv"):
        text = text.replace(f"({name}_i ", f"({name} ")
    return text


def bitwuzla(text: str, seconds: float) -> z.Answer:
    """Ask Bitwuzla."""
    return bitwuzla_values(text, (), seconds)[0]


def bitwuzla_values(text: str, terms: Sequence[z.Bits | z.Truth], seconds: float) -> tuple[z.Answer, list[int | bool | None]]:
    """Ask Bitwuzla, and for the values of terms in its model, if it has one (None: the term names what the text does not)."""
    api: Any = importlib.import_module("bitwuzla")
    options = api.Options()
    options.set(api.Option.TIME_LIMIT_PER, max(1, int(seconds * 1000)))
    options.set(api.Option.PRODUCE_MODELS, bool(terms))
    parser = api.Parser(api.TermManager(), options)
    try:
        parser.parse(text.replace("(check-sat)", ""), True, False)
    except api.BitwuzlaException:
        return z.Answer.UNKNOWN, []
    answer = {"sat": z.Answer.SAT, "unsat": z.Answer.UNSAT}.get(str(parser.bitwuzla().check_sat()), z.Answer.UNKNOWN)

    def value(term: z.Bits | z.Truth) -> int | bool | None:
        try:
            found = parser.bitwuzla().get_value(parser.parse_term(_standard(z.text_of(term))))
        except api.BitwuzlaException:
            return None
        return found.is_true() if found.sort().is_bool() else int(found.value(10))

    return answer, [value(term) for term in terms] if answer is z.Answer.SAT else []


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


SECOND: dict[str, Callable[[str, float], z.Answer]] = {"bitwuzla": bitwuzla, "cvc5": cvc5}
"""The solvers that can be asked besides Z3."""
