"""The tolerance of machines whose clients have nothing to be excused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmspec.clause import Clause


class Unforgiving:
    """Excuses nothing, whatever the capabilities."""

    def __init__(self, config: Any = None, capabilities: Mapping[str, Any] | None = None) -> None:
        pass

    def note(self, request: Any, result: Any) -> None:
        """Nothing to remember."""

    def forgives(self, clause: Clause, state: Any, request: Any, result: Any) -> bool:
        """Never."""
        return False
