"""``python -m mmprops.bugs BUG-ID ...``: the process in which a bug lives. Prints one JSON object a run, and nothing else."""

from __future__ import annotations

import argparse
import json
import sys

from mmprops.bugs import IMPLEMENTATION, LAW, Bug, bug_named, install


def main(arguments: list[str]) -> None:
    """Install a bug, then hunt for it, or see whether law and implementation agree again once both are edited alike."""
    parser = argparse.ArgumentParser(prog="python -m mmprops.bugs")
    parser.add_argument("bug", help="its id, or the whole record as JSON")
    parser.add_argument("--ops", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--agree", metavar="PROGRAM", help="edit law and implementation, and run this program first")
    given = parser.parse_args(arguments)
    bug = Bug(**json.loads(given.bug)) if given.bug.startswith("{") else bug_named(given.bug)
    alone = IMPLEMENTATION if bug.edits(IMPLEMENTATION) else LAW
    install(bug, *((LAW, IMPLEMENTATION) if given.agree else (alone,)))

    from mmprops.bugs import hunt  # all that it imports may be edited

    if given.agree:
        found = hunt.agree(bug, json.loads(given.agree), ops=given.ops, seed=given.seed)
    else:
        found = hunt.hunt(bug, ops=given.ops, seed=given.seed)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
