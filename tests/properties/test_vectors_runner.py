"""The runner of vectors in JavaScript: replays without Python, and says in one line what was wrong, or why nothing was judged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import attrs
import pytest

pytestmark = pytest.mark.needs_node

ROOT = Path(__file__).resolve().parents[2]
RUNNER = files("mmprops.examples") / "vectors" / "vectors.js"
ANY = ROOT / "vectors" / "buddy" / "any.jsonl"
CLIENT = files("mmprops.examples") / "js" / "mybuddy.js"


@attrs.frozen
class Done:
    """What came of a run."""

    code: int
    out: list[str]
    err: str


def run(*words: str | Path) -> Done:
    """Run the runner where there is no Python."""
    node = shutil.which("node")
    assert node is not None
    environment = {"PATH": str(Path(node).parent)}
    done = subprocess.run(
        [node, str(RUNNER), *map(str, words)], capture_output=True, text=True, timeout=120, env=environment, check=False
    )
    return Done(done.returncode, done.stdout.splitlines(), done.stderr)


def node_client(tmp_path: Path, before: str = "", after: str = "") -> list[str]:
    """Return the command of the example client, ``before`` changed to ``after`` in its source."""
    source = CLIENT.read_text()
    assert not before or source.count(before) == 1
    page = tmp_path / "client.js"
    page.write_text(source.replace(before, after) if before else source)
    return ["node", str(page)]


def one_vector(tmp_path: Path, *steps: tuple[str, dict[str, object], dict[str, object]], **fields: object) -> Path:
    """Write a file with one vector on four frames."""
    vector = {"schema": 1, "machine": "buddy", "id": "one", "kernel": None, "profile": "any", "needs": {}, "assumes": {}}
    config = {"start_pfn": "0x0", "end_pfn": "0x4", "max_order": 2}
    written = [{"op": op, "args": args, "expect": expect} for op, args, expect in steps]
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({**vector, "clauses": [], "config": config, "steps": written, **fields}) + "\n")
    return path


def test_the_example_meets_every_vector_that_it_may_be_asked(tmp_path: Path) -> None:
    """And the last lines count what it may not."""
    done = run(ANY, "--", *node_client(tmp_path))
    assert (done.code, done.err) == (0, "")
    met, total = (int(done.out[0].split()[at]) for at in (1, 3))
    assert done.out[0] == f"pass {met} of {total} vectors met"
    assert met == total > 60
    skipped = [int(line.split()[0]) for line in done.out[1:]]
    assert met + sum(skipped) == len(ANY.read_text().splitlines())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("while (have-- > order)", "while (have-- > order + 1)"),
        ("if (!this.free[order].delete(buddy)) break;", "if (order === 1 || !this.free[order].delete(buddy)) break;"),
        ("if (order > buddy.maxOrder)", "if (order > buddy.maxOrder + 1)"),
        ("this.live.delete(pfn);", ""),
        ("for (let pfn = start; pfn < end; pfn++)", "for (let pfn = start; pfn <= end; pfn++)"),
    ],
    ids=["loses halves", "does not merge", "takes an order too large", "frees twice", "one frame too many"],
)
def test_a_slip_in_the_example_is_caught(before: str, after: str, tmp_path: Path) -> None:
    """Each vector that is not met has one line with its id and step, what was expected and what came."""
    done = run(ANY, "--", *node_client(tmp_path, before, after))
    assert done.code == 1
    lines = [line for line in done.out if line.startswith("fail buddy-any-")]
    assert lines
    assert all(" step " in line and ": expected {" in line and (", got {" in line or ", got nothing" in line) for line in lines)
    assert any(line.startswith("fail ") and line.endswith(" vectors met") for line in done.out)


ALLOC = ("alloc", {"order": 0}, {"free_aligned": 0})
ANSWERS = [
    ('{ pfn: hex(pfn) }', '{ note: 1, pfn: "0X0" + pfn.toString(16) }', 0),
    ('{ pfn: hex(pfn) }', '{ pfn: hex(pfn + 4) }', 1),
    ('{ pfn: hex(pfn) }', '{ pfn: pfn }', 1),
    ('{ pfn: hex(pfn) }', '{ pfn: "0x0" }', 1),
    ('{ result: { pfn: hex(pfn) } }', '{ result: null }', 1),
    ('{ result: { pfn: hex(pfn) } }', '{ result: { pfn: hex(pfn) }, error: "ENOMEM" }', 1),
    ('{ result: { pfn: hex(pfn) } }', '{ error: "ENOMEM" }', 1),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "code"), ANSWERS, ids=[after for _, after, _ in ANSWERS])
def test_a_block_must_be_free_aligned_and_inside(before: str, after: str, code: int, tmp_path: Path) -> None:
    """However its number is written, and whatever stands beside it."""
    path = one_vector(tmp_path, ALLOC, ALLOC, ("free", {"pfn": {"ref": 1}, "order": 0}, {"equals": {"result": {}}}), ALLOC)
    assert run(path, "--", *node_client(tmp_path, before, after)).code == code


@pytest.mark.parametrize(("written", "code"), [("0X00", 0), ("0x1", 1), ("zero", 1)])
def test_an_equal_number_may_be_written_otherwise(written: str, code: int, tmp_path: Path) -> None:
    """In upper case, with zeros before it."""
    path = one_vector(tmp_path, ("alloc", {"order": 2}, {"equals": {"result": {"pfn": "0x0"}}}))
    assert run(path, "--", *node_client(tmp_path, "{ pfn: hex(pfn) }", f'{{ pfn: "{written}" }}')).code == code


def test_a_client_that_does_not_start_again_has_failed_all_the_same(tmp_path: Path) -> None:
    """What was found out before counts."""
    mark = tmp_path / "been here"
    dies = f"""const fs = require("node:fs"); if (fs.existsSync({str(mark)!r})) process.exit(4);
      if (request.do === "reset") {{ fs.writeFileSync({str(mark)!r}, ""); process.exit(3); }}"""
    before = "const request = JSON.parse(line);"
    done = run(one_vector(tmp_path, ALLOC), "--", *node_client(tmp_path, before, before + dies))
    assert done.out == ['fail one reset: expected {"ok":true}, got nothing: the client died (exit code 3)']
    assert (done.code, done.err) == (1, "vectors.js: the client died (exit code 4)\n")


def test_a_block_of_two_must_be_aligned(tmp_path: Path) -> None:
    """A pair of free frames at an odd one is none."""
    pair = ("alloc", {"order": 1}, {"free_aligned": 1})
    done = run(one_vector(tmp_path, pair), "--", *node_client(tmp_path, "{ pfn: hex(pfn) }", '{ pfn: "0x1" }'))
    assert done.out[0] == 'fail one step 0 alloc {"order":1}: expected {"free_aligned":1}, got {"result":{"pfn":"0x1"}}'


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"needs": {"holes": True}}, "1 skipped: the client does not promise holes"),
        ({"assumes": {"observe": False}}, "1 skipped: the client names another observe"),
        ({"machine": "tlb"}, "1 skipped: the client does not offer tlb"),
    ],
)
def test_a_vector_that_is_not_for_the_client_is_skipped(fields: dict[str, object], said: str, tmp_path: Path) -> None:
    """And where none is for it nothing was judged."""
    done = run(one_vector(tmp_path, ALLOC, **fields), "--", *node_client(tmp_path))
    assert (done.code, done.out) == (2, [])
    assert said in done.err


def test_what_a_client_does_not_support_is_no_failure(tmp_path: Path) -> None:
    """It is counted, with the client's reason."""
    done = run(ANY, "--", *node_client(tmp_path, "free_count() {", "free_frames() {"))
    assert done.code == 0
    assert any(line.endswith("does not support free_count: unknown operation free_count") for line in done.out)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("process.exit(3);", "died (exit code 3)"),
        ('console.log("a debugging print");', "wrote a line that is no JSON object: a debugging print"),
        ('process.stdout.write("x".repeat(2 ** 21)); return;', "wrote a line of more than 1 MiB"),
    ],
)
def test_a_client_that_is_gone_misses_the_vector_and_is_started_again(after: str, said: str, tmp_path: Path) -> None:
    """Others are judged all the same."""
    steps = [ALLOC, ("free_count", {}, {"equals": {"result": {"count": 3}}})]
    path = one_vector(tmp_path, *steps)
    path.write_text(path.read_text() + one_vector(tmp_path, ALLOC, id="two").read_text())
    before = "const request = JSON.parse(line);"
    done = run(path, "--", *node_client(tmp_path, before, f'{before} if (request.op === "free_count") {{ {after} }}'))
    expected = 'step 1 free_count {}: expected {"equals":{"result":{"count":3}}}, got nothing: the client '
    assert done.out == [f"fail one {expected}{said}", "fail 1 of 2 vectors met"]
    assert done.code == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which files and which client?"),
        ([ANY], "which files and which client?"),
        (["--", "node"], "which files and which client?"),
        (["nosuch.jsonl", "--", "node"], "cannot read nosuch.jsonl: ENOENT"),
        ([ANY, "--", "./nosuch"], "the client does not start: spawn ./nosuch ENOENT"),
        ([ANY, "--", "node", "-e", ""], "the client died (exit code 0)"),
        ([ANY, "--", "node", "-e", "console.log('{\"protocol\":2}')"], "the client does not speak protocol 1"),
    ],
)
def test_where_nothing_is_judged_the_exit_code_is_2(words: list[str | Path], said: str) -> None:
    """In one line that says why."""
    done = run(*words)
    assert (done.code, done.out) == (2, [])
    assert done.err.startswith(f"vectors.js: {said}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it does not end with a whole line"),
        ('{"schema":1', "the file was cut off"),
        ('{"schema":1}\n', ":1: no vector"),
    ],
)
def test_a_damaged_file_is_named(text: str, said: str, tmp_path: Path) -> None:
    """With its line where it has one."""
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    done = run(path, "--", "node")
    assert done.code == 2
    assert done.err.startswith(f"vectors.js: {path}:")
    assert said in done.err


def test_it_is_less_than_200_lines() -> None:
    """So that somebody can write it anew in another language in an evening."""
    assert len(RUNNER.read_text().splitlines()) < 200


def test_a_client_in_python_is_replayed_as_well(tmp_path: Path) -> None:
    """The line protocol is all that it needs to speak."""
    client = tmp_path / "client.py"
    client.write_text(
        "import json, sys\n"
        "from mmprops.examples.python.mybuddy import Highest\n"
        "body = Highest()\n"
        "for line in sys.stdin:\n"
        "    ask = json.loads(line)\n"
        "    if ask['do'] == 'bye': break\n"
        "    reply = {'hello': lambda: body.hello(), 'reset': lambda: body.reset(ask['machine'], ask['config']),\n"
        "             'op': lambda: body.apply(ask['op'], ask['args'])}[ask['do']]()\n"
        "    print(json.dumps(reply), flush=True)\n"
    )
    path = ":".join(filter(None, sys.path))
    assert run(ANY, "--", "env", f"PYTHONPATH={path}", sys.executable, client).code == 0
