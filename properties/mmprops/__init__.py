"""What any implementation of Linux memory management must satisfy, and the machinery that finds out whether it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmprops.conform import conform

__all__ = ["conform"]


def __getattr__(name: str) -> Any:
    """Load the module behind ``mmprops.conform`` when it is asked for: pytest loads this package in suites that never do."""
    if name == "conform":
        import importlib

        return importlib.import_module("mmprops.conform")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
