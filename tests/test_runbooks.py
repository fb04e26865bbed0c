"""docs/runbooks: each page is typed into a bash session with a sandbox, in order, and shows what the session shows."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import BIN, ROOT, Sandbox
from typed_pages import Scene, fenced, find_missing, headings, paste, play, scenes_of, split_commands, type_commands

from smrep.rules.manifest.parser import parse

FOLDER = ROOT / "docs/runbooks"
PAGES = sorted(page for page in FOLDER.glob("*.md") if page.name != "README.md")
PARTS = ["What you see", "What you type", "What can go wrong", "How you know that it is over", "What it cost"]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))


@pytest.mark.docs
@pytest.mark.skipif(not (BIN / "aws").exists() or not shutil.which("jq"), reason="the AWS CLI or jq is not installed")
@pytest.mark.parametrize(
    "scene", [pytest.param(scene, id=f"{page.stem}-{scene.title}") for page in PAGES for scene in scenes_of(page)]
)
def test_a_page_does_what_it_says(make_sandbox: Callable[..., Sandbox], scene: Scene, tmp_path: Path) -> None:
    play(make_sandbox, scene, tmp_path)


@each_page
def test_a_page_has_all_its_parts(page: Path) -> None:
    assert [title for title in headings(page.read_text()) if title in PARTS] == PARTS


@each_page
def test_the_index_leads_to_every_page(page: Path) -> None:
    assert f"({page.name})" in (FOLDER / "README.md").read_text()


def test_each_manifest_of_a_page_is_one() -> None:
    manifests = [text for page in PAGES for text in fenced(page.read_text(), "toml")]
    assert manifests
    for text in manifests:
        assert parse(text, "dr.toml").rules


def test_the_parts_that_hints_name_are_there() -> None:
    hints = [
        hint
        for path in sorted((ROOT / "smrep").rglob("*.py"))
        for hint in re.findall(r"'([^']+)' in the runbook\", \"smrep help runbooks ([\w-]+)\"", path.read_text())
    ]
    assert len(hints) >= 3
    for part, page in hints:
        assert part in headings((FOLDER / f"{page}.md").read_text()), (page, part)


def test_commands_of_several_lines_are_kept_together() -> None:
    lines = ["for each in 1 2; do", "  echo $each", "done", "", "echo a \\", "  b", "echo c  # exit 1"]
    assert split_commands(lines) == ["for each in 1 2; do\n  echo $each\ndone", "echo a \\\n  b", "echo c  # exit 1"]
    assert split_commands(["", "echo a \\", "  b", "echo c"]) == ["echo a \\\n  b", "echo c"]


def test_a_session_keeps_its_variables_and_ends_at_an_unexpected_exit_code(tmp_path: Path) -> None:
    commands = ["x=1", "echo $x", "false | true  # exit 1", "exit_code() { return 3; }; exit_code", "echo no"]
    typed = type_commands(commands, {}, tmp_path)
    assert [(each.code, each.out) for each in typed] == [(0, ""), (0, "1\n"), (1, ""), (3, "")]


def test_what_is_shown_is_looked_for_line_by_line() -> None:
    out = "a\nb 12 s\nc\nd\n"
    assert find_missing(["b … s", "c"], out) is None
    assert find_missing(["a", "...", "d"], out) is None
    assert find_missing(["a", "c"], out) == "c"
    assert find_missing(["c", "a"], out) == "a"
    assert find_missing(["b", "..."], out) == "b"


@pytest.mark.docs
@pytest.mark.parametrize(
    "line",
    [
        "smrep --version",
        "smrep nowhere",
        "smrep iam-policy prod/db -r us-west-2 --primary-region us-east-1",
        "printf 'prod/db\\n' | smrep status - --query 'secrets[0].error.code'",
        "cd / && smrep status prod/db --timeout nothing",
    ],
)
def test_a_warm_program_does_what_the_real_one_does(sandbox: Sandbox, tmp_path: Path, line: str) -> None:
    warm = paste(sandbox, line, tmp_path)
    real = subprocess.run(
        ["bash", "-c", line], env=sandbox.env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (warm.returncode, warm.stdout, warm.stderr) == (real.returncode, real.stdout, real.stderr)
