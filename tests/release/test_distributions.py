"""The wheel and the source distribution: the same bytes from the same source, with all that belongs in and no more."""

from __future__ import annotations

import configparser
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from fixtures import ROOT
from release.built_packages import build, listed, unpacked

from smrep import __version__

pytestmark = pytest.mark.release
NAME = f"smrep-{__version__}"
COMPLETIONS = {
    "share/bash-completion/completions/smrep": "smrep.bash",
    "share/zsh/site-functions/_smrep": "smrep.zsh",
    "share/fish/vendor_completions.d/smrep.fish": "smrep.fish",
}
CODE = {".py", ".json", ".css", ".html", ".js", ".typed"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build(ROOT, tmp_path_factory.mktemp("dist"), "sdist", "wheel")


def hashes(paths: dict[str, Path]) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths.values()}


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        names = [each.filename for each in archive.infolist()]
        assert len(names) == len(set(names))
        return {name: archive.read(name) for name in names}


@pytest.mark.parametrize(("umask", "date"), [(0o000, 1), (0o077, 2_000_000_000)])
def test_the_same_source_makes_the_same_bytes(built: dict[str, Path], tmp_path: Path, umask: int, date: int) -> None:
    """Built again from what was built: elsewhere, with other dates and modes, by `make package`."""
    before = os.umask(umask)
    try:
        folder = unpacked(built["sdist"], tmp_path / "elsewhere")
        for path in [*folder.rglob("*")]:
            os.utime(path, (date, date))
            path.chmod(path.stat().st_mode & 0o100 | 0o666 & ~umask if path.is_file() else 0o777 & ~umask)
        make = ["make", "--silent", "-o", ".venv/run.stamp", "package", f"BIN={Path(sys.executable).parent}"]
        env = {**os.environ, "SOURCE_DATE_EPOCH": str(date)}
        done = subprocess.run(make, cwd=folder, env=env, capture_output=True, text=True, check=True)
    finally:
        os.umask(before)
    told = dict(
        reversed(line.split()) for line in done.stdout.splitlines() if line.endswith((".gz", ".whl")) and " " in line
    )
    assert told == hashes(built)
    assert {each.name for each in (folder / "dist").iterdir()} == told.keys()


def test_the_wheel_holds_the_package_its_pages_and_completions_and_nothing_else(built: dict[str, Path]) -> None:
    found = contents(built["wheel"])
    code = {
        str(path.relative_to(ROOT)): path
        for path in (ROOT / "smrep").rglob("*")
        if path.suffix in CODE and path.is_file()
    }
    code |= {f"smrep/runbooks/{path.name}": path for path in (ROOT / "docs/runbooks").iterdir()}
    data = {f"share/man/man1/{path.name}": path for path in (ROOT / "docs/man").iterdir()}
    data |= {place: ROOT / "completions" / name for place, name in COMPLETIONS.items()}
    wanted = code | {f"{NAME}.data/data/{place}": path for place, path in data.items()}
    wanted |= {f"{NAME}.dist-info/licenses/LICENSE": ROOT / "LICENSE"}
    made = {f"{NAME}.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    assert found.keys() == wanted.keys() | made
    assert {name: found[name] for name in wanted} == {name: path.read_bytes() for name, path in wanted.items()}
    assert {"smrep/py.typed", "smrep/output/document.schema.json", "smrep/output/drill.schema.json"} <= wanted.keys()


def test_the_wheel_says_what_it_is(built: dict[str, Path]) -> None:
    found = contents(built["wheel"])
    entry = configparser.ConfigParser()
    entry.read_string(found[f"{NAME}.dist-info/entry_points.txt"].decode())
    assert dict(entry["console_scripts"]) == {"smrep": "smrep.__main__:main"}
    assert entry.sections() == ["console_scripts"]
    told = message_from_bytes(found[f"{NAME}.dist-info/METADATA"])
    assert (told["Name"], told["Version"], told["License-Expression"]) == ("smrep", __version__, "Apache-2.0")
    assert (told["Description-Content-Type"], told["Requires-Python"]) == ("text/markdown", ">=3.11")
    assert b"Root-Is-Purelib: true\nTag: py3-none-any" in found[f"{NAME}.dist-info/WHEEL"]


def test_nothing_in_them_depends_on_who_built_them(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as archive:
        assert {each.date_time for each in archive.infolist()} == {(2020, 2, 2, 0, 0, 0)}
        assert {each.external_attr >> 16 & 0o777 for each in archive.infolist()} == {0o644}
    with tarfile.open(built["sdist"]) as archive:
        assert {(each.uid, each.gid, each.uname, each.gname, each.mtime) for each in archive} == {
            (0, 0, "", "", 1580601600)
        }
        runs = {each.name.removeprefix(f"{NAME}/") for each in archive if each.mode & 0o111}
        assert all(each.mode & 0o777 in (0o644, 0o755) for each in archive)
    assert ".ci/run" in runs
    assert runs <= {name for name in runs if (ROOT / name).stat().st_mode & 0o100}


@pytest.mark.skipif(
    not (ROOT / ".git").exists() or not shutil.which("git"), reason="NO CLONE: THE SOURCE WAS COMPARED WITH NOTHING"
)
def test_the_source_distribution_is_the_clone(built: dict[str, Path]) -> None:
    """What git does not know yet may be in it, so that a new file fails no test before it is committed."""
    with tarfile.open(built["sdist"]) as archive:
        found = {each.name.removeprefix(f"{NAME}/") for each in archive}
    known = listed()
    assert known - found == set()
    assert found - known - listed("--others", "--exclude-standard") == {"PKG-INFO"}
