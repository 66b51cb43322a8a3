"""`triggerbot report` of folders in which something is damaged or missing: it claims no more than it could read."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_report import filled, report

SUITE = '<testsuite><testcase classname="t" name="a"/><testcase classname="t" name="b"/></testsuite>'
CUT = '<testsuite><testcase classname="t" name="a"/><testcase classn'


def told(here: Path, before: Path) -> dict[str, Any]:
    """Return the report as JSON."""
    found: dict[str, Any] = json.loads(report("--format", "junit", here, "--against", before, "--json").stdout)
    return found


@pytest.mark.parametrize("text", ["", "oops", CUT], ids=["empty", "no XML", "cut"])
def test_a_report_that_cannot_be_read_proves_nothing(tmp_path: Path, text: str) -> None:
    """Its job neither passed nor vanished; what the others say is told all the same."""
    here = filled(tmp_path / "today", {"unit/r.xml": text, "docs/r.xml": SUITE})
    before = filled(tmp_path / "yesterday", {"unit/r.xml": SUITE, "docs/r.xml": SUITE, "gone/r.xml": SUITE})

    found = told(here, before)

    assert [(one["job"], one["test"]) for one in found["vanished"]] == [("gone", None)]
    assert {one["job"]: one["verdict"] for one in found["jobs"]} == {
        "docs": "passed",
        "gone": "none",
        "unit": "unknown",
    }
    answer = report("--format", "junit", here, "--against", before)
    assert answer.exit_code == 2
    assert "unit/r.xml:1: expected JUnit XML" in answer.stderr


@pytest.mark.parametrize("text", ["", CUT], ids=["empty", "cut"])
def test_nothing_is_new_against_a_report_that_could_not_be_read(tmp_path: Path, text: str) -> None:
    """Nothing tells whether it failed before; a job that was not there at all is new."""
    suite = SUITE.replace('name="b"/>', 'name="b"><failure/></testcase>')
    here = filled(tmp_path / "today", {"unit/r.xml": suite, "docs/r.xml": suite})
    before = filled(tmp_path / "yesterday", {"unit/r.xml": text})

    found = told(here, before)

    assert [(one["job"], one["test"]) for one in found["unknown"]] == [("unit", "t.b")]
    assert [one["job"] for one in found["new"]] == ["docs"]


def test_nothing_fails_is_said_only_of_what_was_read(tmp_path: Path) -> None:
    """Of a folder with one empty file nothing is known."""
    here = filled(tmp_path / "today", {"unit/r.xml": ""})
    said = report("--format", "junit", here).stdout
    assert said.startswith(f"{here}: nothing that could be read fails")


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    """As a CI offers it for download."""
    archive = tmp_path / "reports.zip"
    archive.write_bytes(b"PK\x03\x04" + bytes(60))
    answer = report("--format", "junit", archive)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert f"{archive} is no folder: with --format, give one that has the reports of a run, unpacked" in answer.stderr
