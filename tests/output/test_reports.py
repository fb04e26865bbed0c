"""Reports that are written to files: which there are, who may read them, and that none is half written."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from smrep.errors import Outcome, OutputError, UsageError
from smrep.output.artifacts import KINDS, check_path, write
from smrep.report import LazyReports, RunReport, SecretReport

REPORT = RunReport("audit", Outcome.OK, 0, datetime(2026, 11, 23, tzinfo=UTC), 1.0, summary={"secrets": 0})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("path", ["a.xml", "/x/b.prom", "./c.d/e.xml", "a b.prom", "a.ocsf.json"])
def test_an_ending_says_what_to_write(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    "path", ["", "-", "a", "a.json", "xml", ".prom", ".ocsf.json", "a.xml/", "a.xml/b", "a.XML", "a.prom.tmp"]
)
def test_any_other_ending_is_a_mistake_that_names_the_two(path: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        check_path(path)
    assert all(ending in (caught.value.hint or "") for ending in KINDS)
    with pytest.raises(UsageError):
        write(f"{tmp_path}/{path}", REPORT)
    assert names(tmp_path) == []


def test_each_kind_is_written_for_others_to_read(tmp_path: Path) -> None:
    for kind in KINDS:
        write(str(tmp_path / f"audit{kind}"), REPORT)
        assert stat.S_IMODE((tmp_path / f"audit{kind}").stat().st_mode) == 0o644
    assert ET.parse(tmp_path / "audit.xml").getroot().get("tests") == "0"
    assert "\nsmrep_audit_secrets_checked 0\n" in (tmp_path / "audit.prom").read_text()
    assert len(names(tmp_path)) == len(KINDS)


def test_what_cannot_be_written_is_said_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "folder.xml").mkdir()
    for path, reason in {
        tmp_path / "none" / "a.prom": "No such file or directory",
        tmp_path / "folder.xml": "Is a directory",
    }.items():
        with pytest.raises(OutputError) as caught:
            write(str(path), REPORT)
        assert caught.value.message == f"the report could not be written to {path}: {reason}"
        assert caught.value.code == "ReportNotWritten"  # as OutputError it would silence standard output


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_that_fails_midway_leaves_the_old_one(kind: str, tmp_path: Path) -> None:
    asked: list[int] = []

    def make(number: int) -> SecretReport:
        asked.append(number)
        if len(asked) == 15 or kind in (".prom", ".ocsf.json"):  # for JUnit in the second reading, with cases written
            raise OSError(5, "Input/output error")
        return SecretReport("a", Outcome.OK)

    path = tmp_path / f"audit{kind}"
    path.write_text("old\n")
    report = RunReport("audit", Outcome.OK, 0, REPORT.started_at, 1.0, secrets=LazyReports(range(10), make))
    with pytest.raises(OutputError, match="Input/output error"):
        write(str(path), report)
    assert (path.read_text(), names(tmp_path)) == ("old\n", [path.name])
