"""README: its length, its table of commands, and its blocks, typed into a shell as a first reader would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import BIN, ROOT, Sandbox
from typed_pages import (
    DEFAULT_START,
    SAFETY_NET_S,
    Block,
    Scene,
    check_blocks,
    headings,
    play,
    read_blocks,
    section,
    type_commands,
)

README = (ROOT / "README.md").read_text()
SHELL = " -- bash --norc"
MOST_WORDS = 1100


def words(text: str) -> list[str]:
    """Return the words of a page outside of its fenced blocks: whatever stands between blanks, as `wc -w` counts."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE).split()


def type_into_own_sandbox(start: Block, session: Block, folder: Path) -> dict[str, str]:
    """Type a block into the shell that another block starts; return each command's first two words -> what it wrote."""
    command = start.commands[-1]
    assert command.startswith("smrep sandbox exec ")
    assert command.endswith(SHELL)
    assert session.commands[-1] == "exit"
    env = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8", "SMREP_OUTPUT": "table"}
    typed = type_commands(session.commands, env, folder, shell=command.split())
    check_blocks([session], typed)
    return {" ".join(each.command.split()[:2]): each.out for each in typed}


def test_readme_has_at_most_1100_words() -> None:
    assert words("two words\n```sh\nnot these\n```\n| and | two |") == ["two", "words", "|", "and", "|", "two", "|"]
    assert len(words(README)) <= MOST_WORDS


def test_readme_has_its_parts_in_order() -> None:
    assert headings(README) == [
        "Install",
        "Quick start",
        "One secret",
        "Forty secrets by Friday",
        "Commands",
        "Documentation",
        "License",
    ]
    assert README.index("](docs/replicate.svg)") < README.index("- **It waits.**") < README.index("## Install")
    assert len(re.findall(r"^- ", README[: README.index("## Install")], re.MULTILINE)) == 6
    assert section(README, "Quick start").strip().splitlines()[-1].startswith("**Next:** ")


def test_the_two_commands_that_set_themselves_up_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("demo", "test"):
        assert f"make {target}" in README
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_command_is_in_the_table() -> None:
    from smrep.cli.root import COMMANDS

    rows = set(re.findall(r"`smrep ([\w-]+)[^`]*`", "".join(re.findall(r"^\|.*", README, re.MULTILINE))))
    assert rows == set(COMMANDS)


@pytest.mark.docs
def test_the_demo_ends_in_sync() -> None:
    assert [each.split()[:2] for each in read_blocks(section(README, "Quick start"))[0].commands] == [
        ["make", "demo"],
        ["make", "test"],
    ]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", f"BIN={BIN}", "--old-file", ".venv/run.stamp", "demo"],  # set up already, or this could not run
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=SAFETY_NET_S,
    )
    assert done.returncode == 0, done.stderr
    assert "3 of 3 in sync" in done.stdout


@pytest.mark.docs
def test_the_quick_start_does_what_it_says(tmp_path: Path) -> None:
    _set_up, start, session = read_blocks(section(README, "Quick start"))
    wrote = type_into_own_sandbox(start, session, tmp_path)
    assert "2 of 2 in sync" in wrote["smrep verify"]
    assert re.search("eu-west-1 +Failed", wrote["smrep status"])
    assert "--force-overwrite" in wrote["smrep doctor"]


@pytest.mark.docs
def test_one_secret_is_protected(make_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    play(make_sandbox, Scene("", DEFAULT_START, tuple(read_blocks(section(README, "One secret")))), tmp_path)


@pytest.mark.docs
def test_forty_secrets_are_protected(tmp_path: Path) -> None:
    part = section(README, "Forty secrets by Friday")
    start, session, policy = read_blocks(part)
    wrote = type_into_own_sandbox(start, session, tmp_path)
    (rule,) = tomllib.loads((tmp_path / "dr.toml").read_text())["replicate"]
    assert rule["names"] == [f"app/{number:04}/db" for number in range(40)]
    assert "40 secrets: 40 to add" in wrote["smrep plan"]
    assert "40 secrets: 40 replicas changed" in wrote["smrep apply"]
    assert "All 40 secrets have a current replica in us-west-2" in wrote["smrep audit"]
    assert (tmp_path / "dr.html").read_text().startswith("<!DOCTYPE html>")
    (line,) = policy.commands
    done = subprocess.run(
        ["bash", "-c", line], env={"PATH": f"{BIN}:{os.environ['PATH']}"}, capture_output=True, check=True
    )
    assert json.loads(done.stdout)["Statement"]
