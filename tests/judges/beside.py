"""The law beside a judge: whatever the judge answers, the law must answer."""

from __future__ import annotations

from typing import Any

from mmprops.judge import Judge
from mmspec.component import Component
from mmspec.profile import Profile


class BesideLaw:
    """One component's law, held to the answers of a judge; a subclass has the judge, and asks both."""

    def __init__(self, component: Component, config: Any) -> None:
        self.law = Judge(component, Profile.KERNEL_6_12, config)
        self.config = config
        self.told: list[tuple[Any, Any]] = []

    def hold(self, operation: str, request: Any, result: Any) -> None:
        """The law must give the judge's answer."""
        self.told.append((request, result))
        verdict = self.law.judge(self.law.operations[operation], request, result)
        said = "\n".join(f"{asked} -> {answer}" for asked, answer in self.told[-12:])
        assert verdict is None, f"the law says {verdict.chosen} ({verdict.clause.id})\n{self.config}\n{said}"
