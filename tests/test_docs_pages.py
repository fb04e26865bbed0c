"""The pages in docs: their commands are typed into a bash session with a sandbox, and their links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import cmarkgfm
import pytest
from fixtures import BIN, ROOT, Sandbox
from typed_pages import (
    Scene,
    check_blocks,
    expected_code,
    fenced,
    headings,
    play,
    read_blocks,
    scenes_of,
    section,
    started_scenes,
    type_commands,
)

from smrep.errors import Outcome

DOCS = ROOT / "docs"
TYPED = [
    DOCS / f"{name}.md"
    for name in ("surprises", "document", "failover", "exit-codes", "one-secret", "scripts", "permissions")
]
ELSEWHERE = {
    "README.md": "test_readme.py",
    "docs/ci.md": "action/test_ci_page.py",
    "docs/completion.md": "test_docs_pages.py",
    "docs/continuous.md": "peers/test_continuous_page.py",
    "docs/fleet.md": "test_fleet_page.py",
    "docs/install.md": "release/test_install.py",
    "docs/live.md": "test_live_run.py",
    "docs/sandbox.md": "test_docs_pages.py",
    "docs/terraform.md": "test_terraform_page.py",
}
"""Page -> the test that types its blocks, for pages with a test of their own."""
LINKED = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted(DOCS.rglob("*.md"))]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
SANDBOX_PAGE = (DOCS / "sandbox.md").read_text()
needs_tools = pytest.mark.skipif(
    not (BIN / "aws").exists() or not shutil.which("jq"), reason="the AWS CLI or jq is not installed"
)
needs_jq = pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")


@pytest.mark.docs
@needs_tools
@pytest.mark.parametrize(
    "scene", [pytest.param(scene, id=f"{page.stem}-{scene.title}") for page in TYPED for scene in scenes_of(page)]
)
def test_a_page_does_what_it_says(make_sandbox: Callable[..., Sandbox], scene: Scene, tmp_path: Path) -> None:
    play(make_sandbox, scene, tmp_path)


def own_sandbox_env(home: Path) -> dict[str, str]:
    """Return an environment in which nothing but smrep is found of AWS."""
    return {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home), "LANG": "C.UTF-8"}


@pytest.mark.docs
@needs_jq
def test_the_sandbox_runs_one_command(tmp_path: Path) -> None:
    (block,) = read_blocks(section(SANDBOX_PAGE, "Run one command, or a shell"))
    check_blocks([block], type_commands(block.commands, own_sandbox_env(tmp_path), tmp_path))
    assert (tmp_path / "rehearsal.json").exists()


@pytest.mark.docs
def test_an_organization_has_the_accounts_of_the_page(tmp_path: Path) -> None:
    text = section(SANDBOX_PAGE, "Try many accounts")
    (tmp_path / "dr.toml").write_text(*fenced(text, "toml"))
    typed = type_commands(read_blocks(text)[0].commands, own_sandbox_env(tmp_path), tmp_path)
    assert [each.code for each in typed] == [expected_code(each.command) for each in typed] == [0, 5]
    table = text.partition("| account |")[2]
    shown = dict(line.split("\t")[:2] for line in typed[0].out.splitlines() if "\t" in line)
    assert sorted(shown) == sorted(re.findall(r"`(\d{12})`", table))
    assert all(name in table for name in shown.values())
    for account in ("111111111111", "222222222222", "333333333333"):
        assert f"arn:aws:secretsmanager:us-east-1:{account}:" in typed[1].out or account in typed[1].out


@pytest.mark.docs
def test_a_running_sandbox_gets_its_faults(make_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    (scene,) = started_scenes(section(SANDBOX_PAGE, "Keep one running"))
    play(make_sandbox, scene, tmp_path)


@pytest.mark.docs
@needs_jq
@pytest.mark.parametrize("line", read_blocks(section(SANDBOX_PAGE, "Rehearse the loss of a Region"))[0].commands)
def test_a_drill_ends_as_the_page_says(line: str, tmp_path: Path) -> None:
    quick = line.replace("drill ", "drill --replication-delay 100ms --removal-delay 200ms ")
    (typed,) = type_commands([quick], own_sandbox_env(tmp_path), tmp_path)
    assert typed.code == expected_code(line), typed


@pytest.mark.docs
def test_the_completion_scripts_are_put_where_the_page_says(tmp_path: Path) -> None:
    blocks = read_blocks((DOCS / "completion.md").read_text())
    commands = [command for block in blocks for command in block.commands]
    check_blocks(blocks, type_commands(commands, own_sandbox_env(tmp_path), tmp_path))
    scripts = {path.name: path for path in tmp_path.rglob("*smrep*")}
    assert {*scripts} == {"smrep", "_smrep", "smrep.fish"}
    for name, shell in {"smrep": "bash", "_smrep": "zsh", "smrep.fish": "fish"}.items():
        assert scripts[name].read_text() == (ROOT / f"completions/smrep.{shell}").read_text()


def test_every_page_with_something_to_type_is_typed_by_a_test() -> None:
    pages = [ROOT / "README.md", *DOCS.glob("*.md")]
    to_type = {str(page.relative_to(ROOT)) for page in pages if "```sh\n" in page.read_text()}
    assert to_type == {*ELSEWHERE, *(str(page.relative_to(ROOT)) for page in TYPED)}
    for page, test in ELSEWHERE.items():
        assert Path(page).name in (ROOT / "tests" / test).read_text(), page


@pytest.mark.parametrize("page", TYPED, ids=lambda page: str(page.stem))
def test_every_block_of_a_page_is_in_a_scene(page: Path) -> None:
    text = page.read_text()
    scenes = scenes_of(page)
    starts = [scene.start for scene in scenes if f"```sh\n{scene.start}\n```" in text]
    typed = [*starts, *(command for scene in scenes for command in scene.commands)]
    assert sorted(typed) == sorted(command for block in read_blocks(text) for command in block.commands)


def test_the_exit_codes_are_smreps() -> None:
    rows = dict(re.findall(r"^\| (\d+) \| (\w*) ?\|", (DOCS / "exit-codes.md").read_text(), re.MULTILINE))
    ends = [outcome for outcome in Outcome if outcome is not Outcome.ACCEPTED]
    assert rows == {"141": ""} | {str(outcome.exit_code): outcome.word for outcome in ends}


def test_the_fields_are_those_of_the_schema() -> None:
    page = (DOCS / "document.md").read_text()
    assert runpy.run_path(str(DOCS / "fields.py"))["filled"](page) == page
    html = cmarkgfm.github_flavored_markdown_to_html(page)
    assert html.count("<table>") == page.count("<!-- fields of ") == 8
    schema = json.loads((ROOT / "smrep/output/document.schema.json").read_text())
    parts = {name for name, part in schema["$defs"].items() if "properties" in part}
    assert {*re.findall(r"<!-- fields of (\w+)", page)} == {"document", *parts}


def anchor(title: str) -> str:
    """Return the name by which GitHub links to a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _, part = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not part or part in {anchor(title) for title in headings(linked.read_text())}, target


def test_readme_leads_to_every_page() -> None:
    for page in DOCS.glob("*.md"):
        assert f"(docs/{page.name}" in README, page.name


def test_contributing_names_every_target_and_files_that_are_there() -> None:
    (phony,) = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = set(phony.replace("\\\n", " ").split())
    assert "test" in targets
    named = {word for line in re.findall(r"`make ([^`]+)`", CONTRIBUTING + README) for word in line.split()}
    assert targets == {word for word in named if re.fullmatch(r"[a-z][a-z-]*", word)}
    paths = re.findall(r"`((?:tests|smrep|docs)/[\w./-]+)`", CONTRIBUTING)
    assert all((ROOT / path).exists() for path in paths), paths


def test_contributing_explains_every_marker() -> None:
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    assert re.findall(r"^\| `(\w+)` \|", CONTRIBUTING, re.MULTILINE) == [line.split(":")[0] for line in markers]
