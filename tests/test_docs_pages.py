"""The pages in docs, typed into a bash session with a sandbox as the runbooks are, and their links."""

from __future__ import annotations

import json
import re
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path

import cmarkgfm
import pytest
from fixtures import BIN, ROOT, Sandbox
from runbook_pages import START, Scene, blocks, scenes
from test_runbooks import act

DOCS = ROOT / "docs"
TYPED = [DOCS / name for name in ("surprises.md", "document.md", "failover.md")]
ELSEWHERE = {
    "README.md": "test_readme.py",
    "docs/ci.md": "action/test_ci_page.py",
    "docs/fleet.md": "test_fleet_page.py",
    "docs/live.md": "test_live_run.py",
    "docs/terraform.md": "test_terraform_page.py",
}
"""Pages whose blocks another test types."""


def played(page: Path) -> list[Scene]:
    """Return the scenes of a page; one that starts no sandbox is typed into one as it comes."""
    found = blocks(page.read_text())
    return scenes(page) if found[0].commands[0].startswith(START) else [Scene(page, START, tuple(found))]


@pytest.mark.skipif(not (BIN / "aws").exists() or not shutil.which("jq"), reason="the AWS CLI or jq is not installed")
@pytest.mark.parametrize(
    "scene",
    [pytest.param(each, id=f"{page.stem}-{number}") for page in TYPED for number, each in enumerate(played(page), 1)],
)
def test_a_page_does_what_it_says(make_sandbox: Callable[..., Sandbox], scene: Scene, tmp_path: Path) -> None:
    act(make_sandbox, scene, tmp_path)


def test_every_page_with_something_to_type_is_typed_by_a_test() -> None:
    pages = [ROOT / "README.md", *DOCS.glob("*.md")]
    found = {str(page.relative_to(ROOT)) for page in pages if "```sh\n" in page.read_text()}
    assert found == {*ELSEWHERE, *(str(page.relative_to(ROOT)) for page in TYPED)}
    for page, test in ELSEWHERE.items():
        assert Path(page).name in (ROOT / "tests" / test).read_text(), page


def test_the_fields_are_those_of_the_schema() -> None:
    page = (DOCS / "document.md").read_text()
    assert runpy.run_path(str(DOCS / "fields.py"))["filled"](page) == page
    html = cmarkgfm.github_flavored_markdown_to_html(page)
    assert html.count("<table>") == page.count("<!-- fields of ") == 7
    schema = json.loads((ROOT / "smrep/output/document.schema.json").read_text())
    parts = {name for name, part in schema["$defs"].items() if "properties" in part}
    assert {*re.findall(r"<!-- fields of (\w+)", page)} == {"document", *parts}


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *DOCS.rglob("*.md")], ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _, part = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        titles = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE) if part else []
        assert not part or part in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles}, target
