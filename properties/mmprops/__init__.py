"""What any implementation of Linux memory management must satisfy, and the machinery that finds out whether it does."""

from __future__ import annotations
