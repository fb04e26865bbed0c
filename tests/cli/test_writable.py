"""A file that a run is to write has a folder, or the run does not begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from smrep.cli.fleet_setup import check_writable
from smrep.errors import UsageError


@pytest.mark.parametrize("path", ["a.xml", "b.d/c.prom", "./b.d/../e.xml", "a b.prom"])
def test_a_folder_that_is_there_is_enough(tmp_path: Path, path: str) -> None:
    (tmp_path / "b.d").mkdir()
    check_writable("--report", f"{tmp_path}/{path}")
    assert [each.name for each in tmp_path.iterdir()] == ["b.d"]


def test_a_file_without_a_folder_is_a_mistake_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--report .*/none/a.xml cannot be written: folder .*/none"):
        check_writable("--report", str(tmp_path / "none" / "a.xml"))
