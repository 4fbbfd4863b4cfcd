"""Make `.venv` with mmspec installed in it, once: the stamp inside says what it was made from.

A set-up that was cut short is started over. One that ended, from an older pyproject.toml or constraints.txt,
is brought up to date in place. A `.venv` that something else made is never touched.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devtool.process import BIN, ROOT, VENV, DevError, in_ci, run, say

STAMP = "mmspec-setup.json"
NEEDED = ("test", "dev")
OPTIONAL = ("fast", "prove", "clients")


def wanted(root: Path = ROOT) -> dict[str, str]:
    """What an up-to-date `.venv` of the checkout at `root` is made from.

    `python` and `root` are baked into a virtual environment; `inputs` is a digest of what decides the rest.
    """
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((root / name).read_bytes() + b"\0")
    version = re.search(r"^__version__ = .*$", (root / "spec/mmspec/__init__.py").read_text(), re.MULTILINE)
    digest.update((version[0] if version else "").encode())
    digest.update(" ".join(NEEDED + OPTIONAL).encode())
    return {"python": sys.version, "root": str(root), "inputs": digest.hexdigest()}


def read_stamp(venv: Path) -> dict[str, Any]:
    """What the set-up in `venv` recorded; empty where it never got that far."""
    try:
        stamp = json.loads((venv / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(venv: Path, stamp: dict[str, Any]) -> None:
    """Replace the stamp of `venv` in one step, so that Ctrl-C leaves the old one or the new one."""
    new = venv / f"{STAMP}.new"
    new.write_text(json.dumps(stamp, indent=1) + "\n")
    os.replace(new, venv / STAMP)


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the checkout's set-up lock: two commands started together must not install into one `.venv`."""
    with (root / ".venv.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def check_can_make_venv() -> None:
    """Raise DevError where this Python lacks the parts that Debian puts into a package of their own."""
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise DevError(
            f"install python3-venv (or python{version}-venv, for a Python beside the default one):"
            f" {sys.executable} has no ensurepip and cannot make a virtual environment without it"
        )


def make_venv(venv: Path) -> None:
    """Make an empty virtual environment at `venv`, in place of an older one of ours.

    Renamed in and out: at no moment is there a folder of that name that does not say that it is ours.
    """
    check_can_make_venv()
    old, new = venv.with_name(".venv.old"), venv.with_name(".venv.new")
    for left_over in (old, new):
        shutil.rmtree(left_over, ignore_errors=True)
    new.mkdir()
    write_stamp(new, {"finished": False})
    if venv.exists():
        venv.rename(old)
    new.rename(venv)
    shutil.rmtree(old, ignore_errors=True)
    if run(sys.executable, "-m", "venv", venv, env=dict(os.environ)) != 0:
        raise DevError(f"{sys.executable} -m venv failed: the lines above say why (is python3-venv installed?)")


def pip_install(*arguments: str) -> bool:
    """Whether pip could install `arguments` into `.venv`; pip itself says why not."""
    pip = (BIN / "python", "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check")
    return run(*pip, *arguments) == 0


def install() -> list[str]:
    """Install mmspec and its extras into `.venv`; the list of optional extras that this machine cannot have.

    In CI every extra is needed, at the pinned versions. Elsewhere a Python or a processor without a binary
    of some solver must still be able to run the rest.
    """
    everything = f".[{','.join(NEEDED + OPTIONAL)}]"
    if pip_install("--constraint", "constraints.txt", "--editable", everything):
        return []
    if in_ci():
        raise DevError("pip could not install the versions that constraints.txt pins: the lines above say why")
    say("not everything installs at the pinned versions here: installing what does, at the newest versions")
    if not pip_install("--editable", f".[{','.join(NEEDED)}]"):
        raise DevError("pip could not install mmspec: the lines above say why (it needs to reach a package index)")
    return [extra for extra in OPTIONAL if not pip_install("--editable", f".[{extra}]")]


def setup() -> None:
    """Bring `.venv` up to date with this checkout; nothing to do where its stamp says so already."""
    with alone(ROOT):
        want = wanted()
        stamp = read_stamp(VENV)
        if not (stamp.get("finished") and all(stamp.get(name) == value for name, value in want.items())):
            stamp = renew(want, stamp)
    for extra in stamp["missing"]:
        say(f"without the extra [{extra}], which pip could not install here: what needs it is skipped")


def renew(want: dict[str, str], stamp: dict[str, Any]) -> dict[str, Any]:
    """Make or update `.venv` until it is what `want` says; the new stamp."""
    if VENV.exists() and not stamp:
        raise DevError(f"{VENV} was not made by dev.py: move it away, then run this again")
    usable = stamp.get("finished") and stamp.get("python") == want["python"] and stamp.get("root") == want["root"]
    if usable:
        say("bringing .venv up to date")
        write_stamp(VENV, {"finished": False})
    else:
        say("setting up .venv (a minute or two, once)")
        make_venv(VENV)
    missing = install()
    stamp = {"finished": True, **want, "missing": missing}
    write_stamp(VENV, stamp)
    return stamp
