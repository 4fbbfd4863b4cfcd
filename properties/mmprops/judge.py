"""The judge: the law's state beside an implementation's answers."""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.component import Component, Operation
from mmspec.profile import Profile


@attrs.frozen
class Verdict:
    """What the law says of a wrong answer: the clause it breaks, and the answer that a kernel would have given."""

    clause: Clause
    chosen: Any = None


class Judge:
    """One run of the law under a profile."""

    def __init__(self, component: Component, profile: Profile, config: Any) -> None:
        self.component, self.profile = component, profile
        self.operations = {operation.name: operation for operation in component.operations}
        self.state = component.initial(config)
        self.policy = None if profile.kernel is None else component.initial_policy(config, profile.kernel)

    def judge(self, operation: Operation, request: Any, result: Any) -> Verdict | None:
        """Hold a result against the law and go on from it; None if it is right. After a verdict the state is as it was."""
        broken = operation.allowed(self.state, request, result)
        if not (self.profile.chooses and operation.is_chosen):
            if broken is not None:
                return Verdict(broken)
        else:
            chosen, policy = operation.choose(self.state, self.policy, request)
            if broken is not None:
                return Verdict(broken, chosen)
            rule(self.component.choice)
            if result != chosen:
                return Verdict(self.component.choice, chosen)
            self.policy = policy
        self.state = operation.apply(self.state, request, result)
        return None


def broken_invariant(component: Component, profile: Profile, state: Any, policy: Any) -> tuple[Clause, Any] | None:
    """Ask every invariant that a profile holds to at every key worth asking; return the first that fails, with its key."""
    for invariant in component.invariants:
        if not profile.holds_to(invariant.clause):
            continue
        for key in invariant.keys(state, policy):
            rule(invariant.clause)
            if not invariant.holds(state, policy, key):
                return invariant.clause, key
    return None
