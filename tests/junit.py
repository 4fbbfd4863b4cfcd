"""What continuous-integration servers ask of a JUnit file (the xUnit plugin's junit-10.xsd), as far as ours use it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

OUTCOMES = ("failure", "error", "skipped")


def suite_of(path: Path) -> ET.Element:
    """Return a file's one suite; fail where a server would misread it."""
    root = ET.parse(path).getroot()
    assert root.tag == "testsuites"
    (suite,) = root
    assert suite.tag == "testsuite"
    assert {"name", "tests", "failures", "errors", "skipped", "time"} <= suite.attrib.keys()
    cases = suite.findall("testcase")
    assert cases == list(suite)
    for case in cases:
        assert {"classname", "name", "time"} == case.attrib.keys()
        assert [child.tag for child in case] in (
            [],
            ["properties"],
            *([tag] for tag in OUTCOMES),
            *(["properties", tag] for tag in OUTCOMES),
        )
        for one in case.findall("properties/*"):
            assert (one.tag, one.attrib.keys()) == ("property", {"name", "value"})
        for tag in OUTCOMES:
            assert all("message" in found.attrib for found in case.findall(tag))
    counts = [len(suite.findall(f"testcase/{tag}")) for tag in OUTCOMES]
    assert [int(suite.attrib[name]) for name in ("failures", "errors", "skipped")] == counts
    assert int(suite.attrib["tests"]) == len(cases)
    return suite


def properties_of(case: ET.Element) -> dict[str, str]:
    """Return a testcase's properties."""
    return {one.attrib["name"]: one.attrib["value"] for one in case.findall("properties/property")}
