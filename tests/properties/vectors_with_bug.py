"""``python -m tests.properties.vectors_with_bug BUG-ID``: the process in which a bug meets the vectors of its machine.

Prints the vector that our implementation misses first, and the step; nothing if it meets all.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mmprops.bugs import IMPLEMENTATION, bug_named, install

FOLDER = Path(__file__).resolve().parents[2] / "vectors"


def main(name: str) -> None:
    """Install a bug in the implementation alone, then replay."""
    bug = bug_named(name)
    install(bug, IMPLEMENTATION)

    from mmprops import vectors  # all that it imports may be edited
    from mmprops.machines import machine_named
    from mmprops.program import main_value, resolved

    machine = machine_named(bug.component)
    for vector in (vector for of_file in vectors.read_folder(FOLDER / machine.name).values() for vector in of_file):
        body = machine.implementation(vector.program.config, vector.profile.kernel or "6.12")
        values: list[Any] = []
        for step, ((op, written), expected) in enumerate(zip(vector.program.steps, vector.expected, strict=True)):
            try:
                result = body.apply(resolved(written, values.__getitem__))
            except Exception:
                result = None
            if result is None or result != getattr(expected, "result", None):
                print(vector.id, step, op)
                return
            values.append(main_value(machine.component.operation(op), result))


if __name__ == "__main__":
    main(sys.argv[1])
