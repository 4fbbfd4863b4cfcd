"""Contracts: what stands for a function's text where another function calls it.

At a call the prover claims what the contract requires and goes on with any answer that the contract ensures; that the function
keeps its contract is an obligation of its own, which ``Contract.id`` names.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

from mmproofs import smt as z
from mmproofs.lift.errors import LiftError
from mmproofs.lift.loops import claim_schemas
from mmproofs.lift.maps import SymMap, unknown_word
from mmproofs.lift.predicate import Predicate, arguments_for, function_of, part_of
from mmproofs.lift.records import check_fields, forget_arrays, hints_of, snapshot, unknown
from mmproofs.lift.run import current, helping
from mmproofs.lift.schema import Schema, make_schema
from mmproofs.lift.words import equal, truth_of

READERS = ("mmspec", "mmimpl", "mmproofs")
"""The packages, besides the function's own, in which its name is made to stand for its contract."""


@attrs.frozen(eq=False)
class Contract:
    """What a function requires and ensures.

    ``requires`` are predicates over its arguments and arbitrary places, ``ensures`` over these, ``after`` and ``after_x`` (what
    became of an argument ``x`` that holds arrays), by column of the matrix. ``keeps`` names the parts of the result that are
    parts of the arguments: ``{"after.types": "lists.types"}``; ``gives`` says of maps in the result which they are, as functions
    of the arguments.
    """

    id: str
    function: Callable[..., Any]
    ensures: tuple[tuple[str, Predicate], ...]
    requires: tuple[Predicate, ...] = ()
    keeps: Mapping[str, str] = attrs.field(factory=dict)
    gives: Mapping[str, Callable[..., Any]] = attrs.field(factory=dict)

    def name(self, column: str) -> str:
        """Return the id of the obligation that proves one column."""
        return f"{self.id}-{column}" if column else self.id

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the obligations that prove it."""
        kept = (f"{self.id}-KEPT",) if self.keeps or self.gives else ()
        return (*kept, *(self.name(column) for column, _ in self.ensures))


@contextmanager
def standing(forget: tuple[Callable[..., Any], ...], contracts: tuple[Contract, ...]) -> Iterator[None]:
    """Let functions answer anything of their declared type (``forget``), or anything that their contract ensures."""
    stubs = [(function, _stub(Contract("", function, ()))) for function in forget]
    stubs += [(contract.function, _stub(contract)) for contract in contracts]
    packages = {*READERS, *(function.__module__.split(".")[0] for function, _ in stubs)}
    modules = [m for n, m in list(sys.modules.items()) if n.split(".")[0] in packages]
    before = []
    for function, stub in stubs:
        for module in modules:
            for name, value in list(vars(module).items()):
                if value is function:
                    before.append((module, name, function))
                    setattr(module, name, stub)
    try:
        yield
    finally:
        for module, name, function in before:
            setattr(module, name, function)


def _stub(contract: Contract) -> Callable[..., Any]:
    function = contract.function
    hint, parameters = hints_of(function)["return"], tuple(inspect.signature(function).parameters)

    def stub(*arguments: Any) -> Any:
        run = current()
        if run.quantified:
            return function(*arguments)
        known = dict(zip(parameters, arguments, strict=True))
        premise = _claimed(contract, known)
        known = {parameter: snapshot(argument) for parameter, argument in known.items()}
        name = run.smt.fresh(function.__name__)
        for argument in arguments:
            forget_arrays(argument)
        known.update({f"after_{parameter}": argument for parameter, argument in zip(parameters, arguments, strict=True)})
        kept: dict[type | str, Any] = {
            name + result.removeprefix("after"): part_of(known, source) for result, source in contract.keeps.items()
        }
        for result, function_giving in contract.gives.items():
            kept[name + result.removeprefix("after")] = function_giving(**arguments_for(function_giving, known))
        known["after"] = unknown(hint, name, kept)
        for column, ensured in contract.ensures:
            schema = make_schema(f"{contract.name(column)}@{name}", function_of(ensured), arguments_for(ensured, known))
            _rely(contract, schema, premise)
        return known["after"]

    return stub


def _rely(contract: Contract, schema: Schema, premise: z.Truth) -> None:
    """Go on with what a contract ensures."""
    run = current()
    if not schema.words:
        run.fact(attrs.evolve(schema, premise=run.smt.both([*run.conditions, premise])).as_hypothesis(()))
    elif run.predicate:
        raise LiftError(
            f"a predicate calls {contract.function.__name__}, whose contract speaks of arbitrary places",
            "leave the contract out of this obligation, or ask for what it ensures",
        )
    else:
        run.rely(schema, premise)


def _claimed(contract: Contract, known: Mapping[str, Any]) -> z.Truth:
    """Claim what the contract requires, unless another obligation does, and return it: nothing is ensured where it fails."""
    run = current()
    before, hints = len(run.conditions), hints_of(contract.function)
    for parameter, value in known.items():
        check_fields(value, hints.get(parameter), f"{contract.function.__name__}'s {parameter}")
    if run.relies:
        run.relied += len(contract.requires)
        return run.smt.true
    for number, required in enumerate(contract.requires):
        name = run.smt.fresh(f"{contract.id}.requires.{number}")
        schema = make_schema(name, function_of(required), arguments_for(required, known))
        claim_schemas(f"{contract.function.__name__} may be called", [schema], name, {})
    return run.smt.both(run.conditions[before:])


def check_parts(keeps: Mapping[str, str], gives: Mapping[str, Callable[..., Any]], known: Mapping[str, Any]) -> None:
    """Claim that the parts of a result are those that a contract says: the same at an arbitrary key."""
    for result, source in keeps.items():
        _claim_same(result, part_of(known, result), part_of(known, source))
    for result, function in gives.items():
        with helping():
            given = function(**arguments_for(function, known))
        _claim_same(result, part_of(known, result), given)


def _claim_same(name: str, one: Any, other: Any) -> None:
    if one is other:
        current().claim("goal", current().smt.true)
    elif isinstance(one, SymMap):
        current().claim("goal", one.same_at(other, unknown_word(f"{name}.any", one.base.key)))
    else:
        current().claim("goal", truth_of(equal(one, other)))
