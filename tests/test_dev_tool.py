"""tools/dev.py: which Python it takes, when it sets up what, what it says, how it ends."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import dev
from devtool import commands, distribution, pins, process, setup
from devtool.process import DevError

ROOT = Path(__file__).resolve().parents[1]
NO_ENSUREPIP = """
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "ensurepip" else real(name, package)
"""


def program(path: Path, text: str) -> Path:
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def interrupt(*_: object, **__: object) -> int:
    """Stands where a test has somebody press Ctrl-C."""
    raise KeyboardInterrupt


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own that setup() works on."""
    root = tmp_path / "checkout"
    (root / "spec/mmspec").mkdir(parents=True)
    (root / "spec/mmspec/__init__.py").write_text('"""Text."""\n__version__ = "1"\n')
    (root / "pyproject.toml").write_text("[project]\n")
    (root / "constraints.txt").write_text("attrs==1\n")
    monkeypatch.setattr(setup, "ROOT", root)
    monkeypatch.setattr(setup, "VENV", root / ".venv")
    monkeypatch.setattr(setup.wanted, "__defaults__", (root,))
    monkeypatch.delenv("CI", raising=False)
    return root


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What setup() did: 'venv' and 'install', neither of which really happens."""
    done: list[str] = []

    def no_process(*command: object, **_: object) -> int:
        done.append("venv" if "venv" in command else "install")
        return 0

    monkeypatch.setattr(setup, "run", no_process)
    return done


# --- the Python -----------------------------------------------------------------------------------------------


def test_door_is_readable_by_old_pythons() -> None:
    """tools/dev.py parses as Python 3.6, where a future import of annotations does not exist yet."""
    text = (ROOT / "tools" / "dev.py").read_text()
    tree = ast.parse(text, feature_version=(3, 6))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "__future__"]


def test_finds_a_python_that_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest sufficient Python is taken, past a version manager's shim that does not start."""
    program(tmp_path / "python3.11", "exit 127")
    works = program(tmp_path / "python3.12", f'exec "{sys.executable}" "$@"')
    program(tmp_path / "python3.13", f'exec "{sys.executable}" "$@"')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dev.find_python() == str(works)


def test_python_that_is_too_old_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A python3.12 that is older than it says is passed over."""
    program(tmp_path / "python3.12", f'exec "{sys.executable}" "$@"')
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(dev, "OLDEST", (3, 12) if sys.version_info < (3, 12) else (9, 0))
    assert dev.find_python() is None


def test_old_python_hands_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a Python that is too old, the same command goes on in the newer one."""
    newer = str(program(tmp_path / "python3.11", "exit 0"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "version_info", (3, 6, 8))
    called: list[tuple[str, list[str]]] = []

    def execv(path: str, arguments: list[str]) -> None:
        called.append((path, arguments))
        raise SystemExit

    monkeypatch.setattr(os, "execv", execv)
    with pytest.raises(SystemExit):
        dev.main(["test", "-x"])
    assert called == [(newer, [newer, str(ROOT / "tools" / "dev.py"), "test", "-x"])]


def test_no_python_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no newer Python, one line says which one to get."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "version_info", (3, 6, 8))
    assert dev.main(["test"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "3.11 or newer" in error
    assert "python3.11" in error


# --- the stamp ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[project]\nname = 'x'\n"),
        ("constraints.txt", "attrs==2\n"),
        ("spec/mmspec/__init__.py", '__version__ = "2"\n'),
    ],
)
def test_stamp_changes_with_what_is_installed(checkout: Path, name: str, text: str) -> None:
    """Another dependency, pin or version asks for another set-up."""
    before = setup.wanted(checkout)
    (checkout / name).write_text(text)
    assert setup.wanted(checkout) != before


def test_stamp_stays_with_the_sources(checkout: Path) -> None:
    """An edit of the sources asks for none: the install is an editable one."""
    before = setup.wanted(checkout)
    (checkout / "spec/mmspec/__init__.py").write_text('"""Other text."""\n__version__ = "1"\n')
    assert setup.wanted(checkout) == before


def test_stamp_knows_python_and_place(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are baked into a virtual environment, so another of either asks for a new one."""
    assert setup.wanted(checkout)["root"] == str(checkout)
    monkeypatch.setattr(sys, "version", "3.99.0")
    assert setup.wanted(checkout)["python"] == "3.99.0"


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_garbled_stamp_is_no_stamp(tmp_path: Path, text: str) -> None:
    """A stamp that cannot be read counts as none."""
    (tmp_path / setup.STAMP).write_text(text)
    assert setup.read_stamp(tmp_path) == {}


# --- set-up ---------------------------------------------------------------------------------------------------


def test_sets_up_once(checkout: Path, steps: list[str]) -> None:
    """The second command finds the work done."""
    setup.setup()
    assert steps == ["venv", "install"]
    setup.setup()
    assert steps == ["venv", "install"]


def test_new_dependency_updates_in_place(checkout: Path, steps: list[str]) -> None:
    """A changed pyproject.toml installs again without making the environment anew."""
    setup.setup()
    (checkout / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    setup.setup()
    assert steps == ["venv", "install", "install"]


def test_moved_checkout_starts_over(checkout: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that was made elsewhere is made anew: its scripts name the old place."""
    setup.setup()
    stamp = setup.read_stamp(checkout / ".venv")
    setup.write_stamp(checkout / ".venv", stamp | {"root": "elsewhere"})
    setup.setup()
    assert steps == ["venv", "install", "venv", "install"]


@pytest.mark.parametrize("interrupted", ["venv", "install"])
def test_half_finished_set_up_is_redone(
    checkout: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch, interrupted: str
) -> None:
    """After Ctrl-C at either step the next command starts over, from an empty folder."""
    whole = setup.run

    def cut_short(*command: str | Path, **_: object) -> int:
        if (interrupted == "venv") == ("venv" in command):
            (checkout / ".venv" / "half").touch()
            raise KeyboardInterrupt
        return whole(*command)

    monkeypatch.setattr(setup, "run", cut_short)
    with pytest.raises(KeyboardInterrupt):
        setup.setup()
    monkeypatch.setattr(setup, "run", whole)
    steps.clear()
    setup.setup()
    assert steps == ["venv", "install"]
    assert not (checkout / ".venv" / "half").exists()


def test_half_finished_update_is_redone(checkout: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C in an update the next command starts over: pip may have left half a package."""
    setup.setup()
    (checkout / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    whole = setup.run
    monkeypatch.setattr(setup, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        setup.setup()
    monkeypatch.setattr(setup, "run", whole)
    steps.clear()
    setup.setup()
    assert steps == ["venv", "install"]


def test_foreign_environment_is_left_alone(checkout: Path, steps: list[str]) -> None:
    """A .venv that somebody else made is neither used nor removed."""
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "theirs").touch()
    with pytest.raises(DevError, match=r"was not made by dev\.py: move it away"):
        setup.setup()
    assert (checkout / ".venv" / "theirs").exists()
    assert steps == []


def test_optional_extras_may_be_missing(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a solver has no binary, everything else is installed and the stamp says what is missing."""
    monkeypatch.setattr(setup, "run", lambda *command, **_: int(any("prove" in str(word) for word in command)))
    setup.setup()
    assert setup.read_stamp(checkout / ".venv")["missing"] == ["prove"]


def test_ci_misses_nothing(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI an extra that does not install is an error."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(setup, "run", lambda *command, **_: int(any("prove" in str(word) for word in command)))
    with pytest.raises(DevError, match=r"constraints\.txt"):
        setup.setup()


@pytest.mark.parametrize("module", ["ensurepip", "venv"])
def test_without_ensurepip(checkout: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """A Python without the parts that Debian packages apart gets one line with the package's name."""
    find: Callable[[str], object] = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else find(name))
    with pytest.raises(DevError, match=r"^install python3-venv [^\n]*$"):
        setup.setup()
    assert steps == []


def test_without_ensurepip_end_to_end(checkout: Path, tmp_path: Path) -> None:
    """The whole command ends with a code and that one line, and leaves no environment behind."""
    for name in ("dev.py", *(f"devtool/{path.name}" for path in (ROOT / "tools/devtool").glob("*.py"))):
        copy = checkout / "tools" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / "tools" / name).read_bytes())
    (tmp_path / "sitecustomize.py").write_text(NO_ENSUREPIP)
    done = subprocess.run(
        [sys.executable, checkout / "tools" / "dev.py", "setup"],
        env={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]},
        check=False,
        capture_output=True,
        text=True,
    )
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert [line for line in lines if "install python3-venv" in line] == lines[-1:]
    assert "Traceback" not in done.stderr
    assert not (checkout / ".venv").exists()


# --- commands -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["tset"]])
def test_unknown_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong command is a usage error that lists the right ones."""
    assert commands.main(arguments) == 2
    error = capsys.readouterr().err
    assert all(f"\n{name} " in error for name in commands.COMMANDS)


@pytest.mark.parametrize("arguments", [["setup", "x"], ["dist", "x"], ["pin", "x"], ["lint", "x"]])
def test_unknown_argument(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An argument that a command does not take is refused before anything is done."""
    assert commands.main(arguments) == 1
    assert f"'{arguments[0]}' takes" in capsys.readouterr().err


def test_interrupted_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends a command with exit code 130 and no traceback."""
    monkeypatch.setitem(commands.COMMANDS, "setup", interrupt)
    assert commands.main(["setup"]) == 130


def test_lint_runs_on_after_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One run shows the findings of every lint, and fails if any lint did."""
    ran = []

    def only_mypy_fails(*command: str | Path) -> int:
        ran.append(Path(command[0]).name)
        return int(ran[-1] == "mypy")

    monkeypatch.setattr(commands, "setup", lambda: None)
    monkeypatch.setattr(commands, "run", only_mypy_fails)
    assert commands.main(["lint"]) == 1
    assert ran == ["ruff", "ruff", "mypy", "lint-imports", "python"]
    assert "1 of 5 lints failed: mypy" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("test", ["-m", "pytest", "-n", "2", "--dist", "worksteal", "-k", "x"]),
        ("verify", ["verify", "-k", "x"]),
    ],
)
def test_what_the_commands_become(command: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """After its set-up a command becomes the program that it stands for, with the arguments it was given."""
    order: list[object] = []
    monkeypatch.setattr(commands, "setup", lambda: order.append("setup"))
    monkeypatch.setattr(commands, "become", lambda _program, *arguments: order.append(list(arguments)))
    commands.main([command, "-k", "x"])
    assert order == ["setup", words]


@pytest.mark.parametrize(("failing", "code"), [("", 0), ("pytest", 1), ("bugs", 1), ("mmproofs.nightly", 1)])
def test_nightly_writes_every_record_whatever_failed_before(failing: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the kills, then the proofs, then the tests; any failure fails the whole, and keeps none of the next from running."""
    ran: list[list[str]] = []

    def run(*command: str | Path) -> int:
        ran.append([str(word) for word in command[1:]])
        return int(failing in ran[-1])

    monkeypatch.setattr(commands, "setup", lambda: None)
    monkeypatch.setattr(commands, "run", run)
    assert commands.main(["nightly", "-k", "x"]) == code
    assert ran == [
        ["bugs", "--record"],
        ["-m", "mmproofs.nightly"],
        ["-m", "pytest", "-n", "2", "--dist", "worksteal", "--effort", "nightly", "-k", "x"],
    ]


# The second is what a caller that does not wait would be gone after; one that waits passes at any speed.
CLEANS_UP = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
try:
    print("up", flush=True)
    signal.pause()
except KeyboardInterrupt:
    time.sleep(1)
    print("cleaned", flush=True)
"""
WAITS = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from devtool.process import run
try:
    run(sys.executable, "-c", sys.argv[1])
except KeyboardInterrupt:
    print("passed on")
"""


def test_interrupt_waits_for_the_child() -> None:
    """A child that cleans up after Ctrl-C is waited for, and then the interrupt goes on."""
    command = [sys.executable, "-c", WAITS, CLEANS_UP]
    env = os.environ | {"PYTHONPATH": str(ROOT / "tools")}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "up\n"
        os.killpg(started.pid, signal.SIGINT)
        assert started.stdout.read() == "cleaned\npassed on\n"


def test_run_returns_the_exit_code() -> None:
    """The child's exit code is the caller's to judge."""
    assert process.run(sys.executable, "-c", "raise SystemExit(7)") == 7


# --- pins and distribution --------------------------------------------------------------------------------------


def test_constraints_are_names_and_versions() -> None:
    """What pip froze becomes sorted pins below the header."""
    assert pins.constraints("# comment\nzope==2\nAttrs==1\n") == pins.HEADER + "Attrs==1\nzope==2\n"


@pytest.mark.parametrize("line", ["-e ./x", "mmspec @ file:///x", "x==1 --hash=sha256:0", "x"])
def test_constraints_take_nothing_else(line: str) -> None:
    """A path, an address or a hash among the pins is refused."""
    with pytest.raises(ValueError, match="expected NAME==VERSION"):
        pins.constraints(f"attrs==1\n{line}\n")


def test_wheels_are_compared_by_name_and_contents(tmp_path: Path) -> None:
    """A member on one side only, or with other contents, is a difference; the order of members is none."""
    for name, members in {"a.whl": "bcd", "b.whl": "dCe"}.items():
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member in members:
                archive.writestr(member.lower(), member)
    left, right = (distribution.contents(tmp_path / name) for name in ("a.whl", "b.whl"))
    assert distribution.differences(left, left, left_name="A", right_name="B") == []
    assert distribution.differences(left, right, left_name="A", right_name="B") == [
        "only in A: b",
        "only in B: e",
        "differs: c",
    ]
    with pytest.raises(DevError, match="only in A"):
        distribution.refuse("x", ["only in A: b"])


def test_entry_points_of_a_wheel_are_compared_with_the_declared_ones(tmp_path: Path) -> None:
    """By group, name and address: a plugin that is left out, or misspelt, is a difference."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nscripts = { mm = "a:b" }\n[project.entry-points.pytest11]\nmm = "p.plugin"\nother = "p.other"\n'
    )
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("mm-1.dist-info/entry_points.txt", "[console_scripts]\nmm = a:b\n\n[pytest11]\nmm = p.plugni\n")
    shipped, declared = distribution.entry_points(tmp_path / "a.whl"), distribution.declared_entry_points(tmp_path)
    assert distribution.differences(shipped, declared, left_name="A", right_name="B") == [
        "only in B: pytest11 other",
        "differs: pytest11 mm",
    ]
    assert shipped["console_scripts mm"] == "a:b"


def test_package_files_are_what_git_would_take(tmp_path: Path) -> None:
    """Data counts, whether committed yet or not; what git ignores does not, unless it was committed all the same."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("*.zst\n*.pyc\n")
    folder = tmp_path / "properties/mmprops/data"
    folder.mkdir(parents=True)
    for name in ("new.json", "forced.zst", "junk.pyc"):
        (folder / name).write_text(name)
    (tmp_path / "other.py").touch()
    subprocess.run(["git", "-C", tmp_path, "add", "--force", folder / "forced.zst"], check=True)
    assert set(distribution.package_files(tmp_path)) == {"mmprops/data/new.json", "mmprops/data/forced.zst"}


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo Hello", "printed no JSON"),
        ("""echo '{"verdict":"fail"}'""", "ended with 0"),
        ("""echo '{"verdict":"pass"}'; exit 3""", "ended with 3"),
        ("echo '[]'", "ended with 0"),
    ],
)
def test_installed_program_must_pass(tmp_path: Path, script: str, complaint: str) -> None:
    """The installed program's answer counts only as JSON with the verdict pass and exit code 0."""
    with pytest.raises(DevError, match=complaint):
        distribution.answer(program(tmp_path / "mmspec", script), "list", cwd=tmp_path)


def test_installed_program_is_asked_for_json(tmp_path: Path) -> None:
    """An answer that passes is handed back, and the program was asked for JSON."""
    script = """[ "$*" = "list --format json" ] && echo '{"verdict":"pass","machines":[1]}'"""
    reply = distribution.answer(program(tmp_path / "mmspec", script), "list", cwd=tmp_path)
    assert json.loads(json.dumps(reply)) == {"verdict": "pass", "machines": [1]}
