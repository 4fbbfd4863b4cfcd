"""The door to the developer's commands: finds a Python that is new enough and hands over to `devtool`.

    python3 tools/dev.py setup | verify | test | nightly | lint | dist | pin   [arguments]

This file keeps to the syntax of Python 3.6, so that an old `python3` gets a sentence and not a SyntaxError.
Everything behind it needs the standard library only.
"""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
NEWEST_TRIED = 30


def new_enough(python):
    # type: (str) -> bool
    """Whether `python` starts and is at least OLDEST: a version manager's shim may exist and not start."""
    question = "import sys; sys.exit(sys.version_info < %r)" % (OLDEST,)
    try:
        return subprocess.call([python, "-c", question], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def find_python():
    # type: () -> str | None
    """The path of the oldest Python on PATH that is new enough: CI pins its versions for that one."""
    for minor in range(OLDEST[1], NEWEST_TRIED):
        path = shutil.which("python3.%d" % minor)
        if path is not None and new_enough(path):
            return path
    return None


def main(arguments):
    # type: (list[str]) -> int
    """Run the command that `arguments` name, on a Python that is new enough; the exit code."""
    if sys.version_info < OLDEST:
        python = find_python()
        if python is None:
            sys.stderr.write(
                "dev.py: mmspec needs Python %d.%d or newer; %s is older, PATH has none: get python%d.%d\n"
                % (OLDEST[0], OLDEST[1], sys.executable, OLDEST[0], OLDEST[1])
            )
            return 1
        os.execv(python, [python, os.path.abspath(__file__), *arguments])
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from devtool import commands

    return commands.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
