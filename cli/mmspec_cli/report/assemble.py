"""From the facts to one self-contained page: the template of ``page/`` with style, script and data in their places."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from mmprops.files import write_whole
from mmspec.errors import FileError

OUT = Path("report.html")
"""The page's own name."""

SCRIPTS = (
    "dom.js", "frame.js", "overview.js", "map.js", "matrix.js", "story.js", "failures.js", "bench.js", "bugs.js", "main.js",
)  # fmt: skip
"""The parts of the script, in the order in which they stand; the views come up in the order in which theirs are read."""


def page(facts: Mapping[str, Any]) -> str:
    """Return the page. Nothing on it is fetched, and its own policy lets no other script run."""
    folder = files("mmspec_cli.report") / "page"
    template, style = ((folder / name).read_text(encoding="utf-8") for name in ("index.html", "style.css"))
    script = "\n".join((folder / name).read_text(encoding="utf-8") for name in SCRIPTS)
    allowed = f"style-src {digest(style)}; script-src {digest(script)}"
    parts = {
        "POLICY": f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'",
        "STYLE": style,
        "DATA": embedded(facts),
        "SCRIPT": script,
    }
    return re.sub("@([A-Z]+)@", lambda mark: parts[mark[1]], template)


def digest(text: str) -> str:
    """Return a text as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def embedded(facts: Mapping[str, Any]) -> str:
    """Return facts as JSON that ends no element and opens none, whatever text they hold."""
    text = json.dumps(facts, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def write(facts: Mapping[str, Any], out: Path) -> None:
    """Write the page, whole or not at all (FileError: it cannot be written)."""
    try:
        write_whole(out, page(facts).encode("utf-8"))
    except OSError as error:
        raise FileError(f"cannot be written: {error.strerror}", where=str(out), hint="--out names a file to write") from None
