"""Files of the project's own: records that ship with it, and files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def beside_or_inside(beside: Path, inside: Path) -> Path:
    """Return where a committed file is: beside its package in a checkout, inside it in an installed wheel.

    Where there is neither, it is the place in a checkout, which whoever writes it writes to.
    """
    return next((path for path in (beside, inside) if path.exists()), beside)


def write_whole(path: Path, body: bytes) -> None:
    """Replace a file by its new contents, or leave it as it was (OSError: it cannot be written)."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(body)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
