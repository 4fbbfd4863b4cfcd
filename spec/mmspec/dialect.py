"""The dialect's lint: `python -m mmspec.dialect` names every place where the law leaves the Python that the lifter takes.

Some of what the lifter cannot take it cannot see either: ``isinstance``, ``is`` and ``type`` answer quietly about a symbolic
word, and a proof would be about another program. So the text is read, for the operations' functions and all that they call.
``docs/dialect.md`` lists the rules. Exit status 1: something was found.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from mmspec.loop import Loop

FORBIDDEN_CALLS = {
    "isinstance": "branch on a class constant such as result.failed",
    "issubclass": "branch on a class constant",
    "type": "branch on a class constant",
    "hash": "words are no keys of sets or dicts: use a PMap",
    "id": "a symbolic word has no identity",
    "len": "count in a field of the state",
    "int": "words are integers already",
    "bool": "comparisons are truths already",
    "float": "the law has no fractions",
    "str": "the law builds no text",
    "repr": "the law builds no text",
    "abs": "compare and negate",
    "pow": "write 1 << n",
    "sum": "add in a loop over a range",
    "any": "combine with |",
    "all": "combine with &",
    "sorted": "a step needs no order",
    "set": "use a PMap",
    "dict": "use a PMap",
    "list": "use a tuple or a PMap",
    "getattr": "name the field",
    "setattr": "build a new record",
}
NODES: dict[type[ast.AST], tuple[str, str]] = {
    ast.While: ("a while loop", "write a Loop of head, step and measure: the lifter can cut it"),
    ast.Try: ("try", "the law never raises: say it in a result"),
    ast.Raise: ("raise", "an exception of the law is a defect: say it in a result"),
    ast.Set: ("a set", "use a PMap"),
    ast.Dict: ("a dict", "use a PMap"),
    ast.ListComp: ("a list", "use a loop over a range"),
    ast.SetComp: ("a set", "use a loop over a range"),
    ast.DictComp: ("a dict", "use a loop over a range"),
    ast.GeneratorExp: ("a generator", "use a loop over a range"),
    ast.Yield: ("yield", "return a state"),
    ast.YieldFrom: ("yield", "return a state"),
    ast.JoinedStr: ("text building", "the law builds no text"),
    ast.Lambda: ("a lambda", "name the function: clauses and proofs refer to names"),
    ast.Global: ("global", "pass the value as an argument"),
    ast.Nonlocal: ("nonlocal", "pass the value as an argument"),
    ast.With: ("with", "the law holds no resources"),
    ast.Pow: ("**", "write 1 << n"),
    ast.Div: ("/", "write //"),
    ast.Await: ("await", "an operation that blocks is a state machine as data"),
}


@attrs.frozen
class Finding:
    """One place outside the dialect: where, what, and what to write instead."""

    file: str
    line: int
    function: str
    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.function}: {self.what} is outside the dialect; {self.hint}"


def reachable(roots: Iterable[Callable[..., Any]], packages: tuple[str, ...]) -> list[types.FunctionType]:
    """Return functions and all functions of some packages that they can call by name."""
    found: dict[int, types.FunctionType] = {}
    waiting: list[Any] = list(roots)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Loop):
            waiting.extend((value.head, value.step, value.measure))
        if not isinstance(value, types.FunctionType) or id(value) in found or value.__module__.split(".")[0] not in packages:
            continue
        found[id(value)] = value
        names = value.__code__.co_names
        scope = [value.__globals__.get(name) for name in names]
        modules = [module for module in scope if isinstance(module, types.ModuleType)]
        waiting.extend(scope)
        waiting.extend(getattr(module, name, None) for module in modules for name in names)
    return sorted(found.values(), key=lambda f: (f.__module__, f.__code__.co_firstlineno))


def check(function: types.FunctionType) -> Iterator[Finding]:
    """Yield what is outside the dialect in one function."""
    lines, first = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
    file = "/".join(function.__module__.split(".")) + ".py"
    assert isinstance(tree, ast.FunctionDef)

    def found(node: ast.AST, what: str, hint: str) -> Finding:
        line = first + getattr(node, "lineno", 1) - 1
        return Finding(file, line, function.__name__, what, hint)

    for statement in tree.body:
        for node in ast.walk(statement):
            rule = NODES.get(type(node))
            if rule is not None:
                yield found(node if hasattr(node, "lineno") else statement, *rule)
            yield from (found(node, what, hint) for what, hint in _expression(node, function.__name__))


def _expression(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in FORBIDDEN_CALLS:
            yield f"{node.func.id}()", FORBIDDEN_CALLS[node.func.id]
        if node.func.id == name:
            yield "recursion", "write a Loop of head, step and measure"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("items", "keys", "values"):
        yield f".{node.func.attr}()", "a step never iterates a map: use somewhere(), or a Loop"
    if isinstance(node, ast.Compare) and any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
        yield "is", "compare words with ==, and never test a Clause inside the law"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert) and isinstance(node.operand, ast.Compare):
        yield "~ of a truth", "~True is -2 in Python: write not"


def operations() -> list[Callable[..., Any]]:
    """Return the functions of all operations of the law that are to be lifted, and its pointwise invariants.

    Operations that only look compare whole sets for a reader's sake and are not lifted; recounts are for the interpreter.
    """
    from mmspec.components import COMPONENTS

    roots: list[Callable[..., Any]] = []
    for component in COMPONENTS:
        for operation in component.operations:
            if not operation.observes:
                roots += [operation.allowed, operation.apply, operation.choose]
        roots += [invariant.holds for invariant in component.invariants if not invariant.recount]
    return roots


INTERPRETED = ("mmspec.loop", "mmspec.pmap", "mmspec.clause", "mmspec.component", "mmspec.errors")
"""The modules that the lifter reads in its own way: what runs a loop or looks through a map is replaced, not lifted."""


def findings() -> list[Finding]:
    """Return everything outside the dialect in the law's operations."""
    functions = [f for f in reachable(operations(), ("mmspec",)) if f.__module__ not in INTERPRETED]
    return [finding for function in functions for finding in check(function)]


def main() -> int:
    """Print what was found; return the exit status."""
    found = findings()
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
