"""What a proof rests on: whether the obligations that it names really cover what it relies on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mmproofs.lift.contracts import Contract
from mmproofs.lift.loops import LoopInvariant
from mmproofs.lift.predicate import sources_of
from mmproofs.obligation import Obligation


def gap(obligation: Obligation, known: Mapping[str, Obligation], relied: int) -> str:
    """Return what an obligation relies on and none of its bases proves; empty if all is covered.

    ``relied`` says how many claims of the subject's own text were relied on.
    """
    missing = [name for name in obligation.rests_on if name not in known]
    if missing:
        return f"rests on {missing[0]}, which is no obligation"
    if cycle := _way_back(obligation, known):
        return f"rests on itself, by way of {cycle}"
    bases = [known[name] for name in obligation.rests_on]
    for base in bases:
        if limits := [
            said for said in (*base.bounds, *base.assumptions) if said not in (*obligation.bounds, *obligation.assumptions)
        ]:
            return f"{base.id}, which it rests on, is limited ({limits[0]}): say so here too"
    for cut in obligation.cuts:
        if not any(base.subject is cut and not _narrowed(base) for base in bases):
            return f"no base proves the invariant of loop {cut.loop.name}"
    for contract in obligation.contracts:
        if wrong := _unproved(contract, bases):
            return wrong
    if relied and not any(_covers(base, obligation) for base in bases):
        return "no base proves, from the same hypotheses, what the subject's text claims on the way"
    return ""


def _way_back(obligation: Obligation, known: Mapping[str, Obligation]) -> str:
    """Return through which base an obligation rests on itself; empty if it does not."""
    seen, waiting = set[str](), list(obligation.rests_on)
    while waiting:
        name = waiting.pop()
        if name in seen or name not in known:
            continue
        seen.add(name)
        if obligation.id in known[name].rests_on or name == obligation.id:
            return name
        waiting.extend(known[name].rests_on)
    return ""


def _narrowed(base: Obligation) -> bool:
    """Tell whether what a base proves is not said of all states at a loop's head, or of all arguments of a function.

    What is given, of a function, is what the contract requires; a loop's step goes from the invariant alone.
    """
    step = isinstance(base.subject, LoopInvariant)
    return bool(base.types or base.choices or base.each or (step and (base.given or base.invariants or base.relies)))


def _unproved(contract: Contract, bases: Iterable[Obligation]) -> str:
    """Return what of a contract no base proves."""
    mine = [
        base for base in bases if base.subject is contract.function and _within(base, contract.requires) and not _narrowed(base)
    ]
    for column, ensured in contract.ensures:
        if not any(base.id == contract.name(column) and base.goal == ensured for base in mine):
            return f"no base proves that {contract.function.__name__} ensures {contract.name(column)}"
    parts = (contract.keeps, contract.gives)
    if any(parts) and not any((base.keeps, base.gives) == parts for base in mine):
        return f"no base proves what {contract.function.__name__} keeps"
    return "" if mine else f"no base proves anything of {contract.function.__name__}"


def _within(base: Obligation, hypotheses: Iterable[object]) -> bool:
    allowed = list(hypotheses)
    return all(hypothesis in allowed for hypothesis in (*base.given, *base.invariants))


def _covers(base: Obligation, obligation: Obligation) -> bool:
    """Tell whether a base proves the claims on the way of what another obligation runs."""
    if isinstance(base.subject, LoopInvariant) or base.relies or base.subject is not obligation.subject:
        return False
    # A base that runs the text claims nothing of what a contract requires; one with another invariant, of another entry.
    return (
        _within(base, (*obligation.given, *obligation.invariants))
        and set(base.forget) <= set(obligation.forget)
        and set(base.contracts) == set(obligation.contracts)
        and set(base.cuts) >= set(obligation.cuts)
        and (base.types, base.choices, base.each) == (obligation.types, obligation.choices, obligation.each)
        and _beside(base, obligation)
    )


def _beside(base: Obligation, obligation: Obligation) -> bool:
    """Tell whether what is unknown beside the arguments makes the base's hypotheses no stronger.

    What one of them says of every place, the other may say of one that it has a name for.
    """
    further = {name for name in obligation.beside if name not in base.beside}
    named = {source.split(".")[0] for given in (*base.given, *base.invariants) for source in sources_of(given).values()}
    return not further & named and all(obligation.beside.get(name) == of for name, of in base.beside.items())
