"""``--junit FILE``: a command's runs as the XML that continuous-integration servers read, one testcase a run.

A broken clause is a ``failure``, with the clause as its type; a run that decided nothing is an ``error``, so that no server
shows it as green. https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from mmprops.conform import ConformRun
from mmprops.machine import Machine
from mmprops.telling import properties
from mmspec.errors import MmspecError

FORBIDDEN = re.compile("[^\t\n\r -\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, whatever the escape, and the control characters that it advises against."""


def junit_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--junit`` to a command."""
    return click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML to this file.")(command)


def clean(text: str) -> str:
    """Return a text with what XML cannot hold written as Python writes it in a string."""
    return FORBIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def case_of(machine: Machine, run: ConformRun, client: str, lines: Sequence[str]) -> ET.Element:
    """Return a run as a testcase, named as the client was asked for; ``lines`` tell it to people."""
    case = _case(run.machine, client, run.seconds)
    listed = ET.SubElement(case, "properties")
    for name, value in properties(machine, run):
        ET.SubElement(listed, "property", name=name, value=clean(str(value)))
    if run.violation is not None:
        broken = run.violation.broken
        _bad(case, "failure", broken.clause, f"{broken.clause}: {broken.explanation}", "\n".join(lines))
    elif run.verdict != "pass":
        _bad(case, "error", run.verdict, run.reason, "\n".join(lines))
    return case


def _case(machine: str, client: str, seconds: float = 0.0) -> ET.Element:
    return ET.Element("testcase", classname=f"mmspec.{clean(machine)}", name=clean(client), time=f"{seconds:.3f}")


def _bad(case: ET.Element, tag: str, kind: str, message: str, text: str) -> None:
    ET.SubElement(case, tag, type=kind, message=clean(message)).text = clean(text)


def _error(machine: str, client: str, kind: str, message: str) -> ET.Element:
    case = _case(machine, client)
    _bad(case, "error", kind, message, message)
    return case


def write(path: Path, cases: Sequence[ET.Element]) -> None:
    """Write testcases as one suite (MmspecError: the file cannot be written)."""
    tags = [child.tag for case in cases for child in case]
    seconds = sum(float(case.get("time", "0")) for case in cases)
    counted = {"tests": len(cases), "failures": tags.count("failure"), "errors": tags.count("error"), "skipped": 0}
    counts = {name: str(count) for name, count in counted.items()} | {"time": f"{seconds:.3f}"}
    suites = ET.Element("testsuites", counts)
    ET.SubElement(suites, "testsuite", {"name": "mmspec"} | counts).extend(cases)
    ET.indent(suites)
    try:
        ET.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise MmspecError(f"cannot write {path}: {error.strerror}") from None


@contextmanager
def reporting(path: Path | None, named: Iterable[str], client: str) -> Iterator[list[ET.Element]]:
    """Yield the list for the cases of a command's runs, and write it to a file, if one is given, however the command ends.

    The file says at once that nothing was decided: what an earlier run left there would otherwise be taken for this one.
    """
    cases: list[ET.Element] = []
    if path is None:
        yield cases
        return
    machine = " ".join(named) or "all"
    write(path, [_error(machine, client, "unfinished", "the command was ended before it decided anything")])
    try:
        yield cases
    except BaseException as error:
        write(path, [*cases, _error(machine, client, type(error).__name__, str(error) or "interrupted: nothing was decided")])
        raise
    write(path, cases)
