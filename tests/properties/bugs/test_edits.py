"""Seeded bugs as edits: each fits the code exactly once, names a rule that exists, and stays in its process."""

from __future__ import annotations

import ast
import builtins
import dis
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import CodeType

import attrs
import pytest

from mmprops.bugs import BUGS, LAW, UNEXPRESSED, Bug, BugError, bug_named, install
from mmprops.bugs.bug import edited, edited_modules, located
from mmprops.machines import MACHINES, machine_named
from mmspec.clause import Clause
from mmspec.errors import InputError
from mmspec.physical.buddy import lists
from mmspec.profile import profile_named

SOURCE = """
def one(a):
    return a + a


class Two:
    def three(self):
        return 1
"""
LISTS = "mmspec.physical.buddy.lists"
MUSEUM = {f"BUD-{n:02}" for n in (1, 2, 4, 5, 6, 7, 10, 12, 15, 16, 17, 18)}

each_bug = pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)


# --- the collection --------------------------------------------------------------------------------------------------


def names_unknown(module: str, source: str) -> set[str]:
    """The names of globals that the functions of a module's source ask for, and that neither it nor Python has."""
    codes = [compile(source, module, "exec")]
    for code in codes:
        codes.extend(part for part in code.co_consts if isinstance(part, CodeType))
    asked = {i.argval for code in codes[1:] for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    return asked - vars(importlib.import_module(module)).keys() - vars(builtins).keys()


@each_bug
def test_each_edit_fits_once_compiles_and_uses_only_names_that_its_module_has(bug: Bug) -> None:
    """A wrong rule is told from a right one by what it does, not by a NameError."""
    modules = edited_modules(bug.patches).items()
    assert {name for module, (_, source) in modules for name in names_unknown(module, source)} == set()


@each_bug
def test_each_bug_breaks_a_rule_that_its_profile_holds_it_to(bug: Bug) -> None:
    """The rule exists, is in force under the bug's profile, and is of policy only if that profile follows the policy."""
    clause = machine_named(bug.component).component.clause(bug.clause)
    assert profile_named(bug.profile).holds_to(clause)


def test_ids_are_unique_and_ours_carry_the_prefix() -> None:
    """No id occurs twice, and one without BUG- is an id of the collection that is not listed as inexpressible."""
    ids = [bug.id for bug in BUGS]
    assert len(set(ids)) == len(ids)
    assert {i for i in ids if not i.startswith("BUG-")} & set(UNEXPRESSED) == set()
    buddys = {bug.id for bug in BUGS if bug.component == "buddy" and not bug.id.startswith("BUG-")}
    assert buddys == MUSEUM - {"BUD-06", "BUD-10"} | {"CMP-05"}


def test_every_entry_of_the_buddy_collection_is_a_bug_or_says_what_is_missing() -> None:
    """Each BUD entry is expressed or has a reason, and none is both."""
    expressed = {bug.id for bug in BUGS}
    assert expressed | set(UNEXPRESSED) >= MUSEUM
    assert not expressed & set(UNEXPRESSED)
    assert all(UNEXPRESSED.values())


@pytest.mark.parametrize("machine", MACHINES.names)
def test_every_clause_has_a_bug(machine: str) -> None:
    """For each rule there is a wrong version of it."""
    component = machine_named(machine).component
    assert {clause.id for clause in component.clauses} - {bug.clause for bug in BUGS} == set()


@cache
def law_text(module: str) -> dict[str, ast.stmt]:
    """What a module of the law and its neighbours define, by name: functions, and loops made of them; its own go first."""
    package = importlib.import_module(module.rpartition(".")[0])
    near = [f"{package.__name__}.{found.name}" for found in pkgutil.iter_modules(package.__path__)]
    texts = [inspect.getsource(importlib.import_module(name)) for name in sorted(near, key=lambda name: name == module)]
    body = [node for text in texts for node in ast.parse(text).body]
    functions: dict[str, ast.stmt] = {n.name: n for n in body if isinstance(n, ast.FunctionDef)}
    loops = {n.targets[0].id: n for n in body if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)}
    return functions | loops


def judges_of(name: str) -> set[str]:
    """What judges the answers of the operations that a function of the law applies: the other half of their rule."""
    operations = [operation for machine in MACHINES for operation in machine.component.operations]
    return {operation.allowed.__name__ for operation in operations if operation.apply.__name__ == name}


def marks_near(function: str) -> set[str]:
    """The clauses marked by a function of the law, by what names it, by what names that, and so once more; and by their loops."""
    spec, name = located(function)
    law = law_text(spec.name)
    text = {name: {a.id for a in ast.walk(node) if isinstance(a, ast.Name)} for name, node in law.items()}
    near = {name} | judges_of(name)
    for _ in range(3):
        near |= {name for name, names in text.items() if names & near}
    loops = {name for name, node in law.items() if isinstance(node, ast.Assign)}
    run = {name for one in near & text.keys() for name in text[one] & loops}
    near |= {part for loop in run for part in text[loop]}
    marks = [a.attr for name in near & text.keys() for a in ast.walk(law[name]) if isinstance(a, ast.Attribute)]
    clauses = importlib.import_module(f"{spec.name.rpartition('.')[0]}.clauses")
    return {c.id for mark in marks if isinstance(c := getattr(clauses, mark, None), Clause)}


@pytest.mark.by_turns(6)
@pytest.mark.parametrize(
    "bug",
    [b for b in BUGS if b.client == "impl" and profile_named(b.profile).chooses and b.edits(LAW)],
    ids=lambda bug: bug.id,
)
def test_a_bug_of_policy_edits_the_text_of_its_rule(bug: Bug) -> None:
    """The law's function that is edited, or one that leads to it, marks the rule that the bug names."""
    marks = set().union(*(marks_near(function) for function in bug.edits(LAW)))
    if f"{LISTS}.smallest" in bug.patches:  # it only looks: the rule is marked where the block that it names is taken
        marks |= marks_near(f"{LISTS}.take_listed")
    assert bug.clause in marks


# --- one edit --------------------------------------------------------------------------------------------------------


def test_an_edit_changes_only_its_function() -> None:
    """The rest of the module stays as it is."""
    assert edited(SOURCE, "Two.three", ("return 1", "return 2")) == SOURCE.replace("return 1", "return 2")


@pytest.mark.parametrize(
    ("name", "edit", "says"),
    [
        ("one", ("b", "c"), "0 times"),
        ("one", ("a", "b"), "3 times"),
        ("one", ("return", "return"), "changes nothing"),
        ("one", ("return 1", "return 2"), "0 times"),
        ("four", ("a", "b"), "no function four"),
        ("Two", ("1", "2"), "no function Two"),
        ("Two.four", ("1", "2"), "no function Two.four"),
    ],
)
def test_an_edit_that_does_not_fit_is_an_error(name: str, edit: tuple[str, str], says: str) -> None:
    """Text that is not there exactly once in the function, or a function that is not there, is refused with what is wrong."""
    with pytest.raises(BugError, match=says):
        edited(SOURCE, name, edit)


@pytest.mark.parametrize("function", ["mmspec.nowhere.f", "no_such_package.f", "f", "builtins.len"])
def test_a_function_in_no_module_is_an_error(function: str) -> None:
    """A dotted name that leads to no source is refused."""
    with pytest.raises(BugError):
        edited_modules({function: ("a", "b")})


# --- installing ------------------------------------------------------------------------------------------------------


def in_python(program: str) -> str:
    """What a program prints in a process of its own."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_an_installed_bug_is_what_everybody_there_sees() -> None:
    """Behind the import the function behaves as edited, and its source reads so."""
    seen = in_python(
        "import inspect; from mmprops.bugs import bug_named, install; install(bug_named('BUG-LAW-MERGES-SHORT'))\n"
        "from mmspec.physical import buddy; from mmspec.physical.buddy.core import merge_more, MERGE\n"
        "assert MERGE.head is merge_more\n"
        "print(merge_more({1: 0}, 1, 0, 0), 'max_order - 1' in inspect.getsource(merge_more))"
    )
    assert seen == "False True"


def test_the_files_of_the_product_stay_as_they_are() -> None:
    """A process that starts after a bug was installed in another one knows nothing of it."""
    bug = attrs.asdict(bug_named("BUG-LAW-MERGES-SHORT"))
    before = Path(inspect.getfile(lists)).with_name("core.py").read_bytes()
    in_python(f"""
import json; from mmprops.bugs import Bug, install; install(Bug(**json.loads({json.dumps(bug)!r})))
import mmspec.physical.buddy""")
    assert Path(inspect.getfile(lists)).with_name("core.py").read_bytes() == before
    assert in_python("from mmspec.physical.buddy.core import merge_more; print(merge_more({1: 0}, 1, 0, 0))") == "True"


def test_importing_the_bugs_imports_nothing_that_they_edit() -> None:
    """Otherwise no bug could be installed: it would come too late."""
    modules = sorted({name for bug in BUGS for name in edited_modules(bug.patches)})
    assert in_python(f"import sys, mmprops.bugs; print([m for m in {modules} if m in sys.modules])") == "[]"


def test_a_bug_that_comes_too_late_is_an_error() -> None:
    """This process has imported the law, so no bug can be installed in it."""
    with pytest.raises(BugError, match="too late"):
        install(bug_named("BUD-05"), LAW)


def test_a_bug_without_an_edit_in_a_package_cannot_be_installed_there() -> None:
    """Asking for the law's edit of a bug that has none is an error, not an empty success."""
    with pytest.raises(BugError, match="edits nothing in mmspec"):
        install(bug_named("BUG-TAKE-BUSY"), LAW)


@pytest.mark.parametrize(("bug_id", "says"), [("BUD-06", "page references"), ("BUD-99", "unknown bug")])
def test_an_id_that_is_no_bug_says_why(bug_id: str, says: str) -> None:
    """An id that cannot be expressed yet is told from one that does not exist."""
    with pytest.raises(InputError, match=says):
        bug_named(bug_id)
