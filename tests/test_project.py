"""The project's own layout: facts about its files that other files, CI and users rely on."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import mmspec

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

# A folder of one machine, or the host or option of a package registry.
FOREIGN = re.compile(
    r"(?<![\w.])/(?:work|farm|tmp|root)/[a-z]|https?://(?:files|deb|registry|index)\.|python[h]osted"
    r"|pypi\.[o]rg|(?:index-url|trusted-host|registry) *=",
)


def canonical(name: str) -> str:
    """A distribution's name as packaging compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    """constraints.txt: canonical name to version."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonical(name): version for name, version in pairs}


def committed_files() -> list[Path]:
    """The files that git holds or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


# --- packaging ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(package: str) -> None:
    """Each package carries the marker without which mypy ignores its types."""
    assert (ROOT / package / "py.typed").is_file()


def test_source_roots_are_those_of_the_wheel() -> None:
    """The editable install sees exactly the five folders that the wheel packs."""
    assert PYPROJECT["tool"]["hatch"]["build"]["dev-mode-dirs"] == [name.split("/")[0] for name in PACKAGES]
    assert len(PACKAGES) == 5


def test_one_version() -> None:
    """The installed distribution has the version that the law's package states."""
    assert importlib.metadata.version("mmspec") == mmspec.__version__


def test_constraints_pin_exactly() -> None:
    """Every line of constraints.txt is one name and one exact version."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    wrong = [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+]*", line)]
    assert not wrong


def test_z3_is_pinned_and_installed_as_pinned() -> None:
    """Resource limits of proofs are comparable only under the one Z3 that constraints.txt names."""
    assert importlib.metadata.version("z3-solver") == pins()["z3-solver"]


@pytest.mark.parametrize("extra", ["", "fast", "prove", "clients", "test", "dev"])
def test_what_ci_installs_is_pinned(extra: str) -> None:
    """Each requirement of the core and of the extras that CI installs has a pin."""
    project = PYPROJECT["project"]
    needed = project["optional-dependencies"][extra] if extra else project["dependencies"]
    names = {canonical(re.split(r"[<>=!~ ;\[]", requirement)[0]) for requirement in needed}
    assert names
    assert names <= pins().keys()


# --- files --------------------------------------------------------------------------------------------------


def test_no_file_names_this_machine() -> None:
    """No committed text names a folder of one machine or the address of a package registry."""
    found = []
    for path in committed_files():
        data = path.read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if FOREIGN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "open('/" + "tmp/x')",
        "pip --index-" + "url = x",
        "https://" + "files.example/x",
        "see /" + "work/main",
    ],
)
def test_foreign_names_are_recognised(line: str) -> None:
    """The pattern of the test above finds what it is there to find."""
    assert FOREIGN.search(line)


@pytest.mark.parametrize("target", ["verify", "test", "nightly", "lint", "dist", "setup"])
def test_make_targets_are_one_line(target: str) -> None:
    """`make TARGET` is one line that hands over to tools/dev.py: there is one way to do each thing."""
    lines = (ROOT / "Makefile").read_text().splitlines()
    at = [number for number, line in enumerate(lines) if line.startswith(f"{target}:")]
    assert [lines[number] for number in at] == [f"{target}: ; @$(PYTHON) tools/dev.py {target} $(ARGS)"]
    assert not "\n".join(lines[at[0] + 1 : at[0] + 2]).startswith("\t")


def test_every_ruff_ignore_says_why() -> None:
    """Each rule that is switched off for the whole project has its reason beside it."""
    text = (ROOT / "pyproject.toml").read_text()
    ignores = re.findall(r"^ignore = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)[0].splitlines()
    assert ignores
    assert [line for line in ignores if not re.fullmatch(r' +"[A-Z]+[0-9]+", +# .{20,}', line)] == []


# --- tests --------------------------------------------------------------------------------------------------


def test_needs_markers_are_decided(pytestconfig: pytest.Config) -> None:
    """Every needs_* marker that pyproject.toml allows is one that conftest.py acts on, and vice versa."""
    conftest: Any = pytestconfig.pluginmanager.get_plugin(str(ROOT / "conftest.py"))
    declared = {line.split(":")[0] for line in PYPROJECT["tool"]["pytest"]["ini_options"]["markers"]}
    assert {name for name in declared if name.startswith("needs_")} == set(conftest.NEEDS)


def test_listed_skips_name_tests_that_exist() -> None:
    """A pattern of tests/skips.txt names a test that exists, so that no line outlives its test."""
    stale = []
    for line in (ROOT / "tests" / "skips.txt").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith(("#", "[")):
            continue
        path, _, test = line.split(" — ")[0].strip().partition("::")
        name = re.split(r"[\[*]", test.split("::")[-1])[0]
        if not (ROOT / path).is_file() or name not in (ROOT / path).read_text():
            stale.append(line)
    assert not stale


# --- continuous integration ---------------------------------------------------------------------------------


def run_ci(checkout: Path, failing: str) -> tuple[int, list[str]]:
    """Run .ci/run in `checkout` with a `make` that fails on the words `failing`; exit code and calls."""
    (checkout / ".ci").mkdir(parents=True)
    script = checkout / ".ci" / "run"
    script.write_bytes((ROOT / ".ci" / "run").read_bytes())
    programs = checkout / "programs"
    programs.mkdir()
    make = programs / "make"
    make.write_text(f'#!/bin/sh\necho "$CI/$MMSPEC_ENGINE/$*" >> {checkout}/calls\ncase "$*" in {failing}) exit 1;; esac\n')
    make.chmod(0o755)
    env = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", str(script)], env=env, check=False, capture_output=True)
    return done.returncode, (checkout / "calls").read_text().splitlines()


def test_ci_runs_every_step(tmp_path: Path) -> None:
    """CI runs the tests, the lints, the wheel, and the implementation's tests again without Numba."""
    assert run_ci(tmp_path, "nothing") == (
        0,
        ["true//test", "true//lint", "true//dist", "true/python/test ARGS=tests/impl properties"],
    )


@pytest.mark.parametrize("failing", ["test", "lint", "dist", "'test ARGS=tests/impl properties'"])
def test_ci_fails_with_any_step(tmp_path: Path, failing: str) -> None:
    """One failed step fails CI, and the steps after it still run."""
    code, calls = run_ci(tmp_path, failing)
    assert code == 1
    assert len(calls) == 4


# --- layers -------------------------------------------------------------------------------------------------

HOUSE = {
    "spec/mmspec/words.py": "",
    "spec/mmspec/errors.py": "",
    "spec/mmspec/pmap.py": "import immutables",
    "spec/mmspec/physical/buddy/ops.py": "import mmspec.words",
    "spec/mmspec/physical/buddy/core.py": "from mmspec.physical.buddy import ops",
    "impl/mmimpl/buddy.py": "import mmspec.words, mmspec.errors\nfrom mmspec.physical.buddy import ops",
    "properties/mmprops/judge.py": "import mmspec.physical.buddy.core, mmimpl.buddy",
    "proofs/mmproofs/solve.py": "import mmprops.judge, z3",
    "cli/mmspec_cli/main.py": "import mmproofs.solve",
}


def lint_imports(checkout: Path, changed: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run import-linter with this project's contracts on a small house in which some files are `changed`."""
    for name, text in (HOUSE | changed).items():
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
        for folder in path.parents[: len(Path(name).parts) - 2]:
            (folder / "__init__.py").touch()
    (checkout / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    roots = os.pathsep.join(str(checkout / package.split("/")[0]) for package in PACKAGES)
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": roots},
        check=False,
        capture_output=True,
        text=True,
    )


def test_lawful_imports_pass(tmp_path: Path) -> None:
    """Downward imports, and what the implementation may know of the law, are accepted."""
    done = lint_imports(tmp_path, {})
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "wrong"),
    [
        ("spec/mmspec/words.py", "import mmimpl.buddy"),
        ("impl/mmimpl/buddy.py", "import mmprops.judge"),
        ("proofs/mmproofs/solve.py", "import mmspec_cli.main"),
        ("impl/mmimpl/buddy.py", "from mmspec.physical.buddy import core"),
        ("impl/mmimpl/buddy.py", "import mmspec.pmap"),
        ("spec/mmspec/words.py", "import numpy"),
        ("spec/mmspec/words.py", "import immutables"),
    ],
)
def test_unlawful_imports_fail(tmp_path: Path, module: str, wrong: str) -> None:
    """An import against the layers, of the law's answers, or of a library that the law must not need, is found."""
    done = lint_imports(tmp_path, {module: wrong})
    assert done.returncode == 1
    assert re.search(r"Contracts: \d kept, [1-3] broken", done.stdout)
