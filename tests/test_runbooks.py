"""docs/runbooks: every page typed into a bash session with a sandbox, in order, and what it shows is what is seen."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from fixtures import BIN, ROOT, Sandbox
from runbook_pages import FOLDER, Scene, commands, missing, pages, run, scenes
from test_readme import expected_code

from smrep.cli.fault_options import faults_from
from smrep.cli.sandbox import start
from smrep.rules.manifest import parse
from smrep.sandbox.faults import Faults
from smrep.sandbox.seed import sample_estate, seed

PARTS = ("What you see", "What you type", "What can go wrong", "How you know that it is over", "What it cost")
each_page = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.stem))


def headings(text: str) -> list[str]:
    return re.findall(r"^##+ (.+)$", text, re.MULTILINE)


def stage(make_sandbox: Callable[..., Sandbox], words: str) -> Sandbox:
    """Return the sandbox that these words would start, in this process."""
    context = start.make_context("start", words.split()[3:])
    faults = faults_from(context.params)
    sandbox = make_sandbox(**{each.name: getattr(faults, each.name) for each in fields(Faults)})
    seed(sandbox.simulator, sample_estate())
    return sandbox


def act(make_sandbox: Callable[..., Sandbox], scene: Scene, tmp_path: Path) -> None:
    """Type a scene into a bash session; each command ends as its comment says, and shows what the page shows."""
    sandbox = stage(make_sandbox, scene.start)
    done = run(scene.typed, {**sandbox.env, "SMREP_OUTPUT": "table", "COLUMNS": "120"}, tmp_path)
    assert len(done) == len(scene.typed), done[-1]
    for each in done:
        assert each.code == expected_code(each.command), each
        assert "Traceback" not in each.out, each
    seen = iter(done)
    for block in scene.blocks:
        out = "".join(next(seen).out for _ in block.commands)
        assert missing(block.shown, out) is None, (missing(block.shown, out), out)


@pytest.mark.skipif(not (BIN / "aws").exists() or not shutil.which("jq"), reason="the AWS CLI or jq is not installed")
@pytest.mark.parametrize(
    "scene",
    [pytest.param(each, id=f"{page.stem}-{number}") for page in pages() for number, each in enumerate(scenes(page), 1)],
)
def test_a_page_does_what_it_says(make_sandbox: Callable[..., Sandbox], scene: Scene, tmp_path: Path) -> None:
    act(make_sandbox, scene, tmp_path)


@each_page
def test_a_page_has_all_its_parts(page: Path) -> None:
    assert [each for each in headings(page.read_text()) if each in PARTS] == list(PARTS)


@each_page
def test_the_index_leads_to_every_page(page: Path) -> None:
    assert f"({page.name})" in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("page", [*pages(), FOLDER / "README.md"], ids=lambda page: str(page.stem))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target
    for target, title in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
        text = (page.parent / target if target else page).read_text()
        assert title in [re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings(text)], title


def test_each_manifest_of_a_page_is_one() -> None:
    found = [each for page in pages() for each in re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)]
    assert found
    for text in found:
        assert parse(text, "dr.toml").rules


def test_what_the_code_says_of_a_page_is_there() -> None:
    """A hint names a page and a part of it."""
    found = [
        told
        for path in sorted((ROOT / "smrep").rglob("*.py"))
        for told in re.findall(r"smrep help runbooks ([\w-]+), '([^']+)'", path.read_text())
    ]
    assert len(found) >= 3
    for page, part in found:
        assert part in headings((ROOT / f"docs/runbooks/{page}.md").read_text()), (page, part)


def test_commands_of_several_lines_are_kept_together() -> None:
    lines = ["for each in 1 2; do", "  echo $each", "done", "", "echo a \\", "  b", "echo c  # exit 1"]
    assert commands(lines) == ["for each in 1 2; do\n  echo $each\ndone", "echo a \\\n  b", "echo c  # exit 1"]


def test_a_session_keeps_its_variables_and_ends_where_a_command_does_not_end_as_said(tmp_path: Path) -> None:
    done = run(
        ["x=1", "echo $x", "false | true  # exit 1", "exit_code() { return 3; }; exit_code", "echo no"], {}, tmp_path
    )
    assert [(each.code, each.out) for each in done] == [(0, ""), (0, "1\n"), (1, ""), (3, "")]


def test_what_is_shown_is_looked_for_line_by_line() -> None:
    out = "a\nb 12 s\nc\nd\n"
    assert missing(["b … s", "c"], out) is None
    assert missing(["a", "...", "d"], out) is None
    assert missing(["a", "c"], out) == "c"
    assert missing(["c", "a"], out) == "a"
    assert missing(["b", "..."], out) == "b"
