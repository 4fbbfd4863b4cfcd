"""Write `constraints.txt`: the exact versions that CI and `dev.py` install, as pip resolves them today."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from devtool.process import ROOT, must
from devtool.setup import NEEDED, OPTIONAL

HEADER = """\
# Names and versions that CI and tools/dev.py install, nothing else. Written by `python3 tools/dev.py pin`.
"""


def constraints(freeze: str) -> str:
    """The text of constraints.txt from what `pip freeze` printed, without mmspec itself.

    Raises ValueError at a line that is not NAME==VERSION: a path or an address must not get into the repo.
    """
    lines = []
    for line in freeze.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line.count("==") != 1 or "/" in line or " " in line:
            raise ValueError(f"pip freeze printed {line!r}: expected NAME==VERSION")
        lines.append(line)
    return HEADER + "\n".join(sorted(lines, key=str.lower)) + "\n"


def write(root: Path = ROOT) -> None:
    """Resolve everything in an environment of its own and replace `root`/constraints.txt."""
    with tempfile.TemporaryDirectory(prefix="mmspec-pin-") as scratch:
        python = Path(scratch) / "bin" / "python"
        must("making a virtual environment", sys.executable, "-m", "venv", scratch)
        extras = ",".join(NEEDED + OPTIONAL)
        must("pip install", python, "-m", "pip", "install", "--quiet", "--quiet", f"{root}[{extras}]")
        freeze = subprocess.run(
            [python, "-m", "pip", "freeze", "--exclude", "mmspec"], check=True, capture_output=True, text=True
        )
    (root / "constraints.txt").write_text(constraints(freeze.stdout))
