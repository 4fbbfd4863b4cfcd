"""The command line and the report."""

from __future__ import annotations

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended."""
