"""``--junit FILE``: what servers of continuous integration are told of a command's runs, however it ends."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.junit import properties_of, suite_of

from mmspec_cli.junit import clean, reporting
from mmspec_cli.output import run
from mmspec_cli.program import cli

CLIENT = r'''
"""A client that is right, wrong or unable, by the word that it is given, and that writes what XML cannot hold."""
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["do"] == "hello":
        reply = {"protocol": 1, "name": "odd \x00\x1b\ufffe", "machines": ["buddy"]}
    elif message["do"] == "reset":
        reply = {"ok": True}
    elif sys.argv[1] == "wrong":
        print("\x07 & <here>", file=sys.stderr, flush=True)
        sys.exit(1)
    else:
        reply = {"unsupported": "not \x01 today"}
    print(json.dumps(reply), flush=True)
'''


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a client in it."""
    (tmp_path / "client.py").write_text(CLIENT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def conform(word: str, *more: str) -> tuple[int, str]:
    """Hold a client against the law; exit code, and the client's name."""
    client = f"exec:{sys.executable} client.py {word}"
    return run(cli, ["conform", "buddy", "--client", client, "--ops", "300", "--junit", "junit.xml", *more]), client


def test_a_run_that_passes_is_a_testcase_with_properties(here: Path) -> None:
    """What the verdict rests on, by the names that the JSON has."""
    assert run(cli, ["check", "buddy", "--ops", "300", "--seed", "3", "--junit", "junit.xml"]) == 0
    (case,) = suite_of(here / "junit.xml")
    assert (case.attrib["classname"], case.attrib["name"]) == ("mmspec.buddy", "impl")
    assert [child.tag for child in case] == ["properties"]
    noted = properties_of(case)
    assert {name: noted[name] for name in ("machine", "client", "profile", "verdict", "seed")} == {
        "machine": "buddy", "client": "impl", "profile": "linux", "verdict": "pass", "seed": "3",
    }  # fmt: skip
    assert int(noted["ops"]) >= 300
    missed = len(noted["clauses_not_reached"].split())
    assert int(noted["clauses_reached"]) + missed == int(noted["clauses_total"])


def test_a_broken_clause_is_a_failure(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the clause as its type, and what was printed as its text; rubbish from the client is written out."""
    code, client = conform("wrong")
    assert code == 1
    (case,) = suite_of(here / "junit.xml")
    assert case.attrib["name"] == client
    (failure,) = case.findall("failure")
    assert failure.attrib["type"] == "CLIENT-DIED"
    assert failure.attrib["message"].startswith("CLIENT-DIED: alloc: ")
    text = failure.text or ""
    assert r"& <here>" in text
    assert re.search(r"again: mmspec conform buddy --client .* --program mmspec-failures/buddy-", text)
    assert properties_of(case)["client"] == r"odd \x00\x1b\ufffe"
    assert text.splitlines()[-1] == capsys.readouterr().out.splitlines()[-1]


def test_a_run_that_decides_nothing_is_an_error(here: Path) -> None:
    """Not a skip, which servers show as green."""
    assert conform("unable")[0] == 3
    (case,) = suite_of(here / "junit.xml")
    (error,) = case.findall("error")
    assert error.attrib["type"] == "unknown"
    assert r"operations were not carried out: not \x01 today" in error.attrib["message"]


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (("buddy", "--client", "exec:./nosuch"), 4, "ClientError"),
        (("bubby", "--client", "impl"), 2, "InputError"),
        (("buddy", "--client", "impl", "--program", "nosuch"), 2, "InputError"),
    ],
)
def test_a_command_that_could_not_begin_is_an_error(here: Path, arguments: tuple[str, ...], code: int, kind: str) -> None:
    """In place of what an earlier run left in the file."""
    (here / "junit.xml").write_text("of an earlier run")
    assert run(cli, ["conform", *arguments, "--junit", "junit.xml"]) == code
    (case,) = suite_of(here / "junit.xml")
    assert [found.attrib["type"] for found in case.findall("error")] == [kind]


def test_a_file_that_cannot_be_written_is_known_before_the_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, and the client is not started."""
    assert run(cli, ["conform", "buddy", "--client", "exec:./nosuch", "--junit", "nosuch/junit.xml"]) == 4
    assert capsys.readouterr().err == "mmspec: cannot write nosuch/junit.xml: No such file or directory\n"


def test_an_interrupted_command_leaves_an_error(tmp_path: Path) -> None:
    """So does one that is killed: the file says so from the beginning."""
    path = tmp_path / "junit.xml"

    def interrupted() -> None:
        with reporting(path, ["buddy"], "impl"):
            (unfinished,) = suite_of(path)
            assert [found.attrib["type"] for found in unfinished.findall("error")] == ["unfinished"]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    (case,) = suite_of(path)
    assert [found.attrib["type"] for found in case.findall("error")] == ["KeyboardInterrupt"]


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_written(text: str) -> None:
    """And comes back as it was cleaned, but for the line ends that XML makes alike."""
    element = ET.Element("a", b=clean(text))
    element.text = clean(text)
    again = ET.fromstring(ET.tostring(element))
    assert again.attrib["b"] == clean(text)
    assert (again.text or "") == re.sub("\r\n?", "\n", clean(text))


@pytest.mark.parametrize(
    ("text", "cleaned"), [("a\x00b", r"a\x00b"), ("\ud800", r"\ud800"), ("\ufffe\x7f", r"\ufffe\x7f"), ("ä\t\n🙂", "ä\t\n🙂")]
)
def test_what_xml_cannot_hold_is_written_out(text: str, cleaned: str) -> None:
    """As Python writes it; everything else stays."""
    assert clean(text) == cleaned
