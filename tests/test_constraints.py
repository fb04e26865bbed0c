"""What is installed to run, test and build smrep: each package at one version, by its hash, and nothing besides."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from fixtures import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FILES = sorted(ROOT.glob("constraints*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
AUDIT = ROOT / ".ci/audit.py"


def pinned(name: str) -> dict[str, str]:
    """Return the version of each package that a file pins, whatever the platform."""
    text = (ROOT / name).read_text()
    return {canonicalize_name(each[0]): each[1] for each in re.findall(r"^(\S+)==(\S+)", text, re.MULTILINE)}


def wanted(group: str) -> list[Requirement]:
    """Return what a dependency group asks for, with the groups that it includes."""
    found = []
    for each in PROJECT["dependency-groups"][group]:
        found += wanted(each["include-group"]) if isinstance(each, dict) else [Requirement(each)]
    return found


def test_every_package_has_its_version_and_its_hashes() -> None:
    entry = r"[a-z0-9-]+==[\w.!+]+( ; [^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n"
    for path in FILES:
        text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)
        first, _, packages = text.partition("\n\n")
        assert first == "--only-binary :all:", path
        assert re.fullmatch(f"({entry})+", packages), path


def test_no_file_says_where_to_fetch_from() -> None:
    for path in FILES:
        assert not re.search(r"://|index|find-links|\bfile:|@ |\.org|\.com|/", path.read_text()), path


@pytest.mark.parametrize(
    ("name", "requirements"),
    [
        ("constraints.txt", [Requirement(each) for each in PROJECT["project"]["dependencies"]]),
        ("constraints.txt", [Requirement(each) for each in PROJECT["build-system"]["requires"]]),
        ("constraints.txt", wanted("build")),
        ("constraints-crt.txt", [Requirement("awscrt")]),
        ("constraints-dev.txt", wanted("dev")),
        ("constraints-mutation.txt", wanted("mutation")),
        ("constraints-tools.txt", wanted("tools")),
    ],
)
def test_what_the_project_asks_for_is_pinned(name: str, requirements: list[Requirement]) -> None:
    """Where this fails: `make constraints`."""
    versions = pinned(name)
    for each in requirements:
        assert each.specifier.contains(versions[canonicalize_name(each.name)], prereleases=True), each


def test_the_files_agree() -> None:
    run, dev, crt, mutation = (pinned(f"constraints{each}.txt") for each in ("", "-dev", "-crt", "-mutation"))
    assert run.items() <= dev.items()
    assert {name: version for name, version in crt.items() if name != "awscrt"}.items() <= run.items()
    assert {name: version for name, version in mutation.items() if name in dev}.items() <= dev.items()


def test_make_installs_from_the_files_and_from_nowhere_else() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    (strict,) = [line for line in lines if line.startswith("PINNED :=")]
    assert "install --require-hashes --no-deps --requirement" in strict
    installs = [line for line in lines if "install " in line and line is not strict]
    assert installs == ["\t@$(PIP) install --no-deps --no-build-isolation --editable ."]
    by_make = [path for path in FILES if path.name != "constraints-crt.txt"]  # which the image alone needs
    assert len([line for line in lines if "$(PINNED) constraints" in line]) == len(by_make)


# make audit ------------------------------------------------------------------------------------

CLEAN = {"name": "click", "version": "8.5.1", "vulns": []}
KNOWN = {"name": "rich", "version": "1.0", "vulns": [{"id": "PYSEC-0000-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "boto3", "skip_reason": "not found"}
OUT_OF_REACH = "Traceback ...\nrequests.exceptions.ProxyError: HTTPSConnectionPool(...): Max retries exceeded"
BAD_CERTIFICATE = "Traceback ...\nrequests.exceptions.SSLError: certificate verify failed"


@pytest.mark.parametrize(
    ("answer", "ended", "code", "words"),
    [
        ([CLEAN], 0, 0, "no vulnerability is known of 1 packages"),
        ([CLEAN, KNOWN], 1, 1, "rich 1.0: PYSEC-0000-1, fixed in 1.1"),
        ([UNKNOWN, KNOWN], 1, 1, "PYSEC-0000-1"),
        ([UNKNOWN, UNKNOWN], 0, 0, "skipped: the package index in use has no advisories"),
        ([CLEAN, UNKNOWN], 0, 1, "no word could be had about boto3"),
        ([], 0, 1, "no word could be had"),
        ([CLEAN], 1, 1, "no word could be had"),
        (OUT_OF_REACH, 1, 0, "skipped: the source of the advisories can't be reached"),
        ("Could not connect to the vulnerability feed", 1, 0, "skipped"),
        (BAD_CERTIFICATE, 1, 1, "certificate verify failed"),
        ("invalid requirements input", 1, 1, "invalid requirements input"),
        ("", 1, 1, "it said nothing"),
    ],
)
def test_an_audit_fails_where_it_found_something_and_says_where_it_could_not_look(
    tmp_path: Path, answer: list[Any] | str, ended: int, code: int, words: str
) -> None:
    """A text stands for what pip-audit says on standard error, where it has no packages to tell of."""
    said, printed = (answer, "") if isinstance(answer, str) else ("", json.dumps({"dependencies": answer}))
    fake = tmp_path / "pip-audit"
    fake.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"assert sys.argv[1:5] == ['--requirement', 'a.txt', '--requirement', 'b.txt']\n"
        f"print({printed!r}); sys.stderr.write({said!r}); sys.exit({ended})\n"
    )
    fake.chmod(0o700)
    done = subprocess.run([sys.executable, AUDIT, fake, "a.txt", "b.txt"], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
