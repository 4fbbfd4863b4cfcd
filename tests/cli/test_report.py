"""The report without a browser: what is gathered, what a missing source says, and a page that holds all of it and no more."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from tests.cli.report_facts import BENCH, BUDDY, HOSTILE, KILLS, facts

from mmprops import failure
from mmprops.bugs import record
from mmprops.machines import MACHINES
from mmprops.program import Program
from mmspec.errors import FileError, InputError, MmspecError
from mmspec.physical.buddy.ops import Alloc, Config, Page
from mmspec_cli.output import run
from mmspec_cli.program import cli
from mmspec_cli.report import assemble, gather, stories

REPORT = files("mmspec_cli.report")
LIMIT = 512 << 10
"""Most bytes of the page, for each machine."""


class Parsed(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inside = False  # an element whose text is kept
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        self.inside = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        self.inside = False

    def handle_data(self, data: str) -> None:
        """Keep the text of a script or a style."""
        if self.inside:
            tag, attributes = self.elements[-1]
            name = attributes.get("id") or tag
            self.texts[name] = self.texts.get(name, "") + data

    @property
    def data(self) -> Any:
        """The facts on it."""
        return json.loads(self.texts["data"])


# --- the page ------------------------------------------------------------------------------------------------------------


def test_the_facts_on_the_page_are_the_facts() -> None:
    """To the character, and whatever text they hold stays within its element."""
    parsed = Parsed(assemble.page(facts()))
    assert parsed.data == json.loads(json.dumps(facts()))
    assert [tag for tag, _ in parsed.elements].count("script") == 2
    assert "b" not in [tag for tag, _ in parsed.elements]


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "]]>", "\u2028\u2029", "\ud800", "\0", HOSTILE, "@SCRIPT@ @DATA@"])
def test_any_text_can_be_a_fact(text: str) -> None:
    """Half a surrogate pair, and the marks of the template, among them."""
    assert Parsed(assemble.page({"text": text})).data == {"text": text}
    assert not set("<>&").intersection(assemble.embedded({"text": text}))


def test_the_page_fetches_nothing() -> None:
    """No element names anything outside of it."""
    page = assemble.page(facts())
    for _, attributes in Parsed(page).elements:
        assert not {"src", "srcset", "action", "data", "background"} & attributes.keys()
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"url\(|@import|@font-face", Parsed(page).texts["style"])


def test_the_policy_names_our_script_and_style_and_nothing_else() -> None:
    """By the hash of their text."""
    parsed = Parsed(assemble.page(facts()))
    (policy,) = [a["content"] for t, a in parsed.elements if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    hashes = {
        name: base64.b64encode(hashlib.sha256(parsed.texts[name].encode()).digest()).decode() for name in ("style", "script")
    }
    allowed = f"style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'"
    assert policy == f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize("name", assemble.SCRIPTS)
def test_scripts_make_no_markup_of_text(name: str) -> None:
    """And neither fetch nor evaluate anything."""
    source = (REPORT / "page" / name).read_text()
    forbidden = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|fetch\(|XMLHttp|WebSocket|\bimport\b"
    assert re.findall(forbidden, source) == []


def test_every_script_of_the_folder_is_on_the_page() -> None:
    """None is left out."""
    assert {entry.name for entry in (REPORT / "page").iterdir() if entry.name.endswith(".js")} == set(assemble.SCRIPTS)


@pytest.mark.parametrize("machine", MACHINES.names)
def test_nothing_generic_names_a_machine(machine: str) -> None:
    """What the report knows of it is data; a field of a capture may have the same name."""
    sources = [s for s in [*REPORT.iterdir(), *(REPORT / "page").iterdir()] if s.is_file() and s.name != "trusted.md"]
    name = re.compile(rf"(?:(?:physical|virtual)\.|(?<![.\w])){machine}(?!\w)", re.IGNORECASE)
    assert [source.name for source in sources if name.search(source.read_text())] == []


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What stood there stays, and nothing is left beside it."""
    out = tmp_path / "report.html"
    assemble.write(facts(), out)
    before = out.read_bytes()
    with pytest.raises(ValueError, match="JSON compliant"):
        assemble.write({"no": float("nan")}, out)
    assert (out.read_bytes(), [entry.name for entry in tmp_path.iterdir()]) == (before, ["report.html"])


def test_a_page_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    """Which names it."""
    with pytest.raises(FileError, match="cannot be written: No such file or directory") as refused:
        assemble.write(facts(), tmp_path / "nowhere" / "report.html")
    assert refused.value.where == str(tmp_path / "nowhere" / "report.html")


# --- benchmarks ----------------------------------------------------------------------------------------------------------


def measured(folder: Path, text: str) -> Any:
    """Return the section of a file of this text."""
    (folder / "bench.json").write_text(text)
    return gather.measured(folder / "bench.json")


def test_rows_of_several_sizes_are_curves(tmp_path: Path) -> None:
    """Of ours and of each anchor, by log2 of the size."""
    section = measured(tmp_path, json.dumps({"rows": BENCH}))
    assert section["rows"] == BENCH
    assert [(curve["name"], curve["side"]) for curve in section["curves"]] == [("random", "ours"), ("random", "C")]
    assert section["curves"][0]["points"] == [(10, 30.0), (14, 34.0), (18, 38.0)]


@pytest.mark.parametrize("names", [("a row", "a row"), ("at 2^10 pages",), ("growth 2^10 to 2^18", "growth 2^14 to 2^24")])
def test_a_row_alone_is_no_curve(names: tuple[str, ...]) -> None:
    """Nor are those that speak of no size, or of two."""
    assert gather.curves([BENCH[0] | {"name": name} for name in names]) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no JSON object with rows"),
        ("[]", "is no JSON object with rows"),
        ('{"rows": 3}', "has a row without"),
        ('{"rows": [{"name": "x"}]}', "has a row without name, unit, ours, anchors"),
        ('{"rows": [{"name": "x", "unit": "ns", "ours": NaN, "anchors": {}}]}', "is no JSON object with rows"),
    ],
)
def test_a_file_that_is_no_benchmark_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """With its name."""
    with pytest.raises(FileError, match=said) as refused:
        measured(tmp_path, text)
    assert refused.value.where == str(tmp_path / "bench.json")


# --- what is trusted -----------------------------------------------------------------------------------------------------


def test_what_is_trusted_is_read_from_its_page() -> None:
    """Every row of the table, and the list of what is not proved."""
    section = gather.trusted()
    page = (Path(__file__).parents[2] / gather.TRUSTED).read_text()
    assert len(section["rows"]) == page.count("\n| ") - 1
    assert section["rows"][0]["what"].startswith("the lifter")
    assert len(section["not_proved"]) == page.partition("Not proved")[2].count("\n- ") > 0


def test_a_page_of_another_form_is_an_error() -> None:
    """Rather than an empty answer to what is trusted."""
    with pytest.raises(MmspecError, match="no table of what is trusted"):
        gather.trusted_of("# What is trusted\n\nEverything.\n")


# --- stories -------------------------------------------------------------------------------------------------------------

PROGRAM = Program("buddy", Config(0x100, 0x110, 3), (("alloc", Alloc(1)), ("alloc", Alloc(0))))
SAID = {"clause": "BUDDY-ALLOC-FREE", "profile": "any", "client": HOSTILE, "explanation": "as it was"}


def kept(folder: Path, monkeypatch: pytest.MonkeyPatch, **note: Any) -> Path:
    """Write a failure file whose second allocation gets a frame of the first."""
    monkeypatch.chdir(folder)
    fields = BUDDY.sent(BUDDY.own_capabilities)
    replies = [failure.reply_json(reply) for reply in (Page(0x100), Page(0x101))]
    return failure.write(BUDDY, PROGRAM, (0x100, 0x101), SAID | {"replies": replies} | note, fields)


def test_a_failure_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step by step, up to the one that is broken."""
    kept(tmp_path, monkeypatch)
    section = stories.failures(None)
    (told,) = section["rows"]
    assert (told["kind"], told["note"]["client"], section["more"]) == ("failure", HOSTILE, 0)
    assert [scene["broken"] for scene in told["scenes"]] == [None, "BUDDY-ALLOC-FREE"]
    assert told["scenes"][1]["says"].startswith("Alloc(order=0) was answered Page(pfn=0x101)")


def test_a_verdict_on_more_than_the_replies_is_told_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the last step: a list of the implementation, or a client that died, is not in what it answered."""
    kept(tmp_path, monkeypatch, replies=[failure.reply_json(Page(0x100)), None], clause="CLIENT-DIED")
    (told,) = stories.failures(None)["rows"]
    last = told["scenes"][-1]
    assert (last["broken"], last["says"], last["reply"]) == ("CLIENT-DIED", "as it was", None)


def test_a_failure_without_replies_lists_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of an earlier version has none."""
    kept(tmp_path, monkeypatch, replies=None)
    (told,) = stories.failures(None)["rows"]
    assert "run the program again" in told["missing"]
    assert [name for name, _ in told["steps"]] == ["alloc", "alloc"]


@pytest.mark.parametrize(
    ("note", "said"),
    [({"profile": "kernel-9"}, "kernel-9"), ({"profile": None}, "profile"), ({"capabilities": {"min_order": -1}}, "min_order")],
)
def test_a_damaged_note_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note: dict[str, Any], said: str) -> None:
    """And the rest of the report is written all the same."""
    kept(tmp_path, monkeypatch, **note)
    (told,) = stories.failures(None)["rows"]
    assert told["kind"] == "damaged"
    assert said in told["error"]


def test_a_cut_off_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its line."""
    path = kept(tmp_path, monkeypatch)
    path.write_bytes(path.read_bytes()[:-20])
    (told,) = stories.failures(tmp_path / failure.FOLDER)["rows"]
    assert (told["kind"], f"{path.name}:" in told["error"]) == ("damaged", True)


def test_the_newest_failures_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the others counted."""
    monkeypatch.setattr(stories, "MOST", 2)
    paths = [kept(tmp_path, monkeypatch, client=f"client {number}") for number in range(4)]
    for age, path in enumerate(paths):
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    section = stories.failures(None)
    assert ([told["title"] for told in section["rows"]], section["more"]) == ([path.name for path in paths[:2]], 2)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Where it was named; the usual one need not be there."""
    with pytest.raises(InputError, match="no folder"):
        stories.failures(tmp_path / "nowhere")


def test_a_seeded_bug_stands_in_for_a_failure() -> None:
    """Labelled as what it is, and only one that has a story."""
    (told,) = stories.demonstration({"rows": KILLS})
    assert (told["kind"], told["title"], told["note"]["client"]) == ("demonstration", "BUG-A", "BUG-A")
    assert told["scenes"]
    assert stories.demonstration({"missing": "x"}) == []


# --- kills ---------------------------------------------------------------------------------------------------------------


def test_a_kill_says_what_was_planted() -> None:
    """And tells the program that shows it."""
    row = {name: value for name, value in KILLS[0].items() if name not in ("story", "what", "reference")} | {"id": "BUD-01"}
    row["program"] = {
        "config": failure.config_json(PROGRAM.config),
        "steps": failure.program_json(PROGRAM),
        "replies": [failure.reply_json(reply) for reply in (Page(0x100), Page(0x101))],
    }
    section = gather.killed([row, row | {"id": "gone", "program": None, "seconds": 4.0}])
    first, second = section["rows"]
    assert first["what"] == "a freed block is listed before it is merged and never taken out again"
    assert first["story"]["scenes"][-1]["broken"] == "BUDDY-ALLOC-FREE"
    assert second["story"] is None
    assert section["medians"] == {"seconds": 3.0, "shrunk_ops": 4}
    assert "program" not in first


def test_no_kill_has_no_median() -> None:
    """Rather than one of nothing."""
    assert gather.medians([row | {"killed": False} for row in KILLS]) == {"seconds": None, "shrunk_ops": None}


@pytest.mark.parametrize(("rows", "said"), [({}, "no kill is on record here"), ({"BUD-01": KILLS[0]}, "of another text")])
def test_without_kills_the_section_says_why(monkeypatch: pytest.MonkeyPatch, rows: dict[str, Any], said: str) -> None:
    """There is no record, or one whose hashes are of other functions."""
    monkeypatch.setattr(gather.record, "read", lambda: record.Record(bugs=rows))
    section = gather.seeded_bugs()
    assert list(section) == ["missing"]
    assert said in section["missing"]
    assert "`mmspec bugs --record`" in section["missing"]


# --- the command ---------------------------------------------------------------------------------------------------------


def mmspec(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder."""
    command = [sys.executable, "-m", "mmspec_cli.main", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the whole project, written by the command."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "bench.json").write_text(json.dumps({"rows": BENCH}))
    done = mmspec(folder, "report", "--out", "page.html", "--bench", "bench.json", "--format", "json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verdict"], answer["path"]) == (0, "pass", "page.html"), done
    return folder / "page.html"


def test_the_whole_project_fits_a_small_page(whole: Path) -> None:
    """Under half a MiB for each machine."""
    assert whole.stat().st_size < LIMIT * len(MACHINES)


def test_the_page_has_every_section(whole: Path) -> None:
    """Each as it was gathered, or with the command that finds it out."""
    data = Parsed(whole.read_text(encoding="utf-8")).data
    assert set(data) == set(facts())
    assert len(data["obligations"]) > 400
    assert {row["row"] for row in data["obligations"]} <= set(data["matrix"])
    assert all(row["column"] in data["matrix"][row["row"]] for row in data["obligations"])
    assert all(number < len(data["functions"]) for row in data["obligations"] for number in row["subject"])
    assert data["bench"]["rows"] == BENCH


def test_the_real_system_is_named(whole: Path) -> None:
    """Kernel and machine of the packaged capture, and what agreed."""
    (real,) = Parsed(whole.read_text(encoding="utf-8")).data["real"]
    assert (real["kernel"], real["cpus"], real["nodes"], real["verdict"]) == ("6.12.117+deb12-cloud-amd64", 1, 1, "pass")
    assert real["memory_kib"] == 476036
    assert [(run["engine"], run["lists_equal"], run["lists_compared"]) for run in real["replays"]] == [
        ("spec", 22, 22), ("impl", 22, 22), ("spec", 110, 110), ("impl", 110, 110),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "where"), [(("--bench", "nowhere.json"), 4, "nowhere.json"), (("--failures", "nowhere"), 2, "nowhere")]
)
def test_what_was_named_and_is_not_there_is_an_error(tmp_path: Path, arguments: tuple[str, str], code: int, where: str) -> None:
    """At once, before anything is gathered."""
    done = mmspec(tmp_path, "report", *arguments, "--format", "json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verdict"], answer["error"]["where"]) == (code, "error", where)
    assert list(tmp_path.iterdir()) == []


def test_verify_ends_with_a_report_of_its_steps(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What the steps before it came to is on it."""
    verify = import_module("mmspec_cli.commands.verify")  # its package has the command under this name
    monkeypatch.setattr(verify, "steps", lambda: iter([verify.Step("one", None, lambda: ("pass", "so"))]))
    monkeypatch.setattr(verify, "gather", lambda steps: {"steps": [dict(step) for step in steps]})
    written: dict[Path, Any] = {}
    monkeypatch.setattr(verify, "write", lambda page, out: written.update({out: page}))
    assert run(cli, ["verify", "--format", "json"]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert [(step["name"], step["verdict"]) for step in steps] == [("one", "pass"), ("report", "pass")]
    assert written == {Path("report.html"): {"steps": steps[:1]}}


def test_a_report_names_the_commit_that_it_is_of() -> None:
    """With a plus where the checkout has changed since."""
    root = Path(__file__).parents[2]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
    found = gather.commit()
    assert found is not None
    assert found.removesuffix("+") == head
