"""The components of the law, in one explicit tuple."""

from __future__ import annotations

from mmspec.component import Component
from mmspec.physical.buddy import BUDDY
from mmspec.physical.memory_model import MEMORY_MODEL

COMPONENTS: tuple[Component, ...] = (BUDDY, MEMORY_MODEL)


def component_of(identifier: str) -> str:
    """Return the name of the component that the id of a clause or an obligation begins with; else its first word."""
    for component in COMPONENTS:
        if identifier.startswith(component.prefix):
            return component.name
    return identifier.split("-", maxsplit=1)[0].lower()
