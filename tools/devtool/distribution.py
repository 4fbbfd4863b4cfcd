"""Check the wheel that users would get: several ways of packaging ship half of it without an error.

1. The wheel built from the sdist is the wheel built from the tree, member for member.
2. It holds every file of the five packages, data included, and nothing else; it names the programs and plugins of pyproject.toml.
3. Installed alone in an empty environment, outside the checkout, it lists its machines, checks each, reads its ledger and, where
   gcc is here, compiles the C that it ships.
4. A pytest that is installed beside it finds the plugin, and holds a client against each machine.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

from devtool.process import BIN, ROOT, DevError, environment, must, say

PACKAGES = ("spec/mmspec", "impl/mmimpl", "properties/mmprops", "proofs/mmproofs", "cli/mmspec_cli")
SMOKE_OPERATIONS = "2000"


def contents(wheel: Path) -> dict[str, str]:
    """The members of a wheel, name to SHA-256."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def differences(left: dict[str, str], right: dict[str, str], *, left_name: str, right_name: str) -> list[str]:
    """One line for each member that is not the same on both sides."""
    lines = [f"only in {left_name}: {name}" for name in sorted(left.keys() - right.keys())]
    lines += [f"only in {right_name}: {name}" for name in sorted(right.keys() - left.keys())]
    return lines + [f"differs: {name}" for name in sorted(left.keys() & right.keys()) if left[name] != right[name]]


RECORDS = {
    "proofs/ledger.json": "mmproofs/ledger.json",
    "proofs/explored.json": "mmproofs/explored.json",
    "properties/kills.json": "mmprops/kills.json",
    "docs/trusted.md": "mmspec_cli/report/trusted.md",
}
"""What is on record, and what it rests on, stands beside the packages in the checkout, and goes into the wheel's."""


def package_files(root: Path = ROOT) -> dict[str, str]:
    """What the wheel of the checkout at `root` must hold, name to SHA-256: all that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PACKAGES],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    result = {}
    for name in filter(None, listed.stdout.split("\0")):
        path = root / name
        if path.is_file():
            result[name.split("/", 1)[1]] = hashlib.sha256(path.read_bytes()).hexdigest()
    for record, member in RECORDS.items():
        if (path := root / record).is_file():
            result[member] = hashlib.sha256(path.read_bytes()).hexdigest()
    return result


def entry_points(wheel: Path) -> dict[str, str]:
    """What a wheel offers to other programs: `group name` to the object's address."""
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
        listed = configparser.ConfigParser(delimiters=("=",))
        listed.read_string(archive.read(member).decode("utf-8"))
    return {f"{group} {name}": address for group in listed.sections() for name, address in listed[group].items()}


def declared_entry_points(root: Path = ROOT) -> dict[str, str]:
    """The same, as pyproject.toml of the checkout at `root` declares it."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"console_scripts": project["scripts"], **project["entry-points"]}
    return {f"{group} {name}": address for group, points in groups.items() for name, address in points.items()}


def build(kind: str, source: Path, out: Path) -> Path:
    """Build `source` as `kind` ("wheel" or "sdist") into the new folder `out`; the file that came out."""
    must(
        f"building the {kind}",
        BIN / "python",
        "-m",
        "build",
        "--no-isolation",
        f"--{kind}",
        "--outdir",
        out,
        source,
    )
    (built,) = out.iterdir()
    return built


def unpack(sdist: Path, out: Path) -> Path:
    """Unpack an sdist into the new folder `out`; its one top-level folder."""
    with tarfile.open(sdist) as archive:
        archive.extractall(out)
    (top,) = out.iterdir()
    return top


def refuse(what: str, lines: list[str]) -> None:
    """Raise DevError where `lines` name any difference."""
    if lines:
        raise DevError("\n  ".join([f"{what}:", *lines]))


def answer(mmspec: Path, *arguments: str, cwd: Path) -> dict[str, object]:
    """What the installed program answers to `arguments` in JSON; DevError unless its verdict is pass."""
    # PYTHONSAFEPATH and the foreign folder: nothing of the checkout may be importable beside the wheel.
    env = environment() | {"PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [mmspec, *arguments, "--format", "json"],
        cwd=cwd,
        env=env,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    words = " ".join(arguments)
    try:
        reply = json.loads(done.stdout)
    except ValueError:
        raise DevError(f"the installed wheel: 'mmspec {words}' printed no JSON (exit code {done.returncode})") from None
    if done.returncode != 0 or not isinstance(reply, dict) or reply.get("verdict") != "pass":
        raise DevError(f"the installed wheel: 'mmspec {words}' ended with {done.returncode}: {done.stdout.strip()}")
    return reply


def smoke(wheel: Path, scratch: Path) -> None:
    """Install `wheel` without extras into an empty environment below `scratch`, and use it there."""
    venv = scratch / "installed"
    must("making a virtual environment", sys.executable, "-m", "venv", venv)
    pip = (venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--quiet")
    must("installing the wheel", *pip, "--constraint", ROOT / "constraints.txt", wheel, cwd=scratch)
    mmspec = venv / "bin" / "mmspec"
    machines = answer(mmspec, "list", cwd=scratch).get("machines")
    if not isinstance(machines, list) or not machines:
        raise DevError("the installed wheel: 'mmspec list' names no machine")
    for machine in machines:
        answer(mmspec, "check", machine["name"], "--ops", SMOKE_OPERATIONS, "--seed", "0", cwd=scratch)
    proofs = answer(mmspec, "prove", "BUDDY-BITS", "BUDDY-ALLOC", cwd=scratch).get("obligations")
    if not isinstance(proofs, list) or not all(proof.get("cached") for proof in proofs):
        raise DevError("the installed wheel: 'mmspec prove' does not read the ledger that it was shipped with")
    if shutil.which("gcc"):
        answer(mmspec, "bench", "replay", "--quick", "--largest", "10", "--turns", "1", cwd=scratch)
    if answer(mmspec, "assurance", cwd=scratch).get("missing"):
        raise DevError("the installed wheel: 'mmspec assurance' does not read the records that it was shipped with")
    names = [machine["name"] for machine in machines]
    plugged(venv, names, scratch / "suite")
    say(f"the installed wheel checks {', '.join(names)}")


def plugged(venv: Path, machines: list[str], suite: Path) -> None:
    """Run the plugin where the wheel is installed, in the new folder `suite`, whose own test it must not disturb."""
    python = venv / "bin" / "python"
    pip = (python, "-m", "pip", "install", "--quiet", "--quiet")
    must("installing pytest", *pip, "--constraint", ROOT / "constraints.txt", "pytest", cwd=suite.parent)
    suite.mkdir()
    (suite / "test_nothing.py").write_text("def test_nothing(): pass\n")
    clients = [f"--mmspec-client={machine}=impl" for machine in machines]
    options = ("-q", "-W", "error", "--mmspec-ops", SMOKE_OPERATIONS)
    env = environment() | {"PYTHONSAFEPATH": "1"}
    must("the installed wheel's pytest plugin", python, "-m", "pytest", *options, *clients, cwd=suite, env=env)


def check() -> None:
    """Build, compare, install, use; DevError at the first thing that is wrong."""
    with tempfile.TemporaryDirectory(prefix="mmspec-dist-") as name:
        scratch = Path(name)
        tree = build("wheel", ROOT, scratch / "tree")
        sdist = build("sdist", ROOT, scratch / "sdist")
        again = build("wheel", unpack(sdist, scratch / "unpacked"), scratch / "again")
        of_tree = contents(tree)
        names = {"left_name": "the wheel built from the tree", "right_name": "the wheel built from the sdist"}
        refuse("the two wheels differ", differences(of_tree, contents(again), **names))
        shipped = {member: digest for member, digest in of_tree.items() if ".dist-info/" not in member}
        names = {"left_name": "the wheel", "right_name": "the checkout"}
        refuse("the wheel is not what the checkout holds", differences(shipped, package_files(), **names))
        names = {"left_name": "the wheel", "right_name": "pyproject.toml"}
        refuse(
            "the wheel's entry points are not the declared ones",
            differences(entry_points(tree), declared_entry_points(), **names),
        )
        say(f"{tree.name}: {len(shipped)} files, the same from sdist and tree")
        smoke(tree, scratch)
